/*
 * decode.h: `heatwatt decode PROTOCOL [FILE…]`: recorded telegrams to JSON, one object a line.
 */
#ifndef DAEMON_CLI_DECODE_H
#define DAEMON_CLI_DECODE_H

/*
 * argv[0] is "decode", argv[1] the protocol. Reads the files (capture_file.h), or standard input
 * where none is named or a name is `-`. Changes argv. Exit status: 0 all decoded, 1 one refused or
 * unreadable, 2 usage.
 */
int decode_main(int argc, char **argv);

#endif
