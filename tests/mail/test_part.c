/* SPDX-License-Identifier: Apache-2.0 */
#include "support/mime_help.h"

#include <time.h>

TestSuite(part, .init = mime_init);

#define MIXED(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\r\n\r\n"
#define PLAIN "Content-Type: text/plain\r\n\r\n"

struct row {
    const char *name, *message, *tree, *fault; /* fault: a piece of the text of any part, NULL: no part has one */
};

static const struct row rows[] = {
    {"nothing", "", "text/plain{}", NULL},
    {"no Content-Type", "Subject: x\r\n\r\nhello\r\n", "text/plain{hello$~}", NULL},
    {"empty header", "\r\nhello", "text/plain{hello}", NULL},
    {"type in capitals", "Content-Type: TEXT/Html\r\n\r\nx", "text/html{x}", NULL},
    {"parameter", "Content-Type: text/plain; charset=utf-8\r\n\r\nx", "text/plain{x}", NULL},
    {"odd parameter, no structure", "Content-Type: text/plain; name=a b.txt\r\n\r\nx", "text/plain{x}", NULL},
    {"unterminated, no structure", "Content-Type: text/plain; name=\"a\r\n\r\nx", "text/plain{x}", NULL},
    {"comment in the type", "Content-Type: text/(x)plain (y)\r\n\r\nx", "text/plain{x}", NULL},
    {"folded", "Content-Type:\r\n text/plain;\r\n\tcharset=x\r\n\r\nx", "text/plain{x}", NULL},
    {"no slash", "Content-Type: text\r\n\r\nx", "!{x}", "malformed"},
    {"empty value", "Content-Type:\r\n\r\nx", "!{x}", "malformed"},
    {"the same type twice", "Content-Type: text/plain\r\nContent-type:  text/plain \r\n\r\nx", "text/plain{x}"},
    {"the same encoding three times",
     "Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx",
     "text/plain{x}"},
    {"two of three encodings",
     "Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx",
     NULL, "two Content-Transfer"},
    {"a parameter twice", "Content-Type: application/pkcs7-mime; name=\"x y\"; NAME=\"x y\"\r\n\r\nx",
     "application/pkcs7-mime{x}"},
    {"with two values", "Content-Type: application/pkcs7-mime; name=x; name=y\r\n\r\nx", NULL, "repeats"},
    {"in two forms", "Content-Type: application/pkcs7-mime; name=x; name*=x\r\n\r\nx", NULL, "repeats"},
    {"a boundary twice", MIXED("b; boundary=b") "--b\r\n\r\nx\r\n--b--", NULL, "repeats"},
    {"a value without quotes",
     "Content-Type: application/pkcs7-mime; name=my file/x.p7m; smime-type=signed-data\r\n\r\nx",
     "application/pkcs7-mime{x}"},
    {"… that could hide another parameter", "Content-Type: application/pkcs7-mime; name=x y=z\r\n\r\nx", NULL,
     "malformed"},
    {"… of a boundary", MIXED("b c") "--b c\r\n\r\nx\r\n--b c--", NULL, "malformed"},
    {"two types", "Content-Type: text/plain\r\nContent-type: text/html\r\n\r\nx", "text/plain!{x}", "two Content-Type"},
    {"two encodings", "Content-Transfer-Encoding: 7bit\r\ncontent-transfer-encoding: base64\r\n\r\nx", "text/plain!{x}",
     "two Content-Transfer"},
    {"odd encoding", "Content-Transfer-Encoding: base64 x\r\n\r\nx", "text/plain!{x}",
     "Transfer-Encoding is malformed"},
    {"unknown encoding", "Content-Transfer-Encoding: x-uuencode\r\n\r\nx", "text/plain{x}", NULL},
    {"space before colon", "Content-Type : text/html\r\n\r\nx", "text/html!{x}", "white space after the name"},
    {"header junk", "Content-Type: text/html\r\njunk\r\n\r\nx", "text/html!{x}", "not a field"},
    {"bare LF in header", "A: b\nContent-Type: text/html\r\n\r\nx", "text/html!{x}", "bare line feed"},
    {"bare CR in header", "A: b\rContent-Type: text/html\r\n\r\nx", "text/plain!{x}", "bare carriage"},
    {"blank fold", "Content-Type: text/html\r\n \r\n\r\nx", "text/html!{x}", "white space only"},

    {"one part", MIXED("b") "--b\r\n" PLAIN "a\r\n--b--\r\n", "multipart/mixed[text/plain{a}]", NULL},
    {"two parts, preamble, epilogue", MIXED("b") "pre\r\n--b\r\n\r\na\r\n\r\n--b\r\n" PLAIN "b\r\n--b--\r\nepi\r\n",
     "multipart/mixed[text/plain{a$~}|text/plain{b}]", NULL},
    {"quoted boundary", MIXED("\"b c\"") "--b c\r\n\r\na\r\n--b c--", "multipart/mixed[text/plain{a}]", NULL},
    {"transport padding", MIXED("b") "--b \t\r\n\r\na\r\n--b--  \r\n", "multipart/mixed[text/plain{a}]", NULL},
    {"empty part", MIXED("b") "--b\r\n\r\n--b--", "multipart/mixed[text/plain{}]", NULL},
    {"empty body", MIXED("b") "--b\r\n" PLAIN "\r\n--b--", "multipart/mixed[text/plain{}]", NULL},
    {"header only", MIXED("b") "--b\r\n" PLAIN "--b--", "multipart/mixed[text/plain{}]", NULL},
    {"header without empty line", MIXED("b") "--b\r\nContent-Type: text/html\r\n--b--", "multipart/mixed[text/html!{}]",
     "no empty line"},
    {"text without header", MIXED("b") "--b\r\njust text\r\n--b--", "multipart/mixed[text/plain!{just text}]",
     "no empty line"},
    {"digest", "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n--b--",
     "multipart/digest[message/rfc822{A: b}]", NULL},
    {"nested", MIXED("ab") "--ab\r\n" MIXED("cd") "--cd\r\n\r\nx\r\n--cd--\r\n--ab\r\n\r\ny\r\n--ab--",
     "multipart/mixed[multipart/mixed[text/plain{x}]|text/plain{y}]", NULL},
    {"message is a leaf",
     MIXED("b") "--b\r\nContent-Type: message/rfc822\r\n\r\n" MIXED("c") "--c\r\n\r\nx\r\n--c--\r\n--b--",
     "multipart/mixed[message/rfc822{Content-Type: multipart/mixed; boundary=c$~$~--c$~$~x$~--c--}]", NULL},
    {"dashes in content", MIXED("b") "--b\r\n\r\n-- \r\n--\r\nx--b\r\n--b--",
     "multipart/mixed[text/plain{-- $~--$~x--b}]", NULL},

    {"no boundary", "Content-Type: multipart/mixed\r\n\r\n--b\r\n", "multipart/mixed!{--b$~}", "no boundary"},
    {"empty boundary", MIXED("\"\"") "--\r\n\r\nx\r\n----", "multipart/mixed!{--$~$~x$~----}", "no boundary"},
    {"unterminated quote", MIXED("\"b") "--b\r\n\r\na\r\n--b--", NULL, "malformed"},
    {"unquoted specials", MIXED("a=b") "--a=b\r\n\r\nx\r\n--a=b--", "multipart/mixed![text/plain{x}]", "malformed"},
    {"two boundaries", MIXED("a; boundary=b") "--b\r\n\r\nx\r\n--b--", NULL, "repeats"},
    {"same boundary twice", MIXED("a; boundary=a") "--a\r\n\r\nx\r\n--a--", "multipart/mixed![text/plain{x}]",
     "repeats"},
    {"two protocols", MIXED("a; protocol=x; Protocol=y") "--a\r\n\r\nx\r\n--a--", "multipart/mixed![text/plain{x}]",
     "repeats"},
    {"RFC 2231 boundary", "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n\r\nx\r\n--ab--",
     "multipart/mixed![text/plain{x}]", "RFC 2231"},
    {"RFC 2231 beside plain", MIXED("a; boundary*=us-ascii''b") "--a\r\n\r\nx\r\n--a--", NULL, "repeats"},
    {"RFC 2231 sections of another", MIXED("a; name*0=x; name*1=y") "--a\r\n\r\nx\r\n--a--",
     "multipart/mixed[text/plain{x}]", NULL},
    {"line end in the boundary", "Content-Type: multipart/mixed; boundary*=us-ascii''b%0D%0Ac\r\n\r\n--b\r\nc\r\n",
     "multipart/mixed!{--b$~c$~}", "RFC 2231"},
    {"encoded-word boundary", MIXED("\"=?us-ascii?q?=61?=\"") "--a\r\n\r\nx\r\n--a--", NULL, "two ways"},
    {"comment before the boundary", MIXED("(x)b") "--b\r\n\r\na\r\n--b--", NULL, "two ways"},
    {"quoted pair in the boundary", MIXED("\"\\b\"") "--b\r\n\r\na\r\n--b--", NULL, "two ways"},
    {"comment after the boundary", MIXED("b (y)") "--b\r\n\r\na\r\n--b--", NULL, "two ways"},
    {"no semicolon", "Content-Type: multipart/mixed boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--", NULL, "malformed"},
    {"long boundary",
     MIXED("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg1") "--"
                                                                                      "aaaaaaaaaabbbbbbbbbbccccccccccdd"
                                                                                      "ddddddddeeeeeeeeeeffffffffffgggg"
                                                                                      "gggggg1\r\n\r\nx\r\n"
                                                                                      "--"
                                                                                      "aaaaaaaaaabbbbbbbbbbccccccccccdd"
                                                                                      "ddddddddeeeeeeeeeeffffffffffgggg"
                                                                                      "gggggg1--",
     "multipart/mixed![text/plain{x}]", "too long"},
    {"space at the boundary's end", MIXED("\"b \"") "--b \r\n\r\nx\r\n--b --", NULL, "ends in a space"},
    {"8-bit boundary", MIXED("\"b\xc3\xa9\"") "--b\xc3\xa9\r\n\r\nx\r\n--b\xc3\xa9--", NULL, "not allowed"},
    {"encoded multipart", "Content-Transfer-Encoding: base64\r\n" MIXED("b") "--b\r\n\r\nx\r\n--b--",
     "multipart/mixed![text/plain{x}]", "transfer encoding"},

    {"not closed", MIXED("b") "--b\r\n\r\nx\r\n", "multipart/mixed![text/plain{x$~}]", "closing delimiter is missing"},
    {"cut in a delimiter", MIXED("b") "--b\r\n\r\nx\r\n--b", "multipart/mixed![text/plain{x}|text/plain{}]",
     "closing delimiter is missing"},
    {"does not occur", MIXED("b") "x\r\n", "multipart/mixed!{x$~}", "does not occur"},
    {"empty", MIXED("b"), "multipart/mixed!{}", "does not occur"},
    {"closed at once", MIXED("b") "--b--\r\n", "multipart/mixed!{--b--$~}", "comes first"},
    {"goes on after the end", MIXED("b") "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--",
     "multipart/mixed![text/plain{x}]", "continues after"},
    {"no part between", MIXED("b") "--b\r\n--b\r\n\r\nx\r\n--b--", "multipart/mixed![text/plain{}|text/plain{x}]",
     "no part between"},
    {"same boundary inside", MIXED("b") "--b\r\n" MIXED("b") "--b\r\n\r\nx\r\n--b--\r\n--b--", NULL, "begins like"},
    {"inner is a prefix", MIXED("bc") "--bc\r\n" MIXED("b") "--b\r\n\r\nx\r\n--b--\r\n--bc--",
     "multipart/mixed[multipart/mixed![text/plain{x}]]", "begins like"},
    {"outer is a prefix", MIXED("b") "--b\r\n" MIXED("bc") "--bc\r\n\r\nx\r\n--bc--\r\n--b--",
     "multipart/mixed![multipart/mixed![text/plain{x}]]", "take for delimiters"},
    {"line begins like the boundary", MIXED("b") "--b\r\n\r\nx\r\n--bX\r\ny\r\n--b--",
     "multipart/mixed![text/plain{x$~--bX$~y}]", "some parsers"},
    {"delimiter with LF", MIXED("b") "--b\r\n\r\nx\r\n--b\ny\r\n--b--", "multipart/mixed![text/plain{x$~--b~y}]",
     "some parsers"},
    {"delimiter after LF", MIXED("b") "--b\r\n\r\nx\n--b\r\ny\r\n--b--", "multipart/mixed![text/plain{x~--b$~y}]",
     "some parsers"},
    {"delimiter after CR", MIXED("b") "--b\r\n\r\nx\r--b\r\ny\r\n--b--", "multipart/mixed![text/plain{x$--b$~y}]",
     "some parsers"},
    {"close with LF", MIXED("b") "--b\r\n\r\nx\n--b--\n", "multipart/mixed![text/plain{x~--b--~}]",
     "closing delimiter is missing"},
    {"outer delimiter inside an inner part",
     MIXED("o") "--o\r\n" MIXED("i") "--i\r\n\r\nx\r\n--o\r\n\r\ny\r\n--i--\r\n--o--",
     "multipart/mixed[multipart/mixed![text/plain{x}]|text/plain{y$~--i--}]", "closing delimiter is missing"},
};

