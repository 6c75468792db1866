/* The registry finds the plugins of the build, names what it does not know, and refuses what it must. */
#include "plugin/registry.h"

#include <glib/gstdio.h>
#include <string.h>

static void
test_kinds (void)
{
  const char *const *kinds = rv_registry_kinds ();

  g_assert_true (g_strv_contains (kinds, "surrogate"));
  g_assert_true (rv_kind_is_node ("trainer"));
  g_assert_false (rv_kind_is_node ("layer"));
  g_assert_false (rv_kind_is_node ("nothing"));
}

static void
test_load (void)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = rv_registry_names ("surrogate");
  const RvPlugin *plugin = rv_registry_get ("surrogate", "arctan", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (plugin->name, ==, "arctan");
  g_assert_true (g_strv_contains ((const char *const *)names, "arctan"));
  g_assert_true (g_str_has_suffix (rv_registry_file (plugin), "surrogate-arctan.so"));
  g_assert_cmpuint (strlen (rv_registry_hash (plugin)), ==, 64);
  g_assert_true (plugin == rv_registry_get ("surrogate", "arctan", NULL));
}

static void
test_unknown (void)
{
  g_autoptr (GError) error = NULL, kind = NULL, path = NULL;

  g_assert_null (rv_registry_get ("surrogate", "arctn", &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_PIPELINE);
  g_assert_nonnull (strstr (error->message, "did you mean 'arctan'?"));
  g_assert_nonnull (strstr (error->message, "ranvier plugins surrogate"));
  g_assert_null (rv_registry_get ("surogate", "arctan", &kind));
  g_assert_nonnull (strstr (kind->message, "did you mean 'surrogate'?"));
  g_assert_null (rv_registry_get ("surrogate", "../surrogate-arctan", &path));
  g_assert_error (path, RV_ERROR, RV_ERROR_PIPELINE);
}

/* A file that is no module, and a good module under a wrong name, are refused, again and again. */
static void
test_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_autofree char *text = g_build_filename (folder, "loss-text.so", NULL);
  g_autofree char *other = g_build_filename (folder, "loss-other.so", NULL);
  g_autofree char *content = NULL;
  gsize length;
  const RvPlugin *arctan = rv_registry_get ("surrogate", "arctan", &error);

  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (text, "not a module", -1, NULL));
  g_assert_true (g_file_get_contents (rv_registry_file (arctan), &content, &length, NULL));
  g_assert_true (g_file_set_contents (other, content, (gssize)length, NULL));
  rv_registry_add_path (folder);
  for (int k = 0; k < 2; k++)
    {
      g_assert_null (rv_registry_get ("loss", "text", &error));
      g_assert_error (error, RV_ERROR, RV_ERROR_PLUGIN);
      g_clear_error (&error);
      g_assert_null (rv_registry_get ("loss", "other", &error));
      g_assert_nonnull (strstr (error->message, "it calls itself surrogate/arctan"));
      g_clear_error (&error);
    }
  g_unlink (text);
  g_unlink (other);
  g_rmdir (folder);
}

static void
test_folders (void)
{
  g_autoptr (GPtrArray) folders = NULL;

  rv_registry_add_path ("/nowhere/first");
  folders = rv_registry_folders ();
  for (guint i = 0, seen_path = 0; i < folders->len; i++)
    {
      const RvPluginFolder *folder = folders->pdata[i];

      seen_path |= g_str_equal (folder->origin, "RANVIER_PLUGIN_PATH");
      if (g_str_equal (folder->origin, "--plugin-path"))
        g_assert_false (seen_path);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/registry/kinds", test_kinds);
  g_test_add_func ("/registry/load", test_load);
  g_test_add_func ("/registry/unknown", test_unknown);
  g_test_add_func ("/registry/refused", test_refused);
  g_test_add_func ("/registry/folders", test_folders);
  return g_test_run ();
}
