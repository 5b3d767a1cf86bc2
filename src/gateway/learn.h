/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn: what a message that arrives teaches: a certificate to encrypt to its author later (key `harvest`), and what
 * the author's software reads (key `capabilities`).
 */
#ifndef DOMSEC_GATEWAY_LEARN_H
#define DOMSEC_GATEWAY_LEARN_H

#include "internal.h"

/* --- announced.c --- */

/* "aes-256-gcm rsa-oaep sha256": as the store keeps them. g_free(). */
char *capabilities_words(const struct capabilities *capabilities);
/* Words that are not known say nothing. */
void capabilities_read_words(const char *words, struct capabilities *capabilities);
bool capabilities_are_none(const struct capabilities *capabilities);
/* What the software of each recipient with a certificate reads, where its partner follows that. A store that fails
 * makes the recipient's certificate a failed lookup. Gives up the turn meanwhile. */
void announced_ask(const struct gateway *gateway, struct lookups *lookups, size_t count,
                   const struct patience *patience);

/* --- lessons.c --- */

/* Looks through the signatures of a message that was accepted. Within a turn. */
void lessons_find(const struct passage *passage, struct learned *learned);

/* --- learn.c --- */

/* Whether anything is learned at all from what arrives. */
bool learn_is_on(const struct conf *conf);
/* After the verdict. It never changes it, and waits for the store no longer than a moment. */
void passage_learn(struct passage *passage, const struct turns *turns);
void learned_clear(struct learned *learned);

/* --- for log, metrics and report --- */

/* "pending", "failed". Static. */
const char *lesson_result(const struct lesson *lesson);
void learned_count(const struct learned *learned);
/* A list of what was found; a new reference. */
struct json_t *learned_json(const struct learned *learned);

#endif
