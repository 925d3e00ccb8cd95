/*
 * root.c: the superblock, written once, and the root: stream table, boot count, anchors.
 *
 *   super: header │ uuid 16 │ block size u32 │ blocks u32 │ compat, ro_compat, incompat u32 each
 *   root:  header │ boot u32 │ 8 x (provenance u8, name length u8, name) │ anchors u16 │
 *          (stream u8, boot u32, clock u8, mono_us i64, unix_ms i64) …
 */
#include "core/tslog/internal.h"

void hwt_tslog_root_put(const struct hwt_tslog_root *root, uint8_t page[HWT_TSLOG_PAGE],
                        struct hwt_tslog_head *head)
{
    struct hwt_writer w;

    hwt_writer_init(&w, page + HWT_TSLOG_HEAD, HWT_TSLOG_ROOM);
    hwt_put_u32le(&w, root->boot);
    for (size_t s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        size_t n = strlen(root->stream[s].name);

        hwt_put_u8(&w, root->stream[s].provenance);
        hwt_put_u8(&w, (uint8_t)n);
        hwt_put_bytes(&w, root->stream[s].name, n);
    }
    hwt_put_u16le(&w, root->anchors);
    for (size_t i = 0; i < root->anchors; i++) {
        hwt_put_u8(&w, root->anchor[i].stream);
        hwt_put_u32le(&w, root->anchor[i].at.boot);
        hwt_put_u8(&w, root->anchor[i].at.clock);
        hwt_put_u64le(&w, (uint64_t)root->anchor[i].at.mono_us);
        hwt_put_u64le(&w, (uint64_t)root->anchor[i].at.unix_ms);
    }
    head->used = (uint16_t)w.at;
}

int hwt_tslog_root_get(struct hwt_tslog_root *root_out, const uint8_t *page,
                       const struct hwt_tslog_head *head)
{
    struct hwt_tslog_root *root = root_out;
    struct hwt_reader r;

    memset(root, 0, sizeof(*root));
    hwt_reader_init(&r, page + HWT_TSLOG_HEAD, head->used);
    root->boot = hwt_get_u32le(&r);
    for (size_t s = 0; s < HWT_TSLOG_STREAMS_MAX; s++) {
        const uint8_t *name;
        uint8_t n;

        root->stream[s].provenance = hwt_get_u8(&r);
        n = hwt_get_u8(&r);
        name = n <= HWT_ID_MAX ? hwt_get_bytes(&r, n) : NULL;
        if (name == NULL || root->stream[s].provenance >= HWT_PROVENANCE_COUNT) {
            return HWT_ERR_CORRUPT;
        }
        memcpy(root->stream[s].name, name, n);
    }
    root->anchors = hwt_get_u16le(&r);
    if (root->anchors > HWT_TSLOG_ANCHORS_MAX) {
        return HWT_ERR_CORRUPT;
    }
    for (size_t i = 0; i < root->anchors; i++) {
        root->anchor[i].stream = hwt_get_u8(&r);
        root->anchor[i].at.boot = hwt_get_u32le(&r);
        root->anchor[i].at.clock = hwt_get_u8(&r);
        root->anchor[i].at.mono_us = (int64_t)hwt_get_u64le(&r);
        root->anchor[i].at.unix_ms = (int64_t)hwt_get_u64le(&r);
    }
    return r.ok ? 0 : HWT_ERR_CORRUPT;
}

static void super_put(const struct hwt_tslog *log, uint8_t page[HWT_TSLOG_PAGE])
{
    struct hwt_tslog_head head = hwt_tslog_head_new(log->log, HWT_TSLOG_SUPER, 0);
    struct hwt_writer w;

    hwt_writer_init(&w, page + HWT_TSLOG_HEAD, HWT_TSLOG_ROOM);
    hwt_put_bytes(&w, log->uuid, sizeof(log->uuid));
    hwt_put_u32le(&w, log->bd.block_size);
    hwt_put_u32le(&w, log->bd.block_count);
    hwt_put_u32le(&w, 0); /* compat: unknown bits may be ignored */
    hwt_put_u32le(&w, 0); /* ro_compat: unknown bits forbid writing */
    hwt_put_u32le(&w, 0); /* incompat: unknown bits forbid reading */
    head.used = (uint16_t)w.at;
    hwt_tslog_page_seal(page, &head);
}

