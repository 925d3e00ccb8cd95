/* journal_line_read: what is taken can be written and read again, the same. */
#include <stdlib.h>
#include <string.h>

#include "daemon/store/journal_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct journal_entry e, again;
    char line[JOURNAL_LINE_MAX];

    if (journal_line_read((const char *)data, n, &e)) {
        size_t written = journal_line_write(&e, line);

        if (!journal_line_read(line, written - 1, &again) || e.seq != again.seq ||
            e.unix_ms != again.unix_ms || strcmp(e.kind, again.kind) != 0 ||
            strcmp(e.source, again.source) != 0 || strcmp(e.channel, again.channel) != 0 ||
            strcmp(e.meter, again.meter) != 0 || strcmp(e.text, again.text) != 0 ||
            (e.quantity != HWT_Q_NONE && e.offset != again.offset)) {
            abort();
        }
    }
    return 0;
}
