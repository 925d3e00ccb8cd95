#include "daemon/drivers/ds18b20.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/wire/ds18b20.h"
#include "daemon/base/log.h"

enum { TEXT_MAX = 256, MISSED_MAX = 3, MDEGC_PER_COUNT = 10, COUNTS_PER_K = 100 };

struct sensor {
    struct hwt_ds18b20 judge;
    unsigned missed;     /* reads in a row that were none */
    bool good;           /* ever */
    bool told;           /* its loss was logged */
    const char *why;     /* of the last miss */
    char text[TEXT_MAX]; /* the worker's, while it is at work */
    ssize_t n;
    int err; /* errno, if n < 0 */
};

struct ds18b20 {
    struct ds18b20_options o;
    struct clock *clock;
    uv_loop_t *loop;
    uv_work_t work;
    bool working;
    atomic_bool closing;
    int64_t due_us; /* clock */
    struct sensor sensor[DS18B20_SENSORS_MAX];
};

/* --- the worker ------------------------------------------------------------------------------ */

/* All of a file in one read, as sysfs has it: opening it, or reading on, would convert again. */
static void read_sensor(const struct ds18b20_options *o, unsigned i, struct sensor *s)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/%s/w1_slave", o->dir, o->sensor[i].rom);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    s->n = fd < 0 ? -1 : read(fd, s->text, sizeof(s->text));
    s->err = errno;
    if (fd >= 0) {
        close(fd);
    }
}

static void read_all(uv_work_t *work)
{
    struct ds18b20 *d = work->data;

    for (unsigned i = 0; i < d->o.sensors && !atomic_load(&d->closing); i++) {
        read_sensor(&d->o, i, &d->sensor[i]);
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

static void miss(struct ds18b20 *d, unsigned i, const char *counter, const char *why)
{
    struct sensor *s = &d->sensor[i];

    status_count(d->o.status, counter, 1);
    s->why = why;
    s->missed++;
    if (!s->told && (s->missed >= MISSED_MAX || !s->good)) {
        LOG(LOG_WARN, d->o.sensor[i].id, "sensor lost rom=%s reason=\"%s\"", d->o.sensor[i].rom,
            why);
        s->told = true;
    }
}

static const char *explain(enum hwt_ds18b20_verdict verdict)
{
    static const char *const words[HWT_DS18B20_VERDICTS] = {
        [HWT_DS18B20_GOOD] = "",
        [HWT_DS18B20_TEXT] = "what it tells is no reading",
        [HWT_DS18B20_CRC] = "wrong sum: wire or pull-up",
        [HWT_DS18B20_ZEROS] = "only zeros: the wire is shorted",
        [HWT_DS18B20_DISCONNECTED] = "-127: disconnected",
        [HWT_DS18B20_RANGE] = "out of range",
        [HWT_DS18B20_POWER_UP] = "85.000: it has just got power, or too little",
    };

    return words[verdict];
}

static void give(struct ds18b20 *d, unsigned i, int32_t mdegc, int64_t now_us)
{
    const struct ds18b20_sensor *o = &d->o.sensor[i];
    struct sensor *s = &d->sensor[i];
    struct hwt_reading r = {
        .value = llround((double)mdegc / MDEGC_PER_COUNT + o->offset_k * COUNTS_PER_K),
        .mono_us = now_us,
        .source = o->source,
        .quantity = o->quantity,
        .quality = HWT_QUALITY_GOOD};

    if (s->told) {
        LOG(LOG_INFO, o->id, "sensor is back rom=%s missed=%u", o->rom, s->missed);
    }
    s->told = false;
    s->good = true;
    s->missed = 0;
    status_count(d->o.status, "good", 1);
    status_good(d->o.status, clock_stamp_ms(d->clock));
    d->o.sink(d->o.ctx, &r, 1);
}

static void take_sensor(struct ds18b20 *d, unsigned i, int64_t now_us)
{
    struct sensor *s = &d->sensor[i];
    enum hwt_ds18b20_verdict verdict;
    int32_t mdegc;

    if (s->n < 0) {
        bool absent = s->err == ENOENT || s->err == ENODEV;

        miss(d, i, absent ? "ABSENT" : "READ", absent ? "not there" : strerror(s->err));
        return;
    }
    verdict = hwt_ds18b20_take(&s->judge, s->text, (size_t)s->n, now_us, &mdegc);
    if (verdict == HWT_DS18B20_GOOD) {
        give(d, i, mdegc, now_us);
    } else {
        miss(d, i, hwt_ds18b20_verdict_name(verdict), explain(verdict));
    }
}

/* A sensor that missed a reading or two is still the one it was. */
static bool is_lost(const struct sensor *s)
{
    return s->missed >= MISSED_MAX || !s->good;
}

static void tell_state(struct ds18b20 *d)
{
    const struct ds18b20_sensor *o = NULL;
    unsigned lost = 0, first = 0;

    for (unsigned i = 0; i < d->o.sensors; i++) {
        if (is_lost(&d->sensor[i])) {
            first = lost++ == 0 ? i : first;
        }
    }
    if (lost == 0) {
        status_set(d->o.status, STATUS_OK, clock_stamp_ms(d->clock), NULL);
        return;
    }
    o = &d->o.sensor[first];
    if (access(d->o.dir, X_OK) != 0) {
        status_set(d->o.status, STATUS_FAILED, clock_stamp_ms(d->clock),
                   "%.60s is not there: is 1-Wire switched on (dtoverlay=w1-gpio)?", d->o.dir);
    } else {
        status_set(d->o.status, lost == d->o.sensors ? STATUS_FAILED : STATUS_STALE,
                   clock_stamp_ms(d->clock), "%u of %u sensors: %s (%s): %.60s", lost, d->o.sensors,
                   o->id, o->rom, d->sensor[first].why);
    }
}

static void on_read(uv_work_t *work, int status)
{
    struct ds18b20 *d = work->data;
    int64_t now_us;

    d->working = false;
    if (atomic_load(&d->closing)) {
        free(d);
        return;
    }
    if (status != 0) {
        return;
    }
    now_us = clock_mono_us(d->clock);
    for (unsigned i = 0; i < d->o.sensors; i++) {
        take_sensor(d, i, now_us);
    }
    tell_state(d);
}

void ds18b20_tick(struct ds18b20 *d)
{
    int64_t now_us = clock_mono_us(d->clock), every_us = 1000000 * (int64_t)d->o.every_s;

    if (now_us < d->due_us || d->working) {
        return;
    }
    d->due_us = now_us + every_us - now_us % every_us;
    d->working = uv_queue_work(d->loop, &d->work, read_all, on_read) == 0;
}

struct ds18b20 *ds18b20_new(uv_loop_t *loop, struct clock *clock,
                            const struct ds18b20_options *options)
{
    struct ds18b20 *d = calloc(1, sizeof(*d));

    if (d == NULL) {
        return NULL;
    }
    d->o = *options;
    d->clock = clock;
    d->loop = loop;
    d->work.data = d;
    atomic_init(&d->closing, false);
    for (unsigned i = 0; i < d->o.sensors; i++) {
        hwt_ds18b20_init(&d->sensor[i].judge);
    }
    return d;
}

void ds18b20_start(struct ds18b20 *d)
{
    ds18b20_tick(d);
}

void ds18b20_free(struct ds18b20 *d)
{
    if (d == NULL) {
        return;
    }
    if (d->working) { /* on_read frees */
        atomic_store(&d->closing, true);
        uv_cancel((uv_req_t *)&d->work);
    } else {
        free(d);
    }
}
