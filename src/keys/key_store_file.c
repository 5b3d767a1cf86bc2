/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_store_file: private keys in files: PEM or DER, PKCS #8 or traditional, or in a PKCS #12 bundle.
 *
 * A daemon cannot ask for a passphrase, so an encrypted key without a passphrase is an error and never a prompt: every
 * reader gets our callback. certificate_file.c reads certificates.
 */
#include "key_store.h"

#include "passphrase.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_FILE_MAX (1 << 20)

struct question {
    const char *passphrase; /* NULL: the key has no passphrase */
    bool asked;
};

static int answer(char *buffer, int size, int writing, void *data)
{
    struct question *question = data;
    (void)writing;
    question->asked = true;
    size_t length = question->passphrase != NULL ? strlen(question->passphrase) : 0;
    if (question->passphrase == NULL || length > (size_t)size)
        return -1;
    memcpy(buffer, question->passphrase, length);
    return (int)length;
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

static EVP_PKEY *read_key(BIO *file, struct question *question)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, answer, question);
    if (key != NULL || question->asked)
        return key;
    if (BIO_seek(file, 0) < 0)
        return NULL;
    key = d2i_PrivateKey_bio(file, NULL);
    if (key != NULL || BIO_seek(file, 0) < 0)
        return key;
    return d2i_PKCS8PrivateKey_bio(file, NULL, answer, question);
}

/* Returns false if it is no bundle. */
static bool read_bundle(BIO *file, const char *passphrase, EVP_PKEY **key, struct error *error)
{
    owned(PKCS12) PKCS12 *bundle = BIO_seek(file, 0) >= 0 ? d2i_PKCS12_bio(file, NULL) : NULL;
    if (bundle == NULL)
        return false;
    if (passphrase == NULL)
        error_set(error, ERROR_CONFIGURATION,
                  "a PKCS #12 bundle; an identity opens it with passphrase_file, elsewhere take it apart with domsec "
                  "key import");
    else
        x509_stack_free(passphrase_open(bundle, passphrase, key, error));
    return true;
}

static void explain(const struct question *question, struct error *error)
{
    if (!question->asked)
        error_set(error, ERROR_CONFIGURATION, "contains no private key in PEM or DER");
    else if (question->passphrase != NULL)
        passphrase_failed(error);
    else
        error_set(error, ERROR_CONFIGURATION,
                  "the key is encrypted, and a daemon cannot ask for its passphrase; name a passphrase_file in the "
                  "identity, or decrypt it with openssl pkey");
}

static EVP_PKEY *load(void *state, const char *path, const char *passphrase, struct error *error)
{
    (void)state;
    owned(BIO) BIO *file = open_key_file(path, error);
    if (file == NULL)
        return NULL;
    struct question question = {passphrase, false};
    ERR_clear_error();
    EVP_PKEY *key = read_key(file, &question);
    if (key == NULL && (question.asked || !read_bundle(file, passphrase, &key, error)))
        explain(&question, error);
    if (key == NULL)
        error_prefix(error, "key file %s", path);
    ERR_clear_error(); /* of the forms that it is not */
    return key;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By their name, as the command line makes it, and path itself if it is there: to look into each file would put foreign
 * keys into memory. */
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
    g_autofree char *name = g_path_get_basename(path);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        bool is_key = entry->d_name[0] != '.' && g_str_has_suffix(entry->d_name, ".key");
        if (is_key || g_str_equal(entry->d_name, name))
            g_ptr_array_add(paths, g_build_filename(folder, entry->d_name, NULL));
    }
    closedir(directory);
    g_ptr_array_sort(paths, compare_paths);
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(steal(&paths), FALSE);
}

const struct key_store_type key_store_file = {.scheme = "file", .load = load, .list = list};
