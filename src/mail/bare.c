/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare: takes a value apart with the parsers that all other files use, and writes it anew. What they do not read is not
 * changed.
 */
#include "mail/bare.h"

#include "mail/address.h"
#include "mail/message.h"

#include <gmime/gmime.h>
#include <string.h>

#define LINE_ROOM 76 /* octets of a line, if an address is no longer by itself */

static bool read_addresses(struct slice value, struct addresses *addresses)
{
    struct error ignored = {0};
    return addresses_parse(value, addresses, &ignored);
}

char *bare_addresses(struct slice value)
{
    struct addresses addresses;
    if (!read_addresses(value, &addresses))
        return NULL;
    GString *bare = g_string_new(NULL);
    size_t line = strlen("From:");
    for (size_t i = 0; i < addresses.count; i++) {
        const char *text = addresses.list[i].text;
        bool folds = i > 0 && line + strlen(text) + 2 > LINE_ROOM;
        g_string_append(bare, i > 0 ? "," : "");
        g_string_append(bare, folds ? "\r\n " : " ");
        g_string_append(bare, text);
        line = (folds ? 0 : line) + strlen(text) + 2;
    }
    addresses_clear(&addresses);
    g_autofree char *before = field_unfolded(value), *after = field_unfolded(slice_of(bare->str));
    return g_string_free(bare, strcmp(before, after) == 0);
}

bool bare_same_addresses(struct slice a, struct slice b)
{
    struct addresses one, other;
    if (!read_addresses(a, &one))
        return false;
    bool same = read_addresses(b, &other) && one.count == other.count;
    for (size_t i = 0; same && i < one.count; i++)
        same = address_equal(&one.list[i], &other.list[i]);
    addresses_clear(&one);
    addresses_clear(&other);
    return same;
}

/* g_date_time_unref(); NULL: it cannot be read. */
static GDateTime *read_date(struct slice value)
{
    g_autofree char *text = field_unfolded(value);
    return g_mime_utils_header_decode_date(text);
}

char *bare_date(struct slice value)
{
    g_autoptr(GDateTime) date = read_date(value);
    if (date == NULL || g_date_time_get_utc_offset(date) == 0)
        return NULL;
    g_autoptr(GDateTime) utc = g_date_time_to_utc(date);
    g_autofree char *text = utc != NULL ? g_mime_utils_header_format_date(utc) : NULL;
    return text != NULL ? g_strconcat(" ", text, NULL) : NULL;
}

bool bare_same_date(struct slice a, struct slice b)
{
    g_autoptr(GDateTime) one = read_date(a), other = read_date(b);
    return one != NULL && other != NULL && g_date_time_equal(one, other);
}
