/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_net: numeric IPv4 addresses as "127.0.0.11:10025", and sockets for them; for the tools of this folder only.
 */
#ifndef DOMSEC_TESTS_TOOLS_SMTP_NET_H
#define DOMSEC_TESTS_TOOLS_SMTP_NET_H

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Ends the program with EX_USAGE when text is no address. */
static inline struct sockaddr_in net_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    g_auto(GStrv) parts = text ? g_strsplit(text, ":", 2) : NULL;
    guint64 port = 0;

    if (!parts || !parts[0] || inet_pton(AF_INET, parts[0], &address.sin_addr) != 1 ||
        (parts[1] && !g_ascii_string_to_unsigned(parts[1], 10, 0, 65535, &port, NULL))) {
        fprintf(stderr, "not an address: %s\n", text ? text : "(none)");
        exit(64);
    }
    address.sin_port = htons((uint16_t)port);
    return address;
}

/* A connected socket, or -1 with errno set. from may be NULL. */
static inline int net_connect(const char *to, const char *from)
{
    struct sockaddr_in remote = net_address(to);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (from) {
        struct sockaddr_in local = net_address(from);
        if (bind(fd, (struct sockaddr *)&local, sizeof(local)) != 0) {
            close(fd);
            return -1;
        }
    }
    if (connect(fd, (struct sockaddr *)&remote, sizeof(remote)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A listening socket; ends the program when there can be none. */
static inline int net_listen(const char *at)
{
    struct sockaddr_in local = net_address(at);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)) != 0 || listen(fd, 128) != 0) {
        perror(at);
        exit(71);
    }
    return fd;
}

static inline int net_accept(int listener)
{
    int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* Runs serve() in a thread for each connection, with its descriptor (GPOINTER_TO_INT), which it closes. Never returns.
 */
static inline _Noreturn void net_serve(const char *at, void *(*serve)(void *))
{
    int listener = net_listen(at);
    for (;;) {
        pthread_t thread;
        int fd = net_accept(listener);
        if (fd < 0)
            continue;
        if (pthread_create(&thread, NULL, serve, GINT_TO_POINTER(fd)) == 0)
            pthread_detach(thread);
        else
            close(fd);
    }
}

static inline bool net_write(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = send(fd, at, length, MSG_NOSIGNAL);
        if (written <= 0)
            return false;
        at += written;
        length -= (size_t)written;
    }
    return true;
}

#endif
