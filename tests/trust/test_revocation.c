/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation as a step of its own, with scripted sources: who is asked what, when, and what the answers come to. What
 * CRLs say is in test_chain.c and test_pkits.c.
 */
#include "support/counted.h"
#include "support/scripted_revocation.h"
#include "support/setting.h"

#include "trust/crls.h"
#include "trust/path.h"

#define WANTED "trust_anchors = ( \"root.pem\" ); crls = ( \"crls\" );"
#define NOT_WANTED "trust_anchors = ( \"root.pem\" );"
#define FOREVER G_MAXINT64

/* Root → Authority → alice */
static struct setting *setting;
static struct pki *root, *authority, *alice;
static STACK_OF(X509) * untrusted;

static void setup(void)
{
    root = pki_ca("Root");
    authority = pki_sub_ca(root, "Authority");
    alice = pki_person(authority, "alice@acme.test");
    untrusted = sk_X509_new_null();
    X509_add_cert(untrusted, authority->cert, X509_ADD_FLAG_UP_REF);
    memset(scripted_revocation, 0, sizeof(scripted_revocation));
}

static void teardown(void)
{
    setting_free(setting);
    sk_X509_pop_free(untrusted, X509_free);
    pki_free(root);
    pki_free(authority);
    pki_free(alice);
}

TestSuite(revocation_step, .init = setup, .fini = teardown);

/* With sources NULL: as in production. */
static void open_with(const char *main_keys, const struct revocation_source *const *sources)
{
    if (setting != NULL)
        setting_free(setting);
    setting = setting_new(main_keys, "");
    g_autofree char *crls = g_build_filename(setting->folder, "crls", NULL);
    cr_assert_eq(g_mkdir(crls, 0700), 0);
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    setting_open(setting);
    trust_close(setting->trust);
    setting->trust = trust_open_with(setting->conf, sources, setting->faults);
}

static void expect_of(const struct pki *leaf, time_t at, STACK_OF(X509_CRL) * crls, enum outcome expected,
                      const char *says)
{
    struct chain_query query = {
        .leaf = leaf->cert, .untrusted = untrusted, .crls = crls, .purpose = PURPOSE_SIGN, .at = at};
    setting_expect(setting, &query, expected, says, says);
}

static void expect(enum outcome expected, const char *says)
{
    expect_of(alice, 0, NULL, expected, says);
}

#define GOOD REVOCATION_GOOD
#define REVOKED REVOCATION_REVOKED
#define UNKNOWN REVOCATION_UNKNOWN

