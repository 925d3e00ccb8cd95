/*
 * config.h: the configuration file as the daemon sees it.
 *
 *   text ──config_tree──▶ tree with lines ──config_bind + config_table──▶ struct config
 *        ──config_check, config_roles, config_files──▶ problems, or none
 *
 * A configuration is made by config_load() and const afterwards. Every error of a file is reported,
 * not the first: file, line, field, what is wrong, what would be right. The options, their ranges,
 * defaults and texts stand in one table (config_table.h); docs/CONFIG.md is printed from it.
 *
 * Does not open ports, make folders or talk to anybody: it reads the file, the secrets file and the
 * time zone's name.
 */
#ifndef DAEMON_RUN_CONFIG_H
#define DAEMON_RUN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/flow.h"
#include "core/heat/fluid.h"
#include "daemon/base/clock.h"
#include "daemon/run/config_problems.h"

enum {
    CONFIG_VERSION = 1,
    CONFIG_SOURCES_MAX = 32,
    CONFIG_VOLTAGES_MAX = 3, /* of one sample stream */
    CONFIG_GROUPS_MAX = 4,   /* the same */
    CONFIG_MEASURE_MAX = 48, /* words of a clamp's or voltage's `measure` */
    CONFIG_CURVE_POINTS_MAX = 12,
    CONFIG_EMON_INPUTS_MAX = 32, /* of one emonTx */
    CONFIG_SENSORS_MAX = 16,     /* of one 1-Wire bus */
    CONFIG_PUBLISHERS_MAX = 8,
    CONFIG_HOSTS_MAX = 8,
    CONFIG_MODELS_MAX = 96,      /* clamps, and as many voltage sensors */
    CONFIG_MODEL_NAME_MAX = 64,  /* with its NUL */
    CONFIG_MODEL_CLASS_MAX = 96, /* the same */
    CONFIG_TEXT_MAX = 256,
    /* Columns of a record kept free for the daemon's own channels, heatpump_… and device_… */
    CONFIG_CHANNELS_OWN = 16,
    CONFIG_CHANNELS_MAX = HWT_CHANNELS_MAX - CONFIG_CHANNELS_OWN
};

enum config_measures { CONFIG_HEAT, CONFIG_ELECTRICITY };
/* clang-format off */
#define CONFIG_SOURCE_TYPES(X) /* what `type` of a source takes */                                 \
    X(SAMPLES, "samples") X(MBUS, "mbus") X(MODBUS, "modbus") X(EMON, "emon")                       \
    X(HEAT_FLOW, "heat_from_flow") X(PULSES, "pulses") X(ELSTER, "elster") X(DS18B20, "ds18b20")    \
    X(ANALOG, "analog")
/* clang-format on */

enum config_source_type {
#define CONFIG_X(name, id) CONFIG_##name,
    CONFIG_SOURCE_TYPES(CONFIG_X)
#undef CONFIG_X
};
enum config_publisher_type { CONFIG_EMONCMS };

/* How much is written for how little can be lost. */
enum config_log_profile { LOG_NORMAL, LOG_LOW_WEAR, LOG_LOWEST_WEAR, LOG_PROFILES };

/* Who may change something over HTTP; as enum http_changes. */
enum config_changes { CHANGES_LOCAL, CHANGES_ALWAYS, CHANGES_NEVER };

/* What a role names: a source, for all it delivers, or one channel. */
enum config_role_kind { ROLE_IS_SOURCE, ROLE_IS_CHANNEL };

/* clang-format off */
#define CONFIG_ROLES(X)                                                                            \
    X(ELEC,           "elec",           SOURCE,  "electricity of the heat pump: a clamp or a meter") \
    X(HEAT,           "heat",           SOURCE,  "heat of the heat pump: a heat meter")              \
    X(FLOW_T,         "flow_t",         CHANNEL, "temperature of the water to the house")            \
    X(RETURN_T,       "return_t",       CHANNEL, "temperature of the water from the house")          \
    X(FLOW_RATE,      "flow_rate",      CHANNEL, "volume flow of the water")                         \
    X(OUTSIDE_T,      "outside_t",      CHANNEL, "outside temperature")                              \
    X(ROOM_T,         "room_t",         CHANNEL, "room temperature")                                 \
    X(DHW_T,          "dhw_t",          CHANNEL, "temperature of the hot water cylinder")            \
    X(IMMERSION,      "immersion",      SOURCE,  "immersion heater: a clamp or a meter")             \
    X(DHW_STATUS,     "dhw_status",     CHANNEL, "tells hot water runs")                             \
    X(COOLING_STATUS, "cooling_status", CHANNEL, "tells cooling")                                    \
    X(GRID,           "grid",           SOURCE,  "the house at its grid connection")                 \
    X(SOLAR,          "solar",          SOURCE,  "solar panels")
