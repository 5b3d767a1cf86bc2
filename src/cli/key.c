/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key: creates keys for our identities, with a request for a CA, or with a certificate from the private CA of `domsec
 * init`. It does not change the configuration. It prints the lines to add, so that an old and a new confidentiality
 * authority can coexist while partners change over.
 */
#include "cli.h"

#include "issue.h"
#include "key_import.h"
#include "key_list.h"

#include <string.h>
#include <unistd.h>

struct request {
    const char *domain, *role_word, *algorithm, *key, *out, *authority, *address;
    bool role_names;
    char *normalised; /* domain */
    enum role role;
};

/* Checks the domain and the role. CLI_GO or EX_USAGE. */
static int check_names(const struct command *self, struct request *request)
{
    if (request->domain == NULL || request->role_word == NULL)
        return cli_usage(self, "--domain and --role are required");
    request->normalised = domain_of_mail(request->domain);
    if (request->normalised == NULL || strchr(request->normalised, '.') == NULL)
        return cli_usage(self, "%s is not a mail domain", request->domain);
    if (!cli_role(request->role_word, &request->role))
        return cli_usage(self, "%s is not a role; the roles are %s, %s, %s and %s", request->role_word, role_name(0),
                         role_name(1), role_name(2), role_name(3));
    return CLI_GO;
}

/* The only name of a request; NULL: the names of RFC 3183. */
static char *name_of_request(const struct request *request)
{
    return request->role_names ? NULL : issue_request_address(request->address, request->role, request->normalised);
}

#define NAME_OPTIONS(request)                                                                                          \
    {"address", 0, OPTION_TEXT, &(request).address, "ADDRESS", "address in the request instead of that of the role"},  \
    {                                                                                                                  \
        "role-names", 0, OPTION_FLAG, &(request).role_names, NULL,                                                     \
            "name the request as RFC 3183 does, with the role as common name"                                          \
    }

static int check_address(const struct command *self, const struct request *request)
{
    struct address address = {0};
    if (request->address == NULL)
        return CLI_GO;
    if (request->role_names)
        return cli_usage(self, "--address and --role-names exclude each other");
    if (!cli_address(request->address, &address))
        return EX_USAGE;
    bool is_ours = g_strcmp0(address.domain, request->normalised) == 0;
    address_clear(&address);
    return is_ours ? CLI_GO : cli_usage(self, "%s is not in the domain %s", request->address, request->normalised);
}

static EVP_PKEY *load_file_key(const char *path, struct error *error)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *uri = g_strconcat("file:", absolute, NULL);
    return keys_load(uri, error);
}

/* The private CA of `domsec init`; both NULL: there is none. */
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
    authority->key = load_file_key(key_path, error);
    owned(x509_stack) STACK_OF(X509) *list = authority->key != NULL ? certificates_load(certificate_path, error) : NULL;
    authority->certificate = list != NULL ? sk_X509_shift(list) : NULL;
    return authority->certificate != NULL;
}

static void print_identity(const struct request *request)
{
    g_autofree char *certificate = issue_path_beside(request->out, ".pem");
    printf("\nadd this to identities; paths are absolute or relative to domsec.conf:\n\n"
           "  { domain = \"%s\"; role = \"%s\";\n    certificate = \"%s\"; key = \"file:%s\"; }\n",
           request->normalised, role_name(request->role), certificate, request->out);
}

static int make_new(const struct request *request)
{
    struct error error = {0};
    owned(authority) struct authority authority = {0};
    if (!read_authority(request->authority, &authority, &error))
        return cli_bad_input(&error);
    owned(EVP_PKEY) EVP_PKEY *key = issue_key(request->algorithm, &error);
    if (key == NULL || !issue_write_key(request->out, key, NULL, &error))
        return cli_failed(&error);
    g_autofree char *name = authority.key == NULL ? name_of_request(request) : NULL;
    struct subject subject = {request->normalised, request->role, key, name};
    g_autofree char *path = issue_path_beside(request->out, authority.key != NULL ? ".pem" : ".csr");
    if (!issue_give_to_folder_owner(request->out, &error) ||
        !issue_write_for(&subject, authority.certificate, authority.key, path, &error)) {
        (void)unlink(request->out);
        return cli_failed(&error);
    }
    printf("created %s and %s%s\n", request->out, path,
           authority.key != NULL ? "" : "; send the request to your certification authority");
    print_identity(request);
    return EX_OK;
}

