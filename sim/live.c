#include "sim/live.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/truth_file.h"

#define NS               1000000000
#define BATCH_NS         5000000   /* work on blocks before the line is served again */
#define BEHIND_NS        500000000 /* the plant is too slow: time is moved, not made good */
#define SENSORS_EVERY_NS 50000000  /* the sensors' files at most so often */
#define TRUTH_EVERY_NS   200000000 /* the truth file at most so often */
#define COALESCE_NS      1000000   /* at high speed several blocks go out at once */
#define LONGEST_NS       200000000 /* wait at most */
#define EDGES_FROM_NS    INT64_C(5000000000) /* time stamp of edges when the plant begins */
#define FAREWELL_NS      2000000000          /* for a reader to take the rest */

static int64_t monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

static double plant_s(const struct live *l)
{
    return sampler_seconds(l->sampler.scan);
}

static int fail(char *error, const char *what, const char *path)
{
    snprintf(error, 200, "%s %.120s: %s", what, path, strerror(errno));
    return -1;
}

static int write_truth(struct live *l, bool at_once, char *error)
{
    int64_t now = monotonic_ns();

    if (l->options->truth == NULL ||
        (!at_once && (now - l->truth_ns < TRUTH_EVERY_NS || l->truth_second == l->second))) {
        return 0;
    }
    l->truth_ns = now;
    l->truth_second = l->second;
    if (truth_file_write(l, l->options->truth) != 0) {
        return fail(error, "--truth", l->options->truth);
    }
    return 0;
}

static int write_sensors(struct live *l, char *error)
{
    int64_t now = monotonic_ns();

    if (now - l->w1_ns < SENSORS_EVERY_NS) {
        return 0;
    }
    l->w1_ns = now;
    return w1_tree_write(&l->w1, &l->model.house) == 0 ? 0 : fail(error, "--w1", l->w1.dir);
}

/* Opens sockets and lines. */
static int open_all(struct live *l, const struct options *o, char *error)
{
    if (control_init(&l->control, o->control, live_obey, l) != 0) {
        return fail(error, "--control", o->control);
    }
    if (o->samples != NULL && sample_stream_init(&l->stream, o->samples) != 0) {
        return fail(error, "--samples", o->samples);
    }
    if (o->mbus != NULL && mbus_port_init(&l->mbus, o->mbus, (int)o->mbus_baud, o->seed,
                                          mbus_bus_answer, &l->bus) != 0) {
        return fail(error, "--mbus", o->mbus);
    }
    if (o->modbus != NULL &&
        modbus_port_init(&l->modbus, o->modbus, (int)o->modbus_baud, o->seed, &l->elec) != 0) {
        return fail(error, "--modbus", o->modbus);
    }
    if (line_feed_init(&l->pulses.feed, o->pulses) != 0) {
        return fail(error, "--pulses", o->pulses);
    }
    if (w1_tree_init(&l->w1, o->w1, o->seed, &l->model.house) != 0) {
        return fail(error, "--w1", o->w1);
    }
    if (line_feed_init(&l->elster.feed, o->elster) != 0) {
        return fail(error, "--elster", o->elster);
    }
    if (modbus_tcp_init(&l->modbus_tcp, (uint16_t)o->modbus_tcp, &l->elec) != 0) {
        return fail(error, "--modbus-tcp", "");
    }
    if (o->emon != NULL &&
        emon_tx_init(&l->emon, o->emon, (enum emon_form)o->emon_form, o->seed) != 0) {
        return fail(error, "--emon", o->emon);
    }
    return 0;
}

int live_init(struct live *l, const struct options *o, const struct sensors *sensors, char *error)
{
    l->options = o;
    l->seed = o->seed;
    l->stream.listener = l->stream.client = -1;
    l->mbus.pty.master = l->mbus.pty.slave = -1;
    l->modbus.pty.master = l->modbus.pty.slave = -1;
    l->modbus_tcp.listener = -1;
    l->emon.pty.master = l->emon.pty.slave = -1;
    l->pulses.feed.listener = l->pulses.feed.client = -1;
    l->elster.feed.listener = l->elster.feed.client = -1;
    elster_output_init(&l->elster, &l->model.grid, o->seed);
    l->waiting = o->wait;
    l->volts_before = l->model.house.volts;
    l->meter = (struct mbus_meter){
        .meter = &l->model.meter, .address = (uint8_t)o->mbus_address, .now_s = l->start_unix_s};
    mbus_bus_init(&l->bus, &l->meter, &l->model.house, (unsigned)o->mbus_meters);
    l->elec = (struct modbus_meter){.meter = &l->model.elec,
                                    .unit = (uint8_t)o->modbus_unit,
                                    .serial = 17000000 + (uint32_t)(o->seed % 1000000)};
    crc32c_init(&l->crc);
    if (open_all(l, o, error) != 0) {
        return -1;
    }
    if (sampler_init(&l->sampler, &l->model.waves, sensors, o->seed) != 0) {
        snprintf(error, 200, "no memory");
        return -1;
    }
    live_set_speed(l, o->speed);
    return write_truth(l, true, error);
}

