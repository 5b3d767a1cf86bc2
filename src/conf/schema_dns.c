/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_dns: the keys of the group `dns`, one row each.
 */
#include "option.h"

#define AT(member) offsetof(struct conf, dns.member)
static const struct conf_option dns_rows[] = {
    {"resolver", OPTION_TEXTS, AT(resolver), .computed = "\"system\"", .convert = convert_resolver,
     .help = "Servers that are asked"},
    {"anchors", OPTION_TEXTS, AT(anchors), .computed = "\"" DNS_ANCHOR_DEFAULT "\", if it exists",
     .convert = convert_path, .help = "Files with the keys, or digests of keys, from which DNSSEC proves zones"},
    {"root_hints", OPTION_TEXT, AT(root_hints), .computed = "those of libunbound", .convert = convert_path,
     .help = "File with the addresses of the root servers, for resolver = \"root\""},
    {"records", OPTION_TEXTS, AT(records), .computed = "\"smimea\", \"cert\"", .convert = convert_dns_record,
     .help = "Record types in which certificates are looked for"},
    {"timeout", OPTION_COUNT, AT(timeout), .fallback = "5", .minimum = 1, .maximum = 60,
     .help = "Seconds after which a lookup has failed"},
};
#undef AT
const struct option_table dns_options = {.name = "dns", .options = dns_rows, .count = G_N_ELEMENTS(dns_rows)};
