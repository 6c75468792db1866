/* The store: <root>/<identity>/lock and <root>/<identity>/result/, which is made beside and renamed, so
 * that it is there whole or not at all. The root is the XDG state directory for nodes with a model, whose
 * entries stay, and the XDG cache directory for all others, which is capped. result/entry holds what the
 * node was made from, its tables and figures and the digests of the other files; it begins with the digest
 * of its own content. */
#include "pipeline/store.h"
#include "base/filehash.h"
#include "data/keep.h"
#include "data/prepared.h"
#include "engine/model.h"
#include "pipeline/resume.h"
#include "pipeline/revive.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAKE "ranvier store 1"
#define ENTRY "(sxva(ssv)as)" /* make, time, made from, outputs (name, kind, content), metrics */
#define DIGEST 64

struct RvKept
{
  char *folder, *result;
  int lock;
};

static gboolean
has_model (const RvNode *node)
{
  for (guint k = 0; k < node->outputs->len; k++)
    if (((RvPortValue *)node->outputs->pdata[k])->output->kind == RV_ARTEFACT_MODEL)
      return TRUE;
  return FALSE;
}

gboolean
rv_store_keeps (const RvNode *node)
{
  for (guint k = 0; k < node->outputs->len; k++)
    if (((RvPortValue *)node->outputs->pdata[k])->output->kind != RV_ARTEFACT_DATASET)
      return TRUE;
  return FALSE;
}

char *
rv_store_cache (void)
{
  return g_build_filename (g_get_user_cache_dir (), "ranvier", "results", NULL);
}

static char *
state_root (void)
{
  return g_build_filename (g_get_user_state_dir (), "ranvier", NULL);
}

char *
rv_store_date (gint64 time)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_local (time);
  return date ? g_date_time_format (date, "%Y-%m-%d %H:%M") : g_strdup ("earlier");
}

/* ---- the lock */

/* Waits for the lock without blocking, so that an interrupt is seen. */
static gboolean
wait_for_lock (RvNode *node, int lock, GError **error)
{
  for (gboolean told = FALSE; flock (lock, LOCK_EX | LOCK_NB) != 0; told = TRUE)
    {
      if (errno != EWOULDBLOCK && errno != EINTR)
        return TRUE; /* a file system without locks: the work may be done twice, never wrongly */
      if (!told)
        rv_node_say (node, "waits for another run that computes the same");
      if (rv_node_stopped (node))
        {
          g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted while waiting for another run");
          return FALSE;
        }
      g_usleep (100000);
    }
  return TRUE;
}

RvKept *
rv_store_open (RvNode *node, GError **error)
{
  g_autofree char *root = has_model (node) ? state_root () : rv_store_cache ();
  RvKept *kept = g_new0 (RvKept, 1);
  kept->folder = g_build_filename (root, node->identity, NULL);
  kept->result = g_build_filename (kept->folder, "result", NULL);
  g_autofree char *path = g_build_filename (kept->folder, "lock", NULL);
  kept->lock = g_mkdir_with_parents (kept->folder, 0700) == 0
                   ? g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)
                   : -1;
  if (kept->lock < 0 && (errno == EROFS || errno == EACCES))
    {
      const int code = errno; /* what is there already can be read, if not added to */
      kept->lock = g_open (path, O_RDONLY | O_CLOEXEC, 0);
      errno = code;
    }
  if (kept->lock >= 0 && wait_for_lock (node, kept->lock, error))
    {
      g_free (node->kept);
      node->kept = g_strdup (kept->folder);
      return kept;
    }
  if (kept->lock < 0 && !node->state->told_store)
    {
      rv_node_say (
          node,
          "results can not be kept for next time: %s: %s (nor checkpoints: an interruption loses a training; "
          "XDG_STATE_HOME and XDG_CACHE_HOME name other folders)",
          kept->folder, g_strerror (errno));
      node->state->told_store = TRUE;
    }
  rv_store_close (kept);
  return NULL;
}

void
rv_store_close (RvKept *kept)
{
  if (!kept)
    return;
  if (kept->lock >= 0)
    close (kept->lock); /* and so unlocks */
  g_free (kept->folder);
  g_free (kept->result);
  g_free (kept);
}

/* ---- removing */

void
rv_store_remove (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      g_autofree char *inside = g_build_filename (path, name, NULL);
      if (g_file_test (inside, G_FILE_TEST_IS_DIR) && !g_file_test (inside, G_FILE_TEST_IS_SYMLINK))
        rv_store_remove (inside);
      else
        g_unlink (inside);
    }
  g_rmdir (path);
}

/* ---- taking */

