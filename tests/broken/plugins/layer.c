/* Layers that can not run, since they are whole in neither of the two forms; and one of each form that can: OLDER as
 * a plugin of ABI 1.0, whose functions end before 'declare' and something else follows, and DECLARES. */
#include <ranvier/ranvier.h>

G_GNUC_UNUSED static gboolean
build (void *self, RvLayerBuild *build, GError **error)
{
  return FALSE;
}

G_GNUC_UNUSED static void
run (const void *self, RvLayerPass *pass, uint32_t from, uint32_t to)
{
}

G_GNUC_UNUSED static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  return in;
}

#if defined(NO_BACKWARD)
static const RvLayerClass class = { .build = build, .forward = run };
#define SIZE sizeof class
#elif defined(NOTHING)
static const RvLayerClass class = { .build = NULL };
#define SIZE sizeof class
#elif defined(CUT)
static const RvLayerClass class = { build, run, run, declare };
#define SIZE offsetof (RvLayerClass, forward)
#elif defined(OLDER)
static const RvLayerClass class = { build, run, run, declare };
#define SIZE offsetof (RvLayerClass, declare)
#else
static const RvLayerClass class = { .declare = declare };
#define SIZE sizeof class
#endif

RV_PLUGIN ("layer", NAME) .version = "0.9", .licence = "LGPL-2.1-or-later", .doc = "A layer of one form or neither",
  .functions = &class, .functions_size = SIZE };
