/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fair: start-time fair queueing (Goyal, Vin, Cheng 1996) with costs that are known afterwards.
 *
 * Each client has an account of what it has used. Who has used least is next. A client that comes, or comes back,
 * begins where the others are, so it can neither save up turns nor be held to what it used when no one else waited. A
 * turn that is under way counts as one slice until it is charged, so that several turns at once do not all go to one
 * client. Without turns and waiters the table is emptied, so it holds only clients that compete.
 */
#include "fair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define SLICE 1000   /* microseconds */
#define SWEEP_AT 256 /* clients */

struct client {
    uint64_t used;
    unsigned turns; /* that it has now */
    GQueue waiting; /* struct waiter *; those that resume come first */
};

struct fair {
    GHashTable *clients; /* name → struct client * */
    uint64_t level;      /* the account of the client that got the last turn: where who comes begins */
    uint64_t numbers;
    unsigned busy; /* turns and waiters */
};

static void client_free(void *data)
{
    struct client *client = data;
    g_queue_clear(&client->waiting);
    g_free(client);
}

struct fair *fair_new(void)
{
    struct fair *fair = g_new0(struct fair, 1);
    fair->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, client_free);
    return fair;
}

void fair_free(struct fair *fair)
{
    if (fair == NULL)
        return;
    g_hash_table_destroy(fair->clients);
    g_free(fair);
}

static bool is_idle(const struct client *client)
{
    return client->turns == 0 && g_queue_is_empty((GQueue *)&client->waiting);
}

/* It would begin at the level in any case. */
static gboolean is_even(void *name, void *data, void *context)
{
    const struct client *client = data;
    (void)name;
    return is_idle(client) && client->used <= ((const struct fair *)context)->level;
}

/* The client, which has a turn or a waiter from here on. */
static struct client *enlist(struct fair *fair, const char *name)
{
    struct client *client = g_hash_table_lookup(fair->clients, name);
    if (client == NULL) {
        if (g_hash_table_size(fair->clients) >= SWEEP_AT)
            g_hash_table_foreach_remove(fair->clients, is_even, fair);
        client = g_new0(struct client, 1);
        g_queue_init(&client->waiting);
        g_hash_table_insert(fair->clients, g_strdup(name), client);
    }
    if (is_idle(client))
        client->used = MAX(client->used, fair->level);
    fair->busy++;
    return client;
}

/* One turn or waiter less. */
static void strike(struct fair *fair)
{
    if (--fair->busy > 0)
        return;
    g_hash_table_remove_all(fair->clients);
    fair->level = 0;
}

void fair_wait(struct fair *fair, struct waiter *waiter)
{
    struct client *client = enlist(fair, waiter->client);
    waiter->number = fair->numbers++;
    GList *before = client->waiting.head;
    while (before != NULL && (!waiter->resuming || ((const struct waiter *)before->data)->resuming))
        before = before->next;
    g_queue_insert_before(&client->waiting, before, waiter);
}

void fair_wait_no_more(struct fair *fair, struct waiter *waiter)
{
    struct client *client = g_hash_table_lookup(fair->clients, waiter->client);
    g_queue_remove(&client->waiting, waiter);
    strike(fair);
}

static uint64_t standing(const struct client *client)
{
    return client->used + (uint64_t)client->turns * SLICE;
}

struct waiter *fair_next(const struct fair *fair, bool resuming)
{
    GHashTableIter iterator;
    void *data;
    struct waiter *next = NULL;
    uint64_t least = 0;
    g_hash_table_iter_init(&iterator, fair->clients);
    while (g_hash_table_iter_next(&iterator, NULL, &data)) {
        struct client *client = data;
        struct waiter *first = g_queue_peek_head(&client->waiting);
        if (first == NULL || (resuming && !first->resuming))
            continue;
        uint64_t used = standing(client);
        if (next != NULL && (used > least || (used == least && first->number > next->number)))
            continue;
        next = first;
        least = used;
    }
    return next;
}

void fair_begin(struct fair *fair, const char *client)
{
    struct client *beginning = enlist(fair, client);
    fair->level = MAX(fair->level, beginning->used);
    beginning->turns++;
}

void fair_charge(struct fair *fair, const char *client, uint64_t used)
{
    struct client *charged = g_hash_table_lookup(fair->clients, client);
    charged->used += used;
}

void fair_end(struct fair *fair, const char *client)
{
    struct client *ending = g_hash_table_lookup(fair->clients, client);
    ending->turns--;
    strike(fair);
}

bool fair_is_due(const struct fair *fair, const char *client)
{
    const struct client *having = g_hash_table_lookup(fair->clients, client);
    const struct waiter *next = fair_next(fair, false);
    if (next == NULL || strcmp(next->client, client) == 0)
        return false;
    return standing(g_hash_table_lookup(fair->clients, next->client)) < having->used;
}

char *fair_client(const char *address)
{
    struct in6_addr octets;
    char text[INET6_ADDRSTRLEN];
    if (address != NULL && g_ascii_strncasecmp(address, "IPv6:", 5) == 0)
        address += 5;
    if (address == NULL || inet_pton(AF_INET6, address, &octets) != 1)
        return g_strdup(address != NULL ? address : "");
    if (IN6_IS_ADDR_V4MAPPED(&octets))
        return g_strdup(inet_ntop(AF_INET, octets.s6_addr + 12, text, sizeof(text)));
    memset(octets.s6_addr + 8, 0, 8);
    return g_strdup(inet_ntop(AF_INET6, &octets, text, sizeof(text)));
}
