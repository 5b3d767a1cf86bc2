/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of queries through scripted sources: who is asked, what is checked, and what the answer is.
 */
#include "certs/certs.h"

#include "support/pki.h"
#include "support/scripted_certs.h"

#include <criterion/criterion.h>

#define BOB "bob@partner.test"
#define CAROL "carol@partner.test"
#define DAVE "dave@partner.test"

/* What trust would say, by the certificate's common name: "good…", "unknown…" (cannot be checked now), "blank…" (sets
 * nothing), anything else is bad. */
struct judge {
    GString *checked; /* names in order, with a space behind each */
};

static const char *name_of(const struct candidate *candidate)
{
    static char name[100];
    X509_NAME_get_text_by_NID(X509_get_subject_name(candidate->certificate), NID_commonName, name, sizeof(name));
    return name;
}

static bool check(void *context, size_t query, const struct candidate *candidate, struct finding *finding)
{
    struct judge *judge = context;
    const char *name = name_of(candidate);
    g_string_append_printf(judge->checked, "%zu:%s ", query, name);
    if (g_str_has_prefix(name, "good"))
        return finding_set(finding, OUTCOME_PASS, "%s is good", name);
    if (g_str_has_prefix(name, "blank"))
        return false;
    return finding_set(finding, g_str_has_prefix(name, "unknown") ? OUTCOME_TEMPERROR : OUTCOME_FAIL, "%s is not good",
                       name);
}

/* --- a rig of scripted sources --- */

#define SOURCES 3
struct scene {
    struct scripted_certs *sources[SOURCES]; /* "first", "second", "third"; certs owns them */
    struct certs *certs;
    struct pki *ca;
    struct judge judge;
    struct certs_acceptance accept;
    struct address addresses[3];
    struct certs_query queries[3]; /* for BOB, CAROL and DAVE */
    struct certs_answer answers[3];
    struct partner partner;
};

static struct scene *scene_new(void)
{
    static const char *const names[SOURCES] = {"first", "second", "third"};
    static const char *const people[] = {BOB, CAROL, DAVE};
    struct scene *scene = g_new0(struct scene, 1);
    scene->ca = pki_ca("root");
    scene->judge.checked = g_string_new(NULL);
    scene->accept = (struct certs_acceptance){.check = check, .context = &scene->judge};
    struct certs_opened opened[SOURCES];
    for (size_t i = 0; i < SOURCES; i++) {
        scene->sources[i] = scripted_certs_new(names[i]);
        opened[i] = scripted_certs_source(scene->sources[i]);
    }
    scene->certs = certs_with(opened, SOURCES);
    for (size_t i = 0; i < G_N_ELEMENTS(people); i++) {
        struct error error = {0};
        cr_assert(address_parse(slice_of(people[i]), &scene->addresses[i], &error));
        scene->queries[i] =
            (struct certs_query){.purpose = CERTS_ENCRYPT, .partner = &scene->partner, .address = &scene->addresses[i]};
    }
    return scene;
}

static void scene_free(struct scene *scene)
{
    certs_answers_clear(scene->answers, G_N_ELEMENTS(scene->answers));
    certs_close(scene->certs);
    for (size_t i = 0; i < G_N_ELEMENTS(scene->addresses); i++)
        address_clear(&scene->addresses[i]);
    pki_free(scene->ca);
    g_string_free(scene->judge.checked, TRUE);
    g_free(scene);
}
DECLARE_OWNED(scene, struct scene *, scene_free)

/* A certificate with that common name; lent until the process ends. */
static X509 *named(const struct scene *scene, const char *name)
{
    g_autofree char *subject = g_strconcat("CN=", name, NULL);
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.issuer = scene->ca, .subject = PKI_LIST(subject)});
    return steal(&pki->cert);
}

static void own(const struct scene *scene, size_t source, const char *address, const char *name)
{
    owned(X509) X509 *certificate = named(scene, name);
    scripted_certs_own(scene->sources[source], address, certificate);
}

