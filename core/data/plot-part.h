/* One plot of a script: a figure, or a panel of one. */
#ifndef RV_PLOT_PART_H
#define RV_PLOT_PART_H

#include "data/plot.h"
#include <math.h>

/* Where the data have what, as gnuplot counts columns (x is 1, y is 2); 0: nowhere. */
typedef struct
{
  int z, low; /* high follows low */
  gboolean series, labels, panel;
} RvColumns;

/* x, y and z: what the axes run over, and whether all numbers are whole. */
typedef struct
{
  RvRange axis[3];
  gboolean whole[3];
} RvRanges;

typedef struct
{
  GString *out;
  const char *base, *title, *indent;
  const GPtrArray *names; /* of all series, whose places are their colours */
  RvColumns columns;
  RvRanges ranges;
  double width, height; /* of the place, in points */
  guint block;          /* of the data that are drawn next */
  gboolean panel;       /* others stand beside */
  gboolean x_label, y_label, colour_bar, key;
} RvPlot;

static inline double
rv_plot_at (const GArray *array, guint k)
{
  return k < array->len ? g_array_index (array, double, k) : NAN;
}

static inline gboolean
rv_plot_is_map (const RvFigure *figure)
{
  return figure->type >= RV_FIGURE_HEATMAP && figure->type <= RV_FIGURE_SURFACE;
}

/* A grid that somebody gave to a line is not drawn. */
static inline gboolean
rv_plot_has_grid (const RvFigure *figure)
{
  return rv_plot_is_map (figure) && figure->grid_z->len > 0;
}

void rv_plot_number (GString *out, double value);
/* As rv_plot_quote, of a text that gnuplot takes as a format. */
void rv_plot_quote_format (GString *out, const char *text);
gboolean rv_plot_is_drawable (const RvSeries *series);
/* The label of a bar, or its x where it has none; caller owns. */
char *rv_plot_bar_label (const RvSeries *series, guint k);
/* The labels of all bars in order of first appearance: bars of one label stand side by side. Caller owns. */
GPtrArray *rv_plot_labels (const RvFigure *figure);

/* What the data span, or what was asked for. */
void rv_plot_ranges (const RvFigure *figure, RvRanges *ranges);
void rv_plot_settings (const RvPlot *plot, const RvFigure *figure);
/* The command that draws; goes on to the block after those of the figure. */
void rv_plot_draw (RvPlot *plot, const RvFigure *figure);
/* An entry of a key in a plot of its own. */
void rv_plot_key_entry (RvPlot *plot, const RvFigure *like, const char *name, guint index);
void rv_plot_key_line (RvPlot *plot, const char *name);

#endif
