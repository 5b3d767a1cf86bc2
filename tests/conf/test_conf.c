/* SPDX-License-Identifier: Apache-2.0 */
/* What a good configuration becomes. */
#include "support/scratch.h"

#include "base/log.h"

#include <unistd.h>

TestSuite(conf, .init = scratch_setup, .fini = scratch_teardown);

#define MINIMAL "local_domains = ( \"acme.test\" );\n"

static void expect_path(const char *path, const char *name)
{
    g_autofree char *expected = scratch_path(name);
    cr_expect_str_eq(path, expected);
}

Test(conf, defaults)
{
    scratch_write("domsec.conf", MINIMAL);
    owned(conf) struct conf *conf = scratch_load_good();
    expect_path(conf->file, "domsec.conf");
    cr_expect_str_eq(conf->folder, scratch);
    cr_expect_str_eq(conf->listen, "inet:8891@127.0.0.1");
    cr_expect_null(conf->trusted_networks[0]);
    cr_expect_null(conf->pass_daemons[0]);
    cr_expect_not_null(conf->authserv_id);
    cr_expect_null(conf->policy_dir);
    cr_expect_null(conf->trust_anchors[0]);
    cr_expect_null(conf->revocation.crls[0]);
    cr_expect_null(conf->certificate_dir);
    cr_expect_eq(conf->identity_count, 0);
    cr_expect_eq(conf->limits.message_size, 52428800);
    cr_expect_eq(conf->limits.memory, 1048576);
    cr_expect_eq(access(conf->limits.spool_dir, W_OK), 0);
    cr_expect_eq(conf->limits.header_size, 262144);
    cr_expect_eq(conf->limits.header_count, 1000);
    cr_expect_eq(conf->limits.nesting, 20);
    cr_expect_eq(conf->limits.parts, 1000);
    cr_expect_eq(conf->limits.layers, 10);
    cr_expect_eq(conf->limits.recipients, 1000);
    cr_expect_eq(conf->limits.signers, 20);
    cr_expect_eq(conf->limits.certificates, 100);
    cr_expect_eq(conf->limits.names, 500);
    cr_expect_eq(conf->mixed_recipients, MIXED_REJECT);
    cr_expect_eq(conf->max_crypto, g_get_num_processors());
    cr_expect_eq(conf->timeout, 7210);
    cr_expect_null(conf->user);
    cr_expect_null(conf->pid_file);
    cr_expect_null(conf->metrics_file);
    cr_expect_eq(conf->log_level, LOG_LEVEL_INFO);
}

Test(conf, built_in_rule)
{
    scratch_write("domsec.conf", MINIMAL);
    owned(conf) struct conf *conf = scratch_load_good();
    cr_assert_eq(conf->partner_count, 1);
    const struct rule *rule = &conf->partners[0]->base;
    cr_expect_str_eq(rule->partner->name, "built-in");
    cr_expect_null(rule->partner->domain);
    cr_expect_eq(rule->outbound.protect, PROTECT_NONE);
    cr_expect_eq(rule->outbound.no_certificate, NO_CERTIFICATE_REJECT);
    cr_expect_eq(rule->outbound.unauthentic, UNAUTHENTIC_REJECT);
    cr_expect_eq(rule->inbound.require, REQUIRE_NONE);
    cr_expect_eq(rule->inbound.otherwise, OTHERWISE_REJECT);
    cr_expect_eq(rule->inbound.undecryptable, UNDECRYPTABLE_DELIVER);
    cr_expect_null(rule->partner->certificates[0]);
    cr_expect_null(rule->partner->anchors[0]);
    cr_expect_eq(rule->partner->naming, NAMING_RFC3183);
    cr_expect(rule->partner->form.null_signature);
    cr_expect_eq(rule->partner->form.format, FORMAT_CLEAR);
    cr_expect_eq(rule->partner->form.signature, SIGNATURE_RSA_PSS);
    cr_expect_eq(rule->partner->form.digest, DIGEST_SHA256);
    cr_expect_eq(rule->partner->form.cipher, CIPHER_AES_256_GCM);
    cr_expect_eq(rule->partner->form.key_transport, KEY_TRANSPORT_RSA_OAEP);
    cr_expect_eq(rule->outbound.unreadable, UNREADABLE_PASS);
    cr_expect_not(rule->outbound.review || rule->outbound.attributes || rule->outbound.encrypt_to_self);
    cr_expect_null(rule->outbound.require_review[0]);
    cr_expect_eq(rule->inbound.signed_by, SIGNED_BY_ANY);
    cr_expect_not(rule->inbound.require_authenticated_encryption);
    cr_expect_eq(rule->inbound.malleable, MALLEABLE_ACCEPT);
    cr_expect_null(rule->inbound.accept_labels[0]);
    cr_expect_eq(rule->inbound.max_classification, CLASSIFICATION_NONE);
    cr_expect_null(rule->inbound.subject_verified);
    cr_expect_eq(rule->partner->label_count, 0);
}

