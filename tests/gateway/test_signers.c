/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked about the signers of each layer and about its encrypter, what is not asked, and what that costs.
 */
#include "gateway/internal.h"

#include "support/attack.h"
#include "support/scripted_certs.h"

#define DOMAIN SIGNATURE_TYPE_DOMAIN
#define AGREED                                                                                                         \
    "naming = \"mailbox\"; "                                                                                           \
    "inbound = { require = \"sign\"; otherwise = \"quarantine\"; without_signature_type = \"domain\"; };"

static const struct signer_view *signer_of(const struct sent *in)
{
    return &in->result->lookups.views[0].signers[0];
}

/* A message from these authors. */
static struct sent arrive(const struct rig *rig, const char *from, const struct attack *attack)
{
    g_autofree char *header = g_strconcat(from, ATTACK_FIELDS, NULL);
    g_autofree char *text = attack_opaque(header, attack_sign(attack));
    return attack_in(rig, text);
}

/* The only source of certificates. */
static struct scripted_certs *script_in(const struct rig *rig)
{
    struct scripted_certs *script = scripted_certs_new("script");
    scripted_certs_replace(&rig->partner.gateway->certs, script, NULL);
    return script;
}

/* The signers of a message that has arrived are asked about once more, with so much to spend. */
static struct lookups ask_again(const struct rig *rig, struct sent *in, uint64_t limit)
{
    struct lookups lookups = {0};
    unsigned issuers = ISSUERS_MAX;
    const struct patience patience = {.deadline = g_get_monotonic_time() + 10 * G_USEC_PER_SEC, .issuers = &issuers};
    in->result->accounts.visible = (struct budget){.limit = limit};
    lookups_ask_signers(&lookups, rig->partner.gateway, &in->result->mail, &patience);
    return lookups;
}
#define AUTO_LOOKUPS __attribute__((cleanup(lookups_clear_signers))) struct lookups

/* --- names --- */

/* A signature's type says for which roles the names count. A path that leads nowhere makes them worthless, but what has
 * no type must be known as the domain's. */
Test(signers, names_are_compared_for_the_roles_of_the_type)
{
    static const struct {
        unsigned types;
        bool agreed, stranger, domain, review, attribute;
    } rows[] = {
        {0, false, false, false, false, false},
        {0, true, false, true, false, false},
        {0, true, true, true, false, false},
        {DOMAIN, false, false, true, false, false},
        {DOMAIN, false, true, false, false, false},
        {SIGNATURE_TYPE_REVIEW, true, false, false, true, false},
        {SIGNATURE_TYPE_ATTRIBUTES, true, false, false, false, true},
        {SIGNATURE_TYPE_ATTRIBUTES, false, false, false, false, true},
    };
    owned(rig) struct rig *strict = rig_new("", ATTACK_STRICT), *agreed = rig_new("", AGREED);
    PKI_AUTO struct pki *ca = pki_ca("stranger");
    PKI_AUTO struct pki *stranger = pki_role(ca, "domain-signing-authority", "acme.test");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct rig *rig = rows[i].agreed ? agreed : strict;
        const struct attack attack = {.signer = rows[i].stranger                             ? stranger
                                                : rows[i].types == SIGNATURE_TYPE_REVIEW     ? rig->acme.review
                                                : rows[i].types == SIGNATURE_TYPE_ATTRIBUTES ? rig->acme.attribute
                                                                                             : rig->acme.dsa,
                                      .types = rows[i].types};
        AUTO_SENT struct sent in = arrive(rig, "From: alice@acme.test\r\n", &attack);
        const struct signer_trust *trust = signer_of(&in)->trust;
        cr_expect_eq(trust->path.outcome, rows[i].stranger ? OUTCOME_POLICY : OUTCOME_PASS, "row %zu: %s", i,
                     trust->path.reason);
        cr_expect_eq(trust->domain.outcome, rows[i].domain ? OUTCOME_PASS : OUTCOME_NONE, "row %zu", i);
        cr_expect_eq(trust->review.outcome, rows[i].review ? OUTCOME_PASS : OUTCOME_NONE, "row %zu", i);
        cr_expect_eq(trust->attribute.outcome, rows[i].attribute ? OUTCOME_PASS : OUTCOME_NONE, "row %zu", i);
    }
}

