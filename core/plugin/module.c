/* Opens one plugin file. What the dynamic linker would only trip over is looked at before, and a plugin
 * that changes how the processor computes is refused. */
#include "plugin/module.h"

#include "plugin/descriptor.h"

#include <errno.h>
#include <fenv.h>
#include <gmodule.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "." G_MODULE_SUFFIX

char *
rv_module_base (const char *kind, const char *name)
{
  return g_strconcat (kind, "-", name, SUFFIX, NULL);
}

gboolean
rv_module_split (const char *file, char **kind, char **name)
{
  g_autofree char *base = g_path_get_basename (file);
  char *dash = strchr (base, '-');

  if (!g_str_has_suffix (base, SUFFIX) || dash == NULL)
    return FALSE;
  base[strlen (base) - strlen (SUFFIX)] = '\0';
  *dash = '\0';
  if (!g_strv_contains (rv_registry_kinds (), base) || !rv_is_word (dash + 1, "-_"))
    return FALSE;
  *kind = g_strdup (base);
  *name = g_strdup (dash + 1);
  return TRUE;
}

/* Why the content can not be a module, owned; or NULL. The linker reads past the end of a file that is cut
 * off. */
static char *
check_content (const char *bytes, gsize length)
{
  ElfW (Ehdr) header;

  if (length == 0)
    return g_strdup ("the file is empty");
  if (length < SELFMAG || memcmp (bytes, ELFMAG, SELFMAG) != 0)
    return g_strdup ("the file is no shared library (not ELF)");
  if (length < sizeof header)
    return g_strdup_printf ("the file is cut off after %zu bytes", length);
  memcpy (&header, bytes, sizeof header);
  if (header.e_shoff > length || (gsize)header.e_shnum * header.e_shentsize > length - header.e_shoff)
    return g_strdup_printf ("the file is cut off after %zu bytes", length);
  return NULL;
}

static char *
check_file (const char *file, char **hash)
{
  g_autoptr (GMappedFile) map = NULL;
  struct stat status;
  char *why;

  if (stat (file, &status) != 0 || access (file, R_OK) != 0)
    return g_strdup_printf ("the file can not be read: %s", g_strerror (errno));
  if (!S_ISREG (status.st_mode))
    return g_strdup_printf ("it is %s, not a file",
                            S_ISDIR (status.st_mode) ? "a folder" : "a device or pipe");
  map = g_mapped_file_new (file, FALSE, NULL);
  if (map == NULL)
    return g_strdup ("the file can not be read");
  why = check_content (g_mapped_file_get_contents (map), g_mapped_file_get_length (map));
  if (why == NULL && hash != NULL)
    *hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)g_mapped_file_get_contents (map),
                                         g_mapped_file_get_length (map));
  return why;
}

/* Rounding, flushing of denormals and masks of this thread; not the sticky flags, which any sum may raise. */
static guint64
float_state (void)
{
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr () & ~0x3Fu;
#elif defined(__aarch64__)
  guint64 state;
  __asm__("mrs %0, fpcr" : "=r"(state));
  return state;
#else
  return (guint64)fegetround ();
#endif
}

static void
restore_float_state (guint64 state)
{
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr ((guint)state);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(state));
#else
  fesetround ((int)state);
#endif
}

/* A refused module stays open, as all do: its code may have left pointers behind. */
const RvPlugin *
rv_module_open (const char *file, char **hash, char **why)
{
  g_autofree char *kind = NULL, *name = NULL;
  const guint64 state = float_state ();
  gpointer symbol = NULL;
  GModule *module;
  gboolean changed;

  if (!rv_module_split (file, &kind, &name))
    *why = g_strdup ("its name is not KIND-NAME" SUFFIX " with a KIND that there is");
  else
    *why = check_file (file, hash);
  if (*why != NULL)
    return NULL;
  module = g_module_open (file, G_MODULE_BIND_LOCAL);
  changed = float_state () != state;
  restore_float_state (state);
  if (module == NULL)
    {
      const char *text = g_module_error ();

      /* the linker begins with the file, which the caller names */
      if (g_str_has_prefix (text, file))
        text += strlen (file) + strspn (text + strlen (file), ": ");
      *why = g_strdup (text);
      return NULL;
    }
  g_module_make_resident (module);
  if (changed)
    *why = g_strdup ("loading it changed how the processor computes (built with -ffast-math?)");
  else if (!g_module_symbol (module, "rv_plugin", &symbol) || symbol == NULL)
    *why = g_strdup ("it exports no rv_plugin: see RV_PLUGIN in <ranvier/plugin.h>");
  else
    *why = rv_descriptor_check (symbol, kind, name);
  return *why == NULL ? rv_descriptor_copy (symbol) : NULL;
}
