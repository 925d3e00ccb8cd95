/* daemon/drivers/line_events and pulses: the kernel's events from a socket and a FIFO played by the
 * test, time of the clock made up. */
#include <fcntl.h>
#include <linux/gpio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/drivers/pulses.h"
#include "tests/drivers/driver_rig.h"
#include "tests/drivers/made_time.h"

enum { EDGES_MAX = 64, WH_MJ = 3600000, MS = 1000000 };

struct rig {
    struct driver_rig base;
    uint32_t seqno;
    /* the line alone */
    struct line_events *line;
    struct line_edge edge[EDGES_MAX];
    size_t edges;
    unsigned opened, failed;
    char why[256];
    /* the source */
    struct status *status;
    struct pulses *pulses;
};

static void on_open(void *ctx)
{
    ((struct rig *)ctx)->opened++;
}

static void on_edge(void *ctx, const struct line_edge *edge)
{
    struct rig *rig = ctx;

    if (rig->edges < EDGES_MAX) {
        rig->edge[rig->edges++] = *edge;
    }
}

static void on_fail(void *ctx, const char *why)
{
    struct rig *rig = ctx;

    rig->failed++;
    snprintf(rig->why, sizeof(rig->why), "%s", why);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    driver_rig_open(&rig->base, HWT_TIME_UNKNOWN);
    rig->status = status_new("m", "pulses");
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    line_events_free(rig->line);
    pulses_free(rig->pulses);
    driver_rig_close(&rig->base);
    status_free(rig->status);
    free(rig);
    return 0;
}

/* Until *count is at least n. */
static void wait_count(struct rig *rig, const unsigned *count, unsigned n)
{
    for (unsigned turns = 0; *count < n && turns < MADE_TIME_PATIENCE; turns++) {
        driver_rig_live(&rig->base);
    }
    assert_true(*count >= n);
}

static void start_line(struct rig *rig)
{
    struct line_events_options o = {.events = rig->base.path,
                                    .on_open = on_open,
                                    .on_edge = on_edge,
                                    .on_fail = on_fail,
                                    .ctx = rig};

    rig->line = line_events_new(&rig->base.loop, &o);
    line_events_start(rig->line);
}

static struct gpio_v2_line_event event(struct rig *rig, int64_t t_ns, bool active)
{
    rig->seqno++;
    return (struct gpio_v2_line_event){.timestamp_ns = (uint64_t)t_ns,
                                       .id = active ? GPIO_V2_LINE_EVENT_RISING_EDGE
                                                    : GPIO_V2_LINE_EVENT_FALLING_EDGE,
                                       .seqno = rig->seqno,
                                       .line_seqno = rig->seqno};
}

static void send_edge(struct rig *rig, int64_t t_ns, bool active)
{
    struct gpio_v2_line_event e = event(rig, t_ns, active);

    assert_int_equal(write(rig->base.wire, &e, sizeof(e)), sizeof(e));
}

/* --- the line --- */

static void events_cut_anywhere_are_the_same_edges(void **state)
{
    struct rig *rig = *state;
    uint8_t octets[3 * sizeof(struct gpio_v2_line_event)];

    driver_rig_listen(&rig->base);
    start_line(rig);
    driver_rig_accept(&rig->base);
    for (int i = 0; i < 3; i++) {
        struct gpio_v2_line_event e = event(rig, 1000 + i, i != 1);

        memcpy(octets + (size_t)i * sizeof(e), &e, sizeof(e));
    }
    for (size_t i = 0; i < sizeof(octets); i++) {
        assert_int_equal(write(rig->base.wire, octets + i, 1), 1);
        driver_rig_turn(&rig->base);
    }
    assert_int_equal(rig->edges, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig->edge[i].t_ns, 1000 + i);
        assert_int_equal(rig->edge[i].active, i != 1);
        assert_int_equal(rig->edge[i].lost, 0);
    }
}

static void a_gap_in_the_numbers_is_edges_lost(void **state)
{
    struct rig *rig = *state;

    driver_rig_listen(&rig->base);
    start_line(rig);
    driver_rig_accept(&rig->base);
    rig->seqno = 700; /* who joins does not count what was before */
    send_edge(rig, 1, true);
    rig->seqno += 5;
    send_edge(rig, 2, false);
    send_edge(rig, 3, true);
    rig->seqno = UINT32_MAX; /* over the end of the numbers */
    send_edge(rig, 4, false);
    driver_rig_turn(&rig->base);
    assert_int_equal(rig->edges, 4);
    assert_int_equal(rig->edge[0].lost, 0);
    assert_int_equal(rig->edge[1].lost, 5);
    assert_int_equal(rig->edge[2].lost, 0);
}

static void a_reader_that_is_not_there_is_told_and_found_later(void **state)
{
    struct rig *rig = *state;

    start_line(rig);
    assert_int_equal(rig->failed, 1);
    assert_non_null(strstr(rig->why, rig->base.path));
    assert_non_null(strstr(rig->why, "No such file"));
    assert_false(line_events_is_open(rig->line));
    driver_rig_listen(&rig->base);
    wait_count(rig, &rig->opened, 1);
    driver_rig_accept(&rig->base);
    close(rig->base.wire);
    rig->base.wire = -1;
    wait_count(rig, &rig->failed, 2);
    assert_non_null(strstr(rig->why, "ended"));
    wait_count(rig, &rig->opened, 2);
}

