/* core/heat: registers, pairing, and the ledger against closed forms and a brute-force integral. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fixed.h"
#include "core/heat/ledger.h"

enum { ELEC = 3, HEAT = 7, SECOND = 1000000 };

#define WH  INT64_C(3600000) /* mJ */
#define KWH (1000 * WH)

static struct hwt_ledger_config config_of(int64_t elec_poll_us, int64_t heat_poll_us)
{
    return (struct hwt_ledger_config){.elec_source = ELEC,
                                      .heat_source = HEAT,
                                      .elec_poll_us = elec_poll_us,
                                      .heat_poll_us = heat_poll_us};
}

static void put(struct hwt_ledger *l, unsigned source, enum hwt_quantity q, int64_t at_us,
                int64_t v)
{
    struct hwt_reading r = {.value = v,
                            .mono_us = at_us,
                            .source = (uint16_t)source,
                            .quantity = (uint8_t)q,
                            .quality = HWT_QUALITY_GOOD};

    hwt_ledger_put(l, &r);
}

static struct hwt_ledger_view view_at(struct hwt_ledger *l, int64_t now_us)
{
    struct hwt_ledger_view v;

    hwt_ledger_get(l, now_us, &v);
    return v;
}

static void assert_near(int64_t got, int64_t want, int64_t tolerance, const char *why)
{
    if (got < want - tolerance || got > want + tolerance) {
        fail_msg("%s: got %lld, want %lld +- %lld", why, (long long)got, (long long)want,
                 (long long)tolerance);
    }
}

/* --- a heat pump with known powers, integrated exactly: piecewise linear in time --- */

struct knot {
    int64_t at_us;
    double watts;
};

static double power_at(const struct knot *k, size_t n, int64_t t)
{
    for (size_t i = 1; i < n; i++) {
        if (t <= k[i].at_us) {
            double part = (double)(t - k[i - 1].at_us) / (double)(k[i].at_us - k[i - 1].at_us);

            return k[i - 1].watts + part * (k[i].watts - k[i - 1].watts);
        }
    }
    return k[n - 1].watts;
}

/* mJ of one sign between two instants, by small steps: the brute force. */
static double brute_mj(const struct knot *k, size_t n, int64_t from, int64_t to, int sign)
{
    const int64_t h = 10000;
    double sum = 0;

    for (int64_t t = from; t < to; t += h) {
        int64_t width = to - t < h ? to - t : h;
        double p = power_at(k, n, t + width / 2) * sign;

        sum += p > 0 ? p * (double)width / 1000 : 0;
    }
    return sum;
}

static int64_t counts(double watts)
{
    return (int64_t)(watts * 10 + (watts < 0 ? -0.5 : 0.5));
}

/* --- registers --- */

static void a_register_tells_rises_swaps_and_misreads(void **state)
{
    static const struct {
        int64_t value_wh;
        enum hwt_register_event event;
        int64_t rise_wh;
        const char *why;
    } rows[] = {
        {37351000, HWT_REGISTER_FIRST, 0, "the first"},
        {37351000, HWT_REGISTER_RISE, 0, "stands"},
        {37351010, HWT_REGISTER_RISE, 10, "a count"},
        {37351040, HWT_REGISTER_RISE, 30, "three counts"},
        {99999990, HWT_REGISTER_ANCHORED, 0, "a leap no heat pump can make"},
        {37351050, HWT_REGISTER_RESTORED, 10, "that was a misread: nothing is lost"},
        {12, HWT_REGISTER_ANCHORED, 0, "back: another meter"},
        {12, HWT_REGISTER_RISE, 0, "which stands"},
        {13, HWT_REGISTER_RISE, 1, "and rises"},
        {37351060, HWT_REGISTER_ANCHORED, 0, "the first meter again"},
        {37351060, HWT_REGISTER_RISE, 0, "for good"},
    };
    struct hwt_register r;

    (void)state;
    hwt_register_init(&r, 0, 100000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t rise = -1;
        enum hwt_register_event event =
            hwt_register_feed(&r, (int64_t)i * 10 * SECOND, rows[i].value_wh * WH, &rise);

        if (event != rows[i].event || rise != rows[i].rise_wh * WH) {
            fail_msg("%s: event %d, rise %lld mJ", rows[i].why, (int)event, (long long)rise);
        }
    }
}

