/*
 * recover.c: open. What was committed is what the slots say:
 *
 *   slots ─▶ newest whole commit ─▶ stream table, tails ─▶ blocks older than the tails ─▶ segments
 *
 * Read are the control area and as many first pages of blocks as it takes to list them all: each
 * tells of many before it (chain.c).
 */
#include "core/tslog/internal.h"

static bool geometry_valid(const struct hwt_bd *bd)
{
    uint32_t pages = bd->block_size / HWT_TSLOG_PAGE;

    return bd->block_size % HWT_TSLOG_PAGE == 0 && pages >= HWT_TSLOG_BLOCK_PAGES_MIN &&
           pages <= HWT_TSLOG_BLOCK_PAGES_MAX &&
           bd->block_count > (HWT_TSLOG_CONTROL_PAGES + pages - 1) / pages + 1 &&
           bd->block_count <=
               HWT_TSLOG_SEGMENTS_MAX + (HWT_TSLOG_CONTROL_PAGES + pages - 1) / pages;
}

static int load_root(struct hwt_tslog *log, const struct hwt_tslog_slots *slots)
{
    const bool *damaged = slots->damaged[HWT_TSLOG_ROOT_MEMBER];
    struct hwt_tslog_head head;
    int k = hwt_tslog_slots_load(log, slots, HWT_TSLOG_ROOT_MEMBER, log->scratch, &head);

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

/* Both copies lost: values are shown as they are stored, and the damage is told. */
static int load_amended(struct hwt_tslog *log, const struct hwt_tslog_slots *slots)
{
    struct hwt_tslog_head head;
    uint32_t page;
    int k = hwt_tslog_slots_load(log, slots, HWT_TSLOG_AMEND_MEMBER, log->scratch, &head), err;

    if (k < 0) {
        return k == HWT_ERR_NOT_FOUND ? 0 : k;
    }
    log->amended_slot = (uint8_t)k;
    page = hwt_tslog_slot_page(HWT_TSLOG_AMEND_MEMBER, (unsigned)k);
    err = hwt_tslog_amend_get(&log->amended, log->scratch, &head);
    while (err == 0 && (head.flags & HWT_TSLOG_LAST_PART) == 0) {
        page++;
        err = hwt_tslog_control_read(log, page, log->scratch);
        err = err == 0 ? hwt_tslog_page_open(log->scratch, &head) : err;
        err = err == 0 ? hwt_tslog_amend_get(&log->amended, log->scratch, &head) : err;
    }
    log->amended_durable = log->amended.count;
    return err;
}

static int load_stream(struct hwt_tslog *log, const struct hwt_tslog_slots *slots, int s,
                       bool *lost_out)
{
    struct hwt_tslog_stream *st = &log->stream[s];
    int k = hwt_tslog_slots_load(log, slots, s, st->page, &st->tail);

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
    st->oldest = st->tail.oldest;
    st->next_page = st->tail.place_page;
    st->durable = st->tail.first + st->tail.rows - 1;
    st->durable_ms = st->tail.last_ms;
    st->next = hwt_tslog_slots_next(slots, s, st->tail.generation, st->durable + 1);
    return 0;
}

/* Sequences that a damaged slot may have held are left out now, while it can still be seen; if that
 * fails, with the first record. */
static int leave_out(struct hwt_tslog *log)
{
    bool any = false;

    for (int s = 0; !log->read_only && s < HWT_TSLOG_STREAMS_MAX; s++) {
        if (log->stream[s].next > log->stream[s].durable + 1) {
            any = hwt_tslog_ready(log, s) == 0 || any;
        }
    }
    return any ? hwt_tslog_commit(log) : 0;
}

/* Both slots of the stream are gone: its full pages are all that is known. New records start
 * beyond any sequence that was ever given. */
static void salvage(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    uint64_t next = 1;

    for (size_t i = 0; i < st->dir.count; i++) {
        next = st->dir.entry[i].first + st->dir.entry[i].rows;
    }
    hwt_tslog_tail_reset(log, stream, next + HWT_TSLOG_SEQUENCE_GAP);
    st->next_page = log->pages; /* of its newest block: nothing is added to that */
    st->durable = st->tail.first - 1;
    st->durable_ms = HWT_TIME_UNKNOWN;
    st->moved = true;
}

/* The block that the tail was to go to cannot be read: the chain goes on from the newest one left.
 * Nothing is added to that one. */
static int adopt_newest(struct hwt_tslog *log, int stream)
{
    struct hwt_tslog_stream *st = &log->stream[stream];
    struct hwt_tslog_place place = {
        .log = log->log, .pages = log->pages, .stream = stream, .limit = st->tail.first};

    for (uint32_t i = 0; i < log->segments; i++) {
        if (log->segment[i].stream == stream) {
            st->block = place.block = log->segment[i].block;
            place.ordinal = log->segment[i].ordinal;
            place.index = log->segment[i].index;
        }
    }
    if (st->block == HWT_TSLOG_NO_BLOCK) {
        return 0;
    }
    st->next_page = log->pages;
    st->index_dirty = true;
    return hwt_tslog_dir_load(&st->dir, &log->bd, &place, log->scratch);
}

static int check_streams(struct hwt_tslog *log, const bool *lost)
{
    int err = 0;

    for (int s = 0; err == 0 && s < HWT_TSLOG_STREAMS_MAX; s++) {
        struct hwt_tslog_stream *st = &log->stream[s];

        if (lost[s]) {
            salvage(log, s);
        }
        if (st->block == HWT_TSLOG_NO_BLOCK) {
            err = adopt_newest(log, s);
        }
        st->durable_block = st->block;
    }
    return err;
}

/* Gives back the room of blocks that no chain names; without it they are merely free. */
static int clear_free(struct hwt_tslog *log)
{
    int err = 0;

    if (log->read_only || !log->whole || log->bd.discard == NULL) {
        return 0;
    }
    for (uint32_t b = log->control_blocks; err == 0 && b < log->bd.block_count; b++) {
        if (!hwt_tslog_block_used(log, b)) {
            err = log->bd.discard(log->bd.ctx, b);
        }
    }
    return err;
}

static int recover(struct hwt_tslog *log)
{
    bool lost[HWT_TSLOG_STREAMS_MAX] = {false};
    struct hwt_tslog_slots slots;
    int err = hwt_tslog_slots_read(log, &slots);

    err = err == 0 ? load_root(log, &slots) : err;
    err = err == 0 ? load_amended(log, &slots) : err;
    for (int s = 0; err == 0 && s < HWT_TSLOG_STREAMS_MAX; s++) {
        log->stream[s].block = HWT_TSLOG_NO_BLOCK;
        if (log->root.stream[s].name[0] != '\0') {
            err = load_stream(log, &slots, s, &lost[s]);
        }
    }
    err = err == 0 ? hwt_tslog_chain_walk(log, lost) : err;
    err = err == 0 ? check_streams(log, lost) : err;
    err = err == 0 ? hwt_tslog_slots_blank(log, &slots) : err;
    err = err == 0 ? clear_free(log) : err;
    return err == 0 ? leave_out(log) : err;
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
