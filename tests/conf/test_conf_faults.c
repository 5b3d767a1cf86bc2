/* SPDX-License-Identifier: Apache-2.0 */
/* What a bad configuration is answered with: every fault, each at its line, and no snapshot. */
#include "support/scratch.h"

#include "conf/option.h"

#include <sys/stat.h>
#include <unistd.h>

TestSuite(conf_faults, .init = scratch_setup, .fini = scratch_teardown);

#define MINIMAL "local_domains = ( \"acme.test\" );\n"
#define POLICY "policy_dir = \"p\";\n"
#define TEN "0123456789"

/* policy, when given, is p/partner.conf. Faults are separated by a line end. */
static const struct {
    const char *main, *policy, *faults;
} bad[] = {
    {"", NULL, "domsec.conf: missing key \"local_domains\": Domains whose mail this gateway protects"},
    {"local_domains = ();", NULL, "domsec.conf:1: \"local_domains\" must not be empty"},
    {"local_domains = (\"acme.test\",\n\"a b\",\n5);", NULL,
     "domsec.conf:2: \"local_domains\": \"a b\" is not a domain\n"
     "domsec.conf:3: \"local_domains\" must be a list of strings, not an integer"},
    {"local_domains = \"[192.0.2.1]\";", NULL, "domsec.conf:1: \"local_domains\": \"[192.0.2.1]\" is not a domain"},
    {"local_domains = ( \"acme.test\", \".192.0.2.1\" );", NULL,
     "domsec.conf:1: \"local_domains\": \"192.0.2.1\" is not a domain"},
    {MINIMAL "protct = 1;", NULL, "domsec.conf:2: unknown key \"protct\""},
    {MINIMAL "protect = \"sign\";", NULL, "domsec.conf:2: unknown key \"protect\" here: it belongs in a policy file"},
    {MINIMAL
     "identities = ( { domain = \"acme.test\"; role = \"review-authority\"; certificate = \"c\"; key = \"file:k\";\n"
     "user = \"d\"; } );",
     NULL, "domsec.conf:3: unknown key \"user\""},
    {MINIMAL "ldap = ( { domains = \"*\"; uri = \"srv:\"; starttls = true;\nuser = \"d\"; } );", NULL,
     "domsec.conf:3: unknown key \"user\""},
    {MINIMAL "split = { keys = \"file:k\"; protect = \"sign\"; };", NULL,
     "domsec.conf:2: unknown key \"protect\" here: it belongs in a policy file"},
    {MINIMAL "polcy_dir = \"p\";", NULL, "domsec.conf:2: unknown key \"polcy_dir\", did you mean \"policy_dir\"?"},
    {MINIMAL "sources = ( \"pinned\", \"ldpa\" );", NULL,
     "domsec.conf:2: \"sources\": unknown source \"ldpa\", did you mean \"ldap\"?"},
    {MINIMAL "sources = \"keyserver\";", NULL,
     "domsec.conf:2: \"sources\": \"keyserver\" is not one of \"pinned\", \"directory\", \"store\", \"ldap\", \"dns\", "
     "\"harvest\""},
    {MINIMAL "sources = ( \"dns\", \"pinned\", \"dns\" );", NULL, "domsec.conf:2: \"sources\" names \"dns\" twice"},
    {MINIMAL "lookup_timeout = 0;", NULL, "domsec.conf:2: \"lookup_timeout\" must be from 1 to 120, not 0"},
    {MINIMAL "milter_timeout = \"60\";", NULL, "domsec.conf:2: \"milter_timeout\" must be an integer, not a string"},
    {MINIMAL "milter_timeout = 1.5;", NULL, "domsec.conf:2: \"milter_timeout\" must be an integer, not a fraction"},
    {MINIMAL "milter_timeout = 0;", NULL, "domsec.conf:2: \"milter_timeout\" must be from 1 to 86400, not 0"},
    {MINIMAL "layers_limit = -1;", NULL, "domsec.conf:2: \"layers_limit\" must be from 1 to 100, not -1"},
    {MINIMAL "memory_limit = 4294967296L;", NULL,
     "domsec.conf:2: \"memory_limit\" must be from 0 to 1073741824, not 4294967296"},
    {MINIMAL "\nmemory_limit = 4294967296;", NULL,
     "domsec.conf:3: a number above 2147483647 must end in L: 4294967296"},
    {MINIMAL "memory_limit = 0xFFFFFFFFF;", NULL,
     "domsec.conf:2: a number above 2147483647 must end in L: 0xFFFFFFFFF"},
    {MINIMAL "memory_limit = 99999999999999999999L;", NULL,
     "domsec.conf:2: this number is too large: 99999999999999999999L"},
    {MINIMAL "log_level = \"loud\";", NULL,
     "domsec.conf:2: \"log_level\" must be one of \"error\", \"warning\", \"info\", \"debug\", not \"loud\""},
    {MINIMAL "log_level = 3;", NULL,
     "domsec.conf:2: \"log_level\" must be one of \"error\", \"warning\", \"info\", \"debug\", not an integer"},
    {MINIMAL "user = \"\";", NULL, "domsec.conf:2: \"user\" must not be empty"},
    {MINIMAL "user = [\"a\"];", NULL, "domsec.conf:2: \"user\" must be a string, not a list"},
    {MINIMAL "user = \"\xff\";", NULL, "domsec.conf:2: \"user\" is not in UTF-8"},
    {MINIMAL "authserv_id = \"a b\";", NULL,
     "domsec.conf:2: \"authserv_id\": \"a b\" is not a host name or another word without spaces"},
    {MINIMAL "authserv_id = \"a;b\\r\\nX: y\";", NULL,
     "domsec.conf:2: \"authserv_id\": \"a;b\\x0D\\x0AX: y\" is not a host name or another word without spaces"},
    {MINIMAL "trusted_networks = (\"127.0.0.0/33\");", NULL,
     "domsec.conf:2: \"trusted_networks\": \"127.0.0.0/33\" is not a network such as \"192.0.2.0/24\" or "
     "\"2001:db8::/32\""},
    {MINIMAL "listen = \"inet:70000@127.0.0.1\";", NULL,
     "domsec.conf:2: \"listen\": \"inet:70000@127.0.0.1\" is not a socket such as \"inet:8891@127.0.0.1\" or "
     "\"local:/run/domsec/socket\""},
    {MINIMAL "listen = \"unix:\";", NULL, "domsec.conf:2: \"listen\": the path of the socket is missing"},
    {MINIMAL "spool_directory = \"none\";", NULL,
     "domsec.conf:2: \"spool_directory\": none: No such file or directory"},
    {MINIMAL "spool_directory = \"domsec.conf\";", NULL,
     "domsec.conf:2: \"spool_directory\": domsec.conf is not a directory"},
    {MINIMAL "state_directory = \"none\";", NULL,
     "domsec.conf:2: \"state_directory\": none: No such file or directory"},
    {MINIMAL "crashing_messages = \"accept\";", NULL,
     "domsec.conf:2: \"crashing_messages\" must be one of \"tempfail\", \"reject\", \"quarantine\", not \"accept\""},
    {MINIMAL "identities = { };", NULL,
     "domsec.conf:2: \"identities\" must be a list of groups: ( { domain = \xe2\x80\xa6; }, \xe2\x80\xa6 )"},
    {MINIMAL "identities = ( 5 );", NULL,
     "domsec.conf:2: each element of \"identities\" must be a group: { domain = \xe2\x80\xa6; \xe2\x80\xa6 }"},
    {MINIMAL
     "identities = (\n{ domain = \"acme.test\"; role = \"dsa\";\ncertificate = \"x\"; key = \"keys/x.key\"; },\n{ } );",
     NULL,
     "domsec.conf:3: \"role\" must be one of \"domain-signing-authority\", \"domain-confidentiality-authority\", "
     "\"review-authority\", \"attribute-authority\", not \"dsa\"\n"
     "domsec.conf:4: \"key\": \"keys/x.key\" is not a URI; write \"file:keys/x.key\" for a file\n"
     "domsec.conf:5: missing key \"certificate\": File with the certificate, followed by its chain\n"
     "domsec.conf:5: missing key \"key\": URI of the private key\n"
     "domsec.conf:5: missing key \"domain\" with \"role\", or \"address\": whose identity this is"},
    {MINIMAL
     "identities = ({ domain = \"acme.test\"; role = \"review-authority\"; certificate = \"x\"; key = \"file:\"; });",
     NULL, "domsec.conf:2: \"key\": \"file:\" has no file name"},
    {MINIMAL "user = \"a\";\nuser = \"b\";", NULL, "domsec.conf:3: duplicate key; a key may occur only once"},
    {MINIMAL "user = \n\n;", NULL,
     "domsec.conf:4: syntax error; is a semicolon, comma, quote or bracket missing here or on the line before, or a "
     "comma too many?"},
    {MINIMAL "\nuser = \"a;\n", NULL, "domsec.conf:3: this string is not closed"},
    {MINIMAL "\n/* user = \"a\";\n", NULL, "domsec.conf:3: this comment is not closed"},
    {MINIMAL "@include \"none.inc\"\n", NULL,
     "domsec.conf:2: the included file does not exist or is not a regular file: none.inc"},
    {MINIMAL "@include \".\"\n", NULL, "domsec.conf:2: the included file does not exist or is not a regular file: ."},
    {MINIMAL " @include \"domsec.conf\"\n", NULL, "domsec.conf:2: includes are nested too deeply: domsec.conf"},
    {MINIMAL POLICY, NULL,
     "domsec.conf:2: \"policy_dir\": Error opening directory \xe2\x80\x9cp\xe2\x80\x9d: No such file or directory"},
    {MINIMAL "policy_dir = \"domsec.conf\";", NULL,
     "domsec.conf:2: \"policy_dir\": Error opening directory \xe2\x80\x9c"
     "domsec.conf\xe2\x80\x9d: Not a directory"},

    {MINIMAL POLICY, "", "p/partner.conf: missing key \"domain\": only default.conf may omit it"},
    {MINIMAL POLICY, "domain = \"*.partner.test\";",
     "p/partner.conf:1: \"domain\": \"*.partner.test\" is not a domain"},
    {MINIMAL POLICY, "domain = \"partner.test\";\noutbound = {\n  protct = \"sign\"; };",
     "p/partner.conf:3: unknown key \"protct\", did you mean \"protect\"?"},
    {MINIMAL POLICY, "domain = \"partner.test\";\ncrls = \"x\";",
     "p/partner.conf:2: unknown key \"crls\", did you mean \"revocation.crls\"?"},
    {MINIMAL "crls = ( \"a\" );\nrevocation = { crls = ( \"b\" ); };", NULL,
     "domsec.conf:2: \"crls\" is set twice, here and in the group \"revocation\""},
    {MINIMAL "revocation = { naming = \"pinned\"; };", NULL,
     "domsec.conf:2: unknown key \"naming\" here: it belongs in a policy file"},
    {MINIMAL POLICY, "domain = \"partner.test\";\nprotect = \"sign\";",
     "p/partner.conf:2: unknown key \"protect\", did you mean \"outbound.protect\"?"},
    {MINIMAL POLICY, "domain = \"partner.test\";\noutbound = \"sign\";",
     "p/partner.conf:2: \"outbound\" must be a group, not a string"},
    {MINIMAL POLICY, "domain = \"partner.test\";\noutbound = { protect = \"sign,encrypt\"; };",
     "p/partner.conf:2: \"protect\" must be one of \"none\", \"sign\", \"encrypt\", \"sign+encrypt\", \"triple\", "
     "\"opportunistic\", not \"sign,encrypt\""},
    {MINIMAL POLICY, "domain = \"partner.test\";\nnull_signature = 1;",
     "p/partner.conf:2: \"null_signature\" must be true or false, not an integer"},
    {MINIMAL POLICY, "domain = \"partner.test\";\nnaming = \"pinned\";",
     "p/partner.conf:2: \"naming\" is \"pinned\", but \"certificates\" lists none"},
    {MINIMAL POLICY, "domain = \"partner.test\";\nlabels = ( { value = \"x\"; policy = \"1.2.3\"; } );",
     "p/partner.conf:2: a label has a \"value\", but \"label_header\" is not set"},
    {MINIMAL POLICY, "domain = \"partner.test\";\nlabels = ( { policy = \"secret\"; } );",
     "p/partner.conf:2: \"policy\": \"secret\" is not a dotted object identifier such as \"1.2.826.0.1\""},
    {MINIMAL POLICY, "domain = \"partner.test\";\nlabel_header = \"Sensitivity:\";",
     "p/partner.conf:2: \"label_header\": \"Sensitivity:\" is not the name of a header field, such as \"Sensitivity\""},
    {MINIMAL POLICY, "domain = \"partner.test\";\nlabel_header = \"X Y\";",
     "p/partner.conf:2: \"label_header\": \"X Y\" is not the name of a header field, such as \"Sensitivity\""},
    {MINIMAL POLICY,
     "domain = \"partner.test\";\nlabels = ( { policy = \"1.2.3\"; mark = \"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
         TEN TEN "123456789\"; } );",
     "p/partner.conf:2: \"mark\" must not be longer than 128 bytes in UTF-8"},
    {MINIMAL POLICY, "domain = \"partner.test\";\nx500_name = ( \"O=Partner\", \"CN=x\", \"O=\" );",
     "p/partner.conf:2: \"x500_name\": \"CN=x\" is not one of \"C=…\", \"ST=…\", \"L=…\", \"O=…\", \"OU=…\"\n"
     "p/partner.conf:2: \"x500_name\": \"O=\" is not one of \"C=…\", \"ST=…\", \"L=…\", \"O=…\", \"OU=…\""},
    {MINIMAL POLICY, "domain = \"partner.test\";\nx500_name = ( \"C=US\", \"OU=marketing\" );",
     "p/partner.conf:2: \"x500_name\" has no organization (\"O=…\"), so no certificate can map"},
    {MINIMAL POLICY, "domain = \"partner.test\";\nnaming = \"address\";",
     "p/partner.conf:2: \"naming\" is \"address\", but \"gateway_addresses\" lists none"},
    {MINIMAL POLICY, "domain = \"partner.test\";\ngateway_addresses = \"gw@partner.test\";",
     "p/partner.conf:2: \"gateway_addresses\" is set, but \"naming\" is not \"address\""},
    {MINIMAL POLICY, "domain = \"partner.test\";\nnaming = \"address\";\ngateway_addresses = \"gw@acme.test\";",
     "p/partner.conf:3: \"gateway_addresses\": gw@acme.test is not in the partner's domain"},
    {MINIMAL POLICY,
     "domain = \"partner.test\";\nnaming = \"address\";\ngateway_addresses = (\"partner.test\", \"a b@x.test\", "
     "\"@x.test\");",
     "p/partner.conf:3: \"gateway_addresses\": \"partner.test\" is not an address such as \"gateway@partner.test\"\n"
     "p/partner.conf:3: \"gateway_addresses\": \"a b@x.test\" is not an address such as \"gateway@partner.test\"\n"
     "p/partner.conf:3: \"gateway_addresses\": \"@x.test\" is not an address such as \"gateway@partner.test\"\n"
     "p/partner.conf:2: \"naming\" is \"address\", but \"gateway_addresses\" lists none"},
    {MINIMAL POLICY, "domain = \"partner.test\";\ninbound = { without_signature_type = \"domain\"; };",
     "p/partner.conf:2: \"without_signature_type\" is \"domain\", which needs another \"naming\" than \"rfc3183\": "
     "\"address\", \"pinned\", \"mailbox\" or \"domain\""},
    {MINIMAL POLICY,
     "domain = \"partner.test\";\ninbound = { without_signature_type = \"domain\"; };\nnaming = \"mailbox\";",
     "p/partner.conf:2: \"without_signature_type\" is \"domain\", which needs the partner's own \"anchors\", or "
     "\"naming\" = \"pinned\""},
    {MINIMAL POLICY, "domain = \"partner.test\";\ncipher = \"des3\";",
     "p/partner.conf:2: \"cipher\" must be one of \"aes-128-gcm\", \"aes-256-gcm\", \"aes-128-cbc\", \"aes-192-cbc\", "
     "\"aes-256-cbc\", not \"des3\""},
    {MINIMAL POLICY, "domain = \"partner.test\"\noutbound = {",
     "p/partner.conf:2: syntax error; is a semicolon, comma, quote or bracket missing here or on the line before, or a "
     "comma too many?"},
    {MINIMAL POLICY, "domain = \"partner.test\"; /* outbound = { protect = \"encrypt\"; };",
     "p/partner.conf:1: this comment is not closed"},
    {MINIMAL POLICY "layer_limit = 1;\n", "domain = \"partner.test\";\nformat = \"\";\ndigest = \"md5\";",
     "domsec.conf:3: unknown key \"layer_limit\", did you mean \"layers_limit\"?\n"
     "p/partner.conf:2: \"format\" must be one of \"clear\", \"opaque\", not \"\"\n"
     "p/partner.conf:3: \"digest\" must be one of \"sha256\", \"sha384\", \"sha512\", not \"md5\""},
};

