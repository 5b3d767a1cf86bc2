/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner's software announces chooses algorithms, within what the partner's file allows. */
#include "policy/plan.h"

#include <criterion/criterion.h>

#define C(name) (1U << CIPHER_AES_##name)
#define GCM128 CIPHER_AES_128_GCM
#define GCM256 CIPHER_AES_256_GCM
#define CBC128 CIPHER_AES_128_CBC
#define CBC192 CIPHER_AES_192_CBC
#define CBC256 CIPHER_AES_256_CBC
#define ALL_CIPHERS (C(128_GCM) | C(256_GCM) | C(128_CBC) | C(192_CBC) | C(256_CBC))

Test(form, ciphers)
{
    static const struct {
        enum cipher own, weakest;
        unsigned announced;
        enum cipher chosen;
    } rows[] = {
        /* nothing is known */
        {GCM256, CBC128, 0, GCM256},
        {CBC128, CBC128, 0, CBC128},
        /* the strongest */
        {CBC128, GCM256, ALL_CIPHERS, GCM256},
        {GCM256, CBC128, ALL_CIPHERS, GCM256},
        {CBC128, GCM256, C(128_CBC) | C(192_CBC), CBC192},
        {CBC128, GCM256, C(256_CBC) | C(128_CBC) | C(192_CBC), CBC256},
        {CBC128, GCM256, C(256_CBC) | C(128_GCM), GCM128},
        {CBC128, GCM256, ALL_CIPHERS << 1, GCM256}, /* what there is not */
        /* down to the weakest that is allowed */
        {GCM256, CBC128, C(128_CBC), CBC128},
        {GCM256, CBC256, C(128_CBC) | C(256_CBC), CBC256},
        {GCM256, GCM128, C(128_GCM) | C(256_CBC), GCM128},
        /* and not below: the file's own stays */
        {GCM256, CBC256, C(128_CBC) | C(192_CBC), GCM256},
        {GCM256, GCM256, C(128_GCM) | C(256_CBC), GCM256},
        {CBC256, GCM256, C(128_CBC) | C(192_CBC), CBC256},
        /* the file's own is allowed, whatever the weakest is */
        {CBC256, GCM256, C(128_CBC) | C(256_CBC), CBC256},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct partner partner = {.form.cipher = rows[i].own, .capabilities = {true, .cipher = rows[i].weakest}};
        const struct capabilities known = {.ciphers = rows[i].announced};
        struct form form = policy_form(&partner, &known);
        cr_expect_eq(form.cipher, rows[i].chosen, "row %zu: %s", i, cipher_name(form.cipher));
        partner.capabilities.follow = false;
        cr_expect_eq(policy_form(&partner, &known).cipher, rows[i].own, "row %zu: not followed", i);
    }
}

Test(form, digests)
{
    static const struct {
        enum digest own, weakest;
        unsigned announced;
        enum digest chosen;
    } rows[] = {
        {DIGEST_SHA256, DIGEST_SHA512, 0, DIGEST_SHA256},
        {DIGEST_SHA256, DIGEST_SHA512, 1 << DIGEST_SHA384, DIGEST_SHA384},
        {DIGEST_SHA256, DIGEST_SHA512, 7, DIGEST_SHA512},
        {DIGEST_SHA256, DIGEST_SHA512, 2 << DIGEST_SHA512, DIGEST_SHA256}, /* what there is not */
        {DIGEST_SHA512, DIGEST_SHA512, 1 << DIGEST_SHA256, DIGEST_SHA512},
        {DIGEST_SHA512, DIGEST_SHA256, 1 << DIGEST_SHA256, DIGEST_SHA256},
        {DIGEST_SHA512, DIGEST_SHA384, 1 << DIGEST_SHA256, DIGEST_SHA512},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct partner partner = {.form.digest = rows[i].own, .capabilities = {true, .digest = rows[i].weakest}};
        cr_expect_eq(policy_form(&partner, &(struct capabilities){.digests = rows[i].announced}).digest, rows[i].chosen,
                     "row %zu", i);
    }
}

Test(form, key_transports)
{
#define OAEP KEY_TRANSPORT_RSA_OAEP
#define PKCS1 KEY_TRANSPORT_RSA_PKCS1
    static const struct {
        enum key_transport own, weakest;
        unsigned announced;
        enum key_transport chosen;
    } rows[] = {
        {OAEP, PKCS1, 0, OAEP},           {OAEP, OAEP, 1 << PKCS1, OAEP},
        {OAEP, PKCS1, 1 << PKCS1, PKCS1}, {OAEP, PKCS1, (1 << PKCS1) | (1 << OAEP), OAEP},
        {PKCS1, OAEP, 1 << OAEP, OAEP},   {PKCS1, OAEP, 1 << PKCS1, PKCS1},
        {PKCS1, OAEP, 2 << PKCS1, PKCS1}, /* what there is not */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct partner partner = {.form.key_transport = rows[i].own,
                                        .capabilities = {true, .key_transport = rows[i].weakest}};
        cr_expect_eq(policy_form(&partner, &(struct capabilities){.key_transports = rows[i].announced}).key_transport,
                     rows[i].chosen, "row %zu", i);
    }
}

/* One copy serves recipients with different software, in a form that all read. */
Test(form, of_several_recipients)
{
    const struct partner partner = {.form.cipher = GCM256, .capabilities = {true, .cipher = CBC128}};
    const struct rule rule = {.partner = &partner};
    struct wrapping wrapping = {0};
    wrapping_add(&rule, &(struct capabilities){.ciphers = ALL_CIPHERS}, NULL, &wrapping);
    cr_expect_eq(wrapping.form.cipher, GCM256);
    wrapping_add(&rule, &(struct capabilities){.ciphers = C(256_CBC)}, NULL, &wrapping);
    cr_expect_eq(wrapping.form.cipher, CBC256);
}
