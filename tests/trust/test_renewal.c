/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of what was fetched, as time passes: it is renewed, kept, and known after a reload or a restart. */
#include "base/metrics.h"
#include "support/clock.h"
#include "support/counted.h"
#include "support/embed.h"
#include "support/fetching.h"
#include "support/responder.h"
#include "trust/courier.h"

#define LIST "crlDistributionPoints=URI:%s/authority.crl"
#define RESPONDER "authorityInfoAccess=OCSP;URI:%s/ocsp"
#define LISTS "check = \"hard\"; ocsp = false;"
#define BOTH "check = \"hard\";"
#define VALID "the certification path is valid"
#define DAY 86400

/* Renews what is due now; returns for how many certificates. */
static unsigned renew(const struct fetching *rig)
{
    unsigned started = courier_renew(rig->setting->trust->courier, time(NULL));
    courier_settle(rig->setting->trust->courier);
    return started;
}

static struct fetching *rig_with_lists(void)
{
    struct fetching *rig = fetching_new(LISTS, PKI_LIST(LIST));
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
    return rig;
}

/* A message that asks once, and does not have to wait. */
static void expect_known(const struct fetching *rig, enum outcome expected, const char *says)
{
    struct finding finding;
    cr_expect_not(fetching_ask(rig, rig->alice, FETCHING_PATIENCE, &finding), "it was asked for: %s", finding.reason);
    cr_expect_eq(finding.outcome, expected, "%s: %s", outcome_name(finding.outcome), finding.reason);
    cr_expect_not_null(strstr(finding.reason, says), "\"%s\" is not in: %s", says, finding.reason);
}

/* --- renewal --- */

Test(renewal, lists)
{
    owned(fetching) struct fetching *rig = rig_with_lists();
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_eq(renew(rig), 0, "nothing is due");
    clock_jump(DAY + 60);
    cr_expect_eq(renew(rig), 2);
    cr_expect_eq(web_count(rig->web, "/authority.crl"), 2);
    cr_expect_eq(web_count(rig->web, "/root.crl"), 2);
    fetching_put_list(rig, "/authority.crl",
                      &(struct pki_crl_spec){.issuer = rig->authority, .revoked = {rig->alice}, .number = 2},
                      FETCHING_DER);
    clock_jump(DAY + 60);
    cr_expect_eq(renew(rig), 2);
    expect_known(rig, OUTCOME_FAIL, "is revoked");
}

/* In the second half of its life, so that a responder that is down for a while does no harm. */
Test(renewal, answers)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder responder = {0};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    clock_jump(1700);
    cr_expect_eq(renew(rig), 0);
    clock_jump(1200);
    cr_expect_eq(renew(rig), 1);
    cr_expect_eq(web_count(rig->web, "/ocsp"), 2);
    clock_jump(3000);
    expect_known(rig, OUTCOME_PASS, VALID);
    responder_clear(&responder);
}

/* What mail asks about stays in use, although it is known. */
Test(renewal, as_long_as_it_is_in_use)
{
    owned(fetching) struct fetching *rig = rig_with_lists();
    fetching_expect(rig, OUTCOME_PASS, VALID);
    for (int i = 0; i < 2; i++) {
        clock_jump(5 * DAY);
        expect_known(rig, OUTCOME_PASS, VALID);
    }
    clock_jump(5 * DAY);
    cr_expect_eq(renew(rig), 2);
    clock_jump(8 * DAY);
    cr_expect_eq(renew(rig), 0, "mail has not asked for a week");
}

/* --- what is known --- */

