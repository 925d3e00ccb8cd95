#include "daemon/run/scan_item.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    POLL_MIN_S = 60, /* of a battery meter, as the configuration has it when it says nothing */
    BAUD_MBUS = 2400,
    BAUD_EMON = 115200,
    TEXT_MAX = 320,
    INPUT_ID_MAX = 20 /* its channel <id>_temperature has 32 then */
};

/* --- one way to write both ------------------------------------------------------------------- */

struct out {
    struct hwt_json *json; /* or YAML: */
    char *p;
    size_t n, at;
    bool ok;
    unsigned keys; /* of the map under way */
    bool in_list;  /* of a list of small maps: "- {id: …, key: …}" */
};

static void print(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(struct out *o, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(o->p + o->at, o->n - o->at, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= o->n - o->at) {
        o->ok = false;
    } else {
        o->at += (size_t)n;
    }
}

static void print_key(struct out *o, const char *key)
{
    if (o->in_list) {
        print(o, "%s%s: ", o->keys > 0 ? ", " : "", key);
    } else {
        print(o, "%s%s: ", o->keys > 0 ? "    " : "  - ", key);
    }
    o->keys++;
}

/* Can stand without quotes and is then still a text. */
static bool is_plain(const char *s)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(s, words[i]) == 0) {
            return false;
        }
    }
    if (!isalpha((unsigned char)s[0]) && s[0] != '/') {
        return false;
    }
    for (; *s != '\0'; s++) {
        if (!isalnum((unsigned char)*s) && strchr("/_-.", *s) == NULL) {
            return false;
        }
    }
    return true;
}

