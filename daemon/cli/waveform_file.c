#include "daemon/cli/waveform_file.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct octets {
    char *p; /* NUL terminated */
    size_t n;
};

struct numbers {
    double *p;
    size_t n, room;
};

static bool read_octets(const char *path, struct octets *out)
{
    FILE *f = fopen(path, "rb");
    long size = -1;

    memset(out, 0, sizeof(*out));
    if (f != NULL && fseek(f, 0, SEEK_END) == 0) {
        size = ftell(f);
        rewind(f);
    }
    if (size > WAVEFORM_OCTETS_MAX) {
        fprintf(stderr, "%s: larger than %d octets\n", path, WAVEFORM_OCTETS_MAX);
        fclose(f);
        return false;
    }
    out->p = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (out->p == NULL || fread(out->p, 1, (size_t)size, f) != (size_t)size) {
        fprintf(stderr, "%s: %s\n", path, errno != 0 ? strerror(errno) : "cannot be read");
        free(out->p);
        out->p = NULL;
    } else {
        out->n = (size_t)size;
        out->p[out->n] = '\0';
    }
    if (f != NULL) {
        fclose(f);
    }
    return out->p != NULL;
}

static bool append(struct numbers *to, double x)
{
    if (to->n == to->room) {
        size_t room = to->room > 0 ? 2 * to->room : 4096;
        double *p = realloc(to->p, room * sizeof(*p));

        if (p == NULL) {
            return false;
        }
        to->p = p;
        to->room = room;
    }
    to->p[to->n++] = x;
    return true;
}

/* --- .npy ------------------------------------------------------------------------------------ */

struct npy {
    char type[4];         /* "<f8" */
    size_t rows, columns; /* one dimension: a row */
    size_t data;          /* where it begins */
};

/* The text after 'key': in the header's dictionary, or NULL. */
static const char *find_key(const char *header, const char *key)
{
    const char *at = strstr(header, key);

    at = at != NULL ? strchr(at + strlen(key), ':') : NULL;
    return at != NULL ? at + 1 + strspn(at + 1, " ") : NULL;
}

static bool parse_shape(const char *at, struct npy *out)
{
    unsigned long long rows = 1, columns = 0;
    int end = 0;

    if (at == NULL) {
        return false;
    }
    if (sscanf(at, "(%llu, %llu)%n", &rows, &columns, &end) != 2 || end == 0) {
        rows = 1;
        if (sscanf(at, "(%llu,)%n", &columns, &end) != 1 || end == 0) {
            return false;
        }
    }
    if (rows == 0 || columns == 0 || columns > WAVEFORM_OCTETS_MAX ||
        rows > WAVEFORM_OCTETS_MAX / columns) {
        return false;
    }
    out->rows = (size_t)rows;
    out->columns = (size_t)columns;
    return true;
}

static size_t item_size(const char *type)
{
    return strcmp(type, "<f8") == 0                               ? 8
           : strcmp(type, "<f4") == 0 || strcmp(type, "<i4") == 0 ? 4
           : strcmp(type, "<i2") == 0                             ? 2
                                                                  : 0;
}

