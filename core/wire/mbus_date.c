/*
 * mbus_date.c: dates and times of EN 13757-3, annex A. Bits count from the least significant of the
 * first octet sent.
 *
 *   G  16 bits  YYYDDDDD YYYYMMMM
 *   J  24 bits  ..SSSSSS ..MMMMMM ...HHHHH                       (seconds, minutes, hours)
 *   F  32 bits  I.MMMMMM SCCHHHHH YYYDDDDD YYYYMMMM              I invalid, S summer, C century
 *   I  48 bits  LDSSSSSS I.MMMMMM WWWHHHHH YYYDDDDD YYYYMMMM ..  L leap year, D summer
 *
 * Captured: 1A 2F 65 11 = 2011-01-05 15:26 (Kamstrup 601); 5F 1C = 2010-12-31.
 * Kept in local time: no telegram tells a zone.
 */
#include "core/wire/mbus_vif.h"

enum { YEAR_LAST = 99 }; /* 127 means "every year", 100..126 nothing */
enum {
    YEAR_LAST_2000 = 80
}; /* without a century: 00..80 are 2000 to 2080, 81..99 are 1981 to 1999 */

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month];
}

/* century 0 is what meters send that know none; else 1900 + 100 x century. */
static bool date_part(const uint8_t *p, unsigned century, struct hwt_mbus_date *d)
{
    unsigned year = (unsigned)(p[0] >> 5) | (unsigned)((p[1] & 0xF0) >> 1);
    unsigned month = p[1] & 0x0F;
    unsigned day = p[0] & 0x1F;

    if (year > YEAR_LAST || month < 1 || month > 12) {
        return false;
    }
    if (century == 0) {
        century = year <= YEAR_LAST_2000 ? 1 : 0;
    }
    year += 1900 + 100 * century;
    if (day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    d->year = (uint16_t)year;
    d->month = (uint8_t)month;
    d->day = (uint8_t)day;
    return true;
}

static bool time_part(unsigned hour, unsigned minute, unsigned second, struct hwt_mbus_date *d)
{
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    d->hour = (uint8_t)hour;
    d->minute = (uint8_t)minute;
    d->second = (uint8_t)second;
    return true;
}

static bool type_f(const uint8_t *p, struct hwt_mbus_date *d)
{
    d->summer = (p[1] & 0x80) != 0;
    return (p[0] & 0x80) == 0 && time_part(p[1] & 0x1F, p[0] & 0x3F, 0, d) &&
           date_part(p + 2, (p[1] >> 5) & 3, d);
}

static bool type_i(const uint8_t *p, struct hwt_mbus_date *d)
{
    d->summer = (p[0] & 0x40) != 0;
    return (p[1] & 0x80) == 0 && time_part(p[2] & 0x1F, p[1] & 0x3F, p[0] & 0x3F, d) &&
           date_part(p + 3, 0, d);
}

enum hwt_mbus_value_kind hwt_mbus_date_decode(const uint8_t *p, size_t n,
                                              struct hwt_mbus_date *date_out)
{
    struct hwt_mbus_date d = {0};
    enum hwt_mbus_value_kind kind = HWT_MBUS_NULL;

    if (n == 2 && date_part(p, 0, &d)) {
        kind = HWT_MBUS_DATE;
    } else if (n == 3 && time_part(p[2] & 0x1F, p[1] & 0x3F, p[0] & 0x3F, &d)) {
        kind = HWT_MBUS_TIME;
    } else if ((n == 4 && type_f(p, &d)) || (n == 6 && type_i(p, &d))) {
        kind = HWT_MBUS_DATE_TIME;
    }
    if (kind != HWT_MBUS_NULL) {
        *date_out = d;
    }
    return kind;
}
