/* daemon/run/scan_*: what was found as an item that the configuration's own parser takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "daemon/run/config_map.h"
#include "daemon/run/scan_ports.h"
#include "daemon/run/scan_request.h"
#include "daemon/run/scan_result.h"

enum { TEXT_MAX = 65536 };

static const uint8_t meter_a[] = {0x78, 0x56, 0x34, 0x12, 0x2D, 0x2C, 0x34, 0x04};
static const uint8_t meter_b[] = {0x79, 0x56, 0x34, 0x12, 0x2D, 0x2C, 0x34, 0x04};

static struct scan_found mbus(const char *port, int address, const uint8_t secondary[8])
{
    struct scan_found f = {.protocol = SCAN_MBUS,
                           .target = SCAN_TARGET_SERIAL,
                           .baud = 2400,
                           .framing = SERIAL_8E1,
                           .address = address,
                           .has_secondary = secondary != NULL,
                           .medium = "heat_outlet",
                           .values = 1,
                           .value = {{.quantity = HWT_Q_ENERGY, .counts = 3600000000}}};

    snprintf(f.port, sizeof(f.port), "%s", port);
    if (secondary != NULL) {
        memcpy(f.secondary, secondary, sizeof(f.secondary));
    }
    return f;
}

static struct scan_found modbus(const char *map, enum serial_framing framing)
{
    struct scan_found f = {.protocol = SCAN_MODBUS,
                           .target = SCAN_TARGET_SERIAL,
                           .port = "/dev/ttyUSB1",
                           .baud = 19200,
                           .framing = framing,
                           .address = 7,
                           .model = "Meter \"of\" a \\ maker"};

    snprintf(f.map, sizeof(f.map), "%s", map);
    return f;
}

/* The configuration of these items and nothing else; NULL: refused, told in a failing test. */
static struct config *parse_items(const struct scan_result *r)
{
    char text[TEXT_MAX] = "version: 1\nsources:\n", yaml[SCAN_YAML_MAX];
    struct config_problems problems;
    struct config *c;

    for (unsigned i = 0; i < r->items; i++) {
        assert_null(scan_item_cannot(&r->item[i]));
        assert_true(scan_item_yaml(&r->item[i], yaml));
        assert_true(strlen(text) + strlen(yaml) < sizeof(text));
        strcat(text, yaml);
    }
    config_problems_init(&problems);
    c = config_parse(text, strlen(text), "/tmp/test.yaml", &problems);
    if (c == NULL) {
        config_problems_write(&problems, stderr);
        fail_msg("%s", text);
    }
    config_problems_free(&problems);
    return c;
}

static void begin(struct scan_result *r, const struct config *config)
{
    const struct scan_options none = {0};

    scan_result_init(r, &none, config);
}

static struct config *parse_one(const struct scan_found *f)
{
    struct scan_result r;
    struct config *c;

    begin(&r, NULL);
    assert_non_null(scan_result_add(&r, f));
    c = parse_items(&r);
    assert_int_equal(c->source_count, 1);
    scan_result_deinit(&r);
    return c;
}

/* --- each protocol --------------------------------------------------------------------------- */

static void an_mbus_meter_becomes_a_source(void **state)
{
    struct scan_found f = mbus("/dev/ttyUSB0", 5, meter_a);
    struct config *c;

    (void)state;
    f.profile = mbus_profile_named("kamstrup_303");
    f.baud = 9600;
    c = parse_one(&f);
    assert_int_equal(c->source[0].type, CONFIG_MBUS);
    assert_string_equal(c->source[0].id, "heatmeter");
    assert_string_equal(c->source[0].port, "/dev/ttyUSB0");
    assert_int_equal(c->source[0].baud, 9600);
    assert_int_equal(c->source[0].address, 5);
    assert_int_equal(c->source[0].poll_s, 180); /* what its battery allows */
    config_free(c);

    f = mbus("gateway.lan:10001", 0, meter_a); /* the factory's address tells nobody apart */
    f.target = SCAN_TARGET_TCP;
    f.baud = 0;
    f.electricity = true;
    snprintf(f.medium, sizeof(f.medium), "electricity");
    c = parse_one(&f);
    assert_string_equal(c->source[0].id, "elecmeter");
    assert_string_equal(c->source[0].host, "gateway.lan");
    assert_string_equal(c->source[0].secondary, "12345678 2D2C 34 04");
    assert_int_equal(c->source[0].measures, CONFIG_ELECTRICITY);
    config_free(c);
}

