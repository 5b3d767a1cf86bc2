/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canonical: makes an entity whose content gets through unchanged: the one to protect (RFC 8551 §3.1, RFC 3183 §3.2),
 * and the one that is delivered when the layers around it are gone.
 *
 * Most messages need no change: one pass over the body shows it, and the body is borrowed. Otherwise the tree is
 * walked, only the parts that need it are re-encoded, and everything else is borrowed from the bytes received.
 * treatment.c says what a part needs. On the way the troubles are counted that nothing can be done about.
 *
 * A preamble or epilogue with trouble is omitted, because it is not content (RFC 2046 §5.1.1) and cannot be encoded.
 * MIME headers are kept as received, except Content-Transfer-Encoding. smime/ adds the S/MIME layers.
 */
#include "lines.h"
#include "quoted.h"
#include "segments.h"
#include "treatment.h"

#include <string.h>

struct making {
    const struct limits *limits;
    const struct transport *transport; /* NULL: the entity will be signed */
    struct error *error;
    bool all_fields; /* the root's fields that are not of MIME stay, too */
    unsigned depth;  /* messages within messages */
    unsigned parts;  /* of all messages within; together not more than mime_parts_limit */
    unsigned opaque; /* signatures that got the opaque form; not more than layers_limit */
};

static struct slice range(const char *from, const char *to)
{
    return (struct slice){from, (size_t)(to - from)};
}

/* --- bodies --- */

static bool write_base64(struct slice bytes, struct spool *out, struct error *error)
{
    struct base64_state state = {.carried = 0};
    return base64_write(&state, bytes, true, out, error);
}

/* Decodes the part's body. *bytes stays as it is if there is no encoding. *decodable: false if it is broken. */
static bool decode(const struct part *part, struct spool *decoded, struct slice *bytes, bool *decodable,
                   struct error *error)
{
    struct error cause = {0};
    *decodable = true;
    if (part->encoding != ENCODING_BASE64 && part->encoding != ENCODING_QUOTED_PRINTABLE)
        return true;
    if (part_decode(part, decoded, &cause))
        return spool_finish(decoded, bytes, error);
    *decodable = false;
    if (cause.kind == ERROR_PERMANENT)
        return true;
    *error = cause;
    return false;
}

/* The octets of the content, encoded anew. *treatment changes if they cannot be decoded. */
static bool add_encoded(const struct making *making, struct segments *out, const struct part *part, bool is_child,
                        enum treatment *treatment, unsigned *troubles)
{
    owned(spool) struct spool *decoded = spool_new(making->limits);
    struct slice bytes = part->body;
    bool decodable = true, changed, good;
    if (*treatment == QUOTED || *treatment == BASE64) {
        if (!decode(part, decoded, &bytes, &decodable, making->error))
            return false;
        if (!decodable)
            *treatment = treatment_otherwise(making->transport, *treatment, *troubles);
    }
    if (*treatment == LINE_ENDS && (*troubles & (TROUBLE_BARE | TROUBLE_OPEN)) == 0) {
        segments_borrow(out, part->body);
        return true;
    }
    segments_begin(out);
    if (*treatment == LINE_ENDS)
        good = lines_write(part->body, !is_child, segments_spool(out), &changed, making->error);
    else if (*treatment == QUOTED)
        good = quoted_write(bytes, !is_child, segments_spool(out), making->error);
    else
        good = write_base64(bytes, segments_spool(out), making->error);
    segments_end(out);
    *troubles &= *treatment == LINE_ENDS ? ~(unsigned)TROUBLE_BARE : 0;
    return good;
}

/* *treatment changes if the signature cannot be taken apart. */
static bool add_opaque(struct making *making, struct segments *out, const struct part *part, enum treatment *treatment,
                       unsigned *troubles)
{
    struct error cause = {.kind = ERROR_PERMANENT};
    segments_begin(out);
    if (making->transport != NULL && making->opaque < making->limits->layers &&
        making->transport->write_opaque(part, making->limits, segments_spool(out), &cause)) {
        segments_end(out);
        making->opaque++;
        *troubles = 0;
        return true;
    }
    *treatment = treatment_otherwise(making->transport, *treatment, *troubles);
    if (cause.kind == ERROR_PERMANENT)
        return true;
    *making->error = cause;
    return false;
}

