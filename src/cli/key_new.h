/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_new: domsec key new, and what it shares with domsec key csr.
 */
#ifndef DOMSEC_CLI_KEY_NEW_H
#define DOMSEC_CLI_KEY_NEW_H

#include "cli.h"
#include "issue.h"

extern const struct command command_key_new;

/* A key that is to be made, with its request or certificate. All but uri is lent. */
struct key_wanted {
    struct subject subject; /* without its key */
    const struct issue_algorithm *algorithm;
    const char *out;        /* file for the key; the request or certificate is written beside it */
    const char *authority;  /* folder of a private CA; NULL: a request is made */
    const char *token;      /* URI of the token that makes the key; NULL: it is made in the file */
    const char *passphrase; /* with which the file is encrypted; NULL: it is not */
    char *uri;              /* of the new key, by key_make(); g_free() */
};

/* Whether that algorithm can do it there. CLI_GO or EX_USAGE. */
int key_wanted_check(const struct command *self, const struct key_wanted *wanted);
/* Makes it and says so. Existing files are not changed. */
int key_make(struct key_wanted *wanted);

/* For whom a key is. */
struct key_names {
    char *domain; /* normalised; g_free() */
    enum role role;
    const char *address; /* as KEY_NAME_OPTIONS() have it */
    bool role_names;
};

#define KEY_NAME_OPTIONS(names)                                                                                        \
    {"address", 0, OPTION_TEXT, &(names).address, "ADDRESS", "address in the request instead of that of the role"},    \
    {                                                                                                                  \
        "role-names", 0, OPTION_FLAG, &(names).role_names, NULL,                                                       \
            "name the request as RFC 3183 does, with the role as common name"                                          \
    }

/* Checks the options --domain and --role, and those above. CLI_GO or EX_USAGE. */
int key_names_check(const struct command *self, const char *domain, const char *role, struct key_names *names);
/* The only name of a request; NULL: the names of RFC 3183. g_free(). */
char *key_names_of_request(const struct key_names *names);
EVP_PKEY *key_load_file(const char *path, struct error *error);

/* RFC 2986 wants a signature by the key itself. */
#define KEY_SIGNS_NO_REQUEST                                                                                           \
    "an X25519 key cannot sign a certificate request; issue a certificate with --ca of domsec key new"

#endif
