/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig: two organisations, acme.test and partner.test, each with a gateway of its own, in a temporary folder. Messages
 * go through the gateway of one and then that of the other as the daemon and `domsec filter` do it. A
 * failure aborts the test.
 *
 *     owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", ATTACK_STRICT);
 *     AUTO_SENT struct sent out = rig_outbound(rig, "From: alice@acme.test\r\n…");
 *     AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
 */
#ifndef DOMSEC_TESTS_SUPPORT_RIG_H
#define DOMSEC_TESTS_SUPPORT_RIG_H

#include "gateway/examine.h"
#include "gateway/gateway.h"
#include "mail/authres.h"
#include "support/pki.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <unistd.h>

struct org {
    char *folder;
    const char *domain;
    struct pki *ca, *dsa, *dca, *review, *attribute, *alice;
    const char *people;      /* more identities for rig_open(), each "{ … }," with its comma; NULL: none */
    struct gateway *gateway; /* NULL until rig_open() */
};

struct rig {
    struct org acme, partner;
    enum pki_key key; /* of the gateways' certificates */
};

/* Both organisations, each with one policy about the other. P-256 keys, or those of `key`. */
struct rig *rig_new(const char *acme_policy, const char *partner_policy);
struct rig *rig_with_key(enum pki_key key, const char *acme_policy, const char *partner_policy);
void rig_free(struct rig *rig);
DECLARE_OWNED(rig, struct rig *, rig_free)

/* --- the steps of rig_new(), for a rig that is different --- */

/* Both organisations with their files, and no gateway. */
struct rig *rig_closed(enum pki_key key);

/* A certificate for a role in domain, with the one key usage that the role needs. */
struct pki *rig_role(const struct rig *rig, const struct pki *ca, const char *role, const char *domain);

/* Makes certificates and keys, and writes them into a new folder. */
void rig_make(struct rig *rig, struct org *org, const char *domain);

/* Writes the configuration and one policy about the other organisation, and opens the gateway. extra goes into
 * domsec.conf; NULL: nothing. */
void rig_open(struct org *org, const struct org *other, const char *policy, const char *extra);

void rig_org_free(struct org *org);

/* --- messages --- */

/* An entity with this header and body; entity_clear(). */
struct entity rig_content(const char *header, const char *body);

/* The entity below a message's own header fields; empties the entity. g_free(). */
char *rig_text(const char *top, struct entity *entity);

/* A message encrypted for org, with any bytes inside; g_free(). */
char *rig_encrypt(const struct org *org, const char *top, const char *header, const char *body);

/* A message with one signature of these SignatureTypes (0: none), as org's gateway would not make it by itself. Empties
 * content. g_free(). */
char *rig_sign(const struct org *org, const struct pki *by, unsigned types, const char *top, struct entity *content);

/* message_free(). */
struct message *rig_message(const struct org *org, const char *bytes, size_t length);

/* to2, auth and client may be NULL. */
struct rig_envelope {
    const char *from, *to, *to2, *auth, *client;
};

/* envelope_free(). */
struct envelope *rig_envelope(const struct rig_envelope *spec);

/* --- the way through a gateway --- */

/* One message after one gateway. */
struct sent {
    struct envelope *envelope;
    struct message *message; /* as it came */
    struct passage *result;
    char *bytes; /* what comes out, NUL-terminated */
    size_t length;
};

void sent_clear(struct sent *sent);
#define AUTO_SENT __attribute__((cleanup(sent_clear)))

/* gateway_pass() in a direction of the test's choice. passage_free(). */
struct passage *rig_take(struct gateway *gateway, enum direction direction, const struct envelope *envelope,
                         const struct message *message, time_t at);
/* gateway_pass() without a message. passage_free(). */
struct passage *rig_explain(struct gateway *gateway, const struct envelope *envelope, const char *from);
/* The name in the report of the domain, else of the originator; NULL. g_free(). */
char *rig_name(const struct passage *passage, bool domain);

/* Sends a message through org's gateway. Expects a report, a log line and an empty error queue of OpenSSL. With
 * $RIG_VERBOSE set, prints what came out. sent_clear(). */
struct sent rig_pass(const struct org *org, enum direction direction, const struct rig_envelope *spec,
                     const char *bytes, size_t length);

/* From an authenticated user of acme.test to bob@partner.test, through acme.test's gateway. */
struct sent rig_outbound(const struct rig *rig, const char *text);

/* What acme.test sent to bob@partner.test, as it reaches partner.test's gateway from outside. */
struct sent rig_inbound(const struct rig *rig, const char *bytes, size_t length);

/* What it cost to examine the message at org's gateway, on its way out or in. Our own failure fails the test. */
struct work rig_work(const struct org *org, const char *text, bool outbound);

/* --- what the gateway said; strings are lent --- */

enum verdict rig_verdict(const struct sent *sent);
const char *rig_reason(const struct sent *sent);
bool rig_encrypted(const struct sent *sent);

/* The layers that the gateway saw, from the outside in; g_free(). D: domain signature that passes; H: one that carries
 * a mailing list history; R: review; A: additional attributes; 0: empty layer; S: an originator's or a mailing list
 * agent's; !: a signature that does not pass; E: encrypted to us; X: encrypted, and not to us. */
char *rig_shape(const struct sent *in);

#endif
