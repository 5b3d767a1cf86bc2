/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linked_key: asks for work with a key, where its holder is at present.
 *
 * While there is no process, or while its token is away, a request waits: for the time that each request has, counted
 * from when the keys were lost. So mail does not notice a token that is away for a moment, and one that stays away
 * costs a message nothing but that.
 */
#include "key_link_inside.h"

#include "key_wait.h"
#include "keys/keys.h"

#include <string.h>

#define SENDS_MAX 3 /* of one request, which may be what ends the processes */

/* --- failures --- */

static _Thread_local unsigned failures;
static _Thread_local struct error last_failure;

unsigned keys_failures(void)
{
    return failures;
}

const char *keys_failure(void)
{
    return last_failure.text;
}

static enum key_answer fail(enum key_answer answer, const struct error *error)
{
    failures++;
    last_failure = *error;
    return answer;
}

/* --- work --- */

/* The channels to ask, as a reference, and the number of the key there. False: it is not there. The lock is held. */
static bool is_there(const struct linked_key *key, struct key_channels **channels, uint32_t *number)
{
    const struct key_link *link = key->link;
    if (link->server == NULL && (key->lost || link->channels == NULL || key_channels_are_dead(link->channels)))
        return false;
    *channels = link->channels != NULL ? key_channels_ref(link->channels) : NULL;
    *number = key->number;
    return true;
}

/* Also if nothing but its channels says so far that the process has ended. The lock is held. */
static bool may_come_back(struct key_link *link)
{
    if (link->lost == 0 && link->channels != NULL && key_channels_are_dead(link->channels))
        link->lost = g_get_monotonic_time();
    return link->lost != 0;
}

/* The same, after waiting for it if it may come back. */
static bool wait_for_key(struct linked_key *key, gint64 deadline, struct key_channels **channels, uint32_t *number,
                         struct error *error)
{
    struct key_link *link = key->link;
    g_mutex_lock(&link->lock);
    bool found = is_there(key, channels, number);
    while (!found && may_come_back(link)) {
        gint64 until = MIN(deadline, link->lost + link->options.milliseconds * 1000);
        if (until <= g_get_monotonic_time())
            break;
        g_mutex_unlock(&link->lock);
        key_wait_begin(); /* without the lock, because it may take others */
        g_mutex_lock(&link->lock);
        found = is_there(key, channels, number);
        if (!found)
            g_cond_wait_until(&link->changed, &link->lock, until);
        found = found || is_there(key, channels, number);
    }
    if (!found)
        error_set(error, ERROR_TEMPORARY, "%s is not there at present%s%s", key->location,
                  link->reason.kind != ERROR_NONE ? ": " : "", link->reason.text);
    g_mutex_unlock(&link->lock);
    return found;
}

/* True if another process may answer. */
static bool is_lost(struct key_link *link, struct key_channels *channels, enum asked asked,
                    const struct key_reply *reply)
{
    if (channels != NULL && asked == ASKED_ANSWERED && reply->answer == KEY_GONE)
        key_link_lose(link, channels, KEY_PLACE_LOST);
    return channels != NULL && (asked == ASKED_ENDED || (asked == ASKED_ANSWERED && reply->answer == KEY_GONE));
}

/* False: there was no reply. The answer in a reply may be KEY_BUSY or KEY_GONE. */
static bool ask_until_answered(struct linked_key *key, struct key_request *request, unsigned char *octets,
                               struct key_reply *reply, struct error *error)
{
    enum asked asked = ASKED_FAILED;
    bool again = true;
    for (unsigned sends = 0; again && sends < SENDS_MAX; sends++) {
        owned(key_channels) struct key_channels *channels = NULL;
        if (!wait_for_key(key, request->deadline, &channels, &request->key, error))
            return false;
        asked = key_link_ask(key->link, channels, request, octets, reply, error);
        again = is_lost(key->link, channels, asked, reply);
    }
    return asked == ASKED_ANSWERED;
}

enum key_answer linked_key_work(struct linked_key *key, const struct key_work *work, struct key_output *output)
{
    struct key_request request = {.operation = KEY_WORK, .work = *work, .deadline = key_link_deadline(key->link)};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    struct error error = {0};
    output->length = 0;
    bool answered = ask_until_answered(key, &request, octets, &reply, &error);
    key_wait_end();
    if (!answered)
        return fail(KEY_BUSY, &error);
    if (reply.answer == KEY_BUSY || reply.answer == KEY_GONE) {
        error_set(&error, ERROR_TEMPORARY, "%s: %s", key->location,
                  reply.answer == KEY_GONE ? "its token does not work at present" : "not usable at present");
        return fail(reply.answer, &error);
    }
    /* The same work for KEY_WRONG: what follows the output in the reply is as long as it is short. */
    memcpy(output->octets, reply.output.data, MIN(reply.output.len + reply.padding, sizeof(output->octets)));
    output->length = reply.output.len;
    OPENSSL_cleanse(octets, sizeof(octets));
    return reply.answer;
}
