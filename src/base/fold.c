/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: character by character, so that a place in the folded text can be found in the original.
 */
#include "base/fold.h"

#include <string.h>

/* The Kelvin sign is no K, though Unicode's table says so. */
uint32_t fold_character(uint32_t character)
{
    uint32_t lower = g_unichar_tolower(character);
    return character >= 0x80 && lower < 0x80 ? character : lower;
}

char *fold_text(struct slice text)
{
    if (text.len > 0 &&
        (memchr(text.data, '\0', text.len) != NULL || !g_utf8_validate(text.data, (gssize)text.len, NULL)))
        return NULL;
    GString *out = g_string_sized_new(text.len);
    const char *end = text.len > 0 ? text.data + text.len : text.data;
    for (const char *c = text.data; c != end; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        if (!g_unichar_isspace(character))
            g_string_append_unichar(out, fold_character(character));
        else if (out->len > 0 && out->str[out->len - 1] != ' ')
            g_string_append_c(out, ' ');
    }
    if (out->len > 0 && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    return g_string_free(out, FALSE);
}
