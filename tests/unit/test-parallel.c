/* rv_parallel_for, as plugins use it: every piece once, no worker in two places, and sums that are kept by piece
 * come out the same for any number of threads. */
#include "base/threads.h"

#define PIECES 257

typedef struct
{
  int calls[PIECES], busy[PIECES];
  int wrong;
  float sums[PIECES];
} Pieces;

static void
piece (void *self, uint32_t i, uint32_t worker)
{
  Pieces *pieces = self;
  if (worker >= rv_threads_get () || worker >= PIECES || g_atomic_int_add (&pieces->busy[worker], 1) != 0)
    g_atomic_int_inc (&pieces->wrong);
  g_atomic_int_inc (&pieces->calls[i]);
  float sum = 0.0f;
  for (uint32_t k = 1; k < 500 + i * 7; k++)
    sum += 1.0f / (float)(k * (i + 1));
  pieces->sums[i] = sum;
  g_atomic_int_add (&pieces->busy[worker], -1);
}

static void
test_pieces (void)
{
  g_autofree Pieces *one = g_new0 (Pieces, 1);
  rv_threads_set (1);
  rv_parallel_for (PIECES, piece, one);
  for (uint32_t threads = 2; threads < 8; threads++)
    {
      g_autofree Pieces *many = g_new0 (Pieces, 1);
      rv_threads_set (threads);
      rv_parallel_for (PIECES, piece, many);
      g_assert_cmpint (many->wrong, ==, 0);
      for (uint32_t i = 0; i < PIECES; i++)
        g_assert_cmpint (many->calls[i], ==, 1);
      g_assert_cmpmem (many->sums, sizeof many->sums, one->sums, sizeof one->sums);
    }
}

static void
test_few (void)
{
  g_autofree Pieces *pieces = g_new0 (Pieces, 1);
  rv_threads_set (7);
  rv_parallel_for (0, piece, pieces);
  g_assert_cmpint (pieces->calls[0], ==, 0);
  rv_parallel_for (2, piece, pieces);
  g_assert_cmpint (pieces->calls[0] + pieces->calls[1], ==, 2);
  g_assert_cmpint (pieces->wrong, ==, 0);
}

/* The smallest normal number halved is zero in a worker, with one thread as with several. */
static void
halve (void *self, uint32_t i, uint32_t worker)
{
  volatile float *x = self, half = 0.5f;
  x[i] = x[i] * half;
}

static void
test_denormals (void)
{
#if defined(__x86_64__) || defined(__aarch64__)
  for (uint32_t threads = 1; threads < 4; threads++)
    {
      float x[4] = { 0x1p-126f, 0x1p-126f, 0x1p-126f, 0x1p-126f };
      rv_threads_set (threads);
      rv_parallel_for (4, halve, x);
      for (uint32_t k = 0; k < 4; k++)
        g_assert_cmpfloat (x[k], ==, 0.0f);
      volatile float outside = 0x1p-126f;
      outside = outside * 0.5f;
      g_assert_cmpfloat (outside, >, 0.0f);
    }
#else
  g_test_skip ("not told to this processor");
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/parallel/pieces", test_pieces);
  g_test_add_func ("/parallel/few", test_few);
  g_test_add_func ("/parallel/denormals", test_denormals);
  return g_test_run ();
}
