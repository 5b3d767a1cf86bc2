/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog: a thread that waits for the nearest deadline. It shuts down only the direction of reading: a library that
 * closes the connection may still write its farewell, and no write raises SIGPIPE by our doing.
 */
#include "watchdog.h"

#include <sys/socket.h>

struct watchdog {
    GMutex lock;
    GCond changed;
    GThread *thread; /* NULL: not started yet */
    GPtrArray *watches;
    bool ending;
};

struct watchdog *watchdog_new(void)
{
    struct watchdog *watchdog = g_new0(struct watchdog, 1);
    g_mutex_init(&watchdog->lock);
    g_cond_init(&watchdog->changed);
    watchdog->watches = g_ptr_array_new();
    return watchdog;
}

/* Bites what is due. Returns the next deadline. */
static int64_t bite(struct watchdog *watchdog)
{
    int64_t now = g_get_monotonic_time(), next = INT64_MAX;
    for (guint i = 0; i < watchdog->watches->len; i++) {
        struct watch *watch = g_ptr_array_index(watchdog->watches, i);
        if (watch->bitten)
            continue;
        watch->bitten = watch->deadline <= now;
        if (watch->bitten)
            shutdown(watch->fd, SHUT_RD);
        else
            next = MIN(next, watch->deadline);
    }
    return next;
}

static gpointer watch_all(gpointer data)
{
    struct watchdog *watchdog = data;
    g_mutex_lock(&watchdog->lock);
    while (!watchdog->ending) {
        int64_t next = bite(watchdog);
        if (next == INT64_MAX)
            g_cond_wait(&watchdog->changed, &watchdog->lock);
        else
            g_cond_wait_until(&watchdog->changed, &watchdog->lock, next);
    }
    g_mutex_unlock(&watchdog->lock);
    return NULL;
}

bool watchdog_watch(struct watchdog *watchdog, struct watch *watch, int fd, int64_t deadline)
{
    *watch = (struct watch){.fd = fd, .deadline = deadline};
    g_mutex_lock(&watchdog->lock);
    if (watchdog->thread == NULL)
        watchdog->thread = g_thread_try_new("net-watchdog", watch_all, watchdog, NULL);
    bool good = watchdog->thread != NULL;
    if (good)
        g_ptr_array_add(watchdog->watches, watch);
    g_cond_signal(&watchdog->changed);
    g_mutex_unlock(&watchdog->lock);
    return good;
}

bool watchdog_leave(struct watchdog *watchdog, struct watch *watch)
{
    g_mutex_lock(&watchdog->lock);
    g_ptr_array_remove_fast(watchdog->watches, watch);
    g_mutex_unlock(&watchdog->lock);
    return watch->bitten;
}

void watchdog_free(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    g_mutex_lock(&watchdog->lock);
    watchdog->ending = true;
    g_cond_signal(&watchdog->changed);
    g_mutex_unlock(&watchdog->lock);
    if (watchdog->thread != NULL)
        g_thread_join(watchdog->thread);
    g_ptr_array_unref(watchdog->watches);
    g_cond_clear(&watchdog->changed);
    g_mutex_clear(&watchdog->lock);
    g_free(watchdog);
}
