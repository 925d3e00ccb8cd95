#include "core/base/err.h"

static const char *const names[HWT_ERR_KINDS] = {"OK",
#define HWT_X(name, no, text) [no] = (text),
                                                 HWT_ERRORS(HWT_X)
#undef HWT_X
};

const char *hwt_err_name(int err)
{
    if (err > 0 || err <= -HWT_ERR_KINDS) {
        return "?";
    }
    return names[-err];
}