/* clang-format on */

enum config_role {
#define CONFIG_X(name, id, kind, text) ROLE_##name,
    CONFIG_ROLES(CONFIG_X)
#undef CONFIG_X
        ROLE_COUNT
};

/* One point of a sensor's curve. */
struct config_curve_point {
    double level;     /* A or V, RMS */
    double factor;    /* multiplies the ratio */
    double phase_deg; /* added to the sensor's */
    unsigned line;    /* in the file */
};

/* What a clamp delivers. */
enum config_output { OUTPUT_CURRENT, OUTPUT_VOLTAGE };

/* A model of a clamp or of a voltage sensor; names are exact. */
struct config_sensor_model {
    char name[CONFIG_MODEL_NAME_MAX]; /* "YHDC SCT-013-000" */
    enum config_output output;        /* clamps */
    double ratio; /* clamps: A for an ampere, or a volt, that it delivers; voltage sensors: V for a
                   * volt */
    double rated_a;                          /* clamps: A; 0: not known */
    char class_text[CONFIG_MODEL_CLASS_MAX]; /* as its maker states it, or "" */
    double phase_deg;                        /* degrees it leads at 50 Hz; with a curve 0 */
    unsigned phase_hz;                       /* as written: what the phases were measured at */
    bool phase_known;
    struct config_curve_point curve[CONFIG_CURVE_POINTS_MAX]; /* phases: at 50 Hz */
    unsigned curve_count;
    char source[CONFIG_TEXT_MAX]; /* who says so */
    unsigned line;                /* in its file */
};

struct config_models {
    unsigned version; /* of a file of data/; of the configuration's own: unused */
    struct config_sensor_model ct[CONFIG_MODELS_MAX];
    unsigned ct_count;
    struct config_sensor_model vt[CONFIG_MODELS_MAX];
    unsigned vt_count;
};

/* One input of a sample stream: a voltage reference or a clamp; each is a source of its own. */
enum { CONFIG_INPUT_QUANTITIES = 7 + 45 }; /* a clamp's own, and all that `measure` can add */

struct config_input {
    char id[HWT_ID_MAX + 1];
    char label[CONFIG_TEXT_MAX];
    unsigned slot;                           /* of the sample stream, 0..23 */
    char voltage_id[HWT_ID_MAX + 1];         /* clamps: id of their reference */
    unsigned voltage;                        /* clamps: index of their reference in voltages[] */
    char model[CONFIG_MODEL_NAME_MAX];       /* of its sensor, or "" */
    char class_text[CONFIG_MODEL_CLASS_MAX]; /* its maker's statement, or "" */
    double rated_a;                          /* clamps: A; 0: not known */
    double burden_ohm;                       /* clamps: ohm; 0: the sampler's, or none */
    double divider;                /* voltages: V of the sensor for a volt at the converter */
    double ratio;                  /* V or A (RMS) for each code (RMS) */
    double phase_deg;              /* degrees the sensor leads at 50 Hz */
    bool reversed;                 /* clamps: turned round */
    bool consumer;                 /* clamps: never feeds back */
    char minus_id[HWT_ID_MAX + 1]; /* clamps: id of the voltage at the load's other end, or "" */
    unsigned minus;                /* clamps, with minus_id: its index in voltages[] */
    double shift_deg;              /* clamps: its phase lags the reference, degrees */
    double no_load_w;              /* clamps: W */
    unsigned phase;                /* voltages: 1..3 of a three-phase system; 0: none */
    struct config_curve_point curve[CONFIG_CURVE_POINTS_MAX];
    unsigned curve_count;
    char measure[CONFIG_MEASURE_MAX][HWT_ID_MAX + 1]; /* as written */
    unsigned measure_count;
    unsigned line; /* in the file */
    /* Made of the above: */
    uint8_t delivers[CONFIG_INPUT_QUANTITIES]; /* those of every such input first */
    unsigned quantities, more;                 /* all of them; those that `measure` adds */
    bool harmonics;                            /* among them */
};

