/* daemon/drivers/emon_device: what messages become, and what the status tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/drivers/emon_device.h"
#include "tests/drivers/driver_rig.h"

static struct hwt_reading got[8];
static size_t got_n;

static void sink(void *ctx, const struct hwt_reading *r, size_t n)
{
    (void)ctx;
    memcpy(got, r, n * sizeof(*r));
    got_n = n;
}

static void a_cut_message_is_dropped_until_it_is_the_rule(void **state)
{
    static const struct {
        const char *line, *why;
        size_t readings;
        int64_t power;
        uint64_t cut;
    } rows[] = {
        {"MSG:1,Vrms:240,P1:500", "whole", 1, 5000, 0},
        {"MSG:2,P1:5", "cut: 5 may have been 512", 0, 0, 1},
        {"MSG:3,Vrms:240,P1:520", "whole again", 1, 5200, 1},
        {"MSG:4,P1:530", "shorter once", 0, 0, 2},
        {"MSG:5,P1:540", "twice", 0, 0, 3},
        {"MSG:6,P1:550", "three times: the device has changed", 1, 5500, 3},
        {"MSG:7,P1:560", "it stays so", 1, 5600, 3},
    };
    struct clock *clock = clock_new(CLOCK_TRUST_ALWAYS);
    struct status *status = status_new("tx", "emon");
    struct emon_device_options options = {
        .id = "tx",
        .node = HWT_EMON_NODE_NONE,
        .interval_s = 10,
        .inputs = 1,
        .input = {{.source = 2,
                   .id = "hp",
                   .key = "P1",
                   .energy_key = "",
                   .quantity = HWT_Q_POWER,
                   .num = 1,
                   .den = 100}},
        .status = status,
        .sink = sink,
    };
    struct emon_device d;

    (void)state;
    assert_int_equal(emon_device_init(&d, &options), 0);
    emon_device_open(&d, clock);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("# %s\n", rows[i].why);
        got_n = 0;
        assert_true(emon_device_line(&d, rows[i].line, strlen(rows[i].line), clock));
        assert_int_equal(got_n, rows[i].readings);
        assert_true(got_n == 0 || (got[0].value == rows[i].power && got[0].source == 2));
        assert_int_equal(driver_rig_counter(status, "cut", 0), rows[i].cut);
    }
    assert_int_equal(driver_rig_counter(status, "missed", 0), 3);
    assert_int_equal(driver_rig_counter(status, "restarts", 0), 0);
    status_free(status);
    clock_free(clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_message_is_dropped_until_it_is_the_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
