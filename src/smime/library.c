/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library: what the OpenSSL that runs here lacks for our work, by its version. We do not mend it; the administrator
 * should know. Distributions mend more in a version than its number tells, so only what was tried stands here.
 */
#include "smime_private.h"

#include <openssl/crypto.h>

static const struct {
    unsigned major, minor, patch; /* versions of this branch before this one */
    const char *lacks;
} rows[] = {
    /* RFC 5083 §2.1: it reads authAttrs and unauthAttrs under other tags. CVE-2026-34182, CVE-2026-63072. */
    {3, 0, 22,
     "it cannot decrypt messages of some software (AuthEnvelopedData with attributes), and has flaws in CMS; upgrade "
     "to 3.0.22"},
    {3, 5, 8, "it cannot decrypt messages of some software (AuthEnvelopedData with attributes)"},
};

const char *library_lacks(unsigned major, unsigned minor, unsigned patch)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].major == major && rows[i].minor == minor && patch < rows[i].patch)
            return rows[i].lacks;
    return NULL;
}

char *smime_library_warning(void)
{
    const char *lacks = library_lacks(OPENSSL_version_major(), OPENSSL_version_minor(), OPENSSL_version_patch());
    return lacks != NULL ? g_strdup_printf("OpenSSL %s: %s", OpenSSL_version(OPENSSL_VERSION_STRING), lacks) : NULL;
}
