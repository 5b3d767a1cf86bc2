/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_service: starts a process for each link and supervises it, in a thread for each, so that a token that hangs holds
 * up no other. What a process does is in key_place.c.
 *
 * A process whose token is away is asked again and again, and each question makes it look for the token. What that
 * costs is a matter of the module, so the pauses are a multiple of what it took. Now and then a new process takes the
 * place of one that looks in vain, because not every module notices a token that came back. A process that crashes or
 * hangs is another matter: each new one is started later than the one before.
 */
#include "keys/key_service.h"

#include "base/metrics.h"
#include "key_keeper.h"
#include "key_links.h"
#include "key_place.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define MILLISECOND INT64_C(1000)
#define SECOND (1000 * MILLISECOND)
#define LOOK (500 * MILLISECOND) /* how soon the end of a process is noticed when nothing asks it */
#define PAUSE_TIMES 9            /* looking for a token takes a tenth of the time at most */
#define PAUSE_MIN (100 * MILLISECOND)
#define PAUSE_MAX (30 * SECOND)
#define VAIN_MAX (30 * SECOND) /* how long a process looks for its token in vain before a new one does */
#define CRASH_DELAY_MIN (100 * MILLISECOND)
#define CRASH_DELAY_MAX (2 * SECOND)
#define RUNS_WELL (10 * SECOND) /* a process that crashed after less is started again later than before */
#define RETRY (30 * SECOND)     /* until keys that only a person can put right are looked for once more */

/* A process, and the channels to it. */
struct running {
    struct key_channels *channels; /* NULL: none */
    pid_t process;                 /* -1: none */
    gint64 started;                /* monotonic */
};

/* Only the lock is shared with others: `serving` and `next` are the supervisor's alone. */
struct watched {
    struct key_service *service;
    char *order;
    struct running serving; /* without channels: the link has them */
    struct running next;    /* a process that does not serve yet */
    char *said;             /* what is wrong, as it was said last; NULL: nothing */

    struct key_link *link; /* not owned; NULL: it is gone. The lock guards it and what follows */
    gint64 due;            /* when keys are looked for; 0: all are there */
    gint64 asked, took;    /* when they were looked for last, and how long that took */
    gint64 crash_delay;
};

struct key_service {
    struct key_keeper *keeper;
    char *file;
    void (*tell)(enum log_level level, const char *text);
    GMutex lock; /* of what follows */
    GCond changed;
    GPtrArray *watched;
    bool has_ended;
};

