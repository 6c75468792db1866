/* dataset/nmnist, dataset/dvsgesture and dataset/events on files that are made here, byte by byte: what
 * comes out, event by event, and what is refused with which words. */
#include "containers.h"
#include "load.h"
#include "support.h"

typedef struct
{
  char *folder;
} Place;

static void
set_up (Place *place, gconstpointer data)
{
  place->folder = g_dir_make_tmp ("ranvier-XXXXXX", NULL);
}

static void
tear_down (Place *place, gconstpointer data)
{
  test_remove (place->folder);
  g_free (place->folder);
}

/* "{use: dataset/NAME, folder: FOLDER, MORE}" */
static char *
node (const Place *place, const char *name, const char *more)
{
  return g_strdup_printf ("{use: dataset/%s, folder: %s%s%s}", name, place->folder, *more ? ", " : "", more);
}

static void
refused (const Place *place, const char *name, const char *more, gboolean checked, const char *words)
{
  g_autofree char *text = node (place, name, more);
  test_refused (text, checked, words);
}

/* Recordings as "label: time unit, time unit / duration; ". */
static char *
content (const Place *place, const char *name, const char *more)
{
  g_autofree char *text = node (place, name, more);
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (RvRecording) r = { 0 };
  g_autoptr (GString) found = g_string_new ("");
  g_assert_no_error (loaded.error);
  const RvNode *made = loaded.graph->nodes->pdata[0];
  const uint64_t told = ((RvPortValue *)made->outputs->pdata[0])->spec.duration;
  if (told) /* it is for transform/bins, which counts steps by it before anything is read */
    g_assert_cmpuint (told, ==, rv_dataset_spec (loaded.data)->duration);
  for (uint32_t id = 0; id < rv_dataset_spec (loaded.data)->samples; id++)
    {
      g_assert_true (rv_dataset_read (loaded.data, 0, id, &r, NULL));
      g_assert_cmpint (r.form, ==, RV_FORM_EVENTS);
      g_string_append_printf (found, "%u:", r.label);
      for (uint32_t k = 0; k < r.n_events; k++)
        g_string_append_printf (found, " %u %u,", r.times[k], r.ids[k]);
      g_string_append_printf (found, " / %u; ", r.duration);
    }
  return g_string_free (g_steal_pointer (&found), FALSE);
}

static void
check_content (const Place *place, const char *name, const char *more, const char *expected)
{
  g_autofree char *found = content (place, name, more);
  g_assert_cmpstr (found, ==, expected);
}

/* What check says, without a run. */
static RvDatasetSpec
checked (const Place *place, const char *name, const char *more)
{
  g_autofree char *text = node (place, name, more);
  g_auto (TestLoaded) loaded = test_load (text);
  g_assert_true (loaded.checked);
  RvNode *made = loaded.graph->nodes->pdata[0];
  return ((RvPortValue *)made->outputs->pdata[0])->spec;
}

/* ---- N-MNIST */

#define BIN(x, y, on, t) x, y, (on) << 7 | (t) >> 16, (t) >> 8 & 255, (t)&255

static const guint8 seven[] = { BIN (3, 2, 1, 10),   BIN (33, 33, 0, 10), BIN (0, 240, 0, 99),
                                BIN (0, 0, 0, 5000), BIN (9, 240, 1, 0),  BIN (1, 0, 1, 5000) },
                    two[] = { BIN (0, 1, 1, 0x7fffff) };

static const TestMember digits[] = { { "Train/", "", 0 },
                                     { "Train/2/", "", 0 },
                                     { "Train/2/00002.bin", two, sizeof two },
                                     { "Train/7/", "", 0 },
                                     { "Train/7/00001.bin", seven, sizeof seven },
                                     { "Train/7/00003.bin", two, sizeof two },
                                     { "Train/README.txt", "hello", 5 } };

/* unit = (on * 34 + y) * 34 + x; each event with y 240 adds 8192 us to all after it */
#define SEVEN "7: 10 1227, 10 1155, 13192 0, 21384 1157, / 21385; "
#define TWO "2: 8388607 1190, / 8388608; "

static char *
in (const Place *place, const char *name)
{
  return g_build_filename (place->folder, name, NULL);
}

