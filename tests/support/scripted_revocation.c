/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scripted_revocation.h"

#include <criterion/criterion.h>

#include <string.h>

struct scripted_revocation scripted_revocation[2];

static void *script_open(struct scripted_revocation *script, const char *file, struct faults *faults)
{
    if (script->does_not_open) {
        faults_add(faults, file, 0, "scripted: does not open");
        return NULL;
    }
    script->opened++;
    return script;
}

static void *open_first(const struct revocation_setup *setup, struct faults *faults)
{
    return script_open(&scripted_revocation[0], setup->file, faults);
}

static void *open_second(const struct revocation_setup *setup, struct faults *faults)
{
    return script_open(&scripted_revocation[1], setup->file, faults);
}

static void script_close(void *state)
{
    ((struct scripted_revocation *)state)->closed++;
}

static void answer(const struct scripted_revocation *script, const X509 *certificate, struct revocation_answer *answer)
{
    g_autofree char *subject = certificate_subject(certificate);
    for (size_t i = 0; i < SCRIPTED_ROWS_MAX && script->rows[i].subject != NULL; i++)
        if (strstr(subject, script->rows[i].subject) != NULL) {
            answer->status = script->rows[i].status;
            answer->reason = script->rows[i].reason;
            answer->until = MIN(answer->until, script->rows[i].until);
            return;
        }
}

static void script_ask(void *state, const struct revocation_query *query, struct revocation_answer *answers)
{
    struct scripted_revocation *script = state;
    script->asks++;
    if (script->on_ask != NULL)
        script->on_ask(query, answers);
    for (int i = 0; i < sk_X509_num(query->chain); i++)
        if (answers[i].status == REVOCATION_UNKNOWN)
            answer(script, sk_X509_value(query->chain, i), &answers[i]);
}

static const struct revocation_source first = {
    .name = "first", .open = open_first, .close = script_close, .ask = script_ask};
static const struct revocation_source second = {
    .name = "second", .open = open_second, .close = script_close, .ask = script_ask};
const struct revocation_source *const scripted_revocation_sources[] = {&first, &second, NULL};

void scripted_revocation_replace(struct trust **trust, const struct conf *conf)
{
    owned(faults) struct faults *faults = faults_new();
    trust_close(*trust);
    *trust = trust_open_with(conf, scripted_revocation_sources, faults);
    cr_assert_not_null(*trust, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
}
