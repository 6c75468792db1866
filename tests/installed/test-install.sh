#!/bin/sh
# An installed tree is complete, uses nothing of the build folder, and still works after it was moved.
. "$(dirname "$0")/prefix.sh"

only_installed ()
{
  ranvier plugins --paths >"$SCRATCH/plugins"
  cat "$SCRATCH/plugins"
  grep -q "^neuron/lif .* install " "$SCRATCH/plugins" || return 1
  # lines of plugins, of their files, and the folders searched
  if grep "^[a-z]*/" "$SCRATCH/plugins" | grep -v " install "; then return 1; fi
  if grep "^  /" "$SCRATCH/plugins" | grep -vF "  $1/"; then return 1; fi
  if grep -F "(build)" "$SCRATCH/plugins"; then return 1; fi
}

# A variable of ranvier-1.pc; folders come as ${pcfiledir}/../.., with a backslash before blanks.
variable ()
{
  value=$(pkg-config --variable="$1" ranvier-1)
  case $value in
    /*) eval "value=\$(realpath -m $value)" ;;
  esac
  echo "$1: '$value', not '$2'"
  [ "$value" = "$2" ]
}

all_headers ()
{
  ls "$RANVIER_SOURCE/include/ranvier" >"$SCRATCH/there"
  ls "$PREFIX/include/ranvier-1/ranvier" >"$SCRATCH/installed"
  diff "$SCRATCH/there" "$SCRATCH/installed"
}

# Each public header by itself, without a warning.
headers ()
{
  eval "set -- -std=c11 -Wall -Wextra -Wno-unused-parameter -Werror $(pkg-config --cflags ranvier-1)"
  for header in "$PREFIX"/include/ranvier-1/ranvier/*.h; do
    name=$(basename "$header")
    case $name in
      neuron-types.h | neuron-op.h) continue ;; # between them stand the functions of a neuron: see below
    esac
    printf '#include <ranvier/%s>\n' "$name" >"$SCRATCH/one.c"
    # shellcheck disable=SC2086
    $CC "$@" -fsyntax-only "$SCRATCH/one.c" || return 1
  done
}

# A built-in neuron needs nothing but the installed headers, and is found before the installed one.
neuron ()
{
  eval "set -- $(pkg-config --cflags ranvier-1) $(pkg-config --variable=kernel_cflags ranvier-1) \
    -fPIC -shared -fvisibility=hidden -Wl,-z,defs -o \"\$SCRATCH/neuron-lif.so\" \
    \"\$RANVIER_SOURCE/plugins/neurons/lif.c\" $(pkg-config --libs ranvier-1)"
  # shellcheck disable=SC2086
  $CC "$@" || return 1
  RANVIER_PLUGIN_PATH=$SCRATCH ranvier plugins neuron --paths >"$SCRATCH/plugins"
  cat "$SCRATCH/plugins"
  grep -q "^neuron/lif .* RANVIER_PLUGIN_PATH " "$SCRATCH/plugins"
}

trains ()
{
  (cd "$SCRATCH" && ranvier run "$2/share/ranvier-1/pipelines/quickstart.yaml" -s epochs=1 \
    -s train.samples=200 -s test.samples=200 -s seed=1 -s variant=baseline --out "$1")
}

check "the program runs" ranvier --version
check "it is the installed one" test "$(command -v ranvier)" = "$PREFIX/$RANVIER_BINDIR/ranvier"
check "plugins come from the install alone" only_installed "$LIBDIR/ranvier-1/plugins"
check "pkg-config: plugindir" variable plugindir "$LIBDIR/ranvier-1/plugins"
check "pkg-config: kernel_cflags" variable kernel_cflags "$RANVIER_KERNEL_CFLAGS"
check "pkg-config: pipelinedir" variable pipelinedir "$PREFIX/share/ranvier-1/pipelines"
check "pkg-config: templatedir" variable templatedir "$PREFIX/share/ranvier-1/templates"
check "every header is installed" all_headers
check "every header compiles by itself" headers
check "a neuron is built from the installed headers" neuron
check "the installed quickstart trains" trains before "$PREFIX"

cp -R "$PREFIX" "$SCRATCH/moved"
PATH=$SCRATCH/moved/$RANVIER_BINDIR:$PATH
PKG_CONFIG_PATH=$SCRATCH/moved/$RANVIER_LIBDIR/pkgconfig
check "a copy elsewhere uses its own plugins" only_installed "$SCRATCH/moved/$RANVIER_LIBDIR/ranvier-1/plugins"
check "a copy elsewhere is found by pkg-config" variable plugindir "$SCRATCH/moved/$RANVIER_LIBDIR/ranvier-1/plugins"
check "a copy elsewhere trains" trains after "$SCRATCH/moved"
finish
