#include "daemon/drivers/sampler_view.h"

#include <stdlib.h>

#include "daemon/base/clock.h"

enum { STALE_US = 2000000 /* real */ };

/* Room for the traces, and for nothing else. */
static void *give_room(struct hwt_meter_scope *scope, uint32_t scans)
{
    size_t n = scans;
    double *memory = malloc(n * 2 * (sizeof(double) + 1));

    if (memory != NULL) {
        scope->voltage.value = memory;
        scope->current.value = memory + n;
        scope->voltage.clipped = (uint8_t *)(memory + 2 * n);
        scope->current.clipped = scope->voltage.clipped + n;
    }
    return memory;
}

static int fill_view(const struct hwt_meter_config *meter, unsigned slot, unsigned cycles,
                     const struct sampler_ring_head *head, const struct hwt_meter_scans *scans,
                     struct sampler_view *out)
{
    struct hwt_meter_config config = *meter; /* with the sensors as they are now */
    struct hwt_meter_scope *scope = &out->scope;
    int err;

    if (clock_real_us() - head->real_us > STALE_US) {
        return HWT_ERR_AGAIN;
    }
    out->memory = give_room(scope, scans->scans);
    if (out->memory == NULL) {
        return HWT_ERR_SPACE;
    }
    for (unsigned i = 0; i < HWT_SLOTS_MAX; i++) {
        config.slot[i].ratio = head->sensor[i].ratio;
        config.slot[i].phase_deg = head->sensor[i].phase_deg;
    }
    out->noise = slot < HWT_SLOTS_MAX ? head->sensor[slot].noise : -1;
    out->bits = scans->bits;
    out->unix_ms = head->unix_ms;
    err = hwt_meter_scope(&config, slot, scans, cycles, out->noise, scope);
    if (err == 0 && head->unix_ms != HWT_TIME_UNKNOWN) {
        out->unix_ms -= (int64_t)((scans->scans - scope->zero_scan) * scans->period_ps * 1e-9);
    }
    return err;
}

int sampler_view_take(struct sampler_ring *ring, const struct hwt_meter_config *meter,
                      unsigned slot, unsigned cycles, struct sampler_view *out)
{
    struct sampler_view view = {0};
    struct sampler_ring_head head;
    struct hwt_meter_scans scans;
    int32_t *codes;
    int err = sampler_ring_get(ring, &head, &scans, &codes);

    if (err != 0) {
        return err;
    }
    err = fill_view(meter, slot, cycles, &head, &scans, &view);
    free(codes);
    if (err != 0) {
        free(view.memory);
        return err;
    }
    *out = view;
    return 0;
}
