#include "daemon/drivers/sampler_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/drivers/sampler_input.h"

enum {
    STALE_US = 2000000,
    CALM_US = 10000000, /* damage is over when there was none for as long */
    SHOW_US = 1000000   /* counters are shown once in */
};

static const char *const counter_names[SAMPLER_COUNTERS] = {
    [SAMPLER_BLOCKS] = "blocks",
    [SAMPLER_CHECKSUM] = "CHECKSUM",
    [SAMPLER_LENGTH] = "LENGTH",
    [SAMPLER_SANITY] = "SANITY",
    [SAMPLER_UNSUPPORTED] = "UNSUPPORTED",
    [SAMPLER_LOST_BLOCKS] = "lost_blocks",
    [SAMPLER_DROPPED_SCANS] = "dropped_scans",
    [SAMPLER_RESTARTS] = "restarts",
    [SAMPLER_SKIPPED_BYTES] = "skipped_bytes",
};

static const char *const spi_names[SAMPLER_SPI_GAUGES] = {
    [SAMPLER_SPI_RATE] = "scans_per_s",
    [SAMPLER_SPI_PAUSE_MIN] = "jitter_min_us",
    [SAMPLER_SPI_PAUSE_MEDIAN] = "jitter_median_us",
    [SAMPLER_SPI_PAUSE_P99] = "jitter_p99_us",
    [SAMPLER_SPI_PAUSE_MAX] = "jitter_max_us",
    [SAMPLER_SPI_TRANSFERS] = "batch_transfers",
    [SAMPLER_SPI_REAL_TIME] = "real_time",
    [SAMPLER_SPI_TORN] = "torn_batches",
    [SAMPLER_SPI_RETRIES] = "retries",
    [SAMPLER_SPI_OVERRUN] = "overrun_scans",
};

enum { DAMAGE_TEXT = 120 };

/* The counters that tell of lost data. */
static const enum sampler_counter damages[] = {SAMPLER_CHECKSUM, SAMPLER_LENGTH, SAMPLER_SANITY,
                                               SAMPLER_LOST_BLOCKS, SAMPLER_DROPPED_SCANS};

void sampler_state_say(struct sampler_state *s, enum sampler_note note, unsigned detail)
{
    uint_fast32_t word = (uint_fast32_t)note << 16 | (detail & 0xFFFF);

    if (atomic_load(&s->note) != word) {
        atomic_store(&s->note_us, clock_real_us());
        atomic_store(&s->note, word);
    }
}

void sampler_state_block(struct sampler_state *s, int64_t unix_ms)
{
    atomic_store(&s->block_unix_ms, unix_ms);
    atomic_store(&s->block_us, clock_real_us());
    sampler_state_say(s, SAMPLER_RUNNING, 0);
}

void sampler_state_clock(struct sampler_state *s, int64_t fast_ppb, int64_t unsure_ppb)
{
    atomic_store(&s->clock_ppb, fast_ppb);
    atomic_store(&s->clock_unsure_ppb, unsure_ppb);
    atomic_store(&s->clock_known, true);
}

void sampler_state_spi(struct sampler_state *s, const struct sampler_spi_view *v)
{
    atomic_store(&s->spi[SAMPLER_SPI_RATE], v->scans_per_s);
    atomic_store(&s->spi[SAMPLER_SPI_PAUSE_MIN], v->pause.min_us);
    atomic_store(&s->spi[SAMPLER_SPI_PAUSE_MEDIAN], v->pause.median_us);
    atomic_store(&s->spi[SAMPLER_SPI_PAUSE_P99], v->pause.p99_us);
    atomic_store(&s->spi[SAMPLER_SPI_PAUSE_MAX], v->pause.max_us);
    atomic_store(&s->spi[SAMPLER_SPI_TRANSFERS], v->transfers);
    atomic_store(&s->spi[SAMPLER_SPI_REAL_TIME], v->real_time);
    atomic_store(&s->spi[SAMPLER_SPI_TORN], v->torn);
    atomic_store(&s->spi[SAMPLER_SPI_RETRIES], v->retried);
    atomic_store(&s->spi[SAMPLER_SPI_OVERRUN], v->overrun);
    atomic_store(&s->spi_known, v->told && v->scans_per_s > 0);
}

