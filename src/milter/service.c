/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: the state that all sessions of the daemon share.
 *
 * libmilter starts as many threads as the MTA opens connections. Waiting threads are cheap, but cryptographic work is
 * not: more of it at once than there are processors gains nothing and costs memory and fairness. So a complete message
 * waits for its turn, which goes to the client that has used least (fair.c); of one client's messages, in order of
 * arrival. A message that takes long rests now and then, and others pass it. Waiting messages hold at most
 * message_size_limit times the MTA's process limit (memory_limit of each in memory, the rest on disk). A reload puts
 * another gateway in force; a message in progress keeps the old one to its end.
 */
#include "service.h"

#include "fair.h"

/* libmilter sends a verdict after the callback has returned it, and does not report when it is sent. */
#define GRACE_MILLISECONDS 500

struct service {
    GMutex lock;
    GCond drained;
    struct gateway *gateway;
    unsigned working;  /* turns taken */
    unsigned paused;   /* messages between two turns */
    struct fair *fair; /* who waits */
    unsigned messages; /* in progress */
    gint64 last_end;   /* when the last one got its verdict, monotonic */
    bool draining;
    bool closed; /* no more turns, because the process is about to end */
};

struct service *service_new(struct gateway *gateway)
{
    struct service *service = g_new0(struct service, 1);
    g_mutex_init(&service->lock);
    g_cond_init(&service->drained);
    service->fair = fair_new();
    service->gateway = gateway_ref(gateway);
    return service;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    gateway_unref(service->gateway);
    fair_free(service->fair);
    g_cond_clear(&service->drained);
    g_mutex_clear(&service->lock);
    g_free(service);
}

struct gateway *service_gateway(struct service *service)
{
    g_mutex_lock(&service->lock);
    struct gateway *gateway = gateway_ref(service->gateway);
    g_mutex_unlock(&service->lock);
    return gateway;
}

/* Wakes the one who is next, who wakes the next one when it has its turn. */
static void wake_first(struct service *service)
{
    struct waiter *first = fair_next(service->fair, service->closed);
    if (first != NULL)
        g_cond_signal(&first->woken);
}

static bool has_room(const struct service *service)
{
    return service->working < MAX(gateway_conf(service->gateway)->max_crypto, 1);
}

void service_replace(struct service *service, struct gateway *gateway)
{
    g_mutex_lock(&service->lock);
    struct gateway *old = service->gateway;
    service->gateway = gateway_ref(gateway);
    /* crypto_threads may have grown. */
    wake_first(service);
    g_mutex_unlock(&service->lock);
    /* Outside the lock, because it may be the last reference, and freeing keys takes a while. */
    gateway_unref(old);
}

static bool is_turn(struct service *service, const struct waiter *waiter)
{
    return has_room(service) && fair_next(service->fair, service->closed) == waiter;
}

/* Returns true if its turn came within that time. The lock is held on entry and on return. */
static bool wait_for_turn(struct service *service, struct waiter *waiter, unsigned seconds)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    while (!is_turn(service, waiter))
        if (!g_cond_wait_until(&waiter->woken, &service->lock, deadline))
            return is_turn(service, waiter);
    return true;
}

/* With the lock held on entry and on return. */
static bool enter_locked(struct service *service, struct waiter *self, const struct waiting *how)
{
    bool entered;
    g_cond_init(&self->woken);
    fair_wait(service->fair, self);
    while (!(entered = wait_for_turn(service, self, how->seconds)) && how->tell != NULL) {
        g_mutex_unlock(&service->lock);
        how->tell(how->context);
        g_mutex_lock(&service->lock);
    }
    if (entered) {
        fair_begin(service->fair, self->client);
        service->working++;
    }
    if (entered && self->resuming)
        service->paused--;
    fair_wait_no_more(service->fair, self);
    wake_first(service);
    g_cond_clear(&self->woken);
    return entered;
}

static bool enter(struct service *service, const char *client, bool resuming, const struct waiting *how)
{
    struct waiter self = {.client = client, .resuming = resuming};
    g_mutex_lock(&service->lock);
    bool entered = enter_locked(service, &self, how);
    g_mutex_unlock(&service->lock);
    return entered;
}

bool service_enter(struct service *service, const char *client, const struct waiting *how)
{
    return enter(service, client, false, how);
}

void service_resume(struct service *service, const char *client, const struct waiting *how)
{
    enter(service, client, true, how);
}

static void give_back(struct service *service, const char *client)
{
    fair_end(service->fair, client);
    service->working--;
    service->paused++;
    wake_first(service);
}

void service_pause(struct service *service, const char *client, uint64_t used)
{
    g_mutex_lock(&service->lock);
    fair_charge(service->fair, client, used);
    give_back(service, client);
    g_mutex_unlock(&service->lock);
}

void service_rest(struct service *service, const char *client, uint64_t used, const struct waiting *how)
{
    g_mutex_lock(&service->lock);
    fair_charge(service->fair, client, used);
    if (!has_room(service) && fair_is_due(service->fair, client)) {
        struct waiter self = {.client = client, .resuming = true};
        give_back(service, client);
        enter_locked(service, &self, how);
    }
    g_mutex_unlock(&service->lock);
}

void service_finish(struct service *service)
{
    g_mutex_lock(&service->lock);
    service->paused--;
    if (service->draining)
        g_cond_broadcast(&service->drained);
    g_mutex_unlock(&service->lock);
}

bool service_message_begin(struct service *service)
{
    g_mutex_lock(&service->lock);
    bool counted = !service->draining;
    if (counted)
        service->messages++;
    g_mutex_unlock(&service->lock);
    return counted;
}

void service_message_end(struct service *service)
{
    g_mutex_lock(&service->lock);
    service->messages--;
    service->last_end = g_get_monotonic_time();
    if (service->draining)
        g_cond_broadcast(&service->drained);
    g_mutex_unlock(&service->lock);
}

unsigned service_drain(struct service *service, unsigned timeout_seconds)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout_seconds * G_USEC_PER_SEC;
    g_mutex_lock(&service->lock);
    service->draining = true;
    while (service->messages > 0 && g_cond_wait_until(&service->drained, &service->lock, deadline))
        ;
    /* Messages that began later are not waited for, but none may be processed while the process ends. */
    service->closed = true;
    while (service->working + service->paused > 0 && g_cond_wait_until(&service->drained, &service->lock, deadline))
        ;
    unsigned left = MAX(service->messages, service->working + service->paused);
    gint64 sent = service->last_end != 0 ? service->last_end + GRACE_MILLISECONDS * 1000 : 0;
    g_mutex_unlock(&service->lock);
    gint64 now = g_get_monotonic_time();
    if (sent > now)
        g_usleep((gulong)(sent - now));
    return left;
}
