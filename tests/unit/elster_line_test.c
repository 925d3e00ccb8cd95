/* daemon/drivers/elster: an A100C's packets as edges of a socket and as characters of a
 * pseudo-terminal, time of the clock made up. */
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/drivers/elster.h"
#include "tests/drivers/driver_rig.h"

enum { PACKET = 110, MJ_PER_WH = 3600000 };

/* The packet of the A100C manual's tables, worked by hand; tests/unit/elster_test.c has it whole.
 */
static const char head[] = "Elster A100C1-00100-B\x12\x34\x56\x00\x17UTIL000000001234";

struct rig {
    struct driver_rig base;
    uint32_t seqno;
    struct status *status;
    struct elster *elster;
    uint64_t import_wh, export_wh;
    char serial; /* last digit */
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    driver_rig_open(&rig->base, HWT_TIME_UNKNOWN);
    rig->status = status_new("m", "elster");
    rig->import_wh = 12345678;
    rig->export_wh = 2345;
    rig->serial = '4';
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    elster_free(rig->elster);
    driver_rig_close(&rig->base);
    status_free(rig->status);
    free(rig);
    return 0;
}

static void start(struct rig *rig, bool port, unsigned baud)
{
    struct elster_options o = {.id = "m",
                               .source = 9,
                               .port = port ? rig->base.path : NULL,
                               .line = {.events = rig->base.path},
                               .baud = baud,
                               .max_w = 25000,
                               .zero_s = 600,
                               .status = rig->status,
                               .sink = driver_rig_take,
                               .ctx = &rig->base};

    if (port) {
        driver_rig_plug(&rig->base);
    } else {
        driver_rig_listen(&rig->base);
    }
    driver_rig_pass(&rig->base, 1000000);
    rig->elster = elster_new(&rig->base.loop, rig->base.clock, &o);
    assert_non_null(rig->elster);
    elster_start(rig->elster);
    if (!port) {
        driver_rig_accept(&rig->base);
    }
}

/* --- the meter --- */

static void put_bcd(uint8_t *out, uint64_t wh)
{
    for (int i = 4; i >= 0; i--, wh /= 100) {
        out[i] = (uint8_t)(wh % 10 | (wh / 10 % 10) << 4);
    }
}

static void make_packet(const struct rig *rig, uint8_t p[PACKET])
{
    memset(p, 0, PACKET);
    memcpy(p, "\1\0\x68\2", 4);
    memcpy(p + 4, head, sizeof(head) - 1);
    p[4 + 41] = (uint8_t)rig->serial;
    put_bcd(p + 4 + 45, rig->import_wh);
    put_bcd(p + 4 + 55, rig->export_wh);
    p[4 + 90] = 3;
    p[108] = 3;
    for (size_t i = 0; i < 109; i++) {
        p[109] = (uint8_t)(p[109] + p[i]);
    }
}

static void send_flash(struct rig *rig, int64_t t_ns)
{
    struct gpio_v2_line_event e = {.timestamp_ns = (uint64_t)t_ns,
                                   .id = GPIO_V2_LINE_EVENT_RISING_EDGE,
                                   .line_seqno = ++rig->seqno};

    assert_int_equal(write(rig->base.wire, &e, sizeof(e)), sizeof(e));
}

static void send_light(struct rig *rig, const uint8_t *p, unsigned baud)
{
    int64_t start_ns = (int64_t)rig->base.device_us * 1000 + 50000000;

    for (int64_t c = 0; c < PACKET; c++) {
        for (int64_t bit = 0; bit < 9; bit++) {
            if (bit == 0 || (p[c] >> (bit - 1) & 1) == 0) {
                send_flash(rig, start_ns + (c * 10 + bit) * 1000000000 / baud);
            }
        }
        if (c % 20 == 0) { /* the socket's room is small */
            uv_run(&rig->base.loop, UV_RUN_NOWAIT);
        }
    }
}

static void let_pass(struct rig *rig, unsigned tenths)
{
    for (unsigned i = 0; i < tenths; i++) {
        driver_rig_pass(&rig->base, 100000);
        driver_rig_turn(&rig->base);
        elster_tick(rig->elster);
    }
}

/* n seconds with a packet each; each `every` seconds import rises by 1 Wh. */
static void send_seconds(struct rig *rig, unsigned n, unsigned every, unsigned baud)
{
    uint8_t p[PACKET];

    for (unsigned i = 1; i <= n; i++) {
        rig->import_wh += i % every == 0;
        make_packet(rig, p);
        send_light(rig, p, baud);
        let_pass(rig, 10);
    }
}

