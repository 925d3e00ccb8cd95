#include "sim/devices/sensors.h"

#include <math.h>

#include "sim/physics/rng.h"

#define NOMINAL_HZ       50.0
#define VOLTS_PER_CODE   (230.0 / 1100.0)
#define AMPERES_PER_CODE (1.0 / 11.8) /* 100 A clamp: 120 A is 98 % of full scale */
#define VT_LEAD_DEG      0.3
#define CT_LEAD_DEG      2.5
#define RAD              (3.14159265358979323846 / 180.0)

void sensors_nominal(struct sensors *s)
{
    for (int i = 0; i < SENSORS_SLOTS; i++) {
        s->slot[i] = (struct sensor){
            .ratio = i == 0 ? VOLTS_PER_CODE : AMPERES_PER_CODE,
            .lead_deg = i == 0 ? VT_LEAD_DEG : CT_LEAD_DEG,
        };
    }
}

void sensors_draw(struct sensors *s, uint64_t seed)
{
    struct rng r;

    rng_init(&r, seed, 6);
    sensors_nominal(s);
    for (int i = 0; i < SENSORS_SLOTS; i++) {
        s->slot[i].ratio *= 1.0 + rng_between(&r, -0.005, 0.005);
        s->slot[i].lead_deg += rng_between(&r, -0.5, 0.5);
        s->slot[i].extra_deg = rng_between(&r, -0.03, 0.03);
        s->slot[i].offset = rng_between(&r, -8.0, 8.0);
    }
}

double sensor_lead_deg(const struct sensor *s, double hz)
{
    double first_order = atan(tan(s->lead_deg * RAD) * NOMINAL_HZ / hz) / RAD;

    return first_order + s->extra_deg * (hz / NOMINAL_HZ - 1.0);
}

void sensor_response(const struct sensor *s, const struct wave_spectrum *in,
                     struct wave_spectrum *out)
{
    double corner = tan(s->lead_deg * RAD); /* of the high pass, in units of 50 Hz */
    double gain_50 = cos(s->lead_deg * RAD);

    out->re[0] = out->im[0] = 0.0;
    for (int h = 1; h <= WAVE_HARMONICS; h++) {
        double lead = sensor_lead_deg(s, h * NOMINAL_HZ) * RAD;
        double gain = cos(atan(corner / h)) / gain_50 / s->ratio;

        out->re[h] = gain * (in->re[h] * cos(lead) - in->im[h] * sin(lead));
        out->im[h] = gain * (in->im[h] * cos(lead) + in->re[h] * sin(lead));
    }
}

void sensors_print_yaml(const struct sensors *s, const char *socket, FILE *out)
{
    fprintf(out,
            "sources:\n"
            "  - id: clamps\n"
            "    type: samples\n"
            "    label: Clamps\n"
            "    socket: %s\n"
            "    voltages:\n"
            "      - {id: mains, label: Mains, slot: 0, vt: OpenEnergyMonitor emonVs, ratio: %.9g, "
            "phase_deg: %.5f}\n"
            "    clamps:\n",
            socket, s->slot[0].ratio, s->slot[0].lead_deg);
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        const struct sensor *k = &s->slot[c + 1];

        fprintf(out,
                "      - {id: %s, label: %s, slot: %d, voltage: mains, ct: YHDC SCT-013-000, "
                "ratio: %.9g, "
                "phase_deg: %.5f}\n",
                circuit_names[c].id, circuit_names[c].label, c + 1, k->ratio, k->lead_deg);
    }
}
