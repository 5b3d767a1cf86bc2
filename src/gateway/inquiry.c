/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inquiry: looks up the certificates of one address as for a message to it. Sources and anchors are opened for that
 * alone, so that who asks needs no access to our keys.
 */
#include "gateway/search.h"
#include "internal.h"

struct inquiry {
    struct gateway parts; /* certificates and anchors alone */
    struct certs_query query;
    struct certs_answer answer;
    time_t at;
    unsigned issuers; /* for patience */
    struct patience patience;
    struct certificate_search search;
};

static bool check(void *context, size_t query, const struct candidate *candidate, struct finding *finding)
{
    const struct inquiry *inquiry = context;
    const struct candidate_check how = {&inquiry->parts, &inquiry->patience, inquiry->at};
    (void)query;
    return candidate_fits(&how, &inquiry->query, candidate, finding);
}

static char *note(const void *context, size_t candidate)
{
    const struct certs_answer *answer = &((const struct inquiry *)context)->answer;
    const struct finding *finding = &answer->list[candidate].finding;
    g_autofree char *remark = candidate_remark(&answer->list[candidate]);
    if (candidate == answer->chosen)
        return g_strconcat("usable", remark, NULL);
    return finding->outcome == OUTCOME_NONE ? g_strdup("not needed, an earlier one is usable")
                                            : g_strdup_printf("not used: %s", finding->reason);
}

struct inquiry *inquiry_new(const struct conf *conf, const struct address *address, time_t at, struct faults *faults)
{
    owned(inquiry) struct inquiry *inquiry = g_new0(struct inquiry, 1);
    mime_init();
    inquiry->parts.certs = certs_open(conf, faults);
    inquiry->parts.trust = trust_open(conf, faults);
    if (inquiry->parts.certs == NULL || inquiry->parts.trust == NULL)
        return NULL;
    inquiry->at = at;
    inquiry->query = (struct certs_query){
        .purpose = CERTS_ENCRYPT, .partner = conf_partner(conf, address->domain), .address = address};
    const struct certs_acceptance accept = {.check = check, .context = inquiry};
    inquiry->issuers = ISSUERS_MAX;
    inquiry->patience.issuers = &inquiry->issuers;
    inquiry->patience.deadline = g_get_monotonic_time() + (int64_t)conf->lookup_timeout * G_USEC_PER_SEC;
    certs_ask(inquiry->parts.certs, &inquiry->query, 1, inquiry->patience.deadline, &accept, &inquiry->answer);
    inquiry->search = (struct certificate_search){address, CERTS_ENCRYPT, &inquiry->answer, note, inquiry};
    return steal(&inquiry);
}

void inquiry_free(struct inquiry *inquiry)
{
    if (inquiry == NULL)
        return;
    certs_answers_clear(&inquiry->answer, 1);
    trust_close(inquiry->parts.trust);
    certs_close(inquiry->parts.certs);
    g_free(inquiry);
}

const struct certificate_search *inquiry_search(const struct inquiry *inquiry)
{
    return &inquiry->search;
}