static void a_fifo_will_do_and_a_file_will_not(void **state)
{
    struct rig *rig = *state;
    int fd;

    assert_int_equal(mkfifo(rig->base.path, 0600), 0);
    rig->base.wire = open(rig->base.path, O_RDWR | O_CLOEXEC);
    start_line(rig);
    assert_int_equal(rig->opened, 1);
    send_edge(rig, 5, true);
    driver_rig_turn(&rig->base);
    assert_int_equal(rig->edges, 1);
    close(rig->base.wire);
    rig->base.wire = -1;
    wait_count(rig, &rig->failed, 1);
    unlink(rig->base.path);
    fd = open(rig->base.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    wait_count(rig, &rig->failed, 2);
    assert_non_null(strstr(rig->why, "neither a socket nor a FIFO"));
}

static void what_is_no_event_ends_the_line(void **state)
{
    struct rig *rig = *state;
    struct gpio_v2_line_event e = {.timestamp_ns = 1, .id = 3, .line_seqno = 1};

    driver_rig_listen(&rig->base);
    start_line(rig);
    driver_rig_accept(&rig->base);
    assert_int_equal(write(rig->base.wire, &e, sizeof(e)), sizeof(e));
    wait_count(rig, &rig->failed, 1);
    assert_non_null(strstr(rig->why, "no line event"));
    assert_int_equal(rig->edges, 0);
}

static void a_chip_that_is_none_is_told(void **state)
{
    struct rig *rig = *state;
    struct line_events_options o = {.chip = "/dev/null",
                                    .on_open = on_open,
                                    .on_edge = on_edge,
                                    .on_fail = on_fail,
                                    .ctx = rig};

    rig->line = line_events_new(&rig->base.loop, &o);
    line_events_start(rig->line);
    assert_int_equal(rig->failed, 1);
    assert_non_null(strstr(rig->why, "/dev/null: cannot get the line"));
}

/* --- pulses --- */

/* The clock is `s` later, in steps of a tenth. */
static void let_pass(struct rig *rig, double s)
{
    for (int i = 0; i < (int)(s * 10 + 0.5); i++) {
        driver_rig_pass(&rig->base, 100000);
        driver_rig_turn(&rig->base);
        pulses_tick(rig->pulses);
    }
}

static void start_pulses(struct rig *rig, bool volume, double per_unit, int64_t start)
{
    struct pulses_options o = {
        .id = "m",
        .source = 7,
        .line = {.events = rig->base.path},
        .debounce = {.active_us = 20000, .inactive_us = 20000, .period_us = 144000},
        .volume = volume,
        .per_unit = per_unit,
        .start = start,
        .zero_s = 60,
        .status = rig->status,
        .sink = driver_rig_take,
        .ctx = &rig->base,
    };

    driver_rig_listen(&rig->base);
    rig->pulses = pulses_new(&rig->base.loop, rig->base.clock, &o);
    driver_rig_pass(&rig->base, 1000000);
    pulses_start(rig->pulses);
    driver_rig_accept(&rig->base);
    send_edge(rig, 0, false);
}

/* A pulse now, of 50 ms; stamps are another clock than the daemon's. */
static void send_pulse(struct rig *rig)
{
    int64_t t_ns = (int64_t)rig->base.device_us * 1000 + (int64_t)77 * 1000 * MS;

    send_edge(rig, t_ns, true);
    send_edge(rig, t_ns + (int64_t)50 * MS, false);
}

static uint64_t counter(struct rig *rig, const char *name)
{
    return driver_rig_counter(rig->status, name, UINT64_MAX);
}

static void the_count_goes_on_from_the_log_and_power_falls_to_0(void **state)
{
    struct rig *rig = *state;

    start_pulses(rig, false, 1000, 5 * (int64_t)WH_MJ);
    let_pass(rig, 2);
    assert_int_equal(rig->base.last[HWT_Q_IMPORT].value, 5 * (int64_t)WH_MJ);
    assert_int_equal(rig->base.last[HWT_Q_IMPORT].source, 7);
    assert_int_equal(rig->base.got[HWT_Q_POWER], 0); /* not known */
    for (int i = 0; i < 4; i++) {
        send_pulse(rig);
        let_pass(rig, 3.6);
    }
    let_pass(rig, 1);
    assert_int_equal(rig->base.last[HWT_Q_IMPORT].value, 9 * (int64_t)WH_MJ);
    assert_in_range(rig->base.last[HWT_Q_POWER].value, 7000, 10000); /* 1 kW, and falling */
    let_pass(rig, 32);
    assert_in_range(rig->base.last[HWT_Q_POWER].value, 900, 1100); /* 36 s without a pulse: 100 W */
    let_pass(rig, 40);
    assert_int_equal(rig->base.last[HWT_Q_POWER].value, 0);
    assert_int_equal(rig->base.last[HWT_Q_IMPORT].value, 9 * (int64_t)WH_MJ);
    assert_int_equal(counter(rig, "pulses"), 4);
}

/* The kernel's stamps stand still while the computer sleeps, the daemon's clock does not. */
static void power_is_right_again_after_a_sleep(void **state)
{
    struct rig *rig = *state;
    int64_t t_ns = (int64_t)5000 * MS;

    start_pulses(rig, false, 1000, 0);
    for (int i = 0; i < 8; i++, t_ns += (int64_t)3600 * MS) {
        send_edge(rig, t_ns, true);
        send_edge(rig, t_ns + (int64_t)50 * MS, false);
        rig->base.device_us += i == 3 ? 3600000000U : 0; /* an hour */
        let_pass(rig, 3.6);
    }
    assert_in_range(rig->base.last[HWT_Q_POWER].value, 9000, 10100);
}

static void no_pulse_at_all_is_no_power_in_the_end(void **state)
{
    struct rig *rig = *state;

    start_pulses(rig, false, 1000, 0);
    let_pass(rig, 58);
    assert_int_equal(rig->base.got[HWT_Q_POWER], 0);
    let_pass(rig, 5);
    assert_true(rig->base.got[HWT_Q_POWER] > 0);
    assert_int_equal(rig->base.last[HWT_Q_POWER].value, 0);
}

static void pulses_a_kwh_that_do_not_divide_lose_nothing(void **state)
{
    struct rig *rig = *state;

    start_pulses(rig, false, 7, 0);
    for (int i = 0; i < 7; i++) {
        send_pulse(rig);
        let_pass(rig, 1);
    }
    let_pass(rig, 1);
    assert_int_equal(rig->base.last[HWT_Q_IMPORT].value, 1000 * (int64_t)WH_MJ);
}

static void a_water_meter_counts_litres(void **state)
{
    struct rig *rig = *state;

    start_pulses(rig, true, 2.5, 1000);
    for (int i = 0; i < 3; i++) {
        send_pulse(rig);
        let_pass(rig, 9);
    }
    assert_int_equal(rig->base.last[HWT_Q_VOLUME].value, 1000 + 7500);
    assert_in_range(rig->base.last[HWT_Q_FLOW_RATE].value, 9900,
                    10100); /* 2.5 l in 9 s: 1000 l/h */
    assert_int_equal(rig->base.got[HWT_Q_IMPORT], 0);
}

static void bounces_and_lost_edges_are_counted(void **state)
{
    struct rig *rig = *state;
    int64_t t_ns;

    start_pulses(rig, false, 1000, 0);
    let_pass(rig, 1);
    t_ns = (int64_t)rig->base.device_us * 1000;
    send_edge(rig, t_ns, true);
    send_edge(rig, t_ns + MS, false);
    send_edge(rig, t_ns + 2 * MS, true);
    send_edge(rig, t_ns + (int64_t)60 * MS, false);
    let_pass(rig, 3);
    assert_int_equal(counter(rig, "pulses"), 1);
    assert_int_equal(counter(rig, "bounces"), 2);
    rig->seqno += 4;
    send_pulse(rig);
    let_pass(rig, 3);
    assert_int_equal(counter(rig, "lost_edges"), 4);
}

static void the_count_survives_an_unplugged_line(void **state)
{
    struct rig *rig = *state;
    struct status_view view;

    start_pulses(rig, false, 1000, 0);
    send_pulse(rig);
    let_pass(rig, 2);
    close(rig->base.wire);
    rig->base.wire = -1;
    let_pass(rig, 1);
    status_get(rig->status, &view);
    assert_int_equal(view.state, STATUS_FAILED);
    assert_non_null(strstr(view.cause, "missed"));
    for (unsigned turns = 0; view.state != STATUS_OK && turns < MADE_TIME_PATIENCE; turns++) {
        driver_rig_live(&rig->base);
        status_get(rig->status, &view);
    }
    driver_rig_accept(&rig->base);
    send_edge(rig, 10, false); /* the stamps may begin anew */
    send_edge(rig, (int64_t)500 * MS, true);
    send_edge(rig, (int64_t)550 * MS, false);
    let_pass(rig, 2);
    assert_int_equal(counter(rig, "pulses"), 2);
    assert_int_equal(rig->base.last[HWT_Q_IMPORT].value, 2 * (int64_t)WH_MJ);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_cut_anywhere_are_the_same_edges),
        TEST(a_gap_in_the_numbers_is_edges_lost),
        TEST(a_reader_that_is_not_there_is_told_and_found_later),
        TEST(a_fifo_will_do_and_a_file_will_not),
        TEST(what_is_no_event_ends_the_line),
        TEST(a_chip_that_is_none_is_told),
        TEST(the_count_goes_on_from_the_log_and_power_falls_to_0),
        TEST(power_is_right_again_after_a_sleep),
        TEST(no_pulse_at_all_is_no_power_in_the_end),
        TEST(pulses_a_kwh_that_do_not_divide_lose_nothing),
        TEST(a_water_meter_counts_litres),
        TEST(bounces_and_lost_edges_are_counted),
        TEST(the_count_survives_an_unplugged_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
