/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rig.h"

#define DAY 86400

static struct gateway *load(const struct rig *rig, struct faults *faults)
{
    g_autofree char *file = g_build_filename(rig->acme.folder, "domsec.conf", NULL);
    owned(conf) struct conf *conf = conf_load(file, faults);
    struct gateway *gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    cr_assert_not_null(gateway, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "no fault");
    return gateway;
}

/* Writes another certificate for one of acme's identities. */
static void renew(const struct rig *rig, const char *stem, const struct pki *like, long from_days, long until_days)
{
    time_t now = time(NULL);
    g_autofree char *role = g_strdup_printf("%s-authority", stem);
    g_autofree char *name = g_strdup_printf("CN=%s", role), *san = g_strdup_printf("email:%s@acme.test", role);
    g_autofree char *file = g_strdup_printf("%s.pem", strcmp(stem, "domain-signing") == 0 ? "dsa"
                                                      : strcmp(stem, "review") == 0       ? "review"
                                                                                          : "dca");
    PKI_AUTO struct pki *other = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                                              .subject = PKI_LIST("O=Test", name),
                                                              .san = PKI_LIST(san),
                                                              .use_key = like->key,
                                                              .not_before = now + from_days * DAY,
                                                              .not_after = now + until_days * DAY});
    g_free(pki_write(rig->acme.folder, file, other, NULL));
}

/* NULL: the reload is taken. */
static void expect(struct rig *rig, const struct gateway *in_force, const char *refusal)
{
    owned(faults) struct faults *faults = faults_new();
    owned(gateway) struct gateway *next = load(rig, faults);
    size_t before = faults_count(faults);
    bool taken = gateway_check_reload(in_force, next, time(NULL), faults);
    cr_expect_eq(taken, refusal == NULL);
    cr_expect_eq(faults_count(faults) - before, refusal != NULL ? 1 : 0);
    if (refusal != NULL && faults_count(faults) > before)
        cr_expect_not_null(strstr(faults_at(faults, before), refusal), "%s", faults_at(faults, before));
}

Test(check_reload, a_configuration_that_signs_does_not_give_way_to_one_that_cannot)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign\"; };", NULL);
    struct gateway *good = rig->acme.gateway;
    expect(rig, good, NULL);
    renew(rig, "domain-signing", rig->acme.dsa, -20, -10);
    expect(rig, good, "has expired; the configuration in force has a valid one");
    owned(faults) struct faults *faults = faults_new();
    owned(gateway) struct gateway *expired = load(rig, faults);
    expect(rig, expired, NULL);
    renew(rig, "domain-signing", rig->acme.dsa, 10, 20);
    expect(rig, good, "domsec.conf:9: the certificate of the domain-signing-authority for acme.test");
    expect(rig, good, "is not yet valid; the configuration in force has a valid one");
    renew(rig, "domain-signing", rig->acme.dsa, -1, 20);
    expect(rig, good, NULL);
    renew(rig, "review", rig->acme.review, -20, -10);
    expect(rig, good, "review-authority for acme.test");
    renew(rig, "review", rig->acme.review, -1, 10);
    renew(rig, "domain-confidentiality", rig->acme.dca, -20, -10);
    expect(rig, good, NULL);
}

/* The dates of an identity count as those of its certificate do. */
Test(check_reload, dates)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign\"; };", NULL);
    g_autofree char *text = folder_read(rig->acme.folder, "domsec.conf");
    g_autoptr(GString) other = g_string_new(text);
    cr_assert_eq(g_string_replace(other, "role = \"domain-signing-authority\";",
                                  "role = \"domain-signing-authority\"; until = \"2001-01-01\";", 0),
                 1);
    folder_write(rig->acme.folder, "domsec.conf", other->str);
    expect(rig, rig->acme.gateway, "ended on 2001-01-01; the configuration in force has a valid one");
    owned(faults) struct faults *faults = faults_new();
    owned(gateway) struct gateway *ended = load(rig, faults);
    expect(rig, ended, NULL);
}

/* A mailbox's own is looked for by its address, and the pattern of its domain serves as well. */
Test(check_reload, mailboxes)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    g_free(pki_write(rig->acme.folder, "alice.pem", rig->acme.alice, NULL));
    g_free(pki_write_key(rig->acme.folder, "alice.key", rig->acme.alice));
    g_free(pki_write(rig->acme.folder, "dca.pem", rig->acme.alice, NULL)); /* what renew() writes */
    g_free(pki_write_key(rig->acme.folder, "dca.key", rig->acme.alice));
    rig->acme.people = "{ address = ( \"alice@acme.test\", \"*@acme.test\" ); certificate = \"dca.pem\"; key = "
                       "\"file:alice.key\"; },\n";
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign\"; };", NULL);
    struct gateway *good = rig->acme.gateway;
    expect(rig, good, NULL);
    renew(rig, "domain-confidentiality", rig->acme.alice, -20, -10);
    owned(faults) struct faults *faults = faults_new();
    owned(gateway) struct gateway *next = load(rig, faults);
    size_t before = faults_count(faults);
    cr_expect_not(gateway_check_reload(good, next, time(NULL), faults));
    cr_assert_eq(faults_count(faults) - before, 2);
    cr_expect_not_null(strstr(faults_at(faults, before), "the certificate of the mailbox for alice@acme.test and 1 "
                                                         "more"),
                       "%s", faults_at(faults, before));
}
