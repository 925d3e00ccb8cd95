#include "daemon/http/plan.h"

#include <math.h>
#include <string.h>

#include "core/base/quantity.h"

static const char *const fn_names[] = {
    [PLAN_MEAN] = "mean",         [PLAN_MIN] = "min",           [PLAN_MAX] = "max",
    [PLAN_FIRST] = "first",       [PLAN_LAST] = "last",         [PLAN_DELTA] = "delta",
    [PLAN_INTEGRAL] = "integral", [PLAN_MEASURED] = "measured", [PLAN_VALUE] = "value",
    [PLAN_QUALITY] = "quality",
};

static const char *const format_names[PLAN_FORMATS] = {"json", "csv", "binary"};

const char *plan_fn_name(enum plan_fn fn)
{
    return fn_names[fn];
}

static int need_number(const struct http_query *query, const char *name, int64_t min, int64_t max,
                       const char *unit, int64_t *out, struct http_problem *problem)
{
    const char *text = http_query_get(query, name);

    if (text != NULL && http_number(text, min, max, out)) {
        return 0;
    }
    http_problem_set(problem, 400, name, "%s: %.40s%s; a whole number of %s from %lld to %lld",
                     name, text == NULL ? "missing" : text, text == NULL ? "" : " is not right",
                     unit, (long long)min, (long long)max);
    return HWT_ERR_ARGUMENT;
}

static int parse_range(struct plan *plan, const struct http_query *query,
                       struct http_problem *problem)
{
    static const char unix_ms[] = "unix milliseconds";

    if (need_number(query, "from", 0, PLAN_TIME_MAX_MS, unix_ms, &plan->from_ms, problem) < 0 ||
        need_number(query, "to", 0, PLAN_TIME_MAX_MS, unix_ms, &plan->to_ms, problem) < 0) {
        return HWT_ERR_ARGUMENT;
    }
    if (plan->to_ms <= plan->from_ms) {
        http_problem_set(problem, 400, "to", "to: must be after from; the range is [from, to)");
        return HWT_ERR_ARGUMENT;
    }
    return 0;
}

/* The next part of a list "a,b,c": its length; *next_out is behind its comma, NULL at the end. */
static size_t list_part(const char *text, const char **next_out)
{
    size_t n = strcspn(text, ",");

    *next_out = text[n] == ',' ? text + n + 1 : NULL;
    return n;
}

static bool id_is_well_formed(const char *id, size_t n)
{
    return n >= 1 && n <= HWT_ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_") >= n;
}

static int parse_one_series(struct plan *plan, const char *id, size_t n,
                            const struct plan_site *site, struct http_problem *problem)
{
    struct plan_series *s = &plan->series[plan->series_count];

    if (!id_is_well_formed(id, n)) {
        http_problem_set(problem, 400, "series",
                         "series: '%.*s' is not an id; 1 to %d of a-z, 0-9 and _, separated by "
                         "commas",
                         n > 40 ? 40 : (int)n, id, HWT_ID_MAX);
        return HWT_ERR_ARGUMENT;
    }
    *s = (struct plan_series){0};
    memcpy(s->id, id, n);
    s->quantity = (uint8_t)hwt_quantity_of_channel(s->id);
    for (size_t i = 0; i < site->known_count && !s->configured; i++) {
        if (strcmp(site->known[i].id, s->id) == 0) {
            s->configured = true;
            s->quantity = site->known[i].quantity;
        }
    }
    if (s->quantity == HWT_Q_NONE) {
        http_problem_set(problem, 400, "series",
                         "series: '%s' is not known, and no quantity ends its name as in "
                         "'hp_power'; /api/v1/series lists what there is",
                         s->id);
        return HWT_ERR_ARGUMENT;
    }
    for (unsigned i = 0; i < plan->series_count; i++) {
        if (strcmp(plan->series[i].id, s->id) == 0) {
            http_problem_set(problem, 400, "series", "series: '%s' is named twice", s->id);
            return HWT_ERR_ARGUMENT;
        }
    }
    plan->series_count++;
    return 0;
}

