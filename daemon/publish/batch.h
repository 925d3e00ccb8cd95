/*
 * batch.h: one post's worth of records, read and encoded in a worker thread.
 */
#ifndef DAEMON_PUBLISH_BATCH_H
#define DAEMON_PUBLISH_BATCH_H

#include "core/encode/emoncms.h"
#include "daemon/publish/cursor.h"
#include "daemon/publish/log_source.h"

enum batch_oddity {
    BATCH_AS_USUAL,
    BATCH_FIRST,      /* no cursor yet: from the oldest record */
    BATCH_OTHER_LOG,  /* the cursor is of another log: from the oldest record */
    BATCH_LOG_SHORTER /* the log ends before the cursor (restored from a copy): from its end */
};

struct batch {
    char *body; /* form body, or NULL: no row; free() it */
    size_t body_n;
    size_t rows;
    struct cursor next; /* the cursor when the server has taken it */
    uint64_t last;      /* newest durable record of the stream */
    uint64_t lost;      /* records that the log has no more */
    uint64_t untimed, empty, thinned;
    enum batch_oddity oddity;
    int err; /* 0, or a negative enum hwt_err that ended the reading: rows before it count */
};

/*
 * Reads on from `from` (known: it was loaded or saved before) and encodes at most `rows` rows.
 * *out is filled whole in any case. May block.
 */
void batch_make(const struct log_source *source, const struct hwt_emoncms_options *options,
                const struct cursor *from, bool known, size_t rows, struct batch *out);

#endif
