/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content_type: parses Content-Type values and detects whether they can be read in two ways.
 *
 * GMime gives the values (RFC 2231, charsets, comments). In addition, the grammar of RFC 2045 §5.1 is checked token by
 * token. If the value leaves the grammar, repeats a parameter, or the two readings of the boundary differ, another
 * parser may see another tree, and the part gets a fault. Parameters of types without structure (text/plain; name=my
 * file.txt) may be malformed, because nothing depends on them.
 */
#include "content_type.h"

#include "charsets.h"
#include "mail/message.h"
#include "token.h"
#include "words.h"

#include <gmime/gmime.h>
#include <string.h>

/* GMime compares each parameter with every other one, so both limits keep hostile values cheap. No mailer comes near
 * them. */
#define MAX_VALUE 8192
#define MAX_PARAMETERS 64

struct seen {
    struct slice names[MAX_PARAMETERS];
    struct token values[MAX_PARAMETERS];
    size_t count;
    struct token boundary; /* TOKEN_END: none in plain form */
};

/* The name without the section number and mark of RFC 2231: "boundary*0*" is boundary. */
static struct slice base_name(struct slice name)
{
    const char *star = memchr(name.data, '*', name.len);
    return star == NULL ? name : (struct slice){name.data, (size_t)(star - name.data)};
}

static bool same_name(struct slice a, struct slice b)
{
    return a.len == b.len && g_ascii_strncasecmp(a.data, b.data, a.len) == 0;
}

/* Sections of one value ("name*0", "name*1") are not a repetition, but the same section twice is, and so is a plain
 * name together with its RFC 2231 form. */
static bool is_repeated(const struct seen *seen, struct slice name)
{
    struct slice base = base_name(name);
    bool is_section = base.len + 1 < name.len && g_ascii_isdigit(name.data[base.len + 1]);
    for (size_t i = 0; i < seen->count; i++) {
        struct slice other = base_name(seen->names[i]);
        bool is_other_section =
            other.len + 1 < seen->names[i].len && g_ascii_isdigit(seen->names[i].data[other.len + 1]);
        if (same_name(name, seen->names[i]) || (same_name(base, other) && !(is_section && is_other_section)))
            return true;
    }
    return false;
}

/* The same parameter with the same value, in plain form, is read one way; but a boundary is searched for by its name.
 */
static bool is_said_again(const struct seen *seen, struct slice name, const struct token *value)
{
    bool same = false;
    for (size_t i = 0; i < seen->count && !same; i++) {
        g_autofree char *text = token_text(value), *other = token_text(&seen->values[i]);
        same = same_name(name, seen->names[i]) && strcmp(text, other) == 0;
    }
    return same && memchr(name.data, '*', name.len) == NULL && !slice_equal_nocase(name, "boundary");
}

/* A value without its quotes, such as application/pkcs7-signature or a file's name with blanks, ends where the next
 * parameter begins. Returns the token behind it. */
static struct token skip_unquoted(struct lexer *lexer, struct slice name, const struct token *value)
{
    struct token token = lexer_next(lexer);
    bool may = value->kind == TOKEN_WORD && !slice_equal_nocase(base_name(name), "boundary");
    while (may && (token.kind == TOKEN_WORD || token_is_special(&token, '/') || token_is_special(&token, ':') ||
                   token_is_special(&token, '@')))
        token = lexer_next(lexer);
    return token;
}

/* Reads ";name=value" to the end. Returns a fault or NULL. */
static const char *check_parameters(struct lexer *lexer, struct seen *seen)
{
    struct token token = lexer_next(lexer);
    while (token.kind != TOKEN_END) {
        if (!token_is_special(&token, ';'))
            return "its Content-Type is malformed";
        struct token name = lexer_next(lexer);
        if (name.kind == TOKEN_END)
            return NULL; /* a final semicolon, common and harmless */
        if (name.kind != TOKEN_WORD)
            return "its Content-Type has a malformed parameter name";
        struct token equals = lexer_next(lexer);
        if (!token_is_special(&equals, '='))
            return "its Content-Type has a parameter without a value";
        struct token value = lexer_next(lexer);
        if (value.kind != TOKEN_WORD && value.kind != TOKEN_QUOTED)
            return "its Content-Type has a malformed parameter value";
        if (seen->count == MAX_PARAMETERS)
            return "its Content-Type has too many parameters";
        bool again = is_said_again(seen, name.text, &value);
        if (!again && is_repeated(seen, name.text))
            return "its Content-Type repeats a parameter";
        seen->values[seen->count] = value;
        seen->names[seen->count++] = name.text;
        if (slice_equal_nocase(name.text, "boundary"))
            seen->boundary = value;
        else if (slice_equal_nocase(base_name(name.text), "boundary"))
            return "its boundary is in RFC 2231 form"; /* legal, but read by few */
        token = skip_unquoted(lexer, name.text, &value);
    }
    return NULL;
}

