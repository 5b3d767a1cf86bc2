/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_dns: a DNS server on loopback that misbehaves as a test says, and else hands on what a real one answers. UDP
 * only, so that what needs TCP cannot be had.
 *
 *     struct fake_dns *fake = fake_dns_new(knot.port);
 *     fake_dns_set(fake, 37, FAKE_REFUSED);
 *     … dns = { resolver = "127.0.0.1@fake->port"; } …
 *     fake_dns_free(fake);
 */
#ifndef DOMSEC_TESTS_SUPPORT_FAKE_DNS_H
#define DOMSEC_TESTS_SUPPORT_FAKE_DNS_H

#include "base/cleanup.h"

#include <netinet/in.h>

enum fake_action {
    FAKE_RELAY,
    FAKE_DROP,
    FAKE_FORMERR,
    FAKE_SERVFAIL,
    FAKE_NOTIMP,
    FAKE_REFUSED,
    FAKE_NXDOMAIN, /* a lie, without signatures */
    FAKE_EMPTY,    /* a lie: there is no such record */
    FAKE_RUBBISH,  /* random octets behind the right head */
    FAKE_SHORT,    /* three octets */
    FAKE_CUT,      /* TC: ask by TCP */
    FAKE_FLIPPED,  /* the real answer with one octet changed near its end */
};

struct fake_dns {
    char address[32]; /* "127.0.0.1@port" */
    gint asked;       /* datagrams so far; g_atomic_int_get() */
    /* private */
    int fd, stop, upstream;
    GThread *thread;
    gint actions[65536];
};

/* upstream: the port of the real one. */
struct fake_dns *fake_dns_new(unsigned upstream);
void fake_dns_free(struct fake_dns *fake);
DECLARE_OWNED(fake_dns, struct fake_dns *, fake_dns_free)
/* For questions of this type; 0: of each type. */
void fake_dns_set(struct fake_dns *fake, unsigned type, enum fake_action action);

#endif
