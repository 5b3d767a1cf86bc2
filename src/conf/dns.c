/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: what the group `dns` comes to. Its files are only named here; net/ opens them.
 */
#include "partners.h"

#include <glib.h>
#include <libconfig.h>
#include <string.h>
#include <unistd.h>

/* For a list that is empty. */
static void set_default(char ***list, const char *const *values)
{
    if ((*list)[0] != NULL)
        return;
    g_strfreev(*list);
    *list = g_strdupv((char **)values);
}

void dns_read(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    static const char *const resolver[] = {DNS_RESOLVER_SYSTEM, NULL}, *const records[] = {"smimea", "cert", NULL},
                             *const anchors[] = {DNS_ANCHOR_DEFAULT, NULL};
    const config_setting_t *group = config_setting_get_member(root, "dns");
    struct dns_conf *dns = &conf->dns;
    struct place at = *place;
    bool asks = g_strv_contains((const char *const *)conf->sources, "dns");
    dns->is_used = asks && group != NULL;
    /* A faulty "sources" has its default, which names "dns". */
    bool is_good = faults_errors(place->faults) == 0;
    if (is_good && asks && group == NULL && config_setting_get_member(root, "sources") != NULL)
        faults_note(place->faults, place->file, option_line(root, "sources"),
                    "\"sources\" names \"dns\", which is asked only with the group dns; \"dns = { };\" is enough");
    bool has_anchors = group != NULL && config_setting_get_member(group, "anchors") != NULL;
    at.line = dns->line = group != NULL ? option_line(root, "dns") : 0;
    dns->anchors_line = group != NULL ? option_line(group, "anchors") : 0;
    set_default(&dns->resolver, resolver);
    set_default(&dns->records, records);
    if (!has_anchors && access(DNS_ANCHOR_DEFAULT, F_OK) == 0)
        set_default(&dns->anchors, anchors);
    bool has_word = g_strv_contains((const char *const *)dns->resolver, DNS_RESOLVER_SYSTEM) ||
                    g_strv_contains((const char *const *)dns->resolver, DNS_RESOLVER_ROOT);
    if (has_word && dns->resolver[1] != NULL)
        place_fault(&at, "\"resolver\": \"system\" and \"root\" stand alone");
    if (dns->root_hints != NULL && strcmp(dns->resolver[0], DNS_RESOLVER_ROOT) != 0)
        place_warn(&at, "\"root_hints\" has no effect unless resolver is \"root\"");
}
