#include "sim/devices/sampler.h"

#include <math.h>
#include <stdlib.h>

#include "sim/physics/rng.h"

#define NOISE_SIZE    65536
#define NOISE_LSB     0.7
#define MID_SCALE     2048.0f
#define CODE_MAX      4095.0f
#define POINT_SHIFT   21 /* 32-bit phase: 11 bits of point, 21 bits within */
#define POINT_MASK    ((1u << POINT_SHIFT) - 1)
#define PERIOD_S      (SAMPLER_PERIOD_PS * 1e-12)
#define PHASE_CYCLE   18446744073709551616.0 /* 2^64 */
#define DEG_PER_CYCLE 360.0

_Static_assert(WAVE_POINTS == 1 << (32 - POINT_SHIFT), "a phase addresses the table directly");

static void fill_table(struct sampler_point *out, const struct sensor *sensor,
                       const struct wave_spectrum *spectrum)
{
    struct wave_spectrum sensed;
    double x[WAVE_POINTS];

    sensor_response(sensor, spectrum, &sensed);
    wave_table(&sensed, WAVE_POINTS, x);
    for (int i = 0; i < WAVE_POINTS; i++) {
        out[i].value = (float)x[i];
        out[i].step = (float)((x[(i + 1) % WAVE_POINTS] - x[i]) / (1 << POINT_SHIFT));
    }
}

/* Box and Muller's pairs, then exactly mean 0 and the variance of half the noise: a code adds two
 * runs of this table. */
static void fill_noise(float *noise, uint64_t seed)
{
    struct rng r;
    double sum = 0, square = 0, mean, scale;

    rng_init(&r, seed, 7);
    for (int i = 0; i < NOISE_SIZE; i += 2) {
        double radius = sqrt(-2.0 * log(1.0 - rng_uniform(&r)));
        double angle = 2.0 * 3.14159265358979323846 * rng_uniform(&r);

        noise[i] = (float)(radius * cos(angle));
        noise[i + 1] = (float)(radius * sin(angle));
        sum += (double)noise[i] + (double)noise[i + 1];
        square += radius * radius;
    }
    mean = sum / NOISE_SIZE;
    scale = NOISE_LSB / sqrt(2.0) / sqrt(square / NOISE_SIZE - mean * mean);
    for (int i = 0; i < NOISE_SIZE; i++) {
        noise[i] = (float)(((double)noise[i] - mean) * scale);
    }
    for (int i = 0; i < SAMPLER_SCANS; i++) {
        noise[NOISE_SIZE + i] = noise[i];
    }
}

int sampler_init(struct sampler *s, const struct waves *w, const struct sensors *sensors,
                 uint64_t seed)
{
    struct sampler_point *next;

    *s = (struct sampler){.sensors = *sensors};
    s->noise_seed = rng_mix(seed + 8);
    s->noise = malloc((NOISE_SIZE + SAMPLER_SCANS) * sizeof(*s->noise));
    s->memory = malloc((1 + (size_t)CIRCUIT_COUNT * WAVE_KINDS) * WAVE_POINTS * sizeof(*s->memory));
    if (s->noise == NULL || s->memory == NULL) {
        sampler_deinit(s);
        return -1;
    }
    fill_noise(s->noise, seed);
    s->mains = s->memory;
    fill_table(s->mains, &sensors->slot[0], &w->mains);
    next = s->memory + WAVE_POINTS;
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        for (int k = 0; k < WAVE_KINDS; k++, next += WAVE_POINTS) {
            s->wave[c][k] = next;
            fill_table(next, &sensors->slot[c + 1], &w->kind[k]);
        }
    }
    return 0;
}

void sampler_deinit(struct sampler *s)
{
    free(s->noise);
    free(s->memory);
    s->noise = NULL;
    s->memory = NULL;
}

uint64_t sampler_device_us(const struct sampler *s)
{
    return s->scan * (SAMPLER_PERIOD_PS / 10000) / 100; /* the period is 14994 x 10 ns */
}

double sampler_seconds(uint64_t scan)
{
    return (double)scan * PERIOD_S;
}

struct phase_run {
    uint32_t start; /* 2^32 a cycle */
    uint32_t step;
};

/* The phase that a slot's table is read at: the tables hold the sensor at 50 Hz, the small change
 * of its lead with frequency is a shift. */
static struct phase_run slot_phase(const struct sampler *s, int slot, double hz)
{
    const struct sensor *sensor = &s->sensors.slot[slot];
    double step = hz * PERIOD_S;
    double shift = (sensor_lead_deg(sensor, hz) - sensor->lead_deg) / DEG_PER_CYCLE;
    double offset = step * slot / SENSORS_SLOTS + shift;
    int64_t turned = (int64_t)(offset * PHASE_CYCLE);

    return (struct phase_run){
        .start = (uint32_t)((s->phase + (uint64_t)turned) >> 32),
        .step = (uint32_t)(step * PHASE_CYCLE / 4294967296.0 + 0.5),
    };
}

static void add_wave(float *x, const struct sampler_point *table, float amplitude,
                     struct phase_run run)
{
    uint32_t phase = run.start;

    for (int n = 0; n < SAMPLER_SCANS; n++, phase += run.step) {
        const struct sampler_point *p = &table[phase >> POINT_SHIFT];

        x[n] += amplitude * (p->value + p->step * (float)(int32_t)(phase & POINT_MASK));
    }
}

static void start_slot(const struct sampler *s, int slot, float *x)
{
    uint64_t draw =
        rng_mix(s->noise_seed + (s->scan / SAMPLER_SCANS) * SENSORS_SLOTS + (uint64_t)slot);
    const float *a = s->noise + (draw & (NOISE_SIZE - 1));
    const float *b = s->noise + (draw >> 32 & (NOISE_SIZE - 1));
    float middle = MID_SCALE + (float)s->sensors.slot[slot].offset;

    for (int n = 0; n < SAMPLER_SCANS; n++) {
        x[n] = middle + a[n] + b[n];
    }
}

static void quantise(const float *x, uint16_t *codes)
{
    int32_t whole[SAMPLER_SCANS];

    for (int n = 0; n < SAMPLER_SCANS; n++) {
        float v = x[n] + 0.5f; /* rounds: codes are positive */

        v = v > 0.0f ? v : 0.0f;
        v = v < CODE_MAX ? v : CODE_MAX;
        whole[n] = (int32_t)v;
    }
    for (int n = 0; n < SAMPLER_SCANS; n++) {
        codes[n * SENSORS_SLOTS] = (uint16_t)whole[n];
    }
}

void sampler_convert(const struct sampler *s, const struct house *h, double volts, uint16_t *codes)
{
    float x[SAMPLER_SCANS];

    start_slot(s, 0, x);
    add_wave(x, s->mains, (float)volts, slot_phase(s, 0, h->hz));
    quantise(x, codes);
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        struct phase_run run = slot_phase(s, c + 1, h->hz);

        start_slot(s, c + 1, x);
        for (int k = 0; k < WAVE_KINDS; k++) {
            if (h->amps[c][k] != 0.0) {
                add_wave(x, s->wave[c][k], (float)h->amps[c][k], run);
            }
        }
        quantise(x, codes + c + 1);
    }
}

double sampler_theta(const struct sampler *s)
{
    return (double)(s->phase >> 11) * 0x1p-53;
}

void sampler_advance(struct sampler *s, double hz)
{
    s->phase += (uint64_t)(hz * PERIOD_S * SAMPLER_SCANS * PHASE_CYCLE);
    s->scan += SAMPLER_SCANS;
}
