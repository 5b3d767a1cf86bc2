/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer as a thing: its names, and who frees what. Every way of opening one (verify.c, decrypt.c, decompress.c)
 * stands on this file; open.c chooses among them.
 */
#include "smime_private.h"

const char *layer_type_name(enum layer_type type)
{
    static const char *const names[] = {
        [LAYER_SIGNED] = "signed-data",
        [LAYER_ENVELOPED] = "enveloped-data",
        [LAYER_AUTHENVELOPED] = "authenveloped-data",
        [LAYER_COMPRESSED] = "compressed-data",
    };
    return (unsigned)type < G_N_ELEMENTS(names) ? names[type] : "unknown";
}

void layer_owner_free(struct layer_owner *owner)
{
    if (owner == NULL)
        return;
    CMS_ContentInfo_free(owner->cms);
    spool_free(owner->spool);
    g_free(owner);
}

bool layer_is_encrypted(const struct layer_facts *layer)
{
    return layer->type == LAYER_ENVELOPED || layer->type == LAYER_AUTHENVELOPED;
}

void layer_clear(struct layer *layer)
{
    for (size_t i = 0; i < layer->facts.signer_count; i++) {
        X509_free(layer->signers[i].certificate);
        X509_free(layer->signers[i].encryption);
        carried_attributes_free(layer->signers[i].carried);
    }
    g_free(layer->signers);
    g_free(layer->facts.signers);
    sk_X509_pop_free(layer->certificates, X509_free);
    sk_X509_CRL_pop_free(layer->crls, X509_CRL_free);
    if (layer->embedded != NULL)
        g_ptr_array_unref(layer->embedded);
    layer_owner_free(layer->owner);
    *layer = (struct layer){0};
}

void layer_forget(struct layer *layer)
{
    struct layer_facts facts = layer->facts;
    facts.signers = NULL;
    facts.signer_count = 0;
    layer_clear(layer);
    layer->facts = facts;
}

enum opened opening_failed(const struct opening *opening, const char *reason)
{
    error_set(opening->error, ERROR_PERMANENT, "%s", reason);
    return OPENED_FAILED;
}
