/* core/wire/modbus_master: scripted lines. Every time is made up; nothing waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire/modbus_master.h"

enum { BAUD = 9600, TIMEOUT_US = 500000, RETRIES = 2, UNIT = 5, SILENCE_US = 200000 };

/* A line with a master on it and a clock. */
struct line {
    struct hwt_modbus_master m;
    int64_t now_us;
    uint8_t sent[16][HWT_MODBUS_REQUEST_MAX]; /* what the master sent */
    int64_t sent_us[16];
    size_t count;
};

static const struct hwt_modbus_request volts = {UNIT, 4, 0, 2}, power = {UNIT, 4, 12, 2},
                                       energy = {UNIT, 4, 72, 4};

static void begin(struct line *l, enum hwt_modbus_transport transport)
{
    memset(l, 0, sizeof(*l));
    l->now_us = 1000000000;
    hwt_modbus_master_init(&l->m, transport, BAUD);
}

static void ask(struct line *l, const struct hwt_modbus_request *request)
{
    assert_int_equal(hwt_modbus_master_start(&l->m, request, TIMEOUT_US, RETRIES, l->now_us), 0);
}

/* Steps, moving the clock over waits of up to `patience_us` in all; notes what is sent. */
static enum hwt_modbus_step run(struct line *l, int64_t patience_us)
{
    int64_t end_us = l->now_us + patience_us;

    for (int i = 0; i < 1000; i++) {
        struct hwt_modbus_action a = hwt_modbus_master_step(&l->m, l->now_us);

        if (a.step == HWT_MODBUS_STEP_SEND) {
            assert_true(l->count < 16);
            memcpy(l->sent[l->count], a.octets, a.n);
            l->sent_us[l->count++] = l->now_us;
            return a.step;
        }
        if (a.step == HWT_MODBUS_STEP_DONE) {
            return a.step;
        }
        assert_true(a.wake_us > l->now_us);
        if (a.wake_us > end_us) {
            l->now_us = end_us;
            return HWT_MODBUS_STEP_WAIT;
        }
        l->now_us = a.wake_us;
    }
    fail_msg("the master turns in a circle");
    return HWT_MODBUS_STEP_DONE;
}

static void hear(struct line *l, const uint8_t *p, size_t n, int64_t after_us)
{
    l->now_us += after_us;
    hwt_modbus_master_feed(&l->m, p, n, l->now_us);
}

/* An RTU reply of `registers` registers, each holding `tag`. Returns its size. */
static size_t reply(uint8_t unit, unsigned registers, uint8_t tag, uint8_t *out)
{
    size_t n = 3 + 2 * registers;
    uint16_t crc;

    out[0] = unit;
    out[1] = 4;
    out[2] = (uint8_t)(2 * registers);
    memset(out + 3, tag, 2 * registers);
    crc = hwt_modbus_crc(out, n);
    out[n] = (uint8_t)crc;
    out[n + 1] = (uint8_t)(crc >> 8);
    return n + 2;
}

static size_t refuse(uint8_t unit, uint8_t code, uint8_t *out)
{
    uint16_t crc;

    out[0] = unit;
    out[1] = 0x84;
    out[2] = code;
    crc = hwt_modbus_crc(out, 3);
    out[3] = (uint8_t)crc;
    out[4] = (uint8_t)(crc >> 8);
    return 5;
}

static void expect_ok(struct line *l, uint8_t tag)
{
    assert_int_equal(run(l, 0), HWT_MODBUS_STEP_DONE);
    assert_int_equal(l->m.result, HWT_MODBUS_OK);
    assert_int_equal(l->m.registers[0], tag);
    assert_int_equal(l->m.registers[2 * l->m.request.count - 1], tag);
}

static void a_reply_is_taken_as_soon_as_its_last_octet_came(void **state)
{
    struct line l;
    uint8_t buf[32];
    size_t n = reply(UNIT, 2, 7, buf);

    (void)state;
    for (size_t piece = 1; piece <= n; piece++) {
        begin(&l, HWT_MODBUS_RTU);
        ask(&l, &volts);
        assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
        for (size_t at = 0; at < n; at += piece) {
            assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_WAIT);
            hear(&l, buf + at, piece < n - at ? piece : n - at, 10000);
        }
        expect_ok(&l, 7);
        assert_int_equal(l.m.retried, 0);
        assert_int_equal(l.m.dropped, 0);
    }
}