static void expect_faults(const char *expected, const char *what)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = scratch_load(faults);
    g_autofree char *text = scratch_faults(faults);
    cr_expect_str_eq(text, expected, "%s\n%s\nis not\n%s", what, text, expected);
    cr_expect_null(conf, "%s", what);
}

Test(conf_faults, each)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        scratch_write("domsec.conf", bad[i].main);
        if (bad[i].policy != NULL)
            scratch_write("p/partner.conf", bad[i].policy);
        expect_faults(bad[i].faults, bad[i].policy != NULL ? bad[i].policy : bad[i].main);
    }
}

Test(conf_faults, default_with_a_domain)
{
    scratch_write("domsec.conf", MINIMAL POLICY);
    scratch_write("p/default.conf", "\ndomain = \"partner.test\";");
    expect_faults("p/default.conf:2: \"domain\" is not allowed in default.conf, which applies to all domains without a "
                  "file of their own",
                  "");
}

Test(conf_faults, two_files_for_one_domain)
{
    scratch_write("domsec.conf", MINIMAL POLICY);
    scratch_write("p/a.conf", "\ndomain = \"partner.test\";");
    scratch_write("p/b.conf", "\n\ndomain = \"Partner.Test.\";");
    expect_faults("p/b.conf:3: the domain \"partner.test\" already has a policy file: p/a.conf:2", "");
}

