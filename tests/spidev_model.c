/*
 * spidev_model.c: preloaded into the daemon by a system test, and linked into unit tests: MCP3208
 * converters behind /dev/spidev0.0, 0.1, 1.0 and 1.1, from Microchip DS21298 and the kernel's
 * spidev.h alone. Bit by bit: what is clocked in decides what comes out, also if it is nonsense.
 *
 *   ioctl ─▶ bus (one message at a time) ─▶ |lead| conversion | conversion | … |tail| ─▶ back
 *
 * A message takes its time: 24 clocks a conversion, and what select takes between two. The inputs
 * are sines of the clock (spidev_clock.h), held where the data sheet says. The file named by
 * SPIDEV_MODEL tells waves and faults, a line each, and is read again when it changes:
 *
 *   hz 50                      of all waves
 *   wave CHIP INPUT PEAK LAG   PEAK codes, LAG degrees; CHIP 0, 1: bus 0; 2, 3: bus 1
 *   noise CODES                peak
 *   bufsiz 4096 / align 64     of the kernel's buffer, and of each transfer in it
 *   vdd_mv 5000                sets the limit of the clock: 1 MHz at 2.7 V, 2 MHz at 5 V
 *   select_ns 10700            between conversions
 *   eio N / short N            so many messages fail, or stop half way, from the change on
 *   stall_us US EVERY          every so many messages are held up in their middle
 *   late_us US EVERY           the same at their end
 *   unplugged 1 / silent 1     no device; no converter on the line (pulled up)
 *   poll 1                     the controller's driver waits by polling, not asleep
 */
/* Both names of open are ours. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/spi/spidev.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/spidev_clock.h"

enum { CHIPS = 2 * SPIDEV_BUSES, INPUTS = 8, FDS = 64, LEAD_NS = 15000, TAIL_NS = 8000 };

int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);
int close(int fd);
int ioctl(int fd, unsigned long request, ...);

static struct {
    pthread_mutex_t lock;
    struct stat told; /* the file that was read */
    double hz, peak[CHIPS][INPUTS], lag_deg[CHIPS][INPUTS], noise;
    long bufsiz, align, vdd_mv, select_ns, eio, cut, stall_us, stall_every, late_us, late_every;
    long unplugged, silent, poll;
    long messages;
    uint64_t random;
} model = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_mutex_t bus[SPIDEV_BUSES] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static struct {
    bool open;
    unsigned chip;
    uint32_t hz;
    uint8_t mode;
} fds[FDS];

/* What a converter has seen since select went low. */
struct select {
    unsigned clocks; /* since the start bit; 0: none yet */
    unsigned word;   /* SGL, D2, D1, D0 as far as they came */
    unsigned code;
};

static void take_line(const char *line)
{
    const struct {
        const char *key;
        long *value;
    } numbers[] = {
        {"bufsiz", &model.bufsiz}, {"align", &model.align},         {"vdd_mv", &model.vdd_mv},
        {"eio", &model.eio},       {"short", &model.cut},           {"select_ns", &model.select_ns},
        {"silent", &model.silent}, {"unplugged", &model.unplugged}, {"poll", &model.poll},
    };
    unsigned chip, input;
    char key[16];
    double a, b;
    long n;

    if (sscanf(line, "wave %u %u %lf %lf", &chip, &input, &a, &b) == 4 && chip < CHIPS &&
        input < INPUTS) {
        model.peak[chip][input] = a;
        model.lag_deg[chip][input] = b;
    } else if (sscanf(line, "stall_us %lf %lf", &a, &b) == 2) {
        model.stall_us = (long)a;
        model.stall_every = (long)b;
    } else if (sscanf(line, "late_us %lf %lf", &a, &b) == 2) {
        model.late_us = (long)a;
        model.late_every = (long)b;
    } else if (sscanf(line, "hz %lf", &a) == 1) {
        model.hz = a;
    } else if (sscanf(line, "noise %lf", &a) == 1) {
        model.noise = a;
    } else if (sscanf(line, "%15s %ld", key, &n) == 2) {
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            *numbers[i].value = strcmp(key, numbers[i].key) == 0 ? n : *numbers[i].value;
        }
    }
}

static void set_defaults(void)
{
    model.hz = 50;
    model.noise = 0;
    memset(model.peak, 0, sizeof(model.peak));
    model.bufsiz = 4096;
    model.align = 1;
    model.vdd_mv = 5000;
    model.select_ns = 10700;
    model.eio = model.cut = model.stall_us = model.late_us = model.unplugged = model.silent =
        model.poll = 0;
    model.stall_every = model.late_every = 1;
}

