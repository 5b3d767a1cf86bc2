/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that messages brought are decided about on the command line. */
#include "keys/keys.h"
#include "store/harvest.h"
#include "support/folder.h"
#include "support/pki.h"
#include "support/program.h"

#include <criterion/criterion.h>
#include <sys/stat.h>

/* A configuration with a store, in which these addresses have a certificate that waits; ids: theirs. */
static char *configuration(const char *const *addresses, char ids[][65])
{
    char *dir = folder_new();
    owned(run) struct run made =
        run("domsec init --domain acme.test --algorithm p256 --listen 'local:%s/milter' '%s/a'", dir, dir);
    expect_status(made, 0);
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    g_autofree char *all =
        g_strdup_printf("%s\nstore = \"sqlite:%s/store.db\";\nharvest = { approve = \"manual\"; };\n", text, dir);
    folder_write(dir, "a/domsec.conf", all);
    g_autofree char *file = g_build_filename(dir, "store.db", NULL);
    owned(store) struct store *store = store_open(file);
    PKI_AUTO struct pki *ca = pki_ca("Partner");
    for (size_t i = 0; addresses[i] != NULL; i++) {
        PKI_AUTO struct pki *person = pki_person(ca, addresses[i]);
        unsigned char *der = NULL;
        int length = i2d_X509(person->cert, &der);
        struct error error = {0};
        enum harvested result;
        const struct harvest_offer offer = {.der = {(const char *)der, (size_t)length},
                                            .at = time(NULL),
                                            .not_before = certificate_begins(person->cert),
                                            .not_after = certificate_ends(person->cert),
                                            .name = {addresses[i], 0},
                                            .limits = {9, 9, 9}};
        int64_t soon = g_get_monotonic_time() + G_USEC_PER_SEC;
        cr_assert(store_harvest(store, &offer, soon, &result, &error), "%s", error.text);
        certificate_fingerprint(person->cert, ids[i]);
        OPENSSL_free(der);
    }
    return dir;
}

static const char *const two[] = {"bob@partner.test", "carol@partner.test", NULL};

Test(cert_pending, list_approve_reject)
{
    char ids[2][65];
    owned(folder) char *dir = configuration(two, ids);
    owned(run) struct run listed = run("domsec cert list --pending -c '%s/a/domsec.conf'", dir);
    expect_status(listed, 0);
    expect_contains(listed.out, "bob@partner.test");
    expect_contains(listed.out, "carol@partner.test");
    owned(run) struct run json = run("domsec cert list --pending --json -c '%s/a/domsec.conf'", dir);
    expect_status(json, 0);
    expect_contains(json.out, ids[0]);
    expect_contains(json.out, "\"for\"");
    owned(run) struct run approved = run("domsec cert approve -c '%s/a/domsec.conf' %.16s", dir, ids[0]);
    expect_status(approved, 0);
    expect_contains(approved.out, "approved");
    owned(run) struct run late = run("domsec cert reject -c '%s/a/domsec.conf' %.16s", dir, ids[0]);
    expect_status(late, 64);
    expect_contains(late.err, "does not wait for approval");
    owned(run) struct run rejected = run("domsec cert reject --json -c '%s/a/domsec.conf' %s", dir, ids[1]);
    expect_status(rejected, 0);
    expect_contains(rejected.out, "\"rejected\"");
    owned(run) struct run none = run("domsec cert list --pending -c '%s/a/domsec.conf'", dir);
    expect_status(none, 0);
    expect_contains(none.out, "no certificate waits");
}

/* Two administrators at once: one of them decides. */
struct deciding {
    const char *dir, *id, *word;
    int status;
};

static gpointer decide(gpointer data)
{
    struct deciding *deciding = data;
    owned(run) struct run done =
        run("domsec cert %s -c '%s/a/domsec.conf' %s", deciding->word, deciding->dir, deciding->id);
    deciding->status = done.status;
    return NULL;
}

