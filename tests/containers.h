/* Containers that tests make byte by byte, good ones and ones that lie. */
#ifndef TEST_CONTAINERS_H
#define TEST_CONTAINERS_H

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  const char *name; /* ends with a slash: a folder */
  const void *bytes;
  gsize n;
} TestMember;

static inline void
test_put (GByteArray *to, guint64 number, guint n)
{
  for (guint k = 0; k < n; k++)
    g_byte_array_append (to, (const guint8[]){ (guint8)(k < 8 ? number >> 8 * k : 0) }, 1);
}

static inline void
test_put_big (GByteArray *to, guint64 number, guint n)
{
  while (n--)
    g_byte_array_append (to, (const guint8[]){ (guint8)(number >> 8 * n) }, 1);
}

static inline void
test_put_text (GByteArray *to, const char *text)
{
  g_byte_array_append (to, (const guint8 *)text, (guint)strlen (text));
}

/* Writes and consumes the bytes. */
static inline void
test_write (GByteArray *bytes, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_path_get_dirname (path);
  g_mkdir_with_parents (folder, 0700);
  g_file_set_contents (path, (const char *)bytes->data, bytes->len, &error);
  g_assert_no_error (error);
  g_byte_array_unref (bytes);
}

/* The bytes (consumed) as gzip. */
static inline GByteArray *
test_gzip (GByteArray *bytes)
{
  g_autoptr (GConverter) gzip = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6));
  GByteArray *packed = g_byte_array_new ();
  gsize at = 0, taken, made;
  GConverterResult result;
  do
    {
      guint8 block[4096];
      result = g_converter_convert (gzip, bytes->data + at, bytes->len - at, block, sizeof block,
                                    G_CONVERTER_INPUT_AT_END, &taken, &made, NULL);
      at += taken;
      g_byte_array_append (packed, block, (guint)made);
    }
  while (result == G_CONVERTER_CONVERTED);
  g_assert_cmpint (result, ==, G_CONVERTER_FINISHED);
  g_byte_array_unref (bytes);
  return packed;
}

static inline guint32
test_crc32 (const guint8 *bytes, gsize n)
{
  guint32 crc = 0xffffffff;
  for (gsize k = 0; k < n; k++)
    {
      crc ^= bytes[k];
      for (int bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  return ~crc;
}

/* What a zip says of a member, in front of it and in the directory at the end. */
static inline void
test_put_zip_facts (GByteArray *zip, const TestMember *member)
{
  const guint32 crc = test_crc32 (member->bytes, member->n);
  test_put (zip, 20, 2);
  test_put (zip, 0x800, 2); /* names are UTF-8 */
  test_put (zip, 0, 2);     /* stored */
  test_put (zip, 0x21 << 16, 4);
  test_put (zip, crc, 4);
  test_put (zip, member->n, 4);
  test_put (zip, member->n, 4);
  test_put (zip, strlen (member->name), 2);
  test_put (zip, 0, 2);
}

/* A zip that ends with a comment, as some do. */
static inline GByteArray *
test_zip (const TestMember *members, guint n)
{
  GByteArray *zip = g_byte_array_new (), *directory = g_byte_array_new ();
  for (guint k = 0; k < n; k++)
    {
      test_put (directory, 0x02014b50, 4);
      test_put (directory, 20 | 3 << 8, 2);
      test_put_zip_facts (directory, &members[k]);
      test_put (directory, 0, 6);
      test_put (directory, g_str_has_suffix (members[k].name, "/") ? 040755u << 16 : 0100644u << 16, 4);
      test_put (directory, zip->len, 4);
      test_put_text (directory, members[k].name);
      test_put (zip, 0x04034b50, 4);
      test_put_zip_facts (zip, &members[k]);
      test_put_text (zip, members[k].name);
      g_byte_array_append (zip, members[k].bytes, (guint)members[k].n);
    }
  const guint start = zip->len;
  g_byte_array_append (zip, directory->data, directory->len);
  test_put (zip, 0x06054b50, 4);
  test_put (zip, 0, 4);
  test_put (zip, n, 2);
  test_put (zip, n, 2);
  test_put (zip, directory->len, 4);
  test_put (zip, start, 4);
  test_put (zip, 3, 2);
  test_put_text (zip, "end");
  g_byte_array_unref (directory);
  return zip;
}

static inline GByteArray *
test_tar (const TestMember *members, guint n)
{
  static const guint8 zeros[1024];
  GByteArray *tar = g_byte_array_new ();
  for (guint k = 0; k < n; k++)
    {
      char header[512] = "";
      guint sum = 8 * ' ';
      const gboolean folder = g_str_has_suffix (members[k].name, "/");
      g_strlcpy (header, members[k].name, 100);
      g_snprintf (header + 100, 8, "%07o", folder ? 0755 : 0644);
      g_snprintf (header + 124, 12, "%011o", (guint)members[k].n);
      g_snprintf (header + 136, 12, "%011o", 0);
      header[156] = folder ? '5' : '0';
      memcpy (header + 257, "ustar\00000", 8);
      for (guint b = 0; b < sizeof header; b++)
        sum += (guint8)header[b];
      g_snprintf (header + 148, 8, "%06o", sum);
      header[155] = ' ';
      g_byte_array_append (tar, (const guint8 *)header, sizeof header);
      g_byte_array_append (tar, members[k].bytes, (guint)members[k].n);
      g_byte_array_append (tar, zeros, (512 - members[k].n % 512) % 512);
    }
  g_byte_array_append (tar, zeros, sizeof zeros);
  return tar;
}

/* The members as files below `path`. */
static inline void
test_unpack (const TestMember *members, guint n, const char *path)
{
  for (guint k = 0; k < n; k++)
    {
      g_autofree char *file = g_build_filename (path, members[k].name, NULL);
      GByteArray *bytes = g_byte_array_new ();
      if (g_str_has_suffix (file, "/"))
        g_byte_array_unref (bytes);
      else
        test_write (g_byte_array_append (bytes, members[k].bytes, (guint)members[k].n), file);
    }
}

#endif
