/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authres: finds Authentication-Results fields that claim to be ours, and writes our own (RFC 8601, RFC 7281).
 *
 * Finding prefers removal, because every program after us believes a field that is left in. A value is ours if its
 * authserv-id is ours by the grammar, and also if it is not valid and our name occurs anywhere in it. Writing trusts
 * no text from a certificate: every value goes through one function, which removes control characters and quotes.
 * Nothing here parses results.
 */
#include "mail/authres.h"

#include "conf/conf.h"
#include "squash.h"
#include "token.h"
#include "words.h"

#include <glib.h>
#include <string.h>

/* --- finding --- */

/* True if the names are equal, as domains or letter by letter. */
static bool is_same_id(const char *id, const char *ours)
{
    if (g_ascii_strcasecmp(id, ours) == 0)
        return true;
    g_autofree char *a = domain_normalise(id);
    g_autofree char *b = domain_normalise(ours);
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool holds_name(const char *text, size_t length, const char *ours)
{
    g_autofree char *name = g_ascii_strdown(ours, -1);
    g_autofree char *a_labels = domain_normalise(ours);
    for (int comments_too = 0; comments_too <= 1; comments_too++) {
        g_autofree char *squashed = squash(text, length, comments_too != 0);
        if (strstr(squashed, name) != NULL || (a_labels != NULL && strstr(squashed, a_labels) != NULL))
            return true;
        /* The name may be in U-labels, capitals or full width, so the part that should be the name is compared. */
        squashed[strcspn(squashed, ";")] = '\0';
        g_autofree char *head = domain_normalise(squashed);
        if (a_labels != NULL && head != NULL && domain_is_within(head, a_labels))
            return true;
    }
    return false;
}

#define MAX_WORDS 64 /* examined in a value that cannot be parsed */

/* True if one of its words is our name in a form that holds_name() does not look for. */
static bool has_word(struct slice value, const char *ours)
{
    struct lexer lexer;
    lexer_init(&lexer, value);
    for (int i = 0; i < MAX_WORDS; i++) {
        struct token token = lexer_next(&lexer);
        if (token.kind == TOKEN_END || token.kind == TOKEN_BAD)
            return false;
        g_autofree char *text = token_text(&token);
        if (is_same_id(text, ours))
            return true;
    }
    return false;
}

/* The value cannot be parsed. True if it contains our name, also in encoded-words, which an authserv-id must not
 * contain. */
static bool may_be_ours(struct slice value, const char *ours)
{
    if (value.len == 0)
        return false;
    if (holds_name(value.data, value.len, ours) || has_word(value, ours) || memchr(value.data, '\0', value.len) != NULL)
        return true;
    g_autofree char *text = g_strndup(value.data, value.len);
    g_autofree char *decoded = words_decode(text);
    owned(words_reading) struct words_reading *other = words_read(text);
    return !other->is_sound || holds_name(decoded, strlen(decoded), ours) ||
           holds_name(other->each->str, other->each->len, ours);
}

static bool is_version(const struct token *token)
{
    for (size_t i = 0; i < token->text.len; i++)
        if (!g_ascii_isdigit(token->text.data[i]))
            return false;
    return token->kind == TOKEN_WORD;
}

bool authres_is_from(struct slice value, const char *authserv_id)
{
    struct lexer lexer;
    lexer_init(&lexer, value);
    struct token id = lexer_next(&lexer);
    struct token next = lexer_next(&lexer);
    if (is_version(&next))
        next = lexer_next(&lexer);
    bool is_valid =
        (id.kind == TOKEN_WORD || id.kind == TOKEN_QUOTED) && (next.kind == TOKEN_END || token_is_special(&next, ';'));
    if (!is_valid)
        return may_be_ours(value, authserv_id);
    g_autofree char *text = token_text(&id);
    if (is_same_id(text, authserv_id))
        return true;
    /* An invalid name, such as one with a space or an unmappable character. */
    g_autofree char *normal = domain_normalise(text);
    return normal == NULL && holds_name(text, strlen(text), authserv_id);
}

/* --- writing --- */

#define MAX_TEXT 240 /* of one value: a line of several stays below 998 octets (RFC 5322 §2.1.1) */
#define FOLD_AT 78

/* Some filters look for "smime=pass" anywhere in the field, so a certificate's name must not contain it. */
static bool ends_in_method(const GString *text)
{
    static const char *const methods[] = {"smime", "dkim", "spf", "dmarc", "arc", "auth", "iprev"};
    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
        size_t length = strlen(methods[i]);
        if (text->len >= length && g_ascii_strncasecmp(text->str + text->len - length, methods[i], length) == 0)
            return true;
    }
    return false;
}

