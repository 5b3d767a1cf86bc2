/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_lint: `domsec cert lint`: could a public authority issue this request or certificate of ours, and would partners
 * accept it? lint.h has the rules.
 */
#include "cert_lint.h"

#include "describe.h"
#include "lint.h"
#include "mail_domains.h"
#include "output.h"

#include <string.h>

static void print_notes(const struct lint_notes *notes)
{
    owned(table) struct table *table = table_new(3);
    for (guint i = 0; i < notes->list->len; i++) {
        const struct lint_note *note = notes->list->pdata[i];
        const char *const cells[] = {note->warning ? "warning" : "fault", note->section, note->text};
        table_row(table, cells);
    }
    table_print(table, stdout, 2, false);
}

static void print_roles(const GPtrArray *roles)
{
    owned(table) struct table *table = table_new(3);
    for (guint i = 0; i < roles->len; i++) {
        const struct lint_role *role = roles->pdata[i];
        g_autofree char *naming = g_strdup_printf("naming = \"%s\"", naming_name(role->naming));
        const char *const cells[] = {naming, role->fits ? "accepted" : "refused",
                                     role->fits ? role_name(role->role) : role->reason};
        table_row(table, cells);
    }
    const char *const pinned[] = {"naming = \"pinned\"", "accepted", "where the partner names this very certificate"};
    table_row(table, pinned);
    table_print(table, stdout, 2, false);
}

/* The types whose rules the names satisfy, as "mailbox, sponsor"; "" if they satisfy no type. */
static char *possible_types(const struct lint_subject *subject)
{
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t type = 0; type < LINT_TYPES; type++) {
        owned(lint_notes) struct lint_notes notes = {0};
        lint_notes_init(&notes);
        lint_names(subject, type, false, &notes);
        if (lint_faults(&notes) == 0)
            g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", lint_types[type]);
    }
    return g_strdup(list->str);
}

/* The type that a certificate declares; of a request the first that fits, or that of a mailbox, which asks for least.
 */
static size_t type_to_examine(const struct lint_subject *subject, const char *possible)
{
    for (size_t type = 0; type < LINT_TYPES; type++)
        if (subject->profile.type != NULL ? strcmp(subject->profile.type, lint_types[type]) == 0
                                          : text_begins_with(possible, lint_types[type]))
            return type;
    return 0;
}

static bool any_role_fits(const GPtrArray *roles)
{
    for (guint i = 0; i < roles->len; i++)
        if (((const struct lint_role *)roles->pdata[i])->fits)
            return true;
    return false;
}

struct examined {
    const char *file;
    const struct lint_subject *subject;
    const struct lint_notes *notes;
    const GPtrArray *roles;
    const char *possible, *domain;
    const struct mail_domains *domains; /* NULL: not asked for */
    bool issuable, accepted;
};

static void print_text(const struct examined *examined)
{
    const struct lint_subject *subject = examined->subject;
    g_autofree char *name = certificate_subject(subject->certificate);
    g_autofree char *addresses = describe_addresses(subject->certificate);
    g_autofree char *kind = describe_key(X509_get0_pubkey(subject->certificate));
    printf("%s: %s, %s\n  subject    %s\n  addresses  %s\n\n", examined->file,
           subject->is_request ? "certificate request" : "certificate", kind, name,
           *addresses != '\0' ? addresses : "-");
    printf("S/MIME Baseline Requirements of public authorities: %s\n",
           examined->issuable ? "no fault found" : "a public authority cannot issue it");
    print_notes(examined->notes);
    if (!examined->issuable)
        printf("  an authority of your own need not follow these requirements\n");
    if (*examined->possible != '\0')
        printf("  the names fit the type%s: %s\n", strchr(examined->possible, ',') != NULL ? "s" : "",
               examined->possible);
    printf("\nRFC 3183: %s%s%s\n", examined->accepted ? "partners may let it act for " : "partners can only pin it",
           examined->accepted ? examined->domain : "", examined->accepted ? ", under a naming that accepts it" : "");
    print_roles(examined->roles);
    if (examined->domains == NULL)
        return;
    g_autofree char *issuer = subject->is_request ? NULL : certificate_issuer(subject->certificate);
    putchar('\n');
    mail_domains_print(examined->domains, issuer);
}

