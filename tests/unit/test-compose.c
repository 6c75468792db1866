/* Composition: includes, names, axes, cells and settings, and each mistake with its exact message. */
#include "pipeline/document.h"

#include <glib/gstdio.h>
#include <string.h>

#define NODES "nodes: {n: {use: a/b}}\n"

static RvDocument *
parse (const char *text, const char *const *settings, RvMistakes *mistakes)
{
  return rv_document_parse (text, strlen (text), "f.yaml", settings, mistakes);
}

static void
assert_messages (const RvMistakes *mistakes, const char *expected)
{
  g_autoptr (GError) error = NULL;

  rv_mistakes_raise (mistakes, &error);
  g_assert_cmpstr (error != NULL ? error->message : "", ==, expected);
}

static void
assert_cell (const RvDocument *document, guint c, const char *expected)
{
  const RvCell *cell = document->cells->pdata[c];
  g_autofree char *text = rv_value_to_string (cell->nodes);

  g_assert_cmpstr (text, ==, expected);
}

/* One cell, no mistakes, these nodes. */
static void
assert_nodes (const char *text, const char *const *settings, const char *expected)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) document = parse (text, settings, mistakes);

  assert_messages (mistakes, "");
  g_assert_cmpuint (document->cells->len, ==, 1);
  assert_cell (document, 0, expected);
}

static void
test_names (void)
{
  assert_nodes (
      "let: {a: {x: [1, 2]}, b: $(c), c: 3, d: 'r $(b)/$(c)'}\n"
      "nodes:\n  n: {p: $(a), q: $(b), r: 'v$(c)$(c)', s: $(d), t: $$(c), u: $5, l: [$(a), $(b)]}\n",
      NULL, "{n: {p: {x: [1, 2]}, q: 3, r: v33, s: r 3/3, t: \"$(c)\", u: \"$5\", l: [{x: [1, 2]}, 3]}}");
  assert_nodes ("let: {whole: {use: a/b}, money: $$x}\nnodes: {n: $(whole), m: {p: $(money)}}\n", NULL,
                "{n: {use: a/b}, m: {p: \"$x\"}}");
}

static void
test_places (void)
{
  static const char *const settings[] = { "e=5", "n.q=6", NULL };
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) document = parse ("let:\n  a: 1\n  e: 2\n"
                                           "nodes: {n: {p: $(a), q: $(a), r: $(e), s: x$(a)}}\n",
                                           settings, mistakes);
  const RvCell *cell = document->cells->pdata[0];
  g_autoptr (GString) yaml = g_string_new (NULL);

  assert_messages (mistakes, "");
  rv_value_to_yaml (cell->nodes, 0, "$$", yaml);
  g_assert_cmpstr (yaml->str, ==,
                   "n:\n  p: 1  # f.yaml:2\n  q: 6  # -s n.q=6\n  r: 5  # -s e=5\n  s: x1  # f.yaml:4\n");
}

static void
test_cells (void)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) document
      = parse ("title: T\nlet: {leak: 0.5, reset: hard}\n"
               "axes:\n  variant:\n    base: {}\n    none:\n    leaky: {leak: 1}\n"
               "  seed: [7, {x: 1}]\n"
               "nodes: {n: {leak: $(leak), reset: $(reset), seed: $(seed)}}\n",
               NULL, mistakes);
  const RvCell *cell;
  const RvAxis *axis;

  assert_messages (mistakes, "");
  g_assert_cmpstr (document->title, ==, "T");
  g_assert_cmpstr (document->path, ==, "f.yaml");
  g_assert_cmpuint (document->axes->len, ==, 2);
  axis = document->axes->pdata[0];
  g_assert_cmpstr (axis->name, ==, "variant");
  g_assert_cmpuint (document->cells->len, ==, 6);
  assert_cell (document, 0, "{n: {leak: 0.5, reset: hard, seed: 7}}");
  assert_cell (document, 1, "{n: {leak: 0.5, reset: hard, seed: {x: 1}}}");
  assert_cell (document, 2, "{n: {leak: 0.5, reset: hard, seed: 7}}");
  assert_cell (document, 5, "{n: {leak: 1, reset: hard, seed: {x: 1}}}");
  cell = document->cells->pdata[5];
  g_assert_cmpstr (cell->choices[0], ==, "leaky");
  g_assert_cmpstr (cell->choices[1], ==, "{x: 1}");
}

