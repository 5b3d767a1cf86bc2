/* SPDX-License-Identifier: Apache-2.0 */
/* edits: told back as a milter would send them, applied as an MTA would apply them. */
#include "mail/edits.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

static const struct limits limits = {
    .message_size = 10 << 20, .memory = 1 << 20, .spool_dir = "/tmp", .header_size = 1 << 20, .header_count = 5000};

static void initialise(void)
{
    mime_init();
}
TestSuite(edits, .init = initialise);

static struct message *message_of(const char *text)
{
    struct error error = {0};
    int ends[2];
    cr_assert(pipe(ends) == 0);
    cr_assert(write(ends[1], text, strlen(text)) == (ssize_t)strlen(text));
    close(ends[1]);
    struct message *message = message_read(ends[0], &limits, &error);
    close(ends[0]);
    cr_assert(message != NULL, "%s", error.text);
    return message;
}

static void set_entity(struct edits *edits, const struct message *message, const char *header, const char *body)
{
    struct entity entity = {rope_new(), rope_new()};
    rope_copy(entity.header, slice_of(header));
    rope_copy(entity.body, slice_of(body));
    edits_replace_entity(edits, message, &entity);
    cr_expect(entity.body == NULL, "the body is given away");
    entity_clear(&entity);
}

/* "-name[index]" deletion, "~name[index]=value" change, "^name=value" insertion, "+name=value" appending. */
static char *told(const struct edits *edits)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[i];
        switch (edit->kind) {
        case EDIT_DELETE:
            g_string_append_printf(text, "-%s[%u];", edit->name, edit->index);
            cr_expect(edit->value == NULL);
            break;
        case EDIT_CHANGE:
            g_string_append_printf(text, "~%s[%u]=%s;", edit->name, edit->index, edit->value);
            break;
        case EDIT_INSERT:
            g_string_append_printf(text, "^%s=%s;", edit->name, edit->value);
            break;
        case EDIT_APPEND:
            g_string_append_printf(text, "+%s=%s;", edit->name, edit->value);
            break;
        }
    }
    return g_string_free(text, FALSE);
}

static void expect_applied(const struct edits *edits, const struct message *message, const char *expected, size_t row)
{
    owned(rope) struct rope *rope = edits_apply(edits, message);
    g_autofree char *flat = rope_flatten(rope, NULL);
    cr_expect_str_eq(flat, expected, "row %zu: %s", row, flat);
}

