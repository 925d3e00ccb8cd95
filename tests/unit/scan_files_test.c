/* daemon/drivers/scan on folders as Linux shows sensors and converters; daemon/drivers/ports on a
 * made-up machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/log.h"
#include "daemon/drivers/ports.h"
#include "daemon/drivers/scan.h"

enum { FOUND_MAX = 8 };

struct rig {
    char dir[32];
    struct scan_found found[FOUND_MAX];
    unsigned finds, problems;
    bool done;
};

static void on_found(void *ctx, const struct scan_found *found)
{
    struct rig *rig = ctx;

    assert_true(rig->finds < FOUND_MAX);
    rig->found[rig->finds++] = *found;
}

static void on_problem(void *ctx, const char *port, const char *detail)
{
    struct rig *rig = ctx;

    (void)port;
    assert_non_null(detail);
    rig->problems++;
}

static void on_done(void *ctx)
{
    struct rig *rig = ctx;

    rig->done = true;
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    log_set_level(LOG_ERROR);
    strcpy(rig->dir, "/tmp/heatwatt-scan-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    char command[64];

    snprintf(command, sizeof(command), "rm -r %s", rig->dir);
    assert_int_equal(system(command), 0);
    free(rig);
    return 0;
}

static void run(struct rig *rig, const char *const *port, unsigned ports)
{
    struct scan_options o = {.port = port,
                             .ports = ports,
                             .protocol = {[SCAN_DS18B20] = true, [SCAN_ANALOG] = true},
                             .on_found = on_found,
                             .on_problem = on_problem,
                             .on_done = on_done,
                             .ctx = rig};
    struct scan *scan;
    uv_loop_t loop;

    uv_loop_init(&loop);
    scan = scan_new(&loop, &o);
    assert_non_null(scan);
    scan_start(scan);
    while (!rig->done) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    scan_free(scan);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    for (char *c = path + 1; *c != '\0'; c++) {
        if (*c == '/') {
            *c = '\0';
            mkdir(path, 0700);
            *c = '/';
        }
    }
    f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void sensors_and_converters_of_linux_are_found(void **state)
{
    struct rig *rig = *state;
    char w1[64], iio[64];
    const char *const port[] = {w1, iio};

    snprintf(w1, sizeof(w1), "%s/devices", rig->dir);
    snprintf(iio, sizeof(iio), "%s/iio", rig->dir);
    put_file(w1, "28-0316a2795bff/w1_slave",
             "b9 01 4b 46 7f ff 07 10 a7 : crc=a7 YES\nb9 01 4b 46 7f ff 07 10 a7 t=27562\n");
    put_file(w1, "28-0316a2796001/w1_slave", "ff ff : crc=c9 NO\n");
    put_file(w1, "28-0316a279/w1_slave", "");     /* no whole id */
    put_file(w1, "28-0316a279600g/w1_slave", ""); /* no hex */
    put_file(w1, "w1_bus_master1/uevent", "");
    put_file(iio, "iio:device0/name", "ads1015\n");
    put_file(iio, "iio:device0/in_voltage0_raw", "1000\n");
    put_file(iio, "iio:device0/in_voltage0_scale", "1.5\n");
    put_file(iio, "iio:device1/in_temp_raw", "7\n");
    run(rig, port, 2);
    assert_int_equal(rig->problems, 0);
    assert_int_equal(rig->finds, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct scan_found *f = &rig->found[i];

        if (f->protocol == SCAN_ANALOG) {
            assert_string_equal(f->serial, "iio:device0");
            assert_string_equal(f->model, "ads1015");
            assert_int_equal(f->values, 1);
            assert_string_equal(f->value[0].name, "in_voltage0");
            assert_int_equal(f->value[0].counts, 1500000);
        } else if (strcmp(f->serial, "28-0316a2795bff") == 0) {
            assert_int_equal(f->values, 1);
            assert_int_equal(f->value[0].counts, 2756);
        } else {
            assert_string_equal(f->serial, "28-0316a2796001");
            assert_int_equal(f->values, 0);
            assert_non_null(strstr(f->note, "no temperature"));
        }
    }
}

static void the_ports_of_a_machine_are_those_with_hardware(void **state)
{
    struct rig *rig = *state;
    struct port_entry port[PORTS_MAX];
    char path[128];

    put_file(rig->dir, "sys/class/tty/ttyUSB0/device/x", "");
    put_file(rig->dir, "sys/class/tty/ttyS0/device/x", "");
    put_file(rig->dir, "sys/class/tty/ttyS0/type", "4\n");
    put_file(rig->dir, "sys/class/tty/ttyS1/device/x", "");
    put_file(rig->dir, "sys/class/tty/ttyS1/type", "0\n"); /* no chip */
    put_file(rig->dir, "sys/class/tty/tty1/uevent", "");   /* a console */
    put_file(rig->dir, "sys/bus/w1/devices/28-0316a2795bff/w1_slave", "");
    put_file(rig->dir, "sys/bus/iio/devices/other", "");
    put_file(rig->dir, "dev/ttyUSB0", "");
    put_file(rig->dir, "dev/ttyS0", "");
    put_file(rig->dir, "dev/serial/by-id/x", "");
    snprintf(path, sizeof(path), "%s/dev/serial/by-id/usb-FTDI_1", rig->dir);
    assert_int_equal(symlink("../../ttyUSB0", path), 0);
    assert_int_equal(ports_list(rig->dir, port), 3);
    assert_string_equal(port[0].device, "/dev/ttyS0");
    assert_string_equal(port[0].port, "/dev/ttyS0");
    assert_string_equal(port[1].device, "/dev/ttyUSB0");
    assert_string_equal(port[1].port, "/dev/serial/by-id/usb-FTDI_1");
    assert_string_equal(port[2].port, "w1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sensors_and_converters_of_linux_are_found),
        TEST(the_ports_of_a_machine_are_those_with_hardware),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
