/* SPDX-License-Identifier: Apache-2.0 */
/* Which of our identities may put layers on a message, asked without the rest of its way. */
#include "gateway/internal.h"

#include "support/rig.h"

#define NAMED(what, file, more) " { " what " certificate = \"" file ".pem\"; key = \"file:our.key\"; " more "},\n"
#define ROLE(domain, role, file, more) NAMED("domain = \"" domain "\"; role = \"" role "\";", file, more)
#define SIGNER(domain, file) ROLE(domain, "domain-signing-authority", file, "")
#define SIGNER_LATER(domain, file) ROLE(domain, "domain-signing-authority", file, "from = \"2200-01-01\";")
#define OPENER(domain, file) ROLE(domain, "domain-confidentiality-authority", file, "")
#define OPENER_LATER(domain, file) ROLE(domain, "domain-confidentiality-authority", file, "from = \"2200-01-01\";")
#define LATER ((time_t)7258118400) /* 2200-01-01 */

/* One folder for all tables: its domains differ in what they have. */
#define CONFIGURATION                                                                                                  \
    "local_domains = ( \"acme.test\", \"north.acme.test\", \"open.test\", \"lost.test\", \"next.test\" );\n"           \
    "authserv_id = \"gw.acme.test\";\npolicy_dir = \"policy.d\";\ntrust_anchors = ( \"ca.pem\" );\n"                   \
    "spool_directory = \"/tmp\";\ncrls = ( \"crls\" );\nidentities = (\n" SIGNER("acme.test", "acme")                  \
        SIGNER("north.acme.test", "north") OPENER("acme.test", "acme-open") OPENER("open.test", "open")                \
            SIGNER("signs.test", "signs") SIGNER("rolled.test", "gone") SIGNER("rolled.test", "newer")                 \
                SIGNER("rolled.test", "older") SIGNER_LATER("rolled.test", "later") SIGNER("lost.test", "gone")        \
                    SIGNER_LATER("lost.test", "later") OPENER("lost.test", "gone-open")                                \
                        OPENER_LATER("next.test", "next") NAMED("address = \"alice@acme.test\";", "alice", "")         \
                            NAMED("address = ( \"edi@acme.test\", \"*@acme.test\" );", "edi",                          \
                                  "") " { domain = \"acme.test\"; role = \"review-authority\"; certificate = "         \
                                      "\"review.pem\"; key = \"file:our.key\"; } );\n"

static struct gateway *open_gateway(const char *folder)
{
    static const char *const names[] = {"acme",  "north", "acme-open", "open",  "signs", "newer",
                                        "older", "later", "next",      "alice", "edi",   "review"};
    time_t now = time(NULL);
    PKI_AUTO struct pki *ca = pki_ca("ours"), *first = pki_person(ca, "x@acme.test");
    PKI_AUTO struct pki *gone =
        pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=gone"), .use_key = first->key});
    X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = ca, .revoked = {gone}});
    g_autofree char *crls = g_build_filename(folder, "crls", NULL);
    g_mkdir(crls, 0700);
    g_free(pki_write_crl(crls, "ours.crl", crl));
    X509_CRL_free(crl);
    g_free(pki_write(folder, "ca.pem", ca, NULL));
    g_free(pki_write(folder, "gone.pem", gone, NULL));
    g_free(pki_write(folder, "gone-open.pem", gone, NULL));
    g_free(pki_write_key(folder, "our.key", first));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.issuer = ca,
                                                                .subject = PKI_LIST("CN=x"),
                                                                .use_key = first->key,
                                                                .not_before = now - 200000 - (time_t)i * 1000});
        g_autofree char *file = g_strconcat(names[i], ".pem", NULL);
        g_free(pki_write(folder, file, pki, NULL));
    }
    /* what one partner wants to know of revocation is not what counts for our own */
    folder_write(folder, "policy.d/partner.test.conf",
                 "domain = \"partner.test\";\nrevocation = { check = \"off\"; };\n");
    g_autofree char *file = folder_file(folder, "domsec.conf", CONFIGURATION);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    struct gateway *gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    for (size_t i = 0; gateway == NULL && i < faults_count(faults); i++)
        fprintf(stderr, "%s\n", faults_at(faults, i));
    cr_assert_not_null(gateway);
    return gateway;
}

