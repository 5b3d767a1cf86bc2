/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert_anchor: checks an entry of `trust_anchors` or `anchors` that is a string: a file, or the URL of a bundle.
 */
#include "option.h"

#include <glib.h>
#include <string.h>

char *convert_bundle_url(const char *text, const struct place *place)
{
    g_autofree char *scheme = NULL, *host = NULL;
    bool good = g_uri_split_network(text, G_URI_FLAGS_NONE, &scheme, &host, NULL, NULL) && host != NULL &&
                host[0] != '\0' &&
                (g_ascii_strcasecmp(scheme, "https") == 0 || g_ascii_strcasecmp(scheme, "http") == 0);
    if (good)
        return g_strdup(text);
    place_fault(place, "\"%s\": \"%s\" is not a URL such as \"https://bundles.example/anchors.p7b\"", place->key, text);
    return NULL;
}

bool anchor_is_url(const char *text)
{
    return strstr(text, "://") != NULL;
}

char *convert_anchor(const char *text, const struct place *place)
{
    return anchor_is_url(text) ? convert_bundle_url(text, place) : convert_path(text, place);
}