static void
test_settings (void)
{
  static const char *const source
      = "let: {e: 1, net: [{use: dense, units: 16}, {use: dense, name: out, units: 2}]}\n"
        "nodes:\n  fit: {network: $(net), epochs: $(e), optimizer: adam}\n";
  static const char *const settings[] = { "e={a: [1, 2]}",
                                          "fit.network.0.units=32",
                                          "fit.network.out.units=$(k)",
                                          "fit.optimizer.rate=1e-2",
                                          "fit.batch=",
                                          "fit.new={use: x}",
                                          "fit.new.deep=a=b",
                                          "fit.network.0.neuron=lif",
                                          NULL };
  static const char *const simple[] = { "k=9", "fit.network.1={use: other}", NULL };
  g_autofree char *with_k = g_strconcat ("let: {k: 4, e: 1, ", source + strlen ("let: {e: 1, "), NULL);

  assert_nodes (with_k, settings,
                "{fit: {network: [{use: dense, units: 32, neuron: lif}, {use: dense, name: out, units: 4}], "
                "epochs: {a: [1, 2]}, optimizer: {use: adam, rate: 1e-2}, batch: \"\", "
                "new: {use: x, deep: \"a=b\"}}}");
  assert_nodes (with_k, simple,
                "{fit: {network: [{use: dense, units: 16}, {use: other}], epochs: 1, optimizer: adam}}");
}

static void
test_narrowing (void)
{
  static const char *const settings[] = { "v=b, \"c\"", NULL };
  static const char *const good[] = { "v=d,b", "seed=2", NULL };
  static const char *const comma[] = { "v=x, y", "seed=1", NULL };
  static const char *const source
      = "let: {k: 0}\naxes: {v: {b: {}, d: {k: 1}, 'x, y': {k: 2}}, seed: [1, 2]}\n"
        "nodes: {n: {k: $(k), s: $(seed)}}\n";
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) bad = parse (source, settings, mistakes);
  g_autoptr (RvMistakes) none = rv_mistakes_new ();
  g_autoptr (RvDocument) document = parse (source, good, none);

  assert_messages (mistakes, "-s v=b, \"c\": axis 'v' has no choice '\"c\"'; its choices are: b, d, x, y");
  assert_messages (none, "");
  g_assert_cmpuint (document->cells->len, ==, 2);
  assert_cell (document, 0, "{n: {k: 0, s: 2}}");
  assert_cell (document, 1, "{n: {k: 1, s: 2}}");
  assert_nodes (source, comma, "{n: {k: 2, s: 1}}");
}

#define SIZES                                                                                                \
  "let: {n: 100, k: 1, seeds: [1]}\n"                                                                        \
  "presets: {scale: {full: {}, small: {n: 5, seeds: [3, 4]}, tiny: {n: $(k)}}, task: {a: , b: {k: 2}}}\n"     \
  "axes: {seed: $(seeds)}\n"                                                                                 \
  "nodes: {n: {n: $(n), k: $(k), s: $(seed), t: $(scale) $(task)}}\n"

static void
test_presets (void)
{
  static const char *const tiny[] = { "scale=tiny", "task = b ", "k=7", NULL };
  static const char *const small[] = { "scale=full", "scale=small", "seed=4", NULL };
  static const char *const seeds[] = { "seeds=[8]", NULL };
  static const char *const through[] = { "seeds=$(n)", "n=[9]", NULL };

  assert_nodes (SIZES, NULL, "{n: {n: 100, k: 1, s: 1, t: full a}}");
  assert_nodes (SIZES, tiny, "{n: {n: 7, k: 7, s: 1, t: tiny b}}");
  assert_nodes (SIZES, small, "{n: {n: 5, k: 1, s: 4, t: small a}}");
  assert_nodes (SIZES, seeds, "{n: {n: 100, k: 1, s: 8, t: full a}}");
  assert_nodes (SIZES, through, "{n: {n: [9], k: 1, s: 9, t: full a}}");
}

