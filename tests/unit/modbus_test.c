/* core/wire/modbus and modbus_map: frames of the standards, then what registers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/quantity.h"
#include "core/wire/modbus_identity.h"

/* --- frames ---------------------------------------------------------------------------------- */

/* Requests and replies as printed; a CRC after a PDU of the standard is by Serial Line V1.02, 6.2.
 */
static const struct frame {
    enum hwt_modbus_transport transport;
    struct hwt_modbus_request request;
    uint16_t transaction;
    uint8_t asked[12], asked_n;
    uint8_t said[16], said_n;
    uint8_t data[8], data_n;
    const char *why;
} frames[] = {
    {HWT_MODBUS_TCP,
     {0x11, 3, 0x6B, 3},
     0x1501,
     {0x15, 0x01, 0, 0, 0, 6, 0x11, 3, 0x00, 0x6B, 0x00, 0x03},
     12,
     {0x15, 0x01, 0, 0, 0, 9, 0x11, 3, 6, 0x02, 0x2B, 0x00, 0x00, 0x00, 0x64},
     15,
     {0x02, 0x2B, 0x00, 0x00, 0x00, 0x64},
     6,
     "Application Protocol V1.1b3, 6.3: registers 108 to 110 (the PDUs), in MBAP"},
    {HWT_MODBUS_TCP,
     {1, 4, 0x08, 1},
     1,
     {0, 1, 0, 0, 0, 6, 1, 4, 0x00, 0x08, 0x00, 0x01},
     12,
     {0, 1, 0, 0, 0, 5, 1, 4, 2, 0x00, 0x0A},
     11,
     {0x00, 0x0A},
     2,
     "Application Protocol V1.1b3, 6.4: input register 9 (the PDUs), in MBAP"},
    {HWT_MODBUS_RTU,
     {1, 4, 0, 2},
     0,
     {0x01, 0x04, 0x00, 0x00, 0x00, 0x02, 0x71, 0xCB},
     8,
     {0x01, 0x04, 0x04, 0x43, 0x66, 0x33, 0x33, 0x5A, 0xFA},
     9,
     {0x43, 0x66, 0x33, 0x33},
     4,
     "an SDM120's volts: 230.2 V"},
    {HWT_MODBUS_RTU,
     {1, 4, 0x34, 2},
     0,
     {0x01, 0x04, 0x00, 0x34, 0x00, 0x02, 0x30, 0x05},
     8,
     {0},
     0,
     {0},
     0,
     "an SDM630's total power, request"},
    {HWT_MODBUS_RTU,
     {1, 4, 0x48, 2},
     0,
     {0x01, 0x04, 0x00, 0x48, 0x00, 0x02, 0xF1, 0xDD},
     8,
     {0},
     0,
     {0},
     0,
     "import kWh, request"},
    {HWT_MODBUS_RTU,
     {1, 3, 0, 2},
     0,
     {0x01, 0x03, 0x00, 0x00, 0x00, 0x02, 0xC4, 0x0B},
     8,
     {0},
     0,
     {0},
     0,
     "holding registers 0 and 1, request"},
};

enum { FRAMES = sizeof(frames) / sizeof(frames[0]) };

static void the_checksum_is_that_of_the_standards_example(void **state)
{
    static const uint8_t diagnostics[] = {0x02, 0x07}; /* Serial Line V1.02, 6.2.2: CRC 1241 */

    (void)state;
    assert_int_equal(hwt_modbus_crc(diagnostics, 2), 0x1241);
    assert_int_equal(hwt_modbus_crc(diagnostics, 0), 0xFFFF);
}

static void requests_are_written_and_read_as_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMES; i++) {
        const struct frame *f = &frames[i];
        struct hwt_modbus_request back;
        uint16_t transaction;
        uint8_t out[HWT_MODBUS_REQUEST_MAX];

        print_message("# %s\n", f->why);
        assert_int_equal(hwt_modbus_request_encode(f->transport, &f->request, f->transaction, out),
                         f->asked_n);
        assert_memory_equal(out, f->asked, f->asked_n);
        assert_int_equal(
            hwt_modbus_request_decode(f->transport, out, f->asked_n, &back, &transaction),
            f->asked_n);
        assert_memory_equal(&back, &f->request, sizeof(back));
        assert_int_equal(transaction, f->transaction);
        for (size_t n = 0; n < f->asked_n; n++) {
            assert_int_equal(hwt_modbus_request_decode(f->transport, out, n, &back, &transaction),
                             HWT_ERR_LENGTH);
        }
    }
}

