/* core/wire/mbus_master: scripted lines. Every time is made up; nothing waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire/mbus_master.h"

enum { BAUD = 2400, TIMEOUT_US = 500000, RETRIES = 2, ADDRESS = 5 };

/* A line with a master on it and a clock. */
struct line {
    struct hwt_mbus_master m;
    struct hwt_mbus_slave slave;
    int64_t now_us;
    uint8_t sent[16]; /* C fields of what the master sent */
    size_t count;
};

static const uint8_t ack[] = {0xE5};

static void begin(struct line *l, bool linked)
{
    memset(l, 0, sizeof(*l));
    l->now_us = 1000000000;
    l->slave.address = ADDRESS;
    l->slave.linked = linked;
    l->slave.fcb = true;
    hwt_mbus_master_init(&l->m, BAUD);
    hwt_mbus_master_start(&l->m, &l->slave, TIMEOUT_US, RETRIES, l->now_us);
}

/* Steps, moving the clock over waits of up to `patience_us` in all; notes what is sent. */
static enum hwt_mbus_step run(struct line *l, int64_t patience_us)
{
    int64_t end_us = l->now_us + patience_us;

    for (int i = 0; i < 1000; i++) {
        struct hwt_mbus_action a = hwt_mbus_master_step(&l->m, l->now_us);

        if (a.step == HWT_MBUS_STEP_SEND) {
            assert_int_equal(a.n, 5);
            assert_int_equal(a.octets[2], ADDRESS);
            assert_true(l->count < sizeof(l->sent));
            l->sent[l->count++] = a.octets[1];
            return a.step;
        }
        if (a.step == HWT_MBUS_STEP_DONE) {
            return a.step;
        }
        assert_true(a.wake_us > l->now_us);
        if (a.wake_us > end_us) {
            l->now_us = end_us;
            return HWT_MBUS_STEP_WAIT;
        }
        l->now_us = a.wake_us;
    }
    fail_msg("the master turns in a circle");
    return HWT_MBUS_STEP_DONE;
}

static void hear(struct line *l, const uint8_t *p, size_t n, int64_t after_us)
{
    l->now_us += after_us;
    hwt_mbus_master_feed(&l->m, p, n, l->now_us);
}

/* A reply of `a` with one octet of record data. Returns its size. */
static size_t reply(uint8_t a, uint8_t tag, uint8_t out[32])
{
    const uint8_t record[] = {0x01, 0x2B, tag};

    return (size_t)hwt_mbus_long_encode(0x08, a, 0x78, record, 3, out, 32);
}

static void a_first_read_out_resets_the_link_and_asks_with_the_frame_count_bit(void **state)
{
    struct line l;
    uint8_t buf[32];
    size_t n = reply(ADDRESS, 7, buf);

    (void)state;
    begin(&l, false);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, ack, 1, 30000);
    assert_int_equal(run(&l, 50000), HWT_MBUS_STEP_SEND);
    hear(&l, buf, n, 60000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.m.reply.a, ADDRESS);
    assert_int_equal(l.m.reply.size, n);
    assert_memory_equal(l.m.reply.octets, buf, n);
    assert_int_equal(l.count, 2);
    assert_int_equal(l.sent[0], 0x40);
    assert_int_equal(l.sent[1], 0x7B);
    assert_true(l.slave.linked);
    assert_int_equal(l.m.retried, 0);
}

static void the_frame_count_bit_turns_with_each_good_reply_only(void **state)
{
    static const uint8_t want[] = {0x7B, 0x5B, 0x5B, 0x7B};
    struct line l;
    uint8_t buf[32];
    size_t n = reply(ADDRESS, 7, buf);

    (void)state;
    begin(&l, true);
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            hwt_mbus_master_start(&l.m, &l.slave, TIMEOUT_US, RETRIES, l.now_us);
        }
        assert_int_equal(run(&l, 100000), HWT_MBUS_STEP_SEND);
        if (i == 1) { /* silence: the retry repeats the bit */
            assert_int_equal(run(&l, TIMEOUT_US + 100000), HWT_MBUS_STEP_SEND);
        }
        hear(&l, buf, n, 60000);
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
        assert_int_equal(l.m.result, 0);
        assert_int_equal(l.m.retried, i == 1);
    }
    assert_int_equal(l.count, 4);
    assert_memory_equal(l.sent, want, 4);
}

