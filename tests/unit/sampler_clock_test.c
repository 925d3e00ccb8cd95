/* daemon/drivers/sampler_clock: a device with an erring crystal over a line that delays, told by a
 * seeded model; the rate found must hold the hidden one within the uncertainty stated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/drivers/sampler_clock.h"

enum { SCANS = 128 };
#define PERIOD_PS 149940000u

struct model { /* times in true us since its start */
    struct sampler_clock clock;
    struct sampler_clock_host host;
    uint64_t random;
    double fast_ppm; /* hidden */
    double delay_us; /* mean, exponential, of a block's way */
    double true_us;
    double device_from_us; /* true us at which the device's clock was 0 */
    unsigned changes;
};

static double uniform(struct model *m)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(m->random >> 11) * 0x1p-53;
}

/* Never below 50 us; now and then a scheduler's hiccup of up to 30 ms. */
static double delay(struct model *m)
{
    double u = uniform(m);
    double d = 50 + m->delay_us * 2 * u * u * u;

    return uniform(m) < 0.01 ? d + 30000 * uniform(m) : d;
}

static uint64_t device_us(const struct model *m)
{
    return (uint64_t)((m->true_us - m->device_from_us) * (1 + m->fast_ppm * 1e-6));
}

/* So many true seconds of blocks, one each 20 ms. */
static void run(struct model *m, double seconds)
{
    double end_us = m->true_us + seconds * 1e6;

    for (; m->true_us < end_us; m->true_us += 20000) {
        m->host.boot_us = 1000000000 + (int64_t)(m->true_us + delay(m));
        m->changes += sampler_clock_see(&m->clock, device_us(m), &m->host, 0);
    }
}

static struct model start(double fast_ppm, double delay_us)
{
    struct model m = {.random = 88172645463325252u,
                      .fast_ppm = fast_ppm,
                      .delay_us = delay_us,
                      .true_us = 5e6,
                      .host = {.synced = true}};

    sampler_clock_init(&m.clock);
    return m;
}

/* The rate found, as `fast`, is the hidden one within what is said of it. */
static void assert_found(const struct model *m, double at_most_ppm, const char *why)
{
    double fast = (double)sampler_clock_fast_ppb(&m->clock) / 1e3,
           unsure = (double)m->clock.unsure_ppb / 1e3;

    if (!m->clock.known || unsure > at_most_ppm || fast - m->fast_ppm > unsure ||
        m->fast_ppm - fast > unsure) {
        fail_msg("%s: known %d, hidden %.2f, found %.2f +- %.2f ppm", why, m->clock.known,
                 m->fast_ppm, fast, unsure);
    }
}

