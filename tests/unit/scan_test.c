/* daemon/drivers/scan on pseudo-terminals: devices played by the test, each at its own speed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/wire/mbus.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/drivers/scan.h"
#include "tests/drivers/made_time.h"

enum { DEVICES = 3, FOUND_MAX = 16, PROBLEMS_MAX = 8, TICK_MS = 2 };

struct device;
typedef void (*device_play)(struct device *d, bool right_speed);

struct device {
    char link[64];
    int wire, port; /* the device's end; the scan's, held open so that the wire does not hang up */
    uv_poll_t poll; /* of the wire */
    device_play play;
    speed_t speed;   /* at which it is understood; 0: any */
    unsigned period; /* ticks from one word to the next, of those that send by themselves */
    unsigned tick;
    const char *words; /* what it sends, and as rubbish at another speed */
    size_t words_n;
    uint8_t got[512];
    size_t got_n;
    size_t heard;     /* octets that were sent to it */
    unsigned foreign; /* requests of Modbus that an M-Bus meter heard */
    uint8_t unit;
};

struct rig {
    uv_loop_t loop;
    uv_timer_t tick;
    char dir[32];
    struct device device[DEVICES];
    unsigned devices;
    struct scan_options o;
    const char *port[DEVICES + 1];
    struct scan *scan;
    struct scan_found found[FOUND_MAX];
    unsigned finds;
    char problem[PROBLEMS_MAX][SCAN_DETAIL_MAX];
    unsigned problems;
    double fraction;
    bool fell, done;
    unsigned ports_done;
    int64_t took_us;
};

/* --- the scan's side ------------------------------------------------------------------------- */

static void on_found(void *ctx, const struct scan_found *found)
{
    struct rig *rig = ctx;

    assert_true(rig->finds < FOUND_MAX);
    rig->found[rig->finds++] = *found;
}

static void on_progress(void *ctx, const struct scan_progress *p)
{
    struct rig *rig = ctx;

    rig->fell |= p->fraction < rig->fraction || p->fraction > 1;
    rig->fraction = p->fraction;
}

static void on_problem(void *ctx, const char *port, const char *detail)
{
    struct rig *rig = ctx;

    (void)port;
    assert_true(rig->problems < PROBLEMS_MAX);
    snprintf(rig->problem[rig->problems++], SCAN_DETAIL_MAX, "%s", detail);
}

static void on_port_done(void *ctx, const char *port)
{
    struct rig *rig = ctx;

    (void)port;
    rig->ports_done++;
}

static void on_done(void *ctx)
{
    struct rig *rig = ctx;

    rig->done = true;
}

/* --- the devices' side ----------------------------------------------------------------------- */

static bool hears(const struct device *d)
{
    struct termios t;

    return d->speed == 0 || (tcgetattr(d->wire, &t) == 0 && cfgetospeed(&t) == d->speed);
}

/* What was sent to it since it was last taken; rubbish at another speed. */
static void listen_to_master(struct device *d, bool right_speed)
{
    ssize_t n = read(d->wire, d->got + d->got_n, sizeof(d->got) - d->got_n);

    if (n > 0) {
        d->heard += (size_t)n;
        d->got_n = right_speed ? d->got_n + (size_t)n : 0;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct rig *rig = timer->data;

    for (unsigned i = 0; i < rig->devices; i++) {
        struct device *d = &rig->device[i];

        if (d->period > 0) {
            d->tick++;
            d->play(d, hears(d));
        }
    }
}

/* Something was sent to it. */
static void on_wire(uv_poll_t *poll, int status, int events)
{
    struct device *d = poll->data;

    (void)events;
    assert_int_equal(status, 0);
    if (d->period > 0 || d->play == NULL) {
        listen_to_master(d, false);
    } else {
        d->play(d, hears(d));
    }
}

static void say(const struct device *d, const void *p, size_t n)
{
    assert_int_equal(write(d->wire, p, n), n);
}

/* Sends by itself, whether somebody listens or not. */
static void play_talker(struct device *d, bool right_speed)
{
    static const uint8_t rubbish[40] = {0x00, 0xF8, 0x80, 0x00, 0xFE, 0xE0, 0x00, 0x07};

    listen_to_master(d, right_speed);
    if (d->tick % d->period == 0) {
        say(d, right_speed ? d->words : (const char *)rubbish,
            right_speed ? d->words_n : sizeof(rubbish));
    }
}

static size_t mbus_reply(const struct device *d, uint8_t out[64])
{
    /* a heat meter: 12345 kWh, 40.5 degC */
    static const uint8_t data[] = {0x78, 0x56, 0x34, 0x12, 0x2D, 0x2C, 0x34, 0x04, 1,    0,   0, 0,
                                   0x04, 0x06, 0x39, 0x30, 0,    0,    0x02, 0x5A, 0x95, 0x01};

    return (size_t)hwt_mbus_long_encode(0x08, d->unit, 0x72, data, sizeof(data), out, 64);
}

static uint16_t crc(const uint8_t *p, size_t n)
{
    uint16_t c = 0xFFFF;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int b = 0; b < 8; b++) {
            c = (uint16_t)((c & 1) != 0 ? c >> 1 ^ 0xA001 : c >> 1);
        }
    }
    return c;
}