static void silence_ends_after_the_retries_and_unlinks(void **state)
{
    struct line l;
    int64_t start_us;

    (void)state;
    begin(&l, true);
    start_us = l.now_us;
    while (run(&l, 10000000) != HWT_MBUS_STEP_DONE) {
    }
    assert_int_equal(l.m.result, HWT_ERR_AGAIN);
    assert_int_equal(l.count, 1 + RETRIES);
    assert_int_equal(l.m.failed[-HWT_ERR_AGAIN], 1 + RETRIES);
    assert_int_equal(l.m.retried, RETRIES);
    assert_false(l.slave.linked);
    assert_in_range(l.now_us - start_us, 3 * TIMEOUT_US, 3 * TIMEOUT_US + 200000);
}

static void a_meter_that_never_acknowledges_is_asked_all_the_same(void **state)
{
    struct line l;
    uint8_t buf[32];

    (void)state;
    begin(&l, false);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    assert_int_equal(run(&l, TIMEOUT_US + 100000), HWT_MBUS_STEP_SEND);
    assert_int_equal(l.sent[1], 0x7B);
    hear(&l, buf, reply(ADDRESS, 7, buf), 60000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.m.retried, 0);
}

static void a_reply_in_pieces_of_any_size_equals_the_whole(void **state)
{
    uint8_t buf[32];
    size_t n = reply(ADDRESS, 7, buf);

    (void)state;
    for (size_t piece = 1; piece <= n; piece++) {
        struct line l;

        begin(&l, true);
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
        for (size_t at = 0; at < n; at += piece) {
            size_t k = n - at < piece ? n - at : piece;

            assert_int_equal(run(&l, 0), HWT_MBUS_STEP_WAIT);
            hear(&l, buf + at, k, 20000);
        }
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
        assert_int_equal(l.m.result, 0);
        assert_memory_equal(l.m.reply.octets, buf, n);
    }
}

/* Converters without echo suppression give back what was sent. */
static void echoes_of_the_own_requests_are_passed_over(void **state)
{
    struct line l;
    uint8_t nke[5], req[5], buf[32];

    (void)state;
    hwt_mbus_short_encode(0x40, ADDRESS, nke);
    hwt_mbus_short_encode(0x7B, ADDRESS, req);
    begin(&l, false);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, nke, 5, 20000);
    assert_int_equal(run(&l, 1000), HWT_MBUS_STEP_WAIT);
    hear(&l, ack, 1, 20000);
    assert_int_equal(run(&l, 100000), HWT_MBUS_STEP_SEND);
    hear(&l, req, 5, 20000);
    hear(&l, buf, reply(ADDRESS, 7, buf), 60000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.count, 2);
}

static void a_damaged_reply_is_asked_for_again_with_its_reason_counted(void **state)
{
    static const struct {
        size_t octet, keep;
        int reason;
        const char *why;
    } rows[] = {
        {8, 32, HWT_ERR_CHECKSUM, "data octet"},
        {0, 7, HWT_ERR_LENGTH, "cut off"},
        {1, 32, HWT_ERR_LENGTH, "first length"},
        {3, 32, HWT_ERR_SANITY, "second start"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line l;
        uint8_t good[32], bad[32];
        size_t n = reply(ADDRESS, 7, good);

        memcpy(bad, good, sizeof(bad));
        bad[rows[i].octet] ^= rows[i].keep == 32 ? 0x40 : 0;
        begin(&l, true);
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
        hear(&l, bad, n < rows[i].keep ? n : rows[i].keep, 60000);
        assert_int_equal(run(&l, 2 * TIMEOUT_US), HWT_MBUS_STEP_SEND);
        hear(&l, good, n, 60000);
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
        assert_int_equal(l.m.result, 0);
        if (l.m.failed[-rows[i].reason] != 1 || l.sent[0] != l.sent[1]) {
            fail_msg("%s: not counted as %s", rows[i].why, hwt_err_name(rows[i].reason));
        }
    }
}

static void foreign_answers_are_passed_over_and_named_if_nothing_else_comes(void **state)
{
    struct line l;
    uint8_t foreign[32], mine[32];
    size_t n = reply(ADDRESS + 1, 7, foreign);

    (void)state;
    begin(&l, true);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, foreign, n, 60000);
    hear(&l, mine, reply(ADDRESS, 7, mine), 60000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);

    begin(&l, true);
    while (run(&l, 10000000) == HWT_MBUS_STEP_SEND) {
        hear(&l, foreign, n, 60000);
    }
    assert_int_equal(l.m.result, HWT_ERR_NOT_MINE);
    assert_int_equal(l.m.failed[-HWT_ERR_NOT_MINE], 1 + RETRIES);
}