static void
test_nmnist (Place *place, gconstpointer data)
{
  g_autofree char *zip = in (place, "Train.zip");
  test_unpack (digits, G_N_ELEMENTS (digits), place->folder);
  for (guint k = 0; k < 3; k++)
    {
      check_content (place, "nmnist", "", SEVEN TWO "7: 8388607 1190, / 8388608; ");
      check_content (place, "nmnist", "classes: [2]", "0: 8388607 1190, / 8388608; ");
      const RvDatasetSpec spec = checked (place, "nmnist", "samples: 2");
      g_assert_cmpuint (spec.samples, ==, 2);
      g_assert_cmpuint (spec.units, ==, 2312);
      g_assert_cmpmem (spec.dims, 12, ((uint32_t[]){ 2, 34, 34 }), 12);
      /* the zip comes first; then what no directory lists quickly */
      test_write (k == 0 ? test_zip (digits, G_N_ELEMENTS (digits))
                         : test_gzip (test_tar (digits, G_N_ELEMENTS (digits))),
                  zip);
    }
}

static void
with_bin (const Place *place, const char *name, const guint8 *bytes, gsize n)
{
  const TestMember members[] = { { "Train/0/00009.bin", two, sizeof two }, { name, bytes, n } };
  g_autofree char *zip = in (place, "Train.zip");
  test_write (test_zip (members, 2), zip);
}

#define WITH_BIN(place, name, ...)                                                                           \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    const guint8 made_bytes[] = { __VA_ARGS__ };                                                             \
    with_bin (place, name, made_bytes, sizeof made_bytes);                                                   \
  }                                                                                                          \
  G_STMT_END

static void
test_nmnist_refused (Place *place, gconstpointer data)
{
  refused (place, "nmnist", "", FALSE, "Train.zip was not found");
  WITH_BIN (place, "Train/1/00001.bin", BIN (0, 0, 0, 1), BIN (34, 0, 0, 2));
  refused (place, "nmnist", "", TRUE,
           "Train.zip, member Train/1/00001.bin, byte 5: |x = 34, y = 0, outside of 34 x 34");
  WITH_BIN (place, "Train/1/00001.bin", BIN (0, 34, 0, 1));
  refused (place, "nmnist", "", TRUE, "byte 0: |y = 34");
  WITH_BIN (place, "Train/1/00001.bin", BIN (0, 0, 0, 7), BIN (0, 0, 0, 8), BIN (5, 0, 0, 3),
            BIN (6, 0, 0, 3));
  refused (place, "nmnist", "", TRUE,
           "member Train/1/00001.bin, byte 10: times run backwards, from 8 to 3 us|strict: no");
  check_content (place, "nmnist", "strict: no, classes: [1]", "0: 3 5, 3 6, 7 0, 8 0, / 9; ");
  WITH_BIN (place, "Train/1/00001.bin", BIN (0, 0, 0, 7), 1, 2, 3);
  refused (place, "nmnist", "", TRUE, "byte 5: cut off in an event: 8 bytes are no multiple of 5");
  WITH_BIN (place, "Train/1/00001.bin", BIN (0, 240, 0, 7));
  refused (place, "nmnist", "", TRUE, "member Train/1/00001.bin: holds no event");
  with_bin (place, "Train/1/00001.bin", two, 0);
  refused (place, "nmnist", "", TRUE, "holds no event|strict: no");
  with_bin (place, "Train/10/00001.bin", two, sizeof two);
  refused (place, "nmnist", "", FALSE, "Train.zip, member Train/10/00001.bin|0 to 9");
  with_bin (place, "00001.bin", two, sizeof two);
  refused (place, "nmnist", "", FALSE, "member 00001.bin|0 to 9");
  with_bin (place, "Train/0/00009.bin", two, sizeof two);
  refused (place, "nmnist", "", TRUE, "Train.zip holds Train/0/00009.bin twice");
  refused (place, "nmnist", "split: test", FALSE, "Test.zip was not found");
  g_autofree char *zip = in (place, "Train.zip"), *test = in (place, "Test.zip");
  test_write (test_zip (digits, 2), test);
  refused (place, "nmnist", "split: test", FALSE, "holds no recording");
}

