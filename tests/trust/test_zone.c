/* SPDX-License-Identifier: Apache-2.0 */
/* What the SMIMEA records of a zone do to a certificate's chain (RFC 8162, RFC 6698 §2.1.1). */
#include "support/setting.h"
#include "support/smimea.h"

#include "store/store.h"

#define DAY 86400
#define OTHERWISE_GOOD "(otherwise it is trusted)"

struct world {
    struct setting *setting;
    struct pki *ours, *authority; /* our anchor, and one below it */
    struct pki *theirs;           /* a root that we do not know */
    STACK_OF(X509) * untrusted;
};

static struct world *world_with(const char *main_keys, const char *partner_keys)
{
    struct world *world = g_new0(struct world, 1);
    g_autofree char *keys = g_strconcat("trust_anchors = ( \"root.pem\" );", main_keys, NULL);
    world->setting = setting_new(keys, partner_keys);
    world->ours = pki_ca("Ours");
    world->authority = pki_sub_ca(world->ours, "Authority");
    world->theirs = pki_ca("Theirs");
    world->untrusted = sk_X509_new_null();
    X509_add_cert(world->untrusted, world->authority->cert, X509_ADD_FLAG_UP_REF);
    X509_add_cert(world->untrusted, world->theirs->cert, X509_ADD_FLAG_UP_REF);
    g_free(pki_write(world->setting->folder, "root.pem", world->ours, NULL));
    return world;
}

static struct world *world_new(const char *main_keys)
{
    return world_with(main_keys, "");
}

static void world_free(struct world *world)
{
    sk_X509_pop_free(world->untrusted, X509_free);
    pki_free(world->ours);
    pki_free(world->authority);
    pki_free(world->theirs);
    setting_free(world->setting);
    g_free(world);
}
DECLARE_OWNED(world, struct world *, world_free)

static struct associations *zone_of(GBytes *rdata)
{
    size_t unusable = 0;
    gsize length = 0;
    const char *data = g_bytes_get_data(rdata, &length);
    struct associations *zone = associations_read(&(struct slice){data, length}, 1, &unusable);
    cr_assert_not_null(zone);
    g_bytes_unref(rdata);
    return zone;
}

/* Two records of one zone. */
static struct associations *zone_of_two(GBytes *first, GBytes *second)
{
    size_t unusable = 0;
    gsize lengths[2] = {0};
    const char *data[] = {g_bytes_get_data(first, &lengths[0]), g_bytes_get_data(second, &lengths[1])};
    struct associations *zone =
        associations_read((const struct slice[]){{data[0], lengths[0]}, {data[1], lengths[1]}}, 2, &unusable);
    cr_assert_not_null(zone);
    g_bytes_unref(first);
    g_bytes_unref(second);
    return zone;
}

static bool judge(const struct world *world, const struct pki *leaf, struct associations *zone, bool *vouched,
                  struct finding *finding)
{
    const struct chain_query query = {.leaf = leaf->cert,
                                      .untrusted = world->untrusted,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .zone = zone,
                                      .vouched = vouched};
    *vouched = false;
    *finding = (struct finding){0};
    setting_judge(world->setting, &query, finding);
    return finding->outcome == OUTCOME_PASS;
}

