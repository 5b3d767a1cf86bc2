/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harvest: what the group `harvest` needs of other keys.
 */
#include "partners.h"

void harvest_check(const struct conf *conf, const struct config_setting_t *root, const struct place *place)
{
    struct place at = *place;
    at.line = option_line(root, "harvest");
    if (conf->harvest.approve == APPROVE_OFF)
        return;
    if (conf->store == NULL)
        place_fault(&at, "\"harvest\" needs a store for what it keeps; set \"store\"");
    if (!g_strv_contains((const char *const *)conf->sources, "harvest"))
        place_warn(&at, "\"harvest\": what is harvested is not used, because \"sources\" lacks \"harvest\"");
}
