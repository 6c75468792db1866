#!/bin/sh
# The plugins in doc/examples, built as strangers would: against the installed package alone, without a
# warning. Each passes its check and runs in its pipeline, with the result that it tells of.
. "$(dirname "$0")/prefix.sh"
. "$(dirname "$0")/project.sh"

cp -R "$RANVIER_SOURCE"/doc/examples/*/ "$all/subprojects"
examples=$(cd "$all/subprojects" && ls)

# result NAME TABLE CONDITION: over the first column (v) of a table, by the name in front of it
result ()
{
  table=$all/build/subprojects/$1/run/tables/$2.csv
  cat "$table"
  awk -F, "{ gsub (/\"/, \"\", \$1); v[\$1] = \$2 } END { exit !($3) }" "$table"
}

check "there are four" test "$(echo "$examples" | wc -l)" -eq 4
build_all
for name in $examples; do
  check "$name passes its check" passed "$name / check"
  check "$name runs in its pipeline" passed "$name / pipeline"
done
check "a TC-LIF remembers better than a LIF" result tc-lif accuracy 'v["TC-LIF"] > v["LIF"] + 3'
check "a network learns with every tail" result q-pseudo-spike accuracy 'v["1.1"] > 75 && v["20"] > 75'
check "a count does not need the order" result shuffle accuracy 'v["as-it-is"] > 80 && v["no-order"] > 80'
check "sparse costs less than dense" result synops energy 'v["hard reset"] > 500 && v["hard reset"] < 5000'
finish