/* Which records make which certificate pass. */
Test(zone, usages)
{
    owned(world) struct world *world = world_new("");
    setting_open(world->setting);
    PKI_AUTO struct pki *known = pki_person(world->authority, "bob@partner.test"),
                        *unknown = pki_person(world->theirs, "bob@partner.test"),
                        *other = pki_person(world->theirs, "carol@partner.test"), *elsewhere = pki_ca("Elsewhere");
    enum { NEVER, PASSES, VOUCHED };
    const struct {
        unsigned usage;
        const struct pki *named, *leaf;
        int expected;
    } rows[] = {
        {USAGE_AUTHORITY, world->authority, known, PASSES},
        {USAGE_AUTHORITY, world->ours, known, PASSES},
        {USAGE_AUTHORITY, world->theirs, known, NEVER},   /* not in its path */
        {USAGE_AUTHORITY, world->theirs, unknown, NEVER}, /* no path to an anchor of ours */
        {USAGE_AUTHORITY, known, known, NEVER},           /* is no authority of its own */
        {USAGE_CERTIFICATE, known, known, PASSES},
        {USAGE_CERTIFICATE, unknown, known, NEVER},
        {USAGE_CERTIFICATE, unknown, unknown, NEVER},
        {USAGE_ANCHOR, world->theirs, unknown, VOUCHED},
        {USAGE_ANCHOR, world->ours, unknown, NEVER},
        {USAGE_ANCHOR, world->authority, known, VOUCHED},
        {USAGE_ANCHOR, elsewhere, known, NEVER},
        {USAGE_ANCHOR, unknown, unknown, NEVER},
        {USAGE_ZONE, unknown, unknown, VOUCHED},
        {USAGE_ZONE, known, known, PASSES}, /* the path is there anyway */
        {USAGE_ZONE, other, unknown, NEVER},
        {USAGE_ZONE, other, known, NEVER},
        {USAGE_ZONE, world->theirs, unknown, NEVER},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (unsigned selector = 0; selector < 2; selector++)
            for (unsigned matching = 0; matching < 3; matching++) {
                owned(associations) struct associations *zone =
                    zone_of(smimea_rdata(rows[i].usage, selector, matching, rows[i].named->cert));
                struct finding finding;
                bool vouched;
                bool passes = judge(world, rows[i].leaf, zone, &vouched, &finding);
                cr_expect_eq(passes ? 1 + vouched : 0, rows[i].expected, "row %zu, %u %u: %s", i, selector, matching,
                             finding.reason);
                cr_expect(passes || finding.outcome == OUTCOME_POLICY, "row %zu: %s", i, finding.reason);
            }
}

/* Whatever vouches: not for what has expired, may not encrypt, is weak, or is an authority. */
Test(zone, never_without)
{
    owned(world) struct world *world = world_new("");
    time_t now = time(NULL);
    const struct pki_spec specs[] = {
        {.not_before = now - 9 * DAY, .not_after = now - DAY},
        {.not_before = now + DAY},
        {.key_usage = "digitalSignature"},
        {.key = PKI_RSA_1024},
        {.eku = "serverAuth"},
        {.ca = true},
    };
    setting_open(world->setting);
    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++)
        for (unsigned usage = USAGE_ANCHOR; usage <= USAGE_ZONE; usage++) {
            struct pki_spec spec = specs[i];
            spec.issuer = world->theirs;
            spec.san = PKI_LIST("email:bob@partner.test");
            PKI_AUTO struct pki *leaf = pki_issue(&spec);
            owned(associations) struct associations *zone =
                zone_of(smimea_rdata(usage, 0, 0, usage == USAGE_ZONE ? leaf->cert : world->theirs->cert));
            struct finding finding;
            bool vouched;
            cr_expect_not(judge(world, leaf, zone, &vouched, &finding), "row %zu, usage %u", i, usage);
            cr_expect_eq(finding.outcome, OUTCOME_FAIL, "row %zu, usage %u: %s", i, usage, finding.reason);
            if (spec.eku != NULL)
                cr_expect_not_null(strstr(finding.reason, OTHERWISE_GOOD), "usage %u: %s", usage, finding.reason);
        }
}

/* Nor for what may not be used by its path to an anchor of ours, of which it is said that it is valid. */
Test(zone, never_without_usage)
{
    owned(world) struct world *world = world_new("");
    setting_open(world->setting);
    PKI_AUTO struct pki *web =
        pki_issue(&(struct pki_spec){.issuer = world->authority, .subject = PKI_LIST("CN=web"), .eku = "serverAuth"});
    owned(associations) struct associations *zone = zone_of(smimea_rdata(USAGE_CERTIFICATE, 0, 0, web->cert));
    for (int again = 0; again < 2; again++) {
        struct finding finding;
        bool vouched;
        cr_expect_not(judge(world, web, zone, &vouched, &finding));
        cr_expect_eq(finding.outcome, OUTCOME_FAIL);
        cr_expect_not_null(strstr(finding.reason, OTHERWISE_GOOD), "%s", finding.reason);
    }
}

