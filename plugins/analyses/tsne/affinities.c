/* Which points belong together: p_j|i = exp (-beta_i d_ij^2) / sum, beta_i such that the entropy of p_.|i is
 * that of `perplexity` equal neighbours, and p_ij = (p_j|i + p_i|j) / 2n (van der Maaten and Hinton 2008), over
 * all points or over the 3 * perplexity nearest ones (van der Maaten 2014). */
#include "tsne.h"
#include <string.h>

#define ROWS 16u   /* points of a piece of work */
#define AT_ONCE 4u /* of these */
#define SEARCH 100
#define TOLERANCE 1e-5

typedef struct
{
  const float *x;
  uint32_t n, dims, neighbours, panels;
  double perplexity;
  float *columns;    /* [panels][dims][WIDTH]: x once more, for all distances of a panel at once */
  float **distances; /* [pieces]: [ROWS][panels * WIDTH], while a piece is worked on */
  Affinities *p;
  uint32_t *nearest; /* [n][neighbours] */
  float *given;      /* [n][neighbours]: p_j|i */
  RvNode *node;
  uint32_t from; /* the first piece of those at hand */
} Search;

/* d[r][j] = sum over k of (x[i + r][k] - x[j][k])^2 for AT_ONCE points and all others. */
RV_FN void
distances (const Search *s, const float *const rows[AT_ONCE], float *out, size_t stride)
{
  const uint32_t dims = s->dims;
  const float *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
  for (uint32_t panel = 0; panel < s->panels; panel++)
    {
      const V16 *x = (const V16 *)(const void *)(s->columns + (size_t)panel * dims * WIDTH);
      V16 sum_a = { 0 }, sum_b = { 0 }, sum_c = { 0 }, sum_d = { 0 };
      for (uint32_t k = 0; k < dims; k++)
        {
          const V16 of_a = x[k] - a[k], of_b = x[k] - b[k], of_c = x[k] - c[k], of_d = x[k] - d[k];
          sum_a += of_a * of_a;
          sum_b += of_b * of_b;
          sum_c += of_c * of_c;
          sum_d += of_d * of_d;
        }
      memcpy (out + panel * WIDTH, &sum_a, sizeof sum_a);
      memcpy (out + stride + panel * WIDTH, &sum_b, sizeof sum_b);
      memcpy (out + 2 * stride + panel * WIDTH, &sum_c, sizeof sum_c);
      memcpy (out + 3 * stride + panel * WIDTH, &sum_d, sizeof sum_d);
    }
}

/* p[j] = exp (-beta d[j]); sums of p and of p d. n is a multiple of WIDTH; entries at infinity
 * take no part. */
RV_FN void
weigh (const float *d, uint32_t n, float beta, float *p, double sums[2])
{
  double sum = 0.0, moment = 0.0;
  for (uint32_t j = 0; j < n; j += WIDTH)
    {
      float own = 0.0f, with = 0.0f;
#pragma omp simd reduction(+ : own, with)
      for (uint32_t l = 0; l < WIDTH; l++)
        {
          const float at = d[j + l] < INFINITY ? d[j + l] : 0.0f;
          const float e = d[j + l] < INFINITY ? rv_exp (-beta * at) : 0.0f;
          p[j + l] = e;
          own += e;
          with += e * at;
        }
      sum += own;
      moment += with;
    }
  sums[0] = sum;
  sums[1] = moment;
}

RV_CLONES (distances, (const Search *s, const float *const rows[AT_ONCE], float *out, size_t stride),
           (s, rows, out, stride))
RV_CLONES (weigh, (const float *d, uint32_t n, float beta, float *p, double sums[2]), (d, n, beta, p, sums))

static void (*const distances_of[RV_ISA_ROOM]) (const Search *, const float *const[AT_ONCE], float *, size_t)
    = RV_CLONES_OF (distances);
static void (*const weigh_of[RV_ISA_ROOM]) (const float *, uint32_t, float, float *, double[2])
    = RV_CLONES_OF (weigh);

/* Squared distances d [n], multiple of WIDTH, to probabilities p. Distances are counted from the least one,
 * which changes no p and keeps the sum above 1. */
