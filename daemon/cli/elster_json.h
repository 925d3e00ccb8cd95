/*
 * elster_json.h: `heatwatt decode elster`: a recording of an Elster meter's light, each packet as
 * one line of JSON, then a line of counters.
 *
 *   {"protocol":"elster","ok":true,"t_s":12.050000000,"model":"A100C","serial":"…",
 *    "import_wh":[12345678,0],…,"published":null}
 *   {"protocol":"elster","summary":true,"baud":2400,"flashes":4711,"packets":9,"framing":0,…}
 *
 * A recording is one of
 *   lines with a time stamp each, as `gpiomon` prints them: 1234.567890123 rising …
 *   the kernel's struct gpio_v2_line_event, one after the other
 *   --characters: octets of a UART behind a pulse stretcher, as capture_file.h reads them
 */
#ifndef DAEMON_CLI_ELSTER_JSON_H
#define DAEMON_CLI_ELSTER_JSON_H

/* argv[1] is "elster"; options and files follow. Changes argv. Exit status: 0, 1 if a file is not
 * readable or holds no packet, 2 for wrong usage (told on stderr). */
int elster_decode_main(int argc, char **argv);

#endif
