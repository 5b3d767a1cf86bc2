/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: an immutable snapshot of domsec.conf and of every policy file, reference-counted and thread-safe.
 *
 * What each key means, its range and its default is in domsec.conf(5) and, for the parser, in the option tables of
 * src/conf/. All paths in the snapshot are absolute (they were relative to the folder of domsec.conf, also in policy
 * files). All domains are A-labels in lower case.
 * Certificates and keys are only named here; keys/, certs/ and trust/ open them and add their own faults.
 */
#ifndef DOMSEC_CONF_CONF_H
#define DOMSEC_CONF_CONF_H

#include "base/domain.h"
#include "conf/address_set.h"
#include "conf/bundle.h"
#include "conf/demands.h"
#include "conf/faults.h"
#include "conf/ldap.h"
#include "conf/revocation.h"
#include "conf/rules.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* RFC 3183 §3.1.1 and §4.1. The name of a role is both its CN and the local part of its address. */
enum role {
    ROLE_DOMAIN_SIGNING,         /* domain-signing-authority */
    ROLE_DOMAIN_CONFIDENTIALITY, /* domain-confidentiality-authority */
    ROLE_REVIEW,                 /* review-authority */
    ROLE_ATTRIBUTE,              /* attribute-authority */
    ROLE_MAILBOX,                /* not one of RFC 3183: an identity of a mailbox or a group */
};
#define ROLE_COUNT 4 /* of RFC 3183 */
const char *role_name(enum role role);

enum protect {
    PROTECT_NONE,
    PROTECT_SIGN,
    PROTECT_ENCRYPT,
    PROTECT_SIGN_ENCRYPT,
    PROTECT_TRIPLE,
    PROTECT_OPPORTUNISTIC, /* signs, and encrypts where there is a certificate */
};
enum no_certificate { NO_CERTIFICATE_REJECT, NO_CERTIFICATE_TEMPFAIL, NO_CERTIFICATE_SIGN, NO_CERTIFICATE_PLAIN };
enum require { REQUIRE_NONE, REQUIRE_SIGN, REQUIRE_ENCRYPT, REQUIRE_SIGN_ENCRYPT };
enum mode { MODE_ENFORCE, MODE_TEST };
enum otherwise { OTHERWISE_REJECT, OTHERWISE_QUARANTINE, OTHERWISE_TAG };
enum undecryptable { UNDECRYPTABLE_DELIVER, UNDECRYPTABLE_REJECT, UNDECRYPTABLE_TEMPFAIL };
enum unauthentic { UNAUTHENTIC_REJECT, UNAUTHENTIC_TEMPFAIL, UNAUTHENTIC_UNSIGNED };
/* Whose signatures go on what leaves: the domain's, the author's own, or both. */
enum sign_as { SIGN_AS_DOMAIN, SIGN_AS_MAILBOX, SIGN_AS_BOTH };
enum no_identity { NO_IDENTITY_REJECT, NO_IDENTITY_DOMAIN };
enum unreadable { UNREADABLE_PASS, UNREADABLE_REJECT, UNREADABLE_TEMPFAIL };
enum originator_signatures { ORIGINATOR_SIGNATURES_KEEP, ORIGINATOR_SIGNATURES_REMOVE };
enum protected_headers { PROTECTED_HEADERS_RESTORE, PROTECTED_HEADERS_KEEP };
/* Which header fields are protected inside (RFC 9788), each with more than the one before. */
enum protect_headers {
    PROTECT_HEADERS_NONE,
    PROTECT_HEADERS_SIGN,     /* fields are repeated inside */
    PROTECT_HEADERS_BASELINE, /* … and what a message is about is hidden outside, if it is encrypted (§3.2.1) */
    PROTECT_HEADERS_SHY,      /* … and the names in addresses, and the time zone, too */
};
enum misleading_names { MISLEADING_NAMES_REFUSE, MISLEADING_NAMES_ACCEPT };
enum malleable { MALLEABLE_ACCEPT, MALLEABLE_REFUSE };
/* What a signature without SignatureType counts as, if its certificate acts for the domain. */
enum without_signature_type { WITHOUT_TYPE_ORIGINATOR, WITHOUT_TYPE_DOMAIN };
/* Whose signature meets inbound.require. */
enum signed_by { SIGNED_BY_ANY, SIGNED_BY_DOMAIN, SIGNED_BY_ORIGINATOR, SIGNED_BY_BOTH };
/* RFC 2634 §3.2 security-classification, plus one; none: absent. */
enum classification {
    CLASSIFICATION_NONE,
    CLASSIFICATION_UNMARKED,
    CLASSIFICATION_UNCLASSIFIED,
    CLASSIFICATION_RESTRICTED,
    CLASSIFICATION_CONFIDENTIAL,
    CLASSIFICATION_SECRET,
    CLASSIFICATION_TOP_SECRET
};
enum naming { NAMING_RFC3183, NAMING_MAILBOX, NAMING_DOMAIN, NAMING_PINNED, NAMING_ADDRESS };
enum format { FORMAT_CLEAR, FORMAT_OPAQUE };
enum signature { SIGNATURE_RSA_PSS, SIGNATURE_RSA_PKCS1 };
enum digest { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };
/* First those that authenticate, and in each kind by the length of the key. */
enum cipher { CIPHER_AES_128_GCM, CIPHER_AES_256_GCM, CIPHER_AES_128_CBC, CIPHER_AES_192_CBC, CIPHER_AES_256_CBC };
enum key_transport { KEY_TRANSPORT_RSA_OAEP, KEY_TRANSPORT_RSA_PKCS1 };

