/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers: what the S/MIME layers of a message are worth. smime/ said what the cryptography says, trust/ what it thinks
 * of certificates and names; here they meet the SignatureType, the authors and each other (RFC 3183 §3.1, §3.2, §5).
 */
#ifndef DOMSEC_POLICY_LAYERS_H
#define DOMSEC_POLICY_LAYERS_H

#include "base/error.h"
#include "base/finding.h"
#include "policy/policy.h"
#include "smime/layer.h"

/* What trust/ says of one signer's certificate under the anchors and naming of one of the authors' partners. The names
 * are filled only for the roles that the signature's type claims. */
struct signer_trust {
    struct finding path;      /* certification path, revocation, usage */
    const char *unchecked;    /* it passed, but whether something in it has been revoked is not known; why; NULL */
    struct finding domain;    /* domain-signing-authority of this partner's authors; also of a signature without a type,
                                 if the partner's file lets it be the domain's */
    struct finding review;    /* review-authority */
    struct finding attribute; /* attribute-authority */
    bool sender_domain;       /* it would be the domain-signing-authority of Sender's domain (RFC 8550 §3) */
};

/* What is known of the certificate of one signer. */
struct signer_view {
    const struct signer_facts *facts;
    const char *subject;              /* of its certificate, for reasons; NULL: there is no certificate */
    const char *sha256;               /* of its certificate; NULL: there is no certificate */
    const struct signer_trust *trust; /* one for each partner of the authors; NULL: not asked, since the signature does
                                         not hold, or since too many others of this layer led nowhere */
    struct finding mailbox;           /* every author is among its addresses (RFC 8550 §3) */
    bool sender_mailbox;              /* Sender is */
};

/* One layer, the whole message's or a part's. */
struct layer_view {
    const struct layer_facts *facts;
    const char *part; /* part number within the message: "1", "1.1" … */
    bool partial;     /* it covers one part among others: never a verdict on the message */
    bool by_our_key;  /* inside a part that only our key opens */
    bool hidden;      /* passed over: a stranger must not learn of it from the verdict */
    bool over_limit;  /* not opened: the message has too many such parts; error says so */
    enum opened opened;
    bool has_content;          /* the entity inside was parsed */
    const struct error *error; /* why it is not open, or why its content cannot be read; kind ERROR_NONE: all is well */
    const char *identity;      /* whose key opened it: a domain or an address of ours; NULL */
    const struct signer_view *signers; /* facts->signer_count of them */
    unsigned bad_paths;                /* signers of this layer whose path leads nowhere */
    struct finding encrypter; /* encrypted: the names in originatorInfo (RFC 3183 §4.1); OUTCOME_PASS: nothing wrong */
};

struct layers_view {
    const struct layer_view *list; /* those around the whole message, outermost first; then the partial ones */
    size_t count, whole;           /* of all; of those around the whole message */
    bool malleable; /* our key was used on an encryption that does not protect against changes (CBC): a sender of
                       changed copies of a message could learn its content from the answers, so no answer may depend on
                       the decrypted content unless a good signature lies inside */
};

struct judged_layer {
    struct finding finding;
    bool outermost;           /* one signer's, with no signature around it but the same signer's, and no signature in
                                 another layer says that it is the domain's */
    unsigned signature_types; /* union over signers; of one without a type also what it counts as */
    bool around_others; /* all its signatures have no type and are around others, as a mailing list agent's (RFC 2634
                           §4): they authenticate no one */
    bool by_list_agent; /* … and the first of them has a mailing list's history */
    struct finding as_originators; /* … or would be the originator's, if there were none inside */
    bool hidden;                   /* was passed over: neither judged nor reported */
    bool shut;                     /* signed or compressed, and cannot be looked into */
    bool holds;                    /* opened; and, if signed, each signature's cryptography holds */
    size_t signer_judged;          /* the one that the finding is about */
};

