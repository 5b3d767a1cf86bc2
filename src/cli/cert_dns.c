/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_dns: what others need to find in our zones, as lines of a zone file: an SMIMEA record (RFC 8162) for each
 * address of our certificates. It holds the certificate in full (3 0 0), because who wants to encrypt has nothing yet
 * that a digest could agree with. Of several certificates for one address the newest valid one is published, for each
 * purpose. It reads no private key.
 */
#include "cert_dns.h"

#include "certs/association.h"
#include "conf/address_set.h"
#include "describe.h"
#include "own.h"
#include "trust/trust.h"

#include <string.h>

#define TTL 3600
#define DIGITS 64 /* of a line */

struct publication {
    const struct conf *conf;
    X509 **own;                 /* by conf->identities */
    const char *domain, *local; /* which are asked for; NULL: all */
    unsigned count;
    GPtrArray *domains; /* whose records were printed */
};

/* --- which --- */

static bool is_wanted(const struct publication *publication, const struct address *address)
{
    return (publication->domain == NULL || strcmp(publication->domain, address->domain) == 0) &&
           (publication->local == NULL || g_ascii_strcasecmp(publication->local, address->local) == 0);
}

/* The address under which the identity is found, the index-th; NULL: it has no more. g_free(). */
static char *address_of(const struct identity_conf *identity, size_t index)
{
    if (identity->role == ROLE_MAILBOX)
        return g_strdup(identity->addresses[index]);
    return index == 0 ? g_strconcat(role_name(identity->role), "@", identity->domain, NULL) : NULL;
}

static bool has_address(const struct identity_conf *identity, const char *text)
{
    bool found = false;
    for (size_t i = 0; !found; i++) {
        g_autofree char *each = address_of(identity, i);
        if (each == NULL)
            break;
        found = strcmp(each, text) == 0;
    }
    return found;
}

/* The newest valid certificate for this address and purpose; NULL: no certificate is valid. */
static const X509 *newest(const struct publication *publication, const char *address, enum purpose purpose)
{
    const struct identity_conf *identities = publication->conf->identities, *best = NULL;
    const X509 *found = NULL;
    time_t now = time(NULL);
    for (size_t i = 0; i < publication->conf->identity_count; i++) {
        const X509 *each = publication->own[i];
        if (each == NULL || !has_address(&identities[i], address) || !identity_is_current(&identities[i], each, now) ||
            trust_usage_refusal(each, purpose) != NULL)
            continue;
        if (best == NULL || identity_is_newer(&identities[i], each, best, found)) {
            best = &identities[i];
            found = each;
        }
    }
    return found;
}

/* --- records --- */

static void print_record(const char *name, const X509 *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509((X509 *)certificate, &der);
    printf("%s. %d IN SMIMEA 3 0 0 (", name, TTL);
    for (int i = 0; i < length; i++)
        printf("%s%02x", i % (DIGITS / 2) == 0 ? "\n    " : "", der[i]);
    printf(" )\n");
    OPENSSL_free(der);
}

static void publish(struct publication *publication, const struct address *address, const X509 *certificate)
{
    g_autofree char *name = smimea_name(address->local, address->domain);
    g_autofree char *subject = describe_name(certificate), *until = describe_date(X509_get0_notAfter(certificate)),
                    *id = describe_id(certificate);
    printf("\n; %s: %s, until %s, SHA-256 %s\n", address->text, subject, until, id);
    print_record(name, certificate);
    publication->count++;
    if (!g_ptr_array_find_with_equal_func(publication->domains, address->domain, g_str_equal, NULL))
        g_ptr_array_add(publication->domains, g_strdup(address->domain));
}

static void publish_address(struct publication *publication, const char *text)
{
    struct address address = {0};
    struct error error = {0};
    if (address_pattern_is_wide(text)) {
        fprintf(stderr, "domsec: %s: the DNS has no names for patterns; \"address\" has to name each mailbox\n", text);
        return;
    }
    if (!address_parse(slice_of(text), &address, &error))
        return;
    const X509 *encrypts = newest(publication, text, PURPOSE_ENCRYPT), *signs = newest(publication, text, PURPOSE_SIGN);
    bool wanted = is_wanted(publication, &address);
    if (wanted && encrypts != NULL)
        publish(publication, &address, encrypts);
    if (wanted && signs != NULL && signs != encrypts)
        publish(publication, &address, signs);
    if (wanted && encrypts == NULL && signs == NULL)
        fprintf(stderr, "domsec: %s: no certificate is valid now\n", address.text);
    address_clear(&address);
}

static void publish_all(struct publication *publication)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < publication->conf->identity_count; i++)
        for (size_t j = 0;; j++) {
            char *address = address_of(&publication->conf->identities[i], j);
            if (address == NULL)
                break;
            if (g_hash_table_add(seen, address))
                publish_address(publication, address);
        }
}

/* Which name an authority has in CAA records does not stand in its certificates. */
static void print_caa(const struct publication *publication)
{
    for (guint i = 0; i < publication->domains->len; i++) {
        const char *domain = g_ptr_array_index(publication->domains, i);
        printf("\n; Which authorities may issue certificates for addresses of %s (RFC 9495). Put the name of yours in\n"
               "; place of ca.example; \";\" alone forbids it to all public ones, if your certificates are from your "
               "own.\n"
               ";%s. %d IN CAA 0 issuemail \"ca.example\"\n",
               domain, domain, TTL);
    }
}

/* --- the command --- */

static int print_zone(const char *file, const char *domain, const char *local)
{
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    owned(faults) struct faults *faults = faults_new();
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func(g_free);
    struct publication publication = {
        .conf = conf, .own = own_read(conf, faults), .domain = domain, .local = local, .domains = domains};
    cli_print_faults(stderr, faults);
    printf("; SMIMEA records (RFC 8162), for zones that are signed with DNSSEC: elsewhere they do not count.\n");
    publish_all(&publication);
    print_caa(&publication);
    own_free(publication.own, conf);
    if (faults_errors(faults) > 0)
        return EX_CONFIG;
    if (publication.count > 0)
        return EX_OK;
    fprintf(stderr, "domsec: we have no valid certificate to publish%s%s\n", domain != NULL ? " for " : "",
            domain != NULL ? domain : "");
    return 1;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    int first = 0;
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(file)};
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &first);
    if (status != CLI_GO)
        return status;
    if (argc - first > 1)
        return cli_usage(self, "one domain or address is enough");
    if (argc == first)
        return print_zone(file, NULL, NULL);
    struct address address = {0};
    if (strchr(argv[first], '@') != NULL) {
        if (!cli_address(argv[first], &address))
            return EX_USAGE;
        status = print_zone(file, address.domain, address.local);
        address_clear(&address);
        return status;
    }
    g_autofree char *domain = domain_of_mail(argv[first]);
    return domain != NULL ? print_zone(file, domain, NULL) : cli_usage(self, "\"%s\" is not a domain", argv[first]);
}

const struct command command_cert_dns = {
    .name = "cert dns",
    .arguments = "[-c FILE] [DOMAIN|ADDRESS]",
    .summary = "print the SMIMEA records of our own certificates for a zone file",
    .details = "Others find our certificates by them, if the zone is signed with DNSSEC.\n",
    .run = run,
};
