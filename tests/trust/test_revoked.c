/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of revocation lists, as they are encoded. */
#include "support/pki.h"

#include "trust/revoked.h"
#include "trust/unknown.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <openssl/err.h>

#define OWN "CN=list"

struct entry {
    const char *serial; /* in hex */
    int reason;         /* of revocation; 0: none is given */
    const char *issuer; /* "CN=…"; NULL: none is given */
    const char *extension;
};

static ASN1_INTEGER *serial_of(const char *hex)
{
    BIGNUM *number = NULL;
    cr_assert(BN_hex2bn(&number, hex) > 0);
    ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    return serial;
}

/* Two directory names, and before those of others a name of another kind. */
static void add_issuer(X509_REVOKED *revoked, const char *issuer)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *other = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, "issuer.test", -1);
    GENERAL_NAME_set0_value(other, GEN_DNS, text);
    if (strcmp(issuer, OWN) != 0)
        sk_GENERAL_NAME_push(names, other);
    else
        GENERAL_NAME_free(other);
    for (size_t i = 0; i < 2 && issuer[0] != '\0'; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        name->type = GEN_DIRNAME;
        name->d.directoryName = pki_name(i == 0 ? PKI_LIST(issuer) : PKI_LIST("CN=second"));
        sk_GENERAL_NAME_push(names, name);
    }
    cr_assert(X509_REVOKED_add1_ext_i2d(revoked, NID_certificate_issuer, names, 1, 0) == 1);
    GENERAL_NAMES_free(names);
}

static void add_reason(X509_REVOKED *revoked, int reason)
{
    ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
    ASN1_ENUMERATED_set(value, reason);
    cr_assert(X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, value, 0, 0) == 1);
    ASN1_ENUMERATED_free(value);
}

static X509_REVOKED *encode(const struct entry *entry)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_INTEGER *serial = serial_of(entry->serial);
    ASN1_TIME *when = ASN1_TIME_set(NULL, 1700000000);
    cr_assert(X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
              X509_REVOKED_set_revocationDate(revoked, when) == 1);
    if (entry->reason != 0)
        add_reason(revoked, entry->reason);
    if (entry->issuer != NULL)
        add_issuer(revoked, entry->issuer);
    if (entry->extension != NULL) {
        g_auto(GStrv) words = g_strsplit(entry->extension, "=", 2);
        X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, words[0], words[1]);
        cr_assert_not_null(extension);
        cr_assert(X509_REVOKED_add_ext(revoked, extension, -1) == 1);
        X509_EXTENSION_free(extension);
    }
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(when);
    return revoked;
}

