/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_store_file: private keys in files, PEM or DER, PKCS #8 or traditional.
 *
 * A daemon cannot ask for a passphrase, so an encrypted key is an error and never a prompt: every reader gets a
 * callback that refuses. certificate_file.c reads certificates.
 */
#include "key_store.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_FILE_MAX (1 << 20)

/* Notes that a passphrase was asked for, and gives none. */
static int refuse_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* What the machine is short of may be there later; the rest is for an administrator. */
static enum error_kind kind_of(int number)
{
    switch (number) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
        return ERROR_TEMPORARY;
    default:
        return ERROR_CONFIGURATION;
    }
}

static bool fails(const char *path, int number, struct error *error)
{
    return error_set(error, kind_of(number), "key file %s: %s", path, g_strerror(number));
}

static BIO *open_key_file(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fails(path, errno, error);
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > KEY_FILE_MAX) {
        error_set(error, ERROR_CONFIGURATION, "key file %s: not a regular file, or too large for a key", path);
        return NULL;
    }
    errno = 0;
    BIO *file = BIO_new_file(path, "rb");
    if (file == NULL) {
        fails(path, errno != 0 ? errno : ENOMEM, error);
        ERR_clear_error();
    }
    return file;
}

static EVP_PKEY *read_key(BIO *file, bool *encrypted)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, refuse_passphrase, encrypted);
    if (key != NULL || *encrypted)
        return key;
    if (BIO_seek(file, 0) < 0)
        return NULL;
    key = d2i_PrivateKey_bio(file, NULL);
    if (key != NULL || BIO_seek(file, 0) < 0)
        return key;
    return d2i_PKCS8PrivateKey_bio(file, NULL, refuse_passphrase, encrypted);
}

/* What many authorities hand out. */
static bool is_bundle(BIO *file)
{
    PKCS12 *bundle = BIO_seek(file, 0) >= 0 ? d2i_PKCS12_bio(file, NULL) : NULL;
    PKCS12_free(bundle);
    return bundle != NULL;
}

static EVP_PKEY *load(void *state, const char *path, struct error *error)
{
    (void)state;
    owned(BIO) BIO *file = open_key_file(path, error);
    if (file == NULL)
        return NULL;
    bool encrypted = false;
    EVP_PKEY *key = read_key(file, &encrypted);
    if (key != NULL) {
        ERR_clear_error(); /* of the forms that it is not */
        return key;
    }
    if (encrypted)
        error_set(error, ERROR_CONFIGURATION,
                  "key file %s: the key is encrypted, and a daemon cannot ask for its passphrase; decrypt it with "
                  "openssl pkey",
                  path);
    else if (is_bundle(file))
        error_set(error, ERROR_CONFIGURATION,
                  "key file %s: a PKCS #12 bundle; extract the key with openssl pkcs12 -nocerts -noenc", path);
    else
        error_set(error, ERROR_CONFIGURATION, "key file %s: contains no private key in PEM or DER", path);
    ERR_clear_error();
    return NULL;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By their name, as the command line makes it: to look into each file would put foreign keys into memory. */
static char **list(void *state, const char *path, struct error *error)
{
    (void)state;
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        error_set(error, kind_of(errno), "directory %s: %s", folder, g_strerror(errno));
        return NULL;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.' && g_str_has_suffix(entry->d_name, ".key"))
            g_ptr_array_add(paths, g_build_filename(folder, entry->d_name, NULL));
    closedir(directory);
    g_ptr_array_sort(paths, compare_paths);
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(steal(&paths), FALSE);
}

const struct key_store_type key_store_file = {.scheme = "file", .load = load, .list = list};