Test(revocation_step, what_answers_come_to)
{
    static const struct {
        enum revocation_status alice, authority, root;
        const char *alice_reason, *authority_reason, *root_reason;
        enum outcome wanted;
        const char *says;
        enum outcome not_wanted;
    } rows[] = {
        {GOOD, GOOD, GOOD, NULL, NULL, NULL, OUTCOME_PASS, "valid", OUTCOME_PASS},
        {GOOD, GOOD, UNKNOWN, NULL, NULL, NULL, OUTCOME_PASS, "valid", OUTCOME_PASS},
        {GOOD, GOOD, UNKNOWN, NULL, NULL, "is odd", OUTCOME_PASS, "valid", OUTCOME_PASS}, /* RFC 5280 §6.1 */
        {GOOD, GOOD, REVOKED, NULL, NULL, NULL, OUTCOME_PASS, "valid", OUTCOME_PASS},
        {GOOD, REVOKED, GOOD, NULL, NULL, NULL, OUTCOME_FAIL, "CN=Authority,O=Tests\" is revoked", OUTCOME_FAIL},
        {REVOKED, REVOKED, GOOD, NULL, NULL, NULL, OUTCOME_FAIL, "CN=alice@acme.test,O=Tests\" is revoked",
         OUTCOME_FAIL},
        {UNKNOWN, REVOKED, GOOD, "x", NULL, NULL, OUTCOME_FAIL, "CN=Authority,O=Tests\" is revoked", OUTCOME_FAIL},
        {UNKNOWN, GOOD, GOOD, "is down", NULL, NULL, OUTCOME_TEMPERROR, "alice@acme.test,O=Tests\" is down",
         OUTCOME_PASS},
        {UNKNOWN, UNKNOWN, GOOD, "x", "y", NULL, OUTCOME_TEMPERROR, "CN=Authority,O=Tests\" y", OUTCOME_PASS},
        {UNKNOWN, UNKNOWN, GOOD, "x", NULL, NULL, OUTCOME_TEMPERROR, "alice@acme.test,O=Tests\" x", OUTCOME_PASS},
        {UNKNOWN, UNKNOWN, UNKNOWN, NULL, NULL, NULL, OUTCOME_TEMPERROR, "nothing knows about it", OUTCOME_PASS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int wanted = 0; wanted < 2; wanted++) {
            scripted_revocation[0] = (struct scripted_revocation){
                .rows = {{"alice", rows[i].alice, rows[i].alice_reason, FOREVER},
                         {"CN=Authority", rows[i].authority, rows[i].authority_reason, FOREVER},
                         {"CN=Root", rows[i].root, rows[i].root_reason, FOREVER}}};
            open_with(wanted ? WANTED : NOT_WANTED, scripted_revocation_sources);
            for (int again = 0; again < 2; again++)
                expect(wanted ? rows[i].wanted : rows[i].not_wanted,
                       !wanted && rows[i].not_wanted == OUTCOME_PASS ? "valid" : rows[i].says);
        }
}

/* About which certificates more should be known: a bit for each, and never one for an anchor. */
Test(revocation_step, what_should_be_known)
{
    static const struct {
        enum revocation_status alice, authority, root;
        enum revocation_check check;
        enum revocation_status status;
        uint64_t unknown;
    } rows[] = {
        {GOOD, GOOD, UNKNOWN, REVOCATION_CHECK_HARD, GOOD, 0},
        {UNKNOWN, GOOD, UNKNOWN, REVOCATION_CHECK_HARD, UNKNOWN, 1},
        {GOOD, UNKNOWN, UNKNOWN, REVOCATION_CHECK_HARD, UNKNOWN, 2},
        {UNKNOWN, UNKNOWN, UNKNOWN, REVOCATION_CHECK_HARD, UNKNOWN, 3},
        {UNKNOWN, GOOD, UNKNOWN, REVOCATION_CHECK_SOFT, GOOD, 1},
        {UNKNOWN, UNKNOWN, UNKNOWN, REVOCATION_CHECK_OFF, GOOD, 0},
        {UNKNOWN, REVOKED, UNKNOWN, REVOCATION_CHECK_HARD, REVOKED, 0},
    };
    open_with(WANTED, NULL);
    owned(anchors) struct anchors *anchors = trust_anchors(setting->trust, setting->partner);
    const struct revocation_setup of = {.conf = &setting->conf->revocation, .file = setting->conf->file};
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *const certificates[] = {alice->cert, authority->cert, root->cert};
    for (size_t i = 0; i < G_N_ELEMENTS(certificates); i++)
        sk_X509_push(chain, certificates[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct revocation_result result;
        struct finding finding = {0};
        scripted_revocation[0] =
            (struct scripted_revocation){.rows = {{"alice", rows[i].alice, NULL, FOREVER},
                                                  {"CN=Authority", rows[i].authority, NULL, FOREVER},
                                                  {"CN=Root", rows[i].root, NULL, FOREVER}}};
        owned(revocation) struct revocation *revocation =
            revocation_open(&of, scripted_revocation_sources, setting->faults);
        const struct revocation_query query = {
            .anchors = anchors, .chain = chain, .check = rows[i].check, .strength = true, .at = time(NULL)};
        revocation_check(revocation, &query, &result, &finding);
        cr_expect_eq(result.status, rows[i].status, "row %zu", i);
        cr_expect_eq(result.unknown, rows[i].unknown, "row %zu: %x", i, (unsigned)result.unknown);
        cr_expect_eq(result.below_anchor, 2, "row %zu", i);
    }
    sk_X509_free(chain);
}

static void expect_first_answers(const struct revocation_query *query, const struct revocation_answer *answers)
{
    cr_expect_eq(sk_X509_num(query->chain), 3);
    cr_expect_eq(answers[0].status, REVOCATION_GOOD, "the first source's");
    cr_expect_eq(answers[1].status, REVOCATION_UNKNOWN, "still to be told");
}

Test(revocation_step, sources_are_asked_in_order)
{
    scripted_revocation[0] = (struct scripted_revocation){.rows = {{"alice", GOOD, NULL, FOREVER}}};
    scripted_revocation[1] =
        (struct scripted_revocation){.rows = {{"alice", REVOKED, NULL, FOREVER}, {"CN=Authority", GOOD, NULL, FOREVER}},
                                     .on_ask = expect_first_answers};
    open_with(WANTED, scripted_revocation_sources);
    expect(OUTCOME_PASS, "valid");
    cr_expect_eq(scripted_revocation[0].asks, 1u);
    cr_expect_eq(scripted_revocation[1].asks, 1u);
}

static void expect_nothing_under_way(const struct revocation_query *query, const struct revocation_answer *answers)
{
    (void)query;
    (void)answers;
    cr_expect_eq(counted.running, 0u, "a source may be slow; OpenSSL is not to wait for it");
}

Test(revocation_step, comes_after_the_path)
{
    PKI_AUTO struct pki *expired = pki_issue(&(struct pki_spec){.issuer = authority,
                                                                .subject = PKI_LIST("CN=old"),
                                                                .not_before = time(NULL) - 500,
                                                                .not_after = time(NULL) - 100});
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    scripted_revocation[0] = (struct scripted_revocation){
        .rows = {{"", GOOD, NULL, FOREVER}, {"CN=old", REVOKED, NULL, FOREVER}}, .on_ask = expect_nothing_under_way};
    open_with(WANTED, scripted_revocation_sources);
    expect_of(expired, 0, NULL, OUTCOME_FAIL, "has expired");
    expect_of(stranger, 0, NULL, OUTCOME_POLICY, "not a trust anchor");
    cr_expect_eq(scripted_revocation[0].asks, 0u, "no source is asked for a path that is not valid");
    expect(OUTCOME_PASS, "valid");
    cr_expect_eq(scripted_revocation[0].asks, 1u);
}

/* --- what is remembered --- */

Test(revocation_step, answers_are_kept_as_long_as_they_stand)
{
    time_t now = time(NULL);
    static const struct {
        time_t until[3]; /* of alice, the authority and the root, from now; 0: asked again each time */
        int seconds;     /* the second question, so much later */
        unsigned asks;
    } rows[] = {
        {{100, 200, 200}, 0, 1},       {{100, 200, 200}, 100, 1},    {{100, 200, 200}, 101, 2},
        {{200, 100, 200}, 101, 2},     {{200, 200, 100}, 101, 1}, /* an anchor is not asked for */
        {{0, 200, 200}, 0, 2},         {{200, 0, 200}, 0, 2},        {{9000, 9000, 9000}, 3600, 1},
        {{9000, 9000, 9000}, 3601, 2}, {{9000, 9000, 9000}, -10, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        scripted_revocation[0] = (struct scripted_revocation){
            .rows = {{"alice", GOOD, NULL, rows[i].until[0] != 0 ? now + rows[i].until[0] : 0},
                     {"CN=Authority", GOOD, NULL, rows[i].until[1] != 0 ? now + rows[i].until[1] : 0},
                     {"CN=Root", GOOD, NULL, now + rows[i].until[2]}}};
        open_with(WANTED, scripted_revocation_sources);
        expect_of(alice, now, NULL, OUTCOME_PASS, "valid");
        expect_of(alice, now + rows[i].seconds, NULL, OUTCOME_PASS, "valid");
        cr_expect_eq(scripted_revocation[0].asks, rows[i].asks, "row %zu: %u", i, scripted_revocation[0].asks);
    }
}

Test(revocation_step, what_is_not_good_is_asked_again)
{
    static const enum revocation_status rows[] = {REVOCATION_UNKNOWN, REVOCATION_REVOKED};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        scripted_revocation[0] = (struct scripted_revocation){
            .rows = {{"alice", rows[i], "x", FOREVER}, {"CN=Authority", GOOD, NULL, FOREVER}}};
        open_with(WANTED, scripted_revocation_sources);
        expect(rows[i] == REVOKED ? OUTCOME_FAIL : OUTCOME_TEMPERROR, "");
        scripted_revocation[0].rows[0].status = GOOD;
        for (int again = 0; again < 2; again++)
            expect(OUTCOME_PASS, "valid");
        cr_expect_eq(scripted_revocation[0].asks, 2u);
    }
}

/* The path is looked for once, whatever is known about revocation. */
Test(revocation_step, the_path_is_kept_without_it)
{
    scripted_revocation[0] =
        (struct scripted_revocation){.rows = {{"alice", UNKNOWN, "x", FOREVER}, {"CN=Authority", GOOD, NULL, FOREVER}}};
    open_with(WANTED, scripted_revocation_sources);
    counted.paths = 0;
    for (int i = 0; i < 3; i++)
        expect(OUTCOME_TEMPERROR, "x");
    cr_expect_eq(counted.paths, 1u);
    cr_expect_eq(scripted_revocation[0].asks, 3u);
}

static STACK_OF(X509_CRL) * crls_new(const struct pki *issuer, const struct pki *revoked)
{
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    sk_X509_CRL_push(crls, pki_crl(&(struct pki_crl_spec){.issuer = issuer, .revoked = {revoked}}));
    return crls;
}

static void put_crls(const struct pki *revoked_person)
{
    X509_CRL *of_root = pki_crl(&(struct pki_crl_spec){.issuer = root});
    X509_CRL *of_authority = pki_crl(&(struct pki_crl_spec){.issuer = authority, .revoked = {revoked_person}});
    g_free(pki_write_crl(setting->folder, "crls/root.crl", of_root));
    g_free(pki_write_crl(setting->folder, "crls/authority.crl", of_authority));
    X509_CRL_free(of_root);
    X509_CRL_free(of_authority);
    trust_close(setting->trust);
    setting->trust = trust_open(setting->conf, setting->faults);
    cr_assert_not_null(setting->trust);
}

/* CRLs cost one more verification; a message that brings some costs it each time, but not the path again. */
Test(revocation_step, verifications_are_counted)
{
    STACK_OF(X509_CRL) *received = crls_new(authority, NULL), *none = sk_X509_CRL_new_null();
    open_with(NOT_WANTED, NULL);
    counted.paths = 0;
    for (int i = 0; i < 3; i++)
        expect(OUTCOME_PASS, "valid");
    cr_expect_eq(counted.paths, 1u, "%u without CRLs", counted.paths);
    for (int i = 0; i < 3; i++)
        expect_of(alice, 0, received, OUTCOME_PASS, "valid");
    cr_expect_eq(counted.paths, 4u, "%u with received CRLs", counted.paths);

    open_with(WANTED, NULL);
    put_crls(NULL);
    counted.paths = 0;
    for (int i = 0; i < 3; i++)
        expect(OUTCOME_PASS, "valid");
    cr_expect_eq(counted.paths, 2u, "%u with CRLs", counted.paths);
    expect_of(alice, 0, received, OUTCOME_PASS, "valid");
    expect(OUTCOME_PASS, "valid");
    cr_expect_eq(counted.paths, 3u, "%u after one that was received", counted.paths);

    open_with(WANTED, NULL);
    put_crls(NULL);
    counted.paths = 0;
    for (int i = 0; i < 3; i++)
        expect_of(alice, 0, none, OUTCOME_PASS, "valid");
    cr_expect_eq(counted.paths, 2u, "%u with none that was received", counted.paths);
    open_with(NOT_WANTED, NULL);
    counted.paths = 0;
    for (int i = 0; i < 2; i++)
        expect_of(alice, 0, received, OUTCOME_PASS, "valid");
    cr_expect_eq(counted.paths, 3u, "%u: the path is kept that came with CRLs", counted.paths);

    /* What is not known is verified once, if nothing was received that may have spoiled it. */
    open_with(WANTED, NULL);
    X509_CRL *of_root = pki_crl(&(struct pki_crl_spec){.issuer = root});
    g_free(pki_write_crl(setting->folder, "crls/root.crl", of_root));
    X509_CRL_free(of_root);
    trust_close(setting->trust);
    setting->trust = trust_open(setting->conf, setting->faults);
    counted.paths = 0;
    expect(OUTCOME_TEMPERROR, "no CRL");
    cr_expect_eq(counted.paths, 2u, "%u with an unknown certificate", counted.paths);
    sk_X509_CRL_pop_free(received, X509_CRL_free);
    sk_X509_CRL_free(none);
}

/* --- other paths --- */

/* The authority with the same name and key, certified once more. */
static struct pki *certified_anew(void)
{
    return pki_issue(&(struct pki_spec){
        .issuer = root, .ca = true, .subject = PKI_LIST("O=Tests", "CN=Authority"), .use_key = authority->key});
}

static X509 *revoked_authority;

static void revoke_one(const struct revocation_query *query, const struct revocation_answer *answers)
{
    X509 *asked = sk_X509_value(query->chain, 1);
    (void)answers;
    scripted_revocation[0].rows[1].status = X509_cmp(asked, revoked_authority) == 0 ? REVOKED : GOOD;
}

Test(revocation_step, another_path_may_avoid_an_authority_that_is_revoked)
{
    PKI_AUTO struct pki *anew = certified_anew();
    X509_add_cert(untrusted, anew->cert, X509_ADD_FLAG_UP_REF);
    X509 *const both[] = {authority->cert, anew->cert};
    time_t now = time(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        revoked_authority = both[i];
        scripted_revocation[0] = (struct scripted_revocation){
            .rows = {{"alice", GOOD, NULL, now + 10}, {"CN=Authority", GOOD, NULL, now + 10}}, .on_ask = revoke_one};
        open_with(WANTED, scripted_revocation_sources);
        expect_of(alice, now, NULL, OUTCOME_PASS, "valid");
        cr_expect_leq(scripted_revocation[0].asks, 2u);
        unsigned before = scripted_revocation[0].asks;
        expect_of(alice, now, NULL, OUTCOME_PASS, "valid");
        cr_expect_eq(scripted_revocation[0].asks, before, "the good path is remembered");
        revoked_authority = both[1 - i]; /* now that one */
        expect_of(alice, now + 20, NULL, OUTCOME_PASS, "valid");
        cr_expect_gt(scripted_revocation[0].asks, before + 1);
    }
}

Test(revocation_step, no_other_path_is_asked_for_in_vain)
{
    static const struct {
        enum revocation_status alice, authority;
        enum outcome expected;
        unsigned asks;
    } rows[] = {
        {REVOKED, GOOD, OUTCOME_FAIL, 1},      /* no path makes the leaf good */
        {UNKNOWN, GOOD, OUTCOME_TEMPERROR, 1}, /* to be asked for again */
        {GOOD, UNKNOWN, OUTCOME_TEMPERROR, 1},
        {GOOD, REVOKED, OUTCOME_FAIL, 2}, /* each path once */
    };
    PKI_AUTO struct pki *anew = certified_anew();
    X509_add_cert(untrusted, anew->cert, X509_ADD_FLAG_UP_REF);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        scripted_revocation[0] = (struct scripted_revocation){
            .rows = {{"alice", rows[i].alice, NULL, FOREVER}, {"CN=Authority", rows[i].authority, NULL, FOREVER}}};
        open_with(WANTED, scripted_revocation_sources);
        counted.paths = 0;
        expect(rows[i].expected, "");
        cr_expect_eq(scripted_revocation[0].asks, rows[i].asks, "row %zu: %u", i, scripted_revocation[0].asks);
        cr_expect_eq(counted.paths, rows[i].asks, "row %zu: %u", i, counted.paths);
    }
}

/* The path that is good in spite of what a message revokes takes the place of the one that was known. */
Test(revocation_step, another_path_is_remembered)
{
    PKI_AUTO struct pki *anew = certified_anew();
    X509_add_cert(untrusted, anew->cert, X509_ADD_FLAG_UP_REF);
    const struct pki *const both[] = {authority, anew};
    unsigned replaced = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        STACK_OF(X509_CRL) *received = crls_new(root, both[i]);
        unsigned paths[2];
        open_with(NOT_WANTED, NULL);
        expect(OUTCOME_PASS, "valid");
        for (int again = 0; again < 2; again++) {
            counted.paths = 0;
            expect_of(alice, 0, received, OUTCOME_PASS, "valid");
            paths[again] = counted.paths;
        }
        replaced += paths[1] < paths[0];
        sk_X509_CRL_pop_free(received, X509_CRL_free);
    }
    cr_expect_eq(replaced, 1u, "where the known one was revoked: %u", replaced);
}

