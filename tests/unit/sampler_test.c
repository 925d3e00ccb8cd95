/* daemon/drivers/sampler: a sample stream over a socket and a pseudo-terminal, whole and damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/drivers/sampler.h"
#include "daemon/drivers/sampler_flags.h"
#include "daemon/drivers/sampler_state.h"
#include "tests/unit/stream.h"
#include "tests/unit/waves.h"

enum { SCANS = 128, VOLTAGE_SOURCE = 7, CLAMP_SOURCE = 9, WAIT_MS = 5000 };

/* What the sink got. */
struct got {
    pthread_mutex_t lock;
    unsigned windows, ticks, readings[HWT_Q_COUNT];
    int64_t last[HWT_Q_COUNT]; /* newest value of a quantity */
    int64_t first_mono_us, mono_us;
    uint64_t measured_us, gap_us;
    bool backwards, strange;
};

struct fixture {
    char dir[64], path[96], port[64];
    int listener;
    struct clock *clock;
    struct status *status;
    struct sampler *sampler;
    struct got got;
};

static struct waves waves;

static void take_window(void *ctx, const struct sampler_window *w)
{
    struct got *g = ctx;

    pthread_mutex_lock(&g->lock);
    g->backwards = g->backwards || w->mono_us < g->mono_us || w->measured_us < g->measured_us ||
                   w->gap_us < g->gap_us;
    g->first_mono_us = g->windows == 0 ? w->mono_us - w->duration_us : g->first_mono_us;
    g->windows++;
    g->mono_us = w->mono_us;
    g->measured_us = w->measured_us;
    g->gap_us = w->gap_us;
    for (size_t i = 0; i < w->count; i++) {
        const struct hwt_reading *r = &w->reading[i];
        bool voltage = r->quantity == HWT_Q_VOLTAGE || r->quantity == HWT_Q_FREQUENCY;

        g->readings[r->quantity]++;
        g->last[r->quantity] = r->value;
        g->strange = g->strange || r->mono_us != w->mono_us ||
                     r->source != (voltage ? VOLTAGE_SOURCE : CLAMP_SOURCE) ||
                     r->quality != HWT_QUALITY_GOOD;
    }
    pthread_mutex_unlock(&g->lock);
}

static void take_tick(void *ctx)
{
    struct got *g = ctx;

    pthread_mutex_lock(&g->lock);
    g->ticks++;
    pthread_mutex_unlock(&g->lock);
}

static struct got snapshot(struct fixture *f)
{
    struct got g;

    pthread_mutex_lock(&f->got.lock);
    g = f->got;
    pthread_mutex_unlock(&f->got.lock);
    return g;
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static void wait_for_ticks(struct fixture *f, unsigned ticks)
{
    for (int i = 0; i < WAIT_MS && snapshot(f).ticks < ticks; i++) {
        pause_ms(1);
    }
    assert_int_equal(snapshot(f).ticks, ticks);
}

static struct status_view poll_until(struct fixture *f, enum status_state state)
{
    struct status_view v;

    for (int i = 0; i < WAIT_MS / 5; i++) {
        sampler_poll_status(f->sampler);
        status_get(f->status, &v);
        if (v.state == state) {
            return v;
        }
        pause_ms(5);
    }
    fail_msg("state %s, cause %s", status_state_name(v.state), v.cause);
    return v;
}

static uint64_t counter(const struct status_view *v, const char *name)
{
    for (unsigned i = 0; i < v->counters; i++) {
        if (strcmp(v->counter[i].name, name) == 0) {
            return v->counter[i].value;
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

static void listen_at(struct fixture *f)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", f->path);
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->listener >= 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(f->listener, 1), 0);
}

static int accept_sampler(struct fixture *f)
{
    int fd = accept(f->listener, NULL, NULL);

    assert_true(fd >= 0);
    return fd;
}

static void hang_up(struct fixture *f)
{
    close(f->listener);
    unlink(f->path);
    f->listener = -1;
}

static void write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);

        assert_true(k > 0);
        p += k;
        n -= (size_t)k;
    }
}

