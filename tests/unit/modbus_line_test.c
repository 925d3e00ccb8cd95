/* daemon/drivers/modbus on a pseudo-terminal and a socket: devices played by the test, time of the
 * clock made up. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/wire/modbus.h"
#include "daemon/drivers/modbus.h"
#include "tests/drivers/driver_rig.h"
#include "tests/drivers/made_time.h"

enum mood { WELL, SILENT, GARBLED, BUSY, LACKING, STRANGER };
enum { DEVICES = 2, TIMEOUT_MS = 60, POLL_S = 10 };

/* Power, import in kWh, and a voltage of L1 far away: two requests. */
static const struct hwt_modbus_map map = {
    .row = {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, HWT_MODBUS_TOTAL, 1, 0},
            {2, 4, HWT_MODBUS_F32, 0, HWT_Q_IMPORT, HWT_MODBUS_TOTAL, 1000, 0},
            {300, 4, HWT_MODBUS_F32, 0, HWT_Q_VOLTAGE, HWT_MODBUS_L1, 1, 0}},
    .rows = 3,
    .registers_max = 80,
};

static const struct hwt_modbus_field serial_at = {0xFC00, 3, HWT_MODBUS_U32, 0, 0};

/* A line with two devices, units 5 and 6, and the other end of the wire. */
struct rig {
    struct driver_rig base;
    struct modbus_line *line;
    struct status *status[DEVICES];
    bool tcp;
    enum mood mood[DEVICES];
    float power, import_kwh;
    uint32_t serial;         /* of device five, in holding FC00; 0: it has no such registers */
    bool serial_silent;      /* it does not answer when asked for it */
    unsigned serial_misread; /* so many answers have another number */
    unsigned serial_asked, news;
    char identity[64];
    uint8_t got[32];
    size_t got_n;
    unsigned asked[DEVICES];
    speed_t speed[DEVICES];
};

static void take_news(void *ctx, const struct device_news *n)
{
    struct rig *rig = ctx; /* whose first member is `base` */

    assert_true(n->source == 10 || n->source == 20);
    rig->news++;
    snprintf(rig->identity, sizeof(rig->identity), "%s", n->identity);
}

static void unplug(struct rig *rig)
{
    driver_rig_unplug(&rig->base);
    rig->got_n = 0;
}

static uint16_t listen_somewhere(struct rig *rig)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(where);

    rig->base.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig->base.listener, (struct sockaddr *)&where, sizeof(where)), 0);
    assert_int_equal(listen(rig->base.listener, 4), 0);
    assert_int_equal(getsockname(rig->base.listener, (struct sockaddr *)&where, &n), 0);
    return ntohs(where.sin_port);
}

static void add_devices(struct rig *rig)
{
    static const char *const ids[DEVICES] = {"five", "six"};

    for (int i = 0; i < DEVICES; i++) {
        struct modbus_device_options o = {.id = ids[i],
                                          .source = {10 + i, i == 0 ? 20 : -1, -1, -1},
                                          .unit = (uint8_t)(5 + i),
                                          .baud = i == 0 ? 2400 : 19200,
                                          .framing = i == 0 ? SERIAL_8N1 : SERIAL_8E1,
                                          .map = &map,
                                          .model = "Meter",
                                          .serial = i == 0 ? &serial_at : NULL,
                                          .poll_s = POLL_S,
                                          .timeout_ms = TIMEOUT_MS,
                                          .retries = 1,
                                          .status = rig->status[i] = status_new(ids[i], "modbus"),
                                          .sink = driver_rig_take,
                                          .news = take_news,
                                          .ctx = &rig->base};

        assert_int_equal(modbus_line_add(rig->line, &o), 0);
    }
}

