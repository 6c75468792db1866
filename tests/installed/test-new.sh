#!/bin/sh
# ranvier new, for every kind: what it writes builds against the installed package alone, without a warning,
# passes its check and runs in its pipeline as generated; and what ranvier new refuses.
. "$(dirname "$0")/prefix.sh"
. "$(dirname "$0")/project.sh"

kinds="dataset transform trainer attack analysis report layer neuron surrogate decoder loss optimizer schedule
initializer"
generate ()
{
  for kind in $kinds; do
    ranvier new "$kind" "my-$kind" --out "$all/subprojects" || return 1
  done
}

# Nothing is left to fill in, and the files are those that README.md names.
complete ()
{
  ! grep -r "@[A-Z]*@" "$all/subprojects" || return 1
  for kind in $kinds; do
    (cd "$all/subprojects/my-$kind" && ls) >"$SCRATCH/files"
    printf '%s\n' README.md meson.build "my-$kind.c" test.yaml | diff - "$SCRATCH/files" || return 1
  done
}

every_kind_is_known ()
{
  ranvier plugins nothing 2>&1 | sed 's/.*the kinds are //' | tr -d ' ' | tr ',' '\n' | sort >"$SCRATCH/known"
  printf '%s\n' $kinds | sort | diff - "$SCRATCH/known"
}

# refused CODE TEXT ARGUMENTS...: exit code, and what it says
refused ()
{
  code=$1
  text=$2
  shift 2
  got=0
  (cd "$SCRATCH" && ranvier new "$@") >"$SCRATCH/refused" 2>&1 || got=$?
  cat "$SCRATCH/refused"
  echo "exit code $got, not $code; or it does not say: $text"
  [ "$got" -eq "$code" ] && grep -qF -- "$text" "$SCRATCH/refused"
}

# One plugin as README.md says, and moved away from the prefix that it was made for.
alone ()
{
  cp -R "$PREFIX" "$SCRATCH/moved" || return 1
  (
    PATH=$SCRATCH/moved/$RANVIER_BINDIR:$PATH
    PKG_CONFIG_PATH=$SCRATCH/moved/$RANVIER_LIBDIR/pkgconfig
    cd "$SCRATCH" && ranvier new schedule alone && cd alone && "$MESON" setup build -Dwerror=true &&
      "$MESON" test -C build && grep -F "$SCRATCH/moved/$RANVIER_BINDIR/ranvier" build/meson-logs/testlog.txt &&
      RANVIER_PLUGIN_PATH=build ranvier inspect schedule/alone
  )
}

check "every kind is written" generate
check "there is a template for each kind that the program knows" every_kind_is_known
check "no file is missing, none has a gap" complete
build_all
for kind in $kinds; do
  check "$kind passes its check" passed "my-$kind / check"
  check "$kind runs in its pipeline" passed "my-$kind / pipeline"
done
check "a program that was not installed has them too" \
  "$RANVIER_BUILD/core/ranvier" new loss mine --out "$SCRATCH/not-installed"
check "one alone, from an installation that was moved" alone

mkdir "$SCRATCH/there"
check "a kind with a slip" refused 2 "did you mean 'neuron'?" neurn mine
check "no kind at all" refused 2 "the kinds are dataset, transform" nothing mine
check "a name with a blank" refused 2 "'my-neuron' would do" neuron "my neuron"
check "a name that begins with a digit" refused 2 "begins with a letter" neuron 1st
check "a name with a slash" refused 2 "begins with a letter" neuron ../mine
check "a folder that is there" refused 2 "there exists already" neuron there
check "too few arguments" refused 2 "needs a KIND and a NAME" neuron
check "a folder that can not be made" refused 1 "could not be made" neuron mine --out /proc/nowhere
check "a name that is taken is told" refused 0 "There is a plugin neuron/lif already" neuron lif --out mine
finish
