/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that complete paths, and that sign lists, from places beside the message. */
#include "certs/certs.h"
#include "store/store.h"
#include "support/fetching.h"
#include "trust/helpers.h"

#include <openssl/cms.h>

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

/* The message brings an authority's certificate that has expired, and the store may have the one after it. */
Test(issuers, renewed_in_the_store)
{
    owned(family) struct family *family = family_new(STORE);
    owned(x509_stack) STACK_OF(X509) *untrusted = sk_X509_new_null();
    PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){.issuer = family->root,
                                                            .subject = PKI_LIST("O=Tests", "CN=Middle"),
                                                            .use_key = family->middle->key,
                                                            .ca = true,
                                                            .not_before = time(NULL) - 2 * 86400,
                                                            .not_after = time(NULL) - 86400});
    X509_add_cert(untrusted, family->issuing->cert, X509_ADD_FLAG_UP_REF);
    X509_add_cert(untrusted, old->cert, X509_ADD_FLAG_UP_REF);
    const struct chain_query query = {.leaf = family->alice->cert, .untrusted = untrusted, .purpose = PURPOSE_SIGN};
    folder_write(family->setting->folder, "store.db", "no database");
    setting_open(family->setting);
    setting_expect(family->setting, &query, OUTCOME_TEMPERROR, "an authority may be in the store: ", "it fails");
    g_autofree char *file = g_build_filename(family->setting->folder, "store.db", NULL);
    cr_assert_eq(g_unlink(file), 0);
    keep(family->setting, NULL, STORE_IMPORTED);
    setting_expect(family->setting, &query, OUTCOME_FAIL, "has expired", "it does not have it");
    keep(family->setting, family->middle, STORE_IMPORTED);
    setting_expect(family->setting, &query, OUTCOME_PASS, VALID, "it has it");
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
        owned(anchors) struct anchors *anchors = trust_anchors(family->setting->trust, family->setting->partner);
        const struct path_query query = {.anchors = anchors, .leaf = rows[i].leaf};
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

/* --- where a certificate says that its issuer is (RFC 5280 §4.2.2.1) --- */

#define POINTS_TO(path) "authorityInfoAccess=caIssuers;URI:%s" path
#define FETCH "fetch_issuers = true; fetch_networks = ( \"127.0.0.0/8\" );"
#define OFF "check = \"off\";"

static void put_certificate(const struct fetching *rig, const char *path, const struct pki *pki)
{
    unsigned char *der = NULL;
    int length = i2d_X509(pki->cert, &der);
    web_put(rig->web, path, &(struct web_page){.body = der, .length = (size_t)length});
    OPENSSL_free(der);
}

/* A certs-only CMS; several up to the first NULL. */
static void put_certificates(const struct fetching *rig, const char *path, const struct pki *const *list)
{
    unsigned char *der = NULL;
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_DETACHED);
    for (; *list != NULL; list++)
        CMS_add1_cert(cms, (*list)->cert);
    int length = i2d_CMS_ContentInfo(cms, &der);
    cr_assert_gt(length, 0);
    web_put(rig->web, path, &(struct web_page){.body = der, .length = (size_t)length});
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
}

/* As the gateway does it. Returns how many more may be fetched. */
static unsigned seek(const struct fetching *rig, const struct pki *leaf, unsigned issuers, int64_t patience,
                     struct finding *finding)
{
    struct chain_query query = {
        .leaf = leaf->cert, .untrusted = rig->untrusted, .purpose = PURPOSE_SIGN, .issuers = &issuers};
    for (bool again = true; again;) {
        owned(missing) struct missing *missing = NULL;
        query.missing = &missing;
        setting_judge(rig->setting, &query, finding);
        if (missing == NULL)
            return issuers;
        trust_fetch(rig->setting->trust, missing, g_get_monotonic_time() + patience);
        again = trust_missing_issuers(missing);
    }
    query.missing = NULL;
    setting_judge(rig->setting, &query, finding);
    return issuers;
}

