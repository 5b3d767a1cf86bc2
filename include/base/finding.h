/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: a verdict on one thing (a layer, a certificate, a name) in the words of RFC 8601 §2.7 and RFC 7281, with its
 * reason. Plain data; thread-safe.
 */
#ifndef DOMSEC_BASE_FINDING_H
#define DOMSEC_BASE_FINDING_H

#include <stdbool.h>

enum outcome {
    OUTCOME_NONE,
    OUTCOME_PASS,
    OUTCOME_FAIL,
    OUTCOME_POLICY,
    OUTCOME_NEUTRAL,
    OUTCOME_TEMPERROR,
    OUTCOME_PERMERROR
};
const char *outcome_name(enum outcome outcome); /* "temperror"; static */
/* The worse of two outcomes: permerror, fail, temperror, policy, neutral, none, pass. */
bool outcome_is_worse(enum outcome a, enum outcome b);

struct finding {
    enum outcome outcome;
    char reason[320]; /* for a person; printable */
};
/* Sets outcome and reason, and makes the reason printable. Returns outcome == OUTCOME_PASS. */
bool finding_set(struct finding *finding, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Returns true if the outcome is pass; hoping: also if it could not be checked now (temperror). */
bool finding_holds(const struct finding *finding, bool hoping);

#endif
