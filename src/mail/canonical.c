/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canonical: makes the entity to protect (RFC 8551 §3.1, RFC 3183 §3.2).
 *
 * A signed entity must pass MTAs unchanged. Most messages need no change: one pass over the body shows it, and the body
 * is borrowed. Otherwise the tree is walked, only the parts that need it are re-encoded, and everything else is
 * borrowed from the bytes received. Per part:
 *
 *     leaf without trouble                   unchanged; a label "8bit" or "binary" becomes "7bit"
 *     text leaf with trouble                 quoted-printable (base64 again if it was base64)
 *     other leaf with trouble                base64
 *     multipart/signed, multipart/encrypted, message/…, base64 of application/pkcs7-mime
 *                                            unchanged, whatever its content: a signature may be inside
 *     part with a fault, unknown or broken transfer encoding
 *                                            unchanged except bare CR and LF: it cannot be split reliably
 *
 * A preamble or epilogue with trouble is omitted, because it is not content (RFC 2046 §5.1.1) and cannot be encoded.
 * MIME headers are kept as received, except Content-Transfer-Encoding. smime/ adds the S/MIME layers.
 */
#include "lines.h"
#include "quoted.h"
#include "segments.h"

#include <string.h>

enum treatment {
    KEEP,      /* borrow */
    LABEL,     /* borrow the body, but the header says 7bit */
    LINE_ENDS, /* copy, bare CR and LF made CRLF */
    QUOTED,    /* decode, encode as quoted-printable */
    BASE64,    /* decode, encode as base64 */
};

static bool is_multipart(const struct part *part)
{
    return text_begins_with(part->type, "multipart/");
}

static bool declares_eight_bit(const struct part *part)
{
    return part->encoding == ENCODING_8BIT || part->encoding == ENCODING_BINARY;
}

/* Parts whose content we must not change, because signatures may cover it. */
static bool is_sealed(const struct part *part)
{
    return strcmp(part->type, "multipart/signed") == 0 || strcmp(part->type, "multipart/encrypted") == 0 ||
           text_begins_with(part->type, "message/") ||
           (part->encoding == ENCODING_BASE64 && text_begins_with(part->type, "application/") &&
            part_is_pkcs7_mime(part));
}

/* For every part except a multipart that is to be split. is_child: the delimiter after it brings its last CRLF. */
static enum treatment choose(const struct part *part, bool is_child)
{
    unsigned troubles = lines_scan(part->body) & ~(is_child ? TROUBLE_OPEN : 0u);
    if (part->fault != NULL)
        return LINE_ENDS;
    if (is_sealed(part))
        return !is_multipart(part) && declares_eight_bit(part) && (troubles & TROUBLE_HARD) == 0 ? LABEL : KEEP;
    if (troubles == 0)
        return declares_eight_bit(part) ? LABEL : KEEP;
    if (part->encoding == ENCODING_UNKNOWN)
        return LINE_ENDS;
    if (part->encoding == ENCODING_BASE64)
        return troubles == TROUBLE_OPEN ? KEEP : BASE64;
    return text_begins_with(part->type, "text/") ? QUOTED : BASE64;
}

/* True if 8-bit bytes will remain. */
static bool stays_eight_bit(const struct part *part)
{
    if (is_multipart(part) && part->fault == NULL && !is_sealed(part)) {
        for (size_t i = 0; i < part->child_count; i++)
            if (stays_eight_bit(&part->children[i]))
                return true;
        return false;
    }
    if ((lines_scan(part->body) & TROUBLE_EIGHT_BIT) == 0)
        return false;
    enum treatment treatment = choose(part, true);
    /* Base64 with 8-bit characters cannot be decoded. */
    return treatment == KEEP || treatment == LINE_ENDS || part->encoding == ENCODING_BASE64;
}

/* True if a label must be corrected. */
static bool has_eight_bit_label(const struct part *part)
{
    if (declares_eight_bit(part))
        return true;
    for (size_t i = 0; i < part->child_count; i++)
        if (has_eight_bit_label(&part->children[i]))
            return true;
    return false;
}

