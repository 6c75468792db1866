/* The YAML reader and the value tree: places, every refusal with its exact message, and back to text. */
#include "pipeline/document.h"

#include <string.h>

static RvValue *
parse (const char *text, RvMistakes *mistakes)
{
  return rv_yaml_parse (text, strlen (text), "f.yaml", mistakes);
}

static void
assert_messages (const RvMistakes *mistakes, const char *expected)
{
  g_autoptr (GError) error = NULL;

  rv_mistakes_raise (mistakes, &error);
  g_assert_cmpstr (error != NULL ? error->message : "", ==, expected);
  if (error != NULL)
    g_assert_error (error, RV_ERROR, RV_ERROR_PIPELINE);
}

static void
assert_place (RvPlace place, guint line, guint column)
{
  g_assert_cmpstr (place.file, ==, "f.yaml");
  g_assert_cmpuint (place.line, ==, line);
  g_assert_cmpuint (place.column, ==, column);
}

static void
test_places (void)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) root = parse ("a: no\nb:\n  - {c: 3 ms, d: [x, 'y z']}\n  - \"\"\n", mistakes);
  RvValue *b, *entry;

  assert_messages (mistakes, "");
  b = rv_value_get (root, "b");
  entry = b->items->pdata[0];
  g_assert_cmpstr (rv_value_get (root, "a")->text, ==, "no");
  assert_place (root->place, 1, 1);
  assert_place (rv_value_get (root, "a")->place, 1, 4);
  assert_place (b->place, 3, 3);
  assert_place (g_array_index (root->key_places, RvPlace, 1), 2, 1);
  assert_place (entry->place, 3, 5);
  assert_place (rv_value_get (entry, "c")->place, 3, 9);
  assert_place (rv_value_get (entry, "d")->place, 3, 18);
  g_assert_cmpuint (rv_value_size (b), ==, 2);
}

