/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_stored: what the commands about certificates say of one in the store.
 */
#ifndef DOMSEC_CLI_CERT_STORED_H
#define DOMSEC_CLI_CERT_STORED_H

#include "store/store.h"

#include <jansson.h>
#include <openssl/x509.h>

/* X509_free(). NULL after a message on standard error. */
X509 *cert_stored_parse(const struct store_certificate *stored);
/* describe_json(), and whence it is: "source", and of one in the store "origin", "state" and "added". stored NULL: it
 * is in certificate_directory. A new reference. */
json_t *cert_stored_json(const X509 *certificate, const struct store_certificate *stored);
/* "directory", "import", "harvest, pending". g_free(). */
char *cert_stored_place(const struct store_certificate *stored);

/* Those whose id begins with the digits, at most two. Returns false with the reason. */
bool cert_stored_find(const char *uri, const char *digits, struct store_certificates *found, struct error *error);

#endif
