/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: creates a directory with a working configuration for one domain: keys, certificates from a private CA (or
 * requests for another CA), and a domsec.conf with comments. It is all or nothing: if a step fails, the files created
 * so far are removed. Existing files are never overwritten, so it cannot renew certificates; `domsec key` does.
 */
#include "cli.h"

#include "init_conf.h"
#include "issue.h"
#include "output.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
    struct init_choices choices;
    char *folder; /* absolute */
    const char *algorithm;
    const char *owner; /* NULL: unchanged */
    uid_t uid;
    gid_t gid;
    GPtrArray *made; /* paths, in the order of creation */
};

static const struct {
    enum role role;
    const char *stem;
} authorities[] = {{ROLE_DOMAIN_SIGNING, "dsa"}, {ROLE_DOMAIN_CONFIDENTIALITY, "dca"}};

static char *path_of(const struct request *request, const char *name)
{
    return g_build_filename(request->folder, name, NULL);
}

/* Records a file that was just created, so that it can be removed. */
static bool note(struct request *request, bool made, const char *path)
{
    if (made)
        g_ptr_array_add(request->made, g_strdup(path));
    return made;
}

static void take_away(struct request *request)
{
    for (guint i = request->made->len; i > 0; i--)
        (void)g_remove(request->made->pdata[i - 1]);
}

static bool own(const struct request *request, const char *path, struct error *error)
{
    if (request->owner == NULL || chown(path, request->uid, request->gid) == 0)
        return true;
    return error_set(error, ERROR_TEMPORARY, "cannot change the owner of %s to %s: %s", path, request->owner,
                     g_strerror(errno));
}

/* Accepts an existing directory, except the one for the keys. */
static bool make_folder(struct request *request, const char *name, mode_t mode, struct error *error)
{
    g_autofree char *path = path_of(request, name);
    if (mkdir(path, mode) != 0) {
        if (errno == EEXIST && mode == 0755 && g_file_test(path, G_FILE_TEST_IS_DIR))
            return true;
        return error_set(error, errno == EEXIST ? ERROR_PERMANENT : ERROR_TEMPORARY, "cannot create %s: %s", path,
                         g_strerror(errno));
    }
    note(request, true, path);
    if (chmod(path, mode) != 0)
        return error_set(error, ERROR_TEMPORARY, "cannot set the mode of %s: %s", path, g_strerror(errno));
    return true;
}

static bool make_folders(struct request *request, struct error *error)
{
    g_autofree char *parent = g_path_get_dirname(request->folder);
    if (g_mkdir_with_parents(parent, 0755) != 0)
        return error_set(error, ERROR_TEMPORARY, "cannot create %s: %s", parent, g_strerror(errno));
    if (!make_folder(request, "", 0755, error) || !make_folder(request, "policy.d", 0755, error) ||
        !make_folder(request, "certs", 0755, error) || !make_folder(request, "certs.d", 0755, error) ||
        !make_folder(request, "anchors", 0755, error) || !make_folder(request, "keys", 0700, error))
        return false;
    g_autofree char *keys = path_of(request, "keys");
    return own(request, keys, error) && (request->choices.csr || make_folder(request, "ca", 0755, error));
}

static EVP_PKEY *make_key(struct request *request, const char *name, bool for_authority, struct error *error)
{
    g_autofree char *path = path_of(request, name);
    const struct issue_algorithm *algorithm = issue_algorithm_find(request->algorithm);
    owned(EVP_PKEY) EVP_PKEY *key = for_authority ? issue_authority_key(algorithm, error) : issue_key(algorithm, error);
    if (key == NULL || !note(request, issue_write_key(path, key, NULL, error), path))
        return NULL;
    /* The caller remains the owner of the CA key, because the daemon does not use it. */
    if (!for_authority && !own(request, path, error))
        return NULL;
    return steal(&key);
}

