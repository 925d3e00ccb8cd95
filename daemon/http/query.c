#include "daemon/http/query.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* Decodes in place: the result is never longer. False: a broken escape or a NUL. */
static bool decode(char *s)
{
    char *out = s;

    while (*s != '\0') {
        char c = *s++;

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = hex_digit(s[0]);
            int low = high < 0 ? -1 : hex_digit(s[1]); /* s[1] exists: s[0] was no NUL */

            if (low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            c = (char)(high << 4 | low);
            s += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return true;
}

static int refuse(struct http_query *q, const char **why_out, int err, const char *why)
{
    q->count = 0;
    *why_out = why;
    return err;
}

/* One "name=value". 0, or an error with its words. */
static int add(struct http_query *q, char *part, const char **why_out)
{
    char *equals = strchr(part, '=');
    char *value = equals == NULL ? part + strlen(part) : equals + 1;

    if (equals != NULL) {
        *equals = '\0';
    }
    if (!decode(part) || !decode(value)) {
        return refuse(q, why_out, HWT_ERR_SANITY, "a percent escape is not %01 to %FF");
    }
    if (part[0] == '\0') {
        return refuse(q, why_out, HWT_ERR_SANITY, "a value has no name");
    }
    if (http_query_get(q, part) != NULL) {
        return refuse(q, why_out, HWT_ERR_ARGUMENT, "a parameter is given twice");
    }
    if (q->count == HTTP_PARAMETERS_MAX) {
        return refuse(q, why_out, HWT_ERR_SPACE, "more than 16 parameters");
    }
    q->parameter[q->count].name = part;
    q->parameter[q->count].value = value;
    q->count++;
    return 0;
}

int http_query_parse(struct http_query *query_out, char *text, const char **why_out)
{
    query_out->count = 0;
    while (text != NULL && *text != '\0') {
        char *next = strchr(text, '&');
        int err = 0;

        if (next != NULL) {
            *next++ = '\0';
        }
        if (*text != '\0') {
            err = add(query_out, text, why_out);
        }
        if (err < 0) {
            return err;
        }
        text = next;
    }
    return 0;
}

const char *http_query_get(const struct http_query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (strcmp(query->parameter[i].name, name) == 0) {
            return query->parameter[i].value;
        }
    }
    return NULL;
}

bool http_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = text[0] == '-';
    const char *p = negative ? text + 1 : text;
    int64_t v = 0;

    if (*p == '\0') {
        return false;
    }
    for (; *p != '\0'; p++) {
        int digit = *p - '0';

        /* Counting below zero reaches INT64_MIN without overflow. */
        if (digit < 0 || digit > 9 || v < (INT64_MIN + digit) / 10) {
            return false;
        }
        v = v * 10 - digit;
    }
    if (!negative && v == INT64_MIN) {
        return false;
    }
    v = negative ? v : -v;
    if (v < min || v > max) {
        return false;
    }
    *out = v;
    return true;
}