static void add_name(GString *text, const struct identity *identity)
{
    g_autofree char *name = g_path_get_basename(identity->conf->certificate);
    g_string_append_len(text, name, (gssize)(strlen(name) - strlen(".pem")));
}

/* "newer+ gone-": those that may act in a role, in their order, and whether they are valid; or why no identity is, with
 * the number of the error's kind. */
static char *found(const struct lookups *lookups, enum own role)
{
    const struct own_view *view = &lookups->own_views[role];
    const struct wrapping first = {0};
    GString *text = g_string_new(NULL);
    if (view->missing.kind != ERROR_NONE) {
        g_string_append_printf(text, "%d: %s", (int)view->missing.kind, view->missing.text);
        cr_expect_eq(view->count, 0, "%s", text->str);
        cr_expect_null(lookups_own(lookups, &first, role), "%s", text->str);
    }
    for (size_t i = 0; i < view->count; i++) {
        add_name(text, lookups->own[role].list[i]);
        g_string_append(text, view->list[i].is_current ? "+ " : "- ");
    }
    return g_string_free(text, FALSE);
}

/* A message to one recipient, for which something was planned before. */
struct asked {
    struct lookups lookups;
    struct mail mail;
    struct envelope *envelope;
    struct examination examination;
    struct recipient_view recipients[1];
};

static void ask(struct asked *asked, const struct gateway *gateway, const char *from, const struct least *least)
{
    struct mail *mail = &asked->mail;
    asked->envelope = rig_envelope(&(struct rig_envelope){.from = "x@acme.test", .to = "bob@partner.test"});
    asked->lookups.recipients = asked->recipients;
    mail->envelope = asked->envelope;
    mail->examination = &asked->examination;
    mail->least = least;
    if (mail->at == 0)
        mail->at = time(NULL);
    originator_from_text(from, &mail->originator);
    lookups_ask_identities(&asked->lookups, gateway, mail);
}

static void asked_clear(struct asked *asked)
{
    lookups_clear_identities(&asked->lookups);
    originator_clear(&asked->mail.originator);
    envelope_free(asked->envelope);
}

#define AUTO_ASKED __attribute__((cleanup(asked_clear))) struct asked

/* --- the roles --- */

