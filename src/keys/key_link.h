/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_link: the way to a holder of private keys, in this process or in one of its own. Thread-safe. The keys
 * behind it become EVP_PKEYs by remote_provider.h.
 */
#ifndef DOMSEC_KEYS_KEY_LINK_H
#define DOMSEC_KEYS_KEY_LINK_H

#include "key_channels.h"

struct key_link;

/* A holder inside this process: for commands and tests. place and memory as in struct key_holder_type. NULL: *error is
 * set. */
struct key_link *key_link_local(const struct key_holder_type *type, const char *place, const char *memory,
                                struct error *error);
/* A link to a place that is away, and stays so. */
struct key_link *key_link_away(const struct error *reason);
struct key_link *key_link_ref(struct key_link *link);
void key_link_unref(struct key_link *link);

/* No more keys are looked for: the process may drop what it needs for that. */
bool key_link_seal(struct key_link *link, struct error *error);

/* One key behind a link; what remote_provider.h puts into an EVP_PKEY. */
struct linked_key;

/* The errors are those of struct key_holder_type. The key, a new reference, keeps a reference of the link. expected:
 * the public half that it must have; then a key that is away (ERROR_TEMPORARY, which *error still says) is returned as
 * well, and is looked for until it is there. NULL: it must be there now. */
struct linked_key *key_link_find(struct key_link *link, const char *location, const char *secret_file,
                                 EVP_PKEY *expected, struct error *error);
struct linked_key *linked_key_ref(struct linked_key *key);
void linked_key_unref(struct linked_key *key);
EVP_PKEY *linked_key_public(const struct linked_key *key);

/* Waits for a process and for a token that are away, and asks once more if they went away meanwhile; all within the
 * time of the link. KEY_DONE, KEY_WRONG and KEY_UNSUPPORTED came from the holder. Any other answer means that the
 * holder gave no answer: it is counted for keys_failures() with its reason, which does not depend on the input. */
enum key_answer linked_key_work(struct linked_key *key, const struct key_work *work, struct key_output *output);

/* --- for key_service.c --- */

enum key_loss {
    KEY_PROCESS_LOST, /* it has ended, or hangs */
    KEY_PLACE_LOST,   /* it said that its place is gone, as a token that was pulled out, and ends */
    KEY_IS_MISSED,    /* it serves, but a key was not there */
};

/* A link to a process, which has none yet. released(context) is called when its last reference is gone, before it is
 * freed; lost(context) when keys have to be looked for. milliseconds: for each request. */
struct key_link_options {
    void (*lost)(void *context, struct key_link *link, enum key_loss loss);
    void (*released)(void *context, struct key_link *link);
    void *context;
    gint64 milliseconds;
};

/* False: its last reference is gone. */
bool key_link_try_ref(struct key_link *link);
struct key_link *key_link_remote(const struct key_link_options *options);
/* Takes the channels to a new process: if it is well, finds each key that is in use there; then it replaces the old
 * one. A key that is not there, or is another one, stays lost, and *error says so. False: nothing was replaced. If the
 * channels are not dead then, the same process may be tried again. */
bool key_link_connect(struct key_link *link, struct key_channels *channels, struct error *error);
/* Whether keys are not there that may come back. */
bool key_link_misses(struct key_link *link);
/* The channels in use, as a reference; NULL: none. */
struct key_channels *key_link_channels(struct key_link *link);

DECLARE_OWNED(key_link, struct key_link *, key_link_unref)
DECLARE_OWNED(linked_key, struct linked_key *, linked_key_unref)

#endif
