/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main: the table of commands of domsec(1).
 */
#include "cli.h"

#include "base/log.h"
#include "output.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &command_init,   &command_check,  &command_explain, &command_filter,  &command_cert, &command_key,
    &command_status, &command_unseal, &command_backup,  &command_restore, NULL};

static void print_overview(FILE *stream)
{
    fprintf(stream,
            "usage: domsec COMMAND [OPTION]...\n\nS/MIME at the border of a mail domain (RFC 3183)\n\ncommands\n");
    owned(table) struct table *table = table_new(2);
    for (size_t i = 0; commands[i] != NULL; i++) {
        const char *cells[] = {commands[i]->name, commands[i]->summary};
        table_row(table, cells);
    }
    table_print(table, stream, 2, false);
    fprintf(stream, "\nfor more: domsec COMMAND --help, domsec(1), domsec.conf(5)\n");
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i];
    return NULL;
}

static int run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    if (word != NULL && strcmp(word, "--version") == 0) {
        printf("domsec %s\n", DOMSEC_VERSION);
        return EX_OK;
    }
    bool help = word != NULL && (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
    const struct command *command = find(help && argc > 2 ? argv[2] : help || word == NULL ? "" : word);
    if (command != NULL && help) {
        bool within = argc > 3; /* `domsec help cert import` */
        char *arguments[] = {argv[2], within ? argv[3] : "--help", within ? "--help" : NULL, NULL};
        return command->run(command, within ? 3 : 2, arguments);
    }
    if (command != NULL)
        return command->run(command, argc - 1, argv + 1);
    if (help && argc == 2) {
        print_overview(stdout);
        return EX_OK;
    }
    if (word != NULL && !help && *word == '-')
        fprintf(stderr, "domsec: the command comes first, and its options follow: domsec COMMAND %s\n", word);
    else if (word != NULL)
        cli_unknown_command("domsec", commands, help ? argv[2] : word);
    print_overview(stderr);
    return EX_USAGE;
}

/* A file that we open must not get the number of a closed standard descriptor. /dev/null is opened for reading, so
 * that a write to a closed output fails and no loss ends with a status of success. */
static bool hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!hold_standard_descriptors())
        return EX_TEMPFAIL;
    setlocale(LC_CTYPE, "");
    /* A connection that the other side closes must not end the program, and a message that was not taken must give a
     * status. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* so that a full disk quota is said, too */
    log_open("domsec", true, LOG_LEVEL_WARNING);
    struct error error = {0};
    mime_init();
    if (!smime_init(&error))
        return cli_failed(&error);
    int status = run(argc, argv);
    bool unread = output_reader_left(stdout);
    if (output_close_stream(stdout, "standard output", &error) || unread)
        return status;
    int lost = cli_failed(&error);
    return status == EX_OK ? lost : status;
}