/* An authority that is revoked is so wherever the path goes on from it. */
Test(revocation_step, other_paths_through_a_revoked_authority_are_not_judged)
{
    PKI_AUTO struct pki *below = pki_sub_ca(authority, "Below"), *bob = pki_person(below, "bob@acme.test"),
                        *anew = certified_anew();
    X509_add_cert(untrusted, below->cert, X509_ADD_FLAG_UP_REF);
    X509_add_cert(untrusted, anew->cert, X509_ADD_FLAG_UP_REF);
    scripted_revocation[0] =
        (struct scripted_revocation){.rows = {{"CN=Below", REVOKED, NULL, FOREVER}, {"", GOOD, NULL, FOREVER}}};
    open_with(WANTED, scripted_revocation_sources);
    expect_of(bob, 0, NULL, OUTCOME_FAIL, "CN=Below,O=Tests\" is revoked");
    cr_expect_eq(scripted_revocation[0].asks, 1u, "%u", scripted_revocation[0].asks);
}

static void revoke_first_authority(const struct revocation_query *query, const struct revocation_answer *answers)
{
    (void)query;
    (void)answers;
    scripted_revocation[0].rows[1].status = scripted_revocation[0].asks == 1 ? REVOKED : GOOD;
}

/* Whatever stood there before, and whatever the first of several paths came to. */
Test(revocation_step, says_whether_something_is_revoked)
{
    PKI_AUTO struct pki *anew = certified_anew(), *stranger = pki_person(NULL, "stranger@acme.test");
    const struct {
        const struct pki *leaf;
        enum revocation_status alice, authority;
        void (*on_ask)(const struct revocation_query *query, const struct revocation_answer *answers);
        enum outcome expected;
        bool revoked;
    } rows[] = {{alice, GOOD, GOOD, NULL, OUTCOME_PASS, false},
                {alice, UNKNOWN, GOOD, NULL, OUTCOME_TEMPERROR, false},
                {alice, REVOKED, GOOD, NULL, OUTCOME_FAIL, true},
                {alice, GOOD, REVOKED, NULL, OUTCOME_FAIL, true},
                {alice, GOOD, GOOD, revoke_first_authority, OUTCOME_PASS, false}, /* the other path is good */
                {stranger, GOOD, GOOD, NULL, OUTCOME_POLICY, false}};
    X509_add_cert(untrusted, anew->cert, X509_ADD_FLAG_UP_REF);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        scripted_revocation[0] = (struct scripted_revocation){
            .rows = {{"alice", rows[i].alice, NULL, FOREVER}, {"CN=Authority", rows[i].authority, NULL, FOREVER}},
            .on_ask = rows[i].on_ask};
        open_with(WANTED, scripted_revocation_sources);
        bool revoked = true;
        struct missing *missing = GINT_TO_POINTER(1);
        setting_expect(setting,
                       &(struct chain_query){.leaf = rows[i].leaf->cert,
                                             .untrusted = untrusted,
                                             .purpose = PURPOSE_SIGN,
                                             .missing = &missing,
                                             .revoked = &revoked},
                       rows[i].expected, "", "whether something is revoked");
        cr_expect_eq(revoked, rows[i].revoked, "row %zu", i);
        cr_expect_null(missing, "row %zu: there is nothing to fetch", i);
    }
}