static void
test_refusals (void)
{
  static const char *const cases[][2] = {
    { "leak: 1\nreset: x\nleak: 2\n", "f.yaml:3:1: 'leak' is given twice: on line 1 and on line 3" },
    { "a: {b: 1, b: 2}\n", "f.yaml:1:11: 'b' is given twice: on line 1 and on line 1" },
    { "a: &x 1\n", "f.yaml:1:4: anchors (&x) are not used here; name the value in 'let:' and write $(x)" },
    { "a: *x\n", "f.yaml:1:4: aliases (*x) are not used here; name the value in 'let:' and write $(x)" },
    { "a: !!int 1\n",
      "f.yaml:1:4: tags (tag:yaml.org,2002:int) are not used here; the plugin's parameter decides "
      "the type" },
    { "a: !foo {}\n", "f.yaml:1:4: tags (!foo) are not used here; the plugin's parameter decides the type" },
    { "a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document starts here; a file holds one pipeline" },
    { "? [a]\n: 1\n", "f.yaml:1:3: a key must be text, not a list or map" },
    { "a: \"x\\0y\"\n", "f.yaml:1:4: text can not hold the character \\0" },
    { "a: 1\n<<: 2\n", "f.yaml:2:1: merge keys (<<) are not used here; see 'include:' and 'let:'" },
    { "\"a\\nb\": 1\n", "f.yaml:1:1: a key must be a single line without control characters" },
    { "a: b: c\n", "f.yaml:1:5: YAML: this ': ' starts a map where none can be; text that holds ': ' needs "
                   "quotes, and a key ends with ': '" },
    { "", "f.yaml:1:1: there is nothing in it" },
    { "# only this\n", "f.yaml:1:1: there is nothing in it" },
    { "a: [1, 2\nb: 3\n",
      "f.yaml:2:2: YAML: did not find expected ',' or ']', while parsing a flow sequence that "
      "starts at line 1, column 4" },
    { "a:\n\tb: 1\n",
      "f.yaml:2:1: YAML is indented with spaces, this line has a tab" },
    { "a: 1\nb\xff: 2\n", "f.yaml:2:2: this byte does not belong in UTF-8 text: 0xff" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
      g_autoptr (RvValue) value = parse (cases[i][0], mistakes);

      assert_messages (mistakes, cases[i][1]);
    }
}

static void
test_depth (void)
{
  for (guint depth = 64; depth <= 65; depth++)
    {
      g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (RvValue) value = NULL;

      for (guint i = 0; i < depth; i++)
        g_string_append_c (text, '[');
      for (guint i = 0; i < depth; i++)
        g_string_append_c (text, ']');
      value = parse (text->str, mistakes);
      g_assert_true ((value != NULL) == (depth == 64));
      assert_messages (mistakes, depth == 64 ? "" : "f.yaml:1:65: nested more than 64 deep");
    }
}

static void
test_text (void)
{
  static const char *const source
      = "a: no\nb: [1e-2, 'x: y', {c: \"q\\\"\\n\", d: []}]\n'k: 1': {}\ne: ''\nf: $$5\n";
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = parse (source, mistakes);
  g_autoptr (RvValue) copy = rv_value_copy (value);
  g_autofree char *compact = rv_value_to_string (copy);
  g_autofree char *again = NULL;
  g_autoptr (GString) yaml = g_string_new (NULL);
  g_autoptr (RvValue) read = NULL;

  g_assert_cmpstr (
      compact, ==,
      "{a: no, b: [1e-2, \"x: y\", {c: \"q\\\"\\n\", d: []}], \"k: 1\": {}, e: \"\", f: \"$$5\"}");
  read = parse (compact, mistakes);
  again = rv_value_to_string (read);
  g_assert_cmpstr (again, ==, compact);
  rv_value_to_yaml (value, 2, "$$", yaml);
  g_assert_cmpstr (yaml->str, ==,
                   "  a: no  # f.yaml:1\n"
                   "  b:\n"
                   "    - 1e-2  # f.yaml:2\n"
                   "    - \"x: y\"  # f.yaml:2\n"
                   "    - c: \"q\\\"\\n\"  # f.yaml:2\n"
                   "      d: []  # f.yaml:2\n"
                   "  \"k: 1\": {}  # f.yaml:3\n"
                   "  e: \"\"  # f.yaml:4\n"
                   "  f: \"$$$$5\"  # f.yaml:5\n");
  assert_messages (mistakes, "");
}

static void
test_map (void)
{
  RvPlace place = { NULL, 0, 0 };
  g_autoptr (RvValue) map = rv_value_map (place);
  g_autofree char *text = NULL;

  rv_value_set (map, "a", place, rv_value_text ("1", place));
  rv_value_set (map, "b", place, rv_value_text ("2", place));
  rv_value_set (map, "a", place, rv_value_text ("3", place));
  rv_value_remove (map, "b");
  rv_value_remove (map, "none");
  text = rv_value_to_string (map);
  g_assert_cmpstr (text, ==, "{a: 3}");
  g_assert_null (rv_value_get (map, "b"));
  g_assert_null (rv_value_get (rv_value_get (map, "a"), "x"));
}

static void
test_nearest (void)
{
  static const char *const names[] = { "leak", "reset", "input-gain", "x", NULL };

  g_assert_cmpstr (rv_nearest ("leek", names), ==, "leak");
  g_assert_cmpstr (rv_nearest ("rseet", names), ==, "reset");
  g_assert_cmpstr (rv_nearest ("Input_Gain", names), ==, "input-gain");
  g_assert_null (rv_nearest ("threshold", names));
  g_assert_null (rv_nearest ("y", names));
  g_assert_null (rv_nearest ("", names));
}

static void
test_mistakes (void)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();

  assert_messages (mistakes, "");
  rv_mistakes_add (mistakes, (RvPlace){ "f", 2, 3 }, "no %s", "x");
  rv_mistakes_add (mistakes, (RvPlace){ "f", 2, 3 }, "no x");
  rv_mistakes_add (mistakes, (RvPlace){ "-s a=1", 0, 0 }, "no a");
  rv_mistakes_add (mistakes, (RvPlace){ NULL, 0, 0 }, "nowhere");
  rv_mistakes_add (mistakes, (RvPlace){ "g", 1, 1 }, "late");
  rv_mistakes_add (mistakes, (RvPlace){ "f", 2, 1 }, "before");
  rv_mistakes_add (mistakes, (RvPlace){ "f", 3, 1 }, "two\nlines\x1b");
  assert_messages (mistakes,
                   "f:2:1: before\nf:2:3: no x\nf:3:1: two lines \n-s a=1: no a\nnowhere\ng:1:1: late");
  for (guint i = 10; i < 200; i++)
    rv_mistakes_add (mistakes, (RvPlace){ "f", i, 1 }, "wrong");
  g_assert_true (rv_mistakes_full (mistakes));
  g_assert_cmpuint (mistakes->messages->len, ==, 101);
  g_assert_true (g_ptr_array_find_with_equal_func (
      mistakes->messages, "there are more mistakes than these 100", g_str_equal, NULL));
}

static void
test_long_message (void)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autofree char *text = g_strnfill (5000, 'x');

  rv_mistakes_add (mistakes, (RvPlace){ "f", 1, 1 }, "%s", text);
  g_assert_cmpuint (strlen (mistakes->messages->pdata[0]), <=, 1000);
  g_assert_true (g_str_has_suffix (mistakes->messages->pdata[0], "xx..."));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/yaml/places", test_places);
  g_test_add_func ("/yaml/refusals", test_refusals);
  g_test_add_func ("/yaml/depth", test_depth);
  g_test_add_func ("/value/text", test_text);
  g_test_add_func ("/value/map", test_map);
  g_test_add_func ("/mistakes/nearest", test_nearest);
  g_test_add_func ("/mistakes/collected", test_mistakes);
  g_test_add_func ("/mistakes/long", test_long_message);
  return g_test_run ();
}
