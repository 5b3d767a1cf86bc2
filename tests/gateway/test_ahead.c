/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon fetches about revocation before a message asks for it. */
#include "gateway/internal.h"
#include "store/harvest.h"
#include "support/clock.h"
#include "support/fetching.h"
#include "support/rig.h"
#include "trust/anchors.h"
#include "trust/courier.h"

#define FETCH "fetch_networks = ( \"127.0.0.0/8\" ); revocation = { check = \"soft\"; };\n"

struct world {
    struct rig *rig;
    struct web *web;
    char *uri; /* of acme's store */
};

/* A certificate whose list is at "/<name>"; of a CA without an address. */
static struct pki *issue(const struct world *world, const struct pki *issuer, const char *name, const char *address)
{
    g_autofree char *path = g_strconcat("/", name, NULL), *url = web_url(world->web, path);
    g_autofree char *point = g_strconcat("crlDistributionPoints=URI:", url, NULL);
    g_autofree char *cn = g_strconcat("CN=", name, NULL);
    g_autofree char *san = address != NULL ? g_strconcat("email:", address, NULL) : NULL;
    web_put(world->web, path, &(struct web_page){.status = 404});
    return pki_issue(&(struct pki_spec){.issuer = issuer,
                                        .ca = address == NULL,
                                        .subject = PKI_LIST(cn),
                                        .san = address != NULL ? PKI_LIST(san) : NULL,
                                        .extensions = PKI_LIST(point)});
}

static void add(const struct world *world, const struct pki *pki, enum store_state state)
{
    struct error error = {0};
    struct store_addition addition = {0};
    enum store_added added;
    owned(store) struct store *store = store_open(world->uri);
    certs_addition_make(pki->cert, &addition);
    addition.state = state;
    cr_assert(store_certificates_add(store, &addition, 1, &added, &error), "%s", error.text);
    certs_addition_clear(&addition);
}

static void harvest(const struct world *world, const struct pki *pki, const struct pki *authority, const char *name)
{
    struct error error = {0};
    enum harvested result;
    unsigned char *der = NULL, *chain = NULL;
    owned(store) struct store *store = store_open(world->uri);
    int length = i2d_X509(pki->cert, &der), of_chain = i2d_X509(authority->cert, &chain);
    const struct harvest_offer offer = {.der = {(const char *)der, (size_t)length},
                                        .chain = {(const char *)chain, (size_t)of_chain},
                                        .at = time(NULL),
                                        .not_before = certificate_begins(pki->cert),
                                        .not_after = certificate_ends(pki->cert),
                                        .name = {.name = name},
                                        .is_approved = true,
                                        .limits = {10, 10, 10}};
    cr_assert(store_harvest(store, &offer, INT64_MAX, &result, &error), "%s", error.text);
    cr_assert_eq(result, HARVESTED_USED);
    OPENSSL_free(der);
    OPENSSL_free(chain);
}

static struct world *world_new(void)
{
    struct world *world = g_new0(struct world, 1);
    world->web = web_start();
    world->rig = rig_closed(PKI_EC);
    world->uri = g_strdup_printf("sqlite:%s/store.db", world->rig->acme.folder);
    struct error error = {0};
    owned(store) struct store *store = store_open(world->uri);
    cr_assert(store_create(store, &error), "%s", error.text);
    return world;
}

static void world_free(struct world *world)
{
    rig_free(world->rig);
    web_free(world->web);
    g_free(world->uri);
    g_free(world);
}
DECLARE_OWNED(world, struct world *, world_free)

static void open_acme(struct world *world, const char *more)
{
    g_autofree char *keys = g_strdup_printf(FETCH "store = \"%s\";\n%s", world->uri, more);
    rig_open(&world->rig->acme, &world->rig->partner, "", keys);
}

static void expect_fetched(const struct world *world, const char *path)
{
    for (int i = 0; i < 500 && web_count(world->web, path) == 0; i++)
        g_usleep(20000);
    cr_expect_neq(web_count(world->web, path), 0, "%s was not fetched", path);
}

#define SOURCES                                                                                                        \
    "sources = ( \"pinned\", \"directory\", \"store\", \"harvest\" ); harvest = { approve = \"manual\"; };\n"

