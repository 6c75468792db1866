# Completes command lines as bash does, with the installed file: prints what is offered.
#   bash completion.bash FILE WORD...   (the last word is the one at the cursor)
set -u
source "$1"
shift
# outside of a prompt there is nothing to set
compopt () { :; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ranvier
printf '%s\n' "${COMPREPLY[@]}"