/* Damage in a zip that check, which reads the directory alone, can not see; and 5 MB where a digit should
 * be. */
static void
test_nmnist_damaged (Place *place, gconstpointer data)
{
  g_autofree char *zip = in (place, "Train.zip");
  GByteArray *bytes = test_zip (digits + 2, 1);
  bytes->data[30 + strlen (digits[2].name) + 1] ^= 1;
  test_write (bytes, zip);
  refused (place, "nmnist", "", TRUE, "Train.zip, member Train/2/00002.bin, byte |bad CRC");
  bytes = test_zip (digits, G_N_ELEMENTS (digits));
  /* the directory says it has fewer than it has: the archive is walked through */
  bytes->data[bytes->len - 25 + 8] = bytes->data[bytes->len - 25 + 10] = 4;
  test_write (bytes, zip);
  g_assert_cmpuint (checked (place, "nmnist", "").samples, ==, 3);
  check_content (place, "nmnist", "classes: [2]", "0: 8388607 1190, / 8388608; ");
  g_byte_array_set_size (bytes = g_byte_array_new (), 5 << 20);
  memset (bytes->data, 0, bytes->len);
  const TestMember large = { "Train/1/00001.bin", bytes->data, bytes->len };
  test_write (test_zip (&large, 1), zip);
  g_byte_array_unref (bytes);
  refused (place, "nmnist", "", TRUE, "member Train/1/00001.bin, byte 4194304: goes on");
}

/* ---- AEDAT 3.1 */

static GByteArray *
aedat (const char *more)
{
  GByteArray *bytes = g_byte_array_new ();
  test_put_text (bytes, "#!AER-DAT3.1\r\n#Format: RAW\r\n");
  test_put_text (bytes, more);
  test_put_text (bytes, "#!END-HEADER\r\n");
  return bytes;
}

static void
put_packet (GByteArray *to, guint type, guint size, guint time_at, guint overflow, guint capacity,
            guint number)
{
  test_put (to, type, 2);
  test_put (to, 1, 2);
  test_put (to, size, 4);
  test_put (to, time_at, 4);
  test_put (to, overflow, 4);
  test_put (to, capacity, 4);
  test_put (to, number, 4);
  test_put (to, number, 4);
}

static guint32
polarity (guint x, guint y, guint on, guint valid)
{
  return x << 17 | y << 2 | on << 1 | valid;
}

static void
put_event (GByteArray *to, guint x, guint y, guint on, guint32 time)
{
  test_put (to, polarity (x, y, on, 1), 4);
  test_put (to, time, 4);
}

/* Two clips: one before the clock goes over, one behind. Other packets, other sizes, invalid events, room
 * for more events than there are. */
static GByteArray *
make_aedat (guint first_x)
{
  GByteArray *bytes = aedat ("#Source 1: DVS128\r\n");
  put_packet (bytes, 0, 8, 4, 0, 1, 1); /* special */
  put_event (bytes, 0, 0, 1, 0);
  put_packet (bytes, 1, 8, 4, 0, 4, 3);
  put_event (bytes, 99, 1, 1, 999); /* before the clip */
  put_event (bytes, first_x, 1, 1, 1000);
  put_event (bytes, 127, 127, 0, 1500);
  put_event (bytes, 77, 7, 1, 5);         /* room alone */
  put_packet (bytes, 2, 36, 12, 0, 2, 2); /* frames */
  for (guint k = 0; k < 18; k++)
    test_put (bytes, 0xffffffff, 4);
  put_packet (bytes, 1, 12, 8, 0, 2, 2);      /* the time stands elsewhere */
  test_put (bytes, polarity (5, 6, 1, 0), 4); /* not valid */
  test_put (bytes, G_GUINT64_CONSTANT (1700) << 32, 8);
  test_put (bytes, polarity (5, 6, 1, 1), 4);
  test_put (bytes, 3, 4);
  test_put (bytes, 2000, 4); /* the last of the clip */
  put_packet (bytes, 1, 8, 4, 1, 3, 3);
  put_event (bytes, 2, 0, 0, 0); /* the first of the next one, at 2^31 */
  put_event (bytes, 3, 0, 0, 100);
  put_event (bytes, 4, 0, 0, 102);
  return bytes;
}

