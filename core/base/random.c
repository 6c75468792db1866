/* Where streams come from, and shuffling. The generator itself is inline in <ranvier/random.h>. */
#include <ranvier/random.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo): h = (h xor byte) * prime. The zero at the end of each string is hashed
 * as well, so that ("ab", "c") and ("a", "bc") differ. */
static uint64_t
hash_string (uint64_t h, const char *text)
{
  const unsigned char *c = (const unsigned char *)(text != NULL ? text : "");

  do
    h = (h ^ *c) * UINT64_C (0x100000001B3);
  while (*c++ != '\0');
  return h;
}

RvStream
rv_stream_new (uint64_t seed, const char *path, const char *purpose, const char *split)
{
  uint64_t h = UINT64_C (0xCBF29CE484222325);
  RvStream stream;

  h = hash_string (h, path);
  h = hash_string (h, purpose);
  h = hash_string (h, split);
  /* Neighbouring seeds are mixed before and after, or their streams would be shifts of each other. */
  stream.key = rv_mix64 (h ^ rv_mix64 (seed + UINT64_C (0x9E3779B97F4A7C15)));
  return stream;
}

/* A number below `n`, each equally likely: the upper half of a 32-bit draw times n, drawn again where the
 * lower half lies in the part that n does not divide (Lemire 2019, "Fast random integer generation in an
 * interval"). */
static uint32_t
bounded (RvStream stream, uint64_t *counter, uint32_t n)
{
  const uint32_t threshold = (uint32_t)-n % n;
  uint64_t product;

  do
    product = (rv_stream_bits (stream, (*counter)++) >> 32) * n;
  while ((uint32_t)product < threshold);
  return (uint32_t)(product >> 32);
}

/* Fisher and Yates, from the end: out[i] changes places with out[j], j uniform in 0 ... i. */
void
rv_stream_permutation (RvStream stream, uint32_t n, uint32_t *out)
{
  uint64_t counter = 0;

  for (uint32_t i = 0; i < n; i++)
    out[i] = i;
  for (uint32_t i = n; i-- > 1;)
    {
      const uint32_t j = bounded (stream, &counter, i + 1);
      const uint32_t swap = out[i];
      out[i] = out[j];
      out[j] = swap;
    }
}
