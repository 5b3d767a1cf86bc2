/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: a verdict in the words of RFC 8601 §2.7 with its reason. Reasons quote certificates, so they are made
 * printable here.
 */
#include "base/finding.h"

#include "base/error.h"

#include <glib.h>
#include <stdarg.h>
#include <string.h>

static const char *const names[] = {
    [OUTCOME_NONE] = "none",           [OUTCOME_PASS] = "pass",       [OUTCOME_FAIL] = "fail",
    [OUTCOME_POLICY] = "policy",       [OUTCOME_NEUTRAL] = "neutral", [OUTCOME_TEMPERROR] = "temperror",
    [OUTCOME_PERMERROR] = "permerror",
};

const char *outcome_name(enum outcome outcome)
{
    return (size_t)outcome < G_N_ELEMENTS(names) ? names[outcome] : "temperror";
}

bool finding_set(struct finding *finding, enum outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    finding->outcome = outcome;
    text_printable(finding->reason, sizeof(finding->reason), text, strlen(text));
    return outcome == OUTCOME_PASS;
}

bool outcome_is_worse(enum outcome a, enum outcome b)
{
    static const int severity[] = {
        [OUTCOME_PASS] = 0,      [OUTCOME_NONE] = 1, [OUTCOME_NEUTRAL] = 2,   [OUTCOME_POLICY] = 3,
        [OUTCOME_TEMPERROR] = 4, [OUTCOME_FAIL] = 5, [OUTCOME_PERMERROR] = 6,
    };
    return severity[a] > severity[b];
}

bool finding_holds(const struct finding *finding, bool hoping)
{
    return finding->outcome == OUTCOME_PASS || (hoping && finding->outcome == OUTCOME_TEMPERROR);
}
