/*
 * vfs.h: the voltages of SIKA and Grundfos VFS flow and temperature sensors, and of their kin.
 *
 *   uV   0 ── broken ── 100000 ── below ── low ──── a straight line ──── high ── over ── 3600000 ──
 *                                  flow 0                                         too much
 *
 *   flow   (low, least) to (high, most); below `low` the vortices cease: the flow is 0, with a
 * doubt temperature   0.5 V 0 degC, 3.5 V 100 degC
 *
 * Source: Grundfos Direct Sensors, Flow sensors, data booklet.
 */
#ifndef HWT_CORE_WIRE_VFS_H
#define HWT_CORE_WIRE_VFS_H

#include <stdint.h>

struct hwt_vfs_range {
    int64_t least_ml, most_ml; /* ml/min */
    int64_t low_uv, high_uv;   /* low_uv < high_uv */
};

enum hwt_vfs_result {
    HWT_VFS_GOOD,
    HWT_VFS_BELOW,  /* flow: 0, or less than the sensor can tell; temperature: below 0 degC */
    HWT_VFS_BROKEN, /* no supply or a broken wire: no value */
    HWT_VFS_OVER    /* more than the sensor gives, or a short circuit: no value */
};

/* 0.1 l/h, written with GOOD and BELOW. */
enum hwt_vfs_result hwt_vfs_flow(const struct hwt_vfs_range *range, int64_t uv, int64_t *flow_out);
/* 0.01 degC, written with GOOD and BELOW. */
enum hwt_vfs_result hwt_vfs_temperature(int64_t uv, int64_t *degc_out);

#endif