/* It gives way to nothing but a newer list. */
Test(renewal, list_of_before_stays)
{
    static const char html[] = "<!DOCTYPE html><html><body>Log in first</body></html>";
    static const char pem[] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    const struct web_page pages[] = {{.body = html, .length = sizeof(html) - 1},
                                     {.body = pem, .length = sizeof(pem) - 1},
                                     {.length = 0},
                                     {.status = 404},
                                     {.body = html, .length = 8, .manner = WEB_SHORT},
                                     {.manner = WEB_CLOSE}};
    owned(fetching) struct fetching *rig = rig_with_lists();
    PKI_AUTO struct pki *bob = pki_person(rig->authority, "bob@acme.test");
    fetching_put_list(rig, "/authority.crl",
                      &(struct pki_crl_spec){.issuer = rig->authority, .revoked = {bob}, .number = 2}, FETCHING_DER);
    fetching_expect(rig, OUTCOME_PASS, VALID);
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        unsigned count = web_count(rig->web, "/authority.crl");
        web_put(rig->web, "/authority.crl", &pages[i]);
        clock_jump(DAY + 60);
        renew(rig);
        cr_expect_eq(web_count(rig->web, "/authority.crl"), count + 1, "page %zu", i);
        expect_known(rig, OUTCOME_PASS, VALID);
        fetching_expect_of(rig, bob, OUTCOME_FAIL, "is revoked");
    }
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority, .number = 1},
                      FETCHING_DER);
    clock_jump(DAY + 60);
    renew(rig);
    fetching_expect_of(rig, bob, OUTCOME_FAIL, "is revoked");
    fetching_put_list(rig, "/authority.crl",
                      &(struct pki_crl_spec){.issuer = rig->authority, .revoked = {rig->alice}, .number = 3},
                      FETCHING_PEM);
    clock_jump(DAY + 60);
    renew(rig);
    expect_known(rig, OUTCOME_FAIL, "is revoked");
    fetching_expect_of(rig, bob, OUTCOME_PASS, VALID);
}

/* Good runs out, revoked does not. */
Test(renewal, outage)
{
    for (int revoked = 0; revoked < 2; revoked++) {
        owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
        struct responder responder = {.status = revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD};
        responder_put(&responder, rig, "/ocsp");
        fetching_expect(rig, revoked ? OUTCOME_FAIL : OUTCOME_PASS, "");
        web_pause(rig->web);
        clock_jump(3500);
        renew(rig);
        expect_known(rig, revoked ? OUTCOME_FAIL : OUTCOME_PASS, "");
        clock_jump(200);
        renew(rig);
        fetching_expect(rig, revoked ? OUTCOME_FAIL : OUTCOME_TEMPERROR, revoked ? "is revoked" : "cannot be reached");
        responder_clear(&responder);
    }
}

/* What a message brings may be older than the revocation: it is not waited for, and it is asked soon. */
Test(renewal, behind_what_a_message_brings)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder before = {.from = -7200}, now = {.status = V_OCSP_CERTSTATUS_REVOKED, .from = -60};
    g_autoptr(GPtrArray) embedded = embed_list();
    embed_add(embedded, responder_answer(&before, rig));
    responder_put(&now, rig, "/ocsp");
    rig->embedded = embedded;
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_eq(web_count(rig->web, "/ocsp"), 0);
    cr_expect_eq(renew(rig), 1);
    expect_known(rig, OUTCOME_FAIL, "is revoked");
    rig->embedded = NULL;
    responder_clear(&before);
    responder_clear(&now);
}

/* RFC 6960 §4.2.2.2: no answer of a responder holds longer than its certificate. */
Test(renewal, responder_ends_first)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder responder = {.signer = RESPONDER_ENDING};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    web_pause(rig->web);
    clock_jump(500);
    expect_known(rig, OUTCOME_PASS, VALID);
    clock_jump(200);
    setting_expect(
        rig->setting,
        &(struct chain_query){.leaf = rig->alice->cert, .untrusted = rig->untrusted, .purpose = PURPOSE_SIGN},
        OUTCOME_TEMPERROR, "responder's certificate has expired", "the answer holds, its signer does not");
    responder_clear(&responder);
}

/* A certificate that was on hold becomes good by a newer answer, and by nothing older. */
Test(renewal, newer_answer)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder held = {.status = V_OCSP_CERTSTATUS_REVOKED, .from = -60}, older = {.from = -7200 - 3600},
                     newer = {.from = -30};
    responder_put(&held, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    responder_put(&older, rig, "/ocsp");
    clock_jump(3600);
    cr_expect_eq(renew(rig), 1);
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    responder_put(&newer, rig, "/ocsp");
    clock_jump(3600);
    cr_expect_eq(renew(rig), 1);
    fetching_expect(rig, OUTCOME_PASS, VALID);
    responder_clear(&held);
    responder_clear(&older);
    responder_clear(&newer);
}

