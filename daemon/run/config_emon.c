/* emon sources: what their inputs deliver, and what goes with what. */
#include <math.h>
#include <string.h>

#include "core/base/quantity.h"
#include "core/wire/emon.h"
#include "daemon/run/config_bind.h"

#define NANO 1e9 /* scales are taken in billionths */

enum { MILLI = 1000 }; /* thousandths are what the decoder hands on */

/* What an input may be; the rest are of heatwatt's own making. */
static const uint8_t gauges[] = {
    HWT_Q_VOLTAGE,        HWT_Q_CURRENT,      HWT_Q_POWER,       HWT_Q_APPARENT_POWER,
    HWT_Q_REACTIVE_POWER, HWT_Q_POWER_FACTOR, HWT_Q_FREQUENCY,   HWT_Q_FLOW_RATE,
    HWT_Q_FLOW_T,         HWT_Q_RETURN_T,     HWT_Q_DELTA_T,     HWT_Q_OUTSIDE_T,
    HWT_Q_ROOM_T,         HWT_Q_DHW_T,        HWT_Q_TEMPERATURE, HWT_Q_PRESSURE,
    HWT_Q_HUMIDITY,
};
static const uint8_t counters[] = {HWT_Q_IMPORT, HWT_Q_EXPORT, HWT_Q_ENERGY, HWT_Q_VOLUME};

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* num/den = scale x counts / (1000 x per_unit), in lowest terms; false if that is too long. */
static bool make_fraction(double scale, double per_unit, int64_t counts, int64_t *num_out,
                          int64_t *den_out)
{
    int64_t num = llround(scale * NANO), den = llround(per_unit * NANO) * MILLI, g;

    if (num == 0 || den <= 0) {
        return false;
    }
    g = common_divisor(num, den);
    num /= g;
    den /= g;
    g = common_divisor(counts, den);
    *den_out = den / g;
    return !__builtin_mul_overflow(num, counts / g, num_out);
}

static bool is_allowed(enum hwt_quantity q)
{
    return memchr(gauges, (int)q, sizeof(gauges)) != NULL ||
           memchr(counters, (int)q, sizeof(counters)) != NULL;
}

static void refuse_quantity(struct config_build *b, const struct config_emon_input *in)
{
    struct config_nearest nearest;

    config_nearest_init(&nearest, in->quantity);
    for (size_t i = 0; i < sizeof(gauges) + sizeof(counters); i++) {
        unsigned q = i < sizeof(gauges) ? gauges[i] : counters[i - sizeof(gauges)];

        config_nearest_offer(&nearest, hwt_quantity_get(q)->id);
    }
    config_complain(b, in->quantity, "quantity", "\"%s\" is not what an input can be%s%s",
                    in->quantity,
                    nearest.best != NULL ? ", did you mean "
                                         : ": power, voltage, temperature, import, volume ...",
                    nearest.best != NULL ? nearest.best : "");
}

static void make_input(struct config_build *b, struct config_emon_input *in)
{
    enum hwt_quantity q = hwt_quantity_find(in->quantity, strlen(in->quantity));
    const struct hwt_quantity_info *info = hwt_quantity_get(q);

    in->quantities = 0;
    if (!config_given(b, in->quantity)) {
        b->unsure = true;
        return;
    }
    if (info == NULL || !is_allowed(q)) {
        refuse_quantity(b, in);
        b->unsure = true;
        return;
    }
    in->delivers[in->quantities++] = (uint8_t)q;
    if (!make_fraction(in->scale, in->per_unit, info->per_unit, &in->num, &in->den)) {
        config_complain(b, &in->scale, "scale", "%.12g is 0, or too long a number with per_unit %g",
                        in->scale, in->per_unit);
    }
    if (!config_given(b, in->energy_key)) {
        return;
    }
    if (q != HWT_Q_POWER) {
        config_complain(b, in->energy_key, "energy_key", "is for quantity: power; \"%s\" is %s",
                        in->id, info->id);
        return;
    }
    in->delivers[in->quantities++] = HWT_Q_IMPORT;
    in->delivers[in->quantities++] = HWT_Q_EXPORT;
    /* A clamp turned round turns its register too; powers are not scaled otherwise. */
    (void)make_fraction(in->scale, 1, hwt_quantity_get(HWT_Q_IMPORT)->per_unit, &in->energy_num,
                        &in->energy_den);
}

