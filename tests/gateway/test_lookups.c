/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messages ask the sources of certificates for, and what becomes of a message when a source fails.
 */
#include "gateway/internal.h"

#include "support/attack.h"
#include "support/scripted_certs.h"

#include <jansson.h>

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"
#define ENCRYPT "outbound = { protect = \"encrypt\"; no_certificate = \"plain\"; };"

/* Two scripted sources in the place of a gateway's own. */
struct script {
    struct scripted_certs *first, *second;
};

static struct script script_in(struct gateway *gateway)
{
    struct script script = {scripted_certs_new("first"), scripted_certs_new("second")};
    scripted_certs_replace(&gateway->certs, script.first, script.second, NULL);
    return script;
}

/* What explain says of a certificate of the only recipient; lent until the next call. */
static const char *note(const struct sent *out, size_t certificate)
{
    static char *note;
    cr_assert_lt(certificate, out->result->lookups.answers[0].certificates.count);
    g_free(note);
    note = passage_note(out->result, 0, certificate);
    return note;
}

Test(lookups, a_source_is_not_asked_behind_the_one_that_answers)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    rig->acme.gateway->conf->lookup_timeout = 90;
    struct script script = script_in(rig->acme.gateway);
    scripted_certs_domain(script.first, "bob@partner.test", rig->partner.dca->cert);
    scripted_certs_fail(script.second, "bob@partner.test", true, ERROR_TEMPORARY, "down");
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_expect_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
    cr_expect(out.result->made.treatment.encrypt);
    cr_expect_str_eq(note(&out, 0), "used");
    cr_expect_eq(script.first->batches, 1);
    cr_expect_eq(script.second->batches, 0);
    cr_expect_gt(script.first->deadline, g_get_monotonic_time() + 20 * G_USEC_PER_SEC);
    cr_expect_leq(script.first->deadline, g_get_monotonic_time() + 90 * G_USEC_PER_SEC);
}

/* Trust decides what ends the search: here the first answer leads to no anchor. */
Test(lookups, the_search_goes_on_behind_what_trust_refuses)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct script script = script_in(rig->acme.gateway);
    PKI_AUTO struct pki *stranger_ca = pki_ca("stranger");
    PKI_AUTO struct pki *stranger = rig_role(rig, stranger_ca, "domain-confidentiality-authority", "partner.test");
    scripted_certs_domain(script.first, "bob@partner.test", stranger->cert);
    scripted_certs_domain(script.second, "bob@partner.test", rig->partner.dca->cert);
    scripted_certs_domain(script.second, "bob@partner.test", stranger->cert);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_expect(out.result->made.treatment.encrypt, "%s", out.result->reply.reason);
    cr_expect(g_str_has_prefix(note(&out, 0), "not used: "), "%s", note(&out, 0));
    cr_expect_str_eq(note(&out, 1), "used");
    cr_expect_eq(out.result->lookups.answers[0].certificates.count, 2);
}

/* Its name and its path are right, its key is for signatures. */
Test(lookups, a_certificate_that_is_not_for_encryption_is_not_used)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct script script = script_in(rig->acme.gateway);
    PKI_AUTO struct pki *signer =
        pki_issue(&(struct pki_spec){.issuer = rig->partner.ca,
                                     .subject = PKI_LIST("CN=domain-confidentiality-authority"),
                                     .san = PKI_LIST("email:domain-confidentiality-authority@partner.test"),
                                     .key_usage = "critical,digitalSignature"});
    scripted_certs_domain(script.first, "bob@partner.test", signer->cert);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_expect_not(out.result->made.treatment.encrypt);
    cr_expect(g_str_has_prefix(note(&out, 0), "not used: "), "%s", note(&out, 0));
}

Test(lookups, the_rest_of_an_answer_is_not_checked)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct script script = script_in(rig->acme.gateway);
    scripted_certs_domain(script.first, "bob@partner.test", rig->partner.dca->cert);
    scripted_certs_domain(script.first, "bob@partner.test", rig->partner.dsa->cert);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_expect(out.result->made.treatment.encrypt, "%s", out.result->reply.reason);
    cr_expect_str_eq(note(&out, 1), "not needed, an earlier one is used");
}

