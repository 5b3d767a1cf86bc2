/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form: in which form layers are written for a recipient. The partner's file says which; where it follows capabilities,
 * the strongest algorithm that the recipient's software announced takes its place, but none that is weaker than both
 * the file's own and the weakest that the file lets capabilities lead to. Where nothing is known, or nothing that may
 * be chosen, the file's own stays.
 */
#include "policy/plan.h"

unsigned policy_cipher_strength(enum cipher cipher)
{
    static const enum cipher order[] = {CIPHER_AES_128_CBC, CIPHER_AES_192_CBC, CIPHER_AES_256_CBC, CIPHER_AES_128_GCM,
                                        CIPHER_AES_256_GCM};
    unsigned rank = 0;
    while (rank < G_N_ELEMENTS(order) && order[rank] != cipher)
        rank++;
    return rank;
}

static unsigned strength_of_cipher(unsigned cipher)
{
    return policy_cipher_strength((enum cipher)cipher);
}

static unsigned strength_of_digest(unsigned digest)
{
    return digest;
}

static unsigned strength_of_key_transport(unsigned key_transport)
{
    return key_transport == KEY_TRANSPORT_RSA_OAEP ? 1 : 0;
}

/* Of count values, numbered as the bits of announced. */
static unsigned choose(unsigned announced, unsigned count, unsigned (*strength)(unsigned value), unsigned own,
                       unsigned weakest)
{
    unsigned least = MIN(strength(own), strength(weakest)), chosen = own;
    bool is_chosen = false;
    for (unsigned i = 0; i < count; i++) {
        if ((announced & (1U << i)) == 0 || strength(i) < least || (is_chosen && strength(i) < strength(chosen)))
            continue;
        chosen = i;
        is_chosen = true;
    }
    return chosen;
}

struct form policy_form(const struct partner *partner, const struct capabilities *known)
{
    const struct capabilities_conf *conf = &partner->capabilities;
    struct form form = partner->form;
    if (!conf->follow)
        return form;
    form.cipher =
        (enum cipher)choose(known->ciphers, CIPHER_AES_256_CBC + 1, strength_of_cipher, form.cipher, conf->cipher);
    form.digest = (enum digest)choose(known->digests, DIGEST_SHA512 + 1, strength_of_digest, form.digest, conf->digest);
    form.key_transport = (enum key_transport)choose(known->key_transports, KEY_TRANSPORT_RSA_PKCS1 + 1,
                                                    strength_of_key_transport, form.key_transport, conf->key_transport);
    return form;
}
