/*
 * config_map.h: a Modbus map: a file that says which registers of a device hold what.
 *
 *   data/modbus/sdm120.yaml, in the program ─┐
 *                                            ├▶ config_tree, config_bind ─▶ struct config_map
 *   my-meter.yaml, beside the configuration ─┘
 *
 * Both are of one format, whose table is in config_table.c (docs/CONFIG.md, "Modbus map").
 */
#ifndef DAEMON_RUN_CONFIG_MAP_H
#define DAEMON_RUN_CONFIG_MAP_H

#include "core/wire/modbus_identity.h"
#include "daemon/run/config.h"

struct config_map_row {
    char quantity[HWT_ID_MAX + 1];
    enum hwt_modbus_part part;
    unsigned address;
    unsigned function; /* 0 holding, 1 input */
    enum hwt_modbus_type type;
    enum hwt_modbus_order order;
    double scale;
    char source[CONFIG_TEXT_MAX];
    unsigned line;
};

/* Registers that tell the model, or the serial number. */
struct config_map_field {
    unsigned address;
    unsigned function; /* 0 holding, 1 input */
    enum hwt_modbus_type type;
    enum hwt_modbus_order order;
    unsigned length; /* of a text; 0: a number */
    char source[CONFIG_TEXT_MAX];
};

struct config_map_mark {
    struct config_map_field field;
    char value[HWT_MODBUS_EXPECTED_MAX][HWT_MODBUS_WORD_SIZE]; /* "32", "0x20", "100..104", "B23" */
    unsigned values;
    unsigned line;
};

struct config_map {
    unsigned version;
    char name[CONFIG_TEXT_MAX];
    char source[CONFIG_TEXT_MAX];
    unsigned baud;
    enum config_parity parity;
    unsigned function; /* the rows' where they say none, as are type and order */
    enum hwt_modbus_type type;
    enum hwt_modbus_order order;
    unsigned registers_max, gap_max;
    struct config_map_row row[HWT_MODBUS_ROWS_MAX];
    unsigned rows;
    struct config_map_mark mark[HWT_MODBUS_MARKS_MAX];
    unsigned marks;
    struct config_map_field serial;
    /* Made of the above: */
    struct hwt_modbus_map wire;
    struct hwt_modbus_identity identity;
    uint8_t quantity[CONFIG_PARTS][HWT_MODBUS_ROWS_MAX]; /* of each part, in the rows' order */
    unsigned quantities[CONFIG_PARTS];
};

/* A map that comes with the program; generated from data/modbus. */
struct config_map_file {
    const char *name; /* "sdm120" */
    const char *text;
    size_t size;
};

extern const struct config_map_file config_map_files[];
extern const size_t config_map_file_count;

/* Models of sensors that come with the program, of the same kind; generated from data/ct and
 * data/vt, read by config_models.c. */
extern const struct config_map_file config_model_files[];
extern const size_t config_model_file_count;

/* The map of this name that comes with the program, or NULL. */
const struct config_map_file *config_map_file_find(const char *name);
/* Whether `map: NAME` means a file: it has a slash or ends in .yaml or .yml. */
bool config_map_is_path(const char *name);

/* NULL if there are problems, or no memory; free() it. `file` is for messages. */
struct config_map *config_map_parse(const char *text, size_t n, const char *file,
                                    struct config_problems *problems);
/* The same of a file. */
struct config_map *config_map_load(const char *path, struct config_problems *problems);

#endif
