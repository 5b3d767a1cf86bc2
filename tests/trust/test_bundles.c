/* SPDX-License-Identifier: Apache-2.0 */
/* Trust bundles that others publish: from files, and from a web server with TLS, which may lie. */
#include "store/bundles.h"
#include "support/counted.h"
#include "support/publisher.h"
#include "support/setting.h"
#include "support/web.h"
#include "trust/anchors.h"
#include "trust/bundles.h"

#define VALID "the certification path is valid"
#define UNFETCHED "has not been fetched yet"
#define LOOPBACK "fetch_networks = ( \"127.0.0.0/8\" );\n"
#define STORE "store = \"sqlite:store.db\";\n"
#define PATIENCE ((int64_t)20 * G_USEC_PER_SEC)
#define HOUR 3600
#define DAY (24 * HOUR)

static struct pki *root, *other, *third, *alice, *bob, *publisher, *stranger, *late, *server_ca, *server;
static struct web *web;
static struct setting *setting;

static void set_up(void)
{
    root = pki_ca("Root");
    other = pki_ca("Other");
    third = pki_ca("Third");
    alice = pki_person(root, "alice@partner.test");
    bob = pki_person(other, "bob@partner.test");
    publisher = pki_person(third, "publisher@bundles.test");
    stranger = pki_person(third, "stranger@bundles.test");
    late = pki_issue(&(struct pki_spec){.issuer = third,
                                        .subject = PKI_LIST("CN=late"),
                                        .not_before = time(NULL) - 20 * DAY,
                                        .not_after = time(NULL) - HOUR});
    server_ca = pki_ca("Web");
    server = pki_issue(&(struct pki_spec){.issuer = server_ca,
                                          .subject = PKI_LIST("CN=web"),
                                          .eku = "serverAuth",
                                          .extensions = PKI_LIST("subjectAltName=IP:127.0.0.1")});
    web = web_start_tls(server->cert, server->key);
}

static void tear_down(void)
{
    if (setting != NULL)
        setting_free(setting);
    web_free(web);
    struct pki *all[] = {root, other, third, alice, bob, publisher, stranger, late, server_ca, server};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        pki_free(all[i]);
}

TestSuite(bundles, .init = set_up, .fini = tear_down);

/* The keys may name "publisher.pem", "web.pem", and the web server as "%s". */
static void prepare(const char *main_keys, const char *rule_keys)
{
    g_autofree char *base = web_url(web, "");
    g_auto(GStrv) main_parts = g_strsplit(main_keys, "%s", -1), rule_parts = g_strsplit(rule_keys, "%s", -1);
    g_autofree char *main_text = g_strjoinv(base, main_parts), *rule_text = g_strjoinv(base, rule_parts);
    setting = setting_new(main_text, rule_text);
    g_free(pki_write(setting->folder, "publisher.pem", publisher, NULL));
    g_free(pki_write(setting->folder, "publishers.pem", publisher, late, NULL));
    g_free(pki_write(setting->folder, "web.pem", server_ca, NULL));
    g_autofree char *uri = g_strdup_printf("sqlite:%s/store.db", setting->folder);
    owned(store) struct store *store = store_open(uri);
    struct error error = {0};
    cr_assert(store_create(store, &error), "%s", error.text);
}

static void serve(const GByteArray *bundle)
{
    web_put(web, "/bundle", &(struct web_page){.body = bundle->data, .length = bundle->len});
}

static void serve_signed(X509 *anchor, const struct publisher_seal *seal)
{
    g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, anchor, NULL);
    g_autoptr(GByteArray) bundle = publisher_sign(plain, seal);
    serve(bundle);
}

static void expect_of(const char *domain, const struct pki *leaf, enum outcome expected, const char *says)
{
    struct finding finding = {0};
    const struct chain_query query = {
        .leaf = leaf->cert, .purpose = PURPOSE_SIGN, .partner = conf_partner(setting->conf, domain), .at = time(NULL)};
    trust_check_chain(setting->trust, &query, &finding);
    cr_expect_eq(finding.outcome, expected, "%s: %s, not %s", outcome_name(finding.outcome), finding.reason, says);
    cr_expect_not_null(strstr(finding.reason, says), "\"%s\" is not in: %s", says, finding.reason);
}

