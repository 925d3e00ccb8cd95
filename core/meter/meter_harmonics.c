#include "core/meter/meter_harmonics.h"

#include "core/meter/meter_nco.h"

enum { TONES = sizeof(((struct hwt_meter_harmonics *)0)->tone) / sizeof(struct hwt_meter_tone) };

static const uint32_t quarter = 0x40000000;

void hwt_meter_harmonics_begin(struct hwt_meter_harmonics *h)
{
    if (h->slot != h->wanted) {
        h->known = false;
        h->slot = h->wanted;
    }
    for (unsigned k = 0; k < TONES && h->slot >= 0; k++) {
        struct hwt_meter_tone *t = &h->tone[k];

        t->cos = t->sin = t->cos_edge_q16 = t->sin_edge_q16 = 0;
    }
}

void hwt_meter_harmonics_add(struct hwt_meter_harmonics *h, const int32_t *x, uint32_t phase,
                             uint32_t step, size_t n)
{
    for (unsigned k = 0; k < TONES; k++) {
        uint32_t at = phase * (k + 1), by = step * (k + 1);
        int64_t c = 0, s = 0;

        for (size_t i = 0; i < n; i++, at += by) {
            c += (int64_t)x[i] * hwt_meter_sin(at + quarter);
            s += (int64_t)x[i] * hwt_meter_sin(at);
        }
        h->tone[k].cos += c;
        h->tone[k].sin += s;
    }
}

void hwt_meter_harmonics_add_edge(struct hwt_meter_harmonics *h, int32_t x, uint32_t phase,
                                  uint32_t weight_q16)
{
    for (unsigned k = 0; k < TONES; k++) {
        uint32_t at = phase * (k + 1);
        int64_t weighted = (int64_t)x * (int64_t)weight_q16;

        h->tone[k].cos_edge_q16 += weighted * hwt_meter_sin(at + quarter);
        h->tone[k].sin_edge_q16 += weighted * hwt_meter_sin(at);
    }
}
