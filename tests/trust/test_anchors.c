/* SPDX-License-Identifier: Apache-2.0 */
/* Where revocation ends, and which of several CRLs speaks. */
#include "support/setting.h"
#include "trust/anchors.h"

#define DAY 86400
#define BOTH "trust_anchors = ( \"root.pem\", \"authority.pem\" ); crls = ( \"crls\" );"
#define BOTH_TURNED "trust_anchors = ( \"authority.pem\", \"root.pem\" ); crls = ( \"crls\" );"
#define ROOT "trust_anchors = ( \"root.pem\" ); crls = ( \"crls\" );"

/* Root → Authority → alice; written, not opened. */
static struct setting *setting;
static struct pki *root, *authority, *alice;

static void setup(void)
{
    root = pki_ca("Root");
    authority = pki_sub_ca(root, "Authority");
    alice = pki_person(authority, "alice@acme.test");
}

static void begin(const char *main_keys, const char *partner_keys)
{
    if (setting != NULL)
        setting_free(setting);
    setting = setting_new(main_keys, partner_keys);
    for (int i = 0; i < 2; i++) {
        g_autofree char *crls = g_build_filename(setting->folder, i == 0 ? "crls" : "more-crls", NULL);
        g_assert_true(g_mkdir(crls, 0700) == 0);
    }
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    g_free(pki_write(setting->folder, "authority.pem", authority, NULL));
    g_free(pki_write(setting->folder, "alice.pem", alice, NULL));
}

static void teardown(void)
{
    if (setting != NULL)
        setting_free(setting);
    setting = NULL;
    pki_free(root);
    pki_free(authority);
    pki_free(alice);
}

TestSuite(anchors, .init = setup, .fini = teardown);

static void put_crl(const char *name, const struct pki_crl_spec *spec)
{
    owned(X509_CRL) X509_CRL *crl = pki_crl(spec);
    g_autofree char *path = strchr(name, '/') != NULL ? g_strdup(name) : g_strconcat("crls/", name, NULL);
    g_free(pki_write_crl(setting->folder, path, crl));
}

static void expect_with(const struct pki *leaf, const struct pki *beside, STACK_OF(X509_CRL) * crls,
                        enum outcome expected, const char *says, const char *what)
{
    owned(x509_stack) STACK_OF(X509) *untrusted = sk_X509_new_null();
    if (beside != NULL)
        X509_add_cert(untrusted, beside->cert, X509_ADD_FLAG_UP_REF);
    struct chain_query query = {.leaf = leaf->cert, .untrusted = untrusted, .crls = crls, .purpose = PURPOSE_SIGN};
    for (int again = 0; again < 2; again++)
        setting_expect(setting, &query, expected, says, what);
}

static void expect(const struct pki *leaf, const struct pki *beside, enum outcome expected, const char *says,
                   const char *what)
{
    expect_with(leaf, beside, NULL, expected, says, what);
}

/* --- the anchor --- */