static const struct {
    const char *message;
    const char *header, *body; /* of the entity; NULL: none */
    const char *insert;        /* value of an X-Top field; NULL: none */
    const char *delete;        /* "name index name index …" */
    const char *told;
    const char *applied;
} table[] = {
    /* nothing: byte for byte */
    {"From x\nA: b\n\nbody\n", NULL, NULL, NULL, NULL, "", "From x\nA: b\n\nbody\n"},
    {"A: b\r\nC: d", NULL, NULL, NULL, NULL, "", "A: b\r\nC: d"},
    {"junk\r\n\r\nx", NULL, NULL, NULL, NULL, "", "junk\r\n\r\nx"},
    /* one insertion; the mbox line goes, as the message is a changed one */
    {"A: b\r\n\r\nbody", NULL, NULL, " v", NULL, "^X-Top= v;", "X-Top: v\r\nA: b\r\n\r\nbody"},
    {"From x\nA: b\n c\n\nbody\n", NULL, NULL, " v", NULL, "^X-Top= v;", "X-Top: v\nA: b\n c\n\nbody\n"},
    {"A: b\r\nC: d", NULL, NULL, " v", NULL, "^X-Top= v;", "X-Top: v\r\nA: b\r\nC: d\r\n\r\n"},
    {"A: b\n\na\r\nb\n", NULL, NULL, " v", NULL, "^X-Top= v;", "X-Top: v\nA: b\n\na\r\nb\n"},
    {"A: b\r\n\r\nbody", NULL, NULL, " v\n\tw", NULL, "^X-Top= v\r\n\tw;", "X-Top: v\r\n\tw\r\nA: b\r\n\r\nbody"},
    {"A: b\n\nbody", NULL, NULL, " v\r\n\tw", NULL, "^X-Top= v\r\n\tw;", "X-Top: v\n\tw\nA: b\n\nbody"},
    {"A: b\r\n\r\nbody", NULL, NULL, " v\r\nBcc: x", NULL, "^X-Top= v\r\n Bcc: x;",
     "X-Top: v\r\n Bcc: x\r\nA: b\r\n\r\nbody"},
    {"X-Top: o\r\n\r\nx", NULL, NULL, " v", NULL, "^X-Top= v;", "X-Top: v\r\nX-Top: o\r\n\r\nx"},
    /* what is no field does not become a continuation of ours */
    {" smime=pass\r\nA: b\r\n\r\nx", NULL, NULL, " v", NULL, "^X-Top= v;",
     "X-Top: v\r\nX-Malformed-Line:  smime=pass\r\nA: b\r\n\r\nx"},
    {"A: b\r\njunk\r\n folded\r\n \r\nC: d\r\n\r\nx", NULL, NULL, " v", NULL, "^X-Top= v;",
     "X-Top: v\r\nA: b\r\nX-Malformed-Line: junk\r\n folded\r\nC: d\r\n\r\nx"},
    {"A: b\n>From x\njunk\n\tfolded\n\nx", NULL, NULL, " v", NULL, "^X-Top= v;",
     "X-Top: v\nA: b\nX-Malformed-Line: >From x\nX-Malformed-Line: junk\n\tfolded\n\nx"},
    {"A: b\r\njunk\r\r\nC: d\r\n\r\nx", NULL, NULL, " v", NULL, "^X-Top= v;",
     "X-Top: v\r\nA: b\r\nX-Malformed-Line: junk\r\nC: d\r\n\r\nx"},
    {"A: b\r\n\r\r\nC: d\r\n\r\nx", NULL, NULL, " v", NULL, "^X-Top= v;",
     "X-Top: v\r\nA: b\r\nX-Malformed-Line: \r\nC: d\r\n\r\nx"},
    {"A: b\r\njunk", NULL, NULL, " v", NULL, "^X-Top= v;", "X-Top: v\r\nA: b\r\nX-Malformed-Line: junk\r\n\r\n"},
    /* a line of blanks only does not end the header for some reader */
    {"A: b\r\n \r\n c\r\nD: e\r\n\t\r\nD:\r\n \r\n\r\nx", NULL, NULL, " v", NULL,
     "~A[1]= b\r\n c;~D[1]= e;~D[2]=;^X-Top= v;", "X-Top: v\r\nA: b\r\n c\r\nD: e\r\nD:\r\n\r\nx"},
    {"A: b\n \n c\n\nx", NULL, NULL, NULL, NULL, "", "A: b\n \n c\n\nx"},
    {"A: b\r\n \r\n c\r\nA: d\r\n \r\n\r\nx", NULL, NULL, NULL, "A 1", "~A[2]= d;-A[1];", "A: d\r\n\r\nx"},
    {"A: b\r\n\r\nx", NULL, NULL, " v\n \n w", NULL, "^X-Top= v\r\n w;", "X-Top: v\r\n w\r\nA: b\r\n\r\nx"},
    /* a name that only begins like another is another */
    {"Content-Types: a\r\nMIME-Version: 1.0\r\n\r\nx", "Content-Type: b\r\n", "y", NULL, NULL,
     "-Content-Types[1];+Content-Type= b;", "MIME-Version: 1.0\r\nContent-Type: b\r\n\r\ny"},
    /* deletions, from the highest index down, each once */
    {"A: 1\r\nB: 1\r\na: 2\r\nA: 3\r\n\r\nx", NULL, NULL, NULL, "A 1 A 3 a 1 B 1", "-A[3];-A[1];-B[1];",
     "a: 2\r\n\r\nx"},
    {"A: 1\r\n\r\nx", NULL, NULL, NULL, "A 2 C 1", "-A[2];-C[1];", "A: 1\r\n\r\nx"},
    {"A: 1\r\nB: 2\r\n\r\nx", NULL, NULL, " v", "a 1", "-a[1];^X-Top= v;", "X-Top: v\r\nB: 2\r\n\r\nx"},
    {"A : 1\r\nA: 2\r\n\r\nx", NULL, NULL, NULL, "A 1", "-A[1];", "A: 2\r\n\r\nx"},
    /* an entity */
    {"A: b\r\n\r\nold", "Content-Type: text/plain\r\n", "new", NULL, NULL,
     "+MIME-Version= 1.0;+Content-Type= text/plain;",
     "A: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nnew"},
    {"mime-version: 1.0 (x)\r\ncontent-type: a/b\r\nS: x\r\n\r\nold", "Content-Type: c/d\r\n", "new", NULL, NULL,
     "~content-type[1]= c/d;", "mime-version: 1.0 (x)\r\ncontent-type: c/d\r\nS: x\r\n\r\nnew"},
    {"MIME-Version: 1.0\r\nContent-Type: a/b\r\n\r\nold", "Content-Type: a/b\r\n", "new", NULL, NULL, "",
     "MIME-Version: 1.0\r\nContent-Type: a/b\r\n\r\nnew"},
    {"MIME-Version: 1.0\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: 8bit\r\nContent-ID: <x>\r\n\r\nold",
     "Content-Type: a/b;\r\n c=d\r\nContent-ID: <x>\r\n", "new", NULL, NULL,
     "~Content-Type[1]= a/b;\r\n c=d;-Content-Transfer-Encoding[1];",
     "MIME-Version: 1.0\r\nContent-Type: a/b;\r\n c=d\r\nContent-ID: <x>\r\n\r\nnew"},
    {"MIME-Version: 1.0\r\nContent-Type: a/b\r\nCONTENT-TYPE: c/d\r\nContent-Type: e/f\r\n\r\nold",
     "Content-Type: g/h\r\n", "new", NULL, NULL, "~Content-Type[1]= g/h;-Content-Type[3];-CONTENT-TYPE[2];",
     "MIME-Version: 1.0\r\nContent-Type: g/h\r\n\r\nnew"},
    {"MIME-Version: 1.0\r\nContent-Type: a/b\r\n\r\nold", "", "", NULL, NULL, "-Content-Type[1];",
     "MIME-Version: 1.0\r\n\r\n"},
    /* an ambiguous entity stays as ambiguous as it was */
    {"MIME-Version: 1.0\r\nContent-Type: a/b\r\n\r\nold", "Content-Type: c/d\r\nContent-Type: e/f\r\n", "n", NULL, NULL,
     "~Content-Type[1]= c/d;+Content-Type= e/f;",
     "MIME-Version: 1.0\r\nContent-Type: c/d\r\nContent-Type: e/f\r\n\r\nn"},
    /* only MIME fields come out of an entity */
    {"MIME-Version: 1.0\r\nFrom: a\r\n\r\nold", "From: evil\r\nContent: x\r\nMIME-Version: 2\r\nContent-Type: a/b\r\n",
     "new", NULL, NULL, "+Content-Type= a/b;", "MIME-Version: 1.0\r\nFrom: a\r\nContent-Type: a/b\r\n\r\nnew"},
    {"MIME-Version: 1.0\r\n\r\nold", "Content-Type: a/b\n\tc\r\n", "new", NULL, NULL, "+Content-Type= a/b\r\n\tc;",
     "MIME-Version: 1.0\r\nContent-Type: a/b\r\n\tc\r\n\r\nnew"},
    /* all at once, in the order of sending */
    {"X: 1\r\nContent-Type: a/b\r\nContent-Language: de\r\nX: 2\r\nContent-Type: c/d\r\n\r\nold",
     "Content-Type: e/f\r\nContent-Description: g\r\n", "new", " v", "X 2",
     "~Content-Type[1]= e/f;-X[2];-Content-Type[2];-Content-Language[1];^X-Top= v;+MIME-Version= 1.0;"
     "+Content-Description= g;",
     "X-Top: v\r\nX: 1\r\nContent-Type: e/f\r\nMIME-Version: 1.0\r\nContent-Description: g\r\n\r\nnew"},
    /* a Unix message has LF again, also what was added */
    {"From x\nA: b\nContent-Type: a/b\n\nold\n", "Content-Type: c/d;\r\n e=f\r\n", "new\r\nlines\rx\r\r\n", " v", NULL,
     "~Content-Type[1]= c/d;\r\n e=f;^X-Top= v;+MIME-Version= 1.0;",
     "X-Top: v\nA: b\nContent-Type: c/d;\n e=f\nMIME-Version: 1.0\n\nnew\nlines\rx\r\n"},
};

