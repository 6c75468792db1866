#!/bin/sh
# doc/tutorial-neuron.md, done as it is written: its blocks are files and commands, from the first to the last.
. "$(dirname "$0")/prefix.sh"

page=$RANVIER_SOURCE/doc/tutorial-neuron.md
blocks=$(dirname "$0")/blocks.awk
work=$SCRATCH/work/partial-reset
mkdir "$SCRATCH/work"

# The page's call of the compiler splits what pkg-config says at blanks.
case $PREFIX in
  *" "*)
    cp -R "$PREFIX" "$SCRATCH/prefix"
    PATH=$SCRATCH/prefix/$RANVIER_BINDIR:$PATH
    PKG_CONFIG_PATH=$SCRATCH/prefix/$RANVIER_LIBDIR/pkgconfig
    ;;
esac

done_as_written ()
{
  awk -f "$blocks" "$page" >"$SCRATCH/script" || return 1
  (cd "$SCRATCH/work" && sh -eux "$SCRATCH/script")
}

short ()
{
  wc -l <"$work/partial-reset.c"
  [ "$(wc -l <"$work/partial-reset.c")" -lt 60 ]
}

# With `keep: 0` the neuron is the built-in LIF: the row of the one is the row of the other.
equal_rows ()
{
  cat "$work/run/tables/accuracy.csv"
  sed -n 's/^built-in LIF,//p' "$work/run/tables/accuracy.csv" >"$SCRATCH/lif"
  sed -n 's/^keep nothing,//p' "$work/run/tables/accuracy.csv" >"$SCRATCH/ours"
  [ -s "$SCRATCH/lif" ] && diff "$SCRATCH/lif" "$SCRATCH/ours"
}

# The variants that are there are those of the page, and what it says of them holds.
as_the_page_says ()
{
  sed -n '2,$s/,.*//p' "$work/run/tables/accuracy.csv" | sort >"$SCRATCH/rows"
  sed -n 's/^| \([a-zA-Z -]*[a-zA-Z]\) *| *[0-9.]* | *[0-9.]* | *[0-9.]* |$/\1/p' "$page" | sort |
    diff - "$SCRATCH/rows" || return 1
  awk -F, '{ mean[$1] = $2 }
    END { print mean["keep all"], mean["keep nothing"]
          exit !(mean["keep all"] > 85 && mean["keep all"] > mean["keep nothing"] + 10) }' \
    "$work/run/tables/accuracy.csv"
}

no_warning ()
{
  ! grep -i "warning" "$SCRATCH/tutorial"
}

check "every block does what it should" done_as_written
cp "$SCRATCH/said" "$SCRATCH/tutorial"
check "without a warning" no_warning
check "the neuron has fewer than 60 lines" short
check "with keep 0 it is the LIF" equal_rows
check "the table is that of the page" as_the_page_says
finish