static int super_get(struct hwt_tslog *log, const uint8_t page[HWT_TSLOG_PAGE])
{
    struct hwt_tslog_head head;
    struct hwt_reader r;
    const uint8_t *uuid;
    uint32_t block_size, ro_compat, incompat;
    int err = hwt_tslog_page_open(page, &head);

    if (err != 0) {
        return err;
    }
    hwt_reader_init(&r, page + HWT_TSLOG_HEAD, head.used);
    uuid = hwt_get_bytes(&r, sizeof(log->uuid));
    block_size = hwt_get_u32le(&r);
    (void)hwt_get_bytes(&r, 8); /* blocks when made, compat */
    ro_compat = hwt_get_u32le(&r);
    incompat = hwt_get_u32le(&r);
    if (!r.ok || head.kind != HWT_TSLOG_SUPER) {
        return HWT_ERR_CORRUPT;
    }
    if (incompat != 0 || (ro_compat != 0 && !log->read_only)) {
        return HWT_ERR_UNSUPPORTED;
    }
    if (block_size != log->bd.block_size) {
        return HWT_ERR_ARGUMENT;
    }
    memcpy(log->uuid, uuid, sizeof(log->uuid));
    log->log = head.log;
    return 0;
}

/* One copy after the other, each synced: at any cut one of both is blank or one is right. */
static int format(struct hwt_tslog *log, const uint8_t uuid[16])
{
    struct hwt_reader r;
    int err = 0;

    if (log->read_only || log->no_format) {
        return HWT_ERR_NOT_FOUND;
    }
    memcpy(log->uuid, uuid, sizeof(log->uuid));
    hwt_reader_init(&r, uuid, 4);
    log->log = hwt_get_u32le(&r);
    for (uint32_t b = 0; err == 0 && b < log->control_blocks; b++) {
        err = log->bd.erase(log->bd.ctx, b);
    }
    err = err == 0 ? hwt_tslog_sync(log) : err;
    super_put(log, log->scratch);
    for (uint32_t copy = 0; err == 0 && copy < 2; copy++) {
        err = hwt_tslog_control_write(log, HWT_TSLOG_SUPER_PAGE + copy, log->scratch);
        err = err == 0 ? hwt_tslog_sync(log) : err;
    }
    log->recovery.formatted = err == 0;
    return err;
}

int hwt_tslog_super_open(struct hwt_tslog *log, const uint8_t uuid[16])
{
    int err[2] = {0, 0}, got;
    bool blank[2];

    for (uint32_t copy = 0; copy < 2; copy++) {
        got = hwt_tslog_control_read(log, HWT_TSLOG_SUPER_PAGE + copy, log->scratch);
        if (got != 0) {
            return got;
        }
        blank[copy] = hwt_tslog_page_blank(log->scratch);
        err[copy] = super_get(log, log->scratch);
    }
    if (err[0] == HWT_ERR_CORRUPT && err[1] == HWT_ERR_CORRUPT && blank[1]) {
        return format(log, uuid);
    }
    if (err[0] != 0 && err[1] != 0) {
        return err[0] == HWT_ERR_CORRUPT ? err[1] : err[0];
    }
    if (err[0] == 0 && err[1] == 0) {
        return 0;
    }
    log->recovery.pages_bad += blank[1] ? 0 : 1;
    log->control_bad |= blank[1] ? 0 : UINT64_C(1) << (err[0] == 0);
    if (log->read_only) {
        return 0;
    }
    /* as it is, with bits that this version does not know */
    got = hwt_tslog_control_read(log, HWT_TSLOG_SUPER_PAGE + (err[0] != 0), log->scratch);
    got = got == 0
              ? hwt_tslog_control_write(log, HWT_TSLOG_SUPER_PAGE + (err[0] == 0), log->scratch)
              : got;
    return got == 0 ? hwt_tslog_sync(log) : got;
}
