/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked about the layers that come out of decryptions that failed.
 */
#include "support/attack.h"

#define EPILOGUE "\r\nThis is an epilogue, which no signature covers.\r\n"

/* A signature around the content, and an encryption around that, whose padding is wrong; g_free(). */
static char *shut_badly(const struct rig *rig, const struct pki *signer, const char *content)
{
    const struct attack attack = {.signer = signer, .content = content, .flags = CMS_DETACHED};
    g_autofree char *inside = signer != NULL ? attack_clear("", content, attack_sign(&attack)) : g_strdup(content);
    g_autofree char *all = g_strconcat(inside, EPILOGUE, NULL);
    GByteArray *der = attack_envelop_der(EVP_aes_128_cbc(), rig->partner.dca, all, false);
    der->data[der->len - 17] ^= 0x80;
    char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    return entity;
}

/* Policy sees the layers as if each had opened, however deep they lie. */
Test(failed_decryptions, are_looked_up_as_if_each_had_opened)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *third = shut_badly(rig, NULL, ATTACK_ENTITY);
    g_autofree char *second = shut_badly(rig, rig->acme.dsa, third);
    g_autofree char *first = shut_badly(rig, rig->acme.alice, second);
    g_autofree char *text = g_strconcat(ATTACK_TOP, first, NULL);
    AUTO_SENT struct sent in = attack_in(rig, text);
    const struct layers_view *view = &in.result->lookups.if_opened;
    const struct pki *const signers[] = {NULL, rig->acme.alice, NULL, rig->acme.dsa, NULL};
    cr_expect_eq(in.result->lookups.views[0].opened, OPENED_BROKEN);
    cr_expect_eq(in.result->lookups.vain_count, 4);
    cr_assert_eq(view->whole, G_N_ELEMENTS(signers), "%zu", view->whole);
    cr_expect_eq(view->count, view->whole);
    cr_expect(view->malleable);
    for (size_t i = 0; i < view->whole; i++) {
        const struct layer_view *layer = &view->list[i];
        cr_expect_eq(layer->opened, OPENED, "%zu", i);
        cr_expect_eq(layer->error->kind, ERROR_NONE, "%zu", i);
        cr_expect(layer->has_content, "%zu", i);
        cr_assert_eq(layer->facts->type, signers[i] != NULL ? LAYER_SIGNED : LAYER_ENVELOPED, "%zu", i);
        char sha256[65] = "";
        if (signers[i] == NULL)
            continue;
        certificate_fingerprint(signers[i]->cert, sha256);
        cr_expect_str_eq(layer->signers[0].sha256, sha256, "%zu", i);
    }
}
