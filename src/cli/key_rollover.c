/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_rollover: makes the key that takes the place of another, of the same kind, in the same sort of place and with the
 * same names, and prints what to add to the configuration, which it does not change. From then on the dates decide:
 * nothing has to be done on the day.
 *
 * A month is left for partners before the new certificate is used, and a month in which the old key decrypts after its
 * certificate has expired: what was encrypted on its last day may lie in a queue for days.
 */
#include "key_rollover.h"

#include "base/moment.h"
#include "conf/token_uri.h"
#include "holders.h"
#include "key_new.h"
#include "keys/bundle.h"
#include "keys/key_environment.h"
#include "keys/token_keys.h"
#include "own.h"
#include "standing.h"

#include <string.h>

#define DAY (24 * 60 * 60)
#define DAYS_BEFORE 30 /* until the new certificate is used */
#define DAYS_AFTER 30  /* that the old key decrypts after the end of its certificate */

struct rollover {
    const struct conf *conf;
    const struct identity_conf *old;
    X509 *certificate; /* of old; lent */
    char *passphrase;  /* of its file; NULL: none */
    time_t now, from, until;
    char *out, *token, *name, **others; /* as struct key_wanted and struct subject have them */
    struct key_wanted wanted;
};

struct choice {
    const char *domain, *role, *address, *line, *out, *token, *algorithm, *authority, *from, *until;
};

static void rollover_clear(struct rollover *rollover)
{
    g_free(rollover->out);
    g_free(rollover->token);
    g_free(rollover->name);
    g_strfreev(rollover->others);
    g_free((char *)rollover->wanted.subject.domain);
    g_free(rollover->wanted.uri);
    passphrase_free(rollover->passphrase);
}

static time_t midnight(time_t at)
{
    return at - at % DAY;
}

/* --- which identity --- */

static bool has_address(const struct identity_conf *identity, const char *address)
{
    struct error ignored = {0};
    g_autofree char *normal = address_pattern_normalise(address, &ignored);
    return normal != NULL && identity->role == ROLE_MAILBOX &&
           g_strv_contains((const char *const *)identity->addresses, normal);
}

static bool is_meant(const struct identity_conf *identity, const struct choice *choice, const char *domain)
{
    if (choice->line != NULL)
        return identity->line == g_ascii_strtoull(choice->line, NULL, 10);
    if (choice->address != NULL)
        return has_address(identity, choice->address);
    return identity->domain != NULL && domain != NULL && g_str_equal(identity->domain, domain) &&
           g_str_equal(role_name(identity->role), choice->role);
}

/* Those in force are first, then the newest. */
static bool is_better(const struct rollover *rollover, X509 *const *own, const enum standing *standing, size_t index)
{
    const struct identity_conf *each = &rollover->conf->identities[index];
    if (rollover->old == NULL)
        return true;
    bool in_force = standing[index] == STANDING_IN_FORCE;
    bool was = standing[rollover->old - rollover->conf->identities] == STANDING_IN_FORCE;
    return in_force != was ? in_force : identity_is_newer(each, own[index], rollover->old, rollover->certificate);
}

static int find_old(const struct command *self, const struct choice *choice, X509 *const *own,
                    const enum standing *standing, struct rollover *rollover)
{
    g_autofree char *domain = choice->domain != NULL ? domain_of_mail(choice->domain) : NULL;
    const struct conf *conf = rollover->conf;
    unsigned in_force = 0;
    for (size_t i = 0; i < conf->identity_count; i++) {
        if (own[i] == NULL || !is_meant(&conf->identities[i], choice, domain))
            continue;
        in_force += standing[i] == STANDING_IN_FORCE;
        if (is_better(rollover, own, standing, i)) {
            rollover->old = &conf->identities[i];
            rollover->certificate = own[i];
        }
    }
    if (rollover->old == NULL) {
        fprintf(stderr,
                "domsec: %s: there is no such identity with a certificate; make the first with domsec key new\n",
                conf->file);
        return EX_DATAERR;
    }
    return in_force > 1 ? cli_usage(self, "%u identities of %s are in force; say which with --line", in_force,
                                    identity_owner(rollover->old))
                        : CLI_GO;
}

static bool serve_the_same(const struct identity_conf *a, X509 *certificate_a, const struct identity_conf *b,
                           X509 *certificate_b)
{
    return (standing_signs(a, certificate_a) && standing_signs(b, certificate_b)) ||
           (standing_decrypts(a, certificate_a) && standing_decrypts(b, certificate_b));
}

/* Whether another identity is to take the place of the old one. What a mailbox's key is for shows in its certificate
 * only, so one that is awaited says nothing. */