/* Clamps of one supply; a source of its own. */
struct config_group {
    char id[HWT_ID_MAX + 1];
    char label[CONFIG_TEXT_MAX];
    char clamps[HWT_SLOTS_MAX][HWT_ID_MAX + 1]; /* their ids */
    unsigned clamp_count;
    unsigned line;   /* in the file */
    uint32_t inputs; /* made of it: bit i: clamps[i] of the sample stream */
};

/* A DS18B20; each is a source of its own. */
enum config_temperature {
    TEMPERATURE_ANY,
    TEMPERATURE_FLOW,
    TEMPERATURE_RETURN,
    TEMPERATURE_OUTSIDE,
    TEMPERATURE_ROOM,
    TEMPERATURE_DHW,
    TEMPERATURES
};

struct config_sensor {
    char id[HWT_ID_MAX + 1];
    char label[CONFIG_TEXT_MAX];
    char rom[24]; /* "28-0316a2795bff" */
    enum config_temperature quantity;
    double offset_k; /* added */
    unsigned line;   /* in the file */
};

enum config_parity { PARITY_NONE, PARITY_EVEN, PARITY_ODD };
enum config_tcp_framing { TCP_MBAP, TCP_RTU };
enum config_bias { BIAS_AS_IS, BIAS_PULL_UP, BIAS_PULL_DOWN, BIAS_NONE }; /* as enum line_bias */
enum { CONFIG_PARTS = 4 }; /* of a Modbus device: total, l1, l2, l3 */

struct config_map; /* config_map.h */

enum { CONFIG_EMON_KEY_MAX = 24, CONFIG_EMON_QUANTITIES = 3, CONFIG_EMON_NODE_NONE = 256 };

/* A number of an emonTx's messages that becomes a source of its own. */
struct config_emon_input {
    char id[HWT_ID_MAX + 1];
    char label[CONFIG_TEXT_MAX];
    char key[CONFIG_EMON_KEY_MAX];        /* its name in the messages: "P1" */
    char energy_key[CONFIG_EMON_KEY_MAX]; /* "E1", or "" */
    char quantity[HWT_ID_MAX + 1];
    double scale;    /* the number sent times this, */
    double per_unit; /* divided by this, is in the API's unit */
    unsigned line;
    /* Made of the above: */
    uint8_t delivers[CONFIG_EMON_QUANTITIES];
    unsigned quantities;
    int64_t num, den;               /* counts of the quantity = thousandths sent x num / den */
    int64_t energy_num, energy_den; /* the same of energy_key */
};

enum config_flow_temperature { IS_FLOW_T, IS_RETURN_T, IS_TEMPERATURE };

/* A point of a calibration, in the API's unit. */
struct config_calibration {
    double reads, is;
    unsigned line;
};

enum config_pipe { PIPE_RETURN, PIPE_FLOW };

