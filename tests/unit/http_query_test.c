/* daemon/http: what a query asks for, the table that answers it, the text of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "daemon/http/event_text.h"
#include "daemon/http/number.h"
#include "daemon/http/sheet.h"
#include "daemon/http/table.h"

static const struct http_series known[] = {
    {"hp_power", "hp", "Heat pump", HWT_Q_POWER},
    {"hp_import", "hp", "Heat pump", HWT_Q_IMPORT},
};

/* Half an hour off, so that nothing is right by chance. */
static struct zone *site_zone;

static int parse_for(const char *text, const char *accept, struct plan *plan,
                     struct http_problem *problem)
{
    static char copy[4096];
    struct plan_site site = {known, 2, site_zone, "Asia/Kolkata"};
    struct http_query query;
    const char *why = "";

    snprintf(copy, sizeof(copy), "%s", text);
    assert_int_equal(http_query_parse(&query, copy, &why), 0);
    return plan_parse(plan, &query, accept, &site, problem);
}

static int parse(const char *text, struct plan *plan, struct http_problem *problem)
{
    return parse_for(text, NULL, plan, problem);
}

static int open_zone(void **state)
{
    int err;

    (void)state;
    site_zone = zone_load("Asia/Kolkata", &err);
    return site_zone == NULL ? -1 : 0;
}

static int close_zone(void **state)
{
    (void)state;
    zone_free(site_zone);
    return 0;
}

