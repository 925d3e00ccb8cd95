#include "daemon/store/store_state.h"

#include <stdio.h>

#include "daemon/base/log.h"

enum {
    ROLL_PAUSE_US = 5000, /* between bits of work, each of a millisecond or so */
    ROLL_STEPS = 2
};

void store_open_rolls(struct store *s)
{
    char dir[STORE_DIR_BYTES + 8], why[512];
    bool ok;

    snprintf(dir, sizeof(dir), "%.500s/log", s->options.data_dir); /* also of a log elsewhere */
    if (s->rolls != NULL) {
        ok = rolls_reopen(s->rolls, &s->view, why, sizeof(why));
    } else {
        s->rolls = rolls_open(dir, false, &s->view, why, sizeof(why));
        ok = s->rolls != NULL;
    }
    if (!ok) {
        LOG(LOG_WARN, "log", "no roll-ups, long queries are slow why=\"%.150s\"", why);
        s->roll_failed = true;
    }
    store_publish(s); /* with the sheets there are now, or none */
    s->roll_us = ok ? clock_real_us() : 0;
}

void store_roll(struct store *s)
{
    int more;

    if (s->roll_us == 0 || clock_real_us() < s->roll_us) {
        return;
    }
    more = rolls_step(s->rolls, &s->view, ROLL_STEPS); /* nobody else writes the view */
    s->roll_us = more == 1 ? clock_real_us() + ROLL_PAUSE_US : 0;
    pthread_mutex_lock(&s->view_lock);
    rolls_view(s->rolls, &s->view);
    pthread_mutex_unlock(&s->view_lock);
    if (more < 0 && !s->roll_failed) {
        LOG(LOG_WARN, "log", "roll-ups cannot be written, long queries are slow why=\"%s\"",
            rolls_explain(s->rolls, more));
    } else if (more >= 0 && s->roll_failed) {
        LOG(LOG_INFO, "log", "roll-ups are written again");
    }
    s->roll_failed = more < 0;
}
