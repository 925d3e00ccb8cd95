#include "daemon/cli/scan_print.h"

#include <stdio.h>

#include "core/base/quantity.h"

enum { VALUES_SHOWN = 4 };

static void print_values(const struct scan_found *f)
{
    for (unsigned i = 0; i < f->values && i < VALUES_SHOWN; i++) {
        const struct scan_value *v = &f->value[i];
        const struct hwt_quantity_info *q = hwt_quantity_get(v->quantity);
        double value = (double)v->counts / (double)(q != NULL ? q->per_unit : 1000000);

        printf("%s%s %.*f %s", i > 0 ? ", " : "",
               v->name[0] != '\0' ? v->name
               : q != NULL        ? q->id
                                  : "",
               q != NULL ? q->digits : 3, value, q != NULL ? q->unit : "V");
    }
}

static void print_item(const struct scan_item *item)
{
    const struct scan_found *f = &item->found;
    static const char *const framings[] = {"8N1", "8E1", "8O1", "8N2"};
    char secondary[24];

    printf("%s  %s", f->port, scan_protocol_name(f->protocol));
    if (f->baud != 0) {
        printf("  %u baud %s", f->baud, framings[f->framing]);
    }
    if (f->address >= 0) {
        printf("  %s %d",
               f->protocol == SCAN_MODBUS ? "unit"
               : f->protocol == SCAN_EMON ? "node"
                                          : "address",
               f->address);
    }
    if (f->has_secondary) {
        scan_item_secondary(f, secondary);
        printf("  secondary %s", secondary);
    } else if (f->serial[0] != '\0') {
        printf("  %s", f->serial);
    }
    printf("%s%s%s%s\n", f->model[0] != '\0' ? "  " : "", f->model,
           f->medium[0] != '\0' ? "  " : "", f->medium);
    if (f->values > 0) {
        printf("    ");
        print_values(f);
        printf("\n");
    }
    if (item->configured_as[0] != '\0') {
        printf("    configured as %s\n", item->configured_as);
    } else if (f->note[0] != '\0') {
        printf("    %s\n", f->note);
    }
}

static void print_yaml(const struct scan_result *r)
{
    char yaml[SCAN_YAML_MAX];
    bool any = false;

    for (unsigned i = 0; i < r->items; i++) {
        const struct scan_item *item = &r->item[i];
        const char *cannot = scan_item_cannot(item);

        if (item->configured_as[0] != '\0') {
            continue;
        }
        if (cannot != NULL) {
            printf("\n# %s at %s: %s\n", scan_protocol_name(item->found.protocol), item->found.port,
                   cannot);
        } else if (scan_item_yaml(item, yaml)) {
            printf("%s%s", any ? "" : "\nsources:\n", yaml);
            any = true;
        }
    }
}

void scan_print(const struct scan_result *r)
{
    for (unsigned i = 0; i < r->items; i++) {
        print_item(&r->item[i]);
    }
    print_yaml(r);
    if (r->items == 0) {
        printf("nothing was found: is the power on, are the wires right (A and B of RS485 the "
               "other way round?)\n");
    }
}