/* no_certificate = "plain" lets out what has no certificate, never what could not be looked up. */
Test(lookups, failed_is_never_plaintext)
{
    for (int found = 0; found < 2; found++)
        for (int slow = 0; slow < 2; slow++) {
            owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
            struct script script = script_in(rig->acme.gateway);
            if (slow)
                scripted_certs_silent(script.first, "bob@partner.test");
            else
                scripted_certs_fail(script.first, "bob@partner.test", true, ERROR_TEMPORARY, "the directory is down");
            if (found)
                scripted_certs_domain(script.second, "bob@partner.test", rig->partner.dca->cert);
            AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
            cr_expect_eq(out.result->reply.verdict, VERDICT_TEMPFAIL, "%s", out.result->reply.reason);
            cr_expect_not_null(strstr(out.result->reply.reason, slow ? "did not answer" : "the directory is down"),
                               "%s", out.result->reply.reason);
            if (found)
                cr_expect_not_null(strstr(note(&out, 0), "the lookup of the person's own failed"), "%s", note(&out, 0));
        }
}

Test(lookups, nothing_is_asked_where_nothing_is_encrypted)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    struct script script = script_in(rig->acme.gateway);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_expect_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
    cr_expect_eq(script.first->batches, 0);
}

/* What is encrypted to us around what is encrypted to others is encrypted again (RFC 3183 §5), for who is authentic.
 * For a stranger nothing comes off, and a lookup would show what our key opens. */
Test(lookups, strangers_do_not_learn_from_lookups_what_our_key_opens)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    struct script script = script_in(rig->acme.gateway);
    scripted_certs_domain(script.first, "bob@partner.test", rig->partner.dca->cert);
    g_autofree char *inner =
        attack_opaque("", attack_envelop(EVP_aes_128_gcm(), rig->partner.dca, ATTACK_ENTITY, false));
    g_autofree char *text = attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_128_cbc(), rig->acme.dca, inner, false));
    const struct rig_envelope stranger = {"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"};
    AUTO_SENT struct sent refused = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &stranger, text, strlen(text));
    cr_expect_eq(refused.result->reply.verdict, VERDICT_REJECT, "%s", refused.result->reply.reason);
    cr_expect_eq(script.first->batches, 0);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_expect(out.result->made.treatment.encrypt, "%s", out.result->reply.reason);
    cr_expect_eq(script.first->batches, 1);
}

/* … who may also be known by a signature inside. */
Test(lookups, an_authentic_signature_inside_has_certificates_looked_up)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    struct script script = script_in(rig->acme.gateway);
    scripted_certs_domain(script.first, "bob@partner.test", rig->partner.dca->cert);
    g_autofree char *inner =
        attack_opaque("", attack_envelop(EVP_aes_128_gcm(), rig->partner.dca, ATTACK_ENTITY, false));
    g_autofree char *middle = attack_opaque("", attack_envelop(EVP_aes_128_gcm(), rig->acme.dca, inner, false));
    g_autofree char *text = attack_message(&(struct attack){.signer = rig->acme.alice, .content = middle});
    const struct rig_envelope by_signature = {"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"};
    AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &by_signature, text, strlen(text));
    cr_expect(out.result->made.treatment.encrypt, "%s", out.result->reply.reason);
    cr_expect_eq(script.first->batches, 1);
}

/* --- signers whose certificate is not in the message --- */

static struct sent receive(const struct rig *rig, unsigned flags)
{
    g_autofree char *text =
        attack_message(&(struct attack){.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .flags = flags});
    return rig_inbound(rig, text, strlen(text));
}

Test(lookups, signers_are_one_question)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    struct script script = script_in(rig->partner.gateway);
    scripted_certs_domain(script.second, "alice@acme.test", rig->acme.dsa->cert);
    AUTO_SENT struct sent in = receive(rig, CMS_NOCERTS);
    cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s", in.result->plan.judgement.domain.reason);
    cr_expect_str_eq(script.first->asked->str, "alice@acme.test ");
    cr_expect_str_eq(script.second->asked->str, "alice@acme.test ");
}

Test(lookups, signers_in_the_message_are_not_asked_for)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    struct script script = script_in(rig->partner.gateway);
    AUTO_SENT struct sent in = receive(rig, 0);
    cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s", in.result->plan.judgement.domain.reason);
    cr_expect_eq(script.first->batches, 0);
}

