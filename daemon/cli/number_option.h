/* number_option.h: options that are whole numbers, and lists of speeds, "--baud 2400,9600". */
#ifndef DAEMON_CLI_NUMBER_OPTION_H
#define DAEMON_CLI_NUMBER_OPTION_H

#include <stdbool.h>

/* Digits only, low to high. False: `out` is untouched. */
bool number_option_take(const char *text, unsigned low, unsigned high, unsigned *out);
/* Standard speeds with commas, 1 to `room` of them; cuts up `text`. What is written when it
 * is false is of no use. */
bool number_option_speeds(char *text, unsigned room, unsigned *out, unsigned *count_out);

#endif