void live_deinit(struct live *l)
{
    control_deinit(&l->control);
    mbus_port_deinit(&l->mbus);
    modbus_port_deinit(&l->modbus);
    modbus_tcp_deinit(&l->modbus_tcp);
    emon_tx_deinit(&l->emon);
    line_feed_deinit(&l->pulses.feed);
    line_feed_deinit(&l->elster.feed);
    w1_tree_deinit(&l->w1);
    sample_stream_deinit(&l->stream);
    sampler_deinit(&l->sampler);
}

void live_set_speed(struct live *l, double speed)
{
    l->pace.speed = speed;
    l->lossless =
        l->options->pace == PACE_LOSSLESS || (l->options->pace == PACE_AUTO && speed > 1.0);
    pace_anchor(&l->pace, monotonic_ns(), plant_s(l));
    mbus_port_set_speed(&l->mbus, speed);
    modbus_port_set_speed(&l->modbus, speed);
}

/* The edges that the second that has passed brings about. */
static void add_edges(struct live *l)
{
    int64_t t_ns = EDGES_FROM_NS + (int64_t)l->second * NS;

    pulse_output_add(&l->pulses, l->model.elec.watts, t_ns);
    elster_output_send(&l->elster, t_ns);
}

/* Steps the house up to the second that the next block begins in. */
static void advance_house(struct live *l)
{
    while (plant_s(l) >= (double)(l->second + 1)) {
        l->second++;
        l->volts_before = l->model.house.volts;
        emon_tx_add(&l->emon, &l->model.house);
        model_next_second(&l->model);
        mbus_bus_add(&l->bus);
        l->meter.now_s = l->start_unix_s + (int64_t)l->second;
        add_edges(l);
    }
}

/* What the sampler's crystal makes of a time, to its unit. */
static uint64_t fast_us(const struct live *l, uint64_t t)
{
    return t + (uint64_t)(int64_t)((double)t * l->options->clock_ppm * 1e-6);
}

static void send_block(struct live *l, double volts)
{
    uint16_t codes[SAMPLER_CODES];
    struct sample_block block = {
        .sequence = l->sequence,
        .device_us = fast_us(l, sampler_device_us(&l->sampler)),
        .period_ps = (uint32_t)fast_us(l, SAMPLER_PERIOD_PS),
        .dropped = l->dropped,
        .codes = codes,
    };
    uint8_t *out = sample_stream_next(&l->stream);

    block.wall_hidden = l->wall_hidden;
    block.wall_us =
        l->start_unix_s * 1000000 + (int64_t)sampler_device_us(&l->sampler) + l->wall_step_us;
    sampler_convert(&l->sampler, &l->model.house, volts, codes);
    sample_block_encode(&l->crc, &block, out);
    if (l->spoil_crc) {
        out[SAMPLE_BLOCK_LEN - 1] ^= 0x55;
        l->spoil_crc = false;
    }
    sample_stream_commit(&l->stream);
    l->dropped = 0;
}

/* A block goes to the reader, or is lost on the way: swallowed blocks use up a number, dropped ones
 * are declared by the next. */
static void pass_block(struct live *l, double volts)
{
    if (l->stream.client < 0) {
        l->dropped = 0;
    } else if (l->samples_stopped) {
        /* the sampler is silent */
    } else if (l->lose_blocks > 0) {
        l->lose_blocks--;
    } else if (!sample_stream_room(&l->stream)) {
        l->dropped += SAMPLER_SCANS;
        l->dropped_total += SAMPLER_SCANS;
        return;
    } else {
        send_block(l, volts);
    }
    l->sequence++;
}

static void next_block(struct live *l)
{
    double from, to, volts;

    advance_house(l);
    from = plant_s(l);
    to = sampler_seconds(l->sampler.scan + SAMPLER_SCANS);
    volts = l->volts_before + (l->model.house.volts - l->volts_before) * (from - (double)l->second);
    truth_add(&l->model.truth, &l->model.house, volts, sampler_theta(&l->sampler), from, to);
    pass_block(l, volts);
    sampler_advance(&l->sampler, l->model.house.hz);
}