static void a_register_learns_its_count_from_the_rises(void **state)
{
    static const struct {
        int64_t rise[4]; /* mJ */
        int64_t step;
        const char *why;
    } rows[] = {
        {{0, 0, 0, 0}, KWH, "no rise yet: 1 kWh"},
        {{30 * WH, 20 * WH, 50 * WH, 0}, 10 * WH, "10 Wh from threes, twos and fives"},
        {{KWH, 0, KWH, 0}, KWH, "1 kWh"},
        {{2110112, 1055056, 1055055, 0}, 1055055, "a unit that is no whole number of mJ"},
        {{3165166, 2110111, 1055056, 0}, 1055055, "the same, remainders almost whole"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_register r;
        int64_t value = 123456 * KWH, rise;

        hwt_register_init(&r, 0, 100000);
        (void)hwt_register_feed(&r, 0, value, &rise);
        for (int k = 0; k < 4; k++) {
            value += rows[i].rise[k];
            (void)hwt_register_feed(&r, (k + 1) * INT64_C(60) * SECOND, value, &rise);
        }
        assert_near(hwt_register_step(&r), rows[i].step, 2, rows[i].why);
    }
}

/* A 100 kWh count cannot rise within a minute, unless it was about to fall. */
static void a_coarse_register_is_believed_when_time_allows(void **state)
{
    struct hwt_register r;
    int64_t rise;

    (void)state;
    hwt_register_init(&r, 100 * KWH, 20000);
    assert_int_equal(hwt_register_feed(&r, 0, 0, &rise), HWT_REGISTER_FIRST);
    assert_int_equal(hwt_register_feed(&r, 60 * SECOND, 100 * KWH, &rise), HWT_REGISTER_RISE);
    assert_int_equal(hwt_register_feed(&r, 120 * SECOND, 200 * KWH, &rise), HWT_REGISTER_ANCHORED);
    hwt_register_init(&r, 0, 20000);
    assert_int_equal(hwt_register_feed(&r, 0, 0, &rise), HWT_REGISTER_FIRST);
    for (int64_t t = 60; t < 18060; t += 60) { /* five hours at 20 kW */
        assert_int_equal(hwt_register_feed(&r, t * SECOND, 0, &rise), HWT_REGISTER_RISE);
    }
    assert_int_equal(hwt_register_feed(&r, INT64_C(18060) * SECOND, 100 * KWH, &rise),
                     HWT_REGISTER_RISE);
}

/* --- integrals in closed form --- */

static void constant_powers_give_exact_energies_and_cop(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;
    struct hwt_ledger_view v;
    int64_t t;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (t = 0; t <= INT64_C(3600) * SECOND; t += SECOND / 5) {
        put(&l, ELEC, HWT_Q_POWER, t, 10000);        /* 1000 W */
        put(&l, ELEC, HWT_Q_IMPORT, t, 5 * KWH + t); /* 1000 W = 1 mJ/us */
        put(&l, ELEC, HWT_Q_EXPORT, t, 77);
        if (t % (10 * SECOND) == 0) {
            put(&l, HEAT, HWT_Q_POWER, t, 35000); /* 3500 W */
        }
    }
    v = view_at(&l, t);
    assert_int_equal(v.elec_power.v, 10000);
    assert_int_equal(v.heat_power.v, 35000);
    assert_true(v.elec_energy == 1000 * WH);
    assert_true(v.heat_energy == 3500 * WH);
    assert_true(v.negative_heat == 0);
    assert_true(v.paired_elec == 1000 * WH);
    assert_true(v.paired_heat == 3500 * WH);
    assert_int_equal(v.cop.v, 3500);
    assert_int_equal(v.unpaired, 0);
    assert_int_equal(v.gaps, 0);
}

static void a_ramp_and_a_defrost_give_their_triangles(void **state)
{
    static const struct {
        int64_t a, b; /* W */
        int64_t positive_j, negative_j;
        const char *why;
    } rows[] = {
        {0, 6000, 30000, 0, "a ramp up in 10 s"},
        {6000, 0, 30000, 0, "and down"},
        {6000, -2000, 22500, 2500, "into defrost: crosses at 7.5 s"},
        {-2000, 6000, 22500, 2500, "out of it: crosses at 2.5 s"},
        {-3000, -1000, 0, 20000, "within it"},
        {-2500, 2500, 6250, 6250, "in the middle"},
        {0, 0, 0, 0, "standing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_ledger_config c = config_of(0, 10 * SECOND);
        struct hwt_ledger l;
        struct hwt_ledger_view v;

        hwt_ledger_init(&l, &c, NULL);
        put(&l, HEAT, HWT_Q_POWER, 5, rows[i].a * 10);
        put(&l, HEAT, HWT_Q_POWER, 5 + 10 * SECOND, rows[i].b * 10);
        v = view_at(&l, 10 * SECOND);
        assert_near(v.heat_energy, rows[i].positive_j * 1000, 1, rows[i].why);
        assert_near(v.negative_heat, rows[i].negative_j * 1000, 1, rows[i].why);
    }
}

/* 0.1 W over 3.333333 s is 333.3333 mJ: whole mJ are booked, the rest waits. */
static void fractions_of_a_millijoule_are_not_lost(void **state)
{
    struct hwt_ledger_config c = config_of(4 * SECOND, 4 * SECOND);
    struct hwt_ledger l;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t i = 0; i <= 3000; i++) {
        put(&l, ELEC, HWT_Q_POWER, i * 3333333, 1);
        put(&l, HEAT, HWT_Q_POWER, i * 3333333, i % 1000 < 500 ? 1 : -1);
    }
    assert_near(view_at(&l, 0).elec_energy, 999999, 1, "electricity");
    assert_near(view_at(&l, 0).heat_energy + view_at(&l, 0).negative_heat, 998999, 2, "heat");
    assert_near(view_at(&l, 0).heat_energy, 500000, 600, "positive");
}

static void a_long_gap_leaves_both_sums_but_its_registers_are_booked(void **state)
{
    struct hwt_ledger_config c = config_of(10 * SECOND, 10 * SECOND);
    struct hwt_ledger l;
    struct hwt_ledger_view before, v;
    int64_t t;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (t = 0; t <= INT64_C(7200) * SECOND; t += 10 * SECOND) {
        int64_t heat = t / 1000 * 4000; /* 4 kW in mJ */

        if (t > INT64_C(1800) * SECOND && t < INT64_C(5400) * SECOND) {
            continue; /* an hour of silence */
        }
        if (t == INT64_C(5400) * SECOND) {
            before = view_at(&l, t);
            assert_int_equal(before.elec_power.quality, HWT_QUALITY_MISSING);
            assert_int_equal(before.heat_power.quality, HWT_QUALITY_MISSING);
        }
        put(&l, ELEC, HWT_Q_IMPORT, t, t / 1000 * 1000);
        put(&l, HEAT, HWT_Q_ENERGY, t, 7 * KWH + heat / (10 * WH) * (10 * WH));
        put(&l, HEAT, HWT_Q_POWER, t, 40000);
    }
    v = view_at(&l, t);
    assert_near(v.heat_energy, 8 * KWH, 10 * WH, "two hours of 4 kW, the gap by its register");
    assert_true(v.elec_energy == 2 * KWH);
    assert_near(v.paired_heat, 4 * KWH, 10 * WH, "one hour was measured by both");
    assert_true(v.paired_elec == KWH);
    assert_int_equal(v.gaps, 1);
    assert_near(v.cop.v, 4000, 20, "the ratio is not disturbed");
}

static void electricity_alone_or_heat_alone_is_of_no_cop(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;
    struct hwt_ledger_view v;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t t = 0; t <= INT64_C(900) * SECOND; t += SECOND / 5) {
        bool elec = t < 300 * SECOND || t > 405 * SECOND;

        if (elec) {
            put(&l, ELEC, HWT_Q_IMPORT, t, t / 1000 * 1000);
        }
        if (t % (10 * SECOND) == 0 && t <= 600 * SECOND) {
            put(&l, HEAT, HWT_Q_POWER, t, 30000);
        }
    }
    v = view_at(&l, INT64_C(900) * SECOND);
    /* Electricity stops at 299.8 s and is back at 405.2 s: the polls at 300 to 410 s have none at
     * one of their ends, so 290..410 s is left out, and all after 600 s. */
    assert_near(v.paired_heat, (290 + 190) * INT64_C(3000000), 2, "heat in 0..290 and 410..600 s");
    assert_near(v.paired_elec, (290 + 190) * INT64_C(1000000), 2, "electricity of the same time");
    assert_int_equal(v.unpaired, 12);
    assert_int_equal(v.cop.v, 3000);
    assert_true(v.elec_energy == INT64_C(900) * 1000000);
}

