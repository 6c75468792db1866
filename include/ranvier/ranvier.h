/** @file
 * Everything a plugin may use. Neurons include <ranvier/neuron-types.h> and <ranvier/neuron-op.h>
 * themselves. */
#ifndef RANVIER_H
#define RANVIER_H

#include <ranvier/archive.h>
#include <ranvier/base.h>
#include <ranvier/checkpoint.h>
#include <ranvier/clones.h>
#include <ranvier/dataset.h>
#include <ranvier/decoder.h>
#include <ranvier/engine.h>
#include <ranvier/grid.h>
#include <ranvier/layer.h>
#include <ranvier/loss.h>
#include <ranvier/math.h>
#include <ranvier/neuron.h>
#include <ranvier/node.h>
#include <ranvier/official.h>
#include <ranvier/optimizer.h>
#include <ranvier/param.h>
#include <ranvier/plugin.h>
#include <ranvier/random.h>
#include <ranvier/selection.h>
#include <ranvier/surrogate.h>
#include <ranvier/table.h>
#include <ranvier/tensor.h>

#endif
