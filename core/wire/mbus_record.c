/*
 * mbus_record.c: the records of a telegram, EN 13757-3, 6.
 *
 *   DIF [DIFE…] VIF [VIFE…] data            all chains at most 10 long, bit 7: another one follows
 *
 *   DIF   E S FF TTTT   T type and width, F function, S lowest bit of the storage number
 *   DIFE  E U RR SSSS   the next bits of subunit, tariff (R), storage number
 *   VIF   E VVVVVVV     quantity and scale; FB, FD: the next octet is it, from another table
 *
 * Captured: 0B 62 02 00 F0 = BCD of 6 digits, instantaneous; 62 = difference in 0.1 K; -0.2 K.
 * Captured: 94 10 DA 6F 32 14 7A 18 = maximum, tariff 1; its VIFE 6F says: the date of that
 * maximum.
 */
#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/mbus_data.h"
#include "core/wire/mbus_vif.h"

enum { DIF_SPECIAL = 0x0F }; /* low four bits: no data of a known type */
enum { DIF_MAKER = 0x0F, DIF_MORE = 0x1F, DIF_FILLER = 0x2F, DIF_READOUT = 0x7F };
enum { VIF_EF = 0xEF, VIF_FB = 0xFB, VIF_FD = 0xFD, VIF_TEXT = 0x7C, VIF_MAKER = 0x7F };
enum { OF_EXTENSION = 0x80 }; /* in modifier[]: the code is one of the table after FC */

/* What the VIB says, on the way to a value. */
struct meaning {
    struct hwt_mbus_scaling scaling;
    uint8_t form; /* enum hwt_mbus_form */
    bool maker;   /* what follows in the chain is the maker's own */
    bool extend;  /* the next VIFE is of the table after FC */
    bool text;    /* the text of a plain-text VIF follows the last VIFE */
};

/* hwt_get_u8 in this file's hot path: one octet, without the general loop. */
static inline uint8_t get_octet(struct hwt_reader *r)
{
    if (r->at < r->n && r->ok) {
        return r->p[r->at++];
    }
    r->ok = false;
    return 0;
}

static int refuse(const struct hwt_mbus_telegram *t, const struct hwt_reader *r,
                  struct hwt_mbus_fault *f, int err, const char *what)
{
    size_t at = r->ok ? r->at : r->n;

    f->at = (size_t)(r->p - t->start) + at;
    f->what = what;
    return err;
}

/* --- DIF and DIFEs --------------------------------------------------------------------------- */

/* False: the chain is too long. Running out of octets shows in the reader. */
static bool read_dib(struct hwt_reader *r, uint8_t dif, struct hwt_mbus_record *rec)
{
    uint8_t more = dif & 0x80;

    rec->function = (enum hwt_mbus_function)((dif >> 4) & 3);
    rec->storage = (dif >> 6) & 1;
    for (unsigned i = 0; more != 0; i++) {
        uint8_t dife = get_octet(r);

        if (i >= HWT_MBUS_CHAIN_MAX) {
            return false;
        }
        rec->storage |= (uint64_t)(dife & 0x0F) << (1 + 4 * i);
        rec->tariff |= (uint32_t)((dife >> 4) & 3) << (2 * i);
        rec->subunit = (uint16_t)(rec->subunit | ((dife >> 6) & 1) << i);
        more = dife & 0x80;
    }
    return true;
}

/* --- VIF and VIFEs --------------------------------------------------------------------------- */

static void take_vif(const struct hwt_mbus_vif *vif, struct hwt_mbus_record *rec, struct meaning *m)
{
    rec->quantity = (enum hwt_mbus_quantity)vif->quantity;
    rec->unit = (enum hwt_mbus_unit)vif->unit;
    m->form = vif->form;
    m->scaling.multiplier = vif->multiplier > 0 ? vif->multiplier : 1;
    m->scaling.exponent = vif->exponent;
}

/* The data are something else than the VIF says: its quantity, unit and scale no longer hold. */
static void turn_into(struct hwt_mbus_record *rec, struct meaning *m, enum hwt_mbus_quantity q,
                      enum hwt_mbus_unit u, enum hwt_mbus_form form, uint32_t multiplier)
{
    rec->quantity = q;
    rec->unit = u;
    m->form = (uint8_t)form;
    m->scaling = (struct hwt_mbus_scaling){.multiplier = multiplier};
}

