/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying SignedData (RFC 5652 §5, RFC 8551 §2.5).
 *
 * Each SignerInfo gets a result of its own: CMS_verify() knows only all or nothing. SignedData without SignerInfos is
 * the empty-signature layer of RFC 3183 §3. Chains, names and times are trust's to judge.
 */
#include "smime_private.h"

#include <openssl/err.h>

static bool is_same_label(const struct security_label *a, const struct security_label *b)
{
    return strcmp(a->policy, b->policy) == 0 && a->classification == b->classification &&
           strcmp(a->privacy_mark, b->privacy_mark) == 0 && strcmp(a->categories_sha256, b->categories_sha256) == 0;
}

static bool has_same_labels(const struct ess *a, const struct ess *b)
{
    bool same = is_same_label(&a->label, &b->label) && a->equivalent_count == b->equivalent_count;
    for (unsigned i = 0; same && i < a->equivalent_count; i++)
        same = is_same_label(&a->equivalents[i], &b->equivalents[i]);
    return same;
}

/* What must be the same in all SignerInfos of one SignedData. */
static const char *difference(const struct signer_facts *a, const struct signer_facts *b)
{
    if (a->types != b->types)
        return "the signature types of the signers differ (RFC 3183 section 3.1.2)";
    if (!has_same_labels(&a->ess, &b->ess))
        return "the security labels of the signers differ (RFC 2634 section 3.1.1)";
    return NULL;
}

static void compare_signers(struct layer_facts *layer)
{
    const char *fault = NULL;
    for (size_t i = 1; i < layer->signer_count && fault == NULL; i++)
        fault = difference(&layer->signers[0], &layer->signers[i]);
    for (size_t i = 0; fault != NULL && i < layer->signer_count; i++) {
        layer->signers[i].type_fault = true;
        g_strlcpy(layer->signers[i].reason, fault, sizeof(layer->signers[i].reason));
    }
}

static enum opened check_signers(const struct opening *opening, STACK_OF(CMS_SignerInfo) * infos, bool receipt)
{
    struct layer *layer = opening->layer;
    owned(BIO) BIO *chain = digest_chain(infos);
    if (chain == NULL) {
        error_set_openssl(opening->error, ERROR_TEMPORARY, "digest of the signed content");
        return OPENED_FAILED;
    }
    if (!digest_write(chain, layer->inner, opening->budget, opening->error))
        return OPENED_FAILED;
    const struct verification by = {
        .digests = chain, .content = layer->inner, .certificates = layer->certificates, .budget = opening->budget};
    size_t count = (size_t)MAX(sk_CMS_SignerInfo_num(infos), 0);
    layer->signers = g_new0(struct signer, count);
    layer->facts.signers = g_new0(struct signer_facts, count);
    layer->facts.signer_count = count;
    for (size_t i = 0; i < count; i++) {
        layer->signers[i].facts = &layer->facts.signers[i];
        layer->facts.signers[i].receipt = receipt;
        if (!signer_check(sk_CMS_SignerInfo_value(infos, (int)i), &by, &layer->signers[i], opening->error))
            return OPENED_FAILED;
    }
    ERR_clear_error(); /* the fault has been reported, or concerns a certificate that did not sign */
    compare_signers(&layer->facts);
    return OPENED;
}

static bool is_receipt(CMS_ContentInfo *cms)
{
    return OBJ_obj2nid(CMS_get0_eContentType(cms)) == NID_id_smime_ct_receipt;
}

/* Finds the signed content. A second content beside a detached one would be verified by some programs and shown by
 * others. */
static const char *find_content(CMS_ContentInfo *cms, const struct slice *detached, struct slice *content)
{
    ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
    bool is_data = OBJ_obj2nid(CMS_get0_eContentType(cms)) == NID_pkcs7_data;
    if (!is_data && (detached != NULL || !is_receipt(cms)))
        return "the signed content is not of type data (RFC 8551 section 2.4.1)";
    if (detached != NULL) {
        if (inside != NULL && *inside != NULL)
            return "the signature of a multipart/signed contains content of its own";
        *content = *detached;
        return NULL;
    }
    if (inside == NULL || *inside == NULL)
        return "the signed data has no content";
    *content = (struct slice){(const char *)ASN1_STRING_get0_data(*inside), (size_t)ASN1_STRING_length(*inside)};
    return is_data || receipt_is_sound(*content) ? NULL : "the receipt cannot be parsed (RFC 2634 section 2.8)";
}

/* RFC 8551 §3.8: certificates and CRLs to take along, no signature and nothing signed. */
static bool is_certs_only(CMS_ContentInfo *cms)
{
    ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
    return sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) <= 0 && (inside == NULL || *inside == NULL);
}

/* From here on they are treated like those of the message. */
static bool add_known(struct layer *layer, STACK_OF(X509) * known)
{
    if (sk_X509_num(known) <= 0)
        return true;
    if (layer->certificates == NULL)
        layer->certificates = sk_X509_new_null();
    return layer->certificates != NULL &&
           X509_add_certs(layer->certificates, known, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP);
}

enum opened open_signed(const struct opening *opening, CMS_ContentInfo **cms, const struct slice *content)
{
    struct layer *layer = opening->layer;
    if (content == NULL && is_certs_only(*cms))
        return OPENED_NOT_SMIME;
    const char *fault = find_content(*cms, content, &layer->inner);
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(*cms);
    enum opened opened;

    if (fault != NULL)
        return opening_failed(opening, fault);
    bool receipt = is_receipt(*cms);
    if (opening->may_be_document && content == NULL && !receipt && !mime_is_entity(layer->inner, opening->limits))
        return OPENED_NOT_SMIME;
    if (sk_CMS_SignerInfo_num(infos) > (int)MIN(opening->limits->signers, INT_MAX))
        return opening_failed(opening, "more signers than signers_limit");
    layer->certificates = CMS_get1_certs(*cms);
    layer->crls = CMS_get1_crls(*cms);
    if (sk_X509_num(layer->certificates) > (int)MIN(opening->limits->certificates, INT_MAX) ||
        sk_X509_CRL_num(layer->crls) > (int)MIN(opening->limits->certificates, INT_MAX))
        return opening_failed(opening, "more certificates or CRLs than certificates_limit");
    if (!add_known(layer, opening->known)) {
        error_set_openssl(opening->error, ERROR_TEMPORARY, "certificates of signers");
        return OPENED_FAILED;
    }
    opened = check_signers(opening, infos, receipt);
    if (receipt)
        layer->inner = SLICE_NONE; /* there is no entity in it */
    if (opened == OPENED && content == NULL) {
        struct layer_owner *owner = g_new0(struct layer_owner, 1);
        owner->cms = steal(cms);
        layer->owner = owner;
    }
    return opened;
}
