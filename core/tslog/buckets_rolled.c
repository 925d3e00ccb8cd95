/*
 * buckets_rolled.c: buckets from roll-ups.
 *
 * Of each sheet the coarsest level is taken whose rows no edge of the window cuts. If edges cut
 * quarter hours, those rows are left to the records.
 */
#include "core/base/quantity.h"
#include "core/tslog/buckets.h"

struct level_taken {
    enum hwt_roll_level level;
    int64_t row_ms;
    bool cut; /* rows that an edge cuts are left to records */
};

static bool divides(int64_t row_ms, int64_t edge_ms)
{
    return edge_ms % row_ms == 0;
}

/* --- levels --- */

static void allow_edge(struct level_taken *t, const struct hwt_rollup_sheet *sheet, int64_t edge_ms)
{
    if (edge_ms <= sheet->min_ms || edge_ms >= sheet->max_ms) {
        return;
    }
    while (!divides(t->row_ms, edge_ms) && t->level != HWT_ROLL_QUARTER) {
        t->level = (enum hwt_roll_level)(t->level - 1);
        t->row_ms = hwt_roll_quarters(t->level) * HWT_ROLL_QUARTER_MS;
    }
    t->cut = t->cut || !divides(t->row_ms, edge_ms);
}

/* The coarsest level that all edges within the sheet allow. */
static struct level_taken choose_level(const struct hwt_tslog_buckets *it,
                                       const struct hwt_rollup_sheet *sheet)
{
    int64_t from_ms = sheet->min_ms > it->window_from_ms ? sheet->min_ms : it->window_from_ms;
    struct level_taken t = {HWT_ROLL_DAY, 96 * HWT_ROLL_QUARTER_MS, false};
    uint32_t i = hwt_buckets_at(it, from_ms), tried = 0;

    allow_edge(&t, sheet, it->window_to_ms);
    for (; i < it->window; i++) {
        int64_t edge_ms = it->bucket[(size_t)i * it->n].from_ms;

        allow_edge(&t, sheet, edge_ms);
        tried += edge_ms > sheet->min_ms;
        /* of even steps the edges to come are like those two, but for the window's end */
        if (edge_ms >= sheet->max_ms ||
            (tried == 2 && it->range.next == NULL && divides(t.row_ms, it->range.step_ms))) {
            break;
        }
    }
    return t;
}

/* --- columns --- */

static unsigned columns_wanted(const struct hwt_tslog_buckets *it, bool counter)
{
    static const uint8_t field[HWT_ROLL_COLUMNS] = {[HWT_ROLL_SUM] = HWT_BUCKET_MEAN,
                                                    [HWT_ROLL_MIN] = HWT_BUCKET_MIN,
                                                    [HWT_ROLL_MAX] = HWT_BUCKET_MAX,
                                                    [HWT_ROLL_LAST] = HWT_BUCKET_LAST,
                                                    [HWT_ROLL_RISE] = HWT_BUCKET_DELTA};
    unsigned columns = 1u << HWT_ROLL_COUNT | 1u << HWT_ROLL_MEASURED;

    columns |= (it->range.fields & HWT_BUCKET_FIRST) != 0 ? 1u << HWT_ROLL_NOT_KEPT : 0;
    for (unsigned k = 0; k < HWT_ROLL_COLUMNS; k++) {
        columns |= (it->range.fields & field[k]) != 0 ? 1u << k : 0;
    }
    return counter ? columns : columns & ~(1u << HWT_ROLL_RISE);
}

/* --- rows into buckets --- */

struct row {
    int64_t from_ms;
    uint64_t sequence;
    size_t i; /* in the reader's columns */
};

static void add_gauge(struct hwt_tslog_own *own, const struct hwt_rollup_reader *r, size_t i,
                      unsigned columns, bool first)
{
    struct hwt_bucket *b = &own->b;

    if ((columns >> HWT_ROLL_SUM & 1) != 0) {
        b->mean += (double)r->value[HWT_ROLL_SUM][i] -
                   (double)own->base * (double)r->value[HWT_ROLL_MEASURED][i];
    }
    if ((columns >> HWT_ROLL_MIN & 1) != 0) {
        int64_t v = r->value[HWT_ROLL_MIN][i];

        b->min = first || v < b->min ? v : b->min;
    }
    if ((columns >> HWT_ROLL_MAX & 1) != 0) {
        int64_t v = r->value[HWT_ROLL_MAX][i];

        b->max = first || v > b->max ? v : b->max;
    }
}

static void add_counter(struct hwt_tslog_own *own, const struct hwt_rollup_reader *r,
                        const struct row *row, unsigned columns, bool first)
{
    struct hwt_bucket *b = &own->b;

    if ((columns >> HWT_ROLL_LAST & 1) != 0 && (first || row->sequence > own->last_at)) {
        b->last = r->value[HWT_ROLL_LAST][row->i];
    }
    if ((columns >> HWT_ROLL_RISE & 1) != 0) {
        b->delta = hwt_roll_add_rise(b->delta, r->value[HWT_ROLL_RISE][row->i]);
    }
}

static void add_row(struct hwt_tslog_own *own, const struct hwt_rollup_reader *r,
                    const struct row *row, unsigned columns, bool counter)
{
    bool first = own->b.count == 0;

    if (first) {
        own->base = 0;
        own->b.mean = 0;
        own->b.delta = 0;
        own->b.measured_ms = 0;
    }
    add_gauge(own, r, row->i, columns, first);
    if (counter) {
        add_counter(own, r, row, columns, first);
    }
    own->first_at = first || row->sequence < own->first_at ? row->sequence : own->first_at;
    own->last_at = first || row->sequence > own->last_at ? row->sequence : own->last_at;
    own->b.count += (uint32_t)r->value[HWT_ROLL_COUNT][row->i];
    own->b.measured_ms += (uint64_t)r->value[HWT_ROLL_MEASURED][row->i];
}