/* RFC 5280 §6.1: whatever the CRLs at hand say of the anchor. */
Test(anchors, are_not_asked_for)
{
    PKI_AUTO struct pki *bob = pki_person(root, "bob@acme.test");
    const struct {
        const char *what;
        struct pki_crl_spec spec;
    } rows[] = {
        {"a list for end entities only", {.extensions = PKI_LIST("issuingDistributionPoint=critical,onlyuser:TRUE")}},
        {"a list that has itself", {.revoked = {root}}},
        {"a usual list", {.issuer = NULL}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki_crl_spec spec = rows[i].spec;
        spec.issuer = root;
        begin(ROOT, "");
        put_crl("root.crl", &spec);
        setting_open(setting);
        expect(bob, NULL, OUTCOME_PASS, "valid", rows[i].what);
    }
}

/* An intermediate and its root are both anchors: nothing has to be known of either, and what is known counts. */
Test(anchors, of_one_path)
{
    enum { OF_ROOT = 1, REVOKES_AUTHORITY = 2, OF_AUTHORITY = 4, REVOKES_ALICE = 8 };
    static const struct {
        int crls;
        enum outcome expected;
        const char *says;
    } rows[] = {
        {OF_ROOT | OF_AUTHORITY, OUTCOME_PASS, "valid"},
        {OF_AUTHORITY, OUTCOME_PASS, "valid"},
        {OF_ROOT, OUTCOME_TEMPERROR, "no CRL"},
        {0, OUTCOME_TEMPERROR, "no CRL"},
        {REVOKES_AUTHORITY | OF_AUTHORITY, OUTCOME_FAIL, "CN=Authority,O=Tests\" is revoked"},
        {OF_ROOT | REVOKES_ALICE, OUTCOME_FAIL, "alice@acme.test,O=Tests\" is revoked"},
    };
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        size_t row = i / 2;
        const struct {
            int flag;
            struct pki_crl_spec spec;
        } crls[] = {{OF_ROOT, {.issuer = root}},
                    {REVOKES_AUTHORITY, {.issuer = root, .revoked = {authority}}},
                    {OF_AUTHORITY, {.issuer = authority}},
                    {REVOKES_ALICE, {.issuer = authority, .revoked = {alice}}}};
        begin(i % 2 == 0 ? BOTH : BOTH_TURNED, "");
        for (size_t j = 0; j < G_N_ELEMENTS(crls); j++) {
            g_autofree char *name = g_strdup_printf("%zu.crl", j);
            if ((rows[row].crls & crls[j].flag) != 0)
                put_crl(name, &crls[j].spec);
        }
        setting_open(setting);
        g_autofree char *what = g_strdup_printf("row %zu", i);
        expect(alice, NULL, rows[row].expected, rows[row].says, what);
        expect(alice, authority, rows[row].expected, rows[row].says, what);
    }
}

/* The path through the anchor is taken where there is none to a self-signed one. */
Test(anchors, with_a_root_of_another_path)
{
    PKI_AUTO struct pki *other = pki_ca("Other");
    PKI_AUTO struct pki *expired = pki_issue(&(struct pki_spec){.ca = true,
                                                                .subject = PKI_LIST("O=Tests", "CN=Root"),
                                                                .use_key = root->key,
                                                                .not_after = time(NULL) - DAY / 2});
    const struct pki *roots[] = {other, expired};
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
        begin(BOTH, "");
        g_free(pki_write(setting->folder, "root.pem", roots[i], NULL));
        put_crl("authority.crl", &(struct pki_crl_spec){.issuer = authority});
        setting_open(setting);
        expect(alice, NULL, OUTCOME_PASS, "valid", "without a path to a root");
    }
}

/* A name makes no anchor and no issuer. */
Test(anchors, have_namesakes)
{
    PKI_AUTO struct pki *namesake = pki_ca("Root"), *below = pki_sub_ca(namesake, "Below");
    owned(anchors) struct anchors *anchors = anchors_new();
    cr_assert(anchors_add(anchors, root->cert));
    cr_expect(anchors_have(anchors, root->cert) && anchors_issue(anchors, authority->cert));
    cr_expect_not(anchors_have(anchors, namesake->cert));
    cr_expect_not(anchors_issue(anchors, below->cert));
    cr_assert(anchors_add(anchors, namesake->cert));
    cr_expect(anchors_have(anchors, namesake->cert) && anchors_issue(anchors, below->cert));
}

/* OpenSSL does not ask for the signature of an anchor either. */
Test(anchors, are_roots_whatever_their_own_signature)
{
    PKI_AUTO struct pki *damaged = pki_ca("Damaged");
    const ASN1_BIT_STRING *signature = NULL;
    X509_get0_signature(&signature, NULL, damaged->cert);
    ((ASN1_BIT_STRING *)signature)->data[8] ^= 1;
    owned(anchors) struct anchors *anchors = anchors_new();
    cr_assert(anchors_add(anchors, damaged->cert));
    cr_expect_eq(sk_X509_num(anchors->roots), 1);
    cr_expect_eq(sk_X509_num(anchors->list), 1);
}

