/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts content into a CMS without ever holding both in one block.
 *
 * OpenSSL encodes a CMS either in one piece, which costs the message's size in memory twice, or in streaming mode as
 * BER of indefinite length, which costs every reader's decoder as much. So OpenSSL encodes the structure with its
 * content detached, and here the lengths of the four elements around the content are written anew, by OpenSSL's own
 * ASN1_get_object() and ASN1_put_object(): the result is plain DER, known before the first octet of content.
 *
 *     ContentInfo SEQUENCE { OID, [0] { SEQUENCE { … version, sets …, host SEQUENCE { … content }, suffix … } } }
 *
 * Only for what we made ourselves; nothing received passes through here.
 */
#include "smime_private.h"

struct element {
    const unsigned char *start;
    const unsigned char *content;
    const unsigned char *end;
    int tag, class;
};

static bool element_read(const unsigned char *at, const unsigned char *end, struct element *element)
{
    long length = 0;
    int flags;
    element->start = at;
    flags = ASN1_get_object(&at, &length, &element->tag, &element->class, end - at);
    if ((flags & 0x80) != 0 || (flags & 1) != 0 || length < 0 || length > end - at)
        return false;
    element->content = at;
    element->end = at + length;
    return true;
}

/* The element around the content is the first SEQUENCE in SignedData (encapContentInfo), EnvelopedData and
 * AuthEnvelopedData (encryptedContentInfo): RFC 5652 §5.1, §6.1, RFC 5083 §2.1. */
static bool find_host(const struct element *inner, struct element *host)
{
    for (const unsigned char *at = inner->content; at < inner->end; at = host->end) {
        if (!element_read(at, inner->end, host))
            return false;
        if (host->tag == V_ASN1_SEQUENCE && host->class == V_ASN1_UNIVERSAL)
            return true;
    }
    return false;
}

static void append(GByteArray *bytes, const unsigned char *from, const unsigned char *to)
{
    g_byte_array_append(bytes, from, (guint)(to - from));
}

static void append_header(GByteArray *bytes, int constructed, int length, int tag, int class)
{
    unsigned char header[16];
    unsigned char *end = header;
    ASN1_put_object(&end, constructed, length, tag, class);
    append(bytes, header, end);
}

/* Header octets of the content itself; *total is their length plus the content's. */
static void append_content_header(GByteArray *bytes, enum content_place place, int length)
{
    if (place == CONTENT_ENCRYPTED) {
        append_header(bytes, 0, length, 0, V_ASN1_CONTEXT_SPECIFIC);
        return;
    }
    append_header(bytes, 1, ASN1_object_size(0, length, V_ASN1_OCTET_STRING), 0, V_ASN1_CONTEXT_SPECIFIC);
    append_header(bytes, 0, length, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL);
}

static int content_size(enum content_place place, int length)
{
    if (place == CONTENT_ENCRYPTED)
        return ASN1_object_size(0, length, 0);
    return ASN1_object_size(1, ASN1_object_size(0, length, V_ASN1_OCTET_STRING), 0);
}

/* Appends everything before the host: the version, followed by the place of an originatorInfo (RFC 5652 §6.1, RFC
 * 5083 §2.1). */
static void append_start(GByteArray *bytes, const struct frame *frame, const struct element *version,
                         const struct element *host)
{
    append(bytes, version->start, version->end);
    if (frame->originator != NULL) {
        bytes->data[bytes->len - 1] = frame->version;
        append(bytes, frame->originator, frame->originator + frame->originator_length);
    }
    append(bytes, version->end, host->start);
}

bool frame_make(const unsigned char *der, long der_length, enum content_place place, size_t length, struct frame *frame,
                struct error *error)
{
    const unsigned char *end = der + der_length;
    struct element outer, type, wrapper, inner, version, host = {0};
    int host_length, inner_length, wrapper_length;
    if (length > INT_MAX / 2 || der_length > INT_MAX / 4)
        return error_set(error, ERROR_PERMANENT, "too large for a CMS object");
    if (!element_read(der, end, &outer) || !element_read(outer.content, outer.end, &type) ||
        !element_read(type.end, outer.end, &wrapper) || !element_read(wrapper.content, wrapper.end, &inner) ||
        !element_read(inner.content, inner.end, &version) || !find_host(&inner, &host))
        return error_set(error, ERROR_BUG, "CMS object of an unexpected form");

    frame->suffix_at = (size_t)(host.end - der);
    frame->suffix_length = (size_t)(inner.end - host.end) + frame->growth;
    host_length = (int)(host.end - host.content) + content_size(place, (int)length);
    inner_length = (int)(host.start - inner.content) + frame->originator_length +
                   ASN1_object_size(1, host_length, V_ASN1_SEQUENCE) + (int)frame->suffix_length;
    wrapper_length = ASN1_object_size(1, inner_length, V_ASN1_SEQUENCE);

    frame->prefix = g_byte_array_sized_new(1024);
    append_header(frame->prefix, 1, (int)(type.end - type.start) + ASN1_object_size(1, wrapper_length, 0),
                  V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    append(frame->prefix, type.start, type.end);
    append_header(frame->prefix, 1, wrapper_length, 0, V_ASN1_CONTEXT_SPECIFIC);
    append_header(frame->prefix, 1, inner_length, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    append_start(frame->prefix, frame, &version, &host);
    append_header(frame->prefix, 1, host_length, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    append(frame->prefix, host.content, host.end);
    append_content_header(frame->prefix, place, (int)length);
    return true;
}

void frame_clear(struct frame *frame)
{
    if (frame->prefix != NULL)
        g_byte_array_unref(frame->prefix);
    *frame = (struct frame){0};
}

long frame_der(const CMS_ContentInfo *cms, unsigned char **der, struct error *error)
{
    int length = i2d_CMS_ContentInfo(cms, der);
    if (length <= 0)
        error_set_openssl(error, ERROR_TEMPORARY, "encoding the CMS object");
    return length > 0 ? length : -1;
}

bool frame_write(const unsigned char *der, long length, const struct rope *content, struct spool *out,
                 struct error *error)
{
    __attribute__((cleanup(cleanup_frame))) struct frame frame = {0};
    struct base64_state state = {0};
    if (!frame_make(der, length, CONTENT_SIGNED, rope_length(content), &frame, error) || frame.prefix == NULL)
        return false;
    const struct slice prefix = {(const char *)frame.prefix->data, frame.prefix->len};
    const struct slice suffix = {(const char *)der + frame.suffix_at, frame.suffix_length};
    if (!base64_write(&state, prefix, false, out, error))
        return false;
    for (size_t i = 0; i < rope_count(content); i++)
        if (!base64_write(&state, rope_at(content, i), false, out, error))
            return false;
    return base64_write(&state, suffix, true, out, error);
}

#define ENTITY_HEADER(smime_type)                                                                                      \
    "Content-Type: application/pkcs7-mime; smime-type=" smime_type ";\r\n"                                             \
    "\tname=\"smime.p7m\"\r\n"                                                                                         \
    "Content-Transfer-Encoding: base64\r\n"                                                                            \
    "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n"

const char smime_opaque_header[] = ENTITY_HEADER("signed-data");

bool frame_entity(const char *smime_type, struct spool **body, struct entity *out, struct error *error)
{
    owned(rope) struct rope *rope = rope_new();
    if (!spool_append(steal(body), rope, error))
        return false;
    out->body = steal(&rope);
    out->is_base64 = true;
    out->header = rope_new();
    rope_printf(out->header, ENTITY_HEADER("%s"), smime_type);
    return true;
}
