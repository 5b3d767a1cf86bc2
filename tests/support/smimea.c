/* SPDX-License-Identifier: Apache-2.0 */
#include "support/smimea.h"

#include <openssl/evp.h>

GBytes *smimea_rdata(unsigned usage, unsigned selector, unsigned matching, const X509 *certificate)
{
    unsigned char *der = NULL, digest[64],
                  head[] = {(unsigned char)usage, (unsigned char)selector, (unsigned char)matching};
    unsigned size = 0;
    int length =
        selector == 0 ? i2d_X509((X509 *)certificate, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    g_assert_true(length > 0);
    GByteArray *bytes = g_byte_array_append(g_byte_array_new(), head, sizeof(head));
    if (matching == 1 || matching == 2) {
        g_assert_true(
            EVP_Digest(der, (size_t)length, digest, &size, matching == 1 ? EVP_sha256() : EVP_sha512(), NULL));
        g_byte_array_append(bytes, digest, size);
    } else {
        g_byte_array_append(bytes, der, (guint)length);
    }
    OPENSSL_free(der);
    return g_byte_array_free_to_bytes(bytes);
}

GBytes *cert_rdata(const X509 *certificate)
{
    static const unsigned char head[] = {0, 1, 0, 0, 0};
    unsigned char *der = NULL;
    int length = i2d_X509((X509 *)certificate, &der);
    GByteArray *bytes = g_byte_array_append(g_byte_array_new(), head, sizeof(head));
    g_byte_array_append(bytes, der, (guint)length);
    OPENSSL_free(der);
    return g_byte_array_free_to_bytes(bytes);
}

char *smimea_line(const char *owner, unsigned type, GBytes *rdata)
{
    gsize length = 0;
    const unsigned char *data = g_bytes_get_data(rdata, &length);
    GString *line = g_string_new(NULL);
    g_string_printf(line, "%s TYPE%u \\# %zu ", owner, type, length);
    for (gsize i = 0; i < length; i++)
        g_string_append_printf(line, "%02x", data[i]);
    g_string_append_c(line, '\n');
    g_bytes_unref(rdata);
    return g_string_free(line, FALSE);
}

char *smimea_owner(const char *local)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, local, -1);
    return g_strdup_printf("%.56s._smimecert", digest);
}
