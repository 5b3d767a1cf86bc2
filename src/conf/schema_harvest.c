/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_harvest: the keys of the group `harvest`, one row each.
 */
#include "option.h"
#include "words.h"

#define AT(member) offsetof(struct conf, harvest.member)
static const struct conf_option harvest_rows[] = {
    {"approve", OPTION_WORD, AT(approve), .fallback = "off", .words = approve_words,
     .help = "Which certificates of messages that arrive are used"},
    {"per_sender_daily", OPTION_COUNT, AT(per_sender_daily), .fallback = "3", .minimum = 1, .maximum = 1000,
     .help = "New certificates of one address on one day"},
    {"daily", OPTION_COUNT, AT(daily), .fallback = "1000", .minimum = 1, .maximum = 1000000,
     .help = "New certificates of all addresses on one day"},
    {"total", OPTION_COUNT, AT(total), .fallback = "100000", .minimum = 1, .maximum = 10000000,
     .help = "Certificates that are kept"},
    {"announce", OPTION_SWITCH, AT(announce), .fallback = "false",
     .help = "Whether our domain's signatures bring the certificate of our confidentiality authority"},
};
#undef AT
const struct option_table harvest_options = {
    .name = "harvest", .options = harvest_rows, .count = G_N_ELEMENTS(harvest_rows)};