static void finish(struct edits *edits, const struct message *message)
{
    struct error error = {0};
    cr_assert(edits_finish(edits, message, &error), "%s", error.text);
}

static void fill(struct edits *edits, const struct message *message, size_t row)
{
    if (table[row].delete != NULL) {
        g_auto(GStrv) words = g_strsplit(table[row].delete, " ", -1);
        for (size_t i = 0; words[i] != NULL; i += 2)
            edits_delete(edits, words[i], (unsigned)atoi(words[i + 1]));
    }
    if (table[row].header != NULL)
        set_entity(edits, message, table[row].header, table[row].body);
    if (table[row].insert != NULL)
        edits_insert(edits, "X-Top", table[row].insert);
    finish(edits, message);
}

Test(edits, table)
{
    for (size_t row = 0; row < G_N_ELEMENTS(table); row++) {
        struct edits edits = {0};
        owned(message) struct message *message = message_of(table[row].message);
        fill(&edits, message, row);
        g_autofree char *text = told(&edits);
        cr_expect_str_eq(text, table[row].told, "row %zu: %s", row, text);
        cr_expect((edits.body != NULL) == (table[row].header != NULL), "row %zu", row);
        cr_expect(edits_are_empty(&edits) == (table[row].told[0] == '\0' && table[row].header == NULL));
        expect_applied(&edits, message, table[row].applied, row);
        expect_applied(&edits, message, table[row].applied, row);
        edits_clear(&edits);
        cr_expect(edits_are_empty(&edits) && edits.list == NULL);
    }
}

