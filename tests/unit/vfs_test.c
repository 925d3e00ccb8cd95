/* core/wire/vfs: voltages of flow and temperature sensors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/wire/vfs.h"

static const struct hwt_vfs_range vfs_2_40 = {2000, 40000, 500000, 3500000};

static const struct hwt_vfs_range another = {1300, 20000, 400000, 3000000};

static void voltages_mean_what_the_data_sheet_says(void **state)
{
    static const struct {
        const char *why;
        int64_t uv;
        enum hwt_vfs_result result;
        int64_t flow, degc; /* 0.1 l/h, 0.01 degC */
        enum hwt_vfs_result t_result;
    } rows[] = {
        {"no supply", 0, HWT_VFS_BROKEN, -1, -1, HWT_VFS_BROKEN},
        {"just a broken wire", 99999, HWT_VFS_BROKEN, -1, -1, HWT_VFS_BROKEN},
        {"just a whole wire", 100000, HWT_VFS_BELOW, 0, -1333, HWT_VFS_BELOW},
        {"stands still", 342000, HWT_VFS_BELOW, 0, -527, HWT_VFS_BELOW},
        {"just too little", 499999, HWT_VFS_BELOW, 0, 0, HWT_VFS_BELOW},
        {"2 l/min, 0 degC", 500000, HWT_VFS_GOOD, 1200, 0, HWT_VFS_GOOD},
        {"rounded to the nearest count", 500079, HWT_VFS_GOOD, 1201, 0, HWT_VFS_GOOD},
        {"8.33 l/min", 1000000, HWT_VFS_GOOD, 5000, 1667, HWT_VFS_GOOD},
        {"21 l/min, 50 degC", 2000000, HWT_VFS_GOOD, 12600, 5000, HWT_VFS_GOOD},
        {"40 l/min, 100 degC", 3500000, HWT_VFS_GOOD, 24000, 10000, HWT_VFS_GOOD},
        {"a little more", 3600000, HWT_VFS_GOOD, 24760, 10333, HWT_VFS_GOOD},
        {"too much", 3600001, HWT_VFS_OVER, -1, -1, HWT_VFS_OVER},
        {"the end of numbers", INT64_MAX, HWT_VFS_OVER, -1, -1, HWT_VFS_OVER},
        {"the other end", INT64_MIN, HWT_VFS_BROKEN, -1, -1, HWT_VFS_BROKEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t flow = -1, degc = -1;

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_vfs_flow(&vfs_2_40, rows[i].uv, &flow), rows[i].result);
        assert_true(flow == rows[i].flow);
        assert_int_equal(hwt_vfs_temperature(rows[i].uv, &degc), rows[i].t_result);
        assert_true(degc == rows[i].degc);
    }
}

static void a_flow_has_its_own_ends(void **state)
{
    static const struct {
        const char *why;
        int64_t uv;
        enum hwt_vfs_result result;
        int64_t flow; /* 0.1 l/h */
    } rows[] = {
        {"just too little", 399999, HWT_VFS_BELOW, 0},
        {"1.3 l/min", 400000, HWT_VFS_GOOD, 780},
        {"10.65 l/min", 1700000, HWT_VFS_GOOD, 6390},
        {"20 l/min", 3000000, HWT_VFS_GOOD, 12000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t flow = -1;

        print_message("# %s\n", rows[i].why);
        assert_int_equal(hwt_vfs_flow(&another, rows[i].uv, &flow), rows[i].result);
        assert_true(flow == rows[i].flow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(voltages_mean_what_the_data_sheet_says),
        cmocka_unit_test(a_flow_has_its_own_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
