/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason: formats the sentence that goes with a decision. Reasons name the policy file and the key that decided, so
 * that an administrator knows what to look at.
 */
#include "reason.h"

#include "base/error.h"

#include <glib.h>
#include <string.h>

void reason_set(char *reason, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    text_printable(reason, size, text, strlen(text));
}

char *reason_detail(const char *text)
{
    return text == NULL || text[0] == '\0' ? g_strdup("") : g_strdup_printf(" (%s)", text);
}
