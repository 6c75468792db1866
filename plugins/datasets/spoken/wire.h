/* What ranvier-hdf5-events writes and spoken.c reads, in the machine's own byte order; numbers are uint32_t
 * where nothing else is said: WIRE_BEGIN, samples n, classes c, whether speakers follow (0 or 1); c names,
 * each length and bytes; labels [n]; speakers [n]; then for each recording its events e, times [e] in
 * microseconds, units uint16_t [e]; WIRE_END. */
#ifndef SPOKEN_WIRE_H
#define SPOKEN_WIRE_H

#include <stdint.h>

#define WIRE_BEGIN UINT32_C (0x31565652)
#define WIRE_END   UINT32_C (0x444e4552)

/* Far above what any set has. */
#define WIRE_MOST_SAMPLES 10000000
#define WIRE_MOST_EVENTS  (1 << 24)
#define WIRE_MOST_CLASSES 10000
#define WIRE_MOST_NAME    256
#define WIRE_MOST_SECONDS 4000

#endif
