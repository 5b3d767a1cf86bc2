/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message that arrives at partner.test teaches its gateway: Alice's certificate, to which mail for her is then
 * encrypted, and what her software reads. And from which messages nothing is learned.
 */
#include "gateway/internal.h"
#include "store/harvest.h"
#include "support/rig.h"

#include <string.h>

#define ALICE "alice@acme.test"
#define TOP "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
#define HEADER "Content-Type: text/plain\r\n"
#define ANCHORED "harvest = { approve = \"anchored\"; };"
#define MANUAL "harvest = { approve = \"manual\"; };"
/* acme.test's authority is the partner's own anchor */
#define POLICY                                                                                                         \
    "outbound = { protect = \"opportunistic\"; }; certificates = ( ); inbound = { originator_signatures = \"keep\"; "  \
    "};"

static void open_partner(struct rig *rig, const char *policy, const char *harvest)
{
    g_autofree char *extra = g_strdup_printf("store = \"sqlite:%s/store.db\"; %s", rig->partner.folder, harvest);
    if (rig->partner.gateway != NULL)
        gateway_unref(g_steal_pointer(&rig->partner.gateway));
    rig_open(&rig->partner, &rig->acme, policy, extra);
}

static struct rig *open_rig(const char *policy, const char *harvest)
{
    struct rig *rig = rig_closed(PKI_EC);
    rig_open(&rig->acme, &rig->partner, "", NULL);
    open_partner(rig, policy, harvest);
    return rig;
}

/* A message that this certificate has signed; g_free(). */
static char *signed_by(const struct rig *rig, const struct pki *by, const char *top)
{
    struct entity content = rig_content(HEADER, "hello\r\n");
    return rig_sign(&rig->acme, by, 0, top, &content);
}

/* "used alice@acme.test", of the first lesson; "" if there is none. g_free(). */
static char *learned(const struct sent *sent)
{
    const struct learned *all = &sent->result->learned;
    cr_expect_eq(all->failure.kind, ERROR_NONE, "%s", all->failure.text);
    return all->count > 0 ? g_strdup_printf("%s %s", all->list[0].result, all->list[0].name) : g_strdup("");
}

static struct sent arrives(const struct rig *rig, const char *text)
{
    return rig_inbound(rig, text, strlen(text));
}

#define EXPECT_LEARNED(rig, text, expected)                                                                            \
    do {                                                                                                               \
        AUTO_SENT struct sent in = arrives(rig, text);                                                                 \
        g_autofree char *told = learned(&in);                                                                          \
        cr_expect_str_eq(told, expected, "%s (%s)", told, rig_reason(&in));                                            \
    } while (0)

static struct sent answers(const struct rig *rig)
{
    static const char text[] = "From: bob@partner.test\r\nTo: alice@acme.test\r\nSubject: Re: x\r\n\r\nthanks\r\n";
    return rig_pass(&rig->partner, DIRECTION_OUTBOUND,
                    &(struct rig_envelope){"bob@partner.test", ALICE, NULL, "bob", NULL}, text, strlen(text));
}

/* To whom an answer to Alice is encrypted: the fingerprint of a certificate; NULL: nobody. */
static char *encrypted_to(const struct rig *rig)
{
    AUTO_SENT struct sent out = answers(rig);
    cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
    const struct certs_answer *answer = &out.result->lookups.answers[0].certificates;
    if (!out.result->made.treatment.encrypt)
        return NULL;
    cr_expect_str_eq(answer->list[answer->chosen].source, "harvest");
    return g_strdup(out.result->lookups.recipients[0].certificate_id);
}

static void expect_encrypted_to(const struct rig *rig, const struct pki *to)
{
    char sha256[65] = "";
    g_autofree char *found = encrypted_to(rig);
    if (to != NULL)
        certificate_fingerprint(to->cert, sha256);
    cr_expect_str_eq(found != NULL ? found : "", sha256);
}

static struct store *open_store(const struct rig *rig)
{
    g_autofree char *file = g_build_filename(rig->partner.folder, "store.db", NULL);
    return store_open(file);
}

