/* ranvier-hdf5-events: reads the HDF5 file at standard input, in the layout of SHD and SSC, and writes what it
 * holds to standard output in the form of wire.h. libhdf5 crashes on some malformed files, so it runs here, in a
 * process of its own with limits, and never in a run. Exit code 1 and a line at standard error: no good file.
 *   ranvier-hdf5-events head    the tables alone
 *   ranvier-hdf5-events all     the tables and the events */
#include "wire.h"
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define MEMORY_MIB 2048
#define SECONDS    10 /* of the processor, between two blocks */
#define BLOCK 64 /* recordings that are read at once */

/* What is wrong, in words that follow the file's name. Nothing is tidied up: libhdf5 may be in any state. */
static _Noreturn void __attribute__ ((format (printf, 1, 2)))
refuse (const char *format, ...)
{
  va_list list;
  va_start (list, format);
  vfprintf (stderr, format, list);
  va_end (list);
  fflush (stderr);
  _exit (1);
}

static void
put (const void *data, size_t bytes)
{
  if (bytes && fwrite (data, 1, bytes, stdout) != bytes)
    _exit (1); /* nobody reads any more */
}

static void
put_number (uint32_t number)
{
  put (&number, sizeof number);
}

static void *
room_for (size_t n, size_t size)
{
  void *room = calloc (n + 1, size);
  if (!room)
    refuse ("there is no memory for %zu entries", n);
  return room;
}

/* A one-dimensional dataset whose entries, or the entries of whose lists, are of `class`. */
typedef struct
{
  const char *name;
  hid_t id, space;
  hsize_t n;
} Column;

static Column
open_column (hid_t file, const char *name, int lists, H5T_class_t class, const char *what)
{
  Column column = { name, H5Dopen2 (file, name, H5P_DEFAULT), -1, 0 };
  if (column.id < 0)
    refuse ("there is no readable dataset %s", name);
  hid_t type = H5Dget_type (column.id);
  if (lists)
    type = H5Tget_class (type) == H5T_VLEN ? H5Tget_super (type) : -1;
  if (type < 0 || H5Tget_class (type) != class)
    refuse ("dataset %s does not hold %s%s", name, lists ? "lists of " : "", what);
  column.space = H5Dget_space (column.id);
  if (H5Sget_simple_extent_ndims (column.space) != 1
      || H5Sget_simple_extent_dims (column.space, &column.n, NULL) != 1 || column.n > WIRE_MOST_SAMPLES)
    refuse ("dataset %s has not one dimension of at most %d entries", name, WIRE_MOST_SAMPLES);
  return column;
}

static void
need_equal (const Column *a, const Column *b)
{
  if (a->n != b->n)
    refuse ("%s has %llu entries, but %s has %llu", a->name, (unsigned long long) a->n, b->name,
            (unsigned long long) b->n);
}

static void
put_numbers (const Column *column)
{
  long long *numbers = room_for (column->n, sizeof *numbers);
  if (column->n && H5Dread (column->id, H5T_NATIVE_LLONG, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) < 0)
    refuse ("dataset %s can not be read", column->name);
  for (hsize_t k = 0; k < column->n; k++)
    {
      if (numbers[k] < 0 || numbers[k] > UINT32_MAX)
        refuse ("%s, entry %llu is %lld", column->name, (unsigned long long) k, numbers[k]);
      put_number ((uint32_t) numbers[k]);
    }
  free (numbers);
}

static void
put_text (const char *text, size_t most)
{
  const size_t length = strnlen (text, most);
  put_number ((uint32_t) length);
  put (text, length);
}

static void
put_keys (const Column *keys)
{
  const hid_t type = H5Dget_type (keys->id);
  const int variable = H5Tis_variable_str (type) > 0;
  const size_t size = variable ? sizeof (char *) : H5Tget_size (type);
  if (keys->n > WIRE_MOST_CLASSES || size == 0 || size > WIRE_MOST_NAME)
    refuse ("%s holds %llu names of %zu bytes", keys->name, (unsigned long long) keys->n, size);
  char *names = room_for (keys->n, size);
  const hid_t memory = H5Tcopy (H5T_C_S1);
  H5Tset_size (memory, variable ? H5T_VARIABLE : size);
  H5Tset_cset (memory, H5Tget_cset (type));
  H5Tset_strpad (memory, variable ? H5T_STR_NULLTERM : H5T_STR_NULLPAD);
  if (keys->n && H5Dread (keys->id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) < 0)
    refuse ("dataset %s can not be read", keys->name);
  for (hsize_t k = 0; k < keys->n; k++)
    if (variable)
      put_text (((char **) names)[k] ? ((char **) names)[k] : "", WIRE_MOST_NAME);
    else
      put_text (names + k * size, size);
  free (names);
}

/* Memory for one list: a length that no recording has is not believed. */
static void *
list_alloc (size_t bytes, void *user)
{
  return bytes <= sizeof (double) * WIRE_MOST_EVENTS ? malloc (bytes + 1) : NULL;
}

static void
list_free (void *list, void *user)
{
  free (list);
}

/* Lists `first` to `first` + n - 1; FALSE if they can not be read. */
static int
read_lists (const Column *column, hid_t type, hid_t transfer, hsize_t first, hsize_t n, hvl_t *lists)
{
  const hid_t memory = H5Screate_simple (1, &n, NULL);
  memset (lists, 0, sizeof *lists * n);
  const int good = H5Sselect_hyperslab (column->space, H5S_SELECT_SET, &first, NULL, &n, NULL) >= 0
                   && H5Dread (column->id, type, memory, column->space, transfer, lists) >= 0;
  H5Sclose (memory);
  return good;
}

