/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrapping: one copy of a message serves recipients under several rules: how its layers are made, so that all of them
 * can read it. Where rules differ, the form counts that all software knows, whatever the order of the recipients. That
 * something is signed or encrypted at all was decided before (combine.c), and is never less than any rule asks.
 */
#include "policy/plan.h"

#include <string.h>

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

void wrapping_add(const struct rule *rule, const struct capabilities *capabilities, const struct message *message,
                  struct wrapping *wrapping)
{
    const struct partner *partner = rule->partner;
    const struct form form = policy_form(partner, capabilities);
    bool known = partner->naming == NAMING_RFC3183;
    if (!wrapping->is_set) {
        wrapping->form = form;
        wrapping->form.null_signature = wrapping->names_encrypter = true;
    }
    wrapping->is_set = true;
    if (form.format == FORMAT_CLEAR)
        wrapping->form.format = FORMAT_CLEAR;
    if (form.signature == SIGNATURE_RSA_PKCS1)
        wrapping->form.signature = SIGNATURE_RSA_PKCS1;
    wrapping->form.digest = MIN(wrapping->form.digest, form.digest);
    wrapping->form.cipher = cipher_for_both(wrapping->form.cipher, form.cipher);
    if (form.key_transport == KEY_TRANSPORT_RSA_PKCS1)
        wrapping->form.key_transport = KEY_TRANSPORT_RSA_PKCS1;
    wrapping->form.null_signature &= form.null_signature && known;
    wrapping->names_encrypter &= known;
    wrapping->review |= rule->outbound.review;
    wrapping->attributes |= rule->outbound.attributes;
    wrapping->encrypt_to_self |= rule->outbound.encrypt_to_self;
    /* What one rule hides stays hidden: all software shows it at the head of the text, if nowhere else. */
    wrapping->headers = MAX(wrapping->headers, rule->outbound.header_protection);
    sign_with_add(&rule->outbound.sign_with, &wrapping->sign_with);
    /* A signature has one label (RFC 2634 §3.2): that of the first recipient who has any. */
    if (wrapping->labels.label.policy[0] == '\0')
        labels_choose(partner, message, &wrapping->labels);
}

/* --- copies of a message that is split --- */

static bool label_equal(const struct security_label *a, const struct security_label *b)
{
    return strcmp(a->policy, b->policy) == 0 && a->classification == b->classification &&
           strcmp(a->privacy_mark, b->privacy_mark) == 0;
}

static bool labels_equal(const struct labels *a, const struct labels *b)
{
    if (!label_equal(&a->label, &b->label) || a->equivalent_count != b->equivalent_count)
        return false;
    for (unsigned i = 0; i < a->equivalent_count; i++)
        if (!label_equal(&a->equivalents[i], &b->equivalents[i]))
            return false;
    return true;
}

static bool signed_equal(const struct wrapping *a, const struct wrapping *b)
{
    return a->form.null_signature == b->form.null_signature && a->form.format == b->form.format &&
           a->form.signature == b->form.signature && a->form.digest == b->form.digest && a->review == b->review &&
           a->attributes == b->attributes && labels_equal(&a->labels, &b->labels);
}

static bool encrypted_equal(const struct wrapping *a, const struct wrapping *b)
{
    return a->form.cipher == b->form.cipher && a->form.key_transport == b->form.key_transport &&
           a->encrypt_to_self == b->encrypt_to_self && a->names_encrypter == b->names_encrypter;
}

/* Of two wrappings that are signed alike otherwise. */
static bool signers_equal(const struct wrapping *a, const struct wrapping *b, const struct treatment *treatment)
{
    enum own signers[OWN_COUNT];
    size_t count = policy_signers(treatment, a, signers);
    for (size_t i = 0; i < count; i++)
        if (a->chosen[signers[i]] != b->chosen[signers[i]])
            return false;
    return true;
}

bool wrapping_equal(const struct wrapping *a, const struct wrapping *b, const struct treatment *treatment)
{
    bool signs = treatment->sign || treatment->triple;
    /* Nothing is hidden without encryption. */
    enum protect_headers most = treatment->encrypt ? PROTECT_HEADERS_SHY : PROTECT_HEADERS_SIGN;
    if ((signs || treatment->encrypt) && MIN(a->headers, most) != MIN(b->headers, most))
        return false;
    return (!signs || (signed_equal(a, b) && signers_equal(a, b, treatment))) &&
           (!treatment->encrypt || encrypted_equal(a, b));
}

void wrapping_raise(const struct least *least, struct wrapping *wrapping)
{
    const struct treatment *treatment = &least->treatment;
    struct form *form = &wrapping->form;
    if (treatment->sign || treatment->encrypt)
        wrapping->headers = MAX(wrapping->headers, least->headers);
    if (treatment->sign || treatment->triple) {
        form->digest = MAX(form->digest, least->form.digest);
        form->signature = MIN(form->signature, least->form.signature); /* RSA-PSS comes first */
        wrapping->review |= least->review;
        wrapping->attributes |= least->attributes;
        sign_with_unite(&least->sign_with, &wrapping->sign_with);
    }
    if (treatment->encrypt) {
        if (policy_cipher_strength(least->form.cipher) > policy_cipher_strength(form->cipher))
            form->cipher = least->form.cipher;
        form->key_transport = MIN(form->key_transport, least->form.key_transport); /* RSA-OAEP comes first */
    }
}

size_t policy_signers(const struct treatment *treatment, const struct wrapping *wrapping, enum own *list)
{
    size_t count = 0;
    bool signs = treatment->sign || treatment->triple, by_domain = signs && treatment->sign_as != SIGN_AS_MAILBOX;
    bool labelled = wrapping->labels.label.policy[0] != '\0' || wrapping->labels.equivalent_count > 0;
    if (signs && treatment->sign_as != SIGN_AS_DOMAIN)
        list[count++] = OWN_MAILBOX;
    if (by_domain && wrapping->review)
        list[count++] = OWN_REVIEW;
    if (by_domain && wrapping->attributes && labelled)
        list[count++] = OWN_ATTRIBUTE;
    if (by_domain)
        list[count++] = OWN_DOMAIN;
    return count;
}