static void meters_at_one_address_are_told_apart_by_the_secondary(void **state)
{
    struct scan_found a = mbus("/dev/ttyUSB0", 1, meter_a), b = mbus("/dev/ttyUSB0", 1, meter_b);
    struct scan_result r;
    struct config *c;

    (void)state;
    begin(&r, NULL);
    assert_non_null(scan_result_add(&r, &a));
    assert_non_null(scan_result_add(&r, &b));
    c = parse_items(&r);
    assert_string_equal(c->source[0].secondary, "12345678 2D2C 34 04");
    assert_string_equal(c->source[1].secondary, "12345679 2D2C 34 04");
    assert_string_equal(c->source[1].id, "heatmeter_2");
    config_free(c);
    scan_result_deinit(&r);
}

static void a_modbus_device_of_every_map_becomes_a_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_map_file_count; i++) {
        static const enum serial_framing framings[] = {SERIAL_8N1, SERIAL_8E1, SERIAL_8N2};
        static const unsigned stop_bits[] = {1, 1, 2};
        enum serial_framing framing = framings[i % 3];
        struct scan_found f = modbus(config_map_files[i].name, framing);
        struct scan_result r;
        struct config *c;

        begin(&r, NULL);
        for (unsigned k = 0; k < 2; k++) { /* two of them: the second id is longer */
            f.address = 7 + (int)k;
            assert_non_null(scan_result_add(&r, &f));
        }
        c = parse_items(&r);
        assert_string_equal(c->source[1].map_name, config_map_files[i].name);
        assert_int_equal(c->source[1].unit, 8);
        assert_int_equal(c->source[1].baud, 19200);
        assert_int_equal(c->source[1].stop_bits, stop_bits[i % 3]);
        assert_int_equal(c->source[1].parity, framing == SERIAL_8E1 ? PARITY_EVEN : PARITY_NONE);
        assert_string_equal(c->source[1].label, "Meter \"of\" a \\ maker");
        config_free(c);
        scan_result_deinit(&r);
    }
}

static void a_modbus_device_in_the_network_becomes_a_source(void **state)
{
    struct scan_found f = modbus("sdm630", SERIAL_8N1);
    struct config *c;

    (void)state;
    f.target = SCAN_TARGET_TCP;
    f.baud = 0;
    f.rtu_over_tcp = true;
    snprintf(f.port, sizeof(f.port), "[::1]:1502");
    c = parse_one(&f);
    assert_int_equal(c->source[0].tcp_framing, TCP_RTU);
    assert_string_equal(c->source[0].host, "::1");
    assert_int_equal(c->source[0].tcp_port, 1502);
    config_free(c);
}

static void an_emontx_becomes_a_source_with_its_inputs(void **state)
{
    struct scan_found f = {.protocol = SCAN_EMON,
                           .target = SCAN_TARGET_SERIAL,
                           .port = "/dev/ttyUSB0",
                           .baud = 38400,
                           .address = 15,
                           .values = 6,
                           .value = {{"Vrms", HWT_Q_VOLTAGE, 23000},
                                     {"P1", HWT_Q_POWER, 10},
                                     {"power12", HWT_Q_POWER, 10},
                                     {"E1", HWT_Q_IMPORT, 1},
                                     {"external_temperature", HWT_Q_TEMPERATURE, 1},
                                     {"humidity", HWT_Q_HUMIDITY, 1}}};
    struct config *c = parse_one(&f);
    const struct config_source *s = &c->source[0];

    (void)state;
    assert_string_equal(s->id, "node15");
    assert_int_equal(s->node, 15);
    assert_int_equal(s->baud, 38400);
    assert_int_equal(s->emon_count, 5);
    assert_string_equal(s->emon[1].id, "node15_p1");
    assert_string_equal(s->emon[1].energy_key, "E1");
    assert_string_equal(s->emon[2].energy_key, "");
    config_free(c);
}

