/*
 * mbus_telegram.c: what stands before the records of a reply, EN 13757-3, 5 and 6.
 *
 *   68 L L 68 08 A 72 | id id id id  man man  ver  med  acc  st  sig sig | records | CS 16
 *                       BCD, LS first
 *
 * Captured (Kamstrup 601): 17 58 85 06  2D 2C  08  04  04  00  00 00 = 06855817, KAM, version 8,
 * heat (outlet), access 4, status 0.
 */
#include "core/base/bytes.h"
#include "core/wire/mbus.h"

enum { CI_REPORT = 0x70, CI_LONG = 0x72, CI_FIXED = 0x73, CI_NONE = 0x78, CI_SHORT = 0x7A };

static int refuse(struct hwt_mbus_fault *f, int err, size_t at, const char *what)
{
    f->at = at;
    f->what = what;
    return err;
}

/* The meter's own error report, EN 13757-3, 8: an optional code. */
static const char *report_text(uint8_t code)
{
    static const char *const text[] = {
        [0] = "the meter reports an unspecified error",
        [1] = "the meter reports: CI field not implemented",
        [2] = "the meter reports: buffer too long, truncated",
        [3] = "the meter reports: too many records",
        [4] = "the meter reports: premature end of record",
        [5] = "the meter reports: more than 10 DIFEs",
        [6] = "the meter reports: more than 10 VIFEs",
        [8] = "the meter reports: application busy",
        [9] = "the meter reports: too many readouts",
    };

    if (code < sizeof(text) / sizeof(text[0]) && text[code] != NULL) {
        return text[code];
    }
    return "the meter reports an error with a code that is not standard";
}

/* Security modes that hide the records: AES with CBC (5), CTR (7), TLS (13). OMS volume 2, 7.2. */
static bool encrypted(uint16_t configuration)
{
    unsigned mode = (configuration >> 8) & 0x1F;

    return mode == 5 || mode == 7 || mode == 13;
}

static void read_long_header(struct hwt_reader *r, struct hwt_mbus_telegram *t)
{
    t->identified = t->has_status = true;
    t->id = hwt_get_u32le(r);
    t->manufacturer = hwt_get_u16le(r);
    t->version = hwt_get_u8(r);
    t->medium = hwt_get_u8(r);
    t->access = hwt_get_u8(r);
    t->status = hwt_get_u8(r);
    t->signature = hwt_get_u16le(r);
}

static void read_short_header(struct hwt_reader *r, struct hwt_mbus_telegram *t)
{
    t->has_status = true;
    t->access = hwt_get_u8(r);
    t->status = hwt_get_u8(r);
    t->signature = hwt_get_u16le(r);
}

/* Fixed structure: the two unit octets hold six bits of unit each and the medium in their tops. */
static void read_fixed_header(struct hwt_reader *r, struct hwt_mbus_telegram *t)
{
    t->fixed = t->identified = t->has_status = true;
    t->id = hwt_get_u32le(r);
    t->access = hwt_get_u8(r);
    t->status = hwt_get_u8(r);
    t->fixed_unit[0] = hwt_get_u8(r);
    t->fixed_unit[1] = hwt_get_u8(r);
    t->medium = (uint8_t)((t->fixed_unit[0] >> 6) | ((t->fixed_unit[1] >> 6) << 2));
}

static int read_header(const struct hwt_mbus_frame *frame, struct hwt_reader *r,
                       struct hwt_mbus_telegram *t, struct hwt_mbus_fault *f)
{
    switch (frame->ci) {
    case CI_REPORT:
        t->report = frame->data_size > 0 ? frame->data[0] : 0;
        return refuse(f, HWT_ERR_APPLICATION, 6, report_text(t->report));
    case CI_LONG:
        read_long_header(r, t);
        break;
    case CI_FIXED:
        read_fixed_header(r, t);
        break;
    case CI_SHORT:
        read_short_header(r, t);
        break;
    case CI_NONE:
        break;
    default:
        return refuse(f, HWT_ERR_UNSUPPORTED, 6, "CI is none of 70, 72, 73, 78, 7A");
    }
    if (!r->ok) {
        return refuse(f, HWT_ERR_LENGTH, 7 + frame->data_size, "header cut off");
    }
    if (encrypted(t->signature)) {
        return refuse(f, HWT_ERR_UNSUPPORTED, 7 + r->at - 2, "the records are encrypted");
    }
    return 0;
}

int hwt_mbus_open(const struct hwt_mbus_frame *frame, struct hwt_mbus_telegram *telegram_out,
                  struct hwt_mbus_fault *fault_out)
{
    struct hwt_mbus_telegram t = {.address = frame->a, .ci = frame->ci, .start = frame->octets};
    struct hwt_reader r;
    int err;

    if (frame->shape != HWT_MBUS_LONG) {
        return refuse(fault_out, HWT_ERR_NOT_MINE, 0, "not a reply with data");
    }
    if ((frame->c & 0xCF) != HWT_MBUS_RSP_UD) { /* ACD and DFC may be set */
        return refuse(fault_out, HWT_ERR_NOT_MINE, 4, "C field is not that of a reply");
    }
    hwt_reader_init(&r, frame->data, frame->data_size);
    err = read_header(frame, &r, &t, fault_out);
    if (err != 0) {
        telegram_out->report = t.report;
        return err;
    }
    t.p = frame->data + r.at;
    t.n = hwt_reader_left(&r);
    if (t.fixed && t.n != 8) {
        return refuse(fault_out, HWT_ERR_LENGTH, 7 + r.at, "two counters need 8 octets");
    }
    *telegram_out = t;
    return 0;
}

int hwt_mbus_verify(struct hwt_mbus_telegram *telegram, struct hwt_mbus_fault *fault_out)
{
    struct hwt_mbus_telegram copy = *telegram;
    struct hwt_mbus_record record;
    int got;

    do {
        got = hwt_mbus_next(&copy, &record, fault_out);
    } while (got > 0);
    telegram->more = copy.more;
    return got;
}
