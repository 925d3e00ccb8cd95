/*
 * time_text.h: instants and lengths of time as people write them.
 *
 *   2026-11-20T14:05:00.250+01:00   ISO 8601; a space may stand for the T; Z, +01, +0100 too
 *   2026-11-20                      its first instant
 *   1795162430000                   unix milliseconds
 *   now, now-90m, -7d               against a given now; s m h d w, a day being 24 hours
 */
#ifndef DAEMON_BASE_TIME_TEXT_H
#define DAEMON_BASE_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_TEXT_MAX = 32 };

/* Unix ms of a local time, given as if it were UTC. Where clocks were put back a local time comes
 * twice: the first of the two that is later than after_ms. */
typedef int64_t (*time_text_zone)(void *ctx, int64_t local_ms, int64_t after_ms);

/* An ISO 8601 date (RFC 3339's profile, seconds and fraction optional), years 1 to 9999, the whole
 * of the n bytes. *zoned_out false: no zone was given and *ms_out is as if it were UTC. */
bool time_text_iso(const char *p, size_t n, int64_t *ms_out, bool *zoned_out);

/* Any of the forms above, but no ISO time without a zone if `zone` is NULL. */
bool time_text_instant(const char *text, int64_t now_ms, time_text_zone zone, void *ctx,
                       int64_t *ms_out);

/* "250ms", "10s", "15m", "1h", "7d", "2w", or a number of ms; greater than 0. */
bool time_text_length(const char *text, int64_t *ms_out);

/* "+01:00", "-0330", "UTC", "Z". */
bool time_text_offset(const char *text, int64_t *offset_ms_out);

/* "2026-11-20T13:05:00.250Z", the fraction only if there is one; unix ms as a number beyond the
 * years 1 to 9999. Returns out. */
char *time_text_print(int64_t unix_ms, char out[TIME_TEXT_MAX]);

#endif
