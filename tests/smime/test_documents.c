/* SPDX-License-Identifier: Apache-2.0 */
/* What a SignedData is by its content: a layer of the message, a document, a receipt or certificates alone. */
#include "smime/attributes.h"
#include "support/craft.h"

/* SEQUENCE { INTEGER 1, OID id-data, OCTET STRING, OCTET STRING } */
#define RECEIPT "\x30\x17\x02\x01\x01\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\x04\x02id\x04\x03sig"
#define XML "<?xml version=\"1.0\"?>\r\n<invoice/>\r\n"

static struct craft_part signed_part(const struct pki *signer, const char *content, int type, enum format format)
{
    owned(BIO) BIO *data = BIO_new_mem_buf(content, -1);
    unsigned flags = CMS_PARTIAL | CMS_BINARY | (format == FORMAT_CLEAR ? CMS_DETACHED : 0);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    cr_assert(CMS_set1_eContentType(cms, OBJ_nid2obj(type)));
    if (signer != NULL)
        cr_assert_not_null(CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(), flags));
    if (signer != NULL)
        cr_assert(CMS_final(cms, data, NULL, flags));
    if (format == FORMAT_OPAQUE)
        return craft_part_of_cms(cms);
    CRAFT_PART opaque = craft_part_of_cms(cms);
    g_autoptr(GByteArray) der = craft_der(opaque.part);
    return craft_part_of_clear(slice_of(content), der->data, der->len);
}

/* As the whole of a message it is what it says; as one part among others it may be a document (smime_open_part()). */
Test(documents, and_receipts)
{
    static const struct {
        const char *content;
        int type;
        enum format format;
        bool has_signer;
        enum opened alone, among_others;
        const char *says; /* in the error */
    } rows[] = {
        {CRAFT_WHOLE, NID_pkcs7_data, FORMAT_OPAQUE, true, OPENED, OPENED, ""},
        {CRAFT_WHOLE, NID_pkcs7_data, FORMAT_CLEAR, true, OPENED, OPENED, ""},
        {XML, NID_pkcs7_data, FORMAT_OPAQUE, true, OPENED, OPENED_NOT_SMIME, ""},
        {XML, NID_pkcs7_data, FORMAT_CLEAR, true, OPENED, OPENED, ""},
        {RECEIPT, NID_id_smime_ct_receipt, FORMAT_OPAQUE, true, OPENED, OPENED, ""},
        {RECEIPT, NID_id_smime_ct_receipt, FORMAT_CLEAR, true, OPENED_FAILED, OPENED_FAILED, "not of type data"},
        {CRAFT_WHOLE, NID_id_smime_ct_TSTInfo, FORMAT_OPAQUE, true, OPENED_FAILED, OPENED_FAILED, "not of type data"},
        /* the empty signature of RFC 3183 §3 */
        {CRAFT_WHOLE, NID_pkcs7_data, FORMAT_CLEAR, false, OPENED, OPENED, ""},
    };
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    PKI_AUTO struct pki *alice = pki_person(root, "alice@acme.test");
    const struct open_options options = {.limits = &craft_limits};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        bool alone = i & 1, is_receipt = rows[i / 2].type == NID_id_smime_ct_receipt;
        CRAFT_PART part = signed_part(rows[i / 2].has_signer ? alice : NULL, rows[i / 2].content, rows[i / 2].type,
                                      rows[i / 2].format);
        struct error error = {0};
        CRAFT_LAYER layer;
        enum opened opened = (alone ? smime_open : smime_open_part)(part.part, &options, &layer, &error);
        cr_expect_eq(opened, alone ? rows[i / 2].alone : rows[i / 2].among_others, "row %zu: %s", i, error.text);
        cr_expect_not_null(strstr(error.text, rows[i / 2].says), "row %zu: %s", i, error.text);
        if (opened != OPENED)
            continue;
        cr_assert_eq(layer.facts.signer_count, rows[i / 2].has_signer ? 1u : 0u, "row %zu", i);
        cr_expect_eq(layer.inner.data == NULL, is_receipt, "row %zu: a receipt holds no entity", i);
        if (!is_receipt)
            cr_expect(craft_inner_is(&layer, rows[i / 2].content), "row %zu", i);
        if (rows[i / 2].has_signer) {
            cr_expect(layer.facts.signers[0].valid, "row %zu: %s", i, layer.facts.signers[0].reason);
            cr_expect_eq(layer.facts.signers[0].receipt, is_receipt, "row %zu", i);
        }
    }
}
