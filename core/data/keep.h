/* Tables and figures as GVariant, so that they can be kept between runs and come back with every bit. */
#ifndef RV_KEEP_H
#define RV_KEEP_H

#include <ranvier/table.h>

/* The types of the variants. */
#define RV_TABLE_VARIANT "(sa(sii)aa(bsdx)as)"
#define RV_FIGURE_VARIANT "(issss(dd)(dd)(dd)dmsa(sadadadadams)adadadba(sv))"

/* A floating variant. Main thread. */
GVariant *rv_table_to_variant (const RvTable *table);
GVariant *rv_figure_to_variant (const RvFigure *figure);
/* From a variant of that type; the caller owns the result. NULL if what it says can not be a table or
 * figure. */
RvTable *rv_table_from_variant (GVariant *variant);
RvFigure *rv_figure_from_variant (GVariant *variant);

/* The endings of drawings: SVG, PNG, and PDF, which not every gnuplot makes. Ends with NULL. */
extern const char *const rv_drawings[];

/* As rv_figure_write, but with the drawings, `drawn`.svg and the like, of an earlier time where they are
 * there; a drawing is used as it is. NULL: draws. */
gboolean rv_figure_write_drawn (const RvFigure *figure, const char *stem, const char *drawn, GError **error);

/* Writes and draws, as rv_figure_write does, what is no RvFigure: an image for instance. `settings` are lines
 * for gnuplot and `plot` says how it is to show `data`: "matrix with image". */
gboolean rv_figure_write_plot (const char *stem, const char *title, const char *settings, const char *plot,
                               const char *data, GError **error);

#endif
