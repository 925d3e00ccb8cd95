/*
 * buckets.c: down-sampled reads.
 *
 *   range │ window of up to 1024 / n buckets │ next window …
 *          for each stream: the pages whose time span touches the window, in order of sequence
 *
 * Within a stream pages are taken by their time span, so a wall clock that stepped back costs some
 * pages read twice, never a record in the wrong bucket. A counter's rise needs its value before the
 * first page of a window: kept from the window before, or looked for in the pages before.
 */
#include "core/base/quantity.h"
#include "core/tslog/internal.h"

enum { BEFORE_UNSOUGHT, BEFORE_NONE, BEFORE_KNOWN };

int hwt_tslog_buckets_open(struct hwt_tslog_buckets *it, const struct hwt_tslog_snapshot *snapshot,
                           const char *const *ids, size_t n, const struct hwt_tslog_range *range)
{
    if (n < 1 || n > HWT_TSLOG_QUERY_MAX || range->from_ms > range->to_ms ||
        (range->next == NULL && range->step_ms < 1)) {
        return HWT_ERR_ARGUMENT;
    }
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(ids[i]);

        if (length > HWT_ID_MAX) {
            return HWT_ERR_ARGUMENT;
        }
        memcpy(it->id[i], ids[i], length + 1);
    }
    hwt_tslog_cursor_init(&it->read, snapshot, 0);
    it->n = (uint16_t)n;
    it->range = *range;
    it->window_to_ms = range->from_ms;
    it->window = 0;
    it->given = 0;
    it->mapped = 0;
    for (size_t s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        it->kept[s][0].first = 0;
        it->kept[s][1].first = 0;
    }
    return 0;
}

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
                it->counter[i] = q != NULL && q->kind == HWT_COUNTER;
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

/* While a bucket fills, `mean` is the sum of (value - first) x span: small numbers, so that a large
 * counter loses nothing. */
static void add_value(struct hwt_bucket *b, int64_t v, uint32_t span_ms)
{
    if (b->count == 0) {
        b->min = b->max = b->first = v;
        b->mean = 0;
    }
    b->count++;
    b->min = v < b->min ? v : b->min;
    b->max = v > b->max ? v : b->max;
    b->last = v;
    b->mean += difference(v, b->first) * (double)span_ms;
    b->measured_ms += span_ms;
}

