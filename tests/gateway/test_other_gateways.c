/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gateways of other vendors sign for their domain without SignatureType, with a certificate that names an address or a
 * domain and no role of RFC 3183. Their manuals say what they send:
 *
 *     CipherMail, "Domain to domain encryption": one certificate for all mail of a domain, also a self-signed one;
 *     Cisco AsyncOS, "S/MIME Security Services": a certificate that identifies the organisation; modes sign, encrypt,
 *     sign and encrypt, and triple (sign, encrypt, sign), with AES-CBC;
 *     SEPPmail, "S/MIME domain keys": one certificate for each managed domain.
 *
 * None of them says what names the certificate must have. So here it is one for gateway@ with a free CN, one that has
 * its address in the subject alone, and one for the domain as a DNS name.
 */
#include "support/attack.h"

#define DOMAIN "inbound = { require = \"sign\"; signed_by = \"domain\"; without_signature_type = \"domain\"; };"
#define ADDRESS "naming = \"address\"; gateway_addresses = ( \"Gateway@acme.test\" );"

enum wrapped { OPAQUE, CLEAR, ENCRYPTED, TRIPLE };

struct vendor {
    const char *const *subject, *const *san;
    bool own; /* self-signed, as `openssl req -x509` makes it: a CA certificate */
};

static struct pki *certificate(const struct pki *issuer, const struct vendor *vendor)
{
    return pki_issue(&(struct pki_spec){.issuer = vendor->own ? NULL : issuer,
                                        .ca = vendor->own,
                                        .key_usage = vendor->own ? "" : NULL,
                                        .subject = vendor->subject,
                                        .san = vendor->san,
                                        .key = PKI_RSA,
                                        .slot = 3});
}

static const struct vendor by_address = {PKI_LIST("C=DE", "O=Acme", "CN=Mail Gateway 01"),
                                         PKI_LIST("email:gateway@acme.test"), false};
static const struct vendor by_subject = {PKI_LIST("O=Acme", "CN=Secure Mail", "emailAddress=gateway@acme.test"), NULL,
                                         false};
static const struct vendor by_dns = {PKI_LIST("CN=acme.test"), PKI_LIST("dns:acme.test"), false};
static const struct vendor by_itself = {PKI_LIST("C=AU", "O=Internet Widgits Pty Ltd"), NULL, true};

/* Both organisations; acme.test's mail comes from a gateway of another vendor, and partner.test has this policy. */
static struct rig *rig_of(const struct vendor *vendor, const char *policy, struct pki **gateway)
{
    struct rig *rig = rig_closed(PKI_EC);
    *gateway = certificate(rig->acme.ca, vendor);
    g_free(pki_write(rig->partner.folder, "gateway.pem", *gateway, NULL));
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"encrypt\"; };", NULL);
    rig_open(&rig->partner, &rig->acme, policy, NULL);
    return rig;
}

static char *message_of(const struct rig *rig, const struct attack *attack, enum wrapped form)
{
    struct attack made = *attack;
    made.flags |= form == CLEAR ? CMS_DETACHED : 0;
    if (form == CLEAR)
        return attack_clear(ATTACK_TOP, ATTACK_ENTITY, attack_sign(&made));
    if (form == OPAQUE)
        return attack_message(&made);
    g_autofree char *inside = attack_opaque("", attack_sign(&made));
    CMS_ContentInfo *encrypted = attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, inside, false);
    if (form == ENCRYPTED)
        return attack_opaque(ATTACK_TOP, encrypted);
    g_autofree char *within = attack_opaque("", encrypted);
    made.content = within;
    return attack_message(&made);
}

