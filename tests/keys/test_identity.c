/* SPDX-License-Identifier: Apache-2.0 */
#include "support/home.h"

#include <criterion/criterion.h>

#define DAY 86400

Test(identity, reports_each_bad_identity_at_its_line)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *a = pki_role(ca, "domain-signing-authority", "acme.test");
    PKI_AUTO struct pki *b = pki_role(ca, "domain-signing-authority", "acme.test");
    PKI_AUTO struct pki *weak = pki_role_with(ca, "domain-signing-authority", "acme.test", PKI_RSA_1024);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", a, b);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", weak, weak);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", a, a);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", a, a);
    g_remove(home->identities[2].certificate);
    g_remove(home->identities[3].key + strlen("file:"));
    cr_expect_null(keys_open(&home->conf, NULL, home->faults));
    cr_expect_eq(faults_errors(home->faults), 4);
    cr_expect(home_has_fault(home, ":10: "));
    cr_expect(home_has_fault(home, "is not the key of"));
    cr_expect(home_has_fault(home, "below 2048 bits"));
    cr_expect(home_has_fault(home, ":12: "));
    cr_expect(home_has_fault(home, ":13: "));
    home_free(home);
}

Test(identity, warns_of_old_certificates)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *old = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=old"), .not_before = now - 20 * DAY, .not_after = now - 10 * DAY});
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", old, old);
    owned(keys) struct keys *keys = keys_open(&home->conf, NULL, home->faults);
    cr_assert_not_null(keys);
    cr_expect_eq(faults_errors(home->faults), 0);
    cr_expect_eq(faults_count(home->faults), 1);
    cr_expect(home_has_fault(home, "has expired"));
    home_free(home);
}
