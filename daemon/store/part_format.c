#include "daemon/store/part_format.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/store/log_dir.h"
#include "daemon/store/part_bd.h"

int part_facts(const char *path, struct part_facts *facts_out, char *error, size_t n)
{
    struct part_bd_options options = {.path = path, .read_only = true, .any_content = true};
    struct part_bd *d = part_bd_open(&options, error, n);
    struct part_facts facts;

    if (d == NULL) {
        return HWT_ERR_IO;
    }
    facts.mb = part_bd_blocks(d);
    facts.content = part_bd_look(d, facts.what);
    part_bd_close(d);
    *facts_out = facts;
    return 0;
}

static int make(struct part_bd *d, struct hwt_tslog *log)
{
    struct hwt_tslog_config config = {.bd = part_bd_device(d)};
    struct hwt_tslog_recovery recovery;
    int err = log_dir_make_uuid(config.uuid) ? part_bd_wipe(d) : HWT_ERR_IO;

    return err == 0 ? hwt_tslog_open(log, &config, &recovery) : err;
}

int part_format(const char *path, char *error, size_t n)
{
    struct part_bd_options options = {.path = path, .any_content = true};
    struct hwt_tslog *log = malloc(sizeof(*log));
    struct part_bd *d = log != NULL ? part_bd_open(&options, error, n) : NULL;
    int err = HWT_ERR_IO;

    if (log == NULL) {
        snprintf(error, n, "out of memory");
    } else if (d != NULL) {
        err = make(d, log);
        if (err != 0) {
            snprintf(error, n, "%s: %s", path, part_bd_explain(d, err));
        }
    }
    part_bd_close(d);
    free(log);
    return err == 0 ? 0 : HWT_ERR_IO;
}