/* One M-Bus meter, at primary address `unit`; secondary 12345678. */
static void play_mbus(struct device *d, bool right_speed)
{
    struct hwt_mbus_frame f;
    struct hwt_mbus_fault fault;
    uint8_t reply[64] = {0xE5};

    listen_to_master(d, right_speed);
    if (d->got_n >= 8) {
        const uint8_t *last = d->got + d->got_n - 8;

        d->foreign += crc(last, 6) == (last[6] | last[7] << 8);
    }
    if (d->got_n < 5 || hwt_mbus_frame_check(d->got, d->got_n, &f, &fault) != 0) {
        return;
    }
    if (f.shape == HWT_MBUS_LONG) { /* a selection; this one stays chosen */
        say(d, reply, 1);
    } else if (f.a == d->unit || f.a == 253 || f.a == 254) {
        say(d, reply, (f.c & 0xDF) == 0x5B ? mbus_reply(d, reply) : 1);
    }
    d->got_n = 0;
}

/* A Modbus device whose registers are all 0x0123; it knows no identification. */
static void play_modbus(struct device *d, bool right_speed)
{
    uint8_t reply[256], *p = d->got;
    uint16_t sum;
    size_t n;

    listen_to_master(d, right_speed);
    if (d->got_n < 8 || crc(p, 6) != (p[6] | p[7] << 8) || p[0] != d->unit) {
        d->got_n = d->got_n < 8 ? d->got_n : 0;
        return;
    }
    n = 3 + 2 * (size_t)p[5];
    memset(reply, 0, sizeof(reply));
    reply[0] = p[0];
    reply[1] = p[1];
    reply[2] = (uint8_t)(2 * p[5]);
    for (size_t i = 3; i < n; i += 2) {
        reply[i] = 0x01;
        reply[i + 1] = 0x23;
    }
    sum = crc(reply, n);
    reply[n] = (uint8_t)sum;
    reply[n + 1] = (uint8_t)(sum >> 8);
    say(d, reply, n + 2);
    d->got_n = 0;
}

