/* How fast data sets are read: a node of a pipeline made from its container ("load"), then each of its
 * recordings once ("read", again from memory). Arguments: nodes as they stand in a pipeline, "{use:
 * dataset/nmnist, folder: DIR}", and with it, behind " | ", a transform of it; without, sets of the folder
 * RANVIER_TEST_DATA. Seconds of the processor, of this process and of those that it starts, the smallest of
 * five rounds, since machines are shared. */
#include "plugins/load.h"
#include "plugins/transform.h"
#include <stdio.h>
#include <sys/resource.h>

#define ROUNDS 5
#define DIGITS " | {use: transform/bins, data: events, width: 3 ms, steps: 100}"

static double
now (void)
{
  static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
  double sum = 0.0;
  for (guint k = 0; k < G_N_ELEMENTS (whose); k++)
    {
      struct rusage use;
      getrusage (whose[k], &use);
      sum += (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec)
             + 1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
    }
  return sum;
}

/* Events, spikes or pixels of a recording. */
static uint64_t
amount (const RvRecording *r)
{
  return r->form == RV_FORM_EVENTS   ? r->n_events
         : r->form == RV_FORM_SPIKES ? r->offsets[r->steps]
                                     : r->units;
}

typedef struct
{
  double load, read; /* seconds */
  uint64_t samples, amount;
  RvForm form;
} Measured;

/* One round; FALSE after telling what went wrong. */
static gboolean
pass (const char *text, Measured *m)
{
  g_auto (GStrv) nodes = g_strsplit (text, " | ", 2);
  g_auto (RvRecording) r = { 0 };
  g_autoptr (GError) error = NULL;
  const double began = now ();
  g_auto (TestLoaded) loaded = test_load (nodes[0]);
  g_autoptr (RvDataset) data = NULL;
  if (!loaded.data)
    error = g_error_copy (loaded.error);
  else
    data = nodes[1] ? test_transform (loaded.data, nodes[1], &error) : rv_dataset_ref (loaded.data);
  m->load = now () - began;
  m->samples = data ? rv_dataset_spec (data)->samples : 0;
  m->amount = 0;
  for (uint32_t id = 0; id < m->samples && rv_dataset_read (data, 0, id, &r, &error); id++)
    m->amount += amount (&r);
  m->read = now () - began - m->load;
  m->form = r.form;
  if (error)
    fprintf (stderr, "%s: %s\n", text, error->message);
  return !error;
}

static gboolean
measure (const char *text)
{
  static const char *const nouns[] = { "pixels", "spikes", "numbers", "events" };
  Measured best = { .load = 1e9, .read = 1e9 };
  for (int round = 0; round < ROUNDS; round++)
    {
      Measured m;
      if (!pass (text, &m))
        return FALSE;
      m.load = MIN (m.load, best.load);
      m.read = MIN (m.read, best.read);
      best = m;
    }
  const double all = best.load + best.read;
  printf ("%s\n  %" G_GUINT64_FORMAT " recordings, %" G_GUINT64_FORMAT
          " %s; load %.4f s; read %.4f s; in all %.3f s",
          text, best.samples, best.amount, nouns[best.form], best.load, best.read, all);
  printf (", %.0f recordings/s, %.1f million %s/s\n", (double)best.samples / all,
          (double)best.amount / all * 1e-6, nouns[best.form]);
  fflush (stdout);
  return TRUE;
}

int
main (int argc, char **argv)
{
  static const char *const sets[][3]
      = { { "mnist", "mnist", "" },       { "cifar10", "cifar10", "" },       { "nmnist", "nmnist", "" },
          { "nmnist", "nmnist", DIGITS }, { "dvsgesture", "dvsgesture", "" }, { "shd", "shd-standin", "" } };
  const char *root = g_getenv ("RANVIER_TEST_DATA");
  gboolean good = TRUE;
  for (int k = 1; k < argc; k++)
    good = measure (argv[k]) && good;
  if (argc == 1 && !root)
    puts ("RANVIER_TEST_DATA names no folder, and there are no arguments: nothing to read");
  for (guint k = 0; argc == 1 && root && k < G_N_ELEMENTS (sets); k++)
    {
      g_autofree char *text
          = g_strdup_printf ("{use: dataset/%s, folder: %s/%s}%s", sets[k][0], root, sets[k][1], sets[k][2]);
      good = measure (text) && good;
    }
  return good ? 0 : 1;
}
