/* `heatwatt doctor` and converters on SPI: a second of conversions, if nobody else reads them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/cli/doctor_checks.h"
#include "daemon/drivers/sampler_spi.h"

enum { TRIAL_MS = 1500, STEP_MS = 20, TRANSFERS_FEW = 200 };

static void fill(struct sampler_spi_options *o, const struct config_source *s)
{
    *o = (struct sampler_spi_options){
        .device = {s->spidev, s->spidev_2[0] != '\0' ? s->spidev_2 : NULL}, .hz = s->spi_hz};
    for (unsigned i = 0; i < s->voltage_count; i++) {
        o->slot[s->voltages[i].slot].kind = HWT_SLOT_VOLTAGE;
    }
    for (unsigned i = 0; i < s->clamp_count; i++) {
        o->slot[s->clamps[i].slot].kind = HWT_SLOT_CURRENT;
    }
}

static void tell_closed(struct doctor *d, const struct config_source *s, const char *device,
                        int error)
{
    static const struct {
        int error;
        const char *advice;
    } advices[] = {
        {ENOENT, "switch SPI on (dtparam=spi=on), and look which /dev/spidev there are"},
        {EACCES, "add the user to group spi, or whichever owns the device, then log in anew"},
        {ENOTTY, "a converter is a device such as /dev/spidev0.0"},
        {EMSGSIZE, "add spidev.bufsiz=65536 to the kernel's command line"},
        {EREMOTEIO, "no converter answers: look at its supply, ground and the four wires of SPI"},
    };
    const char *advice = "";

    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        advice = advices[i].error == error ? advices[i].advice : advice;
    }
    if (error == EBUSY) {
        doctor_add(d, DOCTOR_OK, "input", "", "%s: %s is being read", s->id, device);
    } else {
        doctor_add(d, DOCTOR_FAIL, "input", advice, "%s: %s: %s", s->id, device, strerror(error));
    }
}

static void tell_figures(struct doctor *d, const struct config_source *s,
                         const struct sampler_spi_view *v, uint64_t dropped)
{
    enum doctor_verdict verdict = DOCTOR_OK;
    const char *advice = "";

    if (dropped > 0) {
        verdict = DOCTOR_WARN;
        advice = "pauses above 1 ms are gaps: give it less to do beside, or a sampler of its own";
    } else if (v->transfers < TRANSFERS_FEW) {
        verdict = DOCTOR_WARN;
        advice = "add spidev.bufsiz=65536 to the kernel's command line: fewer pauses";
    }
    doctor_add(d, verdict, "input", advice,
               "%s: %u scans/s; jitter min %u, median %u, 99 %% %u, max %u us; %llu scans dropped; "
               "%u conversions a message; real-time priority: %s",
               s->id, v->scans_per_s, v->pause.min_us, v->pause.median_us, v->pause.p99_us,
               v->pause.max_us, (unsigned long long)dropped, v->transfers,
               v->real_time ? "yes" : "no");
}

/* Reads for a while. Scans declared as dropped, and the error that ended it. */
static uint64_t try_out(struct sampler_spi *spi, int *error_out, unsigned *chip_out)
{
    static const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
    uint64_t dropped = 0;
    struct hwt_block b;

    for (int ms = 0; ms < TRIAL_MS && *error_out == 0; ms += STEP_MS) {
        nanosleep(&step, NULL);
        while (sampler_spi_next(spi, &b)) {
            dropped += b.dropped;
        }
        *error_out = sampler_spi_error(spi, chip_out);
    }
    return dropped;
}

void doctor_check_spi(struct doctor *d, const struct config_source *s)
{
    struct sampler_spi_link link = {0};
    struct sampler_spi_options o;
    struct sampler_spi_view v;
    struct sampler_spi *spi;
    uint64_t dropped;
    unsigned chip;
    int error;

    fill(&o, s);
    error = -sampler_spi_open(&o, &link, &spi, &chip);
    if (error != 0) {
        tell_closed(d, s, o.device[chip], error);
        return;
    }
    dropped = try_out(spi, &error, &chip);
    sampler_spi_look(spi, &v);
    sampler_spi_close(spi, NULL);
    if (error != 0) {
        tell_closed(d, s, o.device[chip], error);
    } else {
        tell_figures(d, s, &v, dropped);
    }
}
