/* daemon/drivers/mbus on a pseudo-terminal: meters played by the test, time of the clock made up.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/wire/mbus.h"
#include "daemon/drivers/mbus.h"
#include "daemon/drivers/serial.h"
#include "tests/drivers/driver_rig.h"
#include "tests/drivers/made_time.h"

enum mood { WELL, SILENT, GARBLED, BUSY, CHAINED, STRANGE, TWINS, EXCHANGED };
enum { METERS = 2, THIRD = METERS, STATUSES, TIMEOUT_MS = 100 };

/* A bus with two meters, 5 and 6, and the other end of the wire. */
struct rig {
    struct driver_rig base;
    struct mbus_bus *bus;
    struct status *status[STATUSES]; /* the third: of a meter that a test adds */
    enum mood mood[METERS];
    uint8_t got[16];
    size_t got_n;
    unsigned asked[METERS], reset[METERS];
    bool fcb[METERS];
    speed_t speed[METERS];    /* at which a meter hears and answers; 0: any */
    unsigned deaf_at[METERS]; /* requests at another */
};

static int set_up(void **state)
{
    static const char *const ids[METERS] = {"five", "six"};
    struct rig *rig = calloc(1, sizeof(*rig));

    driver_rig_open(&rig->base, INT64_C(1700000000000000));
    driver_rig_pass(&rig->base, 1000000);
    driver_rig_plug(&rig->base);
    rig->bus = mbus_bus_new(&rig->base.loop, rig->base.clock,
                            &(struct mbus_bus_options){.port = rig->base.path});
    assert_non_null(rig->bus);
    for (int i = 0; i < METERS; i++) {
        struct mbus_meter_options o = {.id = ids[i],
                                       .source = (uint16_t)(10 + i),
                                       .address = (uint8_t)(5 + i),
                                       .baud = 2400,
                                       .mains_powered = true,
                                       .poll_s = 10,
                                       .timeout_ms = TIMEOUT_MS,
                                       .retries = 1,
                                       .status = rig->status[i] = status_new(ids[i], "mbus"),
                                       .sink = driver_rig_take,
                                       .ctx = &rig->base};

        assert_int_equal(mbus_bus_add(rig->bus, &o), 0);
    }
    *state = rig;
    return 0;
}

/* One more in the configuration; it gets the status THIRD, and where its readings go. */
static void add_third(struct rig *rig, struct mbus_meter_options *o)
{
    o->status = rig->status[THIRD] = status_new(o->id, "mbus");
    o->sink = driver_rig_take;
    o->ctx = &rig->base;
    assert_int_equal(mbus_bus_add(rig->bus, o), 0);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    mbus_bus_free(rig->bus);
    driver_rig_close(&rig->base);
    for (int i = 0; i < STATUSES; i++) {
        status_free(rig->status[i]);
    }
    free(rig);
    return 0;
}

static void put(struct rig *rig, const uint8_t *p, size_t n)
{
    assert_int_equal(write(rig->base.wire, p, n), n);
}

/* 37351 kWh, 561.08 m3, 101.69 and 46.16 degC, 34.7 kW, 543 l/h; then the DIF `last`. */
static void answer(struct rig *rig, int meter, uint8_t last)
{
    uint8_t data[] = {0x17, 0x58, 0x85, 0x06, 0x2D, 0x2C, 9,    4,    4,    0,   0,    0,    0x04,
                      0x06, 0xE7, 0x91, 0,    0,    0x04, 0x14, 0x2C, 0xDB, 0,   0,    0x04, 0x59,
                      0xB9, 0x27, 0,    0,    0x04, 0x5D, 0x08, 0x12, 0,    0,   0x04, 0x2D, 0x5B,
                      0x01, 0,    0,    0x04, 0x3B, 0x1F, 0x02, 0,    0,    last};
    uint8_t frame[HWT_MBUS_FRAME_MAX];
    int n;

    data[0] ^= rig->mood[meter] == EXCHANGED ? 0x10 : 0;
    n = hwt_mbus_long_encode(0x08, (uint8_t)(5 + meter), 0x72, data, sizeof(data), frame,
                             sizeof(frame));
    if (rig->mood[meter] == GARBLED) {
        frame[20] ^= 1;
    }
    put(rig, frame, (size_t)n);
    if (rig->mood[meter] == TWINS) { /* the other one, a bit later */
        data[0] ^= 1;
        n = hwt_mbus_long_encode(0x08, (uint8_t)(5 + meter), 0x72, data, sizeof(data), frame,
                                 sizeof(frame));
        put(rig, frame, (size_t)n);
    }
}

