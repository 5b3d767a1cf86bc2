/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_import: takes a PKCS #12 bundle, as certification authorities and mail programs hand it out, apart into the two
 * files of an identity: its key, and its certificate with the chain. It does not change the configuration. It prints
 * the lines to add.
 */
#include "key_import.h"

#include "describe.h"
#include "identity_lines.h"
#include "issue.h"
#include "keys/bundle.h"
#include "output.h"
#include "trust/trust.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#define PASSPHRASE_MAX 1024

struct import {
    const char *file, *passphrase_file, *key_passphrase_file, *out, *domain, *role_word;
    char *key_path, *certificate_path; /* absolute */
    char *normalised;                  /* domain; NULL: as the certificate says */
    enum role role;                    /* with role_word alone */
};

static void import_clear(struct import *import)
{
    g_free(import->key_path);
    g_free(import->certificate_path);
    g_free(import->normalised);
}

/* --- reading --- */

/* By OpenSSL, which reads from the terminal without echo, or from standard input if there is no terminal. */
static char *ask(const char *file)
{
    char answer[PASSPHRASE_MAX + 1];
    g_autofree char *prompt = g_strdup_printf("passphrase of %s: ", file);
    char *passphrase = EVP_read_pw_string_min(answer, 0, sizeof(answer) - 1, prompt, 0) == 0 ? g_strdup(answer) : NULL;
    OPENSSL_cleanse(answer, sizeof(answer));
    if (passphrase == NULL)
        fprintf(stderr, "domsec: no passphrase was given; name a file with --passphrase-file\n");
    return passphrase;
}

/* --- writing --- */

/* Partners must know the root anyway, and no path leads through what is not an authority. */
static const char *why_left_out(X509 *certificate)
{
    if (X509_self_signed(certificate, 0) == 1)
        return "a root belongs in the partners' anchors";
    return X509_check_ca(certificate) == 1 ? NULL : "it is not a certification authority of this key's certificate";
}

static bool add_pem(GString *pem, X509 *certificate, struct error *error)
{
    g_autofree char *one = issue_certificate_pem(certificate, error);
    if (one != NULL)
        g_string_append(pem, one);
    return one != NULL;
}

static bool write_certificates(const char *path, const STACK_OF(X509) * list, struct error *error)
{
    g_autoptr(GString) pem = g_string_new(NULL);
    for (int i = 0; i < sk_X509_num(list); i++)
        if ((i == 0 || why_left_out(sk_X509_value(list, i)) == NULL) && !add_pem(pem, sk_X509_value(list, i), error))
            return false;
    return output_create(path, 0600, (struct slice){pem->str, pem->len}, error);
}

static void print_left_out(const STACK_OF(X509) * list)
{
    for (int i = 1; i < sk_X509_num(list); i++) {
        const char *reason = why_left_out(sk_X509_value(list, i));
        g_autofree char *subject = certificate_subject(sk_X509_value(list, i));
        if (reason != NULL)
            printf("left out %s: %s\n", subject, reason);
    }
}

/* A file that this command did not create stays. */
static bool write_files(const struct import *import, const struct bundle *bundle, const char *passphrase,
                        struct error *error)
{
    if (!write_certificates(import->certificate_path, bundle->certificates, error))
        return false;
    bool has_key = issue_write_key(import->key_path, bundle->key, passphrase, error);
    if (has_key && issue_give_to_folder_owner(import->key_path, error) &&
        issue_give_to_folder_owner(import->certificate_path, error))
        return true;
    (void)unlink(import->certificate_path);
    if (has_key)
        (void)unlink(import->key_path);
    return false;
}

/* --- what to do next --- */

static void print_identities(const struct import *import, const X509 *certificate)
{
    g_autofree char *passphrase_file =
        import->key_passphrase_file != NULL ? g_canonicalize_filename(import->key_passphrase_file, NULL) : NULL;
    const struct identity_wanted wanted = {.certificate = import->certificate_path,
                                           .key = import->key_path,
                                           .passphrase_file = passphrase_file,
                                           .domain = import->normalised,
                                           .role = import->role_word != NULL ? &import->role : NULL};
    g_autofree char *lines = identity_lines(certificate, &wanted);
    if (lines != NULL)
        printf("\nadd this to identities:\n\n%s\n", lines);
    else
        printf("\nit is of no use as an identity: %s\n", trust_usage_refusal(certificate, PURPOSE_SIGN));
}

static void print_warnings(const X509 *certificate)
{
    if (certificate_is_current(certificate, time(NULL)))
        return;
    g_autofree char *from = describe_date(X509_get0_notBefore(certificate));
    g_autofree char *until = describe_date(X509_get0_notAfter(certificate));
    printf("the certificate is valid from %s to %s: it signs nothing now, and its key decrypts\n", from, until);
}

