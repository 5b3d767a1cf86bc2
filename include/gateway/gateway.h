/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: the way of a message, in five stages. Each stage fills one struct once; later stages read it.
 *
 *     mail ─▶ lookups ─▶ plan ─▶ made ─▶ reply
 *
 * The daemon, `domsec filter` and `domsec explain` take the same way, so that they cannot differ.
 */
#ifndef DOMSEC_GATEWAY_GATEWAY_H
#define DOMSEC_GATEWAY_GATEWAY_H

#include "certs/certs.h"
#include "gateway/box.h"
#include "mail/edits.h"
#include "mail/envelope.h"
#include "policy/leaving_fields.h"
#include "policy/matching.h"
#include "policy/protected_fields.h"
#include "smime/smime.h"

struct gateway;

/* Opens everything that conf names: keys, certificates, anchors. Takes a reference of conf. NULL if faults has errors.
 */
struct gateway *gateway_open(struct conf *conf, struct faults *faults);
/* The same with private keys in the processes of a service, which must outlive the gateway (NULL: in this process), and
 * with what another gateway, whose place it takes, knows about revocation (NULL: nothing). */
struct gateway *gateway_open_with(struct conf *conf, struct key_service *service, const struct gateway *previous,
                                  struct faults *faults);
struct gateway *gateway_ref(struct gateway *gateway);
void gateway_unref(struct gateway *gateway);
/* For a daemon, after its last fork(): fetches ahead of the mail what is to be known about revocation, and renews it,
 * in threads of its own. */
void gateway_keep_fresh(struct gateway *gateway);
/* For a daemon, every few seconds: begins what is due, and tells what happened in these threads. */
void gateway_tend(const struct gateway *gateway, time_t now, void (*tell)(enum log_level level, const char *text));
/* Ends these threads, before the process ends. */
void gateway_stop_fetching(struct gateway *gateway);

const struct conf *gateway_conf(const struct gateway *gateway);
/* keys_arrivals(): not 0 if a reload would find a certificate that was awaited. */
uint64_t gateway_arrivals(const struct gateway *gateway);
/* Adds a fault for each file or directory that accounts which we do not trust can change, or, if it is a key, read, and
 * a warning for a socket that they can reach. For the daemon and `domsec check`: who runs one message through a copy of
 * a configuration is not held up. */
void gateway_check_exposure(const struct conf *conf, struct faults *faults);
/* Adds a fault for each rule whose sign_with none of our identities meets, so that all mail under it would be rejected.
 * grade: an error for `domsec check`, and a warning for the daemon, which serves all other rules. */
void gateway_check_signing(const struct gateway *gateway, enum fault_grade grade, struct faults *faults);
/* Notes that a Subject which is restored is not protected in the reply to it. For `domsec check` only. */
void gateway_check_replies(const struct conf *conf, struct faults *faults);
/* Returns false, with a fault for each, if the next configuration has no valid certificate at that time for a signing
 * identity that it names and for which the one in force has a valid certificate. */
bool gateway_check_reload(const struct gateway *in_force, const struct gateway *next, time_t at, struct faults *faults);

/* --- the five stages --- */

/* What a message may cost: one account for what everyone sees of it, and one for what only our key opens. So what is
 * said of the first does not depend on the second, of which a stranger must not learn. */
struct accounts {
    struct budget visible, inside;
};

/* What came. Envelope and message are lent by the caller. */
struct mail {
    const struct envelope *envelope;
    const struct message *message;   /* NULL: there is only a question (`domsec explain`) */
    const struct question *question; /* without a message: what rules look at; NULL: nothing */
    time_t at;                       /* the time for which certificates are judged */
    enum direction direction;
    struct client client;
    struct originator originator;
    struct authors authors;
    const struct least *least;       /* it is one copy of a message that was split; NULL: it is not */
    struct accounts *accounts;       /* what the message may still cost; the stages pay from it */
    struct examination *examination; /* the S/MIME layers taken apart, the signatures' mathematics done */
};