static int set_up_rig(void **state, bool tcp)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct modbus_line_options options = {.host = "127.0.0.1"};

    driver_rig_open(&rig->base, INT64_C(1700000000000000));
    driver_rig_pass(&rig->base, 1000000);
    rig->tcp = tcp;
    rig->power = 1250;
    rig->import_kwh = 1000;
    if (tcp) {
        options.tcp_port = listen_somewhere(rig);
    } else {
        driver_rig_plug(&rig->base);
        options.port = rig->base.path;
    }
    rig->line = modbus_line_new(&rig->base.loop, rig->base.clock, &options);
    assert_non_null(rig->line);
    add_devices(rig);
    *state = rig;
    return 0;
}

static int set_up(void **state)
{
    return set_up_rig(state, false);
}

static int set_up_tcp(void **state)
{
    return set_up_rig(state, true);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    modbus_line_free(rig->line);
    driver_rig_close(&rig->base);
    for (int i = 0; i < DEVICES; i++) {
        status_free(rig->status[i]);
    }
    free(rig);
    return 0;
}

/* --- the devices ----------------------------------------------------------------------------- */

static void put_float(uint8_t *out, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof(bits));
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(bits >> (24 - 8 * i));
    }
}

static size_t answer_serial(struct rig *rig, uint8_t *out)
{
    uint32_t number = rig->serial_misread > 0 ? 7 + rig->serial_misread-- : rig->serial;

    rig->serial_asked++;
    if (rig->serial == 0) {
        out[1] |= HWT_MODBUS_REFUSED;
        out[2] = 2;
        return 3;
    }
    out[2] = 4;
    for (int i = 0; i < 4; i++) {
        out[3 + i] = (uint8_t)(number >> (24 - 8 * i));
    }
    return 7;
}

/* The answer from the unit on, without checksum. */
static size_t make_answer(struct rig *rig, int device, const struct hwt_modbus_request *q,
                          uint8_t *out)
{
    out[0] = (uint8_t)(q->unit + (rig->mood[device] == STRANGER));
    out[1] = q->function;
    if (rig->mood[device] == BUSY || (rig->mood[device] == LACKING && q->address + q->count > 2)) {
        out[1] |= HWT_MODBUS_REFUSED;
        out[2] = rig->mood[device] == BUSY ? 6 : 2;
        return 3;
    }
    if (q->function == HWT_MODBUS_READ_HOLDING) {
        return answer_serial(rig, out);
    }
    out[2] = (uint8_t)(2 * q->count);
    memset(out + 3, 0, 2u * q->count);
    if (q->address == 300) {
        put_float(out + 3, 230.5F);
    } else {
        put_float(out + 3, rig->power);
        if (q->count == 4) {
            put_float(out + 7, rig->import_kwh);
        }
    }
    return 3 + 2u * q->count;
}

static void answer(struct rig *rig, const struct hwt_modbus_request *q, uint16_t transaction)
{
    int device = q->unit - 5;
    uint8_t frame[HWT_MODBUS_FRAME_MAX], *unit = frame + (rig->tcp ? 6 : 0);
    struct termios t;
    size_t n;

    rig->asked[device] += q->function == HWT_MODBUS_READ_INPUT;
    if (q->function == HWT_MODBUS_READ_HOLDING && rig->serial_silent) {
        rig->serial_asked++;
        return;
    }
    if (!rig->tcp && tcgetattr(rig->base.wire, &t) == 0) {
        rig->speed[device] = cfgetospeed(&t);
    }
    if (rig->mood[device] == SILENT) {
        return;
    }
    n = make_answer(rig, device, q, unit);
    if (rig->tcp) {
        frame[0] = (uint8_t)(transaction >> 8);
        frame[1] = (uint8_t)transaction;
        frame[2] = frame[3] = frame[4] = 0;
        frame[5] = (uint8_t)n;
        n += 6;
    } else {
        uint16_t crc = hwt_modbus_crc(frame, n);

        frame[n++] = (uint8_t)crc;
        frame[n++] = (uint8_t)(crc >> 8);
    }
    if (rig->mood[device] == GARBLED) {
        frame[n - 3] ^= 4;
    }
    assert_int_equal(write(rig->base.wire, frame, n), n);
}

