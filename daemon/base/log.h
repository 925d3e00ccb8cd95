/*
 * log.h: one line per event on stderr: level, source, event key=value ... (STYLE.md, Logging).
 * Thread-safe. Lines longer than 200 characters are cut. Never call it in the sampling thread.
 */
#ifndef DAEMON_BASE_LOG_H
#define DAEMON_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* LOG(LOG_WARN, "heatmeter", "stale after_s=%d", 30) */
#define LOG(level, source, ...) log_line((level), (source), __VA_ARGS__)

void log_line(enum log_level level, const char *source, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Lines above this level are not written; LOG_INFO at the start. */
void log_set_level(enum log_level level);

#endif
