#include "tests/drivers/driver_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/log.h"
#include "tests/drivers/made_time.h"

ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);

static int device_gone; /* of the rig of the test */

ssize_t __wrap_read(int fd, void *buf, size_t n)
{
    if (device_gone != 0 && isatty(fd)) {
        errno = device_gone;
        return -1;
    }
    return __real_read(fd, buf, n);
}

void driver_rig_lose(int error)
{
    device_gone = error;
}

void driver_rig_open(struct driver_rig *r, int64_t wall_us)
{
    memset(r, 0, sizeof(*r));
    device_gone = 0;
    log_set_level(LOG_ERROR);
    uv_loop_init(&r->loop);
    r->clock = clock_new(CLOCK_TRUST_PLANT);
    r->wall_us = wall_us;
    strcpy(r->dir, "/tmp/heatwatt-driver-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->path, sizeof(r->path), "%s/line", r->dir);
    r->wire = r->listener = -1;
}

void driver_rig_close(struct driver_rig *r)
{
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    driver_rig_unplug(r);
    if (r->listener >= 0) {
        close(r->listener);
    }
    rmdir(r->dir);
    clock_free(r->clock);
}

void driver_rig_plug(struct driver_rig *r)
{
    r->wire = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(r->wire >= 0);
    assert_int_equal(grantpt(r->wire), 0);
    assert_int_equal(unlockpt(r->wire), 0);
    unlink(r->path);
    assert_int_equal(symlink(ptsname(r->wire), r->path), 0);
}

void driver_rig_unplug(struct driver_rig *r)
{
    if (r->wire >= 0) {
        close(r->wire);
    }
    unlink(r->path);
    r->wire = -1;
}

void driver_rig_listen(struct driver_rig *r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", r->path);
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(r->listener, 1), 0);
}

void driver_rig_accept(struct driver_rig *r)
{
    r->wire = accept(r->listener, NULL, NULL);
    assert_true(r->wire >= 0);
}

void driver_rig_pass(struct driver_rig *r, uint64_t us)
{
    r->device_us += us;
    clock_feed(r->clock, r->device_us,
               r->wall_us == HWT_TIME_UNKNOWN ? HWT_TIME_UNKNOWN
                                              : r->wall_us + (int64_t)r->device_us,
               false);
}

void driver_rig_turn(struct driver_rig *r)
{
    made_time_settle(&r->loop);
}

void driver_rig_live(struct driver_rig *r)
{
    made_time_turn(&r->loop);
}

static void note_timer(uv_handle_t *h, void *busy)
{
    if (h->type == UV_TIMER && uv_is_active(h)) {
        *(bool *)busy = true;
    }
}

bool driver_rig_is_busy(struct driver_rig *r)
{
    bool busy = false;

    uv_walk(&r->loop, note_timer, &busy);
    return busy;
}

void driver_rig_take(void *ctx, const struct hwt_reading *reading, size_t n)
{
    struct driver_rig *r = ctx;

    for (size_t i = 0; i < n; i++) {
        if (r->readings < DRIVER_RIG_READINGS_MAX) {
            r->reading[r->readings++] = reading[i];
        }
        r->last[reading[i].quantity] = reading[i];
        r->got[reading[i].quantity]++;
    }
}

uint64_t driver_rig_counter(struct status *s, const char *name, uint64_t absent)
{
    struct status_view view;

    status_get(s, &view);
    for (unsigned i = 0; i < view.counters; i++) {
        if (strcmp(view.counter[i].name, name) == 0) {
            return view.counter[i].value;
        }
    }
    return absent;
}

void driver_rig_expect(struct status *s, enum status_state state, const char *cause)
{
    struct status_view view;

    status_get(s, &view);
    assert_int_equal(view.state, state);
    assert_non_null(strstr(view.cause, cause));
}
