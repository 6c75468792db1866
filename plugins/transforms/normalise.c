/* transform/normalise: subtracts a mean and divides by a standard deviation, one of each per channel:
 * given, or those of other images, which should be what the network is trained on. */
#include <ranvier/ranvier.h>
#include <string.h>

typedef struct
{
  RvPort data, over;
  RvReals mean, sd;
} Normalise;

typedef struct
{
  RvDataset *source;
  uint32_t channels, pixels; /* of a channel */
  float *mean, *factor;      /* [channels] owned */
} Normalised;

static gboolean
has_values (const RvDatasetSpec *spec)
{
  return spec->form == RV_FORM_STATIC || spec->form == RV_FORM_FRAMES;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Normalise *n = self;
  const RvDatasetSpec *spec = rv_port_spec (&n->data);
  const RvDatasetSpec *over = rv_port_is_wired (&n->over) ? rv_port_spec (&n->over) : NULL;
  g_autofree char *why = NULL;
  if (!has_values (spec) || (over && !has_values (over)))
    why = g_strdup_printf ("takes images or frames, but '%s' has events or spikes",
                           rv_port_name (has_values (spec) ? &n->over : &n->data));
  else if (over && (n->mean.n || n->sd.n))
    why = g_strdup ("give 'mean' and 'sd', or 'over', not both");
  else if (!over && (n->mean.n != spec->dims[0] || n->sd.n != spec->dims[0]))
    why = g_strdup_printf (
        "'%s' has %u channels, but 'mean' has %u numbers and 'sd' %u; or give 'over', the images "
        "to compute them from",
        rv_port_name (&n->data), spec->dims[0], n->mean.n, n->sd.n);
  else if (over && over->dims[0] != spec->dims[0])
    why = g_strdup_printf ("'%s' has %u channels, but '%s' has %u", rv_port_name (&n->data), spec->dims[0],
                           rv_port_name (&n->over), over->dims[0]);
  if (why)
    {
      g_set_error_literal (error, RV_ERROR, RV_ERROR_SHAPE, why);
      return FALSE;
    }
  rv_node_set_spec (node, "", spec);
  return TRUE;
}

static size_t
count_of (const RvRecording *r)
{
  return (size_t)r->units * (r->form == RV_FORM_FRAMES ? r->steps : 1);
}

/* value <- (value - mean[c]) * factor[c] */
static gboolean
read_normalised (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Normalised *n = self;
  if (!rv_dataset_read (n->source, epoch, id, out, error))
    return FALSE;
  const size_t count = count_of (out);
  for (size_t at = 0; at < count; at += n->pixels)
    {
      const uint32_t c = (uint32_t)(at / n->pixels % n->channels);
      for (uint32_t k = 0; k < n->pixels; k++)
        out->values[at + k] = (out->values[at + k] - n->mean[c]) * n->factor[c];
    }
  return TRUE;
}

/* sum (x - mean)^power, in eight parts: a processor can add several at once, and bits are the same on all */
static double
block_sum (const float *x, uint32_t n, double mean, int power)
{
  double parts[8] = { 0.0 }, sum = 0.0;
  uint32_t k = 0;
  for (; k + 8 <= n; k += 8)
    for (uint32_t j = 0; j < 8; j++)
      {
        const double d = x[k + j] - mean;
        parts[j] += power == 2 ? d * d : d;
      }
  for (; k < n; k++)
    parts[k % 8] += power == 2 ? (x[k] - mean) * (x[k] - mean) : x[k] - mean;
  for (uint32_t j = 0; j < 8; j++)
    sum += parts[j];
  return sum;
}

/* Over all images of epoch 0, in their order: mean = sum x / n, sd^2 = sum (x - mean)^2 / n. Two passes,
 * since one would lose digits to the difference of large sums. sums [channels] */
