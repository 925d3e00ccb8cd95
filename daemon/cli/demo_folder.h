/*
 * demo_folder.h: where a demo keeps its data.
 *
 * The folder is a new one for temporary files, or the user's: one that holds a configuration that
 * no demo wrote is refused, not overwritten.
 */
#ifndef DAEMON_CLI_DEMO_FOLDER_H
#define DAEMON_CLI_DEMO_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* The first line of a demo's heatwatt.yaml. */
#define DEMO_FOLDER_MARK "# Written by `heatwatt demo`.\n"

/* Makes the folder if there is none; "" is a new one under TMPDIR. dir[n] becomes absolute. False
 * after a sentence on stderr. */
bool demo_folder_make(char *dir, size_t n);
/* Whether its log holds records, which then go on; a history cut short left none. */
bool demo_folder_has_records(const char *dir);

#endif
