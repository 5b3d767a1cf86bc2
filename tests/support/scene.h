/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene: what is known of a message before policy_plan() decides, from words.
 *
 *     scene_set(&scene, OURS, "strict", "gcm domain", "sign encrypt/none local", MIXED_REJECT);
 *
 * Each recipient is the name of a partner in scene.c ("sign", "both", "audited" …), of several whose rules count
 * ("sign+encrypt"), or "local", "routed", or "arrives", which the MTA delivers to one of ours, while the rule "plain"
 * counts; then, if it has no certificate, "/none" or "/failed"; "local/found" has one. The layers are those of
 * support/views.h.
 */
#ifndef DOMSEC_TESTS_SUPPORT_SCENE_H
#define DOMSEC_TESTS_SUPPORT_SCENE_H

#include "policy/plan.h"
#include "support/views.h"

/* Who sends: by a client of ours or not, and as whom. */
enum scene_sender { OURS, STRANGER, OURS_AS_OTHER, OURS_AS_BOTH, OURS_FAULTY };

struct scene {
    struct address authors[2];
    struct client client;
    struct conf conf;
    struct originator originator;
    struct authors partners;
    const struct partner *author;
    struct recipient_view recipients[4];
    struct own_view own[OWN_COUNT];
    struct error failure;
    struct views *views;
    char **words;
    struct plan_input input;
};

/* The partner with this name; a name that is not there fails the test. */
const struct partner *scene_partner(const char *name);

/* author: the author's partner; NULL: one that requires nothing. The direction follows from the recipients. */
void scene_set(struct scene *scene, enum scene_sender sender, const char *author, const char *layers,
               const char *recipients, enum mixed mixed);
void scene_clear(struct scene *scene);

#endif
