/* daemon/drivers/modbus_search on a pseudo-terminal and a socket: devices played by the test. On
 * the pseudo-terminal a device hears only its own speed, and answers at one time spoil each other:
 * a space (0) wins. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/quantity.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/drivers/modbus_search.h"
#include "tests/drivers/made_time.h"

enum { DEVICES_MAX = 6, FOUND_MAX = 16, PROBLEMS_MAX = 4, TIMEOUT_MS = 50, FRAME_MAX = 128 };
enum manner {
    METER,     /* registers, serial number, no function 2B */
    NAMED,     /* function 2B, and no registers at all */
    REFUSER,   /* answers every request with exception 1 */
    BABBLER,   /* answers with what is no Modbus */
    STUTTERER, /* a meter whose first answer is damaged on the way */
    WHATEVER,  /* a meter that answers for every unit */
    GATEWAY,   /* says of every other unit that nobody is there */
    CLOSER     /* a meter that ends the connection when asked for 2B */
};

struct device {
    uint8_t unit;
    enum manner manner;
    speed_t speed; /* serial */
    uint16_t code; /* holding FC02 */
    uint32_t serial;
};

/* Two models, and one whose mark is a text. */
static const struct hwt_modbus_map one_phase = {
    .row = {{0, 4, HWT_MODBUS_F32, 0, HWT_Q_VOLTAGE, HWT_MODBUS_L1, 1, 0},
            {12, 4, HWT_MODBUS_F32, 0, HWT_Q_POWER, HWT_MODBUS_TOTAL, 1, 0},
            {72, 4, HWT_MODBUS_F32, 0, HWT_Q_IMPORT, HWT_MODBUS_TOTAL, 1000, 0}},
    .rows = 3,
    .registers_max = 80,
};
#define CODE(lowest, highest)                                                              \
    {                                                                                      \
        .mark = {{.field = {0xFC02, 3, HWT_MODBUS_U16, 0, 0},                              \
                  .expected = {{.min = 7, .max = 7}, {.min = (lowest), .max = (highest)}}, \
                  .n = 2}},                                                                \
        .marks = 1, .serial = {0xFC00, 3, HWT_MODBUS_U32, 0, 0},                           \
    }
static const struct hwt_modbus_identity codes_32 = CODE(0x20, 0x20), codes_70s = CODE(0x70, 0x7F);
static const struct hwt_modbus_identity nothing = {.marks = 0};
static const struct hwt_modbus_identity worded = {
    .mark = {{.field = {0x8960, 3, 0, 0, 6}, .expected = {{.text = "B23"}}, .n = 1}}, .marks = 1};
static const struct modbus_kind kinds[] = {{"nothing", "Nothing", &one_phase, &nothing},
                                           {"worded", "Worded", &one_phase, &worded},
                                           {"big", "Big", &one_phase, &codes_70s},
                                           {"small", "Small", &one_phase, &codes_32}};

struct rig {
    uv_loop_t loop;
    struct modbus_search *search;
    struct modbus_search_options o;
    char dir[40], link[64], tcp[40];
    int wire, listener; /* -1: none */
    struct device device[DEVICES_MAX];
    unsigned devices;
    uint8_t got[32];
    size_t got_n;
    unsigned asked[256], functions[256];
    struct modbus_found found[FOUND_MAX];
    unsigned founds, problems;
    char problem[PROBLEMS_MAX][200];
    struct modbus_search_progress last;
    unsigned progresses;
    bool done, echo, over;
    char why[200];
    unsigned connections, stutters;
};

/* --- what is told ---------------------------------------------------------------------------- */

static void on_found(void *ctx, const struct modbus_found *f)
{
    struct rig *rig = ctx;

    assert_true(rig->founds < FOUND_MAX);
    rig->found[rig->founds++] = *f;
}

static void on_progress(void *ctx, const struct modbus_search_progress *p)
{
    struct rig *rig = ctx;

    assert_true(p->done < p->total);
    assert_true(p->done >= rig->last.done);
    rig->last = *p;
    rig->progresses++;
}

static void on_problem(void *ctx, const char *what)
{
    struct rig *rig = ctx;

    assert_true(rig->problems < PROBLEMS_MAX);
    snprintf(rig->problem[rig->problems++], sizeof(rig->problem[0]), "%s", what);
}

static void on_done(void *ctx, const char *why)
{
    struct rig *rig = ctx;

    assert_false(rig->done);
    rig->done = true;
    snprintf(rig->why, sizeof(rig->why), "%s", why != NULL ? why : "");
}

