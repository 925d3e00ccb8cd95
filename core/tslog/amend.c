/*
 * amend.c: corrections, as the log keeps them: a list that only grows, written as a whole, twice.
 *
 *   page: header │ (stream u8, first u64, last u64, gain, cross, offset, made i64,
 *                   3 x (length u8, channel / other channel / id)) …      the last page has a flag
 *
 * A copy is good only if all its pages are, of one generation; it is a member of commits like any
 * slot.
 */
#include "core/base/crc32c.h"
#include "core/tslog/internal.h"

enum { ENTRY_MAX = 1 + 6 * 8 + 3 * (1 + HWT_ID_MAX) };

#define GAIN_MAX ((int64_t)1 << 40) /* 1024; products and their sum fit 128 bits */

_Static_assert(HWT_TSLOG_ROOM / ENTRY_MAX * HWT_TSLOG_AMEND_PAGES >= HWT_TSLOG_CORRECTIONS_MAX,
               "there is room for the longest corrections");

/* --- adding one --- */

static bool text_valid(const char text[HWT_ID_MAX + 1])
{
    size_t n = 0;

    while (n <= HWT_ID_MAX && text[n] != '\0') {
        if ((uint8_t)text[n] < ' ' || text[n] == 0x7F) {
            return false;
        }
        n++;
    }
    return n <= HWT_ID_MAX;
}

static bool gain_valid(int64_t gain)
{
    return gain >= -GAIN_MAX && gain <= GAIN_MAX;
}

static bool correction_valid(const struct hwt_correction *c)
{
    bool cross = c->cross[0] != '\0';

    return hwt_tslog_id_valid(c->channel) && (!cross || hwt_tslog_id_valid(c->cross)) &&
           text_valid(c->id) && c->first >= 1 && c->first <= c->last && gain_valid(c->gain_q30) &&
           gain_valid(c->cross_q30) && (cross || c->cross_q30 == 0) &&
           c->unix_ms != HWT_TIME_UNKNOWN;
}

bool hwt_tslog_one_act(const struct hwt_correction *a, const struct hwt_correction *b)
{
    return a->unix_ms == b->unix_ms && strcmp(a->id, b->id) == 0;
}

/* Whether the act that is being recorded has the channel already: which of both comes first would
 * have no answer. */
static bool ambiguous(const struct hwt_tslog_amended *a, int stream, const struct hwt_correction *c)
{
    for (size_t i = a->count; i-- > 0;) {
        const struct hwt_correction *other = &a->at[i].what;

        if (a->at[i].stream != stream) {
            continue;
        }
        if (!hwt_tslog_one_act(other, c)) {
            return false;
        }
        if (strcmp(other->channel, c->channel) == 0 && other->first <= c->last &&
            c->first <= other->last) {
            return true;
        }
    }
    return false;
}

int hwt_tslog_correct(struct hwt_tslog *log, int stream, const struct hwt_correction *correction)
{
    struct hwt_tslog_amended *a = &log->amended;

    if (log->read_only || stream < 0 || stream >= HWT_TSLOG_STREAMS_MAX ||
        log->root.stream[stream].name[0] == '\0' || !correction_valid(correction) ||
        ambiguous(a, stream, correction)) {
        return HWT_ERR_ARGUMENT;
    }
    if (a->count == HWT_TSLOG_CORRECTIONS_MAX) {
        return HWT_ERR_SPACE;
    }
    a->at[a->count].what = *correction;
    a->at[a->count].stream = (uint8_t)stream;
    a->count++;
    log->amended_dirty = true;
    return 0;
}

size_t hwt_tslog_corrections(const struct hwt_tslog *log)
{
    return log->amended.count;
}

/* --- writing --- */

static void put_text(struct hwt_writer *w, const char *text)
{
    size_t n = strlen(text);

    hwt_put_u8(w, (uint8_t)n);
    hwt_put_bytes(w, text, n);
}

static void put_entry(struct hwt_writer *w, const struct hwt_tslog_correction *entry)
{
    const struct hwt_correction *c = &entry->what;

    hwt_put_u8(w, entry->stream);
    hwt_put_u64le(w, c->first);
    hwt_put_u64le(w, c->last);
    hwt_put_u64le(w, (uint64_t)c->gain_q30);
    hwt_put_u64le(w, (uint64_t)c->cross_q30);
    hwt_put_u64le(w, (uint64_t)c->offset);
    hwt_put_u64le(w, (uint64_t)c->unix_ms);
    put_text(w, c->channel);
    put_text(w, c->cross);
    put_text(w, c->id);
}

