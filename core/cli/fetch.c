/* Fetching official files with libcurl. What arrives lies in NAME.part until all of it is there and
 * verified; only then it gets its name. What a server breaks off is asked for again from there on, now or
 * by the next call. */
#include "cli/data.h"

#ifdef RV_HAVE_CURL

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MOST_SILENT 3 /* attempts that bring nothing new */

typedef struct
{
  const char *name;
  int fd;             /* of the part */
  int64_t have, most; /* bytes; most: as published, 0 unless known */
  gboolean too_long;
  int problem; /* errno of a write that failed */
} Sink;

static size_t
take (char *bytes, size_t one, size_t n, void *user)
{
  Sink *sink = user;
  sink->too_long = sink->most && sink->have + (int64_t)n > sink->most;
  for (size_t done = 0; !sink->too_long && done < n;)
    {
      const ssize_t wrote = write (sink->fd, bytes + done, n - done);
      if (wrote < 0 && errno != EINTR)
        {
          sink->problem = errno;
          return 0;
        }
      done += wrote > 0 ? (size_t)wrote : 0;
      sink->have += wrote > 0 ? wrote : 0;
    }
  return sink->too_long ? 0 : n;
}

static int
show (void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
  const Sink *sink = user;
  if (sink->most)
    fprintf (stderr, "\r\033[K%s %.0f of %.0f MB", sink->name, (double)sink->have * 1e-6,
             (double)sink->most * 1e-6);
  else
    fprintf (stderr, "\r\033[K%s %.0f MB", sink->name, (double)sink->have * 1e-6);
  return 0;
}

/* Nothing of what was taken can be used. */
static gboolean
begin_anew (Sink *sink)
{
  sink->have = 0;
  sink->too_long = FALSE;
  return ftruncate (sink->fd, 0) == 0 && lseek (sink->fd, 0, SEEK_SET) == 0;
}

