#include "daemon/cli/interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t interrupted;

static void set(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

const volatile sig_atomic_t *interrupt_catch(void)
{
    /* SA_RESETHAND: the second one is the system's */
    struct sigaction action = {.sa_handler = set, .sa_flags = SA_RESTART | (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &interrupted;
}
