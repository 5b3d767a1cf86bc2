/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists that are fetched from a web server, which may lie. */
#include "support/counted.h"
#include "support/fetching.h"

#define LIST "crlDistributionPoints=URI:%s/authority.crl"
#define HARD "check = \"hard\"; ocsp = false;"
#define SOFT "check = \"soft\"; ocsp = false;"
#define LARGEST ((size_t)64 << 20) /* octets that a list may have */
#define VALID "the certification path is valid"

static struct fetching *rig_with(const char *group)
{
    struct fetching *rig = fetching_new(group, PKI_LIST(LIST));
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
    return rig;
}

Test(fetched_lists, once_for_many_messages)
{
    owned(fetching) struct fetching *rig = rig_with(HARD);
    struct finding finding;
    cr_expect(fetching_ask(rig, rig->alice, FETCHING_PATIENCE, &finding));
    cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
    cr_expect_str_eq(finding.reason, VALID);
    counted = (struct counted){0};
    for (int i = 0; i < 10; i++)
        cr_expect_not(fetching_ask(rig, rig->alice, FETCHING_PATIENCE, &finding));
    cr_expect_eq(counted.paths, 0, "it is remembered by what has been fetched: %u", counted.paths);
    cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
    PKI_AUTO struct pki *bob = pki_person(rig->authority, "bob@acme.test");
    cr_expect_not(fetching_ask(rig, bob, FETCHING_PATIENCE, &finding), "the list is about all of them");
    cr_expect_eq(web_count(rig->web, NULL), 2);
    web_pause(rig->web);
    fetching_expect(rig, OUTCOME_PASS, VALID);
}

/* What is not known is no obstacle under "soft", and each message has it fetched until it is known. */
Test(fetched_lists, asked_for_until_they_are_known)
{
    owned(fetching) struct fetching *rig = rig_with(SOFT);
    for (int i = 0; i < 3; i++) {
        owned(missing) struct missing *missing = NULL;
        const struct chain_query query = {
            .leaf = rig->alice->cert, .untrusted = rig->untrusted, .purpose = PURPOSE_SIGN, .missing = &missing};
        setting_expect(rig->setting, &query, OUTCOME_PASS, "but one certificate", "not known");
        cr_expect_not_null(missing, "%d", i);
    }
}

Test(fetched_lists, revoked)
{
    owned(fetching) struct fetching *rig = rig_with(SOFT);
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority, .revoked = {rig->alice}},
                      FETCHING_PEM);
    fetching_expect(rig, OUTCOME_FAIL, "alice@acme.test\" is revoked");
    PKI_AUTO struct pki *bob = pki_person(rig->authority, "bob@acme.test");
    fetching_expect_of(rig, bob, OUTCOME_PASS, VALID);
    fetching_put_list(rig, "/root.crl", &(struct pki_crl_spec){.issuer = rig->root, .revoked = {rig->authority}},
                      FETCHING_DER);
    fetching_open(rig, NULL);
    fetching_expect_of(rig, bob, OUTCOME_FAIL, "Authority\" is revoked");
}

