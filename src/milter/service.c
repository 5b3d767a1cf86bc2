/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: the state that all sessions of the daemon share.
 *
 * libmilter starts as many threads as the MTA opens connections. Waiting threads are cheap, but cryptographic work is
 * not: more of it at once than there are processors gains nothing and costs memory and fairness. So a complete message
 * waits for its turn, in order of arrival, and none is passed over. Waiting messages hold at most message_size_limit
 * times the MTA's process limit (memory_limit of each in memory, the rest on disk). A reload puts another gateway in
 * force; a message in progress keeps the old one to its end.
 */
#include "service.h"

/* libmilter sends a verdict after the callback has returned it, and does not report when it is sent. */
#define GRACE_MILLISECONDS 500

/* A thread that waits for its turn; it lives on its stack. */
struct waiter {
    GCond woken;
    bool resuming; /* it was interrupted by lookups: it gets its turn even if the process is about to end */
};

struct service {
    GMutex lock;
    GCond drained;
    struct gateway *gateway;
    unsigned working;  /* turns taken */
    unsigned paused;   /* messages between two turns */
    GQueue waiting;    /* struct waiter *, in order */
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
    g_queue_init(&service->waiting);
    service->gateway = gateway_ref(gateway);
    return service;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    gateway_unref(service->gateway);
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

/* Wakes the first in line, which wakes the next one when it has its turn. */
static void wake_first(struct service *service)
{
    struct waiter *first = g_queue_peek_head(&service->waiting);
    if (first != NULL)
        g_cond_signal(&first->woken);
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
    unsigned limit = MAX(gateway_conf(service->gateway)->max_crypto, 1);
    return (!service->closed || waiter->resuming) && service->working < limit &&
           g_queue_peek_head(&service->waiting) == waiter;
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

static bool enter(struct service *service, bool resuming, unsigned seconds, void (*tell)(void *context), void *context)
{
    struct waiter self = {.resuming = resuming};
    bool entered;
    g_cond_init(&self.woken);
    g_mutex_lock(&service->lock);
    g_queue_push_tail(&service->waiting, &self);
    while (!(entered = wait_for_turn(service, &self, seconds)) && tell != NULL) {
        g_mutex_unlock(&service->lock);
        tell(context);
        g_mutex_lock(&service->lock);
    }
    g_queue_remove(&service->waiting, &self);
    if (entered)
        service->working++;
    if (entered && resuming)
        service->paused--;
    wake_first(service);
    g_mutex_unlock(&service->lock);
    g_cond_clear(&self.woken);
    return entered;
}

bool service_enter(struct service *service, unsigned timeout_seconds)
{
    return enter(service, false, timeout_seconds, NULL, NULL);
}

void service_enter_telling(struct service *service, unsigned seconds, void (*tell)(void *context), void *context)
{
    enter(service, false, seconds, tell, context);
}

void service_resume(struct service *service, unsigned seconds, void (*tell)(void *context), void *context)
{
    enter(service, true, seconds, tell, context);
}

void service_pause(struct service *service)
{
    g_mutex_lock(&service->lock);
    service->working--;
    service->paused++;
    wake_first(service);
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

void service_leave(struct service *service)
{
    g_mutex_lock(&service->lock);
    service->working--;
    wake_first(service);
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
