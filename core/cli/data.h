/* What the parts of `ranvier data` share: the sets that dataset plugins know, their files on this disk, a
 * sample. Main thread. */
#ifndef RV_CLI_DATA_H
#define RV_CLI_DATA_H

#include <json-glib/json-glib.h>
#include <ranvier/node.h>

typedef struct
{
  const RvPlugin *plugin;
  const RvOfficialSet *set;
} RvSet;

typedef enum
{
  RV_FILE_MISSING,
  RV_FILE_WHOLE,
  RV_FILE_DAMAGED, /* or of other content than published */
  RV_FILE_UNKNOWN  /* nothing is published to compare it with */
} RvFileState;

typedef struct
{
  const RvOfficialFile *file;
  char *path; /* NULL: missing */
  RvFileState state;
  char *text; /* the state in words */
} RvFound;

/* All sets of all dataset plugins, RvSet. A plugin that can not be used is told on standard error, and
 * *unusable set. Caller unrefs. */
GArray *rv_sets_list (gboolean *unusable);

/* The files of sets[index] below `root`, RvFound *; `again` reads them whatever is remembered. Caller
 * unrefs. */
GPtrArray *rv_set_find (const GArray *sets, guint index, const char *root, gboolean again);

/* Whether the file at `path` has the size and checksum that are published; TRUE if none are. */
gboolean rv_official_verify (const RvOfficialFile *file, const char *path, gboolean again, GError **error);

/* Fetches into `folder` from `from` (NULL: the file's own address), going on with what an earlier time left
 * in NAME.part; under its name the file appears whole and verified or not at all. */
gboolean rv_official_fetch (const RvOfficialFile *file, const char *from, const char *folder, GError **error);

/* Prints counts per split and class of a set whose files are at hand, or adds them to `json` (not NULL).
 * FALSE after telling what can not be read. */
gboolean rv_set_describe (const RvSet *set, const GPtrArray *files, const char *root, JsonArray *json);

/* Draws sample `id` of `split` (NULL: the first) as `stem`.dat, .gp, .svg and .png. Returns the exit code,
 * having told what went wrong. */
int rv_set_draw (const RvSet *set, const GPtrArray *files, const char *root, const char *split, gint64 id,
                 const char *stem);

#endif
