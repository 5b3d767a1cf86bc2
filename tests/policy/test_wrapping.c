/* SPDX-License-Identifier: Apache-2.0 */
/* How one copy for recipients under several rules is made. */
#include "policy/plan.h"

#include <criterion/criterion.h>

static const struct partner strict = {.naming = NAMING_RFC3183,
                                      .form = {.null_signature = true,
                                               .format = FORMAT_OPAQUE,
                                               .signature = SIGNATURE_RSA_PSS,
                                               .digest = DIGEST_SHA512,
                                               .cipher = CIPHER_AES_256_GCM,
                                               .key_transport = KEY_TRANSPORT_RSA_OAEP}};

static void add(const struct partner *partner, struct wrapping *wrapping)
{
    struct rule rule = partner->base;
    rule.partner = partner;
    wrapping_add(&rule, &(struct capabilities){0}, NULL, wrapping);
}

static struct wrapping merged(const struct partner *a, const struct partner *b)
{
    struct wrapping wrapping = {0};
    add(a, &wrapping);
    if (b != NULL)
        add(b, &wrapping);
    return wrapping;
}

Test(wrapping, one_rule_is_done_as_it_says)
{
    struct wrapping wrapping = merged(&strict, NULL);
    cr_expect_eq(wrapping.form.format, FORMAT_OPAQUE);
    cr_expect_eq(wrapping.form.digest, DIGEST_SHA512);
    cr_expect_eq(wrapping.form.cipher, CIPHER_AES_256_GCM);
    cr_expect(wrapping.form.null_signature && wrapping.names_encrypter);
    cr_expect_not(wrapping.review || wrapping.attributes || wrapping.encrypt_to_self);
}

/* Another rule that differs from the strict one in one thing: in either order, that is all that differs in the outcome.
 */
Test(wrapping, of_two_rules_what_both_can_read)
{
    struct partner others[10];
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        others[i] = strict;
    others[0].form.format = FORMAT_CLEAR;
    others[1].form.signature = SIGNATURE_RSA_PKCS1;
    others[2].form.digest = DIGEST_SHA256;
    others[3].form.key_transport = KEY_TRANSPORT_RSA_PKCS1;
    others[4].form.null_signature = false;
    others[5].naming = NAMING_DOMAIN;
    others[6].base.outbound.review = true;
    others[7].base.outbound.attributes = true;
    others[8].base.outbound.encrypt_to_self = true;
    others[9].base.outbound.header_protection = PROTECT_HEADERS_SHY;
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        const struct partner *other = &others[i];
        struct wrapping one = merged(&strict, other), two = merged(other, &strict);
        bool known = other->naming == NAMING_RFC3183;
        for (const struct wrapping *each = &one; each != NULL; each = each == &one ? &two : NULL) {
            cr_expect_eq(each->form.format, other->form.format, "%zu", i);
            cr_expect_eq(each->form.signature, other->form.signature, "%zu", i);
            cr_expect_eq(each->form.digest, other->form.digest, "%zu", i);
            cr_expect_eq(each->form.cipher, other->form.cipher, "%zu", i);
            cr_expect_eq(each->form.key_transport, other->form.key_transport, "%zu", i);
            cr_expect_eq(each->form.null_signature, known && other->form.null_signature, "%zu", i);
            cr_expect_eq(each->names_encrypter, known, "%zu", i);
            cr_expect_eq(each->review, other->base.outbound.review, "%zu", i);
            cr_expect_eq(each->attributes, other->base.outbound.attributes, "%zu", i);
            cr_expect_eq(each->headers, other->base.outbound.header_protection, "%zu", i);
            cr_expect_eq(each->encrypt_to_self, other->base.outbound.encrypt_to_self, "%zu", i);
        }
    }
}

Test(wrapping, ciphers)
{
    static const struct {
        enum cipher a, b, both;
    } rows[] = {
        {CIPHER_AES_128_GCM, CIPHER_AES_128_GCM, CIPHER_AES_128_GCM},
        {CIPHER_AES_256_GCM, CIPHER_AES_256_GCM, CIPHER_AES_256_GCM},
        {CIPHER_AES_128_CBC, CIPHER_AES_128_CBC, CIPHER_AES_128_CBC},
        {CIPHER_AES_256_CBC, CIPHER_AES_256_CBC, CIPHER_AES_256_CBC},
        {CIPHER_AES_128_GCM, CIPHER_AES_256_GCM, CIPHER_AES_256_GCM},
        {CIPHER_AES_128_CBC, CIPHER_AES_256_CBC, CIPHER_AES_128_CBC},
        {CIPHER_AES_192_CBC, CIPHER_AES_192_CBC, CIPHER_AES_192_CBC},
        {CIPHER_AES_128_CBC, CIPHER_AES_192_CBC, CIPHER_AES_128_CBC},
        {CIPHER_AES_192_CBC, CIPHER_AES_256_CBC, CIPHER_AES_192_CBC},
        {CIPHER_AES_256_GCM, CIPHER_AES_192_CBC, CIPHER_AES_192_CBC},
        {CIPHER_AES_128_GCM, CIPHER_AES_128_CBC, CIPHER_AES_128_CBC},
        {CIPHER_AES_256_GCM, CIPHER_AES_256_CBC, CIPHER_AES_256_CBC},
        {CIPHER_AES_128_GCM, CIPHER_AES_256_CBC, CIPHER_AES_256_CBC},
        {CIPHER_AES_256_GCM, CIPHER_AES_128_CBC, CIPHER_AES_128_CBC},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct partner a = {.form.cipher = rows[i].a}, b = {.form.cipher = rows[i].b};
        cr_expect_eq(merged(&a, &b).form.cipher, rows[i].both, "%zu", i);
        cr_expect_eq(merged(&b, &a).form.cipher, rows[i].both, "%zu, the other way round", i);
    }
}

