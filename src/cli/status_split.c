/* SPDX-License-Identifier: Apache-2.0 */
#include "status_split.h"

#include "base/moment.h"
#include "output.h"

bool split_status_read(const struct conf *conf, struct split_status *status)
{
    owned(faults) struct faults *faults = faults_new();
    *status = (struct split_status){.is_used = conf->split.keys[0] != NULL};
    status->keys = box_keys_open(conf, faults);
    if (status->keys != NULL)
        proof_read(conf, box_keys_id(status->keys, 0), &status->proof);
    return status->keys != NULL || !status->is_used;
}

void split_status_clear(struct split_status *status)
{
    box_keys_close(status->keys);
    proof_state_clear(&status->proof);
}

static char *time_text(time_t at)
{
    char *text = moment_rfc3339(at);
    return text != NULL ? text : g_strdup("?");
}

static char *proof_text(const struct proof_state *proof)
{
    g_autofree char *since = time_text(proof->at);
    if (proof->proven)
        return g_strdup_printf("proven: a sealed message came back, %s", since);
    if (proof->is_given)
        return g_strdup("taken for granted (split.proven)");
    if (proof->queue_id != NULL)
        return g_strdup_printf("not proven: %s was sealed %s and has not come back; see `domsec check --postfix`",
                               proof->queue_id, since);
    return g_strdup("not proven yet: no message was sealed with the first key");
}

void split_status_print(const struct split_status *status)
{
    if (!status->is_used)
        return;
    printf("\nsplit\n");
    owned(table) struct table *table = table_new(2);
    for (size_t i = 0; i < box_keys_count(status->keys); i++) {
        const char *cells[] = {i == 0 ? "seals and opens" : "opens", box_keys_id(status->keys, i)};
        table_row(table, cells);
    }
    g_autofree char *text = status->keys != NULL ? proof_text(&status->proof) : g_strdup("the keys cannot be read");
    const char *cells[] = {"mail server", text};
    table_row(table, cells);
    table_print(table, stdout, 2, false);
}

json_t *split_status_json(const struct split_status *status)
{
    if (!status->is_used)
        return json_null();
    json_t *object = json_object(), *keys = json_array();
    for (size_t i = 0; i < box_keys_count(status->keys); i++)
        json_array_append_new(keys, json_string(box_keys_id(status->keys, i)));
    json_object_set_new(object, "keys", keys);
    json_object_set_new(object, "proven", json_boolean(status->proof.proven || status->proof.is_given));
    const char *queue_id = status->proof.queue_id;
    json_object_set_new(object, "waits_for", queue_id != NULL ? json_string(queue_id) : json_null());
    return object;
}
