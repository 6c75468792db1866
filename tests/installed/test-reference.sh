#!/bin/sh
# Every plugin has a reference page and stands in the index, and the page has every parameter with its doc.
. "$(dirname "$0")/prefix.sh"

pages=$PREFIX/share/doc/ranvier/reference
plugins=$(ranvier plugins | sed -n 's|^\([a-z]*/[^ ]*\) .*|\1|p')

# The lines of `ranvier inspect` after "parameters:" are "  name: type..." and "      doc", in turns.
complete ()
{
  page=$pages/$(echo "$1" | tr / -).md
  grep -qF "# $1" "$page" && grep -qF "]($(basename "$page"))" "$pages/index.md" || return 1
  ranvier inspect "$1" | sed '1,/^parameters:/d; /^outputs:/,$d' >"$SCRATCH/parameters"
  while IFS= read -r line; do
    case $line in
      "      "*) text=$(echo "${line#      }" | sed 's/|/\\|/g') ;;
      "  "*) text=$(echo "$line" | sed 's/^  \([^:]*\):.*/| `\1` |/') ;;
      *) continue ;;
    esac
    grep -qF -- "$text" "$page" || { echo "not in $page: $text"; return 1; }
  done <"$SCRATCH/parameters"
}

no_warnings ()
{
  cat "$1"
  [ ! -s "$1" ]
}

check "there are plugins" test "$(echo "$plugins" | wc -l)" -gt 20
for plugin in $plugins; do
  check "$plugin" complete "$plugin"
done
check "no page of a plugin that is not there" test "$(echo "$plugins" | wc -l)" -eq "$(ls "$pages" | grep -cv '^index.md$')"
if [ -f "$RANVIER_BUILD/doc/api-warnings.txt" ]; then
  check "every name of the public headers has a comment" no_warnings "$RANVIER_BUILD/doc/api-warnings.txt"
  check "the pages of the API are installed" test -f "$PREFIX/share/doc/ranvier/api/index.html"
else
  skip "every name of the public headers has a comment" "Doxygen is not installed"
fi
check "how to write a pipeline is beside it" test -f "$PREFIX/share/doc/ranvier/pipelines.md"
finish