static void expect(const struct pki *leaf, enum outcome expected, const char *says)
{
    expect_of("partner.test", leaf, expected, says);
}

/* As a message does: waits for what is missing, once. */
static void wait_as_message(const struct pki *leaf)
{
    owned(missing) struct missing *missing = NULL;
    struct finding finding = {0};
    const struct chain_query query = {.leaf = leaf->cert,
                                      .purpose = PURPOSE_SIGN,
                                      .partner = setting->partner,
                                      .at = time(NULL),
                                      .missing = &missing};
    trust_check_chain(setting->trust, &query, &finding);
    cr_assert_not_null(missing, "%s", finding.reason);
    cr_assert(trust_fetch(setting->trust, missing, g_get_monotonic_time() + PATIENCE));
}

/* The next line for the log; g_free(). */
static char *next_notice(void)
{
    enum log_level level;
    char *text = NULL;
    for (int i = 0; i < 2000 && text == NULL; i++) {
        text = trust_next_notice(setting->trust, &level);
        if (text == NULL)
            g_usleep(5000);
    }
    cr_assert_not_null(text);
    return text;
}

/* As the daemon does a day later. Expects the line in the log. */
static void renew(const char *says, const char *what)
{
    enum log_level level;
    char *left;
    while ((left = trust_next_notice(setting->trust, &level)) != NULL)
        g_free(left);
    trust_renew_bundles(setting->trust, time(NULL) + 2 * DAY);
    g_autofree char *line = next_notice();
    cr_expect_not_null(strstr(line, says), "%s: \"%s\" is not in: %s", what, says, line);
}

#define REMOTE "trust_anchors = ( { url = \"%s/bundle\"; ca = \"web.pem\"; } );\n" STORE LOOPBACK
#define REMOTE_SIGNED                                                                                                  \
    "trust_anchors = ( { url = \"%s/bundle\"; ca = \"web.pem\"; signer = \"publisher.pem\"; } );\n" STORE LOOPBACK

/* --- files --- */

Test(bundles, files_of_each_form)
{
    static const enum publisher_form forms[] = {PUBLISHER_CERTIFICATES, PUBLISHER_DER, PUBLISHER_PEM};
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GByteArray) plain = publisher_pack(forms[i], third->cert, root->cert, NULL);
        prepare("trust_anchors = ( \"plain\" );", "");
        publisher_write(setting->folder, "plain", plain);
        setting_open(setting);
        expect(alice, OUTCOME_PASS, VALID);
        expect(bob, OUTCOME_POLICY, "anchor");
        setting_free(setting);
        for (int as_pem = 0; as_pem < 2; as_pem++) {
            g_autoptr(GByteArray) sealed =
                publisher_sign(plain, &(struct publisher_seal){.signer = publisher, .as_pem = as_pem});
            prepare("trust_anchors = { file = \"sealed\"; signer = \"publisher.pem\"; };", "");
            publisher_write(setting->folder, "sealed", sealed);
            setting_open(setting);
            expect(alice, OUTCOME_PASS, VALID);
            expect(bob, OUTCOME_POLICY, "anchor");
            setting_free(setting);
        }
    }
    setting = NULL;
}

/* What stands at the top of a signed bundle is the certificate of its signer, whom nobody made an anchor. */
Test(bundles, signed_files_need_their_signer)
{
    g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    static const struct {
        const char *keys, *says;
    } rows[] = {
        {"trust_anchors = \"sealed\";", "a signed bundle; name its signer: { file"},
        {"trust_anchors = ( { file = \"sealed\"; signer = \"web.pem\"; } );", "it is not signed by its signer"},
        {"trust_anchors = ( { file = \"plain\"; signer = \"publisher.pem\"; } );", "it is not a signed bundle"},
        {"trust_anchors = ( { file = \"sealed\"; signer = \"absent.pem\"; } );", "absent.pem"},
        {"trust_anchors = ( { file = \"absent\"; signer = \"publisher.pem\"; } );", "absent"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) sealed =
            publisher_sign(plain, &(struct publisher_seal){.signer = publisher, .as_pem = i % 2 == 1});
        prepare(rows[i].keys, "");
        publisher_write(setting->folder, "sealed", sealed);
        publisher_write(setting->folder, "plain", plain);
        cr_expect_not(setting_try(setting), "row %zu", i);
        cr_assert_eq(faults_errors(setting->faults), 1, "row %zu", i);
        cr_expect_not_null(strstr(faults_at(setting->faults, 0), rows[i].says), "row %zu: %s", i,
                           faults_at(setting->faults, 0));
        setting_free(setting);
    }
    setting = NULL;
}

