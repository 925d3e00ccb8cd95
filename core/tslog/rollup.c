/*
 * rollup.c: records into rows.
 *
 * Full pages only: those of a tail are read with the tail by every query anyway. Where a sheet is
 * missing or outdated its records are rolled again, the oldest first, for a counter's first rise
 * in a sheet needs the value before it.
 */
#include "core/base/quantity.h"
#include "core/tslog/roll.h"

enum {
    STEP_PAGES = 8,      /* of records, read in one step */
    ROWS_WORTH = 4,      /* rows that are worth a sheet when no more records are there */
    LOOK_BACK = 64,      /* sheets in which a counter's value before is looked for */
    ENTRY_BYTES_MAX = 64 /* an entry's columns, of all levels, at worst */
};

struct gap { /* sequences to be rolled */
    int stream;
    uint64_t first, last;
    bool open; /* ends where the full pages end */
};

/* --- what is to be done --- */

static bool find_in_stream(const struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                           int stream, struct gap *gap)
{
    uint64_t kept = hwt_roll_kept(snapshot, stream), at = kept;
    uint64_t end =
        r->to_end ? snapshot->stream[stream].durable : snapshot->stream[stream].tail.first - 1;

    for (uint32_t i = hwt_roll_find(r->sheet, r->count, stream, at);; i++) {
        const struct hwt_rollup_sheet *s = &r->sheet[i];
        bool more = i < r->count && s->stream == stream;

        if (at > end) {
            return false;
        }
        if (!more || s->first > at) {
            *gap = (struct gap){stream, at, more && s->first <= end ? s->first - 1 : end,
                                !more || s->first > end};
            return true;
        }
        if (s->first >= kept && !hwt_roll_current(snapshot, s)) {
            *gap = (struct gap){stream, s->first, s->last, false};
            return true;
        }
        at = s->last + 1;
    }
}

/* Whether there is something to read for it beyond what is rolled already. */
static bool has_work(const struct hwt_rollup *r, const struct gap *gap)
{
    return r->stream != gap->stream || r->first != gap->first || r->next <= gap->last || !gap->open;
}

static bool find_gap(const struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                     struct gap *gap)
{
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (hwt_tslog_snapshot_has(snapshot, s) && find_in_stream(r, snapshot, s, gap) &&
            has_work(r, gap)) {
            return true;
        }
    }
    return false;
}

/* --- channels --- */

/* Takes what the sheet knows of counters at its end; how many are still sought. */
static int take_after(struct hwt_rollup *r, bool *sought, size_t *left)
{
    struct hwt_roll_index entry;
    size_t at = 0;
    int more;

    while ((more = hwt_roll_index_next(&r->reader, &at, &entry)) == 1 && *left > 0) {
        for (size_t i = 0; i < r->sheet_channels; i++) {
            struct hwt_roll_sheet_channel *c = &r->channel[i];
            struct hwt_rollup_channel head;
            int err;

            if (!sought[i] || strlen(c->channel.id) != entry.id_length ||
                memcmp(c->channel.id, entry.id, entry.id_length) != 0) {
                continue;
            }
            err = hwt_roll_channel_get(&r->reader, entry.offset, &head);
            if (err != 0) {
                return err;
            }
            c->before = c->after = head.after;
            c->before_state = c->after_state = head.after_state;
            c->before_at = c->after_at = head.after_at;
            sought[i] = false;
            --*left;
            break;
        }
    }
    return more < 0 ? more : 0;
}

/* The counters' values before the sheet that begins, from the sheets before it. */
static int look_back(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot, bool *sought,
                     size_t left)
{
    uint64_t next = r->first;
    uint32_t i = hwt_roll_find(r->sheet, r->count, r->stream, next);

    for (unsigned n = 0; n < LOOK_BACK && left > 0 && i-- > 0; n++) {
        const struct hwt_rollup_sheet *s = &r->sheet[i];
        int err;

        if (s->stream != r->stream || s->last + 1 != next) {
            break;
        }
        err = hwt_roll_open(&r->reader, &r->bd, r->log, s);
        err = err == 0 ? take_after(r, sought, &left) : err;
        if (err == HWT_ERR_CORRUPT && s->first >= hwt_roll_kept(snapshot, s->stream)) {
            hwt_roll_table_remove(r, i); /* is rolled again first */
            r->counters.damaged++;
            return HWT_ERR_AGAIN;
        }
        if (err != 0) {
            return err == HWT_ERR_CORRUPT ? 0 : err;
        }
        next = s->first;
    }
    return 0;
}

