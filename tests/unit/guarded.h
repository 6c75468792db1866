/* Arrays that notice what is written before and between their rows, and stop whoever goes beyond their end: for tests
 * of inner loops. */
#ifndef TEST_GUARDED_H
#define TEST_GUARDED_H

#include <glib.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY 0xa5a5a5a5u

typedef struct
{
  union
  {
    float *f;
    uint32_t *i;
    uint16_t *h;
  };
  uint32_t *map; /* words up to the array are canaries */
  size_t bytes;
} Array;

/* `n` words, all canaries, that end where a page begins that can be neither read nor written. */
static inline Array
array_new (size_t n)
{
  const size_t page = (size_t)sysconf (_SC_PAGESIZE);
  const size_t used = (n * sizeof (float) + 256 + page - 1) / page * page;
  Array array = { .bytes = used + page };
  array.map = mmap (NULL, array.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (array.map != MAP_FAILED);
  for (size_t k = 0; k < used / sizeof (uint32_t); k++)
    array.map[k] = CANARY;
  g_assert_cmpint (mprotect ((char *)array.map + used, page, PROT_NONE), ==, 0);
  array.i = array.map + used / sizeof (uint32_t) - n;
  return array;
}

static inline void
array_free (Array *array)
{
  for (const uint32_t *k = array->map; k < array->i; k++)
    if (*k != CANARY)
      g_error ("the word %td before an array was overwritten", array->i - k);
  munmap (array->map, array->bytes);
}

/* Between the rows of a matrix nothing may have been written. */
static inline void
assert_gaps (const Array *array, uint32_t rows, uint32_t width, size_t stride)
{
  for (uint32_t r = 0; r + 1 < rows; r++)
    for (size_t j = width; j < stride; j++)
      g_assert_cmphex (array->i[r * stride + j], ==, CANARY);
}

#endif
