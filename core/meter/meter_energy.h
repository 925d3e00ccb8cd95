/*
 * meter_energy.h: the registers of one clamp, or of a group: import, export, and reactive energy by
 * quadrant.
 *
 *   nJ of a window ──> 0──▶ rest of import ──whole mJ──▶ import
 *                  ──< 0──▶ rest of export ──whole mJ──▶ export
 *
 * What is below a millijoule waits in an integer of its own, so no register is ever off by as much
 * as 1 mJ from the sum of its windows. int64 mJ hold 12 000 years at 24 kW.
 *
 * No-load rule: a threshold in W applies to the mean of 60 s, not to samples or windows, so that a
 * small current that flows counts from its first window on:
 *
 *   idle      windows are held back until they make up threshold x 60 s (they are then counted, all
 *             of them), or until 60 s are over (they are then left out, added up in idle_mj)
 *   counting  windows count at once; 60 s of less than the threshold end it
 */
#ifndef HWT_CORE_METER_METER_ENERGY_H
#define HWT_CORE_METER_METER_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

struct hwt_meter_energy {
    int64_t import_mj, export_mj;           /* mJ */
    int64_t reactive_mj[4];                 /* mvar s: quadrants I..IV */
    int64_t idle_mj;                        /* mJ, net, left out */
    int64_t import_rest_nj, export_rest_nj; /* nJ not yet counted as a whole mJ, 0..999999 */
    int64_t reactive_rest_nj[4];
    int64_t idle_rest_nj;
    int64_t held_nj; /* idle: held back; counting: since the 60 s began */
    int64_t held_reactive_nj[4];
    uint64_t held_us;
    bool counting;
};

/* Energy of p_w over duration_us, in nJ; nonsense is kept within +-4e18. */
int64_t hwt_meter_energy_nj(double p_w, uint32_t duration_us);

/* Adds a window: net and reactive energy, nJ. no_load_w 0: all counts. */
void hwt_meter_energy_add(struct hwt_meter_energy *e, int64_t net_nj, int64_t reactive_nj,
                          uint32_t duration_us, double no_load_w);

#endif
