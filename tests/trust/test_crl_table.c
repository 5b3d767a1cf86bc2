/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation list as it comes from a server: what is read of it, and what is not a list. */
#include "support/pki.h"

#include "trust/crl_table.h"
#include "trust/unknown.h"

#include <criterion/criterion.h>
#include <openssl/err.h>

#define DAY 86400
#define MARKER "-----BEGIN X509 CRL-----"
#define LOOKED_AT 4096 /* octets in which a PEM file begins */
#define TRIED 16       /* keys */
#define FULL "issuingDistributionPoint=critical,onlyuser:TRUE"
#define INDIRECT "issuingDistributionPoint=critical,indirectCRL:TRUE"
#define DELTA "deltaCRL=critical,DER:020101"
#define UNKNOWN_ENTRY "1.2.3.4"

static struct pki *root;

static void setup(void)
{
    root = pki_ca("Root");
}

static void teardown(void)
{
    pki_free(root);
}

TestSuite(crl_table, .init = setup, .fini = teardown);

static GByteArray *encode(const struct pki_crl_spec *spec)
{
    unsigned char *der = NULL;
    owned(X509_CRL) X509_CRL *crl = pki_crl(spec);
    int length = i2d_X509_CRL(crl, &der);
    GByteArray *list = g_byte_array_new();
    g_byte_array_append(list, der, (guint)length);
    OPENSSL_free(der);
    return list;
}

static struct slice octets_of(const GByteArray *list)
{
    return (struct slice){(const char *)list->data, list->len};
}

static struct crl_table *read_from(struct slice octets, const struct pki *signer, const char **refusal)
{
    STACK_OF(X509) *signers = sk_X509_new_null();
    sk_X509_push(signers, signer->cert);
    struct crl_table *table = crl_table_read(octets, signers, refusal);
    sk_X509_free(signers);
    cr_expect_eq(ERR_peek_error(), 0);
    return table;
}

static struct crl_table *make(const struct pki_crl_spec *spec)
{
    const char *refusal = NULL;
    g_autoptr(GByteArray) list = encode(spec);
    struct crl_table *table = read_from(octets_of(list), spec->issuer, &refusal);
    cr_assert_not_null(table, "%s", refusal);
    return table;
}

static void expect_refused(struct slice octets, const struct pki *signer, const char *says, const char *what)
{
    const char *refusal = NULL;
    owned(crl_table) struct crl_table *table = read_from(octets, signer, &refusal);
    cr_expect_null(table, "%s", what);
    cr_expect_eq(g_strcmp0(refusal, says), 0, "%s: %s", what, refusal);
}

/* --- what is read --- */

