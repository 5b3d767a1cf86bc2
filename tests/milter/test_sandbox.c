/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon in its sandbox, beside real servers and with a store: each library that it uses does its work, in its
 * first round and after a reload. daemon_stop() expects that no system call was refused.
 */
#include "support/fake_dns.h"
#include "support/key_daemon.h"
#include "support/knot.h"
#include "support/program.h"
#include "support/slapd.h"
#include "support/smimea.h"
#include "support/web.h"

#define SMIMEA 53
#define ERIN "<erin@partner.test>"
#define DAVE "<dave@direct.test>"

struct world {
    struct slapd *slapd; /* has DAVE's certificate */
    struct knot knot;    /* has ERIN's */
    struct fake_dns *dns;
    struct web *web; /* has what was revoked */
    struct pki *ca, *dave;
    struct daemon daemon;
};

static struct pki *person(const struct world *world, const char *address)
{
    g_autofree char *san = g_strconcat("email:", address, NULL), *url = web_url(world->web, "/a.crl");
    g_autofree char *point = g_strconcat("crlDistributionPoints=URI:", url, NULL);
    return pki_issue(&(struct pki_spec){.issuer = world->ca,
                                        .subject = PKI_LIST("CN=person"),
                                        .san = PKI_LIST(san),
                                        .key_usage = "critical,digitalSignature,keyAgreement",
                                        .extensions = PKI_LIST(point)});
}

static void start_web(struct world *world)
{
    world->web = web_start();
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = world->ca});
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    web_put(world->web, "/a.crl", &(struct web_page){.body = der, .length = (size_t)length});
    OPENSSL_free(der);
}

static void start_directory(struct world *world)
{
    world->slapd = slapd_new("dc=direct,dc=test");
    slapd_person(world->slapd, "uid=dave,dc=direct,dc=test", "dave@direct.test");
    slapd_certificate(world->slapd, world->dave->cert);
    slapd_start(world->slapd);
}

static void start_dns(struct world *world)
{
    PKI_AUTO struct pki *erin = person(world, "erin@partner.test");
    g_autofree char *owner = smimea_owner("erin");
    g_autofree char *line = smimea_line(owner, SMIMEA, smimea_rdata(3, 0, 0, erin->cert));
    const struct knot_zone zones[] = {{"partner.test", KNOT_SIGNED, line}};
    knot_start(&world->knot, zones, G_N_ELEMENTS(zones));
    world->dns = fake_dns_new(world->knot.port);
}

static void start_daemon(struct world *world)
{
    struct daemon *daemon = &world->daemon;
    g_autofree char *place = folder_new(), *anchor = pki_write(place, "anchor.pem", world->ca, NULL);
    g_autofree char *extra = g_strdup_printf(
        "lookup_timeout = 5;\nfetch_networks = ( \"127.0.0.1/32\" );\nsources = ( \"store\", \"ldap\", \"dns\" );\n"
        "ldap = ( { domains = \"direct.test\"; uri = \"ldaps://localhost:%u\"; ca = \"%s\"; timeout = 4; } );\n"
        "dns = { resolver = ( \"%s\" ); anchors = ( \"%s\" ); timeout = 1; };\n"
        "store = \"sqlite:%s/store.db\";\nharvest = { approve = \"manual\"; };\nmetrics_file = \"%s/metrics\";\n",
        world->slapd->tls_port, world->slapd->ca, world->dns->address, world->knot.anchor, place, place);
    *daemon = (struct daemon){.address = g_strdup_printf("local:%s/milter", place)};
    daemon->folder = daemon_folder(daemon->address, extra);
    static const char *const domains[] = {"direct.test", "partner.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(domains); i++) {
        g_autofree char *name = g_strdup_printf("acme/policy.d/%s.conf", domains[i]);
        g_autofree char *policy =
            g_strdup_printf("domain = \"%s\"; anchors = ( \"%s\" ); outbound = { protect = \"encrypt\"; };\n"
                            "inbound = { require = \"none\"; }; revocation = { check = \"hard\"; fetch = true; };\n",
                            domains[i], anchor);
        folder_write(daemon->folder, name, policy);
    }
    program_give(daemon->folder, "root");
    daemon->conf = g_build_filename(daemon->folder, "acme", "domsec.conf", NULL);
    daemon->log = g_build_filename(daemon->folder, "log", NULL);
    token_daemon_start(daemon);
}

/* What DAVE signs teaches the gateway his certificate. */
static void receive(const struct world *world)
{
    const struct daemon *daemon = &world->daemon;
    g_autofree char *certificate = pki_write(daemon->folder, "dave.pem", world->dave, NULL);
    g_autofree char *key = pki_write_key(daemon->folder, "dave.key", world->dave);
    owned(run) struct run made =
        run("sh -c 'printf \"Content-Type: text/plain\\r\\n\\r\\nhello\\r\\n\" | openssl cms -sign "
            "-signer %s -inkey %s -from dave@direct.test -to alice@acme.test -subject x'",
            certificate, key);
    expect_status(made, 0);
    g_auto(GStrv) lines = g_strsplit(made.out, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        g_strchomp(*line);
    g_autofree char *text = g_strjoinv("\r\n", lines);
    struct mc client;
    struct mc_outcome outcome = {0};
    cr_assert(daemon_client(&client, daemon) &&
              daemon_exchange(&client, DAVE, ALICE, text, strlen(text), 0, &outcome) && mc_accepted(&outcome));
    mc_outcome_clear(&outcome);
    mc_close(&client);
    owned(run) struct run pending = run("domsec cert list -c '%s' --pending", daemon->conf);
    expect_contains(pending.out, "dave@direct.test");
}

Test(sandbox, every_library_does_its_work)
{
    struct world world = {.ca = pki_ca("ca")};
    start_web(&world);
    world.dave = person(&world, "dave@direct.test");
    start_directory(&world);
    start_dns(&world);
    start_daemon(&world);
    for (unsigned round = 1; round <= 2; round++) {
        cr_expect_eq(send_to(&world.daemon, DAVE), SIGNED, "encrypted, as the directory and the list say");
        fake_dns_set(world.dns, 0, FAKE_DROP);
        if (round == 1)
            cr_expect_eq(send_to(&world.daemon, ERIN), DEFERRED, "the resolver's timers");
        fake_dns_set(world.dns, 0, FAKE_RELAY);
        enum outcome outcome = DEFERRED;
        for (unsigned i = 0; outcome == DEFERRED && i < PATIENCE * 4; i++, g_usleep(250000))
            outcome = send_to(&world.daemon, ERIN);
        cr_expect_eq(outcome, SIGNED);
        receive(&world);
        kill(world.daemon.pid, SIGHUP);
        cr_expect(daemon_wait_log(&world.daemon, "is in force", round));
    }
    cr_expect_gt(web_count(world.web, "/a.crl"), 0);
    daemon_stop(&world.daemon);
    fake_dns_free(world.dns);
    knot_stop(&world.knot);
    slapd_free(world.slapd);
    web_free(world.web);
    pki_free(world.dave);
    pki_free(world.ca);
}
