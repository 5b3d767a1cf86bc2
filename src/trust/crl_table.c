/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crl_table: OpenSSL would hold a list seven times over and verify its signature again for each certificate. So the
 * signature is verified once, each entry is read by itself and becomes 24 octets, and what is left is a list without
 * entries, with which OpenSSL decides everything else: scope, dates, deltas, who may sign. A list without its entries
 * has no good signature of its own; that of the whole list is vouched for by the key that is kept beside it.
 *
 * While a list is read it is there up to four times; one is read at a time.
 */
#include "crl_table.h"

#include "unknown.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SIGNERS_TRIED 16

struct crl_table {
    int references;
    X509_CRL *hollow;
    struct key_digest signer;
    char *scope;
    ASN1_INTEGER *number;
    bool is_indirect, is_delta;
    time_t from, until;
    struct revoked *revoked;
};

/* Each element stays encoded but those that are looked at; ASN1_SEQUENCE is OpenSSL's name for that. */
struct outer {
    ASN1_STRING *list;
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
};
struct inner {
    ASN1_INTEGER *version;
    X509_ALGOR *algorithm;
    ASN1_STRING *issuer;
    ASN1_TIME *from, *until;
    ASN1_STRING *entries, *extensions;
};

/* clang-format off */
ASN1_SEQUENCE(OUTER) = {
    ASN1_SIMPLE(struct outer, list, ASN1_SEQUENCE),
    ASN1_SIMPLE(struct outer, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct outer, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END_name(struct outer, OUTER)

ASN1_SEQUENCE(INNER) = {
    ASN1_OPT(struct inner, version, ASN1_INTEGER),
    ASN1_SIMPLE(struct inner, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct inner, issuer, ASN1_SEQUENCE),
    ASN1_SIMPLE(struct inner, from, ASN1_TIME),
    ASN1_OPT(struct inner, until, ASN1_TIME),
    ASN1_OPT(struct inner, entries, ASN1_SEQUENCE),
    ASN1_EXP_OPT(struct inner, extensions, ASN1_SEQUENCE, 0),
} static_ASN1_SEQUENCE_END_name(struct inner, INNER)
    /* clang-format on */

    static void outer_free(struct outer * outer)
{
    ASN1_item_free((ASN1_VALUE *)outer, ASN1_ITEM_rptr(OUTER));
}

static void inner_free(struct inner *inner)
{
    ASN1_item_free((ASN1_VALUE *)inner, ASN1_ITEM_rptr(INNER));
}

DECLARE_OWNED(outer, struct outer *, outer_free)
DECLARE_OWNED(inner, struct inner *, inner_free)
DECLARE_OWNED(distribution, ISSUING_DIST_POINT *, ISSUING_DIST_POINT_free)

bool key_digest(const X509 *certificate, struct key_digest *digest)
{
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool good = length > 0 && EVP_Digest(der, (size_t)length, digest->octets, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return good;
}

/* --- the list without them --- */

static X509_CRL *make_hollow(struct outer *outer, struct inner *inner)
{
    unsigned char *der = NULL, *whole = NULL;
    const struct inner without = {inner->version, inner->algorithm, inner->issuer, inner->from, inner->until,
                                  NULL,           inner->extensions};
    X509_CRL *hollow = NULL;
    int length = ASN1_item_i2d((const ASN1_VALUE *)&without, &der, ASN1_ITEM_rptr(INNER));
    if (length > 0 && ASN1_STRING_set(outer->list, der, length) == 1) {
        length = ASN1_item_i2d((const ASN1_VALUE *)outer, &whole, ASN1_ITEM_rptr(OUTER));
        const unsigned char *at = whole;
        hollow = length > 0 ? d2i_X509_CRL(NULL, &at, length) : NULL;
    }
    OPENSSL_free(der);
    OPENSSL_free(whole);
    return hollow;
}

static time_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

/* The distribution point as it is encoded; a list without that extension is about all of its issuer's certificates. */
static char *scope_of(const struct crl_table *table)
{
    g_autoptr(GString) scope = g_string_new(table->is_delta ? "delta " : "full ");
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    unsigned char *name = NULL;
    int length = i2d_X509_NAME(X509_CRL_get_issuer(table->hollow), &name);
    int point = X509_CRL_get_ext_by_NID(table->hollow, NID_issuing_distribution_point, -1);
    g_checksum_update(sum, table->signer.octets, KEY_DIGEST);
    if (length > 0)
        g_checksum_update(sum, name, length);
    if (point >= 0) {
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_CRL_get_ext(table->hollow, point));
        g_checksum_update(sum, ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
    }
    OPENSSL_free(name);
    g_string_append(scope, g_checksum_get_string(sum));
    return g_strdup(scope->str);
}

static void read_hollow(struct crl_table *table)
{
    X509_CRL *hollow = table->hollow;
    owned(distribution) ISSUING_DIST_POINT *point =
        X509_CRL_get_ext_d2i(hollow, NID_issuing_distribution_point, NULL, NULL);
    table->is_indirect = point != NULL && point->indirectCRL;
    table->is_delta = X509_CRL_get_ext_by_NID(hollow, NID_delta_crl, -1) >= 0;
    table->number = X509_CRL_get_ext_d2i(hollow, NID_crl_number, NULL, NULL);
    table->from = seconds_of(X509_CRL_get0_lastUpdate(hollow));
    table->until = seconds_of(X509_CRL_get0_nextUpdate(hollow));
    X509_CRL_set_meth_data(hollow, table);
    table->scope = scope_of(table);
}

static struct crl_table *table_new(struct outer *outer, const struct key_digest *signer, const char **refusal)
{
    const unsigned char *at = ASN1_STRING_get0_data(outer->list);
    owned(inner) struct inner *inner =
        (struct inner *)ASN1_item_d2i(NULL, &at, ASN1_STRING_length(outer->list), ASN1_ITEM_rptr(INNER));
    *refusal = UNKNOWN_LIST_IS_NONE;
    if (inner == NULL || X509_ALGOR_cmp(inner->algorithm, outer->algorithm) != 0)
        return NULL;
    owned(crl_table) struct crl_table *table = g_new0(struct crl_table, 1);
    table->references = 1;
    table->signer = *signer;
    table->hollow = make_hollow(outer, inner);
    if (table->hollow == NULL)
        return NULL;
    read_hollow(table);
    const struct revoked_of of = {X509_CRL_get_issuer(table->hollow), table->is_indirect};
    table->revoked = revoked_read(inner->entries, &of, refusal);
    return table->revoked != NULL ? steal(&table) : NULL;
}

/* --- from outside --- */

/* The first list of a PEM file in DER; OPENSSL_free(). */
static unsigned char *decode_pem(struct slice bytes, long *length)
{
    owned(BIO) BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
    unsigned char *der = NULL;
    if (bio == NULL || PEM_bytes_read_bio(&der, length, NULL, PEM_STRING_X509_CRL, bio, NULL, NULL) != 1)
        return NULL;
    return der;
}

static struct outer *decode(struct slice bytes)
{
    long length = (long)bytes.len;
    unsigned char *decoded = NULL;
    if (g_strstr_len(bytes.data, (gssize)MIN(bytes.len, 4096), "-----BEGIN " PEM_STRING_X509_CRL "-----") != NULL) {
        decoded = decode_pem(bytes, &length);
        if (decoded == NULL)
            return NULL;
    }
    const unsigned char *begin = decoded != NULL ? decoded : (const unsigned char *)bytes.data, *at = begin;
    owned(outer) struct outer *outer = (struct outer *)ASN1_item_d2i(NULL, &at, length, ASN1_ITEM_rptr(OUTER));
    bool is_whole = at == begin + length;
    OPENSSL_free(decoded);
    return is_whole ? steal(&outer) : NULL;
}

/* Which of the certificates has signed it; NULL: none. */
static const X509 *find_signer(const struct outer *outer, const STACK_OF(X509) * signers)
{
    int tried = 0;
    for (int i = 0; i < sk_X509_num(signers) && tried < SIGNERS_TRIED; i++) {
        const X509 *certificate = sk_X509_value(signers, i);
        EVP_PKEY *key = X509_get0_pubkey(certificate);
        if (key == NULL)
            continue;
        tried++;
        if (ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), outer->algorithm, outer->signature, outer->list, key) == 1)
            return certificate;
    }
    return NULL;
}

static GMutex *reading(void)
{
    static GMutex one_at_a_time;
    return &one_at_a_time;
}

static struct crl_table *read_list(struct slice bytes, const STACK_OF(X509) * signers, const char **refusal)
{
    struct key_digest signer;
    *refusal = UNKNOWN_LIST_IS_NONE;
    owned(outer) struct outer *outer = bytes.len > 0 && bytes.len <= G_MAXINT ? decode(bytes) : NULL;
    if (outer == NULL)
        return NULL;
    const X509 *certificate = find_signer(outer, signers);
    *refusal = UNKNOWN_LIST_SIGNER;
    return certificate != NULL && key_digest(certificate, &signer) ? table_new(outer, &signer, refusal) : NULL;
}

struct crl_table *crl_table_read(struct slice bytes, const STACK_OF(X509) * signers, const char **refusal)
{
    g_mutex_lock(reading());
    struct crl_table *table = read_list(bytes, signers, refusal);
    g_mutex_unlock(reading());
    ERR_clear_error();
    return table;
}

struct crl_table *crl_table_restore(struct slice der, const struct key_digest *signer)
{
    const char *refusal = NULL;
    g_mutex_lock(reading());
    owned(outer) struct outer *outer = der.len > 0 && der.len <= G_MAXINT ? decode(der) : NULL;
    struct crl_table *table = outer != NULL ? table_new(outer, signer, &refusal) : NULL;
    g_mutex_unlock(reading());
    ERR_clear_error();
    return table;
}

struct crl_table *crl_table_ref(struct crl_table *table)
{
    g_atomic_int_inc(&table->references);
    return table;
}

void crl_table_unref(struct crl_table *table)
{
    if (table == NULL || !g_atomic_int_dec_and_test(&table->references))
        return;
    if (table->revoked != NULL)
        revoked_free(table->revoked);
    X509_CRL_free(table->hollow);
    ASN1_INTEGER_free(table->number);
    g_free(table->scope);
    g_free(table);
}

/* --- questions --- */

X509_CRL *crl_table_hollow(const struct crl_table *table)
{
    return table->hollow;
}

const struct crl_table *crl_table_of(X509_CRL *crl)
{
    return X509_CRL_get_meth_data(crl);
}

bool crl_table_is_signed_by(const struct crl_table *table, const X509 *issuer)
{
    struct key_digest digest;
    return key_digest(issuer, &digest) && memcmp(digest.octets, table->signer.octets, KEY_DIGEST) == 0;
}

const struct key_digest *crl_table_signer(const struct crl_table *table)
{
    return &table->signer;
}

enum crl_entry crl_table_find(const struct crl_table *table, const ASN1_INTEGER *serial, const X509_NAME *issuer)
{
    return revoked_find(table->revoked, serial, issuer);
}

size_t crl_table_count(const struct crl_table *table)
{
    return revoked_count(table->revoked);
}

const char *crl_table_scope(const struct crl_table *table)
{
    return table->scope;
}

bool crl_table_is_indirect(const struct crl_table *table)
{
    return table->is_indirect;
}

bool crl_table_is_older(const struct crl_table *table, const struct crl_table *other)
{
    int order = table->number != NULL && other->number != NULL ? ASN1_INTEGER_cmp(table->number, other->number) : 0;
    return order != 0 ? order < 0 : table->from < other->from;
}

time_t crl_table_from(const struct crl_table *table)
{
    return table->from;
}

time_t crl_table_until(const struct crl_table *table)
{
    return table->until;
}
