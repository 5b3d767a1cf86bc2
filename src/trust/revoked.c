/* SPDX-License-Identifier: Apache-2.0 */
#include "revoked.h"

#include "unknown.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SERIAL_MAX 20
#define ISSUERS_MAX 4096 /* of an indirect list */

struct entry {
    unsigned char length; /* of serial; HASHED: a longer one's digest */
    unsigned char serial[SERIAL_MAX];
    unsigned char removed;
    guint16 issuer; /* of the certificate: 0: the list's own */
};
#define HASHED 0x7f
#define NEGATIVE 0x80

struct revoked {
    GArray *entries;    /* struct entry, sorted */
    GPtrArray *issuers; /* X509_NAME *; the first is the list's own, lent */
    bool is_indirect;
};

DECLARE_OWNED(revoked_entry, X509_REVOKED *, X509_REVOKED_free)

void revoked_free(struct revoked *revoked)
{
    for (guint i = 1; i < revoked->issuers->len; i++) /* the first is the list's own */
        X509_NAME_free(g_ptr_array_index(revoked->issuers, i));
    g_ptr_array_free(revoked->issuers, TRUE);
    g_array_free(revoked->entries, TRUE);
    g_free(revoked);
}

static bool set_serial(struct entry *entry, const ASN1_INTEGER *serial)
{
    size_t length = (size_t)ASN1_STRING_length(serial);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (length <= SERIAL_MAX) {
        memcpy(entry->serial, ASN1_STRING_get0_data(serial), length);
        entry->length = (unsigned char)length;
    } else if (EVP_Digest(ASN1_STRING_get0_data(serial), length, digest, NULL, EVP_sha256(), NULL) == 1) {
        memcpy(entry->serial, digest, SERIAL_MAX);
        entry->length = HASHED;
    } else {
        return false;
    }
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
        entry->length |= NEGATIVE;
    return true;
}

static int compare_serials(const void *a, const void *b)
{
    return memcmp(a, b, offsetof(struct entry, removed));
}

static bool add_issuer(struct revoked *revoked, const X509_NAME *issuer, guint16 *place)
{
    for (guint i = 0; i < revoked->issuers->len; i++)
        if (X509_NAME_cmp(g_ptr_array_index(revoked->issuers, i), issuer) == 0) {
            *place = (guint16)i;
            return true;
        }
    X509_NAME *copy = revoked->issuers->len < ISSUERS_MAX ? X509_NAME_dup(issuer) : NULL;
    if (copy == NULL)
        return false;
    *place = (guint16)revoked->issuers->len;
    g_ptr_array_add(revoked->issuers, copy);
    return true;
}

/* The certificate issuer of an entry counts for those that follow, too (RFC 5280 §5.3.3). */
static bool read_issuer(struct revoked *revoked, X509_REVOKED *read, guint16 *issuer)
{
    GENERAL_NAMES *names = X509_REVOKED_get_ext_d2i(read, NID_certificate_issuer, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
        if (sk_GENERAL_NAME_value(names, i)->type == GEN_DIRNAME)
            found = add_issuer(revoked, sk_GENERAL_NAME_value(names, i)->d.directoryName, issuer);
    GENERAL_NAMES_free(names);
    return found;
}

static bool is_removed(X509_REVOKED *read)
{
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(read, NID_crl_reason, NULL, NULL);
    bool removed = reason != NULL && ASN1_ENUMERATED_get(reason) == CRL_REASON_REMOVE_FROM_CRL;
    ASN1_ENUMERATED_free(reason);
    return removed;
}

/* NULL, or why the list cannot be used. */
static const char *read_extensions(struct revoked *revoked, X509_REVOKED *read, struct entry *entry, guint16 *issuer)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(read); i++) {
        X509_EXTENSION *extension = X509_REVOKED_get_ext(read, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid == NID_certificate_issuer && revoked->is_indirect) {
            if (!read_issuer(revoked, read, issuer))
                return UNKNOWN_LIST_IS_NONE;
        } else if (nid == NID_crl_reason) {
            entry->removed = is_removed(read);
        } else if (X509_EXTENSION_get_critical(extension) && nid != NID_invalidity_date) {
            return UNKNOWN_LIST_CRITICAL;
        }
    }
    return NULL;
}