static void an_elster_meter_becomes_a_source_wherever_it_is(void **state)
{
    static const struct {
        enum scan_target target;
        const char *port;
        unsigned baud;
    } rows[] = {
        {SCAN_TARGET_SERIAL, "/dev/ttyUSB0", 2400},
        {SCAN_TARGET_EVENTS, "/run/plant/light.sock", 0},
        {SCAN_TARGET_CHIP, "/dev/gpiochip0:17", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scan_found f = {.protocol = SCAN_ELSTER,
                               .target = rows[i].target,
                               .baud = rows[i].baud,
                               .address = -1,
                               .model = "Elster A100C"};
        struct config *c;

        snprintf(f.port, sizeof(f.port), "%s", rows[i].port);
        c = parse_one(&f);
        assert_int_equal(c->source[0].baud, rows[i].baud);
        assert_string_equal(c->source[0].port, i == 0 ? rows[i].port : "");
        assert_string_equal(c->source[0].events, i == 1 ? rows[i].port : "");
        assert_string_equal(c->source[0].chip, i == 2 ? "/dev/gpiochip0" : "");
        assert_int_equal(c->source[0].gpio, i == 2 ? 17 : 0);
        config_free(c);
    }
}

static struct scan_found sensor(const char *rom)
{
    struct scan_found f = {.protocol = SCAN_DS18B20,
                           .target = SCAN_TARGET_W1,
                           .port = "/sys/bus/w1/devices",
                           .address = -1,
                           .model = "DS18B20"};

    snprintf(f.serial, sizeof(f.serial), "%s", rom);
    return f;
}

static void sensors_become_sources_named_by_their_last_digits(void **state)
{
    static const char *const roms[] = {"28-0316a2795bff", "28-0416a2795bff", "28-0316a2796001"};
    static const char *const ids[] = {"t_w1_5bff", "t_w1_5bff_2", "t_w1_6001"};
    struct scan_result r;
    struct config *c;

    (void)state;
    begin(&r, NULL);
    for (unsigned i = 0; i < 3; i++) {
        struct scan_found f = sensor(roms[i]);

        assert_non_null(scan_result_add(&r, &f));
    }
    c = parse_items(&r);
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(c->source[i].sensors[0].rom, roms[i]);
        assert_string_equal(c->source[i].sensors[0].id, ids[i]);
    }
    config_free(c);
    scan_result_deinit(&r);
}

static void what_cannot_be_added_says_why(void **state)
{
    struct scan_found collision = mbus("/dev/ttyUSB0", 3, NULL), nameless = modbus("", SERIAL_8N1);
    struct scan_found nowhere = mbus("/dev/ttyUSB0", -1, NULL);
    struct scan_found converter = {.protocol = SCAN_ANALOG, .target = SCAN_TARGET_IIO};
    struct scan_found radio = {.protocol = SCAN_EMON, .target = SCAN_TARGET_SERIAL};
    const struct scan_found *const all[] = {&collision, &nameless, &nowhere, &converter, &radio};

    (void)state;
    collision.collision = true;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const struct scan_item item = {.found = *all[i], .id = "x"};

        assert_non_null(scan_item_cannot(&item));
    }
}

/* --- beside a configuration ------------------------------------------------------------------ */

static const char house[] = "version: 1\n"
                            "sources:\n"
                            "  - {id: heatmeter, type: mbus, port: /dev/ttyUSB0, address: 5}\n"
                            "  - {id: second, type: mbus, port: /dev/ttyUSB0, secondary: "
                            "\"12345679\"}\n"
                            "  - {id: sdm120, type: modbus, port: /dev/ttyUSB1, map: sdm120, unit: "
                            "7}\n"
                            "  - {id: net, type: modbus, tcp: meter.lan, map: sdm120, unit: 1}\n"
                            "  - id: tx\n"
                            "    type: emon\n"
                            "    port: /dev/ttyUSB2\n"
                            "    inputs: [{id: emontx_p1, key: P1, quantity: power}]\n"
                            "  - id: bus\n"
                            "    type: ds18b20\n"
                            "    sensors: [{id: loft, rom: 28-0316a2795bff}]\n"
                            "  - {id: light, type: elster, events: /run/light.sock}\n";

static struct config *parse_house(void)
{
    struct config_problems problems;
    struct config *c;

    config_problems_init(&problems);
    c = config_parse(house, sizeof(house) - 1, "/tmp/test.yaml", &problems);
    config_problems_write(&problems, stderr);
    assert_non_null(c);
    config_problems_free(&problems);
    return c;
}

