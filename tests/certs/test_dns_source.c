/* SPDX-License-Identifier: Apache-2.0 */
/* The source "dns" against a real knot on loopback: which candidates come from which records, and what has failed. */
#include "certs/certs.h"
#include "net/dns.h"
#include "support/fake_dns.h"
#include "support/knot.h"
#include "support/pki.h"
#include "support/smimea.h"

#include <criterion/criterion.h>

#define DCA "domain-confidentiality-authority"
#define DSA "domain-signing-authority"
#define SMIMEA 53
#define CERT 37

struct world {
    struct knot knot;
    struct pki *ca;
    GPtrArray *made; /* struct pki * */
    char *folder;
    struct conf *conf;
    struct certs *certs;
};

static struct pki *person(struct world *world, const char *name, const char *address, enum pki_key key)
{
    g_autofree char *subject = g_strconcat("CN=", name, NULL), *san = g_strconcat("email:", address, NULL);
    struct pki *pki = pki_issue(
        &(struct pki_spec){.issuer = world->ca, .subject = PKI_LIST(subject), .san = PKI_LIST(san), .key = key});
    g_ptr_array_add(world->made, pki);
    return pki;
}

/* A record with this certificate in full. usage -1: a CERT record. */
static void put(GString *zone, const char *owner, int usage, const X509 *certificate)
{
    g_autofree char *line = usage < 0 ? smimea_line(owner, CERT, cert_rdata(certificate))
                                      : smimea_line(owner, SMIMEA, smimea_rdata((unsigned)usage, 0, 0, certificate));
    g_string_append(zone, line);
}

static void put_smimea(GString *zone, const char *local, int usage, const X509 *certificate)
{
    g_autofree char *owner = smimea_owner(local);
    put(zone, owner, usage, certificate);
}

static void put_digest(GString *zone, const char *local, const X509 *certificate)
{
    g_autofree char *owner = smimea_owner(local);
    g_autofree char *line = smimea_line(owner, SMIMEA, smimea_rdata(3, 0, 1, certificate));
    g_string_append(zone, line);
}

static char *signed_zone(struct world *world)
{
    GString *zone = g_string_new(NULL);
    const X509 *bob = person(world, "bob", "bob@signed.test", PKI_EC)->cert,
               *hugo = person(world, "hugo", "hugo@signed.test", PKI_EC)->cert;
    put_smimea(zone, "bob", 3, bob);
    put_smimea(zone, DCA, 3, person(world, "dca", DCA "@signed.test", PKI_EC)->cert);
    put_smimea(zone, DSA, 3, person(world, "dsa", DSA "@signed.test", PKI_EC)->cert);
    for (int i = 0; i < 3; i++) /* over TCP */
        put_smimea(zone, "large", 3, person(world, "large", "large@signed.test", PKI_RSA_3072)->cert);
    put_smimea(zone, "rolled", 3, person(world, "old", "rolled@signed.test", PKI_EC)->cert);
    put_smimea(zone, "rolled", 3, person(world, "new", "rolled@signed.test", PKI_EC)->cert);
    put_digest(zone, "hugo", hugo);
    put(zone, "hugo", -1, hugo);
    put_digest(zone, "lost", hugo);
    put(zone, "erin", -1, person(world, "erin", "erin@signed.test", PKI_EC)->cert);
    g_string_append(zone, "empty.erin TXT x\n");
    g_autofree char *odd = smimea_owner("odd");
    g_string_append_printf(zone, "%s TYPE53 \\# 4 04000078\n", odd);
    g_autofree char *moved = smimea_owner("moved"), *to = smimea_owner("bob");
    g_string_append_printf(zone, "%s CNAME %s\n", moved, to);
    return g_string_free(zone, FALSE);
}

