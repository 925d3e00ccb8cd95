/* log_csv.c: any text as a CSV file for the log, of our own and of other systems. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/csv_text.h"
#include "daemon/store/import_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct csv_pair names[] = {{"Time", "time"}, {"hp_L1", "hp_power"}, {"*", "-"}};
static const struct csv_pair units[] = {{"a_power", "kW"}};
static const char *const sums[] = {"a_import"};

static int64_t half_an_hour(void *ctx, int64_t local_ms, int64_t after_ms)
{
    (void)ctx;
    (void)after_ms;
    return local_ms - 1800000;
}

static const struct csv_options options[] = {
    {0},
    {.map = names, .maps = 3, .zone = half_an_hour, .backward = CSV_BACKWARD_SKIP},
    {.columns = "time,a_power,a_import", .unit = units, .units = 1, .sum = sums, .sums = 1},
    {.time = CSV_TIME_S, .backward = CSV_BACKWARD_KEEP},
};

static void check_row(const struct import_rows *r, int64_t before, enum csv_backward backward)
{
    char text[CSV_NUMBER_MAX];

    if (r->span_ms == 0 || (r->unix_ms <= before && backward != CSV_BACKWARD_KEEP)) {
        abort();
    }
    for (unsigned i = 0; i < r->csv.schema.count; i++) {
        if (csv_put_value(text, r->value[i].v, 3600000) > sizeof(text)) {
            abort();
        }
    }
}

static void run(const struct csv_options *o, bool by_start, const char *text, size_t n)
{
    static struct import_rows r;
    struct csv_error error = {.line = 0};
    int64_t before = INT64_MIN, rows = 0, counted;
    int got = import_rows_measure(&r, o, by_start, text, n, &error);

    counted = r.csv.rows;
    got = got == 0 ? import_rows_rewind(&r, &error) : got;
    while (got == 0 && (got = import_rows_next(&r, &error)) == 1) {
        check_row(&r, before, o->backward);
        before = r.unix_ms;
        rows++;
        got = 0;
    }
    if (got == 0
            ? rows != counted
            : (error.line == 0 && o->columns == NULL) || error.column == 0 ||
                  memchr(error.text, '\0', sizeof(error.text)) == NULL || error.text[0] == '\0') {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        run(&options[i], false, (const char *)data, size);
        run(&options[i], true, (const char *)data, size);
    }
    return 0;
}
