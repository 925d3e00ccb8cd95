/*
 * waveform_file.h: recorded waveforms from files, as numbers in volts or amperes.
 *
 *   .npy   NumPy's format, versions 1 to 3: little-endian f4, f8, i2, i4; one or two dimensions, C
 * order CSV    "# rate_hz=30000", then "v,i" in each line; other lines that begin with # and one
 * heading "v,i" are passed over other  text: one number in each line
 *
 * Whatever is wrong is said on stderr with file and line or octet.
 */
#ifndef DAEMON_CLI_WAVEFORM_FILE_H
#define DAEMON_CLI_WAVEFORM_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { WAVEFORM_OCTETS_MAX = 1 << 28 };

struct waveform {
    double *v, *i;  /* V, A; of malloc */
    size_t n;       /* samples of each */
    double rate_hz; /* 0: the file does not tell */
};

/* The row (from 0) of two files of equal length. */
bool waveform_read_pair(const char *voltage, const char *current, size_t row, struct waveform *out);

bool waveform_read_csv(const char *path, struct waveform *out);

/* Free of what either gave, and of a zeroed one. */
void waveform_free(struct waveform *w);

#endif