/* A signer's certificate in words; each NULL where unknown. */
struct signer_name {
    char *address, *subject, *serial, *issuer, *sha256;
};

/* What was asked about one layer. */
struct layer_lookup {
    struct error error; /* why it counts as not opened after all; kind ERROR_NONE: it does not */
    struct layer
        late; /* opened once more, with certificates that are not in the message; facts.signers NULL: it was not */
    struct signer_view *signers;
    struct signer_trust *trust;
    struct signer_name *names;
    size_t signer_count;
};

struct recipient_lookup {
    char *name; /* its address; where the MTA delivers to another one, both */
    struct destination destination;
    struct certs_answer certificates;
    char certificate_id[65]; /* fingerprint of the chosen one; empty: none */
};

/* Our identities that may add a layer in one role. */
struct own_lookup {
    const struct identity **list; /* in the order of own_view.list, NULL-terminated; NULL: no identity */
    struct own_candidate *candidates;
    char *owner;
};

/* What was asked, and what came back. */
struct lookups {
    struct layers_view layers; /* what policy sees of the layers: in the order of the examination */
    struct layer_view *views;
    struct layer_lookup *details; /* for each of them */
    /* The same of what came out of decryptions that failed, and of the message as if they had not. */
    struct layer_view *vain_views, *if_opened_list;
    struct layer_lookup *vain_details;
    size_t vain_count;
    struct layers_view if_opened;      /* of the layers around the whole message alone */
    struct rule_facts facts;           /* what rules look at */
    struct recipient_view *recipients; /* for each of the envelope's */
    struct recipient_lookup *answers;
    bool wants_certificates;
    struct certs_answer signers; /* certificates of the author that are not in the message; no steps: not asked for */
    struct own_lookup own[OWN_COUNT];
    struct own_view own_views[OWN_COUNT]; /* what policy sees of them */
    struct error failure;                 /* a lookup that every answer depends on has failed */
    unsigned paths;                       /* certification paths that were looked for, in vain or not */
    unsigned encrypters;                  /* certificates in encryptions whose names were compared, in vain or not */
};

/* Our identity that acts in this role for a copy with that wrapping; NULL: no identity does. */
const struct identity *lookups_own(const struct lookups *lookups, const struct wrapping *wrapping, enum own role);

/* What becomes of protected header fields (RFC 9788); the fields lie in the examination. */
struct made_fields {
    const struct field *restored[RESTORABLE_COUNT];
    size_t restored_count;
    bool settled; /* whether fields may be restored was decided: the content need not say that they are protected */
    struct protected_difference differences[DIFFERENCE_COUNT];
    size_t difference_count;
};

/* What was made. */
struct made {
    struct edits edits;
    struct treatment treatment; /* the layers that were put on */
    bool null_layer, null_layer_omitted;
    size_t removed;                /* outermost layers that were taken off */
    const char *note;              /* a form that nothing in the configuration asks for, and why; static; NULL */
    char *authentication_results;  /* inbound: the value of the field that edits insert; NULL */
    struct made_fields fields;     /* inbound: those that are protected inside */
    struct fields header;          /* outbound: the message's fields as they are protected inside: without tags */
    struct leaving_fields leaving; /* outbound: the same as `fields` */
    char sealed[BOX_KEY_ID_SIZE];  /* the message was sealed with this key, to be split; empty: it was not */
    struct error failure;          /* why nothing was made after all */
};

/* A certificate that a message brought. */
struct lesson {
    X509 *certificate;
    GByteArray *chain; /* the authorities that came with it, in DER */
    char *name;        /* the address or the domain for which it is kept */
    char sha256[65];
    bool is_domain, is_approved;
    const char *result; /* "pending", static; NULL: the store failed */
};

/* What a signature announces. */
struct announced {
    char *name; /* of the signer, an address or a domain; NULL: nothing was announced */
    time_t signed_at;
    struct capabilities capabilities;
};

