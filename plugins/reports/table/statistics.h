/* What report/table says of a few numbers. */
#ifndef REPORT_STATISTICS_H
#define REPORT_STATISTICS_H

#include <ranvier/ranvier.h>

/* Of `values` (double): mean, sd, min, max, median or count; NaN where there is no such thing. */
double rv_statistic (const GArray *values, const char *name);
/* 100 * |{v > limit}| / n */
double rv_share_above (const GArray *values, double limit);
/* "71.4 ± 2.0", with "(n = 2)" where there are not `most` of them; "" if there are none. The caller owns
 * it. */
char *rv_summary_text (const GArray *values, int digits, guint most);

/* Paired differences: their mean, and the 95 % interval of it by Student's t; NaN where there is none. */
typedef struct
{
  guint n;
  double mean, low, high;
} RvInterval;

RvInterval rv_paired_interval (const GArray *differences);
/* "higher", "lower", or "not established". */
const char *rv_interval_verdict (const RvInterval *interval);
/* "+1.2 [0.3, 2.1]", or with "not established" behind it. The caller owns it. */
char *rv_interval_text (const RvInterval *interval, int digits);

#endif
