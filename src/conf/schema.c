/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: every key of domsec.conf and of a policy file, one row each, and the words that some of them take. No other
 * file knows a key's range or default.
 */
#include "option.h"

#include "base/log.h"

#define KB 1024LL
#define GB (KB * KB * KB)
#define TABLE(table_name, rows)                                                                                        \
    {                                                                                                                  \
        .name = (table_name), .options = (rows), .count = G_N_ELEMENTS(rows)                                           \
    }

static const char *const role_words[] = {"domain-signing-authority", "domain-confidentiality-authority",
                                         "review-authority", "attribute-authority", NULL};
static const char *const protect_words[] = {"none", "sign", "encrypt", "sign+encrypt", "triple", NULL};
static const char *const no_certificate_words[] = {"reject", "tempfail", "sign", "plain", NULL};
static const char *const sign_as_words[] = {"domain", "mailbox", "mailbox+domain", NULL};
static const char *const no_identity_words[] = {"reject", "domain", NULL};
static const char *const unauthentic_words[] = {"reject", "tempfail", "unsigned", NULL};
static const char *const require_words[] = {"none", "sign", "encrypt", "sign+encrypt", NULL};
static const char *const mode_words[] = {"enforce", "test", NULL};
static const char *const undecryptable_words[] = {"deliver", "reject", "tempfail", NULL};
static const char *const malleable_words[] = {"accept", "refuse", NULL};
static const char *const unreadable_words[] = {"pass", "reject", "tempfail", NULL};
static const char *const signed_by_words[] = {"any", "domain", "originator", "both", NULL};
static const char *const originator_signatures_words[] = {"keep", "remove", NULL};
static const char *const protected_headers_words[] = {"restore", "keep", NULL};
static const char *const protect_headers_words[] = {"none", "sign", "baseline", "shy", NULL};
static const char *const misleading_names_words[] = {"refuse", "accept", NULL};
static const char *const classification_words[] = {"none",         "unmarked", "unclassified", "restricted",
                                                   "confidential", "secret",   "top-secret",   NULL};
static const char *const naming_words[] = {"rfc3183", "mailbox", "domain", "pinned", "address", NULL};
static const char *const group_naming_words[] = {"pinned", "mailbox", NULL};
static const char *const without_type_words[] = {"originator", "domain", NULL};
static const char *const format_words[] = {"clear", "opaque", NULL};
static const char *const signature_words[] = {"rsa-pss", "rsa-pkcs1", NULL};
static const char *const digest_words[] = {"sha256", "sha384", "sha512", NULL};
static const char *const cipher_words[] = {"aes-128-gcm", "aes-256-gcm", "aes-128-cbc",
                                           "aes-192-cbc", "aes-256-cbc", NULL};
static const char *const key_transport_words[] = {"rsa-oaep", "rsa-pkcs1", NULL};
static const char *const revocation_check_words[] = {"off", "soft", "hard", NULL};
static const char *const mixed_words[] = {"reject", "tempfail", "split", NULL};
static const char *const crashing_words[] = {"tempfail", "reject", "quarantine", NULL};
static const char *const log_level_words[] = {"error", "warning", "info", "debug", NULL};

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
const struct option_table revocation_options = TABLE("revocation", revocation_rows);

#define AT(member) offsetof(struct partner, own_revocation.member)
static const struct conf_option partner_revocation_rows[] = {REVOCATION_ROWS};
#undef AT
const struct option_table partner_revocation_options = TABLE("revocation of a partner", partner_revocation_rows);

#define AT(member) offsetof(struct conf, split.member)
static const struct conf_option split_rows[] = {
    {"keys", OPTION_TEXTS, AT(keys), .required = true, .convert = convert_key,
     .help = "URIs of the keys that seal a message on its way through the queue"},
    {"daemon_name", OPTION_TEXT, AT(daemon_name), .fallback = "domsec-split",
     .help = "Listener of Postfix on which sealed messages come back"},
    {"copies", OPTION_TEXTS, AT(copies), .convert = convert_address,
     .help = "Addresses outside our domains to which Postfix sends copies of its own accord"},
    {"aliases", OPTION_SWITCH, AT(aliases), .fallback = "false",
     .help = "Whether each message to one of our domains is sealed, because an alias may lead outside"},
    {"proven", OPTION_SWITCH, AT(proven), .fallback = "false",
     .help = "Whether Postfix is known to bring sealed messages back"},
    {"max_age", OPTION_COUNT, AT(max_age), .fallback = "30", .minimum = 1, .maximum = 3650,
     .help = "Days after which a sealed message is no longer accepted"},
};
#undef AT
const struct option_table split_options = TABLE("split", split_rows);

