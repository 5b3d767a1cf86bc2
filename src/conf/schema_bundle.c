/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_bundle: the keys of a group in `trust_anchors` or `anchors`, one row each.
 */
#include "option.h"

#define AT(member) offsetof(struct bundle_conf, member)
static const struct conf_option bundle_rows[] = {
    {"url", OPTION_TEXT, AT(url), .computed = "required, unless file is there", .convert = convert_bundle_url,
     .help = "Where the bundle is fetched"},
    {"file", OPTION_TEXT, AT(file), .computed = "required, unless url is there", .convert = convert_path,
     .help = "File with a signed bundle"},
    {"signer", OPTION_TEXTS, AT(signers), .convert = convert_path,
     .help = "Files with certificates, one of which must have signed the bundle"},
    {"ca", OPTION_TEXT, AT(ca), .fallback = "/etc/ssl/certs/ca-certificates.crt", .convert = convert_path,
     .help = "File with the authorities that the web server's certificate must lead to"},
    {"refresh", OPTION_COUNT, AT(refresh), .fallback = "24", .minimum = 1, .maximum = 720,
     .help = "Hours after which the bundle is fetched again"},
};
#undef AT
const struct option_table bundle_options = {
    .name = "bundle", .options = bundle_rows, .count = G_N_ELEMENTS(bundle_rows)};
