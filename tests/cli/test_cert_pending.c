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
