/*
 * ledger.h: the heat pump's books: electricity, heat, negative heat, and the sums a COP is made of.
 *
 *   elec role   power, import - export   each 200 ms .. 60 s ─┐
 *                                                             ├─▶ powers, counters, COP of 30 min
 *   heat role   power (signed), register each 10 s .. 60 s   ─┘
 *
 * Heat between two polls is the trapezoid of its power, parted at the zero crossing into positive
 * and negative heat. The meter's register is the master of positive heat: our integral is steered
 * to it smoothly, stays within one count of it, never steps down, and never runs on without it. A
 * gap of more than three polls leaves both sums of a COP, but what the registers rose over it is
 * booked. A register that goes back or leaps is anchored anew, without a step. docs/HEAT.md argues
 * each rule.
 *
 * The ledger does not know modes: heat drawn by cooling counts as negative heat. It reads no clock
 * and keeps nothing on disk: a restart hands it the counters of the newest record.
 */
#ifndef HWT_CORE_HEAT_LEDGER_H
#define HWT_CORE_HEAT_LEDGER_H

#include "core/flow.h"
#include "core/heat/elec.h"
#include "core/heat/heat.h"
#include "core/heat/pair.h"

enum { HWT_LEDGER_NO_SOURCE = -1, HWT_LEDGER_READINGS = 9 };

struct hwt_ledger_config {
    int elec_source;      /* index of the source in the role elec, or NO_SOURCE */
    int heat_source;      /* the same of the role heat */
    int64_t elec_poll_us; /* us between readings of each; a gap is more than three of them, */
    int64_t heat_poll_us; /* and at least 2 s; 0: 200 ms and 60 s */
    int64_t heat_step_mj; /* mJ of one count of the heat register, 0: learnt from its rises */
    int64_t max_elec_w;   /* W, no register rises faster; 0: 100 kW */
    int64_t max_heat_w;   /* the same of heat */
};

/* What an earlier run left: from the newest record in which each counter is present. */
struct hwt_ledger_start {
    int64_t elec_energy; /* mJ, as are all */
    int64_t heat_energy;
    int64_t negative_heat;
    int64_t paired_elec;
    int64_t paired_heat;
    int64_t paired_negative;
    int64_t import_mj, export_mj; /* counters of the elec source in the record of elec_energy */
    int64_t register_mj;          /* register of the heat source in the record of heat_energy */
    int64_t anchor_mj;            /* hwt_ledger_view.anchor_mj of then */
    int64_t since_us; /* when that record ended, on the clock of this run: negative if before its
                       * zero; HWT_TIME_UNKNOWN: any time within the last month */
    bool has_import, has_export, has_register, has_anchor;
};

struct hwt_ledger_view {
    struct hwt_value elec_power; /* 0.1 W; missing when stale or not configured */
    struct hwt_value heat_power; /* 0.1 W, heat to the house > 0 */
    struct hwt_value cop;        /* 1/1000, last 30 min, net of negative heat */
    int64_t elec_energy;         /* mJ, as are all below; none ever falls */
    int64_t heat_energy;         /* positive heat */
    int64_t negative_heat;       /* magnitude */
    int64_t paired_elec;         /* only over spans in which both were measured */
    int64_t paired_heat;
    int64_t paired_negative;
    int64_t anchor_mj; /* heat_energy less register: whoever keeps it keeps the one count's bound
                        * over restarts */
    bool has_anchor;
    uint32_t anchored; /* registers that went back or leapt */
    uint32_t gaps;     /* of heat, longer than three polls */
    uint32_t unpaired; /* spans of heat without electricity */
    uint32_t refused;  /* readings that are late or impossible */
};

struct hwt_ledger { /* private */
    struct hwt_ledger_config config;
    struct hwt_poll elec_poll, heat_poll; /* not booked yet */
    struct hwt_elec elec;
    struct hwt_heat heat;
    struct hwt_pair pair;
    uint32_t refused;
    /* what hwt_ledger_take has not handed out yet */
    bool elec_new, elec_power_new, heat_new;
    uint32_t settled_taken;
};

/* start NULL: a new ledger, all counters 0. */
void hwt_ledger_init(struct hwt_ledger *l, const struct hwt_ledger_config *config,
                     const struct hwt_ledger_start *start);
/*
 * Any reading of the installation; those of other sources are ignored. Of elec: power, import,
 * export, or energy (taken as import); of heat: power and energy. Readings of one poll carry the
 * same mono_us and come together, in any order; they are booked when a later reading comes or the
 * ledger is asked. Per role mono_us must not fall: a late reading is refused and counted. A reading
 * of quality MISSING tells nothing.
 */
void hwt_ledger_put(struct hwt_ledger *l, const struct hwt_reading *reading);
/* All there is to know at now_us. Ends the polls, so call it between polls, not amid one. */
void hwt_ledger_get(struct hwt_ledger *l, int64_t now_us, struct hwt_ledger_view *view_out);
/* What is new since the call before, as readings of `source`, stamped with the time of the
 * measurement: a quantity that was not measured since is not among them. Returns how many. Ends the
 * polls too. */
size_t hwt_ledger_take(struct hwt_ledger *l, uint16_t source,
                       struct hwt_reading readings_out[HWT_LEDGER_READINGS]);

#endif
