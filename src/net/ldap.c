/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap: keeps the connections to directories. A kept connection may be dead without a sign, because a firewall has
 * forgotten it or the server hangs: the search gives it a part of its time only, and what is left to a new one. Then
 * the other kept ones to that server are closed, too.
 *
 * A server gets a limited number of connections at once. One that hangs holds up so many searches and no more; the
 * others wait for a place, and fail at their deadlines.
 */
#include "ldap_search.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define BUSY_MAX 8                       /* searches of one server at a time */
#define IDLE_MAX 64                      /* kept connections to all servers */
#define IDLE_TIME (120 * G_USEC_PER_SEC) /* after which one is closed */
#define PATIENCE_WITH_KEPT 3             /* a kept connection gets this part of the time */

struct kept {
    char *server;
    struct ldap_connection *connection;
};

struct net_ldap {
    struct ldap_tools tools;
    GMutex lock;
    GCond left;
    GArray *idle;     /* of struct kept, the longest idle first */
    GHashTable *busy; /* server → number of searches */
};

static void kept_clear(gpointer data)
{
    struct kept *kept = data;
    g_free(kept->server);
    if (kept->connection != NULL)
        ldap_connection_close(kept->connection);
}

struct net_ldap *net_ldap_new(void)
{
    struct net_ldap *ldap = g_new0(struct net_ldap, 1);
    int version = 0;
    ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version); /* libldap reads its files now, in one thread */
    ldap->tools = (struct ldap_tools){dialler_new(), watchdog_new()};
    g_mutex_init(&ldap->lock);
    g_cond_init(&ldap->left);
    ldap->idle = g_array_new(FALSE, FALSE, sizeof(struct kept));
    g_array_set_clear_func(ldap->idle, kept_clear);
    ldap->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return ldap;
}

void net_ldap_free(struct net_ldap *ldap)
{
    if (ldap == NULL)
        return;
    g_array_unref(ldap->idle);
    g_hash_table_unref(ldap->busy);
    watchdog_free(ldap->tools.watchdog);
    dialler_free(ldap->tools.dialler);
    g_cond_clear(&ldap->left);
    g_mutex_clear(&ldap->lock);
    g_free(ldap);
}

bool net_ldap_is_dn(const char *text)
{
    LDAPDN dn = NULL;
    bool good = ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS;
    ldap_dnfree(dn);
    return good;
}

/* All that a connection depends on. */
static char *key_of(const struct net_ldap_server *server)
{
    g_autofree char *uri = net_ldap_server_text(server);
    return g_strdup_printf("%s\n%d\n%s\n%s\n%s\n%s", uri, (int)server->security,
                           server->name != NULL ? server->name : "", server->ca != NULL ? server->ca : "",
                           server->bind_dn != NULL ? server->bind_dn : "",
                           server->password_file != NULL ? server->password_file : "");
}

/* --- places --- */

static bool enter(struct net_ldap *ldap, const char *key, int64_t deadline, struct error *error)
{
    g_mutex_lock(&ldap->lock);
    bool good = true;
    while (GPOINTER_TO_UINT(g_hash_table_lookup(ldap->busy, key)) >= BUSY_MAX && good)
        good = g_cond_wait_until(&ldap->left, &ldap->lock, deadline);
    unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(ldap->busy, key));
    if (good)
        g_hash_table_insert(ldap->busy, g_strdup(key), GUINT_TO_POINTER(count + 1));
    g_mutex_unlock(&ldap->lock);
    return good || error_set(error, ERROR_TEMPORARY, "a directory is being asked %u times already", count);
}

static void leave(struct net_ldap *ldap, const char *key)
{
    g_mutex_lock(&ldap->lock);
    unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(ldap->busy, key));
    if (count > 1)
        g_hash_table_insert(ldap->busy, g_strdup(key), GUINT_TO_POINTER(count - 1));
    else
        g_hash_table_remove(ldap->busy, key);
    g_cond_broadcast(&ldap->left);
    g_mutex_unlock(&ldap->lock);
}

/* --- kept connections --- */

