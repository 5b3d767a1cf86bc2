/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: why a call did not do what it was asked.
 *
 * A struct error lives on the caller's stack, zero-initialised, and is the last parameter of every function that
 * can fail. Such a function returns false or NULL and has then set kind and text. The text is one line for an
 * administrator's eyes; it may quote hostile input, which error_set() has made printable.
 */
#ifndef DOMSEC_BASE_ERROR_H
#define DOMSEC_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_TEMPORARY,     /* may work later: directory down, disk full, out of memory; 4xx */
    ERROR_PERMANENT,     /* the input is bad and stays bad: broken CMS, too many MIME parts; policy says what follows */
    ERROR_TOO_LARGE,     /* the message or its header is over its limit, so nobody has looked into it; 552 */
    ERROR_CONFIGURATION, /* the administrator has to act; 4xx while mail is concerned */
    ERROR_BUG,           /* cannot happen; 4xx */
};

struct error {
    enum error_kind kind;
    char text[480];
};

/* Sets kind and text; control characters and bytes that are not UTF-8 are shown as \xNN. Always returns false. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set(), then appends ": " and the reason of the oldest error in this thread's OpenSSL queue (the root
 * cause); clears the queue. */
bool error_set_openssl(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "format: " before the text that is there. Always returns false. */
bool error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies src to dst (size bytes, always terminated), showing control characters, DEL and invalid UTF-8 as \xNN.
 * For all text from outside (certificate subjects, addresses) before it reaches a log, header, reply or report. */
void text_printable(char *dst, size_t size, const char *src, size_t length);

#endif
