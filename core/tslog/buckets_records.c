/*
 * buckets_records.c: buckets from records.
 *
 * Pages are taken by their time span, so a wall clock that stepped back costs some pages read
 * twice, never a record in the wrong bucket. A counter's rise needs its value before the first
 * record of a part: kept from the page before, known to the sheet before, or looked for in the
 * pages before.
 */
#include "core/base/quantity.h"
#include "core/tslog/buckets.h"

enum { BEFORE_UNSOUGHT, BEFORE_NONE, BEFORE_KNOWN };

/* --- columns --- */

/* Where the channels asked for are in the open page. */
static void map_columns(struct hwt_tslog_buckets *it)
{
    const struct hwt_tslog_columns *c = &it->read.columns;

    if (it->mapped == (uint64_t)c->id + 1) {
        return;
    }
    for (size_t i = 0; i < it->n; i++) {
        it->column[i] = -1;
        it->counter[i] = false;
        for (size_t k = 0; k < c->count && it->column[i] < 0; k++) {
            if (strcmp(c->channel[k].id, it->id[i]) == 0) {
                const struct hwt_quantity_info *q = hwt_quantity_get(c->channel[k].quantity);

                it->column[i] = (int16_t)k;
                it->counter[i] = q != NULL && q->kind == HWT_COUNTER &&
                                 (it->range.fields & HWT_BUCKET_DELTA) != 0;
            }
        }
    }
    it->mapped = (uint64_t)c->id + 1;
}

/* The channel's value in the row just read; NULL if it has none. */
static const struct hwt_value *value_of(const struct hwt_tslog_buckets *it, size_t i)
{
    const struct hwt_value *v;

    if (it->column[i] < 0) {
        return NULL;
    }
    v = &it->read.value[it->column[i]];
    return v->quality == HWT_QUALITY_MISSING ? NULL : v;
}

/* --- one record into its bucket --- */

static double difference(int64_t a, int64_t b)
{
    int64_t d;

    return __builtin_sub_overflow(a, b, &d) ? (double)a - (double)b : (double)d;
}

/* What a rise from `before` to v adds; a step down is a reset. */
static void add_rise(struct hwt_bucket *b, const struct hwt_tslog_before *before, int64_t v)
{
    int64_t rise, sum;

    if (before->state != BEFORE_KNOWN || v <= before->v) {
        return;
    }
    if (__builtin_sub_overflow(v, before->v, &rise) ||
        __builtin_add_overflow(b->delta, rise, &sum)) {
        sum = INT64_MAX;
    }
    b->delta = sum;
}

static void add_value(struct hwt_tslog_own *own, int64_t v, const struct hwt_record *record)
{
    struct hwt_bucket *b = &own->b;

    if (b->count == 0) {
        b->min = b->max = v;
        b->mean = 0;
        b->delta = 0;
        b->measured_ms = 0;
        own->base = v; /* small numbers, so that a large counter loses nothing */
    }
    if (b->count == 0 || record->sequence < own->first_at) {
        b->first = v;
        own->first_at = record->sequence;
    }
    if (b->count == 0 || record->sequence > own->last_at) {
        b->last = v;
        own->last_at = record->sequence;
    }
    b->count++;
    b->min = v < b->min ? v : b->min;
    b->max = v > b->max ? v : b->max;
    b->mean += difference(v, own->base) * (double)record->span_ms;
    b->measured_ms += record->span_ms;
}

