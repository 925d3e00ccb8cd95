#include "daemon/store/journal_state.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"

const struct journal_channel *journal_state_channel(const struct journal_state *s, const char *id)
{
    for (size_t i = 0; i < s->channels; i++) {
        if (strcmp(s->channel[i].id, id) == 0) {
            return &s->channel[i];
        }
    }
    return NULL;
}

const struct journal_source *journal_state_source(const struct journal_state *s, const char *id)
{
    for (size_t i = 0; i < s->sources; i++) {
        if (strcmp(s->source[i].id, id) == 0) {
            return &s->source[i];
        }
    }
    return NULL;
}

static bool set_offset(struct journal_state *s, const struct journal_entry *e)
{
    const struct journal_channel *known = journal_state_channel(s, e->channel);
    size_t i = known != NULL ? (size_t)(known - s->channel) : s->channels;

    if (known == NULL) {
        struct journal_channel *more = realloc(s->channel, (i + 1) * sizeof(*more));

        if (more == NULL) {
            return false;
        }
        s->channel = more;
        memcpy(s->channel[i].id, e->channel, sizeof(e->channel));
        s->channels++;
    }
    s->channel[i].offset = e->offset;
    return true;
}

/* A register that begins anew may be another meter's, which has not said yet who it is. */
static bool leaves_meter_open(const struct journal_entry *e)
{
    return strcmp(e->kind, "register_swap") == 0 || strcmp(e->kind, "register_reset") == 0;
}

static bool set_source(struct journal_state *s, const struct journal_entry *e)
{
    const char *id = e->feed[0] != '\0' ? e->feed : e->source;
    const struct journal_source *known = journal_state_source(s, id);
    size_t i = known != NULL ? (size_t)(known - s->source) : s->sources;

    if (known == NULL) {
        struct journal_source *more = realloc(s->source, (i + 1) * sizeof(*more));

        if (more == NULL) {
            return false;
        }
        s->source = more;
        s->source[i] = (struct journal_source){.added = false};
        memcpy(s->source[i].id, id, sizeof(s->source[i].id));
        s->sources++;
    }
    if (e->meter[0] != '\0' || leaves_meter_open(e)) {
        memcpy(s->source[i].meter, e->meter, sizeof(e->meter));
    }
    if (strcmp(e->kind, "source_added") == 0 || strcmp(e->kind, "carried") == 0) {
        s->source[i].added = true;
    } else if (strcmp(e->kind, "source_removed") == 0) {
        s->source[i].added = false;
    }
    return true;
}

bool journal_state_take(struct journal_state *s, const struct journal_entry *e)
{
    s->seq = e->seq > s->seq ? e->seq : s->seq;
    if (strcmp(e->kind, "started") == 0) {
        s->running = true;
    } else if (strcmp(e->kind, "stopped") == 0) {
        s->running = false;
    }
    if (e->channel[0] != '\0' && e->quantity != HWT_Q_NONE && !set_offset(s, e)) {
        return false;
    }
    return e->source[0] == '\0' ||
           (e->channel[0] != '\0' && e->meter[0] == '\0' && !leaves_meter_open(e)) ||
           set_source(s, e);
}

void journal_state_free(struct journal_state *s)
{
    free(s->channel);
    free(s->source);
    *s = (struct journal_state){.seq = 0};
}

bool journal_state_copy(struct journal_state *to, const struct journal_state *from)
{
    *to = *from;
    to->channel = malloc(from->channels * sizeof(*to->channel) + 1);
    to->source = malloc(from->sources * sizeof(*to->source) + 1);
    if (to->channel == NULL || to->source == NULL) {
        journal_state_free(to);
        return false;
    }
    for (size_t i = 0; i < from->channels; i++) {
        to->channel[i] = from->channel[i];
    }
    for (size_t i = 0; i < from->sources; i++) {
        to->source[i] = from->source[i];
    }
    return true;
}

bool journal_state_carry(const struct journal_state *s, size_t n, struct journal_entry *out)
{
    *out = (struct journal_entry){.unix_ms = HWT_TIME_UNKNOWN, .kind = "carried"};
    for (size_t i = 0; i < s->sources; i++) {
        if (s->source[i].added && n-- == 0) {
            memcpy(out->source, s->source[i].id, sizeof(out->source));
            memcpy(out->meter, s->source[i].meter, sizeof(out->meter));
            return true;
        }
    }
    if (n >= s->channels) {
        return false;
    }
    memcpy(out->channel, s->channel[n].id, sizeof(out->channel));
    out->quantity = (uint8_t)hwt_quantity_of_channel(out->channel);
    out->offset = s->channel[n].offset;
    return true;
}