/* What a message that was accepted taught. */
#define LESSONS_MAX 4
struct learned {
    struct lesson list[LESSONS_MAX];
    size_t count;
    struct announced announced[2]; /* by the author, by the author's domain */
    struct error failure;          /* why it could not be kept */
};

/* What can end a message outside of policy, and what policy can say. In the order of severity: the first concerns us
 * most, the last only this message. */
enum reply_kind {
    REPLY_BUG,           /* cannot happen */
    REPLY_PROTOCOL,      /* the MTA broke the milter protocol, or offers less than is needed */
    REPLY_EDIT,          /* the MTA did not take an edit */
    REPLY_CONFIGURATION, /* the administrator has to act */
    REPLY_RESOURCE,      /* memory, or disk while the message was received */
    REPLY_FAILURE,       /* another failure of ours */
    REPLY_TEMPFAIL,      /* policy defers */
    REPLY_RECIPIENTS,    /* more recipients than recipients_limit */
    REPLY_SENDER,        /* the reverse-path is not an address */
    REPLY_RECIPIENT,     /* a recipient is not an address */
    REPLY_MALFORMED,     /* a piece that belongs in no message */
    REPLY_UNFIT,         /* the message cannot be worked on, by its own fault */
    REPLY_SIZE,          /* over message_size_limit or a limit of the header */
    REPLY_REJECT,        /* policy rejects */
    REPLY_QUARANTINE,    /* policy holds */
    REPLY_ACCEPT,
    REPLY_COUNT
};

/* What is said. */
struct reply {
    enum reply_kind kind;
    enum verdict verdict;
    unsigned code;    /* 250, 550, 451 … */
    char status[8];   /* "5.7.1" (RFC 3463) */
    char text[512];   /* behind code and status, for the other side's administrator; printable ASCII without "%" */
    char reason[640]; /* its cause, for log and report; also set on acceptance */
};
/* The one table of replies. reason: the cause; text: said to the other side instead; NULL: the reason. */
void reply_set(struct reply *reply, enum reply_kind kind, const char *reason, const char *text);
/* The kind for a failure: the message's own, or ours. */
enum reply_kind reply_kind_of(const struct error *error);
/* Whether the message goes on: accepted or held. */
bool reply_accepts(const struct reply *reply);

/* One recipient's copy of a message that was split. */
struct copy {
    struct envelope *envelope;     /* of the client that sent the message, with this recipient alone */
    const struct message *message; /* as the client sent it */
    const struct message *outside; /* what came; NULL: nothing was sealed */
    struct client client;
    enum direction direction; /* of the message, for all its recipients */
    struct least least;
    struct opened_box *opened; /* NULL: nothing was sealed */
};

struct passage {
    struct gateway *gateway; /* a reference of its own */
    int64_t began;           /* g_get_monotonic_time() */
    struct accounts accounts;
    struct mail mail;
    struct lookups lookups;
    struct plan plan;
    struct made made;
    struct reply reply;
    struct learned learned;
    bool untouched;    /* gateway_passes(): accepted as it is; lookups and made are empty */
    bool is_second;    /* it came by the listener for sealed messages */
    bool alarm;        /* the log must say it as an error */
    struct copy *copy; /* what came out of the box; NULL: none was opened */
};

/* --- the way --- */

/* Whether the message comes by a listener in pass_daemons: it is accepted, and nothing is asked or done. */
bool gateway_passes(const struct gateway *gateway, const struct envelope *envelope);

/* Work is done in turns, so that a few messages cannot keep all others waiting. No turn is held while a lookup may wait
 * for a directory. rest is called within a turn, after a while of work, and may let others pass; NULL: it is not. */
struct turns {
    void (*enter)(void *context);
    void (*leave)(void *context);
    void (*rest)(void *context);
    /* Called about every few seconds while a lookup waits, outside of turns. NULL: it is not. */
    void (*tell)(void *context);
    void *context;
};

