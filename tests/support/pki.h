/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki: makes certification authorities, certificates, CRLs and key files for the tests, in memory. Every failure
 * aborts the test. Nothing here is for production.
 *
 *     #include "support/pki.h"
 *
 *     struct pki *ca = pki_ca("Acme root");                                  P-256, valid from a day ago for a year
 *     struct pki *dsa = pki_role(ca, "domain-signing-authority", "acme.test");   strict RFC 3183 name
 *     struct pki *alice = pki_person(ca, "alice@acme.test");
 *     struct pki *odd = pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("DC=test", "DC=acme", "CN=x"),
 *                                                    .san = PKI_LIST("email:a@b.test", "utf8:ä@b.test", "dns:b.test"),
 *                                                    .eku = "clientAuth", .key = PKI_RSA,
 *                                                    .extensions = PKI_LIST("1.2.3.4=critical,DER:0500")});
 *     char *folder = folder_new();                                           a new folder under /tmp
 *     char *anchor = pki_write(folder, "ca.pem", ca, NULL);                  certificates of all, in this order
 *     char *key = pki_write_key(folder, "dsa.key", dsa);                     PKCS#8, mode 0600
 *     X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = ca, .revoked = {alice}});
 *     folder_remove(folder);                                                    deletes the folder with its files
 *     pki_free(alice);                                                       also PKI_AUTO struct pki *x = ...
 *
 * Values are percent-decoded ("a%00b" holds a NUL byte, "%25" is a per cent sign). "+O=…" in a subject is in one RDN
 * with the entry before it. RSA keys are slow to make: they are
 * kept for the process, one for CAs and one for leaves; set .slot to get another. EC and Ed25519 keys are always fresh.
 */
#ifndef DOMSEC_TESTS_SUPPORT_PKI_H
#define DOMSEC_TESTS_SUPPORT_PKI_H

#include "base/openssl.h"
#include "support/folder.h"

#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

struct pki {
    X509 *cert;
    EVP_PKEY *key;
};

enum pki_key { PKI_EC, PKI_RSA, PKI_RSA_1024, PKI_RSA_3072, PKI_P384, PKI_ED25519, PKI_X25519, PKI_P192 };

#define PKI_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

struct pki_spec {
    const struct pki *issuer;   /* NULL: self-signed */
    bool ca;                    /* decides the defaults below */
    const char *const *subject; /* "CN=…", "emailAddress=…" in the order of the encoding; may be empty */
    const char *const *san; /* "email:…", "utf8:…" (SmtpUTF8Mailbox), "dns:…", "uri:…"; NULL: no such extension */
    const char *key_usage;         /* OpenSSL's words; NULL: what fits, "": no such extension */
    const char *eku;               /* NULL: emailProtection for leaves, none for CAs; "": none */
    const char *basic;             /* basicConstraints; NULL: by `ca`; "": none */
    const char *const *extensions; /* "name or OID=value in OpenSSL's configuration syntax" */
    time_t not_before, not_after;  /* 0: a day ago; 365 days from now */
    enum pki_key key;
    unsigned slot;      /* which of the kept RSA keys */
    EVP_PKEY *use_key;  /* instead of a new one */
    const char *digest; /* "SHA256" by default */
    long serial;        /* 0: counted */
    bool no_key_ids;    /* leave out subject and authority key identifier */
};

#define PKI_REVOKED_MAX 8
struct pki_crl_spec {
    const struct pki *issuer;
    const struct pki *revoked[PKI_REVOKED_MAX]; /* up to the first NULL */
    time_t this_update, next_update;            /* 0: a day ago; 30 days from now; next_update -1: absent */
    const char *const *extensions;
    long number; /* 0: 1; -1: absent */
};

void pki_free(struct pki *pki);
void pki_cleanup(struct pki **pki);
#define PKI_AUTO __attribute__((cleanup(pki_cleanup)))

/* slot: which of the RSA keys of this process. EVP_PKEY_free(). */
EVP_PKEY *pki_new_key(enum pki_key kind, unsigned slot);

/* An RSA key without its private part, with a modulus and an exponent of these lengths: a verification with it may be
 * slow. OpenSSL limits the exponent of a key of more than 3072 bits only. EVP_PKEY_free(). */
EVP_PKEY *pki_rsa_public(int bits, int exponent_bits);

/* An RSA or EC key with the same public part, and a private one that does not belong to it. EVP_PKEY_free(). */
EVP_PKEY *pki_damaged_key(EVP_PKEY *key);

/* A name of entries as in struct pki_spec; X509_NAME_free(). */
X509_NAME *pki_name(const char *const *entries);

/* --- certificates with their keys; pki_free() --- */

struct pki *pki_issue(const struct pki_spec *spec);

/* A root. */
struct pki *pki_ca(const char *name);

/* A CA below another. */
struct pki *pki_sub_ca(const struct pki *issuer, const char *name);

/* A gateway certificate named as RFC 3183 section 3.1.1 wants it: CN=role, SAN role@domain. pki_role(): P-256. */
struct pki *pki_role(const struct pki *issuer, const char *role, const char *domain);
struct pki *pki_role_with(const struct pki *issuer, const char *role, const char *domain, enum pki_key key);

struct pki *pki_person(const struct pki *issuer, const char *address);

/* X509_CRL_free(). */
X509_CRL *pki_crl(const struct pki_crl_spec *spec);

/* Adds an entry to a CRL that is not signed yet. */
void pki_crl_add(X509_CRL *crl, const struct pki *revoked, time_t when);

/* --- PEM files; each returns the path, g_free() --- */

/* The certificates of all arguments; NULL ends them. */
char *pki_write(const char *folder, const char *name, ...) __attribute__((sentinel));
char *pki_write_key(const char *folder, const char *name, const struct pki *pki);
char *pki_write_crl(const char *folder, const char *name, const X509_CRL *crl);

#endif
