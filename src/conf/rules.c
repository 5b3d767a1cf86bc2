/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: one policy file per partner domain. Each file stands for itself: what it leaves out has the default of
 * domsec.conf(5), not what default.conf says, so that a change there never weakens a partner's rule. A file that cannot
 * be read or understood is a fault: a missing rule could mean plaintext. Not for finding the rule of a domain: that is
 * policy/.
 */
#include "rules.h"

#include "source.h"

#include <string.h>

#define DEFAULT_FILE "default.conf"
#define BUILT_IN "built-in"

static void rule_free(struct rule *rule)
{
    for (size_t i = 0; i < rule->label_count; i++)
        option_clear(&label_options, &rule->labels[i]);
    g_free(rule->labels);
    option_clear(&rule_options, rule);
    g_free(rule->file);
    g_free(rule->name);
    g_free(rule);
}

DECLARE_OWNED(rule, struct rule *, rule_free)

static struct rule *rule_new(const char *file, const char *name)
{
    struct rule *rule = g_new0(struct rule, 1);
    rule->file = g_strdup(file);
    rule->name = g_strdup(name);
    option_set_defaults(&rule_options, rule);
    return rule;
}

static bool names_organization(char *const *components)
{
    while (*components != NULL && !g_str_has_prefix(*components, "O="))
        components++;
    return *components != NULL;
}

/* What no single row can tell. root is the file's top group, place the file as a whole. */
static void check_rule(const struct rule *rule, const config_setting_t *root, const struct place *place)
{
    struct place at = *place;
    bool is_default = strcmp(rule->name, DEFAULT_FILE) == 0;
    bool has_domain = config_setting_get_member(root, "domain") != NULL;
    at.line = option_line(root, "domain");
    if (is_default && has_domain)
        place_fault(
            &at, "\"domain\" is not allowed in default.conf, which applies to all domains without a file of their own");
    else if (!is_default && !has_domain)
        place_fault(&at, "missing key \"domain\": only default.conf may omit it");
    at.line = option_line(root, "naming");
    if (rule->naming == NAMING_PINNED && rule->certificates[0] == NULL)
        place_fault(&at, "\"naming\" is \"pinned\", but \"certificates\" lists none");
    at.line = option_line(root, "x500_name");
    if (rule->x500_name[0] != NULL && !names_organization(rule->x500_name))
        place_fault(&at, "\"x500_name\" has no organization (\"O=…\"), so no certificate can map");
}

static void read_labels(struct rule *rule, const config_setting_t *root, const struct place *place)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
    rule->labels = option_read_groups(root, "labels", &label_options, sizeof(struct label_conf), lines, place);
    rule->label_count = lines->len;
    for (size_t i = 0; i < rule->label_count; i++) {
        struct place at = *place;
        at.line = g_array_index(lines, unsigned, i);
        if (rule->labels[i].value != NULL && rule->label_header == NULL)
            place_fault(&at, "a label has a \"value\", but \"label_header\" is not set");
    }
}

static void note_lines(struct rule *rule, const config_setting_t *root)
{
    const config_setting_t *outbound = config_setting_get_member(root, "outbound");
    rule->certificates_line = option_line(root, "certificates");
    rule->anchors_line = option_line(root, "anchors");
    rule->outbound_line = option_line(root, "outbound");
    rule->inbound_line = option_line(root, "inbound");
    if (outbound != NULL)
        rule->outbound.require_review_line = option_line(outbound, "require_review");
}

static struct rule *rule_load(const char *file, const char *name, const struct place *place, unsigned *domain_line)
{
    owned(rule) struct rule *rule = rule_new(file, name);
    struct place at = {.faults = place->faults, .file = file, .folder = place->folder};
    config_t config;
    config_init(&config);
    bool good = source_read(file, &at, &config);
    if (good) {
        const config_setting_t *root = config_root_setting(&config);
        option_read_group(root, &rule_options, rule, &at);
        read_labels(rule, root, &at);
        check_rule(rule, root, &at);
        note_lines(rule, root);
        *domain_line = option_line(root, "domain");
    }
    config_destroy(&config);
    return good ? steal(&rule) : NULL;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The policy files of a folder, sorted. Hidden files are left out: editors' lock files (".#x.conf") are such. */
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
        else if (name[0] != '.' && !g_str_has_suffix(name, "~")) /* editors' */
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

/* Most specific first: a child has more labels than its parent. The default rule has no domain and comes last. */
static int compare_rules(gconstpointer a, gconstpointer b)
{
    const struct rule *left = *(const struct rule *const *)a, *right = *(const struct rule *const *)b;
    if (left->domain == NULL || right->domain == NULL)
        return (left->domain == NULL) - (right->domain == NULL);
    unsigned left_count = count_labels(left->domain), right_count = count_labels(right->domain);
    if (left_count != right_count)
        return left_count > right_count ? -1 : 1;
    return strcmp(left->domain, right->domain);
}

/* seen: domain → where it was first named. */
static void check_unique(GHashTable *seen, const struct rule *rule, unsigned line, const struct place *place)
{
    if (rule->domain == NULL)
        return;
    const char *first = g_hash_table_lookup(seen, rule->domain);
    if (first != NULL)
        faults_add(place->faults, rule->file, line, "the domain \"%s\" already has a policy file: %s", rule->domain,
                   first);
    else
        g_hash_table_insert(seen, g_strdup(rule->domain), g_strdup_printf("%s:%u", rule->file, line));
}

void rules_load(struct conf *conf, const struct place *place)
{
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    bool has_default = false;
    g_autoptr(GPtrArray) names = conf->policy_dir == NULL ? g_ptr_array_new() : list_files(conf->policy_dir, place);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *file = g_build_filename(conf->policy_dir, name, NULL);
        unsigned line = 0;
        struct rule *rule = rule_load(file, name, place, &line);
        if (rule == NULL)
            continue;
        check_unique(seen, rule, line, place);
        has_default = has_default || strcmp(name, DEFAULT_FILE) == 0;
        g_ptr_array_add(rules, rule);
    }
    if (!has_default)
        g_ptr_array_add(rules, rule_new(BUILT_IN, BUILT_IN));
    g_ptr_array_sort(rules, compare_rules);
    conf->rule_count = rules->len;
    conf->rules = (struct rule **)g_ptr_array_free(steal(&rules), FALSE);
}

void rules_free(struct conf *conf)
{
    for (size_t i = 0; i < conf->rule_count; i++)
        rule_free(conf->rules[i]);
    g_free(conf->rules);
}
