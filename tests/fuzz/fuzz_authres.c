/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_authres: any bytes as an Authentication-Results value that arrives, and as the values of one that we write. What
 * we write must be one field, and be recognised as ours.
 */
#include "mail/authres.h"
#include "mail/mime.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready)
        mime_init();
    is_ready = true;

    authres_is_from((struct slice){(const char *)data, size}, "gw.acme.test");
    authres_is_from((struct slice){(const char *)data, size}, "b\xc3\xbc"
                                                              "cher.test");
    /* A name of ours at the beginning of a value, whatever follows, must be found. */
    g_autofree char *claimed = g_malloc(size + 20);
    memcpy(claimed, " gw.acme.test;", 14);
    if (size > 0)
        memcpy(claimed + 14, data, size);
    require(authres_is_from((struct slice){claimed, size + 14}, "gw.acme.test"));

    g_autofree char *value = g_strndup((const char *)data, size);
    const struct authres_result results[] = {
        {.result = "fail", .comment = value, .reason = value, .properties = {{"body.smime-issuer", value}}},
        {.result = value},
    };
    g_autofree char *text = authres_format("gw.acme.test", results, 2);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\r')
            require(p[1] == '\n' && p[2] == '\t');
        else if (*p == '\n')
            require(p > text && p[-1] == '\r');
        else
            require(((unsigned char)*p >= 0x20 && *p != 0x7f) || *p == '\t');
    }
    require(authres_is_from(slice_of(text), "gw.acme.test"));
    return 0;
}
