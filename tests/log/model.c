#include "tests/log/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MODEL_STREAMS] = {HWT_TSLOG_OWN, "import_1", "import_2"};

struct model *model_new(uint32_t block_size, uint32_t block_count, uint8_t erased)
{
    struct model *m = calloc(1, sizeof(*m));

    m->dev = ramdev_new(block_size, block_count, erased);
    m->log = calloc(1, sizeof(*m->log));
    m->snapshot = calloc(1, sizeof(*m->snapshot));
    m->cursor = calloc(1, sizeof(*m->cursor));
    return m;
}

void model_free(struct model *m)
{
    for (int s = 0; s < MODEL_STREAMS; s++) {
        free(m->stream[s].entry);
    }
    ramdev_free(m->dev);
    free(m->log);
    free(m->snapshot);
    free(m->cursor);
    free(m);
}

int model_open(struct model *m)
{
    struct hwt_tslog_config config = {.bd = ramdev_bd(m->dev), .uuid = {7, 1, 3}};
    uint32_t boot;
    int err = hwt_tslog_open(m->log, &config, &m->recovery);

    for (int s = 0; err == 0 && s < MODEL_STREAMS; s++) {
        int got = hwt_tslog_stream(m->log, names[s],
                                   s == 0 ? HWT_PROVENANCE_MEASURED : HWT_PROVENANCE_IMPORTED);

        err = got == s ? 0 : got < 0 ? got : HWT_ERR_SANITY;
    }
    err = err == 0 ? hwt_tslog_boot(m->log, &boot) : err;
    if (err == 0 && boot < m->boots) {
        printf("# boot count fell from %u to %u\n", m->boots, boot);
        return HWT_ERR_SANITY;
    }
    m->boots = err == 0 ? boot : m->boots;
    return err;
}

static void push(struct model_stream *st, struct model_entry entry)
{
    if (st->count == st->room) {
        st->room = st->room * 2 + 64;
        st->entry = realloc(st->entry, st->room * sizeof(*st->entry));
    }
    st->entry[st->count++] = entry;
}

/* Sequences that no record will have. */
static void give_up(struct model_stream *st, uint64_t last)
{
    while (st->count < last) {
        push(st, (struct model_entry){0, 0, 0});
    }
}

int model_append(struct model *m, int stream, uint64_t seed)
{
    struct model_stream *st = &m->stream[stream];
    static struct gen_schema schema;
    static struct gen_record r;
    uint64_t sequence, index = st->count + 1;
    int err;

    gen_schema(&schema, st->schema);
    gen_record(&r, &schema.schema, index, seed | 1);
    err = hwt_tslog_append(m->log, stream, &schema.schema, &r.record, &sequence);
    if (err == HWT_ERR_SPACE && hwt_tslog_pending(m->log) > 0) {
        err = model_commit(m);
        err =
            err == 0 ? hwt_tslog_append(m->log, stream, &schema.schema, &r.record, &sequence) : err;
    }
    if (err != 0) {
        return err;
    }
    if (sequence <= st->count) {
        printf("# stream %d: sequence %" PRIu64 " again, behind %zu\n", stream, sequence,
               st->count);
        return HWT_ERR_SANITY;
    }
    give_up(st, sequence - 1);
    push(st, (struct model_entry){seed | 1, index, st->schema});
    return 0;
}

int model_commit(struct model *m)
{
    int err;

    for (int s = 0; s < MODEL_STREAMS; s++) {
        m->stream[s].tried = m->stream[s].count;
    }
    m->fixes_tried = m->fixes;
    err = hwt_tslog_commit(m->log);
    m->fixes_acked = err == 0 ? m->fixes : m->fixes_acked;
    for (int s = 0; err == 0 && s < MODEL_STREAMS; s++) {
        m->stream[s].acked = m->stream[s].count;
    }
    return err;
}

static bool check_record(const struct model_stream *st, const struct hwt_schema *schema,
                         const struct hwt_record *record)
{
    const struct model_entry *e = &st->entry[record->sequence - 1];
    static struct gen_schema want;
    static struct gen_record r;

    gen_schema(&want, e->schema);
    gen_record(&r, &want.schema, e->index, e->seed);
    if (schema->count != want.schema.count) {
        printf("# schema of %u channels, not %u\n", schema->count, want.schema.count);
        return false;
    }
    for (unsigned i = 0; i < schema->count; i++) {
        if (strcmp(schema->channel[i].id, want.channel[i].id) != 0 ||
            schema->channel[i].quantity != want.channel[i].quantity) {
            printf("# channel %u is %s, not %s\n", i, schema->channel[i].id, want.channel[i].id);
            return false;
        }
    }
    return gen_equal(record, &r.record);
}

struct hwt_correction model_fix(size_t i)
{
    struct hwt_correction c = {.channel = "none",
                               .id = "the model, at length",
                               .first = 1,
                               .last = UINT64_MAX,
                               .gain_q30 = 1 << 30,
                               .unix_ms = (int64_t)i};

    return c;
}

bool model_fix_equal(const struct hwt_correction *a, const struct hwt_correction *b)
{
    return strcmp(a->channel, b->channel) == 0 && strcmp(a->cross, b->cross) == 0 &&
           strcmp(a->id, b->id) == 0 && a->first == b->first && a->last == b->last &&
           a->gain_q30 == b->gain_q30 && a->cross_q30 == b->cross_q30 && a->offset == b->offset &&
           a->unix_ms == b->unix_ms;
}

