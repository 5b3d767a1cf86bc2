/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a message when a responder is asked about who signed it, or to whom it is encrypted: under each
 * `check`, with the responder of the openssl command where it can give the answer, and with one of ours where it
 * cannot.
 */
#include "support/attack.h"
#include "support/embed.h"
#include "support/openssl_ocsp.h"
#include "support/responder.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

enum by {
    BY_OPENSSL,   /* as the certificate's authority */
    BY_DELEGATED, /* with a certificate of the authority for this use */
    BY_WRONG,     /* with such a certificate of another authority */
    BY_REDIRECT,  /* a page of ours leads to the first */
    BY_HUNG,      /* the first, and it says nothing any more */
    BY_US,
    BY_PAGE,
    BY_NOTHING, /* no server is there */
};
#define PROCESSES 3

enum known { GOOD, REVOKED, UNKNOWN };

static const struct row {
    const char *what;
    enum by by;
    long serial;
    struct responder says;
    struct web_page page;
    enum known known;
    const char *why; /* it is unknown */
} rows[] = {
    {"good", BY_OPENSSL, OPENSSL_OCSP_GOOD, .known = GOOD},
    {"revoked", BY_OPENSSL, OPENSSL_OCSP_REVOKED, .known = REVOKED},
    {"unknown", BY_OPENSSL, OPENSSL_OCSP_UNKNOWN, .known = UNKNOWN, .why = "does not know it"},
    {"delegated", BY_DELEGATED, OPENSSL_OCSP_GOOD, .known = GOOD},
    {"delegated, revoked", BY_DELEGATED, OPENSSL_OCSP_REVOKED, .known = REVOKED},
    {"wrong responder", BY_WRONG, OPENSSL_OCSP_GOOD, .known = UNKNOWN, .why = "may answer for it"},
    {"wrong responder, revoked", BY_WRONG, OPENSSL_OCSP_REVOKED, .known = UNKNOWN, .why = "may answer for it"},
    {"redirected", BY_REDIRECT, OPENSSL_OCSP_GOOD, .page = {.status = 302}, .known = GOOD},
    {"redirected, revoked", BY_REDIRECT, OPENSSL_OCSP_REVOKED, .page = {.status = 307}, .known = REVOKED},
    {"in a loop", BY_PAGE, 0, .page = {.status = 302, .location = "/ocsp"}, .known = UNKNOWN, .why = "with an error"},
    {"redirected to a file", BY_PAGE, .page = {.status = 302, .location = "file:///etc/passwd"}, .known = UNKNOWN,
     .why = "fetch_networks"},
    {"redirected into the internal network", BY_PAGE, .page = {.status = 302, .location = "http://10.0.0.1/"},
     .known = UNKNOWN, .why = "fetch_networks"},
    {"expired answer", BY_US, .says = {.from = -7200, .until = -60}, .known = UNKNOWN, .why = "is out of date"},
    {"from the future", BY_US, .says = {.from = 3600, .until = 7200}, .known = UNKNOWN, .why = "from the future"},
    {"nonce missing", BY_US, .says = {.nonce = RESPONDER_NO_NONCE}, .known = GOOD},
    {"nonce missing, revoked", BY_US, .says = {.nonce = RESPONDER_NO_NONCE, .status = V_OCSP_CERTSTATUS_REVOKED},
     .known = REVOKED},
    {"nonce missing, and no end", BY_US, .says = {.nonce = RESPONDER_NO_NONCE, .no_end = true}, .known = UNKNOWN,
     .why = "does not say until when"},
    {"wrong nonce", BY_US, .says = {.nonce = RESPONDER_WRONG_NONCE}, .known = UNKNOWN, .why = "another nonce"},
    {"about another", BY_US, .says = {.other_certificate = true}, .known = UNKNOWN, .why = "about another"},
    {"try later", BY_US, .says = {.error = OCSP_RESPONSE_STATUS_TRYLATER}, .known = UNKNOWN, .why = "to try later"},
    {"too large", BY_PAGE, .page = {.body = "x", .length = 1, .manner = WEB_ENDLESS}, .known = UNKNOWN, .why = "large"},
    {"an error page", BY_PAGE, .page = {.status = 503}, .known = UNKNOWN, .why = "with an error"},
    {"down", BY_NOTHING, .known = UNKNOWN, .why = "cannot be reached"},
    {"hung", BY_HUNG, OPENSSL_OCSP_GOOD, .known = UNKNOWN, .why = "cannot be checked"},
};

