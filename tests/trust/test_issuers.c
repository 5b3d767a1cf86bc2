/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that complete paths, and that sign lists, from places beside the message. */
#include "certs/certs.h"
#include "store/store.h"
#include "support/fetching.h"
#include "trust/helpers.h"

#define STORE "trust_anchors = ( \"root.pem\" ); store = \"sqlite:store.db\";\n"
#define NO_ANCHOR "does not lead to a trust anchor"
#define VALID "the certification path is valid"

/* root → middle → issuing → alice */
struct family {
    struct setting *setting;
    struct pki *root, *middle, *issuing, *alice;
};

static struct family *family_new(const char *keys)
{
    struct family *family = g_new0(struct family, 1);
    family->setting = setting_new(keys, "");
    family->root = pki_ca("Root");
    family->middle = pki_sub_ca(family->root, "Middle");
    family->issuing = pki_sub_ca(family->middle, "Issuing");
    family->alice = pki_person(family->issuing, "alice@acme.test");
    g_free(pki_write(family->setting->folder, "root.pem", family->root, NULL));
    return family;
}

static void family_free(struct family *family)
{
    setting_free(family->setting);
    pki_free(family->root);
    pki_free(family->middle);
    pki_free(family->issuing);
    pki_free(family->alice);
    g_free(family);
}
DECLARE_OWNED(family, struct family *, family_free)

static void keep(const struct setting *setting, const struct pki *pki, enum store_origin origin)
{
    struct error error = {0};
    enum store_added added;
    struct store_addition addition;
    g_autofree char *file = g_build_filename(setting->folder, "store.db", NULL);
    owned(store) struct store *store = store_open(file);
    cr_assert(store_create(store, &error), "%s", error.text);
    if (pki == NULL)
        return;
    certs_addition_make(pki->cert, &addition);
    addition.origin = origin;
    cr_assert(store_certificates_add(store, &addition, 1, &added, &error), "%s", error.text);
    certs_addition_clear(&addition);
}

static void expect(const struct family *family, const struct pki *leaf, enum outcome outcome, const char *says,
                   const char *what)
{
    const struct chain_query query = {.leaf = leaf->cert, .purpose = PURPOSE_SIGN};
    setting_expect(family->setting, &query, outcome, says, what);
}

/* --- the store --- */

Test(issuers, from_the_store)
{
    owned(family) struct family *family = family_new(STORE);
    keep(family->setting, NULL, STORE_IMPORTED);
    setting_open(family->setting);
    expect(family, family->alice, OUTCOME_POLICY, NO_ANCHOR, "an empty store");
    keep(family->setting, family->issuing, STORE_IMPORTED);
    expect(family, family->alice, OUTCOME_POLICY, NO_ANCHOR, "one of two");
    keep(family->setting, family->middle, STORE_HARVESTED);
    expect(family, family->alice, OUTCOME_POLICY, NO_ANCHOR, "what a message brought");
    keep(family->setting, family->middle, STORE_IMPORTED);
    expect(family, family->alice, OUTCOME_PASS, VALID, "both");
}

/* The message brings one, the configuration one, and the store one. */
Test(issuers, from_everywhere)
{
    owned(family) struct family *family = family_new(STORE "intermediates = ( \"middle.pem\" );\n");
    PKI_AUTO struct pki *lower = pki_sub_ca(family->issuing, "Lower"), *bob = pki_person(lower, "bob@acme.test");
    owned(x509_stack) STACK_OF(X509) *untrusted = sk_X509_new_null();
    X509_add_cert(untrusted, lower->cert, X509_ADD_FLAG_UP_REF);
    g_free(pki_write(family->setting->folder, "middle.pem", family->middle, NULL));
    keep(family->setting, family->issuing, STORE_IMPORTED);
    setting_open(family->setting);
    const struct chain_query query = {.leaf = bob->cert, .untrusted = untrusted, .purpose = PURPOSE_SIGN};
    setting_expect(family->setting, &query, OUTCOME_PASS, VALID, "one of each");
}

/* Others may have its name. */
Test(issuers, namesakes_in_the_store)
{
    owned(family) struct family *family = family_new(STORE);
    PKI_AUTO struct pki *other = pki_sub_ca(family->middle, "Issuing");
    PKI_AUTO struct pki *no_ids = pki_issue(&(struct pki_spec){.issuer = family->issuing,
                                                               .subject = PKI_LIST("CN=bob"),
                                                               .san = PKI_LIST("email:bob@acme.test"),
                                                               .no_key_ids = true});
    keep(family->setting, other, STORE_IMPORTED);
    keep(family->setting, family->middle, STORE_IMPORTED);
    keep(family->setting, family->issuing, STORE_IMPORTED);
    setting_open(family->setting);
    expect(family, family->alice, OUTCOME_PASS, VALID, "by its key identifier");
    expect(family, no_ids, OUTCOME_PASS, VALID, "by its signature");
}

