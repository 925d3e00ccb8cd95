/* How core/meter takes the stream: partitions, gaps, restarts, missing mains, registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/meter.h"
#include "tests/unit/waves.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { WINDOWS_MAX = 400 };

static struct hwt_meter meter, other;
static struct waves waves;
static struct hwt_meter_window window[WINDOWS_MAX], window_b[WINDOWS_MAX];

static void configure(struct hwt_meter_config *c, const struct waves *w)
{
    memset(c, 0, sizeof(*c));
    c->slots = (uint8_t)w->slots;
    for (unsigned i = 0; i < w->slots; i++) {
        c->slot[i].kind = w->slot[i].kind;
        c->slot[i].ratio = 1 / w->slot[i].codes;
    }
}

static uint64_t scans_us(uint64_t scans)
{
    return scans * WAVES_PERIOD_PS / 1000000;
}

/* 230 V, 10 A at 60 degrees, -3 A; offsets. */
static void start(void)
{
    struct hwt_meter_config config;

    waves_init(&waves, 2, 4);
    waves.slot[1].term[0] = (struct waves_term){1, 10, 60};
    waves.slot[1].offset = 9;
    waves.slot[2].term[0] = (struct waves_term){1, 3, 180};
    waves.from_us = 5000000;
    configure(&config, &waves);
    assert_int_equal(hwt_meter_init(&meter, &config), 0);
}

static unsigned drain(struct hwt_meter *m, struct hwt_meter_window *w, unsigned n)
{
    while (n < WINDOWS_MAX && hwt_meter_next(m, &w[n])) {
        n++;
    }
    return n;
}

/* Feeds blocks of that many scans; returns how many windows there are now. */
static unsigned run(unsigned blocks, unsigned scans, unsigned n)
{
    for (unsigned i = 0; i < blocks; i++) {
        struct hwt_block b = waves_block(&waves, scans);

        assert_true(hwt_meter_feed(&meter, &b) >= 0);
        n = drain(&meter, window, n);
    }
    return n;
}

/* Windows and gaps lie end to end from `from_us` on. Returns where they end. */
static uint64_t assert_chained(const struct hwt_meter_window *w, unsigned n, uint64_t from_us)
{
    for (unsigned i = 0; i < n; i++) {
        assert_true(w[i].device_us == from_us + w[i].gap_us);
        from_us += w[i].gap_us + w[i].duration_us;
    }
    return from_us;
}

static void any_partition_into_blocks_gives_the_same_windows_to_the_bit(void **state)
{
    static const unsigned sizes[] = {1, 2, 3, 7, 127, 128, 129, 1000, 4096};
    enum { SCANS = 8192 };
    static int32_t codes[SCANS * WAVES_SLOTS_MAX];
    static unsigned first_n;

    (void)state;
    start();
    for (unsigned at = 0; at < SCANS; at += 4096) {
        struct hwt_block b = waves_block(&waves, 4096);

        memcpy(codes + (size_t)at * b.slots, b.codes, 4096u * b.slots * sizeof(*codes));
    }
    for (size_t k = 0; k < COUNT(sizes); k++) {
        struct hwt_block b;
        unsigned n = 0;

        start();
        b = waves_block(&waves, 1);
        for (unsigned at = 0; at < SCANS; at += b.scans, b.sequence++) {
            unsigned left = SCANS - at;

            b.scans = (uint16_t)(sizes[k] < left ? sizes[k] : left);
            b.codes = codes + (size_t)at * b.slots;
            b.device_us = waves.from_us + (uint64_t)at * WAVES_PERIOD_PS / 1000000;
            assert_int_equal(hwt_meter_feed(&meter, &b),
                             at == 0 ? HWT_METER_GAP : HWT_METER_FOLLOWS);
            n = drain(&meter, k == 0 ? window : window_b, n);
        }
        first_n = k == 0 ? n : first_n;
        assert_int_equal(n, first_n);
        assert_true(n >= 6);
        if (k > 0) {
            assert_memory_equal(window, window_b, n * sizeof(window[0]));
        }
    }
}

