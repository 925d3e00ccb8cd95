#include "daemon/http/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"

enum phase { HEAD, TIME, COLUMN_HEAD, COLUMN_VALUES, PROVENANCE, END, DONE };

int table_init(struct table *t, const struct plan *plan)
{
    size_t n = (size_t)plan->buckets * plan->column_count;

    memset(t, 0, sizeof(*t));
    t->plan = *plan;
    t->values = malloc(n * sizeof(*t->values));
    if (t->values == NULL) {
        return HWT_ERR_SPACE;
    }
    for (size_t i = 0; i < n; i++) {
        t->values[i] = TABLE_MISSING;
    }
    hwt_json_init(&t->json, t->chunk, sizeof(t->chunk));
    return 0;
}

void table_deinit(struct table *t)
{
    free(t->values);
    t->values = NULL;
}

/* Tenths of counts, so that the mean of values printed to a place has one place more. */
static int64_t tenths(double mean)
{
    double v = mean * 10.0;

    return fabs(v) < 9.0e18 ? llround(v) : TABLE_MISSING;
}

static int64_t value_of(const struct hwt_bucket *b, enum plan_fn fn)
{
    if (b->count == 0) {
        return TABLE_MISSING;
    }
    switch (fn) {
    case PLAN_MEAN:
        return tenths(b->mean);
    case PLAN_MIN:
        return b->min;
    case PLAN_MAX:
        return b->max;
    case PLAN_DELTA:
        return b->delta;
    case PLAN_FNS:
        break;
    }
    return TABLE_MISSING;
}

void table_put(struct table *t, uint32_t number, const struct hwt_bucket *buckets)
{
    for (unsigned c = 0; c < t->plan.column_count; c++) {
        const struct plan_column *column = &t->plan.column[c];

        t->values[(size_t)c * t->plan.buckets + number] =
            value_of(&buckets[column->series], (enum plan_fn)column->fn);
    }
}

bool table_has_values(const struct table *t, unsigned series)
{
    for (unsigned c = 0; c < t->plan.column_count; c++) {
        const int64_t *v = &t->values[(size_t)c * t->plan.buckets];

        for (uint32_t i = 0; t->plan.column[c].series == series && i < t->plan.buckets; i++) {
            if (v[i] != TABLE_MISSING) {
                return true;
            }
        }
    }
    return false;
}

static void put_head(struct table *t)
{
    struct hwt_json *j = &t->json;

    hwt_json_object(j, NULL);
    hwt_json_int(j, "from", t->plan.from_ms);
    hwt_json_int(j, "to", t->plan.to_ms);
    hwt_json_int(j, "step", t->plan.step_ms);
    hwt_json_array(j, "time");
    t->phase = TIME;
}

static void put_time(struct table *t)
{
    struct hwt_json *j = &t->json;

    if (t->item < t->plan.buckets) {
        hwt_json_int(j, NULL, t->plan.from_ms + t->plan.step_ms * t->item++);
        return;
    }
    hwt_json_end_array(j);
    hwt_json_array(j, "columns");
    t->phase = COLUMN_HEAD;
}

static void put_column_head(struct table *t)
{
    struct hwt_json *j = &t->json;
    const struct plan_column *column = &t->plan.column[t->column];
    const struct plan_series *series = &t->plan.series[column->series];

    if (t->column == t->plan.column_count) {
        hwt_json_end_array(j);
        hwt_json_array(j, "provenance");
        t->item = 0;
        t->phase = PROVENANCE;
        return;
    }
    hwt_json_object(j, NULL);
    hwt_json_string(j, "series", series->id);
    hwt_json_string(j, "fn", plan_fn_name((enum plan_fn)column->fn));
    hwt_json_string(j, "unit", hwt_quantity_get(series->quantity)->unit);
    hwt_json_array(j, "values");
    t->item = 0;
    t->phase = COLUMN_VALUES;
}

static void put_value(struct table *t)
{
    struct hwt_json *j = &t->json;
    const struct plan_column *column = &t->plan.column[t->column];
    const struct hwt_quantity_info *info =
        hwt_quantity_get(t->plan.series[column->series].quantity);
    bool mean = column->fn == PLAN_MEAN;
    int64_t v;

    if (t->item == t->plan.buckets) {
        hwt_json_end_array(j);
        hwt_json_end_object(j);
        t->column++;
        t->phase = COLUMN_HEAD;
        return;
    }
    v = t->values[(size_t)t->column * t->plan.buckets + t->item++];
    if (v == TABLE_MISSING) {
        hwt_json_null(j, NULL);
    } else {
        hwt_json_scaled(j, NULL, v, info->per_unit * (mean ? 10 : 1),
                        info->digits + (mean ? 1u : 0u));
    }
}

static void put_origin(struct table *t)
{
    struct hwt_json *j = &t->json;
    const struct table_origin *o = &t->origin[t->item];

    if (t->item == t->origins) {
        hwt_json_end_array(j);
        hwt_json_end_object(j);
        t->phase = END;
        return;
    }
    hwt_json_object(j, NULL);
    hwt_json_string(j, "stream", o->name);
    hwt_json_string(j, "provenance", hwt_provenance_name(o->provenance));
    hwt_json_int(j, "from", o->from_ms);
    hwt_json_int(j, "to", o->to_ms);
    hwt_json_end_object(j);
    t->item++;
}

static void put_next(struct table *t)
{
    switch ((enum phase)t->phase) {
    case HEAD:
        put_head(t);
        break;
    case TIME:
        put_time(t);
        break;
    case COLUMN_HEAD:
        put_column_head(t);
        break;
    case COLUMN_VALUES:
        put_value(t);
        break;
    case PROVENANCE:
        put_origin(t);
        break;
    case END:
    case DONE:
        t->phase = DONE;
        break;
    }
}

size_t table_read(struct table *t, char *p, size_t n)
{
    size_t done = 0;

    while (done < n) {
        size_t part;

        if (t->sent == t->json.at) { /* the writer keeps its commas and levels over the rewind */
            t->sent = t->json.at = 0;
            while (t->phase != DONE && t->json.n - t->json.at >= TABLE_ITEM_MAX) {
                put_next(t);
            }
        }
        part = t->json.at - t->sent;
        if (part == 0) {
            break;
        }
        part = part < n - done ? part : n - done;
        memcpy(p + done, t->chunk + t->sent, part);
        t->sent += part;
        done += part;
    }
    return done;
}
