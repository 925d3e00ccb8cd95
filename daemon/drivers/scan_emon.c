#include "daemon/drivers/scan_emon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"
#include "core/wire/emon.h"

/* Names of numbers and what they most likely are; a name may end in a number, or L and one. */
static const struct {
    const char *name;
    enum hwt_quantity quantity;
} meanings[] = {
    {"P", HWT_Q_POWER},
    {"power", HWT_Q_POWER},
    {"E", HWT_Q_IMPORT}, /* of the power with the same number */
    {"Vrms", HWT_Q_VOLTAGE},
    {"V", HWT_Q_VOLTAGE},
    {"battery", HWT_Q_VOLTAGE},
    {"T", HWT_Q_TEMPERATURE},
    {"temp", HWT_Q_TEMPERATURE},
    {"temperature", HWT_Q_TEMPERATURE},
    {"external_temperature", HWT_Q_TEMPERATURE},
    {"humidity", HWT_Q_HUMIDITY},
};

static enum hwt_quantity meaning(const char *name)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        size_t n = strlen(meanings[i].name);

        if (strncmp(name, meanings[i].name, n) == 0) {
            const char *rest = name + n + (name[n] == 'L');

            if (rest[strspn(rest, "0123456789")] == '\0') {
                return meanings[i].quantity;
            }
        }
    }
    return HWT_Q_NONE;
}

static void take_values(const struct hwt_emon_message *m, struct scan_found *found)
{
    for (size_t i = 0; i < m->count && found->values < SCAN_VALUES_MAX; i++) {
        struct scan_value *v = &found->value[found->values];
        enum hwt_quantity q = meaning(m->value[i].name);

        if (q != HWT_Q_NONE && !m->value[i].missing &&
            hwt_quantity_from_decimal(q, m->value[i].milli, -3, &v->counts)) {
            snprintf(v->name, sizeof(v->name), "%s", m->value[i].name);
            v->quantity = (uint8_t)q;
            found->values++;
        }
    }
}

static bool is_readable(const char *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < ' ' || (unsigned char)line[i] > '~') {
            return false;
        }
    }
    return n >= 4; /* shorter ones noise can make */
}

static void name_device(const struct hwt_emon_message *m, struct scan_found *found)
{
    found->address = m->node;
    snprintf(found->maker, sizeof(found->maker), "OpenEnergyMonitor");
    if (m->node == HWT_EMON_NODE_NONE) {
        snprintf(found->model, sizeof(found->model), "emonTx");
    } else {
        snprintf(found->model, sizeof(found->model), "radio node %d", m->node);
    }
}

enum scan_line scan_emon_line(const char *line, size_t n, struct scan_found *found)
{
    struct hwt_emon_message m;
    size_t at;
    int err = hwt_emon_line(line, n, NULL, &m, &at);

    if (err == 0) {
        take_values(&m, found);
        if (found->values > 0) {
            name_device(&m, found);
            return SCAN_LINE_EMON;
        }
    }
    if (err == HWT_ERR_UNSUPPORTED && is_readable(line, n)) { /* "OK 99 1 2 3 …" */
        m.node = n > 3 ? atoi(line + 3) : 0;
        name_device(&m, found);
        snprintf(
            found->note, sizeof(found->note),
            "Its messages fit no known layout: see docs/PROTOCOLS.md for the `layout` option.");
        return SCAN_LINE_EMON;
    }
    return is_readable(line, n) ? SCAN_LINE_TEXT : SCAN_LINE_OTHER;
}
