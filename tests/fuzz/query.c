/* The query string of a request, and the numbers in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A decoded text lies inside the string that was parsed. */
static void check(const char *p, const char *text, size_t size)
{
    if (p < text || p > text + size || memchr(p, '\0', (size_t)(text + size + 1 - p)) == NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct http_query query;
    const char *why = NULL;
    int err;

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    err = http_query_parse(&query, text, &why);
    if (query.count > HTTP_PARAMETERS_MAX || (err < 0 && (query.count != 0 || why == NULL))) {
        abort();
    }
    for (size_t i = 0; i < query.count; i++) {
        const struct http_parameter *p = &query.parameter[i];
        int64_t v;

        check(p->name, text, size);
        check(p->value, text, size);
        if (http_query_get(&query, p->name) != p->value ||
            (http_number(p->value, -1000, 1000, &v) && (v < -1000 || v > 1000))) {
            abort();
        }
    }
    free(text);
    return 0;
}
