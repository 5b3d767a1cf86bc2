/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_stored: what the commands about certificates say of one in the store.
 */
#include "cert_stored.h"

#include "base/moment.h"
#include "describe.h"

X509 *cert_stored_parse(const struct store_certificate *stored)
{
    const unsigned char *der = (const unsigned char *)stored->der.data;
    X509 *certificate = d2i_X509(NULL, &der, (long)stored->der.len);
    if (certificate == NULL)
        fprintf(stderr, "domsec: %s in the store is not a certificate\n", stored->sha256);
    return certificate;
}

static json_t *time_json(int64_t at)
{
    g_autofree char *text = moment_rfc3339((time_t)at);
    return describe_string(text);
}

json_t *cert_stored_json(const X509 *certificate, const struct store_certificate *stored)
{
    json_t *json = describe_json(certificate);
    json_object_set_new(json, "source", json_string(stored != NULL ? "store" : "directory"));
    if (stored == NULL)
        return json;
    json_object_set_new(json, "origin", json_string(store_origin_name(stored->origin)));
    json_object_set_new(json, "state", json_string(store_state_name(stored->state)));
    json_object_set_new(json, "added", time_json(stored->added));
    return json;
}

char *cert_stored_place(const struct store_certificate *stored)
{
    if (stored == NULL)
        return g_strdup("directory");
    const char *origin = store_origin_name(stored->origin);
    return stored->state == STORE_USED ? g_strdup(origin)
                                       : g_strdup_printf("%s, %s", origin, store_state_name(stored->state));
}

bool cert_stored_find(const char *uri, const char *digits, struct store_certificates *found, struct error *error)
{
    owned(store) struct store *store = store_open(uri);
    return store_certificates_by_id(store, digits, 2, found, error);
}
