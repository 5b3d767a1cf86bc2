/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: what all commands of domsec(1) share: options and their help from one table, the configuration and its faults,
 * exit statuses. A command is a constant of type struct command in a file of its own; main.c lists them.
 */
#ifndef DOMSEC_CLI_CLI_H
#define DOMSEC_CLI_CLI_H

#include "gateway/gateway.h"

#include <stdio.h>
#include <sysexits.h>

struct command {
    const char *name;      /* "filter", or "cert import" for a command within a command */
    const char *arguments; /* shown after the name in the usage line */
    const char *summary;   /* one line, lower case */
    const char *details;   /* more for --help, in lines of up to 100 characters, with a final newline; NULL: nothing */
    /* argv[0] is the name of the command. Returns the exit status. */
    int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command command_init, command_check, command_explain, command_filter, command_cert, command_key,
    command_status, command_unseal, command_backup, command_restore;

enum option_kind {
    OPTION_FLAG, /* bool * */
    OPTION_TEXT, /* const char **; giving it twice is an error */
    OPTION_LIST, /* GPtrArray * of const char *, lent by argv */
};

struct option_spec {
    const char *name;
    char letter; /* 0: none */
    enum option_kind kind;
    void *target;
    const char *argument; /* the name of its value in the help; NULL for a flag */
    const char *help;
};

/* The option that names the configuration; its target is a const char * initialised with CLI_CONFIGURATION. */
#define CLI_CONFIGURATION DOMSEC_SYSCONFDIR "/domsec/domsec.conf"
#define CLI_OPTION_CONFIGURATION(variable)                                                                             \
    {                                                                                                                  \
        "config", 'c', OPTION_TEXT, &(variable), "FILE", "configuration file; default: " CLI_CONFIGURATION             \
    }

#define CLI_GO (-1)
/* Reads the options (at most 24), in any order with the operands, and moves the operands to the end of argv;
 * *operands is the index of the first. Returns CLI_GO or the exit status: EX_OK after --help, or EX_USAGE after it
 * has printed the usage to standard error. */
int cli_options(const struct command *command, const struct option_spec *options, size_t count, int argc, char **argv,
                int *operands);
/* For a command without operands: an operand gives EX_USAGE. */
int cli_options_only(const struct command *command, const struct option_spec *options, size_t count, int argc,
                     char **argv);
/* Prints "domsec NAME: text" and the usage line to standard error. Returns EX_USAGE. */
int cli_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs the command in list (NULL-terminated) whose last word is argv[1], for a command that has commands within. */
int cli_dispatch(const struct command *command, const struct command *const *list, int argc, char **argv);

/* Prints "PROGRAM: unknown command WORD" to standard error, with the command in list that was probably meant. */
void cli_unknown_command(const char *program, const struct command *const *list, const char *word);

/* Prints the error to standard error. Returns the status for its kind: 65 for bad input, 78 for a bad configuration,
 * 75 for all else. */
int cli_failed(const struct error *error);

/* The same for what a command read that the configuration does not name: there is no fault in the configuration. */
int cli_bad_input(struct error *error);

/* Prints each fault on a line. If it may help, says that root can read more. */
void cli_print_faults(FILE *stream, const struct faults *faults);
/* The configuration, or the gateway with everything that it names. NULL if there are faults, which are then on
 * standard error; the caller ends with EX_CONFIG. Warnings are printed, too. */
struct conf *cli_conf(const char *file);
struct gateway *cli_gateway(const char *file);

/* --at: an RFC 3339 time. text NULL: now. */
bool cli_time(const char *text, time_t *at);
/* --client: an IPv4 or IPv6 address. text NULL: not given, which is valid. */
bool cli_client(const char *text);
/* Parses an address of the command line. Prints a fault to standard error. */
bool cli_address(const char *text, struct address *address);
/* Adds each of a list of addresses (const char *) as a recipient. */
bool cli_recipients(struct envelope *envelope, const GPtrArray *addresses);
/* Sets how the mail server reads the recipients: the first of the list that of the first, and so on. */
bool cli_delivered_to(struct envelope *envelope, const GPtrArray *addresses);
#define CLI_OPTION_DELIVERED_TO(list)                                                                                  \
    {                                                                                                                  \
        "delivered-to", 0, OPTION_LIST, (list), "ADDRESS",                                                             \
            "how the mail server reads a recipient ({rcpt_addr}): the first --to, then the second, …"                \
    }
#define CLI_OPTION_DAEMON(variable)                                                                                    \
    {                                                                                                                  \
        "daemon", 0, OPTION_TEXT, &(variable), "NAME", "name of the mail server's listener ({daemon_name})"            \
    }
/* "domain-signing-authority" → its role. Returns false if there is no such role. */
bool cli_role(const char *name, enum role *role);

#endif