static void answer_request(struct rig *rig, int meter, uint8_t c)
{
    static const uint8_t busy[] = {0x68, 4, 4, 0x68, 8, 5, 0x70, 8, 0x85, 0x16}, ack[] = {0xE5};
    bool fcb = (c & HWT_MBUS_FCB) != 0;
    struct termios line;

    assert_int_equal(tcgetattr(rig->base.wire, &line),
                     0); /* of a pseudo-terminal: that of both ends */
    if (rig->speed[meter] != 0 && cfgetospeed(&line) != rig->speed[meter]) {
        rig->deaf_at[meter]++;
        return;
    }
    if (rig->mood[meter] == SILENT) {
        return;
    }
    if (c == HWT_MBUS_SND_NKE) {
        rig->reset[meter]++;
        put(rig, ack, 1);
        return;
    }
    rig->asked[meter]++;
    rig->fcb[meter] = fcb;
    if (rig->mood[meter] == BUSY) {
        put(rig, busy, sizeof(busy));
    } else if (rig->mood[meter] == STRANGE) {
        answer(rig, 1 - meter, 0x2F);
    } else {
        answer(rig, meter, rig->mood[meter] == CHAINED && fcb ? 0x1F : 0x2F);
    }
}

/* What the meters hear. */
static void play(struct rig *rig)
{
    struct hwt_mbus_frame f;
    struct hwt_mbus_fault fault;
    ssize_t n;

    if (rig->base.wire < 0) {
        return;
    }
    n = read(rig->base.wire, rig->got + rig->got_n, sizeof(rig->got) - rig->got_n);
    rig->got_n += n > 0 ? (size_t)n : 0;
    if (rig->got_n > 0 && hwt_mbus_frame_check(rig->got, rig->got_n, &f, &fault) == 0) {
        assert_int_equal(f.size, rig->got_n);
        rig->got_n = 0;
        if (f.a == 5 || f.a == 6) {
            answer_request(rig, f.a - 5, f.c);
        }
    }
}

static void live(struct rig *rig)
{
    play(rig);
    driver_rig_live(&rig->base);
}

/* Real time passes until the meter's state is this. */
static void live_until(struct rig *rig, int meter, enum status_state wanted)
{
    unsigned turns = 0;
    struct status_view v;

    do {
        live(rig);
        status_get(rig->status[meter], &v);
    } while (v.state != wanted && ++turns < MADE_TIME_PATIENCE);
    assert_int_equal(v.state, wanted);
}

/* Real time passes until the bus rests. */
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
    mbus_bus_tick(rig->bus);
}

/* The clock's time passes, and then enough real time for what fell due. */
static void advance(struct rig *rig, unsigned seconds)
{
    let_pass(rig, seconds);
    live_until_rest(rig);
}

static uint64_t counter(struct rig *rig, int meter, const char *name)
{
    return driver_rig_counter(rig->status[meter], name, 0);
}

static struct status_view view(struct rig *rig, int meter)
{
    struct status_view v;

    status_get(rig->status[meter], &v);
    return v;
}

