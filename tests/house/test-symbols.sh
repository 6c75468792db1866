#!/bin/sh
# The library exports to plugins what the public headers declare and nothing else; plugins use nothing more and
# export their descriptor alone.
. "$(dirname "$0")/house.sh"

exports ()
{
  nm -D --defined-only "$1" | awk -v node="@@$2" 'index ($3, node) && substr ($3, index ($3, node)) == node {
    sub (/@@.*/, "", $3); print $3 }' | sort
}

public_node ()
{
  grep -h '^RV_API' "$SOURCE"/include/ranvier/*.h | sed 's/.*[ *]\(rv_[a-z0-9_]*\) *[[(].*/\1/' | sort >"$SCRATCH/declared"
  if grep -v '^rv_[a-z0-9_]*$' "$SCRATCH/declared"; then
    echo "the name must stand on the line of RV_API"
    return 1
  fi
  exports "$LIBRARY" RANVIER_1 | grep -v '^RANVIER_1$' >"$SCRATCH/exported"
  [ -s "$SCRATCH/declared" ] || return 1
  # <: declared, but not in the node RANVIER_1 of core/ranvier.map; >: the other way round
  diff "$SCRATCH/declared" "$SCRATCH/exported"
}

nothing_else ()
{
  nm -D --defined-only "$LIBRARY" | awk '{ print $3 }' >"$SCRATCH/all"
  [ -s "$SCRATCH/all" ] || return 1
  if grep -vE '^(rv_[a-z0-9_]*@@RANVIER_(PRIVATE_)?1|RANVIER_(PRIVATE_)?1(@@.*)?)$' "$SCRATCH/all"; then
    return 1
  fi
}

plugins_use ()
{
  n=0
  for plugin in "$BUILD"/plugins/*.so; do
    n=$((n + 1))
    if nm -D --undefined-only "$plugin" | grep RANVIER_PRIVATE; then
      echo "$plugin uses what is not public"
      return 1
    fi
    # what begins with __ is the compiler's own, for instance of a sanitizer
    if [ "$(nm -D --defined-only "$plugin" | awk '$3 !~ /^__/ { print $3 }')" != rv_plugin ]; then
      echo "$plugin exports more than rv_plugin"
      return 1
    fi
  done
  echo "$n plugins"
  [ "$n" -gt 10 ]
}

check "RANVIER_1 is what the headers declare" public_node
check "nothing has another name" nothing_else
check "plugins use RANVIER_1 and export rv_plugin" plugins_use
finish
