/*
 * modbus.c: see modbus.h.
 *
 * Application Protocol V1.1b3, 6.4, input register 9 holds 10:
 *   unit 1: 01 04 00 08 00 01 CRC  ─▶  01 04 02 00 0A CRC
 */
#include "core/wire/modbus.h"

#include "core/base/bytes.h"

enum {
    CRC_SIZE = 2,
    RTU_REQUEST = 8,
    RTU_OVERHEAD = 5,  /* unit, function, octet count, CRC */
    RTU_EXCEPTION = 5, /* unit, function + 80, code, CRC */
    TCP_REQUEST = 12,
    MBAP_LENGTH_AT = 4, /* counts from the unit on */
    LENGTH_MIN = 3,     /* unit, function, one octet */
    LENGTH_MAX = 254,
    UNIT_MAX_RTU = 247
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

static bool is_sane(enum hwt_modbus_transport transport, const struct hwt_modbus_request *r)
{
    return (r->function == HWT_MODBUS_READ_HOLDING || r->function == HWT_MODBUS_READ_INPUT) &&
           r->count >= 1 && r->count <= HWT_MODBUS_REGISTERS_MAX &&
           r->address + r->count <= 0x10000 &&
           (transport == HWT_MODBUS_TCP || (r->unit >= 1 && r->unit <= UNIT_MAX_RTU));
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
        put_be16(&w, TCP_REQUEST - HWT_MODBUS_MBAP + 1);
    }
    hwt_put_u8(&w, request->unit);
    hwt_put_u8(&w, request->function);
    put_be16(&w, request->address);
    put_be16(&w, request->count);
    if (transport == HWT_MODBUS_RTU) {
        hwt_put_u16le(&w, hwt_modbus_crc(out, w.at));
    }
    return w.at;
}

int hwt_modbus_request_decode(enum hwt_modbus_transport transport, const uint8_t *p, size_t n,
                              struct hwt_modbus_request *request_out, uint16_t *transaction_out)
{
    bool tcp = transport == HWT_MODBUS_TCP;
    size_t size = tcp ? TCP_REQUEST : RTU_REQUEST;
    const uint8_t *pdu = tcp ? p + HWT_MODBUS_MBAP - 1 : p; /* from the unit on */
    struct hwt_modbus_request r;

    if (n < size) {
        return HWT_ERR_LENGTH;
    }
    if (tcp && (be16(p + 2) != 0 || be16(p + MBAP_LENGTH_AT) != size - HWT_MODBUS_MBAP + 1)) {
        return HWT_ERR_SANITY;
    }
    if (!tcp && !crc_is_good(p, size)) {
        return HWT_ERR_CHECKSUM;
    }
    r = (struct hwt_modbus_request){pdu[0], pdu[1], be16(pdu + 2), be16(pdu + 4)};
    if (r.function != HWT_MODBUS_READ_HOLDING && r.function != HWT_MODBUS_READ_INPUT) {
        return HWT_ERR_UNSUPPORTED;
    }
    if (!is_sane(transport, &r)) {
        return HWT_ERR_SANITY;
    }
    *request_out = r;
    *transaction_out = tcp ? be16(p) : 0;
    return (int)size;
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
    } else if (p[2] % 2 != 0 || p[2] == 0 || n != 3u + p[2] ||
               (request != NULL && p[2] != 2 * request->count)) {
        out->reason = HWT_MODBUS_SHORT;
    } else {
        out->reason = HWT_MODBUS_OK;
        out->registers = p + 3;
        out->count = p[2] / 2;
    }
}

static int decode_rtu(const struct hwt_modbus_request *request, const uint8_t *p, size_t n,
                      struct hwt_modbus_reply *out)
{
    uint8_t function;

    if (n < 3) {
        return HWT_ERR_AGAIN;
    }
    function = p[1] & (uint8_t)~HWT_MODBUS_REFUSED;
    if ((function != HWT_MODBUS_READ_HOLDING && function != HWT_MODBUS_READ_INPUT) ||
        (p[1] == function && (p[2] % 2 != 0 || p[2] > 2 * HWT_MODBUS_REGISTERS_MAX))) {
        out->reason = HWT_MODBUS_NOISE;
        return 0;
    }
    out->size = p[1] == function ? (size_t)p[2] + RTU_OVERHEAD : RTU_EXCEPTION;
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