/* Net energy of slot 2, mJ, when its only current is one scan of 1000 codes. */
static int64_t spike_mj(uint64_t at)
{
    struct hwt_meter_config config;
    unsigned n = 0;

    waves_init(&waves, 2, 4);
    waves.turns = 0.9;
    for (unsigned i = 0; i < 3; i++) {
        waves.slot[i].noise = 0;
        waves.slot[i].time_q16 = 0;
    }
    waves.slot[1] = waves.slot[0]; /* another phase, at its crest where the first crosses */
    waves.slot[1].term[0].lag_deg = -90;
    configure(&config, &waves);
    config.slot[2].reference = 1;
    assert_int_equal(hwt_meter_init(&meter, &config), 0);
    for (uint64_t from = 0; from < 4500; from += 90) {
        struct hwt_block b = waves_block(&waves, 90);

        if (at >= from && at < from + 90) {
            waves.codes[(at - from) * 3 + 2] = 1000;
        }
        assert_true(hwt_meter_feed(&meter, &b) >= 0);
        n = drain(&meter, window, n);
    }
    assert_true(n >= 3);
    return window[n - 1].channel[2].import_mj - window[n - 1].channel[2].export_mj;
}

/* The first crossings are at turns 1 and 2, bounds at 2, 12, 22: the second in scan 1480. */
static void a_scan_counts_once_wherever_the_bound_of_two_windows_falls(void **state)
{
    double crest_mj = 230 * sqrt(2.0) * 1000 / 11.8 * WAVES_PERIOD_PS * 1e-9;

    (void)state;
    for (uint64_t at = 1474; at < 1488; at++) {
        double turns = 0.9 + (double)at * WAVES_PERIOD_PS * 1e-12 * 50;
        double want = crest_mj * cos(2 * WAVES_PI * turns);
        int64_t got = spike_mj(at);

        if (fabs((double)got - want) >
            3) { /* mJ: half a code of the voltage, and rounding */ /* mJ: 0.1 % of a scan: codes
                                                                       are rounded */
            fail_msg("scan %d: %lld mJ, not %.1f", (int)at, (long long)got, want);
        }
    }
}

static void measured_time_and_gaps_are_the_time_elapsed(void **state)
{
    unsigned n;
    uint64_t end_us;

    (void)state;
    start();
    n = run(100, 100, 0);
    (void)waves_block(&waves, 100); /* a block that nobody gets */
    n = run(77, 100, n);
    waves.scan += 500; /* scans the sampler reports as dropped */
    {
        struct hwt_block b = waves_block(&waves, 100);

        b.dropped = 500;
        assert_int_equal(hwt_meter_feed(&meter, &b), HWT_METER_GAP);
        n = drain(&meter, window, n);
    }
    n = run(60, 100, n);
    hwt_meter_close(&meter);
    n = drain(&meter, window, n);
    end_us = assert_chained(window, n, 5000000);
    /* All but the last two scans, which have no successors. */
    assert_true(end_us + 1 >= 5000000 + scans_us(waves.scan - 2));
    assert_true(end_us <= 5000000 + scans_us(waves.scan - 2) + 1);
    assert_int_equal(meter.counters.lost_blocks, 1);
    assert_int_equal(meter.counters.lost_scans, 500);
    assert_int_equal(meter.counters.gaps, 2);
    assert_int_equal(meter.counters.restarts, 0);
}

static void a_lost_block_costs_the_gap_and_nothing_else(void **state)
{
    uint64_t measured_us = 0, gap_us = 0;
    unsigned n;

    (void)state;
    start();
    n = run(100, 128, 0);
    (void)waves_block(&waves, 128);
    n = run(100, 128, n);
    for (unsigned i = 0; i < n; i++) {
        const struct hwt_meter_channel *c = &window[i].channel[1];

        measured_us += window[i].duration_us;
        gap_us += i > 0 ? window[i].gap_us : 0;
        if (window[i].partial) {
            assert_int_equal(c->power_quality, HWT_QUALITY_MISSING);
            assert_int_equal(c->rms_quality, HWT_QUALITY_MISSING);
        } else {
            assert_int_equal(c->power_quality, HWT_QUALITY_GOOD);
            assert_true(fabs(c->p_w / 1150 - 1) < 1e-3);
            assert_true(fabs(window[i].channel[0].hz - 50) < 2e-3);
        }
    }
    /* 128 scans, and two on either side that lack a neighbour. */
    assert_true(gap_us >= scans_us(132) - 1);
    assert_true(gap_us <= scans_us(132) + 1);
    {
        double want_mj = 1150 * (double)measured_us * 1e-3;
        double got_mj = (double)window[n - 1].channel[1].import_mj;

        /* Whole windows leave nothing; a partial one ends anywhere in a cycle, where the power
         * swings by S: at most S / (2 omega) each, three of them. */
        assert_true(fabs(got_mj - want_mj) < 3 * 2300 / (2 * 314.16) * 1e3);
    }
}

