/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory_prune: takes out of certificate_directory what is of no use there: expired certificates, and second files
 * with the same one. Whatever else is wrong with a file, it stays.
 */
#include "source.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

struct prune {
    GPtrArray *files;
    GHashTable *kept; /* fingerprint → the file that stays; lent by files */
    time_t at;
};

/* `domsec cert import` names a file after its certificate; such a file stays before others. */
static bool is_named_after(const char *file, const char *fingerprint)
{
    g_autofree char *name = g_path_get_basename(file);
    return text_begins_with(name, fingerprint);
}

static void find_kept(struct prune *prune)
{
    for (guint i = 0; i < prune->files->len; i++) {
        char hex[65];
        struct error ignored = {0};
        char *file = g_ptr_array_index(prune->files, i);
        owned(X509) X509 *certificate = certs_directory_read(file, &ignored);
        if (certificate == NULL)
            continue;
        certificate_fingerprint(certificate, hex);
        if (!g_hash_table_contains(prune->kept, hex) || is_named_after(file, hex))
            g_hash_table_insert(prune->kept, g_strdup(hex), file);
    }
}

/* Returns false if the file is to stay. */
static bool judge(const struct prune *prune, const char *file, X509 *certificate, struct certs_pruned *pruned)
{
    char hex[65];
    certificate_fingerprint(certificate, hex);
    const char *kept = g_hash_table_lookup(prune->kept, hex);
    bool is_second = kept != NULL && strcmp(kept, file) != 0;
    *pruned = (struct certs_pruned){.file = file, .certificate = certificate, .kept = is_second ? kept : NULL};
    return is_second || certificate_has_expired(certificate, prune->at);
}

static void prune_clear(struct prune *prune)
{
    g_ptr_array_unref(prune->files);
    g_hash_table_destroy(prune->kept);
}

bool certs_directory_prune(const struct conf *conf, const struct certs_pruning *pruning, struct faults *faults,
                           struct error *error)
{
    if (conf->certificate_dir == NULL)
        return error_set(error, ERROR_CONFIGURATION, "%s does not set certificate_directory", conf->file);
    struct prune prune = {.files = certs_directory_files(conf->certificate_dir, faults, error), .at = pruning->at};
    if (prune.files == NULL)
        return false;
    prune.kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    find_kept(&prune);
    bool good = true;
    for (guint i = 0; good && i < prune.files->len; i++) {
        struct error unread = {0};
        struct certs_pruned pruned;
        const char *file = g_ptr_array_index(prune.files, i);
        owned(X509) X509 *certificate = certs_directory_read(file, &unread);
        if (certificate == NULL)
            faults_add(faults, file, 0, "%s", unread.text);
        else if (judge(&prune, file, certificate, &pruned)) {
            good = pruning->only_show || g_unlink(file) == 0 ||
                   error_set(error, ERROR_CONFIGURATION, "%s: %s", file, g_strerror(errno));
            if (good)
                pruning->removed(pruning->context, &pruned);
        }
    }
    prune_clear(&prune);
    return good;
}