static void revoke_the_first(const struct revocation_query *query, const struct revocation_answer *answers)
{
    (void)query;
    (void)answers;
    scripted_revocation[0].rows[1].status = scripted_revocation[0].asks == 1 ? REVOKED : UNKNOWN;
}

Test(revocation_step, the_path_that_openssl_prefers_is_told_of)
{
    PKI_AUTO struct pki *anew = certified_anew();
    X509_add_cert(untrusted, anew->cert, X509_ADD_FLAG_UP_REF);
    scripted_revocation[0] = (struct scripted_revocation){
        .rows = {{"alice", GOOD, NULL, FOREVER}, {"CN=Authority", GOOD, NULL, FOREVER}}, .on_ask = revoke_the_first};
    open_with(WANTED, scripted_revocation_sources);
    expect(OUTCOME_FAIL, "is revoked");
    cr_expect_eq(scripted_revocation[0].asks, 2u);
}

static void revoke_one_after_another(const struct revocation_query *query, const struct revocation_answer *answers)
{
    static const enum revocation_status answers_in_order[] = {REVOKED, UNKNOWN, GOOD};
    (void)query;
    (void)answers;
    scripted_revocation[0].rows[1].status = answers_in_order[MIN(scripted_revocation[0].asks, 3) - 1];
}

