#include "daemon/http/event_text.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "daemon/http/query.h"

/* The lines before the data; their length. */
static size_t put_head(char *p, size_t room, const char *event, const char *stream,
                       uint64_t sequence)
{
    int n = snprintf(p, room, "event: %s\nid: %s:%llu\ndata: ", event, stream,
                     (unsigned long long)sequence);

    return (size_t)n; /* at most 80: fits */
}

static void put_values(struct hwt_json *j, const struct hwt_schema *schema,
                       const struct hwt_record *record)
{
    hwt_json_object(j, "values");
    for (unsigned i = 0; i < record->count && i < schema->count; i++) {
        const struct hwt_quantity_info *info = hwt_quantity_get(schema->channel[i].quantity);

        if (info == NULL || record->value[i].quality == HWT_QUALITY_MISSING) {
            hwt_json_null(j, schema->channel[i].id);
        } else {
            hwt_json_scaled(j, schema->channel[i].id, record->value[i].v, info->per_unit,
                            info->digits);
        }
    }
    hwt_json_end_object(j);
}

size_t event_put_record(char p[EVENT_RECORD_MAX], const char *stream,
                        const struct hwt_schema *schema, const struct hwt_record *record)
{
    size_t head = put_head(p, EVENT_RECORD_MAX, "record", stream, record->sequence);
    struct hwt_json j;

    hwt_json_init(&j, p + head, EVENT_RECORD_MAX - head - 2);
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "stream", stream);
    hwt_json_uint(&j, "sequence", record->sequence);
    if (record->unix_ms == HWT_TIME_UNKNOWN) {
        hwt_json_null(&j, "time");
    } else {
        hwt_json_int(&j, "time", record->unix_ms);
    }
    hwt_json_uint(&j, "span_ms", record->span_ms);
    put_values(&j, schema, record);
    hwt_json_end_object(&j);
    memcpy(p + head + j.at, "\n\n", 2);
    return head + j.at + 2;
}

size_t event_put_lost(char p[EVENT_LOST_MAX], const char *stream, uint64_t sequence, uint64_t count)
{
    size_t head = put_head(p, EVENT_LOST_MAX, "lost", stream, sequence);
    struct hwt_json j;

    hwt_json_init(&j, p + head, EVENT_LOST_MAX - head - 2);
    hwt_json_object(&j, NULL);
    hwt_json_string(&j, "stream", stream);
    hwt_json_uint(&j, "count", count);
    hwt_json_end_object(&j);
    memcpy(p + head + j.at, "\n\n", 2);
    return head + j.at + 2;
}

bool event_parse_id(const char *id, char stream_out[HWT_ID_MAX + 1], uint64_t *sequence_out)
{
    size_t n = strcspn(id, ":");
    int64_t sequence;

    if (n < 1 || n > HWT_ID_MAX || id[n] != ':' ||
        !http_number(id + n + 1, 0, INT64_MAX - 1, &sequence)) {
        return false;
    }
    memcpy(stream_out, id, n);
    stream_out[n] = '\0';
    *sequence_out = (uint64_t)sequence;
    return true;
}
