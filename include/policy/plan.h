/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what shall be done with a message: the verdict with its reason, and the treatment. A recipient may get more
 * than its rule asks, never less.
 */
#ifndef DOMSEC_POLICY_PLAN_H
#define DOMSEC_POLICY_PLAN_H

#include "policy/labels.h"
#include "policy/layers.h"
#include "policy/signing.h"

struct rule_facts;

/* A recipient's copy has to satisfy at most two rules of each partner. */
#define CLAIMS_MAX (2 * DESTINATION_RULES)

/* --- what is known --- */

/* The connection that a message came over. */
struct client {
    bool trusted;       /* it is logged in, or its address is in trusted_networks (RFC 3183 §3.2) */
    char reason[320];   /* why, or why not */
    bool proves_author; /* From is proven to be its own: policy_proves_author() */
    char proof[320];    /* why, or why not */
};

/* A rule that a recipient's copy must satisfy. */
struct claim {
    const struct rule *rule;
    const char *const *reviewers; /* fingerprints of rule->outbound.require_review, NULL-terminated */
};

struct recipient_view {
    const char *text;                /* the address, for reasons */
    struct claim claims[CLAIMS_MAX]; /* the rules of its destination (policy_claims()) */
    size_t claim_count;
    bool local;                       /* it stays with us */
    bool arrives;                     /* the MTA delivers it to one of ours, local or not */
    enum unclear unclear;             /* which rules apply */
    const struct rule *undecided;     /* UNCLEAR_RULE: this one may apply */
    enum found certificate;           /* whether there is one to encrypt to */
    const char *certificate_reason;   /* why not */
    const char *certificate_id;       /* its fingerprint; NULL: no certificate */
    struct capabilities capabilities; /* what its software is known to read */
    bool hidden;                      /* it stands in no To or Cc, so that no other recipient may learn of it */
};

/* Whether a rule that counts for the recipient asks for something, such as policy_encrypts(). */
bool recipient_wants(const struct recipient_view *recipient, bool (*asks)(const struct rule *rule));

/* Our own identities that may be needed. */
enum own {
    OWN_MAILBOX,   /* signs in the name of the author, before all others */
    OWN_REVIEW,    /* signs before the domain does */
    OWN_ATTRIBUTE, /* signs the label before the domain does */
    OWN_DOMAIN,    /* signs for the domain of all authors */
    OWN_AUDITOR,   /* our confidentiality authority, which can decrypt a copy of what leaves */
    OWN_ENCRYPTER, /* named as the one who encrypts again (RFC 3183 §5); never required */
    OWN_COUNT
};

struct inbound_decision {
    enum verdict verdict;
    bool met; /* the rule has everything that it requires */
    char reason[640];
};

struct treatment {
    bool sign, encrypt, triple;
    enum sign_as sign_as; /* whose signature, if there is one */
};

/* The least that a copy of a message that was split must have: what was planned when the message was sealed. */
struct least {
    struct treatment treatment;
    struct form form; /* the algorithms; null_signature and format do not count */
    enum protect_headers headers;
    bool review, attributes;
    struct sign_with sign_with;
    bool opportunistic; /* it was to be encrypted only since there was a certificate */
    bool is_planned;    /* for this very recipient: what would be refused now is deferred */
};

struct plan_input {
    const struct conf *conf;
    const struct rule_facts *facts; /* what rules look at; NULL: only the bases count */
    enum direction direction;
    const struct client *client;
    const struct originator *originator;
    const struct authors *authors;
    const struct message *message; /* NULL: there is only a question (`domsec explain`) */
    const struct layers_view *layers;
    const struct layers_view *if_opened; /* those around the whole message, as if no decryption had failed */
    const struct error *failure;         /* the message could not be worked on; kind ERROR_NONE: it could */
    const struct recipient_view *recipients;
    size_t recipient_count;
    const struct own_view *own; /* OWN_COUNT of them */
    const struct least *least;  /* this is one copy of a message that was split; NULL: it is not */
};

/* --- what is decided --- */