/* The store makes nothing trusted. */
Test(issuers, roots_in_the_store_are_not_trusted)
{
    owned(family) struct family *family = family_new(STORE);
    PKI_AUTO struct pki *foreign = pki_ca("Foreign"), *mallory = pki_person(foreign, "mallory@evil.test");
    PKI_AUTO struct pki *below = pki_sub_ca(foreign, "Below"), *trudy = pki_person(below, "trudy@evil.test");
    keep(family->setting, foreign, STORE_IMPORTED);
    keep(family->setting, below, STORE_IMPORTED);
    setting_open(family->setting);
    expect(family, mallory, OUTCOME_POLICY, "not a trust anchor", "below the root");
    expect(family, trudy, OUTCOME_POLICY, "not a trust anchor", "below another");
}

/* A store that cannot be read is not one that knows nothing; it is asked if something is missing. */
Test(issuers, a_store_that_fails)
{
    owned(family) struct family *family = family_new(STORE);
    owned(x509_stack) STACK_OF(X509) *untrusted = sk_X509_new_null();
    PKI_AUTO struct pki *foreign = pki_ca("Foreign");
    X509_add_cert(untrusted, family->issuing->cert, X509_ADD_FLAG_UP_REF);
    X509_add_cert(untrusted, family->middle->cert, X509_ADD_FLAG_UP_REF);
    folder_write(family->setting->folder, "store.db", "no database");
    setting_open(family->setting);
    expect(family, family->alice, OUTCOME_TEMPERROR, "an authority may be in the store: ", "its issuer is missing");
    const struct chain_query query = {.leaf = family->alice->cert, .untrusted = untrusted, .purpose = PURPOSE_SIGN};
    setting_expect(family->setting, &query, OUTCOME_PASS, VALID, "nothing is missing");
    const struct chain_query self = {.leaf = foreign->cert, .purpose = PURPOSE_PATH};
    setting_expect(family->setting, &self, OUTCOME_POLICY, "", "a root has no issuer");
}

/* Nothing is missing where the issuer is an anchor. */
Test(issuers, whose_issuer_is_at_hand)
{
    owned(family) struct family *family = family_new(STORE);
    folder_write(family->setting->folder, "store.db", "no database");
    setting_open(family->setting);
    const struct {
        X509 *leaf;
        int orphans;
    } rows[] = {{family->middle->cert, 0}, {family->root->cert, 0}, {family->issuing->cert, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(helpers) struct helpers helpers = {0};
        const struct path_query query = {.anchors = trust_anchors(family->setting->trust, family->setting->partner),
                                         .leaf = rows[i].leaf};
        cr_assert(helpers_find(family->setting->trust, &query, &helpers));
        cr_expect_eq(sk_X509_num(helpers.orphans), rows[i].orphans, "%zu", i);
        cr_expect_eq(helpers.failed, rows[i].orphans > 0, "%zu", i);
    }
}

/* One that issues is no correspondent, whatever addresses it has. */
Test(issuers, are_no_correspondents)
{
    const struct pki_spec specs[] = {
        {.ca = true, .subject = PKI_LIST("CN=A"), .san = PKI_LIST("email:a@acme.test", "dns:acme.test")},
        {.subject = PKI_LIST("CN=B"), .san = PKI_LIST("email:a@acme.test"), .key_usage = "digitalSignature,cRLSign"},
        {.subject = PKI_LIST("CN=C"), .san = PKI_LIST("email:a@acme.test")},
    };
    static const char *const expected[] = {"issuer", "a@acme.test issuer", "a@acme.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        struct store_addition addition;
        PKI_AUTO struct pki *pki = pki_issue(&specs[i]);
        g_autoptr(GString) names = g_string_new(NULL);
        certs_addition_make(pki->cert, &addition);
        for (size_t j = 0; j < addition.name_count; j++) {
            bool is_issuer = strncmp(addition.names[j].name, "issuer:", 7) == 0;
            g_string_append_printf(names, "%s%s", j > 0 ? " " : "", is_issuer ? "issuer" : addition.names[j].name);
        }
        cr_expect_str_eq(names->str, expected[i]);
        certs_addition_clear(&addition);
    }
}

/* Two authorities that have certified each other, and one whose root is not known. */
Test(issuers, circles)
{
    owned(family) struct family *family = family_new(STORE);
    PKI_AUTO struct pki *one = pki_ca("One"), *two = pki_ca("Two");
    PKI_AUTO struct pki *one_by_two = pki_issue(
        &(struct pki_spec){.issuer = two, .ca = true, .subject = PKI_LIST("O=Tests", "CN=One"), .use_key = one->key});
    PKI_AUTO struct pki *two_by_one = pki_issue(
        &(struct pki_spec){.issuer = one, .ca = true, .subject = PKI_LIST("O=Tests", "CN=Two"), .use_key = two->key});
    PKI_AUTO struct pki *carol = pki_person(one, "carol@acme.test");
    keep(family->setting, one_by_two, STORE_IMPORTED);
    keep(family->setting, two_by_one, STORE_IMPORTED);
    setting_open(family->setting);
    expect(family, carol, OUTCOME_POLICY, NO_ANCHOR, "a circle");
}

/* --- who signs lists for others (RFC 5280 §5.2.5, §6.3.3) --- */

/* A distribution point with that cRLIssuer, as an extension in hex; g_free(). */
static char *point_of(const struct pki *signer)
{
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    unsigned char *der = NULL;
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(X509_get_subject_name(signer->cert)));
    point->CRLissuer = GENERAL_NAMES_new();
    sk_GENERAL_NAME_push(point->CRLissuer, name);
    sk_DIST_POINT_push(points, point);
    int length = i2d_CRL_DIST_POINTS(points, &der);
    GString *text = g_string_new("2.5.29.31=DER:");
    for (int i = 0; i < length; i++)
        g_string_append_printf(text, "%02x", der[i]);
    OPENSSL_free(der);
    CRL_DIST_POINTS_free(points);
    return g_string_free(text, FALSE);
}