size_t hwt_tslog_amend_put(const struct hwt_tslog_amended *amended, size_t from, unsigned part,
                           uint8_t page[HWT_TSLOG_PAGE], struct hwt_tslog_head *head)
{
    struct hwt_writer w;
    size_t i;

    hwt_writer_init(&w, page + HWT_TSLOG_HEAD, HWT_TSLOG_ROOM);
    for (i = from; i < amended->count && w.at + ENTRY_MAX <= HWT_TSLOG_ROOM; i++) {
        put_entry(&w, &amended->at[i]);
    }
    head->first = part;
    head->rows = (uint16_t)(i - from);
    head->used = (uint16_t)w.at;
    head->flags = i == amended->count ? HWT_TSLOG_LAST_PART : 0;
    return i;
}

static size_t entry_size(const struct hwt_tslog_correction *entry)
{
    const struct hwt_correction *c = &entry->what;

    return ENTRY_MAX - 3 * HWT_ID_MAX + strlen(c->channel) + strlen(c->cross) + strlen(c->id);
}

unsigned hwt_tslog_amend_parts(const struct hwt_tslog_amended *amended)
{
    unsigned parts = amended->count > 0;
    size_t used = 0;

    for (size_t i = 0; i < amended->count; i++) {
        if (used + ENTRY_MAX > HWT_TSLOG_ROOM) {
            parts++;
            used = 0;
        }
        used += entry_size(&amended->at[i]);
    }
    return parts;
}

/* --- reading --- */

static bool get_text(struct hwt_reader *r, char text[HWT_ID_MAX + 1])
{
    size_t n = hwt_get_u8(r);
    const uint8_t *p = n <= HWT_ID_MAX ? hwt_get_bytes(r, n) : NULL;

    memset(text, 0, HWT_ID_MAX + 1);
    if (p != NULL) {
        memcpy(text, p, n);
    }
    return p != NULL && strlen(text) == n;
}

static bool get_entry(struct hwt_reader *r, struct hwt_tslog_correction *entry)
{
    struct hwt_correction *c = &entry->what;

    entry->stream = hwt_get_u8(r);
    c->first = hwt_get_u64le(r);
    c->last = hwt_get_u64le(r);
    c->gain_q30 = (int64_t)hwt_get_u64le(r);
    c->cross_q30 = (int64_t)hwt_get_u64le(r);
    c->offset = (int64_t)hwt_get_u64le(r);
    c->unix_ms = (int64_t)hwt_get_u64le(r);
    return get_text(r, c->channel) && get_text(r, c->cross) && get_text(r, c->id) && r->ok &&
           entry->stream < HWT_TSLOG_STREAMS_MAX && correction_valid(c);
}

int hwt_tslog_amend_get(struct hwt_tslog_amended *amended, const uint8_t page[HWT_TSLOG_PAGE],
                        const struct hwt_tslog_head *head)
{
    struct hwt_reader r;

    hwt_reader_init(&r, page + HWT_TSLOG_HEAD, head->used);
    if (head->rows > HWT_TSLOG_CORRECTIONS_MAX - amended->count) {
        return HWT_ERR_CORRUPT;
    }
    for (unsigned i = 0; i < head->rows; i++) {
        if (!get_entry(&r, &amended->at[amended->count])) {
            return HWT_ERR_CORRUPT;
        }
        amended->count++;
    }
    return 0;
}

/* --- what a reader sees of it --- */

static uint32_t add_i64(uint32_t crc, int64_t v)
{
    uint8_t buf[8];
    struct hwt_writer w;

    hwt_writer_init(&w, buf, sizeof(buf));
    hwt_put_u64le(&w, (uint64_t)v);
    return hwt_crc32c(crc, buf, sizeof(buf));
}

uint32_t hwt_tslog_revision(const struct hwt_tslog_snapshot *snapshot, int stream, uint64_t first,
                            uint64_t last, bool unknown_time)
{
    const struct hwt_tslog_amended *a = &snapshot->amended;
    const struct hwt_tslog_root *root = &snapshot->root;
    uint8_t buf[ENTRY_MAX];
    uint32_t crc = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct hwt_correction *c = &a->at[i].what;

        if (a->at[i].stream == stream && c->first <= last && first <= c->last) {
            struct hwt_writer w;

            hwt_writer_init(&w, buf, sizeof(buf));
            put_entry(&w, &a->at[i]);
            crc = hwt_crc32c(crc, buf, w.at);
        }
    }
    for (size_t i = 0; unknown_time && i < root->anchors; i++) {
        if (root->anchor[i].stream == stream) {
            crc = add_i64(crc, root->anchor[i].at.boot);
            crc = add_i64(crc, root->anchor[i].at.clock);
            crc = add_i64(crc, root->anchor[i].at.mono_us);
            crc = add_i64(crc, root->anchor[i].at.unix_ms);
        }
    }
    return crc;
}