uint32_t hwt_buckets_at(const struct hwt_tslog_buckets *it, int64_t ms)
{
    uint32_t low = 0, high = it->window;

    if (it->range.next == NULL) {
        return (uint32_t)(((uint64_t)ms - (uint64_t)it->window_from_ms) /
                          (uint64_t)it->range.step_ms);
    }
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (it->bucket[middle * it->n].from_ms <= ms) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static void take_record(struct hwt_tslog_buckets *it)
{
    int64_t start = hwt_tslog_start_ms(&it->read.record);
    bool inside = start >= it->window_from_ms && start < it->window_to_ms &&
                  it->read.record.sequence >= it->part;
    struct hwt_tslog_own *row = it->own;

    if (start == HWT_TIME_UNKNOWN) {
        return;
    }
    if (inside) {
        row += (size_t)hwt_buckets_at(it, start) * it->n;
    }
    for (size_t i = 0; i < it->n; i++) {
        const struct hwt_value *v = value_of(it, i);

        if (v == NULL) {
            continue;
        }
        if (inside) {
            add_value(&row[i], v->v, &it->read.record);
        }
        if (it->counter[i]) {
            if (inside) {
                add_rise(&row[i].b, &it->before[i], v->v);
            }
            it->before[i] = (struct hwt_tslog_before){v->v, BEFORE_KNOWN};
        }
    }
}

/* --- the values before a page --- */

struct sought { /* counters of the page that nothing is known of yet */
    bool is[HWT_TSLOG_QUERY_MAX];
    size_t left;
};

static struct sought what_is_sought(const struct hwt_tslog_buckets *it)
{
    struct sought s = {.left = 0};

    for (size_t i = 0; i < it->n; i++) {
        s.is[i] = it->counter[i] && it->before[i].state == BEFORE_UNSOUGHT;
        s.left += s.is[i];
    }
    return s;
}

/* The last values in a page before; those found are sought no more. */
static int look_in_page(struct hwt_tslog_buckets *it, const struct hwt_tslog_dir_entry *entry,
                        struct sought *sought)
{
    int err = hwt_tslog_cursor_page(&it->read, entry);

    if (err != 0) {
        return err == HWT_ERR_CORRUPT ? 0 : err;
    }
    map_columns(it);
    while (hwt_tslog_cursor_row(&it->read) == 1) {
        for (size_t i = 0; it->read.record.unix_ms != HWT_TIME_UNKNOWN && i < it->n; i++) {
            const struct hwt_value *v = sought->is[i] ? value_of(it, i) : NULL;

            if (v != NULL) {
                it->before[i] = (struct hwt_tslog_before){v->v, BEFORE_KNOWN};
            }
        }
    }
    for (size_t i = 0; i < it->n; i++) {
        if (sought->is[i] && it->before[i].state == BEFORE_KNOWN) {
            sought->is[i] = false;
            sought->left--;
        }
    }
    return 0;
}

/* From entry `index` of `segment` back to the stream's start. */
static int look_back(struct hwt_tslog_buckets *it, uint32_t segment, size_t index,
                     struct sought *sought)
{
    const struct hwt_tslog_snapshot *snapshot = it->read.snapshot;
    unsigned budget = HWT_TSLOG_LOOKBACK_PAGES;
    uint32_t at = segment;

    for (; snapshot->segment[at].stream == it->stream; at--) {
        int err = hwt_tslog_cursor_dir(&it->read, at);

        index = at == segment && index < it->read.dir.count ? index : it->read.dir.count;
        while (err == 0 && index-- > 0 && sought->left > 0 && budget > 0) {
            err = look_in_page(it, &it->read.dir.entry[index], sought);
            budget--;
        }
        if (err != 0) {
            return err;
        }
        if (at == 0 || sought->left == 0 || budget == 0) {
            break;
        }
    }
    for (size_t i = 0; i < it->n; i++) {
        if (sought->is[i]) {
            it->before[i].state = BEFORE_NONE;
        }
    }
    return 0;
}

/* What a sheet that ends before that sequence knows. Damage is left to look_back. */
static int look_in_sheet(struct hwt_tslog_buckets *it, uint64_t sequence, struct sought *sought)
{
    const struct hwt_rollup_view *roll = &it->read.snapshot->roll;
    uint32_t i = hwt_roll_find(roll->sheet, roll->count, it->stream, sequence - 1);
    struct hwt_roll_index entry;
    size_t at = 0;
    int more;

    if (it->range.unrolled || i == roll->count || roll->sheet[i].stream != it->stream ||
        roll->sheet[i].last + 1 != sequence || !hwt_buckets_usable(it, i)) {
        return 0;
    }
    more = hwt_roll_open(&it->roll, &roll->bd, it->read.snapshot->log, &roll->sheet[i]);
    more = more == 0 ? 1 : more;
    while (more == 1 && sought->left > 0 &&
           (more = hwt_roll_index_next(&it->roll, &at, &entry)) == 1) {
        for (size_t k = 0; k < it->n; k++) {
            struct hwt_rollup_channel head;

            if (!sought->is[k] || strlen(it->id[k]) != entry.id_length ||
                memcmp(it->id[k], entry.id, entry.id_length) != 0) {
                continue;
            }
            more = hwt_roll_channel_get(&it->roll, entry.offset, &head);
            if (more == 0) {
                it->before[k] = (struct hwt_tslog_before){
                    head.after,
                    (head.after_state & HWT_ROLL_KNOWN) != 0 ? BEFORE_KNOWN : BEFORE_NONE};
                sought->is[k] = false;
                sought->left--;
                more = 1;
            }
            break;
        }
    }
    return more == HWT_ERR_IO ? more : 0;
}

static void keep_before(struct hwt_tslog_buckets *it, unsigned which, uint64_t first)
{
    it->kept_before[it->stream][which].first = first;
    memcpy(it->kept_before[it->stream][which].before, it->before, sizeof(it->before));
}

/* `before` for a sequence that does not follow the one just read. */
static void recall_before(struct hwt_tslog_buckets *it, uint64_t first)
{
    for (size_t i = 0; i < it->n; i++) {
        it->before[i].state = BEFORE_UNSOUGHT;
    }
    for (unsigned k = 0; k < 2; k++) {
        if (it->kept_before[it->stream][k].first == first) {
            memcpy(it->before, it->kept_before[it->stream][k].before, sizeof(it->before));
        }
    }
}

/* --- pages of a stream --- */

struct page_at {
    uint32_t segment; /* the tail: the stream's last, or `segments` */
    size_t index;     /* in its directory; the tail: its count */
    bool tail;
};

static int open_page(struct hwt_tslog_buckets *it, const struct page_at *at)
{
    int err = at->tail ? hwt_tslog_cursor_tail(&it->read)
                       : hwt_tslog_cursor_page(&it->read, &it->read.dir.entry[at->index]);

    if (err == 0) {
        map_columns(it);
    }
    return err;
}

/* Rows up to before a sequence, or to the page's end: for the part, or for what comes before it. */
static int take_rows(struct hwt_tslog_buckets *it, uint64_t end)
{
    int err = 1;

    while (err == 1 && it->read.row < end) {
        err = hwt_tslog_cursor_row(&it->read);
        if (err == 1) {
            take_record(it);
        }
    }
    return err < 0 ? err : 0;
}

/* The counters' values before the part, which begins in the open page; at its place again. */
static int seek_before(struct hwt_tslog_buckets *it, const struct page_at *at, uint64_t start)
{
    struct sought sought = what_is_sought(it);
    int err;

    if (sought.left == 0) {
        return 0;
    }
    err = look_in_sheet(it, start, &sought);
    if (err == 0 && sought.left > 0 && at->segment < it->read.snapshot->segments) {
        err = look_back(it, at->segment, at->index, &sought);
        err = err == 0 ? hwt_tslog_cursor_dir(&it->read, at->segment) : err;
        err = err == 0 ? open_page(it, at) : err;
        err = err == 0 ? take_rows(it, start) : err;
    }
    return err;
}

/* Takes the part's records of a page. CORRUPT: it cannot be read. */
static int take_page(struct hwt_tslog_buckets *it, const struct page_at *at)
{
    uint64_t start;
    int err = open_page(it, at);

    if (err != 0) {
        it->follows = 0;
        return err;
    }
    start = it->read.row > it->part ? it->read.row : it->part;
    if (it->follows != it->read.row) {
        recall_before(it, it->read.row);
    }
    it->follows = 0;
    err = take_rows(it, start);
    err = err == 0 ? seek_before(it, at, start) : err;
    if (err != 0) {
        return err;
    }
    keep_before(it, 0, start);
    err = take_rows(it, it->part_to + 1);
    keep_before(it, 1, it->read.row);
    it->follows = err == 0 ? it->read.row : 0;
    return err;
}

static bool touches(const struct hwt_tslog_buckets *it, int64_t min_ms, int64_t max_ms,
                    unsigned flags)
{
    return (min_ms < it->window_to_ms && max_ms >= it->window_from_ms) ||
           ((flags & HWT_TSLOG_UNKNOWN_TIME) != 0 && it->read.snapshot->root.anchors > 0);
}

/* --- parts --- */

/* The stream's last segment that starts at or before the sequence, or its first one. */
static uint32_t find_segment(const struct hwt_tslog_snapshot *s, int stream, uint64_t sequence)
{
    uint32_t low = 0, high = s->segments;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (s->segment[mid].stream < stream ||
            (s->segment[mid].stream == stream && s->segment[mid].first <= sequence)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low > 0 && s->segment[low - 1].stream == stream ? low - 1 : low;
}

void hwt_buckets_begin_part(struct hwt_tslog_buckets *it, uint64_t first, uint64_t last)
{
    it->part = first;
    it->part_to = last;
    it->segment = find_segment(it->read.snapshot, it->stream, first);
}

/* The next page of the segment that touches part and window. 1: taken; 0: there is none. */
static int take_from_segment(struct hwt_tslog_buckets *it, uint32_t segment)
{
    int err = hwt_tslog_cursor_dir(&it->read, segment);

    for (size_t i = 0; err == 0 && i < it->read.dir.count; i++) {
        const struct hwt_tslog_dir_entry *e = &it->read.dir.entry[i];
        struct page_at at = {segment, i, false};
        uint64_t end = e->first + e->rows;

        if (end <= it->part || e->first > it->part_to ||
            !touches(it, e->min_ms, e->max_ms, e->flags)) {
            continue;
        }
        err = take_page(it, &at);
        it->part = end;
        return err == 0 || err == HWT_ERR_CORRUPT ? 1 : err;
    }
    return err;
}

static int take_tail(struct hwt_tslog_buckets *it, uint32_t behind)
{
    const struct hwt_tslog_snapshot *snapshot = it->read.snapshot;
    const struct hwt_tslog_head *tail = &snapshot->stream[it->stream].tail;
    bool any = behind > 0 && snapshot->segment[behind - 1].stream == it->stream;
    struct page_at at = {any ? behind - 1 : snapshot->segments, 0, true};
    int err = 0;

    if (tail->rows > 0 && tail->first <= it->part_to && tail->first + tail->rows > it->part &&
        touches(it, tail->min_ms, tail->max_ms, tail->flags)) {
        at.index = SIZE_MAX;
        err = take_page(it, &at);
    }
    it->part = it->part_to + 1;
    return err == 0 || err == HWT_ERR_CORRUPT ? 1 : err;
}

int hwt_buckets_take_page(struct hwt_tslog_buckets *it)
{
    const struct hwt_tslog_snapshot *snapshot = it->read.snapshot;

    for (;
         it->segment < snapshot->segments && snapshot->segment[it->segment].stream == it->stream &&
         snapshot->segment[it->segment].first <= it->part_to &&
         it->part < snapshot->stream[it->stream].tail.first;
         it->segment++) {
        const struct hwt_tslog_segment *s = &snapshot->segment[it->segment];
        int got =
            touches(it, s->min_ms, s->max_ms, s->flags) ? take_from_segment(it, it->segment) : 0;

        if (got != 0) {
            return got;
        }
    }
    return take_tail(it, it->segment);
}
