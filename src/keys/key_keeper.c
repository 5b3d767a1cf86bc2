/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_keeper: forks key processes on the daemon's order. It has one thread and reads nothing but orders, which are
 * checked, since a message may have taken over the daemon that sends them.
 *
 * It ignores the signals that end or reload the daemon (a service manager sends them to all processes of a service): it
 * ends when the daemon's end of its socket is closed, so that a daemon that finishes its messages keeps its keys.
 */
#include "key_keeper.h"

#include "base/sandbox.h"
#include "key_channels.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDER_MAX 4096
#define REPLY_SECONDS 10

struct order {
    pid_t kill; /* 0: start a process */
    char text[ORDER_MAX];
};

struct key_keeper {
    GMutex lock; /* one order at a time */
    int socket;
    pid_t process;
};

/* --- in the keeper --- */

struct keeping {
    key_keeper_body *body;
    const void *context;
    int socket;
    bool foreground;
    GArray *children; /* pid_t */
};

/* A program that waits for the end of the daemon's output must not wait for the keeper. */
static void keep_only(int kept, bool foreground)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int stream = STDIN_FILENO; null >= 0 && stream <= (foreground ? STDOUT_FILENO : STDERR_FILENO); stream++)
        dup2(null, stream);
    if (kept > 3)
        close_range(3, (unsigned)kept - 1, 0);
    close_range((unsigned)kept + 1, ~0U, 0);
}

static void reap(struct keeping *keeping)
{
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
        for (guint i = 0; i < keeping->children->len; i++)
            if (g_array_index(keeping->children, pid_t, i) == ended) {
                g_array_remove_index_fast(keeping->children, i);
                break;
            }
}

/* Only a child that was not reaped: its number belongs to no other process. */
static pid_t kill_child(struct keeping *keeping, pid_t process)
{
    for (guint i = 0; i < keeping->children->len; i++)
        if (g_array_index(keeping->children, pid_t, i) == process)
            return kill(process, SIGKILL) == 0 ? process : -1;
    return 0;
}

static void become_child(const struct keeping *keeping, const struct order *order, const int channels[], unsigned count)
{
    sigset_t none;
    sigemptyset(&none);
    close(keeping->socket);
    signal(SIGCHLD, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    keeping->body(keeping->context, order->text, channels, count);
    _exit(0);
}

static pid_t start_child(struct keeping *keeping, const struct order *order, const int channels[], unsigned count)
{
    pid_t child = count > 0 ? fork() : -1;
    if (child == 0)
        become_child(keeping, order, channels, count);
    if (child > 0)
        g_array_append_val(keeping->children, child);
    return child;
}

/* Returns false if it was no order. What was received with it is closed by the caller. */
static bool receive_order(int socket, struct order *order, int channels[], unsigned *count)
{
    union {
        struct cmsghdr align;
        char octets[CMSG_SPACE(KEY_CHANNELS_MAX * sizeof(int))];
    } control;
    struct iovec data = {order, sizeof(*order)};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.octets, .msg_controllen = sizeof(control.octets)};
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    *count = 0;
    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        *count = (unsigned)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(channels, CMSG_DATA(head), *count * sizeof(int));
    }
    return got == (ssize_t)sizeof(*order) && memchr(order->text, '\0', sizeof(order->text)) != NULL;
}

static bool obey(struct keeping *keeping)
{
    static struct order order;
    int channels[KEY_CHANNELS_MAX];
    unsigned count = 0;
    bool understood = receive_order(keeping->socket, &order, channels, &count);
    pid_t answer = -1;
    reap(keeping);
    if (understood)
        answer = order.kill > 0 ? kill_child(keeping, order.kill) : start_child(keeping, &order, channels, count);
    for (unsigned i = 0; i < count; i++)
        close(channels[i]);
    return understood && send(keeping->socket, &answer, sizeof(answer), MSG_NOSIGNAL) == (ssize_t)sizeof(answer);
}

static void on_child(int number)
{
    (void)number;
}

