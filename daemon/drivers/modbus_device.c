#include "daemon/drivers/modbus_device.h"

#include <stdio.h>
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/base/log.h"

enum {
    MISSED_POLLS = 3,     /* without a good one: stale */
    SPACED_MAX_S = 60,    /* a stale device is asked at least this often, or as often as ever */
    ILLEGAL_FUNCTION = 1, /* exception codes that a request without that register would not get */
    ILLEGAL_ADDRESS = 2,
    ILLEGAL_VALUE = 3
};

int modbus_device_init(struct modbus_device *d, const struct modbus_device_options *options)
{
    static const struct hwt_modbus_field none = {.function = 0};

    if (options->poll_s < 1 || options->map->rows == 0 || !serial_baud_is_standard(options->baud)) {
        return HWT_ERR_ARGUMENT;
    }
    memset(d, 0, sizeof(*d));
    d->o = *options;
    modbus_serial_init(&d->serial, options->serial != NULL ? options->serial : &none);
    modbus_device_plan(d);
    return 0;
}

void modbus_device_plan(struct modbus_device *d)
{
    struct hwt_modbus_map wanted = *d->o.map;
    uint8_t index[HWT_MODBUS_ROWS_MAX];

    wanted.rows = 0;
    for (unsigned i = 0; i < d->o.map->rows; i++) { /* not the parts that are left out */
        if (d->o.source[d->o.map->row[i].part] >= 0) {
            index[wanted.rows] = (uint8_t)i;
            wanted.row[wanted.rows++] = d->o.map->row[i];
        }
    }
    d->groups = hwt_modbus_plan(&wanted, d->group);
    for (unsigned g = 0; g < d->groups; g++) {
        for (unsigned k = 0; k < d->group[g].rows; k++) {
            d->group[g].row[k] = index[d->group[g].row[k]];
        }
    }
}

void modbus_device_renew(struct modbus_device *d)
{
    modbus_device_plan(d);
    modbus_serial_renew(&d->serial);
}

bool modbus_device_begin(struct modbus_device *d)
{
    if (d->groups == 0) {
        modbus_device_plan(d);
    }
    d->at = d->failed = d->rows = 0;
    d->told = d->exchanged = false;
    modbus_serial_begin(&d->serial);
    status_count(d->o.status, "polls", 1);
    return d->groups > 0;
}

bool modbus_device_request(const struct modbus_device *d, struct hwt_modbus_request *out)
{
    if (d->at >= d->groups) { /* at last, if all went well, who it is */
        out->unit = d->o.unit;
        return d->failed == 0 && d->groups > 0 && modbus_serial_request(&d->serial, out);
    }
    *out = (struct hwt_modbus_request){.unit = d->o.unit,
                                       .function = d->group[d->at].function,
                                       .address = d->group[d->at].address,
                                       .count = d->group[d->at].count};
    return true;
}

/* --- answers --------------------------------------------------------------------------------- */

/* What a person may look at. */
static const char *advice(enum hwt_modbus_reason reason)
{
    static const char *const words[HWT_MODBUS_REASON_COUNT] = {
        [HWT_MODBUS_TIMEOUT] = "no answer (unit, speed, parity, A and B swapped?)",
        [HWT_MODBUS_CRC] =
            "answers are damaged (speed, parity, termination, two units of one number?)",
        [HWT_MODBUS_FOREIGN] = "another unit answered (two masters, or units of one number?)",
        [HWT_MODBUS_SHORT] = "answers are cut off (cable, a converter that pauses?)",
        [HWT_MODBUS_ECHO] = "only our own request came back (A and B swapped, no device?)",
        [HWT_MODBUS_LATE] = "answers come too late (timeout_ms too short?)",
        [HWT_MODBUS_NOISE] = "what came is no Modbus (speed, wrong device?)",
        [HWT_MODBUS_BABBLE] = "the line is never silent (another master, A and B swapped?)",
    };

    return words[reason] != NULL ? words[reason] : "";
}

static void describe(const struct hwt_modbus_master *m, char out[MODBUS_WHY_MAX])
{
    if (m->result == HWT_MODBUS_EXCEPTION) {
        snprintf(out, MODBUS_WHY_MAX, "EXCEPTION %u: %s, registers %u to %u", m->exception,
                 hwt_modbus_exception_name(m->exception), (unsigned)m->request.address,
                 (unsigned)m->request.address + m->request.count - 1);
    } else {
        snprintf(out, MODBUS_WHY_MAX, "%s: %s", hwt_modbus_reason_name(m->result),
                 advice(m->result));
    }
}

