/* One training step (forward, backward, Adam) of the networks of cases.c: samples per second, to set beside
 * the peers' scripts, which read what --export writes. A case has a process of its own, so that its memory
 * is its own. */
#include "base/threads.h"
#include "cases.h"
#include "data/npz.h"
#include "engine/model.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 5    /* of a round; each round begins with the same weights, so that all do the same work */
#define CREEP 1e-4 /* while measuring, the rate is so much smaller, and the firing stays as it is */
#define FEWEST 5   /* rounds */
#define MOST 201
#define ONE_SECOND G_USEC_PER_SEC

static char *only, *root, *export_folder, *weights_folder;
static int threads = 2, warm = -1;
static double seconds = 2.0;
static gboolean list, as_json, with_profile;

static const GOptionEntry options[] = {
  { "case", 'c', 0, G_OPTION_ARG_STRING, &only, "This case alone; without, all, each in a process", "NAME" },
  { "data", 'd', 0, G_OPTION_ARG_FILENAME, &root, "Folder of the data sets (RANVIER_TEST_DATA)", "DIR" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &threads, "How many (2)", "N" },
  { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long a case is measured (2)", "S" },
  { "warm", 'w', 0, G_OPTION_ARG_INT, &warm, "Steps of training before (64; XOR 400; 0: a fresh network)",
    "N" },
  { "weights", 0, 0, G_OPTION_ARG_FILENAME, &weights_folder,
    "Instead, begin with the weights that were exported there", "DIR" },
  { "export", 'e', 0, G_OPTION_ARG_FILENAME, &export_folder,
    "Write recordings, weights, gradient and weights after one step there; measure nothing", "DIR" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "One JSON object for each case", NULL },
  { "profile", 'p', 0, G_OPTION_ARG_NONE, &with_profile, "Tell where the time went", NULL },
  { "list", 'l', 0, G_OPTION_ARG_NONE, &list, "Name the cases", NULL },
  { NULL }
};

/* What is measured of a case, and with what. */
typedef struct
{
  const BenchCase *one;
  BenchBatch data;
  RvDataset *dataset;
  RvModel *model;
  RvUpdater *updater;
  float *start, *gradient; /* [parameter_count]; start: the weights that a round begins with */
  double times[MOST];      /* milliseconds of a step, sorted */
  guint rounds;
  double base, peak; /* megabytes: before the network is built; at most from then on */
  char *profile;
  double share; /* of the machine's limit */
} Bench;

/* ---- memory, as the kernel counts it */

static double
status_megabytes (const char *field)
{
  g_autofree char *text = NULL;
  const char *at = g_file_get_contents ("/proc/self/status", &text, NULL, NULL) ? strstr (text, field) : NULL;
  return at ? strtod (at + strlen (field), NULL) / 1024.0 : 0.0;
}

/* From here on, VmHWM speaks of what comes. */
static void
forget_peak (void)
{
  malloc_trim (0);
  FILE *file = fopen ("/proc/self/clear_refs", "w");
  if (file)
    {
      fputs ("5", file);
      fclose (file);
    }
}

/* ---- firing */

typedef struct
{
  uint32_t layers;
  double spikes[RV_TILE_SLOTS][BENCH_LAYERS], places[RV_TILE_SLOTS][BENCH_LAYERS];
} Firing;

static void
count_tile (void *self, const RvTileView *view)
{
  Firing *firing = self;
  for (uint32_t l = 0; l < firing->layers; l++)
    {
      const RvSignal *signal = &view->layers[l];
      const size_t rows = (size_t)signal->steps * signal->samples;
      firing->spikes[view->slot][l] += signal->offsets ? signal->offsets[rows] : 0;
      firing->places[view->slot][l] += (double)rows * signal->units;
    }
}

/* Shares of the hidden neurons that fire in a step, with the weights as they are. */
static gboolean
hidden_rates (const Bench *bench, double rates[BENCH_LAYERS], RvScore *score, GError **error)
{
  Firing firing = { .layers = rv_model_layers (bench->model) - 1 };
  const RvObserver observer = { count_tile, &firing };
  const RvBatch batch = { bench->dataset, 0, NULL, bench->one->batch };
  if (!rv_model_evaluate (bench->model, NULL, &batch, &observer, score, error))
    return FALSE;
  for (uint32_t l = 0; l < firing.layers; l++)
    {
      double spikes = 0.0, places = 0.0;
      for (uint32_t s = 0; s < RV_TILE_SLOTS; s++)
        {
          spikes += firing.spikes[s][l];
          places += firing.places[s][l];
        }
      rates[l] = spikes / places;
    }
  return TRUE;
}

/* ---- steps */

static gboolean
step (Bench *bench, double factor, GError **error)
{
  const RvBatch batch = { bench->dataset, 0, NULL, bench->one->batch };
  if (!rv_model_gradient (bench->model, NULL, &batch, bench->gradient, NULL, error))
    return FALSE;
  rv_updater_step (bench->updater, bench->model, bench->gradient, factor);
  return TRUE;
}

static void
begin_again (Bench *bench)
{
  memcpy (rv_model_parameters (bench->model), bench->start,
          rv_model_parameter_count (bench->model) * sizeof (float));
  g_clear_pointer (&bench->updater, rv_updater_free);
  bench->updater = bench_updater_new (bench->one, bench->model);
}

/* The weights that everything begins with: those of an export, or what some training made of the first
 * ones. */
static gboolean
find_start (Bench *bench, GError **error)
{
  const size_t bytes = rv_model_parameter_count (bench->model) * sizeof (float);
  const uint32_t steps = warm >= 0 ? (uint32_t)warm : bench->one->warm;
  if (weights_folder)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s-start.npz", weights_folder, bench->one->name);
      g_autoptr (GHashTable) members = rv_npz_read (path, error);
      if (!members || !rv_model_fill (bench->model, members, error))
        return FALSE;
    }
  for (uint32_t k = 0; k < steps && !weights_folder; k++)
    if (!step (bench, 1.0, error))
      return FALSE;
  bench->start = g_memdup2 (rv_model_parameters (bench->model), bytes);
  return TRUE;
}