static void a_hidden_rate_is_found_within_the_uncertainty_stated(void **state)
{
    static const struct {
        const char *why;
        double fast_ppm, delay_us, seconds, at_most_ppm;
    } rows[] = {
        {"an ordinary crystal, USB, a minute", 37.0, 300, 60, 15},
        {"an hour", 37.0, 300, 3600, 2.1},
        {"slow", -61.5, 300, 3600, 2.1},
        {"right", 0.0, 300, 3600, 2.1},
        {"a line that delays by ms", 23.0, 8000, 3600, 4},
        {"a ceramic resonator", 4200.0, 300, 600, 5},
        {"two hours: the oldest points go", -12.0, 1000, 7600, 2.2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model m = start(rows[i].fast_ppm, rows[i].delay_us);

        run(&m, rows[i].seconds);
        assert_found(&m, rows[i].at_most_ppm, rows[i].why);
    }
}

static void nothing_is_learnt_while_ntp_is_out_of_step(void **state)
{
    struct model m = start(50, 300);

    (void)state;
    m.host.synced = false;
    run(&m, 600);
    assert_false(m.clock.known);
    assert_int_equal(m.changes, 0);
    m.host.synced = true;
    run(&m, 600);
    assert_found(&m, 5, "in step");
    m.host.synced = false;
    m.fast_ppm = 80;
    m.changes = 0;
    run(&m, 600); /* what was learnt stays */
    assert_int_equal(m.changes, 0);
    assert_in_range(-m.clock.ppb, 45000, 55000);
}

static void time_to_settle_is_waited_for(void **state)
{
    struct model m = start(50, 300);

    (void)state;
    for (m.true_us = 0; m.true_us < 59e6; m.true_us += 20000) {
        m.host.boot_us = 500000000 + (int64_t)m.true_us;
        assert_false(sampler_clock_see(&m.clock, device_us(&m), &m.host, 60000000));
    }
    assert_int_equal(m.clock.points, 0);
    for (; m.true_us < 120e6; m.true_us += 20000) {
        m.host.boot_us = 500000000 + (int64_t)m.true_us;
        (void)sampler_clock_see(&m.clock, device_us(&m), &m.host, 60000000);
    }
    assert_true(m.clock.known);
}

/* The device runs on while the computer sleeps, and CLOCK_BOOTTIME is set after the sleep from a
 * clock that knows whole seconds. */
static void a_suspend_and_a_restarted_device_do_not_disturb_the_rate(void **state)
{
    struct model m = start(-40, 300);

    (void)state;
    run(&m, 900);
    assert_found(&m, 3, "before");
    m.true_us += 3600e6;
    m.host.awake_us += INT64_C(3600700000);
    m.device_from_us -= 700000; /* as if the host's clock had been set 0.7 s wrong */
    run(&m, 5);
    assert_found(&m, 3, "just after the sleep");
    run(&m, 900);
    assert_found(&m, 3, "after the sleep");
    m.device_from_us = m.true_us;
    run(&m, 5);
    assert_found(&m, 3, "just after the restart");
    run(&m, 900);
    assert_found(&m, 3, "after the restart");
}

static void no_clock_is_off_by_more_than_a_per_cent(void **state)
{
    struct model m = start(50000, 300);

    (void)state;
    run(&m, 600);
    assert_false(m.clock.known);
}

/* Blocks of a device 300 ppm fast, tuned: their times are the true ones, and neither time nor rate
 * ever leaps. */
static void tuned_blocks_have_true_times_without_a_step(void **state)
{
    struct sampler_clock c;
    struct hwt_block b = {.scans = SCANS, .scan_period_ps = PERIOD_PS};
    uint64_t raw_us = 7000000, before_us = 0, from_raw = 0, from_tuned = 0;
    uint32_t before_ps = PERIOD_PS;

    (void)state;
    sampler_clock_init(&c);
    for (unsigned i = 0; i < 20000; i++) {
        raw_us += 19200;
        if (i == 100) {
            c.known = true;
            c.ppb = -300000;
        }
        b.device_us = raw_us;
        b.scan_period_ps = PERIOD_PS;
        sampler_clock_tune(&c, &b);
        if (i < 100) {
            assert_true(b.device_us == raw_us && b.scan_period_ps == PERIOD_PS);
        } else {
            assert_in_range(b.device_us - before_us, 19193, 19201);
            assert_true(before_ps - b.scan_period_ps <= 7498);
        }
        before_us = b.device_us;
        before_ps = b.scan_period_ps;
        from_raw = i == 1000 ? raw_us : from_raw;
        from_tuned = i == 1000 ? b.device_us : from_tuned;
    }
    assert_int_equal(b.scan_period_ps, 149895018); /* 149 940 000 (1 - 300e-6) */
    assert_in_range(b.device_us - from_tuned,
                    (uint64_t)((double)(raw_us - from_raw) * (1 - 300e-6)) - 1,
                    (uint64_t)((double)(raw_us - from_raw) * (1 - 300e-6)) + 1);
    b.device_us = 100; /* restarted: it must be seen */
    sampler_clock_tune(&c, &b);
    assert_true(b.device_us == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hidden_rate_is_found_within_the_uncertainty_stated),
        cmocka_unit_test(nothing_is_learnt_while_ntp_is_out_of_step),
        cmocka_unit_test(time_to_settle_is_waited_for),
        cmocka_unit_test(a_suspend_and_a_restarted_device_do_not_disturb_the_rate),
        cmocka_unit_test(no_clock_is_off_by_more_than_a_per_cent),
        cmocka_unit_test(tuned_blocks_have_true_times_without_a_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
