/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_names: the names under which the store is asked for a query.
 */
#ifndef DOMSEC_CERTS_STORE_NAMES_H
#define DOMSEC_CERTS_STORE_NAMES_H

#include "certs/certs.h"

/* The person's, then those of the domain and its parents, then those of gateways with addresses of their own. Array of
 * struct store_name; g_array_unref(). */
GArray *store_names_of(const struct certs_query *query);

#endif
