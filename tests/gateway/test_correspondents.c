/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signers whose certificate is not in the message, and is known (RFC 8550 §2.3).
 */
#include "support/attack.h"

#define PINNED "certificates = ( \"other-dca.pem\", \"known.pem\" );\n" ATTACK_STRICT
#define STORE "certificate_directory = \"store\";\n"

/* A partner that knows this certificate from its policy file or from its store. */
static struct rig *rig_knowing(const struct pki *known, const char *policy, const char *extra)
{
    struct rig *rig = rig_closed(PKI_EC);
    if (known == NULL)
        known = rig->acme.dsa;
    g_autofree char *store = g_build_filename(rig->partner.folder, "store", NULL);
    g_mkdir(store, 0700);
    g_free(pki_write(store, "1.pem", known, NULL));
    g_free(pki_write(rig->partner.folder, "known.pem", known, NULL));
    rig_open(&rig->partner, &rig->acme, policy, extra);
    return rig;
}

static void expect(const struct rig *rig, const struct attack *attack, enum outcome domain, const char *says)
{
    g_autofree char *text = attack_message(attack);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_expect_eq(in.result->plan.judgement.domain.outcome, domain, "%s", in.result->plan.judgement.domain.reason);
    cr_expect_not_null(strstr(in.result->plan.judgement.domain.reason, says), "%s",
                       in.result->plan.judgement.domain.reason);
    cr_expect_eq(in.result->reply.verdict, domain == OUTCOME_PASS ? VERDICT_ACCEPT : VERDICT_QUARANTINE);
}

static const unsigned forms[] = {CMS_NOCERTS, CMS_NOCERTS | CMS_DETACHED, CMS_NOCERTS | CMS_USE_KEYID};

Test(correspondents, named_by_the_rule_or_in_the_store)
{
    const char *const places[][2] = {{PINNED, NULL}, {ATTACK_STRICT, STORE}};
    for (size_t p = 0; p < G_N_ELEMENTS(places); p++) {
        owned(rig) struct rig *rig = rig_knowing(NULL, places[p][0], places[p][1]);
        for (size_t f = 0; f < G_N_ELEMENTS(forms); f++)
            expect(rig, &(struct attack){.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .flags = forms[f]},
                   OUTCOME_PASS, "good signature");
    }
}

Test(correspondents, unknown)
{
    owned(rig) struct rig *rig = rig_knowing(NULL, ATTACK_STRICT, NULL);
    for (size_t f = 0; f < G_N_ELEMENTS(forms); f++)
        expect(rig, &(struct attack){.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .flags = forms[f]},
               OUTCOME_PERMERROR, "not in the message"); /* RFC 7281 §3.1 */
}

/* What is known is a candidate: the signature has to be made with its key, its path to be good, its name to fit. */
Test(correspondents, known_is_not_believed)
{
    PKI_AUTO struct pki *stranger_ca = pki_ca("stranger");
    PKI_AUTO struct pki *stranger = pki_role_with(stranger_ca, "domain-signing-authority", "acme.test", PKI_EC);
    owned(rig) struct rig *rig = rig_knowing(stranger, PINNED, NULL);
    struct pki forger = {.cert = stranger->cert, .key = rig->acme.alice->key};
    expect(rig, &(struct attack){.signer = stranger, .types = SIGNATURE_TYPE_DOMAIN, .flags = CMS_NOCERTS},
           OUTCOME_POLICY, "anchor");
    X509_set_pubkey(forger.cert, forger.key);
    expect(rig, &(struct attack){.signer = &forger, .types = SIGNATURE_TYPE_DOMAIN, .flags = CMS_NOCERTS}, OUTCOME_FAIL,
           "does not verify");
}

/* A certificate in the message that fits the identifier comes first, whatever else is known. */
Test(correspondents, the_message_comes_first)
{
    owned(rig) struct rig *rig = rig_knowing(NULL, PINNED, NULL);
    struct pki_spec spec = {.issuer = rig->acme.ca,
                            .subject = PKI_LIST("CN=x"),
                            .serial = ASN1_INTEGER_get(X509_get0_serialNumber(rig->acme.dsa->cert)),
                            .key = PKI_EC,
                            .slot = 6};
    PKI_AUTO struct pki *twin = pki_issue(&spec);
    expect(rig,
           &(struct attack){
               .signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .flags = CMS_NOCERTS, .carried = {twin}},
           OUTCOME_FAIL, "does not verify");
}