/* Whether a channel's rise depends on anchors. */
static bool any_unsure(const struct hwt_rollup *r)
{
    for (size_t i = 0; i < r->sheet_channels; i++) {
        if ((r->channel[i].before_state & HWT_ROLL_UNSURE) != 0) {
            return true;
        }
    }
    return false;
}

/* A sheet begins where the last one ended, with the same channels. */
static void begin_rows(struct hwt_rollup *r)
{
    r->first = r->next;
    r->rows = 0;
    r->leading = 0;
    for (size_t i = 0; i < r->sheet_channels; i++) {
        r->channel[i].before = r->channel[i].after;
        r->channel[i].before_state = r->channel[i].after_state;
        r->channel[i].before_at = r->channel[i].after_at;
    }
    r->flags = any_unsure(r) ? HWT_ROLL_UNKNOWN_TIME : 0;
}

static void take_channels(struct hwt_rollup *r, const struct hwt_tslog_columns *columns)
{
    size_t fits = (r->bd.block_size - 3 * HWT_TSLOG_PAGE) / ENTRY_BYTES_MAX;
    size_t most = r->pool_count < fits ? r->pool_count : fits;

    r->schema = columns->id;
    r->sheet_channels = columns->count;
    r->capacity =
        most / columns->count < HWT_ROLLUP_ROWS_MAX ? most / columns->count : HWT_ROLLUP_ROWS_MAX;
    r->capacity = r->capacity > 0 ? r->capacity : 1;
    for (size_t i = 0; i < columns->count; i++) {
        const struct hwt_quantity_info *q = hwt_quantity_get(columns->channel[i].quantity);

        r->channel[i] = (struct hwt_roll_sheet_channel){
            .channel = columns->channel[i], .counter = q != NULL && q->kind == HWT_COUNTER};
    }
}

static int begin_channels(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                          const struct hwt_tslog_columns *columns)
{
    bool sought[HWT_CHANNELS_MAX];
    size_t left = 0;
    int err;

    take_channels(r, columns);
    for (size_t i = 0; i < r->sheet_channels; i++) {
        sought[i] = r->channel[i].counter;
        left += sought[i];
    }
    err = look_back(r, snapshot, sought, left);
    begin_rows(r);
    return err;
}

/* --- records --- */

static void add_value(struct hwt_rollup_entry *e, struct hwt_roll_sheet_channel *c, int64_t v,
                      const struct hwt_record *record)
{
    if (e->count == 0) {
        e->min = e->max = v;
    }
    e->count++;
    e->measured_ms += record->span_ms;
    e->min = v < e->min ? v : e->min;
    e->max = v > e->max ? v : e->max;
    e->last = v;
    if (c->counter) {
        if ((c->after_state & HWT_ROLL_KNOWN) != 0 && v > c->after) {
            int64_t rise;

            rise = __builtin_sub_overflow(v, c->after, &rise) ? INT64_MAX : rise;
            e->rise = hwt_roll_add_rise(e->rise, rise);
        }
        if ((c->after_state & HWT_ROLL_KNOWN) == 0) {
            c->before = v; /* rises are reckoned from the first value there is */
        }
        c->after = v;
        c->after_at = record->sequence;
        c->after_state = HWT_ROLL_KNOWN;
    } else {
        int64_t area;

        e->wide = e->wide || __builtin_mul_overflow(v, (int64_t)record->span_ms, &area) ||
                  __builtin_add_overflow(e->sum, area, &e->sum);
    }
}

/* Sequences that belong to no row of their own. */
static void add_other(struct hwt_rollup *r, uint64_t n)
{
    if (r->rows > 0) {
        r->row[r->rows - 1].records += n;
    } else {
        r->leading += n;
    }
    r->next += n;
}

