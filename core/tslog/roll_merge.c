/*
 * roll_merge.c: neighbouring small sheets become a larger one.
 *
 *   hours ─▶ a day ─▶ half a month
 *
 * A year is then read from two dozen places. Channel by channel, so that a step is short. Sheets
 * with other channels are merged too: what a sheet does not have had no values.
 */
#include "core/base/quantity.h"
#include "core/tslog/roll.h"

/* --- which --- */

static bool follows(const struct hwt_rollup_sheet *a, const struct hwt_rollup_sheet *b)
{
    return a->stream == b->stream && a->last + 1 == b->first;
}

static bool may_merge(const struct hwt_tslog_snapshot *snapshot, const struct hwt_rollup_sheet *s,
                      unsigned most)
{
    return !s->final && s->checked && hwt_roll_class(s->rows[0]) <= most &&
           hwt_roll_current(snapshot, s);
}

/* How many sheets from i on are to be merged; 0: none. `most` is their greatest class. */
static uint32_t run_of(const struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot,
                       uint32_t i, unsigned most)
{
    uint32_t rows = 0, pages = 0, n = 0;
    uint32_t target = most == 0 ? HWT_ROLL_SMALL_ROWS : HWT_ROLL_LARGE_ROWS;

    for (; i + n < r->count && rows < target; n++) {
        const struct hwt_rollup_sheet *s = &r->sheet[i + n];

        if ((n > 0 && !follows(s - 1, s)) || rows + s->rows[0] > HWT_ROLLUP_ROWS_MAX ||
            pages + s->pages > r->bd.block_size / HWT_TSLOG_PAGE || !may_merge(snapshot, s, most)) {
            break;
        }
        rows += s->rows[0];
        pages += s->pages;
    }
    return n > 1 && (rows >= target || (r->to_end && most == 1)) ? n : 0;
}

/* --- the sheets' rows and channels --- */

/* A sheet's quarter hours behind those there are; its first may be the same as the last. */
static int add_rows(struct hwt_rollup *r, const struct hwt_rollup_sheet *sheet)
{
    int err = hwt_roll_open(&r->reader, &r->bd, r->log, sheet);
    size_t i = 0;

    err = err == 0 ? hwt_roll_rows_get(&r->reader, HWT_ROLL_QUARTER) : err;
    if (err != 0) {
        return err;
    }
    if (r->rows > 0 && r->row[r->rows - 1].quarter == r->reader.period[0]) {
        r->row[r->rows - 1].records += (uint64_t)r->reader.records[0];
        r->row[r->rows - 1].measured_ms += (uint64_t)r->reader.spans[0];
        i = 1;
    }
    for (; i < r->reader.rows; i++) {
        if (r->rows == HWT_ROLLUP_ROWS_MAX) {
            return HWT_ERR_SPACE;
        }
        r->row[r->rows++] = (struct hwt_roll_row){
            .quarter = r->reader.period[i],
            .records = (uint64_t)r->reader.records[i],
            .measured_ms = (uint64_t)r->reader.spans[i],
        };
    }
    return 0;
}

/* The channel of that id, or sheet_channels; `guess` is where it probably is. */
static size_t find_channel(const struct hwt_rollup *r, const uint8_t *id, size_t n, size_t guess)
{
    for (size_t k = 0; k < r->sheet_channels; k++) {
        size_t i = (guess + k) % r->sheet_channels;
        const char *have = r->channel[i].channel.id;

        if (strlen(have) == n && memcmp(have, id, n) == 0) {
            return i;
        }
    }
    return r->sheet_channels;
}

