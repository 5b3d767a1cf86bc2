/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: opens everything that the daemon opens, by the same calls, and prints every fault at once. The unit file runs
 * it before the daemon starts. The faults are the result, so they go to standard output.
 */
#include "cli.h"

#include "check_account.h"
#include "check_postfix.h"
#include "describe.h"
#include "gateway/expiry.h"
#include "output.h"
#include "store/store.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

static size_t list_length(char *const *list)
{
    size_t length = 0;
    while (list[length] != NULL)
        length++;
    return length;
}

static void print_count(size_t count, const char *one, const char *many, const char *after)
{
    printf("%zu %s%s", count, count == 1 ? one : many, after);
}

static void print_bad(const struct faults *faults, bool strict)
{
    size_t errors = faults_errors(faults);
    printf("%sconfiguration is bad%s: ", output_style(stdout, STYLE_BAD), output_style(stdout, STYLE_PLAIN));
    if (errors > 0)
        print_count(errors, "fault", "faults", strict ? ", " : "");
    if (strict)
        print_count(faults_warnings(faults), "warning", "warnings", " (--strict)");
    printf("\n");
}

static size_t count_policies(const struct conf *conf)
{
    size_t count = 0;
    for (size_t i = 0; i < conf->partner_count; i++)
        count += strcmp(conf->partners[i]->name, "built-in") != 0;
    return count;
}

static void print_good(const struct conf *conf, const struct faults *faults)
{
    size_t warnings = faults_warnings(faults), notes = faults_count(faults) - warnings;
    printf("%sconfiguration is good%s: ", output_style(stdout, STYLE_GOOD), output_style(stdout, STYLE_PLAIN));
    print_count(conf->identity_count, "identity", "identities", ", ");
    print_count(count_policies(conf), "policy", "policies", ", ");
    print_count(list_length(conf->trust_anchors), "trust anchor file", "trust anchor files",
                conf->bundles.count + warnings + notes > 0 ? ", " : "");
    if (conf->bundles.count > 0)
        print_count(conf->bundles.count, "trust bundle", "trust bundles", warnings + notes > 0 ? ", " : "");
    if (warnings > 0)
        print_count(warnings, "warning", "warnings", notes > 0 ? ", " : "");
    if (notes > 0)
        print_count(notes, "note", "notes", "");
    printf("\n");
}

static json_t *faults_json(const struct faults *faults)
{
    static const char *const grades[] = {[FAULT_ERROR] = "fault", [FAULT_WARNING] = "warning", [FAULT_NOTE] = "note"};
    json_t *list = json_array();
    for (size_t i = 0; i < faults_count(faults); i++) {
        const struct fault *fault = faults_entry(faults, i);
        json_t *entry = json_object();
        json_object_set_new(entry, "grade", json_string(grades[fault->grade]));
        json_object_set_new(entry, "file", describe_string(fault->file));
        json_object_set_new(entry, "line", fault->line > 0 ? json_integer(fault->line) : json_null());
        json_object_set_new(entry, "text", describe_string(fault->text));
        json_array_append_new(list, entry);
    }
    return list;
}

/* conf may be NULL: it could not be read. */
static void print_json(const struct conf *conf, const struct faults *faults, bool good)
{
    g_autofree char *library = smime_library_warning();
    json_t *json = json_object();
    json_object_set_new(json, "good", json_boolean(good));
    json_object_set_new(json, "faults", faults_json(faults));
    if (conf != NULL) {
        json_object_set_new(json, "identities", json_integer((json_int_t)conf->identity_count));
        json_object_set_new(json, "policies", json_integer((json_int_t)count_policies(conf)));
        json_object_set_new(json, "trust_anchor_files", json_integer((json_int_t)list_length(conf->trust_anchors)));
        json_object_set_new(json, "trust_bundles", json_integer((json_int_t)conf->bundles.count));
    }
    json_object_set_new(json, "library", library != NULL ? json_string(library) : json_null());
    describe_print_json(json);
}

