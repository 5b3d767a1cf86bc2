/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the stages of the gateway share: the open services, and one call a stage.
 */
#ifndef DOMSEC_GATEWAY_INTERNAL_H
#define DOMSEC_GATEWAY_INTERNAL_H

#include "base/breaker.h"
#include "examine.h"
#include "gateway/gateway.h"
#include "reviewers.h"
#include "store/store.h"
#include "trust/trust.h"

struct gateway {
    int references;
    struct conf *conf;
    struct keys *keys;
    struct certs *certs;
    struct trust *trust;
    struct reviewers *reviewers;
    struct store *store;           /* what is learned goes there; NULL: nothing is */
    struct breaker *store_breaker; /* NULL as well */
    struct box_keys *box_keys;     /* NULL: messages are not split */
    struct proof *proof;           /* NULL as well */
    struct limits copy_limits;     /* of a sealed message, whose size was measured when it was sealed */
    GThread *ahead;                /* NULL: nothing is fetched ahead of the mail */
    int ahead_stopped;
};

/* --- turns.c: NULL does nothing --- */

void turns_enter(const struct turns *turns);
void turns_leave(const struct turns *turns);
void turns_tell(const struct turns *turns);

/* --- mail.c --- */

/* Reads what came: who the client is, the authors and their partners, the layers. copy: NULL unless it is one. */
void mail_read(struct mail *mail, const struct gateway *gateway, const struct passage_request *request,
               const struct copy *copy);
void mail_clear(struct mail *mail);

/* --- signers.c, recipients.c, identities.c: the parts of the lookups --- */

/* How long a lookup may take, and the turn to leave meanwhile. */
#define ISSUERS_MAX 8                   /* certificates of authorities that are fetched for one message */
#define TELL_EVERY (5 * G_USEC_PER_SEC) /* that a lookup waits */
struct patience {
    int64_t deadline;  /* for all lookups of one message */
    unsigned *issuers; /* how many may still be fetched for it */
    const struct turns *turns;
};
/* What trust/ thinks of each signer; certificates that are not in the message are looked up. */
void lookups_ask_signers(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                         const struct patience *patience);
/* Each recipient's partner, rule and certificate. */
void lookups_ask_recipients(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                            const struct patience *patience);
/* Our identities that may put layers on. */
void lookups_ask_identities(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail);
void lookups_clear_identities(struct lookups *lookups);
void lookups_clear_signers(struct lookups *lookups);
/* A layer as it was opened last: with the certificates that were looked up, if there were some. */
const struct layer *layer_lookup_layer(const struct layer_lookup *detail, const struct examined_layer *examined);

/* --- judge_chain.c --- */

/* As trust_check_chain(), within a turn, which is left while something is fetched. patience NULL: nothing is. */
void judge_chain(const struct gateway *gateway, const struct chain_query *query, const struct patience *patience,
                 struct finding *finding);

/* True if it could not be checked now because that has to be fetched first, which a message would wait for. */
bool is_to_be_fetched(const struct gateway *gateway, const struct partner *partner, const struct finding *finding);

/* --- groups.c --- */

/* The group of a partner that this certificate stands for, if each of the partner's authors is a member; NULL. */
const struct group_conf *group_of_authors(const struct gateway *gateway, const struct mail *mail, size_t partner,
                                          const X509 *certificate, struct finding *finding);
/* Whether there is such a group of each author's partner: OUTCOME_PASS; else *finding stays. */
bool groups_sign_for_all(const struct gateway *gateway, const struct mail *mail, const X509 *certificate,
                         struct finding *finding);

/* --- candidate.c --- */

/* Whether a candidate may be encrypted to for this query: its path and usage, and its names. patience: as for
 * judge_chain(). */
struct candidate_check {
    const struct gateway *gateway;
    const struct patience *patience;
    time_t at;
};
bool candidate_fits(const struct candidate_check *check, const struct certs_query *asked,
                    const struct candidate *candidate, struct finding *finding);
/* A remark about one that fits: ", vouched for by the zone", or ""; g_free(). */
char *candidate_remark(const struct candidate *candidate);
/* Why the revocation of one that fits is not known; g_free(). NULL: it is known, or nothing asks for it. */
char *candidate_unchecked(const struct candidate *candidate);

/* --- lookups.c --- */

