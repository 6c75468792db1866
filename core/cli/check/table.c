/* The judge of parameter tables: what the loader does not ask of them. */
#include "cli/check/check.h"

#include "plugin/descriptor.h"

#include <math.h>
#include <string.h>

/* Names are written with dashes, so that capitals and double underscores are not seen; two entries may not
 * share memory. */
static RvVerdict
check_entries (RvCheck *check)
{
  for (const RvParam *p = check->plugin->params; p != NULL && p->name != NULL; p++)
    {
      for (const char *c = p->name; *c != '\0'; c++)
        if (g_ascii_isupper (*c) || (c[0] == '_' && (c[1] == '_' || c[1] == '\0')))
          return rv_check_fail (
              check, "parameter '%s': names are small letters, digits and single underscores", p->name);
      for (const RvParam *q = check->plugin->params; q != p; q++)
        if (p->offset < q->offset + rv_param_size (q->type)
            && q->offset < p->offset + rv_param_size (p->type))
          return rv_check_fail (check, "parameters '%s' and '%s' share bytes of the struct", q->name,
                                p->name);
      if ((p->flags & RV_PARAM_REQUIRED) != 0 && p->default_value != NULL)
        return rv_check_fail (check, "parameter '%s' must be given and has a default all the same", p->name);
    }
  return RV_VERDICT_OK;
}

/* The plugin's wires, for tables with ports. */
static gboolean
wire_nothing (void *self, const RvParam *param, const RvValue *reference, RvPort *port, RvMistakes *mistakes)
{
  static RvPortValue *nothing; /* as while checking: there, but nothing in it */
  port->value = (void *)&nothing;
  return TRUE;
}

RvVerdict
rv_check_table (RvCheck *check)
{
  static const RvPortResolver resolver = { wire_nothing, NULL };
  const guint trials = rv_check_trials (check, 3, 24);
  RvVerdict verdict = check_entries (check);
  guint n = 0;
  if (verdict != RV_VERDICT_OK)
    return verdict;
  rv_check_at ("init and clear");
  for (guint trial = 0; trial < trials; trial++)
    {
      g_autoptr (RvInstance) instance = rv_check_instance (check, trial, &resolver, NULL);
      g_autofree char *why = g_strdup (check->said->str);
      if (instance == NULL && trial == 0)
        return rv_check_fail (check, "its defaults are refused: %s", why);
    }
  for (const RvParam *p = check->plugin->params; p != NULL && p->name != NULL; p++, n++)
    for (int end = 0; end < 2; end++)
      {
        const double x = end ? p->maximum : p->minimum;
        g_autofree char *name = rv_param_name (p);
        g_autofree char *text = g_strdup_printf (p->type == RV_PARAM_INT ? "%s=%.0f" : "%s=%.17g", name, x);
        RvCheck at_end = *check;
        if ((p->type != RV_PARAM_INT && p->type != RV_PARAM_REAL && p->type != RV_PARAM_TRAINABLE)
            || !isfinite (x))
          continue;
        at_end.settings = (char *[]){ text, NULL };
        rv_instance_unref (
            rv_check_instance (&at_end, 0, &resolver, NULL)); /* may be refused, but must come back */
      }
  return rv_check_ok (check, "%u parameter%s", n, n == 1 ? "" : "s");
}
