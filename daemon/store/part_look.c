#include "daemon/store/part_look.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/tslog/tslog.h"

enum { LOOK_BYTES = 128 * 1024, MAGIC_MAX = 12 };

/* Offsets and magic numbers: the kernel's linux/magic.h and the on-disk headers of each; GPT: UEFI
 * 2.10, 5.3.2. Where two match, the first row names it: a FAT's boot sector also ends as a
 * partition table does. */
static const struct signature {
    unsigned at, n;
    const char magic[MAGIC_MAX];
    const char *what;
} signatures[] = {
    {512, 8, "EFI PART", "a partition table (GPT)"},
    {4096, 8, "EFI PART", "a partition table (GPT)"},
    {0x438, 2, "\x53\xEF", "an ext2, ext3 or ext4 file system"},
    {0, 4, "XFSB", "an XFS file system"},
    {0x10040, 8, "_BHRfS_M", "a Btrfs file system"},
    {1024, 4, "\x10\x20\xF5\xF2", "an F2FS file system"},
    {3, 8, "EXFAT   ", "an exFAT file system"},
    {3, 8, "NTFS    ", "an NTFS file system"},
    {54, 3, "FAT", "a FAT file system"},
    {82, 5, "FAT32", "a FAT file system"},
    {0, 4, "hsqs", "a squashfs"},
    {32769, 5, "CD001", "an ISO 9660 file system"},
    {0, 6, "LUKS\xBA\xBE", "an encrypted volume (LUKS)"},
    {512, 8, "LABELONE", "a physical volume of LVM"},
    {0, 4, "\xFC\x4E\x2B\xA9", "a member of a RAID"},
    {0, 4, "\xA9\x2B\x4E\xFC", "a member of a RAID"},
    {4096, 4, "\xA9\x2B\x4E\xFC", "a member of a RAID"},
    {4086, 10, "SWAPSPACE2", "swap space"},
    {65526, 10, "SWAPSPACE2", "swap space"},
    {510, 2, "\x55\xAA", "a partition table or boot sector"},
};

static size_t read_start(int fd, uint8_t *buf, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = pread(fd, buf + done, n - done, (off_t)done);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? 0 : done;
        }
        done += (size_t)got;
    }
    return done;
}

/* Both copies of the superblock begin so, and one is enough. */
static bool is_log(const uint8_t *buf)
{
    return memcmp(buf, "HWTL", 4) == 0 || memcmp(buf + HWT_TSLOG_PAGE, "HWTL", 4) == 0;
}

static const char *find_signature(const uint8_t *buf, size_t n)
{
    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        const struct signature *s = &signatures[i];

        if (s->at + s->n <= n && memcmp(buf + s->at, s->magic, s->n) == 0) {
            return s->what;
        }
    }
    return NULL;
}

static bool all_zero(const uint8_t *buf, size_t n)
{
    return n == 0 || (buf[0] == 0 && memcmp(buf, buf + 1, n - 1) == 0);
}

int part_look(int fd, char what_out[PART_WHAT_BYTES])
{
    uint8_t *buf = malloc(LOOK_BYTES);
    size_t n = buf != NULL ? read_start(fd, buf, LOOK_BYTES) : 0;
    const char *what;
    int content = -1;

    if (n >= (size_t)2 * HWT_TSLOG_PAGE) {
        what = find_signature(buf, n);
        content = what != NULL       ? PART_FOREIGN
                  : is_log(buf)      ? PART_LOG
                  : all_zero(buf, n) ? PART_BLANK
                                     : PART_FOREIGN;
        snprintf(what_out, PART_WHAT_BYTES, "%s", what != NULL ? what : "data of an unknown kind");
    }
    free(buf);
    return content;
}

bool part_mounted(const struct stat *st, char *where_out, size_t n)
{
    char line[4096], at[2048];
    unsigned major_no, minor_no;
    bool found = false;
    FILE *f = S_ISBLK(st->st_mode) ? fopen("/proc/self/mountinfo", "re") : NULL;

    /* id, parent, major:minor, root, mount point …: proc(5) */
    while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
        found = sscanf(line, "%*d %*d %u:%u %*s %2047s", &major_no, &minor_no, at) == 3 &&
                makedev(major_no, minor_no) == st->st_rdev;
    }
    if (found) {
        snprintf(where_out, n, "%s", at);
    }
    if (f != NULL) {
        fclose(f);
    }
    return found;
}