static void add_timeless(struct hwt_rollup *r, const struct hwt_record *record)
{
    r->flags |= HWT_ROLL_UNKNOWN_TIME;
    for (size_t i = 0; i < r->sheet_channels; i++) {
        if (r->channel[i].counter && record->value[i].quality != HWT_QUALITY_MISSING) {
            r->channel[i].after_state |= HWT_ROLL_UNSURE;
        }
    }
    add_other(r, 1);
}

static void add_row(struct hwt_rollup *r, int64_t quarter)
{
    r->row[r->rows] = (struct hwt_roll_row){.quarter = quarter, .records = r->leading};
    r->leading = 0;
    for (size_t i = 0; i < r->sheet_channels; i++) {
        r->pool[i * r->capacity + r->rows] = (struct hwt_rollup_entry){0};
    }
    r->rows++;
}

/* A record whose quarter hour is the last row's. */
static void add_timed(struct hwt_rollup *r, const struct hwt_record *record)
{
    struct hwt_rollup_entry *e = r->pool + (r->rows - 1);

    for (size_t i = 0; i < r->sheet_channels; i++, e += r->capacity) {
        if (record->value[i].quality != HWT_QUALITY_MISSING) {
            add_value(e, &r->channel[i], record->value[i].v, record);
        }
    }
    r->row[r->rows - 1].measured_ms += record->span_ms;
    add_other(r, 1);
}

/* --- sheets --- */

/* The first sequence that the sheet depends on: rises are reckoned from values before it. */
static uint64_t depends_since(const struct hwt_rollup *r)
{
    uint64_t since = r->first;

    for (size_t i = 0; i < r->sheet_channels; i++) {
        const struct hwt_roll_sheet_channel *c = &r->channel[i];

        if ((c->before_state & HWT_ROLL_KNOWN) != 0 && c->before_at < since) {
            since = c->before_at;
        }
    }
    return since;
}

static int write_sheet(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot)
{
    struct hwt_rollup_sheet sheet = {
        .first = r->first,
        .last = r->next - 1,
        .since = depends_since(r),
        .stream = (uint8_t)r->stream,
        .flags = r->flags,
    };
    int err;

    sheet.revision = hwt_tslog_revision(snapshot, r->stream, sheet.since, sheet.last,
                                        (r->flags & HWT_ROLL_UNKNOWN_TIME) != 0);
    err = hwt_roll_write_begin(r, sheet, 1);

    for (size_t i = 0; err == 0 && i < r->sheet_channels; i++) {
        err = hwt_roll_write_channel(r, i, r->pool + i * r->capacity);
    }
    return err == 0 ? hwt_roll_write_end(r) : err;
}

/* Writes what there is. A place that is not blank or too small is left for another. */
static int flush(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot)
{
    int err = 0;

    if (r->next == r->first) {
        return 0;
    }
    if (r->rows == 0) { /* nothing but records without wall time */
        add_row(r, 0);
    }
    for (int tries = 0; tries < 3; tries++) {
        err = write_sheet(r, snapshot);
        if (err == 0) {
            begin_rows(r);
            return 0;
        }
        hwt_roll_write_drop(r);
        if (err != HWT_ERR_AGAIN && err != HWT_ERR_SPACE) {
            break;
        }
    }
    r->stream = -1; /* what is rolled was changed to be written: it is read again */
    return err;
}

/* 0, or AGAIN: sheets have changed, look anew. */
static int add_record(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                      const struct hwt_record *record)
{
    int64_t start = hwt_tslog_start_ms(record), quarter;
    int err = 0;

    if (r->schema != r->cursor.columns.id || r->sheet_channels == 0) {
        err = flush(r, snapshot);
        err = err == 0 ? begin_channels(r, snapshot, &r->cursor.columns) : err;
        if (err != 0) {
            return err;
        }
    }
    if (start == HWT_TIME_UNKNOWN) {
        add_timeless(r, record);
        return 0;
    }
    quarter = hwt_roll_floor(start, HWT_ROLL_QUARTER_MS);
    if (r->rows == 0 || r->row[r->rows - 1].quarter != quarter) {
        err = r->rows == r->capacity ? flush(r, snapshot) : 0;
        if (err != 0) {
            return err;
        }
        add_row(r, quarter);
    }
    add_timed(r, record);
    return 0;
}

