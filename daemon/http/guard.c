#include "daemon/http/guard.h"

#include <string.h>
#include <strings.h>

/* The length of the name in "name[:port]"; 0 if it is neither. */
static size_t name_length(const char *host)
{
    const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
    const char *port;

    if (host[0] == '[' && end == NULL) {
        return 0;
    }
    end = end != NULL ? end + 1 : host + strcspn(host, ":");
    if (*end == '\0') {
        return (size_t)(end - host);
    }
    port = end + 1;
    if (*end != ':' || strlen(port) > 5 || strspn(port, "0123456789") != strlen(port)) {
        return 0;
    }
    return (size_t)(end - host);
}

static bool same(const char *name, size_t n, const char *served)
{
    return strlen(served) == n && strncasecmp(name, served, n) == 0;
}

bool http_host_served(const char *host, const char *const *hosts, size_t count)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};
    size_t n = name_length(host);

    if (n == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (same(host, n, always[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (same(host, n, hosts[i])) {
            return true;
        }
    }
    return false;
}

bool http_origin_served(const char *origin, const char *const *hosts, size_t count)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i]);

        if (strncasecmp(origin, schemes[i], n) == 0) {
            return http_host_served(origin + n, hosts, count);
        }
    }
    return false;
}