/* A converter that echoes, and somebody's order to the same meter: C tells requests from replies.
 */
static void a_long_frame_that_is_no_reply_is_passed_over(void **state)
{
    struct line l;
    uint8_t order[32], buf[32];
    int n = hwt_mbus_long_encode(0x53, ADDRESS, 0x51, ack, 1, order, sizeof(order));

    (void)state;
    begin(&l, true);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, order, (size_t)n, 20000);
    assert_int_equal(run(&l, 1000), HWT_MBUS_STEP_WAIT);
    hear(&l, buf, reply(ADDRESS, 7, buf), 60000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.m.reply.c, 0x08);
}

static void address_254_takes_the_answer_of_any_meter(void **state)
{
    struct line l;
    uint8_t buf[32];
    struct hwt_mbus_action a;

    (void)state;
    begin(&l, true);
    l.slave.address = HWT_MBUS_ADDRESS_ANY;
    a = hwt_mbus_master_step(&l.m, l.now_us);
    assert_int_equal(a.step, HWT_MBUS_STEP_SEND);
    assert_int_equal(a.octets[2], 0xFE);
    hear(&l, buf, reply(17, 7, buf), 60000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.m.reply.a, 17);
}

/* The first answer comes after its time-out, the meter answers the retry, too. */
static void late_and_double_answers_do_not_reach_the_next_request(void **state)
{
    struct line l;
    uint8_t late[32], second[32];
    size_t n = reply(ADDRESS, 1, late);

    (void)state;
    begin(&l, true);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    assert_int_equal(run(&l, TIMEOUT_US + 100000), HWT_MBUS_STEP_SEND);
    hear(&l, late, n, 10000); /* late: taken as the answer that it is */
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);

    hear(&l, late, n, 50000); /* the double, while nobody asks */
    hwt_mbus_master_start(&l.m, &l.slave, TIMEOUT_US, RETRIES, l.now_us);
    assert_int_equal(run(&l, 1000), HWT_MBUS_STEP_WAIT); /* not into the middle of it */
    hear(&l, late, n, 5000);
    assert_int_equal(run(&l, 10000), HWT_MBUS_STEP_WAIT);
    assert_int_equal(run(&l, 50000), HWT_MBUS_STEP_SEND);
    hear(&l, second, reply(ADDRESS, 2, second), 60000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.reply.data[2], 2);
    assert_int_equal(l.m.dropped, 2 * n);
}

static void noise_before_a_reply_is_skipped_at_once_or_at_the_gap(void **state)
{
    static const uint8_t noise[] = {0x00, 0xFF, 0x16, 0x68, 0xF0, 0xF0, 0x68};
    struct line l;
    uint8_t buf[32];
    size_t n = reply(ADDRESS, 7, buf);

    (void)state;
    begin(&l, true);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, noise, 3, 20000);
    hear(&l, buf, n, 20000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);

    begin(&l, true); /* the noise looks like the start of a long frame */
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, noise, 7, 20000);
    hear(&l, buf, n, 20000);
    assert_int_equal(run(&l, 50000), HWT_MBUS_STEP_WAIT);
    assert_int_equal(run(&l, 100000), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.count, 1);
}

