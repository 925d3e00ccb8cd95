/*
 * recover.c: open. What was committed is what the slots say:
 *
 *   slots ─▶ newest whole commit ─▶ stream table, tails ─▶ blocks older than the tails ─▶ segments
 *
 * Read are the control area, one header of each block, and the headers of each stream's last
 * block: the time span of an older block stands in the first header of the block after it. Slots
 * of a commit that was cut are blanked, blocks it had taken are erased, before anything else is
 * written; else a later commit would make them look right.
 */
#include "core/tslog/internal.h"

struct slot {
    bool valid;
    uint64_t generation;
    uint64_t settled;
    uint16_t members;
};

struct slots {
    struct slot of[HWT_TSLOG_MEMBERS][2];
    bool cut[HWT_TSLOG_MEMBERS][2];     /* valid, of a commit that was cut */
    bool damaged[HWT_TSLOG_MEMBERS][2]; /* neither right nor blank */
};

static bool geometry_valid(const struct hwt_bd *bd)
{
    uint32_t pages = bd->block_size / HWT_TSLOG_PAGE;

    return bd->block_size % HWT_TSLOG_PAGE == 0 && pages >= HWT_TSLOG_BLOCK_PAGES_MIN &&
           pages <= HWT_TSLOG_BLOCK_PAGES_MAX &&
           bd->block_count > (HWT_TSLOG_CONTROL_PAGES + pages - 1) / pages + 1 &&
           bd->block_count <=
               HWT_TSLOG_SEGMENTS_MAX + (HWT_TSLOG_CONTROL_PAGES + pages - 1) / pages;
}

static bool head_is_slot(const struct hwt_tslog *log, const struct hwt_tslog_head *head, int member)
{
    if (head->log != log->log) {
        return false;
    }
    return member == HWT_TSLOG_ROOT_MEMBER ? head->kind == HWT_TSLOG_ROOT
                                           : head->kind == HWT_TSLOG_TAIL && head->stream == member;
}

static int read_slots(struct hwt_tslog *log, struct slots *slots)
{
    memset(slots, 0, sizeof(*slots));
    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; k < 2; k++) {
            struct hwt_tslog_head head;
            int err = hwt_tslog_control_read(log, hwt_tslog_slot_page(m, k), log->scratch);

            if (err != 0) {
                return err;
            }
            if (hwt_tslog_page_open(log->scratch, &head) == 0 && head_is_slot(log, &head, m)) {
                slots->of[m][k] = (struct slot){true, head.generation, head.settled, head.members};
            } else if (!hwt_tslog_page_blank(log->scratch)) {
                slots->damaged[m][k] = true;
                log->recovery.pages_bad++;
            }
        }
    }
    return 0;
}

static bool has(const struct slots *slots, int member, uint64_t generation)
{
    return (slots->of[member][0].valid && slots->of[member][0].generation == generation) ||
           (slots->of[member][1].valid && slots->of[member][1].generation == generation);
}

/* Finds the newest generation left; false if there is none. */
static bool newest(const struct slots *slots, struct slot *newest_out)
{
    bool found = false;

    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; k < 2; k++) {
            const struct slot *s = &slots->of[m][k];

            if (s->valid && (!found || s->generation > newest_out->generation)) {
                *newest_out = *s;
                found = true;
            }
        }
    }
    return found;
}

static bool whole(const struct slots *slots, const struct slot *slot)
{
    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        if ((slot->members >> m & 1) != 0 && !has(slots, m, slot->generation)) {
            return false;
        }
    }
    return true;
}

/* The newest generation that any slot knows to be done. */
static uint64_t newest_settled(const struct slots *slots)
{
    uint64_t settled = 0;

    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; k < 2; k++) {
            const struct slot *s = &slots->of[m][k];

            settled = s->valid && s->settled > settled ? s->settled : settled;
        }
    }
    return settled;
}

/* Takes out the slots of commits that were cut: newer than any known to be done, and not whole. A
 * damaged slot looks the same, but then it is the newest commit only that is given up. */
