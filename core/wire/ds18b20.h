/*
 * ds18b20.h: readings of DS18B20 temperature sensors as Linux tells them (w1_therm, w1_slave), and
 * which of them may be believed.
 *
 *   b9 01 4b 46 7f ff 07 10 a7 : crc=a7 YES      nine octets of the sensor, its sum found right
 *   b9 01 4b 46 7f ff 07 10 a7 t=27562           the same, and the temperature in 0.001 degC
 *
 * What a sensor tells that is none is refused with a reason: a wrong sum; nothing but zeros, whose
 * sum is right (a shorted wire); -127 and others out of its range; and 85.000, which is what it
 * holds from power-up until a conversion is done, unless it was about as warm just before.
 *
 * Source: Maxim DS18B20 data sheet (19-7487), memory and operation; Linux Documentation/w1/slaves/
 * w1_therm.rst. No clock, no files.
 */
#ifndef HWT_CORE_WIRE_DS18B20_H
#define HWT_CORE_WIRE_DS18B20_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hwt_ds18b20_verdict {
    HWT_DS18B20_GOOD,
    HWT_DS18B20_TEXT,         /* not these two lines: cut short, another driver */
    HWT_DS18B20_CRC,          /* NO: disturbed on the wire */
    HWT_DS18B20_ZEROS,        /* the wire is held low */
    HWT_DS18B20_DISCONNECTED, /* -127 */
    HWT_DS18B20_RANGE,        /* not in -55 … 125 degC */
    HWT_DS18B20_POWER_UP,     /* 85.000, and its neighbours do not agree */
    HWT_DS18B20_VERDICTS
};

struct hwt_ds18b20 { /* private: one sensor */
    bool any;
    int32_t mdegc; /* of the last good reading */
    int64_t at_us;
};

void hwt_ds18b20_init(struct hwt_ds18b20 *s);
/* A text read at at_us. GOOD: *mdegc_out is the temperature in 0.001 degC; else it is untouched. */
enum hwt_ds18b20_verdict hwt_ds18b20_take(struct hwt_ds18b20 *s, const char *text, size_t n,
                                          int64_t at_us, int32_t *mdegc_out);
/* "CRC", "POWER_UP", … */
const char *hwt_ds18b20_verdict_name(enum hwt_ds18b20_verdict verdict);

#endif
