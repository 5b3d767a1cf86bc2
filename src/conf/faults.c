/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: a list of lines as they will be shown. It is not for errors while mail flows, which are in base/error.
 */
#include "conf/faults.h"

#include "base/error.h"

#include <string.h>

struct faults {
    GArray *list;     /* struct fault */
    size_t counts[3]; /* of each grade */
};

static void clear(void *data)
{
    struct fault *fault = data;
    g_free(fault->file);
    g_free(fault->text);
    g_free(fault->shown);
}

struct faults *faults_new(void)
{
    struct faults *faults = g_new0(struct faults, 1);
    faults->list = g_array_new(FALSE, FALSE, sizeof(struct fault));
    g_array_set_clear_func(faults->list, clear);
    return faults;
}

void faults_free(struct faults *faults)
{
    if (faults == NULL)
        return;
    g_array_unref(faults->list);
    g_free(faults);
}

/* Takes raw. */
static char *printable(char *raw)
{
    size_t length = strlen(raw), size = 4 * length + 1; /* each byte may become \xNN */
    char *text = g_malloc(size);
    text_printable(text, size, raw, length);
    g_free(raw);
    return text;
}

static void __attribute__((format(printf, 5, 0))) add(struct faults *faults, const char *file, unsigned line,
                                                      enum fault_grade grade, const char *format, va_list arguments)
{
    static const char *const words[] = {[FAULT_ERROR] = "", [FAULT_WARNING] = "warning: ", [FAULT_NOTE] = "note: "};
    struct fault fault = {.grade = grade, .line = line};
    fault.text = printable(g_strdup_vprintf(format, arguments));
    fault.file = printable(g_strdup(file));
    fault.shown = line > 0 ? g_strdup_printf("%s:%u: %s%s", fault.file, line, words[grade], fault.text)
                           : g_strdup_printf("%s: %s%s", fault.file, words[grade], fault.text);
    g_array_append_val(faults->list, fault);
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
    return faults->list->len;
}

const struct fault *faults_entry(const struct faults *faults, size_t index)
{
    return &g_array_index(faults->list, struct fault, index);
}

const char *faults_at(const struct faults *faults, size_t index)
{
    return faults_entry(faults, index)->shown;
}

enum fault_grade faults_grade(const struct faults *faults, size_t index)
{
    return faults_entry(faults, index)->grade;
}
