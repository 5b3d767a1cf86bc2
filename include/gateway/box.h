/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box: a whole message with what is known of it, sealed with a key of this installation, on its way through the queue
 * of the mail server that splits it (domsec.conf(5), "The group split").
 *
 *     box      = magic "DOMSECBX" │ version 1 │ key id (8) │ nonce (12) │ AES-256-GCM of the contents │ tag (16)
 *     contents = length of the facts (4) │ length of the header (4) │ facts (JSON) │ header │ body
 *
 * The tag also covers everything before the nonce. Lengths have the most significant octet first.
 */
#ifndef DOMSEC_GATEWAY_BOX_H
#define DOMSEC_GATEWAY_BOX_H

#include "mail/envelope.h"
#include "mail/mime.h"
#include "policy/plan.h"

#include <time.h>

/* --- keys; read-only once open, shared by all threads --- */

struct box_keys;

#define BOX_KEY_SIZE 32
#define BOX_KEY_ID_SIZE 17 /* 16 digits of hex and a NUL */

/* Reads conf->split.keys. A file that is missing or has not 32 octets is a fault. NULL if there is a fault, or if conf
 * has no keys. */
struct box_keys *box_keys_open(const struct conf *conf, struct faults *faults);
void box_keys_close(struct box_keys *keys);
size_t box_keys_count(const struct box_keys *keys); /* 0 for NULL */
/* The identifier of a key, which follows from the key and tells nothing about it. The first key seals. */
const char *box_keys_id(const struct box_keys *keys, size_t index);

/* --- what is in a box --- */

struct box_contents {
    const struct envelope *envelope; /* of the client, with all recipients */
    const struct message *message;   /* fields named BOX_FIELD are left out of the box */
    struct client client;
    const struct least *planned; /* for each recipient */
    enum direction direction;
    time_t at; /* when it was sealed */
};

/* What came out of one. */
struct opened_box {
    struct box_contents contents; /* lent by what follows */
    struct envelope *envelope;
    struct message *message;
    struct least *planned;
    char key_id[BOX_KEY_ID_SIZE];
};
void opened_box_free(struct opened_box *opened);

/* Writes the box to out, as base64 with CRLF lines. ERROR_PERMANENT: the envelope is not in UTF-8. */
bool box_seal(const struct box_keys *keys, const struct box_contents *contents, struct spool *out, struct error *error);

/* True if the bytes begin as a box does. */
bool box_is_box(struct slice bytes);

/* Opens a box. Nothing of it is looked at before its tag was verified. ERROR_PERMANENT: it is not a whole box, or was
 * changed; ERROR_CONFIGURATION: none of the keys is the one that it names; ERROR_TEMPORARY: anything else. limits must
 * outlive the result. */
struct opened_box *box_open(const struct box_keys *keys, struct slice box, const struct limits *limits,
                            struct error *error);

/* --- the message around it --- */

/* The field that asks the mail server to split: "v=1; key=ID". */
#define BOX_FIELD "Domsec-Split"
#define BOX_TYPE "multipart/mixed; boundary=\"domsec-split\""
/* What goes before and after the base64 of the box. */
extern const char box_before[], box_after[];
/* The base64 of the box in such a body; what others have put before or behind it does not matter. Returns false if it
 * is not there. */
bool box_find(struct slice body, struct slice *base64);
/* Octets of that base64 that can be decoded apart from the rest: whole lines. */
#define BOX_LINES ((size_t)78 * 8192)

DECLARE_OWNED(box_keys, struct box_keys *, box_keys_close)
DECLARE_OWNED(opened_box, struct opened_box *, opened_box_free)

#endif