/* Reads a block; where that fails, one list after the other, so that the message names it. */
static void
read_block (const Column *column, hid_t type, hid_t transfer, hsize_t first, hsize_t n, hvl_t *lists)
{
  if (read_lists (column, type, transfer, first, n, lists))
    return;
  for (hsize_t k = 0; k < n; k++)
    if (!read_lists (column, type, transfer, first + k, 1, lists + k))
      refuse ("%s of recording %llu can not be read", column->name, (unsigned long long) (first + k));
}

/* microseconds = 1e6 * seconds, rounded to the nearest, to an even one between two */
static void
put_recording (unsigned long long id, const hvl_t *times, const hvl_t *units)
{
  if (times->len != units->len || times->len > WIRE_MOST_EVENTS)
    refuse ("recording %llu has %zu times and %zu units", id, times->len, units->len);
  uint32_t *microseconds = room_for (times->len, sizeof *microseconds);
  uint16_t *narrow = room_for (units->len, sizeof *narrow);
  for (size_t k = 0; k < times->len; k++)
    {
      const double at = ((const double *) times->p)[k];
      const int unit = ((const int *) units->p)[k];
      narrow[k] = (uint16_t) unit;
      if (!(at >= 0.0 && at <= WIRE_MOST_SECONDS))
        refuse ("/spikes/times of recording %llu, event %zu is %g seconds", id, k, at);
      if (unit != narrow[k])
        refuse ("/spikes/units of recording %llu, event %zu is %d", id, k, unit);
      microseconds[k] = (uint32_t) lrint (1e6 * at);
    }
  put_number ((uint32_t) times->len);
  put (microseconds, sizeof *microseconds * times->len);
  put (narrow, sizeof *narrow * units->len);
  free (microseconds);
  free (narrow);
}

static void
give_up (int signal)
{
  static const char text[] = "libhdf5 does not come back from it: it is damaged";
  (void) !write (STDERR_FILENO, text, sizeof text - 1);
  _exit (1);
}

/* libhdf5 also runs in circles. The time is the processor's, so that a busy machine makes no difference. */
static void
wind_up (void)
{
  const char *given = getenv ("RANVIER_HDF5_SECONDS");
  const time_t seconds = given ? (time_t) strtoul (given, NULL, 10) : SECONDS;
  signal (SIGPROF, give_up);
  setitimer (ITIMER_PROF, &(struct itimerval){ { 0, 0 }, { seconds, 0 } }, NULL); /* 0: never */
}

static void
put_events (const Column *times, const Column *units)
{
  const hid_t transfer = H5Pcreate (H5P_DATASET_XFER);
  const hid_t real = H5Tvlen_create (H5T_NATIVE_DOUBLE), whole = H5Tvlen_create (H5T_NATIVE_INT);
  hvl_t at[BLOCK], of[BLOCK];
  H5Pset_vlen_mem_manager (transfer, list_alloc, NULL, list_free, NULL);
  for (hsize_t first = 0; first < times->n; first += BLOCK)
    {
      const hsize_t n = times->n - first < BLOCK ? times->n - first : BLOCK;
      wind_up ();
      read_block (times, real, transfer, first, n, at);
      read_block (units, whole, transfer, first, n, of);
      for (hsize_t k = 0; k < n; k++)
        {
          put_recording (first + k, &at[k], &of[k]);
          free (at[k].p);
          free (of[k].p);
        }
    }
}

static hid_t
open_file (void)
{
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state (0); /* no filters from anywhere else */
  hid_t file = H5Fopen ("/proc/self/fd/0", H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0)
    file = H5Fopen ("/dev/fd/0", H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0)
    refuse ("this is no HDF5 file, or a damaged one");
  return file;
}

/* Dies with its parent, leaves no core file, and takes no memory on the word of a header. */
static void
be_limited (void)
{
  setrlimit (RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef __SANITIZE_ADDRESS__
  const char *given = getenv ("RANVIER_HDF5_MEMORY");
  const rlim_t bytes = (rlim_t) (given ? strtoul (given, NULL, 10) : MEMORY_MIB) << 20;
  if (bytes)
    setrlimit (RLIMIT_AS, &(struct rlimit){ bytes, bytes });
#endif
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, 9);
#endif
}

int
main (int argc, char **argv)
{
  if (argc != 2 || (strcmp (argv[1], "head") != 0 && strcmp (argv[1], "all") != 0))
    refuse ("usage: ranvier-hdf5-events head|all <FILE.h5");
  be_limited ();
  wind_up ();
  const hid_t file = open_file ();
  const Column times = open_column (file, "/spikes/times", 1, H5T_FLOAT, "floating-point numbers");
  const Column units = open_column (file, "/spikes/units", 1, H5T_INTEGER, "integers");
  const Column labels = open_column (file, "/labels", 0, H5T_INTEGER, "integers");
  const Column keys = open_column (file, "/extra/keys", 0, H5T_STRING, "texts");
  const int with_speakers = H5Lexists (file, "/extra/speaker", H5P_DEFAULT) > 0;
  need_equal (&times, &units);
  need_equal (&times, &labels);
  put_number (WIRE_BEGIN);
  put_number ((uint32_t) times.n);
  put_number ((uint32_t) keys.n);
  put_number ((uint32_t) with_speakers);
  put_keys (&keys);
  put_numbers (&labels);
  if (with_speakers)
    {
      const Column speakers = open_column (file, "/extra/speaker", 0, H5T_INTEGER, "integers");
      need_equal (&times, &speakers);
      put_numbers (&speakers);
    }
  if (argv[1][0] == 'a')
    put_events (&times, &units);
  put_number (WIRE_END);
  if (fflush (stdout) != 0)
    _exit (1);
  _exit (0); /* no tidying by libhdf5, whose memory may be anything */
}