static void replies_give_their_registers_and_are_awaited_to_the_last_octet(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMES; i++) {
        const struct frame *f = &frames[i];
        struct hwt_modbus_reply r;

        if (f->said_n == 0) {
            continue;
        }
        print_message("# %s\n", f->why);
        assert_int_equal(hwt_modbus_reply_decode(f->transport, &f->request, f->transaction, f->said,
                                                 f->said_n, &r),
                         0);
        assert_int_equal(r.reason, HWT_MODBUS_OK);
        assert_int_equal(r.size, f->said_n);
        assert_int_equal(2 * r.count, f->data_n);
        assert_memory_equal(r.registers, f->data, f->data_n);
        for (size_t n = 0; n < f->said_n; n++) {
            assert_int_equal(
                hwt_modbus_reply_decode(f->transport, &f->request, f->transaction, f->said, n, &r),
                HWT_ERR_AGAIN);
        }
    }
}

static size_t with_crc(const uint8_t *p, size_t n, uint8_t *out)
{
    uint16_t crc = hwt_modbus_crc(p, n);

    memcpy(out, p, n);
    out[n] = (uint8_t)crc;
    out[n + 1] = (uint8_t)(crc >> 8);
    return n + 2;
}

static void an_answer_that_is_not_ours_says_why(void **state)
{
    static const struct hwt_modbus_request asked = {1, 4, 0, 2};
    static const struct {
        uint8_t said[8], n;
        enum hwt_modbus_reason reason;
        uint8_t exception;
        const char *why;
    } rows[] = {
        {{1, 4, 4, 0, 0, 0, 0}, 7, HWT_MODBUS_OK, 0, "the answer"},
        {{2, 4, 4, 0, 0, 0, 0}, 7, HWT_MODBUS_FOREIGN, 0, "another unit"},
        {{1, 3, 4, 0, 0, 0, 0}, 7, HWT_MODBUS_FOREIGN, 0, "another function"},
        {{1, 4, 2, 0, 0}, 5, HWT_MODBUS_SHORT, 0, "one register instead of two"},
        {{1, 0x84, 2}, 3, HWT_MODBUS_EXCEPTION, 2, "Application Protocol V1.1b3, 7: code 2"},
        {{2, 0x84, 2}, 3, HWT_MODBUS_FOREIGN, 0, "another unit refuses"},
        {{1, 4, 3, 0, 0, 0}, 6, HWT_MODBUS_NOISE, 0, "an odd number of octets"},
        {{1, 0x10, 0, 0, 0, 2}, 6, HWT_MODBUS_NOISE, 0, "the answer to a write"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hwt_modbus_reply r;
        uint8_t buf[16];
        size_t n = with_crc(rows[i].said, rows[i].n, buf);

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_modbus_reply_decode(HWT_MODBUS_RTU, &asked, 0, buf, n, &r), 0);
        assert_int_equal(r.reason, rows[i].reason);
        if (r.reason == HWT_MODBUS_EXCEPTION) {
            assert_int_equal(r.exception, rows[i].exception);
        }
        buf[n - 1] ^= 0x40;
        assert_int_equal(hwt_modbus_reply_decode(HWT_MODBUS_RTU, &asked, 0, buf, n, &r), 0);
        assert_int_equal(r.reason,
                         rows[i].reason == HWT_MODBUS_NOISE ? HWT_MODBUS_NOISE : HWT_MODBUS_CRC);
    }
}

static void every_flipped_bit_of_an_rtu_frame_is_noticed(void **state)
{
    const struct frame *f = &frames[2];

    (void)state;
    for (unsigned bit = 0; bit < 8u * f->said_n; bit++) {
        struct hwt_modbus_reply r = {.reason = HWT_MODBUS_NOISE};
        uint8_t buf[16];

        memcpy(buf, f->said, f->said_n);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (hwt_modbus_reply_decode(HWT_MODBUS_RTU, &f->request, 0, buf, f->said_n, &r) == 0) {
            assert_int_not_equal(r.reason, HWT_MODBUS_OK);
        }
    }
}

static void tcp_frames_are_told_apart_by_transaction_and_a_lost_stream_is_noticed(void **state)
{
    const struct frame *f = &frames[0];
    struct hwt_modbus_reply r;
    uint8_t buf[16];

    (void)state;
    assert_int_equal(hwt_modbus_reply_decode(HWT_MODBUS_TCP, &f->request, 7, f->said, 15, &r), 0);
    assert_int_equal(r.reason, HWT_MODBUS_LATE);
    assert_int_equal(r.size, 15);
    memcpy(buf, f->said, 15);
    buf[3] = 1; /* no Modbus */
    assert_int_equal(hwt_modbus_reply_decode(HWT_MODBUS_TCP, &f->request, 0x1501, buf, 15, &r), 0);
    assert_int_equal(r.reason, HWT_MODBUS_NOISE);
    assert_int_equal(r.size, 0);
    buf[3] = 0;
    buf[4] = 1; /* 265 octets: more than any frame */
    assert_int_equal(hwt_modbus_reply_decode(HWT_MODBUS_TCP, &f->request, 0x1501, buf, 15, &r), 0);
    assert_int_equal(r.reason, HWT_MODBUS_NOISE);
}

