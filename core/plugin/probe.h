/* Loads plugins in a child first, where one that crashes, hangs or exits does no harm. */
#ifndef RV_PROBE_H
#define RV_PROBE_H

#include <glib.h>

/* What a child found in a plugin file. */
typedef struct
{
  char *why; /* it can not be used; NULL: it can, and the rest is set */
  char *version, *doc;
} RvProbe;

void rv_probe_clear (RvProbe *probe);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RvProbe, rv_probe_clear)

/* Lets the child load `file` and fills `probe`. The child is `program` with the argument "probe"; it
 * serves until it dies or rv_probe_end, so that all files but the bad ones share one start. NULL: no child
 * is needed. Main thread. */
void rv_probe_file (const char *program, const char *file, RvProbe *probe);
/* Ends the child, if there is one. */
void rv_probe_end (void);

/* The child's side: a file in each line of standard input, an answer in each line of standard output. */
void rv_probe_serve (void);

#endif
