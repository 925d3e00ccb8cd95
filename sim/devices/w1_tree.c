#include "sim/devices/w1_tree.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/physics/rng.h"

enum { OCTETS = 9, RESET_SIXTEENTH = 85 * 16 };

#define OFFSET_K 0.4

const char *const w1_roms[W1_SENSORS] = {"28-0316a2795bff", "28-0316a2796001", "28-0316a2796102"};

static void path_of(const struct w1_tree *t, int sensor, const char *file, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s%s", t->dir, w1_roms[sensor], file);
}

/* Dallas/Maxim CRC-8: x^8 + x^5 + x^4 + 1, lowest bit first. */
static uint8_t crc8(const uint8_t *p, size_t n)
{
    uint8_t crc = 0;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint8_t)(crc >> 1 ^ ((crc & 1) != 0 ? 0x8C : 0));
        }
    }
    return crc;
}

static void scratchpad(int sixteenth, uint8_t out[OCTETS])
{
    uint16_t raw = (uint16_t)sixteenth;

    memcpy(out, "\0\0\x4b\x46\x7f\xff\x0c\x10", OCTETS - 1);
    out[0] = (uint8_t)raw;
    out[1] = (uint8_t)(raw >> 8);
    out[6] = (uint8_t)(0x10 - (raw & 0xF));
    out[OCTETS - 1] = crc8(out, OCTETS - 1);
}

static void print_octets(FILE *f, const uint8_t p[OCTETS])
{
    for (int i = 0; i < OCTETS; i++) {
        fprintf(f, "%02x ", p[i]);
    }
}

static int write_sensor(const struct w1_tree *t, int i)
{
    const struct w1_sensor *s = &t->sensor[i];
    int sixteenth = s->fault == W1_RESET ? RESET_SIXTEENTH : s->sixteenth;
    char path[PATH_MAX], next[PATH_MAX];
    uint8_t p[OCTETS];
    FILE *f;

    path_of(t, i, "/w1_slave", path);
    path_of(t, i, "/w1_slave.new", next);
    f = fopen(next, "we");
    if (f == NULL) {
        return -1;
    }
    scratchpad(sixteenth, p);
    print_octets(f, p);
    fprintf(f, ": crc=%02x %s\n", p[OCTETS - 1], s->fault == W1_CRC ? "NO" : "YES");
    print_octets(f, p);
    fprintf(f, "t=%d\n", sixteenth * 1000 / 16);
    return fclose(f) != 0 ? -1 : rename(next, path);
}

int w1_tree_write(struct w1_tree *t, const struct house *h)
{
    const double degc[W1_SENSORS] = {h->heatpump.flow_degc, h->heatpump.return_degc,
                                     h->weather.outside_degc};
    int failed = 0;

    for (int i = 0; t->dir != NULL && i < W1_SENSORS; i++) {
        struct w1_sensor *s = &t->sensor[i];

        s->degc = degc[i];
        s->sixteenth = (int)lround((s->degc + s->offset) * 16.0);
        failed |= s->unplugged ? 0 : write_sensor(t, i);
    }
    return failed != 0 ? -1 : 0;
}

int w1_tree_plug(struct w1_tree *t, int sensor, bool plugged)
{
    char path[PATH_MAX];

    t->sensor[sensor].unplugged = !plugged;
    path_of(t, sensor, "", path);
    if (plugged) {
        return mkdir(path, 0755) == 0 || errno == EEXIST ? write_sensor(t, sensor) : -1;
    }
    path_of(t, sensor, "/w1_slave", path);
    unlink(path);
    path_of(t, sensor, "", path);
    return rmdir(path) == 0 || errno == ENOENT ? 0 : -1;
}

int w1_tree_init(struct w1_tree *t, const char *dir, uint64_t seed, const struct house *h)
{
    struct rng r;

    memset(t, 0, sizeof(*t));
    t->dir = dir;
    rng_init(&r, seed, 78);
    for (int i = 0; i < W1_SENSORS; i++) {
        t->sensor[i].offset = rng_between(&r, -OFFSET_K, OFFSET_K);
    }
    if (dir == NULL) {
        return 0;
    }
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        return -1;
    }
    for (int i = 0; i < W1_SENSORS; i++) {
        if (w1_tree_plug(t, i, true) != 0) {
            return -1;
        }
    }
    return w1_tree_write(t, h);
}

void w1_tree_deinit(struct w1_tree *t)
{
    for (int i = 0; t->dir != NULL && i < W1_SENSORS; i++) {
        (void)w1_tree_plug(t, i, false);
    }
    if (t->dir != NULL) {
        rmdir(t->dir);
    }
}