/* The words of the configuration for these values ("sign+encrypt"); lent, static. */
const char *protect_name(enum protect protect);
const char *no_certificate_name(enum no_certificate no_certificate);
const char *unauthentic_name(enum unauthentic unauthentic);
const char *require_name(enum require require);
const char *otherwise_name(enum otherwise otherwise);
const char *mode_name(enum mode mode);
const char *sign_as_name(enum sign_as sign_as);
const char *no_identity_name(enum no_identity no_identity);
const char *unreadable_name(enum unreadable unreadable);
const char *undecryptable_name(enum undecryptable undecryptable);
const char *naming_name(enum naming naming);
const char *protect_headers_name(enum protect_headers headers);
const char *signature_name(enum signature signature);
const char *digest_name(enum digest digest);
const char *cipher_name(enum cipher cipher);
const char *key_transport_name(enum key_transport key_transport);

/* A NULL-terminated list of strings is `char **`, never NULL itself. */

struct partner;

struct outbound_rule {
    enum protect protect;
    enum no_certificate no_certificate;
    enum unauthentic unauthentic; /* key `unauthentic`: a signature is due, but the originator is not authentic */
    enum unreadable unreadable;   /* key `unreadable`: encrypted end to end, so that we cannot look inside */
    bool review;                  /* key `review`: our review-authority signs before the domain does */
    bool attributes;              /* key `attributes`: our attribute-authority signs the label before the domain does */
    char **require_review; /* key `require_review`: files with the certificates of review authorities, one of whose
                              signatures the message must carry; empty: none is asked for */
    unsigned require_review_line;
    enum protect_headers header_protection; /* key `header_protection` */
    bool encrypt_to_self;         /* key `encrypt_to_self`: our own confidentiality authority can decrypt too (audit) */
    bool refuse;                  /* key `refuse`: mail is rejected */
    enum sign_as sign_as;         /* key `sign_as`: of what `protect` signs */
    enum no_identity no_identity; /* key `no_identity`: no identity may or can make the signature that is due */
    struct sign_with_conf sign_with; /* group `sign_with` */
};

