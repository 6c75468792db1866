/* What is in a data set: samples per split and class, how much a sample holds, and one sample drawn. */
#include "cli/data.h"

#include "base/threads.h"
#include "cli/cli.h"
#include "data/keep.h"
#include "pipeline/graph-private.h"
#include "plugin/registry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PANELS 6 /* into so many frames the recording of a camera is summed */

/* A split, loaded through a pipeline of one or two nodes. */
typedef struct
{
  RvDocument *document;
  RvGraph *graph;
} Loaded;

static void
clear_loaded (Loaded *loaded)
{
  rv_graph_free (loaded->graph);
  rv_document_free (loaded->document);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Loaded, clear_loaded)

/* The folder in which all files of the set lie, as a text of YAML; "" leaves the search to the plugin.
 * Caller owns. */
static char *
folder_of (const RvSet *set, const GPtrArray *files)
{
  g_autofree char *folder = NULL;
  for (guint k = 0; k < files->len; k++)
    {
      const RvFound *found = files->pdata[k];
      g_autofree char *here = found->path ? g_path_get_dirname (found->path) : NULL;
      if (folder && here && strcmp (folder, here) != 0)
        return g_strdup ("");
      if (!folder)
        folder = g_steal_pointer (&here);
    }
  g_auto (GStrv) quotes = g_strsplit (folder ? folder : set->set->folder ? set->set->folder : "", "'", -1);
  return g_strjoinv ("''", quotes);
}

/* Runs the pipeline; says why it can not. */
static gboolean
load (const RvSet *set, const GPtrArray *files, const char *root, const char *split, Loaded *loaded,
      GError **error)
{
  g_autofree char *folder = folder_of (set, files);
  g_autoptr (GString) text = g_string_new ("nodes:\n");
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_string_append_printf (text, "  data: {use: dataset/%s, split: %s%s%s%s}\n", set->plugin->name, split,
                          *folder ? ", folder: '" : "", folder, *folder ? "'" : "");
  if (set->set->steps)
    g_string_append_printf (text, "  steps: {%s, data: data}\n", set->set->steps);
  const RvGraphOptions options = { .data_root = root };
  loaded->document = rv_document_parse (text->str, text->len, set->set->name, NULL, mistakes);
  loaded->graph = loaded->document ? rv_graph_new (loaded->document, &options, mistakes) : NULL;
  rv_registry_rest ();
  for (guint n = 0; loaded->graph && n < loaded->graph->nodes->len; n++)
    {
      RvNode *node = loaded->graph->nodes->pdata[n];
      if (!node->class->run (node->instance->self, node, error))
        return FALSE;
    }
  if (loaded->graph)
    return TRUE;
  /* the place is one in a text that nobody wrote */
  const char *message = mistakes->messages->pdata[0], *name = strstr (message, ": ");
  g_set_error_literal (error, RV_ERROR, RV_ERROR_DATA, name ? name + 2 : message);
  return FALSE;
}

static RvDataset *
dataset_of (const Loaded *loaded, guint node)
{
  return ((RvPortValue *)((RvNode *)loaded->graph->nodes->pdata[node])->outputs->pdata[0])->artefact;
}

/* ---- counting */

typedef struct
{
  const RvDataset *data;
  uint64_t *held;   /* [samples]: events, spikes, or values that are not zero */
  uint32_t *labels; /* [samples] */
  GError **errors;  /* [samples] */
} Count;

static void
count_one (void *self, uint32_t id, uint32_t worker)
{
  const Count *count = self;
  g_auto (RvRecording) r = { 0 };
  if (!rv_dataset_read (count->data, 0, id, &r, &count->errors[id]))
    return;
  const uint64_t values = r.form == RV_FORM_STATIC ? r.units : (uint64_t)r.steps * r.units;
  count->labels[id] = r.label;
  if (r.form == RV_FORM_EVENTS)
    count->held[id] = r.n_events;
  else if (r.form == RV_FORM_SPIKES)
    count->held[id] = r.offsets[r.steps];
  else
    for (uint64_t k = 0; k < values; k++)
      count->held[id] += r.values[k] != 0.0f;
}

/* The mean of what a sample holds; with `classes` also how many samples there are of each. NaN with an
 * error. */