#define AT(member) offsetof(struct conf, member)
static const struct conf_option main_rows[] = {
    {"listen", OPTION_TEXT, AT(listen), .fallback = "inet:8891@127.0.0.1", .convert = convert_listen,
     .help = "Socket on which the daemon listens for the MTA"},
    {"local_domains", OPTION_TEXTS, AT(local_domains), .required = true, .convert = convert_local_domain,
     .help = "Domains whose mail this gateway protects"},
    {"trusted_networks", OPTION_TEXTS, AT(trusted_networks), .convert = convert_network,
     .help = "Networks whose clients may send as any local domain without SMTP authentication"},
    {"pass_daemons", OPTION_TEXTS, AT(pass_daemons),
     .help = "Listeners of the MTA whose mail the gateway does not touch"},
    {"authserv_id", OPTION_TEXT, AT(authserv_id), .computed = "the host's name", .convert = convert_authserv_id,
     .help = "Identifier of this gateway in Authentication-Results"},
    {"policy_dir", OPTION_TEXT, AT(policy_dir), .convert = convert_path,
     .help = "Directory with one policy file per partner domain"},
    {"trust_anchors", OPTION_TEXTS, AT(trust_anchors), .convert = convert_path,
     .help = "Files with the certificates of trusted certification authorities"},
    {"intermediates", OPTION_TEXTS, AT(intermediates), .convert = convert_path,
     .help = "Files with authorities that complete certification paths and are not trusted themselves"},
    {"revocation", OPTION_GROUP, .group = &revocation_options, .help = "Whether certificates have been revoked"},
    {"crls", OPTION_TEXTS, AT(crls), .convert = convert_path, .help = "Short form of revocation.crls"},
    {"certificate_directory", OPTION_TEXT, AT(certificate_dir), .convert = convert_path,
     .help = "Directory of the certificate store"},
    {"identities", OPTION_GROUPS, AT(identities), .group = &identity_options,
     .help = "Our certificates and private keys"},
    {"identity_logins", OPTION_GROUPS, AT(logins), .group = &login_options, .help = "In whose name a login may sign"},
    {"mail_from_is_checked", OPTION_SWITCH, AT(mail_from_is_checked), .fallback = "false",
     .help = "Whether the MTA lets a login use only its own addresses as MAIL FROM"},
    {"lists", OPTION_NAMED, AT(lists), .help = "Lists of addresses, each under a name"},
    {"user", OPTION_TEXT, AT(user), .help = "Account under which the daemon runs if it is started as root"},
    {"pid_file", OPTION_TEXT, AT(pid_file), .convert = convert_path, .help = "PID file of the daemon"},
    {"metrics_file", OPTION_TEXT, AT(metrics_file), .convert = convert_path,
     .help = "File to which counters are written in the Prometheus text format"},
    {"log_level", OPTION_WORD, AT(log_level), .fallback = "info", .words = log_level_words,
     .help = "Lowest severity that is logged"},
    {"mixed_recipients", OPTION_WORD, AT(mixed_recipients), .computed = "\"reject\"; \"split\" with the group split",
     .words = mixed_words, .help = "What to do when no single treatment suits all recipients"},
    {"split", OPTION_GROUP, .group = &split_options, .help = "How a message is split by Postfix"},
    {"crashing_messages", OPTION_WORD, AT(crashing_messages), .fallback = "tempfail", .words = crashing_words,
     .help = "What to do with a message that has crashed the daemon twice"},
    {"crypto_threads", OPTION_COUNT, AT(max_crypto), .fallback = "0", .minimum = 0, .maximum = 1024,
     .help = "Maximum number of messages in cryptographic processing at the same time"},
    {"milter_timeout", OPTION_COUNT, AT(timeout), .fallback = "7210", .minimum = 1, .maximum = 86400,
     .help = "Seconds to wait for the MTA"},
    {"spool_directory", OPTION_TEXT, AT(limits.spool_dir), .computed = "\"/var/spool/domsec\"",
     .convert = convert_folder, .help = "Directory for the temporary files of large messages"},
    {"state_directory", OPTION_TEXT, AT(state_dir), .computed = "\"/var/lib/domsec\"", .convert = convert_folder,
     .help = "Directory for what the daemon remembers when it is restarted"},
    {"memory_limit", OPTION_SIZE, AT(limits.memory), .fallback = "1048576", .minimum = 0, .maximum = GB,
     .help = "Maximum number of bytes of a message that are held in memory"},
    {"message_size_limit", OPTION_SIZE, AT(limits.message_size), .fallback = "52428800", .minimum = KB, .maximum = GB,
     .help = "Maximum size of a message in bytes"},
    /* GMime copies pieces of a field to the stack, whatever their length. */
    {"header_size_limit", OPTION_SIZE, AT(limits.header_size), .fallback = "262144", .minimum = KB,
     .maximum = 1024 * KB, .help = "Maximum size of a header in bytes"},
    {"header_count_limit", OPTION_COUNT, AT(limits.header_count), .fallback = "1000", .minimum = 1, .maximum = 100000,
     .help = "Maximum number of fields in a header"},
    {"mime_nesting_limit", OPTION_COUNT, AT(limits.nesting), .fallback = "20", .minimum = 1, .maximum = 200,
     .help = "Maximum nesting depth of multiparts"},
    {"mime_parts_limit", OPTION_COUNT, AT(limits.parts), .fallback = "1000", .minimum = 1, .maximum = 100000,
     .help = "Maximum number of MIME parts in a message"},
    {"layers_limit", OPTION_COUNT, AT(limits.layers), .fallback = "10", .minimum = 1, .maximum = 100,
     .help = "Maximum number of signed, encrypted and compressed layers in a message"},
    {"recipients_limit", OPTION_COUNT, AT(limits.recipients), .fallback = "1000", .minimum = 1, .maximum = 50000,
     .help = "Maximum number of recipients of a message"},
    {"signers_limit", OPTION_COUNT, AT(limits.signers), .fallback = "20", .minimum = 1, .maximum = 1000,
     .help = "Maximum number of signatures in a signed layer"},
    {"certificates_limit", OPTION_COUNT, AT(limits.certificates), .fallback = "100", .minimum = 1, .maximum = 10000,
     .help = "Maximum number of certificates in a signed layer"},
    {"names_limit", OPTION_COUNT, AT(limits.names), .fallback = "500", .minimum = 1, .maximum = 10000,
     .help = "Maximum number of names of one kind in a certificate"},
    {"work_limit", OPTION_COUNT, AT(limits.work), .fallback = "100", .minimum = 10, .maximum = 100000,
     .help = "Maximum work on the layers of a message, in counted milliseconds"},
};
#undef AT
const struct option_table main_options = TABLE("domsec.conf", main_rows);