/* The channels of the sheet just opened; those known already get what is known at its end. */
static int add_channels(struct hwt_rollup *r)
{
    struct hwt_roll_index entry;
    struct hwt_rollup_channel head;
    size_t at = 0, guess = 0;
    int more = hwt_roll_index_next(&r->reader, &at, &entry); /* the common part */

    while (more == 1 && (more = hwt_roll_index_next(&r->reader, &at, &entry)) == 1) {
        const struct hwt_quantity_info *q = hwt_quantity_get(entry.quantity);
        size_t i = find_channel(r, entry.id, entry.id_length, guess);
        struct hwt_roll_sheet_channel *c = &r->channel[i];
        int err;

        if (i == HWT_CHANNELS_MAX) {
            return HWT_ERR_SPACE;
        }
        if (i == r->sheet_channels) {
            memset(c, 0, sizeof(*c));
            memcpy(c->channel.id, entry.id, entry.id_length);
            c->channel.quantity = entry.quantity;
            c->counter = q != NULL && q->kind == HWT_COUNTER;
            r->sheet_channels++;
            err = hwt_roll_channel_get(&r->reader, entry.offset, &head);
            c->before = head.before;
            c->before_state = head.before_state;
        } else {
            err = hwt_roll_channel_get(&r->reader, entry.offset, &head);
        }
        if (err != 0) {
            return err;
        }
        c->after = head.after;
        c->after_at = head.after_at;
        c->after_state = head.after_state;
        guess = i + 1;
    }
    return more;
}

/* --- a channel --- */

static struct hwt_rollup_entry entry_at(const struct hwt_rollup_reader *reader, size_t i,
                                        bool counter, bool wide)
{
    struct hwt_rollup_entry e = {
        .count = (uint32_t)reader->value[HWT_ROLL_COUNT][i],
        .measured_ms = (uint64_t)reader->value[HWT_ROLL_MEASURED][i],
        .wide = wide,
    };

    if (counter) {
        e.last = reader->value[HWT_ROLL_LAST][i];
        e.rise = reader->value[HWT_ROLL_RISE][i];
    } else if (!wide) {
        e.sum = reader->value[HWT_ROLL_SUM][i];
        e.min = reader->value[HWT_ROLL_MIN][i];
        e.max = reader->value[HWT_ROLL_MAX][i];
    }
    return e;
}

/* The columns of the reader's sheet at that offset. *wide_out: the sums and extremes of a gauge are
 * not kept there. */
static int get_columns(struct hwt_rollup_reader *reader, uint32_t offset, bool counter,
                       bool *wide_out)
{
    static const unsigned all = 1u << HWT_ROLL_COUNT | 1u << HWT_ROLL_MEASURED;
    static const unsigned gauge = 1u << HWT_ROLL_SUM | 1u << HWT_ROLL_MIN | 1u << HWT_ROLL_MAX;
    static const unsigned count = 1u << HWT_ROLL_LAST | 1u << HWT_ROLL_RISE;
    struct hwt_rollup_channel head;
    int err = hwt_roll_channel_get(reader, offset, &head);

    if (err == 0 && head.counter != counter) {
        err = HWT_ERR_NOT_FOUND;
    }
    *wide_out = err == 0 && !counter && (head.left_out[HWT_ROLL_QUARTER] & gauge) != 0;
    return err == 0 ? hwt_roll_columns_get(reader, &head, HWT_ROLL_QUARTER,
                                           *wide_out ? all : all | (counter ? count : gauge))
                    : err;
}

/* Finds the channel in the reader's sheet. 1, 0: it is not there. */
static int find_in_sheet(struct hwt_rollup_reader *reader, const char *id, uint32_t *offset_out)
{
    struct hwt_roll_index entry;
    size_t at = 0, n = strlen(id);
    int more;

    while ((more = hwt_roll_index_next(reader, &at, &entry)) == 1) {
        if (entry.id_length == n && memcmp(entry.id, id, n) == 0) {
            *offset_out = entry.offset;
            return 1;
        }
    }
    return more;
}

/* What one sheet holds of the channel goes to its rows, from *row on. */
static int add_entries(struct hwt_rollup *r, const struct hwt_roll_sheet_channel *c,
                       struct hwt_rollup_entry *strip, size_t *row)
{
    struct hwt_rollup_reader *reader = &r->reader;
    uint32_t offset = 0;
    bool wide = false;
    int err = hwt_roll_rows_get(reader, HWT_ROLL_QUARTER);
    int found = err == 0 ? find_in_sheet(reader, c->channel.id, &offset) : err;
    size_t i = 0;

    if (found == 1) {
        err = get_columns(reader, offset, c->counter, &wide);
    }
    if (found < 0 || err != 0) {
        return found < 0 ? found : err;
    }
    *row -= *row > 0 && r->row[*row - 1].quarter == reader->period[0];
    for (; i < reader->rows; i++, ++*row) {
        if (*row >= r->rows) {
            return HWT_ERR_CORRUPT;
        }
        if (found == 1) {
            struct hwt_rollup_entry e = entry_at(reader, i, c->counter, wide);

            hwt_roll_entry_add(&strip[*row], &e);
        }
    }
    return 0;
}

