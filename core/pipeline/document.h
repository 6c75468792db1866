/* A pipeline file read and composed: includes merged, -s applied, axes known; and each cell resolved. */
#ifndef RV_DOCUMENT_H
#define RV_DOCUMENT_H

#include "base/value.h"

typedef struct
{
  char *name;
  GPtrArray *choices; /* char * */
  gboolean broken;    /* after a mistake: one choice without a name, so that the rest can be checked */
} RvAxis;

typedef struct
{
  char **choices; /* [axes], borrowed from the axes */
  RvValue *nodes; /* map of node name to its map, every $(name) replaced */
} RvCell;

typedef struct
{
  char *title;
  char *path;
  char *merged; /* the file as YAML with what it includes, each value with its place; NULL: it includes nothing */
  GPtrArray *axes; /* RvAxis *; those that -s AXIS=a,b narrowed are narrowed */
  GPtrArray
      *cells; /* RvCell *; the product of the axes, the last axis running fastest; one if there are none */
} RvDocument;

/* Reads YAML text into a value tree; mistakes are added. NULL only if nothing can be made of it. */
RvValue *rv_yaml_parse (const char *text, gsize length, const char *file, RvMistakes *mistakes);

/* Reads `path`, its includes, and `settings` (the texts of -s, may be NULL). Mistakes are added; NULL if no
 * document could be made. What was a mistake is broken in it, so that the graph can be checked all the same. */
RvDocument *rv_document_load (const char *path, const char *const *settings, RvMistakes *mistakes);
/* The same from memory: for tests and fuzzing. */
RvDocument *rv_document_parse (const char *text, gsize length, const char *file, const char *const *settings,
                               RvMistakes *mistakes);
void rv_document_free (RvDocument *document);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvDocument, rv_document_free)

#endif