/* What an anchor of ours has revoked stays revoked; where that cannot be known, the check decides, and not the zone. */
Test(zone, revoked)
{
    owned(world) struct world *world = world_new("crls = ( \"root.crl\", \"authority.crl\" );");
    PKI_AUTO struct pki *revoked = pki_person(world->authority, "bob@partner.test"),
                        *stranger = pki_person(world->theirs, "bob@partner.test");
    const char *folder = world->setting->folder;
    X509_CRL *first = pki_crl(&(struct pki_crl_spec){.issuer = world->ours}),
             *second = pki_crl(&(struct pki_crl_spec){.issuer = world->authority, .revoked = {revoked}});
    g_free(pki_write_crl(folder, "root.crl", first));
    g_free(pki_write_crl(folder, "authority.crl", second));
    X509_CRL_free(first);
    X509_CRL_free(second);
    setting_open(world->setting);
    struct finding finding;
    bool vouched;
    owned(associations) struct associations *zone = zone_of(smimea_rdata(USAGE_ZONE, 0, 0, revoked->cert));
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        cr_expect_not(judge(world, revoked, zone, &vouched, &finding));
        cr_expect(finding.outcome == OUTCOME_FAIL && strstr(finding.reason, "revoked") != NULL, "%s", finding.reason);
    }
    owned(associations) struct associations *own = zone_of(smimea_rdata(USAGE_ZONE, 0, 0, stranger->cert));
    cr_expect(judge(world, stranger, own, &vouched, &finding) && vouched, "%s", finding.reason);
    /* The authority that the zone asserts has no list here, and the check is "hard". */
    owned(associations) struct associations *anchor = zone_of(smimea_rdata(USAGE_ANCHOR, 0, 0, world->theirs->cert));
    cr_expect_not(judge(world, stranger, anchor, &vouched, &finding));
    cr_expect_eq(finding.outcome, OUTCOME_TEMPERROR, "%s", finding.reason);
}

/* Without a zone, a certificate that the zone has made pass does not: nothing of it is kept. */
Test(zone, nothing_stays)
{
    owned(world) struct world *world = world_new("");
    setting_open(world->setting);
    PKI_AUTO struct pki *unknown = pki_person(world->theirs, "bob@partner.test");
    for (unsigned usage = USAGE_ANCHOR; usage <= USAGE_ZONE; usage++) {
        owned(associations) struct associations *zone =
            zone_of(smimea_rdata(usage, 0, 0, usage == USAGE_ZONE ? unknown->cert : world->theirs->cert));
        struct finding finding;
        bool vouched;
        cr_expect(judge(world, unknown, zone, &vouched, &finding), "%s", finding.reason);
        cr_expect_not(judge(world, unknown, NULL, &vouched, &finding));
    }
}

/* Where the partner's file asks for an authority, the zone's word is not enough. */
Test(zone, demands)
{
    owned(world) struct world *world = world_with("", "require_certificate = { policies = ( \"1.2.3.4\" ); };");
    setting_open(world->setting);
    PKI_AUTO struct pki *claims = pki_issue(&(struct pki_spec){.issuer = world->theirs,
                                                               .san = PKI_LIST("email:bob@partner.test"),
                                                               .extensions = PKI_LIST("certificatePolicies=1.2.3.4")}),
                        *known = pki_issue(&(struct pki_spec){.issuer = world->ours,
                                                              .san = PKI_LIST("email:bob@partner.test"),
                                                              .extensions = PKI_LIST("certificatePolicies=1.2.3.4")});
    struct finding finding;
    bool vouched;
    for (unsigned usage = USAGE_ANCHOR; usage <= USAGE_ZONE; usage++) {
        owned(associations) struct associations *zone =
            zone_of(smimea_rdata(usage, 0, 0, usage == USAGE_ZONE ? claims->cert : world->theirs->cert));
        cr_expect_not(judge(world, claims, zone, &vouched, &finding));
        cr_expect_eq(finding.outcome, OUTCOME_POLICY, "%s", finding.reason);
    }
    owned(associations) struct associations *good = zone_of(smimea_rdata(USAGE_ZONE, 0, 0, known->cert));
    cr_expect(judge(world, known, good, &vouched, &finding), "%s", finding.reason);
}

/* One record restricts the ways to our anchors, the other one asserts an anchor: one that fits is enough. */
Test(zone, each_record_has_its_say)
{
    owned(world) struct world *world = world_new("");
    setting_open(world->setting);
    PKI_AUTO struct pki *known = pki_person(world->authority, "bob@partner.test");
    owned(associations) struct associations *zone =
        zone_of_two(smimea_rdata(USAGE_AUTHORITY, 0, 0, world->theirs->cert),
                    smimea_rdata(USAGE_ANCHOR, 0, 0, world->authority->cert));
    struct finding finding;
    bool vouched;
    cr_expect(judge(world, known, zone, &vouched, &finding) && vouched, "%s", finding.reason);
}

