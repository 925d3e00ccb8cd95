#include "daemon/run/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAIT_TICKS = 5, /* for the wall time, before the start is noted without one */
    STEP_MS = 2000  /* what slewing and rounding never make in a second */
};

struct notes {
    struct notes_options o;
    unsigned ticks;
    bool started;            /* noted */
    enum status_state state; /* of the log, as noted */
    int64_t ahead_ms;        /* wall less monotonic time; HWT_TIME_UNKNOWN */
};

static void note(const struct notes *n, const char *kind, const char *source, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

static void note(const struct notes *n, const char *kind, const char *source, const char *format,
                 ...)
{
    struct journal_entry e = {.unix_ms = clock_unix_ms(n->o.clock)};
    va_list args;

    snprintf(e.kind, sizeof(e.kind), "%s", kind);
    snprintf(e.source, sizeof(e.source), "%s", source);
    snprintf(e.feed, sizeof(e.feed), "%s", source);
    va_start(args, format);
    vsnprintf(e.text, sizeof(e.text), format, args);
    va_end(args);
    journal_put(n->o.journal, &e);
}

struct notes *notes_new(const struct notes_options *options)
{
    struct notes *n = calloc(1, sizeof(*n));

    if (n != NULL) {
        n->o = *options;
        n->state = STATUS_OK;
        n->ahead_ms = HWT_TIME_UNKNOWN;
    }
    return n;
}

/* --- the start ------------------------------------------------------------------------------- */

static bool is_configured(const struct config *c, const char *id)
{
    for (unsigned i = 0; i < c->source_count; i++) {
        if (strcmp(c->source[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool was_there(const struct journal *j, const char *id)
{
    const char *source;

    for (size_t i = 0; (source = journal_source(j, i)) != NULL; i++) {
        if (strcmp(source, id) == 0) {
            return true;
        }
    }
    return false;
}

static void note_sources(const struct notes *n)
{
    const struct config *c = n->o.config;
    const char *source;

    for (size_t i = 0; (source = journal_source(n->o.journal, i)) != NULL; i++) {
        if (!is_configured(c, source)) {
            note(n, "source_removed", source, "The source %s is not configured any more.", source);
        }
    }
    for (unsigned i = 0; i < c->source_count; i++) {
        if (!was_there(n->o.journal, c->source[i].id)) {
            note(n, "source_added", c->source[i].id, "The source %s of type %s is new.",
                 c->source[i].id, config_source_type_name(c->source[i].type));
        }
    }
}

static void note_start(struct notes *n)
{
    struct journal_before before;

    n->started = true;
    journal_before(n->o.journal, &before);
    if (before.cut > 0) {
        note(n, "journal_repaired", "", "%zu octets of an entry that was torn were cut off.",
             before.cut);
    }
    if (before.unread > 0) {
        note(n, "journal_damaged", "", "%zu lines of the journal cannot be read.", before.unread);
    }
    note(n, "started", "", "heatwatt %s started, boot %lu.%s", HEATWATT_VERSION,
         (unsigned long)n->o.boot,
         before.running ? " The run before did not stop in order: power or process was cut." : "");
    if (n->o.bad_pages > 0) {
        note(n, "log_damaged", "", "The log has %llu damaged pages, which are skipped.",
             (unsigned long long)n->o.bad_pages);
    }
    note_sources(n);
}

/* --- while it runs --------------------------------------------------------------------------- */

static void watch_clock(struct notes *n)
{
    struct clock_time now = clock_now(n->o.clock);
    int64_t ahead_ms = now.unix_ms - now.mono_us / 1000, step_ms;

    if (now.unix_ms == HWT_TIME_UNKNOWN) {
        return; /* hidden for a while: it is compared when it is back */
    }
    step_ms = n->ahead_ms != HWT_TIME_UNKNOWN ? ahead_ms - n->ahead_ms : 0;
    if (step_ms >= STEP_MS || step_ms <= -STEP_MS) {
        note(n, "clock_step", "", "The clock was set %s by %.1f s.",
             step_ms > 0 ? "forward" : "back", (step_ms > 0 ? 1e-3 : -1e-3) * (double)step_ms);
    }
    n->ahead_ms = ahead_ms;
}

static void watch_log(struct notes *n)
{
    struct status_view s;
    bool failed;

    status_get(n->o.log, &s);
    failed = s.state == STATUS_FAILED;
    if (failed != (n->state == STATUS_FAILED)) {
        note(n, failed ? "log_failed" : "log_restored", "", "%s%s",
             failed ? s.cause : "The log is written again", ".");
    }
    n->state = s.state;
}

void notes_tick(struct notes *n)
{
    n->ticks++;
    if (!n->started && (clock_unix_ms(n->o.clock) != HWT_TIME_UNKNOWN || n->ticks > WAIT_TICKS)) {
        note_start(n);
    }
    watch_clock(n);
    watch_log(n);
}

void notes_free(struct notes *n)
{
    if (n == NULL) {
        return;
    }
    if (n->started) {
        note(n, "stopped", "", "heatwatt stopped in order.");
    }
    free(n);
}