Test(conf_faults, a_folder_named_like_a_policy_file)
{
    scratch_write("domsec.conf", MINIMAL POLICY);
    scratch_write("p/a.conf/x", "");
    owned(faults) struct faults *faults = faults_new();
    cr_expect_null(scratch_load(faults));
    cr_expect_eq(faults_errors(faults), 1);
}

Test(conf_faults, a_dangling_link_is_no_policy_less)
{
    scratch_write("domsec.conf", MINIMAL POLICY);
    scratch_write("p/x", "");
    g_autofree char *link = scratch_path("p/a.conf");
    cr_assert_eq(symlink("/nonexistent", link), 0);
    owned(faults) struct faults *faults = faults_new();
    cr_expect_null(scratch_load(faults));
    cr_expect_eq(faults_errors(faults), 1);
}

/* Nobody writes to it: who opens it as a file waits for ever. */
Test(conf_faults, a_fifo_named_like_a_policy_file, .timeout = 10)
{
    scratch_write("domsec.conf", MINIMAL POLICY);
    scratch_write("p/b.conf", "domain = \"partner.test\";");
    g_autofree char *pipe = scratch_path("p/a.conf");
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    expect_faults("p/a.conf: cannot be read: not a regular file", "");
}

Test(conf_faults, unreadable)
{
    owned(faults) struct faults *faults = faults_new();
    cr_expect_null(scratch_load(faults));
    cr_expect_null(conf_load("/", faults));
    cr_expect_eq(faults_errors(faults), 2);
    cr_expect_not_null(strstr(faults_at(faults, 0), "/domsec.conf: cannot be read: "));
    if (geteuid() == 0)
        return; /* root may read everything */
    scratch_write("domsec.conf", MINIMAL);
    g_autofree char *file = scratch_path("domsec.conf");
    cr_assert_eq(g_chmod(file, 0), 0);
    cr_expect_null(scratch_load(faults));
    cr_expect_eq(faults_errors(faults), 3);
}