static bool is_successor(const struct rollover *rollover, X509 *const *own, const enum standing *standing, size_t index)
{
    const struct identity_conf *each = &rollover->conf->identities[index];
    if (!identity_same_owner(each, rollover->old))
        return false;
    if (standing[index] == STANDING_AWAITED)
        return each->role != ROLE_MAILBOX;
    return standing[index] == STANDING_WAITING &&
           serve_the_same(each, own[index], rollover->old, rollover->certificate);
}

/* A second successor would take the place of the first one, which is most likely a mistake. */
static int check_under_way(const struct rollover *rollover, X509 *const *own, const enum standing *standing)
{
    const struct conf *conf = rollover->conf;
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *each = &conf->identities[i];
        if (!is_successor(rollover, own, standing, i))
            continue;
        g_autofree char *state = standing_text(standing[i], each);
        fprintf(stderr, "domsec: %s:%u: a rollover is under way already: %s: %s\n", conf->file, each->line,
                each->certificate, state);
        return EX_DATAERR;
    }
    return CLI_GO;
}

/* --- what is made --- */

/* As the old certificate is named: by its role (RFC 3183), or by addresses. */
static bool take_names(struct rollover *rollover)
{
    struct subject *subject = &rollover->wanted.subject;
    bool odd = false;
    g_auto(GStrv) common = certificate_common_names(rollover->certificate, &odd);
    g_auto(GStrv) addresses = certificate_san_addresses(rollover->certificate, &odd);
    const char *at = addresses[0] != NULL ? strrchr(addresses[0], '@') : NULL;
    subject->role = rollover->old->role;
    subject->signs = standing_signs(rollover->old, rollover->certificate);
    subject->decrypts = standing_decrypts(rollover->old, rollover->certificate);
    if (rollover->old->role != ROLE_MAILBOX)
        subject->domain = g_strdup(rollover->old->domain);
    else if (at != NULL)
        subject->domain = domain_of_mail(at + 1);
    if (subject->role != ROLE_MAILBOX && common[0] != NULL &&
        g_ascii_strcasecmp(common[0], role_name(subject->role)) == 0)
        return true;
    rollover->name = g_strdup(addresses[0]);
    rollover->others = addresses[0] != NULL ? g_strdupv(addresses + 1) : NULL;
    subject->address = rollover->name;
    subject->others = rollover->others;
    return subject->domain != NULL;
}

/* keys/dsa.pem → keys/dsa-2028-01-01.key, and from there keys/dsa-2030-01-01.key. */
static char *default_out(const struct rollover *rollover)
{
    g_autofree char *folder = g_path_get_dirname(rollover->old->certificate);
    g_autofree char *base = g_path_get_basename(rollover->old->certificate),
                    *date = moment_text(midnight(rollover->now));
    char *dot = strrchr(base, '.');
    if (dot != NULL && dot != base)
        *dot = '\0';
    g_autoptr(GRegex) dated = g_regex_new("-[0-9]{4}-[0-9]{2}-[0-9]{2}$", 0, 0, NULL);
    g_autofree char *stem = g_regex_replace_literal(dated, base, -1, 0, "", 0, NULL);
    return g_strdup_printf("%s/%s-%s.key", folder, stem, date);
}

/* Beside the old one: in the same token, or in a file with the same passphrase. */
static bool take_place(const struct choice *choice, struct rollover *rollover, struct error *error)
{
    const char *secret_file = rollover->old->passphrase_file;
    rollover->out = choice->out != NULL ? g_strdup(choice->out) : default_out(rollover);
    if (choice->token != NULL) {
        rollover->token = g_strdup(choice->token);
    } else if (token_uri_is(rollover->old->key)) {
        g_autofree char *path = issue_path_beside(rollover->out, ""), *label = g_path_get_basename(path);
        rollover->token = token_uri_renamed(rollover->old->key, label, secret_file, error);
        if (rollover->token == NULL)
            return false;
    } else if (secret_file != NULL) {
        rollover->passphrase = passphrase_read(secret_file, error);
        if (rollover->passphrase == NULL)
            return false;
    }
    rollover->wanted.out = rollover->out;
    rollover->wanted.token = rollover->token;
    rollover->wanted.passphrase = rollover->passphrase;
    rollover->wanted.authority = choice->authority;
    return true;
}

static int take_algorithm(const struct command *self, const struct choice *choice, struct rollover *rollover)
{
    rollover->wanted.algorithm = choice->algorithm != NULL
                                     ? issue_algorithm_find(choice->algorithm)
                                     : issue_algorithm_like(X509_get0_pubkey(rollover->certificate));
    if (rollover->wanted.algorithm != NULL)
        return key_wanted_check(self, &rollover->wanted);
    return choice->algorithm != NULL
               ? cli_usage(self, "algorithm %s is not one of " ISSUE_ALGORITHMS, choice->algorithm)
               : cli_usage(self, "the old key is of another kind; say which with --algorithm: " ISSUE_ALGORITHMS);
}

