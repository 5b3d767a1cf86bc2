/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_new: creates keys for our identities, in files or in tokens, with a request for a CA, or with a certificate from
 * the private CA of `domsec init`. It does not change the configuration. It prints the lines to add, so that an old and
 * a new confidentiality authority can coexist while partners change over.
 */
#include "key_new.h"

#include "issue.h"

#include "keys/token_keys.h"

#include <string.h>
#include <unistd.h>

static int check_address(const struct command *self, const struct key_names *names)
{
    if (names->address != NULL && names->role_names)
        return cli_usage(self, "--address and --role-names exclude each other");
    return issue_check_address(self, names->address, names->domain);
}

int key_names_check(const struct command *self, const char *domain, const char *role, struct key_names *names)
{
    if (domain == NULL || role == NULL)
        return cli_usage(self, "--domain and --role are required");
    names->domain = domain_of_mail(domain);
    if (names->domain == NULL || strchr(names->domain, '.') == NULL)
        return cli_usage(self, "%s is not a mail domain", domain);
    if (!cli_role(role, &names->role))
        return cli_usage(self, "%s is not a role; the roles are %s, %s, %s and %s", role, role_name(0), role_name(1),
                         role_name(2), role_name(3));
    return check_address(self, names);
}

char *key_names_of_request(const struct key_names *names)
{
    return names->role_names ? NULL : issue_request_address(names->address, names->role, names->domain);
}

EVP_PKEY *key_load_file(const char *path, struct error *error)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *uri = g_strconcat("file:", absolute, NULL);
    return keys_load(uri, error);
}

/* The private CA of `domsec init`; both NULL: no CA. */
struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static void cleanup_authority(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
}

static bool read_authority(const char *folder, struct authority *authority, struct error *error)
{
    if (folder == NULL)
        return true;
    g_autofree char *key_path = g_build_filename(folder, "ca.key", NULL);
    g_autofree char *certificate_path = g_build_filename(folder, "ca.pem", NULL);
    authority->key = key_load_file(key_path, error);
    owned(x509_stack) STACK_OF(X509) *list = authority->key != NULL ? certificates_load(certificate_path, error) : NULL;
    authority->certificate = list != NULL ? sk_X509_shift(list) : NULL;
    return authority->certificate != NULL;
}

/* Sets the URI. */
static EVP_PKEY *make_key(struct key_wanted *wanted, struct error *error)
{
    const struct issue_algorithm *algorithm = wanted->algorithm;
    if (wanted->token == NULL) {
        owned(EVP_PKEY) EVP_PKEY *key = issue_key(algorithm, error);
        wanted->uri = g_strconcat("file:", wanted->out, NULL);
        if (key == NULL || !issue_write_key(wanted->out, key, wanted->passphrase, error))
            return NULL;
        return steal(&key);
    }
    wanted->uri = token_keys_new(wanted->token, role_name(wanted->subject.role), algorithm->bits, algorithm->group,
                                 issue_decrypts(&wanted->subject) ? TOKEN_DECRYPTS : TOKEN_SIGNS, error);
    return wanted->uri != NULL ? keys_load(wanted->uri, error) : NULL;
}

/* A key in a file is deleted. One in a token stays: who can make keys there need not be able to delete them. */
static int give_up(const struct key_wanted *wanted, struct error *error)
{
    if (wanted->token == NULL)
        (void)unlink(wanted->out);
    else if (wanted->uri != NULL)
        error_prefix(error, "the token has the new key %s, but", wanted->uri);
    return cli_failed(error);
}

int key_make(struct key_wanted *wanted)
{
    struct error error = {0};
    owned(authority) struct authority authority = {0};
    if (!read_authority(wanted->authority, &authority, &error))
        return cli_bad_input(&error);
    g_autofree char *path = issue_path_beside(wanted->out, authority.key != NULL ? ".pem" : ".csr");
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        error_set(&error, ERROR_PERMANENT, "%s exists already", path);
        return cli_failed(&error);
    }
    owned(EVP_PKEY) EVP_PKEY *key = make_key(wanted, &error);
    if (key == NULL)
        return wanted->token != NULL ? give_up(wanted, &error) : cli_failed(&error);
    wanted->subject.key = key;
    bool written = (wanted->token != NULL || issue_give_to_folder_owner(wanted->out, &error)) &&
                   issue_write_for(&wanted->subject, authority.certificate, authority.key, path, &error);
    wanted->subject.key = NULL;
    if (!written)
        return give_up(wanted, &error);
    printf("created %s and %s%s\n", wanted->token != NULL ? wanted->uri : wanted->out, path,
           authority.key != NULL ? "" : "; send the request to your certification authority");
    return EX_OK;
}