static void the_quantity_is_the_longest_ending_of_an_id(void **state)
{
    static const struct {
        const char *id;
        enum hwt_quantity quantity;
    } rows[] = {
        {"hp_power", HWT_Q_POWER},
        {"hp_elec_power", HWT_Q_ELEC_POWER}, /* not the power of hp_elec */
        {"heat_meter_flow_t", HWT_Q_FLOW_T},
        {"a_b_c_import", HWT_Q_IMPORT},
        {"hp__power", HWT_Q_POWER},
        {"power", HWT_Q_NONE}, /* no source */
        {"_power", HWT_Q_NONE},
        {"hp_powr", HWT_Q_NONE},
        {"hp_", HWT_Q_NONE},
        {"", HWT_Q_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (hwt_quantity_of_channel(rows[i].id) != rows[i].quantity) {
            fail_msg("'%s' gives %d", rows[i].id, (int)hwt_quantity_of_channel(rows[i].id));
        }
    }
}

static void a_plan_defaults_to_means_of_gauges_and_rises_of_counters(void **state)
{
    struct plan plan;
    struct http_problem problem;

    (void)state;
    assert_int_equal(parse("series=hp_power,hp_import&from=0&to=60001&step=1000", &plan, &problem),
                     0);
    assert_int_equal(plan.buckets, 61); /* the last one short */
    assert_int_equal(plan.column_count, 2);
    assert_int_equal(plan.column[0].fn, PLAN_MEAN);
    assert_int_equal(plan.column[1].fn, PLAN_DELTA);
    assert_true(plan.series[0].configured);
}

static void a_plan_has_a_column_for_each_series_and_function(void **state)
{
    struct plan plan;
    struct http_problem problem;

    (void)state;
    assert_int_equal(
        parse("fn=max,min&series=hp_power,attic_temperature&from=0&to=60000&step=60000", &plan,
              &problem),
        0);
    assert_int_equal(plan.buckets, 1);
    assert_int_equal(plan.column_count, 4);
    assert_int_equal(plan.column[0].fn, PLAN_MAX);
    assert_int_equal(plan.column[1].fn, PLAN_MIN);
    assert_int_equal(plan.column[3].series, 1);
    assert_int_equal(plan.series[1].quantity, HWT_Q_TEMPERATURE);
    assert_false(plan.series[1].configured);
}

static void a_bad_parameter_is_named_with_what_would_be_right(void **state)
{
    static const char range[] = "&from=0&to=60000&step=1000";
    static const struct {
        const char *text; /* with `range` appended if it begins with "series" */
        const char *parameter;
        const char *hint; /* part of the detail */
    } rows[] = {
        {"from=0&to=60000&step=1000", "series", "missing"},
        {"series=", "series", "not an id"},
        {"series=hp_power,", "series", "not an id"},
        {"series=HP_power", "series", "'HP_power'"},
        {"series=hp%2Fpower", "series", "a-z, 0-9 and _"},
        {"series=a23456789012345678901234567_power", "series", "1 to 32"},
        {"series=hp_powr", "series", "no quantity ends its name"},
        {"series=hp_power,hp_power", "series", "twice"},
        {"series=hp_power&fn=", "fn", "mean, min, max, first, last, delta, integral, measured"},
        {"series=hp_power&fn=avg", "fn", "'avg'"},
        {"series=hp_power&fn=min,min", "fn", "twice"},
        {"series=hp_power&fn=delta", "fn", "a gauge; mean"},
        {"series=hp_power&fn=mean,min,max,delta,mean", "fn", "twice"},
        {"series=hp_import&fn=integral", "fn", "a counter; delta"},
        {"series=hp_power&fn=value", "fn", "is not a function"},
        {"series=hp_power&format=xml", "format", "json, csv or binary"},
        {"series=hp_power&format=", "format", "json, csv or binary"},
        {"series=hp_power&tz=Europe/Nowhere", "tz", "'Europe/Nowhere' is not in"},
        {"series=hp_power&tz=../zone", "tz", "UTC, or a name"},
        {"series=hp_power&tz=", "tz", "UTC, or a name"},
        {"series=hp_power&points=10", "points", "only without step"},
        {"series=hp_power&quality=1", "quality", "only with step=raw"},
        {"series=hp_power&stream=own", "stream", "only with step=raw"},
        {"&series=hp_power&from=0&to=1&step=raw&quality=yes", "quality", "0 or 1"},
        {"&series=hp_power&from=0&to=1&step=raw&stream=Own", "stream", "'Own'"},
        {"&series=hp_power&from=0&to=1&step=raw&fn=mean", "fn", "not with step=raw"},
        {"&series=hp_power&from=0&to=1&points=0", "points", "1 to 10000"},
        {"&series=hp_power&from=0&to=1&points=10001", "points", "1 to 10000"},
        {"&series=hp_power&to=60000&step=1000", "from", "missing"},
        {"&series=hp_power&from=now&to=60000&step=1000", "from", "unix milliseconds"},
        {"&series=hp_power&from=-1&to=60000&step=1000", "from", "from 0"},
        {"&series=hp_power&from=0&step=1000", "to", "missing"},
        {"&series=hp_power&from=0&to=99999999999999999&step=1000", "to", "253402300800000"},
        {"&series=hp_power&from=60000&to=60000&step=1000", "to", "after from"},
        {"&series=hp_power&from=60001&to=60000&step=1000", "to", "after from"},
        {"&series=hp_power&from=0&to=60000", "step", "missing"},
        {"&series=hp_power&from=0&to=60000&step=999", "step", "milliseconds from 1000"},
        {"&series=hp_power&from=0&to=60000&step=1", "step", "such as 30s, 15m, 6h, 7d"},
        {"&series=hp_power&from=0&to=60000&step=0s", "step", "0s is not right"},
        {"&series=hp_power&from=0&to=60000&step=1x", "step", "1x is not right"},
        {"&series=hp_power&from=0&to=60000&step=15mm", "step", "15mm is not right"},
        {"&series=hp_power&from=0&to=60000&step=1001d", "step", "1001d is not right"},
        {"&series=hp_power&from=0&to=60000&step=m", "step", "m is not right"},
        {"&series=hp_power&from=0&to=60000&step=99999999999h", "step", "is not right"},
        {"&series=hp_power&from=0&to=253402300800000&step=day", "step", "day makes more than"},
        {"&series=hp_power&from=0&to=60000&step=0", "step", "milliseconds from 1000"},
        {"&series=hp_power&from=0&to=10000001&step=1000", "step", "at least 1001 ms"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan;
        struct http_problem problem = {0};
        char text[400];

        snprintf(text, sizeof(text), "%s%s", rows[i].text, rows[i].text[0] == 's' ? range : "");
        if (parse(text, &plan, &problem) == 0) {
            fail_msg("'%s' is taken", text);
        }
        if (problem.status != 400 || strcmp(problem.parameter, rows[i].parameter) != 0 ||
            strstr(problem.detail, rows[i].hint) == NULL ||
            strncmp(problem.detail, rows[i].parameter, strlen(rows[i].parameter)) != 0) {
            fail_msg("'%s' gives %s: %s", text, problem.parameter, problem.detail);
        }
        plan_deinit(&plan);
    }
}

static void a_plan_is_bounded(void **state)
{
    struct plan plan;
    struct http_problem problem = {0};
    char text[4096];
    size_t at;

    (void)state;
    assert_int_equal(parse("series=hp_power&from=0&to=10000000&step=1000", &plan, &problem), 0);
    assert_int_equal(plan.buckets, PLAN_BUCKETS_MAX);
    at = (size_t)snprintf(text, sizeof(text), "from=0&to=6250000&step=1000&series=s0_power");
    for (unsigned i = 1; i < PLAN_SERIES_MAX; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, ",s%u_power", i);
    }
    assert_int_equal(parse(text, &plan, &problem), 0); /* 6250 x 32: exactly the limit */
    assert_int_equal(plan.buckets * plan.column_count, PLAN_VALUES_MAX);
    snprintf(text + at, sizeof(text) - at, ",one_more_power");
    assert_int_equal(parse(text, &plan, &problem), HWT_ERR_ARGUMENT);
    assert_string_equal(problem.parameter, "series");
    snprintf(text + at, sizeof(text) - at, "&fn=min,max");
    assert_int_equal(parse(text, &plan, &problem), HWT_ERR_ARGUMENT);
    assert_string_equal(problem.parameter, "step");
    assert_non_null(strstr(problem.detail, "200000 values"));
}

/* --- answers --- */

static const char week[] = "series=hp_power,hp_import&from=1774656000000&to=1775433600000";

static void parse_week(struct plan *plan, const char *more)
{
    struct http_problem problem;
    char text[400];

    snprintf(text, sizeof(text), "%s%s", week, more);
    if (parse(text, plan, &problem) != 0) {
        fail_msg("%s: %s", text, problem.detail);
    }
}

static void a_range_is_cut_as_asked(void **state)
{
    static const struct {
        const char *step; /* what is asked for */
        uint32_t buckets;
        int64_t second, third; /* edges */
        const char *why;
    } rows[] = {
        {"&step=60000", 0, 1774656060000, 1774656120000, "milliseconds"},
        {"&step=15m", 864, 1774656900000, 1774657800000, "minutes"},
        {"&step=1h&tz=UTC", 216, 1774659600000, 1774663200000, "hours"},
        {"&step=day&tz=Europe/London", 10, 1774742400000, 1774825200000, "23 hours on the 29th"},
        {"&step=1d&tz=Europe/London", 10, 1774742400000, 1774825200000, "the same"},
        {"&step=2d&tz=Europe/London", 5, 1774825200000, 1774998000000, "two days at a time"},
        {"&step=day", 10, 1774722600000, 1774809000000, "the site's zone: 18:30 UTC"},
        {"&step=week&tz=Europe/London", 3, 1774825200000, 1775430000000, "Mondays"},
        {"&step=1w&tz=Europe/London", 3, 1774825200000, 1775430000000, "the same"},
        {"&step=month&tz=UTC", 2, 1775001600000, 1775433600000, "the first of April, then the end"},
        {"&step=year", 1, 1775433600000, 1775433600000, "only the range"},
        {"&points=10000", 6480, 1774656120000, 1774656240000, "two minutes"},
        {"&points=220&tz=UTC", 216, 1774659600000, 1774663200000, "an hour"},
        {"&points=220", 217, 1774657800000, 1774661400000, "hours of India, begun half over"},
        {"&points=30", 19, 1774679400000, 1774722600000, "noon and midnight of India"},
        {"&points=10&tz=Europe/London", 10, 1774742400000, 1774825200000, "days"},
        {"&points=3&tz=Europe/London", 3, 1774825200000, 1775430000000, "weeks"},
        {"&points=2&tz=Europe/London", 2, 1774998000000, 1775433600000, "months"},
        {"&points=1", 1, 1775433600000, 1775433600000, "a year that holds all"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct plan plan;
        struct http_problem problem;
        char text[400];
        int64_t second, third;

        snprintf(text, sizeof(text), "%s%s", week, rows[i].step);
        if (rows[i].buckets == 0) { /* more than JSON may have */
            assert_int_equal(parse(text, &plan, &problem), HWT_ERR_ARGUMENT);
            plan_deinit(&plan);
            snprintf(text, sizeof(text), "%s%s&format=csv", week, rows[i].step);
        }
        if (parse(text, &plan, &problem) != 0) {
            fail_msg("%s: %s", rows[i].why, problem.detail);
        }
        second = plan_next_edge(&plan, plan.from_ms);
        third = plan_next_edge(&plan, second);
        if (plan.buckets != rows[i].buckets || second != rows[i].second ||
            third != (second < plan.to_ms ? rows[i].third : plan.to_ms)) {
            fail_msg("%s: %u buckets, %lld, %lld", rows[i].why, plan.buckets, (long long)second,
                     (long long)third);
        }
        plan_deinit(&plan);
    }
}

static void points_are_never_more_than_asked_for(void **state)
{
    static const int64_t lengths[] = {1,        999,       1000,        86400000,
                                      86400001, 604800000, 31622400000, 3200000000000};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (unsigned points = 1; points <= PLAN_BUCKETS_MAX; points += 1 + points / 2) {
            struct plan plan;
            struct http_problem problem;
            char text[200];

            snprintf(text, sizeof(text), "series=hp_power&from=1774656000123&to=%lld&points=%u",
                     (long long)(1774656000123 + lengths[i]), points);
            assert_int_equal(parse(text, &plan, &problem), 0);
            if (plan.buckets < 1 || plan.buckets > points) {
                fail_msg("%s: %u buckets", text, plan.buckets);
            }
            if (plan.cut == PLAN_CUT_FIXED && plan.step_ms > 900000) {
                assert_int_equal(plan.step_ms % 900000, 0); /* whole roll-ups */
            }
            plan_deinit(&plan);
        }
    }
}

static void an_accept_header_chooses_the_format(void **state)
{
    static const struct {
        const char *accept;
        enum plan_format format;
    } rows[] = {
        {NULL, PLAN_JSON},
        {"", PLAN_JSON},
        {"*/*", PLAN_JSON},
        {"application/json", PLAN_JSON},
        {"text/csv", PLAN_CSV},
        {"Text/CSV;header=present", PLAN_CSV},
        {"application/vnd.heatwatt.columns", PLAN_COLUMNS},
        {"text/csv;q=0.5, application/json", PLAN_JSON},
        {"application/json;q=0.2,text/csv; q=0.3", PLAN_CSV},
        {"text/csv;q=0", PLAN_JSON},
        {"text/csv;q=7", PLAN_JSON},                              /* no weight: at most 1 */
        {"text/html,application/xhtml+xml,*/*;q=0.8", PLAN_JSON}, /* a browser */
        {",,;q=,", PLAN_JSON},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (plan_format_accepted(rows[i].accept) != rows[i].format) {
            fail_msg("'%s' is answered by another format", rows[i].accept);
        }
    }
}

static void every_gauge_has_a_unit_of_its_integral(void **state)
{
    (void)state;
    for (unsigned q = 1; q < HWT_Q_COUNT; q++) {
        const struct hwt_quantity_info *info = hwt_quantity_get(q);
        struct plan plan;
        struct http_problem problem;
        char text[200];

        if (info == NULL || info->kind == HWT_COUNTER) {
            continue;
        }
        snprintf(text, sizeof(text), "series=x_%s&from=0&to=60000&step=60000&fn=integral,mean",
                 info->id);
        assert_int_equal(parse(text, &plan, &problem), 0);
        if (plan.column[0].unit == NULL) {
            fail_msg("%s: %s times hours is what?", info->id, info->unit);
        }
        plan_deinit(&plan);
    }
}

static void a_bucket_gives_each_function_its_value(void **state)
{
    static const struct hwt_bucket power = {.count = 3,
                                            .min = 10,
                                            .max = 31,
                                            .first = 20,
                                            .last = 15,
                                            .mean = 20.126,
                                            .measured_ms = 1800000};
    static const struct hwt_bucket none = {.count = 0, .mean = 99, .min = 99, .measured_ms = 5};
    static const struct {
        enum plan_fn fn;
        int64_t value, of_none;
    } rows[] = {
        {PLAN_MEAN, 201, PLAN_MISSING}, {PLAN_MIN, 10, PLAN_MISSING},
        {PLAN_MAX, 31, PLAN_MISSING},   {PLAN_FIRST, 20, PLAN_MISSING},
        {PLAN_LAST, 15, PLAN_MISSING},  {PLAN_INTEGRAL, 1006, PLAN_MISSING}, /* mWh */
        {PLAN_MEASURED, 1800000, 0},
    };
    struct plan plan;

    (void)state;
    parse_week(&plan, "&step=day");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        plan.column[0].fn = (uint8_t)rows[i].fn;
        if (plan_value(&plan, 0, &power) != rows[i].value ||
            plan_value(&plan, 0, &none) != rows[i].of_none) {
            fail_msg("%s is %lld", plan_fn_name(rows[i].fn),
                     (long long)plan_value(&plan, 0, &power));
        }
    }
    plan.column[0].fn = PLAN_MEAN;
    assert_true(plan_value(&plan, 0, &(struct hwt_bucket){.count = 1, .mean = 9.2e18}) ==
                PLAN_MISSING); /* beyond all numbers */
    assert_true(plan_value(&plan, 0, &(struct hwt_bucket){.count = 1, .mean = -8.9e17}) ==
                -8900000000000000000);
    plan_deinit(&plan);
}