static const char everything[] =
    "listen = \"inet:localhost:8899\";\n"
    "local_domains = [ \"Acme.Test\", \".B\xc3\xbc"
    "cher.test\" ];\n"
    "trusted_networks = ( \"127.0.0.0/8\", \"::1\" );\n"
    "authserv_id = \"gw.acme.test\";\n"
    "policy_dir = \"p\";\n"
    "trust_anchors = \"anchors/a.pem\";\n"
    "crls = ( \"/etc/crls\", \"crls/../c.pem\" );\n"
    "certificate_directory = \"certs.d\";\n"
    "identities = (\n"
    "  { domain = \"ACME.test\"; role = \"domain-signing-authority\"; certificate = \"k/dsa.pem\"; key = "
    "\"file:k/dsa.key\"; },\n"
    "  { domain = \"acme.test\"; role = \"domain-confidentiality-authority\"; certificate = \"k/dca.pem\";\n"
    "    key = \"pkcs11:token=x;object=y\"; },\n"
    "  { domain = \"acme.test\"; role = \"review-authority\"; certificate = \"/r.pem\"; key = \"file:///r.key\"; },\n"
    "  { domain = \"acme.test\"; role = \"attribute-authority\"; certificate = \"/a.pem\"; key = \"file:/a.key\"; } "
    ");\n"
    "user = \"nobody\"; pid_file = \"/run/x.pid\"; metrics_file = \"m.prom\"; log_level = \"debug\";\n"
    "pass_daemons = ( \"reinject\", \"filtered\" ); mixed_recipients = \"tempfail\"; crashing_messages = "
    "\"quarantine\"; state_directory = \".\"; crypto_threads = 3; "
    "milter_timeout = 60;\n"
    "spool_directory = \".\"; memory_limit = 0; message_size_limit = 1000000000L; header_size_limit = 0x10000;\n"
    "header_count_limit = 1; mime_nesting_limit = 2; mime_parts_limit = 3; layers_limit = 4; recipients_limit = 5;\n"
    "signers_limit = 6; certificates_limit = 7; names_limit = 8;\n"
    "sources = ( \"dns\", \"pinned\" ); dns = { }; lookup_timeout = 9;\n";

