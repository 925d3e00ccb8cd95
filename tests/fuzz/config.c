/*
 * Any octets as a configuration: refused with a reason, or accepted and then sound: every number in
 * its range, every id well formed, every reference to something that is there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/run/config.h"
#include "daemon/run/config_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_id(const char *id)
{
    size_t n = strlen(id);

    must(n >= 1 && n <= HWT_ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_") == n);
}

static void check_source(const struct config_source *s)
{
    check_id(s->id);
    if (s->type == CONFIG_MBUS) {
        must(s->port[0] != '\0' && s->address <= 254 && s->poll_s >= (s->mains_powered ? 2 : 60));
        return;
    }
    if (s->type == CONFIG_MODBUS) {
        must((s->port[0] != '\0') != (s->host[0] != '\0') && s->baud >= 300 && s->poll_s >= 1);
        must(s->map != NULL && s->map->rows >= 1 &&
             s->part_id[0][0] + s->part_id[1][0] + s->part_id[2][0] + s->part_id[3][0] != 0);
        must(s->unit <= 255 && (s->port[0] == '\0' || (s->unit >= 1 && s->unit <= 247)));
        return;
    }
    if (s->type == CONFIG_EMON) {
        must((s->port[0] != '\0') != (s->host[0] != '\0') && s->baud >= 300 && s->poll_s >= 1);
        must(s->node <= CONFIG_EMON_NODE_NONE && s->emon_count >= 1);
        for (unsigned i = 0; i < s->emon_count; i++) {
            check_id(s->emon[i].id);
            must(s->emon[i].quantities >= 1 && s->emon[i].den > 0 && s->emon[i].num != 0);
            must(s->emon[i].energy_key[0] == '\0' || s->emon[i].energy_den > 0);
        }
        return;
    }
    if (s->type == CONFIG_ANALOG) {
        must(s->quantities >= 1 && s->analog_divider > 0 && s->poll_s >= 1);
        must(s->flow_point_count != 1 && s->t_point_count != 1);
        return;
    }
    if (s->type == CONFIG_HEAT_FLOW) {
        must(s->flow_rate[0] != '\0' && s->flow_t[0] != '\0' && s->return_t[0] != '\0');
        must((s->glycol != HWT_WATER) == (s->percent > 0) && s->poll_s >= 1);
        return;
    }
    if (s->type == CONFIG_PULSES) {
        must((s->chip[0] != '\0') != (s->events[0] != '\0') && s->per_unit > 0 && s->poll_s >= 1);
        must(s->zero_s >= 10 && s->max_w >= 100);
        return;
    }
    if (s->type == CONFIG_ELSTER) {
        must((s->chip[0] != '\0') + (s->events[0] != '\0') + (s->port[0] != '\0') == 1);
        must(s->baud % 2400 == 0 && s->zero_s >= 10 && s->max_w >= 100);
        return;
    }
    if (s->type == CONFIG_DS18B20) {
        must(s->w1[0] != '\0' && s->poll_s >= 1 && s->sensor_count >= 1);
        for (unsigned i = 0; i < s->sensor_count; i++) {
            check_id(s->sensors[i].id);
            must(strlen(s->sensors[i].rom) == 15 && s->sensors[i].quantity < TEMPERATURES);
        }
        return;
    }
    must((s->port[0] != '\0') != (s->socket[0] != '\0'));
    must(s->voltage_count >= 1 && s->voltage_count <= CONFIG_VOLTAGES_MAX);
    for (unsigned i = 0; i < s->clamp_count; i++) {
        check_id(s->clamps[i].id);
        must(s->clamps[i].slot < HWT_SLOTS_MAX && s->clamps[i].ratio > 0);
        must(s->clamps[i].voltage < s->voltage_count);
        must(strcmp(s->voltages[s->clamps[i].voltage].id, s->clamps[i].voltage_id) == 0);
        must(s->clamps[i].minus_id[0] == '\0' ||
             (s->clamps[i].minus < s->voltage_count && s->clamps[i].minus != s->clamps[i].voltage));
        for (unsigned k = 1; k < s->clamps[i].curve_count; k++) {
            must(s->clamps[i].curve[k].level > s->clamps[i].curve[k - 1].level);
        }
    }
}

static void check_config(const struct config *c)
{
    struct config_point point;

    must(c->source_count >= 1 && c->source_count <= CONFIG_SOURCES_MAX);
    must(c->record_s >= 1 && c->record_s <= 60 && c->publisher_count <= CONFIG_PUBLISHERS_MAX);
    must(config_channel_count(c) <= CONFIG_CHANNELS_MAX);
    for (unsigned i = 0; i < c->source_count; i++) {
        check_source(&c->source[i]);
    }
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        if (c->role[r][0] != '\0' && config_role_kind((enum config_role)r) == ROLE_IS_SOURCE) {
            must(config_point_find(c, c->role[r], &point));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_problems problems;
    struct config *c;

    config_problems_init(&problems);
    free(config_map_parse((const char *)data, size, "dir/m.yaml", &problems));
    config_problems_free(&problems);
    config_problems_init(&problems);
    c = config_parse((const char *)data, size, "dir/f.yaml", &problems);
    must((c == NULL) == (problems.count > 0));
    for (size_t i = 0; i < problems.count; i++) {
        must(problems.item[i].text[0] != '\0' && strchr(problems.item[i].text, '\n') == NULL);
    }
    if (c != NULL) {
        check_config(c);
    }
    config_free(c);
    config_problems_free(&problems);
    return 0;
}
