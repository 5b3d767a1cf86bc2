/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: what a place that knows certificates has to offer. One file per place; the ordered table is in certs.c.
 */
#ifndef DOMSEC_CERTS_SOURCE_H
#define DOMSEC_CERTS_SOURCE_H

#include "certs/certs.h"

struct certs_query {
    const struct partner *partner;
    const struct address *recipient;
};

/* What a source answers; the X509 are lent until certs.c has taken its own references. */
struct certs_answer {
    const struct certs_source *source;
    struct candidates *candidates;
    STACK_OF(X509) * authorities; /* set by the source: what may stand between its certificates and an anchor */
};

struct certs_source {
    const char *name;
    bool pinned; /* its certificates were named by the partner */
    /* NULL after an error was added to faults; a source with nothing in it is no error. */
    void *(*open)(const struct conf *conf, struct faults *faults);
    void (*close)(void *state);
    /* Adds to the answer with certs_answer_add(), best first. */
    enum found (*find)(const void *state, const struct certs_query *query, struct certs_answer *answer,
                       struct error *error);
};

extern const struct certs_source certs_source_pinned;
extern const struct certs_source certs_source_store;

/* Leaves out a certificate that an earlier source has given already. */
void certs_answer_add(struct certs_answer *answer, X509 *certificate, bool personal);

/* Every address of a certificate as "local@domain", local part in lower case, domain as A-labels; what is no address is
 * left out. NULL-terminated; g_strfreev(). */
char **certs_mailboxes(const X509 *certificate);
/* One address in that form. g_free(). */
char *certs_mailbox(const struct address *address);
/* Every domain (normalised) that a certificate may name itself for: of its role address, its dc= components beside the
 * role as CN, its dNSName or bare-domain addresses. NULL-terminated; g_strfreev(). */
char **certs_domains(const X509 *certificate);

/* True if it is a certification authority's: nothing to encrypt for, but a step of others' paths. */
bool certs_is_authority(X509 *certificate);

/* The one certificate of a store file. NULL with the reason. */
X509 *certs_store_read(const char *path, struct error *error);
/* Names of the store's certificate files, sorted; foreign files are warned about. NULL with the reason. */
GPtrArray *certs_store_files(const char *folder, struct faults *faults, struct error *error);

#endif
