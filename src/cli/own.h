/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own: our own certificates, as `domsec status` and `domsec key list` show them.
 */
#ifndef DOMSEC_CLI_OWN_H
#define DOMSEC_CLI_OWN_H

#include "conf/conf.h"
#include "keys/keys.h"

#include <jansson.h>

/* One for each identity of conf, in its order; NULL where it could not be read, which is a fault. */
X509 **own_read(const struct conf *conf, struct faults *faults);
void own_free(X509 **own, const struct conf *conf);
/* False if one could not be read, or none of the same owner is in force. Which ends soon is in gateway/expiry.h. */
bool own_are_good(X509 *const *own, const struct conf *conf);

/* A table with a heading. with_files: also the file of the certificate and the URI of the key. */
void own_print(X509 *const *own, const struct conf *conf, bool with_files);
/* An array; a new reference. */
json_t *own_json(X509 *const *own, const struct conf *conf);

#endif