/* --- the rig --------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    log_set_level(LOG_ERROR);
    strcpy(rig->dir, "/tmp/heatwatt-scan-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    uv_loop_init(&rig->loop);
    uv_timer_init(&rig->loop, &rig->tick);
    rig->tick.data = rig;
    rig->o = (struct scan_options){.listen_ms = 300,
                                   .timeout_ms = 30,
                                   .quick = true,
                                   .on_found = on_found,
                                   .on_progress = on_progress,
                                   .on_problem = on_problem,
                                   .on_port_done = on_port_done,
                                   .on_done = on_done,
                                   .ctx = rig};
    for (unsigned p = 0; p < SCAN_PROTOCOLS; p++) {
        rig->o.protocol[p] = true;
    }
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    scan_free(rig->scan);
    uv_close((uv_handle_t *)&rig->tick, NULL);
    for (unsigned i = 0; i < rig->devices; i++) {
        uv_close((uv_handle_t *)&rig->device[i].poll, NULL);
    }
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    for (unsigned i = 0; i < rig->devices; i++) {
        close(rig->device[i].wire);
        close(rig->device[i].port);
        unlink(rig->device[i].link);
    }
    rmdir(rig->dir);
    free(rig);
    return 0;
}

static struct device *add_device(struct rig *rig, device_play play, speed_t speed)
{
    struct device *d = &rig->device[rig->devices];

    d->play = play;
    d->speed = speed;
    d->unit = 1;
    d->wire = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_int_equal(grantpt(d->wire), 0);
    assert_int_equal(unlockpt(d->wire), 0);
    snprintf(d->link, sizeof(d->link), "%s/port%u", rig->dir, rig->devices);
    assert_int_equal(symlink(ptsname(d->wire), d->link), 0);
    d->port = open(d->link, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(d->port >= 0);
    uv_poll_init(&rig->loop, &d->poll, d->wire);
    d->poll.data = d;
    uv_poll_start(&d->poll, UV_READABLE, on_wire);
    rig->port[rig->devices++] = d->link;
    rig->o.ports = rig->devices;
    return d;
}

static struct device *add_talker(struct rig *rig, speed_t speed, const void *words, size_t n)
{
    struct device *d = add_device(rig, play_talker, speed);

    d->words = words;
    d->words_n = n;
    d->period = 250 / TICK_MS; /* more often than in life, or the test would take long */
    return d;
}

static void run(struct rig *rig)
{
    int64_t began_us = clock_real_us();

    rig->o.port = rig->port;
    rig->scan = scan_new(&rig->loop, &rig->o);
    assert_non_null(rig->scan);
    uv_timer_start(&rig->tick, on_tick, TICK_MS, TICK_MS);
    scan_start(rig->scan);
    for (unsigned turns = 0; !rig->done && turns < MADE_TIME_PATIENCE; turns++) {
        made_time_turn(&rig->loop);
    }
    uv_timer_stop(&rig->tick);
    rig->took_us = clock_real_us() - began_us;
    assert_true(rig->done);
    assert_false(rig->fell);
    assert_int_equal(rig->ports_done, rig->o.ports);
    assert_true(rig->fraction > 0.999 || rig->problems > 0);
}

/* Once more, from the beginning. */
static void run_again(struct rig *rig)
{
    scan_free(rig->scan);
    rig->scan = NULL;
    uv_run(&rig->loop, UV_RUN_NOWAIT); /* the ports are closed */
    rig->finds = rig->ports_done = rig->problems = 0;
    rig->fraction = 0;
    rig->done = false;
    run(rig);
}

static void only(struct rig *rig, enum scan_protocol a, enum scan_protocol b)
{
    for (unsigned p = 0; p < SCAN_PROTOCOLS; p++) {
        rig->o.protocol[p] = p == a || p == b;
    }
}

/* --- what sends by itself -------------------------------------------------------------------- */

static const char pairs[] = "MSG:12,Vrms:239.87,P1:500,P2:-310,E1:4120,E2:-95,T1:41.25,pulse:7\r\n";

static void an_emontx_is_found_at_its_speed_and_nothing_is_sent_to_it(void **state)
{
    static const struct {
        speed_t speed;
        unsigned baud;
    } rows[] = {{B115200, 115200}, {B38400, 38400}, {B57600, 57600}, {B9600, 9600}};
    struct rig *rig = *state;
    struct device *d = add_talker(rig, B38400, pairs, sizeof(pairs) - 1);

    rig->o.listen_ms = 2000;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        d->speed = rows[i].speed;
        run_again(rig);
        assert_int_equal(rig->finds, 1);
        assert_int_equal(rig->found[0].protocol, SCAN_EMON);
        assert_int_equal(rig->found[0].baud, rows[i].baud);
        assert_int_equal(d->heard, 0);
    }
    assert_int_equal(rig->found[0].address, -1);
    assert_int_equal(rig->found[0].values, 6); /* without MSG and pulse */
    assert_string_equal(rig->found[0].value[1].name, "P1");
    assert_int_equal(rig->found[0].value[1].quantity, HWT_Q_POWER);
    assert_int_equal(rig->found[0].value[1].counts, 5000);
    assert_int_equal(rig->found[0].value[2].counts, -3100);
}

