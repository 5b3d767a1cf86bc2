/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle_status: reads a bundle as the daemon would at its next start.
 */
#include "trust/bundle_status.h"

#include "bundle_content.h"
#include "bundles.h"
#include "store/bundles.h"

#define STALE_AFTER 3 /* times `refresh` */

static int count_anchors(const struct store_bundle *kept, const STACK_OF(X509) * signers)
{
    struct error ignored = {0};
    owned(bundle_content) struct bundle_content content = {0};
    const struct slice contents = {kept->contents, kept->length};
    bool good =
        kept->contents != NULL && bundle_content_read(contents, signers, (time_t)kept->fetched, &content, &ignored);
    return good ? sk_X509_num(content.anchors) : -1;
}

bool bundle_status_read(const struct conf *conf, const struct bundle_conf *bundle, time_t now,
                        struct bundle_status *status, struct error *error)
{
    *status = (struct bundle_status){.certificates = -1, .is_stale = true};
    owned(store_bundle) struct store_bundle kept = {0};
    owned(store) struct store *store = store_open(conf->store);
    owned(x509_stack) STACK_OF(X509) *signers = bundle_signers(bundle, error);
    g_autofree char *key = bundle_key(bundle);
    enum found found = signers != NULL ? store_bundle_find(store, key, &kept, error) : FOUND_FAILED;
    if (found != FOUND)
        return found == FOUND_NONE;
    status->certificates = count_anchors(&kept, signers);
    status->fetched = (time_t)kept.fetched;
    status->failed = (time_t)kept.failed;
    status->fault = g_strdup(kept.fault);
    status->is_stale = status->certificates < 0 || status->fetched + (time_t)STALE_AFTER * bundle->refresh * 3600 < now;
    return true;
}

void bundle_status_clear(struct bundle_status *status)
{
    g_free(status->fault);
    *status = (struct bundle_status){0};
}
