/*
 * columns.c: the schema as the log stores it.
 *
 *   schema page: header │ first channel u16 │ channels in all u16 │ quantity u8, coding u8,
 *                                                                    length u8, id … (each)
 *                  a block's first: │ chain (chain.c)
 *
 * A schema is named by its content: its id is the CRC-32C of the channels as stored, so a page of
 * records can be read with any copy. Each block holds two copies of every schema its pages use.
 */
#include "core/base/crc32c.h"
#include "core/base/quantity.h"
#include "core/tslog/internal.h"

enum { PART_HEAD = 4, CODING_RICE = 2 };

bool hwt_tslog_id_valid(const char *id)
{
    size_t n = 0;

    while (n <= HWT_ID_MAX && id[n] != '\0') {
        bool good =
            (id[n] >= 'a' && id[n] <= 'z') || (id[n] >= '0' && id[n] <= '9') || id[n] == '_';

        if (!good) {
            return false;
        }
        n++;
    }
    return n >= 1 && n <= HWT_ID_MAX;
}

/* Bytes of a channel into buf[HWT_TSLOG_CHANNEL_MAX]; how many. */
static size_t put_channel(const struct hwt_tslog_columns *c, size_t i, uint8_t *buf)
{
    size_t n = strlen(c->channel[i].id);

    buf[0] = c->channel[i].quantity;
    buf[1] = CODING_RICE;
    buf[2] = (uint8_t)n;
    memcpy(buf + 3, c->channel[i].id, n);
    return 3 + n;
}

static uint32_t columns_id(const struct hwt_tslog_columns *c)
{
    uint8_t buf[HWT_TSLOG_CHANNEL_MAX];
    uint32_t crc = 0;

    for (size_t i = 0; i < c->count; i++) {
        crc = hwt_crc32c(crc, buf, put_channel(c, i, buf));
    }
    return crc;
}

static bool repeated(const struct hwt_schema *schema, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(schema->channel[k].id, schema->channel[i].id) == 0) {
            return true;
        }
    }
    return false;
}

int hwt_tslog_columns_set(struct hwt_tslog_columns *columns, const struct hwt_schema *schema)
{
    if (schema->count < 1 || schema->count > HWT_CHANNELS_MAX) {
        return HWT_ERR_ARGUMENT;
    }
    for (size_t i = 0; i < schema->count; i++) {
        if (!hwt_tslog_id_valid(schema->channel[i].id) ||
            hwt_quantity_get(schema->channel[i].quantity) == NULL || repeated(schema, i)) {
            return HWT_ERR_ARGUMENT;
        }
    }
    memset(columns, 0, sizeof(*columns));
    columns->count = schema->count;
    for (size_t i = 0; i < schema->count; i++) {
        const struct hwt_channel *from = &schema->channel[i];

        memcpy(columns->channel[i].id, from->id, strlen(from->id));
        columns->channel[i].quantity = from->quantity;
    }
    columns->id = columns_id(columns);
    return 0;
}

bool hwt_tslog_columns_equal(const struct hwt_tslog_columns *columns,
                             const struct hwt_schema *schema)
{
    if (columns->count != schema->count) {
        return false;
    }
    if (memcmp(columns->channel, schema->channel, schema->count * sizeof(columns->channel[0])) ==
        0) {
        return true; /* mostly; else bytes behind an id may differ */
    }
    for (size_t i = 0; i < schema->count; i++) {
        if (columns->channel[i].quantity != schema->channel[i].quantity ||
            strcmp(columns->channel[i].id, schema->channel[i].id) != 0) {
            return false;
        }
    }
    return true;
}

/* The first channel that page `part` holds; count if there are fewer parts. */
static size_t part_start(const struct hwt_tslog_columns *c, unsigned part)
{
    uint8_t buf[HWT_TSLOG_CHANNEL_MAX];
    size_t used = PART_HEAD;

    for (size_t i = 0; i < c->count; i++) {
        size_t n = put_channel(c, i, buf);

        if (used + n > HWT_TSLOG_ROOM - HWT_TSLOG_CHAIN_ROOM) {
            part--;
            used = PART_HEAD;
        }
        if (part == 0) {
            return i;
        }
        used += n;
    }
    return c->count;
}

