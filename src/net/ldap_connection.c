/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_connection: opens a connection, so that nothing in it can wait beyond the deadline or send in the clear what is
 * to be encrypted.
 *
 * The socket is connected here and handed to libldap: name resolution and TCP have our deadline, and the name that the
 * certificate must have need not be the one that was connected to. libldap's own limits of time do not reach into the
 * TLS handshake, so the watchdog watches the socket as long as the connection is in use.
 *
 * libldap reconnects by itself, even in the clear, if it finds the connection lost. A callback that refuses each
 * connection prevents that, and so does a URI that says ldaps: where StartTLS is used.
 */
#include "ldap_connection.h"

#include "base/file.h"
#include "base/openssl.h"

#include <openldap.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASSWORD_MAX 1024

static const char encrypting[] =
    "the encryption of the connection to a directory failed (its certificate may have expired, "
    "or not lead to \"ca\")";

/* --- options --- */

static int refuse_connection(LDAP *ld, Sockbuf *sockbuf, LDAPURLDesc *url, struct sockaddr *address,
                             struct ldap_conncb *callback)
{
    (void)ld, (void)sockbuf, (void)url, (void)address, (void)callback;
    return -1;
}

static void forget_connection(LDAP *ld, Sockbuf *sockbuf, struct ldap_conncb *callback)
{
    (void)ld, (void)sockbuf, (void)callback;
}

/* Whatever ldap.conf(5) says. */
static bool set_options(LDAP *ld)
{
    static struct ldap_conncb refusal = {.lc_add = refuse_connection, .lc_del = forget_connection};
    static const int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER;
    static const struct timeval no_limit = {.tv_sec = -1};
    Sockbuf *sockbuf = NULL;
    ber_len_t most = NET_LDAP_ENTRY_BYTES;
    return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_DEREF, &never) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &no_limit) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_TIMEOUT, &no_limit) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &refusal) == LDAP_OPT_SUCCESS &&
           ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockbuf) == LDAP_OPT_SUCCESS &&
           ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &most) == 1;
}

/* The context is made of the options before it, and demands a certificate that leads to one of our authorities. What
 * is set after it concerns only the name in that certificate, which libldap is not to check: see check_name(). */
static bool set_tls(LDAP *ld, const struct net_ldap_server *server)
{
    static const int demand = LDAP_OPT_X_TLS_DEMAND, any_name = LDAP_OPT_X_TLS_ALLOW, client = 0;
    static const int oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    return ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTDIR, NULL) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, server->ca) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &any_name) == LDAP_OPT_SUCCESS;
}

/* --- encryption and login --- */

