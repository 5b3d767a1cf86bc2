/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: reads domsec.conf into a snapshot and counts its references. A message keeps the snapshot with which it began,
 * so a reload never changes its rules. This file does not open what the configuration names, except the policy
 * directory.
 */
#include "conf/conf.h"

#include "config_file.h"
#include "directories.h"
#include "home.h"
#include "identities.h"
#include "option.h"
#include "partners.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPOOL_DEFAULT "/var/spool/domsec"

static void conf_free(struct conf *conf)
{
    identities_free(conf);
    directories_free(conf);
    partners_free(conf);
    lists_free(conf->lists);
    wanted_free(conf->wanted);
    g_strfreev(conf->tags);
    g_hash_table_unref(conf->origins);
    bundles_clear(&conf->bundles);
    option_clear(&main_options, conf);
    g_strfreev(conf->files);
    g_free(conf->file);
    g_free(conf->folder);
    g_free(conf);
}

/* Mail between our own users passes no partner. */
static void check_partner_domains(const struct conf *conf, const struct place *place)
{
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct partner *partner = conf->partners[i];
        if (partner->domain != NULL && conf_is_local_domain(conf, partner->domain))
            faults_warn(
                place->faults, partner->file, partner->domain_line,
                "\"%s\" is one of local_domains: \"protect\" is never done for it, and \"require\" applies to each "
                "message that arrives under such an author; remove the file if it was meant for a partner",
                partner->domain);
    }
}

/* The values whose defaults depend on the machine. */
static void find_out_defaults(struct conf *conf)
{
    if (conf->limits.spool_dir == NULL) {
        struct stat status;
        bool usable =
            stat(SPOOL_DEFAULT, &status) == 0 && S_ISDIR(status.st_mode) && access(SPOOL_DEFAULT, W_OK | X_OK) == 0;
        conf->limits.spool_dir = g_strdup(usable ? SPOOL_DEFAULT : g_get_tmp_dir());
    }
    if (conf->authserv_id == NULL) {
        conf->authserv_id = domain_normalise(g_get_host_name());
        if (conf->authserv_id == NULL)
            conf->authserv_id = g_strdup("localhost");
    }
    if (conf->max_crypto == 0)
        conf->max_crypto = g_get_num_processors();
}

static void check_pass_daemons(const struct conf *conf, const struct place *place, unsigned line)
{
    struct place at = *place;
    at.line = line;
    for (char **name = conf->pass_daemons; *name != NULL; name++)
        if (split_is_usual_name(*name))
            place_warn(&at,
                       "\"pass_daemons\": mail servers call every listener \"%s\" by default, so all mail may pass "
                       "untouched; give the listener another name",
                       *name);
}

static void check_sources(const struct conf *conf, const struct place *place, unsigned line)
{
    struct place at = *place;
    at.line = line;
    for (char **name = conf->sources; *name != NULL; name++)
        if (g_strv_contains((const char *const *)name + 1, *name))
            place_fault(&at, "\"sources\" names \"%s\" twice", *name);
}

static void read_root(struct conf *conf, const struct conf *previous, const config_setting_t *root,
                      const struct place *place)
{
    option_read_group(root, &main_options, conf, place);
    conf->lists = lists_read(root, previous != NULL ? previous->lists : NULL, place);
    conf->listen_line = option_line(root, "listen");
    conf->trust_anchors_line = option_line(root, "trust_anchors");
    conf->intermediates_line = option_line(root, "intermediates");
    conf->certificate_dir_line = option_line(root, "certificate_directory");
    conf->store_line = option_line(root, "store");
    conf->user_line = option_line(root, "user");
    conf->state_dir_line = option_line(root, "state_directory");
    conf->pid_file_line = option_line(root, "pid_file");
    conf->metrics_file_line = option_line(root, "metrics_file");
    check_pass_daemons(conf, place, option_line(root, "pass_daemons"));
    check_sources(conf, place, option_line(root, "sources"));
    bundles_read(&conf->bundles, conf->trust_anchors, root, "trust_anchors", place);
    bundles_check(conf, &conf->bundles, conf->file, place->faults);
    revocation_read(conf, root, place);
    split_read(conf, root, place);
    dns_read(conf, root, place);
    harvest_check(conf, root, place);
    identities_read(conf, root, place);
    directories_read(conf, root, place);
    struct place at = *place;
    at.line = option_line(root, "policy_dir");
    at.origins = conf->origins;
    partners_load(conf, &at);
    wanted_gather(conf);
    check_partner_domains(conf, place);
    find_out_defaults(conf);
}

struct conf *conf_load(const char *file, struct faults *faults)
{
    return conf_reload(file, NULL, faults);
}

struct conf *conf_reload(const char *file, const struct conf *previous, struct faults *faults)
{
    struct conf *conf = g_new0(struct conf, 1);
    conf->origins = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    conf->references = 1;
    conf->file = g_canonicalize_filename(file, NULL);
    conf->folder = g_path_get_dirname(conf->file);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    struct place place = {
        .faults = faults, .file = conf->file, .folder = conf->folder, .home = home_of_main, .files = files};
    config_t config;
    config_init(&config);
    if (access(conf->file, F_OK) != 0 && errno == ENOENT)
        place_fault(&place, "cannot be read: no such file; `domsec init` creates a configuration");
    else if (config_file_read(conf->file, &place, &config))
        read_root(conf, previous, config_root_setting(&config), &place);
    config_destroy(&config);
    g_ptr_array_add(files, NULL);
    conf->files = (char **)g_ptr_array_free(steal(&files), FALSE);
    if (faults_errors(faults) == 0)
        return conf;
    conf_free(conf);
    return NULL;
}

struct conf *conf_ref(struct conf *conf)
{
    g_atomic_int_inc(&conf->references);
    return conf;
}

const char *conf_state_folder(const struct conf *conf)
{
    return conf->state_dir != NULL ? conf->state_dir : CONF_STATE_DEFAULT;
}

void conf_unref(struct conf *conf)
{
    if (conf != NULL && g_atomic_int_dec_and_test(&conf->references))
        conf_free(conf);
}
