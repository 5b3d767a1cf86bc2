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
         .help = "Files or directories with certificate revocation lists"},                                            \
        {"fetch",                                                                                                      \
         OPTION_SWITCH,                                                                                                \
         AT(fetch),                                                                                                    \
         .fallback = "false",                                                                                          \
         .computed = "true without crls, false with them",                                                             \
         .help = "Whether revocation lists are fetched from where certificates say they are"},                         \
        {"ocsp",                                                                                                       \
         OPTION_SWITCH,                                                                                                \
         AT(ocsp),                                                                                                     \
         .fallback = "false",                                                                                          \
         .computed = "true without crls, false with them",                                                             \
         .help = "Whether the OCSP responders that certificates name are asked"},                                      \
        {"ocsp_nonce", OPTION_SWITCH, AT(ocsp_nonce), .fallback = "true",                                              \
         .help = "Whether a question to an OCSP responder has a nonce"},
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