/* The next block of the waves, as octets. */
static size_t next_block(uint8_t *out)
{
    static uint32_t codes[SCANS * WAVES_SLOTS_MAX];
    struct hwt_block b = waves_block(&waves, SCANS);
    struct stream_block s = {.version = 1,
                             .sequence = b.sequence,
                             .device_us = b.device_us,
                             .wall_us = 1700000000000000 + (int64_t)b.device_us,
                             .has_wall = true,
                             .period_ps = b.scan_period_ps,
                             .scans = b.scans,
                             .slots = b.slots,
                             .bits = b.bits,
                             .code_bytes = 2,
                             .codes = codes};

    for (unsigned i = 0; i < b.slots; i++) {
        s.map[i].kind = b.slot[i].kind;
        s.map[i].input = b.slot[i].input;
        s.map[i].time = b.slot[i].time_q16;
    }
    for (size_t i = 0; i < (size_t)b.scans * b.slots; i++) {
        codes[i] = (uint32_t)(b.codes[i] + (1 << (b.bits - 1)));
    }
    return stream_put(out, &s);
}

static void send_blocks(int fd, unsigned n)
{
    uint8_t octets[2048];

    for (unsigned i = 0; i < n; i++) {
        write_all(fd, octets, next_block(octets));
    }
}

static struct sampler_options options_of(struct fixture *f)
{
    struct sampler_options o = {.id = "mains",
                                .socket = f->path,
                                .meter = {.slots = 2},
                                .source = {VOLTAGE_SOURCE, CLAMP_SOURCE},
                                .clock = f->clock,
                                .status = f->status,
                                .sink = take_window,
                                .tick = take_tick,
                                .ctx = &f->got};

    for (unsigned i = 0; i < 2; i++) {
        o.meter.slot[i].kind = waves.slot[i].kind;
        o.meter.slot[i].ratio = 1 / waves.slot[i].codes;
    }
    return o;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    pthread_mutex_init(&f->got.lock, NULL);
    snprintf(f->dir, sizeof(f->dir), "/tmp/sampler_test.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/stream", f->dir);
    f->listener = -1;
    f->clock = clock_new(CLOCK_TRUST_PLANT);
    f->status = status_new("mains", "samples");
    waves_init(&waves, 1, 6);
    waves.slot[1].term[0] = (struct waves_term){1, 10, 60};
    waves.from_us = 123456789;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sampler_free(f->sampler);
    status_free(f->status);
    clock_free(f->clock);
    if (f->listener >= 0) {
        hang_up(f);
    }
    rmdir(f->dir);
    pthread_mutex_destroy(&f->got.lock);
    free(f);
    return 0;
}

static void start(struct fixture *f)
{
    struct sampler_options o = options_of(f);

    f->sampler = sampler_new(&o);
    assert_non_null(f->sampler);
    assert_int_equal(sampler_start(f->sampler), 0);
}

/* Time measured and not is that of the blocks, but for the last two scans; us are cut off. */
static void assert_elapsed(const struct got *g, unsigned blocks)
{
    uint64_t us = (blocks * SCANS - 2) * (uint64_t)WAVES_PERIOD_PS / 1000000;

    assert_in_range(g->measured_us + g->gap_us, us - 1, us + 1);
}

static void readings_come_with_source_value_and_time(void **state)
{
    struct fixture *f = *state;
    struct status_view v;
    struct got g;
    int fd;

    listen_at(f);
    start(f);
    fd = accept_sampler(f);
    send_blocks(fd, 150);
    wait_for_ticks(f, 150);
    v = poll_until(f, STATUS_OK);
    assert_string_equal(v.cause, "");
    assert_int_equal(counter(&v, "blocks"), 150);
    assert_true(v.last_ms == clock_unix_ms(f->clock));
    sampler_stop(f->sampler);
    g = snapshot(f);
    assert_false(g.strange);
    assert_false(g.backwards);
    assert_true(g.readings[HWT_Q_POWER] >= 12);
    assert_int_equal(g.readings[HWT_Q_POWER], g.readings[HWT_Q_FREQUENCY]);
    assert_int_equal(g.readings[HWT_Q_POWER], g.readings[HWT_Q_POWER_FACTOR]);
    assert_int_equal(g.readings[HWT_Q_IMPORT], g.windows); /* partial ones too */
    assert_in_range(g.last[HWT_Q_VOLTAGE], 22998, 23002);
    assert_in_range(g.last[HWT_Q_FREQUENCY], 49998, 50002);
    assert_in_range(g.last[HWT_Q_CURRENT], 9970, 10030);
    assert_in_range(g.last[HWT_Q_POWER], 11490, 11510);
    assert_in_range(g.last[HWT_Q_APPARENT_POWER], 22930, 23070);
    assert_in_range(g.last[HWT_Q_REACTIVE_POWER], 19899, 19938);
    assert_in_range(g.last[HWT_Q_POWER_FACTOR], 498, 502);
    assert_int_equal(g.last[HWT_Q_EXPORT], 0);
    /* All scans but the two at either end, by the plant's clock. */
    assert_elapsed(&g, 150);
    assert_true(g.gap_us <= 300);
    assert_true(clock_mono_us(f->clock) - g.mono_us <= 301);
    close(fd);
}