static void both_meters_are_read_each_poll_of_the_clock(void **state)
{
    static const struct {
        uint8_t quantity;
        int64_t value;
    } want[] = {
        {HWT_Q_ENERGY, 37351LL * 1000 * 3600000},
        {HWT_Q_VOLUME, 561080000},
        {HWT_Q_FLOW_T, 10169},
        {HWT_Q_RETURN_T, 4616},
        {HWT_Q_POWER, 347000},
        {HWT_Q_FLOW_RATE, 5430},
    };
    struct rig *rig = *state;

    mbus_bus_start(rig->bus);
    assert_int_equal(view(rig, 0).state, STATUS_STARTING);
    advance(rig, 0);
    assert_int_equal(rig->base.readings, 12);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(rig->base.reading[i].quantity, want[i].quantity);
        assert_true(rig->base.reading[i].value == want[i].value);
        assert_int_equal(rig->base.reading[i].source, 10);
        assert_int_equal(rig->base.reading[i].quality, HWT_QUALITY_GOOD);
        assert_true(rig->base.reading[i].mono_us == clock_mono_us(rig->base.clock));
        assert_int_equal(rig->base.reading[6 + i].source, 11);
    }
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    assert_int_equal(view(rig, 1).last_ms, clock_unix_ms(rig->base.clock));
    advance(rig, 9); /* not due */
    assert_int_equal(rig->asked[0], 1);
    advance(rig, 1);
    assert_int_equal(rig->asked[0], 2);
    assert_int_equal(rig->reset[0], 1); /* the link is reset once, not at each poll */
    assert_false(rig->fcb[0]);          /* and the frame count bit turns */
    advance(rig, 500);                  /* fifty polls late: one is made */
    assert_int_equal(rig->asked[0], 3);
    advance(rig, 1); /* and those missed are not made up for */
    assert_int_equal(rig->asked[0], 3);
    assert_int_equal(counter(rig, 0, "polls"), 3);
    assert_int_equal(counter(rig, 0, "good"), 3);
}

static void a_silent_meter_is_stale_after_three_polls_and_the_other_is_not(void **state)
{
    struct rig *rig = *state;

    mbus_bus_start(rig->bus);
    advance(rig, 0);
    rig->mood[0] = SILENT;
    rig->base.readings = 0;
    for (int poll = 1; poll <= 3; poll++) {
        assert_int_equal(view(rig, 0).state, STATUS_OK);
        advance(rig, 10);
    }
    assert_int_equal(view(rig, 0).state, STATUS_STALE);
    assert_non_null(strstr(view(rig, 0).cause, "no good answer for 3 polls: TIMEOUT"));
    assert_int_equal(counter(rig, 0, "TIMEOUT"), 6);
    assert_int_equal(counter(rig, 0, "retries"), 3);
    assert_int_equal(view(rig, 1).state, STATUS_OK);
    assert_int_equal(rig->base.readings, 18);
    for (size_t i = 0; i < rig->base.readings; i++) {
        assert_int_equal(rig->base.reading[i].source, 11);
    }
    rig->mood[0] = WELL;
    advance(rig, 10);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    assert_string_equal(view(rig, 0).cause, "");
    assert_int_equal(rig->reset[0], 2); /* after a failure the link begins anew */
}

static void refused_answers_are_counted_by_reason_and_give_no_reading(void **state)
{
    static const struct {
        enum mood mood;
        const char *counter;
        uint64_t count;
    } rows[] = {{GARBLED, "CHECKSUM", 2}, {BUSY, "APPLICATION", 1}, {STRANGE, "NOT_MINE", 2}};
    struct rig *rig = *state;

    mbus_bus_start(rig->bus);
    rig->mood[1] = SILENT;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig->mood[0] = rows[i].mood;
        advance(rig, 10);
        assert_int_equal(rig->base.readings, 0);
        if (counter(rig, 0, rows[i].counter) != rows[i].count) {
            fail_msg("%s", rows[i].counter);
        }
    }
    assert_int_equal(counter(rig, 0, "good"), 0);
    assert_int_equal(view(rig, 0).state, STATUS_STALE);
    assert_non_null(strstr(view(rig, 0).cause, "NOT_MINE"));
}