static void expect_found(const struct fetching *rig, const struct pki *leaf, enum outcome outcome, const char *says,
                         const char *what)
{
    struct finding finding;
    cr_expect_geq(seek(rig, leaf, 8, FETCHING_PATIENCE, &finding), 6u, "%s: each is tried once", what);
    cr_expect_eq(finding.outcome, outcome, "%s: %s: %s", what, outcome_name(finding.outcome), finding.reason);
    cr_expect_not_null(strstr(finding.reason, says), "%s: \"%s\" is not in: %s", what, says, finding.reason);
}

/* The authority is not beside what is asked about. */
static struct fetching *fetching_without(const char *group, const char *const *alice, const char *keys)
{
    struct fetching *rig = fetching_new(group, alice);
    sk_X509_pop_free(rig->untrusted, X509_free);
    rig->untrusted = NULL;
    fetching_open(rig, keys);
    return rig;
}

Test(issuers, fetched)
{
    owned(fetching) struct fetching *rig = fetching_without(OFF, PKI_LIST(POINTS_TO("/a.cer")), FETCH);
    PKI_AUTO struct pki *other = pki_ca("Other");
    put_certificate(rig, "/a.cer", rig->authority);
    expect_found(rig, rig->alice, OUTCOME_PASS, VALID, "a certificate");
    expect_found(rig, rig->alice, OUTCOME_PASS, VALID, "once more");
    cr_expect_eq(web_count(rig->web, NULL), 1);
    const struct chain_query query = {.leaf = rig->alice->cert, .purpose = PURPOSE_SIGN};
    setting_expect(rig->setting, &query, OUTCOME_PASS, VALID, "it is known now");
    fetching_open(rig, FETCH);
    put_certificates(rig, "/a.cer", (const struct pki *[]){other, rig->authority, NULL});
    expect_found(rig, rig->alice, OUTCOME_PASS, VALID, "several");
}

/* Nothing is fetched that is not needed. */
Test(issuers, not_fetched)
{
    owned(fetching) struct fetching *rig = fetching_without(OFF, PKI_LIST(POINTS_TO("/a.cer")), NULL);
    put_certificate(rig, "/a.cer", rig->authority);
    expect_found(rig, rig->alice, OUTCOME_POLICY, "its issuer is unknown", "by default");
    fetching_open(rig, FETCH);
    rig->untrusted = sk_X509_new_null();
    X509_add_cert(rig->untrusted, rig->authority->cert, X509_ADD_FLAG_UP_REF);
    PKI_AUTO struct pki *other = pki_ca("Other");
    g_autofree char *points = web_url(rig->web, "/o.cer");
    g_autofree char *access = g_strconcat("authorityInfoAccess=caIssuers;URI:", points, NULL);
    PKI_AUTO struct pki *crossed = pki_issue(&(struct pki_spec){.issuer = other,
                                                                .ca = true,
                                                                .subject = PKI_LIST("O=Tests", "CN=Root"),
                                                                .use_key = rig->root->key,
                                                                .extensions = PKI_LIST(access)});
    X509_add_cert(rig->untrusted, crossed->cert, X509_ADD_FLAG_UP_REF);
    expect_found(rig, rig->alice, OUTCOME_PASS, VALID, "there is another path");
    cr_expect_eq(web_count(rig->web, NULL), 0);
}

