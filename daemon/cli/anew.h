/*
 * anew.h: the program starts itself anew.
 */
#ifndef DAEMON_CLI_ANEW_H
#define DAEMON_CLI_ANEW_H

/*
 * Executes this very program, even if its file was exchanged meanwhile, with the arguments of its
 * sub-command (argv[0] is its name): in the same process, so its number, its parent and what is on
 * stdin, stdout and stderr stay. Returns only when that fails: 1, after a sentence on stderr.
 */
int anew_execute(int argc, char **argv);

#endif