static void domain(const struct scene *scene, size_t source, const char *address, const char *name)
{
    owned(X509) X509 *certificate = named(scene, name);
    scripted_certs_domain(scene->sources[source], address, certificate);
}

static void fail(const struct scene *scene, size_t source, const char *address, bool personal, const char *text)
{
    scripted_certs_fail(scene->sources[source], address, personal, ERROR_TEMPORARY, text);
}

static void ask(struct scene *scene, size_t count)
{
    certs_answers_clear(scene->answers, G_N_ELEMENTS(scene->answers));
    certs_ask(scene->certs, scene->queries, count, CERTS_NO_DEADLINE, &scene->accept, scene->answers);
}

/* Of BOB's answer: expects this, the chosen one by name (or the error), and what each source was asked. */
static void expect(const struct scene *scene, enum found found, const char *says)
{
    const struct certs_answer *answer = &scene->answers[0];
    cr_expect_eq(answer->found, found, "%d: %s", answer->found, answer->error.text);
    if (found == FOUND) {
        cr_assert_lt(answer->chosen, answer->count);
        cr_expect_str_eq(name_of(&answer->list[answer->chosen]), says);
        cr_expect_eq(answer->error.kind, ERROR_NONE);
        cr_expect_str_empty(answer->error.text);
        return;
    }
    cr_expect_eq(answer->chosen, answer->count);
    cr_expect_str_eq(answer->error.said, says);
    cr_expect_eq(answer->error.kind, found == FOUND_NONE ? ERROR_PERMANENT : ERROR_TEMPORARY);
}

static void expect_asked(const struct scene *scene, unsigned first, unsigned second, unsigned third)
{
    cr_expect_eq(scene->sources[0]->batches, first);
    cr_expect_eq(scene->sources[1]->batches, second);
    cr_expect_eq(scene->sources[2]->batches, third);
}

/* --- choosing --- */

Test(certs, stops_at_the_first_that_is_accepted)
{
    owned(scene) struct scene *scene = scene_new();
    own(scene, 0, BOB, "bad 1");
    own(scene, 1, BOB, "bad 2");
    own(scene, 1, BOB, "good 1");
    own(scene, 1, BOB, "good 2");
    domain(scene, 1, BOB, "good 3");
    own(scene, 2, BOB, "good 4");
    ask(scene, 1);
    expect(scene, FOUND, "good 1");
    expect_asked(scene, 1, 1, 0);
    cr_expect_str_eq(scene->judge.checked->str, "0:bad 1 0:bad 2 0:good 1 ", "%s", scene->judge.checked->str);
    static const enum outcome findings[] = {OUTCOME_FAIL, OUTCOME_FAIL, OUTCOME_PASS, OUTCOME_NONE, OUTCOME_NONE};
    static const char *const sources[] = {"first", "second", "second", "second", "second"};
    cr_assert_eq(scene->answers[0].count, G_N_ELEMENTS(findings));
    for (size_t i = 0; i < G_N_ELEMENTS(findings); i++) {
        cr_expect_eq(scene->answers[0].list[i].finding.outcome, findings[i], "candidate %zu", i);
        cr_expect_str_eq(scene->answers[0].list[i].source, sources[i]);
        cr_expect_eq(scene->answers[0].list[i].personal, i < 4);
        cr_expect_not(scene->answers[0].list[i].pinned);
    }
    cr_expect_str_eq(scene->answers[0].list[1].finding.reason, "bad 2 is not good");
}

