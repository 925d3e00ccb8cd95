/*
 * doctor.h: `heatwatt doctor`: what may keep an installation from working, and what to do about it.
 */
#ifndef DAEMON_CLI_DOCTOR_H
#define DAEMON_CLI_DOCTOR_H

int doctor_main(int argc, char **argv);

#endif
