/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrapping: one copy of a message serves recipients under several rules: how its layers are made, so that all of them
 * can read it. Where rules differ, the form counts that all software knows, whatever the order of the recipients. That
 * something is signed or encrypted at all was decided before (combine.c), and is never less than any rule asks.
 */
#include "policy/plan.h"

static bool is_cbc(enum cipher cipher)
{
    return cipher >= CIPHER_AES_128_CBC;
}

/* What knows GCM knows it with either key and knows CBC (RFC 8551 §2.7); what is said to want CBC may know no other,
 * nor a longer key (RFC 5751 §2.7). */
static enum cipher cipher_for_both(enum cipher a, enum cipher b)
{
    if (is_cbc(a) != is_cbc(b))
        return is_cbc(a) ? a : b;
    return is_cbc(a) ? MIN(a, b) : MAX(a, b);
}

void wrapping_add(const struct rule *rule, const struct message *message, struct wrapping *wrapping)
{
    const struct partner *partner = rule->partner;
    bool known = partner->naming == NAMING_RFC3183;
    if (!wrapping->is_set) {
        wrapping->form = partner->form;
        wrapping->form.null_signature = wrapping->names_encrypter = true;
    }
    wrapping->is_set = true;
    if (partner->form.format == FORMAT_CLEAR)
        wrapping->form.format = FORMAT_CLEAR;
    if (partner->form.signature == SIGNATURE_RSA_PKCS1)
        wrapping->form.signature = SIGNATURE_RSA_PKCS1;
    wrapping->form.digest = MIN(wrapping->form.digest, partner->form.digest);
    wrapping->form.cipher = cipher_for_both(wrapping->form.cipher, partner->form.cipher);
    if (partner->form.key_transport == KEY_TRANSPORT_RSA_PKCS1)
        wrapping->form.key_transport = KEY_TRANSPORT_RSA_PKCS1;
    wrapping->form.null_signature &= partner->form.null_signature && known;
    wrapping->names_encrypter &= known;
    wrapping->review |= rule->outbound.review;
    wrapping->attributes |= rule->outbound.attributes;
    wrapping->encrypt_to_self |= rule->outbound.encrypt_to_self;
    /* What one rule hides stays hidden: all software shows it at the head of the text, if nowhere else. */
    wrapping->headers = MAX(wrapping->headers, rule->outbound.header_protection);
    /* A signature has one label (RFC 2634 §3.2): that of the first recipient who has any. */
    if (wrapping->labels.label.policy[0] == '\0')
        labels_choose(partner, message, &wrapping->labels);
}