Test(harvest, used_at_once_under_the_partners_own_anchors)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    g_autofree char *text = signed_by(rig, rig->acme.alice, TOP);
    expect_encrypted_to(rig, NULL);
    EXPECT_LEARNED(rig, text, "used alice@acme.test");
    expect_encrypted_to(rig, rig->acme.alice);
    EXPECT_LEARNED(rig, text, "known alice@acme.test");
}

Test(harvest, waits_for_approval)
{
    owned(rig) struct rig *rig = open_rig(POLICY, MANUAL);
    struct error error = {0};
    bool decided = false;
    g_autofree char *text = signed_by(rig, rig->acme.alice, TOP);
    EXPECT_LEARNED(rig, text, "pending alice@acme.test");
    expect_encrypted_to(rig, NULL);
    owned(store) struct store *store = open_store(rig);
    cr_assert(store_harvest_decide(store, 1, STORE_USED, &decided, &error) && decided, "%s", error.text);
    expect_encrypted_to(rig, rig->acme.alice); /* without a reload */
}

/* An anchor for all is no arrangement with this partner. */
Test(harvest, waits_for_approval_without_anchors_of_the_partner)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    g_autofree char *policies = g_build_filename(rig->partner.folder, "policy.d", NULL);
    g_autofree char *text = signed_by(rig, rig->acme.alice, TOP);
    folder_write(policies, "acme.test.conf", "domain = \"acme.test\"; outbound = { protect = \"opportunistic\"; };");
    g_autofree char *file = g_build_filename(rig->partner.folder, "domsec.conf", NULL);
    g_autofree char *before = folder_read(rig->partner.folder, "domsec.conf");
    g_autoptr(GString) both = g_string_new(before);
    g_string_replace(both, "( \"ca.pem\" )", "( \"ca.pem\", \"other-ca.pem\" )", 0);
    folder_write(rig->partner.folder, "domsec.conf", both->str);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    gateway_unref(g_steal_pointer(&rig->partner.gateway));
    rig->partner.gateway = gateway_open(conf, faults);
    cr_assert_not_null(rig->partner.gateway);
    EXPECT_LEARNED(rig, text, "pending alice@acme.test");
    expect_encrypted_to(rig, NULL);
}

Test(harvest, off_by_default)
{
    owned(rig) struct rig *rig = open_rig(POLICY, "");
    owned(store) struct store *store = open_store(rig);
    struct error error = {0};
    cr_assert(store_create(store, &error), "%s", error.text);
    g_autofree char *text = signed_by(rig, rig->acme.alice, TOP);
    EXPECT_LEARNED(rig, text, "");
    expect_encrypted_to(rig, NULL);
}

/* --- from which messages nothing is learned --- */

static struct pki *issue(const struct rig *rig, const struct pki_spec *spec)
{
    static const char *const somebody[] = {"O=Test", "CN=somebody", NULL};
    struct pki_spec all = *spec;
    if (all.issuer == NULL)
        all.issuer = rig->acme.ca;
    if (all.subject == NULL)
        all.subject = somebody;
    return pki_issue(&all);
}

Test(harvest, certificates_that_are_not_the_authors)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    const time_t now = time(NULL);
    const struct pki_spec specs[] = {
        {.san = PKI_LIST("email:mallory@acme.test")},                      /* another's */
        {.subject = PKI_LIST("CN=Alice", "emailAddress=alice@acme.test")}, /* no SAN */
        {.subject = PKI_LIST("CN=x", "emailAddress=alice@acme.test"), .san = PKI_LIST("email:m@acme.test")},
        {.san = PKI_LIST("email:alice@acme.test"), .issuer = stranger},                            /* no anchor */
        {.san = PKI_LIST("email:alice@acme.test"), .not_before = now - 900, .not_after = now - 9}, /* expired */
        {.san = PKI_LIST("email:alice@acme.test"), .key_usage = "digitalSignature"},               /* only signs */
        {.san = PKI_LIST("dns:acme.test")},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        PKI_AUTO struct pki *by = issue(rig, &specs[i]);
        g_autofree char *text = signed_by(rig, by, TOP);
        AUTO_SENT struct sent in = arrives(rig, text);
        cr_expect_eq(in.result->learned.count, 0, "row %zu", i);
        expect_encrypted_to(rig, NULL);
    }
}