/* … which is known of the first alone. */
Test(revocation_step, behind_a_path_that_is_not_known_a_good_one_is_found)
{
    PKI_AUTO struct pki *anew = certified_anew();
    PKI_AUTO struct pki *once_more = certified_anew();
    X509_add_cert(untrusted, anew->cert, X509_ADD_FLAG_UP_REF);
    X509_add_cert(untrusted, once_more->cert, X509_ADD_FLAG_UP_REF);
    scripted_revocation[0] =
        (struct scripted_revocation){.rows = {{"alice", GOOD, NULL, FOREVER}, {"CN=Authority", GOOD, NULL, FOREVER}},
                                     .on_ask = revoke_one_after_another};
    open_with(WANTED, scripted_revocation_sources);
    expect(OUTCOME_PASS, "valid");
    cr_expect_eq(scripted_revocation[0].asks, 3u);
}

/* The first path is not valid, of the others one is revoked. */
Test(revocation_step, other_paths_are_asked_for_where_the_first_is_not_valid)
{
    PKI_AUTO struct pki *wrong = pki_issue(&(struct pki_spec){.issuer = root,
                                                              .ca = true,
                                                              .subject = PKI_LIST("O=Tests", "CN=Authority"),
                                                              .use_key = authority->key,
                                                              .eku = "codeSigning"});
    PKI_AUTO struct pki *anew = certified_anew();
    sk_X509_pop_free(untrusted, X509_free);
    untrusted = sk_X509_new_null();
    const struct pki *order[] = {wrong, authority, anew};
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
        X509_add_cert(untrusted, order[i]->cert, X509_ADD_FLAG_UP_REF);
    revoked_authority = authority->cert;
    scripted_revocation[0] = (struct scripted_revocation){
        .rows = {{"alice", GOOD, NULL, FOREVER}, {"CN=Authority", GOOD, NULL, FOREVER}}, .on_ask = revoke_one};
    open_with(WANTED, scripted_revocation_sources);
    expect(OUTCOME_PASS, "valid");
    cr_expect_eq(scripted_revocation[0].asks, 2u);
    /* None is good: what is said is about one that is valid. */
    scripted_revocation[0] = (struct scripted_revocation){
        .rows = {{"alice", GOOD, NULL, FOREVER}, {"CN=Authority", REVOKED, NULL, FOREVER}}};
    open_with(WANTED, scripted_revocation_sources);
    expect(OUTCOME_FAIL, "is revoked");
    cr_expect_eq(scripted_revocation[0].asks, 2u);
}

