#include "daemon/run/hub.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"
#include "core/heat/ledger.h"
#include "core/record/recorder.h"
#include "daemon/run/day.h"
#include "daemon/run/elapsed.h"
#include "daemon/run/history.h"

/* Two windows of the sampler: none measured before the end is missed. */
enum { CLOSE_SLACK_US = 400000, LEDGER_MAX_W = 100000 };

#define UNKNOWN_SPAN_US \
    INT64_C(2678400000000) /* since the last record, where no clock tells: a month */

struct hub {
    struct hub_options options;
    struct hwt_recorder recorder;
    struct hwt_ledger ledger;
    struct elapsed elapsed;
    int64_t measured_us;     /* of the window whose gap comes next */
    struct history last;     /* the counters of the newest record of the log, at the start */
    struct history midnight; /* the counters at the start of the local day */
    struct hwt_value known[HWT_CHANNELS_MAX]; /* counters of the newest record that had them */
    int64_t day_ms;                           /* of midnight; HWT_TIME_UNKNOWN: not known yet */
    struct hwt_value patched[HWT_CHANNELS_MAX];
    int measured_column, gap_column;
};

static int64_t poll_us(const struct installation *site, int source)
{
    return source >= 0 && (site->source[source].kind == SOURCE_IS_METER ||
                           site->source[source].kind == SOURCE_IS_COUNTER)
               ? (int64_t)site->config->source[site->source[source].config].poll_s * 1000000
               : 0;
}

/* The ledger books all that counters rise which come here: its limit is no lower than theirs. */
static int64_t max_w(const struct installation *site, int source)
{
    int64_t w = source >= 0 ? installation_max_w(site, (unsigned)source) : 0;

    return w > LEDGER_MAX_W ? w : LEDGER_MAX_W;
}

/* A counter of our own that no record of the day's start holds began at 0; a meter's began where it
 * stood. */
static void fill_midnight(struct hub *h)
{
    const struct installation *site = h->options.site;

    for (unsigned i = 0; i < site->schema.count; i++) {
        bool before = h->midnight.value[i].quality != HWT_QUALITY_MISSING && !h->midnight.later[i];

        if (!before && site->source[site->column[i].source].kind != SOURCE_IS_METER) {
            h->midnight.value[i] = (struct hwt_value){.v = 0, .quality = HWT_QUALITY_GOOD};
        }
    }
}

static bool init_recorder(struct hub *h)
{
    const struct installation *site = h->options.site;
    struct hwt_column columns[HWT_CHANNELS_MAX];

    for (unsigned i = 0; i < site->schema.count; i++) {
        columns[i] = (struct hwt_column){
            .source = site->column[i].source,
            .quantity = site->column[i].quantity,
            .max_age_us = site->source[site->column[i].source].max_age_us,
        };
    }
    return hwt_recorder_init(&h->recorder, columns, site->schema.count, site->config->record_s,
                             h->options.boot) == 0;
}

static void init_ledger(struct hub *h, const struct hwt_ledger_start *start)
{
    const struct site_role *role = h->options.site->role;
    struct hwt_ledger_config config = {
        .elec_source = role[ROLE_ELEC].source,
        .heat_source = role[ROLE_HEAT].source,
        .elec_poll_us = poll_us(h->options.site, role[ROLE_ELEC].source),
        .heat_poll_us = poll_us(h->options.site, role[ROLE_HEAT].source),
        .max_elec_w = max_w(h->options.site, role[ROLE_ELEC].source),
        .max_heat_w = max_w(h->options.site, role[ROLE_HEAT].source),
    };

    hwt_ledger_init(&h->ledger, &config, start);
}

struct hub *hub_new(const struct hub_options *options)
{
    struct hub *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return NULL;
    }
    h->options = *options;
    h->day_ms = HWT_TIME_UNKNOWN;
    h->measured_column = installation_column(options->site, SOURCE_DEVICE, HWT_Q_MEASURED);
    h->gap_column = installation_column(options->site, SOURCE_DEVICE, HWT_Q_GAP);
    elapsed_init(&h->elapsed);
    init_ledger(h, NULL);
    fill_midnight(h);
    if (!init_recorder(h)) {
        hub_free(h);
        return NULL;
    }
    return h;
}

void hub_free(struct hub *h)
{
    free(h);
}

