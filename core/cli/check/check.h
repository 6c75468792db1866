/* ranvier check of a plugin: what the judges of all kinds share. A judge runs in a process of its own, so
 * that whatever the plugin does to it is a verdict. One test is one function; the tests of a kind are a
 * list. */
#ifndef RV_CHECK_H
#define RV_CHECK_H

#include "engine/model.h"
#include "plugin/params.h"

typedef enum
{
  RV_VERDICT_OK,
  RV_VERDICT_FAILED,
  RV_VERDICT_SKIPPED,
  RV_VERDICT_UNUSABLE /* the plugin can not be loaded */
} RvVerdict;

typedef struct RvCheckTest RvCheckTest;

typedef struct
{
  const RvPlugin *plugin;
  const RvCheckTest *test;
  char **settings; /* NAME=VALUE, which beat what the tests would choose */
  const char *data_root;
  const char *scratch;    /* a folder for files */
  const RvPlugin *judged; /* while another one is measured beside it: the one that is judged; or NULL */
  GString *said;          /* the verdict in words */
  double worst;           /* what finite differences were off by */
} RvCheck;

struct RvCheckTest
{
  const char *name;
  RvVerdict (*run) (RvCheck *check);
  const char *hint; /* where to look when it fails */
  /* What `run` does with each rig, network or data; or NULL. */
  RvVerdict (*step) (RvCheck *check, void *thing);
};

/* The tests of each kind besides the first, which is every kind's; end with a NULL name. */
extern const RvCheckTest rv_check_neuron[], rv_check_layer[], rv_check_surrogate[], rv_check_decoder[],
    rv_check_loss[], rv_check_optimizer[], rv_check_schedule[], rv_check_initializer[], rv_check_dataset[],
    rv_check_node[], rv_check_long[];

/* ---- verdicts and what the process is at (verdict.c) */