static void damage_and_loss_are_counted_and_seen_and_measuring_goes_on(void **state)
{
    struct fixture *f = *state;
    struct status_view v;
    struct got g;
    uint8_t octets[2048];
    size_t n;
    int fd;

    listen_at(f);
    start(f);
    fd = accept_sampler(f);
    send_blocks(fd, 60);
    wait_for_ticks(f, 60);
    (void)poll_until(f, STATUS_OK);
    n = next_block(octets);
    octets[200] ^= 4; /* a bit on the line */
    write_all(fd, octets, n);
    (void)next_block(octets); /* never sent */
    send_blocks(fd, 60);
    wait_for_ticks(f, 120);
    pause_ms(1000); /* counters are shown once a second */
    v = poll_until(f, STATUS_OK);
    assert_int_equal(counter(&v, "CHECKSUM"), 1);
    assert_int_equal(counter(&v, "lost_blocks"), 2);
    assert_int_equal(counter(&v, "blocks"), 120);
    assert_string_equal(v.cause, "data was lost on the way: CHECKSUM=1 lost_blocks=2");
    sampler_stop(f->sampler);
    assert_true(snapshot(f).gap_us >= 2 * SCANS * (uint64_t)WAVES_PERIOD_PS / 1000000);
    g = snapshot(f);
    assert_elapsed(&g, 122);
    close(fd);
}

static void an_input_that_is_not_there_fails_with_its_cause_and_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct status_view v;
    struct got g;
    int fd;

    start(f);
    v = poll_until(f, STATUS_FAILED);
    assert_non_null(strstr(v.cause, f->path));
    assert_non_null(strstr(v.cause, "No such file"));
    listen_at(f);
    fd = accept_sampler(f);
    send_blocks(fd, 10);
    wait_for_ticks(f, 10);
    (void)poll_until(f, STATUS_OK);
    close(fd);
    hang_up(f);
    v = poll_until(f, STATUS_FAILED);
    assert_true(strstr(v.cause, "hung up") != NULL || strstr(v.cause, "No such file") != NULL);
    listen_at(f);
    fd = accept_sampler(f);
    send_blocks(fd, 10); /* the stream went on: nothing between was sent */
    wait_for_ticks(f, 20);
    (void)poll_until(f, STATUS_OK);
    sampler_stop(f->sampler);
    g = snapshot(f);
    assert_elapsed(&g, 20);
    close(fd);
}

/* As a sampler that lost its supply: its clock and sequence begin at 0. */
static void restart_waves(void)
{
    waves.from_us = 0;
    waves.scan = 0;
    waves.sequence = 0;
}

static void a_restarted_sampler_continues_time_and_registers(void **state)
{
    struct fixture *f = *state;
    struct got before, after;
    struct status_view v;
    uint8_t octets[2048];
    int fd;

    listen_at(f);
    start(f);
    fd = accept_sampler(f);
    send_blocks(fd, 100);
    wait_for_ticks(f, 100);
    before = snapshot(f);
    restart_waves(); /* on the same line */
    send_blocks(fd, 100);
    wait_for_ticks(f, 200);
    (void)next_block(octets);
    write_all(fd, octets, 300); /* half a block, and the line breaks */
    close(fd);
    fd = accept_sampler(f);
    restart_waves();
    send_blocks(fd, 100);
    wait_for_ticks(f, 300);
    sampler_stop(f->sampler);
    after = snapshot(f);
    assert_false(after.backwards);
    assert_false(after.strange);
    assert_true(after.last[HWT_Q_IMPORT] > before.last[HWT_Q_IMPORT] * 28 / 10);
    assert_true(after.measured_us > before.measured_us * 28 / 10);
    assert_true(after.gap_us < 2000);
    assert_true(clock_mono_us(f->clock) - after.mono_us <= 301);
    sampler_poll_status(f->sampler);
    status_get(f->status, &v);
    assert_int_equal(counter(&v, "restarts"), 2);
    assert_int_equal(counter(&v, "CHECKSUM"), 0);
    assert_int_equal(counter(&v, "skipped_bytes"), 300);
    close(fd);
}