Test(harvest, messages_that_do_not_count)
{
    static const char *const tops[] = {
        "From: Alice <alice@acme.test>, Carl <carl@acme.test>\r\nTo: bob@partner.test\r\nMIME-Version: 1.0\r\n",
        "From: Mallory <mallory@acme.test>\r\nSender: alice@acme.test\r\nMIME-Version: 1.0\r\n",
        "From: \"alice@acme.test\" <mallory@acme.test>\r\nMIME-Version: 1.0\r\n",
        "From: alice@acme.test\r\nFrom: mallory@acme.test\r\nMIME-Version: 1.0\r\n",
        "From: Alice <alice@partner.test>\r\nMIME-Version: 1.0\r\n",
    };
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    for (size_t i = 0; i < G_N_ELEMENTS(tops); i++) {
        g_autofree char *text = signed_by(rig, rig->acme.alice, tops[i]);
        AUTO_SENT struct sent in = arrives(rig, text);
        cr_expect_eq(in.result->learned.count, 0, "row %zu: %s", i, rig_reason(&in));
    }
    g_autofree char *text = signed_by(rig, rig->acme.alice, TOP), *changed = g_strdup(text);
    char *hello = strstr(changed, "hello");
    cr_assert_not_null(hello);
    *hello = 'j';
    EXPECT_LEARNED(rig, changed, ""); /* forged */
    g_autofree char *part =
        g_strdup_printf(TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%s\r\n--b\r\n\r\n"
                            "more\r\n--b--\r\n",
                        strstr(text, "Content-Type:"));
    EXPECT_LEARNED(rig, part, ""); /* a part among others */
    g_autofree char *attached =
        g_strdup_printf("From: mallory@acme.test\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n%s", text);
    EXPECT_LEARNED(rig, attached, "");
    expect_encrypted_to(rig, NULL);
}

/* Alice and somebody else have signed the same content; g_free(). */
static char *signed_by_both(const struct rig *rig, const struct pki *other)
{
    static const char inner[] = HEADER "\r\nhello\r\n";
    owned(BIO) BIO *data = BIO_new_mem_buf(inner, -1), *written = BIO_new(BIO_s_mem());
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    const struct pki *const signers[] = {rig->acme.alice, other};
    char *text = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(signers); i++)
        cr_assert_not_null(
            CMS_add1_signer(cms, signers[i]->cert, signers[i]->key, EVP_sha256(), CMS_BINARY | CMS_PARTIAL));
    cr_assert(CMS_final(cms, data, NULL, CMS_BINARY) && SMIME_write_CMS(written, cms, NULL, CMS_BINARY));
    long length = BIO_get_mem_data(written, &text);
    g_autoptr(GString) message = g_string_new_len(text, length);
    g_string_replace(message, "\r\n", "\n", 0);
    g_string_replace(message, "\n", "\r\n", 0);
    g_string_replace(message, "MIME-Version: 1.0\r\n", TOP, 1);
    return g_strdup(message->str);
}

/* The layer has to hold as a whole: one signature that leads nowhere, or is another's, spoils it. */
Test(harvest, two_signers)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *stranger = pki_ca("Stranger"), *fake = pki_person(stranger, ALICE),
                        *again = pki_person(rig->acme.ca, ALICE);
    g_autofree char *spoiled = signed_by_both(rig, fake), *good = signed_by_both(rig, again);
    EXPECT_LEARNED(rig, spoiled, "");
    AUTO_SENT struct sent in = arrives(rig, good);
    cr_expect_eq(in.result->learned.count, 2, "%s", rig_reason(&in));
}

/* What is refused, and what a policy in test mode lets pass. */
Test(harvest, messages_that_are_not_accepted)
{
    static const char *const policies[] = {
        "outbound = { protect = \"opportunistic\"; }; certificates = ( ); inbound = { require = \"encrypt\"; };",
        "outbound = { protect = \"opportunistic\"; }; certificates = ( ); mode = \"test\";",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        owned(rig) struct rig *rig = open_rig(policies[i], ANCHORED);
        g_autofree char *text = signed_by(rig, rig->acme.alice, TOP);
        EXPECT_LEARNED(rig, text, "");
    }
}