static double
count_all (const RvDataset *data, uint32_t *classes, GError **error)
{
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  g_autofree uint64_t *held = g_new0 (uint64_t, spec->samples);
  g_autofree uint32_t *labels = g_new0 (uint32_t, spec->samples);
  g_autofree GError **errors = g_new0 (GError *, spec->samples);
  Count count = { data, held, labels, errors };
  double sum = 0.0;
  rv_parallel_for (spec->samples, count_one, &count);
  for (uint32_t id = 0; id < spec->samples; id++)
    {
      sum = errors[id] ? NAN : sum + (double)held[id];
      if (errors[id] && !*error)
        g_propagate_prefixed_error (error, g_steal_pointer (&errors[id]), "sample %u: ", id);
      g_clear_error (&errors[id]);
      if (classes && labels[id] < spec->classes)
        classes[labels[id]]++;
    }
  return sum / spec->samples;
}

/* ---- describing */

static char *
class_name (const RvDatasetSpec *spec, uint32_t class)
{
  return spec->classes_names ? g_strdup (spec->classes_names[class]) : g_strdup_printf ("%u", class);
}

typedef struct
{
  double held, density; /* per sample; share of units at a step, NaN: no steps */
  uint32_t *classes;
} Numbers;

/* What makes the steps, "transform/bins, width: 3 ms": numbers of other steps are other ones. */
static const char *
steps_by (const RvSet *set)
{
  static const char use[] = "use: ";
  return set->set->steps + (g_str_has_prefix (set->set->steps, use) ? strlen (use) : 0);
}

static void
print_split (const RvSet *set, const RvDatasetSpec *spec, const RvDatasetSpec *steps, const char *split,
             const Numbers *n)
{
  const char *what = spec->form == RV_FORM_EVENTS   ? "events"
                     : spec->form == RV_FORM_SPIKES ? "spikes"
                                                    : "values above zero";
  printf ("%s: %u samples of %u units (%u x %u x %u), %u classes\n", split, spec->samples, spec->units,
          spec->dims[0], spec->dims[1], spec->dims[2], spec->classes);
  printf ("  %.1f %s per sample", n->held, what);
  if (spec->duration)
    printf (", the longest of %.6g s", (double)spec->duration * 1e-6);
  if (steps)
    printf ("; at each of %u steps %.3f %% of the units (%s)", steps->steps, 100.0 * n->density,
            steps_by (set));
  printf ("\n  samples of each class:");
  for (uint32_t c = 0; c < spec->classes; c++)
    {
      g_autofree char *name = class_name (spec, c);
      printf ("%s %s %u", c ? "," : "", name, n->classes[c]);
    }
  printf ("\n");
}

static void
add_split (JsonArray *json, const RvSet *set, const RvDatasetSpec *spec, const RvDatasetSpec *steps,
           const char *split, const Numbers *n)
{
  JsonObject *object = json_object_new ();
  JsonArray *dims = json_array_new (), *classes = json_array_new ();
  json_object_set_string_member (object, "split", split);
  json_object_set_int_member (object, "samples", spec->samples);
  json_object_set_array_member (object, "dims", dims);
  json_object_set_int_member (object, "duration_us", (gint64)spec->duration);
  json_object_set_double_member (object, "held_per_sample", n->held);
  if (steps)
    {
      json_object_set_int_member (object, "steps", steps->steps);
      json_object_set_string_member (object, "steps_by", steps_by (set));
      json_object_set_double_member (object, "density", n->density);
    }
  json_object_set_array_member (object, "classes", classes);
  for (int k = 0; k < 3; k++)
    json_array_add_int_element (dims, spec->dims[k]);
  for (uint32_t c = 0; c < spec->classes; c++)
    {
      g_autofree char *name = class_name (spec, c);
      JsonObject *class = json_object_new ();
      json_object_set_string_member (class, "name", name);
      json_object_set_int_member (class, "samples", n->classes[c]);
      json_array_add_object_element (classes, class);
    }
  json_array_add_object_element (json, object);
}

static gboolean
describe_split (const RvSet *set, const GPtrArray *files, const char *root, const char *split,
                JsonArray *json, GError **error)
{
  g_auto (Loaded) loaded = { 0 };
  if (!load (set, files, root, split, &loaded, error))
    return FALSE;
  const RvDatasetSpec *spec = rv_dataset_spec (dataset_of (&loaded, 0));
  const RvDatasetSpec *steps = set->set->steps ? rv_dataset_spec (dataset_of (&loaded, 1)) : NULL;
  g_autofree uint32_t *classes = g_new0 (uint32_t, spec->classes);
  GError *problem = NULL;
  Numbers n = { .density = NAN, .classes = classes };
  n.held = count_all (dataset_of (&loaded, 0), classes, &problem);
  if (steps && !problem)
    n.density = count_all (dataset_of (&loaded, 1), NULL, &problem) / ((double)steps->steps * steps->units);
  if (problem)
    g_propagate_error (error, problem);
  else if (json)
    add_split (json, set, spec, steps, split, &n);
  else
    print_split (set, spec, steps, split, &n);
  return problem == NULL;
}

