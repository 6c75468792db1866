#!/bin/sh
# doc/tutorial-pipeline.md, done as it is written, and whether what it says is so.
. "$(dirname "$0")/prefix.sh"
page=$RANVIER_SOURCE/doc/tutorial-pipeline.md
. "$(dirname "$0")/tutorial.sh"

# The messages are those of the page, to the letter.
mistakes ()
{
  sed -n '/^```text/,/^```/ s/^wrong/wrong/p' "$page" >"$SCRATCH/expected"
  [ "$(wc -l <"$SCRATCH/expected")" -eq 2 ] || return 1
  while read -r line; do grep -F "$line" "$SCRATCH/tutorial" || return 1; done <"$SCRATCH/expected"
}

as_the_page_says ()
{
  sed -n 's/^| \([a-z ]*[a-z]\) *| *[0-9.]* | *[0-9.]* |$/\1/p' "$page" >"$SCRATCH/expected"
  sed '1d; s/,.*//' "$work/flatness/tables/flatness.csv" | diff "$SCRATCH/expected" - || return 1
  same_rows "$work/study/tables/accuracy.csv" || return 1
  awk -F, '{ print; rise[$1] = $3 }
    END { exit !(rise["plain"] < rise["without reset"] && rise["plain"] < rise["with recurrence"]) }' \
    "$work/flatness/tables/flatness.csv" || return 1
  awk -F, '{ print; right[$1] = $2 }
    END { exit !(right["plain"] < 75 && right["without reset"] > 85 && right["with recurrence"] > 95) }' \
    "$work/study/tables/accuracy.csv"
}

# Nine trainings, which were reused twice.
reused ()
{
  grep -c "^fit .*reused, made" "$work/again.log" "$work/flatness.log"
  [ "$(grep -c "^fit .*reused, made" "$work/again.log")" -eq 9 ] &&
    [ "$(grep -c "^fit .*reused, made" "$work/flatness.log")" -eq 9 ]
}

# What the page lists is there.
left ()
{
  for name in $(sed -n '/^| file/,/^$/ s/^| \(`[^|]*`\) |.*/\1/p' "$page" | tr -d '`,'); do
    ls -d "$work/flatness/$name" || return 1
  done
}

check "the mistakes are found" mistakes
check "the table is that of the page" as_the_page_says
check "trainings are reused" reused
check "what a run leaves" left
finish
