/*
 * chain.c: each block tells of those before it, so that open reads a few blocks, not all.
 *
 *   slot ─▶ newest block: S S data …     S: channels │ count │ older │ the blocks before, newest
 * first │ the last told                        block u16, ordinal u32, first u64, min, max, ▼ first
 * time i64 each, index u32, flags u8 older block: S S data … ─▶ …
 *
 * What retention gave up since is known by the oldest ordinal in the slot. Blocks that no chain
 * names are free, whatever they hold. If both first pages of a block are damaged, the newer blocks
 * nearest to it tell nearly as much; only if that is not enough all blocks are looked at.
 */
#include "core/tslog/internal.h"

enum {
    ENTRY_BYTES = 43,
    COUNTS_BYTES = 4,
    START_PAGES = 8, /* that may hold a chain: a copy of it is behind all parts of the schema */
    TRIES_MAX = 64   /* blocks asked for those before them, where one is damaged */
};

_Static_assert((HWT_TSLOG_CHAIN_ROOM - COUNTS_BYTES) / ENTRY_BYTES >= 8, "a chain has long links");

/* --- writing --- */

static void put_entry(struct hwt_writer *w, const struct hwt_tslog_segment *s)
{
    hwt_put_u16le(w, (uint16_t)s->block);
    hwt_put_u32le(w, s->ordinal);
    hwt_put_u64le(w, s->first);
    hwt_put_u64le(w, (uint64_t)s->min_ms);
    hwt_put_u64le(w, (uint64_t)s->max_ms);
    hwt_put_u64le(w, (uint64_t)s->first_ms);
    hwt_put_u32le(w, s->index);
    hwt_put_u8(w, s->flags);
}

void hwt_tslog_chain_put(const struct hwt_tslog *log, uint32_t i, uint8_t page[HWT_TSLOG_PAGE],
                         struct hwt_tslog_head *head)
{
    const struct hwt_tslog_segment *s = log->segment;
    uint32_t older = 0;
    uint32_t n = (uint32_t)(HWT_TSLOG_ROOM - head->used - COUNTS_BYTES) / ENTRY_BYTES;
    struct hwt_writer w;

    while (older < i && s[i - 1 - older].stream == s[i].stream) {
        older++;
    }
    n = n < older ? n : older;
    hwt_writer_init(&w, page + HWT_TSLOG_HEAD + head->used, (size_t)HWT_TSLOG_ROOM - head->used);
    hwt_put_u16le(&w, (uint16_t)n);
    hwt_put_u16le(&w, (uint16_t)(older - n));
    for (uint32_t k = 0; k < n; k++) {
        put_entry(&w, &s[i - 1 - k]);
    }
    head->used = (uint16_t)(head->used + w.at);
    head->flags |= HWT_TSLOG_CHAIN;
}

/* --- reading --- */

struct chain { /* a block's first page, and what it tells; borrows log->scratch */
    struct hwt_tslog_head head;
    struct hwt_reader r;
    unsigned count, older;
};

static bool chain_get(struct chain *c, const uint8_t *page)
{
    hwt_reader_init(&c->r, page + HWT_TSLOG_HEAD, c->head.used);
    (void)hwt_get_u32le(&c->r); /* where its channels belong */
    for (unsigned i = 0; i < c->head.rows; i++) {
        (void)hwt_get_u16le(&c->r);
        (void)hwt_get_bytes(&c->r, hwt_get_u8(&c->r));
    }
    c->count = hwt_get_u16le(&c->r);
    c->older = hwt_get_u16le(&c->r);
    return c->r.ok;
}

static int read_page(struct hwt_tslog *log, uint32_t block, uint32_t page)
{
    log->recovery.pages_read++;
    return log->bd.read(log->bd.ctx, block, page * HWT_TSLOG_PAGE, log->scratch, HWT_TSLOG_PAGE);
}

/* The chain that a block of the stream has; ordinal 0: whichever it is. NOT_FOUND, IO. */
static int read_chain(struct hwt_tslog *log, uint32_t block, int stream, uint32_t ordinal,
                      struct chain *c)
{
    for (uint32_t p = 0; p < START_PAGES; p++) {
        int err = read_page(log, block, p);

        if (err != 0) {
            return err;
        }
        if (hwt_tslog_page_open(log->scratch, &c->head) != 0) {
            if (hwt_tslog_page_blank(log->scratch)) {
                break;
            }
            log->recovery.pages_bad++;
        } else if (c->head.log == log->log && c->head.kind == HWT_TSLOG_SCHEMA &&
                   c->head.stream == stream && (c->head.flags & HWT_TSLOG_CHAIN) != 0 &&
                   (ordinal == 0 || c->head.generation == ordinal) && chain_get(c, log->scratch)) {
            return 0;
        } else if (c->head.log != log->log || c->head.stream != stream ||
                   c->head.kind != HWT_TSLOG_SCHEMA) {
            break;
        }
    }
    return HWT_ERR_NOT_FOUND;
}

