/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_ldap.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <lber.h>
#include <ldap.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    struct fake_ldap *fake;
    int fd;
    SSL *ssl; /* NULL: in the clear */
};

/* Returns false at the end of the connection or of the test. */
static bool await(const struct peer *peer)
{
    while (!g_atomic_int_get(&peer->fake->ending)) {
        struct pollfd poller = {.fd = peer->fd, .events = POLLIN};
        if ((peer->ssl != NULL && SSL_pending(peer->ssl) > 0) || poll(&poller, 1, 20) > 0)
            return true;
    }
    return false;
}

static int receive(struct peer *peer, unsigned char *bytes, int size)
{
    if (!await(peer))
        return 0;
    if (peer->ssl != NULL)
        return SSL_read(peer->ssl, bytes, size);
    int length = (int)recv(peer->fd, bytes, (size_t)size, 0);
    g_mutex_lock(&peer->fake->lock);
    if (length > 0)
        g_byte_array_append(peer->fake->clear, bytes, (guint)length);
    g_mutex_unlock(&peer->fake->lock);
    return length;
}

static bool transmit(struct peer *peer, const void *bytes, size_t length)
{
    if (peer->ssl != NULL)
        return SSL_write(peer->ssl, bytes, (int)length) > 0;
    return send(peer->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static void wait_for_the_end(struct peer *peer)
{
    unsigned char bytes[1024];
    while (receive(peer, bytes, sizeof(bytes)) > 0)
        ;
}

static void pause_some(const struct peer *peer)
{
    for (int i = 0; i < 30 && !g_atomic_int_get(&peer->fake->ending); i++)
        g_usleep(10000);
}

/* --- answers --- */

static bool say(struct peer *peer, BerElement *ber)
{
    struct berval *bytes = NULL;
    cr_assert_eq(ber_flatten(ber, &bytes), 0);
    bool good = transmit(peer, bytes->bv_val, bytes->bv_len);
    ber_bvfree(bytes);
    ber_free(ber, 1);
    return good;
}

static BerElement *result(ber_int_t id, ber_tag_t tag, int code)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    ber_printf(ber, "{it{ess}}", id, tag, code, "", "");
    return ber;
}

static BerElement *entry(const struct fake_ldap *fake, ber_int_t id)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    ber_printf(ber, "{it{s{{s[o]}}}}", id, (ber_tag_t)LDAP_RES_SEARCH_ENTRY, "uid=bob,dc=partner,dc=test",
               "userCertificate;binary", fake->value != NULL ? fake->value : "", (ber_len_t)fake->length);
    return ber;
}

static bool drip(struct peer *peer, ber_int_t id)
{
    BerElement *ber = entry(peer->fake, id);
    struct berval *bytes = NULL;
    bool good = ber_flatten(ber, &bytes) == 0;
    for (ber_len_t i = 0; i < bytes->bv_len && good && !g_atomic_int_get(&peer->fake->ending); i++) {
        good = transmit(peer, bytes->bv_val + i, 1);
        pause_some(peer);
    }
    ber_bvfree(bytes);
    ber_free(ber, 1);
    return good;
}

static bool announce_much(struct peer *peer)
{
    static const unsigned char head[] = {0x30, 0x84, 0x40, 0x00, 0x00, 0x00};
    g_autofree char *zeros = g_malloc0(1 << 20);
    return transmit(peer, head, sizeof(head)) && transmit(peer, zeros, 1 << 20);
}

static bool reset_half_way(struct peer *peer, ber_int_t id)
{
    const struct linger at_once = {.l_onoff = 1};
    BerElement *ber = entry(peer->fake, id);
    struct berval *bytes = NULL;
    cr_assert_eq(ber_flatten(ber, &bytes), 0);
    transmit(peer, bytes->bv_val, bytes->bv_len / 2);
    ber_bvfree(bytes);
    ber_free(ber, 1);
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return false;
}

/* Returns false if the connection is to be closed. */
static bool answer_search(struct peer *peer, ber_int_t id)
{
    const enum fake_fault fault = (enum fake_fault)g_atomic_int_get(&peer->fake->fault);
    g_atomic_int_inc(&peer->fake->searches);
    if (fault == FAKE_DRIP)
        return drip(peer, id);
    if (fault == FAKE_HUGE)
        return announce_much(peer);
    if (fault == FAKE_RESET)
        return reset_half_way(peer, id);
    if (fault == FAKE_GARBAGE)
        return transmit(peer, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    bool good = say(peer, entry(peer->fake, id));
    while (fault == FAKE_ENDLESS && good && !g_atomic_int_get(&peer->fake->ending))
        good = say(peer, entry(peer->fake, id));
    good = good && say(peer, result(id, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS));
    if (fault == FAKE_ONCE)
        wait_for_the_end(peer);
    return good && fault != FAKE_ONCE && fault != FAKE_CLOSES;
}

static bool begin_tls(struct peer *peer)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    const struct pki *tls = g_atomic_pointer_get(&peer->fake->tls);
    cr_assert(SSL_CTX_use_certificate(context, tls->cert) == 1);
    cr_assert(SSL_CTX_use_PrivateKey(context, tls->key) == 1);
    peer->ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(peer->ssl, peer->fd);
    return SSL_accept(peer->ssl) == 1;
}

