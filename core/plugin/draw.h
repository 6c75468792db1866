/* Strict readers of numbers and of draws ("sigmoid(uniform(0, 4))") for parameter tables. Any thread. */
#ifndef RV_DRAW_H
#define RV_DRAW_H

#include <ranvier/param.h>

/* All of `text` as a decimal number; blanks around it, hexadecimal and NaN are refused, "inf" is not. */
gboolean rv_real_parse (const char *text, double *value);
/* All of `text` as a decimal integer. */
gboolean rv_int_parse (const char *text, int64_t *value);
/* A number with its unit, "3 ms", in seconds; the units are ns, us, ms, s and min. */
gboolean rv_duration_parse (const char *text, double *seconds);
/* `0.5`, `uniform(a, b)`, `normal(mean, sd)`, or `sigmoid(...)` of one of these. */
gboolean rv_draw_parse (const char *text, RvDraw *draw, GError **error);

#endif
