/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: fetches one document from a web server, with libcurl.
 *
 * Addresses come out of certificates that anyone may send. So only http: and https: are followed, also where a server
 * redirects to, and no connection goes to an address of the internal network (loopback, private, link-local, multicast,
 * also within an IPv6 address) unless `fetch_networks` allows it: the address is looked at when the connection is made,
 * so that a name cannot lead there. There are no cookies, no credentials and no proxy. Thread-safe.
 */
#ifndef DOMSEC_NET_HTTP_H
#define DOMSEC_NET_HTTP_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/lookup.h"
#include "conf/conf.h"

#include <stdint.h>

struct http_request {
    const char *url;
    struct slice post;  /* data NULL: GET */
    const char *type;   /* of post: "application/ocsp-request" */
    size_t limit;       /* largest answer, in octets */
    int64_t deadline;   /* microseconds of g_get_monotonic_time(), redirects included; a server that says nothing for
                           five seconds, or very little, is given up before */
    bool only_https;    /* also where it is redirected to */
    const char *ca;     /* file with the only authorities that a server's certificate may lead to; NULL: the system's */
    const int *stopped; /* breaks the transfer off within a second when it is no longer 0; NULL: nothing does */
    const struct conf *conf; /* its fetch_networks */
};

/* Why nothing came. */
enum http_fault {
    HTTP_FAULT_NONE,
    HTTP_FAULT_UNREACHABLE, /* no connection, or it broke off */
    HTTP_FAULT_LATE,        /* the deadline passed */
    HTTP_FAULT_FORBIDDEN,   /* an address or a scheme that is not connected to */
    HTTP_FAULT_STATUS,      /* the server answered with an error, or redirected too often */
    HTTP_FAULT_TOO_LARGE,
};

struct http_answer {
    char *body; /* g_free() by http_answer_clear(); NUL-terminated beyond its length */
    size_t length;
    long status; /* of the last answer; 0: none came */
    enum http_fault fault;
};

/* FOUND: the server answered with 200. FOUND_NONE: it says that there is no such document (404, 410). Else FOUND_FAILED
 * with the error. */
enum found http_fetch(const struct http_request *request, struct http_answer *answer, struct error *error);
void http_answer_clear(struct http_answer *answer);

/* True for a URL that http_fetch() may follow by its scheme. */
bool http_may_fetch(const char *url);
/* Host and port of a URL, "host:80", in lower case; g_free(). NULL: it cannot be read. */
char *http_host(const char *url);
/* A text as one segment of a path (RFC 3986 §2.1); g_free(). */
char *http_escape(const char *text);

static inline __attribute__((unused)) void cleanup_http_answer(struct http_answer *answer)
{
    http_answer_clear(answer);
}

#endif
