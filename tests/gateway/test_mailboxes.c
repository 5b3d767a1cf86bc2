/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that is encrypted for a person's or a group's own key. */
#include "support/attack.h"

#include <jansson.h>

#define ALICE "{ address = \"alice@acme.test\"; certificate = \"alice.pem\"; key = \"file:alice.key\"; },\n"
#define GROUP                                                                                                          \
    "{ address = ( \"edi@acme.test\", \"*@trading.acme.test\" ); certificate = \"edi.pem\"; key = \"file:edi.key\"; "  \
    "},"                                                                                                               \
    "\n"

static struct rig *rig_with_people(const char *policy, struct pki **edi)
{
    struct rig *rig = rig_closed(PKI_EC);
    struct org *acme = &rig->acme;
    *edi = pki_person(acme->ca, "edi@acme.test");
    g_free(pki_write(acme->folder, "alice.pem", acme->alice, NULL));
    g_free(pki_write_key(acme->folder, "alice.key", acme->alice));
    g_free(pki_write(acme->folder, "edi.pem", *edi, NULL));
    g_free(pki_write_key(acme->folder, "edi.key", *edi));
    acme->people = ALICE GROUP;
    rig_open(acme, &rig->partner, policy, NULL);
    return rig;
}

/* Encrypted by hand for one certificate. */
static char *message_for(const struct pki *to, const EVP_CIPHER *cipher)
{
    return attack_opaque("From: bob@partner.test\r\nTo: x@acme.test\r\nSubject: x\r\n",
                         attack_envelop(cipher, to, ATTACK_ENTITY, false));
}

static struct sent take(const struct rig *rig, const char *text, const char *to, const char *to2)
{
    const struct rig_envelope spec = {"bob@partner.test", to, to2, NULL, "198.51.100.7"};
    return rig_pass(&rig->acme, DIRECTION_INBOUND, &spec, text, strlen(text));
}

/* "opened_by" of the outermost layer; g_free(). */
static char *opener_of(const struct sent *sent)
{
    g_autofree char *report = passage_report(sent->result);
    json_t *json = json_loads(report, 0, NULL);
    const json_t *layer = json_array_get(json_object_get(json, "layers"), 0);
    char *name = g_strdup(json_string_value(json_object_get(layer, "opened_by")));
    json_decref(json);
    return name;
}

Test(mailboxes, opened_for_its_own_addresses_alone)
{
    struct pki *edi;
    owned(rig) struct rig *rig = rig_with_people(ATTACK_LAX, &edi);
    const struct {
        const struct pki *key;
        const char *to, *to2, *opened_by; /* NULL: it stays shut */
    } rows[] = {
        {rig->acme.alice, "alice@acme.test", NULL, "alice@acme.test"},
        {rig->acme.alice, "Alice@ACME.test", NULL, "alice@acme.test"},
        {rig->acme.alice, "alice@acme.test", "carol@acme.test", NULL},
        {rig->acme.alice, "carol@acme.test", NULL, NULL},
        {rig->acme.alice, "alice+news@acme.test", NULL, NULL},
        {edi, "edi@acme.test", "bob@trading.acme.test", "edi@acme.test and 1 more"},
        {edi, "bob@trading.acme.test", NULL, "edi@acme.test and 1 more"},
        {edi, "alice@acme.test", "edi@acme.test", NULL},
        {rig->acme.dca, "alice@acme.test", "carol@acme.test", "acme.test"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int gcm = 0; gcm < 2; gcm++) {
            g_autofree char *text = message_for(rows[i].key, gcm ? EVP_aes_256_gcm() : EVP_aes_128_cbc());
            AUTO_SENT struct sent in = take(rig, text, rows[i].to, rows[i].to2);
            g_autofree char *opener = opener_of(&in);
            cr_expect_eq(g_strcmp0(opener, rows[i].opened_by), 0, "row %zu: %s", i, opener);
            cr_expect_eq(strstr(in.bytes, ATTACK_SECRET) != NULL, rows[i].opened_by != NULL, "row %zu", i);
            cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&in));
            cr_expect(rows[i].opened_by != NULL || g_str_has_suffix(in.bytes, strstr(text, "\r\n\r\n")),
                      "row %zu: it is left as it came", i);
        }
    pki_free(edi);
}

/* The key is not even used: how long an answer takes does not depend on it. */
Test(mailboxes, a_key_that_may_not_be_used_is_not)
{
    struct pki *edi;
    owned(rig) struct rig *rig = rig_with_people(ATTACK_LAX, &edi);
    g_autofree char *text = message_for(rig->acme.alice, EVP_aes_128_cbc());
    AUTO_SENT struct sent in = take(rig, text, "alice@acme.test", "carol@acme.test");
    const struct examined_layer *layer = &in.result->mail.examination->layers[0];
    cr_expect_eq(layer->layer.facts.attempted, 0);
    cr_expect_not(in.result->mail.examination->malleable);
    cr_expect_eq(layer->opened, OPENED_NO_KEY);
    const char *reason = in.result->plan.judgement.layers[0].finding.reason;
    cr_expect_str_eq(reason, "encrypted for alice@acme.test, and not each recipient of the message is among its "
                             "addresses");
    pki_free(edi);
}

