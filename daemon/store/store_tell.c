#include "daemon/store/store_state.h"

#include "daemon/base/log.h"

static int64_t now_ms(const struct store *s)
{
    int64_t ms = s->options.clock != NULL ? clock_unix_ms(s->options.clock) : HWT_TIME_UNKNOWN;

    return ms == HWT_TIME_UNKNOWN ? 0 : ms;
}

void store_tell_ok(struct store *s)
{
    if (s->bad_pages > 0) {
        status_set(s->options.status, STATUS_OK, now_ms(s),
                   "damaged pages of the log that are skipped: %llu (see heatwatt log verify); "
                   "the rest is served",
                   (unsigned long long)s->bad_pages);
    } else {
        status_set(s->options.status, STATUS_OK, now_ms(s), NULL);
    }
}

void store_tell_failed(struct store *s, int err)
{
    if (err == HWT_ERR_SPACE) {
        status_set(s->options.status, STATUS_FAILED, now_ms(s),
                   "no space left for the log in %.60s (%llu kB free); records wait in memory",
                   s->dir, (unsigned long long)medium_free_bytes(s->medium) / 1024);
    } else {
        status_set(s->options.status, STATUS_FAILED, now_ms(s),
                   "the log in %.40s cannot be written (%.60s); records wait in memory", s->dir,
                   medium_explain(s->medium, err));
    }
}

void store_tell_gone(struct store *s, const char *why)
{
    status_set(s->options.status, STATUS_FAILED, now_ms(s),
               "the log is gone from %.40s (%.80s); records wait in memory", s->dir, why);
}

void store_tell_counters(struct store *s)
{
    struct store_counters c;

    store_counters(s, &c);
    status_put(s->options.status, "durable", c.durable);
    status_put(s->options.status, "lost", c.lost);
    status_put(s->options.status, "waiting", c.waiting);
    status_put(s->options.status, "bad_pages", c.bad_pages);
    if (c.lost > 0 && s->lost_told == 0) {
        LOG(LOG_WARN, "log", "records lost, the queue is full waiting=%llu",
            (unsigned long long)c.waiting);
        s->lost_told = c.lost;
    }
    if (s->lost_told > 0 && s->retry_us == 0) {
        LOG(LOG_WARN, "log", "writing again lost=%llu", (unsigned long long)c.lost);
        s->lost_told = 0;
    }
}
