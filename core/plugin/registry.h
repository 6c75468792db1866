/* Finding and loading plugins. The registry is the only global mutable state. Main thread. */
#ifndef RV_REGISTRY_H
#define RV_REGISTRY_H

#include "plugin/descriptor.h"

typedef struct
{
  char *path;
  const char *origin; /* "--plugin-path", "RANVIER_PLUGIN_PATH", "user", "install", "build" */
} RvPluginFolder;

/* Puts folders (G_SEARCHPATH_SEPARATOR between them) before all others. */
void rv_registry_add_path (const char *folders);
/* The folders in search order: array of RvPluginFolder *, caller unrefs. */
GPtrArray *rv_registry_folders (void);
/* The plugin, loaded on first use, resident for ever. The message has no place: the caller puts it before. */
const RvPlugin *rv_registry_get (const char *kind, const char *name, GError **error);
/* The file a loaded plugin came from, borrowed, and its SHA-256, borrowed: part of identities. */
const char *rv_registry_file (const RvPlugin *plugin);
const char *rv_registry_hash (const RvPlugin *plugin);
/* Names of plugin files of `kind` in all folders, sorted, without loading them; char **, caller frees with g_strfreev. */
char **rv_registry_names (const char *kind);

#endif
