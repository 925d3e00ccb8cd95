/*
 * page.c: a page's header and checksums.
 *
 *   0    4    8 9 10 11 12   16    24         32   40   48    56    64     68   70   72    74
 *   HWTL crc  v k st fl log  first generation min  max  first last  schema rows used block page
 *   76 members  78 next block  80 behind  84 oldest  88 index  92 header crc (bytes 8..91)
 *   96 content   4096   crc: bytes 8..4095
 *
 * The header has a checksum of its own, so that a directory of a block needs no whole pages.
 */
#include "core/base/crc32c.h"
#include "core/tslog/internal.h"

enum { AT_CRC = 4, AT_VERSION = 8, AT_HEAD_CRC = 92 };

static const uint8_t magic[4] = {'H', 'W', 'T', 'L'};

static void put_u32(uint8_t *p, uint32_t v)
{
    struct hwt_writer w;

    hwt_writer_init(&w, p, 4);
    hwt_put_u32le(&w, v);
}

static uint32_t get_u32(const uint8_t *p)
{
    struct hwt_reader r;

    hwt_reader_init(&r, p, 4);
    return hwt_get_u32le(&r);
}

/* 16 bits hold every block there can be; NO_BLOCK is 65535. */
static uint16_t block_number(uint32_t block)
{
    return (uint16_t)(block < UINT16_MAX ? block : UINT16_MAX);
}

static uint32_t get_block(struct hwt_reader *r)
{
    uint16_t block = hwt_get_u16le(r);

    return block == UINT16_MAX ? HWT_TSLOG_NO_BLOCK : block;
}

void hwt_tslog_page_seal(uint8_t page[HWT_TSLOG_PAGE], const struct hwt_tslog_head *head)
{
    uint64_t behind = head->generation - head->settled + 1;
    struct hwt_writer w;

    behind = head->settled == 0 || behind > UINT32_MAX ? 0 : behind; /* 0: none known */
    memset(page, 0, HWT_TSLOG_HEAD);
    memset(page + HWT_TSLOG_HEAD + head->used, 0, (size_t)HWT_TSLOG_ROOM - head->used);
    memcpy(page, magic, sizeof(magic));
    hwt_writer_init(&w, page + AT_VERSION, AT_HEAD_CRC - AT_VERSION);
    hwt_put_u8(&w, head->version);
    hwt_put_u8(&w, head->kind);
    hwt_put_u8(&w, head->stream);
    hwt_put_u8(&w, head->flags);
    hwt_put_u32le(&w, head->log);
    hwt_put_u64le(&w, head->first);
    hwt_put_u64le(&w, head->generation);
    hwt_put_u64le(&w, (uint64_t)head->min_ms);
    hwt_put_u64le(&w, (uint64_t)head->max_ms);
    hwt_put_u64le(&w, (uint64_t)head->first_ms);
    hwt_put_u64le(&w, (uint64_t)head->last_ms);
    hwt_put_u32le(&w, head->schema);
    hwt_put_u16le(&w, head->rows);
    hwt_put_u16le(&w, head->used);
    hwt_put_u16le(&w, block_number(head->place_block));
    hwt_put_u16le(&w, head->place_page);
    hwt_put_u16le(&w, head->members);
    hwt_put_u16le(&w, block_number(head->next_block));
    hwt_put_u32le(&w, (uint32_t)behind);
    hwt_put_u32le(&w, head->oldest);
    hwt_put_u32le(&w, head->index);
    put_u32(page + AT_HEAD_CRC, hwt_crc32c(0, page + AT_VERSION, AT_HEAD_CRC - AT_VERSION));
    put_u32(page + AT_CRC, hwt_crc32c(0, page + AT_VERSION, HWT_TSLOG_PAGE - AT_VERSION));
}