#define AT(member) offsetof(struct identity_conf, member)
static const struct conf_option identity_rows[] = {
    {"domain", OPTION_TEXT, AT(domain), .computed = "required, unless address is there", .convert = convert_domain,
     .help = "Domain that the identity acts for"},
    {"role", OPTION_WORD, AT(role), .computed = "required with domain", .words = role_words,
     .help = "Role in which the identity acts"},
    {"address", OPTION_TEXTS, AT(addresses), .convert = convert_address_member,
     .help = "Mailboxes whose own identity this is, in place of domain and role"},
    {"certificate", OPTION_TEXT, AT(certificate), .required = true, .convert = convert_path,
     .help = "File with the certificate, followed by its chain"},
    {"key", OPTION_TEXT, AT(key), .required = true, .convert = convert_key, .help = "URI of the private key"},
    {"passphrase_file", OPTION_TEXT, AT(passphrase_file), .convert = convert_path,
     .help = "File with the passphrase that the key is encrypted with"},
};
#undef AT
const struct option_table identity_options = TABLE("identities", identity_rows);

#define AT(member) offsetof(struct login_conf, member)
static const struct conf_option login_rows[] = {
    {"login", OPTION_TEXT, AT(login), .required = true, .help = "Name that a client authenticates with"},
    {"addresses", OPTION_TEXTS, AT(addresses), .required = true, .convert = convert_address_member,
     .help = "Mailboxes in whose name it may sign"},
};
#undef AT
const struct option_table login_options = TABLE("identity_logins", login_rows);