Test(conf, every_key)
{
    scratch_write("domsec.conf", everything);
    scratch_write("p/ignored.conf~", "protct = 1;");
    scratch_write("p/.#x.conf", "protct = 1;");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_str_eq(conf->listen, "inet:8899@localhost");
    cr_expect_str_eq(conf->local_domains[0], "acme.test");
    cr_expect_str_eq(conf->local_domains[1], ".xn--bcher-kva.test");
    cr_expect_null(conf->local_domains[2]);
    cr_expect_str_eq(conf->authserv_id, "gw.acme.test");
    expect_path(conf->policy_dir, "p");
    expect_path(conf->trust_anchors[0], "anchors/a.pem");
    cr_expect_eq(conf->trust_anchors_line, 6);
    cr_expect_eq(conf->revocation.crls_line, 7);
    cr_expect_eq(conf->certificate_dir_line, 8);
    cr_expect_eq(conf->user_line, 15);
    cr_expect_str_eq(conf->revocation.crls[0], "/etc/crls");
    expect_path(conf->revocation.crls[1], "c.pem");
    expect_path(conf->certificate_dir, "certs.d");
    cr_expect_str_eq(conf->user, "nobody");
    cr_expect_str_eq(conf->pid_file, "/run/x.pid");
    expect_path(conf->metrics_file, "m.prom");
    cr_expect_eq(conf->log_level, LOG_LEVEL_DEBUG);
    cr_expect_str_eq(conf->pass_daemons[1], "filtered");
    cr_expect_null(conf->pass_daemons[2]);
    cr_expect_eq(conf->mixed_recipients, MIXED_TEMPFAIL);
    cr_expect_eq(conf->crashing_messages, CRASHING_QUARANTINE);
    cr_expect_str_eq(conf->state_dir, scratch);
    cr_expect_eq(conf->state_dir_line, 16);
    cr_expect_eq(conf->max_crypto, 3);
    cr_expect_eq(conf->timeout, 60);
    cr_expect_str_eq(conf->limits.spool_dir, scratch);
    cr_expect_eq(conf->limits.memory, 0);
    cr_expect_eq(conf->limits.message_size, 1000000000);
    cr_expect_eq(conf->limits.header_size, 0x10000);
    cr_expect_eq(conf->limits.header_count, 1);
    cr_expect_eq(conf->limits.nesting, 2);
    cr_expect_eq(conf->limits.parts, 3);
    cr_expect_eq(conf->limits.layers, 4);
    cr_expect_eq(conf->limits.recipients, 5);
    cr_expect_eq(conf->limits.signers, 6);
    cr_expect_eq(conf->limits.certificates, 7);
    cr_expect_eq(conf->limits.names, 8);
    g_autofree char *sources = g_strjoinv(" ", conf->sources);
    cr_expect_str_eq(sources, "dns pinned");
    cr_expect_eq(conf->lookup_timeout, 9);
}

Test(conf, sources_have_an_order_of_their_own)
{
    scratch_write("domsec.conf", MINIMAL);
    owned(conf) struct conf *conf = scratch_load_good();
    g_autofree char *sources = g_strjoinv(" ", conf->sources);
    cr_expect_str_eq(sources, "pinned directory store ldap dns harvest");
    cr_expect_eq(conf->lookup_timeout, 10);
}

Test(conf, identities)
{
    scratch_write("domsec.conf", everything);
    scratch_write("p/default.conf", "");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_assert_eq(conf->identity_count, 4);
    g_autofree char *key = g_strdup_printf("file:%s/k/dsa.key", scratch);
    cr_expect_str_eq(conf->identities[0].key, key);
    cr_expect_str_eq(conf->identities[1].key, "pkcs11:token=x;object=y");
    cr_expect_str_eq(conf->identities[2].key, "file:/r.key");
    cr_expect_str_eq(conf->identities[3].key, "file:/a.key");
    expect_path(conf->identities[1].certificate, "k/dca.pem");
    cr_expect_eq(conf->identities[0].line, 10);
    cr_expect_eq(conf->identities[1].line, 11);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(conf->identities[i].role, (enum role)i);
        cr_expect_str_eq(conf->identities[i].domain, "acme.test");
    }
    cr_expect_str_eq(role_name(conf->identities[0].role), "domain-signing-authority");
}

