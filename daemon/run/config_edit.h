/*
 * config_edit.h: adds sources to the text of a configuration, and leaves every other byte as it is.
 *
 *   sources:                            sources:
 *     - id: clamps                        - id: clamps
 *       type: samples      # roof           type: samples      # roof
 *                                 ──▶     - id: meter
 *   roles: {elec: hp}                       type: mbus
 *
 *                                       roles: {elec: hp}
 *
 * The place is found by the parser's marks, not by looking for words; what is added takes on the
 * list's indentation and the text's line ends. Then the result is read, and compared with what was
 * there and what was to be added: it holds both and nothing else, or nothing is returned.
 *
 * Whether the result is a right configuration is not asked here.
 */
#ifndef DAEMON_RUN_CONFIG_EDIT_H
#define DAEMON_RUN_CONFIG_EDIT_H

#include <stddef.h>

#include "daemon/run/config_problems.h"

enum config_edit_result {
    CONFIG_EDIT_OK,
    CONFIG_EDIT_ITEM, /* what is to be added is wrong */
    CONFIG_EDIT_FILE  /* the text is wrong, or of a form to which nothing can be added */
};

/*
 * `item`: one list item or several, "- id: …", of any indentation, with comments if you like.
 * *text_out is to be freed. On failure outputs are untouched and the problems say why: those of the
 * item under the name `item_name`, those of the text under `file`.
 */
enum config_edit_result config_edit_add(const char *text, size_t n, const char *file,
                                        const char *item, size_t item_n, const char *item_name,
                                        struct config_problems *problems, char **text_out,
                                        size_t *n_out);

#endif
