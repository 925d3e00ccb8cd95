/* The page's table of a build without Node (-Dweb=false): there is no page. */
#include "web/assets.h"

const struct web_asset web_assets[] = {{.path = ""}};
const size_t web_asset_count = 0;
