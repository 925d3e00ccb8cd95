/* Sensors that Linux reads: DS18B20 of the 1-Wire bus, analog inputs of the industrial I/O. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/wire/ds18b20.h"
#include "daemon/drivers/analog.h"
#include "daemon/drivers/scan_step.h"

static const char w1_dir[] = "/sys/bus/w1/devices";
static const char iio_dir[] = "/sys/bus/iio/devices";

enum { FOUND_MAX = 32, SENSOR_S = 1, MDEGC_PER_COUNT = 10, FAMILY = 3 };

/* A worker looks, the loop tells: a conversion takes 0.75 s each. */
struct files {
    const struct scan_task *task; /* the loop's: gone when it is closing */
    uv_work_t work;
    char dir[SCAN_PORT_MAX];
    bool w1;
    struct scan_found blank;
    struct scan_found found[FOUND_MAX];
    unsigned n;
    char why[SCAN_DETAIL_MAX]; /* "" or why nothing was looked at */
    atomic_bool closing;
};

static struct scan_found *add(struct files *f)
{
    struct scan_found *found = f->n < FOUND_MAX ? &f->found[f->n++] : NULL;

    if (found != NULL) {
        *found = f->blank;
    }
    return found;
}

/* --- 1-Wire ---------------------------------------------------------------------------------- */

/* "28-0316a2795bff" */
static bool is_sensor(const char *name)
{
    return strncmp(name, "28-", FAMILY) == 0 && strlen(name + FAMILY) == 12 &&
           strspn(name + FAMILY, "0123456789abcdef") == 12;
}

static ssize_t read_text(const char *dir, const char *name, const char *file, char *out, size_t n)
{
    char path[PATH_MAX];
    ssize_t got;
    int fd;

    snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = fd >= 0 ? read(fd, out, n) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return got;
}

static void take_sensor(struct files *f, const char *name)
{
    struct scan_found *found = add(f);
    struct hwt_ds18b20 judge;
    enum hwt_ds18b20_verdict verdict;
    char text[256];
    int32_t mdegc = 0;
    ssize_t n;

    if (found == NULL) {
        return;
    }
    snprintf(found->serial, sizeof(found->serial), "%s", name);
    snprintf(found->model, sizeof(found->model), "DS18B20");
    n = read_text(f->dir, name, "w1_slave", text, sizeof(text));
    hwt_ds18b20_init(&judge);
    verdict = n > 0 ? hwt_ds18b20_take(&judge, text, (size_t)n, 0, &mdegc) : HWT_DS18B20_TEXT;
    if (verdict == HWT_DS18B20_GOOD) {
        found->value[0] = (struct scan_value){
            .quantity = HWT_Q_TEMPERATURE,
            .counts = (mdegc + (mdegc < 0 ? -1 : 1) * (MDEGC_PER_COUNT / 2)) / MDEGC_PER_COUNT};
        found->values = 1;
        snprintf(found->note, sizeof(found->note),
                 "To see which it is, warm it in the hand and look again.");
    } else {
        snprintf(found->note, sizeof(found->note), "It is there, but gives no temperature (%s).",
                 hwt_ds18b20_verdict_name(verdict));
    }
}

/* --- industrial I/O -------------------------------------------------------------------------- */

/* "in_voltage0_raw" */
static bool is_input(const char *name)
{
    size_t n = strlen(name);

    return n > 14 && strncmp(name, "in_voltage", 10) == 0 && strcmp(name + n - 4, "_raw") == 0;
}

