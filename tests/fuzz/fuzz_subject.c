/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_subject: any bytes as the Subject that arrives, under marks from the input or common ones. The new value is one
 * field that carries the mark in front and nowhere else, and is read the same when it comes back.
 *
 * Input: a byte of options, a mark up to NUL, another up to NUL, the field's value.
 */
#include "mail/mime.h"
#include "mail/subject.h"
#include "require.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One field: folded by CRLF and white space, with something on each line, no other control character. */
static void require_one_field(const char *value)
{
    require(value[0] == ' ');
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\r')
            require(c[1] == '\n');
        else if (*c == '\n')
            require(c > value && c[-1] == '\r' && (c[1] == ' ' || c[1] == '\t') && c[2] != '\0' && c[2] != '\r');
        else
            require(((unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f) || *c == '\t');
    }
}

static char *take_text(const char **at, const char *end)
{
    char *text = g_strndup(*at, (size_t)(end - *at));
    *at = MIN(*at + strlen(text) + 1, end);
    return text;
}

/* A mark as a configuration can hold one. */
static bool is_mark(const char *text)
{
    bool is_seen = false;
    if (text[0] == '\0' || strlen(text) > 40 || strstr(text, "=?") != NULL || !g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        if (!g_unichar_isprint(g_utf8_get_char(c)))
            return false;
        is_seen |= !g_unichar_iszerowidth(g_utf8_get_char(c)) && g_utf8_get_char(c) != 0xfffd;
    }
    g_autofree char *plain = g_utf8_normalize(text, -1, G_NORMALIZE_NFKC); /* there are many blanks */
    return is_seen && !g_ascii_isspace(plain[0]) && !g_ascii_isspace(plain[strlen(plain) - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready)
        mime_init();
    is_ready = true;
    if (size < 1)
        return 0;

    const char *at = (const char *)data + 1, *end = (const char *)data + size;
    const char *marks[] = {"[verified]", "[unverified]"};
    g_autofree char *first = take_text(&at, end);
    g_autofree char *second = take_text(&at, end);
    if (is_mark(first) && is_mark(second)) {
        marks[0] = first;
        marks[1] = second;
    }
    const char *mark = data[0] & 1 ? marks[(data[0] >> 1) & 1] : NULL;
    struct slice value = {at, (size_t)(end - at)};

    g_autofree char *new = subject_mark(data[0] & 4 ? SLICE_NONE : value, marks, 2, mark);
    require(mark == NULL || new != NULL);
    if (new == NULL)
        return 0;
    require_one_field(new);
    /* Without its mark, nothing is left that is one; with it, marking again takes no more away than what nobody sees
     * behind the mark, and that once. */
    g_autofree char *bare = subject_mark(slice_of(new), marks, 2, NULL);
    g_autofree char *none = bare != NULL ? subject_mark(slice_of(bare), marks, 2, NULL) : NULL;
    require(mark != NULL ? bare != NULL && none == NULL : bare == NULL);
    g_autofree char *again = subject_mark(slice_of(new), marks, 2, mark);
    if (getenv("FUZZ_VERBOSE") != NULL)
        fprintf(stderr, "[%s]\n[%s]\n", new, again);
    g_autofree char *more = again != NULL ? subject_mark(slice_of(again), marks, 2, mark) : NULL;
    require(mark == NULL || strcmp(more, again) == 0);
    return 0;
}
