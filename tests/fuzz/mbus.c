/*
 * M-Bus: octets as they come from a line. The same input is taken as a line with noise, as the data
 * of frames whose lengths and sums are right (the fuzzer need not find checksums), and as what a
 * master hears in pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/mbus_search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* Every octet a record points at lies inside the frame. */
static void check_inside(const struct hwt_mbus_frame *f, const uint8_t *p, size_t n)
{
    require(n == 0 || (p >= f->octets && n <= (size_t)(f->octets + f->size - p)));
}

static void check_record(const struct hwt_mbus_frame *f, const struct hwt_mbus_record *r)
{
    int64_t mantissa;
    int exponent;
    char text[256];

    check_inside(f, r->raw, r->raw_size);
    check_inside(f, r->vib, r->vib_size);
    check_inside(f, r->plain, r->plain_size);
    require(r->at < f->size);
    require(r->modifiers <= HWT_MBUS_CHAIN_MAX);
    require(hwt_mbus_record_error_name(r->error) != NULL);
    require(hwt_mbus_quantity_name(r->quantity) != NULL);
    require(hwt_mbus_unit_name(r->unit) != NULL);
    require(hwt_mbus_function_name(r->function) != NULL);
    require(hwt_mbus_text(r->raw, r->raw_size, r->msb_first, text, sizeof(text)) <= sizeof(text));
    for (unsigned i = 0; i < r->modifiers; i++) {
        require(hwt_mbus_modifier_name(r->modifier[i]) != NULL);
    }
    if (r->kind == HWT_MBUS_DATE || r->kind == HWT_MBUS_DATE_TIME) {
        require(r->date.month >= 1 && r->date.month <= 12 && r->date.day >= 1 && r->date.day <= 31);
    }
    if (hwt_mbus_decimal(r, &mantissa, &exponent)) {
        require(r->kind == HWT_MBUS_NUMBER || r->kind == HWT_MBUS_REAL);
        require(exponent >= -18 && exponent <= 18);
    }
}

static void decode(const struct hwt_mbus_frame *f)
{
    struct hwt_mbus_telegram t;
    struct hwt_mbus_record r;
    struct hwt_mbus_fault fault = {0};
    int verified, got, records = 0;

    if (hwt_mbus_open(f, &t, &fault) != 0) {
        require(fault.what != NULL && fault.at <= f->size);
        return;
    }
    verified = hwt_mbus_verify(&t, &fault);
    while ((got = hwt_mbus_next(&t, &r, &fault)) == 1) {
        check_record(f, &r);
        records++;
    }
    require(got == verified && records <= 255);
    require(got == 0 || (fault.what != NULL && fault.at <= f->size));
}

static void as_line(const uint8_t *data, size_t size)
{
    struct hwt_mbus_frame f;
    size_t at = 0, skip;
    int why;

    while (hwt_mbus_frame_find(data + at, size - at, true, &f, &skip, &why) == 0) {
        require(f.size > 0 && skip + f.size <= size - at);
        decode(&f);
        at += skip + f.size;
    }
    require(skip == size - at);
}

static void as_data(const uint8_t *data, size_t size)
{
    static const uint8_t ci[] = {0x6F, 0x70, 0x72, 0x73, 0x76, 0x77, 0x78, 0x79, 0x7A};
    size_t n = size < 252 ? size : 252;

    for (size_t i = 0; i < sizeof(ci); i++) {
        uint8_t buf[HWT_MBUS_FRAME_MAX], *exact;
        struct hwt_mbus_frame f;
        struct hwt_mbus_fault fault;
        int len = hwt_mbus_long_encode(0x08, 1, ci[i], data, n, buf, sizeof(buf));

        require(len == (int)n + 9);
        exact = malloc((size_t)len); /* its own block: sanitizers see a read past the end */
        if (exact != NULL) {
            memcpy(exact, buf, (size_t)len);
            require(hwt_mbus_frame_check(exact, (size_t)len, &f, &fault) == 0);
            decode(&f);
            free(exact);
        }
    }
}

/* The input is what comes back; pieces and pauses follow its own octets. It must come to an end. */
static void as_answers(const uint8_t *data, size_t size, bool secondary)
{
    static const struct hwt_mbus_order orders[] = {{2, {0x50, 0x00}}};
    struct hwt_mbus_slave slave = {.address = secondary ? 253 : 1,
                                   .select_size = secondary ? HWT_MBUS_SELECT_SIZE : 0,
                                   .select = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};
    struct hwt_mbus_task task = {.goal = HWT_MBUS_READ,
                                 .slave = &slave,
                                 .order = orders,
                                 .orders = secondary ? 1 : 0,
                                 .timeout_us = 100000,
                                 .retries = 2};
    struct hwt_mbus_master m;
    struct hwt_mbus_action a;
    int64_t now_us = 1000000;
    size_t at = 0;

    hwt_mbus_master_init(&m, 2400);
    hwt_mbus_master_begin(&m, &task, now_us);
    for (size_t steps = 0;; steps++) {
        require(steps < 100000 + 10 * size);
        a = hwt_mbus_master_step(&m, now_us);
        if (a.step == HWT_MBUS_STEP_DONE) {
            break;
        }
        if (a.step == HWT_MBUS_STEP_WAIT) {
            size_t n = at < size ? 1 + data[at] % 32 : 0;

            require(a.wake_us > now_us);
            n = n < size - at ? n : size - at;
            now_us = n > 0 ? now_us + 1 + data[at] * 100 : a.wake_us;
            hwt_mbus_master_feed(&m, data + at, n, now_us);
            at += n;
        }
    }
    if (m.result == 0) {
        require(m.reply.octets >= m.buf && m.reply.size <= sizeof(m.buf));
        decode(&m.reply);
    }
}

/* The input is what each selection brings: any run of outcomes comes to an end, and no mask twice.
 */
static void as_search(const uint8_t *data, size_t size)
{
    static const uint8_t all[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    struct hwt_mbus_search s;
    uint8_t mask[8], before[8] = {0};

    hwt_mbus_search_init(&s, all);
    for (size_t i = 0; hwt_mbus_search_next(&s, mask); i++) {
        require(memcmp(mask, before, 8) != 0 && s.tried == i + 1);
        memcpy(before, mask, 8);
        require(i < 100000);
        hwt_mbus_search_tell(&s, i < size ? (enum hwt_mbus_outcome)(data[i] % HWT_MBUS_OUTCOMES)
                                          : HWT_MBUS_NOBODY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_line(data, size);
    as_data(data, size);
    as_answers(data, size, false);
    as_answers(data, size, true);
    as_search(data, size);
    return 0;
}