static void a_gap_of_electricity_within_a_span_of_heat_unpairs_it(void **state)
{
    struct hwt_ledger_config c = config_of(0, 60 * SECOND);
    struct hwt_ledger l;
    struct hwt_ledger_view v;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t t = 0; t <= 600 * SECOND; t += SECOND / 5) {
        if (t < 200 * SECOND || t > 210 * SECOND) { /* between the polls at 180 and 240 s */
            put(&l, ELEC, HWT_Q_IMPORT, t, t / 1000 * 1000);
        }
        if (t % (60 * SECOND) == 0) {
            put(&l, HEAT, HWT_Q_POWER, t, 30000);
        }
    }
    v = view_at(&l, 600 * SECOND);
    assert_int_equal(v.unpaired, 1);
    assert_true(v.paired_heat == 540 * INT64_C(3000000));
    assert_true(v.paired_elec == 540 * INT64_C(1000000));
}

static void net_import_that_falls_is_owed_and_never_steps_down(void **state)
{
    static const struct {
        int64_t import, export, energy;
        const char *why;
    } rows[] = {
        {0, 0, 0, "start"},
        {100, 0, 100, "import"},
        {100, 30, 100, "export is owed"},
        {120, 30, 100, "import pays it off"},
        {140, 30, 110, "and only then counts"},
        {140, 35, 110, "owed again"},
        {150, 40, 110, "even"},
    };
    struct hwt_ledger_config c = config_of(0, 0);
    struct hwt_ledger l;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t t = (int64_t)i * SECOND / 5;

        put(&l, ELEC, HWT_Q_IMPORT, t, rows[i].import);
        put(&l, ELEC, HWT_Q_EXPORT, t, rows[i].export);
        assert_near(view_at(&l, t).elec_energy, rows[i].energy, 0, rows[i].why);
    }
}

static void a_window_cut_in_two_by_a_question_is_booked_whole(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t t = 0; t <= 40 * SECOND; t += SECOND / 5) {
        put(&l, ELEC, HWT_Q_POWER, t, 10000);
        (void)view_at(&l, t);
        put(&l, ELEC, HWT_Q_IMPORT, t, t);
        (void)view_at(&l, t);
        put(&l, ELEC, HWT_Q_EXPORT, t, 0);
        if (t % (10 * SECOND) == 0) {
            put(&l, HEAT, HWT_Q_POWER, t, 30000);
        }
    }
    assert_true(view_at(&l, 40 * SECOND).elec_energy == 40 * INT64_C(1000000));
    assert_true(view_at(&l, 40 * SECOND).paired_elec == 40 * INT64_C(1000000));
    assert_int_equal(view_at(&l, 40 * SECOND).refused, 0);
    assert_int_equal(view_at(&l, 40 * SECOND).cop.v, 3000);
}