/* "type/subtype" in lower case; NULL if it does not have that form. */
static char *read_type(struct lexer *lexer)
{
    struct token type = lexer_next(lexer);
    struct token slash = lexer_next(lexer);
    struct token subtype = lexer_next(lexer);
    if (type.kind != TOKEN_WORD || !token_is_special(&slash, '/') || subtype.kind != TOKEN_WORD)
        return NULL;
    char *text =
        g_strdup_printf("%.*s/%.*s", (int)type.text.len, type.text.data, (int)subtype.text.len, subtype.text.data);
    for (char *p = text; *p != '\0'; p++)
        *p = g_ascii_tolower(*p);
    return text;
}

/* In place of the "?" behind "=": RFC 2047 §5 has no encoded words in parameters, but names of files are full of them.
 * GMime would decode them; words.c reads them alike with every version of it. */
#define HIDDEN '\x01'

static char *hide_words(struct slice value)
{
    char *text = g_strndup(value.data, value.len);
    for (char *at = text; (at = strstr(at, "=?")) != NULL;)
        at[1] = HIDDEN;
    return text;
}

static void decode_words(GMimeParamList *list)
{
    for (int i = 0; i < g_mime_param_list_length(list); i++) {
        GMimeParam *parameter = g_mime_param_list_get_parameter_at(list, i);
        g_autofree char *value = g_strdup(g_mime_param_get_value(parameter));
        bool hidden = false;
        for (char *c = value; c != NULL && *c != '\0'; c++) {
            if (c[0] != '=' || c[1] != HIDDEN)
                continue;
            c[1] = '?';
            hidden = true;
        }
        g_autofree char *decoded = hidden ? words_decode(value) : NULL;
        if (hidden)
            g_mime_param_set_value(parameter, decoded);
    }
}

static GMimeContentType *read_with_gmime(struct slice value)
{
    /* The options are cheap compared with the parse, and shared ones would be a global. */
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_parameter_compliance_mode(options, GMIME_RFC_COMPLIANCE_LOOSE);
    g_autofree char *text = hide_words(value);
    charsets_enter(value.len);
    GMimeContentType *type = g_mime_content_type_parse(options, text);
    charsets_leave();
    g_mime_parser_options_free(options);
    if (type != NULL)
        decode_words(g_mime_content_type_get_parameters(type));
    return type;
}

/* The next place from p at which "=" follows "boundary", and the text after that; NULL: none. */
static const char *next_boundary(const char **p, const char *end)
{
    static const char name[] = "boundary", blanks[] = " \t\r\n";
    for (; end - *p > (ptrdiff_t)strlen(name); ++*p) {
        const char *at = *p + strlen(name);
        if (g_ascii_strncasecmp(*p, name, strlen(name)) != 0)
            continue;
        while (at < end && strchr(blanks, *at) != NULL)
            at++;
        if (at == end || *at++ != '=')
            continue;
        while (at < end && strchr(blanks, *at) != NULL)
            at++;
        return at < end && *at == '"' ? at + 1 : at;
    }
    return NULL;
}

/* Some programs search for the name and ignore comments, quotes and backslashes; they must find the same boundary. */
static bool is_found_by_name(struct slice value, const struct token *boundary)
{
    const char *p = value.data, *end = value.data + value.len, *at;
    bool found = false;
    for (; (at = next_boundary(&p, end)) != NULL; p++) {
        if (at == boundary->text.data)
            found = true;
        else if (p < boundary->text.data || p >= boundary->text.data + boundary->text.len)
            return false;
    }
    return found && !boundary->escaped;
}

/* True if GMime and the grammar agree on everything that the structure depends on. */
static const char *compare_readings(struct slice value, const char *type, GMimeContentType *gmime,
                                    const struct seen *seen)
{
    g_autofree char *other = g_mime_content_type_get_mime_type(gmime);
    if (other == NULL || g_ascii_strcasecmp(type, other) != 0)
        return "its Content-Type can be read in two ways";
    const char *boundary = g_mime_content_type_get_parameter(gmime, "boundary");
    g_autofree char *strict = seen->boundary.kind == TOKEN_END ? NULL : token_text(&seen->boundary);
    if (g_strcmp0(boundary, strict) != 0 || (strict != NULL && !is_found_by_name(value, &seen->boundary)))
        return "its boundary can be read in two ways";
    return NULL;
}

/* Types whose parameters decide how the content is split or verified. */
static bool is_structural(const char *type)
{
    return text_begins_with(type, "multipart/") || text_begins_with(type, "application/pkcs7-") ||
           text_begins_with(type, "application/x-pkcs7-") || text_begins_with(type, "message/");
}

