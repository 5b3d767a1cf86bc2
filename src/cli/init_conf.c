/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_conf: the texts of `domsec init`. The configuration is short and explains each line, because it is the first
 * that an administrator sees. All other keys have their defaults, which are in domsec.conf(5).
 */
#include "init_conf.h"

#include "conf/conf.h"
#include "output.h"
#include "split_lines.h"

#include <string.h>
#include <unistd.h>

bool init_conf_is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isgraph(*p) || *p == '"' || *p == '\\')
            return false;
    return *text != '\0';
}

static void append_split(GString *text)
{
    g_string_append(text,
                    "\n"
                    "// The key of the messages that Postfix splits because their recipients need different "
                    "treatment. Anyone who has it can\n"
                    "// read what waits in the queue. Before Postfix has the lines that `domsec init` printed, write "
                    "mixed_recipients = \"reject\";\n"
                    "split = { keys = ( \"file:keys/split.key\" ); };\n");
}

char *init_conf_text(const struct init_choices *choices)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(
        text,
        "// Configuration of domsec for %s. Paths are relative to this directory. See domsec.conf(5).\n"
        "// After a change, run `domsec check -c FILE` and reload the daemon (SIGHUP).\n"
        "\n"
        "// Socket on which the daemon listens; smtpd_milters of Postfix names the same one.\n"
        "listen = \"%s\";\n"
        "\n"
        "// Domains whose mail we protect, and clients that may send it without SMTP AUTH.\n"
        "local_domains = ( \"%s\" );\n"
        "trusted_networks = ( \"127.0.0.0/8\", \"::1\" );\n"
        "\n"
        "// Our identifier in Authentication-Results. Fields with it are removed from mail that arrives.\n"
        "authserv_id = \"%s\";\n"
        "\n"
        "// One file per partner domain, and default.conf for all others. Without a file, mail is not protected.\n"
        "policy_dir = \"policy.d\";\n"
        "\n"
        "// The store of `domsec cert import`.\n"
        "certificate_directory = \"certs.d\";\n"
        "\n",
        choices->domain, choices->listen, choices->domain, choices->domain);
    if (choices->csr)
        g_string_append(text, "// Trusted CAs. Add the CA that will answer our requests.\n"
                              "trust_anchors = ( );\n");
    else
        g_string_append(text, "// CAs that are trusted for every domain. Name the CA of a single partner in that "
                              "partner's policy instead\n"
                              "// (anchors), where it is trusted for that partner only.\n"
                              "trust_anchors = ( \"ca/ca.pem\" );\n");
    g_string_append_printf(text,
                           "\n"
                           "// Revocation lists, as files or directories. Without any, only a list in a message can "
                           "revoke a certificate.\n"
                           "// crls = ( \"crls\" );\n"
                           "\n"
                           "// Our certificates, each followed by its chain, and their private keys.\n"
                           "identities = (\n"
                           "  { domain = \"%s\"; role = \"domain-signing-authority\";\n"
                           "    certificate = \"keys/dsa.pem\"; key = \"file:keys/dsa.key\"; },\n"
                           "  { domain = \"%s\"; role = \"domain-confidentiality-authority\";\n"
                           "    certificate = \"keys/dca.pem\"; key = \"file:keys/dca.key\"; }\n"
                           ");\n",
                           choices->domain, choices->domain);
    append_split(text);
    if (choices->user != NULL)
        g_string_append_printf(text,
                               "\n"
                               "// The account of the daemon. It owns the keys.\n"
                               "user = \"%s\";\n",
                               choices->user);
    return g_string_free(text, FALSE);
}

static void print_made(const struct init_choices *choices, const char *algorithm, const char *owner)
{
    owned(table) struct table *table = table_new(2);
    g_autofree char *keys =
        g_strdup_printf("keys and %s of both authorities, %s%s%s", choices->csr ? "requests (.csr)" : "certificates",
                        algorithm, owner != NULL ? "; owner: " : "", owner != NULL ? owner : "");
    const char *const rows[][2] = {
        {"domsec.conf", "the configuration"},
        {"keys/", keys},
        {"keys/split.key", "the key that seals a message while Postfix splits it"},
        {choices->csr ? NULL : "ca/", "the private CA that issued them"},
        {"policy.d/", "one file per partner; empty"},
        {"certs/", "partners' certificates that policies name; empty"},
        {"certs.d/", "the store of `domsec cert import`; empty"},
        {"anchors/", "partners' CA certificates; empty"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i][0] != NULL)
            table_row(table, rows[i]);
    table_print(table, stdout, 2, false);
}