struct inbound_rule {
    enum require require;
    enum otherwise otherwise;
    enum undecryptable undecryptable; /* key `undecryptable`: encrypted, and none of our keys opens it */
    enum signed_by signed_by;         /* key `signed_by` */
    enum without_signature_type without_signature_type; /* key `without_signature_type` */
    enum originator_signatures originator_signatures;   /* key `originator_signatures`: whether those that pass stay */
    enum protected_headers protected_headers; /* key `protected_headers`: whether protected fields take their place */
    enum misleading_names misleading_names;   /* key `misleading_names`: of an author whose name is another address */
    bool require_authenticated_encryption;    /* CBC, which does not protect against changes, is not decrypted */
    enum malleable malleable; /* key `malleable`: CBC without the signature inside that require asks for */
    char **accept_labels; /* key `accept_labels`: security policies (dotted OIDs) of labels that we know; empty: any */
    enum classification max_classification; /* key `max_classification`; none: any */
    char *subject_verified;   /* key `subject_verified`: text before the Subject of what meets `require`; NULL: none */
    char *subject_unverified; /* key `subject_unverified`: of what does not; NULL: none */
};

/* One group of `labels`: the ESS security label (RFC 2634 §3) of messages. */
struct label_conf {
    char *value;  /* of the field label_header, compared without case; NULL: any message */
    char *policy; /* dotted OID */
    enum classification classification;
    char *mark;      /* privacy mark; NULL: none */
    bool equivalent; /* goes into EquivalentLabels beside the label */
};

/* Which S/MIME software at the partner reads: how layers for it are written. */
struct form {
    bool null_signature;
    enum format format;
    enum signature signature;
    enum digest digest;
    enum cipher cipher;
    enum key_transport key_transport;
};

/* A group `capabilities`: whether what a partner's software announces counts, and the weakest algorithms that it may
 * lead to. Those of the form are always allowed. */
struct capabilities_conf {
    bool follow;
    enum cipher cipher;
    enum digest digest;
    enum key_transport key_transport;
};

/* What is done to a message. Data only: policy/ finds the rule that fits a message and decides by it. */
struct rule {
    const struct partner *partner; /* whose rule it is */
    struct outbound_rule outbound;
    struct inbound_rule inbound; /* its strings are those of the partner's base */
    struct when when;
    unsigned criteria; /* CRITERION_BIT() of those in `when`; 0: the base */
    bool lowers;       /* key `lowers`: it may lower the protection though it fits by the sender's words */
    bool leaves;       /* it counts for mail that leaves */
    bool arrives;      /* it counts for mail that arrives: it has the key `otherwise` */
    const char *file;  /* g_intern_string() */
    unsigned line;     /* 0: the base */
};

/* Whose certificate is encrypted to. */
enum certificate_kind { CERTIFICATE_OWN, CERTIFICATE_GROUP, CERTIFICATE_DOMAIN };
#define CERTIFICATE_KINDS 3
#define CERTIFICATE_UNWANTED UINT_MAX
const char *certificate_kind_name(enum certificate_kind kind);

/* Whether a group's certificates need not name a member. */
enum group_naming { GROUP_NAMING_PINNED, GROUP_NAMING_MAILBOX };

/* One group of `groups`: addresses of a partner that share a certificate. */
struct group_conf {
    size_t index;                  /* its place in partner->groups */
    char **members;                /* mailboxes and patterns */
    struct address_set *mailboxes; /* the same, to look addresses up */
    char **certificates;           /* files */
    enum group_naming naming;
    unsigned line;
};

/* One policy file: a partner domain, the certificates and authorities that stand for it, and the form that its software
 * reads. */
