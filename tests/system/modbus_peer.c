/*
 * modbus_peer.c: a Modbus server made of libmodbus, which shares no line with our codec.
 *
 *   modbus_peer rtu DEVICE BAUD UNIT     on a serial port
 *   modbus_peer tcp UNIT                 on a free port of 127.0.0.1
 *
 * Prints "ready" or "ready PORT". Input registers 0 to 399 are those of an Eastron SDM630, holding
 * registers from 0x5000 those of an ABB B23, its serial number and type included; all show 230.2 V,
 * 5 A, 1250.5 W, 50.01 Hz and an import of 1000 kWh that rises by 1 Wh with each request. A signal
 * USR1 puts another meter in its place, of the next serial number. It runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ABB = 0x5000,
    ABB_COUNT = 0x3970,
    SERIAL = 0x8900,
    TYPE = 0x8960,
    FIRST_SERIAL = 4711000,
    EASTRON_COUNT = 400
};

static volatile sig_atomic_t swaps;

static void on_swap(int number)
{
    (void)number;
    swaps++;
}

/* High register first; libmodbus' own modbus_set_float_abcd differs between its versions. */
static void set_float(modbus_mapping_t *m, int at, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof(bits));
    m->tab_input_registers[at] = (uint16_t)(bits >> 16);
    m->tab_input_registers[at + 1] = (uint16_t)bits;
}

/* Big-endian, n registers. */
static void set_integer(modbus_mapping_t *m, int at, int n, uint64_t v)
{
    for (int i = n; i-- > 0; v >>= 16) {
        m->tab_registers[at - ABB + i] = (uint16_t)v;
    }
}

/* Two characters a register, filled up with zeros. */
static void set_text(modbus_mapping_t *m, int at, const char *text)
{
    for (int i = 0; i < 6; i++) {
        int high = text[0] != '\0' ? *text++ : 0;
        int low = text[0] != '\0' ? *text++ : 0;

        m->tab_registers[at - ABB + i] = (uint16_t)(high << 8 | low);
    }
}

static void show(modbus_mapping_t *m, unsigned requests)
{
    double import_kwh = 1000.0 + requests * 1e-3;

    set_integer(m, SERIAL, 2, FIRST_SERIAL + (uint64_t)swaps);
    set_text(m, TYPE, "B23 112-100");

    for (int phase = 0; phase < 3; phase++) {
        set_float(m, 0 + 2 * phase, 230.2F);
        set_float(m, 6 + 2 * phase, 5.0F);
        set_integer(m, 0x5B00 + 2 * phase, 2, 2302);
        set_integer(m, 0x5B0C + 2 * phase, 2, 500);
        set_integer(m, 0x5460 + 4 * phase, 4, UINT64_MAX); /* not available */
    }
    set_float(m, 52, 1250.5F);
    set_float(m, 70, 50.01F);
    set_float(m, 72, (float)import_kwh);
    set_integer(m, 0x5B14, 2, (uint64_t)-125050);
    set_integer(m, 0x5B2C, 1, 5001);
    set_integer(m, 0x5000, 4, (uint64_t)(import_kwh * 100));
}

/* A request that libmodbus cannot read, such as one of a function it does not know, is dropped. */
static bool is_passing(int error)
{
    return error == EMBBADCRC || error == EMBBADDATA || error == ETIMEDOUT || error == EINTR;
}

/* Serves until the connection ends. */
static void serve(modbus_t *ctx, modbus_mapping_t *m, unsigned *requests)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int n;

    while ((n = modbus_receive(ctx, query)) >= 0 || is_passing(errno)) {
        if (n > 0) {
            show(m, ++*requests);
            modbus_reply(ctx, query, n, m);
        } else if (n < 0) {
            modbus_flush(ctx);
        }
    }
}

static void serve_tcp(modbus_t *ctx, modbus_mapping_t *m)
{
    int listener = modbus_tcp_listen(ctx, 4);
    struct sockaddr_in at;
    socklen_t len = sizeof(at);
    unsigned requests = 0;

    if (listener < 0 || getsockname(listener, (struct sockaddr *)&at, &len) != 0) {
        fprintf(stderr, "modbus_peer: %s\n", modbus_strerror(errno));
        exit(1);
    }
    printf("ready %u\n", (unsigned)ntohs(at.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(ctx, &listener) >= 0) {
        serve(ctx, m, &requests);
        modbus_close(ctx);
    }
}

static void serve_rtu(modbus_t *ctx, modbus_mapping_t *m)
{
    unsigned requests = 0;

    if (modbus_connect(ctx) != 0) {
        fprintf(stderr, "modbus_peer: %s\n", modbus_strerror(errno));
        exit(1);
    }
    puts("ready");
    fflush(stdout);
    serve(ctx, m, &requests);
}

int main(int argc, char **argv)
{
    bool rtu = argc == 5 && strcmp(argv[1], "rtu") == 0;
    bool tcp = argc == 3 && strcmp(argv[1], "tcp") == 0;
    modbus_mapping_t *m =
        modbus_mapping_new_start_address(0, 0, 0, 0, ABB, ABB_COUNT, 0, EASTRON_COUNT);
    modbus_t *ctx = rtu   ? modbus_new_rtu(argv[2], atoi(argv[3]), 'N', 8, 1)
                    : tcp ? modbus_new_tcp("127.0.0.1", 0)
                          : NULL;

    if (ctx == NULL || m == NULL) {
        fputs("usage: modbus_peer rtu DEVICE BAUD UNIT | tcp UNIT\n", stderr);
        return 2;
    }
    modbus_set_slave(ctx, atoi(argv[argc - 1]));
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_swap, .sa_flags = SA_RESTART}, NULL);
    show(m, 0);
    if (rtu) {
        serve_rtu(ctx, m);
    } else {
        serve_tcp(ctx, m);
    }
    modbus_mapping_free(m);
    modbus_free(ctx);
    return 0;
}