static void requests_are_three_and_a_half_characters_apart(void **state)
{
    static const struct {
        unsigned baud;
        int64_t rest_us;
    } rows[] = {{2400, 16041}, {9600, 4010}, {19200, 2005}, {38400, 1750}, {115200, 1750}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line l;
        uint8_t buf[32];
        size_t n = reply(UNIT, 2, 7, buf);
        int64_t heard_us;

        begin(&l, HWT_MODBUS_RTU);
        hwt_modbus_master_set_baud(&l.m, rows[i].baud);
        ask(&l, &volts);
        assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
        hear(&l, buf, n, 30000);
        heard_us = l.now_us;
        expect_ok(&l, 7);
        ask(&l, &power);
        assert_int_equal(run(&l, 50000), HWT_MODBUS_STEP_SEND);
        assert_true(l.sent_us[1] - heard_us >= rows[i].rest_us);
        assert_true(l.sent_us[1] - heard_us < rows[i].rest_us + 2000);
    }
}

static void silence_is_retried_and_then_a_time_out(void **state)
{
    struct line l;

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    ask(&l, &volts);
    for (int i = 0; i <= RETRIES; i++) {
        assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_SEND);
    }
    assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_DONE);
    assert_int_equal(l.m.result, HWT_MODBUS_TIMEOUT);
    assert_int_equal(l.m.seen[HWT_MODBUS_TIMEOUT], RETRIES + 1);
    assert_int_equal(l.m.retried, RETRIES);
}

static void what_came_instead_of_an_answer_is_the_reason(void **state)
{
    static const struct {
        uint8_t said[16], n;
        enum hwt_modbus_reason reason;
        const char *why;
    } rows[] = {
        {{UNIT, 4, 4, 7, 7, 7, 7, 0, 0}, 9, HWT_MODBUS_CRC, "a wrong checksum"},
        {{UNIT, 4, 4, 7, 7}, 5, HWT_MODBUS_SHORT, "cut off"},
        {{0x55, 0xAA, 0x00}, 3, HWT_MODBUS_NOISE, "nothing of Modbus"},
        {{0xFF}, 1, HWT_MODBUS_NOISE, "one octet"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line l;

        print_message("# %s\n", rows[i].why);
        begin(&l, HWT_MODBUS_RTU);
        ask(&l, &volts);
        for (int k = 0; k <= RETRIES; k++) {
            assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_SEND);
            hear(&l, rows[i].said, rows[i].n, 20000);
        }
        assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_DONE);
        assert_int_equal(l.m.result, rows[i].reason);
        assert_int_equal(l.m.seen[rows[i].reason], RETRIES + 1);
        assert_int_equal(l.m.seen[HWT_MODBUS_TIMEOUT], 0);
        assert_true(l.m.dropped > 0);
    }
}

static void noise_echoes_and_foreign_answers_are_passed_over(void **state)
{
    static const uint8_t noise[] = {0x00, 0xFF, 0x55};
    struct line l;
    uint8_t buf[32];

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    ask(&l, &volts);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    hear(&l, noise, sizeof(noise), 1000);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_WAIT);
    hear(&l, l.sent[0], 8, 1000);
    hear(&l, buf, reply(UNIT + 1, 2, 9, buf), 10000);
    hear(&l, buf, reply(UNIT, 2, 7, buf), 10000);
    expect_ok(&l, 7);
    assert_int_equal(l.m.seen[HWT_MODBUS_ECHO], 1);
    assert_int_equal(l.m.seen[HWT_MODBUS_FOREIGN], 1);
    assert_int_equal(l.m.seen[HWT_MODBUS_NOISE], 1);
    assert_int_equal(l.count, 1);
}

static void an_adapter_that_only_hears_itself_is_named(void **state)
{
    struct line l;

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    ask(&l, &volts);
    for (int i = 0; i <= RETRIES; i++) {
        assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_SEND);
        for (size_t k = 0; k < 8; k++) { /* octet by octet: half an echo is not yet noise */
            hear(&l, l.sent[0] + k, 1, 1000);
            assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_WAIT);
        }
    }
    assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_DONE);
    assert_int_equal(l.m.result, HWT_MODBUS_ECHO);
    assert_int_equal(l.m.seen[HWT_MODBUS_ECHO], RETRIES + 1);
}

static void a_unit_that_answers_for_another_is_foreign(void **state)
{
    struct line l;
    uint8_t buf[32];

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    ask(&l, &volts);
    for (int i = 0; i <= RETRIES; i++) {
        assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_SEND);
        hear(&l, buf, reply(UNIT + 1, 2, 9, buf), 20000);
    }
    assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_DONE);
    assert_int_equal(l.m.result, HWT_MODBUS_FOREIGN);
}

