/*
 * wire_engine: figures of the M-Bus decoder and of the search, as one line of JSON.
 *
 *   wire_engine decode SECONDS FILE…   telegrams/s to typed values, readings, JSON; allocations
 *   wire_engine once HOW ROUNDS FILE…  so many rounds over the files, for an instruction counter
 *   wire_engine search SEED METERS     requests and bus time of a search, and the least there can
 * be
 *
 * Linked with --wrap, so that every allocation of the code measured is counted.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/wire/mbus_search.h"
#include "daemon/cli/mbus_json.h"
#include "daemon/drivers/mbus_readings.h"

enum { FRAMES_MAX = 256, METERS_MAX = 64, BAUD = 2400 };

static unsigned long allocations;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = __wrap_malloc(n * size);

    return p != NULL ? memset(p, 0, n * size) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
    (void)p;
    (void)n;
    abort(); /* nobody here does */
}

/* --- telegrams ------------------------------------------------------------------------------- */

static struct {
    uint8_t octets[HWT_MBUS_FRAME_MAX];
    size_t n;
} frame[FRAMES_MAX];
static size_t frames;

static void load(const char *path)
{
    FILE *f = fopen(path, "r");
    unsigned octet;

    if (f == NULL || frames == FRAMES_MAX) {
        fprintf(stderr, "%s: cannot be taken\n", path);
        exit(1);
    }
    while (frame[frames].n < HWT_MBUS_FRAME_MAX && fscanf(f, "%2x", &octet) == 1) {
        frame[frames].octets[frame[frames].n++] = (uint8_t)octet;
    }
    fclose(f);
    frames++;
}

static uint64_t sink; /* what was decoded must not be optimised away */

static void to_values(const struct hwt_mbus_frame *f)
{
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault;

    if (hwt_mbus_open(f, &t, &fault) != 0) {
        return;
    }
    while (hwt_mbus_next(&t, &r, &fault) == 1) {
        sink += (uint64_t)r.mantissa + r.real_bits + (uint64_t)r.date.day + (unsigned)r.quantity;
    }
}

static void to_readings(const struct hwt_mbus_frame *f)
{
    struct hwt_mbus_telegram t;
    struct hwt_mbus_fault fault;
    struct hwt_reading out[MBUS_READINGS_MAX];
    unsigned implausible;

    if (hwt_mbus_open(f, &t, &fault) == 0 && hwt_mbus_verify(&t, &fault) == 0) {
        sink += mbus_readings(&t, MBUS_HEAT, NULL, 1, 0, out, &implausible);
    }
}

static void to_json(const struct hwt_mbus_frame *f)
{
    static char text[MBUS_JSON_MAX];
    struct hwt_json j;
    struct hwt_mbus_fault fault;

    hwt_json_init(&j, text, sizeof(text));
    if (mbus_json_telegram(&j, f, &fault) == 0) {
        sink += j.at;
    }
}

typedef void (*decode_fn)(const struct hwt_mbus_frame *);
static const struct {
    const char *name;
    decode_fn fn;
} ways[] = {{"values", to_values}, {"readings", to_readings}, {"json", to_json}};

static void round_of(decode_fn fn)
{
    struct hwt_mbus_frame f;
    struct hwt_mbus_fault fault;

    for (size_t i = 0; i < frames; i++) {
        if (hwt_mbus_frame_check(frame[i].octets, frame[i].n, &f, &fault) == 0) {
            fn(&f);
        }
    }
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int decode(double seconds)
{
    size_t octets = 0, records = 0;

    for (size_t i = 0; i < frames; i++) {
        struct hwt_mbus_frame f;
        struct hwt_mbus_telegram t;
        struct hwt_mbus_record r;
        struct hwt_mbus_fault fault;

        octets += frame[i].n;
        if (hwt_mbus_frame_check(frame[i].octets, frame[i].n, &f, &fault) == 0 &&
            hwt_mbus_open(&f, &t, &fault) == 0) {
            while (hwt_mbus_next(&t, &r, &fault) == 1) {
                records++;
            }
        }
    }
    printf("{\"frames\":%zu,\"octets\":%zu,\"records\":%zu", frames, octets, records);
    for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
        unsigned long before = allocations, rounds = 0;
        double start = now_s(), end;

        do {
            for (int i = 0; i < 100; i++) {
                round_of(ways[w].fn);
            }
            rounds += 100;
            end = now_s();
        } while (end - start < seconds);
        printf(",\"%s_per_s\":%.0f,\"%s_allocations\":%lu", ways[w].name,
               (double)(rounds * frames) / (end - start), ways[w].name, allocations - before);
    }
    printf(",\"sink\":%u}\n", (unsigned)(sink & 1));
    return 0;
}

/* --- search ---------------------------------------------------------------------------------- */

/* Meters that answer as on the wire: what overlaps is spoilt (a space wins). */
struct bus {
    struct hwt_mbus_master m;
    uint8_t id[METERS_MAX][8];
    bool chosen[METERS_MAX];
    unsigned meters;
    int64_t now_us;
    int64_t bus_us; /* the line is in use, or must be waited for by the standard */
    uint32_t sends;
};