/* Applies one by one what is told, as an MTA does: indexes count in the header as it is by then. */
static char *as_mta(const struct edits *edits, const struct message *message)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    const struct fields *fields = message_fields(message);
    for (size_t i = 0; i < fields->count; i++) {
        g_ptr_array_add(names, g_strndup(fields->list[i].name.data, fields->list[i].name.len));
        g_ptr_array_add(values, g_strndup(fields->list[i].value.data, fields->list[i].value.len));
    }
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[i];
        if (edit->kind == EDIT_INSERT || edit->kind == EDIT_APPEND) {
            gint at = edit->kind == EDIT_INSERT ? 0 : -1;
            g_ptr_array_insert(names, at, g_strdup(edit->name));
            g_ptr_array_insert(values, at, g_strdup(edit->value));
            continue;
        }
        unsigned seen = 0;
        for (guint n = 0; n < names->len; n++) {
            if (g_ascii_strcasecmp(names->pdata[n], edit->name) != 0 || ++seen != edit->index)
                continue;
            if (edit->kind == EDIT_CHANGE) {
                g_free(values->pdata[n]);
                values->pdata[n] = g_strdup(edit->value);
            } else {
                g_ptr_array_remove_index(names, n);
                g_ptr_array_remove_index(values, n);
            }
            break;
        }
    }
    GString *text = g_string_new(NULL);
    for (guint n = 0; n < names->len; n++)
        g_string_append_printf(text, "%s:%s\r\n", (char *)names->pdata[n], (char *)values->pdata[n]);
    return g_string_free(text, FALSE);
}

