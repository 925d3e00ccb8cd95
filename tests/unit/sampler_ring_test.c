/* daemon/drivers/sampler_ring: what a reader gets is what was put, whole and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "daemon/drivers/sampler_ring.h"

enum { SLOTS = 3, PERIOD_PS = 1000000000, ROOM = 301 /* scans of 1 ms in 0.3 s */ };

static struct sampler_ring ring;
static int32_t codes[HWT_BLOCK_CODES_MAX];

static int setup(void **state)
{
    (void)state;
    return sampler_ring_init(&ring);
}

static int teardown(void **state)
{
    (void)state;
    sampler_ring_deinit(&ring);
    return 0;
}

/* Scan n of slot s holds 10 n + s. */
static void put(uint32_t first, uint16_t scans, bool follows)
{
    static const struct sampler_ring_sensor sensor[HWT_SLOTS_MAX] = {
        {2, 1, 0}, {3, 2, 0.5}, {4, 3, -1}};
    struct hwt_block b = {
        .scan_period_ps = PERIOD_PS, .scans = scans, .slots = SLOTS, .bits = 12, .codes = codes};

    for (uint32_t k = 0; k < scans; k++) {
        for (uint32_t s = 0; s < SLOTS; s++) {
            codes[k * SLOTS + s] = (int32_t)(10 * (first + k) + s);
        }
    }
    sampler_ring_put(&ring, &b, follows, sensor, first + scans, 7);
}

/* Scans held, which must end before `next`; 0: none. */
static uint32_t get(uint32_t next)
{
    struct sampler_ring_head head;
    struct hwt_meter_scans scans;
    int32_t *held;
    int err = sampler_ring_get(&ring, &head, &scans, &held);

    if (err == HWT_ERR_AGAIN) {
        return 0;
    }
    assert_int_equal(err, 0);
    assert_int_equal(scans.slots, SLOTS);
    assert_int_equal(scans.period_ps, PERIOD_PS);
    assert_int_equal(scans.bits, 12);
    assert_int_equal(head.unix_ms, next);
    assert_true(head.sensor[1].noise == 0.5 && head.sensor[2].phase_deg == 3);
    for (uint32_t k = 0; k < scans.scans; k++) {
        for (uint32_t s = 0; s < SLOTS; s++) {
            assert_int_equal(scans.codes[k * SLOTS + s], 10 * (next - scans.scans + k) + s);
        }
    }
    free(held);
    return scans.scans;
}

static void it_holds_the_newest_scans_in_their_order(void **state)
{
    static const uint16_t sizes[] = {1, 100, 7, 250, 301, 302, 900, 64, 64, 64, 64, 64};
    uint32_t next = 0;

    (void)state;
    assert_int_equal(get(0), 0);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        put(next, sizes[i], i > 0);
        next += sizes[i];
        assert_int_equal(get(next), next < ROOM ? next : ROOM);
    }
}

static void a_gap_forgets_what_was_before(void **state)
{
    (void)state;
    put(0, 200, false);
    put(200, 50, true);
    assert_int_equal(get(250), 250);
    put(1000, 40, false);
    assert_int_equal(get(1040), 40);
    sampler_ring_break(&ring);
    assert_int_equal(get(0), 0);
    put(1100, 30, true); /* after a break nothing follows, whatever is said */
    assert_int_equal(get(1130), 30);
}

static void a_stream_of_another_shape_begins_anew(void **state)
{
    struct hwt_block b = {.scan_period_ps = PERIOD_PS,
                          .scans = 10,
                          .slots = 1,
                          .bits = 16,
                          .slot = {{HWT_SLOT_VOLTAGE, 0, 5}},
                          .codes = codes};
    struct sampler_ring_sensor sensor[HWT_SLOTS_MAX] = {{0, 0, 0}};
    struct sampler_ring_head head;
    struct hwt_meter_scans scans;
    int32_t *held;

    (void)state;
    put(0, 200, false);
    sampler_ring_put(&ring, &b, true, sensor, 1, 2);
    assert_int_equal(sampler_ring_get(&ring, &head, &scans, &held), 0);
    free(held);
    assert_int_equal(scans.scans, 10);
    assert_int_equal(scans.bits, 16);
    assert_int_equal(scans.slot[0].time_q16, 5);
    assert_int_equal(head.room, ROOM);
}

static void a_disciplined_clock_tears_nothing(void **state)
{
    struct hwt_block b = {.scans = 10, .slots = 1, .bits = 12, .codes = codes};
    struct sampler_ring_sensor sensor[HWT_SLOTS_MAX] = {{0, 0, 0}};
    struct sampler_ring_head head;
    struct hwt_meter_scans scans;
    int32_t *held;

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        b.scan_period_ps = PERIOD_PS + 1000 * i;
        sampler_ring_put(&ring, &b, i > 0, sensor, 0, 0);
    }
    assert_int_equal(sampler_ring_get(&ring, &head, &scans, &held), 0);
    free(held);
    assert_int_equal(scans.scans, 200);
    assert_int_equal(scans.period_ps, PERIOD_PS + 19000);
}

static void all_slots_at_the_fastest_rate_fit_for_twelve_cycles(void **state)
{
    struct hwt_block b = {.scan_period_ps = 5000000, .slots = HWT_SLOTS_MAX, .bits = 12};
    struct sampler_ring_sensor sensor[HWT_SLOTS_MAX] = {{0, 0, 0}};
    struct sampler_ring_head head;
    struct hwt_meter_scans scans;
    int32_t *held;

    (void)state;
    b.codes = codes;
    b.scans = HWT_BLOCK_CODES_MAX / HWT_SLOTS_MAX;
    for (unsigned i = 0; i < 50; i++) {
        sampler_ring_put(&ring, &b, i > 0, sensor, 0, 0);
    }
    assert_int_equal(sampler_ring_get(&ring, &head, &scans, &held), 0);
    free(held);
    assert_true(scans.scans * 5e-6 >= 12 / 45.0);
}

static void *write_on(void *arg)
{
    (void)arg;
    for (uint32_t n = 0; n < 200000; n++) {
        put(n * 50, 50, n > 0);
    }
    return NULL;
}

/* Neighbours differ by 10 in each copy, or it was torn. */
static void a_copy_is_never_torn(void **state)
{
    pthread_t writer;
    unsigned got = 0;
    bool done = false;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_on, NULL), 0);
    while (!done) {
        struct sampler_ring_head head;
        struct hwt_meter_scans scans;
        int32_t *held;

        if (sampler_ring_get(&ring, &head, &scans, &held) != 0) {
            continue;
        }
        for (uint32_t k = 0; k < scans.scans; k++) {
            int64_t want = 10 * (head.unix_ms - scans.scans + k);

            if (held[k * SLOTS] != want || held[k * SLOTS + SLOTS - 1] != want + SLOTS - 1) {
                fail_msg("scan %u of %u is torn", k, scans.scans);
            }
        }
        got++;
        done = head.unix_ms == 200000 * 50;
        free(held);
    }
    pthread_join(writer, NULL);
    assert_true(got > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_holds_the_newest_scans_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gap_forgets_what_was_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_of_another_shape_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disciplined_clock_tears_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(all_slots_at_the_fastest_rate_fit_for_twelve_cycles, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_copy_is_never_torn, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
