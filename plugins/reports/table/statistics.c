/* report/table: mean, spread, and the paired comparison of two variants over the seeds that both have. */
#include "statistics.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int
compare (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double
rv_statistic (const GArray *values, const char *name)
{
  const guint n = values->len;
  double mean = 0.0, squares = 0.0;
  if (strcmp (name, "count") == 0)
    return n;
  if (n == 0)
    return NAN;
  g_autofree double *v = g_memdup2 (values->data, n * sizeof (double));
  qsort (v, n, sizeof (double), compare);
  if (strcmp (name, "min") == 0)
    return v[0];
  if (strcmp (name, "max") == 0)
    return v[n - 1];
  if (strcmp (name, "median") == 0)
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
  for (guint k = 0; k < n; k++)
    mean += v[k] / n;
  if (strcmp (name, "mean") == 0)
    return mean;
  /* sd = sqrt (sum (v - mean)^2 / (n - 1)), of the sample; one value has none */
  for (guint k = 0; k < n; k++)
    squares += (v[k] - mean) * (v[k] - mean);
  return n > 1 ? sqrt (squares / (n - 1)) : NAN;
}

double
rv_share_above (const GArray *values, double limit)
{
  guint above = 0;
  for (guint k = 0; k < values->len; k++)
    above += g_array_index (values, double, k) > limit;
  return values->len ? 100.0 * above / values->len : NAN;
}

/* With so many decimals, a point whatever the locale; `sign`: a plus too. Caller owns. */
static char *
number (double value, int digits, gboolean sign)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE + 320], format[16];
  g_snprintf (format, sizeof format, sign ? "%%+.%df" : "%%.%df", CLAMP (digits, 0, 17));
  return g_strdup (g_ascii_formatd (buffer, sizeof buffer, format, value));
}

char *
rv_summary_text (const GArray *values, int digits, guint most)
{
  if (!values->len)
    return g_strdup ("");
  g_autofree char *mean = number (rv_statistic (values, "mean"), digits, FALSE);
  g_autofree char *few = values->len < most ? g_strdup_printf (" (n = %u)", values->len) : g_strdup ("");
  if (values->len < 2)
    return g_strconcat (mean, few, NULL);
  g_autofree char *sd = number (rv_statistic (values, "sd"), digits, FALSE);
  return g_strconcat (mean, " \xc2\xb1 ", sd, few, NULL);
}

/* ---- Student's t */

/* P (|T| < t) for `freedom` degrees, by the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4:
 * theta = atan (t / sqrt (freedom)); odd: 2/pi (theta + sin (cos + 2/3 cos^3 + 2*4/(3*5) cos^5 + ...)),
 * even: sin (1 + 1/2 cos^2 + 1*3/(2*4) cos^4 + ...), each up to the power freedom - 2. */
static double
within (double t, guint freedom)
{
  const double theta = atan (t / sqrt (freedom)), s = sin (theta), c = cos (theta);
  double term = freedom % 2 ? c : 1.0, sum = 0.0;
  for (guint k = freedom % 2 ? 3 : 2; k <= freedom; k += 2)
    {
      sum += term;
      term *= (k - 1.0) / k * c * c;
    }
  return freedom % 2 ? 2.0 / G_PI * (theta + s * sum) : s * sum;
}

/* The t that 95 % lie within. */
static double
t_limit (guint freedom)
{
  double low = 1.0, high = 13.0; /* 12.71 for one degree of freedom, 1.96 for many */
  for (int k = 0; k < 60; k++)
    {
      const double middle = 0.5 * (low + high);
      *(within (middle, freedom) < 0.95 ? &low : &high) = middle;
    }
  return 0.5 * (low + high);
}

/* mean +- t sd / sqrt (n) */
RvInterval
rv_paired_interval (const GArray *differences)
{
  const guint n = differences->len;
  RvInterval interval = { n, rv_statistic (differences, "mean"), NAN, NAN };
  if (n < 2)
    return interval;
  const double half = t_limit (n - 1) * rv_statistic (differences, "sd") / sqrt (n);
  interval.low = interval.mean - half;
  interval.high = interval.mean + half;
  return interval;
}

const char *
rv_interval_verdict (const RvInterval *interval)
{
  if (interval->low > 0)
    return "higher";
  return interval->high < 0 ? "lower" : "not established";
}

char *
rv_interval_text (const RvInterval *interval, int digits)
{
  if (!interval->n)
    return g_strdup ("no pairs");
  g_autofree char *mean = number (interval->mean, digits, TRUE);
  if (interval->n < 2)
    return g_strconcat (mean, " not established (one pair)", NULL);
  g_autofree char *low = number (interval->low, digits, FALSE),
                  *high = number (interval->high, digits, FALSE);
  const gboolean open = !(interval->low > 0) && !(interval->high < 0);
  return g_strdup_printf ("%s [%s, %s]%s", mean, low, high, open ? " not established" : "");
}
