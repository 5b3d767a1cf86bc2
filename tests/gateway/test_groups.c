/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partner whose gateway has the certificate of one address for many people: what leaves is encrypted to it, and what
 * arrives is taken from them, and from no others.
 */
#include "support/attack.h"

#define GROUP(naming)                                                                                                  \
    "groups = ( { members = ( \"edi@partner.test\", \"*@trading.partner.test\" ); certificates = ( \"desk.pem\" ); "   \
    "naming = \"" naming "\"; } );\n"
#define ENCRYPT "outbound = { protect = \"encrypt\"; no_certificate = \"reject\"; };\n"
#define DOMAINS "certificates = ( \"other-dca.pem\" );\n"
#define STRICT "inbound = { require = \"sign\"; signed_by = \"originator\"; otherwise = \"reject\"; };\n"

/* acme.test with this policy for partner.test; the desk's certificate is from an authority that acme does not know, if
 * it is a stranger's. */
static struct rig *rig_with_group(const char *policy, bool stranger, struct pki **desk)
{
    struct rig *rig = rig_closed(PKI_EC);
    PKI_AUTO struct pki *other = pki_ca("other");
    *desk = pki_person(stranger ? other : rig->partner.ca, "edi@partner.test");
    g_free(pki_write(rig->acme.folder, "desk.pem", *desk, NULL));
    rig_open(&rig->acme, &rig->partner, policy, NULL);
    return rig;
}

static struct sent send_to(const struct rig *rig, const char *to)
{
    static const char text[] = "From: alice@acme.test\r\nTo: x@partner.test\r\n\r\nx\r\n";
    const struct rig_envelope spec = {"alice@acme.test", to, NULL, "alice", "192.0.2.1"};
    return rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
}

/* "group", "domain", "own", or NULL: nothing was encrypted. */
static const char *kind_of(const struct sent *sent)
{
    const struct certs_answer *answer = &sent->result->lookups.answers[0].certificates;
    if (!rig_encrypted(sent) || answer->chosen >= answer->count)
        return NULL;
    const struct candidate *chosen = &answer->list[answer->chosen];
    return chosen->personal ? "own" : chosen->group != NULL ? "group" : "domain";
}

Test(groups, what_leaves_is_encrypted_to_the_group)
{
    static const struct {
        const char *policy;
        bool stranger;
        const char *to, *kind;
    } rows[] = {
        {GROUP("pinned"), true, "edi@partner.test", "group"},
        {GROUP("pinned"), true, "Bob@Trading.partner.test", "group"},
        {GROUP("pinned"), true, "bob@partner.test", "domain"},
        {GROUP("pinned"), true, "bob@sub.trading.partner.test", "domain"},
        {GROUP("mailbox"), false, "edi@partner.test", "group"},
        {GROUP("mailbox"), false, "bob@trading.partner.test", "group"},
        {GROUP("mailbox"), true, "edi@partner.test", "domain"}, /* no path */
        {GROUP("pinned") "prefer = ( \"domain\", \"group\" );", true, "edi@partner.test", "domain"},
        {GROUP("pinned") "prefer = ( \"own\" );", true, "edi@partner.test", NULL},
        /* one certificate of two kinds */
        {GROUP("pinned") "certificates = ( \"desk.pem\" ); prefer = ( \"group\", \"domain\" );", true,
         "edi@partner.test", "group"},
        {GROUP("pinned") "certificates = ( \"desk.pem\" ); prefer = ( \"own\" );", false, "edi@partner.test", "own"},
        /* the desk's certificate alone */
        {GROUP("pinned") "certificates = ( );", true, "edi@partner.test", "group"},
        {GROUP("pinned") "certificates = ( );", true, "bob@partner.test", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki *desk;
        const char *domains =
            strstr(rows[i].policy, ");certificates") == NULL && strstr(rows[i].policy, "\ncertificates") == NULL
                ? DOMAINS
                : "";
        g_autofree char *policy = g_strconcat(ENCRYPT, rows[i].policy, domains, NULL);
        owned(rig) struct rig *rig = rig_with_group(policy, rows[i].stranger, &desk);
        AUTO_SENT struct sent out = send_to(rig, rows[i].to);
        cr_expect_eq(g_strcmp0(kind_of(&out), rows[i].kind), 0, "row %zu: %s: %s", i, kind_of(&out), rig_reason(&out));
        cr_expect_eq(rig_verdict(&out), rows[i].kind != NULL ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu: %s", i,
                     rig_reason(&out));
        pki_free(desk);
    }
}

/* In the group's list, with a path, and in the name of somebody else. */
Test(groups, a_certificate_of_another_is_not_encrypted_to)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    PKI_AUTO struct pki *desk = pki_person(rig->partner.ca, "desk@partner.test");
    g_free(pki_write(rig->acme.folder, "desk.pem", desk, NULL));
    rig_open(&rig->acme, &rig->partner, ENCRYPT GROUP("mailbox") DOMAINS, NULL);
    AUTO_SENT struct sent out = send_to(rig, "edi@partner.test");
    cr_expect_str_eq(kind_of(&out), "domain", "%s", rig_reason(&out));
}

