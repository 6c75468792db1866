/* Pictures of a report that no run wrote: the graph of the nodes, and the curves of trainings. */
#include "cli/report.h"
#include <math.h>
#include <string.h>

void
rv_html_text (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  for (char *c = valid; *c; c++) /* what HTML can not hold at all */
    if (g_ascii_iscntrl (*c) && !strchr ("\n\t", *c))
      *c = ' ';
  g_autofree char *escaped = g_markup_escape_text (valid, -1);
  g_string_append (out, escaped);
}

/* A number with a point, whatever the locale. */
static void
append_number (GString *out, const char *format, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append (out, g_ascii_formatd (buffer, sizeof buffer, format, value));
}

/* Of a formatted text, all %s taken: coordinates in tenths of a point. */
static void
append_at (GString *out, const char *before, double value)
{
  g_string_append (out, before);
  append_number (out, "%.1f", value);
}

/* ---- the graph */

#define BOX_WIDE 150
#define BOX_HIGH 50
#define GAP_X 50
#define GAP_Y 18

typedef struct
{
  const char *name, *plugin;
  guint cells, level;
  double x, y;
  GPtrArray *reads; /* char *: names of nodes */
} Box;

static void
free_box (gpointer data)
{
  Box *box = data;
  g_ptr_array_unref (box->reads);
  g_free (box);
}

static Box *
find_box (const GPtrArray *boxes, const char *name)
{
  for (guint k = 0; k < boxes->len; k++)
    if (strcmp (((Box *)boxes->pdata[k])->name, name) == 0)
      return boxes->pdata[k];
  return NULL;
}

/* One box for all cells of a node, in the order in which they ran. */
static GPtrArray *
make_boxes (const RvShownRun *run)
{
  GPtrArray *boxes = g_ptr_array_new_with_free_func (free_box);
  JsonArray *nodes = rv_shown_nodes (run);
  for (guint k = 0; k < json_array_get_length (nodes); k++)
    {
      JsonObject *node = json_array_get_object_element (nodes, k);
      Box *box = find_box (boxes, rv_shown_text (node, "name"));
      if (!box)
        {
          box = g_new0 (Box, 1);
          box->name = rv_shown_text (node, "name");
          box->plugin = rv_shown_text (node, "plugin");
          box->reads = g_ptr_array_new_with_free_func (g_free);
          g_ptr_array_add (boxes, box);
        }
      box->cells++;
      JsonNode *reads = json_object_get_member (node, "reads");
      JsonArray *names = reads && JSON_NODE_HOLDS_ARRAY (reads) ? json_node_get_array (reads) : NULL;
      for (guint r = 0; names && r < json_array_get_length (names); r++)
        {
          const char *name = json_node_get_string (json_array_get_element (names, r));
          g_autofree char *from = name ? g_strndup (name, strcspn (name, ".")) : NULL;
          if (from && !g_ptr_array_find_with_equal_func (box->reads, from, g_str_equal, NULL))
            g_ptr_array_add (box->reads, g_steal_pointer (&from));
        }
    }
  return boxes;
}

/* A node stands one column to the right of the last that it reads. Returns the number of columns. */
static guint
place_boxes (GPtrArray *boxes, double *height)
{
  guint columns = 0;
  for (guint round = 0; round < boxes->len; round++)
    for (guint k = 0; k < boxes->len; k++)
      {
        Box *box = boxes->pdata[k];
        for (guint r = 0; r < box->reads->len; r++)
          {
            const Box *from = find_box (boxes, box->reads->pdata[r]);
            if (from && from != box)
              box->level = MIN (MAX (box->level, from->level + 1), boxes->len);
          }
        columns = MAX (columns, box->level + 1);
      }
  *height = 0;
  g_autofree double *used = g_new0 (double, columns + 1);
  for (guint k = 0; k < boxes->len; k++)
    {
      Box *box = boxes->pdata[k];
      box->x = 2 + box->level * (BOX_WIDE + GAP_X);
      box->y = 2 + used[box->level];
      used[box->level] += BOX_HIGH + GAP_Y;
      *height = fmax (*height, used[box->level]);
    }
  for (guint k = 0; k < boxes->len; k++) /* short columns stand in the middle */
    {
      Box *box = boxes->pdata[k];
      box->y += (*height - used[box->level]) / 2;
    }
  return columns;
}

