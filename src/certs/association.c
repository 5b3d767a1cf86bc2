/* SPDX-License-Identifier: Apache-2.0 */
/*
 * association: SMIMEA and CERT records. The numbers before the data are read here, the data by OpenSSL.
 */
#include "certs/association.h"

#include <openssl/err.h>
#include <string.h>

enum selector { SELECTOR_CERTIFICATE, SELECTOR_KEY };
enum matching { MATCHING_EXACT, MATCHING_SHA256, MATCHING_SHA512 };
#define HEAD 3

struct record {
    enum association_usage usage;
    enum selector selector;
    enum matching matching;
    GBytes *data;
};

struct associations {
    int references;
    GArray *records;
    STACK_OF(X509) * certificates;
};

static void record_clear(void *data)
{
    g_bytes_unref(((struct record *)data)->data);
}

static GBytes *encoded(const X509 *certificate, enum selector selector)
{
    unsigned char *der = NULL;
    int length = selector == SELECTOR_CERTIFICATE ? i2d_X509((X509 *)certificate, &der)
                                                  : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    GBytes *bytes = length > 0 ? g_bytes_new(der, (gsize)length) : NULL;
    OPENSSL_free(der);
    return bytes;
}

/* NULL: it is no certificate in DER, or there is something behind it. */
static X509 *certificate_of(const unsigned char *data, size_t length)
{
    const unsigned char *at = data;
    owned(X509) X509 *certificate = d2i_X509(NULL, &at, (long)length);
    g_autoptr(GBytes) again = certificate != NULL ? encoded(certificate, SELECTOR_CERTIFICATE) : NULL;
    g_autoptr(GBytes) given = g_bytes_new_static(data, length);
    ERR_clear_error();
    return again != NULL && g_bytes_equal(again, given) ? steal(&certificate) : NULL;
}

static bool is_key(const unsigned char *data, size_t length)
{
    const unsigned char *at = data;
    X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &at, (long)length);
    bool good = key != NULL && at == data + length;
    X509_PUBKEY_free(key);
    ERR_clear_error();
    return good;
}

static bool keep_certificate(struct associations *associations, const unsigned char *data, size_t length)
{
    X509 *certificate = certificate_of(data, length);
    if (certificate == NULL)
        return false;
    if (sk_X509_push(associations->certificates, certificate) <= 0)
        g_error("out of memory");
    return true;
}

static bool read_record(struct associations *associations, struct slice rdata)
{
    const unsigned char *bytes = (const unsigned char *)rdata.data, *data = bytes + HEAD;
    if (rdata.len <= HEAD || bytes[0] >= ASSOCIATION_USAGES || bytes[1] > SELECTOR_KEY || bytes[2] > MATCHING_SHA512)
        return false;
    struct record record = {.usage = (enum association_usage)bytes[0],
                            .selector = (enum selector)bytes[1],
                            .matching = (enum matching)bytes[2]};
    size_t length = rdata.len - HEAD;
    if ((record.matching == MATCHING_SHA256 && length != 32) || (record.matching == MATCHING_SHA512 && length != 64))
        return false;
    if (record.matching == MATCHING_EXACT && record.selector == SELECTOR_KEY && !is_key(data, length))
        return false;
    if (record.matching == MATCHING_EXACT && record.selector == SELECTOR_CERTIFICATE &&
        !keep_certificate(associations, data, length))
        return false;
    record.data = g_bytes_new(data, length);
    g_array_append_val(associations->records, record);
    return true;
}

struct associations *associations_read(const struct slice *records, size_t count, size_t *unusable)
{
    struct associations *associations = g_new0(struct associations, 1);
    associations->references = 1;
    associations->records = g_array_new(FALSE, FALSE, sizeof(struct record));
    g_array_set_clear_func(associations->records, record_clear);
    associations->certificates = sk_X509_new_null();
    if (associations->certificates == NULL)
        g_error("out of memory");
    *unusable = 0;
    for (size_t i = 0; i < count; i++)
        *unusable += !read_record(associations, records[i]);
    if (associations->records->len > 0)
        return associations;
    associations_unref(associations);
    return NULL;
}

