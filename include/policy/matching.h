/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matching: which rules of a partner apply to a message and a recipient.
 *
 * The first rule that fits is taken. But what the sender of a message says of it is worth less than what is known of
 * the sender: a rule that fits by the sender's words can only add to what the first rule without them, or the base,
 * asks for. Then both apply, and each has to be satisfied, as where a recipient's address brings several partners. So
 * it is never a question which of two settings is the stricter one.
 */
#ifndef DOMSEC_POLICY_MATCHING_H
#define DOMSEC_POLICY_MATCHING_H

#include "mail/mime.h"
#include "mail/tags.h"
#include "policy/plan.h"

/* A Subject field with tags. */
struct tagged_subject {
    const struct field *field;
    struct subject_tags tags;
};

/* The names under which rules may know an address: its key, "@domain", and the lists that hold either. */
struct known_as {
    char **names; /* NULL-terminated, owned */
};

/* names: g_strfreev(). */
struct known_as rule_names_of(const struct conf *conf, const struct address *address);

/* What rules look at in a message, the same for each recipient. Texts are folded as those of the rules. */
struct rule_facts {
    const struct conf *conf;
    bool sender_counts;   /* rules that fit by the sender's words count */
    bool from_is_proven;  /* From is more than the sender's word */
    bool from_unreadable; /* whether a rule with `from` fits cannot be said */
    const struct authors *authors;
    struct known_as *from; /* the authors */
    size_t from_count;     /* 0: From cannot be read */
    struct known_as *to;   /* all recipients, for mail that arrives */
    size_t to_count;
    char *login; /* NULL: the client did not log in */
    struct tagged_subject *subjects;
    size_t subject_count;
    char **tags;    /* of all subjects, each once; NULL-terminated, lent by conf */
    char **headers; /* "name: value", each once, those that some rule has; NULL-terminated */
    unsigned kinds; /* enum kind */
    size_t size;    /* of the message, in bytes */
};

/* What the facts are read from. Everything is lent, and must outlive them. */
struct facts_source {
    const struct conf *conf;
    const struct envelope *envelope;
    const struct client *client;
    const struct originator *originator;
    const struct authors *authors;
    const struct fields *fields;      /* of the header; NULL: none */
    const struct part *entity;        /* the message as an entity; NULL: not known */
    const struct layers_view *layers; /* NULL: not known */
    size_t size;
};
void rule_facts_read(struct rule_facts *facts, const struct facts_source *source);
void rule_facts_clear(struct rule_facts *facts);

/* Which rules of a partner fit. */
struct matching {
    const struct rule *first;     /* the first one that fits; NULL: the base */
    const struct rule *floor;     /* the first one that fits without the sender's words, or the base; it has to be
                                     satisfied as well. NULL: `first` is taken alone */
    const struct rule *undecided; /* whether this one fits cannot be said; NULL: all is clear */
    unsigned steps;               /* what the answer cost: rules looked at, and looked up by a value */
    unsigned unread;              /* criteria that were not looked at: the sender's words, which do not count */
    unsigned char *held;          /* for each rule, the criteria that hold (CRITERION_BIT()); owned */
};
/* For mail that leaves to an address. */
void policy_match(const struct partner *partner, const struct rule_facts *facts, const struct address *to,
                  struct matching *matching);
/* For mail that arrives from an author of this partner: first is the rule whose `otherwise` counts. */
void policy_match_arriving(const struct partner *partner, const struct rule_facts *facts, struct matching *matching);
void matching_clear(struct matching *matching);

/* The criteria of a rule that are the sender's own words (CRITERION_BIT()). */
unsigned policy_words(const struct rule *rule, const struct rule_facts *facts);

/* All rules that a recipient's copy has to satisfy, each once. Returns the rule of which it cannot be said whether it
 * fits; NULL: all is clear. */
const struct rule *policy_claims(const struct rule_facts *facts, const struct destination *destination,
                                 const struct rule *rules[CLAIMS_MAX], size_t *count);

/* The rule by which an author's partner judges a message that arrives. */
const struct rule *policy_arriving_rule(const struct partner *partner, const struct rule_facts *facts);

#endif