/* Application Protocol V1.1b3, 6.21: its example, "Product code XX" being shortened to the length
 * that stands there, 0D. */
static const uint8_t identification[] = {
    0x2B, 0x0E, 0x01, 0x01, 0x00, 0x00, 0x03, 0x00, 0x16, 'C', 'o', 'm', 'p', 'a',
    'n',  'y',  ' ',  'i',  'd',  'e',  'n',  't',  'i',  'f', 'i', 'c', 'a', 't',
    'i',  'o',  'n',  0x01, 0x0D, 'P',  'r',  'o',  'd',  'u', 'c', 't', ' ', 'c',
    'o',  'd',  'e',  ' ',  0x02, 0x05, 'V',  '2',  '.',  '1', '1'};
static const struct hwt_modbus_request who = {1, HWT_MODBUS_IDENTIFY, HWT_MODBUS_VENDOR,
                                              HWT_MODBUS_BASIC};

/* Unit, PDU and checksum, or header, unit and PDU. */
static size_t frame_of(enum hwt_modbus_transport transport, const uint8_t *pdu, size_t n,
                       uint8_t *out)
{
    size_t at = transport == HWT_MODBUS_TCP ? 6 : 0;
    uint16_t crc;

    memset(out, 0, at);
    out[at] = 1;
    memcpy(out + at + 1, pdu, n);
    if (transport == HWT_MODBUS_TCP) {
        out[1] = 9; /* transaction */
        out[5] = (uint8_t)(n + 1);
        return at + 1 + n;
    }
    crc = hwt_modbus_crc(out, n + 1);
    out[n + 1] = (uint8_t)crc;
    out[n + 2] = (uint8_t)(crc >> 8);
    return n + 3;
}

static void a_device_is_asked_for_its_identification(void **state)
{
    static const uint8_t rtu[] = {0x01, 0x2B, 0x0E, 0x01, 0x00, 0x70, 0x77};
    static const uint8_t tcp[] = {0, 9, 0, 0, 0, 5, 1, 0x2B, 0x0E, 4, 6};
    static const struct hwt_modbus_request one = {1, HWT_MODBUS_IDENTIFY, 6, HWT_MODBUS_ONE};
    struct hwt_modbus_request wrong = who, read;
    uint16_t transaction;
    uint8_t out[HWT_MODBUS_REQUEST_MAX];

    (void)state;
    assert_int_equal(hwt_modbus_request_encode(HWT_MODBUS_RTU, &who, 0, out), sizeof(rtu));
    assert_memory_equal(out, rtu, sizeof(rtu));
    assert_int_equal(
        hwt_modbus_request_decode(HWT_MODBUS_RTU, rtu, sizeof(rtu), &read, &transaction),
        sizeof(rtu));
    assert_memory_equal(&read, &who, sizeof(who));
    assert_int_equal(
        hwt_modbus_request_decode(HWT_MODBUS_TCP, tcp, sizeof(tcp), &read, &transaction),
        sizeof(tcp));
    assert_memory_equal(&read, &one, sizeof(one));
    assert_int_equal(transaction, 9);
    assert_int_equal(hwt_modbus_request_encode(HWT_MODBUS_TCP, &one, 9, out), sizeof(tcp));
    assert_memory_equal(out, tcp, sizeof(tcp));
    wrong.count = HWT_MODBUS_ONE + 1;
    assert_int_equal(hwt_modbus_request_encode(HWT_MODBUS_RTU, &wrong, 0, out), 0);
    wrong.count = 0;
    assert_int_equal(hwt_modbus_request_encode(HWT_MODBUS_RTU, &wrong, 0, out), 0);
    wrong = who;
    wrong.address = 256;
    assert_int_equal(hwt_modbus_request_encode(HWT_MODBUS_RTU, &wrong, 0, out), 0);
}

static void an_identification_gives_its_objects(void **state)
{
    static const struct {
        uint8_t id;
        const char *text;
    } want[] = {{HWT_MODBUS_VENDOR, "Company identification"},
                {HWT_MODBUS_PRODUCT_CODE, "Product code "},
                {HWT_MODBUS_REVISION, "V2.11"}};

    (void)state;
    for (int k = HWT_MODBUS_RTU; k <= HWT_MODBUS_TCP; k++) {
        const enum hwt_modbus_transport transport = (enum hwt_modbus_transport)k;
        uint8_t frame[HWT_MODBUS_FRAME_MAX];
        size_t n = frame_of(transport, identification, sizeof(identification), frame), at = 0;
        struct hwt_modbus_object o;
        struct hwt_modbus_reply r;

        for (size_t cut = 0; cut < n; cut++) {
            assert_int_equal(hwt_modbus_reply_decode(transport, &who, 9, frame, cut, &r),
                             HWT_ERR_AGAIN);
        }
        assert_int_equal(hwt_modbus_reply_decode(transport, &who, 9, frame, n, &r), 0);
        assert_int_equal(r.reason, HWT_MODBUS_OK);
        assert_int_equal(r.size, n);
        assert_int_equal(r.objects.conformity, 1);
        assert_int_equal(r.objects.next, 0);
        for (size_t i = 0; i < 3; i++) {
            assert_true(hwt_modbus_object_next(&r.objects, &at, &o));
            assert_int_equal(o.id, want[i].id);
            assert_int_equal(o.n, strlen(want[i].text));
            assert_memory_equal(o.p, want[i].text, o.n);
        }
        assert_false(hwt_modbus_object_next(&r.objects, &at, &o));
    }
}