#define TABLE "class,startTime_usec,endTime_usec\r\n11,1000,2000\r\n1,2147483648,2147483749\r\n"
/* unit = (on * 128 + y) * 128 + x */
#define CLIPS(x) "10: 0 " x ", 500 16383, 1000 17157, / 1001; 0: 0 2, 100 3, / 102; "

/* The archive: its members in the order that `order` gives by letters. */
static void
make_gesture (const Place *place, const char *order, const char *name)
{
  GByteArray *led = make_aedat (9), *natural = make_aedat (8), *test = make_aedat (7);
  const TestMember all[]
      = { { "DvsGesture/user01_led.aedat", led->data, led->len },
          { "DvsGesture/user01_led_labels.csv", TABLE, strlen (TABLE) },
          { "DvsGesture/user02_natural.aedat", natural->data, natural->len },
          { "DvsGesture/user02_natural_labels.csv", TABLE, strlen (TABLE) },
          { "DvsGesture/user24_led.aedat", test->data, test->len },
          { "DvsGesture/user24_led_labels.csv", TABLE, strlen (TABLE) },
          { "DvsGesture/trials_to_train.txt", "user02_natural.aedat\r\nuser01_led.aedat\n\n", 40 },
          { "DvsGesture/trials_to_test.txt", "user24_led.aedat", 16 },
          { "DvsGesture/README.txt", "hello", 5 } };
  TestMember chosen[12];
  const guint n = (guint)strlen (order);
  for (guint k = 0; k < n; k++)
    chosen[k] = all[order[k] - 'a'];
  g_autofree char *path = in (place, name);
  if (g_str_has_suffix (name, ".gz"))
    test_write (test_gzip (test_tar (chosen, n)), path);
  else if (g_str_has_suffix (name, ".tar"))
    test_write (test_tar (chosen, n), path);
  else
    test_unpack (chosen, n, path);
  g_byte_array_unref (led);
  g_byte_array_unref (natural);
  g_byte_array_unref (test);
}

#define TRAIN CLIPS ("16520") CLIPS ("16521")

static void
test_gesture (Place *place, gconstpointer data)
{
  static const char *const orders[] = { "hgabcdefi", "gabcdefih", "bdfaceghi", "acebdfigh", "fedcbaigh" };
  for (guint k = 0; k < G_N_ELEMENTS (orders); k++)
    {
      make_gesture (place, orders[k], "DvsGesture.tar.gz");
      check_content (place, "dvsgesture", "", TRAIN);
      check_content (place, "dvsgesture", "split: test", CLIPS ("16519"));
      check_content (place, "dvsgesture", "classes: [hand_clapping], samples: 1", "0: 0 2, 100 3, / 102; ");
    }
  g_assert_cmpuint (checked (place, "dvsgesture", "split: test").samples, ==, 288);
  test_remove (place->folder);
  make_gesture (place, "fedcbaigh", "DvsGesture.tar");
  check_content (place, "dvsgesture", "", TRAIN);
  g_assert_cmpuint (checked (place, "dvsgesture", "").samples, ==, 4);
  test_remove (place->folder);
  make_gesture (place, "abcdefghi", ".");
  check_content (place, "dvsgesture", "", TRAIN);
  const RvDatasetSpec spec = checked (place, "dvsgesture", "split: test");
  g_assert_cmpuint (spec.samples, ==, 2);
  g_assert_cmpmem (spec.dims, 12, ((uint32_t[]){ 2, 128, 128 }), 12);
  g_assert_cmpstr (spec.classes_names[10], ==, "other_gestures");
  g_assert_cmpuint (spec.duration, ==, 1001);
}

/* Of what the makers publish something is missing or twice. */
static void
test_gesture_missing (Place *place, gconstpointer data)
{
  static const char name[] = "DvsGesture.tar.gz";
  refused (place, "dvsgesture", "", FALSE, "DvsGesture.tar.gz was not found");
  make_gesture (place, "abcdefhi", name);
  refused (place, "dvsgesture", "", TRUE, "DvsGesture.tar.gz holds no trials_to_train.txt");
  make_gesture (place, "bcdefghi", name);
  refused (place, "dvsgesture", "", TRUE,
           "lists user01_led.aedat in trials_to_train.txt, but holds no recording of that name");
  make_gesture (place, "abcefghi", name);
  refused (place, "dvsgesture", "", TRUE, "lists user02_natural.aedat|no table of its clips");
  make_gesture (place, "abcdefgg", name);
  refused (place, "dvsgesture", "", TRUE,
           "trials_to_train.txt: line 1: user02_natural.aedat is listed twice");
  make_gesture (place, "abcdefgahi", name);
  refused (place, "dvsgesture", "", TRUE, "holds user01_led.aedat twice");
}

