/*
 * Sheets of roll-ups from hostile bytes: the reader refuses them or gives numbers, and reads
 * nothing else. Checksums are mended first, else hardly any input would get past them.
 *
 *   input   the sheet, as on the device
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/crc32c.h"
#include "core/tslog/roll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 8 * HWT_TSLOG_PAGE, LOG = 7 };

static uint8_t block[BLOCK];
static struct hwt_rollup_reader reader;

static int bd_read(void *ctx, uint32_t number, uint32_t offset, void *buf, size_t n)
{
    (void)ctx;
    if (number != 0 || offset > BLOCK || n > BLOCK - offset) {
        abort();
    }
    memcpy(buf, block + offset, n);
    return 0;
}

static void put_crc(uint8_t *to, uint32_t crc)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(crc >> (8 * i));
    }
}

/* The head as if it were right. False: it cannot be. */
static bool mend_head(struct hwt_rollup_sheet *sheet)
{
    uint32_t log;

    memcpy(block, "HWTR", 4);
    put_crc(block + 4, hwt_crc32c(0, block + 8, HWT_ROLL_HEAD - 8));
    if (hwt_roll_head_get(block, &log, sheet) != 0 || sheet->pages > BLOCK / HWT_TSLOG_PAGE) {
        return false;
    }
    sheet->index_crc =
        hwt_crc32c(hwt_roll_seed(log, sheet), block + HWT_ROLL_HEAD, sheet->front - HWT_ROLL_HEAD);
    hwt_roll_head_put(block, LOG, sheet);
    sheet->index_crc =
        hwt_crc32c(hwt_roll_seed(LOG, sheet), block + HWT_ROLL_HEAD, sheet->front - HWT_ROLL_HEAD);
    hwt_roll_head_put(block, LOG, sheet);
    return true;
}

/* A column's checksum, if it lies within the sheet. */
static void mend_columns(const struct hwt_rollup_sheet *sheet, const struct hwt_rollup_channel *c)
{
    for (unsigned level = 0; level < HWT_ROLL_LEVELS; level++) {
        for (unsigned k = 0; k < HWT_ROLL_COLUMNS; k++) {
            uint32_t at = c->at[level][k], n = c->bytes[level][k];

            if (n >= 4 && at <= BLOCK && n <= BLOCK - at) {
                put_crc(block + at + n - 4,
                        hwt_crc32c(hwt_roll_seed(LOG, sheet) + 16 * level + k, block + at, n - 4));
            }
        }
    }
}

/* The parts that the index names; the reader tells where a head ends by failing after it. */
static void mend_channels(const struct hwt_rollup_sheet *sheet)
{
    struct hwt_bd bd = {.read = bd_read, .block_size = BLOCK, .block_count = 1};
    struct hwt_roll_index entry;
    struct hwt_rollup_channel head;
    size_t at = 0;

    if (hwt_roll_open(&reader, &bd, LOG, sheet) != 0) {
        return;
    }
    while (hwt_roll_index_next(&reader, &at, &entry) == 1) {
        for (uint32_t n = 9; n < 100; n++) { /* a head's length follows from its content */
            if (entry.offset > BLOCK || n + 4 > BLOCK - entry.offset) {
                break;
            }
            uint8_t was[4];

            memcpy(was, block + entry.offset + n, 4);
            put_crc(block + entry.offset + n,
                    hwt_crc32c(hwt_roll_seed(LOG, sheet), block + entry.offset, n));
            reader.cached = 0;
            if (hwt_roll_channel_get(&reader, entry.offset, &head) == 0) {
                mend_columns(sheet, &head);
                break;
            }
            memcpy(block + entry.offset + n, was, 4);
        }
        reader.cached = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hwt_bd bd = {.read = bd_read, .block_size = BLOCK, .block_count = 1};
    struct hwt_rollup_sheet sheet = {0};

    memset(block, 0, sizeof(block));
    memcpy(block, data, size < BLOCK ? size : BLOCK);
    if (mend_head(&sheet)) {
        mend_channels(&sheet);
        (void)!hwt_roll_check(&reader, &bd, LOG, &sheet);
    }
    return 0;
}