/* Also where the responder ends, and a list that is older still holds: only a newer one says that the hold is over. */
Test(renewal, older_list)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(LIST, RESPONDER));
    struct responder held = {.status = V_OCSP_CERTSTATUS_REVOKED, .from = -60};
    struct pki_crl_spec list = {.issuer = rig->authority};
    responder_put(&held, rig, "/ocsp");
    fetching_put_list(rig, "/authority.crl", &list, FETCHING_DER);
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    web_put(rig->web, "/ocsp", &(struct web_page){.status = 404});
    clock_jump(2 * 3600);
    renew(rig);
    cr_expect_eq(web_count(rig->web, "/authority.crl"), 1);
    expect_known(rig, OUTCOME_FAIL, "is revoked");
    list = (struct pki_crl_spec){.issuer = rig->authority, .this_update = time(NULL), .number = 2};
    fetching_put_list(rig, "/authority.crl", &list, FETCHING_DER);
    clock_jump(DAY + 60);
    renew(rig);
    expect_known(rig, OUTCOME_PASS, VALID);
    responder_clear(&held);
}

/* Nothing of a thread is left that exit() could meet. */
Test(renewal, threads_have_ended_where_nothing_is_fetched)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(LIST));
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
    counted.ended = 0;
    fetching_expect(rig, OUTCOME_PASS, VALID);
    courier_settle(rig->setting->trust->courier);
    cr_expect_gt(counted.ended, 0);
}

/* --- reload and restart --- */

static void reload(struct fetching *rig)
{
    struct trust *before = rig->setting->trust;
    rig->setting->trust = trust_open_after(rig->setting->conf, before, rig->setting->faults);
    cr_assert_not_null(rig->setting->trust);
    trust_close(before);
}

/* Without a store. */
Test(renewal, reload)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder responder = {.status = V_OCSP_CERTSTATUS_REVOKED};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    web_pause(rig->web);
    for (int i = 0; i < 2; i++) {
        reload(rig);
        expect_known(rig, OUTCOME_FAIL, "is revoked");
    }
    responder_clear(&responder);
}

/* Also to a store, and what is known before is renewed after it. */
Test(renewal, reload_with_another_store)
{
    g_autofree char *folder = folder_new();
    g_autofree char *keys =
        g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); store = \"sqlite:%s/store.db\";", folder);
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder responder = {0};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    struct setting *before = g_steal_pointer(&rig->setting);
    fetching_open(rig, keys);
    reload(rig);
    struct trust *with_store = rig->setting->trust;
    rig->setting->trust = trust_open_after(rig->setting->conf, before->trust, rig->setting->faults);
    trust_close(with_store);
    setting_free(before);
    expect_known(rig, OUTCOME_PASS, VALID);
    clock_jump(3000);
    renew(rig);
    cr_expect_eq(web_count(rig->web, "/ocsp"), 2);
    responder_clear(&responder);
    folder_remove(steal(&folder));
}

/* With one: answers are known at once, good ones as long as they hold, and what mail asks about is renewed. */
Test(renewal, restart)
{
    for (int revoked = 0; revoked < 2; revoked++) {
        g_autofree char *folder = folder_new();
        g_autofree char *keys =
            g_strdup_printf("fetch_networks = ( \"127.0.0.0/8\" ); store = \"sqlite:%s/store.db\";", folder);
        enum outcome expected = revoked ? OUTCOME_FAIL : OUTCOME_PASS;
        owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
        struct responder responder = {.status = revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD};
        responder_put(&responder, rig, "/ocsp");
        fetching_open(rig, keys);
        fetching_expect(rig, expected, "");
        unsigned count = web_count(rig->web, NULL);
        fetching_open(rig, keys);
        expect_known(rig, expected, "");
        cr_expect_eq(renew(rig), 0, "it is known, and not due");
        cr_expect_eq(web_count(rig->web, NULL), count);
        clock_jump(3000);
        renew(rig);
        cr_expect_eq(web_count(rig->web, "/ocsp"), 2, "what was known at the start is renewed, too");
        web_pause(rig->web);
        clock_jump(3700);
        fetching_open(rig, keys);
        fetching_expect(rig, revoked ? OUTCOME_FAIL : OUTCOME_TEMPERROR, "");
        responder_clear(&responder);
        folder_remove(steal(&folder));
    }
}