/* The entry of a result folder, its digest checked; NULL if it is not there or damaged. */
static GVariant *
read_entry (const char *result, GError **error)
{
  g_autofree char *path = g_build_filename (result, "entry", NULL), *text = NULL, *digest = NULL;
  gsize length;
  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  if (length > DIGEST)
    digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *)text + DIGEST, length - DIGEST);
  if (!digest || strncmp (digest, text, DIGEST) != 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s is damaged", path);
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_bytes_new (text + DIGEST, length - DIGEST);
  g_autoptr (GVariant) entry
      = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (ENTRY), bytes, FALSE));
  const char *make;
  g_variant_get_child (entry, 0, "&s", &make);
  if (g_variant_is_normal_form (entry) && strcmp (make, MAKE) == 0)
    return g_steal_pointer (&entry);
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s is of another make", path);
  return NULL;
}

/* Whether a file of the result has the digest that the entry says. */
static gboolean
is_whole (const char *path, const char *digest, GError **error)
{
  g_autofree char *now = rv_file_hash (path, TRUE, error);
  if (now && strcmp (now, digest) != 0)
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s is damaged", path);
  return now && strcmp (now, digest) == 0;
}

static void *
take_model (const RvKept *kept, const RvPortValue *value, GVariant *content, GError **error)
{
  const char *file, *digest;
  g_autoptr (GVariant) recipe = NULL;
  if (!g_variant_is_of_type (content, G_VARIANT_TYPE ("(ssv)")))
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: what is kept of '%s' is no model", kept->result,
                   value->name);
      return NULL;
    }
  g_variant_get (content, "(&s&sv)", &file, &digest, &recipe);
  g_autofree char *path = g_build_filename (kept->result, file, NULL);
  return is_whole (path, digest, error) ? rv_model_revive (recipe, &value->spec, path, error) : NULL;
}

static void *
take_figure (const RvKept *kept, RvPortValue *value, GVariant *content, GError **error)
{
  const char *stem;
  g_autofree const char **digests = NULL;
  g_autoptr (GVariant) figure = NULL;
  if (g_variant_is_of_type (content, G_VARIANT_TYPE ("(sasv)")))
    g_variant_get (content, "(&s^a&sv)", &stem, &digests, &figure);
  if (!figure || !g_variant_is_of_type (figure, G_VARIANT_TYPE (RV_FIGURE_VARIANT)))
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: what is kept of '%s' is no figure", kept->result,
                   value->name);
      return NULL;
    }
  g_autofree char *drawn = g_build_filename (kept->result, stem, NULL);
  gboolean good = digests[0] != NULL;
  for (guint k = 0; good && digests[k] && rv_drawings[k]; k++)
    {
      g_autofree char *path = g_strconcat (drawn, rv_drawings[k], NULL);
      good = !*digests[k] || is_whole (path, digests[k], NULL);
    }
  if (good)
    value->drawn = g_steal_pointer (&drawn); /* otherwise it is drawn again */
  return rv_figure_from_variant (figure);
}

/* One output; NULL with an error if it is damaged. */
static void *
take_output (const RvKept *kept, RvNode *node, RvPortValue *value, GVariant *content, GError **error)
{
  if (g_variant_is_of_type (content, G_VARIANT_TYPE_STRING)) /* another name for an output */
    {
      const RvPortValue *same = rv_node_output (node, g_variant_get_string (content, NULL));
      return same && same->artefact && same->output->kind == value->output->kind
                 ? rv_artefact_ref (same->output->kind, same->artefact)
                 : NULL;
    }
  if (value->output->kind == RV_ARTEFACT_MODEL)
    return take_model (kept, value, content, error);
  if (value->output->kind == RV_ARTEFACT_FIGURE)
    return take_figure (kept, value, content, error);
  if (g_variant_is_of_type (content, G_VARIANT_TYPE (RV_TABLE_VARIANT)))
    return rv_table_from_variant (content);
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: what is kept of '%s' is no table", kept->result,
               value->name);
  return NULL;
}

static gboolean
take_all (const RvKept *kept, RvNode *node, GVariant *entry, GError **error)
{
  g_autoptr (GVariantIter) outputs = NULL, metrics = NULL;
  const char *name, *kind, *line;
  GVariant *content;
  g_variant_get (entry, ENTRY, NULL, NULL, NULL, &outputs, &metrics);
  while (g_variant_iter_next (outputs, "(&s&sv)", &name, &kind, &content))
    {
      g_autoptr (GVariant) owned = content;
      RvPortValue *value = rv_node_output (node, name);
      if (value && strcmp (kind, rv_artefact_name (value->output->kind)) == 0 && !value->artefact)
        value->artefact = take_output (kept, node, value, content, error);
      if (!value || !value->artefact)
        return FALSE;
    }
  while (g_variant_iter_next (metrics, "&s", &line))
    rv_node_log_metrics (node, line);
  return TRUE;
}

