#include "sim/truth_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WH(joules) ((joules) / 3600.0)

static void print_circuits(const struct live *l, FILE *f)
{
    const struct truth *t = &l->model.truth;

    fprintf(f, "\"circuits\":[");
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        const struct truth_energy *e = &t->energy[c];

        fprintf(f,
                "%s\n {\"id\":\"%s\",\"slot\":%d,\"import_wh\":%.6f,\"export_wh\":%.6f,"
                "\"start_import_wh\":%.6f,\"start_export_wh\":%.6f}",
                c > 0 ? "," : "", circuit_names[c].id, c + 1, WH(e->import_j), WH(e->export_j),
                WH(e->start_import_j), WH(e->start_export_j));
    }
    fprintf(f, "],\n");
}

static void print_heat(const struct live *l, FILE *f)
{
    const struct heat_meter *m = &l->model.meter;
    const struct heat_meter_display *d = &m->display, *sent = &l->meter.sent;
    const struct heatpump *hp = &l->model.house.heatpump;

    fprintf(f,
            "\"heatmeter\":{\"serial\":\"%08" PRIx32 "\",\"unix_ms\":%" PRId64
            ",\"energy\":%" PRIu32 ",\"negative\":%" PRIu32
            ",\"wh_per_count\":%d,\"volume_l\":%" PRIu32 ",\"power_w\":%" PRId32 "},\n",
            m->serial, d->unix_s * 1000, d->energy, d->negative, HEAT_METER_ENERGY_WH, d->volume_l,
            d->power_w);
    fprintf(f,
            "\"mbus\":{\"requests\":%" PRIu64 ",\"replies\":%" PRIu64 ",\"spoilt\":%" PRIu64
            ",\"sent_unix_ms\":%" PRId64 ",\"sent_energy\":%" PRIu32 ",\"sent_negative\":%" PRIu32
            "},\n",
            l->mbus.requests, l->mbus.replies, l->mbus.spoilt, l->meter.sent_s * 1000, sent->energy,
            sent->negative);
    fprintf(f,
            "\"heat\":{\"positive_wh\":%.6f,\"negative_wh\":%.6f,\"elec_wh\":%.6f,"
            "\"state\":%d,\"hot_water\":%s,\"flow_degc\":%.3f,\"return_degc\":%.3f,"
            "\"flow_l_h\":%.3f,\"heat_w\":%.3f,\"outside_degc\":%.3f,\"room_degc\":%.3f,"
            "\"cylinder_degc\":%.3f},\n",
            heat_meter_positive_wh(m), heat_meter_negative_wh(m),
            WH(l->model.truth.energy[CIRCUIT_HP].import_j), (int)hp->state,
            hp->hot_water ? "true" : "false", hp->flow_degc, hp->return_degc, hp->flow_l_s * 3600.0,
            hp->heat_w, l->model.house.weather.outside_degc, l->model.house.building.room_degc,
            l->model.house.cylinder.water_degc);
}

static void print_elec(const struct live *l, FILE *f)
{
    const struct elec_meter *m = &l->model.elec;

    fprintf(f,
            "\"elecmeter\":{\"import_wh\":%.3f,\"export_wh\":%.3f,\"power_w\":%.3f,\"volts\":%.3f,"
            "\"total_wh\":%.3f,\"gain\":%.6f,\"requests\":%" PRIu64 ",\"replies\":%" PRIu64
            ",\"spoilt\":%" PRIu64 "},\n",
            m->import_wh, m->export_wh, m->watts, m->volts, m->total_wh, m->gain, l->elec.requests,
            l->elec.replies, l->modbus.spoilt);
}

static void print_emon(const struct live *l, FILE *f)
{
    const struct emon_tx *e = &l->emon;

    fprintf(f, "\"emon\":{\"message\":%" PRIu32 ",\"pulses\":%.3f,\"watts\":[", e->message,
            e->pulses);
    for (int i = 0; i < EMON_CLAMPS; i++) {
        fprintf(f, "%s%.3f", i > 0 ? "," : "", e->watts[i]);
    }
    fprintf(f, "],\"register_wh\":[");
    for (int i = 0; i < EMON_CLAMPS; i++) {
        fprintf(f, "%s%.3f", i > 0 ? "," : "", e->wh[i]);
    }
    fprintf(f, "],\"import_wh\":[");
    for (int i = 0; i < EMON_CLAMPS; i++) {
        fprintf(f, "%s%.3f", i > 0 ? "," : "", e->true_wh[i]);
    }
    fprintf(f, "]},\n");
}

