/*
 * mbus_frame.c: the link layer's frames, EN 13757-2, 5.4 (format class FT 1.2).
 *
 *   E5                              acknowledgement
 *   10 C A CS 16                    short:  10 5B 01 5C 16        REQ_UD2 to meter 1
 *   68 L L 68 C A CI data CS 16     long:   68 03 03 68 08 01 70 79 16
 *
 * L counts C to the last data octet; CS is the sum of the same octets, modulo 256. L may itself be
 * 68: the header is then 68 68 68 68 (captured from a Sharky 775), so a start octet never resets a
 * frame that has begun.
 */
#include <string.h>

#include "core/wire/mbus.h"

enum { ACK = 0xE5, START_SHORT = 0x10, START_LONG = 0x68, STOP = 0x16 };
enum { HEAD = 4, TAIL = 2, L_MIN = 3 };

static uint8_t sum(const uint8_t *p, size_t n)
{
    unsigned s = 0;

    for (size_t i = 0; i < n; i++) {
        s += p[i];
    }
    return (uint8_t)s;
}

static int refuse(struct hwt_mbus_fault *f, int err, size_t at, const char *what)
{
    f->at = at;
    f->what = what;
    return err;
}

/* The octets p[from] .. p[cs - 1] are summed in p[cs], then comes the stop octet. */
static int check_tail(const uint8_t *p, size_t from, size_t cs, struct hwt_mbus_fault *f)
{
    if (sum(p + from, cs - from) != p[cs]) {
        return refuse(f, HWT_ERR_CHECKSUM, cs, "checksum is not the sum of the octets");
    }
    if (p[cs + 1] != STOP) {
        return refuse(f, HWT_ERR_SANITY, cs + 1, "no stop octet 16 at the end");
    }
    return 0;
}

static int check_short(const uint8_t *p, size_t n, struct hwt_mbus_frame *out,
                       struct hwt_mbus_fault *f)
{
    int err;

    if (n < HWT_MBUS_SHORT_SIZE) {
        return refuse(f, HWT_ERR_AGAIN, n, "cut off");
    }
    err = check_tail(p, 1, 3, f);
    if (err == 0) {
        *out = (struct hwt_mbus_frame){.octets = p,
                                       .size = HWT_MBUS_SHORT_SIZE,
                                       .shape = HWT_MBUS_SHORT,
                                       .c = p[1],
                                       .a = p[2]};
    }
    return err;
}

static int check_head(const uint8_t *p, size_t n, struct hwt_mbus_fault *f)
{
    if (n > 2 && p[1] != p[2]) {
        return refuse(f, HWT_ERR_LENGTH, 2, "the two length octets differ");
    }
    if (n > 1 && p[1] < L_MIN) {
        return refuse(f, HWT_ERR_LENGTH, 1, "length below 3");
    }
    if (n > 3 && p[3] != START_LONG) {
        return refuse(f, HWT_ERR_SANITY, 3, "no second start octet 68");
    }
    if (n < HEAD || n < (size_t)HEAD + p[1] + TAIL) {
        return refuse(f, HWT_ERR_AGAIN, n, "cut off");
    }
    return 0;
}

static int check_long(const uint8_t *p, size_t n, struct hwt_mbus_frame *out,
                      struct hwt_mbus_fault *f)
{
    int err = check_head(p, n, f);

    if (err == 0) {
        err = check_tail(p, HEAD, (size_t)HEAD + p[1], f);
    }
    if (err == 0) {
        *out = (struct hwt_mbus_frame){.octets = p,
                                       .size = (size_t)HEAD + p[1] + TAIL,
                                       .shape = HWT_MBUS_LONG,
                                       .c = p[4],
                                       .a = p[5],
                                       .ci = p[6],
                                       .data = p + 7,
                                       .data_size = (size_t)p[1] - L_MIN};
    }
    return err;
}

int hwt_mbus_frame_check(const uint8_t *p, size_t n, struct hwt_mbus_frame *frame_out,
                         struct hwt_mbus_fault *fault_out)
{
    if (n == 0) {
        return refuse(fault_out, HWT_ERR_AGAIN, 0, "empty");
    }
    switch (p[0]) {
    case ACK:
        *frame_out = (struct hwt_mbus_frame){.octets = p, .size = 1, .shape = HWT_MBUS_ACK};
        return 0;
    case START_SHORT:
        return check_short(p, n, frame_out, fault_out);
    case START_LONG:
        return check_long(p, n, frame_out, fault_out);
    default:
        return refuse(fault_out, HWT_ERR_SANITY, 0, "no start octet 68, 10 or E5");
    }
}

/* Of two reasons the one that came closer to a frame. */
static int closer(int a, int b)
{
    static const uint8_t rank[HWT_ERR_KINDS] = {
        [-HWT_ERR_SANITY] = 1, [-HWT_ERR_LENGTH] = 2, [-HWT_ERR_CHECKSUM] = 3};

    return rank[-b] > rank[-a] ? b : a;
}

int hwt_mbus_frame_find(const uint8_t *p, size_t n, bool final, struct hwt_mbus_frame *frame_out,
                        size_t *skip_out, int *why_out)
{
    struct hwt_mbus_fault fault;
    size_t i;
    int err = HWT_ERR_AGAIN;

    *why_out = 0;
    for (i = 0; i < n; i++) {
        err = hwt_mbus_frame_check(p + i, n - i, frame_out, &fault);
        if (err == 0 || (err == HWT_ERR_AGAIN && !final)) {
            break;
        }
        *why_out = closer(*why_out, err == HWT_ERR_AGAIN ? HWT_ERR_LENGTH : err);
    }
    *skip_out = i;
    return i < n ? err : HWT_ERR_AGAIN;
}

size_t hwt_mbus_short_encode(uint8_t c, uint8_t a, uint8_t out[HWT_MBUS_SHORT_SIZE])
{
    out[0] = START_SHORT;
    out[1] = c;
    out[2] = a;
    out[3] = (uint8_t)(c + a);
    out[4] = STOP;
    return HWT_MBUS_SHORT_SIZE;
}

int hwt_mbus_long_encode(uint8_t c, uint8_t a, uint8_t ci, const uint8_t *data, size_t n,
                         uint8_t *out, size_t room)
{
    if (n > 255 - L_MIN) {
        return HWT_ERR_ARGUMENT;
    }
    if (room < HEAD + L_MIN + n + TAIL) {
        return HWT_ERR_SPACE;
    }
    out[0] = START_LONG;
    out[1] = out[2] = (uint8_t)(L_MIN + n);
    out[3] = START_LONG;
    out[4] = c;
    out[5] = a;
    out[6] = ci;
    if (n > 0) {
        memcpy(out + 7, data, n);
    }
    out[7 + n] = sum(out + HEAD, L_MIN + n);
    out[8 + n] = STOP;
    return (int)(HEAD + L_MIN + n + TAIL);
}
