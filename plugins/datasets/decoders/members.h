/* What files a folder or an archive has, without reading them. */
#ifndef DECODERS_MEMBERS_H
#define DECODERS_MEMBERS_H

#include <glib.h>

/* Names (char *, owned by the array) as rv_archive_next gives them, in any order. Quick for a folder and
 * for a zip, whose central directory has them all in one place. NULL with an error. */
GPtrArray *members_list (const char *path, GError **error);

/* The folder right above a file: "0" of "Train/0/00002.bin", "" if there is none. The caller owns it. */
char *members_folder (const char *name);

#endif
