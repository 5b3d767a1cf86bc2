/* SPDX-License-Identifier: Apache-2.0 */
#include "key_channels.h"

#include "key_wait.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct key_channels {
    gint references;
    GMutex lock; /* of what follows */
    GCond released;
    uint32_t last_id;
    bool dead;
    unsigned count;
    uint64_t busy; /* one bit for each channel */
    int sockets[KEY_CHANNELS_MAX];
};

/* Room for the longest request. */
static bool make_pair(int *own, int *end, struct error *error)
{
    int pair[2], size = 2 * KEY_REQUEST_MAX;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(error, ERROR_TEMPORARY, "socketpair: %s", g_strerror(errno));
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    *own = pair[0];
    *end = pair[1];
    return true;
}

struct key_channels *key_channels_new(unsigned count, int ends[], struct error *error)
{
    struct key_channels *channels = g_new0(struct key_channels, 1);
    channels->references = 1;
    g_mutex_init(&channels->lock);
    g_cond_init(&channels->released);
    while (channels->count < MIN(count, KEY_CHANNELS_MAX)) {
        if (!make_pair(&channels->sockets[channels->count], &ends[channels->count], error)) {
            while (channels->count > 0)
                close(ends[--channels->count]), close(channels->sockets[channels->count]);
            key_channels_unref(channels);
            return NULL;
        }
        channels->count++;
    }
    return channels;
}

struct key_channels *key_channels_ref(struct key_channels *channels)
{
    g_atomic_int_inc(&channels->references);
    return channels;
}

void key_channels_unref(struct key_channels *channels)
{
    if (channels == NULL || !g_atomic_int_dec_and_test(&channels->references))
        return;
    for (unsigned i = 0; i < channels->count; i++)
        close(channels->sockets[i]);
    g_cond_clear(&channels->released);
    g_mutex_clear(&channels->lock);
    g_free(channels);
}

void key_channels_bury(struct key_channels *channels)
{
    g_mutex_lock(&channels->lock);
    channels->dead = true;
    g_cond_broadcast(&channels->released);
    g_mutex_unlock(&channels->lock);
}

/* Its number, or -1. The lock is held. */
static int free_channel(const struct key_channels *channels)
{
    for (unsigned i = 0; i < channels->count; i++)
        if ((channels->busy & (UINT64_C(1) << i)) == 0)
            return (int)i;
    return -1;
}

/* Waits for one until the deadline. The lock is held. */
static int wait_for_channel(struct key_channels *channels, gint64 deadline)
{
    int channel = -1;
    bool in_time = true;
    while (in_time && !channels->dead && (channel = free_channel(channels)) < 0)
        in_time = g_cond_wait_until(&channels->released, &channels->lock, deadline);
    return channels->dead ? -1 : channel;
}

static int acquire(struct key_channels *channels, gint64 deadline, uint32_t *id)
{
    g_mutex_lock(&channels->lock);
    int channel = wait_for_channel(channels, MIN(deadline, g_get_monotonic_time() + KEY_WAIT_FROM));
    if (channel < 0 && !channels->dead) {
        g_mutex_unlock(&channels->lock);
        key_wait_begin();
        g_mutex_lock(&channels->lock);
        channel = wait_for_channel(channels, deadline);
    }
    if (channel >= 0)
        channels->busy |= UINT64_C(1) << channel;
    *id = ++channels->last_id;
    g_mutex_unlock(&channels->lock);
    return channel;
}

static void release(struct key_channels *channels, int channel)
{
    g_mutex_lock(&channels->lock);
    channels->busy &= ~(UINT64_C(1) << channel);
    g_cond_signal(&channels->released);
    g_mutex_unlock(&channels->lock);
}

static bool send_request(int socket, const unsigned char *octets, size_t length)
{
    ssize_t sent;
    do
        sent = send(socket, octets, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)length;
}

/* Returns false if there is nothing to read by then. */
static bool wait_until(int socket, gint64 deadline)
{
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    for (;;) {
        gint64 left = deadline - g_get_monotonic_time();
        int ready = poll(&wait, 1, left > 0 ? (int)MIN((left + 999) / 1000, G_MAXINT) : 0);
        if (ready > 0)
            return true;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0 || left <= 0)
            return false;
    }
}

static bool wait_for_reply(int socket, gint64 deadline)
{
    if (wait_until(socket, MIN(deadline, g_get_monotonic_time() + KEY_WAIT_FROM)))
        return true;
    key_wait_begin();
    return wait_until(socket, deadline);
}

static enum asked ended(struct error *error)
{
    error_set(error, ERROR_TEMPORARY, "the key process has ended");
    return ASKED_ENDED;
}

static enum asked receive(int socket, const struct key_request *request, unsigned char *octets, struct key_reply *reply,
                          struct error *error)
{
    if (!wait_for_reply(socket, request->deadline)) {
        error_set(error, ERROR_TEMPORARY, "the key process does not answer");
        return ASKED_FAILED;
    }
    ssize_t got = recv(socket, octets, KEY_REPLY_MAX, MSG_DONTWAIT);
    if (got <= 0)
        return ended(error);
    if (key_reply_read(octets, (size_t)got, reply) && reply->id == request->id)
        return ASKED_ANSWERED;
    error_set(error, ERROR_TEMPORARY, "the key process answers with something else");
    return ASKED_FAILED;
}

enum asked key_channels_ask(struct key_channels *channels, struct key_request *request, unsigned char *octets,
                            struct key_reply *reply, struct error *error)
{
    unsigned char asked[KEY_REQUEST_MAX];
    int channel = acquire(channels, request->deadline, &request->id);
    if (channel < 0 && key_channels_are_dead(channels))
        return ended(error);
    if (channel < 0) {
        error_set(error, ERROR_TEMPORARY, "the key process is busy");
        return ASKED_FAILED;
    }
    size_t length = key_request_write(request, asked, sizeof(asked));
    int socket = channels->sockets[channel];
    enum asked outcome = ASKED_FAILED;
    if (length == 0)
        error_set(error, ERROR_PERMANENT, "more than %d octets for a key", KEY_INPUT_MAX);
    else if (!send_request(socket, asked, length))
        outcome = ended(error);
    else
        outcome = receive(socket, request, octets, reply, error);
    if (outcome != ASKED_ANSWERED && length > 0)
        key_channels_bury(channels);
    release(channels, channel);
    return outcome;
}

bool key_channels_are_dead(struct key_channels *channels)
{
    g_mutex_lock(&channels->lock);
    bool dead = channels->dead;
    g_mutex_unlock(&channels->lock);
    return dead;
}

void key_channels_check(struct key_channels *channels)
{
    struct pollfd look = {.fd = channels->sockets[0]};
    if (poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0)
        key_channels_bury(channels);
}
