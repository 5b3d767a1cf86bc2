/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/labels.h"

#include "mail/message.h"
#include "support/views.h"

#include <criterion/criterion.h>
#include <unistd.h>

/* --- which ones a message gets --- */

/* Values of label_header, separated by "|". */
static struct message *message_with(const char *values)
{
    static const struct limits limits = {
        .message_size = 65536, .memory = 65536, .header_size = 65536, .header_count = 100, .nesting = 5, .parts = 5};
    struct message *message = message_new(&limits);
    struct error error = {0};
    g_auto(GStrv) list = g_strsplit(values, "|", -1);
    cr_assert(message_add_field(message, "From", " ann@acme.test", &error));
    for (char **value = list; *value != NULL; value++)
        cr_assert(message_add_field(message, "Sensitivity", *value, &error), "%s", error.text);
    cr_assert(message_end_header(message, &error) && message_finish(message, &error));
    return message;
}

#define FOR(v, p, c)                                                                                                   \
    {                                                                                                                  \
        .value = (char *)(v), .policy = (char *)(p), .classification = (c)                                             \
    }
#define ALSO(v, p, c)                                                                                                  \
    {                                                                                                                  \
        .value = (char *)(v), .policy = (char *)(p), .classification = (c), .equivalent = true                         \
    }

static struct label_conf by_value[] = {
    FOR("Grüße", "1.3", CLASSIFICATION_CONFIDENTIAL),
    FOR("Company Secret", "1.1", CLASSIFICATION_SECRET),
    FOR("A b", "1.2", CLASSIFICATION_NONE),
    FOR("Company Public", "1.1", CLASSIFICATION_UNMARKED),
    FOR("Company Internal", "1.1", CLASSIFICATION_RESTRICTED),
    FOR(NULL, "1.1", CLASSIFICATION_UNCLASSIFIED),
};
static struct label_conf with_equivalents[] = {
    ALSO(NULL, "2.1", CLASSIFICATION_RESTRICTED),           ALSO("Company Secret", "2.2", CLASSIFICATION_SECRET),
    FOR("Company Secret", "1.1", CLASSIFICATION_SECRET),    FOR("Company Internal", "1.1", CLASSIFICATION_SECRET),
    ALSO("Company Secret", "2.2", CLASSIFICATION_UNMARKED), ALSO(NULL, "1.1", CLASSIFICATION_UNMARKED),
};
static struct label_conf only_equivalents[] = {ALSO(NULL, "2.1", CLASSIFICATION_NONE),
                                               ALSO(NULL, "2.1", CLASSIFICATION_SECRET)};
static struct label_conf for_one[] = {FOR("Company Secret", "1.1", CLASSIFICATION_NONE)};
static struct label_conf as_strict[] = {
    FOR("Red", "1.1", CLASSIFICATION_SECRET), FOR("Blue", "1.2", CLASSIFICATION_SECRET),
    ALSO("Open", "2.1", CLASSIFICATION_SECRET), ALSO("Shut", "2.2", CLASSIFICATION_SECRET)};
static struct label_conf many[] = {
    ALSO(NULL, "2.1", 1), ALSO(NULL, "2.2", 1), ALSO(NULL, "2.3", 1), ALSO(NULL, "2.4", 1), ALSO(NULL, "2.5", 1),
    ALSO(NULL, "2.6", 1), ALSO(NULL, "2.7", 1), ALSO(NULL, "2.8", 1), ALSO(NULL, "2.9", 1),
};

#define PARTNER(array)                                                                                                 \
    {                                                                                                                  \
        .label_header = (char *)"Sensitivity", .labels = (array), .label_count = G_N_ELEMENTS(array)                   \
    }
static const struct partner values = PARTNER(by_value), equivalents = PARTNER(with_equivalents),
                            lone = PARTNER(only_equivalents), one = PARTNER(for_one), tied = PARTNER(as_strict),
                            overfull = PARTNER(many),
                            unasked = {.labels = by_value, .label_count = G_N_ELEMENTS(by_value)}, none;

static char *tell(const struct labels *labels)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s:%d", labels->label.policy, labels->label.classification);
    for (unsigned i = 0; i < labels->equivalent_count; i++)
        g_string_append_printf(text, " %s:%d", labels->equivalents[i].policy, labels->equivalents[i].classification);
    return g_string_free(text, FALSE);
}

