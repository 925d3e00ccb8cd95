/*
 * log_dump.h: `heatwatt log dump`: every record of a stream with all that is stored of it, a line
 * of JSON each. For looking into a log; `export` is for the data.
 */
#ifndef DAEMON_CLI_LOG_DUMP_H
#define DAEMON_CLI_LOG_DUMP_H

/* argv[0] is the verb. */
int log_dump_main(int argc, char **argv);

#endif