static void drop_cut_commits(struct hwt_tslog *log, struct slots *slots)
{
    struct slot top = {.valid = false};

    log->settled = newest_settled(slots);
    while (newest(slots, &top)) {
        log->generation = top.generation > log->generation ? top.generation : log->generation;
        if (top.generation <= log->settled) {
            return;
        }
        if (whole(slots, &top)) {
            log->settled = top.generation;
            return;
        }
        for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
            for (unsigned k = 0; k < 2; k++) {
                if (slots->of[m][k].valid && slots->of[m][k].generation == top.generation) {
                    slots->of[m][k].valid = false;
                    slots->cut[m][k] = true;
                }
            }
        }
    }
}

/* The newer valid slot of a member into `page`. 0 or 1, or NOT_FOUND. */
static int load_slot(struct hwt_tslog *log, const struct slots *slots, int member, uint8_t *page,
                     struct hwt_tslog_head *head)
{
    const struct slot *s = slots->of[member];
    unsigned k = s[1].valid && (!s[0].valid || s[1].generation > s[0].generation);
    int err;

    if (!s[k].valid) {
        return HWT_ERR_NOT_FOUND;
    }
    err = hwt_tslog_control_read(log, hwt_tslog_slot_page(member, k), page);
    err = err == 0 ? hwt_tslog_page_open(page, head) : err;
    return err == 0 ? (int)k : err;
}

static int load_root(struct hwt_tslog *log, const struct slots *slots)
{
    const bool *damaged = slots->damaged[HWT_TSLOG_ROOT_MEMBER];
    struct hwt_tslog_head head;
    int k = load_slot(log, slots, HWT_TSLOG_ROOT_MEMBER, log->scratch, &head);

    if (k == HWT_ERR_NOT_FOUND) { /* both copies lost, or nothing was ever committed */
        return damaged[0] && damaged[1] ? HWT_ERR_CORRUPT : 0;
    }
    if (k < 0) {
        return k;
    }
    log->root_slot = (uint8_t)k;
    k = hwt_tslog_root_get(&log->root, log->scratch, &head);
    log->root_durable = log->root;
    return k;
}

static int load_stream(struct hwt_tslog *log, const struct slots *slots, int s, bool *lost_out)
{
    struct hwt_tslog_stream *st = &log->stream[s];
    int k = load_slot(log, slots, s, st->page, &st->tail);

    if (k >= 0 && st->tail.place_block != HWT_TSLOG_NO_BLOCK &&
        (st->tail.place_block >= log->bd.block_count || st->tail.place_page > log->pages)) {
        return HWT_ERR_CORRUPT;
    }
    *lost_out = k == HWT_ERR_NOT_FOUND;
    if (k < 0) {
        hwt_tslog_tail_reset(log, s, 1);
        st->block = HWT_TSLOG_NO_BLOCK;
        return *lost_out ? 0 : k;
    }
    st->slot = (uint8_t)k;
    st->block = st->tail.place_block;
    st->next_page = st->tail.place_page;
    st->durable = st->tail.first + st->tail.rows - 1;
    st->durable_ms = st->tail.last_ms;
    return 0;
}

/* The first header of a block that can be read. NOT_FOUND: the block is free. */
static int probe_block(struct hwt_tslog *log, uint32_t block, struct hwt_tslog_head *head,
                       uint32_t *page_out)
{
    for (uint32_t p = 0; p < log->pages; p++) {
        int err = log->bd.read(log->bd.ctx, block, p * HWT_TSLOG_PAGE, log->scratch,
                               p == 0 ? HWT_TSLOG_PAGE : HWT_TSLOG_HEAD);

        log->recovery.pages_read++;
        if (err != 0) {
            return err;
        }
        if (hwt_tslog_head_get(log->scratch, head) == 0 && head->log == log->log &&
            (head->kind == HWT_TSLOG_SCHEMA || head->kind == HWT_TSLOG_DATA)) {
            *page_out = p;
            return 0;
        }
        if (p == 0 && hwt_tslog_page_blank(log->scratch)) {
            break;
        }
    }
    return HWT_ERR_NOT_FOUND;
}