/* --- a web server --- */

Test(bundles, fetched_kept_and_used_at_once_after_a_restart)
{
    g_autoptr(GByteArray) bundle = publisher_pack(PUBLISHER_DER, root->cert, third->cert, NULL);
    serve(bundle);
    prepare(REMOTE, "");
    setting_open(setting);
    cr_assert_eq(faults_count(setting->faults), 1);
    cr_expect_not_null(strstr(faults_at(setting->faults, 0), "note: trust_anchors: https://127.0.0.1"), "%s",
                       faults_at(setting->faults, 0));
    expect(alice, OUTCOME_TEMPERROR, UNFETCHED);
    cr_expect_eq(web_count(web, NULL), 0, "a check waits for nothing");
    wait_as_message(alice);
    expect(alice, OUTCOME_PASS, VALID);
    expect(bob, OUTCOME_POLICY, "anchor");
    g_autofree char *line = next_notice();
    cr_expect_not_null(strstr(line, "/bundle is in force, with 2 certificates"), "%s", line);
    trust_renew_bundles(setting->trust, time(NULL));
    cr_expect_eq(web_count(web, "/bundle"), 1, "it is not due");
    web_pause(web);
    trust_close(setting->trust);
    setting->trust = trust_open(setting->conf, setting->faults);
    cr_expect_eq(faults_count(setting->faults), 1, "it is there");
    expect(alice, OUTCOME_PASS, VALID);
    expect(bob, OUTCOME_POLICY, "anchor");
    web_resume(web);
}

/* Also without the store, which fails. */
Test(bundles, in_force_stays_while_the_configuration_is_replaced)
{
    g_autoptr(GByteArray) bundle = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    serve(bundle);
    prepare(REMOTE, "");
    setting_open(setting);
    wait_as_message(alice);
    folder_write(setting->folder, "store.db", "not a store");
    struct trust *next = trust_open_after(setting->conf, setting->trust, setting->faults);
    trust_close(setting->trust);
    setting->trust = next;
    expect(alice, OUTCOME_PASS, VALID);
    cr_expect_eq(web_count(web, NULL), 1);
    renew("is not kept for the next start: the store is damaged", "it is said");
}

/* What could be valid under a bundle that is not there is not refused, and what could not is. */
Test(bundles, missing_is_temporary)
{
    PKI_AUTO struct pki *expired = pki_issue(&(struct pki_spec){.issuer = root,
                                                                .subject = PKI_LIST("CN=x"),
                                                                .san = PKI_LIST("email:x@partner.test"),
                                                                .not_before = time(NULL) - 20 * DAY,
                                                                .not_after = time(NULL) - DAY});
    PKI_AUTO struct pki *useless =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=y"), .eku = "serverAuth"});
    web_put(web, "/bundle", &(struct web_page){.status = 500});
    prepare("trust_anchors = ( \"third.pem\", { url = \"%s/bundle\"; ca = \"web.pem\"; } );\n" STORE LOOPBACK, "");
    g_free(pki_write(setting->folder, "third.pem", third, NULL));
    setting_open(setting);
    wait_as_message(alice);
    expect(alice, OUTCOME_TEMPERROR, UNFETCHED);
    expect(expired, OUTCOME_POLICY, "anchor");
    expect(useless, OUTCOME_FAIL, "cannot be used");
    expect(publisher, OUTCOME_PASS, VALID);
    wait_as_message(alice);
    cr_expect_eq(web_count(web, NULL), 1, "it has just been tried");
}

