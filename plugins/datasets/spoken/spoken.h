/* What dataset/shd and dataset/ssc share: both are spoken words put through a model of the inner ear, in
 * HDF5 files of one layout. Each plugin tells its files and classes. */
#ifndef SPOKEN_H
#define SPOKEN_H

#include <ranvier/ranvier.h>

enum
{
  SPOKEN_TRAIN,
  SPOKEN_TEST,
  SPOKEN_VALIDATION
};

/* What a set is, as its makers describe it. */
typedef struct
{
  const char *files[3]; /* by split; without a file of its own, validation is held out of the training file */
  uint32_t samples[3], classes;
} SpokenMake;

/* The struct that the parameter tables fill. */
typedef struct
{
  int split;
  char *folder;
  RvInts speakers, validation_speakers;
  gboolean strict;
  RvSelection select;
} SpokenConfig;

/* What SPOKEN_FUNCTIONS calls. */
gboolean spoken_init (const SpokenMake *make, const SpokenConfig *config, GError **error);
gboolean spoken_check (const SpokenMake *make, const SpokenConfig *config, RvNode *node, GError **error);
gboolean spoken_run (const SpokenMake *make, const SpokenConfig *config, RvNode *node, GError **error);
gboolean spoken_identify (const SpokenMake *make, const SpokenConfig *config, RvNode *node, GError **error);

/* Functions and output of a plugin, over its SpokenMake. */
#define SPOKEN_FUNCTIONS(make)                                                                               \
  static gboolean init (void *self, GError **error)                                                          \
  {                                                                                                          \
    return spoken_init (&(make), self, error);                                                               \
  }                                                                                                          \
  static gboolean check (void *self, RvNode *node, GError **error)                                           \
  {                                                                                                          \
    return spoken_check (&(make), self, node, error);                                                        \
  }                                                                                                          \
  static gboolean run (void *self, RvNode *node, GError **error)                                             \
  {                                                                                                          \
    return spoken_run (&(make), self, node, error);                                                          \
  }                                                                                                          \
  static gboolean identify (void *self, RvNode *node, GError **error)                                        \
  {                                                                                                          \
    return spoken_identify (&(make), self, node, error);                                                     \
  }                                                                                                          \
  static const RvOutput outputs[]                                                                            \
      = { { "", RV_ARTEFACT_DATASET, "Events of 700 units" }, { NULL, RV_ARTEFACT_NONE, NULL } };

#define SPOKEN_PARAMS                                                                                        \
  RV_TEXT (SpokenConfig, folder, "",                                                                         \
           "Folder of the .h5, .h5.gz or .h5.zip files; empty: looked for in the data "                      \
           "folder"),                                                                                        \
      RV_INTS (SpokenConfig, speakers, "[]", 0, 1e9, "",                                                     \
               "Only what these speakers said, by number; empty: all"),                                      \
      RV_BOOL (SpokenConfig, strict, "yes",                                                                  \
               "Refuse a file with recordings that are empty or whose times run "                            \
               "backwards; no: keep and sort them"),                                                         \
      RV_SELECTION_TABLE (SpokenConfig, select)

/* A file that is published packed, and the names under which it is read too. */
#define SPOKEN_FILE(unpacked, digest)                                                                        \
  {                                                                                                          \
    .name = unpacked ".zip", .also = (const char *const[]){ unpacked, unpacked ".gz", NULL }, .md5 = digest, \
    .url = "https://zenkelab.org/datasets/" unpacked ".zip"                                                  \
  }

/* The steps are those of the published preparation. */
#define SPOKEN_SET(short_name, long_name, all_splits, all_files)                                             \
  {                                                                                                          \
    .name = short_name, .title = long_name, .page = "https://zenkelab.org/datasets/", .splits = all_splits,  \
    .steps = "use: transform/bins, width: 1 ms, steps: 1000, closed: right", .files = all_files              \
  }

#endif
