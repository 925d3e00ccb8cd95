#include "bench/engines/live.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/quantity.h"
#include "daemon/store/medium.h"
#include "daemon/store/store.h"

enum {
    STEP_US = YEAR_STEP_S * 1000000,
    TICK_NS = 12000000,  /* ns, more than a tick of the kernel's clock */
    WRITEBACK_S = 30,    /* vm.dirty_expire_centisecs as it comes */
    WARM_UP_COMMITS = 3, /* not counted: files are made, slots written for the first time */
    SECTOR = 512,        /* bytes, of the kernel's counters */
    PATH_BYTES = 4096
};

/* The store as the daemon has it, without sources before it. */
struct live {
    struct store *store;
    struct status *status;
    struct clock *clock; /* of compressed time, else NULL */
    struct hwt_schema schema;
    struct hwt_channel channel[YEAR_SERIES];
    atomic_uint_fast64_t commits;
    bool partition;         /* no file system, so nothing of it to be waited for */
    int dir_fd, control_fd; /* of compressed time, on a file system */
};

static void on_commit(void *ctx, uint64_t durable)
{
    struct live *l = ctx;

    (void)durable;
    atomic_fetch_add(&l->commits, 1);
}

static void sleep_ns(long ns)
{
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
        continue;
    }
}

void live_wait(size_t number)
{
    static double began;

    if (began <= 0) {
        began = now_s() - (double)(number - 1) * YEAR_STEP_S;
    }
    for (double left; (left = began + (double)number * YEAR_STEP_S - now_s()) > 0;) {
        sleep_ns((long)(left < 1 ? left * 1e9 : 1e9));
    }
}

static struct live *open_live(const char *place, unsigned commit_s, struct clock *clock)
{
    struct live *l = calloc(1, sizeof(*l));
    struct store_options options = {.data_dir = place,
                                    .provenance = HWT_PROVENANCE_SIMULATED,
                                    .commit_s = commit_s,
                                    .max_mb = 64,
                                    .clock = clock,
                                    .committed = on_commit,
                                    .ctx = l};
    char error[512];

    if (l == NULL || (l->status = options.status = status_new("log", "log")) == NULL) {
        die("out of memory");
    }
    l->partition = medium_kind_of(place) == MEDIUM_PARTITION;
    options.partition = l->partition ? place : NULL;
    l->clock = clock;
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        strcpy(l->channel[c].id, year_series[c].id);
        l->channel[c].quantity = year_series[c].quantity;
    }
    l->schema = (struct hwt_schema){.channel = l->channel, .count = YEAR_SERIES};
    l->store = store_open(&options, error, sizeof(error));
    if (l->store == NULL) {
        die("%s", error);
    }
    return l;
}

static void push(struct live *l, const struct data *d, size_t number)
{
    const int32_t *row = d->row[number % d->rows];
    struct hwt_value value[YEAR_SERIES];
    int64_t end_us = (int64_t)(number + 1) * STEP_US;
    struct hwt_record record = {.mono_us = end_us,
                                .unix_ms = YEAR_FROM_S * 1000LL + end_us / 1000,
                                .boot = store_boot(l->store),
                                .span_ms = YEAR_STEP_S * 1000,
                                .clock = HWT_CLOCK_PLANT,
                                .count = YEAR_SERIES,
                                .value = value};

    for (size_t c = 0; c < YEAR_SERIES; c++) {
        int64_t per_unit = hwt_quantity_get(year_series[c].quantity)->per_unit;

        value[c] = (struct hwt_value){.v = row[c] * (per_unit / (int64_t)data_scale(c)),
                                      .quality = HWT_QUALITY_GOOD};
    }
    store_push(l->store, &l->schema, &record);
}

void live_ours(const char *dir, const struct data *d, unsigned commit_s)
{
    struct live *l = open_live(dir, commit_s, NULL);

    for (size_t r = 0;; r++) {
        push(l, d, r);
        live_wait(r + 1);
    }
}

/* --- compressed time --- */

static uint64_t bytes_written(const char *stat)
{
    uint64_t sectors;
    FILE *f = fopen(stat, "r");

    /* reads, merged, sectors, ms, writes, merged, sectors: Documentation/block/stat */
    if (f == NULL || fscanf(f, "%*u %*u %*u %*u %*u %*u %" SCNu64, &sectors) != 1) {
        die("%s: cannot be read", stat);
    }
    fclose(f);
    return sectors * SECTOR;
}

static void open_files(struct live *l, const char *dir)
{
    char path[PATH_BYTES];

    l->dir_fd = l->control_fd = -1;
    if (l->partition) {
        return;
    }
    l->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof(path), "%s/log/control.hwl", dir);
    l->control_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (l->dir_fd < 0 || l->control_fd < 0) {
        die("%s: %s", path, strerror(errno));
    }
}

static void write_back(const struct live *l)
{
    if (!l->partition && syncfs(l->dir_fd) != 0) {
        die("the file system cannot be synced: %s", strerror(errno));
    }
}

/* The kernel's commit of the journal: the slots' file was changed in it. */
static void commit_journal(const struct live *l)
{
    if (!l->partition && fsync(l->control_fd) != 0) {
        die("the slots cannot be synced: %s", strerror(errno));
    }
}

/* Pushes the record at its time of the log's clock; true: its thread committed then. */
static bool push_at(struct live *l, const struct data *d, size_t number, bool due)
{
    uint64_t before = atomic_load(&l->commits);
    struct store_counters c;

    clock_feed(l->clock, (uint64_t)number * STEP_US,
               YEAR_FROM_S * 1000000LL + (int64_t)number * STEP_US, false);
    push(l, d, number);
    do {
        sleep_ns(50000);
        store_counters(l->store, &c);
    } while (c.waiting > 0 || (due && atomic_load(&l->commits) == before));
    return atomic_load(&l->commits) != before;
}

void live_ours_fast(const char *dir, const struct data *d, unsigned commit_s, double hours,
                    const char *stat, struct live_count *out)
{
    struct live *l = open_live(dir, commit_s, clock_new(CLOCK_TRUST_PLANT));
    size_t window = commit_s / YEAR_STEP_S, oldest = 0, counted_from = 0;
    size_t records = (size_t)(hours * 3600 / YEAR_STEP_S);
    uint64_t from_bytes = 0, from_commits = 0;
    double written_back_s = 0;

    open_files(l, dir);
    for (size_t r = 0; counted_from == 0 || r < counted_from + records; r++) {
        double at_s = (double)r * YEAR_STEP_S;

        if (!push_at(l, d, r, r - oldest >= window)) {
            continue;
        }
        oldest = r + 1;
        sleep_ns(l->partition ? 0 : TICK_NS);
        commit_journal(l);
        if (at_s - written_back_s >= WRITEBACK_S) {
            write_back(l);
            written_back_s = at_s;
        }
        if (counted_from == 0 && atomic_load(&l->commits) > WARM_UP_COMMITS) {
            write_back(l);
            counted_from = r;
            from_bytes = bytes_written(stat);
            from_commits = atomic_load(&l->commits);
        }
    }
    write_back(l);
    *out = (struct live_count){.bytes = bytes_written(stat) - from_bytes,
                               .commits = atomic_load(&l->commits) - from_commits,
                               .hours = (double)records * YEAR_STEP_S / 3600};
    if (!l->partition) {
        close(l->control_fd);
        close(l->dir_fd);
    }
    store_close(l->store);
    clock_free(l->clock);
    status_free(l->status);
    free(l);
}