static void
append_edge (GString *out, const Box *from, const Box *to)
{
  const double x1 = from->x + BOX_WIDE, y1 = from->y + BOX_HIGH / 2.0, x2 = to->x,
               y2 = to->y + BOX_HIGH / 2.0;
  append_at (out, "<path class=\"edge\" d=\"M", x1);
  append_at (out, ",", y1);
  append_at (out, " C", x1 + GAP_X * 0.6);
  append_at (out, ",", y1);
  append_at (out, " ", x2 - GAP_X * 0.6);
  append_at (out, ",", y2);
  append_at (out, " ", x2 - 3);
  append_at (out, ",", y2);
  g_string_append (out, "\"/>\n");
}

static void
append_box (GString *out, const Box *box)
{
  g_autofree char *kind = g_strndup (box->plugin, strcspn (box->plugin, "/"));
  append_at (out, "<g transform=\"translate(", box->x);
  append_at (out, ",", box->y);
  g_string_append (out, ")\"><rect class=\"box ");
  rv_html_text (out, kind);
  g_string_append_printf (out,
                          "\" width=\"%d\" height=\"%d\" rx=\"6\"/><text x=\"10\" y=\"21\" class=\"name\">",
                          BOX_WIDE, BOX_HIGH);
  g_autofree char *name = g_utf8_strlen (box->name, -1) > 17 ? g_utf8_substring (box->name, 0, 16) : NULL;
  rv_html_text (out, name ? name : box->name);
  g_string_append (out, name ? "\xe2\x80\xa6" : "");
  g_string_append (out, "</text><text x=\"10\" y=\"39\" class=\"plugin\">");
  g_autofree char *plugin
      = g_utf8_strlen (box->plugin, -1) > 19 ? g_utf8_substring (box->plugin, 0, 18) : NULL;
  rv_html_text (out, plugin ? plugin : box->plugin);
  g_string_append (out, plugin ? "\xe2\x80\xa6</text>" : "</text>");
  if (box->cells > 1)
    g_string_append_printf (out, "<text x=\"%d\" y=\"21\" class=\"times\">\xc3\x97%u</text>", BOX_WIDE - 10,
                            box->cells);
  g_string_append (out, "</g>\n");
}

void
rv_html_graph (GString *out, const RvShownRun *run)
{
  g_autoptr (GPtrArray) boxes = make_boxes (run);
  double height;
  const guint columns = place_boxes (boxes, &height);
  if (!boxes->len)
    return;
  const int width = (int)(columns * (BOX_WIDE + GAP_X) - GAP_X + 4);
  g_string_append_printf (
      out,
      "<div class=\"wide\"><svg class=\"graph\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\""
      " role=\"img\" aria-label=\"The nodes of the pipeline and what each reads\">\n",
      width, (int)height, width, (int)height);
  for (guint k = 0; k < boxes->len; k++)
    for (guint r = 0; r < ((Box *)boxes->pdata[k])->reads->len; r++)
      {
        const Box *from = find_box (boxes, ((Box *)boxes->pdata[k])->reads->pdata[r]);
        if (from && from != boxes->pdata[k])
          append_edge (out, from, boxes->pdata[k]);
      }
  for (guint k = 0; k < boxes->len; k++)
    append_box (out, boxes->pdata[k]);
  g_string_append (out, "</svg></div>\n");
}

/* ---- curves */

#define CURVE_WIDE 460
#define CURVE_HIGH 250
#define LEFT 58
#define BOTTOM 40
#define TOP 10
#define RIGHT 12
#define MOST_POINTS 400

static const char *const colours[]
    = { "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#666666", "#999933" };

/* One training: where it has which number. */
typedef struct
{
  char *group; /* its cell without the seed */
  GArray *x, *y;
} Curve;

static void
free_curve (gpointer data)
{
  Curve *curve = data;
  g_free (curve->group);
  g_array_unref (curve->x);
  g_array_unref (curve->y);
  g_free (curve);
}

