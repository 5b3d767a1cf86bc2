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
