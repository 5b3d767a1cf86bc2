/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_server: answers requests with a holder of private keys; what a key process does. Thread-safe.
 */
#ifndef DOMSEC_KEYS_KEY_SERVER_H
#define DOMSEC_KEYS_KEY_SERVER_H

#include "key_protocol.h"

struct key_server;

struct key_server_options {
    const struct key_holder_type *type;
    const char *place, *memory; /* as in struct key_holder_type; may be NULL */
    /* Whether the keys may be looked for there; NULL: anywhere. */
    bool (*allows)(void *context, const char *location, const char *secret_file);
    /* Called at KEY_SEAL, once; NULL: there is nothing to do. Its result is the reply. */
    bool (*seal)(void *context, struct error *error);
    void *context;
};

/* options are copied; what they point to must outlive the server. NULL: *error is set as by the holder's open. */
struct key_server *key_server_new(const struct key_server_options *options, struct error *error);
void key_server_free(struct key_server *server);

/* Answers one request of `length` octets. Returns the length of the reply, which has room for KEY_REPLY_MAX octets; 0:
 * it was no request. *gone is set if the holder has to be opened anew. */
size_t key_server_answer(struct key_server *server, const unsigned char *request, size_t length, unsigned char *reply,
                         bool *gone);

DECLARE_OWNED(key_server, struct key_server *, key_server_free)

#endif
