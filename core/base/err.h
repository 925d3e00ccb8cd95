/*
 * err.h: the error codes of core/. 0 is success, errors are negative; a count may be >= 0.
 * The first six are the reasons for which a decoder refuses; each has a counter per source.
 */
#ifndef HWT_CORE_BASE_ERR_H
#define HWT_CORE_BASE_ERR_H

#define HWT_MUST_CHECK __attribute__((warn_unused_result))

/*      name         no  text (as users see it) */
#define HWT_ERRORS(X)                                                                      \
    X(LENGTH, 1, "LENGTH")     /* too short, too long, or lengths that contradict */       \
    X(NOT_MINE, 2, "NOT_MINE") /* well formed, for somebody else or of another kind */     \
    X(CHECKSUM, 3, "CHECKSUM")                                                             \
    X(SANITY, 4, "SANITY")           /* checksum right, content impossible */              \
    X(UNSUPPORTED, 5, "UNSUPPORTED") /* right, but not known here */                       \
    X(APPLICATION, 6, "APPLICATION") /* the device itself reports an error */              \
    X(ARGUMENT, 7, "ARGUMENT")       /* a caller's value out of its range */               \
    X(SPACE, 8, "SPACE")             /* no room in memory handed over, or on the device */ \
    X(IO, 9, "IO")                   /* the storage or the transport failed */             \
    X(CORRUPT, 10, "CORRUPT")        /* stored data fails its checksum */                  \
    X(NOT_FOUND, 11, "NOT_FOUND")                                                          \
    X(LOST, 12, "LOST")   /* records between the cursor and the next are gone */           \
    X(AGAIN, 13, "AGAIN") /* nothing yet */

enum hwt_err {
    HWT_OK = 0,
#define HWT_X(name, no, text) HWT_ERR_##name = -(no),
    HWT_ERRORS(HWT_X)
#undef HWT_X
};

#define HWT_ERR_KINDS 14 /* indexes 0..13 of a table by -err */

/* The code's name as users see it, "LENGTH"; "OK" for 0; "?" for a number that is none. */
const char *hwt_err_name(int err);

#endif
