/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part: the tree of MIME parts (RFC 2046 §5.1) as offsets into the bytes received.
 *
 * The strict reading is chosen, and every place where a known parser reads differently is reported as a fault, because
 * a verdict must not rest on a tree that the recipient's program does not see. A delimiter is a whole line between
 * CRLFs. An outer multipart is split before those inside it, so an inner part can never hide an outer delimiter. Each
 * multipart is searched once, so the work is at most nesting times size. boundary.c handles boundaries, and
 * content_type.c field values.
 */
#include "boundary.h"
#include "content_type.h"
#include "mail/mime.h"
#include "token.h"

#include <string.h>

struct builder {
    const struct limits *limits;
    struct error *error;
    struct budget *budget; /* of the message */
    unsigned parts;
    unsigned conversions; /* pieces in another character set, in fields that GMime reads */
    size_t lookalikes;    /* lines that look like delimiters but are not, before we give up */
};

static void set_fault(struct part *part, const char *fault)
{
    if (part->fault == NULL)
        part->fault = fault;
}

/* A header that other parsers might end or split elsewhere: bare CR or LF, NUL, a line of only white space. The last is
 * legal (RFC 5322 §4.2). In a message's own header, it is there for no one who reads what leaves here. */
static const char *header_fault(struct slice header, bool may_have_blank_line)
{
    const char *p = header.data, *end = header.data + header.len;
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *stop = lf == NULL ? end : lf;
        if (lf != NULL && (lf == p || lf[-1] != '\r'))
            return "its header contains a bare line feed";
        const char *cr = memchr(p, '\r', (size_t)(stop - p));
        if (cr != NULL && cr + 1 != stop)
            return "its header contains a bare carriage return";
        if (memchr(p, '\0', (size_t)(stop - p)) != NULL)
            return "its header contains a NUL";
        if (!may_have_blank_line && (*p == ' ' || *p == '\t')) {
            while (p < stop && (*p == ' ' || *p == '\t' || *p == '\r'))
                p++;
            if (p == stop)
                return "its header contains a line of white space only";
        }
        p = stop + 1;
    }
    return NULL;
}

/* "Content-Type : …" is a field for some parsers and not for others. */
static bool has_loose_name(const struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        if (field->name.data[field->name.len] != ':' && field_is_content(field))
            return true;
    }
    return false;
}

