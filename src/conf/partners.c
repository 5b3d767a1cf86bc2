/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partners: reads one policy file per partner domain. Each file is complete in itself: a key that is left out has its
 * default in domsec.conf(5), not its value in default.conf, so that a change there never weakens a partner's rule. A
 * file that cannot be read or parsed is a fault, because a missing rule could mean plaintext. policy/ decides which of
 * a partner's rules applies to a message.
 */
#include "partners.h"

#include "base/bytes.h"
#include "config_file.h"
#include "home.h"

#include <string.h>

#define DEFAULT_FILE "default.conf"
#define BUILT_IN "built-in"

static void clear_labels(struct partner *partner)
{
    for (size_t i = 0; i < partner->label_count; i++)
        option_clear(&label_options, &partner->labels[i]);
    g_free(partner->labels);
    partner->labels = NULL;
    partner->label_count = 0;
}

static void partner_free(struct partner *partner)
{
    clear_labels(partner);
    groups_free(partner);
    rules_free(partner);
    bundles_clear(&partner->bundles);
    option_clear(&partner_options, partner);
    g_free(partner->file);
    g_free(partner->name);
    g_free(partner);
}

DECLARE_OWNED(partner, struct partner *, partner_free)

static struct partner *partner_new(const char *file, const char *name)
{
    struct partner *partner = g_new0(struct partner, 1);
    partner->file = g_strdup(file);
    partner->name = g_strdup(name);
    partner->base.partner = partner;
    option_set_defaults(&partner_options, partner);
    return partner;
}

static bool names_organization(char *const *components)
{
    while (*components != NULL && !text_begins_with(*components, "O="))
        components++;
    return *components != NULL;
}

/* Checks that involve more than one row. root is the file's top group, and place is that of the file as a whole. */
static void check_partner(const struct partner *partner, const config_setting_t *root, const struct place *place)
{
    struct place at = *place;
    bool is_default = strcmp(partner->name, DEFAULT_FILE) == 0;
    bool has_domain = config_setting_get_member(root, "domain") != NULL;
    at.line = option_line(root, "domain");
    if (is_default && has_domain)
        place_fault(
            &at, "\"domain\" is not allowed in default.conf, which applies to all domains without a file of their own");
    else if (!is_default && !has_domain)
        place_fault(&at, "missing key \"domain\": only default.conf may omit it");
    at.line = option_line(root, "naming");
    if (partner->naming == NAMING_PINNED && partner->certificates[0] == NULL)
        place_fault(&at, "\"naming\" is \"pinned\", but \"certificates\" lists none");
    at.line = option_line(root, "outbound");
    rules_check_signatures(&partner->base.outbound, &at);
    at.line = option_line(root, "inbound");
    if (partner->base.inbound.subject_verified != NULL && partner->base.inbound.require == REQUIRE_NONE)
        place_warn(&at, "\"subject_verified\" marks every message, because \"require\" is \"none\"; set \"require\" to "
                        "\"sign\"");
    at.line = option_line(root, "x500_name");
    if (partner->x500_name[0] != NULL && !names_organization(partner->x500_name))
        place_fault(&at, "\"x500_name\" has no organization (\"O=…\"), so no certificate can map");
}

static void check_header_protection(const struct partner *partner, const config_setting_t *root,
                                    const struct place *place)
{
    const struct outbound_rule *outbound = &partner->base.outbound;
    struct place at = *place;
    at.line = option_line(root, "outbound");
    if (partner->rule_count > 0) /* they may protect what the base does not */
        return;
    if (outbound->header_protection != PROTECT_HEADERS_NONE && outbound->protect == PROTECT_NONE)
        place_warn(&at, "\"header_protection\" does nothing, because \"protect\" is \"none\"");
    else if (outbound->header_protection > PROTECT_HEADERS_SIGN && outbound->protect == PROTECT_SIGN)
        place_warn(&at,
                   "\"header_protection\" hides nothing, because \"protect\" does not encrypt; set it to \"sign\"");
    else if (outbound->header_protection > PROTECT_HEADERS_SIGN && outbound->protect == PROTECT_ENCRYPT)
        place_warn(&at, "\"header_protection\" hides the Subject, and what is not signed is not put back; set "
                        "\"protect\" to \"sign+encrypt\"");
}

