#include "daemon/cli/api_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 120, ANSWER_MAX = 8 << 20, ERROR_MAX = 256 };

struct answer {
    char *p;
    size_t n;
};

static size_t take(char *p, size_t size, size_t count, void *ctx)
{
    struct answer *a = ctx;
    char *grown = a->n + count > ANSWER_MAX ? NULL : realloc(a->p, a->n + count + 1);

    (void)size; /* 1 */
    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + a->n, p, count);
    a->p = grown;
    a->n += count;
    return count;
}

static long perform(CURL *curl, const char *url, const char *method, const char *body,
                    struct curl_slist *headers, struct answer *a, char *error_out)
{
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    CURLcode code;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        snprintf(error_out, ERROR_MAX, "%.200s", why[0] != '\0' ? why : curl_easy_strerror(code));
        return 0;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

long api_request(const char *url, const char *method, const json_t *body, json_t **answer_out,
                 char *error_out)
{
    CURL *curl = curl_easy_init();
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct curl_slist *headers =
        body != NULL ? curl_slist_append(NULL, "Content-Type: application/json") : NULL;
    struct answer a = {NULL, 0};
    long status = 0;

    *answer_out = NULL;
    if (curl == NULL || (body != NULL && (text == NULL || headers == NULL))) {
        snprintf(error_out, ERROR_MAX, "out of memory");
    } else {
        status = perform(curl, url, method, text, headers, &a, error_out);
        *answer_out = a.n > 0 ? json_loadb(a.p, a.n, 0, NULL) : NULL;
    }
    free(a.p);
    free(text);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}