/* Moves those of the list that are of this server, or have been idle for too long. */
static void take_out(struct net_ldap *ldap, const char *key, GArray *out)
{
    int64_t oldest = g_get_monotonic_time() - IDLE_TIME;
    g_mutex_lock(&ldap->lock);
    for (guint i = ldap->idle->len; i-- > 0;) {
        struct kept *kept = &g_array_index(ldap->idle, struct kept, i);
        bool is_old = kept->connection->used < oldest;
        if (!is_old && (key == NULL || strcmp(kept->server, key) != 0))
            continue;
        g_array_append_val(out, *kept);
        *kept = (struct kept){0};
        g_array_remove_index(ldap->idle, i);
    }
    g_mutex_unlock(&ldap->lock);
}

static void close_kept(struct net_ldap *ldap, const char *key)
{
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(struct kept));
    g_array_set_clear_func(out, kept_clear);
    take_out(ldap, key, out);
}

/* The one that was used last, or NULL. */
static struct ldap_connection *take_kept(struct net_ldap *ldap, const char *key, int64_t deadline)
{
    close_kept(ldap, NULL);
    for (;;) {
        struct ldap_connection *found = NULL;
        g_mutex_lock(&ldap->lock);
        for (guint i = ldap->idle->len; i-- > 0 && found == NULL;) {
            struct kept *kept = &g_array_index(ldap->idle, struct kept, i);
            if (strcmp(kept->server, key) != 0)
                continue;
            found = steal(&kept->connection);
            g_array_remove_index(ldap->idle, i);
        }
        g_mutex_unlock(&ldap->lock);
        if (found == NULL || ldap_connection_begin(found, deadline))
            return found;
        ldap_connection_close(found);
    }
}

static void keep(struct net_ldap *ldap, const char *key, struct ldap_connection *connection)
{
    struct kept kept = {g_strdup(key), connection}, oldest = {0};
    g_mutex_lock(&ldap->lock);
    if (ldap->idle->len >= IDLE_MAX) {
        oldest = g_array_index(ldap->idle, struct kept, 0);
        g_array_index(ldap->idle, struct kept, 0) = (struct kept){0};
        g_array_remove_index(ldap->idle, 0);
    }
    g_array_append_val(ldap->idle, kept);
    g_mutex_unlock(&ldap->lock);
    kept_clear(&oldest);
}

/* --- the search --- */

/* Returns what became of it, and takes the connection. */
static enum ldap_ended ask(struct net_ldap *ldap, const char *key, struct ldap_connection *connection,
                           const struct net_ldap_query *query, struct net_ldap_answer *answer)
{
    enum ldap_ended ended = ldap_search_over(connection, query, answer);
    bool alive = ldap_connection_end(connection);
    answer->answered = ended != LDAP_ENDED_LOST;
    if (alive && ended == LDAP_ENDED)
        keep(ldap, key, connection);
    else
        ldap_connection_close(connection);
    return ended;
}

static void search(struct net_ldap *ldap, const char *key, const struct net_ldap_server *server,
                   const struct net_ldap_query *query, int64_t deadline, struct net_ldap_answer *answer)
{
    int64_t now = g_get_monotonic_time();
    struct ldap_connection *connection = take_kept(ldap, key, now + (deadline - now) / PATIENCE_WITH_KEPT);
    if (connection != NULL) {
        if (ask(ldap, key, connection, query, answer) != LDAP_ENDED_LOST)
            return;
        net_ldap_answer_clear(answer);
        close_kept(ldap, key);
    }
    connection = ldap_connection_open(&ldap->tools, server, deadline, &answer->error);
    if (connection != NULL)
        ask(ldap, key, connection, query, answer);
    else
        answer->found = FOUND_FAILED;
}

/* A signal in a TLS handshake is a failure to libldap, if its TLS is OpenSSL's. Other threads take the signals in the
 * meantime. Those that a fault of this thread raises are not held off. */
static void hold_signals(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t held;
    sigfillset(&held);
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
        sigdelset(&held, faults[i]);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

void net_ldap_search(struct net_ldap *ldap, const struct net_ldap_server *server, const struct net_ldap_query *query,
                     int64_t deadline, struct net_ldap_answer *answer)
{
    g_autofree char *key = key_of(server);
    sigset_t signals;
    *answer = (struct net_ldap_answer){.found = FOUND_FAILED};
    if (!enter(ldap, key, deadline, &answer->error))
        return;
    hold_signals(&signals);
    search(ldap, key, server, query, deadline, answer);
    pthread_sigmask(SIG_SETMASK, &signals, NULL);
    leave(ldap, key);
}
