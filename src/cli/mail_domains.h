/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_domains: what the zones of a certificate's mail domains say: which authorities may issue certificates for their
 * addresses (CAA records, RFC 8659 and 9495), and whether they take mail (MX). It is for a person to compare with the
 * issuer, whose name in CAA records no certificate has. No verdict on mail may depend on it (RFC 8659 §1).
 */
#ifndef DOMSEC_CLI_MAIL_DOMAINS_H
#define DOMSEC_CLI_MAIL_DOMAINS_H

#include "base/lookup.h"
#include "conf/conf.h"

#include <jansson.h>
#include <openssl/x509.h>

#define CLI_OPTION_DNS(variable)                                                                                       \
    {                                                                                                                  \
        "dns", 0, OPTION_FLAG, &(variable), NULL, "ask the DNS for the CAA and MX records of the mail domains"         \
    }

enum issuance {
    ISSUANCE_ANY,       /* no issuemail record restricts it */
    ISSUANCE_NAMED,     /* only those that issuemail names */
    ISSUANCE_FORBIDDEN, /* issuemail names no authority, or a critical property is not known */
    ISSUANCE_UNKNOWN,   /* the lookup failed */
};

/* The answer to one question. */
struct zone_answer {
    enum found found;
    const char *dnssec; /* "secure", "insecure", "bogus", "failed", or "unchecked" without anchors */
    char *reason;       /* of a failure */
};

struct mail_domain {
    char *name; /* A-labels */
    struct zone_answer caa, mx;
    char *caa_at; /* the domain, or the one above it, that has the CAA records; NULL: neither it nor any above has */
    enum issuance issuance;
    GPtrArray *issuemail; /* char *: the values, printable */
    GPtrArray *critical;  /* char *: tags of critical properties that are not known */
    bool malformed;       /* a CAA record, or the value of an issuemail record */
    GPtrArray *hosts;     /* char *: of the MX records */
    bool null_mx;         /* RFC 7505 */
};

struct mail_domains {
    GPtrArray *list; /* struct mail_domain * */
    size_t omitted;  /* domains beyond the limit */
};

/* Asks for each domain of the certificate's mail addresses, all within dns.timeout. A lookup that fails is part of the
 * answer; false only if no question can be asked. */
bool mail_domains_ask(const struct conf *conf, const X509 *certificate, struct mail_domains *domains,
                      struct error *error);
void mail_domains_clear(struct mail_domains *domains);

/* --- mail_domains_show.c --- */

/* issuer: as text; NULL if the certificate is yet to be issued. */
void mail_domains_print(const struct mail_domains *domains, const char *issuer);
/* A new reference. */
json_t *mail_domains_json(const struct mail_domains *domains);

static inline __attribute__((unused)) void cleanup_mail_domains(struct mail_domains *domains)
{
    mail_domains_clear(domains);
}

#endif
