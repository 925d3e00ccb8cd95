/* The query string of a request, the numbers in it, and the plan of a query that it asks for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A decoded text lies inside the string that was parsed. */
static void check(const char *p, const char *text, size_t size)
{
    if (p < text || p > text + size || memchr(p, '\0', (size_t)(text + size + 1 - p)) == NULL) {
        abort();
    }
}

static void check_column(const struct plan *plan, unsigned column)
{
    const struct plan_column *c = &plan->column[column];

    if (c->series >= plan->series_count || c->unit == NULL || c->divisor == 0 || c->digits > 9 ||
        plan_fn_name((enum plan_fn)c->fn) == NULL) {
        abort();
    }
    (void)plan_value(plan, column, &(struct hwt_bucket){.count = 1, .mean = 1e300});
}

/* The edges rise to the end, as many as were counted. */
static void check_edges(struct plan *plan)
{
    uint32_t most = plan->format == PLAN_JSON ? plan->buckets : 100, n = 0;
    int64_t at = plan->from_ms;

    for (; at < plan->to_ms && n < most; n++) {
        struct hwt_tslog_range range = plan_range(plan, at);
        int64_t next = plan_next_edge(plan, at);

        if (next <= at || next > plan->to_ms || range.from_ms != at ||
            (range.next == NULL && range.step_ms != plan->step_ms)) {
            abort();
        }
        at = next;
    }
    if (plan->format == PLAN_JSON && (at != plan->to_ms || n != plan->buckets || n == 0)) {
        abort();
    }
}

static void check_plan(const struct http_query *query, const char *accept)
{
    static const struct http_series known[] = {{"hp_power", "hp", "", HWT_Q_POWER}};
    int err;
    struct zone *zone = zone_load("UTC", &err);
    struct plan_site site = {known, 1, zone, "UTC"};
    struct http_problem problem = {0};
    struct plan plan;

    if (zone == NULL) {
        return;
    }
    if (plan_parse(&plan, query, accept, &site, &problem) < 0) {
        if (problem.status != 400 || problem.parameter == NULL || problem.detail[0] == '\0') {
            abort();
        }
    } else {
        for (unsigned c = 0; c < plan.column_count; c++) {
            check_column(&plan, c);
        }
        if (plan.cut != PLAN_CUT_RAW) {
            check_edges(&plan);
        }
    }
    plan_deinit(&plan);
    zone_free(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct http_query query;
    const char *why = NULL;
    int err;

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    err = http_query_parse(&query, text, &why);
    if (query.count > HTTP_PARAMETERS_MAX || (err < 0 && (query.count != 0 || why == NULL))) {
        abort();
    }
    for (size_t i = 0; i < query.count; i++) {
        const struct http_parameter *p = &query.parameter[i];
        int64_t v;

        check(p->name, text, size);
        check(p->value, text, size);
        if (http_query_get(&query, p->name) != p->value ||
            (http_number(p->value, -1000, 1000, &v) && (v < -1000 || v > 1000))) {
            abort();
        }
    }
    if (err == 0) {
        check_plan(&query, http_query_get(&query, "accept"));
    }
    free(text);
    return 0;
}
