#include "daemon/publish/batch.h"

#include <stdlib.h>
#include <string.h>

enum {
    JSON_MAX = 256 * 1024, /* bytes of JSON in one post */
    SCAN_MAX = 20000       /* records read for one post, rows or not */
};

/* Where to go on, by what the log is now. */
static void place(struct batch *b, const struct cursor *from, bool known,
                  const struct log_view *view)
{
    b->next = *from;
    if (!known) {
        b->oddity = BATCH_FIRST;
    } else if (memcmp(from->log, view->uuid, sizeof(from->log)) != 0) {
        b->oddity = BATCH_OTHER_LOG;
    } else if (from->sequence > view->last) {
        b->oddity = BATCH_LOG_SHORTER;
    }
    if (b->oddity != BATCH_AS_USUAL) {
        memcpy(b->next.log, view->uuid, sizeof(b->next.log));
        b->next.sequence = b->oddity == BATCH_LOG_SHORTER ? view->last : 0;
        b->next.slot = HWT_EMONCMS_NO_SLOT;
    }
}

static void read_rows(const struct log_source *source, void *reader, struct hwt_emoncms *e,
                      size_t rows, struct batch *b)
{
    for (unsigned scanned = 0; scanned < SCAN_MAX && e->rows < rows; scanned++) {
        const struct hwt_schema *schema;
        const struct hwt_record *record;
        uint64_t lost = 0;
        int got = source->next(reader, &schema, &record, &lost);

        if (got == HWT_ERR_LOST) {
            b->lost += lost;
            b->next.sequence += lost;
            continue;
        }
        if (got <= 0) {
            b->err = got;
            return;
        }
        if (hwt_emoncms_row(e, schema, record) == HWT_ERR_SPACE) {
            return; /* it is the first of the next batch */
        }
        b->next.sequence = record->sequence;
    }
}

static void encode_body(struct batch *b, const char *json, size_t n)
{
    b->body_n = hwt_emoncms_form_size(json, n);
    b->body = malloc(b->body_n);
    if (b->body == NULL) {
        b->err = HWT_ERR_SPACE;
        return;
    }
    hwt_emoncms_form(json, n, b->body);
}

void batch_make(const struct log_source *source, const struct hwt_emoncms_options *options,
                const struct cursor *from, bool known, size_t rows, struct batch *out)
{
    char *json = malloc(JSON_MAX);
    struct log_view view;
    struct hwt_emoncms e;
    void *reader = NULL;
    size_t n;

    *out = (struct batch){.next = *from};
    out->err =
        json == NULL ? HWT_ERR_SPACE : source->open(source->ctx, from->stream, &view, &reader);
    if (out->err != HWT_OK) {
        free(json);
        return;
    }
    out->last = view.last;
    place(out, from, known, &view);
    hwt_emoncms_begin(&e, options, json, JSON_MAX, out->next.slot);
    out->err = source->seek(reader, out->next.sequence + 1);
    if (out->err == HWT_OK) {
        read_rows(source, reader, &e, rows, out);
    }
    source->close(reader);
    n = hwt_emoncms_end(&e);
    out->rows = e.rows;
    out->next.slot = e.slot;
    out->untimed = e.untimed;
    out->empty = e.empty;
    out->thinned = e.thinned;
    if (e.rows > 0) {
        encode_body(out, json, n);
    }
    free(json);
}