static gboolean
prepare (Bench *bench, GError **error)
{
  if (!bench_batch_load (&bench->data, bench->one, root, error))
    return FALSE;
  forget_peak ();
  bench->base = status_megabytes ("VmRSS:");
  bench->dataset = bench_batch_dataset (&bench->data);
  bench->model = bench_model_new (bench->one, &bench->data.spec, error);
  if (!bench->model)
    return FALSE;
  bench->gradient = g_new (float, rv_model_parameter_count (bench->model));
  bench->updater = bench_updater_new (bench->one, bench->model);
  if (!find_start (bench, error))
    return FALSE;
  begin_again (bench);
  return TRUE;
}

static void
bench_clear (Bench *bench)
{
  g_clear_pointer (&bench->updater, rv_updater_free);
  g_clear_pointer (&bench->model, rv_model_unref);
  g_clear_pointer (&bench->dataset, rv_dataset_unref);
  g_free (bench->gradient);
  g_free (bench->start);
  g_free (bench->profile);
  bench_batch_clear (&bench->data);
}

static int
by_size (const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static gboolean
measure (Bench *bench, GError **error)
{
  gint64 total = 0;
  if (!step (bench, CREEP, error)) /* makes the work space */
    return FALSE;
  while (bench->rounds < FEWEST || (bench->rounds < MOST && (double)total < seconds * ONE_SECOND))
    {
      begin_again (bench);
      const gint64 began = g_get_monotonic_time ();
      for (int k = 0; k < STEPS; k++)
        if (!step (bench, CREEP, error))
          return FALSE;
      const gint64 took = g_get_monotonic_time () - began;
      bench->times[bench->rounds++] = (double)took * 1e-3 / STEPS;
      total += took;
    }
  bench->peak = status_megabytes ("VmHWM:");
  qsort (bench->times, bench->rounds, sizeof (double), by_size);
  return TRUE;
}

/* A few steps more, in which the workers look at the clock. */
static gboolean
profile (Bench *bench, GError **error)
{
  gboolean good = TRUE;
  rv_model_set_profiled (bench->model, TRUE);
  for (int k = 0; k < STEPS && good; k++)
    good = step (bench, CREEP, error);
  bench->profile = rv_model_profile (bench->model, &bench->share);
  rv_model_set_profiled (bench->model, FALSE);
  return good;
}

/* ---- what is told */

static void
add_number (JsonBuilder *json, const char *name, double value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_double_value (json, value);
}

static void
add_numbers (JsonBuilder *json, const char *name, guint n, const double *values)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
  for (guint k = 0; k < n; k++)
    json_builder_add_double_value (json, values[k]);
  json_builder_end_array (json);
}