/* The last value of a source's counter; false if the log has none. */
static bool last_counter(const struct hub *h, int source, enum hwt_quantity quantity, int64_t *out)
{
    int column =
        source < 0 ? COLUMN_NONE : installation_column(h->options.site, (unsigned)source, quantity);

    if (column == COLUMN_NONE || h->last.value[column].quality == HWT_QUALITY_MISSING) {
        *out = 0;
        return false;
    }
    *out = h->last.value[column].v;
    return true;
}

/* When the newest record ended, on this run's clock; HWT_TIME_UNKNOWN: not known. */
static int64_t last_us(const struct hub *h)
{
    struct clock_time now = clock_now(h->options.clock);

    return h->last.unix_ms != HWT_TIME_UNKNOWN && now.unix_ms != HWT_TIME_UNKNOWN
               ? now.mono_us - (now.unix_ms - h->last.unix_ms) * 1000
               : HWT_TIME_UNKNOWN;
}

bool hub_counter_start(const struct hub *h, unsigned source, enum hwt_quantity quantity,
                       int64_t *value_out, int64_t *since_us_out)
{
    int64_t us = last_us(h);

    *since_us_out = us != HWT_TIME_UNKNOWN ? us : clock_mono_us(h->options.clock) - UNKNOWN_SPAN_US;
    return last_counter(h, (int)source, quantity, value_out);
}

bool hub_is_dated(const struct hub *h)
{
    return !h->last.any || last_us(h) != HWT_TIME_UNKNOWN;
}

static void restore_ledger(struct hub *h)
{
    const struct site_role *role = h->options.site->role;
    struct hwt_ledger_start start = {.since_us = last_us(h)};

    last_counter(h, SOURCE_LEDGER, HWT_Q_ELEC_ENERGY, &start.elec_energy);
    last_counter(h, SOURCE_LEDGER, HWT_Q_HEAT_ENERGY, &start.heat_energy);
    last_counter(h, SOURCE_LEDGER, HWT_Q_NEGATIVE_HEAT, &start.negative_heat);
    last_counter(h, SOURCE_LEDGER, HWT_Q_PAIRED_ELEC, &start.paired_elec);
    last_counter(h, SOURCE_LEDGER, HWT_Q_PAIRED_HEAT, &start.paired_heat);
    last_counter(h, SOURCE_LEDGER, HWT_Q_PAIRED_NEGATIVE, &start.paired_negative);
    start.has_import = last_counter(h, role[ROLE_ELEC].source, HWT_Q_IMPORT, &start.import_mj) ||
                       last_counter(h, role[ROLE_ELEC].source, HWT_Q_ENERGY, &start.import_mj);
    start.has_export = last_counter(h, role[ROLE_ELEC].source, HWT_Q_EXPORT, &start.export_mj);
    start.has_register = last_counter(h, role[ROLE_HEAT].source, HWT_Q_ENERGY, &start.register_mj);
    init_ledger(h, &start);
}

void hub_restore(struct hub *h, const struct hwt_tslog_snapshot *snapshot)
{
    struct clock_time now = clock_now(h->options.clock);
    int64_t measured_ms, gap_ms;

    history_last(snapshot, &h->options.site->schema, &h->last);
    memcpy(h->known, h->last.value, sizeof(h->known));
    if (!h->last.any) {
        return;
    }
    restore_ledger(h);
    last_counter(h, SOURCE_DEVICE, HWT_Q_MEASURED, &measured_ms);
    last_counter(h, SOURCE_DEVICE, HWT_Q_GAP, &gap_ms);
    elapsed_restore(&h->elapsed, measured_ms, gap_ms, h->last.unix_ms);
    /* With the plant the time is not known before its first block: the newest record tells the day.
     */
    h->day_ms = day_start_ms(now.unix_ms != HWT_TIME_UNKNOWN ? now.unix_ms : h->last.unix_ms);
    history_at(snapshot, &h->options.site->schema, h->day_ms, &h->midnight);
    fill_midnight(h);
}

void hub_refresh(struct hub *h, const struct hwt_tslog_snapshot *snapshot)
{
    if (h->day_ms != HWT_TIME_UNKNOWN) {
        history_at(snapshot, &h->options.site->schema, h->day_ms, &h->midnight);
        fill_midnight(h);
    }
}

struct hub_clamp_start hub_clamp_start(const struct hub *h, unsigned source)
{
    struct hub_clamp_start start;