static void slots_that_are_not_the_configurations_fail_with_the_slot(void **state)
{
    struct fixture *f = *state;
    struct status_view v;
    int fd;

    listen_at(f);
    start(f);
    fd = accept_sampler(f);
    waves.slot[1].kind = HWT_SLOT_ANALOG;
    send_blocks(fd, 3);
    wait_for_ticks(f, 3);
    v = poll_until(f, STATUS_FAILED);
    assert_string_equal(v.cause,
                        "slot 1 is a clamp in the configuration, but not in the sample stream");
    assert_int_equal(snapshot(f).windows, 0);
    assert_int_equal(counter(&v, "UNSUPPORTED"), 3);
    /* The plant's time goes on for the others. */
    assert_true(clock_unix_ms(f->clock) > 1700000000000);
    waves.slot[1].kind = HWT_SLOT_CURRENT;
    send_blocks(fd, 60);
    wait_for_ticks(f, 63);
    (void)poll_until(f, STATUS_OK);
    close(fd);
}

/* A pseudo-terminal's master, and the sampler reading the slave, raw by then. */
static int start_on_line(struct fixture *f, int *slave_out)
{
    struct sampler_options o = options_of(f);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct termios t = {.c_lflag = ICANON};

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    *slave_out = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(*slave_out >= 0);
    snprintf(f->port, sizeof(f->port), "%s", ptsname(master));
    o.socket = NULL;
    o.port = f->port;
    o.baud = 2000000;
    f->sampler = sampler_new(&o);
    assert_int_equal(sampler_start(f->sampler), 0);
    for (int i = 0; i < WAIT_MS && (t.c_lflag & ICANON) != 0; i++) {
        pause_ms(1);
        assert_int_equal(tcgetattr(*slave_out, &t), 0);
    }
    pause_ms(20); /* the flush after that */
    return master;
}

static void a_serial_port_is_read_as_a_socket_is(void **state)
{
    struct fixture *f = *state;
    int slave, master = start_on_line(f, &slave);
    struct status_view v;

    send_blocks(master, 80);
    for (int i = 0; i < WAIT_MS && snapshot(f).ticks < 79; i++) {
        pause_ms(1); /* the last block's end may wait for more octets */
    }
    assert_true(snapshot(f).ticks >= 79);
    assert_true(snapshot(f).readings[HWT_Q_POWER] >= 5);
    v = poll_until(f, STATUS_OK);
    close(master);
    v = poll_until(f, STATUS_FAILED);
    assert_non_null(strstr(v.cause, f->port));
    close(slave);
}

