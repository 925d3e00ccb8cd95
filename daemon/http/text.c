#include "daemon/http/text.h"

#include "core/base/quantity.h"
#include "daemon/http/number.h"

void text_put_head(struct hwt_json *j, const struct plan *plan)
{
    char text[24];
    const char *name = plan_step_name(plan, text);

    hwt_json_int(j, "from", plan->from_ms);
    hwt_json_int(j, "to", plan->to_ms);
    if (name != NULL) {
        hwt_json_string(j, "step", name);
    } else {
        hwt_json_int(j, "step", plan->step_ms);
    }
    hwt_json_string(j, "tz", plan->zone_name);
}

void text_put_column(struct hwt_json *j, const struct plan *plan, unsigned column)
{
    const struct plan_column *c = &plan->column[column];

    hwt_json_string(j, "series", plan->series[c->series].id);
    hwt_json_string(j, "fn", plan_fn_name((enum plan_fn)c->fn));
    hwt_json_string(j, "unit", c->unit);
}

void text_put_columns(struct hwt_json *j, const struct plan *plan)
{
    hwt_json_array(j, "columns");
    for (unsigned c = 0; c < plan->column_count; c++) {
        hwt_json_object(j, NULL);
        text_put_column(j, plan, c);
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
}

void text_put_origins(struct hwt_json *j, const struct rows *rows)
{
    hwt_json_array(j, "provenance");
    for (unsigned i = 0; i < rows->origins; i++) {
        const struct rows_origin *o = &rows->origin[i];

        hwt_json_object(j, NULL);
        hwt_json_string(j, "stream", o->name);
        hwt_json_string(j, "provenance", hwt_provenance_name(o->provenance));
        hwt_json_int(j, "from", o->from_ms);
        hwt_json_int(j, "to", o->to_ms);
        hwt_json_end_object(j);
    }
    hwt_json_end_array(j);
}

/* Times as even steps: the digits of one are made of those of the one before, which takes a quarter
 * of the time of a number's. */
static char *put_even_times(char *p, int64_t at, int64_t step, uint32_t count)
{
    struct number_stepper s;

    number_stepper_init(&s, at, step);
    for (uint32_t i = 0; i < count; i++) {
        p = number_stepper_put(&s, p);
        *p++ = ',';
    }
    return p;
}

char *text_put_times(const struct plan *plan, char *p)
{
    int64_t at = plan->from_ms;
    uint32_t i = 0;

    *p++ = '[';
    for (; i < plan->buckets && (i < 1 || plan->cut != PLAN_CUT_FIXED); i++) {
        p = number_put_int(p, at);
        *p++ = ',';
        at = plan_next_edge(plan, at);
    }
    p = put_even_times(p, at, plan->step_ms, plan->buckets - i);
    p[-1] = ']';
    return p;
}