/* --- the devices ----------------------------------------------------------------------------- */

static size_t refuse(const uint8_t *q, uint8_t code, uint8_t *out)
{
    out[1] = q[1] | 0x80;
    out[2] = code;
    return 3;
}

static void put_float(uint8_t *at, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof(bits));
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(bits >> (24 - 8 * i));
    }
}

/* Registers as such meters have them; what is not listed is not there. */
static size_t read_registers(const struct device *d, const uint8_t *q, uint8_t *out)
{
    unsigned address = (unsigned)(q[2] << 8 | q[3]), count = (unsigned)(q[4] << 8 | q[5]);
    const float values[3] = {230.5F, 1250, 1000.25F};
    static const unsigned at[3] = {0, 12, 72};

    out[1] = q[1];
    out[2] = (uint8_t)(2 * count);
    for (unsigned i = 0; i < 3; i++) {
        if (q[1] == 4 && count == 2 && address == at[i]) {
            put_float(out + 3, values[i]);
            return 7;
        }
    }
    if (q[1] == 3 && address == 0xFC02 && count == 1) {
        out[3] = (uint8_t)(d->code >> 8);
        out[4] = (uint8_t)d->code;
        return 5;
    }
    if (q[1] == 3 && address == 0xFC00 && count == 2) {
        for (int i = 0; i < 4; i++) {
            out[3 + i] = (uint8_t)(d->serial >> (24 - 8 * i));
        }
        return 7;
    }
    return refuse(q, q[1] == 3 || q[1] == 4 ? 2 : 1, out);
}

/* Basic objects in two answers, then the model's name, which only regular access has. */
static size_t name_itself(const uint8_t *q, uint8_t *out)
{
    static const uint8_t first[] = {0x0E, 1, 0x82, 0xFF, 1, 1, 0, 4, 'A', 'c', 'm', 'e'};
    static const uint8_t second[] = {0x0E, 1,   0x82, 0, 0,   2,   1,   3,  'P',
                                     '-',  '1', 2,    4, 'V', '1', '.', '2'};
    static const uint8_t third[] = {0x0E, 2, 0x82, 0,   0,   2,   4,   3,   'O', 'n', 'e',
                                    5,    9, ' ',  'T', 'h', 'e', ' ', 'O', 'n', 'e', ' '};
    const uint8_t *p = q[3] == 2 ? third : q[4] == 0 ? first : second;
    size_t n = q[3] == 2 ? sizeof(third) : q[4] == 0 ? sizeof(first) : sizeof(second);

    out[1] = 0x2B;
    memcpy(out + 2, p, n);
    return 2 + n;
}

/* From the unit on, without checksum; 0: silence. */
static size_t answer(struct rig *rig, const struct device *d, const uint8_t *q, uint8_t *out)
{
    out[0] = q[0];
    if (d->manner == GATEWAY && q[0] != d->unit) {
        return refuse(q, 11, out);
    }
    if (d->manner != WHATEVER && q[0] != d->unit) {
        return 0;
    }
    switch (d->manner) {
    case REFUSER:
        return refuse(q, 1, out);
    case NAMED:
        return q[1] == 0x2B ? name_itself(q, out) : refuse(q, 2, out);
    case BABBLER:
        memset(out, 0x55, 9);
        return 9;
    case CLOSER:
        rig->over = q[1] == 0x2B;
        return rig->over ? 0 : read_registers(d, q, out);
    case METER:
    case STUTTERER:
    case WHATEVER:
    case GATEWAY:
        break;
    }
    return read_registers(d, q, out);
}

static void reply_serial(struct rig *rig, const uint8_t *q, speed_t speed)
{
    uint8_t bus[FRAME_MAX];
    size_t longest = 0;

    memset(bus, 0xFF, sizeof(bus));
    for (unsigned i = 0; i < rig->devices; i++) {
        const struct device *d = &rig->device[i];
        uint8_t out[FRAME_MAX];
        size_t n = d->speed == speed ? answer(rig, d, q, out) : 0;

        if (n > 0 && d->manner != BABBLER) {
            uint16_t crc = hwt_modbus_crc(out, n);

            out[n++] = (uint8_t)crc;
            out[n++] = (uint8_t)(crc >> 8);
            out[3] ^= d->manner == STUTTERER && rig->stutters++ == 0;
        }
        for (size_t k = 0; k < n; k++) {
            bus[k] &= out[k];
        }
        longest = n > longest ? n : longest;
    }
    if (longest > 0) {
        assert_int_equal(write(rig->wire, bus, longest), longest);
    }
}