static void registers_keep_import_export_and_the_part_below_a_millijoule(void **state)
{
    struct hwt_meter_config config;
    double net_mj = 0;
    int64_t import = 1000, export = 70;
    unsigned windows = 0;

    (void)state;
    start();
    configure(&config, &waves);
    config.slot[1].import_mj = import;
    config.slot[1].export_mj = export;
    assert_int_equal(hwt_meter_init(&meter, &config), 0);
    for (unsigned i = 0; i < 3000; i++) {
        struct hwt_block b;
        unsigned n;

        waves.slot[1].term[0].rms = 0.003 * (double)(i % 50); /* W, of both signs, turn by turn */
        waves.slot[1].term[0].lag_deg = (i / 60) % 2 == 0 ? 0 : 180;
        b = waves_block(&waves, 64);
        assert_true(hwt_meter_feed(&meter, &b) >= 0);
        n = drain(&meter, window, 0);
        for (unsigned k = 0; k < n; k++) {
            const struct hwt_meter_channel *c = &window[k].channel[1];

            assert_true(c->import_mj >= import && c->export_mj >= export);
            assert_true(c->import_mj == import || c->export_mj == export); /* netted */
            import = c->import_mj;
            export = c->export_mj;
            if (!window[k].partial) {
                net_mj += c->p_w * window[k].duration_us * 1e-3;
            } else {
                net_mj = (double)(import - export); /* its power is not given */
            }
            windows++;
            assert_true(fabs((double)(import - export) - net_mj) < 2.001);
        }
    }
    assert_true(windows > 100);
    assert_true(import > 3000 && export > 2000);
}

static void reset_equals_a_fresh_init(void **state)
{
    struct hwt_meter_config config;

    (void)state;
    start();
    configure(&config, &waves);
    config.slot[2].export_mj = 12;
    assert_int_equal(hwt_meter_init(&meter, &config), 0);
    (void)run(40, 100, 0);
    memset(&other, 0xA5, sizeof(other));
    assert_int_equal(hwt_meter_init(&other, &config), 0);
    assert_memory_not_equal(&meter, &other, sizeof(meter));
    hwt_meter_reset(&meter);
    assert_memory_equal(&meter, &other, sizeof(meter));
}

static void without_mains_windows_go_by_time_and_power_is_missing(void **state)
{
    unsigned n, missing = 0, back = 0;
    int64_t import = 0;

    (void)state;
    start();
    waves.slot[0].term[0].rms = 0;
    n = run(60, 128, 0);
    assert_true(n >= 4);
    for (unsigned i = 0; i < n; i++) {
        const struct hwt_meter_channel *c = &window[i].channel[1];

        if (window[i].partial) {
            continue; /* the first one waits for a crossing */
        }
        assert_int_equal(window[i].duration_us, 200000);
        assert_int_equal(window[i].cycles, 0);
        assert_int_equal(window[i].channel[0].hz_quality, HWT_QUALITY_MISSING);
        assert_int_equal(window[i].channel[0].rms_quality, HWT_QUALITY_GOOD);
        assert_true(window[i].channel[0].rms < 1);
        assert_int_equal(c->power_quality, HWT_QUALITY_MISSING);
        assert_int_equal(c->pf_quality, HWT_QUALITY_MISSING);
        assert_int_equal(c->rms_quality, HWT_QUALITY_GOOD);
        assert_true(fabs(c->rms / 10 - 1) < 1e-3);
        assert_int_equal(c->import_mj, 0);
        missing++;
    }
    waves.slot[0].term[0].rms = 230;
    n = run(60, 128, 0);
    for (unsigned i = 0; i < n; i++) {
        back += window[i].channel[1].power_quality == HWT_QUALITY_GOOD;
        import = window[i].channel[1].import_mj;
    }
    assert_true(missing >= 3);
    assert_true(back >= 3);
    assert_true(import > 500000); /* mJ of 1150 W over more than half a second */
}