static void print_json(const struct examined *examined)
{
    json_t *object = json_pack("{s:b, s:b, s:b, s:o, s:o}", "request", examined->subject->is_request, "issuable",
                               examined->issuable, "accepted", examined->accepted, "domain",
                               describe_string(examined->domain), "types", describe_string(examined->possible));
    json_t *notes = json_array(), *roles = json_array();
    for (guint i = 0; i < examined->notes->list->len; i++) {
        const struct lint_note *note = examined->notes->list->pdata[i];
        json_array_append_new(notes, json_pack("{s:s, s:s, s:o}", "level", note->warning ? "warning" : "fault",
                                               "section", note->section, "text", describe_string(note->text)));
    }
    for (guint i = 0; i < examined->roles->len; i++) {
        const struct lint_role *role = examined->roles->pdata[i];
        json_array_append_new(roles, json_pack("{s:s, s:s, s:b, s:o}", "naming", naming_name(role->naming), "role",
                                               role_name(role->role), "fits", role->fits, "reason",
                                               describe_string(role->reason)));
    }
    json_object_set_new(object, "notes", notes);
    json_object_set_new(object, "roles", roles);
    if (examined->domains != NULL)
        json_object_set_new(object, "dns", mail_domains_json(examined->domains));
    describe_print_json(object);
}

struct call {
    const char *file, *conf;
    bool as_json, asks_dns;
};

/* Reads the configuration only for this. Returns CLI_GO or the exit status. */
static int ask_dns(const struct call *call, const X509 *certificate, struct mail_domains *domains)
{
    struct error error = {0};
    owned(conf) struct conf *conf = cli_conf(call->conf);
    if (conf == NULL)
        return EX_CONFIG;
    return mail_domains_ask(conf, certificate, domains, &error) ? CLI_GO : cli_failed(&error);
}

static int lint(const struct call *call)
{
    struct error error = {0};
    owned(lint_subject) struct lint_subject subject = {0};
    owned(lint_notes) struct lint_notes notes = {0};
    owned(mail_domains) struct mail_domains domains = {0};
    if (!lint_subject_read(call->file, &subject, &error))
        return cli_bad_input(&error);
    int status = call->asks_dns ? ask_dns(call, subject.certificate, &domains) : CLI_GO;
    if (status != CLI_GO)
        return status;
    lint_notes_init(&notes);
    bool legacy = g_strcmp0(subject.profile.generation, "legacy") == 0;
    g_autofree char *possible = possible_types(&subject), *domain = NULL;
    lint_names(&subject, type_to_examine(&subject, possible), legacy, &notes);
    lint_profile(&subject, &notes);
    g_autoptr(GPtrArray) roles = lint_roles(&subject, &domain);
    const struct examined examined = {.file = call->file,
                                      .subject = &subject,
                                      .notes = &notes,
                                      .roles = roles,
                                      .possible = possible,
                                      .domain = domain,
                                      .domains = call->asks_dns ? &domains : NULL,
                                      .issuable = lint_faults(&notes) == 0,
                                      .accepted = any_role_fits(roles)};
    if (call->as_json)
        print_json(&examined);
    else
        print_text(&examined);
    return examined.issuable && examined.accepted ? EX_OK : EX_DATAERR;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct call call = {.conf = CLI_CONFIGURATION};
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(call.conf),
                                          {"json", 0, OPTION_FLAG, &call.as_json, NULL, "print a JSON object"},
                                          CLI_OPTION_DNS(call.asks_dns)};
    int operands = 0;
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (argc - operands != 1)
        return cli_usage(self, "exactly one file is required");
    call.file = argv[operands];
    return lint(&call);
}

const struct command command_cert_lint = {
    .name = "cert lint",
    .arguments = "[--json] [--dns [-c FILE]] FILE",
    .summary = "say whether a public authority could issue a request or certificate, and what partners accept it for",
    .details =
        "FILE is a certificate request or a certificate, in PEM or DER. The rules are the S/MIME Baseline "
        "Requirements\n"
        "of the CA/Browser Forum, and RFC 3183 with the naming modes of domsec.conf(5). The exit status is 65 if a\n"
        "public authority could not issue it, or if partners could only pin it. What the DNS says has no part in it.\n"
        "The configuration is read only for --dns.\n",
    .run = run,
};
