/* Checkpoints of nodes that run: when one is written, which of the two generations is read, and what is
 * said when that fails. A checkpoint also holds what its node has reported, so that metrics.jsonl comes
 * out whole. */
#include "pipeline/resume.h"
#include "data/checkpoint.h"
#include "pipeline/store.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define DEFAULT_MINUTES 5.0
#define MOST_TIME 20 /* at the end of an epoch, writing may take one part of so many */

static char *
path_of (const char *folder, guint generation)
{
  static const char *const names[] = { "checkpoint.npz", "checkpoint-before.npz", "checkpoint.npz.part" };
  return g_build_filename (folder, names[generation], NULL);
}

gint64
rv_resume_interval (void)
{
  const char *text = g_getenv ("RANVIER_CHECKPOINT_MINUTES");
  char *end = NULL;
  double minutes = text && *text ? g_ascii_strtod (text, &end) : DEFAULT_MINUTES;
  if (end && (*end || !(minutes >= 0.0 && minutes < 1e9)))
    {
      g_warning ("RANVIER_CHECKPOINT_MINUTES is a number of minutes, not '%s': %g are taken", text,
                 DEFAULT_MINUTES);
      minutes = DEFAULT_MINUTES;
    }
  return (gint64)(minutes * 60.0 * G_USEC_PER_SEC);
}

void
rv_resume_remove (const char *folder)
{
  for (guint k = 0; k < 3; k++)
    {
      g_autofree char *path = path_of (folder, k);
      g_unlink (path);
    }
}

/* What the core itself remembers of a node: identity, what it is made from, what it has reported. Consumed
 * when writing. */
#define RECORD "(svas)"

static void
visit (RvCheckpoint *checkpoint, GVariant **record)
{
  rv_checkpoint_variant (checkpoint, "ranvier/record", RECORD, record);
}

RvValue *
rv_resume_story (const char *folder)
{
  for (guint k = 0; k < 2; k++)
    {
      g_autofree char *path = path_of (folder, k);
      g_autoptr (RvCheckpoint) checkpoint = rv_checkpoint_read (path, NULL);
      g_autoptr (GVariant) record = NULL, story = NULL;
      if (checkpoint)
        visit (checkpoint, &record);
      if (!record)
        continue;
      g_variant_get_child (record, 1, "v", &story);
      return rv_value_from_variant (story);
    }
  return NULL;
}

/* ---- reading */

/* Gives a checkpoint to the node, and its lines to metrics.jsonl. */
static gboolean
take (RvNode *node, const char *path, RvRemember remember, void *self, GError **error)
{
  const char *identity, *line;
  GStatBuf s;
  g_autoptr (GVariant) record = NULL;
  g_autoptr (GVariantIter) metrics = NULL;
  g_autoptr (RvCheckpoint) checkpoint = rv_checkpoint_read (path, error);
  if (!checkpoint)
    return FALSE;
  visit (checkpoint, &record);
  if (record)
    g_variant_get (record, "(&svas)", &identity, NULL, &metrics);
  if (record && strcmp (identity, node->identity) != 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s is that of another node", path);
      return FALSE;
    }
  remember (self, checkpoint);
  if (!rv_checkpoint_matches (checkpoint, error))
    return FALSE;
  while (g_variant_iter_next (metrics, "&s", &line))
    {
      g_ptr_array_add (node->metrics, g_strdup (line));
      rv_node_log_metrics (node, line);
    }
  g_autofree char *when = rv_store_date (g_stat (path, &s) == 0 ? s.st_mtime : 0);
  node->saved.where = g_strdup (rv_checkpoint_where (checkpoint));
  if (!node->state->quiet)
    rv_node_say (node, "going on from %s (checkpoint of %s)", node->saved.where, when);
  return TRUE;
}

