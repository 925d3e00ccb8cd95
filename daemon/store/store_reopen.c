#include "daemon/store/store_state.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/store/log_dir.h"

/* Sequences that the engine leaves out after damage to the newest slot: a page's worth. */
enum { LEFT_OUT_MAX = 8192 };

/* Whether what lies there now is this log, with all that was acknowledged and nothing that is not
 * of this store. Looked at without touching it, before readers get it. */
static bool is_ours(struct store *s, char *error, size_t n)
{
    struct log_dir *l = log_dir_open(s->dir, true, error, n);
    uint8_t uuid[16];
    uint64_t last;
    bool same;

    if (l == NULL) {
        return false;
    }
    hwt_tslog_uuid(log_dir_tslog(l), uuid);
    same = memcmp(uuid, s->uuid, sizeof(uuid)) == 0;
    last = log_dir_last(l, 0);
    log_dir_close(l);
    if (!same) {
        snprintf(error, n, "another log, or a new one, is there now");
    } else if (last < s->durable) {
        snprintf(error, n, "an older state of the log is there now");
    } else if (last > s->appended + LEFT_OUT_MAX) {
        snprintf(error, n, "another program has written to it");
    }
    return same && last >= s->durable && last <= s->appended + LEFT_OUT_MAX;
}

/* The engine anew on what the medium has; the records it lacks are taken from the queue again. */
static int reopen_engine(struct store *s)
{
    struct hwt_tslog_config config = {
        .bd = medium_device(s->medium), .blocks_kept = store_blocks_kept(s), .no_format = true};
    struct hwt_tslog_recovery recovery;
    int err = hwt_tslog_open(&s->log, &config, &recovery);
    uint64_t durable;

    s->opened = err == 0;
    if (err != 0) {
        return err;
    }
    s->anchored = HWT_CLOCK_UNKNOWN; /* it may not have become durable */
    s->pending = false;
    s->corrected &= hwt_tslog_corrections(&s->log) > s->corrections_before;
    durable = hwt_tslog_durable(&s->log, 0);
    s->appended = durable > s->appended ? durable : s->appended;
    store_settle(s, durable); /* a commit that failed may have been done */
    pthread_mutex_lock(&s->lock);
    queue_rewind(s->queue);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int store_reopen(struct store *s)
{
    char why[256];
    int err = 0;

    if (!is_ours(s, why, sizeof(why)) ||
        (medium_moved(s->medium) && medium_reopen(s->medium, why, sizeof(why)) != 0)) {
        store_tell_gone(s, why);
        return HWT_ERR_IO;
    }
    err = reopen_engine(s);
    if (err != 0) {
        store_tell_failed(s, err);
    } else {
        LOG(LOG_WARN, "log", "opened again durable=%llu",
            (unsigned long long)hwt_tslog_durable(&s->log, 0));
        store_publish(s);
        store_open_rolls(s);
    }
    return err;
}
