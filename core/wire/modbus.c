/*
 * modbus.c: see modbus.h.
 *
 * Application Protocol V1.1b3, 6.4, input register 9 holds 10:
 *   unit 1: 01 04 00 08 00 01 CRC  ─▶  01 04 02 00 0A CRC
 *
 * 6.21, its example: basic identification, all objects:
 *   2B 0E 01 00  ─▶  2B 0E 01 01 00 00 03  00 16 "Company identification"  01 0D "Product code XX"
 *                                           02 05 "V2.11"
 */
#include "core/wire/modbus.h"

#include "core/base/bytes.h"

enum {
    CRC_SIZE = 2,
    RTU_OVERHEAD = 5,   /* unit, function, octet count, CRC */
    RTU_EXCEPTION = 5,  /* unit, function + 80, code, CRC */
    MBAP_LENGTH_AT = 4, /* counts from the unit on */
    LENGTH_MIN = 3,     /* unit, function, one octet */
    LENGTH_MAX = 254,
    MEI_DEVICE = 0x0E, /* of 2B: read device identification */
    OBJECTS_AT = 8     /* unit, 2B, 0E, access, conformity, more, next, number of objects */
};

const char *hwt_modbus_reason_name(unsigned reason)
{
    static const char *const names[] = {
#define HWT_X(name, text) text,
        HWT_MODBUS_REASONS(HWT_X)
#undef HWT_X
    };

    return reason < HWT_MODBUS_REASON_COUNT ? names[reason] : "?";
}

/* Application Protocol V1.1b3, 7. */
const char *hwt_modbus_exception_name(unsigned code)
{
    static const char *const names[] = {
        [1] = "illegal function",
        [2] = "illegal data address",
        [3] = "illegal data value",
        [4] = "device failure",
        [5] = "acknowledge",
        [6] = "device busy",
        [8] = "memory parity error",
        [10] = "gateway path unavailable",
        [11] = "gateway target did not respond",
    };

    return code < sizeof(names) / sizeof(names[0]) && names[code] != NULL ? names[code]
                                                                          : "unknown exception";
}

/* Serial Line V1.02, 6.2.2, bit by bit: a frame takes longer on the line than here. */
uint16_t hwt_modbus_crc(const uint8_t *p, size_t n)
{
    unsigned crc = 0xFFFF;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1;
        }
    }
    return (uint16_t)crc;
}

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(struct hwt_writer *w, uint16_t v)
{
    hwt_put_u8(w, (uint8_t)(v >> 8));
    hwt_put_u8(w, (uint8_t)v);
}

static bool crc_is_good(const uint8_t *p, size_t n)
{
    uint16_t crc = hwt_modbus_crc(p, n - CRC_SIZE);

    return p[n - 2] == (crc & 0xFF) && p[n - 1] == crc >> 8;
}

static bool is_read(uint8_t function)
{
    return function == HWT_MODBUS_READ_HOLDING || function == HWT_MODBUS_READ_INPUT;
}

static bool is_sane(enum hwt_modbus_transport transport, const struct hwt_modbus_request *r)
{
    bool right = is_read(r->function)
                     ? r->count >= 1 && r->count <= HWT_MODBUS_REGISTERS_MAX &&
                           r->address + r->count <= 0x10000
                     : r->function == HWT_MODBUS_IDENTIFY && r->address <= 0xFF &&
                           r->count >= HWT_MODBUS_BASIC && r->count <= HWT_MODBUS_ONE;

    return right &&
           (transport == HWT_MODBUS_TCP || (r->unit >= 1 && r->unit <= HWT_MODBUS_UNIT_MAX));
}

static void put_pdu(struct hwt_writer *w, const struct hwt_modbus_request *r)
{
    hwt_put_u8(w, r->function);
    if (r->function == HWT_MODBUS_IDENTIFY) {
        hwt_put_u8(w, MEI_DEVICE);
        hwt_put_u8(w, (uint8_t)r->count);
        hwt_put_u8(w, (uint8_t)r->address);
    } else {
        put_be16(w, r->address);
        put_be16(w, r->count);
    }
}

/* Of a request's unit and PDU, as far as its function tells. */
static size_t request_pdu_size(uint8_t function)
{
    return function == HWT_MODBUS_IDENTIFY ? 5 : 6;
}

