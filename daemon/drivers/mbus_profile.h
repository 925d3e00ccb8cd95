/*
 * mbus_profile.h: what is known of a meter beyond the standard: how often it may be read, which
 * pages hold what is wanted, which records are not what their VIF says. The table is
 * data/mbus/profiles.txt, where each row names its source.
 */
#ifndef DAEMON_DRIVERS_MBUS_PROFILE_H
#define DAEMON_DRIVERS_MBUS_PROFILE_H

#include "core/flow.h"
#include "core/wire/mbus_master.h"

enum { MBUS_PAGES_MAX = 4, MBUS_RULES_MAX = 4 };

/* A record whose VIF (with its VIFEs) begins with these octets is this quantity. */
struct mbus_rule {
    uint8_t vif_size;
    uint8_t vif[4];
    uint8_t nth;      /* of the records with this VIF, from 1; 0: all */
    uint8_t quantity; /* enum hwt_quantity; HWT_Q_NONE: to be left out */
    int8_t exponent;  /* number sent x 10^exponent, in the quantity's unit */
};

struct mbus_profile {
    const char *name;
    int maker, version, medium; /* -1: any; maker -1: not recognised by its header */
    uint16_t battery_s;         /* s, shortest time between two reads without a mains supply */
    uint16_t mains_s;           /* s, the same with one */
    uint8_t telegrams;          /* of a chain that are worth reading */
    uint8_t pages, rules;
    struct hwt_mbus_order page[MBUS_PAGES_MAX]; /* size 0: the plain telegram */
    struct mbus_rule rule[MBUS_RULES_MAX];
};

extern const struct mbus_profile mbus_profiles[];
extern const size_t mbus_profile_count;

/* For a meter with this header; NULL: none known. */
const struct mbus_profile *mbus_profile_find(uint16_t maker, uint8_t version, uint8_t medium);
/* By its name in the table; NULL: none. */
const struct mbus_profile *mbus_profile_named(const char *name);

#endif
