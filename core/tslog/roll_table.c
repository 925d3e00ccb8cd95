/*
 * roll_table.c: which sheets there are, and where the next one goes.
 *
 *   block   small sheets │ small sheets │ …     one size class a block, so that blocks become free
 *   block   medium …     │                      together: a sheet is superseded by the merge of it
 *   block   large …      │                      and its neighbours
 *
 * Nothing on the device says which sheets are in use: of two that overlap the later one counts,
 * provided that it is whole.
 */
#include "core/base/crc32c.h"
#include "core/tslog/roll.h"

static uint32_t block_pages(const struct hwt_rollup *r)
{
    return r->bd.block_size / HWT_TSLOG_PAGE;
}

/* --- the table --- */

uint32_t hwt_roll_find(const struct hwt_rollup_sheet *sheet, uint32_t count, int stream,
                       uint64_t sequence)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (sheet[mid].stream < stream ||
            (sheet[mid].stream == stream && sheet[mid].last < sequence)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

void hwt_roll_table_remove(struct hwt_rollup *r, uint32_t i)
{
    r->count--;
    memmove(&r->sheet[i], &r->sheet[i + 1], (r->count - i) * sizeof(r->sheet[0]));
    r->untidy = true;
}

int hwt_roll_table_add(struct hwt_rollup *r, const struct hwt_rollup_sheet *sheet)
{
    uint32_t i = hwt_roll_find(r->sheet, r->count, sheet->stream, sheet->first);

    while (i < r->count && r->sheet[i].stream == sheet->stream &&
           r->sheet[i].first <= sheet->last) {
        hwt_roll_table_remove(r, i);
    }
    if (r->count == HWT_ROLLUP_SHEETS_MAX) {
        return HWT_ERR_SPACE;
    }
    memmove(&r->sheet[i + 1], &r->sheet[i], (r->count - i) * sizeof(r->sheet[0]));
    r->sheet[i] = *sheet;
    r->count++;
    return 0;
}

/* --- blocks --- */

static bool block_in_use(const struct hwt_rollup *r, uint32_t block)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->sheet[i].block == block) {
            return true;
        }
    }
    return false;
}

static void set_used(struct hwt_rollup *r, uint32_t block, bool used)
{
    uint8_t bit = (uint8_t)(1u << block % 8);

    r->used[block / 8] = (uint8_t)(used ? r->used[block / 8] | bit : r->used[block / 8] & ~bit);
}

static bool is_head(const struct hwt_rollup *r, uint32_t block)
{
    for (unsigned c = 0; c < HWT_ROLL_CLASSES; c++) {
        if (r->head[c].block == block) {
            return true;
        }
    }
    return false;
}

static int take_block(struct hwt_rollup *r, unsigned size_class)
{
    for (uint32_t b = 0; b < r->bd.block_count; b++) {
        if (!block_in_use(r, b) && !is_head(r, b)) {
            int err = r->bd.erase(r->bd.ctx, b);

            if (err == 0) {
                set_used(r, b, true);
                r->head[size_class].block = b;
                r->head[size_class].page = 0;
            }
            return err;
        }
    }
    return HWT_ERR_SPACE;
}

int hwt_roll_place(struct hwt_rollup *r, unsigned size_class, uint32_t pages)
{
    if (pages > block_pages(r)) {
        return HWT_ERR_SPACE;
    }
    if (r->head[size_class].block != HWT_TSLOG_NO_BLOCK &&
        r->head[size_class].page + pages <= block_pages(r)) {
        return 0;
    }
    r->head[size_class].block = HWT_TSLOG_NO_BLOCK;
    return take_block(r, size_class);
}

static int give_back(struct hwt_rollup *r, uint32_t block)
{
    int err = r->bd.discard != NULL ? r->bd.discard(r->bd.ctx, block) : 0;

    if (err != 0) {
        return err;
    }
    set_used(r, block, false);
    for (unsigned c = 0; c < HWT_ROLL_CLASSES; c++) {
        if (r->head[c].block == block) {
            r->head[c].block = HWT_TSLOG_NO_BLOCK;
        }
    }
    return 0;
}

/* What superseded their sheets must be durable before the blocks go. */
int hwt_roll_tidy(struct hwt_rollup *r)
{
    int err = r->untidy ? r->bd.sync(r->bd.ctx) : 0;

    for (uint32_t b = 0; r->untidy && err == 0 && b < r->bd.block_count; b++) {
        if ((r->used[b / 8] >> b % 8 & 1) != 0 && !block_in_use(r, b)) {
            err = give_back(r, b);
        }
    }
    r->untidy = r->untidy && err != 0;
    return err;
}

/* --- against the log --- */

uint64_t hwt_roll_kept(const struct hwt_tslog_snapshot *snapshot, int stream)
{
    uint32_t low = 0, high = snapshot->segments;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (snapshot->segment[mid].stream < stream) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < snapshot->segments && snapshot->segment[low].stream == stream
               ? snapshot->segment[low].first
               : snapshot->stream[stream].tail.first;
}

bool hwt_roll_current(const struct hwt_tslog_snapshot *snapshot,
                      const struct hwt_rollup_sheet *sheet)
{
    return sheet->revision == hwt_tslog_revision(snapshot, sheet->stream, sheet->since, sheet->last,
                                                 (sheet->flags & HWT_ROLL_UNKNOWN_TIME) != 0);
}

/* --- opening --- */

static bool sheet_is_whole(struct hwt_rollup *r, struct hwt_rollup_sheet *sheet)
{
    if (!sheet->checked) {
        sheet->checked = hwt_roll_check(&r->reader, &r->bd, r->log, sheet) == 0;
        r->counters.damaged += !sheet->checked;
    }
    return sheet->checked;
}

