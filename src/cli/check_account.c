/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_account: root can read and write what the daemon's account cannot. So root becomes that account for a while and
 * checks again. What it cannot read is a fault, because the daemon would not start, or would refuse each
 * reload. What it cannot write is a warning, because systemd may create a directory only when the daemon starts.
 */
#include "check_account.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static struct gateway *open_as_daemon(const char *file, struct conf **conf, struct key_service *keys,
                                      struct faults *faults)
{
    *conf = conf_load(file, faults);
    if (*conf == NULL)
        return NULL;
    gateway_check_exposure(*conf, faults);
    return gateway_open_with(*conf, keys, NULL, faults);
}

struct gateway *check_open(const char *file, struct conf **conf, struct faults *faults)
{
    return open_as_daemon(file, conf, NULL, faults);
}

static bool can_create_files(const char *folder)
{
    return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

static void check_metrics_file(const struct conf *conf, struct faults *faults)
{
    g_autofree char *folder = g_path_get_dirname(conf->metrics_file);
    if (g_file_test(conf->metrics_file, G_FILE_TEST_IS_DIR))
        faults_warn(faults, conf->file, conf->metrics_file_line,
                    "\"metrics_file\": %s is a directory; name a file in it", conf->metrics_file);
    else if (!can_create_files(folder))
        faults_warn(faults, conf->file, conf->metrics_file_line,
                    "\"metrics_file\": no file can be created in %s: %s; let the daemon's account write there, or name "
                    "another directory",
                    folder, g_strerror(errno));
}

/* A daemon that is started as root, as `user` shows, opens its socket as root. */
static void check_socket_folder(const struct conf *conf, struct faults *faults)
{
    g_autofree char *folder = g_path_get_dirname(conf->listen + strlen("local:"));
    const char *remedy = "let only the daemon's account write there";
    if (conf->user != NULL ? g_file_test(folder, G_FILE_TEST_IS_DIR) : can_create_files(folder))
        return;
    if (g_str_equal(conf->listen, CONF_LISTEN_POSTFIX))
        remedy = "run: install -d -o domsec -g postfix -m 2710 /var/spool/postfix/domsec";
    faults_warn(faults, conf->file, conf->listen_line, "\"listen\": no socket can be created in %s: %s; %s", folder,
                g_strerror(errno), remedy);
}

static void check_places(const struct conf *conf, struct faults *faults)
{
    if (conf->state_dir != NULL && !can_create_files(conf->state_dir))
        faults_add(faults, conf->file, conf->state_dir_line,
                   "\"state_directory\": no file can be created in %s: %s; let only the daemon's account write there",
                   conf->state_dir, g_strerror(errno));
    if (conf->metrics_file != NULL)
        check_metrics_file(conf, faults);
    if (text_begins_with(conf->listen, "local:"))
        check_socket_folder(conf, faults);
}

/* Reads everything as the account that we are now; private keys as their processes do. */
static void check_readable(const struct conf *conf, const char *account, struct key_service *keys,
                           struct faults *faults)
{
    owned(faults) struct faults *found = faults_new();
    owned(conf) struct conf *again = NULL;
    owned(gateway) struct gateway *gateway = open_as_daemon(conf->file, &again, keys, found);
    for (size_t i = 0; i < faults_count(found); i++)
        if (faults_grade(found, i) == FAULT_ERROR)
            faults_add(faults, conf->file, conf->user_line, "for the daemon's account %s: %s", account,
                       faults_at(found, i));
}

/* A daemon that starts as root has its keys read before it becomes `user`. NULL: it does not, or they cannot be. */
static struct key_service *keys_of_root(const struct conf *conf)
{
    struct error error = {0};
    return conf->user != NULL && conf->key_process ? key_service_start(conf->file, true, NULL, &error) : NULL;
}

/* Only the effective identity changes, so that root can come back. */
static bool become(const struct passwd *account)
{
    return initgroups(account->pw_name, account->pw_gid) == 0 && setegid(account->pw_gid) == 0 &&
           seteuid(account->pw_uid) == 0;
}

static void come_back(const gid_t *groups, int count)
{
    if (seteuid(0) != 0 || setegid(getgid()) != 0 || setgroups((size_t)count, groups) != 0)
        g_error("cannot become root again: %s", g_strerror(errno));
}

void check_account(const struct conf *conf, struct faults *faults)
{
    const struct passwd *account =
        geteuid() == 0 ? getpwnam(conf->user != NULL ? conf->user : CONF_USER_DEFAULT) : NULL;
    if (account == NULL || account->pw_uid == 0) {
        check_places(conf, faults);
        return;
    }
    int count = getgroups(0, NULL);
    g_autofree gid_t *groups = g_new(gid_t, MAX(count, 0) + 1);
    g_autofree char *name = g_strdup(account->pw_name);
    count = getgroups(count, groups);
    owned(key_service) struct key_service *keys = keys_of_root(conf);
    if (become(account)) {
        check_readable(conf, name, keys, faults);
        check_places(conf, faults);
    }
    come_back(groups, MAX(count, 0));
}