static bool stalled(const struct live *l)
{
    return l->lossless && l->stream.client >= 0 && !sample_stream_room(&l->stream);
}

static bool time_is_up(const struct live *l)
{
    return l->options->for_s > 0.0 && plant_s(l) >= l->options->for_s;
}

/* Makes the blocks that are due, for a few milliseconds at most. */
static void run_blocks(struct live *l)
{
    int64_t begin = monotonic_ns(), now = begin;

    if (l->waiting) {
        l->waiting = l->stream.client < 0;
        pace_anchor(&l->pace, now, plant_s(l));
        return;
    }
    while (now - begin < BATCH_NS && !time_is_up(l) &&
           pace_wait(&l->pace, now, sampler_seconds(l->sampler.scan + SAMPLER_SCANS)) == 0) {
        if (stalled(l)) {
            sample_stream_flush(&l->stream);
        }
        if (stalled(l)) {
            pace_anchor(&l->pace, now, plant_s(l));
            break;
        }
        next_block(l);
        now = monotonic_ns();
    }
    sample_stream_flush(&l->stream);
    if (pace_target(&l->pace, now) - plant_s(l) > l->pace.speed * BEHIND_NS / NS) {
        pace_anchor(&l->pace, now, plant_s(l));
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    return b >= 0 && b < a ? b : a;
}

static void wait_for_work(struct live *l, const sigset_t *mask)
{
    struct pollfd fds[6 + CONTROL_CLIENTS + MODBUS_TCP_CLIENTS];
    nfds_t n = control_pollfds(&l->control, fds);
    int64_t now = monotonic_ns(), wait = LONGEST_NS;
    struct timespec timeout;

    if (l->stream.listener >= 0) {
        fds[n++] = (struct pollfd){.fd = l->stream.listener, .events = POLLIN};
    }
    if (sample_stream_pending(&l->stream)) {
        fds[n++] = (struct pollfd){.fd = l->stream.client, .events = POLLOUT};
    }
    if (l->mbus.pty.master >= 0) {
        fds[n++] = (struct pollfd){.fd = l->mbus.pty.master, .events = POLLIN};
    }
    if (l->modbus.pty.master >= 0) {
        fds[n++] = (struct pollfd){.fd = l->modbus.pty.master, .events = POLLIN};
    }
    n += modbus_tcp_pollfds(&l->modbus_tcp, fds + n);
    if (!l->waiting && !stalled(l)) {
        int64_t due = pace_wait(&l->pace, now, sampler_seconds(l->sampler.scan + SAMPLER_SCANS));

        wait = sooner(wait, due > 0 && due < COALESCE_NS ? COALESCE_NS : due);
    }
    wait = sooner(wait, mbus_port_wait(&l->mbus, now));
    wait = sooner(wait, modbus_port_wait(&l->modbus, now));
    wait = sooner(wait, modbus_tcp_wait(&l->modbus_tcp, now));
    timeout = (struct timespec){.tv_sec = wait / NS, .tv_nsec = wait % NS};
    ppoll(fds, n, &timeout, mask);
}

static void serve_edges(struct live *l)
{
    pulse_output_serve(&l->pulses, EDGES_FROM_NS + (int64_t)(plant_s(l) * NS));
    line_feed_serve(&l->elster.feed);
}

/* The reader may take what it is owed before the socket goes. */
static void farewell(struct live *l)
{
    int64_t begin = monotonic_ns();

    while (sample_stream_pending(&l->stream) && monotonic_ns() - begin < FAREWELL_NS) {
        struct pollfd p = {.fd = l->stream.client, .events = POLLOUT};

        poll(&p, 1, 100);
        sample_stream_flush(&l->stream);
    }
}

int live_run(struct live *l, const volatile sig_atomic_t *stop, const sigset_t *signal_mask,
             char *error)
{
    pace_anchor(&l->pace, monotonic_ns(), plant_s(l));
    while (*stop == 0 && !l->quit && !time_is_up(l)) {
        if (l->stream.listener >= 0) {
            sample_stream_accept(&l->stream);
        }
        mbus_port_serve(&l->mbus, monotonic_ns());
        modbus_port_serve(&l->modbus, monotonic_ns());
        modbus_tcp_serve(&l->modbus_tcp, monotonic_ns());
        control_serve(&l->control);
        run_blocks(l);
        serve_edges(l);
        if (write_sensors(l, error) != 0 || write_truth(l, false, error) != 0) {
            return -1;
        }
        wait_for_work(l, signal_mask);
    }
    farewell(l);
    return write_truth(l, true, error);
}