/* A certificate that was named itself. */
Test(anchors, that_are_leaves)
{
    begin("trust_anchors = ( \"root.pem\", \"alice.pem\" ); crls = ( \"crls\" );", "");
    setting_open(setting);
    expect(alice, authority, OUTCOME_PASS, "valid", "named");
    begin("trust_anchors = ( \"root.pem\", \"alice.pem\" ); crls = ( \"crls\" );", "");
    put_crl("authority.crl", &(struct pki_crl_spec){.issuer = authority, .revoked = {alice}});
    setting_open(setting);
    expect(alice, authority, OUTCOME_FAIL, "revoked", "named and revoked");
}

/* An anchor that certifies no other is worth a warning, not more. */
Test(anchors, that_certify_no_other_are_warned_of)
{
    static const struct {
        const char *main_keys;
        size_t warnings;
    } rows[] = {
        {"trust_anchors = ( \"root.pem\", \"authority.pem\" );", 0},
        {"trust_anchors = ( \"alice.pem\" );", 1},
        {"trust_anchors = ( \"root.pem\", \"alice.pem\" );", 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        begin(rows[i].main_keys, "");
        setting_open(setting);
        size_t found = 0;
        for (size_t j = 0; j < faults_count(setting->faults); j++)
            found += strstr(faults_at(setting->faults, j), "alice.pem is not a CA certificate") != NULL;
        cr_expect_eq(found, rows[i].warnings, "row %zu: %zu", i, found);
    }
}

/* As in a bundle of authorities for web servers. */
Test(anchors, that_are_not_for_mail_are_warned_of)
{
    static const struct {
        const char *eku;
        bool warned;
    } rows[] = {{"serverAuth", true}, {"serverAuth,emailProtection", false}, {"anyExtendedKeyUsage", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *web =
            pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=Web"), .eku = rows[i].eku});
        begin("trust_anchors = ( \"root.pem\", \"web.pem\" );", "");
        g_free(pki_write(setting->folder, "web.pem", web, NULL));
        setting_open(setting);
        size_t found = 0;
        for (size_t j = 0; j < faults_count(setting->faults); j++)
            found += strstr(faults_at(setting->faults, j), "usage is not for e-mail (1 of them)") != NULL;
        cr_expect_eq(found, rows[i].warned ? 1 : 0, "%s", rows[i].eku);
    }
}

/* Among namesakes that may have issued a certificate the self-signed one is preferred, wherever it stands. */
Test(anchors, and_intermediates_as_issuers)
{
    PKI_AUTO struct pki *other = pki_ca("Other");
    PKI_AUTO struct pki *cross = pki_issue(&(struct pki_spec){
        .issuer = other, .ca = true, .subject = PKI_LIST("O=Tests", "CN=Root"), .use_key = root->key});
    static const struct {
        const char *main_keys;
        bool has_root, has_authority;
    } rows[] = {
        {"trust_anchors = ( \"root.pem\", \"cross.pem\" ); intermediates = ( \"authority.pem\" );", true, true},
        {"trust_anchors = ( \"cross.pem\", \"root.pem\" );", true, false},
        {"trust_anchors = ( \"root.pem\" ); intermediates = ( \"cross.pem\" );", true, false},
        {"trust_anchors = ( \"cross.pem\" ); intermediates = ( \"authority.pem\" );", false, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        begin(rows[i].main_keys, "");
        g_free(pki_write(setting->folder, "cross.pem", cross, NULL));
        setting_open(setting);
        owned(X509) X509 *above = trust_issuer(setting->trust, authority->cert);
        owned(X509) X509 *near = trust_issuer(setting->trust, alice->cert);
        cr_assert_not_null(above, "row %zu", i);
        cr_expect_eq(X509_cmp(above, rows[i].has_root ? root->cert : cross->cert), 0, "row %zu", i);
        cr_assert_eq(near != NULL, rows[i].has_authority, "row %zu", i);
        cr_expect(near == NULL || X509_cmp(near, authority->cert) == 0, "row %zu", i);
    }
}

/* --- which CRL --- */

/* An authority with new keys under its old name, and a CRL for each key without authorityKeyIdentifier: RFC 8550 §2.1
 * asks for those of version 1, which have no extensions at all. */
Test(anchors, crls_of_several_keys)
{
    struct pki *keys[3], *leaves[3], *bad[3];
    for (int i = 0; i < 3; i++) {
        keys[i] = pki_sub_ca(root, "Rekeyed");
        leaves[i] = pki_person(keys[i], "bob@acme.test");
        bad[i] = pki_person(keys[i], "eve@acme.test");
    }
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    for (size_t order = 0; order < G_N_ELEMENTS(orders); order++) {
        begin(ROOT, "");
        put_crl("root.crl", &(struct pki_crl_spec){.issuer = root});
        for (int i = 0; i < 3; i++) {
            g_autofree char *name = g_strdup_printf("%d.crl", orders[order][i]);
            put_crl(name, &(struct pki_crl_spec){.issuer = keys[i],
                                                 .revoked = {bad[i]},
                                                 .this_update = time(NULL) - DAY + orders[order][i],
                                                 .number = 7 - orders[order][i]});
        }
        setting_open(setting);
        for (int i = 0; i < 3; i++) {
            expect(leaves[i], keys[i], OUTCOME_PASS, "valid", "a key's CRL is there");
            expect(bad[i], keys[i], OUTCOME_FAIL, "revoked", "a key's CRL is there");
        }
    }
    begin(ROOT, "");
    put_crl("root.crl", &(struct pki_crl_spec){.issuer = root});
    put_crl("0.crl", &(struct pki_crl_spec){.issuer = keys[0]});
    put_crl("1.crl", &(struct pki_crl_spec){.issuer = keys[1]});
    setting_open(setting);
    expect(leaves[2], keys[2], OUTCOME_TEMPERROR, "signature is bad", "only the CRLs of other keys");
    for (int i = 0; i < 3; i++) {
        pki_free(keys[i]);
        pki_free(leaves[i]);
        pki_free(bad[i]);
    }
}

/* The authority has a new key, certified by another authority, and says with it that alice is revoked. What leads to
 * that key is looked for beside the way of alice's own certificate. */
Test(anchors, crls_of_a_key_with_a_way_of_its_own)
{
    PKI_AUTO struct pki *middle = pki_sub_ca(root, "Middle"), *renewed = pki_sub_ca(middle, "Authority");
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(renewed->cert);
    g_autoptr(GString) extension = g_string_new("authorityKeyIdentifier=DER:30168014");
    for (int i = 0; i < ASN1_STRING_length(id); i++)
        g_string_append_printf(extension, "%02x", ASN1_STRING_get0_data(id)[i]);
    const char *const extensions[] = {extension->str, NULL};
    for (int beside = 0; beside < 2; beside++) {
        begin(ROOT "intermediates = ( \"more.pem\" );", "");
        g_free(pki_write(setting->folder, "more.pem", authority, middle, beside ? NULL : renewed, NULL));
        put_crl("root.crl", &(struct pki_crl_spec){.issuer = root});
        put_crl("middle.crl", &(struct pki_crl_spec){.issuer = middle});
        put_crl("new.crl", &(struct pki_crl_spec){.issuer = renewed, .revoked = {alice}, .extensions = extensions});
        setting_open(setting);
        expect(alice, beside ? renewed : NULL, OUTCOME_FAIL, "alice@acme.test,O=Tests\" is revoked", "a new key");
    }
}

/* RFC 5280 §5.2.3: of two with one date the higher number is the newer, wherever it comes from. */
Test(anchors, crls_of_one_date)
{
    time_t then = time(NULL) - DAY;
    PKI_AUTO struct pki *impostor = pki_sub_ca(root, "Authority");
    const struct pki forger = {.cert = authority->cert, .key = impostor->key};
    const struct {
        const char *what;
        struct pki_crl_spec first, second, received;
        enum outcome expected;
    } rows[] = {
        {"revoked by the newer", {.number = 255}, {.revoked = {alice}, .number = 256}, {0}, OUTCOME_FAIL},
        {"revoked by the older", {.revoked = {alice}, .number = 255}, {.number = 256}, {0}, OUTCOME_PASS},
        {"the newer first", {.revoked = {alice}, .number = 256}, {.number = 255}, {0}, OUTCOME_FAIL},
        {"an older one is received", {.revoked = {alice}, .number = 9}, {.number = 8}, {.number = 7}, OUTCOME_FAIL},
        {"a newer one is received", {.number = 8}, {.number = 7}, {.revoked = {alice}, .number = 9}, OUTCOME_FAIL},
        {"the older has no number", {.revoked = {alice}, .number = 1}, {.number = -1}, {0}, OUTCOME_FAIL},
        {"… and comes first", {.number = -1}, {.revoked = {alice}, .number = 1}, {0}, OUTCOME_FAIL},
        {"… and revokes", {.revoked = {alice}, .number = -1}, {.number = 1}, {0}, OUTCOME_PASS},
        {"… and revokes, second", {.number = 1}, {.revoked = {alice}, .number = -1}, {0}, OUTCOME_PASS},
        {"none has a number, all revoke",
         {.revoked = {alice}, .number = -1},
         {.revoked = {alice}, .number = -1},
         {0},
         OUTCOME_FAIL},
        {"a forged one is received",
         {.revoked = {alice}, .number = 9},
         {.number = 8},
         {.issuer = &forger, .number = 10},
         OUTCOME_FAIL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki_crl_spec specs[] = {rows[i].first, rows[i].second, rows[i].received};
        for (size_t j = 0; j < G_N_ELEMENTS(specs); j++) {
            specs[j].this_update = then;
            specs[j].issuer = specs[j].issuer != NULL ? specs[j].issuer : authority;
        }
        begin(ROOT, "");
        put_crl("root.crl", &(struct pki_crl_spec){.issuer = root});
        put_crl("a.crl", &specs[0]);
        put_crl("b.crl", &specs[1]);
        setting_open(setting);
        STACK_OF(X509_CRL) *received = sk_X509_CRL_new_null();
        if (specs[2].number != 0)
            sk_X509_CRL_push(received, pki_crl(&specs[2]));
        expect_with(alice, authority, received, rows[i].expected, "", rows[i].what);
        sk_X509_CRL_pop_free(received, X509_CRL_free);
    }
}

/* --- what the configuration asks of them --- */

/* One authority's CRLs are not a condition for the mail of a partner whose authority issues none. */
Test(anchors, revocation_by_partner)
{
    enum { NONE, STALE, REVOKES };
    static const struct {
        const char *main, *partner;
        int crl; /* of the authority, in crls/ */
        enum outcome expected, elsewhere;
        const char *says;
    } rows[] = {
        {"crls = ( \"crls\" );", "", NONE, OUTCOME_TEMPERROR, OUTCOME_TEMPERROR, "no CRL"},
        {"crls = ( \"crls\" );", "revocation = { check = \"off\"; };", NONE, OUTCOME_PASS, OUTCOME_TEMPERROR,
         "is valid"},
        {"crls = ( \"crls\" );", "revocation = { check = \"soft\"; };", NONE, OUTCOME_PASS, OUTCOME_TEMPERROR,
         "is valid, but one certificate cannot be checked for revocation: there is no CRL for it"},
        {"crls = ( \"crls\" );", "revocation = { check = \"soft\"; };", STALE, OUTCOME_PASS, OUTCOME_TEMPERROR,
         "but one certificate cannot be checked for revocation: its CRL is out of date"},
        {"crls = ( \"crls\" );", "revocation = { check = \"soft\"; };", REVOKES, OUTCOME_FAIL, OUTCOME_FAIL, "revoked"},
        {"crls = ( \"crls\" );", "revocation = { check = \"off\"; };", REVOKES, OUTCOME_PASS, OUTCOME_FAIL, "is valid"},
        {"", "revocation = { crls = ( \"crls\" ); };", REVOKES, OUTCOME_FAIL, OUTCOME_PASS, "revoked"},
        {"", "revocation = { crls = ( \"crls\" ); };", NONE, OUTCOME_TEMPERROR, OUTCOME_PASS, "no CRL"},
        {"crls = ( \"crls\" );", "revocation = { crls = ( \"more-crls\" ); };", REVOKES, OUTCOME_PASS, OUTCOME_FAIL,
         "is valid"},
        {"revocation = { check = \"soft\"; crls = ( \"crls\" ); };", "revocation = { check = \"hard\"; };", NONE,
         OUTCOME_TEMPERROR, OUTCOME_PASS, "no CRL"},
        {"revocation = { check = \"off\"; crls = ( \"crls\" ); };", "", REVOKES, OUTCOME_PASS, OUTCOME_PASS,
         "is valid"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        time_t now = time(NULL);
        const struct pki_crl_spec specs[] = {
            [STALE] = {.issuer = authority, .this_update = now - 9 * DAY, .next_update = now - DAY},
            [REVOKES] = {.issuer = authority, .revoked = {alice}}};
        g_autofree char *what = g_strdup_printf("row %zu", i);
        g_autofree char *main_keys = g_strconcat("trust_anchors = ( \"root.pem\" ); ", rows[i].main, NULL);
        begin(main_keys, rows[i].partner);
        put_crl("root.crl", &(struct pki_crl_spec){.issuer = root});
        put_crl("more-crls/root.crl", &(struct pki_crl_spec){.issuer = root});
        put_crl("more-crls/authority.crl", &(struct pki_crl_spec){.issuer = authority});
        if (rows[i].crl != NONE)
            put_crl("authority.crl", &specs[rows[i].crl]);
        setting_open(setting);
        expect(alice, authority, rows[i].expected, rows[i].says, what);
        setting->partner = conf_partner(setting->conf, "elsewhere.test");
        expect(alice, authority, rows[i].elsewhere, "", what);
        setting->partner = conf_partner(setting->conf, "partner.test");
        expect(alice, authority, rows[i].expected, rows[i].says, what);
    }
}

/* What passed although nothing was known is said each time, and gone when something is known. */
Test(anchors, what_is_not_known_is_not_hidden)
{
    begin("trust_anchors = ( \"root.pem\" );", "revocation = { check = \"soft\"; };");
    setting_open(setting);
    owned(x509_stack) STACK_OF(X509) *untrusted = sk_X509_new_null();
    X509_add_cert(untrusted, authority->cert, X509_ADD_FLAG_UP_REF);
    STACK_OF(X509_CRL) *received = sk_X509_CRL_new_null();
    sk_X509_CRL_push(received, pki_crl(&(struct pki_crl_spec){.issuer = root}));
    sk_X509_CRL_push(received, pki_crl(&(struct pki_crl_spec){.issuer = authority}));
    for (int i = 0; i < 4; i++) {
        const char *unchecked = "unset";
        struct chain_query query = {.leaf = alice->cert,
                                    .untrusted = untrusted,
                                    .crls = i == 2 ? received : NULL,
                                    .purpose = PURPOSE_SIGN,
                                    .unchecked = &unchecked};
        setting_expect(setting, &query, OUTCOME_PASS, "valid", "soft");
        cr_expect_eq(unchecked == NULL, i == 2, "%d: %s", i, unchecked);
    }
    sk_X509_CRL_pop_free(received, X509_CRL_free);
}

/* --- intermediates --- */

#define INTERMEDIATES "intermediates = ( \"authority.pem\" );"

Test(anchors, intermediates_complete_a_path)
{
    static const struct {
        const char *what, *main, *partner;
        enum outcome expected, elsewhere;
    } rows[] = {
        {"not at hand", "", "", OUTCOME_POLICY, OUTCOME_POLICY},
        {"global", INTERMEDIATES, "", OUTCOME_PASS, OUTCOME_PASS},
        {"the partner's", "", INTERMEDIATES, OUTCOME_PASS, OUTCOME_POLICY},
        {"beside the partner's certificate", "", "certificates = ( \"alice.pem\", \"authority.pem\" );", OUTCOME_PASS,
         OUTCOME_POLICY},
        {"global, under the partner's anchors", INTERMEDIATES, "anchors = ( \"root.pem\" );", OUTCOME_PASS,
         OUTCOME_PASS},
        {"the partner's, under its anchors", "", "anchors = ( \"root.pem\" ); " INTERMEDIATES, OUTCOME_PASS,
         OUTCOME_POLICY},
        {"of another authority", "intermediates = ( \"root.pem\" );", "", OUTCOME_POLICY, OUTCOME_POLICY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *main_keys = g_strconcat("trust_anchors = ( \"root.pem\" ); ", rows[i].main, NULL);
        begin(main_keys, rows[i].partner);
        setting_open(setting);
        expect(alice, NULL, rows[i].expected, "", rows[i].what);
        setting->partner = conf_partner(setting->conf, "elsewhere.test");
        expect(alice, NULL, rows[i].elsewhere, "", rows[i].what);
    }
}

/* They are trusted by no one, and can be revoked. */
Test(anchors, intermediates_are_no_anchors)
{
    PKI_AUTO struct pki *other = pki_ca("Other");
    begin(INTERMEDIATES " trust_anchors = ( \"root.pem\" ); crls = ( \"crls\" );", "");
    put_crl("root.crl", &(struct pki_crl_spec){.issuer = root, .revoked = {authority}});
    put_crl("authority.crl", &(struct pki_crl_spec){.issuer = authority});
    setting_open(setting);
    expect(alice, NULL, OUTCOME_FAIL, "Authority,O=Tests\" is revoked", "revoked");
    begin(INTERMEDIATES " trust_anchors = ( \"root.pem\" );", "");
    g_free(pki_write(setting->folder, "root.pem", other, NULL));
    setting_open(setting);
    expect(alice, NULL, OUTCOME_POLICY, "does not lead to a trust anchor", "no anchor above");
}

/* Several of them, the nearest first or last. */
Test(anchors, intermediates_above_intermediates)
{
    PKI_AUTO struct pki *second = pki_sub_ca(authority, "Second");
    PKI_AUTO struct pki *third = pki_sub_ca(second, "Third");
    PKI_AUTO struct pki *bob = pki_person(third, "bob@acme.test");
    begin("trust_anchors = ( \"root.pem\" ); intermediates = ( \"chain.pem\", \"chain2.pem\" );", "");
    g_free(pki_write(setting->folder, "chain.pem", third, authority, NULL));
    g_free(pki_write(setting->folder, "chain2.pem", second, alice, NULL));
    setting_open(setting);
    expect(bob, NULL, OUTCOME_PASS, "valid", "three authorities");
    expect(bob, third, OUTCOME_PASS, "valid", "the message brings one of them");
    cr_expect_eq(faults_count(setting->faults), 0u);
}

Test(anchors, intermediates_that_are_none)
{
    begin("trust_anchors = ( \"root.pem\" ); intermediates = ( \"alice.pem\" );", "intermediates = ( \"alice.pem\" );");
    setting_open(setting);
    cr_assert_eq(faults_count(setting->faults), 2u);
    for (size_t i = 0; i < 2; i++)
        cr_expect_not_null(strstr(faults_at(setting->faults, i), "alice.pem contains no CA certificate"), "%s",
                           faults_at(setting->faults, i));
}