Test(bundles, new_one_takes_effect)
{
    g_autoptr(GByteArray) first = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    g_autoptr(GByteArray) second = publisher_pack(PUBLISHER_CERTIFICATES, other->cert, NULL);
    serve(first);
    prepare(REMOTE, "intermediates = ( \"third.pem\" );");
    g_free(pki_write(setting->folder, "third.pem", third, NULL));
    setting_open(setting);
    wait_as_message(alice);
    expect_of("else.test", alice, OUTCOME_PASS, VALID);
    owned(anchors) struct anchors *old = trust_anchors(setting->trust, setting->partner);
    cr_expect_eq(old->references, 2, "ours, and the scope's");
    expect(alice, OUTCOME_PASS, VALID);
    expect(alice, OUTCOME_PASS, VALID);
    cr_expect_eq(old->references, 3, "a path to them is known, so that no others take their address");
    serve(second);
    renew("is in force, with 1 certificates", "the second");
    cr_expect_eq(old->references, 1, "what was known of them is forgotten");
    expect(alice, OUTCOME_POLICY, "anchor");
    expect(bob, OUTCOME_PASS, VALID);
    expect_of("else.test", alice, OUTCOME_POLICY, "anchor");
    expect_of("else.test", bob, OUTCOME_PASS, VALID);
}

Test(bundles, of_a_partner_counts_for_that_partner)
{
    g_autoptr(GByteArray) bundle = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    serve(bundle);
    prepare("trust_anchors = ( \"other.pem\" );\n" STORE LOOPBACK,
            "anchors = ( { url = \"%s/bundle\"; ca = \"web.pem\"; } );");
    g_free(pki_write(setting->folder, "other.pem", other, NULL));
    setting_open(setting);
    expect_of("else.test", alice, OUTCOME_POLICY, "anchor");
    expect_of("else.test", bob, OUTCOME_PASS, VALID);
    expect(bob, OUTCOME_TEMPERROR, UNFETCHED);
    wait_as_message(alice);
    expect(alice, OUTCOME_PASS, VALID);
    expect(bob, OUTCOME_POLICY, "anchor");
    expect_of("else.test", alice, OUTCOME_POLICY, "anchor");
    expect_of("else.test", bob, OUTCOME_PASS, VALID);
}

/* The bundle is in force with root; none of these takes its place. */
static void expect_refused(const struct web_page *page, const char *says, const char *what)
{
    struct error error = {0};
    owned(store) struct store *store = store_open(setting->conf->store);
    owned(store_bundle) struct store_bundle before = {0}, after = {0};
    g_autofree char *key = bundle_key(&setting->conf->bundles.list[0]);
    cr_assert_eq(store_bundle_find(store, key, &before, &error), FOUND);
    web_put(web, "/bundle", page);
    renew(says, what);
    expect(alice, OUTCOME_PASS, VALID);
    expect(bob, OUTCOME_POLICY, "anchor");
    cr_assert_eq(store_bundle_find(store, key, &after, &error), FOUND);
    cr_expect(after.length == before.length && memcmp(after.contents, before.contents, after.length) == 0, "%s", what);
    cr_expect_eq(after.fetched, before.fetched, "%s", what);
    cr_expect(after.failed >= before.failed && after.failed > 0, "%s", what);
    cr_expect_not_null(strstr(after.fault, says), "%s: %s", what, after.fault);
}

static void expect_bundle_refused(const GByteArray *bundle, const char *says, const char *what)
{
    expect_refused(&(struct web_page){.body = bundle->data, .length = bundle->len}, says, what);
}

