/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boundary: splits the body of a multipart at its delimiter lines, and chooses a boundary for one of ours.
 *
 * Only this is a delimiter: CRLF (or the beginning of the body), "--", the boundary, optionally "--", optionally
 * spaces and tabs, and CRLF (or the end of the body). A line that begins like this and continues differently, or has a
 * bare CR or LF at an end, is a delimiter for some parsers. Here it is content, and a fault.
 */
#include "boundary.h"

#include "mail/mime.h"

#include <glib.h>
#include <openssl/rand.h>
#include <string.h>

#define MAX_BOUNDARY 70 /* RFC 2046 §5.1.1 */

const char *boundary_fault(const struct boundary *boundary, bool *usable)
{
    *usable = false;
    if (boundary->text == NULL || boundary->length == 0)
        return "a multipart has no boundary";
    for (const char *p = boundary->text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
            return "its boundary contains characters that are not allowed";
    *usable = true;
    if (boundary->length > MAX_BOUNDARY)
        return "its boundary is too long";
    if (boundary->text[boundary->length - 1] == ' ')
        return "its boundary ends in a space";
    for (const struct boundary *outer = boundary->outer; outer != NULL; outer = outer->outer)
        if (strncmp(outer->text, boundary->text, MIN(outer->length, boundary->length)) == 0)
            return "its boundary begins like that of a multipart around it";
    return NULL;
}

enum line { LINE_OTHER, LINE_DELIMITER, LINE_CLOSE, LINE_ALMOST };

struct scanner {
    const struct boundary *boundary;
    const char *begin, *end;
    const char *needle; /* "--" and the boundary */
    size_t needle_length;
};

/* Judges the occurrence of the needle at p. *after: after the line. */
static enum line judge_line(const struct scanner *scanner, const char *p, const char **after)
{
    *after = p + scanner->needle_length;
    if (p > scanner->begin && p[-1] != '\n' && p[-1] != '\r')
        return LINE_OTHER;
    bool starts = p == scanner->begin || (p - scanner->begin >= 2 && p[-1] == '\n' && p[-2] == '\r');

    const char *q = *after, *end = scanner->end;
    bool closes = end - q >= 2 && q[0] == '-' && q[1] == '-';
    if (closes)
        q += 2;
    while (q < end && (*q == ' ' || *q == '\t'))
        q++;
    bool ends = q == end || (end - q >= 2 && q[0] == '\r' && q[1] == '\n');
    if (!starts || !ends)
        return LINE_ALMOST;
    *after = q == end ? end : q + 2;
    return closes ? LINE_CLOSE : LINE_DELIMITER;
}

/* Skips from an occurrence in the middle of a line to the next line end: none before it matters, and a body that
 * repeats the needle must not cost a call for each. */
static const char *skip_line(const char *p, const char *end)
{
    while (p < end && *p != '\n' && *p != '\r')
        p++;
    return p;
}

struct found {
    const char *line, *after;
};

/* The next delimiter line from p on; NULL: no more. */
static enum line next_delimiter(const struct scanner *scanner, const char *p, struct found *found, bool *almost,
                                size_t *budget)
{
    while (p < scanner->end) {
        found->line = memmem(p, (size_t)(scanner->end - p), scanner->needle, scanner->needle_length);
        if (found->line == NULL)
            break;
        enum line line = judge_line(scanner, found->line, &found->after);
        if (line == LINE_DELIMITER || line == LINE_CLOSE)
            return line;
        if (line == LINE_ALMOST) {
            *almost = true;
            if (*budget == 0)
                return LINE_ALMOST;
            --*budget;
        }
        p = skip_line(found->after, scanner->end);
    }
    return LINE_OTHER;
}

/* Without the line end before a delimiter, which belongs to the delimiter. */
static struct slice between(const char *from, const char *delimiter)
{
    const char *to = delimiter - from >= 2 ? delimiter - 2 : from;
    return (struct slice){from, (size_t)(to - from)};
}

static bool collect(const struct scanner *scanner, size_t max_parts, size_t *budget, struct split *split,
                    struct error *error)
{
    bool almost = false;
    struct found found;
    const char *start = NULL; /* of the part that is open */
    const char *p = scanner->begin;
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(struct slice));
    enum line line = next_delimiter(scanner, p, &found, &almost, budget);
    for (; line == LINE_DELIMITER; line = next_delimiter(scanner, p, &found, &almost, budget)) {
        if (start == NULL) {
            split->preamble = between(scanner->begin, found.line);
        } else {
            struct slice part = between(start, found.line);
            if (found.line == start)
                split->fault = "two of its delimiters have no part between them";
            g_array_append_val(parts, part);
        }
        if (parts->len > max_parts)
            return error_set(error, ERROR_PERMANENT, "the message has more than %zu MIME parts", max_parts);
        start = p = found.after;
    }
    if (line == LINE_ALMOST)
        return error_set(error, ERROR_PERMANENT, "too many lines look like MIME delimiters");

    if (start == NULL) {
        split->fault = line == LINE_CLOSE ? "its closing delimiter comes first" : "its boundary does not occur";
        split->preamble = (struct slice){scanner->begin, (size_t)(scanner->end - scanner->begin)};
    } else {
        struct slice part =
            line == LINE_CLOSE ? between(start, found.line) : (struct slice){start, (size_t)(scanner->end - start)};
        if (line != LINE_CLOSE)
            split->fault = "its closing delimiter is missing";
        else if (found.line == start)
            split->fault = "two of its delimiters have no part between them";
        g_array_append_val(parts, part);
        if (line == LINE_CLOSE) {
            split->epilogue = (struct slice){found.after, (size_t)(scanner->end - found.after)};
            if (next_delimiter(scanner, found.after, &found, &almost, budget) != LINE_OTHER)
                split->fault = "it continues after its closing delimiter";
        }
    }
    if (almost && split->fault == NULL)
        split->fault = "it contains lines that some parsers take for delimiters";
    split->count = parts->len;
    split->parts = (struct slice *)g_array_free(g_steal_pointer(&parts), FALSE);
    return true;
}

bool boundary_split(const struct boundary *boundary, struct slice body, size_t max_parts, size_t *budget,
                    struct split *split, struct error *error)
{
    *split = (struct split){NULL, 0, SLICE_NONE, SLICE_NONE, NULL};
    if (body.len == 0) {
        split->fault = "its boundary does not occur";
        return true;
    }
    g_autofree char *needle = g_strconcat("--", boundary->text, NULL);
    struct scanner scanner = {boundary, body.data, body.data + body.len, needle, boundary->length + 2};
    return collect(&scanner, max_parts, budget, split, error);
}

void split_clear(struct split *split)
{
    g_free(split->parts);
    split->parts = NULL;
    split->count = 0;
}

bool boundary_choose(char boundary[BOUNDARY_SIZE], struct error *error)
{
    unsigned char random[24];
    size_t length = g_strlcpy(boundary, "domsec-", BOUNDARY_SIZE);
    return (RAND_bytes(random, sizeof(random)) == 1 &&
            OPENSSL_buf2hexstr_ex(boundary + length, BOUNDARY_SIZE - length, NULL, random, sizeof(random), '\0')) ||
           error_set_openssl(error, ERROR_TEMPORARY, "random numbers");
}
