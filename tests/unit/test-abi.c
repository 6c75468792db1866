/* The public structs and enums as plugins have them compiled in: an accidental change must fail here and
 * not in somebody's plugin. For LP64 (x86-64, aarch64), where the layouts are the same. */
#include <ranvier/ranvier.h>

#include <string.h>

typedef struct
{
  const char *name, *member; /* without a member: the size of a struct, or a constant */
  gsize is, was;
  const char *entry;
} Fact;

/* clang-format off */
#define SIZE(S, n)  { #S, NULL, sizeof (S), n, "SIZE (" #S ", " }
#define AT(S, m, n) { #S, #m, offsetof (S, m), n, "AT (" #S ", " #m ", " }
#define VALUE(e, n) { #e, NULL, (gsize) (e), n, "VALUE (" #e ", " }

static const Fact facts[] = {
  /* base.h */
  VALUE (RV_ERROR_USAGE, 0), VALUE (RV_ERROR_PIPELINE, 1), VALUE (RV_ERROR_PLUGIN, 2),
  VALUE (RV_ERROR_DATA, 3), VALUE (RV_ERROR_SHAPE, 4), VALUE (RV_ERROR_DIVERGED, 5),
  VALUE (RV_ERROR_IO, 6), VALUE (RV_ERROR_STOPPED, 7),
  /* clones.h */
  VALUE (RV_ISA_BASELINE, 0), VALUE (RV_ISA_V3, 1), VALUE (RV_ISA_V4, 2), VALUE (RV_ISA_COUNT, 3),
  /* random.h */
  SIZE (RvStream, 8), AT (RvStream, key, 0),
  /* param.h */
  VALUE (RV_PARAM_BOOL, 0), VALUE (RV_PARAM_INT, 1), VALUE (RV_PARAM_REAL, 2), VALUE (RV_PARAM_CHOICE, 3),
  VALUE (RV_PARAM_TEXT, 4), VALUE (RV_PARAM_PATH, 5), VALUE (RV_PARAM_DURATION, 6),
  VALUE (RV_PARAM_INTS, 7), VALUE (RV_PARAM_REALS, 8), VALUE (RV_PARAM_TEXTS, 9),
  VALUE (RV_PARAM_REAL_MAP, 10), VALUE (RV_PARAM_TRAINABLE, 11), VALUE (RV_PARAM_SLOT, 12),
  VALUE (RV_PARAM_SLOTS, 13), VALUE (RV_PARAM_PORT, 14), VALUE (RV_PARAM_PORTS, 15),
  VALUE (RV_PARAM_REQUIRED, 1), VALUE (RV_PARAM_UNIT_INTERVAL, 2), VALUE (RV_PARAM_NESTED, 4),
  SIZE (RvInts, 16), AT (RvInts, n, 0), AT (RvInts, items, 8),
  SIZE (RvReals, 16), AT (RvReals, n, 0), AT (RvReals, items, 8),
  SIZE (RvRealMap, 24), AT (RvRealMap, n, 0), AT (RvRealMap, names, 8), AT (RvRealMap, values, 16),
  VALUE (RV_DRAW_CONSTANT, 0), VALUE (RV_DRAW_UNIFORM, 1), VALUE (RV_DRAW_NORMAL, 2),
  SIZE (RvDraw, 32), AT (RvDraw, type, 0), AT (RvDraw, a, 8), AT (RvDraw, b, 16),
  AT (RvDraw, sigmoid, 24), VALUE (RV_TRAIN_FIXED, 0), VALUE (RV_TRAIN_PER_NEURON, 1),
  VALUE (RV_TRAIN_SHARED, 2),
  SIZE (RvTrainable, 72), AT (RvTrainable, mode, 0), AT (RvTrainable, initial, 8),
  AT (RvTrainable, rate, 40), AT (RvTrainable, unit_interval, 48), AT (RvTrainable, reserved, 56),
  SIZE (RvInstance, 24), AT (RvInstance, plugin, 0), AT (RvInstance, self, 8), AT (RvInstance, path, 16),
  SIZE (RvInstances, 16), AT (RvInstances, n, 0), AT (RvInstances, items, 8), VALUE (RV_ARTEFACT_NONE, 0),
  VALUE (RV_ARTEFACT_DATASET, 1), VALUE (RV_ARTEFACT_MODEL, 2), VALUE (RV_ARTEFACT_TABLE, 3),
  VALUE (RV_ARTEFACT_FIGURE, 4),
  SIZE (RvPort, 8), AT (RvPort, value, 0),
  SIZE (RvPorts, 16), AT (RvPorts, n, 0), AT (RvPorts, items, 8),
  SIZE (RvParam, 104), AT (RvParam, name, 0), AT (RvParam, type, 8), AT (RvParam, offset, 16),
  AT (RvParam, default_value, 24), AT (RvParam, minimum, 32), AT (RvParam, maximum, 40),
  AT (RvParam, unit, 48), AT (RvParam, doc, 56), AT (RvParam, choices, 64), AT (RvParam, slot, 72),
  AT (RvParam, artefact, 80), AT (RvParam, flags, 84), AT (RvParam, reserved, 88),
  /* plugin.h */
  SIZE (RvPlugin, 104), AT (RvPlugin, size, 0), AT (RvPlugin, abi_major, 4), AT (RvPlugin, abi_minor, 6),
  AT (RvPlugin, kind, 8), AT (RvPlugin, name, 16), AT (RvPlugin, version, 24), AT (RvPlugin, licence, 32),
  AT (RvPlugin, doc, 40), AT (RvPlugin, citation, 48), AT (RvPlugin, params, 56),
  AT (RvPlugin, params_size, 64), AT (RvPlugin, init, 72), AT (RvPlugin, clear, 80),
  AT (RvPlugin, functions, 88), AT (RvPlugin, functions_size, 96),
  /* selection.h */
  VALUE (RV_PART_ALL, 0), VALUE (RV_PART_REST, 1), VALUE (RV_PART_VALIDATION, 2), SIZE (RvSelection, 72),
  AT (RvSelection, samples, 0), AT (RvSelection, balanced, 8), AT (RvSelection, classes, 16),
  AT (RvSelection, validation, 24), AT (RvSelection, selection_seed, 32), AT (RvSelection, reserved, 40),
  SIZE (RvPart, 4),
  /* dataset.h */
  VALUE (RV_FORM_STATIC, 0), VALUE (RV_FORM_SPIKES, 1), VALUE (RV_FORM_FRAMES, 2), VALUE (RV_FORM_EVENTS, 3),
  SIZE (RvRecording, 128), AT (RvRecording, form, 0), AT (RvRecording, steps, 4),
  AT (RvRecording, units, 8), AT (RvRecording, label, 12), AT (RvRecording, length, 16),
  AT (RvRecording, n_events, 20),
  AT (RvRecording, duration, 24), AT (RvRecording, offsets, 32),
  AT (RvRecording, ids, 40), AT (RvRecording, times, 48), AT (RvRecording, values, 56),
  AT (RvRecording, offsets_room, 64),
  AT (RvRecording, ids_room, 72), AT (RvRecording, values_room, 88), AT (RvRecording, reserved, 96),
  SIZE (RvDatasetSpec, 120), AT (RvDatasetSpec, form, 0), AT (RvDatasetSpec, samples, 4),
  AT (RvDatasetSpec, units, 8), AT (RvDatasetSpec, dims, 12), AT (RvDatasetSpec, steps, 24),
  AT (RvDatasetSpec, classes, 28), AT (RvDatasetSpec, step_width, 32), AT (RvDatasetSpec, varies, 40),
  AT (RvDatasetSpec, duration, 48), AT (RvDatasetSpec, split, 56), AT (RvDatasetSpec, classes_names, 64), AT (RvDatasetSpec, reserved, 72),
  /* neuron.h */
  SIZE (RvNeuronForward, 80), AT (RvNeuronForward, lanes, 0), AT (RvNeuronForward, steps, 4),
  AT (RvNeuronForward, stride, 8), AT (RvNeuronForward, current_is_static, 16),
  AT (RvNeuronForward, param, 24), AT (RvNeuronForward, state, 32), AT (RvNeuronForward, entry, 40),
  AT (RvNeuronForward, current, 48), AT (RvNeuronForward, z, 56), AT (RvNeuronForward, membrane, 64),
  AT (RvNeuronForward, spike, 72),
  SIZE (RvNeuronBackward, 112), AT (RvNeuronBackward, lanes, 0), AT (RvNeuronBackward, steps, 4),
  AT (RvNeuronBackward, stride, 8), AT (RvNeuronBackward, current_is_static, 16),
  AT (RvNeuronBackward, detach_reset, 20), AT (RvNeuronBackward, param, 24),
  AT (RvNeuronBackward, entry, 32), AT (RvNeuronBackward, current, 40), AT (RvNeuronBackward, slope, 48),
  AT (RvNeuronBackward, spike, 56), AT (RvNeuronBackward, slope_stride, 64),
  AT (RvNeuronBackward, spike_gradient, 72), AT (RvNeuronBackward, membrane_gradient, 80),
  AT (RvNeuronBackward, current_gradient, 88), AT (RvNeuronBackward, state_gradient, 96),
  AT (RvNeuronBackward, param_gradient, 104),
  SIZE (RvNeuronKernels, 64), AT (RvNeuronKernels, forward, 0), AT (RvNeuronKernels, integrate, 8),
  AT (RvNeuronKernels, reset, 16), AT (RvNeuronKernels, distance, 24), AT (RvNeuronKernels, backward, 32),
  AT (RvNeuronKernels, reserved, 40),
  SIZE (RvNeuronVariant, 336), AT (RvNeuronVariant, states, 0), AT (RvNeuronVariant, state_names, 8),
  AT (RvNeuronVariant, membrane, 16), AT (RvNeuronVariant, params, 20),
  AT (RvNeuronVariant, param_names, 24), AT (RvNeuronVariant, param_offsets, 32),
  AT (RvNeuronVariant, fires, 40), AT (RvNeuronVariant, kernels, 48), AT (RvNeuronVariant, reserved, 304),
  SIZE (RvNeuronCommon, 40), AT (RvNeuronCommon, start, 0), AT (RvNeuronCommon, surrogate, 8),
  AT (RvNeuronCommon, detach_reset, 16), AT (RvNeuronCommon, reserved, 24), VALUE (RV_START_ZERO, 0),
  VALUE (RV_START_UNIFORM, 1),
  SIZE (RvNeuronClass, 16), AT (RvNeuronClass, variant, 0), AT (RvNeuronClass, common_offset, 8),
  /* layer.h */
  SIZE (RvLayerClass, 32), AT (RvLayerClass, build, 0), AT (RvLayerClass, forward, 8),
  AT (RvLayerClass, backward, 16), AT (RvLayerClass, declare, 24),
  /* grid.h */
  SIZE (RvGrid, 12), AT (RvGrid, channels, 0), AT (RvGrid, height, 4), AT (RvGrid, width, 8),
  SIZE (RvWindow, 32), AT (RvWindow, kernel, 0), AT (RvWindow, stride, 8), AT (RvWindow, padding, 16),
  AT (RvWindow, dilation, 24),
  SIZE (RvConvolution, 96), AT (RvConvolution, window, 0), AT (RvConvolution, channels, 32),
  AT (RvConvolution, groups, 36), AT (RvConvolution, bias, 40), AT (RvConvolution, bfloat16, 44),
  AT (RvConvolution, initializer, 48), AT (RvConvolution, scale, 56), AT (RvConvolution, reserved, 64),
  SIZE (RvNormalisation, 64), AT (RvNormalisation, momentum, 0), AT (RvNormalisation, epsilon, 8),
  AT (RvNormalisation, gain, 16), AT (RvNormalisation, learned, 24), AT (RvNormalisation, per_tile, 28),
  AT (RvNormalisation, reserved, 32),
  SIZE (RvPool, 4), VALUE (RV_POOL_MAX, 0), VALUE (RV_POOL_AVERAGE, 1), VALUE (RV_POOL_SUM, 2),
  /* surrogate.h */
  SIZE (RvSurrogateClass, 40), AT (RvSurrogateClass, slope, 0), AT (RvSurrogateClass, fire, 32),
  /* decoder.h */
  VALUE (RV_READ_SPIKES, 0), VALUE (RV_READ_MEMBRANE, 1),
  SIZE (RvDecoderClass, 32), AT (RvDecoderClass, reads, 0), AT (RvDecoderClass, decisions, 8),
  AT (RvDecoderClass, decode, 16), AT (RvDecoderClass, adjoint, 24),
  /* loss.h */
  SIZE (RvLossClass, 8), AT (RvLossClass, value, 0),
  /* optimizer.h */
  SIZE (RvOptimizerClass, 32), AT (RvOptimizerClass, slots, 0), AT (RvOptimizerClass, rate, 8),
  AT (RvOptimizerClass, update, 16), AT (RvOptimizerClass, update_weights, 24),
  SIZE (RvScheduleClass, 8), AT (RvScheduleClass, factor, 0),
  SIZE (RvInitializerClass, 8), AT (RvInitializerClass, fill, 0),
  /* node.h */
  SIZE (RvOutput, 32), AT (RvOutput, name, 0), AT (RvOutput, kind, 8), AT (RvOutput, doc, 16),
  AT (RvOutput, columns, 24),
  SIZE (RvNodeClass, 40), AT (RvNodeClass, outputs, 0), AT (RvNodeClass, check, 8),
  AT (RvNodeClass, run, 16), AT (RvNodeClass, identify, 24), AT (RvNodeClass, sets, 32),
  /* official.h */
  SIZE (RvOfficialFile, 88), AT (RvOfficialFile, name, 0), AT (RvOfficialFile, also, 8),
  AT (RvOfficialFile, url, 16), AT (RvOfficialFile, size, 24), AT (RvOfficialFile, md5, 32),
  AT (RvOfficialFile, sha256, 40), AT (RvOfficialFile, content_md5, 48), AT (RvOfficialFile, reserved, 56),
  SIZE (RvOfficialSet, 96), AT (RvOfficialSet, name, 0), AT (RvOfficialSet, title, 8),
  AT (RvOfficialSet, page, 16), AT (RvOfficialSet, how, 24), AT (RvOfficialSet, folder, 32),
  AT (RvOfficialSet, splits, 40), AT (RvOfficialSet, steps, 48), AT (RvOfficialSet, files, 56),
  AT (RvOfficialSet, reserved, 64),
  /* table.h */
  VALUE (RV_COLUMN_TEXT, 0), VALUE (RV_COLUMN_REAL, 1), VALUE (RV_COLUMN_INT, 2),
  VALUE (RV_FIGURE_LINE, 0), VALUE (RV_FIGURE_BARS, 1), VALUE (RV_FIGURE_HISTOGRAM, 2),
  VALUE (RV_FIGURE_SCATTER, 3), VALUE (RV_FIGURE_RASTER, 4), VALUE (RV_FIGURE_HEATMAP, 5), VALUE (RV_FIGURE_CONTOUR, 6),
  VALUE (RV_FIGURE_SURFACE, 7), VALUE (RV_FIGURE_PANELS, 8),
  SIZE (RvSeries, 48), AT (RvSeries, name, 0), AT (RvSeries, x, 8), AT (RvSeries, y, 16),
  AT (RvSeries, low, 24), AT (RvSeries, high, 32), AT (RvSeries, labels, 40),
  /* engine.h */
  VALUE (RV_ROLE_WEIGHT, 0), VALUE (RV_ROLE_RECURRENT, 1), VALUE (RV_ROLE_BIAS, 2), VALUE (RV_ROLE_NEURON, 3),
  VALUE (RV_ROLE_GAIN, 4), VALUE (RV_ROLE_RUNNING, 5),
  SIZE (RvModelTensor, 40), AT (RvModelTensor, name, 0), AT (RvModelTensor, layer, 8), AT (RvModelTensor, role, 12),
  AT (RvModelTensor, rows, 16), AT (RvModelTensor, columns, 20), AT (RvModelTensor, reserved, 24),
  SIZE (RvBatch, 48), AT (RvBatch, data, 0), AT (RvBatch, epoch, 8), AT (RvBatch, ids, 16),
  AT (RvBatch, n, 24), AT (RvBatch, reserved, 32),
  SIZE (RvScore, 64), AT (RvScore, samples, 0), AT (RvScore, decisions, 8), AT (RvScore, correct, 16),
  AT (RvScore, loss, 24), AT (RvScore, reserved, 32),
  SIZE (RvSignal, 80), AT (RvSignal, steps, 0), AT (RvSignal, samples, 4), AT (RvSignal, units, 8),
  AT (RvSignal, stride, 16), AT (RvSignal, is_static, 24), AT (RvSignal, offsets, 32),
  AT (RvSignal, ids, 40), AT (RvSignal, values, 48), AT (RvSignal, dense, 56),
  AT (RvSignal, reserved, 64),
  SIZE (RvTileView, 104), AT (RvTileView, slot, 0), AT (RvTileView, samples, 4), AT (RvTileView, ids, 8),
  AT (RvTileView, labels, 16), AT (RvTileView, decisions, 24), AT (RvTileView, classes, 28),
  AT (RvTileView, scores, 32), AT (RvTileView, input, 40), AT (RvTileView, layers, 48),
  AT (RvTileView, steps, 56), AT (RvTileView, taken, 64),
  AT (RvTileView, first, 72), AT (RvTileView, losses, 80), AT (RvTileView, input_gradient, 88), AT (RvTileView, membranes, 96),
  SIZE (RvObserver, 48), AT (RvObserver, tile, 0), AT (RvObserver, self, 8),
  AT (RvObserver, membranes, 16), AT (RvObserver, reserved, 24),
  /* constants that sizes of arrays and plugins' loops depend on */
  VALUE (RV_ABI_MAJOR, 1), VALUE (RV_ABI_MINOR, 1), VALUE (RV_LANES, 16), VALUE (RV_ALIGN, 64),
  VALUE (RV_ISA_ROOM, 4), VALUE (RV_MAX_RANK, 5), VALUE (RV_NEURON_MAX_PARAMS, 16),
  VALUE (RV_NEURON_MAX_STATES, 8), VALUE (RV_TILE_SLOTS, 16),
};
/* clang-format on */

