/* Telegrams to JSON: golden frames of real meters (tests/frames), and the same frames damaged. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cli/mbus_json.h"

struct golden {
    char name[64];
    uint8_t frame[HWT_MBUS_FRAME_MAX];
    size_t size;
    char expect[MBUS_JSON_MAX];
};

static FILE *open_frame_file(const char *name, const char *ending)
{
    const char *top = getenv("HEATWATT_TOP");
    char path[512];

    snprintf(path, sizeof(path), "%s/tests/frames/%s%s", top != NULL ? top : ".", name, ending);
    return fopen(path, "r");
}

/* Line breaks and indentation of .expect are for people. */
static void read_golden(struct golden *g)
{
    FILE *hex = open_frame_file(g->name, ".hex"), *expect = open_frame_file(g->name, ".expect");
    char line[4096];
    unsigned octet;

    assert_non_null(hex);
    assert_non_null(expect);
    g->size = 0;
    while (fscanf(hex, "%2x", &octet) == 1) {
        assert_true(g->size < sizeof(g->frame));
        g->frame[g->size++] = (uint8_t)octet;
    }
    g->expect[0] = '\0';
    while (fgets(line, sizeof(line), expect) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        strcat(g->expect, line + strspn(line, " "));
    }
    fclose(hex);
    fclose(expect);
}

/* Calls f with each golden frame; returns how many there are. */
static int each_golden(void (*f)(const struct golden *))
{
    static struct golden g;
    const char *top = getenv("HEATWATT_TOP");
    char path[512];
    struct dirent *e;
    int n = 0;
    DIR *d;

    snprintf(path, sizeof(path), "%s/tests/frames", top != NULL ? top : ".");
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name);

        if (len > 4 && len - 4 < sizeof(g.name) && strcmp(e->d_name + len - 4, ".hex") == 0) {
            snprintf(g.name, sizeof(g.name), "%.*s", (int)(len - 4), e->d_name);
            read_golden(&g);
            f(&g);
            n++;
        }
    }
    closedir(d);
    return n;
}

static int decode(const uint8_t *p, size_t n, char *out, size_t room, size_t *size)
{
    struct hwt_mbus_frame frame;
    struct hwt_mbus_fault fault;
    struct hwt_json j;
    int err = hwt_mbus_frame_check(p, n, &frame, &fault);

    hwt_json_init(&j, out, room);
    if (err == 0) {
        err = mbus_json_telegram(&j, &frame, &fault);
    }
    *size = j.at;
    return j.ok ? err : HWT_ERR_SPACE;
}

static void check_expect(const struct golden *g)
{
    static char out[MBUS_JSON_MAX];
    size_t n;

    assert_int_equal(decode(g->frame, g->size, out, sizeof(out), &n), 0);
    if (n != strlen(g->expect) || memcmp(out, g->expect, n) != 0) {
        fail_msg("%s: got %.*s", g->name, (int)n, out);
    }
}

static void golden_frames_say_what_their_meters_showed(void **state)
{
    (void)state;
    assert_true(each_golden(check_expect) >= 8);
}

static void check_truncated(const struct golden *g)
{
    static char out[MBUS_JSON_MAX];

    for (size_t n = 0; n < g->size; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1); /* so that sanitizers see a read past the end */
        size_t size;

        assert_non_null(exact);
        memcpy(exact, g->frame, n);
        if (decode(exact, n, out, sizeof(out), &size) == 0) {
            fail_msg("%s cut to %zu octets is taken", g->name, n);
        }
        free(exact);
    }
}

static void a_frame_cut_anywhere_is_refused(void **state)
{
    (void)state;
    assert_true(each_golden(check_truncated) > 0);
}

