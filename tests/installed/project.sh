# To be sourced after prefix.sh: one meson project over plugins made outside of the tree, each a subproject in
# $all/subprojects, which saves most of the time that a project for each would take.
all=$SCRATCH/all
mkdir -p "$all/subprojects"

# A command in the project that must succeed and may not warn.
quietly ()
{
  (cd "$all" && "$@") >"$SCRATCH/quiet" 2>&1 || { cat "$SCRATCH/quiet"; return 1; }
  ! grep -i "warning" "$SCRATCH/quiet"
}

# Two checks: all is configured and built without a warning; then runs the tests of all, for `passed`.
build_all ()
{
  {
    echo "project('all', 'c')"
    for folder in "$all"/subprojects/*/; do echo "subproject('$(basename "$folder")')"; done
  } >"$all/meson.build"
  check "meson setup, without a warning" quietly "$MESON" setup build -Dwerror=true
  check "they build, without a warning" quietly "$MESON" compile -C build
  "$MESON" test -C "$all/build" --no-rebuild >"$SCRATCH/results" 2>&1 || true
}

# The verdict of one test of the project, "NAME / TEST"; if it is bad, what that test wrote.
passed ()
{
  grep "$1 .*OK" "$SCRATCH/results" ||
    { sed -n "\\|^test: *$1\$|,/^=====/p" "$all/build/meson-logs/testlog.txt"; return 1; }
}
