/*
 * config.h: the configuration file as the daemon sees it, and the options table that drives the
 * parser, the defaults, the documentation and the checks.
 *
 * A configuration is made by config_load() and const afterwards. Every error of a file is reported,
 * not the first: file, line, field, what is wrong, what would be right.
 */
#ifndef DAEMON_RUN_CONFIG_H
#define DAEMON_RUN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/flow.h"
#include "daemon/base/clock.h"

enum {
    CONFIG_SOURCES_MAX = 32,
    CONFIG_PUBLISHERS_MAX = 8,
    CONFIG_HOSTS_MAX = 8,
    CONFIG_TEXT_MAX = 256
};

enum config_source_type { CONFIG_SAMPLES, CONFIG_MBUS };

enum config_role {
    ROLE_ELEC,
    ROLE_HEAT,
    ROLE_FLOW_T,
    ROLE_RETURN_T,
    ROLE_FLOW_RATE,
    ROLE_OUTSIDE_T,
    ROLE_ROOM_T,
    ROLE_DHW_T,
    ROLE_IMMERSION,
    ROLE_DHW_STATUS,
    ROLE_COOLING_STATUS,
    ROLE_GRID,
    ROLE_SOLAR,
    ROLE_COUNT
};

/* One input of a sample stream: a voltage reference or a clamp; each is a source of its own. */
struct config_input {
    char id[HWT_ID_MAX + 1];
    char label[CONFIG_TEXT_MAX];
    unsigned slot;    /* of the sample stream, 0..23 */
    unsigned voltage; /* clamps: index of their reference in voltages[] */
    double ratio;     /* V or A (RMS) for each code (RMS) */
    double phase_deg; /* degrees the sensor leads at 50 Hz */
    bool reversed;    /* clamps: turned round */
    unsigned line;    /* in the file */
};

struct config_source {
    enum config_source_type type;
    char id[HWT_ID_MAX + 1];
    char label[CONFIG_TEXT_MAX];
    unsigned line;
    /* samples */
    char socket[CONFIG_TEXT_MAX]; /* path of a stream socket, or "" */
    char port[CONFIG_TEXT_MAX];   /* serial port, or "": exactly one of the two; mbus: the port */
    unsigned baud;                /* samples over serial, mbus */
    struct config_input voltages[3];
    unsigned voltage_count;
    struct config_input clamps[HWT_SLOTS_MAX];
    unsigned clamp_count;
    /* mbus */
    unsigned address; /* primary, 0..250, or 254 */
    bool mains_powered;
    unsigned poll_s;     /* s; default 60, 10 when mains_powered */
    unsigned timeout_ms; /* real ms for the first octet of a reply */
    unsigned retries;
};

struct config_publisher { /* type emoncms */
    char id[HWT_ID_MAX + 1];
    char url[CONFIG_TEXT_MAX]; /* https://host/path or http://… with allow_cleartext */
    char node[HWT_ID_MAX + 1];
    char key[CONFIG_TEXT_MAX]; /* the secret's value, from the secrets file */
    bool allow_cleartext;
    unsigned interval_s; /* real s between posts */
    unsigned batch;      /* rows a post at most */
    unsigned line;
};

struct config {
    char path[CONFIG_TEXT_MAX];
    char site[CONFIG_TEXT_MAX];
    char timezone[64]; /* IANA name */
    char data_dir[CONFIG_TEXT_MAX];
    enum clock_trust clock_trust;
    bool simulated;  /* provenance of the own stream: the plant (clock.trust plant) */
    char listen[64]; /* address: loopback only until passwords exist */
    uint16_t port;   /* 0: any free one */
    char hosts[CONFIG_HOSTS_MAX][CONFIG_TEXT_MAX]; /* further Host names that are served */
    unsigned host_count;
    unsigned record_s; /* 1..60 */
    unsigned commit_s; /* s between commits of the log */
    uint64_t log_max_mb;
    struct config_source source[CONFIG_SOURCES_MAX];
    unsigned source_count;
    char role[ROLE_COUNT][HWT_ID_MAX * 2 + 2]; /* a source id (elec, heat) or a channel id, or "" */
    struct config_publisher publisher[CONFIG_PUBLISHERS_MAX];
    unsigned publisher_count;
};

/* Reads and checks a file. NULL if it has errors: each was written to `errors` as a line
 * `FILE:LINE: FIELD: what is wrong`. */
struct config *config_load(const char *path, FILE *errors);
void config_free(struct config *c);

const char *config_role_name(enum config_role role);
/* Writes the options table as Markdown: docs/CONFIG.md is this output. */
void config_write_reference(FILE *out);

#endif
