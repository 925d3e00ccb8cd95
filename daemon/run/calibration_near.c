#include "daemon/run/calibration_near.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"

enum { WINDOWS = 5 * CALIBRATION_NEAR_S + 32, PARTS = 4 };

/* What is kept of an input: of a voltage V, of a clamp A, W, var, VA. */
static const uint8_t kept[PARTS] = {HWT_Q_CURRENT, HWT_Q_POWER, HWT_Q_REACTIVE_POWER,
                                    HWT_Q_APPARENT_POWER};

struct window {
    int64_t mono_us;
    int64_t value[PARTS]; /* counts */
    bool good[PARTS];
};

struct line {
    struct window at[WINDOWS];
    size_t count; /* ever */
};

struct calibration_near {
    const struct installation *site;
    int64_t from_us;                /* windows that end before this are passed over */
    struct line *line[SOURCES_MAX]; /* NULL: no voltage, no clamp */
};

struct calibration_near *calibration_near_new(const struct installation *site)
{
    struct calibration_near *near = calloc(1, sizeof(*near));

    if (near == NULL) {
        return NULL;
    }
    near->site = site;
    for (unsigned i = 0; i < site->source_count; i++) {
        if (installation_input(site, i) != NULL) {
            near->line[i] = calloc(1, sizeof(*near->line[i]));
            if (near->line[i] == NULL) {
                calibration_near_free(near);
                return NULL;
            }
        }
    }
    return near;
}

void calibration_near_free(struct calibration_near *near)
{
    for (unsigned i = 0; near != NULL && i < SOURCES_MAX; i++) {
        free(near->line[i]);
    }
    free(near);
}

void calibration_near_clear(struct calibration_near *near, int64_t until_us)
{
    near->from_us = until_us;
    for (unsigned i = 0; i < SOURCES_MAX; i++) {
        if (near->line[i] != NULL) {
            near->line[i]->count = 0;
        }
    }
}

static int part_of(unsigned quantity)
{
    for (int k = 0; k < PARTS; k++) {
        if (kept[k] == quantity || (k == 0 && quantity == HWT_Q_VOLTAGE)) {
            return k;
        }
    }
    return -1;
}

void calibration_near_put(struct calibration_near *near, const struct hwt_reading *readings,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct hwt_reading *r = &readings[i];
        struct line *l = r->source < SOURCES_MAX ? near->line[r->source] : NULL;
        int part = part_of(r->quantity);
        struct window *w;

        if (l == NULL || part < 0 || r->mono_us < near->from_us) {
            continue;
        }
        w = l->count > 0 ? &l->at[(l->count - 1) % WINDOWS] : NULL;
        if (w == NULL || w->mono_us != r->mono_us) {
            w = &l->at[l->count++ % WINDOWS];
            *w = (struct window){.mono_us = r->mono_us};
        }
        w->value[part] = r->value;
        w->good[part] = r->quality == HWT_QUALITY_GOOD;
    }
}

/* Number k, the newest first, if it ended in the last seconds; or NULL. */
static const struct window *window_at(const struct line *l, size_t k, unsigned seconds)
{
    size_t held = l == NULL ? 0 : l->count < WINDOWS ? l->count : WINDOWS;
    const struct window *newest, *w;

    if (k >= held) {
        return NULL;
    }
    newest = &l->at[(l->count - 1) % WINDOWS];
    w = &l->at[(l->count - 1 - k) % WINDOWS];
    return newest->mono_us - w->mono_us < (int64_t)seconds * 1000000 ? w : NULL;
}

static double in_units(int64_t counts, unsigned quantity)
{
    return (double)counts / (double)hwt_quantity_get(quantity)->per_unit;
}

struct hwt_spread calibration_near_spread(const struct calibration_near *near, unsigned source,
                                          enum hwt_quantity quantity, unsigned seconds)
{
    struct hwt_spread s = {.count = 0};
    const struct window *w;
    int part = part_of(quantity);

    for (size_t k = 0; part >= 0 && (w = window_at(near->line[source], k, seconds)) != NULL; k++) {
        if (w->good[part]) {
            hwt_spread_add(&s, in_units(w->value[part], quantity));
        }
    }
    return s;
}

struct hwt_resistive calibration_near_resistive(const struct calibration_near *near,
                                                unsigned source, unsigned seconds)
{
    struct hwt_resistive r = {.p = {.count = 0}};
    const struct window *w;

    for (size_t k = 0; (w = window_at(near->line[source], k, seconds)) != NULL; k++) {
        if (w->good[1] && w->good[2] && w->good[3]) {
            hwt_resistive_add(&r, in_units(w->value[1], HWT_Q_POWER),
                              in_units(w->value[2], HWT_Q_REACTIVE_POWER),
                              in_units(w->value[3], HWT_Q_APPARENT_POWER));
        }
    }
    return r;
}
