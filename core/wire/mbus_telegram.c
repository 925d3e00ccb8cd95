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

/* EN 13757-7, table 1; before 2013 bit 2 of a CI said "mode 2", most significant octet first. */
enum {
    CI_REPORT_SHORT = 0x6E,
    CI_REPORT_LONG = 0x6F,
    CI_REPORT = 0x70,
    CI_ALARM = 0x71,
    CI_LONG = 0x72,
    CI_FIXED = 0x73,
    CI_ALARM_SHORT = 0x74,
    CI_ALARM_LONG = 0x75,
    CI_LONG_MSB = 0x76,
    CI_FIXED_MSB = 0x77,
    CI_NONE = 0x78,
    CI_SHORT = 0x7A
};
enum { SHORT_HEADER = 4, LONG_HEADER = 12, FIXED_SIZE = 16 };

static int refuse(struct hwt_mbus_fault *f, int err, size_t at, const char *what)
{
    f->at = at;
    f->what = what;
    return err;
}

/* The meter's own error report, EN 13757-3, 10: an optional code. */
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
        [0x10] = "the meter reports: access denied",
        [0x11] = "the meter reports: command unknown",
        [0x12] = "the meter reports: parameter missing or wrong",
        [0x13] = "the meter reports: receiver address unknown",
        [0x14] = "the meter reports: decryption failed",
        [0x15] = "the meter reports: encryption method not supported",
        [0x16] = "the meter reports: signature method not supported",
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

/* Replies that are right but of a kind not read here. Ranges in ascending order. */
static const char *unsupported_text(uint8_t ci)
{
    static const struct {
        uint8_t from, to;
        const char *text;
    } rows[] = {
        {0x60, 0x65, "DLMS/COSEM or OBIS data is not supported"},
        {0x66, 0x68, "a reply about the selected application is not supported"},
        {0x69, 0x6B, "an M-Bus format frame (OMS) is not supported"},
        {0x73, 0x73, "a compact frame with long header (OMS) is not supported"},
        {0x79, 0x79, "a compact frame (OMS) is not supported"},
        {0x7B, 0x7B, "a compact frame with short header (OMS) is not supported"},
        {0x7C, 0x7F, "DLMS/COSEM or OBIS data is not supported"},
        {0x80, 0x8B, "a transport layer frame is not supported"},
        {0x8C, 0x8F, "an extended link layer frame is not supported"},
        {0x90, 0x90, "an authentication and fragmentation frame is not supported"},
        {0xA0, 0xB7, "a manufacturer specific CI is not supported"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ci >= rows[i].from && ci <= rows[i].to) {
            return rows[i].text;
        }
    }
    return "CI is none of 70 to 78, 7A";
}

static uint32_t get_number(struct hwt_reader *r, size_t n, bool msb_first)
{
    return (uint32_t)(msb_first ? hwt_get_be(r, n) : hwt_get_le(r, n));
}

static void read_short_header(struct hwt_reader *r, struct hwt_mbus_telegram *t)
{
    t->has_status = true;
    t->access = hwt_get_u8(r);
    t->status = hwt_get_u8(r);
    t->signature = (uint16_t)get_number(r, 2, t->msb_first);
}

static void read_long_header(struct hwt_reader *r, struct hwt_mbus_telegram *t)
{
    t->identified = true;
    t->id = get_number(r, 4, t->msb_first);
    t->manufacturer = (uint16_t)get_number(r, 2, t->msb_first);
    t->version = hwt_get_u8(r);
    t->medium = hwt_get_u8(r);
    read_short_header(r, t);
}

/* Fixed structure: the two unit octets hold six bits of unit each and the medium in their tops. */
static void read_fixed_header(struct hwt_reader *r, struct hwt_mbus_telegram *t)
{
    uint32_t units;

    t->fixed = t->identified = t->has_status = true;
    t->id = get_number(r, 4, t->msb_first);
    t->access = hwt_get_u8(r);
    t->status = hwt_get_u8(r);
    units = get_number(r, 2, t->msb_first);
    t->fixed_unit[0] = (uint8_t)units;
    t->fixed_unit[1] = (uint8_t)(units >> 8);
    t->medium = (uint8_t)((t->fixed_unit[0] >> 6) | ((t->fixed_unit[1] >> 6) << 2));
}

/* An error report or an alarm: its code stands after a header of `skip` octets. */
static int take_report(const struct hwt_mbus_frame *frame, size_t skip, bool alarm,
                       struct hwt_mbus_telegram *t, struct hwt_mbus_fault *f)
{
    t->report = frame->data_size > skip ? frame->data[skip] : 0;
    return refuse(f, HWT_ERR_APPLICATION, 6,
                  alarm ? "the meter sends an alarm" : report_text(t->report));
}

/* Since 2013 CI 73 is also a compact frame; the older fixed structure has 16 octets, always. */
static bool is_compact(const struct hwt_mbus_frame *frame)
{
    return frame->ci == CI_FIXED && frame->data_size > FIXED_SIZE;
}

static int read_header(const struct hwt_mbus_frame *frame, struct hwt_reader *r,
                       struct hwt_mbus_telegram *t, struct hwt_mbus_fault *f)
{
    t->msb_first = frame->ci == CI_LONG_MSB || frame->ci == CI_FIXED_MSB;
    switch (frame->ci) {
    case CI_REPORT:
        return take_report(frame, 0, false, t, f);
    case CI_REPORT_SHORT:
        return take_report(frame, SHORT_HEADER, false, t, f);
    case CI_REPORT_LONG:
        return take_report(frame, LONG_HEADER, false, t, f);
    case CI_ALARM:
        return take_report(frame, 0, true, t, f);
    case CI_ALARM_SHORT:
        return take_report(frame, SHORT_HEADER, true, t, f);
    case CI_ALARM_LONG:
        return take_report(frame, LONG_HEADER, true, t, f);
    case CI_LONG:
    case CI_LONG_MSB:
        read_long_header(r, t);
        break;
    case CI_FIXED:
    case CI_FIXED_MSB:
        if (is_compact(frame)) {
            return refuse(f, HWT_ERR_UNSUPPORTED, 6, unsupported_text(frame->ci));
        }
        read_fixed_header(r, t);
        break;
    case CI_SHORT:
        read_short_header(r, t);
        break;
    case CI_NONE:
        break;
    default:
        return refuse(f, HWT_ERR_UNSUPPORTED, 6, unsupported_text(frame->ci));
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
