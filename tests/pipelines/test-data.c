/* `ranvier data` from outside: files found and judged, numbers, drawings, the cache; and fetching from a
 * server here that breaks off, lies about lengths and has wrong bytes. Nothing leaves this machine. */
#include "published/published.h"
#include "support.h"
#include <fcntl.h>
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  char *folder;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user)
{
  g_autoptr (GError) error = NULL;
  f->folder = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *cache = g_build_filename (f->folder, "cache", NULL),
                  *state = g_build_filename (f->folder, "state", NULL);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_setenv ("XDG_STATE_HOME", state, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer user)
{
  test_remove (f->folder);
  g_free (f->folder);
}

/* Runs `ranvier data ARGUMENTS` in the folder, which is the data folder too. Returns the exit code; what
 * it said on standard output and error. */
static int data (const Fixture *f, char **out, char **err, const char *format, ...) G_GNUC_PRINTF (4, 5);
static int
data (const Fixture *f, char **out, char **err, const char *format, ...)
{
  va_list list;
  va_start (list, format);
  g_autofree char *arguments = g_strdup_vprintf (format, list), *said = NULL, *wrong = NULL;
  va_end (list);
  g_autofree char *plugins = g_build_filename (g_getenv ("G_TEST_BUILDDIR"), "published", NULL);
  g_autofree char *line = g_strdup_printf ("'%s' data --data . --plugin-path '%s' %s",
                                           g_getenv ("RANVIER_PROGRAM"), plugins, arguments);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_sync (f->folder, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &said, &wrong, &status, &error);
  g_assert_no_error (error);
  test_say (line);
  test_say (said);
  test_say (wrong);
  g_assert_true (WIFEXITED (status));
  if (out)
    *out = g_steal_pointer (&said);
  if (err)
    *err = g_steal_pointer (&wrong);
  return WEXITSTATUS (status);
}

static char *
put (const Fixture *f, const char *name, const void *bytes, gssize size)
{
  char *path = g_build_filename (f->folder, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, bytes, size, NULL));
  return path;
}

static guchar content[PUBLISHED_SIZE];

/* Whether the file is there; if so it must be what was published. */
static gboolean
has_content (const Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL), *bytes = NULL;
  gsize size;
  if (!g_file_get_contents (path, &bytes, &size, NULL))
    return FALSE;
  g_assert_cmpmem (bytes, size, content, sizeof content);
  return TRUE;
}

/* Bytes of a file; -1: it is not there. */
static gint64
size_of (const Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);
  GStatBuf s;
  return g_stat (path, &s) == 0 ? s.st_size : -1;
}

/* ---- what is there */

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (text, &error);
  g_assert_no_error (error);
  return node;
}

/* The files of a set in `text`, a word each: "whole missing ...". Caller owns. */
static char *
states (const char *text)
{
  g_autoptr (JsonNode) root = parse (text);
  JsonArray *files = json_object_get_array_member (json_node_get_object (root), "files");
  GString *words = g_string_new (NULL);
  for (guint k = 0; k < json_array_get_length (files); k++)
    g_string_append_printf (
        words, "%s%s", k ? " " : "",
        json_object_get_string_member (json_array_get_object_element (files, k), "state"));
  return g_string_free (words, FALSE);
}

static void
check_states (const Fixture *f, const char *set, int code, const char *expected)
{
  g_autofree char *out = NULL;
  g_assert_cmpint (data (f, &out, NULL, "%s --json", set), ==, code);
  g_autofree char *found = states (out);
  g_assert_cmpstr (found, ==, expected);
}

static void
test_states (Fixture *f, gconstpointer user)
{
  check_states (f, "published", 1, "missing missing missing");
  g_free (put (f, "published/whole.bin", content, sizeof content - 1));
  g_free (put (f, "published/nothing.bin", "x", 1));
  check_states (f, "published", 0, "damaged missing unknown");
  g_free (put (f, "published/whole.bin", content, sizeof content));
  g_free (put (f, "published/digest.raw", content, sizeof content));
  check_states (f, "published", 0, "whole whole unknown");
  g_free (put (f, "published/digest.raw", content, 7));
  content[99999]++;
  g_free (put (f, "published/whole.bin", content, sizeof content));
  content[99999]--;
  check_states (f, "published", 0, "damaged damaged unknown");
  /* a file of the same name in the folder of another set */
  check_states (f, "by-hand", 1, "missing");
  g_free (put (f, "elsewhere/whole.bin", content, sizeof content));
  check_states (f, "by-hand", 0, "whole");
}

