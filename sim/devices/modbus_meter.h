/*
 * modbus_meter.h: an electricity meter as a Modbus device, in the manner of an Eastron SDM120:
 * binary32 in input registers, high word first, read by function 4; in holding registers, by
 * function 3, who it is. The plant's own codec.
 *
 *   RTU   unit 04 address(2) count(2) crc(2, low first)  ─▶  unit 04 octets data crc
 *   TCP   the same between a header of seven octets and no crc
 *
 * Faults can be planted; they hold for both transports.
 */
#ifndef SIM_DEVICES_MODBUS_METER_H
#define SIM_DEVICES_MODBUS_METER_H

#include <stddef.h>
#include <stdint.h>

#include "sim/devices/elec_meter.h"

#define MODBUS_FRAME_MAX 260

struct modbus_meter {
    const struct elec_meter *meter;
    uint8_t unit;
    uint32_t serial;   /* number: holding registers FC00, FC01 */
    uint64_t requests; /* good ones, for any unit */
    uint64_t replies;

    /* faults; the counts run down by one a request */
    uint32_t silent;   /* ignored */
    uint32_t foreign;  /* answered with the number of the next unit */
    uint32_t refused;  /* answered with the exception */
    uint8_t exception; /* its code */
    double late_s;     /* real s, the next reply comes so much later */
};

/* CRC-16 of Modbus over a serial line. */
uint16_t modbus_crc(const uint8_t *bytes, size_t len);

/* Answers a request from its unit on, without checksum: writes unit and PDU, returns their length;
 * 0: silence. */
size_t modbus_meter_answer(struct modbus_meter *m, const uint8_t *request, size_t len,
                           uint8_t *reply);

/* Seconds that the reply just made is late; asked once a reply. */
double modbus_meter_late(struct modbus_meter *m);

#endif
