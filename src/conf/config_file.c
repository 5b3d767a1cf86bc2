/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file: reads a configuration file for libconfig, and refuses what libconfig would silently misread: a comment
 * that is not closed (it hides the rest, and with it a partner's policy), an integer that does not fit (it wraps
 * around), an @include of a directory (it ends the process), a NUL byte (it ends the text). It is not a parser: it
 * knows strings, comments, numbers and @include lines, and leaves the rest to libconfig.
 */
#include "config_file.h"

#include "base/bytes.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>

#define INCLUDE_DEPTH 10 /* libconfig's own */

struct scan {
    const struct place *place;
    const char *file;
    const char *at;
    unsigned line;
    unsigned depth;
};

static bool check_file(const char *file, const struct place *place, unsigned depth);

static bool scan_fault(const struct scan *scan, unsigned line, const char *text, const char *detail)
{
    faults_add(scan->place->faults, scan->file, line, "%s%s", text, detail);
    return false;
}

static bool skip_block_comment(struct scan *scan)
{
    unsigned line = scan->line;
    for (scan->at += 2; *scan->at != '\0'; scan->at++) {
        if (scan->at[0] == '*' && scan->at[1] == '/') {
            scan->at += 2;
            return true;
        }
        scan->line += *scan->at == '\n';
    }
    return scan_fault(scan, line, "this comment is not closed", "");
}

static bool skip_string(struct scan *scan)
{
    unsigned line = scan->line;
    for (scan->at++; *scan->at != '\0'; scan->at++) {
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        if (*scan->at == '\\' && scan->at[1] != '\0')
            scan->at++;
        scan->line += *scan->at == '\n';
    }
    return scan_fault(scan, line, "this string is not closed", "");
}

static bool check_number(struct scan *scan)
{
    const char *start = scan->at;
    while (g_ascii_isalnum(*scan->at) || *scan->at == '.' || *scan->at == '_')
        scan->at++;
    g_autofree char *text = g_strndup(start, (gsize)(scan->at - start));
    char *end = NULL;
    bool hex = g_ascii_strncasecmp(text, "0x", 2) == 0;
    errno = 0;
    guint64 value = g_ascii_strtoull(text, &end, hex ? 16 : 10);
    bool overflow = errno == ERANGE || value > G_MAXINT64;
    if (*end != '\0' && *end != 'L')
        return true; /* a fraction, or text that libconfig will refuse */
    if (overflow)
        return scan_fault(scan, scan->line, "this number is too large: ", text);
    if (*end == '\0' && value > G_MAXINT32)
        return scan_fault(scan, scan->line, "a number above 2147483647 must end in L: ", text);
    return true;
}

static bool check_include(struct scan *scan)
{
    const char *start = scan->at + strlen("@include");
    start += strspn(start, " \t");
    if (*start != '"')
        return true;
    size_t length = strcspn(start + 1, "\"\n");
    g_autofree char *name = g_strndup(start + 1, length);
    scan->at = start + 1 + length + (start[1 + length] == '"');
    g_autofree char *path = g_build_filename(scan->place->folder, name, NULL);
    if (scan->depth >= INCLUDE_DEPTH)
        return scan_fault(scan, scan->line, "includes are nested too deeply: ", path);
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return scan_fault(scan, scan->line, "the included file does not exist or is not a regular file: ", path);
    return check_file(path, scan->place, scan->depth + 1);
}

static void skip_word(struct scan *scan)
{
    while (g_ascii_isalnum(*scan->at) || *scan->at == '_' || *scan->at == '-' || *scan->at == '*')
        scan->at++;
}

/* libconfig joins two strings that follow each other. In a list this makes one domain or file out of two. */
static void check_adjacent(const struct scan *scan, bool after_string)
{
    if (after_string)
        faults_warn(scan->place->faults, scan->file, scan->line,
                    "this string is joined to the one before it; is a comma missing between them?");
}

static bool scan_text(struct scan *scan)
{
    bool good = true, line_start = true, after_string = false;
    while (good && *scan->at != '\0') {
        char c = *scan->at;
        if (c == '"') {
            check_adjacent(scan, after_string);
            after_string = good = skip_string(scan);
            line_start = false;
            continue;
        }
        if (c == '#' || (c == '/' && scan->at[1] == '/')) {
            scan->at += strcspn(scan->at, "\n");
        } else if (c == '/' && scan->at[1] == '*') {
            good = skip_block_comment(scan);
        } else if (line_start && text_begins_with(scan->at, "@include")) {
            good = check_include(scan);
        } else if (g_ascii_isdigit(c)) {
            good = check_number(scan);
        } else if (g_ascii_isalpha(c)) {
            skip_word(scan);
        } else {
            scan->line += c == '\n';
            line_start = c == '\n' || (line_start && (c == ' ' || c == '\t'));
            after_string = after_string && g_ascii_isspace(c);
            scan->at++;
            continue;
        }
        line_start = false;
        after_string = after_string && (c == '#' || c == '/');
    }
    return good;
}

static char *read_text(const char *file, const struct place *place)
{
    struct error error = {0};
    size_t length = 0;
    if (place->files != NULL)
        g_ptr_array_add(place->files, g_strdup(file));
    g_autofree char *text = file_read(file, &length, &error);
    if (text == NULL) {
        faults_add(place->faults, file, 0, "cannot be read: %s", error.text);
        return NULL;
    }
    if (strlen(text) != length) {
        faults_add(place->faults, file, 0, "contains a NUL byte; it must be plain text in UTF-8");
        return NULL;
    }
    if (text_begins_with(text, "\xef\xbb\xbf")) /* the byte order mark that some editors write */
        memmove(text, text + 3, length - 3 + 1);
    return steal(&text);
}

static bool check_file(const char *file, const struct place *place, unsigned depth)
{
    g_autofree char *text = read_text(file, place);
    struct scan scan = {.place = place, .file = file, .at = text, .line = 1, .depth = depth};
    return text != NULL && scan_text(&scan);
}

bool config_file_read(const char *file, const struct place *place, config_t *config)
{
    g_autofree char *text = read_text(file, place);
    struct scan scan = {.place = place, .file = file, .at = text, .line = 1, .depth = 1};
    if (text == NULL || !scan_text(&scan))
        return false;
    config_set_include_dir(config, place->folder);
    if (config_read_string(config, text) == CONFIG_TRUE)
        return true;
    const char *included = config_error_file(config);
    g_autofree char *path = included == NULL ? g_strdup(file) : g_canonicalize_filename(included, place->folder);
    const char *reason = config_error_text(config);
    if (g_strcmp0(reason, "syntax error") == 0)
        reason = "syntax error; is a semicolon, comma, quote or bracket missing here or on the line before, or a comma "
                 "too many?";
    else if (g_strcmp0(reason, "duplicate setting name") == 0)
        reason = "duplicate key; a key may occur only once";
    faults_add(place->faults, path, (unsigned)config_error_line(config), "%s", reason);
    return false;
}
