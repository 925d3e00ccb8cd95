/* A TZif file, and the local days made of it. */
#include <stdlib.h>

#include "daemon/base/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t year_10000_ms = 253402300800000;

/* A unit begins at or before the instant it holds and ends after it. */
static void check(const struct zone *z, enum calendar_unit unit, int64_t ms)
{
    int64_t start = calendar_start_ms(z, unit, ms), next = calendar_next_ms(z, unit, ms);

    if (start > ms || next <= ms || calendar_next_ms(z, unit, start) != next) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int err = 0;
    struct zone *z = zone_parse(data, size, &err);

    if ((z == NULL) != (err < 0)) {
        abort();
    }
    for (int64_t ms = 0; z != NULL && ms < year_10000_ms; ms += 1 + ms / 3) {
        char text[CALENDAR_TEXT_MAX];
        int64_t until;
        int32_t offset = zone_offset_s(z, ms / 1000, &until);

        if (until <= ms / 1000 || offset > ZONE_OFFSET_MAX_S || offset < -ZONE_OFFSET_MAX_S ||
            calendar_text(text, ms, offset) > sizeof(text)) {
            abort();
        }
        for (unsigned unit = 0; unit < CALENDAR_UNITS; unit++) {
            check(z, (enum calendar_unit)unit, ms);
        }
    }
    zone_free(z);
    return 0;
}
