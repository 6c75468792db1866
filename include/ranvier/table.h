/** @file
 * Tables and figures: the results that nodes hand on and that a run writes. Main thread throughout. */
#ifndef RANVIER_TABLE_H
#define RANVIER_TABLE_H

#include <ranvier/base.h>

G_BEGIN_DECLS

/** What the cells of a column hold. */
typedef enum
{
  RV_COLUMN_TEXT,
  RV_COLUMN_REAL,
  RV_COLUMN_INT
} RvColumnType;

/** Rows of cells under named columns. Reference-counted. */
typedef struct RvTable RvTable;

/** An empty table; `title` is copied. The caller owns it. */
RV_API RvTable *rv_table_new (const char *title);
/** Adds a reference and returns `table`. */
RV_API RvTable *rv_table_ref (RvTable *table);
/** Gives a reference back. */
RV_API void rv_table_unref (RvTable *table);
/** The title, borrowed. */
RV_API const char *rv_table_title (const RvTable *table);
/** Adds a column and returns its index; `digits` are the decimals shown of a real (-1: as many as needed). */
RV_API uint32_t rv_table_add_column (RvTable *table, const char *name, RvColumnType type, int digits);
/** Adds a row of empty cells and returns its index. */
RV_API uint32_t rv_table_add_row (RvTable *table);
/** Sets a cell; text is copied; a NaN or NULL leaves the cell empty. */
RV_API void rv_table_set_text (RvTable *table, uint32_t row, uint32_t column, const char *text);
/** Sets a cell of a real column. */
RV_API void rv_table_set_real (RvTable *table, uint32_t row, uint32_t column, double value);
/** Sets a cell of an int column. */
RV_API void rv_table_set_int (RvTable *table, uint32_t row, uint32_t column, int64_t value);
/** Adds a line that is printed under the table, once however often it is added; copied. */
RV_API void rv_table_add_note (RvTable *table, const char *note);
/** How many rows. */
RV_API uint32_t rv_table_rows (const RvTable *table);
/** How many columns. */
RV_API uint32_t rv_table_columns (const RvTable *table);
/** Name of a column, borrowed. */
RV_API const char *rv_table_column_name (const RvTable *table, uint32_t column);
/** Type of a column. */
RV_API RvColumnType rv_table_column_type (const RvTable *table, uint32_t column);
/** Index of the column called `name`, or -1. */
RV_API int rv_table_find_column (const RvTable *table, const char *name);
/** A number of a real or int column; NaN where empty or text. */
RV_API double rv_table_get_real (const RvTable *table, uint32_t row, uint32_t column);
/** A cell as it is shown; the caller owns the text; "" where empty. */
RV_API char *rv_table_get_text (const RvTable *table, uint32_t row, uint32_t column);
/** The notes, NULL-terminated, borrowed. */
RV_API const char *const *rv_table_notes (const RvTable *table);
/** As CSV (RFC 4180, reals with 9 significant digits); the caller owns the text. */
RV_API char *rv_table_to_csv (const RvTable *table);
/** As a Markdown pipe table with aligned columns, title above, notes below; the caller owns the text. */
RV_API char *rv_table_to_markdown (const RvTable *table);
/** As LaTeX with booktabs, title as the caption, notes below; the caller owns the text. */
RV_API char *rv_table_to_latex (const RvTable *table);

/** What a figure shows. Whole numbers get whole tics, and the key never covers data. */
typedef enum
{
  RV_FIGURE_LINE,      /**< points joined in their order; low and high, where given, as a band; see
                        * rv_figure_set_line for a threshold, as in a trace of a membrane */
  RV_FIGURE_BARS,      /**< labelled bars, with error bars where low and high are given */
  RV_FIGURE_HISTOGRAM, /**< x is the left edge of each bin, all of one width */
  RV_FIGURE_SCATTER,   /**< points; a series is a class: a colour and, if there are more than 8, a shape */
  RV_FIGURE_RASTER,    /**< x is when a spike was, y the unit that fired; a series has a colour */
  RV_FIGURE_HEATMAP,   /**< a grid as cells of a colour each, with their values where they are few; an axis
                        * whose numbers are not evenly spaced has cells of one width */
  RV_FIGURE_CONTOUR,   /**< a grid as filled contours; series, if any, are points on it */
  RV_FIGURE_SURFACE,   /**< a grid in three dimensions */
  RV_FIGURE_PANELS     /**< other figures side by side, see rv_figure_add_panel */
} RvFigureType;

