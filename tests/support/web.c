/* SPDX-License-Identifier: Apache-2.0 */
#include "support/web.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct page {
    struct web_page is;
    unsigned count;
};

struct web {
    SSL_CTX *tls; /* NULL: without */
    GMutex lock;
    GCond ended;
    int listener, stop[2];
    unsigned port, connections;
    GHashTable *pages; /* path → struct page * */
    unsigned count;
    char *last;
    GThread *thread;
    gint closing;
};

struct connection {
    struct web *web;
    int socket;
    SSL *tls; /* NULL: without */
};

static void page_free(void *data)
{
    struct page *page = data;
    g_free((void *)page->is.body);
    g_free((char *)page->is.location);
    g_free(page);
}

static bool is_over(struct web *web)
{
    return g_atomic_int_get(&web->closing) != 0;
}

static bool send_all(const struct connection *to, const void *data, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t count = to->tls != NULL ? SSL_write(to->tls, (const char *)data + sent, (int)(length - sent))
                                        : send(to->socket, (const char *)data + sent, length - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        sent += (size_t)count;
    }
    return true;
}

/* Until the client gives up or the server is to end. */
static void wait_for_end(struct web *web, int socket)
{
    char byte;
    while (!is_over(web)) {
        struct pollfd poll_fd = {.fd = socket, .events = POLLIN};
        if (poll(&poll_fd, 1, 20) > 0 && recv(socket, &byte, 1, MSG_DONTWAIT) <= 0)
            return;
    }
}

static bool send_slowly(const struct connection *to, const char *body, size_t length)
{
    for (size_t i = 0; i < length && !is_over(to->web); i++) {
        if (!send_all(to, body + i, 1))
            return false;
        g_usleep(50000);
    }
    return true;
}

static void send_page(const struct connection *to, const struct web_page *page, const char *body, size_t length)
{
    g_autoptr(GString) head = g_string_new(NULL);
    size_t more = page->announced != 0 ? page->announced : length + 100;
    size_t announced = page->manner == WEB_SHORT ? more : length;
    g_string_printf(head, "HTTP/1.1 %d x\r\nConnection: close\r\n", page->status != 0 ? page->status : 200);
    if (page->location != NULL)
        g_string_append_printf(head, "Location: %s\r\n", page->location);
    if (page->manner != WEB_ENDLESS)
        g_string_append_printf(head, "Content-Length: %zu\r\n", announced);
    g_string_append(head, "\r\n");
    if (page->manner == WEB_HANG) {
        wait_for_end(to->web, to->socket);
        return;
    }
    if (page->manner == WEB_CLOSE || !send_all(to, head->str, head->len))
        return;
    if (page->manner == WEB_DRIP) {
        send_slowly(to, body, length);
        return;
    }
    do {
        if (!send_all(to, body, length))
            return;
    } while (page->manner == WEB_ENDLESS && !is_over(to->web));
}