/* So that the array is as large as it has to be, and was never larger. */
static guint count_entries(const unsigned char *at, const unsigned char *end)
{
    guint count = 0;
    while (at < end) {
        long length = 0;
        int tag = 0, class = 0;
        if ((ASN1_get_object(&at, &length, &tag, &class, end - at) & 0x80) != 0)
            break;
        at += length;
        count++;
    }
    return count;
}

/* Each by itself, so that they are never all there as OpenSSL's objects. */
static const char *read_entries(struct revoked *revoked, const ASN1_STRING *list)
{
    const unsigned char *at = ASN1_STRING_get0_data(list);
    long length = 0;
    int tag = 0, class = 0;
    guint16 issuer = 0;
    /* 0x80: it cannot be read; 0x01: it has no definite length, and would seem to be empty. */
    if ((ASN1_get_object(&at, &length, &tag, &class, ASN1_STRING_length(list)) & 0x81) != 0)
        return UNKNOWN_LIST_IS_NONE;
    const unsigned char *end = at + length;
    g_array_free(revoked->entries, TRUE);
    revoked->entries = g_array_sized_new(FALSE, FALSE, sizeof(struct entry), count_entries(at, end));
    while (at < end) {
        owned(revoked_entry) X509_REVOKED *read = d2i_X509_REVOKED(NULL, &at, end - at);
        struct entry entry = {0};
        if (read == NULL || !set_serial(&entry, X509_REVOKED_get0_serialNumber(read)))
            return UNKNOWN_LIST_IS_NONE;
        const char *refusal = read_extensions(revoked, read, &entry, &issuer);
        if (refusal != NULL)
            return refusal;
        entry.issuer = issuer;
        g_array_append_val(revoked->entries, entry);
    }
    g_array_sort(revoked->entries, compare_serials);
    return NULL;
}

struct revoked *revoked_read(const ASN1_STRING *list, const struct revoked_of *of, const char **refusal)
{
    owned(revoked) struct revoked *revoked = g_new0(struct revoked, 1);
    revoked->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    revoked->issuers = g_ptr_array_new();
    revoked->is_indirect = of->is_indirect;
    g_ptr_array_add(revoked->issuers, of->issuer);
    *refusal = list != NULL ? read_entries(revoked, list) : NULL;
    return *refusal == NULL ? steal(&revoked) : NULL;
}

enum crl_entry revoked_find(const struct revoked *revoked, const ASN1_INTEGER *serial, const X509_NAME *issuer)
{
    struct entry wanted = {0};
    guint at = 0, count = revoked->entries->len;
    if (!set_serial(&wanted, serial))
        return CRL_ENTRY_REVOKED; /* out of memory: not good, at least */
    for (guint end = count; at < end;) {
        guint middle = at + (end - at) / 2;
        if (compare_serials(&g_array_index(revoked->entries, struct entry, middle), &wanted) < 0)
            at = middle + 1;
        else
            end = middle;
    }
    for (; at < count; at++) {
        const struct entry *entry = &g_array_index(revoked->entries, struct entry, at);
        if (compare_serials(entry, &wanted) != 0)
            return CRL_ENTRY_NONE;
        if (X509_NAME_cmp(g_ptr_array_index(revoked->issuers, entry->issuer), issuer) == 0)
            return entry->removed ? CRL_ENTRY_REMOVED : CRL_ENTRY_REVOKED;
    }
    return CRL_ENTRY_NONE;
}

size_t revoked_count(const struct revoked *revoked)
{
    return revoked->entries->len;
}
