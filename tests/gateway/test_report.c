/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted. */
#include "support/rig.h"

#include "base/metrics.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

Test(report, what_was_refused_did_not_leave_unprotected)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    AUTO_SENT struct sent sent = rig_outbound(rig, MESSAGE);
    char *text = NULL;
    size_t length = 0;
    metrics_reset();
    result_count(sent.result);
    sent.result->verdict = VERDICT_REJECT;
    result_count(sent.result);
    FILE *stream = open_memstream(&text, &length);
    metrics_print(stream);
    fclose(stream);
    cr_expect_not_null(strstr(text, "domsec_protected_total{protect=\"sign\"} 1\n"), "%s", text);
    cr_expect_not_null(strstr(text, "domsec_messages_total{direction=\"outbound\",verdict=\"reject\"} 1\n"), "%s",
                       text);
    free(text);
}
