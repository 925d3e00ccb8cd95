#include "tests/system/fake_tslog.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { OWN, IMPORT, STREAMS, CHANNELS = 4 };

static const struct hwt_channel own_channels[CHANNELS] = {
    {"hp_power", HWT_Q_POWER},
    {"hp_import", HWT_Q_IMPORT},
    {"heatmeter_flow_t", HWT_Q_FLOW_T},
    {"shed_temperature", HWT_Q_TEMPERATURE},
};
static const struct hwt_channel barn_channels[CHANNELS] = {
    {"hp_power", HWT_Q_POWER},
    {"hp_import", HWT_Q_IMPORT},
    {"heatmeter_flow_t", HWT_Q_FLOW_T},
    {"barn_temperature", HWT_Q_TEMPERATURE},
};
static const struct hwt_channel loft_channels[CHANNELS] = {
    {"hp_power", HWT_Q_POWER},
    {"hp_import", HWT_Q_IMPORT},
    {"heatmeter_flow_t", HWT_Q_FLOW_T},
    {"loft_temperature", HWT_Q_TEMPERATURE},
};
static const struct hwt_channel import_channels[] = {
    {"hp_power", HWT_Q_POWER},
    {"attic_temperature", HWT_Q_TEMPERATURE},
};
static const struct hwt_schema own_schema = {own_channels, 3};
static const struct hwt_schema shed_schema = {own_channels, 4};
static const struct hwt_schema barn_schema = {barn_channels, 4};
static const struct hwt_schema loft_schema = {loft_channels, 4};
static const struct hwt_schema import_schema = {import_channels, 2};

static atomic_uint own_last, own_dropped, bucket_us;
static atomic_uint taken;
static atomic_int fail_snapshot, fail_buckets, fail_records;

void fake_append(unsigned n)
{
    atomic_fetch_add(&own_last, n);
}

void fake_drop(unsigned last)
{
    atomic_store(&own_dropped, last);
}

void fake_fail(int snapshot, int buckets, int records)
{
    atomic_store(&fail_snapshot, snapshot);
    atomic_store(&fail_buckets, buckets);
    atomic_store(&fail_records, records);
}

static void take_time(void)
{
    struct timespec wait = {0, (long)atomic_load(&bucket_us) * 1000};

    atomic_fetch_add(&taken, 1);
    if (wait.tv_nsec > 0) {
        nanosleep(&wait, NULL);
    }
}

unsigned fake_taken(void)
{
    return atomic_load(&taken);
}

void fake_slow(unsigned us)
{
    atomic_store(&bucket_us, us);
}

int fake_snapshot(void *ctx, struct hwt_tslog_snapshot *snapshot_out)
{
    (void)ctx;
    snapshot_out->stream[OWN].durable = atomic_load(&own_last);
    snapshot_out->stream[IMPORT].durable = FAKE_IMPORTED;
    return atomic_load(&fail_snapshot);
}

int hwt_tslog_streams(const struct hwt_tslog_snapshot *snapshot)
{
    (void)snapshot;
    return STREAMS;
}

static int64_t end_ms(int stream, uint64_t sequence)
{
    return stream == OWN ? FAKE_FROM_MS + (int64_t)sequence * FAKE_OWN_MS
                         : FAKE_FROM_MS - (int64_t)(FAKE_IMPORTED - sequence) * FAKE_IMPORT_MS;
}

int hwt_tslog_stream_info(const struct hwt_tslog_snapshot *snapshot, int stream,
                          struct hwt_stream_info *info_out)
{
    uint64_t first = stream == OWN ? atomic_load(&own_dropped) + 1 : 1;
    uint64_t last = snapshot->stream[stream].durable;
    bool none = first > last;

    *info_out = (struct hwt_stream_info){
        .provenance = stream == OWN ? HWT_PROVENANCE_MEASURED : HWT_PROVENANCE_SIMULATED,
        .first = first,
        .last = last,
        .first_ms = none ? HWT_TIME_UNKNOWN : end_ms(stream, first),
        .last_ms = none ? HWT_TIME_UNKNOWN : end_ms(stream, last),
    };
    strcpy(info_out->name, stream == OWN ? "own" : "import_1");
    return 0;
}

/* The values of one record; its schema. */
static const struct hwt_schema *make(int stream, uint64_t sequence, struct hwt_value *value)
{
    if (stream == IMPORT) {
        value[0] = (struct hwt_value){.v = 500, .quality = HWT_QUALITY_GOOD};
        value[1] = (struct hwt_value){.v = 1850, .quality = HWT_QUALITY_GOOD};
        return &import_schema;
    }
    value[0] = (struct hwt_value){.v = 1000 + (int64_t)sequence, .quality = HWT_QUALITY_GOOD};
    value[1] = (struct hwt_value){.v = (int64_t)sequence * 3600000, .quality = HWT_QUALITY_GOOD};
    value[2] = (struct hwt_value){
        .v = 3400, .quality = sequence % 3 == 0 ? HWT_QUALITY_MISSING : HWT_QUALITY_GOOD};
    value[3] = (struct hwt_value){.v = -425, .quality = HWT_QUALITY_GOOD};
    if (sequence > 1000) {
        return sequence <= 1010 ? &barn_schema : &loft_schema;
    }
    return sequence >= 21 && sequence <= 30 ? &shed_schema : &own_schema;
}

