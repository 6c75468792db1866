/* Arrays for the kernels of a plugin: with pages around them that nobody may touch, so that a kernel that
 * writes past the end stops at that very store, and with contents that can be kept, spoiled and compared. */
#include "cli/check/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY 0xA5

typedef struct
{
  const char *name;
  RvRole role;
  char *map;          /* page, pages of the array, page */
  size_t page, bytes; /* of the whole mapping */
  float *data;
  size_t count;
} Array;

/* What the handler of SIGSEGV looks an address up in. */
static const RvArrays *watched;

static Array *
array_at (const RvArrays *arrays, guint k)
{
  return &g_array_index (arrays->items, Array, k);
}

RvArrays *
rv_arrays_new (gboolean guarded)
{
  RvArrays *arrays = g_new0 (RvArrays, 1);
  arrays->items = g_array_new (FALSE, FALSE, sizeof (Array));
  arrays->guarded = guarded;
  if (guarded)
    watched = arrays;
  return arrays;
}

void
rv_arrays_free (RvArrays *arrays)
{
  if (watched == arrays)
    watched = NULL;
  for (guint k = 0; k < arrays->items->len; k++)
    munmap (array_at (arrays, k)->map, array_at (arrays, k)->bytes);
  g_array_unref (arrays->items);
  g_free (arrays);
}

float *
rv_arrays_add (RvArrays *arrays, RvRole role, const char *name, size_t count)
{
  const size_t page = (size_t)sysconf (_SC_PAGESIZE), size = count * sizeof (float);
  const size_t inner = (size + page) / page * page; /* never empty */
  Array array = {
    .name = g_intern_string (name), .role = role, .page = page, .bytes = inner + 2 * page, .count = count
  };
  array.map = mmap (NULL, array.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (array.map == MAP_FAILED)
    g_error ("out of memory: %zu bytes", array.bytes);
  array.data = (float *)(array.map + page + inner - size);
  memset (array.map + page, CANARY, inner - size);
  if (arrays->guarded)
    {
      mprotect (array.map, page, PROT_NONE);
      mprotect (array.map + page + inner, page, PROT_NONE);
    }
  g_array_append_val (arrays->items, array);
  return array.data;
}

void
rv_arrays_seal (RvArrays *arrays)
{
  for (guint k = 0; arrays->guarded && k < arrays->items->len; k++)
    {
      const Array *a = array_at (arrays, k);
      if (a->role == RV_INPUT)
        mprotect (a->map + a->page, a->bytes - 2 * a->page, PROT_READ);
    }
}

void
rv_arrays_explain (const void *address, char *text, size_t room)
{
  const char *at = address;
  for (guint k = 0; watched != NULL && k < watched->items->len; k++)
    {
      const Array *a = array_at (watched, k);
      const char *begin = (const char *)a->data, *end = begin + a->count * sizeof (float);
      if (at < a->map || at >= a->map + a->bytes)
        continue;
      if (at >= end)
        snprintf (text, room, "went past the end of '%s': it has %zu floats, touched was float %zu", a->name,
                  a->count, (size_t)(at - begin) / sizeof (float));
      else if (at < begin)
        snprintf (text, room, "touched float -%zu of '%s', in front of its beginning",
                  ((size_t)(begin - at) + 3) / sizeof (float), a->name);
      else
        snprintf (text, room, "wrote to float %zu of '%s', which is to be read only",
                  (size_t)(at - begin) / 4, a->name);
    }
}

const char *
rv_arrays_overrun (const RvArrays *arrays)
{
  for (guint k = 0; k < arrays->items->len; k++)
    {
      const Array *a = array_at (arrays, k);
      for (const char *at = a->map + a->page; at < (const char *)a->data; at++)
        if ((unsigned char)*at != CANARY)
          return a->name;
    }
  return NULL;
}

void
rv_arrays_poison (RvArrays *arrays, float poison)
{
  for (guint k = 0; k < arrays->items->len; k++)
    for (size_t i = 0; array_at (arrays, k)->role == RV_OUTPUT && i < array_at (arrays, k)->count; i++)
      array_at (arrays, k)->data[i] = poison;
}

float *
rv_arrays_keep (const RvArrays *arrays)
{
  g_autoptr (GByteArray) kept = g_byte_array_new ();
  for (guint k = 0; k < arrays->items->len; k++)
    if (array_at (arrays, k)->role == RV_OUTPUT)
      g_byte_array_append (kept, (const guint8 *)array_at (arrays, k)->data,
                           (guint)(array_at (arrays, k)->count * sizeof (float)));
  return (float *)g_byte_array_free (g_steal_pointer (&kept), FALSE);
}

char *
rv_arrays_differ (const RvArrays *arrays, const float *kept, size_t period, size_t ignored)
{
  for (guint k = 0; k < arrays->items->len; k++)
    {
      const Array *a = array_at (arrays, k);
      if (a->role != RV_OUTPUT)
        continue;
      for (size_t i = 0; i < a->count; i++)
        {
          const float x = a->data[i], y = kept[i];
          if (i % period >= ignored && x != y && !(isnan (x) && isnan (y)))
            return g_strdup_printf ("'%s' [%zu] is %.9g, before it was %.9g", a->name, i, x, y);
        }
      kept += a->count;
    }
  return NULL;
}

const char *
rv_arrays_spoil (RvArrays *arrays, guint which, size_t period)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY, 3e38f };
  for (guint k = 0; k < arrays->items->len; k++)
    {
      const Array *a = array_at (arrays, k);
      if (a->role != RV_INPUT || which-- > 0)
        continue;
      for (size_t i = 0; i < a->count; i++)
        if (i % period < G_N_ELEMENTS (bad))
          a->data[i] = bad[i % period];
      return a->name;
    }
  return NULL;
}