static const char *any_fault(const struct part *part, const char *wanted)
{
    const char *found = part->fault;
    if (found != NULL && (wanted == NULL || strstr(found, wanted) != NULL))
        return found;
    for (size_t i = 0; i < part->child_count; i++) {
        const char *inner = any_fault(&part->children[i], wanted);
        if (inner != NULL)
            return inner;
    }
    return NULL;
}

Test(part, trees)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct row *row = &rows[i];
        owned(part) struct part *part = help_parse(row->message, strlen(row->message));
        g_autoptr(GString) tree = g_string_new(NULL);
        help_describe(part, tree);
        if (row->tree != NULL)
            cr_expect_str_eq(tree->str, row->tree, "%s: %s", row->name, tree->str);
        if (row->fault == NULL) {
            cr_expect_null(any_fault(part, NULL), "%s: %s", row->name, any_fault(part, NULL));
        } else {
            cr_expect_not_null(any_fault(part, row->fault), "%s: not that fault, but %s", row->name,
                               any_fault(part, NULL));
        }
    }
}

Test(part, numbers_and_offsets)
{
    const char *message =
        MIXED("ab") "pre\r\n--ab\r\n" MIXED("cd") "--cd\r\n\r\nx\r\n--cd\r\n\r\nz\r\n--cd--\r\n--ab\r\n" PLAIN
                                                  "y\r\n\r\n--ab--\r\nepi";
    owned(part) struct part *part = help_parse(message, strlen(message));
    cr_assert_str_eq(part->id, "");
    cr_assert_str_eq(part->children[0].id, "1");
    cr_assert_str_eq(part->children[0].children[1].id, "1.2");
    cr_assert_str_eq(part->children[1].id, "2");
    cr_assert(slice_equal(part->children[1].whole, slice_of(PLAIN "y\r\n")));
    cr_assert(slice_equal(part->children[1].header, slice_of("Content-Type: text/plain\r\n")));
    cr_assert(slice_equal(part->preamble, slice_of("pre")));
    cr_assert(slice_equal(part->epilogue, slice_of("epi")));
    cr_assert_eq(part->whole.data, message);

    owned(part) struct part *single = help_parse(PLAIN "x", strlen(PLAIN "x"));
    cr_assert_str_eq(single->id, "1");
}