/* Creates keys, with certificates from that CA, or with requests if it is NULL. */
static bool make_identities(struct request *request, X509 *authority, EVP_PKEY *authority_key, struct error *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(authorities); i++) {
        g_autofree char *name = g_strdup_printf("keys/%s.key", authorities[i].stem);
        owned(EVP_PKEY) EVP_PKEY *key = make_key(request, name, false, error);
        if (key == NULL)
            return false;
        const struct init_choices *choices = &request->choices;
        g_autofree char *address = authority == NULL && !choices->role_names
                                       ? issue_request_address(choices->address, authorities[i].role, choices->domain)
                                       : NULL;
        struct subject subject = {choices->domain, authorities[i].role, key, address};
        g_autofree char *beside = g_strdup_printf("keys/%s.%s", authorities[i].stem, authority != NULL ? "pem" : "csr");
        g_autofree char *path = path_of(request, beside);
        if (!note(request, issue_write_for(&subject, authority, authority_key, path, error), path) ||
            !own(request, path, error))
            return false;
    }
    return true;
}

/* The key with which a message is sealed while Postfix splits it. */
static bool make_split_key(struct request *request, struct error *error)
{
    unsigned char octets[32];
    g_autofree char *path = path_of(request, "keys/split.key");
    if (RAND_priv_bytes(octets, sizeof(octets)) != 1)
        return error_set_openssl(error, ERROR_TEMPORARY, "cannot create the key for split messages");
    bool made =
        note(request, output_create(path, 0600, (struct slice){(const char *)octets, sizeof(octets)}, error), path);
    OPENSSL_cleanse(octets, sizeof(octets));
    return made && own(request, path, error);
}

static bool make_certificates(struct request *request, struct error *error)
{
    owned(EVP_PKEY) EVP_PKEY *authority_key = make_key(request, "ca/ca.key", true, error);
    if (authority_key == NULL)
        return false;
    owned(X509) X509 *authority = issue_authority(request->choices.domain, authority_key, error);
    g_autofree char *authority_path = path_of(request, "ca/ca.pem");
    if (authority == NULL || !note(request, issue_write_certificate(authority_path, authority, error), authority_path))
        return false;
    return make_identities(request, authority, authority_key, error);
}

/* This file is written last, so a directory with a domsec.conf is complete. */
static bool make_configuration(struct request *request, struct error *error)
{
    g_autofree char *path = path_of(request, "domsec.conf");
    g_autofree char *text = init_conf_text(&request->choices);
    if (!note(request, output_create(path, 0644, slice_of(text), error), path))
        return false;
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(path, faults);
    if (conf == NULL) {
        cli_print_faults(stderr, faults);
        return error_set(error, ERROR_PERMANENT, "the configuration with these options is bad");
    }
    return true;
}

static bool make_all(struct request *request, struct error *error)
{
    g_autofree char *configuration = path_of(request, "domsec.conf");
    if (g_file_test(configuration, G_FILE_TEST_EXISTS) || g_file_test(configuration, G_FILE_TEST_IS_SYMLINK))
        return error_set(error, ERROR_PERMANENT, "%s already exists and is not overwritten", configuration);
    bool made =
        make_folders(request, error) &&
        (request->choices.csr ? make_identities(request, NULL, NULL, error) : make_certificates(request, error)) &&
        make_split_key(request, error) && make_configuration(request, error);
    if (!made)
        take_away(request);
    return made;
}

static int find_owner(const struct command *self, struct request *request)
{
    if (request->owner == NULL && geteuid() == 0 && getpwnam(CONF_USER_DEFAULT) != NULL)
        request->owner = CONF_USER_DEFAULT;
    if (request->owner == NULL)
        return CLI_GO;
    const struct passwd *user = getpwnam(request->owner);
    if (user == NULL)
        return cli_usage(self, "no such user: %s", request->owner);
    request->uid = user->pw_uid;
    request->gid = user->pw_gid;
    if (!g_str_equal(request->owner, CONF_USER_DEFAULT))
        request->choices.user = request->owner;
    return CLI_GO;
}