/* A mailing list's signature around the author's is not the author's, and one by itself teaches nothing. */
Test(harvest, mailing_lists)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *list = pki_person(rig->acme.ca, "list@acme.test");
    g_autofree char *alone = signed_by(rig, list, TOP);
    EXPECT_LEARNED(rig, alone, "");
    g_autofree char *inner = signed_by(rig, rig->acme.alice, "");
    char *end = strstr(inner, "\r\n\r\n");
    cr_assert_not_null(end);
    g_autofree char *header = g_strndup(inner, (size_t)(end - inner) + 2);
    struct entity content = rig_content(header, end + 4);
    g_autofree char *both = rig_sign(&rig->acme, list, 0, TOP, &content);
    AUTO_SENT struct sent in = arrives(rig, both);
    for (size_t i = 0; i < in.result->learned.count; i++)
        cr_expect_str_eq(in.result->learned.list[i].name, ALICE);
    g_autofree char *found = encrypted_to(rig);
    char sha256[65];
    certificate_fingerprint(list->cert, sha256);
    cr_expect_str_neq(found != NULL ? found : "", sha256);
}

/* --- what keeps it in bounds --- */

Test(harvest, a_newer_certificate_waits_until_the_older_one_ends)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *newer = pki_person(rig->acme.ca, ALICE);
    g_autofree char *first = signed_by(rig, rig->acme.alice, TOP), *second = signed_by(rig, newer, TOP);
    EXPECT_LEARNED(rig, first, "used alice@acme.test");
    EXPECT_LEARNED(rig, second, "used alice@acme.test");
    expect_encrypted_to(rig, rig->acme.alice);
}

Test(harvest, many_certificates_of_one_sender)
{
    static const char *const results[] = {"used", "used", "sender", "sender"};
    owned(rig) struct rig *rig = open_rig(POLICY, "harvest = { approve = \"anchored\"; per_sender_daily = 2; };");
    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        PKI_AUTO struct pki *by = pki_person(rig->acme.ca, ALICE);
        g_autofree char *text = signed_by(rig, by, TOP), *expected = g_strconcat(results[i], " " ALICE, NULL);
        EXPECT_LEARNED(rig, text, expected);
    }
}

Test(harvest, a_full_store_stops_the_harvest_and_not_the_mail)
{
    owned(rig) struct rig *rig = open_rig(POLICY, "harvest = { approve = \"anchored\"; total = 1; };");
    PKI_AUTO struct pki *carl = pki_person(rig->acme.ca, "carl@acme.test");
    g_autofree char *first = signed_by(rig, carl, "From: carl@acme.test\r\nMIME-Version: 1.0\r\n"),
                    *second = signed_by(rig, rig->acme.alice, TOP);
    EXPECT_LEARNED(rig, first, "used carl@acme.test");
    AUTO_SENT struct sent in = arrives(rig, second);
    cr_expect_eq(in.result->reply.code, 250);
    cr_expect_str_eq(in.result->learned.list[0].result, "full");
}

/* Mail goes on, and does not wait for it again and again. */
Test(harvest, a_store_that_fails)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    g_autofree char *text = signed_by(rig, rig->acme.alice, TOP);
    folder_write(rig->partner.folder, "store.db", "this is no database, whatever its name says, and long enough");
    for (int i = 0; i < 5; i++) {
        AUTO_SENT struct sent in = arrives(rig, text);
        g_autofree char *line = passage_log_line(in.result);
        cr_expect_eq(in.result->reply.code, 250, "%s", rig_reason(&in));
        cr_expect_neq(in.result->learned.failure.kind, ERROR_NONE);
        cr_expect_not_null(strstr(line, "harvest_failed="), "%s", line);
        cr_expect_eq(strstr(in.result->learned.failure.text, "the store is not asked") != NULL, i >= 3, "%d: %s", i,
                     in.result->learned.failure.text);
    }
}

/* It is the last one asked. */
Test(harvest, other_sources_come_first)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *newer = pki_person(rig->acme.ca, ALICE);
    g_autofree char *text = signed_by(rig, newer, TOP);
    EXPECT_LEARNED(rig, text, "used alice@acme.test");
    g_free(pki_write(rig->partner.folder, "alice.pem", rig->acme.alice, NULL));
    open_partner(rig, "outbound = { protect = \"opportunistic\"; }; certificates = ( \"alice.pem\" );", ANCHORED);
    AUTO_SENT struct sent out = answers(rig);
    char sha256[65];
    certificate_fingerprint(rig->acme.alice->cert, sha256);
    cr_expect_str_eq(out.result->lookups.recipients[0].certificate_id, sha256);
}

