#include "sim/devices/modbus_meter.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    READ_HOLDING = 3,
    READ_INPUT = 4,
    ERROR_BIT = 0x80,
    BAD_FUNCTION = 1,
    BAD_ADDRESS = 2,
    BAD_VALUE = 3,
    REQUEST_LEN = 6,
    COUNT_MAX = 80,  /* forty values */
    SERIAL = 0xFC00, /* unsigned, two registers; then */
    METER_CODE = 0x0020,
    SOFTWARE = 0x0203,
    IDENTITY_LEN = 4
};

/* Eastron SDM120-Modbus protocol: 30001 is 0. Energies are in kWh. */
static const struct {
    unsigned address;
    size_t offset;
    double scale;
} registers[] = {
    {0, offsetof(struct elec_meter, volts), 1.0},
    {6, offsetof(struct elec_meter, amps), 1.0},
    {12, offsetof(struct elec_meter, watts), 1.0},
    {18, offsetof(struct elec_meter, va), 1.0},
    {24, offsetof(struct elec_meter, var), 1.0},
    {30, offsetof(struct elec_meter, factor), 1.0},
    {70, offsetof(struct elec_meter, hz), 1.0},
    {72, offsetof(struct elec_meter, import_wh), 1e-3},
    {74, offsetof(struct elec_meter, export_wh), 1e-3},
};

/* What may be read: the rest of these blocks is 0. */
static const struct {
    unsigned first, last;
} blocks[] = {{0, 37}, {70, 95}, {258, 265}, {342, 347}};

uint16_t modbus_crc(const uint8_t *bytes, size_t len)
{
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ bytes[i]);
        for (int bit = 0; bit < 8; bit++) {
            bool carry = (crc & 1) != 0;

            crc = (uint16_t)(crc >> 1);
            if (carry) {
                crc = (uint16_t)(crc ^ 0xA001);
            }
        }
    }
    return crc;
}

/* A value as the meter shows it: energies to a watt-hour. */
static float shown(const struct elec_meter *m, size_t row)
{
    double v = *(const double *)(const void *)((const char *)m + registers[row].offset);

    v *= registers[row].scale;
    return (float)(registers[row].scale < 1.0 ? floor(v * 1e3) / 1e3 : v);
}

static void put_values(const struct elec_meter *m, unsigned address, unsigned count, uint8_t *out)
{
    memset(out, 0, 2 * count);
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        unsigned at = registers[i].address - address;
        float value = shown(m, i);
        uint32_t bits;

        if (registers[i].address < address || at + 2 > count) {
            continue;
        }
        memcpy(&bits, &value, sizeof(bits));
        for (unsigned k = 0; k < 4; k++) {
            out[2 * at + k] = (uint8_t)(bits >> (24 - 8 * k));
        }
    }
}

/* From FC00: serial number, code of the model, version of the software. */
static void put_identity(const struct modbus_meter *m, unsigned address, unsigned count,
                         uint8_t *out)
{
    const unsigned words[IDENTITY_LEN] = {m->serial >> 16, m->serial & 0xFFFF, METER_CODE,
                                          SOFTWARE};

    for (unsigned i = 0; i < count; i++) {
        out[2 * i] = (uint8_t)(words[address - SERIAL + i] >> 8);
        out[2 * i + 1] = (uint8_t)words[address - SERIAL + i];
    }
}

static bool in_a_block(unsigned address, unsigned count)
{
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (address >= blocks[i].first && address + count - 1 <= blocks[i].last) {
            return true;
        }
    }
    return false;
}

/* 0, or the exception against it. Values are pairs of registers, but not who it is. */
static uint8_t judge(const uint8_t *request, size_t len, unsigned address, unsigned count)
{
    if ((request[1] != READ_INPUT && request[1] != READ_HOLDING) || len != REQUEST_LEN) {
        return BAD_FUNCTION;
    }
    if (request[1] == READ_HOLDING) {
        return count < 1 || count > COUNT_MAX                                ? BAD_VALUE
               : address < SERIAL || address + count > SERIAL + IDENTITY_LEN ? BAD_ADDRESS
                                                                             : 0;
    }
    if (count < 2 || count > COUNT_MAX || count % 2 != 0) {
        return BAD_VALUE;
    }
    return address % 2 != 0 || !in_a_block(address, count) ? BAD_ADDRESS : 0;
}

static bool count_down(uint32_t *left)
{
    if (*left == 0) {
        return false;
    }
    --*left;
    return true;
}

size_t modbus_meter_answer(struct modbus_meter *m, const uint8_t *request, size_t len,
                           uint8_t *reply)
{
    unsigned address, count;
    uint8_t exception;

    if (len < 2) {
        return 0;
    }
    m->requests++;
    if (request[0] != m->unit || count_down(&m->silent)) {
        return 0;
    }
    address = len >= REQUEST_LEN ? (unsigned)(request[2] << 8 | request[3]) : 0;
    count = len >= REQUEST_LEN ? (unsigned)(request[4] << 8 | request[5]) : 0;
    exception = count_down(&m->refused) ? m->exception : judge(request, len, address, count);
    reply[0] = (uint8_t)(m->unit + (count_down(&m->foreign) ? 1 : 0));
    m->replies++;
    if (exception != 0) {
        reply[1] = request[1] | ERROR_BIT;
        reply[2] = exception;
        return 3;
    }
    reply[1] = request[1];
    reply[2] = (uint8_t)(2 * count);
    if (request[1] == READ_HOLDING) {
        put_identity(m, address, count, reply + 3);
    } else {
        put_values(m->meter, address, count, reply + 3);
    }
    return 3 + 2 * (size_t)count;
}

double modbus_meter_late(struct modbus_meter *m)
{
    double late_s = m->late_s;

    m->late_s = 0.0;
    return late_s;
}
