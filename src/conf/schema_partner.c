/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_partner: every key of a policy file but those of `revocation` and of a rule's own, one row each.
 */
#include "option.h"
#include "words.h"

#define TABLE(table_name, rows)                                                                                        \
    {                                                                                                                  \
        .name = (table_name), .options = (rows), .count = G_N_ELEMENTS(rows)                                           \
    }

#define AT(member) offsetof(struct sign_with_conf, member)
static const struct conf_option sign_with_rows[] = {
    {"origin", OPTION_TEXTS, AT(origins), .convert = convert_origin,
     .help = "Origins, one of which the key that signs must have"},
    {"escrowed", OPTION_STATED, AT(escrowed), .help = "Whether others must, or must not, have a copy of the key"},
    {"dual_use", OPTION_STATED, AT(dual_use),
     .help = "Whether the key must, or must not, be for signatures and for encryption at once"},
    {"content_commitment", OPTION_STATED, AT(content_commitment),
     .help = "Whether the certificate must, or must not, be for content commitment"},
};
#undef AT
const struct option_table sign_with_options = TABLE("sign_with", sign_with_rows);

#define AT(member) offsetof(struct outbound_rule, member)
static const struct conf_option outbound_rows[] = {
    {"protect", OPTION_WORD, AT(protect), .fallback = "none", .words = protect_words,
     .help = "Protection applied to mail for the domain"},
    {"sign_as", OPTION_WORD, AT(sign_as), .fallback = "domain", .words = sign_as_words,
     .help = "Whose signature protect applies"},
    {"no_identity", OPTION_WORD, AT(no_identity), .fallback = "reject", .words = no_identity_words,
     .help = "What to do when sign_as or sign_with asks for a signature and no identity may make it"},
    {"sign_with", OPTION_GROUP, AT(sign_with), .group = &sign_with_options,
     .help = "What is demanded of the keys that sign"},
    {"no_certificate", OPTION_WORD, AT(no_certificate), .fallback = "reject", .words = no_certificate_words,
     .help = "What to do when encryption is required and the recipient has no usable certificate"},
    {"unauthentic", OPTION_WORD, AT(unauthentic), .fallback = "reject", .words = unauthentic_words,
     .help = "What to do when a signature is required and the message may not be signed"},
    {"unreadable", OPTION_WORD, AT(unreadable), .fallback = "pass", .words = unreadable_words,
     .help = "What to do with a message that its originator has encrypted for others"},
    {"review", OPTION_SWITCH, AT(review), .fallback = "false",
     .help = "Whether our review authority signs before the domain does"},
    {"attributes", OPTION_SWITCH, AT(attributes), .fallback = "false",
     .help = "Whether our attribute authority signs the label before the domain signs"},
    {"require_review", OPTION_TEXTS, AT(require_review), .convert = convert_path,
     .help = "Files with the certificates of review authorities, one of which must have signed"},
    {"header_protection", OPTION_WORD, AT(header_protection), .fallback = "none", .words = protect_headers_words,
     .help = "Which header fields are protected inside, and hidden outside (RFC 9788)"},
    {"encrypt_to_self", OPTION_SWITCH, AT(encrypt_to_self), .fallback = "false",
     .help = "Whether messages are also encrypted for our own confidentiality authority"},
    {"refuse", OPTION_SWITCH, AT(refuse), .fallback = "false", .help = "Whether mail is rejected"},
};
#undef AT
const struct option_table outbound_options = TABLE("outbound", outbound_rows);

