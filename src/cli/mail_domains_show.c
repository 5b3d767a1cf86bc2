/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_domains_show: the records as a table with warnings below it, and as JSON.
 */
#include "mail_domains.h"

#include "describe.h"
#include "output.h"

static char *joined(const GPtrArray *list, const char *quote)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(text, "%s%s%s%s", i > 0 ? ", " : "", quote, (const char *)list->pdata[i], quote);
    return g_strdup(text->str);
}

static char *caa_text(const struct mail_domain *domain)
{
    if (domain->caa.found == FOUND_FAILED)
        return g_strdup(domain->caa.reason);
    if (domain->caa_at == NULL)
        return g_strdup("no record, so that any authority may issue");
    g_autofree char *values = joined(domain->issuemail, "\"");
    if (domain->issuemail->len > 0)
        return g_strdup_printf("issuemail %s at %s", values, domain->caa_at);
    return g_strdup_printf("no issuemail at %s%s", domain->caa_at,
                           domain->issuance == ISSUANCE_ANY ? ", so that any authority may issue" : "");
}

static char *mx_text(const struct mail_domain *domain)
{
    if (domain->mx.found == FOUND_FAILED)
        return g_strdup(domain->mx.reason);
    if (domain->null_mx)
        return g_strdup("null MX");
    return domain->hosts->len > 0 ? joined(domain->hosts, "") : g_strdup("no record");
}

static void warn(GPtrArray *warnings, const struct mail_domain *domain, char *text)
{
    g_ptr_array_add(warnings, g_strconcat(domain->name, ": ", text, NULL));
    g_free(text);
}

static void warn_of_caa(const struct mail_domain *domain, GPtrArray *warnings)
{
    if (domain->caa.found == FOUND_FAILED && g_str_equal(domain->caa.dnssec, "bogus"))
        warn(warnings, domain,
             g_strdup("DNSSEC does not prove what CAA records it has; an authority that finds the same may not issue"));
    else if (domain->caa.found == FOUND_FAILED)
        warn(warnings, domain, g_strdup("whether CAA records forbid issuance is not known, because the lookup failed"));
    if (domain->malformed)
        warn(warnings, domain, g_strdup("a CAA record is malformed; a malformed issuemail permits nothing"));
    for (guint i = 0; i < domain->critical->len; i++)
        warn(warnings, domain,
             g_strdup_printf("the critical CAA property \"%s\" forbids issuance to authorities that do not know it",
                             (const char *)domain->critical->pdata[i]));
    if (domain->issuance == ISSUANCE_FORBIDDEN && domain->critical->len == 0)
        warn(warnings, domain,
             g_strdup("issuemail names no authority, so that no public authority may issue for its addresses"));
}

static void warn_of_mx(const struct mail_domain *domain, GPtrArray *warnings)
{
    if (domain->mx.found == FOUND_FAILED)
        warn(warnings, domain, g_strdup("whether it takes mail is not known, because the lookup failed"));
    else if (domain->null_mx)
        warn(warnings, domain, g_strdup("it takes no mail, so that no authority can confirm an address by mail"));
    else if (domain->hosts->len == 0)
        warn(warnings, domain, g_strdup("it has no MX record; mail arrives only if it has an address record"));
}

static GPtrArray *warnings_of(const struct mail_domain *domain)
{
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
    warn_of_caa(domain, warnings);
    warn_of_mx(domain, warnings);
    return warnings;
}

static void print_records(const struct mail_domains *domains)
{
    owned(table) struct table *table = table_new(4);
    const char *const heading[] = {"domain", "record", "dnssec", "content"};
    table_row(table, heading);
    for (guint i = 0; i < domains->list->len; i++) {
        const struct mail_domain *domain = domains->list->pdata[i];
        g_autofree char *caa = caa_text(domain), *mx = mx_text(domain);
        const char *const rows[][4] = {{domain->name, "CAA", domain->caa.dnssec, caa},
                                       {domain->name, "MX", domain->mx.dnssec, mx}};
        table_row(table, rows[0]);
        table_row(table, rows[1]);
    }
    table_print(table, stdout, 2, true);
}

void mail_domains_print(const struct mail_domains *domains, const char *issuer)
{
    if (domains->list->len == 0) {
        printf("DNS: there is no mail domain to ask for\n");
        return;
    }
    printf("DNS, to compare with %s%s; no verdict on mail depends on it\n",
           issuer != NULL ? "the issuer " : "the authority that is to issue it", issuer != NULL ? issuer : "");
    print_records(domains);
    owned(table) struct table *table = table_new(2);
    for (guint i = 0; i < domains->list->len; i++) {
        g_autoptr(GPtrArray) warnings = warnings_of(domains->list->pdata[i]);
        for (guint j = 0; j < warnings->len; j++) {
            const char *const cells[] = {"warning", warnings->pdata[j]};
            table_row(table, cells);
        }
    }
    table_print(table, stdout, 2, false);
    if (domains->omitted > 0)
        printf("  %zu further domains were not asked for\n", domains->omitted);
}

static json_t *strings(const GPtrArray *list)
{
    json_t *array = json_array();
    for (guint i = 0; i < list->len; i++)
        json_array_append_new(array, describe_string(list->pdata[i]));
    return array;
}

static json_t *answer_json(const struct zone_answer *answer)
{
    static const char *const results[] = {[FOUND] = "found", [FOUND_NONE] = "none", [FOUND_FAILED] = "failed"};
    json_t *json = json_object();
    json_object_set_new(json, "result", json_string(results[answer->found]));
    json_object_set_new(json, "dnssec", json_string(answer->dnssec));
    json_object_set_new(json, "reason", describe_string(answer->reason));
    return json;
}

json_t *mail_domains_json(const struct mail_domains *domains)
{
    static const char *const issuances[] = {"any", "named", "forbidden", "unknown"};
    json_t *array = json_array();
    for (guint i = 0; i < domains->list->len; i++) {
        const struct mail_domain *domain = domains->list->pdata[i];
        json_t *caa = answer_json(&domain->caa), *mx = answer_json(&domain->mx), *json = json_object();
        json_object_set_new(caa, "at", describe_string(domain->caa_at));
        json_object_set_new(caa, "issuemail", strings(domain->issuemail));
        json_object_set_new(caa, "issuance", json_string(issuances[domain->issuance]));
        json_object_set_new(mx, "hosts", strings(domain->hosts));
        json_object_set_new(mx, "null", json_boolean(domain->null_mx));
        g_autoptr(GPtrArray) warnings = warnings_of(domain);
        json_object_set_new(json, "domain", describe_string(domain->name));
        json_object_set_new(json, "caa", caa);
        json_object_set_new(json, "mx", mx);
        json_object_set_new(json, "warnings", strings(warnings));
        json_array_append_new(array, json);
    }
    return array;
}