static void reply_tcp(struct rig *rig, const uint8_t *q)
{
    uint8_t out[FRAME_MAX] = {q[0], q[1]};
    size_t n = 0;

    for (unsigned i = 0; i < rig->devices && n == 0; i++) {
        n = answer(rig, &rig->device[i], q + 6, out + 6);
    }
    out[5] = (uint8_t)n;
    if (n > 0) {
        assert_int_equal(write(rig->wire, out, 6 + n), 6 + n);
    }
}

/* A whole request: 3, 4: six octets; 2B: five; and a checksum or a header. */
static bool take_request(struct rig *rig, uint8_t q[32])
{
    bool tcp = rig->listener >= 0;
    const uint8_t *pdu = rig->got + (tcp ? 6 : 0);
    size_t n = (tcp ? 6 : 2) + (rig->got_n > (tcp ? 7u : 1u) && pdu[1] == 0x2B ? 5u : 6u);

    if (rig->got_n < n) {
        return false;
    }
    memcpy(q, rig->got, n);
    rig->asked[pdu[0]]++;
    rig->functions[pdu[1]]++;
    rig->got_n = 0;
    return true;
}

static void play(struct rig *rig)
{
    struct termios t;
    uint8_t q[32];
    ssize_t n;

    if (rig->listener >= 0 && rig->wire < 0) {
        rig->wire = accept4(rig->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        rig->connections += rig->wire >= 0;
    }
    if (rig->wire < 0) {
        return;
    }
    n = read(rig->wire, rig->got + rig->got_n, sizeof(rig->got) - rig->got_n);
    rig->got_n += n > 0 ? (size_t)n : 0;
    if (rig->echo && n > 0) {
        assert_int_equal(write(rig->wire, rig->got + rig->got_n - n, (size_t)n), n);
    }
    if (take_request(rig, q) && rig->listener >= 0) {
        reply_tcp(rig, q);
    } else if (rig->listener < 0 && n > 0 && rig->got_n == 0) {
        assert_int_equal(tcgetattr(rig->wire, &t), 0);
        reply_serial(rig, q, cfgetospeed(&t));
    }
    if (rig->over || (rig->listener >= 0 && n == 0)) {
        close(rig->wire);
        rig->wire = -1;
        rig->over = false;
    }
}

/* --- the rig --------------------------------------------------------------------------------- */

static void listen_somewhere(struct rig *rig)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(where);

    rig->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig->listener, (struct sockaddr *)&where, sizeof(where)), 0);
    assert_int_equal(listen(rig->listener, 4), 0);
    assert_int_equal(getsockname(rig->listener, (struct sockaddr *)&where, &n), 0);
    snprintf(rig->tcp, sizeof(rig->tcp), "127.0.0.1:%u", (unsigned)ntohs(where.sin_port));
}

static void plug(struct rig *rig)
{
    rig->wire = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(rig->wire >= 0);
    assert_int_equal(grantpt(rig->wire), 0);
    assert_int_equal(unlockpt(rig->wire), 0);
    assert_int_equal(symlink(ptsname(rig->wire), rig->link), 0);
}

static int set_up_rig(void **state, bool tcp)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    log_set_level(LOG_ERROR);
    rig->wire = rig->listener = -1;
    uv_loop_init(&rig->loop);
    snprintf(rig->dir, sizeof(rig->dir), "/tmp/hwt-modbus-search-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->link, sizeof(rig->link), "%s/port", rig->dir);
    rig->o = (struct modbus_search_options){.baud = {57600, 115200},
                                            .speeds = 2,
                                            .framing = {SERIAL_8N1},
                                            .framings = 1,
                                            .from = 15, /* two likely units, another one */
                                            .to = 17,
                                            .timeout_ms = TIMEOUT_MS,
                                            .kind = kinds,
                                            .kinds = sizeof(kinds) / sizeof(kinds[0]),
                                            .on_found = on_found,
                                            .on_progress = on_progress,
                                            .on_problem = on_problem,
                                            .on_done = on_done,
                                            .ctx = rig};
    if (tcp) {
        listen_somewhere(rig);
        rig->o.tcp = rig->tcp;
    } else {
        plug(rig);
        rig->o.port = rig->link;
    }
    *state = rig;
    return 0;
}