gboolean
rv_store_take (RvKept *kept, RvNode *node, char **when)
{
  g_autoptr (GError) error = NULL;
  if (!g_file_test (kept->result, G_FILE_TEST_EXISTS))
    return FALSE;
  g_autoptr (GVariant) entry = read_entry (kept->result, &error);
  if (entry && take_all (kept, node, entry, &error))
    {
      gint64 time;
      g_variant_get_child (entry, 1, "x", &time);
      *when = rv_store_date (time);
      utimensat (AT_FDCWD, kept->result, NULL, 0); /* used now: the cache keeps it */
      rv_resume_remove (kept->folder);             /* if the run that made it did not come to that */
      return TRUE;
    }
  for (guint k = 0; k < node->outputs->len; k++)
    {
      RvPortValue *value = node->outputs->pdata[k];
      rv_artefact_unref (value->output->kind, g_steal_pointer (&value->artefact));
      g_clear_pointer (&value->drawn, g_free);
    }
  rv_node_say (node, "computed again: %s", error ? error->message : "what was kept does not fit this node");
  rv_store_remove (kept->result);
  return FALSE;
}

/* ---- putting */

/* Copies `from` into the folder and returns its digest; NULL with an error. Caller owns. */
static char *
copy_in (const char *from, const char *folder, const char *name, GError **error)
{
  g_autofree char *to = g_build_filename (folder, name, NULL);
  g_autoptr (GMappedFile) map = g_mapped_file_new (from, FALSE, error);
  if (!map
      || !g_file_set_contents_full (to, g_mapped_file_get_contents (map),
                                    (gssize)g_mapped_file_get_length (map), G_FILE_SET_CONTENTS_DURABLE, 0600,
                                    error))
    return NULL;
  return rv_file_hash (to, TRUE, error);
}