static void a_line_stuck_at_one_octet_ends_the_request(void **state)
{
    static const uint8_t octets[] = {0x00, 0xE5, 0x68};

    (void)state;
    for (size_t k = 0; k < sizeof(octets); k++) {
        struct line l;
        uint8_t chunk[100];
        int steps = 0;

        memset(chunk, octets[k], sizeof(chunk));
        begin(&l, k != 1);
        while (run(&l, 10000) != HWT_MBUS_STEP_DONE) {
            hear(&l, chunk, sizeof(chunk), 1000);
            assert_true(++steps < 10000);
        }
        assert_int_not_equal(l.m.result, 0);
        assert_false(l.slave.linked);
    }
}

/* --- selections, orders, notices ------------------------------------------------------------- */

static struct hwt_mbus_action must_send(struct line *l)
{
    for (int i = 0; i < 1000; i++) {
        struct hwt_mbus_action a = hwt_mbus_master_step(&l->m, l->now_us);

        if (a.step != HWT_MBUS_STEP_WAIT) {
            assert_int_equal(a.step, HWT_MBUS_STEP_SEND);
            return a;
        }
        l->now_us = a.wake_us;
    }
    fail_msg("nothing is sent");
    return (struct hwt_mbus_action){0};
}

static void must_send_octets(struct line *l, const uint8_t *want, size_t n)
{
    struct hwt_mbus_action a = must_send(l);

    assert_int_equal(a.n, n);
    assert_memory_equal(a.octets, want, n);
}

static size_t identified_reply(uint8_t a, uint8_t id, uint8_t tag, uint8_t out[64])
{
    const uint8_t data[] = {id, 0x71, 0x33, 0x72, 0x2D, 0x2C, 0x40, 4, 0, 0, 0, 0, 0x01, 0x2B, tag};

    return (size_t)hwt_mbus_long_encode(0x08, a, 0x72, data, sizeof(data), out, 64);
}

static void begin_secondary(struct line *l, const struct hwt_mbus_order *order, unsigned orders,
                            unsigned retries)
{
    static const uint8_t select[] = {0x93, 0x71, 0x33, 0x72, 0xFF, 0xFF, 0xFF, 0xFF};
    struct hwt_mbus_task task = {.goal = HWT_MBUS_READ,
                                 .slave = &l->slave,
                                 .order = order,
                                 .orders = orders,
                                 .pause_us = 300000,
                                 .timeout_us = TIMEOUT_US,
                                 .retries = retries};

    memset(l, 0, sizeof(*l));
    l->now_us = 1000000000;
    l->slave.address = HWT_MBUS_ADDRESS_SELECTED;
    l->slave.select_size = sizeof(select);
    memcpy(l->slave.select, select, sizeof(select));
    hwt_mbus_master_init(&l->m, BAUD);
    hwt_mbus_master_begin(&l->m, &task, l->now_us);
}

/* The selection is that of the reference: 72337193, any maker. */
static const uint8_t select_72337193[] = {0x68, 0x0B, 0x0B, 0x68, 0x73, 0xFD, 0x52, 0x93, 0x71,
                                          0x33, 0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0x67, 0x16};

static void a_secondary_address_is_selected_and_then_asked_at_253(void **state)
{
    struct line l;
    uint8_t buf[64];

    (void)state;
    begin_secondary(&l, NULL, 0, RETRIES);
    must_send_octets(&l, select_72337193, sizeof(select_72337193));
    hear(&l, ack, 1, 100000);
    must_send_octets(&l, (const uint8_t[]){0x10, 0x7B, 0xFD, 0x78, 0x16}, 5);
    hear(&l, buf, identified_reply(7, 0x93, 1, buf), 100000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.m.reply.a, 7);
    assert_true(l.m.chosen);
    hwt_mbus_master_start(&l.m, &l.slave, TIMEOUT_US, RETRIES, l.now_us); /* the next telegram */
    must_send_octets(&l, (const uint8_t[]){0x10, 0x5B, 0xFD, 0x58, 0x16}, 5);
}

