/*
 * modbus_json.h: Modbus requests and replies, RTU or TCP, each as one line of JSON, as
 * `heatwatt decode modbus` prints them.
 *
 *   {"protocol":"modbus","ok":true,"frame":"request","transport":"rtu","unit":1,"function":4,…}
 *   {"protocol":"modbus","ok":true,"frame":"reply",…,"values":[{"quantity":"voltage",…}]}
 *   {"protocol":"modbus","ok":false,"reason":"CRC","at":0,"detail":"…"}
 */
#ifndef DAEMON_CLI_MODBUS_JSON_H
#define DAEMON_CLI_MODBUS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/wire/modbus_map.h"

/*
 * Explains frames that stand one after another. A reply is read with the request before it, and by
 * the map, or NULL: then its registers are shown as they are. False if something could not be
 * explained, or a reply was an exception.
 */
bool modbus_json_explain(const uint8_t *p, size_t n, const struct hwt_modbus_map *map, FILE *out);

#endif