Test(crl_table, properties)
{
    const struct {
        const char *const *extensions;
        time_t next_update;
        bool is_indirect, is_delta;
    } rows[] = {
        {PKI_LIST(NULL), 0, false, false},          {PKI_LIST(FULL), -1, false, false},
        {PKI_LIST(INDIRECT), 0, true, false},       {PKI_LIST(DELTA), -1, false, true},
        {PKI_LIST(INDIRECT, DELTA), 0, true, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        time_t now = time(NULL);
        owned(crl_table) struct crl_table *table = make(&(struct pki_crl_spec){
            .issuer = root, .number = -1, .extensions = rows[i].extensions, .next_update = rows[i].next_update});
        cr_expect_eq(crl_table_is_indirect(table), rows[i].is_indirect, "row %zu", i);
        cr_expect_eq(g_str_has_prefix(crl_table_scope(table), "delta "), rows[i].is_delta, "row %zu", i);
        cr_expect_eq(g_str_has_prefix(crl_table_scope(table), "full "), !rows[i].is_delta, "row %zu", i);
        cr_expect_leq(labs(now - DAY - crl_table_from(table)), 1, "row %zu", i);
        if (rows[i].next_update < 0)
            cr_expect_eq(crl_table_until(table), 0, "row %zu", i);
        else
            cr_expect_leq(labs(now + 30 * DAY - crl_table_until(table)), 1, "row %zu", i);
    }
}

/* A list replaces another one only if both are about the same: by key, name, distribution point, and kind. */
Test(crl_table, scopes)
{
    PKI_AUTO struct pki *renamed =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=Renamed"), .use_key = root->key});
    PKI_AUTO struct pki *namesake = pki_ca("Root");
    const struct {
        const char *what;
        struct pki_crl_spec spec;
        bool same;
    } rows[] = {
        {"a newer one", {.issuer = root, .number = 2, .this_update = time(NULL) - 60}, true},
        {"of another name", {.issuer = renamed}, false},
        {"of another key", {.issuer = namesake}, false},
        {"a delta", {.issuer = root, .extensions = PKI_LIST(DELTA)}, false},
        {"for end entities", {.issuer = root, .extensions = PKI_LIST(FULL)}, false},
        {"indirect", {.issuer = root, .extensions = PKI_LIST(INDIRECT)}, false},
        {"indirect, and without a number", {.issuer = root, .number = -1, .extensions = PKI_LIST(INDIRECT)}, false},
    };
    owned(crl_table) struct crl_table *first = make(&(struct pki_crl_spec){.issuer = root});
    owned(crl_table) struct crl_table *part =
        make(&(struct pki_crl_spec){.issuer = root, .number = -1, .extensions = PKI_LIST(FULL)});
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(crl_table) struct crl_table *table = make(&rows[i].spec);
        cr_expect_eq(strcmp(crl_table_scope(table), crl_table_scope(first)) == 0, rows[i].same, "%s", rows[i].what);
        if (i >= G_N_ELEMENTS(rows) - 2)
            cr_expect_str_neq(crl_table_scope(table), crl_table_scope(part), "%s", rows[i].what);
    }
}

/* RFC 5280 §5.2.3: by their numbers, and where one has no number by their dates. */
Test(crl_table, older_ones)
{
    static const struct {
        long number, other_number;
        int ahead; /* seconds by which the other one is newer */
        bool older;
    } rows[] = {
        {1, 2, 0, true},    {2, 1, 0, false},  {1, 2, -60, true},   {2, 1, 60, false},  {2, 2, 60, true},
        {2, 2, -60, false}, {2, 2, 0, false},  {-1, -1, 60, true},  {-1, -1, 0, false}, {-1, 2, -60, false},
        {2, -1, 60, true},  {-1, 2, 60, true}, {2, -1, -60, false},
    };
    time_t then = time(NULL) - DAY;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(crl_table) struct crl_table *table =
            make(&(struct pki_crl_spec){.issuer = root, .number = rows[i].number, .this_update = then});
        owned(crl_table) struct crl_table *other = make(&(struct pki_crl_spec){
            .issuer = root, .number = rows[i].other_number, .this_update = then + rows[i].ahead});
        cr_expect_eq(crl_table_is_older(table, other), rows[i].older, "row %zu", i);
    }
}

Test(crl_table, comes_back_from_the_store)
{
    struct key_digest digest;
    PKI_AUTO struct pki *bob = pki_person(root, "bob@acme.test");
    g_autoptr(GByteArray) list = encode(&(struct pki_crl_spec){.issuer = root, .revoked = {bob}});
    cr_assert(key_digest(root->cert, &digest));
    owned(crl_table) struct crl_table *table = crl_table_restore(octets_of(list), &digest);
    cr_assert_not_null(table);
    cr_expect(crl_table_is_signed_by(table, root->cert) && !crl_table_is_signed_by(table, bob->cert));
    cr_expect_eq(crl_table_count(table), 1);
    cr_expect_eq(crl_table_find(table, X509_get0_serialNumber(bob->cert), X509_get_issuer_name(bob->cert)),
                 CRL_ENTRY_REVOKED);
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
    static const struct slice rows[] = {{0}, {"0", 1}, {"<html>", 6}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_expect_null(crl_table_restore(rows[i], &digest), "row %zu", i);
        cr_expect_eq(ERR_peek_error(), 0, "row %zu", i);
    }
    crl_table_unref(NULL);
}

