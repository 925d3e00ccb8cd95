/*
 * plan_step.c: the part of a plan that cuts the range: step, points, tz.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/http/plan.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };
enum { ROLL_UP_MS = 15 * MINUTE_MS };
enum { PAGES_AT_ONCE = 64 /* read before other requests have their turn: some ms */ };

static const char *const unit_names[CALENDAR_UNITS] = {"day", "week", "month", "year"};

/* What points= chooses from: each divides a day, and from 15 min on is whole roll-ups. */
static const int32_t nice_ms[] = {
    1 * SECOND_MS, 2 * SECOND_MS, 5 * SECOND_MS, 10 * SECOND_MS, 15 * SECOND_MS, 30 * SECOND_MS,
    1 * MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, 1 * HOUR_MS,
    2 * HOUR_MS,   3 * HOUR_MS,   4 * HOUR_MS,   6 * HOUR_MS,    12 * HOUR_MS,
};

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t r = a % b;

    return r < 0 ? r + b : r;
}

int64_t plan_next_edge(const struct plan *plan, int64_t edge_ms)
{
    if (plan->cut == PLAN_CUT_CALENDAR) {
        for (unsigned i = 0; i < plan->times && edge_ms < plan->to_ms; i++) {
            edge_ms = calendar_next_ms(plan->zone, (enum calendar_unit)plan->unit, edge_ms);
        }
    } else {
        edge_ms += plan->step_ms - floor_mod(edge_ms - plan->origin_ms, plan->step_ms);
    }
    return edge_ms < plan->to_ms ? edge_ms : plan->to_ms;
}

static int64_t next_edge(void *ctx, int64_t edge_ms)
{
    return plan_next_edge(ctx, edge_ms);
}

/* What the log must know of a bucket; time measured it always tells. */
static uint8_t fields_of(const struct plan *plan)
{
    static const uint8_t field[PLAN_FNS] = {
        [PLAN_MEAN] = HWT_BUCKET_MEAN,     [PLAN_MIN] = HWT_BUCKET_MIN,
        [PLAN_MAX] = HWT_BUCKET_MAX,       [PLAN_FIRST] = HWT_BUCKET_FIRST,
        [PLAN_LAST] = HWT_BUCKET_LAST,     [PLAN_DELTA] = HWT_BUCKET_DELTA,
        [PLAN_INTEGRAL] = HWT_BUCKET_MEAN, [PLAN_MEASURED] = HWT_BUCKET_DELTA,
    };
    uint8_t fields = 0;

    for (unsigned c = 0; c < plan->column_count; c++) {
        fields |= plan->column[c].fn < PLAN_FNS ? field[plan->column[c].fn] : 0;
    }
    return fields;
}

struct hwt_tslog_range plan_range(struct plan *plan, int64_t from_ms)
{
    bool even =
        plan->cut == PLAN_CUT_FIXED && floor_mod(from_ms - plan->origin_ms, plan->step_ms) == 0;

    return (struct hwt_tslog_range){
        .from_ms = from_ms,
        .to_ms = plan->to_ms,
        .step_ms = even ? plan->step_ms : 1,
        .next = even ? NULL : next_edge,
        .ctx = plan,
        .fields = fields_of(plan),
        .unrolled = plan->unrolled,
        .budget = PAGES_AT_ONCE,
    };
}

const char *plan_step_name(const struct plan *plan, char text[24])
{
    if (plan->cut == PLAN_CUT_RAW) {
        return "raw";
    }
    if (plan->cut == PLAN_CUT_FIXED) {
        return NULL;
    }
    if (plan->times == 1) {
        return unit_names[plan->unit];
    }
    snprintf(text, 24, "%u %ss", (unsigned)plan->times, unit_names[plan->unit]);
    return text;
}

/* How many buckets, up to one more than `most`. */
static uint32_t count_buckets(const struct plan *plan, uint32_t most)
{
    int64_t at = plan->from_ms;
    uint32_t n = 0;

    if (plan->cut == PLAN_CUT_FIXED) {
        int64_t lead = floor_mod(at - plan->origin_ms, plan->step_ms);
        int64_t all = (plan->to_ms - at + lead - 1) / plan->step_ms + 1;

        return all > most ? most + 1 : (uint32_t)all;
    }
    while (at < plan->to_ms && n <= most) {
        at = plan_next_edge(plan, at);
        n++;
    }
    return n;
}

/* --- step --- */

static bool use_unit(struct plan *plan, enum calendar_unit unit, int64_t times)
{
    plan->cut = PLAN_CUT_CALENDAR;
    plan->unit = (uint8_t)unit;
    plan->times = (uint16_t)times;
    return times >= 1 && times <= PLAN_TIMES_MAX;
}

static bool use_ms(struct plan *plan, int64_t ms)
{
    plan->cut = PLAN_CUT_FIXED;
    plan->step_ms = ms;
    plan->origin_ms = plan->from_ms;
    return ms >= PLAN_STEP_MIN_MS && ms <= PLAN_TIME_MAX_MS;
}