/* --- the merge --- */

static void end_merge(struct hwt_rollup *r)
{
    r->merge.n = 0;
    r->rows = 0;
    r->stream = -1;
}

/* A sheet that cannot be merged, for it is damaged or too large together with its neighbours. */
static int give_up(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot, uint32_t i,
                   int err)
{
    if (err == HWT_ERR_CORRUPT || err == HWT_ERR_NOT_FOUND) {
        r->sheet[i].final = true;
        if (err == HWT_ERR_CORRUPT) {
            r->counters.damaged++;
            if (r->sheet[i].first >= hwt_roll_kept(snapshot, r->sheet[i].stream)) {
                hwt_roll_table_remove(r, i);
            }
        }
        err = 1;
    } else if (err == HWT_ERR_SPACE) {
        r->sheet[r->merge.from].final = true;
        err = 1;
    } else if (err == HWT_ERR_AGAIN) {
        err = 1;
    }
    hwt_roll_write_drop(r);
    end_merge(r);
    return err;
}

static int begin_merge(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot)
{
    const struct hwt_rollup_sheet *a = &r->sheet[r->merge.from];
    const struct hwt_rollup_sheet *b = &r->sheet[r->merge.from + r->merge.n - 1];
    struct hwt_rollup_sheet sheet = {
        .first = a->first, .last = b->last, .since = a->since, .stream = a->stream};
    uint32_t pages = 0;
    int err = 0;

    r->stream = -1;
    r->rows = 0;
    r->sheet_channels = 0;
    r->merge.channel = 0;
    r->out.size_class = HWT_ROLL_CLASSES - 1;
    for (uint32_t i = r->merge.from; err == 0 && i < r->merge.from + r->merge.n; i++) {
        pages += r->sheet[i].pages;
        sheet.flags |= r->sheet[i].flags;
        sheet.since = r->sheet[i].since < sheet.since ? r->sheet[i].since : sheet.since;
        err = add_rows(r, &r->sheet[i]);
        err = err == 0 ? add_channels(r) : err;
        if (err != 0) {
            return give_up(r, snapshot, i, err);
        }
    }
    sheet.revision = hwt_tslog_revision(snapshot, sheet.stream, sheet.since, sheet.last,
                                        (sheet.flags & HWT_ROLL_UNKNOWN_TIME) != 0);
    err = hwt_roll_write_begin(r, sheet, pages);
    return err == 0 ? 1 : give_up(r, snapshot, r->merge.from, err);
}

int hwt_roll_merge_find(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot)
{
    for (unsigned most = 0; most + 1 < HWT_ROLL_CLASSES; most++) {
        for (uint32_t i = 0; i < r->count; i++) {
            uint32_t n = run_of(r, snapshot, i, most);

            if (n > 0) {
                r->merge.from = i;
                r->merge.n = n;
                return begin_merge(r, snapshot);
            }
        }
    }
    return 0;
}

int hwt_roll_merge_step(struct hwt_rollup *r, const struct hwt_tslog_snapshot *snapshot)
{
    struct hwt_roll_sheet_channel *c = &r->channel[r->merge.channel];
    size_t row = 0;
    int err = 0;

    if (r->merge.channel == r->sheet_channels) {
        err = hwt_roll_write_end(r);
        if (err != 0) {
            return give_up(r, snapshot, r->merge.from, err);
        }
        end_merge(r);
        return 1;
    }
    memset(r->pool, 0, r->rows * sizeof(r->pool[0]));
    for (uint32_t i = r->merge.from; i < r->merge.from + r->merge.n; i++) {
        err = hwt_roll_open(&r->reader, &r->bd, r->log, &r->sheet[i]);
        err = err == 0 ? add_entries(r, c, r->pool, &row) : err;
        if (err != 0) {
            return give_up(r, snapshot, i, err);
        }
    }
    err = hwt_roll_write_channel(r, r->merge.channel, r->pool);
    r->merge.channel++;
    return err == 0 ? 1 : give_up(r, snapshot, r->merge.from, err);
}