#define AT(member) offsetof(struct inbound_rule, member)
static const struct conf_option inbound_rows[] = {
    {"require", OPTION_WORD, AT(require), .fallback = "none", .words = require_words,
     .help = "Protection that mail from the domain must have"},
    {"otherwise", OPTION_WORD, AT(otherwise), .fallback = "reject", .words = otherwise_words,
     .help = "What to do with mail that lacks the required protection"},
    {"undecryptable", OPTION_WORD, AT(undecryptable), .fallback = "deliver", .words = undecryptable_words,
     .help = "What to do with encrypted mail that none of our keys can decrypt"},
    {"signed_by", OPTION_WORD, AT(signed_by), .fallback = "any", .words = signed_by_words,
     .help = "Whose signature satisfies require"},
    {"without_signature_type", OPTION_WORD, AT(without_signature_type), .fallback = "originator",
     .words = without_type_words,
     .help = "Whose signature one without SignatureType is, if its certificate acts for the domain"},
    {"originator_signatures", OPTION_WORD, AT(originator_signatures), .fallback = "keep",
     .words = originator_signatures_words, .help = "What to do with originators' signatures that pass"},
    {"protected_headers", OPTION_WORD, AT(protected_headers), .fallback = "restore", .words = protected_headers_words,
     .help = "What to do with a Subject, Keywords, Comments and Thread-Topic that are protected inside (RFC 9788)"},
    {"misleading_names", OPTION_WORD, AT(misleading_names), .fallback = "refuse", .words = misleading_names_words,
     .help = "Whether a signature counts if a name in From shows an address that is not an author's"},
    {"require_authenticated_encryption", OPTION_SWITCH, AT(require_authenticated_encryption), .fallback = "false",
     .help = "Whether mail encrypted without authentication (CBC) is treated as undecryptable"},
    {"malleable", OPTION_WORD, AT(malleable), .fallback = "accept", .words = malleable_words,
     .help = "What to do with mail in CBC mode that lacks the signature inside that require asks for"},
    {"accept_labels", OPTION_TEXTS, AT(accept_labels), .convert = convert_oid,
     .help = "Security policies whose labels are accepted, as dotted OIDs"},
    {"max_classification", OPTION_WORD, AT(max_classification), .fallback = "none", .words = classification_words,
     .help = "Highest security classification that is accepted"},
    {"subject_verified", OPTION_TEXT, AT(subject_verified),
     .help = "Text put before the Subject of mail that has the required protection"},
    {"subject_unverified", OPTION_TEXT, AT(subject_unverified),
     .help = "Text put before the Subject of mail that lacks the required protection"},
};
#undef AT
const struct option_table inbound_options = TABLE("inbound", inbound_rows);

#define AT(member) offsetof(struct capabilities_conf, member)
static const struct conf_option capabilities_rows[] = {
    {"follow", OPTION_SWITCH, AT(follow), .fallback = "false",
     .help = "Whether the algorithms that a correspondent's software announces are chosen"},
    {"cipher", OPTION_WORD, AT(cipher), .fallback = "aes-256-gcm", .words = cipher_words,
     .help = "Weakest cipher that is chosen because it is announced"},
    {"digest", OPTION_WORD, AT(digest), .fallback = "sha512", .words = digest_words,
     .help = "Weakest digest that is chosen because it is announced"},
    {"key_transport", OPTION_WORD, AT(key_transport), .fallback = "rsa-oaep", .words = key_transport_words,
     .help = "Weakest key transport that is chosen because it is announced"},
};
#undef AT
const struct option_table capabilities_options = TABLE("capabilities", capabilities_rows);

#define AT(member) offsetof(struct partner, demands.member)
static const struct conf_option demands_rows[] = {
    {"smime_br", OPTION_TEXTS, AT(types), .convert = convert_br_type,
     .help = "Types of certificate by the S/MIME Baseline Requirements that are accepted"},
    {"generations", OPTION_TEXTS, AT(generations), .convert = convert_br_generation,
     .help = "Generations of certificate by the S/MIME Baseline Requirements that are accepted"},
    {"policies", OPTION_TEXTS, AT(policies), .convert = convert_oid,
     .help = "Certificate policies, one of which must apply, as dotted OIDs"},
    {"keys", OPTION_TEXTS, AT(keys), .convert = convert_key_kind, .help = "Kinds of keys that are accepted"},
    {"issuers", OPTION_TEXTS, AT(issuers), .convert = convert_path,
     .help = "Files with certification authorities, one of which must be in the path"},
    {"split_keys", OPTION_SWITCH, AT(split_keys), .fallback = "false",
     .help = "Whether a key must be for signatures or for encryption, not for both"},
};
#undef AT
const struct option_table demands_options = TABLE("require_certificate", demands_rows);

