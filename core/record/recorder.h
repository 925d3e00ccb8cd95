/*
 * recorder.h: readings in, one record per interval out, and the newest value of each column.
 *
 *   readings   . .. . . .. . | . .. .  . . .| . . .. .         each with its mono_us
 *   records    ...........  end           end                  at multiples of the interval
 *
 * Intervals end at multiples of the interval in wall time as long as it is known, else in monotonic
 * time. They are measured in monotonic time, so a wall clock that steps makes the next interval
 * shorter, never one of negative length, and never two records of one instant. A wall clock that is
 * slewed is followed, and spans are its: a record starts at the millisecond at which the one before
 * ended.
 *
 * A gauge is the mean of its readings in the interval, each weighing the same; a counter is its
 * newest reading in it. A column that was not read in the interval is missing from its record. The
 * quality is the worst of the readings. A reading stamped after the end of an interval that is
 * still open waits for the next one; one stamped before its start is counted in the open one.
 *
 * No clock inside: the caller says what time it is.
 */
#ifndef HWT_CORE_RECORD_RECORDER_H
#define HWT_CORE_RECORD_RECORDER_H

#include "core/base/err.h"
#include "core/flow.h"

struct hwt_column {
    uint16_t source;  /* as in the readings */
    uint8_t quantity; /* enum hwt_quantity */
    int64_t
        max_age_us; /* us; a live value older than this is missing: three polls and some slack */
};

struct hwt_record_time {
    int64_t mono_us;
    int64_t unix_ms; /* of the same instant, or HWT_TIME_UNKNOWN */
    uint8_t clock;   /* enum hwt_clock_quality */
};

struct hwt_live {
    int64_t value;   /* counts of the quantity table */
    int64_t age_us;  /* us since it was measured */
    uint8_t quality; /* enum hwt_quality; MISSING: the others mean nothing */
};

struct hwt_recorder_sum { /* one column in one interval */
    int64_t sum;          /* of a gauge's readings, |each| < 2^47, fewer than 2^16 of them */
    int64_t last;         /* a counter's newest reading */
    int64_t last_us;
    uint32_t count;
    uint8_t quality;
};

struct hwt_recorder { /* private */
    struct hwt_column column[HWT_CHANNELS_MAX];
    bool gauge[HWT_CHANNELS_MAX];
    struct hwt_recorder_sum now[HWT_CHANNELS_MAX];
    struct hwt_recorder_sum next[HWT_CHANNELS_MAX]; /* stamped after the end of the interval */
    struct {
        int64_t value;
        int64_t at_us;
        uint8_t quality;
    } live[HWT_CHANNELS_MAX];
    struct hwt_value value[HWT_CHANNELS_MAX]; /* of the newest record */
    uint16_t columns;
    uint16_t hint; /* column after the one found last: readings come in the order of the columns */
    bool started;
    bool early;          /* something waits in next[] */
    int64_t interval_us; /* us */
    int64_t start_us;    /* mono, of the open interval */
    int64_t start_ms;    /* wall time then, or HWT_TIME_UNKNOWN */
    int64_t end_us;
    int64_t end_ms;    /* wall time at end_us, a multiple, or HWT_TIME_UNKNOWN: none was aimed at */
    int64_t offset_us; /* wall less mono when the interval was opened */
    int64_t labelled_ms; /* wall time of the newest record that had one */
    uint32_t boot;
    uint32_t refused;
};

/* The columns are copied. Errors: ARGUMENT (no or too many columns, a quantity that is none, one
 * column twice, interval_s not 1..60); then *r must not be used. */
HWT_MUST_CHECK int hwt_recorder_init(struct hwt_recorder *r, const struct hwt_column *columns,
                                     size_t n, unsigned interval_s, uint32_t boot);
/*
 * A reading. One of a source and quantity without a column is ignored. Quality MISSING says that
 * the quantity is not measured now: its live value is missing from then. False if it was refused: a
 * gauge beyond +-2^47 counts.
 */
bool hwt_recorder_put(struct hwt_recorder *r, const struct hwt_reading *reading);
/*
 * Closes the interval if it is over. True: *record_out is filled, with sequence 0, and borrows
 * memory of *r until the next call; call again, more may be due. Time in which nobody called and
 * nothing was read, longer than an interval, has no records.
 */
bool hwt_recorder_due(struct hwt_recorder *r, const struct hwt_record_time *now,
                      struct hwt_record *record_out);
/* Closes the interval now, as the last and shorter one; after due has said false. False if there is
 * nothing in it. */
bool hwt_recorder_flush(struct hwt_recorder *r, const struct hwt_record_time *now,
                        struct hwt_record *record_out);
/* The newest reading of a column with its age. */
struct hwt_live hwt_recorder_live(const struct hwt_recorder *r, size_t column, int64_t now_us);
/* Readings refused. */
uint32_t hwt_recorder_refused(const struct hwt_recorder *r);

#endif