static void numbers_read_as_the_json_writer_s(void **state)
{
    static const int64_t values[] = {0,          1,          -1,        5,         -5,   9,
                                     10,         99,         100,       101,       1799, 1800,
                                     -1800,      123450,     -999,      3600,      1000, 4294967295,
                                     4294967296, 9999999999, INT64_MAX, -INT64_MAX};
    static const struct {
        uint32_t divisor;
        unsigned digits;
    } forms[] = {{1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {3600, 3}, {3600, 4}, {1, 9}};

    (void)state;
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        int64_t per_unit = forms[f].divisor;

        for (unsigned i = 0; i < forms[f].digits; i++) {
            per_unit *= 10;
        }
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            char got[NUMBER_MAX + 8], want[64];
            size_t n =
                (size_t)(number_put(got, values[i], forms[f].divisor, forms[f].digits) - got);
            struct hwt_json j;

            hwt_json_init(&j, want, sizeof(want));
            hwt_json_scaled(&j, NULL, values[i], per_unit, forms[f].digits);
            assert_true(n <= NUMBER_MAX);
            if (j.at != n || memcmp(got, want, n) != 0) {
                fail_msg("%lld / %u, %u places: %.*s, not %.*s", (long long)values[i],
                         forms[f].divisor, forms[f].digits, (int)n, got, (int)j.at, want);
            }
        }
    }
}