static void electricity_without_counters_is_integrated(void **state)
{
    struct hwt_ledger_config c = config_of(10 * SECOND, 10 * SECOND);
    struct hwt_ledger l;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t t = 0; t <= 600 * SECOND; t += 10 * SECOND) {
        put(&l, ELEC, HWT_Q_POWER, t, 20 * t / SECOND); /* to 1200 W */
        put(&l, HEAT, HWT_Q_POWER, t, 60 * t / SECOND);
    }
    assert_true(view_at(&l, 600 * SECOND).elec_energy == 600 * INT64_C(600000));
    assert_int_equal(view_at(&l, 600 * SECOND).cop.v, 3000);
    put(&l, ELEC, HWT_Q_POWER, 631 * SECOND, 50000); /* a gap: nobody knows what flowed */
    assert_true(view_at(&l, 631 * SECOND).elec_energy == 600 * INT64_C(600000));
}

/* --- slaved to the register --- */

/* A day: heating, hot water, defrosts, a standstill; and meters that count it more or less finely.
 */
static double day_watts(int64_t t)
{
    int64_t s = t / SECOND;
    double slow = (double)(s % 14400) / 14400;

    if (s % 5400 > 5200) {
        return -1800; /* defrost */
    }
    if (s % 28800 > 25000) {
        return 0;
    }
    return 2500 + 4500 * slow + (double)(s % 700) * 1.5;
}

static void heat_stays_within_one_count_of_the_register_over_a_day(void **state)
{
    static const struct {
        int64_t step;       /* mJ of a count */
        int64_t poll_us;    /* us */
        double shown;       /* the meter's power against its register */
        int64_t power_step; /* 0.1 W */
        int64_t offset;     /* mJ inside the first count */
        const char *why;
    } rows[] = {
        {10 * WH, 10 * SECOND, 1.0, 1, 0, "10 Wh, polled every 10 s"},
        {10 * WH, 60 * SECOND, 1.0, 1000, 3 * WH, "10 Wh, every minute, power in 100 W"},
        {KWH, 10 * SECOND, 1.0, 1000, 990 * WH, "1 kWh, about to fall at the start"},
        {KWH, 60 * SECOND, 0.96, 1, 1 * WH, "1 kWh, power 4 % low"},
        {KWH, 60 * SECOND, 1.04, 1, 500 * WH, "1 kWh, power 4 % high"},
        {10 * WH, 10 * SECOND, 1.5, 1, 0, "a power that is all wrong: the register wins"},
        {10 * WH, 10 * SECOND, 0.5, 1, 0, "and wins again"},
        {WH, 10 * SECOND, 1.0, 10, 0, "1 Wh"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_ledger_config c = config_of(0, rows[i].poll_us);
        struct hwt_ledger l;
        double truth = (double)rows[i].offset;
        int64_t last = 0, first_register = 0, reg = 0;

        hwt_ledger_init(&l, &c, NULL);
        for (int64_t t = 0; t <= INT64_C(86400) * SECOND; t += SECOND) {
            double w = day_watts(t);

            if (t % rows[i].poll_us == 0) {
                struct hwt_ledger_view v;

                reg = 500 * KWH + (int64_t)truth / rows[i].step * rows[i].step;
                first_register = t == 0 ? reg : first_register;
                put(&l, HEAT, HWT_Q_ENERGY, t, reg);
                put(&l, HEAT, HWT_Q_POWER, t,
                    counts(w * rows[i].shown) / rows[i].power_step * rows[i].power_step);
                v = view_at(&l, t);
                if (v.heat_energy < last) {
                    fail_msg("%s: stepped down at %lld s", rows[i].why, (long long)(t / SECOND));
                }
                last = v.heat_energy;
                if (t > INT64_C(14400) * SECOND) { /* the count is learnt */
                    assert_near(v.heat_energy, reg - first_register, rows[i].step, rows[i].why);
                }
            }
            truth += w > 0 ? w * 1000 : 0;
        }
        assert_int_equal(view_at(&l, INT64_C(86400) * SECOND).anchored, 0);
        assert_true(view_at(&l, 0).negative_heat > 0);
    }
}

/* Between the ticks of a coarse register heat must flow as the power says, not in jumps. */
static void a_coarse_register_is_followed_smoothly(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;
    int64_t last = 0;
    double truth = 0;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t t = 0; t <= INT64_C(36000) * SECOND; t += 10 * SECOND) {
        int64_t now, honest = INT64_C(50000000); /* 5 kW x 10 s */

        put(&l, HEAT, HWT_Q_ENERGY, t, (int64_t)truth / KWH * KWH);
        put(&l, HEAT, HWT_Q_POWER, t, 48500); /* 3 % low */
        now = view_at(&l, t).heat_energy;
        if (t > 0) {
            assert_near(now - last, honest, honest / 20, "each poll brings 5 kW, within 5 %");
        }
        if (t > INT64_C(18000) * SECOND) {
            assert_near(now - last, honest, honest / 100, "within 1 % once the drift is known");
        }
        last = now;
        truth += 50000000.0;
    }
}

