/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: the reason why a call failed.
 *
 * A struct error lives on the caller's stack, zero-initialised, and is the last parameter of every function that can
 * fail. Such a function returns false or NULL, and has then set kind and text. The text is one line for an
 * administrator. It may quote hostile input, which error_set() has made printable. `said` is the part of it that a
 * stranger may read: our own words, without what a library or the system said, which can show paths and internals.
 */
#ifndef DOMSEC_BASE_ERROR_H
#define DOMSEC_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_TEMPORARY,     /* may work later: directory down, disk full, out of memory; 4xx */
    ERROR_PERMANENT,     /* the input is bad and will stay bad: broken CMS, too many MIME parts; the policy decides */
    ERROR_TOO_LARGE,     /* the message or its header exceeds its limit and was not parsed; 552 */
    ERROR_CONFIGURATION, /* the administrator must act; 4xx for mail */
    ERROR_BUG,           /* cannot happen; 4xx */
};

struct error {
    enum error_kind kind;
    char text[480];
    char said[480];
};

/* Sets kind and text; control characters and bytes that are not UTF-8 are shown as \xNN. Always returns false. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set(), then appends to the text ": " and the words of a library or of the system. */
bool error_set_foreign(struct error *error, enum error_kind kind, const char *words, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As error_set(), then appends to the text ": " and the reason of the oldest error in this thread's OpenSSL queue (the
 * root cause); clears the queue. If an error in the queue is a lack of memory, kind is ERROR_TEMPORARY whatever was
 * asked.
 */
bool error_set_openssl(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "format: " before the present text. Always returns false. */
bool error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies src to dst (size bytes, always terminated), with control characters, DEL and invalid UTF-8 shown as \xNN.
 * All text from outside (certificate subjects, addresses) goes through it before it reaches a log, header, reply or
 * report. */
void text_printable(char *dst, size_t size, const char *src, size_t length);
/* The same as a string of its own, which is never cut; g_free(). */
char *text_printable_copy(const char *src, size_t length);

#endif