/* RFC 8550 §3: Sender is looked at where From is not covered. */
Test(signers, sender_is_compared_where_from_does_not_fit)
{
    static const struct {
        const char *from;
        unsigned types;
        bool alice, sender_domain, sender_mailbox;
    } rows[] = {
        {"From: ceo@elsewhere.test\r\nSender: alice@acme.test\r\n", DOMAIN, false, true, false},
        {"From: ceo@elsewhere.test\r\nSender: alice@acme.test\r\n", SIGNATURE_TYPE_REVIEW, false, false, false},
        {"From: ceo@elsewhere.test\r\nSender: alice@acme.test\r\n", 0, true, false, true},
        {"From: ceo@elsewhere.test\r\nSender: bob@elsewhere.test\r\n", DOMAIN, false, false, false},
        {"From: ceo@elsewhere.test\r\nSender: bob@elsewhere.test\r\n", 0, true, false, false},
        {"From: ceo@elsewhere.test\r\n", DOMAIN, false, false, false},
        {"From: ceo@elsewhere.test\r\n", 0, true, false, false},
        {"From: alice@acme.test\r\nSender: alice@acme.test\r\n", DOMAIN, false, false, false},
        {"From: alice@acme.test\r\nSender: alice@acme.test\r\n", 0, true, false, false},
    };
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    folder_write(rig->partner.folder, "policy.d/elsewhere.test.conf",
                 "domain = \"elsewhere.test\";\nanchors = ( \"other-ca.pem\" );\n");
    rig_open(&rig->partner, &rig->acme, ATTACK_STRICT, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct attack attack = {.signer = rows[i].alice ? rig->acme.alice : rig->acme.dsa,
                                      .types = rows[i].types};
        AUTO_SENT struct sent in = arrive(rig, rows[i].from, &attack);
        cr_expect_eq(signer_of(&in)->trust->sender_domain, rows[i].sender_domain, "row %zu", i);
        cr_expect_eq(signer_of(&in)->sender_mailbox, rows[i].sender_mailbox, "row %zu", i);
    }
}

/* Of several that are authors', the first. */
Test(signers, a_certificate_of_several_authors)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    PKI_AUTO struct pki *both = pki_issue(
        &(struct pki_spec){.issuer = rig->acme.ca, .san = PKI_LIST("email:alice@acme.test", "email:carol@acme.test")});
    AUTO_SENT struct sent in =
        arrive(rig, "From: carol@acme.test, alice@acme.test\r\n", &(struct attack){.signer = both});
    cr_expect_str_eq(in.result->lookups.details[0].names[0].address, "alice@acme.test");
}

/* --- paths that are not looked for --- */

/* The last of a layer's paths that may lead nowhere does so under the second of three partners: for the third the
 * signature is not better. */
Test(signers, a_path_that_is_not_looked_for_is_no_better_than_the_one_before)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    PKI_AUTO struct pki *ca = pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=a")});
    PKI_AUTO struct pki *stranger = pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=b")});
    folder_write(rig->partner.folder, "policy.d/third.test.conf", "domain = \"third.test\";\n");
    folder_write(rig->partner.folder, "policy.d/fourth.test.conf", "domain = \"fourth.test\";\n");
    rig_open(&rig->partner, &rig->acme, ATTACK_STRICT, NULL);
    /* The shorter one comes first in the encoding. */
    const struct attack attack = {.signer = stranger, .types = DOMAIN, .second = rig->acme.dsa, .second_types = DOMAIN};
    AUTO_SENT struct sent in = arrive(rig, "From: alice@acme.test, bob@third.test, carol@fourth.test\r\n", &attack);
    const struct signer_trust *trust = in.result->lookups.views[0].signers[1].trust;
    cr_assert_eq(in.result->mail.authors.count, 3);
    cr_expect_eq(in.result->lookups.paths, 5, "%u", in.result->lookups.paths);
    cr_expect_eq(trust[0].path.outcome, OUTCOME_PASS, "%s", trust[0].path.reason);
    cr_expect_eq(trust[1].path.outcome, OUTCOME_POLICY, "%s", trust[1].path.reason);
    cr_expect_eq(trust[2].path.outcome, OUTCOME_POLICY, "%s", trust[2].path.reason);
    cr_expect_str_eq(trust[2].path.reason, trust[1].path.reason);
}

