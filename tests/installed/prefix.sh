# To be sourced by the tests of the suite 'installed': installs the build once, without a new build, and points the
# environment at it. Sets PREFIX, PATH, PKG_CONFIG_PATH and CC; `check` prints a TAP line.
# From meson.build: RANVIER_BUILD, RANVIER_SOURCE, RANVIER_PREFIX,
# RANVIER_BINDIR, RANVIER_LIBDIR, MESON, CC.
set -eu

installed=$RANVIER_BUILD/tests/prefix
PREFIX=$installed$RANVIER_PREFIX
LIBDIR=$PREFIX/$RANVIER_LIBDIR

# Once for all tests that run at the same time: installing again would take files away from under the others, if only for
# a moment. After a new build what changed is copied; after a new configuration everything, so that nothing old is left.
changed ()
{
  [ ! -d "$installed" ] || [ -n "$(find "$@" -type f -newer "$installed.lock" -print -quit)" ]
}
(
  flock 9
  if changed "$RANVIER_BUILD/build.ninja"; then
    rm -rf "$installed"
  fi
  if changed "$RANVIER_BUILD/core" "$RANVIER_BUILD/plugins" "$RANVIER_BUILD/doc" "$RANVIER_SOURCE/include" \
     "$RANVIER_SOURCE/pipelines" "$RANVIER_SOURCE/data" "$RANVIER_SOURCE/doc"; then
    "$MESON" install -C "$RANVIER_BUILD" --no-rebuild --only-changed --quiet --destdir "$installed" >&2 &&
      touch "$installed.lock"
  fi
) 9>>"$installed.lock" || { echo "Bail out! meson install failed"; exit 1; }

if ! grep -q '^prefix=.*pcfiledir' "$LIBDIR/pkgconfig/ranvier-1.pc"; then
  echo "Bail out! this build folder is old: meson configure -Dpkgconfig.relocatable=true $RANVIER_BUILD"
  exit 1
fi

# Nothing of the build and nothing of the user's own. (Meson sets the library path of tests that need libraries.)
unset RANVIER_PLUGIN_PATH LD_LIBRARY_PATH
PATH=$PREFIX/$RANVIER_BINDIR:$PATH
PKG_CONFIG_PATH=$LIBDIR/pkgconfig
export PREFIX LIBDIR PATH PKG_CONFIG_PATH CC

# Where a test may write; gone when it ends.
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
trap 'exit 1' HUP INT TERM
XDG_DATA_HOME=$SCRATCH/xdg/data
XDG_STATE_HOME=$SCRATCH/xdg/state
XDG_CACHE_HOME=$SCRATCH/xdg/cache
export SCRATCH XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME

checks=0
# check WHAT COMMAND...: one line of TAP; what the command says is shown when it fails.
check ()
{
  checks=$((checks + 1))
  what=$1
  shift
  if "$@" >"$SCRATCH/said" 2>&1; then
    echo "ok $checks - $what"
  else
    echo "not ok $checks - $what"
    sed 's/^/# /' "$SCRATCH/said"
  fi
}

# skip WHAT WHY
skip ()
{
  checks=$((checks + 1))
  echo "ok $checks - $1 # SKIP $2"
}

# The last line of a test.
finish ()
{
  echo "1..$checks"
}
