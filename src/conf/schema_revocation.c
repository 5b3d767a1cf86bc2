/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_revocation: the keys of the groups `revocation`, one row each.
 */
#include "option.h"
#include "words.h"

#define REVOCATION_ROWS                                                                                                \
    {"check",                                                                                                          \
     OPTION_WORD,                                                                                                      \
     AT(check),                                                                                                        \
     .computed = "\"hard\" with crls, \"off\" without",                                                                \
     .words = revocation_check_words,                                                                                  \
     .help = "What to do when it cannot be found out whether a certificate has been revoked"},                         \
        {"crls", OPTION_TEXTS, AT(crls), .convert = convert_path,                                                      \
         .help = "Files or directories with certificate revocation lists"},
#define AT(member) offsetof(struct conf, revocation.member)
static const struct conf_option revocation_rows[] = {REVOCATION_ROWS};
#undef AT
const struct option_table revocation_options = {
    .name = "revocation", .options = revocation_rows, .count = G_N_ELEMENTS(revocation_rows)};

#define AT(member) offsetof(struct partner, own_revocation.member)
static const struct conf_option partner_revocation_rows[] = {REVOCATION_ROWS};
#undef AT
const struct option_table partner_revocation_options = {.name = "revocation of a partner",
                                                        .options = partner_revocation_rows,
                                                        .count = G_N_ELEMENTS(partner_revocation_rows)};