static void get_entry(struct hwt_reader *r, struct hwt_tslog_segment *s, int stream)
{
    s->block = hwt_get_u16le(r);
    s->ordinal = hwt_get_u32le(r);
    s->first = hwt_get_u64le(r);
    s->min_ms = (int64_t)hwt_get_u64le(r);
    s->max_ms = (int64_t)hwt_get_u64le(r);
    s->first_ms = (int64_t)hwt_get_u64le(r);
    s->index = hwt_get_u32le(r);
    s->flags = hwt_get_u8(r) & HWT_TSLOG_UNKNOWN_TIME;
    s->stream = (uint8_t)stream;
}

/* --- walking: the list fills from its end, streams and ordinals falling --- */

struct walk {
    struct hwt_tslog *log;
    uint32_t at;     /* segment[at..SEGMENTS_MAX) are found */
    uint32_t lowest; /* ordinal reached in this stream */
    bool done;       /* nothing older is there */
};

static bool head_blank(const uint8_t *buf)
{
    return memcmp(buf, buf + 1, HWT_TSLOG_HEAD - 1) == 0;
}

/* The first header of a block that can be read. NOT_FOUND: it holds nothing of this log. */
static int probe_block(struct hwt_tslog *log, uint32_t block, struct hwt_tslog_head *head)
{
    uint32_t blank = 0;

    for (uint32_t p = 0; p < log->pages && blank < START_PAGES; p++) {
        uint8_t buf[HWT_TSLOG_HEAD];
        int err = log->bd.read(log->bd.ctx, block, p * HWT_TSLOG_PAGE, buf, sizeof(buf));

        log->recovery.pages_read++;
        if (err != 0) {
            return err;
        }
        if (hwt_tslog_head_get(buf, head) == 0 && head->log == log->log &&
            head->stream < HWT_TSLOG_STREAMS_MAX &&
            (head->kind == HWT_TSLOG_SCHEMA || head->kind == HWT_TSLOG_DATA)) {
            return 0;
        }
        blank += blank == p && head_blank(buf);
    }
    return HWT_ERR_NOT_FOUND;
}

/* Two chains name the same block: it is of the one whose pages it holds. 1: of the new one, the
 * other is taken out; 0. */
static int claim(struct walk *w, const struct hwt_tslog_segment *s)
{
    struct hwt_tslog *log = w->log;
    struct hwt_tslog_head head;
    int err = probe_block(log, s->block, &head);

    if (err != 0) {
        return err == HWT_ERR_NOT_FOUND ? 0 : err;
    }
    if (head.stream != s->stream || head.generation != s->ordinal) {
        return 0;
    }
    for (uint32_t i = w->at; i < HWT_TSLOG_SEGMENTS_MAX; i++) {
        if (log->segment[i].block == s->block) {
            log->segment[i].block = HWT_TSLOG_NO_BLOCK;
        }
    }
    return 1;
}

static int push(struct walk *w, const struct hwt_tslog_segment *s)
{
    struct hwt_tslog *log = w->log;

    if (s->block < log->control_blocks || s->block >= log->bd.block_count ||
        s->first > HWT_TSLOG_SEQUENCE_MAX) {
        return 0;
    }
    if (hwt_tslog_block_used(log, s->block)) {
        int got = claim(w, s);

        if (got != 1) {
            return got;
        }
    }
    if (w->at == 0) {
        return HWT_ERR_SPACE;
    }
    hwt_tslog_block_mark(log, s->block, true);
    log->segment[--w->at] = *s;
    return 0;
}

static int take_chain(struct walk *w, struct chain *c)
{
    int stream = c->head.stream, err = 0;
    uint32_t oldest = w->log->stream[stream].oldest;
    struct hwt_tslog_segment s;

    for (unsigned i = 0; err == 0 && i < c->count; i++) {
        get_entry(&c->r, &s, stream);
        if (!c->r.ok) {
            return 0;
        }
        if (s.ordinal < w->lowest && s.ordinal >= oldest) {
            err = push(w, &s);
            w->lowest = s.ordinal;
        }
    }
    w->done = w->done || c->older == 0 || w->lowest <= oldest;
    return err;
}