static void
test_mistakes (void)
{
  static const char *const cases[][2] = {
    { "node: {}\n" NODES, "f.yaml:1:1: unknown key 'node'; did you mean 'nodes'?" },
    { "whatever: 1\n" NODES,
      "f.yaml:1:1: unknown key 'whatever'; a pipeline has title, include, let, presets, axes and nodes" },
    { "let: [a]\n" NODES, "f.yaml:1:6: 'let' must be a map of names" },
    { "title: [a]\n" NODES, "f.yaml:1:8: 'title' must be text" },
    { "[a]\n", "f.yaml:1:1: a pipeline must be a map with 'nodes:'" },
    { "title: x\n", "f.yaml:1:1: there are no nodes; a pipeline needs 'nodes:' with at least one" },
    { "title: x\nnodes:\n", "f.yaml:1:1: there are no nodes; a pipeline needs 'nodes:' with at least one" },
    { "nodes: {a.b: {use: a/b}}\n",
      "f.yaml:1:9: a node can not be called 'a.b': dots and slashes stand between names" },
    { "nodes: {n: lif}\n", "f.yaml:1:12: node 'n' must be a map with 'use: KIND/NAME'" },
    { "let: {leak: 1}\nnodes: {n: {a: $(leek)}}\n",
      "f.yaml:2:16: $(leek) is not defined; did you mean $(leak)?" },
    { "nodes: {n: {a: x$(leek)}}\n",
      "f.yaml:1:16: $(leek) is not defined; names are defined in 'let:' and by list axes" },
    { "let: {a: $(b), b: 'x$(a)'}\n" NODES, "f.yaml:1:19: $(a) stands for itself: $(a) -> $(b) -> $(a)" },
    { "let: {a: {b: 1}}\nnodes: {n: {p: x$(a)}}\n",
      "f.yaml:2:16: $(a) is a map and can not be part of a text" },
    { "let: {a: [1]}\nnodes: {n: {p: x$(a)}}\n",
      "f.yaml:2:16: $(a) is a list and can not be part of a text" },
    { "nodes: {n: {p: '$(a'}}\n", "f.yaml:1:16: '$(' has no ')'; a dollar itself is written $$" },
    { "let: {leak: 1}\naxes: {v: {c: {leek: 2}}}\n" NODES,
      "f.yaml:2:16: choice 'c' of axis 'v' sets 'leek', which 'let' does not have; did you mean 'leak'?" },
    { "let: {a: 1}\naxes:\n  v: {c: {a: 2}}\n  w: {d: {a: 3}}\n" NODES,
      "f.yaml:4:11: axis 'w' sets 'a', but axis 'v' sets it too (f.yaml:3)" },
    { "let: {s: 1}\naxes:\n  s: [1, 2]\n  w: {d: {s: 3}}\n" NODES,
      "f.yaml:4:11: axis 'w' sets 's', but axis 's' sets it too (f.yaml:3)" },
    { "axes: {v: x}\n" NODES, "f.yaml:1:11: axis 'v' must be a map of choices or a list of values" },
    { "axes: {v: []}\n" NODES, "f.yaml:1:8: axis 'v' has no choices" },
    { "axes: {v: {c: 1}}\n" NODES,
      "f.yaml:1:15: choice 'c' of axis 'v' must be a map of 'let' names to values" },
    { "axes: {v: [1, 1]}\n" NODES, "f.yaml:1:15: axis 'v' has the choice '1' twice" },
    { "presets: [a]\n" NODES, "f.yaml:1:10: 'presets' must be a map of names" },
    { "presets: {s: [a]}\n" NODES,
      "f.yaml:1:11: preset 's' must be a map of choices, each a map of 'let' names to values" },
    { "presets: {s: {}}\n" NODES,
      "f.yaml:1:11: preset 's' must be a map of choices, each a map of 'let' names to values" },
    { "presets: {s: {a: 1}}\n" NODES,
      "f.yaml:1:18: choice 'a' of preset 's' must be a map of 'let' names to values" },
    { "presets: {s: {a: {x: 1}}}\n" NODES, "f.yaml:1:19: choice 'a' of preset 's' sets 'x', which 'let' does "
                                           "not have: give it a value there, which the "
                                           "preset beats" },
    { "let: {leak: 1}\npresets: {s: {a: {}, b: {leek: 1}}}\n" NODES,
      "f.yaml:2:26: choice 'b' of preset 's' sets 'leek', which 'let' does not have; did you mean 'leak'?" },
    { "let: {s: 1}\npresets: {s: {a: {}}}\n" NODES,
      "f.yaml:2:11: 's' is a preset and a 'let' name too; give one of them another name" },
    { "presets: {s: {a: {}}}\naxes: {s: [1]}\n" NODES,
      "f.yaml:1:11: 's' is a preset and an axis too; give one of them another name" },
    { "let: {seeds: [1]}\naxes: {s: $(seed)}\n" NODES,
      "f.yaml:2:11: axis 's' takes its choices from $(seed), which 'let' does not have; did you mean "
      "'seeds'?" },
    { "let: {a: $(b), b: $(a)}\naxes: {s: $(a)}\nnodes: {n: {use: x/y}}\n",
      "f.yaml:1:19: $(a) stands for itself: $(a) -> $(b) -> $(a)\n"
      "f.yaml:2:11: more than 64 names stand for one another here" },
    { "let: {a: [1], b: 1}\naxes:\n  s: $(a)\n  v: {c: {a: 2}}\n" NODES,
      "f.yaml:3:6: axis 's' takes its choices from $(a), which axis 'v' sets" },
    { "include: none.yaml\n" NODES, "f.yaml:1:10: 'none.yaml' can not be read: there is no such file" },
    { "include: {a: b}\n" NODES, "f.yaml:1:10: 'include' must be a path or a list of paths" },
    { "include: f.yaml\n" NODES, "f.yaml:1:10: 'f.yaml' includes itself: f.yaml -> f.yaml" },
    { "nodse: {}\nlet: {a: $(q)}\n",
      "f.yaml:1:1: unknown key 'nodse'; did you mean 'nodes'?\n"
      "f.yaml:2:10: $(q) is not defined; names are defined in 'let:' and by list axes" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
      g_autoptr (RvDocument) document = parse (cases[i][0], NULL, mistakes);

      assert_messages (mistakes, cases[i][1]);
    }
}

static void
test_setting_mistakes (void)
{
  static const char *const source = "let: {leak: 1, free: 2}\naxes: {variant: {a: {}, b: {leak: 0}}}\n"
                                    "presets: {preset: {a: {}, b: {}}}\n"
                                    "nodes: {fit: {net: [{u: 1}], rate: 2, loss: {use: x}}}\n";
  static const char *const cases[][2] = {
    { "leak=1", "'leak' is set by axis 'variant'; choose with -s 'variant=...' or change the axis" },
    { "fre=1", "there is no 'let' name and no axis 'fre'; did you mean 'free'?" },
    { "something=1", "there is no 'let' name and no axis 'something'" },
    { "variant=a,c", "axis 'variant' has no choice 'c'; its choices are: a, b" },
    { "variant=", "axis 'variant' has no choice ''; its choices are: a, b" },
    { "preset=c", "preset 'preset' has no choice 'c'; its choices are: a, b" },
    { "free", "a setting is NAME=VALUE, AXIS=a,b or NODE.PARAM=VALUE" },
    { "=1", "a setting is NAME=VALUE, AXIS=a,b or NODE.PARAM=VALUE" },
    { "fit=1", "'fit' is a node; set one of its parameters, fit.PARAM=VALUE" },
    { "fti.rate=1", "there is no node 'fti'; did you mean 'fit'?" },
    { "fit.net.1.u=1", "fit.net has 1 entries, numbered from 0, and none is '1'" },
    { "fit.lsos.use=1", "fit has no 'lsos' to set 'use' in; did you mean 'loss'?" },
    { "free=$(leek)", "$(leek) is not defined; did you mean $(leak)?" },
    { "free=[1",
      "the value can not be read: YAML: did not find expected ',' or ']', while parsing a flow sequence "
      "that starts at line 1, column 1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const settings[] = { cases[i][0], NULL };
      g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
      g_autoptr (RvDocument) document = parse (source, settings, mistakes);
      g_autofree char *expected = g_strdup_printf ("-s %s: %s", cases[i][0], cases[i][1]);

      assert_messages (mistakes, expected);
    }
}

static void
test_include (void)
{
  g_autofree char *folder = g_dir_make_tmp ("compose-XXXXXX", NULL);
  g_autofree char *part = g_build_filename (folder, "part.yaml", NULL);
  g_autofree char *more = g_build_filename (folder, "more.yaml", NULL);
  g_autofree char *main_file = g_build_filename (folder, "main.yaml", NULL);
  g_autofree char *circle
      = g_strdup_printf ("%s:1:10: 'main.yaml' includes itself: main.yaml -> part.yaml -> main.yaml", part);
  g_autofree char *missing = g_strdup_printf ("%s: can not be read: No such file or directory", main_file);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvMistakes) second = rv_mistakes_new ();
  g_autoptr (RvMistakes) third = rv_mistakes_new ();
  g_autoptr (RvMistakes) fourth = rv_mistakes_new ();
  g_autoptr (RvDocument) document = NULL, alone = NULL;
  RvDocument *again;

  g_file_set_contents (part,
                       "title: P\npresets: {scale: {full: {b: 7}, small: {}}}\nlet: {a: {x: 1, y: 2}, b: 5, "
                       "c: 1}\naxes: {s: [1], t: [1]}\n"
                       "nodes: {n: {p: $(a), q: {r: 1, s: 2}, k: 1}}\n",
                       -1, NULL);
  g_file_set_contents (more, "let: {b: 6}\npresets: {scale: {full: {b: 8, c: 9}}}\n", -1, NULL);
  g_file_set_contents (main_file,
                       "include: [part.yaml, more.yaml]\nlet: {a: {x: 3}}\naxes: {s: [2, 3]}\n"
                       "nodes: {n: {q: {r: 4}, z: $(b)$(c)}, m: {s: $(s)}}\n",
                       -1, NULL);
  document = rv_document_load (main_file, NULL, mistakes);
  assert_messages (mistakes, "");
  g_assert_cmpstr (document->title, ==, "P");
  g_assert_cmpuint (document->cells->len, ==, 2);
  assert_cell (document, 0, "{n: {p: {x: 3}, q: {r: 4}, k: 1, z: 89}, m: {s: 2}}");

  /* with what it includes the file stands alone: its text makes the same cells */
  g_assert_nonnull (document->merged);
  alone = parse (document->merged, NULL, fourth);
  assert_messages (fourth, "");
  g_assert_null (alone->merged);
  g_assert_cmpuint (alone->cells->len, ==, 2);
  assert_cell (alone, 0, "{n: {p: {x: 3}, q: {r: 4}, k: 1, z: 89}, m: {s: 2}}");

  g_file_set_contents (part, "include: main.yaml\n", -1, NULL);
  again = rv_document_load (main_file, NULL, second);
  assert_messages (second, circle);
  rv_document_free (again);
  g_unlink (main_file);
  g_assert_null (rv_document_load (main_file, NULL, third));
  assert_messages (third, missing);
  g_unlink (part);
  g_unlink (more);
  g_rmdir (folder);
}

/* Small files that would grow without bound end with a message. */
static void
test_growth (void)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvMistakes) axes = rv_mistakes_new ();
  g_autoptr (GString) text = g_string_new ("let:\n  a0: x\n");
  g_autoptr (GString) wide = g_string_new ("axes:\n");
  g_autoptr (RvDocument) document = NULL;
  RvDocument *many;

  for (guint i = 1; i < 40; i++)
    g_string_append_printf (text, "  a%u: [$(a%u), $(a%u)]\n", i, i - 1, i - 1);
  g_string_append (text, NODES);
  document = parse (text->str, NULL, mistakes);
  g_assert_cmpuint (mistakes->messages->len, ==, 1);
  g_assert_nonnull (strstr (mistakes->messages->pdata[0], "the pipeline has more than 4000000 values"));

  for (guint i = 0; i < 40; i++)
    g_string_append_printf (wide, "  s%u: [1, 2, 3, 4]\n", i);
  g_string_append (wide, NODES);
  many = parse (wide->str, NULL, axes);
  assert_messages (axes, "f.yaml:1:1: the axes make more than 10000 cells");
  rv_document_free (many);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/compose/names", test_names);
  g_test_add_func ("/compose/places", test_places);
  g_test_add_func ("/compose/cells", test_cells);
  g_test_add_func ("/compose/settings", test_settings);
  g_test_add_func ("/compose/narrowing", test_narrowing);
  g_test_add_func ("/compose/presets", test_presets);
  g_test_add_func ("/compose/mistakes", test_mistakes);
  g_test_add_func ("/compose/setting-mistakes", test_setting_mistakes);
  g_test_add_func ("/compose/include", test_include);
  g_test_add_func ("/compose/growth", test_growth);
  return g_test_run ();
}
