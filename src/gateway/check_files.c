/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_files: can other accounts read our private keys, or change what we trust? That is a fault and no warning, at
 * the start, at a reload and in `domsec check`: who changes a policy file sends plaintext, and who changes an anchor
 * signs in the name of a partner. Certificates that are trusted only by a path to an anchor, and revocation lists,
 * which their authority has signed, are not checked.
 */
#include "internal.h"

#include "base/bytes.h"
#include "base/guard.h"

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
        check_path(check, origin, identity->certificate, GUARD_FILE);
    }
}

static void check_partner_files(struct check *check, const struct partner *partner)
{
    check_paths(check, (struct origin){partner->file, partner->anchors_line}, partner->anchors);
    check_paths(check, (struct origin){partner->file, partner->certificates_line}, partner->certificates);
    check_paths(check, (struct origin){partner->file, partner->base.outbound.require_review_line},
                partner->base.outbound.require_review);
}

void gateway_check_files(const struct conf *conf, struct faults *faults)
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
    check_paths(&check, (struct origin){conf->file, conf->trust_anchors_line}, conf->trust_anchors);
    for (size_t i = 0; i < conf->partner_count; i++)
        check_partner_files(&check, conf->partners[i]);
}