/* What was lost between two looks, "CHECKSUM=1 lost_blocks=1"; false if nothing was. */
static bool tell_damage(const uint64_t *from, const uint64_t *to, char text[DAMAGE_TEXT])
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]) && at < DAMAGE_TEXT; i++) {
        uint64_t n = to[damages[i]] - from[damages[i]];

        if (n > 0) {
            at += (size_t)snprintf(text + at, DAMAGE_TEXT - at, "%s%s=%llu", at > 0 ? " " : "",
                                   counter_names[damages[i]], (unsigned long long)n);
        }
    }
    return at > 0;
}

/* One line when damage begins, one when it is over. */
static void follow_damage(struct sampler_state *s, const char *id, const uint64_t *now,
                          int64_t now_us)
{
    char text[DAMAGE_TEXT];

    if (tell_damage(s->shown, now, text)) {
        if (!s->damaged) {
            memcpy(s->before, s->shown, sizeof(s->before));
            LOG(LOG_WARN, id, "stream damaged %s", text);
        }
        s->damaged = true;
        s->damage_us = now_us;
    } else if (s->damaged && now_us - s->damage_us > CALM_US) {
        (void)tell_damage(s->before, now, text);
        LOG(LOG_INFO, id, "stream whole again %s", text);
        s->damaged = false;
    }
}

static void show_clock(struct sampler_state *s, const struct sampler_options *o)
{
    int64_t ppb = atomic_load(&s->clock_ppb), unsure_ppb = atomic_load(&s->clock_unsure_ppb);

    if (!atomic_load(&s->clock_known)) {
        return;
    }
    status_put_signed(o->status, "clock_fast_ppb", ppb);
    status_put_signed(o->status, "clock_unsure_ppb", unsure_ppb);
    if (!s->clock_told) {
        LOG(LOG_INFO, o->id, "sample clock disciplined fast_ppm=%.1f unsure_ppm=%.1f",
            (double)ppb / 1e3, (double)unsure_ppb / 1e3);
        s->clock_told = true;
    }
}

static void show_spi(struct sampler_state *s, const struct sampler_options *o)
{
    uint64_t v[SAMPLER_SPI_GAUGES];

    if (!atomic_load(&s->spi_known)) {
        return;
    }
    for (size_t i = 0; i < SAMPLER_SPI_GAUGES; i++) {
        v[i] = atomic_load(&s->spi[i]);
        status_put(o->status, spi_names[i], v[i]);
    }
    if (!s->spi_told) {
        LOG(LOG_INFO, o->id,
            "spi scans_per_s=%llu jitter_min_us=%llu jitter_median_us=%llu jitter_p99_us=%llu "
            "jitter_max_us=%llu batch_transfers=%llu real_time=%s",
            (unsigned long long)v[SAMPLER_SPI_RATE], (unsigned long long)v[SAMPLER_SPI_PAUSE_MIN],
            (unsigned long long)v[SAMPLER_SPI_PAUSE_MEDIAN],
            (unsigned long long)v[SAMPLER_SPI_PAUSE_P99],
            (unsigned long long)v[SAMPLER_SPI_PAUSE_MAX],
            (unsigned long long)v[SAMPLER_SPI_TRANSFERS],
            v[SAMPLER_SPI_REAL_TIME] != 0 ? "yes" : "no");
        if (v[SAMPLER_SPI_REAL_TIME] == 0) {
            LOG(LOG_INFO, o->id,
                "spi without real-time priority: other programs' load may tear gaps");
        }
        s->spi_told = true;
    }
}

static void show_counters(struct sampler_state *s, const struct sampler_options *o, int64_t now_us)
{
    uint64_t now[SAMPLER_COUNTERS];

    if (s->shown_us != 0 && now_us - s->shown_us < SHOW_US) {
        return;
    }
    for (size_t i = 0; i < SAMPLER_COUNTERS; i++) {
        now[i] = atomic_load(&s->count[i]);
        status_put(o->status, counter_names[i], now[i]);
    }
    follow_damage(s, o->id, now, now_us);
    sampler_flags_show(&s->flags, o, now_us);
    show_clock(s, o);
    show_spi(s, o);
    memcpy(s->shown, now, sizeof(now));
    s->shown_us = now_us;
}

/* Where the samples come from. */
static const char *input_name(const struct sampler_options *o, unsigned detail)
{
    return o->spidev[0] != NULL ? o->spidev[(detail & SAMPLER_SECOND_CHIP) != 0]
           : o->socket != NULL  ? o->socket
                                : o->port;
}

