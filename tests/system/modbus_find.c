/*
 * modbus_find.c: daemon/drivers/modbus_search with the maps of the program, for the system tests.
 *
 *   modbus_find PORT|HOST:PORT TIMEOUT_MS LAST_UNIT BAUD...
 *
 * Prints a line for each device found: speed, unit, map or "-", serial number or "-", values.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/quantity.h"
#include "daemon/run/map_kinds.h"

static void on_found(void *ctx, const struct modbus_found *f)
{
    (void)ctx;
    printf("%u %u %s %s%s", f->baud, f->unit, f->kind != NULL ? f->kind->map : "-",
           f->serial[0] != '\0' ? f->serial : "-", f->collision ? " collision" : "");
    for (unsigned i = 0; i < f->values; i++) {
        printf(" %s=%" PRId64, hwt_quantity_get(f->value[i].quantity)->id, f->value[i].counts);
    }
    printf("\n");
    fflush(stdout);
}

static void on_problem(void *ctx, const char *what)
{
    (void)ctx;
    printf("problem: %s\n", what);
}

static void on_done(void *ctx, const char *why)
{
    *(bool *)ctx = true;
    if (why != NULL) {
        printf("failed: %s\n", why);
    }
}

int main(int argc, char **argv)
{
    struct map_kinds *kinds = map_kinds_new();
    struct modbus_search_options o = {
        .framing = {SERIAL_8N1}, .framings = 1, .from = 1, .on_found = on_found};
    struct modbus_search *search;
    bool done = false;
    uv_loop_t loop;

    if (kinds == NULL || argc < 5 || argc - 4 > MODBUS_SEARCH_SPEEDS_MAX) {
        return 2;
    }
    *(strchr(argv[1], '/') != NULL ? &o.port : &o.tcp) = argv[1];
    o.timeout_ms = (unsigned)atoi(argv[2]);
    o.to = (uint8_t)atoi(argv[3]);
    for (int i = 4; i < argc; i++) {
        o.baud[o.speeds++] = (unsigned)atoi(argv[i]);
    }
    o.kind = kinds->kind;
    o.kinds = kinds->count;
    o.on_problem = on_problem;
    o.on_done = on_done;
    o.ctx = &done;
    uv_loop_init(&loop);
    search = modbus_search_new(&loop, &o);
    if (search == NULL) {
        return 2;
    }
    modbus_search_start(search);
    while (!done) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    modbus_search_free(search);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    map_kinds_free(kinds);
    return 0;
}
