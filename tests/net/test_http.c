/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"
#include "net/networks.h"
#include "support/web.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

static char *loopback[] = {"127.0.0.0/8", NULL};
static char *nowhere[] = {NULL};
static struct conf open_conf = {.fetch_networks = loopback}, closed_conf = {.fetch_networks = nowhere};

#define SECONDS ((int64_t)G_USEC_PER_SEC)
#define LIMIT 1000

struct answered {
    enum found found;
    enum http_fault fault;
    struct error error;
    char body[LIMIT + 1];
};

static struct answered fetch(const char *url, const struct conf *conf, int64_t patience)
{
    struct answered answered = {0};
    owned(http_answer) struct http_answer answer = {0};
    const struct http_request request = {
        .url = url, .limit = LIMIT, .deadline = g_get_monotonic_time() + patience, .conf = conf};
    answered.found = http_fetch(&request, &answer, &answered.error);
    answered.fault = answer.fault;
    if (answer.body != NULL)
        g_strlcpy(answered.body, answer.body, sizeof(answered.body));
    return answered;
}

Test(http, gets_and_posts)
{
    owned(web) struct web *web = web_start();
    g_autofree char *url = web_url(web, "/a");
    web_put(web, "/a", &(struct web_page){.body = "hello", .length = 5});
    struct answered got = fetch(url, &open_conf, 10 * SECONDS);
    cr_expect_eq(got.found, FOUND, "%s", got.error.text);
    cr_expect_str_eq(got.body, "hello");
    g_autofree char *asked = web_last_request(web);
    cr_expect(g_str_has_prefix(asked, "GET /a HTTP/1.1\r\n"), "%s", asked);
    owned(http_answer) struct http_answer answer = {0};
    struct error error = {0};
    const struct http_request post = {.url = url,
                                      .post = {"question", 8},
                                      .type = "application/ocsp-request",
                                      .limit = LIMIT,
                                      .deadline = g_get_monotonic_time() + 10 * SECONDS,
                                      .conf = &open_conf};
    cr_expect_eq(http_fetch(&post, &answer, &error), FOUND, "%s", error.text);
    g_autofree char *posted = web_last_request(web);
    cr_expect(g_str_has_prefix(posted, "POST /a "), "%s", posted);
    cr_expect_not_null(strstr(posted, "Content-Type: application/ocsp-request\r\n"), "%s", posted);
    cr_expect_null(strcasestr(posted, "cookie"));
    cr_expect_null(strcasestr(posted, "Expect:"));
}

