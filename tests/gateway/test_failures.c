/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a message when something that has to be asked cannot answer: failed is never none, and never a
 * verdict on the message. Sources of certificates are in test_lookups.c.
 */
#include "gateway/internal.h"

#include "support/attack.h"
#include "support/scripted_keys.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"
#define CRLS "crls = ( \"crls\" );"

/* Both gateways; neither has a CRL at hand, so that no certificate can be checked for revocation. */
static struct rig *rig_without_crls(const char *acme_policy, const char *partner_policy)
{
    struct rig *rig = rig_closed(PKI_EC);
    struct org *orgs[] = {&rig->acme, &rig->partner};
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *crls = g_build_filename(orgs[i]->folder, "crls", NULL);
        g_mkdir(crls, 0700);
        rig_open(orgs[i], orgs[1 - i], i == 0 ? acme_policy : partner_policy, CRLS);
    }
    return rig;
}

/* --- our own keys --- */

/* A message that was to be signed does not leave unsigned because its key fails. */
Test(failures, a_key_that_fails_while_signing)
{
    static const char *const policies[] = {
        "outbound = { protect = \"sign\"; };",
        "outbound = { protect = \"sign+encrypt\"; no_certificate = \"plain\"; unauthentic = \"unsigned\"; };",
        "outbound = { protect = \"triple\"; };",
        "outbound = { protect = \"sign\"; review = true; };",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        owned(rig) struct rig *rig = rig_new(policies[i], "");
        scripted_keys_lose(&rig->acme.gateway->keys, gateway_conf(rig->acme.gateway));
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(rig_verdict(&out), VERDICT_TEMPFAIL, "%s: %s", policies[i], rig_reason(&out));
        cr_expect_str_eq(out.bytes, MESSAGE, "%s: %s", policies[i], out.bytes);
    }
}

/* --- revocation of who signed --- */

static const struct {
    const char *require, *otherwise;
    enum verdict verdict;
} arriving[] = {
    {"sign", "reject", VERDICT_TEMPFAIL},
    {"sign", "quarantine", VERDICT_TEMPFAIL},
    {"sign", "tag", VERDICT_TEMPFAIL},
    {"none", "tag", VERDICT_ACCEPT},
};

Test(failures, a_signer_that_cannot_be_checked_for_revocation)
{
    for (size_t i = 0; i < G_N_ELEMENTS(arriving); i++) {
        g_autofree char *policy = g_strdup_printf("inbound = { require = \"%s\"; otherwise = \"%s\"; };",
                                                  arriving[i].require, arriving[i].otherwise);
        owned(rig) struct rig *rig = rig_without_crls("outbound = { protect = \"sign\"; };", policy);
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(rig_verdict(&in), arriving[i].verdict, "%zu: %s", i, rig_reason(&in));
        if (arriving[i].verdict != VERDICT_TEMPFAIL)
            cr_expect_not_null(strstr(in.bytes, "smime=temperror"), "%zu: %s", i, in.bytes);
        cr_expect_null(strstr(in.bytes, "smime=pass"), "%zu: %s", i, in.bytes);
    }
}