Test(issuers, what_servers_send)
{
    owned(fetching) struct fetching *rig = fetching_without(OFF, PKI_LIST(POINTS_TO("/a.cer")), FETCH);
    PKI_AUTO struct pki *other = pki_sub_ca(rig->root, "Other"), *fake = pki_ca("Authority");
    g_autofree char *pem = pki_write(rig->setting->folder, "a.pem", rig->authority, NULL), *text = NULL;
    g_autofree char *large = g_malloc0(1 << 20), *loop = web_url(rig->web, "/a.cer");
    g_autoptr(GByteArray) more = g_byte_array_new();
    unsigned char *der = NULL;
    gsize length = (gsize)i2d_X509(rig->authority->cert, &der);
    g_byte_array_append(more, der, (guint)length);
    g_byte_array_append(more, (const guint8 *)"\n", 1);
    OPENSSL_free(der);
    cr_assert(g_file_get_contents(pem, &text, &length, NULL));
#define NONE "what the server of its issuer's certificate sends is no certificate"
    const struct {
        const char *what;
        struct web_page page;
        const struct pki *certificate;
        enum outcome expected;
        const char *says;
    } rows[] = {
        {"a certificate and more", {.body = more->data, .length = more->len}, NULL, OUTCOME_POLICY, NONE},
        {"PEM", {.body = text, .length = length}, NULL, OUTCOME_PASS, VALID},
        {"HTML", {.body = "<html></html>", .length = 13}, NULL, OUTCOME_POLICY, NONE},
        {"nothing", {.body = "", .length = 0}, NULL, OUTCOME_POLICY, NONE},
        {"no authority", {0}, rig->alice, OUTCOME_POLICY, NONE},
        {"another authority", {0}, other, OUTCOME_POLICY, "is not that of its issuer"},
        {"another one of its name", {0}, fake, OUTCOME_POLICY, "is not that of its issuer"},
        {"it is not there", {.status = 404}, NULL, OUTCOME_POLICY, "answers with an error"},
        {"out of order", {.status = 503}, NULL, OUTCOME_TEMPERROR, "cannot be fetched"},
        {"1 MiB", {.body = large, .length = 1 << 20}, NULL, OUTCOME_POLICY, "is too large"},
        {"endless", {.body = large, .length = 4096, .manner = WEB_ENDLESS}, NULL, OUTCOME_POLICY, "is too large"},
        {"in a loop", {.status = 302, .location = loop}, NULL, OUTCOME_POLICY, "answers with an error"},
        {"elsewhere", {.status = 302, .location = "http://10.0.0.1/"}, NULL, OUTCOME_POLICY, "does not allow"},
        {"a file", {.status = 302, .location = "file:///etc/passwd"}, NULL, OUTCOME_POLICY, "does not allow"},
        {"closed", {.manner = WEB_CLOSE}, NULL, OUTCOME_TEMPERROR, "cannot be fetched"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        fetching_open(rig, FETCH);
        if (rows[i].certificate != NULL)
            put_certificate(rig, "/a.cer", rows[i].certificate);
        else
            web_put(rig->web, "/a.cer", &rows[i].page);
        unsigned before = web_count(rig->web, NULL);
        expect_found(rig, rig->alice, rows[i].expected, rows[i].says, rows[i].what);
        cr_expect_leq(web_count(rig->web, NULL) - before, rows[i].page.status == 302 ? 4 : 1, "%s", rows[i].what);
    }
}

/* What keeps a path that exists from being used is no matter of fetching. */
Test(issuers, a_path_that_will_not_do)
{
    owned(web) struct web *web = web_start();
    PKI_AUTO struct pki *root = pki_ca("Root"), *other = pki_ca("Other"), *alice = pki_person(root, "alice@acme.test");
    g_autofree char *url = web_url(web, "/a.cer");
    g_autofree char *access = g_strconcat("authorityInfoAccess=caIssuers;URI:", url, NULL);
    PKI_AUTO struct pki *crossed = pki_issue(&(struct pki_spec){.issuer = other,
                                                                .ca = true,
                                                                .subject = PKI_LIST("O=Tests", "CN=Root"),
                                                                .use_key = root->key,
                                                                .extensions = PKI_LIST(access)});
    owned(x509_stack) STACK_OF(X509) *untrusted = sk_X509_new_null();
    X509_add_cert(untrusted, crossed->cert, X509_ADD_FLAG_UP_REF);
    AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );\n" FETCH,
                                       "require_certificate = { issuers = ( \"other.pem\" ); };");
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    g_free(pki_write(setting->folder, "other.pem", other, NULL));
    setting_open(setting);
    unsigned issuers = 8;
    struct missing *missing = NULL;
    const struct chain_query query = {
        .leaf = alice->cert, .untrusted = untrusted, .purpose = PURPOSE_SIGN, .issuers = &issuers, .missing = &missing};
    setting_expect(setting, &query, OUTCOME_POLICY, "", "an authority that is not wanted");
    cr_expect_null(missing);
}

