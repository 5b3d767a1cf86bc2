/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moment: GLib reads and writes the text. A time needs its zone, because the gateway's own may differ from the
 * administrator's.
 */
#include "base/moment.h"

#include <glib.h>
#include <string.h>

#define DATE_LENGTH 10 /* of 2026-01-01 */

bool moment_parse(const char *text, time_t *at)
{
    g_autofree char *midnight = strlen(text) == DATE_LENGTH ? g_strconcat(text, "T00:00:00Z", NULL) : NULL;
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(midnight != NULL ? midnight : text, NULL);
    if (time != NULL)
        *at = (time_t)g_date_time_to_unix(time);
    return time != NULL;
}

char *moment_text(time_t at)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at);
    if (time == NULL)
        return g_strdup("?");
    return at % (24 * 60 * 60) == 0 ? g_date_time_format(time, "%F") : g_date_time_format_iso8601(time);
}