static void each_node_of_a_radio_receiver_is_found_once(void **state)
{
    static const char lines[] = "OK 19 210 0 0 0 100 2 30 0 (-46)\r\n"
                                "OK 6 244 1 12 254 0 0 0 0 200 92 (-50)\r\n"
                                "OK 99 1 2 3 (-70)\r\n";
    struct rig *rig = *state;

    add_talker(rig, B38400, lines, sizeof(lines) - 1);
    rig->o.baud[0] = 38400;
    rig->o.speeds = 1;
    rig->o.listen_ms = 1000;
    run(rig);
    assert_int_equal(rig->finds, 3);
    assert_int_equal(rig->found[0].address, 19);
    assert_int_equal(rig->found[0].value[0].quantity, HWT_Q_TEMPERATURE);
    assert_int_equal(rig->found[0].value[0].counts, 2100);
    assert_int_equal(rig->found[1].address, 6);
    assert_int_equal(rig->found[2].address, 99);
    assert_int_equal(rig->found[2].values, 0);
    assert_non_null(strstr(rig->found[2].note, "layout"));
}

static void a_banner_is_waited_out(void **state)
{
    static const char banner[] =
        "emonTx V4 CM Continuous Monitoring V1.5\r\nRFM69\r\nSettings:\r\n";
    struct rig *rig = *state;
    struct device *d = add_talker(rig, B115200, banner, sizeof(banner) - 1);

    rig->o.listen_ms = 700;
    rig->o.baud[0] = 115200;
    rig->o.speeds = 1;
    d->period = 300 / TICK_MS;
    run(rig);
    assert_int_equal(rig->finds, 0);
    /* A second window at the speed at which text came: 300 + 200 + 700 ms, and ticks of 50 ms. */
    assert_in_range(rig->took_us, 1200000, 1300000);
    assert_int_equal(rig->problems, 1);
    assert_int_equal(d->heard, 0);
}

/* The packet of the A100C manual's tables, worked by hand; tests/unit/elster_test.c has it whole.
 */
static void make_packet(uint8_t p[110])
{
    static const char head[] =
        "Elster A100C1-00100-B\x12\x34\x56\x00\x17UTIL000000001234\0\0\0\0\x12\x34\x56\x78";

    memset(p, 0, 110);
    memcpy(p, "\1\0\x68\2", 4);
    memcpy(p + 4, head, sizeof(head) - 1);
    p[94] = 3;
    p[108] = 3;
    for (size_t i = 0; i < 109; i++) {
        p[109] = (uint8_t)(p[109] + p[i]);
    }
}

static void an_elster_meter_is_found_at_its_speed(void **state)
{
    struct rig *rig = *state;
    struct device *d;
    uint8_t packet[110];

    make_packet(packet);
    d = add_talker(rig, B4800, packet, sizeof(packet));
    d->period = 400 / TICK_MS; /* the whole packet at once, as a USB adapter brings it */
    rig->o.listen_ms = 2500;
    only(rig, SCAN_ELSTER, SCAN_MBUS);
    run(rig);
    assert_int_equal(rig->finds, 1);
    assert_int_equal(rig->found[0].protocol, SCAN_ELSTER);
    assert_int_equal(rig->found[0].baud, 4800);
    assert_string_equal(rig->found[0].model, "Elster A100C");
    assert_string_equal(rig->found[0].serial, "UTIL000000001234");
    assert_int_equal(d->heard, 0);
}

static void an_unknown_talker_is_told_and_left_alone(void **state)
{
    static const char noise[] = "\x68\x1F\x1F\x68\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8A\x8B";
    struct rig *rig = *state;
    struct device *d = add_talker(rig, 0, noise, sizeof(noise) - 1);

    rig->o.listen_ms = 1500;
    rig->o.baud[0] = 115200;
    rig->o.baud[1] = 9600;
    rig->o.speeds = 2;
    run(rig);
    assert_int_equal(rig->finds, 0);
    assert_int_equal(rig->problems, 1);
    assert_non_null(strstr(rig->problem[0], "Nothing was sent"));
    assert_int_equal(d->heard, 0);
}

/* --- what answers ---------------------------------------------------------------------------- */