static int set_up(void **state)
{
    return set_up_rig(state, false);
}

static int set_up_tcp(void **state)
{
    return set_up_rig(state, true);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    modbus_search_free(rig->search);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0); /* no handle is left behind */
    if (rig->wire >= 0) {
        close(rig->wire);
    }
    if (rig->listener >= 0) {
        close(rig->listener);
    }
    unlink(rig->link);
    rmdir(rig->dir);
    free(rig);
    return 0;
}

static void add(struct rig *rig, struct device d)
{
    rig->device[rig->devices++] = d;
}

static void search(struct rig *rig)
{
    rig->search = modbus_search_new(&rig->loop, &rig->o);
    assert_non_null(rig->search);
    modbus_search_start(rig->search);
    for (unsigned turns = 0; !rig->done && turns < MADE_TIME_PATIENCE; turns++) {
        play(rig);
        made_time_turn(&rig->loop);
    }
    assert_true(rig->done);
    assert_string_equal(rig->why, "");
}

static const struct modbus_found *find(const struct rig *rig, unsigned baud, unsigned unit)
{
    for (unsigned i = 0; i < rig->founds; i++) {
        if (rig->found[i].baud == baud && rig->found[i].unit == unit) {
            return &rig->found[i];
        }
    }
    fail_msg("unit %u at %u baud was not found", unit, baud);
    return NULL;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void devices_at_two_speeds_are_found_and_named(void **state)
{
    struct rig *rig = *state;
    const struct modbus_found *f;

    add(rig, (struct device){15, METER, B57600, 0x20, 12345678});
    add(rig, (struct device){15, METER, B115200, 0x72, 4000000001u});
    add(rig, (struct device){17, METER, B115200, 0x99, 3});
    search(rig);
    assert_int_equal(rig->founds, 3);
    f = find(rig, 57600, 15);
    assert_string_equal(f->kind->map, "small");
    assert_string_equal(f->serial, "12345678");
    assert_int_equal(f->values, 3);
    assert_int_equal(f->value[0].quantity, HWT_Q_POWER);
    assert_int_equal(f->value[0].counts, 12500);
    assert_int_equal(f->value[1].quantity, HWT_Q_IMPORT);
    assert_true(f->value[1].counts == INT64_C(3600900000000));
    assert_int_equal(f->value[2].quantity, HWT_Q_VOLTAGE);
    assert_false(f->collision);
    f = find(rig, 115200, 15);
    assert_string_equal(f->kind->map, "big");
    assert_string_equal(f->serial, "4000000001");
    f = find(rig, 115200, 17);
    assert_null(f->kind); /* no model has that code */
    assert_string_equal(f->serial, "");
    assert_int_equal(f->exception, 0);
    assert_int_equal(rig->problems, 0);
    assert_int_equal(rig->last.total, 6);
}

static void only_reads_are_sent(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){15, METER, B57600, 0x20, 1});
    search(rig);
    for (unsigned f = 0; f < 256; f++) {
        assert_true(rig->functions[f] == 0 || f == 3 || f == 4 || f == 0x2B);
    }
    assert_true(rig->functions[0x2B] > 0);
}

static void the_likely_units_come_first_and_the_rest_only_where_something_is(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){15, REFUSER, B115200, 0, 0});
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_int_equal(rig->asked[17], 1); /* at 115200 alone */
    assert_int_equal(rig->asked[16], 4); /* two kinds of read at each speed */
    assert_int_equal(rig->last.unit, 17);
    assert_int_equal(rig->last.baud, 115200);
    assert_int_equal(rig->last.total, 5);
}

static void every_line_is_searched_through_when_asked_for(void **state)
{
    struct rig *rig = *state;

    rig->o.every_line = true;
    add(rig, (struct device){15, REFUSER, B115200, 0, 0});
    add(rig, (struct device){17, REFUSER, B57600, 0, 0});
    search(rig);
    assert_int_equal(rig->founds, 2);
    find(rig, 57600, 17);
}

static void a_device_that_only_refuses_is_a_device(void **state)
{
    struct rig *rig = *state;
    const struct modbus_found *f;

    add(rig, (struct device){15, REFUSER, B115200, 0, 0});
    search(rig);
    f = find(rig, 115200, 15);
    assert_int_equal(f->exception, 1);
    assert_false(f->collision);
    assert_null(f->kind);
    assert_string_equal(f->vendor, "");
}

