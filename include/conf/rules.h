/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: what a rule of a policy file looks at, as data. policy/ says which rules fit a message. The index makes that
 * cost the same whether a file has ten rules or thousands.
 */
#ifndef DOMSEC_CONF_RULES_H
#define DOMSEC_CONF_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct faults;
struct partner;

/* The keys of the group `when`. */
enum criterion {
    CRITERION_FROM,
    CRITERION_TO,
    CRITERION_SUBJECT,
    CRITERION_HEADER,
    CRITERION_LOGIN,
    CRITERION_KIND,
    CRITERION_LARGER_THAN,
};
#define CRITERION_COUNT 7
const char *criterion_name(enum criterion criterion); /* "larger_than" */
#define CRITERION_BIT(criterion) (1u << (criterion))

/* The kinds of mail, as bits; domsec.conf(5) defines them. */
enum kind {
    KIND_CALENDAR = 1,
    KIND_AUTO_REPLY = 2,
    KIND_BOUNCE = 4,
    KIND_LIST = 8,
    KIND_SIGNED = 16,
    KIND_ENCRYPTED = 32,
};
#define KIND_COUNT 6
const char *kind_name(enum kind kind); /* "auto-reply" */

#define TAG_MAX 200 /* bytes */

/* A group `when`. Each list holds the values of which one must hold; empty: the criterion is not there. */
struct when {
    char **values[CRITERION_LARGER_THAN]; /* from, to: "bob@x.test", "*@x.test", "list:NAME", "file:/PATH"; subject:
                                             fold_text() of a tag; header: "name: value", both folded; login: in
                                             lower case, of ASCII only; kind: as written */
    size_t larger_than;                   /* bytes; 0: the criterion is not there */
};

/* A line of a file is shown where a value comes from. */
struct value_origin {
    const char *file; /* g_intern_string() */
    unsigned line;
};

/* The rules of a partner that have this value: ascending indices of partner->rules. Lent. value: as in when.values, but
 * a pattern without its asterisk ("@x.test"). */
const unsigned *partner_rules_with(const struct partner *partner, enum criterion criterion, const char *value,
                                   size_t *count);
/* The rules with larger_than. */
const unsigned *partner_rules_with_size(const struct partner *partner, size_t *count);

/* The names ("list:board") of the lists that hold a key, that of an address or "@x.test": NULL-terminated, lent; NULL:
 * none. */
const char *const *conf_lists_holding(const struct conf *conf, const char *key);
/* CRITERION_BIT() of those that any rule has. */
unsigned conf_criteria(const struct conf *conf);
/* Whether a rule looks at the header field with this name, in lower case. */
bool conf_wants_header(const struct conf *conf, const char *name);
/* Whether a rule has this "name: value", both folded. */
bool conf_wants_field(const struct conf *conf, const char *text);
/* The longest tag of any rule that a text, folded as by fold_text(), begins with, and that is shorter than so many
 * bytes. Lent; NULL: none. */
const char *conf_longest_tag(const struct conf *conf, const char *text, size_t shorter_than);

/* Notes the rules by which senders can lower the protection, and the policies in test mode. For `domsec check` only. */
void conf_note_policies(const struct conf *conf, struct faults *faults);
/* A value of a rule or of its partner. */
struct rule_setting {
    char *key;                  /* "rules.protect", "cipher" */
    char *value;                /* as it is written */
    struct value_origin origin; /* file NULL: the default */
};
struct rule;
/* All values that count for mail under a rule that leaves, or arrives: struct rule_setting, owned by the list. */
struct _GPtrArray *conf_settings(const struct conf *conf, const struct rule *rule, bool leaves);

/* Where the value at this address of the snapshot comes from; NULL: it is a default. */
const struct value_origin *conf_origin(const struct conf *conf, const void *value);

#endif