/* The first that gives any; one that depends on a field of the message does not count where there is no message. */
Test(wrapping, labels)
{
    struct label_conf secret = {.policy = (char *)"1.2.3", .classification = CLASSIFICATION_SECRET};
    struct label_conf by_field = {.policy = (char *)"1.2.9", .value = (char *)"x"};
    const struct partner labelled = {.labels = &secret, .label_count = 1};
    const struct partner depends = {.labels = &by_field, .label_count = 1, .label_header = (char *)"Sensitivity"};
    const struct partner none = {0};
    cr_expect_str_eq(merged(&none, &labelled).labels.label.policy, "1.2.3");
    cr_expect_str_eq(merged(&labelled, &none).labels.label.policy, "1.2.3");
    cr_expect_str_eq(merged(&depends, &labelled).labels.label.policy, "1.2.3");
    cr_expect_str_eq(merged(&depends, NULL).labels.label.policy, "");
}

/* --- copies of a message that is split --- */

enum { BY_SIGNATURE = 1, BY_ENCRYPTION = 2 }; /* what shows a difference */

/* Changes one thing. Returns what shows it; -1: there is no such number. */
static int change(size_t number, struct wrapping *wrapping)
{
    struct form *form = &wrapping->form;
    struct labels *labels = &wrapping->labels;
    switch (number) {
    case 0:
        form->null_signature = true;
        return BY_SIGNATURE;
    case 1:
        form->format = FORMAT_OPAQUE;
        return BY_SIGNATURE;
    case 2:
        form->signature = SIGNATURE_RSA_PKCS1;
        return BY_SIGNATURE;
    case 3:
        form->digest = DIGEST_SHA512;
        return BY_SIGNATURE;
    case 4:
        wrapping->review = !wrapping->review;
        return BY_SIGNATURE;
    case 5:
        wrapping->attributes = !wrapping->attributes;
        return BY_SIGNATURE;
    case 6:
        g_strlcpy(labels->label.policy, "1.2.4", sizeof(labels->label.policy));
        return BY_SIGNATURE;
    case 7:
        labels->label.classification = CLASSIFICATION_SECRET;
        return BY_SIGNATURE;
    case 8:
        g_strlcpy(labels->label.privacy_mark, "x", sizeof(labels->label.privacy_mark));
        return BY_SIGNATURE;
    case 9:
        labels->equivalent_count = 1;
        return BY_SIGNATURE;
    case 10:
        g_strlcpy(labels->equivalents[0].policy, "1.2.5", sizeof(labels->equivalents[0].policy));
        return BY_SIGNATURE;
    case 11:
        labels->equivalents[1].classification = CLASSIFICATION_SECRET;
        return BY_SIGNATURE;
    case 12: /* which is not one of them */
        labels->equivalents[2].classification = CLASSIFICATION_SECRET;
        return 0;
    case 13:
        form->cipher = CIPHER_AES_256_CBC;
        return BY_ENCRYPTION;
    case 14:
        form->key_transport = KEY_TRANSPORT_RSA_PKCS1;
        return BY_ENCRYPTION;
    case 15:
        wrapping->encrypt_to_self = true;
        return BY_ENCRYPTION;
    case 16:
        wrapping->names_encrypter = true;
        return BY_ENCRYPTION;
    case 17:
        wrapping->chosen[OWN_DOMAIN] = 1;
        return BY_SIGNATURE;
    case 18: /* does not sign */
        wrapping->chosen[OWN_MAILBOX] = 1;
        return 0;
    case 19:
        wrapping->sign_with.escrowed = 1; /* the keys that were chosen count */
        return 0;
    default:
        return -1;
    }
}

static const struct treatment nothing = {0}, signs = {.sign = true}, encrypts = {.encrypt = true},
                              does_both = {.sign = true, .encrypt = true},
                              triple = {.sign = true, .encrypt = true, .triple = true};
static const struct treatment *const treatments[] = {&nothing, &signs, &encrypts, &does_both, &triple};

