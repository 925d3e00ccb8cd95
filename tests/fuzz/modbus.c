/*
 * Modbus: octets as they come from a line or a socket. The same input is taken as replies and
 * requests at every place, as what a master hears in pieces, as replies whose checksum is right,
 * and as registers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/modbus_identity.h"
#include "core/wire/modbus_master.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hwt_modbus_request asked = {1, 4, 0, 2};

static void require(bool ok)
{
    if (!ok) {
        abort();
    }
}

static const struct hwt_modbus_request who = {1, HWT_MODBUS_IDENTIFY, 0, HWT_MODBUS_BASIC};

static void check_objects(const uint8_t *p, size_t n, const struct hwt_modbus_objects *objects)
{
    struct hwt_modbus_object o;
    size_t at = 0, last = 0;

    require(objects->p > p && objects->p + objects->n <= p + n);
    while (hwt_modbus_object_next(objects, &at, &o)) {
        require(at > last && o.p > objects->p && o.p + o.n <= objects->p + objects->n);
        last = at;
    }
    require(at == objects->n); /* nothing is left over */
}

static void check_reply(const uint8_t *p, size_t n, const struct hwt_modbus_reply *r)
{
    require(r->reason < HWT_MODBUS_REASON_COUNT && r->size <= n);
    if (r->reason == HWT_MODBUS_OK && r->count == 0) {
        check_objects(p, r->size, &r->objects);
    } else if (r->reason == HWT_MODBUS_OK) {
        require(r->count >= 1 && r->registers >= p && r->registers + 2 * r->count <= p + r->size);
    }
}

static void as_frames(const uint8_t *data, size_t size)
{
    for (int transport = HWT_MODBUS_RTU; transport <= HWT_MODBUS_TCP; transport++) {
        for (size_t at = 0; at <= size && at < 300; at++) {
            struct hwt_modbus_reply r;
            struct hwt_modbus_request q;
            uint16_t transaction;

            if (hwt_modbus_reply_decode((enum hwt_modbus_transport)transport,
                                        at % 3 == 0   ? &asked
                                        : at % 3 == 1 ? &who
                                                      : NULL,
                                        0, data + at, size - at, &r) == 0) {
                check_reply(data + at, size - at, &r);
            }
            if (hwt_modbus_request_decode((enum hwt_modbus_transport)transport, data + at,
                                          size - at, &q, &transaction) > 0) {
                uint8_t out[HWT_MODBUS_REQUEST_MAX];
                size_t n = hwt_modbus_request_encode((enum hwt_modbus_transport)transport, &q,
                                                     transaction, out);

                require(n > 0 && memcmp(out, data + at, n) == 0);
            }
        }
    }
}

/* The input is what comes back; pieces and pauses follow its own octets. It must come to an end. */
static void as_answers(enum hwt_modbus_transport transport, const uint8_t *data, size_t size)
{
    struct hwt_modbus_master m;
    int64_t now_us = 1000000;
    size_t at = 0;

    hwt_modbus_master_init(&m, transport, 9600);
    for (int round = 0; round < 3; round++) {
        struct hwt_modbus_request q = asked;

        q.address = (uint16_t)(2 * round);
        q = round == 1 ? who : q;
        require(hwt_modbus_master_start(&m, &q, 100000, 2, now_us) == 0);
        for (size_t steps = 0;; steps++) {
            struct hwt_modbus_action a = hwt_modbus_master_step(&m, now_us);

            require(steps < 100000 + 10 * size);
            if (a.step == HWT_MODBUS_STEP_DONE) {
                break;
            }
            if (a.step == HWT_MODBUS_STEP_WAIT) {
                size_t n = at < size ? 1 + data[at] % 32 : 0;

                require(a.wake_us > now_us);
                n = n < size - at ? n : size - at;
                now_us = n > 0 ? now_us + 1 + data[at] * 100 : a.wake_us;
                hwt_modbus_master_feed(&m, data + at, n, now_us);
                at += n;
            }
        }
        if (m.result == HWT_MODBUS_OK && round == 1) {
            check_objects(m.buf, sizeof(m.buf), &m.objects);
        } else if (m.result == HWT_MODBUS_OK) {
            require(m.registers >= m.buf && m.registers + 4 <= m.buf + sizeof(m.buf));
        }
    }
}

