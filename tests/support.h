/* What several tests of the program from outside need. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <glib.h>
#include <glib/gstdio.h>

/* A message of several lines, each a comment of its own in the protocol of the tests. */
static inline void
test_say (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    g_test_message ("%s", *line);
}

/* Removes a file, or a folder with all that is in it. */
static inline void
test_remove (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      g_autofree char *inside = g_build_filename (path, name, NULL);
      test_remove (inside);
    }
  g_remove (path);
}

#endif