/* revokedCertificates, up to the first entry without a serial number. */
static ASN1_STRING *encode_all(const struct entry *entries, size_t count)
{
    GByteArray *inner = g_byte_array_new();
    ASN1_STRING *list = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    for (size_t i = 0; i < count && entries[i].serial != NULL; i++) {
        X509_REVOKED *revoked = encode(&entries[i]);
        unsigned char *der = NULL;
        int length = i2d_X509_REVOKED(revoked, &der);
        g_byte_array_append(inner, der, (guint)length);
        OPENSSL_free(der);
        X509_REVOKED_free(revoked);
    }
    g_autofree unsigned char *der = g_malloc(inner->len + 8);
    unsigned char *at = der;
    ASN1_put_object(&at, 1, (int)inner->len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    if (inner->len > 0)
        memcpy(at, inner->data, inner->len);
    ASN1_STRING_set(list, der, (int)(at - der + inner->len));
    g_byte_array_unref(inner);
    return list;
}

#define LONG "0123456789abcdef0123456789abcdef01234567" /* of 20 octets */
#define NONE CRL_ENTRY_NONE
#define REVOKED CRL_ENTRY_REVOKED
#define REMOVED CRL_ENTRY_REMOVED

static enum crl_entry find(const struct revoked *revoked, const char *hex, const char *name)
{
    ASN1_INTEGER *serial = serial_of(hex);
    X509_NAME *issuer = pki_name(PKI_LIST(name));
    enum crl_entry found = revoked_find(revoked, serial, issuer);
    ASN1_INTEGER_free(serial);
    X509_NAME_free(issuer);
    return found;
}

Test(revoked, what_is_found)
{
    static const struct {
        struct entry entries[4];
        bool is_indirect;
        struct {
            const char *serial, *issuer;
            enum crl_entry found;
        } asked[4];
    } rows[] = {
        {{{"5"}, {"1"}, {"3"}},
         false,
         {{"1", OWN, REVOKED}, {"2", OWN, NONE}, {"3", OWN, REVOKED}, {"5", OWN, REVOKED}}},
        {{{"5"}, {"1"}, {"3"}}, false, {{"4", OWN, NONE}, {"6", OWN, NONE}, {"3", "CN=x", NONE}, {"0", OWN, NONE}}},
        {{{"1"}}, false, {{"-1", OWN, NONE}, {"100", OWN, NONE}, {"1", OWN, REVOKED}}},
        {{{"-1"}}, false, {{"-1", OWN, REVOKED}, {"1", OWN, NONE}, {"-100", OWN, NONE}}},
        {{{"-AABB00"}, {"AABB00"}},
         false,
         {{"-AABB", OWN, NONE}, {"AABB", OWN, NONE}, {"-AABB00", OWN, REVOKED}, {"AABB00", OWN, REVOKED}}},
        {{{LONG}, {"-" LONG}}, false, {{LONG, OWN, REVOKED}, {"-" LONG, OWN, REVOKED}, {LONG "01", OWN, NONE}}},
        {{{"01" LONG}}, false, {{"01" LONG, OWN, REVOKED}, {"02" LONG, OWN, NONE}, {"-01" LONG, OWN, NONE}}},
        {{{"01" LONG "01"}, {"-02" LONG}},
         false,
         {{"01" LONG "01", OWN, REVOKED}, {"-02" LONG, OWN, REVOKED}, {"02" LONG, OWN, NONE}}},
        {{{"1", 1}, {"2", CRL_REASON_REMOVE_FROM_CRL}, {"3"}},
         false,
         {{"1", OWN, REVOKED}, {"2", OWN, REMOVED}, {"3", OWN, REVOKED}}},
        {{{"1"}, {"2", 0, "CN=a"}, {"3"}, {"4", 0, OWN}},
         true,
         {{"1", OWN, REVOKED}, {"2", "CN=a", REVOKED}, {"3", "CN=a", REVOKED}, {"4", OWN, REVOKED}}},
        {{{"1"}, {"2", 0, "CN=a"}, {"3"}, {"4", 0, OWN}},
         true,
         {{"1", "CN=a", NONE}, {"2", OWN, NONE}, {"3", OWN, NONE}, {"4", "CN=a", NONE}}},
        {{{"2", 0, "CN=a"}, {"2", 0, "CN=b"}, {"2", 0, "CN=a"}, {"3"}},
         true,
         {{"2", "CN=a", REVOKED}, {"2", "CN=b", REVOKED}, {"3", "CN=a", REVOKED}, {"3", "CN=b", NONE}}},
        {{{"2", 0, "CN=a"}}, true, {{"2", "CN=second", NONE}, {"2", "CN=A", REVOKED}}},
        {{{"2", CRL_REASON_REMOVE_FROM_CRL, "CN=a"}, {"2", 0, "CN=b"}},
         true,
         {{"2", "CN=a", REMOVED}, {"2", "CN=b", REVOKED}}},
        {{{"1", 0, NULL, "1.2.3.4=DER:0500"},
          {"2", 0, NULL, "2.5.29.24=critical,DER:180f32303236303130313030303030305a"}},
         false,
         {{"1", OWN, REVOKED}, {"2", OWN, REVOKED}}},
        {{{NULL}}, false, {{"1", OWN, NONE}}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ASN1_STRING *list = encode_all(rows[i].entries, G_N_ELEMENTS(rows[i].entries));
        X509_NAME *issuer = pki_name(PKI_LIST(OWN));
        const char *refusal = NULL;
        owned(revoked) struct revoked *revoked =
            revoked_read(list, &(struct revoked_of){issuer, rows[i].is_indirect}, &refusal);
        cr_assert_not_null(revoked, "row %zu: %s", i, refusal);
        for (size_t j = 0; j < 4 && rows[i].asked[j].serial != NULL; j++)
            cr_expect_eq(find(revoked, rows[i].asked[j].serial, rows[i].asked[j].issuer), rows[i].asked[j].found,
                         "row %zu, %zu", i, j);
        ASN1_STRING_free(list);
        revoked_free(steal(&revoked));
        X509_NAME_free(issuer);
    }
}

/* A list with something that is not understood says nothing at all. */
Test(revoked, what_is_refused)
{
    static const struct {
        struct entry entries[3];
        bool is_indirect;
        const char *refusal;
    } rows[] = {
        {{{"1"}, {"2", 0, NULL, "1.2.3.4=critical,DER:0500"}, {"3"}}, false, UNKNOWN_LIST_CRITICAL},
        {{{"1"}, {"2", 1, NULL, "1.2.3.4=critical,DER:0500"}}, false, UNKNOWN_LIST_CRITICAL},
        {{{"2", 0, "CN=a", NULL}}, false, UNKNOWN_LIST_CRITICAL}, /* of a list that is not indirect */
        {{{"2", 0, "", NULL}}, true, UNKNOWN_LIST_IS_NONE},       /* no directory name */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ASN1_STRING *list = encode_all(rows[i].entries, G_N_ELEMENTS(rows[i].entries));
        X509_NAME *issuer = pki_name(PKI_LIST(OWN));
        const char *refusal = NULL;
        cr_expect_null(revoked_read(list, &(struct revoked_of){issuer, rows[i].is_indirect}, &refusal), "row %zu", i);
        cr_expect_eq(g_strcmp0(refusal, rows[i].refusal), 0, "row %zu: %s", i, refusal);
        ASN1_STRING_free(list);
        X509_NAME_free(issuer);
    }
    ERR_clear_error();
}

Test(revoked, what_is_no_list)
{
    static const struct {
        const char *octets;
        int length;
    } rows[] = {{"\x30\x05\x02\x01", 4}, {"\x30\x02\x05\x00", 4}, {"\x30\x03\x30\x05\x02", 5}, {"\x30", 1}, {"", 0},
                {"\x30\x01\x30", 3},     {"\x30\x80\x00\x00", 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ASN1_STRING *list = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
        X509_NAME *issuer = pki_name(PKI_LIST(OWN));
        const char *refusal = NULL;
        ASN1_STRING_set(list, rows[i].octets, rows[i].length);
        cr_expect_null(revoked_read(list, &(struct revoked_of){issuer, false}, &refusal), "row %zu", i);
        cr_expect_eq(g_strcmp0(refusal, UNKNOWN_LIST_IS_NONE), 0, "row %zu: %s", i, refusal);
        ASN1_STRING_free(list);
        X509_NAME_free(issuer);
    }
    ERR_clear_error();
}

/* 4096 issuers, with that of the list itself: the first entry names it, and the last one names the second one's. */
Test(revoked, many_issuers)
{
    for (unsigned count = 4096; count <= 4097; count++) {
        g_autofree struct entry *entries = g_new0(struct entry, count + 1);
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        for (unsigned i = 0; i <= count; i++) {
            char *issuer = g_strdup_printf("CN=%u", i < count ? i : 1), *serial = g_strdup_printf("%X", i + 1);
            g_ptr_array_add(texts, issuer);
            g_ptr_array_add(texts, serial);
            entries[i] = (struct entry){.serial = serial, .issuer = i > 0 ? issuer : OWN};
        }
        ASN1_STRING *list = encode_all(entries, count + 1);
        X509_NAME *issuer = pki_name(PKI_LIST(OWN));
        const char *refusal = NULL;
        owned(revoked) struct revoked *revoked = revoked_read(list, &(struct revoked_of){issuer, true}, &refusal);
        cr_expect_eq(revoked != NULL, count == 4096, "%u: %s", count, refusal);
        if (revoked != NULL) {
            cr_expect_eq(find(revoked, "1", OWN), REVOKED);
            cr_expect_eq(find(revoked, "1000", "CN=4095"), REVOKED);
            cr_expect_eq(find(revoked, "1001", "CN=1"), REVOKED);
            revoked_free(steal(&revoked));
        }
        ASN1_STRING_free(list);
        X509_NAME_free(issuer);
    }
    ERR_clear_error();
}

/* --- without memory --- */

static bool digests_fail;

int EVP_Digest(const void *data, size_t count, unsigned char *digest, unsigned *size, const EVP_MD *type,
               ENGINE *engine)
{
    int (*real)(const void *, size_t, unsigned char *, unsigned *, const EVP_MD *, ENGINE *) =
        (int (*)(const void *, size_t, unsigned char *, unsigned *, const EVP_MD *, ENGINE *))dlsym(RTLD_NEXT,
                                                                                                    "EVP_Digest");
    return digests_fail ? 0 : real(data, count, digest, size, type, engine);
}

/* A long serial number counts by its digest. */
Test(revoked, what_cannot_be_digested_is_not_good)
{
    static const struct entry entries[] = {{"01" LONG}};
    ASN1_STRING *list = encode_all(entries, 1);
    X509_NAME *issuer = pki_name(PKI_LIST(OWN));
    const struct revoked_of of = {issuer, false};
    const char *refusal = NULL;
    owned(revoked) struct revoked *revoked = revoked_read(list, &of, &refusal);
    cr_assert_not_null(revoked, "%s", refusal);
    cr_expect_eq(find(revoked, "02" LONG, OWN), NONE);
    digests_fail = true;
    cr_expect_eq(find(revoked, "02" LONG, OWN), REVOKED);
    cr_expect_null(revoked_read(list, &of, &refusal));
    cr_expect_eq(g_strcmp0(refusal, UNKNOWN_LIST_IS_NONE), 0, "%s", refusal);
    digests_fail = false;
    revoked_free(steal(&revoked));
    ASN1_STRING_free(list);
    X509_NAME_free(issuer);
}