static const char table_text[] =
    "{\"from\":1000,\"to\":3000,\"step\":1000,\"tz\":\"Asia/Kolkata\",\"time\":[1000,2000],"
    "\"columns\":["
    "{\"series\":\"hp_power\",\"fn\":\"mean\",\"unit\":\"W\",\"values\":[123.46,null]},"
    "{\"series\":\"hp_power\",\"fn\":\"min\",\"unit\":\"W\",\"values\":[100,null]},"
    "{\"series\":\"hp_power\",\"fn\":\"measured\",\"unit\":\"s\",\"values\":[0.5,0]}],"
    "\"provenance\":[{\"stream\":\"own\",\"provenance\":\"simulated\",\"from\":1000,\"to\":2500}]}";

static void a_table_is_written_as_columns(void **state)
{
    static const int64_t first[3] = {12346, 1000, 500};
    static const int64_t second[3] = {PLAN_MISSING, PLAN_MISSING, 0};
    struct rows rows = {
        .origin = {{"own", HWT_PROVENANCE_SIMULATED, 0, 1000, 2500}},
        .origins = 1,
    };
    struct plan plan;
    struct http_problem problem;
    struct table t;
    char out[4096];

    (void)state;
    assert_int_equal(
        parse("series=hp_power&from=1000&to=3000&step=1000&fn=mean,min,measured", &plan, &problem),
        0);
    assert_int_equal(table_init(&t, &plan), 0);
    table_put(&t, 0, first);
    table_put(&t, 1, second);
    assert_true(table_room(&t) <= sizeof(out));
    assert_int_equal(table_json(&t, &rows, out, sizeof(out)), sizeof(table_text) - 1);
    assert_memory_equal(out, table_text, sizeof(table_text) - 1);
    assert_int_equal(table_json(&t, &rows, out, table_room(&t) - 1), 0);
    table_deinit(&t);
    plan_deinit(&plan);
}

