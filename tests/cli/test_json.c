/* SPDX-License-Identifier: Apache-2.0 */
/* --json: one value that a parser takes, in which a program finds what the text shows. */
#include "support/program.h"

#include <jansson.h>

static char *dir;

static void make(void)
{
    dir = folder_new();
    cr_assert_eq(chmod(dir, 0755), 0);
    owned(run) struct run a = run("domsec init --domain acme.test --algorithm p256 --listen local:none '%s/a'", dir);
    owned(run) struct run b = run("domsec init --domain partner.test --algorithm p256 '%s/b'", dir);
    expect_status(a, 0);
    expect_status(b, 0);
    owned(run) struct run copied = run("cp '%s/b/keys/dca.pem' '%s/a/certs/dca.pem'", dir, dir);
    owned(run) struct run anchored = run("cp '%s/b/ca/ca.pem' '%s/a/anchors/partner.pem'", dir, dir);
    expect_status(copied, 0);
    expect_status(anchored, 0);
    folder_write(dir, "a/policy.d/partner.test.conf",
                 "domain = \"partner.test\";\noutbound = { protect = \"sign+encrypt\"; };\n"
                 "certificates = ( \"certs/dca.pem\" ); anchors = ( \"anchors/partner.pem\" );\n");
}

static void drop(void)
{
    folder_remove(dir);
}

TestSuite(json, .init = make, .fini = drop);

static json_t *parse(const struct run *got)
{
    json_error_t error;
    json_t *json = json_loads(got->out, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(json, "%s at line %d of:\n%s", error.text, error.line, got->out);
    return json;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "no text %s", key);
    return text;
}

static void expect_text(const json_t *object, const char *key, const char *wanted)
{
    cr_expect_str_eq(text_of(object, key), wanted, "%s: %s", key, text_of(object, key));
}

/* The same, whatever second each was made in. */
static bool same_certificate(json_t *a, json_t *b)
{
    json_object_del(a, "days_left");
    json_object_del(b, "days_left");
    return json_equal(a, b) == 1;
}

/* One value of a list. */
static const json_t *find(const json_t *list, const char *key, const char *wanted)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (g_strcmp0(json_string_value(json_object_get(json_array_get(list, i), key)), wanted) == 0)
            return json_array_get(list, i);
    cr_assert_fail("no %s %s", key, wanted);
    return NULL;
}

Test(json, cert)
{
    owned(run) struct run imported = run("domsec cert import -c '%s/a/domsec.conf' '%s/b/keys/dca.pem'", dir, dir);
    expect_status(imported, 0);
    owned(run) struct run listed = run("domsec cert list --json -c '%s/a/domsec.conf'", dir);
    expect_status(listed, 0);
    json_t *list = parse(&listed);
    cr_assert_eq(json_array_size(list), 1);
    const json_t *first = json_array_get(list, 0);
    expect_text(json_array_get(json_object_get(first, "addresses"), 0) != NULL ? first : list, "key", "p-256");
    owned(run) struct run shown =
        run("domsec cert show --json -c '%s/a/domsec.conf' %s", dir, text_of(first, "sha256"));
    expect_status(shown, 0);
    json_t *one = parse(&shown);
    cr_expect(same_certificate(one, (json_t *)first), "%s", shown.out);
    json_decref(one);
    json_decref(list);
    owned(run) struct run unknown = run("domsec cert show --json -c '%s/a/domsec.conf' 0123456789", dir);
    expect_status(unknown, 65);
    cr_expect_str_empty(unknown.out);
    owned(run) struct run not_here = run("domsec cert export --json -c '%s/a/domsec.conf' 0123456789", dir);
    expect_status(not_here, 64);
}

Test(json, key_list_and_status)
{
    owned(run) struct run listed = run("domsec key list --json -c '%s/a/domsec.conf'", dir);
    expect_status(listed, 0);
    json_t *list = parse(&listed);
    cr_expect_eq(json_array_size(list), 2);
    const json_t *dca = find(list, "role", "domain-confidentiality-authority");
    g_autofree char *key = g_strdup_printf("file:%s/a/keys/dca.key", dir);
    expect_text(dca, "key_uri", key);
    expect_text(dca, "domain", "acme.test");
    cr_expect(json_is_true(json_object_get(dca, "readable")));
    owned(run) struct run stated = run("domsec status --json -c '%s/a/domsec.conf'", dir);
    expect_status(stated, 1);
    json_t *state = parse(&stated);
    json_t *same = json_object_get(state, "identities");
    cr_assert_eq(json_array_size(same), 2);
    for (size_t i = 0; i < 2; i++)
        cr_expect(same_certificate(json_array_get(same, i), json_array_get(list, i)), "%s", stated.out);
    json_decref(state);
    json_decref(list);
    owned(run) struct run text = run("domsec key list -c '%s/a/domsec.conf'", dir);
    expect_contains(text.out, key);
    g_autofree char *certificate = g_build_filename(dir, "a/keys/dca.pem", NULL);
    cr_assert_eq(unlink(certificate), 0);
    owned(run) struct run gone = run("domsec key list --json -c '%s/a/domsec.conf'", dir);
    json_t *rest = parse(&gone);
    cr_expect(json_is_false(json_object_get(find(rest, "role", "domain-confidentiality-authority"), "readable")));
    json_decref(rest);
}