static int make(const struct command *self, struct request *request)
{
    struct error error = {0};
    int status = find_owner(self, request);
    if (status != CLI_GO)
        return status;
    if (!make_all(request, &error))
        return cli_failed(&error);
    init_print_next(&request->choices, request->folder, request->algorithm, request->owner);
    return EX_OK;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct request request = {.algorithm = "rsa2048", .choices = {.listen = CONF_LISTEN_POSTFIX}};
    const char *domain = NULL;
    const struct option_spec options[] = {
        {"domain", 'd', OPTION_TEXT, &domain, "DOMAIN", "mail domain; may contain non-ASCII letters"},
        {"csr", 0, OPTION_FLAG, &request.choices.csr, NULL,
         "create certificate requests for another CA instead of certificates"},
        {"address", 0, OPTION_TEXT, &request.choices.address, "ADDRESS",
         "address in the requests instead of those of the roles, such as gateway@acme.test"},
        {"role-names", 0, OPTION_FLAG, &request.choices.role_names, NULL,
         "name the requests as RFC 3183 does, with the role as common name"},
        {"algorithm", 0, OPTION_TEXT, &request.algorithm, "WORD", ISSUE_DOMAIN_ALGORITHMS "; default: rsa2048"},
        {"listen", 0, OPTION_TEXT, &request.choices.listen, "SOCKET",
         "socket on which the daemon will listen; default: " CONF_LISTEN_POSTFIX},
        {"owner", 0, OPTION_TEXT, &request.owner, "USER",
         "owner of the keys; default for root: domsec, if that user exists"},
    };
    int operands = 0;
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (domain == NULL)
        return cli_usage(self, "--domain is required");
    if (argc - operands != 1)
        return cli_usage(self, "exactly one directory is required");
    if ((request.choices.address != NULL || request.choices.role_names) && !request.choices.csr)
        return cli_usage(self, "--address and --role-names are for --csr");
    if (request.choices.address != NULL && request.choices.role_names)
        return cli_usage(self, "--address and --role-names exclude each other");
    const struct issue_algorithm *algorithm = issue_algorithm_find(request.algorithm);
    if (algorithm == NULL || !algorithm->signs || !algorithm->decrypts)
        return cli_usage(self, "algorithm %s is not one of " ISSUE_DOMAIN_ALGORITHMS, request.algorithm);
    g_autofree char *normalised = domain_of_mail(domain);
    if (normalised == NULL || strchr(normalised, '.') == NULL)
        return cli_usage(self, "%s is not a mail domain", domain);
    if (request.owner != NULL && !init_conf_is_plain(request.owner))
        return cli_usage(self, "no such user: %s", request.owner);
    if (!init_conf_is_plain(request.choices.listen))
        return cli_usage(self, "%s is not a socket", request.choices.listen);
    status = issue_check_address(self, request.choices.address, normalised);
    if (status != CLI_GO)
        return status;
    g_autofree char *folder = g_canonicalize_filename(argv[operands], NULL);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    request.choices.domain = normalised;
    request.folder = folder;
    request.made = made;
    return make(self, &request);
}

const struct command command_init = {
    .name = "init",
    .arguments = "--domain DOMAIN [--csr [--address ADDRESS | --role-names]] [--algorithm WORD] [--listen SOCKET] "
                 "[--owner USER] DIR",
    .summary = "create a working configuration with keys and certificates in DIR",
    .details =
        "Creates domsec.conf, a private CA in DIR/ca, keys and certificates for the domain's signing and\n"
        "confidentiality authorities, and empty directories for policies, certificates and trust anchors. With --csr\n"
        "it creates certificate requests instead of a CA. Existing files are not overwritten.\n"
        "The requests have a mail address as their only name, because a public authority may not certify a role as\n"
        "a name. Partners then set naming = \"mailbox\", or \"address\" with the ADDRESS of --address.\n",
    .run = run,
};