Test(crl_table, a_certificate_without_a_key_has_no_digest)
{
    struct key_digest digest;
    owned(X509) X509 *empty = X509_new();
    cr_expect_not(key_digest(empty, &digest));
}

/* --- who has signed it --- */

/* A certificate whose key cannot be read costs nothing, and does not count. */
Test(crl_table, few_keys_are_tried)
{
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    owned(X509) X509 *empty = X509_new();
    g_autoptr(GByteArray) list = encode(&(struct pki_crl_spec){.issuer = root});
    static const struct {
        int strangers, empty;
        bool found;
    } rows[] = {{0, 0, true}, {TRIED - 1, 0, true}, {TRIED, 0, false}, {0, TRIED, true}, {TRIED - 1, 3, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *refusal = NULL;
        STACK_OF(X509) *signers = sk_X509_new_null();
        for (int j = 0; j < rows[i].strangers; j++)
            sk_X509_push(signers, stranger->cert);
        for (int j = 0; j < rows[i].empty; j++)
            sk_X509_push(signers, empty);
        sk_X509_push(signers, root->cert);
        owned(crl_table) struct crl_table *table = crl_table_read(octets_of(list), signers, &refusal);
        cr_expect_eq(table != NULL, rows[i].found, "row %zu: %s", i, refusal);
        cr_expect(rows[i].found || g_strcmp0(refusal, UNKNOWN_LIST_SIGNER) == 0, "row %zu: %s", i, refusal);
        sk_X509_free(signers);
    }
}

Test(crl_table, of_another_signer)
{
    PKI_AUTO struct pki *namesake = pki_ca("Root");
    g_autoptr(GByteArray) list = encode(&(struct pki_crl_spec){.issuer = root});
    expect_refused(octets_of(list), namesake, UNKNOWN_LIST_SIGNER, "a namesake's");
}

/* --- what is no list --- */

Test(crl_table, other_octets)
{
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
    g_autoptr(GByteArray) list = encode(&(struct pki_crl_spec){.issuer = root});
    const struct {
        const char *what;
        struct slice octets;
    } rows[] = {
        {"nothing", {0}},
        {"one octet", {"0", 1}},
        {"text", {"<html>", 6}},
        {"a damaged PEM file", {MARKER "\n!", strlen(MARKER) + 2}},
        {"without its last octet", {(const char *)list->data, list->len - 1}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_refused(rows[i].octets, root, UNKNOWN_LIST_IS_NONE, rows[i].what);
    g_byte_array_append(list, (const guint8 *)"", 1);
    expect_refused(octets_of(list), root, UNKNOWN_LIST_IS_NONE, "with one more octet");
    PKI_AUTO struct pki *pem = pki_ca(MARKER);
    g_autoptr(GByteArray) both = encode(&(struct pki_crl_spec){.issuer = pem});
    expect_refused(octets_of(both), pem, UNKNOWN_LIST_IS_NONE, "DER that may be a PEM file");
}

/* Text may stand before it, but not much. */
Test(crl_table, pem_files)
{
    owned(BIO) BIO *bio = BIO_new(BIO_s_mem());
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = root});
    char *pem = NULL;
    cr_assert(PEM_write_bio_X509_CRL(bio, crl) == 1);
    long length = BIO_get_mem_data(bio, &pem);
    static const size_t before[] = {0, 100, LOOKED_AT - strlen(MARKER), LOOKED_AT - strlen(MARKER) + 1, 2 * LOOKED_AT};
    for (size_t i = 0; i < G_N_ELEMENTS(before); i++) {
        const char *refusal = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        while (text->len < before[i])
            g_string_append_c(text, text->len % 64 == 63 || text->len == before[i] - 1 ? '\n' : 'x');
        g_string_append_len(text, pem, length);
        owned(crl_table) struct crl_table *table = read_from((struct slice){text->str, text->len}, root, &refusal);
        cr_expect_eq(table != NULL, before[i] <= LOOKED_AT - strlen(MARKER), "%zu: %s", before[i], refusal);
    }
}

/* --- lists that are well signed, and are none --- */

static void append_header(GByteArray *out, guint8 tag, size_t length)
{
    const guint8 header[] = {tag, 0x82, (guint8)(length >> 8), (guint8)length};
    g_byte_array_append(out, header, sizeof(header));
}

/* CertificateList (RFC 5280 §5.1) with this content and the root's signature. */
static GByteArray *seal(const unsigned char *content, size_t length, const EVP_MD *digest, int nid)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[128], *algorithm = NULL;
    size_t signed_octets = sizeof(signature);
    cr_assert(EVP_DigestSignInit(context, NULL, digest, NULL, root->key) == 1 &&
              EVP_DigestSign(context, signature, &signed_octets, content, length) == 1);
    EVP_MD_CTX_free(context);
    X509_ALGOR *of = X509_ALGOR_new();
    X509_ALGOR_set0(of, OBJ_nid2obj(nid), V_ASN1_UNDEF, NULL);
    int algorithm_length = i2d_X509_ALGOR(of, &algorithm);
    X509_ALGOR_free(of);
    g_autoptr(GByteArray) inside = g_byte_array_new();
    g_byte_array_append(inside, content, (guint)length);
    g_byte_array_append(inside, algorithm, (guint)algorithm_length);
    append_header(inside, 0x03, signed_octets + 1);
    g_byte_array_append(inside, (const guint8 *)"", 1);
    g_byte_array_append(inside, signature, (guint)signed_octets);
    OPENSSL_free(algorithm);
    GByteArray *list = g_byte_array_new();
    append_header(list, 0x30, inside->len);
    g_byte_array_append(list, inside->data, inside->len);
    return list;
}

