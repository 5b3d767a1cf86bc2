/* SPDX-License-Identifier: Apache-2.0 */
/* Messages whose certificates need an authority that lies on a web server. */
#include "support/attack.h"
#include "support/web.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

static void replace(struct org *org, struct pki **place, struct pki *with, const char *name)
{
    g_autofree char *certificate = g_strconcat(name, ".pem", NULL), *key = g_strconcat(name, ".key", NULL);
    pki_free(*place);
    *place = with;
    g_free(pki_write(org->folder, certificate, with, NULL));
    g_free(pki_write_key(org->folder, key, with));
}

/* Below an authority whose certificate is not in the message, and lies at /a.cer. */
static struct pki *below(struct web *web, const struct pki *authority, const char *role, const char *domain)
{
    g_autofree char *cn = g_strdup_printf("CN=%s", role), *san = g_strdup_printf("email:%s@%s", role, domain);
    g_autofree char *url = web_url(web, "/a.cer"),
                    *names = g_strconcat("authorityInfoAccess=caIssuers;URI:", url, NULL);
    return pki_issue(&(struct pki_spec){.issuer = authority,
                                        .subject = PKI_LIST(cn),
                                        .san = PKI_LIST(san),
                                        .key = PKI_RSA,
                                        .extensions = PKI_LIST(names)});
}

static void serve(struct web *web, const char *path, const struct pki *authority, enum web_manner manner)
{
    unsigned char *der = NULL;
    int length = i2d_X509(authority->cert, &der);
    web_put(web, path, &(struct web_page){.body = der, .length = (size_t)length, .manner = manner});
    OPENSSL_free(der);
}

Test(issuers, issuers_of_who_signed)
{
    static const struct {
        const char *keys;
        enum web_manner manner;
        enum verdict verdict;
        unsigned asked;
    } rows[] = {
        {"fetch_issuers = true; fetch_networks = ( \"127.0.0.0/8\" );", WEB_PLAIN, VERDICT_ACCEPT, 2},
        {"fetch_issuers = true; fetch_networks = ( \"127.0.0.0/8\" );", WEB_CLOSE, VERDICT_TEMPFAIL, 1},
        {"fetch_issuers = true;", WEB_PLAIN, VERDICT_REJECT, 0},
        {"fetch_networks = ( \"127.0.0.0/8\" );", WEB_PLAIN, VERDICT_REJECT, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(web) struct web *web = web_start();
        owned(rig) struct rig *rig = rig_closed(PKI_RSA);
        PKI_AUTO struct pki *middle = pki_sub_ca(rig->acme.ca, "Middle");
        g_autofree char *url = web_url(web, "/m.cer");
        g_autofree char *names = g_strconcat("authorityInfoAccess=caIssuers;URI:", url, NULL);
        PKI_AUTO struct pki *authority = pki_issue(&(struct pki_spec){
            .issuer = middle, .ca = true, .subject = PKI_LIST("CN=Issuing"), .extensions = PKI_LIST(names)});
        serve(web, "/m.cer", middle, WEB_PLAIN);
        replace(&rig->acme, &rig->acme.dsa, below(web, authority, "domain-signing-authority", "acme.test"), "dsa");
        serve(web, "/a.cer", authority, rows[i].manner);
        rig_open(&rig->partner, &rig->acme, "inbound = { require = \"sign\"; otherwise = \"reject\"; };", rows[i].keys);
        const struct attack attack = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN};
        g_autofree char *text = attack_message(&attack);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        cr_expect_eq(rig_verdict(&in), rows[i].verdict, "%zu: %s", i, rig_reason(&in));
        cr_expect_eq(web_count(web, NULL), rows[i].asked, "%zu", i);
    }
}

Test(issuers, issuers_of_whom_it_is_encrypted_to)
{
    for (int fetches = 0; fetches < 2; fetches++) {
        owned(web) struct web *web = web_start();
        owned(rig) struct rig *rig = rig_closed(PKI_RSA);
        PKI_AUTO struct pki *authority = pki_sub_ca(rig->partner.ca, "Issuing");
        replace(&rig->partner, &rig->partner.dca,
                below(web, authority, "domain-confidentiality-authority", "partner.test"), "dca");
        serve(web, "/a.cer", authority, WEB_PLAIN);
        rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"encrypt\"; no_certificate = \"reject\"; };",
                 fetches ? "fetch_issuers = true; fetch_networks = ( \"127.0.0.0/8\" );" : NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(rig_verdict(&out), fetches ? VERDICT_ACCEPT : VERDICT_REJECT, "%s", rig_reason(&out));
        cr_expect_eq(web_count(web, NULL), fetches ? 1 : 0);
    }
}
