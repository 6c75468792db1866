/* Finding and loading plugins. The registry is the only global mutable state. Main thread. */
#ifndef RV_REGISTRY_H
#define RV_REGISTRY_H

#include "plugin/descriptor.h"
#include "plugin/probe.h"

typedef struct
{
  char *path;
  const char *origin; /* "--plugin-path", "RANVIER_PLUGIN_PATH", "user", "install", "build" */
} RvPluginFolder;

/* A plugin file as the listing sees it. */
typedef struct
{
  char *kind, *name;  /* without a kind the file's name is no KIND-NAME.so, and stands in `name` */
  char *file;
  const char *origin; /* of its folder */
  GPtrArray *hidden;  /* char *: files of the same name in later folders, which are not used */
  RvProbe probe;
} RvPluginEntry;

/* Puts folders (G_SEARCHPATH_SEPARATOR between them) before all others. */
void rv_registry_add_path (const char *folders);
/* The folders in search order: array of RvPluginFolder *, caller unrefs. */
GPtrArray *rv_registry_folders (void);
/* From now on a child of `program` loads each file first (see probe.h), so that a plugin that crashes,
 * hangs or exits is refused like any other. NULL: no more. */
void rv_registry_set_probe (const char *program);
/* Lets that child go until the next file: after the plugins of a pipeline are loaded. */
void rv_registry_rest (void);
/* The plugin, loaded on first use, resident for ever. The message has no place: the caller puts it before. */
const RvPlugin *rv_registry_get (const char *kind, const char *name, GError **error);
/* The file a loaded plugin came from, borrowed, and its SHA-256, borrowed: part of identities. */
const char *rv_registry_file (const RvPlugin *plugin);
const char *rv_registry_hash (const RvPlugin *plugin);
/* Names of plugin files of `kind` in all folders, sorted, without loading them; char **, caller frees with
 * g_strfreev. */
char **rv_registry_names (const char *kind);
/* All plugin files, or those of `kind`: array of RvPluginEntry *, caller unrefs. With rv_registry_set_probe,
 * a child alone loads them. */
GPtrArray *rv_registry_list (const char *kind);

#endif