Test(json, check)
{
    owned(run) struct run good = run("domsec check --json -c '%s/a/domsec.conf'", dir);
    expect_status(good, 0);
    json_t *fine = parse(&good);
    cr_expect(json_is_true(json_object_get(fine, "good")));
    cr_expect_eq(json_integer_value(json_object_get(fine, "identities")), 2);
    cr_expect_eq(json_integer_value(json_object_get(fine, "policies")), 1);
    const json_t *note = find(json_object_get(fine, "faults"), "grade", "note");
    cr_expect(g_str_has_suffix(text_of(note, "file"), "/partner.test.conf"));
    cr_expect_eq(json_integer_value(json_object_get(note, "line")), 2);
    json_decref(fine);
    folder_write(dir, "a/policy.d/partner.test.conf", "domain = \"partner.test\";\nnamin = \"pinned\";\n");
    folder_write(dir, "a/policy.d/odd.txt", "");
    owned(run) struct run bad = run("domsec check --json -c '%s/a/domsec.conf'", dir);
    expect_status(bad, 1);
    json_t *faulty = parse(&bad);
    cr_expect(json_is_false(json_object_get(faulty, "good")));
    const json_t *fault = find(json_object_get(faulty, "faults"), "grade", "fault");
    cr_expect_eq(json_integer_value(json_object_get(fault, "line")), 2);
    expect_contains(text_of(fault, "text"), "naming");
    cr_expect(json_is_null(json_object_get(find(json_object_get(faulty, "faults"), "grade", "warning"), "line")));
    json_decref(faulty);
    owned(run) struct run absent = run("domsec check --json -c '%s/none'", dir);
    expect_status(absent, 1);
    json_t *nothing = parse(&absent);
    cr_expect(json_is_false(json_object_get(nothing, "good")));
    json_decref(nothing);
}

/* A warning makes it bad only where --strict says so. */
Test(json, check_strict)
{
    folder_write(dir, "a/policy.d/odd.txt", "");
    owned(run) struct run lenient = run("domsec check --json -c '%s/a/domsec.conf'", dir);
    owned(run) struct run strict = run("domsec check --strict --json -c '%s/a/domsec.conf'", dir);
    expect_status(lenient, 0);
    expect_status(strict, 1);
    json_t *first = parse(&lenient), *second = parse(&strict);
    cr_expect(json_is_true(json_object_get(first, "good")));
    cr_expect(json_is_false(json_object_get(second, "good")));
    cr_expect(json_equal(json_object_get(first, "faults"), json_object_get(second, "faults")));
    json_decref(first);
    json_decref(second);
}

static json_t *explain(const char *options)
{
    owned(run) struct run got =
        run("domsec explain --json -c '%s/a/domsec.conf' --from alice@acme.test %s", dir, options);
    expect_status(got, 0);
    return parse(&got);
}

Test(json, explain)
{
    json_t *json = explain("--auth \"a\xff\" --to bob@partner.test");
    expect_text(json, "direction", "outbound");
    expect_text(json, "login", "a\\xFF");
    cr_expect_null(json_object_get(json, "client"));
    const json_t *bob = find(json_object_get(json, "recipients"), "recipient", "bob@partner.test");
    expect_text(bob, "rule", "partner.test.conf");
    expect_text(bob, "verdict", "accept");
    cr_expect(json_is_true(json_object_get(bob, "sign")) && json_is_true(json_object_get(bob, "encrypt")));
    const json_t *certificate = json_array_get(json_object_get(bob, "certificates"), 0);
    expect_text(certificate, "source", "file");
    expect_text(certificate, "note", "used");
    cr_expect_eq(strlen(text_of(certificate, "sha256")), 64);
    json_decref(json);
    json_t *two = explain("--to one@elsewhere.test --to two@elsewhere.test");
    cr_expect_eq(json_array_size(json_object_get(two, "recipients")), 2);
    const json_t *second = find(json_object_get(two, "recipients"), "recipient", "two@elsewhere.test");
    cr_expect(json_is_false(json_object_get(second, "encrypt")));
    cr_expect_eq(json_array_size(json_object_get(second, "certificates")), 0);
    json_decref(two);
    owned(run) struct run bad = run("domsec explain --json -c '%s/none' --from a@b.test --to c@d.test", dir);
    expect_status(bad, 78);
    cr_expect_str_empty(bad.out);
}

Test(json, explain_a_split_message)
{
    json_t *json = explain("--auth alice --to bob@partner.test --to one@elsewhere.test");
    cr_expect_eq(json_integer_value(json_object_get(json, "forms")), 2);
    const json_t *recipients = json_object_get(json, "recipients");
    const json_t *bob = find(recipients, "recipient", "bob@partner.test");
    const json_t *one = find(recipients, "recipient", "one@elsewhere.test");
    cr_expect_eq(json_integer_value(json_object_get(bob, "form")), 1);
    cr_expect_eq(json_integer_value(json_object_get(one, "form")), 2);
    json_decref(json);
}

/* What will be rejected has the reply. */
Test(json, explain_a_rejection)
{
    owned(run) struct run got =
        run("domsec explain --json -c '%s/a/domsec.conf' --from alice@acme.test --to bob@partner.test", dir);
    expect_status(got, 65);
    json_t *json = parse(&got);
    expect_text(json, "verdict", "reject");
    expect_contains(text_of(json, "reply"), "550 5.7.1");
    cr_expect_str_not_empty(text_of(json, "reason"));
    expect_text(json_array_get(json_object_get(json, "recipients"), 0), "verdict", "reject");
    json_decref(json);
}