/* Each recipient is compared with the addresses of a person's key, and the message pays for it. */
Test(mailboxes, recipients_cost)
{
    struct pki *edi;
    owned(rig) struct rig *rig = rig_with_people(ATTACK_LAX, &edi);
    const struct {
        const struct pki *key;
        uint64_t costs;
    } rows[] = {{rig->acme.alice, 500}, {edi, 500}, {rig->acme.dca, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = message_for(rows[i].key, EVP_aes_256_gcm());
        AUTO_SENT struct sent one = take(rig, text, "carol@acme.test", NULL);
        AUTO_SENT struct sent two = take(rig, text, "carol@acme.test", "dave@acme.test");
        cr_expect_eq(two.result->accounts.visible.spent - one.result->accounts.visible.spent, rows[i].costs, "row %zu",
                     i);
    }
    pki_free(edi);
}

/* Policy decides about it as about anything that stays shut. */
Test(mailboxes, what_stays_shut_is_undecryptable)
{
    struct pki *edi;
    owned(rig) struct rig *rig =
        rig_with_people("inbound = { require = \"none\"; undecryptable = \"reject\"; };", &edi);
    g_autofree char *text = message_for(edi, EVP_aes_256_gcm());
    AUTO_SENT struct sent shut = take(rig, text, "edi@acme.test", "alice@acme.test");
    AUTO_SENT struct sent open = take(rig, text, "edi@acme.test", NULL);
    cr_expect_eq(rig_verdict(&shut), VERDICT_REJECT, "%s", rig_reason(&shut));
    cr_expect_eq(rig_verdict(&open), VERDICT_ACCEPT, "%s", rig_reason(&open));
    pki_free(edi);
}

/* A client of ours sends out what is encrypted for alice: nothing is opened for others. */
Test(mailboxes, nothing_is_opened_on_its_way_out)
{
    struct pki *edi;
    owned(rig) struct rig *rig = rig_with_people("outbound = { protect = \"sign\"; };", &edi);
    g_autofree char *text = attack_opaque("From: alice@acme.test\r\nTo: bob@partner.test\r\n",
                                          attack_envelop(EVP_aes_256_gcm(), rig->acme.alice, ATTACK_ENTITY, false));
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_expect_eq(out.result->mail.examination->layers[0].opened, OPENED_NO_KEY);
    cr_expect_null(strstr(out.bytes, ATTACK_SECRET));
    pki_free(edi);
}

/* --- signing in a person's name --- */

#define TEXT "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: x\r\n\r\nthe line\r\n"
#define AS(what) "outbound = { protect = \"sign\"; sign_as = \"" what "\"; };"
#define LOGINS "identity_logins = ( { login = \"al\"; addresses = ( \"alice@acme.test\", \"edi@acme.test\" ); } );\n"

/* extra: in domsec.conf. The partner believes acme.test's certificates, and shows what it sees. */
static struct rig *rig_that_signs(const char *policy, const char *extra)
{
    struct rig *rig = rig_closed(PKI_EC);
    struct org *acme = &rig->acme;
    PKI_AUTO struct pki *edi = pki_person(acme->ca, "edi@acme.test");
    g_free(pki_write(acme->folder, "alice.pem", acme->alice, NULL));
    g_free(pki_write_key(acme->folder, "alice.key", acme->alice));
    g_free(pki_write(acme->folder, "edi.pem", edi, NULL));
    g_free(pki_write_key(acme->folder, "edi.key", edi));
    acme->people = ALICE GROUP;
    rig_open(acme, &rig->partner, policy, extra);
    rig_open(&rig->partner, acme, ATTACK_STRICT, NULL);
    return rig;
}

static struct sent send_as(const struct rig *rig, const char *login, const char *mail_from, const char *text)
{
    const struct rig_envelope spec = {mail_from, "bob@partner.test", NULL, login, "192.0.2.1"};
    return rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
}

/* The layers that the partner sees: S for the author's signature. */
static char *seen_by_partner(const struct rig *rig, const struct sent *out)
{
    AUTO_SENT struct sent in = rig_inbound(rig, out->bytes, out->length);
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s", rig_reason(&in));
    return rig_shape(&in);
}

/* An author's own signature is not replaced, nor is another one put around it. */
Test(mailboxes, who_has_signed_already_is_not_signed_for)
{
    static const struct {
        const char *policy, *login, *shape;
    } rows[] = {
        {AS("mailbox"), "al", "S"},         {AS("mailbox"), NULL, "S"}, {AS("mailbox+domain"), "al", "DS"},
        {AS("mailbox+domain"), NULL, "DS"}, {AS("domain"), NULL, "DS"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_that_signs(rows[i].policy, LOGINS);
        struct entity content = rig_content("Content-Type: text/plain\r\n", "mine\r\n");
        g_autofree char *text =
            rig_sign(&rig->acme, rig->acme.alice, 0, "From: alice@acme.test\r\nTo: bob@partner.test\r\n", &content);
        AUTO_SENT struct sent out = send_as(rig, rows[i].login, "alice@acme.test", text);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&out));
        g_autofree char *shape = seen_by_partner(rig, &out);
        cr_expect_str_eq(shape, rows[i].shape, "row %zu", i);
        cr_expect(rows[i].shape[0] == 'D' || strcmp(out.bytes, text) == 0, "row %zu: it is not touched", i);
    }
}