/* Of sheets that overlap the latest that is whole stays. */
static void take_up(struct hwt_rollup *r, struct hwt_rollup_sheet *sheet)
{
    uint32_t i = hwt_roll_find(r->sheet, r->count, sheet->stream, sheet->first);

    while (i < r->count && r->sheet[i].stream == sheet->stream &&
           r->sheet[i].first <= sheet->last) {
        if (r->sheet[i].ordinal < sheet->ordinal) {
            if (!sheet_is_whole(r, sheet)) {
                return;
            }
            hwt_roll_table_remove(r, i);
        } else if (sheet_is_whole(r, &r->sheet[i])) {
            return;
        } else {
            hwt_roll_table_remove(r, i);
        }
    }
    if (r->count < HWT_ROLLUP_SHEETS_MAX && hwt_roll_table_add(r, sheet) != 0) {
        return;
    }
}

static bool head_is_blank(const uint8_t head[HWT_ROLL_HEAD])
{
    for (size_t i = 1; i < HWT_ROLL_HEAD; i++) {
        if (head[i] != head[0]) {
            return false;
        }
    }
    return head[0] == 0 || head[0] == 0xFF;
}

/* The next sheet of its class goes behind the latest. */
static void go_on_behind(struct hwt_rollup *r, const struct hwt_rollup_sheet *sheet)
{
    unsigned c = hwt_roll_class(sheet->rows[0]);

    r->ordinal = sheet->ordinal > r->ordinal ? sheet->ordinal : r->ordinal;
    if (r->head[c].block == HWT_TSLOG_NO_BLOCK || sheet->ordinal >= r->head[c].ordinal) {
        r->head[c].block = sheet->block;
        r->head[c].page = sheet->page + (uint32_t)sheet->pages;
        r->head[c].ordinal = sheet->ordinal;
    }
}

/* Takes up the sheets of a block. *beyond_out: it has one of records that the log does not have, so
 * the log is another than the sheet's, if of the same name. */
static int scan_block(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                      uint32_t block, bool take, bool *beyond_out)
{
    for (uint32_t page = 0; page < block_pages(r);) {
        uint8_t head[HWT_ROLL_HEAD];
        struct hwt_rollup_sheet sheet;
        uint32_t log;
        int err = r->bd.read(r->bd.ctx, block, page * HWT_TSLOG_PAGE, head, sizeof(head));

        r->counters.pages_read++;
        if (err != 0) {
            return err;
        }
        if (head_is_blank(head)) {
            break;
        }
        if (hwt_roll_head_get(head, &log, &sheet) != 0 || log != r->log ||
            sheet.pages > block_pages(r) - page) {
            page++;
            continue;
        }
        sheet.block = block;
        sheet.page = (uint16_t)page;
        page += sheet.pages;
        set_used(r, block, true);
        go_on_behind(r, &sheet);
        if (!hwt_tslog_snapshot_has(snapshot, sheet.stream) ||
            sheet.last > snapshot->stream[sheet.stream].durable) {
            *beyond_out = true;
        } else if (take) {
            take_up(r, &sheet);
        }
    }
    return 0;
}

static int scan(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot)
{
    for (uint32_t b = 0; b < r->bd.block_count; b++) {
        bool beyond = false;
        int err = scan_block(r, snapshot, b, false, &beyond);

        if (err == 0 && beyond && !r->read_only) {
            err = give_back(r, b);
            err = err == 0 ? r->bd.erase(r->bd.ctx, b) : err;
        } else if (err == 0 && !beyond) {
            err = scan_block(r, snapshot, b, true, &beyond);
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

int hwt_rollup_open(struct hwt_rollup *rollup, const struct hwt_rollup_config *config,
                    const struct hwt_tslog_snapshot *snapshot)
{
    struct hwt_rollup *r = rollup;
    uint32_t pages = config->bd.block_size / HWT_TSLOG_PAGE;

    if (config->bd.block_size % HWT_TSLOG_PAGE != 0 || pages < HWT_TSLOG_BLOCK_PAGES_MIN ||
        pages > HWT_TSLOG_BLOCK_PAGES_MAX || config->bd.block_count > HWT_ROLLUP_BLOCKS_MAX ||
        (!config->read_only && config->pool_count < HWT_ROLLUP_POOL_MIN)) {
        return HWT_ERR_ARGUMENT;
    }
    r->bd = config->bd;
    r->pool = config->pool;
    r->pool_count = config->pool_count;
    r->read_only = config->read_only;
    r->untidy = false;
    r->to_end = false;
    r->log = snapshot->log;
    r->ordinal = 0;
    r->count = 0;
    r->counters = (struct hwt_rollup_counters){0};
    r->stream = -1;
    r->rows = 0;
    r->merge.n = 0;
    r->cursor.snapshot = NULL;
    memset(r->used, 0, sizeof(r->used));
    for (unsigned c = 0; c < HWT_ROLL_CLASSES; c++) {
        r->head[c].block = HWT_TSLOG_NO_BLOCK;
        r->head[c].page = 0;
    }
    return scan(r, snapshot);
}

void hwt_rollup_view(const struct hwt_rollup *rollup, struct hwt_tslog_snapshot *snapshot)
{
    snapshot->roll.bd = rollup->bd;
    snapshot->roll.count = rollup->count;
    memcpy(snapshot->roll.sheet, rollup->sheet, rollup->count * sizeof(rollup->sheet[0]));
}

void hwt_rollup_counters(const struct hwt_rollup *rollup, struct hwt_rollup_counters *out)
{
    *out = rollup->counters;
    out->sheets = rollup->count;
}
