/*
 * mbus_bus.h: the slaves of one M-Bus line: who hears a request, and what the wire carries when
 * several answer at once (a space, 0, wins).
 *
 *   primary address        ─▶ the slaves that have it (and all, at 254)
 *   SND_UD CI 52 to 253    ─▶ E5 of those whose identity fits; they are chosen, all others not
 *   253                    ─▶ those that are chosen
 *   SND_UD CI 51, 01 7A xx ─▶ E5, and the primary address is xx from now on
 *   SND_UD CI B1           ─▶ E5; the next telegram of an electricity meter is the instantaneous
 * one
 *
 * Slave 0 is the house's heat meter (mbus_meter.h). The others are played by this file: an
 * electricity meter of the heat pump, BCD like an Eastron SDM120-MBUS; a heat meter in series with
 * the first whose telegrams form a chain of two; and as many more like the first as are wanted.
 */
#ifndef SIM_DEVICES_MBUS_BUS_H
#define SIM_DEVICES_MBUS_BUS_H

#include "sim/devices/mbus_meter.h"
#include "sim/physics/house.h"

enum {
    MBUS_SLAVES_MAX = 16,
    MBUS_ADDRESS_CHOSEN = 253,
    MBUS_CI_SELECT = 0x52,
    MBUS_CI_DATA = 0x51
};
enum mbus_slave_kind { MBUS_SLAVE_HEAT, MBUS_SLAVE_ELECTRICITY, MBUS_SLAVE_CHAIN };

struct mbus_slave {
    enum mbus_slave_kind kind;
    uint8_t address;
    uint32_t serial; /* eight BCD digits */
    bool chosen;
    uint8_t access;
    bool page;        /* electricity: the instantaneous values are next */
    uint8_t fcb;      /* chain: of the last request */
    uint8_t telegram; /* chain: 0 or 1 */
};

struct mbus_bus {
    struct mbus_meter *first; /* slave 0; its address is slave[0]'s */
    const struct house *house;
    struct mbus_slave slave[MBUS_SLAVES_MAX];
    unsigned slaves;
    double elec_j; /* of the electricity meter */
};

/* `slaves` 1...16: addresses from the first meter's on. */
void mbus_bus_init(struct mbus_bus *b, struct mbus_meter *first, const struct house *house,
                   unsigned slaves);
/* The second of the house has passed. */
void mbus_bus_add(struct mbus_bus *b);
/* A mbus_answer; ctx is a struct mbus_bus. */
size_t mbus_bus_answer(void *ctx, const struct mbus_request *request, uint8_t *reply);

#endif