static void swaps_rollovers_and_misreads_make_no_step(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;
    double truth = 0;
    int64_t last = 0, t;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (t = 0; t <= INT64_C(14400) * SECOND; t += 10 * SECOND) {
        int64_t reg = 900 * KWH + (int64_t)truth / (10 * WH) * (10 * WH);
        int64_t now;

        if (t > INT64_C(3600) * SECOND) {
            reg -= 890 * KWH; /* another meter, lower */
        }
        if (t > INT64_C(7200) * SECOND) {
            reg += 40000 * KWH; /* another one, higher */
        }
        if (t == INT64_C(9000) * SECOND || t == INT64_C(10000) * SECOND) {
            reg += t == INT64_C(9000) * SECOND ? 7777 * KWH : -70 * WH; /* misreads */
        }
        put(&l, HEAT, HWT_Q_POWER, t, 60000);
        put(&l, HEAT, HWT_Q_ENERGY, t, reg);
        now = view_at(&l, t).heat_energy;
        if (t > 0) {
            assert_near(now - last, INT64_C(60000000), INT64_C(60000000) / 4,
                        "each poll brings 6 kW");
        }
        last = now;
        truth += 60000000.0;
    }
    assert_near(last, 24 * KWH, 20 * WH, "four hours at 6 kW");
    assert_int_equal(view_at(&l, t).anchored, 4);
}

static void a_meter_without_power_gives_it_by_its_register(void **state)
{
    struct hwt_ledger_config c = config_of(0, 60 * SECOND);
    struct hwt_ledger l;
    int64_t t;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (t = 0; t <= INT64_C(3600) * SECOND; t += 60 * SECOND) {
        int64_t truth = t / 1000 * 6000; /* 6 kW: 100 Wh a minute */

        put(&l, HEAT, HWT_Q_ENERGY, t, KWH + truth / (50 * WH) * (50 * WH));
        if (t == 60 * SECOND) {
            assert_int_equal(view_at(&l, t).heat_power.quality, HWT_QUALITY_MISSING);
        }
    }
    assert_int_equal(view_at(&l, t).heat_power.v, 60000);
    assert_true(view_at(&l, t).heat_energy == 6 * KWH);
    for (; t <= INT64_C(7200) * SECOND; t += 60 * SECOND) { /* it stands still */
        put(&l, HEAT, HWT_Q_ENERGY, t, 7 * KWH);
    }
    assert_true(view_at(&l, t).heat_power.v <= 1000); /* at most a count, 100 Wh, in that hour */
    assert_int_equal(view_at(&l, t).heat_power.quality, HWT_QUALITY_GOOD);
    assert_int_equal(view_at(&l, t + INT64_C(181) * SECOND).heat_power.quality,
                     HWT_QUALITY_MISSING);
}

/* --- random polls against brute force --- */

static uint64_t seed = 20260101;

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void random_poll_times_agree_with_brute_force(void **state)
{
    struct knot heat[40], elec[40];
    uint64_t x = seed;

    (void)state;
    print_message("seed %llu (-s SEED)\n", (unsigned long long)seed);
    for (int round = 0; round < 6; round++) {
        struct hwt_ledger_config c = config_of(0, 30 * SECOND);
        struct hwt_ledger l;
        struct hwt_ledger_view v;
        int64_t t_heat[400], end = 0, import = 0;
        size_t polls = 0;
        double elec_mj = 0;

        for (size_t i = 0; i < 40; i++) { /* knots are polls: the trapezoid is then exact */
            heat[i].at_us = end;
            elec[i].at_us = end;
            heat[i].watts = (double)(next_random(&x) % 9000) - 2500;
            elec[i].watts = (double)(next_random(&x) % 3000);
            end += (int64_t)(5000000 + next_random(&x) % 80000000);
            t_heat[polls++] = heat[i].at_us;
        }
        end = heat[39].at_us;
        hwt_ledger_init(&l, &c, NULL);
        for (int64_t t = 0, k = 0; t <= end + 2 * SECOND; t += SECOND / 5) {
            import = (int64_t)elec_mj;
            while ((size_t)k < polls && t_heat[k] <= t) { /* told late, stamped when measured */
                put(&l, HEAT, HWT_Q_POWER, t_heat[k], counts(power_at(heat, 40, t_heat[k])));
                k++;
            }
            put(&l, ELEC, HWT_Q_IMPORT, t, import);
            elec_mj += brute_mj(elec, 40, t, t + SECOND / 5, 1);
        }
        v = view_at(&l, end);
        assert_near(v.heat_energy, (int64_t)brute_mj(heat, 40, 0, end, 1), 100000, "positive");
        assert_near(v.negative_heat, (int64_t)brute_mj(heat, 40, 0, end, -1), 100000, "negative");
        assert_near(v.paired_heat, v.heat_energy, 0, "all of it is paired");
        assert_near(v.paired_negative, v.negative_heat, 0, "of both signs");
        assert_near(v.paired_elec, (int64_t)brute_mj(elec, 40, 0, end, 1), 20000, "electricity");
    }
}

