/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a certificate of ours is known to be revoked: by whom that is said, how long it stands, and that what is not
 * known is fetched without waiting for it. */
#include "support/fetching.h"
#include "support/scripted_revocation.h"

#include "trust/courier.h"

#define MINUTE 60
#define WANTED "trust_anchors = ( \"root.pem\" ); revocation = { check = \"hard\"; crls = ( \"crls\" ); };"
#define SOFT "trust_anchors = ( \"root.pem\" ); revocation = { check = \"soft\"; crls = ( \"crls\" ); };"
#define OFF "trust_anchors = ( \"root.pem\" ); revocation = { check = \"off\"; };"

/* With scripted sources, of which the first is counted. */
static struct setting *open_with(const char *main_keys, const struct pki *root)
{
    struct setting *setting = setting_new(main_keys, "");
    g_autofree char *crls = g_build_filename(setting->folder, "crls", NULL);
    cr_assert_eq(g_mkdir(crls, 0700), 0);
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    setting_open(setting);
    scripted_revocation_replace(&setting->trust, setting->conf);
    return setting;
}

#define GOOD REVOCATION_GOOD
#define REVOKED REVOCATION_REVOKED
#define UNKNOWN REVOCATION_UNKNOWN

Test(own, is_revoked_if_something_says_so)
{
    static const struct {
        const char *main_keys;
        enum revocation_status leaf, authority;
        bool revoked;
        unsigned asks; /* each question is put twice */
    } rows[] = {
        {WANTED, GOOD, GOOD, false, 1},    {WANTED, REVOKED, GOOD, true, 1},     {WANTED, GOOD, REVOKED, true, 1},
        {WANTED, UNKNOWN, GOOD, false, 1}, {WANTED, UNKNOWN, UNKNOWN, false, 1}, {SOFT, REVOKED, UNKNOWN, true, 1},
        {OFF, REVOKED, REVOKED, false, 0},
    };
    /* A certificate that is too weak for partners may be revoked, too. */
    static const struct pki_spec specs[] = {{.eku = NULL}, {.key = PKI_RSA_1024}, {.eku = "serverAuth"}};
    PKI_AUTO struct pki *root = pki_ca("Root"), *authority = pki_sub_ca(root, "Authority");
    owned(x509_lent) STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, authority->cert);
    for (size_t i = 0; i < G_N_ELEMENTS(rows) * G_N_ELEMENTS(specs); i++) {
        size_t row = i / G_N_ELEMENTS(specs);
        struct pki_spec spec = specs[i % G_N_ELEMENTS(specs)];
        spec.issuer = authority;
        spec.subject = PKI_LIST("CN=leaf");
        PKI_AUTO struct pki *leaf = pki_issue(&spec);
        AUTO_SETTING setting = open_with(rows[row].main_keys, root);
        scripted_revocation[0] = (struct scripted_revocation){
            .rows = {{"CN=leaf", rows[row].leaf, NULL, 0}, {"CN=Authority", rows[row].authority, NULL, 0}}};
        for (int again = 0; again < 2; again++)
            cr_expect_eq(
                trust_is_revoked(setting->trust, conf_partner(setting->conf, ""), leaf->cert, chain, time(NULL)),
                rows[row].revoked, "row %zu, %zu", row, i % G_N_ELEMENTS(specs));
        cr_expect_eq(scripted_revocation[0].asks, rows[row].asks, "row %zu: %u", row, scripted_revocation[0].asks);
    }
}

/* What came out stands for a minute, for this certificate and partner. */
Test(own, is_asked_about_once_a_minute)
{
    time_t now = time(NULL);
    static const struct {
        int second;
        bool revoked; /* by now */
        bool expected;
    } rows[] = {{0, false, false},
                {MINUTE - 1, true, false},
                {MINUTE, true, true},
                {2 * MINUTE - 1, false, true},
                {-1, false, false}};
    PKI_AUTO struct pki *root = pki_ca("Root"), *leaf = pki_person(root, "leaf@acme.test"),
                        *other = pki_person(root, "other@acme.test");
    AUTO_SETTING setting = open_with(WANTED, root);
    const struct partner *general = conf_partner(setting->conf, "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        scripted_revocation[0] =
            (struct scripted_revocation){.rows = {{"CN=leaf", rows[i].revoked ? REVOKED : GOOD, NULL, 0}}};
        cr_expect_eq(trust_is_revoked(setting->trust, general, leaf->cert, NULL, now + rows[i].second),
                     rows[i].expected, "row %zu", i);
    }
    scripted_revocation[0] = (struct scripted_revocation){.rows = {{"", REVOKED, NULL, 0}}};
    cr_expect_not(trust_is_revoked(setting->trust, general, leaf->cert, NULL, now - 1));
    cr_expect(trust_is_revoked(setting->trust, general, other->cert, NULL, now - 1));
    cr_expect(trust_is_revoked(setting->trust, setting->partner, leaf->cert, NULL, now - 1));
}

/* The next question has what was fetched for the first, also within the minute. */
Test(own, is_fetched_in_the_background)
{
    owned(fetching) struct fetching *rig =
        fetching_new("check = \"hard\"; ocsp = false;", PKI_LIST("crlDistributionPoints=URI:%s/authority.crl"));
    const struct trust *trust = rig->setting->trust;
    const struct partner *general = conf_partner(rig->setting->conf, "");
    time_t now = time(NULL);
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority, .revoked = {rig->alice}},
                      FETCHING_DER);
    cr_expect_not(trust_is_revoked(trust, general, rig->alice->cert, rig->untrusted, now));
    courier_settle(trust->courier);
    cr_expect_eq(web_count(rig->web, "/authority.crl"), 1);
    cr_expect(trust_is_revoked(trust, general, rig->alice->cert, rig->untrusted, now));
}