Test(part, header_and_body_apart)
{
    struct error error = {0};
    owned(part) struct part *part =
        part_parse(slice_of("Content-Type: text/html"), slice_of("x"), &help_limits, &error);
    cr_assert_str_eq(part->type, "text/html");
    cr_assert_null(part->whole.data);
    owned(part) struct part *empty = part_parse(SLICE_NONE, SLICE_NONE, &help_limits, &error);
    cr_assert_str_eq(empty->type, "text/plain");
}

Test(part, parameters)
{
    const char *message = "Content-Type: application/x; Name*=utf-8''%C3%A9.p7m; a=\"b \\\" c\"; d=e\r\n\r\n";
    owned(part) struct part *part = help_parse(message, strlen(message));
    cr_assert_str_eq(part_parameter(part, "name"), "\xc3\xa9.p7m");
    cr_assert_str_eq(part_parameter(part, "a"), "b \" c");
    cr_assert_str_eq(part_parameter(part, "d"), "e");
    cr_assert_null(part_parameter(part, "none"));
}

Test(part, header_with_nul)
{
    static const char message[] = "Content-Type: multipart/mixed\0; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--";
    owned(part) struct part *part = help_parse(message, sizeof(message) - 1);
    cr_assert_not_null(part->fault);
    static const char hidden[] = "Content-Type: text/plain\r\nX: \0\r\n\r\nx";
    owned(part) struct part *other = help_parse(hidden, sizeof(hidden) - 1);
    cr_assert_not_null(other->fault);
}

