/* SPDX-License-Identifier: Apache-2.0 */
/* memory: what OpenSSL and jansson do not get is counted, in the thread that asked for it. */
#include "base/memory.h"

#include <criterion/criterion.h>
#include <glib.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdint.h>

#define TOO_MUCH (SIZE_MAX / 4)

/* A sanitizer ends the process instead. */
static void skip_under_sanitizers(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("a sanitizer ends the process when memory is lacking");
#endif
}

Test(memory, failures_are_counted)
{
    skip_under_sanitizers();
    unsigned before = memory_failures();
    void *small = OPENSSL_malloc(10);
    cr_expect_not_null(small);
    cr_expect_eq(memory_failures(), before, "what was had is no failure");
    cr_expect_null(OPENSSL_malloc(TOO_MUCH));
    cr_expect_eq(memory_failures(), before + 1);
    cr_expect_null(OPENSSL_realloc(small, TOO_MUCH));
    cr_expect_eq(memory_failures(), before + 2);
    cr_expect_null(json_stringn_nocheck("", TOO_MUCH));
    cr_expect_eq(memory_failures(), before + 3);
    OPENSSL_free(small);
}

Test(memory, nothing_is_no_failure)
{
    unsigned before = memory_failures();
    OPENSSL_free(OPENSSL_malloc(0));
    void *small = OPENSSL_malloc(10);
    small = OPENSSL_realloc(small, 0);
    cr_expect_null(small);
    cr_expect_eq(memory_failures(), before);
}

static gpointer ask_for_too_much(gpointer count)
{
    cr_expect_null(OPENSSL_malloc(TOO_MUCH));
    *(unsigned *)count = memory_failures();
    return NULL;
}

Test(memory, each_thread_has_its_own_count)
{
    skip_under_sanitizers();
    unsigned before = memory_failures(), others = 0;
    g_thread_join(g_thread_new("other", ask_for_too_much, &others));
    cr_expect_eq(others, 1);
    cr_expect_eq(memory_failures(), before);
}
