/* Any bytes as the archive of CIFAR-10: reading ends with images or with an error. Where the first byte is
 * odd the rest is the file; otherwise it is put into a tar, member by member: a byte that chooses the name,
 * two of length, and the content. */
#include "../../plugins/datasets/cifar10.c"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
demand (gboolean holds, const char *what)
{
  if (holds)
    return;
  fprintf (stderr, "fuzz-cifar10: does not hold: %s\n", what);
  abort ();
}

static void
append_member (GByteArray *tar, const char *name, const uint8_t *content, size_t n)
{
  guint8 header[512] = { 0 };
  guint sum = 0;
  g_snprintf ((char *)header, 100, "cifar-10-batches-bin/%s", name);
  g_snprintf ((char *)header + 100, 8, "0000644");
  g_snprintf ((char *)header + 124, 12, "%011o", (guint)n);
  memset (header + 148, ' ', 8);
  header[156] = '0';
  memcpy (header + 257, "ustar\0" "00", 8);
  for (guint k = 0; k < sizeof header; k++)
    sum += header[k];
  g_snprintf ((char *)header + 148, 8, "%06o", sum);
  g_byte_array_append (tar, header, sizeof header);
  g_byte_array_append (tar, content, (guint)n);
  memset (header, 0, sizeof header);
  g_byte_array_append (tar, header, (512 - n % 512) % 512);
}

static void
append_members (GByteArray *tar, const uint8_t *data, size_t size)
{
  static const char *const others[] = { NAMES, "readme.html", "data_batch_1.bin" };
  const guint8 zeros[1024] = { 0 };
  while (size >= 3)
    {
      const size_t n = MIN ((size_t)data[1] << 8 | data[2], size - 3);
      append_member (tar, data[0] < BATCHES ? train_names[data[0]] : others[data[0] % G_N_ELEMENTS (others)],
                     data + 3, n);
      data += 3 + n;
      size -= 3 + n;
    }
  g_byte_array_append (tar, zeros, sizeof zeros);
}

static void
check_images (const Images *images)
{
  g_auto (RvRecording) r = { 0 };
  uint32_t samples = images->ends[BATCHES - 1];
  demand (g_strv_length (images->names) == CLASSES, "ten names");
  for (uint32_t id = 0; id < samples; id++)
    {
      demand (read_image (images, 0, id, &r, NULL), "an image can be read");
      demand (r.label < CLASSES && r.units == PIXELS, "a label is a class");
      for (uint32_t k = 0; k < PIXELS; k++)
        demand (r.values[k] >= 0.0f && r.values[k] <= 1.0f, "values lie between 0 and 1");
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  g_autoptr (GByteArray) file = g_byte_array_new ();
  if (data[0] & 1)
    g_byte_array_append (file, data + 1, (guint)size - 1);
  else
    append_members (file, data + 1, size - 1);
  const int fd = memfd_create ("cifar", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (GError) error = NULL;
  demand (fd >= 0 && write (fd, file->data, file->len) == (gssize)file->len, "there is memory");
  Images *images = load (path, train_names, &error);
  close (fd);
  demand ((images != NULL) == (error == NULL), "images or an error");
  if (images)
    {
      check_images (images);
      free_images (images);
    }
  return 0;
}