static GVariant *
put_model (const char *folder, const RvPortValue *value, GError **error)
{
  g_autofree char *file = g_strconcat (value->output->name, ".npz", NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  if (!rv_model_save (value->artefact, path, error))
    return NULL;
  g_autofree char *digest = rv_file_hash (path, TRUE, error);
  return digest ? g_variant_new ("(ssv)", file, digest, rv_model_recipe (value->artefact)) : NULL;
}

static GVariant *
put_figure (const char *folder, const RvPortValue *value, GError **error)
{
  const char *stem = *value->output->name ? value->output->name : "figure";
  g_autoptr (GPtrArray) digests = g_ptr_array_new_with_free_func (g_free);
  for (guint k = 0; rv_drawings[k] && value->stem; k++)
    {
      g_autofree char *from = g_strconcat (value->stem, rv_drawings[k], NULL),
                      *name = g_strconcat (stem, rv_drawings[k], NULL);
      char *digest = g_file_test (from, G_FILE_TEST_EXISTS) ? copy_in (from, folder, name, error) : NULL;
      g_ptr_array_add (digests, digest ? digest : g_strdup (""));
    }
  /* there may be no PDF, but without the others it counts as not drawn */
  if (digests->len && (!*(char *)digests->pdata[0] || !*(char *)digests->pdata[1]))
    g_ptr_array_set_size (digests, 0);
  g_ptr_array_add (digests, NULL);
  return g_variant_new ("(s^asv)", stem, digests->pdata, rv_figure_to_variant (value->artefact));
}

/* The other output that holds the same artefact: the nameless one may be its second name. NULL: there is
 * none. */
static const RvPortValue *
same_output (const RvNode *node, const RvPortValue *value)
{
  for (guint k = 0; k < node->outputs->len; k++)
    {
      const RvPortValue *other = node->outputs->pdata[k];
      if (other != value && other->artefact == value->artefact && !*value->output->name)
        return other;
    }
  return NULL;
}

static GVariant *
put_output (const char *folder, const RvNode *node, const RvPortValue *value, GError **error)
{
  const RvPortValue *same = same_output (node, value);
  if (same)
    return g_variant_new_string (same->output->name);
  if (value->output->kind == RV_ARTEFACT_MODEL)
    return put_model (folder, value, error);
  if (value->output->kind == RV_ARTEFACT_FIGURE)
    return put_figure (folder, value, error);
  return rv_table_to_variant (value->artefact);
}

/* A dataset that is not kept itself stands with all that it is made from, so that a reader of reasons sees
 * "train.samples" and not "input data". */
RvValue *
rv_store_story (const RvNode *node)
{
  RvValue *story = rv_value_copy (node->made_from);
  for (guint k = 0; k < node->inputs->len; k++)
    {
      const RvNode *input = ((RvPortValue *)node->inputs->pdata[k])->node;
      if (rv_store_keeps (input))
        continue;
      g_autoptr (RvValue) inner = rv_store_story (input);
      for (guint i = 0; i < story->keys->len; i++)
        if (g_str_has_prefix (story->keys->pdata[i], "input ")
            && g_str_has_prefix (((RvValue *)story->items->pdata[i])->text, input->identity))
          rv_value_remove (story, story->keys->pdata[i--]);
      for (guint i = 0; i < inner->keys->len; i++)
        {
          g_autofree char *key = g_strconcat (input->name, ".", inner->keys->pdata[i], NULL);
          rv_value_set (story, key, node->place, rv_value_copy (inner->items->pdata[i]));
        }
    }
  return story;
}

/* Writes everything into a new folder. */
static gboolean
put_all (const char *folder, RvNode *node, GError **error)
{
  GVariantBuilder outputs, metrics;
  g_variant_builder_init (&outputs, G_VARIANT_TYPE ("a(ssv)"));
  g_variant_builder_init (&metrics, G_VARIANT_TYPE ("as"));
  for (guint k = 0; k < node->metrics->len; k++)
    g_variant_builder_add (&metrics, "s", node->metrics->pdata[k]);
  gboolean good = TRUE;
  /* second names last: when they are taken, the first is there */
  for (guint k = 0; good && k < 2 * node->outputs->len; k++)
    {
      const RvPortValue *value = node->outputs->pdata[k % node->outputs->len];
      if ((k >= node->outputs->len) != (same_output (node, value) != NULL))
        continue;
      if (!value->artefact || value->output->kind == RV_ARTEFACT_DATASET)
        continue;
      GVariant *content = put_output (folder, node, value, error);
      good = content != NULL;
      if (good)
        g_variant_builder_add (&outputs, "(ssv)", value->output->name, rv_artefact_name (value->output->kind),
                               content);
    }
  g_autoptr (RvValue) story = rv_store_story (node);
  g_autoptr (GVariant) entry = g_variant_ref_sink (g_variant_new (
      ENTRY, MAKE, g_get_real_time () / G_USEC_PER_SEC, rv_value_to_variant (story), &outputs, &metrics));
  if (!good)
    return FALSE;
  g_autofree char *digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, g_variant_get_data (entry),
                                                         g_variant_get_size (entry));
  g_autoptr (GString) text = g_string_new (digest);
  g_string_append_len (text, g_variant_get_data (entry), (gssize)g_variant_get_size (entry));
  g_autofree char *path = g_build_filename (folder, "entry", NULL);
  return g_file_set_contents_full (path, text->str, (gssize)text->len, G_FILE_SET_CONTENTS_DURABLE, 0600,
                                   error);
}

/* Lets `fill` write into a new folder and puts that in place of the result. */
static gboolean
put (RvKept *kept, RvNode *node, gboolean (*fill) (const char *folder, RvNode *node, GError **error),
     GError **error)
{
  g_autofree char *folder = g_build_filename (kept->folder, "part-XXXXXX", NULL);
  if (!g_mkdtemp (folder))
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: %s", folder, g_strerror (errno));
  else if (fill (folder, node, error))
    {
      rv_store_remove (kept->result);
      if (g_rename (folder, kept->result) == 0)
        return TRUE;
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: %s", kept->result, g_strerror (errno));
    }
  rv_store_remove (folder);
  return FALSE;
}

void
rv_store_put (RvKept *kept, RvNode *node)
{
  g_autoptr (GError) error = NULL;
  if (put (kept, node, put_all, &error))
    rv_resume_remove (kept->folder);
  else
    rv_node_say (node, "could not be kept for next time: %s", error->message);
}

/* ---- prepared data */

gboolean
rv_store_prepares (const RvNode *node)
{
  const RvPortValue *value = node->outputs->len == 1 ? node->outputs->pdata[0] : NULL;
  gboolean from_events = FALSE;
  for (guint k = 0; k < node->inputs->len; k++)
    {
      const RvPortValue *input = node->inputs->pdata[k];
      from_events |= input->output->kind == RV_ARTEFACT_DATASET && input->spec.form == RV_FORM_EVENTS;
    }
  /* images as their files have them: those of CIFAR-10 take seconds to unpack */
  const gboolean images = node->inputs->len == 0 && value && value->spec.form == RV_FORM_STATIC;
  return value && value->output->kind == RV_ARTEFACT_DATASET && !value->spec.varies
         && (images
             || (from_events && (value->spec.form == RV_FORM_SPIKES || value->spec.form == RV_FORM_FRAMES)));
}

