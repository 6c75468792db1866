/* The core owns the threads: one loop over independent pieces of work, on OpenMP. */
#ifndef RV_THREADS_H
#define RV_THREADS_H

#include <ranvier/base.h>

/* How many workers; 0: as many as the machine has processors (at most 64). Main thread. */
void rv_threads_set (uint32_t n);
uint32_t rv_threads_get (void);
/* Calls work (self, i, worker) for each i < n, in any order; worker < rv_threads_get (). In a worker, numbers
 * below the normal range of float count as zero. Main thread. */
void rv_parallel_for (uint32_t n, void (*work) (void *self, uint32_t i, uint32_t worker), void *self);
/* The widest instruction set of this processor, capped by RANVIER_ISA (baseline, v3, v4): an RV_ISA number. */
int rv_isa (void);
const char *rv_isa_name (int isa);

#endif