/* EN 13757-3, enhanced selection: the record of the fabrication number behind the eight octets. */
static void twins_are_told_apart_by_their_fabrication_number(void **state)
{
    static const uint8_t number[] = {0x0C, 0x78, 0x21, 0x43, 0x65, 0x87};
    static const uint8_t want[] = {0x68, 0x11, 0x11, 0x68, 0x73, 0xFD, 0x52, 0x93,
                                   0x71, 0x33, 0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0x0C,
                                   0x78, 0x21, 0x43, 0x65, 0x87, 0x3B, 0x16};
    struct line l;
    uint8_t buf[64];

    (void)state;
    begin_secondary(&l, NULL, 0, RETRIES);
    memcpy(l.slave.select + HWT_MBUS_SELECT_SIZE, number, sizeof(number));
    l.slave.select_size = HWT_MBUS_SELECT_ENHANCED;
    must_send_octets(&l, want, sizeof(want));
    hear(&l, ack, 1, 100000);
    must_send_octets(&l, (const uint8_t[]){0x10, 0x7B, 0xFD, 0x78, 0x16}, 5);
    hear(&l, buf, identified_reply(7, 0x93, 1, buf), 100000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.m.reply.a, 7);
}

static void a_selection_nobody_takes_is_silence_and_the_next_begins_with_a_deselection(void **state)
{
    struct line l;

    (void)state;
    begin_secondary(&l, NULL, 0, 1);
    must_send_octets(&l, select_72337193, sizeof(select_72337193));
    must_send_octets(&l, select_72337193, sizeof(select_72337193));
    assert_int_equal(run(&l, 10000000), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, HWT_ERR_AGAIN);
    assert_false(l.m.chosen);
    hwt_mbus_master_start(&l.m, &l.slave, TIMEOUT_US, 1, l.now_us);
    must_send_octets(&l, (const uint8_t[]){0x10, 0x40, 0xFD, 0x3D, 0x16}, 5);
    must_send_octets(&l, select_72337193, sizeof(select_72337193)); /* without an answer, too */
}

