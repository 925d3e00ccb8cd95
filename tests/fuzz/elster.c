/*
 * elster.c: fuzz target of the optical decoder: flashes at any times, characters of any kind.
 *
 * Properties: nothing is read outside its memory; a good packet after any litter is delivered; what
 * the gate publishes never falls within a count.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/elster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hwt_elster elster;
static struct hwt_elster_gate gate;
static uint64_t published;

static void take(const struct hwt_elster_packet *packet)
{
    struct hwt_elster_value v;
    enum hwt_elster_verdict verdict = hwt_elster_gate(&gate, packet, &v);

    if (verdict == HWT_ELSTER_PUBLISH && v.import_wh < published &&
        published - v.import_wh < 1000000000) {
        abort();
    }
    published = verdict == HWT_ELSTER_WAIT ? published : v.import_wh;
}

/* One packet of an A100C whose registers are all 0. */
static void good_packet(uint8_t p[110])
{
    static const uint8_t head[] = {1, 0, 104, 2};
    uint8_t sum = 0;

    memset(p, 0, 110);
    memcpy(p, head, sizeof(head));
    memcpy(p + 4, "Elster A100C", 12);
    p[108] = 3;
    for (size_t i = 0; i < 109; i++) {
        sum = (uint8_t)(sum + p[i]);
    }
    p[109] = sum;
}

static void characters(const uint8_t *data, size_t size)
{
    struct hwt_elster_packet packet;
    uint8_t p[110];
    int64_t t = 0;
    int found = 0;

    if (hwt_elster_init(&elster, 2400) != 0) {
        abort();
    }
    for (size_t i = 0; i < size; i++, t += 4166667) {
        if (hwt_elster_character(&elster, data[i], t, &packet)) {
            take(&packet);
        }
    }
    good_packet(p);
    t += 1000000000;
    for (size_t i = 0; i < sizeof(p); i++, t += 4166667) {
        found += hwt_elster_character(&elster, p[i], t, &packet);
    }
    if (found != 1) {
        abort();
    }
}

static void flashes(const uint8_t *data, size_t size)
{
    struct hwt_elster_packet packet;
    int64_t t = 0;

    if (hwt_elster_init(&elster, 0) != 0) {
        abort();
    }
    for (size_t i = 0; i + 2 <= size; i += 2) {
        t += (int64_t)((unsigned)data[i] | (unsigned)data[i + 1] << 8) * 3000 - 1000000;
        if (hwt_elster_idle(&elster, t, &packet)) {
            take(&packet);
        }
        if (hwt_elster_edge(&elster, t, &packet)) {
            take(&packet);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hwt_elster_gate_init(&gate, 25000);
    published = 0;
    if (size > 0 && (data[0] & 1) != 0) {
        characters(data + 1, size - 1);
    } else if (size > 0) {
        flashes(data + 1, size - 1);
    }
    return 0;
}