static void
probabilities (float *d, uint32_t n, double perplexity, float *p)
{
  double beta = 1.0, low = -INFINITY, high = INFINITY, sums[2] = { 1.0, 0.0 };
  float least = INFINITY;
  for (uint32_t j = 0; j < n; j++)
    least = MIN (least, d[j]);
  for (uint32_t j = 0; j < n; j++)
    d[j] -= isfinite (d[j]) ? least : 0.0f;
  for (uint32_t k = 0; k < SEARCH; k++)
    {
      weigh_of[rv_isa ()](d, n, (float)beta, p, sums);
      /* entropy H = log sum + beta <d> */
      const double excess = log (sums[0]) + beta * sums[1] / sums[0] - log (perplexity);
      if (fabs (excess) <= TOLERANCE)
        break;
      *(excess > 0.0 ? &low : &high) = beta;
      if (excess > 0.0)
        beta = isinf (high) ? 2.0 * beta : 0.5 * (beta + high);
      else
        beta = isinf (low) ? 0.5 * beta : 0.5 * (beta + low);
    }
  for (uint32_t j = 0; j < n; j++)
    p[j] = (float)(p[j] / sums[0]);
}

/* The order of neighbours: by distance, and by number where that is equal. */
static gboolean
is_farther (const float *d, uint32_t a, uint32_t b)
{
  return d[a] > d[b] || (d[a] == d[b] && a > b);
}

/* The `k` nearest of n, in a heap whose first is the farthest. */
static void
find_nearest (const float *d, uint32_t n, uint32_t k, uint32_t self, uint32_t *heap)
{
  uint32_t size = 0;
  for (uint32_t j = 0; j < n; j++)
    {
      uint32_t at;
      if (j == self || (size == k && !is_farther (d, heap[0], j)))
        continue;
      if (size < k)
        {
          for (at = size++; at > 0 && is_farther (d, j, heap[(at - 1) / 2]); at = (at - 1) / 2)
            heap[at] = heap[(at - 1) / 2];
          heap[at] = j;
          continue;
        }
      for (at = 0; 2 * at + 1 < size;)
        {
          uint32_t child = 2 * at + 1;
          child += child + 1 < size && is_farther (d, heap[child + 1], heap[child]);
          if (!is_farther (d, heap[child], j))
            break;
          heap[at] = heap[child];
          at = child;
        }
      heap[at] = j;
    }
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* One point: its row of p_j|i, dense or of its nearest. */
static void
one_point (const Search *s, uint32_t i, float *d)
{
  const uint32_t padded = s->panels * WIDTH;
  d[i] = INFINITY;
  for (uint32_t j = s->n; j < padded; j++)
    d[j] = INFINITY;
  if (s->p->dense)
    {
      probabilities (d, padded, s->perplexity, s->p->dense + i * s->p->stride);
      return;
    }
  uint32_t *nearest = s->nearest + (size_t)i * s->neighbours;
  const uint32_t k = s->neighbours, room = (k + WIDTH - 1) / WIDTH * WIDTH;
  find_nearest (d, s->n, k, i, nearest);
  qsort (nearest, k, sizeof *nearest, compare_ids);
  /* ascending ids: what is moved to the front has been passed */
  for (uint32_t e = 0; e < k; e++)
    d[e] = d[nearest[e]];
  for (uint32_t e = k; e < room; e++)
    d[e] = INFINITY;
  float *p = d + room;
  probabilities (d, room, s->perplexity, p);
  memcpy (s->given + (size_t)i * k, p, k * sizeof (float));
}

static void
piece_of_points (void *self, uint32_t index, uint32_t worker)
{
  const Search *s = self;
  const uint32_t first = (s->from + index) * ROWS;
  /* room for the probabilities of the nearest behind the distances of a row */
  const size_t stride = (size_t)s->panels * WIDTH + 2 * ((size_t)s->neighbours + WIDTH);
  float *d = s->distances[worker];
  for (uint32_t r = 0; r < ROWS && first + r < s->n; r += AT_ONCE)
    {
      const float *rows[AT_ONCE];
      for (uint32_t a = 0; a < AT_ONCE; a++)
        rows[a] = s->x + (size_t)MIN (first + r + a, s->n - 1) * s->dims;
      distances_of[rv_isa ()](s, rows, d, stride);
      for (uint32_t a = 0; a < AT_ONCE && first + r + a < s->n; a++)
        one_point (s, first + r + a, d + a * stride);
    }
}

/* ---- p_ij = (p_j|i + p_i|j) / 2n */

typedef struct
{
  Affinities *p;
} Dense;

static void
symmetrise_rows (void *self, uint32_t index, uint32_t worker)
{
  Affinities *p = ((Dense *)self)->p;
  for (uint32_t i = index * ROWS; i < MIN (p->n, (index + 1) * ROWS); i++)
    for (uint32_t j = 0; j < i; j++)
      {
        float *a = &p->dense[i * p->stride + j], *b = &p->dense[j * p->stride + i];
        *a = *b = (*a + *b) / (2.0f * (float)p->n);
      }
}

/* Both ways of each pair: the lists of a point and of those who name it, merged. */
static void
symmetrise_lists (const Search *s)
{
  const uint32_t n = s->n, k = s->neighbours;
  Affinities *p = s->p;
  g_autofree uint32_t *starts = g_new0 (uint32_t, n + 2), *named = g_new (uint32_t, (size_t)n * k);
  g_autofree float *weights = g_new (float, (size_t)n *k);
  for (size_t e = 0; e < (size_t)n * k; e++)
    starts[s->nearest[e] + 2]++;
  for (uint32_t i = 0; i < n; i++)
    starts[i + 2] += starts[i + 1];
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t e = 0; e < k; e++)
      {
        const uint32_t at = starts[s->nearest[(size_t)i * k + e] + 1]++;
        named[at] = i;
        weights[at] = s->given[(size_t)i * k + e];
      }
  p->starts = g_new0 (uint32_t, n + 1);
  p->columns = g_new (uint32_t, 2 * (size_t)n * k);
  p->values = g_new (float, 2 * (size_t)n * k);
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++)
    {
      const uint32_t *own = s->nearest + (size_t)i * k;
      const float *given = s->given + (size_t)i * k;
      uint32_t a = 0, b = starts[i];
      while (a < k || b < starts[i + 1])
        {
          const uint32_t of_a = a < k ? own[a] : G_MAXUINT32,
                         of_b = b < starts[i + 1] ? named[b] : G_MAXUINT32;
          const float sum = (of_a <= of_b ? given[a] : 0.0f) + (of_b <= of_a ? weights[b] : 0.0f);
          p->columns[count] = MIN (of_a, of_b);
          p->values[count++] = sum / (2.0f * (float)n);
          a += of_a <= of_b;
          b += of_b <= of_a;
        }
      p->starts[i + 1] = count;
    }
}

