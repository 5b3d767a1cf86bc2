/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certification paths that should not be believed, and some odd ones that should, in whole messages that carry them.
 */
#include "support/attack.h"
#include "support/counted.h"

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"
#define DOMAIN SIGNATURE_TYPE_DOMAIN
#define DAY 86400

static const char *const subject[] = {"CN=domain-signing-authority", NULL};
static const char *const san[] = {"email:domain-signing-authority@acme.test", NULL};
static const char *const authority[] = {"O=Tests", "CN=Authority", NULL};

static struct sent arrive(const struct rig *rig, const struct attack *attack)
{
    g_autofree char *text = attack_message(attack);
    return attack_in(rig, text);
}

static void judge(const struct rig *rig, const struct attack *attack, enum outcome outcome, const char *says,
                  const char *what)
{
    AUTO_SENT struct sent in = arrive(rig, attack);
    if (outcome == OUTCOME_PASS) {
        attack_expect_believed(&in, true, what);
        return;
    }
    attack_expect_refused(&in, what);
    attack_expect_outcome(&in.result->plan.judgement.domain, outcome, says, what);
}

static struct pki *leaf_below(const struct pki *issuer, const char *const *names)
{
    return pki_issue(&(struct pki_spec){.issuer = issuer, .subject = subject, .san = names != NULL ? names : san});
}

/* acme's anchor → an authority as the row says → the domain's certificate */
Test(paths, authorities)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    time_t now = time(NULL);
    const struct {
        const char *what;
        struct pki_spec spec;
        enum outcome outcome;
        const char *says;
        const char *const *san;
    } rows[] = {
        {"sound", {.ca = true}, OUTCOME_PASS, NULL, NULL},
        {"no CA", {.eku = ""}, OUTCOME_FAIL, "not a CA certificate", NULL},
        {"no basicConstraints", {.ca = true, .basic = ""}, OUTCOME_FAIL, "not a CA certificate", NULL},
        {"no keyCertSign", {.ca = true, .key_usage = "critical,digitalSignature"}, OUTCOME_FAIL, NULL, NULL},
        {"for servers", {.ca = true, .eku = "serverAuth"}, OUTCOME_FAIL, "may not certify for e-mail", NULL},
        {"expired", {.ca = true, .not_before = now - 9 * DAY, .not_after = now - 1}, OUTCOME_FAIL, "expired", NULL},
        {"early", {.ca = true, .not_before = now + DAY}, OUTCOME_FAIL, "not yet valid", NULL},
        {"SHA-1", {.ca = true, .digest = "SHA1"}, OUTCOME_FAIL, "weak", NULL},
        {"MD5", {.ca = true, .digest = "SHA1", .key = PKI_RSA}, OUTCOME_FAIL, "weak", NULL},
        {"RSA 1024", {.ca = true, .key = PKI_RSA_1024}, OUTCOME_FAIL, "weak", NULL},
        {"unknown critical extension",
         {.ca = true, .extensions = PKI_LIST("1.2.3.4=critical,DER:0500")},
         OUTCOME_FAIL,
         "critical",
         NULL},
        {"constrained to others",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,permitted;email:evil.test")},
         OUTCOME_FAIL,
         "name constraints",
         NULL},
        {"constrained, not critical",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=permitted;email:evil.test")},
         OUTCOME_FAIL,
         "name constraints",
         NULL},
        {"excluded",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,excluded;email:acme.test")},
         OUTCOME_FAIL,
         "name constraints",
         NULL},
        {"constrained to us",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,permitted;email:acme.test")},
         OUTCOME_PASS,
         NULL,
         NULL},
        {"constrained, the other kind of address",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,permitted;email:evil.test")},
         OUTCOME_FAIL,
         NULL,
         PKI_LIST("utf8:domain-signing-authority@acme.test")},
        {"constrained to another mailbox",
         {.ca = true, .extensions = PKI_LIST("nameConstraints=critical,permitted;email:x@acme.test")},
         OUTCOME_FAIL,
         "name constraints",
         NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki_spec spec = rows[i].spec;
        spec.issuer = rig->acme.ca;
        spec.subject = authority;
        spec.slot = 5;
        PKI_AUTO struct pki *middle = pki_issue(&spec);
        PKI_AUTO struct pki *leaf = leaf_below(middle, rows[i].san);
        judge(rig, &(struct attack){.signer = leaf, .types = DOMAIN, .carried = {middle}}, rows[i].outcome,
              rows[i].says, rows[i].what);
    }
}

