#include "daemon/drivers/analog.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fixed.h"
#include "daemon/base/log.h"

enum { WHY_MAX = 120, PATH_BYTES = 320, UV_PER_V = 1000000, UV_PER_MV = 1000 };

struct measured { /* of one channel, by the worker */
    bool read;
    int64_t uv;
    char why[WHY_MAX];
};

struct analog {
    struct analog_options o;
    struct clock *clock;
    uv_loop_t *loop;
    uv_work_t work;
    struct measured flow, temperature;
    int64_t due_us;
    bool busy, closing;
};

const struct analog_sensor *analog_sensor_find(const char *name)
{
    for (size_t i = 0; i < analog_sensor_count; i++) {
        if (strcmp(analog_sensors[i].name, name) == 0) {
            return &analog_sensors[i];
        }
    }
    return NULL;
}

/* --- files ----------------------------------------------------------------------------------- */

static bool read_number(const char *path, double *out)
{
    FILE *f = fopen(path, "r");
    int n;

    if (f == NULL) {
        return false;
    }
    errno = 0;
    n = fscanf(f, "%lf", out);
    if (n != 1 && errno == 0) {
        errno = EINVAL;
    }
    fclose(f);
    return n == 1 && isfinite(*out);
}

/* "dir/in_voltage2_raw" with its ending replaced: "dir/in_voltage2_scale", or the one that all
 * channels share, "dir/in_voltage_scale". */