/* What the devices hear. */
static void play(struct rig *rig)
{
    enum hwt_modbus_transport transport = rig->tcp ? HWT_MODBUS_TCP : HWT_MODBUS_RTU;
    struct hwt_modbus_request q;
    uint16_t transaction;
    ssize_t n;

    if (rig->base.wire < 0 && rig->base.listener >= 0) {
        rig->base.wire = accept4(rig->base.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    if (rig->base.wire < 0) {
        return;
    }
    n = read(rig->base.wire, rig->got + rig->got_n, sizeof(rig->got) - rig->got_n);
    rig->got_n += n > 0 ? (size_t)n : 0;
    if (rig->tcp && n == 0) {
        unplug(rig);
    } else if (rig->got_n > 0 &&
               hwt_modbus_request_decode(transport, rig->got, rig->got_n, &q, &transaction) > 0) {
        rig->got_n = 0;
        answer(rig, &q, transaction);
    }
}

/* --- time ------------------------------------------------------------------------------------ */

static void live(struct rig *rig)
{
    play(rig);
    driver_rig_live(&rig->base);
}

static struct status_view view(struct rig *rig, int device)
{
    struct status_view v;

    status_get(rig->status[device], &v);
    return v;
}

/* Real time passes until the device's state is this. */
static void live_until(struct rig *rig, int device, enum status_state wanted)
{
    unsigned turns = 0;

    do {
        live(rig);
    } while (view(rig, device).state != wanted && ++turns < MADE_TIME_PATIENCE);
    assert_int_equal(view(rig, device).state, wanted);
}

/* Real time passes until the line rests. */
static void live_until_rest(struct rig *rig)
{
    unsigned turns = 0;

    do {
        live(rig);
    } while (driver_rig_is_busy(&rig->base) && ++turns < MADE_TIME_PATIENCE);
    assert_false(driver_rig_is_busy(&rig->base));
}

/* The clock's time passes, all at once. */
static void let_pass(struct rig *rig, unsigned seconds)
{
    driver_rig_pass(&rig->base, 1000000ull * seconds);
    modbus_line_tick(rig->line);
}

/* The clock's time passes, and then enough real time for what fell due. */
static void advance(struct rig *rig, unsigned seconds)
{
    let_pass(rig, seconds);
    live_until_rest(rig);
}

static void start(struct rig *rig)
{
    modbus_line_start(rig->line);
    while (rig->tcp && rig->base.wire < 0) {
        live(rig);
    }
    advance(rig, 0);
}

static uint64_t counter(struct rig *rig, int device, const char *name)
{
    return driver_rig_counter(rig->status[device], name, 0);
}

static const struct hwt_reading *newest(struct rig *rig, unsigned source, unsigned quantity)
{
    for (size_t i = rig->base.readings; i-- > 0;) {
        if (rig->base.reading[i].source == source && rig->base.reading[i].quantity == quantity) {
            return &rig->base.reading[i];
        }
    }
    return NULL;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_poll_gives_the_readings_of_a_device_and_its_phases_at_one_instant(void **state)
{
    struct rig *rig = *state;

    start(rig);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    assert_int_equal(view(rig, 1).state, STATUS_OK);
    assert_int_equal(rig->base.readings, 5); /* the phase of device six is left out */
    assert_int_equal(newest(rig, 10, HWT_Q_POWER)->value, 12500);
    assert_true(newest(rig, 10, HWT_Q_IMPORT)->value == INT64_C(3600000000000));
    assert_int_equal(newest(rig, 20, HWT_Q_VOLTAGE)->value, 23050);
    assert_int_equal(newest(rig, 11, HWT_Q_POWER)->value, 12500);
    assert_null(newest(rig, 11, HWT_Q_VOLTAGE));
    assert_true(rig->base.reading[0].mono_us == rig->base.reading[2].mono_us);
    assert_int_equal(rig->asked[0], 2);
    assert_int_equal(rig->asked[1], 1);
    assert_int_equal(counter(rig, 0, "polls"), 1);
    assert_int_equal(counter(rig, 0, "good"), 1);
    advance(rig, POLL_S);
    assert_int_equal(rig->asked[0], 4);
}

static void each_device_is_asked_at_its_own_speed(void **state)
{
    struct rig *rig = *state;

    start(rig);
    assert_int_equal(rig->speed[0], B2400);
    assert_int_equal(rig->speed[1], B19200);
    advance(rig, POLL_S);
    assert_int_equal(rig->speed[0], B2400);
}

static void a_silent_device_turns_stale_and_does_not_hold_up_the_other(void **state)
{
    struct rig *rig = *state;
    unsigned asked;

    rig->mood[0] = SILENT;
    start(rig);
    for (int i = 0; i < 4; i++) {
        advance(rig, POLL_S);
    }
    assert_int_equal(view(rig, 0).state, STATUS_STALE);
    assert_non_null(strstr(view(rig, 0).cause, "TIMEOUT: no answer"));
    assert_int_equal(view(rig, 1).state, STATUS_OK);
    assert_int_equal(counter(rig, 1, "good"), 5);
    asked = rig->asked[0];
    assert_true(counter(rig, 0, "TIMEOUT") >= 6);
    for (int i = 0; i < 6; i++) { /* asked less often, without retries */
        advance(rig, POLL_S);
    }
    assert_true(rig->asked[0] - asked <= 4);
    assert_int_equal(counter(rig, 1, "good"), 11);
    rig->mood[0] = WELL;
    for (int i = 0; i < 7; i++) {
        advance(rig, POLL_S);
    }
    assert_int_equal(view(rig, 0).state, STATUS_OK);
}

static void damage_is_counted_and_retried(void **state)
{
    struct rig *rig = *state;

    rig->mood[0] = GARBLED;
    start(rig);
    assert_int_equal(counter(rig, 0, "CRC"), 2);
    assert_int_equal(counter(rig, 0, "retries"), 1);
    assert_int_equal(counter(rig, 0, "good"), 0);
    rig->mood[0] = STRANGER;
    advance(rig, POLL_S);
    assert_int_equal(counter(rig, 0, "FOREIGN"), 2);
    rig->mood[0] = BUSY;
    advance(rig, POLL_S);
    assert_int_equal(counter(rig, 0, "EXCEPTION"), 4);
    advance(rig, POLL_S);
    assert_int_equal(view(rig, 0).state, STATUS_STALE);
    assert_non_null(strstr(view(rig, 0).cause, "EXCEPTION 6: device busy, registers 300 to 301"));
    assert_null(newest(rig, 10, HWT_Q_POWER));
    rig->mood[0] = WELL;
    advance(rig, 6 * POLL_S);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
}

static void registers_a_device_does_not_have_are_left_out_and_the_rest_read(void **state)
{
    struct rig *rig = *state;

    rig->mood[0] = LACKING; /* 0 and 1 are all it has */
    start(rig);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    assert_int_equal(newest(rig, 10, HWT_Q_POWER)->value, 12500);
    assert_null(newest(rig, 10, HWT_Q_IMPORT));
    assert_null(newest(rig, 20, HWT_Q_VOLTAGE));
    assert_int_equal(counter(rig, 0, "not_there"), 2);
    rig->asked[0] = 0;
    advance(rig, POLL_S);
    assert_int_equal(rig->asked[0], 1); /* it is not asked for them again */
    assert_int_equal(counter(rig, 0, "not_there"), 2);
}

static void registers_are_handed_on_as_they_stand(void **state)
{
    struct rig *rig = *state;

    start(rig);
    for (unsigned i = 0; i < 2; i++) {
        rig->import_kwh = i == 0 ? 500000.0F : 12.0F; /* a leap, another meter: not judged here */
        advance(rig, POLL_S);
        assert_int_equal(newest(rig, 10, HWT_Q_IMPORT)->value,
                         i == 0 ? INT64_C(1800000000000000) : INT64_C(43200000000));
        assert_int_equal(view(rig, 0).state, STATUS_OK);
    }
}

static void the_serial_number_is_read_once_and_told_to_each_part(void **state)
{
    struct rig *rig = *state;

    rig->serial = 12345678;
    start(rig);
    assert_string_equal(view(rig, 0).meter, "Meter 12345678");
    assert_string_equal(view(rig, 1).meter, "");
    assert_int_equal(rig->serial_asked, 2); /* what is new is read twice */
    assert_int_equal(rig->news, 2);
    assert_string_equal(rig->identity, "Meter 12345678");
    advance(rig, POLL_S);
    assert_int_equal(rig->serial_asked, 2);
    advance(rig, 3600); /* once an hour it is looked at again */
    advance(rig, POLL_S);
    assert_int_equal(rig->serial_asked, 3);
    assert_int_equal(rig->news, 2);
    assert_int_equal(counter(rig, 0, "exchanged"), 0);
}

static void another_serial_number_after_a_failed_poll_is_another_meter(void **state)
{
    struct rig *rig = *state;

    rig->serial = 1;
    start(rig);
    rig->mood[0] = SILENT;
    advance(rig, POLL_S);
    rig->mood[0] = WELL;
    rig->serial = 2;
    rig->import_kwh = 1000.001F; /* its register stands where the old one's stood */
    rig->base.readings = 0;
    advance(rig, POLL_S);
    assert_int_equal(counter(rig, 0, "exchanged"), 1);
    assert_string_equal(view(rig, 0).meter, "Meter 2");
    assert_string_equal(rig->identity, "Meter 2");
    assert_true(rig->base.readings > 0);
    advance(rig, POLL_S);
    assert_int_equal(counter(rig, 0, "exchanged"), 1);
}

static void a_misread_serial_number_is_no_other_meter(void **state)
{
    struct rig *rig = *state;

    rig->serial = 1;
    start(rig);
    rig->mood[0] = SILENT;
    advance(rig, POLL_S);
    rig->mood[0] = WELL;
    rig->serial_misread = 1;
    advance(rig, POLL_S);
    assert_int_equal(counter(rig, 0, "exchanged"), 0);
    assert_string_equal(view(rig, 0).meter, "Meter 1");
}

static void a_device_that_tells_no_serial_number_is_polled_as_ever(void **state)
{
    struct rig *rig = *state;

    start(rig); /* it refuses */
    advance(rig, POLL_S);
    assert_int_equal(rig->serial_asked, 1);
    assert_int_equal(counter(rig, 0, "EXCEPTION"), 0);
    assert_int_equal(counter(rig, 0, "good"), 2);
    assert_string_equal(view(rig, 0).meter, "");
    assert_int_equal(rig->news, 0);
}

static void a_device_that_is_silent_when_asked_for_it_is_asked_twice(void **state)
{
    struct rig *rig = *state;

    rig->serial = 1;
    rig->serial_silent = true;
    start(rig);
    for (int i = 0; i < 4; i++) {
        advance(rig, POLL_S);
    }
    assert_int_equal(rig->serial_asked, 2 * 2); /* two polls, a retry each */
    assert_int_equal(counter(rig, 0, "good"), 5);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    assert_int_equal(newest(rig, 10, HWT_Q_POWER)->value, 12500);
}

static void after_a_reconnection_the_serial_number_is_read_again(void **state)
{
    struct rig *rig = *state;

    rig->serial = 1;
    start(rig);
    unplug(rig);
    live_until(rig, 0, STATUS_FAILED);
    if (!rig->tcp) {
        driver_rig_plug(&rig->base);
    }
    rig->serial = 2;
    for (int i = 0; i < 2; i++) {
        let_pass(rig, POLL_S);
        live_until(rig, 0, STATUS_OK);
    }
    assert_int_equal(counter(rig, 0, "exchanged"), 1);
    assert_string_equal(view(rig, 0).meter, "Meter 2");
}

static void a_pulled_plug_fails_the_devices_and_they_come_back(void **state)
{
    struct rig *rig = *state;

    start(rig);
    unplug(rig);
    live_until(rig, 0, STATUS_FAILED);
    assert_int_equal(view(rig, 1).state, STATUS_FAILED);
    assert_true(view(rig, 0).cause[0] != '\0');
    if (!rig->tcp) {
        driver_rig_plug(&rig->base);
    }
    let_pass(rig, POLL_S);
    live_until(rig, 0, STATUS_OK);
    live_until(rig, 1, STATUS_OK);
}

static void a_dead_connection_is_made_anew(void **state)
{
    struct rig *rig = *state;

    start(rig);
    rig->mood[0] = rig->mood[1] = SILENT; /* the socket stays, nobody is there */
    for (int i = 0; i < 2; i++) {
        let_pass(rig, POLL_S);
        for (int k = 0; k < 1500 && view(rig, 0).state == STATUS_OK; k++) {
            live(rig);
        }
    }
    live_until(rig, 0, STATUS_FAILED);
    assert_non_null(strstr(view(rig, 0).cause, "no answer to three requests"));
    rig->mood[0] = rig->mood[1] = WELL;
    let_pass(rig, POLL_S);
    live_until(rig, 0, STATUS_OK);
}

static void devices_that_cannot_be_polled_are_refused(void **state)
{
    static const struct hwt_modbus_map empty = {.rows = 0};
    struct rig *rig = *state;
    struct modbus_device_options o = {.id = "x",
                                      .source = {1, 1, 1, 1},
                                      .unit = 0,
                                      .baud = 9600,
                                      .map = &map,
                                      .poll_s = 1,
                                      .status = rig->status[0]};

    assert_int_equal(modbus_line_add(rig->line, &o), HWT_ERR_ARGUMENT);
    o.unit = 1;
    o.map = &empty;
    assert_int_equal(modbus_line_add(rig->line, &o), HWT_ERR_ARGUMENT);
    o.map = &map;
    o.baud = 1234;
    assert_int_equal(modbus_line_add(rig->line, &o), HWT_ERR_ARGUMENT);
    start(rig);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
}

int main(void)
{
#define ON(how, test) cmocka_unit_test_setup_teardown(test, how, tear_down)
    const struct CMUnitTest tests[] = {
        ON(set_up, a_poll_gives_the_readings_of_a_device_and_its_phases_at_one_instant),
        ON(set_up_tcp, a_poll_gives_the_readings_of_a_device_and_its_phases_at_one_instant),
        ON(set_up, each_device_is_asked_at_its_own_speed),
        ON(set_up, a_silent_device_turns_stale_and_does_not_hold_up_the_other),
        ON(set_up, damage_is_counted_and_retried),
        ON(set_up, registers_a_device_does_not_have_are_left_out_and_the_rest_read),
        ON(set_up_tcp, registers_a_device_does_not_have_are_left_out_and_the_rest_read),
        ON(set_up, registers_are_handed_on_as_they_stand),
        ON(set_up, the_serial_number_is_read_once_and_told_to_each_part),
        ON(set_up_tcp, the_serial_number_is_read_once_and_told_to_each_part),
        ON(set_up, another_serial_number_after_a_failed_poll_is_another_meter),
        ON(set_up, a_misread_serial_number_is_no_other_meter),
        ON(set_up, a_device_that_tells_no_serial_number_is_polled_as_ever),
        ON(set_up, a_device_that_is_silent_when_asked_for_it_is_asked_twice),
        ON(set_up, after_a_reconnection_the_serial_number_is_read_again),
        ON(set_up_tcp, after_a_reconnection_the_serial_number_is_read_again),
        ON(set_up, a_pulled_plug_fails_the_devices_and_they_come_back),
        ON(set_up_tcp, a_pulled_plug_fails_the_devices_and_they_come_back),
        ON(set_up_tcp, a_dead_connection_is_made_anew),
        ON(set_up, devices_that_cannot_be_polled_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
