/* dataset/delayed-xor: two patterns far apart, each firing at a low or a high rate; the label is the XOR
 * of the two. Fresh trials every epoch of the training split; the test split draws from a stream of its
 * own (Zheng et al. 2024, DH-SNN). */
#include <ranvier/ranvier.h>

static const char *const splits[] = { "train", "test", NULL };

typedef struct
{
  int split;
  int64_t samples, seed, channels, pattern, gap;
  double low, high, noise;
} Xor;

/* What read needs, owned by the dataset. */
typedef struct
{
  Xor options;
  RvStream stream;
  uint32_t steps;
  double per_gap; /* 1 / log (1 - noise) */
} Trials;

static RvDatasetSpec
spec_of (const Xor *options)
{
  const uint32_t channels = (uint32_t) options->channels;
  return (RvDatasetSpec){ .form = RV_FORM_SPIKES,
                          .samples = (uint32_t)options->samples,
                          .units = channels,
                          .dims = { channels, 1, 1 },
                          .steps = (uint32_t)(2 * options->pattern + options->gap),
                          .classes = 2,
                          .step_width = 1e-3,
                          .varies = options->split == 0,
                          .split = splits[options->split] };
}

/* The bin of the next noise spike after `bin`: geometric gaps, floor (log u / log (1 - p)). */
static uint64_t
next_noise (const Trials *trials, RvStream stream, uint64_t *draw, uint64_t bin)
{
  if (trials->options.noise <= 0.0)
    return UINT64_MAX;
  if (trials->options.noise >= 1.0)
    return bin;
  const double u = 1.0 - rv_stream_uniform_double (stream, (*draw)++);
  const double skip = log (u) * trials->per_gap;
  return skip > 1e15 ? UINT64_MAX : bin + (uint64_t) skip;
}

static gboolean
read_trial (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Trials *trials = self;
  const Xor *options = &trials->options;
  const uint32_t channels = (uint32_t) options->channels, pattern = (uint32_t) options->pattern;
  const uint64_t when = options->split == 0 ? epoch : 0;
  const RvStream own = rv_stream_fork (rv_stream_fork (trials->stream, when), id);
  const RvStream bins = rv_stream_fork (own, 1), gaps = rv_stream_fork (own, 2);
  const uint64_t bits = rv_stream_bits (own, 0);
  const double rates[2] = { options->low, options->high };
  const uint64_t limit[2]
      = { (uint64_t)(rates[bits & 1] * 0x1p32), (uint64_t)(rates[bits >> 1 & 1] * 0x1p32) };
  uint32_t count = 0;
  uint64_t draw = 0, noise = next_noise (trials, gaps, &draw, 0);
  rv_recording_set_spikes (out, trials->steps, channels, (size_t) trials->steps * channels + 1);
  for (uint32_t t = 0; t < trials->steps; t++)
    {
      const uint64_t first = (uint64_t) t * channels;
      const gboolean second = t >= trials->steps - pattern, inside = second || t < pattern;
      out->offsets[t] = count;
      if (!inside)
        {
          for (; noise < first + channels; noise = next_noise (trials, gaps, &draw, noise + 1))
            out->ids[count++] = (uint32_t) (noise - first);
          continue;
        }
      for (uint32_t c = 0; c < channels; c++)
        {
          /* two draws of 32 bits from each position of the stream; no branch on the outcome */
          const uint64_t at = first + c;
          const uint32_t draw32 = (uint32_t) (rv_stream_bits (bins, at >> 1) >> (32 * (at & 1)));
          const gboolean noisy = noise == at;
          if (noisy)
            noise = next_noise (trials, gaps, &draw, noise + 1);
          out->ids[count] = c;
          count += noisy | (draw32 < limit[second]);
        }
    }
  out->offsets[trials->steps] = count;
  out->label = (uint32_t) ((bits ^ bits >> 1) & 1);
  return TRUE;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const RvDatasetSpec spec = spec_of (self);
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const RvDatasetSpec spec = spec_of (self);
  Trials *trials = g_new0 (Trials, 1);
  trials->options = *(const Xor *) self;
  trials->stream = rv_stream_new ((uint64_t) trials->options.seed, "", "trials", spec.split);
  trials->steps = spec.steps;
  trials->per_gap = 1.0 / log1p (-trials->options.noise);
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_trial, trials, g_free));
  return TRUE;
}

static const RvParam params[] = {
  RV_CHOICE (Xor, split, "train", splits, "Fresh trials every epoch, or a fixed set that never meets them"),
  RV_INT (Xor, samples, "50000", 1, 4e9, "", "Trials of an epoch"),
  RV_INT (Xor, seed, "1", 0, 9e15, "", "Key of all trials"),
  RV_INT (Xor, channels, "20", 1, 1e6, "", "Input units"),
  RV_INT (Xor, pattern, "10", 1, 1e6, "steps", "Length of each pattern"),
  RV_INT (Xor, gap, "180", 0, 1e7, "steps", "Steps with noise alone between the patterns"),
  RV_REAL (Xor, low, "0.2", 0, 1, "", "Chance of a spike per channel and step in a pattern that means 0"),
  RV_REAL (Xor, high, "0.6", 0, 1, "", "The same in a pattern that means 1"),
  RV_REAL (Xor, noise, "0.01", 0, 1, "", "Chance of a noise spike in any bin"),
  RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The trials" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("dataset", "delayed-xor")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Delayed XOR of two spike patterns in noise",
  .citation = "Zheng et al. 2024, Temporal dendritic heterogeneity incorporated with spiking neural networks",
  .params = params,
  .params_size = sizeof (Xor),
  RV_FUNCTIONS (class),
};