struct outbound_decision {
    enum verdict verdict; /* ACCEPT, REJECT or TEMPFAIL for this recipient */
    bool sign;
    bool encrypt;
    bool opportunistic;   /* encrypt: only since there is a certificate, no rule demands it */
    bool triple;          /* sign, encrypt, sign */
    enum sign_as sign_as; /* whose signature */
    char reason[320];     /* one line, names the rule's key that decided */
};

/* How the layers of one message are made, so that the software of all its recipients can read them. */
struct wrapping {
    struct form form;
    struct labels labels;
    enum protect_headers headers;
    bool review, attributes, encrypt_to_self;
    bool names_encrypter;       /* all partners follow RFC 3183; some other software cannot read an originatorInfo */
    bool is_set;                /* some rule was added */
    struct sign_with sign_with; /* what the keys must be that sign */
    size_t chosen[OWN_COUNT];   /* which of our identities acts, as its place in own_view.list */
};

#define PLAN_RESTORES_NONE ((size_t)-1)

/* One way in which copies of a message that is split are made. */
struct manner {
    struct treatment treatment;
    struct wrapping wrapping;
};

/* What one recipient gets of such a message. */
struct share {
    size_t manner;      /* in plan->manners */
    size_t form;        /* those with the same number get the same form: the same manner, and the same certificate */
    bool opportunistic; /* it is encrypted only since there is a certificate */
};

struct plan {
    enum direction direction; /* whose policy decided: a message that is for us and for others is judged by both */
    enum verdict verdict;
    enum error_kind failure; /* not ERROR_NONE: verdict and reply follow from what failed, not from a rule */
    char reason[640];        /* one line; names the recipient or the rule */
    char public_reason[480]; /* said to the other side instead; empty: the reason */
    struct judgement judgement;

    bool is_test; /* all policies that apply are in test mode: nothing is done */

    /* outbound */
    struct outbound_decision *tested; /* for each recipient, what policies in test mode decide (reason empty: none
                                         apply); NULL: none apply to any */
    bool client_is_ours;              /* the connection alone makes the originator authentic */
    struct outbound_decision *recipients;
    size_t recipient_count;
    size_t culprit;         /* index of the recipient that made it fail; meaningful with REJECT, TEMPFAIL */
    bool needs_split;       /* no single form serves all recipients; accepted only where it can be split */
    struct manner *manners; /* of a message that is split: each different one */
    struct share *shares;   /* for each recipient; NULL: the message is not split */
    size_t manner_count, form_count;
    struct treatment treatment; /* of all recipients; nothing unless the verdict is ACCEPT */
    struct unwrapping unwrapping;
    struct wrapping wrapping;

    /* inbound */
    struct inbound_decision tested_arrival; /* what policies in test mode decide; reason empty: none apply */
    bool internal;                          /* from a client of ours to our own domains: no rule applies */
    bool met;                               /* the authors' rules have everything that they require */
    size_t removable;                       /* outermost layers that come off */
    /* Malleable: what removable is if one decryption or another fails, and if none does. Delivery must cost the same
     * in each case. */
    size_t *endings, ending_count;
    /* Protected fields may take the place of the message's (policy/protected_fields.h) if they stand in an entity
     * inside at least so many layers; PLAN_RESTORES_NONE: none may. */
    size_t restores_from;
    const char *mark; /* text to put before the Subject, lent by conf; NULL: no mark */
};

/* Fills plan, whatever it held. Clear with plan_clear(). */
void policy_plan(const struct plan_input *input, struct plan *plan);
void plan_clear(struct plan *plan);

/* Whether certificates have to be looked up: some recipient's rule encrypts, or what comes off may have to be encrypted
 * again. One copy serves all recipients, so all need one then. Reads neither their certificates nor own and failure. */
bool policy_wants_certificates(const struct plan_input *input);

/* Whether the originator is authentic (RFC 3183 §3.2), with the reason either way. judgement NULL: by the connection
 * alone, without what the message itself says. */
bool policy_is_authentic(const struct plan_input *input, const struct judgement *judgement, char *reason, size_t size);

/* --- policies in test mode (testing.c) --- */