/* What lies too deep is neither asked for nor judged. */
Test(signers, of_a_layer_that_is_not_open)
{
    for (unsigned lacking = 0; lacking < 2; lacking++) {
        owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
        struct scripted_certs *script = script_in(rig);
        g_autofree char *inside = attack_opaque(
            "", attack_sign(&(struct attack){.signer = rig->acme.alice, .flags = lacking ? CMS_NOCERTS : 0}));
        ((struct limits *)&gateway_conf(rig->partner.gateway)->limits)->layers = 1;
        AUTO_SENT struct sent in =
            arrive(rig, "From: alice@acme.test\r\n",
                   &(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = inside});
        cr_assert_eq(in.result->lookups.layers.count, 2);
        cr_expect_eq(script->batches, 0);
        cr_expect_eq(in.result->lookups.paths, 1, "%u", in.result->lookups.paths);
        cr_expect_eq(in.result->lookups.details[1].signer_count, 0);
    }
}

/* --- certificates that are not in the message --- */

/* A source with one answer. It may leave no room for what comes after it. */
struct giver {
    X509 *certificate;
    STACK_OF(X509) * authorities;
    struct limits *narrowed;
};

static void give(void *state, struct certs_question *const *questions, size_t count, int64_t deadline)
{
    struct giver *giver = state;
    (void)deadline;
    for (size_t i = 0; i < count; i++) {
        certs_question_add(questions[i], giver->certificate, true, giver->authorities);
        certs_question_answered(questions[i]);
    }
    if (giver->narrowed == NULL)
        return;
    giver->narrowed->memory = 10;
    giver->narrowed->spool_dir = (char *)"/nonexistent";
}

static void close_nothing(void *state)
{
    (void)state;
}

static const struct certs_source source_of_giver = {.name = "giver", .ask = give, .close = close_nothing};

static void put_in(struct gateway *gateway, struct giver *giver)
{
    certs_close(gateway->certs);
    gateway->certs = certs_with(&(struct certs_opened){&source_of_giver, giver}, 1);
}

/* A directory may have the authorities as well, and a signature needs them. */
Test(signers, authorities_come_with_an_answer)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    PKI_AUTO struct pki *below = pki_sub_ca(rig->acme.ca, "below");
    PKI_AUTO struct pki *alice = pki_person(below, "alice@acme.test");
    owned(x509_stack) STACK_OF(X509) *authorities = sk_X509_new_null();
    cr_assert(X509_add_cert(authorities, below->cert, X509_ADD_FLAG_UP_REF));
    const struct attack attack = {.signer = alice, .flags = CMS_NOCERTS};
    struct giver giver = {.certificate = alice->cert};
    put_in(rig->partner.gateway, &giver);
    AUTO_SENT struct sent without = arrive(rig, "From: alice@acme.test\r\n", &attack);
    cr_expect_eq(without.result->plan.judgement.originator.outcome, OUTCOME_POLICY);
    giver.authorities = authorities;
    AUTO_SENT struct sent in = arrive(rig, "From: alice@acme.test\r\n", &attack);
    attack_expect_believed(&in, false, "with its authority");
    gateway_unref(g_steal_pointer(&rig->partner.gateway)); /* while its source is there */
}

Test(signers, are_asked_for_once)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    struct scripted_certs *script = script_in(rig);
    scripted_certs_own(script, "alice@acme.test", rig->acme.alice->cert);
    scripted_certs_domain(script, "alice@acme.test", rig->acme.dsa->cert);
    g_autofree char *inside =
        attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice, .flags = CMS_NOCERTS}));
    const struct attack attack = {.signer = rig->acme.dsa, .types = DOMAIN, .content = inside, .flags = CMS_NOCERTS};
    AUTO_SENT struct sent in = arrive(rig, "From: alice@acme.test\r\n", &attack);
    attack_expect_believed(&in, true, "the outer one");
    attack_expect_believed(&in, false, "the inner one");
    cr_expect_str_eq(script->asked->str, "alice@acme.test ");
}

Test(signers, nothing_is_opened_again_without_a_certificate)
{
    static const struct {
        const char *from;
        unsigned batches;
    } rows[] = {{"From: alice@acme.test\r\n", 1}, {"From: undisclosed:;\r\n", 0}};
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct scripted_certs *script = script_in(rig);
        AUTO_SENT struct sent in =
            arrive(rig, rows[i].from, &(struct attack){.signer = rig->acme.alice, .flags = CMS_NOCERTS});
        cr_expect_null(in.result->lookups.details[0].late.facts.signers, "%s", rows[i].from);
        cr_expect_eq(script->batches, rows[i].batches, "%s", rows[i].from);
    }
}

