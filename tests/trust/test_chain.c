/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, usage, strength and revocation, with a PKI made here. */
#include "support/setting.h"

#include "store/store.h"

#define DAY 86400
#define OTHERWISE_GOOD "(otherwise it is trusted)"
#define ANCHOR "trust_anchors = ( \"root.pem\" );"
#define CRLS "trust_anchors = ( \"root.pem\" ); crls = ( \"crls\" );"

/* root → authority (in untrusted) → leaves */
struct world {
    struct setting *setting;
    struct pki *root, *authority;
    STACK_OF(X509) * untrusted;
};

static struct world *world_new(const char *main_keys, const char *rule_keys)
{
    struct world *world = g_new0(struct world, 1);
    world->setting = setting_new(main_keys, rule_keys);
    world->root = pki_ca("Root");
    world->authority = pki_sub_ca(world->root, "Authority");
    world->untrusted = sk_X509_new_null();
    X509_add_cert(world->untrusted, world->authority->cert, X509_ADD_FLAG_UP_REF);
    g_free(pki_write(world->setting->folder, "root.pem", world->root, NULL));
    g_autofree char *crls = g_build_filename(world->setting->folder, "crls", NULL);
    g_assert_true(g_mkdir(crls, 0700) == 0);
    return world;
}

static void world_free(struct world *world)
{
    sk_X509_pop_free(world->untrusted, X509_free);
    pki_free(world->root);
    pki_free(world->authority);
    setting_free(world->setting);
    g_free(world);
}
DECLARE_OWNED(world, struct world *, world_free)

static void add(struct world *world, const struct pki *pki)
{
    X509_add_cert(world->untrusted, pki->cert, X509_ADD_FLAG_UP_REF);
}

static struct chain_query question(const struct world *world, const struct pki *leaf, enum purpose purpose)
{
    return (struct chain_query){.leaf = leaf->cert, .untrusted = world->untrusted, .purpose = purpose};
}

static void expect(const struct world *world, const struct pki *leaf, enum purpose purpose, enum outcome expected,
                   const char *says)
{
    struct chain_query query = question(world, leaf, purpose);
    setting_expect(world->setting, &query, expected, says, says);
}

/* … at that time, with the CRLs that a message brings. */
static void expect_then(const struct world *world, const struct pki *leaf, time_t at, STACK_OF(X509_CRL) * crls,
                        enum outcome expected, const char *says, size_t row)
{
    struct chain_query query = question(world, leaf, PURPOSE_SIGN);
    g_autofree char *what = g_strdup_printf("row %zu", row);
    query.at = at;
    query.crls = crls;
    setting_expect(world->setting, &query, expected, says, what);
}

/* Some builds of OpenSSL do not have RIPEMD-160. */
static bool is_known_digest(const char *name)
{
    EVP_MD *digest = EVP_MD_fetch(NULL, name != NULL ? name : "SHA256", NULL);
    bool known = digest != NULL;
    EVP_MD_free(digest);
    ERR_clear_error();
    return known;
}

Test(chain, leaf_by_leaf)
{
    owned(world) struct world *world = world_new(ANCHOR, "");
    time_t now = time(NULL);
    const struct {
        const char *what;
        struct pki_spec spec;
        enum purpose purpose;
        enum outcome expected;
        const char *says;
    } rows[] = {
        {"plain", {.subject = NULL}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"plain, encrypt", {.subject = NULL}, PURPOSE_ENCRYPT, OUTCOME_PASS, "valid"},
        {"RSA", {.key = PKI_RSA}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"RSA, encrypt", {.key = PKI_RSA}, PURPOSE_ENCRYPT, OUTCOME_PASS, "valid"},
        {"Ed25519", {.key = PKI_ED25519}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"Ed25519, encrypt", {.key = PKI_ED25519}, PURPOSE_ENCRYPT, OUTCOME_FAIL, "cannot encrypt"},
        {"X25519", {.key = PKI_X25519, .key_usage = ""}, PURPOSE_SIGN, OUTCOME_FAIL, "its key cannot sign"},
        {"X25519, encrypt", {.key = PKI_X25519}, PURPOSE_ENCRYPT, OUTCOME_PASS, "valid"},
        {"keyEncipherment for X25519",
         {.key = PKI_X25519, .key_usage = "keyEncipherment"},
         PURPOSE_ENCRYPT,
         OUTCOME_FAIL,
         "no keyAgreement"},
        {"expired", {.not_after = now - 5}, PURPOSE_SIGN, OUTCOME_FAIL, "has expired"},
        {"expired, and not for mail",
         {.not_after = now - 5, .eku = "serverAuth"},
         PURPOSE_SIGN,
         OUTCOME_FAIL,
         "has expired"},
        {"early", {.not_before = now + 500}, PURPOSE_SIGN, OUTCOME_FAIL, "not yet valid"},
        {"no EKU", {.eku = ""}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"any EKU", {.eku = "anyExtendedKeyUsage"}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"any EKU among others", {.eku = "critical,serverAuth,2.5.29.37.0"}, PURPOSE_ENCRYPT, OUTCOME_PASS, "valid"},
        {"other EKU",
         {.eku = "serverAuth,clientAuth"},
         PURPOSE_SIGN,
         OUTCOME_FAIL,
         "the certificate \"CN=leaf\" cannot be used: its extended key usage does not include e-mail "
         "protection " OTHERWISE_GOOD},
        {"unknown EKU", {.eku = "1.2.3.4"}, PURPOSE_SIGN, OUTCOME_FAIL, "extended key usage"},
        {"no KU, sign", {.key_usage = ""}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"no KU, encrypt", {.key_usage = ""}, PURPOSE_ENCRYPT, OUTCOME_PASS, "valid"},
        {"nonRepudiation", {.key_usage = "nonRepudiation"}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"keyAgreement to sign",
         {.key_usage = "keyAgreement"},
         PURPOSE_SIGN,
         OUTCOME_FAIL,
         "does not allow signatures"},
        {"digitalSignature to encrypt",
         {.key_usage = "digitalSignature"},
         PURPOSE_ENCRYPT,
         OUTCOME_FAIL,
         "keyAgreement"},
        {"keyEncipherment for EC", {.key_usage = "keyEncipherment"}, PURPOSE_ENCRYPT, OUTCOME_FAIL, "keyAgreement"},
        {"keyAgreement for RSA",
         {.key = PKI_RSA, .key_usage = "keyAgreement"},
         PURPOSE_ENCRYPT,
         OUTCOME_FAIL,
         "keyEncipherment"},
        {"CA", {.ca = true}, PURPOSE_SIGN, OUTCOME_FAIL, "it is a CA certificate"},
        {"CA with mail usage", {.basic = "CA:TRUE"}, PURPOSE_SIGN, OUTCOME_FAIL, "it is a CA certificate"},
        {"keyCertSign without CA",
         {.basic = "", .key_usage = "digitalSignature,keyCertSign"},
         PURPOSE_SIGN,
         OUTCOME_FAIL,
         "it is a CA certificate"},
        {"no basicConstraints", {.basic = ""}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"RSA 1024", {.key = PKI_RSA_1024}, PURPOSE_SIGN, OUTCOME_FAIL, "weak"},
        {"P-192", {.key = PKI_P192}, PURPOSE_SIGN, OUTCOME_FAIL, "weak"},
        {"SHA-1", {.digest = "SHA1"}, PURPOSE_SIGN, OUTCOME_FAIL, "weak digest"},
        {"MD5", {.digest = "MD5"}, PURPOSE_SIGN, OUTCOME_FAIL, "weak digest"},
        {"RIPEMD-160", {.digest = "RIPEMD160"}, PURPOSE_SIGN, OUTCOME_FAIL, "weak digest"},
        {"SHA-224", {.digest = "SHA224"}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"SHA-512", {.digest = "SHA512"}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"unknown critical extension",
         {.extensions = PKI_LIST("1.2.3.4.5=critical,DER:0500")},
         PURPOSE_SIGN,
         OUTCOME_FAIL,
         "critical extension"},
        {"unknown extension", {.extensions = PKI_LIST("1.2.3.4.5=DER:0500")}, PURPOSE_SIGN, OUTCOME_PASS, "valid"},
        {"path alone: usage does not count", {.eku = "serverAuth", .ca = true}, PURPOSE_PATH, OUTCOME_PASS, "valid"},
        {"path alone: strength does not count",
         {.key = PKI_RSA_1024, .digest = "SHA1"},
         PURPOSE_PATH,
         OUTCOME_PASS,
         "valid"},
        {"path alone: time does", {.not_after = now - 5}, PURPOSE_PATH, OUTCOME_FAIL, "has expired"},
    };
    g_autoptr(GPtrArray) no_answers = g_ptr_array_new();
    setting_open(world->setting);
    PKI_AUTO struct pki *rsa_authority = pki_issue(
        &(struct pki_spec){.issuer = world->root, .ca = true, .key = PKI_RSA, .subject = PKI_LIST("CN=RSA authority")});
    add(world, rsa_authority);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki_spec spec = rows[i].spec;
        /* ECDSA with MD5 does not exist. */
        spec.issuer = spec.digest != NULL ? rsa_authority : world->authority;
        if (!is_known_digest(spec.digest))
            continue;
        spec.subject = PKI_LIST("CN=leaf");
        PKI_AUTO struct pki *leaf = pki_issue(&spec);
        struct chain_query query = question(world, leaf, rows[i].purpose);
        setting_expect(world->setting, &query, rows[i].expected, rows[i].says, rows[i].what);
        setting_expect(world->setting, &query, rows[i].expected, rows[i].says, "once more, now that its path is known");
        query.embedded = no_answers;
        setting_expect(world->setting, &query, rows[i].expected, rows[i].says, "with answers to be looked for");
    }
}

