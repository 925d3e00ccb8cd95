/* config_presets.h: `heatwatt config presets [--json] [NAME]`: the models that come with heatwatt.
 */
#ifndef DAEMON_CLI_CONFIG_PRESETS_H
#define DAEMON_CLI_CONFIG_PRESETS_H

#include <stdbool.h>

/* Prints all, or the one of this exact name. Returns the exit status. */
int config_presets(const char *name, bool json);

#endif