static const char *label_of(enum treatment treatment)
{
    switch (treatment) {
    case LABEL:
        return "Content-Transfer-Encoding: 7bit\r\n";
    case QUOTED:
        return "Content-Transfer-Encoding: quoted-printable\r\n";
    case BASE64:
        return "Content-Transfer-Encoding: base64\r\n";
    default:
        return NULL;
    }
}

/* --- bodies --- */

static bool write_base64(struct slice bytes, struct spool *out, struct error *error)
{
    struct base64_state state = {.carried = 0};
    return base64_write(&state, bytes, true, out, error);
}

/* Decodes the part's body and writes it encoded. *treatment becomes LINE_ENDS if it cannot be decoded. */
static bool write_leaf(struct segments *out, const struct part *part, enum treatment *treatment, bool is_child,
                       struct error *error)
{
    owned(spool) struct spool *decoded = NULL;
    struct slice bytes = part->body;
    if (*treatment != LINE_ENDS && (part->encoding == ENCODING_BASE64 || part->encoding == ENCODING_QUOTED_PRINTABLE)) {
        decoded = spool_new(out->limits);
        struct error cause = {0};
        if (!part_decode(part, decoded, &cause)) {
            if (cause.kind != ERROR_PERMANENT) {
                *error = cause;
                return false;
            }
            *treatment = LINE_ENDS;
        } else if (!spool_finish(decoded, &bytes, error)) {
            return false;
        }
    }
    bool changed;
    segments_begin(out);
    if (*treatment == LINE_ENDS && !lines_write(part->body, !is_child, segments_spool(out), &changed, error))
        return false;
    if (*treatment == QUOTED && !quoted_write(bytes, !is_child, segments_spool(out), error))
        return false;
    if (*treatment == BASE64 && !write_base64(bytes, segments_spool(out), error))
        return false;
    segments_end(out);
    return true;
}

/* --- headers --- */

/* Borrows the header of a part, with its Content-Transfer-Encoding replaced by label (a whole line); label NULL:
 * unchanged. */
static bool add_part_header(struct segments *out, const struct part *part, const char *label, struct error *error)
{
    const char *p = part->header.data, *end = p + part->header.len;
    bool is_written = label == NULL;
    for (size_t i = 0; label != NULL && i < part->fields.count; i++) {
        const struct field *field = &part->fields.list[i];
        if (!slice_equal_nocase(field->name, "Content-Transfer-Encoding"))
            continue;
        segments_borrow(out, (struct slice){p, (size_t)(field->name.data - p)});
        if (!is_written && !segments_copy(out, slice_of(label), error))
            return false;
        is_written = true;
        p = field->value.data + field->value.len;
        p += end - p >= 2 ? 2 : end - p; /* CRLF */
    }
    segments_borrow(out, (struct slice){p, (size_t)(end - p)});
    if (is_written)
        return true;
    if (end > part->header.data && end[-1] != '\n' && !segments_copy(out, slice_of("\r\n"), error))
        return false;
    return segments_copy(out, slice_of(label), error);
}

/* --- the tree --- */

static bool add_multipart(struct segments *out, const struct part *part, struct error *error);

static struct slice range(const char *from, const char *to)
{
    return (struct slice){from, (size_t)(to - from)};
}

static bool add_child(struct segments *out, const struct part *part, struct error *error)
{
    const char *end = part->whole.data + part->whole.len;
    if (part->fault != NULL) {
        bool changed;
        if ((lines_scan(part->whole) & TROUBLE_BARE) == 0) {
            segments_borrow(out, part->whole);
            return true;
        }
        segments_begin(out);
        if (!lines_write(part->whole, false, segments_spool(out), &changed, error))
            return false;
        segments_end(out);
        return true;
    }
    bool opens = is_multipart(part) && !is_sealed(part);
    enum treatment treatment = KEEP;
    if (opens)
        treatment = declares_eight_bit(part) && !stays_eight_bit(part) ? LABEL : KEEP;
    else
        treatment = choose(part, true);

    struct segments body;
    segments_nest(&body, out);
    bool good = true;
    if (opens)
        good = add_multipart(&body, part, error);
    else if (treatment == KEEP || treatment == LABEL)
        segments_borrow(&body, range(part->body.data, end));
    else
        good = write_leaf(&body, part, &treatment, true, error);
    good = good && add_part_header(out, part, label_of(treatment), error);
    if (good)
        segments_borrow(out, range(part->header.data + part->header.len, part->body.data)); /* the empty line */
    segments_merge(out, &body);
    return good;
}

