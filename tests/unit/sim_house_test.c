/* sim/physics and sim/devices/heat_meter: a house that keeps the laws. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/devices/heat_meter.h"
#include "sim/history.h"
#include "sim/model.h"
#include "sim/physics/house.h"

#define WINTER 1767225600 /* 2026-01-01T00:00:00Z */
#define SUMMER 1782864000 /* 2026-07-01T00:00:00Z */
#define DAY    86400

static struct waves waves;

static int setup(void **state)
{
    (void)state;
    waves_init(&waves);
    return 0;
}

static void equal_seeds_give_equal_houses_and_others_do_not(void **state)
{
    static struct house a, b, c;

    (void)state;
    house_init(&a, &waves, 11, WINTER, 0, NULL);
    house_init(&b, &waves, 11, WINTER, 0, NULL);
    house_init(&c, &waves, 12, WINTER, 0, NULL);
    for (int i = 0; i < DAY; i++) {
        house_step(&a);
        house_step(&b);
        house_step(&c);
    }
    assert_memory_equal(a.amps, b.amps, sizeof(a.amps));
    assert_true(a.volts == b.volts && a.heatpump.flow_degc == b.heatpump.flow_degc);
    assert_true(a.weather.outside_degc != c.weather.outside_degc);
}

static void the_grid_carries_all_circuits_less_the_sun(void **state)
{
    static struct house h;
    double exported = 0;

    (void)state;
    house_init(&h, &waves, 2, SUMMER, 0, NULL);
    for (int i = 0; i < DAY; i++) {
        double sum = -2.0 * house_power(&h, CIRCUIT_SOLAR);

        for (int c = CIRCUIT_HP; c < CIRCUIT_COUNT; c++) {
            sum += house_power(&h, (enum circuit)c);
        }
        assert_true(fabs(sum - house_power(&h, CIRCUIT_GRID)) < 1e-6);
        exported += house_power(&h, CIRCUIT_GRID) < 0.0;
        house_step(&h);
    }
    assert_true(exported > 3600); /* a day of July exports for hours */
}

static void heat_is_rho_c_times_flow_times_difference(void **state)
{
    static struct house h;
    int running = 0;

    (void)state;
    house_init(&h, &waves, 1, WINTER, 0, NULL);
    for (int i = 0; i < 2 * DAY; i++) {
        const struct heatpump *p = &h.heatpump;

        assert_true(fabs(p->heat_w -
                         HEATPUMP_RHO_C * p->flow_l_s * (p->flow_degc - p->return_degc)) < 1e-6);
        running += p->flow_l_s > 0.0;
        house_step(&h);
    }
    assert_true(running > DAY / 4);
}

static void a_season_ahead_makes_winter_of_summer(void **state)
{
    static struct house summer, winter;
    double sum[2] = {0, 0};

    (void)state;
    house_init(&summer, &waves, 1, SUMMER, 0, NULL);
    house_init(&winter, &waves, 1, SUMMER, 183 * (int64_t)DAY, NULL);
    for (int i = 0; i < DAY; i++, house_step(&summer), house_step(&winter)) {
        sum[0] += summer.weather.outside_degc / DAY;
        sum[1] += winter.weather.outside_degc / DAY;
    }
    assert_true(sum[0] - sum[1] > 9.0);
}

static void a_resting_heat_pump_draws_its_standby_power(void **state)
{
    static struct house h;
    int idle = 0;

    (void)state;
    house_init(&h, &waves, 1, SUMMER, 0, NULL);
    for (int i = 0; i < DAY; i++, house_step(&h)) {
        if (h.heatpump.state == HEATPUMP_IDLE) {
            idle++;
            assert_true(fabs(h.heatpump.elec_w - 11.0) < 1e-9);
            assert_true(h.heatpump.heat_w == 0.0);
        }
    }
    assert_true(idle > DAY / 2);
}

struct spells {
    int defrosts, longest_s, shortest_s, warm; /* warm: begun above 5.5 degC */
    int hot_water_s, starts;
    double hottest_degc;
};

static struct spells watch(int64_t start_s, int days)
{
    static struct house h;
    struct spells s = {.shortest_s = DAY};
    enum heatpump_state before = HEATPUMP_IDLE;
    int length = 0;

    house_init(&h, &waves, 3, start_s, 0, NULL);
    for (int i = 0; i < days * DAY; i++, house_step(&h)) {
        const struct heatpump *p = &h.heatpump;

        if (p->state == HEATPUMP_DEFROST) {
            assert_true(p->elec_w > 200.0); /* the compressor draws power */
            s.warm += before != HEATPUMP_DEFROST && h.weather.outside_degc > 5.5;
            if (length++ == 120) {
                assert_true(p->heat_w < -500.0); /* and takes heat */
            }
        } else if (length > 0) {
            s.defrosts++;
            s.longest_s = length > s.longest_s ? length : s.longest_s;
            s.shortest_s = length < s.shortest_s ? length : s.shortest_s;
            length = 0;
        }
        s.starts += p->state == HEATPUMP_PRERUN && before == HEATPUMP_IDLE;
        s.hot_water_s += p->hot_water && p->state == HEATPUMP_RUN;
        s.hottest_degc = fmax(s.hottest_degc, p->flow_degc);
        before = p->state;
    }
    return s;
}