struct associations *associations_ref(struct associations *associations)
{
    g_atomic_int_inc(&associations->references);
    return associations;
}

void associations_unref(void *data)
{
    struct associations *associations = data;
    if (associations == NULL || !g_atomic_int_dec_and_test(&associations->references))
        return;
    g_array_unref(associations->records);
    x509_stack_free(associations->certificates);
    g_free(associations);
}

bool associations_have(const struct associations *associations, enum association_usage usage)
{
    for (guint i = 0; i < associations->records->len; i++)
        if (g_array_index(associations->records, struct record, i).usage == usage)
            return true;
    return false;
}

static bool equals(const struct record *record, GBytes *content)
{
    static const GChecksumType types[] = {[MATCHING_SHA256] = G_CHECKSUM_SHA256, [MATCHING_SHA512] = G_CHECKSUM_SHA512};
    if (record->matching == MATCHING_EXACT)
        return g_bytes_equal(record->data, content);
    guint8 digest[64];
    gsize length = sizeof(digest), expected = 0, octets = 0;
    gconstpointer data = g_bytes_get_data(record->data, &expected), bytes = g_bytes_get_data(content, &octets);
    g_autoptr(GChecksum) checksum = g_checksum_new(types[record->matching]);
    g_checksum_update(checksum, bytes, (gssize)octets);
    g_checksum_get_digest(checksum, digest, &length);
    return length == expected && memcmp(digest, data, length) == 0;
}

bool associations_name(const struct associations *associations, enum association_usage usage, const X509 *certificate)
{
    g_autoptr(GBytes) whole = encoded(certificate, SELECTOR_CERTIFICATE);
    g_autoptr(GBytes) key = encoded(certificate, SELECTOR_KEY);
    for (guint i = 0; i < associations->records->len; i++) {
        const struct record *record = &g_array_index(associations->records, struct record, i);
        GBytes *content = record->selector == SELECTOR_KEY ? key : whole;
        if (record->usage == usage && content != NULL && equals(record, content))
            return true;
    }
    return false;
}

STACK_OF(X509) * associations_certificates(const struct associations *associations)
{
    return associations->certificates;
}

#define HASHED 56 /* hexadecimal digits: 28 octets */

char *smimea_name(const char *local, const char *domain)
{
    g_autofree char *normal = g_utf8_normalize(local, -1, G_NORMALIZE_NFC);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, normal != NULL ? normal : local, -1);
    return g_strdup_printf("%.*s._smimecert.%s", HASHED, digest, domain);
}

/* --- CERT --- */

#define CERT_HEAD 5 /* type, key tag, algorithm */
#define CERT_PKIX 1

/* RFC 4398 §2.1: the identifier of what follows, with its length before it (§2.3). Nearly all zones leave it out. */
static struct slice without_identifier(struct slice data)
{
    static const char identifiers[][4] = {{3, 0x55, 4, 0x24}, {3, 0x55, 4, 0x25}};
    for (size_t i = 0; i < G_N_ELEMENTS(identifiers); i++)
        if (data.len > sizeof(identifiers[i]) && memcmp(data.data, identifiers[i], sizeof(identifiers[i])) == 0)
            return (struct slice){data.data + sizeof(identifiers[i]), data.len - sizeof(identifiers[i])};
    return data;
}

X509 *cert_record_read(struct slice rdata)
{
    if (rdata.len <= CERT_HEAD || rdata.data[0] != 0 || rdata.data[1] != CERT_PKIX)
        return NULL;
    struct slice der = without_identifier((struct slice){rdata.data + CERT_HEAD, rdata.len - CERT_HEAD});
    return certificate_of((const unsigned char *)der.data, der.len);
}