int hwt_tslog_cursor_open(struct hwt_tslog_cursor *cursor,
                          const struct hwt_tslog_snapshot *snapshot, int stream, uint64_t sequence)
{
    if (stream < 0 || stream >= STREAMS || sequence == 0 ||
        sequence > snapshot->stream[stream].durable + 1) {
        return HWT_ERR_ARGUMENT;
    }
    cursor->snapshot = snapshot;
    cursor->stream = stream;
    cursor->sequence = sequence;
    return 0;
}

int hwt_tslog_cursor_seek(struct hwt_tslog_cursor *cursor,
                          const struct hwt_tslog_snapshot *snapshot, int stream, int64_t from_ms)
{
    uint64_t sequence = stream == OWN ? atomic_load(&own_dropped) + 1 : 1;
    int64_t span = stream == OWN ? FAKE_OWN_MS : FAKE_IMPORT_MS;

    while (sequence <= snapshot->stream[stream].durable &&
           end_ms(stream, sequence) - span < from_ms) {
        sequence++;
    }
    return hwt_tslog_cursor_open(cursor, snapshot, stream, sequence);
}

int hwt_tslog_cursor_next(struct hwt_tslog_cursor *cursor, const struct hwt_schema **schema_out,
                          const struct hwt_record **record_out, uint64_t *lost_out)
{
    uint64_t dropped = cursor->stream == OWN ? atomic_load(&own_dropped) : 0;

    if (atomic_load(&fail_records) < 0) {
        return atomic_load(&fail_records);
    }
    take_time();
    if (cursor->sequence <= dropped) {
        *lost_out = dropped + 1 - cursor->sequence;
        cursor->sequence = dropped + 1;
        return HWT_ERR_LOST;
    }
    if (cursor->sequence > cursor->snapshot->stream[cursor->stream].durable) {
        return 0;
    }
    *schema_out = make(cursor->stream, cursor->sequence, cursor->value);
    cursor->record = (struct hwt_record){
        .sequence = cursor->sequence,
        .unix_ms = end_ms(cursor->stream, cursor->sequence),
        .span_ms = cursor->stream == OWN ? FAKE_OWN_MS : FAKE_IMPORT_MS,
        .count = (*schema_out)->count,
        .value = cursor->value,
    };
    *record_out = &cursor->record;
    cursor->sequence++;
    return 1;
}

int hwt_tslog_buckets_open(struct hwt_tslog_buckets *it, const struct hwt_tslog_snapshot *snapshot,
                           const char *const *ids, size_t n, const struct hwt_tslog_range *range)
{
    if (n > HWT_TSLOG_QUERY_MAX) {
        return HWT_ERR_ARGUMENT;
    }
    it->range = *range;
    it->n = (uint16_t)n;
    it->read.snapshot = snapshot;
    for (size_t i = 0; i < n; i++) {
        strcpy(it->id[i], ids[i]);
    }
    return 0;
}

/* `before`: the value of the record before; NULL: there is none. */
static void add(struct hwt_bucket *b, const struct hwt_value *v, int64_t span_ms,
                const struct hwt_value *before)
{
    b->min = b->count == 0 || v->v < b->min ? v->v : b->min;
    b->max = b->count == 0 || v->v > b->max ? v->v : b->max;
    b->mean = (b->mean * (double)b->measured_ms + (double)v->v * (double)span_ms) /
              (double)(b->measured_ms + (uint64_t)span_ms);
    b->measured_ms += (uint64_t)span_ms;
    b->first = b->count == 0 ? v->v : b->first;
    b->last = v->v;
    b->delta += before != NULL ? v->v - before->v : 0;
    b->count++;
}

static void fill(const struct hwt_tslog_buckets *it, int stream, struct hwt_bucket *b,
                 const char *id)
{
    uint64_t first = stream == OWN ? atomic_load(&own_dropped) + 1 : 1;
    int64_t span = stream == OWN ? FAKE_OWN_MS : FAKE_IMPORT_MS;

    for (uint64_t s = first; s <= it->read.snapshot->stream[stream].durable; s++) {
        struct hwt_value value[CHANNELS], before[CHANNELS];
        const struct hwt_schema *schema = make(stream, s, value);
        int64_t start = end_ms(stream, s) - span;

        make(stream, s - 1, before);
        for (unsigned c = 0; start >= b->from_ms && start < b->to_ms && c < schema->count; c++) {
            if (strcmp(schema->channel[c].id, id) == 0 && value[c].quality != 0) {
                add(b, &value[c], span, s > first ? &before[c] : NULL);
            }
        }
    }
}

int hwt_tslog_buckets_next(struct hwt_tslog_buckets *it, struct hwt_bucket *buckets_out)
{
    struct hwt_tslog_range *r = &it->range;
    int64_t end = r->next != NULL ? r->next(r->ctx, r->from_ms) : r->from_ms + r->step_ms;

    if (atomic_load(&fail_buckets) < 0) {
        return atomic_load(&fail_buckets);
    }
    if (r->from_ms >= r->to_ms) {
        return 0;
    }
    end = end < r->to_ms ? end : r->to_ms;
    take_time();
    for (unsigned i = 0; i < it->n; i++) {
        buckets_out[i] = (struct hwt_bucket){.from_ms = r->from_ms, .to_ms = end};
        fill(it, OWN, &buckets_out[i], it->id[i]);
        if (buckets_out[i].count == 0) {
            fill(it, IMPORT, &buckets_out[i], it->id[i]);
        }
    }
    r->from_ms = end;
    return 1;
}