static bool read_beside(const char *path, const char *ending, double *out)
{
    const char *tail = strrchr(path, '_');
    char name[PATH_BYTES];
    int stem = tail != NULL ? (int)(tail - path) : 0;

    if (snprintf(name, sizeof(name), "%.*s_%s", stem, path, ending) >= (int)sizeof(name)) {
        return false;
    }
    if (read_number(name, out)) {
        return true;
    }
    while (stem > 0 && path[stem - 1] >= '0' && path[stem - 1] <= '9') {
        stem--;
    }
    snprintf(name, sizeof(name), "%.*s_%s", stem, path, ending);
    return read_number(name, out);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

bool analog_read_uv(const char *path, double v_per_step, int64_t *uv_out, char *why_out,
                    size_t why_size)
{
    double raw, uv, mv_per_step = 1, offset = 0;

    if (!read_number(path, &raw)) {
        snprintf(why_out, why_size, "%s: %s", path, strerror(errno));
        return false;
    }
    if (v_per_step > 0) {
        uv = raw * v_per_step * UV_PER_V;
    } else {
        if (ends_with(path, "_raw")) {
            (void)read_beside(path, "offset", &offset);
            if (!read_beside(path, "scale", &mv_per_step)) {
                snprintf(why_out, why_size, "%s has no scale beside it: set v_per_step", path);
                return false;
            }
        }
        uv = (raw + offset) * mv_per_step * UV_PER_MV;
    }
    if (!(fabs(uv) < 1e12)) {
        snprintf(why_out, why_size, "%s: %g is no voltage", path, raw);
        return false;
    }
    *uv_out = llround(uv);
    return true;
}

/* --- on a worker ----------------------------------------------------------------------------- */

static void measure(const struct analog *a, const struct analog_channel *c, struct measured *m)
{
    int64_t uv = 0;

    m->read = c->path != NULL && c->path[0] != '\0' &&
              analog_read_uv(c->path, c->v_per_step, &uv, m->why, sizeof(m->why));
    m->uv = llround((double)uv * a->o.divider);
}

static void on_work(uv_work_t *work)
{
    struct analog *a = work->data;

    measure(a, &a->o.flow, &a->flow);
    measure(a, &a->o.temperature, &a->temperature);
}

/* --- on the loop ----------------------------------------------------------------------------- */

static int64_t calibrated(const struct analog_calibration *c, int64_t counts)
{
    int64_t turned, reads = c->reads[1] - c->reads[0];

    if (reads <= 0 || !hwt_mul_div(counts - c->reads[0], c->is[1] - c->is[0], reads, &turned)) {
        return counts;
    }
    return c->is[0] + turned;
}

struct outcome {
    struct hwt_reading reading[2];
    size_t n;
    char cause[STATUS_CAUSE_MAX]; /* of the first channel that is missing, or "" */
};

static void refuse(struct analog *a, struct outcome *out, const char *what, const char *counter,
                   const char *why, int64_t uv)
{
    status_count(a->o.status, counter, 1);
    if (out->cause[0] == '\0') {
        snprintf(out->cause, sizeof(out->cause), "%s: %.3f V: %s", what, (double)uv / UV_PER_V,
                 why);
    }
}

static void take(struct analog *a, struct outcome *out, const struct analog_channel *c,
                 const struct measured *m, enum hwt_quantity quantity)
{
    bool flow = quantity == HWT_Q_FLOW_RATE;
    const char *what = flow ? "flow" : "temperature";
    int64_t counts = 0;
    enum hwt_vfs_result result;

    if (c->path == NULL || c->path[0] == '\0') {
        return;
    }
    if (!m->read) {
        status_count(a->o.status, "unreadable", 1);
        snprintf(out->cause, sizeof(out->cause), "%s", m->why);
        return;
    }
    result = flow ? hwt_vfs_flow(&a->o.sensor->range, m->uv, &counts)
                  : hwt_vfs_temperature(m->uv, &counts);
    if (result == HWT_VFS_BROKEN) {
        refuse(a, out, what, "broken_wire", "no supply, or a broken wire", m->uv);
    } else if (result == HWT_VFS_OVER) {
        refuse(a, out, what, "over_range", "over range, or a short circuit", m->uv);
    } else {
        status_count(a->o.status, "below_range", result == HWT_VFS_BELOW);
        out->reading[out->n++] = (struct hwt_reading){
            .value = flow && result == HWT_VFS_BELOW ? 0 : calibrated(&c->calibration, counts),
            .source = a->o.source,
            .quantity = (uint8_t)quantity,
            .quality = result == HWT_VFS_BELOW ? HWT_QUALITY_SUSPECT : HWT_QUALITY_GOOD};
    }
}

static void on_done(uv_work_t *work, int status)
{
    struct analog *a = work->data;
    struct outcome out = {.n = 0};
    int64_t unix_ms = clock_stamp_ms(a->clock), now_us = clock_mono_us(a->clock);

    a->busy = false;
    if (a->closing || status != 0) {
        if (a->closing) {
            free(a);
        }
        return;
    }
    take(a, &out, &a->o.flow, &a->flow, HWT_Q_FLOW_RATE);
    take(a, &out, &a->o.temperature, &a->temperature, a->o.temperature_is);
    for (size_t i = 0; i < out.n; i++) {
        out.reading[i].mono_us = now_us;
    }
    status_count(a->o.status, "polls", 1);
    if (out.n > 0) {
        a->o.sink(a->o.ctx, out.reading, out.n);
        status_good(a->o.status, unix_ms);
    }
    status_set(a->o.status,
               out.cause[0] == '\0' ? STATUS_OK
               : out.n > 0          ? STATUS_STALE
                                    : STATUS_FAILED,
               unix_ms, "%s", out.cause);
}

struct analog *analog_new(uv_loop_t *loop, struct clock *clock,
                          const struct analog_options *options)
{
    struct analog *a = calloc(1, sizeof(*a));

    if (a != NULL) {
        a->o = *options;
        a->loop = loop;
        a->clock = clock;
        a->work.data = a;
    }
    return a;
}

void analog_tick(struct analog *a)
{
    int64_t now_us = clock_mono_us(a->clock);

    if (a->busy || now_us < a->due_us) {
        return;
    }
    a->due_us = now_us + (int64_t)a->o.poll_s * 1000000;
    a->busy = uv_queue_work(a->loop, &a->work, on_work, on_done) == 0;
}

void analog_free(struct analog *a)
{
    if (a != NULL && a->busy) {
        a->closing = true;
        (void)uv_cancel((uv_req_t *)&a->work);
    } else {
        free(a);
    }
}