/* The command line and the daemon must not differ. */
Test(edits, an_mta_comes_to_the_same_header)
{
    unsigned compared = 0;
    for (size_t row = 0; row < G_N_ELEMENTS(table); row++) {
        struct edits edits = {0};
        owned(message) struct message *message = message_of(table[row].message);
        fill(&edits, message, row);
        bool odd_name = strstr(table[row].message, " :") != NULL;
        bool malformed = message_fields(message)->junk.data != NULL; /* an MTA gives no such line */
        if (!message_is_unix(message) && edits.count > 0 && !odd_name && !malformed) {
            g_autofree char *header = as_mta(&edits, message);
            cr_expect(g_str_has_prefix(table[row].applied, header), "row %zu: %s", row, header);
            compared++;
        }
        edits_clear(&edits);
    }
    cr_expect(compared > 10);
}

Test(edits, a_later_insertion_is_above)
{
    struct edits edits = {0};
    owned(message) struct message *message = message_of("A: b\r\n\r\n");
    edits_insert(&edits, "X", " 1");
    edits_insert(&edits, "X", " 2");
    edits_insert(&edits, "X", " 3");
    finish(&edits, message);
    expect_applied(&edits, message, "X: 3\r\nX: 2\r\nX: 1\r\nA: b\r\n\r\n", 0);
    edits_clear(&edits);
}

Test(edits, set)
{
    static const struct {
        const char *message, *told, *applied;
    } rows[] = {
        {"Received: a\r\nSUBJECT: b\r\nTo: c\r\n\r\n", "~SUBJECT[1]= [x]\r\n y;^A= r;",
         "A: r\r\nReceived: a\r\nSUBJECT: [x]\r\n y\r\nTo: c\r\n\r\n"},
        {"Subject: b\r\nTo: c\r\nsubject: d\r\nSubject:\r\n\r\n",
         "~Subject[1]= [x]\r\n y;-Subject[3];-Subject[2];^A= r;", "A: r\r\nSubject: [x]\r\n y\r\nTo: c\r\n\r\n"},
        {"To: c\r\n\r\n", "^A= r;+Subject= [x]\r\n y;", "A: r\r\nTo: c\r\nSubject: [x]\r\n y\r\n\r\n"},
    };
    for (size_t row = 0; row < G_N_ELEMENTS(rows); row++) {
        struct edits edits = {0};
        owned(message) struct message *message = message_of(rows[row].message);
        edits_insert(&edits, "A", " r");
        edits_set(&edits, message, "Subject", " [x]\n y");
        finish(&edits, message);
        g_autofree char *text = told(&edits), *header = as_mta(&edits, message);
        cr_expect_str_eq(text, rows[row].told, "row %zu: %s", row, text);
        cr_expect(g_str_has_prefix(rows[row].applied, header), "row %zu: %s", row, header);
        expect_applied(&edits, message, rows[row].applied, row);
        edits_clear(&edits);
    }
}

Test(edits, what_is_changed_is_not_deleted)
{
    struct edits edits = {0};
    owned(message) struct message *message = message_of("Content-Type: a/b\r\nMIME-Version: 1.0\r\n\r\nx");
    edits_delete(&edits, "content-type", 1);
    set_entity(&edits, message, "Content-Type: c/d\r\n", "y");
    finish(&edits, message);
    g_autofree char *text = told(&edits);
    cr_expect_str_eq(text, "~Content-Type[1]= c/d;");
    expect_applied(&edits, message, "Content-Type: c/d\r\nMIME-Version: 1.0\r\n\r\ny", 0);
    edits_clear(&edits);
}

