#include "core/heat/poll.h"

#include <math.h>

void hwt_poll_areas(int64_t a, int64_t b, int64_t span_us, double *positive_out,
                    double *negative_out)
{
    double p = (double)a, q = (double)b, span = (double)span_us * 1e-4; /* 0.1 W us = 1e-4 mJ */
    double of_p, of_q;

    if ((a < 0) == (b < 0)) {
        double both = fabs(p + q) / 2 * span;

        *positive_out = a < 0 ? 0 : both;
        *negative_out = a < 0 ? both : 0;
        return;
    }
    /* Two triangles of heights |p| and |q|; their bases divide the span as |p| to |q|. */
    of_p = p * p / fabs(p - q) / 2 * span;
    of_q = q * q / fabs(p - q) / 2 * span;
    *positive_out = a < 0 ? of_q : of_p;
    *negative_out = a < 0 ? of_p : of_q;
}

int64_t hwt_poll_whole(double x, double *carry)
{
    double sum = x + *carry;
    double whole = floor(sum);

    *carry = sum - whole;
    return (int64_t)whole;
}