static bool is_refused(GString *message)
{
    struct error error = {0};
    owned(part) struct part *part = part_parse_entity((struct slice){message->str, message->len}, &help_limits, &error);
    if (part == NULL)
        cr_expect_eq(error.kind, ERROR_PERMANENT, "%s", error.text);
    return part == NULL;
}

static GString *nested(unsigned depth)
{
    GString *message = g_string_new(NULL);
    for (unsigned i = 0; i < depth; i++)
        g_string_append_printf(message, "Content-Type: multipart/mixed; boundary=\"x%uy\"\r\n\r\n--x%uy\r\n", i, i);
    g_string_append(message, "\r\ntext");
    for (unsigned i = depth; i-- > 0;)
        g_string_append_printf(message, "\r\n--x%uy--", i);
    return message;
}

Test(part, nesting_limit)
{
    g_autoptr(GString) allowed = nested(20);
    g_autoptr(GString) deep = nested(21);
    g_autoptr(GString) bomb = nested(20000);
    cr_assert_not(is_refused(allowed));
    cr_assert(is_refused(deep));
    cr_assert(is_refused(bomb));
}

static GString *wide(unsigned parts)
{
    GString *message = g_string_new(MIXED("b"));
    for (unsigned i = 0; i < parts; i++)
        g_string_append(message, "--b\r\n\r\nx\r\n");
    g_string_append(message, "--b--\r\n");
    return message;
}