/* Nothing of it makes a certificate good, or waits long. */
Test(fetched_lists, servers_that_lie)
{
    static const char html[] = "<!DOCTYPE html><html><body>Log in first</body></html>";
    static const char many[1 << 16] = {0};
    static const char pem[] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    static const struct {
        struct web_page page;
        const char *says;
    } rows[] = {
        {{.status = 404}, "its CRL's server answers with an error"},
        {{.status = 500}, "its CRL's server answers with an error"},
        {{.body = html, .length = sizeof(html) - 1}, "what its CRL's server sends is no CRL"},
        {{.body = pem, .length = sizeof(pem) - 1}, "what its CRL's server sends is no CRL"},
        {{.length = 0}, "what its CRL's server sends is no CRL"},
        {{.body = html, .length = 8, .manner = WEB_SHORT}, "its CRL cannot be fetched"},
        {{.manner = WEB_CLOSE}, "its CRL cannot be fetched"},
        {{.body = many, .length = sizeof(many), .manner = WEB_ENDLESS}, "its CRL is too large"},
        {{.body = html, .length = 8, .announced = LARGEST, .manner = WEB_SHORT}, "its CRL cannot be fetched"},
        {{.body = html, .length = 8, .announced = LARGEST + 1, .manner = WEB_SHORT}, "its CRL is too large"},
        {{.status = 302, .location = "/authority.crl"}, "its CRL's server answers with an error"},
        {{.status = 302, .location = "http://169.254.169.254/latest"}, "fetch_networks"},
        {{.status = 302, .location = "file:///etc/passwd"}, "fetch_networks"},
    };
    owned(fetching) struct fetching *rig = rig_with(HARD);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct finding finding;
        web_put(rig->web, "/authority.crl", &rows[i].page);
        g_free(rig->group);
        rig->group = g_strdup(SOFT);
        fetching_open(rig, NULL);
        fetching_expect(rig, OUTCOME_PASS, rows[i].says);
        g_free(rig->group);
        rig->group = g_strdup(HARD);
        fetching_open(rig, NULL);
        fetching_expect(rig, OUTCOME_TEMPERROR, rows[i].says);
        unsigned count = web_count(rig->web, NULL);
        fetching_ask(rig, rig->alice, FETCHING_PATIENCE, &finding);
        cr_expect_eq(finding.outcome, OUTCOME_TEMPERROR);
        cr_expect_eq(web_count(rig->web, NULL), count, "%s: the next message tries it again", rows[i].says);
    }
}

/* Whoever waits gives up at the deadline; what comes later serves the next one. */
Test(fetched_lists, slow_server)
{
    owned(fetching) struct fetching *rig = rig_with(HARD);
    struct finding finding;
    web_put(rig->web, "/authority.crl", &(struct web_page){.manner = WEB_HANG});
    cr_expect(fetching_ask(rig, rig->alice, G_USEC_PER_SEC / 5, &finding));
    cr_expect_eq(finding.outcome, OUTCOME_TEMPERROR, "%s", finding.reason);
    cr_expect_not_null(strstr(finding.reason, "cannot be checked for revocation"), "%s", finding.reason);
    setting_free(rig->setting); /* does not wait for the server */
    rig->setting = NULL;
    fetching_open(rig, NULL);
}

Test(fetched_lists, wrong_signers)
{
    owned(fetching) struct fetching *rig = rig_with(HARD);
    PKI_AUTO struct pki *other = pki_sub_ca(rig->root, "Authority");
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = other}, FETCHING_DER);
    fetching_expect(rig, OUTCOME_TEMPERROR, "its CRL is not signed by a key that is known here");
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->root}, FETCHING_DER);
    fetching_open(rig, NULL);
    fetching_expect(rig, OUTCOME_TEMPERROR, "its CRL is not signed by a key that is known here");
    fetching_put_list(rig, "/authority.crl",
                      &(struct pki_crl_spec){.issuer = rig->authority, .next_update = time(NULL) - 3600}, FETCHING_DER);
    fetching_open(rig, NULL);
    fetching_expect(rig, OUTCOME_TEMPERROR, "its CRL is out of date");
    fetching_put_list(rig, "/authority.crl",
                      &(struct pki_crl_spec){.issuer = rig->authority, .this_update = time(NULL) + 3600}, FETCHING_DER);
    fetching_open(rig, NULL);
    fetching_expect(rig, OUTCOME_TEMPERROR, "its CRL is not yet valid");
}

/* A list that has run out, or one of before, takes no revocation back. */
Test(fetched_lists, known_revocation_stays)
{
    owned(fetching) struct fetching *rig = rig_with(SOFT);
    fetching_put_list(
        rig, "/authority.crl",
        &(struct pki_crl_spec){
            .issuer = rig->authority, .revoked = {rig->alice}, .next_update = time(NULL) - 3600, .number = 7},
        FETCHING_DER);
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    web_pause(rig->web);
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
}

Test(fetched_lists, only_for_paths_to_an_anchor)
{
    owned(fetching) struct fetching *rig = rig_with(HARD);
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    g_autofree char *point = g_strdup_printf("crlDistributionPoints=URI:http://127.0.0.1:%u/x", web_port(rig->web));
    PKI_AUTO struct pki *mallory = pki_issue(
        &(struct pki_spec){.issuer = stranger, .subject = PKI_LIST("CN=mallory"), .extensions = PKI_LIST(point)});
    fetching_expect_of(rig, mallory, OUTCOME_POLICY, "");
    cr_expect_eq(web_count(rig->web, NULL), 0);
}

