/* SPDX-License-Identifier: Apache-2.0 */
#include "status_bundles.h"

#include "base/moment.h"
#include "describe.h"
#include "output.h"
#include "trust/bundle_status.h"

#include <glib.h>

struct row {
    const struct bundle_conf *bundle;
    const char *policy; /* NULL: trust_anchors */
    struct bundle_status is;
};

struct bundles_status {
    GArray *rows; /* struct row */
    time_t now;
    bool good;
};

static void add_all(struct bundles_status *status, const struct conf *conf, const struct bundles_conf *bundles,
                    const char *policy)
{
    for (size_t i = 0; i < bundles->count; i++) {
        struct row row = {.bundle = &bundles->list[i], .policy = policy};
        struct error error = {0};
        if (row.bundle->url == NULL)
            continue;
        bool good = bundle_status_read(conf, row.bundle, status->now, &row.is, &error);
        if (!good)
            fprintf(stderr, "domsec: %s: %s\n", row.bundle->url, error.text);
        status->good = status->good && good && !row.is.is_stale;
        g_array_append_val(status->rows, row);
    }
}

struct bundles_status *bundles_status_read(const struct conf *conf)
{
    struct bundles_status *status = g_new0(struct bundles_status, 1);
    status->rows = g_array_new(FALSE, FALSE, sizeof(struct row));
    status->now = time(NULL);
    status->good = true;
    add_all(status, conf, &conf->bundles, NULL);
    for (size_t i = 0; i < conf->partner_count; i++)
        add_all(status, conf, &conf->partners[i]->bundles, conf->partners[i]->name);
    return status;
}

void bundles_status_free(struct bundles_status *status)
{
    for (guint i = 0; i < status->rows->len; i++)
        bundle_status_clear(&g_array_index(status->rows, struct row, i).is);
    g_array_free(status->rows, TRUE);
    g_free(status);
}

bool bundles_status_is_good(const struct bundles_status *status)
{
    return status->good;
}

static char *age_text(time_t then, time_t now)
{
    long hours = (long)MAX(now - then, 0) / 3600;
    return then == 0 ? g_strdup("never") : g_strdup_printf("%ld h ago", hours);
}

/* The last failure, if there was no success after it. */
static bool is_failing(const struct bundle_status *is)
{
    return is->failed > is->fetched;
}

void bundles_status_print(const struct bundles_status *status)
{
    const char *const heading[] = {"trust bundle", "for", "certificates", "fetched", "last failure"};
    owned(table) struct table *table = table_new(G_N_ELEMENTS(heading));
    if (status->rows->len == 0)
        return;
    table_row(table, heading);
    for (guint i = 0; i < status->rows->len; i++) {
        const struct row *row = &g_array_index(status->rows, struct row, i);
        g_autofree char *count =
            row->is.certificates < 0 ? g_strdup("none yet") : g_strdup_printf("%d", row->is.certificates);
        g_autofree char *fetched = age_text(row->is.fetched, status->now);
        g_autofree char *failed = age_text(row->is.failed, status->now);
        g_autofree char *fault = is_failing(&row->is) ? g_strconcat(failed, ": ", row->is.fault, NULL) : NULL;
        const char *cells[] = {row->bundle->url, row->policy != NULL ? row->policy : "(all)", count, fetched, fault};
        table_row(table, cells);
    }
    printf("\ntrust bundles\n");
    table_print(table, stdout, 2, true);
}

static json_t *time_json(time_t at)
{
    g_autofree char *text = at != 0 ? moment_rfc3339(at) : NULL;
    return describe_string(text);
}

json_t *bundles_status_json(const struct bundles_status *status)
{
    json_t *list = json_array();
    for (guint i = 0; i < status->rows->len; i++) {
        const struct row *row = &g_array_index(status->rows, struct row, i);
        json_t *entry = json_object();
        json_object_set_new(entry, "url", json_string(row->bundle->url));
        json_object_set_new(entry, "policy", describe_string(row->policy));
        json_object_set_new(entry, "certificates",
                            row->is.certificates < 0 ? json_null() : json_integer(row->is.certificates));
        json_object_set_new(entry, "fetched", time_json(row->is.fetched));
        json_object_set_new(entry, "failed", time_json(row->is.failed));
        json_object_set_new(entry, "fault", describe_string(row->is.fault));
        json_object_set_new(entry, "stale", json_boolean(row->is.is_stale));
        json_array_append_new(list, entry);
    }
    return list;
}
