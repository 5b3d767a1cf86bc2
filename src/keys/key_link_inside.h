/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_link_inside: what the files of key_link.h share.
 */
#ifndef DOMSEC_KEYS_KEY_LINK_INSIDE_H
#define DOMSEC_KEYS_KEY_LINK_INSIDE_H

#include "key_link.h"
#include "key_server.h"
#include "secret_refusal.h"

struct key_link {
    gint references;
    struct key_server *server; /* inside this process; else NULL */
    struct key_link_options options;
    GMutex lock;                   /* of what follows, and of the numbers of all keys */
    GCond changed;                 /* another process answers now, or other keys are there */
    struct key_channels *channels; /* NULL: there is no process */
    gint64 lost;                   /* since when keys that may come back are not there, monotonic; 0: all are there */
    struct error reason;           /* why */
    bool sealed;
    GPtrArray *keys; /* struct linked_key *, not owned */
    struct secret_refusal refused;
    struct error refusal;
};

struct linked_key {
    unsigned references; /* under the lock of the link */
    struct key_link *link;
    char *location, *secret_file;
    EVP_PKEY *public_key;
    uint32_t number;
    bool lost; /* the process that runs now does not have it */
};

/* --- key_link.c --- */

/* These channels lead to nothing any more. */
void key_link_lose(struct key_link *link, struct key_channels *channels, enum key_loss loss);
/* Until when a request that begins now may take. */
gint64 key_link_deadline(const struct key_link *link);
/* channels NULL: in this process, or there is no process at present. */
enum asked key_link_ask(struct key_link *link, struct key_channels *channels, struct key_request *request,
                        unsigned char *octets, struct key_reply *reply, struct error *error);
/* The same with a deadline of its own. */
bool key_link_ask_once(struct key_link *link, struct key_channels *channels, struct key_request *request,
                       unsigned char *octets, struct key_reply *reply, struct error *error);
/* A reply that says why something failed. Always returns false. */
bool key_link_refused(const struct key_reply *reply, struct error *error);

/* What a holder says of a key; public_key is the caller's to free. */
struct found_key {
    EVP_PKEY *public_key;
    uint32_t number;
};
bool key_link_look(struct key_link *link, struct key_channels *channels, const char *location, const char *secret_file,
                   struct found_key *found, struct error *error);
bool key_link_seal_process(struct key_link *link, struct key_channels *channels, struct error *error);

#endif