static void
test_list (Fixture *f, gconstpointer user)
{
  static const char *const names[]
      = { "mnist:", "fashion-mnist:", "cifar10:", "nmnist:", "dvsgesture:", "published:" };
  g_autofree char *out = NULL, *json = NULL;
  g_assert_cmpint (data (f, &out, NULL, "--verify"), ==, 0);
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    g_assert_nonnull (strstr (out, names[k]));
  g_assert_cmpint (data (f, &json, NULL, "--json"), ==, 0);
  g_autoptr (JsonNode) root = parse (json);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (root)), >=, 6);
}

static void
test_mistakes (Fixture *f, gconstpointer user)
{
  static const struct
  {
    const char *arguments, *says;
    int code;
  } cases[] = { { "publishd", "did you mean 'published'?", 2 },
                { "published mnist", "one NAME", 2 },
                { "--show 1", "--show needs the NAME", 2 },
                { "published --show x", "not 'x'", 2 },
                { "published --show 4", "has 4 samples, numbered from 0", 2 },
                { "published --show 0 --split valid", "it has train, test", 2 },
                { "--cache clea", "'clear'", 2 },
                { "--bogus", "--bogus", 2 },
                { "by-hand --fetch there", "Ask its makers.", 1 } };
  g_free (put (f, "published/whole.bin", content, sizeof content));
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *err = NULL;
      g_assert_cmpint (data (f, NULL, &err, "%s", cases[k].arguments), ==, cases[k].code);
      g_assert_nonnull (strstr (err, cases[k].says));
    }
}

/* Four recordings of 1 to 4 events over 5 units and 4 steps: 2.5 events each, 2.5 / 20 of the units at
 * each step. */
static void
test_numbers (Fixture *f, gconstpointer user)
{
  g_autofree char *out = NULL, *json = NULL;
  g_free (put (f, "published/whole.bin", content, sizeof content));
  g_assert_cmpint (data (f, &out, NULL, "published"), ==, 0);
  g_assert_nonnull (strstr (out, "train: 4 samples of 5 units (5 x 1 x 1), 2 classes"));
  g_assert_nonnull (
      strstr (out, "2.5 events per sample, the longest of 0.004 s; at each of 4 steps 12.500 % of the units "
                   "(transform/bins, "));
  g_assert_nonnull (strstr (out, "1.5 events per sample"));
  g_assert_nonnull (strstr (out, "samples of each class: 0 2, 1 2\n"));
  g_assert_cmpint (data (f, &json, NULL, "published --json"), ==, 0);
  g_autoptr (JsonNode) root = parse (json);
  JsonArray *splits = json_object_get_array_member (json_node_get_object (root), "splits");
  g_assert_cmpuint (json_array_get_length (splits), ==, 2);
  JsonObject *train = json_array_get_object_element (splits, 0);
  g_assert_cmpint (json_object_get_int_member (train, "samples"), ==, 4);
  g_assert_cmpfloat (json_object_get_double_member (train, "density"), ==, 0.125);
  g_assert_true (g_str_has_prefix (json_object_get_string_member (train, "steps_by"), "transform/bins, "));
}

/* ---- drawings: gnuplot reads each script, if it is there */

static void
check_drawn (const Fixture *f, const char *stem, const char *in_data)
{
  static const char *const endings[] = { ".dat", ".gp", ".svg", ".png" };
  g_autofree char *gnuplot = g_find_program_in_path ("gnuplot"), *text = NULL;
  for (guint k = 0; k < (gnuplot ? 4 : 2); k++)
    {
      g_autofree char *name = g_strconcat (stem, endings[k], NULL);
      g_assert_cmpint (size_of (f, name), >, 0);
    }
  g_autofree char *path = g_strconcat (f->folder, "/", stem, ".dat", NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  if (!strstr (text, in_data))
    g_error ("%s has no '%s':\n%s", path, in_data, text);
}

static void
test_draw (Fixture *f, gconstpointer user)
{
  /* two images of 2 x 3 pixels, and their labels */
  static const guchar images[]
      = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 51, 102, 153, 204, 255, 9, 9, 9, 9, 9, 9 },
      labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 7, 3 },
      /* x, y, polarity and time: ON at (1, 0), 5 us; OFF at (2, 33), 100 us */
      events[] = { 1, 0, 128, 0, 5, 2, 33, 0, 0, 100 };
  g_free (put (f, "published/whole.bin", content, sizeof content));
  g_free (put (f, "mnist/train-images-idx3-ubyte", images, sizeof images));
  g_free (put (f, "mnist/train-labels-idx1-ubyte", labels, sizeof labels));
  g_free (put (f, "Train/4/00001.bin", events, sizeof events));
  g_assert_cmpint (data (f, NULL, NULL, "published --show 3"), ==, 0);
  check_drawn (f, "published-train-3", "1000 1\n2000 2\n3000 3\n");
  g_autofree char *path = g_strconcat (f->folder, "/published-train-3.gp", NULL), *script = NULL;
  g_assert_true (g_file_get_contents (path, &script, NULL, NULL));
  g_assert_nonnull (strstr (script, "sample 3, class 1' font ',9' noenhanced"));
  g_assert_cmpint (data (f, NULL, NULL, "mnist --show 0 --split train -o 'it''s.png'"), ==, 0);
  check_drawn (f, "its", "0 0.2 0.4\n0.6 0.8 1\n");
  g_autofree char *out = NULL;
  g_assert_cmpint (data (f, &out, NULL, "nmnist --show 0 --out camera"), ==, 0);
  g_assert_nonnull (strstr (out, "camera.gp\ncamera.dat\n"));
  check_drawn (f, "camera", "0 1 0 0 ");
  check_drawn (f, "camera", "0 0 -1 0");
}