gboolean
rv_store_take_data (RvKept *kept, RvNode *node)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (kept->result, "data", NULL);
  RvPortValue *value = node->outputs->pdata[0];
  if (!g_file_test (kept->result, G_FILE_TEST_EXISTS))
    return FALSE;
  value->artefact = rv_prepared_open (path, &value->spec, &error);
  if (value->artefact)
    {
      utimensat (AT_FDCWD, kept->result, NULL, 0);
      return TRUE;
    }
  rv_node_say (node, "prepared again: %s", error->message);
  rv_store_remove (kept->result);
  return FALSE;
}

static gboolean
data_stopped (void *user)
{
  return rv_node_stopped (user);
}

static void
data_progress (void *user, uint32_t done, uint32_t total)
{
  rv_node_progress (user, done, total, "preparing");
}

static gboolean
put_data (const char *folder, RvNode *node, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "data", NULL);
  const RvPortValue *value = node->outputs->pdata[0];
  return rv_prepared_write (value->artefact, path, data_stopped, data_progress, node, error);
}

gboolean
rv_store_put_data (RvKept *kept, RvNode *node, GError **error)
{
  g_autoptr (GError) problem = NULL;
  RvPortValue *value = node->outputs->pdata[0];
  if (put (kept, node, put_data, &problem))
    {
      void *made = g_steal_pointer (&value->artefact);
      if (!rv_store_take_data (kept, node))
        value->artefact = g_steal_pointer (&made);
      rv_artefact_unref (RV_ARTEFACT_DATASET, made);
      return TRUE;
    }
  if (!g_error_matches (problem, RV_ERROR, RV_ERROR_IO)) /* the data itself, or the user */
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  rv_node_say (node, "could not be kept for next time: %s", problem->message);
  return TRUE;
}

/* ---- the last run */

static char *
last_path (const char *pipeline)
{
  g_autofree char *path = g_canonicalize_filename (pipeline, NULL);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, path, -1),
                  *root = state_root ();
  digest[16] = '\0';
  return g_build_filename (root, "last", digest, NULL);
}

static char *
key_of (const RvNode *node)
{
  return g_strdup_printf ("%s [%s]", node->name, node->cell);
}

GHashTable *
rv_store_recall (const char *pipeline)
{
  GHashTable *last = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *path = last_path (pipeline), *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return last;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    if (strlen (*line) > DIGEST + 1 && (*line)[DIGEST] == ' ')
      g_hash_table_replace (last, g_strdup (*line + DIGEST + 1), g_strndup (*line, DIGEST));
  return last;
}

void
rv_store_remember (const char *pipeline, GHashTable *last, const GPtrArray *nodes)
{
  g_autofree char *path = last_path (pipeline), *folder = g_path_get_dirname (path);
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer key, identity;
  for (guint n = 0; n < nodes->len; n++)
    if (rv_store_keeps (nodes->pdata[n]))
      g_hash_table_replace (last, key_of (nodes->pdata[n]), g_strdup (((RvNode *)nodes->pdata[n])->identity));
  g_hash_table_iter_init (&iter, last);
  while (g_hash_table_iter_next (&iter, &key, &identity))
    if (!strchr (key, '\n'))
      g_string_append_printf (text, "%s %s\n", (char *)identity, (char *)key);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents (path, text->str, (gssize)text->len, NULL); /* only messages hang on it */
}

char *
rv_store_why (const RvNode *node, GHashTable *last)
{
  g_autofree char *key = key_of (node), *root = has_model (node) ? state_root () : rv_store_cache ();
  const char *identity = g_hash_table_lookup (last, key);
  if (!identity || strcmp (identity, node->identity) == 0)
    return NULL;
  g_autofree char *folder = g_build_filename (root, identity, NULL),
                  *result = g_build_filename (folder, "result", NULL);
  g_autoptr (GVariant) entry = read_entry (result, NULL), made = NULL;
  if (entry)
    g_variant_get_child (entry, 2, "v", &made);
  g_autoptr (RvValue) before = entry ? rv_value_from_variant (made) : rv_resume_story (folder);
  g_autoptr (RvValue) story = rv_store_story (node);
  g_autofree char *why = before && before->type == RV_VALUE_MAP ? rv_node_why (before, story) : NULL;
  return why && !entry ? g_strconcat (why, "; the checkpoint from before that is not used", NULL)
                       : g_steal_pointer (&why);
}
