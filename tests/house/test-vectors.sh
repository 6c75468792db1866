#!/bin/sh
# Loops that are marked for it are made into vectors by the compiler: in the kernels that neuron-op.h makes of a
# neuron, in surrogates and in optimizers. A loop that stays scalar gives the same results, ten times slower.
. "$(dirname "$0")/house.sh"

marked='^ *#pragma omp simd'

# The marked lines of FILE behind which, up to the next one, the compiler reports no loop.
scalar_loops ()
{
  {
    sed -n "s/^.*$(basename "$1"):\([0-9]*\):.*loop vectorized.*/\1 vector/p" "$SCRATCH/report"
    grep -n "$marked" "$1" | sed 's/:.*/ marked/'
  } | sort -n | awk -v file="$1" '
    $2 == "marked" { if (open) print file ":" open; open = $1 }
    $2 == "vector" { if (open && $1 - open < 20) open = 0 }
    END { if (open) print file ":" open }'
}

vectors ()
{
  # shellcheck disable=SC2046,SC2086
  $CC -std=gnu11 -I"$SOURCE/include" $(pkg-config --cflags glib-2.0) $RANVIER_KERNEL_CFLAGS -fPIC \
    -fopt-info-vec-optimized -c "$1" -o "$SCRATCH/object" 2>"$SCRATCH/report" ||
    { cat "$SCRATCH/report"; return 1; }
  scalar_loops "$1" >"$SCRATCH/scalar"
  if grep -q 'neuron-op\.h' "$1"; then
    scalar_loops "$SOURCE/include/ranvier/neuron-op.h" >>"$SCRATCH/scalar"
  fi
  cat "$SCRATCH/scalar"
  [ ! -s "$SCRATCH/scalar" ]
}

# What there is to test is there.
some ()
{
  [ "$(grep -c "$marked" "$SOURCE/include/ranvier/neuron-op.h")" -ge 4 ]
}

check "neuron-op.h has marked loops" some
if $CC -dM -E -x c /dev/null | grep -q __clang__; then
  skip "marked loops are vectors" "the report is that of gcc"
  finish
fi
for file in "$SOURCE"/plugins/neurons/*.c "$SOURCE"/plugins/surrogates/*.c "$SOURCE"/plugins/optimizers/*.c \
            "$SOURCE"/doc/examples/q-pseudo-spike/*.c; do
  # a neuron that never fires has loops in which nothing is left to do
  grep -q "RV_NEURON_GRADED" "$file" || check "vectors in ${file#"$SOURCE"/}" vectors "$file"
done
finish