/* Noise of all kinds; no block that it did not hit is lost, and measuring goes on. */
static void noise_on_a_line_costs_the_blocks_it_hits(void **state)
{
    struct fixture *f = *state;
    int slave, master = start_on_line(f, &slave);
    struct status_view v;
    uint8_t octets[2048], noise[3000];
    uint64_t random = 42;
    size_t n;

    for (size_t i = 0; i < sizeof(noise); i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        noise[i] = (uint8_t)(random >> 56);
    }
    memcpy(noise + 100, "HWTS", 4);  /* a header of nonsense */
    memcpy(noise + 2996, "HWTS", 4); /* and one that the next block's octets go on */
    write_all(master, noise, 500);   /* in the midst of something */
    send_blocks(master, 40);
    write_all(master, noise, sizeof(noise));
    send_blocks(master, 40);
    n = next_block(octets);
    write_all(master, octets, n / 2); /* a plug that is loose */
    n = next_block(octets);
    write_all(master, octets + n / 2, n - n / 2);
    send_blocks(master, 40);
    n = next_block(octets);
    octets[10] ^= 0x20; /* the payload's length: far too long to wait for */
    write_all(master, octets, n);
    send_blocks(master, 41);
    for (int i = 0; i < WAIT_MS && snapshot(f).ticks < 160; i++) {
        pause_ms(1);
    }
    assert_in_range(snapshot(f).ticks, 160, 161);
    pause_ms(1000); /* counters are shown once a second */
    v = poll_until(f, STATUS_OK);
    assert_in_range(counter(&v, "blocks"), 160, 161);
    assert_int_equal(counter(&v, "lost_blocks"), 3);
    assert_true(counter(&v, "skipped_bytes") >= 3500 + 2 * n);
    assert_true(strncmp(v.cause, "data was lost on the way: ", 26) == 0);
    assert_in_range(snapshot(f).last[HWT_Q_POWER], 11490, 11510);
    close(master);
    close(slave);
}

static void a_rate_no_port_knows_fails_with_the_rate(void **state)
{
    struct fixture *f = *state;
    struct sampler_options o = options_of(f);
    struct status_view v;

    o.socket = NULL;
    o.port = "/dev/null";
    o.baud = 123;
    f->sampler = sampler_new(&o);
    assert_int_equal(sampler_start(f->sampler), 0);
    v = poll_until(f, STATUS_FAILED);
    assert_string_equal(v.cause, "/dev/null: 123 is not a baud rate of a port");
}

/* With the state's own clock set back instead of waiting. */
static void silence_turns_stale_after_two_seconds(void **state)
{
    struct fixture *f = *state;
    struct sampler_options o = options_of(f);
    struct sampler_state s;
    struct status_view v;

    memset(&s, 0, sizeof(s));
    sampler_state_block(&s, 1700000000123);
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_int_equal(v.state, STATUS_OK);
    assert_true(v.last_ms == 1700000000123);
    atomic_fetch_sub(&s.block_us, 2500000);
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_int_equal(v.state, STATUS_STALE);
    assert_non_null(strstr(v.cause, "no sample block for 2 s"));
    sampler_state_block(&s, 1700000002345);
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_int_equal(v.state, STATUS_OK);
    assert_string_equal(v.cause, "");
    /* Open, and no block ever. */
    memset(&s, 0, sizeof(s));
    sampler_state_say(&s, SAMPLER_OPEN, 0);
    atomic_fetch_sub(&s.note_us, 3000000);
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_int_equal(v.state, STATUS_STALE);
}

static void damage_is_shown_until_ten_seconds_have_passed_without(void **state)
{
    struct fixture *f = *state;
    struct sampler_options o = options_of(f);
    struct sampler_state s;
    struct status_view v;

    memset(&s, 0, sizeof(s));
    sampler_state_block(&s, 1);
    sampler_state_show(&s, &o);
    atomic_store(&s.count[SAMPLER_LOST_BLOCKS], 5);
    s.shown_us -= 1000001;
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_string_equal(v.cause, "data was lost on the way: lost_blocks=5");
    s.shown_us -= 1000001;
    s.damage_us -= 9000000;
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_string_not_equal(v.cause, "");
    s.shown_us -= 1000001;
    s.damage_us -= 1000001;
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_string_equal(v.cause, "");
}

