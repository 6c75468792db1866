/* The core owns the threads: how many there are. rv_parallel_for is in base.h, rv_isa in clones.h. */
#ifndef RV_THREADS_H
#define RV_THREADS_H

#include <ranvier/clones.h>

/* How many workers; 0: as many as the machine has processors (at most 64). Main thread. */
void rv_threads_set (uint32_t n);
uint32_t rv_threads_get (void);
const char *rv_isa_name (int isa);

#endif
