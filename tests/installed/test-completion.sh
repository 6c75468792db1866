#!/bin/sh
# Completion of bash offers what the installed program has. That of zsh is parsed where zsh is installed.
. "$(dirname "$0")/prefix.sh"

here=$(cd "$(dirname "$0")" && pwd)
file=$PREFIX/share/bash-completion/completions/ranvier

# offers EXPECTED WORD...: whether that is all that is offered, in any order; a final + in EXPECTED: at least that
offers ()
{
  expected=$1
  shift
  (cd "$SCRATCH/folder" && bash "$here/completion.bash" "$file" "$@") | LC_ALL=C sort | tr '\n' ' ' >"$SCRATCH/offered"
  offered=$(cat "$SCRATCH/offered")
  echo "offered: $offered"
  case $expected in
    *+)
      for word in ${expected%+}; do
        case " $offered " in
          *" $word "*) ;;
          *) echo "missing: $word"; return 1 ;;
        esac
      done
      ;;
    *) [ "$offered" = "$expected " ] ;;
  esac
}

mkdir -p "$SCRATCH/folder/more"
touch "$SCRATCH/folder/study.yaml" "$SCRATCH/folder/notes.txt" "$SCRATCH/folder/module.so"

check "verbs" offers "--help --version check graph inspect plugins run +" ranvier ""
check "a verb begun" offers "inspect" ranvier insp
check "options of a verb" offers "--broken --help --json --paths +" ranvier plugins -
check "options of another" offers "--out" ranvier run --o
check "pipelines and folders" offers "more study.yaml" ranvier run ""
check "pipelines after an option" offers "study.yaml" ranvier run -q st
check "folders for --out" offers "more" ranvier run --out ""
check "folders for --out=" offers "more" ranvier run --out = m
check "nothing for a value" offers "" ranvier run -s ""
check "kinds" offers "neuron" ranvier plugins ne
check "plugins" offers "neuron/leaky-integrator neuron/lif neuron/linear" ranvier inspect neuron/l
check "data sets" offers "mnist" ranvier data mn
check "what --cache takes" offers "clear" ranvier data --cache ""
check "pipelines, modules and plugins" offers "module.so more study.yaml neuron/lif +" ranvier check ""
if command -v zsh >/dev/null; then
  check "zsh reads its file" zsh -n "$PREFIX/share/zsh/site-functions/_ranvier"
fi
finish
