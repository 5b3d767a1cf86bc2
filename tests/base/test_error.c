/* SPDX-License-Identifier: Apache-2.0 */
/* error: texts are printable, whole and never cut inside a character; OpenSSL's root cause is named. */
#include "base/error.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *input;
    size_t length;
    const char *expected;
} printable[] = {
    {BYTES(""), ""},
    {BYTES("plain text ~"), "plain text ~"},
    {BYTES("tab\tnl\r\n"), "tab\\x09nl\\x0D\\x0A"},
    {BYTES("nul\0after"), "nul\\x00after"},
    {BYTES("del\x7f"), "del\\x7F"},
    {BYTES("esc\x1b[31m"), "esc\\x1B[31m"},
    {BYTES("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f"},
    {BYTES("\xf0\x9f\x93\xa7"), "\xf0\x9f\x93\xa7"},
    {BYTES("latin1 \xfc."), "latin1 \\xFC."},
    {BYTES("cut \xf0\x9f\x93"), "cut \\xF0\\x9F\\x93"},
    {BYTES("overlong \xc0\xaf"), "overlong \\xC0\\xAF"},
    {BYTES("surrogate \xed\xa0\x80"), "surrogate \\xED\\xA0\\x80"},
    {BYTES("c1 \xc2\x9b"), "c1 \\xC2\\x9B"},
    {BYTES("line\xe2\x80\xa8separator"), "line\\xE2\\x80\\xA8separator"},
    {BYTES("rtl \xe2\x80\xae"), "rtl \\xE2\\x80\\xAE"},
    {BYTES("back\\slash \\x0A"), "back\\slash \\x0A"},
};

Test(error, printable_table)
{
    for (size_t i = 0; i < sizeof(printable) / sizeof(*printable); i++) {
        char out[128], again[128];
        text_printable(out, sizeof(out), printable[i].input, printable[i].length);
        cr_expect_str_eq(out, printable[i].expected, "row %zu: %s", i, out);
        text_printable(again, sizeof(again), out, strlen(out));
        cr_expect_str_eq(again, out, "row %zu changes when shown twice", i);
    }
}

Test(error, printable_cuts_between_characters)
{
    char out[8];
    memset(out, 'x', sizeof(out));
    text_printable(out, 5, BYTES("abc\xc3\xbc"));
    cr_expect_str_eq(out, "abc");
    text_printable(out, 6, BYTES("abc\xc3\xbc"));
    cr_expect_str_eq(out, "abc\xc3\xbc");
    text_printable(out, 5, BYTES("a\n"));
    cr_expect_str_eq(out, "a");
    text_printable(out, 1, BYTES("a"));
    cr_expect_str_eq(out, "");
    out[0] = 'q';
    text_printable(out, 0, BYTES("a"));
    cr_expect(out[0] == 'q');
}

Test(error, set_returns_false_and_fills)
{
    struct error error = {0};
    cr_expect(!error_set(&error, ERROR_PERMANENT, "from %s: %d", "a\r\nb", 7));
    cr_expect(error.kind == ERROR_PERMANENT);
    cr_expect_str_eq(error.text, "from a\\x0D\\x0Ab: 7");
}

Test(error, a_failure_without_kind_is_a_bug)
{
    struct error error = {0};
    error_set(&error, ERROR_NONE, "x");
    cr_expect(error.kind == ERROR_BUG);
}

Test(error, long_text_is_cut)
{
    struct error error = {0};
    char longer[4000];
    memset(longer, '\n', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    error_set(&error, ERROR_TEMPORARY, "%s", longer);
    cr_expect(strlen(error.text) == (sizeof(error.text) - 1) / 4 * 4);
}

Test(error, text_may_be_its_own_argument)
{
    struct error error = {0};
    error_set(&error, ERROR_TEMPORARY, "inner");
    error_set(&error, ERROR_TEMPORARY, "outer: %s", error.text);
    cr_expect_str_eq(error.text, "outer: inner");
}

Test(error, prefix)
{
    struct error error = {0};
    error_set(&error, ERROR_CONFIGURATION, "no such file");
    cr_expect(!error_prefix(&error, "key %s", "a\nb"));
    cr_expect(error.kind == ERROR_CONFIGURATION);
    cr_expect_str_eq(error.text, "key a\\x0Ab: no such file");
}

/* OpenSSL's own words, which change between its versions. */
static const char *bad_signature(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    return ERR_reason_error_string(ERR_PACK(ERR_LIB_RSA, 0, RSA_R_BAD_SIGNATURE));
}

Test(error, openssl_names_the_oldest_and_clears)
{
    struct error error = {0};
    g_autofree char *expected = g_strconcat("verify: ", bad_signature(), NULL);
    ERR_clear_error();
    ERR_raise(ERR_LIB_RSA, RSA_R_BAD_SIGNATURE);
    ERR_raise(ERR_LIB_RSA, RSA_R_DATA_TOO_LARGE);
    cr_expect(!error_set_openssl(&error, ERROR_PERMANENT, "verify"));
    cr_expect_str_eq(error.text, expected);
    cr_expect(error.kind == ERROR_PERMANENT);
    cr_expect(ERR_peek_error() == 0);
}

/* Wherever in the queue it is: what comes first is what a lack of memory looked like to whoever met it. */
Test(error, openssl_lack_of_memory_is_temporary)
{
    struct error error = {0};
    ERR_clear_error();
    ERR_raise(ERR_LIB_RSA, RSA_R_BAD_SIGNATURE);
    ERR_raise(ERR_LIB_X509, ERR_R_MALLOC_FAILURE);
    ERR_raise(ERR_LIB_RSA, RSA_R_DATA_TOO_LARGE);
    error_set_openssl(&error, ERROR_PERMANENT, "parse");
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    cr_expect(ERR_peek_error() == 0);
    ERR_raise(ERR_LIB_SYS, ENOMEM);
    error_set_openssl(&error, ERROR_PERMANENT, "open");
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    ERR_raise(ERR_LIB_SYS, ENOENT);
    error_set_openssl(&error, ERROR_PERMANENT, "open");
    cr_expect_eq(error.kind, ERROR_PERMANENT);
}

Test(error, openssl_with_data_and_system_errors)
{
    struct error error = {0};
    g_autofree char *expected = g_strconcat("verify: ", bad_signature(), " (part\\x0A3)", NULL);
    ERR_raise_data(ERR_LIB_RSA, RSA_R_BAD_SIGNATURE, "part\n%d", 3);
    error_set_openssl(&error, ERROR_PERMANENT, "verify");
    cr_expect_str_eq(error.text, expected);
    ERR_raise(ERR_LIB_SYS, 2);
    error_set_openssl(&error, ERROR_TEMPORARY, "open");
    cr_expect_str_eq(error.text, "open: No such file or directory");
    error_set_openssl(&error, ERROR_TEMPORARY, "nothing queued");
    cr_expect_str_eq(error.text, "nothing queued");
}

/* What a stranger may read. */
Test(error, foreign_words_are_not_said)
{
    struct error error = {0};
    cr_expect_not(error_set(&error, ERROR_PERMANENT, "own %d", 1));
    cr_expect_str_eq(error.said, "own 1");
    cr_expect_not(error_set_foreign(&error, ERROR_TEMPORARY, "/etc/x: denied\n", "directory %d", 2));
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    cr_expect_str_eq(error.text, "directory 2: /etc/x: denied\\x0A");
    cr_expect_str_eq(error.said, "directory 2");
    error_prefix(&error, "lookup of %s", "bob");
    cr_expect_str_eq(error.text, "lookup of bob: directory 2: /etc/x: denied\\x0A");
    cr_expect_str_eq(error.said, "lookup of bob: directory 2");
    ERR_raise(ERR_LIB_RSA, RSA_R_BAD_SIGNATURE);
    error_set_openssl(&error, ERROR_PERMANENT, "verify");
    cr_expect_str_neq(error.text, "verify");
    cr_expect_str_eq(error.said, "verify");
}