Test(http, servers_that_lie)
{
    static const char big[LIMIT + 1];
    static const struct {
        const char *path;
        struct web_page page;
        enum found found;
        enum http_fault fault;
        const char *says;
    } rows[] = {
        {"/empty", {0}, FOUND, HTTP_FAULT_NONE, NULL},
        {"/limit", {.body = big, .length = LIMIT}, FOUND, HTTP_FAULT_NONE, NULL},
        {"/big", {.body = big, .length = sizeof(big)}, FOUND_FAILED, HTTP_FAULT_TOO_LARGE, "too large"},
        {"/endless", {.body = big, .length = 100, .manner = WEB_ENDLESS}, FOUND_FAILED, HTTP_FAULT_TOO_LARGE, "large"},
        {"/404", {.status = 404}, FOUND_NONE, HTTP_FAULT_STATUS, "status 404"},
        {"/410", {.status = 410}, FOUND_NONE, HTTP_FAULT_STATUS, "status 410"},
        {"/500", {.status = 500, .body = "x", .length = 1}, FOUND_FAILED, HTTP_FAULT_STATUS, "status 500"},
        {"/204", {.status = 204}, FOUND_FAILED, HTTP_FAULT_STATUS, "status 204"},
        {"/short", {.body = "abc", .length = 3, .manner = WEB_SHORT}, FOUND_FAILED, HTTP_FAULT_UNREACHABLE, NULL},
        {"/close", {.manner = WEB_CLOSE}, FOUND_FAILED, HTTP_FAULT_UNREACHABLE, NULL},
        {"/hang", {.manner = WEB_HANG}, FOUND_FAILED, HTTP_FAULT_LATE, NULL},
        {"/drip", {.body = big, .length = 900, .manner = WEB_DRIP}, FOUND_FAILED, HTTP_FAULT_LATE, NULL},
        {"/loop", {.status = 302, .location = "/loop"}, FOUND_FAILED, HTTP_FAULT_STATUS, NULL},
        {"/file", {.status = 302, .location = "file:///etc/passwd"}, FOUND_FAILED, HTTP_FAULT_FORBIDDEN, NULL},
        {"/ftp", {.status = 302, .location = "ftp://127.0.0.1/"}, FOUND_FAILED, HTTP_FAULT_FORBIDDEN, NULL},
        {"/cloud",
         {.status = 302, .location = "http://169.254.169.254/"},
         FOUND_FAILED,
         HTTP_FAULT_FORBIDDEN,
         "fetch_networks"},
        {"/mapped",
         {.status = 302, .location = "http://[::ffff:10.0.0.1]/"},
         FOUND_FAILED,
         HTTP_FAULT_FORBIDDEN,
         "fetch_networks"},
        {"/login",
         {.status = 302, .location = "http://user:secret@127.0.0.1/"},
         FOUND_FAILED,
         HTTP_FAULT_FORBIDDEN,
         NULL},
    };
    owned(web) struct web *web = web_start();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool waits = rows[i].fault == HTTP_FAULT_LATE;
        g_autofree char *url = web_url(web, rows[i].path);
        web_put(web, rows[i].path, &rows[i].page);
        struct answered got = fetch(url, &open_conf, waits ? SECONDS / 2 : 20 * SECONDS);
        cr_expect_eq(got.found, rows[i].found, "%s: %d %s", rows[i].path, got.found, got.error.text);
        cr_expect_eq(got.fault, rows[i].fault, "%s: %d %s", rows[i].path, got.fault, got.error.text);
        if (rows[i].says != NULL)
            cr_expect_not_null(strstr(got.error.text, rows[i].says), "%s: %s", rows[i].path, got.error.text);
    }
    cr_expect_eq(web_count(web, "/loop"), 4, "redirections are followed three times");
}

/* What a redirecting server sends beside the address is not the document. */
Test(http, redirected)
{
    owned(web) struct web *web = web_start();
    g_autofree char *from = web_url(web, "/from"), *to = web_url(web, "/to");
    web_put(web, "/from", &(struct web_page){.status = 301, .location = to, .body = "moved", .length = 5});
    web_put(web, "/to", &(struct web_page){.body = "here", .length = 4});
    struct answered got = fetch(from, &open_conf, 10 * SECONDS);
    cr_expect_eq(got.found, FOUND, "%s", got.error.text);
    cr_expect_str_eq(got.body, "here");
    owned(http_answer) struct http_answer answer = {0};
    struct error error = {0};
    const struct http_request secure = {.url = from,
                                        .limit = LIMIT,
                                        .deadline = g_get_monotonic_time() + SECONDS,
                                        .only_https = true,
                                        .conf = &open_conf};
    cr_expect_eq(http_fetch(&secure, &answer, &error), FOUND_FAILED);
    cr_expect_eq(answer.fault, HTTP_FAULT_FORBIDDEN);
}

/* A name that leads to loopback is caught when the connection is made. */
Test(http, never_into_the_internal_network)
{
    owned(web) struct web *web = web_start();
    web_put(web, "/a", &(struct web_page){.body = "secret", .length = 6});
    static const char *const hosts[] = {"127.0.0.1",  "localhost", "127.1",
                                        "2130706433", "0.0.0.0",   "[::ffff:127.0.0.1]"};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *url = g_strdup_printf("http://%s:%u/a", hosts[i], web_port(web));
        struct answered got = fetch(url, &closed_conf, 10 * SECONDS);
        cr_expect_eq(got.found, FOUND_FAILED, "%s", url);
        cr_expect_eq(got.fault, HTTP_FAULT_FORBIDDEN, "%s: %s", url, got.error.text);
    }
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "ldap://127.0.0.1/", "gopher://x/",
                                       "x"};
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++)
        cr_expect_eq(fetch(urls[i], &closed_conf, 10 * SECONDS).found, FOUND_FAILED, "%s", urls[i]);
    cr_expect_eq(web_count(web, NULL), 0);
}

