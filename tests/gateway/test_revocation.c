/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a message when a responder is asked about who signed it, or to whom it is encrypted. */
#include "support/attack.h"
#include "support/embed.h"
#include "support/responder.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

enum state { GOOD, REVOKED, LATER, DOWN, STATES };
static const char *const state_names[] = {"good", "revoked", "later", "down"};
static const char *const checks[] = {"off", "soft", "hard"};

static const enum verdict expected[STATES][3] = {
    [GOOD] = {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_ACCEPT},
    [REVOKED] = {VERDICT_ACCEPT, VERDICT_REJECT, VERDICT_REJECT},
    [LATER] = {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_TEMPFAIL},
    [DOWN] = {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_TEMPFAIL},
};

/* A web server, and a certificate of `ca` that names it. */
static struct pki *reissue(struct web *web, const struct pki *ca, const char *role, const char *domain)
{
    g_autofree char *cn = g_strdup_printf("CN=%s", role), *san = g_strdup_printf("email:%s@%s", role, domain);
    g_autofree char *url = web_url(web, "/ocsp"), *names = g_strconcat("authorityInfoAccess=OCSP;URI:", url, NULL);
    return pki_issue(&(struct pki_spec){
        .issuer = ca, .subject = PKI_LIST(cn), .san = PKI_LIST(san), .key = PKI_RSA, .extensions = PKI_LIST(names)});
}

static void replace(struct org *org, struct pki **place, struct pki *with, const char *name)
{
    g_autofree char *certificate = g_strconcat(name, ".pem", NULL), *key = g_strconcat(name, ".key", NULL);
    pki_free(*place);
    *place = with;
    g_free(pki_write(org->folder, certificate, with, NULL));
    g_free(pki_write_key(org->folder, key, with));
}

static void run(enum state state, size_t check, bool inbound)
{
    owned(web) struct web *web = web_start();
    owned(rig) struct rig *rig = rig_closed(PKI_RSA);
    struct org *about = inbound ? &rig->acme : &rig->partner;
    if (inbound)
        replace(about, &about->dsa, reissue(web, about->ca, "domain-signing-authority", about->domain), "dsa");
    else
        replace(about, &about->dca, reissue(web, about->ca, "domain-confidentiality-authority", about->domain), "dca");
    const struct fetching place = {
        .web = web, .root = about->ca, .authority = about->ca, .alice = inbound ? about->dsa : about->dca};
    struct responder responder = {.status = state == REVOKED ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                                  .error = state == LATER ? OCSP_RESPONSE_STATUS_TRYLATER : 0};
    responder_put(&responder, &place, "/ocsp");
    if (state == DOWN)
        web_pause(web);
    g_autofree char *keys =
        g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); revocation = { check = \"%s\"; };", checks[check]);
    rig_open(&rig->acme, &rig->partner,
             inbound ? "outbound = { protect = \"sign\"; };"
                     : "outbound = { protect = \"encrypt\"; no_certificate = \"reject\"; };",
             inbound ? NULL : keys);
    rig_open(&rig->partner, &rig->acme, "inbound = { require = \"sign\"; otherwise = \"reject\"; };",
             inbound ? keys : NULL);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    AUTO_SENT struct sent in = inbound ? rig_inbound(rig, out.bytes, out.length) : (struct sent){0};
    const struct sent *judged = inbound ? &in : &out;
    cr_expect_eq(rig_verdict(judged), expected[state][check], "%s, %s, %s: %s", state_names[state], checks[check],
                 inbound ? "inbound" : "encrypting", rig_reason(judged));
    if (inbound && check == 1 && (state == LATER || state == DOWN))
        cr_expect_not_null(strstr(in.bytes, "cannot be checked for revocation"), "%s", in.bytes);
    cr_expect_eq(web_count(web, NULL), check == 0 || state == DOWN ? 0 : 1, "%s, %s", state_names[state],
                 checks[check]);
    responder_clear(&responder);
}

Test(revocation, of_who_signed)
{
    for (int state = 0; state < STATES; state++)
        for (size_t check = 0; check < G_N_ELEMENTS(checks); check++)
            run((enum state)state, check, true);
}

Test(revocation, of_whom_it_is_encrypted_to)
{
    for (int state = 0; state < STATES; state++)
        for (size_t check = 0; check < G_N_ELEMENTS(checks); check++)
            run((enum state)state, check, false);
}

/* --- answers that come with the message (RFC 5940) --- */

static char *message_with(const struct pki *signer, GByteArray *answer, bool clear)
{
    g_autoptr(GPtrArray) answers = embed_list();
    embed_add(answers, answer);
    const struct attack attack = {.signer = signer, .types = SIGNATURE_TYPE_DOMAIN, .flags = clear ? CMS_DETACHED : 0};
    CMS_ContentInfo *cms = embed_in(attack_sign(&attack), EMBED_OCSP, answers);
    return clear ? attack_clear(ATTACK_TOP, ATTACK_ENTITY, cms) : attack_opaque(ATTACK_TOP, cms);
}

Test(revocation, embedded_answers)
{
    static const struct {
        const char *what;
        struct responder embedded;
        enum verdict verdicts[3];
        unsigned asked; /* the responder, where it counts; it says to try later */
    } rows[] = {
        {"good", {0}, {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_ACCEPT}, 0},
        {"revoked", {.status = V_OCSP_CERTSTATUS_REVOKED}, {VERDICT_REJECT, VERDICT_REJECT, VERDICT_REJECT}, 0},
        {"out of date", {.from = -7200, .until = -3600}, {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_TEMPFAIL}, 1},
        {"of the signer", {.signer = RESPONDER_SUBJECT}, {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_TEMPFAIL}, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows) * 3; i++) {
        size_t row = i / 3, check = i % 3;
        owned(web) struct web *web = web_start();
        owned(rig) struct rig *rig = rig_closed(PKI_RSA);
        replace(&rig->acme, &rig->acme.dsa, reissue(web, rig->acme.ca, "domain-signing-authority", "acme.test"), "dsa");
        const struct fetching place = {
            .web = web, .root = rig->acme.ca, .authority = rig->acme.ca, .alice = rig->acme.dsa};
        struct responder embedded = rows[row].embedded, later = {.error = OCSP_RESPONSE_STATUS_TRYLATER};
        responder_put(&later, &place, "/ocsp");
        g_autofree char *keys =
            g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); revocation = { check = \"%s\"; };", checks[check]);
        rig_open(&rig->partner, &rig->acme, "inbound = { require = \"sign\"; otherwise = \"reject\"; };", keys);
        g_autofree char *text = message_with(rig->acme.dsa, responder_answer(&embedded, &place), i % 2 == 0);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        cr_expect_eq(rig_verdict(&in), rows[row].verdicts[check], "%s, %s: %s", rows[row].what, checks[check],
                     rig_reason(&in));
        cr_expect_eq(web_count(web, NULL), check == 0 ? 0 : rows[row].asked, "%s, %s", rows[row].what, checks[check]);
        responder_clear(&embedded);
    }
}
