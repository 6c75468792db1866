/* The descent of a t-SNE: the gradient of the Kullback-Leibler divergence, exact over all pairs or by the quadtree,
 * with momentum and a gain for each coordinate, and the stopping rule of scikit-learn. Every sum is kept by point
 * and added up in their order, so that the bits do not depend on threads. */
#include "tsne.h"
#include <string.h>

#define ROWS 16u
#define CHECK_EVERY 50
#define LEAST_NORM 1e-7
#define LEAST_GAIN 0.01f

typedef struct
{
  Descent *d;
  Tree tree;
  uint32_t n;
  size_t stride;
  float *x, *y;       /* [stride]: the positions; what is past n lies far away */
  float *pull[2];     /* [n]: sum over j of p q (y_i - y_j) */
  float *push[2];     /* [n]: sum over j of q^2 (y_i - y_j) */
  double *z;          /* [n]: sum over j of q */
  double *divergence; /* [n], where it is asked for */
  double total;       /* of z */
  double norm;        /* of the gradient */
  gboolean measures;
} Work;

/* One row of all pairs, q = 1 / (1 + d^2): out = sum q, sum p q dx, sum p q dy, sum q^2 dx, sum q^2 dy. */
RV_FN void
exact_row (const Work *w, const float *p, uint32_t i, float out[5])
{
  const V16 x = (V16){ 0 } + w->x[i], y = (V16){ 0 } + w->y[i];
  V16 sums[5] = { { 0 } };
  for (size_t j = 0; j < w->stride; j += WIDTH)
    {
      const V16 dx = x - *(const V16 *)(const void *)(w->x + j),
                dy = y - *(const V16 *)(const void *)(w->y + j);
      const V16 q = 1.0f / (1.0f + dx * dx + dy * dy), pq = *(const V16 *)(const void *)(p + j) * q,
                qq = q * q;
      sums[0] += q;
      sums[1] += pq * dx;
      sums[2] += pq * dy;
      sums[3] += qq * dx;
      sums[4] += qq * dy;
    }
  for (uint32_t k = 0; k < 5; k++)
    {
      out[k] = 0.0f;
      for (uint32_t l = 0; l < WIDTH; l++)
        out[k] += sums[k][l];
    }
}

RV_CLONES (exact_row, (const Work *w, const float *p, uint32_t i, float out[5]), (w, p, i, out))
static void (*const exact_row_of[RV_ISA_ROOM]) (const Work *, const float *, uint32_t, float[5])
    = RV_CLONES_OF (exact_row);

static float
closeness (const Work *w, uint32_t i, uint32_t j)
{
  const float dx = w->x[i] - w->x[j], dy = w->y[i] - w->y[j];
  return 1.0f / (1.0f + dx * dx + dy * dy);
}

/* The part of point i: sum over j of p (log p - log q), to which log z is added once z is known. */
static double
divergence_of (const Work *w, uint32_t i)
{
  const Affinities *p = w->d->p;
  double sum = 0.0;
  if (p->dense)
    for (uint32_t j = 0; j < w->n; j++)
      {
        const float of = p->dense[i * p->stride + j];
        if (of > 0.0f)
          sum += of * log ((double)of / closeness (w, i, j));
      }
  else
    for (uint32_t e = p->starts[i]; e < p->starts[i + 1]; e++)
      if (p->values[e] > 0.0f)
        sum += p->values[e] * log ((double)p->values[e] / closeness (w, i, p->columns[e]));
  return sum;
}

