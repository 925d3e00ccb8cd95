#include "bench/engines/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MEASUREMENT "house"

static char *put_text(char *p, const char *text)
{
    size_t n = strlen(text);

    memcpy(p, text, n);
    return p + n;
}

/* v / 10^decimals */
static char *put_number(char *p, int64_t v, unsigned decimals)
{
    char digits[24];
    unsigned n = 0;

    if (v < 0) {
        *p++ = '-';
        v = -v;
    }
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0 || n <= decimals);
    while (n > 0) {
        if (n == decimals) {
            *p++ = '.';
        }
        *p++ = digits[--n];
    }
    return p;
}

char *text_row(char *p, enum text_form form, const int32_t *row, size_t number)
{
    int64_t at_s = YEAR_FROM_S + (int64_t)number * YEAR_STEP_S;

    p = form == TEXT_CSV ? put_number(p, (at_s + YEAR_STEP_S) * 1000, 0) : put_text(p, MEASUREMENT);
    for (size_t c = 0; c < YEAR_SERIES; c++) {
        *p++ = form != TEXT_CSV && c == 0 ? ' ' : ',';
        if (form != TEXT_CSV) {
            p = put_text(p, year_series[c].id);
            *p++ = '=';
        }
        p = put_number(p, row[c], form == TEXT_INTEGERS ? 0 : year_series[c].decimals);
        if (form == TEXT_INTEGERS) {
            *p++ = 'i';
        }
    }
    if (form != TEXT_CSV) {
        *p++ = ' ';
        p = put_number(p, at_s, 0);
    }
    *p++ = '\n';
    return p;
}

void text_csv_file(const char *path, const struct data *d)
{
    FILE *f = fopen(path, "wb");
    char line[TEXT_ROW_MAX];
    bool ok = f != NULL && fputs("time", f) >= 0;

    for (size_t c = 0; ok && c < YEAR_SERIES; c++) {
        ok = fprintf(f, ",%s", year_series[c].id) > 0;
    }
    ok = ok && fputc('\n', f) != EOF;
    for (size_t r = 0; ok && r < d->rows; r++) {
        size_t n = (size_t)(text_row(line, TEXT_CSV, d->row[r], r) - line);

        ok = fwrite(line, n, 1, f) == 1;
    }
    if (!ok || fclose(f) != 0) {
        die("%s: cannot be written", path);
    }
}