unsigned hwt_tslog_columns_parts(const struct hwt_tslog_columns *columns)
{
    unsigned parts = 1;

    while (part_start(columns, parts) < columns->count) {
        parts++;
    }
    return parts;
}

void hwt_tslog_columns_put(const struct hwt_tslog_columns *columns, unsigned part,
                           uint8_t page[HWT_TSLOG_PAGE], struct hwt_tslog_head *head)
{
    size_t start = part_start(columns, part), end = part_start(columns, part + 1);
    uint8_t buf[HWT_TSLOG_CHANNEL_MAX];
    struct hwt_writer w;

    hwt_writer_init(&w, page + HWT_TSLOG_HEAD, HWT_TSLOG_ROOM);
    hwt_put_u16le(&w, (uint16_t)start);
    hwt_put_u16le(&w, columns->count);
    for (size_t i = start; i < end; i++) {
        hwt_put_bytes(&w, buf, put_channel(columns, i, buf));
    }
    head->schema = columns->id;
    head->rows = (uint16_t)(end - start);
    head->used = (uint16_t)w.at;
}

static bool get_channel(struct hwt_reader *r, struct hwt_channel *channel)
{
    uint8_t coding;
    uint8_t n;
    const uint8_t *id;

    channel->quantity = hwt_get_u8(r);
    coding = hwt_get_u8(r);
    n = hwt_get_u8(r);
    id = n <= HWT_ID_MAX ? hwt_get_bytes(r, n) : NULL;
    if (id == NULL) {
        return false;
    }
    memset(channel->id, 0, sizeof(channel->id));
    memcpy(channel->id, id, n);
    return coding == CODING_RICE && hwt_tslog_id_valid(channel->id);
}

/* Takes a part of the schema, if it is the next one wanted. */
static void take_part(struct hwt_tslog_columns *c, const uint8_t *page,
                      const struct hwt_tslog_head *head, size_t *have)
{
    struct hwt_reader r;
    size_t start, count;

    hwt_reader_init(&r, page + HWT_TSLOG_HEAD, head->used);
    start = hwt_get_u16le(&r);
    count = hwt_get_u16le(&r);
    if (!r.ok || count > HWT_CHANNELS_MAX || start != *have || start + head->rows > count) {
        return;
    }
    for (size_t i = start; i < start + head->rows; i++) {
        if (!get_channel(&r, &c->channel[i])) {
            return;
        }
    }
    c->count = (uint16_t)count;
    *have = start + head->rows;
}

int hwt_tslog_columns_load(const struct hwt_bd *bd, uint32_t log, uint32_t block, uint32_t id,
                           uint8_t scratch[HWT_TSLOG_PAGE], struct hwt_tslog_columns *columns_out)
{
    uint32_t pages = bd->block_size / HWT_TSLOG_PAGE;
    size_t have = 0;

    columns_out->count = 0;
    for (uint32_t p = 0; p < pages; p++) {
        struct hwt_tslog_head head;
        int err = bd->read(bd->ctx, block, p * HWT_TSLOG_PAGE, scratch, HWT_TSLOG_HEAD);

        if (err != 0) {
            return err;
        }
        if (hwt_tslog_head_get(scratch, &head) != 0 || head.kind != HWT_TSLOG_SCHEMA ||
            head.log != log || head.schema != id) {
            continue;
        }
        err = bd->read(bd->ctx, block, p * HWT_TSLOG_PAGE, scratch, HWT_TSLOG_PAGE);
        if (err != 0) {
            return err;
        }
        if (hwt_tslog_page_open(scratch, &head) == 0) {
            take_part(columns_out, scratch, &head, &have);
        }
        if (have > 0 && have == columns_out->count) {
            if (columns_id(columns_out) == id) {
                columns_out->id = id;
                return 0;
            }
            have = 0; /* not what it says; the other copy may be */
        }
    }
    columns_out->count = 0;
    return HWT_ERR_NOT_FOUND;
}
