/* The networks that the bench trains, and the recordings that it trains them on: one batch of each case,
 * real where the data set is at hand. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include <json-glib/json-glib.h>
#include <ranvier/ranvier.h>

#define BENCH_LAYERS 3

/* BENCH_TEMPORAL: Table 5 of Yin et al. 2024 with the code behind it: learned leaks, input times 1 - leak,
 * threshold 0.5, a multi-Gaussian slope, and a readout that integrates and never fires. BENCH_FIXED: leak and
 * threshold 0.3, a rectangle, a readout that fires. BENCH_GATED: layers of `cell`, and a linear readout. */
typedef enum
{
  BENCH_TEMPORAL,
  BENCH_FIXED,
  BENCH_GATED
} BenchNeurons;

typedef enum
{
  BENCH_MEAN,  /* one decision from the mean over time of what the readout hands on */
  BENCH_LAST,  /* one decision from the last step */
  BENCH_STEPS9 /* one decision from each of the last nine steps, softmax twice */
} BenchReadout;

typedef struct
{
  const char *name;
  uint32_t batch, steps, inputs;
  uint32_t units[BENCH_LAYERS]; /* the last that is not 0 is the readout */
  gboolean recurrent;           /* the hidden layers */
  BenchNeurons neurons;
  const char *cell; /* rnn, lstm or gru */
  BenchReadout readout;
  double rate, leak_rate;
  uint32_t warm; /* steps of training before anything is measured: fresh networks hardly fire */
  const char
      *real; /* nodes of a pipeline, "data" is the last; NULL: there are no real recordings of this case */
  const char *real_name;
  uint32_t events; /* made recordings: how many events are strewn over units and time; 0: an image */
  const char *made_name;
} BenchCase;

extern const BenchCase bench_cases[];
extern const guint bench_n_cases;

/* NULL if there is none of that name. */
const BenchCase *bench_case_find (const char *name);

/* A batch in memory. */
typedef struct
{
  RvDatasetSpec spec;
  RvRecording *recordings; /* [spec.samples] */
  uint32_t distinct;       /* so many different ones; then they repeat */
  gboolean real;
  size_t bytes;   /* that they take */
  double density; /* share of the inputs (unit and step, or pixel) that are not zero */
  double events;  /* in each recording, on average; 0: images */
} BenchBatch;

/* `root` is the folder of the data sets or NULL; what is not found there is made. */
gboolean bench_batch_load (BenchBatch *batch, const BenchCase *one, const char *root, GError **error);
void bench_batch_clear (BenchBatch *batch);
/* A data set that reads copies of them; the batch outlives it. */
RvDataset *bench_batch_dataset (const BenchBatch *batch);

/* The network with its first weights. */
RvModel *bench_model_new (const BenchCase *one, const RvDatasetSpec *spec, GError **error);
RvUpdater *bench_updater_new (const BenchCase *one, const RvModel *model);

/* Where the recordings are from, for people. Caller owns. */
char *bench_data_name (const BenchCase *one, const BenchBatch *batch);

/* Members of the object at hand: what the other programs need to build the same network. */
void bench_describe (JsonBuilder *json, const BenchCase *one, const BenchBatch *batch);

#endif