size_t hwt_modbus_request_encode(enum hwt_modbus_transport transport,
                                 const struct hwt_modbus_request *request, uint16_t transaction,
                                 uint8_t out[HWT_MODBUS_REQUEST_MAX])
{
    struct hwt_writer w;

    if (!is_sane(transport, request)) {
        return 0;
    }
    hwt_writer_init(&w, out, HWT_MODBUS_REQUEST_MAX);
    if (transport == HWT_MODBUS_TCP) {
        put_be16(&w, transaction);
        put_be16(&w, 0);
        put_be16(&w, (uint16_t)request_pdu_size(request->function));
    }
    hwt_put_u8(&w, request->unit);
    put_pdu(&w, request);
    if (transport == HWT_MODBUS_RTU) {
        hwt_put_u16le(&w, hwt_modbus_crc(out, w.at));
    }
    return w.at;
}

int hwt_modbus_request_decode(enum hwt_modbus_transport transport, const uint8_t *p, size_t n,
                              struct hwt_modbus_request *request_out, uint16_t *transaction_out)
{
    bool tcp = transport == HWT_MODBUS_TCP;
    size_t at = tcp ? HWT_MODBUS_MBAP - 1 : 0; /* of the unit */
    const uint8_t *pdu = p + at;
    size_t pdu_n, size;
    struct hwt_modbus_request r;

    if (n < at + 2) {
        return HWT_ERR_LENGTH;
    }
    pdu_n = request_pdu_size(pdu[1]);
    size = at + pdu_n + (tcp ? 0 : CRC_SIZE);
    if (n < size) {
        return HWT_ERR_LENGTH;
    }
    if (tcp && (be16(p + 2) != 0 || be16(p + MBAP_LENGTH_AT) != pdu_n)) {
        return HWT_ERR_SANITY;
    }
    if (!tcp && !crc_is_good(p, size)) {
        return HWT_ERR_CHECKSUM;
    }
    if (is_read(pdu[1])) {
        r = (struct hwt_modbus_request){pdu[0], pdu[1], be16(pdu + 2), be16(pdu + 4)};
    } else if (pdu[1] == HWT_MODBUS_IDENTIFY && pdu[2] == MEI_DEVICE) {
        r = (struct hwt_modbus_request){pdu[0], pdu[1], pdu[4], pdu[3]};
    } else {
        return HWT_ERR_UNSUPPORTED;
    }
    if (!is_sane(transport, &r)) {
        return HWT_ERR_SANITY;
    }
    *request_out = r;
    *transaction_out = tcp ? be16(p) : 0;
    return (int)size;
}

/* Octets of an answer to 2B, from the unit on and without checksum; n of them are there. AGAIN:
 * more must come to tell; SANITY: no such answer. */
static int identification_size(const uint8_t *p, size_t n)
{
    size_t size = OBJECTS_AT;

    if (n >= 3 && p[2] != MEI_DEVICE) {
        return HWT_ERR_SANITY;
    }
    if (n < OBJECTS_AT) {
        return HWT_ERR_AGAIN;
    }
    for (unsigned i = 0; i < p[OBJECTS_AT - 1]; i++) {
        if (size + 2 > LENGTH_MAX) {
            return HWT_ERR_SANITY;
        }
        if (size + 2 > n) {
            return HWT_ERR_AGAIN;
        }
        size += 2u + p[size + 1];
    }
    return size > LENGTH_MAX ? HWT_ERR_SANITY : (int)size;
}

static void judge_identification(const struct hwt_modbus_request *request, const uint8_t *p,
                                 size_t n, struct hwt_modbus_reply *out)
{
    if (identification_size(p, n) != (int)n || (request != NULL && p[3] != request->count)) {
        out->reason = HWT_MODBUS_SHORT;
        return;
    }
    out->reason = HWT_MODBUS_OK;
    out->objects = (struct hwt_modbus_objects){
        .p = p + OBJECTS_AT, .n = n - OBJECTS_AT, .conformity = p[4], .next = p[5] != 0 ? p[6] : 0};
}

bool hwt_modbus_object_next(const struct hwt_modbus_objects *objects, size_t *at,
                            struct hwt_modbus_object *out)
{
    const uint8_t *p = objects->p + *at;
    size_t left = objects->n - *at;

    if (left < 2 || left < 2u + p[1]) {
        return false;
    }
    *out = (struct hwt_modbus_object){.id = p[0], .p = p + 2, .n = p[1]};
    *at += 2u + p[1];
    return true;
}