/* The block that the tail goes to, from its first page, from its index, or from any of its pages.
 * NOT_FOUND: nothing of it can be read. */
static int find_newest(struct walk *w, int stream, struct hwt_tslog_segment *s, struct chain *c)
{
    struct hwt_tslog *log = w->log;
    struct hwt_tslog_stream *st = &log->stream[stream];
    int err = read_chain(log, st->block, stream, 0, c);

    if (err == HWT_ERR_NOT_FOUND) {
        c->count = 0;
        c->older = 1; /* as far as is known */
        err = probe_block(log, st->block, &c->head);
        err = err == 0 && c->head.stream != stream ? HWT_ERR_NOT_FOUND : err;
    }
    *s = (struct hwt_tslog_segment){
        .first = c->head.first,
        .min_ms = INT64_MAX,
        .max_ms = INT64_MIN,
        .first_ms = HWT_TIME_UNKNOWN,
        .block = st->block,
        .ordinal = (uint32_t)c->head.generation,
        .stream = (uint8_t)stream,
    };
    return err;
}

/* The directory of the block that the tail goes to. */
static int load_open_dir(struct hwt_tslog *log, const struct hwt_tslog_segment *s, bool lost)
{
    struct hwt_tslog_stream *st = &log->stream[s->stream];
    struct hwt_tslog_place place = {
        .log = log->log,
        .block = s->block,
        .pages = log->pages,
        .ordinal = s->ordinal,
        .index = lost ? 0 : st->tail.index,
        .stream = s->stream,
        .limit = lost ? UINT64_MAX : st->tail.first,
    };
    struct hwt_tslog_head head;

    for (unsigned k = 0; place.index != 0 && k < 2; k++) {
        int err = hwt_tslog_control_read(log, hwt_tslog_index_page(s->stream, k), log->scratch);

        if (err != 0) {
            return err;
        }
        if (hwt_tslog_index_get(&st->dir, &place, log->scratch) == 0) {
            st->index_slot = (uint8_t)k;
            st->index = place.index;
            return 0;
        }
        if (hwt_tslog_page_open(log->scratch, &head) != 0 && !hwt_tslog_page_blank(log->scratch)) {
            log->control_bad |= UINT64_C(1) << hwt_tslog_index_page(s->stream, k);
            log->recovery.pages_bad++;
        }
    }
    place.index = 0;
    st->index_dirty = true;
    log->recovery.pages_read += log->pages;
    return hwt_tslog_dir_load(&st->dir, &log->bd, &place, log->scratch);
}

/* Asks the oldest blocks found so far for those before them. */
static int follow(struct walk *w, int stream, uint32_t end)
{
    struct hwt_tslog *log = w->log;
    int err = 0;

    while (err == 0 && !w->done) {
        uint32_t reached = w->lowest, start = w->at;

        for (uint32_t i = start; err == 0 && i < end && i - start < TRIES_MAX && !w->done; i++) {
            struct chain c;

            err = read_chain(log, log->segment[i].block, stream, log->segment[i].ordinal, &c);
            if (err == 0) {
                err = take_chain(w, &c);
                if (w->lowest < reached) {
                    break;
                }
            }
            err = err == HWT_ERR_NOT_FOUND ? 0 : err;
        }
        if (w->lowest == reached) {
            break;
        }
    }
    return err;
}

/* All segments of a stream. *done_out: nothing older is there to be found. */
static int walk_stream(struct walk *w, int stream, bool lost, bool *done_out)
{
    struct hwt_tslog *log = w->log;
    struct hwt_tslog_stream *st = &log->stream[stream];
    uint32_t end = w->at;
    struct hwt_tslog_segment s;
    struct chain c;
    int err;

    *done_out = true;
    hwt_tslog_dir_reset(&st->dir, st->block);
    if (st->block == HWT_TSLOG_NO_BLOCK) {
        return 0;
    }
    err = find_newest(w, stream, &s, &c);
    if (err == HWT_ERR_NOT_FOUND) {
        *done_out = false;
        st->block = HWT_TSLOG_NO_BLOCK;
        return 0;
    }
    w->lowest = s.ordinal;
    w->done = s.ordinal <= st->oldest;
    err = err == 0 ? push(w, &s) : err;
    if (err == 0 && (w->at == end || log->segment[w->at].block != st->block)) {
        st->block = HWT_TSLOG_NO_BLOCK; /* another stream's */
        return 0;
    }
    err = err == 0 ? take_chain(w, &c) : err;
    err = err == 0 ? follow(w, stream, end) : err;
    *done_out = w->done;
    if (err == 0) {
        err = load_open_dir(log, &s, lost);
        hwt_tslog_segment_time(&log->segment[end - 1], &st->dir);
    }
    return err;
}