static bool check_fixes(const struct model *m, size_t count)
{
    const struct hwt_tslog_amended *a = &m->snapshot->amended;
    bool right = a->count == count;

    for (size_t i = 0; right && i < count; i++) {
        struct hwt_correction want = model_fix(i);

        right = model_fix_equal(&a->at[i].what, &want) && a->at[i].stream == i % 2;
    }
    if (!right) {
        printf("# %u corrections, not %zu, or others\n", a->count, count);
    }
    return right;
}

bool model_record_right(const struct model *m, int stream, const struct hwt_schema *schema,
                        const struct hwt_record *record)
{
    return check_record(&m->stream[stream], schema, record);
}

/* Whether records from..to may be told as lost: of those acknowledged none. */
static bool may_be_lost(const struct model_stream *st, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to && i <= st->acked; i++) {
        if (st->entry[i - 1].seed != 0) {
            return false;
        }
    }
    return true;
}

/* The last record up to `last` that was not given up. */
static uint64_t last_real(const struct model_stream *st, uint64_t last)
{
    while (last > 0 && st->entry[last - 1].seed == 0) {
        last--;
    }
    return last;
}

/* Reads the stream: records of the model up to `last`, the others lost. *end_out is the last read.
 */
static bool check_stream(struct model *m, int s, uint64_t last, uint64_t *end_out)
{
    const struct model_stream *st = &m->stream[s];
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t want = 1, lost, seen = 0;
    int got = hwt_tslog_cursor_open(m->cursor, m->snapshot, s, 1);

    *end_out = 0;
    while (got == 0 && (got = hwt_tslog_cursor_next(m->cursor, &schema, &record, &lost)) != 0) {
        if (got == HWT_ERR_LOST &&
            ((m->allow_pruned && seen == 0) || may_be_lost(st, want, want + lost - 1))) {
            want += lost;
            got = 0;
            continue;
        }
        if (got != 1 || record->sequence != want || want > last || st->entry[want - 1].seed == 0 ||
            !check_record(st, schema, record)) {
            printf("# stream %d: %s at sequence %" PRIu64 " of %" PRIu64 "\n", s,
                   got == 1 ? "wrong record" : hwt_err_name(got), want, last);
            return false;
        }
        *end_out = want++;
        seen++;
        got = 0;
    }
    return true;
}

bool model_check(struct model *m)
{
    bool acked, tried;

    hwt_tslog_snapshot(m->log, m->snapshot);
    acked = m->snapshot->amended.count == m->fixes_acked;
    tried = m->snapshot->amended.count == m->fixes_tried;
    for (int s = 0; s < MODEL_STREAMS; s++) {
        struct model_stream *st = &m->stream[s];

        if (!check_stream(m, s, st->tried > st->acked ? st->tried : st->acked, &st->end)) {
            return false;
        }
        acked = acked && st->end == last_real(st, st->acked);
        tried = tried && st->end == last_real(st, st->tried);
    }
    for (int s = 0; !acked && !tried && s < MODEL_STREAMS; s++) {
        printf("# stream %d: durable %" PRIu64 ", acknowledged %zu, tried %zu\n", s,
               m->stream[s].end, m->stream[s].acked, m->stream[s].tried);
    }
    return (acked || tried) && check_fixes(m, acked ? m->fixes_acked : m->fixes_tried);
}

void model_settle(struct model *m)
{
    for (int s = 0; s < MODEL_STREAMS; s++) {
        struct model_stream *st = &m->stream[s];

        st->count = (size_t)st->end;
        give_up(st, m->snapshot->stream[s].durable);
        st->acked = st->tried = st->count;
    }
    m->fixes = m->fixes_acked = m->fixes_tried = m->snapshot->amended.count;
}

int model_step(struct model *m, struct rng *rng)
{
    int s = rng_below(rng, 3) != 0 ? 0 : (int)rng_below(rng, MODEL_STREAMS);
    uint32_t n = 1 + rng_below(rng, rng_below(rng, 8) == 0 ? 400 : 20);
    int err = 0;

    if (rng_below(rng, 12) == 0) {
        m->stream[s].schema = rng_below(rng, MODEL_SCHEMAS);
    }
    while (err == 0 && n-- > 0) {
        err = model_append(m, s, rng_next(rng));
    }
    if (err == 0 && rng_below(rng, 8) == 0 && m->fixes < HWT_TSLOG_CORRECTIONS_MAX) {
        struct hwt_correction c = model_fix(m->fixes);

        err = hwt_tslog_correct(m->log, (int)(m->fixes % 2), &c);
        m->fixes += err == 0;
    }
    if (err == 0 && m->allow_pruned && rng_below(rng, 20) == 0) {
        err = hwt_tslog_drop_before(
            m->log,
            INT64_C(1790000000000) + (int64_t)rng_below(rng, (uint32_t)m->stream[s].count) * 10000);
        err = err > 0 ? 0 : err;
    }
    return err == 0 && rng_below(rng, 3) != 0 ? model_commit(m) : err;
}