static void slow_electricity_is_paired_with_fast_heat(void **state)
{
    struct hwt_ledger_config c = config_of(60 * SECOND, 10 * SECOND);
    struct hwt_ledger l;
    struct hwt_ledger_view v;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t t = 0; t <= INT64_C(3600) * SECOND; t += SECOND) {
        if (t % (60 * SECOND) == 17 * SECOND) {
            put(&l, ELEC, HWT_Q_ENERGY, t, 3 * KWH + t / 1000 * 1200);
        }
        if (t % (10 * SECOND) == 0) {
            put(&l, HEAT, HWT_Q_POWER, t, 48000);
        }
    }
    v = view_at(&l, INT64_C(3600) * SECOND);
    /* electricity is known from 17 s to 3557 s, so heat counts from 20 s to 3550 s */
    assert_near(v.paired_heat, INT64_C(3530) * 4800000, 1, "heat");
    assert_near(v.paired_elec, INT64_C(3530) * 1200000, 2, "electricity");
    assert_int_equal(v.cop.v, 4000);
    assert_int_equal(v.elec_power.v, 12000);
}

static void the_cop_is_of_the_last_half_hour_and_net_of_defrost(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;
    int64_t t;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (t = 0; t <= INT64_C(7200) * SECOND; t += SECOND) {
        bool early = t < INT64_C(3600) * SECOND;
        bool defrost = !early && t / (600 * SECOND) % 2 == 0; /* ten minutes of twenty */

        put(&l, ELEC, HWT_Q_POWER, t, 10000);
        if (t % (10 * SECOND) == 0) {
            put(&l, HEAT, HWT_Q_POWER, t, early ? 20000 : defrost ? -10000 : 50000);
        }
        if (t == INT64_C(3590) * SECOND) {
            assert_int_equal(view_at(&l, t).cop.v, 2000);
        }
    }
    assert_near(view_at(&l, t - SECOND).cop.v, 3000, 60, "20 minutes of 5 kW, 10 of -1 kW");
    assert_int_equal(view_at(&l, t + INT64_C(1900) * SECOND).cop.quality, HWT_QUALITY_MISSING);
}

/* --- restarts --- */

/* The state a dying daemon leaves in its log. */
static struct hwt_ledger_start left_by(const struct hwt_ledger_view *v, int64_t import_mj,
                                       int64_t register_mj, int64_t dead_us)
{
    return (struct hwt_ledger_start){
        .elec_energy = v->elec_energy,
        .heat_energy = v->heat_energy,
        .negative_heat = v->negative_heat,
        .paired_elec = v->paired_elec,
        .paired_heat = v->paired_heat,
        .paired_negative = v->paired_negative,
        .import_mj = import_mj,
        .register_mj = register_mj,
        .anchor_mj = v->anchor_mj,
        .since_us = -dead_us,
        .has_import = true,
        .has_register = true,
        .has_anchor = true,
    };
}

static void restarts_make_no_step_and_book_what_the_registers_rose(void **state)
{
    struct hwt_ledger_config c = config_of(10 * SECOND, 10 * SECOND);
    int64_t t = 0, boot_us = 0, reg = 0, import = 0, restarts = 0;
    struct hwt_ledger l;
    struct hwt_ledger_view v;
    uint64_t x = seed;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    while (t < INT64_C(10) * 86400 * SECOND) {
        import = 9 * KWH + t / 1000 * 1500;                        /* 1.5 kW */
        reg = 40 * KWH + (t / 1000 * 6000 + 700 * WH) / KWH * KWH; /* 6 kW */
        put(&l, ELEC, HWT_Q_IMPORT, t - boot_us, import);
        put(&l, HEAT, HWT_Q_ENERGY, t - boot_us, reg);
        put(&l, HEAT, HWT_Q_POWER, t - boot_us, 59000);
        v = view_at(&l, t - boot_us);
        t += 10 * SECOND;
        if (next_random(&x) % 300 == 0) { /* kill -9, dead for 1 to 40 minutes */
            int64_t dead_us = (int64_t)(1 + next_random(&x) % 40) * 60 * SECOND;
            struct hwt_ledger_start s = left_by(&v, import, reg, dead_us);

            t += dead_us;
            boot_us = t;
            restarts++;
            hwt_ledger_init(&l, &c, &s);
            assert_true(view_at(&l, 0).heat_energy == v.heat_energy);
            assert_true(view_at(&l, 0).paired_elec == v.paired_elec);
            assert_true(view_at(&l, 0).elec_energy == v.elec_energy);
        }
    }
    assert_true(restarts > 50);
    assert_near(v.heat_energy, reg - 40 * KWH, KWH, "the register to one count, over all restarts");
    assert_true(v.elec_energy == import - 9 * KWH);
    assert_true(v.paired_elec < v.elec_energy && v.paired_heat < v.heat_energy);
    assert_near(v.paired_heat * 1000 / v.paired_elec, 4000, 80, "and the COP is not disturbed");
}

