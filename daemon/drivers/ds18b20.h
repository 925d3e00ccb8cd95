/*
 * ds18b20.h: temperature sensors of the kernel's 1-Wire bus, one after the other, each `every_s`.
 *
 *   tick ──▶ worker: read <w1>/<rom>/w1_slave (0.75 s each) ──▶ loop: temperature, or missing ──▶
 * sink
 *
 * A sensor is known by its whole ROM id. One that comes and goes recovers by itself; a reading that
 * is none is missing, counted by reason. The loop never waits for a sensor.
 */
#ifndef DAEMON_DRIVERS_DS18B20_H
#define DAEMON_DRIVERS_DS18B20_H

#include <uv.h>

#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/source.h"

enum { DS18B20_SENSORS_MAX = 16 };

struct ds18b20; /* opaque */

struct ds18b20_sensor {
    const char *id;  /* for log lines; must outlive it */
    const char *rom; /* name of its folder; the same */
    uint16_t source;
    uint8_t quantity;
    double offset_k; /* added */
};

struct ds18b20_options {
    const char *id;  /* must outlive it */
    const char *dir; /* the same */
    struct ds18b20_sensor sensor[DS18B20_SENSORS_MAX];
    unsigned sensors;
    unsigned every_s;      /* s of the clock */
    struct status *status; /* must outlive it */
    reading_sink sink;
    void *ctx; /* of the sink */
};

/* NULL when out of memory. */
struct ds18b20 *ds18b20_new(uv_loop_t *loop, struct clock *clock,
                            const struct ds18b20_options *options);
void ds18b20_start(struct ds18b20 *d);
/* The clock has advanced. */
void ds18b20_tick(struct ds18b20 *d);
/* The memory goes once the loop has run, at the latest when a sensor under way has answered. NULL
 * is fine. */
void ds18b20_free(struct ds18b20 *d);

#endif
