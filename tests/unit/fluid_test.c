/* core/heat/fluid: density and heat capacity against published values, and the heat carried. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/heat/fluid.h"

static void published_values_are_met(void **state)
{
    static const struct {
        const char *why;
        struct hwt_fluid fluid;
        double degc, rho, cp, within;
    } rows[] = {
        /* IAPWS R7-97, between the rows of the table, 0.2 MPa */
        {"water, 2.5", {HWT_WATER, 0}, 2.5, 1000.01, 4211.0, 2e-4},
        {"water, 12.5", {HWT_WATER, 0}, 12.5, 999.49, 4191.6, 2e-4},
        {"water, 22.5", {HWT_WATER, 0}, 22.5, 997.70, 4182.9, 2e-4},
        {"water, 37.5", {HWT_WATER, 0}, 37.5, 993.20, 4178.4, 2e-4},
        {"water, 52.5", {HWT_WATER, 0}, 52.5, 986.94, 4179.9, 2e-4},
        {"water, 77.5", {HWT_WATER, 0}, 77.5, 973.39, 4193.2, 2e-4},
        {"water, 107.5", {HWT_WATER, 0}, 107.5, 952.88, 4226.6, 2e-4},
        /* Melinder 2010, as the tests of SecondaryCoolantProps 1.2 print them */
        {"propylene 0 %, 5", {HWT_PROPYLENE, 0}, 5, 1000.3, 4204.8, 1e-4},
        {"propylene 20 %, 5", {HWT_PROPYLENE, 0.2}, 5, 1019.1, 3945.9, 1e-4},
        {"propylene 20 %, 20", {HWT_PROPYLENE, 0.2}, 20, 1014.8, 3976.8, 1e-4},
        {"propylene 20 %, 40", {HWT_PROPYLENE, 0.2}, 40, 1006.4, 4019.0, 1e-4},
        {"propylene 40 %, 5", {HWT_PROPYLENE, 0.4}, 5, 1040.1, 3658.0, 1e-4},
        {"propylene 40 %, 40", {HWT_PROPYLENE, 0.4}, 40, 1020.1, 3770.8, 1e-4},
        {"ethylene 0 %, 20", {HWT_ETHYLENE, 0}, 20, 997.35, 4186.2, 1e-4},
        {"ethylene 0 %, 40", {HWT_ETHYLENE, 0}, 40, 991.81, 4178.5, 1e-4},
        {"ethylene 20 %, 5", {HWT_ETHYLENE, 0.2}, 5, 1028.1, 3869.5, 1e-4},
        {"ethylene 20 %, 20", {HWT_ETHYLENE, 0.2}, 20, 1024.1, 3896.2, 1e-4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double rho = 0, cp = 0;

        print_message("# %s\n", rows[i].why);
        assert_true(hwt_fluid_get(&rows[i].fluid, rows[i].degc, &rho, &cp));
        assert_true(fabs(rho / rows[i].rho - 1) <= rows[i].within);
        assert_true(fabs(cp / rows[i].cp - 1) <= rows[i].within);
    }
}

static void what_is_frozen_or_steam_has_no_values(void **state)
{
    static const struct {
        const char *why;
        struct hwt_fluid fluid;
        double degc;
        bool liquid;
    } rows[] = {
        {"ice", {HWT_WATER, 0}, -0.1, false},
        {"the last of the table", {HWT_WATER, 0}, 110, true},
        {"steam", {HWT_WATER, 0}, 110.1, false},
        {"not a number", {HWT_WATER, 0}, (double)NAN, false},
        {"above the freezing point of 20 %, -7.17", {HWT_PROPYLENE, 0.2}, -7.1, true},
        {"below it", {HWT_PROPYLENE, 0.2}, -7.3, false},
        {"of 40 %, -20.57", {HWT_PROPYLENE, 0.4}, -20.5, true},
        {"below it", {HWT_PROPYLENE, 0.4}, -20.7, false},
        {"more than was measured", {HWT_ETHYLENE, 0.61}, 20, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double rho, cp;

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_fluid_get(&rows[i].fluid, rows[i].degc, &rho, &cp), rows[i].liquid);
    }
}

/* 1000 l/h, 35 to 30 degC: 1000/3600 l/s x 0.99570 kg/l x 4178.9 J/(kg K) x 5 K. */
static void the_heat_is_that_of_the_mass(void **state)
{
    const struct hwt_fluid water = {HWT_WATER, 0}, quarter = {HWT_PROPYLENE, 0.25};
    int64_t power = 0, other = 0;

    (void)state;
    assert_true(hwt_fluid_power(&water, 10000, 3500, 3000, 3000, &power));
    assert_true(llabs(power - 57800) <= 10);
    assert_true(hwt_fluid_power(&water, 10000, 3000, 3500, 3500, &other));
    assert_true(other < 0 && llabs(other + power) < power / 500); /* denser at the colder end */
    assert_true(hwt_fluid_power(&water, 10000, 3000, 3000, 3000, &other) && other == 0);
    assert_true(hwt_fluid_power(&quarter, 10000, 3500, 3000, 3000, &other));
    assert_true(other < power * 97 / 100 && other > power * 94 / 100);
    other = 7;
    assert_false(hwt_fluid_power(&water, 10000, -100, 3000, -100, &other));
    assert_true(other == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_are_met),
        cmocka_unit_test(what_is_frozen_or_steam_has_no_values),
        cmocka_unit_test(the_heat_is_that_of_the_mass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
