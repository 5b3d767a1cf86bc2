/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opaque: turns a clear signature into an opaque one, for a content that would not get through as it is.
 *
 * Both forms have the same SignedData (RFC 8551 §3.5), with the content outside or inside, so what was signed and the
 * signature stay as they are. The DER that was received is used, and no encoding of ours, because some signers sign
 * attributes in an order of their own; only what is BER of indefinite length is encoded anew. Whether the signature
 * holds is for others to say.
 */
#include "smime_private.h"

/* True if every length is stated in front, as far as the content is concerned. */
static bool is_definite(struct slice der, size_t content)
{
    struct frame frame = {0};
    struct error ignored = {0};
    bool good = frame_make((const unsigned char *)der.data, (long)der.len, CONTENT_SIGNED, content, &frame, &ignored);
    frame_clear(&frame);
    return good;
}

static const char *fault(CMS_ContentInfo *cms)
{
    if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed ||
        OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
        return "the second part of multipart/signed is no S/MIME signature";
    ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
    return inside != NULL && *inside != NULL ? "the signature of a multipart/signed contains content of its own" : NULL;
}

static CMS_ContentInfo *parse(struct slice der, struct error *error)
{
    const unsigned char *at = (const unsigned char *)der.data;
    if (der.len == 0 || der.len > INT_MAX / 4) {
        error_set(error, ERROR_PERMANENT, "the signature is empty or too large");
        return NULL;
    }
    int nid;
    if (!skeleton_check(der, NULL, &nid, NULL, error))
        return NULL;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
    if (cms == NULL) {
        error_set_openssl(error, ERROR_PERMANENT, "the signature cannot be parsed");
        return NULL;
    }
    const char *why = fault(cms);
    if (why != NULL) {
        error_set(error, ERROR_PERMANENT, "%s", why);
        return NULL;
    }
    return steal(&cms);
}

bool smime_write_opaque(const struct part *part, const struct limits *limits, struct spool *out, struct error *error)
{
    owned(spool) struct spool *received = spool_new(limits);
    owned(rope) struct rope *content = rope_new();
    owned(openssl_bytes) unsigned char *encoded = NULL;
    struct slice der;
    if (!part_is_multipart_signed(part) || part->child_count != 2)
        return error_set(error, ERROR_PERMANENT, "multipart/signed has not exactly two parts (RFC 1847 section 2.1)");
    if (!part_decode(&part->children[1], received, error) || !spool_finish(received, &der, error))
        return false;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = parse(der, error);
    if (cms == NULL)
        return false;
    rope_borrow(content, part->children[0].whole);
    if (rope_length(content) > INT_MAX / 4)
        return error_set(error, ERROR_PERMANENT, "too large for a CMS object");
    if (is_definite(der, rope_length(content)))
        return frame_write((const unsigned char *)der.data, (long)der.len, content, out, error);
    long length = frame_der(cms, &encoded, error);
    return length >= 0 && frame_write(encoded, length, content, out, error);
}
