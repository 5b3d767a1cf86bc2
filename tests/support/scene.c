/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scene.h"

#include <criterion/criterion.h>

static char *const any[] = {NULL}, *const review[] = {(char *)"review.pem", NULL},
                   *const ours[] = {(char *)"us.test", NULL};
static const char *const reviewers[] = {"AA", NULL};
static struct label_conf label = {.policy = (char *)"1.1", .classification = CLASSIFICATION_SECRET},
                         equivalent = {.policy = (char *)"1.1", .equivalent = true};

/* Of recipients and of authors. Each gets its rule when it is found. */
static struct partner partners[] = {
    {.name = (char *)"nothing"},
    {.name = (char *)"sign", .base.outbound.protect = PROTECT_SIGN},
    {.name = (char *)"encrypt", .base.outbound.protect = PROTECT_ENCRYPT},
    {.name = (char *)"both", .base.outbound.protect = PROTECT_SIGN_ENCRYPT},
    {.name = (char *)"triple", .base.outbound.protect = PROTECT_TRIPLE},
    {.name = (char *)"opportunistic", .base.outbound.protect = PROTECT_OPPORTUNISTIC},
    {.name = (char *)"plain", .base.outbound = {.protect = PROTECT_ENCRYPT, .no_certificate = NO_CERTIFICATE_PLAIN}},
    {.name = (char *)"unsigned", .base.outbound = {.protect = PROTECT_SIGN, .unauthentic = UNAUTHENTIC_UNSIGNED}},
    {.name = (char *)"later", .base.outbound = {.protect = PROTECT_SIGN, .unauthentic = UNAUTHENTIC_TEMPFAIL}},
    {.name = (char *)"readable", .base.outbound = {.protect = PROTECT_SIGN, .unreadable = UNREADABLE_REJECT}},
    {.name = (char *)"reviewed", .base.outbound = {.protect = PROTECT_SIGN, .require_review = (char **)review}},
    {.name = (char *)"mailbox", .base.outbound = {.protect = PROTECT_SIGN, .sign_as = SIGN_AS_MAILBOX}},
    {.name = (char *)"mailbox_domain", .base.outbound = {.protect = PROTECT_SIGN, .sign_as = SIGN_AS_BOTH}},
    {.name = (char *)"reviews", .base.outbound = {.protect = PROTECT_SIGN, .review = true}},
    {.name = (char *)"reviews_encrypted", .base.outbound = {.protect = PROTECT_ENCRYPT, .review = true}},
    {.name = (char *)"attributes", .base.outbound = {.protect = PROTECT_SIGN, .attributes = true}},
    {.name = (char *)"labelled",
     .labels = &label,
     .label_count = 1,
     .base.outbound = {.protect = PROTECT_SIGN, .attributes = true}},
    {.name = (char *)"labelled_encrypted",
     .labels = &label,
     .label_count = 1,
     .base.outbound = {.protect = PROTECT_ENCRYPT, .attributes = true}},
    {.name = (char *)"labelled_alone", .labels = &label, .label_count = 1, .base.outbound = {.protect = PROTECT_SIGN}},
    {.name = (char *)"equivalent",
     .labels = &equivalent,
     .label_count = 1,
     .base.outbound = {.protect = PROTECT_SIGN, .attributes = true}},
    {.name = (char *)"audited", .base.outbound = {.protect = PROTECT_ENCRYPT, .encrypt_to_self = true}},
    {.name = (char *)"audited_signed", .base.outbound = {.protect = PROTECT_SIGN, .encrypt_to_self = true}},
    /* for authors */
    {.name = (char *)"strict", .base.inbound.require = REQUIRE_SIGN},
    {.name = (char *)"secret", .base.inbound.require = REQUIRE_ENCRYPT},
    {.name = (char *)"removes", .base.inbound.originator_signatures = ORIGINATOR_SIGNATURES_REMOVE},
    {.name = (char *)"tags", .base.inbound = {.require = REQUIRE_SIGN, .otherwise = OTHERWISE_TAG}},
    {.name = (char *)"refuses",
     .base.inbound = {.require = REQUIRE_SIGN, .otherwise = OTHERWISE_TAG, .malleable = MALLEABLE_REFUSE}},
};

