/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_rollover: for each identity that waits, what it is to replace, what is still missing, and which partners have
 * the old certificate.
 */
#include "status_rollover.h"

#include "base/moment.h"
#include "describe.h"
#include "holders.h"
#include "standing.h"

struct turnover {
    const struct identity_conf *old, *new;
    const X509 *certificate; /* of old */
    char *request;           /* of new; NULL: it has its certificate */
};

static void turnover_free(gpointer data)
{
    struct turnover *turnover = data;
    g_free(turnover->request);
    g_free(turnover);
}

static bool waits(enum standing standing)
{
    return standing == STANDING_AWAITED || standing == STANDING_WAITING;
}

/* The one in force of the same owner. */
static const struct identity_conf *old_of(const struct conf *conf, const enum standing *standing,
                                          const struct identity_conf *new)
{
    for (size_t i = 0; i < conf->identity_count; i++)
        if (standing[i] == STANDING_IN_FORCE && identity_same_owner(&conf->identities[i], new))
            return &conf->identities[i];
    return NULL;
}

static GPtrArray *turnovers(const struct conf *conf, X509 *const *own)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(turnover_free);
    g_autofree enum standing *standing = standing_read(conf, own, time(NULL));
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *new = &conf->identities[i];
        const struct identity_conf *old = waits(standing[i]) ? old_of(conf, standing, new) : NULL;
        if (old == NULL)
            continue;
        struct turnover *turnover = g_new0(struct turnover, 1);
        *turnover = (struct turnover){old, new, own[old - conf->identities], identity_request(new)};
        g_ptr_array_add(list, turnover);
    }
    return list;
}

void rollovers_print(const struct conf *conf, X509 *const *own)
{
    g_autoptr(GPtrArray) list = turnovers(conf, own);
    for (guint i = 0; i < list->len; i++) {
        const struct turnover *turnover = list->pdata[i];
        const struct identity_conf *new = turnover->new;
        g_autofree char *from = new->from != 0 ? moment_text(new->from) : NULL;
        printf("\nrollover of %s, %s\n  %s takes the place of %s%s%s\n", identity_owner(new), role_name(new->role),
               new->certificate, turnover->old->certificate, from != NULL ? " on " : "", from != NULL ? from : "");
        if (turnover->request != NULL)
            printf("  it waits for the answer of your authority to the request %s\n", turnover->request);
        holders_print(conf, turnover->old, turnover->certificate, 2);
    }
}

/* Takes the list. */
static json_t *texts(GPtrArray *list)
{
    json_t *array = json_array();
    for (guint i = 0; i < list->len; i++)
        json_array_append_new(array, json_string(list->pdata[i]));
    g_ptr_array_unref(list);
    return array;
}

json_t *rollovers_json(const struct conf *conf, X509 *const *own)
{
    g_autoptr(GPtrArray) list = turnovers(conf, own);
    json_t *array = json_array();
    for (guint i = 0; i < list->len; i++) {
        const struct turnover *turnover = list->pdata[i];
        g_autofree char *from = turnover->new->from != 0 ? moment_text(turnover->new->from) : NULL;
        json_t *entry = json_object();
        json_object_set_new(entry, "for", json_string(identity_owner(turnover->new)));
        json_object_set_new(entry, "role", json_string(role_name(turnover->new->role)));
        json_object_set_new(entry, "old", json_string(turnover->old->certificate));
        json_object_set_new(entry, "new", json_string(turnover->new->certificate));
        json_object_set_new(entry, "from", describe_string(from));
        json_object_set_new(entry, "request", describe_string(turnover->request));
        json_object_set_new(entry, "encrypting", texts(holders_encrypting(conf, turnover->old)));
        json_object_set_new(entry, "seeing", texts(holders_seeing(conf, turnover->old)));
        json_object_set_new(entry, "pinned", texts(holders_pinning(conf, turnover->certificate)));
        json_array_append_new(array, entry);
    }
    return array;
}