/* ---- the cache */

static void
test_cache (Fixture *f, gconstpointer user)
{
  g_autofree char *out = NULL, *err = NULL;
  g_free (put (f, "cache/ranvier/results/aa/result/entry", "table", 5));
  g_free (put (f, "cache/ranvier/results/bb/result/data", content, sizeof content));
  g_free (put (f, "state/ranvier/cc/result/entry", "model", 5));
  g_assert_cmpint (data (f, &out, NULL, "--cache --json"), ==, 0);
  g_autoptr (JsonNode) root = parse (out);
  JsonObject *prepared = json_object_get_object_member (json_node_get_object (root), "prepared");
  g_assert_cmpint (json_object_get_int_member (prepared, "entries"), ==, 1);
  g_assert_cmpint (json_object_get_int_member (prepared, "bytes"), >=, PUBLISHED_SIZE);
  /* a run holds one of them */
  g_autofree char *path = put (f, "cache/ranvier/results/aa/lock", "", 0);
  const int lock = g_open (path, O_RDWR, 0);
  g_assert_cmpint (flock (lock, LOCK_EX | LOCK_NB), ==, 0);
  g_assert_cmpint (data (f, NULL, &err, "--cache clear"), ==, 0);
  g_assert_nonnull (strstr (err, "1 entries are left"));
  g_assert_cmpint (size_of (f, "cache/ranvier/results/aa/result/entry"), ==, 5);
  g_assert_cmpint (size_of (f, "cache/ranvier/results/bb"), ==, -1);
  close (lock);
  g_assert_cmpint (data (f, NULL, NULL, "--cache clear"), ==, 0);
  g_assert_cmpint (size_of (f, "cache/ranvier/results/aa"), ==, -1);
  g_assert_cmpint (size_of (f, "state/ranvier/cc/result/entry"), ==, 5);
}

/* ---- the server */

typedef struct
{
  GSocketListener *listener;
  GThread *thread;
  guint16 port;
  gint64 range;   /* where the last request began */
  guint requests; /* since the test began */
} Server;

static Server server;

/* What the first folder of the path makes of the answer. */
static const struct
{
  const char *folder;
  gint64 has, says, most; /* bytes there are, are said to be there, are sent at the most */
  gboolean ranges, wrong;
} manners[] = {
  { "/good/", 100000, 100000, 100000, TRUE, FALSE },   { "/breaks/", 100000, 100000, 30000, TRUE, FALSE },
  { "/dead/", 100000, 100000, 30000, FALSE, FALSE },   { "/whole/", 100000, 100000, 100000, FALSE, FALSE },
  { "/short/", 50000, 50000, 50000, TRUE, FALSE },     { "/long/", 120000, 120000, 120000, TRUE, FALSE },
  { "/lies/", 100000, 1000000, 100000, FALSE, FALSE }, { "/wrong/", 100000, 100000, 100000, TRUE, TRUE }
};

