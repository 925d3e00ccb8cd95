/*
 * plan.h: what a /api/v1/query asks for, checked: every number in range, every series well formed.
 */
#ifndef DAEMON_HTTP_PLAN_H
#define DAEMON_HTTP_PLAN_H

#include <stdint.h>

#include "core/tslog/tslog.h"
#include "daemon/base/calendar.h"
#include "daemon/http/http.h"
#include "daemon/http/problem.h"
#include "daemon/http/query.h"

enum {
    PLAN_STEP_MIN_MS = 1000,
    PLAN_BUCKETS_MAX = 10000, /* of JSON, which is held whole; rows that are streamed have no end */
    PLAN_SERIES_MAX = 32,
    PLAN_VALUES_MAX = 200000, /* of JSON: buckets x columns: 1.6 MB */
    PLAN_TIMES_MAX = 1000     /* of a unit in a step such as 7d */
};

#define PLAN_TIME_MAX_MS 253402300800000 /* the year 10000 */
#define PLAN_MISSING     INT64_MIN

enum plan_fn { /* of the records in a bucket */
               PLAN_MEAN,
               PLAN_MIN,
               PLAN_MAX,
               PLAN_FIRST,
               PLAN_LAST,
               PLAN_DELTA,    /* a counter's rise */
               PLAN_INTEGRAL, /* a gauge's mean x the time measured */
               PLAN_MEASURED, /* the time measured */
               PLAN_FNS,
               PLAN_VALUE = PLAN_FNS, /* of a record, as it is */
               PLAN_QUALITY           /* of that value */
};

enum plan_format { PLAN_JSON, PLAN_CSV, PLAN_COLUMNS, PLAN_FORMATS };

enum plan_cut {
    PLAN_CUT_FIXED,    /* edges at origin_ms + k x step_ms */
    PLAN_CUT_CALENDAR, /* each `times` units of the zone's calendar */
    PLAN_CUT_RAW       /* not at all: each record is a row */
};

struct plan_series {
    char id[HWT_ID_MAX + 1];
    uint8_t quantity; /* enum hwt_quantity */
    bool configured;
};

struct plan_column {
    uint8_t series; /* index */
    uint8_t fn;     /* enum plan_fn */
    /* Values are int64; a value / divisor is printed with `digits` places after the point, and
     * divided by divisor x 10^digits it is in the unit. */
    uint8_t digits;
    uint16_t divisor;
    const char *unit; /* static text */
};

struct plan {
    int64_t from_ms, to_ms;
    uint8_t cut;    /* enum plan_cut */
    uint8_t format; /* enum plan_format */
    bool quality;   /* raw, with a column of quality beside each of values */
    bool unrolled;  /* answered from the records alone */
    uint8_t unit;   /* enum calendar_unit */
    uint16_t times;
    int64_t step_ms, origin_ms;
    uint32_t buckets; /* JSON of buckets: how many; the first and the last may be short */
    char stream[HWT_ID_MAX + 1]; /* raw: only of this one; "": merged */
    char zone_name[ZONE_NAME_MAX + 1];
    const struct zone *zone; /* borrowed from the site, or own_zone */
    struct zone *own_zone;
    unsigned series_count, column_count;
    struct plan_series series[PLAN_SERIES_MAX];
    struct plan_column column[PLAN_SERIES_MAX * PLAN_FNS];
};

struct plan_site {                   /* what a plan is made for */
    const struct http_series *known; /* the configured channels */
    size_t known_count;
    const struct zone *zone; /* the default; outlives the plan */
    const char *zone_name;
};

/* 0, or ARGUMENT: *problem_out names the parameter and what would be right. An id that is not
 * configured takes its quantity from its ending. `accept` is the header, or NULL: it chooses the
 * format where the parameter does not. plan_deinit in both cases. */
HWT_MUST_CHECK int plan_parse(struct plan *plan_out, const struct http_query *query,
                              const char *accept, const struct plan_site *site,
                              struct http_problem *problem_out);
void plan_deinit(struct plan *plan);
/* Only `series`, into a zeroed plan. */
HWT_MUST_CHECK int plan_parse_series(struct plan *plan, const struct http_query *query,
                                     const struct plan_site *site, struct http_problem *problem);

/* Cuts a checked range and fills `buckets`; in plan_step.c. Errors: ARGUMENT, as above. */
HWT_MUST_CHECK int plan_cut(struct plan *plan, const struct http_query *query,
                            struct http_problem *problem);

/* The end of the bucket that begins at edge_ms, of which to_ms is the last. */
int64_t plan_next_edge(const struct plan *plan, int64_t edge_ms);
/* How the log is to cut it. */
struct hwt_tslog_range plan_range(struct plan *plan, int64_t from_ms);
/* "raw", "day", "7 days"; NULL: a number of ms. */
const char *plan_step_name(const struct plan *plan, char text[24]);

/* "mean"; "value" */
const char *plan_fn_name(enum plan_fn fn);
/* The value of a column in a bucket; PLAN_MISSING. */
int64_t plan_value(const struct plan *plan, unsigned column, const struct hwt_bucket *bucket);
/* What an Accept header (NULL: none) likes best, JSON if it likes none; in accept.c. */
enum plan_format plan_format_accepted(const char *accept);

#endif