/* What was inside comes out: its fields as edited behind those that are kept of the outer header. */
Test(edits, moved)
{
    static const struct {
        const char *body, *expected; /* body NULL: that of inner */
    } rows[] = {{NULL, "inner"}, {"new", "new"}};
    for (size_t row = 0; row < G_N_ELEMENTS(rows); row++) {
        struct edits edits = {0};
        owned(message) struct message *inner = message_of("X: 1\r\nSubject: in\r\nX: 2\r\nX: 3\r\n\r\ninner");
        owned(message) struct message *outer = message_of("Subject: out\r\nReceived: r\r\nX: o\r\nx: p\r\n\r\nouter");
        const bool kept[] = {false, true, false, true};
        if (row == 1) /* in another order */
            edits_set(&edits, inner, "First", " f");
        edits_insert(&edits, "X-Top", " t");
        edits_insert(&edits, "X-Top", " u");
        if (row == 0)
            edits_set(&edits, inner, "First", " f");
        edits_set(&edits, inner, "Last", " l");
        edits_change(&edits, "X", 2, " a\nb");
        edits_delete(&edits, "X", 3);
        if (rows[row].body != NULL) {
            edits.body = rope_new();
            rope_copy(edits.body, slice_of(rows[row].body));
        }
        edits_move(&edits, inner, outer, kept);
        finish(&edits, outer);
        g_autofree char *text = told(&edits);
        g_autofree char *expected = g_strconcat("Received: r\r\nx: p\r\nX-Top: u\r\nX-Top: t\r\nX: 1\r\nSubject: in\r\n"
                                                "X: a\r\n b\r\nFirst: f\r\nLast: l\r\n\r\n",
                                                rows[row].expected, NULL);
        cr_expect_str_eq(text,
                         "-Subject[1];-X[1];+X-Top= u;+X-Top= t;+X= 1;+Subject= in;+X= a\r\n b;+First= f;+Last= l;");
        expect_applied(&edits, outer, expected, row);
        edits_clear(&edits);
    }
}

/* What is no edit any more is not appended, wherever its memory is. */
Test(edits, moved_without_what_is_behind_the_list)
{
    struct edits edits = {0};
    owned(message) struct message *inner = message_of("A: b\r\n\r\ninner");
    owned(message) struct message *outer = message_of("C: d\r\n\r\nouter");
    const bool kept[] = {true};
    for (int i = 0; i < 4; i++)
        edits_set(&edits, inner, "X", " x");
    struct edit gone = edits.list[--edits.count];
    edits_move(&edits, inner, outer, kept);
    g_autofree char *text = told(&edits);
    cr_expect_str_eq(text, "+A= b;+X= x;+X= x;+X= x;", "%s", text);
    edits_clear(&edits);
    g_free(gone.name);
    g_free(gone.value);
}

/* The header of an entity may own what its body borrows. */
Test(edits, the_body_outlives_the_header_rope)
{
    struct edits edits = {0};
    owned(message) struct message *message = message_of("A: b\r\n\r\nx");
    struct entity entity = {rope_new(), rope_new()};
    char *text = g_strdup("kept by the header");
    rope_own(entity.header, text, g_free);
    rope_borrow(entity.body, slice_of(text));
    edits_replace_entity(&edits, message, &entity);
    entity_clear(&entity);
    finish(&edits, message);
    expect_applied(&edits, message, "A: b\r\nMIME-Version: 1.0\r\n\r\nkept by the header", 0);
    edits_clear(&edits);
}

Test(edits, milter_message_with_a_repeated_name)
{
    struct edits edits = {0};
    struct error error = {0};
    owned(message) struct message *message = message_new(&limits);
    cr_assert(message_add_field(message, "Authentication-Results", " ours; smime=pass", &error));
    cr_assert(message_add_field(message, "X:odd", " 1", &error));
    cr_assert(message_add_field(message, "AUTHENTICATION-RESULTS", " theirs", &error));
    cr_assert(message_add_field(message, "authentication-results", " ours", &error));
    cr_assert(message_add_body(message, "x", 1, &error));
    cr_assert(message_finish(message, &error));
    edits_delete(&edits, "Authentication-Results", 1);
    edits_delete(&edits, "Authentication-Results", 3);
    edits_insert(&edits, "Authentication-Results", " gw; smime=fail");
    finish(&edits, message);
    g_autofree char *text = told(&edits);
    cr_expect_str_eq(text, "-Authentication-Results[3];-Authentication-Results[1];"
                           "^Authentication-Results= gw; smime=fail;");
    expect_applied(&edits, message,
                   "Authentication-Results: gw; smime=fail\r\nX:odd: 1\r\nAUTHENTICATION-RESULTS: theirs\r\n\r\nx", 0);
    edits_clear(&edits);
}