/* --- steps --- */

/* Reading a block's headers takes longer than a page; they do not change, but more are written. */
static bool directory_holds(const struct hwt_tslog_dir *dir, uint64_t sequence)
{
    const struct hwt_tslog_dir_entry *last = &dir->entry[dir->count > 0 ? dir->count - 1 : 0];

    return dir->block != HWT_TSLOG_NO_BLOCK && dir->count > 0 &&
           last->first + last->rows > sequence;
}

static void begin_gap(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                      const struct gap *gap)
{
    if (r->stream != gap->stream || r->first != gap->first) {
        r->stream = gap->stream;
        r->next = gap->first;
        r->sheet_channels = 0;
        begin_rows(r);
    }
    if (r->cursor.snapshot != snapshot || r->cursor.stream != r->stream ||
        !directory_holds(&r->cursor.dir, r->next)) {
        hwt_tslog_cursor_init(&r->cursor, snapshot, r->stream);
    }
    r->cursor.page_end = 0;
    r->cursor.sequence = r->next;
}

/* A few pages, or up to the gap's end. */
static int roll_pages(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                      const struct gap *gap)
{
    unsigned pages = 0;

    begin_gap(r, snapshot, gap);
    while (r->next <= gap->last && pages < STEP_PAGES) {
        const struct hwt_schema *schema;
        const struct hwt_record *record;
        uint64_t lost = 0;
        int got = hwt_tslog_cursor_next(&r->cursor, &schema, &record, &lost);

        if (got == HWT_ERR_LOST) {
            uint64_t left = gap->last - r->next + 1;

            add_other(r, lost < left ? lost : left);
            continue;
        }
        if (got != 1) {
            return got == 0 ? HWT_ERR_CORRUPT : got;
        }
        got = add_record(r, snapshot, record);
        if (got != 0) {
            r->stream = -1;
            return got == HWT_ERR_AGAIN ? 0 : got;
        }
        pages += r->cursor.row >= r->cursor.page_end;
    }
    if (r->next > gap->last && (!gap->open || r->to_end || r->rows >= ROWS_WORTH)) {
        return flush(r, snapshot);
    }
    return 0;
}

/* A sheet that was found at open is read once; a damaged one goes while its records are there. */
static bool check_one(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct hwt_rollup_sheet *s = &r->sheet[i];

        if (s->checked) {
            continue;
        }
        s->checked = true;
        if (hwt_roll_check(&r->reader, &r->bd, r->log, s) != 0) {
            r->counters.damaged++;
            s->final = true;
            if (s->first >= hwt_roll_kept(snapshot, s->stream)) {
                hwt_roll_table_remove(r, i);
            }
        }
        return true;
    }
    return false;
}

int hwt_rollup_step(struct hwt_rollup *rollup, const struct hwt_tslog_snapshot *snapshot)
{
    struct hwt_rollup *r = rollup;
    struct gap gap;
    int err;

    if (r->read_only) {
        return 0;
    }
    if (r->merge.n > 0) {
        return hwt_roll_merge_step(r, snapshot);
    }
    err = hwt_roll_tidy(r);
    if (err != 0) {
        return err;
    }
    if (check_one(r, snapshot)) {
        return 1;
    }
    if (r->stream < 0 || r->next == r->first) { /* the pool is free */
        err = hwt_roll_merge_find(r, snapshot);
        if (err != 0) {
            return err;
        }
    }
    if (r->count >= HWT_ROLLUP_SHEETS_MAX || !find_gap(r, snapshot, &gap)) {
        return 0;
    }
    err = roll_pages(r, snapshot, &gap);
    return err == 0 ? 1 : err;
}

int hwt_rollup_flush(struct hwt_rollup *rollup, const struct hwt_tslog_snapshot *snapshot)
{
    int err = 1;

    rollup->to_end = true;
    while (err == 1) {
        err = hwt_rollup_step(rollup, snapshot);
    }
    rollup->to_end = false;
    return err;
}