/* One recording and its table. */
static void
with_aedat (const Place *place, GByteArray *recording, const char *table)
{
  const TestMember members[] = { { "trials_to_train.txt", "a.aedat", 7 },
                                 { "a_labels.csv", table, strlen (table) },
                                 { "a.aedat", recording->data, recording->len } };
  g_autofree char *path = in (place, "DvsGesture.tar.gz");
  test_write (test_gzip (test_tar (members, 3)), path);
  g_byte_array_unref (recording);
}

static void
test_gesture_tables (Place *place, gconstpointer data)
{
  static const struct
  {
    const char *row, *words;
  } wrong[]
      = { { "12,1000,2000", "line 2: a clip is written as class (1 to 11)" },
          { "0,1000,2000", "line 2" },
          { "1,2000,2000", "line 2" },
          { "1,1000", "line 2" },
          { "1,1000,2000,1", "line 2" },
          { "1,-1000,2000", "line 2" },
          { "1,1000,99999999999999999999999", "line 2" },
          { "1,3000,4000",
            "member a.aedat: holds no event|; in clip 1 of a.aedat, hand_clapping from 3000 to 4000 us" } };
  for (guint k = 0; k < G_N_ELEMENTS (wrong); k++)
    {
      g_autofree char *table = g_strconcat ("class,start,end\n", wrong[k].row, NULL);
      with_aedat (place, make_aedat (1), table);
      refused (place, "dvsgesture", "", TRUE, wrong[k].words);
    }
}

typedef void (*Spoil) (GByteArray *bytes);

static void
spoil_size (GByteArray *bytes)
{
  put_packet (bytes, 1, 0x7fffffff, 4, 0, 0x7fffffff, 1);
}

static void
spoil_number (GByteArray *bytes)
{
  put_packet (bytes, 1, 8, 4, 0, 1, 2);
  test_put (bytes, 0, 8);
}

static void
spoil_time_at (GByteArray *bytes)
{
  put_packet (bytes, 1, 8, 5, 0, 1, 1);
  test_put (bytes, 0, 8);
}

static void
spoil_stride (GByteArray *bytes)
{
  put_packet (bytes, 1, 0, 4, 0, 1000000000, 1000000000);
}

static void
spoil_overflow (GByteArray *bytes)
{
  put_packet (bytes, 1, 8, 4, 0xffffffff, 1, 1);
  test_put (bytes, 1, 8);
}

static void
spoil_time (GByteArray *bytes)
{
  put_packet (bytes, 1, 8, 4, 0, 1, 1);
  put_event (bytes, 1, 1, 1, 0x80000000);
}

static void
spoil_order (GByteArray *bytes)
{
  put_packet (bytes, 1, 8, 4, 0, 1, 1);
  put_event (bytes, 1, 1, 1, 1200);
}

static void
spoil_pixel (GByteArray *bytes)
{
  put_packet (bytes, 1, 8, 4, 3, 1, 1);
  put_event (bytes, 1, 128, 1, 1);
}

static void
spoil_end (GByteArray *bytes)
{
  test_put (bytes, 1, 27);
}