/* Asks everything that the plan needs to know, with one deadline. Called within a turn. */
void lookups_ask(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                 const struct turns *turns);
void lookups_clear(struct lookups *lookups, const struct mail *mail);

/* --- hints.c: what could help where another vendor's gateway is not recognised; g_free(), NULL: nothing --- */

/* Behind the reason why a candidate is not used. */
char *hint_for_candidate(const struct passage *passage, size_t recipient, size_t candidate);
/* Of a message that arrived. */
char *hint_for_signature(const struct passage *passage);

/* --- protect.c, deliver.c --- */

/* Puts the layers of the plan around what leaves. */
void made_protect(struct made *made, const struct passage *passage);
/* Takes off the layers of what arrives, and marks it with the result. */
void made_deliver(struct made *made, const struct passage *passage);
void made_clear(struct made *made);

/* --- seal.c --- */

/* Seals a message that has to be split. */
void made_seal(struct made *made, const struct passage *passage);
/* What the plan of a message that is split means for one recipient's copy. */
void share_least(const struct plan *plan, size_t recipient, struct least *least);
/* Takes off each field that asks the mail server to split, which only we may insert. */
void split_remove_field(const struct message *message, struct edits *edits);

/* --- copy.c --- */

/* What came by the listener for sealed messages. NULL: it is not opened; alarm is set if it was for another recipient.
 */
struct copy *copy_open(const struct gateway *gateway, const struct passage_request *request, bool *alarm,
                       struct error *error);
/* Whether the message may be a sealed one of ours that comes by another listener. A look at its header. */
bool copy_may_be_astray(const struct gateway *gateway, const struct passage_request *request);
/* Whether it is one: the listener for sealed messages has not got its name. */
bool copy_is_astray(const struct gateway *gateway, const struct passage_request *request);
/* The copy of the first recipient of a form, without a box. */
struct copy *copy_of_form(const struct passage *whole, size_t form, struct error *error);
/* Edits of the copy's message become edits of the message outside. */
bool copy_finish(const struct copy *copy, struct edits *edits, struct error *error);
void copy_free(struct copy *copy);
DECLARE_OWNED(copy, struct copy *, copy_free)

/* --- authentication_results.c --- */

/* The field's value, g_free(); NULL for a message without S/MIME of which none is required: nothing was authenticated,
 * and what needs no change is not touched. missing: why it is delivered or held without all that the rules require;
 * NULL: it has all. */
char *authentication_results(const struct passage *passage, const char *missing);
/* Whether there is an Authentication-Results under our name, real or forged. */
bool results_has_ours(const struct gateway *gateway, const struct message *message);
/* Takes out each Authentication-Results under our name (RFC 8601 §5). */
void results_remove_forged(const struct gateway *gateway, const struct message *message, struct edits *edits);

/* --- self_test.c --- */

/* Adds a fault for each of our keys that does not sign, or does not decrypt, with the algorithms of the policies. */
void self_test(const struct gateway *gateway, struct faults *faults);
/* Returns false if nothing can be encrypted for this certificate in that form. */
bool self_test_recipient(const struct form *form, X509 *certificate, struct error *error);

/* --- report.c, for log_line.c --- */

/* "sign+encrypt": what was put on. */
const char *passage_protection(const struct passage *passage);
/* "baseline": what became of the header fields. */
const char *passage_header_protection(const struct passage *passage);
/* Adds the names of a recipient's rules that are not in names yet; lent. */
void passage_add_rules_of(const struct passage *passage, size_t recipient, GPtrArray *names);
/* What became of the empty layer. */
const char *made_null_signature(const struct made *made);
/* The address in From; NULL: none, or several. */
const char *passage_author(const struct passage *passage);

/* --- check_identities.c, check_mailboxes.c, check_partners.c: what `domsec check` and the start say of a configuration
 * --- */

/* Warns of each identity whose certificate breaks the naming of a partner that gets to see it, or is not for its use.
 */
void check_identities(const struct gateway *gateway, struct faults *faults);
/* Warns of each identity of mailboxes whose certificate does not name them, or which nothing leads to. */
void check_mailboxes(const struct gateway *gateway, struct faults *faults);
/* Warns of what rules ask for and cannot have: identities that are missing, pinned certificates that are not fit. */
void check_partners(const struct gateway *gateway, struct faults *faults);

#endif
