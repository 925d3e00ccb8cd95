#include "daemon/run/config_save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/run/config_files.h"

enum { NAME_EXTRA = 16 /* of ".", ".XXXXXX", ".bak" */ };

struct place {
    char file[PATH_MAX]; /* not a link */
    char folder[PATH_MAX];
    const char *name; /* in file */
};

static bool find_place(const char *path, struct place *place)
{
    char *slash;

    if (realpath(path, place->file) == NULL) {
        return false;
    }
    slash = strrchr(place->file, '/');
    place->name = slash + 1;
    memcpy(place->folder, place->file, (size_t)(slash - place->file));
    place->folder[slash - place->file] = '\0';
    if (place->folder[0] == '\0') {
        strcpy(place->folder, "/");
    }
    if (strlen(place->file) + NAME_EXTRA >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

/* As `like`'s. Whoever owns the new file already need not be allowed to give files away. */
static bool take_on(int fd, const struct stat *like)
{
    struct stat now;

    if (fstat(fd, &now) != 0) {
        return false;
    }
    if ((now.st_uid != like->st_uid || now.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid) != 0) {
        return false;
    }
    return fchmod(fd, like->st_mode & 07777) == 0;
}

/* `target` holds these bytes then, or is as it was, with errno. */
static bool put_file(const struct place *place, const char *target, const struct stat *like,
                     const char *text, size_t n)
{
    char temporary[PATH_MAX + NAME_EXTRA];
    int fd, why;

    snprintf(temporary, sizeof(temporary), "%s/.%s.XXXXXX", place->folder, place->name);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (file_write_all(fd, text, n) && take_on(fd, like) && fsync(fd) == 0 &&
        rename(temporary, target) == 0) {
        close(fd);
        return file_sync_folder(place->folder);
    }
    why = errno;
    close(fd);
    unlink(temporary);
    errno = why;
    return false;
}

/* Still what the new text was made from? */
static bool unchanged(const char *file, const char *seen, size_t seen_n, struct stat *st_out)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text = NULL;
    size_t n = 0;
    bool same;

    if (fd < 0) {
        return false;
    }
    same = fstat(fd, st_out) == 0 && config_read_file(fd, &text, &n) && n == seen_n &&
           memcmp(text, seen, n) == 0;
    free(text);
    close(fd);
    return same;
}

static bool fail(struct config_problems *problems, const char *path, const char *folder)
{
    int why = errno;

    if (why == EACCES || why == EPERM || why == EROFS) {
        config_problems_add(problems, path, 0, NULL,
                            "cannot be written: %s; the user heatwatt runs as (%u) must be allowed "
                            "to write in %.120s, and to keep the file's owner",
                            strerror(why), (unsigned)geteuid(), folder);
    } else {
        config_problems_add(problems, path, 0, NULL, "cannot be written: %s", strerror(why));
    }
    return false;
}

bool config_save(const char *path, const char *seen, size_t seen_n, const char *text, size_t n,
                 struct config_problems *problems)
{
    char backup[PATH_MAX + NAME_EXTRA];
    struct place place;
    struct stat st;

    if (!find_place(path, &place)) {
        return fail(problems, path, path);
    }
    if (!unchanged(place.file, seen, seen_n, &st)) {
        config_problems_add(problems, path, 0, NULL,
                            "was changed by another meanwhile: look at it, and try again");
        return false;
    }
    snprintf(backup, sizeof(backup), "%s.bak", place.file);
    if (!put_file(&place, backup, &st, seen, seen_n) ||
        !put_file(&place, place.file, &st, text, n)) {
        return fail(problems, path, place.folder);
    }
    return true;
}
