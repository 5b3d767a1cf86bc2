/* SPDX-License-Identifier: Apache-2.0 */
#include "key_process.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECURE_HEAP (1 << 20) /* a thousand keys; what does not fit lies in ordinary memory, and is wiped as well */
#define SECURE_SMALLEST 32

struct serving {
    const struct key_server_options *options; /* NULL: nothing can be served */
    const struct error *refusal;              /* why */
    GMutex start;                             /* held until all channels have a thread */
    GMutex lock;                              /* of what follows */
    struct key_server *server;                /* NULL: the holder is not open */
};

struct channel {
    struct serving *serving;
    int socket;
};

/* Tries to open it each time: a token may have come back. */
static struct key_server *open_holder(struct serving *serving, struct error *error)
{
    if (serving->options == NULL) {
        *error = *serving->refusal;
        return NULL;
    }
    g_mutex_lock(&serving->lock);
    if (serving->server == NULL)
        serving->server = key_server_new(serving->options, error);
    g_mutex_unlock(&serving->lock);
    return serving->server;
}

static size_t refuse(const struct error *error, const unsigned char *octets, size_t length, unsigned char *reply)
{
    struct key_request request;
    if (!key_request_read(octets, length, &request))
        return 0;
    const struct key_reply refused = {
        .id = request.id, .answer = KEY_BUSY, .kind = error->kind, .text = slice_of(error->text)};
    return key_reply_write(&refused, reply, KEY_REPLY_MAX);
}

static size_t answer(struct serving *serving, const unsigned char *request, size_t length, unsigned char *reply,
                     bool *gone)
{
    struct error error = {0};
    struct key_server *server = open_holder(serving, &error);
    if (server != NULL)
        return key_server_answer(server, request, length, reply, gone);
    *gone = serving->options == NULL; /* a new process reads the configuration again */
    return refuse(&error, request, length, reply);
}

/* Returns false if the daemon has closed the channel, or the process has to end. */
static bool serve_one(const struct channel *channel, unsigned char *request, unsigned char *reply)
{
    bool gone = false;
    ssize_t got = recv(channel->socket, request, KEY_REQUEST_MAX, 0);
    if (got < 0 && errno == EINTR)
        return true;
    if (got <= 0)
        return false;
    size_t length = answer(channel->serving, request, (size_t)got, reply, &gone);
    bool sent = length > 0 && send(channel->socket, reply, length, MSG_NOSIGNAL) == (ssize_t)length;
    OPENSSL_cleanse(reply, length);
    /* Other channels may hang in the holder, which a new process opens again. */
    if (gone)
        _exit(0);
    return sent;
}

static void *serve_channel(void *argument)
{
    struct channel *channel = argument;
    g_mutex_lock(&channel->serving->start);
    g_mutex_unlock(&channel->serving->start);
    unsigned char *request = g_malloc(KEY_REQUEST_MAX), *reply = g_malloc(KEY_REPLY_MAX);
    while (serve_one(channel, request, reply))
        ;
    close(channel->socket);
    g_free(request);
    g_free(reply);
    return NULL;
}

void key_process_serve(const struct key_server_options *options, const struct error *refusal, const int channels[],
                       unsigned count)
{
    struct serving serving = {.options = options, .refusal = refusal};
    g_autofree struct channel *list = g_new0(struct channel, count);
    g_autofree pthread_t *threads = g_new0(pthread_t, count);
    unsigned started = 0;
    g_mutex_init(&serving.lock);
    g_mutex_init(&serving.start);
    g_mutex_lock(&serving.start); /* the first request may be the one after which no thread can be made */
    for (unsigned i = 0; i < count; i++) {
        list[i] = (struct channel){&serving, channels[i]};
        if (started == i && pthread_create(&threads[i], NULL, serve_channel, &list[i]) == 0)
            started++;
        else
            close(channels[i]);
    }
    g_mutex_unlock(&serving.start);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    key_server_free(serving.server);
    g_mutex_clear(&serving.start);
    g_mutex_clear(&serving.lock);
}

void key_process_lock_memory(void)
{
    CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_SMALLEST);
}