/* Only the partner's own addresses may act for it. */
static void check_gateway(const struct partner *partner, const config_setting_t *root, const struct place *place)
{
    struct place at = *place;
    at.line = option_line(root, "naming");
    if (partner->naming == NAMING_ADDRESS && partner->gateway_addresses[0] == NULL)
        place_fault(&at, "\"naming\" is \"address\", but \"gateway_addresses\" lists none");
    at.line = option_line(root, "gateway_addresses");
    if (partner->gateway_addresses[0] != NULL && partner->naming != NAMING_ADDRESS)
        place_fault(&at, "\"gateway_addresses\" is set, but \"naming\" is not \"address\"");
    for (char **each = partner->gateway_addresses; *each != NULL; each++)
        if (partner->domain == NULL || !domain_is_within(strchr(*each, '@') + 1, partner->domain))
            place_fault(&at, "\"gateway_addresses\": %s is not in the partner's domain", *each);
    at.line = option_line(root, "inbound");
    if (partner->base.inbound.without_signature_type == WITHOUT_TYPE_ORIGINATOR)
        return;
    if (partner->naming == NAMING_RFC3183)
        place_fault(&at, "\"without_signature_type\" is \"domain\", which needs another \"naming\" than \"rfc3183\": "
                         "\"address\", \"pinned\", \"mailbox\" or \"domain\"");
    else if (partner->naming != NAMING_PINNED && !conf_has_anchors(partner))
        place_fault(&at, "\"without_signature_type\" is \"domain\", which needs the partner's own \"anchors\", or "
                         "\"naming\" = \"pinned\"");
}

static void read_labels(struct partner *partner, const config_setting_t *root, const struct place *place)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
    if (config_setting_get_member(root, "labels") == NULL)
        return;
    partner->labels = option_read_groups(root, "labels", &label_options, sizeof(struct label_conf), lines, place);
    partner->label_count = lines->len;
    for (size_t i = 0; i < partner->label_count; i++) {
        struct place at = *place;
        at.line = g_array_index(lines, unsigned, i);
        if (partner->labels[i].value != NULL && partner->label_header == NULL)
            place_fault(&at, "a label has a \"value\", but \"label_header\" is not set");
    }
}

static void note_lines(struct partner *partner, const config_setting_t *root)
{
    const config_setting_t *outbound = config_setting_get_member(root, "outbound");
    partner->domain_line = option_line(root, "domain");
    partner->certificates_line = option_line(root, "certificates");
    partner->anchors_line = option_line(root, "anchors");
    partner->intermediates_line = option_line(root, "intermediates");
    const config_setting_t *demands = config_setting_get_member(root, "require_certificate");
    if (demands != NULL)
        partner->demands.issuers_line = option_line(demands, "issuers");
    partner->outbound_line = option_line(root, "outbound");
    partner->inbound_line = option_line(root, "inbound");
    if (outbound != NULL)
        partner->base.outbound.require_review_line = option_line(outbound, "require_review");
}

/* With or without its ending, in the directory of policy files, in that of domsec.conf, or where domsec was installed.
 */
static char *find_template(const struct conf *conf, const char *name)
{
    const char *const folders[] = {conf->policy_dir, conf->folder, DOMSEC_DATADIR};
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
        for (int ending = 0; ending < 2; ending++) {
            g_autofree char *file = ending ? g_strconcat(name, ".conf", NULL) : g_strdup(name);
            g_autofree char *path = g_canonicalize_filename(file, folders[i]);
            if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
                return steal(&path);
        }
    return NULL;
}

static bool is_template(const config_setting_t *root)
{
    int value = 0;
    return config_setting_lookup_bool(root, "template", &value) == CONFIG_TRUE && value != 0;
}

/* --- one policy --- */