struct config_source {
    enum config_source_type type;
    char id[HWT_ID_MAX + 1];
    char label[CONFIG_TEXT_MAX];
    unsigned line;
    /* samples */
    char socket[CONFIG_TEXT_MAX];   /* path of a stream socket, or "" */
    char port[CONFIG_TEXT_MAX];     /* serial port, or "": exactly one of the two; mbus, modbus: the
                                       port */
    unsigned baud;                  /* of the port; mbus: 0: to be found */
    char spidev[CONFIG_TEXT_MAX];   /* converter on SPI, or "": instead of socket and port */
    char spidev_2[CONFIG_TEXT_MAX]; /* the second, or "" */
    unsigned spi_hz;
    double step_v;     /* V at the converter for each code; 0: not given */
    double burden_ohm; /* of clamps that name none; 0: not given */
    struct config_input voltages[CONFIG_VOLTAGES_MAX];
    unsigned voltage_count;
    struct config_input clamps[HWT_SLOTS_MAX];
    unsigned clamp_count;
    struct config_group groups[CONFIG_GROUPS_MAX];
    unsigned group_count;
    /* mbus */
    unsigned address;                /* primary, 0..250, or 254; 253 with `secondary` */
    char secondary[CONFIG_TEXT_MAX]; /* or "" */
    char profile[CONFIG_TEXT_MAX];   /* name in data/mbus/profiles.txt, or "" */
    enum config_measures measures;
    bool mains_powered;
    /* mbus, modbus */
    char tcp[CONFIG_TEXT_MAX];  /* host:port as written, or "": exactly one of this and port */
    char host[CONFIG_TEXT_MAX]; /* of `tcp` */
    unsigned tcp_port;          /* of `tcp` */
    unsigned poll_s;            /* s; mbus: default 60, 10 when mains_powered */
    unsigned timeout_ms;        /* real ms for the first octet of a reply */
    unsigned retries;
    /* modbus */
    enum config_tcp_framing tcp_framing;
    enum config_parity parity;
    unsigned stop_bits;
    unsigned unit;
    bool phases;
    char map_name[CONFIG_TEXT_MAX]; /* as written */
    const struct config_map *map;   /* what it is; of a configuration without problems never NULL */
    /* emon: port, tcp, baud, parity, stop_bits; poll_s: s from message to message */
    unsigned node; /* of the radio network, or CONFIG_EMON_NODE_NONE */
    char layout[CONFIG_EMON_KEY_MAX];
    struct config_emon_input emon[CONFIG_EMON_INPUTS_MAX];
    unsigned emon_count;
    /* heat_from_flow; poll_s: s from reading to reading of the slowest input */
    char flow_rate[HWT_ID_MAX * 2 + 2]; /* channels */
    char flow_t[HWT_ID_MAX * 2 + 2];
    char return_t[HWT_ID_MAX * 2 + 2];
    enum hwt_glycol glycol;
    double percent; /* of mass */
    enum config_pipe sensor_in;
    /* analog; poll_s */
    char analog_sensor[CONFIG_EMON_KEY_MAX];
    char analog_flow[CONFIG_TEXT_MAX]; /* files, or "" */
    char analog_t[CONFIG_TEXT_MAX];
    double analog_flow_v, analog_t_v; /* V per step, 0: as the file beside it says */
    double analog_divider;
    enum config_flow_temperature analog_t_is;
    struct config_calibration flow_points[2], t_points[2];
    unsigned flow_point_count, t_point_count;
    /* sources of one point, made of the above */
    uint8_t delivers[2];
    unsigned quantities;
    /* modbus: what its map has */
    char part_id[CONFIG_PARTS][HWT_ID_MAX * 2]; /* "meter", "meter_l1", ... */
    char part_label[CONFIG_PARTS][CONFIG_TEXT_MAX + 4];
    /* pulses, elster: an input line */
    char chip[CONFIG_TEXT_MAX];   /* GPIO chip, or "" */
    char events[CONFIG_TEXT_MAX]; /* socket or FIFO, or "": exactly one of the two (elster: and
                                     port) */
    unsigned gpio;                /* line of the chip */
    bool active_low;
    enum config_bias bias;
    unsigned max_w;  /* W: what the supply can deliver */
    unsigned zero_s; /* s without a pulse or step until the power is 0 */
    /* ds18b20; poll_s is how often */
    char w1[CONFIG_TEXT_MAX]; /* folder of the sensors' folders */
    struct config_sensor sensors[CONFIG_SENSORS_MAX];
    unsigned sensor_count;
    /* pulses */
    bool volume;     /* a water meter */
    double per_unit; /* pulses a kWh, or litres a pulse */
    unsigned active_ms, inactive_ms;
    unsigned period_ms; /* least time between two pulses; 0: as max_w says */
};

/* "samples", "mbus", "modbus" … */
const char *config_source_type_name(enum config_source_type type);

struct config_publisher {
    enum config_publisher_type type;
    char id[HWT_ID_MAX + 1];
    char url[CONFIG_TEXT_MAX]; /* https://host/path or http://… with allow_cleartext; as written */
    char node[HWT_ID_MAX + 1];
    char key_secret[HWT_ID_MAX + 1]; /* the secret's name */
    char key[CONFIG_TEXT_MAX];       /* the secret's value, from the secrets file; never print it */
    bool allow_cleartext;
    unsigned interval_s; /* real s between posts */
    unsigned batch;      /* rows a post at most */
    unsigned line;
};