#define AT(member) offsetof(struct partner, member)
static const struct conf_option partner_rows[] = {
    {"domain", OPTION_TEXT, AT(domain), .computed = "required, except in default.conf", .convert = convert_domain,
     .help = "Mail domain of the partner"},
    {"template", OPTION_SWITCH, AT(is_template), .fallback = "false",
     .help = "Whether this file holds settings for others to use"},
    {"use", OPTION_TEXT, AT(use), .help = "File whose settings apply where this file has none"},
    {"mode", OPTION_WORD, AT(mode), .fallback = "enforce", .words = mode_words,
     .help = "Whether the policy is carried out"},
    {"outbound", OPTION_GROUP, AT(base.outbound), .group = &outbound_options,
     .help = "How to protect mail for the domain"},
    {"inbound", OPTION_GROUP, AT(base.inbound), .group = &inbound_options,
     .help = "What to require of mail from the domain"},
    {"rules", OPTION_GROUPS, AT(rules), .group = &rule_options, .help = "Exceptions from outbound and inbound"},
    {"certificates", OPTION_TEXTS, AT(certificates), .convert = convert_path,
     .help = "Files with encryption certificates, consulted before all other sources"},
    {"anchors", OPTION_TEXTS, AT(anchors), .convert = convert_anchor, .group = &bundle_options,
     .help = "Files with certification authorities that are trusted for this domain only"},
    {"intermediates", OPTION_TEXTS, AT(intermediates), .convert = convert_path,
     .help = "Files with more authorities that complete certification paths for this domain"},
    {"revocation", OPTION_GROUP, .group = &partner_revocation_options,
     .help = "Whether certificates have been revoked, for this domain"},
    {"require_certificate", OPTION_GROUP, .group = &demands_options,
     .help = "What certificates of the domain must be, beyond trusted"},
    {"naming", OPTION_WORD, AT(naming), .fallback = "rfc3183", .words = naming_words,
     .help = "Naming convention that a certificate must follow to act for the domain"},
    {"gateway_addresses", OPTION_TEXTS, AT(gateway_addresses), .convert = convert_address,
     .help = "Addresses of the partner's gateway, for naming = \"address\""},
    {"groups", OPTION_GROUPS, AT(groups), .group = &group_options,
     .help = "Addresses of the partner that share a certificate"},
    {"prefer", OPTION_TEXTS, AT(prefer), .computed = "what the first source has", .convert = convert_certificate_kind,
     .help = "Which certificate of a recipient is taken first"},
    {"lookup_grace", OPTION_COUNT, AT(lookup_grace), .fallback = "0", .minimum = 0, .maximum = 604800,
     .help = "Seconds for which certificates that were found still count while their source fails"},
    {"x500_name", OPTION_TEXTS, AT(x500_name), .convert = convert_x500,
     .help = "X.500 name of the domain, for certificates that contain no mail domain"},
    {"null_signature", OPTION_SWITCH, AT(form.null_signature), .fallback = "true",
     .help = "Whether an unsigned message gets the empty signature layer of RFC 3183 before the domain signature"},
    {"format", OPTION_WORD, AT(form.format), .fallback = "clear", .words = format_words,
     .help = "Format of signed messages"},
    {"signature", OPTION_WORD, AT(form.signature), .fallback = "rsa-pss", .words = signature_words,
     .help = "Signature algorithm of an RSA key"},
    {"digest", OPTION_WORD, AT(form.digest), .fallback = "sha256", .words = digest_words,
     .help = "Digest algorithm of signatures"},
    {"cipher", OPTION_WORD, AT(form.cipher), .fallback = "aes-256-gcm", .words = cipher_words,
     .help = "Content encryption algorithm"},
    {"key_transport", OPTION_WORD, AT(form.key_transport), .fallback = "rsa-oaep", .words = key_transport_words,
     .help = "Key transport algorithm for an RSA certificate"},
    {"capabilities", OPTION_GROUP, AT(capabilities), .group = &capabilities_options,
     .help = "Whether other algorithms are chosen, because a correspondent's software announces them"},
    {"label_header", OPTION_TEXT, AT(label_header), .convert = convert_field_name,
     .help = "Header field whose value selects the security label"},
    {"labels", OPTION_GROUPS, AT(labels), .group = &label_options, .help = "Security labels for outbound messages"},
};
#undef AT
const struct option_table partner_options = TABLE("policy", partner_rows);

#define AT(member) offsetof(struct group_conf, member)
static const struct conf_option group_rows[] = {
    {"members", OPTION_TEXTS, AT(members), .required = true, .convert = convert_address_member,
     .help = "Mailboxes of the group"},
    {"certificates", OPTION_TEXTS, AT(certificates), .required = true, .convert = convert_path,
     .help = "Files with the certificates of the group"},
    {"naming", OPTION_WORD, AT(naming), .fallback = "pinned", .words = group_naming_words,
     .help = "Naming convention that a certificate must follow to act for the group"},
};
#undef AT
const struct option_table group_options = TABLE("groups", group_rows);

const struct option_table rule_options = {.name = "rules",
                                          .options = rule_rows,
                                          .count = RULE_ROWS,
                                          .also = &outbound_options,
                                          .also_offset = offsetof(struct rule, outbound)};

#define AT(member) offsetof(struct label_conf, member)
static const struct conf_option label_rows[] = {
    {"value", OPTION_TEXT, AT(value), .help = "Value of the header field that selects this label"},
    {"policy", OPTION_TEXT, AT(policy), .required = true, .convert = convert_oid,
     .help = "Security policy, as a dotted OID"},
    {"classification", OPTION_WORD, AT(classification), .fallback = "none", .words = classification_words,
     .help = "Security classification"},
    {"mark", OPTION_TEXT, AT(mark), .convert = convert_mark, .help = "Privacy mark"},
    {"equivalent", OPTION_SWITCH, AT(equivalent), .fallback = "false",
     .help = "Whether this is an equivalent label, added beside the label"},
};
#undef AT
const struct option_table label_options = TABLE("labels", label_rows);
