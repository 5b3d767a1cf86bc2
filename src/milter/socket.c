/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket: the listening socket, as far as libmilter leaves it to us.
 *
 * libmilter opens it and does not reveal its descriptor, so we look for the one that has begun to listen.
 *
 * When no descriptor or memory is left for another connection, libmilter retries accept() at once, forever and
 * silently. So this program defines its own accept(), which the dynamic linker prefers to that of the C library.
 * libmilter handles the connections themselves.
 */
#include "socket.h"

#include "base/bytes.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 512
#define DESCRIPTORS 1024 /* the socket is one of the first few */

/* Declared with glibc's own name for the argument, a union under _GNU_SOURCE. */
int accept(int fd, __SOCKADDR_ARG address, socklen_t *length)
{
    int connection = accept4(fd, address, length, 0);
    if (connection >= 0 || (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM))
        return connection;
    int cause = errno;
    log_write(LOG_LEVEL_ERROR, "a connection has to wait: %s", g_strerror(cause));
    sleep(1);
    errno = cause;
    return -1;
}

/* The path in "local:/path", "unix:/path" or "/path"; NULL for an inet socket. */
static const char *unix_path(const char *listen)
{
    if (text_begins_with(listen, "local:"))
        return listen + strlen("local:");
    if (text_begins_with(listen, "unix:"))
        return listen + strlen("unix:");
    return *listen == '/' ? listen : NULL;
}

static bool remove_stale(const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    if (g_lstat(path, &status) != 0)
        return errno == ENOENT || error_set(error, ERROR_CONFIGURATION, "%s: %s", path, g_strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return error_set(error, ERROR_CONFIGURATION, "%s exists and is not a socket", path);
    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path))
        return error_set(error, ERROR_CONFIGURATION, "%s is too long for a socket", path);

    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return error_set(error, ERROR_TEMPORARY, "socket: %s", g_strerror(errno));
    bool answers = connect(probe, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(probe);
    if (answers)
        return error_set(error, ERROR_TEMPORARY, "%s is in use by another process", path);
    if (g_unlink(path) != 0 && errno != ENOENT)
        return error_set(error, ERROR_CONFIGURATION, "%s: %s", path, g_strerror(errno));
    return true;
}

static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t length = sizeof(listening);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

/* Opens libmilter's socket. Returns the descriptor that listens now and did not before, or -1. */
static int open_and_find(const char *listen)
{
    bool before[DESCRIPTORS];
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        before[fd] = is_listening(fd);
    if (smfi_setconn((char *)listen) != MI_SUCCESS || smfi_setbacklog(BACKLOG) != MI_SUCCESS ||
        smfi_opensocket(false) != MI_SUCCESS)
        return -1;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (!before[fd] && is_listening(fd))
            return fd;
    return -1;
}

static bool open_unix_to_group(const char *path, uid_t uid, gid_t gid, struct error *error)
{
    struct stat status;
    g_autofree char *folder = g_path_get_dirname(path);
    /* A directory with the setgid bit gives its own group, that of the MTA. */
    if (stat(folder, &status) == 0 && (status.st_mode & S_ISGID) != 0)
        gid = (gid_t)-1;
    /* Only root can change the owner. If the daemon was started as that user, it already owns the file. */
    bool give = uid != (uid_t)-1 && geteuid() == 0;
    if (chmod(path, 0660) != 0 || (give && lchown(path, uid, gid) != 0))
        return error_set(error, ERROR_CONFIGURATION, "%s: %s", path, g_strerror(errno));
    return true;
}

int socket_open(const char *listen, uid_t uid, gid_t gid, struct error *error)
{
    const char *path = unix_path(listen);
    if (path != NULL && !remove_stale(path, error))
        return -1;
    /* No process can connect between the creation of the file and its chmod. */
    mode_t mask = umask(0177);
    errno = 0;
    int fd = open_and_find(listen);
    int cause = errno;
    umask(mask);
    if (fd < 0) {
        error_set(error, ERROR_TEMPORARY, "cannot listen on %s: %s", listen,
                  cause != 0 ? g_strerror(cause) : "unknown host; see the messages of libmilter in the system log");
        return -1;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (path != NULL)
        return open_unix_to_group(path, uid, gid, error) ? fd : -1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) != 0) {
        error_set(error, ERROR_TEMPORARY, "TCP_NODELAY on %s: %s", listen, g_strerror(errno));
        return -1;
    }
    return fd;
}

bool socket_is_tcp(const char *listen)
{
    return unix_path(listen) == NULL;
}

void socket_refuse(int descriptor)
{
    struct sockaddr_un nowhere = {.sun_family = AF_UNIX};
    /* A Linux socket without an explicit name: it is bound to a random abstract one, and does not block in accept(). */
    int idle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int real = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (idle >= 0 && real >= 0 && bind(idle, (struct sockaddr *)&nowhere, sizeof(nowhere.sun_family)) == 0 &&
        listen(idle, 1) == 0 && dup3(idle, descriptor, O_CLOEXEC) == descriptor)
        shutdown(real, SHUT_RDWR);
    if (real >= 0)
        close(real);
    if (idle >= 0)
        close(idle);
}

void socket_remove(const char *listen)
{
    const char *path = unix_path(listen);
    if (path != NULL)
        g_unlink(path);
}