    last_counter(h, (int)source, HWT_Q_IMPORT, &start.import_mj);
    last_counter(h, (int)source, HWT_Q_EXPORT, &start.export_mj);
    for (unsigned k = 0; k < 4; k++) {
        last_counter(h, (int)source, (enum hwt_quantity)(HWT_Q_REACTIVE_Q1 + k),
                     &start.reactive_mj[k]);
    }
    return start;
}

/* The wall time of an instant near now. */
static struct hwt_record_time time_at(const struct hub *h, int64_t mono_us)
{
    struct clock_time now = clock_now(h->options.clock);
    struct hwt_record_time t = {.mono_us = mono_us, .clock = (uint8_t)now.quality};

    t.unix_ms = now.unix_ms == HWT_TIME_UNKNOWN ? HWT_TIME_UNKNOWN
                                                : now.unix_ms - (now.mono_us - mono_us) / 1000;
    return t;
}

/* The counters of a record, for the midnight to come. */
static void know(struct hub *h, const struct hwt_record *record)
{
    for (unsigned i = 0; i < record->count; i++) {
        if (record->value[i].quality != HWT_QUALITY_MISSING) {
            h->known[i] = record->value[i];
        }
    }
}

/*
 * A new local day, if unix_ms lies in one: today's energies start where the records of the day
 * before left the counters, as they would after a restart and in a query. A counter that was silent
 * at midnight starts where it was read last.
 */
static void turn_day(struct hub *h, int64_t unix_ms)
{
    int64_t day_ms = day_start_ms(unix_ms);

    if (h->day_ms != HWT_TIME_UNKNOWN && day_ms != h->day_ms) {
        memcpy(h->midnight.value, h->known, sizeof(h->known));
        memset(h->midnight.later, 0, sizeof(h->midnight.later));
        fill_midnight(h);
    }
    h->day_ms = day_ms;
}

/* The record with the time measured as it stood at the record's end, not at the window before it.
 */
static void send(struct hub *h, const struct hwt_record *record)
{
    struct hwt_record r = *record;
    int64_t measured_ms, gap_ms;

    memcpy(h->patched, record->value, record->count * sizeof(h->patched[0]));
    if (elapsed_at(&h->elapsed, record->mono_us, &measured_ms, &gap_ms)) {
        h->patched[h->measured_column] =
            (struct hwt_value){.v = measured_ms, .quality = HWT_QUALITY_GOOD};
        h->patched[h->gap_column] = (struct hwt_value){.v = gap_ms, .quality = HWT_QUALITY_GOOD};
    }
    r.value = h->patched;
    if (r.unix_ms != HWT_TIME_UNKNOWN) {
        turn_day(h, r.unix_ms - r.span_ms);
    }
    know(h, &r);
    h->options.sink(h->options.ctx, &h->options.site->schema, &r);
}

static void take_ledger(struct hub *h)
{
    struct hwt_reading readings[HWT_LEDGER_READINGS];
    size_t n = hwt_ledger_take(&h->ledger, SOURCE_LEDGER, readings);

    for (size_t i = 0; i < n; i++) {
        (void)hwt_recorder_put(&h->recorder, &readings[i]);
    }
}

static void close_records(struct hub *h, int64_t mono_us)
{
    struct hwt_record_time now = time_at(h, mono_us - CLOSE_SLACK_US);
    struct hwt_record record;

    while (hwt_recorder_due(&h->recorder, &now, &record)) {
        send(h, &record);
    }
}

void hub_put(struct hub *h, const struct hwt_reading *readings, size_t n)
{
    if (n == 0) {
        return;
    }
    close_records(h, readings[0].mono_us);
    for (size_t i = 0; i < n; i++) {
        hwt_ledger_put(&h->ledger, &readings[i]);
        (void)hwt_recorder_put(&h->recorder, &readings[i]);
    }
    take_ledger(h);
}

static void put_device(struct hub *h, int64_t mono_us, enum hwt_quantity quantity, int64_t ms)
{
    struct hwt_reading r = {.source = SOURCE_DEVICE,
                            .quantity = (uint8_t)quantity,
                            .quality = HWT_QUALITY_GOOD,
                            .value = ms,
                            .mono_us = mono_us};

    (void)hwt_recorder_put(&h->recorder, &r);
}

void hub_time(struct hub *h, const struct hwt_reading *total)
{
    int64_t measured_ms, gap_ms;

    if (total->quantity == HWT_Q_MEASURED) {
        h->measured_us = total->value;
        return;
    }
    elapsed_put(&h->elapsed, total->mono_us, time_at(h, total->mono_us).unix_ms, h->measured_us,
                total->value);
    if (elapsed_at(&h->elapsed, total->mono_us, &measured_ms, &gap_ms)) {
        put_device(h, total->mono_us, HWT_Q_MEASURED, measured_ms);
        put_device(h, total->mono_us, HWT_Q_GAP, gap_ms);
    }
}

