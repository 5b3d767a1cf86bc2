/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_dns.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD 12
#define LARGE 4096

static int loopback(unsigned port, bool is_server)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert((is_server ? bind : connect)(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
    return fd;
}

/* Where the question ends, behind its type and class; 0: it is malformed. */
static size_t end_of_question(const guint8 *query, size_t length)
{
    size_t at = HEAD;
    while (at < length && query[at] != 0)
        at += query[at] + 1u;
    return at + 5 <= length ? at + 5 : 0;
}

static void relay(const struct fake_dns *fake, guint8 *buffer, ssize_t *length)
{
    struct pollfd ready = {.fd = fake->upstream, .events = POLLIN};
    guint8 id[2] = {buffer[0], buffer[1]};
    if (send(fake->upstream, buffer, (size_t)*length, 0) < 0)
        *length = 0;
    do
        *length = *length > 0 && poll(&ready, 1, 2000) == 1 ? recv(fake->upstream, buffer, LARGE, 0) : 0;
    while (*length > 2 && memcmp(buffer, id, 2) != 0); /* of a question that was given up */
}

/* Makes an answer of the question in the buffer; *length 0: none. */
static void answer(const struct fake_dns *fake, enum fake_action action, guint8 *buffer, ssize_t *length)
{
    static const guint8 codes[] = {[FAKE_FORMERR] = 1, [FAKE_SERVFAIL] = 2, [FAKE_NXDOMAIN] = 3,
                                   [FAKE_NOTIMP] = 4,  [FAKE_REFUSED] = 5,  [FAKE_CUT] = 0};
    size_t end = end_of_question(buffer, (size_t)*length);
    if (action == FAKE_RELAY || action == FAKE_FLIPPED) {
        relay(fake, buffer, length);
        if (action == FAKE_FLIPPED && *length > 60)
            buffer[*length - 40] ^= 1;
        return;
    }
    buffer[2] = (guint8)(0x84 | (action == FAKE_CUT ? 2 : 0));
    buffer[3] = (guint8)(0x80 | (action < G_N_ELEMENTS(codes) ? codes[action] : 0));
    memset(buffer + 6, 0, 6); /* no records: neither those of EDNS */
    *length = (ssize_t)end;
    if (action == FAKE_DROP || end == 0)
        *length = 0;
    if (action == FAKE_SHORT)
        *length = 3;
    if (action == FAKE_RUBBISH) {
        buffer[7] = 9;
        for (*length = (ssize_t)end; *length < 1000; (*length)++)
            buffer[*length] = (guint8)g_random_int();
    }
}

static gpointer serve(gpointer data)
{
    struct fake_dns *fake = data;
    struct pollfd ready[] = {{.fd = fake->fd, .events = POLLIN}, {.fd = fake->stop, .events = POLLIN}};
    while (poll(ready, 2, -1) > 0 && ready[1].revents == 0) {
        guint8 buffer[LARGE];
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t length = recvfrom(fake->fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &size);
        size_t end = length > HEAD ? end_of_question(buffer, (size_t)length) : 0;
        if (end == 0)
            continue;
        unsigned type = (unsigned)buffer[end - 4] << 8 | buffer[end - 3];
        g_atomic_int_inc(&fake->asked);
        answer(fake, (enum fake_action)g_atomic_int_get(&fake->actions[type]), buffer, &length);
        if (length > 0)
            sendto(fake->fd, buffer, (size_t)length, 0, (struct sockaddr *)&from, size);
    }
    return NULL;
}

struct fake_dns *fake_dns_new(unsigned upstream)
{
    struct fake_dns *fake = g_new0(struct fake_dns, 1);
    struct sockaddr_in name;
    socklen_t length = sizeof(name);
    fake->fd = loopback(0, true);
    fake->upstream = loopback(upstream, false);
    fake->stop = eventfd(0, EFD_CLOEXEC);
    cr_assert(getsockname(fake->fd, (struct sockaddr *)&name, &length) == 0);
    g_snprintf(fake->address, sizeof(fake->address), "127.0.0.1@%u", ntohs(name.sin_port));
    fake->thread = g_thread_new("fake-dns", serve, fake);
    return fake;
}

void fake_dns_free(struct fake_dns *fake)
{
    eventfd_write(fake->stop, 1);
    g_thread_join(fake->thread);
    close(fake->fd);
    close(fake->upstream);
    close(fake->stop);
    g_free(fake);
}

void fake_dns_set(struct fake_dns *fake, unsigned type, enum fake_action action)
{
    for (unsigned each = 0; each < G_N_ELEMENTS(fake->actions); each++)
        if (type == 0 || each == type)
            g_atomic_int_set(&fake->actions[each], (gint)action);
}