static void an_identification_that_cannot_be_is_refused(void **state)
{
    static const struct {
        uint8_t pdu[16], n;
        enum hwt_modbus_transport transport;
        enum hwt_modbus_reason reason;
        const char *why;
    } rows[] = {
        {{0x2B, 0x0D, 1, 1, 0, 0, 0}, 7, HWT_MODBUS_RTU, HWT_MODBUS_NOISE, "CANopen, not 0E"},
        {{0x2B, 0x0E, 2, 1, 0, 0, 0}, 7, HWT_MODBUS_RTU, HWT_MODBUS_SHORT, "another access"},
        {{0xAB, 1}, 2, HWT_MODBUS_RTU, HWT_MODBUS_EXCEPTION, "it does not know 2B"},
        {{3, 2, 0, 1}, 4, HWT_MODBUS_RTU, HWT_MODBUS_FOREIGN, "registers"},
        {{0x2B, 0x0E, 1, 1, 0, 0, 1, 0, 9, 'A'},
         10,
         HWT_MODBUS_TCP,
         HWT_MODBUS_SHORT,
         "an object that reaches beyond the frame"},
        {{0x2B, 0x0E, 1, 1, 0, 0, 1, 0, 1, 'A', 'B'},
         11,
         HWT_MODBUS_TCP,
         HWT_MODBUS_SHORT,
         "an octet too many"},
        {{0x2B, 0x0E, 1, 1, 0}, 5, HWT_MODBUS_TCP, HWT_MODBUS_SHORT, "no list"},
    };
    uint8_t longest[HWT_MODBUS_FRAME_MAX] = {1, 0x2B, 0x0E, 1, 1, 0, 0, 2, 0, 0xFF};
    struct hwt_modbus_reply r;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t frame[64];
        size_t n = frame_of(rows[i].transport, rows[i].pdu, rows[i].n, frame);

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_modbus_reply_decode(rows[i].transport, &who, 9, frame, n, &r), 0);
        assert_int_equal(r.reason, rows[i].reason);
    }
    for (uint8_t objects = 1; objects <= 2; objects++) { /* 255 octets: no frame is so long */
        longest[7] = objects;
        assert_int_equal(
            hwt_modbus_reply_decode(HWT_MODBUS_RTU, &who, 0, longest, sizeof(longest), &r), 0);
        assert_int_equal(r.reason, HWT_MODBUS_NOISE);
    }
}

/* --- who it is ------------------------------------------------------------------------------- */

