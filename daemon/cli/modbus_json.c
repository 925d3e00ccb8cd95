#include "daemon/cli/modbus_json.h"

#include "core/base/json.h"
#include "core/base/quantity.h"

enum { JSON_MAX = 32768, HEX_MAX = 2 * HWT_MODBUS_FRAME_MAX };

/* What has been read so far: the request that the next reply belongs to. */
struct reader {
    const struct hwt_modbus_map *map;
    struct hwt_modbus_request request;
    bool asked;
    uint16_t transaction;
};

struct frame {
    enum hwt_modbus_transport transport;
    bool is_request;
    struct hwt_modbus_request request;
    uint16_t transaction;
    struct hwt_modbus_reply reply;
    uint8_t unit, function; /* of a reply */
    size_t size;
};

/* A request to read is eight octets (TCP: a length of six), a reply has an even number of data
 * octets: they cannot be mistaken. One for identification is shorter than any reply. False, with
 * the reason, if neither begins here. */
static bool read_frame(enum hwt_modbus_transport transport, const uint8_t *p, size_t n,
                       struct frame *f, const char **why)
{
    int got = hwt_modbus_request_decode(transport, p, n, &f->request, &f->transaction);
    const uint8_t *unit = transport == HWT_MODBUS_TCP ? p + HWT_MODBUS_MBAP - 1 : p;

    f->transport = transport;
    f->is_request = got > 0;
    if (got > 0) {
        f->size = (size_t)got;
        return true;
    }
    got = hwt_modbus_reply_decode(transport, NULL, 0, p, n, &f->reply);
    if (got != 0) {
        *why = "SHORT";
        return false;
    }
    if (f->reply.reason != HWT_MODBUS_OK && f->reply.reason != HWT_MODBUS_EXCEPTION) {
        *why = hwt_modbus_reason_name(f->reply.reason);
        return false;
    }
    f->unit = unit[0];
    f->function = unit[1] & (uint8_t)~HWT_MODBUS_REFUSED;
    f->transaction = transport == HWT_MODBUS_TCP ? (uint16_t)(p[0] << 8 | p[1]) : 0;
    f->size = f->reply.size;
    return true;
}

static bool find_frame(const uint8_t *p, size_t n, struct frame *f, const char **why)
{
    const char *tcp_why;

    return read_frame(HWT_MODBUS_RTU, p, n, f, why) ||
           read_frame(HWT_MODBUS_TCP, p, n, f, &tcp_why);
}

static void put_head(struct hwt_json *j, const struct frame *f, bool ok, const char *frame)
{
    hwt_json_string(j, "protocol", "modbus");
    hwt_json_bool(j, "ok", ok);
    hwt_json_string(j, "frame", frame);
    hwt_json_string(j, "transport", f->transport == HWT_MODBUS_TCP ? "tcp" : "rtu");
    if (f->transport == HWT_MODBUS_TCP) {
        hwt_json_uint(j, "transaction", f->transaction);
    }
}

static void put_request(struct hwt_json *j, const struct frame *f)
{
    put_head(j, f, true, "request");
    hwt_json_uint(j, "unit", f->request.unit);
    hwt_json_uint(j, "function", f->request.function);
    if (f->request.function == HWT_MODBUS_IDENTIFY) {
        hwt_json_uint(j, "access", f->request.count);
        hwt_json_uint(j, "object", f->request.address);
    } else {
        hwt_json_uint(j, "address", f->request.address);
        hwt_json_uint(j, "count", f->request.count);
    }
}

/* What a device says of itself; text as it came, what is not ASCII as a question mark. */
static void put_objects(struct hwt_json *j, const struct hwt_modbus_objects *objects)
{
    struct hwt_modbus_object o;
    size_t at = 0;

    hwt_json_array(j, "objects");
    while (hwt_modbus_object_next(objects, &at, &o)) {
        char text[UINT8_MAX + 1];

        for (unsigned i = 0; i < o.n; i++) {
            text[i] = o.p[i] >= ' ' && o.p[i] <= '~' ? (char)o.p[i] : '?';
        }
        text[o.n] = '\0';
        hwt_json_object(j, NULL);
        hwt_json_uint(j, "id", o.id);
        hwt_json_string(j, "text", text);
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
}

static void put_hex(struct hwt_json *j, const uint8_t *p, size_t n)
{
    char hex[HEX_MAX + 1];

    for (size_t i = 0; i < n; i++) {
        snprintf(hex + 2 * i, 3, "%02X", p[i]);
    }
    hex[2 * n] = '\0';
    hwt_json_string(j, "registers", hex);
}

static void put_value(struct hwt_json *j, const struct hwt_modbus_row *row, const uint8_t *p)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(row->quantity);
    int64_t counts;

    hwt_json_object(j, NULL);
    hwt_json_string(j, "quantity", info->id);
    hwt_json_string(j, "part", hwt_modbus_part_name(row->part));
    hwt_json_string(j, "unit", info->unit);
    switch (hwt_modbus_value(row, p, &counts)) {
    case HWT_MODBUS_PRESENT:
        hwt_json_scaled(j, "value", counts, info->per_unit, info->digits);
        break;
    case HWT_MODBUS_ABSENT:
        hwt_json_null(j, "value");
        break;
    case HWT_MODBUS_IMPLAUSIBLE:
        hwt_json_null(j, "value");
        hwt_json_bool(j, "implausible", true);
        break;
    }
    hwt_json_uint(j, "address", row->address);
    hwt_json_string(j, "type", hwt_modbus_type_name(row->type));
    hwt_json_end_object(j);
}

