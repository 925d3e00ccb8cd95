/*
 * sample_stream.h: sample blocks on the wire (docs/SAMPLE_STREAM.md, version 1) and the socket that
 * serves them to one client.
 *
 *   codes ─▶ block (header, slot map, codes, CRC) ─▶ buffer ─▶ unix stream socket
 *
 * A block is never cut: what does not fit into the buffer is not begun. The buffer belongs to a
 * connection; a client that goes takes the unsent rest with it and the next one begins at a whole
 * block.
 */
#ifndef SIM_DEVICES_SAMPLE_STREAM_H
#define SIM_DEVICES_SAMPLE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/devices/crc32c.h"
#include "sim/devices/sampler.h"

#define SAMPLE_HEADER_LEN  (48 + 4 * SENSORS_SLOTS)
#define SAMPLE_PAYLOAD_LEN (2 * SAMPLER_CODES)
#define SAMPLE_BLOCK_LEN   (SAMPLE_HEADER_LEN + SAMPLE_PAYLOAD_LEN + 4)
#define SAMPLE_BUFFER_LEN  (64 * SAMPLE_BLOCK_LEN) /* 1.2 s of plant time */

struct sample_block {
    uint32_t sequence;
    uint64_t device_us;
    int64_t wall_us;
    bool wall_hidden;   /* not told */
    uint32_t dropped;   /* scans */
    uint32_t period_ps; /* of a scan, as the crystal counts */
    const uint16_t *codes;
};

/* Writes the SAMPLE_BLOCK_LEN bytes of a block. */
void sample_block_encode(const struct crc32c *crc, const struct sample_block *b, uint8_t *out);

struct sample_stream {
    int listener; /* -1: none */
    int client;   /* -1: none */
    uint64_t sent_blocks;
    uint64_t connections;

    const char *path; /* private from here */
    uint8_t *buffer;
    size_t begin, end; /* of what waits in the buffer */
};

/* Listens at `path`; a socket left behind by another run is replaced. 0, or -1 with errno. */
int sample_stream_init(struct sample_stream *s, const char *path);
void sample_stream_deinit(struct sample_stream *s);

/* Takes a client if one knocks; while one is served others are turned away. */
void sample_stream_accept(struct sample_stream *s);

/* True if a block can be begun. */
bool sample_stream_room(const struct sample_stream *s);

/* Where the next block goes, SAMPLE_BLOCK_LEN bytes; then commit. Only when there is room. */
uint8_t *sample_stream_next(struct sample_stream *s);
void sample_stream_commit(struct sample_stream *s);

/* Sends what the socket takes; a broken connection is closed. */
void sample_stream_flush(struct sample_stream *s);

/* Bytes wait for the socket. */
bool sample_stream_pending(const struct sample_stream *s);

#endif