/* NULL: good; else what is wrong. */
static const char *parse_npy(const struct octets *file, struct npy *out)
{
    const uint8_t *p = (const uint8_t *)file->p;
    size_t begin, size;
    const char *descr, *order;
    char *header = file->p;

    if (file->n < 12 || p[6] < 1 || p[6] > 3) {
        return "not a version of .npy that is known";
    }
    begin = p[6] == 1 ? 10 : 12;
    size = p[8] | (size_t)p[9] << 8;
    size |= p[6] == 1 ? 0 : (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (size == 0 || size > file->n - begin) {
        return "its header is longer than the file";
    }
    header += begin;
    header[size - 1] = '\0'; /* a line feed */
    descr = find_key(header, "'descr'");
    order = find_key(header, "'fortran_order'");
    if (descr == NULL || sscanf(descr, "'%3[<a-z0-9]'", out->type) != 1 ||
        item_size(out->type) == 0) {
        return "its numbers are not little-endian f4, f8, i2 or i4";
    }
    if (order == NULL || strncmp(order, "False", 5) != 0) {
        return "its order is Fortran's";
    }
    if (!parse_shape(find_key(header, "'shape'"), out)) {
        return "its shape is not (n,) or (rows, n)";
    }
    out->data = begin + size;
    if (out->rows * out->columns * item_size(out->type) > file->n - out->data) {
        return "it is shorter than its shape";
    }
    return NULL;
}

static double item(const char *type, const uint8_t *p)
{
    uint64_t bits = 0;
    double wide;
    float narrow;

    for (size_t k = item_size(type); k > 0; k--) {
        bits = bits << 8 | p[k - 1];
    }
    if (type[1] == 'i') {
        return type[2] == '2' ? (int16_t)(uint16_t)bits : (int32_t)(uint32_t)bits;
    }
    if (type[2] == '4') {
        uint32_t half = (uint32_t)bits;

        memcpy(&narrow, &half, sizeof(narrow));
        return (double)narrow;
    }
    memcpy(&wide, &bits, sizeof(wide));
    return wide;
}

static bool read_npy(const char *path, const struct octets *file, size_t row, struct numbers *out)
{
    struct npy npy = {.rows = 0};
    const char *wrong = parse_npy(file, &npy);
    const uint8_t *at;

    if (wrong != NULL) {
        fprintf(stderr, "%s: %s\n", path, wrong);
        return false;
    }
    if (row >= npy.rows) {
        fprintf(stderr, "%s: no row %zu, it has %zu (counted from 0)\n", path, row, npy.rows);
        return false;
    }
    at = (const uint8_t *)file->p + npy.data + row * npy.columns * item_size(npy.type);
    for (size_t k = 0; k < npy.columns; k++, at += item_size(npy.type)) {
        double x = item(npy.type, at);

        if (!isfinite(x)) {
            fprintf(stderr, "%s: number %zu of row %zu is not finite\n", path, k, row);
            return false;
        }
        if (!append(out, x)) {
            fprintf(stderr, "%s: out of memory\n", path);
            return false;
        }
    }
    return true;
}

/* --- text ------------------------------------------------------------------------------------ */

/* One finite number; *end_out is behind it. */
static bool parse_number(const char *at, const char **end_out, double *out)
{
    char *end;

    *out = strtod(at, &end);
    *end_out = end;
    return end != at && isfinite(*out);
}

/* A line of `columns` numbers, with commas between; NULL where it does not end as it should. */
static bool parse_line(const char *at, const char *end, unsigned columns, double *out)
{
    for (unsigned k = 0; k < columns; k++) {
        if (!parse_number(at, &at, &out[k]) || at > end) {
            return false;
        }
        at += strspn(at, " \t");
        if (k + 1 < columns) {
            if (*at != ',') {
                return false;
            }
            at++;
        }
    }
    at += strspn(at, " \t\r");
    return at == end;
}

/* Lines of numbers into to[0..columns-1]; `heading`, if not NULL, is passed over. */
static bool read_lines(const char *path, const char *text, unsigned columns, const char *heading,
                       struct numbers *to)
{
    unsigned number = 0;

    for (const char *line = text; *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        double x[2];

        number++;
        if (line[0] != '#' && line != end && line[0] != '\r' &&
            !(heading != NULL && strncmp(line, heading, strlen(heading)) == 0)) {
            if (!parse_line(line, end, columns, x)) {
                fprintf(stderr, "%s:%u: not %s\n", path, number,
                        columns == 2 ? "two numbers with a comma between" : "one number");
                return false;
            }
            for (unsigned k = 0; k < columns; k++) {
                if (!append(&to[k], x[k])) {
                    fprintf(stderr, "%s: out of memory\n", path);
                    return false;
                }
            }
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return true;
}

static bool read_column(const char *path, size_t row, struct numbers *out)
{
    struct octets file;
    bool good;

    memset(out, 0, sizeof(*out));
    if (!read_octets(path, &file)) {
        return false;
    }
    if (file.n >= 6 && memcmp(file.p, "\x93NUMPY", 6) == 0) {
        good = read_npy(path, &file, row, out);
    } else if (row > 0) {
        fprintf(stderr, "%s: text has one row only, 0\n", path);
        good = false;
    } else {
        good = read_lines(path, file.p, 1, NULL, out);
    }
    free(file.p);
    return good;
}

bool waveform_read_pair(const char *voltage, const char *current, size_t row, struct waveform *out)
{
    struct numbers v = {0}, i = {0};
    bool good = read_column(voltage, row, &v) && read_column(current, row, &i);

    if (good && v.n != i.n) {
        fprintf(stderr, "%s has %zu samples, %s has %zu\n", voltage, v.n, current, i.n);
        good = false;
    }
    *out = (struct waveform){.v = v.p, .i = i.p, .n = v.n};
    if (!good) {
        waveform_free(out);
    }
    return good;
}

bool waveform_read_csv(const char *path, struct waveform *out)
{
    struct numbers to[2] = {{0}, {0}};
    struct octets file;
    const char *end;
    bool good;

    memset(out, 0, sizeof(*out));
    if (!read_octets(path, &file)) {
        return false;
    }
    good = strncmp(file.p, "# rate_hz=", 10) == 0 &&
           parse_number(file.p + 10, &end, &out->rate_hz) &&
           (*end == '\n' || *end == '\r' || *end == ' ');
    if (!good) {
        fprintf(stderr, "%s:1: does not begin with \"# rate_hz=...\"\n", path);
    }
    good = good && read_lines(path, file.p, 2, "v,i", to);
    free(file.p);
    out->v = to[0].p;
    out->i = to[1].p;
    out->n = to[0].n;
    if (!good) {
        waveform_free(out);
    }
    return good;
}

void waveform_free(struct waveform *w)
{
    free(w->v);
    free(w->i);
    memset(w, 0, sizeof(*w));
}
