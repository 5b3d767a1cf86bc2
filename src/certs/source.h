/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: what a place that knows certificates has to offer. One file for each place; the ordered list is in certs.c.
 */
#ifndef DOMSEC_CERTS_SOURCE_H
#define DOMSEC_CERTS_SOURCE_H

#include "certs/certs.h"

/* One query on its way through the sources. A source reads `query` and answers with the functions below. */
struct certs_question {
    const struct certs_query *query;
    /* private to certs.c */
    size_t index;
    const struct certs_source *source; /* that is being asked */
    struct certs_answer *answer;
    bool answered, settled, failed;
    bool kind_failed[CERTIFICATE_KINDS];
    unsigned best; /* with partner->prefer: the rank of answer->chosen; CERTIFICATE_UNWANTED: there is none */
};

struct certs_source {
    const char *name;
    bool pinned; /* its certificates were named by the partner */
    /* Returns the source's state, or NULL after it added an error to faults. An empty source is not an error. */
    void *(*open)(const struct conf *conf, struct faults *faults);
    void (*close)(void *state);
    /* Answers count questions, at least one, and returns by the deadline (microseconds of g_get_monotonic_time()).
     * Thread-safe. For each question it adds the candidates with certs_question_add(), best first, the person's own
     * before those of the domain; then it calls certs_question_failed() or certs_question_answered(). A question for
     * which it calls neither counts as failed. */
    void (*ask)(void *state, struct certs_question *const *questions, size_t count, int64_t deadline);
};

extern const struct certs_source certs_source_pinned;
extern const struct certs_source certs_source_directory;

/* A source and its state. */
struct certs_opened {
    const struct certs_source *source;
    void *state;
};
/* Asks these sources, in this order. Takes the states: certs_close() closes them, except those that are NULL. */
struct certs *certs_with(const struct certs_opened *sources, size_t count);

/* Takes a reference of its own; authorities are lent until the source is closed. Leaves out a certificate that an
 * earlier source gave, unless one of them is a group's. */
void certs_question_add(struct certs_question *question, X509 *certificate, bool personal,
                        STACK_OF(X509) * authorities);
/* The same of a certificate of the group that the query's address is a member of. */
void certs_question_add_of_group(struct certs_question *question, X509 *certificate, const struct group_conf *group,
                                 STACK_OF(X509) * authorities);
/* The source has said everything that it knows. */
void certs_question_answered(struct certs_question *question);
/* The source could not look for the person's own certificate (personal), or only for one of the domain. What it has
 * added so far counts. */
void certs_question_failed(struct certs_question *question, bool personal, const struct error *error);
/* A certificate of that kind could not be checked. */
void certs_question_failed_kind(struct certs_question *question, enum certificate_kind kind, const struct error *error);

/* One certificate from one file of certificate_directory. NULL with the reason. */
X509 *certs_directory_read(const char *path, struct error *error);
/* Names of the folder's certificate files, sorted; other files are warned about. NULL with the reason. */
GPtrArray *certs_directory_files(const char *folder, struct faults *faults, struct error *error);

#endif
