/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_bench: what a lookup costs that the cache answers, in microseconds of processor time: for one name, and with
 * as many names as the cache holds. The source behind it is asked once for each name.
 *
 *     lookup_bench [LOOKUPS]
 */
#include "clock.h"

#include "support/pki.h"
#include "support/scripted_certs.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES_MOST 6000 /* each with a certificate of its own: the cache holds 20,000 of both */

static bool accept_any(void *context, size_t query, const struct candidate *candidate, struct finding *finding)
{
    (void)context;
    (void)query;
    (void)candidate;
    return finding_set(finding, OUTCOME_PASS, "good");
}

static void ask(const struct certs *certs, const struct partner *partner, const struct address *address)
{
    static const struct certs_acceptance any = {.check = accept_any};
    const struct certs_query query = {.purpose = CERTS_ENCRYPT, .partner = partner, .address = address};
    struct certs_answer answer = {0};
    certs_ask(certs, &query, 1, CERTS_NO_DEADLINE, &any, &answer);
    if (answer.found != FOUND)
        abort();
    certs_answers_clear(&answer, 1);
}

static void measure(const struct certs *certs, const struct partner *partner, const struct address *names,
                    unsigned count, unsigned lookups)
{
    for (unsigned i = 0; i < count; i++)
        ask(certs, partner, &names[i]);
    double before = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < lookups; i++)
        ask(certs, partner, &names[(i * 7919U) % count]);
    double after = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    printf("names=%u us=%.2f\n", count, (after - before) * 1e3 / lookups);
}

int main(int argc, char **argv)
{
    unsigned lookups = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 300000;
    static struct partner partner;
    struct address *names = g_new0(struct address, NAMES_MOST);
    struct scripted_certs *script = scripted_certs_new("ldap");
    struct pki *one = pki_ca("one");
    script->source.waits = true;
    script->seconds = 3600;
    for (unsigned i = 0; i < NAMES_MOST; i++) {
        names[i].local = g_strdup_printf("p%u", i);
        names[i].domain = g_strdup_printf("d%u.test", i / 10);
        names[i].text = g_strdup_printf("%s@%s", names[i].local, names[i].domain);
        scripted_certs_own(script, names[i].text, one->cert);
    }
    struct certs *certs = certs_with((struct certs_opened[]){scripted_certs_source(script)}, 1);
    measure(certs, &partner, names, 1, lookups);
    measure(certs, &partner, names, NAMES_MOST, lookups);
    certs_close(certs);
    for (unsigned i = 0; i < NAMES_MOST; i++)
        address_clear(&names[i]);
    g_free(names);
    pki_free(one);
    return 0;
}