static void
one_point (const Work *w, uint32_t i)
{
  const Affinities *p = w->d->p;
  if (p->dense)
    {
      float sums[5];
      exact_row_of[rv_isa ()](w, p->dense + i * p->stride, i, sums);
      w->z[i] = (double)sums[0] - 1.0; /* the point itself */
      for (uint32_t a = 0; a < 2; a++)
        {
          w->pull[a][i] = sums[1 + a];
          w->push[a][i] = sums[3 + a];
        }
    }
  else
    {
      float pull[2] = { 0.0f, 0.0f }, push[2];
      for (uint32_t e = p->starts[i]; e < p->starts[i + 1]; e++)
        {
          const float pq = p->values[e] * closeness (w, i, p->columns[e]);
          pull[0] += pq * (w->x[i] - w->x[p->columns[e]]);
          pull[1] += pq * (w->y[i] - w->y[p->columns[e]]);
        }
      tree_forces (&w->tree, w->x[i], w->y[i], (float)w->d->angle, &w->z[i], push);
      for (uint32_t a = 0; a < 2; a++)
        {
          w->pull[a][i] = pull[a];
          w->push[a][i] = push[a];
        }
    }
  if (w->measures)
    w->divergence[i] = divergence_of (w, i);
}

/* Neighbours in the tree are worked on together: what they read is the same. */
static void
piece_of_points (void *self, uint32_t index, uint32_t worker)
{
  const Work *w = self;
  for (uint32_t k = index * ROWS; k < MIN (w->n, (index + 1) * ROWS); k++)
    one_point (w, w->d->p->dense ? k : w->tree.order[k]);
}

/* dC/dy_i = 4 (sum p q dy - sum q^2 dy / z), and the update of scikit-learn: gains grow by 0.2 where the gradient
 * still points against the update and shrink by 0.8 where not. */
static void
update (Work *w, double exaggeration, float momentum)
{
  Descent *d = w->d;
  double squares = 0.0;
  for (uint32_t a = 0; a < 2; a++)
    for (uint32_t i = 0; i < w->n; i++)
      {
        const size_t k = (size_t)a * w->n + i;
        float g = (float)(4.0 * (exaggeration * w->pull[a][i] - w->push[a][i] / w->total));
        d->gains[k] = d->update[k] * g < 0.0f ? d->gains[k] + 0.2f : d->gains[k] * 0.8f;
        d->gains[k] = MAX (d->gains[k], LEAST_GAIN);
        g *= d->gains[k];
        squares += (double)g * g;
        d->update[k] = momentum * d->update[k] - (float)d->rate * g;
        d->y[k] += d->update[k];
      }
  w->norm = sqrt (squares);
}

/* One iteration; with `measures` the divergence before it. */
static void
iterate (Work *w, double exaggeration, float momentum, gboolean measures)
{
  Descent *d = w->d;
  w->measures = measures;
  memcpy (w->x, d->y, w->n * sizeof (float));
  memcpy (w->y, d->y + w->n, w->n * sizeof (float));
  if (!d->p->dense)
    tree_build (&w->tree, d->y, w->n);
  rv_parallel_for ((w->n + ROWS - 1) / ROWS, piece_of_points, w);
  w->total = 0.0;
  double parts = 0.0;
  for (uint32_t i = 0; i < w->n; i++)
    {
      w->total += w->z[i];
      parts += measures ? w->divergence[i] : 0.0;
    }
  w->total = MAX (w->total, 1e-300);
  if (measures)
    {
      /* KL = sum p log (p / (q / z)); of e p it is e KL + e log e */
      d->divergence = parts + log (w->total);
      d->last = exaggeration * (d->divergence + log (exaggeration));
    }
  update (w, exaggeration, momentum);
}

/* Both stages, exaggerated and not, stop after so many iterations without progress. */
static gboolean
stage_is_over (Descent *d, const Work *w, uint64_t patience)
{
  if (d->last < d->best)
    {
      d->best = d->last;
      d->best_iteration = d->iteration;
    }
  else if (d->iteration - d->best_iteration > patience)
    return TRUE;
  return w->norm <= LEAST_NORM;
}

static void
begin_stage (Descent *d, uint64_t stage)
{
  d->stage = stage;
  d->best = INFINITY;
  d->best_iteration = d->iteration;
  for (size_t k = 0; k < 2 * (size_t)d->p->n; k++)
    {
      d->update[k] = 0.0f;
      d->gains[k] = 1.0f;
    }
}

