/* heat_from_flow sources: what they are worked out from. */
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/run/config_bind.h"

void config_check_sensors(struct config_build *b)
{
    for (unsigned i = 0; i < b->c->source_count; i++) {
        struct config_source *s = &b->c->source[i];

        if (s->type == CONFIG_HEAT_FLOW) {
            s->delivers[0] = HWT_Q_POWER;
            s->quantities = 1;
        } else if (s->type == CONFIG_ANALOG) {
            config_make_analog(b, s);
        }
    }
}

static void check_input(struct config_build *b, const char *id, const char *name,
                        enum hwt_quantity like)
{
    const char *unit = hwt_quantity_get(like)->unit, *is;
    struct config_point point;
    enum hwt_quantity quantity;

    if (!config_given(b, id) || b->unsure) {
        return;
    }
    if (!config_channel_find(b->c, id, &point, &quantity)) {
        config_complain(b, id, name,
                        "\"%s\" is not a channel of any source: <source>_<quantity>, such as "
                        "vfs_flow_rate",
                        id);
        return;
    }
    is = hwt_quantity_get(quantity)->unit;
    if (strcmp(is, unit) != 0) {
        config_complain(b, id, name, "\"%s\" is in %s, but here it must be %s", id, is, unit);
    } else if (point.kind == POINT_HEAT_FLOW || point.kind == POINT_CLAMP) {
        config_complain(b, id, name, "\"%s\" is not of a meter or sensor", id);
    }
}

void config_check_heat_flow(struct config_build *b, const struct config_source *s)
{
    check_input(b, s->flow_rate, "flow_rate", HWT_Q_FLOW_RATE);
    check_input(b, s->flow_t, "flow_t", HWT_Q_FLOW_T);
    check_input(b, s->return_t, "return_t", HWT_Q_FLOW_T);
    if (config_given(b, s->flow_t) && strcmp(s->flow_t, s->return_t) == 0) {
        config_complain(b, s->return_t, "return_t", "is the same channel as flow_t");
    }
    if (s->glycol == HWT_WATER && s->percent > 0) {
        config_complain(b, &s->percent, "percent", "of what? Add glycol: propylene, or ethylene");
    } else if (s->glycol != HWT_WATER && !(s->percent > 0)) {
        config_complain(b, &s->percent, "percent", "is required with glycol: 1 to 60");
    }
}