int plan_parse_series(struct plan *plan, const struct http_query *query,
                      const struct plan_site *site, struct http_problem *problem)
{
    const char *text = http_query_get(query, "series");

    if (text == NULL) {
        http_problem_set(problem, 400, "series",
                         "series: missing; ids separated by commas, as /api/v1/series lists them");
        return HWT_ERR_ARGUMENT;
    }
    while (text != NULL) {
        const char *id = text;
        size_t n = list_part(text, &text);

        if (plan->series_count == PLAN_SERIES_MAX) {
            http_problem_set(problem, 400, "series", "series: more than %d", PLAN_SERIES_MAX);
            return HWT_ERR_ARGUMENT;
        }
        if (parse_one_series(plan, id, n, site, problem) < 0) {
            return HWT_ERR_ARGUMENT;
        }
    }
    return 0;
}

/* fn=mean,min: which of them, in order, each once. */
static int parse_fns(const char *text, uint8_t fns_out[PLAN_FNS], unsigned *count_out,
                     struct http_problem *problem)
{
    unsigned seen = 0;

    *count_out = 0;
    while (text != NULL) {
        const char *name = text;
        size_t n = list_part(text, &text);
        uint8_t fn = 0;

        while (fn < PLAN_FNS &&
               !(strlen(fn_names[fn]) == n && memcmp(fn_names[fn], name, n) == 0)) {
            fn++;
        }
        if (fn == PLAN_FNS || (seen & 1u << fn)) {
            http_problem_set(problem, 400, "fn",
                             "fn: '%.*s' %s; each once of mean, min, max, first, last, delta, "
                             "integral, measured",
                             n > 40 ? 40 : (int)n, name,
                             fn == PLAN_FNS ? "is not a function" : "is named twice");
            return HWT_ERR_ARGUMENT;
        }
        seen |= 1u << fn;
        fns_out[(*count_out)++] = fn;
    }
    return 0;
}

/* A gauge's unit times hours. */
static const char *integral_unit(const char *unit)
{
    static const char *const units[][2] = {
        {"W", "Wh"},  {"VA", "VAh"},  {"var", "varh"}, {"V", "Vh"},
        {"A", "Ah"},  {"Hz", "Hz h"}, {"l/h", "l"},    {"degC", "degC h"},
        {"K", "K h"}, {"Pa", "Pa h"}, {"1", "h"},      {"%", "% h"},
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(units[i][0], unit) == 0) {
            return units[i][1];
        }
    }
    return NULL; /* a test sees that every gauge has one */
}

static struct plan_column column_of(const struct plan *plan, unsigned series, enum plan_fn fn)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(plan->series[series].quantity);
    struct plan_column c = {.series = (uint8_t)series, .fn = (uint8_t)fn, .unit = info->unit};
    int64_t places = 1;

    for (unsigned i = 0; i < info->digits; i++) {
        places *= 10;
    }
    c.digits = info->digits;
    c.divisor = (uint16_t)(info->per_unit / places); /* 1, or 3600 of mJ to mWh */
    switch (fn) {
    case PLAN_MEAN: /* in tenths of counts */
        c.digits++;
        break;
    case PLAN_INTEGRAL:
        c.unit = integral_unit(info->unit);
        c.digits = 3;
        c.divisor = 1;
        break;
    case PLAN_MEASURED:
        c.unit = "s";
        c.digits = 3;
        c.divisor = 1;
        break;
    case PLAN_QUALITY:
        c.unit = "1";
        c.digits = 0;
        c.divisor = 1;
        break;
    case PLAN_MIN:
    case PLAN_MAX:
    case PLAN_FIRST:
    case PLAN_LAST:
    case PLAN_DELTA:
    case PLAN_VALUE:
        break;
    }
    return c;
}

static void add_column(struct plan *plan, unsigned series, enum plan_fn fn)
{
    plan->column[plan->column_count++] = column_of(plan, series, fn);
}

static bool is_counter(const struct plan *plan, unsigned series)
{
    return hwt_quantity_get(plan->series[series].quantity)->kind == HWT_COUNTER;
}

static int check_fn(const struct plan *plan, unsigned series, enum plan_fn fn,
                    struct http_problem *problem)
{
    bool counter = is_counter(plan, series);

