/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web: a small web server on loopback, on a free port, that may lie. It counts what it is asked.
 *
 *     struct web *web = web_start();
 *     web_put(web, "/a.crl", &(struct web_page){.body = der, .length = length});
 *     char *url = web_url(web, "/a.crl");
 *     ... web_count(web, "/a.crl") ...
 *     web_free(web);
 */
#ifndef DOMSEC_TESTS_SUPPORT_WEB_H
#define DOMSEC_TESTS_SUPPORT_WEB_H

#include "base/bytes.h"
#include "base/openssl.h"

#include <glib.h>

enum web_manner {
    WEB_PLAIN,
    WEB_HANG,    /* accepts, and says nothing */
    WEB_DRIP,    /* one octet of the body every 50 ms */
    WEB_SHORT,   /* announces more than it sends */
    WEB_ENDLESS, /* the body again and again, without a length */
    WEB_CLOSE,   /* closes at once */
};

/* Writes the answer to what was posted, or to what follows the page's path, into `answer`. */
typedef void web_program(void *context, const char *rest, struct slice posted, GByteArray *answer);

struct web_page {
    int status; /* 0: 200 */
    const void *body;
    size_t length;
    size_t announced;     /* length that WEB_SHORT announces; 0: 100 octets more than it sends */
    const char *location; /* of a redirection */
    enum web_manner manner;
    web_program *program; /* makes the body; the page is then that of all paths that begin with its own */
    void *context;
};

struct web;
struct web *web_start(void);
/* The same over TLS. */
struct web *web_start_tls(X509 *certificate, EVP_PKEY *key);
void web_free(struct web *web);
/* The server takes no more connections, and ends those there are; web_resume() takes the same port. */
void web_pause(struct web *web);
void web_resume(struct web *web);

/* Copies the page. Without a page a path is 404. */
void web_put(struct web *web, const char *path, const struct web_page *page);
char *web_url(const struct web *web, const char *path); /* g_free() */
unsigned web_port(const struct web *web);
/* Requests for that page; NULL: for all. */
unsigned web_count(struct web *web, const char *path);
/* Headers of the last request; g_free(). */
char *web_last_request(struct web *web);

DECLARE_OWNED(web, struct web *, web_free)

#endif
