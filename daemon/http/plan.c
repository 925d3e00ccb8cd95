#include "daemon/http/plan.h"

#include <string.h>

#include "core/base/quantity.h"

static const char *const fn_names[PLAN_FNS] = {"mean", "min", "max", "delta"};

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
    int64_t buckets;

    if (need_number(query, "from", 0, PLAN_TIME_MAX_MS, unix_ms, &plan->from_ms, problem) < 0 ||
        need_number(query, "to", 0, PLAN_TIME_MAX_MS, unix_ms, &plan->to_ms, problem) < 0 ||
        need_number(query, "step", PLAN_STEP_MIN_MS, PLAN_TIME_MAX_MS, "milliseconds",
                    &plan->step_ms, problem) < 0) {
        return HWT_ERR_ARGUMENT;
    }
    if (plan->to_ms <= plan->from_ms) {
        http_problem_set(problem, 400, "to", "to: must be after from; the range is [from, to)");
        return HWT_ERR_ARGUMENT;
    }
    buckets = (plan->to_ms - plan->from_ms - 1) / plan->step_ms + 1;
    if (buckets > PLAN_BUCKETS_MAX) {
        http_problem_set(problem, 400, "step",
                         "step: %lld ms makes %lld buckets of this range; at most %d, so at least "
                         "%lld ms",
                         (long long)plan->step_ms, (long long)buckets, PLAN_BUCKETS_MAX,
                         (long long)((plan->to_ms - plan->from_ms - 1) / PLAN_BUCKETS_MAX + 1));
        return HWT_ERR_ARGUMENT;
    }
    plan->buckets = (uint32_t)buckets;
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
                            const struct http_series *known, size_t known_count,
                            struct http_problem *problem)
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
    for (size_t i = 0; i < known_count && !s->configured; i++) {
        if (strcmp(known[i].id, s->id) == 0) {
            s->configured = true;
            s->quantity = known[i].quantity;
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

static int parse_series(struct plan *plan, const struct http_query *query,
                        const struct http_series *known, size_t known_count,
                        struct http_problem *problem)
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
        if (parse_one_series(plan, id, n, known, known_count, problem) < 0) {
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
                             "fn: '%.*s' %s; each once of mean, min, max, delta",
                             n > 40 ? 40 : (int)n, name,
                             fn == PLAN_FNS ? "is not a function" : "is named twice");
            return HWT_ERR_ARGUMENT;
        }
        seen |= 1u << fn;
        fns_out[(*count_out)++] = fn;
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
        bool counter = hwt_quantity_get(plan->series[s].quantity)->kind == HWT_COUNTER;

        if (count == 0) {
            plan->column[plan->column_count++] =
                (struct plan_column){(uint8_t)s, counter ? PLAN_DELTA : PLAN_MEAN};
        }
        for (unsigned k = 0; k < count; k++) {
            if (fns[k] == PLAN_DELTA && !counter) {
                http_problem_set(problem, 400, "fn",
                                 "fn: delta is the rise of a counter, and '%s' is a gauge; mean, "
                                 "min or max",
                                 plan->series[s].id);
                return HWT_ERR_ARGUMENT;
            }
            plan->column[plan->column_count++] = (struct plan_column){(uint8_t)s, fns[k]};
        }
    }
    return 0;
}

int plan_parse(struct plan *plan_out, const struct http_query *query,
               const struct http_series *known, size_t known_count,
               struct http_problem *problem_out)
{
    memset(plan_out, 0, sizeof(*plan_out));
    if (parse_series(plan_out, query, known, known_count, problem_out) < 0 ||
        parse_range(plan_out, query, problem_out) < 0 ||
        plan_columns(plan_out, query, problem_out) < 0) {
        return HWT_ERR_ARGUMENT;
    }
    if ((uint64_t)plan_out->buckets * plan_out->column_count > PLAN_VALUES_MAX) {
        http_problem_set(problem_out, 400, "step",
                         "step: %u buckets of %u columns are more than %d values; a longer step or "
                         "fewer series",
                         plan_out->buckets, plan_out->column_count, PLAN_VALUES_MAX);
        return HWT_ERR_ARGUMENT;
    }
    return 0;
}