/* --- opening --- */

Test(revocation_step, a_source_that_does_not_open)
{
    scripted_revocation[1].does_not_open = true;
    open_with(WANTED, scripted_revocation_sources);
    cr_expect_null(setting->trust);
    cr_expect_eq(faults_errors(setting->faults), 1);
    cr_expect_eq(scripted_revocation[0].opened, 1u);
    cr_expect_eq(scripted_revocation[0].closed, 1u);
    cr_expect_eq(scripted_revocation[1].closed, 0u);
    scripted_revocation[1].does_not_open = false;
    open_with(WANTED, scripted_revocation_sources);
    trust_close(setting->trust);
    setting->trust = NULL;
    cr_expect_eq(scripted_revocation[0].opened, 2u);
    cr_expect_eq(scripted_revocation[0].closed, 2u);
    cr_expect_eq(scripted_revocation[1].closed, 1u);
}

/* --- CRLs --- */

/* What comes out of a verification of another path is about other certificates. */
Test(revocation_step, crls_of_another_path_tell_nothing)
{
    PKI_AUTO struct pki *anew = certified_anew();
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    PKI_AUTO struct pki *odd = pki_issue(&(struct pki_spec){
        .issuer = authority, .subject = PKI_LIST("CN=odd"), .extensions = PKI_LIST("1.2.3.4=critical,DER:0500")});
    open_with(WANTED, NULL);
    put_crls(NULL);
    owned(anchors) struct anchors *anchors = trust_anchors(setting->trust, setting->partner);
    const struct revocation_setup setup = {.conf = &setting->conf->revocation, .file = setting->conf->file};
    void *crls = revocation_source_crls.open(&setup, setting->faults);
    cr_assert_not_null(crls);
    const struct {
        X509 *chain[4];
        bool good;
    } rows[] = {
        {{alice->cert, authority->cert, root->cert}, true},
        {{alice->cert, anew->cert, root->cert}, true},
        {{odd->cert, authority->cert, root->cert}, false}, /* the verification ends before it looks at CRLs */
        {{alice->cert, root->cert}, false},
        {{alice->cert, authority->cert, stranger->cert}, false},
        {{alice->cert, stranger->cert, root->cert}, false},
        {{alice->cert, authority->cert, anew->cert, root->cert}, false},
        {{alice->cert, authority->cert, root->cert, root->cert}, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        STACK_OF(X509) *chain = sk_X509_new_null();
        struct revocation_answer answers[4] = {0};
        for (size_t j = 0; j < 4 && rows[i].chain[j] != NULL; j++)
            sk_X509_push(chain, rows[i].chain[j]);
        struct revocation_query query = {.anchors = anchors,
                                         .chain = chain,
                                         .untrusted = untrusted,
                                         .check = REVOCATION_CHECK_HARD,
                                         .strength = true,
                                         .at = time(NULL)};
        revocation_source_crls.ask(crls, &query, answers);
        for (int j = 0; j < sk_X509_num(chain); j++) {
            cr_expect_eq(answers[j].status == REVOCATION_GOOD, rows[i].good, "row %zu, %d", i, j);
            cr_expect_eq(answers[j].reason == NULL, rows[i].good, "row %zu, %d", i, j);
        }
        sk_X509_free(chain);
    }
    revocation_source_crls.close(crls);
}

Test(revocation_step, crls_answer_for_each_certificate)
{
    open_with(WANTED, NULL);
    put_crls(NULL);
    g_autofree char *missing = g_build_filename(setting->folder, "crls", "authority.crl", NULL);
    cr_assert_eq(g_remove(missing), 0);
    const struct revocation_setup setup = {.conf = &setting->conf->revocation, .file = setting->conf->file};
    void *crls = revocation_source_crls.open(&setup, setting->faults);
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *const certificates[] = {alice->cert, authority->cert, root->cert};
    for (size_t i = 0; i < G_N_ELEMENTS(certificates); i++)
        sk_X509_push(chain, certificates[i]);
    owned(anchors) struct anchors *anchors = trust_anchors(setting->trust, setting->partner);
    struct revocation_query query = {
        .anchors = anchors, .chain = chain, .check = REVOCATION_CHECK_HARD, .strength = true, .at = time(NULL)};
    struct revocation_answer answers[3] = {0};
    revocation_source_crls.ask(crls, &query, answers);
    cr_expect_eq(answers[0].status, UNKNOWN);
    cr_expect_str_eq(answers[0].reason, "cannot be checked for revocation: there is no CRL for it");
    cr_expect_eq(answers[1].status, GOOD);
    cr_expect_eq(answers[2].status, GOOD);
    sk_X509_free(chain);
    revocation_source_crls.close(crls);
}

Test(revocation_step, crls_leave_what_an_earlier_source_knows)
{
    const struct revocation_source *const sources[] = {scripted_revocation_sources[0], &revocation_source_crls, NULL};
    PKI_AUTO struct pki *bob = pki_person(authority, "bob@acme.test");
    scripted_revocation[0] = (struct scripted_revocation){.rows = {{"alice", GOOD, NULL, FOREVER}}};
    open_with(WANTED, NULL);
    X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = authority, .revoked = {alice, bob}});
    X509_CRL *of_root = pki_crl(&(struct pki_crl_spec){.issuer = root});
    g_free(pki_write_crl(setting->folder, "crls/a.crl", crl));
    g_free(pki_write_crl(setting->folder, "crls/r.crl", of_root));
    X509_CRL_free(crl);
    X509_CRL_free(of_root);
    trust_close(setting->trust);
    setting->trust = trust_open_with(setting->conf, sources, setting->faults);
    expect_of(bob, 0, NULL, OUTCOME_FAIL, "revoked");
    expect_of(alice, 0, NULL, OUTCOME_PASS, "valid");
    scripted_revocation[0].rows[0].status = REVOKED;
    PKI_AUTO struct pki *alice_again = pki_person(authority, "alice@acme.test");
    expect_of(alice_again, 0, NULL, OUTCOME_FAIL, "revoked");
}

/* What a message completes, the next message has to bring again. */
Test(revocation_step, received_crls_are_not_kept)
{
    STACK_OF(X509_CRL) *received = crls_new(authority, NULL);
    open_with(WANTED, NULL);
    put_crls(NULL);
    g_autofree char *missing = g_build_filename(setting->folder, "crls", "authority.crl", NULL);
    cr_assert_eq(g_remove(missing), 0);
    trust_close(setting->trust);
    setting->trust = trust_open(setting->conf, setting->faults);
    expect_of(alice, 0, received, OUTCOME_PASS, "valid");
    expect(OUTCOME_TEMPERROR, "no CRL");
    sk_X509_CRL_pop_free(received, X509_CRL_free);
}