/* --- headers --- */

static bool is_dropped(const struct field *field, const char *const *names)
{
    for (; *names != NULL; names++)
        if (slice_equal_nocase(field->name, *names))
            return true;
    return false;
}

/* Bytes of a header or between parts. A NUL there is no content; where it cannot pass it becomes a space. */
static bool add_text(struct making *making, struct segments *out, struct slice text, unsigned *left)
{
    unsigned troubles = lines_scan(text) & ~(unsigned)TROUBLE_OPEN;
    g_autofree char *copy = NULL;
    bool changed, blanks = making->transport != NULL && (troubles & TROUBLE_NUL) != 0;
    *left |= troubles & ~(unsigned)(TROUBLE_BARE | (blanks ? TROUBLE_NUL : 0));
    if ((troubles & TROUBLE_BARE) == 0 && !blanks) {
        segments_borrow(out, text);
        return true;
    }
    if (blanks) {
        copy = g_memdup2(text.data, text.len);
        for (size_t i = 0; i < text.len; i++)
            if (copy[i] == '\0')
                copy[i] = ' ';
        text.data = copy;
    }
    segments_begin(out);
    if (!lines_write(text, false, segments_spool(out), &changed, making->error))
        return false;
    segments_end(out);
    return true;
}

/* The header of a part, with the fields that relabelling drops replaced by its lines. */
static bool add_part_header(struct making *making, struct segments *out, const struct part *part,
                            struct relabelling relabelling, unsigned *left)
{
    const char *p = part->header.data, *end = p + part->header.len;
    bool is_written = relabelling.lines == NULL;
    for (size_t i = 0; relabelling.lines != NULL && i < part->fields.count; i++) {
        const struct field *field = &part->fields.list[i];
        if (!is_dropped(field, relabelling.drops))
            continue;
        if (!add_text(making, out, range(p, field->name.data), left) ||
            (!is_written && !segments_copy(out, slice_of(relabelling.lines), making->error)))
            return false;
        is_written = true;
        p = memchr(field->value.data + field->value.len, '\n', (size_t)(end - field->value.data - field->value.len));
        p = p != NULL ? p + 1 : end;
    }
    if (!add_text(making, out, range(p, end), left))
        return false;
    /* A part that gets a label has a body or a field that goes: here its header is empty or ends in CRLF. */
    return is_written || segments_copy(out, slice_of(relabelling.lines), making->error);
}

/* --- the tree --- */

static bool add_multipart(struct making *making, struct segments *out, const struct part *part, unsigned *left);
static bool add_message(struct making *making, struct segments *out, const struct part *part, enum treatment *treatment,
                        unsigned *troubles);

/* Writes the body of a part. *treatment: what the header must say. *troubles: what is left in the body. */
static bool add_body(struct making *making, struct segments *out, const struct part *part, bool is_child,
                     enum treatment *treatment, unsigned *troubles)
{
    if (*treatment == OPAQUE && !add_opaque(making, out, part, treatment, troubles))
        return false;
    if (*treatment == NEST && !add_message(making, out, part, treatment, troubles))
        return false;
    switch (*treatment) {
    case OPAQUE:
    case NEST:
        return true;
    case OPEN:
        *troubles = 0;
        return add_multipart(making, out, part, troubles);
    case KEEP:
        segments_borrow(out, part->body);
        return true;
    default:
        return add_encoded(making, out, part, is_child, treatment, troubles);
    }
}

/* A part without it is all body; it gets one where it gets a header. */
static bool add_empty_line(struct making *making, struct segments *out, const struct part *part, bool has_header,
                           unsigned *left)
{
    struct slice line = range(part->header.data + part->header.len, part->body.data);
    if (line.len == 0 && part->body.len > 0 && has_header)
        line = slice_of("\r\n");
    return add_text(making, out, line, left);
}

