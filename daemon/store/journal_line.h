/*
 * journal_line.h: an entry of the journal as a line of JSON, and back.
 *
 *   {"seq":7,"time":1795162430123,"kind":"register_swap","source":"meter","feed":"meter",
 *    "channel":"meter_import","meter":"SDM120 12345678","unit":"Wh","before":5000,"after":1000,
 *    "offset":4000,"offset_counts":14400000000,"text":"…"}
 *
 * All members are in each line, in this order; null where there is nothing to tell. What is read
 * may have been torn: a line is taken whole or refused.
 */
#ifndef DAEMON_STORE_JOURNAL_LINE_H
#define DAEMON_STORE_JOURNAL_LINE_H

#include "core/base/err.h"
#include "core/flow.h"

enum {
    JOURNAL_KIND_MAX = 24,
    JOURNAL_METER_MAX = 64,
    JOURNAL_TEXT_MAX = 240,
    JOURNAL_LINE_MAX = 4096 /* octets, LF included, each octet of a text escaped */
};

struct journal_entry {
    uint64_t seq;    /* counts the entries of a journal; given by it */
    int64_t unix_ms; /* or HWT_TIME_UNKNOWN */
    char kind[JOURNAL_KIND_MAX];
    char source[HWT_ID_MAX + 1]; /* "": the device itself */
    char feed[HWT_ID_MAX + 1];   /* id of the configured source that it comes through, or "" */
    char channel[HWT_ID_MAX + 1];
    char meter[JOURNAL_METER_MAX]; /* who the meter says it is, or "" */
    uint8_t quantity;              /* of the numbers; HWT_Q_NONE: there are none */
    int64_t before, after, offset; /* counts; before and after are not read back */
    char text[JOURNAL_TEXT_MAX];   /* one sentence */
};

/* Writes the line with its LF; the octets written. */
size_t journal_line_write(const struct journal_entry *e, char out[JOURNAL_LINE_MAX]);
/* Reads a line of n octets, without LF. False, *out untouched: it is none. */
bool journal_line_read(const char *p, size_t n, struct journal_entry *out);

#endif