struct partner {
    size_t index;        /* its place in conf->partners */
    char *file;          /* absolute path */
    char *name;          /* file name without the folder ("partner.test.conf"); "built-in" for the built-in default */
    char *domain;        /* NULL: default.conf or built-in, for each domain that has no file of its own */
    char **certificates; /* files */
    char **anchors;      /* files; conf_has_anchors() */
    struct bundles_conf bundles; /* the others of `anchors` */
    char **intermediates;        /* files, beside the global ones */
    struct revocation_conf own_revocation;
    const struct revocation_conf *revocation; /* own_revocation if its file has that group; else the global one */
    enum naming naming;
    struct demands_conf demands;
    char **gateway_addresses; /* local parts in lower case; each is in the partner's domain */
    char **x500_name; /* key `x500_name`: "C=US", "O=acme" …, most significant first; empty: the domain has none */
    struct group_conf *groups;
    size_t group_count;
    char **prefer;         /* key `prefer`; empty: what the first source has, the kinds in their order */
    unsigned lookup_grace; /* seconds */
    struct form form;
    struct capabilities_conf capabilities;
    char *label_header; /* NULL: none */
    struct label_conf *labels;
    size_t label_count;
    struct rule base;   /* `outbound` and `inbound`: what is done where no other rule fits */
    struct rule *rules; /* in the order in which they are tried */
    size_t rule_count;
    struct rule_index *rule_index; /* private to conf/ */
    enum mode mode;
    bool is_template; /* key `template` */
    char *use;        /* key `use`; NULL: none */
    unsigned domain_line, certificates_line, anchors_line, intermediates_line, outbound_line,
        inbound_line; /* of these keys in file, for faults; 0: not there */
};

/* One of our identities: a domain's, with a role, or a mailbox's or a group's own. */
struct identity_conf {
    char *domain; /* NULL: ROLE_MAILBOX */
    enum role role;
    char **addresses;              /* key `address`: of ROLE_MAILBOX, mailboxes and patterns; else empty */
    struct address_set *mailboxes; /* the same, to look addresses up; NULL: empty */
    char *name;                    /* of ROLE_MAILBOX, for people: the first of the addresses, and how many more */
    char *certificate;             /* file: leaf, then its chain */
    char *key;                     /* URI; a file: path is absolute by now */
    char *passphrase_file;         /* of the key and of a PKCS #12 bundle; NULL: none */
    char *origin;                  /* key `origin`, as declared: the name of one; NULL: not declared */
    enum stated escrowed;          /* key `escrowed`: others have a copy of the private key */
    time_t from, until;            /* keys of these names; 0: not given; until is the first second after it */
    unsigned line;                 /* in domsec.conf */
};

/* One group of `identity_logins`: in whose name a login may sign. */
struct login_conf {
    char *login; /* compared without ASCII case, as Postfix does */
    char **addresses;
    struct address_set *mailboxes; /* the same, to look addresses up */
    unsigned line;
};

/* What a sender controls has a limit. Sizes in bytes. */
struct limits {
    size_t message_size;   /* key message_size_limit */
    size_t memory;         /* key memory_limit: a message up to this stays in memory, beyond it in spool_dir */
    char *spool_dir;       /* key spool_directory */
    size_t header_size;    /* key header_size_limit: the whole header block */
    unsigned header_count; /* key header_count_limit */
    unsigned nesting;      /* key mime_nesting_limit: MIME multiparts within one entity */
    unsigned parts;        /* key mime_parts_limit: MIME parts of one entity */
    unsigned layers;       /* key layers_limit: S/MIME layers of one message */
    unsigned recipients;   /* key recipients_limit: of one message */
    unsigned signers;      /* key signers_limit: SignerInfos, and RecipientInfos times 100, of one layer */
    unsigned certificates; /* key certificates_limit: in one SignedData */
    unsigned names;        /* key names_limit: of one kind in one certificate */
    unsigned work;         /* key work_limit: of one message, in milliseconds as base/budget.h counts them */
};

enum mixed { MIXED_REJECT, MIXED_TEMPFAIL, MIXED_SPLIT };
const char *mixed_name(enum mixed mixed);

/* The group `split`. */
struct split_conf {
    char **keys;       /* URIs ("file:" with an absolute path); the first seals, all open; empty: there is no group */
    char *daemon_name; /* {daemon_name} of the listener for the second pass */
    char **copies;     /* addresses, in the form of address_key() */
    bool aliases;
    bool proven;
    unsigned max_age; /* days */
    unsigned line;    /* of the keys; 0: not there */
};

/* Which certificates that messages brought are used. */
enum approve {
    APPROVE_OFF,      /* none is harvested, and none that was is used */
    APPROVE_MANUAL,   /* those that an administrator approved */
    APPROVE_ANCHORED, /* also those under a partner's own anchors */
};
const char *approve_name(enum approve approve);

