#include "daemon/drivers/spi_chip.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Long enough to meet some calls that nothing held up: the error of a conversion's time, times the
 * conversions between, is a clamp's phase. */
#define MEASURE_NS INT64_C(150000000)

enum { MEASURE_RUNS_MIN = 10, PRIORITY = 20 };

int64_t spi_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool spi_real_time(bool on)
{
    struct sched_param p = {.sched_priority = on ? PRIORITY : 0};

    return (!on || sysconf(_SC_NPROCESSORS_ONLN) > 1) &&
           pthread_setschedparam(pthread_self(), on ? SCHED_FIFO : SCHED_OTHER, &p) == 0;
}

/* Select is released after each conversion but a batch's last, where the message's end does it. */
static void fill_transfers(struct spi_chip *c, unsigned hz)
{
    for (unsigned i = 0; i < SPI_TRANSFERS_MAX; i++) {
        c->transfer[i] = (struct spi_ioc_transfer){
            .tx_buf = (uintptr_t)c->ask[i % c->channels],
            .rx_buf = (uintptr_t)c->answer[i],
            .len = HWT_MCP3208_OCTETS,
            .speed_hz = hz,
            .bits_per_word = 8,
            .cs_change = 1,
        };
    }
}

static int set_up(struct spi_chip *c, const char *path, unsigned hz)
{
    uint8_t mode = SPI_MODE_0, bits = 8;
    uint32_t speed = hz;

    c->fd = open(path, O_RDWR | O_CLOEXEC);
    if (c->fd < 0) {
        return -errno;
    }
    if (flock(c->fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    }
    if (ioctl(c->fd, SPI_IOC_WR_MODE, &mode) < 0 ||
        ioctl(c->fd, SPI_IOC_WR_BITS_PER_WORD, &bits) < 0 ||
        ioctl(c->fd, SPI_IOC_WR_MAX_SPEED_HZ, &speed) < 0) {
        return -errno;
    }
    return 0;
}

/* The most transfers that a message may hold. */
static int find_most(struct spi_chip *c)
{
    unsigned good = 0, bad = SPI_TRANSFERS_MAX + 1, n = SPI_TRANSFERS_MAX;
    struct spi_batch batch;

    while (bad - good > 1) {
        int error = spi_chip_read(c, n, &batch);

        if (error != 0 && error != -EMSGSIZE) {
            return error;
        }
        good = error == 0 ? n : good;
        bad = error == 0 ? bad : n;
        n = (good + bad) / 2;
    }
    c->transfers_max = good;
    return good < c->channels ? -EMSGSIZE : 0;
}

/* The quickest of some batches: the others were disturbed. */
static int find_quickest(struct spi_chip *c, unsigned transfers, int64_t *ns_out)
{
    int64_t quickest = INT64_MAX, end_ns = spi_now_ns() + MEASURE_NS;
    struct spi_batch batch;

    for (unsigned i = 0; i < MEASURE_RUNS_MIN || spi_now_ns() < end_ns; i++) {
        int error = spi_chip_read(c, transfers, &batch);

        if (error != 0) {
            return error;
        }
        if (batch.after_ns - batch.before_ns < quickest) {
            quickest = batch.after_ns - batch.before_ns;
        }
    }
    *ns_out = quickest;
    return 0;
}

/* A batch takes call + n conversions: two sizes give both. */
static int measure(struct spi_chip *c)
{
    unsigned many = c->transfers_max, few = many / 8 + 1;
    int64_t many_ns, few_ns;
    int error = find_quickest(c, many, &many_ns);

    error = error == 0 ? find_quickest(c, few, &few_ns) : error;
    if (error != 0) {
        return error;
    }
    c->conversion_ns = many > few ? (many_ns - few_ns) / (many - few) : many_ns;
    if (c->conversion_ns < 1) {
        return -EIO; /* a system that transfers nothing */
    }
    c->call_ns = few_ns - few * c->conversion_ns;
    c->call_ns = c->call_ns > 0 ? c->call_ns : 0;
    return 0;
}

int spi_chip_open(struct spi_chip *c, const char *path, unsigned hz, unsigned channels)
{
    int error;

    memset(c, 0, sizeof(*c));
    for (unsigned i = 0; i < SPI_CHANNELS; i++) {
        if ((channels >> i & 1) != 0) {
            hwt_mcp3208_ask(i, c->ask[c->channels]);
            c->channel[c->channels++] = (uint8_t)i;
        }
    }
    fill_transfers(c, hz);
    error = set_up(c, path, hz);
    error = error == 0 ? find_most(c) : error;
    if (error == 0) {
        bool real_time = spi_real_time(true); /* for less than half a second */

        error = measure(c);
        if (real_time) {
            (void)spi_real_time(false);
        }
    }
    if (error != 0) {
        spi_chip_close(c);
    }
    return error;
}

void spi_chip_close(struct spi_chip *c)
{
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}

int spi_chip_read(struct spi_chip *c, unsigned transfers, struct spi_batch *batch_out)
{
    unsigned long request =
        _IOC(_IOC_WRITE, SPI_IOC_MAGIC, 0, transfers * sizeof(struct spi_ioc_transfer));
    struct spi_batch batch;
    int n, error;

    c->transfer[transfers - 1].cs_change = 0;
    batch.before_ns = spi_now_ns();
    n = ioctl(c->fd, request, c->transfer);
    error = errno;
    batch.after_ns = spi_now_ns();
    c->transfer[transfers - 1].cs_change = 1;
    if (n < 0) {
        return -error;
    }
    if ((unsigned)n != transfers * HWT_MCP3208_OCTETS) {
        return -EIO;
    }
    *batch_out = batch;
    return 0;
}

bool spi_chip_scan(const struct spi_chip *c, unsigned n, uint16_t code_out[SPI_CHANNELS])
{
    for (unsigned i = 0; i < c->channels; i++) {
        int code = hwt_mcp3208_code(c->answer[n * c->channels + i]);

        if (code < 0) {
            return false;
        }
        code_out[i] = (uint16_t)code;
    }
    return true;
}
