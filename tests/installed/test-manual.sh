#!/bin/sh
# Every verb has a manual page, every option is in its page, and the pages are good mdoc where that can be seen.
. "$(dirname "$0")/prefix.sh"

pages=$PREFIX/share/man/man1
verbs=$(ranvier --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p')

# Every word of a page that an option of `ranvier VERB --help` is written as in mdoc: "Fl s" and "Fl -set".
options ()
{
  missing=0
  ranvier "$1" --help | sed -n 's/^  \(-.*\)/\1/p' >"$SCRATCH/help"
  [ -s "$SCRATCH/help" ] || { echo "no options in ranvier $1 --help"; return 1; }
  for option in $(grep -oE '(^|, )--?[a-z][a-z-]*' "$SCRATCH/help" | tr -d ' ,'); do
    if ! grep -qE "^\.It (.* )?Fl ${option#-}( |$)" "$pages/ranvier-$1.1"; then
      echo "$option is not in ranvier-$1.1"
      missing=1
    fi
  done
  # the other way round: what the page has and the program has not
  for option in $(sed -n '/^\.Sh OPTIONS/,/^\.El/s/^\.It .*Fl -\([a-z-]*\).*/--\1/p' "$pages/ranvier-$1.1"); do
    if ! grep -qE -- "$option([ =]|$)" "$SCRATCH/help"; then
      echo "ranvier $1 has no $option"
      missing=1
    fi
  done
  return $missing
}

named ()
{
  test -f "$pages/ranvier-$1.1" && grep -q "^\.It Cm $1$" "$pages/ranvier.1"
}

usage ()
{
  ranvier "$1" --help >"$SCRATCH/help" && cat "$SCRATCH/help" && grep -q "^  ranvier $1 " "$SCRATCH/help"
}

# What the code reads of the environment stands in ranvier(1), once.
environment ()
{
  grep -rhoE 'getenv \("RANVIER_[A-Z0-9_]*' "$RANVIER_SOURCE/core" "$RANVIER_SOURCE/plugins" | sed 's/.*"//' |
    sort -u >"$SCRATCH/variables"
  [ -s "$SCRATCH/variables" ] || return 1
  while read -r name; do
    times=$(grep -cx "\.It Ev $name" "$pages/ranvier.1")
    [ "$times" -eq 1 ] || { echo "$name is $times times in ranvier.1"; return 1; }
  done <"$SCRATCH/variables"
}

no_warnings ()
{
  "$@" "$pages"/*.1 >"$SCRATCH/out" 2>&1 || { cat "$SCRATCH/out"; return 1; }
  cat "$SCRATCH/out"
  [ ! -s "$SCRATCH/out" ]
}

check "there are verbs" test -n "$verbs"
for verb in $verbs; do
  check "$verb has a page and is in ranvier(1)" named "$verb"
  check "$verb: the page has the options of the program" options "$verb"
  check "$verb: help says how it is typed" usage "$verb"
done
for page in "$pages"/ranvier-*.1; do
  verb=$(basename "$page" .1)
  check "$verb(1) is about a verb" test -n "$(echo "$verbs" | grep -x "${verb#ranvier-}")"
done
check "the environment is in ranvier(1)" environment
if command -v groff >/dev/null; then
  check "groff has no warnings" no_warnings groff -mandoc -Tutf8 -ww -z
else
  skip "groff has no warnings" "groff is not installed"
fi
if command -v mandoc >/dev/null; then
  check "mandoc has no warnings" no_warnings mandoc -T lint -W warning
else
  skip "mandoc has no warnings" "mandoc is not installed"
fi
finish
