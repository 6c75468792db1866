/** @file
 * Reading the files of a data set in the container in which its makers publish them: zip, tar, tar.gz, gzip,
 * one plain file, or a folder that somebody unpacked. What it is shows in its first bytes, not in its name.
 *
 * Nothing is believed of a header: memory is taken as bytes arrive, up to the caller's limit. Damage (a wrong
 * checksum, a cut, a file that is replaced meanwhile) ends in RV_ERROR_DATA that names file, member, offset.
 * One thread at a time.
 *
 * @code
 * g_autoptr (RvArchive) archive = rv_archive_open (path, error);
 * for (name = rv_archive_next (archive, &inner); name; name = rv_archive_next (archive, &inner))
 *   if (g_str_has_suffix (name, ".bin"))
 *     bytes = rv_archive_read_all (archive, most, &inner);
 * @endcode */
#ifndef RANVIER_ARCHIVE_H
#define RANVIER_ARCHIVE_H

#include <ranvier/base.h>

G_BEGIN_DECLS

/** A container that is being read, from its first member to its last. */
typedef struct RvArchive RvArchive;

/** Opens `path`. The caller owns the result; NULL with an error. */
RV_API RvArchive *rv_archive_open (const char *path, GError **error);

/** Closes and frees `archive`; NULL is let pass. */
RV_API void rv_archive_close (RvArchive *archive);

/** Goes on to the next member that is a file and not hidden; of a folder in ascending order of their names,
 * of an archive as they stand in it. A file by itself is its only member. Returns the name,
 * "Train/0/00002.bin", valid UTF-8 without control characters, borrowed until the next call; NULL at the end,
 * and NULL with an error. */
RV_API const char *rv_archive_next (RvArchive *archive, GError **error);

/** Bytes that the current member is said to have, -1 if nothing says it. It may not be true. */
RV_API int64_t rv_archive_size (const RvArchive *archive);

/** Reads the next `n` bytes of the current member into `buffer`. Returns how many there were, less than `n`
 * only at the member's end; -1 with an error. */
RV_API gssize rv_archive_read (RvArchive *archive, void *buffer, size_t n, GError **error);

/** Reads what is left of the current member; more than `most` bytes are an error. The caller owns the result;
 * NULL with an error. */
RV_API GBytes *rv_archive_read_all (RvArchive *archive, size_t most, GError **error);

/** Sets an error of RV_ERROR_DATA about the current member: its file, its name, `offset` in its bytes unless
 * that is negative, then what `format` says. */
RV_API void rv_archive_fail (const RvArchive *archive, int64_t offset, GError **error, const char *format,
                             ...) G_GNUC_PRINTF (4, 5);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvArchive, rv_archive_close)

G_END_DECLS

#endif
