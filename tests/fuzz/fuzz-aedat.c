/* Any bytes as a file of AEDAT 3.1; the first says how its events are taken, and with bit 3 whether the
 * lines in front are there or are left to the rest. */
#include "camera.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char lines[] = "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n";
  Decoder decoder;
  if (size < 1)
    return 0;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  if (data[0] & 8)
    g_byte_array_append (bytes, (const guint8 *)lines, (guint)strlen (lines));
  g_byte_array_append (bytes, data + 1, (guint)size - 1);
  /* a copy of just that length, so that reading behind it is seen */
  g_autofree guint8 *copy = g_memdup2 (bytes->data, bytes->len);
  if (copy)
    aedat_begin (&decoder, copy, bytes->len);
  if (copy)
    check_decoder (&decoder, data[0], 8);
  return 0;
}