/* Each sets the words and returns its verdict; a failure adds what it was at. */
RvVerdict rv_check_ok (RvCheck *check, const char *format, ...) G_GNUC_PRINTF (2, 3);
RvVerdict rv_check_fail (RvCheck *check, const char *format, ...) G_GNUC_PRINTF (2, 3);
RvVerdict rv_check_skip (RvCheck *check, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Remembers, for failures and crashes, the parameters at hand and what is being done. */
void rv_check_with (const char *parameters);
void rv_check_at (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Lets a crash, an abort or too much processor time end the process with a verdict, written to `fd`. */
void rv_check_catch (int fd, guint seconds);
/* Memory that is not yet written to holds one kind of rubbish or another. */
void rv_check_perturb (gboolean other);
void rv_check_write (int fd, RvVerdict verdict, const char *text);

/* ---- arrays for kernels (arrays.c) */

typedef enum
{
  RV_INPUT, /* guarded: read-only once rv_arrays_seal was called */
  RV_OUTPUT,
  RV_SCRATCH /* neither kept nor compared */
} RvRole;

typedef struct
{
  GArray *items;
  gboolean guarded; /* a page that nobody may touch lies right behind each array, and one before */
} RvArrays;

RvArrays *rv_arrays_new (gboolean guarded);
void rv_arrays_free (RvArrays *arrays);
/* `count` floats. The end is at the guard, so that only a count that is a multiple of RV_LANES is aligned. */
float *rv_arrays_add (RvArrays *arrays, RvRole role, const char *name, size_t count);
void rv_arrays_seal (RvArrays *arrays);
/* Fills the outputs with something that must not matter. */
void rv_arrays_poison (RvArrays *arrays, float poison);
/* The outputs as they are, owned; and how they differ from that, owned, or NULL. Of every `period` entries
 * the first `ignored` are not looked at. */
float *rv_arrays_keep (const RvArrays *arrays);
char *rv_arrays_differ (const RvArrays *arrays, const float *kept, size_t period, size_t ignored);
/* Puts NaN, infinities and huge numbers at the first four of every `period` entries of input `which`; its
 * name, or NULL if there are not so many inputs. */
const char *rv_arrays_spoil (RvArrays *arrays, guint which, size_t period);
/* The array whose bytes in front were written to, or NULL. */
const char *rv_arrays_overrun (const RvArrays *arrays);
/* Says in `text` what touching `address` did to which guarded array; leaves it if to none. In a handler of
 * signals. */
void rv_arrays_explain (const void *address, char *text, size_t room);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvArrays, rv_arrays_free)

/* ---- parameters (sample.c) */

/* How many trials meet every combination of yes/no and choices, within bounds. */
guint rv_check_trials (const RvCheck *check, guint least, guint most);
/* An instance of the plugin: trial 0 has the defaults, others a combination of choices and numbers within
 * their ranges. NULL, and the reason in check->said, if it is refused. `resolver` may be NULL where there
 * are no ports. */
RvInstance *rv_check_instance (RvCheck *check, guint trial, const RvPortResolver *resolver,
                               RvValue *resolved);
/* The files of the plugins of `kind` that are installed, the program's own first, without those of
 * --plugin-path, which may be as wrong as the one that is judged; caller frees with g_strfreev. */
char **rv_check_installed (const char *kind);
/* {use: NAME} of one that needs nothing more than a parameter called `size` which is `n` (NULL: nothing); and itself,
 * by no name that another may have too. NULL if there is none. Layers whose size is not units are those on a grid. */
RvValue *rv_check_some (const char *kind, const char *size, uint32_t n, gboolean recurrent,
                        const RvPlugin **found);
/* Whether it is a layer on a grid, which declares what the core does. */
gboolean rv_check_declares (const RvPlugin *plugin);
/* A number within the range of `param` that is not extreme; `u` in [0, 1). */
double rv_check_number (const RvParam *param, double u);
/* In [-1, 1), by key and position alone. */
float rv_check_noise (uint64_t key, uint64_t k);
/* The test of every kind: the table, and instances at its edges (table.c). */
RvVerdict rv_check_table (RvCheck *check);

/* ---- what stands around the plugin that is judged (parts.c) */

#define RV_CHECK_SAMPLES 37 /* two full tiles and a part of a third */
#define RV_CHECK_UNITS 25
#define RV_CHECK_GRID_UNITS 24 /* of data for layers on a grid: 2 channels, 3 rows, 4 columns */
#define RV_CHECK_CHANNELS 2
#define RV_CHECK_STEPS 9
#define RV_CHECK_CLASSES 3

/* A surrogate that is smooth: what gradients are checked with. Gives it to a neuron, and to those of a layer,
 * which are replaced by `neuron` (borrowed) unless it is NULL, and of the layers in it. */
extern const RvSurrogateClass rv_check_smooth_class;
void rv_check_smooth_neuron (RvInstance *neuron);
void rv_check_smooth_layer (RvInstance *layer, RvInstance *neuron);
/* A layer as it is installed; NULL if there is none. */
RvInstance *rv_check_layer_of (RvInstance *neuron, uint32_t units, gboolean recurrent);
/* A network of `n` layers (borrowed), and one for what takes a model. */
RvModel *rv_check_network_of (RvInstance **layers, uint32_t n, const RvDatasetSpec *data, GError **error);
RvModel *rv_check_any_network (const RvDatasetSpec *data);
/* Puts NaN and infinities into most of its parameters. */
void rv_check_spoil_model (RvModel *model);
/* Data that is a function of (epoch, id) alone. `steps` 0: images without time; `spoiled`: with NaN and
 * infinities. Of so many units images have one channel, two or as many as units, whatever divides them. */
RvDataset *rv_check_data_of (RvForm form, uint32_t units, uint32_t steps, gboolean varies, gboolean spoiled,
                             const char *split);

/* ---- tests that several kinds share */

/* `call` (self) a while; nanoseconds per call, the best of several. */
double rv_check_time (void (*call) (void *self), void *self);
/* Measures `check` and the plugins of the same kind that are installed, beside each other; `measure`
 * is in `unit`, below 0 if it can not. */
RvVerdict rv_check_compare (RvCheck *check, double (*measure) (RvCheck *check), const char *unit);
/* Reads a recording: a number that changes with any part of it. *flaw, owned, says what is wrong with it, or
 * NULL. */
uint64_t rv_check_recording (const RvDataset *data, uint64_t epoch, uint32_t id, RvRecording *recording,
                             char **flaw);

/* ---- nodes: a bench wires their ports to things of the checker's own (bench.c) */

typedef struct RvCheckBench RvCheckBench;

typedef struct
{
  RvForm form;
  uint32_t steps;
  gboolean varies, spoiled; /* the data; `spoiled` the model too */
  uint32_t other_units;     /* of the model's data; 0: the same */
} RvCheckWiring;

/* All forms of data that a pipeline may have. */
#define RV_CHECK_WIRINGS 5
extern const RvCheckWiring rv_check_wirings[RV_CHECK_WIRINGS];

/* An instance of the plugin, wired and checked, which says with which data. NULL with `error` if that is
 * refused; a refusal that breaks the contract is a failure in *verdict. */
RvCheckBench *rv_bench_new (RvCheck *check, guint trial, const RvCheckWiring *wiring, RvVerdict *verdict,
                            GError **error);
void rv_bench_free (RvCheckBench *bench);
/* Runs it; likewise. */
gboolean rv_bench_run (RvCheckBench *bench, RvVerdict *verdict, GError **error);
/* Before it runs: where it has its checkpoints (borrowed), and at which call of rv_node_checkpoint it is
 * to stop; 0: at none. */
void rv_bench_stop_at (RvCheckBench *bench, const char *kept, uint64_t call);
/* How often it called rv_node_checkpoint. */
uint64_t rv_bench_steps (const RvCheckBench *bench);
/* The first dataset that it made, borrowed, or NULL; and all that it made as text, owned. */
RvDataset *rv_bench_dataset (const RvCheckBench *bench);
char *rv_bench_results (const RvCheckBench *bench);
/* A bench of the first wiring that is not refused, run; NULL, and a verdict, if there is none */
RvCheckBench *rv_bench_any (RvCheck *check, guint trial, gboolean varies, gboolean spoiled,
                            RvVerdict *verdict);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvCheckBench, rv_bench_free)

#endif