static void
test_layout (void)
{
  guint changed = 0;

  if (sizeof (void *) != 8 || sizeof (long) != 8)
    {
      g_test_skip ("the table is for LP64");
      return;
    }
  for (gsize k = 0; k < G_N_ELEMENTS (facts); k++)
    if (facts[k].is != facts[k].was)
      {
        g_test_message ("%s%s%s is %zu and was %zu; its entry would be %s%zu)", facts[k].name,
                        facts[k].member != NULL ? "." : "", facts[k].member != NULL ? facts[k].member : "",
                        facts[k].is, facts[k].was, facts[k].entry, facts[k].is);
        changed++;
      }
  if (changed == 0)
    return;
  g_test_message (
      "The ABI changed in %u places: a plugin that is already built would go wrong. What may change in a "
      "minor, and how, stands in doc/plugin-abi.md (new functions at the end of a class, new members in "
      "the reserved room, new names at the end of an enum; then raise RV_ABI_MINOR). Anything else needs "
      "a new RV_ABI_MAJOR. Change tests/unit/test-abi.c last; until ABI 1.0 is released, that is all "
      "there is to do.",
      changed);
  g_test_fail ();
}

/* Enums need no entry of their own: their values have one. */
static const char *const enums[]
    = { "RvError", "RvParamType",  "RvArtefactKind", "RvForm",       "RvNeuronStart",
        "RvRead",  "RvColumnType", "RvFigureType",   "RvTensorRole", NULL };

