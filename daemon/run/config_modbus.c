/* Modbus sources: their maps, and what goes with what. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/run/config_bind.h"
#include "daemon/run/config_map.h"

enum { TCP_PORT = 502 }; /* of Modbus TCP, by IANA */

static void refuse_map(struct config_build *b, const struct config_source *s)
{
    struct config_nearest nearest;
    char known[256] = "", word[48];

    config_nearest_init(&nearest, s->map_name);
    for (size_t i = 0; i < config_map_file_count; i++) {
        config_nearest_offer(&nearest, config_map_files[i].name);
        snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", i > 0 ? ", " : "",
                 config_map_files[i].name);
    }
    config_clip(word, sizeof(word), s->map_name);
    config_complain(b, s->map_name, "map",
                    "\"%s\" is not a known map%s%s: one of %s, or a file as ./my-meter.yaml", word,
                    nearest.best != NULL ? ", did you mean " : "",
                    nearest.best != NULL ? nearest.best : "", known);
}

static struct config_map *load_map(struct config_build *b, const struct config_source *s)
{
    const struct config_map_file *own = config_map_file_find(s->map_name);
    char path[CONFIG_TEXT_MAX], label[64];

    if (own != NULL) {
        snprintf(label, sizeof(label), "map %s", own->name);
        return config_map_parse(own->text, own->size, label, b->problems);
    }
    if (!config_map_is_path(s->map_name)) {
        refuse_map(b, s);
        return NULL;
    }
    if (!b->files) {
        config_complain(b, s->map_name, "map", "is a file, and none is opened here");
        return NULL;
    }
    if (!config_resolve(b->file, s->map_name, path, sizeof(path))) {
        config_complain(b, s->map_name, "map", "is too long: at most %d bytes with its folder",
                        CONFIG_TEXT_MAX - 1);
        return NULL;
    }
    if (access(path, R_OK) != 0) { /* said here, where the name is */
        config_complain(b, s->map_name, "map", "cannot read %.150s: %s", path, strerror(errno));
        return NULL;
    }
    return config_map_load(path, b->problems);
}

/* Ids and labels of what the map has. */
static void name_parts(struct config_source *s)
{
    static const char *const suffixes[CONFIG_PARTS] = {"", "_l1", "_l2", "_l3"};
    static const char *const labels[CONFIG_PARTS] = {"", " L1", " L2", " L3"};

    for (unsigned p = 0; p < (s->phases ? CONFIG_PARTS : 1); p++) {
        if (s->map->quantities[p] > 0) {
            snprintf(s->part_id[p], sizeof(s->part_id[p]), "%s%s", s->id, suffixes[p]);
            snprintf(s->part_label[p], sizeof(s->part_label[p]), "%s%s", s->label, labels[p]);
        }
    }
}

void config_check_maps(struct config_build *b)
{
    for (unsigned i = 0; i < b->c->source_count; i++) {
        struct config_source *s = &b->c->source[i];

        if (s->type != CONFIG_MODBUS || !config_given(b, s->map_name)) {
            continue;
        }
        s->map = load_map(b, s);
        b->unsure |= s->map == NULL; /* its channels are not known */
        if (s->map == NULL) {
            continue;
        }
        name_parts(s);
        if (!s->phases && s->map->quantities[HWT_MODBUS_TOTAL] == 0) {
            config_complain(b, &s->phases, "phases", "false leaves nothing of this map to read");
        }
        s->baud = config_given(b, &s->baud) ? s->baud : s->map->baud;
        s->parity = config_given(b, &s->parity) ? s->parity : s->map->parity;
    }
}

static void check_tcp(struct config_build *b, const struct config_source *s)
{
    static const char *const keys[] = {"baud", "parity", "stop_bits"};
    const void *const members[] = {&s->baud, &s->parity, &s->stop_bits};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (config_given(b, members[i])) {
            config_complain(b, members[i], keys[i], "is for a serial port, but here is tcp");
        }
    }
}

static void check_serial(struct config_build *b, const struct config_source *s)
{
    if (config_given(b, &s->tcp_framing)) {
        config_complain(b, &s->tcp_framing, "framing", "is for tcp, but here is a serial port");
    }
    if (s->stop_bits == 2 && s->parity != PARITY_NONE) {
        config_complain(b, &s->stop_bits, "stop_bits", "2 is only possible without parity");
    }
}

void config_check_modbus(struct config_build *b, struct config_source *s)
{
    bool port = s->port[0] != '\0', tcp = s->tcp[0] != '\0';

    config_check_line(b, s, TCP_PORT);
    if (tcp && !port) {
        check_tcp(b, s);
    } else if (port && !tcp) {
        check_serial(b, s);
    }
    if ((port || s->tcp_framing == TCP_RTU) && (s->unit < 1 || s->unit > 247)) {
        config_complain(b, &s->unit, "unit", "%u is no device's number on a serial line: 1 to 247",
                        s->unit);
    }
}

void config_check_modbus_neighbours(struct config_build *b, const struct config_source *s,
                                    const struct config_source *other)
{
    bool port = s->port[0] != '\0';

    if (s->unit == other->unit) {
        config_complain(b, &s->unit, "unit", "%u %s is already \"%s\" in line %u", s->unit,
                        port ? "on this port" : "of this host", other->id, other->line);
    } else if (!port && s->tcp_framing != other->tcp_framing) {
        config_complain(b, &s->tcp_framing, "framing", "is not that of \"%s\" of the same host",
                        other->id);
    }
}