static void as_registers(const uint8_t *data, size_t size)
{
    struct hwt_modbus_row row = {.function = 4, .scale = 1};

    for (size_t at = 0; at + 11 <= size && at < 300; at++) {
        int64_t counts = 0;

        row.type = data[at] % HWT_MODBUS_TYPE_COUNT;
        row.order = data[at + 1] % HWT_MODBUS_ORDER_COUNT;
        row.quantity = (uint8_t)(1 + data[at + 2] % (HWT_Q_COUNT - 1));
        row.exponent = (int8_t)(data[at + 1] % 19 - 9);
        row.scale = data[at] % 2 == 0 ? 1000 : -1;
        (void)hwt_modbus_value(&row, data + at + 3, &counts);
        require(counts > INT64_MIN);
    }
}

static void as_identity(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 2 + 2 * HWT_MODBUS_TEXT_REGISTERS_MAX <= size && at < 300; at++) {
        struct hwt_modbus_mark mark = {
            .field = {.type = data[at] % HWT_MODBUS_TYPE_COUNT,
                      .order = data[at + 1] % HWT_MODBUS_ORDER_COUNT,
                      .length = data[at + 1] % (HWT_MODBUS_TEXT_REGISTERS_MAX + 1)},
            .expected = {{.min = -5, .max = 1000, .text = "A"}},
            .n = 1};
        char text[HWT_MODBUS_TEXT_SIZE];

        require(hwt_modbus_field_text(&mark.field, data + at + 2, text) == strlen(text));
        (void)hwt_modbus_mark_fits(&mark, data + at + 2);
    }
}

static void as_map(const uint8_t *data, size_t size)
{
    struct hwt_modbus_map map = {.registers_max = 80, .gap_max = 8};
    struct hwt_modbus_group groups[HWT_MODBUS_GROUPS_MAX];
    unsigned n, rows = 0;

    for (size_t at = 0; at + 2 <= size && map.rows < HWT_MODBUS_ROWS_MAX; at += 2) {
        map.row[map.rows++] = (struct hwt_modbus_row){.address = data[at],
                                                      .function = 3 + data[at + 1] % 2,
                                                      .type = data[at + 1] % HWT_MODBUS_TYPE_COUNT,
                                                      .quantity = HWT_Q_POWER,
                                                      .scale = 1};
    }
    n = hwt_modbus_plan(&map, groups);
    for (unsigned i = 0; i < n; i++) {
        struct hwt_modbus_group a, b;

        rows += groups[i].rows;
        require(groups[i].count >= 1 && groups[i].count <= map.registers_max);
        if (hwt_modbus_split(&map, &groups[i], &a, &b)) {
            require(a.rows >= 1 && b.rows >= 1 && a.rows + b.rows == groups[i].rows);
            require(a.count <= groups[i].count && b.count <= groups[i].count);
        }
    }
    require(rows == map.rows);
}

/* n octets and the right checksum; p has room for it. */
static void as_right_frame(uint8_t *p, size_t n)
{
    uint16_t crc = hwt_modbus_crc(p, n);

    p[n] = (uint8_t)crc;
    p[n + 1] = (uint8_t)(crc >> 8);
    as_frames(p, n + 2);
    as_answers(HWT_MODBUS_RTU, p, n + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t framed[3 + 4 + 2] = {1, 4, 4}, named[4 + 40 + 2] = {1, 0x2B, 0x0E, 1};

    as_frames(data, size);
    as_answers(HWT_MODBUS_RTU, data, size);
    as_answers(HWT_MODBUS_TCP, data, size);
    as_registers(data, size);
    as_identity(data, size);
    as_map(data, size);
    memcpy(framed + 3, data, size < 4 ? size : 4);
    as_right_frame(framed, 7);
    memcpy(named + 4, data, size < 40 ? size : 40);
    as_right_frame(named, 4 + (size < 40 ? size : 40));
    return 0;
}