static enum encoding read_encoding(struct part *part)
{
    static const struct {
        const char *name;
        enum encoding encoding;
    } table[] = {
        {"7bit", ENCODING_7BIT},     {"8bit", ENCODING_8BIT},
        {"binary", ENCODING_BINARY}, {"quoted-printable", ENCODING_QUOTED_PRINTABLE},
        {"base64", ENCODING_BASE64},
    };
    const struct field *field = fields_find(&part->fields, "Content-Transfer-Encoding", 1);
    if (field == NULL)
        return ENCODING_7BIT;
    struct lexer lexer;
    lexer_init(&lexer, field->value);
    struct token word = lexer_next(&lexer);
    struct token rest = lexer_next(&lexer);
    if (word.kind != TOKEN_WORD || rest.kind != TOKEN_END) {
        set_fault(part, "its Content-Transfer-Encoding is malformed");
        return ENCODING_UNKNOWN;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        if (slice_equal_nocase(word.text, table[i].name))
            return table[i].encoding;
    return ENCODING_UNKNOWN;
}

#define CONVERSIONS_MAX 2000              /* of one entity; honest mail has far fewer */
#define COST_CONVERSION ((uint64_t)30000) /* the C library may load a table from a file for each */
#define COST_PART ((uint64_t)20000)
#define COST_HEADER 20 /* an octet */

/* How many pieces of text a field may have that are converted: "name*=charset'…" and "=?charset?…?=". */
static unsigned count_conversions(const struct part *part, const char *name)
{
    const struct field *field = fields_find(&part->fields, name, 1);
    unsigned count = 0;
    for (size_t i = 0; field != NULL && i + 1 < field->value.len; i++)
        count += (field->value.data[i] == '*' && field->value.data[i + 1] == '=') ||
                 (field->value.data[i] == '=' && field->value.data[i + 1] == '?');
    return count;
}

static bool pay_for_conversions(struct builder *builder, const struct part *part)
{
    unsigned conversions = count_conversions(part, "Content-Type") + count_conversions(part, "Content-Disposition");
    builder->conversions += conversions;
    if (builder->conversions > CONVERSIONS_MAX)
        return error_set(builder->error, ERROR_PERMANENT,
                         "the message has more than %d parameters and words in other character sets", CONVERSIONS_MAX);
    return budget_spend(builder->budget, conversions * COST_CONVERSION, builder->error);
}

/* A field that is there twice with one value is read one way. */
static bool has_different(const struct fields *fields, const char *name)
{
    const struct field *first = fields_find(fields, name, 1), *other;
    for (unsigned i = 2; first != NULL && (other = fields_find(fields, name, i)) != NULL; i++) {
        g_autofree char *a = g_strndup(first->value.data, first->value.len);
        g_autofree char *b = g_strndup(other->value.data, other->value.len);
        if (memchr(first->value.data, '\0', first->value.len) != NULL || strcmp(g_strstrip(a), g_strstrip(b)) != 0)
            return true;
    }
    return false;
}

/* Fills fields, type and encoding from part->header. */
static bool read_header(struct builder *builder, struct part *part, bool in_digest)
{
    if (!budget_spend(builder->budget, COST_PART + part->header.len * COST_HEADER, builder->error))
        return false;
    if (!fields_parse(part->header, builder->limits, &part->fields, builder->error))
        return error_prefix(builder->error, "MIME part %s", part->id);
    if (!pay_for_conversions(builder, part))
        return false;
    set_fault(part, header_fault(part->header, part->message != NULL));
    if (part->fields.junk.len > 0)
        set_fault(part, "its header has a line that is not a field");
    if (has_different(&part->fields, "Content-Type"))
        set_fault(part, "it has two Content-Type fields");
    if (has_different(&part->fields, "Content-Transfer-Encoding"))
        set_fault(part, "it has two Content-Transfer-Encoding fields");

    if (has_loose_name(&part->fields))
        set_fault(part, "it has white space after the name of a Content field");

    const struct field *field = fields_find(&part->fields, "Content-Type", 1);
    if (field == NULL) {
        part->type = g_strdup(in_digest ? "message/rfc822" : "text/plain"); /* RFC 2046 §5.1.5, RFC 2045 §5.2 */
    } else {
        struct content_type content_type;
        content_type_read(field->value, &content_type);
        part->type = content_type.type;
        part->parameters = content_type.parameters;
        set_fault(part, content_type.fault);
    }
    part->encoding = read_encoding(part);
    return true;
}

/* Splits part->whole at its empty line. */
static void split_entity(struct builder *builder, struct part *part)
{
    struct slice whole = part->whole;
    if (part_split(whole, &part->header, &part->body))
        return;
    /* Without an empty line it is a header with an empty body, if it is a header at all. If the empty line is the
     * CRLF before the delimiter, as in "Content-Type: text/plain CRLF CRLF --b", there is no fault. */
    bool is_open = whole.len > 0 && whole.data[whole.len - 1] != '\n';
    if (whole.len > builder->limits->header_size || memchr(whole.data, ':', whole.len) == NULL) {
        part->header = (struct slice){whole.data, 0};
        part->body = whole;
        set_fault(part, "it has no empty line after its header");
    } else if (is_open) {
        set_fault(part, "it has no empty line after its header");
    }
}

static bool build(struct builder *builder, struct part *part, const struct boundary *outer, bool in_digest);

/* Makes a child of each slice between two delimiters. */
static bool add_children(struct builder *builder, struct part *part, const struct split *split,
                         const struct boundary *own)
{
    if (split->count > builder->limits->parts || builder->parts + split->count > builder->limits->parts)
        return error_set(builder->error, ERROR_PERMANENT, "the message has more than %u MIME parts",
                         builder->limits->parts);
    builder->parts += (unsigned)split->count;
    part->children = g_new0(struct part, split->count);
    part->child_count = split->count;
    bool is_digest = strcmp(part->type, "multipart/digest") == 0;
    for (size_t i = 0; i < split->count; i++) {
        struct part *child = &part->children[i];
        child->id = part->id[0] == '\0' ? g_strdup_printf("%zu", i + 1) : g_strdup_printf("%s.%zu", part->id, i + 1);
        child->whole = split->parts[i];
        split_entity(builder, child);
        if (!build(builder, child, own, is_digest))
            return false;
    }
    return true;
}

/* Splits a multipart. */
static bool open_multipart(struct builder *builder, struct part *part, const struct boundary *outer)
{
    if (part->encoding == ENCODING_BASE64 || part->encoding == ENCODING_QUOTED_PRINTABLE)
        set_fault(part, "a multipart has a transfer encoding"); /* RFC 2045 §6.4 */
    struct boundary own = {part_parameter(part, "boundary"), 0, outer, outer == NULL ? 1 : outer->depth + 1};
    if (own.depth > builder->limits->nesting)
        return error_set(builder->error, ERROR_PERMANENT, "MIME parts are nested more than %u deep",
                         builder->limits->nesting);
    own.length = own.text == NULL ? 0 : strlen(own.text);
    bool usable;
    set_fault(part, boundary_fault(&own, &usable));
    if (!usable)
        return true;

    struct split split;
    bool good = boundary_split(&own, part->body, builder->limits->parts, &builder->lookalikes, &split, builder->error);
    set_fault(part, split.fault);
    part->preamble = split.preamble;
    part->epilogue = split.epilogue;
    good = good && add_children(builder, part, &split, &own);
    split_clear(&split);
    return good;
}

static bool build(struct builder *builder, struct part *part, const struct boundary *outer, bool in_digest)
{
    if (!read_header(builder, part, in_digest))
        return false;
    if (text_begins_with(part->type, "multipart/"))
        return open_multipart(builder, part, outer);
    return true;
}

static struct part *parse(const struct message *message, struct slice header, struct slice body,
                          const struct limits *limits, struct budget *budget, struct error *error)
{
    if (!budget_spend(budget, body.len * COST_READ, error))
        return NULL;
    struct builder builder = {.limits = limits,
                              .error = error,
                              .parts = 1,
                              .budget = budget,
                              .lookalikes = 16 * (size_t)limits->parts + 1024};
    owned(part) struct part *root = g_new0(struct part, 1);
    root->id = g_strdup("");
    root->message = message;
    /* The pointer must not be NULL even if there are no bytes: offsets into NULL are undefined. */
    root->header = header.data != NULL ? header : slice_of("");
    root->body = body.data != NULL ? body : slice_of("");
    /* Header and body of a whole message: the empty line is between them. */
    if (header.data != NULL && header.data + header.len + 2 == body.data)
        root->whole = (struct slice){header.data, header.len + 2 + body.len};
    if (!build(&builder, root, NULL, false))
        return NULL;
    if (!text_begins_with(root->type, "multipart/")) {
        g_free(root->id);
        root->id = g_strdup("1"); /* RFC 9051 §6.4.5.1 */
    }
    return steal(&root);
}

struct part *part_parse(struct slice header, struct slice body, const struct limits *limits, struct error *error)
{
    return parse(NULL, header, body, limits, NULL, error);
}

struct part *part_parse_paid(struct slice header, struct slice body, const struct limits *limits, struct budget *budget,
                             struct error *error)
{
    return parse(NULL, header, body, limits, budget, error);
}

struct part *part_parse_message(const struct message *message, const struct limits *limits, struct budget *budget,
                                struct error *error)
{
    return parse(message, message_header(message), message_body(message), limits, budget, error);
}

bool part_split(struct slice whole, struct slice *header, struct slice *body)
{
    *header = whole;
    *body = (struct slice){whole.len == 0 ? whole.data : whole.data + whole.len, 0};
    if (whole.len >= 2 && memcmp(whole.data, "\r\n", 2) == 0) {
        header->len = 0;
        *body = (struct slice){whole.data + 2, whole.len - 2};
        return true;
    }
    const char *empty = whole.len == 0 ? NULL : memmem(whole.data, whole.len, "\r\n\r\n", 4);
    if (empty == NULL)
        return whole.len == 0;
    header->len = (size_t)(empty - whole.data) + 2;
    *body = (struct slice){empty + 4, whole.len - header->len - 2};
    return true;
}

struct part *part_parse_entity(struct slice whole, const struct limits *limits, struct error *error)
{
    struct slice header, body;
    bool has_empty_line = part_split(whole, &header, &body);
    struct part *part = part_parse(header, body, limits, error);
    if (part == NULL)
        return NULL;
    part->whole = whole;
    if (!has_empty_line && whole.data[whole.len - 1] != '\n')
        set_fault(part, "it has no empty line after its header");
    return part;
}

/* The header up to its empty line, or all there is up to the limit. */
static struct slice header_of(struct slice bytes, const struct limits *limits)
{
    struct slice header = {bytes.data, MIN(bytes.len, limits->header_size)};
    const char *unix_end = header.len > 0 ? memmem(header.data, header.len, "\n\n", 2) : NULL;
    const char *end = header.len > 0 ? memmem(header.data, header.len, "\n\r\n", 3) : NULL;
    if (unix_end != NULL && (end == NULL || unix_end < end))
        end = unix_end;
    if (end != NULL)
        header.len = (size_t)(end - header.data) + 1;
    return header;
}

static bool is_of_mime(const struct field *field)
{
    return (field->name.len > 8 && g_ascii_strncasecmp(field->name.data, "Content-", 8) == 0) ||
           (field->name.len == 12 && g_ascii_strncasecmp(field->name.data, "MIME-Version", 12) == 0);
}

bool mime_is_entity(struct slice bytes, const struct limits *limits)
{
    struct fields fields = {0};
    struct error error = {0};
    bool found = false;
    if (bytes.len > 0 && (bytes.data[0] == '\n' || (bytes.len > 1 && memcmp(bytes.data, "\r\n", 2) == 0)))
        return true;
    if (!fields_parse(header_of(bytes, limits), limits, &fields, &error))
        return true; /* over a limit: nothing that is known to be a document */
    for (size_t i = 0; i < fields.count && !found; i++)
        found = is_of_mime(&fields.list[i]);
    found &= fields.junk.len == 0;
    fields_clear(&fields);
    return found;
}

static void clear_part(struct part *part)
{
    for (size_t i = 0; i < part->child_count; i++)
        clear_part(&part->children[i]);
    g_free(part->children);
    g_free(part->id);
    g_free(part->type);
    fields_clear(&part->fields);
    content_type_free_parameters(part->parameters);
}

void part_free(struct part *part)
{
    if (part == NULL)
        return;
    clear_part(part);
    g_free(part);
}

const char *part_parameter(const struct part *part, const char *name)
{
    return content_type_parameter(part->parameters, name);
}
