/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_conf: the texts that `domsec init` writes: the configuration file, and the next steps for the administrator.
 */
#ifndef DOMSEC_CLI_INIT_CONF_H
#define DOMSEC_CLI_INIT_CONF_H

#include <stdbool.h>

struct init_choices {
    const char *domain; /* normalised */
    const char *listen;
    const char *user; /* for the key `user`; NULL: not written */
    bool csr;
    bool role_names;     /* of requests: as RFC 3183 has it */
    const char *address; /* of requests: in place of those of the roles; NULL: those */
};

/* True if the text needs no escapes in a libconfig string. */
bool init_conf_is_plain(const char *text);
/* The domsec.conf; g_free(). */
char *init_conf_text(const struct init_choices *choices);
/* Prints the created files and the next steps to standard output. */
void init_print_next(const struct init_choices *choices, const char *folder, const char *algorithm, const char *owner);

#endif
