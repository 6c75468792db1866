/* Any bytes as one of the files of dataset/mnist, packed or not: the first says whether images or labels.
 * Reading ends with as many values as the header says, or with an error. */
#include "../../plugins/datasets/mnist.c"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
demand (gboolean holds, const char *what)
{
  if (holds)
    return;
  fprintf (stderr, "fuzz-idx: does not hold: %s\n", what);
  abort ();
}

static void
check_file (const char *path, uint32_t dims)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvArchive) archive = rv_archive_open (path, &error);
  IdxShape shape;
  if (archive && rv_archive_next (archive, &error) && read_header (archive, dims, &shape, &error))
    {
      g_autoptr (GBytes) values = read_values (archive, &shape, dims, &error);
      demand ((values != NULL) == (error == NULL), "values or an error");
      demand (!values || g_bytes_get_size (values) == (gsize)shape.count * shape.height * shape.width,
              "as many values as the header says");
    }
  demand (!error || g_utf8_validate (error->message, -1, NULL), "a message is UTF-8");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  const int fd = memfd_create ("idx", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  demand (fd >= 0 && write (fd, data + 1, size - 1) == (gssize)size - 1, "there is memory");
  check_file (path, data[0] & 1 ? 1 : 3);
  close (fd);
  return 0;
}