Test(conf_faults, nul_byte)
{
    g_autofree char *file = scratch_path("domsec.conf");
    static const char text[] = MINIMAL "\0x = 1;";
    cr_assert(g_file_set_contents(file, text, sizeof(text), NULL));
    expect_faults("domsec.conf: contains a NUL byte; it must be plain text in UTF-8", "NUL");
}

Test(conf_faults, in_an_included_file)
{
    scratch_write("domsec.conf", MINIMAL "@include \"a.inc\"\nlayers_limit = 0;\n");
    scratch_write("a.inc", "\nsigners_limit = 0;\n");
    expect_faults("a.inc:2: \"signers_limit\" must be from 1 to 1000, not 0\n"
                  "domsec.conf:3: \"layers_limit\" must be from 1 to 100, not 0",
                  "include");
    scratch_write("a.inc", "\nsigners_limit 0;\n");
    expect_faults("a.inc:2: syntax error; is a semicolon, comma, quote or bracket missing here or on the line before, "
                  "or a comma too many?",
                  "include");
    scratch_write("a.inc", "\n/*\n");
    expect_faults("a.inc:2: this comment is not closed", "include");
}

static const struct {
    const char *text, *warning;
} odd[] = {
    {"trusted_networks = ( \"192.0.2.1/24\" );", "domsec.conf:2: warning: \"trusted_networks\": \"192.0.2.1/24\" has "
                                                 "bits set beyond its prefix, which are ignored; correct the "
                                                 "address or the prefix"},
    {"trusted_networks = ( \"0.0.0.0/0\" );", "domsec.conf:2: warning: \"trusted_networks\": \"0.0.0.0/0\" lets every "
                                              "client send as any local domain; name only "
                                              "your own networks"},
    {"fetch_networks = ( \"::/0\" );",
     "domsec.conf:2: warning: \"fetch_networks\": \"::/0\" lets any certificate make the gateway connect to the "
     "internal network; name only your own networks"},
    {"trusted_networks = ( \"::/0\" );",
     "domsec.conf:2: warning: \"trusted_networks\": \"::/0\" lets every client send as any local domain; name only "
     "your own networks"},
    {"identities = ( { domain = \"amce.test\"; role = \"review-authority\"; certificate = \"x\"; key = \"file:x\"; } "
     ");",
     "domsec.conf:2: warning: no local domain is \"amce.test\" or below it, so this identity is never used; correct "
     "the domain, or "
     "add it to local_domains"},
    {"pass_daemons = ( \"reinject\", \"MTA\" );",
     "domsec.conf:2: warning: \"pass_daemons\": mail servers call every listener \"MTA\" by default, so all mail may "
     "pass untouched; give the listener another name"},
};