/* L and checksum made right again: then the records must notice, or the cut fell between two. */
static void check_shortened(const struct golden *g)
{
    static char out[MBUS_JSON_MAX];

    for (size_t keep = 0; keep + 3 + 6 < g->size; keep++) {
        uint8_t cut[HWT_MBUS_FRAME_MAX];
        int n = hwt_mbus_long_encode(g->frame[4], g->frame[5], g->frame[6], g->frame + 7, keep, cut,
                                     sizeof(cut));
        uint8_t *exact = malloc((size_t)n);
        size_t size;
        int err;

        assert_non_null(exact);
        memcpy(exact, cut, (size_t)n);
        err = decode(exact, (size_t)n, out, sizeof(out), &size);
        free(exact);
        if (err != 0 && err != HWT_ERR_LENGTH) {
            fail_msg("%s with %zu octets: %s", g->name, keep, hwt_err_name(err));
        }
        if (err == 0 && keep < 12) {
            fail_msg("%s: %zu octets of header are taken", g->name, keep);
        }
    }
}

static void records_cut_off_inside_a_right_frame_are_refused(void **state)
{
    (void)state;
    assert_true(each_golden(check_shortened) > 0);
}

static void a_telegram_refused_at_its_last_record_prints_nothing(void **state)
{
    static const uint8_t data[] = {0x01, 0x2B, 0x05, 0x04, 0x06, 0x01};
    uint8_t frame[HWT_MBUS_FRAME_MAX];
    char out[1000];
    size_t n;
    int len = hwt_mbus_long_encode(0x08, 1, 0x78, data, sizeof(data), frame, sizeof(frame));

    (void)state;
    assert_int_equal(decode(frame, (size_t)len, out, sizeof(out), &n), HWT_ERR_LENGTH);
    assert_int_equal(n, 0);
}