static void
print_json (JsonBuilder *json, FILE *out)
{
  g_autoptr (JsonNode) node = json_builder_get_root (json);
  g_autofree char *text = json_to_string (node, FALSE);
  fprintf (out, "%s\n", text);
}

static gboolean
tell (const Bench *bench, const double *before, GError **error)
{
  double after[BENCH_LAYERS];
  RvScore score = { 0 };
  if (!hidden_rates (bench, after, &score, error))
    return FALSE;
  const guint hidden = rv_model_layers (bench->model) - 1;
  const double median = bench->times[bench->rounds / 2], speed = bench->one->batch * 1e3 / median;
  if (as_json)
    {
      g_autoptr (JsonBuilder) json = json_builder_new ();
      json_builder_begin_object (json);
      bench_describe (json, bench->one, &bench->data);
      add_number (json, "samples_per_second", speed);
      add_number (json, "ms", median);
      add_number (json, "ms_least", bench->times[0]);
      add_number (json, "ms_most", bench->times[bench->rounds - 1]);
      add_number (json, "base_mb", bench->base);
      add_number (json, "peak_mb", bench->peak);
      add_number (json, "share_of_limit", bench->share);
      add_number (json, "threads", rv_threads_get ());
      json_builder_set_member_name (json, "isa");
      json_builder_add_string_value (json, rv_isa_name (rv_isa ()));
      add_numbers (json, "firing", hidden, before);
      add_numbers (json, "firing_after", hidden, after);
      json_builder_end_object (json);
      print_json (json, stdout);
      return TRUE;
    }
  g_autoptr (GString) firing = g_string_new (NULL);
  for (guint k = 0; k < hidden; k++)
    g_string_append_printf (firing, "%s%.1f %%", k ? ", " : "", before[k] * 100.0);
  const BenchCase *one = bench->one;
  printf ("%s: %.0f samples/s, %.2f ms a step [%.2f to %.2f], %u threads, %s, %.0f %% of the limit, peak "
          "%.0f MB (%.0f "
          "before)\n",
          one->name, speed, median, bench->times[0], bench->times[bench->rounds - 1], rv_threads_get (),
          rv_isa_name (rv_isa ()), bench->share * 100.0, bench->peak, bench->base);
  g_autofree char *data = bench_data_name (one, &bench->data);
  printf ("  batch %u, T = %u; %s; %.2f %% of the inputs not zero; hidden firing %s\n", one->batch,
          one->steps, data, bench->data.density * 100.0, firing->str);
  if (with_profile)
    fputs (bench->profile, stdout);
  return TRUE;
}

/* ---- export: FOLDER/CASE.json and CASE-data, -start, -gradient, -after .npz, each an array of floats */

static RvTensor *
tensor (uint32_t n, float **values)
{
  RvTensor *t = rv_tensor_new (1, &n);
  *values = rv_tensor_data (t);
  return t;
}

/* counts [batch * steps] and ids of spikes; values [batch * ...] of images and frames; labels. */
static gboolean
export_data (const Bench *bench, const char *path, GError **error)
{
  const BenchCase *one = bench->one;
  const RvForm form = bench->data.spec.form;
  const RvRecording *recordings = bench->data.recordings;
  const uint32_t values_of_one = one->inputs * (form == RV_FORM_FRAMES ? one->steps : 1);
  const char *names[3] = { "labels", form == RV_FORM_SPIKES ? "ids" : "values", "counts" };
  RvTensor *tensors[3] = { NULL };
  float *labels, *values, *counts = NULL;
  size_t n = 0;
  for (uint32_t b = 0; b < one->batch; b++)
    n += form == RV_FORM_SPIKES ? recordings[b].offsets[one->steps] : values_of_one;
  tensors[0] = tensor (one->batch, &labels);
  tensors[1] = tensor ((uint32_t)n, &values);
  if (form == RV_FORM_SPIKES)
    tensors[2] = tensor (one->batch * one->steps, &counts);
  for (uint32_t b = 0; b < one->batch; b++)
    {
      const RvRecording *r = &recordings[b];
      labels[b] = (float)r->label;
      for (uint32_t t = 0; counts && t < one->steps; t++)
        *counts++ = (float)(r->offsets[t + 1] - r->offsets[t]);
      for (uint32_t k = 0; counts && k < r->offsets[one->steps]; k++)
        *values++ = (float)r->ids[k];
      for (uint32_t k = 0; !counts && k < values_of_one; k++)
        *values++ = r->values[k];
    }
  const gboolean good = rv_npz_write (path, counts ? 3 : 2, names, tensors, error);
  for (int k = 0; k < 3; k++)
    g_clear_pointer (&tensors[k], rv_tensor_unref);
  return good;
}

