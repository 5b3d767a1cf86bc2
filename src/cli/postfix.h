/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix: what postconf(1) says of one Postfix, as `domsec check --postfix` needs it.
 */
#ifndef DOMSEC_CLI_POSTFIX_H
#define DOMSEC_CLI_POSTFIX_H

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* One entry of master.cf. */
struct postfix_service {
    char *key;     /* "smtp/inet" */
    char *name;    /* "smtp" */
    char *command; /* "smtpd" */
    bool chroot;
};

struct postfix {
    char *folder; /* of its configuration */
    char *asked;  /* the folder that postconf was given; NULL: that of the system's Postfix */
    struct postfix_service *services;
    size_t service_count;
    struct _GHashTable *main;      /* char * → char *: parameters with their values expanded */
    struct _GHashTable *overrides; /* "smtp/inet/NAME" → value */
};

/* Runs postconf(1). folder NULL: that of the system's Postfix. NULL with ERROR_CONFIGURATION. */
struct postfix *postfix_read(const char *folder, struct error *error);
void postfix_free(struct postfix *postfix);
DECLARE_OWNED(postfix, struct postfix *, postfix_free)

/* What holds for the service, or, with NULL, for all others; lent, "" if there is no such parameter. */
const char *postfix_value(const struct postfix *postfix, const struct postfix_service *service, const char *name);
/* As a number; 0 if it is not a number. */
long long postfix_number(const struct postfix *postfix, const char *name);

/* Asks postmap(1) for the key in a table, "regexp:/etc/postfix/x". The answer is set, or NULL if the table lacks the
 * key; g_free(). Returns false if the table cannot be read. */
bool postfix_look_up(const struct postfix *postfix, const char *table, const char *key, char **answer);
/* All "KEY\tVALUE" of a table, g_strfreev(); NULL if tables of its type cannot be listed, or it cannot be read. */
char **postfix_list(const struct postfix *postfix, const char *table);
/* The tables of a list such as virtual_alias_maps; g_strfreev(). What stands in braces is one. */
char **postfix_tables(const char *list);

/* One milter of a list such as smtpd_milters. */
struct postfix_milter {
    char *socket;         /* "unix:domsec/milter" */
    char *default_action; /* its own; NULL: that of the list's service */
};

/* The milters of a list, in its order; count is set. Free with postfix_milters_free(). */
struct postfix_milter *postfix_milters(const char *list, size_t *count);
void postfix_milters_free(struct postfix_milter *milters, size_t count);
/* Whether it is our socket, given in libmilter's form as in conf->listen, for a service with or without a chroot. */
bool postfix_is_our_socket(const struct postfix *postfix, const char *socket, bool chroot, const char *listen);
/* The way in which Postfix calls our socket; g_free(). */
char *postfix_form(const struct postfix *postfix, const char *listen);

#endif
