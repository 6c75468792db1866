/* What all neurons share: the names of the ways to start. */
#include <ranvier/neuron.h>

const char *const rv_neuron_starts[] = { "zero", "uniform", NULL };
