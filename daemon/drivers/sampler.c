#include "daemon/drivers/sampler.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/wire/samples.h"
#include "daemon/drivers/sampler_clock.h"
#include "daemon/drivers/sampler_input.h"
#include "daemon/drivers/sampler_ring.h"
#include "daemon/drivers/sampler_spi.h"
#include "daemon/drivers/sampler_state.h"
#include "daemon/drivers/sampler_trims.h"
#include "daemon/drivers/sampler_view.h"

enum { RETRY_FIRST_MS = 200, RETRY_LAST_MS = 5000, SPI_WAIT_MS = 20 };

struct mark { /* one instant by two clocks */
    uint64_t device_us;
    int64_t mono_us;
};

struct sampler {
    struct sampler_options options;
    pthread_t thread;
    bool started;
    int stop_fd; /* eventfd: readable when the thread shall end */

    struct sampler_state state;
    struct sampler_ring ring;
    struct sampler_trims trims;

    /* The thread's own. */
    struct hwt_samples samples;
    struct hwt_meter meter;
    struct sampler_clock rate;
    struct sampler_clock_host host;
    int64_t synced_us; /* real us, when the clock was last asked whether it is synchronised */
    struct hwt_reading reading[SAMPLER_READINGS_MAX];
    bool any_block;
    struct mark now;    /* end of the newest block */
    struct mark before; /* a restart: end of the block before it, */
    bool restarting;    /* until the first window after it */
    uint64_t outage_us; /* the restart's */
    uint64_t measured_us, gap_us;
    struct sampler_ring_sensor sensor[HWT_SLOTS_MAX]; /* as they are now */
    struct sampler_spi_options spi;
    struct sampler_spi_link link;
    uint64_t spi_blocks;
    uint64_t spi_bad; /* scans that no converter drove */
};

static void publish_counters(struct sampler *s)
{
    const struct hwt_samples_counters *c = &s->samples.counters;
    const struct hwt_meter_counters *m = &s->meter.counters;
    atomic_uint_fast64_t *count = s->state.count;

    atomic_store(&count[SAMPLER_BLOCKS], c->blocks + s->spi_blocks);
    atomic_store(&count[SAMPLER_CHECKSUM], c->refused[-HWT_ERR_CHECKSUM]);
    atomic_store(&count[SAMPLER_LENGTH], c->refused[-HWT_ERR_LENGTH]);
    atomic_store(&count[SAMPLER_SANITY], c->refused[-HWT_ERR_SANITY] + s->spi_bad);
    atomic_store(&count[SAMPLER_UNSUPPORTED], m->refused);
    atomic_store(&count[SAMPLER_LOST_BLOCKS], m->lost_blocks);
    atomic_store(&count[SAMPLER_DROPPED_SCANS], m->lost_scans);
    atomic_store(&count[SAMPLER_RESTARTS], m->restarts);
    atomic_store(&count[SAMPLER_SKIPPED_BYTES], c->skipped_bytes);
}

static int64_t mono_at(const struct mark *m, uint64_t device_us)
{
    return m->mono_us - (int64_t)(m->device_us - device_us);
}

/* The quantities asked for beyond those of every slot. */
static size_t put_more(struct sampler *s, const struct hwt_meter_window *w, unsigned slot,
                       int64_t mono_us, struct hwt_reading *out)
{
    const struct sampler_more *more = &s->options.more[slot];
    struct hwt_meter_spectrum spectrum;
    bool known = more->n > 0 && hwt_meter_spectrum(&s->meter, (int)slot, &spectrum);

    return hwt_meter_more_readings(&w->channel[slot], known ? &spectrum : NULL, more->quantity,
                                   more->n, s->options.source[slot], mono_us, out);
}