Test(ahead, what_is_configured_or_kept)
{
    owned(world) struct world *world = world_new();
    const struct org *partner = &world->rig->partner;
    PKI_AUTO struct pki *authority = issue(world, partner->ca, "authority", NULL);
    PKI_AUTO struct pki *of_authority = issue(world, authority, "harvested", "carol@partner.test");
    PKI_AUTO struct pki *stored = issue(world, partner->ca, "stored", "bob@partner.test");
    PKI_AUTO struct pki *pending = issue(world, partner->ca, "pending", "dave@partner.test");
    PKI_AUTO struct pki *in_folder = issue(world, partner->ca, "in-folder", "erin@partner.test");
    PKI_AUTO struct pki *other = issue(world, world->rig->acme.ca, "other", "frank@other.test");
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    PKI_AUTO struct pki *strange = issue(world, stranger, "strange", "grace@other.test");
    harvest(world, of_authority, authority, "carol@partner.test");
    add(world, stored, STORE_USED);
    add(world, other, STORE_USED);
    add(world, strange, STORE_USED);
    add(world, pending, STORE_PENDING);
    g_autofree char *folder = g_build_filename(world->rig->acme.folder, "certificates", NULL);
    g_mkdir(folder, 0700);
    g_free(pki_write(folder, "erin.pem", in_folder, NULL));
    pki_free(world->rig->partner.dca);
    world->rig->partner.dca = issue(world, partner->ca, "configured", "domain-confidentiality-authority@partner.test");
    g_autofree char *more = g_strdup_printf(SOURCES "certificate_directory = \"%s\";", folder);
    open_acme(world, more);
    gateway_keep_fresh(world->rig->acme.gateway);
    const char *const fetched[] = {"/configured", "/in-folder", "/stored", "/harvested", "/authority", "/other"};
    for (size_t i = 0; i < G_N_ELEMENTS(fetched); i++)
        expect_fetched(world, fetched[i]);
    gateway_stop_fetching(world->rig->acme.gateway);
    cr_expect_eq(web_count(world->web, "/pending"), 0, "it is not used");
    cr_expect_eq(web_count(world->web, "/strange"), 0, "it leads to no anchor");
}

/* Certificates that no source of the configuration gives are not fetched for. */
Test(ahead, only_what_is_used)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *stored = issue(world, world->rig->partner.ca, "stored", "bob@partner.test");
    PKI_AUTO struct pki *harvested = issue(world, world->rig->partner.ca, "harvested", "carol@partner.test");
    add(world, stored, STORE_USED);
    harvest(world, harvested, stored, "carol@partner.test");
    open_acme(world, "sources = ( \"pinned\", \"store\" ); harvest = { approve = \"off\"; };");
    gateway_keep_fresh(world->rig->acme.gateway);
    expect_fetched(world, "/stored");
    gateway_stop_fetching(world->rig->acme.gateway);
    cr_expect_eq(web_count(world->web, "/harvested"), 0);
}

/* A server that says nothing holds up neither the others for long, nor the end. */
Test(ahead, a_server_that_hangs)
{
    owned(world) struct world *world = world_new();
    PKI_AUTO struct pki *stored = issue(world, world->rig->partner.ca, "stored", "bob@partner.test");
    PKI_AUTO struct pki *newest = issue(world, world->rig->partner.ca, "hangs", "carol@partner.test");
    web_put(world->web, "/hangs", &(struct web_page){.manner = WEB_HANG});
    add(world, stored, STORE_USED);
    add(world, newest, STORE_USED);
    open_acme(world, SOURCES);
    gateway_keep_fresh(world->rig->acme.gateway);
    expect_fetched(world, "/hangs");
    expect_fetched(world, "/stored");
    gateway_unref(g_steal_pointer(&world->rig->acme.gateway)); /* the last reference */
}

/* --- what is revoked later --- */

#define DSA "domain-signing-authority"
#define DCA "domain-confidentiality-authority"
#define LATER (86400 + 60)
#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

static void put_list(const struct world *world, const char *path, const struct pki *ca, const struct pki *revoked)
{
    static long number;
    struct fetching place = {.web = world->web};
    fetching_put_list(&place, path, &(struct pki_crl_spec){.issuer = ca, .revoked = {revoked}, .number = ++number},
                      FETCHING_DER);
}

static struct pki *replace(const struct world *world, struct org *org, struct pki *old, const char *role,
                           const char *file)
{
    g_autofree char *address = g_strdup_printf("%s@%s", role, org->domain);
    g_autofree char *certificate = g_strconcat(file, ".pem", NULL), *key = g_strconcat(file, ".key", NULL);
    struct pki *pki = issue(world, org->ca, role, address);
    pki_free(old);
    g_free(pki_write(org->folder, certificate, pki, NULL));
    g_free(pki_write_key(org->folder, key, pki));
    return pki;
}

static void renew(const struct org *org)
{
    struct courier *courier = org->gateway->trust->courier;
    courier_renew(courier, time(NULL));
    courier_settle(courier);
}

