/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: asks the DNS, validates the answers itself (DNSSEC), and keeps a deadline. Answers are plain data.
 *
 * Bogus is failed: an answer whose signatures are wrong or missing is never handed out. So are SERVFAIL, REFUSED, a
 * time-out, and an answer that was cut short and cannot be had over TCP.
 */
#ifndef DOMSEC_NET_DNS_H
#define DOMSEC_NET_DNS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/lookup.h"
#include "conf/conf.h"

#include <stdint.h>

enum dns_type {
    DNS_A = 1,
    DNS_MX = 15,
    DNS_SRV = 33,
    DNS_CERT = 37,
    DNS_SMIMEA = 53,
    DNS_CAA = 257,
};

/* A resolver with a cache of its own, and two threads from the first question on. Thread-safe. */
struct dns;

/* Reads the group `dns`; an anchor that cannot be read is an error. Asks nothing, and starts no thread. */
struct dns *dns_open(const struct dns_conf *conf, struct error *error);
/* Ends its threads. Each dns_ask() has returned before. */
void dns_close(struct dns *dns);

struct dns_question {
    const char *name; /* as in a zone file: "\." is a dot within a label, "\032" a space; a final dot is not needed */
    enum dns_type type;
};

struct dns_answer {
    /* FOUND: there are records. FOUND_NONE: there is no such name, or no such record at it. FOUND_FAILED: see error. */
    enum found found;
    bool secure; /* proven by signatures up to an anchor, also that there are no records. False where the zone is
                    proven unsigned, or lies outside of all anchors */
    bool bogus;  /* FOUND_FAILED because signatures are wrong or missing; a time-out on the way to them
                    looks the same */
    struct slice *records; /* RDATA, in the order in which it came, names in it not compressed */
    size_t count;
    char *name;         /* where the records are, after CNAMEs, as text; NULL: at the name of the question */
    unsigned ttl;       /* seconds for which the answer holds; 0 if failed */
    struct error error; /* of FOUND_NONE and FOUND_FAILED */
    void *owner;        /* private */
};

/* Asks all questions at once. The deadline, in microseconds of g_get_monotonic_time(), is one for all of them; what has
 * no answer by then has failed. A name that the DNS cannot hold has no records. dns_answers_clear(). */
void dns_ask(struct dns *dns, const struct dns_question *questions, size_t count, int64_t deadline,
             struct dns_answer *answers);
void dns_answers_clear(struct dns_answer *answers, size_t count);

/* RDATA of an SRV record (RFC 2782). */
struct dns_srv {
    unsigned priority, weight, port;
    char *target; /* without a final dot; "" : the service is not offered. g_free() */
};
/* Returns false if the RDATA is malformed. */
bool dns_read_srv(struct slice rdata, struct dns_srv *srv);

/* RDATA of an MX record (RFC 1035 §3.3.9). */
struct dns_mx {
    unsigned preference;
    char *host; /* without a final dot; "": the domain accepts no mail (RFC 7505). g_free() */
};
bool dns_read_mx(struct slice rdata, struct dns_mx *mx);

/* RDATA of a CAA record (RFC 8659 §4.1), of which the slices are parts. */
struct dns_caa {
    bool critical;
    struct slice tag, value; /* the tag has letters and digits; the value has any octets */
};
bool dns_read_caa(struct slice rdata, struct dns_caa *caa);

DECLARE_OWNED(dns, struct dns *, dns_close)
/* For one answer: owned(dns_answer) struct dns_answer answer = {0}; */
static inline __attribute__((unused)) void cleanup_dns_answer(struct dns_answer *answer)
{
    dns_answers_clear(answer, 1);
}

#endif