/* Writes the children one after another, with everything between them. */
static bool add_multipart(struct segments *out, const struct part *part, struct error *error)
{
    const char *p = part->body.data, *end = p + part->body.len;
    if ((lines_scan(part->preamble) & ~(unsigned)TROUBLE_OPEN) != 0)
        p = part->preamble.data + part->preamble.len + 2; /* after the CRLF of the first delimiter */
    for (size_t i = 0; i < part->child_count; i++) {
        const struct part *child = &part->children[i];
        segments_borrow(out, range(p, child->whole.data));
        if (!add_child(out, child, error))
            return false;
        p = child->whole.data + child->whole.len;
    }
    if ((lines_scan(part->epilogue) & ~(unsigned)TROUBLE_OPEN) != 0)
        end = part->epilogue.data;
    segments_borrow(out, range(p, end));
    return true;
}

/* --- the root --- */

/* The Content-* fields, as received and in their order. */
static struct rope *root_header(const struct part *root, const char *label, bool is_eight_bit)
{
    struct rope *header = rope_new();
    bool is_written = label == NULL;
    if (fields_find(&root->fields, "Content-Type", 1) == NULL)
        rope_borrow(header, slice_of(is_eight_bit ? "Content-Type: text/plain\r\n"
                                                  : "Content-Type: text/plain; charset=us-ascii\r\n"));
    for (size_t i = 0; i < root->fields.count; i++) {
        const struct field *field = &root->fields.list[i];
        if (!field_is_content(field))
            continue;
        if (label == NULL || !slice_equal_nocase(field->name, "Content-Transfer-Encoding")) {
            struct slice raw = range(field->name.data, field->value.data + field->value.len);
            if ((lines_scan(raw) & TROUBLE_BARE) == 0) {
                rope_borrow(header, raw);
            } else {
                g_autofree char *folded = field_fold(field->value);
                rope_copy(header, field->name);
                rope_printf(header, ":%s", folded);
            }
            rope_borrow(header, slice_of("\r\n"));
        } else if (!is_written) {
            rope_borrow(header, slice_of(label));
            is_written = true;
        }
    }
    if (!is_written)
        rope_borrow(header, slice_of(label));
    return header;
}

/* Writes the body of root to out. *treatment: what the header must say. */
static bool add_root(struct segments *out, const struct part *root, enum treatment *treatment, struct error *error)
{
    if (is_multipart(root) && root->fault == NULL && !is_sealed(root)) {
        *treatment = declares_eight_bit(root) && !stays_eight_bit(root) ? LABEL : KEEP;
        if (!add_multipart(out, root, error))
            return false;
    } else {
        *treatment = choose(root, false);
        if (*treatment == LINE_ENDS && mime_is_canonical(root->body))
            *treatment = KEEP;
        if (*treatment == KEEP || *treatment == LABEL)
            segments_borrow(out, root->body);
        else if (!write_leaf(out, root, treatment, false, error))
            return false;
    }
    /* A clear-signed body must end in CRLF, because an MTA would add it. */
    if (segments_is_open(out))
        return segments_copy(out, slice_of("\r\n"), error);
    return true;
}

bool mime_canonical(const struct part *root, const struct limits *limits, struct entity *entity, struct error *error)
{
    unsigned troubles = lines_scan(root->body);
    entity->header = entity->body = NULL;
    if (troubles == 0 && !has_eight_bit_label(root)) {
        entity->header = root_header(root, NULL, false);
        entity->body = rope_new();
        if (root->body.len > 0)
            rope_borrow(entity->body, root->body);
        return true;
    }
    struct segments out;
    segments_init(&out, limits);
    enum treatment treatment;
    if (add_root(&out, root, &treatment, error))
        entity->body = segments_rope(&out, error);
    segments_clear(&out);
    if (entity->body == NULL)
        return false;
    entity->header = root_header(root, label_of(treatment), (troubles & TROUBLE_EIGHT_BIT) != 0);
    return true;
}