static void what_is_configured_is_recognised(void **state)
{
    static const struct scan_found tx = {
        .protocol = SCAN_EMON, .target = SCAN_TARGET_SERIAL, .port = "/dev/ttyUSB2", .address = -1};
    static const struct scan_found radio = {
        .protocol = SCAN_EMON, .target = SCAN_TARGET_SERIAL, .port = "/dev/ttyUSB2", .address = 5};
    static const struct scan_found light = {.protocol = SCAN_ELSTER,
                                            .target = SCAN_TARGET_EVENTS,
                                            .port = "/run/light.sock",
                                            .address = -1};
    struct scan_found net = modbus("sdm120", SERIAL_8N1), net_2;
    struct config *c = parse_house();

    (void)state;
    net.target = SCAN_TARGET_TCP;
    net.address = 1;
    snprintf(net.port, sizeof(net.port), "METER.lan:502");
    net_2 = net;
    net_2.address = 2;
    {
        const struct {
            struct scan_found found;
            const char *id;
        } rows[] = {
            {mbus("/dev/ttyUSB0", 5, meter_a), "heatmeter"},
            {mbus("/dev/ttyUSB0", 1, meter_b), "second"},
            {mbus("/dev/ttyUSB0", 1, meter_a), ""},
            {mbus("/dev/ttyUSB1", 5, meter_a), ""},
            {modbus("sdm120", SERIAL_8N1), "sdm120"},
            {net, "net"},
            {net_2, ""},
            {tx, "tx"},
            {radio, ""},
            {sensor("28-0316a2795bff"), "loft"},
            {sensor("28-0316a2796001"), ""},
            {light, "light"},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            char id[HWT_ID_MAX + 1];

            scan_item_configured(&rows[i].found, c, id);
            if (strcmp(id, rows[i].id) != 0) {
                fail_msg("row %zu: \"%s\", not \"%s\"", i, id, rows[i].id);
            }
        }
    }
    config_free(c);
}