static void an_mbus_meter_is_found_at_its_speed_with_what_it_shows(void **state)
{
    static const struct {
        speed_t speed;
        unsigned baud;
        uint8_t address;
    } rows[] = {{B2400, 2400, 5}, {B300, 300, 0}, {B4800, 4800, 250}};
    struct rig *rig = *state;
    struct device *d = add_device(rig, play_mbus, B2400);
    const struct scan_found *f = &rig->found[0];

    only(rig, SCAN_MBUS, SCAN_MODBUS);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        d->speed = rows[i].speed;
        d->unit = rows[i].address;
        run_again(rig);
        assert_int_equal(rig->finds, 1);
        assert_int_equal(f->protocol, SCAN_MBUS);
        assert_int_equal(f->baud, rows[i].baud);
        assert_int_equal(f->address, rows[i].address);
        assert_string_equal(f->serial, "12345678");
        assert_string_equal(f->maker, "KAM");
        assert_string_equal(f->model, "Kamstrup 403");
        assert_int_equal(f->values, 2);
        assert_int_equal(f->value[0].quantity, HWT_Q_ENERGY);
        assert_int_equal(f->value[0].counts, INT64_C(12345000) * 3600000);
        assert_int_equal(f->value[1].counts, 4050);
    }
    assert_int_equal(d->foreign, 0); /* M-Bus was found: nothing else is asked */
    rig->o.every = true;
    d->speed = B2400;
    rig->o.baud[0] = 2400;
    rig->o.speeds = 1;
    run_again(rig);
    assert_int_equal(rig->finds, 1);
    assert_true(d->foreign > 0);
}

/* A meter that knows neither secondary addresses nor 254. */
static void play_old_mbus(struct device *d, bool right_speed)
{
    size_t before = d->got_n;

    if (before >= 5 && d->got[0] == 0x68) {
        d->got_n = 0;
    }
    listen_to_master(d, right_speed);
    if (d->got_n >= 5 && (d->got[0] == 0x68 || d->got[2] >= 253)) {
        d->got_n = 0;
        return;
    }
    play_mbus(d, right_speed);
}

static void a_meter_that_only_knows_its_primary_address_is_found_by_the_sweep(void **state)
{
    struct rig *rig = *state;
    struct device *d = add_device(rig, play_old_mbus, B9600);

    d->unit = 17;
    only(rig, SCAN_MBUS, SCAN_MBUS);
    rig->o.timeout_ms = 10;
    rig->o.baud[0] = 9600;
    rig->o.speeds = 1;
    run(rig);
    assert_int_equal(rig->finds, 0); /* quick */
    rig->o.quick = false;
    run_again(rig);
    assert_int_equal(rig->finds, 1);
    assert_int_equal(rig->found[0].address, 17);
    d->play = play_mbus;
    run_again(rig);
    assert_int_equal(rig->finds, 1); /* by both addresses */
}

static void a_modbus_device_is_found_at_its_speed(void **state)
{
    struct rig *rig = *state;
    struct device *d = add_device(rig, play_modbus, B19200);

    d->unit = 2;
    only(rig, SCAN_MODBUS, SCAN_MBUS);
    run(rig);
    assert_int_equal(rig->finds, 1);
    assert_int_equal(rig->found[0].protocol, SCAN_MODBUS);
    assert_int_equal(rig->found[0].baud, 19200);
    assert_int_equal(rig->found[0].framing, SERIAL_8N1);
    assert_int_equal(rig->found[0].address, 2);
    assert_int_equal(rig->problems, 0);
}

static void speeds_that_were_not_asked_for_are_not_tried(void **state)
{
    struct rig *rig = *state;

    add_device(rig, play_modbus, B19200);
    only(rig, SCAN_MODBUS, SCAN_MBUS);
    rig->o.baud[0] = 9600;
    rig->o.speeds = 1;
    run(rig);
    assert_int_equal(rig->finds, 0);
}

static void ports_are_searched_at_the_same_time(void **state)
{
    struct rig *rig = *state;

    add_device(rig, NULL, 0);
    add_device(rig, NULL, 0);
    add_device(rig, play_mbus, B2400);
    only(rig, SCAN_EMON, SCAN_MBUS);
    rig->o.listen_ms = 1000;
    rig->o.baud[0] = 2400;
    rig->o.baud[1] = 9600;
    rig->o.speeds = 2;
    run(rig);
    assert_int_equal(rig->finds, 1);
    assert_string_equal(rig->found[0].port, rig->device[2].link);
    assert_true(rig->took_us < 2500000);
}