/* "variant=without reset seed=3" becomes "without reset"; what several axes say is joined. Caller owns. */
static char *
group_of (const char *cell)
{
  g_autoptr (GRegex) seed = g_regex_new ("(^| )seed=[^ =]*(?= [^ =]+=|$)", 0, 0, NULL);
  g_autoptr (GRegex) axis = g_regex_new ("(^| )([^ =]+)=(?=[^0-9-])", 0, 0, NULL);
  g_autofree char *without = g_regex_replace (seed, cell, -1, 0, "", 0, NULL);
  char *text = g_regex_replace (axis, without ? without : cell, -1, 0, "\\1", 0, NULL);
  return text ? g_strstrip (text) : g_strdup (cell);
}

/* The curves of a number of a node, by cell. */
static GPtrArray *
curves_of (const RvShownRun *run, const char *node, const char *number)
{
  GPtrArray *curves = g_ptr_array_new_with_free_func (free_curve);
  g_autoptr (GHashTable) by_cell = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint k = 0; k < run->metrics->len; k++)
    {
      JsonObject *line = json_node_get_object (run->metrics->pdata[k]);
      const char *cell = rv_shown_text (line, "cell");
      if (strcmp (rv_shown_text (line, "node"), node) != 0 || !json_object_has_member (line, number)
          || !json_object_has_member (line, "epoch"))
        continue;
      const double x = rv_shown_number (line, "epoch"), y = rv_shown_number (line, number);
      Curve *curve = g_hash_table_lookup (by_cell, cell);
      if (!curve)
        {
          curve = g_new0 (Curve, 1);
          curve->group = group_of (cell);
          curve->x = g_array_new (FALSE, FALSE, sizeof (double));
          curve->y = g_array_new (FALSE, FALSE, sizeof (double));
          g_hash_table_insert (by_cell, (gpointer)cell, curve);
          g_ptr_array_add (curves, curve);
        }
      g_array_append_val (curve->x, x);
      g_array_append_val (curve->y, y);
    }
  return curves;
}

