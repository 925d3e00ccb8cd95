/*
 * circuits.h: the fourteen circuits of the house, by number, id and label.
 *
 * The number is the clamp's input; its slot in a scan is the number plus one (slot 0 is the
 * voltage). Power drawn by the house counts positive; on the grid clamp import is positive; on the
 * solar clamp generation is positive, so grid = sum of circuits 1 and 3...13 - solar.
 */
#ifndef SIM_PHYSICS_CIRCUITS_H
#define SIM_PHYSICS_CIRCUITS_H

enum circuit {
    CIRCUIT_GRID,
    CIRCUIT_HP,
    CIRCUIT_SOLAR,
    CIRCUIT_HOB,
    CIRCUIT_OVEN,
    CIRCUIT_FRIDGE,
    CIRCUIT_WASHER,
    CIRCUIT_DISHWASHER,
    CIRCUIT_LIGHTS,
    CIRCUIT_SOCKETS,
    CIRCUIT_OFFICE,
    CIRCUIT_EV,
    CIRCUIT_IMMERSION,
    CIRCUIT_FAN,
    CIRCUIT_COUNT
};

struct circuit_name {
    const char *id;    /* source id: [a-z0-9_] */
    const char *label; /* for people */
};

extern const struct circuit_name circuit_names[CIRCUIT_COUNT];

/* The circuit of an id, or -1. */
int circuit_find(const char *id);

#endif