Test(mailboxes, whose_signature_goes_on)
{
    static const struct {
        const char *policy, *login, *mail_from, *text;
        const char *shape; /* NULL: refused */
        const char *reason;
    } rows[] = {
        {AS("domain"), "al", "alice@acme.test", TEXT, "D0", "protect"},
        {AS("mailbox"), "al", "alice@acme.test", TEXT, "S", "the login al may sign as alice@acme.test"},
        {AS("mailbox+domain"), "al", "alice@acme.test", TEXT, "DS", "the login al may sign as alice@acme.test"},
        {AS("mailbox") " format = \"opaque\";", "AL", "<>", TEXT, "S", "sign_as"},
        {AS("mailbox") " null_signature = false;", "al", "<>", TEXT, "S", "sign_as"},
        {"outbound = { protect = \"sign\"; sign_as = \"mailbox+domain\"; review = true; };", "al", "<>", TEXT, "DRS",
         "sign_as"},
        /* the login may not, or there is no login though the network is trusted */
        {AS("mailbox"), "bob", "alice@acme.test", TEXT, NULL, "does not let the login bob sign as alice@acme.test"},
        {AS("mailbox"), NULL, "alice@acme.test", TEXT, NULL, "the client is not logged in"},
        {AS("mailbox+domain"), NULL, "alice@acme.test", TEXT, NULL, "the client is not logged in"},
        {"outbound = { protect = \"sign\"; sign_as = \"mailbox\"; no_identity = \"domain\"; };", NULL,
         "alice@acme.test", TEXT, "D0", "signed by the domain, not by the author (the client is not logged in)"},
        /* an address without an identity */
        {AS("mailbox"), "al", "<>", "From: carol@acme.test\r\nTo: bob@partner.test\r\n\r\nx\r\n", NULL, "does not let"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_that_signs(rows[i].policy, LOGINS);
        AUTO_SENT struct sent out = send_as(rig, rows[i].login, rows[i].mail_from, rows[i].text);
        cr_expect_not_null(strstr(rig_reason(&out), rows[i].reason), "row %zu: %s", i, rig_reason(&out));
        cr_expect_eq(rig_verdict(&out), rows[i].shape != NULL ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu: %s", i,
                     rig_reason(&out));
        if (rows[i].shape == NULL)
            continue;
        g_autofree char *shape = seen_by_partner(rig, &out);
        cr_expect_str_eq(shape, rows[i].shape, "row %zu", i);
    }
}

/* MAIL FROM counts only where the mail server is said to check it. */
Test(mailboxes, a_mail_from_that_is_checked)
{
    owned(rig) struct rig *without = rig_that_signs(AS("mailbox"), "");
    owned(rig) struct rig *with = rig_that_signs(AS("mailbox"), "mail_from_is_checked = true;");
    AUTO_SENT struct sent unproven = send_as(without, "al", "alice@acme.test", TEXT);
    AUTO_SENT struct sent proven = send_as(with, "al", "alice@acme.test", TEXT);
    AUTO_SENT struct sent other = send_as(with, "al", "bob@acme.test", TEXT);
    cr_expect_eq(rig_verdict(&unproven), VERDICT_REJECT, "%s", rig_reason(&unproven));
    cr_expect_eq(rig_verdict(&proven), VERDICT_ACCEPT, "%s", rig_reason(&proven));
    cr_expect_eq(rig_verdict(&other), VERDICT_REJECT, "%s", rig_reason(&other));
}

/* The most specific identity signs, with its own certificate, and the report says which. */
Test(mailboxes, the_report_says_who_signed)
{
    static const struct {
        const char *from, *name;
    } rows[] = {
        {"alice@acme.test", "alice@acme.test"},
        {"edi@acme.test", "edi@acme.test and 1 more"},
    };
    owned(rig) struct rig *rig = rig_that_signs(AS("mailbox+domain"), LOGINS);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("From: %s\r\nTo: bob@partner.test\r\n\r\nx\r\n", rows[i].from);
        AUTO_SENT struct sent out = send_as(rig, "al", rows[i].from, text);
        g_autofree char *report = passage_report(out.result);
        json_t *json = json_loads(report, 0, NULL);
        const json_t *by = json_object_get(json_array_get(json_object_get(json, "groups"), 0), "signed_by");
        cr_assert_eq(json_array_size(by), 2, "%s", report);
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(by, 0), "name")), rows[i].name);
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(by, 0), "role")), "mailbox");
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(by, 1), "name")), "acme.test");
        json_decref(json);
    }
}