Test(conf, rules_most_specific_first)
{
    scratch_write("domsec.conf", MINIMAL "policy_dir = \"p\";");
    scratch_write("p/a.conf", "domain = \"test\";");
    scratch_write("p/b.conf",
                  "domain = \"Mail.Partner.Test\"; outbound = { protect = \"triple\"; unauthentic = \"unsigned\";\n"
                  "  no_certificate = \"tempfail\"; }; inbound = { require = \"encrypt\"; otherwise = \"tag\";\n"
                  "  undecryptable = \"tempfail\"; malleable = \"refuse\"; }; certificates = ( \"c/x.pem\" ); anchors "
                  "= ( \"a.pem\" );\n"
                  "naming = \"pinned\"; x500_name = ( \"C=US\", \"O=Partner\" ); null_signature = false; format = "
                  "\"opaque\"; signature = \"rsa-pkcs1\";\n"
                  "digest = \"sha512\"; cipher = \"aes-128-cbc\"; key_transport = \"rsa-pkcs1\";\n"
                  "label_header = \"Sensitivity\"; labels = ( { value = \"x\"; policy = \"1.2.3\";\n"
                  "classification = \"top-secret\"; mark = \"M\"; }, { policy = \"2.5.4\"; equivalent = true; } );");
    scratch_write("p/c.conf", "domain = \"partner.test\";");
    scratch_write("p/default.conf", "outbound: { protect: \"sign\" }");
    scratch_write("p/z.conf", "domain = \"other.test\";\r\noutbound = { protect = \"sign\"; };\r\n");
    owned(conf) struct conf *conf = scratch_load_good();
    static const char *const names[] = {"b.conf", "z.conf", "c.conf", "a.conf", "default.conf"};
    cr_assert_eq(conf->partner_count, G_N_ELEMENTS(names));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        cr_expect_str_eq(conf->partners[i]->name, names[i]);
    const struct rule *rule = &conf->partners[0]->base;
    expect_path(rule->partner->file, "p/b.conf");
    cr_expect_str_eq(rule->partner->domain, "mail.partner.test");
    cr_expect_eq(rule->outbound.protect, PROTECT_TRIPLE);
    cr_expect_eq(rule->outbound.no_certificate, NO_CERTIFICATE_TEMPFAIL);
    cr_expect_eq(rule->outbound.unauthentic, UNAUTHENTIC_UNSIGNED);
    cr_expect_eq(rule->inbound.require, REQUIRE_ENCRYPT);
    cr_expect_eq(rule->inbound.otherwise, OTHERWISE_TAG);
    cr_expect_eq(rule->inbound.undecryptable, UNDECRYPTABLE_TEMPFAIL);
    cr_expect_eq(rule->inbound.malleable, MALLEABLE_REFUSE);
    expect_path(rule->partner->certificates[0], "c/x.pem");
    cr_expect_eq(rule->partner->certificates_line, 3);
    cr_expect_eq(rule->partner->anchors_line, 3);
    cr_expect_eq(conf->partners[1]->certificates_line, 0);
    expect_path(rule->partner->anchors[0], "a.pem");
    cr_expect_eq(rule->partner->naming, NAMING_PINNED);
    cr_expect_str_eq(rule->partner->x500_name[0], "C=US");
    cr_expect_str_eq(rule->partner->x500_name[1], "O=Partner");
    cr_expect_null(rule->partner->x500_name[2]);
    cr_expect_not(rule->partner->form.null_signature);
    cr_expect_eq(rule->partner->form.format, FORMAT_OPAQUE);
    cr_expect_eq(rule->partner->form.signature, SIGNATURE_RSA_PKCS1);
    cr_expect_eq(rule->partner->form.digest, DIGEST_SHA512);
    cr_expect_eq(rule->partner->form.cipher, CIPHER_AES_128_CBC);
    cr_expect_eq(rule->partner->form.key_transport, KEY_TRANSPORT_RSA_PKCS1);
    cr_expect_str_eq(rule->partner->label_header, "Sensitivity");
    cr_assert_eq(rule->partner->label_count, 2);
    cr_expect_str_eq(rule->partner->labels[0].policy, "1.2.3");
    cr_expect_eq(rule->partner->labels[0].classification, CLASSIFICATION_TOP_SECRET);
    cr_expect_str_eq(rule->partner->labels[0].mark, "M");
    cr_expect_null(rule->partner->labels[1].value);
    cr_expect(rule->partner->labels[1].equivalent);
    cr_expect_eq(conf->partners[4]->base.outbound.protect, PROTECT_SIGN);
    cr_expect_eq(conf->partners[3]->base.outbound.protect, PROTECT_NONE, "a rule does not inherit from default.conf");
}

Test(conf, byte_order_mark_and_crlf)
{
    scratch_write("domsec.conf",
                  "\xef\xbb\xbf// comment\r\nlocal_domains = ( \"acme.test\" );\r\nlayers_limit = 5;\r\n");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_eq(conf->limits.layers, 5);
}

