/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: the names of one certificate, decoded and parsed once. A certificate may have hundreds, and each of them is
 * compared with each author of a message. Immutable, and so thread-safe.
 */
#ifndef DOMSEC_KEYS_NAMES_H
#define DOMSEC_KEYS_NAMES_H

#include "keys/keys.h"

/* Each list as the function of that name in keys.h gives it. */
struct certificate_names {
    char **addresses; /* those of the subjectAltName first */
    size_t address_count, san_count;
    struct address *mailboxes; /* parsed, by addresses; local NULL: certificate_address_parse() refuses it */
    char **dns_names, **common_names;
    bool odd_address, odd_san, odd_dns_name, odd_common_name;
    unsigned count; /* certificate_name_count() */
    size_t octets;  /* of memory that they take, nearly */
    gint references;
};

struct certificate_names *certificate_names_new(const X509 *certificate);
struct certificate_names *certificate_names_ref(struct certificate_names *names);
void certificate_names_unref(struct certificate_names *names);

DECLARE_OWNED(certificate_names, struct certificate_names *, certificate_names_unref)

#endif
