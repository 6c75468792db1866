/* What a figure holds, and its text for gnuplot. */
#ifndef RV_PLOT_H
#define RV_PLOT_H

#include <ranvier/table.h>

/* Ends of an axis; NaN: as the data. */
typedef struct
{
  double low, high;
} RvRange;

struct RvFigure
{
  gatomicrefcount references;
  RvFigureType type;
  char *title, *x_label, *y_label, *z_label;
  GPtrArray *series; /* RvSeries * */
  RvRange x, y, z;
  double line;
  char *line_label;
  GArray *grid_x, *grid_y, *grid_z; /* of double; empty: no grid */
  GPtrArray *panels;                /* RvFigure *, owned */
  GPtrArray *panel_titles;          /* char *, as many */
  gboolean shared;
};

/* The text of `base`.csv and `base`.gp. The caller owns both. */
char *rv_plot_data (const RvFigure *figure);
char *rv_plot_script (const RvFigure *figure, const char *base);

/* The parts of a script, for what is no figure: the head, and the loop over the kinds of drawing of a canvas of
 * so many points; what draws follows, then rv_plot_end. */
void rv_plot_head (GString *out);
void rv_plot_begin (GString *out, const char *base, double width, double height);
void rv_plot_end (GString *out);
/* In single quotes, in which gnuplot replaces nothing. */
void rv_plot_quote (GString *out, const char *text);

#endif