/* --- the command --- */

static int import_bundle(const struct import *import, const struct bundle *bundle, const char *key_passphrase)
{
    struct error error = {0};
    X509 *leaf = sk_X509_value(bundle->certificates, 0);
    g_autofree char *subject = certificate_subject(leaf);
    if (!write_files(import, bundle, key_passphrase, &error))
        return cli_bad_input(&error);
    printf("created %s and %s: %s\n", import->key_path, import->certificate_path, subject);
    print_left_out(bundle->certificates);
    print_warnings(leaf);
    print_identities(import, leaf);
    return EX_OK;
}

static int import_file(const struct import *import)
{
    struct error error = {0};
    owned(passphrase) char *key_passphrase =
        import->key_passphrase_file != NULL ? passphrase_read(import->key_passphrase_file, &error) : NULL;
    if (import->key_passphrase_file != NULL && key_passphrase == NULL)
        return cli_bad_input(&error);
    if (key_passphrase != NULL && *key_passphrase == '\0') {
        fprintf(stderr, "domsec: %s: the first line is empty\n", import->key_passphrase_file);
        return EX_DATAERR;
    }
    owned(bundle) struct bundle bundle = {0};
    if (!bundle_read(import->file, &bundle, &error))
        return cli_bad_input(&error);
    owned(passphrase) char *passphrase =
        import->passphrase_file != NULL ? passphrase_read(import->passphrase_file, &error) : ask(import->file);
    if (passphrase == NULL)
        return import->passphrase_file != NULL ? cli_bad_input(&error) : EX_USAGE;
    if (!bundle_open(&bundle, passphrase, &error))
        return cli_bad_input(&error);
    return import_bundle(import, &bundle, key_passphrase);
}

/* x.p12 → x.key */
static char *default_out(const char *file)
{
    const char *dot = strrchr(file, '.'), *slash = strrchr(file, '/');
    bool has_ending = dot != NULL && (slash == NULL || dot > slash + 1) && dot != file;
    return g_strdup_printf("%.*s.key", has_ending ? (int)(dot - file) : (int)strlen(file), file);
}

static int check_words(const struct command *self, struct import *import)
{
    if (import->role_word != NULL && !cli_role(import->role_word, &import->role))
        return cli_usage(self, "%s is not a role; the roles are %s, %s, %s and %s", import->role_word, role_name(0),
                         role_name(1), role_name(2), role_name(3));
    import->normalised = import->domain != NULL ? domain_of_mail(import->domain) : NULL;
    if (import->domain != NULL && import->normalised == NULL)
        return cli_usage(self, "%s is not a mail domain", import->domain);
    g_autofree char *out = import->out != NULL ? g_strdup(import->out) : default_out(import->file);
    import->key_path = g_canonicalize_filename(out, NULL);
    import->certificate_path = issue_path_beside(import->key_path, ".pem");
    return CLI_GO;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct import import = {0};
    const struct option_spec options[] = {
        {"passphrase-file", 0, OPTION_TEXT, &import.passphrase_file, "FILE",
         "the first line is the passphrase of the bundle; default: ask"},
        {"key-passphrase-file", 0, OPTION_TEXT, &import.key_passphrase_file, "FILE",
         "encrypt the new key file with the first line; default: not encrypted"},
        {"out", 'o', OPTION_TEXT, &import.out, "FILE",
         "file for the key; default: beside the bundle, with the ending .key"},
        {"domain", 'd', OPTION_TEXT, &import.domain, "DOMAIN", "mail domain; default: as the certificate says"},
        {"role", 'r', OPTION_TEXT, &import.role_word, "ROLE", "role; default: as the certificate says"},
    };
    int operands = 0;
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (argc - operands != 1)
        return cli_usage(self, "exactly one PKCS #12 file is required");
    import.file = argv[operands];
    status = check_words(self, &import);
    if (status == CLI_GO)
        status = import_file(&import);
    import_clear(&import);
    return status;
}

const struct command command_key_import = {
    .name = "key import",
    .arguments = "[--passphrase-file FILE] [--key-passphrase-file FILE] [--out FILE] [--domain DOMAIN] [--role ROLE] "
                 "BUNDLE",
    .summary = "write the key and the certificates of a PKCS #12 bundle to the files of an identity",
    .details = "x.p12 gives x.key and x.pem, which has the certificate of the key and then its chain. Both have mode\n"
               "0600. Existing files are not overwritten. The lines for the configuration are printed.\n",
    .run = run,
};
