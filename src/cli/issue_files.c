/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issue_files: keys, certificates and requests as PEM, in files and as text. A private key is never readable to
 * others, not even for a moment, because output_create() opens the file with its final mode.
 */
#include "issue.h"
#include "output.h"

#include <errno.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct slice bio_slice(BIO *bio)
{
    char *data = NULL;
    long length = BIO_get_mem_data(bio, &data);
    return (struct slice){data, length > 0 ? (size_t)length : 0};
}

bool issue_write_key(const char *path, EVP_PKEY *key, const char *passphrase, struct error *error)
{
    const EVP_CIPHER *cipher = passphrase != NULL ? EVP_aes_256_cbc() : NULL;
    int length = passphrase != NULL ? (int)strlen(passphrase) : 0;
    /* secmem: freeing the BIO wipes the copy of the key */
    owned(BIO) BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase, length, NULL, NULL) != 1)
        return error_set_openssl(error, ERROR_TEMPORARY, "cannot write the key %s", path);
    return output_create(path, 0600, bio_slice(bio), error);
}

char *issue_certificate_pem(X509 *certificate, struct error *error)
{
    owned(BIO) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1) {
        error_set_openssl(error, ERROR_TEMPORARY, "cannot write a certificate");
        return NULL;
    }
    struct slice pem = bio_slice(bio);
    return g_strndup(pem.data, pem.len);
}

char *issue_request_pem(X509_REQ *request, struct error *error)
{
    owned(BIO) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_X509_REQ(bio, request) != 1) {
        error_set_openssl(error, ERROR_TEMPORARY, "cannot write a request");
        return NULL;
    }
    struct slice pem = bio_slice(bio);
    return g_strndup(pem.data, pem.len);
}

bool issue_write_certificate(const char *path, X509 *certificate, struct error *error)
{
    g_autofree char *pem = issue_certificate_pem(certificate, error);
    return pem != NULL && output_create(path, 0644, slice_of(pem), error);
}

bool issue_write_request(const char *path, X509_REQ *request, struct error *error)
{
    g_autofree char *pem = issue_request_pem(request, error);
    return pem != NULL && output_create(path, 0644, slice_of(pem), error);
}

bool issue_write_for(const struct subject *subject, X509 *authority, EVP_PKEY *authority_key, const char *path,
                     struct error *error)
{
    if (authority == NULL) {
        owned(X509_REQ) X509_REQ *request = issue_request(subject, error);
        return request != NULL && issue_write_request(path, request, error);
    }
    owned(X509) X509 *certificate = issue_certificate(subject, authority, authority_key, error);
    return certificate != NULL && issue_write_certificate(path, certificate, error);
}

char *issue_path_beside(const char *path, const char *ending)
{
    size_t length = strlen(path);
    if (g_str_has_suffix(path, ".key"))
        length -= strlen(".key");
    return g_strdup_printf("%.*s%s", (int)length, path, ending);
}

bool issue_give_to_folder_owner(const char *path, struct error *error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct stat status;
    if (geteuid() != 0 || stat(folder, &status) != 0 || status.st_uid == 0)
        return true;
    return lchown(path, status.st_uid, status.st_gid) == 0 ||
           error_set(error, ERROR_TEMPORARY, "cannot change the owner of %s to that of its directory: %s", path,
                     g_strerror(errno));
}