static void the_longest_table_fits_its_room(void **state)
{
    struct plan plan;
    struct http_problem problem;
    struct table t;
    int64_t value[1] = {-INT64_MAX};
    struct rows rows = {.origins = 0};
    char *out;

    (void)state;
    assert_int_equal(parse("series=m_energy&from=0&to=10000000&step=1000&fn=max", &plan, &problem),
                     0);
    assert_int_equal(table_init(&t, &plan), 0);
    for (uint32_t i = 0; i < plan.buckets; i++) {
        table_put(&t, i, value);
    }
    out = malloc(table_room(&t));
    assert_non_null(out);
    assert_true(table_json(&t, &rows, out, table_room(&t)) > 20 * plan.buckets);
    free(out);
    table_deinit(&t);
    plan_deinit(&plan);
}

/* --- sheets --- */

struct sheet_test {
    struct plan plan;
    struct rows rows;
    struct sheet sheet;
    char buffer[SHEET_BUFFER];
    char all[SHEET_BUFFER];
    size_t n;
};

static void take(struct sheet_test *t)
{
    assert_true(t->n + t->sheet.n <= sizeof(t->all));
    memcpy(t->all + t->n, t->buffer, t->sheet.n);
    t->n += t->sheet.n;
    t->sheet.n = 0;
}

