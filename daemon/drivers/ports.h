/*
 * ports.h: the ports of this machine on which meters and sensors may be.
 */
#ifndef DAEMON_DRIVERS_PORTS_H
#define DAEMON_DRIVERS_PORTS_H

#include <stddef.h>

enum { PORTS_MAX = 64, PORT_PATH_MAX = 256 };

struct port_entry {
    char port[PORT_PATH_MAX];   /* a name that stays when devices are plugged in anew, if there is
                                   one: /dev/serial/by-id/…; "w1", "iio" */
    char device[PORT_PATH_MAX]; /* what it leads to: /dev/ttyUSB0 */
};

/*
 * Serial ports that have hardware behind them, sorted; then "w1" and "iio" where the kernel has
 * such sensors. Returns how many. `root`: "" for this machine; a test's folder.
 */
size_t ports_list(const char *root, struct port_entry out[PORTS_MAX]);

#endif