void config_check_emon_inputs(struct config_build *b)
{
    for (unsigned i = 0; i < b->c->source_count; i++) {
        struct config_source *s = &b->c->source[i];

        for (unsigned k = 0; s->type == CONFIG_EMON && k < s->emon_count; k++) {
            make_input(b, &s->emon[k]);
        }
    }
}

static void check_layout(struct config_build *b, const struct config_source *s)
{
    struct config_nearest nearest;

    config_nearest_init(&nearest, s->layout);
    for (unsigned i = 0; hwt_emon_layout(i) != NULL; i++) {
        if (strcmp(s->layout, hwt_emon_layout(i)) == 0) {
            return;
        }
        config_nearest_offer(&nearest, hwt_emon_layout(i));
    }
    config_complain(b, s->layout, "layout", "\"%s\" is not a known layout, did you mean %s?",
                    s->layout, nearest.best != NULL ? nearest.best : hwt_emon_layout(0));
}

static bool uses_key(const struct config_emon_input *in, const char *key)
{
    return strcmp(in->key, key) == 0 || strcmp(in->energy_key, key) == 0;
}

/* One number, two sources: one of them is a slip. */
static void check_keys(struct config_build *b, const struct config_source *s)
{
    for (unsigned i = 0; i < s->emon_count; i++) {
        const struct config_emon_input *in = &s->emon[i];

        for (unsigned k = 0; k < i; k++) {
            if (in->key[0] != '\0' && uses_key(&s->emon[k], in->key)) {
                config_complain(b, in->key, "key", "\"%s\" is already taken by \"%s\" in line %u",
                                in->key, s->emon[k].id, s->emon[k].line);
            }
            if (in->energy_key[0] != '\0' && uses_key(&s->emon[k], in->energy_key)) {
                config_complain(b, in->energy_key, "energy_key",
                                "\"%s\" is already taken by \"%s\" in line %u", in->energy_key,
                                s->emon[k].id, s->emon[k].line);
            }
        }
    }
}

void config_check_emon(struct config_build *b, struct config_source *s)
{
    bool serial_keys =
        config_given(b, &s->baud) || config_given(b, &s->parity) || config_given(b, &s->stop_bits);

    config_check_line(b, s, 0);
    if (!config_given(b, &s->node)) {
        s->node = CONFIG_EMON_NODE_NONE;
    }
    if (s->tcp[0] != '\0' && s->port[0] == '\0' && serial_keys) {
        config_complain(b, s->tcp, "tcp",
                        "excludes baud, parity and stop_bits: the gateway has them");
    }
    if (s->stop_bits == 2 && s->parity != PARITY_NONE) {
        config_complain(b, &s->stop_bits, "stop_bits", "2 is only possible without parity");
    }
    if (config_given(b, s->layout)) {
        check_layout(b, s);
        if (s->node == CONFIG_EMON_NODE_NONE) {
            config_complain(b, s->layout, "layout", "is for radio messages: add node:");
        }
    }
    check_keys(b, s);
}

void config_check_emon_neighbours(struct config_build *b, const struct config_source *s,
                                  const struct config_source *other)
{
    if (s->node == other->node) {
        config_complain(b, &s->node, "node",
                        s->node == CONFIG_EMON_NODE_NONE
                            ? "is required, as \"%s\" in line %u is on the same line"
                            : "is already that of \"%s\" in line %u on the same line",
                        other->id, other->line);
    } else if (s->port[0] != '\0' && (s->baud != other->baud || s->parity != other->parity ||
                                      s->stop_bits != other->stop_bits)) {
        config_complain(b, s->port, "port", "has another speed or framing at \"%s\" in line %u",
                        other->id, other->line);
    }
}