void hub_tick(struct hub *h)
{
    struct hwt_record_time closed = time_at(h, clock_mono_us(h->options.clock) - CLOSE_SLACK_US);

    close_records(h, clock_mono_us(h->options.clock));
    if (closed.unix_ms != HWT_TIME_UNKNOWN) { /* the record that ends at midnight is known now */
        turn_day(h, closed.unix_ms);
    }
}

void hub_flush(struct hub *h)
{
    struct hwt_record_time now = time_at(h, clock_mono_us(h->options.clock));
    struct hwt_record record;

    close_records(h, now.mono_us);
    if (hwt_recorder_flush(&h->recorder, &now, &record)) {
        send(h, &record);
    }
}

static int64_t at_midnight(const struct hub *h, enum hwt_quantity quantity)
{
    return h->midnight.value[installation_column(h->options.site, SOURCE_LEDGER, quantity)].v;
}

static void set_ledger(struct hub *h, struct live_view *view, enum hwt_quantity quantity,
                       struct hwt_value value)
{
    view->value[installation_column(h->options.site, SOURCE_LEDGER, quantity)] = value;
}

/* The ledger knows best what it knows now: a power whose readings stopped is missing at once. */
static void fill_ledger(struct hub *h, int64_t now_us, struct live_view *view)
{
    struct hwt_ledger_view l;
    struct live_books *t = &view->total_books, *d = &view->today_books;
    const struct site_role *role = h->options.site->role;
    bool elec, heat;

    hwt_ledger_get(&h->ledger, now_us, &l);
    set_ledger(h, view, HWT_Q_ELEC_POWER, l.elec_power);
    set_ledger(h, view, HWT_Q_HEAT_POWER, l.heat_power);
    set_ledger(h, view, HWT_Q_COP, l.cop);
    elec = role[ROLE_ELEC].source >= 0 || l.elec_energy > 0;
    heat = role[ROLE_HEAT].source >= 0 || l.heat_energy > 0 || l.negative_heat > 0;
    *t = (struct live_books){
        elec,          heat,          l.elec_energy,    l.heat_energy, l.negative_heat,
        l.paired_elec, l.paired_heat, l.paired_negative};
    *d = (struct live_books){
        elec,
        heat,
        l.elec_energy - at_midnight(h, HWT_Q_ELEC_ENERGY),
        l.heat_energy - at_midnight(h, HWT_Q_HEAT_ENERGY),
        l.negative_heat - at_midnight(h, HWT_Q_NEGATIVE_HEAT),
        l.paired_elec - at_midnight(h, HWT_Q_PAIRED_ELEC),
        l.paired_heat - at_midnight(h, HWT_Q_PAIRED_HEAT),
        l.paired_negative - at_midnight(h, HWT_Q_PAIRED_NEGATIVE),
    };
}

/* The rise of a counter since midnight; one first seen today starts at its first value. */
static struct hwt_value today(struct hub *h, unsigned column, const struct hwt_value *now)
{
    struct hwt_value *start = &h->midnight.value[column];

    if (now->quality == HWT_QUALITY_MISSING) {
        return *now;
    }
    if (start->quality == HWT_QUALITY_MISSING || start->v > now->v) {
        *start = *now;
    }
    return (struct hwt_value){.v = now->v - start->v, .quality = now->quality};
}

void hub_view(struct hub *h, struct live_view *view_out)
{
    struct clock_time now = clock_now(h->options.clock);
    const struct installation *site = h->options.site;

    view_out->site = site;
    view_out->now = now;
    for (unsigned i = 0; i < site->schema.count; i++) {
        struct hwt_live v = hwt_recorder_live(&h->recorder, i, now.mono_us);

        view_out->value[i] = (struct hwt_value){.v = v.value, .quality = v.quality};
        view_out->age_us[i] = v.quality == HWT_QUALITY_MISSING ? -1 : v.age_us;
        if (hwt_quantity_get(site->column[i].quantity)->kind == HWT_COUNTER) {
            view_out->today[i] = today(h, i, &view_out->value[i]);
        }
    }
    fill_ledger(h, now.mono_us, view_out);
}
