#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/store/store_state.h"

bool store_correct(struct store *s, const struct hwt_correction *corrections, size_t n,
                   void (*done)(void *ctx, int err), void *ctx)
{
    struct hwt_correction *copy = n > 0 ? malloc(n * sizeof(*copy)) : NULL;
    bool taken;

    if (copy == NULL) {
        return false;
    }
    memcpy(copy, corrections, n * sizeof(*copy));
    pthread_mutex_lock(&s->lock);
    taken = s->corrections.at == NULL && !s->stop;
    if (taken) {
        s->corrections.at = copy;
        s->corrections.n = n;
        s->corrections.done = done;
        s->corrections.ctx = ctx;
        s->asked++;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    if (!taken) {
        free(copy);
    }
    return taken;
}

void store_commit_soon(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->asked++;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

void store_end_corrections(struct store *s, int err)
{
    void (*done)(void *ctx, int err);
    struct hwt_correction *gone;
    void *ctx;

    pthread_mutex_lock(&s->lock);
    gone = s->corrections.at;
    done = s->corrections.done;
    ctx = s->corrections.ctx;
    s->corrections.at = NULL;
    s->corrected = false;
    pthread_mutex_unlock(&s->lock);
    if (gone != NULL) {
        done(ctx, err);
    }
    free(gone);
}

bool store_take_corrections(struct store *s)
{
    const struct hwt_correction *at;
    size_t n;
    int err = 0;

    pthread_mutex_lock(&s->lock);
    at = s->corrections.at; /* stays until this thread ends it */
    n = s->corrections.n;
    pthread_mutex_unlock(&s->lock);
    if (at == NULL || s->corrected) {
        return at != NULL;
    }
    s->corrections_before = hwt_tslog_corrections(&s->log);
    if (s->corrections_before + n > HWT_TSLOG_CORRECTIONS_MAX) {
        err = HWT_ERR_SPACE;
    }
    for (size_t i = 0; i < n && err == 0; i++) {
        err = hwt_tslog_correct(&s->log, 0, &at[i]);
    }
    if (err != 0) {
        LOG(LOG_WARN, "log", "corrections refused count=%zu err=%d", n, err);
        store_end_corrections(s, err);
        return false;
    }
    s->corrected = true;
    LOG(LOG_INFO, "log", "corrections recorded count=%zu id=%s", n, at[0].id);
    return true;
}
