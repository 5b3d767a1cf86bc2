/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: the search for the certificates of an address: what was asked of which source, what came, and why each
 * certificate is used or not. The report, `domsec explain` and `domsec cert find` show it alike.
 */
#ifndef DOMSEC_GATEWAY_SEARCH_H
#define DOMSEC_GATEWAY_SEARCH_H

#include "gateway/gateway.h"

#include <jansson.h>

struct certificate_search {
    const struct address *address;
    enum certs_purpose purpose;
    const struct certs_answer *answer;
    /* Why a candidate is used, or not; g_free(). */
    char *(*note)(const void *context, size_t candidate);
    const void *context;
};
/* Appends an object for each step of the search to a list: an element of the report's `lookups`. */
void certificate_search_json(const struct certificate_search *search, json_t *list);
/* "2 certificates", "none", "failed: timed out": what came of a step; g_free(). */
char *certificate_search_outcome(const struct certs_step *step);
/* Whose certificate it is: "the person", "the group", "the domain"; static. */
const char *certificate_search_whose(const struct candidate *candidate);

/* The search for one recipient of a message. */
struct recipient_search {
    const struct passage *passage;
    size_t recipient;
};
/* about is its context, and must outlive it. */
struct certificate_search passage_search(const struct recipient_search *about);
/* Adds all searches for a message to a list. */
void passage_searches_json(const struct passage *passage, json_t *list);

/* A search as a message to that address would make it, without keys. */
struct inquiry;
/* conf and address must outlive it. NULL: faults has errors. */
struct inquiry *inquiry_new(const struct conf *conf, const struct address *address, time_t at, struct faults *faults);
void inquiry_free(struct inquiry *inquiry);
/* Lent. */
const struct certificate_search *inquiry_search(const struct inquiry *inquiry);

DECLARE_OWNED(inquiry, struct inquiry *, inquiry_free)

#endif