/* An indirect list; revoked may be NULL. */
static X509_CRL *indirect_list(const struct pki *signer, const struct pki *revoked)
{
    X509_CRL *list = pki_crl(&(struct pki_crl_spec){
        .issuer = signer, .extensions = PKI_LIST("issuingDistributionPoint=critical,indirectCRL:TRUE")});
    if (revoked == NULL)
        return list;
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *at = X509_gmtime_adj(NULL, -3600);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(X509_get_issuer_name(revoked->cert)));
    sk_GENERAL_NAME_push(names, name);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->cert));
    X509_REVOKED_set_revocationDate(entry, at);
    X509_REVOKED_add1_ext_i2d(entry, NID_certificate_issuer, names, 1, 0);
    X509_CRL_add0_revoked(list, entry);
    cr_assert(X509_CRL_sign(list, signer->key, EVP_sha256()) > 0);
    GENERAL_NAMES_free(names);
    ASN1_TIME_free(at);
    return list;
}

Test(issuers, signers_of_lists)
{
    static const struct {
        const char *what;
        bool is_authority, configured, stored, revoked;
        enum outcome expected;
        const char *says;
    } rows[] = {
        {"nowhere", true, false, false, false, OUTCOME_TEMPERROR, "there is no CRL for it"},
        {"in intermediates", true, true, false, false, OUTCOME_PASS, VALID},
        {"in intermediates, revoked", true, true, false, true, OUTCOME_FAIL, "is revoked"},
        {"in the store", true, false, true, false, OUTCOME_PASS, VALID},
        {"in the store, revoked", true, false, true, true, OUTCOME_FAIL, "is revoked"},
        {"no authority, in intermediates", false, true, false, true, OUTCOME_FAIL, "is revoked"},
        {"no authority, in the store", false, false, true, false, OUTCOME_PASS, VALID},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(family) struct family *family = family_new(
            STORE "revocation = { check = \"hard\"; crls = ( \"list.crl\" ); };\nintermediates = ( \"more.pem\" );\n");
        PKI_AUTO struct pki *signer = pki_issue(&(struct pki_spec){.issuer = family->root,
                                                                   .ca = rows[i].is_authority,
                                                                   .eku = "",
                                                                   .subject = PKI_LIST("CN=List signer"),
                                                                   .key_usage = "critical,cRLSign"});
        g_autofree char *point = point_of(signer);
        PKI_AUTO struct pki *bob = pki_issue(&(struct pki_spec){.issuer = family->middle,
                                                                .subject = PKI_LIST("CN=bob"),
                                                                .san = PKI_LIST("email:bob@acme.test"),
                                                                .extensions = PKI_LIST(point)});
        owned(X509_CRL) X509_CRL *list = indirect_list(signer, rows[i].revoked ? bob : NULL);
        owned(X509_CRL) X509_CRL *own = pki_crl(&(struct pki_crl_spec){.issuer = family->root});
        g_autofree char *first = pki_write_crl(family->setting->folder, "list.crl", list);
        g_autofree char *second = pki_write_crl(family->setting->folder, "own.crl", own);
        char *both[2] = {NULL, NULL};
        g_file_get_contents(first, &both[0], NULL, NULL);
        g_file_get_contents(second, &both[1], NULL, NULL);
        g_autofree char *text = g_strconcat(both[0], both[1], NULL);
        folder_write(family->setting->folder, "list.crl", text);
        g_free(both[0]);
        g_free(both[1]);
        g_free(
            pki_write(family->setting->folder, "more.pem", family->middle, rows[i].configured ? signer : NULL, NULL));
        keep(family->setting, rows[i].stored ? signer : NULL, STORE_IMPORTED);
        setting_open(family->setting);
        expect(family, bob, rows[i].expected, rows[i].says, rows[i].what);
    }
}