static bool block_live(const struct hwt_tslog *log, const bool *lost, uint32_t block,
                       const struct hwt_tslog_head *head)
{
    const struct hwt_tslog_stream *st;

    if (head->stream >= HWT_TSLOG_STREAMS_MAX || log->root.stream[head->stream].name[0] == '\0') {
        return false;
    }
    st = &log->stream[head->stream];
    return lost[head->stream] || head->first < st->tail.first || st->block == block;
}

static int clear_block(struct hwt_tslog *log, uint32_t block)
{
    if (log->read_only) {
        return 0;
    }
    log->unsynced = true;
    return log->bd.discard != NULL ? log->bd.discard(log->bd.ctx, block)
                                   : log->bd.erase(log->bd.ctx, block);
}

static int add_found(struct hwt_tslog *log, uint32_t block, const struct hwt_tslog_head *head)
{
    struct hwt_tslog_segment segment = {
        .first = head->first,
        .min_ms = INT64_MAX,
        .max_ms = INT64_MIN,
        .block = block,
        .ordinal = (uint32_t)head->generation,
        .stream = head->stream,
    };

    return hwt_tslog_segment_add(log, &segment);
}

/* Lists the blocks of all streams; clears those that a cut commit had taken. */
static int find_segments(struct hwt_tslog *log, const bool *lost)
{
    for (uint32_t b = log->control_blocks; b < log->bd.block_count; b++) {
        struct hwt_tslog_head head;
        uint32_t page = 0;
        int err = probe_block(log, b, &head, &page);

        if (err == HWT_ERR_NOT_FOUND) {
            continue;
        }
        if (err == 0 && !block_live(log, lost, b, &head)) {
            err = clear_block(log, b);
        } else if (err == 0) {
            log->recovery.pages_bad += page; /* those before it are damaged */
            err = add_found(log, b, &head);
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

/* The time span of segment i as the segment after it tells. */
static bool span_told(struct hwt_tslog *log, uint32_t i)
{
    struct hwt_tslog_segment *segment = &log->segment[i];
    struct hwt_tslog_head head;
    uint8_t buf[HWT_TSLOG_HEAD];

    if (i + 1 == log->segments || segment[1].stream != segment->stream ||
        log->bd.read(log->bd.ctx, segment[1].block, 0, buf, sizeof(buf)) != 0) {
        return false;
    }
    log->recovery.pages_read++;
    if (hwt_tslog_head_get(buf, &head) != 0 || head.kind != HWT_TSLOG_SCHEMA ||
        head.place_block != segment->block) {
        return false;
    }
    segment->min_ms = head.min_ms;
    segment->max_ms = head.max_ms;
    segment->flags = head.flags & HWT_TSLOG_UNKNOWN_TIME;
    return true;
}

static int load_dir(struct hwt_tslog *log, uint32_t i, bool lost)
{
    const struct hwt_tslog_segment *segment = &log->segment[i];
    uint64_t end = lost ? UINT64_MAX : log->stream[segment->stream].tail.first;
    struct hwt_tslog_place place = {
        .log = log->log,
        .block = segment->block,
        .stream = segment->stream,
        .limit = hwt_tslog_segment_limit(log->segment, log->segments, i, end),
    };

    log->recovery.pages_read += log->pages;
    return hwt_tslog_dir_load(&log->dir, &log->bd, &place);
}

/* Both slots of the stream are gone: its full pages are all that is known. New records start
 * beyond any sequence that was ever given. */
static void salvage(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    uint64_t next = 1;

    for (size_t i = 0; i < log->dir.count; i++) {
        next = log->dir.entry[i].first + log->dir.entry[i].rows;
    }
    hwt_tslog_tail_reset(log, stream, next + HWT_TSLOG_SEQUENCE_GAP);
    st->durable = st->tail.first - 1;
    st->durable_ms = HWT_TIME_UNKNOWN;
    st->moved = true;
}

static int time_segments(struct hwt_tslog *log, const bool *lost)
{
    for (uint32_t i = 0; i < log->segments; i++) {
        int stream = log->segment[i].stream, err;
        bool last = i + 1 == log->segments || log->segment[i + 1].stream != stream;

        if (!last && span_told(log, i)) {
            continue;
        }
        err = load_dir(log, i, lost[stream]);
        if (err != 0) {
            return err;
        }
        hwt_tslog_segment_time(&log->segment[i], &log->dir);
        if (last && lost[stream]) {
            salvage(log, stream);
        }
    }
    return 0;
}

/* A tail must stand before a block of its own stream; a stream without slots starts anew. */
static void check_streams(struct hwt_tslog *log, const bool *lost)
{
    log->dir.count = 0;
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        struct hwt_tslog_stream *st = &log->stream[s];
        uint32_t i = hwt_tslog_segment_find(log, st->block);

        if (i == log->segments || log->segment[i].stream != s) {
            st->block = HWT_TSLOG_NO_BLOCK;
        }
        if (lost[s] && !st->moved) {
            salvage(log, s);
        }
        st->durable_block = st->block;
        for (i = 0; st->block == HWT_TSLOG_NO_BLOCK && i < log->segments; i++) {
            if (log->segment[i].stream == s) {
                st->durable_block = log->segment[i].block;
            }
        }
    }
}

/* Torn slots too: the next write of the slot, torn at other sectors, could make them whole. */
static int blank_cut_slots(struct hwt_tslog *log, const struct slots *slots)
{
    int err = 0;

    if (log->read_only) {
        return 0;
    }
    memset(log->scratch, 0, sizeof(log->scratch));
    for (int m = 0; err == 0 && m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; err == 0 && k < 2; k++) {
            if (slots->cut[m][k] || slots->damaged[m][k]) {
                log->unsynced = true;
                err = hwt_tslog_control_write(log, hwt_tslog_slot_page(m, k), log->scratch);
            }
        }
    }
    return err == 0 && log->unsynced ? hwt_tslog_sync(log) : err;
}

static int recover(struct hwt_tslog *log)
{
    bool lost[HWT_TSLOG_STREAMS_MAX] = {false};
    struct slots slots;
    int err = read_slots(log, &slots);

    drop_cut_commits(log, &slots);
    err = err == 0 ? load_root(log, &slots) : err;
    for (int s = 0; err == 0 && s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (log->root.stream[s].name[0] != '\0') {
            err = load_stream(log, &slots, s, &lost[s]);
        }
    }
    err = err == 0 ? find_segments(log, lost) : err;
    err = err == 0 ? time_segments(log, lost) : err;
    check_streams(log, lost);
    return err == 0 ? blank_cut_slots(log, &slots) : err;
}

int hwt_tslog_open(struct hwt_tslog *log, const struct hwt_tslog_config *config,
                   struct hwt_tslog_recovery *recovery_out)
{
    uint32_t data_blocks;
    int err;

    memset(log, 0, sizeof(*log));
    if (!geometry_valid(&config->bd)) {
        return HWT_ERR_ARGUMENT;
    }
    log->bd = config->bd;
    log->read_only = config->read_only;
    log->no_format = config->no_format;
    log->pages = config->bd.block_size / HWT_TSLOG_PAGE;
    log->control_blocks = (HWT_TSLOG_CONTROL_PAGES + log->pages - 1) / log->pages;
    data_blocks = log->bd.block_count - log->control_blocks;
    log->blocks_kept = config->blocks_kept == 0 || config->blocks_kept > data_blocks
                           ? data_blocks
                           : config->blocks_kept;
    err = hwt_tslog_super_open(log, config->uuid);
    err = err == 0 ? recover(log) : err;
    if (err == 0) {
        *recovery_out = log->recovery;
    }
    return err;
}

void hwt_tslog_uuid(const struct hwt_tslog *log, uint8_t uuid_out[16])
{
    memcpy(uuid_out, log->uuid, sizeof(log->uuid));
}
