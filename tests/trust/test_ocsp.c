/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responders, honest and not. */
#include "support/embed.h"
#include "support/fetching.h"
#include "support/responder.h"

#include "trust/ocsp.h"

#include <dlfcn.h>
#include <openssl/rand.h>

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
    cr_expect_eq(responder.digest, NID_sha1);
    cr_assert_eq(responder.path[0], '/', "it was posted");
    g_autofree char *base64 = g_uri_unescape_string(responder.path + 1, NULL);
    cr_expect(g_str_has_prefix(base64, "M") && strlen(base64) % 4 == 0, "%s", base64);
    cr_expect_null(strpbrk(responder.path + 1, "+/="), "not escaped: %s", responder.path);
    responder_clear(&responder);
}

/* RFC 5019 section 5: one of more than 255 octets is posted. */
Test(ocsp, lightweight_with_a_long_address)
{
    g_autofree char *longer = g_strnfill(200, 'a'), *point = g_strconcat(RESPONDER, "/", longer, NULL);
    owned(fetching) struct fetching *rig = fetching_new("check = \"hard\"; ocsp_nonce = false;", PKI_LIST(point));
    struct responder responder = {0};
    responder_put(&responder, rig, "/ocsp");
    fetching_expect(rig, OUTCOME_PASS, VALID);
    cr_expect_str_empty(responder.path);
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

static bool is_without_randomness;

int RAND_bytes(unsigned char *octets, int count)
{
    int (*real)(unsigned char *, int) = (int (*)(unsigned char *, int))dlsym(RTLD_NEXT, "RAND_bytes");
    return is_without_randomness ? 0 : real(octets, count);
}

Test(ocsp, no_question_has_a_nonce_that_can_be_foreseen)
{
    struct ocsp_question question;
    PKI_AUTO struct pki *authority = pki_ca("Authority"), *alice = pki_person(authority, "alice@acme.test");
    is_without_randomness = true;
    cr_expect_not(ocsp_ask(&question, alice->cert, authority->cert, true));
    ocsp_question_clear(&question);
    is_without_randomness = false;
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

/* --- answers that come with the message (RFC 5940) --- */

/* Those that depend on the nonce of a question. */
static enum outcome without_question(const struct row *row)
{
    if (row->says.nonce == RESPONDER_WRONG_NONCE)
        return OUTCOME_PASS;
    return row->says.no_end ? OUTCOME_TEMPERROR : row->hard;
}

/* Opens trust anew, and asks while the responder says `busy`, or else what `ours` says. */
static void expect_with(struct fetching *rig, struct responder *ours, const GPtrArray *embedded, enum outcome expected,
                        const char *what)
{
    struct finding finding;
    responder_put(ours, rig, "/ocsp");
    rig->embedded = embedded;
    fetching_ask(rig, rig->alice, FETCHING_PATIENCE, &finding);
    rig->embedded = NULL;
    cr_expect_eq(finding.outcome, expected, "%s: %s: %s", what, outcome_name(finding.outcome), finding.reason);
}

/* A good answer spares the question, a revoked one refuses, and any other one is as if it was not there. */
Test(ocsp, embedded)
{
    owned(fetching) struct fetching *rig = fetching_new(GROUP("hard"), PKI_LIST(RESPONDER));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct responder says = rows[i].says, busy = {.error = OCSP_RESPONSE_STATUS_TRYLATER}, good = {0};
        enum outcome expected = without_question(&rows[i]);
        g_autoptr(GPtrArray) embedded = embed_list();
        embed_add(embedded, responder_answer(&says, rig));
        fetching_open(rig, NULL);
        unsigned before = web_count(rig->web, "/ocsp");
        expect_with(rig, &busy, embedded, expected, rows[i].what);
        cr_expect_eq(web_count(rig->web, "/ocsp") - before, expected == OUTCOME_TEMPERROR ? 1 : 0, "%s", rows[i].what);
        if (expected == OUTCOME_TEMPERROR) {
            fetching_open(rig, NULL);
            expect_with(rig, &good, embedded, OUTCOME_PASS, rows[i].what);
        }
        responder_clear(&says);
    }
}

/* Answers in a message beside what we know. 0: there is none; in seconds from now, when it was given. */
struct beside {
    const char *what;
    struct {
        int status;
        long from, until;
    } ours, first, second;
    enum outcome expected;
};
#define G V_OCSP_CERTSTATUS_GOOD
#define R V_OCSP_CERTSTATUS_REVOKED

static const struct beside besides[] = {
    {"we know better", {R, -60, 3600}, {G, -7200, 3600}, {0}, OUTCOME_FAIL},
    {"we know that it is revoked", {R, -7200, 3600}, {G, -60, 3600}, {0}, OUTCOME_FAIL},
    {"it was revoked for a time", {G, -60, 3600}, {R, -7200, 3600}, {0}, OUTCOME_PASS},
    {"it is revoked since", {G, -7200, 3600}, {R, -60, 3600}, {0}, OUTCOME_FAIL},
    {"it is revoked in the same second", {G, -60, 3600}, {R, -60, 3600}, {0}, OUTCOME_FAIL},
    {"the older of two first", {0, 0, 0}, {G, -7200, 3600}, {R, -60, 3600}, OUTCOME_FAIL},
    {"the newer of two first", {0, 0, 0}, {R, -60, 3600}, {G, -7200, 3600}, OUTCOME_FAIL},
    {"of one second, good first", {0, 0, 0}, {G, -60, 3600}, {R, -60, 3600}, OUTCOME_FAIL},
    {"of one second, revoked first", {0, 0, 0}, {R, -60, 3600}, {G, -60, 3600}, OUTCOME_FAIL},
    {"stale behind good", {0, 0, 0}, {G, -7200, 3600}, {G, -60, -30}, OUTCOME_PASS},
};

static GPtrArray *embedded_of(const struct fetching *rig, const struct beside *beside, time_t now)
{
    GPtrArray *list = embed_list();
    struct responder first = {
        .now = now, .status = beside->first.status, .from = beside->first.from, .until = beside->first.until};
    struct responder second = {
        .now = now, .status = beside->second.status, .from = beside->second.from, .until = beside->second.until};
    embed_add(list, responder_answer(&first, rig));
    if (beside->second.from != 0)
        embed_add(list, responder_answer(&second, rig));
    return list;
}

Test(ocsp, embedded_beside_what_is_known)
{
    owned(fetching) struct fetching *rig = fetching_new(GROUP("hard"), PKI_LIST(RESPONDER));
    for (size_t i = 0; i < G_N_ELEMENTS(besides); i++) {
        const struct beside *beside = &besides[i];
        time_t now = time(NULL);
        g_autoptr(GPtrArray) embedded = embedded_of(rig, beside, now);
        struct responder ours = {
            .now = now, .status = beside->ours.status, .from = beside->ours.from, .until = beside->ours.until};
        fetching_open(rig, NULL);
        if (beside->ours.from != 0)
            expect_with(rig, &ours, NULL, beside->ours.status == G ? OUTCOME_PASS : OUTCOME_FAIL, beside->what);
        expect_with(rig, &ours, embedded, beside->expected, beside->what);
        /* It counts for that message. */
        ours = (struct responder){.status = beside->ours.status};
        expect_with(rig, &ours, NULL, beside->ours.status == G ? OUTCOME_PASS : OUTCOME_FAIL, beside->what);
    }
}

/* A list has the word that it is revoked; where nothing is checked, an answer can still revoke. */
Test(ocsp, embedded_beside_lists)
{
    static const struct {
        const char *check;
        int embedded;
        bool is_listed;
        enum outcome expected;
    } cases[] = {
        {"check = \"hard\"; ocsp = false;", G, true, OUTCOME_FAIL},
        {"check = \"hard\"; ocsp = false;", R, false, OUTCOME_FAIL},
        {"check = \"hard\"; ocsp = false;", G, false, OUTCOME_PASS},
        {"check = \"soft\";", G, true, OUTCOME_FAIL},
        {"check = \"off\";", R, false, OUTCOME_FAIL},
        {"check = \"off\";", G, true, OUTCOME_PASS},
    };
    owned(fetching) struct fetching *rig =
        fetching_new(GROUP("hard"), PKI_LIST("crlDistributionPoints=URI:%s/authority.crl"));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct pki_crl_spec list = {.issuer = rig->authority, .revoked = {cases[i].is_listed ? rig->alice : NULL}};
        struct responder says = {.status = cases[i].embedded}, silent = {0};
        g_autoptr(GPtrArray) embedded = embed_list();
        embed_add(embedded, responder_answer(&says, rig));
        fetching_put_list(rig, "/authority.crl", &list, FETCHING_DER);
        g_free(rig->group);
        rig->group = g_strdup(cases[i].check);
        fetching_open(rig, NULL);
        if (cases[i].is_listed) /* so that the list is known */
            expect_with(rig, &silent, NULL, cases[i].expected, "without");
        expect_with(rig, &silent, embedded, cases[i].expected, cases[i].check);
    }
}

