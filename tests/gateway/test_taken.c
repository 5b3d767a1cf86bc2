/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one gateway makes of a message, another takes: with the signature good, and with the same content. The messages
 * are the tests' own, the seeds of the fuzzers, and those that others wrote, where they are present.
 */
#include "support/leaves.h"
#include "support/rig.h"

#include <string.h>

#define ACCEPT "inbound = { require = \"none\"; otherwise = \"tag\"; };"

static const struct {
    const char *policy;
    bool signs, encrypts;
} treatments[] = {
    {"outbound = { protect = \"sign\"; }; null_signature = false;", true, false},
    {"outbound = { protect = \"sign\"; };", true, false},
    {"outbound = { protect = \"sign\"; }; format = \"opaque\";", true, false},
    {"outbound = { protect = \"encrypt\"; };", false, true},
    {"outbound = { protect = \"sign+encrypt\"; }; cipher = \"aes-128-cbc\"; null_signature = false;", true, true},
    {"outbound = { protect = \"triple\"; };", true, true},
    {"outbound = { protect = \"sign\"; header_protection = \"sign\"; }; null_signature = false;", true, false},
    {"outbound = { protect = \"sign+encrypt\"; header_protection = \"baseline\"; };", true, true},
    {"outbound = { protect = \"encrypt\"; header_protection = \"sign\"; };", false, true},
};

static bool is_originators(const struct field *field)
{
    return slice_equal_nocase(field->name, "From") || slice_equal_nocase(field->name, "Sender");
}

/* The same message from Alice. */
static GString *from_alice(const struct org *org, const char *bytes, size_t length)
{
    owned(message) struct message *message = rig_message(org, bytes, length);
    const struct fields *fields = message_fields(message);
    const struct slice header = message_header(message), body = message_body(message);
    GString *text = g_string_new("From: Alice <alice@acme.test>\r\n");
    const char *at = header.data, *end = header.data + header.len;
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->list[i];
        const char *stop = field->value.data + field->value.len, *lf = memchr(stop, '\n', (size_t)(end - stop));
        stop = lf != NULL ? lf + 1 : end;
        g_string_append_len(text, at, (is_originators(field) ? field->name.data : stop) - at);
        at = stop;
    }
    g_string_append_len(text, at, end - at);
    g_string_append(text, "\r\n");
    g_string_append_len(text, body.data, (gssize)body.len);
    if (!g_str_has_suffix(text->str, "\r\n")) /* as SMTP has it */
        g_string_append(text, "\r\n");
    return text;
}

static char *leaves_of(const struct org *org, const char *bytes, size_t length, bool loosely)
{
    owned(message) struct message *message = rig_message(org, bytes, length);
    return leaves(message_header(message), message_body(message), loosely, &gateway_conf(org->gateway)->limits);
}

static void expect_same(const struct rig *rig, const GString *text, const struct sent *in, const char *what, size_t t)
{
    owned(message) struct message *message = rig_message(&rig->acme, text->str, text->len);
    unsigned certainty =
        leaves_certainty(message_header(message), message_body(message), &gateway_conf(rig->acme.gateway)->limits);
    if (certainty == 0)
        return;
    g_autofree char *before = leaves_of(&rig->acme, text->str, text->len, certainty < 2);
    g_autofree char *after = leaves_of(&rig->partner, in->bytes, in->length, certainty < 2);
    cr_expect_str_eq(after, before, "%s, %zu: before %s after %s in %s", what, t, before, after, in->bytes);
}

/* Each reader sees the same header: no line in it ends it for some of them. */
static void expect_plain_header(const struct org *org, const struct sent *sent, const char *what)
{
    owned(message) struct message *message = rig_message(org, sent->bytes, sent->length);
    const struct fields *fields = message_fields(message);
    cr_expect_eq(fields->junk.len, 0, "%s: %.*s", what, (int)fields->junk.len, fields->junk.data);
    for (size_t i = 0; i < fields->count; i++)
        cr_expect(field_is_plain(&fields->list[i]), "%s: %.*s", what, (int)fields->list[i].name.len,
                  fields->list[i].name.data);
}

static size_t layers_of(const struct made *made)
{
    return (size_t)made->null_layer + made->treatment.sign + made->treatment.encrypt + made->treatment.triple;
}

