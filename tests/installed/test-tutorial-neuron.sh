#!/bin/sh
# doc/tutorial-neuron.md, done as it is written, and whether what it says is so.
. "$(dirname "$0")/prefix.sh"
page=$RANVIER_SOURCE/doc/tutorial-neuron.md
. "$(dirname "$0")/tutorial.sh"

short ()
{
  wc -l <"$work/partial-reset/partial-reset.c"
  [ "$(wc -l <"$work/partial-reset/partial-reset.c")" -lt 60 ]
}

# With `keep: 0` the neuron is the built-in LIF: the row of the one is the row of the other.
table=$work/partial-reset/run/tables/accuracy.csv
equal_rows ()
{
  cat "$table"
  sed -n 's/^built-in LIF,//p' "$table" >"$SCRATCH/lif"
  sed -n 's/^keep nothing,//p' "$table" >"$SCRATCH/ours"
  [ -s "$SCRATCH/lif" ] && diff "$SCRATCH/lif" "$SCRATCH/ours"
}

# The variants that are there are those of the page, and what it says of them holds.
as_the_page_says ()
{
  same_rows "$table" || return 1
  awk -F, '{ mean[$1] = $2 }
    END { print mean["keep all"], mean["keep nothing"]
          exit !(mean["keep all"] > 85 && mean["keep all"] > mean["keep nothing"] + 10) }' "$table"
}

check "the neuron has fewer than 60 lines" short
check "with keep 0 it is the LIF" equal_rows
check "the table is that of the page" as_the_page_says
finish
