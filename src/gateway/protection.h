/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protection: how the layers of one message are made, and by whom: what protect.c knows before it makes the first.
 */
#ifndef DOMSEC_GATEWAY_PROTECTION_H
#define DOMSEC_GATEWAY_PROTECTION_H

#include "internal.h"

/* How all layers of one message are made. */
struct protection {
    struct sign_options sign;
    struct encrypt_options encrypt;
    struct labels labels;
    bool null_signature, review, attributes, encrypt_to_self;
    bool names_encrypter; /* all partners follow RFC 3183; some other software cannot read an originatorInfo */
    bool is_set;          /* some rule was added */
};
/* Adds what a recipient's rule asks to a protection that begins as zeros. message may be NULL: labels_choose(). */
void protection_add(const struct rule *rule, const struct message *message, struct protection *protection);
/* What the rules of all recipients elsewhere ask. */
void protection_choose(const struct way_out *way, struct protection *protection);

/* Our identities that put the layers on; NULL where that layer is not put on. */
struct authorities {
    const struct identity *review, *attribute, *domain; /* sign */
    const struct identity *auditor;                     /* can decrypt the copy, too */
    const struct identity *encrypter;                   /* named as who encrypts */
};
/* All that is known before the first layer is made. */
struct preparation {
    struct unwrapping unwrapping;
    struct protection protection;
    bool encrypt;
    struct authorities authorities;
};
/* Whom way->plan and the rest of the preparation need. False: one that is not there, told in error. */
bool authorities_find(const struct way_out *way, const struct preparation *for_this, struct authorities *authorities,
                      struct error *error);

#endif
