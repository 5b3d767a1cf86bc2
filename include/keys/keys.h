/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: our identities: certificate, chain and private key, loaded once at gateway_open() and shared read-only by all
 * threads. A key comes from a store chosen by the scheme of its URI (struct key_store_type in src/keys/; file: today).
 */
#ifndef DOMSEC_KEYS_KEYS_H
#define DOMSEC_KEYS_KEYS_H

#include "base/address.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/openssl.h"
#include "conf/conf.h"
#include "keys/key_service.h"
#include "keys/traits.h"

#include <time.h>

struct identity {
    const struct identity_conf *conf; /* lent by the configuration, which must outlive the keys */
    X509 *certificate;
    STACK_OF(X509) * chain; /* without the leaf; may be empty */
    EVP_PKEY *key;
    bool is_away;    /* its token was away when it was opened; the key works when it is back */
    char sha256[65]; /* of the certificate, lower-case hex */
    struct key_traits traits;
};

/* Whether it makes signatures; a mailbox's does if its certificate and key allow it. */
bool identity_signs(const struct identity *identity);
/* Whether its key decrypts. Each of a mailbox does, if such a key can: partners may use any certificate they have. */
bool identity_decrypts(const struct identity *identity);

/* Whether it is within its dates and its certificate is valid: it may sign, and partners may be shown it. */
bool identity_is_current(const struct identity_conf *conf, const X509 *certificate, time_t at);
/* When it comes into force: the later of `from` and the start of its certificate. */
time_t identity_begins(const struct identity_conf *conf, const X509 *certificate);
/* Whether a came into force later than b; of two that did so together, it is the one with the later `from`. */
bool identity_is_newer(const struct identity_conf *a, const X509 *certificate_a, const struct identity_conf *b,
                       const X509 *certificate_b);

struct keys;

/* Loads every identity, except those that are awaited. A missing or unreadable file, a key that does not belong to its
 * certificate, a weak key (RSA below 2048), a certificate that is expired (warning) is added to faults at the
 * identity's line, with a note if the cause is temporary. service: its processes hold the keys, as conf wants; it must
 * outlive them. NULL: they are in this process. NULL if there was an error. */
struct keys *keys_open(const struct conf *conf, struct key_service *service, struct faults *faults);
void keys_close(struct keys *keys);

size_t keys_count(const struct keys *keys);
/* Which certificates are there by now that were awaited when the keys were opened: another number for other files or
 * contents. 0: no certificate is. It looks at files. */
uint64_t keys_arrivals(const struct keys *keys);
const struct identity *keys_at(const struct keys *keys, size_t index);

/* The identity that acts in this role for a domain at that time: its conf->domain equals or is a parent of domain
 * (the most specific wins), it is current at `at`; among several the newest. NULL and ERROR_CONFIGURATION if no
 * identity fits (the text tells expired from missing), as for the domain NULL. */
const struct identity *keys_find(const struct keys *keys, enum role role, const char *domain, time_t at,
                                 struct error *error);

/* The identity that signs in the name of a mailbox at that time: that of the mailbox itself before that of the pattern
 * of its domain, if it is current; among several the newest. NULL: no such identity; of one that signs for
 * the mailbox and is not current, *error has kind ERROR_CONFIGURATION and says so, else it has ERROR_PERMANENT. */
const struct identity *keys_find_mailbox(const struct keys *keys, const struct address *address, time_t at,
                                         struct error *error);

/* All that keys_find() and keys_find_mailbox() may choose from, NULL-terminated: first those that are current at `at`,
 * in the order in which they are preferred, then the others. current: how many of them are. g_free() the list. */
const struct identity **keys_list(const struct keys *keys, enum role role, const char *domain, time_t at,
                                  size_t *current);
const struct identity **keys_list_mailbox(const struct keys *keys, const struct address *address, time_t at,
                                          size_t *current);

/* True if an identity is configured to act in this role for a domain, whether it is current or not. */
bool keys_has(const struct keys *keys, enum role role, const char *domain);
/* The identity in this role of a domain, for the first domain that has one that is current at `at`, the newest of it;
 * NULL: no domain has one. */
const struct identity *keys_first(const struct keys *keys, enum role role, time_t at);

/* What an encrypted message calls a recipient (RFC 5652 §6.2.1, §6.2.2): either issuer and serial, or key_id; lent. */
struct recipient_id {
    const X509_NAME *issuer;
    const ASN1_INTEGER *serial;
    const ASN1_OCTET_STRING *key_id;
};
/* The identities that decrypt and whose certificate one of these identifiers names, each once, in the order of the
 * configuration. NULL-terminated; g_free() the list. */
const struct identity **keys_by_recipients(const struct keys *keys, const struct recipient_id *ids, size_t count);

/* Loads one private key by URI, as the configuration names it; for the command line. NULL: ERROR_TEMPORARY if trying
 * again may help, else ERROR_CONFIGURATION. */
EVP_PKEY *keys_load(const char *uri, struct error *error);
/* What this thread does before it waits long for a private key, and after that: a token may be away for a while, and
 * others may need what the thread holds. begin NULL: nothing. */
