#include "daemon/http/desk.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"

void desk_init(struct desk *desk, const struct http_hooks *hooks)
{
    memset(desk, 0, sizeof(*desk));
    desk->hooks = hooks;
    desk->now_us = clock_real_us;
}

void desk_deinit(struct desk *desk)
{
    free(desk->snapshot);
    free(desk->buckets);
    for (size_t i = 0; i < HWT_TSLOG_STREAMS_MAX; i++) {
        free(desk->cursor[i]);
    }
}

static bool is_held(const struct desk *desk)
{
    return desk->held_until_us != 0 && desk->now_us() < desk->held_until_us;
}

int desk_refresh(struct desk *desk)
{
    if (is_held(desk)) {
        desk->waited = true;
        return 0;
    }
    if (desk->snapshot == NULL) {
        desk->snapshot = calloc(1, sizeof(*desk->snapshot));
    }
    desk->owner = desk->filler = NULL;
    desk->held_until_us = 0;
    desk->waited = false;
    return desk->snapshot == NULL ? HWT_ERR_SPACE
                                  : desk->hooks->snapshot(desk->hooks->ctx, desk->snapshot);
}

bool desk_take(struct desk *desk, const void *owner)
{
    if (desk->owner == owner) {
        return true;
    }
    desk->owner = owner;
    for (size_t i = 0; i < HWT_TSLOG_STREAMS_MAX; i++) {
        if (desk->cursor[i] != NULL) {
            desk->cursor[i]->open = false;
            desk->cursor[i]->seen_count = 0;
        }
    }
    return false;
}

int desk_take_buckets(struct desk *desk, const void *owner)
{
    int err = 0;

    if (desk->filler == owner) {
        return 1;
    }
    if (is_held(desk)) {
        desk->waited = true;
        return HWT_ERR_AGAIN;
    }
    if (desk->waited) { /* perhaps for a newer snapshot */
        err = desk_refresh(desk);
    }
    if (err == 0 && desk->buckets == NULL) {
        desk->buckets = calloc(1, sizeof(*desk->buckets));
        err = desk->buckets == NULL ? HWT_ERR_SPACE : 0;
    }
    desk->filler = err == 0 ? owner : NULL;
    desk->held_until_us = 0;
    return err;
}

void desk_hold(struct desk *desk)
{
    desk->held_until_us = desk->now_us() + DESK_HOLD_US;
}

bool desk_release(struct desk *desk)
{
    desk->held_until_us = 0;
    desk->filler = desk->waited ? NULL : desk->filler;
    return desk->waited;
}

void desk_leave(struct desk *desk, const void *owner)
{
    if (desk->owner == owner) {
        desk->owner = NULL;
    }
    if (desk->filler == owner) {
        desk->filler = NULL;
        desk->held_until_us = 0;
    }
}

struct desk_cursor *desk_cursor(struct desk *desk, int stream)
{
    if (desk->cursor[stream] == NULL) {
        desk->cursor[stream] = calloc(1, sizeof(*desk->cursor[stream]));
    }
    return desk->cursor[stream];
}

static int16_t find(const struct hwt_schema *schema, const char *id)
{
    for (uint16_t i = 0; i < schema->count; i++) {
        if (strcmp(schema->channel[i].id, id) == 0) {
            return (int16_t)i;
        }
    }
    return -1;
}

void desk_map(struct desk_cursor *c, const struct plan *plan, const struct hwt_schema *schema)
{
    size_t n = schema->count * sizeof(c->seen[0]);

    if (c->seen_count == schema->count && memcmp(c->seen, schema->channel, n) == 0) {
        return;
    }
    memcpy(c->seen, schema->channel, n);
    c->seen_count = schema->count;
    c->has_any = false;
    for (unsigned i = 0; i < plan->series_count; i++) {
        c->column[i] = find(schema, plan->series[i].id);
        c->has_any |= c->column[i] >= 0;
    }
}
