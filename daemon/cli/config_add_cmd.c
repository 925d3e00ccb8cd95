#include "daemon/cli/config_add_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/run/config_add.h"
#include "daemon/run/config_files.h"
#include "daemon/run/config_tree.h"

static const char usage[] =
    "usage: heatwatt config add [--check] FILE SOURCE\n"
    "\n"
    "Adds a source to the configuration FILE, comments and all else kept; the old file is kept as\n"
    "FILE.bak. SOURCE is a file with the lines \"- id: ...\", as `heatwatt scan` proposes them, or "
    "-\n"
    "for standard input. What would not be right is told, and nothing written. A running daemon\n"
    "takes it with the signal HUP.\n"
    "  --check  write nothing\n";

/* False after a sentence on stderr. */
static bool read_item(const char *path, char **text_out, size_t *n_out)
{
    bool is_input = strcmp(path, "-") == 0, ok;
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    ok = fd >= 0 && config_read_file(fd, text_out, n_out);
    if (!ok) {
        fprintf(stderr, "heatwatt config add: %s: %s\n", path, strerror(errno));
    } else if (*n_out > CONFIG_FILE_MAX) {
        fprintf(stderr, "heatwatt config add: %s: is larger than %d bytes\n", path,
                CONFIG_FILE_MAX);
        free(*text_out);
        ok = false;
    }
    if (fd >= 0 && !is_input) {
        close(fd);
    }
    return ok;
}

static int add(const char *path, const char *from, bool check_only)
{
    struct config_problems problems;
    enum config_add_result result;
    char *item;
    size_t n;

    if (!read_item(from, &item, &n)) {
        return 1;
    }
    config_problems_init(&problems);
    result = config_add(path, item, n, check_only, &problems);
    free(item);
    if (result != CONFIG_ADD_OK) {
        config_problems_write(&problems, stderr);
        fprintf(stderr, "%s: nothing was changed\n", path);
    } else if (check_only) {
        printf("%s: would be right\n", path);
    } else {
        printf("%s: added; the old file is %s.bak\n", path, path);
    }
    config_problems_free(&problems);
    return result == CONFIG_ADD_OK ? 0 : 1;
}

int config_add_main(int argc, char **argv)
{
    const char *path[2];
    bool check_only = false;
    int count = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0) {
            check_only = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return 0;
        } else if (count < 2 && (argv[i][0] != '-' || (count == 1 && argv[i][1] == '\0'))) {
            path[count++] = argv[i];
        } else {
            fprintf(stderr, "heatwatt config add: what is \"%s\"?\n%s", argv[i], usage);
            return 2;
        }
    }
    if (count != 2) {
        fputs(usage, stderr);
        return 2;
    }
    return add(path[0], path[1], check_only);
}