/* The group `harvest`. */
struct harvest_conf {
    enum approve approve;
    unsigned per_sender_daily, daily, total;
    bool announce;
};

/* The group `dns`. */
#define DNS_RESOLVER_SYSTEM "system"                 /* those of /etc/resolv.conf */
#define DNS_RESOLVER_ROOT "root"                     /* none: the servers of the zones, from the root down */
#define DNS_ANCHOR_DEFAULT "/usr/share/dns/root.key" /* Debian's package dns-root-data */
struct dns_conf {
    char **resolver;             /* one of these words, or addresses as ADDRESS[@PORT]; never empty */
    char **anchors;              /* files with DS or DNSKEY records; empty: no zone is proven */
    char *root_hints;            /* file; NULL: those that the library has */
    char **records;              /* "smimea", "cert": in which certificates are looked for */
    unsigned timeout;            /* seconds for what one message asks */
    bool is_used;                /* the group is there, and `sources` names "dns" */
    unsigned line, anchors_line; /* for faults; 0: not there */
};

/* What is done with a message that has crashed the daemon twice. */
enum crashing { CRASHING_TEMPFAIL, CRASHING_REJECT, CRASHING_QUARANTINE };

/* The account of the daemon where `user` names none: the Debian package creates it, and its unit file names it. */
#define CONF_USER_DEFAULT "domsec"
/* The socket of new configurations: Debian's Postfix finds it as unix:domsec/milter, from its chroot, too. */
#define CONF_LISTEN_POSTFIX "local:/var/spool/postfix/domsec/milter"
/* The directory where `state_directory` names none. It need not exist. */
#define CONF_STATE_DEFAULT "/var/lib/domsec"

/* A macro that no MTA has. The daemon asks for it, so that `domsec status` recognises the daemon. */
#define CONF_DAEMON_MACRO "{domsec}"

struct conf {
    char *file;   /* absolute path of domsec.conf */
    char **files; /* all files that were read, domsec.conf, policy files and what they include */
    char *folder;
    char *listen; /* as libmilter takes it: "inet:8891@127.0.0.1", "local:/path" */
    char **local_domains;
    char **pass_daemons;     /* {daemon_name} of the listeners on which nothing is done */
    char **trusted_networks; /* as written; conf_is_trusted_network() compares */
    char **fetch_networks;   /* as written: internal networks from which may be fetched what certificates point to */
    char *authserv_id;
    char *policy_dir;
    char **trust_anchors;        /* files */
    struct bundles_conf bundles; /* the others of `trust_anchors` */
    char **intermediates;        /* files */
    bool fetch_issuers;
    char **crls; /* private to conf/: the short form of revocation.crls */
    struct revocation_conf revocation;
    char *certificate_dir;   /* key certificate_directory; NULL: none */
    char *store;             /* key store, for store_open(): "sqlite:" and an absolute path; NULL: none */
    char **sources;          /* key sources: names of sources of certificates, each once */
    unsigned lookup_timeout; /* seconds */
    struct ldap_conf *ldap;  /* key `ldap` */
    size_t ldap_count;
    struct identity_conf *identities;
    size_t identity_count;
    bool logins_are_addresses; /* identity_logins = "same" */
    struct login_conf *logins; /* identity_logins as a list */
    size_t login_count;
    struct _GHashTable *logins_by_name; /* private to conf_login() */
    bool mail_from_is_checked;          /* key mail_from_is_checked */
    struct lists *lists;                /* private to conf/ */
    struct wanted *wanted;              /* private to conf/ */
    char **tags;                 /* of all rules: what comes off a Subject that leaves; each once, as in when.values */
    struct _GHashTable *origins; /* private to conf_origin() */
    struct limits limits;
    enum mixed mixed_recipients; /* never MIXED_SPLIT without split.keys */
    struct split_conf split;
    struct dns_conf dns;
    struct harvest_conf harvest;
    enum crashing crashing_messages;
    unsigned max_crypto; /* key crypto_threads: messages in cryptographic work at once; default: number of processors */
    unsigned timeout;    /* key milter_timeout, seconds that libmilter waits for the MTA */
    bool seccomp;        /* key seccomp: the processes give up what they do not need of the kernel */
    bool key_process;    /* key key_process: keys of files are held by a process of their own */
    char *user;          /* key user: drop privileges to it; NULL: stay */
    char **key_environment; /* key `key_environment`: "NAME=VALUE" */
    char *state_dir;        /* key state_directory; NULL: CONF_STATE_DEFAULT, if it can be used; conf_state_folder() */
    char *pid_file;         /* NULL: none */
    char *metrics_file;     /* NULL: none */
    int log_level;          /* enum log_level */
    struct partner **partners; /* most specific domain first; the last one is the default, always there */
    size_t partner_count;
    struct _GHashTable *partners_by_domain; /* private to conf_partner() */
    unsigned listen_line, trust_anchors_line, intermediates_line, certificate_dir_line, store_line, user_line,
        state_dir_line, pid_file_line, metrics_file_line; /* of these keys in file, for faults; 0: not there */
    int references;                                       /* private to conf_ref() and conf_unref() */
};