/* The header, and as much of the body as it announces. False: the client has gone. */
static bool read_request(const struct connection *from, GString *head, GByteArray *posted)
{
    char buffer[4096];
    size_t expected = 0;
    char *end = NULL;
    while (end == NULL || posted->len < expected) {
        struct pollfd poll_fd = {.fd = from->socket, .events = POLLIN};
        bool has_more = from->tls != NULL && SSL_pending(from->tls) > 0;
        if (is_over(from->web) || (!has_more && poll(&poll_fd, 1, 100) < 0))
            return false;
        if (!has_more && poll_fd.revents == 0)
            continue;
        ssize_t count = from->tls != NULL ? SSL_read(from->tls, buffer, sizeof(buffer))
                                          : recv(from->socket, buffer, sizeof(buffer), 0);
        if (count <= 0)
            return false;
        if (end != NULL) {
            g_byte_array_append(posted, (guint8 *)buffer, (guint)count);
            continue;
        }
        g_string_append_len(head, buffer, count);
        end = strstr(head->str, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *length = strcasestr(head->str, "\r\nContent-Length:");
        expected = length != NULL ? g_ascii_strtoull(length + 17, NULL, 10) : 0;
        size_t header = (size_t)(end + 4 - head->str);
        g_byte_array_append(posted, (guint8 *)head->str + header, (guint)(head->len - header));
        g_string_truncate(head, header);
        end = head->str;
    }
    return true;
}

/* A program's page has everything below its path. With the lock held. */
static struct page *find_page(struct web *web, const char *path, const char **rest)
{
    struct page *page = g_hash_table_lookup(web->pages, path);
    *rest = "";
    if (page != NULL)
        return page;
    GHashTableIter each;
    gpointer key, value;
    g_hash_table_iter_init(&each, web->pages);
    while (g_hash_table_iter_next(&each, &key, &value)) {
        if (((struct page *)value)->is.program == NULL || !g_str_has_prefix(path, key))
            continue;
        *rest = path + strlen(key);
        return value;
    }
    return NULL;
}

static void answer(const struct connection *to, const char *head, const GByteArray *posted)
{
    struct web *web = to->web;
    static const struct web_page missing = {.status = 404};
    g_auto(GStrv) words = g_strsplit(head, " ", 3);
    const char *rest = "";
    if (g_strv_length(words) < 3)
        return;
    g_mutex_lock(&web->lock);
    g_free(web->last);
    web->last = g_strdup(head);
    web->count++;
    struct page *page = find_page(web, words[1], &rest);
    struct web_page is = page != NULL ? page->is : missing;
    g_autofree char *body = g_memdup2(is.body, is.length); /* the page may be put anew */
    g_autofree char *location = g_strdup(is.location);
    is.location = location;
    if (page != NULL)
        page->count++;
    g_mutex_unlock(&web->lock);
    g_autoptr(GByteArray) made = g_byte_array_new();
    if (is.program == NULL) {
        send_page(to, &is, body, is.length);
        return;
    }
    is.program(is.context, rest, (struct slice){(const char *)posted->data, posted->len}, made);
    send_page(to, &is, (const char *)made->data, made->len);
}

static bool shake_hands(struct connection *connection)
{
    const struct timeval limit = {.tv_sec = 5};
    setsockopt(connection->socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    connection->tls = SSL_new(connection->web->tls);
    bool good = connection->tls != NULL && SSL_set_fd(connection->tls, connection->socket) == 1 &&
                SSL_accept(connection->tls) == 1;
    ERR_clear_error();
    return good;
}

static gpointer serve(gpointer data)
{
    struct connection *connection = data;
    struct web *web = connection->web;
    g_autoptr(GString) head = g_string_new(NULL);
    g_autoptr(GByteArray) posted = g_byte_array_new();
    bool is_open = web->tls == NULL || shake_hands(connection);
    if (is_open && read_request(connection, head, posted))
        answer(connection, head->str, posted);
    if (is_open && connection->tls != NULL)
        SSL_shutdown(connection->tls);
    SSL_free(connection->tls);
    shutdown(connection->socket, SHUT_WR);
    close(connection->socket);
    g_free(connection);
    g_mutex_lock(&web->lock);
    web->connections--;
    g_cond_signal(&web->ended);
    g_mutex_unlock(&web->lock);
    return NULL;
}

static gpointer accept_all(gpointer data)
{
    struct web *web = data;
    while (!is_over(web)) {
        struct pollfd fds[] = {{.fd = web->listener, .events = POLLIN}, {.fd = web->stop[0], .events = POLLIN}};
        if (poll(fds, 2, -1) <= 0 || fds[0].revents == 0)
            continue;
        int socket = accept4(web->listener, NULL, NULL, SOCK_CLOEXEC);
        if (socket < 0)
            continue;
        struct connection *connection = g_new0(struct connection, 1);
        *connection = (struct connection){.web = web, .socket = socket};
        g_mutex_lock(&web->lock);
        web->connections++;
        g_mutex_unlock(&web->lock);
        g_thread_unref(g_thread_new("web", serve, connection));
    }
    return NULL;
}

void web_resume(struct web *web)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)web->port)};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    web->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(setsockopt(web->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    cr_assert(bind(web->listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(web->listener, 64) == 0,
              "port %u: %s", web->port, strerror(errno));
    cr_assert(getsockname(web->listener, (struct sockaddr *)&address, &length) == 0);
    web->port = ntohs(address.sin_port);
    cr_assert(pipe2(web->stop, O_CLOEXEC) == 0);
    g_atomic_int_set(&web->closing, 0);
    web->thread = g_thread_new("web", accept_all, web);
}

struct web *web_start(void)
{
    return web_start_tls(NULL, NULL);
}

struct web *web_start_tls(X509 *certificate, EVP_PKEY *key)
{
    struct web *web = g_new0(struct web, 1);
    g_mutex_init(&web->lock);
    g_cond_init(&web->ended);
    if (certificate != NULL) {
        web->tls = SSL_CTX_new(TLS_server_method());
        cr_assert(web->tls != NULL && SSL_CTX_use_certificate(web->tls, certificate) == 1 &&
                  SSL_CTX_use_PrivateKey(web->tls, key) == 1);
        signal(SIGPIPE, SIG_IGN); /* SSL_write() has no MSG_NOSIGNAL */
    }
    web->pages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, page_free);
    web_resume(web);
    return web;
}

void web_pause(struct web *web)
{
    if (web->thread == NULL)
        return;
    g_atomic_int_set(&web->closing, 1);
    cr_assert(write(web->stop[1], "x", 1) == 1);
    g_thread_join(web->thread);
    web->thread = NULL;
    close(web->listener);
    g_mutex_lock(&web->lock);
    while (web->connections > 0)
        g_cond_wait(&web->ended, &web->lock);
    g_mutex_unlock(&web->lock);
    close(web->stop[0]);
    close(web->stop[1]);
}

void web_free(struct web *web)
{
    if (web == NULL)
        return;
    web_pause(web);
    SSL_CTX_free(web->tls);
    g_hash_table_destroy(web->pages);
    g_free(web->last);
    g_cond_clear(&web->ended);
    g_mutex_clear(&web->lock);
    g_free(web);
}

void web_put(struct web *web, const char *path, const struct web_page *page)
{
    struct page *copy = g_new0(struct page, 1);
    copy->is = *page;
    copy->is.body = g_memdup2(page->body, page->length);
    copy->is.location = g_strdup(page->location);
    g_mutex_lock(&web->lock);
    const struct page *old = g_hash_table_lookup(web->pages, path);
    copy->count = old != NULL ? old->count : 0;
    g_hash_table_insert(web->pages, g_strdup(path), copy);
    g_mutex_unlock(&web->lock);
}

char *web_url(const struct web *web, const char *path)
{
    return g_strdup_printf("http%s://127.0.0.1:%u%s", web->tls != NULL ? "s" : "", web->port, path);
}

unsigned web_port(const struct web *web)
{
    return web->port;
}

unsigned web_count(struct web *web, const char *path)
{
    g_mutex_lock(&web->lock);
    const struct page *page = path != NULL ? g_hash_table_lookup(web->pages, path) : NULL;
    unsigned count = path == NULL ? web->count : page != NULL ? page->count : 0;
    g_mutex_unlock(&web->lock);
    return count;
}

char *web_last_request(struct web *web)
{
    g_mutex_lock(&web->lock);
    char *last = g_strdup(web->last);
    g_mutex_unlock(&web->lock);
    return last;
}