static bool answer_starttls(struct peer *peer, ber_int_t id)
{
    const enum fake_fault fault = (enum fake_fault)g_atomic_int_get(&peer->fake->fault);
    int code = fault == FAKE_STARTTLS_REFUSED ? LDAP_UNAVAILABLE : LDAP_SUCCESS;
    bool good = say(peer, result(id, LDAP_RES_EXTENDED, code));
    if (fault == FAKE_STARTTLS_SILENT)
        wait_for_the_end(peer);
    if (fault == FAKE_STARTTLS_GARBAGE)
        good = transmit(peer, "This is not TLS, and goes on in the clear.", 42);
    return good && fault != FAKE_STARTTLS_SILENT;
}

/* One request. Returns false at the end. */
static bool serve(struct peer *peer)
{
    unsigned char bytes[4096];
    int length = receive(peer, bytes, sizeof(bytes));
    if (length <= 0 || g_atomic_int_get(&peer->fake->fault) == FAKE_SILENT)
        return length > 0;
    struct berval all = {.bv_len = (ber_len_t)length, .bv_val = (char *)bytes};
    BerElement *ber = ber_init(&all);
    ber_int_t id = 0;
    ber_len_t size = 0;
    ber_tag_t tag = ber_scanf(ber, "{i", &id) == LBER_ERROR ? LBER_DEFAULT : ber_peek_tag(ber, &size);
    ber_free(ber, 1);
    if (tag == LDAP_REQ_EXTENDED)
        return answer_starttls(peer, id);
    if (tag == LDAP_REQ_BIND)
        return say(peer, result(id, LDAP_RES_BIND, LDAP_SUCCESS));
    return tag == LDAP_REQ_SEARCH ? answer_search(peer, id) : tag != LDAP_REQ_UNBIND && tag != LBER_DEFAULT;
}

static gpointer serve_peer(gpointer data)
{
    struct peer *peer = data;
    bool good = g_atomic_pointer_get(&peer->fake->tls) == NULL || begin_tls(peer);
    while (good)
        good = serve(peer);
    SSL_free(peer->ssl);
    close(peer->fd);
    g_free(peer);
    return NULL;
}

static gpointer accept_all(gpointer data)
{
    struct fake_ldap *fake = data;
    while (!g_atomic_int_get(&fake->ending)) {
        struct pollfd poller = {.fd = fake->listener, .events = POLLIN};
        if (poll(&poller, 1, 20) <= 0)
            continue;
        struct peer *peer = g_new0(struct peer, 1);
        *peer = (struct peer){.fake = fake, .fd = accept(fake->listener, NULL, NULL)};
        g_atomic_int_inc(&fake->connections);
        g_ptr_array_add(fake->threads, g_thread_new("peer", serve_peer, peer));
    }
    return NULL;
}

struct fake_ldap *fake_ldap_start(enum fake_fault fault, const struct pki *tls, const void *value, size_t length)
{
    struct fake_ldap *fake = g_new0(struct fake_ldap, 1);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(name);
    *fake = (struct fake_ldap){.fault = fault, .tls = tls, .value = value, .length = length};
    g_mutex_init(&fake->lock);
    fake->clear = g_byte_array_new();
    fake->threads = g_ptr_array_new();
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fake->listener, (struct sockaddr *)&name, size), 0);
    cr_assert_eq(listen(fake->listener, 16), 0);
    cr_assert_eq(getsockname(fake->listener, (struct sockaddr *)&name, &size), 0);
    fake->port = ntohs(name.sin_port);
    fake->thread = g_thread_new("fake", accept_all, fake);
    return fake;
}

void fake_ldap_heal(struct fake_ldap *fake, const struct pki *tls)
{
    g_atomic_pointer_set(&fake->tls, (struct pki *)tls);
    g_atomic_int_set(&fake->fault, FAKE_GOOD);
}

void fake_ldap_stop(struct fake_ldap *fake)
{
    g_atomic_int_set(&fake->ending, 1);
    g_thread_join(fake->thread);
    for (guint i = 0; i < fake->threads->len; i++)
        g_thread_join(g_ptr_array_index(fake->threads, i));
    g_ptr_array_unref(fake->threads);
    g_byte_array_unref(fake->clear);
    g_mutex_clear(&fake->lock);
    close(fake->listener);
    g_free(fake);
}

bool fake_ldap_saw(struct fake_ldap *fake, const char *bytes)
{
    g_mutex_lock(&fake->lock);
    bool saw = memmem(fake->clear->data, fake->clear->len, bytes, strlen(bytes)) != NULL;
    g_mutex_unlock(&fake->lock);
    return saw;
}