static void a_stuck_line_is_told_by_all_its_meters_at_once(void **state)
{
    struct rig *rig = *state;
    uint8_t stuck[2 * HWT_MBUS_FRAME_MAX];

    memset(stuck, 0xE5, sizeof(stuck));
    mbus_bus_start(rig->bus);
    advance(rig, 0);
    let_pass(rig, 30);
    for (int i = 0;
         i < 5000 && (view(rig, 0).state == STATUS_OK || view(rig, 1).state == STATUS_OK); i++) {
        put(rig, stuck, sizeof(stuck));
        driver_rig_turn(&rig->base);
        mbus_bus_tick(rig->bus);
        made_time_pass(2000);
    }
    for (int i = 0; i < METERS; i++) {
        driver_rig_expect(rig->status[i], STATUS_STALE, "BABBLE: the line is stuck at octet E5");
    }
    assert_int_equal(counter(rig, 0, "polls") + counter(rig, 1, "polls"), 3); /* one was asked */
    while (read(rig->base.wire, rig->got, sizeof(rig->got)) > 0) {
        rig->got_n = 0; /* nobody heard it */
    }
    live_until_rest(rig);
    for (int i = 0; i < METERS; i++) {
        driver_rig_expect(rig->status[i], STATUS_OK, "");
        assert_string_equal(view(rig, i).cause, "");
    }
}

static void a_chain_of_telegrams_is_read_to_its_end_and_begins_anew_each_poll(void **state)
{
    struct rig *rig = *state;

    rig->mood[0] = CHAINED;
    mbus_bus_start(rig->bus);
    advance(rig, 0);
    assert_int_equal(rig->asked[0], 2);
    assert_int_equal(counter(rig, 0, "polls"), 1);
    assert_int_equal(counter(rig, 0, "good"), 2);
    advance(rig, 10);
    assert_int_equal(rig->asked[0], 4);
    assert_int_equal(rig->reset[0], 2);
}

static void an_unplugged_port_is_failed_with_its_cause_and_recovers_by_itself(void **state)
{
    struct rig *rig = *state;

    mbus_bus_start(rig->bus);
    advance(rig, 0);
    rig->mood[0] = SILENT;
    advance(rig, 10);
    rig->mood[0] = WELL;
    driver_rig_unplug(&rig->base);
    live_until(rig, 0, STATUS_FAILED);
    assert_int_equal(view(rig, 1).state, STATUS_FAILED);
    assert_non_null(strstr(view(rig, 0).cause, rig->base.path));
    assert_non_null(strstr(view(rig, 0).cause, "hung up: unplugged?"));
    rig->base.readings = 0;
    let_pass(rig, 100);
    live(rig);
    assert_int_equal(view(rig, 0).state, STATUS_FAILED); /* not stale: it cannot be asked */
    driver_rig_plug(&rig->base);
    live_until(rig, 0, STATUS_OK); /* after the back-off the poll that fell due is made */
    live_until_rest(rig);
    assert_int_equal(rig->base.readings, 12);
    assert_int_equal(rig->reset[1], 2);
}

/* Between the adapter's end and the kernel's hang-up, reads fail. */
static void a_port_that_is_being_unplugged_is_told_as_one_that_is(void **state)
{
    static const int errors[] = {EIO, ENXIO, ENODEV};
    struct rig *rig = *state;

    mbus_bus_start(rig->bus);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        let_pass(rig, 10);
        live_until(rig, 0, STATUS_OK);
        put(rig, (const uint8_t[]){0xE5}, 1); /* something to read */
        driver_rig_lose(errors[i]);
        driver_rig_turn(&rig->base);
        driver_rig_lose(0);
        driver_rig_expect(rig->status[0], STATUS_FAILED, "hung up: unplugged?");
    }
}

