#include "core/meter/meter_harmonics.h"

#include "core/meter/meter_nco.h"

enum { TONES = sizeof(((struct hwt_meter_harmonics *)0)->tone[0]) / sizeof(struct hwt_meter_tone) };

void hwt_meter_harmonics_begin(struct hwt_meter_harmonics *h)
{
    if (h->slot != h->wanted || h->reference != h->wanted_reference) {
        h->known = false;
        h->slot = h->wanted;
        h->reference = h->wanted_reference;
    }
    for (unsigned k = 0; k < 2 * TONES && h->slot >= 0; k++) {
        struct hwt_meter_tone *t = &h->tone[k / TONES][k % TONES];

        t->cos = t->sin = t->cos_edge_q16 = t->sin_edge_q16 = 0;
    }
}

static void add_tone(struct hwt_meter_tone *t, const int32_t *x, const int32_t *cos,
                     const int32_t *sin, size_t n)
{
    int64_t c = 0, s = 0;

    for (size_t i = 0; i < n; i++) {
        c += (int64_t)x[i] * cos[i];
        s += (int64_t)x[i] * sin[i];
    }
    t->cos += c;
    t->sin += s;
}

void hwt_meter_harmonics_add(struct hwt_meter_harmonics *h, const int32_t *x, const int32_t *v,
                             uint32_t phase, uint32_t step, uint32_t from, size_t n)
{
    enum { SOME = 32 };
    int32_t cos[SOME], sin[SOME];

    while (n > 0) {
        size_t some = n < SOME ? n : SOME;

        for (unsigned k = 0; k < TONES; k++) {
            hwt_meter_nco(phase * (k + 1), step * (k + 1), from, some, cos, sin);
            add_tone(&h->tone[0][k], x, cos, sin, some);
            if (v != NULL) {
                add_tone(&h->tone[1][k], v, cos, sin, some);
            }
        }
        x += some;
        v = v != NULL ? v + some : NULL;
        from += (uint32_t)some;
        n -= some;
    }
}

void hwt_meter_harmonics_add_edge(struct hwt_meter_harmonics *h, unsigned k, int32_t x,
                                  uint32_t phase, uint32_t weight_q16)
{
    for (unsigned i = 0; i < TONES; i++) {
        struct hwt_meter_tone *t = &h->tone[k][i];
        int64_t weighted = (int64_t)x * (int64_t)weight_q16;
        int32_t cos, sin;

        hwt_meter_nco(phase * (i + 1), 0, 0, 1, &cos, &sin);
        t->cos_edge_q16 += weighted * cos;
        t->sin_edge_q16 += weighted * sin;
    }
}
