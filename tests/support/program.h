/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: runs a program as a user would, with standard input from a string and both outputs kept.
 *
 *     owned(run) struct run got = run("domsec init --domain acme.test '%s'", folder);
 *     expect_status(got, 0);
 */
#ifndef DOMSEC_TESTS_SUPPORT_PROGRAM_H
#define DOMSEC_TESTS_SUPPORT_PROGRAM_H

#include "support/folder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The path of a program of this build ("domsec", "domsec-milter"), in the folder $DOMSEC_BUILD. g_free(). */
char *program_path(const char *name);

struct run {
    int status;      /* exit status, or 1000 + signal */
    char *out, *err; /* NUL-terminated */
    gsize out_length;
};

/* For owned(run). */
void cleanup_run(struct run *run);

/* An open file that has no name, with these bytes, at its beginning. */
int run_file(const char *bytes, gsize length);

/* Runs words[0], which is looked for in $PATH. out: the descriptor that becomes standard output, or -1 to keep what is
 * written in the result. */
struct run run_words(char *const *words, const char *input, gsize length, int out);

/* As run_words(), without input and output; returns the status. */
int run_status(const char *const *words);

/* The words of the command are split as a shell does; "domsec" is the built program. */
struct run run_with(const char *input, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define run(...) run_with("", __VA_ARGS__)

/* As root, gives a folder and all in it to an account; otherwise does nothing. account NULL: to the one that the daemon
 * runs as where no `user` is set, and as which check looks then; nothing is done if it does not exist. */
void program_give(const char *folder, const char *account);

#define expect_status(run, wanted)                                                                                     \
    cr_expect_eq((run).status, wanted, "status %d, wanted %d\n%s%s", (run).status, wanted, (run).out, (run).err)
#define expect_contains(text, wanted) cr_expect(strstr(text, wanted) != NULL, "\"%s\" is not in:\n%s", wanted, text)

#endif