static size_t answer(struct bus *b, unsigned i, const struct hwt_mbus_frame *f, uint8_t *out)
{
    uint8_t data[40] = {0};

    if (f->ci == 0x52 && f->shape == HWT_MBUS_LONG) {
        b->chosen[i] = hwt_mbus_select_fits(f->data, b->id[i]);
        out[0] = 0xE5;
        return b->chosen[i];
    }
    if (!b->chosen[i] || f->shape != HWT_MBUS_SHORT || f->c == HWT_MBUS_SND_NKE) {
        b->chosen[i] = b->chosen[i] && f->c != HWT_MBUS_SND_NKE;
        return 0;
    }
    memcpy(data, b->id[i], 8);
    memset(data + 12, 0x2F, sizeof(data) - 12); /* a short telegram: 49 octets in all */
    return (size_t)hwt_mbus_long_encode(0x08, 0, 0x72, data, sizeof(data), out, HWT_MBUS_FRAME_MAX);
}

static void play(struct bus *b)
{
    for (;;) {
        struct hwt_mbus_action a = hwt_mbus_master_step(&b->m, b->now_us);
        uint8_t back[HWT_MBUS_FRAME_MAX], said[HWT_MBUS_FRAME_MAX];
        struct hwt_mbus_frame f;
        struct hwt_mbus_fault fault;
        size_t longest = 0;

        if (a.step == HWT_MBUS_STEP_DONE) {
            return;
        }
        if (a.step == HWT_MBUS_STEP_WAIT) {
            b->now_us = a.wake_us;
            continue;
        }
        b->sends++;
        if (hwt_mbus_frame_check(a.octets, a.n, &f, &fault) != 0) {
            abort();
        }
        for (unsigned i = 0; i < b->meters; i++) {
            size_t n = answer(b, i, &f, said);

            for (size_t k = 0; k < n; k++) {
                back[k] = k < longest ? back[k] & said[k] : said[k];
            }
            longest = n > longest ? n : longest;
        }
        if (longest > 0) {
            b->now_us += (int64_t)(a.n + longest) * 11 * 1000000 / BAUD + 25000;
            hwt_mbus_master_feed(&b->m, back, longest, b->now_us);
        }
    }
}

/* Frames that any search by digits must send: the tree of the prefixes that hold two or more. */
static unsigned least_frames(const struct bus *b)
{
    unsigned frames_least = 1; /* the widest mask */

    for (unsigned digits = 0; digits < 8; digits++) {
        for (unsigned i = 0; i < b->meters; i++) {
            unsigned alike = 0, first = 1;

            for (unsigned k = 0; k < b->meters; k++) {
                bool same = true;

                for (unsigned d = 0; d < digits; d++) {
                    unsigned at = 3 - d / 2, shift = d % 2 == 0 ? 4 : 0;

                    same = same && (b->id[i][at] >> shift & 15) == (b->id[k][at] >> shift & 15);
                }
                alike += same;
                first = same && k < i ? 0 : first;
            }
            frames_least += first && alike > 1 ? 10 + 1 : 0; /* its ten digits, and the request that
                                                                showed the collision */
        }
    }
    return frames_least + b->meters; /* and one telegram each */
}

static int search(uint64_t seed, unsigned meters)
{
    static const uint8_t all[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    struct bus b = {.meters = meters < METERS_MAX ? meters : METERS_MAX, .now_us = 1000000};
    struct hwt_mbus_slave slave = {.address = 253, .select_size = 8};
    struct hwt_mbus_search s;
    unsigned found = 0;

    for (unsigned i = 0; i < b.meters; i++) {
        for (unsigned k = 0; k < 4; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            b.id[i][k] = (uint8_t)((seed >> 33) % 10 << 4 | (seed >> 43) % 10);
        }
        b.id[i][4] = 0x2D;
        b.id[i][5] = 0x2C;
        b.id[i][6] = 0x34;
        b.id[i][7] = 0x04;
    }
    hwt_mbus_master_init(&b.m, BAUD);
    hwt_mbus_search_init(&s, all);
    while (hwt_mbus_search_next(&s, slave.select)) {
        enum hwt_mbus_outcome o;

        slave.linked = slave.lost = false;
        hwt_mbus_master_start(&b.m, &slave, 330 * 1000000 / BAUD + 70000, 0, b.now_us);
        play(&b);
        o = hwt_mbus_search_outcome(&b.m);
        found += o == HWT_MBUS_ONE;
        hwt_mbus_search_tell(&s, o);
    }
    printf("{\"found\":%u,\"masks\":%u,\"frames\":%u,\"least_frames\":%u,\"seconds\":%.1f}\n",
           found, s.tried, b.sends, least_frames(&b), (double)(b.now_us - 1000000) / 1e6);
    return found == b.meters ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "decode") == 0) {
        for (int i = 3; i < argc; i++) {
            load(argv[i]);
        }
        return decode(atof(argv[2]));
    }
    if (argc >= 5 && strcmp(argv[1], "once") == 0) {
        for (int i = 4; i < argc; i++) {
            load(argv[i]);
        }
        for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
            for (int i = 0; strcmp(argv[2], ways[w].name) == 0 && i < atoi(argv[3]); i++) {
                round_of(ways[w].fn);
            }
        }
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "search") == 0) {
        return search(strtoull(argv[2], NULL, 10), (unsigned)atoi(argv[3]));
    }
    fputs("usage: wire_engine decode|once|search …\n", stderr);
    return 2;
}