/* False: the first gateway refuses it, or has nothing to do. */
static bool is_taken(const struct rig *rig, size_t t, const GString *text, const char *what)
{
    AUTO_SENT struct sent out =
        rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                 &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", "192.0.2.1"}, text->str,
                 text->len);
    if (rig_verdict(&out) != VERDICT_ACCEPT || edits_are_empty(&out.result->made.edits))
        return false;
    expect_plain_header(&rig->acme, &out, what);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    const struct judgement *judgement = &in.result->plan.judgement;
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s, %zu: %s", what, t, rig_reason(&in));
    cr_expect_eq(judgement->domain.outcome == OUTCOME_PASS, treatments[t].signs, "%s, %zu: %s", what, t,
                 judgement->domain.reason);
    cr_expect_eq(judgement->decrypted, treatments[t].encrypts, "%s, %zu: %s", what, t, judgement->undecryptable_reason);
    expect_plain_header(&rig->partner, &in, what);
    bool kept =
        memmem(in.bytes, in.length, "\nContent-Type: text/rfc822-headers", 34) != NULL; /* of several Subjects */
    if (in.result->made.removed == layers_of(&out.result->made) && !kept) /* or layers of the sender's came off, too */
        expect_same(rig, text, &in, what, t);
    return true;
}

static struct rig *rigs[G_N_ELEMENTS(treatments)];

static void open_rigs(void)
{
    for (size_t t = 0; t < G_N_ELEMENTS(treatments); t++)
        rigs[t] = rig_new(treatments[t].policy, ACCEPT);
}

static void close_rigs(void)
{
    for (size_t t = 0; t < G_N_ELEMENTS(treatments); t++)
        rig_free(rigs[t]);
}

TestSuite(taken, .init = open_rigs, .fini = close_rigs);

/* How many of the treatments it got. */
static unsigned take(const char *bytes, size_t length, const char *what)
{
    unsigned taken = 0;
    struct error error = {0};
    struct fields fields;
    const struct limits *limits = &gateway_conf(rigs[0]->acme.gateway)->limits;
    if (length > limits->message_size || !fields_parse((struct slice){bytes, length}, limits, &fields, &error))
        return 0;
    fields_clear(&fields);
    g_autoptr(GString) text = from_alice(&rigs[0]->acme, bytes, length);
    for (size_t t = 0; t < G_N_ELEMENTS(treatments); t++)
        taken += is_taken(rigs[t], t, text, what);
    return taken;
}

/* What some readers of a header see and others do not. */
static const char *const odd[] = {
    "Subject: a\r\n \r\n b\r\nContent-Type: text/plain\r\n\r\nx\r\n",
    "Subject: a\r\n\t\r\nX:\r\n \r\n\r\nx\r\n",
    "Content-Type: text/plain;\r\n \r\n charset=utf-8\r\n \r\nContent-Language:\r\n \r\n de\r\n\r\nb\xc3\xbcro\r\n",
    "Content-Type : text/plain\r\nContent-Transfer-Encoding\t: 8bit\r\nSubject : a\r\n\r\nb\xc3\xbcro\r\n",
    "Content-Type: multipart/mixed;\r\n \r\n boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "Subject: a\rX: b\r\nY: c\nZ: d\r\n\r\nx\r\n",
    "no field\r\n folded\r\nSubject: a\r\n>From b\r\n\r\nx\r\n",
};

Test(taken, odd_headers)
{
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autofree char *what = g_strdup_printf("odd %zu", i);
        cr_expect_eq(take(odd[i], strlen(odd[i]), what), G_N_ELEMENTS(treatments), "%s", what);
    }
}

static unsigned take_folder(const char *folder, const char *ending)
{
    unsigned taken = 0;
    const char *name;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *bytes = NULL;
        gsize length = 0;
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            taken += take_folder(path, ending);
        else if (g_str_has_suffix(name, ending) && g_file_get_contents(path, &bytes, &length, NULL))
            taken += take(bytes, length, name);
    }
    return taken;
}

static char *tests_folder(const char *name)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    return g_build_filename(tests != NULL ? tests : "tests", name, NULL);
}

Test(taken, seeds)
{
    static const char *const folders[] = {"fuzz/seeds/message", "fuzz/seeds/mime", "fuzz/seeds/layers"};
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = tests_folder(folders[i]);
        cr_expect_gt(take_folder(folder, ""), 0, "%s", folders[i]);
    }
}

Test(taken, corpora, .timeout = 300)
{
    char *folder = tests_folder("../../shared/corpora");
    bool is_there = g_file_test(folder, G_FILE_TEST_IS_DIR);
    if (is_there)
        cr_expect_gt(take_folder(folder, ".eml"), 0);
    g_free(folder);
    if (!is_there)
        cr_skip_test("needs ../shared/corpora");
}