static struct sent arrive(const struct rig *rig, const struct pki *by, const char *from)
{
    g_autofree char *top = g_strdup_printf("From: %s\r\nTo: alice@acme.test\r\nSubject: x\r\n", from);
    g_autofree char *text = attack_opaque(top, attack_sign(&(struct attack){.signer = by}));
    const struct rig_envelope spec = {"x@partner.test", "alice@acme.test", NULL, NULL, "198.51.100.7"};
    return rig_pass(&rig->acme, DIRECTION_INBOUND, &spec, text, strlen(text));
}

Test(groups, a_signature_counts_for_members_alone)
{
    static const struct {
        const char *policy;
        bool stranger;
        const char *from;
        enum outcome outcome;
    } rows[] = {
        {GROUP("pinned"), true, "edi@partner.test", OUTCOME_PASS},
        {GROUP("pinned"), true, "Bob <bob@trading.partner.test>", OUTCOME_PASS},
        {GROUP("pinned"), true, "bob@trading.partner.test, edi@partner.test", OUTCOME_PASS},
        {GROUP("pinned"), true, "bob@partner.test", OUTCOME_POLICY},
        {GROUP("pinned"), true, "bob@trading.partner.test, ceo@partner.test", OUTCOME_POLICY},
        {GROUP("pinned"), true, "bob@trading.partner.test, eve@evil.test", OUTCOME_POLICY},
        {GROUP("mailbox"), false, "bob@trading.partner.test", OUTCOME_PASS},
        {GROUP("mailbox"), false, "bob@partner.test", OUTCOME_POLICY},
        {GROUP("mailbox"), true, "bob@trading.partner.test", OUTCOME_POLICY},
        {"", false, "bob@trading.partner.test", OUTCOME_POLICY},
        {"", false, "edi@partner.test", OUTCOME_PASS}, /* its own name, with a path */
        {"", true, "edi@partner.test", OUTCOME_POLICY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki *desk;
        g_autofree char *policy = g_strconcat(STRICT, rows[i].policy, NULL);
        owned(rig) struct rig *rig = rig_with_group(policy, rows[i].stranger, &desk);
        AUTO_SENT struct sent in = arrive(rig, desk, rows[i].from);
        cr_expect_eq(in.result->plan.judgement.originator.outcome, rows[i].outcome, "row %zu: %s", i,
                     in.result->plan.judgement.originator.reason);
        cr_expect_eq(rig_verdict(&in), rows[i].outcome == OUTCOME_PASS ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu: %s",
                     i, rig_reason(&in));
        cr_expect_neq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "row %zu", i);
        pki_free(desk);
    }
}

