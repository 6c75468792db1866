/* Parameters as text: numbers and draws as they are written in a pipeline, and names, types and ranges as
 * they are shown to a reader; and the drawing itself. */
#include "plugin/draw.h"

#include "plugin/params.h"

#include <errno.h>
#include <string.h>

gboolean
rv_real_parse (const char *text, double *value)
{
  char *end;

  if (text[0] == '\0' || g_ascii_isspace (text[0]) || strpbrk (text, "xX") != NULL)
    return FALSE;
  errno = 0;
  *value = g_ascii_strtod (text, &end);
  if (*end != '\0' || isnan (*value))
    return FALSE;
  /* Too large is a mistake; too small is as good as zero. */
  return errno != ERANGE || fabs (*value) < 1.0;
}

gboolean
rv_int_parse (const char *text, int64_t *value)
{
  const char *digits = text + (text[0] == '-' || text[0] == '+');
  char *end;

  if (!g_ascii_isdigit (digits[0]))
    return FALSE;
  errno = 0;
  *value = g_ascii_strtoll (text, &end, 10);
  return *end == '\0' && errno == 0;
}

/* Divided, not multiplied: 250 / 1e6 is the number nearest to 250 us. */
gboolean
rv_duration_parse (const char *text, double *seconds)
{
  static const struct
  {
    const char *unit;
    double factor, divisor;
  } units[] = { { "ns", 1, 1e9 }, { "us", 1, 1e6 }, { "µs", 1, 1e6 },
                { "ms", 1, 1e3 }, { "min", 60, 1 }, { "s", 1, 1 } };

  for (gsize k = 0; k < G_N_ELEMENTS (units); k++)
    {
      g_autofree char *number = NULL;
      double x;

      if (!g_str_has_suffix (text, units[k].unit))
        continue;
      number = g_strchomp (g_strndup (text, strlen (text) - strlen (units[k].unit)));
      if (!rv_real_parse (number, &x))
        return FALSE;
      *seconds = x * units[k].factor / units[k].divisor;
      return TRUE;
    }
  return FALSE;
}

/* What stands between the brackets of `name(...)`, without blanks around it; NULL if `text` is not that. */
static char *
inside (const char *text, const char *name)
{
  const char *open = text + strlen (name);
  gsize length = strlen (text);

  if (!g_str_has_prefix (text, name) || text[length - 1] != ')')
    return NULL;
  while (g_ascii_isspace (*open))
    open++;
  if (*open != '(')
    return NULL;
  return g_strstrip (g_strndup (open + 1, text + length - 1 - (open + 1)));
}

static gboolean
two_numbers (const char *text, double *a, double *b)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", 3);

  return g_strv_length (parts) == 2 && rv_real_parse (g_strstrip (parts[0]), a)
         && rv_real_parse (g_strstrip (parts[1]), b) && isfinite (*a) && isfinite (*b);
}

static gboolean
parse_inner (const char *text, RvDraw *draw)
{
  g_autofree char *uniform = inside (text, "uniform");
  g_autofree char *normal = inside (text, "normal");

  if (uniform != NULL)
    {
      draw->type = RV_DRAW_UNIFORM;
      return two_numbers (uniform, &draw->a, &draw->b) && draw->a <= draw->b;
    }
  if (normal != NULL)
    {
      draw->type = RV_DRAW_NORMAL;
      return two_numbers (normal, &draw->a, &draw->b) && draw->b >= 0.0;
    }
  draw->type = RV_DRAW_CONSTANT;
  return rv_real_parse (text, &draw->a) && isfinite (draw->a);
}

gboolean
rv_draw_parse (const char *text, RvDraw *draw, GError **error)
{
  g_autofree char *word = g_strstrip (g_strdup (text));
  g_autofree char *sigmoid = inside (word, "sigmoid");
  RvDraw parsed = { 0 };

  parsed.sigmoid = sigmoid != NULL;
  if (!parse_inner (sigmoid != NULL ? sigmoid : word, &parsed))
    {
      g_set_error (
          error, RV_ERROR, RV_ERROR_PIPELINE,
          "a number, uniform(low, high), normal(mean, sd) with sd at least 0, or sigmoid(...) of one of "
          "these, not '%s'%s",
          text,
          strchr (word, '(') != NULL && strchr (word, ')') == NULL
              ? "; in {...} text with a comma needs quotes"
              : "");
      return FALSE;
    }
  *draw = parsed;
  return TRUE;
}