Test(cert_pending, two_processes)
{
    char ids[2][65];
    owned(folder) char *dir = configuration(two, ids);
    struct deciding approving = {dir, ids[0], "approve", -1}, rejecting = {dir, ids[0], "reject", -1};
    GThread *threads[] = {g_thread_new("approve", decide, &approving), g_thread_new("reject", decide, &rejecting)};
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    cr_expect_eq(approving.status + rejecting.status, 64, "%d %d", approving.status, rejecting.status);
}

Test(cert_pending, what_is_not_there)
{
    char ids[2][65];
    owned(folder) char *dir = configuration(two, ids);
    owned(run) struct run unknown = run("domsec cert approve -c '%s/a/domsec.conf' 0123456789", dir);
    expect_status(unknown, 64);
    owned(run) struct run odd = run("domsec cert approve -c '%s/a/domsec.conf' bob", dir);
    expect_status(odd, 64);
    folder_write(dir, "store.db", "this is no database, whatever its name says, and it is long enough");
    owned(run) struct run failed = run("domsec cert list --pending -c '%s/a/domsec.conf'", dir);
    expect_status(failed, 78);
}

/* From the message that brings it to the mail that is encrypted to it, by commands alone. */
Test(cert_pending, from_a_message_to_its_use)
{
    owned(folder) char *dir = folder_new();
    static const char *const sides[][2] = {{"acme", "partner"}, {"partner", "acme"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sides); i++) {
        owned(run) struct run made =
            run("domsec init --domain %s.test --algorithm p256 '%s/%s'", sides[i][0], dir, sides[i][0]);
        expect_status(made, 0);
        g_autofree char *file = g_strdup_printf("%s/policy.d/other.conf", sides[i][0]);
        g_autofree char *policy =
            g_strdup_printf("domain = \"%s.test\"; anchors = ( \"%s/%s/ca/ca.pem\" ); outbound = { protect = "
                            "\"opportunistic\"; };\n",
                            sides[i][1], dir, sides[i][1]);
        folder_write(dir, file, policy);
        g_autofree char *conf = g_strdup_printf("%s/domsec.conf", sides[i][0]), *before = folder_read(dir, conf);
        g_autofree char *all =
            i == 0 ? g_strconcat(before, "harvest = { announce = true; };\n", NULL)
                   : g_strdup_printf("%s\nstore = \"sqlite:%s/store.db\"; harvest = { approve = \"manual\"; };\n",
                                     before, dir);
        folder_write(dir, conf, all);
    }
    static const char there[] = "From: a@acme.test\r\nTo: b@partner.test\r\nSubject: x\r\n\r\nhello\r\n",
                      back[] = "From: b@partner.test\r\nTo: a@acme.test\r\nSubject: x\r\n\r\nhello\r\n";
    owned(run) struct run sent =
        run_with(there, "domsec filter -c '%s/acme/domsec.conf' -f a@acme.test -t b@partner.test --auth a", dir);
    expect_status(sent, 0);
    owned(run) struct run taken =
        run_with(sent.out,
                 "domsec filter -c '%s/partner/domsec.conf' -f a@acme.test -t b@partner.test --client "
                 "203.0.113.1",
                 dir);
    expect_status(taken, 0);
    g_autofree char *answer =
        g_strdup_printf("domsec filter -c '%s/partner/domsec.conf' -f b@partner.test -t a@acme.test --auth b", dir);
    owned(run) struct run before = run_with(back, "%s", answer);
    expect_status(before, 0);
    expect_contains(before.out, "multipart/signed");
    owned(run) struct run listed = run("domsec cert list --pending -c '%s/partner/domsec.conf'", dir);
    expect_contains(listed.out, "acme.test");
    const char *line = strchr(listed.out, '\n');
    cr_assert_not_null(line);
    owned(run) struct run approved = run("domsec cert approve -c '%s/partner/domsec.conf' %.16s", dir, line + 1);
    expect_status(approved, 0);
    owned(run) struct run after = run_with(back, "%s", answer);
    expect_status(after, 0);
    expect_contains(after.out, "smime-type=authEnveloped-data");
}