/* Two rows of raw hp_power with quality, sent in `pieces`. */
static void make_sheet(struct sheet_test *t, const char *format, unsigned pieces, bool cut)
{
    static const struct row first = {
        .time_ms = 1774746010000,
        .span_ms = 10000,
        .provenance = 1u << HWT_PROVENANCE_MEASURED,
        .value = {1234, HWT_QUALITY_SUSPECT},
    };
    static const struct row second = {
        .time_ms = 1774746020500,
        .span_ms = 10500,
        .provenance = 1u << HWT_PROVENANCE_MEASURED | 1u << HWT_PROVENANCE_IMPORTED,
        .value = {PLAN_MISSING, HWT_QUALITY_MISSING},
    };
    struct http_problem problem;
    char text[200];

    memset(t, 0, sizeof(*t));
    snprintf(text, sizeof(text),
             "series=hp_power&from=1774746000000&to=1774746030000&step=raw&quality=1&"
             "tz=Europe/Berlin&format=%s",
             format);
    assert_int_equal(parse(text, &t->plan, &problem), 0);
    sheet_init(&t->sheet, &t->plan, &t->rows, t->buffer);
    assert_true(sheet_put_head(&t->sheet));
    take(t);
    sheet_put(&t->sheet, &first);
    if (pieces > 1) {
        sheet_flush(&t->sheet);
        take(t);
    }
    sheet_put(&t->sheet, &second);
    sheet_flush(&t->sheet);
    take(t);
    sheet_put_end(&t->sheet, cut);
    take(t);
    plan_deinit(&t->plan);
}

static void rows_read_as_csv(void **state)
{
    static const char want[] =
        "time,unix_ms,span_ms,hp_power [W],hp_power quality,provenance\r\n"
        "2026-03-29T03:00:10+02:00,1774746010000,10000,123.4,suspect,measured\r\n"
        "2026-03-29T03:00:20.500+02:00,1774746020500,10500,,missing,measured+imported\r\n";
    static struct sheet_test t;

    (void)state;
    for (unsigned pieces = 1; pieces <= 2; pieces++) {
        make_sheet(&t, "csv", pieces, false);
        assert_int_equal(t.n, sizeof(want) - 1);
        assert_memory_equal(t.all, want, sizeof(want) - 1);
    }
    make_sheet(&t, "csv", 1, true);
    assert_memory_equal(t.all + sizeof(want) - 1, "incomplete: ", 12);
}

static void rows_read_as_json(void **state)
{
    static const char want[] =
        "{\"from\":1774746000000,\"to\":1774746030000,\"step\":\"raw\",\"tz\":\"Europe/Berlin\","
        "\"columns\":[{\"series\":\"hp_power\",\"fn\":\"value\",\"unit\":\"W\"},"
        "{\"series\":\"hp_power\",\"fn\":\"quality\",\"unit\":\"1\"}],\"rows\":["
        "[1774746010000,10000,123.4,\"suspect\"],[1774746020500,10500,null,\"missing\"]],"
        "\"provenance\":[],\"damaged\":0}";
    static struct sheet_test t;

    (void)state;
    for (unsigned pieces = 1; pieces <= 2; pieces++) {
        make_sheet(&t, "json", pieces, false);
        assert_int_equal(t.n, sizeof(want) - 1);
        assert_memory_equal(t.all, want, sizeof(want) - 1);
    }
    make_sheet(&t, "json", 1, true);
    assert_int_equal(t.all[t.n - 1], ']'); /* of the last row: not whole */
}

static void rows_read_as_binary_columns(void **state)
{
    static const uint8_t spans_and_value[] = {
        0x10, 0x27, 0,    0,    0,    0,    0,    0,
        0x04, 0x29, 0,    0,    0,    0,    0,    0,    /* 10000, 10500 ms */
        0x9A, 0x99, 0x99, 0x99, 0x99, 0xD9, 0x5E, 0x40, /* 123.4 W */
    };
    static const uint8_t rows[8] = {2};
    static const uint8_t end[8] = {0};
    static struct sheet_test t;
    size_t head;
    int64_t time_ms;

    (void)state;
    make_sheet(&t, "binary", 1, false);
    assert_memory_equal(t.all, "heatwatt\1\0\0\0", 12);
    head = 16 + (size_t)(uint8_t)t.all[12] + 256 * (size_t)(uint8_t)t.all[13];
    assert_int_equal(head % 8, 0);
    assert_int_equal(t.n, head + 8 + 4 * 2 * 8 + 8);
    assert_memory_equal(t.all + head, rows, 8);
    memcpy(&time_ms, t.all + head + 8, 8);
    assert_true(time_ms == 1774746010000); /* on a little-endian machine, as those of the tests */
    assert_memory_equal(t.all + head + 24, spans_and_value, sizeof(spans_and_value));
    assert_memory_equal(t.all + t.n - 8, end, 8);
    make_sheet(&t, "binary", 2, true);
    assert_int_equal(t.n, head + 2 * (8 + 4 * 8) + 8);
    assert_int_equal(t.all[t.n - 4], 1); /* not whole */
}

