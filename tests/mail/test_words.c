/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded words as programs read them that are less exact than RFC 2047. */
#include "mail/words.h"

#include <criterion/criterion.h>
#include <glib.h>

enum { EXACT = 1, SOUND = 2 };

Test(words, other_readings)
{
    static const struct {
        const char *text;
        bool begins;
        const char *each, *octets;
        int is;
    } rows[] = {
        {"", false, "", "", EXACT | SOUND},
        {"a =? b", false, "a =? b", "a =? b", EXACT | SOUND},
        {"=?utf-8?q?ab?=", true, "ab", "ab", EXACT | SOUND},
        {"=?utf-8?B?YWI=?=", true, "ab", "ab", EXACT | SOUND},
        {"x =?utf-8?b?YWI=?= y", true, "x ab y", "x ab y", EXACT | SOUND},
        {"=?utf-8?q?ab?= \r\n\t=?utf-8?q?cd?=", true, "abcd", "abcd", EXACT | SOUND},
        {"=?utf-8?q?ab?= x =?utf-8?q?cd?=", true, "ab x cd", "ab x cd", EXACT | SOUND},
        {"=?iso-8859-1?q?=E4?=", true, "\303\244", "\344", EXACT | SOUND},
        /* beside what is no blank */
        {"x=?utf-8?q?ab?=", true, "xab", "xab", SOUND},
        {"=?utf-8?q?ab?=x", true, "abx", "abx", SOUND},
        {"=?utf-8?q?ab?==?utf-8?q?cd?=", true, "abcd", "abcd", SOUND},
        /* with spaces where they must not be */
        {"=?utf-8? \t\r\nq?ab?=", true, "ab", "ab", EXACT | SOUND},
        {"=?utf-8?q\v\f?ab?=", true, "ab", "ab", EXACT | SOUND},
        {"=?utf-8?\v\fB \t?YWI=?=", true, "ab", "ab", EXACT | SOUND},
        /* without an end */
        {"=?utf-8?q?ab", true, "=?utf-8?q?ab", "=?utf-8?q?ab", 0},
        {"=?utf-8?q?ab?", true, "=?utf-8?q?ab?", "=?utf-8?q?ab?", 0},
        {"=?utf-8?q?a?b?=", true, "=?utf-8?q?a?b?=", "=?utf-8?q?a?b?=", 0},
        {"=?utf-8?q?=?utf-8?q?ab?=", true, "=?utf-8?q?ab", "=?utf-8?q?ab", 0},
        /* what is no word */
        {"=?utf-8?x?ab?=", false, "=?utf-8?x?ab?=", "=?utf-8?x?ab?=", EXACT | SOUND},
        {"=?utf-8?qq?ab?=", false, "=?utf-8?qq?ab?=", "=?utf-8?qq?ab?=", EXACT | SOUND},
        {"=?utf-8?q ab?=", false, "=?utf-8?q ab?=", "=?utf-8?q ab?=", EXACT | SOUND},
        {"=?utf-8?", false, "=?utf-8?", "=?utf-8?", EXACT | SOUND},
        {"=?utf-8? ", false, "=?utf-8? ", "=?utf-8? ", EXACT | SOUND},
        {"=?utf-8", false, "=?utf-8", "=?utf-8", EXACT | SOUND},
        /* the one behind it */
        {"=?x =?utf-8?q?ab?=", true, "=?x ab", "=?x ab", EXACT | SOUND},
        {"=?x? =?utf-8?q?ab?=", true, "=?x? ab", "=?x? ab", EXACT | SOUND},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(words_reading) struct words_reading *reading = words_read(rows[i].text);
        cr_expect_eq(words_begin(rows[i].text), rows[i].begins, "row %zu", i);
        cr_expect_str_eq(reading->each->str, rows[i].each, "row %zu", i);
        cr_expect_str_eq(reading->octets->str, rows[i].octets, "row %zu", i);
        cr_expect_eq((reading->is_exact ? EXACT : 0) | (reading->is_sound ? SOUND : 0), rows[i].is, "row %zu: %d %d", i,
                     reading->is_exact, reading->is_sound);
    }
}
