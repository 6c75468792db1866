/* SHA-256 of files, remembered between runs by device, inode, size and times, so that a large dataset is
 * read once. */
#ifndef RV_FILEHASH_H
#define RV_FILEHASH_H

#include <ranvier/base.h>

/* The digest of a file's content in hexadecimal; the caller owns it. `again` reads the file whatever is
 * remembered. NULL with an error if it can not be read. Main thread. */
char *rv_file_hash (const char *path, gboolean again, GError **error);

/* The MD5 of a file, since that is what most makers of data publish; otherwise as rv_file_hash. */
char *rv_file_md5 (const char *path, gboolean again, GError **error);

/* The digest of the names and contents of the files of a folder, `names` below it; otherwise as
 * rv_file_hash. */
char *rv_files_hash (const char *folder, const GPtrArray *names, gboolean again, GError **error);

/* The digest of the library's own file: the build of the core. The caller owns it. Main thread. */
char *rv_build_hash (void);

#endif