/* Anyone can put a certificate with a key of his choice beside an answer. */
Test(ocsp, embedded_with_a_slow_key)
{
    owned(fetching) struct fetching *rig = fetching_new(GROUP("hard"), PKI_LIST(RESPONDER));
    EVP_PKEY *key = pki_rsa_public(3072, 3000);
    X509 *slow = X509_new();
    struct responder says = {.signer = RESPONDER_DELEGATED};
    GByteArray *answer = responder_answer(&says, rig);
    const unsigned char *at = answer->data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer->len);
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    X509_set_subject_name(slow, X509_get_subject_name(says.key->cert));
    X509_set_issuer_name(slow, X509_get_subject_name(rig->authority->cert));
    X509_gmtime_adj(X509_getm_notBefore(slow), -3600);
    X509_gmtime_adj(X509_getm_notAfter(slow), 3600);
    X509_set_pubkey(slow, key);
    X509_sign(slow, rig->authority->key, EVP_sha256());
    cr_assert_gt(sk_X509_unshift((STACK_OF(X509) *)OCSP_resp_get0_certs(basic), slow), 0);
    OCSP_RESPONSE *changed = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int length = i2d_OCSP_RESPONSE(changed, &der);
    g_autoptr(GPtrArray) embedded = embed_list();
    embed_add(embedded, g_byte_array_append(g_byte_array_new(), der, (guint)length));
    struct budget budget = {.limit = 1000 * BUDGET_MILLISECOND};
    const struct chain_query query = {
        .leaf = rig->alice->cert, .untrusted = rig->untrusted, .embedded = embedded, .budget = &budget};
    setting_expect(rig->setting, &query, OUTCOME_TEMPERROR, "cannot be checked", "slow key");
    cr_expect_lt(budget.spent, 6 * BUDGET_MILLISECOND, "%u", (unsigned)budget.spent);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(changed);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    EVP_PKEY_free(key);
    g_byte_array_unref(answer);
    responder_clear(&says);
}

