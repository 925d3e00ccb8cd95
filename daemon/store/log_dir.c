#include "daemon/store/log_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/store/medium.h"
#include "daemon/store/rolls.h"

struct log_dir {
    struct medium *medium;
    struct rolls *rolls; /* NULL: none */
    struct hwt_tslog_snapshot snapshot;
    struct hwt_tslog log;
};

bool log_dir_make_uuid(uint8_t uuid[16])
{
    if (getrandom(uuid, 16, 0) != 16) {
        return false;
    }
    uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x40); /* RFC 9562: version 4, variant 1 */
    uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
    return true;
}

const char *log_dir_explain(const struct log_dir *l, int err)
{
    return medium_explain(l->medium, err);
}

struct log_dir *log_dir_open(const char *dir, bool read_only, char *why, size_t n)
{
    struct log_dir *l = calloc(1, sizeof(*l));
    struct medium_options medium = {.kind = medium_kind_of(dir),
                                    .path = dir,
                                    .blocks = HWT_TSLOG_SEGMENTS_MAX + 1,
                                    .read_only = read_only};
    struct hwt_tslog_config config = {.read_only = read_only};
    struct hwt_tslog_recovery recovery;
    char none[512]; /* why there are no roll-ups: then records answer */
    int err;

    if (l == NULL || !log_dir_make_uuid(config.uuid)) {
        snprintf(why, n, "out of memory or random numbers");
        free(l);
        return NULL;
    }
    l->medium = medium_open(&medium, why, n);
    if (l->medium == NULL) {
        free(l);
        return NULL;
    }
    config.bd = medium_device(l->medium);
    config.no_format = medium_had_log(l->medium);
    err = hwt_tslog_open(&l->log, &config, &recovery);
    if (err != 0) {
        snprintf(why, n, "the log in %s cannot be opened: %s", dir, log_dir_explain(l, err));
        log_dir_close(l);
        return NULL;
    }
    hwt_tslog_snapshot(&l->log, &l->snapshot);
    if (medium.kind == MEDIUM_FOLDER) {
        l->rolls = rolls_open(dir, read_only, &l->snapshot, none, sizeof(none));
    }
    return l;
}

void log_dir_close(struct log_dir *l)
{
    if (l != NULL) {
        rolls_close(l->rolls);
        medium_close(l->medium);
        free(l);
    }
}

struct hwt_tslog *log_dir_tslog(struct log_dir *l)
{
    return &l->log;
}

const struct hwt_tslog_snapshot *log_dir_snapshot(struct log_dir *l)
{
    hwt_tslog_snapshot(&l->log, &l->snapshot);
    rolls_view(l->rolls, &l->snapshot);
    return &l->snapshot;
}

void log_dir_roll(struct log_dir *l, bool all)
{
    const struct hwt_tslog_snapshot *snapshot = log_dir_snapshot(l);
    int more = all ? rolls_flush(l->rolls, snapshot) : 1;

    while (more == 1) {
        more = rolls_step(l->rolls, snapshot, UINT_MAX);
    }
}

int log_dir_find(struct log_dir *l, const char *name)
{
    const struct hwt_tslog_snapshot *snapshot = log_dir_snapshot(l);
    struct hwt_stream_info info;

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (hwt_tslog_stream_info(snapshot, s, &info) == 0 && strcmp(info.name, name) == 0) {
            return s;
        }
    }
    return HWT_ERR_NOT_FOUND;
}

uint64_t log_dir_last(struct log_dir *l, int stream)
{
    return hwt_tslog_durable(&l->log, stream);
}

bool log_dir_at_limit(struct log_dir *l)
{
    return log_dir_snapshot(l)->segments >= HWT_TSLOG_SEGMENTS_MAX;
}