static void another_voltage_steers_when_the_first_is_gone(void **state)
{
    struct hwt_meter_config config;
    unsigned n, good = 0;

    (void)state;
    waves_init(&waves, 2, 8);
    waves.slot[1] = waves.slot[0];
    waves.slot[1].term[0].lag_deg = 120;
    waves.slot[0].term[0].rms = 0;
    waves.hz = 60;
    waves.slot[2].term[0] = (struct waves_term){1, 5, 120};
    configure(&config, &waves);
    config.slot[2].reference = 1;
    assert_int_equal(hwt_meter_init(&meter, &config), 0);
    n = run(80, 128, 0);
    for (unsigned i = 0; i < n; i++) {
        if (window[i].channel[2].power_quality == HWT_QUALITY_GOOD) {
            assert_int_equal(window[i].cycles, 12);
            assert_true(fabs(window[i].channel[2].p_w / 1150 - 1) < 2e-3);
            assert_true(fabs(window[i].channel[1].hz - 60) < 2e-3);
            good++;
        }
    }
    assert_true(good >= 3);
}

static void codes_at_either_limit_of_the_converter_make_values_suspect(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        unsigned n, suspect = 0;

        start();
        waves.slot[1].term[0].rms = 80; /* 1335 codes of peak: one side only */
        waves.slot[1].offset = side * 800;
        n = run(40, 128, 0);
        for (unsigned i = 0; i < n; i++) {
            if (!window[i].partial) {
                assert_int_equal(window[i].channel[1].rms_quality, HWT_QUALITY_SUSPECT);
                assert_int_equal(window[i].channel[1].power_quality, HWT_QUALITY_SUSPECT);
                assert_int_equal(window[i].channel[2].power_quality, HWT_QUALITY_GOOD);
                suspect++;
            }
        }
        assert_true(suspect >= 2);
    }
}

