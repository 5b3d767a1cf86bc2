/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe: a certificate as text for tables and as JSON. All strings are printable; g_free().
 */
#ifndef DOMSEC_CLI_DESCRIBE_H
#define DOMSEC_CLI_DESCRIBE_H

#include "keys/keys.h"

#include <jansson.h>

char *describe_id(const X509 *certificate);               /* the beginning of its fingerprint, for tables */
char *describe_addresses(const X509 *certificate);        /* comma-separated; "" for none */
char *describe_name(const X509 *certificate);             /* its addresses, or its subject if it has none */
char *describe_date(const ASN1_TIME *time);               /* "2028-11-23" in UTC */
bool describe_time(const ASN1_TIME *time, char text[32]); /* RFC 3339, UTC */
/* Whole days from now until the certificate expires, negative if it has expired. */
long describe_days_left(const X509 *certificate);
char *describe_days(const X509 *certificate);  /* "729", "expired" */
char *describe_usage(const X509 *certificate); /* "digitalSignature"; "any" without the extension */
/* "rsa-2048", "p-256": as key_kind() where the configuration has a word for it, else as OpenSSL. NULL: "unreadable". */
char *describe_key(const EVP_PKEY *key);

/* The values that tables and JSON show. */
struct description {
    char sha256[65], from[32], until[32];
    char *subject, *issuer, *serial, *usage, *key;
    char *type, *policies; /* what it claims by the S/MIME Baseline Requirements; its policies, "none" without */
    const char *purpose;   /* what its key is for; static */
};
void description_make(const X509 *certificate, struct description *description);
void description_clear(struct description *description);

/* Text from outside as a string that JSON can hold, made printable; NULL gives null. A new reference. */
json_t *describe_string(const char *text);
/* Subject, issuer, serial, addresses, validity, key and fingerprint; a new reference. */
json_t *describe_json(const X509 *certificate);
/* Prints JSON with a final newline to standard output, and drops the reference. */
void describe_print_json(json_t *json);

#endif
