/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/token_uri.h"

#include "support/scratch.h"

TestSuite(token_uri, .init = scratch_setup, .fini = scratch_teardown);

static const struct {
    const char *uri, *fault; /* NULL: it is valid */
} cases[] = {
    {"pkcs11:token=T;object=dsa", NULL},
    {"PKCS11:token=T;id=%01%02;type=private?module-path=/usr/lib/x.so", NULL},
    {"pkcs11:serial=1234;model=X;manufacturer=Y%20Z?module-name=softhsm2", NULL},
    {"pkcs11:token=T?pin-source=file:/etc/domsec/pin", NULL},
    {"pkcs11:token=T?pin-source=/run/credentials/domsec-milter.service/pin", NULL},
    {"pkcs11:token=T?module-path=/x.so&x-init-reserved=configdir%3Dx", NULL},
    {"pkcs11:token=T?pin-value=1234", "pin-value"},
    {"pkcs11:token=T;object=x?module-path=/x.so&pin-value=1234", "pin-value"},
    {"pkcs11:token=T?pin-source=pin", "pin-source"},
    {"pkcs11:token=T?pin-source=%7Ccat%20/etc/1234", "pin-source"},
    {"pkcs11:token=T?pin-source=file:1234", "pin-source"},
    {"pkcs11:token=T?module-path=x.so", "module-path"},
    {"pkcs11:token=T;objekt=1234", "unknown"},
    {"pkcs11:token=%zz", "not a valid URI"},
    {"pkcs11:token", "not a valid URI"},
};

Test(token_uri, only_what_is_safe_to_show_is_valid)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct error error = {0};
        owned(token_uri) P11KitUri *uri = token_uri_parse(cases[i].uri, &error);
        cr_assert_eq(uri != NULL, cases[i].fault == NULL, "%s: %s", cases[i].uri, error.text);
        if (uri != NULL)
            continue;
        cr_assert_not_null(strstr(error.text, cases[i].fault), "%s: %s", cases[i].uri, error.text);
        cr_assert_null(strstr(error.text, "1234"), "%s", error.text);
    }
}

Test(token_uri, pin_file)
{
    static const char *const sources[][2] = {{"file:/etc/pin", "/etc/pin"},
                                             {"file:///etc/pin", "/etc/pin"},
                                             {"/etc/pin", "/etc/pin"},
                                             {"file:/etc/a%2520b", "/etc/a b"},
                                             {"/etc/a%20b", "/etc/a b"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        struct error error = {0};
        g_autofree char *text = g_strconcat("pkcs11:token=T?pin-source=", sources[i][0], NULL);
        owned(token_uri) P11KitUri *uri = token_uri_parse(text, &error);
        cr_assert_not_null(uri, "%s: %s", text, error.text);
        g_autofree char *file = token_uri_pin_file(uri);
        cr_assert_str_eq(file, sources[i][1]);
    }
}

/* The fault of a configuration does not show the PIN, and a valid URI is kept as it is. */
Test(token_uri, configuration)
{
    static const char form[] = "local_domains = ( \"acme.test\" );\nidentities = ( { domain = \"acme.test\"; "
                               "role = \"domain-signing-authority\"; certificate = \"x.pem\"; key = \"%s\"; } );\n";
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(form, cases[i].uri);
        owned(faults) struct faults *faults = faults_new();
        scratch_write("domsec.conf", text);
        owned(conf) struct conf *conf = scratch_load(faults);
        g_autofree char *shown = scratch_faults(faults);
        cr_assert_eq(conf != NULL, cases[i].fault == NULL, "%s: %s", cases[i].uri, shown);
        if (conf != NULL)
            cr_assert_str_eq(conf->identities[0].key, cases[i].uri);
        if (conf != NULL && strstr(cases[i].uri, "file:/etc/domsec/pin") != NULL)
            cr_assert_str_eq(conf->identities[0].passphrase_file, "/etc/domsec/pin");
        cr_assert_null(strstr(shown, "1234"), "%s", shown);
    }
}

Test(token_uri, key_environment)
{
    static const struct {
        const char *variable;
        bool is_valid;
    } variables[] = {{"SOFTHSM2_CONF=/etc/x", true},
                     {"A_1=", true},
                     {"A=b=c", true},
                     {"A", false},
                     {"=x", false},
                     {"1A=x", false},
                     {"A B=x", false},
                     {"", false},
                     {"LD_PRELOAD=/x.so", false},
                     {"LD_AUDIT=x", false},
                     {"LDAP_CONF=x", true}};
    for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
        g_autofree char *text = g_strdup_printf("local_domains = ( \"acme.test\" );\nkey_environment = ( \"%s\" );\n",
                                                variables[i].variable);
        owned(faults) struct faults *faults = faults_new();
        scratch_write("domsec.conf", text);
        owned(conf) struct conf *conf = scratch_load(faults);
        cr_assert_eq(conf != NULL, variables[i].is_valid, "%s", variables[i].variable);
        if (conf != NULL)
            cr_assert_str_eq(conf->key_environment[0], variables[i].variable);
    }
}
