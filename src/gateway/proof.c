/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: does the mail server bring sealed messages back? If a line is missing in its configuration, a sealed message
 * goes to people who cannot read it. So until one has come back, only one at a time is let go. What was seen is kept in
 * a file, for a restart, for the gateway of the next configuration, and for `domsec status`:
 *
 *     proven KEY TIME            a message sealed with this key has come back
 *     sealed KEY TIME QUEUE-ID   one was let go, and has not come back yet
 *
 * Another key begins anew, for it may be one that the other gateways do not have.
 */
#include "proof.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

#define FILE_NAME "split"
#define WAIT_SECONDS 60

struct proof {
    GMutex mutex;
    char *file;
    bool is_given; /* split.proven */
    char key_id[BOX_KEY_ID_SIZE];
    struct proof_state state;
    bool complained;
};

void proof_state_clear(struct proof_state *state)
{
    g_free(state->queue_id);
    *state = (struct proof_state){0};
}

static char *state_file(const struct conf *conf)
{
    return g_build_filename(conf_state_folder(conf), FILE_NAME, NULL);
}

/* A file that is not there, or that says something else, proves nothing. */
static void read_state(const char *file, const char *key_id, struct proof_state *state)
{
    struct error ignored = {0};
    size_t length = 0;
    *state = (struct proof_state){0};
    g_autofree char *text = file_read(file, &length, &ignored);
    if (text == NULL)
        return;
    g_auto(GStrv) words = g_strsplit(g_strstrip(text), " ", 4);
    unsigned count = g_strv_length(words);
    if (count < 3 || strcmp(words[1], key_id) != 0)
        return;
    state->proven = strcmp(words[0], "proven") == 0;
    state->at = (time_t)g_ascii_strtoll(words[2], NULL, 10);
    if (!state->proven)
        state->queue_id = g_strdup(count > 3 ? words[3] : "");
}

void proof_read(const struct conf *conf, const char *key_id, struct proof_state *state)
{
    g_autofree char *file = state_file(conf);
    read_state(file, key_id, state);
    state->is_given = conf->split.proven;
}

/* Where it cannot be written, it is known until the process ends. */
static void write_state(const struct proof *proof)
{
    const struct proof_state *state = &proof->state;
    g_autofree char *text =
        state->proven ? g_strdup_printf("proven %s %lld\n", proof->key_id, (long long)state->at)
                      : g_strdup_printf("sealed %s %lld %s\n", proof->key_id, (long long)state->at, state->queue_id);
    (void)g_file_set_contents_full(proof->file, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL);
}

struct proof *proof_open(const struct conf *conf, const char *key_id)
{
    struct proof *proof = g_new0(struct proof, 1);
    g_mutex_init(&proof->mutex);
    proof->file = state_file(conf);
    proof->is_given = conf->split.proven;
    g_strlcpy(proof->key_id, key_id, sizeof(proof->key_id));
    read_state(proof->file, proof->key_id, &proof->state);
    return proof;
}

void proof_close(struct proof *proof)
{
    if (proof == NULL)
        return;
    proof_state_clear(&proof->state);
    g_mutex_clear(&proof->mutex);
    g_free(proof->file);
    g_free(proof);
}

static bool is_waiting(const struct proof_state *state, time_t now)
{
    return state->queue_id != NULL && now >= state->at && now - state->at < WAIT_SECONDS;
}

static bool may_go(struct proof *proof, const char *queue_id, time_t now, struct error *error)
{
    struct proof_state *state = &proof->state;
    if (proof->is_given || state->proven)
        return true;
    if (is_waiting(state, now))
        return error_set(error, ERROR_CONFIGURATION,
                         "mixed_recipients = \"split\": the mail server has not yet brought back the first sealed "
                         "message (%s), so it is not known whether it can",
                         state->queue_id);
    proof_state_clear(state);
    state->queue_id = g_strdup(queue_id != NULL ? queue_id : "NOQUEUE");
    state->at = now;
    write_state(proof);
    proof->complained = false;
    return true;
}

bool proof_may_go(struct proof *proof, const char *queue_id, time_t now, struct error *error)
{
    g_mutex_lock(&proof->mutex);
    bool may = may_go(proof, queue_id, now, error);
    g_mutex_unlock(&proof->mutex);
    return may;
}

void proof_came_back(struct proof *proof, const char *key_id, time_t now)
{
    g_mutex_lock(&proof->mutex);
    if (!proof->state.proven && strcmp(key_id, proof->key_id) == 0) {
        proof_state_clear(&proof->state);
        proof->state.proven = true;
        proof->state.at = now;
        write_state(proof);
    }
    g_mutex_unlock(&proof->mutex);
}

bool proof_complain(struct proof *proof, time_t now, struct error *error)
{
    g_mutex_lock(&proof->mutex);
    const struct proof_state *state = &proof->state;
    bool lost =
        !proof->is_given && !state->proven && state->queue_id != NULL && !is_waiting(state, now) && !proof->complained;
    if (lost) {
        proof->complained = true;
        error_set(error, ERROR_CONFIGURATION,
                  "the sealed message %s has not come back within %d seconds, and may have left as it is: see "
                  "`domsec check --postfix` (milter_header_checks, and the listener \"domsec-split\")",
                  state->queue_id, WAIT_SECONDS);
    }
    g_mutex_unlock(&proof->mutex);
    return lost;
}