/* ---- all of it */

static void
lay_out_columns (Search *s)
{
  s->columns = rv_aligned_alloc ((size_t)s->panels * s->dims * WIDTH * sizeof (float));
  for (uint32_t i = 0; i < s->n; i++)
    for (uint32_t k = 0; k < s->dims; k++)
      s->columns[((size_t)(i / WIDTH) * s->dims + k) * WIDTH + i % WIDTH] = s->x[(size_t)i * s->dims + k];
}

/* Pieces in groups, so that progress can be shown and a stop is heard. */
static gboolean
all_points (Search *s, GError **error)
{
  const uint32_t pieces = (s->n + ROWS - 1) / ROWS, group = 64;
  for (s->from = 0; s->from < pieces; s->from += group)
    {
      rv_node_progress (s->node, s->from, pieces, "finding neighbours");
      if (rv_node_stopped (s->node))
        {
          g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "stopped while neighbours were sought");
          return FALSE;
        }
      rv_parallel_for (MIN (group, pieces - s->from), piece_of_points, s);
    }
  return TRUE;
}

gboolean
affinities_make (RvNode *node, const float *x, uint32_t n, uint32_t dims, double perplexity, gboolean dense,
                 Affinities *p, GError **error)
{
  Search s = { .x = x,
               .n = n,
               .dims = dims,
               .panels = (n + WIDTH - 1) / WIDTH,
               .perplexity = perplexity,
               .p = p,
               .node = node };
  *p = (Affinities){ .n = n, .stride = (size_t)s.panels * WIDTH };
  s.neighbours = dense ? 0 : MIN (n - 1, (uint32_t)(3.0 * perplexity + 1.0));
  const size_t lists = (size_t)n * s.neighbours;
  p->dense = dense ? rv_aligned_alloc (n * p->stride * sizeof (float)) : NULL;
  g_autofree uint32_t *nearest = s.nearest = g_new (uint32_t, lists + 1);
  g_autofree float *given = s.given = g_new (float, lists + 1);
  lay_out_columns (&s);
  /* a piece's worker is below the number of pieces of a group */
  float *buffers[64];
  const size_t room = AT_ONCE * ((size_t)s.panels * WIDTH + 2 * ((size_t)s.neighbours + WIDTH));
  for (uint32_t k = 0; k < 64; k++)
    buffers[k] = g_malloc (room * sizeof (float));
  s.distances = buffers;
  const gboolean ok = all_points (&s, error);
  for (uint32_t k = 0; k < 64; k++)
    g_free (buffers[k]);
  rv_aligned_free (s.columns);
  if (ok && dense)
    rv_parallel_for ((n + ROWS - 1) / ROWS, symmetrise_rows, &(Dense){ p });
  else if (ok)
    symmetrise_lists (&s);
  return ok;
}

void
affinities_clear (Affinities *p)
{
  rv_aligned_free (p->dense);
  g_free (p->starts);
  g_free (p->columns);
  g_free (p->values);
  *p = (Affinities){ 0 };
}