void keys_while_waiting(void (*begin)(void *context), void (*end)(void *context), void *context);

/* How many times a private key gave no answer in this thread so far: its process or token is gone, or hangs. OpenSSL
 * hides that behind errors of its own, which a broken message causes as well. So what failed while this number grew is
 * temporary, and says nothing about the message. */
unsigned keys_failures(void);
/* Why, the last time; lent until the next failure of this thread. */
const char *keys_failure(void);

/* Reads all certificates of a PEM or DER (or PKCS#7 certs-only) file, in their order. */
STACK_OF(X509) * certificates_load(const char *file, struct error *error);
/* As above, also from a PKCS #12 bundle. passphrase may be NULL. */
STACK_OF(X509) * certificates_load_with(const char *file, const char *passphrase, struct error *error);
/* The same of the contents of a file; the text of an error names none. */
STACK_OF(X509) * certificates_parse(struct slice contents, const char *passphrase, struct error *error);

/* What is known of the keys of all identities: certificates holds theirs, in the order of conf; NULL where one cannot
 * be read. traits has room for as many. The private keys are not needed. */
void key_traits_read(const struct conf *conf, X509 *const *certificates, struct key_traits *traits);

/* Lower-case hex of a certificate's SHA-256. Tables and the log show the first digits, which are enough for `domsec
 * cert show`. */
#define FINGERPRINT_DIGITS 16
void certificate_fingerprint(const X509 *certificate, char hex[65]);
/* The first second at which it is valid, and the last; 0 if that cannot be read. */
time_t certificate_begins(const X509 *certificate);
time_t certificate_ends(const X509 *certificate);
/* False if that cannot be read. */
bool certificate_has_expired(const X509 *certificate, time_t at);
/* RFC 2253-like one-line name, printable, for logs and reports. g_free(). */
char *certificate_subject(const X509 *certificate);
char *certificate_issuer(const X509 *certificate);
char *certificate_serial(const X509 *certificate); /* upper-case hex, no prefix */
/* The public half alone, as a key of OpenSSL's own, wherever the private one is. EVP_PKEY_free(). NULL: no memory. */
EVP_PKEY *key_public_half(const EVP_PKEY *key);
/* Of either kind: any, or restricted to RSASSA-PSS (RFC 4055, section 1.2). */
bool key_is_rsa(const EVP_PKEY *key);
/* Why this key is too weak to be used or believed (RSA below 2048 bits or with an even exponent or 1, EC below 256
 * bits, other kinds but Edwards and Montgomery curves); static. NULL: it is strong enough. NULL key: a weakness. */
const char *key_weakness(const EVP_PKEY *key);
/* What one use of this key costs, in the unit of base/budget.h: of the public half, or of the private one. NULL costs
 * nothing. */
uint64_t key_cost(const EVP_PKEY *key);
uint64_t key_private_cost(const EVP_PKEY *key);
/* True of a public key that takes so long that only an attacker makes it: RSA with an exponent of thousands of bits.
 * Nothing is verified with it. */
bool key_is_slow(const EVP_PKEY *key);
/* True of a self-signed CA certificate that is meant for itself where it is pinned together with list: its key usage
 * allows more than to issue, and it is the issuer of no other certificate there. `openssl req -x509` makes such ones.
 */
bool certificate_stands_alone(const X509 *certificate, const STACK_OF(X509) * list);
/* True if its key usage says that it signs revocation lists. */
bool certificate_signs_lists(const X509 *certificate);
/* notBefore <= at <= notAfter */
bool certificate_is_current(const X509 *certificate, time_t at);
/* One with more names of a kind is odd, whatever names_limit says. */
#define CERTIFICATE_NAMES_MAX 10000
/* How many names it has of the kind of which it has most: e-mail addresses, DNS names, common names. */
unsigned certificate_name_count(const X509 *certificate);
/* Every e-mail address in a certificate: SAN rfc822Name, SmtpUTF8Mailbox (RFC 8398), emailAddress RDNs of the subject.
 * NULL-terminated; an entry that holds NUL or control characters is left out and *odd set. g_strfreev(). */
char **certificate_addresses(const X509 *certificate, bool *odd);
/* Those of the SAN alone; every dNSName; every common name of the subject. As above. */
char **certificate_san_addresses(const X509 *certificate, bool *odd);
char **certificate_dns_names(const X509 *certificate, bool *odd);
char **certificate_common_names(const X509 *certificate, bool *odd);
/* Parses one of these addresses. False if it is not a mail address (a bare domain, angle brackets, spaces). Clear it
 * only after true. */
bool certificate_address_parse(const char *text, struct address *address);
/* The domain that the subject's dc= components spell (RFC 2247), normalised. NULL: none, or none that can be read in
 * one way only. g_free(). */
char *certificate_dc_domain(const X509 *certificate);

/* Those of an identity, from its file: its own, then the chain. A PKCS #12 bundle is opened with its passphrase. */
STACK_OF(X509) * identity_certificates(const struct identity_conf *conf, struct error *error);

DECLARE_OWNED(keys, struct keys *, keys_close)

#endif
