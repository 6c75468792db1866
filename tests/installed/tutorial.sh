# To be sourced after prefix.sh: a page of doc/ done as it is written, its blocks being files and commands, in
# $SCRATCH/work. `page` says which; sets `work`.
blocks=$(dirname "$0")/blocks.awk
work=$SCRATCH/work
mkdir "$work"

# A page's call of the compiler splits what pkg-config says at blanks.
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
  (cd "$work" && sh -eux "$SCRATCH/script")
}

no_warning ()
{
  ! grep -i "warning" "$SCRATCH/tutorial"
}

# The first columns of the page's tables and of the CSV files that the blocks made are the same: same_rows FILE...
same_rows ()
{
  for file in "$@"; do sed '1d; s/,.*//' "$file"; done | sort >"$SCRATCH/rows"
  sed -n 's/^| \([a-zA-Z -]*[a-zA-Z]\) *| *[0-9.]* | *[0-9.]* | *[0-9.]* |$/\1/p' "$page" | sort |
    diff - "$SCRATCH/rows"
}

check "every block does what it should" done_as_written
cp "$SCRATCH/said" "$SCRATCH/tutorial"
check "without a warning" no_warning
