/*
 * w1_tree.h: three DS18B20 as Linux shows them: a folder of folders named by ROM id, in each a file
 * w1_slave. At the heat pump's flow and return pipes, and outside.
 *
 *   DIR/28-0316a2795bff/w1_slave:  c6 01 4b 46 7f ff 0a 10 99 : crc=99 YES
 *                                  c6 01 4b 46 7f ff 0a 10 99 t=28375
 *
 * Each sensor is wrong by a constant of up to 0.4 K, drawn from the seed, and counts in sixteenths
 * of a kelvin. Files are replaced as a whole. Faults can be planted.
 */
#ifndef SIM_DEVICES_W1_TREE_H
#define SIM_DEVICES_W1_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/physics/house.h"

#define W1_SENSORS 3 /* flow, return, outside */

enum w1_fault { W1_NONE, W1_CRC, W1_RESET };

struct w1_tree {
    const char *dir; /* NULL: none; every call then does nothing */
    struct w1_sensor {
        double degc;   /* true */
        double offset; /* K, the hidden error */
        int sixteenth; /* as shown */
        enum w1_fault fault;
        bool unplugged;
    } sensor[W1_SENSORS];
};

extern const char *const w1_roms[W1_SENSORS];

/* Makes the folders. 0, or -1 with errno. */
int w1_tree_init(struct w1_tree *t, const char *dir, uint64_t seed, const struct house *h);
/* Removes what it made. */
void w1_tree_deinit(struct w1_tree *t);
/* The files show what is now. 0, or -1 with errno. */
int w1_tree_write(struct w1_tree *t, const struct house *h);
/* Sensor 0…2 leaves the bus, or is back. 0, or -1 with errno. */
int w1_tree_plug(struct w1_tree *t, int sensor, bool plugged);

#endif
