#include "core/wire/vfs.h"

#include "core/base/fixed.h"

enum {
    BROKEN_UV = 100000,
    OVER_UV = 3600000,
    ZERO_UV = 500000, /* of the temperature, and its hundred degrees: */
    HUNDRED_UV = 3000000,
    HUNDRED_DEGC = 10000
};

static enum hwt_vfs_result judge(int64_t uv, int64_t low_uv)
{
    if (uv < BROKEN_UV) {
        return HWT_VFS_BROKEN;
    }
    if (uv > OVER_UV) {
        return HWT_VFS_OVER;
    }
    return uv < low_uv ? HWT_VFS_BELOW : HWT_VFS_GOOD;
}

/* ml/min are 0.6 counts of 0.1 l/h. The products stay below 2^63: judge() has bounded uv. */
enum hwt_vfs_result hwt_vfs_flow(const struct hwt_vfs_range *range, int64_t uv, int64_t *flow_out)
{
    enum hwt_vfs_result result = judge(uv, range->low_uv);
    int64_t span_uv = range->high_uv - range->low_uv, rise;

    if (result == HWT_VFS_BELOW) {
        *flow_out = 0;
    } else if (result == HWT_VFS_GOOD) {
        rise = (range->most_ml - range->least_ml) * (uv - range->low_uv);
        *flow_out = hwt_div_round((range->least_ml * span_uv + rise) * 6, span_uv * 10);
    }
    return result;
}

enum hwt_vfs_result hwt_vfs_temperature(int64_t uv, int64_t *degc_out)
{
    enum hwt_vfs_result result = judge(uv, ZERO_UV);

    if (result == HWT_VFS_GOOD || result == HWT_VFS_BELOW) {
        *degc_out = hwt_div_round((uv - ZERO_UV) * HUNDRED_DEGC, HUNDRED_UV);
    }
    return result;
}