Test(other_gateways, sign_for_their_domain)
{
    static const struct {
        const char *what;
        const struct vendor *vendor;
        const char *policy;
        enum wrapped form;
        bool counts;
    } rows[] = {
        {"an address, encrypted", &by_address, ADDRESS DOMAIN, ENCRYPTED, true},
        {"an address, clear", &by_address, ADDRESS DOMAIN, CLEAR, true},
        {"an address, three times", &by_address, ADDRESS DOMAIN, TRIPLE, true},
        {"an address in the subject", &by_subject, ADDRESS DOMAIN, OPAQUE, true},
        {"a domain", &by_dns, "naming = \"domain\";" DOMAIN, CLEAR, true},
        {"a pin", &by_subject, "naming = \"pinned\"; certificates = ( \"gateway.pem\" );" DOMAIN, CLEAR, true},
        {"a pin, three times", &by_subject, "naming = \"pinned\"; certificates = ( \"gateway.pem\" );" DOMAIN, TRIPLE,
         true},
        {"a pin that no one issued", &by_itself, "naming = \"pinned\"; certificates = ( \"gateway.pem\" );" DOMAIN,
         CLEAR, true},
        {"another address", &by_address, "naming = \"address\"; gateway_addresses = ( \"mail@acme.test\" );" DOMAIN,
         CLEAR, false},
        {"a domain, where an address is agreed", &by_dns, ADDRESS DOMAIN, CLEAR, false},
        {"another address, three times", &by_address,
         "naming = \"address\"; gateway_addresses = ( \"mail@acme.test\" );" DOMAIN, TRIPLE, false},
        {"not agreed", &by_address, ADDRESS "inbound = { require = \"sign\"; signed_by = \"domain\"; };", CLEAR, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *gateway = NULL;
        owned(rig) struct rig *rig = rig_of(rows[i].vendor, rows[i].policy, &gateway);
        struct attack attack = {.signer = gateway};
        g_autofree char *text = message_of(rig, &attack, rows[i].form);
        AUTO_SENT struct sent in = attack_in(rig, text);
        const struct judgement *judgement = &in.result->plan.judgement;
        cr_expect_eq(rig_verdict(&in), rows[i].counts ? VERDICT_ACCEPT : VERDICT_REJECT, "%s: %s", rows[i].what,
                     rig_reason(&in));
        cr_expect_eq(judgement->domain.outcome, rows[i].counts ? OUTCOME_PASS : OUTCOME_NONE, "%s: %s", rows[i].what,
                     judgement->domain.reason);
        if (!rows[i].counts)
            continue;
        cr_expect_eq(judgement->originator.outcome, OUTCOME_NONE, "%s", rows[i].what);
        cr_expect_not_null(strstr(judgement->domain.reason, "(for the domain, without SignatureType)"), "%s",
                           judgement->domain.reason);
        cr_expect(g_str_has_suffix(in.bytes, "Content-Type: text/plain\r\n\r\n" ATTACK_SECRET "\r\n"),
                  "%s: it comes off: %s", rows[i].what, in.bytes);
        cr_expect_not_null(strstr(in.bytes, "smime=pass (domain signature)"), "%s: %s", rows[i].what, in.bytes);
    }
}

/* Whatever is not exactly that stays an originator's, who is not the author. */
Test(other_gateways, forms_that_do_not_count)
{
    PKI_AUTO struct pki *gateway = NULL;
    owned(rig) struct rig *rig = rig_of(&by_address, ADDRESS DOMAIN, &gateway);
    const struct attack one = {.signer = gateway}, person = {.signer = rig->acme.alice},
                        two = {.signer = gateway, .second = rig->acme.alice},
                        typed = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN};
    g_autofree char *inside = attack_opaque("", attack_sign(&one));
    struct attack around = person, around_typed = one;
    around.content = inside;
    g_autofree char *typed_inside = attack_opaque("", attack_sign(&typed));
    around_typed.content = typed_inside;
    g_autofree char *under = attack_message(&around), *beside = attack_message(&around_typed),
                    *second = attack_message(&two);
    g_autofree char *part = g_strconcat(ATTACK_TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", inside,
                                        "\r\n--b\r\n\r\nx\r\n--b--\r\n", NULL);
    const char *const texts[] = {under, beside, second, part};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        AUTO_SENT struct sent in = attack_in(rig, texts[i]);
        const struct judgement *judgement = &in.result->plan.judgement;
        cr_expect_null(strstr(judgement->domain.reason, "without SignatureType"), "%zu: %s", i,
                       judgement->domain.reason);
        cr_expect_eq(judgement->originator.outcome == OUTCOME_NONE, i == 1, "%zu: the domain's own is inside", i);
    }
}