/* As for a scan: others may open the port, and no poll is made. */
static void a_paused_bus_lends_its_port_and_polls_as_soon_as_it_goes_on(void **state)
{
    struct rig *rig = *state;
    char why[SERIAL_WHY_MAX];
    int fd;

    mbus_bus_start(rig->bus);
    advance(rig, 0);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    mbus_bus_pause(rig->bus, "lent");
    live(rig); /* the loop goes round: it is closed */
    fd = serial_open(rig->base.path, 9600, SERIAL_8E1, why);
    assert_true(fd >= 0);
    rig->asked[0] = 0;
    advance(rig, 5);
    assert_int_equal(rig->asked[0], 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(view(rig, i).state, STATUS_STALE);
        assert_string_equal(view(rig, i).cause, "lent");
    }
    close(fd);
    mbus_bus_resume(rig->bus); /* long before the next poll would be due */
    live_until(rig, 0, STATUS_OK);
    live_until(rig, 1, STATUS_OK);
    assert_int_equal(rig->asked[0], 1);
}

static void a_port_that_is_not_there_is_told_and_tried_again(void **state)
{
    struct rig *rig = *state;

    driver_rig_unplug(&rig->base);
    mbus_bus_start(rig->bus);
    let_pass(rig, 0);
    live(rig);
    assert_int_equal(view(rig, 0).state, STATUS_FAILED);
    assert_non_null(strstr(view(rig, 0).cause, "cannot open: No such file or directory"));
    assert_int_equal(counter(rig, 0, "polls"), 0);
    driver_rig_plug(&rig->base);
    live_until(rig, 0, STATUS_OK);
}

static void two_meters_at_one_address_are_named_and_not_believed(void **state)
{
    struct rig *rig = *state;

    mbus_bus_start(rig->bus);
    advance(rig, 0);
    rig->mood[0] = TWINS;
    advance(rig, 10);
    advance(rig, 10); /* the second answer shows in the poll after it */
    rig->base.readings = 0;
    for (int poll = 0; poll < 4; poll++) {
        advance(rig, 10);
    }
    for (size_t i = 0; i < rig->base.readings; i++) {
        assert_int_equal(rig->base.reading[i].source, 11);
    }
    assert_int_equal(view(rig, 0).state, STATUS_STALE);
    assert_non_null(strstr(view(rig, 0).cause, "COLLISION: two meters answer at address 5"));
    assert_true(counter(rig, 0, "COLLISION") >= 2);
    assert_int_equal(view(rig, 1).state, STATUS_OK);
    rig->mood[0] = WELL;
    for (int poll = 0; poll < 12; poll++) { /* polls are rarer by now */
        advance(rig, 10);
    }
    assert_int_equal(view(rig, 0).state, STATUS_OK);
}

static void an_exchanged_meter_is_counted_and_read_on(void **state)
{
    struct rig *rig = *state;

    mbus_bus_start(rig->bus);
    advance(rig, 0);
    rig->mood[0] = EXCHANGED;
    advance(rig, 10);
    advance(rig, 10);
    assert_int_equal(counter(rig, 0, "exchanged"), 1);
    assert_int_equal(counter(rig, 0, "good"), 3);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
}

static void a_silent_meter_is_asked_more_and_more_rarely_but_not_forgotten(void **state)
{
    struct rig *rig = *state;
    uint64_t polls;

    rig->mood[0] = SILENT;
    mbus_bus_start(rig->bus);
    for (int poll = 0; poll < 20; poll++) {
        advance(rig, 10);
    }
    polls = counter(rig, 0, "polls");
    assert_in_range(polls, 4, 8);                    /* not 20; 80 s apart in the end */
    assert_int_equal(counter(rig, 0, "retries"), 4); /* and after four polls once each */
    assert_int_equal(counter(rig, 1, "polls"), 20);
    rig->mood[0] = WELL;
    for (int poll = 0; poll < 8; poll++) {
        advance(rig, 10);
    }
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    polls = counter(rig, 0, "polls");
    advance(rig, 10);
    advance(rig, 10);
    assert_int_equal(counter(rig, 0, "polls"), polls + 2);
}

