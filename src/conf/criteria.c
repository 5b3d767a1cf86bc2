/* SPDX-License-Identifier: Apache-2.0 */
/*
 * criteria: the words for what a rule looks at, and for the kinds of certificates.
 */
#include "conf/conf.h"

#include <glib.h>

static const char *const criterion_words[] = {"from", "to", "subject", "header", "login", "kind", "larger_than"};
static const char *const kind_words[] = {"calendar", "auto-reply", "bounce", "list", "signed", "encrypted"};

static const char *const certificate_kind_words[CERTIFICATE_KINDS] = {"own", "group", "domain"};

const char *criterion_name(enum criterion criterion)
{
    return (size_t)criterion < G_N_ELEMENTS(criterion_words) ? criterion_words[criterion] : "?";
}

const char *kind_name(enum kind kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kind_words); i++)
        if (1u << i == (unsigned)kind)
            return kind_words[i];
    return "?";
}

const char *certificate_kind_name(enum certificate_kind kind)
{
    return (size_t)kind < G_N_ELEMENTS(certificate_kind_words) ? certificate_kind_words[kind] : "?";
}

G_STATIC_ASSERT(G_N_ELEMENTS(criterion_words) == CRITERION_COUNT);
G_STATIC_ASSERT(G_N_ELEMENTS(kind_words) == KIND_COUNT);
