/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_service: starts a process for each link and supervises it, in one thread of its own. What a process does is in
 * key_place.c.
 */
#include "keys/key_service.h"

#include "base/metrics.h"
#include "key_keeper.h"
#include "key_links.h"
#include "key_place.h"

#include <string.h>
#include <unistd.h>

#define LOOK_MILLISECONDS 500 /* how soon the end of a process is noticed when nobody asks it */
#define DELAY_FIRST 100       /* milliseconds until a process is started again */
#define DELAY_MAX 2000
#define RETRY_SECONDS 30     /* until keys that a new process did not find are looked for once more */
#define RUNS_WELL_SECONDS 10 /* a process that was lost after less is started again later than the time before */

struct watched {
    struct key_link *link; /* not owned */
    char *order;
    pid_t process;  /* -1: none */
    gint64 started; /* monotonic */
    gint64 due;     /* when it is started again; 0: it runs */
    gint64 delay;   /* milliseconds */
    bool is_told;   /* that it was lost */
};

struct key_service {
    struct key_keeper *keeper;
    char *file;
    void (*tell)(enum log_level level, const char *text);
    GMutex lock; /* of what follows */
    GCond changed;
    GPtrArray *watched;
    GThread *supervisor;
    bool has_ended;
};

static void watched_free(gpointer data)
{
    g_free(((struct watched *)data)->order);
    g_free(data);
}

struct key_service *key_service_start(const char *file, bool foreground,
                                      void (*tell)(enum log_level level, const char *text), struct error *error)
{
    char *context = g_strdup(file);
    struct key_keeper *keeper = key_keeper_start(key_place_serve, context, foreground, error);
    if (keeper == NULL) {
        g_free(context);
        return NULL;
    }
    struct key_service *service = g_new0(struct key_service, 1);
    service->keeper = keeper;
    service->file = context;
    service->tell = tell;
    service->watched = g_ptr_array_new_with_free_func(watched_free);
    g_mutex_init(&service->lock);
    g_cond_init(&service->changed);
    return service;
}

void key_service_free(struct key_service *service)
{
    if (service == NULL)
        return;
    g_mutex_lock(&service->lock);
    service->has_ended = true;
    g_cond_signal(&service->changed);
    g_mutex_unlock(&service->lock);
    if (service->supervisor != NULL)
        g_thread_join(service->supervisor);
    key_keeper_free(service->keeper);
    g_ptr_array_unref(service->watched);
    g_cond_clear(&service->changed);
    g_mutex_clear(&service->lock);
    g_free(service->file);
    g_free(service);
}

bool key_service_is_lost(struct key_service *service)
{
    return key_keeper_is_lost(service->keeper);
}

static struct watched *watched_of(const struct key_service *service, const struct key_link *link)
{
    for (guint i = 0; i < service->watched->len; i++) {
        struct watched *watched = g_ptr_array_index(service->watched, i);
        if (watched->link == link)
            return watched;
    }
    return NULL;
}

/* --- one process --- */

/* Channels to a new process; NULL: *error is set. */
static struct key_channels *start_process(const struct key_service *service, const char *order, pid_t *process,
                                          struct error *error)
{
    int ends[KEY_CHANNELS_MAX];
    unsigned count = CLAMP(g_get_num_processors() * 2, 4, KEY_CHANNELS_MAX);
    owned(key_channels) struct key_channels *channels = key_channels_new(count, ends, error);
    if (channels == NULL)
        return NULL;
    *process = key_keeper_fork(service->keeper, order, ends, count, error);
    for (unsigned i = 0; i < count; i++)
        close(ends[i]);
    return *process > 0 ? steal(&channels) : NULL;
}

static bool connect_process(const struct key_service *service, struct key_link *link, const char *order, pid_t *process,
                            struct error *error)
{
    owned(key_channels) struct key_channels *channels = start_process(service, order, process, error);
    if (channels == NULL)
        return false;
    if (key_link_connect(link, channels, error))
        return true;
    key_keeper_kill(service->keeper, *process);
    *process = -1;
    return false;
}

/* --- supervision --- */

/* The lock is held. */
static void plan_restart(struct watched *watched)
{
    gint64 now = g_get_monotonic_time();
    if (watched->due != 0)
        return;
    bool ran_well = now - watched->started > (gint64)RUNS_WELL_SECONDS * G_USEC_PER_SEC;
    watched->delay = ran_well || watched->delay == 0 ? DELAY_FIRST : MIN(2 * watched->delay, DELAY_MAX);
    watched->due = now + watched->delay * 1000;
}

static void on_lost(void *context, struct key_link *link)
{
    struct key_service *service = context;
    g_mutex_lock(&service->lock);
    struct watched *watched = watched_of(service, link);
    if (watched != NULL)
        plan_restart(watched);
    g_cond_signal(&service->changed);
    g_mutex_unlock(&service->lock);
}

static void on_released(void *context, struct key_link *link)
{
    struct key_service *service = context;
    g_mutex_lock(&service->lock);
    struct watched *watched = watched_of(service, link);
    pid_t hung = watched != NULL && watched->due != 0 ? watched->process : -1;
    if (watched != NULL)
        g_ptr_array_remove_fast(service->watched, watched);
    g_mutex_unlock(&service->lock);
    key_keeper_kill(service->keeper, hung); /* the others end with their channels */
}