static uint64_t counter(struct rig *rig, const char *name)
{
    return driver_rig_counter(rig->status, name, UINT64_MAX);
}

/* --- tests --- */

static void registers_come_exact_and_power_from_their_steps(void **state)
{
    struct rig *rig = *state;

    start(rig, false, 0);
    send_seconds(rig, 60, 3, 2400); /* 1 Wh in 3 s: 1200 W */
    assert_int_equal(rig->base.last[HWT_Q_IMPORT].source, 9);
    assert_in_range(rig->base.last[HWT_Q_IMPORT].value / MJ_PER_WH, rig->import_wh - 2,
                    rig->import_wh);
    assert_int_equal(rig->base.last[HWT_Q_EXPORT].value, (int64_t)2345 * MJ_PER_WH);
    assert_in_range(rig->base.last[HWT_Q_POWER].value, 11000, 13000);
    assert_int_equal(counter(rig, "packets"), 60);
    assert_int_equal(counter(rig, "baud"), 2400);
    assert_int_equal(counter(rig, "begun"), 0);
    driver_rig_expect(rig->status, STATUS_OK, "");
}

static void export_is_negative_power(void **state)
{
    struct rig *rig = *state;
    uint8_t p[PACKET];

    start(rig, false, 4800);
    for (unsigned i = 1; i <= 60; i++) {
        rig->export_wh += i % 2 == 0;
        make_packet(rig, p);
        send_light(rig, p, 4800);
        let_pass(rig, 10);
    }
    assert_in_range(-rig->base.last[HWT_Q_POWER].value, 16000, 20000);
}

static void a_swapped_meter_begins_a_new_count(void **state)
{
    struct rig *rig = *state;

    start(rig, false, 2400);
    send_seconds(rig, 20, 3, 2400);
    rig->import_wh = 777;
    rig->serial = '9';
    send_seconds(rig, 12, 3, 2400);
    assert_int_equal(counter(rig, "begun"), 1);
    assert_in_range(rig->base.last[HWT_Q_IMPORT].value / MJ_PER_WH, 777, rig->import_wh);
}

static void darkness_and_light_without_packets_are_told_apart(void **state)
{
    struct rig *rig = *state;

    start(rig, false, 2400);
    let_pass(rig, 40);
    driver_rig_expect(rig->status, STATUS_STARTING, "");
    let_pass(rig, 15);
    driver_rig_expect(rig->status, STATUS_STALE, "no light");
    for (unsigned i = 0; i < 80; i++) { /* a lamp */
        send_flash(rig, (int64_t)rig->base.device_us * 1000);
        let_pass(rig, 1);
    }
    driver_rig_expect(rig->status, STATUS_STALE, "light, but no packet");
    send_seconds(rig, 6, 3, 2400);
    driver_rig_expect(rig->status, STATUS_OK, "");
    assert_true(rig->base.got[HWT_Q_IMPORT] > 0);
}

static void a_port_brings_characters_in_chunks_and_its_rate_is_found(void **state)
{
    struct rig *rig = *state;
    struct pollfd arrived = {.events = POLLIN};
    uint8_t p[PACKET];

    start(rig, true, 0);
    arrived.fd = open(ptsname(rig->base.wire), O_RDWR | O_NOCTTY | O_CLOEXEC);
    let_pass(rig, 120); /* nothing at 2400 and 4800 */
    for (unsigned i = 1; i <= 12; i++) {
        rig->import_wh += i % 3 == 0;
        make_packet(rig, p);
        for (size_t at = 0; at < PACKET; at += 55) { /* a pseudo-terminal does not care for rates */
            assert_int_equal(write(rig->base.wire, p + at, 55), 55);
            assert_int_equal(poll(&arrived, 1, 5000), 1);
            let_pass(rig, 1);
        }
        let_pass(rig, 8);
    }
    close(arrived.fd);
    assert_int_equal(counter(rig, "packets"), 12);
    assert_int_equal(counter(rig, "LENGTH"), 0);
    assert_in_range(rig->base.last[HWT_Q_IMPORT].value / MJ_PER_WH, rig->import_wh - 2,
                    rig->import_wh);
    assert_int_equal(counter(rig, "baud"), 9600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers_come_exact_and_power_from_their_steps),
        TEST(export_is_negative_power),
        TEST(a_swapped_meter_begins_a_new_count),
        TEST(darkness_and_light_without_packets_are_told_apart),
        TEST(a_port_brings_characters_in_chunks_and_its_rate_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
