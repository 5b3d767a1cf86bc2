/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial: getaddrinfo() has no limit of time, and answers from where the administrator of the host wants (hosts file,
 * nsswitch), which a resolver library does not. So each name is resolved in a thread of its own, which is left behind
 * if it does not end in time. There are at most RESOLUTIONS_MAX such threads: a resolver that hangs costs a bounded
 * amount of memory, and the names beyond that fail at once.
 */
#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOLUTIONS_MAX 16
#define KEEPALIVE_IDLE 60 /* seconds */
#define KEEPALIVE_INTERVAL 10
#define KEEPALIVE_COUNT 3
#define PORT_TEXT 16

/* Shared by the dialler and the threads that it left behind. */
struct dialler {
    GMutex lock;
    GCond done;
    unsigned references;
    unsigned resolutions; /* that run */
};

struct resolution {
    struct dialler *dialler;
    char *host;
    char port[PORT_TEXT];
    bool done, left;
    int status; /* of getaddrinfo() */
    int cause;  /* errno with EAI_SYSTEM */
    struct addrinfo *list;
};

struct dialler *dialler_new(void)
{
    struct dialler *dialler = g_new0(struct dialler, 1);
    g_mutex_init(&dialler->lock);
    g_cond_init(&dialler->done);
    dialler->references = 1;
    return dialler;
}

/* Unlocks, too. */
static void dialler_unref(struct dialler *dialler)
{
    bool last = --dialler->references == 0;
    g_mutex_unlock(&dialler->lock);
    if (!last)
        return;
    g_cond_clear(&dialler->done);
    g_mutex_clear(&dialler->lock);
    g_free(dialler);
}

void dialler_free(struct dialler *dialler)
{
    if (dialler == NULL)
        return;
    g_mutex_lock(&dialler->lock);
    dialler_unref(dialler);
}

static void resolution_free(struct resolution *resolution)
{
    if (resolution->list != NULL)
        freeaddrinfo(resolution->list);
    g_free(resolution->host);
    g_free(resolution);
}

static void look_up(struct resolution *resolution, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    resolution->status = getaddrinfo(resolution->host, resolution->port, &hints, &resolution->list);
    resolution->cause = errno;
}

static gpointer look_up_aside(gpointer data)
{
    struct resolution *resolution = data;
    struct dialler *dialler = resolution->dialler;
    look_up(resolution, 0);
    g_mutex_lock(&dialler->lock);
    dialler->resolutions--;
    resolution->done = true;
    if (resolution->left)
        resolution_free(resolution);
    else
        g_cond_broadcast(&dialler->done);
    dialler_unref(dialler);
    return NULL;
}

/* Under the lock. */
static bool start(struct dialler *dialler, struct resolution *resolution)
{
    GThread *thread = dialler->resolutions < RESOLUTIONS_MAX
                          ? g_thread_try_new("net-resolve", look_up_aside, resolution, NULL)
                          : NULL;
    if (thread == NULL)
        return false;
    g_thread_unref(thread);
    dialler->resolutions++;
    dialler->references++;
    return true;
}

/* Returns false if no thread was started, or it has not ended in time. The resolution is not the caller's then. */
static bool resolve_aside(struct dialler *dialler, struct resolution *resolution, int64_t deadline, struct error *error)
{
    g_mutex_lock(&dialler->lock);
    if (!start(dialler, resolution)) {
        unsigned running = dialler->resolutions;
        g_mutex_unlock(&dialler->lock);
        resolution_free(resolution);
        return error_set(error, ERROR_TEMPORARY, "a host name cannot be resolved beside the %u that are being resolved",
                         running);
    }
    while (!resolution->done)
        if (!g_cond_wait_until(&dialler->done, &dialler->lock, deadline))
            break;
    bool done = resolution->done;
    resolution->left = !done;
    g_mutex_unlock(&dialler->lock);
    return done || error_set(error, ERROR_TEMPORARY, "a host name was not resolved in time");
}

/* freeaddrinfo(). NULL with the reason. */
static struct addrinfo *resolve(struct dialler *dialler, const char *host, unsigned port, int64_t deadline,
                                struct error *error)
{
    struct resolution *resolution = g_new0(struct resolution, 1);
    resolution->dialler = dialler;
    resolution->host = g_strdup(host);
    snprintf(resolution->port, sizeof(resolution->port), "%u", port);
    look_up(resolution, AI_NUMERICHOST);
    if (resolution->status != 0 && !resolve_aside(dialler, resolution, deadline, error))
        return NULL;
    struct addrinfo *list = steal(&resolution->list);
    if (resolution->status != 0)
        error_set_foreign(error, ERROR_TEMPORARY,
                          resolution->status == EAI_SYSTEM ? g_strerror(resolution->cause)
                                                           : gai_strerror(resolution->status),
                          "a host name cannot be resolved");
    resolution_free(resolution);
    return list;
}

/* The reason why the connection was not made; 0: it was. */
static int await_connection(int fd, int64_t deadline)
{
    int failure = 0;
    socklen_t size = sizeof(failure);
    for (;;) {
        struct pollfd poller = {.fd = fd, .events = POLLOUT};
        int64_t left = deadline - g_get_monotonic_time();
        if (left <= 0)
            return ETIMEDOUT;
        int ready = poll(&poller, 1, (int)MIN(left / 1000 + 1, 60000));
        if (ready > 0)
            return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 ? failure : errno;
        if (ready < 0 && errno != EINTR)
            return errno;
    }
}

static void set_options(int fd)
{
    int on = 1, idle = KEEPALIVE_IDLE, interval = KEEPALIVE_INTERVAL, count = KEEPALIVE_COUNT;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int connect_one(const struct addrinfo *address, int64_t deadline, struct error *error)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failure = 0;
    if (fd < 0) {
        error_set_foreign(error, ERROR_TEMPORARY, g_strerror(errno), "no socket");
        return -1;
    }
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        failure = errno == EINPROGRESS || errno == EINTR ? await_connection(fd, deadline) : errno;
    if (failure == 0 && fcntl(fd, F_SETFL, 0) != 0)
        failure = errno;
    if (failure == 0) {
        set_options(fd);
        return fd;
    }
    close(fd);
    error_set_foreign(error, ERROR_TEMPORARY, g_strerror(failure), "no connection");
    return -1;
}

int dial(struct dialler *dialler, const char *host, unsigned port, int64_t deadline, struct error *error)
{
    int fd = -1, left = 0;
    struct addrinfo *list = resolve(dialler, host, port, deadline, error);
    for (const struct addrinfo *address = list; address != NULL; address = address->ai_next)
        left++;
    /* An address that does not answer leaves a share of the time to the others. */
    for (const struct addrinfo *address = list; address != NULL && fd < 0; address = address->ai_next, left--) {
        int64_t now = g_get_monotonic_time();
        fd = connect_one(address, now + (deadline - now) / left, error);
    }
    if (list != NULL)
        freeaddrinfo(list);
    if (fd >= 0)
        *error = (struct error){0}; /* of the addresses before */
    return fd;
}