static void
answer (GOutputStream *to, const char *request)
{
  g_auto (GStrv) words = g_strsplit (request, " ", 3);
  const char *range = strstr (request, "Range: bytes=");
  server.range = range ? g_ascii_strtoll (range + strlen ("Range: bytes="), NULL, 10) : 0;
  server.requests++;
  for (guint k = 0; k < G_N_ELEMENTS (manners); k++)
    {
      if (!g_str_has_prefix (words[1], manners[k].folder))
        continue;
      const gint64 from = manners[k].ranges ? server.range : 0;
      const gint64 n = MIN (manners[k].has - from, manners[k].most);
      g_autofree char *head
          = from >= manners[k].has ? g_strdup ("HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n")
            : from                 ? g_strdup_printf ("HTTP/1.1 206 Part\r\nContent-Length: %d\r\n"
                                                                      "Content-Range: bytes %d-%d/%d\r\n\r\n",
                                                      (int)(manners[k].says - from), (int)from, (int)manners[k].says - 1,
                                                      (int)manners[k].says)
                   : g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", (int)manners[k].says);
      g_autofree guchar *body = g_malloc (120000);
      for (gint64 i = 0; i < n; i++)
        body[i] = manners[k].wrong ? 0 : PUBLISHED_BYTE (from + i);
      g_output_stream_write_all (to, head, strlen (head), NULL, NULL, NULL);
      if (n > 0)
        g_output_stream_write_all (to, body, (gsize)n, NULL, NULL, NULL);
      return;
    }
  static const char none[] = "HTTP/1.1 404 Not here\r\nContent-Length: 0\r\n\r\n";
  g_output_stream_write_all (to, none, strlen (none), NULL, NULL, NULL);
}

static gpointer
serve (gpointer nothing)
{
  for (gboolean on = TRUE; on;)
    {
      g_autoptr (GSocketConnection) connection = g_socket_listener_accept (server.listener, NULL, NULL, NULL);
      if (!connection)
        break;
      GIOStream *stream = G_IO_STREAM (connection);
      g_autoptr (GString) request = g_string_new (NULL);
      char block[1024];
      gssize n = 1;
      while (n > 0 && !strstr (request->str, "\r\n\r\n"))
        if ((n = g_input_stream_read (g_io_stream_get_input_stream (stream), block, sizeof block, NULL, NULL))
            > 0)
          g_string_append_len (request, block, n);
      on = !g_str_has_prefix (request->str, "QUIT");
      if (on && n > 0)
        answer (g_io_stream_get_output_stream (stream), request->str);
      g_io_stream_close (stream, NULL, NULL);
    }
  return NULL;
}

static void
start_server (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) here = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (here, 0), got = NULL;
  server.listener = g_socket_listener_new ();
  g_socket_listener_add_address (server.listener, any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                 &got, &error);
  g_assert_no_error (error);
  server.port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  server.thread = g_thread_new ("server", serve, NULL);
}

static void
stop_server (void)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect_to_host (client, "127.0.0.1", server.port, NULL, NULL);
  if (connection)
    g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), "QUIT\r\n\r\n", 8,
                               NULL, NULL, NULL);
  g_thread_join (server.thread);
  g_object_unref (server.listener);
}

/* Fetches the set from a server with these manners; the exit code, or -1 where there is no libcurl. */
static int
fetch (const Fixture *f, const char *manner, char **err)
{
  g_autofree char *wrong = NULL;
  server.requests = 0;
  const int code
      = data (f, NULL, &wrong, "published --fetch got --from http://127.0.0.1:%u/%s", server.port, manner);
  if (strstr (wrong, "without libcurl"))
    {
      g_test_skip ("built without libcurl");
      return -1;
    }
  if (err)
    *err = g_steal_pointer (&wrong);
  return code;
}

static void
test_fetch (Fixture *f, gconstpointer user)
{
  if (fetch (f, "good", NULL) == -1)
    return;
  g_assert_true (has_content (f, "got/whole.bin") && has_content (f, "got/digest.bin")
                 && has_content (f, "got/nothing.bin"));
  g_assert_cmpint (size_of (f, "got/whole.bin.part"), ==, -1);
  g_assert_cmpuint (server.requests, ==, 3);
  g_assert_cmpint (fetch (f, "good", NULL), ==, 0); /* all is there */
  g_assert_cmpuint (server.requests, ==, 0);
}

/* It goes on where the server broke off; what publishes no digest is not patched together from two
 * answers. */
static void
test_fetch_breaks (Fixture *f, gconstpointer user)
{
  g_autofree char *err = NULL;
  const int code = fetch (f, "breaks", &err);
  if (code == -1)
    return;
  g_assert_true (has_content (f, "got/whole.bin"));
  g_assert_true (has_content (f, "got/digest.bin"));
}