Test(certs, a_batch_shrinks_to_what_is_open)
{
    owned(scene) struct scene *scene = scene_new();
    domain(scene, 0, CAROL, "good for carol");
    fail(scene, 0, DAVE, true, "down");
    own(scene, 1, BOB, "good for bob");
    ask(scene, 3);
    cr_expect_str_eq(scene->sources[0]->asked->str, BOB " " CAROL " " DAVE " ");
    cr_expect_str_eq(scene->sources[1]->asked->str, BOB " " DAVE " ");
    cr_expect_str_eq(scene->sources[2]->asked->str, DAVE " ");
    expect_asked(scene, 1, 1, 1);
    cr_expect_str_eq(scene->judge.checked->str, "1:good for carol 0:good for bob ");
    expect(scene, FOUND, "good for bob");
    cr_expect_eq(scene->answers[1].found, FOUND);
    cr_expect_eq(scene->answers[2].found, FOUND_FAILED, "a source that is down harms those who need it");
    cr_expect_str_eq(scene->answers[2].error.said, "down");
}

/* What was asked of whom, and what came of it. */
Test(certs, the_whole_search_is_told)
{
    owned(scene) struct scene *scene = scene_new();
    owned(X509) X509 *bad = named(scene, "bad 1");
    scripted_certs_own(scene->sources[0], BOB, bad);
    own(scene, 1, BOB, "bad 2");
    scripted_certs_own(scene->sources[1], BOB, bad);
    fail(scene, 1, BOB, false, "down");
    ask(scene, 1);
    const struct certs_answer *answer = &scene->answers[0];
    static const struct certs_step steps[] = {
        {.source = "first", .found = FOUND, .count = 1},
        {.source = "second", .found = FOUND_FAILED, .note = "down: ldap_result(-1)", .count = 1, .again = 1},
        {.source = "third", .found = FOUND_NONE}};
    cr_assert_eq(answer->step_count, G_N_ELEMENTS(steps));
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        const struct certs_step *step = &answer->steps[i];
        cr_expect_str_eq(step->source, steps[i].source);
        cr_expect_str_eq(step->asked, BOB);
        cr_expect_eq(step->found, steps[i].found, "%s: %d", step->source, step->found);
        cr_expect_eq(g_strcmp0(step->note, steps[i].note), 0, "%s: %s", step->source, step->note);
        cr_expect_eq(step->count, steps[i].count, "%s: %zu", step->source, step->count);
        cr_expect_eq(step->again, steps[i].again, "%s: %zu", step->source, step->again);
        cr_expect_not(step->cached);
    }
}

Test(certs, those_who_may_not_wait_are_not_asked_to)
{
    owned(scene) struct scene *scene = scene_new();
    scene->sources[1]->source.waits = true;
    certs_set_timeout(scene->certs, G_USEC_PER_SEC);
    scene->queries[0].here = true;
    ask(scene, 2);
    cr_expect_str_eq(scene->sources[0]->asked->str, BOB " " CAROL " ");
    cr_expect_str_eq(scene->sources[1]->asked->str, CAROL " ");
    cr_expect_str_eq(scene->sources[2]->asked->str, BOB " " CAROL " ");
}

Test(certs, nothing_to_ask)
{
    owned(scene) struct scene *scene = scene_new();
    scene->addresses[0].domain[0] = '\0'; /* the null reverse-path */
    ask(scene, 1);
    expect(scene, FOUND_NONE, "no source knows one");
    ask(scene, 0);
    expect_asked(scene, 0, 0, 0);
}

Test(certs, none)
{
    owned(scene) struct scene *scene = scene_new();
    ask(scene, 1);
    expect(scene, FOUND_NONE, "no source knows one");
    expect_asked(scene, 1, 1, 1);
    domain(scene, 1, BOB, "bad 1");
    own(scene, 2, BOB, "bad 2");
    ask(scene, 1);
    expect(scene, FOUND_NONE, "bad 1 is not good");
    certs_answers_clear(scene->answers, 1);
}

/* --- failures --- */

struct row {
    const char *what;
    int failed;                     /* source that fails; -1: none */
    bool failed_own;                /* for the person's own; else only for the domain's */
    const char *own[3], *domain[3]; /* by source; NULL: none */
    enum found found;
    const char *says;
    unsigned asked; /* sources */
};

