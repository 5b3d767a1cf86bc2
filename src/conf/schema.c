/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: every key of domsec.conf, one row each. No other file than the schemas knows a key's range or default.
 */
#include "option.h"
#include "words.h"

#define KB 1024LL
#define GB (KB * KB * KB)
#define TABLE(table_name, rows)                                                                                        \
    {                                                                                                                  \
        .name = (table_name), .options = (rows), .count = G_N_ELEMENTS(rows)                                           \
    }

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
    {"fetch_networks", OPTION_TEXTS, AT(fetch_networks), .convert = convert_network,
     .help = "Internal networks to which the gateway may connect where a certificate points there"},
    {"pass_daemons", OPTION_TEXTS, AT(pass_daemons),
     .help = "Listeners of the MTA whose mail the gateway does not touch"},
    {"authserv_id", OPTION_TEXT, AT(authserv_id), .computed = "the host's name", .convert = convert_authserv_id,
     .help = "Identifier of this gateway in Authentication-Results"},
    {"policy_dir", OPTION_TEXT, AT(policy_dir), .convert = convert_path,
     .help = "Directory with one policy file per partner domain"},
    {"trust_anchors", OPTION_TEXTS, AT(trust_anchors), .convert = convert_anchor, .group = &bundle_options,
     .help = "Files with the certificates of trusted certification authorities"},
    {"intermediates", OPTION_TEXTS, AT(intermediates), .convert = convert_path,
     .help = "Files with authorities that complete certification paths and are not trusted themselves"},
    {"fetch_issuers", OPTION_SWITCH, AT(fetch_issuers), .fallback = "false",
     .help = "Whether the certificate of an authority is fetched from where a certificate says it is"},
    {"revocation", OPTION_GROUP, .group = &revocation_options, .help = "Whether certificates have been revoked"},
    {"crls", OPTION_TEXTS, AT(crls), .convert = convert_path, .help = "Short form of revocation.crls"},
    {"certificate_directory", OPTION_TEXT, AT(certificate_dir), .convert = convert_path,
     .help = "Directory with one certificate per file"},
    {"store", OPTION_TEXT, AT(store), .convert = convert_store,
     .help = "Database of what is learned and kept, such as partners' certificates"},
    {"sources", OPTION_TEXTS, AT(sources), .fallback = SOURCES_DEFAULT, .convert = convert_source,
     .help = "Sources of certificates, in the order in which they are asked"},
    {"lookup_timeout", OPTION_COUNT, AT(lookup_timeout), .fallback = "10", .minimum = 1, .maximum = 120,
     .help = "Seconds for all lookups of one message"},
    {"ldap", OPTION_GROUPS, AT(ldap), .group = &ldap_options,
     .help = "Directories that are asked for certificates by LDAP"},
    {"identities", OPTION_GROUPS, AT(identities), .group = &identity_options,
     .help = "Our certificates and private keys"},
    {"identity_logins", OPTION_GROUPS, AT(logins), .group = &login_options, .help = "In whose name a login may sign"},
    {"mail_from_is_checked", OPTION_SWITCH, AT(mail_from_is_checked), .fallback = "false",
     .help = "Whether the MTA lets a login use only its own addresses as MAIL FROM"},
    {"lists", OPTION_NAMED, AT(lists), .help = "Lists of addresses, each under a name"},
    {"key_environment", OPTION_TEXTS, AT(key_environment), .convert = convert_variable,
     .help = "Environment variables for the modules of tokens, each as \"NAME=VALUE\""},
    {"key_process", OPTION_SWITCH, AT(key_process), .fallback = "true",
     .help = "Whether the private keys in files are held by a process of their own"},
    {"seccomp", OPTION_SWITCH, AT(seccomp), .fallback = "true",
     .help = "Whether the daemon and the process of the keys give up the system calls that they do not need"},
    {"user", OPTION_TEXT, AT(user), .help = "Account under which the daemon runs if it is started as root"},
    {"pid_file", OPTION_TEXT, AT(pid_file), .convert = convert_path, .help = "PID file of the daemon"},
    {"metrics_file", OPTION_TEXT, AT(metrics_file), .convert = convert_path,
     .help = "File to which counters are written in the Prometheus text format"},
    {"log_level", OPTION_WORD, AT(log_level), .fallback = "info", .words = log_level_words,
     .help = "Lowest severity that is logged"},
    {"mixed_recipients", OPTION_WORD, AT(mixed_recipients), .computed = "\"reject\"; \"split\" with the group split",
     .words = mixed_words, .help = "What to do when no single treatment suits all recipients"},
    {"split", OPTION_GROUP, .group = &split_options, .help = "How a message is split by Postfix"},
    {"dns", OPTION_GROUP, .group = &dns_options, .help = "How the DNS is asked"},
    {"harvest", OPTION_GROUP, .group = &harvest_options,
     .help = "Whether certificates of messages that arrive are kept and used"},
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
    {"origin", OPTION_TEXT, AT(origin), .convert = convert_origin,
     .help = "Where the private key was made and is kept, as far as the gateway cannot see it"},
    {"escrowed", OPTION_STATED, AT(escrowed), .help = "Whether others have a copy of the private key"},
    {"from", OPTION_TIME, AT(from), .help = "Date from which the identity signs and is shown to partners"},
    {"until", OPTION_TIME, AT(until), .help = "Date on which the identity ends and its key no longer decrypts"},
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