/* What the zone does not speak of is no way to pass, and no path is looked for. */
Test(zone, says_why_not)
{
    owned(world) struct world *world = world_new("");
    setting_open(world->setting);
    PKI_AUTO struct pki *known = pki_person(world->authority, "bob@partner.test"),
                        *other = pki_person(world->theirs, "carol@partner.test");
    const struct {
        unsigned usage;
        const struct pki *named;
        const char *says;
    } rows[] = {
        {USAGE_ZONE, other, "the zone names other certificates and no authority of this one"},
        {USAGE_CERTIFICATE, other, "the zone names other certificates and no authority of this one"},
        {USAGE_AUTHORITY, world->theirs, "the path does not lead through an authority that the zone names"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(associations) struct associations *zone = zone_of(smimea_rdata(rows[i].usage, 0, 0, rows[i].named->cert));
        struct finding finding;
        bool vouched;
        cr_expect_not(judge(world, known, zone, &vouched, &finding));
        cr_expect_str_eq(finding.reason, rows[i].says, "row %zu", i);
    }
}

/* The lists of a message; sk_X509_CRL_pop_free(). */
static STACK_OF(X509_CRL) * revoking(const struct world *world, const struct pki *known)
{
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    sk_X509_CRL_push(crls, pki_crl(&(struct pki_crl_spec){.issuer = world->authority, .revoked = {known}}));
    return crls;
}

/* A message says so of a certificate whose path is known from before: the zone does not make that good. */
Test(zone, revoked_by_a_message)
{
    owned(world) struct world *world = world_new("");
    setting_open(world->setting);
    PKI_AUTO struct pki *known = pki_person(world->authority, "bob@partner.test");
    owned(associations) struct associations *zone = zone_of(smimea_rdata(USAGE_ZONE, 0, 0, known->cert));
    STACK_OF(X509_CRL) *crls = revoking(world, known);
    const struct chain_query query = {
        .leaf = known->cert, .untrusted = world->untrusted, .crls = crls, .purpose = PURPOSE_ENCRYPT, .zone = zone};
    struct finding finding;
    bool vouched;
    cr_expect(judge(world, known, zone, &vouched, &finding) && !vouched, "%s", finding.reason);
    setting_expect(world->setting, &query, OUTCOME_FAIL, "is revoked", "the path is known");
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

/* A path to an anchor of ours, of which it was not looked up whether it is revoked: the zone's word is not enough. */
Test(zone, does_not_vouch_for_what_was_not_looked_up)
{
    owned(world) struct world *world = world_new("");
    setting_open(world->setting);
    PKI_AUTO struct pki *known = pki_person(world->authority, "bob@partner.test");
    owned(associations) struct associations *zone = zone_of(smimea_rdata(USAGE_ZONE, 0, 0, known->cert));
    STACK_OF(X509_CRL) *crls = revoking(world, known);
    struct budget budget = {.limit = UINT64_MAX};
    const struct chain_query query = {.leaf = known->cert,
                                      .untrusted = world->untrusted,
                                      .crls = crls,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .budget = &budget,
                                      .zone = zone};
    setting_expect(world->setting, &query, OUTCOME_FAIL, "is revoked", "without a limit");
    uint64_t full = budget.spent;
    for (uint64_t i = 0; i < 32; i++) {
        trust_close(world->setting->trust); /* nothing is remembered */
        world->setting->trust = trust_open(world->setting->conf, world->setting->faults);
        budget = (struct budget){.limit = full / 32 * i};
        setting_expect(world->setting, &query, OUTCOME_PERMERROR, BUDGET_SPENT, "with a limit");
    }
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

/* The anchor may be in a bundle that has not come yet, and may have revoked what the zone stands for: failed is never
 * none. */
Test(zone, does_not_vouch_before_a_bundle_has_come)
{
    PKI_AUTO struct pki *unknown = pki_person(NULL, "bob@partner.test");
    AUTO_SETTING setting =
        setting_new("trust_anchors = ( { url = \"https://bundle.test/bundle\"; } ); store = \"sqlite:store.db\";", "");
    g_autofree char *uri = g_strdup_printf("sqlite:%s/store.db", setting->folder);
    owned(store) struct store *store = store_open(uri);
    struct error error = {0};
    cr_assert(store_create(store, &error), "%s", error.text);
    setting_open(setting);
    owned(associations) struct associations *zone = zone_of(smimea_rdata(USAGE_ZONE, 0, 0, unknown->cert));
    const struct chain_query query = {.leaf = unknown->cert, .purpose = PURPOSE_ENCRYPT, .zone = zone};
    setting_expect(setting, &query, OUTCOME_TEMPERROR, "has not been fetched yet", "a bundle");
}
