/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_lines: for `domsec cert find` and `domsec explain`, so that they show a search alike.
 */
#include "search_lines.h"

#include "describe.h"
#include "output.h"

static char *duration(int64_t microseconds)
{
    if (microseconds < 999500)
        return g_strdup_printf("%.1f ms", (double)microseconds / 1000);
    return g_strdup_printf("%.1f s", (double)microseconds / G_USEC_PER_SEC);
}

static void print_steps(const struct certs_answer *answer, unsigned indent)
{
    owned(table) struct table *table = table_new(4);
    const char *const heading[] = {"source", "asked", "took", "answer"};
    table_row(table, heading);
    for (size_t i = 0; i < answer->step_count; i++) {
        const struct certs_step *step = &answer->steps[i];
        g_autofree char *took = duration(step->microseconds);
        g_autofree char *outcome = certificate_search_outcome(step);
        const char *cells[] = {step->source, step->asked, took, outcome};
        table_row(table, cells);
    }
    table_print(table, stdout, indent, true);
}

static void print_candidates(const struct certificate_search *search, unsigned indent)
{
    owned(table) struct table *table = table_new(6);
    const char *const heading[] = {"sha256", "from", "for", "expires", "name", "note"};
    table_row(table, heading);
    for (size_t i = 0; i < search->answer->count; i++) {
        const struct candidate *candidate = &search->answer->list[i];
        g_autofree char *id = describe_id(candidate->certificate);
        g_autofree char *expires = describe_date(X509_get0_notAfter(candidate->certificate));
        g_autofree char *name = describe_name(candidate->certificate);
        g_autofree char *note = search->note(search->context, i);
        const char *cells[] = {id, candidate->source, certificate_search_whose(candidate), expires, name, note};
        table_row(table, cells);
    }
    table_print(table, stdout, indent, true);
}

void search_print(const struct certificate_search *search, unsigned indent)
{
    int margin = (int)indent;
    if (search->answer->step_count > 0) {
        printf("%*ssearch\n", margin, "");
        print_steps(search->answer, indent + 2);
    }
    if (search->answer->count == 0) {
        printf("%*scertificates  %s\n", margin, "", search->answer->step_count > 0 ? "none found" : "not looked for");
        return;
    }
    printf("%*scertificates\n", margin, "");
    print_candidates(search, indent + 2);
}

json_t *search_certificates_json(const struct certificate_search *search)
{
    json_t *list = json_array();
    for (size_t i = 0; i < search->answer->count; i++) {
        json_t *entry = describe_json(search->answer->list[i].certificate);
        g_autofree char *note = search->note(search->context, i);
        json_object_set_new(entry, "source", describe_string(search->answer->list[i].source));
        json_object_set_new(entry, "for", describe_string(certificate_search_whose(&search->answer->list[i])));
        json_object_set_new(entry, "note", describe_string(note));
        json_array_append_new(list, entry);
    }
    return list;
}
