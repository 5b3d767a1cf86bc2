/* SPDX-License-Identifier: Apache-2.0 */
/*
 * views: what is known of the layers of a message, written as words, outermost layer first, for the tables of
 * tests/policy/. No cryptography.
 *
 *     "gcm domain/path=temperror originator"    encrypted to us; a domain signature whose path could not be checked;
 *                                               the originator's signature
 *     "domain+review part/cbc/nokey"            one layer with two signers; a part that is encrypted to others
 *
 * Kinds: originator, domain, attributes, review, untyped, agent (a mailing list agent's signature), empty (a signature
 * layer without signers), compressed, gcm, cbc, old (a cipher of the past). All are open and good by default.
 *
 * Of a layer: part, ours (inside a part that only our key opens), hidden, limit (over_limit), nokey, tried (our key was
 * used), broken and later (failed for good, for now), garbled (OPENED_BROKEN), unread and unread_later (opened, but its
 * content cannot be read), anonymous (no identity), cipher=…, encrypter=OUTCOME, bad_paths=N.
 *
 * Of a signer: and=KIND (one more type), invalid, nocert, fault (type_fault), weak, unasked (no trust), label=POLICY:N
 * and equal=POLICY:N (an equivalent label), by=FINGERPRINT, sender_domain, sender_mailbox, unchecked0 and unchecked1,
 * path=, domain=, review=, attribute=, mailbox=OUTCOME. The trust of a single partner is meant by "0" or "1" before
 * "=".
 */
#ifndef DOMSEC_TESTS_SUPPORT_VIEWS_H
#define DOMSEC_TESTS_SUPPORT_VIEWS_H

#include "policy/layers.h"

#define VIEWS_LAYERS 8
#define VIEWS_SIGNERS 3
#define VIEWS_PARTNERS 3

struct views_signer {
    struct signer_trust trust[VIEWS_PARTNERS];
    char *subject, *sha256;
};

struct views {
    struct layers_view all;
    struct layer_view layers[VIEWS_LAYERS];
    struct layer_facts facts[VIEWS_LAYERS];
    struct error errors[VIEWS_LAYERS];
    struct signer_view signers[VIEWS_LAYERS][VIEWS_SIGNERS];
    struct signer_facts signer_facts[VIEWS_LAYERS][VIEWS_SIGNERS];
    struct views_signer details[VIEWS_LAYERS][VIEWS_SIGNERS];
};

/* An unknown word fails the test. */
struct views *views_new(const char *words);
void views_free(struct views *views);
DECLARE_OWNED(views, struct views *, views_free)

/* The outcome with this name. */
enum outcome views_outcome(const char *name);

/* What was judged of each layer: "pass/holds neutral/shut hidden"; g_free(). Words after "/": agent, shut, holds. */
char *views_tell_layers(const struct judgement *judgement);
/* What all come to: "domain=pass@0/counts originator=fail@1 malleable decrypted weak undecryptable spoiled
 * sealed_part (encrypted_part) unchecked (bad_for_now)"; g_free(). A result without a layer is left out. */
char *views_tell_sums(const struct judgement *judgement);

#endif
