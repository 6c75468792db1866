#!/bin/sh
# Every public header compiles by itself, as strict C11 and as C++17. Between neuron-types.h and neuron-op.h stand
# the functions of a neuron, so that a built-in one stands for these two; neurons are written in C.
. "$(dirname "$0")/house.sh"

WARNINGS="-pedantic -Wall -Wextra -Wno-unused-parameter -Werror -fopenmp-simd"
FLAGS="-I$SOURCE/include $(pkg-config --cflags glib-2.0)"

# compiles COMPILER STANDARD FILE
compiles ()
{
  # shellcheck disable=SC2086
  $1 -std="$2" $WARNINGS $FLAGS -fsyntax-only "$3"
}

for header in "$SOURCE"/include/ranvier/*.h; do
  name=$(basename "$header")
  case $name in
    neuron-types.h | neuron-op.h) continue ;;
  esac
  printf '#include <ranvier/%s>\n' "$name" >"$SCRATCH/one.c"
  cp "$SCRATCH/one.c" "$SCRATCH/one.cc"
  check "$name as C11" compiles "$CC" c11 "$SCRATCH/one.c"
  if command -v "$CXX" >/dev/null; then
    check "$name as C++17" compiles "$CXX" c++17 "$SCRATCH/one.cc"
  else
    skip "$name as C++17" "there is no C++ compiler ($CXX)"
  fi
done
check "neuron-types.h and neuron-op.h as C11" compiles "$CC" c11 "$SOURCE/plugins/neurons/lif.c"
finish