Test(identities, who_may_act)
{
#define NONE_STANDS "none of our domain-signing-authorities represents all authors in From"
    static const struct {
        const char *from;
        enum own role;
        enum error_kind kind; /* ERROR_NONE: found */
        const char *expected;
    } rows[] = {
        {"ann@acme.test", OWN_DOMAIN, ERROR_NONE, "acme+ "},
        {"ann@north.acme.test", OWN_DOMAIN, ERROR_NONE, "north+ acme+ "},
        {"ann@north.acme.test, bob@acme.test", OWN_DOMAIN, ERROR_NONE, "acme+ "},
        {"ann@acme.test, bob@signs.test", OWN_DOMAIN, ERROR_PERMANENT, NONE_STANDS},
        {"ann@signs.test", OWN_DOMAIN, ERROR_NONE, "signs+ "}, /* which has no other authority */
        {"ann@open.test", OWN_DOMAIN, ERROR_CONFIGURATION,
         "no identity with the role domain-signing-authority is configured for open.test"},
        /* a revoked one does not sign, if another one does */
        {"ann@rolled.test", OWN_DOMAIN, ERROR_NONE, "newer+ older+ gone- later- "},
        {"ann@lost.test", OWN_DOMAIN, ERROR_CONFIGURATION,
         "the certificate of the domain-signing-authority for lost.test ("},
        {"ann@lost.test", OWN_AUDITOR, ERROR_CONFIGURATION,
         "the certificate of the domain-confidentiality-authority for lost.test ("},
        {"ann@acme.test", OWN_AUDITOR, ERROR_NONE, "acme-open+ "},
        {"ann@acme.test", OWN_REVIEW, ERROR_NONE, "review+ "},
        {"ann@acme.test", OWN_ATTRIBUTE, ERROR_CONFIGURATION, "no identity with the role attribute-authority"},
        /* nothing is signed in the author's name unless a rule asks for it */
        {"alice@acme.test", OWN_MAILBOX, ERROR_PERMANENT, "no rule asks for the author's own signature"},
    };
    owned(folder) char *folder = folder_new();
    owned(gateway) struct gateway *gateway = open_gateway(folder);
    const struct least signs = {.treatment = {.sign = true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_ASKED asked = {.mail = {.direction = DIRECTION_OUTBOUND}};
        ask(&asked, gateway, rows[i].from, &signs);
        g_autofree char *text = found(&asked.lookups, rows[i].role);
        g_autofree char *expected = rows[i].kind == ERROR_NONE
                                        ? g_strdup(rows[i].expected)
                                        : g_strdup_printf("%d: %s", (int)rows[i].kind, rows[i].expected);
        cr_expect(g_str_has_prefix(text, expected) && (rows[i].kind != ERROR_NONE || strlen(text) == strlen(expected)),
                  "row %zu: %s", i, text);
    }
}

Test(identities, in_the_name_of_the_author)
{
    static const struct {
        const char *from;
        enum sign_as planned, asked; /* before, and by the recipient's rule */
        const char *expected;
    } rows[] = {
        {"alice@acme.test", SIGN_AS_MAILBOX, SIGN_AS_DOMAIN, "alice+ edi+ "},
        {"alice@acme.test", SIGN_AS_BOTH, SIGN_AS_DOMAIN, "alice+ edi+ "},
        {"alice@acme.test", SIGN_AS_DOMAIN, SIGN_AS_BOTH, "alice+ edi+ "},
        {"carol@acme.test", SIGN_AS_MAILBOX, SIGN_AS_DOMAIN, "edi+ "},
        {"alice@acme.test", SIGN_AS_DOMAIN, SIGN_AS_DOMAIN, NULL},
        {"alice@acme.test, ann@acme.test", SIGN_AS_BOTH, SIGN_AS_BOTH, NULL}, /* not in the name of one of two */
    };
    owned(folder) char *folder = folder_new();
    owned(gateway) struct gateway *gateway = open_gateway(folder);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct least least = {.treatment = {.sign = true, .sign_as = rows[i].planned}};
        const struct rule rule = {.outbound = {.protect = PROTECT_SIGN, .sign_as = rows[i].asked}};
        AUTO_ASKED asked = {.mail = {.direction = DIRECTION_OUTBOUND}};
        asked.recipients[0] = (struct recipient_view){.claims = {{.rule = &rule}}, .claim_count = 1};
        ask(&asked, gateway, rows[i].from, &least);
        const struct own_view *view = &asked.lookups.own_views[OWN_MAILBOX];
        g_autofree char *text = found(&asked.lookups, OWN_MAILBOX);
        cr_expect(rows[i].expected == NULL ? strstr(text, "no rule asks for the author's own") != NULL
                                           : strcmp(text, rows[i].expected) == 0,
                  "row %zu: %s", i, text);
        cr_expect_eq(view->missing.kind, rows[i].expected == NULL ? ERROR_PERMANENT : ERROR_NONE, "row %zu", i);
        /* the author, not all whom the identity serves */
        cr_expect_eq(g_strcmp0(view->owner, rows[i].expected == NULL ? NULL : rows[i].from), 0, "row %zu: %s", i,
                     view->owner);
    }
}