/* No issuer makes good what has run out. */
Test(issuers, are_not_asked_for_in_vain)
{
    PKI_AUTO struct pki *root = pki_ca("Root"), *stranger = pki_ca("Stranger");
    AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );\n" FETCH, "");
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    setting_open(setting);
    for (int late = 0; late < 2; late++) {
        PKI_AUTO struct pki *leaf = pki_issue(
            &(struct pki_spec){.issuer = stranger,
                               .subject = PKI_LIST("CN=leaf"),
                               .not_before = time(NULL) - 2 * 86400,
                               .not_after = time(NULL) + (late ? -86400 : 86400),
                               .extensions = PKI_LIST("authorityInfoAccess=caIssuers;URI:http://127.0.0.1/a.cer")});
        unsigned issuers = 8;
        owned(missing) struct missing *missing = NULL;
        const struct chain_query query = {
            .leaf = leaf->cert, .purpose = PURPOSE_SIGN, .issuers = &issuers, .missing = &missing};
        setting_expect(setting, &query, late ? OUTCOME_POLICY : OUTCOME_TEMPERROR,
                       late ? NO_ANCHOR : "not been fetched", late ? "late" : "current");
        cr_expect_eq(missing != NULL, !late);
        cr_expect_eq(issuers, late ? 8 : 7);
    }
}

/* A message waits as long as it may; what comes later serves the next one. */
Test(issuers, a_server_that_hangs)
{
    owned(fetching) struct fetching *rig = fetching_without(OFF, PKI_LIST(POINTS_TO("/a.cer")), FETCH);
    struct finding finding;
    web_put(rig->web, "/a.cer", &(struct web_page){.manner = WEB_HANG});
    seek(rig, rig->alice, 8, 100000, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_TEMPERROR);
    cr_expect_not_null(strstr(finding.reason, "has not been fetched yet"), "%s", finding.reason);
    cr_expect_eq(web_count(rig->web, NULL), 1);
}