/* Until the daemon has ended. */
static void keep(struct keeping *keeping)
{
    static const int ignored[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGPIPE};
    const struct sigaction wake = {.sa_handler = on_child};
    sigset_t none, child;
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        signal(ignored[i], SIG_IGN);
    /* It comes during the wait alone, which it ends: in front of it, it would be missed. */
    sigaction(SIGCHLD, &wake, NULL);
    sigemptyset(&none);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_SETMASK, &child, NULL);
    prctl(PR_SET_NAME, "domsec-keys");
    sandbox_hide(); /* and so are the key processes */
    keep_only(keeping->socket, keeping->foreground);
    keeping->children = g_array_new(FALSE, FALSE, sizeof(pid_t));
    for (;;) {
        struct pollfd wait = {.fd = keeping->socket, .events = POLLIN};
        int ready = ppoll(&wait, 1, NULL, &none);
        if (ready < 0)
            reap(keeping);
        else if ((wait.revents & POLLIN) == 0 || !obey(keeping))
            break;
    }
    _exit(0);
}

/* --- in the daemon --- */

struct key_keeper *key_keeper_start(key_keeper_body *body, const void *context, bool foreground, struct error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        error_set(error, ERROR_TEMPORARY, "socketpair: %s", g_strerror(errno));
        return NULL;
    }
    pid_t process = fork();
    if (process == 0) {
        struct keeping keeping = {.body = body, .context = context, .socket = pair[1], .foreground = foreground};
        keep(&keeping);
    }
    close(pair[1]);
    if (process < 0) {
        error_set(error, ERROR_TEMPORARY, "fork: %s", g_strerror(errno));
        close(pair[0]);
        return NULL;
    }
    struct key_keeper *keeper = g_new0(struct key_keeper, 1);
    const struct timeval limit = {.tv_sec = REPLY_SECONDS};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    g_mutex_init(&keeper->lock);
    keeper->socket = pair[0];
    keeper->process = process;
    return keeper;
}

void key_keeper_free(struct key_keeper *keeper)
{
    if (keeper == NULL)
        return;
    close(keeper->socket);
    waitpid(keeper->process, NULL, 0);
    g_mutex_clear(&keeper->lock);
    g_free(keeper);
}

static bool send_order(int socket, const struct order *order, const int channels[], unsigned count)
{
    union {
        struct cmsghdr align;
        char octets[CMSG_SPACE(KEY_CHANNELS_MAX * sizeof(int))];
    } control = {.octets = ""};
    struct iovec data = {(void *)order, sizeof(*order)};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.octets;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(head), channels, count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*order);
}

/* The keeper's answer, or -1. */
static pid_t give(struct key_keeper *keeper, const struct order *order, const int channels[], unsigned count)
{
    pid_t answer = -1;
    g_mutex_lock(&keeper->lock);
    if (!send_order(keeper->socket, order, channels, count) ||
        recv(keeper->socket, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
        answer = -1;
    g_mutex_unlock(&keeper->lock);
    return answer;
}

pid_t key_keeper_fork(struct key_keeper *keeper, const char *order, const int channels[], unsigned count,
                      struct error *error)
{
    g_autofree struct order *start = g_new0(struct order, 1);
    if (count > KEY_CHANNELS_MAX || g_strlcpy(start->text, order, sizeof(start->text)) >= sizeof(start->text)) {
        error_set(error, ERROR_BUG, "an order that is too long for the keeper of keys");
        return -1;
    }
    pid_t process = give(keeper, start, channels, count);
    if (process <= 0)
        error_set(error, ERROR_TEMPORARY, "a key process cannot be started");
    return process > 0 ? process : -1;
}

bool key_keeper_is_lost(struct key_keeper *keeper)
{
    struct pollfd look = {.fd = keeper->socket};
    return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

void key_keeper_kill(struct key_keeper *keeper, pid_t process)
{
    g_autofree struct order *order = g_new0(struct order, 1);
    order->kill = process;
    if (process > 0)
        give(keeper, order, NULL, 0);
}