Test(part, parts_limit)
{
    g_autoptr(GString) allowed = wide(199); /* and the root */
    g_autoptr(GString) many = wide(200);
    g_autoptr(GString) bomb = wide(500000);
    cr_assert_not(is_refused(allowed));
    cr_assert(is_refused(many));
    cr_assert(is_refused(bomb));
}

Test(part, header_limit)
{
    g_autoptr(GString) message = g_string_new(MIXED("b") "--b\r\n");
    for (int i = 0; i < 501; i++)
        g_string_append(message, "A: b\r\n");
    g_string_append(message, "\r\nx\r\n--b--");
    cr_assert(is_refused(message));
}

/* Each of these took minutes with a search that starts anew for each near hit. */
Test(part, hostile_bodies_take_linear_time, .timeout = 60)
{
    static const struct {
        const char *boundary, *repeated;
    } table[] = {
        {"-", "-"},   {"-", "\r\n---x"}, {"-", "\r"},    {"-", "\n--"},
        {"b", "--b"}, {"b", "\r--b"},    {"b", "--b\r"}, {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "a"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GString) message = g_string_new(NULL);
        g_string_printf(message, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n\r\n",
                        table[i].boundary, table[i].boundary);
        while (message->len < 20 << 20)
            g_string_append(message, table[i].repeated);
        clock_t start = clock();
        is_refused(message);
        cr_expect_lt(clock() - start, 5 * CLOCKS_PER_SEC, "%s", table[i].repeated);
    }
}

/* Values that make GMime compare each parameter with each other one. */
Test(part, hostile_parameters, .timeout = 60)
{
    g_autoptr(GString) message = g_string_new("Content-Type: multipart/mixed");
    for (int i = 0; i < 6000; i++)
        g_string_append_printf(message, ";p%d=x", i);
    g_string_append(message, "\r\n\r\nx");
    owned(part) struct part *part = help_parse(message->str, message->len);
    cr_assert_not_null(part->fault);
    cr_assert_eq(part->child_count, 0);
}

static void check_file(const char *path)
{
    g_autofree char *text = NULL;
    gsize length;
    cr_assert(g_file_get_contents(path, &text, &length, NULL));
    g_autoptr(GString) message = g_string_sized_new(length);
    for (gsize i = 0; i < length; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            g_string_append_c(message, '\r');
        g_string_append_c(message, text[i]);
    }
    owned(part) struct part *part = help_parse(message->str, message->len);
    cr_expect_null(any_fault(part, NULL), "%s: %s", path, any_fault(part, NULL));
}

static void check_folder(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    for (const char *name = NULL; folder != NULL && (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        if (g_file_test(file, G_FILE_TEST_IS_DIR))
            check_folder(file);
        else if (g_str_has_suffix(name, ".eml"))
            check_file(file);
    }
}

/* What others' software wrote has no faults. */
Test(part, corpora)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    char *corpora = g_build_filename(tests != NULL ? tests : "tests", "../../shared/corpora", NULL);
    bool is_there = g_file_test(corpora, G_FILE_TEST_IS_DIR);
    check_folder(corpora);
    g_free(corpora);
    if (!is_there)
        cr_skip_test("needs ../shared/corpora");
}