struct config {
    char path[CONFIG_TEXT_MAX];
    unsigned version;
    char site[CONFIG_TEXT_MAX];
    char timezone[64];              /* IANA name */
    char data_dir[CONFIG_TEXT_MAX]; /* this and all paths: resolved against the file's folder */
    char secrets[CONFIG_TEXT_MAX];  /* or "" */
    enum clock_trust clock_trust;
    bool simulated;  /* provenance of the own stream: the plant (clock.trust plant) */
    char listen[64]; /* address: loopback only until passwords exist */
    uint16_t port;   /* 0: any free one */
    char hosts[CONFIG_HOSTS_MAX][CONFIG_TEXT_MAX]; /* further Host names that are served */
    unsigned host_count;
    enum config_changes changes; /* who may change something over HTTP */
    unsigned record_s;           /* 1..60 */
    enum config_log_profile log_profile;
    unsigned commit_s;                   /* s between commits of the log; by the profile */
    char log_partition[CONFIG_TEXT_MAX]; /* the log's device; "": it is in data_dir */
    uint64_t log_max_mb;                 /* 0: as large as the partition */
    unsigned log_keep_days;              /* 0: as long as there is room */
    struct config_models models;         /* the user's own */
    struct config_source source[CONFIG_SOURCES_MAX];
    unsigned source_count;
    char role[ROLE_COUNT][HWT_ID_MAX * 2 + 2]; /* a source id or a channel id (by the role's kind),
                                                  or "" */
    struct config_publisher publisher[CONFIG_PUBLISHERS_MAX];
    unsigned publisher_count;
};

/* Reads and checks a file. NULL if it has errors: each was written to `errors` as a line
 * `FILE:LINE: FIELD: what is wrong`. */
struct config *config_load(const char *path, FILE *errors);
/* The same, but the problems are added to the list. NULL if there are any. */
struct config *config_load_problems(const char *path, struct config_problems *problems);
/*
 * Reads and checks a text; opens no file, so secrets and time zone stay unread. `path` is the
 * file's name in messages and what relative paths start from. NULL if there are problems.
 */
struct config *config_parse(const char *text, size_t n, const char *path,
                            struct config_problems *problems);
/* The same, with secrets and time zone: as if the text were in the file. */
struct config *config_parse_files(const char *text, size_t n, const char *path,
                                  struct config_problems *problems);
/* Wipes the keys. NULL is fine. */
void config_free(struct config *c);

const char *config_role_name(enum config_role role);
enum config_role_kind config_role_kind(enum config_role role);
/* Writes the options table as Markdown: docs/CONFIG.md is this output. */
void config_write_reference(FILE *out);

/*
 * What delivers readings: each voltage reference, each clamp, each meter, each input of an emonTx,
 * and of a Modbus device what its map has of the total and of each phase, in the order of the file.
 * These are the sources of channel ids; the entry of a sample stream itself delivers nothing.
 */
enum config_point_kind {
    POINT_VOLTAGE,
    POINT_CLAMP,
    POINT_GROUP,     /* of clamps */
    POINT_MBUS,      /* a heat meter */
    POINT_MBUS_ELEC, /* an electricity meter */
    POINT_MODBUS,
    POINT_EMON,
    POINT_ANALOG,
    POINT_HEAT_FLOW, /* heat from flow and temperatures */
    POINT_PULSES,    /* energy */
    POINT_WATER,     /* pulses of a water meter */
    POINT_ELSTER,
    POINT_SENSOR, /* temperature */
    POINT_KINDS
};

struct config_point {
    enum config_point_kind kind;
    const char *id;    /* borrowed from the configuration */
    const char *label; /* the same */
    unsigned source;   /* index in source[] */
    unsigned input; /* POINT_VOLTAGE, POINT_CLAMP, POINT_GROUP, POINT_EMON, POINT_SENSOR: index in
                     * voltages[], clamps[], groups[], emon[] or sensors[]; POINT_MODBUS: part of
                     * the map */
    const uint8_t *quantity; /* that it can deliver, in column order */
    size_t quantities;
};

/* On the same serial port, or the same host and port? */
bool config_same_line(const struct config_source *a, const struct config_source *b);

/* Number `index`, from 0; false when there are no more. */
bool config_point_get(const struct config *c, unsigned index, struct config_point *point_out);
/* The point with this id; false, output untouched, if none has it. */
bool config_point_find(const struct config *c, const char *id, struct config_point *point_out);
/* The quantities every point of this kind can deliver, in column order; returns how many: 0 for
 * Modbus, whose maps tell. */
size_t config_quantities(enum config_point_kind kind, const uint8_t **quantities_out);
/* The point and quantity of a channel id; false, outputs untouched, if there is none. */
bool config_channel_find(const struct config *c, const char *id, struct config_point *point_out,
                         enum hwt_quantity *quantity_out);
/* Channels all points can deliver together. */
size_t config_channel_count(const struct config *c);

#endif