static void print_pulses(const struct live *l, FILE *f)
{
    const struct pulse_output *p = &l->pulses;

    fprintf(f, "\"pulses\":{\"count\":%" PRIu64 ",\"unheard\":%" PRIu64 ",\"wh\":1},\n", p->pulses,
            p->unheard);
}

static void print_elster(const struct live *l, FILE *f)
{
    const struct elster_output *e = &l->elster;
    uint64_t first = e->packets > ELSTER_RECENT ? e->packets - ELSTER_RECENT : 0;

    fprintf(f,
            "\"elster\":{\"packets\":%" PRIu64 ",\"power_w\":%.3f,\"total_wh\":%.3f,\"recent\":[",
            e->packets, e->meter->watts, e->meter->total_wh);
    for (uint64_t i = first; i < e->packets; i++) {
        fprintf(f, "%s[%" PRIu64 ",%" PRIu64 "]", i > first ? "," : "",
                e->recent[i % ELSTER_RECENT].import_wh, e->recent[i % ELSTER_RECENT].export_wh);
    }
    fprintf(f, "]},\n");
}

static void print_w1(const struct live *l, FILE *f)
{
    fprintf(f, "\"w1\":[");
    for (int i = 0; i < W1_SENSORS; i++) {
        const struct w1_sensor *s = &l->w1.sensor[i];

        fprintf(f, "%s{\"rom\":\"%s\",\"degc\":%.4f,\"offset_k\":%.4f,\"shown\":%.4f}",
                i > 0 ? "," : "", w1_roms[i], s->degc, s->offset, s->sixteenth / 16.0);
    }
    fprintf(f, "],\n");
}

static void print_window(const struct live *l, const struct truth_window *w, FILE *f)
{
    int64_t start_ms = l->start_unix_s * 1000;

    fprintf(f,
            "\n {\"start_us\":%.0f,\"end_us\":%.0f,\"start_unix_ms\":%.0f,\"end_unix_ms\":%.0f,"
            "\"v\":%.6f,\"hz\":%.6f,\"circuits\":{",
            w->start_s * 1e6, w->end_s * 1e6, (double)start_ms + w->start_s * 1e3,
            (double)start_ms + w->end_s * 1e3, w->v, w->hz);
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        const struct truth_mean *m = &w->circuit[c];

        fprintf(f, "%s\"%s\":{\"p\":%.5f,\"s\":%.5f,\"i\":%.6f}", c > 0 ? "," : "",
                circuit_names[c].id, m->p, m->s, m->i);
    }
    fprintf(f, "}}");
}

static void print_truth(const struct live *l, FILE *f)
{
    const struct truth *t = &l->model.truth;
    uint64_t first = t->windows > TRUTH_WINDOWS ? t->windows - TRUTH_WINDOWS : 0;
    uint64_t us = sampler_device_us(&l->sampler);

    fprintf(f,
            "{\"format\":1,\"seed\":%" PRIu64 ",\"speed\":%g,\"plant_us\":%" PRIu64
            ",\"unix_ms\":%" PRId64 ",\"start_unix_ms\":%" PRId64 ",\n",
            l->seed, l->pace.speed, us, l->start_unix_s * 1000 + (int64_t)(us / 1000),
            l->start_unix_s * 1000);
    print_circuits(l, f);
    print_heat(l, f);
    print_elec(l, f);
    print_emon(l, f);
    print_pulses(l, f);
    print_elster(l, f);
    print_w1(l, f);
    fprintf(f,
            "\"hz\":%.6f,\"samples\":{\"sequence\":%" PRIu32 ",\"blocks\":%" PRIu64
            ",\"dropped_scans\":%" PRIu64 ",\"connections\":%" PRIu64 "},\n",
            l->model.house.hz, l->sequence, l->stream.sent_blocks, l->dropped_total,
            l->stream.connections);
    fprintf(f, "\"windows\":[");
    for (uint64_t n = first; n < t->windows; n++) {
        if (n > first) {
            fputc(',', f);
        }
        print_window(l, &t->window[n % TRUTH_WINDOWS], f);
    }
    fprintf(f, "]}\n");
}

int truth_file_write(const struct live *l, const char *path)
{
    char next[PATH_MAX];
    FILE *f;
    int fd, failed;

    if (snprintf(next, sizeof(next), "%s.new", path) >= (int)sizeof(next)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    unlink(next);
    fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    print_truth(l, f);
    failed = ferror(f);
    failed |= fclose(f);
    if (failed != 0) {
        unlink(next);
        return -1;
    }
    return rename(next, path);
}
