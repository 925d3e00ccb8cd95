/*
 * verify.c: reads every page once and says what it is.
 */
#include "core/tslog/internal.h"

struct verify {
    struct hwt_tslog_cursor *work;
    void (*report)(void *ctx, const struct hwt_tslog_page_report *page);
    void *ctx;
    int damaged;
};

static void tell(struct verify *v, const struct hwt_tslog_page_report *page)
{
    v->damaged += page->state == HWT_TSLOG_PAGE_DAMAGED;
    v->report(v->ctx, page);
}

static bool rows_decode(struct hwt_tslog_cursor *c, const struct hwt_tslog_dir_entry *entry)
{
    unsigned rows = 0;

    if (hwt_tslog_cursor_page(c, entry) != 0) {
        return false;
    }
    while (hwt_tslog_cursor_row(c) == 1) {
        rows++;
    }
    /* a page beyond the last durable record is read in part */
    return c->page_end != 0 && (rows < entry->rows || (c->rows.at + 7) / 8 == c->used);
}

static const struct hwt_tslog_dir_entry *find_entry(const struct hwt_tslog_dir *dir, uint32_t page)
{
    for (size_t i = 0; i < dir->count; i++) {
        if (dir->entry[i].page == page) {
            return &dir->entry[i];
        }
    }
    return NULL;
}

/* What the page is, by itself: its header into the report if there is one. */
static int look_at(struct verify *v, struct hwt_tslog_page_report *p, struct hwt_tslog_head *head)
{
    struct hwt_tslog_cursor *c = v->work;
    const struct hwt_bd *bd = &c->snapshot->bd;
    int err = bd->read(bd->ctx, p->block, p->page * HWT_TSLOG_PAGE, c->page, HWT_TSLOG_PAGE);

    if (err != 0) {
        return err;
    }
    p->state = HWT_TSLOG_PAGE_DAMAGED;
    if (hwt_tslog_head_get(c->page, head) == 0) {
        p->stream = head->stream;
        p->first = head->first;
        p->rows = head->kind == HWT_TSLOG_DATA || head->kind == HWT_TSLOG_TAIL ? head->rows : 0;
    }
    if (hwt_tslog_page_open(c->page, head) == 0) {
        p->state = HWT_TSLOG_PAGE_GOOD;
    } else if (hwt_tslog_page_blank(c->page)) {
        p->state = HWT_TSLOG_PAGE_BLANK;
    }
    return 0;
}

static int verify_control(struct verify *v)
{
    uint32_t pages = v->work->snapshot->pages;

    for (uint32_t n = 0; n < HWT_TSLOG_CONTROL_PAGES; n++) {
        struct hwt_tslog_page_report p = {.block = n / pages, .page = n % pages};
        struct hwt_tslog_head head;
        int err = look_at(v, &p, &head);

        if (err != 0) {
            return err;
        }
        tell(v, &p);
    }
    return 0;
}

static int verify_segment(struct verify *v, uint32_t segment)
{
    struct hwt_tslog_cursor *c = v->work;
    int err;

    c->stream = c->snapshot->segment[segment].stream;
    err = hwt_tslog_cursor_dir(c, segment);
    for (uint32_t n = 0; err == 0 && n < c->snapshot->pages; n++) {
        struct hwt_tslog_page_report p = {.block = c->snapshot->segment[segment].block, .page = n};
        const struct hwt_tslog_dir_entry *entry = find_entry(&c->dir, n);
        struct hwt_tslog_head head;

        err = look_at(v, &p, &head);
        if (err == 0 && p.state == HWT_TSLOG_PAGE_GOOD && head.kind == HWT_TSLOG_DATA) {
            if (entry == NULL) {
                p.state = HWT_TSLOG_PAGE_DEAD;
            } else if (!rows_decode(c, entry)) {
                p.state = HWT_TSLOG_PAGE_DAMAGED;
            }
        }
        if (err == 0) {
            tell(v, &p);
        }
    }
    return err;
}

int hwt_tslog_verify(const struct hwt_tslog_snapshot *snapshot, struct hwt_tslog_cursor *work,
                     void (*report)(void *ctx, const struct hwt_tslog_page_report *page), void *ctx)
{
    struct verify v = {.work = work, .report = report, .ctx = ctx};
    int err;

    hwt_tslog_cursor_init(work, snapshot, 0);
    err = verify_control(&v);
    for (uint32_t i = 0; err == 0 && i < snapshot->segments; i++) {
        err = verify_segment(&v, i);
    }
    return err == 0 ? v.damaged : err;
}