Test(fetched_lists, not_into_the_internal_network)
{
    owned(fetching) struct fetching *rig = rig_with(HARD);
    fetching_open(rig, "");
    fetching_expect(rig, OUTCOME_TEMPERROR, "fetch_networks");
    cr_expect_eq(web_count(rig->web, NULL), 0);
}

Test(fetched_lists, nothing_to_ask)
{
    static const struct {
        const char *extension, *says;
    } rows[] = {
        {"crlDistributionPoints=URI:ldap://127.0.0.1/cn=x", "it names no web server that can be asked"},
        {"crlDistributionPoints=URI:file:///etc/passwd", "it names no web server that can be asked"},
        {"1.2.3.4=DER:0500", "there is no CRL for it"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(fetching) struct fetching *rig = fetching_new(HARD, PKI_LIST(rows[i].extension));
        fetching_expect(rig, OUTCOME_TEMPERROR, rows[i].says);
        cr_expect_eq(web_count(rig->web, NULL), 1, "that of the authority");
    }
}

/* A second address of a point, and several points. */
Test(fetched_lists, alternatives)
{
    owned(fetching) struct fetching *rig =
        fetching_new(HARD, PKI_LIST("crlDistributionPoints=URI:ldap://x/,URI:%s/gone,URI:%s/authority.crl"));
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_eq(web_count(rig->web, "/authority.crl"), 1);
}

static gpointer ask_in_thread(gpointer data)
{
    struct finding finding;
    fetching_ask(data, ((struct fetching *)data)->alice, FETCHING_PATIENCE, &finding);
    return GINT_TO_POINTER(finding.outcome == OUTCOME_PASS);
}

Test(fetched_lists, one_transfer_for_all_who_wait)
{
    GThread *threads[20];
    owned(fetching) struct fetching *rig = rig_with(HARD);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("ask", ask_in_thread, rig);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        cr_expect(g_thread_join(threads[i]) != NULL);
    cr_expect_eq(web_count(rig->web, "/authority.crl"), 1);
    cr_expect_eq(web_count(rig->web, "/root.crl"), 1);
}

/* What was fetched once is known after a restart, with all servers down. */
Test(fetched_lists, kept_in_the_store)
{
    g_autofree char *folder = folder_new();
    g_autofree char *keys =
        g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); store = \"sqlite:%s/store.db\";", folder);
    owned(fetching) struct fetching *rig = rig_with(HARD);
    PKI_AUTO struct pki *bob = pki_person(rig->authority, "bob@acme.test");
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority, .revoked = {bob}},
                      FETCHING_PEM);
    fetching_open(rig, keys);
    fetching_expect(rig, OUTCOME_PASS, VALID);
    unsigned count = web_count(rig->web, NULL);
    web_pause(rig->web);
    fetching_open(rig, keys);
    fetching_expect(rig, OUTCOME_PASS, VALID);
    fetching_expect_of(rig, bob, OUTCOME_FAIL, "is revoked");
    cr_expect_eq(web_count(rig->web, NULL), count);
    folder_write(folder, "store.db", "no database at all, and long enough to be read as one");
    fetching_open(rig, keys);
    fetching_expect(rig, OUTCOME_TEMPERROR, "cannot be fetched");
    folder_remove(steal(&folder));
}

/* An older list, from wherever it comes, does not take the place of a newer one. */
Test(fetched_lists, newest_of_an_issuer)
{
    owned(fetching) struct fetching *rig = fetching_new(HARD, PKI_LIST("crlDistributionPoints=URI:%s/new"));
    g_autofree char *old = web_url(rig->web, "/old");
    g_autofree char *point = g_strconcat("crlDistributionPoints=URI:", old, NULL);
    PKI_AUTO struct pki *bob = pki_issue(&(struct pki_spec){.issuer = rig->authority,
                                                            .subject = PKI_LIST("CN=bob"),
                                                            .san = PKI_LIST("email:bob@acme.test"),
                                                            .extensions = PKI_LIST(point)});
    fetching_put_list(rig, "/new",
                      &(struct pki_crl_spec){.issuer = rig->authority, .number = 8, .next_update = time(NULL) - 60},
                      FETCHING_DER);
    fetching_put_list(rig, "/old", &(struct pki_crl_spec){.issuer = rig->authority, .number = 7}, FETCHING_DER);
    fetching_expect(rig, OUTCOME_TEMPERROR, "out of date");
    fetching_expect_of(rig, bob, OUTCOME_TEMPERROR, "an older one than before");
}

