/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RFC 3183, RFC 8550 and RFC 8551 demand of a gateway and no other test shows: each test names its section. README.md has
 * the whole table.
 */
#include "attack.h"

#define MESSAGE ATTACK_TOP "Content-Type: text/plain\r\n\r\nthe secret line\r\n"
#define SIGN "outbound = { protect = \"sign\"; };"
#define ENCRYPT "outbound = { protect = \"sign+encrypt\"; };"

/* --- RFC 3183 §3.2 to §3.4, §4.2: our own certificates are named by the convention --- */

static const struct {
    const char *identity;       /* of the rig: "dsa" … */
    const char *role;
    const char *const *subject; /* of its new certificate */
    const char *address;
    const char *rule;
    const char *warning; /* NULL: none */
} own_names[] = {
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"), "domain-signing-authority@acme.test", SIGN, NULL},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=Acme mail gateway"), "domain-signing-authority@acme.test", SIGN,
     "common name \"Acme mail gateway\" is not domain-signing-authority"},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=Acme mail gateway"), "domain-signing-authority@acme.test",
     SIGN " naming = \"mailbox\";", NULL},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"), "gateway@acme.test", SIGN,
     "address \"gateway@acme.test\" is not that of a domain-signing-authority"},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"), "domain-signing-authority@notacme.test", SIGN,
     "does not stand for acme.test"},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=Acme mail gateway"), "gateway@acme.test", "outbound = { protect = \"encrypt\"; };",
     NULL},
    {"dca", "domain-confidentiality-authority", PKI_LIST("CN=Acme mail gateway"), "domain-confidentiality-authority@acme.test", ENCRYPT,
     "is not domain-confidentiality-authority"},
    {"dca", "domain-confidentiality-authority", PKI_LIST("CN=Acme mail gateway"), "domain-confidentiality-authority@acme.test", SIGN, NULL},
    {"review", "review-authority", PKI_LIST("CN=Robin"), "robin@acme.test", "outbound = { protect = \"sign\"; review = true; };",
     "is not review-authority"},
    {"review", "review-authority", PKI_LIST("CN=Robin"), "robin@acme.test", SIGN, NULL},
    {"attribute", "attribute-authority", PKI_LIST("CN=Robin"), "robin@acme.test", "outbound = { protect = \"sign\"; attributes = true; };",
     "is not attribute-authority"},
};

Test(conformance, own_certificates_follow_the_naming_convention)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    const struct org *acme = &rig->acme;
    g_autofree char *file = g_build_filename(acme->folder, "domsec.conf", NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(own_names); i++) {
        g_autofree char *san = g_strconcat("email:", own_names[i].address, NULL);
        g_autofree char *pem = g_strconcat(own_names[i].identity, ".pem", NULL);
        g_autofree char *key = g_strconcat(own_names[i].identity, ".key", NULL);
        g_autofree char *rule = g_strconcat("domain = \"partner.test\";\n", own_names[i].rule, "\n", NULL);
        PKI_AUTO struct pki *odd = pki_issue(
            &(struct pki_spec){.issuer = acme->ca, .subject = own_names[i].subject, .san = PKI_LIST(san)});
        PKI_AUTO struct pki *good = pki_role(acme->ca, own_names[i].role, "acme.test");
        owned(faults) struct faults *faults = faults_new();

        g_free(pki_write(acme->folder, pem, odd, NULL));
        g_free(pki_write_key(acme->folder, key, odd));
        g_free(pki_write_text(acme->folder, "policy.d/partner.test.conf", rule));
        owned(conf) struct conf *conf = conf_load(file, faults);
        cr_assert_not_null(conf, "%zu", i);
        struct gateway *gateway = gateway_open(conf, faults);
        cr_expect_not_null(gateway, "%zu: only a warning", i);
        gateway_unref(gateway);
        cr_expect_eq(faults_count(faults), own_names[i].warning != NULL ? 1u : 0u, "%zu: %s", i,
                     faults_count(faults) > 0 ? faults_at(faults, 0) : "no fault");
        if (own_names[i].warning != NULL && faults_count(faults) > 0) {
            cr_expect_not_null(strstr(faults_at(faults, 0), own_names[i].warning), "%zu: %s", i, faults_at(faults, 0));
            cr_expect_not_null(strstr(faults_at(faults, 0), "warning: "), "%zu: %s", i, faults_at(faults, 0));
        }
        g_free(pki_write(acme->folder, pem, good, NULL));
        g_free(pki_write_key(acme->folder, key, good));
    }
}
