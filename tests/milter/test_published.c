/* SPDX-License-Identifier: Apache-2.0 */
/* A trust bundle in the real programs: what check, explain and status say, and a daemon that fetches it behind its
 * sandbox and has it again after a restart without the server. */
#include "support/daemon.h"
#include "support/program.h"
#include "support/publisher.h"
#include "support/web.h"

static struct pki *root, *partner, *publisher, *server_ca, *server;
static struct web *web;
static struct daemon daemon_;

static void set_up(void)
{
    root = pki_ca("Root");
    partner = pki_role(root, "domain-confidentiality-authority", "partner.test");
    publisher = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=Publisher"), .not_after = time(NULL) + 10 * (time_t)86400});
    server_ca = pki_ca("Web");
    server = pki_issue(&(struct pki_spec){.issuer = server_ca,
                                          .subject = PKI_LIST("CN=web"),
                                          .eku = "serverAuth",
                                          .extensions = PKI_LIST("subjectAltName=IP:127.0.0.1")});
    web = web_start_tls(server->cert, server->key);
    g_autofree char *url = web_url(web, "/bundle");
    g_autofree char *policy =
        g_strdup_printf("domain = \"partner.test\";\noutbound = { protect = \"encrypt\"; };\n"
                        "certificates = ( \"partner.pem\" );\n"
                        "anchors = ( { url = \"%s\"; ca = \"web.pem\"; signer = \"publisher.pem\"; } );\n",
                        url);
    g_autofree char *listen = g_strdup_printf("inet:%u@127.0.0.1", daemon_free_port());
    daemon_ = (struct daemon){.folder = daemon_folder(listen, "fetch_networks = ( \"127.0.0.1\" );\n")};
    g_autofree char *home = g_build_filename(daemon_.folder, "acme", NULL);
    g_autofree char *text = folder_read(home, "domsec.conf");
    if (strstr(text, "\nstore = ") == NULL) {
        g_autofree char *whole = g_strconcat(text, "store = \"sqlite:store.db\";\n", NULL);
        folder_write(home, "domsec.conf", whole);
    }
    folder_write(home, "policy.d/partner.test.conf", policy);
    g_free(pki_write(home, "partner.pem", partner, NULL));
    g_free(pki_write(home, "publisher.pem", publisher, NULL));
    g_free(pki_write(home, "web.pem", server_ca, NULL));
    program_give(daemon_.folder, "root");
    daemon_.conf = g_build_filename(home, "domsec.conf", NULL);
    daemon_.log = g_build_filename(daemon_.folder, "log", NULL);
    daemon_.address = g_steal_pointer(&listen);
}

static void tear_down(void)
{
    struct pki *all[] = {root, partner, publisher, server_ca, server};
    web_free(web);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        pki_free(all[i]);
}

TestSuite(published, .init = set_up, .fini = tear_down);

static void begin(void)
{
    daemon_.pid = daemon_spawn(daemon_.conf, daemon_.log);
    cr_assert(daemon_wait_listening(&daemon_));
}

static void expect_logged(const char *text)
{
    for (int i = 0; i < 400; i++) {
        g_autofree char *log = daemon_log(&daemon_);
        if (strstr(log, text) != NULL)
            return;
        g_usleep(50000);
    }
    g_autofree char *log = daemon_log(&daemon_);
    cr_assert_fail("\"%s\" is not in\n%s", text, log);
}

static struct run explain(void)
{
    return run("domsec explain -c '%s' --from alice@acme.test --auth alice --to bob@partner.test", daemon_.conf);
}

Test(published, from_check_to_restart)
{
    g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    g_autoptr(GByteArray) bundle = publisher_sign(plain, &(struct publisher_seal){.signer = publisher});
    program_give(daemon_.folder, NULL);
    owned(run) struct run checked = run("domsec check -c '%s'", daemon_.conf);
    program_give(daemon_.folder, "root");
    expect_status(checked, 0);
    expect_contains(checked.out, "partner.test.conf:4: note: anchors: https://127.0.0.1");
    expect_contains(checked.out, "/bundle has not been fetched yet");
    cr_expect_null(strstr(checked.out, "this certificate is not used"), "%s", checked.out);
    cr_expect_eq(web_count(web, NULL), 0);
    owned(run) struct run early = explain();
    expect_status(early, 75);
    expect_contains(early.out, "has not been fetched yet");
    cr_expect_eq(web_count(web, NULL), 1, "a message waits for it");
    web_put(web, "/bundle", &(struct web_page){.body = bundle->data, .length = bundle->len});
    begin();
    expect_logged("/bundle is in force, with 1 certificates");
    owned(run) struct run status = run("domsec status -c '%s'", daemon_.conf);
    expect_contains(status.out, "trust bundles\n");
    expect_contains(status.out, "/bundle  partner.test.conf  1             0 h ago");
    owned(run) struct run json = run("domsec status --json -c '%s'", daemon_.conf);
    expect_contains(json.out, "\"policy\": \"partner.test.conf\"");
    expect_contains(json.out, "\"certificates\": 1");
    expect_contains(json.out, "\"stale\": false");
    expect_contains(json.out, "status 404\"");
    owned(run) struct run explained = explain();
    expect_status(explained, 0);
    expect_contains(explained.out, "accept: encrypt");
    cr_expect_eq(web_count(web, NULL), 2);
    kill(daemon_.pid, SIGTERM);
    cr_expect_eq(daemon_wait(&daemon_), 0);
    web_pause(web);
    begin();
    owned(run) struct run again = explain();
    expect_status(again, 0);
    daemon_stop(&daemon_);
    web_resume(web);
}

