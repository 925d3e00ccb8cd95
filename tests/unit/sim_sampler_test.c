/* sim/devices: CRC, sensors, codes, and the bytes of a sample block. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/devices/crc32c.h"
#include "sim/devices/sample_stream.h"
#include "sim/devices/sampler.h"
#include "sim/devices/sensors.h"

#define BLOCKS 200 /* 3.8 s */
#define PI     3.14159265358979323846

static struct waves waves;
static struct crc32c crc;

static int setup(void **state)
{
    (void)state;
    waves_init(&waves);
    crc32c_init(&crc);
    return 0;
}

/* RFC 3720 B.4 and the usual check string. */
static void crc_gives_the_published_vectors(void **state)
{
    uint8_t zeros[32] = {0}, ones[32], rising[32];

    (void)state;
    memset(ones, 0xFF, sizeof(ones));
    for (uint8_t i = 0; i < 32; i++) {
        rising[i] = i;
    }
    assert_int_equal(crc32c_get(&crc, (const uint8_t *)"123456789", 9), 0xE3069283u);
    assert_int_equal(crc32c_get(&crc, zeros, 32), 0x8A9136AAu);
    assert_int_equal(crc32c_get(&crc, ones, 32), 0x62A8AB43u);
    assert_int_equal(crc32c_get(&crc, rising, 32), 0x46DD794Eu);
}

static void sensors_keep_within_their_tolerance_and_differ_by_seed(void **state)
{
    struct sensors nominal, a, b, again;

    (void)state;
    sensors_nominal(&nominal);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sensors_draw(&a, seed);
        sensors_draw(&again, seed);
        sensors_draw(&b, seed + 1);
        assert_memory_equal(&a, &again, sizeof(a));
        assert_true(a.slot[3].ratio != b.slot[3].ratio);
        for (int i = 0; i < SENSORS_SLOTS; i++) {
            assert_true(fabs(a.slot[i].ratio / nominal.slot[i].ratio - 1.0) <= 0.005);
            assert_true(fabs(a.slot[i].lead_deg - nominal.slot[i].lead_deg) <= 0.5);
            assert_true(a.slot[i].ratio != nominal.slot[i].ratio);
        }
    }
}

static void the_lead_falls_with_frequency_about_as_a_first_order_high_pass(void **state)
{
    const struct sensor s = {.ratio = 1.0, .lead_deg = 2.5, .extra_deg = 0.03};

    (void)state;
    assert_true(fabs(sensor_lead_deg(&s, 50.0) - 2.5) < 1e-12);
    assert_true(fabs(sensor_lead_deg(&s, 100.0) - (1.2506 + 0.03)) < 1e-3);
    assert_true(fabs(sensor_lead_deg(&s, 250.0) - (0.5002 + 0.12)) < 1e-3);
}

struct tone {
    double rms, mean, deg; /* deg: against the mains phase at the slot's own time */
};

/* Codes of a slot over many cycles: RMS and phase of the fundamental, and the mean; under a Hann
 * window, so that the fraction of a cycle at the end does not matter. */
static struct tone measure(const struct sensors *sensors, const struct house *h, int slot)
{
    static uint16_t codes[SAMPLER_CODES];
    struct sampler s;
    double re = 0, im = 0, sum = 0, n = 0;

    assert_int_equal(sampler_init(&s, &waves, sensors, 7), 0);
    for (int b = 0; b < BLOCKS; b++) {
        sampler_convert(&s, h, h->volts, codes);
        for (int i = 0; i < SAMPLER_SCANS; i++) {
            double t =
                ((double)s.scan + i + (double)slot / SENSORS_SLOTS) * SAMPLER_PERIOD_PS * 1e-12;
            double angle = 2.0 * PI * h->hz * t, x = (double)codes[i * SENSORS_SLOTS + slot] - 2048;
            double w = pow(sin(PI * ((double)s.scan + i + 0.5) / (BLOCKS * SAMPLER_SCANS)), 2);

            re += w * x * sin(angle);
            im += w * x * cos(angle);
            sum += w * x;
            n += w;
        }
        sampler_advance(&s, h->hz);
    }
    sampler_deinit(&s);
    return (struct tone){
        .rms = sqrt(2.0) * hypot(re, im) / n, .mean = sum / n, .deg = atan2(im, re) * 180.0 / PI};
}