static void a_profile_lengthens_polls_that_would_drain_the_battery(void **state)
{
    struct rig *rig = *state;
    struct mbus_meter_options o = {.id = "battery",
                                   .source = 12,
                                   .address = 6,
                                   .baud = 2400,
                                   .profile = mbus_profile_named("kamstrup_303"),
                                   .poll_s = 60,
                                   .timeout_ms = TIMEOUT_MS};

    assert_non_null(o.profile);
    add_third(rig, &o);
    mbus_bus_start(rig->bus);
    for (int i = 0; i < 36; i++) { /* six minutes of a meter that stands one read in three */
        advance(rig, i > 0 ? 10 : 0);
        assert_in_range(counter(rig, THIRD, "polls"), 1, 1 + (i + 17) / 18);
    }
    assert_int_equal(counter(rig, THIRD, "polls"), 3); /* at 0, 60, 240 s: who it is came late */
}

static void a_meter_s_speed_is_found_and_found_again_where_it_changed(void **state)
{
    struct rig *rig = *state;
    struct mbus_meter_options o = {.id = "unknown",
                                   .source = 12,
                                   .address = 6, /* the test's second meter, under another name */
                                   .baud = MBUS_BAUD_FIND,
                                   .mains_powered = true,
                                   .poll_s = 10,
                                   .timeout_ms = TIMEOUT_MS,
                                   .retries = 1};
    unsigned deaf;

    add_third(rig, &o);
    rig->speed[1] = B9600; /* the second that is tried */
    mbus_bus_start(rig->bus);
    advance(rig, 0);
    assert_int_equal(view(rig, THIRD).state, STATUS_OK); /* in one poll */
    assert_int_equal(rig->base.readings, 12);
    assert_int_equal(rig->base.reading[0].source, 10);
    assert_int_equal(rig->base.reading[6].source, 12);
    assert_int_equal(view(rig, 1).state, STATUS_STARTING); /* that asks at 2400 only */
    deaf = rig->deaf_at[1];
    for (int poll = 0; poll < 2; poll++) {
        advance(rig, 10);
    }
    assert_int_equal(rig->base.readings, 36);
    rig->mood[0] = SILENT;
    rig->speed[1] = B300; /* after three polls without an answer */
    for (int poll = 0; poll < 12 && rig->base.readings == 36; poll++) {
        advance(rig, 10);
    }
    assert_int_equal(view(rig, THIRD).state, STATUS_OK);
    assert_true(rig->base.readings > 36 && rig->deaf_at[1] > deaf);
}

static void meters_of_one_line_are_each_asked_at_their_own_speed(void **state)
{
    struct rig *rig = *state;
    struct mbus_meter_options o = {.id = "fast",
                                   .source = 12,
                                   .address = 6,
                                   .baud = 9600,
                                   .mains_powered = true,
                                   .poll_s = 10,
                                   .timeout_ms = TIMEOUT_MS};

    add_third(rig, &o);
    rig->speed[0] = B2400;
    rig->speed[1] = B9600;
    mbus_bus_start(rig->bus);
    advance(rig, 0);
    advance(rig, 10);
    assert_int_equal(view(rig, 0).state, STATUS_OK);
    assert_int_equal(counter(rig, 0, "good"), 2);
    assert_int_equal(counter(rig, 1, "good"), 0); /* the same meter, asked at 2400 */
    assert_int_equal(rig->asked[1], 2);
    assert_int_equal(rig->base.readings, 24);
}

static void secondary_addresses_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint8_t select[8];
    } rows[] = {
        {"72337193", true, {0x93, 0x71, 0x33, 0x72, 0xFF, 0xFF, 0xFF, 0xFF}},
        {"72337193 2D2C 40 04", true, {0x93, 0x71, 0x33, 0x72, 0x2D, 0x2C, 0x40, 0x04}},
        {"123fffff", true, {0xFF, 0xFF, 0x3F, 0x12, 0xFF, 0xFF, 0xFF, 0xFF}},
        {"7233719", false, {0}},
        {"7233719A", false, {0}},
        {"72337193 2D2C", false, {0}},
        {"72337193-KAM", false, {0}},
        {"72337193 2D2C 40 04 0", false, {0}},
        {"72337193 2D2C 40 04 04", false, {0}},
        {"", false, {0}},
    };
    uint8_t select[8];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(mbus_select_parse(rows[i].text, select), rows[i].good);
        if (rows[i].good) {
            assert_memory_equal(select, rows[i].select, 8);
        }
    }
}

