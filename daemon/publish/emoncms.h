/*
 * emoncms.h: the own stream's records to an Emoncms server, none lost, none waiting in memory.
 *
 *   log ──worker: cursor, encode──▶ loop: POST ──"ok"──▶ worker: cursor file ──▶ and again
 *                                     │ anything else: wait 5 s .. 5 min, the same records again
 *
 * The log is the queue: the cursor moves on only after the server has answered status 200 and
 * exactly `ok`, and is on disk before the next post. After an outage, a restart or a kill the
 * records go on where they stopped; those of a post whose answer was lost are sent twice, with the
 * same times and values. Records that the log has dropped meanwhile are counted as lost.
 *
 * The key goes into a header, never into a URL, a log line or a state. What must not happen, and is
 * refused with a state that says so: a key over plain http without allow_cleartext, a certificate
 * that does not fit, a redirect.
 *
 * State and counters are shown in a struct status: backlog, lost, posts, failures, rows, untimed,
 * thinned, empty. All calls are for the loop's thread; files and the log are read and written in
 * libuv's worker threads. Time-outs and intervals are real time.
 */
#ifndef DAEMON_PUBLISH_EMONCMS_H
#define DAEMON_PUBLISH_EMONCMS_H

#include <uv.h>

#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/publish/log_source.h"

struct emoncms_options {         /* texts are copied; status, clock and source are borrowed */
    const char *id;              /* of the publisher: names its cursor file */
    const char *url;             /* https://host/path, without /input */
    const char *node;            /* name of the node its inputs belong to */
    const char *key;             /* write key */
    const char *data_dir;        /* the cursor is data_dir/cursors/ID.cur */
    const char *stream;          /* NULL: "own" */
    const char *const *channels; /* ids to send; NULL: all; borrowed */
    size_t channel_count;
    bool allow_cleartext; /* url may be http:// */
    unsigned interval_s;  /* between posts when there is no backlog; 0: 30 */
    unsigned batch;       /* rows a post at most; 0: 500 */
    struct status *status;
    struct clock *clock; /* for the times of the status; may be NULL */
    const struct log_source *source;
    /* for tests; 0: 5 s, 5 min, 5 min, 30 s */
    unsigned retry_min_ms, retry_max_ms, refused_ms, timeout_s;
};

struct publish_emoncms; /* opaque */

/* NULL when out of memory. Wrong options show as a failed state. */
struct publish_emoncms *publish_emoncms_new(uv_loop_t *loop, const struct emoncms_options *options);
/* Begins to publish, at once. */
void publish_emoncms_start(struct publish_emoncms *p);
/* Records up to sequence `last` of the stream are durable. */
void publish_emoncms_wake(struct publish_emoncms *p, uint64_t last);
/* Stops without waiting for an answer. The loop must run until its handles are closed; the source
 * and the status must live until then. */
void publish_emoncms_free(struct publish_emoncms *p);

#endif
