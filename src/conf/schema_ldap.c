/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_ldap: the keys of the groups `ldap`, one row each.
 */
#include "option.h"

#define AT(member) offsetof(struct ldap_conf, member)
static const struct conf_option ldap_rows[] = {
    {"domains", OPTION_TEXTS, AT(domains), .required = true, .convert = convert_ldap_domain,
     .help = "Domains whose certificates the directory knows"},
    {"uri", OPTION_TEXT, AT(uri), .required = true, .convert = convert_ldap_uri, .help = "Server of the directory"},
    {"base", OPTION_TEXT, AT(base), .computed = "each naming context of the server",
     .help = "Entry below which is searched"},
    {"bind_dn", OPTION_TEXT, AT(bind_dn), .computed = "anonymous", .help = "Name under which the gateway logs in"},
    {"password_file", OPTION_TEXT, AT(password_file), .computed = "required with bind_dn", .convert = convert_path,
     .help = "File whose first line is the password for bind_dn"},
    {"ca", OPTION_TEXT, AT(ca), .fallback = "/etc/ssl/certs/ca-certificates.crt", .convert = convert_path,
     .help = "File with the authorities that the server's certificate must lead to"},
    {"starttls", OPTION_SWITCH, AT(starttls), .fallback = "false",
     .help = "Whether the connection is encrypted by StartTLS before anything is asked"},
    {"timeout", OPTION_COUNT, AT(timeout), .fallback = "5", .minimum = 1, .maximum = 60,
     .help = "Seconds after which a lookup in this directory has failed"},
};
#undef AT
const struct option_table ldap_options = {.name = "ldap", .options = ldap_rows, .count = G_N_ELEMENTS(ldap_rows)};