static void
test_gesture_spoilt (Place *place, gconstpointer data)
{
  static const struct
  {
    Spoil spoil;
    const char *words;
  } wrong[] = {
    { spoil_size,
      "byte 361: a packet says it has room for 2147483647 events of 2147483647 bytes, 0 bytes follow" },
    { spoil_number, "byte 361: a packet says it holds 2 events and has room for 1" },
    { spoil_time_at, "byte 361: a packet says its events have 8 bytes, with the time at 5" },
    { spoil_stride, "byte 361: a packet says its events have 0 bytes" },
    { spoil_overflow, "byte 361: a packet says the clock went over -1 times" },
    { spoil_time, "byte 389: the time of an event is negative, -2147483648" },
    { spoil_order, "byte 389: times run backwards, from 2000 to 1200 us|; in clip 1 of a.aedat, "
                   "other_gestures from 1000 to 2000 us" },
    { spoil_pixel, "byte 389: an event at x = 1, y = 128, outside of 128 x 128" },
    { spoil_end, "byte 361: cut off in the header of a packet" },
  };
  for (guint k = 0; k < G_N_ELEMENTS (wrong); k++)
    {
      GByteArray *bytes = make_aedat (1);
      wrong[k].spoil (bytes);
      with_aedat (place, bytes, TABLE);
      refused (place, "dvsgesture", "", TRUE, wrong[k].words);
    }
  GByteArray *bytes = make_aedat (9);
  spoil_order (bytes);
  with_aedat (place, bytes, TABLE);
  check_content (place, "dvsgesture", "strict: no",
                 "10: 0 16521, 200 16513, 500 16383, 1000 17157, / 1001; 0: 0 2, 100 3, / 102; ");
}

/* A clock that is set anew in front of a clip disturbs none, wherever the table stands. */
static void
test_gesture_clock (Place *place, gconstpointer data)
{
  GByteArray *bytes = aedat (""), *later = make_aedat (9);
  put_packet (bytes, 1, 8, 4, 2, 2, 2);
  put_event (bytes, 1, 1, 1, 7);
  put_event (bytes, 1, 1, 1, 6);
  g_byte_array_append (bytes, later->data + 61, later->len - 61); /* without the lines in front */
  const TestMember members[] = { { "trials_to_train.txt", "a.aedat", 7 },
                                 { "a.aedat", bytes->data, bytes->len },
                                 { "a_labels.csv", TABLE, strlen (TABLE) },
                                 { "trials_to_train.txt", "a.aedat", 7 } };
  g_autofree char *path = in (place, "DvsGesture.tar.gz");
  for (guint first = 0; first < 2; first++)
    {
      test_write (test_gzip (test_tar (members + first, 3)), path);
      check_content (place, "dvsgesture", "", CLIPS ("16521"));
    }
  with_aedat (place, bytes, TABLE);
  check_content (place, "dvsgesture", "", CLIPS ("16521"));
  g_byte_array_unref (later);
  GByteArray *wrong = make_aedat (9);
  spoil_order (wrong);
  const TestMember late[] = { { "a.aedat", wrong->data, wrong->len },
                              { "a_labels.csv", TABLE, strlen (TABLE) },
                              { "trials_to_train.txt", "a.aedat", 7 } };
  test_write (test_gzip (test_tar (late, 3)), path);
  refused (place, "dvsgesture", "", TRUE, "times run backwards, from 2000 to 1200 us|in clip 1 of a.aedat");
  g_byte_array_unref (wrong);
}

static void
test_aedat_headers (Place *place, gconstpointer data)
{
  static const struct
  {
    const char *text, *words;
  } wrong[]
      = { { "#!AER-DAT2.0\r\n#!END-HEADER\r\n", "byte 0: is AEDAT, but not of version 3.1" },
          { "#!AER-DAT3.1\r\n#Format: RAW\r\n", "byte 28: the lines in front of the events do not end" },
          { "#!AER-DAT3.1\r\n#Format: RAW\r\nx\n", "byte 28: the lines in front" },
          { "#!AER-DAT3.1\r\n#Format: SerializedTS\r\n#!END-HEADER\r\n", "byte 14: the events are packed" },
          { "#!AER-DAT3.1\r\n#!END-HEADER\r\n", "holds no event|strict: no" } };
  for (guint k = 0; k < G_N_ELEMENTS (wrong); k++)
    {
      GByteArray *bytes = g_byte_array_new ();
      test_put_text (bytes, wrong[k].text);
      with_aedat (place, bytes, TABLE);
      refused (place, "dvsgesture", "", TRUE, wrong[k].words);
    }
}

/* ---- one's own */

