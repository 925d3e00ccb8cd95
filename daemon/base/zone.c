/*
 * zone.c: TZif files.
 *
 *   header 44 │ data with times of 4 bytes │ header 44 │ data with times of 8 bytes │ \n rule \n
 *   "TZif" version 0*15 isutcnt isstdcnt leapcnt timecnt typecnt charcnt     (each 4, big-endian)
 *   data: times[timecnt] types[timecnt] {offset 4, isdst 1, name 1}[typecnt] names[charcnt]
 *         leaps[leapcnt] isstd[isstdcnt] isut[isutcnt]
 *
 * Version 1 has only the first header and data, and no rule. RFC 8536, 3.
 */
#include "daemon/base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "daemon/base/zone_rule.h"

enum { TYPES_MAX = 256 };

struct zone {
    struct zone_rule rule; /* from the last transition on, if has_rule */
    bool has_rule;
    int32_t first_offset_s; /* before the first transition */
    uint32_t count;
    struct zone_transition {
        int64_t at_s;
        int32_t offset_s; /* from then on */
    } transition[];
};

struct head {
    uint8_t version;
    uint32_t isut, isstd, leap, time, type, chars;
};

static int get_head(struct hwt_reader *r, struct head *head_out)
{
    const uint8_t *magic = hwt_get_bytes(r, 4);

    if (magic == NULL || memcmp(magic, "TZif", 4) != 0) {
        return HWT_ERR_NOT_MINE;
    }
    head_out->version = hwt_get_u8(r);
    (void)hwt_get_bytes(r, 15);
    head_out->isut = (uint32_t)hwt_get_be(r, 4);
    head_out->isstd = (uint32_t)hwt_get_be(r, 4);
    head_out->leap = (uint32_t)hwt_get_be(r, 4);
    head_out->time = (uint32_t)hwt_get_be(r, 4);
    head_out->type = (uint32_t)hwt_get_be(r, 4);
    head_out->chars = (uint32_t)hwt_get_be(r, 4);
    return r->ok ? 0 : HWT_ERR_LENGTH;
}

/* Bytes of the data behind a header, of counts below 2^32: fits. */
static uint64_t data_size(const struct head *h, unsigned time_size)
{
    return (uint64_t)h->time * (time_size + 1) + (uint64_t)h->type * 6 + h->chars +
           (uint64_t)h->leap * (time_size + 4) + h->isstd + h->isut;
}

/* The offsets of the types: SANITY if one cannot be. */
static int get_types(struct hwt_reader *r, const struct head *h, int32_t offset_out[TYPES_MAX])
{
    for (uint32_t i = 0; i < h->type; i++) {
        int32_t offset = (int32_t)(uint32_t)hwt_get_be(r, 4);

        (void)hwt_get_bytes(r, 2);
        if (offset < -ZONE_OFFSET_MAX_S || offset > ZONE_OFFSET_MAX_S) {
            return HWT_ERR_SANITY;
        }
        offset_out[i] = offset;
    }
    return 0;
}

/* The data: `r` stands at its start and is known to hold all of it. */
static int get_data(struct hwt_reader *r, const struct head *h, unsigned time_size, struct zone *z)
{
    struct hwt_reader types = *r;
    int32_t offset[TYPES_MAX];
    const uint8_t *type;
    int err;

    (void)hwt_get_bytes(&types, (size_t)h->time * time_size);
    type = hwt_get_bytes(&types, h->time);
    err = get_types(&types, h, offset);
    for (uint32_t i = 0; err == 0 && i < h->time; i++) {
        uint64_t u = hwt_get_be(r, time_size);
        int64_t at = time_size == 4 ? (int32_t)(uint32_t)u : (int64_t)u;

        if (type[i] >= h->type || (i > 0 && at <= z->transition[i - 1].at_s)) {
            return HWT_ERR_SANITY;
        }
        z->transition[i].at_s = at;
        z->transition[i].offset_s = offset[type[i]];
    }
    z->count = h->time;
    z->first_offset_s = offset[0];
    return err;
}

/* "\n rule \n" to the end of the file. */
static int get_footer(struct hwt_reader *r, struct zone *z)
{
    size_t n = hwt_reader_left(r);
    const char *p = (const char *)hwt_get_bytes(r, n);
    const char *end = n > 1 ? memchr(p + 1, '\n', n - 1) : NULL;

    if (n < 2 || p[0] != '\n' || end == NULL) {
        return HWT_ERR_LENGTH;
    }
    z->has_rule = end > p + 1;
    return z->has_rule ? zone_rule_parse(&z->rule, p + 1, (size_t)(end - p - 1)) : 0;
}

