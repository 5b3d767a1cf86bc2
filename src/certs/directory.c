/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory: certificate_directory as files: one certificate a file, named <sha256>.pem when `domsec cert import` wrote
 * it. An administrator may put files with other names there (*.pem), so nothing is concluded from a name.
 *
 * A running daemon sees changes at its next reload.
 */
#include "source.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#define PREFIX_MIN 8

X509 *certs_directory_read(const char *path, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *found = certificates_load(path, error);
    if (found == NULL)
        return NULL;
    if (sk_X509_num(found) != 1) {
        error_set(error, ERROR_CONFIGURATION, "%s: contains %d certificates; each file in the store must contain one",
                  path, sk_X509_num(found));
        return NULL;
    }
    return sk_X509_pop(found);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *certs_directory_files(const char *folder, struct faults *faults, struct error *error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &failure);
    if (dir == NULL) {
        error_set_foreign(error, ERROR_CONFIGURATION, failure->message, "certificate_directory");
        return NULL;
    }
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        if (name[0] == '.')
            continue;
        char *path = g_build_filename(folder, name, NULL);
        if (g_str_has_suffix(name, ".pem")) {
            g_ptr_array_add(list, path);
            continue;
        }
        if (faults != NULL)
            faults_warn(faults, path, 0, "ignored: the name of a certificate file must end in .pem");
        g_free(path);
    }
    g_ptr_array_sort(list, by_name);
    return list;
}

STACK_OF(X509) * certs_directory_list(const struct conf *conf, struct faults *faults)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    struct error error = {0};
    if (all == NULL)
        g_error("out of memory");
    if (conf->certificate_dir == NULL)
        return all;
    g_autoptr(GPtrArray) files = certs_directory_files(conf->certificate_dir, faults, &error);
    if (files == NULL)
        faults_add(faults, conf->file, conf->certificate_dir_line, "%s", error.text);
    for (guint i = 0; files != NULL && i < files->len; i++) {
        X509 *certificate = certs_directory_read(g_ptr_array_index(files, i), &error);
        if (certificate == NULL)
            faults_add(faults, g_ptr_array_index(files, i), 0, "%s", error.text);
        else if (sk_X509_push(all, certificate) <= 0)
            g_error("out of memory");
    }
    return all;
}

static bool has_directory(const struct conf *conf, struct error *error)
{
    return conf->certificate_dir != NULL ||
           error_set(error, ERROR_CONFIGURATION, "%s does not set certificate_directory", conf->file);
}

bool certs_directory_import(const struct conf *conf, X509 *certificate, bool *is_new, struct error *error)
{
    char name[65];
    char *data = NULL;
    if (!has_directory(conf, error))
        return false;
    if (g_mkdir_with_parents(conf->certificate_dir, 0755) != 0)
        return error_set(error, ERROR_CONFIGURATION, "%s: %s", conf->certificate_dir, g_strerror(errno));
    if (access(conf->certificate_dir, W_OK | X_OK) != 0)
        return error_set(error, ERROR_CONFIGURATION, "certificate_directory %s: %s", conf->certificate_dir,
                         g_strerror(errno));
    owned(BIO) BIO *memory = BIO_new(BIO_s_mem());
    certificate_fingerprint(certificate, name);
    if (memory == NULL || name[0] == '\0' || !PEM_write_bio_X509(memory, certificate))
        return error_set_openssl(error, ERROR_BUG, "cannot encode the certificate");
    long length = BIO_get_mem_data(memory, &data);
    g_autofree char *path = g_strdup_printf("%s/%s.pem", conf->certificate_dir, name);
    g_autoptr(GError) failure = NULL;
    *is_new = !g_file_test(path, G_FILE_TEST_EXISTS);
    if (!*is_new)
        return true;
    if (!g_file_set_contents_full(path, data, length, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                  0644, &failure))
        return error_set(error, ERROR_CONFIGURATION, "%s", failure->message);
    return true;
}

/* Lower case, colons left out ("AB:CD:…" is how other tools print it). NULL if it cannot be a fingerprint. */
static char *clean_prefix(const char *text)
{
    g_autoptr(GString) prefix = g_string_new(NULL);
    for (; *text != '\0'; text++) {
        if (*text == ':')
            continue;
        if (!g_ascii_isxdigit(*text) || prefix->len >= 64)
            return NULL;
        g_string_append_c(prefix, g_ascii_tolower(*text));
    }
    return prefix->len >= PREFIX_MIN ? g_strdup(prefix->str) : NULL;
}

/* The files whose certificate has that prefix. NULL with the reason if they are of different certificates or none. */
static GPtrArray *files_with(const char *folder, const char *prefix, struct error *error)
{
    g_autoptr(GPtrArray) files = certs_directory_files(folder, NULL, error);
    g_autoptr(GPtrArray) matching = g_ptr_array_new_with_free_func(g_free);
    char first[65] = "";
    for (guint i = 0; files != NULL && i < files->len; i++) {
        struct error ignored = {0};
        char hex[65];
        owned(X509) X509 *certificate = certs_directory_read(g_ptr_array_index(files, i), &ignored);
        if (certificate == NULL)
            continue; /* `check` complains of it; it is no reason to keep another one */
        certificate_fingerprint(certificate, hex);
        if (!text_begins_with(hex, prefix))
            continue;
        if (first[0] != '\0' && strcmp(first, hex) != 0) {
            error_set(error, ERROR_PERMANENT,
                      "more than one certificate has an id that begins with %s; give more digits", prefix);
            return NULL;
        }
        memcpy(first, hex, sizeof(first));
        g_ptr_array_add(matching, g_strdup(g_ptr_array_index(files, i)));
    }
    if (files != NULL && matching->len == 0)
        error_set(error, ERROR_PERMANENT, "no certificate in %s has an id that begins with %s", folder, prefix);
    return matching->len > 0 ? g_steal_pointer(&matching) : NULL;
}

bool certs_directory_remove(const struct conf *conf, const char *fingerprint, struct error *error)
{
    if (!has_directory(conf, error))
        return false;
    g_autofree char *prefix = clean_prefix(fingerprint);
    if (prefix == NULL)
        return error_set(error, ERROR_PERMANENT,
                         "\"%s\" is neither a SHA-256 fingerprint nor its first digits, at least %d", fingerprint,
                         PREFIX_MIN);
    g_autoptr(GPtrArray) files = files_with(conf->certificate_dir, prefix, error);
    for (guint i = 0; files != NULL && i < files->len; i++)
        if (g_unlink(g_ptr_array_index(files, i)) != 0)
            return error_set(error, ERROR_CONFIGURATION, "%s: %s", (char *)g_ptr_array_index(files, i),
                             g_strerror(errno));
    return files != NULL;
}
