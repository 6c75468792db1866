/* How fast data sets are read: a node of a pipeline made from its container, then each of its recordings
 * once. Arguments: nodes as they stand in a pipeline, "{use: dataset/nmnist, folder: DIR}"; without, those
 * of the folder RANVIER_TEST_DATA. Seconds of this thread, the smallest of five rounds, since machines are
 * shared. */
#include "plugins/load.h"
#include <stdio.h>
#include <time.h>

#define ROUNDS 5

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static gboolean
measure (const char *text)
{
  double load = 1e9, read = 1e9;
  uint64_t events = 0;
  uint32_t samples = 0;
  g_auto (RvRecording) r = { 0 };
  for (int round = 0; round < ROUNDS; round++)
    {
      const double began = now ();
      g_auto (TestLoaded) loaded = test_load (text);
      const double loaded_at = now ();
      if (!loaded.data)
        {
          fprintf (stderr, "%s: %s\n", text, loaded.error->message);
          return FALSE;
        }
      samples = rv_dataset_spec (loaded.data)->samples;
      events = 0;
      for (uint32_t id = 0; id < samples && rv_dataset_read (loaded.data, 0, id, &r, NULL); id++)
        events += r.n_events;
      load = MIN (load, loaded_at - began);
      read = MIN (read, now () - loaded_at);
    }
  printf ("%s\n  %u recordings, %" G_GUINT64_FORMAT " events; check and load %.3f s", text, samples, events,
          load);
  printf (", %.0f recordings/s, %.1f million events/s; then read %.3f s, %.0f recordings/s, %.1f million "
          "events/s\n",
          samples / load, (double)events / load * 1e-6, read, samples / read, (double)events / read * 1e-6);
  return TRUE;
}

int
main (int argc, char **argv)
{
  static const char *const sets[] = { "mnist", "cifar10", "nmnist", "dvsgesture" };
  const char *root = g_getenv ("RANVIER_TEST_DATA");
  gboolean good = TRUE;
  for (int k = 1; k < argc; k++)
    good = measure (argv[k]) && good;
  if (argc == 1 && !root)
    puts ("RANVIER_TEST_DATA names no folder, and there are no arguments: nothing to read");
  for (guint k = 0; argc == 1 && root && k < G_N_ELEMENTS (sets); k++)
    {
      g_autofree char *text = g_strdup_printf ("{use: dataset/%s, folder: %s/%s}", sets[k], root, sets[k]);
      good = measure (text) && good;
    }
  return good ? 0 : 1;
}
