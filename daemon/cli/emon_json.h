/*
 * emon_json.h: `heatwatt decode emon`: lines of emonTx and radio receivers, each message as one
 * line of JSON; lines that carry no values are passed over.
 *
 *   {"protocol":"emon","ok":true,"node":15,"rssi":-46,"values":{"MSG":1234,"Vrms":239.87,…}}
 *   {"protocol":"emon","ok":false,"line":4,"reason":"SANITY","at":9}
 */
#ifndef DAEMON_CLI_EMON_JSON_H
#define DAEMON_CLI_EMON_JSON_H

/* argv[1] is "emon"; options and files follow. Exit status: 0, 1 if a line was refused or a file
 * not readable, 2 for wrong usage (told on stderr). */
int emon_decode_main(int argc, char **argv);

#endif