/* Reads domsec.conf and its policy folder. Every fault is added to faults with file:line. Returns NULL if there is
 * any error among them. The reference is the caller's. */
struct conf *conf_load(const char *file, struct faults *faults);
/* The same at a reload: a list of addresses that cannot be read is that of `previous`, with a warning. */
struct conf *conf_reload(const char *file, const struct conf *previous, struct faults *faults);
struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf);
/* Where the daemon remembers what outlives it; lent. */
const char *conf_state_folder(const struct conf *conf);

/* address is a textual IPv4 or IPv6 address (also "IPv6:…" and v4-mapped), as in {client_addr}. NULL is not trusted. */
bool conf_is_trusted_network(const struct conf *conf, const char *address);
/* Compares an address with one network, both as text. False if either is not valid. */
bool conf_network_holds(const char *network, const char *address);
/* domain: normalised (domain_normalise()). Exact match with one of local_domains, or with its subdomains too if the
 * entry is written ".acme.test". */
bool conf_is_local_domain(const struct conf *conf, const char *domain);

/* Whose identity this is, for people; lent. */
const char *identity_owner(const struct identity_conf *identity);
/* Its `until` has come: its key decrypts no more, and its files may be gone. */
bool identity_has_ended(const struct identity_conf *identity, time_t at);
/* Whether both have the same role and domain, or the same addresses: they may take turns. */
bool identity_same_owner(const struct identity_conf *a, const struct identity_conf *b);
/* The request for a certificate that is not there yet; NULL: the certificate is there, or no request is. g_free(). */
char *identity_request(const struct identity_conf *identity);
/* Such a request is there, and another identity of the same owner has a certificate, so that the gateway works. */
bool identity_is_awaited(const struct conf *conf, const struct identity_conf *identity);

/* The group of identity_logins for a login; NULL: there is no such group. Lent by conf; costs one hash probe. */
const struct login_conf *conf_login(const struct conf *conf, const char *login);

/* The group of a partner that an address is a member of: one that names the mailbox before one with the pattern of its
 * domain, the first of equals. NULL: no group has it. */
const struct group_conf *conf_group(const struct partner *partner, const struct address *address);
/* Whether a partner has anchors of its own, in place of the global trust_anchors. */
bool conf_has_anchors(const struct partner *partner);
/* The place of a kind in partner->prefer, or CERTIFICATE_UNWANTED. */
unsigned conf_preference(const struct partner *partner, enum certificate_kind kind);

/* The partner that a domain belongs to: that of the most specific domain that equals `domain` or is a parent of it,
 * else the default. domain is normalised; NULL or "" gives the default. Lent by conf; costs one hash probe per label.
 */
const struct partner *conf_partner(const struct conf *conf, const char *domain);

DECLARE_OWNED(conf, struct conf *, conf_unref)

#endif
