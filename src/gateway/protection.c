/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protection: one copy of a message serves recipients under several rules: how its layers are made, so that all of them
 * can read it. Where rules differ, the form counts that all software knows, whatever order the recipients come in. That
 * something is signed or encrypted at all was decided before (policy/plan.c), and is never less than any rule asks.
 */
#include "protection.h"

static bool is_cbc(enum cipher cipher)
{
    return cipher == CIPHER_AES_128_CBC || cipher == CIPHER_AES_256_CBC;
}

/* What knows GCM knows it with either key and knows CBC (RFC 8551 §2.7); what is said to want CBC may know no other,
 * nor a longer key (RFC 5751 §2.7). */
static enum cipher cipher_for_both(enum cipher a, enum cipher b)
{
    if (is_cbc(a) != is_cbc(b))
        return is_cbc(a) ? a : b;
    return is_cbc(a) ? MIN(a, b) : MAX(a, b);
}

static void first_rule(const struct rule *rule, struct protection *protection)
{
    protection->sign.format = rule->partner->form.format;
    protection->sign.signature = rule->partner->form.signature;
    protection->sign.digest = rule->partner->form.digest;
    protection->encrypt.cipher = rule->partner->form.cipher;
    protection->encrypt.key_transport = rule->partner->form.key_transport;
    protection->null_signature = protection->names_encrypter = true;
}

void protection_add(const struct rule *rule, const struct message *message, struct protection *protection)
{
    if (!protection->is_set)
        first_rule(rule, protection);
    protection->is_set = true;
    if (rule->partner->form.format == FORMAT_CLEAR)
        protection->sign.format = FORMAT_CLEAR;
    if (rule->partner->form.signature == SIGNATURE_RSA_PKCS1)
        protection->sign.signature = SIGNATURE_RSA_PKCS1;
    protection->sign.digest = MIN(protection->sign.digest, rule->partner->form.digest);
    protection->encrypt.cipher = cipher_for_both(protection->encrypt.cipher, rule->partner->form.cipher);
    if (rule->partner->form.key_transport == KEY_TRANSPORT_RSA_PKCS1)
        protection->encrypt.key_transport = KEY_TRANSPORT_RSA_PKCS1;
    protection->null_signature &= rule->partner->form.null_signature && rule->partner->naming == NAMING_RFC3183;
    protection->names_encrypter &= rule->partner->naming == NAMING_RFC3183;
    protection->review |= rule->outbound.review;
    protection->attributes |= rule->outbound.attributes;
    protection->encrypt_to_self |= rule->outbound.encrypt_to_self;
    /* A signature has one label (RFC 2634 §3.2): the first recipient's who has any. */
    if (protection->labels.label.policy[0] == '\0')
        labels_choose(rule, message, &protection->labels);
}

void protection_choose(const struct way_out *way, struct protection *protection)
{
    *protection = (struct protection){0};
    for (size_t i = 0; i < way->envelope->recipient_count; i++)
        if (!way->recipients[i].local)
            protection_add(way->recipients[i].rule, way->message, protection);
    protection->sign.limits = protection->encrypt.limits = &way->gateway->conf->limits;
}
