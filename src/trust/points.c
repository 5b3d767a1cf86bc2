/* SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include "net/http.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define POINTS_MAX 8    /* of one certificate */
#define ADDRESSES_MAX 4 /* of one point */
#define URL_MAX 2048

/* NULL: it is not followed. Lent. */
static const char *url_of(const ASN1_IA5STRING *text)
{
    const char *url = (const char *)ASN1_STRING_get0_data(text);
    size_t length = (size_t)ASN1_STRING_length(text);
    bool plain = length > 0 && length <= URL_MAX && strlen(url) == length;
    for (size_t i = 0; plain && i < length; i++)
        plain = g_ascii_isgraph(url[i]);
    return plain && http_may_fetch(url) ? url : NULL;
}

static char *addresses_of(const DIST_POINT *point)
{
    const GENERAL_NAMES *names =
        point->distpoint != NULL && point->distpoint->type == 0 ? point->distpoint->name.fullname : NULL;
    g_autoptr(GString) addresses = g_string_new(NULL);
    unsigned count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && count < ADDRESSES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const char *url = name->type == GEN_URI ? url_of(name->d.uniformResourceIdentifier) : NULL;
        if (url != NULL)
            g_string_append_printf(addresses, "%s%s", count++ > 0 ? " " : "", url);
    }
    return count > 0 ? g_strdup(addresses->str) : NULL;
}

/* Takes points. */
static char **lists_of(CRL_DIST_POINTS *points)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (int i = 0; i < MIN(sk_DIST_POINT_num(points), POINTS_MAX); i++) {
        g_autofree char *addresses = addresses_of(sk_DIST_POINT_value(points, i));
        if (addresses != NULL)
            g_strv_builder_add(builder, addresses);
    }
    CRL_DIST_POINTS_free(points);
    ERR_clear_error();
    return g_strv_builder_end(builder);
}

char **points_of_lists(const X509 *certificate)
{
    return lists_of(X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL));
}

char **points_of_deltas(const X509 *certificate)
{
    return lists_of(X509_get_ext_d2i(certificate, NID_freshest_crl, NULL, NULL));
}

char **points_of_deltas_in(const X509_CRL *list)
{
    return lists_of(X509_CRL_get_ext_d2i(list, NID_freshest_crl, NULL, NULL));
}

/* NULL-terminated: the addresses of this access method (RFC 5280 §4.2.2.1). */
static char **accesses_of(const X509 *certificate, int method)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    AUTHORITY_INFO_ACCESS *accesses = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
    unsigned count = 0;
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(accesses) && count < ADDRESSES_MAX; i++) {
        const ACCESS_DESCRIPTION *access = sk_ACCESS_DESCRIPTION_value(accesses, i);
        if (OBJ_obj2nid(access->method) != method || access->location->type != GEN_URI)
            continue;
        const char *url = url_of(access->location->d.uniformResourceIdentifier);
        if (url != NULL) {
            g_strv_builder_add(builder, url);
            count++;
        }
    }
    AUTHORITY_INFO_ACCESS_free(accesses);
    ERR_clear_error();
    return g_strv_builder_end(builder);
}

char **points_of_responders(const X509 *certificate)
{
    return accesses_of(certificate, NID_ad_OCSP);
}

char **points_of_issuers(const X509 *certificate)
{
    return accesses_of(certificate, NID_ad_ca_issuers);
}

bool points_are_named(const X509 *certificate)
{
    g_auto(GStrv) responders = points_of_responders(certificate);
    return responders[0] != NULL || X509_get_ext_by_NID(certificate, NID_crl_distribution_points, -1) >= 0 ||
           X509_get_ext_by_NID(certificate, NID_freshest_crl, -1) >= 0;
}
