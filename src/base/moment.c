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

char *moment_rfc3339(time_t at)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at);
    return time != NULL ? g_date_time_format_iso8601(time) : NULL;
}

char *moment_text(time_t at)
{
    char *text = moment_rfc3339(at);
    if (text == NULL)
        return g_strdup("?");
    if (at % (24 * 60 * 60) == 0)
        text[DATE_LENGTH] = '\0';
    return text;
}