#define JUDGED_NO_LAYER ((size_t)-1)

/* What all layers come to. The domain and the person are two statements and stay apart (RFC 3183 §3.2). */
struct judgement {
    struct judged_layer *layers; /* as in the view */
    size_t layer_count;
    struct finding domain, originator;
    size_t domain_layer, originator_layer; /* the layer that each is about, or JUDGED_NO_LAYER */
    /* True if a good (or not yet checkable) signature of that kind lies inside the malleable encryption. One outside
     * would be just as valid on a tampered copy. If nothing is malleable, any signature counts. */
    bool domain_counts, originator_counts;
    bool originator_visible; /* a good originator's signature can be seen without our key */
    bool malleable;
    bool decrypted;        /* one of the layers was encrypted to us and is open */
    bool weakly_encrypted; /* … with a cipher that no longer protects */
    bool undecryptable;    /* the innermost layer that was reached is encrypted and stays shut */
    bool encrypted_part;   /* a part among other parts stays encrypted */
    bool spoiled;          /* malleable, and it or what is inside it is broken */
    char undecryptable_reason[320];
    char bad_signature[320]; /* why some signature does not hold; empty: no signature is bad */
    bool bad_for_now;        /* it could not be checked now, and no other signature is known to be bad */
};

/* Judges all layers. sender: the text of Sender's mailbox, for reasons; NULL. Clear with judgement_clear(). */
void policy_judge(const struct layers_view *view, const struct originator *originator, const struct authors *authors,
                  struct judgement *judgement);
/* That of a message without layers. */
void judgement_init(struct judgement *judgement);
void judgement_clear(struct judgement *judgement);

/* Which kinds of good signatures lie in the `depth` outermost layers, and inside a malleable encryption if there is
 * one. hoping: also those that cannot be checked now. */
struct counting {
    bool domain, originator;
};
void policy_count(const struct layers_view *view, const struct judgement *judgement, size_t depth, bool hoping,
                  struct counting *counting);

/* True if the layer is the originator's signature: typed so, or without a type and not a mailing list agent's. */
bool judged_is_originators(const struct layer_view *view, const struct judged_layer *judged);

/* How many of the outermost layers come off before local delivery: those down to the last one that was encrypted to us,
 * then domain, review and additional-attributes signatures and empty signature layers. An originator's signature and
 * what it holds stays, and so does a signature that does not hold. With `originators`, that of one originator comes off
 * if it passes. */
size_t policy_removable(const struct layers_view *view, const struct judgement *judgement, bool originators);
/* The same for each outcome that changes to a malleable message may have: for each encryption that does not protect
 * against them, as if it were the first to fail; then as if none failed. view: as if none has failed. Returns their
 * number, list is for g_free(). */
size_t policy_endings(const struct layers_view *view, const struct judgement *judgement, bool originators,
                      size_t **list);

/* What comes off before a domain signature goes on (RFC 3183 §5). */
struct unwrapping {
    size_t depth;         /* outermost layers that come off */
    bool decrypted;       /* one of them was encrypted to us */
    bool reencrypt;       /* an encrypted layer lies deeper, so the result MUST be encrypted */
    size_t history_layer; /* the mailing list agent's signature whose attributes go on a new outer one; or
                             JUDGED_NO_LAYER */
};
/* Only for an authentic originator: otherwise anyone could have mail that is encrypted to us opened by sending it out.
 */
void policy_unwrap(const struct layers_view *view, bool authentic, struct unwrapping *unwrapping);

/* True if one of the layers is a review signature over the whole message that passed, made with one of the certificates
 * whose fingerprints are given (NULL-terminated; NULL: none are). */
bool policy_reviewed(const struct layers_view *view, const struct judgement *judgement, const char *const *reviewers);
/* The same of a review signature that could not be checked now. */
bool policy_may_be_reviewed(const struct layers_view *view, const struct judgement *judgement,
                            const char *const *reviewers);

#endif