/* Those of certificates that anyone may have sent: they are fetched when they are needed. */
Test(renewal, issuers_are_not_renewed)
{
    owned(fetching) struct fetching *rig =
        fetching_new("check = \"off\";", PKI_LIST("authorityInfoAccess=caIssuers;URI:%s/a.cer"));
    time_t now = time(NULL);
    PKI_AUTO struct pki *brief = pki_issue(&(struct pki_spec){.issuer = rig->root,
                                                              .ca = true,
                                                              .subject = PKI_LIST("CN=Authority"),
                                                              .use_key = rig->authority->key,
                                                              .not_after = now + 3600});
    sk_X509_pop_free(rig->untrusted, X509_free);
    rig->untrusted = NULL;
    fetching_open(rig, "fetch_issuers = true; fetch_networks = ( \"127.0.0.0/8\" );");
    const struct pki *const served[] = {brief, rig->authority};
    for (unsigned i = 0; i < G_N_ELEMENTS(served); i++) {
        unsigned char *der = NULL;
        int length = i2d_X509(served[i]->cert, &der);
        web_put(rig->web, "/a.cer", &(struct web_page){.body = der, .length = (size_t)length});
        OPENSSL_free(der);
        fetching_expect(rig, OUTCOME_PASS, VALID);
        cr_expect_eq(web_count(rig->web, NULL), i + 1);
        clock_jump(2 * 3600); /* the first one expires */
        cr_expect_eq(renew(rig), 0);
    }
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_eq(web_count(rig->web, NULL), 2);
}

/* What was concluded from the list before does not stand, also while it has not run out. */
Test(renewal, newer_list_counts_at_once)
{
    owned(fetching) struct fetching *rig = rig_with_lists();
    struct pki_crl_spec list = {.issuer = rig->authority, .next_update = time(NULL) + 600, .number = 2};
    fetching_put_list(rig, "/authority.crl", &list, FETCHING_DER);
    fetching_expect(rig, OUTCOME_PASS, VALID);
    list.revoked[0] = rig->alice;
    list.number = 3;
    fetching_put_list(rig, "/authority.crl", &list, FETCHING_DER);
    clock_jump(500);
    expect_known(rig, OUTCOME_PASS, VALID);
    renew(rig);
    expect_known(rig, OUTCOME_FAIL, "is revoked");
}

/* Where nothing is to be checked, what is known does not count. */
Test(renewal, known_and_not_asked_for)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder responder = {.status = V_OCSP_CERTSTATUS_REVOKED};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    struct setting *before = g_steal_pointer(&rig->setting);
    g_free(rig->group);
    rig->group = g_strdup("check = \"off\"; fetch = true; ocsp = true;");
    fetching_open(rig, NULL);
    trust_close(rig->setting->trust);
    rig->setting->trust = trust_open_after(rig->setting->conf, before->trust, rig->setting->faults);
    expect_known(rig, OUTCOME_PASS, VALID);
    setting_free(before);
    responder_clear(&responder);
}

/* --- what is said of it --- */

static void expect_notices(const struct fetching *rig, enum log_level expected, unsigned count, const char *says)
{
    enum log_level level;
    char *text;
    for (unsigned i = 0; i < count; i++) {
        text = trust_next_notice(rig->setting->trust, &level);
        cr_assert_not_null(text, "%u lines, not %u", i, count);
        cr_expect_eq(level, expected, "%s", text);
        cr_expect_not_null(strstr(text, says), "\"%s\" is not in: %s", says, text);
        cr_expect_not_null(strstr(text, "revocation: http://127.0.0.1:"), "%s", text);
        g_free(text);
    }
    text = trust_next_notice(rig->setting->trust, &level);
    cr_expect_null(text, "one line too many: %s", text);
    g_free(text);
}

#define EXPECT_SILENCE(rig) expect_notices(rig, LOG_LEVEL_INFO, 0, "")

