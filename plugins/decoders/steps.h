/* What decoders share that do not look at every step: which is the first that counts. */
#ifndef DECODER_STEPS_H
#define DECODER_STEPS_H

#include <ranvier/ranvier.h>

/* The entry `from` of a decoder's table. */
#define FROM_ENTRY(S, what)                                                                                  \
  RV_INT (S, from, "0", -1e9, 1e9, "steps", what "; below 0 it counts from the end: -9 takes the last nine")

static inline int64_t
first_step (int64_t from, uint32_t steps)
{
  return from < 0 ? (int64_t) steps + from : from;
}

/* How many steps count; 0 with an error where that is none. */
static inline uint32_t
steps_from (int64_t from, uint32_t steps, GError **error)
{
  const int64_t first = first_step (from, steps);
  if (first >= 0 && first < (int64_t) steps)
    return steps - (uint32_t) first;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "from is step %" G_GINT64_FORMAT " but there are %u steps",
               (gint64) from, steps);
  return 0;
}

#endif
