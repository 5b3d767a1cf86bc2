/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: one token with its sessions and its login. Thread-safe but for token_open() and token_close().
 *
 * A session is taken for one piece of work and given back. As many are open as threads work at once, or as the token
 * allows. Whatever the module forgets (a session, the login, what a handle means) begins a new generation, in which
 * each key is looked for and proven again.
 */
#ifndef DOMSEC_KEYS_TOKEN_H
#define DOMSEC_KEYS_TOKEN_H

#include "secret_refusal.h"
#include "token_code.h"
#include "token_module.h"

#include "base/bytes.h"

struct token {
    struct token_module module;
    P11KitUri *uri; /* of the module and the token */
    CK_SLOT_ID slot;
    CK_FLAGS flags;  /* of the token, when it was found */
    CK_FLAGS access; /* CKF_RW_SESSION for one that writes */
    GMutex lock;     /* of what follows */
    GCond changed;   /* a session was given back */
    GArray *idle;    /* CK_SESSION_HANDLE */
    unsigned open;   /* sessions, idle and taken */
    unsigned limit;  /* of sessions, as the token showed it; 0: none so far */
    unsigned generation;
    bool logged_in;
    char *pin_file; /* NULL: none */
    char *name;     /* what is written on the token, for those that remember it */
    char *memory;   /* as of struct key_holder_type; NULL: none */
    struct secret_refusal refused;
};

struct token_session {
    CK_SESSION_HANDLE handle;
    unsigned generation;
};

/* uri is lent. memory: as of struct key_holder_type. writes: its sessions may make keys. */
struct token *token_open(const P11KitUri *uri, const char *memory, bool writes, struct error *error);
void token_close(struct token *token);

/* The file of the PIN; the first one that is given counts. NULL is passed over. */
void token_set_pin_file(struct token *token, const char *file);

/* Waits while the token's sessions are all taken. The session is logged in if the token asks for it. */
CK_RV token_take(struct token *token, struct token_session *session, struct error *error);
void token_give(struct token *token, const struct token_session *session);
/* Closes it instead. */
void token_drop(struct token *token, const struct token_session *session);
/* Nothing of this generation counts any more; sessions that are taken must still be given back or dropped. */
void token_age(struct token *token, unsigned generation);
/* Initialises the module anew, as the only way in which some modules see what another process wrote, unless a session
 * is open. No key of an older generation counts. */
void token_refresh(struct token *token);
/* For a key that asks for the PIN before each use. */
CK_RV token_authenticate(struct token *token, CK_SESSION_HANDLE session, struct error *error);

DECLARE_OWNED(token, struct token *, token_close)

#endif
