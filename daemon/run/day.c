#include "daemon/run/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void day_use_zone(const char *zone)
{
    char value[80];

    snprintf(value, sizeof(value), ":%s", zone);
    setenv("TZ", value, 1);
    tzset();
}

int64_t day_start_ms(int64_t unix_ms)
{
    time_t t = (time_t)(unix_ms / 1000);
    struct tm tm;

    localtime_r(&t, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}