static void show_closed_spi(const struct sampler_options *o, int64_t unix_ms, unsigned detail)
{
    unsigned error = detail & ~(unsigned)SAMPLER_SECOND_CHIP;
    const char *name = input_name(o, detail);
    char text[64];

    if (error == EREMOTEIO) {
        status_set(o->status, STATUS_FAILED, unix_ms,
                   "no converter answers at %s: is it wired and fed?", name);
    } else if (error == ESTALE) {
        status_set(o->status, STATUS_FAILED, unix_ms,
                   "the bus of %s has changed its pace; it is measured anew", name);
    } else if (error == EMSGSIZE) {
        status_set(o->status, STATUS_FAILED, unix_ms,
                   "%s: a scan does not fit a message: spidev.bufsiz is too small", name);
    } else {
        status_set(o->status, STATUS_FAILED, unix_ms, "cannot read %s: %s%s", name,
                   strerror_r((int)error, text, sizeof(text)),
                   error == ENOENT   ? " (is SPI switched on?)"
                   : error == EACCES ? " (is the user in group spi?)"
                   : error == EBUSY  ? " (another heatwatt reads it)"
                                     : "");
    }
}

static void show_closed(const struct sampler_options *o, int64_t unix_ms, unsigned error)
{
    const char *name = input_name(o, error);
    char text[64];

    if (o->spidev[0] != NULL) {
        show_closed_spi(o, unix_ms, error);
    } else if (error == 0) {
        status_set(o->status, STATUS_FAILED, unix_ms, "the sampler at %s hung up", name);
    } else if (o->socket == NULL && !sampler_baud_known(o->baud)) {
        status_set(o->status, STATUS_FAILED, unix_ms, "%s: %u is not a baud rate of a port", name,
                   o->baud);
    } else { /* GNU's strerror_r: thread-safe; may use the buffer or not */
        status_set(o->status, STATUS_FAILED, unix_ms, "cannot read %s: %s", name,
                   strerror_r((int)error, text, sizeof(text)));
    }
}

/* Fresh, stale, or fresh with damage behind it. */
static void show_open(struct sampler_state *s, const struct sampler_options *o, int64_t unix_ms,
                      int64_t silent_us)
{
    if (silent_us > STALE_US) {
        status_set(o->status, STATUS_STALE, unix_ms, "no sample block for %lld s from %s",
                   (long long)(silent_us / 1000000), input_name(o, 0));
    } else if (s->damaged) {
        char text[DAMAGE_TEXT];

        (void)tell_damage(s->before, s->shown, text);
        status_set(o->status, STATUS_OK, unix_ms, "data was lost on the way: %s", text);
    } else {
        char text[SAMPLER_FLAGS_TEXT];
        bool wrong = sampler_flags_tell(&s->flags, o, text);

        status_set(o->status, STATUS_OK, unix_ms, wrong ? "%s" : NULL, text);
    }
}

static void show_mismatch(const struct sampler_options *o, int64_t unix_ms, unsigned slot)
{
    bool voltage = o->meter.slot[slot].kind == HWT_SLOT_VOLTAGE;

    status_set(o->status, STATUS_FAILED, unix_ms,
               "slot %u is a %s in the configuration, but not in the sample stream", slot,
               voltage ? "voltage" : "clamp");
}

void sampler_state_show(struct sampler_state *s, const struct sampler_options *o)
{
    int64_t now_us = clock_real_us();
    int64_t unix_ms = clock_stamp_ms(o->clock);
    uint_fast32_t word = atomic_load(&s->note);
    int64_t open_us = now_us - atomic_load(&s->note_us);
    unsigned detail = (unsigned)(word & 0xFFFF);

    show_counters(s, o, now_us);
    switch ((enum sampler_note)(word >> 16)) {
    case SAMPLER_STARTING:
        break;
    case SAMPLER_CLOSED:
        show_closed(o, unix_ms, detail);
        break;
    case SAMPLER_OPEN:
        if (open_us > STALE_US) {
            show_open(s, o, unix_ms, open_us);
        }
        break;
    case SAMPLER_RUNNING:
        status_good(o->status, atomic_load(&s->block_unix_ms));
        show_open(s, o, unix_ms, now_us - atomic_load(&s->block_us));
        break;
    case SAMPLER_MISMATCH:
        show_mismatch(o, unix_ms, detail);
        break;
    case SAMPLER_PERIOD:
        status_set(o->status, STATUS_FAILED, unix_ms,
                   "the sample stream's scan period is outside 5 us .. 2 ms");
        break;
    }
}