static void a_device_says_its_name_in_as_many_answers_as_it_takes(void **state)
{
    struct rig *rig = *state;
    const struct modbus_found *f;

    add(rig, (struct device){16, NAMED, B57600, 0, 0});
    search(rig);
    f = find(rig, 57600, 16);
    assert_string_equal(f->vendor, "Acme");
    assert_string_equal(f->product, "P-1");
    assert_string_equal(f->revision, "V1.2");
    assert_string_equal(f->model, "The One");
    assert_null(f->kind);
}

static void two_devices_of_one_unit_are_a_collision(void **state)
{
    struct rig *rig = *state;
    const struct modbus_found *f;

    add(rig, (struct device){15, METER, B115200, 0x20, 0x00F0F0F0});
    add(rig, (struct device){15, REFUSER, B115200, 0, 0});
    add(rig, (struct device){16, METER, B115200, 0x20, 1});
    search(rig);
    assert_int_equal(rig->founds, 2);
    f = find(rig, 115200, 15);
    assert_true(f->collision);
    assert_true(f->damage == HWT_MODBUS_CRC || f->damage == HWT_MODBUS_SHORT);
    assert_null(f->kind);
    assert_false(find(rig, 115200, 16)->collision);
}

/* They answer the first reads alike, to the bit. */
static void twins_give_themselves_away_by_their_serial_numbers(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){15, METER, B115200, 0x20, 0x00F0F0F0});
    add(rig, (struct device){15, METER, B115200, 0x20, 0x000F0F01});
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_true(find(rig, 115200, 15)->collision);
    assert_int_equal(find(rig, 115200, 15)->damage, HWT_MODBUS_CRC);
}

static void a_device_that_sends_garbage_is_told_and_harms_no_other(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){15, BABBLER, B115200, 0, 0});
    add(rig, (struct device){16, METER, B115200, 0x20, 9});
    search(rig);
    assert_int_equal(rig->founds, 2);
    assert_true(find(rig, 115200, 15)->collision);
    assert_int_equal(find(rig, 115200, 15)->damage, HWT_MODBUS_NOISE);
    assert_string_equal(find(rig, 115200, 16)->serial, "9");
    assert_int_equal(rig->problems, 0);
}

static void one_damaged_answer_is_no_collision(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){16, STUTTERER, B115200, 0x20, 9});
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_false(find(rig, 115200, 16)->collision);
    assert_string_equal(find(rig, 115200, 16)->serial, "9");
}

static void a_line_of_garbage_is_one_problem_and_no_device(void **state)
{
    struct rig *rig = *state;

    rig->o.from = 11;
    for (uint8_t u = 11; u < 11 + DEVICES_MAX - 1; u++) {
        add(rig, (struct device){u, BABBLER, B57600, 0, 0});
    }
    add(rig, (struct device){15, METER, B115200, 0x20, 9});
    search(rig);
    assert_int_equal(rig->founds, 1);
    find(rig, 115200, 15);
    assert_int_equal(rig->problems, 1);
    assert_non_null(strstr(rig->problem[0], "at 57600 baud, what comes is no Modbus (NOISE)"));
}

static void an_adapter_that_hears_itself_is_no_device(void **state)
{
    struct rig *rig = *state;

    rig->echo = true;
    search(rig);
    assert_int_equal(rig->founds, 0);
    assert_int_equal(rig->last.echoes, 9); /* of all but the last unit */
}

static void a_device_found_with_one_stop_bit_is_not_found_again_with_two(void **state)
{
    struct rig *rig = *state;

    rig->o.framing[1] = SERIAL_8N2;
    rig->o.framings = 2;
    add(rig, (struct device){15, METER, B115200, 0x20, 9});
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_int_equal(rig->found[0].framing, SERIAL_8N1);
}

static void a_gateway_tells_who_is_not_there(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){16, GATEWAY, 0, 0x72, 77});
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_int_equal(rig->found[0].unit, 16);
    assert_false(rig->found[0].any_unit);
    assert_string_equal(rig->found[0].serial, "77");
    assert_int_equal(rig->asked[17], 1);
}

static void a_device_that_looks_at_no_unit_is_told_once(void **state)
{
    struct rig *rig = *state;

    rig->o.from = rig->o.to = 0;
    add(rig, (struct device){0, WHATEVER, 0, 0x20, 5});
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_int_equal(rig->found[0].unit, 1);
    assert_true(rig->found[0].any_unit);
    assert_string_equal(rig->found[0].kind->map, "small");
    assert_int_equal(rig->asked[2], 0);
}