static void deliver_window(struct sampler *s, const struct hwt_meter_window *w)
{
    struct sampler_window out = {.reading = s->reading, .duration_us = w->duration_us};

    if (w->restarted) {
        s->restarting = false;
        s->gap_us += s->outage_us;
        s->outage_us = 0;
    }
    /* What the sampler's old clock measured lies before its restart. */
    out.mono_us = mono_at(s->restarting ? &s->before : &s->now, w->device_us + w->duration_us);
    for (unsigned i = 0; i < w->slots; i++) {
        out.count += hwt_meter_readings(&w->channel[i], s->options.source[i], out.mono_us,
                                        s->reading + out.count);
        out.count += put_more(s, w, i, out.mono_us, s->reading + out.count);
        s->sensor[i].noise = w->channel[i].noise;
    }
    for (unsigned g = 0; g < w->groups; g++) {
        out.count += hwt_meter_total_readings(&w->total[g], s->options.group_source[g], out.mono_us,
                                              s->reading + out.count);
    }
    sampler_flags_take(&s->state.flags, w);
    s->measured_us += w->duration_us;
    s->gap_us += w->gap_us;
    out.measured_us = s->measured_us;
    out.gap_us = s->gap_us;
    s->options.sink(s->options.ctx, &out);
}

static void deliver(struct sampler *s)
{
    struct hwt_meter_window w;

    while (hwt_meter_next(&s->meter, &w)) {
        deliver_window(s, &w);
    }
}

static void say_refused(struct sampler *s, const struct hwt_block *b)
{
    int slot = hwt_meter_mismatch(&s->meter, b);

    if (slot >= 0) {
        sampler_state_say(&s->state, SAMPLER_MISMATCH, (unsigned)slot);
    } else {
        sampler_state_say(&s->state, SAMPLER_PERIOD, 0);
    }
}

/* The block's end by both clocks. The clock is told before the sink is, so that nobody sees a
 * reading that is newer than the clock. */
static struct mark follow_clock(struct sampler *s, const struct hwt_block *b, int joint)
{
    int64_t block_us = (int64_t)((uint64_t)b->scans * b->scan_period_ps / 1000000);
    struct mark end = {.device_us = b->device_us + (uint64_t)block_us};
    int64_t wall_us = b->wall_us == HWT_TIME_UNKNOWN ? b->wall_us : b->wall_us + block_us;
    bool back = s->any_block && end.device_us < s->now.device_us;

    end.mono_us = clock_feed(s->options.clock, end.device_us, wall_us,
                             joint == HWT_METER_RESTART || (joint < 0 && back));
    if (joint == HWT_METER_RESTART) {
        int64_t outage_us = end.mono_us - block_us - s->now.mono_us;

        s->before = s->restarting ? s->before : s->now;
        s->restarting = true;
        s->outage_us += outage_us > 0 ? (uint64_t)outage_us : 0;
    }
    return end;
}

static int64_t monotonic_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void read_host(struct sampler *s)
{
    s->host.boot_us = clock_real_us();
    s->host.awake_us = s->host.boot_us - monotonic_us();
    if (s->synced_us == 0 || s->host.boot_us - s->synced_us >= 1000000) {
        s->host.synced = clock_now(s->options.clock).quality == HWT_CLOCK_SYNCED;
        s->synced_us = s->host.boot_us;
    }
}

/* Holds the block's clock against the host's, and makes its times true ones. */
static void discipline(struct sampler *s, struct hwt_block *b)
{
    uint64_t end_us = b->device_us + (uint64_t)b->scans * b->scan_period_ps / 1000000;

    if (sampler_clock_see(&s->rate, end_us, &s->host, s->options.settle_us)) {
        sampler_state_clock(&s->state, sampler_clock_fast_ppb(&s->rate), s->rate.unsure_ppb);
    }
    sampler_clock_tune(&s->rate, b);
}

/* What sampler_trim brought. Out of range is left: whoever found it has checked. */
static void take_trims(struct sampler *s)
{
    struct sampler_trim trim[HWT_SLOTS_MAX];

    if (!sampler_trims_take(&s->trims, trim)) {
        return;
    }
    for (unsigned i = 0; i < HWT_SLOTS_MAX; i++) {
        if (trim[i].ratio > 0 &&
            hwt_meter_trim(&s->meter, i, trim[i].ratio, trim[i].phase_deg) == 0) {
            s->sensor[i].ratio = trim[i].ratio;
            s->sensor[i].phase_deg = trim[i].phase_deg;
        }
    }
}

