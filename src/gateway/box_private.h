/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_private: what the files of the box share.
 */
#ifndef DOMSEC_GATEWAY_BOX_PRIVATE_H
#define DOMSEC_GATEWAY_BOX_PRIVATE_H

#include "base/openssl.h"
#include "gateway/box.h"

#define BOX_ID_OCTETS 8

struct box_key {
    unsigned char octets[BOX_KEY_SIZE];
    unsigned char id[BOX_ID_OCTETS];
    char hex[BOX_KEY_ID_SIZE];
};

struct box_keys {
    struct box_key *list;
    size_t count;
    EVP_CIPHER *cipher;
};

/* NULL: none of them has this identifier. */
const struct box_key *box_keys_find(const struct box_keys *keys, const unsigned char id[BOX_ID_OCTETS]);

/* --- box_facts.c --- */

/* A field goes into the box, with its length in the facts, unless it is one of ours. */
bool box_keeps(const struct field *field);
/* Octets of a field between the start of its name and its colon. */
size_t box_name_length(const struct field *field);

/* The facts as JSON, free(); NULL: ERROR_PERMANENT if a text is not in UTF-8. */
char *box_facts_write(const struct box_contents *contents, struct error *error);
/* Reads facts and header, and adds the fields to opened->message, whose header it ends. */
bool box_facts_read(struct slice facts, struct slice header, struct opened_box *opened, struct error *error);

DECLARE_OWNED(EVP_CIPHER_CTX, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

#endif