static void by_tcp_the_unit_of_the_device_itself_is_asked_second(void **state)
{
    struct rig *rig = *state;

    rig->o.from = rig->o.to = 0;
    rig->o.timeout_ms = 3;
    add(rig, (struct device){255, METER, 0, 0x20, 5});
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_int_equal(rig->found[0].unit, 255);
    assert_int_equal(rig->asked[247], 2); /* as one of the unlikely, and in its turn */
}

static void a_device_that_hangs_up_on_2b_is_read_all_the_same(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){1, CLOSER, 0, 0x20, 5});
    rig->o.from = 1;
    rig->o.to = 2;
    search(rig);
    assert_int_equal(rig->founds, 1);
    assert_string_equal(rig->found[0].serial, "5");
    assert_int_equal(rig->connections, 2);
}

static void what_cannot_be_is_refused(void **state)
{
    struct rig *rig = *state;
    struct modbus_search_options o = rig->o;

    o.baud[1] = 1234;
    assert_null(modbus_search_new(&rig->loop, &o));
    o = rig->o;
    o.speeds = 0;
    assert_null(modbus_search_new(&rig->loop, &o));
    o = rig->o;
    o.framings = MODBUS_SEARCH_FRAMINGS_MAX + 1;
    assert_null(modbus_search_new(&rig->loop, &o));
    o = rig->o;
    o.to = 248;
    assert_null(modbus_search_new(&rig->loop, &o));
    o.from = 9;
    o.to = 8;
    assert_null(modbus_search_new(&rig->loop, &o));
}

static void a_search_can_be_given_up_at_any_time(void **state)
{
    struct rig *rig = *state;

    add(rig, (struct device){15, METER, B57600, 0x20, 1});
    rig->search = modbus_search_new(&rig->loop, &rig->o);
    modbus_search_start(rig->search);
    for (int i = 0; i < 200 && rig->functions[0x2B] == 0; i++) {
        play(rig);
        made_time_turn(&rig->loop);
    }
    assert_true(rig->functions[0x2B] > 0);
    modbus_search_free(rig->search);
    rig->search = NULL;
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_false(rig->done);
    assert_int_equal(rig->founds, 0);
}

static void a_port_that_is_not_there_ends_the_search_with_the_reason(void **state)
{
    struct rig *rig = *state;

    unlink(rig->link);
    rig->search = modbus_search_new(&rig->loop, &rig->o);
    modbus_search_start(rig->search);
    for (int i = 0; i < 1000 && !rig->done; i++) {
        made_time_turn(&rig->loop);
    }
    assert_true(rig->done);
    assert_non_null(strstr(rig->why, rig->link));
}

int main(void)
{
#define ON(how, test) cmocka_unit_test_setup_teardown(test, how, tear_down)
    const struct CMUnitTest tests[] = {
        ON(set_up, devices_at_two_speeds_are_found_and_named),
        ON(set_up, only_reads_are_sent),
        ON(set_up, the_likely_units_come_first_and_the_rest_only_where_something_is),
        ON(set_up, every_line_is_searched_through_when_asked_for),
        ON(set_up, a_device_that_only_refuses_is_a_device),
        ON(set_up, a_device_says_its_name_in_as_many_answers_as_it_takes),
        ON(set_up, two_devices_of_one_unit_are_a_collision),
        ON(set_up, twins_give_themselves_away_by_their_serial_numbers),
        ON(set_up, a_device_that_sends_garbage_is_told_and_harms_no_other),
        ON(set_up, one_damaged_answer_is_no_collision),
        ON(set_up, a_line_of_garbage_is_one_problem_and_no_device),
        ON(set_up, an_adapter_that_hears_itself_is_no_device),
        ON(set_up, a_device_found_with_one_stop_bit_is_not_found_again_with_two),
        ON(set_up_tcp, a_gateway_tells_who_is_not_there),
        ON(set_up_tcp, a_device_that_looks_at_no_unit_is_told_once),
        ON(set_up_tcp, by_tcp_the_unit_of_the_device_itself_is_asked_second),
        ON(set_up_tcp, a_device_that_hangs_up_on_2b_is_read_all_the_same),
        ON(set_up, what_cannot_be_is_refused),
        ON(set_up, a_search_can_be_given_up_at_any_time),
        ON(set_up, a_port_that_is_not_there_ends_the_search_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