/* A user of acme.test plays authority; a path that is longer than it may be; one without its middle. */
Test(paths, lengths_and_ends)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *short_ca = pki_issue(&(struct pki_spec){
        .issuer = rig->acme.ca, .ca = true, .subject = authority, .basic = "critical,CA:TRUE,pathlen:0"});
    PKI_AUTO struct pki *below = pki_sub_ca(short_ca, "Below");
    PKI_AUTO struct pki *good = leaf_below(short_ca, NULL), *bad = leaf_below(below, NULL),
                        *users = leaf_below(rig->acme.alice, NULL);
    PKI_AUTO struct pki *self = leaf_below(NULL, NULL);
    judge(rig, &(struct attack){.signer = good, .types = DOMAIN, .carried = {short_ca}}, OUTCOME_PASS, NULL,
          "path length 0");
    judge(rig, &(struct attack){.signer = bad, .types = DOMAIN, .carried = {short_ca, below}}, OUTCOME_FAIL,
          "path length", "beyond it");
    judge(rig, &(struct attack){.signer = users, .types = DOMAIN, .carried = {rig->acme.alice}}, OUTCOME_FAIL,
          "not a CA certificate", "a user's");
    judge(rig, &(struct attack){.signer = good, .types = DOMAIN}, OUTCOME_POLICY, "anchor", "middle missing");
    judge(rig, &(struct attack){.signer = self, .types = DOMAIN}, OUTCOME_POLICY, "anchor", "self-signed");
}

/* One key, two certificates: whichever comes first, the sound one counts; where the signature names one, that one. */
Test(paths, one_expired_beside_one_valid)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    time_t now = time(NULL);
    for (long serial = 2; serial <= 0x7ffffff; serial += 0x7fffffd) {
        PKI_AUTO struct pki *valid =
            pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .subject = subject, .san = san, .serial = 0x4000});
        PKI_AUTO struct pki *expired = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                                                    .subject = subject,
                                                                    .san = san,
                                                                    .serial = serial,
                                                                    .use_key = valid->key,
                                                                    .not_before = now - 20 * DAY,
                                                                    .not_after = now - DAY});
        judge(rig, &(struct attack){.signer = valid, .types = DOMAIN, .carried = {expired}}, OUTCOME_PASS, NULL,
              "the valid one, by number");
        judge(rig, &(struct attack){.signer = expired, .types = DOMAIN, .carried = {valid}}, OUTCOME_FAIL, "expired",
              "the expired one");
        judge(rig, &(struct attack){.signer = valid, .types = DOMAIN, .carried = {expired}, .flags = CMS_USE_KEYID},
              OUTCOME_PASS, NULL, "by key identifier");
        judge(rig, &(struct attack){.signer = expired, .types = DOMAIN, .carried = {valid}, .flags = CMS_USE_KEYID},
              OUTCOME_PASS, NULL, "by key identifier, which both have");
        judge(rig,
              &(struct attack){
                  .signer = expired, .types = DOMAIN, .carried = {valid}, .flags = CMS_USE_KEYID | CMS_CADES},
              OUTCOME_FAIL, "expired", "by key identifier, but the attribute names the expired one");
    }
}

/* acme's authority under another root of which a cross-certificate has expired, and one is good. */
Test(paths, cross_certificates)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    time_t now = time(NULL);
    PKI_AUTO struct pki *other = pki_ca("Other root");
    PKI_AUTO struct pki *sub = pki_issue(&(struct pki_spec){.issuer = other, .ca = true, .subject = authority});
    PKI_AUTO struct pki *good =
        pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .ca = true, .subject = authority, .use_key = sub->key});
    PKI_AUTO struct pki *gone = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                                             .ca = true,
                                                             .subject = authority,
                                                             .use_key = sub->key,
                                                             .not_before = now - 20 * DAY,
                                                             .not_after = now - DAY});
    PKI_AUTO struct pki *leaf = leaf_below(sub, NULL);
    judge(rig, &(struct attack){.signer = leaf, .types = DOMAIN, .carried = {sub, other, gone, good}}, OUTCOME_PASS,
          NULL, "all");
    judge(rig, &(struct attack){.signer = leaf, .types = DOMAIN, .carried = {sub, other, gone}}, OUTCOME_POLICY,
          "anchor", "no good one");
    judge(rig, &(struct attack){.signer = leaf, .types = DOMAIN, .carried = {sub, other}}, OUTCOME_POLICY, "anchor",
          "another root");
}

/* --- revocation by local lists --- */

Test(paths, revoked)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *sound = leaf_below(rig->acme.ca, NULL);
    X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = rig->acme.ca, .revoked = {rig->acme.dsa}});
    g_autofree char *folder = g_build_filename(rig->partner.folder, "crls", NULL);
    g_mkdir(folder, 0700);
    g_free(pki_write_crl(folder, "acme.crl", crl));
    gateway_unref(rig->partner.gateway);
    rig_open(&rig->partner, &rig->acme, ATTACK_STRICT, "crls = ( \"crls\" );");
    judge(rig, &(struct attack){.signer = sound, .types = DOMAIN}, OUTCOME_PASS, NULL, "another");
    judge(rig, &(struct attack){.signer = rig->acme.dsa, .types = DOMAIN}, OUTCOME_FAIL, "revoked", "revoked");
    X509_CRL_free(crl);
}

