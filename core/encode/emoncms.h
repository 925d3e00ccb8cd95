/*
 * emoncms.h: records as the body of an Emoncms bulk post.
 *
 *   POST {url}/input/bulk.json?time=0        Content-Type: application/x-www-form-urlencoded
 *   data=[[1795162430,"heatwatt",{"hp_power":812.4,"heatmeter_energy":4512250}],[...]]
 *
 * with the JSON percent-encoded. A record is one row: the unix time of its end in seconds (time=0
 * makes row times absolute), the node, and an object of channel id and value in the unit of the
 * API. A missing value's key is left out: Emoncms stores null as 0. Sending a row twice is
 * harmless: same time, same values.
 *
 * Emoncms drops other characters than letters, digits, `_`, `-`, `.` and space from names without a
 * word, so that two names may become one; channel ids have none of them, a node is cleaned here.
 */
#ifndef HWT_CORE_ENCODE_EMONCMS_H
#define HWT_CORE_ENCODE_EMONCMS_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/flow.h"

/* Feeds of a fixed interval keep one value a slot, and no slot is shorter than this. */
enum { HWT_EMONCMS_SPACING_S = 10, HWT_EMONCMS_NODE_MAX = 32 };

#define HWT_EMONCMS_NO_SLOT INT64_MIN

struct hwt_emoncms_options {
    const char *node;            /* "" becomes "heatwatt" */
    const char *const *channels; /* ids to send; NULL: all */
    size_t channel_count;
    unsigned spacing_s; /* one row a slot of so many seconds, its first; 0: every record */
};

struct hwt_emoncms {
    size_t rows;
    uint64_t untimed; /* records left out: no wall time, or one before 2020 */
    uint64_t empty;   /* records left out: no value */
    uint64_t thinned; /* records left out: their slot has a row */
    int64_t slot;     /* of the newest row, or NO_SLOT */
    /* private: */
    struct hwt_json json;
    struct hwt_emoncms_options options;
    char node[HWT_EMONCMS_NODE_MAX + 1];
};

/* Begins a batch in the n bytes at p, n >= 2. The options' texts must outlive it. slot: that of the
 * row sent last, or NO_SLOT. */
void hwt_emoncms_begin(struct hwt_emoncms *e, const struct hwt_emoncms_options *options, char *p,
                       size_t n, int64_t slot);
/* Adds a record. 1: a row. 0: left out, and counted why. HWT_ERR_SPACE: it finds no room, nothing
 * has changed; a row needs at most 64 bytes + 64 a channel. */
HWT_MUST_CHECK int hwt_emoncms_row(struct hwt_emoncms *e, const struct hwt_schema *schema,
                                   const struct hwt_record *record);
/* Ends the batch. Returns its length in bytes. */
size_t hwt_emoncms_end(struct hwt_emoncms *e);

/* Bytes of the form body of n bytes of JSON, at p. */
size_t hwt_emoncms_form_size(const char *json, size_t n);
/* Writes that body, `data=` and the JSON percent-encoded, to `out`, without a NUL. */
void hwt_emoncms_form(const char *json, size_t n, char *out);

#endif
