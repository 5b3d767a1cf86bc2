/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: one query's way through the sources: what the replies so far mean. Private to certs/.
 */
#ifndef DOMSEC_CERTS_SEARCH_H
#define DOMSEC_CERTS_SEARCH_H

#include "flights.h"

struct search {
    const struct certs_query *query;
    size_t index; /* of the query */
    struct certs_answer *answer;
    bool settled, failed;
    bool kind_failed[CERTIFICATE_KINDS];
    unsigned best;  /* with partner->prefer: the rank of answer->chosen; CERTIFICATE_UNWANTED: nothing was chosen */
    size_t checked; /* candidates that choose() has seen */
};

void search_begin(struct search *search, const struct certs_query *query, size_t index, struct certs_answer *answer);
/* Adds what one source said. */
void search_add(struct search *search, const struct asked *asked);
/* A certificate of that kind could not be looked up or checked. */
void search_fail(struct search *search, enum certificate_kind kind, const struct error *error);
/* Checks the candidates that came since. */
void search_choose(struct search *search, const struct certs_acceptance *accept);
/* choosing: candidates were checked. */
void search_end(struct search *search, bool choosing);

#endif
