/* SPDX-License-Identifier: Apache-2.0 */
/* net/dns against a real knot on loopback: what each kind of zone answers. */
#include "net/dns.h"
#include "support/knot.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct knot_zone zones[] = {
    {"signed.test", KNOT_SIGNED,
     "@ TXT good\n@ A 192.0.2.1\n_ldap._tcp SRV 1 2 389 dir.signed.test.\nalias CNAME signed.test.\n"},
    {"plain.test", KNOT_UNSIGNED, "@ A 192.0.2.2\n"},
    {"expired.test", KNOT_EXPIRED, "@ A 192.0.2.3\n"},
    {"tampered.test", KNOT_TAMPERED, "@ CAA 0 issuemail good\n"},
    {"mistaken.test", KNOT_MISTAKEN, "@ A 192.0.2.4\n"},
};

static struct dns_answer ask(struct dns *dns, const char *name, enum dns_type type)
{
    struct dns_answer answer;
    dns_ask(dns, &(struct dns_question){name, type}, 1, g_get_monotonic_time() + 5 * G_USEC_PER_SEC, &answer);
    return answer;
}

Test(dns, zones)
{
    static const struct {
        const char *name;
        enum dns_type type;
        enum found found;
        bool secure, bogus;
    } rows[] = {
        {"signed.test", DNS_A, FOUND, true, false},
        {"alias.signed.test", DNS_A, FOUND, true, false},
        {"_ldap._tcp.signed.test.", DNS_SRV, FOUND, true, false},
        {"signed.test", DNS_MX, FOUND_NONE, true, false},
        {"other.signed.test", DNS_A, FOUND_NONE, true, false},
        {"plain.test", DNS_A, FOUND, false, false},
        {"plain.test", DNS_MX, FOUND_NONE, false, false},
        {"other.plain.test", DNS_A, FOUND_NONE, false, false},
        {"expired.test", DNS_A, FOUND_FAILED, false, true},
        {"other.expired.test", DNS_A, FOUND_FAILED, false, true},
        {"tampered.test", DNS_CAA, FOUND_FAILED, false, true},
        {"mistaken.test", DNS_A, FOUND_FAILED, false, true},
        {"mistaken.test", DNS_MX, FOUND_FAILED, false, true},
        {"nowhere.test", DNS_A, FOUND_NONE, true, false},
    };
    struct knot knot;
    struct error error = {0};
    knot_start(&knot, zones, G_N_ELEMENTS(zones));
    owned(dns) struct dns *dns = dns_open(&knot.dns, &error);
    cr_assert_not_null(dns, "%s", error.text);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(dns_answer) struct dns_answer got = ask(dns, rows[i].name, rows[i].type);
        cr_expect(got.found == rows[i].found && got.secure == rows[i].secure && got.bogus == rows[i].bogus,
                  "%s %d: %d secure %d bogus %d %s", rows[i].name, rows[i].type, got.found, got.secure, got.bogus,
                  got.error.text);
        cr_expect_eq(got.count > 0, rows[i].found == FOUND);
        cr_expect_eq(got.error.kind == ERROR_NONE, rows[i].found == FOUND);
    }
    knot_stop(&knot);
}

/* --- deadlines --- */

#define SHORT (200 * 1000)

static gpointer ask_in_time(gpointer data)
{
    static gint number;
    g_autofree char *name = g_strdup_printf("name-%d.signed.test", g_atomic_int_add(&number, 1));
    struct dns_answer answer;
    int64_t deadline = g_get_monotonic_time() + SHORT;
    dns_ask(data, &(struct dns_question){name, DNS_A}, 1, deadline, &answer);
    cr_expect_eq(answer.found, FOUND_FAILED, "%s", answer.error.text);
    /* Far less than what libunbound itself waits. */
    cr_expect_lt(g_get_monotonic_time(), deadline + 2 * G_USEC_PER_SEC);
    dns_answers_clear(&answer, 1);
    return NULL;
}

/* A server that hangs: eight threads keep their deadlines, what is known is answered meanwhile, the context is closed
 * with questions under way, and no thread is left. */
Test(dns, hung)
{
    struct knot knot;
    struct error error = {0};
    knot_start(&knot, zones, G_N_ELEMENTS(zones));
    struct dns *dns = dns_open(&knot.dns, &error);
    owned(dns_answer) struct dns_answer before = ask(dns, "signed.test", DNS_A);
    cr_expect_eq(before.found, FOUND);
    knot_freeze(&knot);
    GThread *threads[8];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("ask", ask_in_time, dns);
    owned(dns_answer) struct dns_answer cached = ask(dns, "signed.test", DNS_A);
    cr_expect_eq(cached.found, FOUND, "%s", cached.error.text);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    knot_thaw(&knot);
    owned(dns_answer) struct dns_answer after = ask(dns, "alias.signed.test", DNS_A);
    cr_expect_eq(after.found, FOUND, "%s", after.error.text);
    cr_expect_str_eq(after.name, "signed.test.");
    dns_close(dns);
    knot_stop(&knot);
}

/* As many as before: a reload opens and closes a context. */
static unsigned threads_now(void)
{
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    unsigned count = 0;
    while (tasks != NULL && g_dir_read_name(tasks) != NULL)
        count++;
    return count;
}

