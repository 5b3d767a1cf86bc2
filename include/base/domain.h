/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain: the one form in which all layers compare mail domains: A-labels in lower case, without a final dot (RFC
 * 5890). Thread-safe.
 */
#ifndef DOMSEC_BASE_DOMAIN_H
#define DOMSEC_BASE_DOMAIN_H

#include <stdbool.h>

/* U-label or mixed-case domain → A-label in lower case, without a final dot. NULL if it is not a valid domain (empty
 * labels, over 253 octets, characters that IDNA 2008 does not allow). g_free(). */
char *domain_normalise(const char *domain);
/* The same for a mail domain that a user enters. Also NULL for an IP address, which has the form of a domain. */
char *domain_of_mail(const char *text);
/* True for a domain in A-labels or U-labels (RFC 5890), in any ASCII case. False for text that is only mapped to
 * one, such as full-width letters, and for text that is not a domain. */
bool domain_is_proper(const char *domain);
/* True if child equals parent or ends in "." parent; both normalised. */
bool domain_is_within(const char *child, const char *parent);

/* Whether a host, by name or address without brackets, is this one by way of loopback. */
bool host_is_loopback(const char *host);

#endif