static void a_refusal_ends_the_request_unless_the_device_is_busy(void **state)
{
    static const struct {
        uint8_t code;
        size_t sent;
    } rows[] = {{1, 1}, {2, 1}, {3, 1}, {4, 1}, {6, RETRIES + 1}, {11, RETRIES + 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line l;
        uint8_t buf[32];

        begin(&l, HWT_MODBUS_RTU);
        ask(&l, &volts);
        while (run(&l, TIMEOUT_US) == HWT_MODBUS_STEP_SEND) {
            hear(&l, buf, refuse(UNIT, rows[i].code, buf), 20000);
        }
        assert_int_equal(l.m.result, HWT_MODBUS_EXCEPTION);
        assert_int_equal(l.m.exception, rows[i].code);
        assert_int_equal(l.count, rows[i].sent);
    }
}

static void a_late_answer_is_never_taken_for_that_of_other_registers(void **state)
{
    struct line l;
    uint8_t buf[32];

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    assert_int_equal(hwt_modbus_master_start(&l.m, &volts, TIMEOUT_US, 0, l.now_us), 0);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_DONE);
    assert_int_equal(l.m.result, HWT_MODBUS_TIMEOUT);
    ask(&l, &power); /* as many registers, by the same function, of the same unit */
    assert_int_equal(run(&l, 100000), HWT_MODBUS_STEP_WAIT);
    hear(&l, buf, reply(UNIT, 2, 9, buf), 1000);
    assert_int_equal(run(&l, TIMEOUT_US), HWT_MODBUS_STEP_SEND);
    assert_int_equal(l.m.seen[HWT_MODBUS_LATE], 1);
    hear(&l, buf, reply(UNIT, 2, 7, buf), 20000);
    expect_ok(&l, 7);
}

static void a_late_answer_of_another_length_is_passed_over(void **state)
{
    struct line l;
    uint8_t buf[32];

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    assert_int_equal(hwt_modbus_master_start(&l.m, &volts, TIMEOUT_US, 0, l.now_us), 0);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_DONE);
    ask(&l, &energy);
    assert_int_equal(run(&l, 10000), HWT_MODBUS_STEP_SEND);
    hear(&l, buf, reply(UNIT, 2, 9, buf), 1000);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_WAIT);
    hear(&l, buf, reply(UNIT, 4, 7, buf), 20000);
    expect_ok(&l, 7);
    assert_int_equal(l.m.seen[HWT_MODBUS_LATE], 1);
}

/* The answer to a first attempt serves the second; that of the second must not serve what follows.
 */
static void after_a_retry_the_second_answer_is_awaited(void **state)
{
    struct line l;
    uint8_t buf[32];

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    ask(&l, &volts);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    assert_int_equal(run(&l, TIMEOUT_US + SILENCE_US), HWT_MODBUS_STEP_SEND);
    hear(&l, buf, reply(UNIT, 2, 7, buf), 1000);
    expect_ok(&l, 7);
    ask(&l, &power);
    assert_int_equal(run(&l, 100000), HWT_MODBUS_STEP_WAIT);
    hear(&l, buf, reply(UNIT, 2, 8, buf), 0);
    assert_int_equal(run(&l, TIMEOUT_US), HWT_MODBUS_STEP_SEND);
    hear(&l, buf, reply(UNIT, 2, 9, buf), 20000);
    expect_ok(&l, 9);
}

static void a_line_that_is_never_silent_ends_the_request(void **state)
{
    struct line l;
    int64_t begun_us;

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    ask(&l, &volts);
    begun_us = l.now_us;
    while (run(&l, 500) != HWT_MODBUS_STEP_DONE) {
        uint8_t octet = (uint8_t)l.now_us;

        hear(&l, &octet, 1, 500);
        assert_true(l.now_us - begun_us < 20000000);
    }
    assert_int_equal(l.m.result, HWT_MODBUS_BABBLE);
}

static void an_answer_that_comes_twice_is_counted_and_harms_no_request(void **state)
{
    struct line l;
    uint8_t buf[32], glitch = 0;
    size_t n = reply(UNIT, 2, 7, buf);

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    for (unsigned i = 0; i < 4; i++) {
        ask(&l, &volts);
        assert_int_equal(run(&l, SILENCE_US), HWT_MODBUS_STEP_SEND);
        assert_int_equal(l.m.seen[HWT_MODBUS_LATE], i == 1 || i == 2);
        hear(&l, buf, n, 30000);
        expect_ok(&l, 7);
        if (i < 2) {
            hear(&l, buf, n, 20000);
        } else {
            hear(&l, &glitch, 1, 100); /* a driver lets go of the line */
        }
    }
}