/* The bucket of the window that holds that time. */
static uint32_t bucket_at(const struct hwt_tslog_buckets *it, int64_t ms)
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
    bool inside = start >= it->window_from_ms && start < it->window_to_ms;
    struct hwt_bucket *row = it->own;

    if (start == HWT_TIME_UNKNOWN) {
        return;
    }
    if (inside) {
        row += (size_t)bucket_at(it, start) * it->n;
    }
    for (size_t i = 0; i < it->n; i++) {
        const struct hwt_value *v = value_of(it, i);

        if (v == NULL) {
            continue;
        }
        if (inside) {
            add_value(&row[i], v->v, it->read.record.span_ms);
        }
        if (it->counter[i]) {
            if (inside) {
                add_rise(&row[i], &it->before[i], v->v);
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

    for (; snapshot->segment[at].stream == it->read.stream; at--) {
        int err = hwt_tslog_cursor_dir(&it->read, at);

        index = at == segment ? index : it->read.dir.count;
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

static void keep_before(struct hwt_tslog_buckets *it, unsigned which, uint64_t first)
{
    it->kept[it->read.stream][which].first = first;
    memcpy(it->kept[it->read.stream][which].before, it->before, sizeof(it->before));
}

/* `before` for a page that does not follow the page just read. */
static void recall_before(struct hwt_tslog_buckets *it, uint64_t first)
{
    for (size_t i = 0; i < it->n; i++) {
        it->before[i].state = BEFORE_UNSOUGHT;
    }
    for (unsigned k = 0; k < 2; k++) {
        if (it->kept[it->read.stream][k].first == first) {
            memcpy(it->before, it->kept[it->read.stream][k].before, sizeof(it->before));
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

/* Takes all records of a page. CORRUPT: it cannot be read. */
static int take_page(struct hwt_tslog_buckets *it, const struct page_at *at, bool follows)
{
    struct sought sought;
    uint64_t first;
    int err = open_page(it, at);

    if (err != 0) {
        return err;
    }
    first = it->read.row;
    if (!follows) {
        recall_before(it, first);
    }
    sought = what_is_sought(it);
    if (sought.left > 0 && at->segment < it->read.snapshot->segments) {
        err = look_back(it, at->segment, at->index, &sought);
        err = err == 0 ? hwt_tslog_cursor_dir(&it->read, at->segment) : err;
        err = err == 0 ? open_page(it, at) : err;
        if (err != 0) {
            return err;
        }
    }
    keep_before(it, 0, first);
    do {
        err = hwt_tslog_cursor_row(&it->read);
        if (err == 1) {
            take_record(it);
        }
    } while (err == 1);
    keep_before(it, 1, it->read.row);
    return err;
}

static bool touches(const struct hwt_tslog_buckets *it, int64_t min_ms, int64_t max_ms,
                    unsigned flags)
{
    return (min_ms < it->window_to_ms && max_ms >= it->window_from_ms) ||
           ((flags & HWT_TSLOG_UNKNOWN_TIME) != 0 && it->read.snapshot->root.anchors > 0);
}

static int take_segment(struct hwt_tslog_buckets *it, uint32_t segment, bool *follows)
{
    int err = hwt_tslog_cursor_dir(&it->read, segment);

    for (size_t i = 0; err == 0 && i < it->read.dir.count; i++) {
        const struct hwt_tslog_dir_entry *e = &it->read.dir.entry[i];
        struct page_at at = {segment, i, false};

        if (!touches(it, e->min_ms, e->max_ms, e->flags)) {
            *follows = false;
            continue;
        }
        err = take_page(it, &at, *follows);
        *follows = err == 0;
        err = err == HWT_ERR_CORRUPT ? 0 : err;
    }
    return err;
}

static int take_tail(struct hwt_tslog_buckets *it, uint32_t last_segment, bool follows)
{
    const struct hwt_tslog_snapshot *snapshot = it->read.snapshot;
    const struct hwt_tslog_head *tail = &snapshot->stream[it->read.stream].tail;
    struct page_at at = {last_segment, 0, true};
    int err = 0;

    if (tail->rows == 0 || !touches(it, tail->min_ms, tail->max_ms, tail->flags)) {
        return 0;
    }
    if (last_segment < snapshot->segments) {
        err = hwt_tslog_cursor_dir(&it->read, last_segment);
        at.index = it->read.dir.count;
    }
    err = err == 0 ? take_page(it, &at, follows) : err;
    return err == HWT_ERR_CORRUPT ? 0 : err;
}

static int take_stream(struct hwt_tslog_buckets *it, int stream)
{
    const struct hwt_tslog_snapshot *snapshot = it->read.snapshot;
    uint32_t last = snapshot->segments;
    bool follows = false;
    int err = 0;

    if (it->read.stream != stream) {
        it->read.stream = stream;
        it->read.dir.block = HWT_TSLOG_NO_BLOCK;
    }
    memset(it->own, 0, (size_t)it->window * it->n * sizeof(it->own[0]));
    for (uint32_t i = 0; err == 0 && i < snapshot->segments; i++) {
        const struct hwt_tslog_segment *s = &snapshot->segment[i];

        if (s->stream != stream) {
            continue;
        }
        last = i;
        if (touches(it, s->min_ms, s->max_ms, s->flags)) {
            err = take_segment(it, i, &follows);
        } else {
            follows = false;
        }
    }
    return err == 0 ? take_tail(it, last, follows) : err;
}

/* --- windows --- */

static void merge_stream(struct hwt_tslog_buckets *it)
{
    for (size_t i = 0; i < (size_t)it->window * it->n; i++) {
        struct hwt_bucket *to = &it->bucket[i];
        const struct hwt_bucket *from = &it->own[i];

        if (to->count == 0 && from->count > 0) {
            int64_t from_ms = to->from_ms, to_ms = to->to_ms;

            *to = *from;
            to->from_ms = from_ms;
            to->to_ms = to_ms;
            to->mean = (double)from->first + from->mean / (double)from->measured_ms;
        }
    }
}

static int64_t next_edge(const struct hwt_tslog_range *range, int64_t at)
{
    int64_t edge;

    if (range->next != NULL) {
        edge = range->next(range->ctx, at);
    } else if (__builtin_add_overflow(at, range->step_ms, &edge)) {
        return range->to_ms;
    }
    return edge <= at || edge > range->to_ms ? range->to_ms : edge;
}

/* false: the range is at its end. */
static bool begin_window(struct hwt_tslog_buckets *it)
{
    uint32_t most = HWT_TSLOG_WINDOW / it->n;
    int64_t at = it->window_to_ms;

    it->given = 0;
    it->window_from_ms = at;
    for (it->window = 0; it->window < most && at < it->range.to_ms; it->window++) {
        int64_t end = next_edge(&it->range, at);

        for (size_t i = 0; i < it->n; i++) {
            it->bucket[it->window * it->n + i] = (struct hwt_bucket){.from_ms = at, .to_ms = end};
        }
        at = end;
    }
    it->window_to_ms = at;
    return it->window > 0;
}

int hwt_tslog_buckets_next(struct hwt_tslog_buckets *it, struct hwt_bucket *buckets_out)
{
    if (it->given == it->window) {
        if (!begin_window(it)) {
            return 0;
        }
        for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
            int err;

            if (!hwt_tslog_snapshot_has(it->read.snapshot, s)) {
                continue;
            }
            err = take_stream(it, s);
            if (err != 0) {
                it->window = it->given = 0;
                return err;
            }
            merge_stream(it);
        }
    }
    memcpy(buckets_out, &it->bucket[it->given * it->n], it->n * sizeof(*buckets_out));
    it->given++;
    return 1;
}