/** Points of a figure that belong together. */
typedef struct
{
  char *name;        /**< as in the key of the figure */
  GArray *x;         /**< of double */
  GArray *y;         /**< of double */
  GArray *low;       /**< of double, lower end of the error bars; empty: none */
  GArray *high;      /**< of double, upper end */
  GPtrArray *labels; /**< of char *; bars only */
} RvSeries;

/** Series of points with the texts around them. Reference-counted. */
typedef struct RvFigure RvFigure;

/** An empty figure; the texts are copied. The caller owns it. */
RV_API RvFigure *rv_figure_new (RvFigureType type, const char *title, const char *x_label,
                                const char *y_label);
/** Adds a reference and returns `figure`. */
RV_API RvFigure *rv_figure_ref (RvFigure *figure);
/** Gives a reference back. */
RV_API void rv_figure_unref (RvFigure *figure);
/** Adds an empty series; the figure owns it. */
RV_API RvSeries *rv_figure_add_series (RvFigure *figure, const char *name);
/** Adds a point; `label` may be NULL, `low` and `high` NaN. */
RV_API void rv_series_add (RvSeries *series, const char *label, double x, double y, double low, double high);
/** The y axis runs from `low` to `high`; NaN leaves that end to gnuplot. */
RV_API void rv_figure_set_y_range (RvFigure *figure, double low, double high);
/** Draws a dashed horizontal line, for instance at chance. */
RV_API void rv_figure_set_line (RvFigure *figure, double y, const char *label);
/** The x axis runs from `low` to `high`; NaN leaves that end to the data. Not for bars. */
RV_API void rv_figure_set_x_range (RvFigure *figure, double low, double high);
/** The colours (and the height of a surface) run from `low` to `high`; NaN leaves that end to the data. */
RV_API void rv_figure_set_z_range (RvFigure *figure, double low, double high);
/** The values of a heat map, contour or surface: x [columns], y [rows], z [rows][columns], all copied. x and
 * y must ascend or descend; an axis that descends is drawn so, which puts the first class of a confusion
 * matrix on top. NaN in `z` leaves a hole. `z_label` names what the colours are. */
RV_API void rv_figure_set_grid (RvFigure *figure, uint32_t columns, uint32_t rows, const double *x,
                                const double *y, const double *z, const char *z_label);
/** Adds `panel`, to which the figure takes a reference, to a figure of type RV_FIGURE_PANELS; it has no
 * panels itself. `title` stands above it, copied; NULL: its own. */
RV_API void rv_figure_add_panel (RvFigure *figure, RvFigure *panel, const char *title);
/** Panels of one type get the same axes and colours, so that they can be compared; FALSE at first. */
RV_API void rv_figure_set_shared (RvFigure *figure, gboolean shared);
/** How many panels. */
RV_API uint32_t rv_figure_panels (const RvFigure *figure);
/** A panel, borrowed; NULL beyond the last. */
RV_API RvFigure *rv_figure_get_panel (const RvFigure *figure, uint32_t index);
/** The text above, borrowed. */
RV_API const char *rv_figure_title (const RvFigure *figure);
/** The text of the x axis, borrowed. */
RV_API const char *rv_figure_x_label (const RvFigure *figure);
/** The text of the y axis, borrowed. */
RV_API const char *rv_figure_y_label (const RvFigure *figure);
/** Where the dashed line is, NaN: there is none. */
RV_API double rv_figure_line (const RvFigure *figure);
/** The size of the grid and its borrowed arrays as rv_figure_set_grid took them; FALSE if there is none. Any
 * of the pointers may be NULL. */
RV_API gboolean rv_figure_get_grid (const RvFigure *figure, uint32_t *columns, uint32_t *rows,
                                    const double **x, const double **y, const double **z);
/** Type of the figure. */
RV_API RvFigureType rv_figure_type (const RvFigure *figure);
/** How many series. */
RV_API uint32_t rv_figure_series (const RvFigure *figure);
/** A series, borrowed. */
RV_API const RvSeries *rv_figure_get_series (const RvFigure *figure, uint32_t index);
/** Writes `stem`.csv, the data, and `stem`.gp, a script for gnuplot that draws them; and, where gnuplot is
 * installed, `stem`.svg, `stem`.png and, if gnuplot knows how, `stem`.pdf. */
RV_API gboolean rv_figure_write (const RvFigure *figure, const char *stem, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvTable, rv_table_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvFigure, rv_figure_unref)

G_END_DECLS

#endif
