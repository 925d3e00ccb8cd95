/*
 * zone_edges.c: where the days, weeks … of a zone begin; for tests/system/test_zones.py. A line
 * "ZONE UNIT FROM_MS N" on stdin (UNIT: 0 day, 1 week, 2 month, 3 year) is answered by a line: the
 * start of the unit that holds FROM_MS and the N starts after it; "text ZONE UNIX_MS" by the
 * instant as text; both by "error NAME" when the zone cannot be had.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/calendar.h"

static void edges(const struct zone *z, unsigned unit, int64_t ms, unsigned n)
{
    ms = calendar_start_ms(z, (enum calendar_unit)unit, ms);
    printf("%" PRId64, ms);
    for (unsigned i = 0; i < n; i++) {
        ms = calendar_next_ms(z, (enum calendar_unit)unit, ms);
        printf(" %" PRId64, ms);
    }
    putchar('\n');
}

static void text(const struct zone *z, int64_t ms)
{
    char p[CALENDAR_TEXT_MAX];
    size_t n = calendar_text(p, ms, zone_offset_s(z, ms / 1000, NULL));

    printf("%.*s\n", (int)n, p);
}

int main(void)
{
    char line[200], name[80];
    unsigned unit, n;
    int64_t ms;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        bool as_text = sscanf(line, "text %79s %" SCNd64, name, &ms) == 2;
        struct zone *z = NULL;
        int err = HWT_ERR_ARGUMENT;

        if (as_text || (sscanf(line, "%79s %u %" SCNd64 " %u", name, &unit, &ms, &n) == 4 &&
                        unit < CALENDAR_UNITS)) {
            z = zone_load(name, &err);
        }
        if (z == NULL) {
            printf("error %s\n", hwt_err_name(err));
        } else if (as_text) {
            text(z, ms);
        } else {
            edges(z, unit, ms, n);
        }
        zone_free(z);
        fflush(stdout);
    }
    return 0;
}
