/* Datasets of the paper in the layout of their makers, a handful of samples each, so that its pipelines run in
 * seconds and anywhere. A class shows in where events and bright pixels lie. */
#ifndef TEST_TINY_H
#define TEST_TINY_H

#include "containers.h"
#include <ranvier/ranvier.h>

#define TINY_TRAIN 30 /* samples */
#define TINY_TEST 20

/* A number from 0 to n - 1 for the k-th draw about a sample. */
static inline guint
tiny_draw (guint sample, guint k, guint n)
{
  const RvStream stream = rv_stream_new (sample, "tiny", NULL, NULL);
  return MIN (n - 1, (guint)(rv_stream_uniform (stream, k) * n));
}

/* N-MNIST: ten classes, a folder each, five bytes an event, 300 ms. */
static inline void
tiny_nmnist (const char *folder)
{
  for (guint k = 0; k < TINY_TRAIN + TINY_TEST; k++)
    {
      const guint label = k % 10;
      g_autofree char *path = g_strdup_printf ("%s/nmnist/%s/%u/%05u.bin", folder,
                                               k < TINY_TRAIN ? "Train" : "Test", label, k + 1);
      GByteArray *bytes = g_byte_array_new ();
      for (guint e = 0; e < 4000; e++)
        {
          const guint time = 75 * e, on = tiny_draw (k, 3 * e, 2);
          test_put_big (bytes, 3 * label + tiny_draw (k, 3 * e + 1, 7), 1);
          test_put_big (bytes, tiny_draw (k, 3 * e + 2, 34), 1);
          test_put_big (bytes, on << 23 | time, 3);
        }
      test_write (bytes, path);
    }
}

/* MNIST: two IDX files for each split. */
static inline void
tiny_mnist (const char *folder)
{
  for (guint test = 0; test < 2; test++)
    {
      const char *prefix = test ? "t10k" : "train";
      const guint n = test ? TINY_TEST : TINY_TRAIN;
      g_autofree char *images_path = g_strdup_printf ("%s/mnist/%s-images-idx3-ubyte", folder, prefix),
                      *labels_path = g_strdup_printf ("%s/mnist/%s-labels-idx1-ubyte", folder, prefix);
      GByteArray *images = g_byte_array_new (), *labels = g_byte_array_new ();
      test_put_big (images, 0x803, 4);
      test_put_big (images, n, 4);
      test_put_big (images, 28, 4);
      test_put_big (images, 28, 4);
      test_put_big (labels, 0x801, 4);
      test_put_big (labels, n, 4);
      for (guint k = 0; k < n; k++)
        {
          test_put_big (labels, k % 10, 1);
          for (guint p = 0; p < 784; p++)
            test_put_big (images, (p / 28 + 28 - 2 * (k % 10)) % 28 < 5 ? 128 + tiny_draw (k, p, 128) : 0, 1);
        }
      test_write (images, images_path);
      test_write (labels, labels_path);
    }
}

/* DVS128 Gesture: one AEDAT 3.1 file of eleven clips of 0.1 s for each split, with its table. */
static inline void
tiny_dvsgesture (const char *folder)
{
  for (guint test = 0; test < 2; test++)
    {
      GByteArray *bytes = g_byte_array_new ();
      g_autoptr (GString) table = g_string_new ("class,startTime_usec,endTime_usec\n");
      const char *user = test ? "user24_led" : "user01_led";
      g_autofree char *root = g_strdup_printf ("%s/DvsGesture", folder);
      g_autofree char *recording = g_strdup_printf ("%s/%s.aedat", root, user),
                      *labels = g_strdup_printf ("%s/%s_labels.csv", root, user),
                      *list = g_strdup_printf ("%s/trials_to_%s.txt", root, test ? "test" : "train");
      g_autofree char *line = g_strdup_printf ("%s.aedat\n", user);
      const guint n = 11 * 400;
      test_put_text (bytes, "#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n");
      test_put (bytes, 1, 2); /* polarity events, of source 1, 8 bytes each with the time at 4 */
      test_put (bytes, 1, 2);
      test_put (bytes, 8, 4);
      test_put (bytes, 4, 4);
      test_put (bytes, 0, 4);
      test_put (bytes, n, 4);
      test_put (bytes, n, 4);
      test_put (bytes, n, 4);
      for (guint e = 0; e < n; e++)
        {
          const guint clip = e / 400, sample = 1000 + 100 * test + clip;
          const guint x = 11 * clip + tiny_draw (sample, 2 * e, 18), y = tiny_draw (sample, 2 * e + 1, 128);
          test_put (bytes, x << 17 | y << 2 | (e & 1) << 1 | 1, 4);
          test_put (bytes, 250 * e, 4);
        }
      for (guint clip = 0; clip < 11; clip++)
        g_string_append_printf (table, "%u,%u,%u\n", clip + 1, 100000 * clip, 100000 * clip + 99999);
      test_write (bytes, recording);
      test_write (g_byte_array_new_take ((guint8 *)g_strdup (table->str), table->len), labels);
      test_write (g_byte_array_new_take ((guint8 *)g_strdup (line), strlen (line)), list);
    }
}

/* CIFAR-10: the batches unpacked, so many records of a label and three planes in each. A class shows in which rows are
 * bright, and in which colour. */
static inline void
tiny_cifar10 (const char *folder)
{
  for (guint batch = 0; batch < 6; batch++) /* the first one to test with */
    {
      g_autofree char *path
          = batch ? g_strdup_printf ("%s/cifar-10-batches-bin/data_batch_%u.bin", folder, batch)
                  : g_strdup_printf ("%s/cifar-10-batches-bin/test_batch.bin", folder);
      GByteArray *bytes = g_byte_array_new ();
      for (guint k = 0; k < (batch ? TINY_TRAIN / 5 : TINY_TEST); k++)
        {
          const guint sample = 100 * batch + k, label = (6 * batch + k) % 10;
          test_put (bytes, label, 1);
          for (guint p = 0; p < 3072; p++)
            test_put (
                bytes,
                p / 32 % 32 / 3 == label && p / 1024 == label % 3 ? 128 + tiny_draw (sample, p, 128) : 40, 1);
        }
      test_write (bytes, path);
    }
}

#endif
