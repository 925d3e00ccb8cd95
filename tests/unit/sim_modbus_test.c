/* sim/devices/modbus_*: the electricity meter on its wires, bytes written out by hand. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/devices/modbus_port.h"

static struct elec_meter meter = {.volts = 230.2, .watts = 1250, .import_wh = 7500012.75};

static void a_request_brings_the_register_an_sdm120_has(void **state)
{
    /* requests and replies without checksum; the first pair is a printed example */
    static const struct {
        uint8_t ask[6], say[16], n;
        const char *why;
    } rows[] = {
        {{1, 4, 0, 0, 0, 2}, {1, 4, 4, 0x43, 0x66, 0x33, 0x33}, 7, "230.2 V"},
        {{1, 4, 0, 12, 0, 2}, {1, 4, 4, 0x44, 0x9C, 0x40, 0x00}, 7, "1250 W"},
        {{1, 4, 0, 72, 0, 4}, {1, 4, 8, 0x45, 0xEA, 0x60, 0x19}, 11, "7500.012 kWh, no export"},
        {{1, 4, 0, 36, 0, 2}, {1, 4, 4}, 7, "an angle that is not measured is 0"},
        {{1, 4, 0, 38, 0, 2}, {1, 0x84, 2}, 3, "nothing is there"},
        {{1, 4, 0, 1, 0, 2}, {1, 0x84, 2}, 3, "half a value"},
        {{1, 4, 0, 0, 0, 1}, {1, 0x84, 3}, 3, "half a value"},
        {{1, 4, 0, 0, 0, 82}, {1, 0x84, 3}, 3, "more than forty values"},
        {{1, 3, 0, 0, 0, 2}, {1, 0x83, 2}, 3, "holding registers of the setup"},
        {{1, 3, 0xFC, 0, 0, 2}, {1, 3, 4, 0x00, 0xBC, 0x61, 0x4E}, 7, "serial number 12345678"},
        {{1, 3, 0xFC, 2, 0, 1}, {1, 3, 2, 0x00, 0x20}, 5, "the code of an SDM120"},
        {{1, 3, 0xFC, 0, 0, 4}, {1, 3, 8, 0x00, 0xBC, 0x61, 0x4E, 0, 0x20, 2, 3}, 11, "both"},
        {{1, 3, 0xFC, 3, 0, 2}, {1, 0x83, 2}, 3, "behind them"},
        {{1, 3, 0xFC, 0, 0, 0}, {1, 0x83, 3}, 3, "no register"},
        {{1, 16, 0xFC, 0, 0, 2}, {1, 0x90, 1}, 3, "a write"},
        {{2, 4, 0, 0, 0, 2}, {0}, 0, "another unit"},
    };
    struct modbus_meter m = {.meter = &meter, .unit = 1, .serial = 12345678};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t reply[MODBUS_FRAME_MAX] = {0};

        print_message("# %s\n", rows[i].why);
        assert_int_equal(modbus_meter_answer(&m, rows[i].ask, 6, reply), rows[i].n);
        assert_memory_equal(reply, rows[i].say, rows[i].n);
    }
}

static void the_fault_menu_is_served_once_each(void **state)
{
    static const uint8_t ask[] = {1, 4, 0, 0, 0, 2};
    struct modbus_meter m = {.meter = &meter, .unit = 1};
    uint8_t reply[MODBUS_FRAME_MAX];

    (void)state;
    m.silent = 1;
    assert_int_equal(modbus_meter_answer(&m, ask, 6, reply), 0);
    m.foreign = 1;
    assert_int_equal(modbus_meter_answer(&m, ask, 6, reply), 7);
    assert_int_equal(reply[0], 2);
    m.refused = 1;
    m.exception = 6;
    assert_int_equal(modbus_meter_answer(&m, ask, 6, reply), 3);
    assert_int_equal(reply[2], 6);
    m.late_s = 0.5;
    assert_true(modbus_meter_late(&m) > 0.4);
    assert_true(modbus_meter_late(&m) < 0.1);
    assert_int_equal(modbus_meter_answer(&m, ask, 6, reply), 7);
    assert_int_equal(reply[0], 1);
}