/* It stays open until the partner is complete. */
struct policy_file {
    config_t config;
    const config_setting_t *root; /* NULL: the file is not there, or cannot be read */
    struct place place;
};

static void policy_file_open(const char *path, const struct place *place, struct policy_file *file)
{
    file->place = (struct place){.faults = place->faults,
                                 .file = path,
                                 .folder = place->folder,
                                 .home = home_of_policy,
                                 .files = place->files,
                                 .origins = place->origins};
    if (config_file_read(path, &file->place, &file->config))
        file->root = config_root_setting(&file->config);
}

static void open_template(const char *path, const char *name, const struct place *place, struct policy_file *template)
{
    if (path == NULL) {
        place_fault(
            place,
            "\"use\": no such file: %s, neither beside the policy files nor beside domsec.conf nor in " DOMSEC_DATADIR,
            name);
        return;
    }
    policy_file_open(path, place, template);
    if (template->root == NULL)
        return;
    if (!is_template(template->root))
        place_fault(place, "\"use\": %s does not say template = true", path);
    if (config_setting_get_member(template->root, "domain") != NULL ||
        config_setting_get_member(template->root, "use") != NULL)
        place_fault(&template->place, "a template has neither \"domain\" nor \"use\"");
}

static void apply_values(struct partner *partner, const struct policy_file *file)
{
    if (file->root == NULL)
        return;
    option_apply_group(file->root, &partner_options, partner, &file->place);
    revocation_read_partner(partner, file->root);
}

/* The one of the two that has the list: a list of the file replaces that of the template. */
static const struct policy_file *with_list(const struct policy_file *file, const struct policy_file *template,
                                           const char *key)
{
    bool is_own = template->root == NULL || config_setting_get_member(file->root, key) != NULL;
    return is_own ? file : template;
}

/* What stands in the file wins over what it uses. The lists come after the values of both, which the rules copy. */
static void read_partner(struct conf *conf, struct partner *partner, const struct policy_file *file,
                         struct policy_file *template)
{
    const char *use = NULL;
    struct place at = file->place;
    at.line = option_line(file->root, "use");
    bool uses = config_setting_lookup_string(file->root, "use", &use) == CONFIG_TRUE && use[0] != '\0';
    g_autofree char *path = uses ? find_template(conf, use) : NULL;
    if (uses)
        open_template(path, use, &at, template);
    apply_values(partner, template);
    partner->is_template = false;
    apply_values(partner, file);
    const struct policy_file *list = with_list(file, template, "anchors");
    bundles_read(&partner->bundles, partner->anchors, list->root, "anchors", &list->place);
    list = with_list(file, template, "labels");
    read_labels(partner, list->root, &list->place);
    list = with_list(file, template, "groups");
    groups_read(conf, partner, list->root, &list->place);
    list = with_list(file, template, "rules");
    rules_read(conf, partner, list->root, &list->place);
    check_partner(partner, file->root, &file->place);
    check_header_protection(partner, file->root, &file->place);
    check_gateway(partner, file->root, &file->place);
    note_lines(partner, file->root);
}

/* NULL after a fault, and for a file that only others use. */
static struct partner *partner_load(struct conf *conf, const char *file, const char *name, const struct place *place)
{
    owned(partner) struct partner *partner = partner_new(file, name);
    struct policy_file own = {0}, template = {0};
    config_init(&own.config);
    config_init(&template.config);
    policy_file_open(file, place, &own);
    bool good = own.root != NULL && !is_template(own.root);
    if (good)
        read_partner(conf, partner, &own, &template);
    config_destroy(&own.config);
    config_destroy(&template.config);
    return good ? steal(&partner) : NULL;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The policy files of a directory, sorted. Hidden files are ignored, because editors create lock files (".#x.conf"). */
static GPtrArray *list_files(const char *folder, const struct place *place)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GDir) directory = g_dir_open(folder, 0, &problem);
    if (directory == NULL) {
        place_fault(place, "\"policy_dir\": %s", problem->message);
        return steal(&names);
    }
    for (;;) {
        errno = 0;
        const char *name = g_dir_read_name(directory);
        if (name == NULL)
            break;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (name[0] != '.' && g_str_has_suffix(name, ".conf"))
            g_ptr_array_add(names, g_strdup(name));
        else if (name[0] != '.' && !g_str_has_suffix(name, "~") && /* editors' */
                 !g_file_test(path, G_FILE_TEST_IS_DIR))           /* of templates, perhaps */
            faults_warn(place->faults, path, 0, "ignored: the name of a policy file must end in .conf");
    }
    if (errno != 0)
        place_fault(place, "\"policy_dir\": %s: %s", folder, g_strerror(errno));
    g_ptr_array_sort(names, compare_names);
    return steal(&names);
}

