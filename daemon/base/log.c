#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 200 };

static atomic_int max_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

/* systemd stamps the lines itself and reads the priority from <N>. */
static int put_prefix(char *line, size_t n, enum log_level level, const char *source)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    static const int priority[] = {3, 4, 6, 7};
    struct timespec now;
    struct tm tm;
    char stamp[32];

    if (getenv("JOURNAL_STREAM") != NULL) {
        return snprintf(line, n, "<%d>%s: ", priority[level], source);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    return snprintf(line, n, "%s.%03ldZ %s %s: ", stamp, now.tv_nsec / 1000000, names[level],
                    source);
}

void log_line(enum log_level level, const char *source, const char *format, ...)
{
    char line[LINE_MAX_BYTES + 1];
    va_list args;
    int at, n;

    if ((int)level > atomic_load(&max_level)) {
        return;
    }
    at = put_prefix(line, sizeof(line), level, source);
    if (at < 0 || at >= LINE_MAX_BYTES) {
        at = 0;
    }
    va_start(args, format);
    n = vsnprintf(line + at, sizeof(line) - (size_t)at, format, args);
    va_end(args);
    at = n < 0 ? at : at + n;
    if (at > LINE_MAX_BYTES - 1) {
        at = LINE_MAX_BYTES - 1;
    }
    line[at++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)at) < 0) {
        return; /* nowhere left to say it */
    }
}