static void
make_own (const Place *place, gboolean zip)
{
  static const guint8 one[] = { BIN (3, 2, 1, 10), BIN (9, 4, 0, 20) };
  GByteArray *camera = aedat ("#Source 0: DAVIS240C\r\n");
  put_packet (camera, 1, 8, 4, 0, 2, 2);
  put_event (camera, 7, 1, 0, 5000);
  put_event (camera, 6, 1, 1, 5004);
  const TestMember members[] = { { "own/README.md", "hello", 5 },
                                 { "own/10/b.bin", one, sizeof one },
                                 { "own/10/a.bin", one, sizeof one },
                                 { "own/9/b.aedat", camera->data, camera->len },
                                 { "own/9/.DS_Store", "rubbish", 7 } };
  const guint n = G_N_ELEMENTS (members);
  g_autofree char *path = in (place, zip ? "own.zip" : "");
  if (zip)
    test_write (test_zip (members, n), path);
  else
    test_unpack (members, n, path);
  g_byte_array_unref (camera);
}

/* unit = (on * height + y) * width + x, here of 240 x 180 */
#define OWN "1: 10 43683, 20 969, / 21; 0: 0 247, 4 43446, / 5; 1: 10 43683, 20 969, / 21; "

static void
test_own (Place *place, gconstpointer data)
{
  make_own (place, FALSE);
  make_own (place, TRUE);
  g_autofree char *root = place->folder;
  for (guint k = 0; k < 2; k++)
    {
      place->folder = g_build_filename (root, k ? "own.zip" : "own", NULL);
      check_content (place, "events", "", OWN);
      check_content (place, "events", "width: 300, height: 300", /* four bytes a pixel */
                     "1: 10 90603, 20 1209, / 21; 0: 0 307, 4 90306, / 5; 1: 10 90603, 20 1209, / 21; ");
      check_content (place, "events", "width: 10, height: 5, classes: ['10']",
                     "0: 10 73, 20 49, / 21; 0: 10 73, 20 49, / 21; ");
      const RvDatasetSpec spec = checked (place, "events", "split: test");
      g_assert_cmpuint (spec.samples, ==, 3);
      g_assert_cmpuint (spec.classes, ==, 2);
      g_assert_cmpmem (spec.dims, 12, ((uint32_t[]){ 2, 180, 240 }), 12);
      g_assert_cmpstr (spec.split, ==, "test");
      g_assert_cmpuint (spec.duration, ==, 21);
      refused (place, "events", "width: 9, height: 5", TRUE,
               "own/10/|.bin, byte 5: an event at x = 9, y = 4, outside of 9 x 5");
      refused (place, "events", "width: 9", FALSE, "both 'width' and 'height'");
      g_free (place->folder);
    }
  place->folder = g_steal_pointer (&root);
}

static void
test_own_refused (Place *place, gconstpointer data)
{
  g_autofree char *root = place->folder;
  place->folder = g_build_filename (root, "own", NULL);
  refused (place, "events", "", FALSE, "there is no file own in");
  test_refused ("{use: dataset/events}", FALSE, "'folder' is not given");
  g_mkdir (place->folder, 0700);
  refused (place, "events", "", FALSE, "holds no folders of recordings");
  const TestMember members[] = { { "a/x.bin", two, sizeof two }, { "a/y.bin", "12345678", 8 } };
  test_unpack (members, 2, place->folder);
  refused (place, "events", "", FALSE, "own/a/y.bin, byte 5: cut off in an event");
  refused (place, "events", "width: 128, height: 128", TRUE, "own/a/y.bin, byte 5: cut off in an event");
  g_free (place->folder);
  place->folder = g_steal_pointer (&root);
}

#define ADD(path, test) g_test_add (path, Place, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/nmnist/content", test_nmnist);
  ADD ("/nmnist/refused", test_nmnist_refused);
  ADD ("/nmnist/damaged", test_nmnist_damaged);
  ADD ("/dvsgesture/content", test_gesture);
  ADD ("/dvsgesture/missing", test_gesture_missing);
  ADD ("/dvsgesture/tables", test_gesture_tables);
  ADD ("/dvsgesture/spoilt", test_gesture_spoilt);
  ADD ("/dvsgesture/clock", test_gesture_clock);
  ADD ("/dvsgesture/headers", test_aedat_headers);
  ADD ("/events/content", test_own);
  ADD ("/events/refused", test_own_refused);
  return g_test_run ();
}