static void a_restarted_sampler_keeps_the_registers(void **state)
{
    static const struct {
        int64_t clock_us;
        uint32_t sequence;
        enum hwt_meter_joint joint;
        const char *why;
    } rows[] = {
        {-1000000, 40, HWT_METER_RESTART, "the clock goes back"},
        {0, 40, HWT_METER_FOLLOWS, "nothing happened"},
        {0, 7, HWT_METER_RESTART, "the sequence begins anew, the clock does not"},
        {20000000, 40, HWT_METER_RESTART, "the clock jumps, the sequence does not"},
        {11 * 128 * 149940 / 1000, 51, HWT_METER_GAP, "eleven blocks lost"},
        {-300, 40, HWT_METER_RESTART, "two scans twice"},
        {1000, 40, HWT_METER_GAP, "seven scans lost, untold"},
        {60, 40, HWT_METER_FOLLOWS, "the clock is late by less than half a scan"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hwt_block b;
        int64_t before;
        unsigned n;
        int joint;

        start();
        n = run(40, 128, 0);
        before = window[n - 1].channel[1].import_mj;
        b = waves_block(&waves, 128);
        b.device_us = (uint64_t)((int64_t)b.device_us + rows[i].clock_us);
        b.sequence = rows[i].sequence;
        joint = hwt_meter_feed(&meter, &b);
        if (joint != (int)rows[i].joint) {
            fail_msg("%s: %d", rows[i].why, joint);
        }
        hwt_meter_close(&meter);
        n = drain(&meter, window, 0);
        assert_true(n >= 1);
        assert_true(window[n - 1].channel[1].import_mj >= before);
    }
}

static void durations_follow_a_device_clock_that_runs_away_from_the_scans(void **state)
{
    uint64_t end_us;
    unsigned n = 0;

    (void)state;
    start();
    for (unsigned i = 0; i < 500; i++) {
        struct hwt_block b = waves_block(&waves, 128);

        b.device_us = 5000000 + (b.device_us - 5000000) * 10003 / 10000; /* 300 ppm */
        assert_int_equal(hwt_meter_feed(&meter, &b), i == 0 ? HWT_METER_GAP : HWT_METER_FOLLOWS);
        n = drain(&meter, window, n);
    }
    end_us = assert_chained(window, n, 5000000);
    assert_true(n > 40);
    {
        double scans_us = (double)meter.start_q16 / 65536.0 * WAVES_PERIOD_PS * 1e-6;

        assert_true(fabs((double)(end_us - 5000000) / (scans_us * 1.0003) - 1) < 1e-5);
    }
}

/* A clock that is steered changes the scan period by up to 50 ppm a block, and the device clock
 * with it: no scan is lost, and frequency and duration are those of the steered clock. */
static void a_scan_period_that_is_steered_tears_no_run_but_another_layout_does(void **state)
{
    double ahead_us = 0, ppm = 0;
    uint64_t end_us;
    unsigned n = 0;

    (void)state;
    start();
    for (unsigned i = 0; i < 500; i++) {
        struct hwt_block b = waves_block(&waves, 128);

        b.device_us = (uint64_t)((double)b.device_us + ahead_us);
        b.scan_period_ps += (uint32_t)(WAVES_PERIOD_PS * ppm * 1e-6);
        ahead_us += 128.0 * WAVES_PERIOD_PS * 1e-6 * ppm * 1e-6;
        ppm += i >= 100 && i < 106 ? 50 : 0;
        assert_int_equal(hwt_meter_feed(&meter, &b), i == 0 ? HWT_METER_GAP : HWT_METER_FOLLOWS);
        n = drain(&meter, window, n);
    }
    end_us = assert_chained(window, n, 5000000);
    assert_true(end_us > 5000000 + 9300000);
    assert_int_equal(meter.counters.gaps, 0);
    assert_true(fabs(window[2].channel[0].hz - 50) < 1e-3);
    assert_true(fabs(window[n - 1].channel[0].hz - 50 / 1.0003) < 1e-3);
    assert_in_range(window[n - 1].duration_us, 200057, 200063);
    {
        const struct hwt_meter_channel *clamp = &window[n - 1].channel[1];

        assert_true(fabs((double)clamp->energy_nj / (clamp->p_w * 200060e3) - 1) < 2e-5);
    }
    {
        struct hwt_block b = waves_block(&waves, 128);

        b.device_us = (uint64_t)((double)b.device_us + ahead_us);
        b.scan_period_ps += (uint32_t)(WAVES_PERIOD_PS * 500e-6); /* 200 ppm at once */
        assert_int_equal(hwt_meter_feed(&meter, &b), HWT_METER_GAP);
    }
}

static void a_step_of_frequency_or_phase_loses_no_energy(void **state)
{
    static const struct {
        double hz, turns;
        const char *why;
    } rows[] = {{49.5, 0, "50 to 49.5 Hz"}, {50, 20.0 / 360, "20 degrees"}, {53, 0, "3 Hz"}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        double mj, want_mj, t;
        uint64_t measured_us = 0;
        unsigned n;

        start();
        waves.slot[1].term[0].lag_deg = 0;
        n = run(100, 128, 0);
        t = (double)waves.scan * WAVES_PERIOD_PS * 1e-12;
        waves.turns += t * (waves.hz - rows[i].hz) + rows[i].turns;
        waves.hz = rows[i].hz;
        n = run(300, 128, n);
        for (unsigned k = 0; k < n; k++) {
            measured_us += window[k].duration_us;
            assert_true(k < 2 || !window[k].partial);
            assert_true(k < 2 || window[k].cycles == 10);
        }
        mj = (double)window[n - 1].channel[1].import_mj;
        want_mj = 2300 * (double)measured_us * 1e-3;
        if (fabs(mj / want_mj - 1) > 4e-4) {
            fail_msg("%s: %.1f ppm", rows[i].why, (mj / want_mj - 1) * 1e6);
        }
        assert_true(fabs(window[n - 1].channel[0].hz - rows[i].hz) < 2e-3);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    struct hwt_meter_config good, bad;
    struct hwt_block b;

    (void)state;
    start();
    configure(&good, &waves);
    b = waves_block(&waves, 128);
    b.slot[2].kind = HWT_SLOT_VOLTAGE;
    assert_int_equal(hwt_meter_mismatch(&meter, &b), 2);
    assert_int_equal(hwt_meter_feed(&meter, &b), HWT_ERR_UNSUPPORTED);
    b.slot[2].kind = HWT_SLOT_CURRENT;
    b.slots = 2;
    assert_int_equal(hwt_meter_mismatch(&meter, &b), 2);
    b.slots = 3;
    b.scan_period_ps = 4999999;
    assert_int_equal(hwt_meter_feed(&meter, &b), HWT_ERR_UNSUPPORTED);
    b.scan_period_ps = 2000000001;
    assert_int_equal(hwt_meter_feed(&meter, &b), HWT_ERR_UNSUPPORTED);
    b.scan_period_ps = WAVES_PERIOD_PS;
    assert_int_equal(hwt_meter_feed(&meter, &b), HWT_METER_GAP);
    assert_int_equal(hwt_meter_feed(&meter, &b), HWT_ERR_AGAIN);
    assert_int_equal(meter.counters.refused, 3);

    bad = good;
    bad.slot[1].reference = 2; /* a clamp */
    assert_int_equal(hwt_meter_init(&other, &bad), HWT_ERR_ARGUMENT);
    bad = good;
    bad.slot[1].reference = 3;
    assert_int_equal(hwt_meter_init(&other, &bad), HWT_ERR_ARGUMENT);
    bad = good;
    bad.slot[0].ratio = 0;
    assert_int_equal(hwt_meter_init(&other, &bad), HWT_ERR_ARGUMENT);
    bad.slot[0].ratio = (double)NAN;
    assert_int_equal(hwt_meter_init(&other, &bad), HWT_ERR_ARGUMENT);
    bad = good;
    bad.slot[2].phase_deg = 46;
    assert_int_equal(hwt_meter_init(&other, &bad), HWT_ERR_ARGUMENT);
    bad = good;
    bad.slot[2].import_mj = -1;
    assert_int_equal(hwt_meter_init(&other, &bad), HWT_ERR_ARGUMENT);
    bad = good;
    bad.slots = 0;
    assert_int_equal(hwt_meter_init(&other, &bad), HWT_ERR_ARGUMENT);
}

static void readings_leave_out_what_is_missing(void **state)
{
    struct hwt_meter_channel c = {.kind = HWT_SLOT_CURRENT,
                                  .rms = 1.2345,
                                  .p_w = -12.34,
                                  .import_mj = 5,
                                  .export_mj = 6,
                                  .rms_quality = HWT_QUALITY_SUSPECT,
                                  .energy_quality = HWT_QUALITY_GOOD};
    struct hwt_reading r[HWT_METER_READINGS_MAX];

    (void)state;
    assert_int_equal(hwt_meter_readings(&c, 9, 77, r), 3);
    assert_int_equal(r[0].quantity, HWT_Q_CURRENT);
    assert_int_equal(r[0].value, 1235);
    assert_int_equal(r[0].quality, HWT_QUALITY_SUSPECT);
    assert_int_equal(r[0].source, 9);
    assert_int_equal(r[0].mono_us, 77);
    assert_int_equal(r[1].quantity, HWT_Q_IMPORT);
    assert_int_equal(r[1].value, 5);
    assert_int_equal(r[2].quantity, HWT_Q_EXPORT);
    c.power_quality = c.pf_quality = HWT_QUALITY_GOOD;
    assert_int_equal(hwt_meter_readings(&c, 9, 77, r), HWT_METER_READINGS_MAX);
    assert_int_equal(r[1].quantity, HWT_Q_POWER);
    assert_int_equal(r[1].value, -123);
    c.kind = HWT_SLOT_VOLTAGE;
    c.hz = 49.98765;
    c.hz_quality = HWT_QUALITY_GOOD;
    assert_int_equal(hwt_meter_readings(&c, 9, 77, r), 2);
    assert_int_equal(r[1].quantity, HWT_Q_FREQUENCY);
    assert_int_equal(r[1].value, 49988);
}

static void readings_beyond_those_of_all_are_given_as_asked_for(void **state)
{
    static const uint8_t asked[] = {HWT_Q_HARMONIC_3, HWT_Q_THD,         HWT_Q_POWER,
                                    HWT_Q_COS_PHI,    HWT_Q_REACTIVE_Q4, HWT_Q_HARMONIC_40};
    struct hwt_meter_channel c = {.kind = HWT_SLOT_CURRENT,
                                  .thd = 0.12345,
                                  .pf1 = -0.9876,
                                  .reactive_mj = {1, 2, 3, 4},
                                  .thd_quality = HWT_QUALITY_SUSPECT,
                                  .pf_quality = HWT_QUALITY_GOOD,
                                  .energy_quality = HWT_QUALITY_GOOD};
    struct hwt_meter_spectrum spectrum = {.rms = {[0] = 8, [2] = 0.96, [39] = 0.004}};
    struct hwt_reading r[6];

    (void)state;
    assert_int_equal(hwt_meter_more_readings(&c, &spectrum, asked, 6, 9, 77, r), 5);
    assert_int_equal(r[0].quantity, HWT_Q_HARMONIC_3);
    assert_int_equal(r[0].value, 1200);
    assert_int_equal(r[0].quality, HWT_QUALITY_SUSPECT);
    assert_int_equal(r[0].source, 9);
    assert_int_equal(r[0].mono_us, 77);
    assert_int_equal(r[1].value, 1235); /* 12.345 % */
    assert_int_equal(r[2].value, -988);
    assert_int_equal(r[3].value, 4);
    assert_int_equal(r[4].value, 5);
    assert_int_equal(hwt_meter_more_readings(&c, NULL, asked, 6, 9, 77, r), 3);
    c.thd_quality = HWT_QUALITY_MISSING; /* of mere noise there are no shares */
    assert_int_equal(hwt_meter_more_readings(&c, &spectrum, asked, 6, 9, 77, r), 2);
    c.kind = HWT_SLOT_VOLTAGE;
    c.thd_quality = HWT_QUALITY_GOOD;
    assert_int_equal(hwt_meter_more_readings(&c, &spectrum, asked, 6, 9, 77, r), 3);
}

static void a_group_gives_registers_always_and_powers_when_known(void **state)
{
    struct hwt_meter_total t = {.p_w = -1234.56,
                                .q1_var = 7,
                                .se_va = 2000,
                                .pf = -0.6173,
                                .vector_import_mj = 1,
                                .vector_export_mj = 2,
                                .phase_import_mj = 3,
                                .phase_export_mj = 4,
                                .quality = HWT_QUALITY_SUSPECT};
    struct hwt_reading r[HWT_METER_TOTAL_READINGS];

    (void)state;
    assert_int_equal(hwt_meter_total_readings(&t, 5, 66, r), HWT_METER_TOTAL_READINGS);
    assert_int_equal(r[0].quantity, HWT_Q_POWER);
    assert_int_equal(r[0].value, -12346);
    assert_int_equal(r[0].quality, HWT_QUALITY_SUSPECT);
    assert_int_equal(r[3].value, -617);
    t.se_va = 0; /* no power factor of nothing */
    assert_int_equal(hwt_meter_total_readings(&t, 5, 66, r), HWT_METER_TOTAL_READINGS - 1);
    t.quality = HWT_QUALITY_MISSING;
    assert_int_equal(hwt_meter_total_readings(&t, 5, 66, r), 4);
    for (unsigned i = 0; i < 4; i++) {
        static const uint8_t want[] = {HWT_Q_IMPORT, HWT_Q_EXPORT, HWT_Q_SUMMED_IMPORT,
                                       HWT_Q_SUMMED_EXPORT};

        assert_int_equal(r[i].quantity, want[i]);
        assert_int_equal(r[i].value, i + 1);
        assert_int_equal(r[i].quality, HWT_QUALITY_GOOD);
        assert_int_equal(r[i].source, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_partition_into_blocks_gives_the_same_windows_to_the_bit),
        cmocka_unit_test(a_scan_counts_once_wherever_the_bound_of_two_windows_falls),
        cmocka_unit_test(measured_time_and_gaps_are_the_time_elapsed),
        cmocka_unit_test(a_lost_block_costs_the_gap_and_nothing_else),
        cmocka_unit_test(registers_keep_import_export_and_the_part_below_a_millijoule),
        cmocka_unit_test(reset_equals_a_fresh_init),
        cmocka_unit_test(without_mains_windows_go_by_time_and_power_is_missing),
        cmocka_unit_test(another_voltage_steers_when_the_first_is_gone),
        cmocka_unit_test(codes_at_either_limit_of_the_converter_make_values_suspect),
        cmocka_unit_test(a_restarted_sampler_keeps_the_registers),
        cmocka_unit_test(durations_follow_a_device_clock_that_runs_away_from_the_scans),
        cmocka_unit_test(a_scan_period_that_is_steered_tears_no_run_but_another_layout_does),
        cmocka_unit_test(a_step_of_frequency_or_phase_loses_no_energy),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(readings_leave_out_what_is_missing),
        cmocka_unit_test(readings_beyond_those_of_all_are_given_as_asked_for),
        cmocka_unit_test(a_group_gives_registers_always_and_powers_when_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