/* One line when answers begin to be refused, none for the next ones until a poll went well. */
static void log_refusal(struct modbus_device *d, const char *why)
{
    if (!d->refusing) {
        LOG(LOG_WARN, d->o.id, "answer refused reason=%s", why);
    }
    d->refusing = true;
}

static void count_attempts(struct modbus_device *d, const struct hwt_modbus_master *m)
{
    for (unsigned i = HWT_MODBUS_OK + 1; i < HWT_MODBUS_REASON_COUNT; i++) {
        if (m->seen[i] > 0) {
            status_count(d->o.status, hwt_modbus_reason_name(i), m->seen[i]);
        }
        if (m->seen[i] > 0 &&
            (i == HWT_MODBUS_CRC || i == HWT_MODBUS_SHORT || i == HWT_MODBUS_FOREIGN ||
             i == HWT_MODBUS_NOISE || i == HWT_MODBUS_BABBLE)) {
            log_refusal(d, hwt_modbus_reason_name(i));
        }
    }
    if (m->retried > 0) {
        status_count(d->o.status, "retries", m->retried);
    }
}

static void take_registers(struct modbus_device *d, const struct hwt_modbus_group *g,
                           const uint8_t *registers)
{
    for (unsigned k = 0; k < g->rows; k++) {
        const struct hwt_modbus_row *row = &d->o.map->row[g->row[k]];
        int64_t counts;

        switch (hwt_modbus_value(row, registers + 2 * (row->address - g->address), &counts)) {
        case HWT_MODBUS_PRESENT:
            d->row[d->rows] = g->row[k];
            d->counts[d->rows++] = counts;
            break;
        case HWT_MODBUS_IMPLAUSIBLE:
            status_count(d->o.status, "implausible", 1);
            break;
        case HWT_MODBUS_ABSENT:
            break;
        }
    }
}

static bool is_for_the_range(uint8_t exception)
{
    return exception == ILLEGAL_ADDRESS || exception == ILLEGAL_VALUE ||
           exception == ILLEGAL_FUNCTION;
}

/* The device does not have all these registers: part them, or leave the last one out. */
static void refuse_group(struct modbus_device *d)
{
    struct hwt_modbus_group first, second, *g = &d->group[d->at];

    if (d->groups < HWT_MODBUS_GROUPS_MAX && hwt_modbus_split(d->o.map, g, &first, &second)) {
        memmove(g + 2, g + 1, (d->groups - d->at - 1) * sizeof(*g));
        g[0] = first;
        g[1] = second;
        d->groups++;
        return;
    }
    for (unsigned k = 0; k < g->rows; k++) {
        const struct hwt_modbus_row *row = &d->o.map->row[g->row[k]];

        status_count(d->o.status, "not_there", 1);
        LOG(LOG_WARN, d->o.id, "register not there address=%u quantity=%s part=%s",
            (unsigned)row->address, hwt_quantity_get(row->quantity)->id,
            hwt_modbus_part_name(row->part));
    }
    memmove(g, g + 1, (d->groups - d->at - 1) * sizeof(*g));
    d->groups--;
}

static void tell_exchange(struct modbus_device *d)
{
    d->exchanged = true;
    status_count(d->o.status, "exchanged", 1);
    LOG(LOG_WARN, d->o.id, "another meter answers serial=%s before=%s", d->serial.number,
        d->serial.before);
}

static void take_serial(struct modbus_device *d, const struct hwt_modbus_master *m)
{
    enum modbus_serial_event event = modbus_serial_answer(&d->serial, m);

    if (m->result != HWT_MODBUS_EXCEPTION) { /* that it has none is no failure */
        count_attempts(d, m);
    }
    if (event == MODBUS_SERIAL_OTHER) {
        tell_exchange(d);
    }
    if (event == MODBUS_SERIAL_FIRST || event == MODBUS_SERIAL_OTHER) {
        d->told = true;
        status_meter(d->o.status, "%s%s%s", d->o.model != NULL ? d->o.model : "",
                     d->o.model != NULL ? " " : "", d->serial.number);
        LOG(LOG_INFO, d->o.id, "serial=%s", d->serial.number);
    }
}

