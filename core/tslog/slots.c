/*
 * slots.c: which slots count. A commit is done if all the slots of its set are there, or a later
 * one knows it to be done; slots of a commit that was cut are blanked before anything else is
 * written, else a later commit would make them look right.
 */
#include "core/tslog/internal.h"

static struct hwt_tslog_slot slot_of(const struct hwt_tslog_head *head)
{
    return (struct hwt_tslog_slot){
        .valid = true,
        .generation = head->generation,
        .settled = head->settled,
        .end = head->first + head->rows,
        .next_block = head->next_block,
        .members = head->members,
    };
}

static bool head_is_slot(const struct hwt_tslog *log, const struct hwt_tslog_head *head, int member)
{
    if (head->log != log->log) {
        return false;
    }
    switch (member) {
    case HWT_TSLOG_ROOT_MEMBER:
        return head->kind == HWT_TSLOG_ROOT;
    case HWT_TSLOG_AMEND_MEMBER:
        return head->kind == HWT_TSLOG_AMEND && head->first == 0;
    default:
        return head->kind == HWT_TSLOG_TAIL && head->stream == member;
    }
}

/* The pages behind the first of a copy of the corrections. *good_out: all are there. */
static int read_rest(struct hwt_tslog *log, unsigned slot, const struct hwt_tslog_head *first,
                     bool *good_out)
{
    uint32_t page = hwt_tslog_slot_page(HWT_TSLOG_AMEND_MEMBER, slot);
    struct hwt_tslog_head head = *first;

    *good_out = true;
    for (unsigned part = 1; *good_out && (head.flags & HWT_TSLOG_LAST_PART) == 0; part++) {
        int err;

        if (part == HWT_TSLOG_AMEND_PAGES) {
            *good_out = false;
            return 0;
        }
        err = hwt_tslog_control_read(log, page + part, log->scratch);
        if (err != 0) {
            return err;
        }
        *good_out = hwt_tslog_page_open(log->scratch, &head) == 0 && head.log == log->log &&
                    head.kind == HWT_TSLOG_AMEND && head.first == part &&
                    head.generation == first->generation;
    }
    return 0;
}

static int read_slot(struct hwt_tslog *log, struct hwt_tslog_slots *slots, int m, unsigned k)
{
    struct hwt_tslog_head head;
    bool good = true;
    int err = hwt_tslog_control_read(log, hwt_tslog_slot_page(m, k), log->scratch);

    if (err != 0 || hwt_tslog_page_blank(log->scratch)) {
        return err;
    }
    good = hwt_tslog_page_open(log->scratch, &head) == 0 && head_is_slot(log, &head, m);
    if (good && m == HWT_TSLOG_AMEND_MEMBER) {
        err = read_rest(log, k, &head, &good);
    }
    if (good) {
        slots->of[m][k] = slot_of(&head);
    } else {
        slots->damaged[m][k] = true;
        if (m < HWT_TSLOG_STREAMS_MAX && hwt_tslog_head_get(log->scratch, &head) == 0 &&
            head_is_slot(log, &head, m)) {
            slots->of[m][k] = slot_of(&head);
            slots->of[m][k].valid = false;
        }
        log->control_bad |= UINT64_C(1) << hwt_tslog_slot_page(m, k);
        log->recovery.pages_bad++;
    }
    return err;
}

static int read_all(struct hwt_tslog *log, struct hwt_tslog_slots *slots)
{
    int err = 0;

    memset(slots, 0, sizeof(*slots));
    for (int m = 0; err == 0 && m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; err == 0 && k < 2; k++) {
            err = read_slot(log, slots, m, k);
        }
    }
    return err;
}

static bool has(const struct hwt_tslog_slots *slots, int member, uint64_t generation)
{
    return (slots->of[member][0].valid && slots->of[member][0].generation == generation) ||
           (slots->of[member][1].valid && slots->of[member][1].generation == generation);
}

/* Finds the newest generation left; false if there is none. */
static bool newest(const struct hwt_tslog_slots *slots, struct hwt_tslog_slot *newest_out)
{
    bool found = false;

    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; k < 2; k++) {
            const struct hwt_tslog_slot *s = &slots->of[m][k];

            if (s->valid && (!found || s->generation > newest_out->generation)) {
                *newest_out = *s;
                found = true;
            }
        }
    }
    return found;
}

