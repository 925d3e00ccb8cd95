/*
 * event_text.h: the text of server-sent events about records.
 *
 *   event: record
 *   id: own:5120
 *   data: {"stream":"own","sequence":5120,"time":...,"span_ms":10000,"values":{...}}
 */
#ifndef DAEMON_HTTP_EVENT_TEXT_H
#define DAEMON_HTTP_EVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/flow.h"

enum {
    /* bytes: an id, quotes, colon, comma and the longest number for each channel */
    EVENT_RECORD_MAX = 256 + HWT_CHANNELS_MAX * (HWT_ID_MAX + 4 + 24),
    EVENT_LOST_MAX = 256
};

/* Both write at least a byte and at most so many; the bytes written. */
size_t event_put_record(char p[EVENT_RECORD_MAX], const char *stream,
                        const struct hwt_schema *schema, const struct hwt_record *record);
/* `count` records up to `sequence` are gone. */
size_t event_put_lost(char p[EVENT_LOST_MAX], const char *stream, uint64_t sequence,
                      uint64_t count);

/* Takes an id "own:5120" apart. False, outputs untouched, if it is none. */
bool event_parse_id(const char *id, char stream_out[HWT_ID_MAX + 1], uint64_t *sequence_out);

#endif