/* A delta list revokes at once; one that has run out, or belongs to another base, says nothing. */
Test(fetched_lists, deltas)
{
    static const struct {
        const char *base;
        long number, until;
        enum outcome expected;
    } rows[] = {
        {"deltaCRL=critical,DER:020101", 2, 3600, OUTCOME_FAIL},
        {"deltaCRL=critical,DER:020101", 2, -60, OUTCOME_PASS},
        {"deltaCRL=critical,DER:020109", 10, 3600, OUTCOME_PASS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(fetching) struct fetching *rig = fetching_new(HARD, PKI_LIST(LIST, "freshestCRL=URI:%s/delta"));
        fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority, .number = 1},
                          FETCHING_DER);
        fetching_put_list(rig, "/delta",
                          &(struct pki_crl_spec){.issuer = rig->authority,
                                                 .revoked = {rig->alice},
                                                 .number = rows[i].number,
                                                 .this_update = time(NULL) - 7200,
                                                 .next_update = time(NULL) + rows[i].until,
                                                 .extensions = PKI_LIST(rows[i].base)},
                          FETCHING_DER);
        fetching_expect(rig, rows[i].expected, "");
        cr_expect_eq(web_count(rig->web, "/delta"), 1, "row %zu", i);
    }
}

/* No message pays for the length of a list. */
Test(fetched_lists, long_list)
{
    owned(fetching) struct fetching *rig = rig_with(HARD);
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = rig->authority});
    for (int i = 0; i < 10000; i++) {
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        ASN1_INTEGER_set_int64(serial, 0x7000000000000000 + i);
        cr_assert(X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
                  X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)X509_CRL_get0_lastUpdate(crl)) == 1 &&
                  X509_CRL_add0_revoked(crl, entry) == 1);
        ASN1_INTEGER_free(serial);
    }
    cr_assert(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, rig->authority->key, EVP_sha256()) > 0);
    fetching_put(rig, "/authority.crl", crl);
    counted = (struct counted){0};
    for (int i = 0; i < 10; i++) {
        PKI_AUTO struct pki *bob = pki_person(rig->authority, "bob@acme.test");
        fetching_expect(rig, OUTCOME_PASS, VALID);
        fetching_expect_of(rig, bob, OUTCOME_PASS, VALID);
    }
    cr_expect_eq(web_count(rig->web, NULL), 2);
    cr_expect_eq(counted.lists, 2, "each list is verified once, not %u in all", counted.lists);
}

/* Two authorities of one name, and nothing in a list that tells which of them has signed it. */
Test(fetched_lists, namesakes)
{
    owned(fetching) struct fetching *rig = fetching_new(HARD, PKI_LIST(LIST));
    g_autofree char *at = web_url(rig->web, "/other.crl");
    g_autofree char *point = g_strconcat("crlDistributionPoints=URI:", at, NULL);
    g_autofree char *root_at = web_url(rig->web, "/root.crl");
    g_autofree char *root_point = g_strconcat("crlDistributionPoints=URI:", root_at, NULL);
    const struct pki_spec same = {.issuer = rig->root,
                                  .ca = true,
                                  .subject = PKI_LIST("CN=Namesake"),
                                  .extensions = PKI_LIST(root_point),
                                  .no_key_ids = true};
    PKI_AUTO struct pki *one = pki_issue(&same), *other = pki_issue(&same);
    const char *const extensions[] = {point, NULL}, *const missing[] = {"crlDistributionPoints=URI:http://127.0.0.1:1/",
                                                                        NULL};
    struct pki_spec leaf = {
        .issuer = other, .subject = PKI_LIST("CN=leaf"), .extensions = extensions, .no_key_ids = true};
    PKI_AUTO struct pki *known = pki_issue(&leaf);
    leaf.issuer = one;
    leaf.extensions = missing;
    PKI_AUTO struct pki *unknown = pki_issue(&leaf);
    owned(X509_CRL) X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = other, .revoked = {rig->alice}});
    X509_EXTENSION *identifier =
        X509_CRL_delete_ext(crl, X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1));
    X509_EXTENSION_free(identifier);
    cr_assert_gt(X509_CRL_sign(crl, other->key, EVP_sha256()), 0);
    fetching_put(rig, "/other.crl", crl);
    X509_add_cert(rig->untrusted, other->cert, X509_ADD_FLAG_UP_REF);
    fetching_expect_of(rig, known, OUTCOME_PASS, VALID);
    X509_free(sk_X509_pop(rig->untrusted));
    X509_add_cert(rig->untrusted, one->cert, X509_ADD_FLAG_UP_REF);
    fetching_expect_of(rig, unknown, OUTCOME_TEMPERROR, "cannot be checked for revocation");
}