static void expect_verdict(const struct sent *sent, enum verdict verdict, const char *says, const char *what)
{
    cr_expect_eq(rig_verdict(sent), verdict, "%s: %s", what, rig_reason(sent));
    cr_expect_not_null(strstr(rig_reason(sent), says), "%s: %s", what, rig_reason(sent));
}

/* The next message after it was fetched is refused: by whom it was signed, to whom it goes, and with our own
 * certificate. */
static void run_revoked_later(const char *check)
{
    owned(world) struct world *world = world_new();
    struct rig *rig = world->rig;
    struct org *acme = &rig->acme, *partner = &rig->partner;
    acme->dsa = replace(world, acme, acme->dsa, DSA, "dsa");
    partner->dca = replace(world, partner, partner->dca, DCA, "dca");
    put_list(world, "/" DSA, acme->ca, NULL);
    put_list(world, "/" DCA, partner->ca, NULL);
    /* One that has expired does not take the place of one that is revoked. */
    PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                                            .subject = PKI_LIST("CN=" DSA),
                                                            .san = PKI_LIST("email:" DSA "@acme.test"),
                                                            .not_before = time(NULL) - 20 * 86400,
                                                            .not_after = time(NULL) - 10 * 86400});
    g_free(pki_write(acme->folder, "old.pem", old, NULL));
    g_free(pki_write_key(acme->folder, "old.key", old));
    acme->people =
        "{ domain = \"acme.test\"; role = \"" DSA "\"; certificate = \"old.pem\"; key = \"file:old.key\"; },";
    g_autofree char *keys =
        g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); revocation = { check = \"%s\"; };", check);
    rig_open(acme, partner, "outbound = { protect = \"sign+encrypt\"; no_certificate = \"reject\"; };", keys);
    rig_open(partner, acme, "inbound = { require = \"sign\"; otherwise = \"reject\"; };", keys);
    AUTO_SENT struct sent before = rig_outbound(rig, MESSAGE);
    expect_verdict(&before, VERDICT_ACCEPT, "", "all is well");
    AUTO_SENT struct sent arrived = rig_inbound(rig, before.bytes, before.length);
    expect_verdict(&arrived, VERDICT_ACCEPT, "", "all is well");

    courier_settle(acme->gateway->trust->courier); /* what is under way brings the list of before */
    put_list(world, "/" DCA, partner->ca, partner->dca);
    clock_jump(LATER);
    renew(acme);
    AUTO_SENT struct sent to_revoked = rig_outbound(rig, MESSAGE);
    expect_verdict(&to_revoked, VERDICT_REJECT, "is revoked", "to whom it goes");

    put_list(world, "/" DCA, partner->ca, NULL);
    put_list(world, "/" DSA, acme->ca, acme->dsa);
    clock_jump(LATER);
    renew(acme);
    renew(partner);
    AUTO_SENT struct sent of_revoked = rig_inbound(rig, before.bytes, before.length);
    expect_verdict(&of_revoked, VERDICT_REJECT, "is revoked", "by whom it was signed");
    AUTO_SENT struct sent with_revoked = rig_outbound(rig, MESSAGE);
    expect_verdict(&with_revoked, VERDICT_TEMPFAIL, "is revoked", "our own");
}

Test(ahead, revoked_later)
{
    run_revoked_later("soft");
    run_revoked_later("hard");
}

/* A key that fits may come back with another certificate: the message is not rejected because no other one fits. */
Test(ahead, no_other_fits)
{
    owned(world) struct world *world = world_new();
    struct rig *rig = world->rig;
    struct org *acme = &rig->acme;
    PKI_AUTO struct pki *fits = issue(world, acme->ca, DSA, DSA "@acme.test");
    g_free(pki_write(acme->folder, "fits.pem", fits, NULL));
    g_free(pki_write_key(acme->folder, "fits.key", fits));
    acme->people = "{ domain = \"acme.test\"; role = \"" DSA "\"; certificate = \"fits.pem\"; key = \"file:fits.key\"; "
                   "origin = \"gateway\"; },\n";
    put_list(world, "/" DSA, acme->ca, NULL);
    rig_open(acme, &rig->partner, "outbound = { protect = \"sign\"; sign_with = { origin = \"gateway\"; }; };", FETCH);
    AUTO_SENT struct sent before = rig_outbound(rig, MESSAGE);
    expect_verdict(&before, VERDICT_ACCEPT, "", "all is well");
    courier_settle(acme->gateway->trust->courier); /* what is under way brings the list of before */
    put_list(world, "/" DSA, acme->ca, fits);
    clock_jump(LATER);
    renew(acme);
    AUTO_SENT struct sent after = rig_outbound(rig, MESSAGE);
    expect_verdict(&after, VERDICT_TEMPFAIL, "not valid now", "it is revoked");
}