void modbus_device_answer(struct modbus_device *d, const struct hwt_modbus_master *m)
{
    if (d->at >= d->groups) {
        take_serial(d, m);
        return;
    }
    count_attempts(d, m);
    if (m->result == HWT_MODBUS_OK) {
        take_registers(d, &d->group[d->at], m->registers);
        d->at++;
        return;
    }
    describe(m, d->why);
    if (m->result == HWT_MODBUS_EXCEPTION && is_for_the_range(m->exception)) {
        refuse_group(d);
        return;
    }
    d->failed++;
    d->at++;
    if (m->result != HWT_MODBUS_EXCEPTION) { /* silent or disturbed: not group by group */
        d->at = d->groups;
    }
}

/* --- polls ----------------------------------------------------------------------------------- */

/* Each part is a source of its own. */
static void deliver_news(struct modbus_device *d)
{
    struct status_view v;

    if (!d->told || d->o.news == NULL) {
        return;
    }
    status_get(d->o.status, &v);
    for (unsigned part = 0; part < HWT_MODBUS_PART_COUNT; part++) {
        if (d->o.source[part] >= 0) {
            const struct device_news news = {.source = (uint16_t)d->o.source[part],
                                             .identity = v.meter};

            d->o.news(d->o.ctx, &news);
        }
    }
}

static void deliver(struct modbus_device *d, int64_t now_us)
{
    struct hwt_reading readings[HWT_MODBUS_ROWS_MAX];
    size_t n = 0;

    for (unsigned i = 0; i < d->rows; i++) {
        const struct hwt_modbus_row *row = &d->o.map->row[d->row[i]];

        readings[n++] = (struct hwt_reading){.value = d->counts[i],
                                             .mono_us = now_us,
                                             .source = (uint16_t)d->o.source[row->part],
                                             .quantity = row->quantity,
                                             .quality = HWT_QUALITY_GOOD};
    }
    if (n > 0) {
        d->o.sink(d->o.ctx, readings, n);
    }
}

bool modbus_device_end(struct modbus_device *d, struct clock *clock)
{
    int64_t now_us = clock_mono_us(clock);
    bool good = d->failed == 0 && d->groups > 0;

    deliver_news(d);
    deliver(d, now_us);
    modbus_serial_end(&d->serial, good, now_us);
    if (d->exchanged) { /* it may have registers that the other had not */
        modbus_device_plan(d);
    }
    d->bad = !good;
    if (good) {
        d->missed = 0;
        d->refusing = false;
        d->good_us = now_us;
        d->why[0] = '\0';
        status_count(d->o.status, "good", 1);
        status_set(d->o.status, STATUS_OK, clock_stamp_ms(clock), NULL);
        status_good(d->o.status, clock_stamp_ms(clock));
    } else {
        d->missed++;
        modbus_device_check_stale(d, clock, true);
        if (d->missed == MISSED_POLLS) {
            modbus_device_plan(d); /* when it answers again it may be another one */
        }
    }
    return good;
}

void modbus_device_check_stale(struct modbus_device *d, struct clock *clock, bool in_doubt)
{
    int64_t missed = (clock_mono_us(clock) - d->good_us) / (1000000 * (int64_t)d->o.poll_s);

    if (in_doubt && missed >= MISSED_POLLS) {
        status_set(d->o.status, STATUS_STALE, clock_stamp_ms(clock),
                   "no good answer for %lld polls%s%s", (long long)missed,
                   d->why[0] != '\0' ? ": " : "", d->why);
    }
}

bool modbus_device_is_lost(const struct modbus_device *d)
{
    return d->missed >= MISSED_POLLS;
}

void modbus_device_schedule(struct modbus_device *d, int64_t now_us)
{
    int64_t poll_us = 1000000 * (int64_t)d->o.poll_s, most_us = 1000000 * (int64_t)SPACED_MAX_S;
    unsigned doublings = modbus_device_is_lost(d) ? d->missed - MISSED_POLLS + 1 : 0;
    int64_t every_us = poll_us;

    while (doublings-- > 0 && every_us < most_us) {
        every_us = 2 * every_us < most_us ? 2 * every_us : most_us;
    }
    every_us = every_us > poll_us ? every_us : poll_us;
    d->due_us += every_us * ((now_us - d->due_us) / every_us + 1);
}
