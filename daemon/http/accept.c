/*
 * accept.c: which format an Accept header asks for (RFC 9110, 12.5.1).
 */
#include <string.h>
#include <strings.h>

#include "daemon/http/plan.h"

/* Weight of the parameters ";a=b;q=0.5" in thousandths; 1000 without a q, 0 if it is none. */
static unsigned weight_of(const char *p, size_t n)
{
    for (size_t i = 0; i + 2 < n; i++) {
        if ((p[i] == ';' || p[i] == ' ') && (p[i + 1] | 0x20) == 'q' && p[i + 2] == '=') {
            unsigned q = 0, place = 1000;

            for (i += 3; i < n && ((p[i] >= '0' && p[i] <= '9') || p[i] == '.') && place > 0; i++) {
                if (p[i] != '.') {
                    q += (unsigned)(p[i] - '0') * place;
                    place /= 10;
                }
            }
            return q > 1000 ? 0 : q;
        }
    }
    return 1000;
}

enum plan_format plan_format_accepted(const char *accept)
{
    static const struct {
        const char *type;
        enum plan_format format;
    } types[] = {
        {"application/json", PLAN_JSON},
        {"text/csv", PLAN_CSV},
        {"application/vnd.heatwatt.columns", PLAN_COLUMNS},
        {"*/*", PLAN_JSON},
        {"application/*", PLAN_JSON},
        {"text/*", PLAN_CSV},
    };
    enum plan_format best = PLAN_JSON;
    unsigned best_weight = 0;

    while (accept != NULL && *accept != '\0') {
        size_t n = strcspn(accept, ",");
        size_t lead = strspn(accept, " \t");
        size_t type_n = strcspn(accept + lead, ",; \t");
        unsigned weight = weight_of(accept, n);

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            if (strlen(types[i].type) == type_n &&
                strncasecmp(types[i].type, accept + lead, type_n) == 0 && weight > best_weight) {
                best_weight = weight;
                best = types[i].format;
            }
        }
        accept += n + (accept[n] == ',');
    }
    return best;
}