/* The authorities that came with it come with it again. */
Test(harvest, below_an_intermediate_authority)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *middle = pki_sub_ca(rig->acme.ca, "Middle"), *alice = pki_person(middle, ALICE);
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, middle->cert);
    const struct identity signer = {.certificate = alice->cert, .key = alice->key, .chain = chain};
    const struct sign_options options = {.limits = &gateway_conf(rig->acme.gateway)->limits};
    struct entity content = rig_content(HEADER, "hello\r\n"), made = {0};
    struct error error = {0};
    cr_assert(smime_sign(&signer, &options, &content, &made, &error), "%s", error.text);
    g_autofree char *text = rig_text(TOP, &made);
    EXPECT_LEARNED(rig, text, "used alice@acme.test");
    expect_encrypted_to(rig, alice);
    sk_X509_free(chain);
    entity_clear(&content);
}

/* --- certificates beside that of the signer --- */

/* A message that this certificate has signed, and that points at another one; g_free(). */
static char *pointing_at(const struct rig *rig, const struct pki *by, const struct pki *to, unsigned types)
{
    const struct identity signer = {.certificate = by->cert, .key = by->key};
    const struct sign_options options = {
        .types = types, .encryption = to->cert, .limits = &gateway_conf(rig->acme.gateway)->limits};
    struct entity content = rig_content(HEADER, "hello\r\n"), made = {0};
    struct error error = {0};
    cr_assert(smime_sign(&signer, &options, &content, &made, &error), "%s", error.text);
    entity_clear(&content);
    return rig_text(TOP, &made);
}

Test(harvest, the_certificate_that_the_signature_points_at)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *signing =
        issue(rig, &(struct pki_spec){.san = PKI_LIST("email:alice@acme.test"), .key_usage = "digitalSignature"});
    PKI_AUTO struct pki *others = pki_person(rig->acme.ca, "mallory@acme.test"), *stranger = pki_ca("Stranger"),
                        *fake = pki_person(stranger, ALICE);
    const struct pki *const wrong[] = {others, fake, signing, rig->acme.dca};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *text = pointing_at(rig, signing, wrong[i], 0);
        EXPECT_LEARNED(rig, text, "");
    }
    g_autofree char *text = pointing_at(rig, signing, rig->acme.alice, 0);
    EXPECT_LEARNED(rig, text, "used alice@acme.test");
    expect_encrypted_to(rig, rig->acme.alice);
}

/* What our own gateway announces is what the other side harvests, for all addresses of the domain. */
Test(harvest, of_a_domain)
{
    static const char text[] = "From: Carl <carl@acme.test>\r\nTo: bob@partner.test\r\nSubject: x\r\n\r\nhello\r\n";
    static const char *const announces[] = {"false", "true"};
    for (size_t i = 0; i < G_N_ELEMENTS(announces); i++) {
        owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
        g_autofree char *extra = g_strdup_printf("harvest = { announce = %s; };", announces[i]);
        gateway_unref(g_steal_pointer(&rig->acme.gateway));
        rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign\"; };", extra);
        AUTO_SENT struct sent out = rig_pass(
            &rig->acme, DIRECTION_OUTBOUND,
            &(struct rig_envelope){"carl@acme.test", "bob@partner.test", NULL, "carl", NULL}, text, strlen(text));
        EXPECT_LEARNED(rig, out.bytes, i == 0 ? "" : "used acme.test");
        expect_encrypted_to(rig, i == 0 ? NULL : rig->acme.dca);

        /* what is revoked since, or not valid yet, is not announced */
        struct made made = {0};
        out.result->lookups.own[OWN_AUDITOR].list[0] = NULL;
        made_protect(&made, out.result);
        cr_expect_eq(made.failure.kind, ERROR_NONE, "%s", made.failure.text);
        owned(rope) struct rope *bytes = edits_apply(&made.edits, out.message);
        g_autofree char *without = rope_flatten(bytes, NULL);
        EXPECT_LEARNED(rig, without, "");
        made_clear(&made);
    }
}

