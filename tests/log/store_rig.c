#include "tests/log/store_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/part_format.h"

atomic_int rig_write_errno, rig_flush_errno;
atomic_bool rig_forget;
atomic_uint_fast64_t rig_written, rig_flushes, rig_notified;

enum { PATIENCE_MS = 20000 };

static atomic_bool hold, is_held, gave_up;
static atomic_int_fast64_t stands_us; /* 0: it does not */

int64_t __real_clock_real_us(void);
int64_t __wrap_clock_real_us(void);

/* What clock_real_us is in programs that link the rig. */
int64_t __wrap_clock_real_us(void)
{
    int64_t us = stands_us;

    return us != 0 ? us : __real_clock_real_us();
}

void rig_stand_still(void)
{
    stands_us = __real_clock_real_us();
}

void rig_pass_ms(long ms)
{
    stands_us += 1000 * (int_fast64_t)ms;
}

void rig_hold(void)
{
    hold = true;
}

bool rig_release(void)
{
    hold = false;
    return !gave_up;
}

static void wait_here(void)
{
    is_held = hold;
    for (int ms = 0; hold; ms++) {
        rig_pause_ms(1);
        if (ms == PATIENCE_MS) {
            gave_up = true;
            hold = false;
        }
    }
    is_held = false;
}

void rig_wait_held(void)
{
    for (int ms = 0; !is_held && ms < PATIENCE_MS; ms++) {
        rig_pause_ms(1);
    }
    assert_true(is_held);
}

void rig_wait_taken(struct store *s)
{
    struct store_counters c = {.waiting = 1};

    for (int ms = 0; c.waiting > 0 && ms < PATIENCE_MS; ms++) {
        rig_pause_ms(1);
        store_counters(s, &c);
    }
    assert_int_equal(c.waiting, 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int rig_setup(void **state)
{
    struct rig *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    snprintf(f->dir, sizeof(f->dir), "%s/heatwatt-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    f->status = status_new("log", "log");
    gen_schema(&f->schema, 2);
    rig_write_errno = rig_flush_errno = 0;
    hold = is_held = gave_up = false;
    stands_us = 0;
    rig_forget = false;
    rig_written = rig_flushes = rig_notified = 0;
    *state = f;
    return 0;
}

int rig_setup_partition(void **state)
{
    char error[256] = "";
    struct rig *f;
    int fd;

    rig_setup(state);
    f = *state;
    snprintf(f->partition, sizeof(f->partition), "%s/part", f->dir);
    fd = open(f->partition, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)RIG_PARTITION_MB << 20), 0);
    close(fd);
    if (part_format(f->partition, error, sizeof(error)) != 0) {
        fail_msg("%s", error);
    }
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *f = *state;

    nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    status_free(f->status);
    free(f);
    return 0;
}

void rig_pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static void on_committed(void *ctx, uint64_t durable)
{
    (void)ctx;
    rig_notified = durable;
}

static ssize_t hooked_write(int fd, const void *buf, size_t n, off_t offset)
{
    if (rig_write_errno != 0) {
        errno = rig_write_errno;
        return -1;
    }
    rig_written += n;
    return rig_forget ? (ssize_t)n : pwrite(fd, buf, n, offset);
}

static int hooked_flush(int fd)
{
    wait_here();
    if (rig_flush_errno != 0) {
        errno = rig_flush_errno;
        return -1;
    }
    rig_flushes++;
    return fdatasync(fd);
}

struct store_options rig_options(const struct rig *f)
{
    return (struct store_options){
        .data_dir = f->dir,
        .partition = f->partition,
        .provenance = HWT_PROVENANCE_MEASURED,
        .max_mb = 16,
        .retry_ms = RIG_RETRY_MS,
        .status = f->status,
        .committed = on_committed,
        .write_at = hooked_write,
        .flush = hooked_flush,
    };
}

struct store *rig_open_with(const struct store_options *o)
{
    char error[512] = "";
    struct store *s = store_open(o, error, sizeof(error));

    if (s == NULL) {
        print_message("# %s\n", error);
    }
    assert_non_null(s);
    return s;
}

struct store *rig_open(const struct rig *f)
{
    struct store_options o = rig_options(f);

    return rig_open_with(&o);
}

/* Of boots before this one, whose records without wall time get none from an anchor. */
static void model_record(const struct rig *f, struct gen_record *r, uint64_t i)
{
    gen_record(r, &f->schema.schema, i, i * 7919);
    r->record.boot += RIG_BOOTS;
}

void rig_push(const struct rig *f, struct store *s, uint64_t from, uint64_t to)
{
    static struct gen_record r;

    for (uint64_t i = from; i <= to; i++) {
        model_record(f, &r, i);
        store_push(s, &f->schema.schema, &r.record);
    }
}

void rig_wait_durable(struct store *s, uint64_t sequence)
{
    struct store_counters c;

    for (int i = 0; i < 2000; i++) {
        store_counters(s, &c);
        if (c.durable >= sequence && rig_notified >= sequence) {
            return;
        }
        rig_pause_ms(5);
    }
    fail_msg("record %llu is not durable after 10 s", (unsigned long long)sequence);
}

void rig_wait_state(const struct rig *f, enum status_state state, struct status_view *view)
{
    for (int i = 0; i < 500; i++) {
        status_get(f->status, view);
        if (view->state == state) {
            return;
        }
        rig_pause_ms(10);
    }
    fail_msg("the log's state is %s", status_state_name(view->state));
}

void rig_check_from(struct rig *f, struct store *s, uint64_t from, uint64_t last)
{
    static struct gen_record want;
    const struct hwt_schema *schema;
    const struct hwt_record *record;
    uint64_t n = from - 1, lost;

    store_snapshot(s, &f->snapshot);
    assert_int_equal(hwt_tslog_cursor_open(&f->cursor, &f->snapshot, 0, from), 0);
    while (hwt_tslog_cursor_next(&f->cursor, &schema, &record, &lost) == 1) {
        n++;
        assert_int_equal(record->sequence, n);
        model_record(f, &want, n);
        assert_true(gen_equal(record, &want.record));
    }
    assert_int_equal(n, last);
}

void rig_check(struct rig *f, struct store *s, uint64_t last)
{
    rig_check_from(f, s, 1, last);
}