Test(bundles, bad_ones_leave_the_old_one_in_force)
{
    static const char html[] = "<!DOCTYPE html><html><body>Log in first</body></html>";
    static const char cut[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static const char much[1 << 20];
    g_autoptr(GByteArray) bundle = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    g_autoptr(GByteArray) changed = publisher_pack(PUBLISHER_DER, other->cert, NULL);
    g_autoptr(GByteArray) with_leaf = publisher_pack(PUBLISHER_DER, other->cert, alice->cert, NULL);
    g_autoptr(GByteArray) sealed = publisher_sign(changed, &(struct publisher_seal){.signer = publisher});
    struct web *plain = web_start();
    g_autofree char *elsewhere = web_url(plain, "/other");
    const struct {
        struct web_page page;
        const char *says;
    } rows[] = {
        {{.status = 404}, "status 404"},
        {{.status = 503, .body = changed->data, .length = changed->len}, "status 503"},
        {{.body = html, .length = sizeof(html) - 1}, "contains no certificate"},
        {{.body = cut, .length = sizeof(cut) - 1}, "cannot parse the certificate"},
        {{.body = "", .length = 0}, "is empty"},
        {{.body = changed->data, .length = changed->len - 1}, "contains no certificate"},
        {{.body = changed->data, .length = changed->len, .manner = WEB_SHORT}, "/bundle: "},
        {{.body = much, .length = sizeof(much), .manner = WEB_ENDLESS}, "the answer is too large"},
        {{.manner = WEB_CLOSE}, "/bundle: "},
        {{.status = 302, .location = elsewhere}, "/bundle: "},
    };
    web_put(plain, "/other", &(struct web_page){.body = changed->data, .length = changed->len});
    serve(bundle);
    prepare(REMOTE, "");
    setting_open(setting);
    wait_as_message(alice);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_refused(&rows[i].page, rows[i].says, rows[i].says);
    cr_expect_eq(web_count(plain, NULL), 0, "from https: to http:");
    expect_bundle_refused(with_leaf, "not that of an authority", "a leaf");
    expect_bundle_refused(sealed, "it is signed; name its signer", "a signature");
    serve(bundle);
    renew("is in force, with 1 certificates", "well again");
    web_free(plain);
}

Test(bundles, signatures_leave_the_old_one_in_force)
{
    time_t now = time(NULL);
    const struct {
        struct publisher_seal seal;
        const char *says;
    } rows[] = {
        {{.signer = stranger}, "not signed by its signer"},
        {{.signer = publisher, .digest = "SHA1"}, "weak digest"},
        {{.signer = publisher, .at = now - 2 * DAY}, "signed before that in force"},
        {{.signer = publisher, .at = -1}, "no signing time"},
        {{.signer = publisher, .at = now + DAY}, "from the future"},
    };
    serve_signed(root->cert, &(struct publisher_seal){.signer = publisher, .at = now - DAY});
    prepare(REMOTE_SIGNED, "");
    setting_open(setting);
    wait_as_message(alice);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, other->cert, NULL);
        g_autoptr(GByteArray) bundle = publisher_sign(plain, &rows[i].seal);
        expect_bundle_refused(bundle, rows[i].says, rows[i].says);
    }
    g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, other->cert, NULL);
    expect_bundle_refused(plain, "it is not a signed bundle", "without a signature");
    /* The time stands after a restart, too. */
    trust_close(setting->trust);
    setting->trust = trust_open(setting->conf, setting->faults);
    g_autoptr(GByteArray) older = publisher_sign(plain, &rows[2].seal);
    expect_bundle_refused(older, rows[2].says, "after a restart");
    serve_signed(other->cert, &(struct publisher_seal){.signer = publisher});
    renew("is in force", "a newer one");
    expect(bob, OUTCOME_PASS, VALID);
}

Test(bundles, one_line_for_one_fault)
{
    enum log_level level;
    web_put(web, "/bundle", &(struct web_page){.status = 404});
    prepare(REMOTE, "");
    setting_open(setting);
    for (int i = 1; i <= 3; i++) {
        for (int j = 0; j < 2000 && web_count(web, NULL) < (unsigned)i; j++) {
            trust_renew_bundles(setting->trust, time(NULL) + i * DAY);
            g_usleep(5000);
        }
        g_autofree char *line = i == 1 ? next_notice() : NULL;
        cr_expect(line == NULL || strstr(line, "status 404") != NULL, "%s", line);
    }
    trust_stop_fetching(setting->trust);
    cr_expect_eq(web_count(web, NULL), 3);
    cr_expect_null(trust_next_notice(setting->trust, &level));
}

/* The signer's certificate has expired since. */
Test(bundles, what_was_good_when_it_came_stays)
{
    prepare(
        "trust_anchors = ( { url = \"%s/bundle\"; ca = \"web.pem\"; signer = \"publishers.pem\"; } );\n" STORE LOOPBACK,
        "");
    cr_assert_null(setting->conf);
    g_autofree char *file = g_build_filename(setting->folder, "domsec.conf", NULL);
    owned(conf) struct conf *conf = conf_load(file, setting->faults);
    cr_assert_not_null(conf);
    g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    g_autoptr(GByteArray) bundle =
        publisher_sign(plain, &(struct publisher_seal){.signer = late, .at = time(NULL) - 3 * HOUR});
    g_autofree char *key = bundle_key(&conf->bundles.list[0]);
    owned(store) struct store *store = store_open(conf->store);
    struct error error = {0};
    cr_assert(store_bundle_put(store, key, (struct slice){(const char *)bundle->data, bundle->len},
                               time(NULL) - 3 * HOUR, &error));
    setting_open(setting);
    expect(alice, OUTCOME_PASS, VALID);
    serve(bundle);
    renew("the certificate of its signer has expired", "an expired signer");
    expect(alice, OUTCOME_PASS, VALID);
}

