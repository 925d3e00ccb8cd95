#include "core/encode/emoncms.h"

#include <string.h>

#include "core/base/fixed.h"
#include "core/base/quantity.h"

#define PLAUSIBLE_S INT64_C(1577836800) /* 2020-01-01: a clock before it has not been set */

static const char prefix[] = "data=";

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What Emoncms keeps of a name. */
static bool in_name(char c)
{
    return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == ' ';
}

static void set_node(struct hwt_emoncms *e, const char *node)
{
    size_t n = 0;

    for (; *node != '\0' && n < HWT_EMONCMS_NODE_MAX; node++) {
        if (in_name(*node)) {
            e->node[n++] = *node;
        }
    }
    e->node[n] = '\0';
    if (n == 0) {
        memcpy(e->node, "heatwatt", sizeof("heatwatt"));
    }
}

void hwt_emoncms_begin(struct hwt_emoncms *e, const struct hwt_emoncms_options *options, char *p,
                       size_t n, int64_t slot)
{
    memset(e, 0, sizeof(*e));
    e->options = *options;
    e->slot = slot;
    set_node(e, options->node);
    hwt_json_init(&e->json, p, n - 1); /* the last byte is for the closing bracket */
    hwt_json_array(&e->json, NULL);
}

static bool wanted(const struct hwt_emoncms_options *o, const char *id)
{
    if (o->channels == NULL) {
        return true;
    }
    for (size_t i = 0; i < o->channel_count; i++) {
        if (strcmp(o->channels[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* One key and value; false if there is none to send. */
static bool put_value(struct hwt_emoncms *e, const struct hwt_channel *channel,
                      const struct hwt_value *value)
{
    const struct hwt_quantity_info *info = hwt_quantity_get(channel->quantity);
    int64_t scaled;

    if (value->quality == HWT_QUALITY_MISSING || info == NULL ||
        !wanted(&e->options, channel->id) ||
        !hwt_mul_div(value->v, hwt_pow10(info->digits), info->per_unit, &scaled)) {
        return false;
    }
    hwt_json_decimal(&e->json, channel->id, scaled, -(int)info->digits);
    return true;
}

int hwt_emoncms_row(struct hwt_emoncms *e, const struct hwt_schema *schema,
                    const struct hwt_record *record)
{
    const struct hwt_json before = e->json;
    int64_t unix_s = record->unix_ms / 1000;
    int64_t slot = e->options.spacing_s > 0 ? unix_s / e->options.spacing_s : unix_s;
    size_t values = 0;

    if (record->unix_ms == HWT_TIME_UNKNOWN || unix_s < PLAUSIBLE_S) {
        e->untimed++;
        return 0;
    }
    if (e->options.spacing_s > 0 && slot == e->slot) {
        e->thinned++;
        return 0;
    }
    hwt_json_array(&e->json, NULL);
    hwt_json_int(&e->json, NULL, unix_s);
    hwt_json_string(&e->json, NULL, e->node);
    hwt_json_object(&e->json, NULL);
    for (size_t i = 0; i < record->count && i < schema->count; i++) {
        values += put_value(e, &schema->channel[i], &record->value[i]) ? 1 : 0;
    }
    hwt_json_end_object(&e->json);
    hwt_json_end_array(&e->json);
    if (values == 0 || !e->json.ok) {
        int result = values == 0 ? 0 : HWT_ERR_SPACE;

        e->json = before;
        e->empty += values == 0 ? 1 : 0;
        return result;
    }
    e->rows++;
    e->slot = slot;
    return 1;
}

size_t hwt_emoncms_end(struct hwt_emoncms *e)
{
    e->json.n++;
    hwt_json_end_array(&e->json);
    return e->json.at;
}

/* RFC 3986, 2.3: these stand for themselves. */
static bool unreserved(char c)
{
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

size_t hwt_emoncms_form_size(const char *json, size_t n)
{
    size_t size = sizeof(prefix) - 1;

    for (size_t i = 0; i < n; i++) {
        size += unreserved(json[i]) ? 1 : 3;
    }
    return size;
}

void hwt_emoncms_form(const char *json, size_t n, char *out)
{
    static const char hex[] = "0123456789ABCDEF";

    memcpy(out, prefix, sizeof(prefix) - 1);
    out += sizeof(prefix) - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)json[i];

        if (unreserved(json[i])) {
            *out++ = json[i];
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
}
