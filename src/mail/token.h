/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: the words of a structured header field (RFC 2045 §5.1, RFC 5322 §3.2, RFC 8601 §2.2), one after another.
 * Private to mail/. It allocates nothing and never reads beyond its slice.
 */
#ifndef DOMSEC_MAIL_TOKEN_H
#define DOMSEC_MAIL_TOKEN_H

#include "base/bytes.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,    /* RFC 2045 token; bytes from 0x80 count as its letters (RFC 6532) */
    TOKEN_QUOTED,  /* quoted-string */
    TOKEN_SPECIAL, /* another of RFC 2045's tspecials, in text */
    TOKEN_BAD,     /* control character, unterminated quote or comment, invalid fold; also the end */
};

struct token {
    enum token_kind kind;
    struct slice text; /* of a quoted string: the raw text between the quotes; see token_text() */
    bool escaped;      /* text holds a quoted-pair or folding */
};

struct lexer {
    const char *at, *end;
};

void lexer_init(struct lexer *lexer, struct slice value);
/* Skips white space, folding and comments (CFWS) before the token. */
struct token lexer_next(struct lexer *lexer);
bool token_is_special(const struct token *token, char special);
/* The value of the token, without quoted-pairs and line ends. g_free(). */
char *token_text(const struct token *token);

#endif