void content_type_read(struct slice value, struct content_type *out)
{
    *out = (struct content_type){NULL, NULL, NULL};
    if (value.len > MAX_VALUE) {
        out->type = g_strdup("");
        out->fault = "its Content-Type is too long";
        return;
    }
    struct lexer lexer;
    lexer_init(&lexer, value);
    out->type = read_type(&lexer);
    if (out->type == NULL) {
        out->type = g_strdup("");
        out->fault = "its Content-Type is malformed";
        return;
    }
    struct lexer rest = lexer;
    if (lexer_next(&rest).kind == TOKEN_END)
        return;

    struct seen seen = {.count = 0};
    const char *fault = check_parameters(&lexer, &seen);
    if (memchr(value.data, '\0', value.len) != NULL)
        fault = "its Content-Type contains a NUL";
    else if (seen.count < MAX_PARAMETERS)
        out->parameters = read_with_gmime(value);
    if (fault == NULL && out->parameters != NULL)
        fault = compare_readings(value, out->type, out->parameters, &seen);
    if (is_structural(out->type))
        out->fault = fault;
}

const char *content_type_parameter(void *parameters, const char *name)
{
    return parameters == NULL ? NULL : g_mime_content_type_get_parameter(parameters, name);
}

void content_type_free_parameters(void *parameters)
{
    if (parameters != NULL)
        g_object_unref(parameters);
}

/* The value up to each parameter of that name, and from the next one on; without the end that separates nothing. */
static GString *without_parameter(const char *value, const char *name, bool *found)
{
    GString *rest = g_string_new(NULL);
    const char *kept = value, *dropped = NULL;
    struct lexer lexer;
    *found = false;
    lexer_init(&lexer, slice_of(value));
    for (struct token token = lexer_next(&lexer); token.kind != TOKEN_END && token.kind != TOKEN_BAD;
         token = lexer_next(&lexer)) {
        if (!token_is_special(&token, ';'))
            continue;
        struct lexer ahead = lexer;
        struct token word = lexer_next(&ahead);
        if (dropped != NULL)
            kept = token.text.data;
        dropped = word.kind == TOKEN_WORD && slice_equal_nocase(base_name(word.text), name) ? token.text.data : NULL;
        if (dropped != NULL)
            g_string_append_len(rest, kept, dropped - kept);
        *found |= dropped != NULL;
    }
    if (dropped == NULL)
        g_string_append(rest, kept);
    while (rest->len > 0 && strchr("; \t\r\n", rest->str[rest->len - 1]) != NULL)
        g_string_truncate(rest, rest->len - 1);
    return rest;
}

/* By the grammar alone, of any type. */
static bool is_strict(struct slice value)
{
    struct seen seen = {.count = 0};
    struct lexer lexer;
    lexer_init(&lexer, value);
    g_autofree char *type = read_type(&lexer);
    return type != NULL && check_parameters(&lexer, &seen) == NULL;
}

/* Another value of a Content-Type has that parameter, or none (text NULL), and the same in all else that matters. */
static bool differs_only_in(struct slice value, struct slice other, const char *name, const char *text)
{
    static const char *const all[] = {"boundary", "charset", "protocol", "smime-type", "name"};
    struct content_type before, after;
    content_type_read(value, &before);
    content_type_read(other, &after);
    bool same = strcmp(before.type, after.type) == 0 && before.fault == NULL && after.fault == NULL &&
                g_strcmp0(content_type_parameter(after.parameters, name), text) == 0;
    for (size_t i = 0; i < G_N_ELEMENTS(all) && same; i++)
        same = strcmp(name, all[i]) == 0 || g_strcmp0(content_type_parameter(before.parameters, all[i]),
                                                      content_type_parameter(after.parameters, all[i])) == 0;
    content_type_free_parameters(before.parameters);
    content_type_free_parameters(after.parameters);
    g_free(before.type);
    g_free(after.type);
    return same;
}

char *content_type_with(struct slice value, const char *name, const char *text)
{
    bool has;
    g_autofree char *plain = field_plain(value);
    g_autoptr(GString) with = without_parameter(plain, name, &has);
    g_string_append_printf(with, ";\r\n\t%s=\"%s\"", name, text);
    struct slice other = {with->str, with->len};
    return is_strict(other) && differs_only_in(value, other, name, text) ? g_strdup(with->str) : NULL;
}

char *content_type_without(struct slice value, const char *name)
{
    bool has;
    g_autofree char *plain = field_plain(value);
    g_autoptr(GString) without = without_parameter(plain, name, &has);
    struct slice other = {without->str, without->len};
    return has && is_strict(value) && differs_only_in(value, other, name, NULL) ? g_strdup(without->str) : NULL;
}

char *disposition_filename(struct slice value)
{
    if (value.len > MAX_VALUE || memchr(value.data, '\0', value.len) != NULL)
        return NULL;
    g_autofree char *text = hide_words(value);
    charsets_enter(value.len);
    GMimeContentDisposition *disposition = g_mime_content_disposition_parse(NULL, text);
    charsets_leave();
    if (disposition == NULL)
        return NULL;
    decode_words(g_mime_content_disposition_get_parameters(disposition));
    char *name = g_strdup(g_mime_content_disposition_get_parameter(disposition, "filename"));
    g_object_unref(disposition);
    return name;
}