gboolean
rv_set_describe (const RvSet *set, const GPtrArray *files, const char *root, JsonArray *json)
{
  gboolean good = TRUE;
  for (const char *const *split = set->set->splits; *split; split++)
    {
      g_autoptr (GError) error = NULL;
      if (describe_split (set, files, root, *split, json, &error))
        continue;
      fprintf (stderr, "ranvier data: %s, split %s: %s\n", set->set->name, *split, error->message);
      good = FALSE;
    }
  return good;
}

/* ---- drawing */

/* Panels of one size side by side, as a matrix for gnuplot with NaN between them. */
static char *
panels_text (const float *values, uint32_t panels, uint32_t height, uint32_t width, uint32_t columns)
{
  GString *text = g_string_new (NULL);
  const uint32_t rows = (panels + columns - 1) / columns;
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  for (uint32_t y = 0; y < rows * (height + 1) - 1; y++)
    {
      for (uint32_t x = 0; x < columns * (width + 1) - 1; x++)
        {
          const uint32_t panel = y / (height + 1) * columns + x / (width + 1);
          const uint32_t inside_y = y % (height + 1), inside_x = x % (width + 1);
          const gboolean gap = inside_y == height || inside_x == width || panel >= panels;
          const size_t at = ((size_t)panel * height + inside_y) * width + inside_x;
          g_string_append_printf (text, "%s%s", x ? " " : "",
                                  gap ? "NaN" : g_ascii_formatd (number, sizeof number, "%.6g", values[at]));
        }
      g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}

#define IMAGE                                                                                                \
  "unset border\nunset tics\nset yrange [*:*] reverse\nset size ratio -1\nset palette gray\nunset "          \
  "colorbox\n"

/* A still image: in its colours, or its channels side by side. */
static gboolean
draw_image (const RvRecording *r, const RvDatasetSpec *spec, const char *title, const char *stem,
            GError **error)
{
  const uint32_t channels = spec->dims[0], height = spec->dims[1], width = spec->dims[2],
                 pixels = height * width;
  if (channels != 3)
    {
      g_autofree char *data = panels_text (r->values, channels, height, width, channels);
      return rv_figure_write_plot (stem, title, IMAGE, "matrix with image", data, error);
    }
  g_autoptr (GString) data = g_string_new ("# x y red green blue\n");
  for (uint32_t k = 0; k < pixels; k++)
    {
      g_string_append_printf (data, "%u %u", k % width, k / width);
      for (uint32_t c = 0; c < 3; c++)
        g_string_append_printf (data, " %d",
                                (int)lround (255.0 * CLAMP (r->values[c * pixels + k], 0.0f, 1.0f)));
      g_string_append_c (data, '\n');
    }
  return rv_figure_write_plot (stem, title, IMAGE, "using 1:2:3:4:5 with rgbimage", data->str, error);
}

/* When event k was, in steps or microseconds, and what unit it was of: of events and spikes alike. */
static uint32_t
events_of (const RvRecording *r, GArray *times)
{
  const uint32_t n = r->form == RV_FORM_EVENTS ? r->n_events : r->offsets[r->steps];
  g_array_set_size (times, n);
  for (uint32_t t = 0; r->form == RV_FORM_SPIKES && t < r->steps; t++)
    for (uint32_t k = r->offsets[t]; k < r->offsets[t + 1]; k++)
      g_array_index (times, uint32_t, k) = t;
  if (r->form == RV_FORM_EVENTS && n)
    memcpy (times->data, r->times, n * sizeof (uint32_t));
  return n;
}

/* Of a camera: events summed over frames of equal length, the last channel (ON) less the others. */
static gboolean
draw_frames (const RvRecording *r, const RvDatasetSpec *spec, const char *title, const char *stem,
             GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  const uint32_t n = events_of (r, times), pixels = spec->dims[1] * spec->dims[2];
  const uint64_t span = r->form == RV_FORM_SPIKES ? r->steps
                        : n                       ? g_array_index (times, uint32_t, n - 1) + UINT64_C (1)
                                                  : 1;
  g_autofree float *sums = g_new0 (float, (size_t)PANELS *pixels);
  g_autofree char *frames
      = r->form == RV_FORM_SPIKES
            ? g_strdup_printf ("%d frames of %.4g steps", PANELS, (double)span / PANELS)
            : g_strdup_printf ("%d frames of %.4g ms", PANELS, (double)span / PANELS * 1e-3);
  float most = 1.0f;
  for (uint32_t k = 0; k < n; k++)
    {
      const uint64_t frame = g_array_index (times, uint32_t, k) * (uint64_t)PANELS / span;
      float *sum = &sums[frame * pixels + r->ids[k] % pixels];
      *sum += r->ids[k] / pixels + 1 == spec->dims[0] ? 1.0f : -1.0f;
      most = MAX (most, fabsf (*sum));
    }
  g_autofree char *data = panels_text (sums, PANELS, spec->dims[1], spec->dims[2], PANELS / 2);
  /* few pixels are near the most: the scale ends at half of it */
  g_autofree char *settings = g_strdup_printf (
      IMAGE "set palette defined (-1 '#0072B2', 0 'white', 1 '#D55E00')\nset colorbox\nset cbtics\n"
            "set cbrange [-%g:%g]\nset cblabel 'ON less OFF events'\nset xlabel '%s'\n",
      fmaxf (most / 2.0f, 1.0f), fmaxf (most / 2.0f, 1.0f), frames);
  return rv_figure_write_plot (stem, title, settings, "matrix with image", data, error);
}

static gboolean
draw_raster (const RvRecording *r, const RvDatasetSpec *spec, const char *title, const char *stem,
             GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  const uint32_t n = events_of (r, times);
  g_autoptr (GString) data
      = g_string_new (r->form == RV_FORM_SPIKES ? "# step unit\n" : "# microseconds unit\n");
  g_autofree char *settings = g_strdup_printf ("set xlabel '%s'\nset ylabel 'unit'\nset tics nomirror out\n"
                                               "set border 3\nset xrange [0:*]\nset yrange [-1:%u]\n",
                                               r->form == RV_FORM_SPIKES ? "step" : "time / ms", spec->units);
  for (uint32_t k = 0; k < n; k++)
    g_string_append_printf (data, "%u %u\n", g_array_index (times, uint32_t, k), r->ids[k]);
  if (!n) /* gnuplot refuses to plot nothing */
    g_string_append (data, "0 NaN\n");
  return rv_figure_write_plot (
      stem, title, settings,
      r->form == RV_FORM_SPIKES
          ? "using 1:2 with points pointtype 7 pointsize 0.15 linecolor rgb '#0072B2'"
          : "using ($1 / 1000.0):2 with points pointtype 7 pointsize 0.15 linecolor rgb '#0072B2'",
      data->str, error);
}

static gboolean
draw (const RvRecording *r, const RvDatasetSpec *spec, const char *title, const char *stem, GError **error)
{
  const gboolean is_image = spec->dims[1] > 1 && spec->dims[2] > 1;
  if (r->form == RV_FORM_STATIC)
    return draw_image (r, spec, title, stem, error);
  if (r->form != RV_FORM_FRAMES)
    return (is_image ? draw_frames : draw_raster) (r, spec, title, stem, error);
  g_autofree char *data = panels_text (r->values, 1, r->steps, r->units, 1);
  return rv_figure_write_plot (stem, title, "set xlabel 'unit'\nset ylabel 'step'\nset palette gray\n",
                               "matrix with image", data, error);
}

int
rv_set_draw (const RvSet *set, const GPtrArray *files, const char *root, const char *split, gint64 id,
             const char *stem)
{
  g_auto (Loaded) loaded = { 0 };
  g_auto (RvRecording) recording = { 0 };
  g_autoptr (GError) error = NULL;
  split = split ? split : set->set->splits[0];
  if (!load (set, files, root, split, &loaded, &error))
    {
      fprintf (stderr, "ranvier data: %s, split %s: %s\n", set->set->name, split, error->message);
      return RV_EXIT_FAILED;
    }
  const RvDataset *data = dataset_of (&loaded, 0);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  if (id >= spec->samples)
    {
      fprintf (stderr,
               "ranvier data: %s, split %s has %u samples, numbered from 0; there is no %" G_GINT64_FORMAT
               "\n",
               set->set->name, split, spec->samples, id);
      return RV_EXIT_USAGE;
    }
  g_autofree char *class = NULL, *title = NULL;
  gboolean good = rv_dataset_read (data, 0, (uint32_t)id, &recording, &error);
  if (good)
    {
      class = class_name (spec, recording.label);
      title = g_strdup_printf ("%s, %s sample %" G_GINT64_FORMAT ", class %s", set->set->title, split, id,
                               class);
      good = draw (&recording, spec, title, stem, &error);
    }
  if (!good)
    fprintf (stderr, "ranvier data: %s, split %s, sample %" G_GINT64_FORMAT ": %s\n", set->set->name, split,
             id, error->message);
  return good ? RV_EXIT_DONE : RV_EXIT_FAILED;
}
