/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: a list of lines as they will be shown. It is not for errors while mail flows, which are in base/error.
 */
#include "conf/faults.h"

#include "base/error.h"

#include <string.h>

struct faults {
    GPtrArray *lines;
    GArray *grades;   /* enum fault_grade, of each line */
    size_t counts[3]; /* of each grade */
};

struct faults *faults_new(void)
{
    struct faults *faults = g_new0(struct faults, 1);
    faults->lines = g_ptr_array_new_with_free_func(g_free);
    faults->grades = g_array_new(FALSE, FALSE, sizeof(enum fault_grade));
    return faults;
}

void faults_free(struct faults *faults)
{
    if (faults == NULL)
        return;
    g_ptr_array_free(faults->lines, TRUE);
    g_array_free(faults->grades, TRUE);
    g_free(faults);
}

static void __attribute__((format(printf, 5, 0))) add(struct faults *faults, const char *file, unsigned line,
                                                      enum fault_grade grade, const char *format, va_list arguments)
{
    static const char *const words[] = {[FAULT_ERROR] = "", [FAULT_WARNING] = "warning: ", [FAULT_NOTE] = "note: "};
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    g_autofree char *raw = line > 0 ? g_strdup_printf("%s:%u: %s%s", file, line, words[grade], text)
                                    : g_strdup_printf("%s: %s%s", file, words[grade], text);
    size_t length = strlen(raw), size = 4 * length + 1; /* each byte may become \xNN */
    char *line_text = g_malloc(size);
    text_printable(line_text, size, raw, length);
    g_ptr_array_add(faults->lines, line_text);
    g_array_append_val(faults->grades, grade);
    faults->counts[grade]++;
}

void faults_add(struct faults *faults, const char *file, unsigned line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(faults, file, line, FAULT_ERROR, format, arguments);
    va_end(arguments);
}

void faults_warn(struct faults *faults, const char *file, unsigned line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(faults, file, line, FAULT_WARNING, format, arguments);
    va_end(arguments);
}

void faults_note(struct faults *faults, const char *file, unsigned line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(faults, file, line, FAULT_NOTE, format, arguments);
    va_end(arguments);
}

size_t faults_errors(const struct faults *faults)
{
    return faults->counts[FAULT_ERROR];
}

size_t faults_warnings(const struct faults *faults)
{
    return faults->counts[FAULT_WARNING];
}

size_t faults_count(const struct faults *faults)
{
    return faults->lines->len;
}

const char *faults_at(const struct faults *faults, size_t index)
{
    return g_ptr_array_index(faults->lines, index);
}

enum fault_grade faults_grade(const struct faults *faults, size_t index)
{
    return g_array_index(faults->grades, enum fault_grade, index);
}
