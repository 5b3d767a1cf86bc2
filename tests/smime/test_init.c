/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that reloads initialises again, in another thread, while messages are being signed.
 */
#include "smime/smime_private.h"
#include "support/craft.h"

#define THREADS 8

struct setting {
    struct pki *signer;
    gint waiting;
};

/* All begin at once; what a thread needs is there as soon as its own call has returned. */
static gpointer initialise_and_sign(gpointer data)
{
    struct setting *setting = data;
    struct error error = {0};
    g_atomic_int_dec_and_test(&setting->waiting);
    while (g_atomic_int_get(&setting->waiting) > 0)
        continue;
    mime_init();
    if (!smime_init(&error))
        return g_strdup(error.text);
    CRAFT_PART made = craft_signed(setting->signer, FORMAT_CLEAR, SIGNATURE_TYPE_DOMAIN);
    CRAFT_LAYER layer;
    if (craft_open(made.part, NULL, &craft_limits, &layer, &error) != OPENED || !layer.facts.signers[0].valid)
        return g_strdup("not signed");
    return NULL;
}

Test(init, by_many_threads_at_once)
{
    struct pki *root = pki_ca("Acme root");
    struct pki *signer = pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=e"), .key = PKI_ED25519});
    struct setting setting = {.signer = signer, .waiting = THREADS};
    GThread *threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("init", initialise_and_sign, &setting);
    for (size_t i = 0; i < THREADS; i++) {
        g_autofree char *fault = g_thread_join(threads[i]);
        cr_expect_null(fault, "%s", fault);
    }
    pki_free(signer);
    pki_free(root);
}

/* What others are using stays where it is. */
Test(init, again)
{
    struct error error = {0};
    cr_assert(smime_init(&error), "%s", error.text);
    const EVP_MD *digest = algorithm_digest(DIGEST_SHA256);
    cr_assert(smime_init(&error), "%s", error.text);
    cr_expect_eq(algorithm_digest(DIGEST_SHA256), digest);
}
