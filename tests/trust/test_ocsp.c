/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responders, honest and not. */
#include "support/fetching.h"
#include "support/responder.h"

#define RESPONDER "authorityInfoAccess=OCSP;URI:%s/ocsp"
#define GROUP(check) "check = \"" check "\"; fetch = true; ocsp = true;"
#define VALID "the certification path is valid"

struct row {
    const char *what;
    struct responder says;
    enum outcome hard;
    const char *reason;
};

static const struct row rows[] = {
    {"good", {0}, OUTCOME_PASS, VALID},
    {"revoked", {.status = V_OCSP_CERTSTATUS_REVOKED}, OUTCOME_FAIL, "is revoked"},
    {"unknown", {.status = V_OCSP_CERTSTATUS_UNKNOWN}, OUTCOME_TEMPERROR, "its OCSP responder does not know it"},
    {"out of date", {.from = -7200, .until = -3600}, OUTCOME_TEMPERROR, "its OCSP answer is out of date"},
    {"revoked, out of date",
     {.from = -7200, .until = -3600, .status = V_OCSP_CERTSTATUS_REVOKED},
     OUTCOME_FAIL,
     "is revoked"},
    {"from the future", {.from = 3600, .until = 7200}, OUTCOME_TEMPERROR, "its OCSP answer is from the future"},
    {"a clock that is a little fast", {.from = 60, .until = 7200}, OUTCOME_PASS, VALID},
    {"no end, with our nonce", {.no_end = true}, OUTCOME_PASS, VALID},
    {"no end, no nonce",
     {.no_end = true, .nonce = RESPONDER_NO_NONCE},
     OUTCOME_TEMPERROR,
     "does not say until when it holds"},
    {"no nonce", {.nonce = RESPONDER_NO_NONCE}, OUTCOME_PASS, VALID},
    {"wrong nonce", {.nonce = RESPONDER_WRONG_NONCE}, OUTCOME_TEMPERROR, "another nonce"},
    {"delegated", {.signer = RESPONDER_DELEGATED}, OUTCOME_PASS, VALID},
    {"delegated, may be revoked", {.signer = RESPONDER_CHECKED}, OUTCOME_TEMPERROR, "has no ocsp-nocheck"},
    {"delegated, has expired", {.signer = RESPONDER_EXPIRED}, OUTCOME_TEMPERROR, "responder's certificate has expired"},
    {"without the right to answer", {.signer = RESPONDER_WITHOUT_RIGHT}, OUTCOME_TEMPERROR, "may answer for it"},
    {"of another authority", {.signer = RESPONDER_OF_ANOTHER}, OUTCOME_TEMPERROR, "may answer for it"},
    {"signed by alice herself", {.signer = RESPONDER_SUBJECT}, OUTCOME_TEMPERROR, "may answer for it"},
    {"bad signature", {.damages = true}, OUTCOME_TEMPERROR, "may answer for it"},
    {"another certificate", {.other_certificate = true}, OUTCOME_TEMPERROR, "is about another certificate"},
    {"named by SHA-256", {.sha256 = true}, OUTCOME_PASS, VALID},
    {"unknown critical extension", {.critical = true}, OUTCOME_TEMPERROR, "unknown critical extension"},
    {"try later", {.error = OCSP_RESPONSE_STATUS_TRYLATER}, OUTCOME_TEMPERROR, "to try later"},
    {"internal error", {.error = OCSP_RESPONSE_STATUS_INTERNALERROR}, OUTCOME_TEMPERROR, "to try later"},
    {"unauthorized", {.error = OCSP_RESPONSE_STATUS_UNAUTHORIZED}, OUTCOME_TEMPERROR, "does not answer the question"},
    {"HTML", {.text = "<html></html>"}, OUTCOME_TEMPERROR, "is no answer"},
    {"nothing", {.text = ""}, OUTCOME_TEMPERROR, "is no answer"},
};

static void ask(struct fetching *rig, const struct row *row, const char *group, enum outcome expected)
{
    g_free(rig->group);
    rig->group = g_strdup(group);
    fetching_open(rig, NULL);
    struct finding finding;
    fetching_ask(rig, rig->alice, FETCHING_PATIENCE, &finding);
    cr_expect_eq(finding.outcome, expected, "%s, %s: %s: %s", row->what, group, outcome_name(finding.outcome),
                 finding.reason);
    if (strstr(group, "off") == NULL)
        cr_expect_not_null(strstr(finding.reason, row->reason), "%s: %s", row->what, finding.reason);
}