bool ldap_connection_failed(struct ldap_connection *connection, int rc, const char *what, struct error *error)
{
    char *detail = NULL;
    if (rc == LDAP_TIMEOUT || g_get_monotonic_time() >= connection->watch.deadline)
        return error_set(error, ERROR_TEMPORARY, "a directory did not answer in time");
    ldap_get_option(connection->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
    g_autofree char *words = detail != NULL && detail[0] != '\0' ? g_strconcat(ldap_err2string(rc), ": ", detail, NULL)
                                                                 : g_strdup(ldap_err2string(rc));
    ldap_memfree(detail);
    return error_set_foreign(error, ERROR_TEMPORARY, words, "%s", what);
}

LDAPMessage *ldap_connection_receive(struct ldap_connection *connection, int request, struct error *error)
{
    LDAPMessage *message = NULL;
    int64_t left = connection->watch.deadline - g_get_monotonic_time();
    struct timeval patience = {.tv_sec = left / G_USEC_PER_SEC, .tv_usec = left % G_USEC_PER_SEC};
    int rc = left > 0 ? ldap_result(connection->ld, request, LDAP_MSG_ONE, &patience, &message) : 0;
    if (rc > 0)
        return message;
    rc = LDAP_TIMEOUT;
    ldap_get_option(connection->ld, LDAP_OPT_RESULT_CODE, &rc);
    ldap_connection_failed(connection, rc, "the connection to a directory was lost", error);
    return NULL;
}

/* The result of a request that is neither a search nor of interest otherwise. */
static bool await_success(struct ldap_connection *connection, int request, const char *what, struct error *error)
{
    int rc = LDAP_OTHER;
    LDAPMessage *message = ldap_connection_receive(connection, request, error);
    if (message == NULL)
        return false;
    int parsed = ldap_parse_result(connection->ld, message, &rc, NULL, NULL, NULL, NULL, 1);
    if (parsed == LDAP_SUCCESS && rc == LDAP_SUCCESS)
        return true;
    return ldap_connection_failed(connection, parsed != LDAP_SUCCESS ? parsed : rc, what, error);
}

static bool start_tls(struct ldap_connection *connection, struct error *error)
{
    int request = 0;
    int rc = ldap_start_tls(connection->ld, NULL, NULL, &request);
    if (rc != LDAP_SUCCESS)
        return ldap_connection_failed(connection, rc, encrypting, error);
    return await_success(connection, request, "a directory refuses StartTLS", error);
}

/* RFC 4513 §3.1.3, RFC 6125 §6. libldap compares with the name of this host where "localhost" is meant, and its two
 * builds differ in the names that they accept. */
static bool check_name(struct ldap_connection *connection, const struct net_ldap_server *server, struct error *error)
{
    const char *name = server->name != NULL ? server->name : server->host;
    struct berval der = {0};
    ldap_get_option(connection->ld, LDAP_OPT_X_TLS_PEERCERT, &der);
    const unsigned char *bytes = (const unsigned char *)der.bv_val;
    owned(X509) X509 *certificate = bytes != NULL ? d2i_X509(NULL, &bytes, (long)der.bv_len) : NULL;
    ber_memfree(der.bv_val);
    ERR_clear_error();
    if (certificate == NULL)
        return error_set(error, ERROR_TEMPORARY, "the certificate of a directory cannot be read");
    bool good = g_hostname_is_ip_address(name) ? X509_check_ip_asc(certificate, name, 0) == 1
                                               : X509_check_host(certificate, name, 0, 0, NULL) == 1;
    return good || error_set_foreign(error, ERROR_TEMPORARY, name, "the certificate of a directory has another name");
}

static bool encrypt(struct ldap_connection *connection, const struct net_ldap_server *server, struct error *error)
{
    LDAP *ld = connection->ld;
    if (!set_tls(ld, server))
        return error_set_foreign(error, ERROR_TEMPORARY, server->ca, "no authorities for a directory's certificate");
    if (server->security == NET_LDAP_STARTTLS && !start_tls(connection, error))
        return false;
    int rc = ldap_install_tls(ld);
    if (rc != LDAP_SUCCESS)
        return ldap_connection_failed(connection, rc, encrypting, error);
    if (!ldap_tls_inplace(ld))
        return error_set(error, ERROR_BUG, "%s", encrypting);
    return check_name(connection, server, error);
}

/* The first line, in a buffer that the caller cleanses. An empty password would be no login at all (RFC 4513 §5.1.2).
 */
static char *read_password(const char *file, size_t *length, struct error *error)
{
    size_t size = 0;
    char *text = file_read(file, &size, error);
    if (text == NULL) {
        error_prefix(error, "password_file %s", file);
        return NULL;
    }
    *length = strcspn(text, "\r\n");
    if (*length > 0 && *length <= PASSWORD_MAX)
        return text;
    error_set_foreign(error, ERROR_CONFIGURATION, file, "the first line of a password_file is not a password");
    OPENSSL_cleanse(text, size);
    g_free(text);
    return NULL;
}

static bool login(struct ldap_connection *connection, const struct net_ldap_server *server, struct error *error)
{
    size_t length = 0;
    int request = 0;
    char *password = read_password(server->password_file, &length, error);
    if (password == NULL)
        return false;
    struct berval credentials = {.bv_len = length, .bv_val = password};
    int rc = ldap_sasl_bind(connection->ld, server->bind_dn, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, &request);
    OPENSSL_cleanse(password, length);
    g_free(password);
    if (rc != LDAP_SUCCESS)
        return ldap_connection_failed(connection, rc, "the login to a directory failed", error);
    return await_success(connection, request, "a directory refuses our login", error);
}

/* --- the connection --- */

char *net_ldap_server_text(const struct net_ldap_server *server)
{
    const char *scheme = server->security == NET_LDAP_TLS ? "ldaps" : "ldap";
    return strchr(server->host, ':') != NULL ? g_strdup_printf("%s://[%s]:%u", scheme, server->host, server->port)
                                             : g_strdup_printf("%s://%s:%u", scheme, server->host, server->port);
}

/* libldap must not take a connection that was to be encrypted for one that was not. */
static char *uri_of(const struct net_ldap_server *server)
{
    struct net_ldap_server named = *server;
    if (server->security != NET_LDAP_CLEAR)
        named.security = NET_LDAP_TLS;
    return net_ldap_server_text(&named);
}

static bool prepare(struct ldap_connection *connection, const struct net_ldap_server *server, struct error *error)
{
    g_autofree char *uri = uri_of(server);
    int rc = ldap_init_fd(connection->fd, LDAP_PROTO_TCP, uri, &connection->ld);
    if (rc != LDAP_SUCCESS) {
        connection->ld = NULL;
        return error_set_foreign(error, ERROR_TEMPORARY, ldap_err2string(rc), "LDAP cannot be used");
    }
    if (!set_options(connection->ld))
        return error_set(error, ERROR_TEMPORARY, "LDAP cannot be used");
    if (server->security != NET_LDAP_CLEAR && !encrypt(connection, server, error))
        return false;
    connection->ready = server->bind_dn == NULL || login(connection, server, error);
    return connection->ready;
}

struct ldap_connection *ldap_connection_open(const struct ldap_tools *tools, const struct net_ldap_server *server,
                                             int64_t deadline, struct error *error)
{
    int fd = dial(tools->dialler, server->host, server->port, deadline, error);
    if (fd < 0)
        return NULL;
    owned(ldap_connection) struct ldap_connection *connection = g_new0(struct ldap_connection, 1);
    connection->fd = fd;
    connection->watchdog = tools->watchdog;
    if (!ldap_connection_begin(connection, deadline))
        error_set(error, ERROR_TEMPORARY, "no thread that keeps a directory's deadline");
    else if (prepare(connection, server, error))
        return steal(&connection);
    return NULL;
}

bool ldap_connection_begin(struct ldap_connection *connection, int64_t deadline)
{
    /* An answer to nothing: the server says farewell, or has closed the connection. */
    struct pollfd poller = {.fd = connection->fd, .events = POLLIN};
    if (poll(&poller, 1, 0) != 0)
        return false;
    connection->watched = watchdog_watch(connection->watchdog, &connection->watch, connection->fd, deadline);
    return connection->watched;
}

bool ldap_connection_end(struct ldap_connection *connection)
{
    connection->watched = false;
    connection->used = g_get_monotonic_time();
    return !watchdog_leave(connection->watchdog, &connection->watch);
}

void ldap_connection_close(struct ldap_connection *connection)
{
    if (connection->watched)
        watchdog_leave(connection->watchdog, &connection->watch);
    if (connection->ready)
        ldap_unbind_ext(connection->ld, NULL, NULL); /* writes a farewell, and waits for no answer */
    else if (connection->ld != NULL)
        ldap_destroy(connection->ld);
    else
        close(connection->fd);
    g_strfreev(connection->contexts);
    g_free(connection);
}