/* The model's parameters, or `values` in their place. */
static gboolean
save (const Bench *bench, const char *part, const float *values, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s/%s-%s.npz", export_folder, bench->one->name, part);
  g_autoptr (RvModel) copy = rv_model_copy (bench->model);
  memcpy (rv_model_parameters (copy), values, rv_model_parameter_count (copy) * sizeof (float));
  return rv_model_save (copy, path, error);
}

static gboolean
export_all (Bench *bench, GError **error)
{
  g_autofree char *data = g_strdup_printf ("%s/%s-data.npz", export_folder, bench->one->name);
  g_autofree char *description = g_strdup_printf ("%s/%s.json", export_folder, bench->one->name);
  double rates[BENCH_LAYERS];
  RvScore score = { 0 };
  g_mkdir_with_parents (export_folder, 0755); /* where it fails, writing says so */
  if (!export_data (bench, data, error) || !save (bench, "start", bench->start, error)
      || !hidden_rates (bench, rates, &score, error) || !step (bench, 1.0, error)
      || !save (bench, "gradient", bench->gradient, error)
      || !save (bench, "after", rv_model_parameters (bench->model), error))
    return FALSE;
  g_autoptr (JsonBuilder) json = json_builder_new ();
  json_builder_begin_object (json);
  bench_describe (json, bench->one, &bench->data);
  add_number (json, "loss", score.loss);
  add_numbers (json, "firing", rv_model_layers (bench->model) - 1, rates);
  json_builder_end_object (json);
  g_autoptr (JsonNode) node = json_builder_get_root (json);
  g_autofree char *text = json_to_string (node, TRUE);
  return g_file_set_contents (description, text, -1, error);
}

/* ---- cases */

static int
run_one (const BenchCase *one)
{
  g_autoptr (GError) error = NULL;
  Bench bench = { .one = one };
  double before[BENCH_LAYERS];
  const gboolean good
      = prepare (&bench, &error)
        && (export_folder ? export_all (&bench, &error)
                          : hidden_rates (&bench, before, NULL, &error) && measure (&bench, &error)
                                && profile (&bench, &error) && tell (&bench, before, &error));
  if (!good)
    fprintf (stderr, "%s: %s\n", one->name, error->message);
  bench_clear (&bench);
  return good ? 0 : 1;
}

/* Those without their data are passed over. */
static int
run_all (char **arguments)
{
  int status = 0;
  for (guint k = 0; k < bench_n_cases; k++)
    {
      g_autoptr (GPtrArray) command = g_ptr_array_new ();
      int result = 0;
      for (char **argument = arguments; *argument; argument++)
        g_ptr_array_add (command, *argument);
      g_ptr_array_add (command, (char *)"--case");
      g_ptr_array_add (command, (char *)bench_cases[k].name);
      g_ptr_array_add (command, NULL);
      if (!root && !bench_cases[k].made_name && bench_cases[k].events)
        {
          printf ("%s: needs a folder of data (--data or RANVIER_TEST_DATA)\n", bench_cases[k].name);
          continue;
        }
      fflush (stdout);
      if (!g_spawn_sync (NULL, (char **)command->pdata, NULL,
                         G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &result,
                         NULL)
          || result != 0)
        status = 1;
    }
  return status;
}

int
main (int argc, char **argv)
{
  rv_threads_wait_briefly (argv);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) arguments = g_strdupv (argv);
  g_autoptr (GOptionContext) context = g_option_context_new ("- measures training steps");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1 || threads < 1)
    {
      fprintf (stderr, "%s\n", error ? error->message : "see --help");
      return 2;
    }
  if (!root && g_getenv ("RANVIER_TEST_DATA"))
    root = g_strdup (g_getenv ("RANVIER_TEST_DATA"));
  for (guint k = 0; list && k < bench_n_cases; k++)
    puts (bench_cases[k].name);
  if (list)
    return 0;
  rv_threads_set ((uint32_t)threads);
  if (!only)
    return run_all (arguments);
  const BenchCase *one = bench_case_find (only);
  if (!one)
    fprintf (stderr, "there is no case %s; --list names them\n", only);
  return one ? run_one (one) : 2;
}
