/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths: finds the files that a configuration names by the rows of the schema, so that a new key that names a file is
 * in every backup by itself.
 */
#include "conf/paths.h"

#include "option.h"

#include <string.h>

struct walk {
    void (*seen)(void *context, const char *path);
    void *context;
    bool may_be_gone; /* a file that is not there is passed over */
};

/* What the daemon writes. */
static bool is_written(const struct conf_option *option)
{
    return strcmp(option->key, "pid_file") == 0 || strcmp(option->key, "metrics_file") == 0;
}

static void see(const struct walk *walk, const struct conf_option *option, const char *value)
{
    bool is_uri = option->convert == convert_key;
    if (value == NULL || (is_uri && !text_begins_with(value, "file:")))
        return;
    const char *path = is_uri ? value + strlen("file:") : value;
    if (!walk->may_be_gone || g_file_test(path, G_FILE_TEST_EXISTS))
        walk->seen(walk->context, path);
}

static void walk_table(const struct walk *walk, const struct option_table *table, const void *base)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_option *option = &table->options[i];
        const void *at = (const char *)base + option->offset;
        bool names_file =
            (option->convert == convert_path || option->convert == convert_anchor || option->convert == convert_key) &&
            !is_written(option);
        if (option->type == OPTION_GROUP)
            walk_table(walk, option->group, at);
        else if (names_file && option->type == OPTION_TEXT)
            see(walk, option, *(char *const *)at);
        else if (names_file && option->type == OPTION_TEXTS)
            for (char **each = *(char **const *)at; each != NULL && *each != NULL; each++)
                see(walk, option, *each);
    }
    if (table->also != NULL)
        walk_table(walk, table->also, (const char *)base + table->also_offset);
}

static void walk_bundles(const struct walk *walk, const struct bundles_conf *bundles)
{
    for (size_t i = 0; i < bundles->count; i++)
        walk_table(walk, &bundle_options, &bundles->list[i]);
}

/* The request in place of a certificate that is still to come; of an identity that has ended what is left. */
static void walk_identity(const struct walk *walk, const struct conf *conf, const struct identity_conf *identity)
{
    struct identity_conf view = *identity;
    g_autofree char *request = identity_is_awaited(conf, identity) ? identity_request(identity) : NULL;
    if (request != NULL)
        view.certificate = request;
    struct walk here = *walk;
    here.may_be_gone = identity_has_ended(identity, time(NULL));
    walk_table(&here, &identity_options, &view);
}

static void walk_partner(const struct walk *walk, const struct partner *partner)
{
    walk_table(walk, &partner_options, partner);
    walk_bundles(walk, &partner->bundles);
    for (size_t i = 0; i < partner->group_count; i++)
        walk_table(walk, &group_options, &partner->groups[i]);
    for (size_t i = 0; i < partner->rule_count; i++)
        walk_table(walk, &rule_options, &partner->rules[i]);
}

void conf_each_path(const struct conf *conf, void (*seen)(void *context, const char *path), void *context)
{
    const struct walk walk = {.seen = seen, .context = context};
    for (char **file = conf->files; *file != NULL; file++)
        seen(context, *file);
    walk_table(&walk, &main_options, conf);
    walk_bundles(&walk, &conf->bundles);
    for (size_t i = 0; i < conf->identity_count; i++)
        walk_identity(&walk, conf, &conf->identities[i]);
    for (size_t i = 0; i < conf->ldap_count; i++)
        walk_table(&walk, &ldap_options, &conf->ldap[i]);
    for (size_t i = 0; i < conf->partner_count; i++)
        walk_partner(&walk, conf->partners[i]);
}