static const struct row rows[] = {
    {"found later beats failed earlier", 0, true, {NULL, "good 1"}, {NULL}, FOUND, "good 1", 2},
    {"found earlier does not meet the failure", 1, true, {"good 1"}, {NULL}, FOUND, "good 1", 1},
    {"what the failing source has found counts", 0, true, {"good 1"}, {NULL}, FOUND, "good 1", 1},
    {"failed and found nowhere", 0, true, {NULL}, {NULL}, FOUND_FAILED, "down", 3},
    {"failed last and found nowhere", 2, true, {NULL}, {NULL}, FOUND_FAILED, "down", 3},
    {"failed and only bad ones", 1, true, {"bad 1", NULL, "bad 2"}, {"bad 3"}, FOUND_FAILED, "down", 3},
    {"the domain's, failed", 1, false, {"bad 1"}, {"bad 2"}, FOUND_FAILED, "down", 3},
    {"the domain's: found later beats failed earlier", 0, false, {NULL}, {NULL, "good 1"}, FOUND, "good 1", 2},
    {"own beats the domain's failure", 0, false, {"good 1"}, {NULL}, FOUND, "good 1", 1},
    {"own failed: never the domain's", 0, true, {NULL}, {NULL, "good 1"}, FOUND_FAILED, "down", 3},
    {"own failed: never the domain's of the same source", 0, true, {NULL}, {"good 1"}, FOUND_FAILED, "down", 3},
    {"own failed, own found behind the domain's",
     0,
     true,
     {NULL, NULL, "good 1"},
     {NULL, "good 2"},
     FOUND,
     "good 1",
     3},
    {"own failed, and then the domain's: still never the domain's",
     0,
     true,
     {NULL},
     {NULL, "unknown 1", "good 1"},
     FOUND_FAILED,
     "down",
     3},
    {"own failed behind the domain's", 1, true, {NULL}, {"good 1"}, FOUND, "good 1", 1},
    {"own cannot be checked: never the domain's",
     -1,
     false,
     {"unknown 1"},
     {"good 1"},
     FOUND_FAILED,
     "unknown 1 is not good",
     3},
    {"own cannot be checked, another can", -1, false, {"unknown 1", "good 1"}, {NULL}, FOUND, "good 1", 2},
    {"the domain's cannot be checked, another can", -1, false, {NULL}, {"unknown 1", "good 1"}, FOUND, "good 1", 2},
    {"the domain's cannot be checked, own can", -1, false, {NULL, "good 1"}, {"unknown 1"}, FOUND, "good 1", 2},
    {"cannot be checked beside bad ones",
     -1,
     false,
     {"bad 1", "bad 2"},
     {NULL, "unknown 1", "bad 3"},
     FOUND_FAILED,
     "unknown 1 is not good",
     3},
    {"a check without a finding is no verdict", -1, false, {"blank 1"}, {NULL}, FOUND_FAILED, "", 3},
    {"own failure before the domain's as the reason", 1, true, {NULL}, {"unknown 1"}, FOUND_FAILED, "down", 3},
    {"the first failure as the reason", 1, true, {"unknown 1"}, {NULL}, FOUND_FAILED, "unknown 1 is not good", 3},
};

Test(certs, failed_is_never_none)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct row *row = &rows[i];
        owned(scene) struct scene *scene = scene_new();
        for (size_t j = 0; j < SOURCES; j++) {
            if (row->own[j] != NULL)
                own(scene, j, BOB, row->own[j]);
            if (row->domain[j] != NULL)
                domain(scene, j, BOB, row->domain[j]);
        }
        if (row->failed >= 0)
            fail(scene, (size_t)row->failed, BOB, row->failed_own, "down");
        ask(scene, 1);
        cr_expect_eq(scene->answers[0].found, row->found, "%s", row->what);
        expect(scene, row->found, row->says);
        unsigned asked = scene->sources[0]->batches + scene->sources[1]->batches + scene->sources[2]->batches;
        cr_expect_eq(asked, row->asked, "%s: %u sources were asked", row->what, asked);
    }
}