/* The times of files go in steps of some ms: two may have the same. */
static bool is_told(const struct stat *st)
{
    return st->st_ino == model.told.st_ino && st->st_size == model.told.st_size &&
           st->st_mtim.tv_sec == model.told.st_mtim.tv_sec &&
           st->st_mtim.tv_nsec == model.told.st_mtim.tv_nsec;
}

/* Locked. The file is replaced by another, not written in place. */
static void read_control(void)
{
    const char *path = getenv("SPIDEV_MODEL");
    struct stat st;
    char line[120];
    FILE *f;

    if (path == NULL || stat(path, &st) != 0) {
        if (model.hz < 1) {
            set_defaults();
        }
        return;
    }
    if (is_told(&st)) {
        return;
    }
    model.told = st;
    set_defaults();
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        take_line(line);
    }
    if (f != NULL) {
        fclose(f);
    }
}

/* An input against ground, in codes before it is rounded. */
static double level(unsigned chip, unsigned input, int64_t t_ns)
{
    double turns = fmod((double)t_ns * 1e-9 * model.hz, 1.0) - model.lag_deg[chip][input] / 360;

    model.random = model.random * 6364136223846793005u + 1442695040888963407u;
    return 2048 + model.peak[chip][input] * sin(2 * 3.14159265358979323846 * turns) +
           model.noise * ((double)(model.random >> 11) * 0x1p-52 - 1);
}

/* Table 5-2: single-ended, or the difference of a pair, D0 telling which way round. */
static unsigned convert(unsigned chip, unsigned word, uint32_t hz, int64_t t_ns)
{
    unsigned input = word & 7;
    double limit_hz = 1e6 + 1e6 * ((double)model.vdd_mv - 2700) / 2300, x;
    unsigned code;

    x = level(chip, input, t_ns);
    if ((word & 8) == 0) {
        x -= level(chip, input ^ 1, t_ns);
    }
    x = floor(x + 0.5);
    code = x < 0 ? 0 : x > 4095 ? 4095 : (unsigned)x;
    if (hz > limit_hz) { /* too little time for the last bits */
        code ^= (unsigned)(model.random >> 40) & 0xFF;
    }
    return code;
}

/* One clock: DIN is read at the rising edge, DOUT stands from the falling edge before. */
static unsigned clock_bit(struct select *s, unsigned chip, unsigned din, uint32_t hz, int64_t t_ns)
{
    unsigned clocks = s->clocks;

    if (clocks == 0) {
        s->clocks = din;
        return 1; /* high impedance, pulled up */
    }
    s->clocks++;
    if (clocks <= 4) {
        s->word = s->word << 1 | din;
        return 1;
    }
    if (clocks == 5) { /* the fifth clock after the start bit ends the sample */
        s->code = convert(chip, s->word, hz, t_ns);
        return 1;
    }
    if (clocks == 6) {
        return 0; /* the null bit */
    }
    if (clocks <= 18) {
        return s->code >> (18 - clocks) & 1;
    }
    return clocks <= 29 ? s->code >> (clocks - 18) & 1 : 0; /* LSB first, without B0 again */
}

static int64_t run_transfer(const struct spi_ioc_transfer *t, struct select *s, unsigned chip,
                            uint32_t default_hz, int64_t t_ns)
{
    const uint8_t *tx = (const uint8_t *)(uintptr_t)t->tx_buf;
    uint8_t *rx = (uint8_t *)(uintptr_t)t->rx_buf;
    uint32_t hz = t->speed_hz != 0 ? t->speed_hz : default_hz;
    double bit_ns = 1e9 / hz;

    for (unsigned i = 0; i < t->len; i++) {
        unsigned in = 0;

        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned din = tx != NULL ? tx[i] >> (7 - bit) & 1 : 0;
            int64_t at_ns = t_ns + (int64_t)((i * 8 + bit + 0.5) * bit_ns);

            in = in << 1 | clock_bit(s, chip, din, hz, at_ns);
        }
        if (rx != NULL) {
            rx[i] = model.silent ? 0xFF : (uint8_t)in;
        }
    }
    return (int64_t)(t->len * 8 * bit_ns) + t->delay_usecs * 1000;
}

/* Locked. */
static long too_long(const struct spi_ioc_transfer *t, unsigned n)
{
    long sum = 0;

    for (unsigned i = 0; i < n; i++) {
        sum += ((long)t[i].len + model.align - 1) / model.align * model.align;
    }
    return sum > model.bufsiz;
}