/* Neither a person's certificate nor another domain's is the domain's, whatever its authority points at. */
Test(harvest, of_a_domain_that_points_elsewhere)
{
    owned(rig) struct rig *rig = open_rig(POLICY, ANCHORED);
    PKI_AUTO struct pki *other = rig_role(rig, rig->acme.ca, "domain-confidentiality-authority", "other.test");
    const struct pki *const wrong[] = {rig->acme.alice, other, rig->acme.dsa};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *text = pointing_at(rig, rig->acme.dsa, wrong[i], SIGNATURE_TYPE_DOMAIN);
        EXPECT_LEARNED(rig, text, "");
    }
}

/* --- what her software reads --- */

static enum cipher cipher_to_alice(const struct rig *rig)
{
    AUTO_SENT struct sent out = answers(rig);
    cr_expect(out.result->made.treatment.encrypt, "%s", rig_reason(&out));
    return out.result->plan.wrapping.form.cipher;
}

Test(harvest, capabilities_choose_the_cipher)
{
    owned(rig) struct rig *rig =
        open_rig(POLICY "cipher = \"aes-128-cbc\"; capabilities = { follow = true; };", ANCHORED);
    struct error error = {0};
    bool kept = false;
    g_autofree char *text = signed_by(rig, rig->acme.alice, TOP);
    EXPECT_LEARNED(rig, text, "used alice@acme.test");
    cr_expect_eq(cipher_to_alice(rig), CIPHER_AES_256_GCM, "our own software announces it");
    owned(store) struct store *store = open_store(rig);
    int64_t soon = g_get_monotonic_time() + G_USEC_PER_SEC;
    const struct announcement later = {(char *)ALICE, time(NULL) + 9, (char *)"aes-192-cbc later-cipher"};
    cr_assert(store_capabilities_keep(store, &later, soon, &kept, &error) && kept, "%s", error.text);
    cr_expect_eq(cipher_to_alice(rig), CIPHER_AES_192_CBC);
    EXPECT_LEARNED(rig, text, "known alice@acme.test"); /* the same message once more */
    cr_expect_eq(cipher_to_alice(rig), CIPHER_AES_192_CBC);
}

/* Neither what was not verified nor what is another's changes what is known. */
Test(harvest, capabilities_of_messages_that_do_not_count)
{
    owned(rig) struct rig *rig =
        open_rig(POLICY "cipher = \"aes-128-cbc\"; capabilities = { follow = true; };", ANCHORED);
    PKI_AUTO struct pki *stranger = pki_ca("Stranger"), *fake = pki_person(stranger, ALICE),
                        *mallory = pki_person(rig->acme.ca, "mallory@acme.test");
    const struct pki *const signers[] = {fake, mallory};
    owned(store) struct store *store = open_store(rig);
    struct error error = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(signers); i++) {
        struct announcement none = {.name = (char *)ALICE};
        g_autofree char *text = signed_by(rig, signers[i], TOP);
        EXPECT_LEARNED(rig, text, "");
        cr_expect_eq(store_capabilities_find(store, g_get_monotonic_time() + G_USEC_PER_SEC, &none, &error), FOUND_NONE,
                     "%zu: %s", i, error.text);
    }
}

/* Followed, and the store fails: in which form is not known, so the message waits. */
Test(harvest, capabilities_that_cannot_be_looked_up)
{
    owned(rig) struct rig *rig = open_rig("outbound = { protect = \"encrypt\"; }; capabilities = { follow = true; };",
                                          "sources = ( \"pinned\" );");
    AUTO_SENT struct sent good = answers(rig);
    cr_expect_eq(good.result->reply.code, 250, "%s", rig_reason(&good));
    folder_write(rig->partner.folder, "store.db", "this is no database, whatever its name says, and long enough");
    AUTO_SENT struct sent out = answers(rig);
    cr_expect_eq(out.result->reply.code, 451, "%s", rig_reason(&out));
    cr_expect_not_null(strstr(rig_reason(&out), "could not be looked up"), "%s", rig_reason(&out));
}
