/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_uri: reads the URI of a key in a token (RFC 7512), for the configuration, the keys and the command line.
 * p11-kit parses it.
 */
#ifndef DOMSEC_CONF_TOKEN_URI_H
#define DOMSEC_CONF_TOKEN_URI_H

#include "base/cleanup.h"
#include "base/error.h"

#include <p11-kit/uri.h>

/* Whether the URI of a key names one in a token. */
bool token_uri_is(const char *uri);
/* uri begins with "pkcs11:". p11_kit_uri_free() the result. NULL with ERROR_CONFIGURATION: the text does not quote the
 * URI, because a PIN may be in it, which is a fault. */
P11KitUri *token_uri_parse(const char *uri, struct error *error);
/* The file that pin-source names, an absolute path; g_free(). NULL: it has none. */
char *token_uri_pin_file(const P11KitUri *uri);
/* The URI of another key in the same token: with that label and no id; g_free(). pin_file: becomes the pin-source, if
 * the URI has none; may be NULL. NULL: as for token_uri_parse(). */
char *token_uri_renamed(const char *uri, const char *label, const char *pin_file, struct error *error);
/* What the module is initialised with, for the few that want it (NSS: its folder); p11-kit calls it the same in its
 * configuration. Lent. NULL: nothing. */
#define TOKEN_URI_PARAMETERS "x-init-reserved"
const char *token_uri_parameters(const P11KitUri *uri);

DECLARE_OWNED(token_uri, P11KitUri *, p11_kit_uri_free)

#endif
