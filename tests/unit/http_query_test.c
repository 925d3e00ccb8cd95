/* daemon/http: what a query asks for, the table that answers it, the text of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/quantity.h"
#include "daemon/http/event_text.h"
#include "daemon/http/plan.h"
#include "daemon/http/table.h"

static const struct http_series known[] = {
    {"hp_power", "hp", "Heat pump", HWT_Q_POWER},
    {"hp_import", "hp", "Heat pump", HWT_Q_IMPORT},
};

static int parse(const char *text, struct plan *plan, struct http_problem *problem)
{
    static char copy[4096];
    struct http_query query;
    const char *why = "";

    snprintf(copy, sizeof(copy), "%s", text);
    assert_int_equal(http_query_parse(&query, copy, &why), 0);
    return plan_parse(plan, &query, known, 2, problem);
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
        {"series=hp_power&fn=", "fn", "mean, min, max, delta"},
        {"series=hp_power&fn=avg", "fn", "'avg'"},
        {"series=hp_power&fn=min,min", "fn", "twice"},
        {"series=hp_power&fn=delta", "fn", "a gauge"},
        {"series=hp_power&fn=mean,min,max,delta,mean", "fn", "twice"},
        {"&series=hp_power&to=60000&step=1000", "from", "missing"},
        {"&series=hp_power&from=now&to=60000&step=1000", "from", "unix milliseconds"},
        {"&series=hp_power&from=-1&to=60000&step=1000", "from", "from 0"},
        {"&series=hp_power&from=0&step=1000", "to", "missing"},
        {"&series=hp_power&from=0&to=99999999999999999&step=1000", "to", "253402300800000"},
        {"&series=hp_power&from=60000&to=60000&step=1000", "to", "after from"},
        {"&series=hp_power&from=60001&to=60000&step=1000", "to", "after from"},
        {"&series=hp_power&from=0&to=60000", "step", "missing"},
        {"&series=hp_power&from=0&to=60000&step=999", "step", "from 1000"},
        {"&series=hp_power&from=0&to=60000&step=0", "step", "from 1000"},
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

/* Two buckets of a gauge (mean and min) and a counter (delta). */
static void fill_table(struct table *t)
{
    struct hwt_bucket first[2] = {
        {.count = 2, .mean = 1234.56, .min = 1000, .max = 1469, .delta = 0},
        {.count = 2, .mean = 3.6e6, .min = 3600000, .max = 3600000, .delta = 1800000},
    };
    struct hwt_bucket second[2] = {{.count = 0, .mean = 99, .min = 99}, {.count = 0, .delta = 7}};
    struct plan plan = {
        .from_ms = 1000,
        .to_ms = 3000,
        .step_ms = 1000,
        .buckets = 2,
        .series_count = 2,
        .column_count = 3,
        .series = {{"hp_power", HWT_Q_POWER, true}, {"hp_import", HWT_Q_IMPORT, true}},
        .column = {{0, PLAN_MEAN}, {0, PLAN_MIN}, {1, PLAN_DELTA}},
    };

    assert_int_equal(table_init(t, &plan), 0);
    table_put(t, 0, first);
    table_put(t, 1, second);
    t->origins = 1;
    t->origin[0] = (struct table_origin){"own", HWT_PROVENANCE_SIMULATED, 1000, 2500};
}

static const char table_json[] =
    "{\"from\":1000,\"to\":3000,\"step\":1000,\"time\":[1000,2000],\"columns\":["
    "{\"series\":\"hp_power\",\"fn\":\"mean\",\"unit\":\"W\",\"values\":[123.46,null]},"
    "{\"series\":\"hp_power\",\"fn\":\"min\",\"unit\":\"W\",\"values\":[100,null]},"
    "{\"series\":\"hp_import\",\"fn\":\"delta\",\"unit\":\"Wh\",\"values\":[0.5,null]}],"
    "\"provenance\":[{\"stream\":\"own\",\"provenance\":\"simulated\",\"from\":1000,\"to\":2500}]}";

static void a_table_reads_the_same_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof(table_json); piece++) {
        struct table t;
        char out[2 * sizeof(table_json)];
        size_t at = 0, n;

        fill_table(&t);
        while ((n = table_read(&t, out + at, piece)) > 0) {
            assert_true(n <= piece);
            at += n;
            assert_true(at < sizeof(out) - piece);
        }
        assert_int_equal(at, sizeof(table_json) - 1);
        assert_memory_equal(out, table_json, at);
        assert_int_equal(table_read(&t, out, piece), 0);
        table_deinit(&t);
    }
}

static void a_long_table_is_whole(void **state)
{
    struct plan plan = {
        .from_ms = 0,
        .to_ms = 10000000,
        .step_ms = 1000,
        .buckets = PLAN_BUCKETS_MAX,
        .series_count = 1,
        .column_count = 1,
        .series = {{"m_energy", HWT_Q_ENERGY, true}},
        .column = {{0, PLAN_MAX}},
    };
    struct table t;
    char out[700];
    unsigned values = 0;
    size_t n;

    (void)state;
    assert_int_equal(table_init(&t, &plan), 0);
    assert_false(table_has_values(&t, 0));
    for (uint32_t i = 0; i < plan.buckets; i++) {
        table_put(&t, i, &(struct hwt_bucket){.count = 1, .max = -INT64_MAX});
    }
    assert_true(table_has_values(&t, 0));
    while ((n = table_read(&t, out, sizeof(out))) > 0) {
        for (size_t i = 0; i < n; i++) {
            values += out[i] == '-';
        }
    }
    assert_true(t.json.ok);
    assert_int_equal(values, PLAN_BUCKETS_MAX);
    table_deinit(&t);
}

static void a_mean_beyond_all_numbers_is_missing(void **state)
{
    struct plan plan = {
        .to_ms = 1000,
        .step_ms = 1000,
        .buckets = 1,
        .series_count = 1,
        .column_count = 1,
        .series = {{"m_power", HWT_Q_POWER, true}},
        .column = {{0, PLAN_MEAN}},
    };
    struct table t;

    (void)state;
    assert_int_equal(table_init(&t, &plan), 0);
    table_put(&t, 0, &(struct hwt_bucket){.count = 1, .mean = 9.2e18});
    assert_true(t.values[0] == TABLE_MISSING);
    table_put(&t, 0, &(struct hwt_bucket){.count = 1, .mean = -8.9e17});
    assert_true(t.values[0] == -8900000000000000000);
    table_deinit(&t);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quantity_is_the_longest_ending_of_an_id),
        cmocka_unit_test(a_plan_defaults_to_means_of_gauges_and_rises_of_counters),
        cmocka_unit_test(a_plan_has_a_column_for_each_series_and_function),
        cmocka_unit_test(a_bad_parameter_is_named_with_what_would_be_right),
        cmocka_unit_test(a_plan_is_bounded),
        cmocka_unit_test(a_table_reads_the_same_in_pieces_of_any_size),
        cmocka_unit_test(a_long_table_is_whole),
        cmocka_unit_test(a_mean_beyond_all_numbers_is_missing),
        cmocka_unit_test(the_longest_record_fits_an_event),
        cmocka_unit_test(a_record_reads_as_an_event),
        cmocka_unit_test(an_event_id_is_a_stream_and_a_sequence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