/* RFC 3183 §5. Nothing is named before it comes into force, though its key decrypts already. */
Test(identities, who_encrypts_again)
{
    static const struct {
        const char *from;
        const char *openers[2]; /* whose key opened each layer; NULL: no key of ours */
        time_t at;
        const char *expected; /* NULL: no identity */
    } rows[] = {
        {"ann@acme.test", {"open", NULL}, 0, "acme-open"},    {"ann@other.test", {NULL, NULL}, 0, NULL},
        {"ann@other.test", {"open", NULL}, 0, "open"},        {"ann@other.test", {NULL, "open"}, 0, "open"},
        {"ann@other.test", {"open", "acme-open"}, 0, "open"}, {"", {"open", NULL}, 0, "open"},
        {"ann@other.test", {"next", NULL}, 0, NULL},          {"ann@other.test", {"next", NULL}, LATER - 1, NULL},
        {"ann@other.test", {"next", NULL}, LATER, "next"},
    };
    owned(folder) char *folder = folder_new();
    owned(gateway) struct gateway *gateway = open_gateway(folder);
    const struct least encrypts = {.treatment = {.encrypt = true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct examined_layer layers[2] = {0};
        AUTO_ASKED asked = {.mail = {.direction = DIRECTION_OUTBOUND, .at = rows[i].at}};
        asked.examination = (struct examination){.layers = layers, .whole = G_N_ELEMENTS(layers)};
        for (size_t j = 0; j < keys_count(gateway->keys); j++) {
            g_autoptr(GString) name = g_string_new(NULL);
            add_name(name, keys_at(gateway->keys, j));
            for (size_t k = 0; k < G_N_ELEMENTS(layers); k++)
                if (g_strcmp0(name->str, rows[i].openers[k]) == 0)
                    layers[k].layer.identity = keys_at(gateway->keys, j);
        }
        ask(&asked, gateway, rows[i].from, &encrypts);
        const struct wrapping first = {0};
        const struct identity *identity = lookups_own(&asked.lookups, &first, OWN_ENCRYPTER);
        g_autoptr(GString) name = g_string_new(NULL);
        if (identity != NULL)
            add_name(name, identity);
        cr_expect_str_eq(name->str, rows[i].expected != NULL ? rows[i].expected : "", "row %zu", i);
    }
}

/* --- when --- */

/* For a message that gets no layers, it does not matter which identities there are. */
Test(identities, asked_for_what_gets_layers)
{
    static const struct {
        enum direction direction;
        bool is_copy, sign, encrypt; /* what was planned, if it is a copy */
        enum protect protect;        /* what the recipient's rule asks */
        bool local, asks;
    } rows[] = {
        {DIRECTION_OUTBOUND, false, false, false, PROTECT_NONE, false, false},
        {DIRECTION_OUTBOUND, false, false, false, PROTECT_SIGN, false, true},
        {DIRECTION_OUTBOUND, false, false, false, PROTECT_ENCRYPT, false, true},
        {DIRECTION_OUTBOUND, false, false, false, PROTECT_SIGN, true, false},
        {DIRECTION_INBOUND, false, false, false, PROTECT_SIGN, false, false},
        {DIRECTION_OUTBOUND, true, false, false, PROTECT_NONE, false, false},
        {DIRECTION_OUTBOUND, true, false, false, PROTECT_SIGN, false, true},
        {DIRECTION_OUTBOUND, true, true, false, PROTECT_NONE, false, true},
        {DIRECTION_OUTBOUND, true, false, true, PROTECT_NONE, false, true},
        {DIRECTION_OUTBOUND, true, true, true, PROTECT_NONE, true, true},
    };
    owned(folder) char *folder = folder_new();
    owned(gateway) struct gateway *gateway = open_gateway(folder);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct least least = {.treatment = {.sign = rows[i].sign, .encrypt = rows[i].encrypt}};
        const struct rule rule = {.outbound = {.protect = rows[i].protect}};
        AUTO_ASKED asked = {.mail = {.direction = rows[i].direction}};
        asked.recipients[0] =
            (struct recipient_view){.claims = {{.rule = &rule}}, .claim_count = 1, .local = rows[i].local};
        ask(&asked, gateway, "ann@acme.test", rows[i].is_copy ? &least : NULL);
        for (int role = 0; role < OWN_COUNT; role++) {
            g_autofree char *text = found(&asked.lookups, (enum own)role);
            cr_expect_eq(text[0] != '\0', rows[i].asks, "row %zu, role %d: %s", i, role, text);
        }
    }
}
