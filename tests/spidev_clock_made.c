/* The test's own thread is never held up: what it reads by itself takes its time at once. The
 * others are those that pthread_create made here: each uses one bus. */
#include "tests/spidev_clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#define BEGIN_NS INT64_C(1000000000000)

enum { NO_BUS = -1 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t now_ns;                 /* of the test; how far the others may go */
    int64_t bus_ns[SPIDEV_BUSES];   /* how far its thread has come */
    int64_t until_ns[SPIDEV_BUSES]; /* what it waits for; 0: it runs */
    unsigned running;               /* threads */
    bool ending;                    /* nobody stands while one is waited for */
} made = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .now_ns = BEGIN_NS};

static _Thread_local struct {
    bool is_other;
    int bus; /* of another thread: NO_BUS until it uses one */
    int64_t processor_ns;
} self = {.bus = NO_BUS};

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __real_pthread_join(pthread_t, void **);
int __wrap_pthread_join(pthread_t, void **);

/* Locked. */
static int64_t own_ns(void)
{
    return self.is_other && self.bus != NO_BUS ? made.bus_ns[self.bus] : made.now_ns;
}

int64_t spidev_clock_ns(unsigned bus)
{
    int64_t ns;

    pthread_mutex_lock(&made.lock);
    if (self.bus != (int)bus) {
        made.bus_ns[bus] = own_ns();
        self.bus = (int)bus;
    }
    ns = own_ns();
    pthread_mutex_unlock(&made.lock);
    return ns;
}

void spidev_clock_wait(unsigned bus, int64_t ns, bool poll)
{
    pthread_mutex_lock(&made.lock);
    if (!self.is_other) {
        made.now_ns = ns > made.now_ns ? ns : made.now_ns;
        pthread_mutex_unlock(&made.lock);
        return;
    }
    made.until_ns[bus] = ns;
    pthread_cond_broadcast(&made.changed);
    while (ns > made.now_ns && !made.ending) {
        pthread_cond_wait(&made.changed, &made.lock);
    }
    made.until_ns[bus] = 0;
    self.processor_ns += poll ? ns - made.bus_ns[bus] : 0;
    made.bus_ns[bus] = ns > made.bus_ns[bus] ? ns : made.bus_ns[bus];
    pthread_mutex_unlock(&made.lock);
}

/* Locked. */
static unsigned standing(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < SPIDEV_BUSES; i++) {
        n += made.until_ns[i] > made.now_ns;
    }
    return n;
}

void spidev_clock_pass(int64_t ns)
{
    pthread_mutex_lock(&made.lock);
    made.now_ns += ns;
    pthread_cond_broadcast(&made.changed);
    while (standing() < made.running) {
        pthread_cond_wait(&made.changed, &made.lock);
    }
    pthread_mutex_unlock(&made.lock);
}

/* --- what the program calls ------------------------------------------------------------------ */

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* Found before the C library's. */
int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);

    if (id == CLOCK_THREAD_CPUTIME_ID) {
        *t = timespec_of(self.processor_ns);
        return 0;
    }
    if (id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME) {
        pthread_mutex_lock(&made.lock);
        *t = timespec_of(own_ns());
        pthread_mutex_unlock(&made.lock);
        return 0;
    }
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    return real(id, t);
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
    unsigned bus = self.bus != NO_BUS ? (unsigned)self.bus : 0;

    (void)left;
    spidev_clock_wait(bus, spidev_clock_ns(bus) + t->tv_sec * INT64_C(1000000000) + t->tv_nsec,
                      false);
    return 0;
}

struct start {
    void *(*run)(void *);
    void *arg;
};

static void *run_other(void *arg)
{
    struct start s = *(struct start *)arg;
    void *result;

    free(arg);
    self.is_other = true;
    result = s.run(s.arg);
    pthread_mutex_lock(&made.lock);
    made.running--;
    pthread_cond_broadcast(&made.changed);
    pthread_mutex_unlock(&made.lock);
    return result;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *a, void *(*run)(void *),
                          void *arg)
{
    struct start *s = malloc(sizeof(*s));
    int error;

    if (s == NULL) {
        return ENOMEM;
    }
    *s = (struct start){run, arg};
    pthread_mutex_lock(&made.lock);
    made.running++;
    pthread_mutex_unlock(&made.lock);
    error = __real_pthread_create(thread, a, run_other, s);
    if (error != 0) {
        pthread_mutex_lock(&made.lock);
        made.running--;
        pthread_mutex_unlock(&made.lock);
        free(s);
    }
    return error;
}

/* Whoever is told to end must come to where he sees it. */
int __wrap_pthread_join(pthread_t thread, void **result_out)
{
    int error;

    pthread_mutex_lock(&made.lock);
    made.ending = true;
    pthread_cond_broadcast(&made.changed);
    pthread_mutex_unlock(&made.lock);
    error = __real_pthread_join(thread, result_out);
    pthread_mutex_lock(&made.lock);
    made.ending = false;
    for (unsigned i = 0; i < SPIDEV_BUSES; i++) {
        made.now_ns = made.bus_ns[i] > made.now_ns ? made.bus_ns[i] : made.now_ns;
    }
    pthread_mutex_unlock(&made.lock);
    return error;
}
