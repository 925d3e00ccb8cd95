/*
 * config_bind.h: a tree into struct config, driven by the options table; and, for the checks that
 * follow, the way back from a member of the struct to the line that set it.
 */
#ifndef DAEMON_RUN_CONFIG_BIND_H
#define DAEMON_RUN_CONFIG_BIND_H

#include <stdbool.h>

#include "daemon/run/config.h"
#include "daemon/run/config_table.h"
#include "daemon/run/config_tree.h"

struct config_build {
    struct config *c;
    const struct config_tree *tree;
    struct config_problems *problems;
    const char *file; /* as in messages; relative paths start from its folder */
    bool files;       /* files that it names may be opened */
    bool unsure;      /* a source's id or type is unreadable: a reference may be right */
};

/* Sets all defaults, then all values that are right; reports the others and unknown keys. */
void config_bind(struct config_build *b);

/* The same for a file whose root is another section than a configuration's; `base` is its struct.
 */
void config_bind_root(struct config_build *b, enum config_section section, void *base);

/* True if the file gave this member a good value (not the default). */
bool config_given(const struct config_build *b, const void *member);

/* True if the file has this member, with a good value or a refused one. */
bool config_mentioned(const struct config_build *b, const void *member);

/*
 * Reports a problem of a member: at its own line if the file has it, else at that of the element it
 * would be in, as the missing key `name`. The root's members: `name` with its section
 * ("http.port").
 */
void config_complain(const struct config_build *b, const void *member, const char *name,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * A path of the file `from` against the folder of that file. False if it does not fit n bytes;
 * out is then untouched.
 */
bool config_resolve(const char *from, const char *path, char *out, size_t n);

struct config_map;
/* How a map's device is told, and where its serial number is: m->identity. */
void config_map_check_identity(struct config_build *b, struct config_map *m);

/* The checks beyond the table; each reports what is wrong. */
void config_check(struct config_build *b);
void config_check_maps(struct config_build *b);
/* Levels rise from point to point. */
void config_check_curve(const struct config_build *b, const struct config_curve_point *curve,
                        unsigned count);
/* The user's models, and what inputs that name a model get from it. */
void config_check_models(struct config_build *b);
void config_check_mbus(struct config_build *b, struct config_source *s);
void config_check_modbus(struct config_build *b, struct config_source *s);
/* What the inputs of emon sources deliver; before ids are checked. */
void config_check_emon_inputs(struct config_build *b);
void config_check_emon(struct config_build *b, struct config_source *s);
/* What sources of one point deliver; before ids are checked. */
void config_check_sensors(struct config_build *b);
/* Its part of config_check_sensors. */
void config_make_analog(struct config_build *b, struct config_source *s);
void config_check_analog(struct config_build *b, const struct config_source *s);
void config_check_heat_flow(struct config_build *b, const struct config_source *s);
void config_check_spi(struct config_build *b, const struct config_source *s);
void config_check_pulses(struct config_build *b, struct config_source *s);
void config_check_ds18b20(struct config_build *b, const struct config_source *s);
void config_check_elster(struct config_build *b, struct config_source *s);
/* Two sources: sockets and lines that they may not share, or not so. */
void config_check_ports(struct config_build *b, const struct config_source *s,
                        const struct config_source *other);
/* Of config_check_ports: two meters on one line or behind one gateway. */
void config_check_mbus_neighbours(struct config_build *b, const struct config_source *s,
                                  const struct config_source *other);
void config_check_modbus_neighbours(struct config_build *b, const struct config_source *s,
                                    const struct config_source *other);
void config_check_emon_neighbours(struct config_build *b, const struct config_source *s,
                                  const struct config_source *other);
/* Exactly one of port and tcp; fills host and tcp_port. standard_port: where the file may leave the
 * port out; 0: it may not. */
void config_check_line(struct config_build *b, struct config_source *s, uint16_t standard_port);
/* Exactly one of two keys: true if so. */
bool config_check_either(struct config_build *b, const void *one, const char *one_name,
                         bool one_given, const void *other, const char *other_name,
                         bool other_given);
/* What voltages, clamps and their groups deliver; before ids are checked. */
void config_check_measures(struct config_build *b);
void config_check_ids(struct config_build *b);
void config_check_roles(struct config_build *b);
void config_check_zone(struct config_build *b);
void config_check_secrets(struct config_build *b);

#endif