/* The note beside a certificate that trust accepts and that is not used. */
Test(certs, what_is_passed_over_for_a_failure_says_so)
{
    owned(scene) struct scene *scene = scene_new();
    fail(scene, 0, BOB, true, "ldap.partner.test: down");
    domain(scene, 1, BOB, "good 1");
    ask(scene, 1);
    const struct finding *finding = &scene->answers[0].list[0].finding;
    cr_expect_eq(finding->outcome, OUTCOME_TEMPERROR);
    cr_expect_str_eq(finding->reason,
                     "acts for the domain, and the lookup of the person's own failed: ldap.partner.test: down");
}

Test(certs, a_source_that_does_not_answer_has_failed)
{
    owned(scene) struct scene *scene = scene_new();
    scripted_certs_silent(scene->sources[1], BOB);
    domain(scene, 1, BOB, "good 1");
    domain(scene, 2, BOB, "good 2");
    ask(scene, 1);
    cr_expect_eq(scene->answers[0].found, FOUND_FAILED);
    cr_expect_eq(scene->answers[0].error.kind, ERROR_BUG);
    cr_expect_str_eq(scene->answers[0].error.text, "the source \"second\" did not answer");
}

/* The kind decides between a temporary reply and others, so it is the source's. */
Test(certs, the_kind_of_a_failure_is_kept)
{
    owned(scene) struct scene *scene = scene_new();
    scripted_certs_fail(scene->sources[0], BOB, true, ERROR_CONFIGURATION, "no such server");
    ask(scene, 1);
    cr_expect_eq(scene->answers[0].found, FOUND_FAILED);
    cr_expect_eq(scene->answers[0].error.kind, ERROR_CONFIGURATION);
}

/* --- the deadline --- */

Test(certs, after_the_deadline_no_source_is_asked)
{
    owned(scene) struct scene *scene = scene_new();
    own(scene, 0, BOB, "good 1");
    certs_ask(scene->certs, scene->queries, 1, g_get_monotonic_time() - 1, &scene->accept, scene->answers);
    expect(scene, FOUND_FAILED, "the deadline of this message's lookups has passed");
    expect_asked(scene, 0, 0, 0);
}

Test(certs, a_slow_source_leaves_the_rest_unasked)
{
    owned(scene) struct scene *scene = scene_new();
    own(scene, 0, CAROL, "good for carol");
    own(scene, 2, BOB, "good for bob");
    scene->sources[1]->slow = true;
    int64_t deadline = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
    certs_ask(scene->certs, scene->queries, 2, deadline, &scene->accept, scene->answers);
    expect(scene, FOUND_FAILED, "second: timed out");
    cr_expect_eq(scene->answers[1].found, FOUND, "a slow source harms only those who need it");
    expect_asked(scene, 1, 1, 0);
    cr_expect_eq(scene->sources[1]->deadline, deadline);
}

/* --- collecting --- */

static void collect(struct scene *scene, enum certs_purpose purpose, const struct certs_acceptance *accept)
{
    scene->queries[0].purpose = purpose;
    certs_ask(scene->certs, scene->queries, 1, CERTS_NO_DEADLINE, accept, scene->answers);
    expect_asked(scene, 1, 1, 1);
    cr_expect_eq(scene->answers[0].chosen, scene->answers[0].count);
    cr_expect_str_empty(scene->judge.checked->str, "what is collected is not checked");
}

