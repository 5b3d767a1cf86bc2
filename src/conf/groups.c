/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups: the groups of a partner, whose members share a certificate, and which kind of certificate is preferred.
 */
#include "partners.h"

#include "conf/address_set.h"

#include <libconfig.h>
#include <string.h>

void groups_free(struct partner *partner)
{
    for (size_t i = 0; i < partner->group_count; i++) {
        option_clear(&group_options, &partner->groups[i]);
        address_set_free(partner->groups[i].mailboxes);
    }
    g_free(partner->groups);
    partner->groups = NULL;
    partner->group_count = 0;
}

void groups_read(struct conf *conf, struct partner *partner, const config_setting_t *root, const struct place *place)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
    if (config_setting_get_member(root, "groups") == NULL)
        return;
    partner->groups = option_read_groups(root, "groups", &group_options, sizeof(struct group_conf), lines, place);
    partner->group_count = lines->len;
    for (size_t i = 0; i < partner->group_count; i++) {
        struct group_conf *group = &partner->groups[i];
        struct place at = *place;
        group->index = i;
        group->line = at.line = g_array_index(lines, unsigned, i);
        if (group->members == NULL) /* a fault already */
            group->members = g_new0(char *, 1);
        group->mailboxes = lists_settle(conf->lists, &group->members, &at);
    }
}

void groups_check(const struct partner *partner, struct faults *faults)
{
    for (char **kind = partner->prefer; kind != NULL && *kind != NULL; kind++)
        if (g_strv_contains((const char *const *)kind + 1, *kind))
            faults_add(faults, partner->file, 0, "\"prefer\" has \"%s\" twice", *kind);
    char *const *prefer = partner->prefer;
    if (partner->group_count == 0 && prefer != NULL && g_strcmp0(prefer[0], "group") == 0 && prefer[1] == NULL)
        faults_warn(faults, partner->file, 0,
                    "\"prefer\" is \"group\", and this policy has no \"groups\": no certificate will be used; add "
                    "them, or another kind");
    for (size_t i = 0; i < partner->group_count; i++)
        for (char **member = partner->groups[i].members; *member != NULL && partner->domain != NULL; member++)
            if (!domain_is_within(strrchr(*member, '@') + 1, partner->domain))
                faults_warn(faults, partner->file, partner->groups[i].line,
                            "groups: \"%s\" is not in %s, so it never counts as a member; correct it, or put the group "
                            "into the policy of its own domain",
                            *member, partner->domain);
}

const struct group_conf *conf_group(const struct partner *partner, const struct address *address)
{
    const struct group_conf *best = NULL;
    enum address_match match = ADDRESS_MATCH_NONE;
    g_autofree char *key = partner->group_count > 0 ? address_key(address) : NULL;
    for (size_t i = 0; i < partner->group_count; i++) {
        enum address_match found = address_set_match(partner->groups[i].mailboxes, key);
        if (found <= match)
            continue;
        match = found;
        best = &partner->groups[i];
    }
    return best;
}

/* --- prefer --- */

unsigned conf_preference(const struct partner *partner, enum certificate_kind kind)
{
    if (partner->prefer == NULL || partner->prefer[0] == NULL)
        return (unsigned)kind;
    for (unsigned i = 0; partner->prefer[i] != NULL; i++)
        if (strcmp(partner->prefer[i], certificate_kind_name(kind)) == 0)
            return i;
    return CERTIFICATE_UNWANTED;
}