/* One request for what is not there yet. */
static CURLcode
ask (Sink *sink, const char *url, char *why)
{
  CURL *curl = curl_easy_init ();
  if (!curl)
    return CURLE_FAILED_INIT;
  *why = '\0';
  curl_easy_setopt (curl, CURLOPT_URL, url);
  curl_easy_setopt (curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt (curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt (curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (curl, CURLOPT_CONNECTTIMEOUT, 30L);
  curl_easy_setopt (curl, CURLOPT_LOW_SPEED_LIMIT,
                    1L); /* bytes a second, over a minute: the server is gone */
  curl_easy_setopt (curl, CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt (curl, CURLOPT_USERAGENT, "ranvier/" RV_VERSION);
  curl_easy_setopt (curl, CURLOPT_ERRORBUFFER, why);
  curl_easy_setopt (curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)sink->have);
  curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt (curl, CURLOPT_WRITEDATA, sink);
  curl_easy_setopt (curl, CURLOPT_XFERINFOFUNCTION, show);
  curl_easy_setopt (curl, CURLOPT_XFERINFODATA, sink);
  curl_easy_setopt (curl, CURLOPT_NOPROGRESS, isatty (STDERR_FILENO) ? 0L : 1L);
  const CURLcode code = curl_easy_perform (curl);
  if (!*why)
    g_strlcpy (why, curl_easy_strerror (code), CURL_ERROR_SIZE);
  curl_easy_cleanup (curl);
  return code;
}

/* What went wrong for good with an answer; FALSE if it is worth to ask again. */
static gboolean
is_hopeless (Sink *sink, const char *url, int64_t before, CURLcode code, GError **error)
{
  if (sink->problem)
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s.part can not be written: %s", sink->name,
                 g_strerror (sink->problem));
  else if (sink->too_long && before == 0)
    g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s has more than the published %" G_GINT64_FORMAT " bytes",
                 url, sink->most);
  else
    return before == 0
           && (code == CURLE_HTTP_RETURNED_ERROR || code == CURLE_UNSUPPORTED_PROTOCOL
               || code == CURLE_URL_MALFORMAT);
  sink->have = 0;
  return TRUE;
}

/* Asks until all is there, the server brings nothing more, or what it sends can not be right. */
static gboolean
transfer (Sink *sink, const char *url, GError **error)
{
  char why[CURL_ERROR_SIZE] = "";
  int64_t best = sink->have;
  for (gulong silent = 0; silent < MOST_SILENT; silent++)
    {
      const int64_t before = sink->have;
      if (sink->most && before == sink->most) /* whatever the server said of its length */
        return TRUE;
      g_usleep (100000 * silent);
      const CURLcode code = ask (sink, url, why);
      if (code == CURLE_OK && (!sink->most || sink->have == sink->most))
        return TRUE;
      if (is_hopeless (sink, url, before, code, error))
        break;
      if (code == CURLE_OK)
        g_strlcpy (why, "the server has fewer bytes than are published", sizeof why);
      silent = sink->have > best ? 0 : silent;
      best = MAX (best, sink->have);
      /* a server that can not go on from the middle, or has less than what is here */
      if ((sink->too_long || code == CURLE_RANGE_ERROR || code == CURLE_HTTP_RETURNED_ERROR)
          && !begin_anew (sink))
        break;
    }
  if (error && !*error && sink->have)
    g_set_error (error, RV_ERROR, RV_ERROR_IO,
                 "%s: %s; %" G_GINT64_FORMAT
                 " bytes are kept in %s.part, and the same command goes on from there",
                 url, why, sink->have, sink->name);
  else if (error && !*error)
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: %s", url, why);
  return FALSE;
}

/* Whether the part is still where it was opened: another ranvier may have finished it meanwhile. */
static gboolean
is_ours (int fd, const char *part)
{
  GStatBuf here, there;
  return flock (fd, LOCK_EX | LOCK_NB) == 0 && fstat (fd, &here) == 0 && g_stat (part, &there) == 0
         && here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

/* Fills the part, verifies it and gives it its name. What can not become the file is removed. */
static gboolean
fetch_part (const RvOfficialFile *file, const char *url, const char *part, const char *path, GError **error)
{
  Sink sink = { .name = path, .most = file->size };
  const gboolean has_digest = file->md5 || file->sha256;
  gboolean good = FALSE;
  sink.fd = g_open (part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (sink.fd < 0)
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: %s", part, g_strerror (errno));
  else if (!is_ours (sink.fd, part))
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s is being fetched by another ranvier", path);
  else
    {
      sink.have = lseek (sink.fd, 0, SEEK_END);
      /* two halves are joined only where a digest can tell whether they belong together */
      if ((sink.most && sink.have > sink.most) || !has_digest)
        begin_anew (&sink);
      const gboolean there = sink.have > 0 && rv_official_verify (file, part, TRUE, NULL);
      good = there || transfer (&sink, url, error);
      if (good && !rv_official_verify (file, part, TRUE, error))
        {
          g_prefix_error (error, "what %s has is ", url);
          sink.have = 0; /* going on from wrong bytes would never end well */
          good = FALSE;
        }
      if (good && (fsync (sink.fd) != 0 || g_rename (part, path) != 0))
        {
          g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: %s", path, g_strerror (errno));
          good = FALSE;
        }
      if (!good && sink.have == 0)
        g_unlink (part);
      if (isatty (STDERR_FILENO))
        fputs ("\r\033[K", stderr);
    }
  if (sink.fd >= 0)
    close (sink.fd);
  return good;
}

gboolean
rv_official_fetch (const RvOfficialFile *file, const char *from, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, file->name, NULL),
                  *part = g_strconcat (path, ".part", NULL);
  g_autofree char *url = from ? g_strconcat (from, g_str_has_suffix (from, "/") ? "" : "/", file->name, NULL)
                              : g_strdup (file->url);
  if (g_mkdir_with_parents (folder, 0755) != 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s: %s", folder, g_strerror (errno));
      return FALSE;
    }
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return fetch_part (file, url, part, path, error);
  g_autoptr (GError) why = NULL;
  if (rv_official_verify (file, path, FALSE, &why))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s is there, but %s; put it away and fetch again", path,
               why->message);
  return FALSE;
}

#else

gboolean
rv_official_fetch (const RvOfficialFile *file, const char *from, const char *folder, GError **error)
{
  g_set_error (error, RV_ERROR, RV_ERROR_IO,
               "this ranvier was built without libcurl; put the file that %s has into %s",
               from ? from : file->url, folder);
  return FALSE;
}

#endif
