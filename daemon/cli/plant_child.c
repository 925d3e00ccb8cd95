#include "daemon/cli/plant_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = "heatwatt-sim";

/* PATH of the simulator: beside /proc/self/exe, else the bare name for execvp. */
static void find_program(char *path, size_t n)
{
    ssize_t len = readlink("/proc/self/exe", path, n - 1);
    char *slash;

    if (len > 0) {
        path[len] = '\0';
        slash = strrchr(path, '/');
        if (slash != NULL && (size_t)(slash + 1 - path) + sizeof(program) <= n) {
            memcpy(slash + 1, program, sizeof(program));
            if (access(path, X_OK) == 0) {
                return;
            }
        }
    }
    snprintf(path, n, "%s", program);
}

/* In the child: a group of its own, so that a Ctrl-C at the terminal reaches it only through us. */
static void become_plant(char **argv, const char *path, int out)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(out, STDOUT_FILENO);
    execvp(path, argv);
    fprintf(stderr, "heatwatt demo: cannot start %s: %s\n", path, strerror(errno));
    _exit(127);
}

static bool said_ready(int fd, int ready_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char line[64];
    ssize_t n;

    if (poll(&p, 1, ready_ms) <= 0) {
        return false;
    }
    n = read(fd, line, sizeof(line));
    return n >= 5 && memcmp(line, "ready", 5) == 0;
}

pid_t plant_start(char **argv, int ready_ms)
{
    char path[4096];
    int out[2];
    pid_t pid;

    find_program(path, sizeof(path));
    argv[0] = path;
    if (pipe(out) != 0) {
        perror("heatwatt demo: pipe");
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        close(out[0]);
        become_plant(argv, path, out[1]);
    }
    close(out[1]);
    if (pid > 0 && !said_ready(out[0], ready_ms)) {
        fprintf(stderr, "heatwatt demo: %s did not get ready\n", path);
        plant_stop(pid);
        pid = -1;
    }
    close(out[0]);
    return pid;
}

void plant_stop(pid_t pid)
{
    if (pid <= 0 || kill(pid, SIGTERM) != 0) {
        return;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}