/* Notices the end of processes that nobody asks. The lock is held. */
static void look(const struct key_service *service)
{
    for (guint i = 0; i < service->watched->len; i++) {
        struct watched *watched = g_ptr_array_index(service->watched, i);
        struct key_channels *channels = watched->due == 0 ? key_link_channels(watched->link) : NULL;
        if (channels == NULL)
            continue;
        key_channels_check(channels);
        if (key_channels_are_dead(channels))
            plan_restart(watched);
        key_channels_unref(channels);
    }
}

/* The next one that is due, with a reference of its link; NULL: none. The lock is held. */
static struct watched *next_due(const struct key_service *service, gint64 *wait_until)
{
    gint64 now = g_get_monotonic_time();
    *wait_until = now + (gint64)LOOK_MILLISECONDS * 1000;
    for (guint i = 0; i < service->watched->len; i++) {
        struct watched *watched = g_ptr_array_index(service->watched, i);
        if (watched->due == 0)
            continue;
        if (watched->due <= now && key_link_try_ref(watched->link))
            return watched;
        *wait_until = MIN(*wait_until, MAX(watched->due, now + 1000));
    }
    return NULL;
}

static void say(const struct key_service *service, enum log_level level, const char *order, const char *text)
{
    g_autofree char *line = g_strdup_printf("key process %s %s", order, text);
    if (service->tell != NULL)
        service->tell(level, line);
}

/* Without the lock, with a reference of the link, so that watched stays. */
static bool start_again(const struct key_service *service, const struct watched *watched, pid_t *process,
                        struct error *error)
{
    key_keeper_kill(service->keeper, watched->process);
    if (!watched->is_told)
        say(service, LOG_LEVEL_ERROR, watched->order, "was lost; what needs its keys is deferred");
    bool runs = connect_process(service, watched->link, watched->order, process, error);
    if (runs)
        say(service, LOG_LEVEL_WARNING, watched->order, "runs again");
    if (error->kind != ERROR_NONE && (!watched->is_told || runs))
        say(service, LOG_LEVEL_ERROR, watched->order, error->text);
    metrics_add("domsec_key_process_restarts_total", runs ? "result=\"running\"" : "result=\"failed\"", 1);
    return runs;
}

/* The lock is held on entry and on return. */
static void restart(struct key_service *service, struct watched *watched)
{
    struct key_link *link = watched->link;
    struct error error = {0};
    pid_t process = -1;
    g_mutex_unlock(&service->lock);
    bool runs = start_again(service, watched, &process, &error);
    g_mutex_lock(&service->lock);
    watched->is_told = !runs;
    watched->process = process;
    watched->started = g_get_monotonic_time();
    watched->due = runs && error.kind != ERROR_NONE ? watched->started + (gint64)RETRY_SECONDS * G_USEC_PER_SEC : 0;
    if (!runs)
        plan_restart(watched);
    g_mutex_unlock(&service->lock);
    key_link_unref(link); /* may be the last reference, which takes the lock */
    g_mutex_lock(&service->lock);
}

static gpointer supervise(gpointer data)
{
    struct key_service *service = data;
    gint64 wait_until;
    g_mutex_lock(&service->lock);
    while (!service->has_ended) {
        look(service);
        struct watched *watched = next_due(service, &wait_until);
        if (watched != NULL)
            restart(service, watched);
        else
            g_cond_wait_until(&service->changed, &service->lock, wait_until);
    }
    g_mutex_unlock(&service->lock);
    return NULL;
}

/* --- links --- */

static struct key_link *shared_link(struct key_service *service, const char *order)
{
    struct key_link *link = NULL;
    g_mutex_lock(&service->lock);
    for (guint i = 0; i < service->watched->len && link == NULL; i++) {
        const struct watched *watched = g_ptr_array_index(service->watched, i);
        if (strcmp(watched->order, order) == 0 && key_link_try_ref(watched->link))
            link = watched->link;
    }
    g_mutex_unlock(&service->lock);
    return link;
}

static void watch(struct key_service *service, struct key_link *link, const char *order, pid_t process)
{
    struct watched *watched = g_new0(struct watched, 1);
    *watched =
        (struct watched){.link = link, .order = g_strdup(order), .process = process, .started = g_get_monotonic_time()};
    g_mutex_lock(&service->lock);
    g_ptr_array_add(service->watched, watched);
    if (service->supervisor == NULL)
        service->supervisor = g_thread_new("key-service", supervise, service);
    g_mutex_unlock(&service->lock);
}

struct key_link *key_service_link(struct key_service *service, const char *scheme, const char *place,
                                  gint64 milliseconds, struct error *error)
{
    const struct key_link_options options = {
        .lost = on_lost, .released = on_released, .context = service, .milliseconds = milliseconds};
    g_autofree char *order = g_strconcat(scheme, ":", place, NULL);
    struct key_link *shared = place != NULL ? shared_link(service, order) : NULL;
    pid_t process = -1;
    if (shared != NULL)
        return shared;
    owned(key_link) struct key_link *link = key_link_remote(&options);
    if (!connect_process(service, link, order, &process, error))
        return NULL;
    watch(service, link, order, process);
    return steal(&link);
}