/* The source that failed may know the one that signed: that is no verdict on the signature. */
Test(lookups, a_signer_that_cannot_be_looked_up_is_a_temporary_failure)
{
    for (int found = 0; found < 2; found++) {
        owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
        struct script script = script_in(rig->partner.gateway);
        scripted_certs_fail(script.first, "alice@acme.test", true, ERROR_TEMPORARY, "the directory is down");
        if (found)
            scripted_certs_own(script.second, "alice@acme.test", rig->acme.dsa->cert);
        AUTO_SENT struct sent in = receive(rig, CMS_NOCERTS);
        g_autofree char *name = rig_name(in.result, true);
        cr_expect_eq(in.result->reply.verdict, VERDICT_TEMPFAIL, "%d: %s", in.result->reply.verdict,
                     in.result->reply.reason);
        cr_expect_null(name, "no layer was judged, so no name is reported: %s", name);
        cr_expect_eq(in.result->lookups.paths, 0, "nothing is done with half of the answer");
        cr_expect_str_eq(in.result->plan.judgement.domain.reason, "no domain signature");
    }
}

/* Of several addresses, the author's; of a certificate that nobody has, what the signature says of it. */
Test(lookups, names_of_signers)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    script_in(rig->partner.gateway);
    PKI_AUTO struct pki *two =
        pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                     .subject = PKI_LIST("CN=Alice"),
                                     .san = PKI_LIST("email:a@acme.test", "email:bad", "email:alice@acme.test"),
                                     .serial = 77});
    PKI_AUTO struct pki *another = pki_person(rig->acme.ca, "carol@acme.test");
    g_autofree char *whole = attack_message(&(struct attack){.signer = two});
    g_autofree char *others = attack_message(&(struct attack){.signer = another});
    g_autofree char *without = attack_message(&(struct attack){.signer = two, .flags = CMS_NOCERTS});
    AUTO_SENT struct sent in = rig_inbound(rig, whole, strlen(whole));
    AUTO_SENT struct sent carols = rig_inbound(rig, others, strlen(others));
    AUTO_SENT struct sent unknown = rig_inbound(rig, without, strlen(without));
    const struct signer_name *name = &in.result->lookups.details[0].names[0];
    const struct signer_view *view = &in.result->lookups.views[0].signers[0];
    const struct signer_name *of_unknown = &unknown.result->lookups.details[0].names[0];
    char sha256[65];
    certificate_fingerprint(two->cert, sha256);
    cr_expect_str_eq(name->address, "alice@acme.test");
    cr_expect_str_eq(name->subject, "CN=Alice");
    cr_expect_str_eq(name->sha256, sha256);
    cr_expect_str_eq(view->sha256, sha256);
    cr_expect_str_eq(view->subject, name->subject);
    cr_expect_str_eq(carols.result->lookups.details[0].names[0].address, "carol@acme.test");
    cr_expect_null(of_unknown->address);
    cr_expect_str_eq(of_unknown->issuer, name->issuer);
    cr_expect_str_eq(of_unknown->serial, name->serial);
}

static void spoil(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    unsigned char *last = (unsigned char *)ASN1_STRING_get0_data(signature) + ASN1_STRING_length(signature) - 1;
    (void)cms;
    *last ^= 1;
}

static void unreadable_type(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_txt(info, OID_SIGNATURE_TYPE, V_ASN1_OCTET_STRING, "x", 1));
}

/* Paths are work, and no path makes a bad signature good. */
Test(lookups, paths_of_sound_signatures_alone)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    PKI_AUTO struct pki *hers = pki_person(rig->acme.ca, "alice@acme.test");
    script_in(rig->partner.gateway);
    const struct {
        struct attack attack;
        unsigned paths;
    } rows[] = {
        {{.signer = rig->acme.alice}, 1},
        {{.signer = rig->acme.alice, .spoil = spoil}, 0},
        {{.signer = rig->acme.alice, .alter = unreadable_type}, 0},
        {{.signer = rig->acme.alice, .flags = CMS_NOCERTS}, 0},
        {{.signer = rig->acme.alice, .second = hers}, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = attack_message(&rows[i].attack);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        const struct lookups *lookups = &in.result->lookups;
        cr_expect_eq(lookups->paths, rows[i].paths, "row %zu: %u", i, lookups->paths);
        cr_expect_eq(lookups->views[0].signers[0].trust != NULL, rows[i].paths > 0, "row %zu", i);
        cr_expect_eq(rig_verdict(&in), rows[i].paths > 0 ? VERDICT_ACCEPT : VERDICT_QUARANTINE, "row %zu: %s", i,
                     rig_reason(&in));
    }
}

