/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: checks and repairs line ends (RFC 5321 §2.3.8, RFC 8551 §3.1.1).
 *
 * lines_scan() reads every message that we sign. It examines eight bytes at a time and stops only at those outside
 * 0x20…0x7f, which in canonical text are tabs and the CR at the end of each line.
 */
#include "lines.h"

#include <glib.h>
#include <string.h>

#define LINE_MAX_OCTETS 998

#define EACH(byte) (0x0101010101010101u * (guint64)(byte))

/* A byte below borrows from the next higher one, so only the lowest mark of a word is certain; that is the one used. */
const char *lines_find_outside(const char *p, const char *end, unsigned char lowest)
{
    while (end - p >= 8) {
        guint64 word;
        memcpy(&word, p, sizeof(word));
        word = GUINT64_FROM_LE(word);
        guint64 marks = ((word - EACH(lowest)) | word) & EACH(0x80);
        if (marks != 0)
            return p + __builtin_ctzll(marks) / 8;
        p += 8;
    }
    while (p < end && (unsigned char)*p >= lowest && (unsigned char)*p < 0x80)
        p++;
    return p;
}

static unsigned check_line(const char *start, const char *end)
{
    unsigned troubles = 0;
    if (end - start > LINE_MAX_OCTETS)
        troubles |= TROUBLE_LONG;
    if (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        troubles |= TROUBLE_SPACE;
    if (end - start >= 5 && memcmp(start, "From ", 5) == 0)
        troubles |= TROUBLE_FROM;
    return troubles;
}

unsigned lines_scan(struct slice bytes)
{
    unsigned troubles = 0;
    if (bytes.len == 0)
        return 0;
    const char *line = bytes.data, *end = bytes.data + bytes.len;
    for (const char *p = lines_find_outside(line, end, 0x20); p < end; p = lines_find_outside(p, end, 0x20)) {
        unsigned char c = (unsigned char)*p;
        if (c == '\r' && p + 1 < end && p[1] == '\n') {
            troubles |= check_line(line, p);
            p += 2;
            line = p;
            continue;
        }
        if (c == '\r' || c == '\n') {
            troubles |= TROUBLE_BARE | check_line(line, p);
            line = p + 1;
        } else if (c >= 0x80) {
            troubles |= TROUBLE_EIGHT_BIT;
            while (p + 1 < end && (unsigned char)p[1] >= 0x80) /* they come in runs */
                p++;
        } else if (c == '\0') {
            troubles |= TROUBLE_NUL;
        }
        p++;
    }
    if (line < end)
        troubles |= TROUBLE_OPEN | check_line(line, end);
    return troubles;
}

struct search {
    const char *end;
    const char *lf; /* the next LF, or end; valid until the search passes it */
};

/* The first CR or LF from p on that is not part of a CRLF, or end. The next LF is remembered, because many bare CRs
 * would otherwise cause a search for it each time. */
static const char *find_bare(struct search *search, const char *p)
{
    while (p < search->end) {
        if (search->lf < p) {
            search->lf = memchr(p, '\n', (size_t)(search->end - p));
            if (search->lf == NULL)
                search->lf = search->end;
        }
        const char *cr = memchr(p, '\r', (size_t)(search->lf - p));
        if (cr != NULL && (cr + 1 != search->lf || search->lf == search->end))
            return cr;
        if (cr == NULL)
            return search->lf;
        p = search->lf + 1;
    }
    return search->end;
}

bool mime_is_canonical(struct slice bytes)
{
    if (bytes.len == 0)
        return true;
    struct search search = {bytes.data + bytes.len, NULL};
    return search.end[-1] == '\n' && find_bare(&search, bytes.data) == search.end;
}

bool lines_write(struct slice bytes, bool close, struct spool *out, bool *changed, struct error *error)
{
    *changed = false;
    if (bytes.len == 0)
        return true;
    struct search search = {bytes.data + bytes.len, NULL};
    const char *p = bytes.data;
    for (const char *bare = find_bare(&search, p); bare < search.end; bare = find_bare(&search, p)) {
        *changed = true;
        if (!spool_write(out, p, (size_t)(bare - p), error) || !spool_write(out, "\r\n", 2, error))
            return false;
        p = bare + 1;
    }
    if (!spool_write(out, p, (size_t)(search.end - p), error))
        return false;
    if (close && search.end[-1] != '\n' && search.end[-1] != '\r') {
        *changed = true;
        return spool_write(out, "\r\n", 2, error);
    }
    return true;
}

bool mime_line_ends(struct slice bytes, struct spool *out, bool *changed, struct error *error)
{
    return lines_write(bytes, true, out, changed, error);
}