static gboolean
add_up (RvDataset *over, RvNode *node, const double *mean, double *sums, double *n, GError **error)
{
  const RvDatasetSpec *spec = rv_dataset_spec (over);
  const uint32_t pixels = spec->units / spec->dims[0];
  g_auto (RvRecording) r = { 0 };
  *n = 0.0;
  for (uint32_t id = 0; id < spec->samples; id++)
    {
      if (rv_node_stopped (node))
        g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted");
      if (rv_node_stopped (node) || !rv_dataset_read (over, 0, id, &r, error))
        return FALSE;
      const size_t count = count_of (&r);
      for (size_t at = 0; at < count; at += pixels)
        {
          const uint32_t c = (uint32_t)(at / pixels % spec->dims[0]);
          sums[c] += mean ? block_sum (r.values + at, pixels, mean[c], 2)
                          : block_sum (r.values + at, pixels, 0.0, 1);
        }
      *n += (double)count / spec->dims[0];
    }
  return TRUE;
}

static gboolean
measure (RvDataset *over, RvNode *node, double *mean, double *sd, GError **error)
{
  const uint32_t channels = rv_dataset_spec (over)->dims[0];
  double n;
  if (!add_up (over, node, NULL, mean, &n, error))
    return FALSE;
  for (uint32_t c = 0; c < channels; c++)
    mean[c] /= n;
  if (!add_up (over, node, mean, sd, &n, error))
    return FALSE;
  for (uint32_t c = 0; c < channels; c++)
    {
      sd[c] = sqrt (sd[c] / n);
      if (sd[c] > 0.0)
        continue;
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "channel %u has the same value everywhere, so it has no scale", c);
      return FALSE;
    }
  return TRUE;
}

static void
free_normalised (gpointer data)
{
  Normalised *n = data;
  rv_dataset_unref (n->source);
  g_free (n->mean);
  g_free (n->factor);
  g_free (n);
}

/* What was measured, for the log and metrics.jsonl. */
static void
tell (RvNode *node, uint32_t channels, const double *mean, const double *sd)
{
  g_autoptr (GString) text = g_string_new ("mean and sd of channels:");
  for (uint32_t c = 0; c < channels; c++)
    g_string_append_printf (text, "%s %.6f %.6f", c ? "," : "", mean[c], sd[c]);
  rv_node_report (node, text->str, "channels", (double)channels, NULL);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Normalise *config = self;
  RvDataset *source = rv_port_dataset (&config->data);
  const RvDatasetSpec *spec = rv_dataset_spec (source);
  const uint32_t channels = spec->dims[0];
  g_autofree double *mean = g_new0 (double, channels), *sd = g_new0 (double, channels);
  if (!rv_port_is_wired (&config->over))
    {
      memcpy (mean, config->mean.items, sizeof *mean * channels);
      memcpy (sd, config->sd.items, sizeof *sd * channels);
    }
  else if (!measure (rv_port_dataset (&config->over), node, mean, sd, error))
    return FALSE;
  else
    tell (node, channels, mean, sd);
  Normalised *n = g_new (Normalised, 1);
  *n = (Normalised){ rv_dataset_ref (source), channels, spec->units / channels, g_new (float, channels),
                     g_new (float, channels) };
  for (uint32_t c = 0; c < channels; c++)
    {
      n->mean[c] = (float)mean[c];
      n->factor[c] = (float)(1.0 / sd[c]);
    }
  rv_node_set_output (node, "", rv_dataset_new (spec, read_normalised, n, free_normalised));
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (Normalise, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Images or frames"),
  RV_PORT (
      Normalise, over, RV_ARTEFACT_DATASET, 0,
      "Mean and standard deviation are computed over these: the training images, in the test branch too"),
  RV_REALS (Normalise, mean, "[]", -1e6, 1e6, "", "One number for each channel"),
  RV_REALS (Normalise, sd, "[]", 1e-9, 1e6, "", "One number for each channel"), RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "(value - mean) / sd" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "normalise")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Mean 0 and standard deviation 1 for each channel",
  .params = params,
  .params_size = sizeof (Normalise),
  RV_FUNCTIONS (class),
};
