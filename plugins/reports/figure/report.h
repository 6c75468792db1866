/* What report/figure is asked for, and its parts. */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include <ranvier/ranvier.h>

enum
{
  TYPE_LINE,
  TYPE_BARS,
  TYPE_HISTOGRAM,
  TYPE_SCATTER,
  TYPE_RASTER,
  TYPE_HEATMAP,
  TYPE_CONTOUR,
  TYPE_SURFACE,
  TYPE_PANELS,
  TYPE_OVERLAY
};

enum
{
  SPREAD_SD,
  SPREAD_RANGE,
  SPREAD_NONE
};

#define MOST_BINS 100000
#define MOST_GRID 2000 /* of the numbers along an axis of a map */

typedef struct
{
  RvPorts from, figures;
  char **over;
  int type, spread;
  char *rows, *series, *column, *x, *y, *by, *pick;
  double bin_width;
  RvReals x_range, y_range, z_range;
  double line;
  char *line_label;
  RvRealMap reference;
  char *reference_title, *title, *x_label, *y_label, *z_label;
  gboolean shared;
} Report;

static inline gboolean
takes_figures (const Report *report)
{
  return report->type >= TYPE_PANELS;
}

static inline gboolean
is_map (const Report *report)
{
  return report->type >= TYPE_HEATMAP && report->type <= TYPE_SURFACE;
}

static inline const char *
or_else (const char *text, const char *otherwise)
{
  return text ? text : otherwise;
}

/* A choice as it stands in a key or above a panel: "baseline", but "gap 3" where it is a bare number. Caller
 * owns. */
static inline char *
choice_name (const char *axis, const char *choice)
{
  return g_ascii_isdigit (*choice) || *choice == '-' ? g_strdup_printf ("%s %s", axis, choice)
                                                     : g_strdup (choice);
}

/* A figure of the tables; NULL with an error. The caller owns it. */
RvFigure *rv_report_draw_tables (const Report *report, GError **error);

#endif