static void a_field_is_a_number_or_a_text(void **state)
{
    static const struct {
        struct hwt_modbus_field field;
        uint8_t p[16];
        const char *text, *why;
    } rows[] = {
        {{0, 3, HWT_MODBUS_U32, 0, 0}, {0x00, 0xBC, 0x61, 0x4E}, "12345678", "serial number"},
        {{0, 3, HWT_MODBUS_U32, 0, 0}, {0xFF, 0xFF, 0xFF, 0xFE}, "4294967294", "unsigned"},
        {{0, 3, HWT_MODBUS_U32, 0, 0}, {0xFF, 0xFF, 0xFF, 0xFF}, "", "not available"},
        {{0, 3, HWT_MODBUS_S16, 0, 0}, {0xFF, 0xFE}, "-2", "below zero"},
        {{0, 3, HWT_MODBUS_U32, HWT_MODBUS_CDAB, 0}, {0x61, 0x4E, 0x00, 0xBC}, "12345678", "CDAB"},
        {{0, 3, HWT_MODBUS_F32, 0, 0}, {0x42, 0x48, 0x00, 0x00}, "50", "a float"},
        {{0, 3, HWT_MODBUS_U64, 0, 0},
         {0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
         "9223372036854775807",
         "the largest"},
        {{0, 3, 0, 0, 6}, "B23 112-100", "B23 112-100", "a text with its ending zero"},
        {{0, 3, 0, 0, 4}, " AB  ", "AB", "spaces"},
        {{0, 3, 0, HWT_MODBUS_BADC, 3}, "PSME0-", "SPEM-0", "characters swapped"},
        {{0, 3, 0, 0, 4}, {0, '2', 0, '3', 0, '5', 0, 'W'}, "235W", "a character a register"},
        {{0, 3, 0, 0, 2}, {'A', 0x80, 'B', 'C'}, "", "no text"},
        {{0, 3, 0, 0, 2}, {0xFF, 0xFF, 0xFF, 0xFF}, "", "a text that is not there"},
    };
    char text[HWT_MODBUS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_modbus_field_text(&rows[i].field, rows[i].p, text),
                         strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
    assert_int_equal(hwt_modbus_field_registers(&rows[0].field), 2);
    assert_int_equal(hwt_modbus_field_registers(&rows[7].field), 6);
}

static void a_mark_fits_one_of_its_values(void **state)
{
    static const struct hwt_modbus_mark number = {
        .field = {0, 3, HWT_MODBUS_U16, 0, 0},
        .expected = {{.min = 32, .max = 32}, {.min = 100, .max = 104}},
        .n = 2};
    static const struct hwt_modbus_mark word = {
        .field = {0, 3, 0, 0, 4}, .expected = {{.text = "B23"}, {.text = "B24"}}, .n = 2};
    static const struct {
        uint8_t p[8];
        bool is_word, fits;
    } rows[] = {
        {{0, 32}, false, true},
        {{0, 31}, false, false},
        {{0, 33}, false, false},
        {{0, 100}, false, true},
        {{0, 104}, false, true},
        {{0, 99}, false, false},
        {{0, 105}, false, false},
        {{0xFF, 0xFF}, false, false},
        {"B23 112", true, true},
        {"B24 3", true, true},
        {"B2", true, false},
        {"A23", true, false},
        {{0x80, 'B', '2', '3'}, true, false},
        {{0}, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# row %zu\n", i);
        assert_int_equal(hwt_modbus_mark_fits(rows[i].is_word ? &word : &number, rows[i].p),
                         rows[i].fits);
    }
}

static void requests_out_of_range_are_refused(void **state)
{
    static const struct {
        enum hwt_modbus_transport transport;
        struct hwt_modbus_request request;
        const char *why;
    } rows[] = {
        {HWT_MODBUS_RTU, {0, 4, 0, 1}, "broadcast: nobody answers"},
        {HWT_MODBUS_RTU, {248, 4, 0, 1}, "reserved unit"},
        {HWT_MODBUS_RTU, {1, 6, 0, 1}, "a write"},
        {HWT_MODBUS_TCP, {1, 16, 0, 1}, "a write"},
        {HWT_MODBUS_RTU, {1, 4, 0, 0}, "no register"},
        {HWT_MODBUS_TCP, {1, 4, 0, 126}, "more than 125"},
        {HWT_MODBUS_TCP, {1, 4, 0xFFFF, 2}, "beyond the last register"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t out[HWT_MODBUS_REQUEST_MAX];

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_modbus_request_encode(rows[i].transport, &rows[i].request, 0, out), 0);
    }
}

static void names_cover_every_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HWT_MODBUS_REASON_COUNT; i++) {
        assert_string_not_equal(hwt_modbus_reason_name(i), "?");
    }
    assert_string_equal(hwt_modbus_reason_name(HWT_MODBUS_REASON_COUNT), "?");
    assert_string_equal(hwt_modbus_reason_name(HWT_MODBUS_CRC), "CRC");
    assert_string_equal(hwt_modbus_exception_name(2), "illegal data address");
    assert_string_equal(hwt_modbus_exception_name(11), "gateway target did not respond");
    for (unsigned i = 0; i < 256; i++) {
        assert_non_null(hwt_modbus_exception_name(i));
    }
    assert_string_equal(hwt_modbus_type_name(HWT_MODBUS_F64), "f64");
    assert_string_equal(hwt_modbus_part_name(HWT_MODBUS_L3), "l3");
    assert_string_equal(hwt_modbus_type_name(99), "?");
    assert_int_equal(hwt_modbus_type_registers(HWT_MODBUS_S64), 4);
    assert_int_equal(hwt_modbus_type_registers(99), 0);
}

/* --- values ---------------------------------------------------------------------------------- */

static void registers_become_counts_scaled_before_they_are_rounded(void **state)
{
    /* clang-format off */
    static const struct {
        struct hwt_modbus_row row; /* address and function do not matter here */
        uint8_t p[8];
        enum hwt_modbus_presence presence;
        int64_t counts;
        const char *why;
    } rows[] = {
        {{0, 4, HWT_MODBUS_F32, HWT_MODBUS_ABCD, HWT_Q_VOLTAGE, 0, 1, 0}, {0x43, 0x66, 0x33, 0x33},
         HWT_MODBUS_PRESENT, 23020, "230.2 V of an SDM120"},
        {{0, 4, HWT_MODBUS_F32, HWT_MODBUS_CDAB, HWT_Q_VOLTAGE, 0, 1, 0}, {0x33, 0x33, 0x43, 0x66},
         HWT_MODBUS_PRESENT, 23020, "low register first"},
        {{0, 4, HWT_MODBUS_F32, HWT_MODBUS_BADC, HWT_Q_VOLTAGE, 0, 1, 0}, {0x66, 0x43, 0x33, 0x33},
         HWT_MODBUS_PRESENT, 23020, "low octet first"},
        {{0, 4, HWT_MODBUS_F32, HWT_MODBUS_DCBA, HWT_Q_VOLTAGE, 0, 1, 0}, {0x33, 0x33, 0x66, 0x43},
         HWT_MODBUS_PRESENT, 23020, "both"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, 0, 1000, 0}, {0x3F, 0x9D, 0xF3, 0xB6},
         HWT_MODBUS_PRESENT, 12340, "1.234 kW: the scale keeps the watts"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, 0, 1, 0}, {0xC4, 0xEF, 0xF6, 0x66},
         HWT_MODBUS_PRESENT, -19197, "-1919.7 W: export"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_IMPORT, 0, 1000, 0}, {0x44, 0xC1, 0xEB, 0xD7},
         HWT_MODBUS_PRESENT, INT64_C(5584931982422), "1551.37 kWh as binary32 has it"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_IMPORT, 0, 1000, 0}, {0x00, 0x00, 0x00, 0x01},
         HWT_MODBUS_PRESENT, 0, "the smallest binary32"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, 0, 1, 0}, {0x80, 0, 0, 0},
         HWT_MODBUS_PRESENT, 0, "minus zero"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, 0, 1, 0}, {0x3D, 0x4C, 0xCC, 0xCD},
         HWT_MODBUS_PRESENT, 1, "0.05 W and a little: half away from zero"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, 0, 1, 0}, {0x7F, 0xC0, 0, 0},
         HWT_MODBUS_ABSENT, 0, "NaN"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, 0, 1, 0}, {0xFF, 0xFF, 0xFF, 0xFF},
         HWT_MODBUS_ABSENT, 0, "all ones, a NaN"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, 0, 1, 0}, {0x7F, 0x80, 0, 0},
         HWT_MODBUS_ABSENT, 0, "infinity"},
        {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_VOLTAGE, 0, 1, 0}, {0x7F, 0x7F, 0xFF, 0xFF},
         HWT_MODBUS_IMPLAUSIBLE, 0, "3.4e38 V"},
        {{0, 4, HWT_MODBUS_F32, HWT_MODBUS_CDAB, HWT_Q_FREQUENCY, 0, 1, 0}, {0x42, 0x48, 0, 0},
         HWT_MODBUS_PRESENT, 0, "50 Hz in a wrong word order is next to nothing"},
        {{0, 4, HWT_MODBUS_F64, 0, HWT_Q_POWER, 0, 1, 0}, {0x40, 0x93, 0x4A, 0x45, 0x6D, 0x5C, 0xFA, 0xAD},
         HWT_MODBUS_PRESENT, 12346, "1234.5678 W, binary64"},
        {{0, 4, HWT_MODBUS_F64, HWT_MODBUS_DCBA, HWT_Q_POWER, 0, 1, 0}, {0xAD, 0xFA, 0x5C, 0x6D, 0x45, 0x4A, 0x93, 0x40},
         HWT_MODBUS_PRESENT, 12346, "the same, last octet first"},
        {{0, 4, HWT_MODBUS_F64, 0, HWT_Q_IMPORT, 0, 1000, 0},
         {0x40, 0xFE, 0x24, 0x0C, 0xA0, 0x3F, 0xDB, 0xB8},
         HWT_MODBUS_PRESENT, INT64_C(444444440844240), "a counter in binary64, to the millijoule"},
        {{0, 4, HWT_MODBUS_F64, 0, HWT_Q_POWER, 0, 1, 0}, {0x7F, 0xF8},
         HWT_MODBUS_ABSENT, 0, "NaN of 64 bits"},
        {{0, 3, HWT_MODBUS_U32, 0, HWT_Q_VOLTAGE, 0, 1, -1}, {0, 0, 0x08, 0xFD},
         HWT_MODBUS_PRESENT, 23010, "230.1 V of an ABB B23"},
        {{0, 3, HWT_MODBUS_S32, 0, HWT_Q_POWER, 0, 1, -2}, {0xFF, 0xFF, 0xFF, 0x9C},
         HWT_MODBUS_PRESENT, -10, "-1.00 W of an ABB B23"},
        {{0, 3, HWT_MODBUS_U64, 0, HWT_Q_IMPORT, 0, 10, 0}, {0, 0, 0, 0, 0, 0x0B, 0x71, 0xB1},
         HWT_MODBUS_PRESENT, INT64_C(750001) * 10 * 3600000, "7500.01 kWh of an ABB B23"},
        {{0, 3, HWT_MODBUS_U64, 0, HWT_Q_IMPORT, 0, 10, 0}, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
         HWT_MODBUS_ABSENT, 0, "unsigned not available, ABB"},
        {{0, 3, HWT_MODBUS_U64, 0, HWT_Q_IMPORT, 0, 10, 0}, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE},
         HWT_MODBUS_IMPLAUSIBLE, 0, "one less is a number, and none of a house"},
        {{0, 3, HWT_MODBUS_S32, 0, HWT_Q_POWER, 0, 1, -2}, {0x7F, 0xFF, 0xFF, 0xFF},
         HWT_MODBUS_ABSENT, 0, "signed not available, ABB and Carlo Gavazzi"},
        {{0, 3, HWT_MODBUS_S64, 0, HWT_Q_POWER, 0, 1, 0}, {0x80},
         HWT_MODBUS_ABSENT, 0, "the lowest number"},
        {{0, 3, HWT_MODBUS_S64, HWT_MODBUS_CDAB, HWT_Q_POWER, 0, 1, 0}, {0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
         HWT_MODBUS_PRESENT, -20, "-2 W in 64 bits, low register first"},
        {{0, 3, HWT_MODBUS_U16, 0, HWT_Q_FREQUENCY, 0, 1, -2}, {0x13, 0x89},
         HWT_MODBUS_PRESENT, 50010, "50.01 Hz of an ABB B23"},
        {{0, 3, HWT_MODBUS_U16, 0, HWT_Q_FREQUENCY, 0, 1, -2}, {0xFF, 0xFF},
         HWT_MODBUS_ABSENT, 0, "FFFF, unsigned"},
        {{0, 3, HWT_MODBUS_S16, 0, HWT_Q_POWER_FACTOR, 0, 1, -3}, {0xFC, 0x18},
         HWT_MODBUS_PRESENT, -1000, "-1.000"},
        {{0, 3, HWT_MODBUS_S16, 0, HWT_Q_POWER_FACTOR, 0, 1, -3}, {0xFF, 0xFF},
         HWT_MODBUS_PRESENT, -1, "FFFF, signed: -0.001"},
        {{0, 3, HWT_MODBUS_S16, 0, HWT_Q_POWER_FACTOR, 0, 1, -3}, {0x7F, 0xFF},
         HWT_MODBUS_ABSENT, 0, "7FFF"},
        {{0, 3, HWT_MODBUS_S32, HWT_MODBUS_CDAB, HWT_Q_IMPORT, 0, 100, 0}, {0xE2, 0x40, 0x00, 0x01},
         HWT_MODBUS_PRESENT, INT64_C(123456) * 100 * 3600000, "12345.6 kWh of an EM340"},
        {{0, 3, HWT_MODBUS_S16, 0, HWT_Q_POWER, 0, -10, 0}, {0x00, 0x7B},
         HWT_MODBUS_PRESENT, -12300, "a negative scale turns the sign"},
        {{0, 3, HWT_MODBUS_U32, 0, HWT_Q_IMPORT, 0, 1, 9}, {0xFF, 0, 0, 0},
         HWT_MODBUS_IMPLAUSIBLE, 0, "too large for any counter"},
        {{0, 3, HWT_MODBUS_S32, 0, HWT_Q_IMPORT, 0, 1, 0}, {0xFF, 0xFF, 0xFF, 0xFF},
         HWT_MODBUS_IMPLAUSIBLE, 0, "a counter below zero"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t counts = 77;

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_modbus_value(&rows[i].row, rows[i].p, &counts), rows[i].presence);
        assert_true(counts == (rows[i].presence == HWT_MODBUS_PRESENT ? rows[i].counts : 77));
    }
}