/* Whether what a rule asks for a recipient is not done. */
bool policy_tests(const struct recipient_view *recipient, const struct rule *rule);
/* Whether only policies in test mode apply to a message: those of its authors, or those of its recipients. */
bool policy_only_tests(const struct plan_input *input, enum direction direction);
/* Whether an author's policy has a say: it is in force, or none of them is. */
bool policy_counts(const struct authors *authors, size_t index);
/* Where plan keeps what they decide for a recipient. */
struct outbound_decision *plan_tested(struct plan *plan, size_t recipient);
/* The decision for a recipient to whom no policy in force applies. */
void policy_leave_alone(const struct plan_input *input, const struct outbound_decision *tested,
                        struct outbound_decision *decision);
/* "sign+encrypt", "reject". Static. */
const char *policy_treatment_name(const struct outbound_decision *decision);

/* --- the steps, for their tests --- */

struct outbound_facts {
    bool local_recipient; /* stays in a local domain: nothing is done for it */
    bool originator_authentic;
    const char *originator_reason; /* why (not); for the decision's reason */
    const char *bad_signature;     /* NULL, or why a signature inside does not verify */
    const char *unchecked;  /* NULL, or why the signature that decides whether it may be signed could not be checked */
    bool signed_by_author;  /* the author's own signature is on it, and passes */
    bool encrypted_to_us;   /* the whole message is, and our key opened it */
    const char *no_mailbox; /* NULL, or why we do not sign in the author's name */
    const struct own_view *own; /* as in plan_input */
    const char *proof;          /* why we may */
    bool already_encrypted;     /* the whole message is encrypted already, and not by us */
    bool unreadable;        /* it is encrypted by others, or broken; or one of its parts says that it is encrypted */
    enum found certificate; /* for this recipient; asked only when the rule encrypts */
    const char *certificate_reason; /* why none or failed */
    enum unclear unclear;           /* whether this rule applies, or another one */
    const struct rule *undecided;   /* UNCLEAR_RULE: this one may apply */
    bool reviewed;                  /* carries a review signature by one of rule->outbound.require_review that passes */
    bool may_be_reviewed;           /* carries one that could not be checked now */
};

/* For one recipient and one of its rules. Table: protect none → nothing. A signature is due and may not be given
 * (originator not authentic, or a bad signature inside): unchecked → tempfail, else rule->outbound.unauthentic.
 * The author's own signature is due: theirs is on it → nothing more for that; no_mailbox, or no identity that fits
 * rule->outbound.sign_with → rule->outbound.no_identity. The domain's is due and none of its identities fits: rejected.
 * Encryption is due: certificate found → encrypt; none → rule->outbound.no_certificate; failed → tempfail, whatever the
 * rule says. Opportunistic: found → sign and encrypt; none → sign; failed → tempfail. already_encrypted counts as
 * encrypted only for `encrypt`'s demand that no plaintext leaves; it is encrypted again where a certificate is found.
 */
void policy_outbound(const struct rule *rule, const struct outbound_facts *facts, struct outbound_decision *decision);

/* The stricter of two decisions on a recipient, by two rules: a tempfail before a rejection, else all that either puts
 * on. The result is in *decision. */
void policy_stricter(const struct outbound_decision *other, struct outbound_decision *decision);

/* Whose signatures serve both. */
enum sign_as policy_sign_as_both(enum sign_as a, enum sign_as b);

/* One treatment for all recipients of a message that is not split: all of them get the same bytes. Combines decisions:
 * any tempfail → tempfail; any reject → reject; else the strictest treatment, if every recipient can read it: a
 * recipient whose decision has no encryption is served an encrypted copy only if it has a certificate; otherwise the
 * message would have to be split, and mixed decides, or, where no rule demands the encryption, it is left out. Whether
 * someone has a certificate must be known for that: where a lookup failed, tempfail. Signing serves everybody. Never
 * less than any decision demands. Sets verdict, reason, culprit, needs_split and treatment. */
void policy_combine(enum mixed mixed, const struct outbound_decision *decisions,
                    const struct recipient_view *recipients, size_t count, struct plan *plan);

/* Whether a recipient's own decision ends the message: plan has its verdict, reason and culprit then. A tempfail for
 * one takes precedence over a rejection for another, because a delayed message must not bounce. */