static int run_transfers(unsigned fd, const struct spi_ioc_transfer *t, unsigned n, int64_t *t_ns)
{
    bool stall = model.stall_us > 0 && model.messages % model.stall_every == 0;
    struct select s = {0};
    int octets = 0;

    for (unsigned i = 0; i < n; i++) {
        if (stall && i == n / 2) {
            *t_ns += model.stall_us * 1000;
        }
        *t_ns += run_transfer(&t[i], &s, fds[fd].chip, fds[fd].hz, *t_ns);
        octets += (int)t[i].len;
        if (t[i].cs_change != (i + 1 == n)) { /* at the last it means: leave it selected */
            memset(&s, 0, sizeof(s));
            *t_ns += i + 1 < n ? model.select_ns : 0;
        }
    }
    return octets;
}

/* 0: go on; else the message ends with this errno, or, negative, short. */
static int fault(const struct spi_ioc_transfer *t, unsigned n)
{
    if (model.unplugged) {
        return ENODEV;
    }
    if (too_long(t, n)) {
        return EMSGSIZE;
    }
    if (model.eio > 0) {
        model.eio--;
        return EIO;
    }
    if (model.cut > 0) {
        model.cut--;
        return -1;
    }
    return 0;
}

static int run_message(unsigned fd, const struct spi_ioc_transfer *t, unsigned n)
{
    unsigned b = fds[fd].chip / 2;
    int64_t t_ns, late_ns;
    int octets, error;
    bool poll;

    pthread_mutex_lock(&bus[b]);
    pthread_mutex_lock(&model.lock);
    read_control();
    error = fault(t, n);
    n = error < 0 ? (n + 1) / 2 : n;
    t_ns = spidev_clock_ns(b) + LEAD_NS;
    octets = error > 0 ? -1 : run_transfers(fd, t, n, &t_ns);
    model.messages++;
    poll = model.poll != 0;
    late_ns =
        model.late_us > 0 && model.messages % model.late_every == 0 ? model.late_us * 1000 : 0;
    pthread_mutex_unlock(&model.lock);
    if (error <= 0) {
        spidev_clock_wait(b, t_ns + TAIL_NS + late_ns, poll);
    }
    pthread_mutex_unlock(&bus[b]);
    errno = error > 0 ? error : errno;
    return octets;
}

static int open_chip(const char *path, int (*real_open)(const char *, int, ...))
{
    const char *control = getenv("SPIDEV_MODEL");
    unsigned b, c;
    char file[512];
    bool gone;
    int fd;

    pthread_mutex_lock(&model.lock);
    read_control();
    gone = model.unplugged != 0;
    pthread_mutex_unlock(&model.lock);
    if (gone || sscanf(path, "/dev/spidev%u.%u", &b, &c) != 2 || b > 1 || c > 1) {
        errno = ENOENT;
        return -1;
    }
    /* A file of its own stands for the device, so that it can be locked. */
    snprintf(file, sizeof(file), "%s.%u.%u", control != NULL ? control : "/tmp/spidev_model", b, c);
    fd = real_open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && fd < FDS) {
        fds[fd].chip = 2 * b + c;
        fds[fd].hz = 500000;
        fds[fd].open = true;
    }
    return fd;
}

static int open_any(const char *path, int flags, int mode)
{
    static int (*real)(const char *, int, ...);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "open64");
    }
    return strncmp(path, "/dev/spidev", 11) == 0 ? open_chip(path, real) : real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    int mode;

    va_start(args, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, int) : 0;
    va_end(args);
    return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    int mode;

    va_start(args, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, int) : 0;
    va_end(args);
    return open_any(path, flags, mode);
}

int close(int fd)
{
    static int (*real)(int);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "close");
    }
    if (fd >= 0 && fd < FDS) {
        fds[fd].open = false;
    }
    return real(fd);
}

static int chip_ioctl(int fd, unsigned long request, void *arg)
{
    if (_IOC_TYPE(request) != SPI_IOC_MAGIC) {
        errno = ENOTTY;
        return -1;
    }
    if (_IOC_NR(request) == 0) {
        unsigned n = _IOC_SIZE(request) / sizeof(struct spi_ioc_transfer);

        return run_message((unsigned)fd, arg, n);
    }
    if (request == SPI_IOC_WR_MAX_SPEED_HZ) {
        fds[fd].hz = *(const uint32_t *)arg;
    } else if (request == SPI_IOC_WR_MODE) {
        fds[fd].mode = *(const uint8_t *)arg;
    }
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    if (fd >= 0 && fd < FDS && fds[fd].open) {
        return chip_ioctl(fd, request, arg);
    }
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    }
    return real(fd, request, arg);
}
