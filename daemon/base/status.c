#include "daemon/base/status.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"

struct status {
    pthread_mutex_t lock;
    struct status_view view;
};

const char *status_state_name(enum status_state state)
{
    static const char *const names[STATUS_STATES] = {"starting", "ok", "stale", "failed"};

    return names[state];
}

struct status *status_new(const char *id, const char *type)
{
    struct status *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    snprintf(s->view.id, sizeof(s->view.id), "%s", id);
    snprintf(s->view.type, sizeof(s->view.type), "%s", type);
    return s;
}

void status_free(struct status *s)
{
    if (s != NULL) {
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

void status_set(struct status *s, enum status_state state, int64_t unix_ms, const char *cause, ...)
{
    char text[STATUS_CAUSE_MAX] = "";
    bool changed;
    va_list args;

    if (cause != NULL) {
        va_start(args, cause);
        vsnprintf(text, sizeof(text), cause, args);
        va_end(args);
    }
    pthread_mutex_lock(&s->lock);
    changed = s->view.state != state;
    if (changed) {
        s->view.state = state;
        s->view.since_ms = unix_ms;
    }
    memcpy(s->view.cause, text, sizeof(text));
    pthread_mutex_unlock(&s->lock);
    if (changed) {
        LOG(state == STATUS_FAILED || state == STATUS_STALE ? LOG_WARN : LOG_INFO, s->view.id,
            "state=%s%s%s", status_state_name(state), text[0] != '\0' ? " cause=" : "", text);
    }
}

void status_meter(struct status *s, const char *text, ...)
{
    char meter[STATUS_METER_MAX];
    va_list args;

    va_start(args, text);
    vsnprintf(meter, sizeof(meter), text, args);
    va_end(args);
    pthread_mutex_lock(&s->lock);
    memcpy(s->view.meter, meter, sizeof(meter));
    pthread_mutex_unlock(&s->lock);
}

void status_good(struct status *s, int64_t unix_ms)
{
    pthread_mutex_lock(&s->lock);
    s->view.last_ms = unix_ms;
    pthread_mutex_unlock(&s->lock);
}

/* The named counter's index, made if new; the last one takes what finds no room. Locked. */
static unsigned find_counter(struct status_view *v, const char *name)
{
    unsigned i;

    for (i = 0; i < v->counters; i++) {
        if (strcmp(v->counter[i].name, name) == 0) {
            return i;
        }
    }
    if (i == STATUS_COUNTERS_MAX) {
        return i - 1;
    }
    snprintf(v->counter[i].name, sizeof(v->counter[i].name), "%s", name);
    v->counters++;
    return i;
}

void status_count(struct status *s, const char *name, uint64_t add)
{
    pthread_mutex_lock(&s->lock);
    s->view.counter[find_counter(&s->view, name)].value += add;
    pthread_mutex_unlock(&s->lock);
}

void status_put(struct status *s, const char *name, uint64_t value)
{
    pthread_mutex_lock(&s->lock);
    s->view.counter[find_counter(&s->view, name)].value = value;
    pthread_mutex_unlock(&s->lock);
}

void status_put_signed(struct status *s, const char *name, int64_t value)
{
    unsigned i;

    pthread_mutex_lock(&s->lock);
    i = find_counter(&s->view, name);
    s->view.counter[i].value = (uint64_t)value;
    s->view.counter[i].is_signed = true;
    pthread_mutex_unlock(&s->lock);
}

void status_get(struct status *s, struct status_view *view_out)
{
    pthread_mutex_lock(&s->lock);
    *view_out = s->view;
    pthread_mutex_unlock(&s->lock);
}