static char *plain_zone(struct world *world)
{
    GString *zone = g_string_new(NULL);
    put_smimea(zone, "bob", 3, person(world, "bob", "bob@plain.test", PKI_EC)->cert);
    put(zone, "erin", -1, person(world, "erin", "erin@plain.test", PKI_EC)->cert);
    put(zone, "first\\046last\\043tag", -1, person(world, "tagged", "first.last+tag@plain.test", PKI_EC)->cert);
    put(zone, "first.last\\043tag", -1, person(world, "dotted", "first.last+tag@plain.test", PKI_EC)->cert);
    struct pki *organisation = pki_issue(&(struct pki_spec){
        .issuer = world->ca, .subject = PKI_LIST("CN=organisation"), .san = PKI_LIST("dns:plain.test")});
    g_ptr_array_add(world->made, organisation);
    put(zone, "@", -1, organisation->cert);
    put(zone, "@", -1, person(world, "parent", DCA "@test", PKI_EC)->cert);
    put(zone, "@", -1, person(world, "stranger", DCA "@other.test", PKI_EC)->cert);
    put(zone, "@", -1, world->ca->cert);
    g_string_append(zone, "@ TYPE37 \\# 6 000300000030\n"); /* OpenPGP */
    return g_string_free(zone, FALSE);
}

static void make_world(struct world *world)
{
    *world = (struct world){.ca = pki_ca("root"), .folder = folder_new()};
    world->made = g_ptr_array_new_with_free_func((GDestroyNotify)pki_free);
    g_autofree char *secure = signed_zone(world), *plain = plain_zone(world), *bad = NULL;
    GString *zone = g_string_new(NULL);
    put_smimea(zone, "bob", 3, person(world, "good", "bob@bad.test", PKI_EC)->cert);
    put(zone, "bob", -1, person(world, "good", "bob@bad.test", PKI_EC)->cert);
    bad = g_string_free(zone, FALSE);
    const struct knot_zone zones[] = {{"signed.test", KNOT_SIGNED, secure},
                                      {"plain.test", KNOT_UNSIGNED, plain},
                                      {"expired.test", KNOT_EXPIRED, bad},
                                      {"mistaken.test", KNOT_MISTAKEN, bad}};
    knot_start(&world->knot, zones, G_N_ELEMENTS(zones));
}

static void open_certs(struct world *world, const char *resolver, const char *keys)
{
    struct faults *faults = faults_new();
    g_autofree char *text =
        g_strdup_printf("local_domains = ( \"acme.test\" );\nsources = ( \"dns\" );\n"
                        "dns = { resolver = \"%s\"; anchors = ( \"%s\" ); %s };\n",
                        resolver != NULL ? resolver : world->knot.address, world->knot.anchor, keys);
    g_autofree char *file = folder_file(world->folder, "domsec.conf", text);
    certs_close(world->certs);
    conf_unref(world->conf);
    world->conf = conf_load(file, faults);
    world->certs = world->conf != NULL ? certs_open(world->conf, faults) : NULL;
    cr_assert_not_null(world->certs, "%s", faults_errors(faults) > 0 ? faults_at(faults, 0) : "");
    faults_free(faults);
}

static void end_world(struct world *world)
{
    certs_close(world->certs);
    conf_unref(world->conf);
    knot_stop(&world->knot);
    g_ptr_array_unref(world->made);
    pki_free(world->ca);
    folder_remove(world->folder);
}

static struct certs_answer ask(const struct world *world, const char *text, enum certs_purpose purpose)
{
    struct address address = {0};
    struct error error = {0};
    struct certs_answer answer;
    cr_assert(address_parse(slice_of(text), &address, &error), "%s", error.text);
    const struct certs_query query = {
        .purpose = purpose, .partner = conf_partner(world->conf, address.domain), .address = &address};
    certs_ask(world->certs, &query, 1, g_get_monotonic_time() + 10 * G_USEC_PER_SEC, NULL, &answer);
    address_clear(&address);
    return answer;
}

/* The common names in order; "*" behind personal ones, "~" behind those of which the zone says something. */
static char *names_of(const struct certs_answer *answer)
{
    GString *names = g_string_new(NULL);
    for (size_t i = 0; i < answer->count; i++) {
        char name[100] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(answer->list[i].certificate), NID_commonName, name,
                                  sizeof(name));
        g_string_append_printf(names, "%s%s%s%s", i > 0 ? " " : "", name, answer->list[i].personal ? "*" : "",
                               answer->list[i].associations != NULL ? "~" : "");
        cr_expect_str_eq(answer->list[i].source, "dns");
    }
    return g_string_free(names, FALSE);
}

/* What all steps say. */
static char *steps_of(const struct certs_answer *answer)
{
    GString *steps = g_string_new(NULL);
    for (size_t i = 0; i < answer->step_count; i++)
        g_string_append_printf(steps, "%s: %s\n", answer->steps[i].asked,
                               answer->steps[i].note != NULL ? answer->steps[i].note : "");
    return g_string_free(steps, FALSE);
}