static const char *const checks[] = {"off", "soft", "hard"};
static const enum verdict expected[][3] = {
    [GOOD] = {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_ACCEPT},
    [REVOKED] = {VERDICT_ACCEPT, VERDICT_REJECT, VERDICT_REJECT},
    [UNKNOWN] = {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_TEMPFAIL},
};

struct world {
    struct rig *rig;
    struct web *web;
    struct openssl_ocsp *openssl[PROCESSES];
    struct pki *other; /* an authority of the same name */
    struct org *about; /* whose certificate is asked about */
    bool inbound;
};

static struct pki *responder_of(const struct pki *authority)
{
    return pki_issue(&(struct pki_spec){.issuer = authority,
                                        .subject = PKI_LIST("CN=Responder"),
                                        .eku = "OCSPSigning",
                                        .extensions = PKI_LIST("noCheck=ignored")});
}

static struct world *world_new(bool inbound)
{
    struct world *world = g_new0(struct world, 1);
    world->web = web_start();
    world->rig = rig_closed(PKI_EC);
    world->inbound = inbound;
    world->about = inbound ? &world->rig->acme : &world->rig->partner;
    world->other = pki_ca(world->about->domain);
    PKI_AUTO struct pki *delegated = responder_of(world->about->ca), *wrong = responder_of(world->other);
    const struct pki *const signers[PROCESSES] = {world->about->ca, delegated, wrong};
    for (size_t i = 0; i < PROCESSES; i++)
        world->openssl[i] = openssl_ocsp_start(world->about->ca, signers[i]);
    return world;
}

static void world_free(struct world *world)
{
    for (size_t i = 0; i < PROCESSES; i++)
        openssl_ocsp_stop(world->openssl[i]);
    rig_free(world->rig);
    web_free(world->web);
    pki_free(world->other);
    g_free(world);
}
DECLARE_OWNED(world, struct world *, world_free)

/* A certificate that names this responder takes the place of that for the signatures, or for the encryption. */
static struct pki *reissue(struct org *org, bool signs, long serial, const char *url)
{
    const char *role = signs ? "domain-signing-authority" : "domain-confidentiality-authority";
    struct pki **place = signs ? &org->dsa : &org->dca;
    g_autofree char *cn = g_strdup_printf("CN=%s", role), *san = g_strdup_printf("email:%s@%s", role, org->domain);
    g_autofree char *names = g_strconcat("authorityInfoAccess=OCSP;URI:", url, NULL);
    pki_free(*place);
    *place = pki_issue(&(struct pki_spec){.issuer = org->ca,
                                          .subject = PKI_LIST(cn),
                                          .san = PKI_LIST(san),
                                          .serial = serial,
                                          .extensions = PKI_LIST(names)});
    g_free(pki_write(org->folder, signs ? "dsa.pem" : "dca.pem", *place, NULL));
    g_free(pki_write_key(org->folder, signs ? "dsa.key" : "dca.key", *place));
    return *place;
}

/* Puts the responder of the row in place; its address, g_free(). */
static char *prepare(struct world *world, const struct row *row, struct responder *responder)
{
    g_autofree char *real = openssl_ocsp_url(world->openssl[row->by < PROCESSES ? row->by : BY_OPENSSL]);
    struct web_page page = row->page;
    *responder = row->says;
    if (row->by == BY_REDIRECT)
        page.location = real;
    if (row->by == BY_REDIRECT || row->by == BY_PAGE)
        web_put(world->web, "/ocsp", &page);
    if (row->by == BY_HUNG)
        openssl_ocsp_hang(world->openssl[BY_OPENSSL]);
    if (row->by == BY_NOTHING)
        return g_strdup("http://127.0.0.1:1/");
    return row->by == BY_US || row->by == BY_REDIRECT || row->by == BY_PAGE ? web_url(world->web, "/ocsp")
                                                                            : g_steal_pointer(&real);
}

static void open_both(struct world *world, const char *check)
{
    struct rig *rig = world->rig;
    g_autofree char *keys = g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); lookup_timeout = 1;\n"
                                            "revocation = { check = \"%s\"; };",
                                            check);
    rig_open(&rig->acme, &rig->partner,
             world->inbound ? "outbound = { protect = \"sign\"; };"
                            : "outbound = { protect = \"encrypt\"; no_certificate = \"reject\"; };",
             world->inbound ? NULL : keys);
    rig_open(&rig->partner, &rig->acme, "inbound = { require = \"sign\"; otherwise = \"reject\"; };",
             world->inbound ? keys : NULL);
}