#define AT(member) offsetof(struct outbound_rule, member)
static const struct conf_option outbound_rows[] = {
    {"protect", OPTION_WORD, AT(protect), .fallback = "none", .words = protect_words,
     .help = "Protection applied to mail for the domain"},
    {"sign_as", OPTION_WORD, AT(sign_as), .fallback = "domain", .words = sign_as_words,
     .help = "Whose signature protect applies"},
    {"no_identity", OPTION_WORD, AT(no_identity), .fallback = "reject", .words = no_identity_words,
     .help = "What to do when sign_as asks for the author's own signature and it may not be made"},
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
    {"anchors", OPTION_TEXTS, AT(anchors), .convert = convert_path,
     .help = "Files with certification authorities that are trusted for this domain only"},
    {"intermediates", OPTION_TEXTS, AT(intermediates), .convert = convert_path,
     .help = "Files with more authorities that complete certification paths for this domain"},
    {"revocation", OPTION_GROUP, .group = &partner_revocation_options,
     .help = "Whether certificates have been revoked, for this domain"},
    {"naming", OPTION_WORD, AT(naming), .fallback = "rfc3183", .words = naming_words,
     .help = "Naming convention that a certificate must follow to act for the domain"},
    {"gateway_addresses", OPTION_TEXTS, AT(gateway_addresses), .convert = convert_address,
     .help = "Addresses of the partner's gateway, for naming = \"address\""},
    {"groups", OPTION_GROUPS, AT(groups), .group = &group_options,
     .help = "Addresses of the partner that share a certificate"},
    {"prefer", OPTION_TEXTS, AT(prefer), .computed = "what the first source has", .convert = convert_certificate_kind,
     .help = "Which certificate of a recipient is taken first"},
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

/* A number without a word is a bug in the caller; it must not cause a read past the table. */
static const char *word(const char *const *words, unsigned index)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (i == index)
            return words[i];
    return "?";
}

const char *role_name(enum role role)
{
    return role == ROLE_MAILBOX ? "mailbox" : word(role_words, role);
}

const char *protect_name(enum protect protect)
{
    return word(protect_words, protect);
}

const char *no_certificate_name(enum no_certificate no_certificate)
{
    return word(no_certificate_words, no_certificate);
}

const char *unauthentic_name(enum unauthentic unauthentic)
{
    return word(unauthentic_words, unauthentic);
}

const char *sign_as_name(enum sign_as sign_as)
{
    return word(sign_as_words, sign_as);
}

const char *no_identity_name(enum no_identity no_identity)
{
    return word(no_identity_words, no_identity);
}

const char *require_name(enum require require)
{
    return word(require_words, require);
}

const char *otherwise_name(enum otherwise otherwise)
{
    return word(otherwise_words, otherwise);
}

const char *mode_name(enum mode mode)
{
    return word(mode_words, mode);
}

const char *undecryptable_name(enum undecryptable undecryptable)
{
    return word(undecryptable_words, undecryptable);
}

const char *unreadable_name(enum unreadable unreadable)
{
    return word(unreadable_words, unreadable);
}

const char *mixed_name(enum mixed mixed)
{
    return word(mixed_words, mixed);
}

const char *protect_headers_name(enum protect_headers headers)
{
    return word(protect_headers_words, headers);
}

const char *signature_name(enum signature signature)
{
    return word(signature_words, signature);
}

const char *digest_name(enum digest digest)
{
    return word(digest_words, digest);
}

const char *cipher_name(enum cipher cipher)
{
    return word(cipher_words, cipher);
}

const char *key_transport_name(enum key_transport key_transport)
{
    return word(key_transport_words, key_transport);
}

const char *naming_name(enum naming naming)
{
    return word(naming_words, naming);
}

G_STATIC_ASSERT(G_N_ELEMENTS(role_words) == ROLE_COUNT + 1);
G_STATIC_ASSERT((int)LOG_LEVEL_ERROR == 0 && (int)LOG_LEVEL_DEBUG == 3);
