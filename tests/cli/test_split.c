/* SPDX-License-Identifier: Apache-2.0 */
/* A message that is split, on the command line: its forms, its keys, and one that went astray. */
#include "support/program.h"
#include "support/rig.h"
#include "support/schema.h"

#include <jansson.h>

#define TEXT                                                                                                           \
    "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nCc: dave@plain.test, ben@partner.test\r\n"               \
    "Subject: plans\r\nMessage-ID: <1@acme.test>\r\n\r\nA line of plans.\r\n"
#define SPLIT "split = { keys = ( \"file:split.key\" ); };"

/* domsec.conf in acme's folder. */
static struct rig *open_rig(const char *extra)
{
    struct rig *rig = rig_closed(PKI_EC);
    char key[BOX_KEY_SIZE];
    memset(key, 'k', sizeof(key));
    g_autofree char *path = g_build_filename(rig->acme.folder, "split.key", NULL);
    g_autofree char *all = g_strdup_printf("state_directory = \"%s\";\n%s", rig->acme.folder, extra);
    cr_assert(g_file_set_contents(path, key, sizeof(key), NULL));
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign+encrypt\"; };", all);
    return rig;
}

Test(split, each_form_is_written_once)
{
    owned(rig) struct rig *rig = open_rig(SPLIT);
    const char *dir = rig->acme.folder;
    folder_write(dir, "out/3.eml", "an older one");
    folder_write(dir, "out/4.eml", "an older one");
    owned(run) struct run out = run_with(
        TEXT, "domsec filter -c '%s/domsec.conf' --auth alice --report '%s/r.json' --output '%s/out'", dir, dir, dir);
    expect_status(out, 0);
    g_autofree char *report = folder_read(dir, "r.json"), *first = folder_read(dir, "out/1.eml"),
                    *second = folder_read(dir, "out/2.eml"), *third = g_build_filename(dir, "out/3.eml", NULL);
    schema_expect(report, "a message that is split");
    json_t *json = json_loads(report, 0, NULL), *groups = json_object_get(json, "groups");
    cr_assert_eq(json_array_size(groups), 2);
    json_t *of_first = json_object_get(json_array_get(groups, 0), "recipients");
    cr_expect_eq(json_array_size(of_first), 2);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(groups, 0), "protect")), "sign+encrypt");
    cr_expect_eq(json_array_size(json_object_get(json_array_get(groups, 0), "certificates")), 1);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(groups, 1), "protect")), "none");
    cr_expect(json_is_true(json_object_get(json, "split")));
    json_decref(json);
    expect_contains(first, "application/pkcs7-mime");
    cr_expect_null(strstr(first, "A line of plans"));
    cr_expect_str_eq(second, TEXT);
    cr_expect_not(g_file_test(third, G_FILE_TEST_EXISTS));
    /* nothing was sealed, so nothing is waited for */
    g_autofree char *state = g_build_filename(dir, "split", NULL);
    cr_expect_not(g_file_test(state, G_FILE_TEST_EXISTS));
}

Test(split, several_forms_need_a_place)
{
    owned(rig) struct rig *rig = open_rig(SPLIT);
    owned(run) struct run two = run_with(TEXT, "domsec filter -c '%s/domsec.conf' --auth alice", rig->acme.folder);
    expect_status(two, 64);
    cr_expect_str_empty(two.out);
    expect_contains(two.err, "2 forms");
    owned(run) struct run one =
        run_with(TEXT, "domsec filter -c '%s/domsec.conf' --auth alice --to bob@partner.test --to ben@partner.test",
                 rig->acme.folder);
    expect_status(one, 0);
}

Test(split, a_form_that_fails_fails_all)
{
    owned(rig) struct rig *rig = open_rig(SPLIT);
    const char *dir = rig->acme.folder;
    folder_write(dir, "out/1.eml", "an older one");
    g_autofree char *old = g_build_filename(dir, "out/1.eml", NULL);
    owned(run) struct run stranger = run_with(TEXT, "domsec filter -c '%s/domsec.conf' --output '%s/out'", dir, dir);
    expect_status(stranger, 65);
    expect_contains(stranger.err, "bob@partner.test");
    cr_expect_not(g_file_test(old, G_FILE_TEST_EXISTS));
}

Test(split, explain_shows_it)
{
    owned(rig) struct rig *rig = open_rig(SPLIT);
    owned(run) struct run shown = run("domsec explain -c '%s/domsec.conf' --from alice@acme.test --to bob@partner.test "
                                      "--to dave@plain.test --to ben@partner.test --auth alice",
                                      rig->acme.folder);
    expect_status(shown, 0);
    expect_contains(shown.out, "the mail server splits the message, which takes 2 forms");
    expect_contains(shown.out, "1 of 2");
    expect_contains(shown.out, "2 of 2");
    expect_contains(shown.out, "used");
}