int hwt_tslog_head_get(const uint8_t *page, struct hwt_tslog_head *head_out)
{
    struct hwt_tslog_head h;
    struct hwt_reader r;
    uint32_t behind;

    if (memcmp(page, magic, sizeof(magic)) != 0 ||
        get_u32(page + AT_HEAD_CRC) != hwt_crc32c(0, page + AT_VERSION, AT_HEAD_CRC - AT_VERSION)) {
        return HWT_ERR_CORRUPT;
    }
    hwt_reader_init(&r, page + AT_VERSION, AT_HEAD_CRC - AT_VERSION);
    h.version = hwt_get_u8(&r);
    h.kind = hwt_get_u8(&r);
    h.stream = hwt_get_u8(&r);
    h.flags = hwt_get_u8(&r);
    h.log = hwt_get_u32le(&r);
    h.first = hwt_get_u64le(&r);
    h.generation = hwt_get_u64le(&r);
    h.min_ms = (int64_t)hwt_get_u64le(&r);
    h.max_ms = (int64_t)hwt_get_u64le(&r);
    h.first_ms = (int64_t)hwt_get_u64le(&r);
    h.last_ms = (int64_t)hwt_get_u64le(&r);
    h.schema = hwt_get_u32le(&r);
    h.rows = hwt_get_u16le(&r);
    h.used = hwt_get_u16le(&r);
    h.place_block = get_block(&r);
    h.place_page = hwt_get_u16le(&r);
    h.members = hwt_get_u16le(&r);
    h.next_block = get_block(&r);
    behind = hwt_get_u32le(&r);
    h.settled = behind == 0 || behind > h.generation ? 0 : h.generation - behind + 1;
    h.oldest = hwt_get_u32le(&r);
    h.index = hwt_get_u32le(&r);
    if (h.version != HWT_TSLOG_VERSION) {
        return HWT_ERR_UNSUPPORTED;
    }
    if (h.used > HWT_TSLOG_ROOM || h.first > HWT_TSLOG_SEQUENCE_MAX) {
        return HWT_ERR_CORRUPT;
    }
    *head_out = h;
    return 0;
}

int hwt_tslog_page_open(const uint8_t page[HWT_TSLOG_PAGE], struct hwt_tslog_head *head_out)
{
    int err = hwt_tslog_head_get(page, head_out);

    if (err == 0 &&
        get_u32(page + AT_CRC) != hwt_crc32c(0, page + AT_VERSION, HWT_TSLOG_PAGE - AT_VERSION)) {
        err = HWT_ERR_CORRUPT;
    }
    return err;
}

uint32_t hwt_tslog_page_crc(const uint8_t *page)
{
    return get_u32(page + AT_CRC);
}

bool hwt_tslog_page_blank(const uint8_t page[HWT_TSLOG_PAGE])
{
    return memcmp(page, page + 1, HWT_TSLOG_PAGE - 1) == 0;
}

struct hwt_tslog_head hwt_tslog_head_new(uint32_t log, enum hwt_tslog_page_kind kind, int stream)
{
    return (struct hwt_tslog_head){
        .version = HWT_TSLOG_VERSION,
        .kind = (uint8_t)kind,
        .stream = (uint8_t)stream,
        .log = log,
        .min_ms = INT64_MAX,
        .max_ms = INT64_MIN,
        .first_ms = HWT_TIME_UNKNOWN,
        .last_ms = HWT_TIME_UNKNOWN,
        .place_block = HWT_TSLOG_NO_BLOCK,
        .next_block = HWT_TSLOG_NO_BLOCK,
    };
}

int64_t hwt_tslog_start_ms(const struct hwt_record *record)
{
    return record->unix_ms == HWT_TIME_UNKNOWN ? HWT_TIME_UNKNOWN
                                               : hwt_wrap_sub(record->unix_ms, record->span_ms);
}

void hwt_tslog_head_add_time(struct hwt_tslog_head *head, const struct hwt_record *record)
{
    int64_t start = hwt_tslog_start_ms(record);

    if (head->rows == 0) {
        head->first_ms = record->unix_ms;
    }
    head->last_ms = record->unix_ms;
    if (start == HWT_TIME_UNKNOWN) {
        head->flags |= HWT_TSLOG_UNKNOWN_TIME;
        return;
    }
    head->min_ms = start < head->min_ms ? start : head->min_ms;
    head->max_ms = start > head->max_ms ? start : head->max_ms;
}
