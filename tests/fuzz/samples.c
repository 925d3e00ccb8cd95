/*
 * samples.c: fuzz target of the sample stream's reader, and of the meter behind it.
 *
 * Properties: fed in pieces gives what feeding at once gives; a good block after any litter is
 * delivered; the meter's windows lie end to end in time, and its registers never fall.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/meter/meter.h"
#include "core/wire/samples.h"
#include "tests/unit/stream.h"

enum { LAST_SEQUENCE = 0x4C415354, PADDING = HWT_SAMPLES_BLOCK_MAX };

struct outcome {
    struct hwt_samples_counters counters;
    uint64_t hash;
    uint32_t last_sequence;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hwt_samples reader;
static struct hwt_meter meter;

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What the meter gave so far. */
static struct {
    bool any;
    uint64_t end_us;
    int64_t counted_mj;
} given;

static void check_windows(const struct hwt_block *b)
{
    struct hwt_meter_window w;
    int joint = hwt_meter_feed(&meter, b);

    require(joint >= 0 || joint == HWT_ERR_UNSUPPORTED);
    while (hwt_meter_next(&meter, &w)) {
        int64_t counted_mj = w.channel[1].import_mj + w.channel[1].export_mj;

        require(!given.any || w.restarted || w.device_us == given.end_us + w.gap_us);
        require(counted_mj >= given.counted_mj);
        given.any = true;
        given.counted_mj = counted_mj;
        given.end_us = w.device_us + w.duration_us;
    }
}

static void start_meter(void)
{
    struct hwt_meter_config config = {.slots = 3};

    for (unsigned i = 0; i < 3; i++) {
        config.slot[i].kind = i == 0 ? HWT_SLOT_VOLTAGE : HWT_SLOT_CURRENT;
        config.slot[i].ratio = i == 0 ? 0.2 : 0.1;
        config.slot[i].phase_deg = 2;
    }
    require(hwt_meter_init(&meter, &config) == 0);
}

static void take(struct outcome *o, bool metered)
{
    struct hwt_block b;

    while (hwt_samples_next(&reader, &b)) {
        require(b.slots >= 1 && b.slots <= HWT_SLOTS_MAX && b.scans >= 1);
        for (size_t i = 0; i < (size_t)b.scans * b.slots; i++) {
            int32_t half = (int32_t)1 << (b.bits - 1);

            require(b.codes[i] >= -half && b.codes[i] < half);
            o->hash = o->hash * 31 + (uint32_t)b.codes[i];
        }
        o->hash = o->hash * 31 + b.sequence;
        o->last_sequence = b.sequence;
        if (metered) {
            check_windows(&b);
        }
    }
    o->counters = reader.counters;
}

static void feed(struct outcome *o, const uint8_t *p, size_t n, size_t piece, bool metered)
{
    while (n > 0) {
        size_t room;
        uint8_t *to = hwt_samples_room(&reader, &room);
        size_t k = n < piece ? n : piece;

        require(room >= 1);
        k = k < room ? k : room;
        memcpy(to, p, k);
        hwt_samples_fed(&reader, k);
        take(o, metered);
        p += k;
        n -= k;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t padding[PADDING];
    static const uint32_t codes[2] = {1, 2};
    struct stream_block good = {.version = 1,
                                .sequence = LAST_SEQUENCE,
                                .period_ps = 149940000,
                                .scans = 1,
                                .slots = 2,
                                .bits = 12,
                                .code_bytes = 2,
                                .codes = codes};
    struct outcome whole = {0}, cut = {0};
    uint8_t block[128];
    size_t n = stream_put(block, &good);

    start_meter();
    memset(&given, 0, sizeof(given));
    hwt_samples_init(&reader);
    feed(&whole, data, size, SIZE_MAX, true);
    hwt_samples_init(&reader);
    feed(&cut, data, size, size > 0 ? 1 + data[0] % 61u : 1, false);
    require(memcmp(&whole, &cut, sizeof(whole)) == 0);
    feed(&cut, block, n, n, false);
    feed(&cut, padding, sizeof(padding), sizeof(padding), false); /* ends any wait for octets */
    require(cut.last_sequence == LAST_SEQUENCE);
    return 0;
}
