/*
 * commit.c: what was appended becomes durable.
 *
 *   sync, if pages were promoted ─▶ tails, root, corrections into their other slots ─▶ sync
 *
 * A slot carries the generation of its commit, the set of slots written by it and the newest
 * generation known to be done; open takes a newer commit as done only if its whole set is there.
 * The slot that holds the commit before is never touched, so a commit is there whole or not at all.
 * A page in its final place beyond what the slots tell is not part of the log.
 */
#include "core/tslog/internal.h"

static uint32_t oldest_ordinal(const struct hwt_tslog *log, int stream)
{
    for (uint32_t i = 0; i < log->segments; i++) {
        if (log->segment[i].stream == stream) {
            return log->segment[i].ordinal;
        }
    }
    return 0;
}

/* The directories of blocks that the tails go to, as pages: a cache, so that open need not read the
 * headers. They are in place before the slots that tell their checksums. */
static int write_indexes(struct hwt_tslog *log, uint16_t members)
{
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        struct hwt_tslog_stream *st = &log->stream[s];
        int err;

        if ((members >> s & 1) == 0 || !st->index_dirty || st->block == HWT_TSLOG_NO_BLOCK) {
            continue;
        }
        st->index = hwt_tslog_index_put(&st->dir, log->log,
                                        &log->segment[hwt_tslog_segment_find(log, st->block)],
                                        log->scratch);
        if (st->index == 0) {
            continue;
        }
        log->unsynced = true;
        err =
            hwt_tslog_control_write(log, hwt_tslog_index_page(s, 1 - st->index_slot), log->scratch);
        if (err != 0) {
            return err;
        }
        st->index_written = true;
    }
    return 0;
}

static int write_amended(struct hwt_tslog *log, unsigned slot, uint16_t members)
{
    uint32_t page = hwt_tslog_slot_page(HWT_TSLOG_AMEND_MEMBER, slot);
    struct hwt_tslog_head head = {.flags = 0};
    size_t next = 0;
    int err = 0;

    for (unsigned part = 0; err == 0 && (head.flags & HWT_TSLOG_LAST_PART) == 0; part++) {
        head = hwt_tslog_head_new(log->log, HWT_TSLOG_AMEND, 0);
        next = hwt_tslog_amend_put(&log->amended, next, part, log->scratch, &head);
        head.next_block = log->next_block;
        head.generation = log->generation;
        head.settled = log->settled;
        head.members = members;
        hwt_tslog_page_seal(log->scratch, &head);
        err = hwt_tslog_control_write(log, page + part, log->scratch);
    }
    return err;
}

static int write_member(struct hwt_tslog *log, int member, unsigned slot, uint16_t members)
{
    struct hwt_tslog_head head;
    uint8_t *page = log->scratch;

    if (member == HWT_TSLOG_AMEND_MEMBER) {
        return write_amended(log, slot, members);
    }
    if (member == HWT_TSLOG_ROOT_MEMBER) {
        head = hwt_tslog_head_new(log->log, HWT_TSLOG_ROOT, 0);
        hwt_tslog_root_put(&log->root, page, &head);
    } else {
        const struct hwt_tslog_stream *st = &log->stream[member];

        page = log->stream[member].page;
        head = st->tail;
        head.place_block = st->block;
        head.place_page = (uint16_t)st->next_page;
        head.oldest = oldest_ordinal(log, member);
        head.index = st->index;
    }
    head.next_block = log->next_block;
    head.generation = log->generation;
    head.settled = log->settled;
    head.members = members;
    hwt_tslog_page_seal(page, &head);
    return hwt_tslog_control_write(log, hwt_tslog_slot_page(member, slot), page);
}

static uint16_t dirty_members(const struct hwt_tslog *log)
{
    unsigned m = (log->root_dirty ? 1u << HWT_TSLOG_ROOT_MEMBER : 0) |
                 (log->amended_dirty ? 1u << HWT_TSLOG_AMEND_MEMBER : 0);

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        m |= log->stream[s].dirty || log->stream[s].moved ? 1u << s : 0;
    }
    return (uint16_t)m;
}

static unsigned member_slot(const struct hwt_tslog *log, int member)
{
    switch (member) {
    case HWT_TSLOG_ROOT_MEMBER:
        return log->root_slot;
    case HWT_TSLOG_AMEND_MEMBER:
        return log->amended_slot;
    default:
        return log->stream[member].slot;
    }
}

static int write_members(struct hwt_tslog *log, uint16_t members, uint16_t which)
{
    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        if ((which >> m & 1) != 0) {
            int err = write_member(log, m, 1 - member_slot(log, m), members);

            if (err != 0) {
                return err;
            }
        }
    }
    return 0;
}

/* Notes that the members are durable in their other slot. Returns those to be written twice: the
 * root, the corrections, and streams whose tail is a new page, since without this one bad slot
 * would hide the page before it too. The second copy also tells that the commit is done. */
static uint16_t settle(struct hwt_tslog *log, uint16_t members)
{
    unsigned twice = 0;

    log->settled = log->generation;

    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        struct hwt_tslog_stream *st = &log->stream[s];

        if ((members >> s & 1) != 0) {
            st->slot = 1 - st->slot;
            st->durable = st->tail.first + st->tail.rows - 1;
            st->durable_ms = st->tail.last_ms;
            st->durable_block = st->block;
            twice |= st->moved ? 1u << s : 0;
            st->index_slot = st->index_written ? 1 - st->index_slot : st->index_slot;
            st->index_dirty = false;
            st->index_written = false;
            st->dirty = false;
            st->moved = false;
        }
    }
    if ((members >> HWT_TSLOG_ROOT_MEMBER & 1) != 0) {
        log->root_slot = 1 - log->root_slot;
        log->root_durable = log->root;
        log->root_dirty = false;
        twice |= 1u << HWT_TSLOG_ROOT_MEMBER;
    }
    if ((members >> HWT_TSLOG_AMEND_MEMBER & 1) != 0) {
        log->amended_slot = 1 - log->amended_slot;
        log->amended_durable = log->amended.count;
        log->amended_dirty = false;
        twice |= 1u << HWT_TSLOG_AMEND_MEMBER;
    }
    return (uint16_t)twice;
}

int hwt_tslog_commit(struct hwt_tslog *log)
{
    uint16_t members = dirty_members(log), twice;
    int err = 0;

    if (members == 0) {
        return 0;
    }
    err = write_indexes(log, members);
    if (err == 0 && log->unsynced) {
        err = hwt_tslog_sync(log);
    }
    if (err != 0) {
        return err;
    }
    log->generation++; /* also after a failure: no two attempts share one */
    err = write_members(log, members, members);
    err = err == 0 ? hwt_tslog_sync(log) : err;
    if (err != 0) {
        return err;
    }
    twice = settle(log, members);
    if (twice != 0 && (write_members(log, members, twice) != 0 || hwt_tslog_sync(log) != 0)) {
        /* The commit stands on its first copy; the next commit tries the second again. */
        for (int s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
            log->stream[s].moved = log->stream[s].moved || (twice >> s & 1) != 0;
        }
        log->root_dirty = log->root_dirty || (twice >> HWT_TSLOG_ROOT_MEMBER & 1) != 0;
        log->amended_dirty = log->amended_dirty || (twice >> HWT_TSLOG_AMEND_MEMBER & 1) != 0;
    }
    return 0;
}