static void a_port_named_twice_is_searched_once(void **state)
{
    struct rig *rig = *state;
    char name[64];

    add_device(rig, play_mbus, B2400);
    snprintf(name, sizeof(name), "%s", ptsname(rig->device[0].wire));
    rig->port[1] = name;
    only(rig, SCAN_MBUS, SCAN_MBUS);
    rig->o.ports = 2;
    rig->o.port = rig->port;
    rig->scan = scan_new(&rig->loop, &rig->o);
    rig->o.ports = 1; /* of which run() asks */
    scan_free(rig->scan);
    rig->o.ports = 2;
    rig->ports_done = 1;
    run(rig);
    assert_int_equal(rig->finds, 1);
    assert_int_equal(rig->problems, 0);
}

static void a_scan_can_be_ended_at_any_time(void **state)
{
    struct rig *rig = *state;

    for (unsigned rounds = 0; rounds < 30; rounds++) {
        if (rig->devices == 0) {
            add_device(rig, play_mbus, B300);
        }
        rig->o.listen_ms = 20;
        rig->o.port = rig->port;
        rig->scan = scan_new(&rig->loop, &rig->o);
        uv_timer_start(&rig->tick, on_tick, TICK_MS, TICK_MS);
        scan_start(rig->scan);
        for (unsigned i = 0; i < 3 * rounds; i++) {
            made_time_turn(&rig->loop);
        }
        scan_free(rig->scan);
        rig->scan = NULL;
        uv_timer_stop(&rig->tick);
        uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
    if (rig->problems > 0) { /* each found the port free */
        fail_msg("%s", rig->problem[0]);
    }
}

/* --- ports that cannot be -------------------------------------------------------------------- */

static void a_port_that_cannot_be_used_is_told_why(void **state)
{
    static const struct {
        const char *port, *told;
    } rows[] = {
        {"/dev/does-not-exist", "is it plugged in?"},
        {"/etc/hostname", "not a serial port but a file"},
        {"/dev/null", "not a serial port but a device of another kind"},
        {"127.0.0.1:1", "127.0.0.1:1: cannot connect"},
        {"/does/not/exist/w1", "No such file"},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig->port[0] = rows[i].port;
        rig->o.ports = 1;
        run_again(rig);
        assert_int_equal(rig->problems, 1);
        if (strstr(rig->problem[0], rows[i].told) == NULL) {
            fail_msg("%s: %s", rows[i].port, rig->problem[0]);
        }
    }
}

static void a_busy_port_is_told_and_the_others_go_on(void **state)
{
    struct rig *rig = *state;
    int other;

    add_device(rig, NULL, 0);
    add_device(rig, play_mbus, B2400);
    other = open(rig->device[0].link, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    only(rig, SCAN_MBUS, SCAN_MBUS);
    run(rig);
    close(other);
    assert_int_equal(rig->finds, 1);
    assert_int_equal(rig->problems, 1);
    assert_non_null(strstr(rig->problem[0], "another program uses it"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_emontx_is_found_at_its_speed_and_nothing_is_sent_to_it),
        TEST(each_node_of_a_radio_receiver_is_found_once),
        TEST(a_banner_is_waited_out),
        TEST(an_elster_meter_is_found_at_its_speed),
        TEST(an_unknown_talker_is_told_and_left_alone),
        TEST(an_mbus_meter_is_found_at_its_speed_with_what_it_shows),
        TEST(a_meter_that_only_knows_its_primary_address_is_found_by_the_sweep),
        TEST(a_modbus_device_is_found_at_its_speed),
        TEST(speeds_that_were_not_asked_for_are_not_tried),
        TEST(ports_are_searched_at_the_same_time),
        TEST(a_port_named_twice_is_searched_once),
        TEST(a_scan_can_be_ended_at_any_time),
        TEST(a_port_that_cannot_be_used_is_told_why),
        TEST(a_busy_port_is_told_and_the_others_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