static void expect(const struct world *world, const char *address, enum found found, const char *names,
                   const char *says)
{
    owned(certs_answer) struct certs_answer answer = ask(world, address, CERTS_ENCRYPT);
    g_autofree char *got = names_of(&answer), *steps = steps_of(&answer);
    cr_expect_eq(answer.found, found, "%s: %d %s", address, answer.found, steps);
    cr_expect_str_eq(got, names, "%s: %s\n%s", address, got, steps);
    cr_expect(strstr(steps, says) != NULL, "%s: \"%s\" is not in\n%s", address, says, steps);
}

Test(dns_source, records)
{
    struct world world;
    make_world(&world);
    open_certs(&world, NULL, "");
    expect(&world, "bob@signed.test", FOUND, "bob*~ dca~", "SMIMEA at 81b637d8fcd2c6da6359e6963113a1170de795e4b725b84");
    expect(&world, "Bob@signed.test", FOUND, "bob*~ dca~", "SMIMEA at");
    expect(&world, "moved@signed.test", FOUND, "bob*~ dca~", "");
    expect(&world, "other@signed.test", FOUND, "dca~", "");
    expect(&world, "large@signed.test", FOUND, "large*~ large*~ large*~ dca~", "");
    /* The order of records in the DNS has no meaning. */
    owned(certs_answer) struct certs_answer rolled = ask(&world, "rolled@signed.test", CERTS_ENCRYPT);
    cr_expect_eq(rolled.count, 3);
    expect(&world, DCA "@signed.test", FOUND, "dca*~", "");
    expect(&world, "hugo@signed.test", FOUND, "dca~ hugo*~", "only what one has to agree with");
    expect(&world, "lost@signed.test", FOUND, "dca~", "only what one has to agree with");
    expect(&world, "odd@signed.test", FOUND, "dca~", "1 of 1 records cannot be used");
    expect(&world, "erin@signed.test", FOUND, "dca~ erin*", "CERT at erin.signed.test");
    /* Unsigned: SMIMEA does not count, and CERT is a matter of the certificate. */
    expect(&world, "bob@plain.test", FOUND, "organisation", "the zone is not signed");
    expect(&world, "bob@plain.test", FOUND, "organisation", "2 of 5 records are for another domain");
    expect(&world, "erin@plain.test", FOUND, "erin* organisation", "");
    expect(&world, "first.last+tag@plain.test", FOUND, "dotted* organisation", "");
    expect(&world, "bob@nowhere.test", FOUND_NONE, "", "");
    expect(&world, "bob@[192.0.2.1]", FOUND_NONE, "", "");
    expect(&world, "\"a..b\"@plain.test", FOUND, "organisation", "");
    /* Bogus is failed, and nothing of it comes out. */
    expect(&world, "bob@expired.test", FOUND_FAILED, "", "DNSSEC does not prove");
    expect(&world, "other@expired.test", FOUND_FAILED, "", "");
    expect(&world, "bob@mistaken.test", FOUND_FAILED, "", "");
    owned(certs_answer) struct certs_answer signer = ask(&world, "bob@signed.test", CERTS_SIGNER);
    g_autofree char *names = names_of(&signer);
    cr_expect_str_eq(names, "bob*~ dsa~");
    end_world(&world);
}