/* As much of a long name as a reason can take. */
Test(chain, a_long_subject_is_cut)
{
    owned(world) struct world *world = world_new(ANCHOR, "");
    g_autofree char *filler = g_strnfill(60, 'x');
    g_autofree char *unit = g_strconcat("OU=é", filler, NULL), *organization = g_strconcat("O=", filler, NULL);
    PKI_AUTO struct pki *web = pki_issue(&(struct pki_spec){
        .issuer = world->authority, .subject = PKI_LIST(organization, unit, "CN=leaf"), .eku = "serverAuth"});
    g_autofree char *subject = certificate_subject(web->cert);
    cr_assert_gt(g_utf8_strlen(subject, -1), 121);
    g_autofree char *beginning = g_utf8_substring(subject, 0, 120);
    g_autofree char *expected = g_strdup_printf("the certificate \"%s\" cannot be used: ", beginning);
    setting_open(world->setting);
    expect(world, web, PURPOSE_SIGN, OUTCOME_FAIL, expected);
}

Test(chain, authority_by_authority)
{
    time_t now = time(NULL);
    const struct {
        const char *what;
        struct pki_spec spec; /* of the authority */
        enum outcome expected;
        const char *says;
    } rows[] = {
        {"plain", {.ca = true}, OUTCOME_PASS, "valid"},
        {"for mail", {.ca = true, .eku = "emailProtection"}, OUTCOME_PASS, "valid"},
        {"for web servers", {.ca = true, .eku = "serverAuth"}, OUTCOME_FAIL, "may not certify for e-mail"},
        {"expired", {.ca = true, .not_after = now - 5}, OUTCOME_FAIL, "has expired"},
        {"no CA",
         {.ca = true, .basic = "critical,CA:FALSE"},
         OUTCOME_FAIL,
         "issues certificates and is not a CA certificate"},
        {"keyCertSign without basicConstraints",
         {.ca = true, .basic = ""},
         OUTCOME_FAIL,
         "issues certificates and is not a CA certificate"},
        {"may not sign certificates",
         {.ca = true, .key_usage = "critical,cRLSign"},
         OUTCOME_FAIL,
         "issues certificates and is not a CA certificate"},
        {"RSA 1024", {.ca = true, .key = PKI_RSA_1024}, OUTCOME_FAIL, "weak key"},
        {"P-192", {.ca = true, .key = PKI_P192}, OUTCOME_FAIL, "weak key"},
        {"unknown critical extension",
         {.ca = true, .extensions = PKI_LIST("1.2.3.4.5=critical,DER:0500")},
         OUTCOME_FAIL,
         "critical extension"},
        {"names permitted",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,permitted;email:acme.test")},
         OUTCOME_PASS,
         "valid"},
        {"names not permitted",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,permitted;email:other.test")},
         OUTCOME_FAIL,
         "name constraints"},
        {"names excluded",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,excluded;email:acme.test")},
         OUTCOME_FAIL,
         "name constraints"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(world) struct world *world = world_new(ANCHOR, "");
        struct pki_spec spec = rows[i].spec;
        spec.issuer = world->root;
        spec.subject = PKI_LIST("CN=special");
        PKI_AUTO struct pki *authority = pki_issue(&spec);
        PKI_AUTO struct pki *leaf = pki_person(authority, "alice@acme.test");
        add(world, authority);
        setting_open(world->setting);
        struct chain_query query = question(world, leaf, PURPOSE_SIGN);
        setting_expect(world->setting, &query, rows[i].expected, rows[i].says, rows[i].what);
    }
}

/* OpenSSL has no objection to a key of 112 bits. The anchor's counts, too, and its usage does not. */
Test(chain, keys_and_usages_of_authorities)
{
    owned(EVP_PKEY) EVP_PKEY *weak = EVP_EC_gen("P-224");
    static const char *const weakness = "issues certificates with a weak key: EC key below 256 bits";
    const struct {
        struct pki_spec root, upper, lower;
        const char *says; /* NULL: it is good */
    } rows[] = {
        {{.eku = "serverAuth"}, {.eku = NULL}, {.eku = NULL}, NULL},
        {{.use_key = weak}, {.eku = NULL}, {.eku = NULL}, weakness},
        {{.eku = NULL}, {.use_key = weak}, {.eku = NULL}, weakness},
        {{.eku = NULL}, {.eku = NULL}, {.use_key = weak}, weakness},
        {{.eku = NULL}, {.eku = "serverAuth"}, {.eku = NULL}, "may not certify for e-mail"},
        {{.eku = NULL}, {.eku = "serverAuth"}, {.use_key = weak}, weakness},
        {{.use_key = weak}, {.eku = NULL}, {.eku = "serverAuth"}, "may not certify for e-mail"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(world) struct world *world = world_new(ANCHOR, "");
        struct pki_spec specs[] = {rows[i].root, rows[i].upper, rows[i].lower};
        struct pki *made[3] = {0};
        for (size_t j = 0; j < G_N_ELEMENTS(specs); j++) {
            g_autofree char *name = g_strdup_printf("CN=%zu", j);
            specs[j].issuer = j > 0 ? made[j - 1] : NULL;
            specs[j].ca = true;
            specs[j].subject = PKI_LIST(name);
            made[j] = pki_issue(&specs[j]);
            add(world, made[j]);
        }
        PKI_AUTO struct pki *leaf = pki_person(made[2], "alice@acme.test");
        g_free(pki_write(world->setting->folder, "root.pem", made[0], NULL));
        setting_open(world->setting);
        struct chain_query query = question(world, leaf, PURPOSE_SIGN);
        g_autofree char *what = g_strdup_printf("row %zu", i);
        setting_expect(world->setting, &query, rows[i].says == NULL ? OUTCOME_PASS : OUTCOME_FAIL,
                       rows[i].says == NULL ? "valid" : rows[i].says, what);
        for (size_t j = 0; j < G_N_ELEMENTS(made); j++)
            pki_free(made[j]);
    }
}

/* RFC 8398 §6: constraints on rfc822Name bind SmtpUTF8Mailbox too. */
Test(chain, name_constraints_on_internationalised_addresses)
{
    owned(world) struct world *world = world_new(ANCHOR, "");
    PKI_AUTO struct pki *authority =
        pki_issue(&(struct pki_spec){.issuer = world->root,
                                     .ca = true,
                                     .subject = PKI_LIST("CN=constrained"),
                                     .extensions = PKI_LIST("nameConstraints=critical,permitted;email:acme.test")});
    PKI_AUTO struct pki *good = pki_issue(
        &(struct pki_spec){.issuer = authority, .subject = PKI_LIST("CN=a"), .san = PKI_LIST("utf8:jörg@acme.test")});
    PKI_AUTO struct pki *bad = pki_issue(
        &(struct pki_spec){.issuer = authority, .subject = PKI_LIST("CN=a"), .san = PKI_LIST("utf8:jörg@evil.test")});
    PKI_AUTO struct pki *subject =
        pki_issue(&(struct pki_spec){.issuer = authority, .subject = PKI_LIST("CN=a", "emailAddress=x@evil.test")});
    add(world, authority);
    setting_open(world->setting);
    expect(world, good, PURPOSE_SIGN, OUTCOME_PASS, "");
    expect(world, bad, PURPOSE_SIGN, OUTCOME_FAIL, "name constraints");
    expect(world, subject, PURPOSE_SIGN, OUTCOME_FAIL, "name constraints");
}

Test(chain, path_length)
{
    owned(world) struct world *world = world_new(ANCHOR, "");
    PKI_AUTO struct pki *last = pki_issue(&(struct pki_spec){
        .issuer = world->root, .ca = true, .basic = "critical,CA:TRUE,pathlen:0", .subject = PKI_LIST("CN=last")});
    PKI_AUTO struct pki *below = pki_sub_ca(last, "below");
    PKI_AUTO struct pki *good = pki_person(last, "alice@acme.test");
    PKI_AUTO struct pki *bad = pki_person(below, "alice@acme.test");
    add(world, last);
    add(world, below);
    setting_open(world->setting);
    expect(world, good, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    expect(world, bad, PURPOSE_SIGN, OUTCOME_FAIL, "path length");
}

/* A leaf may not issue, even when it is all that a message brings. */
Test(chain, leaf_as_issuer)
{
    owned(world) struct world *world = world_new(ANCHOR, "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
    PKI_AUTO struct pki *forged = pki_role(alice, "domain-signing-authority", "partner.test");
    add(world, alice);
    setting_open(world->setting);
    expect(world, alice, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    struct chain_query query = question(world, forged, PURPOSE_SIGN);
    struct finding finding;
    setting_judge(world->setting, &query, &finding);
    cr_expect_neq(finding.outcome, OUTCOME_PASS);
}

Test(chain, unknown_anchors)
{
    owned(world) struct world *world = world_new(ANCHOR, "");
    PKI_AUTO struct pki *other = pki_ca("Other root");
    PKI_AUTO struct pki *namesake = pki_ca("Root");
    PKI_AUTO struct pki *stranger = pki_person(other, "alice@acme.test");
    PKI_AUTO struct pki *impostor = pki_person(namesake, "alice@acme.test");
    PKI_AUTO struct pki *alone = pki_person(NULL, "alice@acme.test");
    PKI_AUTO struct pki *orphan = pki_person(world->authority, "alice@acme.test");
    setting_open(world->setting);
    expect(world, stranger, PURPOSE_SIGN, OUTCOME_POLICY, "does not lead to a trust anchor");
    add(world, other);
    add(world, namesake);
    expect(world, stranger, PURPOSE_SIGN, OUTCOME_POLICY, "is a root certificate and not a trust anchor");
    expect(world, impostor, PURPOSE_SIGN, OUTCOME_POLICY, "");
    expect(world, alone, PURPOSE_SIGN, OUTCOME_POLICY, "self-signed");
    expect(world, orphan, PURPOSE_SIGN, OUTCOME_PASS, "");
    sk_X509_pop_free(world->untrusted, X509_free);
    world->untrusted = NULL;
    expect(world, orphan, PURPOSE_SIGN, OUTCOME_POLICY, "its issuer is unknown");
}

Test(chain, tampered)
{
    owned(world) struct world *world = world_new(ANCHOR, "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
    unsigned char *der = NULL;
    int length = i2d_X509(alice->cert, &der);
    unsigned char *name = NULL;
    for (int i = 0; i + 15 <= length && name == NULL; i++)
        if (memcmp(der + i, "alice@acme.test", 15) == 0)
            name = der + i;
    cr_assert_not_null(name);
    memcpy(name, "mally", 5);
    const unsigned char *at = der;
    struct pki tampered = {.cert = d2i_X509(NULL, &at, length)};
    OPENSSL_free(der);
    setting_open(world->setting);
    expect(world, &tampered, PURPOSE_SIGN, OUTCOME_FAIL, "bad signature");
    X509_free(tampered.cert);
}

Test(chain, anchors_of_the_rule_replace_the_global_ones)
{
    owned(world) struct world *world = world_new(ANCHOR, "anchors = ( \"partner.pem\" );");
    PKI_AUTO struct pki *partner_root = pki_ca("Partner root");
    PKI_AUTO struct pki *theirs = pki_person(partner_root, "bob@partner.test");
    PKI_AUTO struct pki *ours = pki_person(world->authority, "alice@acme.test");
    PKI_AUTO struct pki *web =
        pki_issue(&(struct pki_spec){.issuer = world->authority, .subject = PKI_LIST("CN=web"), .eku = "serverAuth"});
    g_free(pki_write(world->setting->folder, "partner.pem", partner_root, NULL));
    setting_open(world->setting);
    expect(world, theirs, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    expect(world, ours, PURPOSE_SIGN, OUTCOME_POLICY, "does not lead to a trust anchor");
    world->setting->partner = conf_partner(world->setting->conf, "elsewhere.test");
    expect(world, theirs, PURPOSE_SIGN, OUTCOME_POLICY, "does not lead to a trust anchor");
    expect(world, ours, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    struct partner stranger = *world->setting->partner;
    world->setting->partner = &stranger;
    expect(world, ours, PURPOSE_SIGN, OUTCOME_TEMPERROR, "another configuration");
    expect(world, web, PURPOSE_SIGN, OUTCOME_FAIL, "does not include e-mail protection");
    struct chain_query query = question(world, web, PURPOSE_SIGN);
    struct finding finding;
    setting_judge(world->setting, &query, &finding);
    cr_expect_null(strstr(finding.reason, OTHERWISE_GOOD), "%s", finding.reason);
}

Test(chain, an_anchor_is_what_was_named)
{
    owned(world) struct world *world = world_new("trust_anchors = ( \"authority.pem\" );", "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
    PKI_AUTO struct pki *other = pki_sub_ca(world->root, "Other");
    PKI_AUTO struct pki *bob = pki_person(other, "bob@acme.test");
    g_free(pki_write(world->setting->folder, "authority.pem", world->authority, NULL));
    add(world, other);
    add(world, world->root);
    setting_open(world->setting);
    expect(world, alice, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    expect(world, bob, PURPOSE_SIGN, OUTCOME_POLICY, "is a root certificate and not a trust anchor");
}

Test(chain, pinned)
{
    owned(world) struct world *world = world_new(ANCHOR, "naming = \"pinned\"; certificates = ( \"pins.pem\" );");
    time_t now = time(NULL);
    PKI_AUTO struct pki *pinned = pki_person(NULL, "bob@partner.test");
    PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=old"), .not_after = now - 5});
    PKI_AUTO struct pki *weak = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=weak"), .key = PKI_RSA_1024});
    PKI_AUTO struct pki *web = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=web"), .eku = "serverAuth"});
    PKI_AUTO struct pki *ca = pki_ca("ca");
    PKI_AUTO struct pki *unreadable = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=unreadable"), .extensions = PKI_LIST("subjectAltName=DER:0500")});
    PKI_AUTO struct pki *unpinned = pki_person(NULL, "bob@partner.test");
    g_free(pki_write(world->setting->folder, "pins.pem", pinned, old, weak, web, ca, unreadable, NULL));
    setting_open(world->setting);
    expect(world, pinned, PURPOSE_SIGN, OUTCOME_PASS, "pinned by partner.test.conf");
    expect(world, pinned, PURPOSE_ENCRYPT, OUTCOME_PASS, "pinned");
    expect(world, old, PURPOSE_SIGN, OUTCOME_FAIL, "expired");
    expect(world, weak, PURPOSE_SIGN, OUTCOME_FAIL, "2048");
    expect(world, web, PURPOSE_SIGN, OUTCOME_FAIL, "does not include e-mail protection " OTHERWISE_GOOD);
    expect(world, ca, PURPOSE_SIGN, OUTCOME_FAIL, "it is a CA certificate");
    expect(world, unreadable, PURPOSE_SIGN, OUTCOME_FAIL, "its extensions cannot be read");
    expect(world, unpinned, PURPOSE_SIGN, OUTCOME_POLICY, "self-signed");
}

/* `certificates` under another naming says what to encrypt with; it is no anchor. */
Test(chain, a_pin_under_another_naming_needs_its_path)
{
    owned(world) struct world *world = world_new(ANCHOR, "certificates = ( \"pins.pem\" );");
    PKI_AUTO struct pki *bob = pki_person(NULL, "bob@partner.test");
    g_free(pki_write(world->setting->folder, "pins.pem", bob, NULL));
    setting_open(world->setting);
    expect(world, bob, PURPOSE_ENCRYPT, OUTCOME_POLICY, "self-signed");
}

/* `openssl req -x509` makes CA certificates; a pin says that such a one is meant for itself. */
static struct pki *self_signed(const char *usage, const char *basic)
{
    return pki_issue(&(struct pki_spec){
        .ca = true, .subject = PKI_LIST("CN=gateway"), .key_usage = usage, .basic = basic, .eku = ""});
}

#define PINNED "naming = \"pinned\"; certificates = ( \"pins.pem\", \"more.pem\" );"

Test(chain, a_pinned_authority_stands_for_itself)
{
    const struct {
        const char *usage, *basic;
        const char *sign, *encrypt; /* NULL: pass; else a part of the reason */
    } rows[] = {
        {"", "critical,CA:TRUE", NULL, NULL}, /* openssl's default */
        {"", "CA:TRUE,pathlen:0", NULL, NULL},
        {"digitalSignature", "CA:TRUE", NULL, "no keyAgreement"},
        {"keyAgreement", "CA:TRUE", "does not allow signatures", NULL},
        {"keyCertSign,nonRepudiation,keyAgreement", "CA:TRUE", NULL, NULL},
        {"keyCertSign,digitalSignature", "", NULL, "no keyAgreement"},
        {"keyCertSign,cRLSign", "CA:TRUE", "it is a CA certificate", "it is a CA certificate"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(world) struct world *world = world_new(ANCHOR, PINNED);
        PKI_AUTO struct pki *own = self_signed(rows[i].usage, rows[i].basic);
        PKI_AUTO struct pki *next = self_signed(rows[i].usage, rows[i].basic); /* of the same name: a new key */
        g_free(pki_write(world->setting->folder, "pins.pem", own, NULL));
        g_free(pki_write(world->setting->folder, "more.pem", next, NULL));
        setting_open(world->setting);
        enum outcome sign = rows[i].sign == NULL ? OUTCOME_PASS : OUTCOME_FAIL;
        enum outcome encrypt = rows[i].encrypt == NULL ? OUTCOME_PASS : OUTCOME_FAIL;
        expect(world, own, PURPOSE_SIGN, sign, sign == OUTCOME_PASS ? "pinned" : rows[i].sign);
        expect(world, next, PURPOSE_SIGN, sign, sign == OUTCOME_PASS ? "pinned" : rows[i].sign);
        expect(world, own, PURPOSE_ENCRYPT, encrypt, encrypt == OUTCOME_PASS ? "pinned" : rows[i].encrypt);
    }
}

Test(chain, a_pinned_authority_vouches_for_no_other)
{
    owned(world) struct world *world = world_new(ANCHOR, PINNED);
    PKI_AUTO struct pki *own = self_signed("", "critical,CA:TRUE");
    PKI_AUTO struct pki *below = pki_person(own, "bob@partner.test");
    PKI_AUTO struct pki *other = self_signed("", "critical,CA:TRUE");
    PKI_AUTO struct pki *sub = pki_issue(&(struct pki_spec){
        .issuer = world->root, .ca = true, .subject = PKI_LIST("CN=sub"), .key_usage = "keyCertSign,digitalSignature"});
    g_free(pki_write(world->setting->folder, "pins.pem", own, NULL));
    g_free(pki_write(world->setting->folder, "more.pem", sub, NULL));
    add(world, own);
    setting_open(world->setting);
    expect(world, own, PURPOSE_SIGN, OUTCOME_PASS, "pinned");
    expect(world, below, PURPOSE_SIGN, OUTCOME_POLICY, "is a root certificate and not a trust anchor");
    expect(world, below, PURPOSE_ENCRYPT, OUTCOME_POLICY, "is a root certificate and not a trust anchor");
    expect(world, other, PURPOSE_SIGN, OUTCOME_POLICY, "self-signed");
    expect(world, sub, PURPOSE_SIGN, OUTCOME_FAIL, "it is a CA certificate");
    struct chain_query query = question(world, own, PURPOSE_SIGN);
    struct finding finding = {0};
    query.partner = conf_partner(world->setting->conf, "");
    trust_check_chain(world->setting->trust, &query, &finding);
    cr_expect_neq(finding.outcome, OUTCOME_PASS, "another partner's pin: %s", finding.reason);
}

/* The issuer beside a pinned certificate is its chain, in whatever file. */
Test(chain, an_authority_beside_its_leaf_is_no_pin)
{
    owned(world) struct world *world = world_new(ANCHOR, PINNED);
    PKI_AUTO struct pki *issuer = self_signed("", "critical,CA:TRUE");
    PKI_AUTO struct pki *leaf = pki_person(issuer, "bob@partner.test");
    g_free(pki_write(world->setting->folder, "pins.pem", leaf, NULL));
    g_free(pki_write(world->setting->folder, "more.pem", issuer, NULL));
    setting_open(world->setting);
    expect(world, leaf, PURPOSE_ENCRYPT, OUTCOME_PASS, "pinned");
    expect(world, issuer, PURPOSE_ENCRYPT, OUTCOME_FAIL, "it is a CA certificate");
    expect(world, issuer, PURPOSE_SIGN, OUTCOME_FAIL, "it is a CA certificate");
}

/* Where the path counts, it ends at the certificate itself. Only "pinned" lets it sign. */
Test(chain, a_pinned_authority_under_another_naming)
{
    owned(world) struct world *world =
        world_new(ANCHOR, "certificates = ( \"pins.pem\" ); anchors = ( \"pins.pem\" );");
    PKI_AUTO struct pki *own = self_signed("", "critical,CA:TRUE");
    g_free(pki_write(world->setting->folder, "pins.pem", own, NULL));
    setting_open(world->setting);
    expect(world, own, PURPOSE_ENCRYPT, OUTCOME_PASS, "valid");
    expect(world, own, PURPOSE_SIGN, OUTCOME_FAIL, "it is a CA certificate");
}

/* The certificates of a group are pins of its own, under its own naming. */
Test(chain, a_group_pins)
{
    static const struct {
        const char *naming;
        enum purpose purpose;
        enum outcome group, partner; /* asked about for the group, and without it */
    } rows[] = {{"pinned", PURPOSE_SIGN, OUTCOME_PASS, OUTCOME_POLICY},
                {"pinned", PURPOSE_ENCRYPT, OUTCOME_PASS, OUTCOME_POLICY},
                {"mailbox", PURPOSE_SIGN, OUTCOME_POLICY, OUTCOME_POLICY}};
    PKI_AUTO struct pki *person = pki_person(NULL, "edi@partner.test"), *own = self_signed("", "critical,CA:TRUE");
    const struct pki *const both[] = {person, own};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *keys = g_strdup_printf("groups = ( { members = \"edi@partner.test\"; certificates = ( "
                                                "\"edi.pem\", \"own.pem\" ); naming = \"%s\"; } );",
                                                rows[i].naming);
        owned(world) struct world *world = world_new(ANCHOR, keys);
        g_free(pki_write(world->setting->folder, "edi.pem", person, NULL));
        g_free(pki_write(world->setting->folder, "own.pem", own, NULL));
        setting_open(world->setting);
        for (size_t j = 0; j < G_N_ELEMENTS(both); j++) {
            struct chain_query query = question(world, both[j], rows[i].purpose);
            setting_expect(world->setting, &query, rows[i].partner, "self-signed", rows[i].naming);
            query.group = &world->setting->partner->groups[0];
            setting_expect(world->setting, &query, rows[i].group,
                           rows[i].group == OUTCOME_PASS ? "pinned by partner.test.conf" : "self-signed",
                           rows[i].naming);
        }
    }
}

/* --- several ways --- */

static struct pki *reissue(const struct pki *authority, const struct pki *issuer, time_t not_after, bool no_key_ids)
{
    return pki_issue(&(struct pki_spec){.issuer = issuer,
                                        .ca = true,
                                        .subject = PKI_LIST("O=Tests", "CN=Authority"),
                                        .use_key = authority->key,
                                        .not_after = not_after,
                                        .no_key_ids = no_key_ids});
}

Test(chain, expired_cross_certificate_beside_a_good_one)
{
    time_t now = time(NULL);
    for (int order = 0; order < 2; order++) {
        owned(world) struct world *world = world_new(ANCHOR, "");
        PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
        PKI_AUTO struct pki *expired = reissue(world->authority, world->root, now - 5, false);
        PKI_AUTO struct pki *elsewhere_root = pki_ca("Elsewhere");
        PKI_AUTO struct pki *elsewhere = reissue(world->authority, elsewhere_root, 0, false);
        sk_X509_pop_free(world->untrusted, X509_free);
        world->untrusted = sk_X509_new_null();
        const struct pki *first[] = {expired, elsewhere, world->authority};
        for (int i = 0; i < 3; i++)
            add(world, first[order == 0 ? i : 2 - i]);
        setting_open(world->setting);
        expect(world, alice, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    }
}

/* Two authorities with one name and no key identifiers: only the signature tells them apart. */
Test(chain, namesakes_without_identifiers)
{
    for (int order = 0; order < 2; order++) {
        owned(world) struct world *world = world_new(ANCHOR, "");
        PKI_AUTO struct pki *a = pki_issue(
            &(struct pki_spec){.issuer = world->root, .ca = true, .subject = PKI_LIST("CN=Twin"), .no_key_ids = true});
        PKI_AUTO struct pki *b = pki_issue(
            &(struct pki_spec){.issuer = world->root, .ca = true, .subject = PKI_LIST("CN=Twin"), .no_key_ids = true});
        PKI_AUTO struct pki *alice =
            pki_issue(&(struct pki_spec){.issuer = a, .subject = PKI_LIST("CN=alice"), .no_key_ids = true});
        add(world, order == 0 ? a : b);
        add(world, order == 0 ? b : a);
        setting_open(world->setting);
        expect(world, alice, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    }
}

/* Two anchors with one name: the root was renewed with another key. */
Test(chain, anchors_with_one_name)
{
    owned(world) struct world *world = world_new("trust_anchors = ( \"root.pem\", \"new.pem\" );", "");
    PKI_AUTO struct pki *renewed =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("O=Tests", "CN=Root"), .no_key_ids = true});
    PKI_AUTO struct pki *old_leaf =
        pki_issue(&(struct pki_spec){.issuer = world->root, .subject = PKI_LIST("CN=old"), .no_key_ids = true});
    PKI_AUTO struct pki *new_leaf =
        pki_issue(&(struct pki_spec){.issuer = renewed, .subject = PKI_LIST("CN=new"), .no_key_ids = true});
    g_free(pki_write(world->setting->folder, "new.pem", renewed, NULL));
    setting_open(world->setting);
    expect(world, old_leaf, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    expect(world, new_leaf, PURPOSE_SIGN, OUTCOME_PASS, "valid");
}

/* --- revocation --- */

static void put_crl(struct world *world, const char *name, const struct pki_crl_spec *spec)
{
    X509_CRL *crl = pki_crl(spec);
    g_autofree char *path = g_strconcat("crls/", name, NULL);
    g_free(pki_write_crl(world->setting->folder, path, crl));
    X509_CRL_free(crl);
}

Test(revocation, is_told_by_the_whole_chain)
{
    time_t now = time(NULL);
    enum {
        ROOT_GOOD = 1,
        ROOT_REVOKES = 2,
        GOOD = 4,
        REVOKES = 8,
        STALE = 16,
        EARLY = 32,
        FORGED = 64,
        STALE_REVOKES = 128
    };
    static const struct {
        int crls;
        enum outcome expected;
        const char *says;
    } rows[] = {
        {ROOT_GOOD | GOOD, OUTCOME_PASS, "valid"},
        {ROOT_GOOD | REVOKES, OUTCOME_FAIL, "alice@acme.test,O=Tests\" is revoked"},
        {ROOT_REVOKES | GOOD, OUTCOME_FAIL, "CN=Authority,O=Tests\" is revoked"},
        {ROOT_GOOD, OUTCOME_TEMPERROR, "no CRL"},
        {GOOD, OUTCOME_TEMPERROR, "no CRL"},
        {0, OUTCOME_TEMPERROR, "no CRL"},
        {ROOT_REVOKES, OUTCOME_FAIL, "revoked"},
        {REVOKES, OUTCOME_FAIL, "revoked"},
        {ROOT_REVOKES | STALE, OUTCOME_FAIL, "CN=Authority,O=Tests\" is revoked"},
        {ROOT_REVOKES | EARLY, OUTCOME_FAIL, "CN=Authority,O=Tests\" is revoked"},
        {ROOT_GOOD | STALE, OUTCOME_TEMPERROR, "out of date"},
        {ROOT_GOOD | STALE_REVOKES, OUTCOME_FAIL, "revoked"},
        {ROOT_GOOD | EARLY, OUTCOME_TEMPERROR, "not yet valid"},
        {ROOT_GOOD | FORGED, OUTCOME_TEMPERROR, "signature is bad"},
        {ROOT_GOOD | STALE | GOOD, OUTCOME_PASS, "valid"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(world) struct world *world = world_new(CRLS, "");
        PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
        PKI_AUTO struct pki *impostor = pki_sub_ca(world->root, "Authority");
        const struct pki forger = {.cert = world->authority->cert, .key = impostor->key};
        const struct {
            int flag;
            struct pki_crl_spec spec;
        } crls[] = {
            {ROOT_GOOD, {.issuer = world->root}},
            {ROOT_REVOKES, {.issuer = world->root, .revoked = {world->authority}}},
            {GOOD, {.issuer = world->authority}},
            {REVOKES, {.issuer = world->authority, .revoked = {alice}}},
            {STALE, {.issuer = world->authority, .this_update = now - 9 * DAY, .next_update = now - DAY}},
            {EARLY, {.issuer = world->authority, .this_update = now + DAY, .next_update = now + 2 * DAY}},
            {FORGED, {.issuer = &forger}},
            {STALE_REVOKES,
             {.issuer = world->authority, .revoked = {alice}, .this_update = now - 9 * DAY, .next_update = now - DAY}},
        };
        for (size_t j = 0; j < G_N_ELEMENTS(crls); j++) {
            g_autofree char *name = g_strdup_printf("%zu.crl", j);
            if ((rows[i].crls & crls[j].flag) != 0)
                put_crl(world, name, &crls[j].spec);
        }
        setting_open(world->setting);
        expect_then(world, alice, now, NULL, rows[i].expected, rows[i].says, i);
    }
}

/* RFC 8550 §2.1: what a message itself says of a revocation counts, and nothing else is asked for. */
Test(revocation, without_crls_in_the_configuration)
{
    time_t now = time(NULL);
    owned(world) struct world *world = world_new(ANCHOR, "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
    PKI_AUTO struct pki *impostor = pki_sub_ca(world->root, "Authority");
    const struct pki forger = {.cert = world->authority->cert, .key = impostor->key};
    const struct {
        struct pki_crl_spec spec;
        enum outcome expected;
    } rows[] = {
        {{.issuer = world->authority}, OUTCOME_PASS},
        {{.issuer = world->authority, .revoked = {alice}}, OUTCOME_FAIL},
        {{.issuer = world->root, .revoked = {world->authority}}, OUTCOME_FAIL},
        {{.issuer = &forger, .revoked = {alice}}, OUTCOME_PASS},
        {{.issuer = impostor, .revoked = {alice}}, OUTCOME_PASS},
        {{.issuer = world->authority, .this_update = now - 9 * DAY, .next_update = now - DAY}, OUTCOME_PASS},
        {{.issuer = world->authority, .this_update = now + DAY, .next_update = now + 2 * DAY}, OUTCOME_PASS},
    };
    setting_open(world->setting);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
        sk_X509_CRL_push(crls, pki_crl(&rows[i].spec));
        expect_then(world, alice, now, crls, rows[i].expected, rows[i].expected == OUTCOME_PASS ? "valid" : "revoked",
                    i);
        sk_X509_CRL_pop_free(crls, X509_CRL_free);
    }
}

/* What a message brings may fill a gap, but neither hide a revocation nor spoil what is known. */
Test(revocation, crls_of_a_message)
{
    time_t now = time(NULL);
    enum { OLD_GOOD = 1, NEW_GOOD = 2, NEW_REVOKES = 4, FORGED_NEW = 8, OLD_REVOKES = 16, ODD_NEW = 32 };
    static const struct {
        int configured, received;
        enum outcome expected;
        const char *says;
    } rows[] = {
        {0, OLD_GOOD, OUTCOME_PASS, "valid"},
        {0, OLD_REVOKES, OUTCOME_FAIL, "revoked"},
        {NEW_REVOKES, OLD_GOOD, OUTCOME_FAIL, "revoked"},
        {OLD_GOOD, NEW_REVOKES, OUTCOME_FAIL, "revoked"},
        {OLD_GOOD, NEW_GOOD, OUTCOME_PASS, "valid"},
        {OLD_GOOD, FORGED_NEW, OUTCOME_PASS, "valid"},
        {NEW_REVOKES, FORGED_NEW, OUTCOME_FAIL, "revoked"},
        {0, FORGED_NEW, OUTCOME_TEMPERROR, "no CRL"}, /* what is said is about the configured ones */
        {FORGED_NEW, FORGED_NEW, OUTCOME_TEMPERROR, "signature is bad"},
        {OLD_GOOD, ODD_NEW, OUTCOME_PASS, "valid"}, /* what cannot be used counts as little as what is forged */
        {OLD_REVOKES, ODD_NEW, OUTCOME_FAIL, "revoked"},
        {0, ODD_NEW, OUTCOME_TEMPERROR, "no CRL"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(world) struct world *world = world_new(CRLS, "");
        PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
        PKI_AUTO struct pki *impostor = pki_sub_ca(world->root, "Authority");
        const struct pki forger = {.cert = world->authority->cert, .key = impostor->key};
        const struct {
            int flag;
            struct pki_crl_spec spec;
        } crls[] = {
            {OLD_GOOD, {.issuer = world->authority, .this_update = now - 3 * DAY}},
            {OLD_REVOKES, {.issuer = world->authority, .revoked = {alice}, .this_update = now - 3 * DAY}},
            {NEW_GOOD, {.issuer = world->authority, .this_update = now - DAY, .number = 2}},
            {NEW_REVOKES, {.issuer = world->authority, .revoked = {alice}, .this_update = now - DAY, .number = 2}},
            {FORGED_NEW, {.issuer = &forger, .this_update = now - 60, .number = 3}},
            {ODD_NEW,
             {.issuer = world->authority,
              .this_update = now - 60,
              .number = 3,
              .extensions = PKI_LIST("1.2.3.4=critical,DER:0500")}},
        };
        STACK_OF(X509_CRL) *received = sk_X509_CRL_new_null();
        put_crl(world, "root.crl", &(struct pki_crl_spec){.issuer = world->root});
        for (size_t j = 0; j < G_N_ELEMENTS(crls); j++) {
            if ((rows[i].configured & crls[j].flag) != 0)
                put_crl(world, "authority.crl", &crls[j].spec);
            if ((rows[i].received & crls[j].flag) != 0)
                sk_X509_CRL_push(received, pki_crl(&crls[j].spec));
        }
        setting_open(world->setting);
        expect_then(world, alice, now, received, rows[i].expected, rows[i].says, i);
        sk_X509_CRL_pop_free(received, X509_CRL_free);
    }
}

/* Forged CRLs of an authority cost a signature each. Beyond the limit one that revokes is not looked for, but what was
 * configured counts. */
Test(revocation, many_forged_crls_of_a_message)
{
    time_t now = time(NULL);
    static const struct {
        const char *main_keys;
        bool configured_revokes;
        int forged; /* newer than a good one that revokes, and received behind it */
        bool real;
        enum outcome expected;
    } rows[] = {
        {ANCHOR, false, 63, true, OUTCOME_FAIL}, {ANCHOR, false, 64, true, OUTCOME_PASS},
        {CRLS, false, 64, false, OUTCOME_PASS},  {CRLS, true, 64, false, OUTCOME_FAIL},
        {CRLS, false, 200, false, OUTCOME_PASS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(world) struct world *world = world_new(rows[i].main_keys, "");
        PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
        PKI_AUTO struct pki *impostor = pki_sub_ca(world->root, "Authority");
        const struct pki forger = {.cert = world->authority->cert, .key = impostor->key};
        STACK_OF(X509_CRL) *received = sk_X509_CRL_new_null();
        put_crl(world, "root.crl", &(struct pki_crl_spec){.issuer = world->root});
        put_crl(world, "authority.crl",
                &(struct pki_crl_spec){.issuer = world->authority,
                                       .revoked = {rows[i].configured_revokes ? alice : NULL},
                                       .this_update = now - 3 * DAY});
        if (rows[i].real)
            sk_X509_CRL_push(received,
                             pki_crl(&(struct pki_crl_spec){
                                 .issuer = world->authority, .revoked = {alice}, .this_update = now - 2 * DAY}));
        for (int j = 0; j < rows[i].forged; j++)
            sk_X509_CRL_push(received, pki_crl(&(struct pki_crl_spec){.issuer = &forger, .this_update = now - 60}));
        setting_open(world->setting);
        expect_then(world, alice, now, received, rows[i].expected, "", i);
        sk_X509_CRL_pop_free(received, X509_CRL_free);
    }
}

/* A named intermediate is an anchor: its issuer's CRL is nobody's business here. */
Test(revocation, the_anchor_needs_no_crl)
{
    owned(world) struct world *world = world_new("trust_anchors = ( \"authority.pem\" ); crls = ( \"crls\" );", "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
    PKI_AUTO struct pki *bob = pki_person(world->authority, "bob@acme.test");
    g_free(pki_write(world->setting->folder, "authority.pem", world->authority, NULL));
    put_crl(world, "authority.crl", &(struct pki_crl_spec){.issuer = world->authority, .revoked = {bob}});
    setting_open(world->setting);
    expect(world, alice, PURPOSE_SIGN, OUTCOME_PASS, "valid");
    expect(world, bob, PURPOSE_SIGN, OUTCOME_FAIL, "revoked");
}

Test(revocation, wrong_usage_is_final_whatever_the_crls)
{
    owned(world) struct world *world = world_new(CRLS, "");
    PKI_AUTO struct pki *web =
        pki_issue(&(struct pki_spec){.issuer = world->authority, .subject = PKI_LIST("CN=web"), .eku = "serverAuth"});
    setting_open(world->setting);
    expect(world, web, PURPOSE_SIGN, OUTCOME_FAIL, "extended key usage");
    struct chain_query query = question(world, web, PURPOSE_SIGN);
    struct finding finding;
    setting_judge(world->setting, &query, &finding);
    cr_expect_null(strstr(finding.reason, OTHERWISE_GOOD), "%s", finding.reason);
}

/* A bundle that has not come yet is waited for where an anchor in it could change what is said, and nowhere else. */
Test(revocation, waits_for_a_bundle_where_it_may_help)
{
    time_t now = time(NULL);
    owned(world) struct world *world =
        world_new("trust_anchors = ( \"root.pem\", { url = \"https://bundle.test/bundle\"; } );\n"
                  "store = \"sqlite:store.db\"; crls = ( \"crls\" );",
                  "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test"),
                        *stranger = pki_person(NULL, "bob@acme.test");
    PKI_AUTO struct pki *late = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=late"), .not_before = now - 2 * DAY, .not_after = now - DAY});
    const struct {
        const struct pki *leaf;
        bool revokes; /* a list of the message */
        uint64_t limit;
        enum outcome expected;
        const char *says;
        bool waits;
    } rows[] = {
        {stranger, false, UINT64_MAX, OUTCOME_TEMPERROR, "has not been fetched yet", true},
        {late, false, UINT64_MAX, OUTCOME_POLICY, "self-signed", false},
        {alice, true, UINT64_MAX, OUTCOME_FAIL, "is revoked", false},
        {alice, false, UINT64_MAX, OUTCOME_TEMPERROR, "no CRL", false},
        {stranger, false, 150000, OUTCOME_PERMERROR, BUDGET_SPENT, false},
    };
    g_autofree char *uri = g_strdup_printf("sqlite:%s/store.db", world->setting->folder);
    owned(store) struct store *store = store_open(uri);
    struct error error = {0};
    cr_assert(store_create(store, &error), "%s", error.text);
    put_crl(world, "root.crl", &(struct pki_crl_spec){.issuer = world->root});
    setting_open(world->setting);
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    sk_X509_CRL_push(crls, pki_crl(&(struct pki_crl_spec){.issuer = world->authority, .revoked = {alice}}));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(missing) struct missing *missing = NULL;
        struct budget budget = {.limit = rows[i].limit};
        g_autofree char *what = g_strdup_printf("row %zu", i);
        struct chain_query query = question(world, rows[i].leaf, PURPOSE_SIGN);
        query.crls = rows[i].revokes ? crls : NULL;
        query.missing = &missing;
        query.budget = &budget;
        setting_expect(world->setting, &query, rows[i].expected, rows[i].says, what);
        cr_expect_eq(missing != NULL, rows[i].waits, "row %zu", i);
    }
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

/* --- what is remembered --- */

Test(cache, does_not_outlive_what_it_rests_on)
{
    time_t now = time(NULL);
    owned(world) struct world *world = world_new(CRLS, "");
    PKI_AUTO struct pki *alice = pki_issue(
        &(struct pki_spec){.issuer = world->authority, .subject = PKI_LIST("CN=alice"), .not_after = now + 1000});
    put_crl(world, "root.crl", &(struct pki_crl_spec){.issuer = world->root});
    put_crl(world, "authority.crl", &(struct pki_crl_spec){.issuer = world->authority, .next_update = now + 500});
    put_crl(
        world, "later.crl",
        &(struct pki_crl_spec){.issuer = world->authority, .revoked = {alice}, .this_update = now + 300, .number = 2});
    setting_open(world->setting);
    static const struct {
        int second;
        enum outcome expected;
    } rows[] = {
        {0, OUTCOME_PASS},   {10, OUTCOME_PASS}, {299, OUTCOME_PASS},  {300, OUTCOME_FAIL}, {0, OUTCOME_PASS},
        {310, OUTCOME_FAIL}, {0, OUTCOME_PASS},  {1001, OUTCOME_FAIL}, {0, OUTCOME_PASS},   {-3 * DAY, OUTCOME_FAIL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_then(world, alice, now + rows[i].second, NULL, rows[i].expected, "", i);
}

/* A CRL that covers other issuers, too, is kept apart; it runs out like others. */
Test(cache, ends_with_the_crls)
{
    const char *const *const extensions[] = {NULL, PKI_LIST("issuingDistributionPoint=critical,indirectCRL:TRUE")};
    time_t now = time(NULL);
    static const struct {
        int second;
        enum outcome expected;
    } rows[] = {{0, OUTCOME_PASS}, {500, OUTCOME_TEMPERROR}, {0, OUTCOME_PASS}, {499, OUTCOME_PASS}};
    for (size_t i = 0; i < G_N_ELEMENTS(extensions); i++) {
        owned(world) struct world *world = world_new(CRLS, "");
        PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
        put_crl(world, "root.crl", &(struct pki_crl_spec){.issuer = world->root});
        put_crl(
            world, "authority.crl",
            &(struct pki_crl_spec){.issuer = world->authority, .next_update = now + 500, .extensions = extensions[i]});
        setting_open(world->setting);
        for (size_t j = 0; j < G_N_ELEMENTS(rows); j++)
            expect_then(world, alice, now + rows[j].second, NULL, rows[j].expected, "", j);
    }
}

Test(cache, ends_with_the_first_certificate_of_the_chain)
{
    time_t now = time(NULL);
    owned(world) struct world *world = world_new(ANCHOR, "");
    PKI_AUTO struct pki *brief = pki_issue(&(struct pki_spec){
        .issuer = world->root, .ca = true, .subject = PKI_LIST("CN=brief"), .not_after = now + 1000});
    PKI_AUTO struct pki *alice = pki_person(brief, "alice@acme.test");
    add(world, brief);
    setting_open(world->setting);
    expect_then(world, alice, now, NULL, OUTCOME_PASS, "", 0);
    expect_then(world, alice, now + 1001, NULL, OUTCOME_FAIL, "", 0);
}

Test(cache, a_received_crl_is_heard)
{
    owned(world) struct world *world = world_new(CRLS, "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
    put_crl(world, "root.crl", &(struct pki_crl_spec){.issuer = world->root});
    put_crl(world, "authority.crl", &(struct pki_crl_spec){.issuer = world->authority});
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    sk_X509_CRL_push(crls,
                     pki_crl(&(struct pki_crl_spec){
                         .issuer = world->authority, .revoked = {alice}, .this_update = time(NULL) - 60, .number = 2}));
    setting_open(world->setting);
    expect_then(world, alice, time(NULL), NULL, OUTCOME_PASS, "", 0);
    expect_then(world, alice, time(NULL), crls, OUTCOME_FAIL, "", 0);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

Test(cache, purposes_and_rules_stay_apart)
{
    owned(world) struct world *world = world_new(ANCHOR, "anchors = ( \"partner.pem\" );");
    PKI_AUTO struct pki *other = pki_ca("Other");
    PKI_AUTO struct pki *weak =
        pki_issue(&(struct pki_spec){.issuer = world->authority, .subject = PKI_LIST("CN=weak"), .key = PKI_RSA_1024});
    PKI_AUTO struct pki *signer = pki_issue(&(struct pki_spec){
        .issuer = world->authority, .subject = PKI_LIST("CN=signer"), .key_usage = "digitalSignature"});
    PKI_AUTO struct pki *old =
        pki_issue(&(struct pki_spec){.issuer = world->authority, .subject = PKI_LIST("CN=old"), .digest = "SHA1"});
    g_free(pki_write(world->setting->folder, "partner.pem", other, NULL));
    setting_open(world->setting);
    const struct partner *partner = world->setting->partner;
    const struct partner *all = conf_partner(world->setting->conf, "");
    for (int i = 0; i < 2; i++) {
        world->setting->partner = all;
        expect(world, weak, PURPOSE_PATH, OUTCOME_PASS, "");
        expect(world, weak, PURPOSE_SIGN, OUTCOME_FAIL, "weak");
        expect(world, old, PURPOSE_PATH, OUTCOME_PASS, "");
        expect(world, old, PURPOSE_SIGN, OUTCOME_FAIL, "weak digest");
        expect(world, signer, PURPOSE_SIGN, OUTCOME_PASS, "");
        expect(world, signer, PURPOSE_ENCRYPT, OUTCOME_FAIL, "keyAgreement");
        world->setting->partner = partner;
        expect(world, signer, PURPOSE_SIGN, OUTCOME_POLICY, "does not lead to a trust anchor");
    }
}

/* --- what can be loaded, and what cannot --- */

/* An empty CRL in DER, and so many octets behind it. */
static void put_der(const struct setting *setting, const char *name, const struct pki *issuer, size_t behind)
{
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = issuer});
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    g_autofree char *path = g_build_filename(setting->folder, name, NULL);
    g_autofree char *octets = g_malloc0((size_t)length + behind);
    memcpy(octets, der, (size_t)length);
    OPENSSL_free(der);
    cr_assert(g_file_set_contents(path, octets, (gssize)((size_t)length + behind), NULL));
}

Test(trust, a_folder_of_crls)
{
    owned(world) struct world *world = world_new(CRLS, "");
    PKI_AUTO struct pki *alice = pki_person(world->authority, "alice@acme.test");
    g_autofree char *below = g_build_filename(world->setting->folder, "crls", "below", NULL);
    cr_assert_eq(g_mkdir(below, 0700), 0);
    g_free(folder_file(world->setting->folder, "crls/.hidden", "no CRL"));
    put_der(world->setting, "crls/root.crl", world->root, 0);
    put_crl(world, "authority.crl", &(struct pki_crl_spec){.issuer = world->authority});
    setting_open(world->setting);
    expect(world, alice, PURPOSE_SIGN, OUTCOME_PASS, "valid");
}

Test(trust, faults)
{
    static const struct {
        const char *main_keys, *rule_keys, *says;
    } rows[] = {
        {"trust_anchors = ( \"absent.pem\" );", "", "trust_anchors: "},
        {"trust_anchors = ( \"domsec.conf\" );", "", "trust_anchors: "},
        {"crls = ( \"absent\" );", "", "crls: "},
        {"crls = ( \"policy.d\" );", "", "crls: "},
        {"crls = ( \"root.pem\" );", "", "root.pem: contains no CRL, only other PEM data"},
        {"crls = ( \"domsec.conf\" );", "", "domsec.conf: contains no CRL in PEM or DER"},
        {"crls = ( \"broken.crl\" );", "", "broken.crl: cannot parse the CRL"},
        {"crls = ( \"behind.crl\" );", "", "behind.crl: contains no CRL in PEM or DER"},
        {"", "anchors = ( \"absent.pem\" );", "anchors: "},
        {"", "certificates = ( \"absent.pem\" );", "certificates: "},
        {"intermediates = ( \"absent.pem\" );", "", "domsec.conf:3: intermediates: "},
        {"", "intermediates = ( \"absent.pem\" );", "partner.test.conf:2: intermediates: "},
        {"", "revocation = { crls = ( \"absent\" ); };", "partner.test.conf:2: crls: "},
        {"intermediates = ( \"absent.pem\", \"root.pem\" );", "", "domsec.conf:3: intermediates: "},
        {"", "certificates = ( \"absent.pem\" ); revocation = { crls = ( \"good.crl\" ); };", "certificates: "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SETTING setting = setting_new(rows[i].main_keys, rows[i].rule_keys);
        PKI_AUTO struct pki *root = pki_ca("root");
        g_free(pki_write(setting->folder, "root.pem", root, NULL));
        g_free(folder_file(setting->folder, "broken.crl", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"));
        put_der(setting, "behind.crl", root, 1);
        put_der(setting, "good.crl", root, 0);
        cr_expect_not(setting_try(setting), "row %zu", i);
        cr_assert_eq(faults_errors(setting->faults), 1, "row %zu", i);
        cr_expect_not_null(strstr(faults_at(setting->faults, 0), rows[i].says), "%s", faults_at(setting->faults, 0));
    }
}

Test(finding, is_printable)
{
    struct finding finding;
    g_autofree char *filler = g_strnfill(1000, 'x');
    cr_expect(finding_set(&finding, OUTCOME_PASS, "%s", "good"));
    cr_expect_not(finding_set(&finding, OUTCOME_FAIL, "a\r\nb%s", filler));
    cr_expect_eq(finding.outcome, OUTCOME_FAIL);
    cr_expect_null(strpbrk(finding.reason, "\r\n"));
    cr_expect_lt(strlen(finding.reason), sizeof(finding.reason));
    static const char *const words[] = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        cr_expect_str_eq(outcome_name((enum outcome)i), words[i]);
}

/* CVE-2023-0464: each authority maps each policy to each, so that the tree of policies doubles at each level. */
Test(chain, policies_without_end)
{
    static const char *const policies = "certificatePolicies=1.2.3.1,1.2.3.2,1.2.3.3";
    static const char *const mappings =
        "policyMappings=1.2.3.1:1.2.3.1,1.2.3.1:1.2.3.2,1.2.3.1:1.2.3.3,1.2.3.2:1.2.3.1,1.2.3.2:1.2.3.2,"
        "1.2.3.2:1.2.3.3,1.2.3.3:1.2.3.1,1.2.3.3:1.2.3.2,1.2.3.3:1.2.3.3";
    AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );", "");
    struct pki *chain[11] = {pki_ca("Root")};
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    for (size_t i = 1; i < G_N_ELEMENTS(chain); i++) {
        chain[i] = pki_issue(&(struct pki_spec){.issuer = chain[i - 1],
                                                .ca = true,
                                                .subject = PKI_LIST("CN=Authority"),
                                                .extensions = PKI_LIST(policies, mappings)});
        X509_add_cert(untrusted, chain[i]->cert, X509_ADD_FLAG_UP_REF);
    }
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = chain[10],
                                                             .subject = PKI_LIST("CN=leaf"),
                                                             .san = PKI_LIST("email:a@partner.test"),
                                                             .extensions = PKI_LIST(policies)});
    g_free(pki_write(setting->folder, "root.pem", chain[0], NULL));
    setting_open(setting);
    setting_expect(setting, &(struct chain_query){.leaf = leaf->cert, .untrusted = untrusted, .purpose = PURPOSE_SIGN},
                   OUTCOME_FAIL, "too many certificate policies", "each authority maps each policy to each");
    for (size_t i = 0; i < G_N_ELEMENTS(chain); i++)
        pki_free(chain[i]);
    sk_X509_pop_free(untrusted, X509_free);
}
