/* daemon/run/config_models: the models that come with the program, the user's own, and what an
 * input gets from the one it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/meter/meter_curve.h"
#include "daemon/run/config_models.h"

#define DEGREE (3.14159265358979323846 / 180)

/* A sampler whose one clamp, and whose one voltage, say what is given. */
#define HEAD       "version: 1\nsources:\n  - id: s\n    type: samples\n    socket: /run/s\n"
#define V(voltage) "    voltages: [{id: mains, slot: 0, " voltage "}]\n"
#define C(clamp)   "    clamps: [{id: hp, slot: 1, " clamp "}]\n"
#define STEP       "    step_v: 0.001\n"

static struct config *parse(const char *text)
{
    struct config_problems problems;
    struct config *c;

    config_problems_init(&problems);
    c = config_parse(text, strlen(text), "test.yaml", &problems);
    for (size_t i = 0; i < problems.count; i++) {
        print_message("%s: %s\n", problems.item[i].field, problems.item[i].text);
    }
    config_problems_free(&problems);
    return c;
}

static void check_set(const struct config_sensor_model *m, unsigned n, bool clamp)
{
    for (unsigned i = 0; i < n; i++) {
        struct hwt_meter_curve_point point[CONFIG_CURVE_POINTS_MAX];
        struct hwt_meter_curve curve = {point, (uint8_t)m[i].curve_count};

        for (unsigned k = 0; k < m[i].curve_count; k++) {
            point[k] = (struct hwt_meter_curve_point){m[i].curve[k].level, m[i].curve[k].factor,
                                                      m[i].curve[k].phase_deg};
        }
        if (m[i].source[0] == '\0' || m[i].ratio < (clamp ? 1 : 5) ||
            (curve.points > 0 && !hwt_meter_curve_valid(&curve)) || fabs(m[i].phase_deg) > 8 ||
            (curve.points > 0 && m[i].phase_deg != 0)) {
            fail_msg("%s", m[i].name);
        }
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(m[i].name, m[k].name);
        }
    }
}

static void every_built_in_model_has_a_source_and_a_curve_that_the_meter_takes(void **state)
{
    struct config_models *all = config_models_built_in();

    (void)state;
    assert_non_null(all);
    assert_true(all->ct_count >= 60 && all->vt_count >= 24);
    check_set(all->ct, all->ct_count, true);
    check_set(all->vt, all->vt_count, false);
    free(all);
}

static void a_phase_measured_at_60_hz_is_carried_to_50_as_a_high_pass(void **state)
{
    struct config_models *all = config_models_built_in();
    const struct config_sensor_model *m = config_model_find(NULL, all, false, "Jameco/100061");
    double least, most;

    (void)state;
    assert_non_null(m); /* 3.00 degrees at 60 Hz */
    assert_true(config_model_lead(m, &least, &most));
    assert_true(fabs(tan(most * DEGREE) / 1.2 - tan(3.0 * DEGREE)) < 1e-9);
    assert_true(least >= most);
    m = config_model_find(NULL, all, true, "YHDC SCT-013-020");
    assert_non_null(m);
    assert_false(config_model_lead(m, &least, &most)); /* nobody says */
    free(all);
}

struct row {
    const char *text;
    bool clamp;
    double ratio, phase_deg;
    unsigned points;
    double first_deg; /* of the curve's first point */
    const char *why;
};

static const struct row rows[] = {
    {HEAD STEP V("ratio: 0.2") C("ct: YHDC SCT-013-000, burden_ohm: 20"), true, 0.1, 0, 7, 3.1,
     "2000 A for an ampere, 20 V for it"},
    {HEAD STEP "    burden_ohm: 10\n" V("ratio: 0.2") C("ct: YHDC SCT-013-000"), true, 0.2, 0, 7,
     3.1, "the sampler's burden"},
    {HEAD STEP "    burden_ohm: 10\n" V("ratio: 0.2") C("ct: YHDC SCT-013-000, burden_ohm: 40"),
     true, 0.05, 0, 7, 3.1, "the clamp's own burden counts"},
    {HEAD STEP "    burden_ohm: 10\n" V("ratio: 0.2") C("ct: YHDC SCT-013-060"), true, 0.06, 0, 0,
     0, "a burden built in"},
    {HEAD V("ratio: 0.2") C("ct: YHDC SCT-013-000, ratio: 0.08, phase_deg: 2.5"), true, 0.08, 2.5,
     7, 0, "numbers written beside the model count"},
    {HEAD V("ratio: 0.2") C("ct: YHDC SCT-013-000, ratio: 0.08, curve: [{level: 1, phase_deg: 3}]"),
     true, 0.08, 0, 1, 3, "so does a curve"},
    {HEAD STEP V("vt: Ideal 77DB-06-09(UK), divider: 10"), false, 0.2001, 1.05, 0, 0,
     "an adaptor and its divider"},
    {HEAD STEP V("vt: Mascot 9580"), false, 0.02143, 0, 2, 2, "phase against the voltage"},
    {HEAD STEP V("vt: mine") "vt_models: [{name: mine, ratio: 100, phase_deg: -1}]\n", false, 0.1,
     -1, 0, 0, "a model of the user's"},
    {HEAD STEP V("ratio: 0.2")
         C("ct: YHDC SCT-013-060") "ct_models: [{name: YHDC SCT-013-060, ratio: 61, output: "
                                   "voltage, phase_deg: 2, curve: "
                                   "[{level: 1}, {level: 10, phase_deg: -1}]}]\n",
     true, 0.061, 0, 2, 2, "the user's goes before the built-in of its name"},
};

static void an_input_gets_ratio_phase_and_curve_of_the_model_it_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct config *c = parse(r->text);
        const struct config_input *in;

        if (c == NULL) {
            fail_msg("%s", r->why);
            return;
        }
        in = r->clamp ? &c->source[0].clamps[0] : &c->source[0].voltages[0];
        if (fabs(in->ratio / r->ratio - 1) > 1e-9 || fabs(in->phase_deg - r->phase_deg) > 1e-9 ||
            in->curve_count != r->points ||
            (r->points > 0 && fabs(in->curve[0].phase_deg - r->first_deg) > 1e-9)) {
            fail_msg("%s: %g, %g, %u points", r->why, in->ratio, in->phase_deg, in->curve_count);
        }
        config_free(c);
    }
}

static void the_makers_class_goes_with_the_input(void **state)
{
    struct config *c = parse(HEAD V("ratio: 0.2") C("ct: YHDC SCT-013-000, ratio: 0.08"));

    (void)state;
    assert_non_null(c);
    assert_string_equal(c->source[0].clamps[0].class_text, "+-3 % from 10 to 120 A (maker)");
    assert_int_equal(lround(c->source[0].clamps[0].rated_a), 100);
    assert_string_equal(c->source[0].voltages[0].class_text, "");
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_built_in_model_has_a_source_and_a_curve_that_the_meter_takes),
        cmocka_unit_test(a_phase_measured_at_60_hz_is_carried_to_50_as_a_high_pass),
        cmocka_unit_test(an_input_gets_ratio_phase_and_curve_of_the_model_it_names),
        cmocka_unit_test(the_makers_class_goes_with_the_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
