#include "sim/devices/heat_telegram.h"

enum { VERSION_403 = 0x34, MEDIUM_HEAT_OUTLET = 0x04 };

struct record {
    uint8_t head[4];
    uint8_t head_len;
    uint8_t size; /* bytes of value */
    int64_t value;
};

void heat_telegram_build(struct mbus_frame *f, const struct heat_meter *m, uint8_t address,
                         uint8_t access, int64_t now_s)
{
    const struct mbus_identity who = {m->serial, "KAM", VERSION_403, MEDIUM_HEAT_OUTLET};
    const struct heat_meter_display *d = &m->display;
    /* EN 13757-3 table 10 and following: DIF (low nibble: type, here bytes), VIF, VIFE */
    const struct record records[] = {
        {{0x0C, 0x78}, 2, 4, m->serial},            /* fabrication number, BCD */
        {{0x04, 0x04}, 2, 4, d->energy},            /* heat, 10 Wh */
        {{0x04, 0x84, 0x3C}, 3, 4, d->negative},    /* negative heat only, 10 Wh */
        {{0x04, 0x13}, 2, 4, d->volume_l},          /* l */
        {{0x04, 0x22}, 2, 4, d->hours},             /* h */
        {{0x02, 0x59}, 2, 2, d->flow_cdegc},        /* 0.01 degC */
        {{0x02, 0x5D}, 2, 2, d->return_cdegc},      /* 0.01 degC */
        {{0x02, 0x61}, 2, 2, d->delta_ck},          /* 0.01 K */
        {{0x04, 0x2B}, 2, 4, d->power_w},           /* W, signed */
        {{0x04, 0x3B}, 2, 4, d->flow_l_h},          /* l/h */
        {{0x02, 0x65}, 2, 2, d->outside_cdegc},     /* 0.01 degC */
        {{0x04, 0x6D}, 2, 4, mbus_datetime(now_s)}, /* type F */
        {{0x04, 0xFF, 0x22}, 3, 4, 0},              /* maker's info code: no event */
    };

    mbus_frame_begin(f, address, &who, access, 0);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        mbus_frame_record(f, records[i].head, records[i].head_len, records[i].value,
                          records[i].size);
    }
    mbus_frame_end(f);
}
