/*
 * modbus.h: frames of Modbus, RTU and TCP, as far as reading registers needs them.
 *
 *   RTU   unit function  ... PDU ...  CRC-16 low high                       (serial line)
 *   TCP   transaction(2) 0000 length(2) unit  function  ... PDU ...         (MBAP header, all BE)
 *   read  03|04  address(2) count(2)  ─▶  03|04  2 x count  registers, each high octet first
 *                                     ─▶  83|84  exception code
 *   who   2B 0E access(1) object(1)   ─▶  2B 0E access conformity more next n  n x (id length text)
 *
 * MODBUS Application Protocol V1.1b3 (6.3, 6.4, 6.21, 7), MODBUS over Serial Line V1.02
 * (2.5.1, 6.2), MODBUS Messaging on TCP/IP V1.0b (3.1.3, 4.4.1.2). Writes nothing to a device:
 * there is no such function here. What registers mean is modbus_map.h's, when to ask is
 * modbus_master.h's.
 */
#ifndef HWT_CORE_WIRE_MODBUS_H
#define HWT_CORE_WIRE_MODBUS_H

#include "core/base/err.h"
#include "core/flow.h"

enum {
    HWT_MODBUS_READ_HOLDING = 3,
    HWT_MODBUS_READ_INPUT = 4,
    HWT_MODBUS_IDENTIFY = 0x2B,     /* with 0E: read device identification */
    HWT_MODBUS_REFUSED = 0x80,      /* added to the function of an exception reply */
    HWT_MODBUS_UNIT_MAX = 247,      /* of a serial line */
    HWT_MODBUS_UNIT_DEVICE = 255,   /* of TCP: the device itself, behind no gateway */
    HWT_MODBUS_REGISTERS_MAX = 125, /* of one request */
    HWT_MODBUS_REQUEST_MAX = 12,    /* octets: RTU 8, TCP 12 */
    HWT_MODBUS_FRAME_MAX = 260,     /* octets: RTU 256, TCP 260 */
    HWT_MODBUS_MBAP = 7             /* octets of the header with the unit */
};

enum hwt_modbus_transport { HWT_MODBUS_RTU, HWT_MODBUS_TCP };

/* How an attempt to read ended, or what was met on the way. The names are counters that users see.
 */
#define HWT_MODBUS_REASONS(X)                                                               \
    X(OK, "OK")                                                                             \
    X(TIMEOUT, "TIMEOUT")     /* nothing came */                                            \
    X(CRC, "CRC")             /* octets came whose checksum is wrong */                     \
    X(EXCEPTION, "EXCEPTION") /* the device refuses, with a code */                         \
    X(FOREIGN, "FOREIGN")     /* another unit answered, or another function */              \
    X(SHORT, "SHORT")         /* an answer cut off, or not of the length asked for */       \
    X(ECHO, "ECHO")           /* the own request came back: an adapter that hears itself */ \
    X(LATE, "LATE")           /* an answer to an earlier request */                         \
    X(NOISE, "NOISE")         /* no Modbus at all */                                        \
    X(BABBLE, "BABBLE")       /* a line that is never silent */

enum hwt_modbus_reason {
#define HWT_X(name, text) HWT_MODBUS_##name,
    HWT_MODBUS_REASONS(HWT_X)
#undef HWT_X
        HWT_MODBUS_REASON_COUNT
};

/* "CRC"; "?" for a number that is none. */
const char *hwt_modbus_reason_name(unsigned reason);
/* "illegal data address" of exception code 2; "unknown exception" where the standard has none. */
const char *hwt_modbus_exception_name(unsigned code);

struct hwt_modbus_request {
    uint8_t unit;     /* RTU 1..247; TCP 0..255 */
    uint8_t function; /* 3, 4 or 2B */
    uint16_t address; /* of the first register, from 0, as on the wire; 2B: of the first object */
    uint16_t count;   /* registers, 1..125; 2B: access, enum hwt_modbus_access */
};

/* Application Protocol V1.1b3, 6.21: what of a device's identification is read. */
enum hwt_modbus_access {
    HWT_MODBUS_BASIC = 1,
    HWT_MODBUS_REGULAR,
    HWT_MODBUS_EXTENDED,
    HWT_MODBUS_ONE
};
enum hwt_modbus_object_id {
    HWT_MODBUS_VENDOR,
    HWT_MODBUS_PRODUCT_CODE,
    HWT_MODBUS_REVISION,
    HWT_MODBUS_VENDOR_URL,
    HWT_MODBUS_PRODUCT_NAME,
    HWT_MODBUS_MODEL_NAME
};

/* The answer to 2B: objects one after the other. */
struct hwt_modbus_objects {
    const uint8_t *p; /* inside the frame */
    size_t n;
    uint8_t conformity; /* low bits: the highest access the device has */
    uint8_t next;       /* object to go on with; 0: that was all */
};

struct hwt_modbus_object {
    uint8_t id;       /* enum hwt_modbus_object_id, or the maker's own */
    const uint8_t *p; /* ASCII, as sent */
    uint8_t n;
};

struct hwt_modbus_reply {
    enum hwt_modbus_reason reason;     /* OK, EXCEPTION, or what is against the frame */
    uint8_t exception;                 /* EXCEPTION: the code */
    const uint8_t *registers;          /* OK: 2 x count octets inside the frame */
    uint16_t count;                    /* OK: registers; 0 of 2B */
    struct hwt_modbus_objects objects; /* OK, of 2B */
    size_t size;                       /* octets of the frame; 0: not known */
};

/* CRC-16, polynomial A001 reflected, start FFFF; on the line its low octet goes first. */
uint16_t hwt_modbus_crc(const uint8_t *p, size_t n);

/* Writes the request, returns its octets; 0: a member is out of its range. `transaction` is TCP's.
 */
size_t hwt_modbus_request_encode(enum hwt_modbus_transport transport,
                                 const struct hwt_modbus_request *request, uint16_t transaction,
                                 uint8_t out[HWT_MODBUS_REQUEST_MAX]);
/* Reads a request from the start of p, for whoever explains captures. Returns its octets, or
 * LENGTH, CHECKSUM, SANITY, UNSUPPORTED (another function). *transaction_out: TCP only. */
HWT_MUST_CHECK int hwt_modbus_request_decode(enum hwt_modbus_transport transport, const uint8_t *p,
                                             size_t n, struct hwt_modbus_request *request_out,
                                             uint16_t *transaction_out);

/*
 * Reads a reply from the start of p. `request` NULL: any unit and function 3, 4 or 2B will do;
 * else it must answer that request: FOREIGN, SHORT. TCP: the transaction must be its, else LATE.
 * AGAIN: the octets so far may become a reply. 0: *reply_out says what was read, reasons against
 * it included.
 */
HWT_MUST_CHECK int hwt_modbus_reply_decode(enum hwt_modbus_transport transport,
                                           const struct hwt_modbus_request *request,
                                           uint16_t transaction, const uint8_t *p, size_t n,
                                           struct hwt_modbus_reply *reply_out);
/* The next object; *at goes from 0 on. False at the end. */
bool hwt_modbus_object_next(const struct hwt_modbus_objects *objects, size_t *at,
                            struct hwt_modbus_object *out);

#endif