static void a_full_buffer_says_so_in_every_format(void **state)
{
    static const char *const formats[] = {"csv", "json", "binary"};
    static struct sheet_test t;
    static struct row row;

    (void)state;
    for (unsigned i = 0; i < PLAN_SERIES_MAX * PLAN_FNS; i++) {
        row.value[i] = -INT64_MAX;
    }
    row.time_ms = PLAN_TIME_MAX_MS - 1;
    for (size_t f = 0; f < 3; f++) {
        char text[2000];
        struct http_problem problem;
        unsigned n = 0;
        size_t at = (size_t)snprintf(text, sizeof(text),
                                     "from=0&to=1&step=1s&fn=mean,min,max,first,last,measured,"
                                     "integral&format=%s&series=s_power",
                                     formats[f]);

        for (unsigned i = 1; i < PLAN_SERIES_MAX; i++) {
            at += (size_t)snprintf(text + at, sizeof(text) - at,
                                   ",aaaaaaaaaaaaaaa%02u_apparent_power", i);
        }
        assert_int_equal(parse(text, &t.plan, &problem), 0);
        sheet_init(&t.sheet, &t.plan, &t.rows, t.buffer);
        assert_true(sheet_put_head(&t.sheet));
        assert_true(t.sheet.n <= SHEET_BUFFER);
        t.sheet.n = 0;
        for (; sheet_has_room(&t.sheet); n++) {
            sheet_put(&t.sheet, &row);
        }
        sheet_flush(&t.sheet);
        assert_true(n >= 3 && t.sheet.n <= SHEET_BUFFER);
        plan_deinit(&t.plan);
    }
}

static void the_longest_record_fits_an_event(void **state)
{
    static struct hwt_channel channel[HWT_CHANNELS_MAX];
    static struct hwt_value value[HWT_CHANNELS_MAX];
    struct hwt_schema schema = {channel, HWT_CHANNELS_MAX};
    struct hwt_record record = {
        .sequence = UINT64_MAX,
        .unix_ms = INT64_MIN + 1,
        .span_ms = UINT32_MAX,
        .count = HWT_CHANNELS_MAX,
        .value = value,
    };
    static char p[EVENT_RECORD_MAX];
    char stream[HWT_ID_MAX + 1] = {0};
    size_t n;

    (void)state;
    memset(stream, 's', HWT_ID_MAX);
    for (unsigned i = 0; i < HWT_CHANNELS_MAX; i++) {
        memset(channel[i].id, 'x', HWT_ID_MAX);
        channel[i].quantity = i % 2 ? HWT_Q_PRESSURE : HWT_Q_CURRENT;
        value[i] = (struct hwt_value){.v = INT64_MIN + 1, .quality = HWT_QUALITY_GOOD};
    }
    n = event_put_record(p, stream, &schema, &record);
    assert_true(n <= sizeof(p));
    assert_memory_equal(p + n - 4, "}}\n\n", 4); /* whole: the writer did not run out of room */
}

static void a_record_reads_as_an_event(void **state)
{
    static const char want[] =
        "event: record\nid: own:7\ndata: {\"stream\":\"own\",\"sequence\":7,\"time\":null,"
        "\"span_ms\":10000,\"values\":{\"hp_power\":-0.5,\"hp_import\":null}}\n\n";
    static const char lost[] = "event: lost\nid: own:7\ndata: {\"stream\":\"own\",\"count\":3}\n\n";
    const struct hwt_channel channel[] = {{"hp_power", HWT_Q_POWER}, {"hp_import", HWT_Q_IMPORT}};
    const struct hwt_value value[] = {{.v = -5, .quality = HWT_QUALITY_SUSPECT},
                                      {.v = 99, .quality = HWT_QUALITY_MISSING}};
    const struct hwt_schema schema = {channel, 2};
    const struct hwt_record record = {
        .sequence = 7,
        .unix_ms = HWT_TIME_UNKNOWN,
        .span_ms = 10000,
        .count = 2,
        .value = value,
    };
    static char p[EVENT_RECORD_MAX];

    (void)state;
    assert_int_equal(event_put_record(p, "own", &schema, &record), sizeof(want) - 1);
    assert_memory_equal(p, want, sizeof(want) - 1);
    assert_int_equal(event_put_lost(p, "own", 7, 3), sizeof(lost) - 1);
    assert_memory_equal(p, lost, sizeof(lost) - 1);
}