/* A part with its header. */
static bool add_part(struct making *making, struct segments *out, const struct part *part, unsigned *left)
{
    unsigned troubles = 0;
    enum treatment treatment = treatment_choose(part, making->transport, true, &troubles);
    struct segments body;
    segments_nest(&body, out);
    bool good = add_body(making, &body, part, true, &treatment, &troubles);
    struct relabelling relabelling = treatment_label(part, making->transport, treatment, troubles);
    good = good && add_part_header(making, out, part, relabelling, left) &&
           add_empty_line(making, out, part, relabelling.lines != NULL, left);
    segments_merge(out, &body);
    *left |= troubles;
    return good;
}

/* A part whose header can be read in several ways is one run of text when it is signed: it is not split. */
static bool add_child(struct making *making, struct segments *out, const struct part *part, unsigned *left)
{
    if (making->transport == NULL && part->fault != NULL)
        return add_text(making, out, part->whole, left);
    return add_part(making, out, part, left);
}

/* A signature covers it, and it gets through as it is. */
static bool is_covered(const struct making *making, const struct part *part, size_t index)
{
    return index == 0 && strcmp(part->type, "multipart/signed") == 0 &&
           (lines_scan(part->children[0].whole) & treatment_barred(making->transport)) == 0;
}

/* Writes the children one after another, with everything between them. */
static bool add_multipart(struct making *making, struct segments *out, const struct part *part, unsigned *left)
{
    const unsigned spoils = making->transport == NULL ? ~(unsigned)TROUBLE_OPEN : treatment_barred(making->transport);
    const char *p = part->body.data, *end = p + part->body.len;
    if ((lines_scan(part->preamble) & spoils) != 0)
        p = part->preamble.data + part->preamble.len + 2; /* after the CRLF of the first delimiter */
    for (size_t i = 0; i < part->child_count; i++) {
        const struct part *child = &part->children[i];
        if (!add_text(making, out, range(p, child->whole.data), left))
            return false;
        if (is_covered(making, part, i)) {
            segments_borrow(out, child->whole);
            *left |= lines_scan(child->whole) & TROUBLE_EIGHT_BIT;
        } else if (!add_child(making, out, child, left)) {
            return false;
        }
        p = child->whole.data + child->whole.len;
    }
    if ((lines_scan(part->epilogue) & spoils) != 0)
        end = part->epilogue.data;
    return add_text(making, out, range(p, end), left);
}

static unsigned count_parts(const struct part *part)
{
    unsigned count = 1;
    for (size_t i = 0; i < part->child_count; i++)
        count += count_parts(&part->children[i]);
    return count;
}

/* The message in a message/rfc822, or NULL if there are too many messages, or too many parts in them: then no further
 * message is looked into. */
static struct part *parse_message(struct making *making, const struct part *part)
{
    struct limits left = *making->limits;
    struct error ignored = {0};
    struct part *message = NULL;
    left.parts -= making->parts;
    if (making->depth < left.nesting && left.parts > 0)
        message = part_parse_entity(part->body, &left, &ignored);
    making->parts += message != NULL ? MIN(count_parts(message), left.parts) : left.parts;
    return message;
}

/* The message in a message/rfc822. *treatment changes if its header cannot get through: nothing can encode that. */
static bool add_message(struct making *making, struct segments *out, const struct part *part, enum treatment *treatment,
                        unsigned *troubles)
{
    owned(part) struct part *message = parse_message(making, part);
    if (message == NULL || (lines_scan(message->header) & (TROUBLE_NUL | TROUBLE_LONG)) != 0) {
        *treatment = treatment_otherwise(making->transport, *treatment, *troubles);
        return true;
    }
    *troubles = 0;
    making->depth++;
    bool good = add_part(making, out, message, troubles);
    making->depth--;
    return good;
}

/* --- the root --- */