/* It is no author's where the message names none, and where the Sender alone is its owner the reason says so. */
Test(groups, a_message_that_no_member_wrote)
{
    static const struct {
        const char *from, *says;
    } rows[] = {{"", ""}, {"bob@partner.test\r\nSender: edi@partner.test", "is for the Sender edi@partner.test"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki *desk;
        owned(rig) struct rig *rig = rig_with_group(STRICT GROUP("pinned"), false, &desk);
        AUTO_SENT struct sent in = arrive(rig, desk, rows[i].from);
        const struct finding *finding = &in.result->plan.judgement.originator;
        cr_expect_neq(finding->outcome, OUTCOME_PASS, "row %zu: %s", i, finding->reason);
        cr_expect_not_null(strstr(finding->reason, rows[i].says), "row %zu: %s", i, finding->reason);
        const struct layer_lookup *detail = &in.result->lookups.details[0];
        cr_expect_neq(detail->signers[0].mailbox.outcome, OUTCOME_PASS, "row %zu", i);
        pki_free(desk);
    }
}

/* Authors of two partners: the certificate stands for each in the group of its own partner. */
Test(groups, members_of_two_partners)
{
    static const struct {
        const char *from;
        enum outcome outcome;
    } rows[] = {
        {"edi@partner.test, bob@third.test", OUTCOME_PASS},
        {"bob@third.test, edi@partner.test", OUTCOME_PASS},
        {"edi@partner.test, eve@third.test", OUTCOME_POLICY},
        {"eve@partner.test, bob@third.test", OUTCOME_POLICY},
    };
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    PKI_AUTO struct pki *other = pki_ca("other");
    PKI_AUTO struct pki *desk = pki_person(other, "desk@other.test");
    g_free(pki_write(rig->acme.folder, "desk.pem", desk, NULL));
    g_autofree char *policies = g_build_filename(rig->acme.folder, "policy.d", NULL);
    g_mkdir(policies, 0700);
    folder_write(policies, "third.test.conf",
                 "domain = \"third.test\";\nanchors = ( \"other-ca.pem\" );\n" STRICT
                 "groups = ( { members = ( \"bob@third.test\" ); certificates = ( \"desk.pem\" ); naming = \"pinned\"; "
                 "} );\n");
    rig_open(&rig->acme, &rig->partner, STRICT GROUP("pinned"), NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent in = arrive(rig, desk, rows[i].from);
        cr_expect_eq(in.result->plan.judgement.originator.outcome, rows[i].outcome, "row %zu: %s", i,
                     in.result->plan.judgement.originator.reason);
        cr_expect_eq(rig_verdict(&in), rows[i].outcome == OUTCOME_PASS ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu: %s",
                     i, rig_reason(&in));
    }
}

/* A pinned certificate may name anyone, and then is believed for nobody but the members. */
Test(groups, a_pin_lends_no_other_name)
{
    struct pki *desk;
    owned(rig) struct rig *rig = rig_with_group(STRICT GROUP("pinned"), true, &desk);
    PKI_AUTO struct pki *other = pki_ca("other");
    PKI_AUTO struct pki *bold = pki_issue(
        &(struct pki_spec){.issuer = other,
                           .subject = PKI_LIST("CN=x"),
                           .san = PKI_LIST("email:ceo@partner.test", "email:domain-signing-authority@partner.test")});
    g_free(pki_write(rig->acme.folder, "desk.pem", bold, NULL));
    gateway_unref(g_steal_pointer(&rig->acme.gateway));
    rig_open(&rig->acme, &rig->partner, STRICT GROUP("pinned"), NULL);
    AUTO_SENT struct sent member = arrive(rig, bold, "edi@partner.test");
    AUTO_SENT struct sent named = arrive(rig, bold, "ceo@partner.test");
    cr_expect_eq(rig_verdict(&member), VERDICT_ACCEPT, "%s", rig_reason(&member));
    cr_expect_eq(rig_verdict(&named), VERDICT_REJECT, "%s", rig_reason(&named));
    pki_free(desk);
}

/* `domsec check` says so before a message is refused. */
Test(groups, a_certificate_that_cannot_be_used)
{
    static const struct {
        const char *naming;
        bool stranger, expired;
        const char *says; /* NULL: nothing */
    } rows[] = {
        {GROUP("pinned"), true, false, NULL},
        {GROUP("mailbox"), false, false, NULL},
        {GROUP("mailbox"), true, false, "partner.test.conf:5: warning: groups: no certificate of this group is used"},
        {GROUP("pinned"), true, true, "has expired"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki *desk;
        g_autofree char *policy = g_strconcat(ENCRYPT, rows[i].naming, DOMAINS, NULL);
        owned(rig) struct rig *rig = rig_with_group(policy, rows[i].stranger, &desk);
        PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){.issuer = rig->partner.ca,
                                                                .subject = PKI_LIST("CN=x"),
                                                                .san = PKI_LIST("email:edi@partner.test"),
                                                                .not_after = time(NULL) - 60});
        if (rows[i].expired)
            g_free(pki_write(rig->acme.folder, "desk.pem", old, NULL));
        g_autofree char *file = g_build_filename(rig->acme.folder, "domsec.conf", NULL);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = conf_load(file, faults);
        owned(gateway) struct gateway *gateway = gateway_open(conf, faults);
        cr_assert_not_null(gateway);
        cr_expect_eq(faults_count(faults), rows[i].says != NULL ? 1 : 0, "row %zu", i);
        if (rows[i].says != NULL && faults_count(faults) > 0)
            cr_expect_not_null(strstr(faults_at(faults, 0), rows[i].says), "row %zu: %s", i, faults_at(faults, 0));
        pki_free(desk);
    }
}
