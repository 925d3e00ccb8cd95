/* doctor_disk.c: the checks of folder, partition, space and wear. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/cli/doctor_checks.h"
#include "daemon/store/log_dir.h"

/* Of each commit, docs/LOG.md, "How often it is written": the journal's and our own; a page. */
#define COMMIT_BYTES           20000.0
#define COMMIT_BYTES_PARTITION 4096.0
/* docs/LOG.md, "How long records stay": 0.42 to 2.0, by how noisy they are. */
#define VALUE_BYTES 0.8
/* A year of the default on a memory card is beyond this, a window of 60 s is not. */
#define CARD_GB_A_YEAR 25.0

enum { TMPFS = 0x01021994 /* statfs(2) */, HOURS_A_YEAR = 8766, LOW_WEAR_S = 60, PATH_ROOM = 1200 };

/* --- the folder --- */

/* The folder, or the nearest above it that is there. */
static void nearest(const char *dir, char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, "%s", dir);
    while (access(path, F_OK) != 0) {
        char *slash = strrchr(path, '/');

        if (slash == NULL || slash == path) {
            snprintf(path, PATH_ROOM, "%s", slash == path ? "/" : ".");
            return;
        }
        *slash = '\0';
    }
}

void doctor_check_folder(struct doctor *d, const struct config *c)
{
    char path[PATH_ROOM], log[PATH_ROOM], advice[PATH_ROOM + 64];
    struct stat st;
    struct statfs fs;

    nearest(c->data_dir, path);
    snprintf(advice, sizeof(advice), "sudo install -d -o %s %.200s", doctor_user_name(),
             c->data_dir);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        doctor_add(d, DOCTOR_FAIL, "folder", "choose another data_dir", "%s: not a folder", path);
        return;
    }
    if (access(path, W_OK | X_OK) != 0) {
        doctor_add(d, DOCTOR_FAIL, "folder", advice, "%s: %s may not write there", path,
                   doctor_user_name());
        return;
    }
    snprintf(log, sizeof(log), "%.1000s/log/control.hwl", c->data_dir);
    if (access(log, F_OK) == 0 && access(log, R_OK | W_OK) != 0) {
        doctor_add(d, DOCTOR_FAIL, "folder",
                   "run as the user whose log it is, or give it to this one with chown",
                   "%s: %s may not write it", log, doctor_user_name());
        return;
    }
    if (statfs(path, &fs) == 0 && (long)fs.f_type == TMPFS) {
        doctor_add(d, DOCTOR_WARN, "folder", "choose a data_dir on a disk",
                   "%s is in memory: all is lost when the power goes", c->data_dir);
        return;
    }
    doctor_add(d, DOCTOR_OK, "folder", "", "%s: %s may write there%s", c->data_dir,
               doctor_user_name(), strcmp(path, c->data_dir) == 0 ? "" : "; it will be made");
}

void doctor_check_partition(struct doctor *d, const struct config *c)
{
    char why[300], advice[PATH_ROOM];
    struct log_dir *log;

    if (c->log_partition[0] == '\0') {
        return;
    }
    if (access(c->log_partition, F_OK) == 0 && access(c->log_partition, R_OK | W_OK) != 0) {
        doctor_add(d, DOCTOR_FAIL, "partition",
                   "give it to the user that heatwatt runs as, by a udev rule (OWNER=)",
                   "%s: %s may not use it", c->log_partition, doctor_user_name());
        return;
    }
    log = log_dir_open(c->log_partition, true, why, sizeof(why));
    if (log == NULL) {
        snprintf(advice, sizeof(advice),
                 "if nothing on it is needed: heatwatt log format %.200s --yes", c->log_partition);
        doctor_add(d, DOCTOR_FAIL, "partition", advice, "%s", why);
        return;
    }
    log_dir_close(log);
    doctor_add(d, DOCTOR_OK, "partition", "", "%s holds a log", c->log_partition);
}

/* --- space and wear --- */

/* Years that so many MB last. */
static double years_of(const struct config *c, double mb)
{
    double values_a_year =
        (double)config_channel_count(c) * 3600.0 * HOURS_A_YEAR / (double)c->record_s;

    return mb * 1e6 / (values_a_year * VALUE_BYTES);
}