/* A proxy of the environment would connect in our place. */
Test(http, no_proxy_of_the_environment)
{
    owned(web) struct web *proxy = web_start(), *web = web_start();
    g_autofree char *url = web_url(web, "/a"), *at = web_url(proxy, "");
    web_put(web, "/a", &(struct web_page){.body = "x", .length = 1});
    g_setenv("http_proxy", at, TRUE);
    g_setenv("ALL_PROXY", at, TRUE);
    cr_expect_eq(fetch(url, &open_conf, 10 * SECONDS).found, FOUND);
    cr_expect_eq(web_count(proxy, NULL), 0);
}

Test(http, networks)
{
    static const struct {
        const char *address;
        bool allowed, with_fetch_networks;
    } rows[] = {
        {"93.184.216.34", true, true},
        {"2606:2800:220:1::1", true, true},
        {"127.0.0.1", false, false},
        {"10.1.2.3", false, true},
        {"172.31.255.255", false, false},
        {"172.32.0.0", true, true},
        {"192.168.1.1", false, false},
        {"169.254.169.254", false, false},
        {"100.64.0.1", false, false},
        {"0.0.0.0", false, false},
        {"224.0.0.1", false, false},
        {"255.255.255.255", false, false},
        {"::", false, false},
        {"::1", false, false},
        {"::ffff:127.0.0.1", false, false},
        {"::ffff:10.0.0.1", false, true},
        {"::ffff:93.184.216.34", true, true},
        {"::10.0.0.1", false, false},
        {"64:ff9b::169.254.169.254", false, false},
        {"64:ff9b::10.0.0.1", false, true},
        {"64:ff9b::93.184.216.34", true, true},
        {"64:ff9b:1::1", false, false},
        {"2002:7f00:1::1", false, false},
        {"2002:5db8:d822::1", true, true},
        {"2001:0:1::1", false, false},
        {"fe80::1", false, false},
        {"fd00::1", false, true},
        {"ff02::1", false, false},
    };
    static char *some[] = {"10.0.0.0/8", "fd00::/16", NULL};
    static const struct conf conf = {.fetch_networks = some};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct sockaddr_in6 six = {.sin6_family = AF_INET6};
        struct sockaddr_in four = {.sin_family = AF_INET};
        bool is_six = inet_pton(AF_INET6, rows[i].address, &six.sin6_addr) == 1;
        cr_assert(is_six || inet_pton(AF_INET, rows[i].address, &four.sin_addr) == 1);
        const struct sockaddr *address = is_six ? (const struct sockaddr *)&six : (const struct sockaddr *)&four;
        cr_expect_eq(networks_allow(&closed_conf, address), rows[i].allowed, "%s", rows[i].address);
        cr_expect_eq(networks_allow(&conf, address), rows[i].with_fetch_networks, "%s", rows[i].address);
    }
    cr_expect_not(networks_allow(&conf, &(struct sockaddr){.sa_family = AF_UNIX}));
}

Test(http, urls)
{
    static const struct {
        const char *url, *host;
        bool may;
    } rows[] = {{"http://Example.TEST/a", "example.test:80", true},
                {"HTTPS://x:8443/", "x:8443", true},
                {"https://x", "x:443", true},
                {"ldap://x/", NULL, false},
                {"http:x", NULL, false},
                {"", NULL, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *host = http_host(rows[i].url);
        cr_expect_eq(http_may_fetch(rows[i].url), rows[i].may, "%s", rows[i].url);
        if (rows[i].host != NULL)
            cr_expect_str_eq(host != NULL ? host : "", rows[i].host);
    }
    g_autofree char *escaped = http_escape("a/b+c=");
    cr_expect_str_eq(escaped, "a%2Fb%2Bc%3D");
}
