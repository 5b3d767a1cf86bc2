/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundles: published trust anchors. They stand among the files of `trust_anchors` and `anchors`, as a URL or as a
 * group. Only what was fetched by TLS, or is signed by a named signer, becomes an anchor.
 */
#include "partners.h"

#include "base/bytes.h"

#include <libconfig.h>
#include <string.h>

static bool is_https(const char *url)
{
    return g_ascii_strncasecmp(url, "https://", strlen("https://")) == 0;
}

static void check_group(const struct bundle_conf *bundle, const config_setting_t *group, const struct place *place)
{
    static const char *const for_url[] = {"ca", "refresh"};
    bool has_url = config_setting_get_member(group, "url") != NULL;
    bool has_file = config_setting_get_member(group, "file") != NULL;
    if (has_url == has_file)
        place_fault(place, "\"%s\": a bundle needs either \"url\" or \"file\"", place->key);
    else if (bundle->file != NULL && bundle->signers[0] == NULL)
        place_fault(place,
                    "\"%s\": a bundle with \"file\" needs \"signer\"; name a file without a signature as it is: "
                    "\"%s\"",
                    place->key, bundle->file);
    for (size_t i = 0; i < G_N_ELEMENTS(for_url) && has_file; i++)
        if (config_setting_get_member(group, for_url[i]) != NULL)
            place_fault(place, "\"%s\": \"%s\" is for a bundle with \"url\"", place->key, for_url[i]);
}

static void add_group(GArray *list, const config_setting_t *group, const struct place *place)
{
    struct bundle_conf bundle = {.line = place->line};
    option_read_group(group, &bundle_options, &bundle, place);
    check_group(&bundle, group, place);
    g_array_append_val(list, bundle);
}

/* One at a time, because each has a line. */
static void add_setting(GArray *list, const config_setting_t *setting, const char *key, const struct place *place)
{
    g_autofree char *file = NULL;
    struct place at = option_place(place, setting, &file);
    const char *text = config_setting_get_string(setting);
    at.key = key;
    if (config_setting_is_group(setting)) {
        add_group(list, setting, &at);
    } else if (text != NULL && anchor_is_url(text)) {
        struct bundle_conf bundle = {.line = at.line};
        option_set_defaults(&bundle_options, &bundle);
        bundle.url = g_strdup(text);
        g_array_append_val(list, bundle);
    }
}

static void remove_urls(char **anchors)
{
    char **to = anchors;
    for (char **from = anchors; *from != NULL; from++)
        if (anchor_is_url(*from))
            g_free(*from);
        else
            *to++ = *from;
    *to = NULL;
}

void bundles_read(struct bundles_conf *bundles, char **anchors, const config_setting_t *root, const char *key,
                  const struct place *place)
{
    const config_setting_t *setting = root != NULL ? config_setting_get_member(root, key) : NULL;
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct bundle_conf));
    bool is_list = setting != NULL && (config_setting_is_list(setting) || config_setting_is_array(setting));
    for (int i = 0; is_list && i < config_setting_length(setting); i++)
        add_setting(list, config_setting_get_elem(setting, (unsigned)i), key, place);
    if (setting != NULL && !is_list)
        add_setting(list, setting, key, place);
    remove_urls(anchors);
    bundles->count = list->len;
    bundles->list = (struct bundle_conf *)g_array_free(list, FALSE);
}

void bundles_check(const struct conf *conf, const struct bundles_conf *bundles, const char *file, struct faults *faults)
{
    for (size_t i = 0; i < bundles->count; i++) {
        const struct bundle_conf *bundle = &bundles->list[i];
        if (bundle->url == NULL)
            continue;
        if (!is_https(bundle->url) && bundle->signers[0] == NULL)
            faults_add(faults, file, bundle->line,
                       "%s can be changed on the way; use https:, or name who signs the bundle: { url = \"%s\"; "
                       "signer = \"…\"; }",
                       bundle->url, bundle->url);
        if (conf->store == NULL)
            faults_add(faults, file, bundle->line, "%s needs \"store\", where the bundle is kept for the next start",
                       bundle->url);
    }
}

void bundles_clear(struct bundles_conf *bundles)
{
    for (size_t i = 0; i < bundles->count; i++)
        option_clear(&bundle_options, &bundles->list[i]);
    g_free(bundles->list);
    *bundles = (struct bundles_conf){0};
}

bool conf_has_anchors(const struct partner *partner)
{
    return partner->anchors[0] != NULL || partner->bundles.count > 0;
}