/* --- where a chain is broken or has no start: all blocks are looked at --- */

/* The newest block of each stream that has no slot. */
static int find_starts(struct hwt_tslog *log, const bool *lost)
{
    uint64_t newest[HWT_TSLOG_STREAMS_MAX] = {0};
    int err = 0;

    for (uint32_t b = log->control_blocks; err == 0 && b < log->bd.block_count; b++) {
        struct hwt_tslog_head head;

        err = probe_block(log, b, &head);
        if (err == 0 && lost[head.stream] && head.generation > newest[head.stream]) {
            newest[head.stream] = head.generation;
            log->stream[head.stream].block = b;
        }
        err = err == HWT_ERR_NOT_FOUND ? 0 : err;
    }
    return err;
}

static bool has_ordinal(const struct hwt_tslog *log, int stream, uint64_t ordinal)
{
    for (uint32_t i = 0; i < log->segments; i++) {
        if (log->segment[i].stream == stream && log->segment[i].ordinal == ordinal) {
            return true;
        }
    }
    return false;
}

static int add_found(struct hwt_tslog *log, uint32_t block, const struct hwt_tslog_head *head)
{
    struct hwt_tslog_segment segment = {
        .first = head->first,
        .block = block,
        .ordinal = (uint32_t)head->generation,
        .stream = head->stream,
    };
    struct hwt_tslog_place place = {
        .log = log->log,
        .block = block,
        .pages = log->pages,
        .ordinal = segment.ordinal,
        .stream = segment.stream,
        .limit = log->stream[segment.stream].tail.first,
    };
    int err = hwt_tslog_dir_load(&log->dir, &log->bd, &place, log->scratch);

    log->recovery.pages_read += log->pages;
    hwt_tslog_segment_time(&segment, &log->dir);
    return err == 0 ? hwt_tslog_segment_add(log, &segment) : err;
}

/* What the chains that are broken would have told. */
static int find_missing(struct hwt_tslog *log, const bool *broken)
{
    int err = 0;

    for (uint32_t b = log->control_blocks; err == 0 && b < log->bd.block_count; b++) {
        struct hwt_tslog_head head;

        if (hwt_tslog_block_used(log, b)) {
            continue;
        }
        err = probe_block(log, b, &head);
        if (err == 0 && broken[head.stream] && head.generation >= log->stream[head.stream].oldest &&
            head.first < log->stream[head.stream].tail.first &&
            !has_ordinal(log, head.stream, head.generation)) {
            err = add_found(log, b, &head);
        }
        err = err == HWT_ERR_NOT_FOUND ? 0 : err;
    }
    return err;
}

/* Moves the list from the end of its room to the start, without what was taken out. */
static void settle_list(struct hwt_tslog *log, uint32_t at)
{
    for (uint32_t i = at; i < HWT_TSLOG_SEGMENTS_MAX; i++) {
        if (log->segment[i].block != HWT_TSLOG_NO_BLOCK) {
            log->segment[log->segments++] = log->segment[i];
        }
    }
}

int hwt_tslog_chain_walk(struct hwt_tslog *log, const bool *lost)
{
    bool broken[HWT_TSLOG_STREAMS_MAX] = {false}, any = false, start = false;
    struct walk w = {.log = log, .at = HWT_TSLOG_SEGMENTS_MAX};
    int err = 0;

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        start = start || lost[s];
    }
    err = start ? find_starts(log, lost) : 0;
    for (int s = HWT_TSLOG_STREAMS_MAX - 1; err == 0 && s >= 0; s--) {
        bool done;

        if (log->root.stream[s].name[0] == '\0') {
            continue;
        }
        err = walk_stream(&w, s, lost[s], &done);
        broken[s] = !done;
        any = any || !done;
    }
    settle_list(log, w.at);
    log->whole = err == 0 && !start && !any;
    return err == 0 && any ? find_missing(log, broken) : err;
}