/* Without --from the new one begins in a month, or when the old one ends, whatever is first. */
static int take_dates(const struct command *self, const struct choice *choice, struct rollover *rollover)
{
    const struct identity_conf *old = rollover->old;
    time_t ends = certificate_ends(rollover->certificate);
    time_t old_ends = old->until != 0 ? MIN(old->until, ends) : ends;
    rollover->from = midnight(MIN(rollover->now + DAYS_BEFORE * DAY, MAX(old_ends, rollover->now)));
    if (choice->from != NULL && (!moment_parse(choice->from, &rollover->from) || rollover->from <= 0))
        return cli_usage(self, "%s is not a date (example: 2028-01-01)", choice->from);
    rollover->until = old->until;
    if (old->until == 0 && rollover->wanted.subject.decrypts)
        rollover->until = midnight(MAX(ends, rollover->from)) + DAYS_AFTER * DAY;
    if (choice->until != NULL && (!moment_parse(choice->until, &rollover->until) || rollover->until <= 0))
        return cli_usage(self, "%s is not a date (example: 2028-01-01)", choice->until);
    return rollover->until != 0 && rollover->until < rollover->from
               ? cli_usage(self, "the old identity would end before the new one begins: --until must not be before "
                                 "--from")
               : CLI_GO;
}

/* --- what is said --- */

/* As it is written in domsec.conf: relative to its folder if it is below that; g_free(). */
static char *path_text(const struct rollover *rollover, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(rollover->conf->file), *prefix = g_strconcat(folder, "/", NULL);
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    return g_strdup(text_begins_with(absolute, prefix) ? absolute + strlen(prefix) : absolute);
}

static char *owner_text(const struct identity_conf *identity)
{
    if (identity->role != ROLE_MAILBOX)
        return g_strdup_printf("domain = \"%s\"; role = \"%s\";", identity->domain, role_name(identity->role));
    g_autofree char *joined = g_strjoinv("\", \"", identity->addresses);
    return identity->addresses[1] == NULL ? g_strdup_printf("address = \"%s\";", joined)
                                          : g_strdup_printf("address = ( \"%s\" );", joined);
}

/* Of the new key, where the old one has them, because a policy may ask for them (sign_with). It was made here just now,
 * so that no one else has a copy. */
static void print_declarations(const struct rollover *rollover)
{
    const struct identity_conf *old = rollover->old;
    const char *in_file = old->origin != NULL ? key_origin_name(ORIGIN_GATEWAY) : NULL;
    const char *origin = rollover->wanted.token == NULL ? in_file : token_uri_is(old->key) ? old->origin : NULL;
    if (origin != NULL)
        printf("    origin = \"%s\";\n", origin);
    if (old->escrowed != STATED_NOTHING)
        printf("    escrowed = false;\n");
}

static void print_identity(const struct rollover *rollover)
{
    const struct key_wanted *wanted = &rollover->wanted;
    g_autofree char *beside = issue_path_beside(wanted->out, ".pem"), *certificate = path_text(rollover, beside);
    g_autofree char *path = path_text(rollover, wanted->out), *from = moment_text(rollover->from);
    g_autofree char *owner = owner_text(rollover->old);
    printf("  { %s\n    certificate = \"%s\";\n    key = \"%s%s\";\n", owner, certificate,
           wanted->token != NULL ? "" : "file:", wanted->token != NULL ? wanted->uri : path);
    if (wanted->passphrase != NULL) {
        g_autofree char *secret = path_text(rollover, rollover->old->passphrase_file);
        printf("    passphrase_file = \"%s\";\n", secret);
    }
    print_declarations(rollover);
    printf("    from = \"%s\"; },\n", from);
}

static void print_next(const struct rollover *rollover)
{
    const struct identity_conf *old = rollover->old;
    const char *file = rollover->conf->file;
    g_autofree char *from = moment_text(rollover->from), *until = moment_text(rollover->until);
    g_autofree char *beside = issue_path_beside(rollover->wanted.out, ".pem");
    printf("\nin %s,\n", file);
    if (rollover->until != old->until) /* before the next lines shift the numbers */
        printf("add this to the identity in line %u (%s):\n\n    until = \"%s\";\n\nand ", old->line, old->certificate,
               until);
    printf("put this at the head of the list, behind \"identities = (\":\n\n");
    print_identity(rollover);
    printf("\nthen check and reload; domsec status shows where both stand\n");
    if (rollover->wanted.authority == NULL)
        printf("when the authority has answered, put its certificate, followed by its chain, to\n  %s\n"
               "and the daemon takes it\n",
               beside);
    if (rollover->wanted.subject.decrypts)
        printf("both keys decrypt; partners may change over as soon as they have the new certificate\n");
    printf("from %s the new one is used", from);
    if (rollover->until != 0)
        printf("; %s %s", rollover->wanted.subject.decrypts ? "the old one decrypts until" : "the old one ends on",
               until);
    printf("\n\n");
    holders_print(rollover->conf, old, rollover->certificate, 0);
}

