/* ranvier new: writes a folder with a plugin that builds, passes its check and runs, from the templates of
 * its kind (data/templates): a plugin of one's own begins as one that works. */
#include "base/child.h"
#include "base/value.h"
#include "cli/cli.h"
#include "plugin/descriptor.h"
#include "plugin/registry.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

typedef struct
{
  const char *kind, *name;
  char *out, *folder;
} New;

/* Where the templates lie, from the place of the program: in an installed tree, or in a build folder. */
static char *
find_templates (const char *kind)
{
  g_autofree char *program = rv_child_program ();
  g_autofree char *bin = g_path_get_dirname (program != NULL ? program : "");
  const char *const places[] = { RV_TEMPLATES, "../data/templates" };

  for (guint k = 0; k < G_N_ELEMENTS (places); k++)
    {
      g_autofree char *root = g_canonicalize_filename (places[k], bin);
      g_autofree char *folder = g_build_filename (root, kind, NULL);

      if (g_file_test (folder, G_FILE_TEST_IS_DIR))
        return g_steal_pointer (&root);
    }
  return NULL;
}

/* `text` with every placeholder filled in; caller owns. */
static char *
fill_in (const New *new, const char *text)
{
  const char *const values[][2] = { { "@KIND@", new->kind }, { "@NAME@", new->name } };
  char *filled = g_strdup (text);

  for (guint k = 0; k < G_N_ELEMENTS (values); k++)
    {
      g_auto (GStrv) parts = g_strsplit (filled, values[k][0], -1);

      g_free (filled);
      filled = g_strjoinv (values[k][1], parts);
    }
  return filled;
}

static gboolean
write_file (const New *new, const char *from, const char *file, GError **error)
{
  g_autofree char *template = g_build_filename (from, file, NULL), *text = NULL;

  if (!g_file_get_contents (template, &text, NULL, error))
    return FALSE;

  g_autofree char *filled = fill_in (new, text), *name = fill_in (new, file);
  g_autofree char *path = g_build_filename (new->folder, name, NULL);

  return g_file_set_contents (path, filled, -1, error);
}

/* Every file of one folder of templates. */
static gboolean
write_files (const New *new, const char *root, const char *group, GError **error)
{
  g_autofree char *from = g_build_filename (root, group, NULL);
  g_autoptr (GDir) dir = g_dir_open (from, 0, error);
  const char *file;

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    if (!write_file (new, from, file, error))
      return FALSE;
  return dir != NULL;
}

/* ---- what is refused */

static gboolean
kind_is_known (const char *kind)
{
  const char *const *kinds = rv_registry_kinds ();
  g_autofree char *hint = rv_hint (kind, kinds), *list = g_strjoinv (", ", (char **)kinds);

  if (g_strv_contains (kinds, kind))
    return TRUE;
  g_printerr ("ranvier new: there is no kind of plugin '%s'%s%s\n", kind,
              hint[0] != '\0' ? hint : "; the kinds are ", hint[0] != '\0' ? "" : list);
  return FALSE;
}

/* What the loader takes, and if it is not that, what would come near. */
static gboolean
name_is_good (const char *name)
{
  g_autofree char *near = g_ascii_strdown (name, -1);

  if (rv_is_word (name, "-_"))
    return TRUE;
  g_strcanon (near, G_CSET_a_2_z "0123456789-_", '-');
  g_printerr (
      "ranvier new: a plugin's name begins with a letter and goes on with letters, digits, '-' and '_', "
      "which '%s' does not%s%s%s\n",
      name, rv_is_word (near, "-_") ? "; '" : "", rv_is_word (near, "-_") ? near : "",
      rv_is_word (near, "-_") ? "' would do" : "");
  return FALSE;
}

/* Makes the folder, which must not be there yet. */
static int
make_folder (const New *new)
{
  if (g_mkdir_with_parents (new->out, 0777) == 0 && g_mkdir (new->folder, 0777) == 0)
    return RV_EXIT_DONE;

  const int problem = errno;

  if (problem == EEXIST && g_file_test (new->out, G_FILE_TEST_IS_DIR))
    {
      g_printerr ("ranvier new: %s exists already; take another name, another folder (--out), or remove it\n",
                  new->folder);
      return RV_EXIT_USAGE;
    }
  g_printerr ("ranvier new: the folder %s could not be made: %s\n", new->folder, g_strerror (problem));
  return RV_EXIT_FAILED;
}

static int
write_folder (const New *new)
{
  g_autofree char *root = find_templates (new->kind);
  g_autoptr (GError) error = NULL;
  int code;

  if (root == NULL)
    {
      g_printerr ("ranvier new: the templates of kind %s are not there; is the installation complete?\n",
                  new->kind);
      return RV_EXIT_FAILED;
    }
  code = make_folder (new);
  if (code != RV_EXIT_DONE)
    return code;
  if (write_files (new, root, "common", &error) && write_files (new, root, new->kind, &error))
    return RV_EXIT_DONE;
  g_printerr ("ranvier new: %s is not complete: %s\n", new->folder, error->message);
  return RV_EXIT_FAILED;
}

/* A plugin in the user's folder hides one of the same name further down the search path. */
static void
tell_if_taken (const New *new)
{
  g_auto (GStrv) names = rv_registry_names (new->kind);

  if (g_strv_contains ((const char *const *)names, new->name))
    g_print ("There is a plugin %s/%s already; where both are found, the first in the search path counts "
             "(ranvier plugins --paths).\n",
             new->kind, new->name);
}

int
rv_cli_new (int argc, char **argv)
{
  New new = { 0 };
  g_autofree char *out = NULL, *folder = NULL;
  const GOptionEntry entries[] = { { "out", 'o', 0, G_OPTION_ARG_FILENAME, &out,
                                     "Folder to write to (default: the current one)", "DIR" },
                                   { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("KIND NAME - start a plugin of your own");
  g_autoptr (GError) error = NULL;
  int code;

  g_option_context_set_summary (context,
                                "Writes a folder NAME with a plugin that builds, passes its check and runs "
                                "in a pipeline.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3)
    {
      g_printerr ("ranvier new: %s (ranvier new --help)\n",
                  error ? error->message : "needs a KIND and a NAME, 'neuron my-neuron' for instance");
      return RV_EXIT_USAGE;
    }
  if (!kind_is_known (argv[1]) || !name_is_good (argv[2]))
    return RV_EXIT_USAGE;
  new.kind = argv[1];
  new.name = argv[2];
  new.out = out != NULL ? out : (out = g_strdup ("."));
  new.folder = folder = strcmp (out, ".") == 0 ? g_strdup (new.name) : g_build_filename (out, new.name, NULL);
  code = write_folder (&new);
  if (code != RV_EXIT_DONE)
    return code;
  tell_if_taken (&new);
  g_print ("%s/ holds %s/%s: %s.c, a pipeline, and what builds and tests them. Next:\n\n"
           "  cd %s\n  meson setup build\n  meson test -C build\n\nREADME.md tells more.\n",
           folder, new.kind, new.name, new.name, folder);
  return RV_EXIT_DONE;
}
