/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: a lexer for structured header fields.
 *
 * GMime parses Content-Type, but repairs malformed values without reporting it, and parsers differ where they repair.
 * This lexer reads the same bytes strictly by the grammar, so that content_type.c can compare. It also reads
 * Authentication-Results (RFC 8601), which GMime does not know. It is not for addresses: see mail/address.h.
 */
#include "token.h"

#include <glib.h>
#include <string.h>

void lexer_init(struct lexer *lexer, struct slice value)
{
    lexer->at = value.data;
    lexer->end = value.data == NULL ? NULL : value.data + value.len;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

static bool is_special(char c)
{
    return c != '\0' && strchr("()<>@,;:\\\"/[]?=", c) != NULL;
}

/* Length of the folding (CRLF or LF before white space) at p, 0 without folding. */
static size_t fold_length(const char *p, const char *end)
{
    size_t length = p < end && *p == '\r' ? 1 : 0;
    if (p + length + 1 >= end || p[length] != '\n' || (p[length + 1] != ' ' && p[length + 1] != '\t'))
        return 0;
    return length + 1;
}

/* Skips the comment at the lexer's place. Nesting is counted without recursion, because the sender controls its
 * depth. */
static bool skip_comment(struct lexer *lexer)
{
    size_t depth = 0;
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        size_t fold = fold_length(lexer->at, lexer->end);
        if (fold > 0) {
            lexer->at += fold;
            continue;
        }
        if (is_control((unsigned char)c) && c != '\t')
            return false;
        lexer->at++;
        if (c == '\\') {
            if (lexer->at == lexer->end || (is_control((unsigned char)*lexer->at) && *lexer->at != '\t'))
                return false;
            lexer->at++;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            return true;
        }
    }
    return false;
}

static bool skip_cfws(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        size_t fold = fold_length(lexer->at, lexer->end);
        if (*lexer->at == ' ' || *lexer->at == '\t')
            lexer->at++;
        else if (fold > 0)
            lexer->at += fold;
        else if (*lexer->at != '(')
            break;
        else if (!skip_comment(lexer))
            return false;
    }
    return true;
}

static struct token bad_token(struct lexer *lexer)
{
    lexer->at = lexer->end;
    return (struct token){TOKEN_BAD, SLICE_NONE, false};
}

static struct token quoted_token(struct lexer *lexer)
{
    struct token token = {TOKEN_QUOTED, {lexer->at + 1, 0}, false};
    for (const char *p = lexer->at + 1; p < lexer->end; p++) {
        size_t fold = fold_length(p, lexer->end);
        if (fold > 0) {
            token.escaped = true;
            p += fold; /* onto the white space, which is significant */
        } else if (*p == '"') {
            token.text.len = (size_t)(p - token.text.data);
            lexer->at = p + 1;
            return token;
        } else if (*p == '\\') {
            token.escaped = true;
            if (++p == lexer->end || (is_control((unsigned char)*p) && *p != '\t'))
                break;
        } else if (is_control((unsigned char)*p) && *p != '\t') {
            break;
        }
    }
    return bad_token(lexer);
}

struct token lexer_next(struct lexer *lexer)
{
    if (!skip_cfws(lexer))
        return bad_token(lexer);
    if (lexer->at == lexer->end)
        return (struct token){TOKEN_END, SLICE_NONE, false};
    if (*lexer->at == '"')
        return quoted_token(lexer);

    const char *start = lexer->at;
    while (lexer->at < lexer->end && *lexer->at != ' ' && !is_control((unsigned char)*lexer->at) &&
           !is_special(*lexer->at))
        lexer->at++;
    if (lexer->at > start)
        return (struct token){TOKEN_WORD, {start, (size_t)(lexer->at - start)}, false};
    if (is_control((unsigned char)*start) || *start == ')' || *start == '\\')
        return bad_token(lexer);
    lexer->at++;
    return (struct token){TOKEN_SPECIAL, {start, 1}, false};
}

bool token_is_special(const struct token *token, char special)
{
    return token->kind == TOKEN_SPECIAL && token->text.data[0] == special;
}

char *token_text(const struct token *token)
{
    if (!token->escaped)
        return g_strndup(token->text.data, token->text.len);
    GString *text = g_string_sized_new(token->text.len + 1);
    const char *end = token->text.data + token->text.len;
    for (const char *p = token->text.data; p < end; p++) {
        if (*p == '\r' || *p == '\n')
            continue;
        if (*p == '\\' && p + 1 < end)
            p++;
        g_string_append_c(text, *p);
    }
    return g_string_free(text, FALSE);
}