/* --- what is shown of it --- */

static json_t *lookups_of(const struct sent *sent)
{
    g_autofree char *text = passage_report(sent->result);
    json_t *report = json_loads(text, 0, NULL), *lookups = json_incref(json_object_get(report, "lookups"));
    json_decref(report);
    return lookups;
}

static void expect_lookup(json_t *lookups, size_t index, const char *source, const char *answer, size_t certificates)
{
    const json_t *lookup = json_array_get(lookups, index);
    cr_expect_str_eq(json_string_value(json_object_get(lookup, "source")), source);
    cr_expect_str_eq(json_string_value(json_object_get(lookup, "answer")), answer, "%zu: %s", index,
                     json_string_value(json_object_get(lookup, "answer")));
    cr_expect_eq(json_array_size(json_object_get(lookup, "certificates")), certificates);
}

Test(lookups, the_report_lists_what_was_asked_where_and_what_came_back)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct script script = script_in(rig->acme.gateway);
    scripted_certs_domain(script.first, "bob@partner.test", rig->partner.dsa->cert);
    scripted_certs_fail(script.first, "bob@partner.test", false, ERROR_TEMPORARY, "half of it is down");
    scripted_certs_domain(script.second, "bob@partner.test", rig->partner.dca->cert);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    json_t *lookups = lookups_of(&out);
    cr_assert_eq(json_array_size(lookups), 2);
    expect_lookup(lookups, 0, "first", "failed", 1);
    expect_lookup(lookups, 1, "second", "found", 1);
    const json_t *first = json_array_get(lookups, 0), *second = json_array_get(lookups, 1);
    cr_expect_str_eq(json_string_value(json_object_get(first, "address")), "bob@partner.test");
    cr_expect_str_eq(json_string_value(json_object_get(first, "purpose")), "encrypt");
    cr_expect_str_eq(json_string_value(json_object_get(first, "reason")), "half of it is down: ldap_result(-1)");
    const json_t *used = json_array_get(json_object_get(second, "certificates"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(used, "note")), "used");
    cr_expect(json_is_null(json_object_get(second, "reason")));
    json_decref(lookups);
}

Test(lookups, the_report_lists_the_search_for_signers)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    struct script script = script_in(rig->partner.gateway);
    scripted_certs_domain(script.second, "alice@acme.test", rig->acme.dsa->cert);
    AUTO_SENT struct sent in = receive(rig, CMS_NOCERTS);
    json_t *lookups = lookups_of(&in);
    cr_assert_eq(json_array_size(lookups), 2);
    expect_lookup(lookups, 0, "first", "none", 0);
    expect_lookup(lookups, 1, "second", "found", 1);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(lookups, 0), "purpose")), "verify");
    json_decref(lookups);
    AUTO_SENT struct sent whole = receive(rig, 0);
    lookups = lookups_of(&whole);
    cr_expect_eq(json_array_size(lookups), 0, "nothing was asked");
    json_decref(lookups);
}

/* --- what is said of a failure --- */

/* A library's words help the administrator. They show a sender what runs here. */
Test(lookups, a_library_speaks_to_the_log_only)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct script script = script_in(rig->acme.gateway);
    scripted_certs_fail(script.first, "bob@partner.test", true, ERROR_TEMPORARY, "the directory is down");
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    g_autofree char *line = passage_log_line(out.result);
    cr_expect_eq(out.result->reply.verdict, VERDICT_TEMPFAIL);
    cr_expect_not_null(strstr(out.result->reply.text, "(the directory is down)"), "%s", out.result->reply.text);
    cr_expect_null(strstr(out.result->reply.text, "ldap_result"), "%s", out.result->reply.text);
    cr_expect_not_null(strstr(line, " cause=\"the directory is down: ldap_result(-1)\""), "%s", line);
}

/* Likewise of what was to be made. */
Test(lookups, a_failure_of_our_own)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    struct error error = {0};
    error_set_foreign(&error, ERROR_TEMPORARY, "digital envelope routines", "signing");
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    owned(passage) struct passage *failed =
        passage_failed(rig->acme.gateway, out.envelope, reply_kind_of(&error), &error);
    cr_expect_str_eq(failed->reply.text, "signing");
    cr_expect_str_eq(failed->reply.reason, "signing: digital envelope routines");
}
