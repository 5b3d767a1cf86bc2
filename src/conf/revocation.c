/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation: what the groups `revocation` of domsec.conf and of the policy files come to, with their short form `crls`
 * in domsec.conf. A partner's group replaces the global one; CRLs that it does not name are the global ones.
 */
#include "partners.h"

#include <libconfig.h>

#define NO_LISTS                                                                                                       \
    "\"check\" is \"hard\", there are no \"crls\", and nothing is fetched, so mail is deferred unless it brings the "  \
    "lists of its signer's authorities"

/* A list alone means that it is to be used, and that nothing else is asked. */
static void complete(const config_setting_t *group, struct revocation_conf *revocation)
{
    revocation->check_line = group != NULL ? option_line(group, "check") : 0;
    revocation->crls_line = group != NULL ? option_line(group, "crls") : 0;
    if (group == NULL || config_setting_get_member(group, "check") == NULL)
        revocation->check = revocation->crls[0] != NULL ? REVOCATION_CHECK_HARD : REVOCATION_CHECK_OFF;
    revocation->says_fetch |= group != NULL && config_setting_get_member(group, "fetch") != NULL;
    revocation->says_ocsp |= group != NULL && config_setting_get_member(group, "ocsp") != NULL;
}

/* What the group does not say: with lists of its own as before there was anything else, otherwise as in `global`. */
static void choose_sources(struct revocation_conf *revocation, const struct revocation_conf *global)
{
    bool has_lists = revocation->crls[0] != NULL;
    if (!revocation->says_fetch)
        revocation->fetch = !has_lists && (global == NULL || global->fetch);
    if (!revocation->says_ocsp)
        revocation->ocsp = !has_lists && (global == NULL || global->ocsp);
}

static bool knows_nothing(const struct revocation_conf *revocation, const struct revocation_conf *global)
{
    return revocation->check == REVOCATION_CHECK_HARD && revocation->crls[0] == NULL && !revocation->fetch &&
           !revocation->ocsp && (global == NULL || global->crls[0] == NULL);
}

void revocation_read(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    const config_setting_t *group = config_setting_get_member(root, "revocation");
    struct revocation_conf *revocation = &conf->revocation;
    bool is_short = conf->crls[0] != NULL;
    struct place at = *place;
    at.line = option_line(root, "crls");
    if (is_short && revocation->crls[0] != NULL)
        place_fault(&at, "\"crls\" is set twice, here and in the group \"revocation\"");
    if (is_short) {
        g_strfreev(revocation->crls);
        revocation->crls = conf->crls;
        conf->crls = g_new0(char *, 1);
    }
    complete(group, revocation);
    if (is_short)
        revocation->crls_line = at.line;
    at.line = revocation->check_line;
    choose_sources(revocation, NULL);
    if (knows_nothing(revocation, NULL))
        place_warn(&at, NO_LISTS);
}

void revocation_read_partner(struct partner *partner, const config_setting_t *root)
{
    const config_setting_t *group = config_setting_get_member(root, "revocation");
    if (group == NULL)
        return;
    enum revocation_check check = partner->own_revocation.check;
    bool is_set = partner->own_revocation.check_line > 0; /* by the template */
    complete(group, &partner->own_revocation);
    if (is_set && config_setting_get_member(group, "check") == NULL)
        partner->own_revocation.check = check;
    partner->revocation = &partner->own_revocation;
}

void revocation_settle(const struct conf *conf, struct partner *partner, struct faults *faults)
{
    if (partner->revocation == NULL)
        partner->revocation = &conf->revocation;
    if (partner->revocation != &partner->own_revocation)
        return;
    choose_sources(&partner->own_revocation, &conf->revocation);
    if (knows_nothing(partner->revocation, &conf->revocation))
        faults_warn(faults, partner->file, partner->revocation->check_line, NO_LISTS);
}