/* --- plans ----------------------------------------------------------------------------------- */

static struct hwt_modbus_row f32_at(uint16_t address, uint8_t function)
{
    return (struct hwt_modbus_row){.address = address,
                                   .function = function,
                                   .type = HWT_MODBUS_F32,
                                   .quantity = HWT_Q_POWER,
                                   .scale = 1};
}

static void rows_are_read_by_few_requests_within_the_devices_limits(void **state)
{
    static const struct {
        uint16_t max, gap;
        unsigned rows;
        struct {
            uint16_t address, function;
        } row[6];
        unsigned groups;
        struct {
            uint16_t address, count;
        } group[6];
        const char *why;
    } plans[] = {
        {125, 0, 3, {{4, 4}, {0, 4}, {2, 4}}, 1, {{0, 6}}, "neighbours in any order"},
        {125, 0, 2, {{0, 4}, {6, 4}}, 2, {{0, 2}, {6, 2}}, "no gap allowed"},
        {125, 4, 2, {{0, 4}, {6, 4}}, 1, {{0, 8}}, "a gap of four"},
        {125, 3, 2, {{0, 4}, {6, 4}}, 2, {{0, 2}, {6, 2}}, "a gap of three is too small"},
        {4, 9, 3, {{0, 4}, {2, 4}, {4, 4}}, 2, {{0, 4}, {4, 2}}, "at most four at once"},
        {125, 9, 2, {{0, 3}, {2, 4}}, 2, {{0, 2}, {2, 2}}, "two functions"},
        {125, 0, 3, {{0, 4}, {0, 4}, {1, 4}}, 1, {{0, 3}}, "rows that overlap"},
        {125, 0, 0, {{0, 0}}, 0, {{0, 0}}, "no row"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        struct hwt_modbus_map map = {
            .rows = plans[i].rows, .registers_max = plans[i].max, .gap_max = plans[i].gap};
        struct hwt_modbus_group groups[HWT_MODBUS_GROUPS_MAX];

        print_message("# %s\n", plans[i].why);
        for (unsigned k = 0; k < map.rows; k++) {
            map.row[k] = f32_at(plans[i].row[k].address, (uint8_t)plans[i].row[k].function);
        }
        assert_int_equal(hwt_modbus_plan(&map, groups), plans[i].groups);
        for (unsigned k = 0; k < plans[i].groups; k++) {
            assert_int_equal(groups[k].address, plans[i].group[k].address);
            assert_int_equal(groups[k].count, plans[i].group[k].count);
        }
    }
}

static void every_row_is_in_one_group_that_covers_it(void **state)
{
    struct hwt_modbus_map map = {.registers_max = 80, .gap_max = 20};
    struct hwt_modbus_group groups[HWT_MODBUS_GROUPS_MAX];
    unsigned seen[HWT_MODBUS_ROWS_MAX] = {0}, n;

    (void)state;
    for (map.rows = 0; map.rows < HWT_MODBUS_ROWS_MAX; map.rows++) {
        map.row[map.rows] = f32_at((uint16_t)(map.rows * 37 % 101 * 3), 3 + map.rows % 2);
    }
    n = hwt_modbus_plan(&map, groups);
    for (unsigned i = 0; i < n; i++) {
        assert_true(groups[i].count <= map.registers_max);
        for (unsigned k = 0; k < groups[i].rows; k++) {
            const struct hwt_modbus_row *r = &map.row[groups[i].row[k]];

            seen[groups[i].row[k]]++;
            assert_int_equal(r->function, groups[i].function);
            assert_true(r->address >= groups[i].address);
            assert_true(r->address + 2u <= (unsigned)groups[i].address + groups[i].count);
        }
    }
    for (unsigned i = 0; i < map.rows; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void a_group_is_parted_down_to_single_addresses(void **state)
{
    struct hwt_modbus_map map = {.rows = 3, .registers_max = 125, .gap_max = 10};
    struct hwt_modbus_group whole, first, second, a, b;

    (void)state;
    map.row[0] = f32_at(0, 4);
    map.row[1] = f32_at(6, 4);
    map.row[2] = f32_at(6, 4);
    assert_int_equal(hwt_modbus_plan(&map, &whole), 1);
    assert_true(hwt_modbus_split(&map, &whole, &first, &second));
    assert_int_equal(first.address, 0);
    assert_int_equal(first.count, 2);
    assert_int_equal(second.address, 6);
    assert_int_equal(second.rows, 2);
    assert_false(hwt_modbus_split(&map, &first, &a, &b));
    assert_false(hwt_modbus_split(&map, &second, &a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_that_of_the_standards_example),
        cmocka_unit_test(requests_are_written_and_read_as_printed),
        cmocka_unit_test(replies_give_their_registers_and_are_awaited_to_the_last_octet),
        cmocka_unit_test(an_answer_that_is_not_ours_says_why),
        cmocka_unit_test(every_flipped_bit_of_an_rtu_frame_is_noticed),
        cmocka_unit_test(tcp_frames_are_told_apart_by_transaction_and_a_lost_stream_is_noticed),
        cmocka_unit_test(a_device_is_asked_for_its_identification),
        cmocka_unit_test(an_identification_gives_its_objects),
        cmocka_unit_test(an_identification_that_cannot_be_is_refused),
        cmocka_unit_test(a_field_is_a_number_or_a_text),
        cmocka_unit_test(a_mark_fits_one_of_its_values),
        cmocka_unit_test(requests_out_of_range_are_refused),
        cmocka_unit_test(names_cover_every_number),
        cmocka_unit_test(registers_become_counts_scaled_before_they_are_rounded),
        cmocka_unit_test(rows_are_read_by_few_requests_within_the_devices_limits),
        cmocka_unit_test(every_row_is_in_one_group_that_covers_it),
        cmocka_unit_test(a_group_is_parted_down_to_single_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
