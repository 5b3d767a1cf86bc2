/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of a value, with the file and the line where it stands.
 */
#include "place.h"

#include "conf/faults.h"

#include <glib.h>
#include <stdarg.h>

void place_fault(const struct place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    faults_add(place->faults, place->file, place->line, "%s", text);
}

void place_warn(const struct place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    faults_warn(place->faults, place->file, place->line, "%s", text);
}