/* "15m": false if it is no such length. */
static bool parse_length(struct plan *plan, const char *text)
{
    static const struct {
        char letter;
        int32_t ms;
    } lengths[] = {{'s', SECOND_MS}, {'m', MINUTE_MS}, {'h', HOUR_MS}};
    size_t n = strspn(text, "0123456789");
    char digits[16];
    int64_t v;

    if (n < 1 || n >= sizeof(digits) || text[n] == '\0' || text[n + 1] != '\0') {
        return false;
    }
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!http_number(digits, 1, PLAN_TIME_MAX_MS / HOUR_MS, &v)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        if (text[n] == lengths[i].letter) {
            return use_ms(plan, v * lengths[i].ms);
        }
    }
    return (text[n] == 'd' && use_unit(plan, CALENDAR_DAY, v)) ||
           (text[n] == 'w' && use_unit(plan, CALENDAR_WEEK, v));
}

static bool parse_step_text(struct plan *plan, const char *text)
{
    int64_t ms;

    if (strcmp(text, "raw") == 0) {
        plan->cut = PLAN_CUT_RAW;
        return true;
    }
    for (unsigned u = 0; u < CALENDAR_UNITS; u++) {
        if (strcmp(text, unit_names[u]) == 0) {
            return use_unit(plan, (enum calendar_unit)u, 1);
        }
    }
    return http_number(text, PLAN_STEP_MIN_MS, PLAN_TIME_MAX_MS, &ms) ? use_ms(plan, ms)
                                                                      : parse_length(plan, text);
}

static int parse_step(struct plan *plan, const char *text, struct http_problem *problem)
{
    if (text != NULL && parse_step_text(plan, text)) {
        return 0;
    }
    http_problem_set(problem, 400, "step",
                     "step: %.40s%s; milliseconds from %d, raw, day, week, month, year, or a "
                     "length such as 30s, 15m, 6h, 7d; or points instead of it",
                     text == NULL ? "missing" : text, text == NULL ? "" : " is not right",
                     PLAN_STEP_MIN_MS);
    return HWT_ERR_ARGUMENT;
}

/* --- points --- */

/* The shortest nice step that gives at most that many buckets. Its edges are whole multiples of it
 * in the zone's time, as that was at the range's start; the range's ends stay as asked. */
static void choose_step(struct plan *plan, uint32_t points)
{
    int64_t local =
        plan->from_ms + 1000 * (int64_t)zone_offset_s(plan->zone, plan->from_ms / 1000, NULL);

    for (size_t i = 0; i < sizeof(nice_ms) / sizeof(nice_ms[0]); i++) {
        (void)use_ms(plan, nice_ms[i]);
        plan->origin_ms = plan->from_ms - floor_mod(local, nice_ms[i]);
        if (count_buckets(plan, points) <= points) {
            return;
        }
    }
    for (unsigned u = 0; u < CALENDAR_UNITS; u++) {
        (void)use_unit(plan, (enum calendar_unit)u, 1);
        if (count_buckets(plan, points) <= points) {
            return;
        }
    }
    /* fewer points than years: equal parts from the start, of whole roll-ups */
    (void)use_ms(plan, ((plan->to_ms - plan->from_ms - 1) / points / ROLL_UP_MS + 1) * ROLL_UP_MS);
}

static int parse_points(struct plan *plan, const char *text, struct http_problem *problem)
{
    int64_t points;

    if (!http_number(text, 1, PLAN_BUCKETS_MAX, &points)) {
        http_problem_set(problem, 400, "points",
                         "points: %.40s is not right; how many buckets at most, 1 to %d", text,
                         PLAN_BUCKETS_MAX);
        return HWT_ERR_ARGUMENT;
    }
    choose_step(plan, (uint32_t)points);
    return 0;
}

/* --- all of it --- */

static int check_count(struct plan *plan, struct http_problem *problem)
{
    char text[24];
    const char *name = plan_step_name(plan, text);

    plan->buckets = count_buckets(plan, PLAN_BUCKETS_MAX);
    if (plan->buckets <= PLAN_BUCKETS_MAX) {
        return 0;
    }
    if (name != NULL) {
        http_problem_set(problem, 400, "step",
                         "step: %s makes more than %d buckets of this range; a longer one, or "
                         "format=csv or binary",
                         name, PLAN_BUCKETS_MAX);
    } else {
        http_problem_set(problem, 400, "step",
                         "step: %lld ms makes %lld buckets of this range; at most %d, so at least "
                         "%lld ms; or format=csv or binary",
                         (long long)plan->step_ms,
                         (long long)((plan->to_ms - plan->from_ms - 1) / plan->step_ms + 1),
                         PLAN_BUCKETS_MAX,
                         (long long)((plan->to_ms - plan->from_ms - 1) / PLAN_BUCKETS_MAX + 1));
    }
    return HWT_ERR_ARGUMENT;
}

int plan_cut(struct plan *plan, const struct http_query *query, struct http_problem *problem)
{
    const char *step = http_query_get(query, "step"), *points = http_query_get(query, "points");
    int err;

    if (step != NULL && points != NULL) {
        http_problem_set(problem, 400, "points", "points: only without step; it chooses the step");
        return HWT_ERR_ARGUMENT;
    }
    err = points != NULL ? parse_points(plan, points, problem) : parse_step(plan, step, problem);
    if (err == 0 && plan->cut != PLAN_CUT_RAW && plan->format == PLAN_JSON) {
        err = check_count(plan, problem);
    }
    return err;
}
