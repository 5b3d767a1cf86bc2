/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a layer: from a MIME part to the entity inside and what the cryptography says about it.
 *
 *     part ─▶ transfer encoding off ─▶ CMS decoded ─▶ signed │ enveloped │ compressed ─▶ layer
 *
 * The content type in the CMS decides; smime-type and micalg are not believed. A multipart/signed is verified on the
 * bytes of its first part as they were received (RFC 1847 §2.1). Anything odd fails: two programs that read a message
 * differently are how signatures get forged. One layer a call: the gateway walks inwards and keeps count.
 */
#include "smime_private.h"

#include <string.h>

static enum layer_type known_type(int nid, enum layer_type otherwise)
{
    switch (nid) {
    case NID_pkcs7_signed:
        return LAYER_SIGNED;
    case NID_pkcs7_enveloped:
        return LAYER_ENVELOPED;
    case NID_id_smime_ct_authEnvelopedData:
        return LAYER_AUTHENVELOPED;
    case NID_id_smime_ct_compressedData:
        return LAYER_COMPRESSED;
    default:
        return otherwise;
    }
}

/* The octets must be exactly one CMS object, because another program could read trailing data differently. One CRLF
 * is allowed, which SMTP adds after the last line if no transfer encoding hides it. */
static CMS_ContentInfo *parse(const struct opening *opening, struct slice der, bool encoded, enum layer_type *type)
{
    struct error *error = opening->error;
    const unsigned char *at = (const unsigned char *)der.data;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
    if (der.len == 0 || der.len > INT_MAX) {
        error_set(error, ERROR_PERMANENT, "the CMS object is empty or too large");
        return NULL;
    }
    int nid = NID_undef;
    bool affordable = skeleton_check(der, opening->budget, &nid, &opening->layer->embedded, error);
    *type = known_type(nid, *type);
    if (!affordable)
        return NULL;
    cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
    if (cms == NULL) {
        error_set_openssl(error, ERROR_PERMANENT, "the CMS object cannot be parsed");
        return NULL;
    }
    *type = known_type(OBJ_obj2nid(CMS_get0_type(cms)), *type);
    struct slice rest = {(const char *)at, der.len - (size_t)((const char *)at - der.data)};
    while (rest.len > 0 && rest.data[rest.len - 1] == '\0') /* fill, which every program passes over */
        rest.len--;
    if (rest.len > 0 && (encoded || !slice_equal(rest, slice_of("\r\n")))) {
        error_set(error, ERROR_PERMANENT, "the CMS object is followed by other data");
        return NULL;
    }
    return steal(&cms);
}

/* The DER is gone when this returns: from here on only the decoded structure is in memory. While it is decoded, the
 * encoded message needs not be there, too. */
static CMS_ContentInfo *decode(const struct part *part, const struct opening *opening, enum layer_type *type)
{
    owned(spool) struct spool *der = spool_new(opening->limits);
    struct error *error = opening->error;
    struct slice bytes;
    if (!budget_spend(opening->budget, part->body.len * COST_DECODED, error) || !part_decode(part, der, error))
        return NULL;
    if (part->message != NULL)
        message_forget(part->message);
    if (spool_length(der) > opening->limits->message_size) {
        error_set(error, ERROR_PERMANENT, "the CMS object is larger than message_size_limit");
        return NULL;
    }
    return spool_finish(der, &bytes, error) ? parse(opening, bytes, part->encoding == ENCODING_BASE64, type) : NULL;
}

/* Only for the report on a layer that cannot be decoded. */
static enum layer_type hinted_type(const struct part *part)
{
    const char *type = part_parameter(part, "smime-type");
    if (type == NULL || g_ascii_strcasecmp(type, "enveloped-data") == 0)
        return LAYER_ENVELOPED;
    if (g_ascii_strcasecmp(type, "authenveloped-data") == 0)
        return LAYER_AUTHENVELOPED;
    if (g_ascii_strcasecmp(type, "compressed-data") == 0)
        return LAYER_COMPRESSED;
    return LAYER_SIGNED;
}