static unsigned count_labels(const char *domain)
{
    unsigned count = 1;
    for (; *domain != '\0'; domain++)
        count += *domain == '.';
    return count;
}

/* The most specific domain comes first: a child has more labels than its parent. The default rule has no domain and
 * comes last. */
static int compare_partners(gconstpointer a, gconstpointer b)
{
    const struct partner *left = *(const struct partner *const *)a, *right = *(const struct partner *const *)b;
    if (left->domain == NULL || right->domain == NULL)
        return (left->domain == NULL) - (right->domain == NULL);
    unsigned left_count = count_labels(left->domain), right_count = count_labels(right->domain);
    if (left_count != right_count)
        return left_count > right_count ? -1 : 1;
    return strcmp(left->domain, right->domain);
}

/* seen: domain → where it was named first. */
static void check_unique(GHashTable *seen, const struct partner *partner, unsigned line, const struct place *place)
{
    if (partner->domain == NULL)
        return;
    const char *first = g_hash_table_lookup(seen, partner->domain);
    if (first != NULL)
        faults_add(place->faults, partner->file, line, "the domain \"%s\" already has a policy file: %s",
                   partner->domain, first);
    else
        g_hash_table_insert(seen, g_strdup(partner->domain), g_strdup_printf("%s:%u", partner->file, line));
}

void partners_load(struct conf *conf, const struct place *place)
{
    g_autoptr(GPtrArray) partners = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    bool has_default = false;
    g_autoptr(GPtrArray) names = conf->policy_dir == NULL ? g_ptr_array_new() : list_files(conf->policy_dir, place);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *file = g_build_filename(conf->policy_dir, name, NULL);
        struct partner *partner = partner_load(conf, file, name, place);
        if (partner == NULL)
            continue;
        check_unique(seen, partner, partner->domain_line, place);
        has_default = has_default || strcmp(name, DEFAULT_FILE) == 0;
        g_ptr_array_add(partners, partner);
    }
    if (!has_default)
        g_ptr_array_add(partners, partner_new(BUILT_IN, BUILT_IN));
    g_ptr_array_sort(partners, compare_partners);
    conf->partner_count = partners->len;
    conf->partners_by_domain = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < partners->len; i++) {
        struct partner *partner = g_ptr_array_index(partners, i);
        partner->index = i;
        revocation_settle(conf, partner, place->faults);
        bundles_check(conf, &partner->bundles, partner->file, place->faults);
        if (partner->domain != NULL)
            g_hash_table_insert(conf->partners_by_domain, partner->domain, partner);
    }
    conf->partners = (struct partner **)g_ptr_array_free(steal(&partners), FALSE);
    lists_index(conf->lists);
    for (size_t i = 0; i < conf->partner_count; i++)
        rules_settle(conf->partners[i]);
    for (size_t i = 0; i < conf->partner_count; i++) {
        rules_check(conf, conf->partners[i], place->faults);
        groups_check(conf->partners[i], place->faults);
    }
}

void partners_free(struct conf *conf)
{
    for (size_t i = 0; i < conf->partner_count; i++)
        partner_free(conf->partners[i]);
    g_free(conf->partners);
    if (conf->partners_by_domain != NULL)
        g_hash_table_unref(conf->partners_by_domain);
}
