/* SPDX-License-Identifier: Apache-2.0 */
/* Host names that are never resolved, and addresses that do not answer. getaddrinfo() is this file's own. */
#include "net/dial.h"
#include "support/slapd.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int hanging, released;

/* "several.test" has three addresses, of which the last one is loopback; "hung…" is resolved once it is released. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    static const char *const several[] = {"127.0.0.3", "127.0.0.2", "127.0.0.1"};
    *list = NULL;
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return EAI_NONAME;
    if (strncmp(host, "hung", 4) == 0) {
        g_atomic_int_inc(&hanging);
        while (!g_atomic_int_get(&released))
            g_usleep(1000);
        g_atomic_int_add(&hanging, -1);
        return EAI_AGAIN;
    }
    for (size_t i = G_N_ELEMENTS(several); i-- > 0;) {
        struct addrinfo *next = g_new0(struct addrinfo, 1);
        struct sockaddr_in *name = g_new0(struct sockaddr_in, 1);
        *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
        inet_pton(AF_INET, several[i], &name->sin_addr);
        *next = (struct addrinfo){.ai_family = AF_INET,
                                  .ai_addr = (struct sockaddr *)(void *)name,
                                  .ai_addrlen = sizeof(*name),
                                  .ai_next = *list};
        *list = next;
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        g_free(list->ai_addr);
        g_free(list);
        list = next;
    }
}

Test(dial, a_hung_resolver_costs_a_bounded_number_of_threads, .timeout = 60)
{
    struct dialler *dialler = dialler_new();
    for (int i = 0; i < 20; i++) {
        struct error error = {0};
        cr_expect_eq(dial(dialler, "hung.test", 389, g_get_monotonic_time() + 20000, &error), -1);
        cr_expect_eq(error.kind, ERROR_TEMPORARY);
    }
    cr_expect_eq(g_atomic_int_get(&hanging), 16);
    dialler_free(dialler);
    g_atomic_int_set(&released, 1);
    while (g_atomic_int_get(&hanging) > 0)
        g_usleep(1000);
}

Test(dial, each_address_is_tried, .timeout = 60)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(name);
    owned(dialler) struct dialler *dialler = dialler_new();
    struct error error = {0};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&name, length), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&name, &length), 0);
    int fd = dial(dialler, "several.test", ntohs(name.sin_port), g_get_monotonic_time() + 5 * G_USEC_PER_SEC, &error);
    cr_expect_geq(fd, 0, "%s", error.text);
    cr_expect_eq(error.kind, ERROR_NONE, "of an address that was tried before: %s", error.text);
    close(fd);
    close(listener);
    cr_expect_eq(dial(dialler, "several.test", ntohs(name.sin_port), g_get_monotonic_time() + G_USEC_PER_SEC, &error),
                 -1);
    cr_expect_not_null(strstr(error.text, "refused"), "%s", error.text);
}