/* --- whose server it is --- */

Test(bundles, connections_are_guarded)
{
    static const struct {
        const char *keys, *says;
    } rows[] = {
        {"trust_anchors = ( { url = \"%s/bundle\"; ca = \"publisher.pem\"; } );\n" STORE LOOPBACK, "/bundle: "},
        {"trust_anchors = ( \"%s/bundle\" );\n" STORE LOOPBACK, "/bundle: "},
        {"trust_anchors = ( { url = \"%s/bundle\"; ca = \"web.pem\"; } );\n" STORE, "fetch_networks does not allow"},
    };
    g_autoptr(GByteArray) bundle = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    serve(bundle);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        prepare(rows[i].keys, "");
        setting_open(setting);
        wait_as_message(alice);
        expect(alice, OUTCOME_TEMPERROR, UNFETCHED);
        g_autofree char *line = next_notice();
        cr_expect_not_null(strstr(line, rows[i].says), "row %zu: %s", i, line);
        cr_expect_not_null(strstr(line, "messages that need it are deferred"), "row %zu: %s", i, line);
        setting_free(setting);
    }
    cr_expect_eq(web_count(web, NULL), 0);
    setting = NULL;
}

/* Over http: the signature alone counts. */
Test(bundles, signed_ones_may_come_in_the_clear)
{
    struct web *plain = web_start();
    g_autofree char *url = web_url(plain, "/bundle");
    g_autofree char *keys =
        g_strdup_printf("trust_anchors = ( { url = \"%s\"; signer = \"publisher.pem\"; } );\n" STORE LOOPBACK, url);
    g_autoptr(GByteArray) content = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    g_autoptr(GByteArray) bundle = publisher_sign(content, &(struct publisher_seal){.signer = publisher});
    web_put(plain, "/bundle", &(struct web_page){.body = bundle->data, .length = bundle->len});
    prepare(keys, "");
    setting_open(setting);
    wait_as_message(alice);
    expect(alice, OUTCOME_PASS, VALID);
    web_free(plain);
}

Test(bundles, stopping_breaks_off)
{
    web_put(web, "/bundle", &(struct web_page){.manner = WEB_HANG});
    prepare(REMOTE, "");
    setting_open(setting);
    trust_renew_bundles(setting->trust, time(NULL));
    trust_stop_fetching(setting->trust);
    trust_renew_bundles(setting->trust, time(NULL));
    expect(alice, OUTCOME_TEMPERROR, UNFETCHED);
}

static GThread *main_thread;
static gint certificates; /* that there are */

static void count_new(void *certificate, void *own, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
    (void)certificate;
    (void)own;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    g_atomic_int_inc(&certificates);
}

static void free_slowly(void *certificate, void *own, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
    (void)certificate;
    (void)own;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    if (g_thread_self() != main_thread)
        g_usleep(10000);
    g_atomic_int_add(&certificates, -1);
}

Test(bundles, what_is_not_used_is_freed_when_fetching_has_ended)
{
    g_autoptr(GByteArray) bundle = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    serve(bundle);
    prepare(REMOTE, "");
    setting_open(setting);
    wait_as_message(alice);
    main_thread = g_thread_self();
    cr_assert_geq(X509_get_ex_new_index(0, NULL, count_new, NULL, free_slowly), 0);
    counted.ended = 0;
    trust_renew_bundles(setting->trust, time(NULL) + 2 * DAY);
    trust_await_bundles(setting->trust, g_get_monotonic_time() + PATIENCE);
    cr_expect_eq(g_atomic_int_get(&certificates), 0);
    cr_expect_eq(counted.ended, 1);
    cr_expect_eq(web_count(web, NULL), 2);
}