static void an_answer_of_another_meter_at_253_is_foreign(void **state)
{
    struct line l;
    uint8_t buf[64];

    (void)state;
    begin_secondary(&l, NULL, 0, RETRIES);
    (void)must_send(&l);
    hear(&l, ack, 1, 100000);
    (void)must_send(&l);
    hear(&l, buf, identified_reply(7, 0x94, 1, buf), 100000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_WAIT);
    assert_int_equal(l.m.notice[HWT_MBUS_FOREIGN], 1);
    hear(&l, buf, identified_reply(7, 0x93, 1, buf), 10000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
}

static void a_spoilt_acknowledgement_of_a_selection_is_a_collision(void **state)
{
    static const uint8_t spoilt[] = {0xC5, 0xE5};
    struct line l;

    (void)state;
    begin_secondary(&l, NULL, 0, 0);
    (void)must_send(&l);
    hear(&l, spoilt, 2, 100000);
    assert_int_equal(run(&l, 1000000), HWT_MBUS_STEP_DONE);
    assert_int_not_equal(l.m.result, HWT_ERR_AGAIN);
    assert_int_equal(l.m.collision, HWT_MBUS_SPOILT_ACK);
}

/* Sontex page 3 as the reference prints it, but for the frame count bit: set after SND_NKE. */
static void orders_are_given_before_the_request_and_their_bit_turns_apart(void **state)
{
    static const struct hwt_mbus_order orders[] = {{2, {0x50, 0x10}},
                                                   {5, {0x51, 0x01, 0xFF, 0x08, 0x03}}};
    static const uint8_t reset[] = {0x68, 4, 4, 0x68, 0x73, 5, 0x50, 0x10, 0xD8, 0x16};
    static const uint8_t page[] = {0x68, 7,    7,    0x68, 0x53, 5,   0x51,
                                   0x01, 0xFF, 0x08, 0x03, 0xB4, 0x16};
    struct line l;
    struct hwt_mbus_task task = {.goal = HWT_MBUS_READ,
                                 .order = orders,
                                 .orders = 2,
                                 .pause_us = 300000,
                                 .timeout_us = TIMEOUT_US,
                                 .retries = RETRIES};
    uint8_t buf[64];
    int64_t acked_us;

    (void)state;
    begin(&l, false);
    task.slave = &l.slave;
    hwt_mbus_master_begin(&l.m, &task, l.now_us);
    must_send_octets(&l, (const uint8_t[]){0x10, 0x40, 5, 0x45, 0x16}, 5);
    hear(&l, ack, 1, 100000);
    must_send_octets(&l, reset, sizeof(reset));
    must_send_octets(&l, reset, sizeof(reset)); /* the retry repeats the bit */
    hear(&l, ack, 1, 100000);
    acked_us = l.now_us;
    must_send_octets(&l, page, sizeof(page));
    assert_true(l.now_us >= acked_us + 300000);
    hear(&l, ack, 1, 100000);
    must_send_octets(&l, (const uint8_t[]){0x10, 0x7B, 5, 0x80, 0x16}, 5);
    hear(&l, buf, identified_reply(5, 0x93, 1, buf), 100000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
    assert_int_equal(l.m.retried, 1);
}

static void a_ping_ends_with_the_acknowledgement_or_silence(void **state)
{
    struct hwt_mbus_slave slave = {.address = 17};
    struct hwt_mbus_task task = {
        .goal = HWT_MBUS_PING, .slave = &slave, .timeout_us = TIMEOUT_US, .retries = 0};
    struct line l;

    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        begin(&l, false);
        hwt_mbus_master_begin(&l.m, &task, l.now_us);
        must_send_octets(&l, (const uint8_t[]){0x10, 0x40, 17, 0x51, 0x16}, 5);
        if (answers) {
            hear(&l, ack, 1, 50000);
        }
        assert_int_equal(run(&l, 1000000), HWT_MBUS_STEP_DONE);
        assert_int_equal(l.m.result, answers ? 0 : HWT_ERR_AGAIN);
    }
}

static void an_order_alone_ends_with_its_acknowledgement(void **state)
{
    static const struct hwt_mbus_order address = {4, {0x51, 0x01, 0x7A, 0x64}};
    struct hwt_mbus_slave slave = {.address = 254, .linked = true};
    struct hwt_mbus_task task = {.goal = HWT_MBUS_TELL,
                                 .slave = &slave,
                                 .order = &address,
                                 .orders = 1,
                                 .timeout_us = TIMEOUT_US};
    struct line l;

    (void)state;
    begin(&l, false);
    hwt_mbus_master_begin(&l.m, &task, l.now_us);
    must_send_octets(
        &l, (const uint8_t[]){0x68, 6, 6, 0x68, 0x53, 0xFE, 0x51, 1, 0x7A, 0x64, 0x81, 0x16}, 12);
    hear(&l, ack, 1, 50000);
    assert_int_equal(run(&l, 1000), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.result, 0);
}

static void echoes_and_strays_are_counted_by_what_they_are(void **state)
{
    struct line l;
    uint8_t req[5], buf[64], other[64];
    size_t n = identified_reply(ADDRESS, 0x93, 1, buf);

    (void)state;
    hwt_mbus_short_encode(0x7B, ADDRESS, req);
    begin(&l, true);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, req, 5, 20000);
    hear(&l, buf, n, 100000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    assert_int_equal(l.m.notice[HWT_MBUS_ECHO], 1);
    hear(&l, buf, n, 10000);                                                /* once more */
    hear(&l, other, identified_reply(ADDRESS + 1, 0x94, 1, other), 100000); /* not asked */
    hwt_mbus_master_start(&l.m, &l.slave, TIMEOUT_US, RETRIES, l.now_us);
    assert_int_equal(run(&l, 200000), HWT_MBUS_STEP_SEND);
    assert_int_equal(l.m.notice[HWT_MBUS_LATE], 1);
    assert_int_equal(l.m.notice[HWT_MBUS_FOREIGN], 1);
    assert_int_equal(l.m.notice[HWT_MBUS_COLLISION], 0);
}

/* The same octets before the request can have been sent: the answer to the one before. */
static void an_answer_too_early_waits_for_a_better_one(void **state)
{
    struct line l;
    uint8_t buf[64], fresh[64];
    size_t n = identified_reply(ADDRESS, 0x93, 1, buf);
    size_t k = identified_reply(ADDRESS, 0x93, 2, fresh);

    (void)state;
    for (int better = 0; better < 2; better++) {
        begin(&l, true);
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
        hear(&l, buf, n, 100000);
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
        hwt_mbus_master_start(&l.m, &l.slave, TIMEOUT_US, RETRIES, l.now_us);
        assert_int_equal(run(&l, 200000), HWT_MBUS_STEP_SEND);
        hear(&l, buf, n, 1000);
        assert_int_equal(run(&l, 10000), HWT_MBUS_STEP_WAIT);
        if (better) {
            hear(&l, fresh, k, 50000);
        }
        assert_int_equal(run(&l, better ? 0 : 200000), HWT_MBUS_STEP_DONE);
        assert_int_equal(l.m.result, 0);
        assert_int_equal(l.m.reply.data[14], better ? 2 : 1);
        assert_int_equal(l.m.notice[HWT_MBUS_LATE], better);
    }
}

static void two_meters_at_one_address_are_told_from_noise(void **state)
{
    struct line l;
    uint8_t buf[64], other[64];
    size_t n = identified_reply(ADDRESS, 0x93, 1, buf);

    (void)state;
    begin(&l, true); /* one after the other */
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    hear(&l, buf, n, 100000);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_DONE);
    hear(&l, other, identified_reply(ADDRESS, 0x94, 1, other), 20000);
    hwt_mbus_master_start(&l.m, &l.slave, TIMEOUT_US, RETRIES, l.now_us);
    assert_int_equal(run(&l, 200000), HWT_MBUS_STEP_SEND);
    assert_int_equal(l.m.collision, HWT_MBUS_TWO_IDENTITIES);

    for (int noise = 0; noise < 2; noise++) { /* at once: the same damage each time, or not */
        begin(&l, true);
        for (unsigned i = 0; i <= RETRIES; i++) {
            assert_int_equal(run(&l, 1000000), HWT_MBUS_STEP_SEND);
            (void)identified_reply(ADDRESS, 0x93, 1, buf);
            buf[10] &= 0x11;
            buf[noise ? 12 + i : 12] ^= 0x20;
            hear(&l, buf, n, 100000);
        }
        assert_int_equal(run(&l, 1000000), HWT_MBUS_STEP_DONE);
        assert_int_equal(l.m.result, HWT_ERR_CHECKSUM);
        assert_int_equal(l.m.collision, noise ? HWT_MBUS_NO_COLLISION : HWT_MBUS_SAME_DAMAGE);
        assert_int_equal(l.m.notice[HWT_MBUS_COLLISION], noise ? 0 : RETRIES);
    }
}

