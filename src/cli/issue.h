/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issue: creates keys, certificate requests and certificates with the names of RFC 3183 §3.1.1 and §4.1, or requests
 * with a mail address as the only name, for `domsec init` and `domsec key`. It is a small private CA for two partners
 * that know each other, and not a public one. The caller owns all results.
 */
#ifndef DOMSEC_CLI_ISSUE_H
#define DOMSEC_CLI_ISSUE_H

#include "cli.h"
#include "keys/keys.h"

/* Those with which a domain can both sign and decrypt, and all. */
#define ISSUE_DOMAIN_ALGORITHMS "rsa2048, rsa3072, rsa4096, p256, p384"
#define ISSUE_ALGORITHMS ISSUE_DOMAIN_ALGORITHMS ", ed25519, x25519"

struct issue_algorithm {
    const char *word;
    unsigned bits;     /* of RSA; 0: another */
    const char *group; /* OpenSSL's name of the curve; NULL: RSA */
    bool signs, decrypts;
};

/* NULL: it is not one of ISSUE_ALGORITHMS. */
const struct issue_algorithm *issue_algorithm_find(const char *word);
/* That of a key; for RSA the one with as many bits, or the next below. NULL: another kind. */
const struct issue_algorithm *issue_algorithm_like(const EVP_PKEY *key);
EVP_PKEY *issue_key(const struct issue_algorithm *algorithm, struct error *error);
/* The key of the private CA: RSA 3072 in place of RSA 2048, because it must last for ten years. */
EVP_PKEY *issue_authority_key(const struct issue_algorithm *algorithm, struct error *error);

struct subject {
    const char *domain; /* normalised */
    enum role role;
    EVP_PKEY *key; /* lent */
    /* Of a request for a public authority: its only name, as common name and in subjectAltName, because such an
     * authority may not certify a role as a name (S/MIME Baseline Requirements §7.1.4.2.2). NULL: the names of RFC
     * 3183. */
    const char *address;
    char *const *others;  /* further addresses in subjectAltName; NULL: none */
    bool signs, decrypts; /* of ROLE_MAILBOX: what the key is for */
};

/* Whether a key for subject has to sign, and to decrypt. */
bool issue_signs(const struct subject *subject);
bool issue_decrypts(const struct subject *subject);

/* Whether --address may be in a request for the domain; NULL: it was not given. Returns CLI_GO, or EX_USAGE after it
 * has printed why. */
int issue_check_address(const struct command *self, const char *chosen, const char *domain);
/* The address in a request, with its domain as A-labels: the one that was chosen, or that of the role. g_free(). */
char *issue_request_address(const char *chosen, enum role role, const char *domain);

/* The self-signed certificate of the domain's private CA: ten years, no CA below it. */
X509 *issue_authority(const char *domain, EVP_PKEY *key, struct error *error);
/* Valid for two years, or less if the CA certificate expires before. */
X509 *issue_certificate(const struct subject *subject, X509 *authority, EVP_PKEY *authority_key, struct error *error);
/* A request (PKCS #10) with the same names and usages. */
X509_REQ *issue_request(const struct subject *subject, struct error *error);

/* Write new PEM files by output_create(). A key is in PKCS #8, with mode 0600; passphrase NULL: not encrypted. */
bool issue_write_key(const char *path, EVP_PKEY *key, const char *passphrase, struct error *error);
bool issue_write_certificate(const char *path, X509 *certificate, struct error *error);
bool issue_write_request(const char *path, X509_REQ *request, struct error *error);
/* Writes a new file with a certificate from that CA, or with a request if it is NULL. */
bool issue_write_for(const struct subject *subject, X509 *authority, EVP_PKEY *authority_key, const char *path,
                     struct error *error);
/* As a string; g_free(). */
char *issue_certificate_pem(X509 *certificate, struct error *error);
char *issue_request_pem(X509_REQ *request, struct error *error);

/* keys/dca-2028.key → keys/dca-2028.pem; g_free(). */
char *issue_path_beside(const char *path, const char *ending);
/* The daemon could not read a key of root's, so root gives a new one to the owner of its directory. */
bool issue_give_to_folder_owner(const char *path, struct error *error);

#endif