    if (fn == PLAN_DELTA && !counter) {
        http_problem_set(problem, 400, "fn",
                         "fn: delta is the rise of a counter, and '%s' is a gauge; mean, min, max, "
                         "first, last or integral",
                         plan->series[series].id);
        return HWT_ERR_ARGUMENT;
    }
    if (fn == PLAN_INTEGRAL && counter) {
        http_problem_set(problem, 400, "fn",
                         "fn: integral is of a gauge over time, and '%s' is a counter; delta",
                         plan->series[series].id);
        return HWT_ERR_ARGUMENT;
    }
    return 0;
}

static int plan_columns(struct plan *plan, const struct http_query *query,
                        struct http_problem *problem)
{
    uint8_t fns[PLAN_FNS];
    unsigned count = 0;

    if (parse_fns(http_query_get(query, "fn"), fns, &count, problem) < 0) {
        return HWT_ERR_ARGUMENT;
    }
    for (unsigned s = 0; s < plan->series_count; s++) {
        if (count == 0) {
            add_column(plan, s, is_counter(plan, s) ? PLAN_DELTA : PLAN_MEAN);
        }
        for (unsigned k = 0; k < count; k++) {
            if (check_fn(plan, s, (enum plan_fn)fns[k], problem) < 0) {
                return HWT_ERR_ARGUMENT;
            }
            add_column(plan, s, (enum plan_fn)fns[k]);
        }
    }
    return 0;
}

/* --- raw --- */

/* Parameters that mean something only there, or only elsewhere. */
static int check_raw(struct plan *plan, const struct http_query *query,
                     struct http_problem *problem)
{
    static const char *const only_raw[] = {"quality", "stream"};
    bool raw = plan->cut == PLAN_CUT_RAW;

    for (size_t i = 0; !raw && i < sizeof(only_raw) / sizeof(only_raw[0]); i++) {
        if (http_query_get(query, only_raw[i]) != NULL) {
            http_problem_set(problem, 400, only_raw[i], "%s: only with step=raw", only_raw[i]);
            return HWT_ERR_ARGUMENT;
        }
    }
    if (raw && http_query_get(query, "fn") != NULL) {
        http_problem_set(problem, 400, "fn",
                         "fn: not with step=raw, which gives each record's own values");
        return HWT_ERR_ARGUMENT;
    }
    return 0;
}

static int parse_raw(struct plan *plan, const struct http_query *query,
                     struct http_problem *problem)
{
    const char *quality = http_query_get(query, "quality");
    const char *stream = http_query_get(query, "stream");

    if (quality != NULL && strcmp(quality, "0") != 0 && strcmp(quality, "1") != 0) {
        http_problem_set(problem, 400, "quality", "quality: '%.40s' is not right; 0 or 1", quality);
        return HWT_ERR_ARGUMENT;
    }
    if (stream != NULL && !id_is_well_formed(stream, strlen(stream))) {
        http_problem_set(problem, 400, "stream",
                         "stream: '%.40s' is not a name; /api/v1/series lists what there is",
                         stream);
        return HWT_ERR_ARGUMENT;
    }
    if (stream != NULL) {
        memcpy(plan->stream, stream, strlen(stream) + 1);
    }
    plan->quality = quality != NULL && quality[0] == '1';
    for (unsigned s = 0; s < plan->series_count; s++) {
        add_column(plan, s, PLAN_VALUE);
        if (plan->quality) {
            add_column(plan, s, PLAN_QUALITY);
        }
    }
    return 0;
}

/* --- without roll-ups --- */

static int parse_unrolled(struct plan *plan, const struct http_query *query,
                          struct http_problem *problem)
{
    const char *text = http_query_get(query, "unrolled");

    if (text != NULL && strcmp(text, "0") != 0 && strcmp(text, "1") != 0) {
        http_problem_set(problem, 400, "unrolled", "unrolled: '%.40s' is not right; 0 or 1", text);
        return HWT_ERR_ARGUMENT;
    }
    plan->unrolled = text != NULL && text[0] == '1';
    return 0;
}

/* --- format and zone --- */

static int parse_format(struct plan *plan, const struct http_query *query, const char *accept,
                        struct http_problem *problem)
{
    const char *text = http_query_get(query, "format");

    if (text == NULL) {
        plan->format = (uint8_t)plan_format_accepted(accept);
        return 0;
    }
    for (unsigned f = 0; f < PLAN_FORMATS; f++) {
        if (strcmp(format_names[f], text) == 0) {
            plan->format = (uint8_t)f;
            return 0;
        }
    }
    http_problem_set(problem, 400, "format", "format: '%.40s' is not known; json, csv or binary",
                     text);
    return HWT_ERR_ARGUMENT;
}

