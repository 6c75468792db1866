#!/bin/sh
# Writes the reference pages, from the parameter tables: FOLDER/KIND-NAME.md for each plugin, and index.md.
#   pages.sh PROGRAM FOLDER KIND-NAME...
set -eu

program=$1
folder=$2
shift 2

# Only what was built together, and nothing of whoever builds.
unset RANVIER_PLUGIN_PATH
XDG_DATA_HOME=$folder/none
XDG_CACHE_HOME=$folder/none
ASAN_OPTIONS=detect_leaks=0 # a build with checkers fails its tests for a leak, not its pages
export XDG_DATA_HOME XDG_CACHE_HOME ASAN_OPTIONS

mkdir -p "$folder"
index=$folder/index.md
cat >"$index" <<TEXT
# Plugins

What each plugin does and takes, as \`ranvier inspect KIND/NAME\` says it too. How plugins are wired is in
\`pipelines.md\`.
TEXT

last=
for plugin; do
  kind=${plugin%%-*}
  name=${plugin#*-}
  page=$folder/$plugin.md
  "$program" inspect --markdown "$kind/$name" >"$page"
  if [ "$kind" != "$last" ]; then
    printf '\n## %s\n\n' "$kind" >>"$index"
    last=$kind
  fi
  printf -- '- [%s](%s.md): %s\n' "$name" "$plugin" "$(sed -n 3p "$page")" >>"$index"
done
