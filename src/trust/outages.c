/* SPDX-License-Identifier: Apache-2.0 */
#include "outages.h"

#include "base/metrics.h"

#include <glib.h>

#define ADDRESSES_MAX 10000
#define QUIET 600 /* seconds between two lines about failures of one address */

struct outage {
    bool fails, is_said;
    time_t said; /* the last time */
};

struct outages {
    struct notices *notices;
    GMutex lock;
    GHashTable *addresses; /* url → struct outage * */
    unsigned failing;
};

struct outages *outages_new(struct notices *notices)
{
    struct outages *outages = g_new0(struct outages, 1);
    outages->notices = notices;
    g_mutex_init(&outages->lock);
    outages->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return outages;
}

void outages_free(struct outages *outages)
{
    if (outages == NULL)
        return;
    g_hash_table_destroy(outages->addresses);
    g_mutex_clear(&outages->lock);
    g_free(outages);
}

/* With the lock held. NULL: it is not known, and need not be, or there are too many. */
static struct outage *find(struct outages *outages, const char *url, bool fails)
{
    struct outage *outage = g_hash_table_lookup(outages->addresses, url);
    if (outage != NULL || !fails || g_hash_table_size(outages->addresses) >= ADDRESSES_MAX)
        return outage;
    outage = g_new0(struct outage, 1);
    g_hash_table_insert(outages->addresses, g_strdup(url), outage);
    return outage;
}

static void say(struct outages *outages, struct outage *outage, const char *url, const char *why, time_t now)
{
    bool is_quiet = outage->said != 0 && now >= outage->said && now < outage->said + QUIET;
    if (why == NULL && outage->is_said)
        notices_add(outages->notices, LOG_LEVEL_INFO, "revocation: %s answers again", url);
    else if (why != NULL && !outage->is_said && !is_quiet)
        notices_add(outages->notices, LOG_LEVEL_WARNING, "revocation: %s: %s", url, why);
    else
        return;
    outage->is_said = why != NULL;
    outage->said = why != NULL ? now : outage->said;
}

void outages_note(struct outages *outages, const char *url, const char *why, time_t now)
{
    g_mutex_lock(&outages->lock);
    struct outage *outage = find(outages, url, why != NULL);
    if (outage != NULL) {
        outages->failing += (unsigned)(why != NULL) - (unsigned)outage->fails;
        outage->fails = why != NULL;
        say(outages, outage, url, why, now);
        metrics_set("domsec_revocation_failing", NULL, outages->failing);
    }
    g_mutex_unlock(&outages->lock);
}