const struct partner *scene_partner(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(partners); i++) {
        partners[i].base.partner = &partners[i];
        partners[i].base.inbound.accept_labels = (char **)any;
        if (strcmp(partners[i].name, name) == 0)
            return &partners[i];
    }
    cr_assert_fail("no partner: %s", name);
    return NULL;
}

static void set_recipient(struct recipient_view *recipient, const char *word)
{
    g_auto(GStrv) parts = g_strsplit(word, "/", 2);
    *recipient = (struct recipient_view){.text = word, .certificate = FOUND};
    recipient->local = strcmp(parts[0], "local") == 0;
    recipient->arrives = recipient->local || strcmp(parts[0], "arrives") == 0;
    recipient->unclear = strcmp(parts[0], "routed") == 0 ? UNCLEAR_ROUTE : UNCLEAR_NOT;
    g_auto(GStrv) names = g_strsplit(recipient->local                    ? "encrypt"
                                     : recipient->unclear != UNCLEAR_NOT ? "nothing"
                                     : recipient->arrives                ? "plain"
                                                                         : parts[0],
                                     "+", -1);
    for (char **name = names; *name != NULL; name++)
        recipient->claims[recipient->claim_count++] = (struct claim){&scene_partner(*name)->base, reviewers};
    if (recipient->local)
        recipient->certificate = FOUND_NONE;
    if (parts[1] != NULL) {
        bool found = strcmp(parts[1], "found") == 0;
        recipient->certificate = found ? FOUND : strcmp(parts[1], "none") == 0 ? FOUND_NONE : FOUND_FAILED;
        recipient->certificate_reason = parts[1][0] == 'n' ? "there is none" : "it is down";
    }
}

void scene_set(struct scene *scene, enum scene_sender sender, const char *author, const char *layers,
               const char *recipients, enum mixed mixed)
{
    /* What lies beyond the recipients would change every answer. */
    const struct recipient_view beyond = {.text = "beyond",
                                          .local = true,
                                          .arrives = true,
                                          .certificate = FOUND_FAILED,
                                          .claims = {{&scene_partner("reviews")->base, NULL}},
                                          .claim_count = 1};
    memset(scene, 0, sizeof(*scene));
    scene->authors[0] = (struct address){.domain = (char *)"us.test", .text = (char *)"ann@us.test"};
    scene->authors[1] = (struct address){.domain = (char *)"other.test", .text = (char *)"eve@other.test"};
    scene->client = (struct client){.trusted = sender != STRANGER};
    scene->client.proves_author = sender == OURS;
    g_strlcpy(scene->client.proof, "as we know", sizeof(scene->client.proof));
    g_strlcpy(scene->client.reason, sender != STRANGER ? "logged in" : "unknown", sizeof(scene->client.reason));
    scene->conf = (struct conf){.local_domains = (char **)ours, .mixed_recipients = mixed};
    scene->originator.from.list = &scene->authors[sender == OURS_AS_OTHER ? 1 : 0];
    scene->originator.from.count = sender == OURS_AS_BOTH ? 2 : sender == OURS_FAULTY ? 0 : 1;
    if (sender == OURS_FAULTY)
        g_strlcpy(scene->originator.fault, "two From fields", sizeof(scene->originator.fault));
    scene->author = scene_partner(author != NULL ? author : "nothing");
    scene->partners = (struct authors){.partners = &scene->author, .count = 1};
    scene->views = views_new(layers);
    scene->words = g_strsplit(recipients, " ", -1);
    scene->input = (struct plan_input){.conf = &scene->conf,
                                       .direction = DIRECTION_INBOUND,
                                       .client = &scene->client,
                                       .originator = &scene->originator,
                                       .authors = &scene->partners,
                                       .layers = &scene->views->all,
                                       .if_opened = &scene->views->all,
                                       .failure = &scene->failure,
                                       .recipients = scene->recipients,
                                       .own = scene->own};
    for (size_t i = 0; i < G_N_ELEMENTS(scene->recipients); i++)
        scene->recipients[i] = beyond;
    for (size_t i = 0; scene->words[i] != NULL; i++) {
        set_recipient(&scene->recipients[i], scene->words[i]);
        scene->input.recipient_count = i + 1;
        if (!scene->recipients[i].local)
            scene->input.direction = DIRECTION_OUTBOUND;
    }
}

void scene_clear(struct scene *scene)
{
    views_free(scene->views);
    g_strfreev(scene->words);
}
