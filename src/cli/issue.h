/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issue: makes keys, certificate requests and certificates with the names of RFC 3183 §3.1.1 and §4.1. For `domsec
 * init` and `domsec key`: a small private authority for two partners that know each other, no public one. All results
 * are the caller's.
 */
#ifndef DOMSEC_CLI_ISSUE_H
#define DOMSEC_CLI_ISSUE_H

#include "keys/keys.h"

#define ISSUE_ALGORITHMS "rsa2048, rsa3072 or p256"

/* algorithm: one of the words above. */
bool issue_algorithm_known(const char *algorithm);
EVP_PKEY *issue_key(const char *algorithm, struct error *error);
/* The private authority's key: RSA 3072 for the RSA words, P-256 for p256; it must hold for ten years. */
EVP_PKEY *issue_authority_key(const char *algorithm, struct error *error);

struct subject {
    const char *domain; /* normalised */
    enum role role;
    EVP_PKEY *key; /* lent */
};

/* A self-signed certificate of the domain's private authority: ten years, no authority below it. */
X509 *issue_authority(const char *domain, EVP_PKEY *key, struct error *error);
/* Two years, or less if the authority ends before. */
X509 *issue_certificate(const struct subject *subject, X509 *authority, EVP_PKEY *authority_key, struct error *error);
/* A request (PKCS #10) for the same names and usages. */
X509_REQ *issue_request(const struct subject *subject, struct error *error);

/* New PEM files; output_create() makes them. A key is PKCS #8, mode 0600. */
bool issue_write_key(const char *path, EVP_PKEY *key, struct error *error);
bool issue_write_certificate(const char *path, X509 *certificate, struct error *error);
bool issue_write_request(const char *path, X509_REQ *request, struct error *error);
/* A new file with a certificate of that authority, or with a request where it is NULL. */
bool issue_write_for(const struct subject *subject, X509 *authority, EVP_PKEY *authority_key, const char *path,
                     struct error *error);
/* Into a g_free() string. */
char *issue_certificate_pem(X509 *certificate, struct error *error);
char *issue_request_pem(X509_REQ *request, struct error *error);

/* "RSA-2048", "EC-P-256"; g_free(). */
char *issue_key_description(const EVP_PKEY *key);

#endif
