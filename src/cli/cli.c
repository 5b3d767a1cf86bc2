/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: options, help, faults and exit statuses that all commands share. The help is printed from the table that the
 * options are read with, so the two cannot differ. Each command has its own file.
 */
#include "cli.h"

#include "base/distance.h"
#include "base/moment.h"
#include "output.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX 24

static void print_usage(const struct command *command, FILE *stream)
{
    g_autofree char *call = g_strdup_printf("usage: domsec %s %s", command->name, command->arguments);
    output_wrap(stream, call, 0, (unsigned)strlen("usage: domsec ") + (unsigned)strlen(command->name) + 1,
                output_width(stream));
}

static void print_help(const struct command *command, const struct option_spec *options, size_t count)
{
    print_usage(command, stdout);
    printf("\n");
    output_wrap(stdout, command->summary, 0, 0, output_width(stdout));
    if (count > 0)
        printf("\noptions\n");
    owned(table) struct table *table = table_new(2);
    for (size_t i = 0; i < count; i++) {
        const struct option_spec *option = &options[i];
        g_autofree char *letter = option->letter != 0 ? g_strdup_printf("-%c, ", option->letter) : g_strdup("    ");
        g_autofree char *words =
            g_strdup_printf("%s--%s%s%s", letter, option->name, option->argument != NULL ? " " : "",
                            option->argument != NULL ? option->argument : "");
        const char *cells[] = {words, option->help};
        table_row(table, cells);
    }
    table_print(table, stdout, 2, false);
    if (command->details != NULL) {
        g_autofree char *details = g_strchomp(g_strdup(command->details));
        printf("\n");
        output_wrap(stdout, details, 0, 0, output_width(stdout) > 0 ? output_width(stdout) : 100);
    }
}

int cli_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "domsec %s: %s\n", command->name, text);
    print_usage(command, stderr);
    fprintf(stderr, "for more: domsec %s --help\n", command->name);
    return EX_USAGE;
}

/* Stores the value of one option. Returns false if it was given before. */
static bool store(const struct option_spec *option, bool *seen, const char *value)
{
    bool again = *seen;
    *seen = true;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->target = true;
        return true;
    case OPTION_TEXT:
        *(const char **)option->target = value;
        return !again;
    case OPTION_LIST:
        g_ptr_array_add((GPtrArray *)option->target, (void *)value);
        return true;
    }
    return false;
}

/* Writes the table in the two forms of getopt_long(), with --help added at the end. */
static void getopt_tables(const struct option_spec *options, size_t count, struct option *longs, char *shorts)
{
    *shorts++ = ':';
    for (size_t i = 0; i < count; i++) {
        int takes = options[i].kind == OPTION_FLAG ? no_argument : required_argument;
        longs[i] = (struct option){options[i].name, takes, NULL, 256 + (int)i};
        if (options[i].letter != 0) {
            *shorts++ = options[i].letter;
            if (takes == required_argument)
                *shorts++ = ':';
        }
    }
    *shorts++ = 'h';
    *shorts = '\0';
    longs[count] = (struct option){"help", no_argument, NULL, 'h'};
    longs[count + 1] = (struct option){NULL, 0, NULL, 0};
}

int cli_options(const struct command *command, const struct option_spec *options, size_t count, int argc, char **argv,
                int *operands)
{
    struct option longs[OPTIONS_MAX + 2];
    char shorts[2 * OPTIONS_MAX + 3];
    bool seen[OPTIONS_MAX] = {false};
    g_assert(count <= OPTIONS_MAX);
    getopt_tables(options, count, longs, shorts);

    optind = 0; /* glibc: start again, for a command within a command, too */
    for (int got; (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (got == 'h') {
            print_help(command, options, count);
            return EX_OK;
        }
        if (got == ':')
            return cli_usage(command, "option %s requires a value", argv[optind - 1]);
        if (got == '?')
            return cli_usage(command, "unknown option %s", argv[optind > 0 ? optind - 1 : 0]);
        size_t which = got >= 256 ? (size_t)(got - 256) : 0;
        while (got < 256 && options[which].letter != got)
            which++;
        if (!store(&options[which], &seen[which], optarg))
            return cli_usage(command, "--%s is given more than once", options[which].name);
    }
    *operands = optind;
    return CLI_GO;
}

int cli_options_only(const struct command *command, const struct option_spec *options, size_t count, int argc,
                     char **argv)
{
    int operands = 0;
    int status = cli_options(command, options, count, argc, argv, &operands);
    if (status != CLI_GO || operands == argc)
        return status;
    bool may_be_configuration = count > 0 && options[0].letter == 'c' && g_str_has_suffix(argv[operands], ".conf");
    return cli_usage(command, "unexpected argument %s%s", argv[operands],
                     may_be_configuration ? "; a configuration is named with -c" : "");
}

static const char *last_word(const char *name)
{
    const char *space = strrchr(name, ' ');
    return space != NULL ? space + 1 : name;
}

void cli_unknown_command(const char *program, const struct command *const *list, const char *word)
{
    const char *nearest = NULL;
    unsigned distance = distance_limit(word);
    for (size_t i = 0; list[i] != NULL; i++) {
        const char *name = last_word(list[i]->name);
        unsigned found = distance_between(word, name);
        if (found < distance) {
            distance = found;
            nearest = name;
        }
    }
    fprintf(stderr, "%s: unknown command %s", program, word);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean %s?", nearest);
    fputc('\n', stderr);
}

int cli_dispatch(const struct command *command, const struct command *const *list, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    for (size_t i = 0; word != NULL && list[i] != NULL; i++)
        if (strcmp(word, last_word(list[i]->name)) == 0)
            return list[i]->run(list[i], argc - 1, argv + 1);
    bool help = word != NULL && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0);
    FILE *stream = help ? stdout : stderr;
    if (word != NULL && !help) {
        g_autofree char *program = g_strdup_printf("domsec %s", command->name);
        cli_unknown_command(program, list, word);
    }
    print_usage(command, stream);
    fprintf(stream, "\n%s\n\ncommands\n", command->summary);
    for (size_t i = 0; list[i] != NULL; i++) {
        g_autofree char *call = g_strdup_printf("  domsec %s %s", list[i]->name, list[i]->arguments);
        output_wrap(stream, call, 0, 6, output_width(stream));
        fputs("      ", stream);
        output_wrap(stream, list[i]->summary, 6, 6, output_width(stream));
    }
    return help ? EX_OK : EX_USAGE;
}

