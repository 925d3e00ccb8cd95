#include "daemon/run/reload.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/run/config.h"

static void begin(struct reload *r);

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
        begin(r);
    } else if (status == 0 && r->is_right) {
        LOG(LOG_INFO, "run", "configuration read anew file=%s", r->path);
        r->right(r->ctx);
    } else {
        LOG(LOG_ERROR, "run", "configuration refused, the one before stays file=%s", r->path);
    }
}

static void begin(struct reload *r)
{
    r->again = r->busy;
    if (r->busy) {
        return;
    }
    r->work.data = r;
    r->busy = uv_queue_work(r->loop, &r->work, do_work, work_done) == 0;
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void on_hangup(uv_signal_t *handle, int signum)
{
    struct reload *r = handle->data;

    (void)signum;
    if (!r->terminal || has_terminal()) {
        begin(r);
        return;
    }
    r->terminal = false;
    if (r->before.sa_handler != SIG_IGN) {
        LOG(LOG_INFO, "run", "stopping: the terminal is closed");
        r->gone(r->ctx);
    }
}

void reload_init(struct reload *r)
{
    uv_signal_init(r->loop, &r->signal);
    r->signal.data = r;
    sigaction(SIGHUP, NULL, &r->before);
    r->terminal = has_terminal();
}

void reload_start(struct reload *r)
{
    uv_signal_start(&r->signal, on_hangup, SIGHUP);
}

void reload_deinit(struct reload *r)
{
    sigaction(SIGHUP, &r->before, NULL);
}