static void take_input(struct files *f, struct scan_found *found, const char *device,
                       const char *name)
{
    char path[PATH_MAX], why[SCAN_DETAIL_MAX];
    int64_t uv;

    snprintf(path, sizeof(path), "%s/%s/%s", f->dir, device, name);
    if (found->values < SCAN_VALUES_MAX && analog_read_uv(path, 0, &uv, why, sizeof(why))) {
        struct scan_value *v = &found->value[found->values++];

        snprintf(v->name, sizeof(v->name), "%.*s", (int)(strlen(name) - 4), name);
        v->quantity = HWT_Q_NONE;
        v->counts = uv;
    }
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void take_converter(struct files *f, const char *device)
{
    struct scan_found *found = add(f);
    char path[PATH_MAX], name[40] = "";
    struct dirent **entry = NULL;
    int n;

    if (found == NULL) {
        return;
    }
    snprintf(found->serial, sizeof(found->serial), "%.23s", device);
    if (read_text(f->dir, device, "name", name, sizeof(name) - 1) > 0) {
        name[strcspn(name, "\n")] = '\0';
        snprintf(found->model, sizeof(found->model), "%s", name);
    }
    snprintf(
        found->note, sizeof(found->note),
        "Which flow sensor hangs on which input cannot be seen: say so in `sensor`, `flow` and "
        "`temperature`.");
    snprintf(path, sizeof(path), "%s/%s", f->dir, device);
    n = scandir(path, &entry, NULL, by_name);
    for (int i = 0; i < n; i++) {
        if (is_input(entry[i]->d_name)) {
            take_input(f, found, device, entry[i]->d_name);
        }
        free(entry[i]);
    }
    free(entry);
    f->n -= found->values == 0; /* no converter of voltages */
}

/* --- the step -------------------------------------------------------------------------------- */

static void look(uv_work_t *work)
{
    struct files *f = work->data;
    struct dirent **entry = NULL;
    int n = scandir(f->dir, &entry, NULL, by_name);

    if (n < 0) {
        snprintf(f->why, sizeof(f->why), "%.80s: %s: %s", f->dir, strerror(errno),
                 f->w1 ? "is 1-Wire switched on (dtoverlay=w1-gpio in config.txt)?"
                       : "has Linux a driver for the converter?");
    }
    for (int i = 0; i < n; i++) {
        if (!atomic_load(&f->closing)) {
            if (f->w1 && is_sensor(entry[i]->d_name)) {
                take_sensor(f, entry[i]->d_name);
            } else if (!f->w1 && strncmp(entry[i]->d_name, "iio:device", 10) == 0) {
                take_converter(f, entry[i]->d_name);
            }
        }
        free(entry[i]);
    }
    free(entry);
}

static void on_looked(uv_work_t *work, int status)
{
    struct files *f = work->data;

    if (atomic_load(&f->closing)) {
        free(f);
        return;
    }
    f->work.data = NULL; /* through */
    for (unsigned i = 0; i < f->n && status == 0; i++) {
        f->task->found(f->task->ctx, &f->found[i]);
    }
    f->task->done(f->task->ctx, f->why[0] != '\0' ? SCAN_STEP_FAILED : SCAN_STEP_THROUGH,
                  f->why[0] != '\0' ? f->why : NULL);
}

static double estimate_s(const struct scan_task *task)
{
    (void)task;
    return SENSOR_S;
}

static void *begin(const struct scan_task *task)
{
    struct files *f = calloc(1, sizeof(*f));
    bool w1 = task->target == SCAN_TARGET_W1;

    if (f == NULL) {
        return NULL;
    }
    f->task = task;
    f->w1 = w1;
    f->work.data = f;
    atomic_init(&f->closing, false);
    snprintf(f->dir, sizeof(f->dir), "%s",
             task->port[0] == '/' || strchr(task->port, '/') != NULL ? task->port
             : w1                                                    ? w1_dir
                                                                     : iio_dir);
    f->blank = scan_find(task, w1 ? SCAN_DS18B20 : SCAN_ANALOG);
    snprintf(f->blank.port, sizeof(f->blank.port), "%s", f->dir);
    task->progress(task->ctx, 0, "%s", w1 ? "reading 1-Wire sensors" : "reading analog inputs");
    if (uv_queue_work(task->loop, &f->work, look, on_looked) != 0) {
        free(f);
        return NULL;
    }
    return f;
}

/* The worker may be at it: on_looked frees then. */
static void free_step(void *step)
{
    struct files *f = step;

    if (f->work.data == NULL) {
        free(f);
    } else {
        atomic_store(&f->closing, true);
        uv_cancel((uv_req_t *)&f->work);
    }
}

const struct scan_step_kind scan_step_w1 = {
    .protocol = {SCAN_DS18B20, SCAN_DS18B20},
    .estimate_s = estimate_s,
    .begin = begin,
    .free = free_step,
};

const struct scan_step_kind scan_step_iio = {
    .protocol = {SCAN_ANALOG, SCAN_ANALOG},
    .estimate_s = estimate_s,
    .begin = begin,
    .free = free_step,
};