static void take_block(struct sampler *s, const struct hwt_block *b)
{
    int64_t unix_ms;
    int joint;

    take_trims(s);
    joint = hwt_meter_feed(&s->meter, b);

    if (joint < 0) {
        say_refused(s, b);
        hwt_meter_close(&s->meter);
        deliver(s);
    }
    s->now = follow_clock(s, b, joint);
    s->any_block = true;
    deliver(s);
    if (joint >= 0) {
        unix_ms = clock_unix_ms(s->options.clock);
        sampler_state_block(&s->state, unix_ms == HWT_TIME_UNKNOWN ? 0 : unix_ms);
        sampler_ring_put(&s->ring, b, joint == HWT_METER_FOLLOWS, s->sensor, unix_ms,
                         clock_real_us());
    } else {
        sampler_ring_break(&s->ring);
    }
    publish_counters(s);
    if (s->options.tick != NULL) {
        s->options.tick(s->options.ctx);
    }
}

static void take_blocks(struct sampler *s)
{
    struct hwt_block b;

    while (hwt_samples_next(&s->samples, &b)) {
        discipline(s, &b);
        take_block(s, &b);
    }
    publish_counters(s);
}

/* Waits for input (fd >= 0) or for the time to pass. False: the thread shall end. */
static bool wait_for(struct sampler *s, int fd, int timeout_ms)
{
    struct pollfd p[2] = {{.fd = s->stop_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    while (poll(p, 2, timeout_ms) < 0 && errno == EINTR) {
        /* once more: all signals are blocked here, but a debugger's are not */
    }
    return p[0].revents == 0;
}

/* Reads until the input ends or the thread shall. True if any block came. */
static bool read_input(struct sampler *s, int fd)
{
    uint64_t before = s->samples.counters.blocks;

    while (wait_for(s, fd, -1)) {
        size_t room;
        uint8_t *to = hwt_samples_room(&s->samples, &room);
        ssize_t n = read(fd, to, room);

        if (n > 0) {
            read_host(s);
            hwt_samples_fed(&s->samples, (size_t)n);
            take_blocks(s);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            sampler_state_say(&s->state, SAMPLER_CLOSED, n == 0 ? 0 : (unsigned)errno);
            break;
        }
    }
    hwt_samples_restart(&s->samples);
    hwt_meter_close(&s->meter);
    deliver(s);
    publish_counters(s);
    return s->samples.counters.blocks > before;
}

/* Takes blocks until a converter fails or the thread shall end. */
static void read_converters(struct sampler *s, struct sampler_spi *spi)
{
    struct sampler_spi_view view;
    struct hwt_block b;
    unsigned chip, error = 0;

    while (error == 0 && wait_for(s, -1, SPI_WAIT_MS)) {
        while (sampler_spi_next(spi, &b)) {
            s->spi_blocks++;
            take_block(s, &b);
        }
        sampler_spi_look(spi, &view);
        sampler_state_spi(&s->state, &view);
        s->spi_bad = view.bad;
        publish_counters(s);
        error = (unsigned)sampler_spi_error(spi, &chip);
        if (error != 0) {
            sampler_state_say(&s->state, SAMPLER_CLOSED,
                              error | (chip > 0 ? SAMPLER_SECOND_CHIP : 0));
        }
    }
    hwt_meter_close(&s->meter);
    deliver(s);
}

/* Opens the converters and reads them. True if any block came. */
static bool run_spi(struct sampler *s)
{
    uint64_t before = s->meter.counters.blocks;
    struct sampler_spi *spi;
    unsigned chip;
    int error = sampler_spi_open(&s->spi, &s->link, &spi, &chip);

    if (error != 0) {
        sampler_state_say(&s->state, SAMPLER_CLOSED,
                          (unsigned)-error | (chip > 0 ? SAMPLER_SECOND_CHIP : 0));
        return false;
    }
    sampler_state_say(&s->state, SAMPLER_OPEN, 0);
    read_converters(s, spi);
    sampler_spi_close(spi, &s->link);
    return s->meter.counters.blocks > before;
}

/* Opens the stream and reads it. True if any block came. */
static bool run_stream(struct sampler *s)
{
    const struct sampler_options *o = &s->options;
    int fd =
        o->socket != NULL ? sampler_open_socket(o->socket) : sampler_open_port(o->port, o->baud);
    bool blocks;

    if (fd < 0) {
        sampler_state_say(&s->state, SAMPLER_CLOSED, (unsigned)-fd);
        return false;
    }
    sampler_state_say(&s->state, SAMPLER_OPEN, 0);
    blocks = read_input(s, fd);
    close(fd);
    return blocks;
}

static void *run(void *arg)
{
    struct sampler *s = arg;
    int retry_ms = RETRY_FIRST_MS;
    bool blocks;

    for (;;) {
        blocks = s->options.spidev[0] != NULL ? run_spi(s) : run_stream(s);
        retry_ms = blocks ? RETRY_FIRST_MS : retry_ms;
        if (!wait_for(s, -1, retry_ms)) {
            return NULL;
        }
        retry_ms = retry_ms * 2 < RETRY_LAST_MS ? retry_ms * 2 : RETRY_LAST_MS;
    }
}

struct sampler *sampler_new(const struct sampler_options *options)
{
    struct sampler *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->options = *options;
    sampler_trims_init(&s->trims);
    hwt_samples_init(&s->samples);
    for (unsigned i = 0; i < HWT_SLOTS_MAX; i++) {
        s->sensor[i] = (struct sampler_ring_sensor){options->meter.slot[i].ratio,
                                                    options->meter.slot[i].phase_deg, -1};
    }
    sampler_clock_init(&s->rate);
    s->spi.device[0] = options->spidev[0];
    s->spi.device[1] = options->spidev[1];
    s->spi.hz = options->spi_hz;
    for (unsigned i = 0; i < SPI_SLOTS && i < options->meter.slots; i++) {
        s->spi.slot[i].kind = options->meter.slot[i].kind;
    }
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sampler_ring_init(&s->ring) != 0 || s->stop_fd < 0 ||
        hwt_meter_init(&s->meter, &options->meter) != 0 ||
        hwt_meter_select(&s->meter, options->analyses ? options->analysed : -1) != 0) {
        sampler_free(s);
        return NULL;
    }
    return s;
}

int sampler_start(struct sampler *s)
{
    sigset_t all, old;
    int error;

    /* Signals are the loop's business: the thread inherits a mask that blocks them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    s->started = error == 0;
    if (s->started) {
        (void)pthread_setname_np(s->thread, "sampler");
    }
    return error == 0 ? 0 : HWT_ERR_IO;
}

void sampler_stop(struct sampler *s)
{
    if (s->started) {
        eventfd_write(s->stop_fd, 1);
        pthread_join(s->thread, NULL);
        s->started = false;
    }
}

void sampler_free(struct sampler *s)
{
    if (s == NULL) {
        return;
    }
    sampler_stop(s);
    if (s->stop_fd >= 0) {
        close(s->stop_fd);
    }
    sampler_ring_deinit(&s->ring);
    sampler_trims_deinit(&s->trims);
    free(s);
}

void sampler_poll_status(struct sampler *s)
{
    sampler_state_show(&s->state, &s->options);
}

void sampler_trim(struct sampler *s, unsigned slot, double ratio, double phase_deg)
{
    if (slot < HWT_SLOTS_MAX) {
        sampler_trims_put(&s->trims, slot, (struct sampler_trim){ratio, phase_deg});
    }
}

int sampler_scope(struct sampler *s, unsigned slot, unsigned cycles, struct sampler_view *out)
{
    return sampler_view_take(&s->ring, &s->options.meter, slot, cycles, out);
}