static void codes_carry_amperes_by_the_ratio_and_lead_of_their_sensor(void **state)
{
    struct house h = {.waves = &waves, .hz = 50.0, .volts = 230.0};
    struct sensors s;
    struct tone v, i;

    (void)state;
    sensors_draw(&s, 3);
    h.amps[CIRCUIT_OVEN][WAVE_SINE] = 20.0;
    h.amps[CIRCUIT_FAN][WAVE_QUADRATURE] = 5.0;
    v = measure(&s, &h, 0);
    assert_true(fabs(v.deg - s.slot[0].lead_deg) < 0.01);
    /* 230 V are the whole voltage; its fundamental is 0.05 % less */
    assert_true(fabs(v.rms * s.slot[0].ratio / 230.0 - 1.0) < 8e-4);
    assert_true(fabs(v.mean - s.slot[0].offset) < 0.2);
    i = measure(&s, &h, CIRCUIT_OVEN + 1);
    assert_true(fabs(i.rms * s.slot[CIRCUIT_OVEN + 1].ratio / 20.0 - 1.0) < 1e-4);
    assert_true(fabs(i.deg - s.slot[CIRCUIT_OVEN + 1].lead_deg) < 0.01);
    i = measure(&s, &h, CIRCUIT_FAN + 1);
    assert_true(fabs(i.deg - (s.slot[CIRCUIT_FAN + 1].lead_deg - 90.0)) < 0.03);
}

static void the_lead_moves_with_the_mains_frequency(void **state)
{
    struct house h = {.waves = &waves, .hz = 51.0, .volts = 230.0};
    struct sensors s;

    (void)state;
    sensors_draw(&s, 4);
    h.amps[CIRCUIT_EV][WAVE_SINE] = 50.0;
    assert_true(fabs(measure(&s, &h, CIRCUIT_EV + 1).deg -
                     sensor_lead_deg(&s.slot[CIRCUIT_EV + 1], 51.0)) < 0.003);
}

static void an_idle_clamp_shows_its_offset_and_seven_tenths_of_noise(void **state)
{
    static uint16_t codes[SAMPLER_CODES];
    const struct house h = {.waves = &waves, .hz = 50.0, .volts = 230.0};
    struct sensors sensors;
    struct sampler s;
    double sum = 0, square = 0, n = 0, sd;

    (void)state;
    sensors_draw(&sensors, 5);
    assert_int_equal(sampler_init(&s, &waves, &sensors, 5), 0);
    for (int b = 0; b < BLOCKS; b++) {
        sampler_convert(&s, &h, h.volts, codes);
        sampler_advance(&s, h.hz);
        for (int i = 0; i < SAMPLER_SCANS; i++, n++) {
            double x = codes[i * SENSORS_SLOTS + 6] - 2048.0;

            sum += x;
            square += x * x;
        }
    }
    sampler_deinit(&s);
    sd = sqrt(square / n - sum / n * sum / n);
    assert_true(fabs(sum / n - sensors.slot[6].offset) < 0.03);
    assert_true(fabs(sd - sqrt(0.49 + 1.0 / 12.0)) < 0.02); /* noise and quantisation */
}

static void codes_clip_at_full_scale(void **state)
{
    static uint16_t codes[SAMPLER_CODES];
    struct house h = {.waves = &waves, .hz = 50.0, .volts = 230.0};
    struct sensors sensors;
    struct sampler s;
    uint16_t lowest = 65535, highest = 0;

    (void)state;
    sensors_nominal(&sensors);
    h.amps[CIRCUIT_HP][WAVE_SINE] = 200.0;
    assert_int_equal(sampler_init(&s, &waves, &sensors, 5), 0);
    sampler_convert(&s, &h, h.volts, codes);
    sampler_deinit(&s);
    for (int i = 0; i < SAMPLER_SCANS; i++) {
        uint16_t x = codes[i * SENSORS_SLOTS + CIRCUIT_HP + 1];

        lowest = x < lowest ? x : lowest;
        highest = x > highest ? x : highest;
    }
    assert_int_equal(lowest, 0);
    assert_int_equal(highest, 4095);
}

