# Completion for bash. Verbs, options, kinds and plugins are asked from the program, so that this needs no change
# when it gets more of them.

_ranvier_verbs ()
{
  "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
}

_ranvier_options ()
{
  "$1" "$2" --help 2>/dev/null | grep -oE '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,'
}

_ranvier_kinds ()
{
  "$1" plugins --help 2>/dev/null | sed -n 's/^Kinds: //p' | tr -d ,
}

_ranvier_sets ()
{
  "$1" data --data /nowhere 2>/dev/null | sed -n 's/^\([a-z][a-z0-9-]*\): .* (dataset\/.*/\1/p'
}

_ranvier_plugins ()
{
  "$1" plugins 2>/dev/null | sed -n 's|^\([a-z]*/[^ ]*\) .*|\1|p'
}

# Files whose names end with one of the given patterns, and folders on the way to them.
_ranvier_files ()
{
  local current=$1 pattern
  shift
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(
    compgen -d -- "$current"
    for pattern; do
      compgen -f -X "!$pattern" -- "$current"
    done)
}

_ranvier ()
{
  local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]}
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()

  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$(_ranvier_verbs "$program") --help --version" -- "$current")
    return
  fi

  # readline takes --out=DIR for three words
  if [[ $current == "=" ]]; then
    current=
  elif [[ $previous == "=" ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $verb$previous in
    report--out | report-o) # a file, where others write a folder
      _ranvier_files "$current" '*.html'
      return
      ;;
  esac
  case $previous in
    --out | -o | --data | --fetch | --plugin-path)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --set | -s | --threads | --show | --from)
      return
      ;;
  esac
  if [[ $previous == --split ]]; then
    mapfile -t COMPREPLY < <(compgen -W "train test validation" -- "$current")
    return
  elif [[ $previous == --cache ]]; then
    mapfile -t COMPREPLY < <(compgen -W "clear" -- "$current")
    return
  fi
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_ranvier_options "$program" "$verb")" -- "$current")
    return
  fi

  case $verb in
    run | graph) _ranvier_files "$current" '*.yaml' '*.yml' ;;
    check)
      _ranvier_files "$current" '*.yaml' '*.yml' '*.so'
      mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$(_ranvier_plugins "$program")" -- "$current")
      ;;
    inspect) mapfile -t COMPREPLY < <(compgen -W "$(_ranvier_plugins "$program")" -- "$current") ;;
    data) mapfile -t COMPREPLY < <(compgen -W "$(_ranvier_sets "$program")" -- "$current") ;;
    report)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      ;;
    plugins | new) mapfile -t COMPREPLY < <(compgen -W "$(_ranvier_kinds "$program")" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  esac
}

complete -F _ranvier ranvier
