/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: formats an error, and makes text from outside safe to show.
 *
 * Texts quote hostile input, so text_printable() processes every formatted text, and callers need not do it. Printable
 * text, including a backslash, is not changed, so text that is processed twice (an error that is logged) stays the
 * same. The result cannot be converted back.
 */
#include "base/error.h"

#include <errno.h>
#include <glib.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Larger than error.text, so that text_printable() makes the cut, which it does between characters. */
#define SCRATCH_SIZE 1024

/* Controls (C0, DEL, C1), the line separators, and the bidirectional overrides, which make a terminal show a
 * different text. */
static bool is_hidden(gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The length in bytes of the character at src; 0 if it must not be shown as it is. */
static size_t printable_length(const char *src, size_t length)
{
    unsigned char first = (unsigned char)src[0];
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f ? 1 : 0;
    gunichar c = g_utf8_get_char_validated(src, (gssize)(length < 6 ? length : 6));
    if (c == (gunichar)-1 || c == (gunichar)-2 || is_hidden(c))
        return 0;
    return (size_t)(g_utf8_next_char(src) - src);
}

void text_printable(char *dst, size_t size, const char *src, size_t length)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t out = 0;
    if (size == 0)
        return;
    for (size_t in = 0; in < length;) {
        size_t step = printable_length(src + in, length - in);
        size_t need = step != 0 ? step : 4;
        if (out + need >= size)
            break;
        if (step != 0) {
            memcpy(dst + out, src + in, step);
            in += step;
        } else {
            unsigned char byte = (unsigned char)src[in++];
            char escape[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
            memcpy(dst + out, escape, sizeof(escape));
        }
        out += need;
    }
    dst[out] = '\0';
}

char *text_printable_copy(const char *src, size_t length)
{
    size_t size = 4 * length + 1; /* \xNN is the longest form of one byte */
    char *copy = g_malloc(size);
    text_printable(copy, size, src, length);
    return copy;
}

/* An unset kind would look like success to the caller. */
static enum error_kind real_kind(enum error_kind kind)
{
    return kind == ERROR_NONE ? ERROR_BUG : kind;
}

/* foreign: a library's words behind ours; NULL if it said nothing. Returns false. */
__attribute__((format(printf, 4, 0))) static bool set(struct error *error, enum error_kind kind, const char *foreign,
                                                      const char *format, va_list arguments)
{
    char own[SCRATCH_SIZE], whole[2 * SCRATCH_SIZE];
    vsnprintf(own, sizeof(own), format, arguments);
    snprintf(whole, sizeof(whole), "%s%s%s", own, foreign != NULL ? ": " : "", foreign != NULL ? foreign : "");
    error->kind = real_kind(kind);
    text_printable(error->text, sizeof(error->text), whole, strlen(whole));
    text_printable(error->said, sizeof(error->said), own, strlen(own));
    return false;
}

bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(error, kind, NULL, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_foreign(struct error *error, enum error_kind kind, const char *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(error, kind, words, format, arguments);
    va_end(arguments);
    return false;
}

/* Whichever library of OpenSSL says it. */
static bool is_lack_of_memory(unsigned long code)
{
    return ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) == ENOMEM : ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

/* The kind, unless one of the queued errors is a lack of memory. Empties the queue. */
static enum error_kind kind_of_queue(enum error_kind kind)
{
    unsigned long code;
    while ((code = ERR_get_error()) != 0)
        if (is_lack_of_memory(code))
            kind = ERROR_TEMPORARY;
    return real_kind(kind);
}

/* "reason (data)" of the oldest queued error. Returns false if no error is queued. */
static bool print_openssl(char *text, size_t size)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
    if (code == 0)
        return false;
    const char *reason = ERR_SYSTEM_ERROR(code) ? g_strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    if (reason != NULL)
        snprintf(text, size, "%s", reason);
    else
        snprintf(text, size, "OpenSSL error %lx", code);
    size_t used = strlen(text);
    if ((flags & ERR_TXT_STRING) != 0 && data != NULL && data[0] != '\0')
        snprintf(text + used, size - used, " (%s)", data);
    return true;
}

bool error_set_openssl(struct error *error, enum error_kind kind, const char *format, ...)
{
    char words[SCRATCH_SIZE];
    bool has_words = print_openssl(words, sizeof(words));
    va_list arguments;
    va_start(arguments, format);
    set(error, kind, has_words ? words : NULL, format, arguments);
    va_end(arguments);
    error->kind = kind_of_queue(kind);
    return false;
}

bool error_prefix(struct error *error, const char *format, ...)
{
    char prefix[SCRATCH_SIZE], scratch[2 * SCRATCH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof(prefix), format, arguments);
    va_end(arguments);
    snprintf(scratch, sizeof(scratch), "%s: %s", prefix, error->text);
    text_printable(error->text, sizeof(error->text), scratch, strlen(scratch));
    snprintf(scratch, sizeof(scratch), "%s: %s", prefix, error->said);
    text_printable(error->said, sizeof(error->said), scratch, strlen(scratch));
    error->kind = real_kind(error->kind);
    return false;
}