/* From the unit on: what speaks against these octets being the answer. `n` is without checksum. */
static void judge(const struct hwt_modbus_request *request, const uint8_t *p, size_t n,
                  struct hwt_modbus_reply *out)
{
    uint8_t function = p[1] & (uint8_t)~HWT_MODBUS_REFUSED;

    if (request != NULL && (p[0] != request->unit || function != request->function)) {
        out->reason = HWT_MODBUS_FOREIGN;
    } else if (p[1] != function) {
        out->reason = n == 3 ? HWT_MODBUS_EXCEPTION : HWT_MODBUS_SHORT;
        out->exception = p[2];
    } else if (function == HWT_MODBUS_IDENTIFY) {
        judge_identification(request, p, n, out);
    } else if (!is_read(function) || p[2] % 2 != 0 || p[2] == 0 || n != 3u + p[2] ||
               (request != NULL && p[2] != 2 * request->count)) {
        out->reason = HWT_MODBUS_SHORT;
    } else {
        out->reason = HWT_MODBUS_OK;
        out->registers = p + 3;
        out->count = p[2] / 2;
    }
}

/* Octets of the RTU reply that begins here, n >= 3; AGAIN, or SANITY: none does. */
static int rtu_size(const uint8_t *p, size_t n)
{
    uint8_t function = p[1] & (uint8_t)~HWT_MODBUS_REFUSED;
    int size;

    if (!is_read(function) && function != HWT_MODBUS_IDENTIFY) {
        return HWT_ERR_SANITY;
    }
    if (p[1] != function) {
        return RTU_EXCEPTION;
    }
    if (is_read(function)) {
        return p[2] % 2 != 0 || p[2] > 2 * HWT_MODBUS_REGISTERS_MAX ? HWT_ERR_SANITY
                                                                    : p[2] + RTU_OVERHEAD;
    }
    size = identification_size(p, n);
    return size > 0 ? size + CRC_SIZE : size;
}

static int decode_rtu(const struct hwt_modbus_request *request, const uint8_t *p, size_t n,
                      struct hwt_modbus_reply *out)
{
    int size;

    if (n < 3) {
        return HWT_ERR_AGAIN;
    }
    size = rtu_size(p, n);
    if (size == HWT_ERR_AGAIN) {
        return HWT_ERR_AGAIN;
    }
    if (size < 0) {
        out->reason = HWT_MODBUS_NOISE;
        return 0;
    }
    out->size = (size_t)size;
    if (n < out->size) {
        return HWT_ERR_AGAIN;
    }
    if (!crc_is_good(p, out->size)) {
        out->reason = HWT_MODBUS_CRC;
        out->size = 0;
        return 0;
    }
    judge(request, p, out->size - CRC_SIZE, out);
    return 0;
}

static int decode_tcp(const struct hwt_modbus_request *request, uint16_t transaction,
                      const uint8_t *p, size_t n, struct hwt_modbus_reply *out)
{
    size_t length;

    if (n < HWT_MODBUS_MBAP) {
        return HWT_ERR_AGAIN;
    }
    length = be16(p + MBAP_LENGTH_AT);
    if (be16(p + 2) != 0 || length < LENGTH_MIN || length > LENGTH_MAX) {
        out->reason = HWT_MODBUS_NOISE;
        return 0;
    }
    out->size = HWT_MODBUS_MBAP - 1 + length;
    if (n < out->size) {
        return HWT_ERR_AGAIN;
    }
    if (request != NULL && be16(p) != transaction) {
        out->reason = HWT_MODBUS_LATE;
        return 0;
    }
    judge(request, p + HWT_MODBUS_MBAP - 1, length, out);
    return 0;
}

int hwt_modbus_reply_decode(enum hwt_modbus_transport transport,
                            const struct hwt_modbus_request *request, uint16_t transaction,
                            const uint8_t *p, size_t n, struct hwt_modbus_reply *reply_out)
{
    struct hwt_modbus_reply r = {.reason = HWT_MODBUS_NOISE};
    int err = transport == HWT_MODBUS_TCP ? decode_tcp(request, transaction, p, n, &r)
                                          : decode_rtu(request, p, n, &r);

    if (err == 0) {
        *reply_out = r;
    }
    return err;
}