/* --- too much --- */

/* Authorities that all certify each other under one name: as many ways as one likes, none to an anchor. */
static void stuff(CMS_ContentInfo *cms, size_t count)
{
    struct pki *keys[6];
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        keys[i] = pki_issue(&(struct pki_spec){.ca = true, .subject = authority, .no_key_ids = true});
    for (size_t i = 0; i < count; i++) {
        PKI_AUTO struct pki *cross = pki_issue(&(struct pki_spec){.issuer = keys[i % 6],
                                                                  .ca = true,
                                                                  .subject = authority,
                                                                  .use_key = keys[i / 6 % 6]->key,
                                                                  .no_key_ids = true});
        cr_assert(CMS_add1_cert(cms, cross->cert));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        pki_free(keys[i]);
}

Test(paths, bags_of_certificates)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *ca = pki_issue(&(struct pki_spec){.ca = true, .subject = authority, .no_key_ids = true});
    PKI_AUTO struct pki *leaf =
        pki_issue(&(struct pki_spec){.issuer = ca, .subject = subject, .san = san, .no_key_ids = true});
    for (size_t count = 90; count <= 200; count += 110) {
        CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = leaf, .types = DOMAIN, .carried = {ca}});
        stuff(cms, count);
        g_autofree char *text = attack_opaque(ATTACK_TOP, cms);
        counted = (struct counted){0};
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_refused(&in, "bag");
        attack_expect_outcome(&in.result->plan.judgement.domain, count > 100 ? OUTCOME_PERMERROR : OUTCOME_POLICY, NULL,
                              "bag");
        /* Beyond certificates_limit no path is looked for. */
        cr_expect_eq(counted.signatures, count > 100 ? 0 : 64, "%u", counted.signatures);
        cr_expect_leq(counted.paths, 1 + 16, "%u", counted.paths);
    }
}

/* A message with as many signers as are allowed, none of whom leads anywhere. */
static char *signed_by_strangers(const char *top)
{
    PKI_AUTO struct pki *ca = pki_issue(&(struct pki_spec){.ca = true, .subject = authority, .no_key_ids = true});
    struct attack attack = {.types = DOMAIN};
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    for (int i = 0; i < 20; i++) {
        PKI_AUTO struct pki *leaf =
            pki_issue(&(struct pki_spec){.issuer = ca, .subject = subject, .san = san, .no_key_ids = true});
        attack_add_signer(cms, &attack, leaf, DOMAIN);
    }
    stuff(cms, 75);
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0);
    BIO_free(data);
    return attack_opaque(top, cms);
}

/* After four paths that lead nowhere, no more are looked for: neither for the next signer, nor under the next of the
 * authors' partners. */
Test(paths, bags_of_certificates_and_signers)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    folder_write(rig->partner.folder, "policy.d/third.test.conf", "domain = \"third.test\";\n");
    rig_open(&rig->partner, &rig->acme, ATTACK_STRICT, NULL);
    static const struct {
        const char *top;
        size_t signers;
    } rows[] = {
        {ATTACK_TOP, 4},
        {"From: alice@acme.test, bob@third.test, carol@other.test\r\nSender: alice@acme.test\r\n" ATTACK_FIELDS, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = signed_by_strangers(rows[i].top);
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_refused(&in, "bag");
        attack_expect_outcome(&in.result->plan.judgement.domain, OUTCOME_POLICY, "anchor", "bag");
        const struct layer_view *layer = &in.result->lookups.layers.list[0];
        for (size_t j = 0; j < layer->facts->signer_count; j++)
            cr_expect_eq(layer->signers[j].trust != NULL, j < rows[i].signers, "%zu: signer %zu", i, j);
        struct work work = rig_work(&rig->partner, text, false);
        cr_expect_eq(work.paths, 4, "%zu: %u", i, work.paths);
        cr_expect_eq(work.signatures, 20, "one certificate each: %u", work.signatures);
    }
}

Test(paths, many_signers)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (unsigned count = 20; count <= 21; count++) {
        struct attack attack = {.signer = rig->acme.dsa, .types = DOMAIN};
        CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
        BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
        for (unsigned i = 0; i < count; i++)
            attack_add_signer(cms, &attack, rig->acme.dsa, DOMAIN);
        cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0);
        BIO_free(data);
        g_autofree char *text = attack_opaque(ATTACK_TOP, cms);
        AUTO_SENT struct sent in = attack_in(rig, text);
        if (count <= 20)
            attack_expect_believed(&in, true, "as many as allowed");
        else
            attack_expect_outcome(&in.result->plan.judgement.domain, OUTCOME_PERMERROR, "signers_limit", "one more");
    }
}