/* All rows of a channel. */
static void add_rows(struct hwt_tslog_buckets *it, size_t channel, const struct level_taken *taken,
                     unsigned columns, bool counter)
{
    const struct hwt_rollup_reader *r = &it->roll;
    struct row row = {.sequence = r->sheet.first};
    int64_t from_ms = 0, to_ms = 0; /* of the bucket */
    struct hwt_tslog_own *own = NULL;
    size_t at = 0, end = (size_t)it->window * it->n;

    for (; row.i < r->rows; row.sequence += (uint64_t)r->records[row.i], row.i++) {
        row.from_ms = r->period[row.i] * taken->row_ms;
        if (row.from_ms < r->sheet.min_ms) { /* a day, of which the sheet has the rest */
            row.from_ms = r->sheet.min_ms;
        }
        if (row.from_ms < it->window_from_ms || row.from_ms >= it->window_to_ms ||
            r->value[HWT_ROLL_COUNT][row.i] == 0) {
            continue;
        }
        if (own == NULL || row.from_ms < from_ms || row.from_ms >= to_ms) {
            at += it->n; /* mostly the next one */
            if (own == NULL || at >= end || row.from_ms < it->bucket[at].from_ms ||
                row.from_ms >= it->bucket[at].to_ms) {
                at = (size_t)hwt_buckets_at(it, row.from_ms) * it->n;
            }
            own = &it->own[at + channel];
            from_ms = it->bucket[at].from_ms;
            to_ms = it->bucket[at].to_ms;
        }
        if (!taken->cut || row.from_ms + taken->row_ms <= to_ms) {
            add_row(own, r, &row, columns, counter);
        }
    }
}

/* --- sheets --- */

/* Where the channels asked for are in the open sheet; 0: not there. */
static int find_channels(struct hwt_tslog_buckets *it, uint32_t offset[HWT_TSLOG_QUERY_MAX])
{
    struct hwt_roll_index entry;
    size_t at = 0, left = it->n;
    int more;

    memset(offset, 0, HWT_TSLOG_QUERY_MAX * sizeof(*offset));
    while (left > 0 && (more = hwt_roll_index_next(&it->roll, &at, &entry)) != 0) {
        if (more < 0) {
            return more;
        }
        for (size_t i = 0; i < it->n; i++) {
            if (strlen(it->id[i]) == entry.id_length &&
                memcmp(it->id[i], entry.id, entry.id_length) == 0) {
                offset[i] = entry.offset;
                left--;
            }
        }
    }
    return 0;
}

static int take_channel(struct hwt_tslog_buckets *it, size_t channel, uint32_t offset,
                        const struct level_taken *taken)
{
    struct hwt_rollup_channel head;
    unsigned columns = 0;
    int err = hwt_roll_channel_get(&it->roll, offset, &head);

    if (err == 0) {
        columns = columns_wanted(it, head.counter);
        err = hwt_roll_columns_get(&it->roll, &head, taken->level, columns);
    }
    if (err == 0) {
        add_rows(it, channel, taken, columns, head.counter);
    }
    return err;
}

int hwt_buckets_take_sheet(struct hwt_tslog_buckets *it, const struct hwt_rollup_sheet *sheet)
{
    const struct hwt_tslog_snapshot *snapshot = it->read.snapshot;
    bool gone = sheet->first < it->kept;
    uint32_t offset[HWT_TSLOG_QUERY_MAX];
    struct level_taken taken;
    int err;

    it->row = it->rows = 0;
    if (sheet->min_ms >= it->window_to_ms || sheet->max_ms <= it->window_from_ms) {
        return 0;
    }
    taken = choose_level(it, sheet);
    taken.cut = taken.cut && !gone;
    err = hwt_roll_open(&it->roll, &snapshot->roll.bd, snapshot->log, sheet);
    err = err == 0 ? find_channels(it, offset) : err;
    err = err == 0 ? hwt_roll_rows_get(&it->roll, taken.level) : err;
    for (size_t i = 0; err == 0 && i < it->n; i++) {
        err = offset[i] != 0 ? take_channel(it, i, offset[i], &taken) : 0;
        err = err == HWT_ERR_NOT_FOUND && gone ? 0 : err;
    }
    if (err == 0 && taken.cut) {
        it->rows = it->roll.rows;
        it->row_at = sheet->first;
    }
    return err;
}

/* Whether an edge of the window cuts the quarter hour, part of which is in the window. */
static bool is_cut(const struct hwt_tslog_buckets *it, int64_t from_ms)
{
    int64_t to_ms = from_ms + HWT_ROLL_QUARTER_MS;

    if (from_ms >= it->window_to_ms || to_ms <= it->window_from_ms) {
        return false;
    }
    return from_ms < it->window_from_ms ||
           it->bucket[(size_t)hwt_buckets_at(it, from_ms) * it->n].to_ms < to_ms;
}

void hwt_buckets_next_part(struct hwt_tslog_buckets *it)
{
    while (it->row < it->rows) {
        uint64_t first = it->row_at;
        bool cut = is_cut(it, it->roll.period[it->row] * HWT_ROLL_QUARTER_MS);

        it->row_at += (uint64_t)it->roll.records[it->row++];
        if (cut && it->row_at > first) {
            hwt_buckets_begin_part(it, first, it->row_at - 1);
            return;
        }
    }
}
