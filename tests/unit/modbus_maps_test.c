/* data/modbus and maps of users: what is built in is right, what is wrong is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/base/quantity.h"
#include "daemon/run/config_map.h"
#include "daemon/run/installation.h"
#include "daemon/run/map_kinds.h"

static struct config_map *built_in(const char *name)
{
    const struct config_map_file *f = config_map_file_find(name);
    struct config_problems p;
    struct config_map *m;

    assert_non_null(f);
    config_problems_init(&p);
    m = config_map_parse(f->text, f->size, name, &p);
    config_problems_write(&p, stderr);
    config_problems_free(&p);
    assert_non_null(m);
    return m;
}

static void every_map_is_right_and_each_row_has_a_source(void **state)
{
    (void)state;
    assert_true(config_map_file_count >= 10);
    for (size_t i = 0; i < config_map_file_count; i++) {
        struct config_map *m = built_in(config_map_files[i].name);

        print_message("# %s: %u rows\n", config_map_files[i].name, m->rows);
        assert_true(m->source[0] != '\0');
        for (unsigned k = 0; k < m->rows; k++) {
            const struct hwt_modbus_row *row = &m->wire.row[k];

            assert_true(m->row[k].source[0] != '\0');
            assert_true(row->scale != 0);
            for (unsigned o = 0; o < k; o++) { /* no register is two values */
                const struct hwt_modbus_row *other = &m->wire.row[o];

                assert_true(row->function != other->function ||
                            row->address >=
                                other->address + hwt_modbus_type_registers(other->type) ||
                            other->address >= row->address + hwt_modbus_type_registers(row->type));
            }
        }
        free(m);
    }
}

/* A value that two numbers or two texts of one field's expectations share. */
static bool overlap(const struct hwt_modbus_mark *a, const struct hwt_modbus_mark *b)
{
    for (unsigned i = 0; i < a->n; i++) {
        for (unsigned k = 0; k < b->n; k++) {
            const struct hwt_modbus_expected *x = &a->expected[i], *y = &b->expected[k];
            size_t n = strlen(x->text) < strlen(y->text) ? strlen(x->text) : strlen(y->text);

            if (a->field.length > 0 ? strncmp(x->text, y->text, n) == 0
                                    : x->min <= y->max && y->min <= x->max) {
                return true;
            }
        }
    }
    return false;
}

/* Of two maps no device fits both, and each says where the serial number is. */
static void every_map_tells_its_own_device_and_no_other(void **state)
{
    struct map_kinds *k = map_kinds_new();

    (void)state;
    assert_non_null(k);
    assert_int_equal(k->count, config_map_file_count);
    for (unsigned i = 0; i < k->count; i++) {
        const struct hwt_modbus_identity *id = k->kind[i].identity;

        print_message("# %s\n", k->kind[i].map);
        assert_int_equal(id->marks, 1);
        assert_true(id->mark[0].n > 0);
        assert_true(id->serial.function != 0);
        assert_true(k->map[i]->mark[0].field.source[0] != '\0');
        assert_true(k->map[i]->serial.source[0] != '\0');
        assert_string_equal(k->kind[i].name, k->map[i]->name);
        for (unsigned o = 0; o < i; o++) {
            const struct hwt_modbus_mark *other = &k->kind[o].identity->mark[0];

            assert_true(memcmp(&other->field, &id->mark[0].field, sizeof(other->field)) != 0 ||
                        !overlap(other, &id->mark[0]));
        }
    }
    map_kinds_free(k);
}

