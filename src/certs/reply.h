/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: what one source said to one question. It is filled once and then only read, so that several searches may share
 * it. Private to certs/.
 */
#ifndef DOMSEC_CERTS_REPLY_H
#define DOMSEC_CERTS_REPLY_H

#include "source.h"

struct certs_reply {
    int references;
    const struct certs_source *source;
    GArray *candidates; /* struct candidate */
    GArray *steps;      /* struct certs_step: count and again are those of this reply */
    GPtrArray *kept;    /* STACK_OF(X509) * */
    GPtrArray *zones;   /* struct associations * */
    bool answered;
    bool failed[CERTIFICATE_KINDS]; /* the source could not look for a certificate of this kind */
    struct error errors[CERTIFICATE_KINDS];
    unsigned seconds; /* how long it may be used */
};

struct certs_reply *reply_new(const struct certs_source *source);
struct certs_reply *reply_ref(struct certs_reply *reply);
void reply_unref(void *reply);
bool reply_has_failed(const struct certs_reply *reply);
/* What the source left out: an answer, or what it has asked. */
void reply_complete(struct certs_question *question, int64_t began);
/* Puts the name of the source before its failures: the log shows them without the search. */
void reply_sign(struct certs_reply *reply);
/* Counts it in base/metrics. cached: it was asked for an earlier question. */
void reply_count(const struct certs_reply *reply, bool cached);

#endif