static void meters_that_cannot_be_are_refused(void **state)
{
    struct rig *rig = *state;
    struct mbus_meter_options o = {.id = "x", .address = 251, .baud = 2400, .poll_s = 10};

    assert_int_equal(mbus_bus_add(rig->bus, &o), HWT_ERR_ARGUMENT);
    o.address = 1;
    o.poll_s = 0;
    assert_int_equal(mbus_bus_add(rig->bus, &o), HWT_ERR_ARGUMENT);
    o.poll_s = 10;
    o.baud = 2401;
    assert_int_equal(mbus_bus_add(rig->bus, &o), HWT_ERR_ARGUMENT);
    assert_null(mbus_bus_new(&rig->base.loop, rig->base.clock,
                             &(struct mbus_bus_options){.tcp = "no port"}));
}

static void a_port_is_raw_and_belongs_to_one_program(void **state)
{
    struct rig *rig = *state;
    char why[SERIAL_WHY_MAX];
    struct termios t;
    int fd = serial_open(rig->base.path, 9600, SERIAL_8E1, why);

    assert_true(fd >= 0);
    assert_int_equal(tcgetattr(fd, &t), 0);
    assert_int_equal(cfgetospeed(&t), B9600);
    assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(t.c_iflag & (ICRNL | IXON | ISTRIP), 0);
    assert_int_equal(t.c_oflag & OPOST, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(serial_open(rig->base.path, 9600, SERIAL_8E1, why), -1);
    assert_non_null(strstr(why, "another program uses it"));
    close(fd);
    fd = serial_open(rig->base.path, 9600, SERIAL_8N1, why);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(serial_open(rig->base.path, 9601, SERIAL_8N1, why), -1);
    assert_non_null(strstr(why, "9601 baud is not a standard speed"));
    assert_int_equal(serial_open("/dev/null", 9600, SERIAL_8N1, why), -1);
    assert_non_null(strstr(why, "/dev/null: cannot set up as a serial port"));
}

#define BUS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUS_TEST(both_meters_are_read_each_poll_of_the_clock),
        BUS_TEST(a_silent_meter_is_stale_after_three_polls_and_the_other_is_not),
        BUS_TEST(refused_answers_are_counted_by_reason_and_give_no_reading),
        BUS_TEST(a_stuck_line_is_told_by_all_its_meters_at_once),
        BUS_TEST(a_chain_of_telegrams_is_read_to_its_end_and_begins_anew_each_poll),
        BUS_TEST(an_unplugged_port_is_failed_with_its_cause_and_recovers_by_itself),
        BUS_TEST(a_port_that_is_being_unplugged_is_told_as_one_that_is),
        BUS_TEST(a_paused_bus_lends_its_port_and_polls_as_soon_as_it_goes_on),
        BUS_TEST(a_port_that_is_not_there_is_told_and_tried_again),
        BUS_TEST(two_meters_at_one_address_are_named_and_not_believed),
        BUS_TEST(an_exchanged_meter_is_counted_and_read_on),
        BUS_TEST(a_silent_meter_is_asked_more_and_more_rarely_but_not_forgotten),
        BUS_TEST(a_profile_lengthens_polls_that_would_drain_the_battery),
        BUS_TEST(a_meter_s_speed_is_found_and_found_again_where_it_changed),
        BUS_TEST(meters_of_one_line_are_each_asked_at_their_own_speed),
        BUS_TEST(secondary_addresses_are_read_as_people_write_them),
        BUS_TEST(meters_that_cannot_be_are_refused),
        BUS_TEST(a_port_is_raw_and_belongs_to_one_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