gboolean
rv_node_resume (RvNode *node, RvRemember remember, void *self, GError **error)
{
  g_autoptr (GError) newest = NULL, earlier = NULL;
  node->saved.at = g_get_monotonic_time ();
  if (node->kept && node->state->fresh)
    rv_resume_remove (node->kept);
  g_autofree char *path = node->kept ? path_of (node->kept, 0) : NULL,
                  *before = node->kept ? path_of (node->kept, 1) : NULL;
  const gboolean is_there = path && g_file_test (path, G_FILE_TEST_EXISTS),
                 was_there = before && g_file_test (before, G_FILE_TEST_EXISTS);
  if ((!is_there && !was_there) || (is_there && take (node, path, remember, self, &newest)))
    return TRUE;
  node->saved.spoiled = is_there;
  if (was_there && newest)
    rv_node_say (node, "%s; the earlier one is used", newest->message);
  if (was_there && take (node, before, remember, self, &earlier))
    return TRUE;
  g_set_error (
      error, RV_ERROR, RV_ERROR_IO,
      "%s%s%s; no checkpoint is left to go on from: put a copy in its place, or remove what is in %s, or use "
      "--fresh, to begin again",
      newest ? newest->message : "", newest && earlier ? "; " : "", earlier ? earlier->message : "",
      node->kept);
  return FALSE;
}

/* ---- writing */

static gboolean
is_due (const RvNode *node, gboolean stage)
{
  const gint64 since = g_get_monotonic_time () - node->saved.at;
  return since >= node->state->checkpoint_every || (stage && since >= MOST_TIME * node->saved.took);
}

static gboolean
put (RvNode *node, RvCheckpoint *checkpoint, GError **error)
{
  if (!node->kept)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "nothing can be kept, as was said above");
      return FALSE;
    }
  g_autofree char *path = path_of (node->kept, 0), *before = path_of (node->kept, 1);
  /* a newest one that is damaged must not take the place of the good one before */
  if (!rv_checkpoint_write (checkpoint, path, node->saved.spoiled ? NULL : before, error))
    return FALSE;
  node->saved.spoiled = FALSE;
  g_free (node->saved.where);
  node->saved.where = g_strdup (rv_checkpoint_where (checkpoint));
  return TRUE;
}

/* Where the last good checkpoint goes on. */
static const char *
last_place (const RvNode *node)
{
  return node->saved.where ? node->saved.where : "the beginning";
}

/* What the user must know of a problem, or of its end: once. */
static void
say_problem (RvNode *node, const GError *problem)
{
  if (problem && !node->saved.failed)
    rv_node_say (
        node,
        "no checkpoint: %s. The work goes on; make room or the folder writable, otherwise an interruption "
        "loses what is done from %s on",
        problem->message, last_place (node));
  else if (!problem && node->saved.failed)
    rv_node_say (node, "checkpoints can be written again");
  node->saved.failed = problem != NULL;
}

gboolean
rv_node_checkpoint (RvNode *node, gboolean stage, RvRemember remember, void *self, GError **error)
{
  const gboolean stopped = ++node->state->steps == node->state->stop_at || rv_node_stopped (node);
  if (!stopped && (!node->kept || !is_due (node, stage)))
    return TRUE;
  const gint64 began = g_get_monotonic_time ();
  g_autoptr (RvCheckpoint) checkpoint = rv_checkpoint_new ();
  g_autoptr (GError) problem = NULL;
  g_autoptr (RvValue) story = rv_store_story (node);
  GVariant *record
      = g_variant_new ("(sv@as)", node->identity, rv_value_to_variant (story),
                       g_variant_new_strv ((const char *const *)node->metrics->pdata, node->metrics->len));
  visit (checkpoint, &record);
  remember (self, checkpoint);
  const gboolean written = put (node, checkpoint, &problem);
  node->saved.at = g_get_monotonic_time ();
  node->saved.took = node->saved.at - began;
  if (!stopped)
    say_problem (node, problem);
  else if (written)
    g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted; the same command goes on from %s",
                 node->saved.where);
  else
    g_set_error (error, RV_ERROR, RV_ERROR_IO,
                 "interrupted, and no checkpoint could be written: %s; what was done from %s on is lost",
                 problem->message, last_place (node));
  return !stopped;
}
