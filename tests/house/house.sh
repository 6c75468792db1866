# Sourced by the tests of the house: SOURCE, BUILD, LIBRARY, a scratch folder, and check and finish, which speak
# TAP.
set -u

SOURCE=$RANVIER_SOURCE
BUILD=$RANVIER_BUILD
LIBRARY=$BUILD/core/libranvier-1.so
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
count=0
failed=0

# check TEXT COMMAND...: what the command says becomes comments
check ()
{
  text=$1
  shift
  count=$((count + 1))
  if "$@" >"$SCRATCH/said" 2>&1; then
    echo "ok $count $text"
  else
    failed=1
    echo "not ok $count $text"
  fi
  sed 's/^/# /' "$SCRATCH/said"
}

# skip TEXT REASON
skip ()
{
  count=$((count + 1))
  echo "ok $count $1 # SKIP $2"
}

finish ()
{
  echo "1..$count"
  exit "$failed"
}
