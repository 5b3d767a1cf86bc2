/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: sends the first packet of a milter conversation, as an MTA would. An answer shows that the daemon accepts
 * work. A connection alone does not, because the kernel accepts it even if the daemon hangs. Each step has a time
 * limit.
 */
#include "probe.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "conf/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_SECONDS 3
/* A packet has the length of the rest, a command and, for SMFIC_OPTNEG, three words. */
#define OPTNEG_WORDS 12
#define PACKET_HEAD 5
/* Behind them, the answer names the macros that the milter asks for. */
#define ANSWER_MAX 4096

static inline void close_descriptor(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}
static inline void cleanup_descriptor(int *fd)
{
    close_descriptor(*fd);
}
DECLARE_OWNED(addrinfo, struct addrinfo *, freeaddrinfo)

static int connect_to(const struct sockaddr *address, socklen_t length, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval limit = {.tv_sec = TIMEOUT_SECONDS};
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 && connect(fd, address, length) == 0)
        return fd;
    int cause = errno;
    close_descriptor(fd);
    errno = cause;
    return -1;
}

static int connect_local(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return connect_to((const struct sockaddr *)&address, sizeof(address), AF_UNIX);
}

/* "8891@127.0.0.1", or "8891" for any address of this host */
static int connect_inet(const char *port_and_host, int family)
{
    g_auto(GStrv) words = g_strsplit(port_and_host, "@", 2);
    const char *host = words[0] != NULL ? words[1] : NULL;
    if (host != NULL && (*host == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0))
        host = NULL;
    const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    owned(addrinfo) struct addrinfo *found = NULL;
    if (words[0] == NULL || getaddrinfo(host, words[0], &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *entry = found; entry != NULL && fd < 0; entry = entry->ai_next)
        fd = connect_to(entry->ai_addr, entry->ai_addrlen, entry->ai_family);
    return fd;
}

static int connect_socket(const char *name)
{
    if (text_begins_with(name, "inet6:"))
        return connect_inet(name + strlen("inet6:"), AF_INET6);
    if (text_begins_with(name, "inet:"))
        return connect_inet(name + strlen("inet:"), AF_INET);
    const char *colon = strchr(name, ':');
    return connect_local(colon != NULL ? colon + 1 : name);
}

static void put_word(unsigned char *at, uint32_t word)
{
    word = htonl(word);
    memcpy(at, &word, sizeof(word));
}

static uint32_t get_word(const unsigned char *at)
{
    uint32_t word = 0;
    memcpy(&word, at, sizeof(word));
    return ntohl(word);
}

static bool read_fully(int fd, unsigned char *buffer, size_t length)
{
    while (length > 0) {
        ssize_t n = recv(fd, buffer, length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ECONNRESET;
        if (n <= 0)
            return false;
        buffer += n;
        length -= (size_t)n;
    }
    return true;
}

bool probe_milter(const char *socket, unsigned *version, struct error *error)
{
    owned(descriptor) int fd = connect_socket(socket);
    if (fd < 0)
        return error_set(error, ERROR_TEMPORARY, "cannot connect to %s: %s", socket, g_strerror(errno));
    unsigned char packet[PACKET_HEAD + OPTNEG_WORDS];
    put_word(packet, 1 + OPTNEG_WORDS);
    packet[4] = SMFIC_OPTNEG;
    put_word(packet + PACKET_HEAD, SMFI_PROT_VERSION);
    put_word(packet + PACKET_HEAD + 4, SMFI_CURR_ACTS);
    put_word(packet + PACKET_HEAD + 8, SMFI_CURR_PROT);
    unsigned char answer[ANSWER_MAX];
    if (send(fd, packet, sizeof(packet), MSG_NOSIGNAL) != (ssize_t)sizeof(packet) ||
        !read_fully(fd, answer, PACKET_HEAD + OPTNEG_WORDS))
        return error_set(error, ERROR_TEMPORARY, "no answer from %s: %s", socket, g_strerror(errno));
    size_t length = get_word(answer);
    if (answer[4] != SMFIC_OPTNEG || length < 1 + OPTNEG_WORDS || length > sizeof(answer) - 4)
        return error_set(error, ERROR_TEMPORARY, "the server on %s is not a milter", socket);
    size_t rest = length - 1 - OPTNEG_WORDS;
    if (!read_fully(fd, answer + PACKET_HEAD + OPTNEG_WORDS, rest) ||
        memmem(answer + PACKET_HEAD + OPTNEG_WORDS, rest, CONF_DAEMON_MACRO, strlen(CONF_DAEMON_MACRO)) == NULL)
        return error_set(error, ERROR_TEMPORARY, "another milter answers on %s, not domsec-milter", socket);
    *version = get_word(answer + PACKET_HEAD);
    const unsigned char goodbye[PACKET_HEAD] = {0, 0, 0, 1, SMFIC_QUIT};
    (void)send(fd, goodbye, sizeof(goodbye), MSG_NOSIGNAL);
    return true;
}