Test(certs, all_signers_are_collected)
{
    for (int accepted = 0; accepted < 2; accepted++) {
        owned(scene) struct scene *scene = scene_new();
        own(scene, 0, BOB, "good 1");
        domain(scene, 0, BOB, "good 2");
        own(scene, 2, BOB, "bad 1");
        collect(scene, CERTS_SIGNER, accepted ? &scene->accept : NULL);
        cr_expect_eq(scene->answers[0].found, FOUND);
        cr_expect_eq(scene->answers[0].error.kind, ERROR_NONE);
        cr_expect_eq(scene->answers[0].count, 3);
    }
}

Test(certs, no_acceptance_collects_too)
{
    owned(scene) struct scene *scene = scene_new();
    own(scene, 0, BOB, "good 1");
    own(scene, 1, BOB, "good 2");
    collect(scene, CERTS_ENCRYPT, NULL);
    cr_expect_eq(scene->answers[0].found, FOUND);
    cr_expect_eq(scene->answers[0].count, 2);
}

/* The one that did not come may be the one that signed. */
Test(certs, an_incomplete_collection_has_failed)
{
    for (size_t failing = 0; failing < SOURCES; failing++) {
        owned(scene) struct scene *scene = scene_new();
        own(scene, 1, BOB, "good 1");
        fail(scene, failing, BOB, false, "down");
        collect(scene, CERTS_SIGNER, NULL);
        expect(scene, FOUND_FAILED, "down");
        cr_expect_eq(scene->answers[0].count, 1);
    }
}

Test(certs, an_empty_collection_is_none)
{
    owned(scene) struct scene *scene = scene_new();
    collect(scene, CERTS_SIGNER, NULL);
    expect(scene, FOUND_NONE, "no source knows one");
}

Test(certs, a_certificate_is_a_candidate_once)
{
    owned(scene) struct scene *scene = scene_new();
    owned(X509) X509 *certificate = named(scene, "bad 1");
    scripted_certs_own(scene->sources[0], BOB, certificate);
    scripted_certs_domain(scene->sources[0], BOB, certificate);
    scripted_certs_domain(scene->sources[1], BOB, certificate);
    ask(scene, 1);
    cr_expect_eq(scene->answers[0].count, 1);
    cr_expect(scene->answers[0].list[0].personal);
    cr_expect_str_eq(scene->judge.checked->str, "0:bad 1 ");
}

/* --- kinds --- */

/* What the sources have for bob: a letter of the kind (o own, g group, d domain), then what the check says of it (+
 * good,
 * - bad, ? cannot be checked now); "!" fails for all, "~" for the domain alone. */
