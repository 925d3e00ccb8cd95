/* daemon/run/calibration_ask: what is asked, as a struct; what cannot be meant, and what is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/run/calibration_ask.h"
#include "tests/log/folder.h"

#define NOW_MS INT64_C(1800000000000)

static const char house[] =
    "version: 1\nsources:\n  - id: s\n    type: samples\n    socket: x\n"
    "    voltages: [{id: mains, slot: 0, ratio: 0.2}]\n"
    "    clamps:\n      - {id: hp, slot: 1, ratio: 0.1}\n      - {id: hob, slot: 2, ratio: 0.1}\n"
    "      - {id: pv, slot: 3, ratio: 0.1}\n"
    "  - {id: blinks, type: pulses, events: x, per_unit: 1000}\n"
    "roles: {elec: hp}\n";

struct rig {
    struct config *config;
    struct installation site;
    struct calibration *c;
    struct calibration_ask ask;
    char error[CALIBRATION_ERROR_MAX];
};

static uint64_t next_record(void *ctx)
{
    (void)ctx;
    return 1;
}

static void apply(void *ctx, unsigned source, double ratio, double phase_deg)
{
    (void)ctx;
    (void)source;
    (void)ratio;
    (void)phase_deg;
}

static void start(struct rig *r, const struct folder *folder)
{
    struct config_problems problems;
    struct calibration_options o = {.site = &r->site,
                                    .data_dir = folder->dir,
                                    .uuid = {7},
                                    .apply = apply,
                                    .next_record = next_record};

    config_problems_init(&problems);
    r->config = config_parse(house, strlen(house), "t.yaml", &problems);
    for (unsigned i = 0; i < problems.count; i++) {
        print_error("%s\n", problems.item[i].text);
    }
    config_problems_free(&problems);
    assert_non_null(r->config);
    memset(&r->site, 0, sizeof(r->site));
    assert_true(installation_make(&r->site, r->config));
    r->c = calibration_new(&o, r->error, sizeof(r->error));
    assert_non_null(r->c);
}

static void end(struct rig *r)
{
    calibration_free(r->c);
    config_free(r->config);
}

static bool ask(struct rig *r, const char *body)
{
    json_t *json = json_loads(body, 0, NULL);
    bool ok;

    assert_non_null(json);
    r->error[0] = '\0';
    ok = calibration_ask_read(r->c, &r->site, json, NOW_MS, &r->ask, r->error);
    json_decref(json);
    return ok;
}

static void what_cannot_be_meant_is_refused(void **state)
{
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"[]", "method is required"},
        {"{\"method\": 1}", "method is required"},
        {"{\"method\": \"guess\"}", "'guess' is not known: reading, resistive, meter or sum"},
        {"{\"method\": \"reading\", \"gain\": 1}", "'gain' is not a member of method reading"},
        {"{\"method\": \"resistive\", \"input\": \"hp\", \"value\": 5}",
         "'value' is not a member of method resistive"},
        {"{\"method\": \"reading\", \"value\": 5}", "input is required"},
        {"{\"method\": \"reading\", \"input\": \"blinks\", \"value\": 5}",
         "'blinks' is not a voltage or clamp"},
        {"{\"method\": \"resistive\", \"input\": \"mains\"}", "'mains' is not a clamp"},
        {"{\"method\": \"reading\", \"input\": \"hp\"}", "value is required"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": \"5\"}",
         "value must be a number"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 0}", "value must be a number"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": -5}", "value must be a number"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, \"quantity\": 1}",
         "quantity must be a text"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, \"quantity\": \"voltage\"}",
         "is not what 'hp' measures: current or power"},
        {"{\"method\": \"reading\", \"input\": \"mains\", \"value\": 5, \"quantity\": \"power\"}",
         "is not what 'mains' measures: voltage"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, \"uncertainty_pct\": 21}",
         "uncertainty_pct must be a number from 0 to 20"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, \"average_s\": 61}",
         "average_s must be a number from 1 to 60"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, \"check\": 1}",
         "check must be true or false"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, \"since\": 1700000000}",
         "since must be a time in unix milliseconds"},
        {"{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, \"since\": 1800000000001}",
         "not after now"},
        {"{\"method\": \"meter\", \"input\": \"hp\"}", "meter is required"},
        {"{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"hp\"}", "or is the clamp itself"},
        {"{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"hp_power\"}",
         "or is the clamp itself"},
        {"{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"heatpump_elec_power\"}",
         "'heatpump_elec_power' is neither power nor energy"},
        {"{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"nobody\"}",
         "meter 'nobody' is not a source or channel"},
        {"{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"mains\"}",
         "'mains' delivers neither power nor energy"},
        {"{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"hob_current\"}",
         "'hob_current' is neither power nor energy"},
        {"{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"blinks\", \"from\": true}",
         "from must be a time"},
        {"{\"method\": \"sum\", \"input\": \"hp\"}", "circuits is required"},
        {"{\"method\": \"sum\", \"input\": \"hp\", \"circuits\": []}", "circuits is required"},
        {"{\"method\": \"sum\", \"input\": \"hp\", \"circuits\": [1]}", "must be a list of texts"},
        {"{\"method\": \"sum\", \"input\": \"hp\", \"circuits\": [\"hob\", \"-hob\"]}",
         "circuits has 'hob' twice"},
        {"{\"method\": \"sum\", \"input\": \"hp\", \"circuits\": [\"hob\", \"hp\"]}",
         "the main clamp cannot be one of its circuits"},
        {"{\"method\": \"sum\", \"input\": \"hp\", \"circuits\": [\"-\"]}", "'' is not a clamp"},
    };
    struct rig r;

    start(&r, *state);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ask(&r, rows[i].body) || strstr(r.error, rows[i].says) == NULL) {
            fail_msg("%s: '%s', not '%s'", rows[i].body, r.error, rows[i].says);
        }
    }
    end(&r);
}

static void what_is_asked_is_understood(void **state)
{
    struct rig r;

    start(&r, *state);
    assert_true(ask(&r, "{\"method\": \"reading\", \"input\": \"mains\", \"value\": 231.5}"));
    assert_int_equal(r.ask.quantity, HWT_Q_VOLTAGE);
    assert_true(r.ask.stated > 0.99 && r.ask.stated < 1.01);
    assert_int_equal(r.ask.average_s, 10);
    assert_false(r.ask.check);
    assert_int_equal(r.ask.since_ms, 0);
    assert_true(ask(&r, "{\"method\": \"reading\", \"input\": \"hp\", \"value\": 5, "
                        "\"quantity\": \"power\", \"uncertainty_pct\": 2, \"average_s\": 30, "
                        "\"check\": true, \"since\": 1799999999000}"));
    assert_int_equal(r.ask.quantity, HWT_Q_POWER);
    assert_true(r.ask.stated > 1.99 && r.ask.check);
    assert_int_equal(r.ask.average_s, 30);
    assert_int_equal(r.ask.since_ms, 1799999999000);
    assert_true(ask(&r, "{\"method\": \"resistive\", \"input\": \"hp\"}"));
    assert_true(r.ask.stated > 0.09 && r.ask.stated < 0.11);
    assert_true(ask(&r, "{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"hob\"}"));
    assert_string_equal(r.ask.against.plus, "hob_import");
    assert_string_equal(r.ask.against.minus, "hob_export");
    assert_int_equal(r.ask.from_ms, NOW_MS - INT64_C(7) * 86400000);
    assert_true(ask(&r, "{\"method\": \"meter\", \"input\": \"hp\", \"meter\": \"hob_power\"}"));
    assert_string_equal(r.ask.against.power, "hob_power");
    assert_string_equal(r.ask.against.plus, "");
    assert_true(ask(&r, "{\"method\": \"sum\", \"input\": \"hp\", \"circuits\": [\"hob\", "
                        "\"-pv\"], \"from\": 1799999000000}"));
    assert_int_equal(r.ask.circuits, 2);
    assert_int_equal(r.ask.circuit[1], calibration_input(r.c, "pv"));
    assert_false(r.ask.negative[0]);
    assert_true(r.ask.negative[1]);
    assert_string_equal(r.ask.against.plus, "hp_import");
    assert_int_equal(r.ask.from_ms, 1799999000000);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_be_meant_is_refused, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_asked_is_understood, folder_setup, folder_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
