#include "daemon/drivers/spi_bus.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define BATCH_NS   INT64_C(20000000)
#define SUMMARY_NS INT64_C(5000000000)
#define FIRST_NS   INT64_C(500000000) /* the first summary comes sooner */

enum { FAILURES_MAX = 5, FAILED_WAIT_NS = 2000000, SILENT_MAX = 50, ODD_MAX = 100, SLACK = 50 };

/* Whole scans of a batch. */
static unsigned batch_scans(const struct spi_bus *b, const struct spi_chip *c)
{
    int64_t scan_ns = c->conversion_ns * c->channels;
    int64_t fit = BATCH_NS / scan_ns, room = c->transfers_max / c->channels;

    if (b->chips > 1 || fit < 1) { /* the other chip's turn comes within a scan */
        return 1;
    }
    return (unsigned)(fit < room ? fit : room);
}

static int64_t processor_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The kernel takes real-time threads off the processor when they have had 95 % of a second. */
static void be_bearable(struct spi_bus *b, int64_t elapsed_ns)
{
    int64_t busy_ns = processor_ns();

    if (atomic_load(&b->real_time) && busy_ns - b->busy_ns > elapsed_ns / 10 * 9 &&
        spi_real_time(false)) {
        atomic_store(&b->real_time, false);
    }
    b->busy_ns = busy_ns;
}

static void sum_up(struct spi_bus *b, int64_t now_ns)
{
    int64_t due_ns = atomic_load(&b->told) ? SUMMARY_NS : FIRST_NS;
    struct spi_jitter_summary s;

    if (b->summed_ns == 0) {
        b->summed_ns = now_ns;
        b->busy_ns = processor_ns();
    }
    if (now_ns - b->summed_ns < due_ns) {
        return;
    }
    be_bearable(b, now_ns - b->summed_ns);
    s = spi_jitter_get(&b->now);
    atomic_store(&b->jitter[0], s.min_us);
    atomic_store(&b->jitter[1], s.median_us);
    atomic_store(&b->jitter[2], s.p99_us);
    atomic_store(&b->jitter[3], s.max_us);
    atomic_store(&b->told, true);
    spi_jitter_reset(&b->now);
    b->summed_ns = now_ns;
}

/* The scans of a batch go to the ring, each with its time: that of the call, and the conversions
 * before it. A call that begins is not held up; one that ends may be, and so the end tells nothing.
 */
static void pass_on(struct spi_bus *b, unsigned chip, unsigned scans, const struct spi_batch *batch)
{
    const struct spi_chip *c = b->chip[chip];
    struct spi_scan scan = {.t_ns = batch->before_ns};
    int64_t step_ns = c->conversion_ns * c->channels;
    int64_t most_ns = (batch->after_ns - batch->before_ns) / scans;
    unsigned good = 0;

    step_ns = step_ns < most_ns ? step_ns : most_ns; /* the measured pace is good to a per cent */
    for (unsigned i = 0; i < scans; i++, scan.t_ns += step_ns) {
        if (!spi_chip_scan(c, i, scan.code)) {
            atomic_fetch_add(&b->bad, 1);
        } else {
            good++;
            if (!spi_ring_put(b->ring[chip], &scan)) {
                atomic_fetch_add(&b->overrun, 1);
            }
        }
    }
    b->silent = good > 0 ? 0 : b->silent + 1;
    if (b->silent >= SILENT_MAX) {
        atomic_store(&b->error, EREMOTEIO);
    }
}

/* A device that is gone stays gone; else it is tried some times. */
static void take_failure(struct spi_bus *b, int error)
{
    static const struct timespec wait = {.tv_nsec = FAILED_WAIT_NS};

    b->failures++;
    atomic_fetch_add(&b->retried, 1);
    if (error == ENODEV || error == ESHUTDOWN || error == ENXIO || b->failures >= FAILURES_MAX) {
        atomic_store(&b->error, error);
    }
    nanosleep(&wait, NULL);
}

/* Held up, one now and then; all of them: the bus has another clock than when it was measured. */
static void take_odd(struct spi_bus *b)
{
    atomic_fetch_add(&b->torn, 1);
    b->odd++;
    if (b->odd >= ODD_MAX) {
        atomic_store(&b->error, ESTALE);
    }
}

static void read_chip(struct spi_bus *b, unsigned chip)
{
    struct spi_chip *c = b->chip[chip];
    unsigned scans = batch_scans(b, c), transfers = scans * c->channels;
    int64_t own_ns = transfers * c->conversion_ns, took_ns;
    struct spi_batch batch;
    int error = spi_chip_read(c, transfers, &batch);

    if (error != 0) {
        b->ended_ns = 0;
        take_failure(b, -error);
        return;
    }
    b->failures = 0;
    if (b->ended_ns != 0) {
        spi_jitter_add(&b->now, (batch.before_ns - b->ended_ns) / 1000);
    }
    b->ended_ns = batch.before_ns + own_ns;
    took_ns = batch.after_ns - batch.before_ns;
    if (took_ns < own_ns - own_ns / SLACK || took_ns - own_ns - c->call_ns > SPI_PAUSE_NS) {
        take_odd(b);
    } else {
        b->odd = 0;
        pass_on(b, chip, scans, &batch);
    }
    sum_up(b, batch.after_ns);
}

static void *run(void *arg)
{
    struct spi_bus *b = arg;

    atomic_store(&b->real_time, spi_real_time(true));
    for (unsigned chip = 0; !atomic_load(&b->stop) && atomic_load(&b->error) == 0;
         chip = (chip + 1) % b->chips) {
        read_chip(b, chip);
    }
    return NULL;
}

int spi_bus_start(struct spi_bus *b)
{
    sigset_t all, old;
    int error;

    spi_jitter_reset(&b->now);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the loop's business */
    error = pthread_create(&b->thread, NULL, run, b);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    b->started = error == 0;
    if (b->started) {
        (void)pthread_setname_np(b->thread, "spi");
    }
    return -error;
}

void spi_bus_stop(struct spi_bus *b)
{
    if (b->started) {
        atomic_store(&b->stop, true);
        pthread_join(b->thread, NULL);
        b->started = false;
    }
}
