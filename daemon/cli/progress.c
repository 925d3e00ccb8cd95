#include "daemon/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 40 };

static void draw(void *label, uint64_t done, uint64_t all)
{
    static const char full[] = "########################################";
    int n = all > 0 ? (int)(done * WIDTH / all) : WIDTH;

    fprintf(stderr, "\r%s[%-*.*s] %3d %%%s", label != NULL ? (const char *)label : "", WIDTH, n,
            full, n * 100 / WIDTH, n == WIDTH ? "\n" : "");
}

progress_bar progress_to_terminal(void)
{
    return isatty(STDERR_FILENO) == 1 ? draw : NULL;
}