/* The map's rows that lie in the registers which were asked for. */
static void put_values(struct hwt_json *j, const struct reader *r, const struct frame *f)
{
    unsigned end = r->request.address + f->reply.count;

    hwt_json_array(j, "values");
    for (unsigned i = 0; i < r->map->rows; i++) {
        const struct hwt_modbus_row *row = &r->map->row[i];

        if (row->function == f->function && row->address >= r->request.address &&
            row->address + hwt_modbus_type_registers(row->type) <= end) {
            put_value(j, row, f->reply.registers + 2 * (row->address - r->request.address));
        }
    }
    hwt_json_end_array(j);
}

/* Whether the reply is to the request that was read before it. */
static bool belongs(const struct reader *r, const struct frame *f)
{
    return r->asked && f->unit == r->request.unit && f->function == r->request.function &&
           f->transaction == r->transaction &&
           (f->reply.reason == HWT_MODBUS_EXCEPTION || f->reply.count == r->request.count);
}

static void put_reply(struct hwt_json *j, const struct reader *r, const struct frame *f)
{
    bool ok = f->reply.reason == HWT_MODBUS_OK;
    bool known = belongs(r, f);

    put_head(j, f, ok, "reply");
    hwt_json_uint(j, "unit", f->unit);
    hwt_json_uint(j, "function", f->function);
    if (!ok) {
        hwt_json_string(j, "reason", "EXCEPTION");
        hwt_json_uint(j, "code", f->reply.exception);
        hwt_json_string(j, "detail", hwt_modbus_exception_name(f->reply.exception));
        return;
    }
    if (f->function == HWT_MODBUS_IDENTIFY) {
        put_objects(j, &f->reply.objects);
        return;
    }
    if (known) {
        hwt_json_uint(j, "address", r->request.address);
    } else {
        hwt_json_null(j, "address"); /* no reply says it: there is no request to this one */
    }
    hwt_json_uint(j, "count", f->reply.count);
    put_hex(j, f->reply.registers, 2 * (size_t)f->reply.count);
    if (known && r->map != NULL) {
        put_values(j, r, f);
    }
}

static void put_refusal(struct hwt_json *j, size_t at, size_t n, const char *why)
{
    char detail[64];

    snprintf(detail, sizeof(detail), "%zu octets are no Modbus frame", n);
    hwt_json_string(j, "protocol", "modbus");
    hwt_json_bool(j, "ok", false);
    hwt_json_string(j, "reason", why);
    hwt_json_uint(j, "at", at);
    hwt_json_string(j, "detail", detail);
}

static bool print(struct hwt_json *j, FILE *out)
{
    hwt_json_end_object(j);
    fwrite(j->p, 1, j->at, out);
    putc('\n', out);
    return j->ok;
}

/* Octets at the front that no frame begins in. */
static size_t count_strangers(const uint8_t *p, size_t n)
{
    struct frame f;
    const char *why;
    size_t i = 1;

    while (i < n && !find_frame(p + i, n - i, &f, &why)) {
        i++;
    }
    return i;
}

bool modbus_json_explain(const uint8_t *p, size_t n, const struct hwt_modbus_map *map, FILE *out)
{
    static char text[JSON_MAX];
    struct reader r = {.map = map};
    bool good = n > 0;
    size_t at = 0;

    while (at < n || n == 0) {
        struct frame f = {.size = 0};
        struct hwt_json j;
        const char *why = "SHORT";

        hwt_json_init(&j, text, sizeof(text));
        hwt_json_object(&j, NULL);
        if (!find_frame(p + at, n - at, &f, &why)) {
            f.size = n > 0 ? count_strangers(p + at, n - at) : 0;
            put_refusal(&j, at, f.size, why);
            good = false;
        } else if (f.is_request) {
            put_request(&j, &f);
            r.request = f.request;
            r.transaction = f.transaction;
            r.asked = true;
        } else {
            put_reply(&j, &r, &f);
            good = good && f.reply.reason == HWT_MODBUS_OK;
            r.asked = false;
        }
        good = print(&j, out) && good;
        if (n == 0) {
            break;
        }
        at += f.size;
    }
    return good;
}
