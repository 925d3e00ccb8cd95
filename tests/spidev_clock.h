/*
 * spidev_clock.h: the time in which the converters of spidev_model.c live: the computer's
 * (spidev_clock_real.c: preloaded into the daemon), or made up (spidev_clock_made.c: unit tests).
 *
 * Made-up time is all that the program's threads see: the test lets it pass, and the threads that
 * read the buses run up to there and stand. What they measure is exact, on any machine.
 */
#ifndef TESTS_SPIDEV_CLOCK_H
#define TESTS_SPIDEV_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { SPIDEV_BUSES = 2 };

/* Now, to the thread that uses this bus. */
int64_t spidev_clock_ns(unsigned bus);
/* Returns at this time; poll: without giving the processor away. */
void spidev_clock_wait(unsigned bus, int64_t ns, bool poll);
/* Made up only: so much time passes. Returns when every thread has come so far, or has ended. */
void spidev_clock_pass(int64_t ns);

#endif
