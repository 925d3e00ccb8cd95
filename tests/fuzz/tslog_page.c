/*
 * tslog_page.c: a log whose pages were altered, with right checksums: opened, read in every way,
 * written on, opened again. Nothing may crash, read outside a page, or fail to end.
 *
 * Input: patches of (page u8, offset u16 le, length u8, bytes); each page patched gets its
 * checksums anew unless the page number has its high bit set.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/crc32c.h"
#include "core/tslog/internal.h"

enum { BLOCK = 8 * HWT_TSLOG_PAGE, BLOCKS = 15, PAGES = BLOCKS * 8, READS_MAX = 5000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t template[PAGES * HWT_TSLOG_PAGE], device[PAGES * HWT_TSLOG_PAGE];
static struct hwt_tslog tslog;
static struct hwt_tslog_snapshot snapshot;
static struct hwt_tslog_cursor cursor;
static struct hwt_tslog_buckets buckets;

static int bd_read(void *ctx, uint32_t block, uint32_t offset, void *buf, size_t n)
{
    (void)ctx;
    if (block >= BLOCKS || offset + n > BLOCK) {
        abort();
    }
    memcpy(buf, device + (size_t)block * BLOCK + offset, n);
    return 0;
}

static int bd_prog(void *ctx, uint32_t block, uint32_t offset, const void *buf, size_t n)
{
    (void)ctx;
    if (block >= BLOCKS || offset + n > BLOCK) {
        abort();
    }
    memcpy(device + (size_t)block * BLOCK + offset, buf, n);
    return 0;
}

static int bd_erase(void *ctx, uint32_t block)
{
    (void)ctx;
    if (block >= BLOCKS) {
        abort();
    }
    memset(device + (size_t)block * BLOCK, 0xFF, BLOCK);
    return 0;
}

static int bd_sync(void *ctx)
{
    (void)ctx;
    return 0;
}

static int open_log(void)
{
    struct hwt_tslog_config config = {
        .bd = {bd_read, bd_prog, bd_erase, bd_sync, NULL, BLOCK, BLOCKS, NULL}};
    struct hwt_tslog_recovery recovery;

    return hwt_tslog_open(&tslog, &config, &recovery);
}

static const struct hwt_channel channels[] = {{"a_power", HWT_Q_POWER},
                                              {"a_import", HWT_Q_IMPORT},
                                              {"b_flow_t", HWT_Q_FLOW_T},
                                              {"c_energy", HWT_Q_ENERGY}};

static int append(int stream, uint16_t count, int64_t i)
{
    struct hwt_value value[4];
    struct hwt_schema schema = {channels, count};
    struct hwt_record r = {.mono_us = i * 10000000,
                           .unix_ms = i % 90 == 0 ? HWT_TIME_UNKNOWN : i * 10000,
                           .boot = 1 + (uint32_t)(i / 500),
                           .span_ms = 10000,
                           .count = count,
                           .value = value};
    uint64_t sequence;

    for (unsigned k = 0; k < count; k++) {
        uint32_t noise =
            (uint32_t)i * 2654435761u >> (k == 2 ? 30 : 10); /* else it takes no room */

        value[k].v = i * (k % 2 == 1 ? 123456 : 1) + noise * (k == 3 ? 1000 : 1);
        value[k].age_ms = k == 3 && i % 6 != 0 ? (uint32_t)(i % 6) * 10000 : 0;
        value[k].quality = (i + k) % 17 == 0 ? HWT_QUALITY_MISSING : HWT_QUALITY_GOOD;
    }
    return hwt_tslog_append(&tslog, stream, &schema, &r, &sequence);
}

static void make_template(void)
{
    struct hwt_anchor anchor = {1, HWT_CLOCK_SYNCED, 0, 5};
    uint32_t boot;

    memset(device, 0xFF, sizeof(device));
    if (open_log() != 0 || hwt_tslog_stream(&tslog, "own", HWT_PROVENANCE_MEASURED) != 0 ||
        hwt_tslog_stream(&tslog, "import_1", HWT_PROVENANCE_IMPORTED) != 1 ||
        hwt_tslog_boot(&tslog, &boot) != 0 || hwt_tslog_anchor(&tslog, 0, &anchor) != 0) {
        abort();
    }
    for (int64_t i = 1; i <= 1600; i++) {
        if (append(0, i % 1000 < 600 ? 4 : 2, i) != 0 || (i % 60 == 0 && append(1, 3, i) != 0) ||
            (i % 200 == 0 && hwt_tslog_commit(&tslog) != 0)) {
            abort();
        }
    }
    if (hwt_tslog_commit(&tslog) != 0) {
        abort();
    }
    memcpy(template, device, sizeof(device));
}

