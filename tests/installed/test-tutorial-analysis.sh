#!/bin/sh
# doc/tutorial-analysis.md, done as it is written, and whether what it says is so.
. "$(dirname "$0")/prefix.sh"
page=$RANVIER_SOURCE/doc/tutorial-analysis.md
. "$(dirname "$0")/tutorial.sh"

tables=$work/psth/run/tables

# The slip is found by the test that the page names.
slip_found ()
{
  grep '^  repeat    FAILED   run again it hands on something else' "$SCRATCH/tutorial"
}

as_the_page_says ()
{
  same_rows "$tables/accuracy.csv" "$tables/gap-rates.csv" || return 1
  cat "$tables/accuracy.csv" "$tables/gap-rates.csv"
  awk -F, 'FNR == NR { right[$1] = $2; next } { rate[$1] = $2 }
    END { exit !(right["plain"] < 75 && right["without reset"] > 85 && right["with recurrence"] > 95 &&
                 rate["without reset"] > 0.4 && rate["with recurrence"] < rate["without reset"] / 2 + 0.05 &&
                 rate["plain"] > rate["with recurrence"] / 2) }' "$tables/accuracy.csv" "$tables/gap-rates.csv"
}

drawn ()
{
  grep -q "^ *[0-9]*,\|^[0-9]" "$work/psth/run/figures/over-time.csv" && ls "$work/psth/run/figures"
}

check "the slip is found" slip_found
check "the tables are those of the page" as_the_page_says
check "the figure is there" drawn
finish
