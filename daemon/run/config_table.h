/*
 * config_table.h: the one table of options. A row is one key of one section: where it stands, what
 * it takes, its range, its default, what it is for, and the member of struct config it fills.
 *
 * Parser, defaults, docs/CONFIG.md and the settings page are loops over it. What one row cannot
 * say (two keys that exclude each other, references) is in config_check.c and config_roles.c.
 */
#ifndef DAEMON_RUN_CONFIG_TABLE_H
#define DAEMON_RUN_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_kind {
    CONFIG_KIND_TEXT,    /* char[] */
    CONFIG_KIND_ID,      /* char[]: [a-z0-9_]{1,32} */
    CONFIG_KIND_PATH,    /* char[]: resolved against the folder of the file */
    CONFIG_KIND_INTEGER, /* unsigned of any size, min..max */
    CONFIG_KIND_NUMBER,  /* double, min..max */
    CONFIG_KIND_BOOL,
    CONFIG_KIND_CHOICE, /* an enum: the word's place in `choices` */
    CONFIG_KIND_TEXTS,  /* list of texts: char[count_max][size / count_max], count at count_at */
    CONFIG_KIND_MAP,    /* a section whose members are in the same struct */
    CONFIG_KIND_LIST    /* list of sections: structs, count at count_at */
};

enum { CONFIG_TYPES_MAX = 12 }; /* sections that the elements of one list may be of */

enum config_section {
    SECTION_ROOT,
    SECTION_SITE,
    SECTION_CLOCK,
    SECTION_HTTP,
    SECTION_RECORD,
    SECTION_LOG,
    SECTION_SAMPLES,
    SECTION_VOLTAGE,
    SECTION_CLAMP,
    SECTION_CURVE,
    SECTION_GROUP,
    SECTION_MBUS,
    SECTION_MODBUS,
    SECTION_EMON,
    SECTION_EMON_INPUT,
    SECTION_HEAT_FLOW,
    SECTION_PULSES,
    SECTION_ELSTER,
    SECTION_DS18B20,
    SECTION_SENSOR,
    SECTION_ANALOG,
    SECTION_CALIBRATION,
    SECTION_ROLES,
    SECTION_EMONCMS,
    SECTION_CT_MODEL,
    SECTION_VT_MODEL,
    SECTION_MODELS, /* a file of data/ct or data/vt */
    SECTION_MAP,    /* a file of its own: config_map.h */
    SECTION_MAP_ROW,
    SECTION_MAP_MARK,
    SECTION_MAP_SERIAL,
    SECTION_COUNT
};

struct config_section_info {
    const char *path; /* "sources[]"; "" for the root */
    const char *type; /* value of its key `type`, or NULL: the section has no types */
    size_t size;      /* bytes of a list element's struct */
    size_t line_at;   /* offset of its member `line` */
    const char *text; /* what it is for, as Markdown */
};

struct config_option {
    enum config_section section;
    const char *name;
    enum config_kind kind;
    size_t offset;   /* in the section's struct */
    size_t size;     /* bytes of the member */
    size_t count_at; /* TEXTS, LIST: offset of an unsigned */
    unsigned count_max;
    enum config_section
        child[CONFIG_TYPES_MAX]; /* MAP: [0]; LIST: one for each `type`, SECTION_ROOT ends */
    double min, max;             /* INTEGER, NUMBER; both ends allowed */
    bool hex;                    /* INTEGER: 0x5B00 will do too */
    const char *unit;            /* or NULL */
    const char *fallback;        /* default as it would be written; NULL: zero, empty */
    const char *fallback_note;   /* of the documentation, if the default depends; or NULL */
    const char *choices;         /* CHOICE, INTEGER: the allowed words, space between; or NULL */
    bool required;
    bool secret;      /* its value never stands in a message */
    const char *text; /* what it is for, as Markdown */
};

extern const struct config_section_info config_sections[SECTION_COUNT];
/* Rows, section by section in the order of enum config_section. */
extern const struct config_option config_options[];
extern const size_t config_option_count;

/* The row of this key in this section, or NULL. */
const struct config_option *config_option_find(enum config_section section, const char *name);
/*
 * Takes the next word of `choices`: *at goes from 0 on. False at the end. Words are at most n - 1
 * bytes long.
 */
bool config_choice_next(const char *choices, size_t *at, char *word_out, size_t n);

#endif