/* For the socket of new configurations. Returns the number of the next step. */
static unsigned print_postfix(const char *listen, unsigned step)
{
    g_autofree char *folder = g_path_get_dirname(CONF_LISTEN_POSTFIX + strlen("local:"));
    if (!g_str_equal(listen, CONF_LISTEN_POSTFIX))
        return step;
    printf("  %u. In Postfix's main.cf, write (before Postfix 3.7, milter_header_checks needs a file; "
           "README.postfix.md shows it):\n"
           "\n"
           "       smtpd_milters = unix:domsec/milter\n"
           "       non_smtpd_milters = $smtpd_milters\n"
           "       milter_default_action = tempfail\n"
           "       internal_mail_filter_classes = bounce\n"
           "       smtpd_forbid_bare_newline = yes\n",
           step);
    split_print_main(stdout, "unix:domsec/milter", 7);
    printf("\n     and in its master.cf, for messages whose recipients need different treatment:\n\n");
    split_print_master(stdout, 7);
    printf("\n");
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
        printf("     The Debian package and its unit create the directory of the socket. Without them, run:\n\n"
               "       install -d -o domsec -g postfix -m 2710 %s\n\n",
               folder);
    return step + 1;
}

void init_print_next(const struct init_choices *choices, const char *folder, const char *algorithm, const char *owner)
{
    printf("created %s for %s\n", folder, choices->domain);
    print_made(choices, algorithm, owner);
    printf("\nNext\n");
    unsigned step = 1;
    if (choices->csr)
        printf(
            "  %u. Send keys/dsa.csr and keys/dca.csr to your CA. Put the certificates, each followed by its chain,\n"
            "     in keys/dsa.pem and keys/dca.pem. Put the root certificate in anchors/ and name it in "
            "trust_anchors.\n"
            "     `domsec cert lint FILE` says what a public CA may object to.\n",
            step++);
    else
        printf("  %u. Move ca/ca.key to a safe place; the daemon does not need it.\n", step++);
    if (owner == NULL && geteuid() == 0)
        printf(
            "  %u. Create a user for the daemon and make it the owner of the keys. Unless systemd starts the daemon,\n"
            "     set user = \"domsec\"; in domsec.conf.\n\n"
            "       adduser --system --group domsec && chown -R domsec: %s/keys\n\n",
            step++, folder);
    step = print_postfix(choices->listen, step);
    printf("  %u. Send %s to your partner by a channel that you both trust. Put the partner's files\n"
           "     in anchors/ and certs/. Then write policy.d/partner.example.conf:\n"
           "\n"
           "       domain = \"partner.example\";\n"
           "       outbound = { protect = \"sign+encrypt\"; no_certificate = \"reject\"; };\n"
           "       inbound = { require = \"sign+encrypt\"; otherwise = \"reject\"; };\n"
           "       certificates = ( \"certs/partner-dca.pem\" );\n"
           "       anchors = ( \"anchors/partner.pem\" );\n"
           "\n",
           step, choices->csr ? "your root certificate and keys/dca.pem" : "ca/ca.pem and keys/dca.pem");
    if (choices->csr && !choices->role_names)
        printf(
            "     The requests name a mail address and not the bare role, which a public CA may not certify. So your\n"
            "     partner sets %s%s%s in its policy for %s.\n\n",
            choices->address != NULL ? "naming = \"address\"; gateway_addresses = ( \"" : "naming = \"mailbox\";",
            choices->address != NULL ? choices->address : "", choices->address != NULL ? "\" );" : "", choices->domain);
    printf("  %u. domsec check -c %s/domsec.conf\n", step + 1, folder);
}