int key_wanted_check(const struct command *self, const struct key_wanted *wanted)
{
    const struct issue_algorithm *algorithm = wanted->algorithm;
    if ((issue_decrypts(&wanted->subject) && !algorithm->decrypts) ||
        (issue_signs(&wanted->subject) && !algorithm->signs))
        return cli_usage(self, "%s is no algorithm for the role %s", algorithm->word, role_name(wanted->subject.role));
    if (!algorithm->signs && wanted->authority == NULL)
        return cli_usage(self, KEY_SIGNS_NO_REQUEST);
    if (!algorithm->signs && wanted->token != NULL)
        return cli_usage(self, "x25519 keys are made in files only");
    return CLI_GO;
}

static void print_identity(const struct key_wanted *wanted)
{
    g_autofree char *certificate = issue_path_beside(wanted->out, ".pem");
    printf("\nadd this to identities; paths are absolute or relative to domsec.conf:\n\n"
           "  { domain = \"%s\"; role = \"%s\";\n    certificate = \"%s\"; key = \"%s\"; }\n",
           wanted->subject.domain, role_name(wanted->subject.role), certificate, wanted->uri);
}

static int make_new(const struct command *self, const struct key_names *names, struct key_wanted *wanted)
{
    g_autofree char *name = wanted->authority == NULL ? key_names_of_request(names) : NULL;
    wanted->subject = (struct subject){.domain = names->domain, .role = names->role, .address = name};
    int status = key_wanted_check(self, wanted);
    if (status == CLI_GO)
        status = key_make(wanted);
    if (status == EX_OK)
        print_identity(wanted);
    g_free(wanted->uri);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct key_names names = {0};
    struct key_wanted wanted = {0};
    const char *domain = NULL, *role = NULL, *algorithm = "rsa2048";
    const struct option_spec options[] = {
        {"domain", 'd', OPTION_TEXT, &domain, "DOMAIN", "mail domain"},
        {"role", 'r', OPTION_TEXT, &role, "ROLE", "domain-signing-authority, domain-confidentiality-authority, ..."},
        {"out", 'o', OPTION_TEXT, &wanted.out, "FILE", "file for the new key, such as keys/dca-2028.key"},
        {"token", 0, OPTION_TEXT, &wanted.token, "URI",
         "let a token make the key: pkcs11:token=LABEL?module-path=...&pin-source=..."},
        {"algorithm", 0, OPTION_TEXT, &algorithm, "WORD", ISSUE_ALGORITHMS "; default: rsa2048"},
        {"ca", 0, OPTION_TEXT, &wanted.authority, "DIR",
         "issue a certificate with DIR/ca.key and DIR/ca.pem instead of a request"},
        KEY_NAME_OPTIONS(names),
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    if (wanted.out == NULL)
        return cli_usage(self, "--out is required");
    wanted.algorithm = issue_algorithm_find(algorithm);
    if (wanted.algorithm == NULL)
        return cli_usage(self, "algorithm %s is not one of " ISSUE_ALGORITHMS, algorithm);
    status = key_names_check(self, domain, role, &names);
    if (status == CLI_GO)
        status = make_new(self, &names, &wanted);
    g_free(names.domain);
    return status;
}

const struct command command_key_new = {
    .name = "key new",
    .arguments = "--domain DOMAIN --role ROLE --out FILE [--token URI] [--algorithm WORD] "
                 "[--ca DIR | --address ADDRESS | --role-names]",
    .summary = "create a key with a certificate request or a certificate",
    .details =
        "The key is written to FILE with mode 0600, and the request or certificate beside it: keys/x.key\n"
        "gives keys/x.csr or keys/x.pem. Existing files are not overwritten. The DIR of --ca is usually the\n"
        "directory `ca` that `domsec init` created. With --token the key is made in a token, which it never\n"
        "leaves, and FILE only says where the request or certificate goes. A request has a mail address as its\n"
        "only name, because a public authority may not certify a role as a name; a certificate from DIR has the\n"
        "names of RFC 3183.\n",
    .run = run};