static void seal(uint8_t *page)
{
    struct hwt_writer w;

    hwt_writer_init(&w, page + 92, 4);
    hwt_put_u32le(&w, hwt_crc32c(0, page + 8, 84));
    hwt_writer_init(&w, page + 4, 4);
    hwt_put_u32le(&w, hwt_crc32c(0, page + 8, HWT_TSLOG_PAGE - 8));
}

static void patch(const uint8_t *data, size_t size)
{
    struct hwt_reader r;

    hwt_reader_init(&r, data, size);
    while (hwt_reader_left(&r) >= 5) {
        uint8_t number = hwt_get_u8(&r);
        uint32_t offset = hwt_get_u16le(&r) % HWT_TSLOG_PAGE;
        size_t n = hwt_get_u8(&r);
        uint8_t *page = device + (size_t)((number & 0x7F) % PAGES) * HWT_TSLOG_PAGE;
        const uint8_t *bytes;

        n = n < hwt_reader_left(&r) ? n : hwt_reader_left(&r);
        n = n < HWT_TSLOG_PAGE - offset ? n : HWT_TSLOG_PAGE - offset;
        bytes = hwt_get_bytes(&r, n);
        if (bytes != NULL) {
            memcpy(page + offset, bytes, n);
        }
        if ((number & 0x80) == 0) {
            seal(page);
        }
    }
}

static void ignore_page(void *ctx, const struct hwt_tslog_page_report *page)
{
    (void)ctx;
    (void)page;
}

static void read_stream(int stream)
{
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    struct hwt_stream_info info;
    uint64_t lost, last = 0;
    int got, reads = 0;

    if (hwt_tslog_stream_info(&snapshot, stream, &info) != 0 ||
        hwt_tslog_cursor_open(&cursor, &snapshot, stream, 1) != 0) {
        return;
    }
    while ((got = hwt_tslog_cursor_next(&cursor, &schema, &record, &lost)) != 0) {
        if (got == 1 && (record->sequence <= last || record->count != schema->count)) {
            abort();
        }
        if (got != 1 && (got != HWT_ERR_LOST || lost == 0)) {
            abort();
        }
        last = got == 1 ? record->sequence : last;
        if (++reads > 20 * READS_MAX) {
            break;
        }
    }
    if (hwt_tslog_cursor_seek(&cursor, &snapshot, stream, 9000000) != 0) {
        return;
    }
    got = hwt_tslog_cursor_next(&cursor, &schema, &record, &lost);
}

static void read_all(void)
{
    static const char *const ids[] = {"a_power", "a_import", "c_energy"};
    static const struct hwt_tslog_range range = {.to_ms = 16000000, .step_ms = 700000};
    struct hwt_bucket b[3];
    int n = 0, got;

    hwt_tslog_snapshot(&tslog, &snapshot);
    for (int s = 0; s < hwt_tslog_streams(&snapshot); s++) {
        read_stream(s);
    }
    if (hwt_tslog_buckets_open(&buckets, &snapshot, ids, 3, &range) == 0) {
        while ((got = hwt_tslog_buckets_next(&buckets, b)) == 1) {
            n++;
        }
        if (got == 0 && n != 23) { /* 22 whole steps and the rest of the range */
            abort();
        }
    }
    if (hwt_tslog_verify(&snapshot, &cursor, ignore_page, NULL) < 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    uint32_t boot;

    if (!made) {
        make_template();
        made = true;
    }
    memcpy(device, template, sizeof(device));
    patch(data, size);
    if (open_log() != 0) {
        return 0;
    }
    read_all();
    if (hwt_tslog_stream(&tslog, "own", HWT_PROVENANCE_MEASURED) == 0 &&
        hwt_tslog_boot(&tslog, &boot) == 0) {
        for (int64_t i = 1; i <= 150 && append(0, i < 80 ? 4 : 2, 1600 + i) == 0; i++) {
        }
        if (hwt_tslog_commit(&tslog) == 0 && open_log() == 0) {
            read_all();
        }
    }
    return 0;
}
