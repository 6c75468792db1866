#!/bin/sh
# Includes point one way: cli, pipeline, engine, plugin, data, base, each to those behind it; plugins see the
# public headers alone, and so do the public headers.
. "$(dirname "$0")/house.sh"

# "file include" for each #include of the C files below the folders, the include with its < or "
includes ()
{
  (cd "$SOURCE" && find "$@" -name '*.[ch]' | sort | xargs grep -HE '^[[:space:]]*#[[:space:]]*include') \
    | sed 's/^\([^:]*\):[[:space:]]*#[[:space:]]*include[[:space:]]*\([<"][^>"]*\).*/\1 \2/' >"$SCRATCH/includes"
  wc -l <"$SCRATCH/includes"
  [ -s "$SCRATCH/includes" ]
}

one_way ()
{
  includes core || return 1
  awk '
    BEGIN { n = split ("base data plugin engine pipeline cli", order, " "); for (k = 1; k <= n; k++) rank[order[k]] = k }
    {
      split ($1, file, "/")
      name = substr ($2, 2)
      split (name, target, "/")
      if (substr ($2, 1, 1) == "\"" && !(target[1] in rank))
        print $1 ": \"" name "\": write the folder too"
      else if (substr ($2, 1, 1) == "\"" && rank[target[1]] > rank[file[2]])
        print $1 ": " name " stands above it"
    }' "$SCRATCH/includes" >"$SCRATCH/wrong"
  cat "$SCRATCH/wrong"
  [ ! -s "$SCRATCH/wrong" ]
}

# public_alone FOLDER: nothing of ours but <ranvier/...>; of their own folder a plugin's files may be included, and one
# folder above what plugins of its kind share
public_alone ()
{
  includes "$1" || return 1
  while read -r file include; do
    case $include in
      '<ranvier/'*) [ -f "$SOURCE/include/${include#<}" ] || echo "$file: there is no ${include#<}" ;;
      '<'*) ! [ -f "$SOURCE/core/${include#<}" ] || echo "$file: ${include#<} is not public" ;;
      *) [ -f "$SOURCE/$(dirname "$file")/${include#?}" ] && case $include in
           '"../'*/*) false ;;
           '"../'*) case $file in plugins/*/*/*) ;; *) false ;; esac ;;
           *..*) false ;;
         esac \
           || echo "$file: ${include#?} is not public" ;;
    esac
  done <"$SCRATCH/includes" >"$SCRATCH/wrong"
  cat "$SCRATCH/wrong"
  [ ! -s "$SCRATCH/wrong" ]
}

check "core: one way" one_way
check "plugins: public headers alone" public_alone plugins
check "public headers: public headers alone" public_alone include/ranvier
finish