Test(conf, include)
{
    scratch_write("domsec.conf", MINIMAL "@include \"more/limits.inc\"\nlayers_limit = 5;\n");
    scratch_write("more/limits.inc", "signers_limit = 9;\n");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_eq(conf->limits.layers, 5);
    cr_expect_eq(conf->limits.signers, 9);
}

Test(conf, include_in_a_policy_file)
{
    scratch_write("domsec.conf", MINIMAL "policy_dir = \"p\";");
    scratch_write("p/a.conf", "@include \"partner.inc\"\noutbound = { protect = \"sign\"; };\n");
    scratch_write("partner.inc", "domain = \"partner.test\";\nanchors = \"a.pem\";\n");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_assert_eq(conf->partner_count, 2);
    cr_expect_str_eq(conf->partners[0]->domain, "partner.test");
    cr_expect_eq(conf->partners[0]->anchors_line, 0, "a line of another file");
}

Test(conf, relative_name_is_found_from_the_working_folder)
{
    scratch_write("domsec.conf", MINIMAL "pid_file = \"x.pid\";");
    cr_assert_eq(chdir(scratch), 0);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load("domsec.conf", faults);
    cr_assert_not_null(conf);
    cr_expect_eq(conf->file[0], '/');
    cr_expect_eq(conf->pid_file[0], '/');
    cr_assert_eq(chdir("/"), 0);
}

static const struct {
    const char *listen, *expected;
} sockets[] = {
    {"inet:8891@127.0.0.1", "inet:8891@127.0.0.1"},
    {"inet:127.0.0.1:8891", "inet:8891@127.0.0.1"},
    {"INET:localhost:8891", "inet:8891@localhost"},
    {"inet:[::1]:8891", "inet6:8891@::1"},
    {"inet6:8891@::1", "inet6:8891@::1"},
    {"inet6:8891@[::1]", "inet6:8891@::1"},
    {"inet6:[2001:db8::1]:25", "inet6:25@2001:db8::1"},
    {"unix:/run/domsec/socket", "local:/run/domsec/socket"},
    {"local:/run/domsec/socket", "local:/run/domsec/socket"},
    {"/run/domsec/socket", "local:/run/domsec/socket"},
};

Test(conf, sockets)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++) {
        g_autofree char *text = g_strdup_printf(MINIMAL "listen = \"%s\";", sockets[i].listen);
        scratch_write("domsec.conf", text);
        owned(conf) struct conf *conf = scratch_load_good();
        cr_expect_str_eq(conf->listen, sockets[i].expected);
    }
    scratch_write("domsec.conf", MINIMAL "listen = \"unix:s\";");
    owned(conf) struct conf *conf = scratch_load_good();
    g_autofree char *expected = g_strdup_printf("local:%s/s", scratch);
    cr_expect_str_eq(conf->listen, expected);
}

Test(conf, local_domains)
{
    struct conf conf = {.local_domains = (char *[]){"acme.test", ".sub.test", NULL}};
    cr_expect(conf_is_local_domain(&conf, "acme.test"));
    cr_expect_not(conf_is_local_domain(&conf, "mail.acme.test"));
    cr_expect_not(conf_is_local_domain(&conf, "notacme.test"));
    cr_expect(conf_is_local_domain(&conf, "sub.test"));
    cr_expect(conf_is_local_domain(&conf, "mail.sub.test"));
    cr_expect_not(conf_is_local_domain(&conf, "xsub.test"));
    cr_expect_not(conf_is_local_domain(&conf, "test"));
    cr_expect_not(conf_is_local_domain(&conf, ""));
    cr_expect_not(conf_is_local_domain(&conf, "[192.0.2.1]"));
}

static gpointer hold_and_drop(gpointer conf)
{
    for (int i = 0; i < 20000; i++)
        conf_unref(conf_ref(conf));
    conf_unref(conf);
    return NULL;
}

Test(conf, references_from_several_threads)
{
    scratch_write("domsec.conf", MINIMAL);
    struct conf *conf = scratch_load_good();
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("holder", hold_and_drop, conf_ref(conf));
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    cr_expect_eq(conf->references, 1);
    conf_unref(conf);
    conf_unref(NULL);
}
