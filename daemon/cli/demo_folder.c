#include "daemon/cli/demo_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/log_dir.h"

enum { PATH_BYTES = 1024 };

static bool fail(const char *path, const char *why)
{
    fprintf(stderr, "heatwatt demo: %s: %s\n", path, why);
    return false;
}

static bool make_absolute(char *dir, size_t n)
{
    char path[PATH_BYTES];
    size_t at;

    if (dir[0] == '/') {
        return true;
    }
    if (getcwd(path, sizeof(path)) == NULL) {
        return fail(dir, strerror(errno));
    }
    at = strlen(path);
    if (at + 1 + strlen(dir) >= n || at + 1 + strlen(dir) >= sizeof(path)) {
        return fail(dir, "the path is too long");
    }
    path[at] = '/';
    strcpy(path + at + 1, dir);
    strcpy(dir, path);
    return true;
}

/* Whether the configuration there, if any, is a demo's. */
static bool is_ours(const char *dir)
{
    char path[PATH_BYTES + 16], line[sizeof(DEMO_FOLDER_MARK)] = "";
    FILE *f;
    bool ours;

    snprintf(path, sizeof(path), "%s/heatwatt.yaml", dir);
    f = fopen(path, "r");
    if (f == NULL) {
        return errno == ENOENT || fail(path, strerror(errno));
    }
    ours = fgets(line, sizeof(line), f) != NULL && strcmp(line, DEMO_FOLDER_MARK) == 0;
    fclose(f);
    return ours || fail(path, "not written by a demo: choose another folder with --data");
}

bool demo_folder_make(char *dir, size_t n)
{
    const char *tmp = getenv("TMPDIR");
    struct stat st;

    if (dir[0] == '\0') {
        if (snprintf(dir, n, "%s/heatwatt-demo-XXXXXX", tmp != NULL ? tmp : "/tmp") >= (int)n) {
            return fail(tmp, "the path is too long");
        }
        if (mkdtemp(dir) == NULL) {
            return fail(tmp != NULL ? tmp : "/tmp", strerror(errno));
        }
        return make_absolute(dir, n);
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return fail(dir, strerror(errno));
    }
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return fail(dir, "not a folder");
    }
    if (access(dir, W_OK | X_OK) != 0) {
        return fail(dir, strerror(errno));
    }
    return make_absolute(dir, n) && is_ours(dir);
}

bool demo_folder_has_records(const char *dir)
{
    char path[PATH_BYTES + 16], why[512];
    const struct hwt_tslog_snapshot *snapshot;
    struct log_dir *log;
    bool any = false;

    snprintf(path, sizeof(path), "%s/log", dir);
    if (access(path, F_OK) != 0) {
        return false;
    }
    log = log_dir_open(path, true, why, sizeof(why));
    if (log == NULL) {
        return true; /* whatever it is, it is not ours to fill: the daemon will say why */
    }
    snapshot = log_dir_snapshot(log);
    for (int s = 0; s < HWT_TSLOG_STREAMS_MAX && !any; s++) {
        struct hwt_stream_info info;

        any = hwt_tslog_stream_info(snapshot, s, &info) == 0 && info.first <= info.last;
    }
    log_dir_close(log);
    return any;
}
