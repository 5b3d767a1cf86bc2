/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tested: what policies in test mode would have done. An administrator reads it before the policy is put in force.
 */
#include "tested.h"

#include "base/bytes.h"
#include "base/metrics.h"

#include <string.h>

#define LOGGED_MAX 10 /* recipients in one line of the log */

struct one {
    const char *recipient; /* NULL: of what arrives */
    const char *treatment; /* "sign+encrypt", "reject" */
    const char *verdict;
    const char *reason;
};

/* False if no policy in test mode applies there. */
static bool tested_for(const struct passage *passage, size_t index, struct one *one)
{
    const struct plan *plan = &passage->plan;
    const struct inbound_decision *arrival = &plan->tested_arrival;
    if (arrival->reason[0] != '\0' && index == 0) {
        const char *verdict = verdict_name(arrival->verdict);
        *one = (struct one){NULL, verdict, verdict, arrival->reason};
        return true;
    }
    if (plan->tested == NULL || plan->tested[index].reason[0] == '\0')
        return false;
    const struct outbound_decision *decision = &plan->tested[index];
    *one = (struct one){passage->mail.envelope->recipients[index].address.text, policy_treatment_name(decision),
                        verdict_name(decision->verdict), decision->reason};
    return true;
}

json_t *tested_json(const struct passage *passage)
{
    json_t *list = json_array();
    struct one one;
    for (size_t i = 0; i < MAX(passage->plan.recipient_count, 1); i++) {
        if (!tested_for(passage, i, &one))
            continue;
        char reason[1024];
        text_printable(reason, sizeof(reason), one.reason, strlen(one.reason));
        json_t *entry = json_object();
        json_object_set_new(entry, "recipient", one.recipient != NULL ? json_string(one.recipient) : json_null());
        json_object_set_new(entry, "verdict", json_string(one.verdict));
        json_object_set_new(entry, "treatment", json_string(one.treatment));
        json_object_set_new(entry, "reason", json_string(reason));
        json_array_append_new(list, entry);
    }
    return list;
}

char *tested_text(const struct passage *passage)
{
    GString *text = g_string_new(NULL);
    struct one one;
    unsigned count = 0;
    for (size_t i = 0; i < MAX(passage->plan.recipient_count, 1); i++)
        if (tested_for(passage, i, &one) && count++ < LOGGED_MAX)
            g_string_append_printf(text, "%s%s%s%s: %s", text->len > 0 ? "; " : "",
                                   one.recipient != NULL ? one.recipient : "", one.recipient != NULL ? ": " : "",
                                   one.treatment, one.reason);
    if (count > LOGGED_MAX)
        g_string_append_printf(text, "; and %u more", count - LOGGED_MAX);
    return g_string_free(text, FALSE);
}

void tested_count(const struct passage *passage)
{
    struct one one;
    for (size_t i = 0; i < MAX(passage->plan.recipient_count, 1); i++)
        if (tested_for(passage, i, &one)) {
            g_autofree char *labels = g_strdup_printf("direction=\"%s\",treatment=\"%s\"",
                                                      direction_name(passage->plan.direction), one.treatment);
            metrics_add("domsec_tested_total", labels, 1);
        }
}
