#include "daemon/http/desk.h"

#include <stdlib.h>
#include <string.h>

void desk_init(struct desk *desk, const struct http_hooks *hooks)
{
    memset(desk, 0, sizeof(*desk));
    desk->hooks = hooks;
}

void desk_deinit(struct desk *desk)
{
    free(desk->snapshot);
    free(desk->buckets);
    for (size_t i = 0; i < HWT_TSLOG_STREAMS_MAX; i++) {
        free(desk->cursor[i]);
    }
}

int desk_refresh(struct desk *desk)
{
    if (desk->snapshot == NULL) {
        desk->snapshot = calloc(1, sizeof(*desk->snapshot));
    }
    desk->owner = NULL;
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

void desk_leave(struct desk *desk, const void *owner)
{
    if (desk->owner == owner) {
        desk->owner = NULL;
    }
}

struct hwt_tslog_buckets *desk_buckets(struct desk *desk)
{
    if (desk->buckets == NULL) {
        desk->buckets = calloc(1, sizeof(*desk->buckets));
    }
    return desk->buckets;
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
