/*
 * What a browser, or somebody pretending to be one, writes into the headers of a request: Host,
 * Origin, Accept-Encoding, Last-Event-ID. Each input is taken as all four.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/assets.h"
#include "daemon/http/event_text.h"
#include "daemon/http/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A host that is served is one of ours, with at most a port behind it. */
static void check_host(const char *host, const char *const *hosts, size_t count)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};
    bool ours = false;

    for (size_t i = 0; i < 3 + count; i++) {
        const char *name = i < 3 ? always[i] : hosts[i - 3];
        size_t n = strlen(name);

        if (strncasecmp(host, name, n) == 0) {
            const char *port = host + n;

            ours = ours || *port == '\0' ||
                   (*port == ':' && strspn(port + 1, "0123456789") == strlen(port + 1));
        }
    }
    require(ours);
}

static void check_event_id(const char *id)
{
    char stream[HWT_ID_MAX + 1], again_stream[HWT_ID_MAX + 1], text[HWT_ID_MAX + 24];
    uint64_t sequence, again;

    if (event_parse_id(id, stream, &sequence)) {
        require(strlen(stream) >= 1 && strlen(stream) <= HWT_ID_MAX);
        snprintf(text, sizeof(text), "%s:%" PRIu64, stream, sequence);
        require(event_parse_id(text, again_stream, &again));
        require(again == sequence && strcmp(stream, again_stream) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const hosts[] = {"Heat.example", "house.lan"};
    char *text = malloc(size + 1);

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (http_host_served(text, hosts, 2)) {
        check_host(text, hosts, 2);
    }
    if (http_origin_served(text, hosts, 2)) {
        require(strncasecmp(text, "http", 4) == 0 && strstr(text, "://") != NULL);
        check_host(strstr(text, "://") + 3, hosts, 2);
    }
    if (http_accepts_gzip(text)) {
        require(strcasestr(text, "gzip") != NULL || strchr(text, '*') != NULL);
    }
    check_event_id(text);
    free(text);
    return 0;
}