/* Anyone can send a certificate. */
Test(issuers, where_they_may_not_be)
{
    static const struct {
        const char *access, *says;
    } rows[] = {
        {POINTS_TO("/a.cer"), "fetch_networks does not allow"},
        {"authorityInfoAccess=caIssuers;URI:http://169.254.169.254/a.cer", "fetch_networks does not allow"},
        {"authorityInfoAccess=caIssuers;URI:ldap://127.0.0.1/cn=a?cACertificate", "its issuer is unknown"},
        {"authorityInfoAccess=caIssuers;URI:file:///a.cer", "its issuer is unknown"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(fetching) struct fetching *rig = fetching_without(OFF, PKI_LIST(rows[i].access), "fetch_issuers = true;");
        put_certificate(rig, "/a.cer", rig->authority);
        expect_found(rig, rig->alice, OUTCOME_POLICY, rows[i].says, rows[i].access);
        cr_expect_eq(web_count(rig->web, NULL), 0, "%s", rows[i].access);
    }
}

#define LEVELS 6

/* Each authority points to the next. */
Test(issuers, authority_by_authority)
{
    owned(fetching) struct fetching *rig = fetching_without(OFF, NULL, FETCH);
    struct pki *levels[LEVELS] = {NULL};
    for (int i = 0; i < LEVELS; i++) {
        g_autofree char *name = g_strdup_printf("CN=Level %d", i), *above = g_strdup_printf("/%d.cer", i - 1);
        g_autofree char *url = web_url(rig->web, above), *own = g_strdup_printf("/%d.cer", i);
        g_autofree char *access = g_strconcat("authorityInfoAccess=caIssuers;URI:", url, NULL);
        levels[i] = pki_issue(&(struct pki_spec){.issuer = i == 0 ? rig->root : levels[i - 1],
                                                 .ca = i < LEVELS - 1,
                                                 .subject = PKI_LIST(name),
                                                 .extensions = PKI_LIST(access)});
        put_certificate(rig, own, levels[i]);
    }
    struct finding finding;
    seek(rig, levels[LEVELS - 1], 3, FETCHING_PATIENCE, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_TEMPERROR, "%s", finding.reason);
    cr_expect_eq(web_count(rig->web, NULL), 3, "no more than a message may");
    seek(rig, levels[LEVELS - 1], 3, FETCHING_PATIENCE, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
    cr_expect_eq(web_count(rig->web, NULL), LEVELS - 1);
    for (int i = 0; i < LEVELS; i++)
        pki_free(levels[i]);
}

/* Anyone may say that an issuer is where a list is, or beside it: the list is fetched all the same. */
Test(issuers, not_in_the_way_of_lists)
{
    static const char *const paths[] = {"/authority.crl", "/broken/1", "/broken/2", "/broken/3", "/broken/4"};
    owned(fetching) struct fetching *rig =
        fetching_new("check = \"hard\"; ocsp = false;", PKI_LIST("crlDistributionPoints=URI:%s/authority.crl"));
    PKI_AUTO struct pki *foreign = pki_ca("Foreign");
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
    fetching_open(rig, FETCH);
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        struct finding finding;
        if (i > 0)
            web_put(rig->web, paths[i], &(struct web_page){.status = 503});
        g_autofree char *url = web_url(rig->web, paths[i]);
        g_autofree char *access = g_strconcat("authorityInfoAccess=caIssuers;URI:", url, NULL);
        PKI_AUTO struct pki *mallory = pki_issue(&(struct pki_spec){.issuer = foreign,
                                                                    .subject = PKI_LIST("CN=mallory"),
                                                                    .san = PKI_LIST("email:mallory@evil.test"),
                                                                    .extensions = PKI_LIST(access)});
        seek(rig, mallory, 8, FETCHING_PATIENCE, &finding);
        cr_expect_neq(finding.outcome, OUTCOME_PASS);
    }
    cr_expect_eq(web_count(rig->web, "/authority.crl"), 1);
    fetching_expect(rig, OUTCOME_PASS, VALID);
}

/* Two that have certified each other, and point to each other. */
Test(issuers, circles_on_the_web)
{
    owned(fetching) struct fetching *rig = fetching_without(OFF, NULL, FETCH);
    PKI_AUTO struct pki *one = pki_ca("One"), *two = pki_ca("Two");
    g_autofree char *first = web_url(rig->web, "/1"), *second = web_url(rig->web, "/2");
    g_autofree char *to_first = g_strconcat("authorityInfoAccess=caIssuers;URI:", first, NULL);
    g_autofree char *to_second = g_strconcat("authorityInfoAccess=caIssuers;URI:", second, NULL);
    PKI_AUTO struct pki *carol = pki_issue(&(struct pki_spec){.issuer = one,
                                                              .subject = PKI_LIST("CN=carol"),
                                                              .san = PKI_LIST("email:carol@acme.test"),
                                                              .extensions = PKI_LIST(to_first)});
    PKI_AUTO struct pki *one_by_two = pki_issue(&(struct pki_spec){.issuer = two,
                                                                   .ca = true,
                                                                   .subject = PKI_LIST("O=Tests", "CN=One"),
                                                                   .use_key = one->key,
                                                                   .extensions = PKI_LIST(to_second)});
    PKI_AUTO struct pki *two_by_one = pki_issue(&(struct pki_spec){.issuer = one,
                                                                   .ca = true,
                                                                   .subject = PKI_LIST("O=Tests", "CN=Two"),
                                                                   .use_key = two->key,
                                                                   .extensions = PKI_LIST(to_first)});
    put_certificate(rig, "/1", one_by_two);
    put_certificate(rig, "/2", two_by_one);
    expect_found(rig, carol, OUTCOME_POLICY, "", "a circle");
    cr_expect_eq(web_count(rig->web, NULL), 2);
}

/* The path that was found is checked as any other. */
Test(issuers, revocation_behind_them)
{
    owned(fetching) struct fetching *rig = fetching_without(
        "check = \"hard\";", PKI_LIST(POINTS_TO("/a.cer"), "crlDistributionPoints=URI:%s/authority.crl"), FETCH);
    put_certificate(rig, "/a.cer", rig->authority);
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
    expect_found(rig, rig->alice, OUTCOME_PASS, VALID, "not revoked");
    struct pki_crl_spec revoked = {.issuer = rig->authority, .revoked = {rig->alice}};
    fetching_put_list(rig, "/authority.crl", &revoked, FETCHING_DER);
    fetching_open(rig, FETCH);
    expect_found(rig, rig->alice, OUTCOME_FAIL, "is revoked", "revoked");
}
