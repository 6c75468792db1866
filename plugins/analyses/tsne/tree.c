/* A quadtree over the points of the embedding, whose far cells count as one point (Barnes and Hut 1986; van der
 * Maaten 2014). It is built by one thread in an order that the points alone decide. */
#include "tsne.h"

#define DEEPEST 48

typedef struct
{
  float low[2], high[2];
} Cell;

static TreeNode *
add_node (Tree *tree)
{
  if (tree->n_nodes == tree->room)
    {
      tree->room = 2 * tree->room + 64;
      tree->nodes = g_renew (TreeNode, tree->nodes, tree->room);
    }
  return &tree->nodes[tree->n_nodes++];
}

/* Sorts the points order[from] ... order[to - 1] by quadrant and keeps their order within each; ends [4]. */
static void
divide (Tree *tree, const float *y, uint32_t from, uint32_t to, const float centre[2], uint32_t ends[4])
{
  uint32_t counts[4] = { 0 };
#define QUADRANT(i) ((y[i] > centre[0]) + 2 * (y[(size_t)tree->n + (i)] > centre[1]))
  for (uint32_t k = from; k < to; k++)
    counts[QUADRANT (tree->order[k])]++;
  ends[0] = from;
  for (uint32_t q = 1; q < 4; q++)
    ends[q] = ends[q - 1] + counts[q - 1];
  for (uint32_t k = from; k < to; k++)
    tree->spare[ends[QUADRANT (tree->order[k])]++] = tree->order[k];
#undef QUADRANT
  for (uint32_t k = from; k < to; k++)
    tree->order[k] = tree->spare[k];
}

static gboolean
are_one (const Tree *tree, const float *y, uint32_t from, uint32_t to)
{
  const uint32_t first = tree->order[from];
  for (uint32_t k = from + 1; k < to; k++)
    {
      const uint32_t i = tree->order[k];
      if (y[i] != y[first] || y[(size_t)tree->n + i] != y[(size_t)tree->n + first])
        return FALSE;
    }
  return TRUE;
}

static void
build (Tree *tree, const float *y, uint32_t from, uint32_t to, Cell cell, uint32_t depth)
{
  const uint32_t index = (uint32_t)(add_node (tree) - tree->nodes);
  const gboolean leaf = depth == DEEPEST || are_one (tree, y, from, to);
  double x_sum = 0.0, y_sum = 0.0;
  for (uint32_t k = from; k < to; k++)
    {
      x_sum += y[tree->order[k]];
      y_sum += y[(size_t)tree->n + tree->order[k]];
    }
  const float size = MAX (cell.high[0] - cell.low[0], cell.high[1] - cell.low[1]);
  tree->nodes[index] = (TreeNode){ .x = (float)(x_sum / (to - from)),
                                   .y = (float)(y_sum / (to - from)),
                                   .count = (float)(to - from),
                                   .squared_size = leaf ? 0.0f : size * size };
  if (leaf && depth < DEEPEST) /* exactly where its points are: who is one of them is at distance 0 */
    {
      tree->nodes[index].x = y[tree->order[from]];
      tree->nodes[index].y = y[(size_t)tree->n + tree->order[from]];
    }
  if (!leaf)
    {
      const float centre[2] = { 0.5f * (cell.low[0] + cell.high[0]), 0.5f * (cell.low[1] + cell.high[1]) };
      uint32_t ends[4];
      divide (tree, y, from, to, centre, ends);
      for (uint32_t q = 0; q < 4; from = ends[q], q++)
        if (ends[q] > from)
          {
            Cell child = cell;
            for (uint32_t a = 0; a < 2; a++)
              *(q >> a & 1 ? &child.low[a] : &child.high[a]) = centre[a];
            build (tree, y, from, ends[q], child, depth + 1);
          }
    }
  tree->nodes[index].next = tree->n_nodes;
}

void
tree_build (Tree *tree, const float *y, uint32_t n)
{
  Cell all = { { y[0], y[n] }, { y[0], y[n] } };
  if (tree->n != n)
    {
      tree->order = g_renew (uint32_t, tree->order, n);
      tree->spare = g_renew (uint32_t, tree->spare, n);
      tree->n = n;
    }
  for (uint32_t i = 0; i < n; i++)
    {
      tree->order[i] = i;
      for (uint32_t a = 0; a < 2; a++)
        {
          all.low[a] = MIN (all.low[a], y[(size_t)a * n + i]);
          all.high[a] = MAX (all.high[a], y[(size_t)a * n + i]);
        }
    }
  tree->n_nodes = 0;
  build (tree, y, 0, n, all, 0);
}

void
tree_clear (Tree *tree)
{
  g_clear_pointer (&tree->nodes, g_free);
  g_clear_pointer (&tree->order, g_free);
  g_clear_pointer (&tree->spare, g_free);
  *tree = (Tree){ 0 };
}

void
tree_forces (const Tree *tree, float x, float y, float angle, double *sum, float force[2])
{
  const float squared_angle = angle * angle;
  double z = 0.0;
  float fx = 0.0f, fy = 0.0f;
  for (uint32_t k = 0; k < tree->n_nodes;)
    {
      const TreeNode *node = &tree->nodes[k];
      const float dx = x - node->x, dy = y - node->y, squared = dx * dx + dy * dy;
      if (node->squared_size > squared_angle * squared) /* too near; a leaf never is */
        {
          k++;
          continue;
        }
      const float q = 1.0f / (1.0f + squared), count = node->count, pull = count * q * q;
      z += count * q;
      fx += pull * dx;
      fy += pull * dy;
      k = node->next;
    }
  *sum = z - 1.0; /* the point itself, at distance 0 */
  force[0] = fx;
  force[1] = fy;
}