Test(wrapping, what_makes_another_copy)
{
    struct wrapping one = {.labels = {.label.policy = "1.2.3", .equivalent_count = 2}};
    for (size_t number = 0;; number++) {
        struct wrapping other = one;
        int shown = change(number, &other);
        if (shown < 0)
            return;
        for (size_t i = 0; i < G_N_ELEMENTS(treatments); i++) {
            bool differs = (treatments[i]->sign && (shown & BY_SIGNATURE) != 0) ||
                           (treatments[i]->encrypt && (shown & BY_ENCRYPTION) != 0);
            cr_expect_eq(wrapping_equal(&one, &other, treatments[i]), !differs, "%zu, %zu", number, i);
            cr_expect_eq(wrapping_equal(&other, &one, treatments[i]), !differs, "%zu, %zu", number, i);
            cr_expect(wrapping_equal(&other, &other, treatments[i]), "%zu, %zu", number, i);
        }
    }
}

/* Fields are repeated in a signature and in an encryption, and hidden by an encryption alone. */
Test(wrapping, header_protection_that_makes_another_copy)
{
    for (int a = PROTECT_HEADERS_NONE; a <= PROTECT_HEADERS_SHY; a++)
        for (int b = PROTECT_HEADERS_NONE; b <= PROTECT_HEADERS_SHY; b++) {
            const struct wrapping one = {.headers = (enum protect_headers)a},
                                  other = {.headers = (enum protect_headers)b};
            bool repeats = (a == PROTECT_HEADERS_NONE) == (b == PROTECT_HEADERS_NONE);
            cr_expect(wrapping_equal(&one, &other, &nothing));
            cr_expect_eq(wrapping_equal(&one, &other, &signs), repeats, "%d %d", a, b);
            cr_expect_eq(wrapping_equal(&one, &other, &encrypts), a == b, "%d %d", a, b);
            cr_expect_eq(wrapping_equal(&one, &other, &does_both), a == b, "%d %d", a, b);
        }
}

/* What was planned for a copy, and what its rule asks: neither is lost. */
Test(wrapping, raised_to_what_was_planned)
{
    for (size_t i = 0; i < G_N_ELEMENTS(treatments); i++)
        for (int has = 0; has < 2; has++) {
            const struct treatment *treatment = treatments[i];
            const struct least least = {.treatment = *treatment,
                                        .headers = has != 0 ? PROTECT_HEADERS_NONE : PROTECT_HEADERS_SHY,
                                        .review = has == 0,
                                        .attributes = has == 0,
                                        .sign_with = {.escrowed = has == 0 ? 4 : 0}};
            struct wrapping wrapping = {.headers = has != 0 ? PROTECT_HEADERS_SHY : PROTECT_HEADERS_NONE,
                                        .review = has != 0,
                                        .attributes = has != 0,
                                        .sign_with = {.escrowed = has != 0 ? 4 : 0}};
            wrapping_raise(&least, &wrapping);
            bool leaves = treatment->sign || treatment->encrypt;
            cr_expect_eq(wrapping.headers, has != 0 || leaves ? PROTECT_HEADERS_SHY : PROTECT_HEADERS_NONE, "%zu", i);
            cr_expect_eq(wrapping.review, has != 0 || treatment->sign, "%zu", i);
            cr_expect_eq(wrapping.attributes, has != 0 || treatment->sign, "%zu", i);
            cr_expect_eq(wrapping.sign_with.escrowed, has != 0 || treatment->sign ? 4 : 0, "%zu", i);
        }
}

Test(wrapping, signers)
{
    static const struct {
        struct treatment treatment;
        bool review, attributes, labelled;
        const char *signers;
    } rows[] = {
        {{.encrypt = true, .sign_as = SIGN_AS_MAILBOX}, true, true, true, ""},
        {{.encrypt = true, .sign_as = SIGN_AS_DOMAIN}, true, true, true, ""},
        {{.sign = true, .sign_as = SIGN_AS_MAILBOX}, true, true, true, "m"},
        {{.sign = true, .sign_as = SIGN_AS_DOMAIN}, false, false, true, "d"},
        {{.sign = true, .sign_as = SIGN_AS_DOMAIN}, false, true, false, "d"},
        {{.sign = true, .sign_as = SIGN_AS_DOMAIN}, true, false, false, "rd"},
        {{.sign = true, .sign_as = SIGN_AS_BOTH}, true, true, true, "mrad"},
    };
    static const char letters[] = {[OWN_MAILBOX] = 'm', [OWN_REVIEW] = 'r', [OWN_ATTRIBUTE] = 'a', [OWN_DOMAIN] = 'd'};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct wrapping wrapping = {.review = rows[i].review, .attributes = rows[i].attributes};
        enum own list[OWN_COUNT];
        char text[OWN_COUNT + 1] = "";
        if (rows[i].labelled)
            g_strlcpy(wrapping.labels.label.policy, "1.2.3", sizeof(wrapping.labels.label.policy));
        size_t count = policy_signers(&rows[i].treatment, &wrapping, list);
        for (size_t j = 0; j < count; j++)
            text[j] = letters[list[j]];
        cr_expect_str_eq(text, rows[i].signers, "%zu: %s", i, text);
    }
}
