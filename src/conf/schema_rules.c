/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_rules: the keys of a rule, one row each.
 */
#include "option.h"
#include "words.h"

#define AT(member) offsetof(struct when, member)
static const struct conf_option when_rows[] = {
    {"from", OPTION_TEXTS, AT(values[CRITERION_FROM]), .convert = convert_address_member,
     .help = "Addresses and patterns of the author"},
    {"to", OPTION_TEXTS, AT(values[CRITERION_TO]), .convert = convert_address_member,
     .help = "Addresses and patterns of the recipient"},
    {"subject", OPTION_TEXTS, AT(values[CRITERION_SUBJECT]), .convert = convert_tag,
     .help = "Tags at the head of the Subject"},
    {"header", OPTION_TEXTS, AT(values[CRITERION_HEADER]), .convert = convert_header,
     .help = "Header fields with their whole value"},
    {"login", OPTION_TEXTS, AT(values[CRITERION_LOGIN]), .convert = convert_login, .help = "Login names of the client"},
    {"kind", OPTION_TEXTS, AT(values[CRITERION_KIND]), .convert = convert_kind, .help = "Kinds of mail"},
    {"larger_than", OPTION_SIZE, AT(larger_than), .fallback = "0", .minimum = 0, .maximum = 1LL << 30,
     .help = "Size of the message in bytes that must be exceeded"},
};
#undef AT
const struct option_table when_options = {.name = "when", .options = when_rows, .count = G_N_ELEMENTS(when_rows)};

#define AT(member) offsetof(struct rule, member)
const struct conf_option rule_rows[RULE_ROWS] = {
    {"when", OPTION_GROUP, AT(when), .required = true, .group = &when_options, .help = "When the rule fits"},
    {"lowers", OPTION_SWITCH, AT(lowers), .fallback = "false",
     .help = "Whether the sender's own words may lower the protection by this rule"},
    {"otherwise", OPTION_WORD, AT(inbound.otherwise), .computed = "that of inbound", .words = otherwise_words,
     .help = "What to do with mail that arrives without the required protection"},
};
#undef AT