/* Together with the configuration it is added to, the item has to be right. */
static void ids_are_free_in_the_configuration(void **state)
{
    static const struct scan_found tx = {.protocol = SCAN_EMON,
                                         .target = SCAN_TARGET_SERIAL,
                                         .port = "/dev/ttyUSB3",
                                         .address = -1,
                                         .values = 1,
                                         .value = {{"P1", HWT_Q_POWER, 10}}};
    struct scan_found meter = mbus("/dev/ttyUSB4", 5, meter_a);
    struct scan_found unit = modbus("sdm120", SERIAL_8N1);
    const struct scan_found *const all[] = {&tx, &meter, &unit};
    char text[TEXT_MAX], yaml[SCAN_YAML_MAX];
    struct config *c = parse_house(), *both;
    struct config_problems problems;
    struct scan_result r;

    (void)state;
    unit.address = 9;
    begin(&r, c);
    strcpy(text, house);
    for (size_t i = 0; i < 3; i++) {
        assert_true(scan_item_yaml(scan_result_add(&r, all[i]), yaml));
        strcat(text, yaml);
    }
    assert_string_equal(r.item[0].id, "emontx_2"); /* emontx_p1 is there already */
    assert_string_equal(r.item[1].id, "heatmeter_2");
    config_problems_init(&problems);
    both = config_parse(text, strlen(text), "/tmp/test.yaml", &problems);
    config_problems_write(&problems, stderr);
    assert_non_null(both);
    config_problems_free(&problems);
    config_free(both);
    config_free(c);
    scan_result_deinit(&r);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void the_scan_object_is_json_with_the_item_in_it(void **state)
{
    struct scan_found f = mbus("/dev/ttyUSB0", 5, meter_a), none = mbus("/dev/ttyUSB0", 6, NULL);
    const char *const port[] = {"/dev/ttyUSB0"};
    const struct scan_options o = {.port = port, .ports = 1, .protocol = {[SCAN_MBUS] = true}};
    const struct scan_progress progress = {"/dev/ttyUSB0", "M-Bus at 2400 baud", 0.3456};
    struct scan_result r;
    json_t *all, *item;
    size_t n;
    char *text;

    (void)state;
    none.collision = true;
    scan_result_init(&r, &o, NULL);
    r.id = 3;
    r.started_ms = 1700000000000;
    scan_result_progress(&r, &progress);
    scan_result_problem(&r, "/dev/ttyUSB9", "is gone");
    assert_non_null(scan_result_add(&r, &f));
    for (unsigned i = 0; i < 60; i++) { /* more than the first room for it */
        none.address = (int)(6 + i);
        assert_non_null(scan_result_add(&r, &none));
    }
    text = scan_result_json(&r, &n);
    all = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(all);
    assert_string_equal(json_string_value(json_object_get(all, "state")), "running");
    assert_true(json_is_null(json_object_get(all, "ended")));
    item = json_array_get(json_object_get(all, "found"), 0);
    assert_string_equal(json_string_value(json_object_get(item, "key")),
                        "mbus /dev/ttyUSB0 12345678 2D2C 34 04");
    item = json_object_get(item, "source");
    assert_string_equal(json_string_value(json_object_get(item, "id")), "heatmeter");
    assert_int_equal(json_integer_value(json_object_get(item, "address")), 5);
    item = json_array_get(json_object_get(all, "found"), 60);
    assert_true(json_is_null(json_object_get(item, "source")));
    assert_true(json_is_true(json_object_get(item, "collision")));
    json_decref(all);
    free(text);
    scan_result_deinit(&r);
}

static void a_request_is_read_or_the_wrong_member_named(void **state)
{
    static const struct {
        const char *body, *told; /* told NULL: it is right */
    } rows[] = {
        {"{\"ports\":[\"/dev/ttyUSB0\",\"h:1\"]}", NULL},
        {"{\"ports\":[\"w1\"],\"protocols\":[\"ds18b20\"],\"quick\":true,\"baud\":[2400]}", NULL},
        {"{}", "ports is missing"},
        {"{\"ports\":\"w1\"}", "ports is not a list"},
        {"{\"ports\":[]}", "ports is not a list"},
        {"{\"ports\":[1]}", "ports has an entry"},
        {"{\"ports\":[\"w1\"],\"protocols\":[\"mbuss\"]}", "\"mbuss\" is none of"},
        {"{\"ports\":[\"w1\"],\"protocols\":[]}", "protocols is not a list"},
        {"{\"ports\":[\"w1\"],\"baud\":[2401]}", "baud has an entry"},
        {"{\"ports\":[\"w1\"],\"quick\":1}", "quick is neither"},
        {"{\"ports\":[\"w1\"],\"timeout_ms\":5}", "timeout_ms is not 20"},
        {"{\"ports\":[\"w1\"],\"port\":1}", "\"port\" is not known"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *body = json_loads(rows[i].body, 0, NULL);
        char why[SCAN_DETAIL_MAX] = "";
        struct scan_request request;
        bool right = scan_request_read(body, &request, why);

        if (right != (rows[i].told == NULL) || (!right && strstr(why, rows[i].told) == NULL)) {
            fail_msg("%s: %s", rows[i].body, why);
        }
        json_decref(body);
    }
}

static void the_list_of_ports_says_who_uses_them(void **state)
{
    struct config *c = parse_house();
    const char *used = NULL;
    json_t *all, *port;
    size_t n, i;
    char *text = scan_ports_json(c, true, &n);

    (void)state;
    all = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    json_array_foreach(json_object_get(all, "ports"), i, port)
    {
        if (strcmp(json_string_value(json_object_get(port, "port")), "meter.lan:502") == 0) {
            used = json_string_value(json_array_get(json_object_get(port, "used_by"), 0));
            assert_string_equal(used, "net");
            assert_string_equal(json_string_value(json_object_get(port, "kind")), "tcp");
            assert_true(json_is_true(json_object_get(port, "scannable")));
        }
    }
    assert_non_null(used);
    assert_true(json_is_true(json_object_get(all, "changes")));
    json_decref(all);
    free(text);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mbus_meter_becomes_a_source),
        cmocka_unit_test(meters_at_one_address_are_told_apart_by_the_secondary),
        cmocka_unit_test(a_modbus_device_of_every_map_becomes_a_source),
        cmocka_unit_test(a_modbus_device_in_the_network_becomes_a_source),
        cmocka_unit_test(an_emontx_becomes_a_source_with_its_inputs),
        cmocka_unit_test(an_elster_meter_becomes_a_source_wherever_it_is),
        cmocka_unit_test(sensors_become_sources_named_by_their_last_digits),
        cmocka_unit_test(what_cannot_be_added_says_why),
        cmocka_unit_test(what_is_configured_is_recognised),
        cmocka_unit_test(ids_are_free_in_the_configuration),
        cmocka_unit_test(the_scan_object_is_json_with_the_item_in_it),
        cmocka_unit_test(a_request_is_read_or_the_wrong_member_named),
        cmocka_unit_test(the_list_of_ports_says_who_uses_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
