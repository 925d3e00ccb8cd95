#include "core/heat/elec.h"

#include <stddef.h>

void hwt_elec_init(struct hwt_elec *e, int64_t total_mj, int64_t gap_us, int64_t max_w)
{
    *e = (struct hwt_elec){.total_mj = total_mj, .gap_us = gap_us};
    hwt_register_init(&e->import, 0, max_w);
    hwt_register_init(&e->export, 0, max_w);
}

void hwt_elec_resume(struct hwt_elec *e, const int64_t *import_mj, const int64_t *export_mj,
                     int64_t at_us)
{
    if (import_mj != NULL) {
        hwt_register_resume(&e->import, *import_mj, at_us);
    }
    if (export_mj != NULL) {
        hwt_register_resume(&e->export, *export_mj, at_us);
    }
    e->counted = import_mj != NULL || export_mj != NULL;
}

static void book(struct hwt_elec *e, int64_t net_mj)
{
    int64_t paid = net_mj - e->debt_mj;

    e->debt_mj = paid < 0 ? -paid : 0;
    e->total_mj += paid > 0 ? paid : 0;
}

/* What a counter rose since the poll before; 0 where that is not known. */
static int64_t feed(struct hwt_elec *e, struct hwt_register *r, int64_t at_us, int64_t value_mj)
{
    int64_t rise;

    if (hwt_register_feed(r, at_us, value_mj, &rise) == HWT_REGISTER_ANCHORED) {
        e->anchored++;
    }
    e->counted = true;
    return rise;
}

static int64_t integrate(struct hwt_elec *e, const struct hwt_poll *p)
{
    int64_t span_us = p->at_us - e->power.at_us;
    double positive, negative;

    if (!e->power.known || span_us > e->gap_us) {
        return 0;
    }
    hwt_poll_areas(e->power.power, p->power, span_us, &positive, &negative);
    return hwt_poll_whole(positive - negative, &e->carry_mj);
}

bool hwt_elec_settle(struct hwt_elec *e, const struct hwt_poll *p)
{
    int64_t net_mj = 0;

    net_mj += p->has_register ? feed(e, &e->import, p->at_us, p->register_mj) : 0;
    net_mj -= p->has_export ? feed(e, &e->export, p->at_us, p->export_mj) : 0;
    net_mj += p->has_power && !e->counted ? integrate(e, p) : 0;
    if (p->has_power) {
        e->power = (struct hwt_last_power){p->power, p->at_us, true, p->quality};
    }
    if (e->counted && !p->has_register && !p->has_export) {
        return false;
    }
    book(e, net_mj);
    e->continuous = e->known && p->at_us - e->at_us <= e->gap_us;
    e->known = true;
    e->at_us = p->at_us;
    return true;
}