static void renew_after(const struct fetching *rig, int seconds)
{
    clock_jump(seconds);
    cr_expect_eq(renew(rig), 2);
}

/* Of each address once, and once that it is over; and of one that comes and goes, every ten minutes at most. */
Test(renewal, failures_are_logged)
{
    owned(fetching) struct fetching *rig = rig_with_lists();
    fetching_expect(rig, OUTCOME_PASS, VALID);
    EXPECT_SILENCE(rig);
    web_pause(rig->web);
    renew_after(rig, DAY + 60);
    expect_notices(rig, LOG_LEVEL_WARNING, 2, ".crl: ");
    for (int i = 0; i < 3; i++)
        renew_after(rig, 700);
    EXPECT_SILENCE(rig);
    web_resume(rig->web);
    renew_after(rig, 60); /* one of the two tries whether the server is there */
    clock_jump(60);
    renew(rig);
    expect_notices(rig, LOG_LEVEL_INFO, 2, ".crl answers again");
    web_pause(rig->web);
    clock_jump(DAY + 60);
    renew(rig);
    expect_notices(rig, LOG_LEVEL_WARNING, 2, ".crl: ");
    web_resume(rig->web);
    fetching_put_list(rig, "/authority.crl", &(struct pki_crl_spec){.issuer = rig->root}, FETCHING_DER);
    renew_after(rig, 60);
    expect_notices(rig, LOG_LEVEL_INFO, 1, "/root.crl answers again");
}

/* Why, where the server answers; and that it does not know a certificate is an answer. */
Test(renewal, failures_of_what_was_sent)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder unknown = {.status = V_OCSP_CERTSTATUS_UNKNOWN}, later = {.error = OCSP_RESPONSE_STATUS_TRYLATER};
    responder_put(&unknown, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_TEMPERROR, "does not know it");
    EXPECT_SILENCE(rig);
    for (int i = 0; i < 6; i++) {
        responder_put(i % 2 == 0 ? &later : &unknown, rig, "/ocsp");
        clock_jump(60);
        renew(rig);
    }
    enum log_level level;
    g_autofree char *first = trust_next_notice(rig->setting->trust, &level);
    g_autofree char *second = trust_next_notice(rig->setting->trust, &level);
    g_autofree char *third = trust_next_notice(rig->setting->trust, &level);
    cr_expect(first != NULL && g_str_has_suffix(first, "/ocsp: its OCSP responder says to try later"), "%s", first);
    cr_expect(second != NULL && g_str_has_suffix(second, "/ocsp answers again"), "%s", second);
    cr_expect_null(third, "%s", third);
    responder_clear(&unknown);
    responder_clear(&later);
}

static double gauge(const char *name)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    metrics_print(stream);
    fclose(stream);
    const char *line = strstr(text, name);
    double value = line != NULL ? g_ascii_strtod(strchr(line, ' '), NULL) : -1;
    free(text);
    return value;
}

Test(renewal, what_is_known_is_measured)
{
    owned(fetching) struct fetching *rig = fetching_new(BOTH, PKI_LIST(RESPONDER));
    struct responder responder = {0};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    kept_measure(rig->setting->trust->kept, time(NULL));
    cr_expect_eq(gauge("\ndomsec_revocation_known{what=\"crl\"}"), 1);
    cr_expect_eq(gauge("\ndomsec_revocation_known{what=\"ocsp\"}"), 1);
    cr_expect_float_eq(gauge("\ndomsec_revocation_age_seconds{what=\"crl\"}"), DAY, 60);
    cr_expect_float_eq(gauge("\ndomsec_revocation_age_seconds{what=\"ocsp\"}"), 3600, 60);
    kept_measure(rig->setting->trust->kept, time(NULL) + 7200);
    cr_expect_eq(gauge("\ndomsec_revocation_known{what=\"ocsp\"}"), 0);
    web_pause(rig->web);
    clock_jump(3000);
    renew(rig);
    cr_expect_eq(gauge("\ndomsec_revocation_failing"), 1);
    web_resume(rig->web);
    clock_jump(60);
    renew(rig);
    cr_expect_eq(gauge("\ndomsec_revocation_failing"), 0);
    responder_clear(&responder);
}
