/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn: keeps what a message that was accepted teaches. What is worth keeping is found within a turn (lessons.c), and
 * written without one, because a store may be locked. A message waits for that only a moment, and after a few failures
 * not at all for some seconds: a store that is full or broken stops the harvest, not the mail.
 */
#include "learn.h"

#include "base/breaker.h"
#include "base/metrics.h"
#include "store/harvest.h"

#include <jansson.h>

#define PATIENCE 200000 /* microseconds */

bool learn_is_on(const struct conf *conf)
{
    bool follows = false;
    for (size_t i = 0; i < conf->partner_count; i++)
        follows = follows || conf->partners[i]->capabilities.follow;
    return conf->store != NULL && (follows || conf->harvest.approve != APPROVE_OFF);
}

void learned_clear(struct learned *learned)
{
    for (size_t i = 0; i < learned->count; i++) {
        struct lesson *lesson = &learned->list[i];
        X509_free(lesson->certificate);
        g_byte_array_unref(lesson->chain);
        g_free(lesson->name);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(learned->announced); i++)
        g_free(learned->announced[i].name);
    *learned = (struct learned){0};
}

static bool may_learn(const struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    return passage->gateway->store != NULL && passage->mail.message != NULL && plan->direction == DIRECTION_INBOUND &&
           passage->reply.kind == REPLY_ACCEPT && !plan->needs_split && !plan->internal && !plan->is_test;
}

static bool keep_certificate(const struct gateway *gateway, struct lesson *lesson, time_t at, int64_t deadline,
                             struct error *error)
{
    const struct harvest_conf *conf = &gateway->conf->harvest;
    unsigned char *der = NULL;
    int length = i2d_X509(lesson->certificate, &der);
    enum harvested result = HARVESTED_KNOWN;
    const struct harvest_offer offer = {
        .der = {(const char *)der, (size_t)MAX(length, 0)},
        .chain = {(const char *)lesson->chain->data, lesson->chain->len},
        .at = at,
        .not_before = certificate_begins(lesson->certificate),
        .not_after = certificate_ends(lesson->certificate),
        .name = {lesson->name, lesson->is_domain ? 1U << ROLE_DOMAIN_CONFIDENTIALITY : 0},
        .is_approved = lesson->is_approved,
        .limits = {conf->per_sender_daily, conf->daily, conf->total},
    };
    bool good = length > 0 ? store_harvest(gateway->store, &offer, deadline, &result, error)
                           : error_set(error, ERROR_TEMPORARY, "a certificate could not be encoded");
    OPENSSL_free(der);
    if (good)
        lesson->result = harvested_name(result);
    return good;
}

static bool keep_announcement(const struct gateway *gateway, const struct announced *announced, int64_t deadline,
                              struct error *error)
{
    g_autofree char *words = capabilities_words(&announced->capabilities);
    const struct announcement announcement = {announced->name, announced->signed_at, words};
    bool kept = false;
    return announced->name == NULL || store_capabilities_keep(gateway->store, &announcement, deadline, &kept, error);
}

static bool keep(const struct passage *passage, struct learned *learned)
{
    const struct gateway *gateway = passage->gateway;
    int64_t deadline = g_get_monotonic_time() + PATIENCE;
    bool good = true;
    for (size_t i = 0; i < learned->count && good; i++)
        good = keep_certificate(gateway, &learned->list[i], passage->mail.at, deadline, &learned->failure);
    for (size_t i = 0; i < G_N_ELEMENTS(learned->announced) && good; i++)
        good = keep_announcement(gateway, &learned->announced[i], deadline, &learned->failure);
    return good;
}

void passage_learn(struct passage *passage, const struct turns *turns)
{
    struct learned *learned = &passage->learned;
    struct breaker *breaker = passage->gateway->store_breaker;
    if (!may_learn(passage))
        return;
    turns_enter(turns);
    lessons_find(passage, learned);
    turns_leave(turns);
    if (learned->count == 0 && learned->announced[0].name == NULL && learned->announced[1].name == NULL)
        return;
    if (!breaker_allows(breaker, g_get_monotonic_time(), &learned->failure))
        return;
    if (keep(passage, learned))
        (void)breaker_answered(breaker);
    else
        (void)breaker_failed(breaker, g_get_monotonic_time());
}

/* --- what is said of it --- */

const char *lesson_result(const struct lesson *lesson)
{
    return lesson->result != NULL ? lesson->result : "failed";
}

void learned_count(const struct learned *learned)
{
    for (size_t i = 0; i < learned->count; i++) {
        g_autofree char *label = g_strdup_printf("result=\"%s\"", lesson_result(&learned->list[i]));
        metrics_add("domsec_harvested_total", label, 1);
    }
}

json_t *learned_json(const struct learned *learned)
{
    json_t *list = json_array();
    for (size_t i = 0; i < learned->count; i++) {
        const struct lesson *lesson = &learned->list[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "for", lesson->name, "sha256", lesson->sha256,
                                              "result", lesson_result(lesson)));
    }
    return list;
}
