/* SPDX-License-Identifier: Apache-2.0 */
/* How a path is judged of which something has to be fetched: how often it is waited for, how long, and outside of which
 * turn. */
#include "gateway/internal.h"

#include "support/clock.h"
#include "support/fetching.h"

#define HARD "check = \"hard\"; fetch = true;"
#define LIST PKI_LIST("crlDistributionPoints=URI:%s/alice.crl")
#define SOON (G_USEC_PER_SEC / 4)

/* The turns of one question, and what else it cost. */
struct watch {
    int depth;
    unsigned left, progressed, issuers;
    int64_t took;
};

static void enter(void *context)
{
    struct watch *watch = context;
    cr_expect_eq(watch->depth++, 0);
}

static void leave(void *context)
{
    struct watch *watch = context;
    cr_expect_eq(watch->depth--, 1);
    watch->left++;
}

static void tell(void *context)
{
    struct watch *watch = context;
    cr_expect_eq(watch->depth, 0, "within a turn");
    watch->progressed++;
}

static struct watch judge(const struct fetching *rig, STACK_OF(X509) * untrusted, int64_t wait, struct finding *finding)
{
    struct watch watch = {.depth = 1, .issuers = ISSUERS_MAX};
    const struct turns turns = {.enter = enter, .leave = leave, .tell = tell, .context = &watch};
    const struct gateway gateway = {.conf = rig->setting->conf, .trust = rig->setting->trust};
    int64_t began = g_get_monotonic_time();
    const struct patience patience = {.deadline = began + wait, .issuers = &watch.issuers, .turns = &turns};
    const struct chain_query query = {.leaf = rig->alice->cert,
                                      .untrusted = untrusted,
                                      .purpose = PURPOSE_SIGN,
                                      .partner = rig->setting->partner,
                                      .at = time(NULL)};
    judge_chain(&gateway, &query, &patience, finding);
    watch.took = g_get_monotonic_time() - began;
    cr_expect_eq(watch.depth, 1, "the turn goes on");
    return watch;
}

Test(judge_chain, what_is_waited_for)
{
    static const struct {
        const char *what;
        struct web_page list;
        int64_t wait;
        enum outcome outcome;
        unsigned left, asked;
    } rows[] = {
        {"a list", {0}, FETCHING_PATIENCE, OUTCOME_PASS, 1, 1},
        /* what comes of it may need something else; not more often */
        {"a list that cannot be had", {.status = 404}, FETCHING_PATIENCE, OUTCOME_TEMPERROR, 2, 1},
        {"a server that says nothing", {.manner = WEB_HANG}, SOON, OUTCOME_TEMPERROR, 1, 0},
        {"no time", {0}, -1, OUTCOME_TEMPERROR, 0, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(fetching) struct fetching *rig = fetching_new(HARD, LIST);
        struct finding finding = {0};
        if (rows[i].list.status == 0 && rows[i].list.manner == WEB_PLAIN)
            fetching_put_list(rig, "/alice.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
        else
            web_put(rig->web, "/alice.crl", &rows[i].list);
        struct watch watch = judge(rig, rig->untrusted, rows[i].wait, &finding);
        cr_expect_eq(finding.outcome, rows[i].outcome, "%s: %s", rows[i].what, finding.reason);
        cr_expect_eq(watch.left, rows[i].left, "%s: %u", rows[i].what, watch.left);
        cr_expect_eq(watch.progressed, 0, "%s: %u", rows[i].what, watch.progressed);
        if (rows[i].wait != SOON) /* which may be too soon for the request */
            cr_expect_eq(web_count(rig->web, "/alice.crl"), rows[i].asked, "%s", rows[i].what);
        cr_expect(rows[i].wait != SOON || watch.took < 3 * G_USEC_PER_SEC, "%s: the deadline holds", rows[i].what);
        if (rows[i].outcome != OUTCOME_PASS)
            continue;
        struct watch again = judge(rig, rig->untrusted, rows[i].wait, &finding);
        cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
        cr_expect_eq(again.left, 0, "what is known is not waited for");
    }
}

/* Every few seconds. To the program they are over while the system's clock, by which it waits, stands still. */
Test(judge_chain, the_mail_server_hears_of_it)
{
    owned(fetching) struct fetching *rig = fetching_new(HARD, LIST);
    struct finding finding = {0};
    fetching_put_list(rig, "/alice.crl", &(struct pki_crl_spec){.issuer = rig->authority}, FETCHING_DER);
    clock_jump(-(int)(TELL_EVERY / G_USEC_PER_SEC));
    struct watch watch = judge(rig, rig->untrusted, FETCHING_PATIENCE, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
    cr_expect_gt(watch.progressed, 0);
    cr_expect_eq(watch.left, 1);
}

/* One certificate of an authority is asked for once, also if it does not come in time. */
Test(judge_chain, issuers_are_counted)
{
    owned(fetching) struct fetching *rig =
        fetching_new("check = \"off\";", PKI_LIST("authorityInfoAccess=caIssuers;URI:%s/authority.cer"));
    struct finding finding = {0};
    fetching_open(rig, "fetch_issuers = true; fetch_networks = ( \"127.0.0.0/8\" );");
    web_put(rig->web, "/authority.cer", &(struct web_page){.manner = WEB_HANG});
    struct watch watch = judge(rig, NULL, SOON, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_TEMPERROR, "%s", finding.reason);
    cr_expect_eq(watch.issuers, ISSUERS_MAX - 1, "%u", watch.issuers);
    cr_expect_leq(web_count(rig->web, NULL), 1);
}

/* `domsec check` does not fault what a message would wait for. */
Test(judge_chain, what_would_be_fetched)
{
    static const struct {
        bool fetch, ocsp, issuers;
        enum outcome outcome;
        bool expected;
    } rows[] = {
        {false, false, false, OUTCOME_TEMPERROR, false}, {true, false, false, OUTCOME_TEMPERROR, true},
        {false, true, false, OUTCOME_TEMPERROR, true},   {false, false, true, OUTCOME_TEMPERROR, true},
        {true, true, true, OUTCOME_PERMERROR, false},    {true, true, true, OUTCOME_FAIL, false},
        {true, true, true, OUTCOME_POLICY, false},
    };
    owned(fetching) struct fetching *rig = fetching_new(HARD, LIST);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct revocation_conf revocation = {.fetch = rows[i].fetch, .ocsp = rows[i].ocsp};
        const struct partner partner = {.revocation = &revocation};
        struct conf conf = {.fetch_issuers = rows[i].issuers};
        const struct gateway gateway = {.conf = &conf, .trust = rig->setting->trust};
        const struct finding finding = {.outcome = rows[i].outcome};
        cr_expect_eq(is_to_be_fetched(&gateway, &partner, &finding), rows[i].expected, "row %zu", i);
    }
    /* nor a trust bundle that has not come yet */
    AUTO_SETTING setting =
        setting_new("trust_anchors = ( { url = \"https://127.0.0.1:1/bundle\"; } );\nstore = \"sqlite:store.db\";",
                    "revocation = { fetch = false; ocsp = false; };");
    g_autofree char *uri = g_strdup_printf("sqlite:%s/store.db", setting->folder);
    owned(store) struct store *store = store_open(uri);
    struct error error = {0};
    cr_assert(store_create(store, &error), "%s", error.text);
    setting_open(setting);
    struct conf conf = {0};
    const struct gateway gateway = {.conf = &conf, .trust = setting->trust};
    const struct finding finding = {.outcome = OUTCOME_TEMPERROR};
    cr_expect(is_to_be_fetched(&gateway, setting->partner, &finding));
}