static void close_both(struct world *world)
{
    gateway_unref(g_steal_pointer(&world->rig->acme.gateway));
    gateway_unref(g_steal_pointer(&world->rig->partner.gateway));
}

/* That it is not known, and why: in the result of what arrives, and in the log. */
static void expect_said(const struct world *world, const struct row *row, const struct sent *judged)
{
    g_autofree char *line = passage_log_line(judged->result);
    bool passed = rig_verdict(judged) == VERDICT_ACCEPT;
    cr_expect_not_null(strstr(line, row->why), "%s: %s", row->what, line);
    cr_expect_eq(strstr(line, " unchecked=") != NULL, passed, "%s: %s", row->what, line);
    if (world->inbound && passed)
        cr_expect_not_null(strstr(judged->bytes, "cannot be checked for revocation"), "%s: %s", row->what,
                           judged->bytes);
}

static void run(struct world *world, const struct row *row, size_t check)
{
    unsigned count = web_count(world->web, NULL);
    open_both(world, checks[check]);
    AUTO_SENT struct sent out = rig_outbound(world->rig, MESSAGE);
    AUTO_SENT struct sent in = world->inbound ? rig_inbound(world->rig, out.bytes, out.length) : (struct sent){0};
    const struct sent *judged = world->inbound ? &in : &out;
    cr_expect_eq(rig_verdict(judged), expected[row->known][check], "%s, %s, %s: %s", row->what, checks[check],
                 world->inbound ? "inbound" : "encrypting", rig_reason(judged));
    cr_expect_eq(rig_encrypted(&out), !world->inbound && expected[row->known][check] == VERDICT_ACCEPT);
    if (row->known == UNKNOWN && check > 0)
        expect_said(world, row, judged);
    if (row->known == REVOKED && check > 0)
        cr_expect_not_null(strstr(rig_reason(judged), "revoked"), "%s: %s", row->what, rig_reason(judged));
    if (check == 0)
        cr_expect_eq(web_count(world->web, NULL), count, "%s: it is asked", row->what);
    close_both(world);
}

static void run_all(bool inbound)
{
    owned(world) struct world *world = world_new(inbound);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct responder responder;
        g_autofree char *url = prepare(world, &rows[i], &responder);
        const struct fetching place = {.web = world->web,
                                       .root = world->about->ca,
                                       .authority = world->about->ca,
                                       .alice = reissue(world->about, inbound, rows[i].serial, url)};
        if (rows[i].by == BY_US)
            responder_put(&responder, &place, "/ocsp");
        for (size_t check = 0; check < G_N_ELEMENTS(checks); check++)
            run(world, &rows[i], check);
        responder_clear(&responder);
    }
}

Test(revocation, of_who_signed)
{
    run_all(true);
}

Test(revocation, of_whom_it_is_encrypted_to)
{
    run_all(false);
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
    } embedded_rows[] = {
        {"good", {0}, {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_ACCEPT}, 0},
        {"revoked", {.status = V_OCSP_CERTSTATUS_REVOKED}, {VERDICT_REJECT, VERDICT_REJECT, VERDICT_REJECT}, 0},
        {"out of date", {.from = -7200, .until = -3600}, {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_TEMPFAIL}, 1},
        {"of the signer", {.signer = RESPONDER_SUBJECT}, {VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_TEMPFAIL}, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(embedded_rows) * 3; i++) {
        size_t row = i / 3, check = i % 3;
        owned(web) struct web *web = web_start();
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        g_autofree char *url = web_url(web, "/ocsp");
        reissue(&rig->acme, true, 0, url);
        const struct fetching place = {
            .web = web, .root = rig->acme.ca, .authority = rig->acme.ca, .alice = rig->acme.dsa};
        struct responder embedded = embedded_rows[row].embedded, later = {.error = OCSP_RESPONSE_STATUS_TRYLATER};
        responder_put(&later, &place, "/ocsp");
        g_autofree char *keys =
            g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); revocation = { check = \"%s\"; };", checks[check]);
        rig_open(&rig->partner, &rig->acme, "inbound = { require = \"sign\"; otherwise = \"reject\"; };", keys);
        g_autofree char *text = message_with(rig->acme.dsa, responder_answer(&embedded, &place), i % 2 == 0);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        cr_expect_eq(rig_verdict(&in), embedded_rows[row].verdicts[check], "%s, %s: %s", embedded_rows[row].what,
                     checks[check], rig_reason(&in));
        cr_expect_eq(web_count(web, NULL), check == 0 ? 0 : embedded_rows[row].asked, "%s, %s", embedded_rows[row].what,
                     checks[check]);
        responder_clear(&embedded);
    }
}
