#include "daemon/cli/anew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char program[] = "/proc/self/exe";

int anew_execute(int argc, char **argv)
{
    char **all = calloc((size_t)argc + 2, sizeof(*all));

    if (all != NULL) {
        all[0] = program_invocation_name;
        for (int i = 0; i < argc; i++) {
            all[i + 1] = argv[i];
        }
        fflush(NULL);
        execv(program, all);
    }
    fprintf(stderr, "heatwatt: cannot start anew by %s: %s\n", program, strerror(errno));
    free(all);
    return 1;
}
