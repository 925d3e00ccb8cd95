#include "daemon/http/table.h"

#include <string.h>

#include "core/base/json.h"
#include "daemon/http/number.h"
#include "daemon/http/pages.h"
#include "daemon/http/text.h"

enum { HEAD_ROOM = 1024, COLUMN_ROOM = 256 /* bytes of JSON, beside the values */ };

size_t table_bytes(const struct plan *plan)
{
    return (size_t)plan->buckets * plan->column_count * sizeof(int64_t);
}

int table_init(struct table *t, const struct plan *plan)
{
    t->plan = plan;
    t->bytes = table_bytes(plan);
    t->values = pages_new(t->bytes, true);
    if (t->values == NULL) {
        return HWT_ERR_SPACE;
    }
    for (size_t i = 0; i < t->bytes / sizeof(*t->values); i++) {
        t->values[i] = PLAN_MISSING;
    }
    return 0;
}

void table_deinit(struct table *t)
{
    pages_free(t->values, t->bytes);
    t->values = NULL;
}

void table_put(struct table *t, uint32_t number, const int64_t *value)
{
    for (unsigned c = 0; c < t->plan->column_count; c++) {
        t->values[(size_t)c * t->plan->buckets + number] = value[c];
    }
}

/* "[1,null,…]". A value that is as the one before, as many are, is copied: NUMBER_MAX bytes at
 * once, for which there is room behind any value. */
static char *put_values(const struct table *t, unsigned column, char *p)
{
    const struct plan_column *c = &t->plan->column[column];
    const int64_t *v = &t->values[(size_t)column * t->plan->buckets];
    char last[NUMBER_MAX] = "null,"; /* what the value before reads, with its comma */
    size_t last_n = 5;
    int64_t last_v = PLAN_MISSING;
    bool plain = c->divisor == 1 && c->digits <= NUMBER_SMALL_DIGITS;

    *p++ = '[';
    for (uint32_t i = 0; i < t->plan->buckets; i++) {
        if (v[i] != last_v) {
            char *end = v[i] == PLAN_MISSING ? memcpy(p, "null", 4)
                        : plain && v[i] >= -NUMBER_SMALL && v[i] <= NUMBER_SMALL
                            ? number_put_small(p, (int32_t)v[i], c->digits)
                            : number_put(p, v[i], c->divisor, c->digits);

            end += v[i] == PLAN_MISSING ? 4 : 0;
            *end++ = ',';
            last_v = v[i];
            last_n = (size_t)(end - p);
            memcpy(last, p, sizeof(last));
        } else {
            memcpy(p, last, sizeof(last));
        }
        p += last_n;
    }
    p[-1] = ']';
    return p;
}

size_t table_room(const struct table *t)
{
    size_t columns = t->plan->column_count;

    return HEAD_ROOM + HWT_TSLOG_STREAMS_MAX * COLUMN_ROOM + columns * COLUMN_ROOM +
           (columns + 1) * t->plan->buckets * (NUMBER_MAX + 1);
}

size_t table_json(const struct table *t, const struct rows *rows, char *p, size_t room)
{
    const struct plan *plan = t->plan;
    struct hwt_json j;

    if (room < table_room(t)) {
        return 0;
    }
    hwt_json_init(&j, p, room);
    hwt_json_object(&j, NULL);
    text_put_head(&j, plan);
    hwt_json_raw(&j, "time", "", 0);
    j.at = (size_t)(text_put_times(plan, p + j.at) - p);
    hwt_json_array(&j, "columns");
    for (unsigned c = 0; c < plan->column_count; c++) {
        hwt_json_object(&j, NULL);
        text_put_column(&j, plan, c);
        hwt_json_raw(&j, "values", "", 0);
        j.at = (size_t)(put_values(t, c, p + j.at) - p);
        hwt_json_end_object(&j);
    }
    hwt_json_end_array(&j);
    text_put_origins(&j, rows);
    hwt_json_end_object(&j);
    return j.ok ? j.at : 0;
}