Test(labels, choose)
{
    static const struct {
        const char *name;
        const struct partner *partner;
        const char *header; /* NULL: no message */
        const char *labels;
    } rows[] = {
        {"a value that is configured", &values, " Company Secret", "1.1:4"},
        {"another", &values, " Company Internal", "1.1:2"},
        {"one that is lower than that of any message", &values, " Company Public", "1.1:0"},
        {"without case", &values, " COMPANY secret", "1.1:4"},
        {"folded, with more blanks", &values, "  Company\r\n\t  Secret ", "1.1:4"},
        {"blanks between words", &values, " a  B", "1.2:-1"},
        {"… are not left out", &values, " ab", "1.1:1"},
        {"beyond ASCII, without case", &values, " GRÜSSE", "1.3:3"},
        {"octets that are no text: the strictest", &values, " \xff", "1.1:4"},
        {"one of its words: the label of any message", &values, " Company", "1.1:1"},
        {"another value: the label of any message", &values, " Open", "1.1:1"},
        {"an empty value", &values, "", "1.1:1"},
        {"no message", &values, NULL, "1.1:1"},
        {"no header is asked for", &unasked, " Company Secret", "1.1:1"},
        {"no label is configured", &none, " Company Secret", ":0"},
        {"a label for another value", &one, " Company Internal", ":0"},
        {"no classification", &one, " Company Secret", "1.1:-1"},

        /* values that programs read differently */
        {"an encoded word", &values, " =?utf-8?q?Company_Secret?=", "1.1:4"},
        {"a comment", &values, " Company Internal (x)", "1.1:4"},
        {"quotes", &values, " \"Company Internal\"", "1.1:4"},
        {"a list", &values, " Company Internal, x", "1.1:4"},
        {"letters that look like others", &values, " Cоmpany", "1.1:4"},
        {"uncertain, and only a label for one value", &one, " (x)", "1.1:-1"},

        /* several fields */
        {"the stricter of two", &values, " Company Internal| Company Secret", "1.1:4"},
        {"… in the other order", &values, " Company Secret| Company Internal", "1.1:4"},
        {"… of three", &values, " Open| Company Secret| Company Internal", "1.1:4"},
        {"the first of two that are as strict", &tied, " Red| Blue", "1.1:4"},
        {"… without a label", &tied, " Open| Shut", ":0 2.1:4"},
        {"one of them uncertain", &values, " Company Internal| (x)", "1.1:4"},
        {"a label is stricter than none", &one, " Open| Company Secret", "1.1:-1"},
        {"… in the other order", &one, " Company Secret| Open", "1.1:-1"},
        {"fewer equivalents are stricter", &equivalents, " Company Secret| Company Internal", "1.1:4 2.1:2"},
        {"… in the other order", &equivalents, " Company Internal| Company Secret", "1.1:4 2.1:2"},
        {"… an uncertain value", &equivalents, " (x)", "1.1:4 2.1:2"},

        /* equivalents */
        {"each policy has one label", &equivalents, " Company Secret", "1.1:4 2.1:2 2.2:4"},
        {"equivalents without a label", &equivalents, " Open", ":0 2.1:2 1.1:0"},
        {"an equivalent is not the label", &lone, " Open", ":0 2.1:-1"},
        {"more than a signature holds", &overfull, NULL, ":0 2.1:0 2.2:0 2.3:0 2.4:0 2.5:0 2.6:0 2.7:0 2.8:0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(message) struct message *message = rows[i].header != NULL ? message_with(rows[i].header) : NULL;
        struct labels labels;
        memset(&labels, 0xff, sizeof(labels));
        labels_choose(rows[i].partner, message, &labels);
        g_autofree char *told = tell(&labels);
        cr_expect_str_eq(told, rows[i].labels, "%s: %s", rows[i].name, told);
    }
}

/* A program may read it as the text before the NUL. */
Test(labels, a_value_with_a_nul_is_uncertain)
{
    static const char bytes[] = "From: ann@acme.test\r\nSensitivity: Company Public\0\r\n\r\n";
    static const struct limits limits = {
        .message_size = 65536, .memory = 65536, .header_size = 65536, .header_count = 100, .nesting = 5, .parts = 5};
    struct error error = {0};
    struct labels labels;
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    cr_assert_eq(write(pipes[1], bytes, sizeof(bytes) - 1), (ssize_t)sizeof(bytes) - 1);
    close(pipes[1]);
    owned(message) struct message *message = message_read(pipes[0], &limits, &error);
    close(pipes[0]);
    cr_assert_not_null(message, "%s", error.text);
    labels_choose(&values, message, &labels);
    g_autofree char *told = tell(&labels);
    cr_expect_str_eq(told, "1.1:4");
}

Test(labels, the_mark_is_copied)
{
    struct label_conf conf = {.policy = (char *)"1.1", .mark = (char *)"for your eyes"};
    const struct partner partner = {.labels = &conf, .label_count = 1};
    struct labels labels;
    labels_choose(&partner, NULL, &labels);
    cr_expect_str_eq(labels.label.privacy_mark, "for your eyes");
}

/* --- which ones are accepted --- */

static char *const any[] = {NULL}, *const known[] = {(char *)"1.1", (char *)"1.2", NULL};

static const struct {
    const char *name;
    const char *layers;
    const char *refused, *hoping; /* NULL: accepted; "=": as refused */
} rows[] = {
    /* policies and classifications; up to 3 of 1.1 and 1.2 is accepted */
    {"no label", "domain", NULL},
    {"a known policy", "domain/label=1.1:3", NULL},
    {"another known policy", "domain/label=1.2:0", NULL},
    {"no classification", "domain/label=1.1:-1", NULL},
    {"too high", "domain/label=1.1:4", "the security label is not accepted: policy 1.1, secret", "="},
    {"an unknown policy", "domain/label=9.9:0", "the security label is not accepted: policy 9.9, unmarked", "="},
    {"… without a classification", "domain/label=9.9:-1",
     "the security label is not accepted: policy 9.9, not classified", "="},
    {"… inside a good one", "domain/label=1.1:1 originator/label=9.9:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… of the second signer", "domain+domain/label=9.9:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… under a signature that does not hold", "domain/label=9.9:1/invalid",
     "the security label is not accepted: policy 9.9, unclassified", "="},

    /* equivalent labels */
    {"an equivalent of a known policy", "domain/label=9.9:1/equal=1.1:1", NULL},
    {"… the second", "domain/label=9.9:1/equal=9.8:1/equal=1.1:1", NULL},
    {"… too high", "domain/label=9.9:1/equal=1.1:4", "the security label is not accepted: policy 9.9, unclassified",
     "="},
    {"… one good and one too high", "domain/label=9.9:1/equal=1.1:1/equal=1.2:4",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… unknown", "domain/label=9.9:1/equal=9.8:1", "the security label is not accepted: policy 9.9, unclassified",
     "="},
    {"… does not mend what is too high", "domain/label=1.1:4/equal=1.2:1",
     "the security label is not accepted: policy 1.1, secret", "="},
    {"… does not spoil what is known", "domain/label=1.1:1/equal=1.2:4", NULL},
    {"… repeats the label's policy", "domain/label=9.9:1/equal=9.9:1/equal=1.1:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… repeats a policy", "domain/label=9.9:1/equal=1.1:1/equal=1.2:1/equal=1.1:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… is there twice", "domain/label=9.9:1/equal=1.1:1/equal=1.1:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… beside an unknown one", "domain/label=9.9:1/equal=1.1:1/equal=9.8:1", NULL},
    {"… beside an unknown one that is too high", "domain/label=9.9:1/equal=1.1:1/equal=9.8:4", NULL},
    {"… by an outer signature", "domain/equal=1.1:1 originator/label=9.9:1", NULL},
    {"… by the outer signature's second signer", "domain+domain/equal=1.1:1 originator/label=9.9:1", NULL},
    {"… by an inner signature", "domain/label=9.9:1 originator/equal=1.1:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… by an outer signature that does not hold", "domain/equal=1.1:1/path=fail originator/label=9.9:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… by a mailing list agent", "agent/equal=1.1:1 originator/label=9.9:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… one too high by an outer signature", "domain/label=1.1:1/equal=1.2:4 originator/label=9.9:1/equal=1.1:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"without a label, they are it", "domain/equal=1.1:1", NULL},
    {"… unknown", "domain/equal=9.8:1", "the security label is not accepted: policy 9.8, unclassified", "="},
    {"… too high", "domain/equal=1.1:1/equal=1.2:4", "the security label is not accepted: policy 1.1, unclassified",
     "="},
    {"… by an outer signature", "domain/equal=1.1:1 originator/equal=9.8:1",
     "the security label is not accepted: policy 9.8, unclassified", "="},

    /* what cannot be read */
    {"malformed attributes", "domain/fault", "the security label cannot be relied on: fault", "="},
    {"malformed attributes of the second signer", "domain+domain/fault",
     "the security label cannot be relied on: fault", "="},
    {"a signature that does not open", "empty/broken",
     "it cannot be determined whether there is a security label: broken", "="},
    {"… within a good one", "domain empty/broken", "it cannot be determined whether there is a security label: broken",
     "="},
    {"a compressed layer that does not open", "compressed/broken",
     "it cannot be determined whether there is a security label: broken", "="},
    {"encrypted to others", "gcm/nokey", NULL},
    {"encrypted to us", "gcm domain", NULL},
    {"an empty layer", "empty", NULL},

    /* parts: their labels are those of the whole message */
    {"a part's known label", "part/domain/label=1.1:1", NULL},
    {"a part's unknown label", "part/domain/label=9.9:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"… the second part's", "domain part/domain part/domain/label=9.9:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"a part's equivalent label", "part/domain/label=9.9:1/equal=1.1:1", NULL},
    {"… under a signature that does not hold", "part/domain/label=9.9:1/equal=1.1:1/invalid",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"an outer signature's equivalents are not a part's", "domain/equal=1.1:1 part/domain/label=9.9:1",
     "the security label is not accepted: policy 9.9, unclassified", "="},
    {"a part's malformed attributes", "part/domain/fault",
     "the security label of part 1 cannot be relied on: signed attributes: fault", "="},
    {"a hidden part", "part/domain/fault/label=9.9:1/hidden", NULL},
    {"a part that does not open", "part/empty/broken",
     "it cannot be determined whether there is a security label: a part that cannot be opened on its own: broken", "="},
    {"an encrypted part that does not open", "part/gcm/broken", NULL},
    {"an encrypted part", "part/gcm", NULL},
    {"an empty part", "part/empty", NULL},
    {"a part over the limit", "domain part/empty/limit", "the security label of part 2 cannot be relied on: limit",
     "="},

    /* what can be changed without being noticed */
    {"in CBC, signed by the domain", "cbc domain/label=1.1:1", NULL},
    {"in CBC, signed by the originator", "cbc originator/label=1.1:1", NULL},
    {"in CBC, unsigned", "cbc",
     "encrypted without protection against changes, and no signature protects its security label", "="},
    {"in CBC, signed outside", "domain cbc",
     "encrypted without protection against changes, and no signature protects its security label", "="},
    {"… by the originator", "originator cbc",
     "encrypted without protection against changes, and no signature protects its security label", "="},
    {"in CBC, signed by a stranger", "cbc domain/path=fail",
     "encrypted without protection against changes, and no signature protects its security label", "="},
    {"in CBC, and it could not be checked now", "cbc domain/path=temperror",
     "encrypted without protection against changes, and no signature protects its security label", NULL},
    {"… the originator's", "cbc originator/path=temperror",
     "encrypted without protection against changes, and no signature protects its security label", NULL},
    {"… and it would not be accepted then", "cbc originator/path=temperror/label=9.9:0",
     "encrypted without protection against changes, and no signature protects its security label",
     "the security label is not accepted: policy 9.9, unmarked"},
};

static struct judgement judge(const struct views *views)
{
    static const struct partner partner;
    const struct partner *partners[] = {&partner};
    const struct authors authors = {.partners = partners, .count = 1};
    const struct originator originator = {0};
    struct judgement judgement;
    policy_judge(&views->all, &originator, &authors, &judgement);
    return judgement;
}

static void expect(const struct rule *rule, const char *layers, bool hoping, const char *refused, const char *name)
{
    owned(views) struct views *views = views_new(layers);
    struct judgement judgement = judge(views);
    char reason[320] = "";
    bool is_refused = labels_are_refused(rule, &views->all, &judgement, hoping, reason, sizeof(reason));
    cr_expect_eq(is_refused, refused != NULL, "%s%s: %s", name, hoping ? ", hoping" : "", reason);
    cr_expect_str_eq(reason, refused != NULL ? refused : "", "%s: %s", name, reason);
    judgement_clear(&judgement);
}

Test(labels, refuse)
{
    const struct rule rule = {
        .inbound = {.accept_labels = (char **)known, .max_classification = CLASSIFICATION_CONFIDENTIAL}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool same = rows[i].hoping != NULL && strcmp(rows[i].hoping, "=") == 0;
        expect(&rule, rows[i].layers, false, rows[i].refused, rows[i].name);
        expect(&rule, rows[i].layers, true, same ? rows[i].refused : rows[i].hoping, rows[i].name);
    }
}

Test(labels, what_a_rule_does_not_limit)
{
    const struct rule all = {.inbound = {.accept_labels = (char **)any}},
                      high = {.inbound = {.accept_labels = (char **)known}},
                      policies = {
                          .inbound = {.accept_labels = (char **)any, .max_classification = CLASSIFICATION_UNMARKED}};
    expect(&all, "domain/label=9.9:256", false, NULL, "every label is accepted");
    expect(&all, "cbc empty/broken", false, NULL, "what cannot be read is accepted");
    expect(&high, "domain/label=1.1:256", false, NULL, "every classification is accepted");
    expect(&high, "domain/label=9.9:0", false, "the security label is not accepted: policy 9.9, unmarked",
           "any classification, not any policy");
    expect(&policies, "domain/label=9.9:0", false, NULL, "every policy is accepted");
    expect(&policies, "domain/label=9.9:1", false, "the security label is not accepted: policy 9.9, unclassified",
           "any policy, not any classification");
}
