/*
 * rice.c: the parts of bits.h and rice.h that are rarely run.
 */
#include "core/tslog/rice.h"

uint64_t hwt_tslog_bits_peek_last(struct hwt_tslog_bits_in in)
{
    size_t byte = in.at / 8;
    uint64_t v = 0;

    for (unsigned i = 0; i < 8 && byte + i < in.n; i++) {
        v |= (uint64_t)in.p[byte + i] << (8 * i);
    }
    return v >> in.at % 8;
}

struct hwt_tslog_taken hwt_tslog_golomb_get_large(struct hwt_tslog_bits_in in, unsigned k)
{
    uint64_t v = hwt_tslog_bits_peek(&in);
    unsigned q = (unsigned)__builtin_ctzll(v | UINT64_C(1) << HWT_TSLOG_RICE_ZEROS);
    uint64_t u;

    if (q == HWT_TSLOG_RICE_ZEROS) {
        in.at += HWT_TSLOG_RICE_ZEROS;
        u = hwt_tslog_wide_get(&in);
    } else {
        in.at += q + 1;
        u = (uint64_t)q << k | hwt_tslog_bits_get(&in, k);
    }
    return (struct hwt_tslog_taken){u, in.at};
}

struct hwt_tslog_taken hwt_tslog_rice_get_run(struct hwt_tslog_rice *c, struct hwt_tslog_bits_in in)
{
    if (!c->run_open) {
        c->run_at = in.at;
        c->run_n = (uint16_t)hwt_tslog_bits_get(&in, c->run_bits);
        c->run_left = c->run_n;
        hwt_tslog_rice_run_counted(c);
        if (c->run_left > 0) {
            c->run_left--;
            return (struct hwt_tslog_taken){0, in.at};
        }
    }
    hwt_tslog_rice_run_broken(c);
    return (struct hwt_tslog_taken){hwt_tslog_golomb_get(&in, 0) + 1, in.at};
}