static int parse_zone(struct plan *plan, const struct http_query *query,
                      const struct plan_site *site, struct http_problem *problem)
{
    const char *name = http_query_get(query, "tz");
    int err;

    if (name == NULL || strcmp(name, site->zone_name) == 0) {
        plan->zone = site->zone;
        name = site->zone_name;
    } else {
        plan->zone = plan->own_zone = zone_load(name, &err);
    }
    if (plan->zone == NULL) {
        http_problem_set(problem, 400, "tz",
                         "tz: '%.40s' is not in this system's time zone database; UTC, or a name "
                         "such as Europe/London",
                         name);
        return HWT_ERR_ARGUMENT;
    }
    memcpy(plan->zone_name, name, strlen(name) + 1);
    return 0;
}

int plan_parse(struct plan *plan_out, const struct http_query *query, const char *accept,
               const struct plan_site *site, struct http_problem *problem_out)
{
    memset(plan_out, 0, sizeof(*plan_out));
    if (plan_parse_series(plan_out, query, site, problem_out) < 0 ||
        parse_range(plan_out, query, problem_out) < 0 ||
        parse_format(plan_out, query, accept, problem_out) < 0 ||
        parse_zone(plan_out, query, site, problem_out) < 0 ||
        plan_cut(plan_out, query, problem_out) < 0 || check_raw(plan_out, query, problem_out) < 0 ||
        parse_unrolled(plan_out, query, problem_out) < 0) {
        return HWT_ERR_ARGUMENT;
    }
    if (plan_out->cut == PLAN_CUT_RAW) {
        return parse_raw(plan_out, query, problem_out);
    }
    if (plan_columns(plan_out, query, problem_out) < 0) {
        return HWT_ERR_ARGUMENT;
    }
    if (plan_out->format == PLAN_JSON &&
        (uint64_t)plan_out->buckets * plan_out->column_count > PLAN_VALUES_MAX) {
        http_problem_set(problem_out, 400, "step",
                         "step: %u buckets of %u columns are more than %d values; a longer step, "
                         "fewer series, or format=csv or binary",
                         plan_out->buckets, plan_out->column_count, PLAN_VALUES_MAX);
        return HWT_ERR_ARGUMENT;
    }
    return 0;
}

void plan_deinit(struct plan *plan)
{
    zone_free(plan->own_zone);
    plan->own_zone = NULL;
    plan->zone = NULL;
}

/* --- values --- */

static int64_t rounded(double v)
{
    int64_t whole;
    double rest;

    if (!(fabs(v) < 9.0e18)) {
        return PLAN_MISSING;
    }
    whole = (int64_t)v; /* as llround, without a call */
    rest = v - (double)whole;
    return whole + (rest >= 0.5) - (rest <= -0.5);
}

/* Thousandths of the unit x h. */
static int64_t integral(const struct plan_series *series, const struct hwt_bucket *b)
{
    double per_unit = (double)hwt_quantity_get(series->quantity)->per_unit;

    return rounded(b->mean / per_unit * (double)b->measured_ms / 3600.0);
}

int64_t plan_value(const struct plan *plan, unsigned column, const struct hwt_bucket *bucket)
{
    const struct plan_column *c = &plan->column[column];

    if (c->fn == PLAN_MEASURED) { /* nothing measured is known: 0 */
        return bucket->count == 0 ? 0 : (int64_t)bucket->measured_ms;
    }
    if (bucket->count == 0) {
        return PLAN_MISSING;
    }
    switch ((enum plan_fn)c->fn) {
    case PLAN_MEAN: /* tenths of counts: the mean of values of a place has one place more */
        return rounded(bucket->mean * 10.0);
    case PLAN_MIN:
        return bucket->min;
    case PLAN_MAX:
        return bucket->max;
    case PLAN_FIRST:
        return bucket->first;
    case PLAN_LAST:
        return bucket->last;
    case PLAN_DELTA:
        return bucket->delta;
    case PLAN_INTEGRAL:
        return integral(&plan->series[c->series], bucket);
    case PLAN_MEASURED:
    case PLAN_VALUE:
    case PLAN_QUALITY:
        break;
    }
    return PLAN_MISSING;
}