static void run(size_t begin, size_t end)
{
    owned(fetching) struct fetching *rig = fetching_new(GROUP("hard"), PKI_LIST(RESPONDER));
    struct responder responder = {0};
    for (size_t i = begin; i < MIN(end, G_N_ELEMENTS(rows)); i++) {
        responder = rows[i].says;
        responder_put(&responder, rig, "/ocsp");
        ask(rig, &rows[i], GROUP("hard"), rows[i].hard);
        ask(rig, &rows[i], GROUP("soft"), rows[i].hard == OUTCOME_TEMPERROR ? OUTCOME_PASS : rows[i].hard);
        unsigned count = web_count(rig->web, NULL);
        ask(rig, &rows[i], GROUP("off"), OUTCOME_PASS);
        cr_expect_eq(web_count(rig->web, NULL), count, "%s: nothing is asked where nothing is checked", rows[i].what);
        responder_clear(&responder);
    }
}

Test(ocsp, what_responders_say)
{
    run(0, 13);
}

Test(ocsp, what_responders_say_further)
{
    run(13, G_N_ELEMENTS(rows));
}

/* A list decides where no responder does. */
Test(ocsp, lists_behind_it)
{
    static const struct {
        struct responder says;
        bool is_revoked;
        enum outcome expected;
    } cases[] = {
        {{.error = OCSP_RESPONSE_STATUS_TRYLATER}, false, OUTCOME_PASS},
        {{.error = OCSP_RESPONSE_STATUS_TRYLATER}, true, OUTCOME_FAIL},
        {{.status = V_OCSP_CERTSTATUS_UNKNOWN}, false, OUTCOME_PASS},
        {{.nonce = RESPONDER_WRONG_NONCE}, true, OUTCOME_FAIL},
    };
    owned(fetching) struct fetching *rig =
        fetching_new(GROUP("hard"), PKI_LIST(RESPONDER, "crlDistributionPoints=URI:%s/authority.crl"));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct responder responder = cases[i].says;
        responder_put(&responder, rig, "/ocsp");
        struct pki_crl_spec list = {.issuer = rig->authority, .revoked = {cases[i].is_revoked ? rig->alice : NULL}};
        fetching_put_list(rig, "/authority.crl", &list, FETCHING_DER);
        fetching_open(rig, NULL);
        fetching_expect(rig, cases[i].expected, "");
        responder_clear(&responder);
    }
}

Test(ocsp, second_responder)
{
    owned(fetching) struct fetching *rig =
        fetching_new(GROUP("hard"), PKI_LIST("authorityInfoAccess=OCSP;URI:%s/busy,OCSP;URI:%s/ocsp"));
    struct responder busy = {.error = OCSP_RESPONSE_STATUS_TRYLATER}, responder = {0};
    responder_put(&busy, rig, "/busy");
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_eq(web_count(rig->web, "/busy"), 1);
    responder_clear(&busy);
    responder_clear(&responder);
}

/* RFC 5019: a GET without a nonce, which caches can answer. */
Test(ocsp, lightweight)
{
    owned(fetching) struct fetching *rig = fetching_new("check = \"hard\"; ocsp_nonce = false;", PKI_LIST(RESPONDER));
    struct responder responder = {0};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_eq(web_count(rig->web, "/ocsp"), 1);
    cr_expect_not(responder.had_nonce);
    g_autofree char *request = web_last_request(rig->web);
    cr_expect(strstr(request, "/ocsp/M") != NULL || strstr(request, "root.crl") != NULL, "%s", request);
    responder_clear(&responder);
}

Test(ocsp, nonce_of_32_octets)
{
    owned(fetching) struct fetching *rig = fetching_new(GROUP("hard"), PKI_LIST(RESPONDER));
    struct responder responder = {0};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_eq(responder.had_nonce, 32);
    responder_clear(&responder);
}

/* What is known stays known while nothing answers. */
Test(ocsp, outage)
{
    owned(fetching) struct fetching *rig = fetching_new(GROUP("soft"), PKI_LIST(RESPONDER));
    struct responder responder = {.status = V_OCSP_CERTSTATUS_REVOKED, .until = 1};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    web_pause(rig->web);
    g_usleep(2 * G_USEC_PER_SEC);
    fetching_expect(rig, OUTCOME_FAIL, "is revoked");
    responder_clear(&responder);
}