static int run_new(const struct command *self, int argc, char **argv)
{
    struct request request = {.algorithm = "rsa2048"};
    const struct option_spec options[] = {
        {"domain", 'd', OPTION_TEXT, &request.domain, "DOMAIN", "mail domain"},
        {"role", 'r', OPTION_TEXT, &request.role_word, "ROLE",
         "domain-signing-authority, domain-confidentiality-authority, ..."},
        {"out", 'o', OPTION_TEXT, &request.out, "FILE", "file for the new key, such as keys/dca-2028.key"},
        {"algorithm", 0, OPTION_TEXT, &request.algorithm, "WORD", ISSUE_ALGORITHMS "; default: rsa2048"},
        {"ca", 0, OPTION_TEXT, &request.authority, "DIR",
         "issue a certificate with DIR/ca.key and DIR/ca.pem instead of a request"},
        NAME_OPTIONS(request),
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    if (request.out == NULL)
        return cli_usage(self, "--out is required");
    if (!issue_algorithm_known(request.algorithm))
        return cli_usage(self, "algorithm %s is not one of " ISSUE_ALGORITHMS, request.algorithm);
    status = check_names(self, &request);
    if (status == CLI_GO)
        status = check_address(self, &request);
    if (status == CLI_GO)
        status = make_new(&request);
    g_free(request.normalised);
    return status;
}

static int make_request(const struct request *request)
{
    struct error error = {0};
    bool has_scheme = strchr(request->key, ':') != NULL && !text_begins_with(request->key, "file:");
    const char *path = text_begins_with(request->key, "file:") ? request->key + strlen("file:") : request->key;
    owned(EVP_PKEY) EVP_PKEY *key = has_scheme ? keys_load(request->key, &error) : load_file_key(path, &error);
    if (key == NULL)
        return cli_bad_input(&error);
    g_autofree char *name = name_of_request(request);
    struct subject subject = {request->normalised, request->role, key, name};
    owned(X509_REQ) X509_REQ *wanted = issue_request(&subject, &error);
    g_autofree char *pem = wanted != NULL ? issue_request_pem(wanted, &error) : NULL;
    if (pem == NULL)
        return cli_failed(&error);
    if (request->out == NULL) {
        fputs(pem, stdout);
        return EX_OK;
    }
    return issue_write_request(request->out, wanted, &error) ? EX_OK : cli_failed(&error);
}

static int run_csr(const struct command *self, int argc, char **argv)
{
    struct request request = {0};
    const struct option_spec options[] = {
        {"domain", 'd', OPTION_TEXT, &request.domain, "DOMAIN", "mail domain"},
        {"role", 'r', OPTION_TEXT, &request.role_word, "ROLE",
         "domain-signing-authority, domain-confidentiality-authority, ..."},
        {"key", 'k', OPTION_TEXT, &request.key, "KEY", "private key: a file, or a URI as in the configuration"},
        {"out", 'o', OPTION_TEXT, &request.out, "FILE", "file for the request; default: standard output"},
        NAME_OPTIONS(request),
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    if (request.key == NULL)
        return cli_usage(self, "--key is required");
    status = check_names(self, &request);
    if (status == CLI_GO)
        status = check_address(self, &request);
    if (status == CLI_GO)
        status = make_request(&request);
    g_free(request.normalised);
    return status;
}

static const struct command
    command_new =
        {.name = "key new",
         .arguments =
             "--domain DOMAIN --role ROLE --out FILE [--algorithm WORD] [--ca DIR | --address ADDRESS | --role-names]",
         .summary = "create a key with a certificate request or a certificate",
         .details =
             "The key is written to FILE with mode 0600, and the request or certificate beside it: keys/x.key\n"
             "gives keys/x.csr or keys/x.pem. Existing files are not overwritten. The DIR of --ca is usually the\n"
             "directory `ca` that `domsec init` created. A request has a mail address as its only name, because a\n"
             "public authority may not certify a role as a name; a certificate from DIR has the names of RFC 3183.\n",
         .run = run_new},
    command_csr = {.name = "key csr",
                   .arguments = "--domain DOMAIN --role ROLE --key KEY [--address ADDRESS | --role-names] [--out FILE]",
                   .summary = "create a certificate request for an existing key",
                   .run = run_csr};

static int run(const struct command *self, int argc, char **argv)
{
    static const struct command *const list[] = {&command_new, &command_csr, &command_key_import, &command_key_list,
                                                 NULL};
    return cli_dispatch(self, list, argc, argv);
}

const struct command command_key = {
    .name = "key",
    .arguments = "new|csr|import|list",
    .summary = "create keys and certificate requests for our identities",
    .run = run,
};