Test(ocsp, embedded_are_paid_for)
{
    owned(fetching) struct fetching *rig = fetching_new(GROUP("soft"), PKI_LIST(RESPONDER));
    uint64_t spent[2] = {0};
    for (unsigned i = 0; i < 2; i++) {
        struct budget budget = {.limit = 1000 * BUDGET_MILLISECOND};
        g_autoptr(GPtrArray) embedded = embed_list();
        for (unsigned j = 0; j < (i == 0 ? 1 : 11); j++) {
            struct responder says = {0};
            embed_add(embedded, responder_answer(&says, rig));
        }
        const struct chain_query query = {
            .leaf = rig->alice->cert, .untrusted = rig->untrusted, .embedded = embedded, .budget = &budget};
        setting_expect(rig->setting, &query, OUTCOME_PASS, VALID, "several");
        spent[i] = budget.spent;
    }
    cr_expect_gt(spent[1] - spent[0], 10 * 2 * key_cost(rig->authority->key));
}

/* Of an authority in the path, too. */
Test(ocsp, embedded_of_an_authority)
{
    owned(fetching) struct fetching *rig = fetching_new("check = \"hard\";", PKI_LIST(RESPONDER));
    const struct fetching above = {.web = rig->web, .root = rig->root, .authority = rig->root, .alice = rig->authority};
    for (int is_revoked = 0; is_revoked < 2; is_revoked++) {
        struct responder of_alice = {0}, of_authority = {.status = is_revoked ? R : G}, silent = {0};
        g_autoptr(GPtrArray) embedded = embed_list();
        embed_add(embedded, responder_answer(&of_alice, rig));
        embed_add(embedded, responder_answer(&of_authority, &above));
        fetching_open(rig, NULL);
        expect_with(rig, &silent, embedded, is_revoked ? OUTCOME_FAIL : OUTCOME_PASS, "an authority");
    }
    cr_expect_eq(web_count(rig->web, NULL), 0);
}