/* What there is no room for may be opened at another time. */
Test(signers, opening_it_again_may_fail)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    struct limits *limits = (struct limits *)&gateway_conf(rig->partner.gateway)->limits, usual = *limits;
    struct giver giver = {.certificate = rig->acme.dsa->cert, .narrowed = limits};
    put_in(rig->partner.gateway, &giver);
    const struct attack attack = {.signer = rig->acme.dsa, .types = DOMAIN, .flags = CMS_NOCERTS};
    AUTO_SENT struct sent in = arrive(rig, "From: alice@acme.test\r\n", &attack);
    *limits = usual;
    cr_expect_eq(rig_verdict(&in), VERDICT_TEMPFAIL, "%s", rig_reason(&in));
    cr_expect_eq(in.result->lookups.failure.kind, ERROR_TEMPORARY);
    cr_expect_not_null(strstr(rig_reason(&in), "spool_directory"), "%s", rig_reason(&in));
    gateway_unref(g_steal_pointer(&rig->partner.gateway)); /* while its source is there */
}

/* --- what it costs --- */

static void expect_unpaid(const struct lookups *lookups, const char *what)
{
    cr_expect_eq(lookups->views[0].opened, OPENED_FAILED, "%s", what);
    cr_expect_eq(lookups->views[0].error->kind, ERROR_PERMANENT, "%s", what);
    cr_expect_str_eq(lookups->views[0].error->text, BUDGET_SPENT, "%s", what);
    cr_expect_eq(lookups->failure.kind, ERROR_NONE, "%s", what);
}

Test(signers, opening_it_again_is_paid_for)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    struct scripted_certs *script = script_in(rig);
    scripted_certs_domain(script, "alice@acme.test", rig->acme.dsa->cert);
    const struct attack attack = {.signer = rig->acme.dsa, .types = DOMAIN, .flags = CMS_NOCERTS};
    AUTO_SENT struct sent in = arrive(rig, "From: alice@acme.test\r\n", &attack);
    attack_expect_believed(&in, true, "sound");
    AUTO_LOOKUPS lookups = ask_again(rig, &in, 1);
    expect_unpaid(&lookups, "again");
    cr_expect_null(lookups.details[0].late.facts.signers);
}

static void spoil(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    (void)cms;
    ((unsigned char *)ASN1_STRING_get0_data(signature))[ASN1_STRING_length(signature) - 1] ^= 1;
}

/* Of a signature that does not hold, nothing but the names is paid for. A name takes eight octets at least, and each is
 * compared with each author. */
static uint64_t price_of_names(const X509 *certificate, uint64_t names_limit, uint64_t authors, uint64_t partners)
{
    int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
    X509_EXTENSION *names = at >= 0 ? X509_get_ext(certificate, at) : NULL;
    uint64_t octets = names != NULL ? (uint64_t)ASN1_STRING_length(X509_EXTENSION_get_data(names)) : 0;
    return (5 + 3 * partners) * COST_DER * (uint64_t)i2d_X509((X509 *)certificate, NULL) +
           MIN(octets / 8 + 1, names_limit) * authors * 4000;
}

Test(signers, names_are_paid_for)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    folder_write(rig->partner.folder, "policy.d/third.test.conf", "domain = \"third.test\";\n");
    rig_open(&rig->partner, &rig->acme, ATTACK_STRICT, NULL);
    PKI_AUTO struct pki *nameless = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .subject = PKI_LIST("CN=x")});
    PKI_AUTO struct pki *first = pki_issue(
        &(struct pki_spec){.issuer = rig->acme.ca,
                           .san = PKI_LIST("email:alice@acme.test", "email:bob@acme.test", "email:carol@acme.test"),
                           .basic = "",
                           .key_usage = "",
                           .eku = "",
                           .no_key_ids = true});
    const struct {
        const struct pki *signer;
        const char *from;
        unsigned authors, partners, names_limit;
    } rows[] = {
        {rig->acme.alice, "From: alice@acme.test\r\n", 1, 1, 500},
        {rig->acme.alice, "From: alice@acme.test, carol@acme.test\r\n", 2, 1, 500},
        {rig->acme.alice, "From: alice@acme.test, carol@third.test\r\n", 2, 2, 500},
        {rig->acme.alice, "From: alice@acme.test\r\n", 1, 1, 1},
        {nameless, "From: alice@acme.test\r\n", 1, 1, 500},
        {first, "From: alice@acme.test\r\n", 1, 1, 500},
    };
    struct limits *limits = (struct limits *)&gateway_conf(rig->partner.gateway)->limits;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        limits->names = rows[i].names_limit;
        AUTO_SENT struct sent in =
            arrive(rig, rows[i].from, &(struct attack){.signer = rows[i].signer, .spoil = spoil});
        AUTO_LOOKUPS lookups = ask_again(rig, &in, UINT64_MAX);
        uint64_t price = price_of_names(rows[i].signer->cert, rows[i].names_limit, rows[i].authors, rows[i].partners);
        cr_expect_eq(in.result->accounts.visible.spent, price, "row %zu: %zu, not %zu", i,
                     (size_t)in.result->accounts.visible.spent, (size_t)price);
        cr_expect_eq(lookups.views[0].opened, OPENED);
    }
}

