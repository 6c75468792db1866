/* The core owns the threads: how many there are. rv_parallel_for is in base.h, rv_isa in clones.h. */
#ifndef RV_THREADS_H
#define RV_THREADS_H

#include <ranvier/clones.h>

/* Between two pieces of work threads of libgomp spin for long, which doubles the time of a run beside other
 * programs on the same processors; those that sleep at once take long to wake up. libgomp reads how long from
 * the environment when it is loaded, so this starts the program once more with a spin of less than a
 * millisecond, unless the user's own environment says how to wait. First thing in main. */
void rv_threads_wait_briefly (char **argv);
/* How many workers; 0: as many as the machine has processors (at most 64). Main thread. */
void rv_threads_set (uint32_t n);
uint32_t rv_threads_get (void);
const char *rv_isa_name (int isa);

#endif
