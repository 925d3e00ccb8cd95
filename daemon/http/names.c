/*
 * names.c: which series there are. What the log holds is looked for in a few of its records, and
 * only when a name asked for is not among those found before.
 */
#include "daemon/http/api.h"

int names_read(struct http *h)
{
    struct desk_cursor *c = desk_cursor(&h->desk, 0);
    struct log_channels found;
    int err;

    if (c == NULL) {
        return HWT_ERR_SPACE;
    }
    (void)desk_take(&h->desk, &h->logged);
    err = log_channels_read(&found, h->desk.snapshot, &c->cursor);
    desk_leave(&h->desk, &h->logged);
    if (err < 0) {
        log_channels_free(&found);
        return err;
    }
    log_channels_free(&h->logged);
    h->logged = found;
    return 0;
}

const char *names_unknown(struct http *h, const struct plan *plan, int *err_out)
{
    bool looked = false;

    *err_out = 0;
    for (unsigned i = 0; i < plan->series_count; i++) {
        const struct plan_series *s = &plan->series[i];

        if (s->configured || log_channels_find(&h->logged, s->id) != NULL) {
            continue;
        }
        if (!looked) {
            looked = true;
            *err_out = names_read(h);
        }
        if (*err_out < 0) {
            return NULL;
        }
        if (log_channels_find(&h->logged, s->id) == NULL) {
            return s->id;
        }
    }
    return NULL;
}

struct http_reply *names_problem(const char *id)
{
    struct http_problem problem;

    http_problem_set(&problem, 400, "series",
                     "series: '%s' is neither configured nor in the log; /api/v1/series lists what "
                     "there is",
                     id);
    return http_problem_reply(&problem);
}