bool policy_find_refusal(const struct outbound_decision *decisions, const struct recipient_view *recipients,
                         size_t count, struct plan *plan);

/* Whether the message may be split, if it must be. */
bool policy_may_split(const struct plan_input *input);
/* After the recipients' decisions: decides for each recipient as if the message were for it alone. If one cannot be
 * served, plan has verdict and reason, which names it. If one form serves all, plan is as before. Otherwise needs_split
 * is set, with manners and shares. authentic: the originator is. */
void policy_split(const struct plan_input *input, bool authentic, struct plan *plan);
/* The message is split although one form would serve all: the treatment of plan becomes each recipient's manner. */
void policy_split_alike(const struct plan_input *input, struct plan *plan);
/* Raises the treatment of one copy to the least. */
void policy_raise(const struct least *least, struct plan *plan);
/* Whether the least is more than nothing; not for NULL. */
bool policy_is_due(const struct least *least);
/* The last word on one copy: its message was accepted, so what would be refused now is deferred, and so is a copy that
 * would not get the least. */
void policy_hold(const struct least *least, struct plan *plan);

/* What failed ends the message. */
void policy_fail(struct plan *plan, const struct error *error);
/* Plans how treatment is carried out for the recipients of input: wrapping and unwrapping. Fails if an identity or a
 * certificate is missing. */
void policy_plan_layers(const struct plan_input *input, bool authentic, struct plan *plan);

/* Whether two wrappings give the same layers, if that treatment is carried out. */
bool wrapping_equal(const struct wrapping *a, const struct wrapping *b, const struct treatment *treatment);
/* Raises a wrapping to the least. */
void wrapping_raise(const struct least *least, struct wrapping *wrapping);

/* Who signs, from the inside out: in list, which has room for OWN_COUNT. Returns how many. */
size_t policy_signers(const struct treatment *treatment, const struct wrapping *wrapping, enum own *list);

/* Adds what a recipient's rule asks to a wrapping that begins as zeros: where rules differ, the form counts that all
 * software knows, whatever the order of the recipients. message may be NULL: labels_choose(). */
void wrapping_add(const struct rule *rule, const struct capabilities *capabilities, const struct message *message,
                  struct wrapping *wrapping);
/* The form that a partner's file gives, or that it lets a recipient's capabilities lead to. */
struct form policy_form(const struct partner *partner, const struct capabilities *known);
/* More for a cipher that keeps a secret better. */
unsigned policy_cipher_strength(enum cipher cipher);

struct inbound_facts {
    bool signed_ok;             /* a domain or originator signature over the whole message passed */
    bool encrypted_ok;          /* the whole message was encrypted to us and decrypted */
    bool undecryptable;         /* it is encrypted and none of our keys opened it */
    bool failed_temporarily;    /* a needed lookup or resource failed: never a pass */
    const char *sign_reason;    /* why signed_ok is false */
    const char *encrypt_reason; /* why encrypted_ok is false */
    const char *label_reason;   /* why its security label is not accepted; NULL: it is accepted, or there is no label */
    bool encrypted_part;        /* a part among other parts stays encrypted */
};

/* Whether the signatures that passed are those that rule->inbound.signed_by asks for. */
bool policy_signed_ok(const struct rule *rule, bool domain_ok, bool originator_ok);

/* failed_temporarily → tempfail when the rule requires anything, unless it is rejected for its encryption anyway.
 * undecryptable, or a part of it → rule->inbound.undecryptable first; then `require`, unmet → `otherwise` (tag:
 * accept). */
void policy_inbound(const struct rule *rule, const struct inbound_facts *facts, struct inbound_decision *decision);

/* Whether some author's rule leaves a malleable message shut, since the signature that it requires is not inside. */
bool policy_shuts_malleable(const struct authors *authors, const struct judgement *judgement);

/* The rule of each author decides by itself, and every one has to be satisfied: sets verdict and reason to those of the
 * most severe decision, and mark to that of the first author whose rule is not met, else whose rule is met. */
void policy_arriving(const struct plan_input *input, const struct layers_view *layers,
                     const struct judgement *judgement, struct plan *plan);

#endif