/* Its own users' signatures are the originator's, and lie inside the gateway's. */
Test(other_gateways, leave_the_originators_signatures_alone)
{
    PKI_AUTO struct pki *gateway = NULL;
    owned(rig) struct rig *rig =
        rig_of(&by_address,
               ADDRESS "inbound = { require = \"sign\"; signed_by = \"both\"; without_signature_type = \"domain\"; };",
               &gateway);
    g_autofree char *inside = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *both = attack_message(&(struct attack){.signer = gateway, .content = inside});
    g_autofree char *alone = attack_message(&(struct attack){.signer = rig->acme.alice});
    AUTO_SENT struct sent in = attack_in(rig, both);
    AUTO_SENT struct sent without = attack_in(rig, alone);
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s", rig_reason(&in));
    cr_expect_eq(in.result->plan.judgement.domain_layer, 0u);
    cr_expect_eq(in.result->plan.judgement.originator_layer, 1u);
    cr_expect_eq(in.result->made.removed, 1u);
    cr_expect_eq(rig_verdict(&without), VERDICT_REJECT);
    cr_expect_eq(without.result->plan.judgement.originator.outcome, OUTCOME_PASS);
}

/* What could be set is said to the administrator, and to no one else. */
Test(other_gateways, are_suggested)
{
    static const struct {
        const char *policy, *log, *note;
    } rows[] = {
        {"inbound = { require = \"sign\"; };",
         "hint=\"if gateway@acme.test signs for acme.test, set inbound.without_signature_type = \\\"domain\\\", naming "
         "= "
         "\\\"address\\\", gateway_addresses and anchors in acme.test.conf\"",
         "; if gateway@acme.test is the partner's gateway, set naming = \"address\" and gateway_addresses in "
         "acme.test.conf"},
        {ADDRESS "inbound = { require = \"sign\"; };",
         "hint=\"if gateway@acme.test signs for acme.test, set inbound.without_signature_type = \\\"domain\\\" in "
         "acme.test.conf\"",
         NULL},
        {ADDRESS DOMAIN, NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *gateway = NULL;
        g_autofree char *policy = g_strconcat(
            rows[i].policy, "outbound = { protect = \"encrypt\"; }; certificates = ( \"gateway.pem\" );", NULL);
        owned(rig) struct rig *rig = rig_of(&by_address, policy, &gateway);
        g_autofree char *text = attack_message(&(struct attack){.signer = gateway});
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *line = passage_log_line(in.result);
        cr_expect_eq(strstr(line, "hint=") != NULL, rows[i].log != NULL, "%s", line);
        if (rows[i].log != NULL)
            cr_expect_not_null(strstr(line, rows[i].log), "%s", line);
        cr_expect_null(strstr(in.result->reply.text, "naming"), "%s", in.result->reply.text);
        owned(envelope) struct envelope *envelope =
            rig_envelope(&(struct rig_envelope){"bob@partner.test", "alice@acme.test", NULL, "bob", NULL});
        owned(passage) struct passage *explained = rig_explain(rig->partner.gateway, envelope, "bob@partner.test");
        g_autofree char *note = passage_note(explained, 0, 0);
        cr_expect_eq(strstr(note, "if gateway@acme.test") != NULL, rows[i].note != NULL, "%s", note);
        if (rows[i].note != NULL)
            cr_expect(g_str_has_suffix(note, rows[i].note), "%s", note);
    }
}

/* A gateway's own address is where its certificate is found, too. */
Test(other_gateways, are_encrypted_to)
{
    PKI_AUTO struct pki *gateway = NULL;
    owned(rig) struct rig *rig = rig_of(
        &by_address, ADDRESS "outbound = { protect = \"encrypt\"; }; certificates = ( \"gateway.pem\" );", &gateway);
    static const char text[] = "From: bob@partner.test\r\nTo: carol@acme.test\r\nMIME-Version: 1.0\r\n\r\nx\r\n";
    AUTO_SENT struct sent out =
        rig_pass(&rig->partner, DIRECTION_OUTBOUND,
                 &(struct rig_envelope){"bob@partner.test", "carol@acme.test", NULL, "bob", NULL}, text, strlen(text));
    cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
    cr_expect(rig_encrypted(&out));
}
