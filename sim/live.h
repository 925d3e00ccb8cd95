/*
 * live.h: the plant running: one thread, one loop over sockets, the line and the clock.
 *
 *   clock ─▶ blocks due ─▶ house second by second ─▶ truth
 *                      └─▶ sampler ─▶ stream ─▶ reader of samples
 *            bytes due ─▶ heat meter ─▶ M-Bus line
 *            bytes due ─▶ electricity meter ─▶ Modbus line, Modbus TCP
 *            seconds   ─▶ emonTx ─▶ serial line
 *            edges     ─▶ pulses, the grid meter's light
 *            commands  ─▶ faults
 */
#ifndef SIM_LIVE_H
#define SIM_LIVE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/devices/control.h"
#include "sim/devices/elster_output.h"
#include "sim/devices/emon_tx.h"
#include "sim/devices/mbus_bus.h"
#include "sim/devices/mbus_meter.h"
#include "sim/devices/mbus_port.h"
#include "sim/devices/modbus_port.h"
#include "sim/devices/modbus_tcp.h"
#include "sim/devices/pulse_output.h"
#include "sim/devices/sample_stream.h"
#include "sim/devices/sampler.h"
#include "sim/devices/w1_tree.h"
#include "sim/model.h"
#include "sim/options.h"
#include "sim/pace.h"

struct live {
    struct model model;
    struct sampler sampler;
    struct sample_stream stream;
    struct mbus_port mbus;
    struct mbus_meter meter;
    struct mbus_bus bus; /* it and its neighbours */
    struct modbus_meter elec;
    struct modbus_port modbus;
    struct modbus_tcp modbus_tcp;
    struct emon_tx emon;
    struct pulse_output pulses;  /* of the electricity meter */
    struct elster_output elster; /* of the grid meter */
    struct w1_tree w1;
    struct control control;
    struct crc32c crc;
    struct pace pace;
    const struct options *options;
    uint64_t seed;
    int64_t start_unix_s;
    bool lossless;
    bool waiting; /* for the first reader */
    bool quit;

    uint32_t sequence;      /* of the next block */
    uint32_t dropped;       /* scans since the block before */
    uint64_t dropped_total; /* scans */
    double volts_before;    /* of the second before: voltage glides */
    uint64_t second;        /* plant seconds begun */

    /* faults */
    bool samples_stopped;
    bool spoil_crc;       /* of the next block */
    uint32_t lose_blocks; /* yet to be swallowed */
    int64_t
        wall_step_us; /* by which the sampler's wall clock was stepped; the house does not care */
    bool wall_hidden; /* the sampler does not know the time */

    int64_t w1_ns;    /* of the sensors' files */
    int64_t truth_ns; /* of the last file */
    uint64_t truth_second;
};

/* Opens everything the options name; l->model is ready. 0, or -1 with a sentence in error[200]. */
int live_init(struct live *l, const struct options *o, const struct sensors *sensors, char *error);
void live_deinit(struct live *l);

/* Runs until *stop is set by a signal, `quit`, or the plant time is up. signal_mask: to wait with.
 * 0, or -1 with a sentence in error[200]. */
int live_run(struct live *l, const volatile sig_atomic_t *stop, const sigset_t *signal_mask,
             char *error);

/* Obeys a command of the control socket (control_obey). */
void live_obey(void *ctx, const char *line, char *reply);

/* Changes the speed, now. */
void live_set_speed(struct live *l, double speed);

#endif
