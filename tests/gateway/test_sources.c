/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a message by what its sources say: certificates that are of no use beside one that is, and sources
 * that are down, slow, hung or lie.
 */
#include "gateway/internal.h"

#include "support/rig.h"
#include "support/scripted_certs.h"

#define BOB "bob@partner.test"
#define DAY 86400
#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"
/* The most careless of policies: what has no certificate leaves in the clear. */
#define ENCRYPT "outbound = { protect = \"encrypt\"; no_certificate = \"plain\"; };"

/* Certificates of BOB, each of which fits but for one thing. */
struct sample {
    const char *name;
    int from, until; /* days from now */
    const char *usage, *san;
    bool stranger; /* of another authority */
    const char *note;
};

static const struct sample kinds[] = {
    {"valid", -10, 100, NULL, "email:" BOB, false, "used"},
    {"expired", -100, -1, NULL, "email:" BOB, false, "expired"},
    {"not yet valid", 1, 100, NULL, "email:" BOB, false, "not yet valid"},
    {"sign only", -10, 100, "critical,digitalSignature", "email:" BOB, false, "does not allow encryption"},
    {"another's", -10, 100, NULL, "email:carol@partner.test", false, "bob@partner.test"},
    {"a stranger's", -10, 100, NULL, "email:" BOB, true, "does not lead to a trust anchor"},
};

static X509 *make(const struct rig *rig, const struct sample *kind, const struct pki *stranger)
{
    time_t now = time(NULL);
    PKI_AUTO struct pki *pki =
        pki_issue(&(struct pki_spec){.issuer = kind->stranger ? stranger : rig->partner.ca,
                                     .subject = PKI_LIST("CN=Bob"),
                                     .san = PKI_LIST(kind->san),
                                     .key_usage = kind->usage != NULL ? kind->usage : "critical,keyAgreement",
                                     .not_before = now + kind->from * DAY,
                                     .not_after = now + kind->until * DAY});
    return steal(&pki->cert);
}

static struct scripted_certs *script_in(struct gateway *gateway, int64_t timeout)
{
    struct scripted_certs *script = scripted_certs_new("ldap");
    script->source.waits = true;
    scripted_certs_replace(&gateway->certs, script, NULL);
    certs_set_timeout(gateway->certs, timeout);
    return script;
}

static const char *note(const struct sent *out, size_t certificate)
{
    static char *note;
    g_free(note);
    note = passage_note(out->result, 0, certificate);
    return note;
}

/* Many of each kind before the valid one, and behind it. */
Test(sources, what_is_of_no_use_never_blocks_what_is)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    PKI_AUTO struct pki *stranger = pki_ca("stranger");
    for (int last = 0; last < 2; last++)
        for (size_t i = 1; i < G_N_ELEMENTS(kinds); i++) {
            struct scripted_certs *script = script_in(rig->acme.gateway, 10 * G_USEC_PER_SEC);
            owned(X509) X509 *good = make(rig, &kinds[0], stranger);
            if (!last)
                scripted_certs_own(script, BOB, good);
            for (int n = 0; n < 5; n++) {
                owned(X509) X509 *bad = make(rig, &kinds[i], stranger);
                scripted_certs_own(script, BOB, bad);
            }
            if (last)
                scripted_certs_own(script, BOB, good);
            AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
            cr_expect(out.result->made.treatment.encrypt, "%s: %s", kinds[i].name, out.result->reply.reason);
            cr_expect_str_eq(note(&out, last ? 5 : 0), "used", "%s", kinds[i].name);
            cr_expect_eq(X509_cmp(out.result->lookups.answers[0].certificates.list[last ? 5 : 0].certificate, good), 0);
        }
}

/* Alone it is no certificate at all, and explain says why. */
Test(sources, what_is_of_no_use_is_never_used)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");
    PKI_AUTO struct pki *stranger = pki_ca("stranger");
    for (size_t i = 1; i < G_N_ELEMENTS(kinds); i++) {
        struct scripted_certs *script = script_in(rig->acme.gateway, 10 * G_USEC_PER_SEC);
        owned(X509) X509 *bad = make(rig, &kinds[i], stranger);
        scripted_certs_own(script, BOB, bad);
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(out.result->reply.verdict, VERDICT_REJECT, "%s: %s", kinds[i].name, out.result->reply.reason);
        cr_expect_not_null(strstr(note(&out, 0), kinds[i].note), "%s: %s", kinds[i].name, note(&out, 0));
        cr_expect(g_str_has_prefix(note(&out, 0), "not used: "));
    }
}