Test(split, status_shows_keys_and_proof)
{
    owned(rig) struct rig *rig = open_rig(SPLIT);
    const char *dir = rig->acme.folder;
    owned(run) struct run before = run("domsec status -c '%s/domsec.conf'", dir);
    expect_contains(before.out, "0bd6dd115e9bbc62");
    expect_contains(before.out, "not proven yet");
    folder_write(dir, "split", "sealed 0bd6dd115e9bbc62 1767225600 4ABC\n");
    owned(run) struct run waits = run("domsec status -c '%s/domsec.conf'", dir);
    expect_contains(waits.out, "not proven: 4ABC was sealed 2026-01-01T00:00:00Z and has not come back");
    folder_write(dir, "split", "proven 0bd6dd115e9bbc62 1767225600\n");
    owned(run) struct run proven = run("domsec status --json -c '%s/domsec.conf'", dir);
    expect_contains(proven.out, "\"proven\": true");
    folder_write(dir, "split", "proven 0000000000000000 1767225600\n");
    owned(run) struct run other = run("domsec status -c '%s/domsec.conf'", dir);
    expect_contains(other.out, "not proven yet");
}

/* What has left by mistake. g_free(). */
static char *sealed_message(const struct rig *rig)
{
    owned(message) struct message *message = rig_message(&rig->acme, TEXT, strlen(TEXT));
    owned(envelope) struct envelope *envelope = rig_envelope(&(struct rig_envelope){
        .from = "alice@acme.test", .to = "bob@partner.test", .to2 = "dave@plain.test", .auth = "alice"});
    envelope->mta = g_strdup("Postfix 3.7.11");
    owned(passage) struct passage *passage = gateway_pass(
        rig->acme.gateway, &(struct passage_request){.envelope = envelope, .message = message, .at = time(NULL)});
    cr_assert_str_eq(passage->made.sealed, "0bd6dd115e9bbc62", "%s", passage->reply.reason);
    owned(rope) struct rope *rope = edits_apply(&passage->made.edits, message);
    return rope_flatten(rope, NULL);
}

Test(split, unseal_gets_it_back)
{
    owned(rig) struct rig *rig = open_rig(SPLIT);
    const char *dir = rig->acme.folder;
    g_autofree char *sealed = sealed_message(rig);
    g_autofree char *bounce = g_strconcat("From: MAILER-DAEMON@partner.test\r\nContent-Type: multipart/report; "
                                          "boundary=b\r\n\r\n--b\r\n\r\nSorry\r\n--b\r\nContent-Type: "
                                          "message/rfc822\r\n\r\n",
                                          sealed, "\r\n--b--\r\n", NULL);
    g_autofree char *start = g_strdup(strstr(sealed, "base64\r\n\r\n") + strlen("base64\r\n\r\n"));
    *strstr(start, "--domsec-split--") = '\0';
    gsize length = 0;
    g_autofree guchar *attachment = g_base64_decode(start, &length);
    g_autofree char *file = g_build_filename(dir, "message.domsec", NULL);
    cr_assert(g_file_set_contents(file, (const char *)attachment, (gssize)length, NULL));
    folder_write(dir, "sealed.eml", sealed);
    folder_write(dir, "bounce.eml", bounce);
    static const char *const names[] = {"sealed.eml", "bounce.eml", "message.domsec"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        owned(run) struct run opened = run("domsec unseal -c '%s/domsec.conf' '%s/%s'", dir, dir, names[i]);
        expect_status(opened, 0);
        cr_expect_str_eq(opened.out, TEXT);
        expect_contains(opened.err, "dave@plain.test");
        expect_contains(opened.err, "alice");
    }
    owned(run) struct run piped = run_with(sealed, "domsec unseal -c '%s/domsec.conf'", dir);
    expect_status(piped, 0);
    cr_expect_str_eq(piped.out, TEXT);
    owned(run) struct run none = run_with(TEXT, "domsec unseal -c '%s/domsec.conf'", dir);
    expect_status(none, 65);
    attachment[length - 1] ^= 1;
    cr_assert(g_file_set_contents(file, (const char *)attachment, (gssize)length, NULL));
    owned(run) struct run changed = run("domsec unseal -c '%s/domsec.conf' '%s'", dir, file);
    expect_status(changed, 65);
    cr_expect_str_empty(changed.out);
}
