/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_protocol: what the daemon and a key process say to each other over a socket that keeps messages apart
 * (SOCK_SEQPACKET). Each request has one reply with the same number. Numbers are in network order.
 *
 * Neither side trusts the other: the key process must survive a daemon that a message has taken over, and the daemon a
 * token's module.
 */
#ifndef DOMSEC_KEYS_KEY_PROTOCOL_H
#define DOMSEC_KEYS_KEY_PROTOCOL_H

#include "key_holder.h"

enum key_operation {
    KEY_FIND,  /* a key by its location */
    KEY_SEAL,  /* no more keys will be looked for: the process drops what it needs for that alone */
    KEY_WORK,  /* with a key that was found */
    KEY_PROBE, /* are you well */
};

struct key_request {
    uint32_t id;
    enum key_operation operation;
    struct slice location;    /* of KEY_FIND */
    struct slice secret_file; /* the same; without octets: none */
    uint32_t key;             /* of KEY_WORK, as KEY_FIND gave it */
    struct key_work work;     /* the same */
    int64_t deadline;         /* until when the asking side waits, monotonic; it is not sent */
};

struct key_reply {
    uint32_t id;
    enum key_answer answer;
    enum error_kind kind;    /* of KEY_FIND and KEY_SEAL that failed; else ERROR_NONE */
    struct slice text;       /* why */
    uint32_t key;            /* of KEY_FIND */
    uint32_t can;            /* as in struct held_key */
    uint32_t oaep;           /* the same */
    struct slice public_key; /* SubjectPublicKeyInfo in DER */
    struct slice note;       /* without octets: none */
    struct slice output;     /* of KEY_WORK */
    uint32_t padding; /* zero octets that follow it, so that the length of a reply does not depend on the output */
};

#define KEY_REQUEST_MAX (KEY_INPUT_MAX + 8192)
#define KEY_REPLY_MAX 16384

/* Returns the length; 0: it does not fit into size octets, or a part is longer than allowed. */
size_t key_request_write(const struct key_request *request, unsigned char *octets, size_t size);
size_t key_reply_write(const struct key_reply *reply, unsigned char *octets, size_t size);
/* Slices point into octets. Returns false if they are no such message. */
bool key_request_read(const unsigned char *octets, size_t length, struct key_request *request);
bool key_reply_read(const unsigned char *octets, size_t length, struct key_reply *reply);

#endif