static void an_event_id_is_a_stream_and_a_sequence(void **state)
{
    static const struct {
        const char *id;
        bool ok;
        uint64_t sequence;
    } rows[] = {
        {"own:0", true, 0},
        {"own:5120", true, 5120},
        {"own:9223372036854775806", true, INT64_MAX - 1},
        {"own:9223372036854775807", false, 0}, /* one more would be no number of ours */
        {"own:-1", false, 0},
        {"own:", false, 0},
        {"own", false, 0},
        {":1", false, 0},
        {"own:1:2", false, 0},
        {"own: 1", false, 0},
        {"", false, 0},
        {"sssssssssssssssssssssssssssssssss:1", false, 0}, /* 33 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char stream[HWT_ID_MAX + 1] = "?";
        uint64_t sequence = 42;

        if (event_parse_id(rows[i].id, stream, &sequence) != rows[i].ok ||
            sequence != (rows[i].ok ? rows[i].sequence : 42)) {
            fail_msg("'%s' gives %llu", rows[i].id, (unsigned long long)sequence);
        }
        assert_string_equal(stream, rows[i].ok ? "own" : "?");
    }
}

static void small_numbers_read_as_all_do(void **state)
{
    static const int32_t values[] = {0,     1,      9,       10,       99,       100,
                                     101,   999,    1000,    1001,     10000,    12300,
                                     12345, 100000, 1234567, 99999999, 999999999};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        for (unsigned digits = 0; digits <= NUMBER_SMALL_DIGITS; digits++) {
            for (int sign = -1; sign <= 1; sign += 2) {
                char got[NUMBER_MAX + 1], want[NUMBER_MAX + 1];

                *number_put_small(got, sign * values[i], digits) = '\0';
                *number_put(want, sign * values[i], 1, digits) = '\0';
                assert_string_equal(got, want);
            }
        }
    }
}

static void numbers_in_steps_are_those_of_their_own(void **state)
{
    static const struct {
        int64_t first, step;
        const char *why;
    } rows[] = {
        {0, 1, "from 0 through all lengths"},
        {1735689600000, 3600000, "hours"},
        {1735689600000, 999, "carries in all places"},
        {999999999000, 1000, "a digit more"},
        {1735689600001, 31536000000, "years"},
        {5, 123456789012345, "a step of many digits"},
        {1735689600000, 0, "no step"},
        {99, 901, "a step longer than the number"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct number_stepper s;
        int64_t at = rows[i].first;

        number_stepper_init(&s, at, rows[i].step);
        for (int k = 0; k < 3000 && at < INT64_MAX / 2; k++, at += rows[i].step) {
            char got[NUMBER_MAX + 1], want[NUMBER_MAX + 1];

            *number_stepper_put(&s, got) = '\0';
            *number_put_int(want, at) = '\0';
            if (strcmp(got, want) != 0) {
                fail_msg("%s: %s for %s", rows[i].why, got, want);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quantity_is_the_longest_ending_of_an_id),
        cmocka_unit_test(a_plan_defaults_to_means_of_gauges_and_rises_of_counters),
        cmocka_unit_test(a_plan_has_a_column_for_each_series_and_function),
        cmocka_unit_test(a_bad_parameter_is_named_with_what_would_be_right),
        cmocka_unit_test(a_plan_is_bounded),
        cmocka_unit_test(a_range_is_cut_as_asked),
        cmocka_unit_test(points_are_never_more_than_asked_for),
        cmocka_unit_test(an_accept_header_chooses_the_format),
        cmocka_unit_test(every_gauge_has_a_unit_of_its_integral),
        cmocka_unit_test(a_bucket_gives_each_function_its_value),
        cmocka_unit_test(numbers_read_as_the_json_writer_s),
        cmocka_unit_test(a_table_is_written_as_columns),
        cmocka_unit_test(the_longest_table_fits_its_room),
        cmocka_unit_test(rows_read_as_csv),
        cmocka_unit_test(rows_read_as_json),
        cmocka_unit_test(rows_read_as_binary_columns),
        cmocka_unit_test(a_full_buffer_says_so_in_every_format),
        cmocka_unit_test(the_longest_record_fits_an_event),
        cmocka_unit_test(a_record_reads_as_an_event),
        cmocka_unit_test(an_event_id_is_a_stream_and_a_sequence),
        cmocka_unit_test(small_numbers_read_as_all_do),
        cmocka_unit_test(numbers_in_steps_are_those_of_their_own),
    };

    return cmocka_run_group_tests(tests, open_zone, close_zone);
}