static void check_flips(const struct golden *g)
{
    struct hwt_mbus_frame frame;
    struct hwt_mbus_fault fault;
    uint8_t f[HWT_MBUS_FRAME_MAX];

    for (size_t bit = 0; bit < 8 * g->size; bit++) {
        memcpy(f, g->frame, g->size);
        f[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (hwt_mbus_frame_check(f, g->size, &frame, &fault) == 0 && frame.size == g->size) {
            fail_msg("%s with bit %zu turned is taken", g->name, bit);
        }
    }
}

static void a_frame_with_one_bit_turned_is_refused(void **state)
{
    (void)state;
    assert_true(each_golden(check_flips) > 0);
}

static void a_telegram_that_does_not_fit_the_room_shows_in_the_writer(void **state)
{
    static struct golden g = {.name = "kamstrup_601"};
    char out[1000];
    size_t n;

    (void)state;
    read_golden(&g);
    assert_int_equal(decode(g.frame, g.size, out, sizeof(out), &n), HWT_ERR_SPACE);
    assert_true(n <= sizeof(out));
}

/* 252 octets of the shortest records and of the wordiest ones. */
static void the_longest_line_fits_its_buffer(void **state)
{
    static const struct {
        uint8_t record[8];
        size_t n;
        const char *why;
    } rows[] = {
        {{0x00, 0x6E}, 2, "many records"},
        {{0x01, 0x6E, 0x00}, 3, "many values"},
        {{0x81, 0x00, 0xE3, 0xCE, 0x4E, 0x01}, 6, "modifiers with long names"},
        {{0x02, 0xEC, 0xCE, 0x4E, 0xFF, 0xFF}, 6, "null with raw octets"},
    };
    static char out[MBUS_JSON_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t data[252] = {0}, frame[HWT_MBUS_FRAME_MAX];
        size_t n = 0, size;
        int len;

        while (n + rows[i].n <= sizeof(data)) {
            memcpy(data + n, rows[i].record, rows[i].n);
            n += rows[i].n;
        }
        len = hwt_mbus_long_encode(0x08, 1, 0x78, data, n, frame, sizeof(frame));
        if (decode(frame, (size_t)len, out, sizeof(out), &size) != 0) {
            fail_msg("%s", rows[i].why);
        }
        assert_true(size < MBUS_JSON_MAX / 2);
    }
}

/* A value as decode prints it: real of 4 octets behind a VIF. */
static void reals_are_printed_with_the_fewest_digits_that_keep_them(void **state)
{
    static const struct {
        uint8_t vif, octets[4];
        const char *text, *why;
    } rows[] = {
        {0x5B, {0x00, 0x00, 0xB8, 0x42}, "\"value\":92,", "whole"},
        {0x5B, {0x2B, 0x4B, 0xAC, 0x41}, "\"value\":21.53670310974121,", "captured"},
        {0x3E, {0x84, 0x00, 0x35, 0x3F}, "\"value\":0.7070391178131104,", "below one"},
        {0x3B, {0x84, 0x00, 0x35, 0x3F}, "\"value\":0.0007070391178131104,", "captured, in l/h"},
        {0x2E, {0xB1, 0xD1, 0x2E, 0xBE}, "\"value\":-170.72178423404694,", "captured, in kW"},
        {0x2F, {0x00, 0x00, 0x80, 0x3F}, "\"value\":10000,", "zeros behind"},
        {0x5B, {0x00, 0x00, 0x00, 0x80}, "\"value\":0,", "minus zero"},
        {0x5B, {0xCA, 0xF2, 0x49, 0x71}, "e30,", "huge"},
        {0x5B, {0x00, 0x00, 0x80, 0x00}, "e-38,", "tiny"},
        {0x21, {0x00, 0x00, 0x00, 0x3F}, "\"value\":30,", "half a minute in s"},
    };
    static char out[MBUS_JSON_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t data[6] = {0x05, rows[i].vif}, frame[HWT_MBUS_FRAME_MAX];
        size_t size;
        int len;

        memcpy(data + 2, rows[i].octets, 4);
        len = hwt_mbus_long_encode(0x08, 1, 0x78, data, 6, frame, sizeof(frame));
        assert_int_equal(decode(frame, (size_t)len, out, sizeof(out) - 1, &size), 0);
        out[size] = '\0';
        if (strstr(out, rows[i].text) == NULL) {
            fail_msg("%s: %s", rows[i].why, out);
        }
    }
}

static void long_binary_numbers_are_printed_from_their_top(void **state)
{
    static const struct {
        uint8_t ci, octets[16];
        size_t n;
        const char *text, *why;
    } rows[] = {
        {0x78,
         {0x0D, 0x3E, 0xE9, 1, 2, 3, 4, 5, 6, 7, 8, 9},
         12,
         "\"09 08 07 06 05 04 03 02 01\"",
         "72 bits"},
        {0x78,
         {0x07, 0x78, 1, 2, 3, 4, 5, 6, 7, 0x88},
         10,
         "\"88 07 06 05 04 03 02 01\"",
         "beyond int64"},
        {0x78, {0x0F, 1, 2, 3}, 4, "\"01 02 03\"", "maker's data: as sent"},
    };
    static char out[MBUS_JSON_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t frame[HWT_MBUS_FRAME_MAX];
        size_t size;
        int len = hwt_mbus_long_encode(0x08, 1, rows[i].ci, rows[i].octets, rows[i].n, frame,
                                       sizeof(frame));

        assert_int_equal(decode(frame, (size_t)len, out, sizeof(out) - 1, &size), 0);
        out[size] = '\0';
        if (strstr(out, rows[i].text) == NULL) {
            fail_msg("%s: %s", rows[i].why, out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_frames_say_what_their_meters_showed),
        cmocka_unit_test(a_frame_cut_anywhere_is_refused),
        cmocka_unit_test(records_cut_off_inside_a_right_frame_are_refused),
        cmocka_unit_test(a_telegram_refused_at_its_last_record_prints_nothing),
        cmocka_unit_test(a_frame_with_one_bit_turned_is_refused),
        cmocka_unit_test(a_telegram_that_does_not_fit_the_room_shows_in_the_writer),
        cmocka_unit_test(the_longest_line_fits_its_buffer),
        cmocka_unit_test(reals_are_printed_with_the_fewest_digits_that_keep_them),
        cmocka_unit_test(long_binary_numbers_are_printed_from_their_top),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