/* The wait is one for all addresses, however many of them say nothing. */
Test(fetched_lists, one_deadline)
{
    owned(fetching) struct fetching *rig = fetching_new(
        HARD, PKI_LIST("crlDistributionPoints=URI:%s/1,URI:%s/2,URI:%s/3", "freshestCRL=URI:%s/4,URI:%s/5"));
    static const char *const paths[] = {"/1", "/2", "/3", "/4", "/5"};
    struct finding finding;
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        web_put(rig->web, paths[i], &(struct web_page){.manner = WEB_HANG});
    cr_expect(fetching_ask(rig, rig->alice, G_USEC_PER_SEC / 2, &finding));
    cr_expect_eq(finding.outcome, OUTCOME_TEMPERROR, "%s", finding.reason);
    cr_expect_eq(web_count(rig->web, "/1"), 1);
    for (size_t i = 1; i < G_N_ELEMENTS(paths); i++)
        cr_expect_eq(web_count(rig->web, paths[i]), 0, "the message waited until %s was asked", paths[i]);
}

/* RFC 5280 §5.2.4: what has changed since a list is no list. */
Test(fetched_lists, delta_in_place_of_a_list)
{
    owned(fetching) struct fetching *rig = rig_with(HARD);
    struct pki_crl_spec delta = {
        .issuer = rig->authority, .number = 2, .extensions = PKI_LIST("deltaCRL=critical,DER:020101")};
    fetching_put_list(rig, "/authority.crl", &delta, FETCHING_DER);
    fetching_expect(rig, OUTCOME_TEMPERROR, "cannot be checked for revocation");
}

/* An authority may split its list; of each part the newest counts, and none stands for another. */
Test(fetched_lists, parts_of_a_list)
{
    owned(fetching) struct fetching *rig = fetching_new(HARD, PKI_LIST("crlDistributionPoints=URI:%s/a"));
    g_autofree char *a = web_url(rig->web, "/a"), *b = web_url(rig->web, "/b");
    g_autofree char *in_b = g_strconcat("crlDistributionPoints=URI:", b, NULL);
    g_autofree char *part_a = g_strdup_printf("issuingDistributionPoint=critical,fullname:URI:%s", a);
    g_autofree char *part_b = g_strdup_printf("issuingDistributionPoint=critical,fullname:URI:%s", b);
    PKI_AUTO struct pki *bob = pki_issue(&(struct pki_spec){.issuer = rig->authority,
                                                            .subject = PKI_LIST("CN=bob"),
                                                            .san = PKI_LIST("email:bob@acme.test"),
                                                            .extensions = PKI_LIST(in_b)});
    struct pki_crl_spec of_a = {.issuer = rig->authority, .number = 8, .extensions = PKI_LIST(part_a)},
                        of_b = {.issuer = rig->authority,
                                .number = 3,
                                .revoked = {bob, rig->alice},
                                .extensions = PKI_LIST(part_b)};
    fetching_put_list(rig, "/a", &of_a, FETCHING_DER);
    fetching_put_list(rig, "/b", &of_a, FETCHING_DER);
    fetching_expect_of(rig, bob, OUTCOME_TEMPERROR, "cannot be checked for revocation");
    fetching_put_list(rig, "/b", &of_b, FETCHING_DER);
    fetching_open(rig, NULL);
    fetching_expect_of(rig, bob, OUTCOME_FAIL, "is revoked");
    fetching_expect(rig, OUTCOME_PASS, VALID);
}
