/*
 * plan.h: what a /api/v1/query asks for, checked: every number in range, every series well formed.
 */
#ifndef DAEMON_HTTP_PLAN_H
#define DAEMON_HTTP_PLAN_H

#include <stdint.h>

#include "core/flow.h"
#include "daemon/http/http.h"
#include "daemon/http/problem.h"
#include "daemon/http/query.h"

enum {
    PLAN_STEP_MIN_MS = 1000,
    PLAN_BUCKETS_MAX = 10000,
    PLAN_SERIES_MAX = 32,
    PLAN_VALUES_MAX = 200000 /* buckets x columns: 1.6 MB */
};

#define PLAN_TIME_MAX_MS 253402300800000 /* the year 10000 */

enum plan_fn { PLAN_MEAN, PLAN_MIN, PLAN_MAX, PLAN_DELTA, PLAN_FNS };

struct plan_series {
    char id[HWT_ID_MAX + 1];
    uint8_t quantity; /* enum hwt_quantity */
    bool configured;
};

struct plan_column {
    uint8_t series; /* index */
    uint8_t fn;     /* enum plan_fn */
};

struct plan {
    int64_t from_ms, to_ms, step_ms;
    uint32_t buckets; /* the last one may be short */
    unsigned series_count, column_count;
    struct plan_series series[PLAN_SERIES_MAX];
    struct plan_column column[PLAN_SERIES_MAX * PLAN_FNS];
};

/* 0, or ARGUMENT: *problem_out names the parameter and what would be right. `known` are the
 * configured channels; an id that is not among them takes its quantity from its ending. */
HWT_MUST_CHECK int plan_parse(struct plan *plan_out, const struct http_query *query,
                              const struct http_series *known, size_t known_count,
                              struct http_problem *problem_out);

/* "mean" */
const char *plan_fn_name(enum plan_fn fn);

#endif
