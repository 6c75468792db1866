# The code blocks of a Markdown page as one shell script, in their order: ```sh blocks are commands; a block of another
# language with a file name behind it (```c partial-reset.c) is written to that file, several of one name one after the
# other. With -v file=NAME: the text of that file alone.
function quote (text)
{
  gsub (/'/, "'\\''", text)
  return "'" text "'"
}

/^```/ && !inside {
  inside = 1
  language = substr ($1, 4)
  name = $2
  if (file == "" && name != "" && !seen[name]++)
    print ": >" quote(name)
  next
}

/^```/ {
  inside = 0
  next
}

!inside { next }

file != "" {
  if (name == file)
    print
  next
}

language == "sh" { print }

name != "" { print "printf '%s\\n' " quote($0) " >>" quote(name) }
