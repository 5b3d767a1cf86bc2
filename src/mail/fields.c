/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: splits a header block into fields, by offsets and without copying, because the report, the edits and the
 * verification must use the bytes received and not a parser's rendering of them.
 *
 * A line ends at LF, and a CR right before it belongs to the line end. A CR anywhere else is an ordinary byte. A line
 * that begins with a space or tab continues the one before, even if it holds nothing else (obsolete folding, RFC 5322
 * §4.2). A name is printable ASCII without a colon (§2.2). White space between name and colon (§4.5.1) is not part of
 * the name, as in MTAs. A line that is not a field is skipped with its continuation. address, mime and authres parse
 * values.
 */
#include "mail/message.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next line of *rest without its line end; *rest moves past it. */
static struct slice take_line(struct slice *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t length = end != NULL ? (size_t)(end - rest->data) : rest->len;
    size_t step = end != NULL ? length + 1 : length;
    struct slice line = {rest->data, length};
    if (end != NULL && length > 0 && line.data[length - 1] == '\r')
        line.len--;
    *rest = (struct slice){rest->data + step, rest->len - step};
    return line;
}

/* A line with all its continuation lines. */
static struct slice take_folded(struct slice *rest)
{
    struct slice whole = take_line(rest);
    while (rest->len > 0 && is_blank(rest->data[0])) {
        struct slice next = take_line(rest);
        whole.len = (size_t)(next.data + next.len - whole.data);
    }
    return whole;
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~')
            return false;
    }
    return name.len > 0;
}

static bool split_field(struct slice line, struct field *field)
{
    const char *colon = memchr(line.data, ':', line.len);
    if (colon == NULL)
        return false;
    struct slice name = {line.data, (size_t)(colon - line.data)};
    while (name.len > 0 && is_blank(name.data[name.len - 1]))
        name.len--;
    if (!is_name(name))
        return false;
    field->name = name;
    field->value = (struct slice){colon + 1, (size_t)(line.data + line.len - colon - 1)};
    return true;
}

bool fields_parse(struct slice block, const struct limits *limits, struct fields *fields, struct error *error)
{
    size_t room = 0;
    *fields = (struct fields){0};
    if (block.len > limits->header_size)
        return error_set(error, ERROR_PERMANENT, "header is larger than %zu octets", limits->header_size);
    while (block.len > 0) {
        struct slice rest = block;
        if (take_line(&rest).len == 0)
            break; /* the empty line */
        struct slice line = take_folded(&block);
        struct field field = {0};
        if (!split_field(line, &field)) {
            if (fields->junk.data == NULL)
                fields->junk = line;
            continue;
        }
        if (fields->count >= limits->header_count) {
            fields_clear(fields);
            return error_set(error, ERROR_PERMANENT, "header has more than %u fields", limits->header_count);
        }
        if (fields->count == room) {
            room = room != 0 ? room * 2 : 32;
            fields->list = g_renew(struct field, fields->list, room);
        }
        fields->list[fields->count++] = field;
    }
    fields_number(fields);
    return true;
}

static guint name_hash(struct slice name)
{
    guint hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (guchar)g_ascii_tolower(name.data[i])) * 16777619u;
    return hash;
}

static bool same_name(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || g_ascii_strncasecmp(a.data, b.data, a.len) == 0);
}

/* An open-addressed table name → last field of that name, so that a header of many fields stays linear. */
void fields_number(struct fields *fields)
{
    size_t small[256];
    size_t size = 64;
    while (size < fields->count * 2)
        size *= 2;
    size_t *table = size <= G_N_ELEMENTS(small) ? small : g_new(size_t, size);
    memset(table, 0, size * sizeof(*table));
    for (size_t i = 0; i < fields->count; i++) {
        struct field *field = &fields->list[i];
        size_t slot = name_hash(field->name) & (size - 1);
        while (table[slot] != 0 && !same_name(fields->list[table[slot] - 1].name, field->name))
            slot = (slot + 1) & (size - 1);
        field->index = table[slot] != 0 ? fields->list[table[slot] - 1].index + 1 : 1;
        table[slot] = i + 1;
    }
    if (table != small)
        g_free(table);
}

void fields_clear(struct fields *fields)
{
    g_free(fields->list);
    *fields = (struct fields){0};
}

const struct field *fields_find(const struct fields *fields, const char *name, unsigned nth)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->list[i].index == nth && slice_equal_nocase(fields->list[i].name, name))
            return &fields->list[i];
    }
    return NULL;
}

unsigned fields_count(const struct fields *fields, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < fields->count; i++) {
        if (slice_equal_nocase(fields->list[i].name, name))
            count++;
    }
    return count;
}

bool field_is_content(const struct field *field)
{
    static const char prefix[] = "Content-";
    size_t length = strlen(prefix);
    return field->name.len > length && g_ascii_strncasecmp(field->name.data, prefix, length) == 0;
}

char *field_fold(struct slice value)
{
    GString *folded = g_string_sized_new(value.len + 16);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        bool ends = c == '\n' || (c == '\r' && i + 1 < value.len && value.data[i + 1] == '\n');
        if (ends) {
            i += c == '\r' ? 1 : 0;
            g_string_append_len(folded, "\r\n", 2);
            if (i + 1 >= value.len || !is_blank(value.data[i + 1]))
                g_string_append_c(folded, ' ');
        } else {
            g_string_append_c(folded, c == '\r' || c == '\0' ? ' ' : c);
        }
    }
    return g_string_free(folded, FALSE);
}

/* The end of the line of blanks that begins at `at`, behind a line end; NULL: there is something else in it. */
static const char *blank_line_end(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    if (at < end && *at == '\r')
        at++;
    return at == end || *at == '\n' ? at : NULL;
}

char *field_plain(struct slice value)
{
    g_autofree char *folded = field_fold(value);
    GString *plain = g_string_sized_new(value.len);
    const char *end = folded + strlen(folded), *at = folded;
    for (const char *lf; (lf = strchr(at, '\n')) != NULL;) {
        const char *line = lf + 1, *stop;
        g_string_append_len(plain, at, lf - 1 - at);
        while ((stop = blank_line_end(line, end)) != NULL && stop < end)
            line = stop + 1;
        if (stop == end)
            return g_string_free(plain, FALSE);
        g_string_append(plain, "\r\n");
        at = line;
    }
    g_string_append(plain, at);
    return g_string_free(plain, FALSE);
}

char *field_unfolded(struct slice value)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *plain = field_plain(value);
    for (const char *c = plain; *c != '\0'; c++)
        if (*c != '\r' && *c != '\n')
            g_string_append_c(line, *c);
    return g_strdup(g_strstrip(line->str));
}

bool field_same_value(struct slice a, struct slice b)
{
    g_autofree char *first = field_unfolded(a), *second = field_unfolded(b);
    return strcmp(first, second) == 0;
}

bool field_is_plain(const struct field *field)
{
    static const char odd[] = {'\0', '\r', '\n'};
    const char *colon = field->name.data + field->name.len;
    bool has_odd = false;
    for (size_t i = 0; i < sizeof(odd) && field->value.len > 0; i++)
        has_odd |= memchr(field->value.data, odd[i], field->value.len) != NULL;
    if (*colon != ':' || !has_odd)
        return *colon == ':';
    g_autofree char *plain = field_plain(field->value);
    return slice_equal(field->value, slice_of(plain));
}
