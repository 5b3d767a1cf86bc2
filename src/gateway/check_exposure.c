/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_exposure: can other accounts read our private keys, or change what we trust? That is a fault and no warning, at
 * the start, at a reload and in `domsec check`: who changes a policy file sends plaintext, and who changes an anchor
 * signs in the name of a partner. Certificates that are trusted only by a path to an anchor, and revocation lists,
 * which their authority has signed, are not checked.
 *
 * The socket has no password. Who can connect to it can claim to be a user who has logged in, and have any message
 * signed and decrypted. That is a warning, because a mail server on another host can only be reached over TCP.
 */
#include "internal.h"

#include "base/bytes.h"
#include "base/domain.h"
#include "base/guard.h"
#include "store/store.h"

#include <string.h>

struct check {
    struct guard guard;
    GHashTable *culprits; /* each file or directory that is at fault, so that it is named once */
    struct faults *faults;
};

/* Where the path is named. */
struct origin {
    const char *file;
    unsigned line;
};

static void check_path(struct check *check, struct origin origin, const char *path, enum guard_kind kind)
{
    struct error why = {0};
    char *culprit = NULL;
    enum guard_verdict verdict = guard_check(&check->guard, path, kind, &culprit, &why);
    if (verdict == GUARD_GOOD || !g_hash_table_add(check->culprits, culprit))
        return;
    if (verdict == GUARD_BAD)
        faults_add(check->faults, origin.file, origin.line, "%s", why.text);
    else
        faults_warn(check->faults, origin.file, origin.line, "%s", why.text);
}

static void check_paths(struct check *check, struct origin origin, char *const *paths)
{
    for (; *paths != NULL; paths++)
        check_path(check, origin, *paths, GUARD_FILE);
}

static void check_identity_files(struct check *check, const struct conf *conf)
{
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        const struct origin origin = {conf->file, identity->line};
        if (text_begins_with(identity->key, "file:"))
            check_path(check, origin, identity->key + strlen("file:"), GUARD_SECRET);
        if (identity->passphrase_file != NULL)
            check_path(check, origin, identity->passphrase_file, GUARD_SECRET);
        check_path(check, origin, identity->certificate, GUARD_FILE);
    }
}

/* The certificate of a directory leads to `ca`: who changes that file answers in the directory's name. */
static void check_directory_files(struct check *check, const struct conf *conf)
{
    for (size_t i = 0; i < conf->ldap_count; i++) {
        const struct ldap_conf *group = &conf->ldap[i];
        const struct origin origin = {conf->file, group->line};
        if (group->password_file != NULL)
            check_path(check, origin, group->password_file, GUARD_SECRET);
        check_path(check, origin, group->ca, GUARD_FILE);
    }
}

/* Who changes a signer or `ca` decides whom we trust. */
static void check_bundle_files(struct check *check, const struct bundles_conf *bundles, const char *file)
{
    for (size_t i = 0; i < bundles->count; i++) {
        const struct bundle_conf *bundle = &bundles->list[i];
        const struct origin origin = {file, bundle->line};
        check_paths(check, origin, bundle->signers);
        if (bundle->file != NULL)
            check_path(check, origin, bundle->file, GUARD_FILE);
        if (bundle->url != NULL)
            check_path(check, origin, bundle->ca, GUARD_FILE);
    }
}

static void check_partner_files(struct check *check, const struct partner *partner)
{
    check_paths(check, (struct origin){partner->file, partner->anchors_line}, partner->anchors);
    check_bundle_files(check, &partner->bundles, partner->file);
    check_paths(check, (struct origin){partner->file, partner->certificates_line}, partner->certificates);
    for (size_t i = 0; i <= partner->rule_count; i++) {
        const struct outbound_rule *outbound = &policy_nth_rule(partner, i)->outbound;
        if (i == 0 || outbound->require_review_line != partner->base.outbound.require_review_line)
            check_paths(check, (struct origin){partner->file, outbound->require_review_line}, outbound->require_review);
    }
}

/* listen: "inet:PORT@HOST" or "inet:PORT", also with inet6. */
static void check_inet(const struct conf *conf, struct faults *faults)
{
    const char *at = strchr(conf->listen, '@'), *host = at != NULL ? at + 1 : "";
    const char *who = "every host that reaches it";
    if (*host == '\0' || g_str_equal(host, "0.0.0.0") || g_str_equal(host, "::"))
        who = "it listens on all addresses, and every host that reaches one of them";
    else if (host_is_loopback(host))
        who = "every account of this host";
    faults_warn(faults, conf->file, conf->listen_line,
                "\"listen\": %s: %s can have mail signed and decrypted; use a unix socket, for Postfix "
                "\"" CONF_LISTEN_POSTFIX "\"%s",
                conf->listen, who, host_is_loopback(host) ? "" : ", or let only the mail server connect (firewall)");
}

/* Who can change its directory can put another socket there, and read and change all mail. */
static void check_socket_folder(const struct guard *guard, const struct conf *conf, struct faults *faults)
{
    struct error why = {0};
    g_autofree char *folder = g_path_get_dirname(conf->listen + strlen("local:")), *culprit = NULL;
    if (guard_check(guard, folder, GUARD_FOLDER, &culprit, &why) != GUARD_GOOD)
        faults_warn(faults, conf->file, conf->listen_line, "\"listen\": %s", why.text);
}

void gateway_check_exposure(const struct conf *conf, struct faults *faults)
{
    g_autoptr(GHashTable) culprits = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct check check = {.culprits = culprits, .faults = faults};
    const struct origin whole = {conf->file, 0};
    guard_init(&check.guard, conf->user != NULL ? conf->user : CONF_USER_DEFAULT);
    for (char **file = conf->files; *file != NULL; file++)
        check_path(&check, (struct origin){*file, 0}, *file, GUARD_FILE);
    if (conf->policy_dir != NULL)
        check_path(&check, whole, conf->policy_dir, GUARD_FOLDER);
    check_identity_files(&check, conf);
    check_directory_files(&check, conf);
    for (char **key = conf->split.keys; *key != NULL; key++)
        if (text_begins_with(*key, "file:"))
            check_path(&check, (struct origin){conf->file, conf->split.line}, *key + strlen("file:"), GUARD_SECRET);
    check_paths(&check, (struct origin){conf->file, conf->trust_anchors_line}, conf->trust_anchors);
    check_bundle_files(&check, &conf->bundles, conf->file);
    if (conf->store != NULL)
        check_path(&check, (struct origin){conf->file, conf->store_line}, store_file(conf->store), GUARD_FILE);
    for (size_t i = 0; i < conf->partner_count; i++)
        check_partner_files(&check, conf->partners[i]);
    if (text_begins_with(conf->listen, "local:"))
        check_socket_folder(&check.guard, conf, faults);
    else
        check_inet(conf, faults);
}
