/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holders: which partners have a certificate of ours, so far as our own configuration shows it.
 */
#ifndef DOMSEC_CLI_HOLDERS_H
#define DOMSEC_CLI_HOLDERS_H

#include "keys/keys.h"

/* The places of our own configuration that name this certificate as a partner's or as an anchor, each as
 * "FILE:LINE: KEY"; g_ptr_array_unref(). */
GPtrArray *holders_pinning(const struct conf *conf, const X509 *certificate);
/* The names of the policies whose partners must have the certificate of an identity: they encrypt to it. */
GPtrArray *holders_encrypting(const struct conf *conf, const struct identity_conf *identity);
/* The names of the other policies whose partners see it. */
GPtrArray *holders_seeing(const struct conf *conf, const struct identity_conf *identity);

/* All three, as lines for people that begin with so many spaces. */
void holders_print(const struct conf *conf, const struct identity_conf *identity, const X509 *certificate, int indent);

#endif