/* uniform: a + (b - a) u;  normal: a + b n. u is an odd multiple of 2^-53, so that neither end is drawn: the
 * logit of a draw from (0, 1) must be finite. */
double
rv_draw_raw (const RvDraw *draw, RvStream stream, uint64_t counter)
{
  if (draw->type == RV_DRAW_NORMAL)
    return draw->a + draw->b * rv_stream_normal (stream, counter);
  if (draw->type == RV_DRAW_UNIFORM)
    {
      const double u = ((double)(rv_stream_bits (stream, counter) >> 12) + 0.5) * 0x1p-52;
      const double x = draw->a + (draw->b - draw->a) * u;
      return MIN (x, nextafter (draw->b, draw->a)); /* the sum may round up to b */
    }
  return draw->a;
}

char *
rv_param_name (const RvParam *param)
{
  return g_strdelimit (g_strdup (param->name), "_", '-');
}

static const char *
artefact_name (RvArtefactKind kind)
{
  static const char *const names[] = { "artefact", "dataset", "model", "table", "figure" };

  return kind < G_N_ELEMENTS (names) ? names[kind] : names[0];
}

char *
rv_param_type_text (const RvParam *param)
{
  static const char *const plain[] = { [RV_PARAM_BOOL] = "yes or no",
                                       [RV_PARAM_INT] = "integer",
                                       [RV_PARAM_REAL] = "real",
                                       [RV_PARAM_TEXT] = "text",
                                       [RV_PARAM_PATH] = "path",
                                       [RV_PARAM_DURATION] = "duration",
                                       [RV_PARAM_INTS] = "list of integers",
                                       [RV_PARAM_REALS] = "list of reals",
                                       [RV_PARAM_TEXTS] = "list of texts",
                                       [RV_PARAM_REAL_MAP] = "map of name to real",
                                       [RV_PARAM_TRAINABLE] = "trainable real" };
  g_autofree char *choices = NULL;

  switch (param->type)
    {
    case RV_PARAM_CHOICE:
      choices = g_strjoinv (", ", (char **)param->choices);
      return g_strconcat ("choice of ", choices, NULL);
    case RV_PARAM_SLOT:
      return g_strconcat ("plugin of kind ", param->slot, NULL);
    case RV_PARAM_SLOTS:
      return g_strconcat ("list of plugins of kind ", param->slot, NULL);
    case RV_PARAM_PORT:
      return g_strconcat ("port of kind ", artefact_name (param->artefact), NULL);
    case RV_PARAM_PORTS:
      return g_strconcat ("ports of kind ", artefact_name (param->artefact), NULL);
    default:
      return g_strdup (plain[param->type]);
    }
}

char *
rv_param_range_text (const RvParam *param)
{
  const gboolean below = isfinite (param->minimum), above = isfinite (param->maximum);
  const char *unit = param->unit != NULL ? param->unit : "", *blank = unit[0] != '\0' ? " " : "";
  const RvParamType type = param->type;

  if (type != RV_PARAM_INT && type != RV_PARAM_REAL && type != RV_PARAM_DURATION && type != RV_PARAM_INTS
      && type != RV_PARAM_REALS && type != RV_PARAM_TRAINABLE)
    return g_strdup ("");
  if (below && above)
    return g_strdup_printf ("from %.16g to %.16g%s%s", param->minimum, param->maximum, blank, unit);
  if (below)
    return g_strdup_printf ("at least %.16g%s%s", param->minimum, blank, unit);
  if (above)
    return g_strdup_printf ("at most %.16g%s%s", param->maximum, blank, unit);
  return g_strdup (unit[0] != '\0' ? unit : "");
}
