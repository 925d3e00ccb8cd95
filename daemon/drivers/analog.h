/*
 * analog.h: a flow and temperature sensor on a converter that Linux reads: files of the industrial
 * I/O subsystem (in_voltage0_raw, with in_voltage0_scale or in_voltage_scale beside it) or of hwmon
 * (in0_input, in mV).
 *
 *   tick ──▶ worker reads the files ──▶ uV ──▶ core/wire/vfs ──▶ calibration ──▶ sink
 *
 * A converter may take its time: a worker thread reads, the loop never waits. What cannot be read,
 * a broken wire and a voltage out of range are missing, counted, and the status says which.
 */
#ifndef DAEMON_DRIVERS_ANALOG_H
#define DAEMON_DRIVERS_ANALOG_H

#include <uv.h>

#include "core/base/err.h"
#include "core/wire/vfs.h"
#include "daemon/base/clock.h"
#include "daemon/base/status.h"
#include "daemon/drivers/source.h"

struct analog_sensor { /* a row of data/vfs/sensors.txt */
    const char *name;
    struct hwt_vfs_range range;
};

extern const struct analog_sensor analog_sensors[];
extern const size_t analog_sensor_count;

/* NULL: no such sensor. */
const struct analog_sensor *analog_sensor_find(const char *name);

/* What the sensor shows at two points, and what it is there, in counts; both 0: as it is. */
struct analog_calibration {
    int64_t reads[2], is[2];
};

struct analog_channel {
    const char *path;  /* NULL or "": not there; must outlive the source */
    double v_per_step; /* 0: as the file beside it says, or mV for hwmon */
    struct analog_calibration calibration;
};

struct analog_options {
    const char *id; /* for log lines; must outlive the source */
    uint16_t source;
    const struct analog_sensor *sensor;
    struct analog_channel flow, temperature;
    double divider; /* V of the sensor for a V at the converter */
    enum hwt_quantity temperature_is;
    unsigned poll_s;
    struct status *status; /* must outlive the source */
    reading_sink sink;
    void *ctx;
};

struct analog; /* opaque */

/* NULL when out of memory. */
struct analog *analog_new(uv_loop_t *loop, struct clock *clock,
                          const struct analog_options *options);
/* The clock has advanced: a read-out that has fallen due begins. */
void analog_tick(struct analog *a);
/* The memory goes once the loop has run. NULL is fine. */
void analog_free(struct analog *a);

/* Microvolts that a file of either kind says; false, *why_out a phrase with the file, if it cannot
 * be read or is no number. Blocks as long as the file does. */
bool analog_read_uv(const char *path, double v_per_step, int64_t *uv_out, char *why_out,
                    size_t why_size);

#endif