static void
remember (void *self, RvCheckpoint *checkpoint)
{
  Descent *d = self;
  uint64_t *const counts[] = { &d->iteration, &d->best_iteration, &d->stage, &d->done };
  double *const reals[] = { &d->best, &d->divergence, &d->last };
  static const char *const names[] = { "iteration", "best iteration", "stage", "done" };
  static const char *const more[] = { "best", "divergence", "last" };
  const size_t n = 2 * (size_t)d->p->n;
  for (uint32_t k = 0; k < G_N_ELEMENTS (counts); k++)
    rv_checkpoint_integers (checkpoint, names[k], counts[k], 1);
  for (uint32_t k = 0; k < G_N_ELEMENTS (reals); k++)
    rv_checkpoint_reals (checkpoint, more[k], reals[k], 1);
  rv_checkpoint_floats (checkpoint, "positions", d->y, n);
  rv_checkpoint_floats (checkpoint, "update", d->update, n);
  rv_checkpoint_floats (checkpoint, "gains", d->gains, n);
  rv_checkpoint_position (checkpoint, "iteration %" G_GUINT64_FORMAT, d->iteration);
}

/* Stage 0 is exaggerated, with little momentum; stage 1 is not. */
static gboolean
all_iterations (RvNode *node, Work *w, GError **error)
{
  Descent *d = w->d;
  while (!d->done)
    {
      const uint64_t end = d->stage ? d->most : MIN (d->exaggerated, d->most);
      if (d->iteration >= end && d->stage)
        break;
      if (d->iteration >= end)
        {
          begin_stage (d, 1);
          continue;
        }
      const gboolean measures = (d->iteration + 1) % CHECK_EVERY == 0 || d->iteration + 1 == end;
      g_autofree char *text
          = g_strdup_printf ("iteration %" G_GUINT64_FORMAT "  divergence %.4f", d->iteration, d->divergence);
      rv_node_progress (node, d->iteration, d->most, d->iteration >= CHECK_EVERY ? text : "descending");
      iterate (w, d->stage ? 1.0 : d->exaggeration, d->stage ? 0.8f : 0.5f, measures);
      const gboolean over
          = (d->iteration + 1) % CHECK_EVERY == 0 && stage_is_over (d, w, d->stage ? 300 : d->exaggerated);
      d->iteration++;
      if (over && d->stage)
        d->done = TRUE;
      else if (over)
        begin_stage (d, 1);
      if (!rv_node_checkpoint (node, FALSE, remember, d, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
descend (RvNode *node, Descent *d, GError **error)
{
  const uint32_t n = d->p->n;
  Work w = { .d = d, .n = n, .stride = d->p->stride };
  g_autofree float *pull = g_new (float, 2 * (size_t)n), *push = g_new (float, 2 * (size_t)n);
  g_autofree double *z = g_new (double, n), *divergence = g_new0 (double, n);
  w.x = rv_aligned_alloc (w.stride * sizeof (float));
  w.y = rv_aligned_alloc (w.stride * sizeof (float));
  w.z = z;
  w.divergence = divergence;
  for (uint32_t a = 0; a < 2; a++)
    {
      w.pull[a] = pull + (size_t)a * n;
      w.push[a] = push + (size_t)a * n;
    }
  for (size_t j = n; j < w.stride; j++)
    w.x[j] = w.y[j] = 1e15f; /* q is nothing there, and q^2 times the way too */
  begin_stage (d, 0);
  gboolean ok = rv_node_resume (node, remember, d, error) && all_iterations (node, &w, error);
  if (ok)
    {
      /* where it ended; the step that this makes is taken back */
      g_autofree float *kept = g_memdup2 (d->y, 2 * (size_t)n * sizeof (float));
      iterate (&w, 1.0, 0.0f, TRUE);
      memcpy (d->y, kept, 2 * (size_t)n * sizeof (float));
    }
  tree_clear (&w.tree);
  rv_aligned_free (w.x);
  rv_aligned_free (w.y);
  return ok;
}