/* Printable on one line, valid UTF-8, cut at MAX_TEXT. An unprintable character becomes a question mark. */
static char *safe_text(const char *text)
{
    GString *safe = g_string_sized_new(MAX_TEXT);
    for (const char *p = text; *p != '\0' && safe->len < MAX_TEXT;) {
        gunichar c = g_utf8_get_char_validated(p, -1);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_c(safe, '?');
            p++;
            continue;
        }
        if (g_unichar_isprint(c) && !(c == '=' && ends_in_method(safe)))
            g_string_append_unichar(safe, c);
        else
            g_string_append_c(safe, '?');
        p = g_utf8_next_char(p);
    }
    return g_string_free(safe, FALSE);
}

static bool is_token(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("!#$%&'*+-.^_`{|}~", *p) == NULL)
            return false;
    return *text != '\0';
}

/* Appends text between open and close, with a backslash before the characters of special. */
static void append_escaped(GString *out, char open, const char *text, char close, const char *special)
{
    g_string_append_c(out, open);
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr(special, *p) != NULL)
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, close);
}

/* "value" of RFC 8601 §2.2: token or quoted-string. */
static void append_value(GString *out, const char *text, bool always_quoted)
{
    g_autofree char *safe = safe_text(text);
    if (!always_quoted && is_token(safe))
        g_string_append(out, safe);
    else
        append_escaped(out, '"', safe, '"', "\"\\");
}

/* Moves *item to the end of out, on a line of its own if the last one would get long, and empties it. */
static void append_item(GString *out, GString *item)
{
    const char *line = strrchr(out->str, '\n');
    size_t column = line == NULL ? out->len : out->len - (size_t)(line + 1 - out->str);
    g_string_append(out, column + 1 + item->len > FOLD_AT ? "\r\n\t" : " ");
    g_string_append_len(out, item->str, (gssize)item->len);
    g_string_truncate(item, 0);
}

/* A result word is a Keyword. Any other word is our mistake and must not look like a pass. */
static const char *result_word(const char *word)
{
    for (const char *p = word; p != NULL && *p != '\0'; p++)
        if (!g_ascii_isalpha(*p))
            return "permerror";
    return word == NULL || *word == '\0' ? "permerror" : word;
}

static bool is_property_name(const char *name)
{
    const char *dot = strchr(name, '.');
    return is_token(name) && dot != NULL && dot != name && dot[1] != '\0';
}

static void append_result(GString *out, const struct authres_result *result)
{
    g_autoptr(GString) item = g_string_new(NULL);
    g_string_append_printf(out, ";\r\n\tsmime=%s", result_word(result->result));
    if (result->comment != NULL) {
        g_autofree char *safe = safe_text(result->comment);
        append_escaped(item, '(', safe, ')', "()\\");
        append_item(out, item);
    }
    if (result->reason != NULL) {
        g_string_append(item, "reason=");
        append_value(item, result->reason, true);
        append_item(out, item);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(result->properties) && result->properties[i].name != NULL; i++) {
        const struct authres_property *property = &result->properties[i];
        if (property->value == NULL || !is_property_name(property->name))
            continue;
        g_string_append_printf(item, "%s=", property->name);
        append_value(item, property->value, false);
        append_item(out, item);
    }
}

char *authres_format(const char *authserv_id, const struct authres_result *results, size_t count)
{
    GString *out = g_string_new(" ");
    append_value(out, authserv_id, false);
    if (count == 0)
        g_string_append(out, "; none");
    for (size_t i = 0; i < count; i++)
        append_result(out, &results[i]);
    return g_string_free(out, FALSE);
}
