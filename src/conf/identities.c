/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identities: reads `identities` and `identity_logins`. An identity is a domain's, with a role of RFC 3183, or it is a
 * mailbox's or a group's own. Certificates and keys are only named here.
 */
#include "identities.h"

#include "partners.h"

#include "base/moment.h"
#include "conf/token_uri.h"

#include <libconfig.h>
#include <string.h>

/* --- identities --- */

const char *identity_owner(const struct identity_conf *identity)
{
    return identity->domain != NULL ? identity->domain : identity->name;
}

/* --- side by side --- */

bool identity_has_ended(const struct identity_conf *identity, time_t at)
{
    return identity->until != 0 && at >= identity->until;
}

char *identity_request(const struct identity_conf *identity)
{
    const char *dot = strrchr(identity->certificate, '.');
    if (dot == NULL || g_file_test(identity->certificate, G_FILE_TEST_EXISTS))
        return NULL;
    g_autofree char *request = g_strdup_printf("%.*s.csr", (int)(dot - identity->certificate), identity->certificate);
    return g_file_test(request, G_FILE_TEST_EXISTS) ? steal(&request) : NULL;
}

bool identity_same_owner(const struct identity_conf *a, const struct identity_conf *b)
{
    if (a->role != b->role)
        return false;
    return a->role == ROLE_MAILBOX ? g_strv_equal((const char *const *)a->addresses, (const char *const *)b->addresses)
                                   : g_str_equal(a->domain, b->domain);
}

bool identity_is_awaited(const struct conf *conf, const struct identity_conf *identity)
{
    g_autofree char *request = identity_request(identity);
    for (size_t i = 0; request != NULL && i < conf->identity_count; i++) {
        const struct identity_conf *other = &conf->identities[i];
        if (other != identity && identity_same_owner(identity, other) &&
            g_file_test(other->certificate, G_FILE_TEST_EXISTS))
            return true;
    }
    return false;
}

/* --- reading --- */

static void settle_addresses(const struct conf *conf, struct identity_conf *identity, const config_setting_t *list,
                             const struct place *place)
{
    bool is_empty = config_setting_is_aggregate(list) && config_setting_length(list) == 0;
    bool is_bad = identity->addresses[0] == NULL && !is_empty; /* a fault already */
    identity->role = ROLE_MAILBOX;
    identity->mailboxes = lists_settle(conf->lists, &identity->addresses, place);
    guint more = g_strv_length(identity->addresses);
    if (more == 0 && !is_bad)
        place_fault(place, "\"address\" must not be empty");
    else if (more == 1)
        identity->name = g_strdup(identity->addresses[0]);
    else if (more > 1)
        identity->name = g_strdup_printf("%s and %u more", identity->addresses[0], more - 1);
}

static bool is_on_token(const struct identity_conf *identity)
{
    return identity->key != NULL && token_uri_is(identity->key);
}

/* A key on a token is seen there. A module may stand for a store of another kind, which cannot be seen: its word takes
 * the place of "token", and never the other way round. */
static void check_origin(const struct identity_conf *identity, const struct place *place)
{
    enum key_origin origin = key_origin_of(identity->origin);
    if (is_on_token(identity) && (origin == ORIGIN_CA || origin == ORIGIN_GATEWAY))
        place_fault(place,
                    "\"origin\" is \"%s\", but the key is on a token; leave it out, or write \"os\", \"application\" "
                    "or \"cloud\" if the module stands for such a store",
                    identity->origin);
    else if (identity->key != NULL && !is_on_token(identity) && origin == ORIGIN_TOKEN)
        place_fault(place, "\"origin\" is \"token\", but the key is in a file; only keys with a pkcs11: URI are on a "
                           "token");
}

/* From here on the file of a PIN is in one place, so that code which remembers a refused PIN looks at one. */
static void settle_pin(struct identity_conf *identity)
{
    struct error ignored = {0};
    owned(token_uri) P11KitUri *uri = is_on_token(identity) ? token_uri_parse(identity->key, &ignored) : NULL;
    if (uri != NULL && identity->passphrase_file == NULL)
        identity->passphrase_file = token_uri_pin_file(uri);
}

/* Either a domain with its role, or addresses. */
static void settle(const struct conf *conf, struct identity_conf *identity, const config_setting_t *group,
                   const struct place *place)
{
    bool has_domain = config_setting_get_member(group, "domain") != NULL;
    bool has_role = config_setting_get_member(group, "role") != NULL;
    bool has_address = config_setting_get_member(group, "address") != NULL;
    if (has_address && (has_domain || has_role))
        place_fault(place, "\"address\" cannot stand beside \"%s\": an identity belongs to a domain or to mailboxes",
                    has_domain ? "domain" : "role");
    else if (!has_address && !has_domain && !has_role)
        place_fault(place, "missing key \"domain\" with \"role\", or \"address\": whose identity this is");
    else if (!has_address && !has_domain)
        place_fault(place, "missing key \"domain\": Domain that the identity acts for");
    else if (!has_address && !has_role)
        place_fault(place, "missing key \"role\": Role in which the identity acts");
    if (has_address)
        settle_addresses(conf, identity, config_setting_get_member(group, "address"), place);
    settle_pin(identity);
    check_origin(identity, place);
    if (identity->until != 0 && identity->until <= identity->from) {
        g_autofree char *from = moment_text(identity->from);
        place_fault(place, "\"until\" must be later than \"from\" (%s)", from);
    }
}