static enum opened open_mime_cms(const struct part *part, const struct opening *opening)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
    opening->layer->facts.type = hinted_type(part);
    if (part->fault != NULL)
        return opening_failed(opening, part->fault);
    cms = decode(part, opening, &opening->layer->facts.type);
    if (cms == NULL)
        return opening->only_encrypted && opening->error->kind == ERROR_PERMANENT ? OPENED_NOT_SMIME : OPENED_FAILED;
    int type = OBJ_obj2nid(CMS_get0_type(cms));
    if (opening->only_encrypted && type != NID_pkcs7_enveloped && type != NID_id_smime_ct_authEnvelopedData)
        return OPENED_NOT_SMIME;
    switch (type) {
    case NID_pkcs7_signed:
        return open_signed(opening, &cms, NULL);
    case NID_pkcs7_enveloped:
    case NID_id_smime_ct_authEnvelopedData:
        return open_enveloped(opening, &cms);
    case NID_id_smime_ct_compressedData:
        return open_compressed(opening, &cms);
    case NID_pkcs7_data:
    case NID_pkcs7_digest:
    case NID_pkcs7_encrypted:
        return OPENED_NOT_SMIME; /* CMS, but no layer of S/MIME (RFC 8551 §2.4) */
    default:
        return opening_failed(opening, "a CMS content type that S/MIME does not use (RFC 8551 section 2.4)");
    }
}

static bool is_signature_type(const char *type)
{
    return strcmp(type, "application/pkcs7-signature") == 0 || strcmp(type, "application/x-pkcs7-signature") == 0 ||
           strcmp(type, "application/octet-stream") == 0;
}

/* A program that relies on the parameter sees no S/MIME signature. */
static bool protocol_fits(const struct part *part)
{
    const char *protocol = part_parameter(part, "protocol");
    return protocol == NULL || g_ascii_strcasecmp(protocol, "application/pkcs7-signature") == 0 ||
           g_ascii_strcasecmp(protocol, "application/x-pkcs7-signature") == 0;
}

static enum opened open_multipart(const struct part *part, const struct opening *opening)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
    enum layer_type type = LAYER_SIGNED;
    opening->layer->facts.type = LAYER_SIGNED;
    opening->layer->facts.detached = true;
    if (part->fault != NULL)
        return opening_failed(opening, part->fault);
    if (!protocol_fits(part))
        return opening_failed(opening, "the protocol of multipart/signed is another one (RFC 1847 section 2.1)");
    if (part->child_count != 2)
        return opening_failed(opening, "multipart/signed has not exactly two parts (RFC 1847 section 2.1)");
    if (part->children[1].fault != NULL)
        return opening_failed(opening, part->children[1].fault);
    if (!is_signature_type(part->children[1].type))
        return opening_failed(opening, "the second part of multipart/signed is no S/MIME signature");
    cms = decode(&part->children[1], opening, &type);
    if (cms == NULL)
        return OPENED_FAILED;
    if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
        return opening_failed(opening, "the second part of multipart/signed is no S/MIME signature");
    return open_signed(opening, &cms, &part->children[0].whole);
}

static enum opened open_any(const struct part *part, const struct opening *opening)
{
    enum opened opened;
    *opening->layer = (struct layer){0};
    if (part_is_multipart_signed(part))
        opened = open_multipart(part, opening);
    else if (part_is_pkcs7_mime(part))
        opened = open_mime_cms(part, opening);
    else
        return OPENED_NOT_SMIME;
    if (opened != OPENED && opened != OPENED_BROKEN)
        layer_forget(opening->layer);
    return opened;
}

static struct opening opening_of(const struct open_options *options, struct layer *layer, struct error *error)
{
    return (struct opening){.keys = options->keys,
                            .known = options->known,
                            .limits = options->limits,
                            .at = options->at,
                            .admits = options->admits,
                            .admits_context = options->admits_context,
                            .budget = options->budget,
                            .layer = layer,
                            .error = error};
}

enum opened smime_open(const struct part *part, const struct open_options *options, struct layer *layer,
                       struct error *error)
{
    struct opening opening = opening_of(options, layer, error);
    opening.may_be_document = part_is_named_as_document(part);
    return open_any(part, &opening);
}

enum opened smime_open_encrypted(const struct part *part, const struct open_options *options, struct layer *layer,
                                 struct error *error)
{
    struct opening opening = opening_of(options, layer, error);
    opening.only_encrypted = true;
    return open_any(part, &opening);
}

enum opened smime_open_part(const struct part *part, const struct open_options *options, struct layer *layer,
                            struct error *error)
{
    struct opening opening = opening_of(options, layer, error);
    opening.may_be_document = true;
    return open_any(part, &opening);
}