/* RFC 8162 §3, with its example, and the escapes of a zone file. Nothing is asked: what was asked is in the steps. */
Test(dns_source, local_parts)
{
    static const struct {
        const char *address, *name;
    } rows[] = {
        {"hugh@example.test",
         "SMIMEA at c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.test"},
        {"\"hugh\"@example.test", "SMIMEA at c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert"},
        {"HUGH@example.test", "SMIMEA at c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert"},
        /* A letter and its accent as one character or as two have one name. */
        {"\xc3\xa9@example.test", "SMIMEA at 4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e._smimecert"},
        {"e\xcc\x81@example.test", "SMIMEA at 4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e._smimecert"},
        {"a+b@example.test", "CERT at a\\043b.example.test"},
        {"\"a;(b\"@example.test", "CERT at a\\059\\040b.example.test"},
        {"a.b@example.test", "CERT at a.b.example.test"},
    };
    struct world world;
    make_world(&world);
    open_certs(&world, NULL, "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(&world, rows[i].address, FOUND_NONE, "", rows[i].name);
    end_world(&world);
}

Test(dns_source, chosen_records)
{
    struct world world;
    make_world(&world);
    open_certs(&world, NULL, "records = ( \"smimea\" );");
    expect(&world, "erin@signed.test", FOUND, "dca~", "");
    expect(&world, "erin@plain.test", FOUND_NONE, "", "");
    open_certs(&world, NULL, "records = ( \"cert\" );");
    expect(&world, "bob@signed.test", FOUND_NONE, "", "");
    expect(&world, "erin@signed.test", FOUND, "erin*", "");
    end_world(&world);
}

/* Whatever goes wrong with one type of record is failed, and what the other gives stays. */
Test(dns_source, bad_servers)
{
    static const enum fake_action actions[] = {FAKE_FORMERR, FAKE_SERVFAIL, FAKE_NOTIMP,   FAKE_REFUSED, FAKE_RUBBISH,
                                               FAKE_SHORT,   FAKE_CUT,      FAKE_NXDOMAIN, FAKE_EMPTY,   FAKE_DROP};
    struct world world;
    make_world(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        bool is_lie = actions[i] == FAKE_NXDOMAIN || actions[i] == FAKE_EMPTY;
        owned(fake_dns) struct fake_dns *fake = fake_dns_new(world.knot.port);
        fake_dns_set(fake, CERT, actions[i]);
        open_certs(&world, fake->address, "timeout = 1;");
        expect(&world, "bob@signed.test", FOUND_FAILED, "bob*~ dca~", "");
        /* In an unsigned zone, no one can tell a lie. */
        expect(&world, "erin@plain.test", is_lie ? FOUND_NONE : FOUND_FAILED, "", "");
        fake_dns_set(fake, CERT, FAKE_RELAY);
        fake_dns_set(fake, SMIMEA, actions[i]);
        open_certs(&world, fake->address, "timeout = 1;");
        expect(&world, "erin@signed.test", FOUND_FAILED, "erin*", "");
        cr_expect_gt(g_atomic_int_get(&fake->asked), 0);
    }
    end_world(&world);
}

/* The answer does not fit into a datagram, and TCP is closed. */
Test(dns_source, without_tcp)
{
    struct world world;
    make_world(&world);
    owned(fake_dns) struct fake_dns *fake = fake_dns_new(world.knot.port);
    open_certs(&world, fake->address, "timeout = 1; records = ( \"smimea\" );");
    expect(&world, "bob@signed.test", FOUND, "bob*~ dca~", "");
    expect(&world, "large@signed.test", FOUND_FAILED, "dca~", "");
    end_world(&world);
}

Test(dns_source, without_anchors)
{
    owned(folder) char *folder = folder_new();
    static const struct {
        const char *keys;
        bool opens;
    } rows[] = {
        {"sources = ( \"dns\" ); dns = { resolver = \"127.0.0.1@9\"; anchors = ( ); };", false},
        {"sources = ( \"dns\" ); dns = { resolver = \"127.0.0.1@9\"; anchors = ( \"missing\" ); };", false},
        {"sources = ( \"dns\" ); dns = { resolver = \"127.0.0.1@9\"; anchors = ( ); records = ( \"cert\" ); };", true},
        {"sources = ( \"pinned\" ); dns = { resolver = \"127.0.0.1@9\"; anchors = ( ); };", true}, /* not used */
        {"sources = ( \"dns\" );", true},                                                          /* not used either */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(faults) struct faults *faults = faults_new();
        g_autofree char *text = g_strdup_printf("local_domains = ( \"acme.test\" );\n%s\n", rows[i].keys);
        g_autofree char *file = folder_file(folder, "domsec.conf", text);
        owned(conf) struct conf *conf = conf_load(file, faults);
        cr_assert_not_null(conf);
        struct certs *certs = certs_open(conf, faults);
        cr_expect_eq(certs != NULL, rows[i].opens, "row %zu", i);
        cr_expect(rows[i].opens || strstr(faults_at(faults, 0), "domsec.conf:2: dns: ") != NULL, "%s",
                  faults_at(faults, 0));
        certs_close(certs);
    }
}