/* A hostile header of thousands of fields to delete. */
Test(edits, many, .timeout = 10)
{
    struct edits edits = {0};
    struct error error = {0};
    owned(message) struct message *message = message_new(&limits);
    for (unsigned i = 0; i < 5000; i++) {
        cr_assert(message_add_field(message, "Content-X", " x", &error));
        edits_delete(&edits, "Content-X", i + 1);
    }
    cr_assert(message_finish(message, &error));
    set_entity(&edits, message, "", "body");
    finish(&edits, message);
    cr_expect(edits.count == 5001);
    cr_expect(edits.list[0].index == 5000);
    expect_applied(&edits, message, "MIME-Version: 1.0\r\n\r\nbody", 0);
    edits_clear(&edits);
}

/* A slice of the new body may end anywhere: between CR and LF, or behind a CR that stands for itself. */
Test(edits, slices_of_a_unix_body)
{
    static const struct {
        const char *slices[3], *expected;
    } rows[] = {
        {{"a\r\nb"}, "a\nb"},         {{"a\r", "\nb"}, "a\nb"},     {{"a\r", "b\r\n"}, "a\rb\n"},
        {{"a", "\r", "\nb"}, "a\nb"}, {{"a\r", "\r\nb"}, "a\r\nb"}, {{"a\r", "\r", "b"}, "a\r\rb"},
        {{"a\rb\r"}, "a\rb\r"},       {{"a\r", "\r"}, "a\r\r"},     {{"\r", "\r", "\n"}, "\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct edits edits = {0};
        owned(message) struct message *message = message_of("A: b\n\nold\n");
        struct entity entity = {rope_new(), rope_new()};
        for (size_t j = 0; j < 3 && rows[i].slices[j] != NULL; j++)
            rope_borrow(entity.body, slice_of(rows[i].slices[j]));
        edits_replace_entity(&edits, message, &entity);
        entity_clear(&entity);
        finish(&edits, message);
        g_autofree char *expected = g_strconcat("A: b\nMIME-Version: 1.0\n\n", rows[i].expected, NULL);
        expect_applied(&edits, message, expected, (int)i);
        edits_clear(&edits);
    }
}

Test(edits, large_unix_body)
{
    struct edits edits = {0};
    owned(message) struct message *message = message_of("A: b\n\nold\n");
    g_autoptr(GString) crlf = g_string_new(NULL);
    g_autoptr(GString) expected = g_string_new("A: b\nMIME-Version: 1.0\n\n");
    for (unsigned i = 0; i < 50000; i++) {
        g_string_append_printf(crlf, "%u\r\n", i);
        g_string_append_printf(expected, "%u\n", i);
    }
    /* Slices end anywhere, also between CR and LF. */
    struct entity entity = {rope_new(), rope_new()};
    for (size_t at = 0; at < crlf->len; at += 7)
        rope_borrow(entity.body, (struct slice){crlf->str + at, MIN(7, crlf->len - at)});
    edits_replace_entity(&edits, message, &entity);
    entity_clear(&entity);
    finish(&edits, message);
    expect_applied(&edits, message, expected->str, 0);
    edits_clear(&edits);
}

/* What libmilter would refuse, and what an MTA would therefore defer for ever. */
Test(edits, what_is_too_large_for_a_milter)
{
    for (size_t length = EDIT_MAX - 1; length <= EDIT_MAX + 1; length++) {
        struct edits edits = {0};
        struct error error = {0};
        owned(message) struct message *message = message_of("A: b\r\n\r\nx");
        g_autofree char *value = g_strnfill(length - 1, 'x');
        edits_insert(&edits, "X", value);
        cr_expect_eq(edits_fit(&edits, &error), length <= EDIT_MAX);
        cr_expect_eq(edits_finish(&edits, message, &error), length <= EDIT_MAX);
        cr_expect_eq(error.kind, length <= EDIT_MAX ? ERROR_NONE : ERROR_TOO_LARGE);
        cr_expect_eq(edits_are_empty(&edits), length > EDIT_MAX);
        edits_clear(&edits);
        g_autofree char *name = g_strnfill(length, 'x');
        edits_insert(&edits, "X", " x");
        edits_delete(&edits, name, 1);
        cr_expect_eq(edits_fit(&edits, &error), length <= EDIT_MAX);
        edits_clear(&edits);
    }
}

/* --- edits that change nothing --- */

static const struct {
    const char *message;
    size_t pad;
    const char *told;
    const char *applied; /* NULL: the message */
} neutral[] = {
    {"A: b\r\n\r\nbody", 0, "", NULL},
    {"A: b\r\n\r\nbody", 2, "-Content-Type[2];-Content-Type[1];", NULL},
    {"Content-Type: a/b;\r\n\tc=d\r\nContent-ID:<x>\r\n\r\nbody", 0,
     "~Content-Type[1]= a/b;\r\n\tc=d;~Content-ID[1]=<x>;", NULL},
    {"Content-Type: a\r\ncontent-type: b\r\n\r\nbody", 3, "~Content-Type[1]= a;~content-type[2]= b;-Content-Type[5];",
     NULL},
    /* what would mean a deletion */
    {"Content-A:\r\nContent-B: \r\nContent-Type: a\r\n\r\nbody", 5,
     "~Content-Type[1]= a;-Content-Type[6];-Content-Type[5];-Content-Type[4];-Content-Type[3];", NULL},
    /* what is made plain anyway */
    {"Content-C: x\ry\r\nContent-D: d\r\n\r\nbody", 0, "~Content-C[1]= x y;~Content-D[1]= d;",
     "Content-C: x y\r\nContent-D: d\r\n\r\nbody"},
    {"Content-Type: a/b\nContent-ID: <x>\n\nbody\n", 0, "~Content-Type[1]= a/b;~Content-ID[1]= <x>;", NULL},
    {"Content-X:x \r\n\r\nbody", 0, "~Content-X[1]=x ;", NULL},
};

Test(edits, replaced_by_itself)
{
    for (size_t row = 0; row < G_N_ELEMENTS(neutral); row++) {
        struct edits edits = {0};
        struct error error = {0};
        owned(message) struct message *message = message_of(neutral[row].message);
        edits_replace_by_itself(&edits, message);
        edits_pad(&edits, message, neutral[row].pad);
        cr_expect(edits_finish(&edits, message, &error));
        g_autofree char *text = told(&edits);
        cr_expect_str_eq(text, neutral[row].told, "row %zu: %s", row, text);
        cr_expect_not_null(edits.body);
        const char *applied = neutral[row].applied != NULL ? neutral[row].applied : neutral[row].message;
        expect_applied(&edits, message, applied, row);
        edits_clear(&edits);
    }
}

Test(edits, a_long_field_is_not_replaced)
{
    for (size_t length = 4095; length <= 4097; length++) {
        struct edits edits = {0};
        g_autofree char *value = g_strnfill(length, 'x');
        g_autofree char *text = g_strconcat("Content-Type:", value, "\r\n\r\nbody", NULL);
        owned(message) struct message *message = message_of(text);
        edits_replace_by_itself(&edits, message);
        cr_assert_eq(edits.count, 1);
        cr_expect_eq(edits.list[0].kind, length <= 4096 ? EDIT_CHANGE : EDIT_DELETE, "%zu", length);
        expect_applied(&edits, message, text, length);
        edits_clear(&edits);
    }
}