/* Of several that could be used, the first of the first source that has one: sources give the newest first. */
Test(sources, of_several_the_first_is_used)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct scripted_certs *script = script_in(rig->acme.gateway, 10 * G_USEC_PER_SEC);
    for (int n = 0; n < 3; n++) {
        owned(X509) X509 *good = make(rig, &kinds[0], NULL);
        scripted_certs_own(script, BOB, good);
    }
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_expect_str_eq(note(&out, 0), "used");
    cr_expect_str_eq(note(&out, 1), "not needed, an earlier one is used");
    cr_expect_str_eq(note(&out, 2), "not needed, an earlier one is used");
}

/* --- faults --- */

enum ailment { DOWN, SLOW, HUNG, SILENT, LEFT_ALONE };

static void break_source(struct scripted_certs *script, enum ailment fault)
{
    switch (fault) {
    case DOWN:
        scripted_certs_fail(script, BOB, true, ERROR_TEMPORARY, "ldap: connection refused");
        break;
    case SLOW:
    case LEFT_ALONE:
        scripted_certs_set_slow(script, true);
        break;
    case HUNG:
        scripted_certs_hang(script, BOB);
        break;
    case SILENT:
        scripted_certs_silent(script, BOB);
        break;
    }
}

/* Whatever ails the source: 4xx, never in the clear, within the time; then all is well without anything being done. */
Test(sources, a_fault_is_never_plaintext_and_passes)
{
    static const char *const says[] = {[DOWN] = "connection refused",
                                       [SLOW] = "ldap",
                                       [HUNG] = "ldap: no answer in time",
                                       [SILENT] = "did not answer",
                                       [LEFT_ALONE] = "is not asked: it did not answer"};
    for (enum ailment fault = DOWN; fault <= LEFT_ALONE; fault++) {
        owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
        struct scripted_certs *script = script_in(rig->acme.gateway, 200 * 1000);
        owned(X509) X509 *good = make(rig, &kinds[0], NULL);
        scripted_certs_own(script, BOB, good);
        scripted_certs_forget(script, BOB); /* what a source has before it fails would count */
        break_source(script, fault);
        for (int n = 0; n < (fault == LEFT_ALONE ? 8 : 1); n++) {
            AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
            cr_expect_eq(out.result->reply.verdict, VERDICT_TEMPFAIL, "%d: %s", fault, out.result->reply.reason);
            if (fault != LEFT_ALONE || n == 7)
                cr_expect_not_null(strstr(out.result->reply.reason, says[fault]), "%d: %s", fault,
                                   out.result->reply.reason);
        }
        scripted_certs_hang(script, NULL);
    }
}

Test(sources, who_recovers_is_asked_again)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct scripted_certs *script = script_in(rig->acme.gateway, 200 * 1000);
    owned(X509) X509 *good = make(rig, &kinds[0], NULL);
    scripted_certs_own(script, BOB, good);
    scripted_certs_set_slow(script, true);
    for (int n = 0; n < 5; n++) {
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(out.result->reply.verdict, VERDICT_TEMPFAIL, "%s", out.result->reply.reason);
    }
    scripted_certs_set_slow(script, false);
    for (int n = 0; n < 30; n++) {
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        if (out.result->reply.verdict == VERDICT_ACCEPT) {
            cr_expect(out.result->made.treatment.encrypt);
            return;
        }
        g_usleep(G_USEC_PER_SEC / 5);
    }
    cr_expect_fail("not asked again within six seconds");
}

/* The turns of other messages are free while one waits. */
struct counted_turns {
    int inside; /* turns that are held */
    unsigned waits, held_while_told;
};

static void enter(void *context)
{
    ((struct counted_turns *)context)->inside++;
}

static void leave(void *context)
{
    ((struct counted_turns *)context)->inside--;
}

static void tell(void *context)
{
    struct counted_turns *turns = context;
    turns->waits++;
    turns->held_while_told += turns->inside != 0;
}

Test(sources, no_turn_is_held_while_a_source_is_waited_for)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct scripted_certs *script = script_in(rig->acme.gateway, 6 * G_USEC_PER_SEC);
    struct counted_turns counted = {0};
    const struct turns turns = {.enter = enter, .leave = leave, .tell = tell, .context = &counted};
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", BOB, NULL, NULL, "192.0.2.1"});
    scripted_certs_hang(script, BOB);
    owned(passage) struct passage *passage = gateway_pass(
        rig->acme.gateway,
        &(struct passage_request){.envelope = envelope, .from = "alice@acme.test", .at = time(NULL), .turns = &turns});
    cr_expect_eq(counted.waits, 1, "the mail server is told every five seconds: %u", counted.waits);
    cr_expect_eq(counted.held_while_told, 0);
    cr_expect_eq(counted.inside, 0);
    cr_expect_eq(passage->reply.verdict, VERDICT_TEMPFAIL, "%s", passage->reply.reason);
    scripted_certs_hang(script, NULL);
}