static double
nice_step (double range)
{
  const double least = range / 5, power = pow (10, floor (log10 (least))), part = least / power;
  return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

typedef struct
{
  double x_low, x_high, y_low, y_high, x_step, y_step;
} Frame;

static gboolean
frame_of (const GPtrArray *curves, Frame *frame)
{
  *frame = (Frame){ INFINITY, -INFINITY, INFINITY, -INFINITY, 0, 0 };
  for (guint k = 0; k < curves->len; k++)
    {
      const Curve *curve = curves->pdata[k];
      for (guint p = 0; p < curve->x->len; p++)
        {
          const double x = g_array_index (curve->x, double, p), y = g_array_index (curve->y, double, p);
          if (!isfinite (x) || !isfinite (y))
            continue;
          frame->x_low = fmin (frame->x_low, x);
          frame->x_high = fmax (frame->x_high, x);
          frame->y_low = fmin (frame->y_low, y);
          frame->y_high = fmax (frame->y_high, y);
        }
    }
  if (!(frame->x_low < frame->x_high)) /* one epoch is no curve */
    return FALSE;
  if (!(frame->y_low < frame->y_high))
    frame->y_high = frame->y_low + 1;
  frame->x_step = fmax (1, nice_step (frame->x_high - frame->x_low));
  frame->y_step = nice_step (frame->y_high - frame->y_low);
  frame->y_low = floor (frame->y_low / frame->y_step + 1e-9) * frame->y_step;
  frame->y_high = ceil (frame->y_high / frame->y_step - 1e-9) * frame->y_step;
  return TRUE;
}

static double
to_x (const Frame *frame, double x)
{
  return LEFT + (x - frame->x_low) / (frame->x_high - frame->x_low) * (CURVE_WIDE - LEFT - RIGHT);
}

static double
to_y (const Frame *frame, double y)
{
  return TOP + (frame->y_high - y) / (frame->y_high - frame->y_low) * (CURVE_HIGH - TOP - BOTTOM);
}

static void
append_axes (GString *out, const Frame *frame)
{
  for (double y = frame->y_low; y <= frame->y_high + 1e-9 * frame->y_step; y += frame->y_step)
    {
      g_string_append_printf (out, "<line class=\"grid\" x1=\"%d\" x2=\"%d", LEFT, CURVE_WIDE - RIGHT);
      append_at (out, "\" y1=\"", to_y (frame, y));
      append_at (out, "\" y2=\"", to_y (frame, y));
      append_at (out, "\"/><text class=\"y\" x=\"52\" y=\"", to_y (frame, y) + 4);
      g_string_append (out, "\">");
      append_number (out, "%.6g", fabs (y) < 1e-9 * frame->y_step ? 0 : y);
      g_string_append (out, "</text>\n");
    }
  for (double x = ceil (frame->x_low / frame->x_step) * frame->x_step; x <= frame->x_high; x += frame->x_step)
    {
      append_at (out, "<text class=\"x\" x=\"", to_x (frame, x));
      g_string_append_printf (out, "\" y=\"%d\">", CURVE_HIGH - BOTTOM + 17);
      append_number (out, "%.6g", x);
      g_string_append (out, "</text>\n");
    }
  g_string_append_printf (out, "<text class=\"x\" x=\"%d\" y=\"%d\">epoch</text>\n",
                          (LEFT + CURVE_WIDE - RIGHT) / 2, CURVE_HIGH - 4);
}

static void
append_curve (GString *out, const Frame *frame, const Curve *curve, const char *colour)
{
  const guint every = MAX (curve->x->len / MOST_POINTS, 1u);
  g_string_append_printf (out, "<polyline class=\"curve\" stroke=\"%s\" points=\"", colour);
  for (guint p = 0; p < curve->x->len; p++)
    {
      const double y = g_array_index (curve->y, double, p);
      if (!isfinite (y) || (p % every && p + 1 < curve->x->len))
        continue;
      append_at (out, "", to_x (frame, g_array_index (curve->x, double, p)));
      append_at (out, ",", to_y (frame, y));
      g_string_append_c (out, ' ');
    }
  g_string_append (out, "\"/>\n");
}

static void
append_chart (GString *out, const RvShownRun *run, const char *node, const char *number)
{
  g_autoptr (GPtrArray) curves = curves_of (run, node, number), groups = g_ptr_array_new ();
  Frame frame;
  if (!frame_of (curves, &frame))
    return;
  g_autofree char *title = g_strdelimit (g_strdup (number), "_", ' ');
  g_string_append (out, "<figure class=\"chart\"><figcaption>");
  rv_html_text (out, node);
  g_string_append (out, ": ");
  rv_html_text (out, title);
  g_string_append_printf (
      out, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Curves over the epochs\">\n",
      CURVE_WIDE, CURVE_HIGH);
  append_axes (out, &frame);
  for (guint k = 0; k < curves->len; k++)
    {
      Curve *curve = curves->pdata[k];
      guint place;
      if (!g_ptr_array_find_with_equal_func (groups, curve->group, g_str_equal, &place))
        {
          place = groups->len;
          g_ptr_array_add (groups, curve->group);
        }
      append_curve (out, &frame, curve, colours[place % G_N_ELEMENTS (colours)]);
    }
  g_string_append (out, "</svg>");
  if (groups->len > 1 && groups->len <= G_N_ELEMENTS (colours))
    for (guint k = 0; k < groups->len; k++)
      {
        g_string_append_printf (out, "<span class=\"key\"><i style=\"background:%s\"></i>", colours[k]);
        rv_html_text (out, groups->pdata[k]);
        g_string_append (out, "</span> ");
      }
  g_string_append (out, "</figure>\n");
}

void
rv_html_curves (GString *out, const RvShownRun *run)
{
  g_autoptr (GHashTable) done = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint k = 0; k < run->metrics->len; k++)
    {
      JsonObject *line = json_node_get_object (run->metrics->pdata[k]);
      const char *node = rv_shown_text (line, "node");
      g_autoptr (GList) members = json_object_get_members (line);
      for (GList *m = json_object_has_member (line, "epoch") ? members : NULL; m; m = m->next)
        {
          const char *number = m->data;
          JsonNode *value = json_object_get_member (line, number);
          g_autofree char *both = g_strconcat (node, "\n", number, NULL);
          if (strcmp (number, "epoch") == 0 || !JSON_NODE_HOLDS_VALUE (value)
              || json_node_get_value_type (value) == G_TYPE_STRING
              || !g_hash_table_add (done, g_steal_pointer (&both)))
            continue;
          append_chart (out, run, node, number);
        }
    }
}
