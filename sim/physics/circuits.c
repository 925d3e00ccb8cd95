#include "sim/physics/circuits.h"

#include <string.h>

const struct circuit_name circuit_names[CIRCUIT_COUNT] = {
    [CIRCUIT_GRID] = {"grid", "Grid"},
    [CIRCUIT_HP] = {"hp", "Heat pump"},
    [CIRCUIT_SOLAR] = {"solar", "Solar"},
    [CIRCUIT_HOB] = {"hob", "Hob"},
    [CIRCUIT_OVEN] = {"oven", "Oven"},
    [CIRCUIT_FRIDGE] = {"fridge", "Fridge"},
    [CIRCUIT_WASHER] = {"washer", "Washing machine"},
    [CIRCUIT_DISHWASHER] = {"dishwasher", "Dishwasher"},
    [CIRCUIT_LIGHTS] = {"lights", "Lights"},
    [CIRCUIT_SOCKETS] = {"sockets", "Sockets"},
    [CIRCUIT_OFFICE] = {"office", "Office"},
    [CIRCUIT_EV] = {"ev", "Car charger"},
    [CIRCUIT_IMMERSION] = {"immersion", "Immersion heater"},
    [CIRCUIT_FAN] = {"fan", "Ventilation"},
};

int circuit_find(const char *id)
{
    for (int c = 0; c < CIRCUIT_COUNT; c++) {
        if (strcmp(circuit_names[c].id, id) == 0) {
            return c;
        }
    }
    return -1;
}