static uint64_t bytes_of_log(const struct config *c)
{
    char pattern[PATH_ROOM];
    glob_t found;
    uint64_t bytes = 0;

    snprintf(pattern, sizeof(pattern), "%.1000s/log/*.hwl", c->data_dir);
    if (glob(pattern, 0, NULL, &found) != 0) {
        return 0;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat st;

        bytes += stat(found.gl_pathv[i], &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
    }
    globfree(&found);
    return bytes;
}

/* What the log may grow to, against how long it is to reach back. */
static void check_reach(struct doctor *d, const struct config *c, double log_mb, const char *text)
{
    double years = years_of(c, log_mb), asked = (double)c->log_keep_days * 24.0 / HOURS_A_YEAR;
    char advice[160];

    if (asked > years) {
        snprintf(advice, sizeof(advice), "log.max_mb: %.0f, or fewer log.keep_days",
                 log_mb * asked / years + 1);
        doctor_add(d, DOCTOR_WARN, "space", advice,
                   "%s: about %.1f years of %zu channels at %u s, but log.keep_days asks for %.1f",
                   text, years, config_channel_count(c), c->record_s, asked);
        return;
    }
    doctor_add(d, DOCTOR_OK, "space", "", "%s: about %.1f years of %zu channels at %u s", text,
               years, config_channel_count(c), c->record_s);
}

static void check_partition_space(struct doctor *d, const struct config *c)
{
    int fd = open(c->log_partition, O_RDONLY | O_CLOEXEC);
    off_t bytes = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    double mb = (double)bytes / 1e6;
    char text[80];

    if (fd >= 0) {
        close(fd);
    }
    if (bytes > 0) { /* else it was said */
        mb = c->log_max_mb > 0 && (double)c->log_max_mb < mb ? (double)c->log_max_mb : mb;
        snprintf(text, sizeof(text), "%.0f MB of the partition", mb);
        check_reach(d, c, mb, text);
    }
}

void doctor_check_space(struct doctor *d, const struct config *c)
{
    char path[PATH_ROOM], advice[160], text[120];
    struct statvfs fs;
    double free_mb, has_mb = (double)bytes_of_log(c) / 1e6, needed_mb;

    if (c->log_partition[0] != '\0') {
        check_partition_space(d, c);
        return;
    }
    nearest(c->data_dir, path);
    if (statvfs(path, &fs) != 0) {
        doctor_add(d, DOCTOR_FAIL, "space", "", "%s: %s", path, strerror(errno));
        return;
    }
    free_mb = (double)fs.f_bavail * (double)fs.f_frsize / 1e6;
    needed_mb = (double)c->log_max_mb > has_mb ? (double)c->log_max_mb - has_mb : 0;
    if (free_mb < needed_mb) {
        snprintf(advice, sizeof(advice), "free some space, or set log.max_mb to %.0f",
                 has_mb + free_mb * 0.9);
        doctor_add(d, free_mb < 64 ? DOCTOR_FAIL : DOCTOR_WARN, "space", advice,
                   "%.0f MB free, but the log may grow by %.0f MB (log.max_mb: %.0f)", free_mb,
                   needed_mb, (double)c->log_max_mb);
        return;
    }
    snprintf(text, sizeof(text), "%.0f MB free; the log has %.0f of %.0f MB", free_mb, has_mb,
             (double)c->log_max_mb);
    check_reach(d, c, (double)c->log_max_mb, text);
}

double doctor_bytes_an_hour(size_t channels, unsigned record_s, unsigned commit_s, bool partition)
{
    /* a commit comes with the first record after the window */
    unsigned period_s = (commit_s / record_s + 1) * record_s;

    return 3600.0 / period_s * (partition ? COMMIT_BYTES_PARTITION : COMMIT_BYTES) +
           (double)channels * 3600.0 / record_s * VALUE_BYTES;
}

/* Whether the log is on a memory card or an eMMC: such devices are called mmcblk. */
static bool on_a_card(const struct config *c)
{
    char path[PATH_ROOM], link[64], target[PATH_ROOM];
    bool partition = c->log_partition[0] != '\0';
    struct stat st;
    dev_t device;
    ssize_t n;

    if (!partition) {
        nearest(c->data_dir, path);
    }
    if (stat(partition ? c->log_partition : path, &st) != 0) {
        return false;
    }
    device = partition ? st.st_rdev : st.st_dev;
    snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(device), minor(device));
    n = readlink(link, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = '\0';
    return strstr(target, "mmcblk") != NULL;
}

void doctor_check_wear(struct doctor *d, const struct config *c)
{
    bool partition = c->log_partition[0] != '\0', card = on_a_card(c);
    size_t channels = config_channel_count(c);
    double bytes = doctor_bytes_an_hour(channels, c->record_s, c->commit_s, partition);
    double slow = doctor_bytes_an_hour(channels, c->record_s, LOW_WEAR_S, partition);
    double gb_a_year = bytes * HOURS_A_YEAR / 1e9;
    char advice[160] = "";

    if (card && gb_a_year > CARD_GB_A_YEAR && c->commit_s < LOW_WEAR_S) {
        snprintf(advice, sizeof(advice),
                 "log.profile: low_wear writes %.1f MB/h; a power cut then loses up to a minute",
                 slow / 1e6);
    }
    doctor_add(d, advice[0] != '\0' ? DOCTOR_WARN : DOCTOR_OK, "wear", advice,
               "the log writes about %.1f MB/h, %.0f GB a year (a commit each %u s)%s", bytes / 1e6,
               gb_a_year, c->commit_s, card ? ", to a memory card" : "");
}
