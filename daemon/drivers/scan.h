/*
 * scan.h: finds out what is on the ports of a machine: goes through them at the same time, on each
 * through the protocols asked for, one after the other.
 *
 *   port ─▶ listen ─▶ M-Bus, all speeds ─▶ Modbus, all speeds ─▶ every address ─▶ done
 *             └───────────┴── found: ends the port, unless `every` is asked for ──▶
 *
 * Listening comes first: a device that sends by itself may take what it hears for orders, so
 * nothing is ever sent to a line on which one was heard. Then what costs little (a question that
 * all meters of a kind answer), last what takes minutes. Frames of M-Bus and Modbus have start
 * octets and sums that keep devices of the other from taking them for theirs; all of them only
 * read: no setting of any device is written. All calls on the loop's thread; nothing blocks.
 */
#ifndef DAEMON_DRIVERS_SCAN_H
#define DAEMON_DRIVERS_SCAN_H

#include <uv.h>

#include "core/flow.h"
#include "daemon/drivers/mbus_readings.h"
#include "daemon/drivers/modbus_search.h"
#include "daemon/drivers/serial.h"

enum scan_protocol {
    SCAN_MBUS,
    SCAN_MODBUS,
    SCAN_ELSTER,
    SCAN_EMON,
    SCAN_DS18B20,
    SCAN_ANALOG,
    SCAN_PROTOCOLS
};

enum {
    SCAN_PORTS_MAX = 16,
    SCAN_PORT_MAX = 256, /* octets of a name */
    SCAN_SPEEDS_MAX = 10,
    SCAN_VALUES_MAX = 40,
    SCAN_KEY_MAX = 24,
    SCAN_WHAT_MAX = 96,
    SCAN_DETAIL_MAX = 400
};

/* What a name given as a port is. */
enum scan_target {
    SCAN_TARGET_NONE,   /* nothing that can be asked */
    SCAN_TARGET_SERIAL, /* a character device */
    SCAN_TARGET_TCP,    /* host:port */
    SCAN_TARGET_EVENTS, /* edges of an input line: a Unix socket or a FIFO */
    SCAN_TARGET_CHIP,   /* the same: /dev/gpiochip0:17 */
    SCAN_TARGET_W1,     /* "w1", or a folder with sensors' folders */
    SCAN_TARGET_IIO     /* "iio", or a folder with converters' folders */
};

struct scan_value {
    char name[SCAN_KEY_MAX]; /* in the device's messages, or "" */
    uint8_t quantity;        /* enum hwt_quantity; HWT_Q_NONE: a voltage in uV at `name` */
    int64_t counts;
};

struct scan_found {
    enum scan_protocol protocol;
    enum scan_target target;
    char port[SCAN_PORT_MAX];    /* as given; of w1 and iio the folder */
    unsigned baud;               /* 0: means nothing here */
    enum serial_framing framing; /* with baud */
    int address;                 /* M-Bus: primary; Modbus: unit; emon: node; -1: none */
    bool has_secondary;
    uint8_t secondary[HWT_MBUS_SELECT_SIZE]; /* as sent */
    bool collision;                          /* several answer here: the rest is not known */
    char maker[32], model[64], serial[24];   /* "": not known */
    char medium[32];                         /* "heat", "electricity" …; "" not known */
    char note[200];                          /* one sentence, or "" */
    struct scan_value value[SCAN_VALUES_MAX];
    unsigned values;
    /* for a configuration: */
    const struct mbus_profile *profile; /* M-Bus, or NULL */
    bool electricity;                   /* M-Bus */
    char map[32];                       /* Modbus: name of a built-in map, or "" */
    bool rtu_over_tcp;                  /* Modbus */
    unsigned gpio;                      /* SCAN_TARGET_CHIP: the line */
};

struct scan_progress {
    const char *port;
    char what[SCAN_WHAT_MAX]; /* "M-Bus at 2400 baud, secondary addresses" */
    double fraction;          /* of the whole scan, 0 … 1, never falls */
};

struct scan_options {
    const char *const *port; /* copied */
    unsigned ports;          /* <= SCAN_PORTS_MAX */
    bool protocol[SCAN_PROTOCOLS];
    unsigned baud[SCAN_SPEEDS_MAX]; /* only these speeds; */
    unsigned speeds;                /* 0: the usual ones of each protocol */
    bool every;          /* a protocol found does not end the port, a speed not the protocol */
    bool quick;          /* no sweep through all addresses */
    unsigned listen_ms;  /* real ms at each speed; 0: what an emonTx needs */
    unsigned timeout_ms; /* real ms to the first octet of a reply; 0: what the protocols ask for */
    const struct modbus_kind *kind; /* Modbus models that can be told; must outlive it */
    unsigned kinds;
    void (*on_found)(void *ctx, const struct scan_found *found);          /* borrowed */
    void (*on_progress)(void *ctx, const struct scan_progress *progress); /* or NULL */
    void (*on_problem)(void *ctx, const char *port, const char *detail);  /* one sentence */
    void (*on_port_done)(void *ctx, const char *port);                    /* or NULL */
    void (*on_done)(void *ctx);
    void *ctx;
};

struct scan; /* opaque */

/* "mbus", "modbus", "elster", "emon", "ds18b20", "analog". */
const char *scan_protocol_name(enum scan_protocol protocol);
/* SCAN_PROTOCOLS: none has this name. */
enum scan_protocol scan_protocol_find(const char *name);
/* What a name is; looks at the file system. detail_out: of SCAN_TARGET_NONE, why. */
enum scan_target scan_target_of(const char *port, char detail_out[SCAN_DETAIL_MAX]);
/* Splits "/dev/gpiochip0:17"; false: it is none. */
bool scan_chip_split(const char *port, char chip_out[SCAN_PORT_MAX], unsigned *line_out);

/* NULL when out of memory. */
struct scan *scan_new(uv_loop_t *loop, const struct scan_options *options);
/* Callbacks may come before it returns. */
void scan_start(struct scan *s);
/* Ends it: no callback comes after this; the memory goes when the loop has run. NULL is fine. */
void scan_free(struct scan *s);

#endif
