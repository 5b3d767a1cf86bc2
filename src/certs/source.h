/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: what a place that knows certificates has to offer. One file for each place; the table is in certs.c, and the
 * order is that of the key `sources`.
 */
#ifndef DOMSEC_CERTS_SOURCE_H
#define DOMSEC_CERTS_SOURCE_H

#include "certs/association.h"
#include "certs/certs.h"

/* One query on its way to a source, which reads `query` and answers with the functions below. They are called in the
 * thread of ask(), before it returns. */
struct certs_question {
    const struct certs_query *query;
    struct certs_reply *reply; /* private to certs/ */
};

struct certs_source {
    const char *name;  /* in the key `sources`: "ldap" */
    const char *shown; /* beside a certificate in the report; NULL: the name */
    bool pinned;       /* its certificates were named by the partner */
    /* It asks others, who may be slow, down or hung. Then ask() is called in a thread of its own, for one domain and
     * purpose at a time, with a time limit below the message's; answers are kept as certs_question_valid_for() says;
     * questions for one name are asked once at a time; and a domain about which several questions in a row found no
     * answer in time is left alone for some seconds. */
    bool waits;
    /* Returns false after it added an error to faults. Leaves *state NULL if nothing is configured: the source is never
     * asked. */
    bool (*open)(const struct conf *conf, void **state, struct faults *faults);
    void (*close)(void *state);
    /* Answers count questions, at least one, and returns by the deadline (microseconds of g_get_monotonic_time()).
     * Thread-safe. For each question it adds the candidates with certs_question_add(), best first, the person's own
     * before those of the domain, and says with certs_question_step() what it asked; then it calls
     * certs_question_failed() or certs_question_answered(). A question for which it calls neither counts as failed. */
    void (*ask)(void *state, struct certs_question *const *questions, size_t count, int64_t deadline);
    /* Of a source that does not wait: a number that is another one after each change of what it knows, and costs little
     * to find out. Its answers are kept, too, as long as the number stays. NULL: they are not. */
    uint64_t (*version)(void *state);
};

extern const struct certs_source certs_source_pinned;
extern const struct certs_source certs_source_directory;
extern const struct certs_source certs_source_harvest;
extern const struct certs_source certs_source_ldap;
extern const struct certs_source certs_source_store;
extern const struct certs_source certs_source_dns;

/* A source and its state. */
struct certs_opened {
    const struct certs_source *source;
    void *state;
};
/* Asks these sources, in this order. Takes the states: certs_close() closes them. */
struct certs *certs_with(const struct certs_opened *sources, size_t count);
/* How long all lookups of one message may take. Before the first certs_ask(). */
void certs_set_timeout(struct certs *certs, int64_t microseconds);

/* Takes a reference of its own. authorities are lent until the source is closed, or are those of
 * certs_question_keep(); may be NULL. A certificate that was given before is left out, unless one of them is a group's.
 */
void certs_question_add(struct certs_question *question, X509 *certificate, bool personal,
                        STACK_OF(X509) * authorities);
/* The same of a certificate of the group that the query's address is a member of. */
void certs_question_add_of_group(struct certs_question *question, X509 *certificate, const struct group_conf *group,
                                 STACK_OF(X509) * authorities);
/* The same of a certificate with what its zone says of it; takes a reference of its own. NULL: nothing. */
void certs_question_add_associated(struct certs_question *question, X509 *certificate, bool personal,
                                   STACK_OF(X509) * authorities, struct associations *associations);
/* Takes certification authorities that came with the answer, to lend them to candidates. Returns them. */
STACK_OF(X509) * certs_question_keep(struct certs_question *question, STACK_OF(X509) * authorities);

/* What was asked, in words, and what came: "(mail=bob@partner.test) at ldaps://dir.partner.test". Once for each server,
 * name or file that was asked, after its candidates were added. began: g_get_monotonic_time() before it was asked.
 * note: why it has failed, or what of the answer was passed over ("2 of 5 values are no certificates"); NULL. */
void certs_question_step(struct certs_question *question, bool failed, int64_t began, const char *note,
                         const char *asked, ...) __attribute__((format(printf, 5, 6)));
/* The answer, found or none, may be used for that many seconds. A failure is never kept. Default: 0. */
void certs_question_valid_for(struct certs_question *question, unsigned seconds);

/* The source has said everything that it knows. */
void certs_question_answered(struct certs_question *question);
/* The source could not look for the person's own certificate (personal), or only for one of the domain. What it has
 * added so far counts. */
void certs_question_failed(struct certs_question *question, bool personal, const struct error *error);

/* One certificate from one file of certificate_directory. NULL with the reason. */
X509 *certs_directory_read(const char *path, struct error *error);
/* Names of the folder's certificate files, sorted; other files are warned about. NULL with the reason. */
GPtrArray *certs_directory_files(const char *folder, struct faults *faults, struct error *error);

#endif