static void take_effect(const struct hwt_mbus_vife *vife, struct hwt_mbus_record *rec,
                        struct meaning *m)
{
    switch ((enum hwt_mbus_effect)vife->effect) {
    case HWT_MBUS_EFFECT_NAMED:
        break;
    case HWT_MBUS_EFFECT_ERROR:
        rec->error = (uint8_t)vife->arg;
        break;
    case HWT_MBUS_EFFECT_SCALE:
        m->scaling.exponent += vife->arg;
        break;
    case HWT_MBUS_EFFECT_OFFSET:
        m->scaling.offset[m->scaling.offsets++] = vife->arg;
        break;
    case HWT_MBUS_EFFECT_DATE:
        turn_into(rec, m, HWT_MBUS_Q_TIME_POINT, HWT_MBUS_U_POINT, HWT_MBUS_FORM_DATE, 1);
        break;
    case HWT_MBUS_EFFECT_DURATION:
        turn_into(rec, m, HWT_MBUS_Q_DURATION, HWT_MBUS_U_S, HWT_MBUS_FORM_NUMBER,
                  hwt_mbus_seconds((uint8_t)vife->arg));
        break;
    case HWT_MBUS_EFFECT_COUNT:
        turn_into(rec, m, HWT_MBUS_Q_TIMES_EXCEEDED, HWT_MBUS_U_NONE, HWT_MBUS_FORM_NUMBER, 1);
        break;
    case HWT_MBUS_EFFECT_EXTEND:
        m->extend = true;
        break;
    case HWT_MBUS_EFFECT_MAKER:
        m->maker = true;
        break;
    }
}

static void take_vife(uint8_t code, struct hwt_mbus_record *rec, struct meaning *m)
{
    const struct hwt_mbus_vife *vife = hwt_mbus_vife_get(code);
    uint8_t table = 0;

    if (m->maker) {
        return;
    }
    if (m->extend) {
        vife = hwt_mbus_vife_extended_get(code);
        table = OF_EXTENSION;
        m->extend = false;
    }
    take_effect(vife, rec, m);
    if (vife->name != NULL) {
        rec->modifier[rec->modifiers++] = (uint8_t)(table | (code & 0x7F));
    }
}

/* FB, FD, FD FD: the true VIF is of another table. EF: of one that no edition fills yet. */
static uint8_t read_extended_vif(struct hwt_reader *r, uint8_t vif, struct hwt_mbus_record *rec,
                                 struct meaning *m, unsigned *vifes)
{
    enum { NONE = 0x6F }; /* reserved in all tables */
    enum hwt_mbus_vif_table table = vif == VIF_FB ? HWT_MBUS_VIF_FB : HWT_MBUS_VIF_FD;
    uint8_t code = get_octet(r);

    *vifes = 1;
    if (vif == VIF_FD && code == VIF_FD) {
        table = HWT_MBUS_VIF_FD_FD;
        code = get_octet(r);
        *vifes = 2;
    }
    if (vif == VIF_EF) {
        take_vif(hwt_mbus_vif_get(HWT_MBUS_VIF_PRIMARY, NONE), rec, m);
    } else {
        take_vif(hwt_mbus_vif_get(table, code), rec, m);
    }
    return code & 0x80;
}

static void read_plain_text(struct hwt_reader *r, struct hwt_mbus_record *rec)
{
    rec->plain_size = get_octet(r);
    rec->plain = hwt_get_bytes(r, rec->plain_size);
}

/*
 * FC: EN 13757-3:2018, C.2 puts the text after the last VIFE; meters made before put it right after
 * the VIF. Captured: FC 03 48 52 25 74 = "%RH", then VIFE 74 (x 0.01). A VIFE taken for the length
 * would have the true length, a control character, as its first letter.
 */
static bool text_stands_here(const struct hwt_reader *r)
{
    size_t left = hwt_reader_left(r);
    const uint8_t *p = r->p + r->at;

    if (left == 0 || p[0] == 0 || (size_t)p[0] + 2 > left) {
        return false;
    }
    for (size_t i = 1; i <= p[0]; i++) {
        if ((p[i] & 0x7F) < 0x20) {
            return false;
        }
    }
    return true;
}

/* The VIF itself. Returns its extension bit. */
static uint8_t read_vif(struct hwt_reader *r, struct hwt_mbus_record *rec, struct meaning *m,
                        unsigned *vifes)
{
    uint8_t vif = get_octet(r);

    if (vif == VIF_FB || vif == VIF_FD || vif == VIF_EF) {
        return read_extended_vif(r, vif, rec, m, vifes);
    }
    take_vif(hwt_mbus_vif_get(HWT_MBUS_VIF_PRIMARY, vif), rec, m);
    m->maker = (vif & 0x7F) == VIF_MAKER;
    if ((vif & 0x7F) == VIF_TEXT) {
        m->text = vif != VIF_TEXT && !text_stands_here(r);
        if (!m->text) {
            read_plain_text(r, rec);
        }
    }
    return vif & 0x80;
}

/* False: the chain is too long. */
static bool read_vib(struct hwt_reader *r, struct hwt_mbus_record *rec, struct meaning *m)
{
    size_t from = r->at;
    unsigned vifes = 0;
    uint8_t more;

    rec->vib = r->p + from;
    more = read_vif(r, rec, m, &vifes);
    for (; more != 0; vifes++) {
        uint8_t vife = get_octet(r);

        if (vifes >= HWT_MBUS_CHAIN_MAX) {
            return false;
        }
        take_vife(vife, rec, m);
        more = vife & 0x80;
    }
    if (m->text) {
        read_plain_text(r, rec);
    }
    rec->vib_size = (uint8_t)(r->at - from);
    return true;
}

