/*
 * journal_cmd.h: `heatwatt journal`: what happened, from the journal of a data folder.
 */
#ifndef DAEMON_CLI_JOURNAL_CMD_H
#define DAEMON_CLI_JOURNAL_CMD_H

int journal_main(int argc, char **argv);

#endif