static void
what_the_meter_flags_is_counted_and_named_until_it_has_been_gone_for_ten_seconds(void **state)
{
    struct fixture *f = *state;
    struct sampler_options o = options_of(f);
    struct hwt_meter_window w = {.slots = 3, .sequence = HWT_METER_SEQUENCE_RIGHT};
    struct sampler_state s;
    struct status_view v;

    memset(&s, 0, sizeof(s));
    o.name[1] = "oven";
    o.name[2] = "hob";
    w.channel[1].flags = HWT_METER_REVERSED | HWT_METER_NOISY;
    w.channel[2].flags = HWT_METER_REVERSED;
    sampler_flags_take(&s.flags, &w);
    sampler_state_block(&s, 1);
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_int_equal(v.state, STATUS_OK);
    assert_string_equal(v.cause,
                        "oven and 1 more: feeds back, but is a consumer: clamp turned round?");
    assert_int_equal(counter(&v, "reversed"), 2);
    assert_int_equal(counter(&v, "noisy"), 1);
    assert_int_equal(counter(&v, "clipped"), 0);
    s.shown_us -= 1000001;
    s.flags.last_us[3][1] -= 10000001; /* the oven's: reversed is the fourth */
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_int_equal(counter(&v, "reversed"), 1);
    assert_true(strncmp(v.cause, "hob: ", 5) == 0);
    s.shown_us -= 1000001;
    s.flags.last_us[3][2] -= 10000001;
    w.sequence = HWT_METER_SEQUENCE_REVERSED;
    w.channel[1].flags = w.channel[2].flags = 0;
    sampler_flags_take(&s.flags, &w);
    sampler_state_show(&s, &o);
    status_get(f->status, &v);
    assert_int_equal(counter(&v, "reversed"), 0);
    assert_int_equal(counter(&v, "sequence"), 1);
    assert_true(strncmp(v.cause, "phases in the order 3, 2, 1", 27) == 0);
}

/* RMS of the clamp over 5 cycles; < 0: no samples. */
static double scope_amps(struct fixture *f)
{
    struct sampler_view v;
    int err = sampler_scope(f->sampler, 1, 5, &v);

    if (err == HWT_ERR_AGAIN) {
        return -1;
    }
    assert_int_equal(err, 0);
    assert_true(fabs(v.scope.voltage.rms - 230) < 0.2);
    assert_true(fabs(v.scope.hz - 50) < 0.01);
    assert_true(fabs(v.scope.current.angle_deg[0] + 60) < 0.2);
    assert_int_equal(v.bits, 12);
    free(v.memory);
    return v.scope.current.rms;
}

static void the_scope_shows_the_newest_cycles_with_the_sensors_as_they_are_now(void **state)
{
    struct fixture *f = *state;
    struct sampler_view v;
    uint8_t octets[2048];
    int fd;

    listen_at(f);
    start(f);
    fd = accept_sampler(f);
    assert_true(scope_amps(f) < 0);
    send_blocks(fd, 30);
    wait_for_ticks(f, 30);
    assert_true(fabs(scope_amps(f) - 10) < 0.05);
    assert_int_equal(sampler_scope(f->sampler, 0, 5, &v), HWT_ERR_ARGUMENT); /* a voltage */
    sampler_trim(f->sampler, 1, 1.1 / waves.slot[1].codes, 0);
    send_blocks(fd, 1);
    wait_for_ticks(f, 31);
    assert_true(fabs(scope_amps(f) - 11) < 0.05);
    (void)next_block(octets); /* never sent */
    send_blocks(fd, 4);
    wait_for_ticks(f, 35);
    assert_true(scope_amps(f) < 0); /* four cycles since the gap */
    send_blocks(fd, 4);
    wait_for_ticks(f, 39);
    assert_true(fabs(scope_amps(f) - 11) < 0.05);
    close(fd);
}

static void a_configuration_that_contradicts_itself_makes_no_sampler(void **state)
{
    struct fixture *f = *state;
    struct sampler_options o = options_of(f);

    o.meter.slot[1].reference = 1;
    assert_null(sampler_new(&o));
    sampler_free(NULL);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readings_come_with_source_value_and_time),
        TEST(damage_and_loss_are_counted_and_seen_and_measuring_goes_on),
        TEST(an_input_that_is_not_there_fails_with_its_cause_and_is_tried_again),
        TEST(a_restarted_sampler_continues_time_and_registers),
        TEST(slots_that_are_not_the_configurations_fail_with_the_slot),
        TEST(a_serial_port_is_read_as_a_socket_is),
        TEST(noise_on_a_line_costs_the_blocks_it_hits),
        TEST(a_rate_no_port_knows_fails_with_the_rate),
        TEST(silence_turns_stale_after_two_seconds),
        TEST(damage_is_shown_until_ten_seconds_have_passed_without),
        TEST(what_the_meter_flags_is_counted_and_named_until_it_has_been_gone_for_ten_seconds),
        TEST(the_scope_shows_the_newest_cycles_with_the_sensors_as_they_are_now),
        TEST(a_configuration_that_contradicts_itself_makes_no_sampler),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