static void a_line_that_babbles_tells_the_octet_it_is_stuck_at(void **state)
{
    struct line l;
    uint8_t chunk[50];

    (void)state;
    memset(chunk, 0, sizeof(chunk));
    begin(&l, true);
    hear(&l, chunk, sizeof(chunk), 0);
    while (run(&l, 5000) != HWT_MBUS_STEP_DONE) {
        hear(&l, chunk, sizeof(chunk), 1000);
    }
    assert_int_equal(l.m.result, HWT_ERR_SANITY);
    assert_int_equal(l.m.notice[HWT_MBUS_BABBLE], 1 + RETRIES);
    assert_int_equal(l.m.stuck, 0x00);
    assert_int_equal(l.count, 0);
}

/* Long before the time an answer may take is over: no frame has so many of one octet in a row. */
static void a_line_that_sticks_while_an_answer_is_awaited_is_told_soon_and_forgotten(void **state)
{
    static const uint8_t octets[] = {0x00, 0xE5, 0x68, 0x10, 0x16, 0xFF};

    (void)state;
    for (size_t i = 0; i < sizeof(octets); i++) {
        struct line l;
        uint8_t chunk[50], buf[64];
        size_t n = identified_reply(ADDRESS, 0x93, 1, buf), heard = 0;

        memset(chunk, octets[i], sizeof(chunk));
        begin(&l, true);
        assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
        while (l.m.notice[HWT_MBUS_BABBLE] == 0 && heard < 2 * HWT_MBUS_FRAME_MAX) {
            hear(&l, chunk, sizeof(chunk), 1000);
            (void)run(&l, 0);
            heard += sizeof(chunk);
        }
        print_message("# stuck at %02X\n", octets[i]);
        assert_int_equal(l.m.notice[HWT_MBUS_BABBLE], 1);
        assert_int_equal(l.m.stuck, octets[i]);
        assert_int_equal(run(&l, 1000000), HWT_MBUS_STEP_SEND); /* silent: the next attempt */
        hear(&l, buf, n, 100000);
        assert_int_equal(run(&l, 1000000), HWT_MBUS_STEP_DONE);
        assert_int_equal(l.m.result, 0);
        assert_int_equal(l.m.collision, HWT_MBUS_NO_COLLISION);
    }
}

