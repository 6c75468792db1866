/** @file
 * Counter-based random numbers: a draw is a pure function of a stream and a counter, so that no result
 * depends on a thread, a batch position or on how often something else drew before.
 *
 * A stream is keyed by hash (seed, path inside the node, purpose, split); forks add (epoch, recording, ...).
 * The generator is SplitMix64 (Steele, Lea, Flood 2014) read at any position. All inline functions: any
 * worker.
 */
#ifndef RANVIER_RANDOM_H
#define RANVIER_RANDOM_H

#include <math.h>
#include <ranvier/base.h>

G_BEGIN_DECLS

/** A stream of random numbers that can be read at any position. */
typedef struct
{
  uint64_t key; /**< what tells streams apart */
} RvStream;

/** A stream for `seed`; the strings may be NULL, which is the same as empty. Any thread. */
RV_API RvStream rv_stream_new (uint64_t seed, const char *path, const char *purpose, const char *split);

/** Writes a uniformly random order of 0 ... n-1 to `out` [n], borrowed. Any worker. */
RV_API void rv_stream_permutation (RvStream stream, uint32_t n, uint32_t *out);

/** The finaliser of SplitMix64: every bit of x moves about half of the bits. */
RV_FN uint64_t
rv_mix64 (uint64_t x)
{
  x = (x ^ (x >> 30)) * UINT64_C (0xBF58476D1CE4E5B9);
  x = (x ^ (x >> 27)) * UINT64_C (0x94D049BB133111EB);
  return x ^ (x >> 31);
}

/** An independent stream for each `label`: an epoch, a recording, a unit. */
RV_FN RvStream
rv_stream_fork (RvStream s, uint64_t label)
{
  /* label mixed first, or neighbouring labels would be shifts of one stream */
  RvStream r = { rv_mix64 (s.key ^ rv_mix64 (label + UINT64_C (0xD1B54A32D192ED03))) };
  return r;
}

/** 64 random bits at position `counter`. */
RV_FN uint64_t
rv_stream_bits (RvStream s, uint64_t counter)
{
  /* state of SplitMix64 after counter + 1 steps, and its output */
  return rv_mix64 (s.key + (counter + 1) * UINT64_C (0x9E3779B97F4A7C15));
}

/** Uniform in [0, 1), 24 bits. */
RV_FN float
rv_stream_uniform (RvStream s, uint64_t counter)
{
  /* k / 2^24, k of 24 bits */
  return (float) (rv_stream_bits (s, counter) >> 40) * 0x1p-24f;
}

/** Uniform in [0, 1), 53 bits. */
RV_FN double
rv_stream_uniform_double (RvStream s, uint64_t counter)
{
  /* k / 2^53, k of 53 bits */
  return (double) (rv_stream_bits (s, counter) >> 11) * 0x1p-53;
}

/** Standard normal (Box and Muller 1958, the cosine half). */
RV_FN double
rv_stream_normal (RvStream s, uint64_t counter)
{
  /* sqrt (-2 ln u) cos (2 pi v), u in (0, 1], v in [0, 1) */
  uint64_t bits = rv_stream_bits (s, counter);
  double u = ((double) (bits >> 32) + 1.0) * 0x1p-32;
  double v = (double) (bits & 0xFFFFFFFFu) * 0x1p-32;
  return sqrt (-2.0 * log (u)) * cos (6.283185307179586 * v);
}

G_END_DECLS

#endif