static uint64_t le(const uint8_t *p, int size)
{
    uint64_t x = 0;

    for (int i = size - 1; i >= 0; i--) {
        x = x << 8 | p[i];
    }
    return x;
}

/* Field by field as docs/SAMPLE_STREAM.md has them. */
static void a_block_has_every_field_of_the_frozen_format(void **state)
{
    static uint16_t codes[SAMPLER_CODES];
    static uint8_t out[SAMPLE_BLOCK_LEN];
    const struct sample_block b = {.period_ps = SAMPLER_PERIOD_PS,
                                   .sequence = 0xFFFFFFFEu,
                                   .device_us = 0x0102030405060708u,
                                   .wall_us = -2,
                                   .dropped = 384,
                                   .codes = codes};
    static const struct {
        int at, size;
        uint64_t value;
        const char *why;
    } rows[] = {
        {0, 4, 0x53545748, "magic"},
        {4, 1, 1, "version"},
        {5, 1, 1, "wall is valid"},
        {6, 2, 108, "header length: 48 + 4 x 15"},
        {8, 4, 128 * 15 * 2, "payload length"},
        {12, 4, 0xFFFFFFFE, "sequence"},
        {16, 8, 0x0102030405060708, "device clock"},
        {24, 8, 0xFFFFFFFFFFFFFFFE, "wall, signed"},
        {32, 4, 384, "dropped"},
        {36, 4, 149940000, "scan period"},
        {40, 2, 128, "scans"},
        {42, 1, 15, "slots"},
        {43, 1, 12, "bits"},
        {44, 1, 2, "code bytes"},
        {45, 3, 0, "reserved"},
        {48, 4, 0x00000001, "slot 0: voltage 0 at 0"},
        {52, 4, 0x11110002, "slot 1: current 0 at 1/15"},
        {104, 4, 0xEEEF0D02, "slot 14: current 13 at 14/15"},
    };

    (void)state;
    codes[0] = 0x0ABC;
    codes[SAMPLER_CODES - 1] = 0x0123;
    sample_block_encode(&crc, &b, out);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (le(out + rows[i].at, rows[i].size) != rows[i].value) {
            fail_msg("%s: %llx", rows[i].why,
                     (unsigned long long)le(out + rows[i].at, rows[i].size));
        }
    }
    assert_int_equal(le(out + 108, 2), 0x0ABC);
    assert_int_equal(le(out + 108 + 3838, 2), 0x0123);
    assert_int_equal(le(out + 3948, 4), crc32c_get(&crc, out, 3948));
}

static void the_device_clock_is_exact_over_years(void **state)
{
    struct sampler s = {.scan = 0};

    (void)state;
    assert_int_equal(sampler_device_us(&s), 0);
    s.scan = 128;
    assert_int_equal(sampler_device_us(&s), 19192); /* 19192.32 */
    s.scan = 50000;
    assert_int_equal(sampler_device_us(&s), 7497000);
    s.scan = 2104700000000u; /* ten years */
    assert_int_equal(sampler_device_us(&s), 315578718000000u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_gives_the_published_vectors),
        cmocka_unit_test(sensors_keep_within_their_tolerance_and_differ_by_seed),
        cmocka_unit_test(the_lead_falls_with_frequency_about_as_a_first_order_high_pass),
        cmocka_unit_test(codes_carry_amperes_by_the_ratio_and_lead_of_their_sensor),
        cmocka_unit_test(the_lead_moves_with_the_mains_frequency),
        cmocka_unit_test(an_idle_clamp_shows_its_offset_and_seven_tenths_of_noise),
        cmocka_unit_test(codes_clip_at_full_scale),
        cmocka_unit_test(a_block_has_every_field_of_the_frozen_format),
        cmocka_unit_test(the_device_clock_is_exact_over_years),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
