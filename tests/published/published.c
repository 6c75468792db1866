/* A data set with official files, for the tests of `ranvier data`: 100,000 bytes that PUBLISHED_BYTE tells, of
 * which three files publish less and less, and recordings of events whose numbers are known. */
#include "published.h"
#include <ranvier/ranvier.h>

static const char *const splits[] = { "train", "test", NULL };

typedef struct
{
  int split;
  char *folder;
} Published;

/* Sample i has i + 1 events, one each millisecond. */
static gboolean
read_events (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  rv_recording_set_events (out, 5, id + 1);
  for (uint32_t k = 0; k <= id; k++)
    {
      out->ids[k] = k % 5;
      out->times[k] = 1000 * k;
    }
  out->n_events = id + 1;
  out->duration = 4000;
  out->label = id % 2;
  return TRUE;
}

static RvDatasetSpec
spec_of (const Published *published)
{
  return (RvDatasetSpec){ .form = RV_FORM_EVENTS,
                          .samples = published->split ? 2 : 4,
                          .units = 5,
                          .dims = { 5, 1, 1 },
                          .classes = 2,
                          .duration = 4000,
                          .split = splits[published->split] };
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Published *published = self;
  const RvDatasetSpec spec = spec_of (published);
  g_autofree char *path = rv_node_find_file (node, published->folder, "whole.bin", error);
  if (path)
    rv_node_set_spec (node, "", &spec);
  return path != NULL;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const RvDatasetSpec spec = spec_of (self);
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_events, NULL, NULL));
  return TRUE;
}

static const RvParam params[] = { RV_CHOICE (Published, split, "train", splits, "Four recordings or two"),
                                  RV_TEXT (Published, folder, "", "Folder of the files"), RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "Events" }, { NULL, RV_ARTEFACT_NONE, NULL } };

#define NOWHERE "http://127.0.0.1:9/"

static const RvOfficialFile files[]
    = { { .name = "whole.bin",
          .url = NOWHERE "whole.bin",
          .size = PUBLISHED_SIZE,
          .md5 = PUBLISHED_MD5,
          .sha256 = PUBLISHED_SHA256 },
        { .name = "digest.bin",
          .url = NOWHERE "digest.bin",
          .md5 = PUBLISHED_MD5,
          .also = (const char *const[]){ "digest.raw", NULL },
          .content_md5 = PUBLISHED_MD5 },
        { .name = "nothing.bin", .url = NOWHERE "nothing.bin" },
        { NULL } };

static const RvOfficialFile by_hand[] = { { .name = "whole.bin", .size = PUBLISHED_SIZE }, { NULL } };

static const RvOfficialSet sets[] = { { .name = "published",
                                        .title = "A published set with a title as long as those of some gestures",
                                        .page = NOWHERE,
                                        .folder = "published",
                                        .splits = splits,
                                        .steps = "use: transform/bins, width: 1 ms, steps: 4",
                                        .files = files },
                                      { .name = "by-hand",
                                        .title = "Another set",
                                        .how = "Ask its makers.",
                                        .folder = "by-hand",
                                        .splits = splits,
                                        .files = by_hand },
                                      { NULL } };

static const RvNodeClass class = { outputs, check, run, NULL, sets };

RV_PLUGIN ("dataset", "published") .version = "1.0", .licence = "LGPL-2.1-or-later", .doc = "A set for tests",
  .params = params, .params_size = sizeof (Published), RV_FUNCTIONS (class) };