static const struct {
    const char *prefer; /* the initials of the kinds; "": the key is not there */
    const char *sources[SOURCES];
    enum found found;
    const char *chosen; /* its name, or is in the error's text */
    unsigned asked;     /* sources that were asked */
} kinds[] = {
    /* as ever: the first source that has one */
    {"", {"d+", "o+"}, FOUND, "good d0", 1},
    {"", {"o+ g+ d+"}, FOUND, "good o0", 1},
    {"", {"g+ d+"}, FOUND, "good g0", 1},
    {"", {"o- g+ d+"}, FOUND, "good g0", 1},
    {"", {"g- d+"}, FOUND, "good d0", 1},
    {"", {"o? g+"}, FOUND_FAILED, "unknown o0", 3},
    {"", {"g? d+"}, FOUND_FAILED, "unknown g0", 3},
    {"", {"g? d+", "g+"}, FOUND, "good g1", 2},
    {"", {"!", "g+"}, FOUND_FAILED, "down", 3},
    {"", {"~", "g+"}, FOUND, "good g1", 2},
    /* the best kind, wherever it is */
    {"ogd", {"d+", "o+"}, FOUND, "good o1", 2},
    {"ogd", {"d+", "g+", "o+"}, FOUND, "good o2", 3},
    {"ogd", {"o+", "o+"}, FOUND, "good o0", 1},
    {"ogd", {"d+", "g+"}, FOUND, "good g1", 3},
    {"ogd", {"g+", "g+"}, FOUND, "good g0", 3},
    {"ogd", {"d+", "o-", "g-"}, FOUND, "good d0", 3},
    {"ogd", {NULL}, FOUND_NONE, "no source knows one", 3},
    {"dgo", {"o+ g+", "d+"}, FOUND, "good d1", 2},
    {"dgo", {"o+", "d-"}, FOUND, "good o0", 3},
    {"god", {"o+", "g+ d+"}, FOUND, "good g1", 2},
    /* where the lookup of a better kind failed, no other one is taken */
    {"ogd", {"d+", "!"}, FOUND_FAILED, "down", 3},
    {"ogd", {"d+", "o?"}, FOUND_FAILED, "unknown o1", 3},
    {"ogd", {"d+", "o?", "o+"}, FOUND, "good o2", 3},
    {"ogd", {"g+", "~"}, FOUND, "good g0", 3},
    {"ogd", {"g+", "!"}, FOUND_FAILED, "down", 3},
    {"dgo", {"o+", "~"}, FOUND_FAILED, "down", 3},
    {"dgo", {"o+", "d?"}, FOUND_FAILED, "unknown d1", 3},
    {"god", {"o+", "g?"}, FOUND_FAILED, "unknown g1", 3},
    {"god", {"o+", "~"}, FOUND, "good o0", 3},
    /* a kind that is not wanted */
    {"d", {"o+ g+ d+"}, FOUND, "good d0", 1},
    {"d", {"o+", "g+"}, FOUND_NONE, "\"prefer\" leaves this kind out: own", 3},
    {"og", {"d+", "g+"}, FOUND, "good g1", 3},
    {"o", {"d+", "~"}, FOUND_FAILED, "down", 3},
};

static void script(const struct scene *scene, size_t source, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", " ", -1);
    for (char **word = words; *word != NULL; word++) {
        if (strchr("!~", (*word)[0]) != NULL) {
            fail(scene, source, BOB, (*word)[0] == '!', "down");
            continue;
        }
        g_autofree char *name = g_strdup_printf("%s %c%zu",
                                                (*word)[1] == '+'   ? "good"
                                                : (*word)[1] == '-' ? "bad"
                                                                    : "unknown",
                                                (*word)[0], source);
        owned(X509) X509 *certificate = named(scene, name);
        if ((*word)[0] == 'o')
            scripted_certs_own(scene->sources[source], BOB, certificate);
        else if ((*word)[0] == 'g')
            scripted_certs_group(scene->sources[source], BOB, certificate);
        else
            scripted_certs_domain(scene->sources[source], BOB, certificate);
    }
}

Test(certs, which_kind_is_taken)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        owned(scene) struct scene *scene = scene_new();
        char *prefer[CERTIFICATE_KINDS + 1] = {NULL};
        for (size_t j = 0; kinds[i].prefer[j] != '\0'; j++)
            for (int kind = 0; kind < CERTIFICATE_KINDS; kind++)
                if (certificate_kind_name((enum certificate_kind)kind)[0] == kinds[i].prefer[j])
                    prefer[j] = (char *)certificate_kind_name((enum certificate_kind)kind);
        scene->partner.prefer = prefer;
        for (size_t j = 0; j < SOURCES; j++)
            script(scene, j, kinds[i].sources[j]);
        ask(scene, 1);
        const struct certs_answer *answer = &scene->answers[0];
        cr_expect_eq(answer->found, kinds[i].found, "row %zu: %s", i, answer->error.text);
        if (answer->found == FOUND)
            cr_expect_str_eq(name_of(&answer->list[answer->chosen]), kinds[i].chosen, "row %zu", i);
        else
            cr_expect_not_null(strstr(answer->error.text, kinds[i].chosen), "row %zu: %s", i, answer->error.text);
        unsigned asked = 0;
        for (size_t j = 0; j < SOURCES; j++)
            asked += scene->sources[j]->batches;
        cr_expect_eq(asked, kinds[i].asked, "row %zu: %u", i, asked);
    }
}