static void watched_free(gpointer data)
{
    struct watched *watched = data;
    g_free(watched->order);
    g_free(watched->said);
    g_free(watched);
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

bool key_service_stop(struct key_service *service, int64_t milliseconds)
{
    gint64 deadline = g_get_monotonic_time() + milliseconds * 1000;
    bool in_time = true;
    g_mutex_lock(&service->lock);
    service->has_ended = true;
    g_cond_broadcast(&service->changed);
    while (service->watched->len > 0 && in_time)
        in_time = g_cond_wait_until(&service->changed, &service->lock, deadline);
    bool stopped = service->watched->len == 0;
    g_mutex_unlock(&service->lock);
    return stopped;
}

void key_service_free(struct key_service *service)
{
    if (service == NULL)
        return;
    while (!key_service_stop(service, 1000))
        ;
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

/* --- one process --- */

static bool start_process(const struct key_service *service, const char *order, struct running *running,
                          struct error *error)
{
    int ends[KEY_CHANNELS_MAX];
    unsigned count = CLAMP(g_get_num_processors() * 2, 4, KEY_CHANNELS_MAX);
    owned(key_channels) struct key_channels *channels = key_channels_new(count, ends, error);
    if (channels == NULL)
        return false;
    pid_t process = key_keeper_fork(service->keeper, order, ends, count, error);
    for (unsigned i = 0; i < count; i++)
        close(ends[i]);
    if (process > 0)
        *running = (struct running){steal(&channels), process, g_get_monotonic_time()};
    return process > 0;
}

static void end_process(const struct key_service *service, struct running *running)
{
    key_channels_unref(running->channels);
    key_keeper_kill(service->keeper, running->process);
    *running = (struct running){.process = -1};
}

/* --- looking for keys --- */

enum process_state {
    SERVES,  /* a process serves, maybe without some of its keys */
    AWAY,    /* the process is well, but its token is not there */
    CRASHED, /* there is no process */
};

static void say(struct watched *watched, enum log_level level, const char *text)
{
    g_autofree char *line = g_strdup_printf("key process %s %s", watched->order, text);
    if (watched->service->tell != NULL)
        watched->service->tell(level, line);
}

/* Each state once. */
static void say_trouble(struct watched *watched, const char *text)
{
    if (g_strcmp0(watched->said, text) != 0)
        say(watched, LOG_LEVEL_ERROR, text);
    g_free(watched->said);
    watched->said = g_strdup(text);
}

static void say_how_it_is(struct watched *watched, enum process_state state, const struct error *error)
{
    if (state == SERVES && watched->said != NULL)
        say(watched, LOG_LEVEL_WARNING, "runs again");
    if (state == SERVES)
        g_clear_pointer(&watched->said, g_free);
    if (error->kind != ERROR_NONE)
        say_trouble(watched, error->text);
    if (state != AWAY)
        metrics_add("domsec_key_process_restarts_total", state == SERVES ? "result=\"running\"" : "result=\"failed\"",
                    1);
}

/* What hangs may hold what a new process needs. */
static void end_what_is_dead(struct watched *watched, struct key_link *link)
{
    owned(key_channels) struct key_channels *channels = key_link_channels(link);
    if (channels == NULL || !key_channels_are_dead(channels))
        return;
    end_process(watched->service, &watched->serving);
    if (watched->said == NULL)
        say_trouble(watched, "was lost; what needs its keys waits, and is deferred if it waits too long");
}

static enum process_state look_for_keys(struct watched *watched, struct key_link *link, struct error *error)
{
    struct running *next = &watched->next;
    end_what_is_dead(watched, link);
    if (next->channels == NULL && !start_process(watched->service, watched->order, next, error))
        return CRASHED;
    if (key_link_connect(link, next->channels, error)) {
        end_process(watched->service, &watched->serving);
        key_channels_unref(next->channels);
        watched->serving = (struct running){NULL, next->process, next->started};
        *next = (struct running){.process = -1};
        return SERVES;
    }
    bool is_dead = key_channels_are_dead(next->channels);
    if (is_dead || g_get_monotonic_time() - next->started > VAIN_MAX)
        end_process(watched->service, next);
    return is_dead ? CRASHED : AWAY;
}

/* --- supervision; the lock is held in what follows, unless it says otherwise --- */

static gint64 pause_of(const struct watched *watched)
{
    return CLAMP(watched->took * PAUSE_TIMES, PAUSE_MIN, PAUSE_MAX);
}

static void plan_after_crash(struct watched *watched)
{
    gint64 now = g_get_monotonic_time();
    bool ran_well = now - watched->asked > RUNS_WELL;
    watched->crash_delay =
        ran_well || watched->crash_delay == 0 ? CRASH_DELAY_MIN : MIN(2 * watched->crash_delay, CRASH_DELAY_MAX);
    watched->due = now + watched->crash_delay;
}

/* Something may have been lost again since. */
static void plan(struct watched *watched, struct key_link *link, enum process_state state, const struct error *error)
{
    gint64 now = g_get_monotonic_time();
    bool is_whole = state == SERVES && !key_link_misses(link);
    bool is_for_person = is_whole && error->kind != ERROR_NONE;
    if (state == CRASHED)
        plan_after_crash(watched);
    else if (is_whole && error->kind == ERROR_NONE)
        watched->due = 0;
    else
        watched->due = now + (is_for_person ? RETRY : pause_of(watched));
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

/* A process that says that its token is gone has not crashed, whatever those saw that it left without an answer. */
static void on_lost(void *context, struct key_link *link, enum key_loss loss)
{
    struct key_service *service = context;
    g_mutex_lock(&service->lock);
    struct watched *watched = watched_of(service, link);
    if (watched != NULL && loss == KEY_PROCESS_LOST && watched->due == 0)
        plan_after_crash(watched);
    if (watched != NULL && loss != KEY_PROCESS_LOST) {
        watched->crash_delay = 0;
        watched->due = MAX(watched->asked + watched->took + pause_of(watched), 1);
    }
    g_cond_broadcast(&service->changed);
    g_mutex_unlock(&service->lock);
}

static void on_released(void *context, struct key_link *link)
{
    struct key_service *service = context;
    g_mutex_lock(&service->lock);
    struct watched *watched = watched_of(service, link);
    if (watched != NULL)
        watched->link = NULL;
    g_cond_broadcast(&service->changed);
    g_mutex_unlock(&service->lock);
}

/* Notices the end of a process that nothing asks. */
static void look_at_process(struct watched *watched)
{
    struct key_channels *channels = watched->due == 0 ? key_link_channels(watched->link) : NULL;
    if (channels == NULL)
        return;
    key_channels_check(channels);
    if (key_channels_are_dead(channels))
        plan_after_crash(watched);
    key_channels_unref(channels);
}

/* With a reference of the link, which it gives back. */
static void recover(struct watched *watched, struct key_link *link)
{
    struct key_service *service = watched->service;
    struct error error = {0};
    g_mutex_unlock(&service->lock);
    gint64 began = g_get_monotonic_time();
    enum process_state state = look_for_keys(watched, link, &error);
    say_how_it_is(watched, state, &error);
    g_mutex_lock(&service->lock);
    watched->asked = began;
    watched->took = g_get_monotonic_time() - began;
    plan(watched, link, state, &error);
    g_mutex_unlock(&service->lock);
    key_link_unref(link); /* may be the last reference, which takes the lock */
    g_mutex_lock(&service->lock);
}

static void end_supervision(struct watched *watched)
{
    struct key_service *service = watched->service;
    bool is_lost = watched->due != 0;
    g_mutex_unlock(&service->lock);
    end_process(service, &watched->next);
    if (is_lost) /* others end with their channels, when they have answered */
        end_process(service, &watched->serving);
    OPENSSL_thread_stop(); /* or it would clean up behind this thread, when exit() may be doing so */
    g_mutex_lock(&service->lock);
    g_ptr_array_remove_fast(service->watched, watched);
    g_cond_broadcast(&service->changed);
}

static gpointer supervise(gpointer data)
{
    struct watched *watched = data;
    struct key_service *service = watched->service;
    g_mutex_lock(&service->lock);
    while (watched->link != NULL && !service->has_ended) {
        gint64 now = g_get_monotonic_time();
        look_at_process(watched);
        if (watched->due != 0 && watched->due <= now && key_link_try_ref(watched->link))
            recover(watched, watched->link);
        else
            g_cond_wait_until(&service->changed, &service->lock,
                              watched->due != 0 ? MAX(watched->due, now + MILLISECOND) : now + LOOK);
    }
    end_supervision(watched);
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
        if (watched->link != NULL && strcmp(watched->order, order) == 0 && key_link_try_ref(watched->link))
            link = watched->link;
    }
    g_mutex_unlock(&service->lock);
    return link;
}

static void watch(struct key_service *service, struct watched *watched)
{
    g_mutex_lock(&service->lock);
    g_ptr_array_add(service->watched, watched);
    g_thread_unref(g_thread_new("key-service", supervise, watched));
    g_mutex_unlock(&service->lock);
}

struct key_link *key_service_link(struct key_service *service, const char *scheme, const char *place,
                                  gint64 milliseconds)
{
    const struct key_link_options options = {
        .lost = on_lost, .released = on_released, .context = service, .milliseconds = milliseconds};
    g_autofree char *order = g_strconcat(scheme, ":", place, NULL);
    struct key_link *shared = place != NULL ? shared_link(service, order) : NULL;
    struct error error = {0};
    if (shared != NULL)
        return shared;
    struct watched *watched = g_new(struct watched, 1);
    *watched = (struct watched){.service = service,
                                .order = steal(&order),
                                .serving.process = -1,
                                .next.process = -1,
                                .link = key_link_remote(&options),
                                .asked = g_get_monotonic_time()};
    struct key_link *link = watched->link;
    enum process_state state = look_for_keys(watched, link, &error);
    watched->took = g_get_monotonic_time() - watched->asked;
    plan(watched, link, state, &error);
    if (state != SERVES)
        say_trouble(watched, error.text);
    watch(service, watched);
    return link;
}