Test(crl_table, content_that_is_not_that_of_a_list)
{
    static const unsigned char empty[] = {0x30, 0x03, 0x02, 0x01, 0x01};
    unsigned char *content = NULL;
    PKI_AUTO struct pki *bob = pki_person(root, "bob@acme.test");
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = root, .revoked = {bob}});
    int length = i2d_re_X509_CRL_tbs(crl, &content);
    cr_assert_gt(length, 0);
    g_autoptr(GByteArray) good = seal(content, (size_t)length, EVP_sha256(), NID_ecdsa_with_SHA256);
    g_autoptr(GByteArray) bad = seal(empty, sizeof(empty), EVP_sha256(), NID_ecdsa_with_SHA256);
    g_autoptr(GByteArray) other = seal(content, (size_t)length, EVP_sha384(), NID_ecdsa_with_SHA384);
    const char *refusal = NULL;
    owned(crl_table) struct crl_table *table = read_from(octets_of(good), root, &refusal);
    cr_expect_not_null(table, "%s", refusal);
    expect_refused(octets_of(bad), root, UNKNOWN_LIST_IS_NONE, "no list");
    expect_refused(octets_of(other), root, UNKNOWN_LIST_IS_NONE, "signed with another algorithm than it says");
    unsigned char *name = memmem(content, (size_t)length, "\x06\x03\x55\x04", 4);
    cr_assert_not_null(name);
    name[0] = 0x04; /* an OCTET STRING, where an OBJECT IDENTIFIER belongs */
    g_autoptr(GByteArray) nameless = seal(content, (size_t)length, EVP_sha256(), NID_ecdsa_with_SHA256);
    expect_refused(octets_of(nameless), root, UNKNOWN_LIST_IS_NONE, "its issuer has no name");
    OPENSSL_free(content);
}

Test(crl_table, an_entry_with_an_unknown_critical_extension)
{
    PKI_AUTO struct pki *bob = pki_person(root, "bob@acme.test");
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = root, .revoked = {bob}});
    X509_REVOKED *entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0);
    owned(ASN1_OBJECT) ASN1_OBJECT *type = OBJ_txt2obj(UNKNOWN_ENTRY, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, type, 1, value);
    cr_assert(X509_REVOKED_add_ext(entry, extension, -1) == 1 && X509_CRL_sign(crl, root->key, EVP_sha256()) > 0);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    expect_refused((struct slice){(const char *)der, (size_t)length}, root, UNKNOWN_LIST_CRITICAL, "critical");
    OPENSSL_free(der);
}