/* --- the command --- */

static int make(const struct command *self, const struct choice *choice, X509 *const *own, struct rollover *rollover)
{
    struct error error = {0};
    g_autofree enum standing *standing = standing_read(rollover->conf, own, rollover->now);
    int status = find_old(self, choice, own, standing, rollover);
    if (status == CLI_GO)
        status = check_under_way(rollover, own, standing);
    if (status != CLI_GO)
        return status;
    if (!take_names(rollover)) {
        fprintf(stderr, "domsec: %s names no address; use domsec key new\n", rollover->old->certificate);
        return EX_DATAERR;
    }
    if (!take_place(choice, rollover, &error))
        return cli_bad_input(&error);
    status = take_algorithm(self, choice, rollover);
    if (status == CLI_GO)
        status = take_dates(self, choice, rollover);
    if (status != CLI_GO)
        return status;
    key_environment_set(rollover->conf);
    status = key_make(&rollover->wanted);
    if (status == EX_OK)
        print_next(rollover);
    return status;
}

static int check_choice(const struct command *self, const struct choice *choice)
{
    enum role role;
    int ways = (choice->line != NULL) + (choice->address != NULL) + (choice->domain != NULL || choice->role != NULL);
    if (ways != 1 || (choice->domain == NULL) != (choice->role == NULL))
        return cli_usage(self, "say which identity: --domain and --role, --address, or --line");
    if (choice->role != NULL && !cli_role(choice->role, &role))
        return cli_usage(self, "%s is not a role; the roles are %s, %s, %s and %s", choice->role, role_name(0),
                         role_name(1), role_name(2), role_name(3));
    return CLI_GO;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    struct choice choice = {0};
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"domain", 'd', OPTION_TEXT, &choice.domain, "DOMAIN", "mail domain of the identity"},
        {"role", 'r', OPTION_TEXT, &choice.role, "ROLE", "its role: domain-signing-authority, ..."},
        {"address", 0, OPTION_TEXT, &choice.address, "ADDRESS", "an address of the identity, in place of both"},
        {"line", 0, OPTION_TEXT, &choice.line, "N", "the line where the identity begins, in place of those"},
        {"ca", 0, OPTION_TEXT, &choice.authority, "DIR",
         "issue a certificate with DIR/ca.key and DIR/ca.pem instead of a request"},
        {"from", 0, OPTION_TEXT, &choice.from, "DATE", "when the new one begins; default: in 30 days"},
        {"until", 0, OPTION_TEXT, &choice.until, "DATE",
         "when the old one ends; default: 30 days after its certificate, if it decrypts"},
        {"out", 'o', OPTION_TEXT, &choice.out, "FILE", "file for the new key; default: beside the old, with the date"},
        {"token", 0, OPTION_TEXT, &choice.token, "URI", "let this token make the key; default: where the old one is"},
        {"algorithm", 0, OPTION_TEXT, &choice.algorithm, "WORD", ISSUE_ALGORITHMS "; default: as the old one"},
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status == CLI_GO)
        status = check_choice(self, &choice);
    if (status != CLI_GO)
        return status;
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    owned(faults) struct faults *faults = faults_new();
    X509 **own = own_read(conf, faults);
    struct rollover rollover = {.conf = conf, .now = time(NULL)};
    cli_print_faults(stderr, faults);
    status = make(self, &choice, own, &rollover);
    rollover_clear(&rollover);
    own_free(own, conf);
    return status;
}

const struct command command_key_rollover = {
    .name = "key rollover",
    .arguments = "[-c FILE] (--domain DOMAIN --role ROLE | --address ADDRESS | --line N) [--ca DIR] [--from DATE] "
                 "[--until DATE] [--out FILE] [--token URI] [--algorithm WORD]",
    .summary = "create the key that takes the place of an identity's",
    .details =
        "The new key is like the old one, in a file beside it or in the same token, and so are the names in the\n"
        "request or certificate. The command prints what to add to the configuration, and which partners have the\n"
        "old certificate. The dates do the rest: nothing has to be done on the day.\n",
    .run = run,
};