static void read_list(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
    const config_setting_t *list = config_setting_get_member(root, "identities");
    conf->identities =
        option_read_groups(root, "identities", &identity_options, sizeof(struct identity_conf), lines, place);
    conf->identity_count = lines->len;
    for (unsigned i = 0; i < conf->identity_count; i++) {
        const config_setting_t *group = config_setting_get_elem(list, i);
        struct place at = *place;
        conf->identities[i].line = at.line = g_array_index(lines, unsigned, i);
        if (config_setting_is_group(group))
            settle(conf, &conf->identities[i], group, &at);
    }
}

/* An identity of a foreign domain does no harm, but is most likely a typing error. */
static bool is_related(const struct conf *conf, const char *domain)
{
    for (char **entry = conf->local_domains; *entry != NULL; entry++) {
        const char *local = *entry + (**entry == '.');
        if (domain_is_within(local, domain) || domain_is_within(domain, local))
            return true;
    }
    return false;
}

static void check_domains(const struct conf *conf, const struct place *place)
{
    for (size_t i = 0; i < conf->identity_count && conf->local_domains[0] != NULL; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        if (identity->domain != NULL && !is_related(conf, identity->domain))
            faults_warn(place->faults, place->file, identity->line,
                        "no local domain is \"%s\" or below it, so this identity is never used; correct the domain, or "
                        "add it to local_domains",
                        identity->domain);
        for (char **address = identity->addresses; address != NULL && *address != NULL; address++)
            if (!conf_is_local_domain(conf, strrchr(*address, '@') + 1))
                faults_warn(place->faults, place->file, identity->line,
                            "\"%s\" is not in local_domains, so this identity is never used for it; correct the "
                            "address, or add its domain to local_domains",
                            *address);
    }
}

/* --- identity_logins --- */

static void check_login(const struct conf *conf, const struct login_conf *login, const struct place *place)
{
    for (char **address = login->addresses; *address != NULL && conf->local_domains[0] != NULL; address++)
        if (!conf_is_local_domain(conf, strrchr(*address, '@') + 1))
            place_warn(place,
                       "identity_logins: \"%s\" is not in local_domains, so no login signs in its name; correct the "
                       "address, or add its domain to local_domains",
                       *address);
}

static void index_login(struct conf *conf, struct login_conf *login, const struct place *place)
{
    if (login->login == NULL)
        return; /* a fault already */
    struct place at = *place;
    at.line = login->line;
    login->mailboxes = lists_settle(conf->lists, &login->addresses, &at);
    check_login(conf, login, &at);
    if (!g_hash_table_insert(conf->logins_by_name, g_ascii_strdown(login->login, -1), login))
        place_fault(&at, "identity_logins: \"%s\" is there twice (logins are compared without case); join the two",
                    login->login);
}

static void read_logins(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    static const char key[] = "identity_logins";
    const config_setting_t *setting = config_setting_get_member(root, key);
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
    conf->logins_by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (setting != NULL && config_setting_type(setting) == CONFIG_TYPE_STRING) {
        struct place at = *place;
        at.line = option_line(root, key);
        conf->logins_are_addresses = g_strcmp0(config_setting_get_string(setting), "same") == 0;
        if (!conf->logins_are_addresses)
            place_fault(&at, "\"%s\" must be \"same\", or a list of groups: ( { login = …; addresses = …; }, … )", key);
        return;
    }
    conf->logins = option_read_groups(root, key, &login_options, sizeof(struct login_conf), lines, place);
    conf->login_count = lines->len;
    for (size_t i = 0; i < conf->login_count; i++) {
        conf->logins[i].line = g_array_index(lines, unsigned, i);
        index_login(conf, &conf->logins[i], place);
    }
}

const struct login_conf *conf_login(const struct conf *conf, const char *login)
{
    g_autofree char *name = g_ascii_strdown(login, -1);
    return g_hash_table_lookup(conf->logins_by_name, name);
}

void identities_read(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    read_list(conf, root, place);
    check_domains(conf, place);
    read_logins(conf, root, place);
}

void identities_free(struct conf *conf)
{
    for (size_t i = 0; i < conf->identity_count; i++) {
        option_clear(&identity_options, &conf->identities[i]);
        address_set_free(conf->identities[i].mailboxes);
        g_free(conf->identities[i].name);
    }
    for (size_t i = 0; i < conf->login_count; i++) {
        option_clear(&login_options, &conf->logins[i]);
        address_set_free(conf->logins[i].mailboxes);
    }
    if (conf->logins_by_name != NULL)
        g_hash_table_destroy(conf->logins_by_name);
    g_free(conf->identities);
    g_free(conf->logins);
}