int cli_failed(const struct error *error)
{
    fprintf(stderr, "domsec: %s\n", error->text);
    switch (error->kind) {
    case ERROR_PERMANENT:
    case ERROR_TOO_LARGE:
        return EX_DATAERR;
    case ERROR_CONFIGURATION:
        return EX_CONFIG;
    case ERROR_NONE:
    case ERROR_TEMPORARY:
    case ERROR_BUG:
        break;
    }
    return EX_TEMPFAIL;
}

int cli_bad_input(struct error *error)
{
    if (error->kind == ERROR_CONFIGURATION)
        error->kind = ERROR_PERMANENT;
    return cli_failed(error);
}

void cli_print_faults(FILE *stream, const struct faults *faults)
{
    bool denied = false;
    for (size_t i = 0; i < faults_count(faults); i++) {
        fprintf(stream, "%s\n", faults_at(faults, i));
        denied = denied || g_str_has_suffix(faults_at(faults, i), g_strerror(EACCES));
    }
    if (denied && geteuid() != 0)
        fprintf(stream, "root and the daemon's account can read more than you; run the command as root\n");
}

struct conf *cli_conf(const char *file)
{
    owned(faults) struct faults *faults = faults_new();
    struct conf *conf = conf_load(file, faults);
    cli_print_faults(stderr, faults);
    return conf;
}

struct gateway *cli_gateway(const char *file)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    struct gateway *gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    cli_print_faults(stderr, faults);
    return gateway;
}

bool cli_time(const char *text, time_t *at)
{
    if (text == NULL) {
        *at = time(NULL);
        return true;
    }
    return moment_parse(text, at);
}

bool cli_client(const char *text)
{
    if (text != NULL && g_ascii_strncasecmp(text, "IPv6:", 5) == 0) /* as in mail */
        text += 5;
    return text == NULL || g_hostname_is_ip_address(text);
}

bool cli_address(const char *text, struct address *address)
{
    struct error error = {0};
    if (address_parse(slice_of(text), address, &error))
        return true;
    fprintf(stderr, "domsec: %s\n", error.text);
    return false;
}

bool cli_recipients(struct envelope *envelope, const GPtrArray *addresses)
{
    for (guint i = 0; i < addresses->len; i++) {
        struct address address = {0};
        struct error error = {0};
        if (!address_parse_path(slice_of(addresses->pdata[i]), &address, &error)) {
            fprintf(stderr, "domsec: %s\n", error.text);
            return false;
        }
        if (*address.local == '\0') {
            fprintf(stderr, "domsec: the address of a recipient must not be empty\n");
            address_clear(&address);
            return false;
        }
        envelope_add_recipient(envelope, &address);
        address_clear(&address);
    }
    return true;
}

bool cli_delivered_to(struct envelope *envelope, const GPtrArray *addresses)
{
    if (addresses->len > envelope->recipient_count) {
        fprintf(stderr, "domsec: --delivered-to needs a --to before it\n");
        return false;
    }
    for (guint i = 0; i < addresses->len; i++) {
        const char *text = addresses->pdata[i];
        recipient_set_reading(&envelope->recipients[i], text, NULL, "unknown");
        if (envelope->recipients[i].resolved.text == NULL) {
            fprintf(stderr, "domsec: --delivered-to: \"%s\" is not an address\n", text);
            return false;
        }
    }
    return true;
}

bool cli_role(const char *name, enum role *role)
{
    for (int i = 0; i < ROLE_COUNT; i++)
        if (strcmp(name, role_name((enum role)i)) == 0) {
            *role = (enum role)i;
            return true;
        }
    return false;
}