/* Registers as these meters send them, and what they tell. */
static void meters_are_told_by_their_registers(void **state)
{
    static const struct {
        const char *map;
        uint8_t mark[20], serial[14];
        const char *number;
    } rows[] = {
        {"sdm120", {0x00, 0x20}, {0x01, 0x03, 0x66, 0x40}, "17000000"},
        {"sdm230", {0x00, 0x2B}, {0x00, 0xBC, 0x61, 0x4E}, "12345678"},
        {"sdm630", {0x00, 0x70}, {0x00, 0xBC, 0x61, 0x4E}, "12345678"},
        {"sdm630", {0x00, 0x79}, {0x00, 0xBC, 0x61, 0x4E}, "12345678"},
        {"sdm72", {0x00, 0x84}, {0x00, 0xBC, 0x61, 0x4E}, "12345678"},
        {"sdm72v2", {0x00, 0x89}, {0x00, 0xBC, 0x61, 0x4E}, "12345678"},
        {"abb_b21", "B21 111-100", {0x00, 0x10, 0x00, 0x00}, "1048576"},
        {"abb_b23", "B23 112-100", {0x00, 0x10, 0x00, 0x01}, "1048577"},
        {"abb_b23", "B24 352-100", {0x00, 0x10, 0x00, 0x02}, "1048578"},
        {"em111", {0x00, 103}, {0, 'B', 0, 'X', 0, '1', 0, '2', 0, '3', 0, '4', 0, '5'}, "BX12345"},
        {"em340",
         {341 >> 8, 341 & 0xFF},
         {0, '2', 0, '3', 0, '5', 0, '4', 0, '1', 0, '1', 0, 'W'},
         "235411W"},
        {"shelly_pro_3em", "PSME0-30ECEB1U02", "CA518177A8C1", "AC1518778A1C"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_map *m = built_in(rows[i].map);
        char text[HWT_MODBUS_TEXT_SIZE];

        print_message("# %s\n", rows[i].map);
        assert_true(hwt_modbus_mark_fits(&m->identity.mark[0], rows[i].mark));
        assert_true(hwt_modbus_field_text(&m->identity.serial, rows[i].serial, text) > 0);
        assert_string_equal(text, rows[i].number);
        free(m);
    }
}

static const struct hwt_modbus_row *row_of(const struct config_map *m, unsigned quantity,
                                           unsigned part)
{
    for (unsigned i = 0; i < m->rows; i++) {
        if (m->wire.row[i].quantity == quantity && m->wire.row[i].part == part) {
            return &m->wire.row[i];
        }
    }
    return NULL;
}

/* Every map can carry the heat pump's books, and no meter needs many requests. */
static void every_map_has_power_and_import_and_is_read_by_few_requests(void **state)
{
    static const struct {
        const char *name;
        unsigned requests;
    } want[] = {{"abb_b21", 4}, {"abb_b23", 4},       {"em111", 2},  {"em340", 4},
                {"sdm120", 2},  {"sdm230", 2},        {"sdm630", 2}, {"sdm72", 2},
                {"sdm72v2", 3}, {"shelly_pro_3em", 8}};
    struct hwt_modbus_group groups[HWT_MODBUS_GROUPS_MAX];

    (void)state;
    assert_int_equal(sizeof(want) / sizeof(want[0]), config_map_file_count);
    for (size_t i = 0; i < config_map_file_count; i++) {
        struct config_map *m = built_in(want[i].name);

        print_message("# %s\n", want[i].name);
        assert_non_null(row_of(m, HWT_Q_POWER, HWT_MODBUS_TOTAL));
        assert_non_null(row_of(m, HWT_Q_IMPORT, HWT_MODBUS_TOTAL));
        assert_int_equal(hwt_modbus_plan(&m->wire, groups), want[i].requests);
        free(m);
    }
}

/* Octets as a meter would send them, and what they are. */
static void registers_of_each_maker_read_right(void **state)
{
    static const struct {
        const char *map;
        unsigned quantity, part;
        unsigned address;
        uint8_t function, p[8];
        int64_t counts;
    } rows[] = {
        {"sdm120", HWT_Q_VOLTAGE, 0, 0, 4, {0x43, 0x66, 0x33, 0x33}, 23020},
        {"sdm120", HWT_Q_IMPORT, 0, 72, 4, {0x3F, 0x80, 0, 0}, INT64_C(3600000000)}, /* 1 kWh */
        {"sdm630", HWT_Q_POWER, 0, 52, 4, {0x44, 0x9A, 0x50, 0}, 12345},
        {"sdm630", HWT_Q_EXPORT, 3, 356, 4, {0x3F, 0x80, 0, 0}, INT64_C(3600000000)},
        {"sdm72v2", HWT_Q_POWER_FACTOR, 2, 32, 4, {0xBF, 0x70, 0xA3, 0xD7}, -940},
        {"abb_b23", HWT_Q_VOLTAGE, 1, 0x5B00, 3, {0, 0, 0x08, 0xFD}, 23010},
        {"abb_b23", HWT_Q_CURRENT, 3, 0x5B10, 3, {0, 0, 0x01, 0xF4}, 5000},
        {"abb_b23", HWT_Q_POWER, 0, 0x5B14, 3, {0xFF, 0xFF, 0xFF, 0x9C}, -10},
        {"abb_b23", HWT_Q_FREQUENCY, 0, 0x5B2C, 3, {0x13, 0x88}, 50000},
        {"abb_b23", HWT_Q_IMPORT, 0, 0x5000, 3, {0, 0, 0, 0, 0, 0, 0, 100}, INT64_C(3600000000)},
        {"abb_b21", HWT_Q_VOLTAGE, 0, 0x5B00, 3, {0, 0, 0x08, 0xFD}, 23010},
        {"em340", HWT_Q_VOLTAGE, 2, 2, 4, {0x08, 0xFD, 0, 0}, 23010},
        {"em340", HWT_Q_CURRENT, 1, 12, 4, {0x03, 0xE8, 0, 0}, 1000},
        {"em340", HWT_Q_POWER, 0, 0x28, 4, {0xFF, 0x9C, 0xFF, 0xFF}, -100},
        {"em340", HWT_Q_IMPORT, 0, 0x34, 4, {0, 10, 0, 0}, INT64_C(3600000000)},
        {"em111", HWT_Q_APPARENT_POWER, 0, 6, 4, {0x27, 0x10, 0, 0}, 10000},
        {"em111", HWT_Q_REACTIVE_POWER, 0, 8, 4, {0xFF, 0x9C, 0xFF, 0xFF}, -100},
        {"em111", HWT_Q_FREQUENCY, 0, 15, 4, {0x01, 0xF4}, 50000},
        {"shelly_pro_3em", HWT_Q_POWER, 0, 1013, 4, {0x50, 0, 0x44, 0x9A}, 12345},
        {"shelly_pro_3em", HWT_Q_IMPORT, 1, 1182, 4, {0, 0, 0x3F, 0x80}, 3600000}, /* 1 Wh */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_map *m = built_in(rows[i].map);
        const struct hwt_modbus_row *row = row_of(m, rows[i].quantity, rows[i].part);
        int64_t counts = -1;

        print_message("# %s %u\n", rows[i].map, rows[i].address);
        assert_non_null(row);
        assert_int_equal(row->address, rows[i].address);
        assert_int_equal(row->function, rows[i].function);
        assert_int_equal(hwt_modbus_value(row, rows[i].p, &counts), HWT_MODBUS_PRESENT);
        assert_true(counts == rows[i].counts);
        free(m);
    }
}

#define HEAD  "version: 1\nname: Mine\nregisters:\n"
#define MARKS HEAD "  - {quantity: power, address: 0}\nidentify:\n"

static void a_map_of_ones_own_is_read_and_its_mistakes_are_told(void **state)
{
    static const struct {
        const char *text;
        const char *says; /* NULL: right */
        const char *why;
    } rows[] = {
        {HEAD "  - {quantity: power, address: 0}\n", NULL, "the shortest"},
        {"version: 1\nname: Mine\ntype: s32\norder: CDAB\nfunction: holding\nregisters:\n"
         "  - {quantity: power, address: 0x10, scale: 0.1}\n",
         NULL, "defaults of the map"},
        {"name: Mine\nregisters:\n  - {quantity: power, address: 0}\n", "version: is required",
         "no version"},
        {"version: 1\nregisters: [{quantity: power, address: 0}]\n", "name: is required",
         "no name"},
        {"version: 1\nname: Mine\n", "registers: is required", "no registers"},
        {HEAD "  - {quantity: pover, address: 0}\n",
         "f:4: registers[0].quantity: \"pover\" is not a "
         "quantity, did you mean power?",
         "a slip"},
        {HEAD "  - {quantity: heat_energy, address: 0}\n", "is not a quantity", "the ledger's own"},
        {HEAD "  - {quantity: power}\n", "registers[0].address: is required", "no address"},
        {HEAD "  - {quantity: power, address: 65535}\n", "reach beyond 65535", "two registers"},
        {HEAD "  - {quantity: power, address: 0x12345}\n", "above the maximum 65535", "hex"},
        {HEAD "  - {quantity: power, address: 0xg}\n", "is not a whole number", "not hex"},
        {HEAD "  - {quantity: power, address: 0, scale: 0}\n", "scale: 0 is 0", "scale 0"},
        {HEAD "  - {quantity: power, address: 0, scale: 0.3333333333333}\n",
         "more than nine decimals", "a third"},
        {HEAD "  - {quantity: power, address: 0, type: f16}\n", "one of u16 s16 u32", "no type"},
        {HEAD "  - {quantity: power, address: 0, order: ACBD}\n", "one of ABCD CDAB", "no order"},
        {HEAD "  - {quantity: power, address: 0, part: l4}\n", "one of total l1 l2 l3", "no part"},
        {HEAD "  - {quantity: power, address: 0}\n  - {quantity: power, address: 2}\n",
         "f:5: registers[1].quantity: \"power\" of total is already in line 4", "twice"},
        {"version: 1\nname: M\nregisters_max: 1\nregisters: [{quantity: power, address: 0}]\n",
         "has 2 registers, more than registers_max", "does not fit a request"},
        {HEAD "  - {quantity: power, address: 0, unit: kW}\n", "is not a known key", "no such key"},
        {MARKS "  - {address: 0xFC02, type: u16, values: [0x20, 100..104]}\n"
               "  - {address: 6, length: 10, order: BADC, values: [SPEM, \"0x\"]}\n"
               "serial: {function: holding, address: 0xFC00, type: u32}\n",
         NULL, "a map that tells its device"},
        {MARKS "  - {type: u16, values: [1]}\n", "identify[0].address: is required", "nowhere"},
        {MARKS "  - {address: 1, type: u16}\n", "identify[0].values: is required", "no value"},
        {MARKS "  - {address: 1, type: u16, values: [B23]}\n",
         "f:6: identify[0].values[0]: B23 is no number such as 32, 0x20 or 100..104", "a word"},
        {MARKS "  - {address: 1, type: u16, values: [5..4]}\n", "5..4 is no number", "backwards"},
        {MARKS "  - {address: 1, type: u16, values: [5..]}\n", "5.. is no number", "half a range"},
        {MARKS "  - {address: 1, type: u16, values: [0x]}\n", "0x is no number", "half a number"},
        {MARKS "  - {address: 1, length: 2, type: u16, values: [A]}\n",
         "identify[0].type: is of a number, but length makes it a text", "both"},
        {MARKS "  - {address: 1, length: 21, values: [1]}\n", "above the maximum 20", "too long"},
        {MARKS "  - {address: 65535, type: u32, values: [1]}\n", "reach beyond 65535", "the end"},
        {MARKS "  - {address: 1, length: 2, values: [ABCDEFGHIJKLMNOPQRSTUVWXYZ]}\n",
         "identify[0].values", "a long word"},
        {HEAD "  - {quantity: power, address: 0}\nserial: {type: u32}\n",
         "serial.address: is required", "a number without a place"},
        {HEAD "  - {quantity: power, address: 0}\nserial: {address: 65535, type: u32}\n",
         "serial.address: 65535 and 2 registers reach beyond 65535", "beyond the end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_problems p;
        struct config_map *m;
        char *printed = NULL;
        size_t n;
        FILE *out = open_memstream(&printed, &n);

        print_message("# %s\n", rows[i].why);
        config_problems_init(&p);
        m = config_map_parse(rows[i].text, strlen(rows[i].text), "f", &p);
        config_problems_write(&p, out);
        fclose(out);
        assert_int_equal(m == NULL, rows[i].says != NULL);
        if (rows[i].says != NULL && strstr(printed, rows[i].says) == NULL) {
            fail_msg("expected %s\ngot: %s", rows[i].says, printed);
        }
        assert_true(p.count == (rows[i].says != NULL ? 1 : 0));
        config_problems_free(&p);
        free(printed);
        free(m);
    }
}

static void the_maps_defaults_hold_for_rows_that_say_nothing(void **state)
{
    static const char text[] =
        "version: 1\nname: Mine\ntype: s32\norder: CDAB\nfunction: holding\nregisters:\n"
        "  - {quantity: power, address: 0x10, scale: 0.1}\n"
        "  - {quantity: voltage, part: l2, address: 3, type: u16, order: ABCD, function: input, "
        "scale: 25}\n";
    struct config_problems p;
    struct config_map *m;

    (void)state;
    config_problems_init(&p);
    m = config_map_parse(text, sizeof(text) - 1, "f", &p);
    assert_non_null(m);
    assert_int_equal(m->wire.row[0].address, 16);
    assert_int_equal(m->wire.row[0].function, 3);
    assert_int_equal(m->wire.row[0].type, HWT_MODBUS_S32);
    assert_int_equal(m->wire.row[0].order, HWT_MODBUS_CDAB);
    assert_int_equal(m->wire.row[0].scale, 1);
    assert_int_equal(m->wire.row[0].exponent, -1);
    assert_int_equal(m->wire.row[1].function, 4);
    assert_int_equal(m->wire.row[1].type, HWT_MODBUS_U16);
    assert_int_equal(m->wire.row[1].order, HWT_MODBUS_ABCD);
    assert_int_equal(m->wire.row[1].part, HWT_MODBUS_L2);
    assert_int_equal(m->wire.row[1].scale, 25);
    assert_int_equal(m->baud, 9600);
    free(m);
    config_problems_free(&p);
}

/* A meter with phases is several sources of channel ids; its file is found beside the
 * configuration. */
static void phases_are_sources_of_their_own(void **state)
{
    static const char map[] = HEAD "  - {quantity: power, address: 0}\n"
                                   "  - {quantity: power, part: l1, address: 2}\n"
                                   "  - {quantity: voltage, part: l1, address: 4}\n"
                                   "  - {quantity: energy, address: 6}\n";
    char folder[] = "/tmp/modbus-map-XXXXXX", path[64], text[512], *printed = NULL;
    struct installation *site = calloc(1, sizeof(*site));
    struct config *c;
    size_t n;
    FILE *f, *errors = open_memstream(&printed, &n);

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/mine.yaml", folder);
    f = fopen(path, "w");
    fputs(map, f);
    fclose(f);
    snprintf(path, sizeof(path), "%s/c.yaml", folder);
    f = fopen(path, "w");
    fputs("version: 1\nsources:\n"
          "  - {id: m, type: modbus, map: ./mine.yaml, tcp: \"[::1]:1502\", label: Meter}\n"
          "  - {id: o, type: modbus, map: mine.yaml, port: x, phases: false, poll_s: 5}\n"
          "roles: {elec: m_l1, heat: m}\n",
          f);
    fclose(f);
    c = config_load(path, errors);
    fclose(errors);
    assert_string_equal(printed, "");
    assert_non_null(c);
    assert_string_equal(c->source[0].host, "::1");
    assert_int_equal(c->source[0].tcp_port, 1502);
    assert_true(installation_make(site, c));
    text[0] = '\0';
    for (unsigned i = 0; i < site->schema.count; i++) {
        unsigned s = site->column[i].source;

        if (site->source[s].kind == SOURCE_IS_METER) {
            strcat(strcat(text, site->channel[i].id), "=");
            strcat(strcat(text, site->source[s].label), " ");
        }
    }
    assert_string_equal(text, "m_power=Meter m_energy=Meter m_l1_power=Meter L1 "
                              "m_l1_voltage=Meter L1 o_power=o o_energy=o ");
    assert_string_equal(site->source[site->role[ROLE_ELEC].source].id, "m_l1");
    assert_string_equal(site->source[site->role[ROLE_HEAT].source].id, "m");
    assert_true(site->source[site->role[ROLE_HEAT].source].max_age_us == 32000000);
    config_free(c);
    snprintf(path, sizeof(path), "%s/mine.yaml", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/c.yaml", folder);
    errors = fmemopen(text, sizeof(text), "w");
    assert_null(config_load(path, errors));
    fclose(errors);
    assert_non_null(strstr(text, "c.yaml:3: sources[0].map: cannot read"));
    unlink(path);
    rmdir(folder);
    free(printed);
    free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_map_is_right_and_each_row_has_a_source),
        cmocka_unit_test(every_map_tells_its_own_device_and_no_other),
        cmocka_unit_test(meters_are_told_by_their_registers),
        cmocka_unit_test(every_map_has_power_and_import_and_is_read_by_few_requests),
        cmocka_unit_test(registers_of_each_maker_read_right),
        cmocka_unit_test(a_map_of_ones_own_is_read_and_its_mistakes_are_told),
        cmocka_unit_test(the_maps_defaults_hold_for_rows_that_say_nothing),
        cmocka_unit_test(phases_are_sources_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