static bool whole(const struct hwt_tslog_slots *slots, const struct hwt_tslog_slot *slot)
{
    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        if ((slot->members >> m & 1) != 0 && !has(slots, m, slot->generation)) {
            return false;
        }
    }
    return true;
}

/* The newest generation that any slot knows to be done. */
static uint64_t newest_settled(const struct hwt_tslog_slots *slots)
{
    uint64_t settled = 0;

    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; k < 2; k++) {
            const struct hwt_tslog_slot *s = &slots->of[m][k];

            settled = s->valid && s->settled > settled ? s->settled : settled;
        }
    }
    return settled;
}

/* So that the blocks which a cut commit took are the next to be taken, whatever they hold. */
static uint32_t next_block_of(const struct hwt_tslog *log, const struct hwt_tslog_slot *slot)
{
    return slot->next_block < log->bd.block_count - log->control_blocks ? slot->next_block : 0;
}

/* Takes out the slots of commits that were cut: newer than any known to be done, and not whole. A
 * damaged slot looks the same, but then it is the newest commit only that is given up. */
static void drop_cut_commits(struct hwt_tslog *log, struct hwt_tslog_slots *slots)
{
    struct hwt_tslog_slot top = {.valid = false};

    log->settled = newest_settled(slots);
    while (newest(slots, &top)) {
        log->next_block = next_block_of(log, &top);
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

int hwt_tslog_slots_read(struct hwt_tslog *log, struct hwt_tslog_slots *slots)
{
    int err = read_all(log, slots);

    if (err == 0) {
        drop_cut_commits(log, slots);
    }
    return err;
}

int hwt_tslog_slots_load(struct hwt_tslog *log, const struct hwt_tslog_slots *slots, int member,
                         uint8_t *page, struct hwt_tslog_head *head)
{
    const struct hwt_tslog_slot *s = slots->of[member];
    unsigned k = s[1].valid && (!s[0].valid || s[1].generation > s[0].generation);
    int err;

    if (!s[k].valid) {
        return HWT_ERR_NOT_FOUND;
    }
    err = hwt_tslog_control_read(log, hwt_tslog_slot_page(member, k), page);
    err = err == 0 ? hwt_tslog_page_open(page, head) : err;
    return err == 0 ? (int)k : err;
}

/* Whether a slot that should be of the commit cannot be read. */
static bool commit_damaged(const struct hwt_tslog_slots *slots, const struct hwt_tslog_slot *slot)
{
    for (int m = 0; m < HWT_TSLOG_MEMBERS; m++) {
        for (unsigned k = 0; (slot->members >> m & 1) != 0 && k < 2; k++) {
            uint64_t generation = slots->of[m][k].generation;

            if (slots->damaged[m][k] && (generation == 0 || generation == slot->generation)) {
                return true;
            }
        }
    }
    return false;
}

uint64_t hwt_tslog_slots_next(const struct hwt_tslog_slots *slots, int stream, uint64_t generation,
                              uint64_t end)
{
    uint64_t next = end;

    for (unsigned k = 0; k < 2; k++) {
        const struct hwt_tslog_slot *s = &slots->of[stream][k];

        if (slots->damaged[stream][k] && s->generation == 0) { /* a page's worth, and no more */
            next = next < end + HWT_TSLOG_SEQUENCE_GAP ? end + HWT_TSLOG_SEQUENCE_GAP : next;
        } else if ((slots->damaged[stream][k] ||
                    (slots->cut[stream][k] && commit_damaged(slots, s))) &&
                   s->generation > generation && s->end > next) {
            next = s->end;
        }
    }
    return next < HWT_TSLOG_SEQUENCE_MAX ? next : end;
}

/* log->scratch is blank. */
static int blank_slot(struct hwt_tslog *log, int member, unsigned slot)
{
    uint32_t page = hwt_tslog_slot_page(member, slot);
    uint32_t n = member == HWT_TSLOG_AMEND_MEMBER ? HWT_TSLOG_AMEND_PAGES : 1;
    int err = 0;

    for (uint32_t i = 0; err == 0 && i < n; i++) {
        err = hwt_tslog_control_write(log, page + i, log->scratch);
    }
    return err;
}

int hwt_tslog_slots_blank(struct hwt_tslog *log, const struct hwt_tslog_slots *slots)
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
                err = blank_slot(log, m, k);
            }
        }
    }
    return err == 0 && log->unsynced ? hwt_tslog_sync(log) : err;
}