/* Nothing under the real name until a later call goes on with the part. */
static void
test_fetch_resumes (Fixture *f, gconstpointer user)
{
  g_autofree char *err = NULL;
  const int code = fetch (f, "dead", &err);
  if (code == -1)
    return;
  g_assert_cmpint (code, ==, 1);
  g_assert_nonnull (strstr (err, "the same command goes on"));
  g_assert_cmpint (size_of (f, "got/whole.bin"), ==, -1);
  g_assert_cmpint (size_of (f, "got/whole.bin.part"), ==, 30000);
  g_free (put (f, "got/digest.bin", content, sizeof content));
  g_free (put (f, "got/nothing.bin", content, sizeof content));
  g_assert_cmpint (fetch (f, "good", NULL), ==, 0);
  g_assert_cmpint (server.range, ==, 30000);
  g_assert_true (has_content (f, "got/whole.bin"));
  g_assert_cmpint (size_of (f, "got/whole.bin.part"), ==, -1);
  /* a server that can not go on is asked for all */
  g_autofree char *path = g_build_filename (f->folder, "got", "whole.bin", NULL);
  g_remove (path);
  g_free (put (f, "got/whole.bin.part", content, 30000));
  g_assert_cmpint (fetch (f, "whole", NULL), ==, 0);
  g_assert_true (has_content (f, "got/whole.bin"));
  /* and a part of something else is found out */
  g_remove (path);
  g_free (put (f, "got/whole.bin.part", "something else", -1));
  g_assert_cmpint (fetch (f, "good", NULL), ==, 1);
  g_assert_cmpint (size_of (f, "got/whole.bin"), ==, -1);
  g_assert_cmpint (size_of (f, "got/whole.bin.part"), ==, -1);
  g_assert_cmpint (fetch (f, "good", NULL), ==, 0);
}

static void
test_fetch_lies (Fixture *f, gconstpointer user)
{
  static const struct
  {
    const char *manner, *says;
  } cases[] = { { "short", "fewer bytes than are published" },
                { "long", "more than the published 100000 bytes" },
                { "wrong", "not as published: its SHA-256 is" },
                { "nowhere", "404" } };
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *err = NULL, *part = g_build_filename (f->folder, "got", "whole.bin.part", NULL);
      const int code = fetch (f, cases[k].manner, &err);
      if (code == -1)
        return;
      g_assert_cmpint (code, ==, 1);
      g_assert_nonnull (strstr (err, cases[k].says));
      g_assert_cmpint (size_of (f, "got/whole.bin"), ==, -1);
      g_assert_cmpint (size_of (f, "got/digest.bin"), ==, -1);
      if (k > 0) /* what can not become the file is not left either */
        g_assert_cmpint (size_of (f, "got/whole.bin.part"), ==, -1);
      g_remove (part);
    }
  fetch (f, "lies", NULL); /* of its length; the bytes are right */
  g_assert_true (has_content (f, "got/whole.bin"));
}

/* What is there under the name and is something else stays as it is. */
static void
test_fetch_keeps (Fixture *f, gconstpointer user)
{
  g_autofree char *err = NULL;
  g_free (put (f, "got/whole.bin", "mine", -1));
  const int code = fetch (f, "good", &err);
  if (code == -1)
    return;
  g_assert_cmpint (code, ==, 1);
  g_assert_nonnull (strstr (err, "put it away"));
  g_assert_cmpint (size_of (f, "got/whole.bin"), ==, 4);
}

int
main (int argc, char **argv)
{
  static const char *const proxies[]
      = { "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY" };
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (proxies); k++)
    g_unsetenv (proxies[k]);
  for (guint i = 0; i < sizeof content; i++)
    content[i] = PUBLISHED_BYTE (i);
  start_server ();
  static const struct
  {
    const char *name;
    void (*test) (Fixture *f, gconstpointer user);
  } tests[] = { { "states", test_states },
                { "list", test_list },
                { "mistakes", test_mistakes },
                { "numbers", test_numbers },
                { "draw", test_draw },
                { "cache", test_cache },
                { "fetch", test_fetch },
                { "fetch-breaks", test_fetch_breaks },
                { "fetch-lies", test_fetch_lies },
                { "fetch-resumes", test_fetch_resumes },
                { "fetch-keeps", test_fetch_keeps } };
  for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
    {
      g_autofree char *path = g_strconcat ("/data/", tests[k].name, NULL);
      g_test_add (path, Fixture, NULL, set_up, tests[k].test, tear_down);
    }
  const int code = g_test_run ();
  stop_server ();
  return code;
}