static void print_text(const struct conf *conf, const struct faults *faults, bool good, bool strict)
{
    cli_print_faults(stdout, faults);
    g_autofree char *library = smime_library_warning(); /* not of the configuration: --strict does not count it */
    if (library != NULL)
        printf("warning: %s\n", library);
    if (good)
        print_good(conf, faults);
    else
        print_bad(faults, strict && faults_warnings(faults) > 0);
}

static bool account_is_missing(const char *name)
{
    errno = 0;
    return getpwnam(name) == NULL && errno == 0;
}

/* Faults that the daemon would meet only after it has read everything. */
static void check_process(const struct conf *conf, struct faults *faults)
{
    if (conf->user != NULL && account_is_missing(conf->user))
        faults_add(faults, conf->file, conf->user_line,
                   "\"user\": no such account: \"%s\"; create it, or name another one", conf->user);
    if (conf->pid_file == NULL)
        return;
    g_autofree char *folder = g_path_get_dirname(conf->pid_file);
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
        faults_warn(faults, conf->file, conf->pid_file_line, "\"pid_file\": no such directory: %s; create it", folder);
    else if (g_file_test(conf->pid_file, G_FILE_TEST_IS_DIR))
        faults_warn(faults, conf->file, conf->pid_file_line, "\"pid_file\": %s is a directory; name a file",
                    conf->pid_file);
}

static void check_expiries(const struct conf *conf, struct faults *faults)
{
    struct expiries expiries;
    expiries_read(conf, &expiries);
    expiries_check(&expiries, time(NULL), faults);
    expiries_clear(&expiries);
}

/* The daemon makes the file. */
static void check_store(const struct conf *conf, struct faults *faults)
{
    struct error error = {0};
    if (conf->store == NULL)
        return;
    if (!g_file_test(store_file(conf->store), G_FILE_TEST_EXISTS)) {
        faults_note(faults, conf->file, conf->store_line,
                    "\"store\": %s does not exist; the daemon creates it when it starts", store_file(conf->store));
        return;
    }
    owned(store) struct store *store = store_open(conf->store);
    if (!store_check(store, &error))
        faults_add(faults, conf->file, conf->store_line, "\"store\": %s", error.text);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    bool strict = false, postfix = false, as_json = false;
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"strict", 0, OPTION_FLAG, &strict, NULL, "take warnings for faults; notes never are"},
        {"postfix", 0, OPTION_FLAG, &postfix, NULL,
         "ask postconf whether Postfix, with its configuration in DIR or the system's, is wired as needed"},
        {"json", 0, OPTION_FLAG, &as_json, NULL, "print a JSON object"},
    };
    int operands = 0;
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (argc - operands > (postfix ? 1 : 0))
        return cli_usage(self, "unexpected argument %s%s", argv[argc - 1],
                         postfix ? "" : "; a configuration is named with -c");

    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = NULL;
    owned(gateway) struct gateway *gateway = check_open(file, &conf, faults);
    if (conf != NULL) {
        check_expiries(conf, faults);
        check_process(conf, faults);
        check_store(conf, faults);
        gateway_check_replies(conf, faults);
        conf_note_policies(conf, faults);
    }
    if (gateway != NULL) {
        gateway_check_signing(gateway, FAULT_ERROR, faults);
        check_account(conf, faults);
    }
    if (conf != NULL && postfix)
        check_postfix(conf, operands < argc ? argv[operands] : NULL, faults);
    bool good =
        conf != NULL && gateway != NULL && faults_errors(faults) == 0 && !(strict && faults_warnings(faults) > 0);
    if (as_json)
        print_json(conf, faults, good);
    else
        print_text(conf, faults, good, strict);
    return good ? EX_OK : 1;
}

const struct command command_check = {
    .name = "check",
    .arguments = "[-c FILE] [--strict] [--postfix [DIR]] [--json]",
    .summary = "read everything that the daemon reads, and show each fault with file:line",
    .details =
        "The exit status is 0 if the configuration is good, and 1 if it is not. Warnings do not make it bad, except\n"
        "with --strict; notes never do.\n",
    .run = run,
};
