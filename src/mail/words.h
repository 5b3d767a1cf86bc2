/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: encoded words (RFC 2047) as a reader shows them. Private to mail/.
 */
#ifndef DOMSEC_MAIL_WORDS_H
#define DOMSEC_MAIL_WORDS_H

#include "base/bytes.h"
#include "base/cleanup.h"

#include <stdbool.h>

/* The text with its encoded words decoded, wherever one is complete by itself; as it is, if they are too many to be
 * looked at. g_free(). */
char *words_decode(const char *text);

/* The same text as others may read it. */
struct words_reading {
    GString *each;   /* each word decoded by itself; its octets as they are where they are no text of its charset */
    GString *octets; /* by one who knows no charsets; not always UTF-8 */
    /* All words are as RFC 2047 has them, in charsets that hold ASCII: nothing can be read differently. */
    bool is_exact;
    /* All words end, base64 lacks no more than its padding, no octet is NUL, and they are not too many to be looked at:
     * programs differ in details. */
    bool is_sound;
};

struct words_reading *words_read(const char *text);
void words_reading_free(struct words_reading *reading);

/* Does an encoded word begin anywhere in the text, whether it ends or not? */
bool words_begin(const char *text);

DECLARE_OWNED(words_reading, struct words_reading *, words_reading_free)

#endif