/* What is known of a message that is not there. */
struct question {
    const struct fields *fields; /* of its header */
    const struct part *entity;   /* its MIME structure */
    size_t size;                 /* bytes */
};

/* What a message is asked with. */
struct passage_request {
    const struct envelope *envelope;
    const struct message *message;   /* NULL: what would be done with a plain message from `from`; nothing is made. Also
                                        for a message that gateway_passes(), whatever became of it */
    const char *from;                /* without a message: the value of From; may be NULL */
    const struct question *question; /* without a message: what rules look at; may be NULL */
    time_t at;
    const enum direction *direction; /* NULL: derived from the recipients */
    const struct turns *turns;       /* NULL: work at once */
    bool shows_forms;                /* a message that is split is not sealed: gateway_pass_form() makes each form */
};

/* Whether the message comes by the listener for the copies of messages that are split. */
bool gateway_is_second(const struct gateway *gateway, const char *daemon_name);
/* The limits of a message that comes by this listener; lent by the gateway. NULL: any other listener. */
const struct limits *gateway_limits(const struct gateway *gateway, const char *daemon_name);
/* Returns true, with a text for the log, once if a sealed message has not come back in time. */
bool gateway_misses_copies(const struct gateway *gateway, time_t at, struct error *error);
/* Adds what a form of a message that is split would be: a passage for the first of its recipients. whole is a passage
 * of this request, which shows_forms; both must outlive the result. form is below whole->plan.form_count. */
struct passage *gateway_pass_form(struct gateway *gateway, const struct passage_request *request,
                                  const struct passage *whole, size_t form);

/* Takes a message all the way. Never NULL, and never fails: what goes wrong is a tempfail or what policy says. The
 * result refers to envelope and message, which must outlive it. Thread-safe. */
struct passage *gateway_pass(struct gateway *gateway, const struct passage_request *request);
/* A passage that ended before the gateway could work on the message, for the log. */
struct passage *passage_failed(struct gateway *gateway, const struct envelope *envelope, enum reply_kind kind,
                               const struct error *error);
void passage_free(struct passage *passage);

/* --- what is shown of it; all of them read the five structs --- */

/* The report (etc/report.schema.json), pretty-printed JSON with a final newline. g_free(). NULL: out of
 * memory. */
char *passage_report(const struct passage *passage);
/* One line: queue id first, then key=value. g_free(). */
char *passage_log_line(const struct passage *passage);
/* Counts the passage in base/metrics. */
void passage_count(const struct passage *passage);
/* The rules that had a say: of the recipients, or of the authors; their names, separated by ", ". g_free(). */
char *passage_rules(const struct passage *passage);
/* The same for one recipient. */
char *passage_rules_of(const struct passage *passage, size_t recipient);

/* What became of one rule of those that were tried for a recipient, or for the authors of what arrives. */
struct rule_note {
    const struct rule *rule;
    bool is_taken; /* it counts */
    char *note;    /* "taken: subject fits", "does not fit: subject, login"; owned */
};
/* Those of all its partners, in order, up to the last one that counts: struct rule_note, owned by the list. */
struct _GPtrArray *passage_rule_notes(const struct passage *passage, size_t recipient);
/* The values of the rules that are taken and of their partners, each once: struct rule_setting, owned by the list. */
struct _GPtrArray *passage_settings(const struct passage *passage, const struct _GPtrArray *notes);
/* The line of the first rule that counts for a recipient, or for the authors of what arrives; 0: none but bases. */
unsigned passage_rule_line(const struct passage *passage, size_t recipient);

/* Why a candidate for a recipient is used, or why not. g_free(). */
char *passage_note(const struct passage *passage, size_t recipient, size_t candidate);

DECLARE_OWNED(gateway, struct gateway *, gateway_unref)
DECLARE_OWNED(passage, struct passage *, passage_free)

#endif