Test(dns, no_thread_is_left)
{
    struct knot knot;
    struct error error = {0};
    knot_start(&knot, zones, G_N_ELEMENTS(zones));
    unsigned before = threads_now();
    for (int i = 0; i < 20; i++) {
        owned(dns) struct dns *dns = dns_open(&knot.dns, &error);
        cr_expect_eq(threads_now(), before, "a context that is not asked has no threads");
        owned(dns_answer) struct dns_answer got = ask(dns, "signed.test", DNS_A);
        cr_expect_eq(got.found, FOUND, "%s", got.error.text);
    }
    cr_expect_eq(threads_now(), before);
    knot_stop(&knot);
}

Test(dns, srv)
{
    static const char good[] = "\0\1\0\2\1\205\3dir\6signed\4test", nothing[] = "\0\0\0\0\0\0";
    static const struct slice bad[] = {{good, 6}, {good, sizeof(good) - 1}, {good, 0}, {"\0\1\0\2\1\205\300\6", 8}};
    struct dns_srv srv;
    cr_assert(dns_read_srv((struct slice){good, sizeof(good)}, &srv));
    cr_expect(srv.priority == 1 && srv.weight == 2 && srv.port == 389, "%u", srv.port);
    cr_expect_str_eq(srv.target, "dir.signed.test");
    g_free(srv.target);
    cr_assert(dns_read_srv((struct slice){nothing, sizeof(nothing)}, &srv));
    cr_expect_str_eq(srv.target, "");
    g_free(srv.target);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        cr_expect_not(dns_read_srv(bad[i], &srv), "%zu", i);
}

Test(dns, mx)
{
    static const char good[] = "\0\12\2mx\6signed\4test", null[] = "\0\0";
    static const struct slice bad[] = {{good, 0}, {good, 1}, {good, 2}, {good, sizeof(good) - 1}, {"\0\1\300\2", 4}};
    struct dns_mx mx;
    cr_assert(dns_read_mx((struct slice){good, sizeof(good)}, &mx));
    cr_expect_eq(mx.preference, 10);
    cr_expect_str_eq(mx.host, "mx.signed.test");
    g_free(mx.host);
    cr_assert(dns_read_mx((struct slice){null, sizeof(null)}, &mx));
    cr_expect_str_eq(mx.host, "");
    g_free(mx.host);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        cr_expect_not(dns_read_mx(bad[i], &mx), "%zu", i);
}

Test(dns, caa)
{
    static const struct {
        const char *data;
        size_t length;
        const char *tag, *value; /* NULL: malformed */
        bool critical;
    } rows[] = {{"\0\5issueca.test", 14, "issue", "ca.test", false},
                {"\200\5issueca.test", 14, "issue", "ca.test", true},
                {"\177\5issueca.test", 14, "issue", "ca.test", false}, /* reserved bits */
                {"\0\11IssueMail;", 12, "IssueMail", ";", false},
                {"\0\5issue", 7, "issue", "", false},
                {"\0\5issue", 6, NULL, NULL, false},
                {"\0\377issue", 7, NULL, NULL, false},
                {"\0\0issue", 7, NULL, NULL, false},
                {"\0\5is-ue", 7, NULL, NULL, false},
                {"\0\5iss\0e", 7, NULL, NULL, false},
                {"\0\5iss\344e", 7, NULL, NULL, false},
                {"\0\1", 2, NULL, NULL, false},
                {"\0", 1, NULL, NULL, false},
                {"", 0, NULL, NULL, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct dns_caa caa = {0};
        /* On the heap, so that a sanitizer sees what is read behind it. */
        g_autofree char *data = g_memdup2(rows[i].data, rows[i].length);
        cr_assert_eq(dns_read_caa((struct slice){data, rows[i].length}, &caa), rows[i].tag != NULL, "row %zu", i);
        if (rows[i].tag == NULL)
            continue;
        cr_expect(slice_equal(caa.tag, slice_of(rows[i].tag)), "row %zu", i);
        cr_expect(slice_equal(caa.value, slice_of(rows[i].value)), "row %zu", i);
        cr_expect_eq(caa.critical, rows[i].critical, "row %zu", i);
    }
}

/* What cannot be a name in the DNS has no records; nothing is asked. */
Test(dns, impossible_names)
{
    g_autofree char *label = g_strnfill(64, 'a');
    const char *const names[] = {"", "a..test", ".a.test", label};
    struct dns_conf conf = {.resolver = (char *[]){"127.0.0.1@9", NULL}, .anchors = (char *[]){NULL}};
    struct error error = {0};
    owned(dns) struct dns *dns = dns_open(&conf, &error);
    cr_assert_not_null(dns, "%s", error.text);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        owned(dns_answer) struct dns_answer got = ask(dns, names[i], DNS_A);
        cr_expect_eq(got.found, FOUND_NONE, "%s: %d", names[i], got.found);
    }
}

Test(dns, anchors)
{
    owned(folder) char *folder = folder_new();
    g_autofree char *bad = folder_file(folder, "bad", "test. DS this is no key\n");
    g_autofree char *missing = g_build_filename(folder, "missing", NULL);
    g_autofree char *empty = folder_file(folder, "empty", "; nothing\n");
    char *const files[] = {bad, missing, folder, empty};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        struct dns_conf conf = {.resolver = (char *[]){"127.0.0.1@9", NULL}, .anchors = (char *[]){files[i], NULL}};
        struct error error = {0};
        cr_expect_null(dns_open(&conf, &error), "%s", files[i]);
        cr_expect(error.kind == ERROR_CONFIGURATION && strstr(error.text, files[i]) != NULL, "%s", error.text);
    }
}
