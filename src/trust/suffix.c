/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suffix: where the ascent to a parent domain ends (public suffix list, as built into libpsl; a top-level domain that
 * it does not know is a suffix too). "com" and "co.uk" have many owners below them and stand for none of them. They are
 * a registry's; the suffixes of the list's private part, such as "github.io", are somebody's domain as well.
 */
#include "trust/trust.h"

#include <libpsl.h>

bool trust_is_registrable(const char *domain)
{
    const psl_ctx_t *suffixes = psl_builtin();
    return domain != NULL && domain[0] != '\0' && domain[0] != '[' && suffixes != NULL &&
           !psl_is_public_suffix(suffixes, domain);
}

bool trust_has_owner(const char *domain)
{
    const psl_ctx_t *suffixes = psl_builtin();
    return domain != NULL && domain[0] != '\0' && suffixes != NULL &&
           !psl_is_public_suffix2(suffixes, domain, PSL_TYPE_ICANN);
}
