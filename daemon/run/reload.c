#include "daemon/run/reload.h"

#include <stdio.h>

#include "daemon/base/log.h"
#include "daemon/run/config.h"

static void do_work(uv_work_t *work)
{
    struct reload *r = work->data;
    struct config *c = config_load(r->path, stderr);

    r->is_right = c != NULL;
    config_free(c);
}

static void work_done(uv_work_t *work, int status)
{
    struct reload *r = work->data;

    r->busy = false;
    if (r->again) {
        reload_begin(r);
    } else if (status == 0 && r->is_right) {
        LOG(LOG_INFO, "run", "configuration read anew file=%s", r->path);
        r->right(r->ctx);
    } else {
        LOG(LOG_ERROR, "run", "configuration refused, the one before stays file=%s", r->path);
    }
}

void reload_begin(struct reload *r)
{
    r->again = r->busy;
    if (r->busy) {
        return;
    }
    r->work.data = r;
    r->busy = uv_queue_work(r->loop, &r->work, do_work, work_done) == 0;
}