/* Serves the port until n octets came or half a second of its time passed. */
static size_t exchange(struct modbus_port *p, int fd, const uint8_t *ask, size_t len, uint8_t *say)
{
    size_t n = 0;

    assert_int_equal(write(fd, ask, len), (ssize_t)len);
    for (int64_t ns = 0; ns < 500000000; ns += 1000000) {
        ssize_t got;

        modbus_port_serve(p, ns);
        got = read(fd, say + n, MODBUS_FRAME_MAX - n);
        n += got > 0 ? (size_t)got : 0;
    }
    return n;
}

static void the_line_answers_right_requests_only(void **state)
{
    static const uint8_t ask[] = {0x01, 0x04, 0x00, 0x00, 0x00, 0x02, 0x71, 0xCB};
    static const uint8_t want[] = {0x01, 0x04, 0x04, 0x43, 0x66, 0x33, 0x33, 0x5A, 0xFA};
    static const uint8_t identify[] = {0x01, 0x2B, 0x0E, 0x01, 0x00, 0x70, 0x77}; /* seven octets */
    static const uint8_t no_such_function[] = {0x01, 0xAB, 0x01, 0x9E, 0xF0};
    struct modbus_meter m = {.meter = &meter, .unit = 1};
    struct modbus_port p;
    uint8_t say[MODBUS_FRAME_MAX], wrong[8], twice[9];
    char link[64];
    int fd;

    (void)state;
    snprintf(link, sizeof(link), "/tmp/modbus-sim-%d", (int)getpid());
    assert_int_equal(modbus_port_init(&p, link, 9600, 1, &m), 0);
    fd = open(link, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(exchange(&p, fd, ask, sizeof(ask), say), sizeof(want));
    assert_memory_equal(say, want, sizeof(want));
    assert_int_equal(exchange(&p, fd, identify, sizeof(identify), say), sizeof(no_such_function));
    assert_memory_equal(say, no_such_function, sizeof(no_such_function));
    memcpy(wrong, ask, sizeof(ask));
    wrong[7] ^= 1;
    assert_int_equal(exchange(&p, fd, wrong, sizeof(wrong), say), 0);
    assert_true(p.spoilt > 0);
    p.rx_len = 0;
    twice[0] = 0xFF; /* noise before a request is passed over */
    memcpy(twice + 1, ask, sizeof(ask));
    assert_int_equal(exchange(&p, fd, twice, sizeof(twice), say), sizeof(want));
    p.bit_error = 0.5;
    assert_int_equal(exchange(&p, fd, ask, sizeof(ask), say), 0);
    p.bit_error = 0;
    assert_int_equal(modbus_port_unplug(&p), 0);
    assert_int_equal(access(link, F_OK), -1);
    assert_int_equal(modbus_port_plug(&p), 0);
    close(fd);
    fd = open(link, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_int_equal(exchange(&p, fd, ask, sizeof(ask), say), sizeof(want));
    close(fd);
    modbus_port_deinit(&p);
}

static void the_meter_counts_what_the_circuit_draws_within_its_class(void **state)
{
    struct waves *waves = calloc(1, sizeof(*waves));
    struct house_loads loads = {.fixed = true};
    struct house *house = calloc(1, sizeof(*house));
    struct elec_meter m;
    double begin, watts;

    (void)state;
    loads.amps[CIRCUIT_HP][WAVE_SINE] = 10;
    waves_init(waves);
    house_init(house, waves, 1, 1800000000, 0, &loads);
    elec_meter_init(&m, 1, CIRCUIT_HP);
    begin = m.import_wh;
    watts = 0;
    for (int i = 0; i < 3600; i++) {
        elec_meter_add(&m, house);
        watts += house_power(house, CIRCUIT_HP) / 3600;
        house_step(house);
    }
    assert_true(watts > 2200 && watts < 2400);
    assert_true(m.import_wh - begin > 0.997 * watts && m.import_wh - begin < 1.003 * watts);
    assert_true(m.amps > 9.99 && m.amps < 10.01);
    assert_true(m.factor > 0.98 && m.factor <= 1.0);
    begin = m.import_wh;
    elec_meter_swap(&m, 2);
    assert_true(m.import_wh != begin);
    elec_meter_reset(&m);
    assert_true(m.import_wh < 1);
    free(house);
    free(waves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_brings_the_register_an_sdm120_has),
        cmocka_unit_test(the_fault_menu_is_served_once_each),
        cmocka_unit_test(the_line_answers_right_requests_only),
        cmocka_unit_test(the_meter_counts_what_the_circuit_draws_within_its_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