/* Neither names nor paths of what cannot be paid; and what was the last to be paid is not believed either. */
Test(signers, what_cannot_be_paid_for_is_not_done)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    AUTO_SENT struct sent in = arrive(rig, "From: alice@acme.test\r\n", &(struct attack){.signer = rig->acme.alice});
    uint64_t price = price_of_names(rig->acme.alice->cert, 500, 1, 1);
    AUTO_LOOKUPS without = ask_again(rig, &in, price - 1), names_alone = ask_again(rig, &in, price),
                 all = ask_again(rig, &in, UINT64_MAX);
    expect_unpaid(&without, "no names");
    cr_expect_null(without.details[0].names[0].address);
    cr_expect_eq(without.paths, 0);
    expect_unpaid(&names_alone, "no paths");
    cr_expect_str_eq(names_alone.details[0].names[0].address, "alice@acme.test");
    cr_expect_eq(all.views[0].opened, OPENED);
    cr_expect_eq(all.views[0].signers[0].trust->path.outcome, OUTCOME_PASS);
}

/* --- who encrypted --- */

/* Encrypted in the name of two who are not the author. */
static struct sent arrive_encrypted(const struct rig *rig, const struct pki *to)
{
    const struct encrypt_options options = {.cipher = CIPHER_AES_128_CBC,
                                            .originator = rig->partner.dsa->cert,
                                            .limits = &gateway_conf(rig->partner.gateway)->limits};
    struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n"), shut = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(&to->cert, 1, &options, &content, &shut, &error), "%s", error.text);
    entity_clear(&content);
    g_autofree char *one = rig_text("", &shut);
    gsize length;
    g_autofree guchar *der = g_base64_decode(strstr(one, "\r\n\r\n"), &length);
    const unsigned char *at = der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)length);
    cr_assert(cms != NULL && CMS_add1_cert(cms, rig->partner.alice->cert));
    g_autofree char *text = attack_opaque(ATTACK_TOP, cms);
    return attack_in(rig, text);
}

/* The first name that is another's is enough; a name that cannot be paid for is no good one. */
Test(signers, the_encrypter_is_looked_at_where_our_key_opens)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *compressed = attack_compress(ATTACK_ENTITY, strlen(ATTACK_ENTITY));
    g_autofree char *text = g_strconcat(ATTACK_TOP, compressed, NULL);
    AUTO_SENT struct sent ours = arrive_encrypted(rig, rig->partner.dca), others = arrive_encrypted(rig, rig->acme.dca),
                          packed = attack_in(rig, text);
    attack_expect_outcome(&ours.result->lookups.views[0].encrypter, OUTCOME_POLICY, "another's name", "ours");
    cr_expect_eq(ours.result->lookups.encrypters, 1, "%u", ours.result->lookups.encrypters);
    cr_expect_eq(others.result->lookups.views[0].opened, OPENED_NO_KEY);
    cr_expect_str_empty(others.result->lookups.views[0].encrypter.reason);
    cr_expect_eq(packed.result->lookups.views[0].opened, OPENED);
    cr_expect_str_empty(packed.result->lookups.views[0].encrypter.reason);
    AUTO_LOOKUPS unpaid = ask_again(rig, &ours, 1);
    attack_expect_outcome(&unpaid.views[0].encrypter, OUTCOME_POLICY, BUDGET_SPENT, "unpaid");
    cr_expect_eq(unpaid.encrypters, 0);
}