/* Nothing was asked, so nothing was answered: what an earlier attempt heard is no damage again. */
static void a_line_that_babbles_after_a_damaged_answer_is_no_collision(void **state)
{
    struct line l;
    uint8_t buf[64], chunk[50];
    size_t n = identified_reply(ADDRESS, 0x93, 1, buf);

    (void)state;
    memset(chunk, 0xE5, sizeof(chunk));
    begin(&l, true);
    assert_int_equal(run(&l, 0), HWT_MBUS_STEP_SEND);
    buf[10] ^= 0x20;
    hear(&l, buf, n, 100000);
    while (run(&l, 5000) != HWT_MBUS_STEP_DONE) {
        hear(&l, chunk, sizeof(chunk), 1000);
    }
    assert_int_equal(l.m.failed[-HWT_ERR_CHECKSUM], 1);
    assert_int_equal(l.m.notice[HWT_MBUS_BABBLE], 1 + RETRIES);
    assert_int_equal(l.m.stuck, 0xE5);
    assert_int_equal(l.m.collision, HWT_MBUS_NO_COLLISION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_read_out_resets_the_link_and_asks_with_the_frame_count_bit),
        cmocka_unit_test(the_frame_count_bit_turns_with_each_good_reply_only),
        cmocka_unit_test(silence_ends_after_the_retries_and_unlinks),
        cmocka_unit_test(a_meter_that_never_acknowledges_is_asked_all_the_same),
        cmocka_unit_test(a_reply_in_pieces_of_any_size_equals_the_whole),
        cmocka_unit_test(echoes_of_the_own_requests_are_passed_over),
        cmocka_unit_test(a_damaged_reply_is_asked_for_again_with_its_reason_counted),
        cmocka_unit_test(foreign_answers_are_passed_over_and_named_if_nothing_else_comes),
        cmocka_unit_test(a_long_frame_that_is_no_reply_is_passed_over),
        cmocka_unit_test(address_254_takes_the_answer_of_any_meter),
        cmocka_unit_test(late_and_double_answers_do_not_reach_the_next_request),
        cmocka_unit_test(noise_before_a_reply_is_skipped_at_once_or_at_the_gap),
        cmocka_unit_test(a_line_stuck_at_one_octet_ends_the_request),
        cmocka_unit_test(a_secondary_address_is_selected_and_then_asked_at_253),
        cmocka_unit_test(twins_are_told_apart_by_their_fabrication_number),
        cmocka_unit_test(
            a_selection_nobody_takes_is_silence_and_the_next_begins_with_a_deselection),
        cmocka_unit_test(an_answer_of_another_meter_at_253_is_foreign),
        cmocka_unit_test(a_spoilt_acknowledgement_of_a_selection_is_a_collision),
        cmocka_unit_test(orders_are_given_before_the_request_and_their_bit_turns_apart),
        cmocka_unit_test(a_ping_ends_with_the_acknowledgement_or_silence),
        cmocka_unit_test(an_order_alone_ends_with_its_acknowledgement),
        cmocka_unit_test(echoes_and_strays_are_counted_by_what_they_are),
        cmocka_unit_test(an_answer_too_early_waits_for_a_better_one),
        cmocka_unit_test(two_meters_at_one_address_are_told_from_noise),
        cmocka_unit_test(a_line_that_babbles_tells_the_octet_it_is_stuck_at),
        cmocka_unit_test(a_line_that_sticks_while_an_answer_is_awaited_is_told_soon_and_forgotten),
        cmocka_unit_test(a_line_that_babbles_after_a_damaged_answer_is_no_collision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