/* Another partner, whose revocation list is on a web server, and whose bundle is there, too. */
static struct web *serve_bundle_and_list(void)
{
    struct web *plain = web_start();
    g_autofree char *url = web_url(plain, "/bundle"), *list = web_url(plain, "/root.crl");
    g_autofree char *point = g_strdup_printf("crlDistributionPoints=URI:%s", list);
    g_autofree char *home = g_build_filename(daemon_.folder, "acme", NULL);
    g_autofree char *policy = g_strdup_printf("domain = \"partner.test\";\noutbound = { protect = \"encrypt\"; };\n"
                                              "certificates = ( \"partner.pem\" );\nnaming = \"mailbox\";\n"
                                              "anchors = ( { url = \"%s\"; signer = \"publisher.pem\"; } );\n"
                                              "revocation = { check = \"hard\"; ocsp = false; };\n",
                                              url);
    PKI_AUTO struct pki *bob = pki_issue(&(struct pki_spec){.issuer = root,
                                                            .subject = PKI_LIST("CN=bob"),
                                                            .san = PKI_LIST("email:bob@partner.test"),
                                                            .extensions = PKI_LIST(point)});
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = root});
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    g_autoptr(GByteArray) content = publisher_pack(PUBLISHER_DER, root->cert, NULL);
    g_autoptr(GByteArray) bundle = publisher_sign(content, &(struct publisher_seal){.signer = publisher});
    web_put(plain, "/bundle", &(struct web_page){.body = bundle->data, .length = bundle->len});
    web_put(plain, "/root.crl", &(struct web_page){.body = der, .length = (size_t)length});
    OPENSSL_free(der);
    folder_write(home, "policy.d/partner.test.conf", policy);
    g_free(pki_write(home, "partner.pem", bob, NULL));
    return plain;
}

/* A message waits for the bundle, and then for the list of an authority in it. */
Test(published, bundle_and_then_a_list)
{
    struct web *plain = serve_bundle_and_list();
    owned(run) struct run explained = explain();
    expect_status(explained, 0);
    expect_contains(explained.out, "accept: encrypt");
    cr_expect(web_count(plain, "/bundle") == 1 && web_count(plain, "/root.crl") == 1);
    web_free(plain);
    daemon_free(&daemon_);
}

/* The same ahead of the mail. */
Test(published, list_under_a_bundle_is_fetched_at_the_start)
{
    struct web *plain = serve_bundle_and_list();
    begin();
    for (int i = 0; i < 400 && web_count(plain, "/root.crl") == 0; i++)
        g_usleep(50000);
    cr_expect_eq(web_count(plain, "/root.crl"), 1);
    cr_expect_eq(web_count(plain, "/bundle"), 1);
    daemon_stop(&daemon_);
    web_free(plain);
}

/* Who changes them decides whom we trust. */
Test(published, files_beside_it_are_looked_at)
{
    static const char *const files[] = {"publisher.pem", "web.pem"};
    owned(run) struct run checked = run("domsec check -c '%s'", daemon_.conf);
    expect_contains(checked.out, "partner.test.conf:4: warning: ");
    expect_contains(checked.out, "CN=Publisher (bundle signer) ends on ");
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(daemon_.folder, "acme", files[i], NULL);
        cr_assert_eq(g_chmod(path, 0666), 0);
        owned(run) struct run exposed = run("domsec check -c '%s'", daemon_.conf);
        cr_expect_eq(exposed.status, 1);
        expect_contains(exposed.out, "partner.test.conf:4: every account can change ");
        cr_assert_eq(g_chmod(path, 0644), 0);
    }
    daemon_free(&daemon_);
}

Test(published, status_of_one_that_does_not_come)
{
    begin();
    expect_logged("/bundle was not taken: ");
    expect_logged("messages that need it are deferred");
    owned(run) struct run status = run("domsec status -c '%s'", daemon_.conf);
    cr_expect_eq(status.status, 1);
    expect_contains(status.out, "none yet");
    expect_contains(status.out, "never");
    expect_contains(status.out, "0 h ago: ");
    daemon_stop(&daemon_);
}