static gboolean
is_listed (const char *name)
{
  for (gsize k = 0; k < G_N_ELEMENTS (facts); k++)
    if (facts[k].member == NULL && g_str_equal (facts[k].name, name))
      return TRUE;
  return g_strv_contains (enums, name);
}

/* What `pattern` finds in a header must have an entry above. */
static void
check_listed (const char *header, const char *text, const char *pattern)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree char *name = g_match_info_fetch (match, 1);

      if (is_listed (name))
        continue;
      g_test_message ("%s: %s is public and has no entry in tests/unit/test-abi.c", header, name);
      g_test_fail ();
    }
}

static void
test_complete (void)
{
  g_autofree char *folder = g_test_build_filename (G_TEST_DIST, "..", "include", "ranvier", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint headers = 0;

  g_assert_nonnull (dir);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL; headers++)
    {
      g_autofree char *file = g_build_filename (folder, name, NULL), *text = NULL;

      if (g_str_has_prefix (name, "neuron-op") || g_str_has_prefix (name, "neuron-types"))
        continue; /* compiled into the plugin: not part of the ABI */
      g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
      check_listed (name, text, "^\\} (Rv\\w+);");
      check_listed (name, text, "^struct (Rv\\w+)\\n\\{");
      check_listed (name, text, "^ +(RV_[A-Z0-9_]+)(?: = [^,\\n]*)?,?(?: */\\*.*)?$");
    }
  g_assert_cmpuint (headers, >=, 15);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/abi/layout", test_layout);
  g_test_add_func ("/abi/complete", test_complete);
  return g_test_run ();
}