struct zone *zone_parse(const void *p, size_t n, int *err_out)
{
    struct hwt_reader r;
    struct head head;
    struct zone *z = NULL;
    unsigned time_size = 4;

    hwt_reader_init(&r, p, n);
    *err_out = get_head(&r, &head);
    if (*err_out == 0 && head.version != 0) { /* the second of the two */
        if (data_size(&head, 4) > hwt_reader_left(&r)) {
            *err_out = HWT_ERR_LENGTH;
        } else {
            (void)hwt_get_bytes(&r, (size_t)data_size(&head, 4));
            *err_out = get_head(&r, &head);
            time_size = 8;
        }
    }
    if (*err_out == 0 && data_size(&head, time_size) > hwt_reader_left(&r)) {
        *err_out = HWT_ERR_LENGTH;
    }
    if (*err_out == 0 && (head.type < 1 || head.type > TYPES_MAX)) {
        *err_out = HWT_ERR_SANITY;
    }
    if (*err_out == 0 && head.leap > 0) {
        *err_out = HWT_ERR_UNSUPPORTED;
    }
    if (*err_out != 0) {
        return NULL;
    }
    z = calloc(1, sizeof(*z) + head.time * sizeof(z->transition[0]));
    if (z == NULL) {
        *err_out = HWT_ERR_SPACE;
        return NULL;
    }
    *err_out = get_data(&(struct hwt_reader){r.p, r.n, r.at, true}, &head, time_size, z);
    (void)hwt_get_bytes(&r, (size_t)data_size(&head, time_size));
    if (*err_out == 0 && time_size == 8) {
        *err_out = get_footer(&r, z);
    }
    if (*err_out != 0) {
        free(z);
        return NULL;
    }
    return z;
}

/* A name that stays inside the folder. */
static bool is_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t n = strlen(name);

    return n >= 1 && n <= ZONE_NAME_MAX && strspn(name, allowed) == n && name[0] != '/';
}

/* The file's length, or a negative enum hwt_err. */
static ssize_t read_file(const char *path, char *p, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t n = 0;
    ssize_t got;

    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? HWT_ERR_NOT_FOUND : HWT_ERR_IO;
    }
    do {
        got = read(fd, p + n, room - n);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0 && n < room);
    close(fd);
    if (got < 0) {
        return errno == EISDIR ? HWT_ERR_NOT_FOUND : HWT_ERR_IO;
    }
    return n == room ? HWT_ERR_LENGTH : (ssize_t)n;
}

struct zone *zone_load(const char *name, int *err_out)
{
    const char *folder = getenv("TZDIR"); /* as the C library looks */
    char path[PATH_MAX];
    struct zone *z = NULL;
    ssize_t n;
    char *p;

    *err_out = is_name(name) ? 0 : HWT_ERR_ARGUMENT;
    if (*err_out != 0) {
        return NULL;
    }
    if (strcmp(name, "UTC") == 0) { /* known without the database */
        z = calloc(1, sizeof(*z));
        *err_out = z == NULL ? HWT_ERR_SPACE : 0;
        return z;
    }
    snprintf(path, sizeof(path), "%s/%s",
             folder != NULL && folder[0] != '\0' ? folder : "/usr/share/zoneinfo", name);
    p = malloc(ZONE_FILE_MAX);
    if (p == NULL) {
        *err_out = HWT_ERR_SPACE;
        return NULL;
    }
    n = read_file(path, p, ZONE_FILE_MAX);
    if (n < 0) {
        *err_out = (int)n;
    } else {
        z = zone_parse(p, (size_t)n, err_out);
    }
    free(p);
    return z;
}

void zone_free(struct zone *z)
{
    free(z);
}

int32_t zone_offset_s(const struct zone *z, int64_t unix_s, int64_t *until_s_out)
{
    uint32_t low = 0, high = z->count; /* the first transition after unix_s */
    int32_t offset;
    int64_t until;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (z->transition[middle].at_s <= unix_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == z->count && z->has_rule) {
        offset = zone_rule_offset_s(&z->rule, unix_s, &until);
    } else {
        offset = low == 0 ? z->first_offset_s : z->transition[low - 1].offset_s;
        until = low < z->count ? z->transition[low].at_s : INT64_MAX;
    }
    if (until_s_out != NULL) {
        *until_s_out = until;
    }
    return offset;
}