static void it_defrosts_in_the_cold_only_for_five_to_eight_minutes(void **state)
{
    struct spells winter = watch(WINTER, 14), summer = watch(SUMMER, 7);

    (void)state;
    assert_true(winter.defrosts >= 14);
    assert_true(winter.shortest_s >= 300 && winter.longest_s <= 481);
    assert_int_equal(winter.warm, 0);
    assert_int_equal(summer.defrosts, 0);
}

static void it_cycles_and_makes_hot_water_above_fifty_degrees(void **state)
{
    struct spells s = watch(WINTER + 90 * DAY, 7);

    (void)state;
    assert_true(s.starts > 7);
    assert_true(s.hot_water_s > 7 * 600);
    assert_true(s.hottest_degc > 50.0 && s.hottest_degc < 58.0);
}

static void rooms_stay_warm_all_winter_and_the_mains_in_its_limits(void **state)
{
    static struct house h;

    (void)state;
    house_init(&h, &waves, 5, WINTER, 0, NULL);
    for (int i = 0; i < 45 * DAY; i++, house_step(&h)) {
        assert_in_range((int)(h.building.room_degc * 10), 185, 235);
        assert_in_range((int)h.volts, 207, 253);
        assert_true(h.hz > 49.9 && h.hz < 50.1);
        assert_in_range((int)h.cylinder.water_degc, 20, 62);
    }
}

static void registers_count_the_heat_and_show_it_each_four_seconds(void **state)
{
    static struct house h;
    static struct heat_meter m;
    double positive = 0, negative = 0;

    (void)state;
    house_init(&h, &waves, 1, WINTER, 0, NULL);
    heat_meter_init(&m, 1, &h);
    for (int i = 0; i < DAY; i++) {
        double start = m.start_energy_j + positive;

        if (m.display.unix_s == h.unix_s) {
            assert_int_equal(m.display.energy, (uint32_t)(start / 36000.0));
        }
        assert_true(h.unix_s - m.display.unix_s < 4);
        positive += fmax(h.heatpump.heat_w, 0.0);
        negative += fmax(-h.heatpump.heat_w, 0.0);
        heat_meter_add(&m, &h);
        house_step(&h);
    }
    assert_true(fabs(heat_meter_positive_wh(&m) - positive / 3600.0) < 1e-3);
    assert_true(fabs(heat_meter_negative_wh(&m) - negative / 3600.0) < 1e-3);
    assert_true(m.start_energy_j > 0 && positive > 0 && negative > 0);
}

static void history_leads_into_the_live_plant_without_a_step(void **state)
{
    static struct model a, b;

    (void)state;
    model_init(&a, 9, WINTER, 0, NULL);
    assert_int_equal(history_run(&a, 2, NULL), 0);
    model_init(&b, 9, WINTER, 0, NULL);
    assert_int_equal(history_run(&b, 1, NULL), 0);
    assert_int_equal(history_run(&b, 1, NULL), 0);
    assert_int_equal(a.house.unix_s, WINTER + 2 * DAY);
    assert_true(a.meter.energy_j == b.meter.energy_j);
    assert_true(a.house.heatpump.flow_degc == b.house.heatpump.flow_degc);
    assert_memory_equal(a.truth.energy, b.truth.energy, sizeof(a.truth.energy));
    assert_true(a.meter.energy_j > a.meter.start_energy_j);
    assert_true(a.truth.energy[CIRCUIT_HP].import_j > 3.6e6);
}

static void fixed_loads_replace_the_household(void **state)
{
    static struct house h;
    struct house_loads l = {.fixed = true};

    (void)state;
    l.amps[CIRCUIT_HOB][WAVE_SINE] = 8.7;
    house_init(&h, &waves, 1, WINTER, 0, &l);
    house_step(&h);
    assert_true(h.amps[CIRCUIT_HOB][WAVE_SINE] == 8.7);
    assert_true(h.amps[CIRCUIT_GRID][WAVE_SINE] == 8.7);
    assert_true(house_power(&h, CIRCUIT_OFFICE) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_give_equal_houses_and_others_do_not),
        cmocka_unit_test(the_grid_carries_all_circuits_less_the_sun),
        cmocka_unit_test(heat_is_rho_c_times_flow_times_difference),
        cmocka_unit_test(a_season_ahead_makes_winter_of_summer),
        cmocka_unit_test(a_resting_heat_pump_draws_its_standby_power),
        cmocka_unit_test(it_defrosts_in_the_cold_only_for_five_to_eight_minutes),
        cmocka_unit_test(it_cycles_and_makes_hot_water_above_fifty_degrees),
        cmocka_unit_test(rooms_stay_warm_all_winter_and_the_mains_in_its_limits),
        cmocka_unit_test(registers_count_the_heat_and_show_it_each_four_seconds),
        cmocka_unit_test(history_leads_into_the_live_plant_without_a_step),
        cmocka_unit_test(fixed_loads_replace_the_household),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
