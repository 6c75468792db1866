/* The official files of data sets: found below the data folder, and compared with what their makers
 * published. */
#include "cli/data.h"

#include "base/filehash.h"
#include "pipeline/node.h"
#include "plugin/registry.h"

#include <glib/gstdio.h>
#include <ranvier/archive.h>
#include <stdio.h>
#include <string.h>

GArray *
rv_sets_list (gboolean *unusable)
{
  GArray *sets = g_array_new (FALSE, FALSE, sizeof (RvSet));
  g_auto (GStrv) names = rv_registry_names ("dataset");
  for (char **name = names; *name; name++)
    {
      g_autoptr (GError) error = NULL;
      const RvPlugin *plugin = rv_registry_get ("dataset", *name, &error);
      if (!plugin)
        {
          fprintf (stderr, "ranvier data: %s\n", error->message);
          *unusable = TRUE;
          continue;
        }
      const RvOfficialSet *set = ((const RvNodeClass *)plugin->functions)->sets;
      for (; set && set->name; set++)
        g_array_append_val (sets, ((RvSet){ plugin, set }));
    }
  rv_registry_rest ();
  return sets;
}

gboolean
rv_official_verify (const RvOfficialFile *file, const char *path, gboolean again, GError **error)
{
  GStatBuf s;
  const char *published = file->sha256 ? file->sha256 : file->md5;
  if (g_stat (path, &s) == 0 && file->size && s.st_size != file->size)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "%s: %" G_GINT64_FORMAT " bytes, published are %" G_GINT64_FORMAT,
                   s.st_size < file->size ? "too short" : "too long", (gint64)s.st_size, file->size);
      return FALSE;
    }
  if (!published)
    return TRUE;
  g_autofree char *digest
      = file->sha256 ? rv_file_hash (path, again, error) : rv_file_md5 (path, again, error);
  if (!digest || strcmp (digest, published) == 0)
    return digest != NULL;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "not as published: its %s is %s, published is %s",
               file->sha256 ? "SHA-256" : "MD5", digest, published);
  return FALSE;
}

/* Whether the file, unpacked if it is packed, holds what was published. */
static gboolean
content_is_whole (const RvOfficialFile *file, const char *path)
{
  g_autoptr (RvArchive) archive = rv_archive_open (path, NULL);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_MD5);
  g_autofree guchar *block = g_malloc (1 << 16);
  gssize n = archive && rv_archive_next (archive, NULL) ? 0 : -1;
  while (n >= 0 && (n = rv_archive_read (archive, block, 1 << 16, NULL)) > 0)
    g_checksum_update (sum, block, n);
  return n == 0 && strcmp (g_checksum_get_string (sum), file->content_md5) == 0;
}

static void
judge (RvFound *found, gboolean again)
{
  const RvOfficialFile *file = found->file;
  g_autofree char *base = g_path_get_basename (found->path);
  const gboolean official = strcmp (base, file->name) == 0;
  g_autoptr (GError) error = NULL;
  found->state = RV_FILE_WHOLE;
  if (official && (file->size || file->md5 || file->sha256)
      && rv_official_verify (file, found->path, again, &error))
    found->text = g_strdup ("whole");
  else if (file->content_md5 && content_is_whole (file, found->path))
    found->text = g_strdup_printf ("whole, %s", official ? "packed anew" : "under another name");
  else if (error || file->content_md5)
    {
      found->state = RV_FILE_DAMAGED;
      found->text = g_strdup (error ? error->message : "not as published: its content has another MD5");
    }
  else
    {
      found->state = RV_FILE_UNKNOWN;
      found->text
          = g_strdup (official ? "there; nothing is published to compare it with"
                               : "there, under a name for which nothing is published to compare it with");
    }
}

/* A file that lies in a folder of another set, which has files of the same name, is not of this set. */
static gboolean
is_of_another (const GArray *sets, guint index, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path), *base = g_path_get_basename (folder);
  const char *own = g_array_index (sets, RvSet, index).set->folder;
  for (guint k = 0; k < sets->len; k++)
    {
      const char *other = g_array_index (sets, RvSet, k).set->folder;
      if (k != index && other && strcmp (other, base) == 0 && g_strcmp0 (own, other) != 0)
        return TRUE;
    }
  return FALSE;
}

static void
free_found (gpointer data)
{
  RvFound *found = data;
  g_free (found->path);
  g_free (found->text);
  g_free (found);
}

GPtrArray *
rv_set_find (const GArray *sets, guint index, const char *root, gboolean again)
{
  const RvOfficialSet *set = g_array_index (sets, RvSet, index).set;
  GPtrArray *files = g_ptr_array_new_with_free_func (free_found);
  for (const RvOfficialFile *file = set->files; file->name; file++)
    {
      RvFound *found = g_new0 (RvFound, 1);
      found->file = file;
      found->path = rv_find_file (root, set->folder, file->name);
      for (const char *const *also = file->also; !found->path && also && *also; also++)
        found->path = rv_find_file (root, set->folder, *also);
      if (found->path && is_of_another (sets, index, found->path))
        g_clear_pointer (&found->path, g_free);
      if (found->path)
        judge (found, again);
      else
        found->text = g_strdup ("missing");
      g_ptr_array_add (files, found);
    }
  return files;
}