static void put_text(struct out *o, const char *key, const char *s)
{
    if (o->json != NULL) {
        hwt_json_string(o->json, key, s);
        return;
    }
    print_key(o, key);
    if (is_plain(s)) {
        print(o, "%s", s);
    } else {
        print(o, "\"");
        for (; *s != '\0'; s++) {
            print(o, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
        }
        print(o, "\"");
    }
    if (!o->in_list) {
        print(o, "\n");
    }
}

static void put_number(struct out *o, const char *key, unsigned v)
{
    if (o->json != NULL) {
        hwt_json_uint(o->json, key, v);
        return;
    }
    print_key(o, key);
    print(o, o->in_list ? "%u" : "%u\n", v);
}

static void begin_list(struct out *o, const char *key)
{
    if (o->json != NULL) {
        hwt_json_array(o->json, key);
        return;
    }
    print(o, "    %s:\n", key);
    o->in_list = true;
}

static void begin_element(struct out *o)
{
    if (o->json != NULL) {
        hwt_json_object(o->json, NULL);
        return;
    }
    print(o, "      - {");
    o->keys = 0;
}

static void end_element(struct out *o)
{
    if (o->json != NULL) {
        hwt_json_end_object(o->json);
        return;
    }
    print(o, "}\n");
}

static void end_list(struct out *o)
{
    if (o->json != NULL) {
        hwt_json_end_array(o->json);
    }
    o->in_list = false;
}

/* --- the types ------------------------------------------------------------------------------- */

void scan_item_secondary(const struct scan_found *f, char out[24])
{
    const uint8_t *s = f->secondary;

    snprintf(out, 24, "%02X%02X%02X%02X %02X%02X %02X %02X", s[3], s[2], s[1], s[0], s[4], s[5],
             s[6], s[7]);
}

static void put_where(struct out *o, const struct scan_found *f)
{
    put_text(o, f->target == SCAN_TARGET_TCP ? "tcp" : "port", f->port);
}

static void put_mbus(struct out *o, const struct scan_item *item)
{
    const struct scan_found *f = &item->found;
    char secondary[24];

    if (f->electricity) {
        put_text(o, "measures", "electricity");
    }
    put_where(o, f);
    if (f->baud != 0 && f->baud != BAUD_MBUS) {
        put_number(o, "baud", f->baud);
    }
    if (f->has_secondary && (f->address < 1 || item->shared)) {
        scan_item_secondary(f, secondary);
        put_text(o, "secondary", secondary);
    } else {
        put_number(o, "address", (unsigned)f->address);
    }
    if (f->profile != NULL && f->profile->battery_s > POLL_MIN_S) {
        put_number(o, "poll_s", f->profile->battery_s);
    }
}

static void put_framing(struct out *o, const struct scan_found *f)
{
    put_number(o, "baud", f->baud);
    put_text(o, "parity",
             f->framing == SERIAL_8E1   ? "even"
             : f->framing == SERIAL_8O1 ? "odd"
                                        : "none");
    if (f->framing == SERIAL_8N2) {
        put_number(o, "stop_bits", 2);
    }
}

static void put_modbus(struct out *o, const struct scan_found *f)
{
    put_text(o, "map", f->map);
    put_where(o, f);
    if (f->target != SCAN_TARGET_TCP) {
        put_framing(o, f);
    } else if (f->rtu_over_tcp) {
        put_text(o, "framing", "rtu");
    }
    put_number(o, "unit", (unsigned)f->address);
}

static void put_elster(struct out *o, const struct scan_found *f)
{
    char chip[SCAN_PORT_MAX];
    unsigned line;

    if (f->target == SCAN_TARGET_CHIP && scan_chip_split(f->port, chip, &line)) {
        put_text(o, "chip", chip);
        put_number(o, "line", line);
        return;
    }
    put_text(o, f->target == SCAN_TARGET_EVENTS ? "events" : "port", f->port);
    if (f->baud != 0) {
        put_number(o, "baud", f->baud);
    }
}

/* The register that belongs to a power: E1 to P1, and to power1. */
static const struct scan_value *energy_of(const struct scan_found *f,
                                          const struct scan_value *power)
{
    const char *number = power->name + strcspn(power->name, "0123456789");

    for (unsigned i = 0; i < f->values; i++) {
        const struct scan_value *v = &f->value[i];

        if (v->quantity == HWT_Q_IMPORT && strcmp(v->name + 1, number) == 0) {
            return v;
        }
    }
    return NULL;
}

static void put_input(struct out *o, const struct scan_item *item, const struct scan_value *v)
{
    const struct scan_value *energy =
        v->quantity == HWT_Q_POWER ? energy_of(&item->found, v) : NULL;
    char id[TEXT_MAX];

    snprintf(id, sizeof(id), "%s_%s", item->id, v->name);
    id[INPUT_ID_MAX] = '\0';
    for (char *c = id; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    begin_element(o);
    put_text(o, "id", id);
    put_text(o, "key", v->name);
    put_text(o, "quantity",
             v->quantity == HWT_Q_POWER      ? "power"
             : v->quantity == HWT_Q_VOLTAGE  ? "voltage"
             : v->quantity == HWT_Q_HUMIDITY ? "humidity"
                                             : "temperature");
    if (energy != NULL) {
        put_text(o, "energy_key", energy->name);
    }
    end_element(o);
}

static void put_emon(struct out *o, const struct scan_item *item)
{
    const struct scan_found *f = &item->found;

    put_where(o, f);
    if (f->baud != 0 && f->baud != BAUD_EMON) {
        put_number(o, "baud", f->baud);
    }
    if (f->address >= 0) {
        put_number(o, "node", (unsigned)f->address);
    }
    begin_list(o, "inputs");
    for (unsigned i = 0; i < f->values; i++) {
        if (f->value[i].quantity != HWT_Q_IMPORT) { /* goes with its power */
            put_input(o, item, &f->value[i]);
        }
    }
    end_list(o);
}

static void put_sensor(struct out *o, const struct scan_item *item)
{
    const struct scan_found *f = &item->found;
    char id[TEXT_MAX];

    if (strcmp(f->port, "/sys/bus/w1/devices") != 0) {
        put_text(o, "w1", f->port);
    }
    snprintf(id, sizeof(id), "t_%s", item->id);
    begin_list(o, "sensors");
    begin_element(o);
    put_text(o, "id", id);
    put_text(o, "rom", f->serial);
    end_element(o);
    end_list(o);
}

static void put_type(struct out *o, const struct scan_item *item)
{
    const struct scan_found *f = &item->found;

    put_text(o, "id", item->id);
    put_text(o, "type", scan_protocol_name(f->protocol));
    if (f->model[0] != '\0' && f->protocol != SCAN_DS18B20) {
        put_text(o, "label", f->model);
    }
    switch (f->protocol) {
    case SCAN_MBUS:
        put_mbus(o, item);
        break;
    case SCAN_MODBUS:
        put_modbus(o, f);
        break;
    case SCAN_ELSTER:
        put_elster(o, f);
        break;
    case SCAN_EMON:
        put_emon(o, item);
        break;
    case SCAN_DS18B20:
        put_sensor(o, item);
        break;
    case SCAN_ANALOG:
    case SCAN_PROTOCOLS:
        break;
    }
}

const char *scan_item_cannot(const struct scan_item *item)
{
    const struct scan_found *f = &item->found;

    if (f->collision) {
        return "several devices answer at once";
    }
    if (f->protocol == SCAN_ANALOG) {
        return "which sensor hangs on the converter cannot be seen";
    }
    if (f->protocol == SCAN_MODBUS && f->map[0] == '\0') {
        return "no built-in map fits it: write one (heatwatt config map)";
    }
    if (f->protocol == SCAN_EMON && f->values == 0) {
        return "its messages fit no known layout";
    }
    if (f->protocol == SCAN_MBUS && f->address < 0 && !f->has_secondary) {
        return "it tells neither its primary nor its secondary address";
    }
    return NULL;
}

void scan_item_json(const struct scan_item *item, struct hwt_json *j, const char *key)
{
    struct out o = {.json = j};

    hwt_json_object(j, key);
    put_type(&o, item);
    hwt_json_end_object(j);
}

bool scan_item_yaml(const struct scan_item *item, char out[SCAN_YAML_MAX])
{
    struct out o = {.p = out, .n = SCAN_YAML_MAX, .ok = true};

    out[0] = '\0';
    put_type(&o, item);
    return o.ok;
}