/* --- records --------------------------------------------------------------------------------- */

static int next_plain(struct hwt_mbus_telegram *t, struct hwt_reader *r, uint8_t dif,
                      struct hwt_mbus_record *rec, struct hwt_mbus_fault *f)
{
    struct meaning m = {0};

    if (!read_dib(r, dif, rec)) {
        return refuse(t, r, f, HWT_ERR_SANITY, "more than 10 DIFEs");
    }
    if (!read_vib(r, rec, &m)) {
        return refuse(t, r, f, HWT_ERR_SANITY, "more than 10 VIFEs");
    }
    if (r->ok && !hwt_mbus_data_read(r, dif, (enum hwt_mbus_form)m.form, rec, &m.scaling)) {
        return refuse(t, r, f, HWT_ERR_UNSUPPORTED, "variable length with a reserved LVAR");
    }
    if (!r->ok) {
        return refuse(t, r, f, HWT_ERR_LENGTH, "record cut off");
    }
    hwt_mbus_scale(rec, &m.scaling);
    if (rec->error != 0) {
        rec->kind = HWT_MBUS_NULL;
    }
    return 1;
}

/* 0F, 1F: all the rest is the maker's. */
static int next_maker(struct hwt_mbus_telegram *t, struct hwt_reader *r, uint8_t dif,
                      struct hwt_mbus_record *rec)
{
    t->more = dif == DIF_MORE;
    rec->quantity = HWT_MBUS_Q_MANUFACTURER_SPECIFIC;
    rec->function = t->more ? HWT_MBUS_MORE_FOLLOWS : HWT_MBUS_MAKER_DATA;
    rec->raw_size = hwt_reader_left(r);
    rec->raw = hwt_get_bytes(r, rec->raw_size);
    rec->kind = rec->raw_size > 0 ? HWT_MBUS_BYTES : HWT_MBUS_NULL;
    return 1;
}

/* 7F: meant for requests (EN 13757-3, table 4); it has no VIF and no data. */
static int next_readout(struct hwt_reader *r, struct hwt_mbus_record *rec)
{
    rec->quantity = HWT_MBUS_Q_GLOBAL_READOUT;
    rec->raw = hwt_get_bytes(r, 0);
    return 1;
}

/* Fixed structure: two counters of four octets, units from the header. */
static int next_fixed(struct hwt_mbus_telegram *t, struct hwt_reader *r,
                      struct hwt_mbus_record *rec)
{
    enum { SAME_BUT_HISTORIC = 0x3E, BINARY = 1, STORED = 2 };
    size_t counter = r->at / 4;
    uint8_t unit = t->fixed_unit[counter] & 0x3F;
    bool historic = unit == SAME_BUT_HISTORIC;
    struct meaning m = {0};

    if (historic) {
        unit = t->fixed_unit[1 - counter] & 0x3F;
    }
    take_vif(hwt_mbus_fixed_unit_get(unit), rec, &m);
    rec->storage = historic || (t->status & STORED) != 0;
    rec->raw = hwt_get_bytes(r, rec->raw_size = 4);
    if (m.form != HWT_MBUS_FORM_DATE && (t->status & BINARY) != 0) {
        hwt_mbus_data_integer(HWT_MBUS_FORM_UNSIGNED, rec);
    } else {
        hwt_mbus_data_bcd((enum hwt_mbus_form)m.form, rec);
    }
    hwt_mbus_scale(rec, &m.scaling);
    return 1;
}

int hwt_mbus_next(struct hwt_mbus_telegram *telegram, struct hwt_mbus_record *record_out,
                  struct hwt_mbus_fault *fault_out)
{
    struct hwt_mbus_telegram *t = telegram;
    struct hwt_mbus_record *rec = record_out;
    struct hwt_reader r;
    uint8_t dif;
    int got;

    hwt_reader_init(&r, t->p, t->n);
    r.at = t->done;
    while (!t->fixed && r.at < r.n && r.p[r.at] == DIF_FILLER) {
        r.at++;
    }
    if (r.at == r.n) {
        t->done = t->n;
        return 0;
    }
    memset(rec, 0, sizeof(*rec));
    rec->multiplier = 1;
    rec->msb_first = t->msb_first;
    rec->at = (size_t)(r.p - t->start) + r.at;
    if (t->fixed) {
        got = next_fixed(t, &r, rec);
    } else {
        dif = get_octet(&r);
        if (dif == DIF_MAKER || dif == DIF_MORE) {
            got = next_maker(t, &r, dif, rec);
        } else if (dif == DIF_READOUT) {
            got = next_readout(&r, rec);
        } else if ((dif & 0x0F) == DIF_SPECIAL) {
            got = refuse(t, &r, fault_out, HWT_ERR_UNSUPPORTED, "reserved DIF");
        } else {
            got = next_plain(t, &r, dif, rec, fault_out);
        }
    }
    t->done = got == 1 ? r.at : t->done;
    return got;
}