/* Each time dead just while a 1 kWh register ticks: the kilowatt-hour is booked where a tenth of it
 * flowed. The anchor keeps that from adding up. */
static void dying_at_every_tick_does_not_add_up(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    int64_t t, boot_us = 0, reg = 0;
    struct hwt_ledger l;
    struct hwt_ledger_view v;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (t = 0; t < INT64_C(20) * 600 * SECOND; t += 10 * SECOND) { /* 6 kW: a tick in 600 s */
        reg = t / (600 * SECOND) * KWH;
        put(&l, HEAT, HWT_Q_ENERGY, t - boot_us, reg);
        put(&l, HEAT, HWT_Q_POWER, t - boot_us, 60000);
        v = view_at(&l, t - boot_us);
        assert_near(v.heat_energy, reg, KWH, "one count");
        if (t % (600 * SECOND) == 570 * SECOND) {
            struct hwt_ledger_start s = left_by(&v, 0, reg, 50 * SECOND);

            t += 50 * SECOND;
            boot_us = t;
            hwt_ledger_init(&l, &c, &s);
        }
    }
}

/* The first poll of a new run lacks the register: what it rose meanwhile is booked later, once, and
 * is of no COP. */
static void a_register_that_comes_late_books_the_gap_once(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger_start s = {.heat_energy = 5 * KWH,
                                 .register_mj = 100 * KWH,
                                 .has_register = true,
                                 .since_us = -3600 * INT64_C(1000000)};
    struct hwt_ledger l;
    int64_t t;

    (void)state;
    hwt_ledger_init(&l, &c, &s);
    for (t = 0; t <= 60 * SECOND; t += SECOND) {
        put(&l, ELEC, HWT_Q_POWER, t, 10000);
        if (t % (10 * SECOND) == 0) {
            put(&l, HEAT, HWT_Q_POWER, t, 36000); /* 10 Wh a poll */
            if (t >= 20 * SECOND) {
                put(&l, HEAT, HWT_Q_ENERGY, t, 103 * KWH + t / (10 * SECOND) * 10 * WH);
            }
        }
    }
    assert_true(view_at(&l, t).heat_energy == 8 * KWH + 60 * WH);
    assert_true(view_at(&l, t).paired_heat == 60 * WH);
    /* The register is silent, then everything is: */
    for (t = 70 * SECOND; t <= 90 * SECOND; t += 10 * SECOND) {
        put(&l, HEAT, HWT_Q_POWER, t, 36000);
    }
    assert_true(view_at(&l, t).heat_energy == 8 * KWH + 90 * WH);
    put(&l, HEAT, HWT_Q_POWER, 900 * SECOND, 36000);
    put(&l, HEAT, HWT_Q_ENERGY, 900 * SECOND, 103 * KWH + 900 * WH);
    assert_true(view_at(&l, t).heat_energy == 8 * KWH + 900 * WH);
    assert_true(view_at(&l, t).paired_heat <= 90 * WH);
}

static void a_restart_after_an_unknown_time_believes_a_month_at_most(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger_start s = {.heat_energy = 5 * KWH,
                                 .register_mj = 100 * KWH,
                                 .has_register = true,
                                 .since_us = HWT_TIME_UNKNOWN};
    struct hwt_ledger l;

    (void)state;
    hwt_ledger_init(&l, &c, &s);
    put(&l, HEAT, HWT_Q_ENERGY, 0, 103 * KWH);
    assert_true(view_at(&l, 0).heat_energy == 8 * KWH);
    hwt_ledger_init(&l, &c, &s);
    put(&l, HEAT, HWT_Q_ENERGY, 0, 100000 * KWH);
    assert_true(view_at(&l, 0).heat_energy == 5 * KWH);
    assert_int_equal(view_at(&l, 0).anchored, 1);
}

/* --- the readings it gives --- */

static void take_gives_each_quantity_once_for_each_measurement(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_reading out[HWT_LEDGER_READINGS];
    struct hwt_ledger l;
    size_t n;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    assert_int_equal(hwt_ledger_take(&l, 1, out), 0);
    put(&l, ELEC, HWT_Q_POWER, SECOND, 9990);
    put(&l, ELEC, HWT_Q_IMPORT, SECOND, 44);
    n = hwt_ledger_take(&l, 1, out);
    assert_int_equal(n, 2);
    assert_int_equal(out[0].quantity, HWT_Q_ELEC_POWER);
    assert_int_equal(out[0].value, 9990);
    assert_int_equal(out[0].source, 1);
    assert_true(out[0].mono_us == SECOND);
    assert_int_equal(out[1].quantity, HWT_Q_ELEC_ENERGY);
    assert_int_equal(hwt_ledger_take(&l, 1, out), 0);
    put(&l, HEAT, HWT_Q_POWER, SECOND, 1);
    put(&l, HEAT, HWT_Q_POWER, 11 * SECOND, 20001);
    for (int64_t t = SECOND; t <= 12 * SECOND; t += SECOND / 5) {
        put(&l, ELEC, HWT_Q_IMPORT, t, 44 + t / 1000);
    }
    n = hwt_ledger_take(&l, 1, out);
    assert_int_equal(n, 8); /* all but elec_power */
    assert_int_equal(out[1].quantity, HWT_Q_HEAT_POWER);
    assert_int_equal(out[1].value, 20001);
    assert_int_equal(out[7].quantity, HWT_Q_COP);
    assert_int_equal(hwt_ledger_take(&l, 1, out), 0);
}