static void tcp_needs_no_silence_and_tells_answers_by_transaction(void **state)
{
    uint8_t frame[] = {0, 1, 0, 0, 0, 7, UNIT, 4, 4, 7, 7, 7, 7};
    struct line l;

    (void)state;
    begin(&l, HWT_MODBUS_TCP);
    ask(&l, &volts);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    assert_int_equal(l.sent[0][1], 1);
    assert_int_equal(run(&l, TIMEOUT_US), HWT_MODBUS_STEP_SEND);
    assert_int_equal(l.sent[1][1], 2);
    hear(&l, frame, sizeof(frame), 1000); /* of the first attempt */
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_WAIT);
    frame[1] = 2;
    memset(frame + 9, 8, 4);
    hear(&l, frame, 6, 1000);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_WAIT);
    hear(&l, frame + 6, sizeof(frame) - 6, 1000);
    expect_ok(&l, 8);
    assert_int_equal(l.m.seen[HWT_MODBUS_LATE], 1);
    ask(&l, &power);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    assert_int_equal(l.sent_us[2], l.now_us);
}

static void a_tcp_frame_that_comes_between_two_requests_does_not_shift_the_stream(void **state)
{
    uint8_t frame[] = {0, 1, 0, 0, 0, 7, UNIT, 4, 4, 7, 7, 7, 7};
    struct line l;

    (void)state;
    begin(&l, HWT_MODBUS_TCP);
    ask(&l, &volts);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    hear(&l, frame, sizeof(frame), 1000);
    hear(&l, frame, 5, 0); /* once more, in two parts */
    expect_ok(&l, 7);
    hear(&l, frame + 5, sizeof(frame) - 5, 1000);
    ask(&l, &power);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    frame[1] = 2;
    memset(frame + 9, 9, 4);
    hear(&l, frame, sizeof(frame), 1000);
    expect_ok(&l, 9);
    assert_int_equal(l.m.seen[HWT_MODBUS_LATE], 1);
}

static void a_tcp_stream_that_is_no_modbus_is_given_up_at_once(void **state)
{
    struct line l;

    (void)state;
    begin(&l, HWT_MODBUS_TCP);
    ask(&l, &volts);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_SEND);
    hear(&l, (const uint8_t *)"HTTP/1.1 400", 12, 1000);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_DONE);
    assert_int_equal(l.m.result, HWT_MODBUS_NOISE);
}

static void a_request_that_cannot_be_sent_is_refused(void **state)
{
    static const struct hwt_modbus_request many = {UNIT, 4, 0, 126};
    struct line l;

    (void)state;
    begin(&l, HWT_MODBUS_RTU);
    assert_int_equal(hwt_modbus_master_start(&l.m, &many, TIMEOUT_US, 0, l.now_us),
                     HWT_ERR_ARGUMENT);
    assert_int_equal(run(&l, 0), HWT_MODBUS_STEP_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_taken_as_soon_as_its_last_octet_came),
        cmocka_unit_test(requests_are_three_and_a_half_characters_apart),
        cmocka_unit_test(silence_is_retried_and_then_a_time_out),
        cmocka_unit_test(what_came_instead_of_an_answer_is_the_reason),
        cmocka_unit_test(noise_echoes_and_foreign_answers_are_passed_over),
        cmocka_unit_test(an_adapter_that_only_hears_itself_is_named),
        cmocka_unit_test(a_unit_that_answers_for_another_is_foreign),
        cmocka_unit_test(a_refusal_ends_the_request_unless_the_device_is_busy),
        cmocka_unit_test(a_late_answer_is_never_taken_for_that_of_other_registers),
        cmocka_unit_test(a_late_answer_of_another_length_is_passed_over),
        cmocka_unit_test(after_a_retry_the_second_answer_is_awaited),
        cmocka_unit_test(a_line_that_is_never_silent_ends_the_request),
        cmocka_unit_test(an_answer_that_comes_twice_is_counted_and_harms_no_request),
        cmocka_unit_test(tcp_needs_no_silence_and_tells_answers_by_transaction),
        cmocka_unit_test(a_tcp_frame_that_comes_between_two_requests_does_not_shift_the_stream),
        cmocka_unit_test(a_tcp_stream_that_is_no_modbus_is_given_up_at_once),
        cmocka_unit_test(a_request_that_cannot_be_sent_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
