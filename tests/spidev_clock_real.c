#include "tests/spidev_clock.h"

#include <errno.h>
#include <time.h>

int64_t spidev_clock_ns(unsigned bus)
{
    struct timespec t;

    (void)bus;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void spidev_clock_wait(unsigned bus, int64_t ns, bool poll)
{
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    while (poll && spidev_clock_ns(bus) < ns) {
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}