Test(conf_faults, warnings_let_it_load)
{
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autofree char *file = g_strconcat(MINIMAL, odd[i].text, NULL);
        scratch_write("domsec.conf", file);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        g_autofree char *text = scratch_faults(faults);
        cr_expect_str_eq(text, odd[i].warning);
        cr_expect_not_null(conf);
        cr_expect_eq(faults_errors(faults), 0);
        cr_expect_eq(faults_count(faults), 1);
    }
}

static const struct {
    const struct option_table *table;
    const char *key, *suggestion;
} slips[] = {
    {&outbound_options, "protct", "protect"},
    {&outbound_options, "Protect", "protect"},
    {&outbound_options, "portect", "protect"},
    {&outbound_options, "no-certificate", "no_certificate"},
    {&partner_options, "anchor", "anchors"},
    {&partner_options, "otherwise", "inbound.otherwise"},
    {&main_options, "local_domain", "local_domains"},
    {&main_options, "zzzzzz", NULL},
    {&main_options, "", NULL},
};

Test(conf_faults, suggestions)
{
    for (size_t i = 0; i < G_N_ELEMENTS(slips); i++) {
        g_autofree char *suggestion = option_suggest(slips[i].table, slips[i].key);
        cr_expect_str_eq(suggestion ? suggestion : "-", slips[i].suggestion ? slips[i].suggestion : "-", "%s",
                         slips[i].key);
    }
    g_autofree char *endless = g_strnfill(100000, 'x');
    g_autofree char *suggestion = option_suggest(&main_options, endless);
    cr_expect_null(suggestion);
}

Test(conf_faults, text_is_printable)
{
    owned(faults) struct faults *faults = faults_new();
    faults_add(faults, "a\nb", 7, "x\x1b[31m\r\n%s", "\xff");
    cr_expect_null(strpbrk(faults_at(faults, 0), "\r\n\x1b\xff"));
}