static void missing_late_and_impossible_readings_change_nothing(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;
    struct hwt_reading gone = {.source = HEAT,
                               .quantity = HWT_Q_POWER,
                               .mono_us = 12 * SECOND,
                               .value = 85,
                               .quality = HWT_QUALITY_MISSING};
    struct hwt_ledger_view v;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    put(&l, HEAT, HWT_Q_POWER, 10 * SECOND, 10000);
    hwt_ledger_put(&l, &gone);
    put(&l, HEAT, HWT_Q_POWER, 20 * SECOND, 10000);
    (void)view_at(&l, 20 * SECOND);
    put(&l, HEAT, HWT_Q_POWER, 15 * SECOND, 90000);               /* late */
    put(&l, HEAT, HWT_Q_POWER, 25 * SECOND, INT64_C(1500011870)); /* a BCD sign read as a digit */
    put(&l, HEAT, HWT_Q_ENERGY, 26 * SECOND, -1);
    put(&l, ELEC, HWT_Q_POWER, 1, INT64_MAX);
    put(&l, ELEC, HWT_Q_REACTIVE_POWER, 2, INT64_MIN);
    put(&l, HEAT + 1, HWT_Q_POWER, 27 * SECOND, 5);
    v = view_at(&l, 27 * SECOND);
    assert_true(v.heat_energy == INT64_C(10000000));
    assert_int_equal(v.heat_power.v, 10000);
    assert_int_equal(v.refused, 4);
    assert_int_equal(v.elec_power.quality, HWT_QUALITY_MISSING);
}

/* A telegram without power between two with: the trapezoid spans it, the register is not doubled.
 */
static void a_poll_without_its_power_is_spanned(void **state)
{
    struct hwt_ledger_config c = config_of(0, 10 * SECOND);
    struct hwt_ledger l;

    (void)state;
    hwt_ledger_init(&l, &c, NULL);
    for (int64_t t = 0; t <= INT64_C(3600) * SECOND; t += 10 * SECOND) {
        put(&l, ELEC, HWT_Q_POWER, t, 1);
        put(&l, HEAT, HWT_Q_ENERGY, t, t / 1000 * 3600 / WH * WH);
        if (t % (30 * SECOND) != 20 * SECOND) {
            put(&l, HEAT, HWT_Q_POWER, t, 36000);
        }
    }
    assert_near(view_at(&l, INT64_C(3600) * SECOND).heat_energy, 3600 * WH, WH, "an hour");
    assert_int_equal(view_at(&l, 0).gaps, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_register_tells_rises_swaps_and_misreads),
        cmocka_unit_test(a_register_learns_its_count_from_the_rises),
        cmocka_unit_test(a_coarse_register_is_believed_when_time_allows),
        cmocka_unit_test(constant_powers_give_exact_energies_and_cop),
        cmocka_unit_test(a_ramp_and_a_defrost_give_their_triangles),
        cmocka_unit_test(fractions_of_a_millijoule_are_not_lost),
        cmocka_unit_test(a_long_gap_leaves_both_sums_but_its_registers_are_booked),
        cmocka_unit_test(electricity_alone_or_heat_alone_is_of_no_cop),
        cmocka_unit_test(a_gap_of_electricity_within_a_span_of_heat_unpairs_it),
        cmocka_unit_test(net_import_that_falls_is_owed_and_never_steps_down),
        cmocka_unit_test(a_window_cut_in_two_by_a_question_is_booked_whole),
        cmocka_unit_test(electricity_without_counters_is_integrated),
        cmocka_unit_test(heat_stays_within_one_count_of_the_register_over_a_day),
        cmocka_unit_test(a_coarse_register_is_followed_smoothly),
        cmocka_unit_test(swaps_rollovers_and_misreads_make_no_step),
        cmocka_unit_test(a_meter_without_power_gives_it_by_its_register),
        cmocka_unit_test(random_poll_times_agree_with_brute_force),
        cmocka_unit_test(slow_electricity_is_paired_with_fast_heat),
        cmocka_unit_test(the_cop_is_of_the_last_half_hour_and_net_of_defrost),
        cmocka_unit_test(restarts_make_no_step_and_book_what_the_registers_rose),
        cmocka_unit_test(dying_at_every_tick_does_not_add_up),
        cmocka_unit_test(a_register_that_comes_late_books_the_gap_once),
        cmocka_unit_test(a_restart_after_an_unknown_time_believes_a_month_at_most),
        cmocka_unit_test(take_gives_each_quantity_once_for_each_measurement),
        cmocka_unit_test(missing_late_and_impossible_readings_change_nothing),
        cmocka_unit_test(a_poll_without_its_power_is_spanned),
    };

    if (argc == 3 && strcmp(argv[1], "-s") == 0) {
        seed = strtoull(argv[2], NULL, 10) | 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
