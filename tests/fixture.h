/* What another program found, from tests/fixtures/. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <json-glib/json-glib.h>

/* The whole of a file; it belongs to the parser. */
static inline JsonObject *
fixture_load (JsonParser *parser, const char *file)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "fixtures", file, NULL);
  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

#endif