static void add_root_field(struct rope *header, const struct field *field, unsigned *left)
{
    struct slice raw = range(field->name.data, field->value.data + field->value.len);
    *left |= lines_scan(raw) & ~(unsigned)(TROUBLE_BARE | TROUBLE_NUL);
    if (field_is_plain(field)) {
        rope_borrow(header, raw);
    } else {
        g_autofree char *plain = field_plain(field->value);
        rope_copy(header, field->name);
        rope_printf(header, ":%s", plain);
    }
    rope_borrow(header, slice_of("\r\n"));
}

/* The Content-* fields, or all, as received and in their order. */
static struct rope *root_header(const struct making *making, const struct part *root, struct relabelling relabelling,
                                bool is_eight_bit, unsigned *left)
{
    struct rope *header = rope_new();
    bool is_written = relabelling.lines == NULL;
    if (fields_find(&root->fields, "Content-Type", 1) == NULL && (is_written || relabelling.drops[1] == NULL))
        rope_borrow(header, slice_of(is_eight_bit ? "Content-Type: text/plain\r\n"
                                                  : "Content-Type: text/plain; charset=us-ascii\r\n"));
    for (size_t i = 0; i < root->fields.count; i++) {
        const struct field *field = &root->fields.list[i];
        if (!making->all_fields && !field_is_content(field))
            continue;
        if (relabelling.lines == NULL || !is_dropped(field, relabelling.drops)) {
            add_root_field(header, field, left);
        } else if (!is_written) {
            rope_borrow(header, slice_of(relabelling.lines));
            is_written = true;
        }
    }
    if (!is_written)
        rope_borrow(header, slice_of(relabelling.lines));
    return header;
}

/* Everything but the header. */
static bool add_root(struct making *making, struct segments *out, const struct part *root, enum treatment *treatment,
                     unsigned *left)
{
    *treatment = treatment_choose(root, making->transport, false, left);
    if (!add_body(making, out, root, false, treatment, left))
        return false;
    /* A clear-signed body must end in CRLF, because an MTA would add it. */
    if (segments_is_open(out))
        return segments_copy(out, slice_of("\r\n"), making->error);
    return true;
}

static bool make(struct making *making, const struct part *root, struct entity *entity)
{
    unsigned troubles = lines_scan(root->body), left = 0;
    unsigned matters = making->transport == NULL ? ~0u : treatment_barred(making->transport) | TROUBLE_OPEN;
    struct relabelling relabelling = {NULL, NULL};
    *entity = (struct entity){0};
    if ((troubles & matters) == 0 && !treatment_has_label(root, making->transport)) {
        entity->body = rope_new();
        rope_borrow(entity->body, root->body);
        entity->eight_bit = (troubles & TROUBLE_EIGHT_BIT) != 0;
    } else {
        struct segments out;
        enum treatment treatment;
        segments_init(&out, making->limits);
        if (add_root(making, &out, root, &treatment, &left))
            entity->body = segments_rope(&out, making->error);
        segments_clear(&out);
        if (entity->body == NULL)
            return false;
        relabelling = treatment_label(root, making->transport, treatment, left);
    }
    entity->header = root_header(making, root, relabelling, (troubles & TROUBLE_EIGHT_BIT) != 0, &left);
    entity->eight_bit |= (left & TROUBLE_EIGHT_BIT) != 0;
    entity->fragile = (left & TROUBLE_HARD) != 0;
    entity->opaque = making->opaque > 0;
    return true;
}

bool mime_canonical(const struct part *root, const struct limits *limits, struct entity *entity, struct error *error)
{
    struct making making = {.limits = limits, .error = error};
    return make(&making, root, entity);
}

bool mime_canonical_inner(const struct part *root, const struct limits *limits, struct entity *entity,
                          struct error *error)
{
    struct making making = {.limits = limits, .error = error, .all_fields = true};
    return make(&making, root, entity);
}

bool mime_deliverable(const struct part *root, const struct transport *transport, const struct limits *limits,
                      struct entity *entity, struct error *error)
{
    struct making making = {.limits = limits, .transport = transport, .error = error};
    return make(&making, root, entity);
}
