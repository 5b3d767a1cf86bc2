/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split: what the group `split` and mixed_recipients come to, and the names of listeners, which decide what is done to
 * a message. The keys are only named here; gateway/ opens them.
 */
#include "partners.h"

#include "base/bytes.h"

#include <libconfig.h>
#include <string.h>

bool split_is_usual_name(const char *name)
{
    static const char *const sendmail[] = {"MTA", "MSA", "Daemon0", NULL};
    const char *host = g_get_host_name();
    size_t length = strlen(host);
    bool names_host = g_ascii_strncasecmp(name, host, length) == 0 && (name[length] == '\0' || name[length] == '.');
    return g_strv_contains(sendmail, name) || names_host;
}

static void check_daemon_name(const struct conf *conf, const struct place *place)
{
    const char *name = conf->split.daemon_name;
    if (split_is_usual_name(name))
        place_fault(place,
                    "\"daemon_name\": mail servers call every listener \"%s\" by default; give the listener for sealed "
                    "messages a name of its own",
                    name);
    if (g_strv_contains((const char *const *)conf->pass_daemons, name))
        place_fault(place, "\"daemon_name\": \"%s\" is in pass_daemons, where nothing is opened", name);
}

static void check_keys(const struct split_conf *split, const struct place *place)
{
    for (char **key = split->keys; *key != NULL; key++)
        if (!text_begins_with(*key, "file:"))
            place_fault(place, "\"keys\": %s: a key to seal with must be in a file; write \"file:…\"", *key);
}

void split_read(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    const config_setting_t *group = config_setting_get_member(root, "split");
    struct place at = *place;
    if (group != NULL && config_setting_is_group(group)) {
        at.line = conf->split.line = option_line(group, "keys");
        check_keys(&conf->split, &at);
        at.line = option_line(group, "daemon_name");
        check_daemon_name(conf, &at);
    }
    bool can_split = conf->split.keys[0] != NULL;
    at.line = option_line(root, "mixed_recipients");
    if (config_setting_get_member(root, "mixed_recipients") == NULL)
        conf->mixed_recipients = can_split ? MIXED_SPLIT : MIXED_REJECT;
    else if (conf->split.aliases && conf->mixed_recipients != MIXED_SPLIT)
        place_warn(&at, "\"mixed_recipients\" is not \"split\", so split.aliases has no effect");
    else if (conf->mixed_recipients == MIXED_SPLIT && !can_split)
        place_fault(&at, "\"mixed_recipients\": \"split\" needs the group \"split\" with its keys: "
                         "split = { keys = ( \"file:keys/split.key\" ); };");
}
